// SPDX-License-Identifier: MIT
#include "agent/explain_stored.h"

#include <errno.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/compile.h"
#include "agent/layers_mm.h"
#include "agent/explain.h"
#include "agent/stores.h"
#include "nl/names_gen.h"
#include "nl/search.h"
#include "policy/bus.h"
#include "policy/fault.h"

/* --- the policy --------------------------------------------------------------------------- */

static int not_found(struct fault *fault, const struct stores_slot *slot, const char *policy)
{
	return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
			    "the %s store has no policy \"%s\"; see \"static show policy all\"",
			    store_location_name(slot->location), policy);
}

static int compile(struct agent *agent, struct stores_slot *slot, const char *name,
		   struct ruleset **ret_ruleset, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	const struct store_query query = { .policy = name };
	const struct store_policy *policy;
	int r = stores_slot_open(slot, fault);

	if (!r)
		r = store_read(slot->store, &query, &content, fault);
	if (r)
		return r;
	policy = store_content_find_policy(content, name);
	if (!policy)
		return not_found(fault, slot, name);
	return stores_compile(agent->stores, slot, content, policy, ret_ruleset, fault);
}

/* The layers that there would be. */
static int build(struct agent *agent, struct stores_slot *slot, const char *policy,
		 struct layers **ret_layers, struct fault *fault)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = NULL;
	int r = compile(agent, slot, policy, &ruleset, fault);

	return r ? r : agent_build_layer(agent, slot->layer, ruleset, ret_layers, fault);
}

/* --- the verdict -------------------------------------------------------------------------- */

static const struct layer_filter *search_layers(const struct layers *layers,
						const struct kernel_search *search)
{
	const struct layer_filter *first = NULL;

	for (size_t i = 0; i < layers->n_filters; i++) {
		const struct layer_filter *filter = &layers->filters[i];

		if (kernel_filter_matches(&filter->filter, search) &&
		    (!first || kernel_filter_compare_order(&filter->filter, &first->filter) < 0))
			first = filter;
	}
	return first;
}

static void pass(struct kernel_match *match, enum ipsecdrv_pass_reason reason)
{
	match->verdict = IPSECDRV_VERDICT_PASS;
	match->pass_reason = reason;
}

static void drop(struct kernel_match *match, enum ipsecdrv_drop_reason reason)
{
	match->verdict = IPSECDRV_VERDICT_DROP;
	match->drop_reason = reason;
}

/* Only the routes know the broadcast addresses of subnets, and only what leaves has a route. */
static bool is_for_many(struct agent *agent, const struct kernel_flow *flow)
{
	const struct ip_addr *destination = &flow->destination;

	return ip_addr_is_multicast(destination) || ip_addr_is_broadcast(destination) ||
	       (flow->direction == IPSECDRV_DIRECTION_OUT &&
		addresses_is_broadcast(agent->addresses, destination));
}

static void negotiate(struct agent *agent, const struct kernel_search *search,
		      struct kernel_match *match)
{
	bool is_forwarded = !search->local_is_me;

	if (is_for_many(agent, &search->flow))
		drop(match, IPSECDRV_DROP_MULTICAST);
	else if (search->flow.direction == IPSECDRV_DIRECTION_IN ||
		 (is_forwarded && match->filter.class == IPSECDRV_FILTER_CLASS_TRANSPORT))
		drop(match, IPSECDRV_DROP_CLEAR_TEXT);
	else
		match->verdict = IPSECDRV_VERDICT_HOLD;
}

/* As kernel/decide.c, once nothing before the filters has decided. */
static void judge(struct agent *agent, const struct layer_filter *filter,
		  const struct kernel_search *search, struct kernel_match *match)
{
	bool is_in = search->flow.direction == IPSECDRV_DIRECTION_IN;

	match->has_filter = filter != NULL;
	if (!filter) {
		pass(match, IPSECDRV_PASS_REASON_NO_FILTER);
		return;
	}
	match->filter = filter->filter;
	match->action = is_in ? filter->filter.inbound : filter->filter.outbound;
	if (match->action == IPSECDRV_ACTION_NEGOTIATE)
		negotiate(agent, search, match);
	else if (match->action != IPSECDRV_ACTION_PERMIT)
		drop(match, IPSECDRV_DROP_FILTER_BLOCK);
	else if (is_in && filter->filter.outbound == IPSECDRV_ACTION_NEGOTIATE)
		pass(match, IPSECDRV_PASS_REASON_INBOUND_PASSTHROUGH);
	else
		pass(match, IPSECDRV_PASS_REASON_PERMIT_FILTER);
}

/* The driver has decided without its filters, and will with any others, too. */
static bool is_decided(const struct kernel_match *match)
{
	return match->verdict == IPSECDRV_VERDICT_PASS &&
	       (match->pass_reason == IPSECDRV_PASS_REASON_LOOPBACK ||
		match->pass_reason == IPSECDRV_PASS_REASON_EXEMPT);
}

static struct kernel_search search_of(struct agent *agent, const struct kernel_flow *flow,
				      const struct kernel_match *match)
{
	bool is_out = flow->direction == IPSECDRV_DIRECTION_OUT;
	struct kernel_search search = { .flow = *flow };

	search.flow.connection = match->connection;
	(void)snprintf(search.flow.interface, sizeof(search.flow.interface), "%s",
		       match->interface);
	search.local_is_me = addresses_is_me(agent->addresses,
					     is_out ? &flow->source : &flow->destination);
	search.remote_is_me = addresses_is_me(agent->addresses,
					      is_out ? &flow->destination : &flow->source);
	return search;
}

/* --- the answer --------------------------------------------------------------------------- */

static char *describe_rule(const struct ruleset_rule *rule, const struct stores_slot *slot,
			   bool shows_all)
{
	char *text = NULL;

	if (shows_all || rule->treatment->layer == slot->layer)
		return ruleset_rule_to_text(rule);
	if (asprintf(&text, "a rule of the %s layer",
		     ruleset_layer_name(rule->treatment->layer)) < 0)
		return NULL;
	return text;
}

static char *describe_filter(const struct layer_filter *filter, const struct kernel_flow *flow,
			     const struct stores_slot *slot, bool shows_all)
{
	const struct ruleset_rule *rule = filter->rule[flow->direction];

	if (!rule)
		rule = layer_filter_rule(filter);
	return rule ? describe_rule(rule, slot, shows_all) : NULL;
}

static struct ip_addr peer_of(const struct kernel_match *match, const struct kernel_flow *flow)
{
	if (match->action != IPSECDRV_ACTION_NEGOTIATE)
		return (struct ip_addr){ 0 };
	if (match->filter.class == IPSECDRV_FILTER_CLASS_TUNNEL)
		return match->filter.tunnel_remote;
	return flow->direction == IPSECDRV_DIRECTION_OUT ? flow->destination : flow->source;
}

static int append(sd_bus_message *m, const struct kernel_match *match,
		  const struct kernel_flow *flow, const char *rule, const char *failure)
{
	char filter[KERNEL_FILTER_STRLEN];
	struct policy_explanation_info info = {
		.verdict = nl_verdict_name(match->verdict),
		.mode = nl_mode_name(match->mode),
		.rule = rule,
		.peer = peer_of(match, flow),
		.failure = failure,
		.interface = match->interface[0] ? match->interface : NULL,
		.connection = match->connection == IPSECDRV_CONNECTION_ALL ? NULL :
			      nl_connection_name(match->connection),
	};

	explain_fill_reason(match, &info);
	if (match->has_filter) {
		info.filter = kernel_filter_format(&match->filter, filter);
		info.action = nl_action_name(match->action);
	}
	return policy_bus_append_record(m, &policy_explanation_record, &info);
}

int explain_stored_append(sd_bus_message *m, struct agent *agent, struct stores_slot *slot,
			  const char *policy, const struct policy_flow_info *flow, bool shows_all,
			  struct fault *fault)
{
	_cleanup_(layers_freep) struct layers *layers = NULL;
	const struct layer_filter *filter;
	_cleanup_free_ char *rule = NULL;
	const char *failure = NULL;
	struct kernel_search search;
	struct kernel_match match;
	struct kernel_flow packet;
	int r = explain_read_flow(flow, &packet, fault);

	if (!r)
		r = build(agent, slot, policy, &layers, fault);
	if (r)
		return r;
	if (agent->kernel->ops->match(agent->kernel, &packet, &match))
		return fault_failed(fault, "the driver did not judge the packet: %s",
				    agent->kernel->why);
	if (is_decided(&match))
		return append(m, &match, &packet, NULL, NULL);
	match.has_sa = false;
	search = search_of(agent, &packet, &match);
	filter = search_layers(layers, &search);
	judge(agent, filter, &search, &match);
	if (filter) {
		rule = describe_filter(filter, &packet, slot, shows_all);
		failure = filter->tunnel_fault ? tunnel_fault_text(filter->tunnel_fault) :
			  explain_has_no_mm(layers, agent, filter, &packet, &match) ? LAYERS_NO_MM :
										      NULL;
	}
	return append(m, &match, &packet, rule, failure);
}
