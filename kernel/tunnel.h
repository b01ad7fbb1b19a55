/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnel mode: the outer IP header, on and off, and its route. Theory of operation: tunnel.c.
 */
#ifndef IPD_TUNNEL_H
#define IPD_TUNNEL_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/types.h>

struct dst_entry;
struct ipd_place;
struct ipd_sa;
struct ipd_sa_params;
struct net;
struct sk_buff;

/* the length of the outer header */
static inline unsigned int ipd_tunnel_header_len(u8 family)
{
	return family == NFPROTO_IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

/* What follows the outer header; what it is, @place->protocol, is not known here. */
void ipd_tunnel_place(u8 family, struct ipd_place *place);

/*
 * Writes an IP header with the association's endpoints at the network header, where there is room
 * for it. @is_whole: nobody may cut the packet. Length, identification and checksum are left to
 * others. Pure.
 */
void ipd_tunnel_put_header(struct sk_buff *skb, const struct ipd_sa_params *ends, u8 tclass,
			   u8 hop_limit, bool is_whole, u8 protocol);
/* TTL or hop limit of packets that start here */
u8 ipd_tunnel_hop_limit(struct dst_entry *route, u8 family);

/**
 * ipd_tunnel_push() - put the outer IP header in front of a packet
 * @skb: data and network header at the inner IP header; the head is writable and has the room
 * @inner: family of the packet
 * @ends: the association's endpoints and their family
 * @hop_limit: TTL or hop limit
 * @place: result: where AH or ESP goes, and what will follow it
 *
 * A packet with ignore_df set may be fragmented on its way, whatever its own header says. Length,
 * identification and checksum of the header are left to others. Pure.
 */
void ipd_tunnel_push(struct sk_buff *skb, u8 inner, const struct ipd_sa_params *ends,
		     u8 hop_limit, struct ipd_place *place);

/**
 * ipd_tunnel_strip() - take the outer IP header off
 * @skb: network header at the outer IP header, AH or ESP gone already
 * @outer: its family
 * @place: where the inner packet starts, and what the header before it says that it is
 * @ret_inner: family of the inner packet
 *
 * The inner packet has a header that is complete and as long as it says; its length is cut to
 * what it says. A mark of congestion is handed down (RFC 6040, section 4.2).
 *
 * Return: 0, -EPROTO, or -ECOMM when the mark cannot be handed down.
 */
int __must_check ipd_tunnel_strip(struct sk_buff *skb, u8 outer, const struct ipd_place *place,
				  u8 *ret_inner);

/**
 * ipd_tunnel_route() - the route of an outbound association's protected packets
 * @sa: in tunnel mode; RCU
 * @net: the namespace
 * @mark: of the packet
 *
 * Return: a reference, or NULL when there is none that leads off this host. Any context.
 */
struct dst_entry *ipd_tunnel_route(struct ipd_sa *sa, struct net *net, u32 mark);

#endif /* IPD_TUNNEL_H */
