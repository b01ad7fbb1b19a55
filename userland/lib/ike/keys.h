/* SPDX-License-Identifier: MIT */
#ifndef IKE_KEYS_H
#define IKE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/alg.h"

/*
 * The formulas of RFC 2409, section 5. "|" is concatenation, prf is HMAC with the negotiated
 * hash, the suffix _b means a payload's body. All functions return 0, or -errno from crypto.
 */

/* Keys of a main mode. Lives in secret memory. */
struct mm_keys {
	enum ike_hash hash;
	enum ike_cipher cipher;
	size_t len;		/* of the SKEYIDs: the prf's output */
	size_t ka_len;
	uint8_t skeyid[IKE_HASH_MAX_LEN];
	uint8_t skeyid_d[IKE_HASH_MAX_LEN];
	uint8_t skeyid_a[IKE_HASH_MAX_LEN];
	uint8_t skeyid_e[IKE_HASH_MAX_LEN];
	uint8_t ka[32];		/* encrypts ISAKMP messages */
};

/* What both sides' hashes cover. */
struct mm_transcript {
	struct bytes cky_i;
	struct bytes cky_r;
	struct bytes ke_i;	/* g^xi */
	struct bytes ke_r;
	struct bytes sai_b;
	/* GSS-API: of the side whose hash it is; else empty. */
	struct bytes gss_name;
	struct bytes gss_tokens;
};

/* SKEYID for preshared keys: prf(psk, Ni_b | Nr_b). For whoever holds the key. */
int keys_skeyid_psk(enum ike_hash hash, struct bytes psk, struct bytes ni, struct bytes nr,
		    uint8_t *ret_skeyid);

/* For signatures and GSS-API: prf(Ni_b | Nr_b, g^xy). */
int keys_skeyid_signature(enum ike_hash hash, struct bytes ni, struct bytes nr, struct bytes gxy,
			  uint8_t *ret_skeyid);

/* From keys->skeyid and g^xy: SKEYID_d, _a, _e and Ka, whose length @cipher and @key_bits say. */
int keys_derive(struct mm_keys *keys, enum ike_hash hash, enum ike_cipher cipher,
		unsigned int key_bits, struct bytes gxy, struct bytes cky_i, struct bytes cky_r);

/* hash(g^xi | g^xr), cut to the block: the IV of message 5. */
int keys_phase1_iv(const struct mm_keys *keys, const struct mm_transcript *t,
		   uint8_t iv[static IKE_BLOCK_MAX_LEN]);
/* hash(last phase 1 block | message id), cut to the block. */
int keys_phase2_iv(const struct mm_keys *keys, const uint8_t *last_block, uint32_t message_id,
		   uint8_t iv[static IKE_BLOCK_MAX_LEN]);

/*
 * HASH_I or HASH_R over the side's own identity. @hash is that of the prf: the negotiated one, but
 * for ECDSA.
 */
int keys_hash_ir(const struct mm_keys *keys, enum ike_hash hash, const struct mm_transcript *t,
		 bool is_initiator, struct bytes id_b, uint8_t *ret_hash);

/* prf(SKEYID_a, M-ID | after): HASH(1), and the HASH of informational exchanges. */
int keys_hash1(const struct mm_keys *keys, uint32_t message_id, struct bytes after,
	       uint8_t *ret_hash);
/* prf(SKEYID_a, M-ID | Ni_b | after) */
int keys_hash2(const struct mm_keys *keys, uint32_t message_id, struct bytes ni,
	       struct bytes after, uint8_t *ret_hash);
/* prf(SKEYID_a, Ni_b | M-ID | Nr | D): the answer to a delete ([MS-IKEE], section 3.8.5.1) */
int keys_hash_deleted(const struct mm_keys *keys, uint32_t message_id, struct bytes ni,
		      struct bytes nr, struct bytes del, uint8_t *ret_hash);
/* prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b) */
int keys_hash3(const struct mm_keys *keys, uint32_t message_id, struct bytes ni, struct bytes nr,
	       uint8_t *ret_hash);

/* @len bytes of keying material for the SA that @spi names; @gxy is empty without PFS. */
int keys_keymat(const struct mm_keys *keys, uint8_t protocol, uint32_t spi, struct bytes gxy,
		struct bytes ni, struct bytes nr, uint8_t *ret_keymat, size_t len);

#endif
