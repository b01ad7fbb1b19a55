/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Security associations: the table, their life, and what they do to packets.
 */
#ifndef IPD_SAD_H
#define IPD_SAD_H

#include <linux/netfilter.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

#include "acquire.h"

struct ipd_net;
struct ipd_sa;
struct ipd_sad;
struct netlink_ext_ack;
struct nf_hook_state;
struct sk_buff;

/* what the agent asks for; keys are wiped by the caller */
struct ipd_sa_config {
	struct_group_tagged(ipd_sa_params, params,
		union nf_inet_addr local;	/* endpoints */
		union nf_inet_addr remote;
		struct ipd_selector selector;
		__be32 spi;
		__be32 pair_spi;
		__be32 bundle_spi;
		u32 filter_id;
		u32 replay_window;
		u64 sequence;			/* last one sent or received before it began */
		u64 soft_bytes, hard_bytes;	/* 0 is no limit, here and below */
		u64 soft_packets, hard_packets;
		u32 soft_seconds, hard_seconds;
		u32 idle_seconds;		/* of an inbound association; takes its pair along */
		u32 encap_keepalive;		/* seconds; of an outbound association */
		__be16 encap_local_port, encap_remote_port;
		u8 family;
		u8 protection;			/* enum ipsecdrv_protection */
		u8 direction;
		u8 encapsulation;
		u8 cipher, integrity;
		u8 cipher_key_len, integrity_key_len;
		bool esn;
		bool encap_follow;
		bool parallel;			/* worked on by all CPUs */
	);
	u8 cipher_key[IPSECDRV_MAX_KEY_LEN];
	u8 integrity_key[IPSECDRV_MAX_KEY_LEN];
};

/* Of the module: before the first namespace, and after the last one is gone. */
int ipd_sad_init(void);
void ipd_sad_exit(void);	/* waits for every association to be freed */

struct ipd_sad *ipd_sad_new(struct ipd_net *ipd);	/* process context; NULL without memory */
/* pre_exit, without cfg_mutex, which the work takes: no work does anything after it */
void ipd_sad_stop(struct ipd_sad *sad);
/* after the grace period and with in_flight zero; takes cfg_mutex; before the acquires are freed */
void ipd_sad_free(struct ipd_sad *sad);

/* All of these: process context, under cfg_mutex, extack says why not. */
/* reserves an SPI for config->local: config->spi, or a random one when that is 0 */
int ipd_sad_alloc_spi(struct ipd_net *ipd, const struct ipd_sa_config *config, u32 acquire_id,
		      __be32 *ret_spi, struct netlink_ext_ack *extack);
/* all of @configs or none; inbound ones replace their larval association */
int ipd_sad_install(struct ipd_net *ipd, const struct ipd_sa_config *configs, unsigned int n,
		    struct netlink_ext_ack *extack);
/* the association that @which names and, when which->pair_spi is not 0, its pair too */
int ipd_sad_delete(struct ipd_net *ipd, const struct ipd_sa_config *which,
		   struct netlink_ext_ack *extack);
void ipd_sad_flush(struct ipd_net *ipd);
/* removes the associations of filters for which @gone says true */
void ipd_sad_prune(struct ipd_net *ipd, bool (*gone)(u32 filter_id, void *data), void *data);

/* netlink: one association into an IPSECDRV_A_SA nest; -EMSGSIZE. Never keys. RCU. */
int ipd_sa_fill(struct sk_buff *msg, const struct ipd_sa *sa);
/* the association at or after @cursor in the order of creation; RCU */
const struct ipd_sa *ipd_sad_next(struct ipd_net *ipd, u64 *cursor);
const struct ipd_sa *ipd_sad_find(struct ipd_net *ipd, const struct ipd_sa_config *which);
/* puts the counters of enum "statistics" that belong to associations into a nest */
int ipd_sad_fill_statistics(struct sk_buff *msg, struct ipd_net *ipd);

/* whether packets in UDP may be an inbound association's; any context */
bool ipd_sad_has_udp(const struct ipd_sad *sad);

u32 ipd_sa_filter_id(const struct ipd_sa *sa);
__be32 ipd_sa_spi(const struct ipd_sa *sa);
/* the far endpoint; returns its family */
u8 ipd_sa_peer(const struct ipd_sa *sa, union nf_inet_addr *ret_peer);
const struct ipd_selector *ipd_sa_selector(const struct ipd_sa *sa);
bool ipd_sa_is_usable(const struct ipd_sa *sa);		/* mature or dying; RCU */
/* what came out of it was protected by all that was negotiated: not by a bundle's AH alone */
bool ipd_sa_is_whole(const struct ipd_sa *sa);
bool ipd_sa_get(struct ipd_sa *sa);			/* false when the last reference is gone */
void ipd_sa_put(struct ipd_sa *sa);

/* what ipd_sa_input() found */
struct ipd_input {
	/* the association that the packet arrived under; before: what it came out of, or NULL; RCU */
	struct ipd_sa *sa;
	bool is_udp;			/* the header to unwrap is UDP, with ESP in it, perhaps */
	u8 drop_reason;			/* why it was dropped */
};

/**
 * ipd_sa_input() - check and unwrap the first AH or ESP header, or ESP in UDP, of an inbound packet
 * @ipd: the namespace
 * @skb: network header at the IP header; not a fragment
 * @state: of the hook; copied when the work goes on asynchronously
 * @input: input->sa is what the packet came out of before, if AH or ESP was around it; result
 *
 * Looks the association up, checks replay, integrity, padding, commits the replay window and
 * takes the header off in place (transport mode). The skb stays the same one, its data may move.
 * The transport header keeps its distance from the network header.
 *
 * Return: 0 when unwrapped (the caller looks at the next header), -EINPROGRESS when the crypto
 * code took the packet (ipd_hook_input_resume() follows), -ENOENT when no association covers it
 * (or it has no AH or ESP header) and the caller decides, else it must be dropped for
 * input->drop_reason, and is still the caller's. Of what is in UDP that holds without input->sa
 * only if the packet is for this host. Softirq, RCU, no locks.
 */
int ipd_sa_input(struct ipd_net *ipd, struct sk_buff *skb, const struct nf_hook_state *state,
		 struct ipd_input *input);

/**
 * ipd_sa_output() - protect one outbound packet and send it on its way
 * @ipd: the namespace
 * @sa: a usable outbound association; RCU
 * @skb: may be GSO, CHECKSUM_PARTIAL, shared, nonlinear; consumed unless NF_ACCEPT is returned
 * @state: of the hook; okfn sends
 *
 * Return: a netfilter verdict. NF_ACCEPT: protected in place, the caller lets it pass.
 * NF_STOLEN: sent by okfn already, or later when the crypto code is done, or dropped and counted
 * (ipd_drop() was called); its upper half may carry an error for the sender, so the hook has to
 * return it as it is. Process or softirq context, RCU, no locks.
 */
unsigned int ipd_sa_output(struct ipd_net *ipd, struct ipd_sa *sa, struct sk_buff *skb,
			   const struct nf_hook_state *state);

/* bytes that protecting adds to a packet at most: headers, IV, padding, ICV */
unsigned int ipd_sa_overhead(const struct ipd_sa *sa);

#endif /* IPD_SAD_H */
