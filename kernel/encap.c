// SPDX-License-Identifier: GPL-2.0-only
/*
 * Header surgery of transport mode.
 *
 *	before:  IP | options or extension headers | data
 *	after:   IP | options or extension headers | AH or ESP | data
 *
 * The headers in front are moved, never the data: into the headroom on the way out, over the
 * removed header on the way in. Tunnel mode and UDP encapsulation put more in the same place, so
 * the functions know lengths and protocol numbers, but neither AH nor ESP.
 */
#include "encap.h"

#include "compat.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>

static int place_ipv4(const struct sk_buff *skb, struct ipd_place *place)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->ihl < 5 || iph->ihl * 4 > skb->len)
		return -EBADMSG;
	if (ip_is_fragment(iph))
		return -EAGAIN;
	place->header = iph->ihl * 4;
	place->name = offsetof(struct iphdr, protocol);
	place->protocol = iph->protocol;
	return 0;
}

/* the length of the extension header at @offset, and what follows it; -EBADMSG */
static int read_extension(const struct sk_buff *skb, unsigned int offset, u8 *next)
{
	const struct ipv6_opt_hdr *opt;
	struct ipv6_opt_hdr space;

	opt = skb_header_pointer(skb, skb_network_offset(skb) + offset, sizeof(space), &space);
	if (!opt)
		return -EBADMSG;
	if (offset + ipv6_optlen(opt) > skb->len)
		return -EBADMSG;
	*next = opt->nexthdr;
	return ipv6_optlen(opt);
}

/* whether a routing header is on the way to its last stop */
static bool has_stops(const struct sk_buff *skb, unsigned int offset)
{
	const struct ipv6_rt_hdr *rt;
	struct ipv6_rt_hdr space;

	rt = skb_header_pointer(skb, skb_network_offset(skb) + offset, sizeof(space), &space);
	return !rt || rt->segments_left;
}

/*
 * Destination options are for the stops on the way when a routing header follows them, and for
 * the last one otherwise: the place moves on only past hop-by-hop options and routing headers.
 */
static int place_output_ipv6(const struct sk_buff *skb, struct ipd_place *place)
{
	struct ipd_place at = {
		.header = sizeof(struct ipv6hdr),
		.name = offsetof(struct ipv6hdr, nexthdr),
		.protocol = ipv6_hdr(skb)->nexthdr,
	};
	int i, len;

	*place = at;
	for (i = 0; i < IPD_ENCAP_MAX_HEADERS; i++) {
		u8 this = at.protocol;

		if (this == NEXTHDR_FRAGMENT)
			return -EAGAIN;
		if (this != NEXTHDR_HOP && this != NEXTHDR_ROUTING && this != NEXTHDR_DEST)
			return 0;
		len = read_extension(skb, at.header, &at.protocol);
		if (len < 0)
			return len;
		at.name = at.header;
		at.header += len;
		if (this != NEXTHDR_DEST)
			*place = at;
	}
	return -EBADMSG;
}

static int place_input_ipv6(const struct sk_buff *skb, struct ipd_place *place)
{
	int i, len;

	place->header = sizeof(struct ipv6hdr);
	place->name = offsetof(struct ipv6hdr, nexthdr);
	place->protocol = ipv6_hdr(skb)->nexthdr;
	for (i = 0; i < IPD_ENCAP_MAX_HEADERS; i++) {
		switch (place->protocol) {
		case NEXTHDR_ESP:
		case NEXTHDR_AUTH:
		case NEXTHDR_UDP:
			return 0;
		case NEXTHDR_FRAGMENT:
			return -EAGAIN;
		case NEXTHDR_ROUTING:
			if (has_stops(skb, place->header))
				return -ENOENT;
			break;
		case NEXTHDR_HOP:
		case NEXTHDR_DEST:
			break;
		default:
			return -ENOENT;
		}
		len = read_extension(skb, place->header, &place->protocol);
		if (len < 0)
			return len;
		place->name = place->header;
		place->header += len;
	}
	return -EBADMSG;
}

int ipd_encap_place_output(const struct sk_buff *skb, u8 family, struct ipd_place *place)
{
	return family == NFPROTO_IPV6 ? place_output_ipv6(skb, place) : place_ipv4(skb, place);
}

static int place_input(const struct sk_buff *skb, u8 family, struct ipd_place *place)
{
	return family == NFPROTO_IPV6 ? place_input_ipv6(skb, place) : place_ipv4(skb, place);
}

int ipd_encap_place_input(const struct sk_buff *skb, u8 family, struct ipd_place *place)
{
	int err = place_input(skb, family, place);

	if (err)
		return err;
	return place->protocol == IPPROTO_ESP || place->protocol == IPPROTO_AH ? 0 : -ENOENT;
}

int ipd_encap_place_udp(const struct sk_buff *skb, u8 family, struct ipd_place *place)
{
	int err = place_input(skb, family, place);

	if (err)
		return err;
	return place->protocol == IPPROTO_UDP ? 0 : -ENOENT;
}

void ipd_encap_push(struct sk_buff *skb, const struct ipd_place *place, unsigned int len,
		    u8 protocol)
{
	u8 *old = skb_network_header(skb);

	__skb_push(skb, len);
	memmove(old - len, old, place->header);
	skb_set_network_header(skb, skb_network_offset(skb) - (int)len);
	skb_set_transport_header(skb, skb_network_offset(skb) + place->header);
	skb_network_header(skb)[place->name] = protocol;
}

void ipd_encap_pull(struct sk_buff *skb, const struct ipd_place *place, unsigned int len,
		    u8 protocol)
{
	int transport = skb_transport_offset(skb) - skb_network_offset(skb);
	u8 *old = skb_network_header(skb);

	memmove(old + len, old, place->header);
	__skb_pull(skb, len);
	skb_set_network_header(skb, skb_network_offset(skb) + (int)len);
	skb_set_transport_header(skb, skb_network_offset(skb) + transport);
	skb_mac_header_rebuild(skb);
	skb_network_header(skb)[place->name] = protocol;
}

int ipd_encap_set_length(struct sk_buff *skb, u8 family)
{
	unsigned int len = skb->len - skb_network_offset(skb);

	if (family == NFPROTO_IPV6) {
		len -= sizeof(struct ipv6hdr);
		if (len > IPV6_MAXPLEN)
			return -EMSGSIZE;
		ipv6_hdr(skb)->payload_len = htons(len);
		return 0;
	}
	if (len > IP_MAX_MTU)
		return -EMSGSIZE;
	ip_hdr(skb)->tot_len = htons(len);
	ip_send_check(ip_hdr(skb));
	return 0;
}

/* The options that routers leave alone (RFC 4302, appendix A1). */
static bool is_immutable_option(u8 type)
{
	switch (type) {
	case IPOPT_SEC:
	case IPOPT_COPY | 5:			/* extended security, RFC 1108 */
	case IPOPT_CIPSO:
	case IPOPT_RA:
	case IPOPT_COPY | 21:			/* sender directed multi-destination, RFC 1770 */
		return true;
	default:
		return false;
	}
}

/*
 * Zeroes the options that may change. A source route is one of them, but its last address is
 * the destination that the receiver will see: it goes into the copy of the header.
 */
static int immutable_options(struct iphdr *iph, u8 *option, unsigned int left, bool is_output)
{
	unsigned int len;

	while (left) {
		if (*option == IPOPT_END)
			return 0;
		if (*option == IPOPT_NOOP) {
			option++;
			left--;
			continue;
		}
		if (left < 2)
			return -EBADMSG;
		len = option[1];
		if (len < 2 || len > left)
			return -EBADMSG;
		if (*option == IPOPT_LSRR || *option == IPOPT_SSRR) {
			if (len < 3 || option[2] < 4)
				return -EBADMSG;
			/* the pointer is past the option at the last stop */
			if (is_output && option[2] + 3 <= len)
				memcpy(&iph->daddr, option + len - 4, 4);
		}
		if (!is_immutable_option(*option))
			memset(option, 0, len);
		option += len;
		left -= len;
	}
	return 0;
}

static int immutable_ipv4(u8 *buffer, unsigned int len, bool is_output)
{
	struct iphdr *iph = (struct iphdr *)buffer;

	iph->tos = 0;
	iph->frag_off = 0;
	iph->ttl = 0;
	iph->check = 0;
	return immutable_options(iph, buffer + sizeof(*iph), len - sizeof(*iph), is_output);
}

/* Zeroes the data of the options that say that they change on the way (RFC 8200, 4.2). */
static int immutable_tlvs(u8 *header, unsigned int len)
{
	unsigned int at = 2;

	while (at < len) {
		if (header[at] == IPV6_TLV_PAD1) {
			at++;
			continue;
		}
		if (at + 2 > len || at + 2 + header[at + 1] > len)
			return -EBADMSG;
		if (header[at] & 0x20)
			memset(header + at + 2, 0, header[at + 1]);
		at += 2 + header[at + 1];
	}
	return 0;
}

/*
 * Routing headers of types 0 and 2 as the last stop sees them: no stops left, the destination is
 * the last address, and those passed have taken each other's places.
 */
static int foresee_routing(struct ipv6hdr *ip6h, struct ipv6_rt_hdr *rt, unsigned int len)
{
	struct in6_addr *addrs = (struct in6_addr *)((u8 *)rt + 8);
	unsigned int n = (len - 8) / sizeof(*addrs);
	unsigned int left = rt->segments_left;
	struct in6_addr last;

	if (!left)
		return 0;
	if ((rt->type != 0 && rt->type != IPV6_SRCRT_TYPE_2) || len % 16 != 8 || left > n)
		return -EBADMSG;
	last = addrs[n - 1];
	memmove(&addrs[n - left + 1], &addrs[n - left], (left - 1) * sizeof(*addrs));
	addrs[n - left] = ip6h->daddr;
	ip6h->daddr = last;
	rt->segments_left = 0;
	return 0;
}

static int immutable_ipv6(u8 *buffer, unsigned int len, bool is_output)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)buffer;
	unsigned int at = sizeof(*ip6h), size;
	u8 next = ip6h->nexthdr;
	int err = 0;

	/* traffic class and flow label change; the version does not */
	*(__be32 *)buffer = htonl(6U << 28);
	ip6h->hop_limit = 0;
	while (at < len) {
		struct ipv6_opt_hdr *opt = (struct ipv6_opt_hdr *)(buffer + at);

		if (at + sizeof(*opt) > len)
			return -EBADMSG;
		size = ipv6_optlen(opt);
		if (at + size > len)
			return -EBADMSG;
		if (next == NEXTHDR_HOP || next == NEXTHDR_DEST)
			err = immutable_tlvs(buffer + at, size);
		else if (next == NEXTHDR_ROUTING && is_output)
			err = foresee_routing(ip6h, (struct ipv6_rt_hdr *)opt, size);
		if (err)
			return err;
		next = opt->nexthdr;
		at += size;
	}
	return 0;
}

int ipd_encap_immutable(u8 *buffer, unsigned int len, u8 family, bool is_output)
{
	return family == NFPROTO_IPV6 ? immutable_ipv6(buffer, len, is_output) :
					immutable_ipv4(buffer, len, is_output);
}
