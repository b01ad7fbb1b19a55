/* SPDX-License-Identifier: MIT */
#ifndef CRED_PROOF_H
#define CRED_PROOF_H

#include <time.h>

#include <openssl/x509.h>

#include "base/cleanup.h"
#include "cred/crl.h"
#include "ike/credential.h"

struct trust_rule;

/*
 * Whether a peer is who its ID payload names: one of its certificates says so, chains to a CA of
 * the rule, and has made the signature. All but revocation, which may have to wait for CRLs.
 *
 *   no certificate that can be read           13847
 *   none is about that identity               13801
 *   it does not chain to a CA of the rule     13887
 *   expired or otherwise not valid            13847
 *   its key: none, odd; too short; of another kind; not for signatures
 *                                             13828, 13881, 13819, 13818
 *   another key made the signature            13826
 *   revoked (proof_check_crls())              13848
 */
struct proof {
	enum ike_reason reason;
	const char *detail;		/* what is wrong, a constant; "" */
	char *name;			/* of the peer; NULL: it has shown none that counts */
	char *authority;
	STACK_OF(X509) *chain;		/* only when the reason is OK */
};

/* @store_intermediates: certificates of our own that may help. */
struct proof proof_make(const struct trust_rule *rule, STACK_OF(X509) *store_intermediates,
			const struct ike_proof_request *request, time_t now);
void proof_clear(struct proof *proof);

/*
 * Revocation; changes the reason of a proof that is OK so far. True: not decided, CRLs are being
 * fetched (only with @may_wait).
 */
bool proof_check_crls(struct proof *proof, struct crls *crls, enum crl_check level, time_t now,
		      bool may_wait);

#endif
