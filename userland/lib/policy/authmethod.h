/* SPDX-License-Identifier: MIT */
/*
 * Authentication methods of a rule. On the command line each is a tag of its own and the order of
 * the tags is the order of preference; on the bus they are an array of the strings
 *
 *   kerberos | psk=KEY | rootca=NAME [ certmap:{yes|no}] [ excludecaname:{yes|no}]
 *
 * Case counts in KEY and NAME. In a CA's name \' stands for a double quote, as in netsh.
 */
#ifndef POLICY_AUTHMETHOD_H
#define POLICY_AUTHMETHOD_H

#include "policy/model.h"

/*
 * Appends a method to the list (that of a rule). 0, -EINVAL with a sentence (a blank key, a list
 * that is full), -ENOMEM. "kerberos=no" adds nothing.
 */
int policy_methods_add_tag(struct policy_method *methods, size_t *n, const char *tag,
			   const char *value, char why[static POLICY_WHY_LEN]);

/* The bus's form. "psk" alone is a key that was not told; it is only good for showing. */
int policy_methods_add_text(struct policy_method *methods, size_t *n, const char *text,
			    char why[static POLICY_WHY_LEN]);
/* The caller frees the text with policy_secret_free(); NULL without memory. */
char *policy_method_to_text(const struct policy_method *method, bool with_secrets);

/* The value of a rootca= tag, without quotes; the caller frees it. NULL without memory. */
char *policy_method_root_ca_text(const struct policy_method *method);

/* "kerberos", "psk", "rootca" */
const char *policy_method_kind_name(enum policy_method_kind kind);
/* "Kerberos", "Preshared key", "Certificate": what the shows print */
const char *policy_method_kind_label(enum policy_method_kind kind);

/* Wipes and frees a string; returns NULL. */
char *policy_secret_free(char *secret);
DEFINE_CLEANUP(char *, policy_secret_free);

void policy_methods_clear(struct policy_method *methods, size_t *n);
int policy_methods_copy(const struct policy_method *methods, size_t n,
			struct policy_method *ret_methods);

/* The same methods in the same order, secrets included. */
bool policy_methods_are_equal(const struct policy_method *a, size_t n_a,
			      const struct policy_method *b, size_t n_b);

/* No duplicates, the certificates next to each other, no blank key. As policy_rule_check(). */
int policy_methods_check(const struct policy_method *methods, size_t n,
			 char why[static POLICY_WHY_LEN]);

#endif /* POLICY_AUTHMETHOD_H */
