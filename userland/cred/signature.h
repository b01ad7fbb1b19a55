/* SPDX-License-Identifier: MIT */
#ifndef CRED_SIGNATURE_H
#define CRED_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "ike/alg.h"
#include "ike/credential.h"
#include "ike/reason.h"

/*
 * Signatures of RFC 2409, section 5.1, and RFC 4754, over a bare hash:
 *
 *   RSA_SIG             PKCS #1 block type 1 around the hash, without DigestInfo
 *   ECDSA_256, _384     r | s, each as long as the curve's order
 */

#define SIGNATURE_RSA_BITS_MIN 1024
#define SIGNATURE_RSA_BITS_MAX (8 * IKE_SIGNATURE_MAX_LEN)

/*
 * Whether a key may be used for @auth. IKE_REASON_OK; CERT_TYPE: a key for something else;
 * KEY_TOO_SHORT; NO_PUBLIC_KEY: none, or one that no honest party has.
 */
enum ike_reason signature_check_key(const EVP_PKEY *key, enum ike_auth auth);
/* The same for a key that signed a certificate, of any kind. */
enum ike_reason signature_check_ca_key(const EVP_PKEY *key);

/*
 * @hash has the length of a hash. That matters: a signature over anything else could be one of
 * another protocol. -EINVAL for other lengths, -EIO.
 */
int signature_make(EVP_PKEY *key, enum ike_auth auth, struct bytes hash,
		   struct ike_signature *ret_signature);

/* IKE_REASON_OK or IKE_REASON_SIGNATURE. @key has passed signature_check_key(). */
enum ike_reason signature_verify(EVP_PKEY *key, enum ike_auth auth, struct bytes hash,
				 struct bytes signature);

#endif
