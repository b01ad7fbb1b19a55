// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters: the object, its checks and its weight. What follows is the theory of the whole search;
 * the parts are tuple.c (search), filter_set.c (snapshots), filter_index.c (by id), table.c (hash
 * tables), flowcache.c.
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
 *  - There may be a million filters, most of which no packet ever meets. So one in force is small:
 *    it is its key (key.h), and a pointer to what few have. A probe reads tags, pieces of hashes of
 *    16 bits, many in a cache line, and a filter only when its tag is right (table.h).
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
#include "key.h"
#include "scope.h"

/* hits in one direction before a filter is a busy one */
#define BUSY_AFTER	256

static struct kmem_cache *filter_cache4, *filter_cache6;

static struct kmem_cache *cache_new(const char *name, unsigned int words)
{
	return kmem_cache_create(name, sizeof(struct ipd_filter) + words * sizeof(u64),
				 __alignof__(struct ipd_filter), SLAB_ACCOUNT, NULL);
}

int ipd_filter_init(void)
{
	filter_cache4 = cache_new("ipd_filter4", IPD_KEY_WORDS4);
	if (!filter_cache4)
		return -ENOMEM;
	filter_cache6 = cache_new("ipd_filter6", IPD_KEY_WORDS6);
	if (!filter_cache6)
		goto err_cache4;
	if (ipd_filter_set_init())
		goto err_cache6;
	return 0;

err_cache6:
	kmem_cache_destroy(filter_cache6);
err_cache4:
	kmem_cache_destroy(filter_cache4);
	return -ENOMEM;
}

void ipd_filter_exit(void)
{
	ipd_filter_set_exit();
	kmem_cache_destroy(filter_cache6);
	kmem_cache_destroy(filter_cache4);
}

/* --- packing --- */

static u8 prefix_of(const union nf_inet_addr *mask)
{
	u8 prefix = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mask->all); i++)
		prefix += hweight32(mask->all[i]);
	return prefix;
}

static void prefix_mask(unsigned int prefix, union nf_inet_addr *mask)
{
	unsigned int i, bits;

	for (i = 0; i < ARRAY_SIZE(mask->ip6); i++, prefix -= bits) {
		bits = min(prefix, 32U);
		mask->ip6[i] = bits ? htonl(~0U << (32 - bits)) : 0;
	}
}

/* the bits of a packet's scope that the filter asks for */
static u64 scope_of(const struct ipd_filter_spec *spec)
{
	u16 scope = spec->interface ? spec->interface->number << IPD_SCOPE_NUMBER_SHIFT :
				      spec->connection;

	return (u64)scope << IPD_KEY_SCOPE_SHIFT;
}

static u64 me_of(const struct ipd_filter_spec *spec)
{
	return (spec->local.class == IPSECDRV_ADDRESS_CLASS_ME ? IPD_KEY_LOCAL_ME : 0) |
	       (spec->remote.class == IPSECDRV_ADDRESS_CLASS_ME ? IPD_KEY_REMOTE_ME : 0);
}

static __always_inline void pack_key(const struct ipd_filter_spec *spec, u64 *key,
				     const unsigned int words)
{
	ipd_key_addresses(&spec->local.addr, &spec->remote.addr, key, words);
	key[words - 1] = ipd_key_ports(spec->local.port, spec->remote.port, spec->protocol) |
			 me_of(spec) | scope_of(spec);
}

static void pack(const struct ipd_filter_spec *spec, struct ipd_filter *filter)
{
	filter->id = spec->id;
	filter->family = spec->family;
	filter->class = spec->class;
	filter->protocol = spec->protocol;
	filter->connection = spec->connection;
	memcpy(filter->action, spec->action, sizeof(filter->action));
	filter->weight = ipd_filter_weigh(spec);
	if (spec->family == NFPROTO_IPV6) {
		filter->prefix[0] = prefix_of(&spec->local.mask);
		filter->prefix[1] = prefix_of(&spec->remote.mask);
		pack_key(spec, filter->key, IPD_KEY_WORDS6);
	} else {
		filter->mask[0] = spec->local.mask.ip;
		filter->mask[1] = spec->remote.mask.ip;
		pack_key(spec, filter->key, IPD_KEY_WORDS4);
	}
}

static void get_masks(const struct ipd_filter *filter, union nf_inet_addr *local,
		      union nf_inet_addr *remote)
{
	if (filter->family == NFPROTO_IPV6) {
		prefix_mask(filter->prefix[0], local);
		prefix_mask(filter->prefix[1], remote);
	} else {
		local->ip = filter->mask[0];
		remote->ip = filter->mask[1];
	}
}

void ipd_filter_describe(const struct ipd_filter *filter, struct ipd_filter_spec *spec)
{
	unsigned int words = ipd_key_words(filter->family);
	u64 last = filter->key[words - 1];

	memset(spec, 0, sizeof(*spec));
	spec->id = filter->id;
	spec->family = filter->family;
	spec->class = filter->class;
	spec->protocol = filter->protocol;
	spec->connection = filter->connection;
	memcpy(spec->action, filter->action, sizeof(spec->action));
	get_masks(filter, &spec->local.mask, &spec->remote.mask);
	ipd_key_get_addresses(filter->key, &spec->local.addr, &spec->remote.addr, words);
	spec->local.port = ipd_key_local_port(last);
	spec->remote.port = ipd_key_remote_port(last);
	spec->local.class = last & IPD_KEY_LOCAL_ME ? IPSECDRV_ADDRESS_CLASS_ME :
						      IPSECDRV_ADDRESS_CLASS_MASK;
	spec->remote.class = last & IPD_KEY_REMOTE_ME ? IPSECDRV_ADDRESS_CLASS_ME :
							IPSECDRV_ADDRESS_CLASS_MASK;
	spec->tunnel_family = filter->family;
	if (filter->extra) {
		spec->interface = filter->extra->interface;
		spec->tunnel_family = filter->extra->tunnel_family;
		spec->tunnel_local = filter->extra->tunnel_local;
		spec->tunnel_remote = filter->extra->tunnel_remote;
	}
}

void ipd_filter_mask(const struct ipd_filter *filter, u64 *mask)
{
	unsigned int words = ipd_key_words(filter->family);
	u64 key = filter->key[words - 1], last = key & IPD_KEY_ME;
	union nf_inet_addr local, remote;

	get_masks(filter, &local, &remote);
	ipd_key_addresses(&local, &remote, mask, words);
	if (ipd_key_local_port(key))
		last |= IPD_KEY_LOCAL_PORT;
	if (ipd_key_remote_port(key))
		last |= IPD_KEY_REMOTE_PORT;
	if (filter->protocol)
		last |= IPD_KEY_PROTOCOL;
	if (filter->connection != IPSECDRV_CONNECTION_ALL)
		last |= (u64)IPD_SCOPE_CONNECTION << IPD_KEY_SCOPE_SHIFT;
	if (ipd_filter_interface(filter))
		last |= (u64)IPD_SCOPE_NUMBER << IPD_KEY_SCOPE_SHIFT;
	mask[words - 1] = last;
}

/* --- life --- */

static struct kmem_cache *cache_of(u8 family)
{
	return family == NFPROTO_IPV6 ? filter_cache6 : filter_cache4;
}

static int add_extra(struct ipd_filter *filter, const struct ipd_filter_spec *spec, gfp_t gfp)
{
	struct ipd_filter_extra *extra;

	if (!spec->interface && spec->class != IPSECDRV_FILTER_CLASS_TUNNEL)
		return 0;
	extra = kzalloc(sizeof(*extra), gfp);
	if (!extra)
		return -ENOMEM;
	extra->interface = spec->interface;
	extra->tunnel_family = spec->tunnel_family;
	extra->tunnel_local = spec->tunnel_local;
	extra->tunnel_remote = spec->tunnel_remote;
	filter->extra = extra;
	return 0;
}

struct ipd_filter *ipd_filter_new(const struct ipd_filter_spec *spec, gfp_t gfp)
{
	struct ipd_filter *filter;

	filter = kmem_cache_zalloc(cache_of(spec->family), gfp);
	if (!filter)
		return NULL;
	if (add_extra(filter, spec, gfp)) {
		kmem_cache_free(cache_of(spec->family), filter);
		return NULL;
	}
	refcount_set(&filter->refs, 1);
	pack(spec, filter);
	return filter;
}

void ipd_filter_get(struct ipd_filter *filter)
{
	refcount_inc(&filter->refs);
}

void ipd_filter_put(struct ipd_filter *filter)
{
	if (!filter || !refcount_dec_and_test(&filter->refs))
		return;
	if (filter->extra)
		ipd_interface_put(filter->extra->interface);
	kfree(filter->extra);
	free_percpu(filter->hits);
	kmem_cache_free(cache_of(filter->family), filter);
}

/* --- hits --- */

noinline void ipd_filter_count_early(struct ipd_filter *filter, u8 direction)
{
	u64 __percpu *hits;

	if (atomic64_inc_return(&filter->early_hits[direction]) % BUSY_AFTER)
		return;
	hits = __alloc_percpu_gfp(2 * sizeof(*hits), __alignof__(*hits),
				  GFP_ATOMIC | __GFP_NOWARN);
	if (hits && cmpxchg(&filter->hits, NULL, hits))
		free_percpu(hits);	/* another CPU was first */
}

u64 ipd_filter_hits(const struct ipd_filter *filter, u8 direction)
{
	u64 __percpu *hits = READ_ONCE(filter->hits);
	u64 sum = atomic64_read(&filter->early_hits[direction]);
	int cpu;

	if (!hits)
		return sum;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(hits, cpu)[direction]);
	return sum;
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
u32 ipd_filter_weigh(const struct ipd_filter_spec *spec)
{
	return (u32)(spec->class == IPSECDRV_FILTER_CLASS_TUNNEL) << 24 |
	       side_bits(&spec->remote, spec->family) << 16 |
	       side_bits(&spec->local, spec->family) << 8 |
	       (u32)!!spec->protocol << 4 |
	       (u32)!!spec->remote.port << 3 |
	       (u32)!!spec->local.port << 2 |
	       (u32)!!spec->interface << 1 |
	       (u32)!!spec->connection;
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

static int check_selectors(const struct ipd_filter_spec *spec, struct netlink_ext_ack *extack)
{
	bool ports = spec->local.port || spec->remote.port;

	if (spec->class == IPSECDRV_FILTER_CLASS_TUNNEL && (spec->protocol || ports)) {
		NL_SET_ERR_MSG(extack, "a tunnel filter takes addresses only, no protocol or port");
		return -EINVAL;
	}
	if (ports && !ipd_flow_has_ports(spec->protocol)) {
		NL_SET_ERR_MSG(extack, "a filter with ports needs a protocol that has ports");
		return -EINVAL;
	}
	return 0;
}

static int check_scope(const struct ipd_filter_spec *spec, struct netlink_ext_ack *extack)
{
	if (spec->connection > IPSECDRV_CONNECTION_MAX) {
		NL_SET_ERR_MSG(extack, "unknown connection type");
		return -EINVAL;
	}
	if (spec->interface && spec->connection != IPSECDRV_CONNECTION_ALL) {
		NL_SET_ERR_MSG(extack, "a filter for one interface takes no connection type");
		return -EINVAL;
	}
	return 0;
}

/*
 * Negotiating is for both directions: a pair of associations is what a negotiation gives. Inbound
 * the filter may let clear packets pass as well, which is what starts many negotiations.
 */
static int check_actions(const struct ipd_filter_spec *spec, struct netlink_ext_ack *extack)
{
	u8 out = spec->action[IPSECDRV_DIRECTION_OUT];
	u8 in = spec->action[IPSECDRV_DIRECTION_IN];

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

static int check_tunnel(struct ipd_filter_spec *spec, struct netlink_ext_ack *extack)
{
	bool local, remote;

	if (!spec->tunnel_family)
		spec->tunnel_family = spec->family;
	if (spec->tunnel_family == NFPROTO_IPV4) {
		memset(&spec->tunnel_local.all[1], 0, 12);
		memset(&spec->tunnel_remote.all[1], 0, 12);
	}
	local = !is_zero_address(&spec->tunnel_local);
	remote = !is_zero_address(&spec->tunnel_remote);
	if (spec->class != IPSECDRV_FILTER_CLASS_TUNNEL && (local || remote)) {
		NL_SET_ERR_MSG(extack, "only a tunnel filter has tunnel endpoints");
		return -EINVAL;
	}
	if (spec->class == IPSECDRV_FILTER_CLASS_TUNNEL &&
	    spec->action[IPSECDRV_DIRECTION_OUT] == IPSECDRV_ACTION_NEGOTIATE &&
	    !(local && remote)) {
		NL_SET_ERR_MSG(extack, "a tunnel filter that negotiates needs both tunnel endpoints");
		return -EINVAL;
	}
	return 0;
}

int ipd_filter_finish(struct ipd_filter_spec *spec, struct netlink_ext_ack *extack)
{
	int err;

	if (spec->family != NFPROTO_IPV4 && spec->family != NFPROTO_IPV6) {
		NL_SET_ERR_MSG(extack, "the filter's family is neither IPv4 nor IPv6");
		return -EINVAL;
	}
	if (spec->class > IPSECDRV_FILTER_CLASS_MAX) {
		NL_SET_ERR_MSG(extack, "unknown filter class");
		return -EINVAL;
	}
	err = finish_side(&spec->local, spec->family, extack);
	if (!err)
		err = finish_side(&spec->remote, spec->family, extack);
	if (!err)
		err = check_selectors(spec, extack);
	if (!err)
		err = check_scope(spec, extack);
	if (!err)
		err = check_actions(spec, extack);
	if (!err)
		err = check_tunnel(spec, extack);
	return err;
}

static bool same_extra(const struct ipd_filter_extra *a, const struct ipd_filter_extra *b)
{
	if (!a || !b)
		return a == b;
	return a->interface == b->interface && a->tunnel_family == b->tunnel_family &&
	       !memcmp(&a->tunnel_local, &b->tunnel_local, sizeof(a->tunnel_local)) &&
	       !memcmp(&a->tunnel_remote, &b->tunnel_remote, sizeof(a->tunnel_remote));
}

bool ipd_filter_same(const struct ipd_filter *a, const struct ipd_filter *b)
{
	return a->family == b->family && a->class == b->class && a->connection == b->connection &&
	       !memcmp(a->action, b->action, sizeof(a->action)) &&
	       !memcmp(a->mask, b->mask, sizeof(a->mask)) &&
	       !memcmp(a->key, b->key, ipd_key_words(a->family) * sizeof(*a->key)) &&
	       same_extra(a->extra, b->extra);
}
