// SPDX-License-Identifier: MIT
/* Offers and choices of main mode. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "ike/proposal_mm.h"
#include "ike/sa_payload.h"
#include "ike/vid.h"

static uint8_t scratch[8192];

static struct bytes hex(const char *text)
{
	size_t len;

	assert_int_equal(parse_hex(text, scratch, sizeof(scratch), &len), 0);
	return (struct bytes){ scratch, len };
}

static const struct ike_mm_policy policy_3des = {
	.proposals = { { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 } },
	.n_proposals = 1,
	.auth = { IKE_AUTH_PSK },
	.n_auth = 1,
	.life_seconds = 28800,
};

/* What we offer is what live peers accepted, byte for byte. */
static void test_mm_offer(void **state)
{
	static const struct {
		struct ike_mm_proposal proposal;
		const char *body;
	} rows[] = {
		{ { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 },
		  "0000000100000001000000280101000100000020010100008001000580020002"
		  "8003000180040002800b0001800c7080" },
		{ { IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA384, 20 },
		  "00000001000000010000002c01010001000000240101000080010007800e0100"
		  "800200058003000180040014800b0001800c7080" },
		{ { IKE_CIPHER_DES, 0, IKE_HASH_MD5, 1 },
		  "0000000100000001000000280101000100000020010100008001000180020001"
		  "8003000180040001800b0001800c7080" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ike_mm_policy policy = policy_3des;
		uint8_t buf[256];
		struct writer w = writer_make(buf, sizeof(buf));

		policy.proposals[0] = rows[i].proposal;
		mm_proposal_write(&w, &policy);
		assert_false(w.overflow);
		assert_true(bytes_is_equal((struct bytes){ buf, w.len }, hex(rows[i].body)));
	}
}

/* A life beyond 16 bits takes the long form. */
static void test_mm_long_life(void **state)
{
	struct ike_mm_policy policy = policy_3des;
	uint8_t buf[256];
	struct writer w = writer_make(buf, sizeof(buf));
	struct mm_choice c;

	(void)state;
	policy.life_seconds = 86400;
	mm_proposal_write(&w, &policy);
	assert_memory_equal(buf + w.len - 8, "\x00\x0c\x00\x04\x00\x01\x51\x80", 8);
	assert_int_equal(mm_proposal_choose((struct bytes){ buf, w.len }, &policy, 0, &c), 0);
	assert_int_equal(c.life_seconds, 86400);
}

/* One proposal, one transform with these attributes. */
static struct bytes mm_body(const char *attributes)
{
	static uint8_t body[1024];
	uint8_t attrs[512];
	size_t len;
	struct writer w = writer_make(body, sizeof(body));

	assert_int_equal(parse_hex(attributes, attrs, sizeof(attrs), &len), 0);
	writer_u64(&w, 0x0000000100000001);
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(16 + len));
	writer_u32(&w, 0x01010001);
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(8 + len));
	writer_u32(&w, 0x01010000);
	writer_put(&w, attrs, len);
	return (struct bytes){ body, w.len };
}

#define BASE_3DES "80010005" "80020002" "80030001" "80040002"
#define BASE_AES "80010007" "80020002" "80030001" "80040002"

static void test_mm_attributes(void **state)
{
	static const struct {
		const char *attributes;
		bool is_good;
	} rows[] = {
		{ BASE_3DES, true },
		{ BASE_3DES "800b0001800c7080", true },
		{ BASE_3DES "800b0001000c000400007080", true },	  /* Windows writes it long */
		{ BASE_3DES "800b0001000c00080000000000007080", true },
		{ BASE_3DES "800b0001800c7080800b0002800c1000", true },
		{ BASE_3DES "800b0001800c7080800b0001800c1000", false }, /* seconds twice */
		{ BASE_3DES "800b0001", false },		  /* type without duration */
		{ BASE_3DES "800c7080", false },		  /* duration without type */
		{ BASE_3DES "800b0003800c7080", false },
		{ BASE_3DES "80010005", false },		  /* given twice */
		{ BASE_3DES "80040002", false },
		{ BASE_3DES "800e0080", false },		  /* key length of 3DES */
		{ BASE_3DES "800d0001", false },		  /* PRF */
		{ BASE_3DES "80050001", false },		  /* group in line */
		{ BASE_3DES "0006000411223344", false },
		{ BASE_3DES "800f0010", false },
		{ BASE_3DES "80110001", true },			  /* unknown: ignored */
		{ BASE_3DES "bfff0001", true },
		{ BASE_3DES "40000004" "61626364", true },	  /* GSS name, to PSK nothing */
		{ BASE_3DES "c0010001", false },		  /* private: means something */
		{ BASE_3DES "fd010001", true },			  /* its number in Windows 2000 */
		{ BASE_AES "800e0080", true },
		{ BASE_AES, true },				  /* others mean 128 */
		{ BASE_AES "800e0100", false },			  /* not in the policy */
		{ BASE_AES "800e0000", false },
		{ BASE_AES "800e0081", false },
		{ "8002000280030001" "80040002", false },	  /* no cipher */
		{ "8001000580030001" "80040002", false },	  /* no hash */
		{ "8001000580020002" "80040002", false },	  /* no method */
		{ "8001000580020002" "80030001", false },	  /* no group */
		{ "8001000380020002" "8003000180040002", false }, /* Blowfish */
		{ "8001000580020003" "8003000180040002", false }, /* Tiger */
		{ "8001000580020002" "8003000380040002", false }, /* RSA, not ours */
		{ "8001000580020002" "8003000480040002", false }, /* RSA encryption */
		{ "8001000580020002" "8003fde980040002", false }, /* 65001 */
		{ "8001000580020002" "8003000180040003", false }, /* EC2N */
		{ "8001000580020002" "8003000180040016", false }, /* group 22 */
		{ "000100020005" "80020002" "8003000180040002", true }, /* long form */
		{ "00010000" "80020002" "8003000180040002", false },	/* empty */
	};
	struct ike_mm_policy policy = policy_3des;
	struct mm_choice c;

	(void)state;
	policy.proposals[1] = (struct ike_mm_proposal){ IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1, 2 };
	policy.n_proposals = 2;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = mm_proposal_choose(mm_body(rows[i].attributes), &policy, 0, &c);

		if (ret != (rows[i].is_good ? 0 : -ENOENT))
			fail_msg("row %zu: %d", i, ret);
	}
}

/* 65001 is Kerberos only from somebody who says GSS-API or is Microsoft's; else it is XAUTH. */
static void test_mm_private_method(void **state)
{
	struct ike_mm_policy policy = policy_3des;
	struct bytes body = mm_body("80010005800200028003fde980040002");
	struct mm_choice c;

	(void)state;
	policy.auth[0] = IKE_AUTH_KERBEROS;
	assert_int_equal(mm_proposal_choose(body, &policy, 0, &c), -ENOENT);
	assert_int_equal(mm_proposal_choose(body, &policy, VID_XAUTH, &c), -ENOENT);
	assert_int_equal(mm_proposal_choose(body, &policy, VID_GSSAPI, &c), 0);
	assert_int_equal(c.auth, IKE_AUTH_KERBEROS);
	assert_int_equal(mm_proposal_choose(body, &policy, VID_MICROSOFT, &c), 0);
	assert_int_equal(mm_proposal_choose(body, &policy_3des, VID_GSSAPI, &c), -ENOENT);
}

/* RFC 2409, section 5: "there MUST NOT be multiple Proposal Payloads" in main mode. */
static void test_mm_one_proposal(void **state)
{
	static const char twice[] = "0000000100000001"
				    "0200002001010001000000180101000080010005800200028003000180040002"
				    "0000002002010001000000180101000080010005800200028003000180040002";
	struct mm_choice c;

	(void)state;
	assert_int_equal(mm_proposal_choose(mm_body(BASE_3DES), &policy_3des, 0, &c), 0);
	assert_int_equal(mm_proposal_choose(hex(twice), &policy_3des, 0, &c), -EBADMSG);
}

/* The chosen transform goes back with number, order and encoding as they were. */
static void test_mm_choice_is_unchanged(void **state)
{
	/* Two transforms; life in long form, an unknown attribute, and an odd order. */
	struct bytes offer = hex("0000000100000001"
				 "0000004807010002"
				 "030000180501000080010001800200018003000180040001"
				 "000000280901000080040002800b0001000c000400007080"
				 "8003000180020002800100058011002a");
	static const char answer[] = "0000000100000001"
				     "0000003007010001"
				     "000000280901000080040002800b0001000c000400007080"
				     "8003000180020002800100058011002a";
	uint8_t offered[256], buf[256];
	struct writer w = writer_make(buf, sizeof(buf));
	struct mm_choice c, d;

	(void)state;
	memcpy(offered, offer.data, offer.len);
	offer.data = offered;
	assert_int_equal(mm_proposal_choose(offer, &policy_3des, 0, &c), 0);
	assert_int_equal(c.transform_index, 1);
	mm_proposal_write_choice(&w, offer, &c, NULL);
	assert_true(bytes_is_equal((struct bytes){ buf, w.len }, hex(answer)));
	/* And the initiator recognises it. */
	assert_int_equal(mm_proposal_accept(offer, (struct bytes){ buf, w.len }, 0, &d), 0);
	assert_int_equal(d.transform_index, 1);
	assert_int_equal(d.life_seconds, 28800);
}

static void test_mm_answers_that_are_not_ours(void **state)
{
	struct bytes answer;
	uint8_t offer[256];
	struct writer w = writer_make(offer, sizeof(offer));
	struct mm_choice c;

	(void)state;
	mm_proposal_write(&w, &policy_3des);
	/* A shorter life counts, and the form does not matter. */
	answer = mm_body(BASE_3DES "800b0001000c000400000e10");
	assert_int_equal(mm_proposal_accept((struct bytes){ offer, w.len }, answer, 0, &c), 0);
	assert_int_equal(c.life_seconds, 3600);
	answer = mm_body(BASE_3DES "800b0001000c00040000ffff");
	assert_int_equal(mm_proposal_accept((struct bytes){ offer, w.len }, answer, 0, &c), 0);
	assert_int_equal(c.life_seconds, 28800);
	/* Something that we did not offer; two transforms; none. */
	answer = mm_body("80010005800200018003000180040002");
	assert_int_equal(mm_proposal_accept((struct bytes){ offer, w.len }, answer, 0, &c),
			 -ENOENT);
	answer = hex("00000001000000010000003801010002"
		     "030000180101000080010005800200028003000180040002"
		     "000000180201000080010005800200028003000180040002");
	assert_int_equal(mm_proposal_accept((struct bytes){ offer, w.len }, answer, 0, &c),
			 -ENOENT);
	answer = hex("0000000100000001");
	assert_int_equal(mm_proposal_accept((struct bytes){ offer, w.len }, answer, 0, &c),
			 -EBADMSG);
}

/* Structure: what is broken or too much is refused as a whole, before anything is chosen. */
static void test_sa_structure(void **state)
{
	static const struct {
		const char *body;
		int ret;
	} rows[] = {
		{ "", -EBADMSG },
		{ "00000001", -EBADMSG },
		{ "0000000200000001" "0000000801010000", -EPROTO },
		{ "0000000100000002" "0000000801010000", -EPROTO },
		/* no transform at all */
		{ "0000000100000001" "0000000801010000", -EBADMSG },
		/* proposal longer than the body, shorter than its header */
		{ "0000000100000001" "0000001001010001" "0000000801010000", 0 },
		{ "0000000100000001" "0000001101010001" "0000000801010000", -EBADMSG },
		{ "0000000100000001" "0000000701010001" "0000000801010000", -EBADMSG },
		{ "0000000100000001" "0000ffff01010001" "0000000801010000", -EBADMSG },
		/* SPI beyond the proposal */
		{ "0000000100000001" "000000100101ff01" "0000000801010000", -EBADMSG },
		/* next says more, there is none; says none, there is more */
		{ "0000000100000001" "0200001001010001" "0000000801010000", -EBADMSG },
		{ "0000000100000001" "0000001001010001" "0300000801010000", -EBADMSG },
		{ "0000000100000001" "0000001001010001" "000000080101000000", -EBADMSG },
		/* next is something else */
		{ "0000000100000001" "0300001001010001" "0000000801010000", -EBADMSG },
		/* number of transforms */
		{ "0000000100000001" "0000001001010002" "0000000801010000", -EBADMSG },
		{ "0000000100000001" "00000010010100ff" "0000000801010000", -E2BIG },
		/* transform of no length, of too much */
		{ "0000000100000001" "0000001001010001" "0000000001010000", -EBADMSG },
		{ "0000000100000001" "0000001001010001" "0000000901010000", -EBADMSG },
		/* attribute cut off, and longer than the transform */
		{ "0000000100000001" "0000001201010001" "0000000a01010000" "8001", -EBADMSG },
		{ "0000000100000001" "0000001401010001" "0000000c01010000" "000c0001", -EBADMSG },
		{ "0000000100000001" "0000001401010001" "0000000c01010000" "000cffff", -EBADMSG },
	};
	struct sa_payload sa;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = sa_payload_parse(hex(rows[i].body), &sa);

		if (ret != rows[i].ret)
			fail_msg("row %zu: %d", i, ret);
	}
}

/* @n proposals of @m transforms with @k attributes each. */
static int parse_sized(size_t n, size_t m, size_t k)
{
	static uint8_t buf[65536];
	struct writer w = writer_make(buf, sizeof(buf));
	struct sa_writer s = sa_writer_make(&w);
	struct sa_payload sa;

	sa_write_head(&w);
	for (size_t i = 0; i < n; i++) {
		sa_begin_proposal(&s, (uint8_t)i, 1, (struct bytes){0});
		for (size_t j = 0; j < m; j++) {
			sa_begin_transform(&s, 1);
			for (size_t a = 0; a < k; a++)
				sa_write_attribute(&s, 11, 1);
			sa_end_transform(&s);
		}
		sa_end_proposal(&s);
	}
	assert_false(w.overflow);
	return sa_payload_parse((struct bytes){ buf, w.len }, &sa);
}

static void test_sa_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_sized(32, 1, 1), 0);
	assert_int_equal(parse_sized(33, 1, 1), -E2BIG);
	assert_int_equal(parse_sized(1, 64, 1), 0);
	assert_int_equal(parse_sized(1, 65, 1), -E2BIG);
	assert_int_equal(parse_sized(1, 1, 32), 0);
	assert_int_equal(parse_sized(1, 1, 33), -E2BIG);
}

/* Twenty proposals and eight methods are more than a transform number can count. */
static void test_mm_largest_offer(void **state)
{
	struct ike_mm_policy policy = policy_3des;
	struct mm_choice c;
	struct sa_payload sa;
	struct writer w = writer_make(scratch, sizeof(scratch));

	(void)state;
	policy.n_proposals = IKE_MM_PROPOSALS_MAX;
	policy.n_auth = IKE_AUTH_METHODS_MAX;
	for (size_t i = 0; i < IKE_MM_PROPOSALS_MAX; i++)
		policy.proposals[i] = policy.proposals[0];
	for (size_t i = 0; i < IKE_AUTH_METHODS_MAX; i++)
		policy.auth[i] = IKE_AUTH_PSK;
	assert_int_equal(mm_policy_check(&policy), 0);
	mm_proposal_write(&w, &policy);
	assert_false(w.overflow);
	assert_int_equal(sa_payload_parse((struct bytes){ scratch, w.len }, &sa), 0);
	assert_int_equal(sa.proposals[0].n_transforms, SA_TRANSFORMS_MAX);
	assert_int_equal(mm_proposal_choose((struct bytes){ scratch, w.len }, &policy, 0, &c), 0);
	/* The last method has its place too. */
	w = writer_make(scratch, sizeof(scratch));
	policy.auth[IKE_AUTH_METHODS_MAX - 1] = IKE_AUTH_RSA_SIG;
	mm_proposal_write(&w, &policy);
	policy.auth[0] = IKE_AUTH_RSA_SIG;
	policy.n_auth = 1;
	assert_int_equal(mm_proposal_choose((struct bytes){ scratch, w.len }, &policy, 0, &c), 0);
	assert_int_equal(c.auth, IKE_AUTH_RSA_SIG);
}

static void test_mm_formats(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(mm_proposal_format(&policy_3des.proposals[0], text, sizeof(text)),
			    "3DES/SHA-1/MODP 1024");
	/* A short buffer is filled, not overrun. */
	assert_string_equal(mm_offer_format(mm_body(BASE_3DES), 0, text, 8), "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "K12 K13 main mode offers, byte for byte", test_mm_offer, NULL, NULL, NULL },
		cmocka_unit_test(test_mm_long_life),
		{ "main mode attributes", test_mm_attributes, NULL, NULL, NULL },
		{ "authentication method 65001", test_mm_private_method, NULL, NULL, NULL },
		{ "K42 main mode offers are one proposal", test_mm_one_proposal, NULL, NULL, NULL },
		{ "K21 the chosen transform goes back unchanged", test_mm_choice_is_unchanged,
		  NULL, NULL, NULL },
		{ "K21 answers that were not offered", test_mm_answers_that_are_not_ours, NULL,
		  NULL, NULL },
		cmocka_unit_test(test_sa_structure),
		cmocka_unit_test(test_sa_limits),
		cmocka_unit_test(test_mm_largest_offer),
		cmocka_unit_test(test_mm_formats),
	};

	return cmocka_run_group_tests_name("proposal of main mode", tests, NULL, NULL);
}
