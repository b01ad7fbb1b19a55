// SPDX-License-Identifier: MIT
#include "agent/layers.h"

#include <errno.h>
#include <stdio.h>

#include "policy/fault.h"
#include "agent/layers_mm.h"
#include "agent/response.h"
#include "agent/ruleset.h"

/*
 * Up to so many filters are added or removed by one message, which costs what changes instead of what
 * is there; it has room for about as many.
 */
#define AT_ONCE		1024

/* --- building ----------------------------------------------------------------------------- */

/*
 * A filter of one rule, before those of all rules are put together. The two rules of a tunnel name
 * one end each, so pieces are told apart without the ends.
 */
struct piece {
	struct kernel_filter filter;
	struct ip_addr tunnel_local;
	struct ip_addr tunnel_remote;
	struct ruleset_rule *rule;	/* borrowed */
	size_t place;			/* of the rule */
};

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int r = kernel_filter_compare_traffic(&x->filter, &y->filter);

	return r ? r : x->place < y->place ? -1 : x->place > y->place;
}

static struct piece piece_of(const struct kernel_filter *filter, struct ruleset_rule *rule,
			     size_t place)
{
	struct piece piece = {
		.filter = *filter,
		.tunnel_local = filter->tunnel_local,
		.tunnel_remote = filter->tunnel_remote,
		.rule = rule,
		.place = place,
	};

	piece.filter.tunnel_local = piece.filter.tunnel_remote = (struct ip_addr){ 0 };
	return piece;
}

/* The rules of all layers, borrowed, the lowest layer first; the caller frees the array. */
static int collect_rules(struct ruleset *const *rulesets, size_t n_rulesets,
			 struct ruleset_rule ***ret_rules, size_t *ret_n)
{
	struct ruleset_rule **rules;
	size_t n = 0;

	for (size_t i = 0; i < n_rulesets; i++)
		n += rulesets[i] ? rulesets[i]->n_rules : 0;
	rules = calloc(n + 1, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	*ret_rules = rules;
	*ret_n = n;
	for (size_t i = 0; i < n_rulesets; i++)
		for (size_t j = 0; rulesets[i] && j < rulesets[i]->n_rules; j++)
			*rules++ = rulesets[i]->rules[j];
	return 0;
}

static int too_many(struct fault *fault)
{
	return fault_failed(fault, "the rules make more than %d filters; use subnets instead of names "
			    "and hosts", EXPAND_FILTERS_MAX);
}

/* All pieces of all rules; the caller frees the array. */
static int expand_all(struct ruleset_rule *const *rules, size_t n_rules,
		      const struct expand_names *names, struct piece **ret_pieces, size_t *ret_n,
		      struct fault *fault)
{
	_cleanup_(expand_list_done) struct expand_list list = { 0 };
	_cleanup_free_ size_t *ends = calloc(n_rules + 1, sizeof(*ends));
	struct piece *pieces;
	size_t place = 0;
	int r = 0;

	if (!ends)
		return fault_no_memory(fault);
	for (size_t i = 0; !r && i < n_rules; i++) {
		struct policy_rule rule = ruleset_rule_view(rules[i]);

		if (rule.main_mode != POLICY_MAIN_MODE_ONLY)
			r = expand_rule(&rule, names, &list);
		ends[i] = list.n;
	}
	if (r == -ENOSPC)
		return too_many(fault);
	pieces = r ? NULL : calloc(list.n + 1, sizeof(*pieces));
	if (!pieces)
		return fault_no_memory(fault);
	for (size_t i = 0; i < list.n; i++) {
		while (i == ends[place])
			place++;
		pieces[i] = piece_of(&list.filters[i], rules[place], place);
	}
	qsort(pieces, list.n, sizeof(*pieces), compare_pieces);
	*ret_pieces = pieces;
	*ret_n = list.n;
	return 0;
}

/* --- one filter per traffic --------------------------------------------------------------- */

static int duplicate(const struct ruleset_rule *first, const struct ruleset_rule *second,
		     const struct kernel_filter *filter, struct fault *fault)
{
	char *text = ruleset_rule_to_text(first);
	char traffic[KERNEL_FILTER_STRLEN];
	int r = fault_number(
		fault,
		second->treatment->rule->has_tunnel ? POLICY_ERROR_TUNNEL_FILTER_EXISTS
						    : POLICY_ERROR_TRANSPORT_FILTER_EXISTS,
		"two rules are for the same traffic (%s); the other one is \"%s\": change "
		"that one, or delete it first",
		kernel_filter_format(filter, traffic), text ? text : "");

	free(text);
	return r;
}

static int note_loss(struct layers *layers, struct ruleset_rule *winner,
		     struct ruleset_rule *loser)
{
	size_t n = layers->n_losses;

	if (ruleset_treatment_is_equal(winner->treatment, loser->treatment))
		return 0;
	if (!(n & (n - 1))) {
		struct layer_loss *longer =
			reallocarray(layers->losses, n ? 2 * n : 1, sizeof(*longer));

		if (!longer)
			return -ENOMEM;
		layers->losses = longer;
	}
	layers->losses[layers->n_losses++] = (struct layer_loss){
		.loser = ruleset_rule_ref(loser), .winner = ruleset_rule_ref(winner),
	};
	return 0;
}

/* 1: the direction is @piece's; 0: it is another rule's, and @piece has no say in it. */
static int take_direction(struct layers *layers, struct layer_filter *filter,
			  enum ipsecdrv_direction direction, const struct piece *piece,
			  struct fault *fault)
{
	struct ruleset_rule *holder = filter->rule[direction];

	if (!holder)
		filter->rule[direction] = ruleset_rule_ref(piece->rule);
	if (!holder || holder == piece->rule)
		return 1;
	if (holder->treatment->layer != piece->rule->treatment->layer)
		return note_loss(layers, holder, piece->rule) ? fault_no_memory(fault) : 0;
	if (ruleset_treatment_is_equal(holder->treatment, piece->rule->treatment))
		return 0;
	return duplicate(holder, piece->rule, &piece->filter, fault);
}

/* Adds the actions of @piece to @filter, which is for the same traffic. */
static int merge(struct layers *layers, struct layer_filter *filter, const struct piece *piece,
		 struct fault *fault)
{
	int r = 0;

	if (piece->filter.outbound != IPSECDRV_ACTION_NONE) {
		r = take_direction(layers, filter, IPSECDRV_DIRECTION_OUT, piece, fault);
		if (r > 0) {
			filter->filter.outbound = piece->filter.outbound;
			filter->filter.tunnel_remote = piece->tunnel_remote;
		}
	}
	if (r >= 0 && piece->filter.inbound != IPSECDRV_ACTION_NONE) {
		r = take_direction(layers, filter, IPSECDRV_DIRECTION_IN, piece, fault);
		if (r > 0) {
			filter->filter.inbound = piece->filter.inbound;
			filter->filter.tunnel_local = piece->tunnel_local;
		}
	}
	return r < 0 ? r : 0;
}

static int merge_all(struct layers *layers, const struct piece *pieces, size_t n,
		     struct fault *fault)
{
	int r = 0;

	layers->filters = calloc(n + 1, sizeof(*layers->filters));
	if (!layers->filters)
		return fault_no_memory(fault);
	for (size_t i = 0; !r && i < n; i++) {
		struct layer_filter *last =
			layers->n_filters ? &layers->filters[layers->n_filters - 1] : NULL;

		if (!i || !kernel_filter_is_same_traffic(&pieces[i - 1].filter, &pieces[i].filter)) {
			last = &layers->filters[layers->n_filters++];
			last->filter = pieces[i].filter;
			last->filter.outbound = last->filter.inbound = IPSECDRV_ACTION_NONE;
		}
		r = merge(layers, last, &pieces[i], fault);
	}
	return r;
}

/* The ends come last in the order of filters, so it stays. */
static void finish_tunnels(struct layers *layers, const struct expand_names *names)
{
	for (size_t i = 0; i < layers->n_filters; i++) {
		struct layer_filter *filter = &layers->filters[i];

		if (filter->filter.class != IPSECDRV_FILTER_CLASS_TUNNEL)
			continue;
		filter->tunnel_fault = tunnel_finish(&filter->filter, names);
		/* a lone outbound rule is for what arrives, too */
		if (filter->filter.inbound != IPSECDRV_ACTION_NONE &&
		    !filter->rule[IPSECDRV_DIRECTION_IN])
			filter->rule[IPSECDRV_DIRECTION_IN] =
				ruleset_rule_ref(filter->rule[IPSECDRV_DIRECTION_OUT]);
	}
}

static int compare_losses(const void *a, const void *b)
{
	const struct layer_loss *x = a, *y = b;

	return (uintptr_t)x->loser < (uintptr_t)y->loser ? -1 :
	       (uintptr_t)x->loser > (uintptr_t)y->loser;
}

/* One per loser, in an order to find them by. */
static void sort_losses(struct layers *layers)
{
	size_t n = 0;

	if (!layers->n_losses)
		return;
	qsort(layers->losses, layers->n_losses, sizeof(*layers->losses), compare_losses);
	for (size_t i = 0; i < layers->n_losses; i++) {
		struct layer_loss *loss = &layers->losses[i];

		if (n && layers->losses[n - 1].loser == loss->loser) {
			ruleset_rule_unref(loss->loser);
			ruleset_rule_unref(loss->winner);
		} else {
			layers->losses[n++] = *loss;
		}
	}
	layers->n_losses = n;
}

const struct ruleset_rule *layers_find_winner(const struct layers *layers,
					      const struct ruleset_rule *rule)
{
	struct layer_loss key = { .loser = (struct ruleset_rule *)rule };
	const struct layer_loss *loss =
		layers->n_losses ? bsearch(&key, layers->losses, layers->n_losses, sizeof(key),
					   compare_losses) : NULL;

	return loss ? loss->winner : NULL;
}

/* --- ids ---------------------------------------------------------------------------------- */

static int compare_traffic(const void *a, const void *b)
{
	const struct layer_filter *x = a, *y = b;

	return kernel_filter_compare_traffic(&x->filter, &y->filter);
}

static int compare_ids(const void *a, const void *b)
{
	const struct layer_filter *x = *(struct layer_filter *const *)a;
	const struct layer_filter *y = *(struct layer_filter *const *)b;

	return x->filter.id < y->filter.id ? -1 : x->filter.id > y->filter.id;
}

static uint64_t version_of(const struct layer_filter *filter, enum ipsecdrv_direction direction)
{
	return filter->rule[direction] ? filter->rule[direction]->treatment->version : 0;
}

static bool may_keep_id(const struct layer_filter *before, const struct layer_filter *after)
{
	return before->is_adopted ||
	       (version_of(before, IPSECDRV_DIRECTION_OUT) ==
			version_of(after, IPSECDRV_DIRECTION_OUT) &&
		version_of(before, IPSECDRV_DIRECTION_IN) ==
			version_of(after, IPSECDRV_DIRECTION_IN));
}

static uint32_t new_id(struct layers *layers, const struct layers *before)
{
	/* Wraps after four thousand million changes; then ids still in use are stepped over. */
	while (!layers->next_id || (before && layers_find(before, layers->next_id)))
		layers->next_id++;
	return layers->next_id++;
}

static int assign_ids(struct layers *layers, const struct layers *before)
{
	layers->next_id = before ? before->next_id : 1;
	layers->by_id = calloc(layers->n_filters + 1, sizeof(struct layer_filter *));
	if (!layers->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < layers->n_filters; i++) {
		struct layer_filter *filter = &layers->filters[i];
		const struct layer_filter *old = !before ? NULL :
			bsearch(filter, before->filters, before->n_filters,
				sizeof(*before->filters), compare_traffic);

		filter->filter.id = old && may_keep_id(old, filter) ? old->filter.id :
				    new_id(layers, before);
		layers->by_id[i] = filter;
	}
	qsort(layers->by_id, layers->n_filters, sizeof(struct layer_filter *), compare_ids);
	return 0;
}

/* --- life --------------------------------------------------------------------------------- */

struct layers *layers_free(struct layers *layers)
{
	if (!layers)
		return NULL;
	for (size_t i = 0; i < layers->n_filters; i++) {
		ruleset_rule_unref(layers->filters[i].rule[IPSECDRV_DIRECTION_OUT]);
		ruleset_rule_unref(layers->filters[i].rule[IPSECDRV_DIRECTION_IN]);
	}
	for (size_t i = 0; i < layers->n_losses; i++) {
		ruleset_rule_unref(layers->losses[i].loser);
		ruleset_rule_unref(layers->losses[i].winner);
	}
	for (size_t i = 0; i < layers->n_mm_rules; i++)
		ruleset_rule_unref(layers->mm_rules[i]);
	response_clear(layers);
	ruleset_rule_unref(layers->default_rule);
	free(layers->losses);
	free(layers->filters);
	free(layers->by_id);
	free(layers->mms);
	free(layers->mm_rules);
	free(layers->order);
	free(layers);
	return NULL;
}

static int take_default_rule(struct layers *layers, struct ruleset_rule *const *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!rules[i]->treatment->rule->is_default_response)
			continue;
		if (!layers->default_rule)
			layers->default_rule = ruleset_rule_ref(rules[i]);
		else if (rules[i]->treatment->layer != layers->default_rule->treatment->layer &&
			 note_loss(layers, layers->default_rule, rules[i]))
			return -ENOMEM;
	}
	layers->default_mm = (struct layer_mm){
		.local.class = IPSECDRV_ADDRESS_CLASS_ME,
		.rule = layers->default_rule,
	};
	return 0;
}

int layers_build(struct ruleset *const *rulesets, size_t n_rulesets,
		 const struct expand_names *names, const struct layers *before,
		 struct layers **ret_layers, struct fault *fault)
{
	_cleanup_(layers_freep) struct layers *layers = calloc(1, sizeof(*layers));
	_cleanup_free_ struct ruleset_rule **rules = NULL;
	_cleanup_free_ struct piece *pieces = NULL;
	size_t n_rules = 0, n = 0;
	int r;

	if (!layers || collect_rules(rulesets, n_rulesets, &rules, &n_rules))
		return fault_no_memory(fault);
	r = expand_all(rules, n_rules, names, &pieces, &n, fault);
	if (!r)
		r = merge_all(layers, pieces, n, fault);
	if (r)
		return r;
	finish_tunnels(layers, names);
	if (take_default_rule(layers, rules, n_rules))
		return fault_no_memory(fault);
	sort_losses(layers);
	if (assign_ids(layers, before) || response_keep(layers, before, names))
		return fault_no_memory(fault);
	r = layers_collect_mms(layers, rules, n_rules, names);
	if (r)
		return r == -ENOSPC ? too_many(fault) : fault_no_memory(fault);
	*ret_layers = TAKE_PTR(layers);
	return 0;
}

int layers_adopt(struct kernel *kernel, struct layers **ret_layers)
{
	_cleanup_(layers_freep) struct layers *layers = calloc(1, sizeof(*layers));
	_cleanup_free_ struct kernel_filter *filters = NULL;
	size_t n;
	int r;

	if (!layers)
		return -ENOMEM;
	r = kernel->ops->filter_dump(kernel, &filters, &n);
	if (r)
		return r;
	layers->filters = calloc(n + 1, sizeof(*layers->filters));
	layers->by_id = calloc(n + 1, sizeof(struct layer_filter *));
	if (!layers->filters || !layers->by_id)
		return -ENOMEM;
	layers->n_filters = n;
	layers->filters_are_adopted = true;
	layers->next_id = 1;
	for (size_t i = 0; i < n; i++) {
		layers->filters[i] = (struct layer_filter){
			.filter = filters[i], .is_adopted = true,
		};
		if (filters[i].id >= layers->next_id)
			layers->next_id = filters[i].id + 1;
	}
	qsort(layers->filters, n, sizeof(*layers->filters), compare_traffic);
	for (size_t i = 0; i < n; i++)
		layers->by_id[i] = &layers->filters[i];
	qsort(layers->by_id, n, sizeof(struct layer_filter *), compare_ids);
	*ret_layers = TAKE_PTR(layers);
	return 0;
}

/* --- committing --------------------------------------------------------------------------- */

/* Without lists it only counts. */
struct diff {
	struct layers_difference n;
	struct kernel_filter *added;
	uint32_t *removed;
};

static bool is_same_filter(const struct kernel_filter *a, const struct kernel_filter *b)
{
	return kernel_filter_is_same_traffic(a, b) && a->outbound == b->outbound &&
	       a->inbound == b->inbound;
}

static void note_added(struct diff *diff, const struct kernel_filter *filter)
{
	if (diff->added)
		diff->added[diff->n.added] = *filter;
	diff->n.added++;
}

static void note_removed(struct diff *diff, uint32_t id)
{
	if (diff->removed)
		diff->removed[diff->n.removed] = id;
	diff->n.removed++;
}

/* Those that went; they come by themselves. */
static void compare_responses(const struct layers *before, const struct layers *after,
			      struct diff *diff)
{
	for (size_t i = 0; i < before->n_responses; i++)
		if (!response_find(after, before->responses[i]->filter.id))
			note_removed(diff, before->responses[i]->filter.id);
}

/* Both lists by id: a filter that changed is removed and added. */
static void compare_filters(const struct layers *before, const struct layers *after, struct diff *diff)
{
	size_t i = 0, j = 0;

	while (i < before->n_filters && j < after->n_filters) {
		const struct kernel_filter *old = &before->by_id[i]->filter;
		const struct kernel_filter *new = &after->by_id[j]->filter;
		bool is_changed = new->id == old->id && !is_same_filter(old, new);

		if (new->id < old->id || is_changed)
			note_added(diff, new);
		if (old->id < new->id || is_changed)
			note_removed(diff, old->id);
		i += old->id <= new->id;
		j += new->id <= old->id;
	}
	for (; i < before->n_filters; i++)
		note_removed(diff, before->by_id[i]->filter.id);
	for (; j < after->n_filters; j++)
		note_added(diff, &after->by_id[j]->filter);
}

static void compare(const struct layers *before, const struct layers *after, struct diff *diff)
{
	diff->n = (struct layers_difference){ 0 };
	compare_filters(before, after, diff);
	compare_responses(before, after, diff);
}

typedef int (*all_filters_fn)(struct kernel *kernel, const struct kernel_filter *filters, size_t n);

/* Calls @call with all filters that the driver is to have. */
static int call_with_all(const struct layers *layers, struct kernel *kernel, all_filters_fn call)
{
	size_t n = layers->n_filters + layers->n_responses;
	_cleanup_free_ struct kernel_filter *filters = calloc(n + 1, sizeof(*filters));

	if (!filters) {
		snprintf(kernel->why, sizeof(kernel->why), "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < layers->n_filters; i++)
		filters[i] = layers->filters[i].filter;
	for (size_t i = 0; i < layers->n_responses; i++)
		filters[layers->n_filters + i] = layers->responses[i]->filter;
	return call(kernel, filters, n);
}

static int replace_all(const struct layers *layers, struct kernel *kernel)
{
	return call_with_all(layers, kernel, kernel->ops->filters_replace);
}

int layers_check(const struct layers *layers, struct kernel *kernel)
{
	return call_with_all(layers, kernel, kernel->ops->filters_check);
}

struct layers_difference layers_compare(const struct layers *before, const struct layers *after)
{
	struct diff diff = { 0 };

	compare(before, after, &diff);
	return diff.n;
}

/* In one message; -E2BIG when that is not enough. */
static int change_some(struct kernel *kernel, const struct diff *diff)
{
	if (!diff->n.removed)
		return kernel->ops->filters_add(kernel, diff->added, diff->n.added);
	if (!diff->n.added)
		return kernel->ops->filters_del(kernel, diff->removed, diff->n.removed);
	return kernel->ops->filters_change(kernel, diff->removed, diff->n.removed, diff->added,
					   diff->n.added);
}

int layers_commit(const struct layers *layers, const struct layers *before,
		  struct kernel *kernel)
{
	_cleanup_free_ struct kernel_filter *added = NULL;
	_cleanup_free_ uint32_t *removed = NULL;
	struct diff diff = { 0 };
	int r;

	if (!before)
		return replace_all(layers, kernel);
	compare(before, layers, &diff);
	if (!diff.n.added && !diff.n.removed)
		return 0;
	if (diff.n.added > AT_ONCE || diff.n.removed > AT_ONCE)
		return replace_all(layers, kernel);
	diff.added = added = calloc(diff.n.added + 1, sizeof(*added));
	diff.removed = removed = calloc(diff.n.removed + 1, sizeof(*removed));
	if (!added || !removed)
		return replace_all(layers, kernel);
	compare(before, layers, &diff);
	r = change_some(kernel, &diff);
	return r == -E2BIG ? replace_all(layers, kernel) : r;
}

/* --- looking up --------------------------------------------------------------------------- */

const struct layer_filter *layers_find(const struct layers *layers, uint32_t id)
{
	struct layer_filter key = { .filter.id = id };
	const struct layer_filter *pointer = &key;
	struct layer_filter **found = bsearch(&pointer, layers->by_id, layers->n_filters,
					      sizeof(struct layer_filter *), compare_ids);

	return found ? *found : response_find(layers, id);
}

uint32_t layers_new_id(struct layers *layers)
{
	return new_id(layers, layers);
}

const struct ruleset_rule *layer_filter_rule(const struct layer_filter *filter)
{
	const struct ruleset_rule *out = filter->rule[IPSECDRV_DIRECTION_OUT];
	const struct ruleset_rule *in = filter->rule[IPSECDRV_DIRECTION_IN];

	if (in && filter->filter.inbound == IPSECDRV_ACTION_NEGOTIATE &&
	    filter->filter.outbound != IPSECDRV_ACTION_NEGOTIATE)
		return in;
	return out ? out : in;
}

bool layer_filter_is_negotiated(const struct layer_filter *filter)
{
	return filter->filter.outbound == IPSECDRV_ACTION_NEGOTIATE ||
	       filter->filter.inbound == IPSECDRV_ACTION_NEGOTIATE;
}

struct layer_filter *const *layers_order(struct layers *layers, struct kernel *kernel)
{
	_cleanup_free_ struct kernel_filter *filters = NULL;
	_cleanup_free_ struct layer_filter **order = NULL;
	size_t n, n_order = 0;

	if (layers->order)
		return layers->order;
	if (kernel->ops->filter_dump(kernel, &filters, &n))
		return NULL;
	order = calloc(layers->n_filters + 1, sizeof(*order));
	if (!order) {
		snprintf(kernel->why, sizeof(kernel->why), "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n && n_order < layers->n_filters; i++) {
		const struct layer_filter *filter = layers_find(layers, filters[i].id);

		if (filter && !response_find(layers, filters[i].id))
			order[n_order++] = (struct layer_filter *)filter;
	}
	if (n_order != layers->n_filters || n != n_order + layers->n_responses) {
		snprintf(kernel->why, sizeof(kernel->why),
			 "the driver has other filters than the agent gave it");
		return NULL;
	}
	layers->order = TAKE_PTR(order);
	return layers->order;
}

bool layer_side_contains(const struct kernel_filter_side *side, const struct ip_addr *addr,
			 bool is_me)
{
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return is_me;
	if (side->addr.family != addr->family)
		return false;
	for (size_t i = 0; i < ip_addr_len(addr); i++)
		if ((addr->bytes[i] & side->mask.bytes[i]) != side->addr.bytes[i])
			return false;
	return true;
}
