// SPDX-License-Identifier: MIT
/*
 * ipsec-cred without its process: both sockets, and what passes over them, byte by byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/test_run.h"
#include "cred/serve.h"
#include "link/messages.h"

#define SECRET "correct horse battery staple"

struct fixture {
	sd_event *event;
	struct cred *cred;
	struct link_client *admin;
	struct link_client *ike;
	char dir[64];
	char path[128];
	int n_replies, error, n_loaded;
	struct link_skeyid skeyid;
	/* what came from RUNDIR/cred, when a relay is between */
	int listening, to_cred, to_ike;
	uint8_t heard[65536];
	size_t n_heard;
};

static const char *path(struct fixture *f, const char *name)
{
	(void)snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static void start(struct fixture *f)
{
	struct cred_config config = { .run_dir = f->dir, .ike_uid = getuid(), .ike_gid = getgid(),
				      .keytab = "/nonexistent/keytab" };

	assert_int_equal(cred_new(f->event, &config, &f->cred), 0);
}

static void connect_ike(struct fixture *f, const char *name)
{
	struct link_config config = { .userdata = f };
	uid_t me = getuid();

	assert_int_equal(link_client_new(f->event, path(f, name), &me, 1, &config, &f->ike), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct link_config config = { .userdata = f };
	uid_t me = getuid();

	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	strcpy(f->dir, "/tmp/test_serve.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->listening = f->to_cred = f->to_ike = -1;
	start(f);
	assert_int_equal(link_client_new(f->event, path(f, "cred-admin"), &me, 1, &config,
					 &f->admin), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)link_client_free(f->ike);
	(void)link_client_free(f->admin);
	(void)cred_free(f->cred);
	sd_event_unref(f->event);
	if (f->listening >= 0) {
		(void)close(f->listening);
		(void)unlink(path(f, "relay"));
	}
	if (f->to_cred >= 0)
		(void)close(f->to_cred);
	if (f->to_ike >= 0)
		(void)close(f->to_ike);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void on_loaded(void *userdata, int error, const void *reply)
{
	const struct link_credential_state *credentials = reply;
	struct fixture *f = userdata;

	assert_non_null(credentials);
	assert_int_equal(credentials->n_rules, 1);
	assert_int_equal(credentials->rules[0].usable, 1 << IKE_AUTH_PSK);
	assert_int_equal(error, 0);
	f->n_loaded++;
}

static void load(struct fixture *f, const char *secret)
{
	struct link_credential key = { .value = (uint8_t *)secret, .value_len = strlen(secret) };
	struct link_credential_rule rule = { .remote = ip_addr_v4(0xc0000200), .remote_prefix = 24,
					     .methods = &key, .n_methods = 1 };
	struct link_credentials list = { .rules = &rule, .n_rules = 1, .gss_name = (char *)"",
					 .gss_realms = (char *)"" };

	assert_int_equal(link_client_call(f->admin, &link_set_credentials, &list, 0, true, on_loaded, f,
					  NULL), 0);
}

static void on_skeyid(void *userdata, int error, const void *reply)
{
	struct fixture *f = userdata;

	f->n_replies++;
	f->error = error;
	if (error == 0)
		f->skeyid = *(const struct link_skeyid *)reply;
}

static void ask(struct fixture *f, uint32_t remote, bool may_repeat)
{
	struct ike_psk_request request = {
		.path = { .local = ip_addr_v4(0x0a000001), .remote = ip_addr_v4(remote) },
		.hash = IKE_HASH_SHA256,
		.ni = (const uint8_t *)"01234567", .ni_len = 8,
		.nr = (const uint8_t *)"89abcdef", .nr_len = 8,
	};

	assert_int_equal(link_client_call(f->ike, &link_psk_skeyid, &request, 0, may_repeat,
					  on_skeyid, f, NULL), 0);
}

/* --- tests -------------------------------------------------------------------------------- */

static void test_skeyid(void **state)
{
	/* printf 0123456789abcdef | openssl dgst -sha256 -hmac "correct horse battery staple" */
	static const uint8_t wanted[] = {
		0xc8, 0x6d, 0x8f, 0xf8, 0xc7, 0x66, 0x15, 0x9b, 0x68, 0xf5, 0xa3, 0xd3, 0x6c,
		0xb9, 0x41, 0x5e, 0xed, 0x85, 0xa6, 0xad, 0x87, 0x75, 0x5a, 0x18, 0xcd, 0xc6,
		0x0c, 0x85, 0x73, 0x1e, 0x63, 0xe1
	};
	struct fixture *f = *state;

	connect_ike(f, "cred");
	load(f, SECRET);
	RUN_UNTIL(f, f->n_loaded);
	ask(f, 0xc0000207, true);
	RUN_UNTIL(f, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->skeyid.len, 32);
	assert_memory_equal(f->skeyid.bytes, wanted, 32);
	ask(f, 0xc0000307, true);
	RUN_UNTIL(f, f->n_replies == 2);
	assert_int_equal(f->error, -ENOENT);
}

/* Requests that come before the first list wait for it, and not for ever. */
static void test_asked_before_loaded(void **state)
{
	struct fixture *f = *state;

	connect_ike(f, "cred");
	for (uint32_t i = 0; i < 10; i++)
		ask(f, 0xc0000200 + i, true);
	for (size_t i = 0; i < 20; i++)
		assert_true(sd_event_run(f->event, 1000) >= 0);
	assert_int_equal(f->n_replies, 0);
	load(f, SECRET);
	RUN_UNTIL(f, f->n_replies == 10);
	assert_int_equal(f->error, 0);
	/* too many of them are turned away */
	f->cred = cred_free(f->cred);
	start(f);
	f->n_replies = 0;
	for (uint32_t i = 0; i < 257; i++)
		ask(f, 0xc0000200 + i, true);
	RUN_UNTIL(f, f->n_replies == 1);
	assert_int_equal(f->error, -EAGAIN);
}

static void test_no_oracle(void **state)
{
	struct fixture *f = *state;
	int n_good = 0;

	connect_ike(f, "cred");
	load(f, SECRET);
	RUN_UNTIL(f, f->n_loaded);
	for (int i = 1; i <= 200; i++) {
		ask(f, 0xc0000207, true);
		RUN_UNTIL(f, f->n_replies == i);
		n_good += f->error == 0;
		assert_true(f->error == 0 || f->error == -EAGAIN);
	}
	/* the burst, and a few more where this machine is slow */
	assert_true(n_good >= 100 && n_good < 160);
	/* others are not affected */
	ask(f, 0xc0000208, true);
	RUN_UNTIL(f, f->n_replies == 201);
	assert_int_equal(f->error, 0);
}

/* Each socket has its own calls. */
static void test_calls_of_the_other_socket(void **state)
{
	struct link_credentials none = { .gss_name = (char *)"", .gss_realms = (char *)"" };
	struct fixture *f = *state;

	connect_ike(f, "cred");
	assert_int_equal(link_client_call(f->ike, &link_set_credentials, &none, 0, false, on_skeyid, f,
					  NULL), 0);
	RUN_UNTIL(f, f->n_replies == 1);
	assert_int_equal(f->error, -ECONNRESET);	/* the link was closed */
	f->ike = link_client_free(f->ike);
	connect_ike(f, "cred-admin");
	ask(f, 0xc0000207, false);
	RUN_UNTIL(f, f->n_replies == 2);
	assert_int_equal(f->error, -ECONNRESET);
	f->ike = link_client_free(f->ike);
	load(f, SECRET);
	RUN_UNTIL(f, f->n_loaded);
}

/* Another process takes over; ours comes back by itself, and the agent loads the list again. */
static void test_restart(void **state)
{
	struct fixture *f = *state;

	connect_ike(f, "cred");
	load(f, SECRET);
	RUN_UNTIL(f, f->n_loaded);
	f->cred = cred_free(f->cred);
	ask(f, 0xc0000207, true);
	start(f);
	load(f, SECRET);
	RUN_UNTIL(f, f->n_replies);
	assert_int_equal(f->error, 0);
}

static void test_sockets(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(path(f, "cred"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(path(f, "cred-admin"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* --- nothing leaves ----------------------------------------------------------------------- */

static int on_from_ike(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct fixture *f = userdata;
	uint8_t buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)source;
	(void)revents;
	if (n > 0)
		assert_int_equal(write(f->to_cred, buf, (size_t)n), n);
	return 0;
}

static int on_from_cred(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct fixture *f = userdata;
	uint8_t *buf = f->heard + f->n_heard;
	ssize_t n = read(fd, buf, sizeof(f->heard) - f->n_heard);

	(void)source;
	(void)revents;
	if (n > 0) {
		assert_int_equal(write(f->to_ike, buf, (size_t)n), n);
		f->n_heard += (size_t)n;
	}
	return 0;
}

static int on_ike_comes(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fixture *f = userdata;

	(void)source;
	(void)revents;
	f->to_ike = accept(fd, NULL, NULL);
	f->to_cred = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(f->to_ike >= 0 && f->to_cred >= 0);
	strcpy(addr.sun_path, path(f, "cred"));
	assert_int_equal(connect(f->to_cred, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(sd_event_add_io(f->event, NULL, f->to_ike, EPOLLIN, on_from_ike, f) >= 0);
	assert_true(sd_event_add_io(f->event, NULL, f->to_cred, EPOLLIN, on_from_cred, f) >= 0);
	return 0;
}

static void relay(struct fixture *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, path(f, "relay"));
	f->listening = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listening, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(f->listening, 1), 0);
	assert_true(sd_event_add_io(f->event, NULL, f->listening, EPOLLIN, on_ike_comes, f) >= 0);
}

static void test_secret_never_leaves(void **state)
{
	struct fixture *f = *state;
	char log[65536] = "";
	int pipe_fds[2], old_stderr = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	log_open("test_serve", LOG_TARGET_STDERR);
	log_set_level(LOG_DEBUG);
	(void)fflush(stderr);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
	relay(f);
	connect_ike(f, "relay");
	load(f, SECRET);
	RUN_UNTIL(f, f->n_loaded);
	for (int i = 1; i <= 300; i++) {
		ask(f, i % 2 ? 0xc0000207 : 0x01000000, true);
		RUN_UNTIL(f, f->n_replies == i);
	}
	(void)fflush(stderr);
	assert_true(dup2(old_stderr, STDERR_FILENO) >= 0);
	(void)close(old_stderr);
	n = read(pipe_fds[0], log, sizeof(log) - 1);
	assert_true(n > 0);
	assert_non_null(strstr(log, "too often"));
	assert_null(strstr(log, SECRET));
	assert_true(f->n_heard > 1000);
	assert_null(memmem(f->heard, f->n_heard, SECRET, strlen(SECRET)));
	assert_non_null(memmem(f->heard, f->n_heard, f->skeyid.bytes, f->skeyid.len));
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_skeyid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_asked_before_loaded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_oracle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_calls_of_the_other_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sockets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secret_never_leaves, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
