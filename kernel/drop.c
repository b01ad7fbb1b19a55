// SPDX-License-Identifier: GPL-2.0-only
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "diag.h"
#include "drop.h"
#include "flow.h"
#include "net.h"
#include "trace.h"

static void trace(struct ipd_net *ipd, const struct sk_buff *skb, u8 direction, u8 reason)
{
	u8 family = skb->protocol == htons(ETH_P_IPV6) ? NFPROTO_IPV6 : NFPROTO_IPV4;
	struct ipd_flow flow;

	/* as far as the headers can be read */
	if (ipd_flow_parse(skb, family, direction, &flow))
		flow.protocol = 0;
	trace_ipd_drop(ipd->net, skb, &flow, reason);
}

void ipd_drop_count(struct ipd_net *ipd, const struct sk_buff *skb, const struct ipd_sa *sa,
		    u8 direction, u8 reason)
{
	struct ipd_diag *diag;

	/* a reason that is no row would be a drop without a counter */
	if (WARN_ON_ONCE(reason >= __IPSECDRV_DROP_MAX))
		reason = IPSECDRV_DROP_NONE;
	this_cpu_inc(ipd->drops->packets[reason]);
	if (trace_ipd_drop_enabled())
		trace(ipd, skb, direction, reason);
	diag = READ_ONCE(ipd->diag);
	if (unlikely(diag))
		ipd_diag_note(diag, skb, sa, direction, reason);
}

/*
 * A module cannot name reasons of its own for dropwatch: the kernel has a fixed list of subsystems
 * that may. The general reasons that fit are told, and our tracepoint has the rest.
 */
static enum skb_drop_reason kernel_reason(u8 reason)
{
	switch (reason) {
	case IPSECDRV_DROP_NO_MEMORY:
		return SKB_DROP_REASON_NOMEM;
	case IPSECDRV_DROP_TOO_BIG:
		return SKB_DROP_REASON_PKT_TOO_BIG;
	case IPSECDRV_DROP_NO_ROUTE:
		return SKB_DROP_REASON_IP_OUTNOROUTES;
	default:
		return SKB_DROP_REASON_NETFILTER_DROP;
	}
}

void ipd_drop(struct ipd_net *ipd, struct sk_buff *skb, const struct ipd_sa *sa, u8 direction,
	      u8 reason)
{
	ipd_drop_count(ipd, skb, sa, direction, reason);
	kfree_skb_reason(skb, kernel_reason(reason));
}

u64 ipd_drop_sum(const struct ipd_net *ipd, u8 reason)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(ipd->drops, cpu)->packets[reason]);
	return sum;
}
