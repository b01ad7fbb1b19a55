// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/dynamic.h"
#include "agent/runs_store.h"
#include "store/runs.h"

static struct fault fault;

struct folder {
	char path[64];
	char file[96];
};

static int set_up(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->path, sizeof(folder->path), "/tmp/ipd-runs-XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	snprintf(folder->file, sizeof(folder->file), "%s/%s", folder->path, STORE_RUNS_FILE);
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *folder = *state;
	static const char *const endings[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", folder->file, endings[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder->path);
	free(folder);
	return 0;
}

static struct ruleset *some_rules(size_t n)
{
	struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECCMD);

	assert_int_equal(dynamic_add_mm(ruleset, test_mm("name=ipseccmd~1", NULL), &fault), 0);
	assert_int_equal(dynamic_add_qm(ruleset, test_qm("name=ipseccmd~1 soft=yes", NULL), &fault), 0);
	for (size_t i = 0; i < n; i++) {
		char tags[160];

		snprintf(tags, sizeof(tags), "srcaddr=me dstaddr=10.0.0.%zu interface=eth%zu "
			 "mmpolicy=ipseccmd~1 qmpolicy=ipseccmd~1 psk=ABC123", i + 1, i);
		assert_int_equal(dynamic_add_rule(ruleset, test_rule(tags, NULL), &fault), 0);
	}
	return ruleset;
}

static void assert_kept(const char *path, const struct ruleset *wanted)
{
	_cleanup_(ruleset_freep) struct ruleset *found = NULL;

	if (runs_store_load(path, &found, &fault))
		fail_msg("%s", fault.text);
	assert_non_null(found);
	assert_int_equal(found->layer, RULESET_LAYER_IPSECCMD);
	assert_int_equal(found->n_mms, wanted->n_mms);
	assert_int_equal(found->n_qms, wanted->n_qms);
	assert_int_equal(found->n_rules, wanted->n_rules);
	for (size_t i = 0; i < wanted->n_rules; i++) {
		struct policy_rule x = ruleset_rule_view(found->rules[i]);
		struct policy_rule y = ruleset_rule_view(wanted->rules[i]);

		assert_true(policy_rule_is_equal(&x, &y));
		assert_int_equal(found->rules[i]->treatment->layer, RULESET_LAYER_IPSECCMD);
	}
}

static void test_none(void **state)
{
	struct folder *folder = *state;
	struct ruleset *found = (struct ruleset *)-1;

	assert_int_equal(runs_store_load(folder->file, &found, &fault), 0);
	assert_null(found);
	assert_int_equal(access(folder->file, F_OK), -1);
}

static void test_kept(void **state)
{
	struct folder *folder = *state;
	_cleanup_(ruleset_freep) struct ruleset *two = some_rules(2), *one = some_rules(1);
	_cleanup_(ruleset_freep) struct ruleset *none = ruleset_new(RULESET_LAYER_IPSECCMD);

	assert_int_equal(runs_store_save(folder->file, two, &fault), 0);
	assert_kept(folder->file, two);
	assert_int_equal(runs_store_save(folder->file, one, &fault), 0);
	assert_kept(folder->file, one);
	assert_int_equal(runs_store_save(folder->file, NULL, &fault), 0);
	assert_kept(folder->file, none);
}

/* What cannot be read is reported, and not written over. */
static void test_damaged(void **state)
{
	struct folder *folder = *state;
	_cleanup_(ruleset_freep) struct ruleset *one = some_rules(1);
	struct ruleset *found = NULL;
	char text[16] = "";
	FILE *file = fopen(folder->file, "w");

	assert_non_null(file);
	fputs("precious", file);
	fclose(file);
	assert_int_equal(runs_store_load(folder->file, &found, &fault), -EBADMSG);
	assert_null(found);
	assert_non_null(strstr(fault.text, STORE_RUNS_FILE));
	assert_int_equal(runs_store_save(folder->file, one, &fault), -EBADMSG);
	file = fopen(folder->file, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "precious");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
