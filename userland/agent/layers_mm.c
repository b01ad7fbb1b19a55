// SPDX-License-Identifier: MIT
#include "agent/layers_mm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ruleset.h"

/* --- order -------------------------------------------------------------------------------- */

static unsigned int count_bits(const struct kernel_filter_side *side)
{
	uint64_t words[2];

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return 0;
	_Static_assert(sizeof(words) == sizeof(side->mask.bytes), "all of the mask");
	memcpy(words, side->mask.bytes, sizeof(words));
	return (unsigned int)(__builtin_popcountll(words[0]) + __builtin_popcountll(words[1]));
}

static int compare_mm_sides(const struct kernel_filter_side *a, const struct kernel_filter_side *b)
{
	unsigned int bits_a = count_bits(a), bits_b = count_bits(b);
	int r;

	if (bits_a != bits_b)
		return bits_a > bits_b ? -1 : 1;
	if (a->class != b->class)
		return a->class == IPSECDRV_ADDRESS_CLASS_ME ? -1 : 1;
	r = ip_addr_compare(&a->mask, &b->mask);
	return r ? r : ip_addr_compare(&a->addr, &b->addr);
}

static int compare_mm_pairs(const struct layer_mm *a, const struct layer_mm *b)
{
	int r = (int)a->family - (int)b->family;

	if (!r)
		r = compare_mm_sides(&a->remote, &b->remote);
	return r ? r : compare_mm_sides(&a->local, &b->local);
}

/* Of equal pairs the lower layer's first, then the older rule's. */
static int compare_mm_pieces(const void *a, const void *b)
{
	const struct layer_mm *x = a, *y = b;
	const struct ruleset_treatment *s = x->rule->treatment, *t = y->rule->treatment;
	int r = compare_mm_pairs(x, y);

	if (!r)
		r = (int)s->layer - (int)t->layer;
	return r ? r : s->version < t->version ? -1 : s->version > t->version;
}

/* --- conflicts ---------------------------------------------------------------------------- */

static bool has_same_methods(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->n_methods != b->n_methods)
		return false;
	for (size_t i = 0; i < a->n_methods; i++) {
		const char *x = a->methods[i].secret, *y = b->methods[i].secret;

		if (a->methods[i].kind != b->methods[i].kind || !x != !y ||
		    (x && strcmp(x, y) != 0))
			return false;
	}
	return true;
}

/* The methods of @first hold for @second, too. */
static void note_conflict(struct layers *layers, const struct ruleset_rule *first,
			  const struct ruleset_rule *second)
{
	if (layers->conflict[0] || first == second || !first || !second ||
	    has_same_methods(first->treatment->rule, second->treatment->rule))
		return;
	layers->conflict[0] = first;
	layers->conflict[1] = second;
}

/* The two rules of a tunnel are one negotiation, by the outbound one. */
static void note_tunnel_conflicts(struct layers *layers)
{
	for (size_t i = 0; i < layers->n_filters; i++) {
		const struct layer_filter *filter = &layers->filters[i];

		if (filter->filter.class == IPSECDRV_FILTER_CLASS_TUNNEL &&
		    filter->filter.inbound == IPSECDRV_ACTION_NEGOTIATE)
			note_conflict(layers, filter->rule[IPSECDRV_DIRECTION_OUT],
				      filter->rule[IPSECDRV_DIRECTION_IN]);
	}
}

/* --- collecting --------------------------------------------------------------------------- */

/* The pairs of the rules that are main mode filters and nothing else; *@list is of all of them. */
static int expand_mm_rules(struct layers *layers, struct ruleset_rule *const *rules,
			   size_t n_rules, const struct expand_names *names,
			   struct expand_list *list, size_t *ends)
{
	int r = 0;

	layers->mm_rules = calloc(n_rules + 1, sizeof(*layers->mm_rules));
	if (!layers->mm_rules)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n_rules; i++) {
		struct policy_rule rule = ruleset_rule_view(rules[i]);

		if (rule.main_mode != POLICY_MAIN_MODE_ONLY)
			continue;
		r = expand_rule(&rule, names, list);
		ends[layers->n_mm_rules] = list->n;
		layers->mm_rules[layers->n_mm_rules++] = ruleset_rule_ref(rules[i]);
	}
	return r;
}

static size_t add_mms_of_filters(const struct layers *layers, struct layer_mm *mms)
{
	size_t n = 0;

	for (size_t i = 0; i < layers->n_filters; i++) {
		const struct layer_filter *filter = &layers->filters[i];
		struct layer_mm mm = { .rule = layer_filter_rule(filter) };

		if (!layer_filter_is_negotiated(filter) || !mm.rule ||
		    mm.rule->treatment->rule->main_mode != POLICY_MAIN_MODE_OWN)
			continue;
		mm.family = tunnel_peers(&filter->filter, &mm.local, &mm.remote);
		mms[n++] = mm;
	}
	return n;
}

int layers_collect_mms(struct layers *layers, struct ruleset_rule *const *rules, size_t n_rules,
		       const struct expand_names *names)
{
	_cleanup_(expand_list_done) struct expand_list list = { 0 };
	_cleanup_free_ size_t *ends = calloc(n_rules + 1, sizeof(*ends));
	struct layer_mm *mms, *shorter;
	size_t n, place = 0, kept = 0;
	int r;

	if (!ends)
		return -ENOMEM;
	r = expand_mm_rules(layers, rules, n_rules, names, &list, ends);
	if (r)
		return r;
	mms = calloc(layers->n_filters + list.n + 1, sizeof(*mms));
	layers->mms = mms;
	if (!mms)
		return -ENOMEM;
	n = add_mms_of_filters(layers, mms);
	for (size_t i = 0; i < list.n; i++) {
		while (i == ends[place])
			place++;
		mms[n].rule = layers->mm_rules[place];
		mms[n].family = tunnel_peers(&list.filters[i], &mms[n].local, &mms[n].remote);
		n++;
	}
	qsort(mms, n, sizeof(*mms), compare_mm_pieces);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare_mm_pairs(&mms[kept - 1], &mms[i]))
			mms[kept++] = mms[i];
		else
			note_conflict(layers, mms[kept - 1].rule, mms[i].rule);
	}
	layers->n_mms = kept;
	if (kept > EXPAND_FILTERS_MAX)
		return -ENOSPC;
	shorter = reallocarray(mms, kept + 1, sizeof(*mms));
	if (shorter)
		layers->mms = shorter;
	note_tunnel_conflicts(layers);
	return 0;
}

/* --- looking up --------------------------------------------------------------------------- */

const struct layer_mm *layers_find_mm(const struct layers *layers, const struct ip_addr *local,
				      bool is_me, const struct ip_addr *remote)
{
	for (size_t i = 0; i < layers->n_mms; i++) {
		const struct layer_mm *mm = &layers->mms[i];

		/* A remote me is for traffic between this host's own addresses. */
		if (mm->family == local->family && layer_side_contains(&mm->local, local, is_me) &&
		    layer_side_contains(&mm->remote, remote, false))
			return mm;
	}
	return layers->default_rule && is_me ? &layers->default_mm : NULL;
}

const struct layer_mm *layers_find_mm_of(const struct layers *layers,
					 const struct layer_filter *filter,
					 const struct ip_addr *local, bool is_me,
					 const struct ip_addr *remote)
{
	const struct layer_mm *mm = layers_find_mm(layers, local, is_me, remote);
	const struct ruleset_rule *rule = layer_filter_rule(filter);

	if (mm == &layers->default_mm && rule && !rule->treatment->rule->is_default_response)
		return NULL;
	return mm;
}

static int compare_mms(const void *a, const void *b)
{
	return compare_mm_pairs(a, b);
}

const struct layer_mm *layers_mm_of(const struct layers *layers,
				    const struct kernel_filter *filter)
{
	struct layer_mm key;

	key.family = tunnel_peers(filter, &key.local, &key.remote);
	return bsearch(&key, layers->mms, layers->n_mms, sizeof(key), compare_mms);
}

static uint64_t default_version(const struct layers *layers)
{
	return layers->default_rule ? layers->default_rule->treatment->version : 0;
}

bool layers_has_same_mms(const struct layers *a, const struct layers *b)
{
	if (a->n_mms != b->n_mms || default_version(a) != default_version(b))
		return false;
	for (size_t i = 0; i < a->n_mms; i++)
		if (compare_mm_pairs(&a->mms[i], &b->mms[i]) ||
		    a->mms[i].rule->treatment->version != b->mms[i].rule->treatment->version)
			return false;
	return true;
}
