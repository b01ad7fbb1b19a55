// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp.h>

#include "flow.h"

/* A chain of more extension headers than this is nobody's; it bounds the work per packet. */
#define MAX_EXTENSION_HEADERS	16

/* where in a packet the parsing is */
struct ipd_cursor {
	const struct sk_buff *skb;
	int offset;			/* of the transport header */
	bool later_fragment;		/* the transport header is in another packet */
	bool is_quoted;			/* in what an ICMP error quotes: not the packet of the route */
};

bool ipd_flow_has_ports(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

bool ipd_flow_is_icmp(const struct ipd_flow *flow)
{
	return flow->protocol == (flow->family == NFPROTO_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

u8 ipd_flow_icmp_type(const struct ipd_flow *flow)
{
	/* where the port of the packet's source would be */
	return ntohs(flow->direction == IPSECDRV_DIRECTION_OUT ? flow->local_port :
								 flow->remote_port);
}

bool ipd_flow_is_group(u8 family, const union nf_inet_addr *addr)
{
	if (family == NFPROTO_IPV6)
		return ipv6_addr_is_multicast(&addr->in6);
	return ipv4_is_multicast(addr->ip) || ipv4_is_lbcast(addr->ip);
}

/* VRF devices of all namespaces: IPv6 keeps addresses apart by VRF, and has no way to ask for all */
static atomic_t ipd_vrfs = ATOMIC_INIT(0);

void ipd_flow_count_vrfs(int change)
{
	atomic_add(change, &ipd_vrfs);
}

/* tentative addresses count: what is meant for them is meant for us */
static bool is_in_domain(struct net *net, const struct in6_addr *addr,
			 const struct net_device *master)
{
	return ipv6_chk_addr_and_flags(net, addr, master, true, 0, 0);
}

static bool is_in_vrf(struct net *net, const struct in6_addr *addr)
{
	const struct net_device *dev;

	for_each_netdev_rcu(net, dev)
		if (netif_is_l3_master(dev) && is_in_domain(net, addr, dev))
			return true;
	return false;
}

bool ipd_flow_is_me(struct net *net, u8 family, const union nf_inet_addr *addr)
{
	if (family == NFPROTO_IPV4)
		return __ip_dev_find(net, addr->ip, false);
	if (!ipv6_mod_enabled())
		return false;
	return is_in_domain(net, &addr->in6, NULL) ||
	       (atomic_read(&ipd_vrfs) && is_in_vrf(net, &addr->in6));
}

static bool has_source(const struct ipd_flow *flow)
{
	return flow->family == NFPROTO_IPV4 ? flow->local.ip != htonl(INADDR_ANY) :
					      !ipv6_addr_any(&flow->local.in6);
}

void ipd_flow_set_sender(struct ipd_flow *flow, const struct sock *sk)
{
	if (sk && (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	    !inet_sk_transparent(sk) && has_source(flow))
		flow->flags |= IPD_FLOW_OURS;
}

static void set_ends(struct ipd_flow *flow, __be16 source, __be16 destination)
{
	bool out = flow->direction == IPSECDRV_DIRECTION_OUT;

	flow->local_port = out ? source : destination;
	flow->remote_port = out ? destination : source;
}

static void parse_transport(const struct ipd_cursor *at, struct ipd_flow *flow)
{
	__be16 _ports[2], *ports;
	u8 _type[2], *type;

	if (ipd_flow_has_ports(flow->protocol)) {
		ports = at->later_fragment ? NULL :
			skb_header_pointer(at->skb, at->offset, sizeof(_ports), _ports);
		if (ports)
			set_ends(flow, ports[0], ports[1]);
		else
			flow->flags |= IPD_FLOW_NO_PORTS;
	} else if (ipd_flow_is_icmp(flow) && !at->later_fragment) {
		type = skb_header_pointer(at->skb, at->offset, sizeof(_type), _type);
		if (type)
			set_ends(flow, htons(type[0]), htons(type[1]));
	}
}

static int parse_ipv4(struct ipd_cursor *at, struct ipd_flow *flow)
{
	bool out = flow->direction == IPSECDRV_DIRECTION_OUT;
	const struct rtable *route = skb_rtable(at->skb);
	const struct iphdr *header;
	struct iphdr _header;

	header = skb_header_pointer(at->skb, at->offset, sizeof(_header), &_header);
	if (!header || header->version != 4 || header->ihl < 5)
		return -EBADMSG;
	flow->local.ip = out ? header->saddr : header->daddr;
	flow->remote.ip = out ? header->daddr : header->saddr;
	flow->protocol = header->protocol;
	if (ip_is_fragment(header))
		flow->flags |= IPD_FLOW_FRAGMENT;
	if (out && !at->is_quoted && (IPCB(at->skb)->flags & IPSKB_FORWARDED))
		flow->flags |= IPD_FLOW_FORWARDED;
	/* only the route knows the broadcast addresses of subnets */
	if (out && !at->is_quoted && route && (route->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)))
		flow->flags |= IPD_FLOW_MULTICAST;
	at->later_fragment = header->frag_off & htons(IP_OFFSET);
	at->offset += header->ihl * 4;
	return at->offset <= (int)at->skb->len ? 0 : -EBADMSG;
}

static bool is_skipped_extension(u8 next)
{
	return next == NEXTHDR_HOP || next == NEXTHDR_ROUTING || next == NEXTHDR_DEST ||
	       next == NEXTHDR_FRAGMENT;
}

static int parse_fragment_header(struct ipd_cursor *at, struct ipd_flow *flow)
{
	const struct frag_hdr *fragment;
	struct frag_hdr _fragment;

	fragment = skb_header_pointer(at->skb, at->offset, sizeof(_fragment), &_fragment);
	if (!fragment)
		return -EBADMSG;
	/* neither offset nor more to come: whole, whatever the header says (RFC 6946) */
	if (fragment->frag_off & htons(IP6_OFFSET | IP6_MF))
		flow->flags |= IPD_FLOW_FRAGMENT;
	at->later_fragment = fragment->frag_off & htons(IP6_OFFSET);
	at->offset += sizeof(*fragment);
	flow->protocol = fragment->nexthdr;
	/* the rest of the chain, and so the protocol, is in another packet */
	return at->later_fragment && is_skipped_extension(flow->protocol) ? -EBADMSG : 0;
}

static int skip_extensions(struct ipd_cursor *at, struct ipd_flow *flow)
{
	const struct ipv6_opt_hdr *option;
	struct ipv6_opt_hdr _option;
	int n, err;

	for (n = 0; is_skipped_extension(flow->protocol); n++) {
		if (n == MAX_EXTENSION_HEADERS)
			return -EBADMSG;
		if (flow->protocol == NEXTHDR_FRAGMENT) {
			err = parse_fragment_header(at, flow);
			if (err)
				return err;
			continue;
		}
		option = skb_header_pointer(at->skb, at->offset, sizeof(_option), &_option);
		if (!option)
			return -EBADMSG;
		flow->protocol = option->nexthdr;
		at->offset += ipv6_optlen(option);
	}
	return at->offset <= (int)at->skb->len ? 0 : -EBADMSG;
}

static int parse_ipv6(struct ipd_cursor *at, struct ipd_flow *flow)
{
	bool out = flow->direction == IPSECDRV_DIRECTION_OUT;
	const struct ipv6hdr *header;
	struct ipv6hdr _header;

	header = skb_header_pointer(at->skb, at->offset, sizeof(_header), &_header);
	if (!header || header->version != 6)
		return -EBADMSG;
	flow->local.in6 = out ? header->saddr : header->daddr;
	flow->remote.in6 = out ? header->daddr : header->saddr;
	flow->protocol = header->nexthdr;
	if (out && !at->is_quoted && (IP6CB(at->skb)->flags & IP6SKB_FORWARDED))
		flow->flags |= IPD_FLOW_FORWARDED;
	at->offset += sizeof(*header);
	return skip_extensions(at, flow);
}

/* @at is where the packet begins; afterwards, at its transport header */
static int parse_packet(struct ipd_cursor *at, u8 family, u8 direction, struct ipd_flow *flow)
{
	bool out = direction == IPSECDRV_DIRECTION_OUT;
	int err;

	memset(flow, 0, sizeof(*flow));
	flow->family = family;
	flow->direction = direction;
	err = family == NFPROTO_IPV4 ? parse_ipv4(at, flow) : parse_ipv6(at, flow);
	if (err)
		return err;
	if (ipd_flow_is_group(family, out ? &flow->remote : &flow->local))
		flow->flags |= IPD_FLOW_MULTICAST;
	parse_transport(at, flow);
	return 0;
}

int ipd_flow_parse(const struct sk_buff *skb, u8 family, u8 direction, struct ipd_flow *flow)
{
	struct ipd_cursor at = { .skb = skb, .offset = skb_network_offset(skb) };

	return parse_packet(&at, family, direction, flow);
}

static bool is_icmp_error(const struct ipd_flow *flow)
{
	u8 type = ipd_flow_icmp_type(flow);

	if (flow->family == NFPROTO_IPV6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* Behind type, code and checksum; what is no query has something else there, which is no matter. */
static __be16 parse_icmp_id(const struct ipd_cursor *at, const struct ipd_flow *flow)
{
	const struct icmphdr *header;
	struct icmphdr _header;

	if (!ipd_flow_is_icmp(flow) || at->later_fragment)
		return 0;
	header = skb_header_pointer(at->skb, at->offset, sizeof(_header), &_header);
	return header ? header->un.echo.id : 0;
}

void ipd_flow_parse_icmp(const struct sk_buff *skb, const struct ipd_flow *flow,
			 struct ipd_flow_icmp *icmp)
{
	struct ipd_cursor at = { .skb = skb, .offset = skb_network_offset(skb) };
	struct ipd_flow again;
	u8 other = flow->direction == IPSECDRV_DIRECTION_OUT ? IPSECDRV_DIRECTION_IN :
							       IPSECDRV_DIRECTION_OUT;

	memset(icmp, 0, sizeof(*icmp));
	if (!ipd_flow_is_icmp(flow) ||
	    parse_packet(&at, flow->family, flow->direction, &again) || at.later_fragment)
		return;
	if (!is_icmp_error(flow)) {
		icmp->id = parse_icmp_id(&at, flow);
		return;
	}
	at.offset += sizeof(struct icmphdr);	/* ICMPv6 has as much */
	at.is_quoted = true;
	if (parse_packet(&at, flow->family, other, &icmp->quoted))
		return;
	icmp->is_error = true;
	icmp->quoted_id = parse_icmp_id(&at, &icmp->quoted);
}
