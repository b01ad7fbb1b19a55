/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netfilter hooks: where packets meet the driver. Packet walk: hook.c.
 */
#ifndef IPD_HOOK_H
#define IPD_HOOK_H

#include <linux/types.h>

struct ipd_net;
struct ipd_sa;
struct net;
struct nf_hook_state;
struct sk_buff;
struct sock;

/*
 * Process context, under cfg_mutex. Until mode is set to a protecting one, the hooks let
 * everything pass. Both wait for packets under way: after register, no packet is past a hook that
 * it did not meet; after unregister, no packet is in a hook.
 */
int ipd_hook_register(struct ipd_net *ipd);
void ipd_hook_unregister(struct ipd_net *ipd);

/*
 * Go on with an inbound packet whose asynchronous unwrapping under @sa succeeded: the next header,
 * the check against the filters, and the rest of the way up. Consumes @skb. Softirq, RCU.
 */
void ipd_hook_input_resume(struct ipd_net *ipd, struct sk_buff *skb, struct ipd_sa *sa,
			   const struct nf_hook_state *state);

/*
 * Sends a packet by its route without another visit to POST_ROUTING, as an okfn. Its control
 * block is that of the family that skb->protocol says. Consumes @skb.
 */
int ipd_hook_send(struct net *net, struct sock *sk, struct sk_buff *skb);

/*
 * The complete decision again about an outbound packet that was held, with a route that is good.
 * Consumes @skb. RCU; process context.
 */
void ipd_hook_output_again(struct ipd_net *ipd, struct sk_buff *skb, u8 family);

#endif /* IPD_HOOK_H */
