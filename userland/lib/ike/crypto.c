// SPDX-License-Identifier: MIT
#include "ike/crypto.h"

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "base/cleanup.h"

static struct {
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *default_provider;
	OSSL_PROVIDER *legacy_provider;
	EVP_MD *hashes[IKE_HASH_COUNT];
	/* An HMAC with its digest set but without a key; copied for each use. */
	EVP_MAC_CTX *macs[IKE_HASH_COUNT];
	EVP_CIPHER *des;
	EVP_CIPHER *des3;
	EVP_CIPHER *aes[3];	/* 128, 192, 256 bits */
} lib;

static void fetch_hash(enum ike_hash hash, const char *name)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(lib.context, OSSL_MAC_NAME_HMAC, NULL);

	lib.hashes[hash] = EVP_MD_fetch(lib.context, name, NULL);
	lib.macs[hash] = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	if (lib.hashes[hash] && lib.macs[hash] && EVP_MAC_CTX_set_params(lib.macs[hash], params))
		return;
	EVP_MD_free(lib.hashes[hash]);
	EVP_MAC_CTX_free(lib.macs[hash]);
	lib.hashes[hash] = NULL;
	lib.macs[hash] = NULL;
}

int crypto_init(void)
{
	if (lib.context)
		return 0;
	lib.context = OSSL_LIB_CTX_new();
	if (!lib.context)
		return -ENOMEM;
	/* The default provider is no longer implicit once another one is loaded. */
	lib.default_provider = OSSL_PROVIDER_load(lib.context, "default");
	lib.legacy_provider = OSSL_PROVIDER_load(lib.context, "legacy");
	fetch_hash(IKE_HASH_MD5, "MD5");
	fetch_hash(IKE_HASH_SHA1, "SHA1");
	fetch_hash(IKE_HASH_SHA256, "SHA2-256");
	fetch_hash(IKE_HASH_SHA384, "SHA2-384");
	fetch_hash(IKE_HASH_SHA512, "SHA2-512");
	lib.des = EVP_CIPHER_fetch(lib.context, "DES-CBC", NULL);
	lib.des3 = EVP_CIPHER_fetch(lib.context, "DES-EDE3-CBC", NULL);
	lib.aes[0] = EVP_CIPHER_fetch(lib.context, "AES-128-CBC", NULL);
	lib.aes[1] = EVP_CIPHER_fetch(lib.context, "AES-192-CBC", NULL);
	lib.aes[2] = EVP_CIPHER_fetch(lib.context, "AES-256-CBC", NULL);
	if (!crypto_has_hash(IKE_HASH_SHA1) || !crypto_has_cipher(IKE_CIPHER_AES_CBC))
		return -ENOSYS;
	return 0;
}

OSSL_LIB_CTX *crypto_context(void)
{
	return lib.context;
}

bool crypto_has_hash(enum ike_hash hash)
{
	return (unsigned int)hash < IKE_HASH_COUNT && lib.hashes[hash];
}

static EVP_CIPHER *find_cipher(enum ike_cipher cipher, size_t key_len)
{
	if (cipher == IKE_CIPHER_DES && key_len == 8)
		return lib.des;
	if (cipher == IKE_CIPHER_3DES && key_len == 24)
		return lib.des3;
	if (cipher != IKE_CIPHER_AES_CBC)
		return NULL;
	if (key_len == 16 || key_len == 24 || key_len == 32)
		return lib.aes[(key_len - 16) / 8];
	return NULL;
}

bool crypto_has_cipher(enum ike_cipher cipher)
{
	unsigned int key_bits = cipher == IKE_CIPHER_AES_CBC ? 128 : 0;

	return find_cipher(cipher, ike_cipher_key_len(cipher, key_bits));
}

static void free_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void free_mac_ctx(EVP_MAC_CTX **ctx)
{
	EVP_MAC_CTX_free(*ctx);
}

static void free_cipher_ctx(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

int crypto_hash(enum ike_hash hash, const struct bytes *parts, size_t n_parts, uint8_t *out)
{
	_cleanup_(free_md_ctx) EVP_MD_CTX *ctx = NULL;

	if (!crypto_has_hash(hash))
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	if (!ctx || !EVP_DigestInit_ex2(ctx, lib.hashes[hash], NULL))
		return -EIO;
	for (size_t i = 0; i < n_parts; i++) {
		if (!EVP_DigestUpdate(ctx, parts[i].data, parts[i].len))
			return -EIO;
	}
	return EVP_DigestFinal_ex(ctx, out, NULL) ? 0 : -EIO;
}

int crypto_prf(enum ike_hash hash, struct bytes key, const struct bytes *parts, size_t n_parts,
	       uint8_t *out)
{
	static const uint8_t empty[1];
	_cleanup_(free_mac_ctx) EVP_MAC_CTX *ctx = NULL;
	size_t len;

	if (!crypto_has_hash(hash))
		return -EINVAL;
	ctx = EVP_MAC_CTX_dup(lib.macs[hash]);
	/* A NULL key would mean "the one that is set already". */
	if (!ctx || !EVP_MAC_init(ctx, key.data ? key.data : empty, key.len, NULL))
		return -EIO;
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].len && !EVP_MAC_update(ctx, parts[i].data, parts[i].len))
			return -EIO;
	}
	return EVP_MAC_final(ctx, out, &len, ike_hash_len(hash)) ? 0 : -EIO;
}

int crypto_cbc(enum ike_cipher cipher, struct bytes key, const uint8_t *iv, bool is_encrypt,
	       const uint8_t *in, uint8_t *out, size_t len)
{
	EVP_CIPHER *evp = find_cipher(cipher, key.len);
	_cleanup_(free_cipher_ctx) EVP_CIPHER_CTX *ctx = NULL;
	int out_len;

	if (!evp || len % ike_cipher_block_len(cipher) || len > INT32_MAX)
		return -EINVAL;
	ctx = EVP_CIPHER_CTX_new();
	if (!ctx || !EVP_CipherInit_ex2(ctx, evp, key.data, iv, is_encrypt, NULL) ||
	    !EVP_CIPHER_CTX_set_padding(ctx, 0) ||
	    !EVP_CipherUpdate(ctx, out, &out_len, in, (int)len) || (size_t)out_len != len)
		return -EIO;
	return 0;
}

bool crypto_is_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && !CRYPTO_memcmp(a.data, b.data, a.len);
}

int crypto_random(void *buf, size_t len)
{
	if (!lib.context)
		return -ENOSYS;
	return RAND_bytes_ex(lib.context, buf, len, 0) == 1 ? 0 : -EIO;
}
