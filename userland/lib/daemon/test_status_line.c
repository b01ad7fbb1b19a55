// SPDX-License-Identifier: MIT
/* What a service manager gets to see: the test has its socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/status_line.h"

struct fixture {
	sd_event *event;
	struct status_line *line;
	int fd;
	char dir[64];
	char path[96];
	unsigned int number;
	const char *name;
	unsigned int n_written;
};

static void write_number(void *userdata, FILE *file)
{
	struct fixture *f = userdata;

	f->n_written++;
	fprintf(file, "secure: %u filters of policy \"%s\"", f->number, f->name ?: "Telnet");
}

static int setup(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "%s/status-line-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/notify", f->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", f->path, 1), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(status_line_new(f->event, write_number, f, &f->line), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	status_line_free(f->line);
	sd_event_unref(f->event);
	(void)close(f->fd);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	(void)unsetenv("NOTIFY_SOCKET");
	free(f);
	return 0;
}

/* "" when nothing has come */
static const char *take(struct fixture *f)
{
	static char text[256];
	ssize_t n = recv(f->fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Until the line has been written so many times. */
static void run_until(struct fixture *f, unsigned int n_written)
{
	while (f->n_written < n_written)
		assert_true(sd_event_run(f->event, 10 * STATUS_LINE_USEC) > 0);
}

static void test_many_changes_are_one_line(void **state)
{
	struct fixture *f = *state;

	for (f->number = 0; f->number < 100; f->number++)
		status_line_touch(f->line);
	assert_string_equal(take(f), "");
	run_until(f, 1);
	assert_string_equal(take(f), "STATUS=secure: 100 filters of policy \"Telnet\"");
	assert_int_equal(sd_event_run(f->event, 0), 0);
}

static void test_the_same_is_not_sent_again(void **state)
{
	struct fixture *f = *state;

	status_line_send(f->line);
	assert_string_equal(take(f), "STATUS=secure: 0 filters of policy \"Telnet\"");
	status_line_touch(f->line);
	run_until(f, 2);
	assert_string_equal(take(f), "");
	f->number = 1;
	status_line_touch(f->line);
	run_until(f, 3);
	assert_string_equal(take(f), "STATUS=secure: 1 filters of policy \"Telnet\"");
}

/* Who may change a store is not thereby somebody to tell systemd what to do. */
static void test_a_name_is_no_message(void **state)
{
	struct fixture *f = *state;

	f->name = "x\nSTOPPING=1\nMAINPID=1";
	status_line_send(f->line);
	assert_string_equal(take(f), "STATUS=secure: 0 filters of policy \"x STOPPING=1 MAINPID=1\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_changes_are_one_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_same_is_not_sent_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_name_is_no_message, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
