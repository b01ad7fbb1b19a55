// SPDX-License-Identifier: MIT
#include "agent/expand.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static const uint8_t families[] = { AF_INET, AF_INET6 };

static const enum ipsecdrv_connection connections[] = {
	[POLICY_CONNECTION_ALL] = IPSECDRV_CONNECTION_ALL,
	[POLICY_CONNECTION_LAN] = IPSECDRV_CONNECTION_LAN,
	[POLICY_CONNECTION_DIALUP] = IPSECDRV_CONNECTION_DIALUP,
};

void expand_list_done(struct expand_list *list)
{
	free(list->filters);
	*list = (struct expand_list){ 0 };
}

/* On which interfaces. */
static void set_scope(const struct policy_rule *rule, struct kernel_filter *filter)
{
	filter->connection = connections[rule->connection];
	if (rule->interface)
		(void)snprintf(filter->interface, sizeof(filter->interface), "%s", rule->interface);
}

static int append(struct expand_list *list, const struct kernel_filter *filter)
{
	if (list->n == EXPAND_FILTERS_MAX)
		return -ENOSPC;
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 16;
		struct kernel_filter *filters =
			reallocarray(list->filters, cap, sizeof(*filters));

		if (!filters)
			return -ENOMEM;
		list->filters = filters;
		list->cap = cap;
	}
	list->filters[list->n++] = *filter;
	return 0;
}

/* --- one side in one family --------------------------------------------------------------- */

static struct ip_addr ones(uint8_t family)
{
	struct ip_addr mask = { .family = family };

	memset(mask.bytes, 0xff, ip_addr_len(&mask));
	return mask;
}

static struct kernel_filter_side side_of_host(const struct ip_addr *addr)
{
	return (struct kernel_filter_side){ .addr = *addr, .mask = ones(addr->family) };
}

static struct kernel_filter_side side_of_mask(const struct policy_address *address)
{
	struct kernel_filter_side side = { .addr = address->addr, .mask = address->mask };

	for (size_t i = 0; i < sizeof(side.addr.bytes); i++)
		side.addr.bytes[i] &= side.mask.bytes[i];
	return side;
}

/* The sides that an address is in one family, one at a time. */
struct sides {
	const struct policy_address *address;
	uint8_t family;
	const struct ip_addr *hosts;	/* of a name or server keyword */
	size_t n_hosts;
	size_t next;
};

static struct sides sides_of(const struct policy_address *address, uint8_t family,
			     const struct expand_names *names)
{
	struct sides sides = { .address = address, .family = family };

	switch (address->kind) {
	case POLICY_ADDRESS_ME:
	case POLICY_ADDRESS_ANY:
	case POLICY_ADDRESS_IP:
		break;
	case POLICY_ADDRESS_NAME:
	case POLICY_ADDRESS_WINS:
	case POLICY_ADDRESS_DNS:
	case POLICY_ADDRESS_DHCP:
	case POLICY_ADDRESS_GATEWAY:
		sides.hosts = names->lookup(names->userdata, address, &sides.n_hosts);
		break;
	}
	return sides;
}

static bool sides_next(struct sides *sides, struct kernel_filter_side *ret_side)
{
	const struct policy_address *address = sides->address;

	if (sides->hosts) {
		while (sides->next < sides->n_hosts) {
			const struct ip_addr *host = &sides->hosts[sides->next++];

			if (host->family == sides->family) {
				*ret_side = side_of_host(host);
				return true;
			}
		}
		return false;
	}
	if (sides->next++)
		return false;
	switch (address->kind) {
	case POLICY_ADDRESS_ME:
		*ret_side = (struct kernel_filter_side){ .class = IPSECDRV_ADDRESS_CLASS_ME };
		return true;
	case POLICY_ADDRESS_ANY:
		*ret_side = (struct kernel_filter_side){
			.addr.family = sides->family, .mask.family = sides->family,
		};
		return true;
	case POLICY_ADDRESS_IP:
		if (address->addr.family != sides->family)
			return false;
		*ret_side = side_of_mask(address);
		return true;
	case POLICY_ADDRESS_NAME:
	case POLICY_ADDRESS_WINS:
	case POLICY_ADDRESS_DNS:
	case POLICY_ADDRESS_DHCP:
	case POLICY_ADDRESS_GATEWAY:
		break;	/* nothing is known under the name */
	}
	return false;
}

/* --- tunnels ------------------------------------------------------------------------------ */

/* Of a name's addresses one of the traffic's family, if there is one. Family 0: none is known. */
static struct ip_addr find_endpoint(const struct policy_rule *rule, uint8_t family,
				    const struct expand_names *names)
{
	const struct policy_address *end = &rule->tunnel_destination;
	const struct ip_addr *hosts;
	size_t n = 0;

	if (end->kind == POLICY_ADDRESS_IP)
		return end->addr;
	hosts = names->lookup(names->userdata, end, &n);
	for (size_t i = 0; i < n; i++)
		if (hosts[i].family == family)
			return hosts[i];
	return n ? hosts[0] : (struct ip_addr){ 0 };
}

static bool is_inbound_tunnel(const struct policy_rule *rule, const struct ip_addr *endpoint,
			      const struct expand_names *names)
{
	if (rule->source.kind == POLICY_ADDRESS_ME)
		return false;
	return rule->destination.kind == POLICY_ADDRESS_ME ||
	       (endpoint->family && names->is_me(names->userdata, endpoint));
}

static int add_tunnel(const struct policy_rule *rule, uint8_t family,
		      const struct kernel_filter_side *source,
		      const struct kernel_filter_side *destination,
		      const struct expand_names *names, struct expand_list *list)
{
	struct ip_addr endpoint = find_endpoint(rule, family, names);
	bool is_inbound = is_inbound_tunnel(rule, &endpoint, names);
	struct kernel_filter filter = {
		.family = family,
		.class = IPSECDRV_FILTER_CLASS_TUNNEL,
		.local = is_inbound ? *destination : *source,
		.remote = is_inbound ? *source : *destination,
		.outbound = is_inbound ? IPSECDRV_ACTION_NONE : rule->outbound,
		.inbound = is_inbound ? rule->inbound : IPSECDRV_ACTION_NONE,
	};

	set_scope(rule, &filter);
	if (is_inbound)
		filter.tunnel_local = endpoint;
	else
		filter.tunnel_remote = endpoint;
	return append(list, &filter);
}

/* --- orientations ------------------------------------------------------------------------- */

static int add_orientation(const struct kernel_filter *filter, bool has_outbound, bool has_inbound,
			   const struct policy_rule *rule, struct expand_list *list)
{
	struct kernel_filter oriented = *filter;

	oriented.outbound = has_outbound ? rule->outbound : IPSECDRV_ACTION_NONE;
	oriented.inbound = has_inbound ? rule->inbound : IPSECDRV_ACTION_NONE;
	return append(list, &oriented);
}

static int add_pair(const struct policy_rule *rule, uint8_t family,
		    const struct kernel_filter_side *source,
		    const struct kernel_filter_side *destination, struct expand_list *list)
{
	struct kernel_filter a = {
		.family = family,
		.local = *source,
		.remote = *destination,
		.protocol = rule->protocol,
	};
	bool is_a = rule->destination.kind != POLICY_ADDRESS_ME;
	bool is_b = rule->source.kind != POLICY_ADDRESS_ME;
	struct kernel_filter b;
	int r = 0;

	set_scope(rule, &a);
	a.local.port = rule->source_port;
	a.remote.port = rule->destination_port;
	b = a;
	b.local = a.remote;
	b.remote = a.local;
	if (is_a && is_b && kernel_filter_is_same_traffic(&a, &b))
		return add_orientation(&a, true, true, rule, list);
	if (is_a)
		r = add_orientation(&a, true, rule->mirrored, rule, list);
	if (!r && is_b)
		r = add_orientation(&b, rule->mirrored, true, rule, list);
	return r;
}

static int add_sides(const struct policy_rule *rule, uint8_t family,
		     const struct kernel_filter_side *source,
		     const struct kernel_filter_side *destination,
		     const struct expand_names *names, struct expand_list *list)
{
	if (rule->has_tunnel)
		return add_tunnel(rule, family, source, destination, names, list);
	return add_pair(rule, family, source, destination, list);
}

int expand_rule(const struct policy_rule *rule, const struct expand_names *names,
		struct expand_list *list)
{
	if (rule->is_default_response)
		return 0;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct sides sources = sides_of(&rule->source, families[i], names);
		struct kernel_filter_side source, destination;

		while (sides_next(&sources, &source)) {
			struct sides destinations =
				sides_of(&rule->destination, families[i], names);

			while (sides_next(&destinations, &destination)) {
				int r = add_sides(rule, families[i], &source, &destination,
						  names, list);

				if (r)
					return r;
			}
		}
	}
	return 0;
}
