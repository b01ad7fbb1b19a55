// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every ESP association has one AEAD transform: rfc4106(gcm(aes)), or authenc() of a hash and a
 * cipher, null ones included. Every AH association has one hash. The wrappers that would invent
 * IVs (seqiv, echainiv) are not used: esp.c writes the IV, which saves a layer and a copy per
 * packet. With extended sequence numbers authencesn() takes authenc()'s place, which knows that
 * the number's upper half is authenticated last of all; AES-GCM takes it as associated data, and
 * AH hashes it behind the packet. Asynchronous implementations are welcome: to mask them away
 * would choose the slow ones.
 */
#include "crypto.h"

#include "sad.h"

#include <crypto/aead.h>
#include <crypto/authenc.h>
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/string.h>

#define SALT_LEN	4	/* of AES-GCM, at the end of the key (RFC 4106, section 8.1) */

struct cipher_row {
	const char *name;
	u8 key_len[3];		/* 0 ends the list early */
	u8 iv_len;
	u8 block;
	u8 icv_len;		/* of ciphers that authenticate */
};

static const struct cipher_row ciphers[] = {
	[IPSECDRV_CIPHER_NULL] = { "ecb(cipher_null)", { 0 }, 0, 4, 0 },
	[IPSECDRV_CIPHER_DES] = { "cbc(des)", { 8 }, 8, 8, 0 },
	[IPSECDRV_CIPHER_3DES] = { "cbc(des3_ede)", { 24 }, 8, 8, 0 },
	[IPSECDRV_CIPHER_AES_CBC] = { "cbc(aes)", { 16, 24, 32 }, 16, 16, 0 },
	[IPSECDRV_CIPHER_AES_GCM_16] = {
		"rfc4106(gcm(aes))", { 16 + SALT_LEN, 32 + SALT_LEN }, 8, 4, 16
	},
};

struct integrity_row {
	const char *name;
	u8 key_len;
	u8 icv_len;
};

static const struct integrity_row integrities[] = {
	[IPSECDRV_INTEGRITY_NONE] = { "digest_null", 0, 0 },
	[IPSECDRV_INTEGRITY_HMAC_MD5] = { "hmac(md5)", 16, 12 },
	[IPSECDRV_INTEGRITY_HMAC_SHA1] = { "hmac(sha1)", 20, 12 },
	[IPSECDRV_INTEGRITY_HMAC_SHA256] = { "hmac(sha256)", 32, 16 },
	[IPSECDRV_INTEGRITY_HMAC_SHA384] = { "hmac(sha384)", 48, 24 },
	[IPSECDRV_INTEGRITY_HMAC_SHA512] = { "hmac(sha512)", 64, 32 },
};

static const struct cipher_row *cipher_row(u8 cipher)
{
	return cipher < ARRAY_SIZE(ciphers) && ciphers[cipher].name ? &ciphers[cipher] : NULL;
}

static const struct integrity_row *integrity_row(u8 integrity)
{
	return integrity < ARRAY_SIZE(integrities) ? &integrities[integrity] : NULL;
}

static bool is_key_len(const struct cipher_row *row, u8 len)
{
	int i;

	if (!row->key_len[0])
		return !len;
	for (i = 0; i < ARRAY_SIZE(row->key_len) && row->key_len[i]; i++)
		if (row->key_len[i] == len)
			return true;
	return false;
}

static int check_esp(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	const struct cipher_row *row = cipher_row(config->cipher);

	if (!row) {
		NL_SET_ERR_MSG(extack, "ESP needs a cipher (null is one)");
		return -EINVAL;
	}
	if (!is_key_len(row, config->cipher_key_len)) {
		NL_SET_ERR_MSG(extack, "the cipher key has a wrong length for this cipher");
		return -EINVAL;
	}
	if (row->icv_len && config->integrity != IPSECDRV_INTEGRITY_NONE) {
		NL_SET_ERR_MSG(extack, "AES-GCM authenticates by itself and takes no integrity algorithm");
		return -EINVAL;
	}
	if (config->cipher == IPSECDRV_CIPHER_NULL &&
	    config->integrity == IPSECDRV_INTEGRITY_NONE) {
		NL_SET_ERR_MSG(extack, "ESP with neither encryption nor integrity protects nothing");
		return -EINVAL;
	}
	return 0;
}

static int check_ah(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	if (config->cipher != IPSECDRV_CIPHER_NONE || config->cipher_key_len) {
		NL_SET_ERR_MSG(extack, "AH does not encrypt and takes no cipher");
		return -EINVAL;
	}
	if (config->integrity == IPSECDRV_INTEGRITY_NONE) {
		NL_SET_ERR_MSG(extack, "AH needs an integrity algorithm");
		return -EINVAL;
	}
	return 0;
}

int ipd_crypto_check(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	const struct integrity_row *row = integrity_row(config->integrity);

	if (!row) {
		NL_SET_ERR_MSG(extack, "unknown integrity algorithm");
		return -EINVAL;
	}
	if (config->integrity_key_len != row->key_len) {
		NL_SET_ERR_MSG(extack,
			       "the integrity key has a wrong length for this integrity algorithm");
		return -EINVAL;
	}
	return config->protection == IPSECDRV_PROTECTION_AH ? check_ah(config, extack) :
							      check_esp(config, extack);
}

static int set_authenc_key(struct crypto_aead *aead, const struct ipd_sa_config *config)
{
	struct crypto_authenc_key_param *param;
	struct rtattr *rta;
	size_t len;
	u8 *key;
	int err;

	len = RTA_SPACE(sizeof(*param)) + config->integrity_key_len + config->cipher_key_len;
	key = kzalloc(len, GFP_KERNEL);
	if (!key)
		return -ENOMEM;
	rta = (struct rtattr *)key;
	rta->rta_type = CRYPTO_AUTHENC_KEYA_PARAM;
	rta->rta_len = RTA_LENGTH(sizeof(*param));
	param = RTA_DATA(rta);
	param->enckeylen = cpu_to_be32(config->cipher_key_len);
	memcpy(key + RTA_SPACE(sizeof(*param)), config->integrity_key, config->integrity_key_len);
	memcpy(key + RTA_SPACE(sizeof(*param)) + config->integrity_key_len, config->cipher_key,
	       config->cipher_key_len);
	err = crypto_aead_setkey(aead, key, len);
	kfree_sensitive(key);
	return err;
}

static struct crypto_aead *alloc_aead(const struct cipher_row *cipher,
				      const struct integrity_row *integrity, bool is_extended)
{
	char name[CRYPTO_MAX_ALG_NAME];

	if (cipher->icv_len)
		return crypto_alloc_aead(cipher->name, 0, 0);
	snprintf(name, sizeof(name), "%s(%s,%s)", is_extended ? "authencesn" : "authenc",
		 integrity->name, cipher->name);
	return crypto_alloc_aead(name, 0, 0);
}

/* one sentence for the ways in which the crypto API refuses an algorithm */
static int refuse_algorithm(int err, struct netlink_ext_ack *extack)
{
	if (err == -ENOENT)
		NL_SET_ERR_MSG(extack, "the kernel's crypto code lacks this algorithm");
	else
		NL_SET_ERR_MSG(extack, "the kernel's crypto code refuses this algorithm or key");
	return err;
}

static int init_esp(struct ipd_crypto *crypto, const struct ipd_sa_config *config,
		    struct netlink_ext_ack *extack)
{
	const struct integrity_row *integrity = integrity_row(config->integrity);
	const struct cipher_row *cipher = cipher_row(config->cipher);
	struct crypto_aead *aead = alloc_aead(cipher, integrity, config->esn);
	int err;

	if (IS_ERR(aead))
		return refuse_algorithm(PTR_ERR(aead), extack);
	crypto->aead = aead;
	crypto->iv_len = cipher->iv_len;
	crypto->block = cipher->block;
	crypto->icv_len = cipher->icv_len ?: integrity->icv_len;
	crypto->is_counter = cipher->icv_len;
	crypto->is_encrypting = config->cipher != IPSECDRV_CIPHER_NULL;
	crypto->is_authenticating = crypto->icv_len;
	crypto->is_async = crypto_aead_alg(aead)->base.cra_flags & CRYPTO_ALG_ASYNC;
	crypto->request_size = sizeof(struct aead_request) + crypto_aead_reqsize(aead);
	if (cipher->icv_len)
		err = crypto_aead_setkey(aead, config->cipher_key, config->cipher_key_len);
	else
		err = set_authenc_key(aead, config);
	if (!err)
		err = crypto_aead_setauthsize(aead, crypto->icv_len);
	return err ? refuse_algorithm(err, extack) : 0;
}

static int init_ah(struct ipd_crypto *crypto, const struct ipd_sa_config *config,
		   struct netlink_ext_ack *extack)
{
	const struct integrity_row *integrity = integrity_row(config->integrity);
	struct crypto_ahash *ahash = crypto_alloc_ahash(integrity->name, 0, 0);
	int err;

	if (IS_ERR(ahash))
		return refuse_algorithm(PTR_ERR(ahash), extack);
	crypto->ahash = ahash;
	crypto->icv_len = integrity->icv_len;
	crypto->is_authenticating = true;
	crypto->is_async = crypto_hash_alg_common(ahash)->base.cra_flags & CRYPTO_ALG_ASYNC;
	crypto->request_size = sizeof(struct ahash_request) + crypto_ahash_reqsize(ahash);
	if (WARN_ON_ONCE(crypto_ahash_digestsize(ahash) > IPD_CRYPTO_MAX_DIGEST))
		return refuse_algorithm(-EINVAL, extack);
	err = crypto_ahash_setkey(ahash, config->integrity_key, config->integrity_key_len);
	return err ? refuse_algorithm(err, extack) : 0;
}

int ipd_crypto_init(struct ipd_crypto *crypto, const struct ipd_sa_config *config,
		    struct netlink_ext_ack *extack)
{
	int err;

	memset(crypto, 0, sizeof(*crypto));
	crypto->is_extended = config->esn;
	if (config->protection == IPSECDRV_PROTECTION_AH)
		err = init_ah(crypto, config, extack);
	else
		err = init_esp(crypto, config, extack);
	if (err)
		ipd_crypto_exit(crypto);
	return err;
}

void ipd_crypto_exit(struct ipd_crypto *crypto)
{
	/* both take NULL, and wipe the transform's memory */
	crypto_free_aead(crypto->aead);
	crypto_free_ahash(crypto->ahash);
	memset(crypto, 0, sizeof(*crypto));
}
