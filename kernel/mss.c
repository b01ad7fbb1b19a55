// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver cannot tell TCP that its packets will grow: the route's MTU is that of the link, and
 * must stay so for the protected packets. Instead, SYN packets that go out or come in under an
 * association get their MSS lowered to what fits, so that both ends agree on smaller segments.
 * Connections that were there before, and paths whose MTU falls later, send segments that are too
 * large all the same: those are cut again, which TCP does not mind.
 */
#include "mss.h"

#include "compat.h"
#include "encap.h"

#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ipv6.h>
#include <net/tcp.h>

int ipd_mss_find_tcp(const struct sk_buff *skb, const struct ipd_place *place)
{
	int tcp = place->header;
	u8 protocol = place->protocol;
	__be16 fragment;

	if (protocol == NEXTHDR_DEST) {
		tcp = ipv6_skip_exthdr(skb, skb_network_offset(skb) + tcp, &protocol, &fragment);
		if (tcp < 0)
			return -1;
		tcp -= skb_network_offset(skb);
	}
	if (protocol != IPPROTO_TCP || skb->len < tcp + sizeof(struct tcphdr))
		return -1;
	return tcp;
}

/* where the value of the MSS option is in @options, or -1 */
static int find_option(const u8 *options, unsigned int len)
{
	unsigned int at = 0;

	while (at < len && options[at] != TCPOPT_EOL) {
		if (options[at] == TCPOPT_NOP) {
			at++;
			continue;
		}
		if (at + 2 > len || options[at + 1] < 2 || at + options[at + 1] > len)
			return -1;
		if (options[at] == TCPOPT_MSS && options[at + 1] == TCPOLEN_MSS)
			return at + 2;
		at += options[at + 1];
	}
	return -1;
}

/* a value at an odd offset counts with its bytes swapped */
static void replace(struct sk_buff *skb, struct tcphdr *th, u8 *value, unsigned int mss)
{
	__be16 old = get_unaligned((__be16 *)value), new = htons(mss);

	put_unaligned(new, (__be16 *)value);
	if ((value - (u8 *)th) & 1) {
		old = (__force __be16)swab16((__force u16)old);
		new = (__force __be16)swab16((__force u16)new);
	}
	inet_proto_csum_replace2(&th->check, skb, old, new, false);
}

int ipd_mss_clamp(struct sk_buff *skb, unsigned int tcp, unsigned int mss)
{
	unsigned int offset = skb_network_offset(skb) + tcp, len;
	const struct tcphdr *peek;
	struct tcphdr *th, space;
	int value;

	peek = skb_header_pointer(skb, offset, sizeof(space), &space);
	if (!peek || likely(!peek->syn) || peek->doff * 4 <= sizeof(*peek))
		return 0;
	len = peek->doff * 4;
	if (skb->len < offset + len)
		return 0;
	if (skb_ensure_writable(skb, offset + len))
		return -ENOMEM;
	th = (struct tcphdr *)(skb_network_header(skb) + tcp);
	value = find_option((u8 *)(th + 1), len - sizeof(*th));
	if (value >= 0 && get_unaligned_be16((u8 *)(th + 1) + value) > mss)
		replace(skb, th, (u8 *)(th + 1) + value, mss);
	return 0;
}

/* skb_gso_segment() reads what the clones of an skb share, so it has to be this one's alone */
static int own_shared_info(struct sk_buff *skb)
{
	if (skb_has_frag_list(skb))
		return skb_linearize(skb);
	return skb_unclone(skb, GFP_ATOMIC);
}

int ipd_mss_resegment(struct sk_buff *skb, unsigned int tcp, unsigned int len)
{
	unsigned int offset = skb_network_offset(skb) + tcp;
	const struct tcphdr *th;
	struct tcphdr space;
	unsigned int header;

	th = skb_header_pointer(skb, offset, sizeof(space), &space);
	if (!th || th->doff * 4 < sizeof(*th))
		return -EMSGSIZE;
	header = tcp + th->doff * 4;
	if (len <= header)
		return -EMSGSIZE;
	if (own_shared_info(skb))
		return -ENOMEM;
	if (!skb_is_gso(skb)) {
		skb_shinfo(skb)->gso_type = skb->protocol == htons(ETH_P_IPV6) ? SKB_GSO_TCPV6 :
										 SKB_GSO_TCPV4;
		skb_set_transport_header(skb, offset);
	}
	skb_shinfo(skb)->gso_size = len - header;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(skb->len - header, len - header);
	return 0;
}
