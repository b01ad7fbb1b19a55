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

struct ipd_filter;
struct ipd_flow;
struct ipd_net;
struct ipd_sa;
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

struct ipd_acquire;			/* one negotiation; RCU, private to acquire.c */

/* the selector that @filter dictates for @flow */
void ipd_selector_of(const struct ipd_filter *filter, const struct ipd_flow *flow,
		     struct ipd_selector *selector);
bool ipd_selector_matches(const struct ipd_selector *selector, const struct ipd_flow *flow);

/*
 * sad.c calls these under cfg_mutex when an outbound association becomes usable, or stops being
 * so. Attach finds or makes the negotiation of (sa->filter_id, sa->selector), makes @sa its
 * current association (the newest wins) and lets the held packets go; -ENOSPC, -ENOMEM. Detach
 * falls back to an older association that still lives, if there is one. After both the
 * generation has moved on.
 */
int ipd_acquire_attach(struct ipd_net *ipd, struct ipd_sa *sa);
void ipd_acquire_detach(struct ipd_net *ipd, struct ipd_sa *sa);

#endif /* IPD_ACQUIRE_H */
