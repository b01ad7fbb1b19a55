/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ESP in UDP (RFC 3948): the header on and off, what else comes to the port, and checksums that a
 * NAT made wrong. Theory of operation: natt.c.
 */
#ifndef IPD_NATT_H
#define IPD_NATT_H

#include <linux/types.h>
#include <linux/udp.h>

struct ipd_place;
struct sk_buff;

/* of this host; a NAT gives the peer any other (RFC 3947, section 4) */
#define IPD_NATT_PORT		4500
#define IPD_NATT_HEADER_LEN	sizeof(struct udphdr)

/* all that a keepalive consists of */
#define IPD_NATT_KEEPALIVE_BYTE	0xff

/* What a datagram to the port carries (RFC 3948, section 2). */
enum ipd_natt_kind {
	IPD_NATT_ESP,		/* an SPI comes first, somebody's */
	IPD_NATT_IKE,		/* four bytes of zero do */
	IPD_NATT_KEEPALIVE,	/* one byte, 255 */
	IPD_NATT_MALFORMED,
};

/*
 * All of them: the network header is set; softirq or process context. Pointers into the packet
 * are stale afterwards unless the skb is const.
 */

/* @place is that of the UDP header. After ESP the eight bytes of its header are there. */
enum ipd_natt_kind ipd_natt_classify(const struct sk_buff *skb, const struct ipd_place *place);

/* the port that the datagram came from; classified before */
__be16 ipd_natt_source(const struct sk_buff *skb, const struct ipd_place *place);

/*
 * Takes the UDP header at @place off, and what is behind the end that it says. @place is that of
 * ESP then. -ENOMEM, -EPROTO.
 */
int __must_check ipd_natt_strip(struct sk_buff *skb, u8 family, struct ipd_place *place);

/*
 * Puts a UDP header in front of the ESP header at @place. The head is writable and has the room;
 * the packet is linear. -EMSGSIZE.
 */
int __must_check ipd_natt_push(struct sk_buff *skb, u8 family, const struct ipd_place *place,
			       __be16 source, __be16 destination);

/*
 * Has the checksum of TCP, UDP or ICMPv6 at @place computed anew, with the addresses that the
 * packet has now, by whoever wants to see one. The packet is authentic, linear and writable.
 */
void ipd_natt_renew_checksum(struct sk_buff *skb, u8 family, const struct ipd_place *place);

#endif /* IPD_NATT_H */
