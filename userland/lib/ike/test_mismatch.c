// SPDX-License-Identifier: MIT
/* Why a proposal is refused: the attribute, what policy has, what the peer has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/mismatch.h"
#include "ike/proposal_mm.h"
#include "ike/proposal_qm.h"

static const struct qm_terms terms = { .group = IKE_GROUP_MODP2048 };
static uint8_t scratch[8192];
static struct mismatch found;

#define ASSERT_FOUND(attribute_, expected_, received_)                     \
	do {                                                               \
		assert_string_equal(found.event.attribute, attribute_);    \
		assert_string_equal(found.event.expected, expected_);      \
		assert_string_equal(found.event.received, received_);      \
	} while (0)

static const struct ike_mm_policy mm_ours = {
	.proposals = { { IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256, IKE_GROUP_MODP2048 },
		       { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, IKE_GROUP_MODP1024 } },
	.n_proposals = 2,
	.auth = { IKE_AUTH_PSK },
	.n_auth = 1,
	.life_seconds = 28800,
};

/* What the peer offers of one transform is compared with mm_ours. */
static void compare_mm(struct ike_mm_proposal proposal, enum ike_auth auth)
{
	struct ike_mm_policy theirs = mm_ours;
	struct writer w = writer_make(scratch, sizeof(scratch));
	struct mm_choice c;

	theirs.proposals[0] = proposal;
	theirs.n_proposals = 1;
	theirs.auth[0] = auth;
	mm_proposal_write(&w, &theirs);
	assert_int_not_equal(mm_proposal_choose((struct bytes){ scratch, w.len }, &mm_ours, 0, &c),
			     0);
	mm_proposal_compare((struct bytes){ scratch, w.len }, &mm_ours, 0, &found);
}

#define COMPARE_MM(cipher, bits, hash, group, auth, ...)                              \
	do {                                                                          \
		compare_mm((struct ike_mm_proposal){ cipher, bits, hash, group }, auth); \
		ASSERT_FOUND(__VA_ARGS__);                                            \
	} while (0)

static void test_main_mode(void **state)
{
	(void)state;
	COMPARE_MM(IKE_CIPHER_DES, 0, IKE_HASH_SHA256, 14, IKE_AUTH_PSK, "Encryption Algorithm",
		   "AES-256, 3DES", "DES");
	COMPARE_MM(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA256, 14, IKE_AUTH_PSK,
		   "Encryption Algorithm", "AES-256, 3DES", "AES-128");
	COMPARE_MM(IKE_CIPHER_AES_CBC, 256, IKE_HASH_MD5, 14, IKE_AUTH_PSK, "Hash Algorithm",
		   "SHA-256, SHA-1", "MD5");
	COMPARE_MM(IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256, 5, IKE_AUTH_PSK,
		   "Diffie-Hellman Group", "MODP 2048, MODP 1024", "MODP 1536");
	COMPARE_MM(IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256, 14, IKE_AUTH_RSA_SIG,
		   "Authentication Method", "preshared key", ike_auth_name(IKE_AUTH_RSA_SIG));
	/* each of them is good, but not in this company */
	COMPARE_MM(IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA1, 2, IKE_AUTH_PSK, "Combination",
		   "AES-256/SHA-256/MODP 2048", "AES-256/SHA-1/MODP 1024");
	mm_proposal_compare((struct bytes){ (const uint8_t *)"rubbish", 7 }, &mm_ours, 0, &found);
	ASSERT_FOUND("Encryption Algorithm", "AES-256, 3DES", "nothing that we know");
}

#define ESP IKE_PROTOCOL_ESP
#define AH IKE_PROTOCOL_AH

static const struct ike_suite esp_aes = { ESP, IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA256 };
static const struct ike_suite esp_3des = { ESP, IKE_CIPHER_3DES, 0, IKE_HASH_SHA256 };
static const struct ike_suite esp_md5 = { ESP, IKE_CIPHER_AES_CBC, 128, IKE_HASH_MD5 };
static const struct ike_suite ah_sha1 = { AH, IKE_CIPHER_NONE, 0, IKE_HASH_SHA1 };
static const struct ike_suite ah_md5 = { AH, IKE_CIPHER_NONE, 0, IKE_HASH_MD5 };

static struct ike_qm_policy policy_of(const struct ike_suite *suite, uint16_t group,
				      enum ike_encapsulation encapsulation)
{
	return (struct ike_qm_policy){
		.encapsulation = encapsulation,
		.offers = { { .suites = { *suite }, .n_suites = 1, .pfs_group = group } },
		.n_offers = 1,
	};
}

static void compare_qm(const struct ike_qm_policy *ours,
		       const struct ike_qm_policy *theirs)
{
	struct qm_spis spis = { .spi = { [IKE_PROTOCOL_AH] = 0x1001, [IKE_PROTOCOL_ESP] = 0x1002 } };
	struct writer w = writer_make(scratch, sizeof(scratch));
	bool has_ke = theirs->offers[0].pfs_group != IKE_GROUP_NONE;
	struct qm_choice c;

	qm_proposal_write(&w, theirs, &terms, &spis);
	assert_int_not_equal(qm_proposal_choose((struct bytes){ scratch, w.len }, ours, &terms,
						has_ke, &c), 0);
	qm_proposal_compare((struct bytes){ scratch, w.len }, ours, &terms, &found);
}

static void test_quick_mode(void **state)
{
	struct ike_qm_policy ours = policy_of(&esp_aes, 14, IKE_ENCAPSULATION_TRANSPORT), theirs;

	(void)state;
	theirs = policy_of(&ah_sha1, 14, IKE_ENCAPSULATION_TRANSPORT);
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("Protocol", "ESP", "AH");
	theirs = policy_of(&esp_3des, 14, IKE_ENCAPSULATION_TRANSPORT);
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("ESP Algorithm", "AES-128", "3DES");
	theirs = policy_of(&esp_md5, 14, IKE_ENCAPSULATION_TRANSPORT);
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("HMAC Algorithm", "SHA-256", "MD5");
	theirs = policy_of(&esp_aes, 14, IKE_ENCAPSULATION_TUNNEL);
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("Encapsulation", "Transport Mode", "Tunnel Mode");
	theirs = policy_of(&esp_aes, IKE_GROUP_NONE, IKE_ENCAPSULATION_TRANSPORT);
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("PFS Group", "MODP 2048", ike_group_name(IKE_GROUP_NONE));
	/* both or nothing */
	ours.offers[0] = (struct ike_qm_offer){ .suites = { ah_sha1, esp_aes }, .n_suites = 2 };
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("Protocol", "AH + ESP", "ESP");
	ours = policy_of(&ah_sha1, IKE_GROUP_NONE, IKE_ENCAPSULATION_TRANSPORT);
	theirs = policy_of(&ah_md5, IKE_GROUP_NONE, IKE_ENCAPSULATION_TRANSPORT);
	compare_qm(&ours, &theirs);
	ASSERT_FOUND("AH Algorithm", "SHA-1", "MD5");
}

/* More values than fit, and texts longer than their place, are cut between values. */
static void test_bounds(void **state)
{
	static char names[MISMATCH_VALUES_MAX + 4][32];
	struct mismatch_values ours = {0}, theirs = {0};
	struct mismatch m;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(names[i], sizeof(names[i]), "a name of some length, %zu", i);
		mismatch_add(&ours, names[i]);
		mismatch_add(&ours, names[i]);
	}
	assert_int_equal(ours.n, MISMATCH_VALUES_MAX);
	mismatch_add(&theirs, "another");
	assert_true(mismatch_is(&m, "Attribute", &ours, &theirs));
	assert_true(strlen(m.event.expected) < MISMATCH_TEXT_LEN);
	assert_int_equal(m.event.expected[strlen(m.event.expected) - 1], '5');
	mismatch_add(&theirs, names[3]);
	assert_false(mismatch_is(&m, "Attribute", &ours, &theirs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "L02 K21 main mode: what does not fit", test_main_mode, NULL, NULL, NULL },
		{ "L02 K21 quick mode: what does not fit", test_quick_mode, NULL, NULL, NULL },
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("mismatch", tests, NULL, NULL);
}
