// SPDX-License-Identifier: GPL-2.0-only
#include <linux/percpu.h>
#include <linux/skbuff.h>

#include "drop.h"
#include "net.h"
#include "trace.h"

void ipd_drop_count(struct ipd_net *ipd, const struct sk_buff *skb, u8 reason)
{
	/* a reason that is no row would be a drop without a counter */
	if (WARN_ON_ONCE(reason >= __IPSECDRV_DROP_MAX))
		reason = IPSECDRV_DROP_NONE;
	this_cpu_inc(ipd->drops->packets[reason]);
	trace_ipd_drop(ipd->net, skb, reason);
}

void ipd_drop(struct ipd_net *ipd, struct sk_buff *skb, u8 reason)
{
	ipd_drop_count(ipd, skb, reason);
	kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
}

u64 ipd_drop_sum(const struct ipd_net *ipd, u8 reason)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(ipd->drops, cpu)->packets[reason]);
	return sum;
}
