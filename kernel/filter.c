// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters: the object, its checks and its weight. What follows is the theory of the whole search;
 * the parts are tuple.c (search), filter_set.c (snapshots), table.c (hash tables), flowcache.c.
 *
 * The question. Each packet has one filter that decides it: the one of those that match it with
 * the greatest weight. The weight says how specific a filter is, and it depends only on *which
 * bits* the filter looks at (ipd_filter_weigh()), never on their values. A linear list sorted by
 * weight would answer the question, 56 us per packet with 100,000 filters.
 *
 * The idea. All filters that look at the same bits form a tuple. A packet, with the bits that the
 * tuple does not look at set to zero, can equal the key of a filter only exactly, so a tuple is a
 * hash table and costs one probe. All filters of a tuple weigh the same. So the tuples are
 * searched from the heaviest to the lightest, and the first hit is the answer. People write
 * policies with 4 to 20 tuples, whatever the number of filters. Tuples only come from the
 * policy, never from traffic, and their number is bounded, so no sender can make the search long.
 *
 * An example. A host that is "me" has these filters, all IPv4 and transport:
 *
 *   id  local  remote        protocol  ports          action     weight (tunnel/remote/local/rest)
 *   1   me     any           any       any            negotiate  00 00 20 00
 *   2   me     any           TCP       local 23       block      00 00 20 14
 *   3   me     10.0.0.2/32   TCP       local 23       permit     00 20 20 14
 *   4   me     10.0.0.3/32   TCP       local 23       permit     00 20 20 14
 *   5   any    any           any       any            permit     00 00 00 00
 *
 *   tuples, heaviest first: {me, /32, protocol, local port}: 3, 4
 *                           {me, any, protocol, local port}: 2
 *                           {me, any}:                       1
 *                           catch-all, outside of the array: 5
 *
 * A TCP packet arrives from 10.0.0.9 port 40000 for our port 23. The first tuple asks whether the
 * local address is ours (once for the whole search), hashes (10.0.0.9, TCP, 23), and finds
 * nothing. The second hashes (TCP, 23) and hits filter 2: blocked, two probes. From 10.0.0.3 the
 * first probe would have hit filter 4. What is forwarded skips all three tuples unprobed, since
 * its local address is not ours, and takes the catch-all.
 *
 * Details.
 *  - Tunnel filters are searched before transport filters; IPv4 and IPv6 have tuples of their own.
 *    So a search is in one array of tuples, then in the other.
 *  - Keys are local/remote, not source/destination, so both directions share a table. An entry
 *    whose action for the packet's direction is none is no hit. Two filters may have the same
 *    selectors if they share no direction; both lie in the table under equal keys.
 *  - "me" is not a mask but a question, answered by ipd_flow_is_me(); a tuple has it as one bit
 *    of its mask, and a packet gets it as one bit of its key. Nothing is expanded per local
 *    address, and when the addresses change only the flow caches are out of date.
 *  - IPv4 masks may have holes: a mask is a mask to a hash table. Their weight is the number of
 *    one bits. Tuples of equal weight have a fixed order: addresses before "me", then by mask.
 *  - On which interfaces a filter matches is a part of key and mask, too: scope.c.
 *  - A later fragment shows no ports. Whether a filter with ports covers it cannot be said, and
 *    guessing would let it slip through, so each tuple with ports has a second table: the same
 *    keys without ports. A fragment that hits there is reported as undecidable.
 *  - Changing a set makes a new one, which shares all tables that did not change, and is published
 *    with one pointer: a packet sees the old or the new set, never a mixture. The old one goes
 *    after a grace period.
 */
#include <linux/bitops.h>
#include <linux/netlink.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "filter.h"
#include "filter_set.h"
#include "flow.h"
#include "scope.h"

static struct kmem_cache *filter_cache;

int ipd_filter_init(void)
{
	int err;

	filter_cache = KMEM_CACHE(ipd_filter, SLAB_ACCOUNT);
	if (!filter_cache)
		return -ENOMEM;
	err = ipd_filter_set_init();
	if (err)
		kmem_cache_destroy(filter_cache);
	return err;
}

void ipd_filter_exit(void)
{
	ipd_filter_set_exit();
	rcu_barrier();		/* the filters of the last set */
	kmem_cache_destroy(filter_cache);
}

/* --- life --- */

struct ipd_filter *ipd_filter_new(gfp_t gfp)
{
	struct ipd_filter *filter;

	filter = kmem_cache_zalloc(filter_cache, gfp);
	if (!filter)
		return NULL;
	filter->hits = __alloc_percpu_gfp(2 * sizeof(u64), __alignof__(u64), gfp);
	if (!filter->hits) {
		kmem_cache_free(filter_cache, filter);
		return NULL;
	}
	refcount_set(&filter->refs, 1);
	return filter;
}

static void filter_free_rcu(struct rcu_head *head)
{
	struct ipd_filter *filter = container_of(head, struct ipd_filter, rcu);

	ipd_interface_put(filter->interface);
	free_percpu(filter->hits);
	kmem_cache_free(filter_cache, filter);
}

void ipd_filter_get(struct ipd_filter *filter)
{
	refcount_inc(&filter->refs);
}

void ipd_filter_put(struct ipd_filter *filter)
{
	if (filter && refcount_dec_and_test(&filter->refs))
		call_rcu(&filter->rcu, filter_free_rcu);
}

/* --- weight --- */

static u32 side_bits(const struct ipd_filter_side *side, u8 family)
{
	u32 bits = 0;
	unsigned int i;

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return family == NFPROTO_IPV6 ? 128 : 32;	/* as a host */
	for (i = 0; i < ARRAY_SIZE(side->mask.all); i++)
		bits += hweight32(side->mask.all[i]);
	return bits;
}

/*
 * Windows does not document its weight. What its documents show is that tunnel filters come
 * first, a host goes before a subnet and a subnet before any, and that a port or protocol
 * decides among equal addresses. Of the two sides the remote one counts more. For which
 * interfaces the filter is comes last: it decides among filters that are equal otherwise.
 *
 *   bit  24      tunnel filter            bit 4  protocol given
 *   bits 16-23   remote address bits      bit 3  remote port given
 *   bits 8-15    local address bits       bit 2  local port given
 *                                         bit 1  for one interface
 *                                         bit 0  for a connection type
 */
u32 ipd_filter_weigh(const struct ipd_filter *filter)
{
	return (u32)(filter->class == IPSECDRV_FILTER_CLASS_TUNNEL) << 24 |
	       side_bits(&filter->remote, filter->family) << 16 |
	       side_bits(&filter->local, filter->family) << 8 |
	       (u32)!!filter->protocol << 4 |
	       (u32)!!filter->remote.port << 3 |
	       (u32)!!filter->local.port << 2 |
	       (u32)!!filter->interface << 1 |
	       (u32)!!filter->connection;
}

u16 ipd_filter_scope(const struct ipd_filter *filter)
{
	if (filter->interface)
		return filter->interface->number << IPD_SCOPE_NUMBER_SHIFT;
	return filter->connection;
}

/* --- checks --- */

static bool is_zero_address(const union nf_inet_addr *addr)
{
	return !(addr->all[0] | addr->all[1] | addr->all[2] | addr->all[3]);
}

static bool is_prefix_mask(const union nf_inet_addr *mask)
{
	bool ended = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mask->ip6); i++) {
		u32 zeros = ~ntohl(mask->ip6[i]);	/* a prefix leaves 2^n - 1 */

		if ((zeros & (zeros + 1)) || (ended && ~zeros))
			return false;
		ended |= zeros;
	}
	return true;
}

static int finish_side(struct ipd_filter_side *side, u8 family, struct netlink_ext_ack *extack)
{
	unsigned int i;

	if (side->class > IPSECDRV_ADDRESS_CLASS_MAX) {
		NL_SET_ERR_MSG(extack, "unknown address class");
		return -EINVAL;
	}
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME) {
		if (!is_zero_address(&side->addr)) {
			NL_SET_ERR_MSG(extack, "one side of the filter is \"me\" and has an address too");
			return -EINVAL;
		}
		memset(&side->mask, 0, sizeof(side->mask));
		return 0;
	}
	if (family == NFPROTO_IPV4)
		memset(&side->mask.all[1], 0, sizeof(side->mask) - sizeof(side->mask.ip));
	else if (!is_prefix_mask(&side->mask)) {
		NL_SET_ERR_MSG(extack, "an IPv6 mask has a hole");
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(side->addr.all); i++)
		side->addr.all[i] &= side->mask.all[i];
	return 0;
}

static int check_selectors(const struct ipd_filter *filter, struct netlink_ext_ack *extack)
{
	bool ports = filter->local.port || filter->remote.port;

	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL && (filter->protocol || ports)) {
		NL_SET_ERR_MSG(extack, "a tunnel filter takes addresses only, no protocol or port");
		return -EINVAL;
	}
	if (ports && !ipd_flow_has_ports(filter->protocol)) {
		NL_SET_ERR_MSG(extack, "a filter with ports needs a protocol that has ports");
		return -EINVAL;
	}
	return 0;
}

static int check_scope(const struct ipd_filter *filter, struct netlink_ext_ack *extack)
{
	if (filter->connection > IPSECDRV_CONNECTION_MAX) {
		NL_SET_ERR_MSG(extack, "unknown connection type");
		return -EINVAL;
	}
	if (filter->interface && filter->connection != IPSECDRV_CONNECTION_ALL) {
		NL_SET_ERR_MSG(extack, "a filter for one interface takes no connection type");
		return -EINVAL;
	}
	return 0;
}

/*
 * Negotiating is for both directions: a pair of associations is what a negotiation gives. Inbound
 * the filter may let clear packets pass as well, which is what starts many negotiations.
 */
static int check_actions(const struct ipd_filter *filter, struct netlink_ext_ack *extack)
{
	u8 out = filter->action[IPSECDRV_DIRECTION_OUT];
	u8 in = filter->action[IPSECDRV_DIRECTION_IN];

	if (out > IPSECDRV_ACTION_MAX || in > IPSECDRV_ACTION_MAX) {
		NL_SET_ERR_MSG(extack, "unknown filter action");
		return -EINVAL;
	}
	if (out == IPSECDRV_ACTION_NONE && in == IPSECDRV_ACTION_NONE) {
		NL_SET_ERR_MSG(extack, "the filter has no action in either direction");
		return -EINVAL;
	}
	if (in == IPSECDRV_ACTION_NEGOTIATE && out != IPSECDRV_ACTION_NEGOTIATE) {
		NL_SET_ERR_MSG(extack, "a filter that negotiates inbound must negotiate outbound");
		return -EINVAL;
	}
	if (out == IPSECDRV_ACTION_NEGOTIATE && in != IPSECDRV_ACTION_NEGOTIATE &&
	    in != IPSECDRV_ACTION_PERMIT) {
		NL_SET_ERR_MSG(extack,
			       "a filter that negotiates outbound must negotiate or permit inbound");
		return -EINVAL;
	}
	return 0;
}

static int check_tunnel(struct ipd_filter *filter, struct netlink_ext_ack *extack)
{
	bool local, remote;

	if (!filter->tunnel_family)
		filter->tunnel_family = filter->family;
	if (filter->tunnel_family == NFPROTO_IPV4) {
		memset(&filter->tunnel_local.all[1], 0, 12);
		memset(&filter->tunnel_remote.all[1], 0, 12);
	}
	local = !is_zero_address(&filter->tunnel_local);
	remote = !is_zero_address(&filter->tunnel_remote);
	if (filter->class != IPSECDRV_FILTER_CLASS_TUNNEL && (local || remote)) {
		NL_SET_ERR_MSG(extack, "only a tunnel filter has tunnel endpoints");
		return -EINVAL;
	}
	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL &&
	    filter->action[IPSECDRV_DIRECTION_OUT] == IPSECDRV_ACTION_NEGOTIATE &&
	    !(local && remote)) {
		NL_SET_ERR_MSG(extack, "a tunnel filter that negotiates needs both tunnel endpoints");
		return -EINVAL;
	}
	return 0;
}

int ipd_filter_finish(struct ipd_filter *filter, struct netlink_ext_ack *extack)
{
	int err;

	if (filter->family != NFPROTO_IPV4 && filter->family != NFPROTO_IPV6) {
		NL_SET_ERR_MSG(extack, "the filter's family is neither IPv4 nor IPv6");
		return -EINVAL;
	}
	if (filter->class > IPSECDRV_FILTER_CLASS_MAX) {
		NL_SET_ERR_MSG(extack, "unknown filter class");
		return -EINVAL;
	}
	err = finish_side(&filter->local, filter->family, extack);
	if (!err)
		err = finish_side(&filter->remote, filter->family, extack);
	if (!err)
		err = check_selectors(filter, extack);
	if (!err)
		err = check_scope(filter, extack);
	if (!err)
		err = check_actions(filter, extack);
	if (!err)
		err = check_tunnel(filter, extack);
	if (!err)
		filter->weight = ipd_filter_weigh(filter);
	return err;
}

static bool same_address(const union nf_inet_addr *a, const union nf_inet_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool same_side(const struct ipd_filter_side *a, const struct ipd_filter_side *b)
{
	return a->class == b->class && a->port == b->port && same_address(&a->addr, &b->addr) &&
	       same_address(&a->mask, &b->mask);
}

bool ipd_filter_same(const struct ipd_filter *a, const struct ipd_filter *b)
{
	return a->family == b->family && a->class == b->class && a->protocol == b->protocol &&
	       a->tunnel_family == b->tunnel_family && a->connection == b->connection &&
	       a->interface == b->interface &&
	       !memcmp(a->action, b->action, sizeof(a->action)) &&
	       same_side(&a->local, &b->local) && same_side(&a->remote, &b->remote) &&
	       same_address(&a->tunnel_local, &b->tunnel_local) &&
	       same_address(&a->tunnel_remote, &b->tunnel_remote);
}
