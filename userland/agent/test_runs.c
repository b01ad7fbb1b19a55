// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include "agent/runs.h"

static struct fault fault;

static void add_rule(struct policy_runs *runs, const char *tags)
{
	assert_int_equal(policy_runs_add_rule(runs, test_rule(tags, NULL)), 0);
}

static void add_mm(struct policy_runs *runs, const char *tags)
{
	assert_int_equal(policy_runs_add_mm(runs, test_mm(tags, NULL)), 0);
}

static void add_qm(struct policy_runs *runs, const char *tags)
{
	assert_int_equal(policy_runs_add_qm(runs, test_qm(tags, NULL)), 0);
}

static int add(struct ruleset *ruleset, struct policy_runs *runs)
{
	int r;

	memset(&fault, 0, sizeof(fault));
	r = runs_add(ruleset, runs, &fault);
	assert_int_equal(runs->n_mms + runs->n_qms + runs->n_rules, 0);
	assert_true(!r == !fault.text[0]);
	return r;
}

static struct policy_rule rule_at(const struct ruleset *ruleset, size_t i)
{
	assert_true(i < ruleset->n_rules);
	return ruleset_rule_view(ruleset->rules[i]);
}

static void test_C20_current_policy_stays(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECCMD);
	struct policy_runs runs = { .n_mms = 0 };

	(void)state;
	/* nothing said, and nothing there: the defaults */
	add_qm(&runs, "name=1");
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.1 qmpolicy=1");
	assert_int_equal(add(ruleset, &runs), 0);
	assert_int_equal(ruleset->n_mms, 1);
	assert_string_equal(rule_at(ruleset, 0).qm_policy, "ipseccmd 1");
	assert_string_equal(rule_at(ruleset, 0).mm_policy, "ipseccmd 2");
	/* a policy of the second run */
	add_mm(&runs, "name=1 mmlifetime=60");
	add_qm(&runs, "name=1");
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.2 qmpolicy=1 mmpolicy=1");
	assert_int_equal(add(ruleset, &runs), 0);
	assert_string_equal(rule_at(ruleset, 1).qm_policy, "ipseccmd 3");
	assert_string_equal(rule_at(ruleset, 1).mm_policy, "ipseccmd 3");
	/* the third run says nothing, and the second one's policy stays */
	add_qm(&runs, "name=1");
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.3 qmpolicy=1");
	assert_int_equal(add(ruleset, &runs), 0);
	assert_int_equal(ruleset->n_mms, 2);
	assert_string_equal(rule_at(ruleset, 2).qm_policy, "ipseccmd 4");
	assert_string_equal(rule_at(ruleset, 2).mm_policy, "ipseccmd 3");
	assert_string_equal(rule_at(ruleset, 0).mm_policy, "ipseccmd 2");
}

static void test_many_runs_at_once(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECCMD);
	struct policy_runs runs = { .n_mms = 0 };

	(void)state;
	add_qm(&runs, "name=a");
	add_mm(&runs, "name=b");
	add_qm(&runs, "name=b");
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.1 qmpolicy=a");
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.2 qmpolicy=b mmpolicy=B");
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.3 actioninbound=block actionoutbound=block");
	assert_int_equal(add(ruleset, &runs), 0);
	assert_int_equal(ruleset->n_rules, 3);
	assert_string_equal(rule_at(ruleset, 1).mm_policy, "ipseccmd 1");
	assert_string_equal(rule_at(ruleset, 1).qm_policy, "ipseccmd 1");
	assert_string_equal(rule_at(ruleset, 0).qm_policy, "ipseccmd 2");
	assert_string_equal(rule_at(ruleset, 0).mm_policy, "ipseccmd 3");
	assert_null(rule_at(ruleset, 2).mm_policy);
}

static void test_refused(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECCMD);
	struct policy_runs runs = { .n_mms = 0 };

	(void)state;
	add_rule(&runs, "srcaddr=me dstaddr=10.0.0.1 qmpolicy=1");
	assert_int_not_equal(add(ruleset, &runs), 0);
	assert_non_null(strstr(fault.text, "\"1\""));
	add_mm(&runs, "name=1");
	add_mm(&runs, "name=1");
	assert_int_not_equal(add(ruleset, &runs), 0);
}

static void test_same_traffic_again(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECCMD);
	struct policy_runs runs = { .n_mms = 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		add_rule(&runs, "srcaddr=me dstaddr=any actioninbound=block actionoutbound=block");
		assert_int_equal(!!add(ruleset, &runs), i);
	}
	assert_int_equal(fault.number, 13008);
	assert_non_null(strstr(fault.text, "ipseccmd -u"));
}

static void test_volatile_runs_have_a_layer(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECPOL);
	struct policy_runs runs = { .n_mms = 0 };

	(void)state;
	add_qm(&runs, "name=1");
	add_rule(&runs, "srcaddr=me dstaddr=any qmpolicy=1");
	assert_int_equal(add(ruleset, &runs), 0);
	assert_string_equal(rule_at(ruleset, 0).qm_policy, "ipsecpol 1");
	assert_string_equal(rule_at(ruleset, 0).mm_policy, "ipsecpol 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_C20_current_policy_stays),
		cmocka_unit_test(test_many_runs_at_once),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_same_traffic_again),
		cmocka_unit_test(test_volatile_runs_have_a_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
