// SPDX-License-Identifier: MIT
#include "nl/search.h"

#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* --- the order ---------------------------------------------------------------------------- */

static uint32_t side_bits(const struct kernel_filter_side *side, uint8_t family)
{
	uint32_t n = 0;

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return family == AF_INET6 ? 128 : 32;
	for (size_t i = 0; i < sizeof(side->mask.bytes); i++)
		n += (uint32_t)__builtin_popcount(side->mask.bytes[i]);
	return n;
}

uint32_t kernel_filter_weigh(const struct kernel_filter *filter)
{
	bool has_interface = filter->interface[0];

	return (uint32_t)(filter->class == IPSECDRV_FILTER_CLASS_TUNNEL) << 24 |
	       side_bits(&filter->remote, filter->family) << 16 |
	       side_bits(&filter->local, filter->family) << 8 |
	       (uint32_t)(filter->protocol != 0) << 4 |
	       (uint32_t)(filter->remote.port != 0) << 3 |
	       (uint32_t)(filter->local.port != 0) << 2 |
	       (uint32_t)has_interface << 1 |
	       (uint32_t)(!has_interface && filter->connection != IPSECDRV_CONNECTION_ALL);
}

/* The driver's mask of the addresses: words in the order in which they lie in memory. */
static size_t get_mask(const struct kernel_filter *filter, uint64_t words[static 4])
{
	static const uint8_t none[16];
	const uint8_t *local = filter->local.class == IPSECDRV_ADDRESS_CLASS_ME ?
			       none : filter->local.mask.bytes;
	const uint8_t *remote = filter->remote.class == IPSECDRV_ADDRESS_CLASS_ME ?
				none : filter->remote.mask.bytes;
	uint32_t local4, remote4;

	if (filter->family == AF_INET6) {
		memcpy(&words[0], local, 16);
		memcpy(&words[2], remote, 16);
		return 4;
	}
	memcpy(&local4, local, sizeof(local4));
	memcpy(&remote4, remote, sizeof(remote4));
	words[0] = (uint64_t)remote4 << 32 | local4;
	return 1;
}

static unsigned int me_bits(const struct kernel_filter *filter)
{
	return (filter->local.class == IPSECDRV_ADDRESS_CLASS_ME) |
	       (filter->remote.class == IPSECDRV_ADDRESS_CLASS_ME) << 1;
}

int kernel_filter_compare_order(const struct kernel_filter *a, const struct kernel_filter *b)
{
	uint32_t weight_a = kernel_filter_weigh(a), weight_b = kernel_filter_weigh(b);
	uint64_t mask_a[4], mask_b[4];
	size_t n;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (weight_a != weight_b)
		return weight_a > weight_b ? -1 : 1;
	if (me_bits(a) != me_bits(b))
		return me_bits(a) < me_bits(b) ? -1 : 1;
	n = get_mask(a, mask_a);
	(void)get_mask(b, mask_b);
	for (size_t i = 0; i < n; i++)
		if (mask_a[i] != mask_b[i])
			return mask_a[i] > mask_b[i] ? -1 : 1;
	return 0;
}

/* --- the search --------------------------------------------------------------------------- */

static bool side_matches(const struct kernel_filter_side *side, const struct ip_addr *addr,
			 uint16_t port, bool is_me, bool has_ports)
{
	if (side->port && (!has_ports || side->port != port))
		return false;
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return is_me;
	for (size_t i = 0; i < ip_addr_len(addr); i++)
		if ((addr->bytes[i] & side->mask.bytes[i]) != side->addr.bytes[i])
			return false;
	return true;
}

static bool is_in_scope(const struct kernel_filter *filter, const struct kernel_flow *flow)
{
	if (filter->interface[0])
		return !strcmp(filter->interface, flow->interface);
	return filter->connection == IPSECDRV_CONNECTION_ALL ||
	       filter->connection == flow->connection;
}

bool kernel_filter_matches(const struct kernel_filter *filter, const struct kernel_search *search)
{
	const struct kernel_flow *flow = &search->flow;
	bool is_out = flow->direction == IPSECDRV_DIRECTION_OUT;
	bool has_ports = flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP;
	const struct ip_addr *local = is_out ? &flow->source : &flow->destination;
	const struct ip_addr *remote = is_out ? &flow->destination : &flow->source;
	uint16_t local_port = is_out ? flow->source_port : flow->destination_port;
	uint16_t remote_port = is_out ? flow->destination_port : flow->source_port;

	return filter->family == local->family &&
	       (is_out ? filter->outbound : filter->inbound) != IPSECDRV_ACTION_NONE &&
	       (!filter->protocol || filter->protocol == flow->protocol) &&
	       is_in_scope(filter, flow) &&
	       side_matches(&filter->local, local, local_port, search->local_is_me, has_ports) &&
	       side_matches(&filter->remote, remote, remote_port, search->remote_is_me, has_ports);
}

const struct kernel_filter *kernel_filters_search(const struct kernel_filter *filters, size_t n,
						  const struct kernel_search *search)
{
	const struct kernel_filter *first = NULL;

	for (size_t i = 0; i < n; i++)
		if (kernel_filter_matches(&filters[i], search) &&
		    (!first || kernel_filter_compare_order(&filters[i], first) < 0))
			first = &filters[i];
	return first;
}
