// SPDX-License-Identifier: MIT
/* Each active rule with its list and its action, without the other rules. */
#include <errno.h>
#include <stdlib.h>

#include "store/finding_list.h"
#include "store/head.h"

/* Filters of one list with one fault: they are told together. */
struct tally {
	size_t n;
	const struct store_filter *first;
	char why[POLICY_WHY_LEN];	/* of the first one, if it is not known from the fault */
};

struct filter_tallies {
	struct tally one_way;
	struct tally tunnel_port;
	struct tally tunnel_mirrored;
	struct tally server;
	struct tally group;
	struct tally invalid;
};

static void count(struct tally *tally, const struct store_filter *filter)
{
	if (!tally->n++)
		tally->first = filter;
}

static bool is_server(const struct policy_address *address)
{
	return address->kind == POLICY_ADDRESS_WINS || address->kind == POLICY_ADDRESS_DNS ||
	       address->kind == POLICY_ADDRESS_DHCP || address->kind == POLICY_ADDRESS_GATEWAY;
}

static bool is_server_of_others(const struct store_filter *filter)
{
	return (is_server(&filter->source) && filter->destination.kind != POLICY_ADDRESS_ME) ||
	       (is_server(&filter->destination) && filter->source.kind != POLICY_ADDRESS_ME);
}

static bool is_group(const struct policy_address *address)
{
	return address->kind == POLICY_ADDRESS_IP &&
	       (ip_addr_is_multicast(&address->addr) || ip_addr_is_broadcast(&address->addr));
}

static void look_at_filter(const struct store_rule *rule, const struct store_filter *filter,
			   struct filter_tallies *tallies)
{
	char why[POLICY_WHY_LEN];
	bool negotiates = finding_negotiates(rule);

	if (filter->is_main_mode)
		return;
	if (negotiates && !rule->has_tunnel && !filter->mirrored)
		count(&tallies->one_way, filter);
	if (rule->has_tunnel &&
	    (filter->protocol || filter->source_port || filter->destination_port))
		count(&tallies->tunnel_port, filter);
	if (rule->has_tunnel && filter->mirrored)
		count(&tallies->tunnel_mirrored, filter);
	if (negotiates && (is_group(&filter->source) || is_group(&filter->destination)))
		count(&tallies->group, filter);
	if (is_server_of_others(filter)) {
		count(&tallies->server, filter);
	} else if (store_filter_check(filter, why) < 0) {
		if (!tallies->invalid.n)
			memcpy(tallies->invalid.why, why, sizeof(why));
		count(&tallies->invalid, filter);
	}
}

static void tell(struct finding_list *list, enum finding finding, const struct store_rule *rule,
		 const struct tally *tally, const char *fault)
{
	_cleanup_free_ char *filters = NULL;

	if (!tally->n)
		return;
	filters = finding_filters_name(rule->list, tally->first, tally->n);
	finding_add(list, finding, filters ? finding_rule_name(list, rule) : NULL, "%s: %s", filters,
		    fault);
}

static void check_filters(struct finding_list *list, const struct store_rule *rule)
{
	struct filter_tallies tallies = { .one_way.n = 0 };

	for (size_t i = 0; i < rule->list->n_filters; i++)
		look_at_filter(rule, rule->list->filters[i], &tallies);
	tell(list, FINDING_ONE_WAY_NEGOTIATE, rule, &tallies.one_way,
	     "one direction only, but the rule negotiates, which needs both");
	tell(list, FINDING_TUNNEL_FILTER_PORT, rule, &tallies.tunnel_port,
	     "a tunnel cannot tell protocols and ports, for fragments have none");
	tell(list, FINDING_MIRRORED_TUNNEL, rule, &tallies.tunnel_mirrored,
	     "a tunnel has one direction, so that the mirror does nothing");
	tell(list, FINDING_SERVER_NOT_ME, rule, &tallies.server,
	     "the servers of this host are no one else's");
	tell(list, FINDING_INVALID, rule, &tallies.invalid, tallies.invalid.why);
	tell(list, FINDING_GROUP_NEGOTIATE, rule, &tallies.group,
	     "nothing can be negotiated with a multicast or broadcast address; packets to it are "
	     "exempt or dropped");
}

static void check_references(struct finding_list *list, const struct store_rule *rule)
{
	if (!rule->list)
		finding_add(list, FINDING_DANGLING_LIST, finding_rule_name(list, rule),
			    "there is no filter list \"%s\"", rule->filter_list ?: "");
	else if (!rule->list->n_filters)
		finding_add(list, FINDING_EMPTY_LIST, finding_rule_name(list, rule),
			    "filter list \"%s\" has no filters, so the rule does nothing",
			    rule->list->head.name);
	if (!rule->action)
		finding_add(list, FINDING_DANGLING_ACTION, finding_rule_name(list, rule),
			    "there is no filter action \"%s\"", rule->filter_action ?: "");
}

static bool certificates_are_apart(const struct store_rule *rule)
{
	bool was_ca = false, has_ended = false;

	for (size_t i = 0; i < rule->n_methods; i++) {
		bool is_ca = rule->methods[i].kind == POLICY_METHOD_ROOT_CA;

		if (is_ca && has_ended)
			return true;
		has_ended = has_ended || (was_ca && !is_ca);
		was_ca = is_ca;
	}
	return false;
}

static void check_rule_itself(struct finding_list *list, const struct store_rule *rule)
{
	const struct store_filter_action *action = finding_action_of(rule);
	char why[POLICY_WHY_LEN];

	if (finding_negotiates(rule) && !action->n_offers)
		finding_add(list, FINDING_NO_OFFERS, finding_rule_name(list, rule),
			    "it negotiates, but has nothing to offer");
	else if (!rule->n_methods && finding_negotiates(rule))
		finding_add(list, FINDING_NO_METHOD, finding_rule_name(list, rule),
			    "it negotiates, but has no authentication method");
	else if (certificates_are_apart(rule))
		finding_add(list, FINDING_CERTIFICATES_APART, finding_rule_name(list, rule),
			    "another method stands between the certification authorities");
	else if ((rule->n_methods && store_rule_check(rule, why) < 0) ||
		 (action && store_filter_action_check_body(action, why) < 0))
		finding_add(list, FINDING_INVALID, finding_rule_name(list, rule), "%s", why);
}

void finding_check_rules(struct finding_list *list)
{
	const struct store_policy *policy = list->policy;
	size_t n_active = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct store_rule *rule = policy->rules[i];

		n_active += rule->is_active;
		if (!rule->is_active) {
			finding_add(list, FINDING_INACTIVE_RULE, finding_rule_name(list, rule),
				    "it is not active");
			continue;
		}
		check_rule_itself(list, rule);
		if (rule->is_default_response)
			continue;
		check_references(list, rule);
		if (rule->list)
			check_filters(list, rule);
	}
	if (!n_active)
		finding_add(list, FINDING_NO_ACTIVE_RULE, finding_policy_name(list),
			    "none of its rules is active, so it does nothing");
}
