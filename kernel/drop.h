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
struct sk_buff;

struct ipd_drops {
	u64 packets[__IPSECDRV_DROP_MAX];
};

/* counts and traces; any context */
void ipd_drop_count(struct ipd_net *ipd, const struct sk_buff *skb, u8 reason);
/* counts, traces and frees the packet; any context */
void ipd_drop(struct ipd_net *ipd, struct sk_buff *skb, u8 reason);
u64 ipd_drop_sum(const struct ipd_net *ipd, u8 reason);

#endif /* IPD_DROP_H */
