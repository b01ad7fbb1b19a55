// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP in UDP, so that it passes through NATs, which know ports only (RFC 3948):
 *
 *	IP | UDP | ESP | data | ESP trailer
 *
 * in transport and in tunnel mode. UDP is put around what ESP has made, and taken off before ESP
 * looks at the packet, so that ESP knows nothing of it. AH protects addresses, so it does not pass
 * through a NAT and is refused with UDP.
 *
 * The port of this host is 4500, which IKE's socket has as well. What comes to it is told apart by
 * its first bytes: an SPI is not zero, IKE puts four bytes of zero first, and a single byte 255 has
 * no other purpose than that NATs see a packet. ESP is taken when its SPI is that of an association
 * of ours in UDP. Everything else goes on as any packet in clear: to IKE's socket, or to that of
 * somebody who uses XFRM. Keepalives are swallowed, and so is what is none of the three; but only
 * while there are associations in UDP, and only if it is for this host.
 *
 * The UDP checksum says nothing that the integrity check value does not say better. It is sent as
 * zero in IPv4, and computed in IPv6, where zero is not allowed; it is not looked at (RFC 3948,
 * section 2.1: receivers must not depend on it being zero).
 *
 * What is inside. In transport mode the TCP or UDP header has a checksum over addresses that the
 * NAT has changed, where it could not correct it. The packet is authentic, so the checksum has
 * nothing to add, and is not believed either: it becomes one that is still to be computed, as in
 * packets that start here (CHECKSUM_PARTIAL; RFC 3948, section 3.1.2, second way). The stack does
 * not look at such a checksum, and if the packet ever leaves the host, it leaves with a right one.
 * That costs nothing per byte, and needs no word of IKE about the original addresses. It asks for
 * authentication, without which the checksum would be the only check there is: such associations
 * are refused. In tunnel mode the checksum is about addresses that no NAT has seen, and stays.
 *
 * Example: 10.0.0.5 behind the NAT 198.51.100.1 sends TCP to 192.0.2.1. On the wire behind the NAT
 * are 198.51.100.1:61234 -> 192.0.2.1:4500, UDP, ESP. The packet that TCP gets is one from
 * 198.51.100.1, so that is the address in filters and selectors as well.
 *
 * What that leaves open: 10.0.0.6 behind the same NAT has the same address here, and only the port of
 * UDP tells the two apart. Packets that come in say by their SPI whose they are. Packets that go out
 * do not: the newest association for the address takes them (acquire.c), so that hosts behind one
 * NAT need selectors with different ports, or tunnels with inner addresses of their own (RFC 3948,
 * section 5.2). A packet never leaves in clear for that.
 */
#include "natt.h"

#include "compat.h"
#include "encap.h"

#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/esp.h>
#include <net/ip6_checksum.h>

/* --- in -------------------------------------------------------------------------- */

static unsigned int offset_of(const struct sk_buff *skb, const struct ipd_place *place)
{
	return skb_network_offset(skb) + place->header;
}

/* the payload of the datagram: what is not one byte and not four or more is nothing */
static enum ipd_natt_kind classify_payload(const struct sk_buff *skb, unsigned int offset,
					   unsigned int len)
{
	__be32 first = 0;
	u8 byte = 0;

	if (len == 1 && !skb_copy_bits(skb, offset, &byte, 1))
		return byte == IPD_NATT_KEEPALIVE_BYTE ? IPD_NATT_KEEPALIVE : IPD_NATT_MALFORMED;
	if (len < sizeof(first) || skb_copy_bits(skb, offset, &first, sizeof(first)))
		return IPD_NATT_MALFORMED;
	if (!first)
		return IPD_NATT_IKE;
	return len < sizeof(struct ip_esp_hdr) ? IPD_NATT_MALFORMED : IPD_NATT_ESP;
}

enum ipd_natt_kind ipd_natt_classify(const struct sk_buff *skb, const struct ipd_place *place)
{
	unsigned int offset = offset_of(skb, place), len;
	const struct udphdr *udp;
	struct udphdr space;

	udp = skb_header_pointer(skb, offset, sizeof(space), &space);
	if (!udp)
		return IPD_NATT_MALFORMED;
	len = ntohs(udp->len);
	if (len < sizeof(*udp) || offset + len > skb->len)
		return IPD_NATT_MALFORMED;
	return classify_payload(skb, offset + sizeof(*udp), len - sizeof(*udp));
}

__be16 ipd_natt_source(const struct sk_buff *skb, const struct ipd_place *place)
{
	__be16 source = 0;

	skb_copy_bits(skb, offset_of(skb, place), &source, sizeof(source));
	return source;
}

int ipd_natt_strip(struct sk_buff *skb, u8 family, struct ipd_place *place)
{
	unsigned int offset = offset_of(skb, place), len;

	if (skb_ensure_writable(skb, offset + IPD_NATT_HEADER_LEN))
		return -ENOMEM;
	len = ntohs(((const struct udphdr *)(skb->data + offset))->len);
	if (len < IPD_NATT_HEADER_LEN || offset + len > skb->len)
		return -EPROTO;
	if (pskb_trim(skb, offset + len))
		return -ENOMEM;
	ipd_encap_pull(skb, place, IPD_NATT_HEADER_LEN, IPPROTO_ESP);
	place->protocol = IPPROTO_ESP;
	return ipd_encap_set_length(skb, family) ? -EPROTO : 0;
}

/* --- out ------------------------------------------------------------------------- */

int ipd_natt_push(struct sk_buff *skb, u8 family, const struct ipd_place *place, __be16 source,
		  __be16 destination)
{
	unsigned int len;
	struct udphdr *udp;
	int err;

	ipd_encap_push(skb, place, IPD_NATT_HEADER_LEN, IPPROTO_UDP);
	err = ipd_encap_set_length(skb, family);
	if (err)
		return err;
	len = skb->len - offset_of(skb, place);
	udp = udp_hdr(skb);
	udp->source = source;
	udp->dest = destination;
	udp->len = htons(len);
	udp->check = 0;
	if (family == NFPROTO_IPV6)
		udp->check = csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len,
					     IPPROTO_UDP, csum_partial(udp, len, 0)) ?:
			     CSUM_MANGLED_0;
	return 0;
}

/* --- inside ---------------------------------------------------------------------- */

/* where the checksum of @protocol is, if the addresses are in it; 0 if not, or not to be renewed */
static unsigned int checksum_offset(const u8 *header, unsigned int len, u8 protocol)
{
	const struct udphdr *udp = (const struct udphdr *)header;

	switch (protocol) {
	case IPPROTO_TCP:
		return len < sizeof(struct tcphdr) ? 0 : offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		/* without a checksum, or shorter than the packet, it is left alone */
		if (len < sizeof(*udp) || !udp->check || ntohs(udp->len) != len)
			return 0;
		return offsetof(struct udphdr, check);
	case IPPROTO_ICMPV6:
		return len < sizeof(struct icmp6hdr) ? 0 : offsetof(struct icmp6hdr, icmp6_cksum);
	default:
		return 0;
	}
}

static __sum16 pseudo_header_sum(const struct sk_buff *skb, u8 family, unsigned int len,
				 u8 protocol)
{
	if (family == NFPROTO_IPV6)
		return ~csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len,
					protocol, 0);
	return ~csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len, protocol, 0);
}

void ipd_natt_renew_checksum(struct sk_buff *skb, u8 family, const struct ipd_place *place)
{
	unsigned int start = offset_of(skb, place), at;
	u8 *header = skb->data + start;
	unsigned int len;

	if (skb_is_nonlinear(skb) || start >= skb->len)
		return;
	len = skb->len - start;
	at = checksum_offset(header, len, place->protocol);
	if (!at)
		return;
	put_unaligned((__force u16)pseudo_header_sum(skb, family, len, place->protocol),
		      (u16 *)(header + at));
	/* not skb_partial_csum_set(): the transport header stays, IPv6 counts extensions from it */
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + start;
	skb->csum_offset = at;
}
