// SPDX-License-Identifier: MIT
#include "cred/choose.h"

#include "cred/chain.h"
#include "cred/name.h"
#include "cred/signature.h"
#include "cred/store.h"
#include "cred/trust.h"

/* How far a certificate came before it failed; the index is the order of the tests. */
static const enum ike_reason tests[] = {
	IKE_REASON_NO_CERTIFICATE, IKE_REASON_CERT_TYPE, IKE_REASON_KEY_TOO_SHORT,
	IKE_REASON_NO_PUBLIC_KEY, IKE_REASON_KEY_USAGE, IKE_REASON_NO_PRIVATE_KEY,
	IKE_REASON_REVOKED,
};

static bool is_further(enum ike_reason a, enum ike_reason b)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (tests[i] == a)
			return false;
		if (tests[i] == b)
			return true;
	}
	return false;
}

void choice_clear(struct choice *choice)
{
	sk_X509_pop_free(choice->chain, X509_free);
	*choice = (struct choice){ 0 };
}

/* --- one certificate ---------------------------------------------------------------------- */

static enum ike_reason judge(const struct choice_context *context, enum ike_auth auth,
			     const struct store_own *own, STACK_OF(X509) *chain)
{
	enum ike_reason reason = signature_check_key(X509_get0_pubkey(own->cert), auth);

	if (reason != IKE_REASON_OK)
		return reason;
	if (!chain_may_sign(own->cert))
		return IKE_REASON_KEY_USAGE;
	if (!own->key)
		return IKE_REASON_NO_PRIVATE_KEY;
	if (context->crl_check != CRL_CHECK_NONE &&
	    crls_check(context->crls, chain, context->now, false).status == CRL_STATUS_REVOKED)
		return IKE_REASON_REVOKED;
	return IKE_REASON_OK;
}

/* The choice of this certificate under this CA, or why it cannot be. */
static struct choice try(const struct choice_context *context, enum ike_auth auth,
			 const struct store_own *own, const struct trust_ca *ca)
{
	struct choice choice = { .reason = IKE_REASON_NO_CERTIFICATE, .own = own };

	if (chain_build(own->cert, ca->anchors, store_intermediates(context->store), context->now,
			&choice.chain).result != CHAIN_GOOD)
		return choice;
	choice.reason = judge(context, auth, own, choice.chain);
	if (choice.reason != IKE_REASON_OK) {
		sk_X509_pop_free(choice.chain, X509_free);
		choice.chain = NULL;
	}
	return choice;
}

bool choose_could_be(const struct choice_context *context, const struct trust_rule *rule,
		     enum ike_auth auth, const struct store_own *own)
{
	bool is_fit = false;

	for (size_t m = 0; rule && m < rule->n_methods && !is_fit; m++) {
		struct choice choice = try(context, auth, own, rule->methods[m].ca);

		is_fit = choice.reason == IKE_REASON_OK;
		choice_clear(&choice);
	}
	return is_fit;
}

/* --- what the peer asked for -------------------------------------------------------------- */

static bool is_in_chain(STACK_OF(X509) *chain, struct bytes authority)
{
	X509_NAME *name;
	bool is_found = authority.len == 0;

	name = is_found ? NULL : name_from_der(authority);
	for (int i = 1; name && !is_found && i < sk_X509_num(chain); i++)
		is_found = X509_NAME_cmp(name,
					 X509_get_subject_name(sk_X509_value(chain, i))) == 0;
	X509_NAME_free(name);
	return is_found;
}

static bool is_wanted(STACK_OF(X509) *chain, const struct bytes *authorities, size_t n_authorities)
{
	for (size_t i = 0; i < n_authorities; i++)
		if (is_in_chain(chain, authorities[i]))
			return true;
	return false;
}

/* --- choosing ----------------------------------------------------------------------------- */

struct choice choose(const struct choice_context *context, const struct trust_rule *rule,
		     enum ike_auth auth, const struct bytes *authorities, size_t n_authorities)
{
	struct choice first = { .reason = IKE_REASON_NO_CERTIFICATE };
	size_t n_own = store_n_own(context->store);
	size_t n = rule ? rule->n_methods * n_own : 0;

	/* the CAs are the outer loop */
	for (size_t i = 0; i < n; i++) {
		struct choice choice = try(context, auth, store_own(context->store, i % n_own),
					   rule->methods[i / n_own].ca);

		if (choice.reason != IKE_REASON_OK) {
			if (!first.chain && is_further(choice.reason, first.reason))
				first.reason = choice.reason;
			continue;
		}
		if (!n_authorities || is_wanted(choice.chain, authorities, n_authorities)) {
			choice_clear(&first);
			return choice;
		}
		if (first.chain)
			choice_clear(&choice);
		else
			first = choice;
	}
	return first;
}
