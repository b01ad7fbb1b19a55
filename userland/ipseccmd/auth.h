/* SPDX-License-Identifier: MIT */
/*
 * What -a takes: the methods by which the hosts prove who they are, in the order of preference.
 *
 *   method = ( "PRESHARE" | "P" ) ":" key | "KERBEROS" | "K" | ( "CERT" | "C" ) ":" CA
 *
 * Case counts in keys and CA names. A CA's name may end with certmap:yes and excludecaname:yes, as
 * in ipsecctl.
 */
#ifndef IPSECCMD_AUTH_H
#define IPSECCMD_AUTH_H

#include <stdio.h>

#include "policy/model.h"

/*
 * Appends one method. 0, -EINVAL with a sentence that does not repeat the text (it may be a key),
 * -ENOMEM.
 */
int auth_add(struct policy_method *methods, size_t *n, const char *text,
	     char why[static POLICY_WHY_LEN]);

/* As one word without quotes; the caller frees it with policy_secret_free(). NULL without memory. */
char *auth_to_text(const struct policy_method *method, bool with_secrets);

#endif /* IPSECCMD_AUTH_H */
