// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP, RFC 4303.
 *
 *	| SPI | sequence | IV | payload | padding | pad length | next header | ICV |
 *	|<-- authenticated, with the AEAD's associated data being SPI to IV ->|
 *	                      |<-------------- encrypted -------------->|
 *
 * Both directions work in place on one linear buffer that is nobody else's, so that the crypto
 * code sees one scatterlist entry. Everything that is in frags, cloned or shared is copied first,
 * even when only marked as shared: pages of files have been overwritten where such marks were
 * lost.
 *
 * The upper half of an extended sequence number is authenticated, but not sent. The crypto code
 * wants it between the SPI and the lower half (RFC 4106, section 5; authencesn() moves it to
 * where RFC 4303, section 2.2.1, has it). So the associated data is a copy then:
 *
 *	| SPI | upper half | lower half | IV |
 *
 * IV: the sequence number for AES-GCM, where it must never repeat under a key (RFC 4106, section
 * 3.1); random bytes for CBC, where it must not be foreseeable (RFC 3602, section 3).
 */
#include "compat.h"
#include "encap.h"
#include "op.h"
#include "proto.h"
#include "sa.h"

#include <crypto/aead.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/math.h>
#include <linux/random.h>
#include <net/esp.h>
#include <net/ip.h>

/* pad length and next header */
#define TRAILER		2

static unsigned int esp_header_len(const struct ipd_crypto *crypto)
{
	return sizeof(struct ip_esp_hdr) + crypto->iv_len;
}

static unsigned int esp_grown(const struct ipd_crypto *crypto, u8 family, unsigned int payload)
{
	return esp_header_len(crypto) + round_up(payload + TRAILER, crypto->block) +
	       crypto->icv_len;
}

static int esp_payload_max(const struct ipd_crypto *crypto, u8 family, unsigned int room)
{
	unsigned int fixed = esp_header_len(crypto) + crypto->icv_len;

	if (room < fixed + crypto->block)
		return -1;
	return round_down(room - fixed, crypto->block) - TRAILER;
}

static void put_iv(struct ipd_op *op, u8 *iv)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	u64 random;
	int i;

	if (crypto->is_counter) {
		put_unaligned_be64(op->seq, iv);
	} else {
		for (i = 0; i < crypto->iv_len; i += sizeof(random)) {
			random = get_random_u64();
			memcpy(iv + i, &random, sizeof(random));
		}
	}
	/* the crypto code may write into its copy */
	memcpy(op->iv, iv, crypto->iv_len);
}

/* padding, its length and the next header; returns how many bytes are to be encrypted */
static unsigned int put_trailer(struct ipd_op *op)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	unsigned int total = round_up(op->payload + TRAILER, crypto->block);
	unsigned int pad = total - op->payload - TRAILER, i;
	u8 *trailer = skb_put(op->skb, pad + TRAILER + crypto->icv_len);

	for (i = 0; i < pad; i++)
		trailer[i] = i + 1;
	trailer[pad] = pad;
	trailer[pad + 1] = op->place.protocol;
	return total;
}

/* What is authenticated only, from SPI to IV: the packet's, or a copy. Returns its length. */
static unsigned int put_associated(struct ipd_op *op, u8 *start, unsigned int authenticated)
{
	unsigned int header_len = esp_header_len(&op->sa->crypto);
	u8 *copy = op->headers;

	if (!op->sa->crypto.is_extended) {
		sg_init_one(op->sg, start, header_len + authenticated);
		return header_len;
	}
	op->seq_high = htonl(upper_32_bits(op->seq));
	memcpy(copy, start, 4);
	memcpy(copy + 4, &op->seq_high, 4);
	memcpy(copy + 8, start + 4, header_len - 4);
	sg_init_table(op->sg, 2);
	sg_set_buf(&op->sg[0], copy, header_len + 4);
	sg_set_buf(&op->sg[1], start + header_len, authenticated);
	return header_len + 4;
}

static struct aead_request *prepare(struct ipd_op *op, u8 *start, unsigned int encrypted,
				    unsigned int authenticated)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	struct aead_request *req = (struct aead_request *)op->request;

	aead_request_set_tfm(req, crypto->aead);
	aead_request_set_callback(req, 0, ipd_op_completion(), op);
	aead_request_set_ad(req, put_associated(op, start, authenticated));
	aead_request_set_crypt(req, op->sg, op->sg, encrypted, op->iv);
	return req;
}

static int esp_output(struct ipd_op *op)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	unsigned int header_len = esp_header_len(crypto);
	struct sk_buff *skb = op->skb;
	struct ip_esp_hdr *esph;
	unsigned int encrypted;
	int err;

	err = ipd_op_own(op, header_len + ipd_sa_outer_len(op->sa, op->family) +
			     ipd_op_link_room(skb),
			 esp_grown(crypto, op->family, op->payload) - op->payload - header_len);
	if (err)
		return err;
	encrypted = put_trailer(op);
	ipd_encap_push(skb, &op->place, header_len, IPPROTO_ESP);
	err = ipd_encap_set_length(skb, op->family);
	if (err)
		return err;
	esph = ip_esp_hdr(skb);
	esph->spi = op->sa->params.spi;
	esph->seq_no = htonl(op->seq);
	put_iv(op, esph->enc_data);
	err = crypto_aead_encrypt(prepare(op, (u8 *)esph, encrypted, encrypted + crypto->icv_len));
	return ipd_op_crypto_error(err);
}

static void esp_output_done(struct ipd_op *op)
{
}

static int esp_input(struct ipd_op *op)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	unsigned int header_len = esp_header_len(crypto);
	unsigned int len = op->skb->len - op->place.header;
	unsigned int authenticated, encrypted;
	u8 *start;
	int err;

	if (len < header_len + crypto->block + crypto->icv_len)
		return -EPROTO;
	authenticated = len - header_len;
	encrypted = authenticated - crypto->icv_len;
	if (encrypted % crypto->block)
		return -EPROTO;
	err = ipd_op_own(op, 0, 0);
	if (err)
		return err;
	start = skb_network_header(op->skb) + op->place.header;
	memcpy(op->iv, start + sizeof(struct ip_esp_hdr), crypto->iv_len);
	/* the length of a ciphertext to decrypt counts its ICV */
	err = crypto_aead_decrypt(prepare(op, start, authenticated, authenticated));
	return ipd_op_crypto_error(err);
}

/*
 * The length of padding and trailer at the end of @encrypted bytes, or -EPROTO. The bytes of the
 * padding are looked at (RFC 4303, section 2.4): it costs little, and without authentication it
 * is the only check there is.
 */
static int read_trailer(const u8 *end, unsigned int encrypted, u8 *next)
{
	unsigned int pad = end[-TRAILER], i;

	if (pad + TRAILER > encrypted)
		return -EPROTO;
	for (i = 0; i < pad; i++)
		if (end[(int)i - (int)pad - TRAILER] != i + 1)
			return -EPROTO;
	*next = end[-1];
	return pad + TRAILER;
}

static int esp_input_done(struct ipd_op *op)
{
	const struct ipd_crypto *crypto = &op->sa->crypto;
	unsigned int header_len = esp_header_len(crypto);
	struct sk_buff *skb = op->skb;
	unsigned int encrypted;
	int trailer;
	u8 next;

	encrypted = skb->len - op->place.header - header_len - crypto->icv_len;
	trailer = read_trailer(skb_tail_pointer(skb) - crypto->icv_len, encrypted, &next);
	if (trailer < 0)
		return trailer;
	op->payload = encrypted - trailer;
	if (next == IPPROTO_NONE)
		return -ENOMSG;
	skb_trim(skb, skb->len - trailer - crypto->icv_len);
	ipd_encap_pull(skb, &op->place, header_len, next);
	op->place.protocol = next;
	return ipd_encap_set_length(skb, op->family);
}

const struct ipd_proto_ops ipd_esp_ops = {
	.protocol = IPPROTO_ESP,
	.header_len = sizeof(struct ip_esp_hdr),
	.spi_offset = offsetof(struct ip_esp_hdr, spi),
	.grown = esp_grown,
	.payload_max = esp_payload_max,
	.output = esp_output,
	.output_done = esp_output_done,
	.input = esp_input,
	.input_done = esp_input_done,
};
