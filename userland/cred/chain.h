/* SPDX-License-Identifier: MIT */
#ifndef CRED_CHAIN_H
#define CRED_CHAIN_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>

#include "ike/reason.h"

/*
 * Chains: from a certificate over intermediates to an anchor, which is a CA that a rule names. What
 * has been revoked is another question (cred/crl.h).
 */

#define CHAIN_DEPTH_MAX 8	/* certificates in a chain, anchor included */

enum chain_result {
	CHAIN_GOOD,
	CHAIN_NO_ANCHOR,	/* it does not end at one */
	CHAIN_NOT_VALID_NOW,	/* a certificate has expired, or is from the future */
	CHAIN_WEAK,		/* a key or hash in it is too weak */
	CHAIN_BAD,		/* signatures, constraints, extensions */
};

struct chain_failure {
	enum chain_result result;
	const char *text;	/* what is wrong, for people; a constant */
};

/*
 * @anchors: certificates of one CA. @untrusted: what may stand between, NULL allowed. Gives the
 * chain, leaf first, anchor last, which the caller frees with sk_X509_pop_free().
 */
struct chain_failure chain_build(X509 *leaf, STACK_OF(X509) *anchors, STACK_OF(X509) *untrusted,
				 time_t now, STACK_OF(X509) **ret_chain);

/* Whether the key may sign: no key usage at all, digitalSignature or nonRepudiation. */
bool chain_may_sign(X509 *leaf);

#endif
