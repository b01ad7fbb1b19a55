/* SPDX-License-Identifier: MIT */
#ifndef IKE_ALG_H
#define IKE_ALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Algorithms as policy, engine and driver name them. The numbers are those of enum
 * ipsecdrv_cipher and enum ipsecdrv_integrity, not those on the wire.
 */
enum ike_cipher {
	IKE_CIPHER_NONE,	/* AH */
	IKE_CIPHER_NULL,
	IKE_CIPHER_DES,
	IKE_CIPHER_3DES,
	IKE_CIPHER_AES_CBC,
	IKE_CIPHER_AES_GCM_16,	/* quick mode only */
	IKE_CIPHER_COUNT,
};

enum ike_hash {
	IKE_HASH_NONE,		/* quick mode only */
	IKE_HASH_MD5,
	IKE_HASH_SHA1,
	IKE_HASH_SHA256,
	IKE_HASH_SHA384,
	IKE_HASH_SHA512,
	IKE_HASH_COUNT,
};

/* Diffie-Hellman groups by their IANA number. */
enum ike_group {
	IKE_GROUP_NONE = 0,
	IKE_GROUP_MODP768 = 1,
	IKE_GROUP_MODP1024 = 2,
	IKE_GROUP_MODP1536 = 5,
	IKE_GROUP_MODP2048 = 14,
	IKE_GROUP_MODP3072 = 15,
	IKE_GROUP_MODP4096 = 16,
	IKE_GROUP_MODP6144 = 17,
	IKE_GROUP_MODP8192 = 18,
	IKE_GROUP_ECP256 = 19,
	IKE_GROUP_ECP384 = 20,
	IKE_GROUP_ECP521 = 21,
	/* In a quick mode offer: the group of the main mode that it runs under. */
	IKE_GROUP_MAIN_MODE = 0xffff,
};

enum ike_auth {
	IKE_AUTH_NONE,
	IKE_AUTH_PSK,
	IKE_AUTH_RSA_SIG,
	IKE_AUTH_ECDSA_256,	/* RFC 4754, P-256 and SHA2-256 */
	IKE_AUTH_ECDSA_384,	/* P-384 and SHA2-384 */
	IKE_AUTH_KERBEROS,
	IKE_AUTH_COUNT,
};

#define IKE_HASH_MAX_LEN 64
#define IKE_BLOCK_MAX_LEN 16
/* AES-256-GCM: 32 bytes and 4 of salt. */
#define IKE_CIPHER_KEY_MAX_LEN 36

/* "3DES", "AES-128", "SHA-256", "MODP 2048", "preshared key"; "?" for numbers out of range. */
const char *ike_cipher_name(enum ike_cipher cipher, unsigned int key_bits);
const char *ike_hash_name(enum ike_hash hash);
const char *ike_group_name(unsigned int group);
const char *ike_auth_name(enum ike_auth auth);

/* True if the engine can use them together; a cipher of fixed size has key_bits 0. */
bool ike_cipher_is_valid(enum ike_cipher cipher, unsigned int key_bits);
/* Bytes of keying material, salt included; 0 for none and null. */
size_t ike_cipher_key_len(enum ike_cipher cipher, unsigned int key_bits);
/* Block size of the CBC ciphers; 0 for the others. */
size_t ike_cipher_block_len(enum ike_cipher cipher);
/* Output bytes, which is also the key length of its HMAC; 0 for none. */
size_t ike_hash_len(enum ike_hash hash);
bool ike_group_is_known(unsigned int group);

#endif
