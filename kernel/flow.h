/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the driver knows of a packet before it decides: addresses, protocol and ports, seen from
 * this host. For an outbound packet local is the source, for an inbound one the destination.
 */
#ifndef IPD_FLOW_H
#define IPD_FLOW_H

#include <linux/netfilter.h>
#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

struct net;
struct sk_buff;
struct sock;

/*
 * Compared and hashed as memory: every byte is set, unused address bytes are zero. ICMP has its
 * type in the place of the source port and its code in that of the destination port, as in the
 * interface's flow, so that echo and its reply are two flows, but filters never look at them.
 */
struct ipd_flow {
	union nf_inet_addr local;
	union nf_inet_addr remote;
	__be16 local_port;
	__be16 remote_port;
	u8 family;		/* NFPROTO_IPV4 or NFPROTO_IPV6 */
	u8 protocol;		/* transport protocol, after IPv6 extension headers */
	u8 direction;		/* enum ipsecdrv_direction */
	u8 flags;		/* IPD_FLOW_* */
	u16 scope;		/* ipd_scope_of() its interface; IPD_SCOPE_UNKNOWN if not set */
	u16 zero;
};

/* the protocol has ports, but this packet does not show them (a later fragment) */
#define IPD_FLOW_NO_PORTS	0x01
/* the destination is multicast or broadcast: never negotiated */
#define IPD_FLOW_MULTICAST	0x02
/* the packet is forwarded, not sent or received by this host; only known of outbound ones */
#define IPD_FLOW_FORWARDED	0x04
/* the packet is a fragment, so it cannot be unwrapped */
#define IPD_FLOW_FRAGMENT	0x08
/* a socket of this host sends it as itself: its source is "me", whatever has become of the address */
#define IPD_FLOW_OURS		0x10

/**
 * ipd_flow_parse() - read the flow of a packet
 * @skb: network header set; not changed. An outbound one has its route.
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @direction: enum ipsecdrv_direction
 * @flow: filled in whole
 *
 * Return: 0, or -EBADMSG when the headers are malformed. Softirq or process context.
 */
int __must_check ipd_flow_parse(const struct sk_buff *skb, u8 family, u8 direction,
				struct ipd_flow *flow);

/* What of an ICMP or ICMPv6 packet is not in its flow. */
struct ipd_flow_icmp {
	struct ipd_flow quoted;	/* the packet that an error is about: it went the other way */
	bool is_error;		/* with a quoted packet that can be read */
	__be16 id;		/* identifier: of an echo or another query or reply, else 0 */
	__be16 quoted_id;	/* the same of the quoted packet */
};

/**
 * ipd_flow_parse_icmp() - read the rest of an ICMP or ICMPv6 packet
 * @skb: as for ipd_flow_parse()
 * @flow: what that made of @skb
 * @icmp: filled in whole, with zeros when the packet is no ICMP
 */
void ipd_flow_parse_icmp(const struct sk_buff *skb, const struct ipd_flow *flow,
			 struct ipd_flow_icmp *icmp);

/* ICMP, or ICMPv6 in IPv6 */
bool ipd_flow_is_icmp(const struct ipd_flow *flow);
u8 ipd_flow_icmp_type(const struct ipd_flow *flow);

/* TCP, UDP, UDP-Lite, SCTP, DCCP */
bool ipd_flow_has_ports(u8 protocol);

/* by address alone; of IPv4 broadcasts only 255.255.255.255 can be told so */
bool ipd_flow_is_group(u8 family, const union nf_inet_addr *addr);

/**
 * ipd_flow_set_sender() - note whose socket an outbound packet is from
 * @flow: what ipd_flow_parse() made of the packet
 * @sk: the socket that sends it, or NULL: forwarded, or of a tunnel without one
 *
 * The address is no proof. IPv6 lets a socket go on with an address that has been taken away, and
 * in IPv4 that may happen between the route and this hook. Transparent proxies send as somebody
 * else, and who has no address yet is nobody.
 */
void ipd_flow_set_sender(struct ipd_flow *flow, const struct sock *sk);

/* whether @addr is a unicast address of this namespace now, in a VRF or not; RCU */
bool ipd_flow_is_me(struct net *net, u8 family, const union nf_inet_addr *addr);
/* whether the flow's local side is "me"; RCU */
static inline bool ipd_flow_is_local_me(struct net *net, const struct ipd_flow *flow)
{
	return (flow->flags & IPD_FLOW_OURS) || ipd_flow_is_me(net, flow->family, &flow->local);
}
/* VRF devices came or went */
void ipd_flow_count_vrfs(int change);

#endif /* IPD_FLOW_H */
