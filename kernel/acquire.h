/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Negotiations: what ties a negotiate filter and a pair of hosts to the security association that
 * protects them, and what holds their packets until there is one. Theory and states: acquire.c.
 */
#ifndef IPD_ACQUIRE_H
#define IPD_ACQUIRE_H

#include <linux/netfilter.h>
#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

#include "flow.h"

struct ipd_acquires;
struct ipd_filter;
struct ipd_net;
struct ipd_sa;
struct net_device;
struct netlink_ext_ack;
struct nf_hook_state;
struct sk_buff;

/* the exact traffic that a security association is for: a filter, narrowed to two hosts */
struct ipd_selector {
	union nf_inet_addr local;
	union nf_inet_addr remote;
	__be16 local_port;		/* 0 is any */
	__be16 remote_port;
	u8 family;
	u8 protocol;			/* 0 is any */
	u8 local_prefix;		/* 32 or 128 in transport mode */
	u8 remote_prefix;
};

/* the selector that @filter dictates for @flow; selector.c */
void ipd_selector_of(const struct ipd_filter *filter, const struct ipd_flow *flow,
		     struct ipd_selector *selector);
bool ipd_selector_matches(const struct ipd_selector *selector, const struct ipd_flow *flow);

struct ipd_acquire;			/* one negotiation; RCU, private to acquire.c */

enum ipd_acquire_state {
	IPD_ACQUIRE_NONE,		/* there is none, or it is over */
	IPD_ACQUIRE_LARVAL,		/* packets wait, the agent was asked */
	IPD_ACQUIRE_MATURE,		/* there is an association */
	IPD_ACQUIRE_FAILED,		/* packets are dropped for a while */
	IPD_ACQUIRE_SOFT,		/* packets pass in clear for a while */
};

/* of the module */
int ipd_acquire_init(void);
void ipd_acquire_exit(void);

struct ipd_acquires *ipd_acquires_new(struct ipd_net *ipd);	/* process context; NULL on OOM */
/* pre_exit, in_flight killed, hooks gone: drops what is held; no work runs after it */
void ipd_acquires_stop(struct ipd_acquires *acquires);
void ipd_acquires_free(struct ipd_acquires *acquires);		/* after the grace period */

/* --- the packet path: RCU, any context ------------------------------------- */

/* the negotiation of @flow under @filter, or NULL */
struct ipd_acquire *ipd_acquire_find(struct ipd_net *ipd, const struct ipd_filter *filter,
				     const struct ipd_flow *flow);
/* its state now; @ret_sa is the association to use when that is mature */
enum ipd_acquire_state ipd_acquire_look(const struct ipd_acquire *acquire,
					struct ipd_sa **ret_sa);
u32 ipd_acquire_id(const struct ipd_acquire *acquire);
/* older packets are still on their way out: later ones go behind them, by ipd_acquire_hold() */
bool ipd_acquire_is_releasing(const struct ipd_acquire *acquire);
/* whether one more negotiation would be allowed */
bool ipd_acquire_has_room(struct ipd_net *ipd);

/* where ipd_acquire_hold() puts a packet */
enum ipd_hold_place {
	IPD_HOLD_LAST,
	IPD_HOLD_FIRST,			/* it was held before, and is older than what is held now */
};

/**
 * ipd_acquire_hold() - keep an outbound packet until its negotiation is over
 * @ipd: the namespace
 * @filter: what decided
 * @flow: of the packet
 * @skb: with its route; orphaned and separated from everything that could go away
 * @place: in the order of the negotiation's packets
 * @ret_reason: why not
 *
 * Finds or starts the negotiation.
 *
 * Return: 0 when held. -EAGAIN when the state changed and the caller has to decide again. Else the
 * caller drops the packet for @ret_reason.
 */
int __must_check ipd_acquire_hold(struct ipd_net *ipd, const struct ipd_filter *filter,
				  const struct ipd_flow *flow, struct sk_buff *skb,
				  enum ipd_hold_place place, u8 *ret_reason);

/* --- control: process context, cfg_mutex ------------------------------------- */

/*
 * sad.c calls these when an outbound association becomes usable, or stops being so. Attach finds
 * or makes the negotiation of (sa->filter_id, sa->selector), makes @sa its current association
 * (the newest wins) and lets the held packets go; -ENOMEM. Detach falls back to an older
 * association that still lives, if there is one. After both the generation has moved on.
 */
int ipd_acquire_attach(struct ipd_net *ipd, struct ipd_sa *sa);
void ipd_acquire_detach(struct ipd_net *ipd, struct ipd_sa *sa);

/* the agent's answer to an acquire; -ENOENT, -EALREADY, -EINVAL with a sentence */
int ipd_acquire_end(struct ipd_net *ipd, u32 id, u8 result, u32 seconds,
		    struct netlink_ext_ack *extack);
/* forgets what has no association and a filter for which @gone; its packets are judged again */
void ipd_acquire_prune(struct ipd_net *ipd, bool (*gone)(u32 filter_id, void *data), void *data);
/* forgets what failed, and who may be spoken to in clear */
void ipd_acquire_forget(struct ipd_net *ipd);
/* the device leaves: drops what was to leave by it; also under RTNL */
void ipd_acquire_drop_device(struct ipd_net *ipd, const struct net_device *dev);

/* a copy of a negotiation that has no association */
struct ipd_acquire_info {
	struct ipd_selector selector;
	struct ipd_flow flow;		/* of the packet that started it */
	u32 id;
	u32 filter_id;
	u8 state;			/* enum ipd_acquire_state */
};

/* the one at or after @cursor in the order of ids; advances @cursor; false at the end */
bool ipd_acquire_next(struct ipd_net *ipd, unsigned long *cursor,
		      struct ipd_acquire_info *ret_info);
/* changes whenever the answers of ipd_acquire_next() do; never 0 */
u32 ipd_acquire_changes(struct ipd_net *ipd);

struct ipd_acquire_counts {
	u64 acquires, failures;
	u32 held_packets, held_bytes;
};

void ipd_acquire_count(struct ipd_net *ipd, struct ipd_acquire_counts *ret_counts);

#endif /* IPD_ACQUIRE_H */
