// SPDX-License-Identifier: MIT
#include "ike/test_pair_side.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/confine.h"
#include "link/keylog.h"

/* What must not be left running when the program ends early. */
static pid_t children[64];
static size_t n_children;

static void kill_children(void)
{
	for (size_t i = 0; i < n_children; i++)
		if (children[i])
			(void)kill(children[i], SIGKILL);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	exit(1);
}

/* --- what ipsec-ike asks ------------------------------------------------------------------ */

static void on_hello(void *userdata, struct link_request *request, const void *args)
{
	const struct link_hello *hello = args;
	struct side *side = userdata;

	side->n_hellos++;
	side->instance = hello->instance;
	(void)link_reply(request, &side->config);
}

static void on_policy_mm(void *userdata, struct link_request *request, const void *args)
{
	const struct link_policy_mm_query *query = args;
	struct side *side = userdata;

	if (side->has_no_policy || !ip_addr_is_equal(&query->path.remote, &side->remote))
		link_fail(request, -ENOENT);
	else
		(void)link_reply(request, &side->mm);
}

static void on_policy_qm(void *userdata, struct link_request *request, const void *args)
{
	const struct ike_qm_query *query = args;
	struct side *side = userdata;

	if (!ip_addr_is_equal(&query->path.remote, &side->remote))
		link_fail(request, -ENOENT);
	else
		(void)link_reply(request, &side->qm);
}

static void on_get_spi(void *userdata, struct link_request *request, const void *args)
{
	struct side *side = userdata;
	struct link_spi spi = { .spi = side->next_spi++ };

	(void)args;
	(void)link_reply(request, &spi);
}

static void on_add_sa(void *userdata, struct link_request *request, const void *args)
{
	struct side *side = userdata;

	if (side->refuses_add_sa) {
		link_fail(request, -EPERM);
		return;
	}
	if (side->n_installs == SIDE_INSTALLS_MAX)
		die("%s: too many associations", side->name);
	side->installs[side->n_installs++] = *(const struct ike_sa_install *)args;
	(void)link_reply(request, NULL);
}

static void on_del_sa(void *userdata, struct link_request *request, const void *args)
{
	struct side *side = userdata;

	(void)request;
	if (side->n_refs == SIDE_REFS_MAX)
		die("%s: too many deletions", side->name);
	side->refs[side->n_refs++] = *(const struct ike_sa_ref *)args;
}

static void on_acquire_result(void *userdata, struct link_request *request, const void *args)
{
	struct side *side = userdata;

	(void)request;
	if (side->n_results == SIDE_RESULTS_MAX)
		die("%s: too many results", side->name);
	side->results[side->n_results++] = *(const struct link_acquire_result *)args;
}

static void on_event(void *userdata, struct link_request *request, const void *args)
{
	const struct ike_event *event = args;
	struct side *side = userdata;
	struct side_event *copy;

	(void)request;
	if (side->n_events == SIDE_EVENTS_MAX)
		die("%s: too many events", side->name);
	copy = &side->events[side->n_events++];
	copy->event = *event;
	copy->event.mm = NULL;
	copy->event.qm = NULL;
	(void)snprintf(copy->text, sizeof(copy->text), "%s", event->text);
	copy->event.text = copy->text;
	(void)printf("%s: event %d reason %d %s: %s\n", side->name, event->kind, event->reason,
		     event->failed_at_peer ? "peer" : "me", event->text);
}

/* As the agent will: appended to the file that tshark reads, for root only. */
static void on_keylog(void *userdata, struct link_request *request, const void *args)
{
	char path[256], line[LINK_KEYLOG_MAX_LEN];
	struct side *side = userdata;
	const char *name = NULL;
	int n = link_keylog_format(args, line, sizeof(line), &name);
	int fd;

	(void)request;
	if (n < 0)
		die("%s: keylog: %s", side->name, strerror(-n));
	side->n_keylogs++;
	(void)snprintf(path, sizeof(path), "%s/keylog", side->run_dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/keylog/%s", side->run_dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		die("%s: %s", path, strerror(errno));
	(void)close(fd);
}

static void on_up(void *userdata, struct link *link)
{
	((struct side *)userdata)->link = link;
}

static void on_down(void *userdata, struct link *link, int error)
{
	struct side *side = userdata;

	if (side->link == link)
		side->link = NULL;
	(void)printf("%s: ipsec-ike is gone: %s\n", side->name, strerror(-error));
}

static const struct link_handler handlers[] = {
	{ &link_hello, on_hello },
	{ &link_policy_mm, on_policy_mm },
	{ &link_policy_qm, on_policy_qm },
	{ &link_get_spi, on_get_spi },
	{ &link_add_sa, on_add_sa },
	{ &link_del_sa, on_del_sa },
	{ &link_acquire_result, on_acquire_result },
	{ &link_event, on_event },
	{ &link_keylog, on_keylog },
};

/* --- start and end ------------------------------------------------------------------------ */

static void set_policy(struct side *side)
{
	side->mm = (struct ike_mm_policy){
		.proposals = { { IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1, IKE_GROUP_MODP2048 } },
		.n_proposals = 1,
		.auth = { IKE_AUTH_PSK },
		.n_auth = 1,
	};
	side->qm = (struct ike_qm_policy){
		.filter_id = 7,
		.offers = { { .suites = { { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 128,
					    IKE_HASH_SHA1 } },
			      .n_suites = 1, .life_seconds = 3600 } },
		.n_offers = 1,
	};
	side->config = (struct link_ike_config){ .log_level = 7 };
	strcpy(side->psk, "correct horse battery staple");
}

static void listen_for_ike(struct side *side)
{
	struct link_config config = {
		.handlers = handlers,
		.n_handlers = sizeof(handlers) / sizeof(handlers[0]),
		.up = on_up,
		.down = on_down,
		.userdata = side,
	};
	struct link_listener_config listen = { .mode = 0600, .connections_max = 1,
					       .replace_oldest = true };
	struct confine_user user;
	char path[128];
	int r = confine_find_user(NULL, "ipsec-ike", &user, NULL);

	if (r < 0)
		die("no user for ipsec-ike");
	listen.owner = user.uid;
	listen.group = user.gid;
	listen.uids[0] = user.uid;
	listen.n_uids = 1;
	(void)snprintf(path, sizeof(path), "%s/" LINK_SOCKET_IKE, side->run_dir);
	listen.path = path;
	r = link_server_new(side->event, &listen, &config, &side->server);
	if (r < 0)
		die("%s: %s", path, strerror(-r));
}

void side_open(struct side *side, sd_event *event, const char *name, const char *netns,
	       const char *dir, const char *local, const char *remote)
{
	struct link_config config = { .userdata = side };
	char path[128];
	int r;

	*side = (struct side){ .name = name, .event = event, .next_spi = (uint32_t)name[0] << 16 };
	(void)snprintf(side->netns, sizeof(side->netns), "%s", netns);
	(void)snprintf(side->run_dir, sizeof(side->run_dir), "%s/%s", dir, name);
	if (mkdir(side->run_dir, 0755) < 0 && errno != EEXIST)
		die("%s: %s", side->run_dir, strerror(errno));
	if (ip_addr_parse(local, &side->local) < 0 || ip_addr_parse(remote, &side->remote) < 0)
		die("not addresses: %s %s", local, remote);
	set_policy(side);
	listen_for_ike(side);
	(void)snprintf(path, sizeof(path), "%s/" LINK_SOCKET_CRED_ADMIN, side->run_dir);
	r = link_client_new(event, path, NULL, 0, &config, &side->cred_admin);
	if (r < 0)
		die("%s: %s", path, strerror(-r));
}

void side_close(struct side *side)
{
	(void)link_client_free(side->cred_admin);
	(void)link_server_free(side->server);
	if (side->ike > 0)
		(void)side_kill(side, &side->ike, SIGKILL);
	if (side->cred > 0)
		(void)side_kill(side, &side->cred, SIGKILL);
}

/* In the child: into the namespace, standard error to a file, the program beside this one. */
static void exec_program(const struct side *side, const char *program)
{
	char path[512], self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int ns, log;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", side->netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (n < 0 || ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die("%s: %s", path, strerror(errno));
	(void)snprintf(path, sizeof(path), "%s/%s.log", side->run_dir, program);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0 || dup2(log, STDERR_FILENO) < 0)
		die("%s: %s", path, strerror(errno));
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s", self, program);
	(void)execl(path, program, "--run-dir", side->run_dir, "--foreground", (char *)NULL);
	die("%s: %s", path, strerror(errno));
}

static pid_t start(const struct side *side, const char *program)
{
	pid_t pid;

	if (n_children == 0)
		(void)atexit(kill_children);
	if (n_children == sizeof(children) / sizeof(children[0]))
		die("too many processes");
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		n_children = 0;		/* of its parent, not its own */
		exec_program(side, program);
	}
	children[n_children++] = pid;
	return pid;
}

void side_start_cred(struct side *side)
{
	side->cred = start(side, "ipsec-cred");
}

void side_start_ike(struct side *side)
{
	side->ike = start(side, "ipsec-ike");
}

int side_kill(struct side *side, pid_t *pid, int signal)
{
	int status = 0;

	if (*pid <= 0)
		die("%s: nothing to kill", side->name);
	if (kill(*pid, signal) < 0 || waitpid(*pid, &status, 0) != *pid)
		die("%s: kill: %s", side->name, strerror(errno));
	for (size_t i = 0; i < n_children; i++)
		if (children[i] == *pid)
			children[i] = 0;
	*pid = 0;
	return status;
}

/* --- calls -------------------------------------------------------------------------------- */

static void on_answer(void *userdata, int error, const void *reply)
{
	struct side *side = userdata;

	(void)reply;
	side->n_answers++;
	side->error = error;
}

static void on_mms(void *userdata, int error, const void *reply)
{
	const struct link_mm_list *list = reply;
	struct side *side = userdata;

	on_answer(side, error, reply);
	side->n_mms = 0;
	for (size_t i = 0; error == 0 && i < list->n_items && i < SIDE_LISTS_MAX; i++)
		side->mms[side->n_mms++] = list->items[i];
}

static void on_qms(void *userdata, int error, const void *reply)
{
	const struct link_qm_list *list = reply;
	struct side *side = userdata;

	on_answer(side, error, reply);
	side->n_qms = 0;
	for (size_t i = 0; error == 0 && i < list->n_items && i < SIDE_LISTS_MAX; i++)
		side->qms[side->n_qms++] = list->items[i];
}

static void on_stats(void *userdata, int error, const void *reply)
{
	struct side *side = userdata;

	on_answer(side, error, reply);
	if (error == 0)
		side->stats = *(const struct ike_stats *)reply;
}

static void on_secret_set(void *userdata, int error, const void *reply)
{
	struct side *side = userdata;

	(void)reply;
	if (error < 0)
		die("%s: secrets: %s", side->name, strerror(-error));
	side->n_secrets_set++;
}

void side_set_secret(struct side *side)
{
	struct link_credential key = {
		.value = (uint8_t *)side->psk,
		.value_len = strlen(side->psk),
	};
	struct link_credential_rule rule = {
		.remote = side->remote,
		.remote_prefix = (uint8_t)(8 * ip_addr_len(&side->remote)),
		.methods = &key,
		.n_methods = 1,
	};
	struct link_credentials list = { .rules = &rule, .n_rules = 1, .gss_name = (char *)"",
					 .gss_realms = (char *)"" };
	int r = link_client_call(side->cred_admin, &link_set_credentials, &list,
				 60 * UINT64_C(1000000), true, on_secret_set, side, NULL);

	if (r < 0)
		die("%s: secrets: %s", side->name, strerror(-r));
}

static void call(struct side *side, const struct link_method *method, const void *args,
		 link_reply_fn done)
{
	int before = side->n_answers;
	int r = link_call(side->link, method, args, 60 * UINT64_C(1000000), done, side, NULL);

	if (r < 0)
		die("%s: call: %s", side->name, strerror(-r));
	while (side->n_answers == before)
		if (sd_event_run(side->event, UINT64_MAX) < 0)
			die("%s: event loop", side->name);
}

void side_call(struct side *side, const struct link_method *method, const void *args)
{
	call(side, method, args, on_answer);
}

void side_list(struct side *side)
{
	struct link_page page = { .limit = LINK_PAGE_MAX };

	call(side, &link_list_mm, &page, on_mms);
	call(side, &link_list_qm, &page, on_qms);
	call(side, &link_statistics, NULL, on_stats);
}

void side_acquire(struct side *side)
{
	uint8_t prefix = (uint8_t)(8 * ip_addr_len(&side->local));
	struct ike_acquire acquire = {
		.id = ++side->acquire_id,
		.path = { .local = side->local, .remote = side->remote },
		.selector = { .local = side->local, .remote = side->remote,
			      .local_prefix = prefix, .remote_prefix = prefix },
		.mm = side->mm,
		.qm = side->qm,
	};

	side_call(side, &link_acquire, &acquire);
	if (side->error < 0)
		die("%s: acquire: %s", side->name, strerror(-side->error));
}

/* --- questions ---------------------------------------------------------------------------- */

const struct side_event *side_find_event(const struct side *side, enum ike_event_kind kind)
{
	for (size_t i = side->n_events; i > 0; i--)
		if (side->events[i - 1].event.kind == kind)
			return &side->events[i - 1];
	return NULL;
}

const struct ike_sa_install *side_find_install(const struct side *side,
					       enum ike_direction direction)
{
	for (size_t i = side->n_installs; i > 0; i--)
		if (side->installs[i - 1].directions & direction)
			return &side->installs[i - 1];
	return NULL;
}
