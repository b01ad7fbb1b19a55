// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include <errno.h>

#define NEGOTIATE "mmpolicy=m qmpolicy=q psk=secret "

static struct fault fault;

static struct ruleset *with_policies(void)
{
	struct ruleset *dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);

	assert_non_null(dynamic);
	assert_int_equal(dynamic_add_mm(dynamic, test_mm("name=m", NULL), &fault), 0);
	assert_int_equal(dynamic_add_qm(dynamic, test_qm("name=q", NULL), &fault), 0);
	return dynamic;
}

static int add_rule(struct ruleset *dynamic, const char *tags)
{
	memset(&fault, 0, sizeof(fault));
	return dynamic_add_rule(dynamic, test_rule(tags, NULL), &fault);
}

static int set_rule(struct ruleset *dynamic, const char *tags)
{
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	uint32_t given;

	memset(&fault, 0, sizeof(fault));
	changes = test_rule(tags, &given);
	return dynamic_set_rule(dynamic, changes, given, &fault);
}

static int delete_rule(struct ruleset *dynamic, const char *tags)
{
	_cleanup_(policy_rule_freep) struct policy_rule *selectors = test_rule(tags, NULL);

	memset(&fault, 0, sizeof(fault));
	return dynamic_delete_rule(dynamic, selectors, &fault);
}

static void assert_number(int r, unsigned int number)
{
	assert_int_not_equal(r, 0);
	assert_int_equal(fault.number, number);
	assert_true(strlen(fault.text) > 20);
}

static void test_mm_numbers(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = with_policies();
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *changes = NULL;
	uint32_t given;

	(void)state;
	assert_number(dynamic_add_mm(dynamic, test_mm("name=M", NULL), &fault), 13003);
	assert_non_null(strstr(fault.text, "\"M\""));
	changes = test_mm("name=x mmlifetime=60", &given);
	assert_number(dynamic_set_mm(dynamic, changes, given, &fault), 13004);
	assert_number(dynamic_delete_mm(dynamic, "x", &fault), 13004);
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=10.0.0.2"), 0);
	assert_number(dynamic_delete_mm(dynamic, "m", &fault), 13005);
	assert_non_null(strstr(fault.text, "10.0.0.2"));
	assert_null(strstr(fault.text, "secret"));
	assert_number(dynamic_delete_mm(dynamic, "", &fault), 13005);
	assert_int_equal(delete_rule(dynamic, "srcaddr=me dstaddr=10.0.0.2"), 0);
	assert_int_equal(dynamic_delete_mm(dynamic, "m", &fault), 0);
	assert_int_equal(dynamic->n_mms, 0);
}

static void test_qm_numbers(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = with_policies();
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	uint32_t given;

	(void)state;
	assert_number(dynamic_add_qm(dynamic, test_qm("name=q", NULL), &fault), 13000);
	changes = test_qm("name=x soft=yes", &given);
	assert_number(dynamic_set_qm(dynamic, changes, given, &fault), 13001);
	assert_number(dynamic_delete_qm(dynamic, "x", &fault), 13001);
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=10.0.0.2"), 0);
	assert_number(dynamic_delete_qm(dynamic, "Q", &fault), 13002);
	assert_number(dynamic_delete_qm(dynamic, "", &fault), 13002);
	assert_int_equal(dynamic_delete_rule(dynamic, NULL, &fault), 0);
	assert_int_equal(dynamic_delete_qm(dynamic, "", &fault), 0);
	assert_int_equal(dynamic->n_qms, 0);
}

static void test_rule_numbers(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = with_policies();

	(void)state;
	assert_number(add_rule(dynamic, "mmpolicy=x qmpolicy=q psk=k srcaddr=me dstaddr=any"),
		      13004);
	assert_number(add_rule(dynamic, "mmpolicy=m qmpolicy=x psk=k srcaddr=me dstaddr=any"),
		      13001);
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=any protocol=tcp"), 0);
	assert_number(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=any protocol=tcp"), 13008);
	assert_number(delete_rule(dynamic, "srcaddr=me dstaddr=any"), 13009);
	assert_number(delete_rule(dynamic, "srcaddr=me dstaddr=any protocol=tcp mirrored=no"),
		      13009);
	assert_number(set_rule(dynamic, "srcaddr=me dstaddr=any psk=other"), 13009);
	assert_number(set_rule(dynamic, "srcaddr=me dstaddr=any protocol=tcp qmpolicy=x"), 13001);
	assert_number(set_rule(dynamic, "srcaddr=me dstaddr=any protocol=tcp mmpolicy=x"), 13004);
	assert_int_equal(dynamic->n_rules, 1);
}

static void assert_invalid(int r, const char *part)
{
	assert_int_not_equal(r, 0);
	assert_int_equal(fault.number, 0);
	assert_string_equal(fault.name, POLICY_BUS_INVALID);
	if (!strstr(fault.text, part))
		fail_msg("\"%s\" does not say \"%s\"", fault.text, part);
}

/* What cannot be enforced yet is refused, and says so. */
static void test_refused(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = with_policies();
	char key[1100];

	(void)state;
	assert_invalid(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=any mirrored=no"),
		       "mirrored");
	snprintf(key, sizeof(key), "mmpolicy=m qmpolicy=q srcaddr=me dstaddr=any psk=%01030d", 1);
	assert_invalid(add_rule(dynamic, key), "1024");
	assert_int_equal(dynamic->n_rules, 0);
	/* but a tunnel is two rules that are not mirrored */
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=10.0.0.0/8 dstaddr=any mirrored=no "
				  "tunneldstaddress=192.0.2.1"), 0);
	/* one for LAN or dial-up connections only is like any other */
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=any conntype=lan"), 0);
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=any conntype=dialup"), 0);
	/* a rule that does not negotiate needs neither key nor policies */
	assert_int_equal(add_rule(dynamic, "srcaddr=me dstaddr=any actioninbound=block "
				  "actionoutbound=permit mirrored=no"), 0);
	snprintf(key, sizeof(key), "mmpolicy=m qmpolicy=q srcaddr=me dstaddr=10.0.0.1 "
		 "rootca=CN=%01030d", 1);
	assert_invalid(add_rule(dynamic, key), "rootca");
	/* every method is taken, in any order */
	assert_int_equal(add_rule(dynamic, "mmpolicy=m qmpolicy=q kerberos=yes psk=k srcaddr=me "
				  "dstaddr=any"), 0);
}

/* Names do not tell upper from lower case, and a changed policy reaches its rules. */
static void test_set_policy(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = with_policies();
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	uint32_t given;
	uint64_t version;

	(void)state;
	assert_int_equal(add_rule(dynamic, "mmpolicy=M qmpolicy=Q psk=k srcaddr=me dstaddr=any"),
			 0);
	assert_int_equal(add_rule(dynamic, "srcaddr=me dstaddr=10.0.0.9 actioninbound=block "
				  "actionoutbound=block"), 0);
	version = dynamic->rules[0]->treatment->version;
	assert_false(dynamic->rules[0]->treatment->qm->policy->soft);
	changes = test_qm("name=q soft=yes", &given);
	assert_int_equal(dynamic_set_qm(dynamic, changes, given, &fault), 0);
	assert_true(dynamic->rules[0]->treatment->qm->policy->soft);
	assert_ptr_equal(dynamic->rules[0]->treatment->qm, dynamic->qms[0]);
	assert_true(dynamic->rules[0]->treatment->version > version);
	assert_true(dynamic->rules[1]->treatment->version > 0);
	version = dynamic->rules[0]->treatment->version;
	/* the same once more changes nothing */
	assert_int_equal(dynamic_set_qm(dynamic, changes, given, &fault), 0);
	assert_int_equal(dynamic->rules[0]->treatment->version, version);
}

static void test_set_rule(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = with_policies();
	uint64_t version;

	(void)state;
	assert_int_equal(add_rule(dynamic, NEGOTIATE "srcaddr=me dstaddr=any"), 0);
	version = dynamic->rules[0]->treatment->version;
	/* actions alone do not concern what was negotiated */
	assert_int_equal(set_rule(dynamic, "srcaddr=me dstaddr=any actioninbound=permit"), 0);
	assert_int_equal(dynamic->rules[0]->treatment->rule->inbound, IPSECDRV_ACTION_PERMIT);
	assert_string_equal(dynamic->rules[0]->treatment->rule->methods[0].secret, "secret");
	assert_int_equal(dynamic->rules[0]->treatment->version, version);
	assert_int_equal(set_rule(dynamic, "srcaddr=me dstaddr=any psk=other"), 0);
	assert_string_equal(dynamic->rules[0]->treatment->rule->methods[0].secret, "other");
	assert_true(dynamic->rules[0]->treatment->version > version);
}

/* A snapshot is not touched by what happens to its copy. */
static void test_snapshots(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *before = with_policies();
	_cleanup_(ruleset_freep) struct ruleset *after = NULL;
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *changes = NULL;
	uint32_t given;

	(void)state;
	assert_int_equal(add_rule(before, NEGOTIATE "srcaddr=me dstaddr=any"), 0);
	after = ruleset_copy(before);
	assert_non_null(after);
	changes = test_mm("name=m mmlifetime=10", &given);
	assert_int_equal(dynamic_set_mm(after, changes, given, &fault), 0);
	assert_int_equal(set_rule(after, "srcaddr=me dstaddr=any psk=other"), 0);
	assert_int_equal(before->rules[0]->treatment->mm->policy->lifetime_minutes, 480);
	assert_string_equal(before->rules[0]->treatment->rule->methods[0].secret, "secret");
	assert_int_equal(after->rules[0]->treatment->mm->policy->lifetime_minutes, 10);
	dynamic_clear(after);
	assert_int_equal(before->n_rules, 1);
	assert_int_equal(before->n_mms, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "N17 main mode policies: 13003, 13004, 13005", test_mm_numbers, NULL, NULL,
		  NULL },
		{ "N17 quick mode policies: 13000, 13001, 13002", test_qm_numbers, NULL, NULL,
		  NULL },
		{ "N17 rules: 13008, 13009, 13004, 13001", test_rule_numbers, NULL, NULL, NULL },
		{ "N17 what cannot be enforced is refused", test_refused, NULL, NULL, NULL },
		{ "N17 set policy", test_set_policy, NULL, NULL, NULL },
		{ "N17 set rule", test_set_rule, NULL, NULL, NULL },
		cmocka_unit_test(test_snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
