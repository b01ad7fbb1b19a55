/* SPDX-License-Identifier: MIT */
#ifndef IKE_CREDENTIAL_H
#define IKE_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/alg.h"
#include "ike/path.h"
#include "ike/reason.h"

/*
 * What the engine asks the keeper of the credentials: uses of a secret, never a secret; and
 * verdicts on what a peer sends, so that certificates and tickets are parsed elsewhere. Everything
 * here is bytes, with bounds; nothing refers to an ISAKMP message.
 *
 * Certificates (RFC 2409, section 5.1), in the order of the questions:
 *
 *   ike_authorities_request   whose certificates do we accept?  -> the names for our CR payloads
 *   ike_certificate_request   which one is ours for that peer?  -> name for ID, chain for CERT
 *   ike_signature_request     sign HASH_I or HASH_R             -> body of SIG
 *   ike_proof_request         is the peer who it says it is?    -> verdict and its name
 *
 * Kerberos (draft-ietf-ipsec-isakmp-gss-auth): a context, named by a number that the engine
 * chooses, takes tokens in and gives tokens out until it is complete, then wraps and unwraps the
 * hashes. ike_gss_end frees it.
 *
 * A refusal is an ike_reason other than OK; then nothing else in the answer counts.
 */

#define IKE_AUTHORITIES_MAX 64		/* CR payloads that are looked at or sent */
#define IKE_AUTHORITY_MAX_LEN 2048	/* DER name */
#define IKE_CERTS_MAX 8			/* in one chain, or from one peer */
#define IKE_CERT_MAX_LEN 16384
#define IKE_ID_MAX_LEN 2048		/* body of an ID payload without its first 4 bytes */
#define IKE_SIGNATURE_MAX_LEN 1024	/* RSA with 8192 bits */
#define IKE_FINGERPRINT_LEN 32		/* SHA2-256 of the certificate */
#define IKE_NAME_MAX_LEN 512		/* of a peer as text, without the NUL */
#define IKE_TOKEN_MAX_LEN 65000		/* one GSS token */
#define IKE_TOKENS_MAX 3		/* per side in one main mode */
#define IKE_GSS_NAME_MAX_LEN 255	/* UTF-8 bytes of "host$@REALM", without the NUL */
#define IKE_WRAPPED_MAX_LEN 512		/* a hash, wrapped */

/* Of CERT and CR payloads (RFC 2408, section 3.9). */
enum ike_cert_encoding {
	IKE_CERT_PKCS7 = 1,		/* a chain, as Windows may send it */
	IKE_CERT_X509_SIGNATURE = 4,
	IKE_CERT_CRL = 7,
};

/* --- certificates --------------------------------------------------------------------------- */

struct ike_authorities_request {
	struct ike_path path;
	bool is_initiator;
};

/* DER names of the root CAs of the rule, in its order, without those that policy excludes. */
struct ike_authorities {
	struct bytes *names;
	size_t n_names;
};

struct ike_certificate_request {
	struct ike_path path;
	bool is_initiator;
	enum ike_auth auth;		/* RSA_SIG, ECDSA_256 or ECDSA_384 */
	/* What the peer asked for: DER names, an empty one means any. None: it did not ask. */
	struct bytes *authorities;
	size_t n_authorities;
};

struct ike_certificate {
	enum ike_reason reason;		/* 13806, 13820, 13818, 13819, 13817, ... */
	uint8_t fingerprint[IKE_FINGERPRINT_LEN];
	size_t fingerprint_len;		/* 0 on refusal */
	struct bytes subject;		/* DER, for ID_DER_ASN1_DN */
	char *name;			/* the same as text; "" on refusal */
	struct bytes *chain;		/* DER: leaf first, without the root */
	size_t n_chain;
};

struct ike_signature_request {
	struct ike_path path;
	enum ike_auth auth;
	uint8_t fingerprint[IKE_FINGERPRINT_LEN];
	size_t fingerprint_len;
	uint8_t hash[IKE_HASH_MAX_LEN];	/* HASH_I or HASH_R, which is signed as it is */
	size_t hash_len;
};

struct ike_signature {
	enum ike_reason reason;
	uint8_t bytes[IKE_SIGNATURE_MAX_LEN];
	size_t len;
};

struct ike_peer_cert {
	uint8_t encoding;		/* enum ike_cert_encoding; others are ignored */
	struct bytes der;
};

struct ike_proof_request {
	struct ike_path path;
	bool is_initiator;		/* we are */
	enum ike_auth auth;
	uint8_t id_type;		/* of the peer's ID payload, and its data */
	struct bytes id;
	struct ike_peer_cert *certs;
	size_t n_certs;
	uint8_t hash[IKE_HASH_MAX_LEN];
	size_t hash_len;
	struct bytes signature;
};

struct ike_proof {
	/* 13826, 13847, 13848, 13887, 13801, 13818, 13819, 13828, 13881, ... */
	enum ike_reason reason;
	char *name;			/* subject of the peer's certificate as text */
	char *authority;		/* of the root CA that vouches for it */
	char *detail;			/* of a refusal: one sentence for the log, else "" */
};

/* --- Kerberos ------------------------------------------------------------------------------- */

struct ike_gss_step {
	uint64_t context;		/* not 0; unknown: a new one; the engine never uses a number again */
	struct ike_path path;
	bool is_initiator;
	struct bytes peer_name;		/* UTF-16LE as in the peer's attribute; initiator only */
	struct bytes token;		/* the peer's; empty in the initiator's first step */
};

struct ike_gss_token {
	enum ike_reason reason;		/* 13827, 13855, ... */
	struct bytes token;		/* for the peer; empty: nothing to send */
	bool is_complete;
	char *peer;			/* its principal, "host$@REALM", once complete; else "" */
	char *detail;			/* of a refusal, else "" */
};

/* A hash to wrap with confidentiality, or a wrapped one to unwrap. */
struct ike_gss_message {
	uint64_t context;
	struct bytes data;
};

struct ike_gss_result {
	enum ike_reason reason;
	uint8_t bytes[IKE_WRAPPED_MAX_LEN];
	size_t len;
};

struct ike_gss_end {
	uint64_t context;
};

/* --- answers as objects ---------------------------------------------------------------------- */

enum credential_kind {
	CREDENTIAL_AUTHORITIES,
	CREDENTIAL_CERTIFICATE,
	CREDENTIAL_SIGNATURE,
	CREDENTIAL_PROOF,
	CREDENTIAL_GSS_TOKEN,
	CREDENTIAL_GSS_RESULT,
};

/* Within the bounds above; a refusal always is. */
bool credential_is_valid(enum credential_kind kind, const void *answer);
/* One block with everything, to be freed with free(); NULL when out of memory. */
void *credential_copy(enum credential_kind kind, const void *answer);

#endif
