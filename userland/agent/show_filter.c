// SPDX-License-Identifier: MIT
#include "agent/show_filter.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "agent/agent.h"
#include "agent/layers_mm.h"
#include "base/parse.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/bus.h"
#include "policy/fault.h"
#include "policy/text.h"

#define AUTH_LEN	128
#define NAME_LEN	24

/* --- words -------------------------------------------------------------------------------- */

/* "psk kerberos" */
static void format_auth(const struct policy_rule *rule, char buf[static AUTH_LEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < rule->n_methods && len < AUTH_LEN; i++)
		len += (size_t)snprintf(buf + len, AUTH_LEN - len, "%s%s", i ? " " : "",
					policy_method_kind_name(rule->methods[i].kind));
}

/* Rules have no names but their places in their layer, from 1, and the name of the stored rule. */
struct numbered {
	const struct ruleset_rule *rule;
	size_t number;
};

/* What is shown, and with what. */
struct filter_show {
	sd_bus_message *m;
	struct agent *agent;
	struct numbered *numbers;	/* sorted by rule */
	size_t n_numbers;
};

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return (uintptr_t)x->rule < (uintptr_t)y->rule ? -1 :
	       (uintptr_t)x->rule > (uintptr_t)y->rule;
}

static int number_rules(struct filter_show *show)
{
	const struct agent *agent = show->agent;
	size_t n = 0;

	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		n += agent->rulesets[i] ? agent->rulesets[i]->n_rules : 0;
	show->numbers = calloc(n + 1, sizeof(*show->numbers));
	if (!show->numbers)
		return -ENOMEM;
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		for (size_t j = 0; agent->rulesets[i] && j < agent->rulesets[i]->n_rules; j++)
			show->numbers[show->n_numbers++] = (struct numbered){
				agent->rulesets[i]->rules[j], j + 1,
			};
	qsort(show->numbers, n, sizeof(*show->numbers), compare_numbered);
	return 0;
}

/* Borrowed, or in @buf. */
static const char *rule_name(const struct filter_show *show, const struct ruleset_rule *rule,
			     char buf[static NAME_LEN])
{
	struct numbered key = { .rule = rule };
	const struct numbered *found;

	if (rule->treatment->name)
		return rule->treatment->name;
	found = bsearch(&key, show->numbers, show->n_numbers, sizeof(key), compare_numbered);
	snprintf(buf, NAME_LEN, "%zu", found ? found->number : 0);
	return buf;
}

static const char *layer_name(const struct ruleset_rule *rule)
{
	return ruleset_layer_name(rule->treatment->layer);
}

/* The layer that has taken something from the rule, or NULL. */
static const char *winner_name(const struct filter_show *show, const struct ruleset_rule *rule)
{
	const struct ruleset_rule *winner = layers_find_winner(show->agent->layers, rule);

	return winner ? layer_name(winner) : NULL;
}

/* "10.0.0.2", "10.0.0.0/24" */
void show_format_net(const struct ip_addr *addr, uint8_t prefix,
		     char buf[static SHOW_ADDRESS_LEN])
{
	size_t len = strlen(ip_addr_format(addr, buf));

	if (prefix != 8 * ip_addr_len(addr))
		snprintf(buf + len, SHOW_ADDRESS_LEN - len, "/%u", prefix);
}

/* "10.0.0.2", "10.0.0.0/24", "10.0.3.0/255.0.255.0" */
static void format_mask_side(const struct kernel_filter_side *side, char buf[static SHOW_ADDRESS_LEN])
{
	char addr[IP_ADDR_STRLEN], mask[IP_ADDR_STRLEN];
	uint8_t prefix;

	ip_addr_format(&side->addr, addr);
	if (mask_to_prefix(&side->mask, &prefix))
		snprintf(buf, SHOW_ADDRESS_LEN, "%s/%s", addr, ip_addr_format(&side->mask, mask));
	else
		show_format_net(&side->addr, prefix, buf);
}

static const char *action_name(enum ipsecdrv_action action)
{
	return action == IPSECDRV_ACTION_NONE ? "none" : policy_action_name(action);
}

/* --- generic filters ---------------------------------------------------------------------- */

static int append_generic_mm(const struct filter_show *show, const struct ruleset_rule *rule)
{
	const struct policy_rule *treatment = rule->treatment->rule;
	_cleanup_free_ char *source = policy_address_to_text(&rule->source);
	_cleanup_free_ char *destination = policy_address_to_text(&rule->destination);
	char auth[AUTH_LEN], name[NAME_LEN];
	struct policy_mm_filter_info info = {
		.type = "generic",
		.name = rule_name(show, rule, name),
		.layer = layer_name(rule),
		.policy = rule->treatment->policy,
		.overruled_by = winner_name(show, rule),
		.source = source,
		.destination = destination,
		.mirrored = rule->mirrored,
		.connection = policy_connection_name(treatment->connection),
		.mm_policy = treatment->mm_policy,
		.auth = auth,
	};

	if (!source || !destination)
		return -ENOMEM;
	format_auth(treatment, auth);
	return policy_bus_append_record(show->m, &policy_mm_filter_record, &info);
}

static int compare_addresses(const struct policy_address *a, const struct policy_address *b)
{
	int r = (int)a->kind - (int)b->kind;

	if (r)
		return r;
	if (a->kind == POLICY_ADDRESS_NAME)
		return strcasecmp(a->name, b->name);
	r = ip_addr_compare(&a->addr, &b->addr);
	return r ? r : ip_addr_compare(&a->mask, &b->mask);
}

static int compare_pairs(const struct ruleset_rule *a, const struct ruleset_rule *b)
{
	int r = compare_addresses(&a->source, &b->source);

	return r ? r : compare_addresses(&a->destination, &b->destination);
}

static int compare_numbered_pairs(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int r = compare_pairs(x->rule, y->rule);

	return r ? r : x->number < y->number ? -1 : x->number > y->number;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/*
 * Main mode does not see protocol and ports: of rules that differ in these only the first has
 * one.
 */
static size_t pick_pairs(const struct ruleset *ruleset, struct numbered *pairs)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < ruleset->n_rules; i++) {
		const struct policy_rule *rule = ruleset->rules[i]->treatment->rule;

		if (policy_rule_is_negotiated(rule) && !rule->is_default_response &&
		    rule->main_mode != POLICY_MAIN_MODE_OTHERS)
			pairs[n++] = (struct numbered){ ruleset->rules[i], i };
	}
	qsort(pairs, n, sizeof(*pairs), compare_numbered_pairs);
	for (size_t i = 0; i < n; i++)
		if (!kept || compare_pairs(pairs[kept - 1].rule, pairs[i].rule))
			pairs[kept++] = pairs[i];
	qsort(pairs, kept, sizeof(*pairs), compare_numbers);
	return kept;
}

static int append_generic_mms(const struct filter_show *show, const struct ruleset *ruleset)
{
	_cleanup_free_ struct numbered *pairs = calloc(ruleset->n_rules + 1, sizeof(*pairs));
	size_t n = pairs ? pick_pairs(ruleset, pairs) : 0;
	int r = pairs ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_generic_mm(show, pairs[i].rule);
	return r;
}

static int append_generic_qm(const struct filter_show *show, const struct ruleset_rule *rule)
{
	const struct policy_rule *treatment = rule->treatment->rule;
	_cleanup_free_ char *source = policy_address_to_text(&rule->source);
	_cleanup_free_ char *destination = policy_address_to_text(&rule->destination);
	_cleanup_free_ char *tunnel = treatment->has_tunnel ?
				      policy_address_to_text(&treatment->tunnel_destination) : NULL;
	char protocol[POLICY_PROTOCOL_STRLEN], name[NAME_LEN];
	struct policy_qm_filter_info info = {
		.type = "generic",
		.name = rule_name(show, rule, name),
		.layer = layer_name(rule),
		.policy = rule->treatment->policy,
		.overruled_by = winner_name(show, rule),
		.source = source,
		.destination = destination,
		.tunnel_destination = tunnel,
		.protocol = policy_protocol_format(rule->protocol, protocol),
		.source_port = rule->source_port,
		.destination_port = rule->destination_port,
		.mirrored = rule->mirrored,
		.connection = policy_connection_name(treatment->connection),
		.interface = treatment->interface,
		.qm_policy = treatment->qm_policy,
		.inbound_action = action_name(treatment->inbound),
		.outbound_action = action_name(treatment->outbound),
	};

	if (!source || !destination || (treatment->has_tunnel && !tunnel))
		return -ENOMEM;
	return policy_bus_append_record(show->m, &policy_qm_filter_record, &info);
}

static int append_generic_qms(const struct filter_show *show, const struct ruleset *ruleset)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ruleset->n_rules; i++)
		if (!ruleset->rules[i]->treatment->rule->is_default_response &&
		    ruleset->rules[i]->treatment->rule->main_mode != POLICY_MAIN_MODE_ONLY)
			r = append_generic_qm(show, ruleset->rules[i]);
	return r;
}

static int show_generic(const struct filter_show *show,
			int (*append)(const struct filter_show *show,
				      const struct ruleset *ruleset))
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < RULESET_LAYER_COUNT; i++)
		if (show->agent->rulesets[i])
			r = append(show, show->agent->rulesets[i]);
	return r;
}

/* --- specific filters --------------------------------------------------------------------- */

/* The addresses that a side is now: its own, or each of this host's in the family. */
struct side_walk {
	const struct kernel_filter_side *side;
	uint8_t family;
	const struct ip_addr *mine;
	size_t n_mine;
	size_t next;
};

static struct side_walk walk_side(struct agent *agent, const struct kernel_filter_side *side,
				  uint8_t family)
{
	struct side_walk walk = { .side = side, .family = family };

	walk.mine = addresses_list(agent->addresses, &walk.n_mine);
	return walk;
}

static bool walk_next(struct side_walk *walk, char buf[static SHOW_ADDRESS_LEN])
{
	if (walk->side->class == IPSECDRV_ADDRESS_CLASS_MASK) {
		format_mask_side(walk->side, buf);
		return !walk->next++;
	}
	while (walk->next < walk->n_mine) {
		const struct ip_addr *addr = &walk->mine[walk->next++];

		if (addr->family == walk->family) {
			ip_addr_format(addr, buf);
			return true;
		}
	}
	return false;
}

/* All pairs of addresses of two sides. */
struct pair_walk {
	struct agent *agent;
	const struct kernel_filter_side *remote_side;
	struct side_walk locals;
	struct side_walk remotes;
	uint8_t family;
	bool has_local;
};

static struct pair_walk walk_pairs(struct agent *agent, uint8_t family,
				   const struct kernel_filter_side *local,
				   const struct kernel_filter_side *remote)
{
	return (struct pair_walk){
		.agent = agent,
		.remote_side = remote,
		.locals = walk_side(agent, local, family),
		.family = family,
	};
}

static bool pair_walk_next(struct pair_walk *walk, char local[static SHOW_ADDRESS_LEN],
			   char remote[static SHOW_ADDRESS_LEN])
{
	for (;;) {
		if (walk->has_local && walk_next(&walk->remotes, remote))
			return true;
		walk->has_local = walk_next(&walk->locals, local);
		if (!walk->has_local)
			return false;
		walk->remotes = walk_side(walk->agent, walk->remote_side, walk->family);
	}
}

static int append_specific_qm(const struct filter_show *show, const struct kernel_filter *filter,
			      const struct ruleset_rule *rule, enum ipsecdrv_direction direction,
			      const char *local, const char *remote)
{
	bool is_out = direction == IPSECDRV_DIRECTION_OUT;
	char protocol[POLICY_PROTOCOL_STRLEN], name[NAME_LEN];
	char near[IP_ADDR_STRLEN], far[IP_ADDR_STRLEN];
	struct policy_qm_filter_info info = {
		.type = "specific",
		.name = rule_name(show, rule, name),
		.layer = layer_name(rule),
		.policy = rule->treatment->policy,
		.id = filter->id,
		.source = is_out ? local : remote,
		.destination = is_out ? remote : local,
		.protocol = policy_protocol_format(filter->protocol, protocol),
		.source_port = is_out ? filter->local.port : filter->remote.port,
		.destination_port = is_out ? filter->remote.port : filter->local.port,
		.direction = is_out ? "outbound" : "inbound",
		.weight = filter->weight,
		.connection = policy_connection_name(rule->treatment->rule->connection),
		.interface = rule->treatment->rule->interface,
		.qm_policy = rule->treatment->rule->qm_policy,
		.inbound_action = action_name(is_out ? IPSECDRV_ACTION_NONE : filter->inbound),
		.outbound_action = action_name(is_out ? filter->outbound : IPSECDRV_ACTION_NONE),
		.inbound_hits = is_out ? 0 : filter->inbound_hits,
		.outbound_hits = is_out ? filter->outbound_hits : 0,
	};

	if (filter->tunnel_local.family && filter->tunnel_remote.family) {
		ip_addr_format(&filter->tunnel_local, near);
		ip_addr_format(&filter->tunnel_remote, far);
		info.tunnel_source = is_out ? near : far;
		info.tunnel_destination = is_out ? far : near;
	}
	return policy_bus_append_record(show->m, &policy_qm_filter_record, &info);
}

static int append_specific_mm(const struct filter_show *show, const struct ruleset_rule *rule,
			      uint32_t weight,
			      const char *source, const char *destination,
			      const char *direction)
{
	char auth[AUTH_LEN], name[NAME_LEN];
	struct policy_mm_filter_info info = {
		.type = "specific",
		.name = rule_name(show, rule, name),
		.layer = layer_name(rule),
		.policy = rule->treatment->policy,
		.source = source,
		.destination = destination,
		.direction = direction,
		.weight = weight,
		.connection = policy_connection_name(rule->treatment->rule->connection),
		.mm_policy = rule->treatment->rule->mm_policy,
		.auth = auth,
	};

	format_auth(rule->treatment->rule, auth);
	return policy_bus_append_record(show->m, &policy_mm_filter_record, &info);
}

/* By place in layers->mms: the weight of the heaviest filter between the two sides. */
static uint32_t *weigh_mms(const struct layers *layers, const struct kernel_filter *filters,
			   size_t n)
{
	uint32_t *weights = calloc(layers->n_mms + 1, sizeof(*weights));

	for (size_t i = 0; weights && i < n; i++) {
		const struct layer_mm *mm = layers_mm_of(layers, &filters[i]);

		if (mm && weights[mm - layers->mms] < filters[i].weight)
			weights[mm - layers->mms] = filters[i].weight;
	}
	return weights;
}

static int append_specific_mms(const struct filter_show *show, const struct kernel_filter *filters,
			       size_t n)
{
	struct agent *agent = show->agent;
	_cleanup_free_ uint32_t *weights = weigh_mms(agent->layers, filters, n);
	char local[SHOW_ADDRESS_LEN], remote[SHOW_ADDRESS_LEN];
	int r = weights ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < agent->layers->n_mms; i++) {
		const struct layer_mm *mm = &agent->layers->mms[i];
		struct pair_walk walk = walk_pairs(agent, mm->family, &mm->local, &mm->remote);

		while (r >= 0 && pair_walk_next(&walk, local, remote)) {
			r = append_specific_mm(show, mm->rule, weights[i], local, remote,
					       "outbound");
			if (r >= 0)
				r = append_specific_mm(show, mm->rule, weights[i], remote,
						       local, "inbound");
		}
	}
	return r;
}

/* One row per direction that the filter acts in and pair of addresses. */
static int append_specific(const struct filter_show *show, const struct kernel_filter *filter,
			   const struct layer_filter *layer)
{
	struct pair_walk walk = walk_pairs(show->agent, filter->family, &filter->local, &filter->remote);
	char local[SHOW_ADDRESS_LEN], remote[SHOW_ADDRESS_LEN];
	int r = 0;

	while (r >= 0 && pair_walk_next(&walk, local, remote)) {
		if (filter->outbound != IPSECDRV_ACTION_NONE)
			r = append_specific_qm(show, filter,
					       layer->rule[IPSECDRV_DIRECTION_OUT],
					       IPSECDRV_DIRECTION_OUT, local, remote);
		if (r >= 0 && filter->inbound != IPSECDRV_ACTION_NONE)
			r = append_specific_qm(show, filter, layer->rule[IPSECDRV_DIRECTION_IN],
					       IPSECDRV_DIRECTION_IN, local, remote);
	}
	return r;
}

static int append_specific_qms(const struct filter_show *show, const struct kernel_filter *filters,
			       size_t n)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct layer_filter *layer = layers_find(show->agent->layers, filters[i].id);

		if (layer)
			r = append_specific(show, &filters[i], layer);
	}
	return r;
}

static int show_specific(const struct filter_show *show, struct fault *fault,
			 int (*append)(const struct filter_show *show,
				       const struct kernel_filter *filters, size_t n))
{
	struct kernel *kernel = show->agent->kernel;
	_cleanup_free_ struct kernel_filter *filters = NULL;
	size_t n;

	if (kernel->ops->filter_dump(kernel, &filters, &n))
		return fault_failed(fault, "the driver's filters cannot be read: %s", kernel->why);
	return append(show, filters, n);
}

/* --- lists -------------------------------------------------------------------------------- */

/* How the filters of one kind are appended. */
struct filter_kind {
	int (*append_generic)(const struct filter_show *show, const struct ruleset *ruleset);
	int (*append_specific)(const struct filter_show *show, const struct kernel_filter *filters,
			       size_t n);
};

static int show_list(sd_bus_message *m, struct agent *agent, const struct filter_kind *kind,
		     bool is_specific, struct fault *fault)
{
	struct filter_show show = { .m = m, .agent = agent };
	int r = number_rules(&show);

	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "a{sv}");
	if (r >= 0)
		r = is_specific ? show_specific(&show, fault, kind->append_specific) :
				  show_generic(&show, kind->append_generic);
	free(show.numbers);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int show_mm_filters(sd_bus_message *m, struct agent *agent, bool is_specific, struct fault *fault)
{
	static const struct filter_kind mms = { append_generic_mms, append_specific_mms };

	return show_list(m, agent, &mms, is_specific, fault);
}

int show_qm_filters(sd_bus_message *m, struct agent *agent, bool is_specific, struct fault *fault)
{
	static const struct filter_kind qms = { append_generic_qms, append_specific_qms };

	return show_list(m, agent, &qms, is_specific, fault);
}
