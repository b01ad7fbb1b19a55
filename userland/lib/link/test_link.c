// SPDX-License-Identifier: MIT
/* Both ends of a link in one process: calls, errors, and what closes a link. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "link/codec.h"
#include "link/link_internal.h"
#include "link/method.h"
#include "link/test_ends.h"

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
	test_forget(to);
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

	assert_int_equal(test_n_handlers, link_n_methods);
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

		(void)test_set_up_pair(&inner);
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
		(void)test_tear_down(&inner);
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

		(void)test_set_up(&inner);
		f = inner;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		assert_int_equal(link_bus_new(fds[0], true, &bus), 0);
		assert_true(sd_bus_add_filter(bus, NULL, answer_wrongly, (void *)types[i]) >= 0);
		assert_true(sd_bus_start(bus) >= 0);
		assert_true(sd_bus_attach_event(bus, f->event, 0) >= 0);
		config = test_config(&f->a);
		assert_int_equal(link_new_fd(f->event, fds[1], false, &config, &f->a.link), 0);
		call(f, f->a.link, &link_get_spi, &request, 0);
		RUN_UNTIL(f->event, f->a.down);
		assert_int_equal(f->n_replies, 1);
		assert_int_equal(f->error, -EBADMSG);
		assert_int_equal(f->a.error, -EBADMSG);
		sd_bus_close_unref(bus);
		(void)test_tear_down(&inner);
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

		(void)test_set_up(&inner);
		f = inner;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		config = test_config(&f->a);
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
		(void)test_tear_down(&inner);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_calls, test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_full_list, test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_errors_are_passed_on, test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_arguments_are_checked_before_sending,
						test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_timeout_and_late_answer, test_set_up_pair,
						test_tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_answers_in_any_order, test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_peer_goes, test_set_up_pair, test_tear_down),
		cmocka_unit_test_setup_teardown(test_peer_credentials, test_set_up_pair, test_tear_down),
		cmocka_unit_test(test_refused_messages),
		cmocka_unit_test(test_refused_answers),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
