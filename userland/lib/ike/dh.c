// SPDX-License-Identifier: MIT
#include "ike/dh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/cleanup.h"
#include "ike/crypto.h"

#define POINT_UNCOMPRESSED 0x04

struct dh_key {
	EVP_PKEY *pkey;
	unsigned int group;
	size_t public_len;
	uint8_t public_value[];
};

typedef BIGNUM *(*prime_fn)(BIGNUM *);

static const struct group {
	uint16_t number;
	uint16_t public_len;
	uint16_t secret_len;
	prime_fn prime;		/* MODP, generator 2 */
	const char *curve;	/* ECP */
} groups[] = {
	{ IKE_GROUP_MODP768, 96, 96, BN_get_rfc2409_prime_768, NULL },
	{ IKE_GROUP_MODP1024, 128, 128, BN_get_rfc2409_prime_1024, NULL },
	{ IKE_GROUP_MODP1536, 192, 192, BN_get_rfc3526_prime_1536, NULL },
	{ IKE_GROUP_MODP2048, 256, 256, BN_get_rfc3526_prime_2048, NULL },
	{ IKE_GROUP_MODP3072, 384, 384, BN_get_rfc3526_prime_3072, NULL },
	{ IKE_GROUP_MODP4096, 512, 512, BN_get_rfc3526_prime_4096, NULL },
	{ IKE_GROUP_MODP6144, 768, 768, BN_get_rfc3526_prime_6144, NULL },
	{ IKE_GROUP_MODP8192, 1024, 1024, BN_get_rfc3526_prime_8192, NULL },
	{ IKE_GROUP_ECP256, 64, 32, NULL, "P-256" },
	{ IKE_GROUP_ECP384, 96, 48, NULL, "P-384" },
	{ IKE_GROUP_ECP521, 132, 66, NULL, "P-521" },
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

/* Parameters of each group, made when first needed and kept for the life of the process. */
static EVP_PKEY *group_params[N_GROUPS];

static void free_bn(BIGNUM **bn)
{
	BN_free(*bn);
}

static void free_pkey(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void free_pkey_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void free_param_bld(OSSL_PARAM_BLD **bld)
{
	OSSL_PARAM_BLD_free(*bld);
}

static void free_params(OSSL_PARAM **params)
{
	OSSL_PARAM_free(*params);
}

static const struct group *find_group(unsigned int number)
{
	for (size_t i = 0; i < N_GROUPS; i++) {
		if (groups[i].number == number)
			return &groups[i];
	}
	return NULL;
}

size_t dh_public_len(unsigned int group)
{
	const struct group *g = find_group(group);

	return g ? g->public_len : 0;
}

size_t dh_secret_len(unsigned int group)
{
	const struct group *g = find_group(group);

	return g ? g->secret_len : 0;
}

/* Parameters, or with @pub a public key, from p and g = 2. */
static EVP_PKEY *modp_from_data(const struct group *g, const BIGNUM *pub)
{
	_cleanup_(free_bn) BIGNUM *p = g->prime(NULL), *two = BN_new();
	_cleanup_(free_param_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	_cleanup_(free_params) OSSL_PARAM *params = NULL;
	_cleanup_(free_pkey_ctx) EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(crypto_context(), "DH", NULL);
	EVP_PKEY *pkey = NULL;

	if (!p || !two || !bld || !ctx || !BN_set_word(two, 2) ||
	    !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_P, p) ||
	    !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_FFC_G, two) ||
	    (pub && !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PUB_KEY, pub)))
		return NULL;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (!params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &pkey, pub ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS,
			      params) <= 0)
		return NULL;
	return pkey;
}

/* 1 < y < p - 1, which is enough in groups whose p is a safe prime (RFC 6989, section 2.1). */
static BIGNUM *modp_read_public(const struct group *g, struct bytes peer)
{
	_cleanup_(free_bn) BIGNUM *p = g->prime(NULL), *y = NULL;

	if (!p || peer.len != g->public_len)
		return NULL;
	y = BN_bin2bn(peer.data, (int)peer.len, NULL);
	if (!y || !BN_sub_word(p, 1) || BN_is_zero(y) || BN_is_one(y) || BN_cmp(y, p) >= 0)
		return NULL;
	return TAKE_PTR(y);
}

/* OpenSSL refuses points that are not on the curve. */
static EVP_PKEY *ecp_read_public(const struct group *g, struct bytes peer)
{
	_cleanup_(free_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;
	uint8_t point[1 + 132] = { POINT_UNCOMPRESSED };
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)g->curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
						  1 + (size_t)g->public_len),
		OSSL_PARAM_construct_end(),
	};

	if (peer.len != g->public_len || peer.len >= sizeof(point))
		return NULL;
	memcpy(point + 1, peer.data, peer.len);
	ctx = EVP_PKEY_CTX_new_from_name(crypto_context(), "EC", NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return NULL;
	return pkey;
}

int dh_check_public(unsigned int group, struct bytes peer)
{
	const struct group *g = find_group(group);
	_cleanup_(free_pkey) EVP_PKEY *pkey = NULL;
	_cleanup_(free_bn) BIGNUM *y = NULL;

	if (!g || peer.len != g->public_len)
		return -EINVAL;
	if (g->prime)
		y = modp_read_public(g, peer);
	else
		pkey = ecp_read_public(g, peer);
	return y || pkey ? 0 : -EINVAL;
}

int dh_prepare(unsigned int group)
{
	const struct group *g = find_group(group);

	if (!g)
		return -EINVAL;
	if (g->prime && !group_params[g - groups])
		group_params[g - groups] = modp_from_data(g, NULL);
	return g->prime && !group_params[g - groups] ? -EIO : 0;
}

static EVP_PKEY *generate(const struct group *g)
{
	EVP_PKEY **params = &group_params[g - groups];
	_cleanup_(free_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *pkey = NULL;

	if (g->curve)
		return EVP_PKEY_Q_keygen(crypto_context(), NULL, "EC", g->curve);
	if (dh_prepare(g->number))
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), *params, NULL);
	if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_generate(ctx, &pkey) <= 0)
		return NULL;
	return pkey;
}

static int write_public(const struct group *g, struct dh_key *key)
{
	_cleanup_(free_bn) BIGNUM *y = NULL;
	uint8_t point[1 + 132];
	size_t len;

	if (g->curve) {
		if (!EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
						     sizeof(point), &len) ||
		    len != 1 + (size_t)g->public_len || point[0] != POINT_UNCOMPRESSED)
			return -EIO;
		memcpy(key->public_value, point + 1, g->public_len);
		return 0;
	}
	if (!EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, &y) ||
	    BN_bn2binpad(y, key->public_value, g->public_len) != g->public_len)
		return -EIO;
	return 0;
}

struct dh_key *dh_key_new(unsigned int group)
{
	const struct group *g = find_group(group);
	struct dh_key *key = g ? calloc(1, sizeof(*key) + g->public_len) : NULL;

	if (!key)
		return NULL;
	key->group = group;
	key->public_len = g->public_len;
	key->pkey = generate(g);
	if (!key->pkey || write_public(g, key))
		return dh_key_free(key);
	return key;
}

struct dh_key *dh_key_free(struct dh_key *key)
{
	if (key) {
		EVP_PKEY_free(key->pkey);
		free(key);
	}
	return NULL;
}

unsigned int dh_key_group(const struct dh_key *key)
{
	return key->group;
}

struct bytes dh_key_public(const struct dh_key *key)
{
	return (struct bytes){ key->public_value, key->public_len };
}

static EVP_PKEY *read_peer(const struct group *g, struct bytes peer)
{
	_cleanup_(free_bn) BIGNUM *y = NULL;

	if (g->curve)
		return ecp_read_public(g, peer);
	y = modp_read_public(g, peer);
	return y ? modp_from_data(g, y) : NULL;
}

int dh_derive(const struct dh_key *key, struct bytes peer, uint8_t *secret)
{
	const struct group *g = find_group(key->group);
	_cleanup_(free_pkey) EVP_PKEY *peer_key = read_peer(g, peer);
	_cleanup_(free_pkey_ctx) EVP_PKEY_CTX *ctx = NULL;
	size_t len = g->secret_len;

	if (!peer_key)
		return -EINVAL;
	ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key->pkey, NULL);
	if (!ctx || EVP_PKEY_derive_init(ctx) <= 0)
		return -EIO;
	/* Without this, leading zeros are cut and one negotiation in 256 fails. */
	if (g->prime && EVP_PKEY_CTX_set_dh_pad(ctx, 1) <= 0)
		return -EIO;
	/*
	 * No validation here: OpenSSL's would cost a full exponentiation, and the value has been
	 * checked above.
	 */
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer_key, 0) <= 0)
		return -EINVAL;
	if (EVP_PKEY_derive(ctx, secret, &len) <= 0 || len != g->secret_len) {
		OPENSSL_cleanse(secret, g->secret_len);
		return -EIO;
	}
	return 0;
}
