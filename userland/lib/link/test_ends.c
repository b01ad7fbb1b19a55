// SPDX-License-Identifier: MIT
#include "link/test_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "link/codec.h"
#include "link/method.h"

const struct link_flush no_flush;

uint64_t test_now_usec(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

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

void test_forget(struct end *end)
{
	if (end->args)
		(void)codec_free(end->method->request, end->args);
	end->args = NULL;
}

static void handle(struct end *end, const struct link_method *method,
		   struct link_request *request, const void *args)
{
	test_forget(end);
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
HANDLER(trace)
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
HANDLER(authorities)
HANDLER(certificate)
HANDLER(signature)
HANDLER(proof)
HANDLER(gss_step)
HANDLER(gss_wrap)
HANDLER(gss_unwrap)
HANDLER(gss_end)
HANDLER(set_credentials)
HANDLER(credentials_changed)

const struct link_handler test_handlers[] = {
	{ &link_hello, handle_hello },
	{ &link_policy_mm, handle_policy_mm },
	{ &link_policy_qm, handle_policy_qm },
	{ &link_get_spi, handle_get_spi },
	{ &link_add_sa, handle_add_sa },
	{ &link_del_sa, handle_del_sa },
	{ &link_acquire_result, handle_acquire_result },
	{ &link_event, handle_event },
	{ &link_trace, handle_trace },
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
	{ &link_authorities, handle_authorities },
	{ &link_certificate, handle_certificate },
	{ &link_signature, handle_signature },
	{ &link_proof, handle_proof },
	{ &link_gss_step, handle_gss_step },
	{ &link_gss_wrap, handle_gss_wrap },
	{ &link_gss_unwrap, handle_gss_unwrap },
	{ &link_gss_end, handle_gss_end },
	{ &link_set_credentials, handle_set_credentials },
	{ &link_credentials_changed, handle_credentials_changed },
};

const size_t test_n_handlers = sizeof(test_handlers) / sizeof(test_handlers[0]);

struct link_config test_config(struct end *end)
{
	return (struct link_config){
		.handlers = test_handlers,
		.n_handlers = test_n_handlers,
		.up = on_up,
		.down = on_down,
		.userdata = end,
	};
}

int test_set_up(void **state)
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

int test_set_up_pair(void **state)
{
	struct link_config config;
	struct fixture *f;
	int fds[2];

	(void)test_set_up(state);
	f = *state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	config = test_config(&f->a);
	assert_int_equal(link_new_fd(f->event, fds[0], true, &config, &f->a.link), 0);
	config = test_config(&f->b);
	assert_int_equal(link_new_fd(f->event, fds[1], false, &config, &f->b.link), 0);
	RUN_UNTIL(f->event, f->a.up && f->b.up);
	return 0;
}

int test_tear_down(void **state)
{
	struct fixture *f = *state;

	(void)link_free(f->a.link);
	(void)link_free(f->b.link);
	test_forget(&f->a);
	test_forget(&f->b);
	if (f->reply)
		(void)codec_free(f->reply_type, f->reply);
	sd_event_unref(f->event);
	assert_int_equal(rmdir(f->dir), 0);	/* nothing is left in it */
	free(f);
	return 0;
}
