// SPDX-License-Identifier: MIT
/*
 * For each certificate of a chain but the last, the newest CRL of its issuer counts:
 *
 *   leaf          revoked, if it is listed             (also when the CRL is out of date)
 *     | CRL       good, if it is not, and the CRL is in date
 *   issuer        unknown, else: then, if allowed, its distribution points are asked, one after
 *                 the other with each check, until the CRL is there or all have been asked
 *
 * X509_verify_cert() can check CRLs too, but hashes each CRL, which may have megabytes, for every
 * peer anew, and goes on with one whose signature is wrong when its callback forgives that. Here
 * a CRL's signature is verified once for an issuer, and a CRL that is not right is not there.
 */
#include "cred/crl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ike/crypto.h"

/* Of one certificate. */
#define POINTS_MAX 4

/* One CRL, and the certificate of the CA whose signature it carries, once that is known. */
struct crl {
	X509_CRL *crl;
	ISSUING_DIST_POINT *idp;	/* NULL: it is about everything */
	X509 *issuer;
};

struct place {
	char *url;
	bool is_asked;			/* fetch is under way */
	time_t asked_at;		/* 0: never */
	size_t len;
	struct crl crl;			/* crl.crl NULL: nothing came of it */
};

struct crls {
	struct crls_config config;
	struct crl *store;
	size_t n_store;
	struct place places[CRL_URLS_MAX];
	size_t n_places;
};

struct crls *crls_new(const struct crls_config *config)
{
	struct crls *crls = calloc(1, sizeof(*crls));

	if (crls)
		crls->config = *config;
	return crls;
}

static void crl_clear(struct crl *crl)
{
	X509_CRL_free(crl->crl);
	ISSUING_DIST_POINT_free(crl->idp);
	X509_free(crl->issuer);
	*crl = (struct crl){ 0 };
}

static void clear_store(struct crls *crls)
{
	for (size_t i = 0; i < crls->n_store; i++)
		crl_clear(&crls->store[i]);
	free(crls->store);
	crls->store = NULL;
	crls->n_store = 0;
}

static void place_clear(struct place *place)
{
	crl_clear(&place->crl);
	free(place->url);
	*place = (struct place){ 0 };
}

struct crls *crls_free(struct crls *crls)
{
	if (!crls)
		return NULL;
	clear_store(crls);
	for (size_t i = 0; i < crls->n_places; i++)
		place_clear(&crls->places[i]);
	free(crls);
	return NULL;
}

/* --- one CRL ------------------------------------------------------------------------------ */

/* A critical extension that is not understood could mean anything; deltas are not complete. */
static bool has_known_extensions(const X509_CRL *crl)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *ext = X509_CRL_get_ext(crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));

		if (nid == NID_delta_crl)
			return false;
		if (X509_EXTENSION_get_critical(ext) && nid != NID_issuing_distribution_point &&
		    nid != NID_crl_number && nid != NID_authority_key_identifier)
			return false;
	}
	return true;
}

/* CRLs about other CAs' certificates, about some reasons, about attributes: never of use. */
static bool is_usable_idp(const ISSUING_DIST_POINT *idp)
{
	return !idp->indirectCRL && !idp->onlysomereasons && !idp->onlyattr;
}

static bool has_weak_hash(const X509_CRL *crl)
{
	int hash = NID_undef;

	return OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &hash, NULL) &&
	       (hash == NID_md2 || hash == NID_md4 || hash == NID_md5);
}

/* Takes @crl over; -EINVAL when it is of no use. */
static int crl_make(X509_CRL *x509_crl, struct crl *ret_crl)
{
	struct crl crl = { .crl = x509_crl };
	int critical = -1;

	crl.idp = X509_CRL_get_ext_d2i(x509_crl, NID_issuing_distribution_point, &critical, NULL);
	/* -1: there is none; anything else without a result is one that cannot be read */
	if (!has_weak_hash(x509_crl) && has_known_extensions(x509_crl) &&
	    (crl.idp ? is_usable_idp(crl.idp) : critical == -1)) {
		*ret_crl = crl;
		return 0;
	}
	crl_clear(&crl);
	return -EINVAL;
}

static bool is_signed_by(struct crl *crl, X509 *issuer)
{
	if (crl->issuer && X509_cmp(crl->issuer, issuer) == 0)
		return true;
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl->crl), X509_get_subject_name(issuer)) != 0 ||
	    !(X509_get_key_usage(issuer) & KU_CRL_SIGN) ||
	    X509_CRL_verify(crl->crl, X509_get0_pubkey(issuer)) != 1)
		return false;
	X509_free(crl->issuer);
	crl->issuer = X509_up_ref(issuer) ? issuer : NULL;
	return true;
}

static bool has_name_of(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
		for (int k = 0; k < sk_GENERAL_NAME_num(b); k++)
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i),
					     sk_GENERAL_NAME_value(b, k)) == 0)
				return true;
	return false;
}

/* A CRL for one distribution point is about the certificates that name it. */
static bool is_at_point(const DIST_POINT_NAME *point, X509 *cert)
{
	CRL_DIST_POINTS *points;
	bool is_found = false;

	if (point->type != 0)
		return false;
	points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	for (int i = 0; !is_found && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *other = sk_DIST_POINT_value(points, i);

		is_found = other->distpoint && other->distpoint->type == 0 &&
			   has_name_of(point->name.fullname, other->distpoint->name.fullname);
	}
	CRL_DIST_POINTS_free(points);
	return is_found;
}

static bool is_about(const struct crl *crl, X509 *cert)
{
	bool is_ca = X509_check_ca(cert) != 0;

	if (!crl->idp)
		return true;
	if ((crl->idp->onlyuser > 0 && is_ca) || (crl->idp->onlyCA > 0 && !is_ca))
		return false;
	return !crl->idp->distpoint || is_at_point(crl->idp->distpoint, cert);
}

/* -1 before, 1 after; what cannot be read is in the future. */
static int compare_time(const ASN1_TIME *a, time_t now)
{
	int order = a ? X509_cmp_time(a, &now) : 0;

	return order ? order : 1;
}

static bool is_in_date(const X509_CRL *crl, time_t now)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

	return next && compare_time(next, now) > 0;
}

static bool is_newer(const X509_CRL *a, const X509_CRL *b)
{
	return !b || ASN1_TIME_compare(X509_CRL_get0_lastUpdate(a),
				       X509_CRL_get0_lastUpdate(b)) > 0;
}

static enum crl_status status_in(X509_CRL *crl, X509 *cert, time_t now)
{
	X509_REVOKED *entry = NULL;

	/* 2: listed to be removed from a delta, which is no revocation */
	if (X509_CRL_get0_by_cert(crl, &entry, cert) == 1)
		return CRL_STATUS_REVOKED;
	return is_in_date(crl, now) ? CRL_STATUS_GOOD : CRL_STATUS_UNKNOWN;
}

/* --- all CRLs ----------------------------------------------------------------------------- */

void crls_set_store(struct crls *crls, STACK_OF(X509_CRL) *store)
{
	int n = sk_X509_CRL_num(store);

	clear_store(crls);
	crls->store = n > 0 ? calloc((size_t)n, sizeof(*crls->store)) : NULL;
	for (int i = 0; crls->store && i < n; i++) {
		X509_CRL *crl = sk_X509_CRL_value(store, i);

		if (X509_CRL_up_ref(crl) && crl_make(crl, &crls->store[crls->n_store]) == 0)
			crls->n_store++;
	}
}

static void consider(struct crl *crl, X509 *cert, X509 *issuer, time_t now, X509_CRL **newest)
{
	if (crl->crl && is_about(crl, cert) && is_signed_by(crl, issuer) &&
	    compare_time(X509_CRL_get0_lastUpdate(crl->crl), now) < 0 &&
	    is_newer(crl->crl, *newest))
		*newest = crl->crl;
}

static enum crl_status status_of(struct crls *crls, X509 *cert, X509 *issuer, time_t now)
{
	X509_CRL *newest = NULL;

	for (size_t i = 0; i < crls->n_store; i++)
		consider(&crls->store[i], cert, issuer, now, &newest);
	for (size_t i = 0; i < crls->n_places; i++)
		consider(&crls->places[i].crl, cert, issuer, now, &newest);
	return newest ? status_in(newest, cert, now) : CRL_STATUS_UNKNOWN;
}

/* --- places ------------------------------------------------------------------------------- */

static struct place *find_place(struct crls *crls, const char *url)
{
	for (size_t i = 0; i < crls->n_places; i++)
		if (!strcmp(crls->places[i].url, url))
			return &crls->places[i];
	return NULL;
}

/* The one whose loss costs least: asked longest ago. NULL: all are being asked. */
static struct place *oldest_place(struct crls *crls)
{
	struct place *oldest = NULL;

	for (size_t i = 0; i < crls->n_places; i++) {
		struct place *place = &crls->places[i];

		if (!place->is_asked && (!oldest || place->asked_at < oldest->asked_at))
			oldest = place;
	}
	return oldest;
}

static struct place *make_place(struct crls *crls, const char *url)
{
	struct place *place;

	if (crls->n_places < CRL_URLS_MAX) {
		place = &crls->places[crls->n_places];
	} else {
		place = oldest_place(crls);
		if (!place)
			return NULL;
		place_clear(place);
	}
	place->url = strdup(url);
	if (!place->url) {
		/* a place without a name must not stay in the middle */
		if (place != &crls->places[crls->n_places]) {
			*place = crls->places[--crls->n_places];
			crls->places[crls->n_places] = (struct place){ 0 };
		}
		return NULL;
	}
	if (place == &crls->places[crls->n_places])
		crls->n_places++;
	return place;
}

/* True if @url is being asked, perhaps since now. */
static bool ask(struct crls *crls, const char *url, time_t now)
{
	struct place *place = find_place(crls, url);

	if (place && place->is_asked)
		return true;
	if (place && place->asked_at && now >= place->asked_at &&
	    now < place->asked_at + CRL_ASK_AGAIN_SECONDS)
		return false;
	if (!place)
		place = make_place(crls, url);
	if (!place)
		return false;
	place->asked_at = now;
	place->is_asked = crls->config.fetch(crls->config.userdata, url) >= 0;
	return place->is_asked;
}

/* Scheme and characters; the address behind it is judged by who fetches. */
static bool is_url(const ASN1_IA5STRING *string, char ret_url[static CRL_URL_MAX_LEN + 1])
{
	const unsigned char *data = ASN1_STRING_get0_data(string);
	int len = ASN1_STRING_length(string);

	if (len <= 0 || len > CRL_URL_MAX_LEN)
		return false;
	for (int i = 0; i < len; i++)
		if (data[i] <= ' ' || data[i] >= 0x7f)
			return false;
	memcpy(ret_url, data, (size_t)len);
	ret_url[len] = '\0';
	return !strncasecmp(ret_url, "http://", 7) || !strncasecmp(ret_url, "ldap://", 7);
}

/* One after the other: a second place is for when the first had nothing. */
static bool ask_point(struct crls *crls, const DIST_POINT *point, time_t now, int *n_asked)
{
	char url[CRL_URL_MAX_LEN + 1];
	GENERAL_NAMES *names;

	/* CRLs of another issuer, or for some reasons, are not used */
	if (!point->distpoint || point->distpoint->type != 0 || point->CRLissuer || point->reasons)
		return false;
	names = point->distpoint->name.fullname;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_URI || !is_url(name->d.uniformResourceIdentifier, url) ||
		    ++*n_asked > POINTS_MAX)
			continue;
		if (ask(crls, url, now))
			return true;
	}
	return false;
}

static bool ask_points(struct crls *crls, X509 *cert, time_t now)
{
	CRL_DIST_POINTS *points = NULL;
	bool is_waiting = false;
	int n_asked = 0;

	if (crls->config.fetch)
		points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	for (int i = 0; !is_waiting && i < sk_DIST_POINT_num(points); i++)
		is_waiting = ask_point(crls, sk_DIST_POINT_value(points, i), now, &n_asked);
	CRL_DIST_POINTS_free(points);
	return is_waiting;
}

/* --- what came of it ---------------------------------------------------------------------- */

static X509_CRL *parse(struct bytes data)
{
	X509_CRL *crl = X509_CRL_new_ex(crypto_context(), NULL);
	const unsigned char *at = data.data;

	if (!crl || data.len > LONG_MAX || !d2i_X509_CRL(&crl, &at, (long)data.len)) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	ERR_clear_error();
	return crl;
}

static void make_room(struct crls *crls, size_t len)
{
	size_t sum = len;

	for (size_t i = 0; i < crls->n_places; i++)
		sum += crls->places[i].len;
	while (sum > CRL_FETCHED_MAX_LEN) {
		struct place *victim = NULL;

		for (size_t i = 0; i < crls->n_places; i++) {
			struct place *place = &crls->places[i];

			if (place->len && (!victim || place->asked_at < victim->asked_at))
				victim = place;
		}
		if (!victim)
			return;
		sum -= victim->len;
		victim->len = 0;
		crl_clear(&victim->crl);
	}
}

void crls_fetched(struct crls *crls, const char *url, int error, struct bytes der)
{
	struct place *place = find_place(crls, url);
	X509_CRL *crl;

	if (!place)
		return;
	place->is_asked = false;
	crl = error ? NULL : parse(der);
	if (!crl)
		return;		/* the one before, if there was one, is better than none */
	place->len = 0;
	crl_clear(&place->crl);
	make_room(crls, der.len);
	if (crl_make(crl, &place->crl) == 0)
		place->len = der.len;
}

/* --- a chain ------------------------------------------------------------------------------ */

struct crl_verdict crls_check(struct crls *crls, STACK_OF(X509) *chain, time_t now, bool may_fetch)
{
	struct crl_verdict verdict = { CRL_STATUS_GOOD, false, "not revoked" };

	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);
		enum crl_status status = status_of(crls, cert, sk_X509_value(chain, i + 1), now);

		if (status == CRL_STATUS_REVOKED)
			return (struct crl_verdict){ status, false,
						     i ? "a CA in the chain has been revoked" :
							 "the certificate has been revoked" };
		if (status == CRL_STATUS_GOOD)
			continue;
		verdict.status = CRL_STATUS_UNKNOWN;
		verdict.text = "no CRL in force says whether it has been revoked";
		if (may_fetch && ask_points(crls, cert, now))
			verdict.is_waiting = true;
	}
	ERR_clear_error();
	return verdict;
}
