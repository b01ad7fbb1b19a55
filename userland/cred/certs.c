// SPDX-License-Identifier: MIT
/*
 * A proof that needs CRLs which are not here:
 *
 *   certs_prove --- signature, chain, identity: wrong ---> refused at once
 *                         |
 *                       right --- CRLs known -----------> answered at once
 *                         |
 *                       not known: fetches begin, it waits
 *                         |
 *          one has come --+-- all known or failed ------> answered
 *                         +-- the time is over ---------> answered with what is known
 *                         +-- rules or store changed ---> refused: the peer tries again
 */
#include "cred/certs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "cred/choose.h"
#include "cred/crl.h"
#include "cred/fetch.h"
#include "cred/files.h"
#include "cred/name.h"
#include "cred/proof.h"
#include "cred/signature.h"
#include "cred/store.h"
#include "cred/trust.h"
#include "ike/crypto.h"
#include "link/messages.h"

struct waiting {
	struct waiting *next;
	struct certs *certs;
	struct proof proof;
	sd_event_source *timer;
	certs_proof_fn callback;
	void *userdata;
};

struct certs {
	struct certs_config config;
	sd_event *event;
	struct files *files;
	struct fetch *fetch;
	struct store *store;
	struct trust *trust;		/* NULL: no rules yet */
	struct crls *crls;
	enum crl_check crl_check;
	struct waiting *waiting;
	size_t n_waiting;
	bool is_loaded;
};

static struct choice_context context_of(const struct certs *certs)
{
	return (struct choice_context){ certs->store, certs->crls, certs->crl_check, time(NULL) };
}

/* --- bytes for answers -------------------------------------------------------------------- */

/* The caller's; empty without memory. */
static struct bytes encode_cert(X509 *cert)
{
	struct bytes der = { 0 };
	uint8_t *at, *copy;
	int len = i2d_X509(cert, NULL);

	copy = len > 0 ? malloc((size_t)len) : NULL;
	if (!copy)
		return der;
	at = copy;
	(void)i2d_X509(cert, &at);
	return (struct bytes){ copy, (size_t)len };
}

static struct bytes copy_name(const X509_NAME *name)
{
	const unsigned char *data = NULL;
	uint8_t *copy;
	size_t len = 0;

	if (!X509_NAME_get0_der(name, &data, &len) || !len)
		return (struct bytes){ 0 };
	copy = malloc(len);
	if (copy)
		memcpy(copy, data, len);
	return (struct bytes){ copy, copy ? len : 0 };
}

static void free_list(struct bytes *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((void *)list[i].data);
	free(list);
}

/* --- authorities -------------------------------------------------------------------------- */

static bool has_name(const struct ike_authorities *authorities, struct bytes name)
{
	for (size_t i = 0; i < authorities->n_names; i++)
		if (bytes_is_equal(authorities->names[i], name))
			return true;
	return false;
}

static void add_authority(struct ike_authorities *authorities, const X509_NAME *name)
{
	struct bytes der = copy_name(name);

	if (!der.len || der.len > IKE_AUTHORITY_MAX_LEN || has_name(authorities, der) ||
	    authorities->n_names == IKE_AUTHORITIES_MAX) {
		free((void *)der.data);
		return;
	}
	authorities->names[authorities->n_names++] = der;
}

/* A CA whose certificate is not here could not vouch for anybody. */
void certs_authorities(const struct certs *certs, const struct ike_authorities_request *request,
		       struct ike_authorities *ret_authorities)
{
	const struct trust_rule *rule = trust_find(certs->trust, &request->path);
	struct ike_authorities authorities = {
		.names = calloc(IKE_AUTHORITIES_MAX, sizeof(struct bytes)),
	};

	for (size_t m = 0; rule && authorities.names && m < rule->n_methods; m++) {
		STACK_OF(X509) *anchors = rule->methods[m].ca->anchors;

		if (!rule->methods[m].is_excluded && sk_X509_num(anchors) > 0)
			add_authority(&authorities,
				      X509_get_subject_name(sk_X509_value(anchors, 0)));
	}
	*ret_authorities = authorities;
}

void certs_authorities_clear(struct ike_authorities *authorities)
{
	free_list(authorities->names, authorities->n_names);
	*authorities = (struct ike_authorities){ 0 };
}

/* --- our certificate ---------------------------------------------------------------------- */

/* Leaf first, without the anchor. -ENOMEM; -EMSGSIZE: a certificate that is too large to be sent. */
static int fill_chain(STACK_OF(X509) *chain, struct ike_certificate *certificate)
{
	size_t n = (size_t)sk_X509_num(chain) - 1;

	if (n > IKE_CERTS_MAX)
		return -EMSGSIZE;
	certificate->chain = calloc(n, sizeof(*certificate->chain));
	if (!certificate->chain)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct bytes der = encode_cert(sk_X509_value(chain, (int)i));

		if (!der.len)
			return -ENOMEM;
		certificate->chain[certificate->n_chain++] = der;
		if (der.len > IKE_CERT_MAX_LEN)
			return -EMSGSIZE;
	}
	return 0;
}

static enum ike_reason fill(const struct choice *choice, struct ike_certificate *certificate)
{
	int r = fill_chain(choice->chain, certificate);

	if (r < 0)
		return r == -ENOMEM ? IKE_REASON_NO_MEMORY : IKE_REASON_NO_CERTIFICATE;
	memcpy(certificate->fingerprint, choice->own->fingerprint, IKE_FINGERPRINT_LEN);
	certificate->fingerprint_len = IKE_FINGERPRINT_LEN;
	certificate->subject = copy_name(X509_get_subject_name(choice->own->cert));
	certificate->name = name_to_text(X509_get_subject_name(choice->own->cert));
	if (!certificate->name || !certificate->subject.len)
		return IKE_REASON_NO_MEMORY;
	return certificate->subject.len > IKE_ID_MAX_LEN ? IKE_REASON_NO_CERTIFICATE :
							   IKE_REASON_OK;
}

void certs_choose(const struct certs *certs, const struct ike_certificate_request *request,
		  struct ike_certificate *ret_certificate)
{
	const struct trust_rule *rule = trust_find(certs->trust, &request->path);
	const struct choice_context context = context_of(certs);
	struct choice choice = choose(&context, rule, request->auth, request->authorities,
				      request->n_authorities);
	struct ike_certificate certificate = { .reason = choice.reason };

	if (choice.reason == IKE_REASON_OK)
		certificate.reason = fill(&choice, &certificate);
	choice_clear(&choice);
	if (certificate.reason != IKE_REASON_OK) {
		enum ike_reason reason = certificate.reason;

		certs_certificate_clear(&certificate);
		certificate.reason = reason;
		certificate.name = strdup("");
	}
	*ret_certificate = certificate;
}

void certs_certificate_clear(struct ike_certificate *certificate)
{
	free_list(certificate->chain, certificate->n_chain);
	free((void *)certificate->subject.data);
	free(certificate->name);
	*certificate = (struct ike_certificate){ 0 };
}

/* --- our signature ------------------------------------------------------------------------ */

void certs_sign(const struct certs *certs, const struct ike_signature_request *request,
		struct ike_signature *ret_signature)
{
	const struct trust_rule *rule = trust_find(certs->trust, &request->path);
	const struct store_own *own = store_find_own(certs->store, request->fingerprint);
	const struct choice_context context = context_of(certs);
	struct ike_signature signature = { .reason = IKE_REASON_NO_CERTIFICATE };

	/* only what the rule for these two would have been answered with signs for them */
	if (own && own->key && choose_could_be(&context, rule, request->auth, own) &&
	    signature_make(own->key, request->auth,
			   (struct bytes){ request->hash, request->hash_len }, &signature) < 0)
		signature.reason = IKE_REASON_SIGNATURE;
	*ret_signature = signature;
}

/* --- proofs ------------------------------------------------------------------------------- */

static void answer(const struct proof *proof, certs_proof_fn callback, void *userdata)
{
	char detail[LINK_TEXT_MAX_LEN + 1];
	const struct ike_proof result = {
		.reason = proof->reason,
		.name = proof->name ? proof->name : (char *)"",
		.authority = proof->authority && proof->reason == IKE_REASON_OK ?
			     proof->authority : (char *)"",
		.detail = detail,
	};

	(void)snprintf(detail, sizeof(detail), "%s", proof->detail);
	callback(userdata, &result);
}

static void finish(struct waiting *waiting)
{
	struct waiting **place = &waiting->certs->waiting;

	while (*place != waiting)
		place = &(*place)->next;
	*place = waiting->next;
	waiting->certs->n_waiting--;
	answer(&waiting->proof, waiting->callback, waiting->userdata);
	proof_clear(&waiting->proof);
	(void)sd_event_source_disable_unref(waiting->timer);
	free(waiting);
}

static int on_time_is_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct waiting *waiting = userdata;
	const struct certs *certs = waiting->certs;

	(void)source;
	(void)usec;
	(void)proof_check_crls(&waiting->proof, certs->crls, certs->crl_check, time(NULL), false);
	finish(waiting);
	return 0;
}

/* Takes @proof over. -EAGAIN: too many wait. */
static int wait_for_crls(struct certs *certs, struct proof *proof, certs_proof_fn callback,
			 void *userdata)
{
	struct waiting *waiting;
	int r;

	if (certs->n_waiting == CERTS_WAITING_MAX)
		return -EAGAIN;
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	r = sd_event_add_time_relative(certs->event, &waiting->timer, CLOCK_MONOTONIC,
				       CERTS_WAIT_MS * UINT64_C(1000), 0, on_time_is_over, waiting);
	if (r < 0) {
		free(waiting);
		return r;
	}
	waiting->certs = certs;
	waiting->proof = *proof;
	waiting->callback = callback;
	waiting->userdata = userdata;
	waiting->next = certs->waiting;
	certs->waiting = waiting;
	certs->n_waiting++;
	return 0;
}

static void refuse(struct proof *proof, enum ike_reason reason, const char *detail)
{
	proof->reason = reason;
	proof->detail = detail;
}

void certs_prove(struct certs *certs, const struct ike_proof_request *request,
		 certs_proof_fn callback, void *userdata)
{
	const struct trust_rule *rule = trust_find(certs->trust, &request->path);
	time_t now = time(NULL);
	struct proof proof = proof_make(rule, store_intermediates(certs->store), request, now);

	if (proof_check_crls(&proof, certs->crls, certs->crl_check, now, true)) {
		if (wait_for_crls(certs, &proof, callback, userdata) == 0)
			return;
		refuse(&proof, IKE_REASON_PEER_CRL, "too many wait for CRLs already");
	}
	answer(&proof, callback, userdata);
	proof_clear(&proof);
}

/* Any of them may be what a proof waits for; a proof that ends may begin nothing. */
static void look_again(struct certs *certs)
{
	struct waiting *next;

	for (struct waiting *waiting = certs->waiting; waiting; waiting = next) {
		next = waiting->next;
		if (!proof_check_crls(&waiting->proof, certs->crls, certs->crl_check, time(NULL),
				      true))
			finish(waiting);
	}
}

/* What was proved was proved to others than those whom the rules trust now. */
static void refuse_all(struct certs *certs)
{
	while (certs->waiting) {
		refuse(&certs->waiting->proof, IKE_REASON_POLICY_CHANGE,
		       "rules or certificates have changed meanwhile");
		finish(certs->waiting);
	}
}

/* --- CRLs --------------------------------------------------------------------------------- */

static int begin_fetch(void *userdata, const char *url)
{
	struct certs *certs = userdata;

	return fetch_begin(certs->fetch, url);
}

static void on_fetched(void *userdata, const char *url, int error, struct bytes data)
{
	struct certs *certs = userdata;

	crls_fetched(certs->crls, url, error, data);
	look_again(certs);
}

/* --- rules and store ---------------------------------------------------------------------- */

int certs_set_rules(struct certs *certs, const struct link_credentials *list)
{
	struct trust *trust = trust_new(list);

	if (!trust)
		return -ENOMEM;
	refuse_all(certs);
	(void)trust_free(certs->trust);
	certs->trust = trust;
	certs->crl_check = list->crl_check <= CRL_CHECK_STRONG ? list->crl_check : CRL_CHECK_STRONG;
	trust_resolve(trust, certs->store);
	if (certs->is_loaded)
		trust_complain(trust);
	return 0;
}

static void on_loaded(void *userdata, struct store *store)
{
	struct certs *certs = userdata;

	refuse_all(certs);
	crls_set_store(certs->crls, store_crls(store));
	if (certs->trust)
		trust_resolve(certs->trust, store);
	(void)store_free(certs->store);
	certs->store = store;
	certs->is_loaded = true;
	if (certs->trust)
		trust_complain(certs->trust);
	certs->config.changed(certs->config.userdata);
}

static uint8_t usable(const struct choice_context *context, const struct trust_rule *rule)
{
	static const enum ike_auth kinds[] = { IKE_AUTH_RSA_SIG, IKE_AUTH_ECDSA_256,
					       IKE_AUTH_ECDSA_384 };
	uint8_t bits = 0;

	for (size_t i = 0; rule->n_methods && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct choice choice = choose(context, rule, kinds[i], NULL, 0);

		if (choice.reason == IKE_REASON_OK)
			bits |= (uint8_t)(1 << kinds[i]);
		choice_clear(&choice);
	}
	return bits;
}

static bool has_same_cas(const struct trust_rule *a, const struct trust_rule *b)
{
	if (a->n_methods != b->n_methods)
		return false;
	for (size_t m = 0; m < a->n_methods; m++)
		if (a->methods[m].ca != b->methods[m].ca)
			return false;
	return true;
}

/* Most rules of a long list name the same CAs as the one before. */
void certs_usable(const struct certs *certs, uint8_t *ret_usable, size_t n)
{
	const struct choice_context context = context_of(certs);

	memset(ret_usable, 0, n);
	for (size_t i = 0; certs->trust && i < n && i < trust_n_rules(certs->trust); i++) {
		const struct trust_rule *rule = trust_rule(certs->trust, i);

		ret_usable[i] = i && has_same_cas(rule, trust_rule(certs->trust, i - 1)) ?
				ret_usable[i - 1] : usable(&context, rule);
	}
}

bool certs_is_loaded(const struct certs *certs)
{
	return certs->is_loaded;
}

void certs_read_again(struct certs *certs)
{
	if (certs->files)
		files_read_again(certs->files);
}

/* --- life --------------------------------------------------------------------------------- */

struct certs *certs_free(struct certs *certs)
{
	if (!certs)
		return NULL;
	refuse_all(certs);
	(void)files_free(certs->files);
	(void)fetch_free(certs->fetch);
	(void)trust_free(certs->trust);
	(void)crls_free(certs->crls);
	(void)store_free(certs->store);
	sd_event_unref(certs->event);
	free(certs);
	return NULL;
}

static int start_helpers(struct certs *certs, const struct certs_config *config)
{
	const struct files_config files = {
		.dir = config->dir,
		.user = config->opener_user,
		.uid = config->uid,
		.gid = config->gid,
		.loaded = on_loaded,
		.userdata = certs,
	};
	const struct fetch_config fetch = {
		.user = config->fetch_user,
		.guard = config->guard,
		.done = on_fetched,
		.userdata = certs,
	};
	int r;

	if (!config->dir) {
		certs->is_loaded = true;
		return 0;
	}
	r = files_new(certs->event, &files, &certs->files);
	return r < 0 ? r : fetch_new(certs->event, &fetch, &certs->fetch);
}

int certs_new(sd_event *event, const struct certs_config *config, struct certs **ret_certs)
{
	_cleanup_(certs_freep) struct certs *certs = calloc(1, sizeof(*certs));
	const struct crls_config crls = { .fetch = config->dir ? begin_fetch : NULL,
					  .userdata = certs };
	int r;

	if (!certs)
		return -ENOMEM;
	certs->config = *config;
	certs->event = sd_event_ref(event);
	certs->crl_check = CRL_CHECK_KNOWN;
	/* the helpers first: they have what this process has by then */
	r = start_helpers(certs, config);
	if (r == 0)
		r = crypto_init();
	if (r < 0)
		return r;
	certs->store = store_new();
	certs->crls = crls_new(&crls);
	if (!certs->store || !certs->crls)
		return -ENOMEM;
	*ret_certs = TAKE_PTR(certs);
	return 0;
}
