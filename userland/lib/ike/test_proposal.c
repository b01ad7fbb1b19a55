// SPDX-License-Identifier: MIT
/* Offers and choices of both phases, and identities. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "ike/ident.h"
#include "ike/proposal_mm.h"
#include "ike/proposal_qm.h"
#include "ike/sa_payload.h"
#include "ike/vid.h"

static const struct qm_terms terms19 = { .group = 19 };

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

/* --- phase 1 -------------------------------------------------------------------------------- */

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

/* --- phase 2 -------------------------------------------------------------------------------- */

static struct ike_qm_offer esp(enum ike_cipher cipher, unsigned int key_bits, enum ike_hash hash)
{
	return (struct ike_qm_offer){
		.suites = { { IKE_PROTOCOL_ESP, cipher, (uint16_t)key_bits, hash } },
		.n_suites = 1,
		.life_seconds = 3600,
	};
}

static struct ike_qm_offer ah(enum ike_hash hash)
{
	return (struct ike_qm_offer){
		.suites = { { IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, hash } },
		.n_suites = 1,
		.life_seconds = 3600,
	};
}

static const struct qm_spis spis = {
	.spi = { [IKE_PROTOCOL_AH] = 0xa1a1a1a1, [IKE_PROTOCOL_ESP] = 0xe5e5e5e5 },
};

static struct bytes write_offer(const struct ike_qm_policy *policy, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	qm_proposal_write(&w, policy, &terms19, &spis);
	assert_false(w.overflow);
	return (struct bytes){ buf, w.len };
}

/* What live peers accepted, byte for byte (with their SPIs). */
static void test_qm_offer(void **state)
{
	static const struct {
		struct ike_suite suite;
		uint16_t pfs_group;
		uint32_t spi;
		const char *body;
	} rows[] = {
		{ { IKE_PROTOCOL_ESP, IKE_CIPHER_3DES, 0, IKE_HASH_SHA1 }, 0, 0x14d9dc92,
		  "0000000100000001000000240103040114d9dc92000000180103000080050002"
		  "800400028001000180020e10" },
		{ { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_GCM_16, 128, IKE_HASH_NONE }, 19, 0x7506468f,
		  "0000000100000001000000280103040 17506468f0000001c0114000080060080"
		  "80030013800400028001000180020e10" },
		{ { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256 }, 0, 0x7d17da74,
		  "000000010000000100000028010304017d17da740000001c010c000080060100"
		  "80050005800400028001000180020e10" },
		{ { IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, IKE_HASH_SHA256 }, 0, 0x738f20ec,
		  "00000001000000010000002401020401738f20ec000000180105000080050005"
		  "800400028001000180020e10" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ike_qm_policy policy = {
			.offers = { { .suites = { rows[i].suite }, .n_suites = 1,
				      .life_seconds = 3600, .pfs_group = rows[i].pfs_group } },
			.n_offers = 1,
		};
		struct qm_spis own = {0};
		char text[256];
		uint8_t buf[256];
		struct writer w = writer_make(buf, sizeof(buf));
		size_t n = 0;

		own.spi[rows[i].suite.protocol] = rows[i].spi;
		qm_proposal_write(&w, &policy, &(struct qm_terms){ .group = 14 }, &own);
		for (const char *p = rows[i].body; *p; p++) {
			if (*p != ' ')
				text[n++] = *p;
		}
		text[n] = '\0';
		assert_true(bytes_is_equal((struct bytes){ buf, w.len }, hex(text)));
	}
}

/* Alternatives of one protocol share a proposal; the order is kept; AH with ESP share a number. */
static void test_qm_structure_of_offers(void **state)
{
	static const struct {
		uint8_t number, protocol, n_transforms;
	} want[] = { { 1, 3, 2 }, { 2, 2, 1 }, { 3, 3, 1 }, { 4, 2, 1 }, { 4, 3, 1 }, { 5, 3, 1 } };
	struct ike_qm_policy policy = {
		.offers = { esp(IKE_CIPHER_AES_GCM_16, 256, IKE_HASH_NONE),
			    esp(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1), ah(IKE_HASH_SHA1),
			    esp(IKE_CIPHER_DES, 0, IKE_HASH_MD5), ah(IKE_HASH_MD5),
			    esp(IKE_CIPHER_NULL, 0, IKE_HASH_MD5) },
		.n_offers = 6,
	};
	struct sa_payload sa;
	uint8_t buf[1024];

	(void)state;
	policy.offers[4].suites[1] = esp(IKE_CIPHER_DES, 0, IKE_HASH_NONE).suites[0];
	policy.offers[4].n_suites = 2;
	assert_int_equal(qm_policy_check(&policy), 0);
	assert_int_equal(qm_protocols_sent(&policy, 19), 1 << 2 | 1 << 3);
	assert_int_equal(sa_payload_parse(write_offer(&policy, buf, sizeof(buf)), &sa), 0);
	assert_int_equal(sa.n_proposals, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(sa.proposals[i].number, want[i].number);
		assert_int_equal(sa.proposals[i].protocol, want[i].protocol);
		assert_int_equal(sa.proposals[i].n_transforms, want[i].n_transforms);
		assert_int_equal(sa.proposals[i].spi.data[0],
				 want[i].protocol == 2 ? 0xa1 : 0xe5);
	}
}

/* Every offer against every other: chosen exactly when it is the same. */
static void test_qm_truth_table(void **state)
{
	struct ike_qm_offer offers[64];
	size_t n = 0;
	static const struct {
		enum ike_cipher cipher;
		unsigned int bits;
	} ciphers[] = { { IKE_CIPHER_NULL, 0 },	     { IKE_CIPHER_DES, 0 },
			{ IKE_CIPHER_3DES, 0 },	     { IKE_CIPHER_AES_CBC, 128 },
			{ IKE_CIPHER_AES_CBC, 256 }, { IKE_CIPHER_AES_GCM_16, 128 },
			{ IKE_CIPHER_AES_GCM_16, 256 } };

	(void)state;
	for (size_t c = 0; c < sizeof(ciphers) / sizeof(ciphers[0]); c++) {
		for (int h = IKE_HASH_NONE; h < IKE_HASH_COUNT; h++) {
			struct ike_qm_policy p = { .offers = { esp(ciphers[c].cipher,
								   ciphers[c].bits,
								   (enum ike_hash)h) },
						   .n_offers = 1 };

			if (!qm_policy_check(&p))
				offers[n++] = p.offers[0];
		}
	}
	assert_int_equal(n, 5 + 4 * 6 + 2);
	for (int h = IKE_HASH_MD5; h < IKE_HASH_COUNT; h++)
		offers[n++] = ah((enum ike_hash)h);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct ike_qm_policy a = { .offers = { offers[i] }, .n_offers = 1 };
			struct ike_qm_policy b = { .offers = { offers[j] }, .n_offers = 1 };
			uint8_t buf[256];
			struct qm_choice c;
			int ret = qm_proposal_choose(write_offer(&a, buf, sizeof(buf)), &b, &terms19,
						     false, &c);

			assert_int_equal(ret, i == j ? 0 : -ENOENT);
		}
	}
}

static void test_qm_choice_and_answer(void **state)
{
	static const struct qm_spis mine = {
		.spi = { [IKE_PROTOCOL_AH] = 0x11111111, [IKE_PROTOCOL_ESP] = 0x22222222 },
	};
	struct ike_qm_policy initiator = {
		.offers = { esp(IKE_CIPHER_AES_GCM_16, 256, IKE_HASH_NONE),
			    esp(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1), ah(IKE_HASH_SHA1),
			    ah(IKE_HASH_SHA256) },
		.n_offers = 4,
	};
	uint8_t buf[1024], answer[1024];

	(void)state;
	initiator.offers[3].suites[1] = esp(IKE_CIPHER_NULL, 0, IKE_HASH_MD5).suites[0];
	initiator.offers[3].n_suites = 2;
	for (size_t i = 0; i < 4; i++) {
		struct ike_qm_policy responder = { .offers = { initiator.offers[i] },
						   .n_offers = 1 };
		struct writer w = writer_make(answer, sizeof(answer));
		struct bytes offer = write_offer(&initiator, buf, sizeof(buf));
		struct qm_choice c, d;

		assert_int_equal(qm_proposal_choose(offer, &responder, &terms19, false, &c), 0);
		assert_int_equal(c.n_suites, responder.offers[0].n_suites);
		assert_int_equal(c.peer_spi[0],
				 c.suites[0].protocol == IKE_PROTOCOL_AH ? 0xa1a1a1a1 : 0xe5e5e5e5);
		qm_proposal_write_choice(&w, offer, &c, &mine);
		assert_int_equal(qm_proposal_accept((struct bytes){ answer, w.len }, &initiator,
						    &terms19, &d),
				 0);
		assert_int_equal(d.offer, i);
		assert_int_equal(d.number, c.number);
		assert_int_equal(d.peer_spi[0],
				 d.suites[0].protocol == IKE_PROTOCOL_AH ? 0x11111111 : 0x22222222);
		/* The whole offer sent back is no answer. */
		assert_int_equal(qm_proposal_accept(offer, &initiator, &terms19, &d), -ENOENT);
	}
}

/* One ESP proposal with a transform of these attributes. */
static struct bytes qm_body(uint8_t protocol, uint8_t id, uint32_t spi, size_t spi_len,
			    const char *attributes)
{
	static uint8_t body[1024];
	struct writer w = writer_make(body, sizeof(body));
	uint8_t attrs[512];
	size_t len;

	assert_int_equal(parse_hex(attributes, attrs, sizeof(attrs), &len), 0);
	writer_u64(&w, 0x0000000100000001);
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(16 + spi_len + len));
	writer_u8(&w, 1);
	writer_u8(&w, protocol);
	writer_u8(&w, (uint8_t)spi_len);
	writer_u8(&w, 1);
	for (size_t i = spi_len; i > 0; i--)
		writer_u8(&w, i > 4 ? 0 : (uint8_t)(spi >> (8 * (i - 1))));
	writer_u16(&w, 0);
	writer_u16(&w, (uint16_t)(8 + len));
	writer_u8(&w, 1);
	writer_u8(&w, id);
	writer_u16(&w, 0);
	writer_put(&w, attrs, len);
	return (struct bytes){ body, w.len };
}

static void test_qm_attributes(void **state)
{
	static const struct {
		uint8_t protocol, id;
		uint32_t spi;
		size_t spi_len;
		const char *attributes;
		bool has_ke, is_good;
	} rows[] = {
		{ 3, 3, 256, 4, "8004000280050002", false, true },
		{ 3, 3, 255, 4, "8004000280050002", false, false }, /* reserved SPI */
		{ 3, 3, 256, 3, "8004000280050002", false, false }, /* SPI of 3, 5, 8 bytes */
		{ 3, 3, 256, 5, "8004000280050002", false, false },
		{ 3, 3, 256, 8, "8004000280050002", false, false },
		{ 3, 3, 256, 0, "8004000280050002", false, false },
		{ 3, 3, 256, 4, "80050002", false, false },	    /* no encapsulation mode */
		{ 3, 3, 256, 4, "8004000180050002", false, false }, /* tunnel */
		{ 3, 3, 256, 4, "8004000480050002", false, false }, /* in UDP */
		{ 3, 3, 256, 4, "8004f00480050002", false, false },
		{ 3, 3, 256, 4, "8004000080050002", false, false },
		{ 3, 3, 256, 4, "800400028005000280050002", false, false },  /* twice */
		{ 3, 3, 256, 4, "8004000280050003", false, false },	     /* DES-MAC */
		{ 3, 3, 256, 4, "80040002800500028006 00c0", false, false }, /* 3DES key length */
		{ 3, 3, 256, 4, "80040002800500028003000e", true, true },
		{ 3, 3, 256, 4, "80040002800500028003000e", false, false }, /* group, no KE */
		{ 3, 3, 256, 4, "8004000280050002", true, false },	    /* KE, no group */
		{ 3, 3, 256, 4, "800400028005000280030016", true, false },  /* group 22 */
		{ 3, 3, 256, 4, "8004000280050002800b0001", false, false }, /* ESN */
		{ 3, 3, 256, 4, "8004000280050002800a0001", false, true },  /* ECN */
		{ 3, 3, 256, 4, "800400028005000280070001", false, false }, /* rounds */
		{ 3, 3, 256, 4, "8004000280050002800c0001", false, true },  /* unknown */
		{ 3, 3, 256, 4,
		  "80040002800500027d010004"
		  "61626364",
		  false, false },
		{ 3, 3, 256, 4, "800400028005000280010001", false, false }, /* life type alone */
		{ 3, 3, 256, 4, "80040002800500028001000180020e10800100028002ffff", false, true },
		{ 2, 3, 256, 4, "8004000280050002", false, true },  /* AH SHA-1 */
		{ 2, 3, 256, 4, "8004000280050001", false, false }, /* id and attribute differ */
		{ 2, 3, 256, 4, "80040002", false, false },
		{ 2, 2, 256, 4, "8004000280050001", false, false }, /* MD5: not in policy */
		{ 4, 3, 256, 4, "8004000280050002", false, false }, /* IPCOMP */
		{ 1, 1, 256, 4, "8004000280050002", false, false },
		{ 3, 20, 256, 4, "8004000280060080", false, true },	     /* GCM-16, 128 bits */
		{ 3, 20, 256, 4, "800400028006008080050002", false, false }, /* with a hash */
		{ 3, 20, 256, 4, "80040002", false, false },	     /* without key length */
		{ 3, 18, 256, 4, "8004000280060080", false, false }, /* GCM-8 */
		{ 3, 12, 256, 4, "800400028006008080050002", false, false }, /* not in policy */
	};
	struct ike_qm_policy policy = {
		.offers = { esp(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1), ah(IKE_HASH_SHA1),
			    esp(IKE_CIPHER_AES_GCM_16, 128, IKE_HASH_NONE) },
		.n_offers = 3,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		size_t n = 0;
		struct qm_choice c;
		int ret;

		for (const char *p = rows[i].attributes; *p; p++) {
			if (*p != ' ')
				text[n++] = *p;
		}
		text[n] = '\0';
		ret = qm_proposal_choose(qm_body(rows[i].protocol, rows[i].id, rows[i].spi,
						 rows[i].spi_len, text),
					 &policy, &terms19, rows[i].has_ke, &c);
		if (ret != (rows[i].is_good ? 0 : -ENOENT))
			fail_msg("row %zu: %d", i, ret);
	}
}

static void test_qm_pfs(void **state)
{
	struct ike_qm_policy a = { .offers = { esp(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1),
					       esp(IKE_CIPHER_DES, 0, IKE_HASH_SHA1),
					       esp(IKE_CIPHER_DES, 0, IKE_HASH_MD5) },
				   .n_offers = 3 };

	(void)state;
	/* Offers go out as far as they share a group: quick mode has one key exchange. */
	assert_int_equal(qm_offers_sent(&a, 14), 3);
	a.offers[0].pfs_group = IKE_GROUP_MAIN_MODE;
	assert_int_equal(qm_offers_sent(&a, 14), 1);
	a.offers[1].pfs_group = 14;
	assert_int_equal(qm_offers_sent(&a, 14), 2);
	assert_int_equal(qm_offers_sent(&a, 2), 1);
	assert_int_equal(qm_offer_group(&a.offers[0], 2), 2);
	assert_int_equal(qm_offer_group(&a.offers[1], 2), 14);
}

static void test_qm_policies_that_cannot_be(void **state)
{
	struct ike_qm_policy p = { .n_offers = 1 };
	static const struct ike_suite bad[] = {
		{ IKE_PROTOCOL_ESP, IKE_CIPHER_NULL, 0, IKE_HASH_NONE },
		{ IKE_PROTOCOL_ESP, IKE_CIPHER_NONE, 0, IKE_HASH_SHA1 },
		{ IKE_PROTOCOL_ESP, IKE_CIPHER_AES_GCM_16, 128, IKE_HASH_SHA1 },
		{ IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 0, IKE_HASH_SHA1 },
		{ IKE_PROTOCOL_ESP, IKE_CIPHER_DES, 56, IKE_HASH_SHA1 },
		{ IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, IKE_HASH_NONE },
		{ IKE_PROTOCOL_AH, IKE_CIPHER_DES, 0, IKE_HASH_MD5 },
		{ IKE_PROTOCOL_ISAKMP, IKE_CIPHER_DES, 0, IKE_HASH_MD5 },
		{ IKE_PROTOCOL_ESP, (enum ike_cipher)77, 0, IKE_HASH_MD5 },
		{ IKE_PROTOCOL_ESP, IKE_CIPHER_DES, 0, (enum ike_hash)77 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p.offers[0] = (struct ike_qm_offer){ .suites = { bad[i] }, .n_suites = 1 };
		assert_int_equal(qm_policy_check(&p), -EINVAL);
	}
	p.offers[0] = ah(IKE_HASH_MD5);
	assert_int_equal(qm_policy_check(&p), 0);
	p.offers[0].n_suites = 2;
	p.offers[0].suites[1] = p.offers[0].suites[0];
	assert_int_equal(qm_policy_check(&p), -EINVAL);
	p.offers[0] = ah(IKE_HASH_MD5);
	p.offers[0].pfs_group = 22;
	assert_int_equal(qm_policy_check(&p), -EINVAL);
	p.n_offers = 0;
	assert_int_equal(qm_policy_check(&p), -EINVAL);
}

static void test_qm_lifetime_notify(void **state)
{
	uint8_t buf[64];
	struct writer w = writer_make(buf, sizeof(buf));
	uint32_t s = 9, kb = 9;

	(void)state;
	qm_lifetime_write(&w, 900, 100000);
	assert_int_equal(qm_lifetime_parse((struct bytes){ buf, w.len }, &s, &kb), 0);
	assert_int_equal(s, 900);
	assert_int_equal(kb, 100000);
	assert_int_equal(qm_lifetime_parse((struct bytes){0}, &s, &kb), 0);
	assert_int_equal(s, 0);
	assert_int_equal(kb, 0);
	for (size_t len = 1; len < w.len; len++) {
		if (len % 4)
			assert_int_equal(qm_lifetime_parse((struct bytes){ buf, len }, &s, &kb),
					 -EBADMSG);
	}
}

static void test_formats(void **state)
{
	struct ike_qm_policy p = { .offers = { ah(IKE_HASH_SHA1) }, .n_offers = 1 };
	char text[64];
	uint8_t buf[256];

	(void)state;
	p.offers[0].suites[1] = esp(IKE_CIPHER_3DES, 0, IKE_HASH_NONE).suites[0];
	assert_string_equal(qm_suites_format(p.offers[0].suites, 2, text, sizeof(text)),
			    "AH SHA-1 + ESP 3DES/none");
	assert_string_equal(qm_offer_format(write_offer(&p, buf, sizeof(buf)), text, sizeof(text)),
			    "AH SHA-1");
	assert_string_equal(qm_offer_format((struct bytes){0}, text, sizeof(text)),
			    "nothing that we know");
	assert_string_equal(mm_proposal_format(&policy_3des.proposals[0], text, sizeof(text)),
			    "3DES/SHA-1/MODP 1024");
	/* A short buffer is filled, not overrun. */
	assert_string_equal(mm_offer_format(mm_body(BASE_3DES), 0, text, 8), "nothing");
}

/* --- identities ----------------------------------------------------------------------------- */

static void test_phase_1_identities(void **state)
{
	static const struct {
		const char *body;
		int ret;
	} rows[] = {
		{ "01000000c0000201", 0 },
		{ "011101f4c0000201", 0 },	/* UDP 500 */
		{ "01111194c0000201", 0 },	/* UDP 4500 */
		{ "05000000" "20010db8000000000000000000000001", 0 },
		{ "01110035c0000201", -EINVAL },
		{ "010601f4c0000201", -EINVAL },
		{ "01000001c0000201", -EINVAL },
		{ "01000000c00002", -EBADMSG },
		{ "01000000c000020101", -EBADMSG },
		{ "0100000020010db8000000000000000000000001", -EBADMSG },
		{ "05000000c0000201", -EBADMSG },
		{ "02000000c0000201", -EINVAL },	/* FQDN */
		{ "04000000c0000201ffffffff", -EINVAL },
		{ "01000000", -EBADMSG },
		{ "fa000000c0000201", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr;
		struct ident id;

		assert_int_equal(ident_parse(hex(rows[i].body), &id), 0);
		if (ident_phase1_addr(&id, &addr) != rows[i].ret)
			fail_msg("row %zu", i);
	}
	assert_int_equal(ident_parse(hex("010000"), &(struct ident){0}), -EBADMSG);
}

static void test_phase_2_identities(void **state)
{
	static const struct {
		const char *body;
		int ret;
		const char *addr;
		unsigned int prefix;
	} rows[] = {
		{ "01000000c0000201", 0, "192.0.2.1", 32 },
		{ "04000000c0000201ffffff00", 0, "192.0.2.0", 24 },
		{ "040000000000000000000000", 0, "0.0.0.0", 0 },
		{ "07000000c0000200c00002ff", 0, "192.0.2.0", 24 },
		{ "07000000c0000201c0000201", 0, "192.0.2.1", 32 },
		{ "0700000000000000ffffffff", 0, "0.0.0.0", 0 },
		{ "05000000"
		  "20010db8000000000000000000000001",
		  0, "2001:db8::1", 128 },
		{ "06000000"
		  "20010db8000000000000000000000001"
		  "ffffffff000000000000000000000000",
		  0, "2001:db8::", 32 },
		{ "08000000"
		  "20010db8000000000000000000000000"
		  "20010db8ffffffffffffffffffffffff",
		  0, "2001:db8::", 32 },
		{ "04000000c0000201ff00ff00", -EINVAL, NULL, 0 }, /* not contiguous */
		{ "07000000c0000201c0000207", -EINVAL, NULL, 0 }, /* odd range */
		{ "07000000c00002ffc0000200", -EINVAL, NULL, 0 }, /* backwards */
		{ "04000000c0000201ffffff", -EBADMSG, NULL, 0 },
		{ "04000000c0000201ffffff0000", -EBADMSG, NULL, 0 },
		{ "01000000", -EBADMSG, NULL, 0 },
		{ "02000000"
		  "6578616d706c65",
		  -EINVAL, NULL, 0 }, /* FQDN as a selector */
		{ "09000000"
		  "3000",
		  -EINVAL, NULL, 0 },
		{ "00000000c0000201", -EINVAL, NULL, 0 },
		{ "ff000000c0000201", -EINVAL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr, want;
		struct ident id;
		uint8_t prefix;
		int ret;

		assert_int_equal(ident_parse(hex(rows[i].body), &id), 0);
		ret = ident_phase2_net(&id, &addr, &prefix);
		if (ret != rows[i].ret)
			fail_msg("row %zu: %d", i, ret);
		if (ret)
			continue;
		assert_int_equal(ip_addr_parse(rows[i].addr, &want), 0);
		assert_true(ip_addr_is_equal(&addr, &want));
		assert_int_equal(prefix, rows[i].prefix);
	}
}

/* A selector written by one side is the mirrored one on the other. */
static void test_selectors(void **state)
{
	struct ike_selector s = { .local_prefix = 24, .remote_prefix = 32, .protocol = 6,
				  .remote_port = 445 }, t;
	uint8_t a[64], b[64];
	struct writer wa = writer_make(a, sizeof(a)), wb = writer_make(b, sizeof(b));
	struct bytes ci, cr;

	(void)state;
	assert_int_equal(ip_addr_parse("10.0.1.0", &s.local), 0);
	assert_int_equal(ip_addr_parse("192.0.2.2", &s.remote), 0);
	ident_write_selector(&wa, &s, true);
	ident_write_selector(&wb, &s, false);
	ci = (struct bytes){ a, wa.len };
	cr = (struct bytes){ b, wb.len };
	assert_int_equal(ident_selector(ci, cr, true, &t), 0);
	assert_true(ident_selector_is_equal(&s, &t));
	assert_int_equal(ident_selector(ci, cr, false, &t), 0);
	assert_true(ip_addr_is_equal(&t.local, &s.remote));
	assert_int_equal(t.local_port, 445);
	assert_int_equal(t.remote_prefix, 24);
	/* Another protocol on one side; ports without a protocol; families mixed. */
	a[1] = 17;
	assert_int_equal(ident_selector(ci, cr, true, &t), -EINVAL);
	a[1] = b[1] = 0;
	assert_int_equal(ident_selector(ci, cr, true, &t), -EINVAL);
	b[2] = b[3] = 0;
	assert_int_equal(ident_selector(ci, cr, true, &t), 0);
	wb = writer_make(b, sizeof(b));
	assert_int_equal(ip_addr_parse("2001:db8::2", &s.remote), 0);
	s.remote_prefix = 128;
	s.protocol = 0;
	s.remote_port = 0;
	ident_write_selector(&wb, &s, false);
	cr.len = wb.len;
	assert_int_equal(ident_selector(ci, cr, true, &t), -EINVAL);
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
		{ "F19 F20 F21 K18 quick mode offers, byte for byte", test_qm_offer, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_qm_structure_of_offers),
		{ "K21 every quick mode offer against every other", test_qm_truth_table, NULL,
		  NULL, NULL },
		{ "K21 F18 choice and answer in quick mode", test_qm_choice_and_answer, NULL,
		  NULL, NULL },
		{ "quick mode attributes and SPIs", test_qm_attributes, NULL, NULL, NULL },
		{ "K18 K19 groups of offers", test_qm_pfs, NULL, NULL, NULL },
		cmocka_unit_test(test_qm_policies_that_cannot_be),
		cmocka_unit_test(test_qm_lifetime_notify),
		cmocka_unit_test(test_formats),
		{ "identities of phase 1", test_phase_1_identities, NULL, NULL, NULL },
		{ "identities of phase 2", test_phase_2_identities, NULL, NULL, NULL },
		{ "selectors", test_selectors, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("proposal", tests, NULL, NULL);
}
