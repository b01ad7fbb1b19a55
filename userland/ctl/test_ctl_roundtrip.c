// SPDX-License-Identifier: MIT
/* parse(print(x)) is x, for random objects; the seed is fixed, so that a failure is repeatable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/roundtrip.h"
#include "policy/address.h"
#include "policy/methods.h"
#include "store/test_content.h"
#include "store/text.h"

#define ROUNDS 4000

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

/* Names and secrets are full of what the command line might take for its own. */
static char *random_text(void)
{
	static const char *const pieces[] = {
		"a", "Z", "\"", "\"\"", " ", "=", "\\", "'", "#", ";", "?", "help", "all", "psk=",
		"\xc3\xbc", "certmap:", ",", "-", "$", "rem",
	};
	char text[64] = "x";

	for (uint32_t i = below(8); i > 0; i--)
		strcat(text, pieces[below(sizeof(pieces) / sizeof(pieces[0]))]);
	/* blanks at the end of a CA's name carry no meaning */
	return strdup(strcat(text, "y"));
}

static void random_address(struct policy_address *address)
{
	static const char *const names[] = { "host", "a-b.example.org", "x_1." };

	address->kind = (enum policy_address_kind)below(POLICY_ADDRESS_GATEWAY + 1);
	if (address->kind == POLICY_ADDRESS_NAME)
		address->name = strdup(names[below(3)]);
	if (address->kind != POLICY_ADDRESS_IP)
		return;
	address->addr.family = below(2) ? AF_INET : AF_INET6;
	address->mask = policy_mask_from_prefix(address->addr.family,
						(uint8_t)below(address->addr.family == AF_INET ? 33 :
							       129));
	if (address->addr.family == AF_INET && below(4) == 0)
		for (size_t i = 0; i < 4; i++)
			address->mask.bytes[i] = (uint8_t)below(256);
	/* never 0.0.0.0/32, which is "me" */
	for (size_t i = 0; i < ip_addr_len(&address->addr); i++)
		address->addr.bytes[i] = (uint8_t)(below(256) | 1) & address->mask.bytes[i];
}

static void random_methods(struct policy_rule *rule)
{
	size_t n = below(4);

	rule->n_methods = 0;
	for (size_t i = 0; i < n; i++) {
		struct policy_method *method = &rule->methods[rule->n_methods];
		bool is_repeated = false;

		*method = (struct policy_method){ .kind = (enum policy_method_kind)below(3) };
		for (size_t j = 0; j < rule->n_methods; j++)
			if (rule->methods[j].kind == method->kind &&
			    method->kind != POLICY_METHOD_ROOT_CA)
				is_repeated = true;
		if (is_repeated)
			continue;
		if (method->kind != POLICY_METHOD_KERBEROS)
			method->secret = random_text();
		/* \' stands for a quote there, so that a name cannot have it */
		if (method->kind == POLICY_METHOD_ROOT_CA && strstr(method->secret, "\\'"))
			*strstr(method->secret, "\\'") = '/';
		if (method->kind == POLICY_METHOD_ROOT_CA) {
			method->cert_map = below(2);
			method->exclude_ca_name = below(2);
		}
		rule->n_methods++;
	}
}

static struct policy_rule *random_rule(void)
{
	struct policy_rule *rule = policy_rule_new();

	random_address(&rule->source);
	random_address(&rule->destination);
	rule->mm_policy = below(3) ? random_text() : NULL;
	rule->qm_policy = below(3) ? random_text() : NULL;
	rule->protocol = (uint8_t)below(256);
	rule->source_port = (uint16_t)(below(2) ? below(65536) : 0);
	rule->destination_port = (uint16_t)(below(2) ? below(65536) : 0);
	rule->mirrored = below(2);
	rule->connection = (enum policy_connection)below(3);
	rule->inbound = (enum ipsecdrv_action)(IPSECDRV_ACTION_PERMIT + below(3));
	rule->outbound = (enum ipsecdrv_action)(IPSECDRV_ACTION_PERMIT + below(3));
	rule->has_tunnel = below(4) == 0;
	if (rule->has_tunnel)
		random_address(&rule->tunnel_destination);
	random_methods(rule);
	return rule;
}

static struct policy_mm_policy *random_mm_policy(void)
{
	struct policy_mm_policy *policy = policy_mm_policy_new();
	char why[POLICY_WHY_LEN];

	policy->name = random_text();
	policy->quick_modes = below(3) ? below(INT32_MAX) : 0;
	policy->lifetime_minutes = below(3) ? 1 + below(POLICY_MAX_MINUTES) : 480;
	policy->soft_sa_seconds = below(3) ? 1 + below(86400) : 300;
	policy->n_offers = 1 + below(POLICY_MAX_OFFERS);
	for (size_t i = 0; i < policy->n_offers; i++)
		do {
			policy->offers[i] = (struct policy_mm_offer){
				(enum policy_cipher)below(8), (enum policy_hash)below(6),
				(uint8_t)below(22),
			};
		} while (policy_mm_offer_check(&policy->offers[i], why) < 0);
	return policy;
}

static struct policy_qm_policy *random_qm_policy(void)
{
	struct policy_qm_policy *policy = policy_qm_policy_new();
	char why[POLICY_WHY_LEN];

	policy->name = random_text();
	policy->soft = below(2);
	do {
		policy->pfs_group = (uint8_t)below(256);
	} while (policy->pfs_group != POLICY_PFS_NONE && policy->pfs_group != POLICY_PFS_MAIN_MODE &&
		 !policy_group_is_known(policy->pfs_group));
	policy->n_offers = 1 + below(POLICY_MAX_OFFERS);
	for (size_t i = 0; i < policy->n_offers; i++) {
		struct policy_qm_offer *offer = &policy->offers[i];

		do {
			*offer = (struct policy_qm_offer){ .has_ah = below(2), .has_esp = below(2) };
			if (offer->has_ah)
				offer->ah_hash = (enum policy_hash)below(6);
			if (offer->has_esp) {
				offer->esp_cipher = (enum policy_cipher)below(8);
				offer->esp_hash = (enum policy_hash)below(6);
			}
			offer->lifetime_seconds = below(2) ? 300 + below(172500) : 0;
			offer->lifetime_kilobytes = below(2) ? 1000 + below(2147482648) : 0;
		} while (policy_qm_offer_check(offer, why) < 0);
	}
	return policy;
}

static void check(struct roundtrip *object)
{
	_cleanup_(roundtrip_clear) struct roundtrip back = { .rule = NULL };
	_cleanup_free_ char *text = roundtrip_print(object);
	char why[POLICY_WHY_LEN] = "";

	assert_non_null(text);
	if (roundtrip_parse(text, &back, why) < 0)
		fail_msg("%s\n%s", text, why);
	if (!roundtrip_is_equal(object, &back)) {
		_cleanup_free_ char *again = roundtrip_print(&back);

		fail_msg("%s\n%s", text, again);
	}
	roundtrip_clear(object);
}

static void rules(void **state)
{
	(void)state;
	seed = 0x9e3779b97f4a7c15;
	for (int i = 0; i < ROUNDS; i++) {
		struct roundtrip object = { .rule = random_rule() };

		check(&object);
	}
}

static void mm_policies(void **state)
{
	(void)state;
	seed = 0x2545f4914f6cdd1d;
	for (int i = 0; i < ROUNDS; i++) {
		struct roundtrip object = { .mm_policy = random_mm_policy() };

		check(&object);
	}
}

static void qm_policies(void **state)
{
	(void)state;
	seed = 0xda942042e4dd58b5;
	for (int i = 0; i < ROUNDS; i++) {
		struct roundtrip object = { .qm_policy = random_qm_policy() };

		check(&object);
	}
}

/* Every line of a dump is a command, and what it stands for is printed as the same line. */
static void stored(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 200; round++) {
		_cleanup_(store_content_freep) struct store_content *content =
			test_content_random(round);
		_cleanup_free_ char *text = NULL;
		size_t len, n = 0;
		FILE *file = open_memstream(&text, &len);

		store_content_print(file, content, true);
		(void)fclose(file);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++) {
			_cleanup_(roundtrip_clear) struct roundtrip object = { .rule = NULL };
			_cleanup_free_ char *again = NULL;
			char why[POLICY_WHY_LEN] = "";

			if (roundtrip_parse(line, &object, why) < 0)
				fail_msg("%s\n%s", line, why);
			again = roundtrip_print(&object);
			assert_non_null(again);
			assert_string_equal(again, line);
		}
		assert_true(n > 0);
	}
}

/* Changes that are not in dumps, in their one spelling. */
static void changes(void **state)
{
	static const char *const lines[] = {
		"static set policy name=a newname=\"b c\" mmpfs=yes assign=yes",
		"static set policy guid={72385236-70FA-11D1-864C-14A300000000} mmlifetime=7",
		"static set rule id=3 policy=p filterlist=l tunnel=none psk=\"a \"\"b\"\"\" kerberos=yes",
		"static set defaultrule policy=p activate=no",
		"static set filterlist name=l description=\"\"",
		"static set filteraction name=a action=permit qmsecmethods=\"\"",
		"static delete rule all policy=p", "static delete policy all",
		"static delete filter filterlist=l srcaddr=me dstaddr=10.0.0.0/24 dstport=7",
		"static add policy name=p tool=yes", "static add rule name=r policy=p filterlist=l "
		"filteraction=a tool=yes",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		_cleanup_(roundtrip_clear) struct roundtrip object = { .rule = NULL };
		_cleanup_(roundtrip_clear) struct roundtrip back = { .rule = NULL };
		_cleanup_free_ char *text = NULL;
		char why[POLICY_WHY_LEN] = "";

		if (roundtrip_parse(lines[i], &object, why) < 0)
			fail_msg("%s\n%s", lines[i], why);
		text = roundtrip_print(&object);
		assert_string_equal(text, lines[i]);
		assert_int_equal(roundtrip_parse(text, &back, why), 0);
		assert_true(roundtrip_is_equal(&object, &back));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "random rules, printed and read", rules, NULL, NULL, NULL },
		{ "random main mode policies, printed and read", mm_policies, NULL, NULL, NULL },
		{ "random quick mode policies, printed and read", qm_policies, NULL, NULL, NULL },
		{ "X12 random stores, dumped and read line by line", stored, NULL, NULL, NULL },
		{ "changes of stores, read and printed", changes, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("roundtrip", tests, NULL, NULL);
}
