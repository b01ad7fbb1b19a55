/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters and the search for the one that decides a packet. Theory of operation: filter.c.
 */
#ifndef IPD_FILTER_H
#define IPD_FILTER_H

#include <linux/netfilter.h>
#include <linux/rcupdate.h>
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

/* Immutable but for the counters once it is in a set. Counted: a set holds one reference. */
struct ipd_filter {
	struct ipd_filter_side local;
	struct ipd_filter_side remote;
	union nf_inet_addr tunnel_local;
	union nf_inet_addr tunnel_remote;
	u32 id;
	u32 weight;			/* larger is tried first; ipd_filter_weigh() */
	u8 family;			/* NFPROTO_IPV4 or NFPROTO_IPV6 */
	u8 tunnel_family;		/* of the tunnel's endpoints; 0 is family */
	u8 class;			/* enum ipsecdrv_filter_class */
	u8 protocol;			/* 0 is any */
	u8 action[2];			/* enum ipsecdrv_action by enum ipsecdrv_direction */
	u8 connection;			/* enum ipsecdrv_connection */
	u64 __percpu *hits;		/* two per CPU, by direction */
	refcount_t refs;
	struct ipd_interface *interface;	/* counted; NULL is every one */
	struct rcu_head rcu;
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

/* a new filter with one reference and no id; NULL without memory */
struct ipd_filter *ipd_filter_new(gfp_t gfp);
void ipd_filter_get(struct ipd_filter *filter);
/* freed a grace period after the last reference went; any context; NULL is fine */
void ipd_filter_put(struct ipd_filter *filter);
/* checks the fields, masks the addresses and sets the weight; -EINVAL with an extack sentence */
int __must_check ipd_filter_finish(struct ipd_filter *filter, struct netlink_ext_ack *extack);
/* the bits of a packet's scope that the filter asks for; 0 if for none */
u16 ipd_filter_scope(const struct ipd_filter *filter);
/* the weight of a filter, from what it looks at; a finished filter has it as its weight */
u32 ipd_filter_weigh(const struct ipd_filter *filter);
/* same traffic and same actions, whatever the ids */
bool ipd_filter_same(const struct ipd_filter *a, const struct ipd_filter *b);

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
