// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <cmocka.h>

#include "base/parse.h"
#include "ike/crypto.h"
#include "ike/dh.h"
#include "ike/dh_ring.h"

static struct bytes hex(const char *text, uint8_t *buf, size_t cap)
{
	size_t len;

	assert_int_equal(parse_hex(text, buf, cap, &len), 0);
	return (struct bytes){ buf, len };
}

/* RFC 2202 and RFC 4231, test case 2: key "Jefe". */
static void test_prf(void **state)
{
	static const struct {
		enum ike_hash hash;
		const char *mac;
	} rows[] = {
		{ IKE_HASH_MD5, "750c783e6ab0b503eaa86e310a5db738" },
		{ IKE_HASH_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ IKE_HASH_SHA256,
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ IKE_HASH_SHA384,
		  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
		  "8e2240ca5e69e2c78b3239ecfab21649" },
		{ IKE_HASH_SHA512,
		  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	};
	const struct bytes parts[] = { { (const uint8_t *)"what do ya ", 11 },
				       { NULL, 0 },
				       { (const uint8_t *)"want for nothing?", 17 } };
	uint8_t mac[IKE_HASH_MAX_LEN], want[IKE_HASH_MAX_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes w = hex(rows[i].mac, want, sizeof(want));

		assert_int_equal(crypto_prf(rows[i].hash,
					    (struct bytes){ (const uint8_t *)"Jefe", 4 }, parts, 3,
					    mac),
				 0);
		assert_int_equal(w.len, ike_hash_len(rows[i].hash));
		assert_memory_equal(mac, w.data, w.len);
	}
	assert_int_equal(crypto_prf(IKE_HASH_NONE, parts[0], parts, 1, mac), -EINVAL);
	/* An empty key is a key, not "keep the last one". */
	assert_int_equal(crypto_prf(IKE_HASH_SHA1, (struct bytes){0}, parts, 0, mac), 0);
	hex("fbdb1d1b18aa6c08324b7d64b71fb76370690e1d", want, sizeof(want));
	assert_memory_equal(mac, want, 20);
}

/* RFC 3602, section 4, case 2, and NIST's DES and 3DES vectors in CBC with two blocks. */
static void test_cbc(void **state)
{
	static const struct {
		enum ike_cipher cipher;
		const char *key, *iv, *plain, *encrypted;
	} rows[] = {
		{ IKE_CIPHER_AES_CBC, "c286696d887c9aa0611bbb3e2025a45a",
		  "562e17996d093d28ddb3ba695a2e6f58",
		  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		  "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1" },
		{ IKE_CIPHER_DES, "0123456789abcdef", "fedcba9876543210",
		  "37363534333231204e6f77206973207468652074696d6520666f722000000000",
		  "ccd173ffab2039f4acd8aefddfd8a1eb468e91157888ba681d269397f7fe62b4" },
	};
	uint8_t key[32], iv[16], plain[64], want[64], out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes k = hex(rows[i].key, key, sizeof(key));
		struct bytes p = hex(rows[i].plain, plain, sizeof(plain));

		hex(rows[i].iv, iv, sizeof(iv));
		hex(rows[i].encrypted, want, sizeof(want));
		assert_int_equal(crypto_cbc(rows[i].cipher, k, iv, true, p.data, out, p.len), 0);
		assert_memory_equal(out, want, p.len);
		assert_int_equal(crypto_cbc(rows[i].cipher, k, iv, false, out, out, p.len), 0);
		assert_memory_equal(out, plain, p.len);
	}
	assert_int_equal(
		crypto_cbc(IKE_CIPHER_DES, (struct bytes){ key, 8 }, iv, true, plain, out, 9),
		-EINVAL);
	assert_int_equal(
		crypto_cbc(IKE_CIPHER_DES, (struct bytes){ key, 9 }, iv, true, plain, out, 8),
		-EINVAL);
	assert_int_equal(
		crypto_cbc(IKE_CIPHER_NULL, (struct bytes){ key, 0 }, iv, true, plain, out, 8),
		-EINVAL);
}

/* 3DES with three equal keys is DES; AES-192 and -256 decrypt what they encrypted, differently. */
static void test_cbc_key_sizes(void **state)
{
	uint8_t key[32], iv[16] = {0}, plain[32] = {0}, a[32], b[32];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(1 + i % 8);
	assert_int_equal(
		crypto_cbc(IKE_CIPHER_DES, (struct bytes){ key, 8 }, iv, true, plain, a, 32), 0);
	assert_int_equal(
		crypto_cbc(IKE_CIPHER_3DES, (struct bytes){ key, 24 }, iv, true, plain, b, 32), 0);
	assert_memory_equal(a, b, 32);
	for (size_t len = 24; len <= 32; len += 8) {
		struct bytes k = { key, len };

		assert_int_equal(crypto_cbc(IKE_CIPHER_AES_CBC, k, iv, true, plain, a, 32), 0);
		assert_memory_not_equal(a, b, 32);
		memcpy(b, a, 32);
		assert_int_equal(crypto_cbc(IKE_CIPHER_AES_CBC, k, iv, false, a, a, 32), 0);
		assert_memory_equal(a, plain, 32);
	}
}

static const unsigned int all_groups[] = { 1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21 };

/* Both sides get the same secret, for every group. */
static void test_dh_agrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_groups) / sizeof(all_groups[0]); i++) {
		unsigned int group = all_groups[i];
		struct dh_key *a = dh_key_new(group), *b = dh_key_new(group);
		uint8_t sa[DH_MAX_LEN], sb[DH_MAX_LEN];

		assert_non_null(a);
		assert_non_null(b);
		assert_int_equal(dh_key_public(a).len, dh_public_len(group));
		assert_int_equal(dh_check_public(group, dh_key_public(a)), 0);
		assert_int_equal(dh_derive(a, dh_key_public(b), sa), 0);
		assert_int_equal(dh_derive(b, dh_key_public(a), sb), 0);
		assert_memory_equal(sa, sb, dh_secret_len(group));
		dh_key_free(a);
		dh_key_free(b);
	}
	assert_null(dh_key_new(3));
	assert_null(dh_key_new(22));
	assert_int_equal(dh_public_len(31), 0);
}

/*
 * Until a secret with a leading zero byte has come up: it must keep its length, or one
 * negotiation in 256 fails. Equal on both sides is not enough, both could cut it.
 */
static void test_dh_keeps_leading_zeros(void **state)
{
	struct dh_key *a = dh_key_new(1);
	uint8_t secret[DH_MAX_LEN], other[DH_MAX_LEN];
	size_t tries = 0;

	(void)state;
	do {
		struct dh_key *b = dh_key_new(1);

		memset(secret, 0xee, sizeof(secret));
		assert_int_equal(dh_derive(a, dh_key_public(b), secret), 0);
		assert_int_equal(dh_derive(b, dh_key_public(a), other), 0);
		assert_memory_equal(secret, other, 96);
		dh_key_free(b);
	} while (secret[0] && ++tries < 10000);
	assert_int_equal(secret[0], 0);
	assert_int_equal(secret[96], 0xee);
	dh_key_free(a);
}

/* y with -1, 0, 1, p - 1, p and beyond, and wrong lengths. */
static void test_dh_refuses_bad_modp_values(void **state)
{
	BIGNUM *p = BN_get_rfc2409_prime_1024(NULL);
	uint8_t y[129] = {0}, secret[DH_MAX_LEN];
	struct dh_key *key = dh_key_new(2);
	struct bytes b = { y, 128 };

	(void)state;
	for (int delta = -2; delta <= 1; delta++) {
		BIGNUM *v = BN_dup(p);

		assert_true(delta < 0 ? BN_sub_word(v, (BN_ULONG)-delta)
				      : BN_add_word(v, (BN_ULONG)delta));
		assert_int_equal(BN_bn2binpad(v, y, 128), 128);
		assert_int_equal(dh_check_public(2, b), delta == -2 ? 0 : -EINVAL);
		if (delta != -2)
			assert_int_equal(dh_derive(key, b, secret), -EINVAL);
		BN_free(v);
	}
	for (uint8_t v = 0; v <= 2; v++) {
		memset(y, 0, sizeof(y));
		y[127] = v;
		assert_int_equal(dh_check_public(2, b), v == 2 ? 0 : -EINVAL);
	}
	memset(y, 0xff, sizeof(y));
	assert_int_equal(dh_check_public(2, b), -EINVAL);
	memset(y, 0x11, sizeof(y));
	assert_int_equal(dh_check_public(2, b), 0);
	b.len = 127;
	assert_int_equal(dh_check_public(2, b), -EINVAL);
	b.len = 129;
	assert_int_equal(dh_check_public(2, b), -EINVAL);
	b.len = 0;
	assert_int_equal(dh_check_public(2, b), -EINVAL);
	assert_int_equal(dh_check_public(99, b), -EINVAL);
	dh_key_free(key);
	BN_free(p);
}

static void test_dh_refuses_bad_points(void **state)
{
	struct dh_key *key = dh_key_new(19);
	uint8_t y[64], secret[DH_MAX_LEN];
	struct bytes b = { y, sizeof(y) };

	(void)state;
	memset(y, 0, sizeof(y));
	assert_int_equal(dh_check_public(19, b), -EINVAL);
	memcpy(y, dh_key_public(key).data, sizeof(y));
	assert_int_equal(dh_check_public(19, b), 0);
	y[63] ^= 1;
	assert_int_equal(dh_check_public(19, b), -EINVAL);
	assert_int_equal(dh_derive(key, b, secret), -EINVAL);
	b.len = 63;
	assert_int_equal(dh_check_public(19, b), -EINVAL);
	dh_key_free(key);
}

static void test_dh_ring(void **state)
{
	struct dh_ring *ring = dh_ring_new(2);
	struct dh_key *keys[2];

	(void)state;
	assert_int_equal(dh_ring_wants(ring), 0);
	assert_null(dh_ring_pop(ring, 19));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(dh_ring_wants(ring), 19);
		keys[i] = dh_key_new(19);
		dh_ring_put(ring, keys[i]);
	}
	assert_int_equal(dh_ring_wants(ring), 0);
	dh_ring_put(ring, dh_key_new(19));	/* one too many */
	dh_ring_put(ring, dh_key_new(20));	/* never asked for */
	assert_ptr_equal(dh_ring_pop(ring, 19), keys[1]);
	assert_ptr_equal(dh_ring_pop(ring, 19), keys[0]);
	assert_null(dh_ring_pop(ring, 19));
	for (size_t i = 0; i < 2; i++)
		dh_key_free(keys[i]);
	dh_ring_put(ring, dh_key_new(19));	/* freed with the ring */
	assert_null(dh_ring_pop(ring, 3));
	assert_null(dh_ring_pop(ring, 2));
	assert_int_equal(dh_ring_wants(ring), 19);
	dh_ring_free(ring);
	assert_null(dh_ring_free(NULL));
}

static void test_equal_and_random(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	(void)state;
	assert_true(crypto_is_equal((struct bytes){ a, 32 }, (struct bytes){ b, 32 }));
	assert_false(crypto_is_equal((struct bytes){ a, 32 }, (struct bytes){ b, 31 }));
	assert_int_equal(crypto_random(a, sizeof(a)), 0);
	assert_false(crypto_is_equal((struct bytes){ a, 32 }, (struct bytes){ b, 32 }));
	assert_true(crypto_has_cipher(IKE_CIPHER_DES));
	assert_true(crypto_has_cipher(IKE_CIPHER_3DES));
	assert_false(crypto_has_cipher(IKE_CIPHER_AES_GCM_16));
	assert_true(crypto_has_hash(IKE_HASH_MD5));
	assert_false(crypto_has_hash(IKE_HASH_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prf),
		cmocka_unit_test(test_cbc),
		cmocka_unit_test(test_cbc_key_sizes),
		cmocka_unit_test(test_dh_agrees),
		cmocka_unit_test(test_dh_keeps_leading_zeros),
		cmocka_unit_test(test_dh_refuses_bad_modp_values),
		cmocka_unit_test(test_dh_refuses_bad_points),
		cmocka_unit_test(test_dh_ring),
		cmocka_unit_test(test_equal_and_random),
	};

	if (crypto_init())
		return 1;
	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
