// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Standard error goes to a pipe while one line is written; returns what arrived. */
static size_t capture(int level, const char *text, char *buf, size_t cap)
{
	int saved = dup(STDERR_FILENO), fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	close(fds[1]);
	log_write(level, NULL, 0, "%s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	n = read(fds[0], buf, cap - 1);
	close(fds[0]);
	assert_true(n >= 0);
	buf[n] = '\0';
	return (size_t)n;
}

static void test_stderr_line(void **state)
{
	char buf[4096];

	(void)state;
	log_open("ipsec-test", LOG_TARGET_STDERR);
	log_set_level(LOG_INFO);
	capture(LOG_WARNING, "peer 192.0.2.1: no proposal chosen", buf, sizeof(buf));
	assert_string_equal(buf, "<4>ipsec-test: peer 192.0.2.1: no proposal chosen\n");
	assert_int_equal(capture(LOG_DEBUG, "quiet", buf, sizeof(buf)), 0);
	log_set_level(LOG_DEBUG);
	assert_int_equal(log_get_level(), LOG_DEBUG);
	assert_true(capture(LOG_DEBUG, "loud", buf, sizeof(buf)) > 0);
}

/* Text from outside must neither forge a second line nor overflow. */
static void test_hostile_text(void **state)
{
	char buf[8192], huge[6000];

	(void)state;
	log_open("t", LOG_TARGET_STDERR);
	capture(LOG_ERR, "a\n<0>forged\tb\x1b[m", buf, sizeof(buf));
	assert_string_equal(buf, "<3>t: a <0>forged b [m\n");
	memset(huge, 'x', sizeof(huge));
	huge[sizeof(huge) - 1] = '\0';
	assert_true(capture(LOG_ERR, huge, buf, sizeof(buf)) < 2200);
	assert_int_equal(buf[strlen(buf) - 1], '\n');
}

static void test_errno_is_kept(void **state)
{
	char buf[256];

	(void)state;
	errno = EXDEV;
	capture(LOG_ERR, "x", buf, sizeof(buf));
	log_set_level(LOG_ERR);
	log_event(LOG_DEBUG, FIELDS({ "IPD_PEER", "192.0.2.1" }, { "IPD_SPI", NULL }), "n %d", 1);
	assert_int_equal(errno, EXDEV);
}

static void test_level_names(void **state)
{
	(void)state;
	assert_int_equal(log_level_from_text("err"), LOG_ERR);
	assert_int_equal(log_level_from_text("DEBUG"), LOG_DEBUG);
	assert_int_equal(log_level_from_text("4"), LOG_WARNING);
	assert_int_equal(log_level_from_text("8"), -EINVAL);
	assert_int_equal(log_level_from_text(""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stderr_line),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_errno_is_kept),
		cmocka_unit_test(test_level_names),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
