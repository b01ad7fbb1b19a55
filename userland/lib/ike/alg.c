// SPDX-License-Identifier: MIT
#include "ike/alg.h"

static const struct {
	const char *name;
	uint8_t key_len;	/* 0: chosen by key_bits */
	uint8_t salt_len;
	uint8_t block_len;
} ciphers[IKE_CIPHER_COUNT] = {
	[IKE_CIPHER_NONE] = { "none", 0, 0, 0 },
	[IKE_CIPHER_NULL] = { "NULL", 0, 0, 0 },
	[IKE_CIPHER_DES] = { "DES", 8, 0, 8 },
	[IKE_CIPHER_3DES] = { "3DES", 24, 0, 8 },
	[IKE_CIPHER_AES_CBC] = { "AES", 0, 0, 16 },
	[IKE_CIPHER_AES_GCM_16] = { "AES-GCM", 0, 4, 0 },
};

static const struct {
	const char *name;
	uint8_t len;
} hashes[IKE_HASH_COUNT] = {
	[IKE_HASH_NONE] = { "none", 0 },      [IKE_HASH_MD5] = { "MD5", 16 },
	[IKE_HASH_SHA1] = { "SHA-1", 20 },    [IKE_HASH_SHA256] = { "SHA-256", 32 },
	[IKE_HASH_SHA384] = { "SHA-384", 48 }, [IKE_HASH_SHA512] = { "SHA-512", 64 },
};

static const struct {
	uint16_t group;
	const char *name;
} groups[] = {
	{ IKE_GROUP_NONE, "none" },	     { IKE_GROUP_MODP768, "MODP 768" },
	{ IKE_GROUP_MODP1024, "MODP 1024" }, { IKE_GROUP_MODP1536, "MODP 1536" },
	{ IKE_GROUP_MODP2048, "MODP 2048" }, { IKE_GROUP_MODP3072, "MODP 3072" },
	{ IKE_GROUP_MODP4096, "MODP 4096" }, { IKE_GROUP_MODP6144, "MODP 6144" },
	{ IKE_GROUP_MODP8192, "MODP 8192" }, { IKE_GROUP_ECP256, "ECP 256" },
	{ IKE_GROUP_ECP384, "ECP 384" },     { IKE_GROUP_ECP521, "ECP 521" },
	{ IKE_GROUP_MAIN_MODE, "main mode's group" },
};

static bool is_aes(enum ike_cipher cipher)
{
	return cipher == IKE_CIPHER_AES_CBC || cipher == IKE_CIPHER_AES_GCM_16;
}

const char *ike_cipher_name(enum ike_cipher cipher, unsigned int key_bits)
{
	static const char *const sized[2][3] = {
		{ "AES-128", "AES-192", "AES-256" },
		{ "AES-GCM-128", "AES-GCM-192", "AES-GCM-256" },
	};

	if ((unsigned int)cipher >= IKE_CIPHER_COUNT)
		return "?";
	if (is_aes(cipher) && (key_bits == 128 || key_bits == 192 || key_bits == 256))
		return sized[cipher == IKE_CIPHER_AES_GCM_16][(key_bits - 128) / 64];
	return ciphers[cipher].name;
}

const char *ike_hash_name(enum ike_hash hash)
{
	return (unsigned int)hash < IKE_HASH_COUNT ? hashes[hash].name : "?";
}

const char *ike_group_name(unsigned int group)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].group == group)
			return groups[i].name;
	}
	return "?";
}

const char *ike_auth_name(enum ike_auth auth)
{
	static const char *const names[IKE_AUTH_COUNT] = {
		[IKE_AUTH_NONE] = "none",
		[IKE_AUTH_PSK] = "preshared key",
		[IKE_AUTH_RSA_SIG] = "certificate",
		[IKE_AUTH_ECDSA_256] = "certificate (ECDSA-256)",
		[IKE_AUTH_ECDSA_384] = "certificate (ECDSA-384)",
		[IKE_AUTH_KERBEROS] = "Kerberos",
	};

	return (unsigned int)auth < IKE_AUTH_COUNT ? names[auth] : "?";
}

bool ike_cipher_is_valid(enum ike_cipher cipher, unsigned int key_bits)
{
	if ((unsigned int)cipher >= IKE_CIPHER_COUNT)
		return false;
	if (is_aes(cipher))
		return key_bits == 128 || key_bits == 192 || key_bits == 256;
	return !key_bits;
}

size_t ike_cipher_key_len(enum ike_cipher cipher, unsigned int key_bits)
{
	if ((unsigned int)cipher >= IKE_CIPHER_COUNT)
		return 0;
	if (is_aes(cipher))
		return key_bits / 8 + ciphers[cipher].salt_len;
	return ciphers[cipher].key_len;
}

size_t ike_cipher_block_len(enum ike_cipher cipher)
{
	return (unsigned int)cipher < IKE_CIPHER_COUNT ? ciphers[cipher].block_len : 0;
}

size_t ike_hash_len(enum ike_hash hash)
{
	return (unsigned int)hash < IKE_HASH_COUNT ? hashes[hash].len : 0;
}

bool ike_group_is_known(unsigned int group)
{
	if (group == IKE_GROUP_NONE || group == IKE_GROUP_MAIN_MODE)
		return false;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i].group == group)
			return true;
	}
	return false;
}
