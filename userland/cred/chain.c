// SPDX-License-Identifier: MIT
#include "cred/chain.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "cred/signature.h"
#include "ike/crypto.h"

/* --- what OpenSSL says -------------------------------------------------------------------- */

static enum chain_result result_of(int error)
{
	switch (error) {
	case X509_V_OK:
		return CHAIN_GOOD;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
	case X509_V_ERR_CERT_UNTRUSTED:
		return CHAIN_NO_ANCHOR;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CHAIN_NOT_VALID_NOW;
	default:
		return CHAIN_BAD;
	}
}

/* Collisions in these are made in seconds. The anchor is trusted whatever its signature is. */
static bool has_weak_hash(X509 *cert)
{
	int hash = NID_undef;

	if (!X509_get_signature_info(cert, &hash, NULL, NULL, NULL))
		return false;		/* algorithms that have no hash of their own */
	return hash == NID_md2 || hash == NID_md4 || hash == NID_md5;
}

static struct chain_failure check_strength(STACK_OF(X509) *chain)
{
	int n = sk_X509_num(chain);

	for (int i = 0; i < n; i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (i < n - 1 && has_weak_hash(cert))
			return (struct chain_failure){ CHAIN_WEAK, "signed over MD5 or older" };
		/* the leaf's key is judged by what it is to be used for */
		if (i && signature_check_ca_key(X509_get0_pubkey(cert)) != IKE_REASON_OK)
			return (struct chain_failure){ CHAIN_WEAK, "a CA's key is too weak" };
	}
	return (struct chain_failure){ CHAIN_GOOD, "" };
}

/* --- building ----------------------------------------------------------------------------- */

static X509_STORE *store_of(STACK_OF(X509) *anchors)
{
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; store && i < sk_X509_num(anchors); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(anchors, i)))
			continue;
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

static struct chain_failure verify(X509_STORE_CTX *ctx, time_t now)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	int error;

	/* an anchor may be an intermediate: the rule's word is enough */
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	/* counts what is between leaf and anchor */
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX - 2);
	X509_VERIFY_PARAM_set_time(param, now);
	(void)X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	return (struct chain_failure){ result_of(error), X509_verify_cert_error_string(error) };
}

struct chain_failure chain_build(X509 *leaf, STACK_OF(X509) *anchors, STACK_OF(X509) *untrusted,
				 time_t now, STACK_OF(X509) **ret_chain)
{
	struct chain_failure failure = { CHAIN_BAD, "out of memory" };
	X509_STORE *store = store_of(anchors);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(crypto_context(), NULL);
	STACK_OF(X509) *chain = NULL;

	ERR_clear_error();
	if (store && ctx && X509_STORE_CTX_init(ctx, store, leaf, untrusted))
		failure = verify(ctx, now);
	if (failure.result == CHAIN_GOOD)
		chain = X509_STORE_CTX_get1_chain(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	if (!chain)
		return failure;
	failure = check_strength(chain);
	if (failure.result == CHAIN_GOOD)
		*ret_chain = chain;
	else
		sk_X509_pop_free(chain, X509_free);
	return failure;
}

bool chain_may_sign(X509 *leaf)
{
	/* all bits when the extension is absent */
	return (X509_get_key_usage(leaf) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}
