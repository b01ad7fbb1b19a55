// SPDX-License-Identifier: MIT
/* oakley.log: its form, its three files, and what happens when it cannot be written. */
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/oakley.h"
#include "agent/test_journal.h"
#include "base/cleanup.h"
#include "base/log.h"

#define PID 4711
#define FORM "^[ 1][0-9]-[0-9]{2}: [0-9]{2}:[0-9]{2}:[0-9]{2}:[0-9]{3}:4711 "

struct fixture {
	char top[64];
	char dir[80];
	char path[96];
	struct oakley *oakley;
	struct journal journal;
};

static uint64_t clock_usec;

static uint64_t now(void)
{
	return clock_usec;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/test_oakley.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	snprintf(f->dir, sizeof(f->dir), "%s/log", f->top);
	snprintf(f->path, sizeof(f->path), "%s/oakley.log", f->dir);
	f->oakley = oakley_new(f->path, now);
	assert_non_null(f->oakley);
	journal_open(&f->journal);
	*state = f;
	return 0;
}

static const char *suffixes[] = { "", ".bak", ".sav" };

static const char *file(const struct fixture *f, const char *suffix)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", f->path, suffix);
	return path;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	journal_close(&f->journal);
	oakley_free(f->oakley);
	for (size_t i = 0; i < 3; i++)
		(void)unlink(file(f, suffixes[i]));
	(void)rmdir(f->dir);
	assert_int_equal(rmdir(f->top), 0);
	free(f);
	return 0;
}

/* The file's text, which the caller frees; "" if there is none. */
static char *read_log(const struct fixture *f, const char *suffix)
{
	_cleanup_fclose_ FILE *stream = fopen(file(f, suffix), "re");
	char *text = NULL;
	size_t size = 0;

	if (!stream || getdelim(&text, &size, '\0', stream) < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

static size_t count_lines(const struct fixture *f, const char *suffix)
{
	_cleanup_free_ char *text = read_log(f, suffix);
	size_t n = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static void write_lines(struct fixture *f, size_t n)
{
	char text[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "step %zu", i);
		oakley_write(f->oakley, PID, text);
	}
}

static void test_form(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	regex_t form;

	oakley_write(f->oakley, PID, "before it is on");
	assert_int_equal(access(f->dir, F_OK), -1);
	oakley_set_on(f->oakley, true);
	oakley_write(f->oakley, PID, "192.0.2.2: asked for SKEYID");
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	text = read_log(f, "");
	assert_int_equal(regcomp(&form, FORM "192\\.0\\.2\\.2: asked for SKEYID\n$",
				 REG_EXTENDED), 0);
	assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
	regfree(&form);
	oakley_set_on(f->oakley, false);
	oakley_write(f->oakley, PID, "after it was on");
	assert_int_equal(count_lines(f, ""), 1);
	oakley_set_on(f->oakley, true);
	oakley_write(f->oakley, PID, "again");
	assert_int_equal(count_lines(f, ""), 2);
}

static void test_long_text(void **state)
{
	struct fixture *f = *state;
	char text[4096];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	oakley_set_on(f->oakley, true);
	oakley_write(f->oakley, PID, text);
	oakley_write(f->oakley, PID, "next");
	assert_int_equal(count_lines(f, ""), 2);
}

static void test_limit(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;

	oakley_set_on(f->oakley, true);
	write_lines(f, OAKLEY_LINES_MAX);
	assert_int_equal(count_lines(f, ""), 50000);
	assert_int_equal(access(file(f, ".bak"), F_OK), -1);
	write_lines(f, 1);
	assert_int_equal(count_lines(f, ""), 1);
	assert_int_equal(count_lines(f, ".bak"), 50000);
	write_lines(f, OAKLEY_LINES_MAX);
	assert_int_equal(count_lines(f, ""), 1);
	assert_int_equal(count_lines(f, ".bak"), 50000);
	text = read_log(f, "");
	assert_non_null(strstr(text, "step 49999"));
	assert_int_equal(f->journal.n_entries, 0);
}

static void restart(struct fixture *f)
{
	oakley_free(f->oakley);
	f->oakley = oakley_new(f->path, now);
	assert_non_null(f->oakley);
	oakley_set_on(f->oakley, true);
}

static void test_restart(void **state)
{
	struct fixture *f = *state;

	oakley_set_on(f->oakley, true);
	write_lines(f, 3);
	restart(f);
	assert_int_equal(count_lines(f, ".sav"), 3);
	assert_int_equal(access(f->path, F_OK), -1);
	write_lines(f, 1);
	assert_int_equal(count_lines(f, ""), 1);
	restart(f);
	assert_int_equal(count_lines(f, ".sav"), 1);
	/* one that wrote nothing takes nothing away */
	restart(f);
	assert_int_equal(count_lines(f, ".sav"), 1);
}

/* Nobody leads root's pen elsewhere. */
static void test_strange_files(void **state)
{
	struct fixture *f = *state;
	char victim[96];

	snprintf(victim, sizeof(victim), "%s/victim", f->top);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(symlink(victim, f->path), 0);
	oakley_set_on(f->oakley, true);
	write_lines(f, 2);
	assert_int_equal(access(victim, F_OK), -1);
	assert_int_equal(f->journal.n_entries, 1);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	oakley_set_on(f->oakley, false);
	oakley_set_on(f->oakley, true);
	write_lines(f, 1);
	assert_int_equal(f->journal.n_entries, 2);
	assert_int_equal(unlink(f->path), 0);
	/* where others may put something there will be no log */
	assert_int_equal(chmod(f->dir, 0770), 0);
	oakley_set_on(f->oakley, false);
	oakley_set_on(f->oakley, true);
	write_lines(f, 1);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(f->journal.n_entries, 3);
	assert_non_null(strstr(f->journal.entries[2].line, "is not ours alone"));
}

static void limit_size(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;

	(void)signal(SIGXFSZ, SIG_IGN);
	oakley_set_on(f->oakley, true);
	write_lines(f, 1);
	limit_size(100);
	write_lines(f, 10);
	limit_size(RLIM_INFINITY);
	/* one warning, and no half entry */
	assert_int_equal(f->journal.n_entries, 1);
	assert_int_equal(f->journal.entries[0].level, LOG_WARNING);
	text = read_log(f, "");
	assert_int_equal(text[strlen(text) - 1], '\n');
	/* it is not tried at every step */
	write_lines(f, 5);
	assert_int_equal(f->journal.n_entries, 1);
	clock_usec += OAKLEY_RETRY_USEC;
	write_lines(f, 1);
	assert_int_equal(f->journal.n_entries, 2);
	free(text);
	text = read_log(f, "");
	assert_non_null(strstr(text, " entries before this one are missing\n"));
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("L08 one line per entry, for root alone", test_form),
		TEST("L08 however long a text is", test_long_text),
		TEST("L10 50,000 entries, then a new file", test_limit),
		TEST("L09 a restart keeps the previous log", test_restart),
		TEST("L08 nothing but a file of ours is written to", test_strange_files),
		TEST("L08 a full disk stops nothing", test_full),
	};

	return cmocka_run_group_tests_name("oakley", tests, NULL, NULL);
}
