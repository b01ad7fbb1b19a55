// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of algorithms: which configurations it takes, and that each row is the algorithm that
 * the standards mean by it (RFC 2202, 4231 and 4868; those of ESP are in esp_test.c).
 */
#include <crypto/hash.h>
#include <kunit/test.h>
#include <linux/crypto.h>
#include <linux/kernel.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "sa_test.h"

/* --- known answers ------------------------------------------------------ */

struct hmac_vector {
	u8 integrity;
	u8 key_len;		/* shorter keys are padded with zeros, as HMAC itself does */
	const char *key;
	const char *data;
	u8 data_len;
	const char *digest;
};

#define MD5	IPSECDRV_INTEGRITY_HMAC_MD5
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define SHA256	IPSECDRV_INTEGRITY_HMAC_SHA256
#define SHA384	IPSECDRV_INTEGRITY_HMAC_SHA384
#define SHA512	IPSECDRV_INTEGRITY_HMAC_SHA512

#define X10(s)	s s s s s s s s s s
#define B20	X10("\x0b\x0b")
#define C20	X10("\x0c\x0c")
#define A20	X10("\xaa\xaa")
#define D50	X10("\xdd\xdd\xdd\xdd\xdd")
#define CD50	X10("\xcd\xcd\xcd\xcd\xcd")
#define B64	B20 B20 B20 "\x0b\x0b\x0b\x0b"
#define UP25	"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13" \
		"\x14\x15\x16\x17\x18\x19"
#define HI	"Hi There", 8
#define WANT	"what do ya want for nothing?", 28
#define TRUNC	"Test With Truncation", 20

static const struct hmac_vector hmac_vectors[] = {
	/* RFC 2202, cases 1, 2, 3 and 5 */
	{ MD5, 16, B20, HI, "9294727a3638bb1c13f48ef8158bfc9d" },
	{ MD5, 4, "Jefe", WANT, "750c783e6ab0b503eaa86e310a5db738" },
	{ MD5, 16, A20, D50, 50, "56be34521d144c88dbb8c733f0e8b3f6" },
	{ MD5, 16, C20, TRUNC, "56461ef2342edc00f9bab995690efd4c" },
	{ SHA1, 20, B20, HI, "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ SHA1, 4, "Jefe", WANT, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ SHA1, 20, A20, D50, 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
	{ SHA1, 20, C20, TRUNC, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04" },
	/* RFC 4231, cases 1 to 4 */
	{ SHA256, 20, B20, HI,
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ SHA256, 4, "Jefe", WANT,
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ SHA256, 20, A20, D50, 50,
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ SHA256, 25, UP25, CD50, 50,
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ SHA384, 20, B20, HI,
	  "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
	  "faea9ea9076ede7f4af152e8b2fa9cb6" },
	{ SHA384, 4, "Jefe", WANT,
	  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
	  "8e2240ca5e69e2c78b3239ecfab21649" },
	{ SHA384, 20, A20, D50, 50,
	  "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
	  "2a5ab39dc13814b94e3ab6e101a34f27" },
	{ SHA384, 25, UP25, CD50, 50,
	  "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
	  "6801dd23c4a7d679ccf8a386c674cffb" },
	{ SHA512, 20, B20, HI,
	  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	  "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854" },
	{ SHA512, 4, "Jefe", WANT,
	  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	{ SHA512, 20, A20, D50, 50,
	  "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
	  "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb" },
	{ SHA512, 25, UP25, CD50, 50,
	  "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
	  "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd" },
	/* RFC 4868, section 2.7.2, the first case of each */
	{ SHA256, 32, B64, HI,
	  "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7" },
	{ SHA384, 48, B64, HI,
	  "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee9737a959796489bddbc"
	  "4c5df61d5b3297b4fb68dab9f1b582c2" },
	{ SHA512, 64, B64, HI,
	  "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"
	  "ac2878ebd5803f6f0b61dbce5e251ff8789a4722c1be65aea45fd464e89f8f5b" },
};

/* the digest of @data by the hash of an AH association */
static void digest(struct kunit *test, struct ipd_crypto *crypto, const char *data, u8 len,
		   u8 *ret_digest)
{
	struct ahash_request *req = ahash_request_alloc(crypto->ahash, GFP_KERNEL);
	u8 *buffer = kmemdup(data, len, GFP_KERNEL);
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;

	KUNIT_ASSERT_NOT_NULL(test, req);
	KUNIT_ASSERT_NOT_NULL(test, buffer);
	sg_init_one(&sg, buffer, len);
	ahash_request_set_callback(req, 0, crypto_req_done, &wait);
	ahash_request_set_crypt(req, &sg, ret_digest, len);
	KUNIT_EXPECT_EQ(test, crypto_wait_req(crypto_ahash_digest(req), &wait), 0);
	kfree(buffer);
	ahash_request_free(req);
}

static void crypto_hmac(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hmac_vectors); i++) {
		const struct hmac_vector *vector = &hmac_vectors[i];
		u8 *got = kunit_kzalloc(test, IPD_CRYPTO_MAX_DIGEST, GFP_KERNEL);
		u8 wanted[IPD_CRYPTO_MAX_DIGEST];
		struct ipd_sa_config config;
		struct ipd_crypto crypto;
		size_t len = strlen(vector->digest) / 2;

		KUNIT_ASSERT_NOT_NULL(test, got);
		KUNIT_ASSERT_EQ(test, hex2bin(wanted, vector->digest, len), 0);
		sa_test_config(&config, NFPROTO_IPV4, IPSECDRV_DIRECTION_OUT, IPSECDRV_CIPHER_NONE,
			       0, vector->integrity);
		memset(config.integrity_key, 0, sizeof(config.integrity_key));
		memcpy(config.integrity_key, vector->key, vector->key_len);
		KUNIT_ASSERT_EQ(test, ipd_crypto_init(&crypto, &config, NULL), 0);
		digest(test, &crypto, vector->data, vector->data_len, got);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(got, wanted, len), 0, "vector %d", i);
		/* the rest of the digest stays untouched: it is as long as it should be */
		KUNIT_EXPECT_TRUE(test, len == IPD_CRYPTO_MAX_DIGEST ||
					!memchr_inv(got + len, 0, IPD_CRYPTO_MAX_DIGEST - len));
		ipd_crypto_exit(&crypto);
	}
}

/* --- the table ---------------------------------------------------------- */

struct row {
	u8 cipher, key_len, integrity;
	u8 iv_len, block, icv_len;
};

#define NONE	IPSECDRV_INTEGRITY_NONE
#define NULLC	IPSECDRV_CIPHER_NULL
#define DES	IPSECDRV_CIPHER_DES
#define TDES	IPSECDRV_CIPHER_3DES
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define AH	IPSECDRV_CIPHER_NONE

#define ALL_HASHES(cipher, key_len, iv, block) \
	{ cipher, key_len, MD5, iv, block, 12 }, { cipher, key_len, SHA1, iv, block, 12 }, \
	{ cipher, key_len, SHA256, iv, block, 16 }, { cipher, key_len, SHA384, iv, block, 24 }, \
	{ cipher, key_len, SHA512, iv, block, 32 }

static const struct row rows[] = {
	ALL_HASHES(NULLC, 0, 0, 4),
	ALL_HASHES(DES, 8, 8, 8), { DES, 8, NONE, 8, 8, 0 },
	ALL_HASHES(TDES, 24, 8, 8), { TDES, 24, NONE, 8, 8, 0 },
	ALL_HASHES(CBC, 16, 16, 16), { CBC, 16, NONE, 16, 16, 0 },
	ALL_HASHES(CBC, 24, 16, 16), { CBC, 24, NONE, 16, 16, 0 },
	ALL_HASHES(CBC, 32, 16, 16), { CBC, 32, NONE, 16, 16, 0 },
	{ GCM, 20, NONE, 8, 4, 16 }, { GCM, 36, NONE, 8, 4, 16 },
	ALL_HASHES(AH, 0, 0, 0),
};

static void crypto_rows(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct ipd_sa_config config;
		struct ipd_crypto crypto;

		sa_test_config(&config, NFPROTO_IPV4, IPSECDRV_DIRECTION_OUT, row->cipher,
			       row->key_len, row->integrity);
		KUNIT_ASSERT_EQ_MSG(test, ipd_crypto_check(&config, NULL), 0, "row %d", i);
		KUNIT_ASSERT_EQ_MSG(test, ipd_crypto_init(&crypto, &config, NULL), 0, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, crypto.iv_len, row->iv_len, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, crypto.block, row->block, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, crypto.icv_len, row->icv_len, "row %d", i);
		KUNIT_EXPECT_EQ(test, crypto.is_counter, row->cipher == GCM);
		KUNIT_EXPECT_EQ(test, crypto.is_encrypting,
				row->cipher != NULLC && row->cipher != AH);
		KUNIT_EXPECT_EQ(test, crypto.is_authenticating, row->icv_len != 0);
		KUNIT_EXPECT_EQ(test, !crypto.aead, row->cipher == AH);
		KUNIT_EXPECT_EQ(test, !crypto.ahash, row->cipher != AH);
		ipd_crypto_exit(&crypto);
		/* twice does no harm */
		ipd_crypto_exit(&crypto);
	}
}

/* every cipher with every integrity: exactly the rows above are taken, the rest with a sentence */
static bool is_row(u8 cipher, u8 key_len, u8 integrity)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].cipher == cipher && rows[i].key_len == key_len &&
		    rows[i].integrity == integrity)
			return true;
	return false;
}

static void crypto_refusals(struct kunit *test)
{
	unsigned int cipher, integrity, key_len, taken = 0;
	struct netlink_ext_ack extack;
	struct ipd_sa_config config;
	int err;

	for (cipher = 0; cipher <= GCM; cipher++)
		for (integrity = 0; integrity <= SHA512; integrity++)
			for (key_len = 0; key_len <= IPSECDRV_MAX_KEY_LEN; key_len++) {
				sa_test_config(&config, NFPROTO_IPV4, IPSECDRV_DIRECTION_OUT,
					       cipher, 0, integrity);
				config.cipher_key_len = key_len;
				memset(&extack, 0, sizeof(extack));
				err = ipd_crypto_check(&config, &extack);
				KUNIT_EXPECT_EQ_MSG(test, !err, is_row(cipher, key_len, integrity),
						    "cipher %u, key %u, integrity %u", cipher,
						    key_len, integrity);
				KUNIT_EXPECT_EQ(test, !err, !extack._msg);
				taken += !err;
			}
	KUNIT_EXPECT_EQ(test, taken, (unsigned int)ARRAY_SIZE(rows));
}

static void crypto_wrong_keys(struct kunit *test)
{
	struct netlink_ext_ack extack = {};
	struct ipd_sa_config config;
	u8 integrity;
	int delta;

	for (integrity = NONE; integrity <= SHA512; integrity++)
		for (delta = -1; delta <= 1; delta += 2) {
			sa_test_config(&config, NFPROTO_IPV4, IPSECDRV_DIRECTION_OUT, CBC, 16,
				       integrity);
			config.integrity_key_len += delta;
			KUNIT_EXPECT_EQ(test, ipd_crypto_check(&config, &extack), -EINVAL);
			KUNIT_EXPECT_NOT_NULL(test, extack._msg);
		}
	config.integrity = SHA512 + 1;
	KUNIT_EXPECT_EQ(test, ipd_crypto_check(&config, &extack), -EINVAL);
	sa_test_config(&config, NFPROTO_IPV4, IPSECDRV_DIRECTION_OUT, CBC, 16, MD5);
	config.cipher = GCM + 1;
	KUNIT_EXPECT_EQ(test, ipd_crypto_check(&config, &extack), -EINVAL);
	config.cipher = 255;
	KUNIT_EXPECT_EQ(test, ipd_crypto_check(&config, &extack), -EINVAL);
}

static struct kunit_case crypto_cases[] = {
	{ .name = "F20 HMAC of RFC 2202, 4231 and 4868", .run_case = crypto_hmac },
	{ .name = "F19 F20 F21 every row of the table", .run_case = crypto_rows },
	{ .name = "F19 F20 F21 nothing but the table", .run_case = crypto_refusals },
	{ .name = "F20 F21 keys of a wrong length", .run_case = crypto_wrong_keys },
	{}
};

static struct kunit_suite crypto_suite = {
	.name = "crypto",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = crypto_cases,
};

kunit_test_suite(crypto_suite);
