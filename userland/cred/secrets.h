/* SPDX-License-Identifier: MIT */
#ifndef CRED_SECRETS_H
#define CRED_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

struct ike_psk_request;
struct link_credentials;
struct link_skeyid;

/*
 * The preshared keys, in pages that are locked, left out of core dumps and of children, and wiped
 * when they are replaced. What leaves is prf(key, nonces), never a key.
 */
struct secrets;

/* Empty, and not loaded; NULL without memory. Loads the crypto library: before any sandbox. */
struct secrets *secrets_new(void);
struct secrets *secrets_free(struct secrets *secrets);

/* All or nothing: on failure the old list stays. -ENOMEM, also when the pages cannot be locked. */
int secrets_replace(struct secrets *secrets, const struct link_credentials *list);
/* Whether secrets_replace() has succeeded once. */
bool secrets_is_loaded(const struct secrets *secrets);
size_t secrets_count(const struct secrets *secrets);

/*
 * SKEYID of RFC 2409, section 5: prf(preshared key, Ni_b | Nr_b), with the key of the most
 * specific rule for the two addresses. -ENOENT: it has none; -EINVAL: the hash is not there (FIPS mode).
 */
int secrets_skeyid(const struct secrets *secrets, const struct ike_psk_request *request,
		   struct link_skeyid *ret_skeyid);

#endif
