/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision about a packet in clear: one function for the hooks and for the match command.
 */
#ifndef IPD_DECIDE_H
#define IPD_DECIDE_H

#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_acquire;
struct ipd_filter;
struct ipd_flow;
struct ipd_flowcache;
struct ipd_net;
struct ipd_sa;

/* The pointers are valid in the RCU section of the decision. */
struct ipd_decision {
	const struct ipd_filter *filter;	/* what decided; NULL when none was asked */
	struct ipd_acquire *acquire;		/* the negotiation of an outbound packet, if any */
	struct ipd_sa *sa;			/* when the verdict is protect */
	u8 verdict;				/* enum ipsecdrv_verdict */
	u8 pass_reason;				/* when it is pass */
	u8 drop_reason;				/* when it is drop */
	u8 action;				/* the filter's, for the flow's direction */
};

/**
 * ipd_decide() - what is to happen to a packet
 * @ipd: the namespace
 * @cache: looked into and filled, or NULL
 * @flow: the packet; not one on the loopback device, and inbound ones are in clear
 * @decision: filled in whole
 *
 * Has no effect but on the cache. RCU, any context.
 */
void ipd_decide(struct ipd_net *ipd, struct ipd_flowcache *cache, const struct ipd_flow *flow,
		struct ipd_decision *decision);

/**
 * ipd_decide_filter() - only the filter that decides
 *
 * For packets that arrived under an association. As ipd_filter_lookup(), by way of the cache.
 */
const struct ipd_filter *ipd_decide_filter(struct ipd_net *ipd, struct ipd_flowcache *cache,
					   const struct ipd_flow *flow);
/* why a packet is dropped whose filter cannot be told, which is what @error says */
u8 ipd_decide_drop_reason(const struct ipd_filter *error);

#endif /* IPD_DECIDE_H */
