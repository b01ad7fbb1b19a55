// SPDX-License-Identifier: MIT
/*
 * A link comes up in steps: Hello is answered with the settings, then the agent reads what IKE
 * knows (ListQm, ListMm), and only then gives it what it does not know and the negotiations to
 * start. An ipsec-ike that was restarted knows nothing, one that has outlived the agent knows
 * all; the steps are the same. IKE's own questions are answered from Hello on.
 */
#include "agent/ike.h"

#include <errno.h>
#include <stdio.h>

#include "agent/keylog.h"
#include "agent/oakley.h"
#include "base/log.h"
#include "daemon/confine.h"

#define PATH_MAX_LEN	128
#define LIST_MAX	(2 * NEGOTIATE_MMS_MAX)

enum pending_kind {
	PENDING_PLAIN,		/* only the error matters, and that to nobody */
	PENDING_ACQUIRE,
	PENDING_DONE,
	PENDING_STATISTICS,
	PENDING_LIST_MM,
	PENDING_LIST_QM,
};

typedef void (*list_mm_fn)(void *userdata, int error, const struct ike_mm_info *items, size_t n);
typedef void (*list_qm_fn)(void *userdata, int error, const struct ike_qm_info *items, size_t n);

/* A call that is not answered yet. */
struct pending {
	struct pending *next;
	struct pending **place;
	struct ike *ike;
	enum pending_kind kind;
	uint64_t acquire_id;
	union {
		void (*done)(void *userdata, int error);
		void (*statistics)(void *userdata, int error, const struct ike_stats *stats);
		list_mm_fn list_mm;
		list_qm_fn list_qm;
	} fn;
	void *userdata;
	/* lists: what the pages have brought so far */
	void *items;
	size_t n_items;
};

struct ike {
	struct link_server *server;
	struct link *link;		/* said Hello */
	struct negotiate *negotiate;
	struct link_ike_config settings;
	struct pending *pendings;
	char *keylog_dir;
	struct oakley *oakley;
	struct process process;		/* up: and has been brought up to date */
};

/* --- calls that are not answered yet ------------------------------------------------------ */

static struct pending *pending_new(struct ike *ike, enum pending_kind kind, void *userdata)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending)
		return NULL;
	pending->ike = ike;
	pending->kind = kind;
	pending->userdata = userdata;
	pending->next = ike->pendings;
	pending->place = &ike->pendings;
	if (pending->next)
		pending->next->place = &pending->next;
	ike->pendings = pending;
	return pending;
}

static void free_names(struct ike_mm_info *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)items[i].local_name);
		free((char *)items[i].remote_name);
		free((char *)items[i].authority);
	}
}

static struct pending *pending_free(struct pending *pending)
{
	if (!pending)
		return NULL;
	*pending->place = pending->next;
	if (pending->next)
		pending->next->place = pending->place;
	if (pending->kind == PENDING_LIST_MM)
		free_names(pending->items, pending->n_items);
	free(pending->items);
	free(pending);
	return NULL;
}

static int own_name(const char **name)
{
	if (!*name)
		return 0;
	*name = strdup(*name);
	return *name ? 0 : -ENOMEM;
}

/* Those of a page end with its message. A name that could not be copied is NULL. */
static int own_names(struct ike_mm_info *items, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++)
		r = own_name(&items[i].local_name) | own_name(&items[i].remote_name) |
		    own_name(&items[i].authority) | r;
	return r ? -ENOMEM : 0;
}

static int add_items(struct pending *pending, const void *items, size_t n, size_t size)
{
	void *longer;

	if (pending->n_items + n > LIST_MAX)
		return -E2BIG;	/* an endless list is not an honest one */
	longer = reallocarray(pending->items, pending->n_items + n + 1, size);

	if (!longer)
		return -ENOMEM;
	pending->items = longer;
	if (n)
		memcpy((char *)longer + pending->n_items * size, items, n * size);
	pending->n_items += n;
	return 0;
}

static void on_reply(void *userdata, int error, const void *reply);

static int ask_page(struct pending *pending)
{
	struct link_page page = { .skip = (uint32_t)pending->n_items, .limit = LINK_PAGE_MAX };

	return link_call(pending->ike->link,
			 pending->kind == PENDING_LIST_MM ? &link_list_mm : &link_list_qm, &page, 0,
			 on_reply, pending, NULL);
}

/* 1 when another page was asked for, 0 when that was all, -errno. */
static int take_page(struct pending *pending, const void *reply)
{
	const struct link_mm_list *mms = reply;
	const struct link_qm_list *qms = reply;
	size_t n = pending->kind == PENDING_LIST_MM ? mms->n_items : qms->n_items;
	int r = pending->kind == PENDING_LIST_MM ?
		add_items(pending, mms->items, n, sizeof(*mms->items)) :
		add_items(pending, qms->items, n, sizeof(*qms->items));

	if (!r && pending->kind == PENDING_LIST_MM)
		r = own_names((struct ike_mm_info *)pending->items + pending->n_items - n, n);
	if (r || n < LINK_PAGE_MAX)
		return r;
	r = ask_page(pending);
	return r ? r : 1;
}

static void finish(struct pending *pending, int error, const void *reply)
{
	struct ike *ike = pending->ike;
	size_t n = error ? 0 : pending->n_items;

	switch (pending->kind) {
	case PENDING_PLAIN:
		break;
	case PENDING_ACQUIRE:
		if (error && ike->negotiate)
			negotiate_acquire_refused(ike->negotiate, pending->acquire_id, error);
		break;
	case PENDING_DONE:
		pending->fn.done(pending->userdata, error);
		break;
	case PENDING_STATISTICS:
		pending->fn.statistics(pending->userdata, error, reply);
		break;
	case PENDING_LIST_MM:
		pending->fn.list_mm(pending->userdata, error, pending->items, n);
		break;
	case PENDING_LIST_QM:
		pending->fn.list_qm(pending->userdata, error, pending->items, n);
		break;
	}
	pending_free(pending);
}

static void on_reply(void *userdata, int error, const void *reply)
{
	struct pending *pending = userdata;

	if (!error && (pending->kind == PENDING_LIST_MM || pending->kind == PENDING_LIST_QM)) {
		int r = take_page(pending, reply);

		if (r > 0)
			return;
		error = r;
	}
	finish(pending, error, reply);
}

static int start(struct pending *pending, const struct link_method *method, const void *args)
{
	int r;

	if (!pending)
		return -ENOMEM;
	r = link_call(pending->ike->link, method, args, 0, on_reply, pending, NULL);
	if (r)
		pending_free(pending);
	return r;
}

/* --- what negotiate.h sends --------------------------------------------------------------- */

static int call_plain(struct ike *ike, const struct link_method *method, const void *args)
{
	return ike->link ? start(pending_new(ike, PENDING_PLAIN, NULL), method, args) : -ENOTCONN;
}

static int send_acquire(void *userdata, const struct ike_acquire *acquire)
{
	struct ike *ike = userdata;
	struct pending *pending;

	if (!ike->link)
		return -ENOTCONN;
	pending = pending_new(ike, PENDING_ACQUIRE, NULL);
	if (pending)
		pending->acquire_id = acquire->id;
	return start(pending, &link_acquire, acquire);
}

static int send_cancel_acquire(void *userdata, uint64_t acquire_id)
{
	struct link_acquire_ref ref = { acquire_id };

	return call_plain(userdata, &link_cancel_acquire, &ref);
}

static int send_expire(void *userdata, const struct link_expire *expire)
{
	return call_plain(userdata, &link_expire, expire);
}

static int send_delete_mm(void *userdata, uint64_t mm_id, enum ike_reason reason)
{
	struct link_sa_id id = { mm_id, reason };

	return call_plain(userdata, &link_delete_mm, &id);
}

static int send_delete_filter(void *userdata, uint32_t filter_id, enum ike_reason reason)
{
	struct link_filter_ref ref = { filter_id, reason };

	return call_plain(userdata, &link_delete_filter, &ref);
}

static int send_adopt_sa(void *userdata, const struct ike_sa_install *install)
{
	return call_plain(userdata, &link_adopt_sa, install);
}

static void on_listed(void *userdata, int error, const struct ike_mm_info *items, size_t n)
{
	struct ike *ike = userdata;

	for (size_t i = 0; i < n; i++)
		negotiate_listed_mm(ike->negotiate, &items[i]);
	negotiate_listed(ike->negotiate, error);
}

/* Not ike_list_mm(): that answers at once when it cannot ask, and the caller is not ready then. */
static int send_list_mm(void *userdata)
{
	struct ike *ike = userdata;
	struct pending *pending;
	int r;

	if (!ike->link)
		return -ENOTCONN;
	pending = pending_new(ike, PENDING_LIST_MM, ike);
	if (!pending)
		return -ENOMEM;
	pending->fn.list_mm = on_listed;
	r = ask_page(pending);
	if (r)
		pending_free(pending);
	return r;
}

const struct negotiate_ike ike_negotiate_calls = {
	.acquire = send_acquire,
	.cancel_acquire = send_cancel_acquire,
	.expire = send_expire,
	.delete_mm = send_delete_mm,
	.delete_filter = send_delete_filter,
	.adopt_sa = send_adopt_sa,
	.list_mm = send_list_mm,
};

/* --- questions of the agent --------------------------------------------------------------- */

void ike_list_mm(struct ike *ike, list_mm_fn done, void *userdata)
{
	struct pending *pending = ike->link ? pending_new(ike, PENDING_LIST_MM, userdata) : NULL;
	int r = pending ? 0 : ike->link ? -ENOMEM : -ENOTCONN;

	if (pending) {
		pending->fn.list_mm = done;
		r = ask_page(pending);
		if (r)
			pending_free(pending);
	}
	if (r)
		done(userdata, r, NULL, 0);
}

void ike_list_qm(struct ike *ike, list_qm_fn done, void *userdata)
{
	struct pending *pending = ike->link ? pending_new(ike, PENDING_LIST_QM, userdata) : NULL;
	int r = pending ? 0 : ike->link ? -ENOMEM : -ENOTCONN;

	if (pending) {
		pending->fn.list_qm = done;
		r = ask_page(pending);
		if (r)
			pending_free(pending);
	}
	if (r)
		done(userdata, r, NULL, 0);
}

void ike_get_statistics(struct ike *ike,
			void (*done)(void *userdata, int error, const struct ike_stats *stats),
			void *userdata)
{
	struct pending *pending = ike->link ? pending_new(ike, PENDING_STATISTICS, userdata) : NULL;
	int r;

	if (pending)
		pending->fn.statistics = done;
	r = ike->link ? start(pending, &link_statistics, NULL) : -ENOTCONN;
	if (r)
		done(userdata, r, NULL);
}

static void call_done(struct ike *ike, const struct link_method *method, const void *args,
		      void (*done)(void *userdata, int error), void *userdata)
{
	struct pending *pending = ike->link ? pending_new(ike, PENDING_DONE, userdata) : NULL;
	int r;

	if (pending)
		pending->fn.done = done;
	r = ike->link ? start(pending, method, args) : -ENOTCONN;
	if (r)
		done(userdata, r);
}

void ike_delete_peer(struct ike *ike, const struct ip_addr *local, const struct ip_addr *remote,
		     void (*done)(void *userdata, int error), void *userdata)
{
	struct link_peer_ref peer = {
		.local = *local, .remote = *remote, .reason = IKE_REASON_DELETED_BY_ADMIN,
	};

	call_done(ike, &link_delete_peer, &peer, done, userdata);
}

void ike_delete_all(struct ike *ike, void (*done)(void *userdata, int error), void *userdata)
{
	struct link_flush flush = { .reason = IKE_REASON_DELETED_BY_ADMIN };

	call_done(ike, &link_flush, &flush, done, userdata);
}

void ike_flush(struct ike *ike, enum ike_reason reason)
{
	struct link_flush flush = { .reason = reason };

	(void)call_plain(ike, &link_flush, &flush);
}

void ike_set_config(struct ike *ike, const struct link_ike_config *settings)
{
	ike->settings = *settings;
	(void)call_plain(ike, &link_set_config, settings);
}

bool ike_is_up(const struct ike *ike)
{
	return ike->process.is_up;
}

const struct process *ike_process(const struct ike *ike)
{
	return &ike->process;
}

void ike_set_negotiate(struct ike *ike, struct negotiate *negotiate)
{
	ike->negotiate = negotiate;
}

/* --- questions of IKE --------------------------------------------------------------------- */

/* Only who has said Hello on the link that counts is answered. */
static bool is_welcome(struct ike *ike, struct link_request *request)
{
	if (ike->link && link_request_link(request) == ike->link)
		return true;
	link_fail(request, -EPROTO);
	return false;
}

static void answer(struct link_request *request, int r, const void *reply)
{
	if (r)
		link_fail(request, r);
	else
		(void)link_reply(request, reply);
}

static void on_policy_mm(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;
	struct ike_mm_policy policy;

	if (is_welcome(ike, request))
		answer(request, negotiate_policy_mm(ike->negotiate, args, &policy), &policy);
}

static void on_policy_qm(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;
	struct ike_qm_policy policy;

	if (is_welcome(ike, request))
		answer(request, negotiate_policy_qm(ike->negotiate, args, &policy), &policy);
}

static void on_get_spi(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;
	struct link_spi spi = { 0 };

	if (is_welcome(ike, request))
		answer(request, negotiate_get_spi(ike->negotiate, args, &spi.spi), &spi);
}

static void on_add_sa(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;

	if (is_welcome(ike, request))
		answer(request, negotiate_add_sa(ike->negotiate, args), NULL);
}

static void on_del_sa(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;

	(void)request;
	if (ike->link)
		negotiate_del_sa(ike->negotiate, args);
}

static void on_acquire_result(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;

	(void)request;
	if (ike->link)
		negotiate_acquire_result(ike->negotiate, args);
}

static void on_event(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;

	(void)request;
	if (ike->link)
		negotiate_event(ike->negotiate, args);
}

static void on_trace(void *userdata, struct link_request *request, const void *args)
{
	const struct link_trace *trace = args;
	struct ike *ike = userdata;
	char text[64];
	pid_t pid;

	(void)request;
	if (!ike->link)
		return;
	pid = link_peer(ike->link)->pid;
	if (trace->dropped) {
		snprintf(text, sizeof(text), "%u steps before this one were too many",
			 trace->dropped);
		oakley_write(ike->oakley, pid, text);
	}
	for (size_t i = 0; i < trace->n_lines; i++)
		oakley_write(ike->oakley, pid, trace->lines[i].text);
}

static void on_keylog(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;
	int r;

	(void)request;
	if (!ike->settings.keylog || !ike->keylog_dir)
		return;		/* nobody asked for keys */
	r = keylog_write(ike->keylog_dir, args);
	if (r)
		log_warning("keys could not be exported to %s: %s", ike->keylog_dir, strerror(-r));
}

/* --- coming and going --------------------------------------------------------------------- */

static void on_known_mms(void *userdata, int error, const struct ike_mm_info *items, size_t n)
{
	struct ike *ike = userdata;

	if (error) {
		if (ike->link)
			link_close(ike->link, error);
		return;
	}
	for (size_t i = 0; i < n; i++)
		negotiate_known_mm(ike->negotiate, &items[i]);
	process_came(&ike->process, link_peer(ike->link)->pid);
	negotiate_ike_up(ike->negotiate);
}

static void on_known_qms(void *userdata, int error, const struct ike_qm_info *items, size_t n)
{
	struct ike *ike = userdata;

	if (error) {
		if (ike->link)
			link_close(ike->link, error);
		return;
	}
	for (size_t i = 0; i < n; i++)
		negotiate_known_qm(ike->negotiate, &items[i]);
	ike_list_mm(ike, on_known_mms, ike);
}

static void on_hello(void *userdata, struct link_request *request, const void *args)
{
	struct ike *ike = userdata;
	const struct link_hello *hello = args;
	struct link *link = link_request_link(request);

	if (hello->version != LINK_VERSION || ike->link) {
		log_warning("ipsec-ike was not let in: %s",
			    ike->link ? "it said hello twice" : "it is of another version");
		link_fail(request, -EPROTO);
		return;
	}
	ike->link = link;
	(void)link_reply(request, &ike->settings);
	ike_list_qm(ike, on_known_qms, ike);
}

static void on_down(void *userdata, struct link *link, int error)
{
	struct ike *ike = userdata;

	if (link != ike->link)
		return;
	ike->link = NULL;
	if (ike->process.is_up)
		process_went(&ike->process);
	else
		log_debug("the link to ipsec-ike ended: %s", strerror(-error));
	negotiate_ike_down(ike->negotiate);
}

/* --- life --------------------------------------------------------------------------------- */

static const struct link_handler handlers[] = {
	{ &link_hello, on_hello },
	{ &link_policy_mm, on_policy_mm },
	{ &link_policy_qm, on_policy_qm },
	{ &link_get_spi, on_get_spi },
	{ &link_add_sa, on_add_sa },
	{ &link_del_sa, on_del_sa },
	{ &link_acquire_result, on_acquire_result },
	{ &link_event, on_event },
	{ &link_trace, on_trace },
	{ &link_keylog, on_keylog },
};

struct ike *ike_free(struct ike *ike)
{
	if (!ike)
		return NULL;
	link_server_free(ike->server);
	while (ike->pendings)
		pending_free(ike->pendings);
	free(ike->keylog_dir);
	free(ike);
	return NULL;
}

/* The socket belongs to the user that ipsec-ike becomes. */
static int listen_for(struct ike *ike, sd_event *event, const char *path)
{
	struct confine_user user = { .uid = geteuid(), .gid = getegid() };
	bool is_nobody, is_root = geteuid() == 0;
	bool has_user = is_root && !confine_find_user(NULL, IKE_USER, &user, &is_nobody);
	struct link_listener_config listen = {
		.path = path,
		.fd = -1,
		.mode = 0600,
		.owner = has_user ? user.uid : (uid_t)-1,
		.group = (gid_t)-1,
		.uids = { geteuid(), user.uid },
		.n_uids = 2,
		.connections_max = 1,
		.replace_oldest = true,
	};
	struct link_config config = {
		.handlers = handlers,
		.n_handlers = sizeof(handlers) / sizeof(handlers[0]),
		.down = on_down,
		.userdata = ike,
	};

	return link_server_new(event, &listen, &config, &ike->server);
}

int ike_new(sd_event *event, const char *run_dir, const char *keylog, struct oakley *oakley,
	    const struct link_ike_config *settings, struct ike **ret_ike)
{
	_cleanup_(ike_freep) struct ike *ike = calloc(1, sizeof(*ike));
	char path[PATH_MAX_LEN];
	int r;

	if (!ike)
		return -ENOMEM;
	ike->process.name = "ipsec-ike";
	ike->settings = *settings;
	ike->oakley = oakley;
	if (keylog) {
		ike->keylog_dir = strdup(keylog);
		if (!ike->keylog_dir)
			return -ENOMEM;
	}
	if (snprintf(path, sizeof(path), "%s/%s", run_dir, LINK_SOCKET_IKE) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	r = listen_for(ike, event, path);
	if (r < 0)
		return r;
	*ret_ike = TAKE_PTR(ike);
	return 0;
}
