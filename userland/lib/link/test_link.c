// SPDX-License-Identifier: MIT
/* Links between two ends in one process: calls, refusals, who may connect, coming back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/codec.h"
#include "link/link.h"
#include "link/link_internal.h"
#include "link/messages.h"
#include "link/method.h"
#include "link/test_random.h"

#define DEADLINE_USEC (20 * UINT64_C(1000000))
#define NOBODY 65534

static uint64_t now_usec(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Runs the loop until the condition holds; the test fails when it takes too long. */
#define RUN_UNTIL(event, condition)                                             \
	do {                                                                    \
		uint64_t end_ = now_usec() + DEADLINE_USEC;                     \
									        \
		while (!(condition)) {                                          \
			if (now_usec() > end_)                                  \
				fail_msg("never: %s", #condition);              \
			assert_true(sd_event_run(event, 20000) >= 0);           \
		}                                                               \
	} while (0)

/* --- two ends ----------------------------------------------------------------------------- */

struct end {
	struct link *link;
	int up, down, error;
	int n_calls;			/* handled */
	const struct link_method *method;	/* of the last one */
	void *args;			/* copy of the last arguments */
	struct link_request *kept;	/* when is_lazy */
	bool is_lazy;
	int answer_error;
	const void *answer;
};

static const struct link_flush no_flush;

struct fixture {
	sd_event *event;
	struct end a, b;
	struct test_random random;
	int n_replies, error;
	void *reply;
	const struct codec_type *reply_type;
	char dir[64];
};

static void on_up(void *userdata, struct link *link)
{
	struct end *end = userdata;

	(void)link;
	end->up++;
}

static void on_down(void *userdata, struct link *link, int error)
{
	struct end *end = userdata;

	(void)link;
	end->down++;
	end->error = error;
}

static void forget(struct end *end)
{
	if (end->args)
		(void)codec_free(end->method->request, end->args);
	end->args = NULL;
}

static void handle(struct end *end, const struct link_method *method,
		   struct link_request *request, const void *args)
{
	forget(end);
	end->n_calls++;
	end->method = method;
	if (args) {
		end->args = codec_copy(method->request, args);
		assert_non_null(end->args);
	}
	assert_int_equal(method->is_one_way, request == NULL);
	if (!request)
		return;
	if (end->is_lazy)
		end->kept = request;
	else if (end->answer_error)
		link_fail(request, end->answer_error);
	else
		(void)link_reply(request, end->answer);
}

#define HANDLER(id)                                                             \
	static void handle_##id(void *userdata, struct link_request *request,   \
				const void *args)                               \
	{                                                                       \
		handle(userdata, &link_##id, request, args);                    \
	}

HANDLER(hello)
HANDLER(policy_mm)
HANDLER(policy_qm)
HANDLER(get_spi)
HANDLER(add_sa)
HANDLER(del_sa)
HANDLER(acquire_result)
HANDLER(event)
HANDLER(keylog)
HANDLER(acquire)
HANDLER(cancel_acquire)
HANDLER(expire)
HANDLER(delete_peer)
HANDLER(delete_mm)
HANDLER(delete_qm)
HANDLER(delete_filter)
HANDLER(flush)
HANDLER(list_mm)
HANDLER(list_qm)
HANDLER(statistics)
HANDLER(adopt_sa)
HANDLER(set_config)
HANDLER(psk_skeyid)
HANDLER(set_secrets)

static const struct link_handler all_handlers[] = {
	{ &link_hello, handle_hello },
	{ &link_policy_mm, handle_policy_mm },
	{ &link_policy_qm, handle_policy_qm },
	{ &link_get_spi, handle_get_spi },
	{ &link_add_sa, handle_add_sa },
	{ &link_del_sa, handle_del_sa },
	{ &link_acquire_result, handle_acquire_result },
	{ &link_event, handle_event },
	{ &link_keylog, handle_keylog },
	{ &link_acquire, handle_acquire },
	{ &link_cancel_acquire, handle_cancel_acquire },
	{ &link_expire, handle_expire },
	{ &link_delete_peer, handle_delete_peer },
	{ &link_delete_mm, handle_delete_mm },
	{ &link_delete_qm, handle_delete_qm },
	{ &link_delete_filter, handle_delete_filter },
	{ &link_flush, handle_flush },
	{ &link_list_mm, handle_list_mm },
	{ &link_list_qm, handle_list_qm },
	{ &link_statistics, handle_statistics },
	{ &link_adopt_sa, handle_adopt_sa },
	{ &link_set_config, handle_set_config },
	{ &link_psk_skeyid, handle_psk_skeyid },
	{ &link_set_secrets, handle_set_secrets },
};

#define N_HANDLERS (sizeof(all_handlers) / sizeof(all_handlers[0]))

static struct link_config config_of(struct end *end)
{
	return (struct link_config){
		.handlers = all_handlers,
		.n_handlers = N_HANDLERS,
		.up = on_up,
		.down = on_down,
		.userdata = end,
	};
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	f->random.state = 3;
	strcpy(f->dir, "/tmp/test_link.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	*state = f;
	return 0;
}

static int set_up_pair(void **state)
{
	struct link_config config;
	struct fixture *f;
	int fds[2];

	(void)set_up(state);
	f = *state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	config = config_of(&f->a);
	assert_int_equal(link_new_fd(f->event, fds[0], true, &config, &f->a.link), 0);
	config = config_of(&f->b);
	assert_int_equal(link_new_fd(f->event, fds[1], false, &config, &f->b.link), 0);
	RUN_UNTIL(f->event, f->a.up && f->b.up);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)link_free(f->a.link);
	(void)link_free(f->b.link);
	forget(&f->a);
	forget(&f->b);
	if (f->reply)
		(void)codec_free(f->reply_type, f->reply);
	sd_event_unref(f->event);
	assert_int_equal(rmdir(f->dir), 0);	/* nothing is left in it */
	free(f);
	return 0;
}

static void on_reply(void *userdata, int error, const void *reply)
{
	struct fixture *f = userdata;

	f->n_replies++;
	f->error = error;
	if (f->reply)
		f->reply = codec_free(f->reply_type, f->reply);
	if (error == 0 && f->reply_type) {
		f->reply = codec_copy(f->reply_type, reply);
		assert_non_null(f->reply);
	} else {
		assert_null(reply);
	}
}

static void call(struct fixture *f, struct link *link, const struct link_method *method,
		 const void *args, uint64_t timeout)
{
	if (f->reply)
		f->reply = codec_free(f->reply_type, f->reply);
	f->reply_type = method->reply;
	assert_int_equal(link_call(link, method, args, timeout, on_reply, f, NULL), 0);
}

/* --- calls -------------------------------------------------------------------------------- */

static void call_and_compare(struct fixture *f, struct end *from, struct end *to,
			     const struct link_method *method)
{
	void *args = method->request ? test_random_object(&f->random, method->request) : NULL;
	void *answer = method->reply ? test_random_object(&f->random, method->reply) : NULL;
	int n_calls = to->n_calls, n_replies = f->n_replies;

	to->answer = answer;
	if (method->is_one_way) {
		assert_int_equal(link_send(from->link, method, args), 0);
		RUN_UNTIL(f->event, to->n_calls > n_calls);
	} else {
		call(f, from->link, method, args, 0);
		RUN_UNTIL(f->event, f->n_replies > n_replies);
		assert_int_equal(f->error, 0);
		if (answer)
			assert_true(test_object_is_equal(method->reply, answer, f->reply));
	}
	assert_ptr_equal(to->method, method);
	if (args)
		assert_true(test_object_is_equal(method->request, args, to->args));
	forget(to);
	if (args)
		(void)codec_free(method->request, args);
	if (answer)
		(void)codec_free(method->reply, answer);
	to->answer = NULL;
}

/* Each message in both directions. */
static void test_all_calls(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(N_HANDLERS, link_n_methods);
	for (size_t round = 0; round < 5; round++) {
		for (size_t i = 0; i < link_n_methods; i++) {
			call_and_compare(f, &f->a, &f->b, link_methods[i]);
			call_and_compare(f, &f->b, &f->a, link_methods[i]);
		}
	}
	assert_int_equal(f->a.down + f->b.down, 0);
}

/* A page full of the largest entries goes through in one message. */
static void test_full_list(void **state)
{
	struct fixture *f = *state;
	struct ike_qm_info *one;
	struct link_qm_list list = { .n_items = LINK_PAGE_MAX };
	struct link_qm_list *some;

	do {
		some = test_random_object(&f->random, link_list_qm.reply);
		if (some->n_items)
			break;
		(void)codec_free(link_list_qm.reply, some);
	} while (true);
	one = &some->items[0];
	list.items = calloc(LINK_PAGE_MAX, sizeof(*one));
	assert_non_null(list.items);
	for (size_t i = 0; i < LINK_PAGE_MAX; i++)
		list.items[i] = *one;
	f->b.answer = &list;
	call(f, f->a.link, &link_list_qm, &(struct link_page){ .limit = LINK_PAGE_MAX }, 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_int_equal(((struct link_qm_list *)f->reply)->n_items, LINK_PAGE_MAX);
	free(list.items);
	(void)codec_free(link_list_qm.reply, some);
}

static void test_errors_are_passed_on(void **state)
{
	static const int errors[] = { -ENOENT, -EAGAIN, -EEXIST, -ENOSPC, -EINVAL, -ENOMEM, -EPROTO,
				      -EACCES, -ETIMEDOUT, -EIO, -EBUSY, -EPERM, -ENOTSUP };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		f->b.answer_error = errors[i];
		call(f, f->a.link, &link_flush, &no_flush, 0);
		RUN_UNTIL(f->event, f->n_replies == (int)i + 1);
		assert_int_equal(f->error, errors[i]);
	}
}

static void test_arguments_are_checked_before_sending(void **state)
{
	struct fixture *f = *state;
	struct link_flush bad = { .reason = (enum ike_reason)7 };

	assert_int_equal(link_call(f->a.link, &link_flush, &bad, 0, on_reply, f, NULL), -EINVAL);
	assert_int_equal(link_send(f->a.link, &link_flush, &no_flush), -EINVAL);
	assert_int_equal(link_call(NULL, &link_flush, &no_flush, 0, on_reply, f,
				   NULL), -ENOTCONN);
	/* an answer out of range is our own fault: the caller is told, the link stays */
	f->b.answer = &(struct link_spi){ .spi = 1 };
	call(f, f->a.link, &link_get_spi,
	     &(struct ike_spi_request){ .path = { .local = ip_addr_v4(1), .remote = ip_addr_v4(2) },
					.protocol = IKE_PROTOCOL_ESP }, 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, -EBADMSG);
	assert_int_equal(f->a.down, 0);
}

static void test_timeout_and_late_answer(void **state)
{
	struct fixture *f = *state;

	f->b.is_lazy = true;
	call(f, f->a.link, &link_flush, &no_flush, 1000);
	RUN_UNTIL(f->event, f->n_replies && f->b.kept);
	assert_int_equal(f->error, -ETIMEDOUT);
	assert_int_equal(link_reply(f->b.kept, NULL), 0);
	f->b.is_lazy = false;
	call(f, f->a.link, &link_flush, &no_flush, 0);
	RUN_UNTIL(f->event, f->n_replies == 2);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->a.down + f->b.down, 0);
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	struct link_call *running;

	f->b.is_lazy = true;
	assert_int_equal(link_call(f->a.link, &link_flush, &no_flush, 0, on_reply, f,
				   &running), 0);
	RUN_UNTIL(f->event, f->b.kept);
	assert_null(link_call_cancel(running));
	assert_int_equal(link_reply(f->b.kept, NULL), 0);
	f->b.is_lazy = false;
	f->reply_type = NULL;
	call(f, f->a.link, &link_flush, &no_flush, 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->n_replies, 1);
	assert_null(link_call_cancel(NULL));
}

static void test_answers_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct link_request *first;

	f->b.is_lazy = true;
	call(f, f->a.link, &link_flush, &no_flush, 0);
	RUN_UNTIL(f->event, f->b.n_calls == 1);
	first = f->b.kept;
	call(f, f->a.link, &link_flush, &no_flush, 0);
	RUN_UNTIL(f->event, f->b.n_calls == 2);
	assert_int_equal(link_reply(f->b.kept, NULL), 0);
	RUN_UNTIL(f->event, f->n_replies == 1);
	assert_int_equal(f->error, 0);
	link_fail(first, -ENOENT);
	RUN_UNTIL(f->event, f->n_replies == 2);
	assert_int_equal(f->error, -ENOENT);
}

static void test_peer_goes(void **state)
{
	struct fixture *f = *state;

	f->b.is_lazy = true;
	call(f, f->a.link, &link_flush, &no_flush, 0);
	RUN_UNTIL(f->event, f->b.kept);
	f->a.is_lazy = true;
	assert_int_equal(link_call(f->b.link, &link_flush, &no_flush, 0, on_reply, f,
				   NULL), 0);
	RUN_UNTIL(f->event, f->a.kept);
	assert_ptr_equal(link_request_link(f->b.kept), f->b.link);
	f->b.link = link_free(f->b.link);
	assert_null(link_request_link(f->b.kept));
	assert_int_equal(link_reply(f->b.kept, NULL), -ENOTCONN);	/* ends it all the same */
	RUN_UNTIL(f->event, f->a.down);
	assert_int_equal(f->a.error, -ECONNRESET);
	assert_int_equal(f->n_replies, 1);
	assert_int_equal(f->error, -ECONNRESET);
	link_fail(f->a.kept, -ENOENT);
	assert_int_equal(link_call(f->a.link, &link_flush, &no_flush, 0, on_reply, f,
				   NULL), -ENOTCONN);
}

static void test_peer_credentials(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(link_peer(f->a.link)->uid, getuid());
	assert_int_equal(link_peer(f->a.link)->gid, getgid());
	assert_int_equal(link_peer(f->a.link)->pid, getpid());
}

/* --- messages that close the link --------------------------------------------------------- */

static sd_bus_message *make(sd_bus *bus, const char *path, const char *interface,
			    const char *member)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(bus, &m, NULL, path, interface, member) >= 0);
	return m;
}

#define GOOD_PATH "/org/ipsec_policy/link"
#define GOOD_INTERFACE "org.ipsec_policy.Link1"

static void test_refused_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < 12; i++) {
		sd_bus_message *m = NULL;
		uint64_t serial;
		struct fixture *f;
		void *inner;
		sd_bus *bus;

		(void)set_up_pair(&inner);
		f = inner;
		bus = f->a.link->bus;
		switch (i) {
		case 0:		/* nobody's method */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "Nothing");
			break;
		case 1:		/* what sd-bus would answer */
			m = make(bus, GOOD_PATH, "org.freedesktop.DBus.Peer", "Ping");
			break;
		case 2:
			m = make(bus, GOOD_PATH, "org.freedesktop.DBus.Introspectable",
				 "Introspect");
			break;
		case 3:
			m = make(bus, "/", GOOD_INTERFACE, "Statistics");
			break;
		case 4:		/* too much */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "Statistics");
			assert_true(sd_bus_message_append(m, "u", 1) >= 0);
			break;
		case 5:		/* too little */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "Flush");
			break;
		case 6:		/* another type */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "Flush");
			assert_true(sd_bus_message_append(m, "t", UINT64_C(0)) >= 0);
			break;
		case 7:		/* out of range */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "Flush");
			assert_true(sd_bus_message_append(m, "u", 1) >= 0);
			break;
		case 8:		/* wants an answer to a one-way call */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "AcquireResult");
			assert_true(sd_bus_message_append(m, "tub", UINT64_C(1), 0, 0) >= 0);
			break;
		case 9:		/* wants none to another one */
			m = make(bus, GOOD_PATH, GOOD_INTERFACE, "Flush");
			assert_true(sd_bus_message_append(m, "u", 0) >= 0);
			assert_true(sd_bus_message_set_expect_reply(m, false) >= 0);
			break;
		case 10:
			assert_true(sd_bus_message_new_signal(bus, &m, GOOD_PATH, GOOD_INTERFACE,
							      "Flush") >= 0);
			break;
		case 11:	/* no such interface */
			m = make(bus, GOOD_PATH, "org.ipsec_policy.Link2", "Statistics");
			break;
		}
		/* asking for the serial is what makes sd-bus expect an answer */
		assert_true(sd_bus_send(bus, m, i == 9 ? NULL : &serial) >= 0);
		RUN_UNTIL(f->event, f->b.down && f->a.down);
		assert_int_equal(f->b.n_calls, 0);
		assert_int_equal(f->b.error, i >= 4 && i <= 7 ? -EBADMSG : -EPROTO);
		sd_bus_message_unref(m);
		(void)tear_down(&inner);
	}
}

static int answer_wrongly(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	uint8_t type = 0;

	(void)ret_error;
	(void)sd_bus_message_get_type(m, &type);
	if (type == SD_BUS_MESSAGE_METHOD_CALL)
		assert_true(sd_bus_reply_method_return(m, userdata, 1) >= 0);
	return 0;
}

static void test_refused_answers(void **state)
{
	/* type of an answer to GetSpi, SPI 1: the second has the right type, and is out of range */
	static const char *const types[] = { "t", "u", "" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct ike_spi_request request = {
			.path = { .local = ip_addr_v4(1), .remote = ip_addr_v4(2) },
			.protocol = IKE_PROTOCOL_ESP,
		};
		struct link_config config;
		struct fixture *f;
		sd_bus *bus = NULL;
		void *inner;
		int fds[2];

		(void)set_up(&inner);
		f = inner;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		assert_int_equal(link_bus_new(fds[0], true, &bus), 0);
		assert_true(sd_bus_add_filter(bus, NULL, answer_wrongly, (void *)types[i]) >= 0);
		assert_true(sd_bus_start(bus) >= 0);
		assert_true(sd_bus_attach_event(bus, f->event, 0) >= 0);
		config = config_of(&f->a);
		assert_int_equal(link_new_fd(f->event, fds[1], false, &config, &f->a.link), 0);
		call(f, f->a.link, &link_get_spi, &request, 0);
		RUN_UNTIL(f->event, f->a.down);
		assert_int_equal(f->n_replies, 1);
		assert_int_equal(f->error, -EBADMSG);
		assert_int_equal(f->a.error, -EBADMSG);
		sd_bus_close_unref(bus);
		(void)tear_down(&inner);
	}
}

/*
 * Anything at all instead of D-Bus: the link goes, nothing else happens. The deterministic
 * part of what fuzz_link does at length.
 */
static void test_garbage(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		struct test_random random = { i };
		struct link_config config;
		uint8_t garbage[4096];
		struct fixture *f;
		void *inner;
		int fds[2];

		(void)set_up(&inner);
		f = inner;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		config = config_of(&f->a);
		assert_int_equal(link_new_fd(f->event, fds[0], true, &config, &f->a.link), 0);
		for (size_t n = 0; n < sizeof(garbage); n++)
			garbage[n] = (uint8_t)test_random_u64(&random);
		if (i % 2)	/* get past the authentication */
			memcpy(garbage, "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n", 29);
		assert_int_equal(write(fds[1], garbage, sizeof(garbage)), sizeof(garbage));
		(void)shutdown(fds[1], SHUT_WR);
		RUN_UNTIL(f->event, !sd_bus_is_open(f->a.link->bus));
		assert_int_equal(f->a.n_calls, 0);
		(void)close(fds[1]);
		(void)tear_down(&inner);
	}
}

/* --- listener and server ------------------------------------------------------------------ */

static char *path_in(const struct fixture *f, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static struct link_server *serve(struct fixture *f, struct link_listener_config *listen)
{
	struct link_config config = config_of(&f->a);
	struct link_server *server = NULL;

	listen->path = path_in(f, "s");
	listen->owner = (uid_t)-1;
	listen->group = (gid_t)-1;
	if (!listen->mode)
		listen->mode = 0600;
	assert_int_equal(link_server_new(f->event, listen, &config, &server), 0);
	return server;
}

static struct link_client *connect_to(struct fixture *f, struct end *end)
{
	uid_t me = getuid();
	struct link_config config = config_of(end);
	struct link_client *client = NULL;

	assert_int_equal(link_client_new(f->event, path_in(f, "s"), &me, 1, &config, &client), 0);
	return client;
}

static struct link_listener_config ours(void)
{
	return (struct link_listener_config){ .uids = { getuid() }, .n_uids = 1 };
}

static void test_server_and_client(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_server *server = serve(f, &listen);
	struct link_client *client = connect_to(f, &f->b);
	struct stat st;

	RUN_UNTIL(f->event, f->a.up && f->b.up);
	assert_int_equal(stat(path_in(f, "s"), &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	call(f, link_client_link(client), &link_flush, &no_flush, 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_null(link_client_free(client));
	RUN_UNTIL(f->event, f->a.down);
	assert_int_equal(f->a.error, -ECONNRESET);
	assert_int_equal(f->b.down, 0);
	assert_null(link_server_free(server));
	assert_int_equal(access(path_in(f, "s"), F_OK), -1);
}

static int plain_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Whether whoever connects as @uid gets an answer to the start of the protocol. */
static bool lets_in(struct fixture *f, uid_t uid)
{
	pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0) {
		char line[64];
		int fd;

		if (uid != getuid() && setresuid(uid, uid, uid) < 0)
			_exit(3);
		fd = plain_connect(path_in(f, "s"));
		if (send(fd, "\0AUTH EXTERNAL\r\n", 16, MSG_NOSIGNAL) != 16)
			_exit(1);
		_exit(read(fd, line, sizeof(line)) > 0 && memcmp(line, "DATA", 4) == 0 ? 0 : 1);
	}
	RUN_UNTIL(f->event, waitpid(child, &status, WNOHANG) == child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 0;
}

/*
 * As root: nobody is refused until the list names him. As somebody: he is refused until the
 * list names him.
 */
static void test_only_listed_users(void **state)
{
	struct fixture *f = *state;
	uid_t uid = getuid() ? getuid() : NOBODY;
	struct link_listener_config listen = { .mode = 0666 };
	struct link_server *server = serve(f, &listen);

	assert_false(lets_in(f, uid));
	if (getuid() == 0)
		assert_true(lets_in(f, 0));
	assert_null(link_server_free(server));
	listen = (struct link_listener_config){ .mode = 0666, .uids = { 1, uid }, .n_uids = 2 };
	server = serve(f, &listen);
	assert_true(lets_in(f, uid));
	assert_null(link_server_free(server));
}

static void test_client_checks_the_server(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_config config = config_of(&f->b);
	struct link_client *client = NULL;
	struct link_server *server;
	uid_t other = 12345;

	/* root is always trusted, so this needs a server that is not root's */
	if (getuid() == 0) {
		assert_int_equal(chown(f->dir, NOBODY, NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	listen.uids[0] = geteuid();
	server = serve(f, &listen);
	assert_int_equal(link_client_new(f->event, path_in(f, "s"), &other, 1, &config,
					 &client), 0);
	assert_null(link_client_link(client));
	assert_null(link_client_free(client));
	other = geteuid();
	assert_int_equal(link_client_new(f->event, path_in(f, "s"), &other, 1, &config,
					 &client), 0);
	assert_non_null(link_client_link(client));
	assert_null(link_client_free(client));
	assert_null(link_server_free(server));
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void test_connection_limit(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_server *server;
	int fds[3];
	char c;

	listen.connections_max = 2;
	server = serve(f, &listen);
	for (size_t i = 0; i < 3; i++)
		fds[i] = plain_connect(path_in(f, "s"));
	RUN_UNTIL(f->event, recv(fds[2], &c, 1, MSG_DONTWAIT) == 0);	/* closed */
	assert_int_equal(recv(fds[0], &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(recv(fds[1], &c, 1, MSG_DONTWAIT), -1);
	/* room again */
	(void)close(fds[0]);
	fds[0] = -1;
	for (size_t i = 0; i < 10; i++)
		assert_true(sd_event_run(f->event, 1000) >= 0);
	fds[0] = plain_connect(path_in(f, "s"));
	for (size_t i = 0; i < 10; i++)
		assert_true(sd_event_run(f->event, 1000) >= 0);
	assert_int_equal(recv(fds[0], &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	for (size_t i = 0; i < 3; i++)
		(void)close(fds[i]);
	assert_null(link_server_free(server));
}

static void test_newest_replaces(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_client *first, *second;
	struct end other = { 0 };
	struct link_server *server;

	listen.connections_max = 1;
	listen.replace_oldest = true;
	server = serve(f, &listen);
	first = connect_to(f, &f->b);
	RUN_UNTIL(f->event, f->b.up);
	second = connect_to(f, &other);
	RUN_UNTIL(f->event, other.up && f->b.down);
	assert_int_equal(f->b.error, -ECONNRESET);
	assert_true(f->a.down >= 1);
	assert_null(link_client_free(first));
	assert_null(link_client_free(second));
	assert_null(link_server_free(server));
}

static void test_what_is_in_the_way(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_config config = config_of(&f->a);
	struct link_server *server = serve(f, &listen), *other = NULL;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	FILE *file;
	int fd;

	/* somebody listens */
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EADDRINUSE);
	assert_null(link_server_free(server));
	/* a file */
	file = fopen(path_in(f, "s"), "w");
	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EADDRINUSE);
	assert_int_equal(unlink(path_in(f, "s")), 0);
	/* what a killed process left */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, path_in(f, "s"));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
	server = serve(f, &listen);
	assert_null(link_server_free(server));
	/* paths that cannot be */
	listen.path = "relative";
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EINVAL);
	listen.path = "/0123456789012345678901234567890123456789012345678901234567890123456789"
		      "0123456789012345678901234567890123456789";
	assert_int_equal(link_server_new(f->event, &listen, &config, &other), -EINVAL);
}

static int listen_here(int fd)
{
	return listen(fd, 8);
}

/* As with socket activation: the socket comes from somebody else, blocking. */
static void test_inherited_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct link_listener_config listen = ours();
	struct link_config config = config_of(&f->a);
	struct link_server *server = NULL;
	struct link_client *client;

	listen.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, path_in(f, "s"));
	assert_int_equal(bind(listen.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen_here(listen.fd), 0);
	assert_int_equal(link_server_new(f->event, &listen, &config, &server), 0);
	client = connect_to(f, &f->b);
	RUN_UNTIL(f->event, f->a.up && f->b.up);
	assert_null(link_client_free(client));
	assert_null(link_server_free(server));
	assert_int_equal(unlink(addr.sun_path), 0);	/* not ours to remove */
}

/* --- coming back -------------------------------------------------------------------------- */

static void on_client_reply(void *userdata, int error, const void *reply)
{
	struct fixture *f = userdata;

	(void)reply;
	f->n_replies++;
	f->error = error;
}

static void test_calls_wait_for_the_link(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_client *client = connect_to(f, &f->b);
	struct link_server *server;

	assert_null(link_client_link(client));
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(link_client_send(client, &link_acquire_result,
						  &(struct link_acquire_result){ .acquire_id = i }),
				 0);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, false,
					  on_client_reply, f, NULL), 0);
	assert_int_equal(link_client_call(client, &link_flush,
					  &(struct link_flush){ (enum ike_reason)3 }, 0, false,
					  on_client_reply, f, NULL), -EINVAL);
	server = serve(f, &listen);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->a.n_calls, 4);
	assert_ptr_equal(f->a.method, &link_flush);	/* in their order */
	assert_null(link_client_free(client));
	assert_null(link_server_free(server));
}

static void test_reconnect(void **state)
{
	struct fixture *f = *state;
	struct link_listener_config listen = ours();
	struct link_server *server = serve(f, &listen);
	struct link_client *client = connect_to(f, &f->b);

	RUN_UNTIL(f->event, f->a.up && f->b.up);
	f->a.is_lazy = true;
	/* one that may be repeated, one that may not */
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 1);
	link_fail(f->a.kept, -EIO);	/* is it answered, it is not repeated */
	RUN_UNTIL(f->event, f->n_replies == 1);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 2);
	link_fail(TAKE_PTR(f->a.kept), -EIO);
	RUN_UNTIL(f->event, f->n_replies == 2);
	assert_int_equal(f->error, -EIO);

	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 3);
	assert_null(link_server_free(server));
	link_fail(TAKE_PTR(f->a.kept), -EIO);	/* goes nowhere */
	RUN_UNTIL(f->event, f->b.down == 1);
	assert_int_equal(f->n_replies, 2);
	server = serve(f, &listen);
	RUN_UNTIL(f->event, f->a.n_calls == 4);	/* again */
	assert_int_equal(f->b.up, 2);
	assert_int_equal(link_reply(TAKE_PTR(f->a.kept), NULL), 0);
	RUN_UNTIL(f->event, f->n_replies == 3);
	assert_int_equal(f->error, 0);

	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, false,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->a.n_calls == 5);
	assert_null(link_server_free(server));
	link_fail(TAKE_PTR(f->a.kept), -EIO);
	RUN_UNTIL(f->event, f->n_replies == 4);
	assert_int_equal(f->error, -ECONNRESET);
	assert_null(link_client_free(client));
}

static void test_waiting_ends(void **state)
{
	struct fixture *f = *state;
	struct link_client *client = connect_to(f, &f->b);
	struct link_client_call *waiting;
	int r = 0;

	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 1000, true,
					  on_client_reply, f, NULL), 0);
	RUN_UNTIL(f->event, f->n_replies);
	assert_int_equal(f->error, -ETIMEDOUT);
	assert_int_equal(link_client_call(client, &link_flush, &no_flush, 0, true,
					  on_client_reply, f, &waiting), 0);
	assert_null(link_client_call_cancel(waiting));
	/* not more than fits */
	for (size_t i = 0; i < LINK_QUEUE_MAX; i++) {
		struct link_acquire_result result = { .acquire_id = i + 1 };

		assert_int_equal(link_client_send(client, &link_acquire_result, &result), 0);
	}
	r = link_client_send(client, &link_acquire_result,
			     &(struct link_acquire_result){ .acquire_id = 1 });
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(f->n_replies, 1);
	assert_null(link_client_free(client));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_calls, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_full_list, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_errors_are_passed_on, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_arguments_are_checked_before_sending,
						set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_timeout_and_late_answer, set_up_pair,
						tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_in_any_order, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_peer_goes, set_up_pair, tear_down),
		cmocka_unit_test_setup_teardown(test_peer_credentials, set_up_pair, tear_down),
		cmocka_unit_test(test_refused_messages),
		cmocka_unit_test(test_refused_answers),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test_setup_teardown(test_server_and_client, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_listed_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_client_checks_the_server, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connection_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newest_replaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_in_the_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inherited_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_calls_wait_for_the_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reconnect, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waiting_ends, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
