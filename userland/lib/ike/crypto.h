/* SPDX-License-Identifier: MIT */
#ifndef IKE_CRYPTO_H
#define IKE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/alg.h"

typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;

/*
 * Hash, prf and CBC over OpenSSL. Algorithms are fetched once per process, in a library context
 * of our own, so that neither the application's providers nor openssl.cnf change them.
 */

/*
 * Loads the providers and fetches everything. Called by ike_engine_new(); again is harmless. Not
 * thread safe the first time. -ENOSYS when even SHA-1 or AES is missing.
 */
int crypto_init(void);
/* The library context; NULL before crypto_init(). */
OSSL_LIB_CTX *crypto_context(void);

/* A host in FIPS mode, or without the legacy provider, lacks some. */
bool crypto_has_hash(enum ike_hash hash);
bool crypto_has_cipher(enum ike_cipher cipher);

/* @out gets ike_hash_len() bytes. -EINVAL for a hash that is not there, -EIO if OpenSSL fails. */
int crypto_hash(enum ike_hash hash, const struct bytes *parts, size_t n_parts, uint8_t *out);
/* HMAC over the parts one after the other; an empty key is allowed. */
int crypto_prf(enum ike_hash hash, struct bytes key, const struct bytes *parts, size_t n_parts,
	       uint8_t *out);

/*
 * CBC without padding; @len is a multiple of the block, @in and @out are the same or do not
 * overlap. @iv is not changed: chains advance only after a message has been verified.
 */
int crypto_cbc(enum ike_cipher cipher, struct bytes key, const uint8_t *iv, bool is_encrypt,
	       const uint8_t *in, uint8_t *out, size_t len);

/* Constant time; false for different lengths. */
bool crypto_is_equal(struct bytes a, struct bytes b);

/* Unpredictable bytes from OpenSSL's generator. */
int crypto_random(void *buf, size_t len);

#endif
