/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protecting startup modes, stateful and block: what passes before the agent has taken over.
 */
#ifndef IPD_STARTUP_H
#define IPD_STARTUP_H

#include <linux/types.h>

#include "mode.h"

struct ipd_flow;
struct ipd_net;
struct sk_buff;

/* Before the hooks of a protecting startup mode, and after it is over; process context. */
int __must_check ipd_startup_begin(struct ipd_net *ipd);
void ipd_startup_end(struct ipd_net *ipd);

/**
 * ipd_startup_judge() - a packet under a rule of a startup mode
 * @ipd: the namespace
 * @rule: OPEN, ANSWER or BOOT
 * @skb: the packet
 * @flow: what ipd_flow_parse() made of it
 *
 * Remembers what answers may come in. Return: why the packet passes, or
 * IPSECDRV_PASS_REASON_NONE when it does not. RCU, any context.
 */
u8 ipd_startup_judge(struct ipd_net *ipd, enum ipd_mode_rule rule, const struct sk_buff *skb,
		     const struct ipd_flow *flow);

/* The same without a packet, and without an effect. ICMP is taken as having the identifier 0. */
u8 ipd_startup_match(struct ipd_net *ipd, enum ipd_mode_rule rule, const struct ipd_flow *flow);

/* how many flows are open; 0 when the startup mode is over; process context */
u32 ipd_startup_count(struct ipd_net *ipd);

#endif /* IPD_STARTUP_H */
