// SPDX-License-Identifier: MIT
/* Offers and choices of quick mode. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "ike/proposal_qm.h"
#include "ike/sa_payload.h"

static const struct qm_terms terms19 = { .group = 19 };

static uint8_t scratch[8192];

static struct bytes hex(const char *text)
{
	size_t len;

	assert_int_equal(parse_hex(text, scratch, sizeof(scratch), &len), 0);
	return (struct bytes){ scratch, len };
}

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

static void test_qm_formats(void **state)
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(test_qm_formats),
	};

	return cmocka_run_group_tests_name("proposal of quick mode", tests, NULL, NULL);
}
