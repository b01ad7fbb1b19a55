/* SPDX-License-Identifier: MIT */
#ifndef CRED_TRUST_H
#define CRED_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

#include "base/cleanup.h"
#include "cred/name.h"

struct ike_path;
struct link_credentials;
struct store;

/*
 * Whom the rules trust: the root CAs that each names, in its order, and the certificates of these
 * CAs that are in the store.
 */
struct trust;

/* Different names of CAs in one list; more are left out, and logged. */
#define TRUST_CAS_MAX 256

struct trust_ca {
	char *text;			/* as policy has it */
	struct name_text name;
	STACK_OF(X509) *anchors;	/* empty: not in the store */
};

struct trust_method {
	const struct trust_ca *ca;
	bool is_excluded;		/* its name is not sent as a request */
};

struct trust_rule {
	struct trust_method *methods;	/* by certificates only */
	size_t n_methods;
};

/* NULL without memory. Nothing of @list is kept. Without anchors until trust_resolve(). */
struct trust *trust_new(const struct link_credentials *list);
struct trust *trust_free(struct trust *trust);
DEFINE_CLEANUP(struct trust *, trust_free);

/* Finds the CAs in @store anew; borrows its certificates until the next call. */
void trust_resolve(struct trust *trust, const struct store *store);
/* Says what is missing in the log, a line for each CA. */
void trust_complain(const struct trust *trust);

/* The rule for two addresses; NULL: there is none. @trust may be NULL. */
const struct trust_rule *trust_find(const struct trust *trust, const struct ike_path *path);
size_t trust_n_rules(const struct trust *trust);
const struct trust_rule *trust_rule(const struct trust *trust, size_t place);

#endif
