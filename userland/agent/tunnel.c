// SPDX-License-Identifier: MIT
#include "agent/tunnel.h"

#include <string.h>

static bool is_mine(const struct ip_addr *addr, const struct expand_names *names)
{
	return addr->family && names->is_me(names->userdata, addr);
}

/* The far end is another host, the near one is this host. */
static enum tunnel_fault find_ends(struct kernel_filter *filter, const struct expand_names *names)
{
	struct ip_addr *near = &filter->tunnel_local, *far = &filter->tunnel_remote;

	if (!far->family || is_mine(far, names))
		return TUNNEL_FAULT_NO_FAR_END;
	if (!near->family && names->find_source(names->userdata, far, near))
		return TUNNEL_FAULT_NO_NEAR_END;
	if (!is_mine(near, names))
		return TUNNEL_FAULT_NO_NEAR_END;
	return near->family == far->family ? TUNNEL_FAULT_NONE : TUNNEL_FAULT_FAMILIES;
}

static enum tunnel_fault complete(struct kernel_filter *filter, const struct expand_names *names)
{
	if (filter->outbound != IPSECDRV_ACTION_NEGOTIATE)
		return filter->inbound == IPSECDRV_ACTION_NEGOTIATE ? TUNNEL_FAULT_NO_WAY_OUT :
								      TUNNEL_FAULT_NONE;
	if (filter->inbound == IPSECDRV_ACTION_BLOCK)
		return TUNNEL_FAULT_BLOCKED;
	if (filter->inbound == IPSECDRV_ACTION_NONE)
		filter->inbound = IPSECDRV_ACTION_NEGOTIATE;
	return find_ends(filter, names);
}

enum tunnel_fault tunnel_finish(struct kernel_filter *filter, const struct expand_names *names)
{
	enum tunnel_fault fault = complete(filter, names);

	if (fault == TUNNEL_FAULT_NONE)
		return fault;
	if (filter->outbound == IPSECDRV_ACTION_NEGOTIATE)
		filter->outbound = IPSECDRV_ACTION_BLOCK;
	if (filter->inbound == IPSECDRV_ACTION_NEGOTIATE)
		filter->inbound = IPSECDRV_ACTION_BLOCK;
	/* ends that the driver cannot use; what it blocks needs none */
	filter->tunnel_local = filter->tunnel_remote = (struct ip_addr){ 0 };
	return fault;
}

const char *tunnel_fault_text(enum tunnel_fault fault)
{
	switch (fault) {
	case TUNNEL_FAULT_NONE:
		break;
	case TUNNEL_FAULT_NO_WAY_OUT:
		return "there is no negotiating rule for the other direction, with the far end as "
		       "tunneldstaddress; add one";
	case TUNNEL_FAULT_NO_FAR_END:
		return "tunneldstaddress of the outbound rule has no address, or is this host; it "
		       "has to be the peer";
	case TUNNEL_FAULT_NO_NEAR_END:
		return "tunneldstaddress of the inbound rule is not an address of this host now, "
		       "or there is no route to the far end";
	case TUNNEL_FAULT_FAMILIES:
		return "one end is an IPv4 address and the other one an IPv6 address; use two of "
		       "one family";
	case TUNNEL_FAULT_BLOCKED:
		return "the rule for the other direction blocks, but associations are for both; "
		       "let both rules negotiate";
	}
	return "nothing is wrong";
}

static struct kernel_filter_side side_of_end(const struct ip_addr *addr)
{
	struct kernel_filter_side side = { .addr = *addr, .mask.family = addr->family };

	memset(side.mask.bytes, 0xff, ip_addr_len(addr));
	return side;
}

uint8_t tunnel_peers(const struct kernel_filter *filter, struct kernel_filter_side *ret_local,
		     struct kernel_filter_side *ret_remote)
{
	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL) {
		*ret_local = side_of_end(&filter->tunnel_local);
		*ret_remote = side_of_end(&filter->tunnel_remote);
		return filter->tunnel_local.family;
	}
	*ret_local = filter->local;
	*ret_remote = filter->remote;
	ret_local->port = ret_remote->port = 0;
	return filter->family;
}
