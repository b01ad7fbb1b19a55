/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one way out for packets that do not pass. The reasons are rows of the interface's
 * specification: counter, tracepoint, text and manual line come from there.
 */
#ifndef IPD_DROP_H
#define IPD_DROP_H

#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_net;
struct ipd_sa;
struct sk_buff;

struct ipd_drops {
	u64 packets[__IPSECDRV_DROP_MAX];
};

/*
 * Counts a packet that its caller drops, and tells of it. @sa is the association that took the
 * packet, which may be in clear already, or in clear no more; else NULL. Any context; @sa is
 * protected by RCU or a reference.
 */
void ipd_drop_count(struct ipd_net *ipd, const struct sk_buff *skb, const struct ipd_sa *sa,
		    u8 direction, u8 reason);
/* the same, and frees the packet */
void ipd_drop(struct ipd_net *ipd, struct sk_buff *skb, const struct ipd_sa *sa, u8 direction,
	      u8 reason);
u64 ipd_drop_sum(const struct ipd_net *ipd, u8 reason);

#endif /* IPD_DROP_H */
