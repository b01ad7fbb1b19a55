// SPDX-License-Identifier: MIT
/* The grammar of methods is compared in full by selftests/golden/ctl; here are its edges. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/methods.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static void mm_defaults(void **state)
{
	static const struct policy_mm_offer expected[] = {
		{ POLICY_CIPHER_3DES, POLICY_HASH_SHA1, 2 },
		{ POLICY_CIPHER_3DES, POLICY_HASH_MD5, 2 },
		{ POLICY_CIPHER_DES, POLICY_HASH_SHA1, 1 },
		{ POLICY_CIPHER_DES, POLICY_HASH_MD5, 1 },
	};
	struct policy_mm_policy *policy = policy_mm_policy_new();

	(void)state;
	assert_non_null(policy);
	assert_int_equal(policy->n_offers, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(policy->offers[i].cipher, expected[i].cipher);
		assert_int_equal(policy->offers[i].hash, expected[i].hash);
		assert_int_equal(policy->offers[i].group, expected[i].group);
	}
	policy_mm_policy_free(policy);
}

/* What is printed of every good combination is read back as it was. */
static void mm_all(void **state)
{
	char why[POLICY_WHY_LEN], text[POLICY_OFFER_STRLEN];
	size_t good = 0, n;

	(void)state;
	for (int cipher = 0; cipher <= POLICY_CIPHER_AESGCM256; cipher++) {
		for (int hash = 0; hash <= POLICY_HASH_SHA512; hash++) {
			for (unsigned int group = 0; group < 256; group++) {
				struct policy_mm_offer offer = {
					(enum policy_cipher)cipher, (enum policy_hash)hash,
					(uint8_t)group,
				}, back[POLICY_MAX_OFFERS];

				if (policy_mm_offer_check(&offer, why) < 0) {
					assert_true(*why);
					continue;
				}
				policy_mm_offer_format(&offer, text);
				assert_int_equal(policy_mm_offers_parse(text, back, &n, why), 0);
				assert_int_equal(n, 1);
				assert_int_equal(back[0].cipher, cipher);
				assert_int_equal(back[0].hash, hash);
				assert_int_equal(back[0].group, group);
				good++;
			}
		}
	}
	/* DES, 3DES and three of AES; five hashes; groups 1, 2, 5 and 14 to 21 */
	assert_int_equal(good, 5 * 5 * 11);
}

static void qm_all(void **state)
{
	static const uint32_t lifetimes[][2] = {
		{ 0, 0 }, { 1000, 0 }, { 0, 300 }, { 2147483647, 172799 }, { 100000, 3600 },
	};
	char why[POLICY_WHY_LEN], text[POLICY_OFFER_STRLEN];
	size_t good = 0, n;

	(void)state;
	for (unsigned int i = 0; i < 4 * 6 * 8 * 6 * ARRAY_LEN(lifetimes); i++) {
		unsigned int rest = i;
		struct policy_qm_offer offer = { .has_ah = rest & 1, .has_esp = rest >> 1 & 1 };
		struct policy_qm_offer back[POLICY_MAX_OFFERS];

		rest /= 4;
		/* what does not apply is 0, else text could not carry it */
		offer.ah_hash = offer.has_ah ? (enum policy_hash)(rest % 6) : POLICY_HASH_NONE;
		rest /= 6;
		offer.esp_cipher = offer.has_esp ? (enum policy_cipher)(rest % 8) : 0;
		rest /= 8;
		offer.esp_hash = offer.has_esp ? (enum policy_hash)(rest % 6) : 0;
		rest /= 6;
		offer.lifetime_kilobytes = lifetimes[rest][0];
		offer.lifetime_seconds = lifetimes[rest][1];
		if (policy_qm_offer_check(&offer, why) < 0)
			continue;
		policy_qm_offer_format(&offer, text);
		assert_int_equal(policy_qm_offers_parse(text, back, &n, why), 0);
		assert_int_equal(n, 1);
		assert_int_equal(back[0].has_ah, offer.has_ah);
		assert_int_equal(back[0].has_esp, offer.has_esp);
		assert_int_equal(back[0].ah_hash, offer.ah_hash);
		assert_int_equal(back[0].esp_cipher, offer.esp_cipher);
		assert_int_equal(back[0].esp_hash, offer.esp_hash);
		assert_int_equal(back[0].lifetime_kilobytes, offer.lifetime_kilobytes);
		assert_int_equal(back[0].lifetime_seconds, offer.lifetime_seconds);
		good++;
	}
	/* AH: 5 (counted 48 times, for what does not apply); ESP: 5 of null, 5 * 6, 2 of GCM */
	assert_int_equal(good, ARRAY_LEN(lifetimes) * (5 * 48 + (5 + 30 + 2) * 6 + (5 + 30 + 2) * 5));
}

static void order(void **state)
{
	static const char list[] = "DES-MD5-1 AES256-SHA512-21 3DES-SHA1-2";
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	char why[POLICY_WHY_LEN], *text;
	size_t n = 0;

	(void)state;
	assert_int_equal(policy_mm_offers_parse("  DES-MD5-1\tAES256-SHA512-21   3DES-SHA1-2 ",
						offers, &n, why), 0);
	assert_int_equal(n, 3);
	text = policy_mm_offers_to_text(offers, n);
	assert_string_equal(text, list);
	free(text);
}

/* A list that is refused leaves the caller's alone, wherever in it the fault is. */
static void untouched(void **state)
{
	struct policy_qm_offer offers[POLICY_MAX_OFFERS] = { { .lifetime_seconds = 4711 } };
	char why[POLICY_WHY_LEN] = "";
	size_t n = 99;

	(void)state;
	assert_int_equal(policy_qm_offers_parse("ESP[3DES,SHA1] AH[SHA1", offers, &n, why), -EINVAL);
	assert_int_equal(n, 99);
	assert_int_equal(offers[0].lifetime_seconds, 4711);
	assert_non_null(strstr(why, "AH[SHA1"));
}

static void windows_groups(void **state)
{
	static const struct {
		const char *text;
		unsigned int group;
	} cases[] = {
		{ "3DES-SHA1-1", 1 }, { "3DES-SHA1-2", 2 }, { "3DES-SHA1-3", 14 },
		{ "3DES-SHA1-14", 14 },
	};
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	char why[POLICY_WHY_LEN], buf[8];
	uint8_t group;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(policy_mm_offers_parse(cases[i].text, offers, &n, why), 0);
		assert_int_equal(offers[0].group, cases[i].group);
	}
	assert_int_equal(policy_pfs_group_parse("grp3", &group), 0);
	assert_int_equal(group, 14);
	for (unsigned int i = 0; i < 256; i++) {
		const char *text = policy_pfs_group_format((uint8_t)i, buf);

		if (!policy_group_is_known(i) && i != POLICY_PFS_NONE && i != POLICY_PFS_MAIN_MODE)
			continue;
		assert_int_equal(policy_pfs_group_parse(text, &group), 0);
		assert_int_equal(group, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "K14 main mode offers when none are named", mm_defaults, NULL, NULL, NULL },
		{ "every main mode method, printed and read", mm_all, NULL, NULL, NULL },
		{ "every quick mode method, printed and read", qm_all, NULL, NULL, NULL },
		{ "methods keep their order", order, NULL, NULL, NULL },
		{ "a refused list changes nothing", untouched, NULL, NULL, NULL },
		{ "Windows' group numbers", windows_groups, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("methods", tests, NULL, NULL);
}
