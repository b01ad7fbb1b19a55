// SPDX-License-Identifier: MIT
/* The prompt, on a pseudo terminal: contexts, completion, history. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/fake_agent.h"

#define DEADLINE_MS	20000

static char run_dir[64];
static struct fake_agent *agent;
static int terminal = -1;
static pid_t child;
static char seen[16384];		/* what the terminal showed since the last expect() */
static size_t n_seen;

/*
 * This program again, as ipsecctl: the fake agent's thread may hold any lock when this process is
 * forked, so that the child does nothing but system calls before it is a new one.
 */
static void run_child(const char *name, char **argv)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR);
	if (fd >= 0 && dup2(fd, 0) >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
		execv("/proc/self/exe", argv);
	_exit(99);
}

static int be_ipsecctl(int argc, char **argv)
{
	struct ctl ctl;
	int ret;

	ctl_init(&ctl, stdout, stderr);
	ret = ctl_main(&ctl, argc - 1, argv + 1);
	ctl_exit(&ctl);
	return ret;
}

static void start(const char *word)
{
	struct winsize size = { .ws_row = 24, .ws_col = 200 };
	char test[] = "test", program[] = CTL_PROGRAM, argument[32] = "";
	char *argv[] = { test, program, word ? argument : NULL, NULL };
	const char *name;

	snprintf(argument, sizeof(argument), "%s", word ? word : "");
	setenv("TERM", "vt100", 1);
	setenv("HOME", run_dir, 1);
	setenv(CTL_RUN_DIR_ENV, run_dir, 1);
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	ioctl(terminal, TIOCSWINSZ, &size);
	name = ptsname(terminal);
	n_seen = 0;
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		run_child(name, argv);
}

static int left_ms(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return DEADLINE_MS - (int)((now.tv_sec - begin->tv_sec) * 1000 +
				   (now.tv_nsec - begin->tv_nsec) / 1000000);
}

/* NUL pads what is drawn on a vt100. */
static size_t drop_nul(char *text, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (text[i])
			text[kept++] = text[i];
	return kept;
}

/* Waits until the terminal shows @text, and forgets what came up to its end. */
static void expect(const char *text)
{
	struct timespec begin;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (;;) {
		struct pollfd fd = { .fd = terminal, .events = POLLIN };
		char *found;
		ssize_t n;

		seen[n_seen] = '\0';
		found = strstr(seen, text);
		if (found) {
			found += strlen(text);
			n_seen -= (size_t)(found - seen);
			memmove(seen, found, n_seen);
			return;
		}
		if (left_ms(&begin) <= 0 || poll(&fd, 1, left_ms(&begin)) <= 0)
			fail_msg("no \"%s\" in: %s", text, seen);
		n = read(terminal, seen + n_seen, sizeof(seen) - 1 - n_seen);
		if (n <= 0)
			fail_msg("no \"%s\" before the end in: %s", text, seen);
		n_seen += drop_nul(seen + n_seen, (size_t)n);
	}
}

/* The prompt is there, and the line editor reads: keys are its own from now on. */
static void expect_prompt(const char *prompt)
{
	struct timespec begin;
	struct termios mode;

	expect(prompt);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (!tcgetattr(terminal, &mode) && mode.c_lflag & ICANON) {
		if (left_ms(&begin) <= 0)
			fail_msg("no line editor at the prompt %s", prompt);
		(void)poll(NULL, 0, 1);
	}
}

static void type(const char *text)
{
	assert_int_equal(write(terminal, text, strlen(text)), strlen(text));
}

/* The child's exit code. What it still draws is read, since it waits for that at its end. */
static int finish(void)
{
	struct timespec begin;
	int status = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (;;) {
		struct pollfd fd = { .fd = terminal, .events = POLLIN };

		if (left_ms(&begin) <= 0 || poll(&fd, 1, left_ms(&begin)) <= 0) {
			kill(child, SIGKILL);
			break;
		}
		if (read(terminal, seen, sizeof(seen)) <= 0)
			break;
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	close(terminal);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void contexts(void **state)
{
	(void)state;
	start(NULL);
	expect_prompt("ipsecctl>");
	type("dynamic\r");
	expect_prompt("ipsecctl dynamic>");
	type("show mmpolicy name=mm format=table\r");
	expect("480 minutes");
	expect_prompt("ipsecctl dynamic>");
	type("..\r");
	expect_prompt("ipsecctl>");
	type("static\r");
	expect_prompt("ipsecctl static>");
	type("?\r");
	expect("exportpolicy");
	expect_prompt("ipsecctl static>");
	type("dynamic show mmpolicy name=mm format=table\r");
	expect("480 minutes");
	expect_prompt("ipsecctl static>");
	type("bye\r");
	assert_int_equal(finish(), CTL_EXIT_OK);
}

/* A context as the only word, the end of input, and the last command's exit code. */
static void one_context(void **state)
{
	(void)state;
	start("static");
	expect_prompt("ipsecctl static>");
	type("frobnicate\r");
	expect("there is no \"frobnicate\"");
	expect_prompt("ipsecctl static>");
	type("\x04");
	assert_int_equal(finish(), CTL_EXIT_USAGE);
}

static void completion(void **state)
{
	(void)state;
	start("dynamic");
	expect_prompt("ipsecctl dynamic>");
	/* what is drawn depends on the terminal, so that only the outcome is looked at */
	type("sh\tmmp\tna\tstr\tfor\tt\t\r");
	expect("60 minutes");
	expect_prompt("ipsecctl dynamic>");
	/* more than one candidate: they are listed */
	type("add rule src\t\t");
	expect("srcaddr=  srcport=  srcmask=");
	type("\x15" "exit\r");
	assert_int_equal(finish(), CTL_EXIT_OK);
}

static void history(void **state)
{
	(void)state;
	start("dynamic");
	expect_prompt("ipsecctl dynamic>");
	type("delete rule all\r");
	expect_prompt("ipsecctl dynamic>");
	type("add rule psk=hush\r");
	expect("is missing");
	expect_prompt("ipsecctl dynamic>");
	/* one line back: not the one with the key */
	type("\x10");
	expect("delete rule all");
	assert_null(strstr(seen, "hush"));
	type("\r");
	expect_prompt("ipsecctl dynamic>");
	type("quit\r");
	assert_int_equal(finish(), CTL_EXIT_OK);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(run_dir, sizeof(run_dir), "/tmp/ctl-prompt-XXXXXX");
	if (!mkdtemp(run_dir))
		return -1;
	agent = fake_agent_new(run_dir);
	return agent ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	agent = fake_agent_free(agent);
	snprintf(path, sizeof(path), "%s/control", run_dir);
	return unlink(path) || rmdir(run_dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		{ "N01 contexts are entered and left at the prompt", contexts, NULL, NULL, NULL },
		{ "N01 a context's name alone opens its prompt", one_context, NULL, NULL, NULL },
		{ "completion at the prompt", completion, NULL, NULL, NULL },
		{ "history without keys", history, NULL, NULL, NULL },
	};

	if (argc > 1 && !strcmp(argv[1], CTL_PROGRAM))
		return be_ipsecctl(argc, argv);
	return cmocka_run_group_tests_name("prompt", tests, set_up, tear_down);
}
