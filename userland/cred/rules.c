// SPDX-License-Identifier: MIT
/* Sorted by how specific they are, so the first that matches is the one. */
#include "cred/rules.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "link/messages.h"

struct rule {
	struct ip_addr local;
	struct ip_addr remote;
	uint8_t local_prefix;
	uint8_t remote_prefix;
	size_t place;
};

struct rules {
	size_t n_rules;
	struct rule rules[];
};

static int compare(const void *a_, const void *b_)
{
	const struct rule *a = a_, *b = b_;

	if (a->remote_prefix != b->remote_prefix)
		return a->remote_prefix > b->remote_prefix ? -1 : 1;
	if (a->local_prefix != b->local_prefix)
		return a->local_prefix > b->local_prefix ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

struct rules *rules_new(const struct link_credentials *list)
{
	struct rules *rules = calloc(1, sizeof(*rules) + list->n_rules * sizeof(rules->rules[0]));

	if (!rules)
		return NULL;
	rules->n_rules = list->n_rules;
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct link_credential_rule *from = &list->rules[i];

		rules->rules[i] = (struct rule){ from->local, from->remote, from->local_prefix,
						 from->remote_prefix, i };
	}
	qsort(rules->rules, rules->n_rules, sizeof(rules->rules[0]), compare);
	return rules;
}

struct rules *rules_free(struct rules *rules)
{
	free(rules);
	return NULL;
}

/* A prefix without address matches both families. */
static bool matches(const struct ip_addr *addr, const struct ip_addr *prefix, uint8_t len)
{
	return !prefix->family || ip_addr_is_in_prefix(addr, prefix, len);
}

size_t rules_find(const struct rules *rules, const struct ike_path *path)
{
	for (size_t i = 0; rules && i < rules->n_rules; i++) {
		const struct rule *rule = &rules->rules[i];

		if (matches(&path->remote, &rule->remote, rule->remote_prefix) &&
		    matches(&path->local, &rule->local, rule->local_prefix))
			return rule->place;
	}
	return RULES_NONE;
}
