// SPDX-License-Identifier: MIT
#include "cred/signature.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "ike/crypto.h"

/* Larger exponents are valid, and only good for keeping us busy. */
#define RSA_EXPONENT_BITS_MAX 64

static bool is_hash_len(size_t len)
{
	for (int hash = IKE_HASH_MD5; hash < IKE_HASH_COUNT; hash++)
		if (ike_hash_len(hash) == len)
			return true;
	return false;
}

/* --- keys --------------------------------------------------------------------------------- */

/* e = 1 signs everything, an even e nothing. */
static bool has_good_exponent(const EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	bool is_good;

	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e))
		return false;
	is_good = !BN_is_negative(e) && BN_is_odd(e) && !BN_is_one(e) &&
		  BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;
	BN_free(e);
	return is_good;
}

static enum ike_reason check_rsa(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits < SIGNATURE_RSA_BITS_MIN)
		return IKE_REASON_KEY_TOO_SHORT;
	if (bits > SIGNATURE_RSA_BITS_MAX || !has_good_exponent(key))
		return IKE_REASON_NO_PUBLIC_KEY;
	return IKE_REASON_OK;
}

static bool has_group(const EVP_PKEY *key, const char *wanted)
{
	char group[64];

	return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group,
					      sizeof(group), NULL) && !strcmp(group, wanted);
}

enum ike_reason signature_check_key(const EVP_PKEY *key, enum ike_auth auth)
{
	bool is_good = false;

	if (!key)
		return IKE_REASON_NO_PUBLIC_KEY;
	if (auth == IKE_AUTH_RSA_SIG && EVP_PKEY_is_a(key, "RSA"))
		return check_rsa(key);
	if (auth == IKE_AUTH_ECDSA_256)
		is_good = EVP_PKEY_is_a(key, "EC") && has_group(key, SN_X9_62_prime256v1);
	else if (auth == IKE_AUTH_ECDSA_384)
		is_good = EVP_PKEY_is_a(key, "EC") && has_group(key, SN_secp384r1);
	return is_good ? IKE_REASON_OK : IKE_REASON_CERT_TYPE;
}

enum ike_reason signature_check_ca_key(const EVP_PKEY *key)
{
	if (!key)
		return IKE_REASON_NO_PUBLIC_KEY;
	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
		return check_rsa(key);
	return EVP_PKEY_get_security_bits(key) < 80 ? IKE_REASON_KEY_TOO_SHORT : IKE_REASON_OK;
}

/* Bytes of r and of s. */
static size_t order_len(enum ike_auth auth)
{
	return auth == IKE_AUTH_ECDSA_256 ? 32 : 48;
}

/* --- making ------------------------------------------------------------------------------- */

/* r | s from the DER form that OpenSSL speaks. */
static int flatten(const unsigned char *der, size_t der_len, size_t len, uint8_t *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	int r = -EIO;

	if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)len) == (int)len &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + len, (int)len) == (int)len)
		r = 0;
	ECDSA_SIG_free(sig);
	return r;
}

static int sign(EVP_PKEY_CTX *ctx, bool is_rsa, struct bytes hash, uint8_t *buf, size_t *len)
{
	if (!ctx || EVP_PKEY_sign_init(ctx) <= 0)
		return -EIO;
	/* no digest is set: that would add a DigestInfo */
	if (is_rsa && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0)
		return -EIO;
	return EVP_PKEY_sign(ctx, buf, len, hash.data, hash.len) == 1 ? 0 : -EIO;
}

int signature_make(EVP_PKEY *key, enum ike_auth auth, struct bytes hash,
		   struct ike_signature *ret_signature)
{
	struct ike_signature made = { .reason = IKE_REASON_OK };
	uint8_t buf[IKE_SIGNATURE_MAX_LEN];
	size_t len = sizeof(buf);
	bool is_rsa = auth == IKE_AUTH_RSA_SIG;
	EVP_PKEY_CTX *ctx;
	int r;

	if (!is_hash_len(hash.len) || signature_check_key(key, auth) != IKE_REASON_OK)
		return -EINVAL;
	ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key, NULL);
	r = sign(ctx, is_rsa, hash, buf, &len);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	if (r == 0 && is_rsa) {
		memcpy(made.bytes, buf, len);
		made.len = len;
	} else if (r == 0) {
		r = flatten(buf, len, order_len(auth), made.bytes);
		made.len = 2 * order_len(auth);
	}
	if (r == 0)
		*ret_signature = made;
	return r;
}

/* --- verifying ---------------------------------------------------------------------------- */

/*
 * What the block holds is compared as a whole: nothing in it is parsed, so nothing can hide
 * behind, before or inside the hash.
 */
static bool verify_rsa(EVP_PKEY *key, struct bytes hash, struct bytes signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key, NULL);
	uint8_t block[IKE_SIGNATURE_MAX_LEN];
	size_t len = sizeof(block);
	bool is_good;

	is_good = ctx && signature.len == (size_t)EVP_PKEY_get_size(key) &&
		  EVP_PKEY_verify_recover_init(ctx) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		  EVP_PKEY_verify_recover(ctx, block, &len, signature.data, signature.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return is_good && crypto_is_equal((struct bytes){ block, len }, hash);
}

/* The DER form of r | s; NULL without memory. The caller frees it with OPENSSL_free(). */
static unsigned char *unflatten(struct bytes signature, int *ret_len)
{
	int len = (int)(signature.len / 2);
	BIGNUM *r = BN_bin2bn(signature.data, len, NULL);
	BIGNUM *s = BN_bin2bn(signature.data + len, len, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *der = NULL;

	if (!r || !s || !sig || !ECDSA_SIG_set0(sig, r, s)) {
		BN_free(r);
		BN_free(s);
	} else {
		*ret_len = i2d_ECDSA_SIG(sig, &der);
	}
	ECDSA_SIG_free(sig);
	return der;
}

static bool verify_ecdsa(EVP_PKEY *key, enum ike_auth auth, struct bytes hash,
			 struct bytes signature)
{
	EVP_PKEY_CTX *ctx;
	unsigned char *der;
	bool is_good;
	int len = 0;

	if (signature.len != 2 * order_len(auth))
		return false;
	der = unflatten(signature, &len);
	if (!der || len <= 0)
		return false;
	ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key, NULL);
	is_good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		  EVP_PKEY_verify(ctx, der, (size_t)len, hash.data, hash.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	return is_good;
}

enum ike_reason signature_verify(EVP_PKEY *key, enum ike_auth auth, struct bytes hash,
				 struct bytes signature)
{
	bool is_good = is_hash_len(hash.len);

	if (is_good)
		is_good = auth == IKE_AUTH_RSA_SIG ? verify_rsa(key, hash, signature) :
						     verify_ecdsa(key, auth, hash, signature);
	ERR_clear_error();
	return is_good ? IKE_REASON_OK : IKE_REASON_SIGNATURE;
}
