/* SPDX-License-Identifier: MIT */
#ifndef IKE_DH_H
#define IKE_DH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/alg.h"

/* MODP 8192, the largest public value and shared secret. */
#define DH_MAX_LEN 1024

/* A key pair for one negotiation. */
struct dh_key;

/* Bytes of a KE payload, and of g^xy in the formulas (ECP: x only); 0 for unknown groups. */
size_t dh_public_len(unsigned int group);
size_t dh_secret_len(unsigned int group);

/*
 * For those who have threads: once for each group, by one of them, before others make keys of it.
 * crypto_init() comes first. -EINVAL for unknown groups, -EIO if OpenSSL fails.
 */
int dh_prepare(unsigned int group);

/* NULL for unknown groups and when OpenSSL fails. */
struct dh_key *dh_key_new(unsigned int group);
/* Wipes; NULL is allowed. Returns NULL. */
struct dh_key *dh_key_free(struct dh_key *key);
unsigned int dh_key_group(const struct dh_key *key);
struct bytes dh_key_public(const struct dh_key *key);

/*
 * Cheap check of what a peer sent, before any answer: length, 1 < y < p - 1 for MODP, on the
 * curve for ECP. -EINVAL.
 */
int dh_check_public(unsigned int group, struct bytes peer);

/*
 * g^xy with leading zeros kept, dh_secret_len() bytes into @secret. The peer's value is checked
 * again. -EINVAL for a bad peer value, -EIO if OpenSSL fails.
 */
int dh_derive(const struct dh_key *key, struct bytes peer, uint8_t *secret);

#endif
