/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One packet's way through the crypto code. Theory of operation: op.c.
 */
#ifndef IPD_OP_H
#define IPD_OP_H

#include <linux/crypto.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <net/dst.h>

#include "compat.h"
#include "crypto.h"
#include "encap.h"
#include "ring.h"

struct ipd_net;
struct ipd_sa;

/* IP header, options or extension headers, AH: longer ones are not protected */
#define IPD_OP_HEADERS	512

struct ipd_op {
	struct ipd_op *next;		/* while it is a spare one */
	struct ipd_net *ipd;
	struct ipd_sa *sa;
	struct sk_buff *skb;
	void (*resume)(struct ipd_op *op, int err);	/* asynchronous: ends it; BH off, RCU */
	int (*run)(struct ipd_op *op);	/* parallel: what any CPU may do; see there */
	void (*go_on)(struct ipd_op *op, int err);	/* parallel: resume(), when it is its turn */
	struct ipd_ring_item item;	/* parallel */
	int result;			/* parallel: of run() or its request */
	u64 seq;			/* whole, inferred once if extended */
	__be32 seq_high;		/* its upper half, for the crypto code */
	__be16 udp_source;		/* port that an inbound packet in UDP came from; else 0 */
	struct ipd_place place;		/* of the AH or ESP header */
	unsigned int payload;		/* bytes that are protected, without padding */
	u8 family;
	bool is_held;			/* the references below are taken */
	struct nf_hook_state state;	/* while held */
	struct net_device *dev;		/* while held */
	unsigned int request_size;	/* room for the request */
	u8 iv[IPD_CRYPTO_MAX_IV];
	u8 digest[IPD_CRYPTO_MAX_DIGEST];
	u8 headers[IPD_OP_HEADERS] __aligned(8);
	struct scatterlist sg[MAX_SKB_FRAGS + 3];	/* headers, linear data, frags, seq_high */
	u8 request[] __aligned(CRYPTO_MINALIGN);
};

/* of the module: after the last namespace and an RCU grace period */
void ipd_op_exit(void);

/* An op with room for a request of @request_size; NULL without memory. BH off. */
struct ipd_op *ipd_op_get(unsigned int request_size);
/* BH off; op->skb is the caller's */
void ipd_op_put(struct ipd_op *op);

/* The packet was protected, or opened: its bytes, by what was done for them. BH off. */
void ipd_op_count(const struct ipd_op *op);

/*
 * Takes what has to stay until an asynchronous request ends: namespace, association, devices,
 * route. Does nothing for associations whose packets do not leave the caller. -ESHUTDOWN,
 * -EHOSTUNREACH, -EKEYEXPIRED.
 */
int __must_check ipd_op_hold(struct ipd_op *op, const struct nf_hook_state *state);
void ipd_op_release(struct ipd_op *op);

/*
 * Makes the packet linear and nobody else's, with @head bytes before it and @tail bytes behind.
 * The skb stays the same, its data may move. -ENOMEM, -EIO.
 */
int __must_check ipd_op_own(struct ipd_op *op, unsigned int head, unsigned int tail);

/* the headroom that the link layer of the packet's route wants */
static inline unsigned int ipd_op_link_room(const struct sk_buff *skb)
{
	return skb_dst(skb) ? LL_RESERVED_SPACE(skb_dst_dev(skb)) : 0;
}

/* the completion function of all requests; their data is the op */
crypto_completion_t ipd_op_completion(void);

/* what an error of the crypto code means, see ipd_op_reason() */
int ipd_op_crypto_error(int err);

/*
 * The drop reason of an error: -EPROTO malformed, -EBADMSG wrong integrity, -EALREADY replay,
 * -EAGAIN fragment, -EKEYEXPIRED no longer usable, -EOVERFLOW out of sequence numbers, -ENOMEM,
 * -EMSGSIZE too big, -ENOMSG dummy, -ENODATA keepalive, -ESHUTDOWN teardown, -EHOSTUNREACH no
 * route, -ECOMM a mark of congestion that nobody inside understands, -ENOBUFS too many under way,
 * -EACCES mode block, else crypto.
 */
u8 ipd_op_reason(int err);

#endif /* IPD_OP_H */
