// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exact traffic of a negotiation. In transport mode a filter, even one for whole subnets, is
 * negotiated for pair by pair of hosts, with the filter's protocol and ports; in tunnel mode once,
 * for all that the filter covers. Example: "me -> 10.0.0.0/8, TCP, any -> 23, negotiate" and a
 * packet 192.0.2.1:40000 -> 10.1.2.3:23 give 192.0.2.1/32 -> 10.1.2.3/32, TCP, any -> 23.
 */
#include <linux/bitops.h>
#include <linux/string.h>
#include <net/ipv6.h>

#include "acquire.h"
#include "filter.h"
#include "flow.h"
#include "key.h"

static u8 host_prefix(u8 family)
{
	return family == NFPROTO_IPV4 ? 32 : 128;
}

static u8 mask_prefix(u8 family, const union nf_inet_addr *mask)
{
	u8 bits = 0, word;

	for (word = 0; word < host_prefix(family) / 32; word++)
		bits += hweight32((__force u32)mask->all[word]);
	return bits;
}

/* a mask with holes is no prefix; then the tunnel is for the two hosts, which is narrower */
static bool is_prefix_mask(u8 family, const union nf_inet_addr *mask)
{
	u32 host;

	if (family == NFPROTO_IPV6)
		return true;
	host = ~ntohl(mask->ip);
	return !(host & (host + 1));
}

static void select_side(const struct ipd_filter_side *side, u8 family, union nf_inet_addr *addr,
			u8 *prefix)
{
	if (side->class == IPSECDRV_ADDRESS_CLASS_MASK && is_prefix_mask(family, &side->mask)) {
		*addr = side->addr;
		*prefix = mask_prefix(family, &side->mask);
	}
}

static void select_subnets(const struct ipd_filter *filter, struct ipd_selector *selector)
{
	struct ipd_filter_spec spec;

	ipd_filter_describe(filter, &spec);
	select_side(&spec.local, spec.family, &selector->local, &selector->local_prefix);
	select_side(&spec.remote, spec.family, &selector->remote, &selector->remote_prefix);
}

void ipd_selector_of(const struct ipd_filter *filter, const struct ipd_flow *flow,
		     struct ipd_selector *selector)
{
	u64 last = filter->key[ipd_key_words(filter->family) - 1];

	memset(selector, 0, sizeof(*selector));
	selector->family = filter->family;
	selector->protocol = filter->protocol;
	selector->local_port = ipd_key_local_port(last);
	selector->remote_port = ipd_key_remote_port(last);
	selector->local = flow->local;
	selector->remote = flow->remote;
	selector->local_prefix = host_prefix(filter->family);
	selector->remote_prefix = host_prefix(filter->family);
	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL)
		select_subnets(filter, selector);
}

static bool prefix_matches(u8 family, const union nf_inet_addr *addr, u8 prefix,
			   const union nf_inet_addr *packet)
{
	if (family == NFPROTO_IPV6)
		return ipv6_prefix_equal(&addr->in6, &packet->in6, prefix);
	return !prefix || !((addr->ip ^ packet->ip) & htonl(~0U << (32 - prefix)));
}

static bool ports_match(const struct ipd_selector *selector, const struct ipd_flow *flow)
{
	if (!selector->local_port && !selector->remote_port)
		return true;
	if (!ipd_flow_has_ports(flow->protocol) || (flow->flags & IPD_FLOW_NO_PORTS))
		return false;
	return (!selector->local_port || selector->local_port == flow->local_port) &&
	       (!selector->remote_port || selector->remote_port == flow->remote_port);
}

bool ipd_selector_matches(const struct ipd_selector *selector, const struct ipd_flow *flow)
{
	return selector->family == flow->family &&
	       (!selector->protocol || selector->protocol == flow->protocol) &&
	       prefix_matches(flow->family, &selector->local, selector->local_prefix,
			      &flow->local) &&
	       prefix_matches(flow->family, &selector->remote, selector->remote_prefix,
			      &flow->remote) &&
	       ports_match(selector, flow);
}
