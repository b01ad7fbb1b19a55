/* SPDX-License-Identifier: MIT */
#ifndef AGENT_NAMES_H
#define AGENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct ruleset;

/* DNS names and what they stood for when they were last asked for. Case does not matter. */

#define NAMES_MAX	200000	/* as many as there can be filters */
#define NAMES_ADDRS_MAX	64	/* per name; the rest of the answer is left out */

struct name {
	char *name;
	struct ip_addr *addrs;	/* sorted, each once */
	size_t n_addrs;
};

struct names {
	struct name *names;	/* sorted by name */
	size_t n;
};

void names_done(struct names *names);
/* Borrowed until the next change, or NULL. */
const struct name *names_find(const struct names *names, const char *name);
/*
 * Sorts @addrs and stores them. 1 if that is a change, 0 if not, -ENOMEM. An empty answer is
 * stored, too.
 */
int names_set(struct names *names, const char *name, const struct ip_addr *addrs, size_t n);

/* Names that rules use, sorted, each once; they are the rules' own. */
struct name_list {
	const char **list;
	size_t n;
};

void name_list_done(struct name_list *list);
/* Of all of @rulesets (NULL among them: no rules). 0 or -ENOMEM. */
int names_of_rules(struct ruleset *const *rulesets, size_t n_rulesets, struct name_list *ret_list);
/* Forgets the names that no rule uses. */
void names_retain(struct names *names, struct ruleset *const *rulesets, size_t n_rulesets);

#endif /* AGENT_NAMES_H */
