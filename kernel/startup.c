// SPDX-License-Identifier: GPL-2.0-only
/*
 * What passes before the agent has taken over:
 *
 *                                  stateful             block
 *                                  out       in         out       in
 *   neighbour discovery, MLD       pass      pass       pass      pass
 *   DHCP client                    pass      pass       pass      pass
 *   inbound boot exemption         -         pass       -         pass
 *   what answers it                pass      -          pass      -
 *   outbound boot exemption        open      -          open      -
 *   what answers an open flow      -         pass       -         pass
 *   anything else                  open      drop       drop      drop
 *
 * "Open" is: pass, and let the answers in. ICMP errors fare as an answer to the packet that they
 * quote. What is forwarded passes in neither mode: it has come in under no rule.
 *
 * Answers to inbound exemptions need no table: the ports tell them. So strangers, who can send as
 * many packets to an exempt port as they like, cannot displace a flow that this host opened.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "boot_exempt.h"
#include "exempt.h"
#include "flow.h"
#include "net.h"
#include "startup.h"
#include "stateful.h"

#define PORT_DHCP_CLIENT	68	/* RFC 2131, section 4.1 */
#define PORT_DHCP_SERVER	67
#define PORT_DHCPV6_CLIENT	546	/* RFC 8415, section 7.2 */
#define PORT_DHCPV6_SERVER	547

enum fate {
	FATE_DROP,
	FATE_PASS,	/* exempt */
	FATE_OPEN,	/* exempt, and so are the answers */
	FATE_STATEFUL,	/* leaves in stateful mode, or answers an open flow */
};

static const struct {
	u8 family, query, reply;
} icmp_queries[] = {
	{ NFPROTO_IPV4, ICMP_ECHO, ICMP_ECHOREPLY },
	{ NFPROTO_IPV4, ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY },
	{ NFPROTO_IPV6, ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY },
};

static u32 seconds(void)
{
	return ktime_get_boottime_seconds();
}

static bool is_dhcp(const struct ipd_flow *flow)
{
	bool ipv4 = flow->family == NFPROTO_IPV4;

	return flow->protocol == IPPROTO_UDP &&
	       flow->local_port == htons(ipv4 ? PORT_DHCP_CLIENT : PORT_DHCPV6_CLIENT) &&
	       flow->remote_port == htons(ipv4 ? PORT_DHCP_SERVER : PORT_DHCPV6_SERVER);
}

/* the type of the query that an ICMP packet is or, inbound, is the reply to; -1 when neither */
static int query_type(const struct ipd_flow *flow)
{
	bool out = flow->direction == IPSECDRV_DIRECTION_OUT;
	u8 type = ipd_flow_icmp_type(flow);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(icmp_queries); i++)
		if (icmp_queries[i].family == flow->family &&
		    type == (out ? icmp_queries[i].query : icmp_queries[i].reply))
			return icmp_queries[i].query;
	return -1;
}

/*
 * The flow that an outbound packet opens, or that an inbound one would be an answer to: the same
 * for both. False when there is no such flow. A group has no answers: they come from its members.
 */
static bool stateful_flow(const struct ipd_flow *flow, __be16 icmp_id,
			  struct ipd_stateful_flow *ret_flow)
{
	struct ipd_stateful_flow key = {
		.peer = flow->remote,
		.local_port = flow->local_port,
		.peer_port = flow->remote_port,
		.family = flow->family,
		.protocol = flow->protocol,
	};
	int type;

	if (flow->flags & (IPD_FLOW_NO_PORTS | IPD_FLOW_MULTICAST))
		return false;
	if (ipd_flow_is_icmp(flow)) {
		type = query_type(flow);
		if (type < 0)
			return false;
		key.local_port = icmp_id;
		key.peer_port = htons(type);
	}
	*ret_flow = key;
	return true;
}

static bool is_open(struct ipd_net *ipd, const struct ipd_flow *flow, __be16 icmp_id)
{
	struct ipd_stateful *table = rcu_dereference(ipd->stateful);
	struct ipd_stateful_flow key;

	/* to a broadcast address of a subnet, too, there are no answers */
	return table && stateful_flow(flow, icmp_id, &key) &&
	       ipd_flow_is_me(ipd->net, flow->family, &flow->local) &&
	       ipd_stateful_is_open(table, &key, seconds());
}

static void open(struct ipd_net *ipd, const struct ipd_flow *flow, __be16 icmp_id)
{
	struct ipd_stateful *table = rcu_dereference(ipd->stateful);
	struct ipd_stateful_flow key;

	if (table && stateful_flow(flow, icmp_id, &key))
		ipd_stateful_open(table, &key, seconds());
}

static enum fate find_exemption(const struct ipd_net *ipd, const struct ipd_flow *flow)
{
	if (ipd_exempt_is_neighbour_discovery(flow) || is_dhcp(flow) ||
	    ipd_boot_exempts_match_answer(ipd->boot_exempts, flow))
		return FATE_PASS;
	if (!ipd_boot_exempts_match(ipd->boot_exempts, flow))
		return FATE_DROP;
	return flow->direction == IPSECDRV_DIRECTION_OUT ? FATE_OPEN : FATE_PASS;
}

/* An error says something about a packet that passed here the other way, or it is none of ours. */
static enum fate judge_error(struct ipd_net *ipd, const struct ipd_flow *flow,
			     const struct ipd_flow_icmp *icmp)
{
	const struct ipd_flow *quoted = &icmp->quoted;

	if (!icmp->is_error || memcmp(&quoted->local, &flow->local, sizeof(flow->local)))
		return FATE_DROP;
	if (find_exemption(ipd, quoted) != FATE_DROP)
		return FATE_PASS;
	return is_open(ipd, quoted, icmp->quoted_id) ? FATE_STATEFUL : FATE_DROP;
}

static enum fate judge(struct ipd_net *ipd, enum ipd_mode_rule rule, const struct ipd_flow *flow,
		       const struct ipd_flow_icmp *icmp)
{
	enum fate fate;

	if (flow->flags & IPD_FLOW_FORWARDED)
		return FATE_DROP;
	fate = find_exemption(ipd, flow);
	if (fate != FATE_DROP)
		return fate;
	if (rule == IPD_MODE_RULE_OPEN)
		return FATE_STATEFUL;
	if (flow->direction == IPSECDRV_DIRECTION_IN && is_open(ipd, flow, icmp->id))
		return FATE_STATEFUL;
	return judge_error(ipd, flow, icmp);
}

static u8 reason_of(enum fate fate)
{
	switch (fate) {
	case FATE_PASS:
	case FATE_OPEN:
		return IPSECDRV_PASS_REASON_BOOT_EXEMPT;
	case FATE_STATEFUL:
		return IPSECDRV_PASS_REASON_STATEFUL;
	case FATE_DROP:
		break;
	}
	return IPSECDRV_PASS_REASON_NONE;
}

u8 ipd_startup_judge(struct ipd_net *ipd, enum ipd_mode_rule rule, const struct sk_buff *skb,
		     const struct ipd_flow *flow)
{
	struct ipd_flow_icmp icmp;
	enum fate fate;

	ipd_flow_parse_icmp(skb, flow, &icmp);
	fate = judge(ipd, rule, flow, &icmp);
	if (flow->direction == IPSECDRV_DIRECTION_OUT &&
	    (fate == FATE_OPEN || fate == FATE_STATEFUL))
		open(ipd, flow, icmp.id);
	return reason_of(fate);
}

u8 ipd_startup_match(struct ipd_net *ipd, enum ipd_mode_rule rule, const struct ipd_flow *flow)
{
	const struct ipd_flow_icmp icmp = {};

	return reason_of(judge(ipd, rule, flow, &icmp));
}

int ipd_startup_begin(struct ipd_net *ipd)
{
	struct ipd_stateful *table = ipd_stateful_new();

	if (!table)
		return -ENOMEM;
	rcu_assign_pointer(ipd->stateful, table);
	return 0;
}

void ipd_startup_end(struct ipd_net *ipd)
{
	struct ipd_stateful *table = rcu_replace_pointer(ipd->stateful, NULL, true);

	if (!table)
		return;
	synchronize_rcu();
	ipd_stateful_free(table);
}

u32 ipd_startup_count(struct ipd_net *ipd)
{
	struct ipd_stateful *table;
	u32 n;

	rcu_read_lock();
	table = rcu_dereference(ipd->stateful);
	n = table ? ipd_stateful_count(table, seconds()) : 0;
	rcu_read_unlock();
	return n;
}
