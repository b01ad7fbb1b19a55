/* SPDX-License-Identifier: MIT */
#ifndef CRED_CRL_H
#define CRED_CRL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/cleanup.h"

/*
 * What is known about revocation: the CRLs of the store, and those fetched from where certificates
 * say that they are, kept until they expire.
 */
struct crls;

/* StrongCrlCheck */
enum crl_check {
	CRL_CHECK_NONE,
	CRL_CHECK_KNOWN,	/* fail if it is known to be revoked */
	CRL_CHECK_STRONG,	/* fail unless it is known not to be */
};

enum crl_status {
	CRL_STATUS_GOOD,
	CRL_STATUS_REVOKED,
	CRL_STATUS_UNKNOWN,
};

#define CRL_URL_MAX_LEN 1024
#define CRL_URLS_MAX 256		/* that are remembered */
#define CRL_FETCHED_MAX_LEN (64 << 20)	/* all CRLs that were fetched */
/* Nobody is asked again before, whatever came of it. */
#define CRL_ASK_AGAIN_SECONDS 60

struct crls_config {
	/* Begins to fetch; crls_fetched() follows, once, later. Negative: it cannot. NULL: never. */
	int (*fetch)(void *userdata, const char *url);
	void *userdata;
};

/* NULL without memory. */
struct crls *crls_new(const struct crls_config *config);
struct crls *crls_free(struct crls *crls);
DEFINE_CLEANUP(struct crls *, crls_free);

/* In place of the ones before; takes references. */
void crls_set_store(struct crls *crls, STACK_OF(X509_CRL) *store);
/* @error 0: @der is what came from @url. Else a negative errno. */
void crls_fetched(struct crls *crls, const char *url, int error, struct bytes der);

struct crl_verdict {
	enum crl_status status;		/* of the worst certificate */
	bool is_waiting;		/* UNKNOWN, but a fetch is under way that may change it */
	const char *text;		/* what is known, for people; a constant */
};

/*
 * @chain has been verified, anchor last; the anchor itself is not looked up. @may_fetch: begin to
 * fetch what is missing. That is for chains of peers who have proved to have the key: others could
 * have us ask for what they like.
 */
struct crl_verdict crls_check(struct crls *crls, STACK_OF(X509) *chain, time_t now, bool may_fetch);

#endif
