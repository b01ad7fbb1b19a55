// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tunnel mode wraps a whole packet:
 *
 *	before:                IP | data
 *	after:  outer IP | ESP | IP | data | ESP trailer
 *
 * The outer header goes on first, and then protecting is what it is in transport mode: AH or ESP
 * goes between the outer header and what follows it, which happens to be an IP header. On the way
 * in, AH or ESP comes off first and the outer header after it. All four combinations of families
 * are the same work. A bundle has one tunnel: outer IP | AH | ESP | IP | data | ESP trailer; AH goes
 * around an outer packet as it does in transport mode.
 *
 * What the outer header says (RFC 4301, section 5.1.2; RFC 6040, section 4.1):
 *
 *	addresses	the association's endpoints
 *	DSCP, ECN	as inside; a congested packet stays one
 *	TTL		that of packets that start here, by the route
 *	DF		as inside; an IPv6 packet has it by its nature. Not when it was decided that
 *			the packet is too large and may be cut
 *	flow label	0
 *
 * and what is handed down on the way in (RFC 6040, figure 4): congestion, if the inner packet's
 * ends understand it; they do not, and the packet is dropped; and ECT(1) over ECT(0). Nothing else:
 * routers of the tunnel do not count as hops, and their DSCP is theirs.
 *
 * Example: host 10.1.0.2 sends 1400 bytes with DSCP 46, ECT(0) and DF to 10.2.0.2, the tunnel is
 * 192.0.2.1 to 192.0.2.2. On the wire are 192.0.2.1 -> 192.0.2.2, DSCP 46, ECT(0), DF, TTL 64, ESP.
 * A congested router in between makes that CE, and 10.2.0.2 gets a packet with DSCP 46 and CE.
 *
 * The route of the outer packets is remembered per association and CPU, as endpoints do not
 * change. Packets with a mark may have to take another way, and are looked up one by one.
 */
#include "tunnel.h"

#include "compat.h"
#include "encap.h"
#include "sa.h"

#include <linux/bottom_half.h>
#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/in.h>
#include <linux/skbuff.h>
#include <net/dst_cache.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

/* --- the header ------------------------------------------------------------------ */

static u8 traffic_class(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? ipv6_get_dsfield(ipv6_hdr(skb)) : ip_hdr(skb)->tos;
}

/* whether nobody may cut the packet on its way */
static bool is_whole(const struct sk_buff *skb, u8 family)
{
	if (skb->ignore_df)
		return false;
	return family == NFPROTO_IPV6 || (ip_hdr(skb)->frag_off & htons(IP_DF));
}

static void put_ipv4(struct sk_buff *skb, const struct ipd_sa_params *ends, u8 tos, u8 ttl,
		     bool is_whole, u8 protocol)
{
	struct iphdr *iph = ip_hdr(skb);

	memset(iph, 0, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = tos;
	iph->frag_off = is_whole ? htons(IP_DF) : 0;
	iph->ttl = ttl;
	iph->protocol = protocol;
	iph->saddr = ends->local.ip;
	iph->daddr = ends->remote.ip;
}

static void put_ipv6(struct sk_buff *skb, const struct ipd_sa_params *ends, u8 tclass,
		     u8 hop_limit, u8 next)
{
	struct ipv6hdr *ip6h = ipv6_hdr(skb);

	ip6_flow_hdr(ip6h, tclass, 0);
	ip6h->payload_len = 0;
	ip6h->nexthdr = next;
	ip6h->hop_limit = hop_limit;
	ip6h->saddr = ends->local.in6;
	ip6h->daddr = ends->remote.in6;
}

void ipd_tunnel_put_header(struct sk_buff *skb, const struct ipd_sa_params *ends, u8 tclass,
			   u8 hop_limit, bool is_whole, u8 protocol)
{
	if (ends->family == NFPROTO_IPV6) {
		put_ipv6(skb, ends, tclass, hop_limit, protocol);
		skb->protocol = htons(ETH_P_IPV6);
	} else {
		put_ipv4(skb, ends, tclass, hop_limit, is_whole, protocol);
		skb->protocol = htons(ETH_P_IP);
	}
}

u8 ipd_tunnel_hop_limit(struct dst_entry *route, u8 family)
{
	return family == NFPROTO_IPV6 ? ip6_dst_hoplimit(route) : ip4_dst_hoplimit(route);
}

void ipd_tunnel_place(u8 family, struct ipd_place *place)
{
	place->header = ipd_tunnel_header_len(family);
	place->name = family == NFPROTO_IPV6 ? offsetof(struct ipv6hdr, nexthdr) :
					       offsetof(struct iphdr, protocol);
}

void ipd_tunnel_push(struct sk_buff *skb, u8 inner, const struct ipd_sa_params *ends,
		     u8 hop_limit, struct ipd_place *place)
{
	unsigned int len = ipd_tunnel_header_len(ends->family);
	u8 tclass = traffic_class(skb, inner);
	bool whole = is_whole(skb, inner);

	ipd_tunnel_place(ends->family, place);
	place->protocol = inner == NFPROTO_IPV6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	__skb_push(skb, len);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, len);
	ipd_tunnel_put_header(skb, ends, tclass, hop_limit, whole, place->protocol);
}

/* the length that the inner header says, or -EPROTO */
static int inner_len_ipv4(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int len;

	if (skb->len < sizeof(*iph) || iph->version != 4 || iph->ihl < 5)
		return -EPROTO;
	len = ntohs(iph->tot_len);
	if (len < iph->ihl * 4 || len > skb->len || ip_fast_csum(iph, iph->ihl))
		return -EPROTO;
	return len;
}

static int inner_len_ipv6(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	unsigned int len;

	if (skb->len < sizeof(*ip6h) || ip6h->version != 6)
		return -EPROTO;
	len = sizeof(*ip6h) + ntohs(ip6h->payload_len);
	return len > skb->len ? -EPROTO : len;
}

/* the link layer's header names what follows it, for those who look at the packet again */
static void name_protocol(struct sk_buff *skb, u8 family)
{
	skb->protocol = family == NFPROTO_IPV6 ? htons(ETH_P_IPV6) : htons(ETH_P_IP);
	skb_mac_header_rebuild(skb);
	if (skb->dev && skb->dev->type == ARPHRD_ETHER && skb->mac_len >= ETH_HLEN)
		eth_hdr(skb)->h_proto = skb->protocol;
}

int ipd_tunnel_strip(struct sk_buff *skb, u8 outer, const struct ipd_place *place, u8 *ret_inner)
{
	u8 family = place->protocol == IPPROTO_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	u8 tclass = traffic_class(skb, outer);
	int len;

	if (place->protocol != IPPROTO_IPIP && place->protocol != IPPROTO_IPV6)
		return -EPROTO;
	__skb_pull(skb, skb_network_offset(skb) + place->header);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	len = family == NFPROTO_IPV6 ? inner_len_ipv6(skb) : inner_len_ipv4(skb);
	if (len < 0)
		return len;
	if (pskb_trim(skb, len))
		return -EPROTO;
	name_protocol(skb, family);
	if (INET_ECN_decapsulate(skb, tclass, traffic_class(skb, family)) > 1)
		return -ECOMM;
	*ret_inner = family;
	return 0;
}

/* --- the route ------------------------------------------------------------------- */

/*
 * Neither looks at XFRM's policies, which are not asked about packets of ours: they would see the
 * outer packet again otherwise.
 */
static struct dst_entry *find_ipv4(const struct ipd_sa_params *ends, struct net *net, u32 mark)
{
	struct flowi4 fl4 = {
		.flowi4_mark = mark,
		.daddr = ends->remote.ip,
		.saddr = ends->local.ip,
	};
	struct rtable *rt = __ip_route_output_key(net, &fl4);

	return IS_ERR(rt) ? NULL : &rt->dst;
}

static struct dst_entry *find_ipv6(const struct ipd_sa_params *ends, struct net *net, u32 mark)
{
	struct flowi6 fl6 = {
		.flowi6_mark = mark,
		.daddr = ends->remote.in6,
		.saddr = ends->local.in6,
	};

	return ip6_route_output(net, NULL, &fl6);
}

static struct dst_entry *find_route(const struct ipd_sa_params *ends, struct net *net, u32 mark)
{
	struct dst_entry *dst = ends->family == NFPROTO_IPV6 ? find_ipv6(ends, net, mark) :
							       find_ipv4(ends, net, mark);

	if (!dst)
		return NULL;
	if (!dst->error && !(dst_dev(dst)->flags & IFF_LOOPBACK))
		return dst;
	dst_release(dst);
	return NULL;
}

static void remember(struct ipd_sa *sa, struct dst_entry *dst)
{
	if (sa->params.family == NFPROTO_IPV6)
		dst_cache_set_ip6(&sa->route, dst, &sa->params.local.in6);
	else
		dst_cache_set_ip4(&sa->route, dst, sa->params.local.ip);
}

struct dst_entry *ipd_tunnel_route(struct ipd_sa *sa, struct net *net, u32 mark)
{
	struct dst_entry *dst = NULL;

	local_bh_disable();
	if (!mark)
		dst = dst_cache_get(&sa->route);
	if (!dst) {
		dst = find_route(&sa->params, net, mark);
		if (dst && !mark)
			remember(sa, dst);
	}
	local_bh_enable();
	return dst;
}
