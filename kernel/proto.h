/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What AH and ESP have in common: one table of functions each.
 */
#ifndef IPD_PROTO_H
#define IPD_PROTO_H

#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_crypto;
struct ipd_op;

/*
 * The functions that take an op run with bottom halves off, under RCU. Their errors are those of
 * ipd_op_reason(); output() and input() return what the crypto code does, -EINPROGRESS included,
 * after which op and packet are no longer theirs.
 */
struct ipd_proto_ops {
	u8 protocol;			/* IPPROTO_AH or IPPROTO_ESP */
	u8 header_len;			/* what has to be there to read SPI and sequence number */
	u8 spi_offset;			/* in the header; the sequence number follows */

	/* how many bytes @payload bytes become, header and trailer included */
	unsigned int (*grown)(const struct ipd_crypto *crypto, u8 family, unsigned int payload);
	/* the largest payload that does not become more than @room bytes; -1 if none */
	int (*payload_max)(const struct ipd_crypto *crypto, u8 family, unsigned int room);

	/*
	 * Puts header and trailer on op->skb at op->place and starts protecting; output_done()
	 * after the crypto code succeeded. The IP header is right then, length included.
	 */
	int (*output)(struct ipd_op *op);
	void (*output_done)(struct ipd_op *op);

	/*
	 * Starts checking op->skb, whose header is at op->place. After the crypto code succeeded
	 * input_check(), if there is one, says whether the packet is authentic; after its number
	 * was accepted, input_done() sets op->payload, takes the header off and leaves in op->place
	 * what follows. Its error -ENOMSG is not the packet's fault.
	 */
	int (*input)(struct ipd_op *op);
	int (*input_check)(struct ipd_op *op);
	int (*input_done)(struct ipd_op *op);
};

extern const struct ipd_proto_ops ipd_esp_ops;
extern const struct ipd_proto_ops ipd_ah_ops;

#endif /* IPD_PROTO_H */
