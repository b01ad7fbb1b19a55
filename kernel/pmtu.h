/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors that say that a protected packet was too big for its path. Theory: pmtu.c.
 */
#ifndef IPD_PMTU_H
#define IPD_PMTU_H

#include <linux/types.h>

struct ipd_flow;
struct ipd_net;
struct sk_buff;

/* whether an inbound packet may be such an error */
bool ipd_pmtu_is_error(const struct ipd_flow *flow);

/*
 * Believes an error, or not. @skb: inbound, data at the network header; its data may move. What
 * becomes of the packet is not decided here. Softirq, RCU.
 */
void ipd_pmtu_learn(struct ipd_net *ipd, struct sk_buff *skb, const struct ipd_flow *flow);

#endif /* IPD_PMTU_H */
