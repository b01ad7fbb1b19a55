// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exemptions, one row each. The ipsecexempt level chooses among the first four; the rest is what
 * IPsec itself and IPv6 cannot do without:
 *
 *   level  multicast, broadcast  RSVP, Kerberos  IKE  neighbour discovery, MLD
 *   0      exempt                exempt          exempt  exempt
 *   1      exempt                -               exempt  exempt
 *   2      -                     exempt          exempt  exempt
 *   3      -                     -               exempt  exempt
 *
 * Kerberos is exempt by its port on either side, so levels 0 and 2 let a stranger reach any port
 * from his port 88; that is what they mean on Windows too, and why 3 is the default.
 * IKE is exempt by the port of this host: a peer behind a NAT has any port.
 * Rows for unicast hold only for packets that start or end here: what is forwarded for others
 * meets the filters. Neighbour discovery is never forwarded, but goes to groups, and to addresses
 * of which nobody knows yet whether they are ours.
 */
#include <linux/bits.h>
#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/kernel.h>
#include <linux/rtnetlink.h>
#include <net/route.h>

#include "exempt.h"
#include "flow.h"

#define ANY_LEVEL	(BIT(0) | BIT(1) | BIT(2) | BIT(3))

#define PORT_KERBEROS	88
#define PORT_IKE	500
#define PORT_IKE_NAT	4500

#define ICMPV6_MLD_FIRST	130	/* query, report, done: RFC 2710 */
#define ICMPV6_ND_LAST		137	/* solicitations, advertisements, redirect: RFC 4861 */
#define ICMPV6_MLD2_REPORT	143	/* RFC 3810 */

static bool is_multicast(const struct ipd_flow *flow)
{
	return flow->flags & IPD_FLOW_MULTICAST;
}

static bool is_rsvp(const struct ipd_flow *flow)
{
	return flow->protocol == IPPROTO_RSVP;
}

static bool is_kerberos(const struct ipd_flow *flow)
{
	return (flow->protocol == IPPROTO_UDP || flow->protocol == IPPROTO_TCP) &&
	       (flow->local_port == htons(PORT_KERBEROS) ||
		flow->remote_port == htons(PORT_KERBEROS));
}

static bool is_ike(const struct ipd_flow *flow)
{
	return flow->protocol == IPPROTO_UDP &&
	       (flow->local_port == htons(PORT_IKE) || flow->local_port == htons(PORT_IKE_NAT));
}

bool ipd_exempt_is_neighbour_discovery(const struct ipd_flow *flow)
{
	u8 type = ipd_flow_icmp_type(flow);

	return flow->family == NFPROTO_IPV6 && flow->protocol == IPPROTO_ICMPV6 &&
	       ((type >= ICMPV6_MLD_FIRST && type <= ICMPV6_ND_LAST) ||
		type == ICMPV6_MLD2_REPORT);
}

static const struct ipd_exemption {
	bool (*matches)(const struct ipd_flow *flow);
	u8 levels;
	enum ipd_exempt answer;
} ipd_exemptions[] = {
	{ is_ike, ANY_LEVEL, IPD_EXEMPT_HOST },
	{ ipd_exempt_is_neighbour_discovery, ANY_LEVEL, IPD_EXEMPT_LINK },
	{ is_multicast, BIT(0) | BIT(1), IPD_EXEMPT_YES },
	{ is_rsvp, BIT(0) | BIT(2), IPD_EXEMPT_HOST },
	{ is_kerberos, BIT(0) | BIT(2), IPD_EXEMPT_HOST },
};

enum ipd_exempt ipd_exempt_find(const struct ipd_flow *flow, u8 level)
{
	const struct ipd_exemption *row;

	for (row = ipd_exemptions; row < ipd_exemptions + ARRAY_SIZE(ipd_exemptions); row++)
		if (level <= IPD_EXEMPT_LEVEL_MAX && (row->levels & BIT(level)) &&
		    row->matches(flow))
			return row->answer;
	return IPD_EXEMPT_NO;
}

/*
 * An inbound packet to the broadcast address of a subnet cannot be told by its address alone.
 * Only the levels that exempt broadcast pay for the search.
 */
static bool is_subnet_broadcast(struct net *net, const struct ipd_flow *flow)
{
	return flow->family == NFPROTO_IPV4 && flow->direction == IPSECDRV_DIRECTION_IN &&
	       inet_addr_type(net, flow->local.ip) == RTN_BROADCAST;
}

bool ipd_exempt_is(struct net *net, const struct ipd_flow *flow, u8 level)
{
	switch (ipd_exempt_find(flow, level)) {
	case IPD_EXEMPT_YES:
		return true;
	case IPD_EXEMPT_LINK:
		return !(flow->flags & IPD_FLOW_FORWARDED);
	case IPD_EXEMPT_HOST:
		return !(flow->flags & IPD_FLOW_FORWARDED) &&
		       (flow->direction == IPSECDRV_DIRECTION_OUT ||
			ipd_flow_is_me(net, flow->family, &flow->local));
	case IPD_EXEMPT_NO:
		break;
	}
	return level <= 1 && is_subnet_broadcast(net, flow);
}
