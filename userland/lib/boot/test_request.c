// SPDX-License-Identifier: MIT
/* What the driver starts with: the request, the file, and what others have made of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "boot/request.h"

#define REQUEST                                                                                    \
	"replace=no\npolicy=assigned\nbootmode=stateful\nbootexemptions=UDP:0:68:inbound "         \
	"TCP:0:22:inbound\nipsecexempt=3\nipsecdiagnostics=7\nipsecloginterval=60\n"
#define OPTIONS                                                                                    \
	"options ipsecdrv startup_mode=stateful boot_exempt=UDP:0:68:inbound,TCP:0:22:inbound "    \
	"exempt=3 diag=7 log_interval=60\n"

struct fixture {
	char dir[64];
	char path[96];
	char old[104];
	char answer[BOOT_ANSWER_MAX];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_boot.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ipsec-policy.conf", f->dir);
	snprintf(f->old, sizeof(f->old), "%s.old", f->path);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)unlink(f->old);
	assert_int_equal(rmdir(f->dir), 0);	/* nothing else is left there */
	free(f);
	return 0;
}

/* The answer to REQUEST with @what in it instead of @instead. */
static const char *serve(struct fixture *f, const char *instead, const char *what)
{
	char text[1024] = REQUEST, rest[1024];
	char *at = strstr(text, instead);

	assert_non_null(at);
	snprintf(rest, sizeof(rest), "%s", at + strlen(instead));
	snprintf(at, sizeof(text) - (size_t)(at - text), "%s%s", what, rest);
	(void)boot_request_serve(text, f->path, f->answer);
	return f->answer;
}

static char *contents(const char *path)
{
	static char buf[4096];
	char *text;

	assert_int_equal(file_read(path, sizeof(buf) - 1, &text), 0);
	strcpy(buf, text);
	free(text);
	return buf;
}

static void write_text(const char *path, const char *text)
{
	assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

static void test_written(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_string_equal(serve(f, "", ""), "done");
	assert_non_null(strstr(contents(f->path), "\n" OPTIONS));
	assert_non_null(strstr(contents(f->path), "\n# policy=assigned sum="));
	assert_true(boot_options_is_own(contents(f->path)));
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_string_equal(serve(f, "policy=assigned\nbootmode=stateful",
				  "policy=none\nbootmode=permit"), "done");
	assert_non_null(strstr(contents(f->path), "\noptions ipsecdrv startup_mode=permit "));
	assert_non_null(strstr(contents(f->path), "\n# policy=none sum="));
	assert_string_equal(serve(f, "UDP:0:68:inbound TCP:0:22:inbound", "none"), "done");
	assert_non_null(strstr(contents(f->path), " boot_exempt=none "));
}

/* The same again is not written again. */
static void test_unchanged(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;

	assert_string_equal(serve(f, "", ""), "done");
	assert_int_equal(stat(f->path, &before), 0);
	assert_string_equal(serve(f, "", ""), "done");
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

/* A request that says anything else than it may changes nothing. */
static void test_refused(void **state)
{
	static const struct {
		const char *instead, *what, *answer;
	} cases[] = {
		{ "bootmode=stateful", "bootmode=open",
		  "failed bootmode=open: permit, block or stateful is expected" },
		{ "ipsecexempt=3", "ipsecexempt=4",
		  "failed ipsecexempt=4: a number from 0 to 3 is expected" },
		{ "bootmode=stateful\n", "", "failed bootmode is missing" },
		{ "policy=assigned", "policy=maybe", "failed policy=maybe is not understood" },
		{ "replace=no", "replace=", "failed replace= is not understood" },
		{ "replace=no", "replace", "failed \"replace\" is not of the form name=value" },
		{ "replace=no", "install=/bin/sh",
		  "failed \"install\" is nothing that the driver starts with" },
		{ "replace=no", "strongcrypto=1",
		  "failed \"strongcrypto\" is nothing that the driver starts with" },
	};
	struct fixture *f = *state;

	write_text(f->path, "# as it was\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(serve(f, cases[i].instead, cases[i].what), cases[i].answer);
	assert_non_null(strstr(serve(f, "TCP:0:22:inbound", "TCP:0:22:inbound\rinstall"),
			       "failed bootexemptions: "));
	assert_string_equal(contents(f->path), "# as it was\n");
}

/* What somebody has written by hand stays, until an administrator sets something else. */
static void test_foreign(void **state)
{
	struct fixture *f = *state;
	char edited[4096];

	write_text(f->path, "options ipsecdrv startup_mode=block\n");
	assert_string_equal(serve(f, "", ""), "kept\nbootmode=block");
	assert_string_equal(contents(f->path), "options ipsecdrv startup_mode=block\n");
	assert_string_equal(serve(f, "replace=no", "replace=yes"), "saved");
	assert_non_null(strstr(contents(f->path), OPTIONS));
	assert_string_equal(contents(f->old), "options ipsecdrv startup_mode=block\n");

	strcpy(edited, contents(f->path));
	memcpy(strstr(edited, "diag=7"), "diag=0", 6);
	write_text(f->path, edited);
	assert_string_equal(serve(f, "", ""), "kept\nbootmode=stateful\nbootexemptions="
			    "UDP:0:68:inbound TCP:0:22:inbound\nipsecexempt=3\nipsecdiagnostics=0\n"
			    "ipsecloginterval=60");
	assert_string_equal(contents(f->path), edited);
	strcat(edited, "softdep ipsecdrv pre: nf_defrag_ipv4\n");
	write_text(f->path, edited);
	assert_non_null(strstr(serve(f, "", ""), "kept\nbootmode=stateful\n"));
	memmove(edited, edited + 1, strlen(edited));
	write_text(f->path, edited);
	assert_non_null(strstr(serve(f, "", ""), "kept\nbootmode=stateful\n"));

	/* of what cannot be understood nothing is said, and of two the last one counts */
	write_text(f->path, "options ipsecdrv\noption ipsecdrv diag=1\n#options ipsecdrv diag=1\n"
		   "options other diag=1\n options  ipsecdrv\texempt=1 parallel=1 exempt=9 log_interval\n"
		   "options ipsecdrv startup_mode=open boot_exempt=\"TCP:0:22:inbound\" diag=2\n"
		   "options ipsecdrv diag=3");
	assert_string_equal(serve(f, "", ""), "kept\nipsecexempt=1\nipsecdiagnostics=3");
}

static void test_is_own(void **state)
{
	static const char *const others[] = {
		"", "\n# policy=", "\n# policy=none sum=", "\n# policy=none sum=0123456789abcdef\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(boot_options_is_own(others[i]));
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	char request[] = REQUEST, wanted[160];

	assert_int_equal(boot_request_serve(request, "/proc/none/ipsec-policy.conf", f->answer),
			 -ENOENT);
	assert_string_equal(f->answer, "failed /proc/none/ipsec-policy.conf cannot be written: "
			    "No such file or directory");
	assert_int_equal(mkdir(f->path, 0755), 0);
	snprintf(wanted, sizeof(wanted), "failed %s cannot be read: Invalid argument", f->path);
	assert_string_equal(serve(f, "", ""), wanted);
	assert_int_equal(rmdir(f->path), 0);
}

/* What the agent's side prints is what is understood here. */
static void test_round_trip(void **state)
{
	char text[] = REQUEST;
	struct boot_request request;
	char why[POLICY_WHY_LEN], *again;

	(void)state;
	assert_int_equal(boot_request_parse(text, &request, why), 0);
	assert_true(request.options.has_policy);
	again = boot_request_format(&request);
	assert_non_null(again);
	boot_options_clear(&request.options);
	assert_int_equal(boot_request_parse(again, &request, why), 0);
	free(again);
	again = boot_request_format(&request);
	assert_string_equal(again, REQUEST);
	free(again);
	boot_options_clear(&request.options);
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("D12 D28 D34 what is set is written as the driver's parameters", test_written),
		TEST("the same again is not written again", test_unchanged),
		TEST("a request that says anything else than it may changes nothing", test_refused),
		TEST("D13 what was changed by hand stays until something is set", test_foreign),
		TEST("no other text is taken for one of the agent's", test_is_own),
		TEST("a file that cannot be is told", test_no_directory),
		TEST("a request that is printed is one that is read", test_round_trip),
	};

	return cmocka_run_group_tests_name("boot request", tests, NULL, NULL);
}
