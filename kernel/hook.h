/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netfilter hooks.
 */
#ifndef IPD_HOOK_H
#define IPD_HOOK_H

struct ipd_net;
struct ipd_sa;
struct nf_hook_state;
struct sk_buff;

/* process context, under cfg_mutex */
int ipd_hook_register(struct ipd_net *ipd);
void ipd_hook_unregister(struct ipd_net *ipd);

/*
 * Go on with an inbound packet whose asynchronous unwrapping under @sa succeeded: the next header,
 * the check against the filters, and the rest of the way up. Consumes @skb. Softirq, RCU.
 */
void ipd_hook_input_resume(struct ipd_net *ipd, struct sk_buff *skb, struct ipd_sa *sa,
			   const struct nf_hook_state *state);

#endif /* IPD_HOOK_H */
