// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/text.h"
#include "store/runs.h"
#include "store/sql.h"
#include "store/test_support.h"

static struct fault fault;

static uint32_t given_tags;

static void set_rule(struct policy_rule *rule, const char *tag, const char *value)
{
	char why[POLICY_WHY_LEN];

	if (policy_rule_set_tag(rule, tag, value, &given_tags, why))
		fail_msg("%s: %s", tag, why);
}

static struct policy_mm_policy *some_mm(void)
{
	struct policy_mm_policy *policy = policy_mm_policy_new();
	uint32_t given = 0;
	char why[POLICY_WHY_LEN];

	assert_int_equal(policy_mm_policy_set_tag(policy, "name", "ipseccmd 1", &given, why), 0);
	assert_int_equal(policy_mm_policy_set_tag(policy, "mmsecmethods", "AES256-SHA256-14 DES-MD5-1",
						  &given, why), 0);
	policy->quick_modes = 3;
	policy->lifetime_minutes = 10;
	policy->soft_sa_seconds = 20;
	return policy;
}

static struct policy_qm_policy *some_qm(void)
{
	struct policy_qm_policy *policy = policy_qm_policy_new();
	uint32_t given = 0;
	char why[POLICY_WHY_LEN];

	assert_int_equal(policy_qm_policy_set_tag(policy, "name", "ipseccmd 1", &given, why), 0);
	assert_int_equal(policy_qm_policy_set_tag(policy, "qmsecmethods",
						  "AH[MD5]+ESP[DES,None]:20480k/300s ESP[3DES,SHA1]",
						  &given, why), 0);
	policy->soft = true;
	policy->pfs_group = POLICY_PFS_MAIN_MODE;
	return policy;
}

/* A rule with as much in it as fits: @kind 0 transport, 1 tunnel, 2 default response, 3 block. */
static struct policy_rule *some_rule(unsigned int kind)
{
	struct policy_rule *rule = policy_rule_new();

	given_tags = 0;
	set_rule(rule, "srcaddr", kind == 2 ? "me" : "10.0.0.0/255.0.255.0");
	set_rule(rule, "dstaddr", kind == 2 ? "any" : kind == 3 ? "host.example" : "2.0.0.0/8");
	set_rule(rule, "kerberos", "yes");
	set_rule(rule, "psk", "open \"sesame\"");
	set_rule(rule, "rootca", "CN=Root certmap:yes");
	if (kind == 1) {
		set_rule(rule, "mirrored", "no");
		set_rule(rule, "tunneldstaddress", "192.0.2.1");
	}
	if (kind == 2)
		set_rule(rule, "defaultresponse", "yes");
	if (kind == 3) {
		set_rule(rule, "actioninbound", "block");
		set_rule(rule, "actionoutbound", "permit");
		return rule;
	}
	if (!kind) {
		set_rule(rule, "protocol", "UDP");
		set_rule(rule, "srcport", "7");
		set_rule(rule, "dstport", "9");
		set_rule(rule, "conntype", "lan");
	}
	rule->mm_policy = strdup("ipseccmd 1");
	rule->qm_policy = strdup("IPSECCMD 1");
	return rule;
}

#define RULES 4

static void write_all(struct store *store)
{
	struct policy_mm_policy *mm = some_mm();
	struct policy_qm_policy *qm = some_qm();

	assert_int_equal(store_begin(store, &fault), 0);
	assert_int_equal(store_clear_runs(store, &fault), 0);
	assert_int_equal(store_add_mm_policy(store, mm, &fault), 0);
	assert_int_equal(store_add_qm_policy(store, qm, &fault), 0);
	for (unsigned int i = 0; i < RULES; i++) {
		struct policy_rule *rule = some_rule(i);

		if (store_add_run_rule(store, rule, &fault))
			fail_msg("%s", fault.text);
		policy_rule_free(rule);
	}
	assert_int_equal(store_commit(store, &fault), 0);
	policy_mm_policy_free(mm);
	policy_qm_policy_free(qm);
}

static void assert_all(struct store *store)
{
	struct policy_runs runs;
	struct policy_mm_policy *mm = some_mm();
	struct policy_qm_policy *qm = some_qm();

	if (store_read_runs(store, &runs, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(runs.n_mms, 1);
	assert_int_equal(runs.n_qms, 1);
	assert_int_equal(runs.n_rules, RULES);
	assert_true(policy_mm_policy_is_equal(runs.mms[0], mm));
	assert_true(policy_qm_policy_is_equal(runs.qms[0], qm));
	for (unsigned int i = 0; i < RULES; i++) {
		struct policy_rule *rule = some_rule(i);

		assert_true(policy_rule_is_equal(runs.rules[i], rule));
		policy_rule_free(rule);
	}
	policy_mm_policy_free(mm);
	policy_qm_policy_free(qm);
	policy_runs_clear(&runs);
}

static void test_round_trip(void **state)
{
	struct store *store = test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY);

	(void)state;
	write_all(store);
	assert_all(store);
	/* what is written again takes the place of what was there */
	write_all(store);
	store_close(store);
	store = test_open(STORE_OPEN_READ);
	assert_all(store);
	store_close(store);
}

/* Half of it is nothing of it. */
static void test_rollback(void **state)
{
	struct store *store = test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY);

	(void)state;
	write_all(store);
	assert_int_equal(store_begin(store, &fault), 0);
	assert_int_equal(store_clear_runs(store, &fault), 0);
	store_rollback(store);
	assert_all(store);
	store_close(store);
}

static void assert_damaged(struct store *store, const char *statement, const char *sentence)
{
	struct policy_runs runs = { .n_mms = 7 };

	write_all(store);
	assert_int_equal(sql_run(store, &fault, statement, ""), 0);
	if (store_read_runs(store, &runs, &fault) != -EBADMSG)
		fail_msg("accepted: %s", statement);
	if (!strstr(fault.text, sentence))
		fail_msg("\"%s\" is not in \"%s\"", sentence, fault.text);
	assert_int_equal(runs.n_mms, 7);
}

static void test_damage(void **state)
{
	struct store *store = test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY);

	(void)state;
	assert_damaged(store, "UPDATE run_mm_policies SET mmlifetime = '0'",
		       "main mode policy ipseccmd 1: mmlifetime");
	assert_damaged(store, "UPDATE run_qm_policies SET qmsecmethods = ''", "qmsecmethods");
	assert_damaged(store, "UPDATE run_rules SET srcport = '70000' WHERE id = 1", "rule 1: srcport");
	assert_damaged(store, "UPDATE run_rules SET actioninbound = 'negotiate', qmpolicy = NULL "
		       "WHERE id = 4", "rule 4: ");
	assert_damaged(store, "UPDATE run_methods SET method = 'psk=' WHERE position = 1", "rule ");
	assert_damaged(store, "DELETE FROM run_methods", "authentication method");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, test_make_folder,
						test_remove_folder),
		cmocka_unit_test_setup_teardown(test_rollback, test_make_folder, test_remove_folder),
		cmocka_unit_test_setup_teardown(test_damage, test_make_folder, test_remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
