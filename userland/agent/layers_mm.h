/* SPDX-License-Identifier: MIT */
#ifndef AGENT_LAYERS_MM_H
#define AGENT_LAYERS_MM_H

#include "agent/layers.h"

/*
 * The main mode filters of the layers: struct layer_mm, the pairs of sides that negotiate.
 *
 * For layers_build(), when the filters are there: fills in ->mms, ->mm_rules and ->conflict. 0, -ENOMEM,
 * or -ENOSPC when the rules make more than EXPAND_FILTERS_MAX.
 */
int layers_collect_mms(struct layers *layers, struct ruleset_rule *const *rules, size_t n_rules,
		       const struct expand_names *names);

/*
 * Main mode's rule for two addresses: the most specific pair of sides that contains them. The
 * longest remote mask decides, then the longest local one (me counts as any), then the older
 * rule; that is also how ipsec-cred chooses the key. Without such a pair it is the default response
 * rule's, if @local is this host's. NULL if nothing negotiates between them.
 */
const struct layer_mm *layers_find_mm(const struct layers *layers, const struct ip_addr *local,
				      bool is_me, const struct ip_addr *remote);

/*
 * The pair by which what @filter is for is negotiated between the two addresses; NULL if there is none:
 * the main mode filters of others leave them out, or only the default response rule is for them, which
 * is not for filters of other rules.
 */
const struct layer_mm *layers_find_mm_of(const struct layers *layers,
					 const struct layer_filter *filter,
					 const struct ip_addr *local, bool is_me,
					 const struct ip_addr *remote);

/* Main mode is the same: same pairs of sides, and rules of the same versions. */
bool layers_has_same_mms(const struct layers *a, const struct layers *b);
/* The pair of the sides of @filter (one of @layers); NULL if it makes none. */
const struct layer_mm *layers_mm_of(const struct layers *layers,
				    const struct kernel_filter *filter);

/* Why nothing is negotiated for a filter that layers_find_mm_of() finds no pair for. */
#define LAYERS_NO_MM								\
	"no main mode filter is for these addresses, so that nothing is negotiated: the rule "	\
	"makes none, and no -1f of ipseccmd and no rule with mainmode=only has them"

#endif /* AGENT_LAYERS_MM_H */
