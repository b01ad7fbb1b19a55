// SPDX-License-Identifier: MIT
#include "cred/proof.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "cred/chain.h"
#include "cred/identity.h"
#include "cred/name.h"
#include "cred/signature.h"
#include "cred/trust.h"
#include "ike/crypto.h"

/* From all CERT payloads together, those in PKCS #7 included. */
#define CERTS_MAX 16

/* --- the peer's certificates -------------------------------------------------------------- */

/* Takes @cert over. */
static void keep(STACK_OF(X509) *certs, X509 *cert)
{
	if (sk_X509_num(certs) >= CERTS_MAX || !sk_X509_push(certs, cert))
		X509_free(cert);
}

static void add_x509(STACK_OF(X509) *certs, struct bytes der)
{
	X509 *cert = X509_new_ex(crypto_context(), NULL);
	const unsigned char *at = der.data;

	if (!cert || !d2i_X509(&cert, &at, (long)der.len) || at != der.data + der.len) {
		X509_free(cert);
		return;
	}
	keep(certs, cert);
}

/*
 * Only the certificates of a signed-data object count. Each is parsed again, so that it belongs to
 * our library context.
 */
static void add_pkcs7(STACK_OF(X509) *certs, struct bytes der)
{
	const unsigned char *at = der.data;
	PKCS7 *pkcs7 = d2i_PKCS7(NULL, &at, (long)der.len);
	STACK_OF(X509) *inside = NULL;

	if (pkcs7 && PKCS7_type_is_signed(pkcs7) && pkcs7->d.sign)
		inside = pkcs7->d.sign->cert;
	for (int i = 0; i < sk_X509_num(inside) && i < CERTS_MAX; i++) {
		_cleanup_free_ unsigned char *copy = NULL;
		X509 *cert = sk_X509_value(inside, i);
		int len = i2d_X509(cert, NULL);
		unsigned char *to;

		copy = len > 0 && len <= IKE_CERT_MAX_LEN ? malloc((size_t)len) : NULL;
		if (!copy)
			continue;
		to = copy;
		(void)i2d_X509(cert, &to);
		add_x509(certs, (struct bytes){ copy, (size_t)len });
	}
	PKCS7_free(pkcs7);
}

/*
 * CRLs that the peer sends are not looked at: an old one, from before its certificate was revoked,
 * would be in date.
 */
static STACK_OF(X509) *certs_of(const struct ike_proof_request *request)
{
	STACK_OF(X509) *certs = sk_X509_new_null();

	for (size_t i = 0; certs && i < request->n_certs; i++) {
		const struct ike_peer_cert *from = &request->certs[i];

		if (!from->der.len || from->der.len > IKE_CERT_MAX_LEN)
			continue;
		if (from->encoding == IKE_CERT_X509_SIGNATURE)
			add_x509(certs, from->der);
		else if (from->encoding == IKE_CERT_PKCS7)
			add_pkcs7(certs, from->der);
	}
	ERR_clear_error();
	return certs;
}

/* --- one of them -------------------------------------------------------------------------- */

static enum ike_reason reason_of(enum chain_result result)
{
	switch (result) {
	case CHAIN_GOOD:
		return IKE_REASON_OK;
	case CHAIN_NO_ANCHOR:
		return IKE_REASON_NOT_IN_POLICY;
	case CHAIN_NOT_VALID_NOW:
	case CHAIN_BAD:
		return IKE_REASON_NO_PEER_CERTIFICATE;
	case CHAIN_WEAK:
		return IKE_REASON_KEY_TOO_SHORT;
	}
	return IKE_REASON_NO_PEER_CERTIFICATE;
}

static void fail(struct proof *proof, enum ike_reason reason, const char *detail)
{
	proof->reason = reason;
	proof->detail = detail;
}

/* Under the first CA of the rule that takes it; else what the one said that came further. */
static void build_chain(struct proof *proof, X509 *leaf, const struct trust_rule *rule,
			STACK_OF(X509) *untrusted, time_t now)
{
	fail(proof, IKE_REASON_NOT_IN_POLICY, "the rule names no CA whose certificate is here");
	for (size_t m = 0; m < rule->n_methods; m++) {
		struct chain_failure failure = chain_build(leaf, rule->methods[m].ca->anchors,
							   untrusted, now, &proof->chain);

		if (failure.result == CHAIN_GOOD) {
			fail(proof, IKE_REASON_OK, "");
			return;
		}
		if (proof->reason == IKE_REASON_NOT_IN_POLICY)
			fail(proof, reason_of(failure.result), failure.text);
	}
}

static const char *key_detail(enum ike_reason reason)
{
	return reason == IKE_REASON_KEY_TOO_SHORT ? "less than 1024 bits" :
	       reason == IKE_REASON_CERT_TYPE ? "its key is not for the method that was agreed on" :
						"its public key cannot be used";
}

/* The cheap tests first; none of them depends on what an earlier certificate said. */
static void judge(struct proof *proof, X509 *leaf, const struct trust_rule *rule,
		  STACK_OF(X509) *untrusted, const struct ike_proof_request *request, time_t now)
{
	EVP_PKEY *key = X509_get0_pubkey(leaf);
	enum ike_reason reason = signature_check_key(key, request->auth);

	if (reason != IKE_REASON_OK) {
		fail(proof, reason, key_detail(reason));
		return;
	}
	if (!chain_may_sign(leaf)) {
		fail(proof, IKE_REASON_KEY_USAGE, "its key usage has no digital signature");
		return;
	}
	build_chain(proof, leaf, rule, untrusted, now);
	if (proof->reason != IKE_REASON_OK)
		return;
	reason = signature_verify(key, request->auth,
				  (struct bytes){ request->hash, request->hash_len },
				  request->signature);
	if (reason != IKE_REASON_OK)
		fail(proof, reason, "the signature is not by the key in its certificate");
}

static void take_names(struct proof *proof, X509 *leaf)
{
	int n = proof->chain ? sk_X509_num(proof->chain) : 0;

	free(proof->name);
	proof->name = name_to_text(X509_get_subject_name(leaf));
	if (n)
		proof->authority = name_to_text(X509_get_subject_name(sk_X509_value(proof->chain,
										   n - 1)));
	if (!proof->name || (n && !proof->authority))
		fail(proof, IKE_REASON_NO_MEMORY, "");
}

/* --- the whole ---------------------------------------------------------------------------- */

static void drop_chain(struct proof *proof)
{
	if (proof->reason == IKE_REASON_OK)
		return;
	sk_X509_pop_free(proof->chain, X509_free);
	proof->chain = NULL;
}

void proof_clear(struct proof *proof)
{
	sk_X509_pop_free(proof->chain, X509_free);
	free(proof->name);
	free(proof->authority);
	*proof = (struct proof){ 0 };
}

/* Each certificate that is about the identity has its chance: a peer may send an old one too. */
static void try_each(struct proof *proof, STACK_OF(X509) *certs, STACK_OF(X509) *untrusted,
		     const struct trust_rule *rule, const struct ike_proof_request *request,
		     time_t now)
{
	for (int i = 0; i < sk_X509_num(certs) && proof->reason != IKE_REASON_OK; i++) {
		X509 *leaf = sk_X509_value(certs, i);

		if (!identity_matches(leaf, request->id_type, request->id))
			continue;
		judge(proof, leaf, rule, untrusted, request, now);
		take_names(proof, leaf);
		drop_chain(proof);
	}
}

static STACK_OF(X509) *join(STACK_OF(X509) *certs, STACK_OF(X509) *more)
{
	STACK_OF(X509) *all = sk_X509_dup(certs);

	for (int i = 0; all && i < sk_X509_num(more); i++)
		(void)sk_X509_push(all, sk_X509_value(more, i));
	return all;
}

struct proof proof_make(const struct trust_rule *rule, STACK_OF(X509) *store_intermediates,
			const struct ike_proof_request *request, time_t now)
{
	struct proof proof = { IKE_REASON_CREDENTIALS,
			       "its certificate is about another identity", NULL, NULL, NULL };
	STACK_OF(X509) *certs = certs_of(request);
	STACK_OF(X509) *untrusted = certs ? join(certs, store_intermediates) : NULL;

	if (!untrusted)
		fail(&proof, IKE_REASON_NO_MEMORY, "");
	else if (!rule || !rule->n_methods)
		fail(&proof, IKE_REASON_NOT_IN_POLICY, "the rule has no method with certificates");
	else if (!sk_X509_num(certs))
		fail(&proof, IKE_REASON_NO_PEER_CERTIFICATE, "it sent no certificate that can be read");
	else
		try_each(&proof, certs, untrusted, rule, request, now);
	sk_X509_free(untrusted);
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	return proof;
}

bool proof_check_crls(struct proof *proof, struct crls *crls, enum crl_check level, time_t now,
		      bool may_wait)
{
	struct crl_verdict verdict;

	if (proof->reason != IKE_REASON_OK || level == CRL_CHECK_NONE)
		return false;
	verdict = crls_check(crls, proof->chain, now, may_wait);
	if (verdict.is_waiting)
		return true;
	if (verdict.status == CRL_STATUS_REVOKED ||
	    (verdict.status == CRL_STATUS_UNKNOWN && level == CRL_CHECK_STRONG)) {
		fail(proof, IKE_REASON_PEER_CRL, verdict.text);
		drop_chain(proof);
	}
	return false;
}
