// SPDX-License-Identifier: MIT
/* A helper that does what the first byte of a call says. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/test_run.h"
#include "cred/helper.h"

#define BIG_LEN 65000
#define CALLS_MAX 64

enum order { ECHO = 'e', DIE = 'd', KEEP_SILENT = 's', ANSWER_BOTH = 'b', NOTICE = 'n', PID = 'p',
	     PASS = 'f' };

struct fixture {
	sd_event *event;
	struct helper *helper;
	int n_prepared;
	size_t n_replies, n_errors, n_notices;
	int error;
	int file;
	bool passes_files;
	size_t len;
	uint8_t data[HELPER_MESSAGE_MAX_LEN];
};

/* --- in the helper ------------------------------------------------------------------------ */

static int prepare(void *userdata)
{
	struct fixture *f = userdata;

	f->n_prepared++;
	return 0;
}

static void obey(struct fixture *f, int fd, uint64_t number, const uint8_t *data, size_t len)
{
	static uint64_t before;
	pid_t pid = getpid();
	int file;

	switch ((enum order)data[0]) {
	case ECHO:
		(void)helper_send(fd, number, data, len);
		return;
	case DIE:
		abort();
	case KEEP_SILENT:
		before = number;
		return;
	case ANSWER_BOTH:
		(void)helper_send(fd, before, "late", 4);
		(void)helper_send(fd, number, data, len);
		return;
	case NOTICE:
		(void)helper_send(fd, 0, data, len);
		return;
	case PASS:
		file = memfd_create("test", MFD_CLOEXEC);
		(void)pwrite(file, data, len, 0);
		(void)helper_send_file(fd, number, data, len, file);
		(void)close(file);
		return;
	case PID:
		(void)helper_send(fd, number, &pid, f->n_prepared == 1 ? sizeof(pid) : 0);
		return;
	}
}

static int run_helper(void *userdata, int fd)
{
	static uint8_t buf[HELPER_MESSAGE_MAX_LEN];
	uint64_t number;
	size_t len;
	int r;

	while ((r = helper_receive(fd, buf, &len, &number)) == 0)
		obey(userdata, fd, number, buf, len);
	return r;
}

/* --- our side ----------------------------------------------------------------------------- */

static void on_reply(void *userdata, int error, const void *data, size_t len)
{
	struct fixture *f = userdata;

	f->n_replies++;
	f->n_errors += error < 0;
	f->file = helper_take_file(f->helper);
	f->error = error;
	f->len = len;
	if (len)
		memcpy(f->data, data, len);
}

static void on_notice(void *userdata, const void *data, size_t len)
{
	struct fixture *f = userdata;

	f->n_notices++;
	f->len = len;
	memcpy(f->data, data, len);
}

static struct helper_config make_config(struct fixture *f, uint64_t timeout_usec)
{
	return (struct helper_config){
		.name = "cred-test",
		.prepare = prepare,
		.run = run_helper,
		.run_userdata = f,
		.notice = on_notice,
		.notice_userdata = f,
		.passes_files = f->passes_files,
		.timeout_usec = timeout_usec,
		.calls_max = CALLS_MAX,
	};
}

static void start(struct fixture *f, uint64_t timeout_usec)
{
	struct helper_config config = make_config(f, timeout_usec);

	assert_int_equal(helper_new(f->event, &config, &f->helper), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	*state = f;
	return 0;
}

/* The keeper ends, so the helper did. */
static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->helper = helper_free(f->helper);
	assert_true(wait(NULL) > 0);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

static void call(struct fixture *f, enum order order, size_t len)
{
	static uint8_t data[BIG_LEN];

	memset(data, order, sizeof(data));
	assert_int_equal(helper_call(f->helper, data, len, on_reply, f), 0);
}

/* --- tests -------------------------------------------------------------------------------- */

static void test_call(void **state)
{
	struct fixture *f = *state;

	start(f, 10000000);
	call(f, ECHO, 3);
	assert_int_equal(f->n_replies, 0);
	RUN_UNTIL(f, f->n_replies);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->len, 3);
	assert_memory_equal(f->data, "eee", 3);
	assert_int_equal(helper_tell(f->helper, "notice", 6), 0);
	RUN_UNTIL(f, f->n_notices);
	assert_memory_equal(f->data, "notice", 6);
}

/* More than the socket holds at once, and not more than was agreed upon. */
static void test_many(void **state)
{
	struct fixture *f = *state;

	start(f, 10000000);
	for (size_t i = 0; i < CALLS_MAX; i++)
		call(f, ECHO, BIG_LEN);
	assert_int_equal(helper_call(f->helper, "e", 1, on_reply, f), -EAGAIN);
	RUN_UNTIL(f, f->n_replies == CALLS_MAX);
	assert_int_equal(f->n_errors, 0);
	assert_int_equal(f->len, BIG_LEN);
	call(f, ECHO, 1);
	RUN_UNTIL(f, f->n_replies == CALLS_MAX + 1);
	assert_int_equal(helper_call(f->helper, f->data, HELPER_MESSAGE_MAX_LEN + 1, on_reply, f),
			 -EMSGSIZE);
}

/* A helper that dies takes its calls with it; the next one has what was prepared. */
static void test_died(void **state)
{
	struct fixture *f = *state;
	pid_t first, second;

	start(f, 10000000);
	call(f, PID, 1);
	RUN_UNTIL(f, f->n_replies == 1);
	assert_int_equal(f->len, sizeof(first));
	memcpy(&first, f->data, sizeof(first));
	call(f, DIE, 1);
	call(f, ECHO, 1);
	RUN_UNTIL(f, f->n_replies == 3);
	assert_int_equal(f->n_errors, 2);
	assert_int_equal(f->error, -ECONNRESET);
	call(f, PID, 1);
	RUN_UNTIL(f, f->n_replies == 4);
	assert_int_equal(f->len, sizeof(second));
	memcpy(&second, f->data, sizeof(second));
	assert_int_not_equal(first, second);
}

static void test_timeout(void **state)
{
	struct fixture *f = *state;

	start(f, 100000);
	call(f, KEEP_SILENT, 1);
	RUN_UNTIL(f, f->n_replies == 1);
	assert_int_equal(f->error, -ETIMEDOUT);
	/* and what comes late is nobody's */
	call(f, ANSWER_BOTH, 2);
	RUN_UNTIL(f, f->n_replies == 2);
	assert_int_equal(f->error, 0);
	assert_int_equal(f->len, 2);
}

/* With a descriptor, if that was agreed upon; one that nobody takes is closed. */
static void test_files(void **state)
{
	struct fixture *f = *state;
	char text[8] = "";

	start(f, 10000000);
	call(f, PASS, 4);
	RUN_UNTIL(f, f->n_replies == 1);
	assert_int_equal(f->file, -1);
	f->helper = helper_free(f->helper);
	assert_true(wait(NULL) > 0);
	f->passes_files = true;
	start(f, 10000000);
	call(f, ECHO, 4);
	RUN_UNTIL(f, f->n_replies == 2);
	assert_int_equal(f->file, -1);
	call(f, PASS, 4);
	RUN_UNTIL(f, f->n_replies == 3);
	assert_true(f->file >= 0);
	assert_int_equal(pread(f->file, text, sizeof(text), 0), 4);
	assert_string_equal(text, "ffff");
	assert_int_equal(close(f->file), 0);
}

static void test_freed_with_calls(void **state)
{
	struct fixture *f = *state;

	start(f, 10000000);
	call(f, KEEP_SILENT, 1);
	call(f, KEEP_SILENT, 1);
	f->helper = helper_free(f->helper);
	assert_int_equal(f->n_replies, 2);
	assert_int_equal(f->n_errors, 2);
}

static int refuse(void *userdata)
{
	(void)userdata;
	return -EACCES;
}

/* A part that cannot start is missed, not waited for. */
static void test_cannot_start(void **state)
{
	struct fixture *f = *state;
	struct helper_config config = make_config(f, 10000000);
	int r;

	config.prepare = refuse;
	assert_int_equal(helper_new(f->event, &config, &f->helper), 0);
	r = helper_call(f->helper, "e", 1, on_reply, f);
	if (r == 0)
		RUN_UNTIL(f, f->n_replies);
	else
		assert_int_equal(r, -EPIPE);
	assert_int_equal(f->n_replies, f->n_errors);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_call), TEST(test_many), TEST(test_died), TEST(test_timeout),
		TEST(test_files), TEST(test_freed_with_calls), TEST(test_cannot_start),
	};

	log_open("test_helper", LOG_TARGET_STDERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
