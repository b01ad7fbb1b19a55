/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters and the search for the one that decides a packet. Theory of operation: filter.c.
 */
#ifndef IPD_FILTER_H
#define IPD_FILTER_H

#include <linux/atomic.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_flow;
struct ipd_interface;
struct net;
struct netlink_ext_ack;

/* one side of a filter */
struct ipd_filter_side {
	union nf_inet_addr addr;	/* masked */
	union nf_inet_addr mask;
	__be16 port;			/* 0 is any */
	u8 class;			/* enum ipsecdrv_address_class */
};

/* what a filter says, in full: how it is given to us, and how it is told to others */
struct ipd_filter_spec {
	struct ipd_filter_side local;
	struct ipd_filter_side remote;
	union nf_inet_addr tunnel_local;
	union nf_inet_addr tunnel_remote;
	struct ipd_interface *interface;	/* NULL is every one */
	u32 id;
	u8 family;			/* NFPROTO_IPV4 or NFPROTO_IPV6 */
	u8 tunnel_family;		/* of the tunnel's endpoints; 0 is family */
	u8 class;			/* enum ipsecdrv_filter_class */
	u8 protocol;			/* 0 is any */
	u8 action[2];			/* enum ipsecdrv_action by enum ipsecdrv_direction */
	u8 connection;			/* enum ipsecdrv_connection */
};

/* what few filters have */
struct ipd_filter_extra {
	struct ipd_interface *interface;	/* counted; NULL is every one */
	union nf_inet_addr tunnel_local;
	union nf_inet_addr tunnel_remote;
	u8 tunnel_family;
};

/*
 * The same as it is in force, in as little memory as there may be a million of them: 80 bytes for
 * IPv4. Addresses, ports, protocol, "me" and scope are in the key (key.h). Immutable but for the
 * counters once it is in a set. Counted: a set holds one reference.
 */
struct ipd_filter {
	atomic64_t early_hits[2];	/* by direction, before it had hits */
	struct ipd_filter_extra *extra;	/* or NULL */
	union {
		__be32 mask[2];		/* IPv4, which may have holes: local and remote */
		u8 prefix[2];		/* IPv6 */
	};
	u32 weight;			/* larger is tried first; ipd_filter_weigh() */
	refcount_t refs;
	u64 __percpu *hits;		/* of a busy one: two per CPU, by direction; or NULL */
	u32 id;
	u8 family;			/* NFPROTO_IPV4 or NFPROTO_IPV6 */
	u8 class;			/* enum ipsecdrv_filter_class */
	u8 protocol;			/* 0 is any */
	u8 connection;			/* enum ipsecdrv_connection */
	u8 action[2];			/* enum ipsecdrv_action by enum ipsecdrv_direction */
	u64 key[];			/* ipd_key_words() */
};

/*
 * A set is an immutable snapshot, read under RCU. Changing it makes another one that shares what
 * did not change. All functions that make or free sets run in process context under the
 * namespace's cfg_mutex.
 */
struct ipd_filter_set;

int ipd_filter_init(void);	/* before anything else here; -ENOMEM */
/* after the last set was given to ipd_filter_set_free() and the last filter was put; sleeps */
void ipd_filter_exit(void);

/* checks the fields and masks the addresses; -EINVAL with an extack sentence */
int __must_check ipd_filter_finish(struct ipd_filter_spec *spec, struct netlink_ext_ack *extack);
/*
 * A filter with one reference, of what is finished. Takes over the reference to the interface, or
 * leaves it when there is no memory, which is NULL.
 */
struct ipd_filter *ipd_filter_new(const struct ipd_filter_spec *spec, gfp_t gfp);
void ipd_filter_get(struct ipd_filter *filter);
/*
 * Frees it with the last reference. So who has none may look at a filter as long as a set has it,
 * which is until a grace period after ipd_filter_set_free(). Process context; NULL is fine.
 */
void ipd_filter_put(struct ipd_filter *filter);
/* what it was made of; the interface is borrowed */
void ipd_filter_describe(const struct ipd_filter *filter, struct ipd_filter_spec *spec);
/* the bits that it looks at, as those of a key: ipd_key_words() */
void ipd_filter_mask(const struct ipd_filter *filter, u64 *mask);
/* the weight of a filter, from what it looks at */
u32 ipd_filter_weigh(const struct ipd_filter_spec *spec);
/* same traffic and same actions, whatever the ids */
bool ipd_filter_same(const struct ipd_filter *a, const struct ipd_filter *b);

/* the one interface that it is for, or NULL */
static inline struct ipd_interface *ipd_filter_interface(const struct ipd_filter *filter)
{
	return filter->extra ? filter->extra->interface : NULL;
}

/* whether it is for some interfaces only */
static inline bool ipd_filter_is_scoped(const struct ipd_filter *filter)
{
	return filter->connection != IPSECDRV_CONNECTION_ALL || ipd_filter_interface(filter);
}

/*
 * Hits. Two counters for each CPU would take more memory than all the rest of a filter that is
 * never hit, as most are of many. So one has counters of its own at first, and gets some for each
 * CPU when it is found busy; without memory for that it goes on as before. None is lost.
 */
void ipd_filter_count_early(struct ipd_filter *filter, u8 direction);
u64 ipd_filter_hits(const struct ipd_filter *filter, u8 direction);

/* one packet more was decided; not immutable in this one respect; RCU */
static inline void ipd_filter_count(const struct ipd_filter *filter, u8 direction)
{
	u64 __percpu *hits = READ_ONCE(filter->hits);

	if (likely(hits))
		this_cpu_inc(hits[direction]);
	else
		ipd_filter_count_early((struct ipd_filter *)filter, direction);
}

struct ipd_filter_set *ipd_filter_set_new(void);	/* empty; NULL without memory */
/* frees after a grace period; drops the set's references */
void ipd_filter_set_free(struct ipd_filter_set *set);

/**
 * ipd_filter_set_build() - a set of these filters
 * @filters: finished filters; the set takes its own references
 * @n: how many
 * @extack: says why not: duplicate id, duplicate selectors (names both ids), too many filters or tuples
 *
 * Return: the set, or ERR_PTR().
 */
struct ipd_filter_set *ipd_filter_set_build(struct ipd_filter *const *filters, u32 n,
					    struct netlink_ext_ack *extack);
/* copies of @set with changes, only the touched tuples are copied; ERR_PTR() with extack */
struct ipd_filter_set *ipd_filter_set_add(const struct ipd_filter_set *set,
					  struct ipd_filter *const *filters, u32 n,
					  struct netlink_ext_ack *extack);
struct ipd_filter_set *ipd_filter_set_del(const struct ipd_filter_set *set, const u32 *ids, u32 n,
					  struct netlink_ext_ack *extack);

u32 ipd_filter_set_size(const struct ipd_filter_set *set);
u32 ipd_filter_set_tuples(const struct ipd_filter_set *set);
struct ipd_filter *ipd_filter_set_find(const struct ipd_filter_set *set, u32 id);
/* the filter at or after @cursor in weight order; advances @cursor; NULL at the end */
struct ipd_filter *ipd_filter_set_next(const struct ipd_filter_set *set, u64 *cursor);

/**
 * ipd_filter_lookup() - the filter that decides a flow
 * @set: snapshot, under RCU
 * @net: where "me" is asked for
 * @flow: the packet
 *
 * Tunnel filters first, then transport filters, most specific first; filters whose action for the
 * flow's direction is none are passed over. Of a flow without ports (IPD_FLOW_NO_PORTS) the ports
 * are unknown: a filter with ports that the rest of the flow matches is returned as an
 * ERR_PTR(-EAGAIN), so that the caller drops it rather than guesses. So is, as ERR_PTR(-ENODEV), a
 * flow whose interface is unknown, if there are filters for some interfaces only.
 *
 * Return: the filter, valid as long as the caller's RCU section, or NULL. Softirq; no locks.
 */
const struct ipd_filter *ipd_filter_lookup(const struct ipd_filter_set *set, struct net *net,
					   const struct ipd_flow *flow);

#endif /* IPD_FILTER_H */
