/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traffic that no filter is asked about in secure mode.
 */
#ifndef IPD_EXEMPT_H
#define IPD_EXEMPT_H

#include <linux/types.h>

struct ipd_flow;
struct net;

#define IPD_EXEMPT_LEVEL_DEFAULT	3
#define IPD_EXEMPT_LEVEL_MAX		3

enum ipd_exempt {
	IPD_EXEMPT_NO,
	IPD_EXEMPT_YES,
	IPD_EXEMPT_LINK,	/* yes, unless the packet is being forwarded */
	IPD_EXEMPT_HOST,	/* yes, when the packet starts or ends at this host */
};

/* what the table says of a flow at this ipsecexempt level; pure */
enum ipd_exempt ipd_exempt_find(const struct ipd_flow *flow, u8 level);

/* the same with all that has to be asked of the namespace; RCU */
bool ipd_exempt_is(struct net *net, const struct ipd_flow *flow, u8 level);

/* what IPv6 cannot do without, multicast listener discovery included; pure */
bool ipd_exempt_is_neighbour_discovery(const struct ipd_flow *flow);

#endif /* IPD_EXEMPT_H */
