/* SPDX-License-Identifier: MIT */
#ifndef CRED_RULES_H
#define CRED_RULES_H

#include <stddef.h>

struct ike_path;
struct link_credentials;

/*
 * Which rule of a list counts for two addresses: the one with the longest remote prefix, then the
 * longest local prefix, then the first in the list.
 */
struct rules;

#define RULES_NONE ((size_t)-1)

/* NULL without memory. Nothing of @list is kept. */
struct rules *rules_new(const struct link_credentials *list);
struct rules *rules_free(struct rules *rules);
/* Place in the list that the rules were made of, or RULES_NONE; @rules may be NULL. */
size_t rules_find(const struct rules *rules, const struct ike_path *path);

#endif
