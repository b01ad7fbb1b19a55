/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the AH or ESP header of a packet is, or belongs, and how it is put in and taken out.
 */
#ifndef IPD_ENCAP_H
#define IPD_ENCAP_H

#include <linux/types.h>

struct sk_buff;

/* IPv6 extension headers that are looked at before a packet counts as malformed */
#define IPD_ENCAP_MAX_HEADERS	8

/* A place between two headers; offsets from the network header. */
struct ipd_place {
	u16 header;		/* where the header starts */
	u16 name;		/* the byte that says which header starts there */
	u8 protocol;		/* what it says */
};

/*
 * All of them: the network header is set; softirq or process context. Pointers into the packet
 * are stale afterwards unless the skb is const.
 */

/**
 * ipd_encap_place_output() - where transport mode puts its header
 * @skb: IPv4 or IPv6 packet, data at the network header
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @place: result
 *
 * In IPv4 after the options; in IPv6 after hop-by-hop options, routing header and the destination
 * options for its stops (RFC 4302 and 4303, section 3.1.1).
 *
 * Return: 0, -EBADMSG when malformed, -EAGAIN when it is a fragment, which transport mode does
 * not protect (RFC 4303, section 3.3.4).
 */
int __must_check ipd_encap_place_output(const struct sk_buff *skb, u8 family,
					struct ipd_place *place);

/*
 * Where the first AH or ESP header is, if the headers before it are ones that may be there.
 * 0, -ENOENT, -EBADMSG, or -EAGAIN for a fragment.
 */
int __must_check ipd_encap_place_input(const struct sk_buff *skb, u8 family,
				       struct ipd_place *place);
/* the same for UDP */
int __must_check ipd_encap_place_udp(const struct sk_buff *skb, u8 family,
				     struct ipd_place *place);

/*
 * Makes room for a header of @len bytes at @place and names it @protocol. The head is writable
 * and has the headroom. The packet's length is not set: ipd_encap_set_length().
 */
void ipd_encap_push(struct sk_buff *skb, const struct ipd_place *place, unsigned int len,
		    u8 protocol);

/* Takes @len bytes at @place out and names what follows @protocol; the head is writable. */
void ipd_encap_pull(struct sk_buff *skb, const struct ipd_place *place, unsigned int len,
		    u8 protocol);

/* The IP header's length and checksum, from skb->len. -EMSGSIZE when it does not fit in there. */
int __must_check ipd_encap_set_length(struct sk_buff *skb, u8 family);

/*
 * A copy of the @len bytes from the network header on, as the receiver sees them, with what may
 * change on the way zeroed (RFC 4302, section 3.3.3.1). @buffer holds IP header, options or
 * extension headers; @len ends before AH. @is_output: the packet is not at its last stop yet.
 * -EBADMSG for malformed options and for routing headers that cannot be foreseen.
 */
int __must_check ipd_encap_immutable(u8 *buffer, unsigned int len, u8 family, bool is_output);

#endif /* IPD_ENCAP_H */
