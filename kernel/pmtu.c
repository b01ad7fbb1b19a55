// SPDX-License-Identifier: GPL-2.0-only
/*
 * A router between two gateways that cannot forward an ESP packet tells its sender, which is the
 * driver: "fragmentation needed" (RFC 792, 1191) or "packet too big" (RFC 4443), with the MTU and
 * the beginning of the packet. The stack knows nobody who would have sent ESP and forgets it, so it
 * is read here, whatever becomes of it then: it comes in clear, from any router.
 *
 * It is believed if it quotes what only somebody on the path can know (RFC 4301, section 8.2.1):
 * the endpoints, SPI and protocol of an outbound association, with a sequence number that was sent.
 * And it is believed only down to the least MTU that the stack accepts as well. Of ESP in UDP it has
 * to quote the ports as well, and more than the eight bytes that routers quote at least.
 *
 * What is learned is a property of the path to the endpoint, so it goes where the stack keeps
 * those: into an exception of the route, which is bounded, aged (10 minutes) and shared by all
 * associations with that endpoint. The next packet finds it as the MTU of its route, cuts its
 * streams for it and tells others what is left for them inside; so the value is never lowered by
 * our own overhead, and does not shrink with each packet.
 *
 * Example: the path's MTU is 1300, AES-GCM in a tunnel takes 57 to 60 bytes of it. A host sends
 * 1400 bytes with DF. The first packet is lost in the middle, the router tells us 1300. The second
 * one is refused by us, and the host is told 1242.
 */
#include "pmtu.h"

#include "compat.h"
#include "flow.h"
#include "net.h"
#include "sa.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

/* as of net.ipv4.route.min_pmtu, unless somebody changed that */
#define LEAST_IPV4	552

/* the beginning of ESP and the part of AH that we need */
struct quoted_esp {
	__be32 spi;
	__be32 sequence;
};

struct quoted_ah {
	u8 next, length;
	__be16 reserved;
	struct quoted_esp rest;
};

/* what an error says */
struct error {
	unsigned int quote;		/* where the quoted packet begins, from the network header */
	unsigned int mtu;
	union nf_inet_addr local;	/* as quoted */
	union nf_inet_addr remote;
	u8 protocol;
	struct udphdr udp;		/* around ESP; else zero */
	struct quoted_esp esp;
};

bool ipd_pmtu_is_error(const struct ipd_flow *flow)
{
	u8 type = ntohs(flow->remote_port), code = ntohs(flow->local_port);

	/* type and code are where the ports of an inbound packet's source and destination are */
	if (flow->flags & (IPD_FLOW_FRAGMENT | IPD_FLOW_MULTICAST))
		return false;
	if (flow->family == NFPROTO_IPV6)
		return flow->protocol == IPPROTO_ICMPV6 && type == ICMPV6_PKT_TOOBIG;
	return flow->protocol == IPPROTO_ICMP && type == ICMP_DEST_UNREACH &&
	       code == ICMP_FRAG_NEEDED;
}

static bool read_at(const struct sk_buff *skb, unsigned int offset, void *to, unsigned int len)
{
	return !skb_copy_bits(skb, skb_network_offset(skb) + offset, to, len);
}

/* SPI and number of the AH or ESP header at @offset */
static bool read_esp(const struct sk_buff *skb, unsigned int offset, struct error *error)
{
	struct quoted_ah ah;

	if (error->protocol == IPPROTO_UDP) {
		error->protocol = IPPROTO_ESP;
		return read_at(skb, offset, &error->udp, sizeof(error->udp)) &&
		       read_at(skb, offset + sizeof(error->udp), &error->esp, sizeof(error->esp));
	}
	if (error->protocol == IPPROTO_ESP)
		return read_at(skb, offset, &error->esp, sizeof(error->esp));
	if (error->protocol != IPPROTO_AH || !read_at(skb, offset, &ah, sizeof(ah)))
		return false;
	error->esp = ah.rest;
	return true;
}

static bool read_ipv4(struct sk_buff *skb, struct error *error)
{
	unsigned int at = ip_hdrlen(skb);
	struct icmphdr icmp;
	struct iphdr iph;

	error->quote = at + sizeof(icmp);
	if (!read_at(skb, at, &icmp, sizeof(icmp)) ||
	    !read_at(skb, error->quote, &iph, sizeof(iph)))
		return false;
	if (iph.version != 4 || iph.ihl < 5 || (iph.frag_off & htons(IP_OFFSET)) ||
	    nf_checksum(skb, NF_INET_PRE_ROUTING, at, IPPROTO_ICMP, NFPROTO_IPV4))
		return false;
	error->mtu = ntohs(icmp.un.frag.mtu);
	error->local.ip = iph.saddr;
	error->remote.ip = iph.daddr;
	error->protocol = iph.protocol;
	return error->mtu >= LEAST_IPV4 && read_esp(skb, error->quote + iph.ihl * 4, error);
}

/* Our packets have AH or ESP right behind the header, or behind that of a fragment of ours. */
static bool read_ipv6(struct sk_buff *skb, struct error *error)
{
	u8 next = ipv6_hdr(skb)->nexthdr;
	struct icmp6hdr icmp;
	struct frag_hdr frag;
	struct ipv6hdr ip6h;
	__be16 ignored;
	int at;

	at = ipv6_skip_exthdr(skb, skb_network_offset(skb) + sizeof(ip6h), &next, &ignored);
	if (at < 0 || next != IPPROTO_ICMPV6)
		return false;
	at -= skb_network_offset(skb);
	error->quote = at + sizeof(icmp);
	if (!read_at(skb, at, &icmp, sizeof(icmp)) ||
	    !read_at(skb, error->quote, &ip6h, sizeof(ip6h)))
		return false;
	if (ip6h.version != 6 ||
	    nf_checksum(skb, NF_INET_PRE_ROUTING, at, IPPROTO_ICMPV6, NFPROTO_IPV6))
		return false;
	error->mtu = ntohl(icmp.icmp6_mtu);
	error->local.in6 = ip6h.saddr;
	error->remote.in6 = ip6h.daddr;
	error->protocol = ip6h.nexthdr;
	at = error->quote + sizeof(ip6h);
	if (error->protocol == NEXTHDR_FRAGMENT) {
		if (!read_at(skb, at, &frag, sizeof(frag)) ||
		    (frag.frag_off & htons(IP6_OFFSET)))
			return false;
		error->protocol = frag.nexthdr;
		at += sizeof(frag);
	}
	return error->mtu >= IPV6_MIN_MTU && read_esp(skb, at, error);
}

/* whether the quoted packet is one that we have sent */
static bool is_ours(struct ipd_net *ipd, const struct error *error, u8 family)
{
	u32 number = ntohl(error->esp.sequence);
	const struct ipd_sa *sa;

	sa = ipd_sad_lookup_outbound(ipd->sad, family, &error->remote, error->esp.spi,
				     error->protocol);
	if (!sa || !ipd_sa_is_usable(sa) ||
	    memcmp(&sa->params.local, &error->local, family == NFPROTO_IPV4 ? 4 : 16) ||
	    error->udp.source != sa->params.encap_local_port ||
	    error->udp.dest != READ_ONCE(sa->mapping.port))
		return false;
	return number && number <= (u64)atomic64_read(&sa->sequence);
}

void ipd_pmtu_learn(struct ipd_net *ipd, struct sk_buff *skb, const struct ipd_flow *flow)
{
	bool is_ipv6 = flow->family == NFPROTO_IPV6;
	struct error error = {};

	if (!(is_ipv6 ? read_ipv6(skb, &error) : read_ipv4(skb, &error)) ||
	    !is_ours(ipd, &error, flow->family))
		return;
	if (!pskb_may_pull(skb, error.quote + (is_ipv6 ? sizeof(struct ipv6hdr) :
							 sizeof(struct iphdr))))
		return;
	/* the stack wants to see the quoted packet */
	__skb_pull(skb, error.quote);
	if (is_ipv6)
		ip6_update_pmtu(skb, ipd->net, htonl(error.mtu), 0, 0, sock_net_uid(ipd->net, NULL));
	else
		ipv4_update_pmtu(skb, ipd->net, error.mtu, 0, error.protocol);
	__skb_push(skb, error.quote);
}
