// SPDX-License-Identifier: MIT
/*
 * Runs in static mode, made real in a store: what the plan says that the store will hold has to be
 * what it then holds.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/words.h"
#include "ipseccmd/flags.h"
#include "ipseccmd/static_plan.h"
#include "store/test_support.h"
#include "store/text.h"

static char last_why[RUN_WHY_LEN];
static size_t last_warnings;

static int plan_line(struct static_plan *plan, const char *line)
{
	_cleanup_(run_freep) struct run *run = NULL;
	struct ctl_words words;
	int err;

	assert_int_equal(ctl_words_split(line, &words, last_why), 0);
	err = flags_parse(words.list, words.n, &run, last_why);
	ctl_words_clear(&words);
	if (err)
		fail_msg("%s: %s", line, last_why);
	err = static_plan_add(plan, run, last_why);
	last_warnings = run->n_warnings;
	return err;
}

/* Plans the lines, which end with NULL, applies all changes, and compares. The commands of it. */
static char *apply(struct store *store, const char *const *lines)
{
	struct static_plan plan = { .content = test_read(store) };
	struct store_content *after;
	char *text = NULL;
	size_t len;
	FILE *file;

	for (; *lines; lines++)
		if (plan_line(&plan, *lines))
			fail_msg("%s: %s", *lines, last_why);
	file = open_memstream(&text, &len);
	assert_non_null(file);
	assert_int_equal(store_begin(store, &test_fault), 0);
	for (size_t i = 0; i < plan.n_changes; i++) {
		store_change_print(file, &plan.changes[i], true);
		fputc('\n', file);
		if (test_apply(store, &plan.changes[i]))
			fail_msg("%s", test_fault.text);
	}
	assert_int_equal(store_commit(store, &test_fault), 0);
	assert_int_equal(fclose(file), 0);
	after = test_read(store);
	assert_true(store_content_is_equal(plan.content, after));
	store_content_free(after);
	static_plan_clear(&plan);
	return text;
}

static void does(struct store *store, const char *line, const char *expected)
{
	const char *const lines[] = { line, NULL };
	_cleanup_free_ char *text = apply(store, lines);

	assert_string_equal(text, expected);
}

/* Refused with a sentence that has @part in it. */
static void refuses(struct store *store, const char *line, const char *part)
{
	struct static_plan plan = { .content = test_read(store) };

	assert_int_equal(plan_line(&plan, line), -EINVAL);
	if (!strstr(last_why, part))
		fail_msg("%s: \"%s\" does not say \"%s\"", line, last_why, part);
	static_plan_clear(&plan);
}

static struct store *new_store(void)
{
	return test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE);
}

#define FIFTH "-w REG -r \"Me to Anyone\" -p \"Secure My Traffic\" -f 0+* -n AH[MD5] -a P:ace -x"

static void test_C13_C21_C22_C24_fifth_example(void **state)
{
	struct store *store = new_store();

	(void)state;
	does(store, FIFTH,
	     "static add policy name=\"Secure My Traffic\" activatedefaultrule=no tool=yes\n"
	     "static add filterlist name=\"Me to Anyone filter list\"\n"
	     "static add filter filterlist=\"Me to Anyone filter list\" srcaddr=me dstaddr=any\n"
	     "static add filteraction name=\"Me to Anyone filter action\" qmsecmethods=AH[MD5] tool=yes\n"
	     "static add rule name=\"Me to Anyone\" policy=\"Secure My Traffic\" "
	     "filterlist=\"Me to Anyone filter list\" filteraction=\"Me to Anyone filter action\" "
	     "tool=yes psk=ace\n"
	     "static set policy name=\"Secure My Traffic\" assign=yes\n");
	does(store, "-w REG -p \"secure my traffic\" -y",
	     "static set policy name=\"Secure My Traffic\" assign=no\n");
	does(store, "-w REG -p \"Secure My Traffic\":30",
	     "static set policy name=\"Secure My Traffic\" pollinginterval=30\n");
	store_close(store);
}

static void test_C23_only_what_is_said(void **state)
{
	struct store *store = new_store();
	const char *const made[] = { "-w REG -p P:30 -r R -f 0+* -n AH[MD5] -a P:ace", NULL };

	(void)state;
	free(apply(store, made));
	does(store, "-w REG -p P -r R -f 0+10.0.0.1 0+10.0.0.2",
	     "static add filterlist name=\"R filter list of P\"\n"
	     "static add filter filterlist=\"R filter list of P\" srcaddr=me dstaddr=10.0.0.1\n"
	     "static add filter filterlist=\"R filter list of P\" srcaddr=me dstaddr=10.0.0.2\n"
	     "static set rule name=R policy=P filterlist=\"R filter list of P\"\n"
	     "static delete filterlist name=\"R filter list\"\n"
	     "static set filterlist name=\"R filter list of P\" newname=\"R filter list\"\n");
	does(store, "-w REG -p P -r R -a K",
	     "static set rule name=R policy=P kerberos=yes\n");
	does(store, "-w REG -p P -r R -soft",
	     "static set filteraction name=\"R filter action\" soft=yes\n");
	does(store, "-w REG -p P -r R -n INPASS ESP[3DES,SHA]P",
	     "static set filteraction name=\"R filter action\" qmpfs=yes inpass=yes action=negotiate "
	     "qmsecmethods=ESP[3DES,SHA1]\n");
	does(store, "-w REG -p P -r R -n BLOCK -lan",
	     "static set filteraction name=\"R filter action\" inpass=no action=block\n"
	     "static set rule name=R policy=P conntype=lan\n");
	does(store, "-w REG -p P -r R -1s AES256-SHA256-14 -1k 3Q/3600S -1p -1e 60",
	     "static set policy name=P mmpfs=yes qmpermm=3 mmlifetime=60 softsaexpirationtime=60 "
	     "mmsecmethods=AES256-SHA256-14\n");
	store_close(store);
}

static void test_C07_default_response_is_stored(void **state)
{
	struct store *store = new_store();

	(void)state;
	does(store, "-w REG -p P -r R -f DEFAULT -n AH[SHA] -a P:ace",
	     "static add policy name=P activatedefaultrule=no tool=yes\n"
	     "static set defaultrule policy=P qmpfs=no activate=yes qmsecmethods=AH[SHA1] psk=ace\n");
	store_close(store);
}

static void test_C34_names_are_kept(void **state)
{
	struct store *store = new_store();
	const struct store_filter_list *list;
	struct store_content *content;

	(void)state;
	refuses(store, "-w REG -p P -r R -f 0+host.example.org a=b", "-f a=b: what is secured");
	refuses(store, "-w REG -p P -r R -f 0+host:80", "needs its protocol");
	free(apply(store, (const char *const[]){
		"-w REG -p P -r R -f 0+host.example.org a=b:80:TCP b:80=a::TCP", NULL }));
	content = test_read(store);
	list = store_content_find_policy(content, "P")->rules[1]->list;
	assert_int_equal(list->n_filters, 2);
	assert_string_equal(list->filters[0]->destination.name, "host.example.org");
	assert_true(list->filters[1]->mirrored);
	assert_int_equal(list->filters[1]->destination_port, 80);
	store_content_free(content);
	store_close(store);
}

static void test_C25_all_that_it_uses(void **state)
{
	struct store *store = new_store();
	const char *const made[] = {
		"-w REG -p P -r R -f 0+10.0.0.1", "-w REG -p P -r S -f 0+10.0.0.2",
		"-w REG -p Q -r R -f 0+10.0.0.3", NULL,
	};

	(void)state;
	free(apply(store, made));
	/* a rule of somebody else's uses a list of P */
	assert_int_equal(test_add_policy(store, "foreign"), 0);
	assert_int_equal(test_add_rule(store, "foreign", "r", "S filter list", "Permit"), 0);
	does(store, "-w REG -p P -o",
	     "static delete policy name=P\n"
	     "static delete filterlist name=\"R filter list\"\n"
	     "static delete filteraction name=\"R filter action\"\n"
	     "static delete filteraction name=\"S filter action\"\n");
	does(store, "-w REG -p Q -o",
	     "static delete policy name=Q\n"
	     "static delete filterlist name=\"R filter list of Q\"\n"
	     "static delete filteraction name=\"R filter action of Q\"\n");
	refuses(store, "-w REG -p Q -o", "\"Q\" does not exist");
	store_close(store);
}

static void test_C36_only_its_own(void **state)
{
	struct store *store = new_store();

	(void)state;
	refuses(store, "-w REG -p \"Client (Respond Only)\" -r R -f 0+*", "not made by ipseccmd");
	refuses(store, "-w REG -p \"Client (Respond Only)\":5", "not made by ipseccmd");
	refuses(store, "-w REG -p \"Client (Respond Only)\" -1p -x", "not made by ipseccmd");
	refuses(store, "-w REG -p \"Client (Respond Only)\" -o", "not made by ipseccmd");
	does(store, "-w REG -p \"Client (Respond Only)\" -x",
	     "static set policy name=\"Client (Respond Only)\" assign=yes\n");
	/* a rule that was added to its policy by other means */
	free(apply(store, (const char *const[]){ "-w REG -p P -r R -f 0+10.0.0.1", NULL }));
	assert_int_equal(test_add_list(store, "l"), 0);
	assert_int_equal(test_add_rule(store, "P", "other", "l", "Permit"), 0);
	refuses(store, "-w REG -p P -r other -f 0+*", "rule \"other\" of policy \"P\" was not made");
	store_close(store);
}

static void test_C13_block_and_pass(void **state)
{
	struct store *store = new_store();

	(void)state;
	does(store, "-w REG -p P -r R -f 0=10.0.0.1 -n BLOCK",
	     "static add policy name=P activatedefaultrule=no tool=yes\n"
	     "static add filterlist name=\"R filter list\"\n"
	     "static add filter filterlist=\"R filter list\" srcaddr=me dstaddr=10.0.0.1 mirrored=no\n"
	     "static add filteraction name=\"R filter action\" action=block qmsecmethods=\"ESP[3DES,SHA1] "
	     "ESP[3DES,MD5] ESP[DES,SHA1] ESP[DES,MD5]\" tool=yes\n"
	     "static add rule name=R policy=P filterlist=\"R filter list\" "
	     "filteraction=\"R filter action\" tool=yes\n");
	refuses(store, "-w REG -p P -r new -a K", "-f is missing");
	refuses(store, "-w REG -p none -x", "\"none\" does not exist");
	free(apply(store, (const char *const[]){ "-w REG -p P -r S -f 0+10.0.0.2 -n AH[SHA]P2", NULL }));
	assert_int_equal(last_warnings, 1);
	store_close(store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, test_make_folder, test_remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_C07_default_response_is_stored),
		TEST(test_C13_C21_C22_C24_fifth_example),
		TEST(test_C13_block_and_pass),
		TEST(test_C23_only_what_is_said),
		TEST(test_C25_all_that_it_uses),
		TEST(test_C34_names_are_kept),
		TEST(test_C36_only_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
