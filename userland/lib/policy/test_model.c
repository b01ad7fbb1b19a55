// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/address.h"
#include "policy/check.h"
#include "policy/config.h"
#include "policy/model.h"
#include "policy/text.h"

static void set(struct policy_rule *rule, const char *tag, const char *value, uint32_t *given)
{
	char why[POLICY_WHY_LEN] = "";

	if (policy_rule_set_tag(rule, tag, value, given, why) < 0)
		fail_msg("%s=%s: %s", tag, value, why);
}

static struct policy_rule *make_rule(const char *source, const char *destination)
{
	struct policy_rule *rule = policy_rule_new();
	uint32_t given = 0;

	assert_non_null(rule);
	set(rule, "srcaddr", source, &given);
	set(rule, "dstaddr", destination, &given);
	set(rule, "mmpolicy", "mm", &given);
	set(rule, "qmpolicy", "qm", &given);
	return rule;
}

static void same_selectors(void **state)
{
	struct policy_rule *a = make_rule("me", "10.0.0.2/24"), *b = make_rule("ME", "10.0.0.99/24");
	uint32_t given = 0;

	(void)state;
	assert_true(policy_rule_is_same(a, b));
	set(b, "psk", "x", &given);
	set(b, "qmpolicy", "other", &given);
	set(b, "actioninbound", "block", &given);
	assert_true(policy_rule_is_same(a, b));
	assert_false(policy_rule_is_equal(a, b));
	set(b, "mirrored", "no", &given);
	assert_false(policy_rule_is_same(a, b));
	set(b, "mirrored", "yes", &given);
	set(b, "protocol", "TCP", &given);
	assert_false(policy_rule_is_same(a, b));
	set(a, "protocol", "6", &given);
	set(a, "dstport", "80", &given);
	assert_false(policy_rule_is_same(a, b));
	set(b, "dstport", "80", &given);
	assert_true(policy_rule_is_same(a, b));
	set(b, "conntype", "lan", &given);
	assert_false(policy_rule_is_same(a, b));
	set(a, "conntype", "lan", &given);
	set(b, "interface", "eth0", &given);
	assert_false(policy_rule_is_same(a, b));
	set(a, "interface", "eth1", &given);
	assert_false(policy_rule_is_same(a, b));
	set(a, "interface", "eth0", &given);
	set(b, "tunneldstaddress", "10.0.0.7", &given);
	assert_false(policy_rule_is_same(a, b));
	set(a, "tunneldstaddress", "10.0.0.8", &given);
	assert_false(policy_rule_is_same(a, b));
	set(a, "tunneldstaddress", "10.0.0.7", &given);
	assert_true(policy_rule_is_same(a, b));
	policy_rule_free(a);
	policy_rule_free(b);
}

static void merge_rule(void **state)
{
	struct policy_rule *rule = make_rule("me", "10.0.0.2"), *changes = make_rule("me", "10.0.0.2");
	uint32_t given = 0;

	(void)state;
	set(changes, "actioninbound", "permit", &given);
	set(changes, "qmpolicy", "new", &given);
	assert_int_equal(policy_rule_merge(rule, changes, given), 0);
	assert_int_equal(rule->inbound, IPSECDRV_ACTION_PERMIT);
	assert_int_equal(rule->outbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_string_equal(rule->qm_policy, "new");
	assert_string_equal(rule->mm_policy, "mm");
	assert_int_equal(rule->n_methods, 1);
	assert_int_equal(rule->methods[0].kind, POLICY_METHOD_KERBEROS);
	given = 0;
	set(changes, "psk", "k1", &given);
	set(changes, "rootca", "CN=A", &given);
	assert_int_equal(policy_rule_merge(rule, changes, given), 0);
	assert_int_equal(rule->n_methods, 2);
	assert_string_equal(rule->methods[0].secret, "k1");
	assert_string_equal(rule->qm_policy, "new");
	/* the secrets are copies */
	assert_ptr_not_equal(rule->methods[0].secret, changes->methods[0].secret);
	policy_rule_free(rule);
	policy_rule_free(changes);
}

static void merge_policies(void **state)
{
	struct policy_mm_policy *mm = policy_mm_policy_new(), *mm2 = policy_mm_policy_new();
	struct policy_qm_policy *qm = policy_qm_policy_new(), *qm2 = policy_qm_policy_new();
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;

	(void)state;
	assert_int_equal(policy_mm_policy_set_tag(mm2, "mmlifetime", "7", &given, why), 0);
	assert_int_equal(given, POLICY_FIELD_MMLIFETIME);
	assert_int_equal(policy_mm_policy_merge(mm, mm2, given), 0);
	assert_int_equal(mm->lifetime_minutes, 7);
	assert_int_equal(mm->n_offers, 4);
	given = 0;
	assert_int_equal(policy_mm_policy_set_tag(mm2, "mmsecmethods", "DES-MD5-1", &given, why), 0);
	assert_int_equal(policy_mm_policy_merge(mm, mm2, given), 0);
	assert_int_equal(mm->n_offers, 1);
	assert_true(policy_mm_policy_is_equal(mm, mm2));
	given = 0;
	assert_int_equal(policy_qm_policy_set_tag(qm2, "pfsgroup", "GRPMM", &given, why), 0);
	assert_int_equal(policy_qm_policy_merge(qm, qm2, given), 0);
	assert_int_equal(qm->pfs_group, POLICY_PFS_MAIN_MODE);
	assert_false(qm->soft);
	assert_true(policy_qm_policy_is_equal(qm, qm2));
	policy_mm_policy_free(mm);
	policy_mm_policy_free(mm2);
	policy_qm_policy_free(qm);
	policy_qm_policy_free(qm2);
}

static void copies(void **state)
{
	struct policy_rule *rule = make_rule("me", "host.example"), *copy;
	struct policy_mm_policy *mm = policy_mm_policy_new(), *mm2;
	uint32_t given = 0;

	(void)state;
	set(rule, "psk", "a key", &given);
	set(rule, "rootca", "CN=A certmap:yes", &given);
	set(rule, "tunneldstaddress", "gw.example", &given);
	copy = policy_rule_copy(rule);
	assert_true(policy_rule_is_equal(rule, copy));
	assert_ptr_not_equal(rule->destination.name, copy->destination.name);
	rule->methods[1].cert_map = false;
	assert_false(policy_rule_is_equal(rule, copy));
	policy_rule_free(rule);
	assert_string_equal(copy->methods[0].secret, "a key");
	policy_rule_free(copy);
	mm->name = strdup("n");
	mm2 = policy_mm_policy_copy(mm);
	assert_true(policy_mm_policy_is_equal(mm, mm2));
	policy_mm_policy_free(mm);
	policy_mm_policy_free(mm2);
}

/* The order of the tags is the order of preference; the first one replaces the default. */
static void method_order(void **state)
{
	struct policy_rule *rule = make_rule("me", "any");
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;

	(void)state;
	assert_int_equal(rule->methods[0].kind, POLICY_METHOD_KERBEROS);
	set(rule, "psk", "x", &given);
	assert_int_equal(rule->n_methods, 1);
	set(rule, "kerberos", "yes", &given);
	set(rule, "rootca", "CN=A", &given);
	set(rule, "rootca", "CN=B", &given);
	assert_int_equal(rule->n_methods, 4);
	assert_int_equal(rule->methods[0].kind, POLICY_METHOD_PSK);
	assert_int_equal(rule->methods[1].kind, POLICY_METHOD_KERBEROS);
	assert_string_equal(rule->methods[2].secret, "CN=A");
	assert_string_equal(rule->methods[3].secret, "CN=B");
	assert_int_equal(policy_rule_check(rule, why), 0);
	policy_rule_free(rule);
}

/* What no parser lets through is refused all the same: objects also come from elsewhere. */
static void checks(void **state)
{
	struct policy_rule *rule = make_rule("me", "10.0.0.2");
	struct policy_mm_policy *mm = policy_mm_policy_new();
	struct policy_qm_policy *qm = policy_qm_policy_new();
	char why[POLICY_WHY_LEN] = "";

	(void)state;
	assert_int_equal(policy_rule_check(rule, why), 0);
	rule->inbound = IPSECDRV_ACTION_NONE;
	assert_int_equal(policy_rule_check(rule, why), -EINVAL);
	rule->inbound = IPSECDRV_ACTION_PERMIT;
	rule->methods[0] = (struct policy_method){ .kind = POLICY_METHOD_PSK };
	assert_int_equal(policy_rule_check(rule, why), -EINVAL);
	assert_non_null(strstr(why, "blank"));
	assert_int_equal(policy_mm_policy_check(mm, why), -EINVAL);
	mm->name = strdup("x");
	assert_int_equal(policy_mm_policy_check(mm, why), 0);
	mm->n_offers = 0;
	assert_int_equal(policy_mm_policy_check(mm, why), -EINVAL);
	qm->name = strdup("x");
	assert_int_equal(policy_qm_policy_check(qm, why), 0);
	qm->pfs_group = 3;
	assert_int_equal(policy_qm_policy_check(qm, why), -EINVAL);
	qm->pfs_group = 0;
	qm->offers[1].lifetime_seconds = 299;
	assert_int_equal(policy_qm_policy_check(qm, why), -EINVAL);
	policy_rule_free(rule);
	policy_mm_policy_free(mm);
	policy_qm_policy_free(qm);
}

static void names(void **state)
{
	char why[POLICY_WHY_LEN], longest[POLICY_NAME_MAX + 2];
	static const char *const bad[] = {
		"a\nb", "a\tb", "\x7f", "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82", "",  " ",
	};

	(void)state;
	assert_int_equal(policy_name_check("name", "Br\xc3\xbc" "cke \xe2\x82\xac \xf0\x9f\x98\x80",
					   why), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(policy_name_check("name", bad[i], why), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[POLICY_NAME_MAX] = '\0';
	assert_int_equal(policy_name_check("name", longest, why), 0);
	longest[POLICY_NAME_MAX] = 'a';
	longest[POLICY_NAME_MAX + 1] = '\0';
	assert_int_equal(policy_name_check("name", longest, why), -EINVAL);
	assert_true(policy_name_is_equal("Abc", "aBC"));
}

static void boot_exemptions(void **state)
{
	const struct policy_config_property *property = policy_config_find("BootExemptions");
	struct policy_boot_exemption *list = NULL;
	char why[POLICY_WHY_LEN], *text = NULL;
	size_t n = 0;

	(void)state;
	assert_non_null(property);
	assert_int_equal(policy_config_check(property, "  tcp:80:443:outbound  icmp:INBOUND ", &text,
					     why), 0);
	assert_string_equal(text, "TCP:80:443:outbound ICMP:inbound");
	assert_int_equal(policy_boot_exemptions_parse(text, &list, &n, why), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].source_port, 80);
	assert_int_equal(list[0].destination_port, 443);
	assert_false(list[0].is_inbound);
	assert_int_equal(list[1].protocol, 1);
	assert_true(list[1].is_inbound);
	free(list);
	free(text);
	assert_int_equal(policy_boot_exemptions_parse("none", &list, &n, why), 0);
	assert_int_equal(n, 0);
	free(list);
	/* one more than fit */
	text = calloc(POLICY_BOOT_EXEMPTIONS_MAX + 1, 16);
	for (size_t i = 0; i <= POLICY_BOOT_EXEMPTIONS_MAX; i++)
		strcpy(text + 13 * i, "ICMP:inbound ");
	assert_int_equal(policy_boot_exemptions_parse(text, &list, &n, why), -EINVAL);
	free(text);
	/* every default is a value */
	for (size_t i = 0; i < policy_n_config_properties; i++) {
		assert_int_equal(policy_config_check(&policy_config_properties[i],
						     policy_config_properties[i].fallback, &text,
						     why), 0);
		assert_string_equal(text, policy_config_properties[i].fallback);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "rules are found by their selectors", same_selectors, NULL, NULL, NULL },
		{ "set rule changes what is named", merge_rule, NULL, NULL, NULL },
		{ "set policy changes what is named", merge_policies, NULL, NULL, NULL },
		{ "copies share nothing", copies, NULL, NULL, NULL },
		{ "authentication methods keep their order", method_order, NULL, NULL, NULL },
		{ "objects made without a parser are checked", checks, NULL, NULL, NULL },
		{ "names and secrets are UTF-8 without control characters", names, NULL, NULL,
		  NULL },
		{ "boot exemptions and defaults of the configuration", boot_exemptions, NULL, NULL,
		  NULL },
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
