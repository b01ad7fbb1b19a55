/* SPDX-License-Identifier: MIT */
#ifndef CRED_CHOOSE_H
#define CRED_CHOOSE_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>

#include "cred/crl.h"
#include "ike/credential.h"

struct store;
struct store_own;
struct trust_rule;

/*
 * Which of the own certificates goes to a peer: for each CA of the rule, in its order, the first
 * certificate, in the order of the files' names, that
 *
 *   chains to that CA, and is in date           else 13806
 *   has a key of the method's kind              else 13819, 13881
 *   may sign; its purposes do not matter        else 13818
 *   has its private key in the store            else 13820
 *   is not known to be revoked                  else 13817
 *
 * If the peer has asked for CAs, those certificates come first whose chain holds one of them; when
 * there is none such, or it did not ask, it gets the first of all, and may think of it what it likes.
 */
struct choice {
	enum ike_reason reason;		/* when none is fit: that of the one that came furthest */
	const struct store_own *own;
	STACK_OF(X509) *chain;		/* leaf first, anchor last */
};

struct choice_context {
	const struct store *store;
	struct crls *crls;
	enum crl_check crl_check;
	time_t now;
};

/* @authorities: DER names, an empty one means any. The caller ends with choice_clear(). */
struct choice choose(const struct choice_context *context, const struct trust_rule *rule,
		     enum ike_auth auth, const struct bytes *authorities, size_t n_authorities);
void choice_clear(struct choice *choice);

/* Whether choose() could ever come to @own for this rule. */
bool choose_could_be(const struct choice_context *context, const struct trust_rule *rule,
		     enum ike_auth auth, const struct store_own *own);

#endif
