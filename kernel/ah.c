// SPDX-License-Identifier: GPL-2.0-only
/*
 * AH, RFC 4302.
 *
 *	| IP, options or extension headers | next, length, SPI, sequence, ICV, padding | payload |
 *
 * The ICV covers all of it, with what changes on the way and the ICV itself as zeros. What is
 * hashed of the headers is a copy that is made so (ipd_encap_immutable()), followed by the payload
 * where it is: packet data is only read, and nothing has to be put back when a check fails.
 * Outbound the payload may be in memory that somebody still writes to, who then spoils his own
 * packet. Inbound it is copied first: what was checked must be what is delivered.
 *
 * The upper half of an extended sequence number is hashed behind all of it, and not sent (section
 * 2.5.1).
 *
 * The header is padded to 32 bits in IPv4 and to 64 in IPv6 (section 2.6). Inbound it may be any
 * longer multiple of 32 bits that could come of that: Linux, for one, pads to 64 bits in IPv4.
 */
#include "compat.h"
#include "encap.h"
#include "op.h"
#include "proto.h"
#include "sa.h"

#include <crypto/hash.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/math.h>
#include <net/ah.h>
#include <net/ip.h>

/* the header without ICV */
#define FIXED		sizeof(struct ip_auth_hdr)

static struct ip_auth_hdr *ah_header(const struct ipd_op *op)
{
	return (struct ip_auth_hdr *)(skb_network_header(op->skb) + op->place.header);
}

static unsigned int ah_header_len(const struct ipd_crypto *crypto, u8 family)
{
	return round_up(FIXED + crypto->icv_len, family == NFPROTO_IPV6 ? 8 : 4);
}

static unsigned int ah_grown(const struct ipd_crypto *crypto, u8 family, unsigned int payload)
{
	return ah_header_len(crypto, family) + payload;
}

static int ah_payload_max(const struct ipd_crypto *crypto, u8 family, unsigned int room)
{
	return max_t(int, (int)room - (int)ah_header_len(crypto, family), -1);
}

/* Hashes headers of @len bytes, AH included, and what follows them into op->digest. */
static int start_hash(struct ipd_op *op, unsigned int len, bool is_output)
{
	struct ahash_request *req = (struct ahash_request *)op->request;
	bool is_extended = op->sa->crypto.is_extended;
	struct sk_buff *skb = op->skb;
	struct ip_auth_hdr *copy;
	int n = 1, err;

	memcpy(op->headers, skb_network_header(skb), len);
	if (ipd_encap_immutable(op->headers, op->place.header, op->family, is_output))
		return -EPROTO;
	copy = (struct ip_auth_hdr *)(op->headers + op->place.header);
	memset(copy->auth_data, 0, op->sa->crypto.icv_len);

	sg_init_table(op->sg, ARRAY_SIZE(op->sg));
	sg_set_buf(op->sg, op->headers, len);
	if (skb->len > len) {
		err = skb_to_sgvec_nomark(skb, op->sg + 1, len, skb->len - len);
		if (err < 0)
			return -ENOMEM;
		n += err;
	}
	if (is_extended) {
		op->seq_high = htonl(upper_32_bits(op->seq));
		sg_set_buf(op->sg + n++, &op->seq_high, sizeof(op->seq_high));
	}
	sg_mark_end(op->sg + n - 1);

	ahash_request_set_tfm(req, op->sa->crypto.ahash);
	ahash_request_set_callback(req, 0, ipd_op_completion(), op);
	ahash_request_set_crypt(req, op->sg, op->digest,
				skb->len + (is_extended ? sizeof(op->seq_high) : 0));
	return ipd_op_crypto_error(crypto_ahash_digest(req));
}

/* chains of skbs would need a scatterlist without bound */
static int flatten(struct ipd_op *op)
{
	if (!skb_frags_readable(op->skb))
		return -EIO;
	if (!skb_has_frag_list(op->skb))
		return 0;
	this_cpu_inc(op->sa->sad->counters->copies[op->sa->params.direction]);
	return skb_linearize(op->skb) ? -ENOMEM : 0;
}

static int ah_output(struct ipd_op *op)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	unsigned int len = ah_header_len(crypto, op->family);
	struct sk_buff *skb = op->skb;
	struct ip_auth_hdr *ah;
	int err;

	if (op->place.header + len > IPD_OP_HEADERS)
		return -EPROTO;
	err = flatten(op);
	if (err)
		return err;
	if (!pskb_may_pull(skb, op->place.header) ||
	    skb_cow_head(skb, len + ipd_op_link_room(skb)))
		return -ENOMEM;
	ipd_encap_push(skb, &op->place, len, IPPROTO_AH);
	err = ipd_encap_set_length(skb, op->family);
	if (err)
		return err;
	ah = ah_header(op);
	memset(ah, 0, len);
	ah->nexthdr = op->place.protocol;
	ah->hdrlen = len / 4 - 2;
	ah->spi = op->sa->params.spi;
	ah->seq_no = htonl(op->seq);
	return start_hash(op, op->place.header + len, true);
}

static void ah_output_done(struct ipd_op *op)
{
	memcpy(ah_header(op)->auth_data, op->digest, op->sa->crypto.icv_len);
}

/* the length of an inbound header, or -EPROTO */
static int read_header_len(struct ipd_op *op)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	int len = ipv6_authlen(ah_header(op));

	if (len < FIXED + crypto->icv_len || len > round_up(FIXED + crypto->icv_len, 8))
		return -EPROTO;
	return op->place.header + len > IPD_OP_HEADERS ? -EPROTO : len;
}

static int ah_input(struct ipd_op *op)
{
	int err, len;

	err = ipd_op_own(op, 0, 0);
	if (err)
		return err;
	if (op->skb->len < op->place.header + FIXED)
		return -EPROTO;
	len = read_header_len(op);
	if (len < 0)
		return len;
	if (op->skb->len < op->place.header + len)
		return -EPROTO;
	return start_hash(op, op->place.header + len, false);
}

static int ah_check(struct ipd_op *op)
{
	return crypto_memneq(op->digest, ah_header(op)->auth_data, op->sa->crypto.icv_len) ?
		       -EBADMSG : 0;
}

static int ah_input_done(struct ipd_op *op)
{
	int len = read_header_len(op);
	struct sk_buff *skb = op->skb;
	u8 next;

	if (WARN_ON_ONCE(len < 0))
		return len;
	next = ah_header(op)->nexthdr;
	op->payload = skb->len - op->place.header - len;
	if (next == IPPROTO_NONE)
		return -ENOMSG;
	ipd_encap_pull(skb, &op->place, len, next);
	op->place.protocol = next;
	return ipd_encap_set_length(skb, op->family);
}

const struct ipd_proto_ops ipd_ah_ops = {
	.protocol = IPPROTO_AH,
	.header_len = FIXED,
	.spi_offset = offsetof(struct ip_auth_hdr, spi),
	.grown = ah_grown,
	.payload_max = ah_payload_max,
	.output = ah_output,
	.output_done = ah_output_done,
	.input = ah_input,
	.input_check = ah_check,
	.input_done = ah_input_done,
};
