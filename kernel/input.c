// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inbound: what happens to a packet with an AH or ESP header.
 *
 *	find the header, its SPI, the association; ESP may be in UDP, which comes off first
 *	a bundle? both headers have to be there, AH first
 *	has the number been seen?        cheap, without a lock: floods of replays end here
 *	crypto code                      may go on asynchronously; accept_async() follows then
 *	authentic? number still new?     commits the window
 *	padding, next header; take the header off, and in tunnel mode the outer IP header
 *	account, checksum, MSS
 *
 * Nothing of a packet is believed, counted as traffic or remembered before it is authentic.
 */
#include "compat.h"
#include "drop.h"
#include "encap.h"
#include "hook.h"
#include "mss.h"
#include "natt.h"
#include "net.h"
#include "op.h"
#include "parallel.h"
#include "proto.h"
#include "replay.h"
#include "sa.h"
#include "tunnel.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>

static const struct ipd_proto_ops *proto_of(u8 protocol)
{
	return protocol == IPPROTO_AH ? &ipd_ah_ops : &ipd_esp_ops;
}

static void destination(const struct sk_buff *skb, u8 family, union nf_inet_addr *ret_addr)
{
	if (family == NFPROTO_IPV6)
		ret_addr->in6 = ipv6_hdr(skb)->daddr;
	else
		ret_addr->ip = ip_hdr(skb)->daddr;
}

/*
 * The place of the header that comes off first: AH, ESP, or UDP with ESP in it. -ENOENT also for
 * IKE; -ENODATA for a keepalive, -EPROTO, -EAGAIN.
 */
static int find_header(const struct sk_buff *skb, u8 family, bool is_udp, struct ipd_place *place)
{
	int err = is_udp ? ipd_encap_place_udp(skb, family, place) :
			   ipd_encap_place_input(skb, family, place);

	if (err)
		return err == -EBADMSG ? -EPROTO : err;
	if (!is_udp)
		return 0;
	switch (ipd_natt_classify(skb, place)) {
	case IPD_NATT_ESP:
		return 0;
	case IPD_NATT_IKE:
		return -ENOENT;
	case IPD_NATT_KEEPALIVE:
		return -ENODATA;
	case IPD_NATT_MALFORMED:
		break;
	}
	return -EPROTO;
}

/* the association of the header at @place and its sequence number; -ENOENT, -EPROTO */
static int find_sa(struct ipd_net *ipd, const struct sk_buff *skb, u8 family,
		   const struct ipd_place *place, struct ipd_sa **ret_sa, u32 *ret_seq)
{
	unsigned int udp_len = place->protocol == IPPROTO_UDP ? IPD_NATT_HEADER_LEN : 0;
	const struct ipd_proto_ops *proto = proto_of(place->protocol);
	union nf_inet_addr local = {};
	u8 space[16];
	const u8 *header;

	header = skb_header_pointer(skb, skb_network_offset(skb) + place->header + udp_len,
				    proto->header_len, space);
	if (!header)
		return -EPROTO;
	destination(skb, family, &local);
	*ret_sa = ipd_sad_lookup(ipd->sad, family, &local,
				 get_unaligned((__be32 *)(header + proto->spi_offset)),
				 proto->protocol);
	*ret_seq = get_unaligned_be32(header + proto->spi_offset + 4);
	return *ret_sa ? 0 : -ENOENT;
}

static void note_sender(const struct ipd_op *op)
{
	union nf_inet_addr address = {};

	if (op->family == NFPROTO_IPV6)
		address.in6 = ipv6_hdr(op->skb)->saddr;
	else
		address.ip = ip_hdr(op->skb)->saddr;
	ipd_mapping_note(op->sa, &address, op->udp_source);
}

static int accept_number(const struct ipd_op *op)
{
	struct ipd_sa *sa = op->sa;
	bool is_new;

	/* numbers that nobody authenticated say nothing */
	if (!sa->crypto.is_authenticating)
		return 0;
	spin_lock(&sa->replay_lock);
	is_new = ipd_replay_accept(sa->replay, op->seq);
	if (is_new && op->udp_source && sa->replay->top == op->seq)
		note_sender(op);
	spin_unlock(&sa->replay_lock);
	return is_new ? 0 : -EALREADY;
}

/* what the number in a packet stands for; the window may move before the packet is checked */
static u64 whole_number(const struct ipd_sa *sa, u32 number)
{
	if (!sa->crypto.is_extended)
		return number;
	return ipd_replay_infer(READ_ONCE(sa->replay->top), sa->replay->window, number);
}

static bool may_be_new(const struct ipd_sa *sa, u64 seq)
{
	return !sa->crypto.is_authenticating || ipd_replay_may_accept(sa->replay, seq);
}

/* AH around ESP, and no other of each other; AH of a bundle is waited with until what is inside */
static bool belongs_into(const struct ipd_sa *sa, const struct ipd_sa *outer)
{
	if (!outer)
		return !sa->outer;
	return sa->outer == outer;
}

static void count_failure(struct ipd_sa *sa, int err)
{
	if (err == -EALREADY)
		this_cpu_inc(sa->counters->replay_drops);
	else if (err == -EBADMSG)
		this_cpu_inc(sa->counters->integrity_drops);
}

/*
 * The sender computed the checksum of what is inside before protecting it, so after a good ICV
 * it has nothing to add. In a tunnel that was perhaps another host, and the packet may have been
 * damaged before it came to the tunnel. What hardware summed up was the protected packet.
 */
static void settle_checksum(struct sk_buff *skb, const struct ipd_sa *sa)
{
	skb->csum_level = 0;
	skb->csum_valid = 0;
	skb->csum_complete_sw = 0;
	skb->ip_summed = sa->crypto.is_authenticating && !ipd_sa_is_tunnel(sa) ?
				 CHECKSUM_UNNECESSARY : CHECKSUM_NONE;
}

/* The protected packet may have come in fragments; the one inside did not. */
static void forget_fragments(struct sk_buff *skb, u8 family)
{
	if (family == NFPROTO_IPV6) {
		IP6CB(skb)->frag_max_size = 0;
		IP6CB(skb)->flags &= ~IP6SKB_FRAGMENTED;
	} else {
		IPCB(skb)->frag_max_size = 0;
		IPCB(skb)->flags &= ~IPSKB_FRAG_PMTU;
	}
}

/*
 * What the other end's segments may hold is ours to say in the answer, and ours in its SYN. @place
 * is that of the next header; of a packet that arrives whole, @front bytes are not protected, and
 * @kept of them are the packet's own.
 */
static int clamp_inbound(const struct ipd_op *op, const struct ipd_place *place,
			 unsigned int front, unsigned int kept)
{
	const struct ipd_sa *sa = op->sa;
	int tcp = ipd_mss_find_tcp(op->skb, place);
	int room;

	if (tcp < 0 || !op->skb->dev)
		return 0;
	room = ipd_sa_payload_max(sa, op->family, READ_ONCE(op->skb->dev->mtu) - front);
	room -= tcp - kept + sizeof(struct tcphdr);
	return room > 0 ? ipd_mss_clamp(op->skb, tcp, room) : 0;
}

/* From here on the packet is the one inside, and nothing but its device is that of the outer. */
static int leave_tunnel(struct ipd_op *op)
{
	struct sk_buff *skb = op->skb;
	struct ipd_place place = {};
	u8 family;
	int err;

	err = ipd_tunnel_strip(skb, op->family, &op->place, &family);
	if (err)
		return err;
	memset(skb->cb, 0, sizeof(skb->cb));
	/* a fragment has no TCP header, or not the only one that counts */
	if (ipd_encap_place_output(skb, family, &place))
		return 0;
	return clamp_inbound(op, &place, op->place.header, 0);
}

static int leave_transport(struct ipd_op *op)
{
	forget_fragments(op->skb, op->family);
	if (ipd_sa_is_in_udp(op->sa))
		ipd_natt_renew_checksum(op->skb, op->family, &op->place);
	return clamp_inbound(op, &op->place, op->place.header, op->place.header);
}

/* all that comes after the crypto code; 0 or an error of ipd_op_reason() */
static int accept_packet(struct ipd_op *op, int err)
{
	struct ipd_sa *sa = op->sa;

	if (!err && !ipd_sa_is_usable(sa))
		err = -EKEYEXPIRED;
	if (!err && sa->proto->input_check)
		err = sa->proto->input_check(op);
	if (!err)
		err = accept_number(op);
	if (err) {
		count_failure(sa, err);
		return err;
	}
	err = sa->proto->input_done(op);
	if (err && err != -ENOMSG)
		return err;
	if (!ipd_sa_charge(sa, op->payload))
		return -EKEYEXPIRED;
	ipd_op_count(op);
	if (err)
		return err;
	settle_checksum(op->skb, sa);
	skb_clear_hash(op->skb);
	return ipd_sa_wraps(sa) ? leave_tunnel(op) : leave_transport(op);
}

/* the packet went on asynchronously and is ours now */
static void accept_async(struct ipd_op *op, int err)
{
	struct sk_buff *skb = op->skb;

	err = accept_packet(op, err);
	if (!err && percpu_ref_is_dying(&op->ipd->in_flight))
		err = -ESHUTDOWN;
	if (err)
		ipd_drop(op->ipd, skb, op->sa, IPSECDRV_DIRECTION_IN, ipd_op_reason(err));
	else
		ipd_hook_input_resume(op->ipd, skb, op->sa, &op->state);
	ipd_op_release(op);
	ipd_op_put(op);
}

/* is checked on some CPU, and goes on by accept_async() in its turn */
static int unwrap_parallel(struct ipd_op *op)
{
	struct ipd_parallel *parallel = op->sa->parallel;
	bool has_room;

	op->run = op->sa->proto->input;
	spin_lock(&parallel->lock);
	has_room = ipd_parallel_has_room(parallel);
	if (has_room)
		ipd_parallel_put(parallel, op);
	spin_unlock(&parallel->lock);
	if (!has_room)
		return -ENOBUFS;
	ipd_parallel_wake(parallel);
	return -EINPROGRESS;
}

/* from the association on; 0, -EINPROGRESS or an error of ipd_op_reason() */
static int unwrap(struct ipd_net *ipd, struct ipd_sa *sa, struct sk_buff *skb,
		  const struct nf_hook_state *state, const struct ipd_place *place, u32 number)
{
	u64 seq = whole_number(sa, number);
	struct ipd_op *op;
	int err;

	if (!ipd_sa_is_usable(sa))
		return -EKEYEXPIRED;
	/* nobody puts AH or ESP into packets to be cut */
	if (skb_is_gso(skb) || skb_shared(skb))
		return -EPROTO;
	if (!may_be_new(sa, seq)) {
		count_failure(sa, -EALREADY);
		return -EALREADY;
	}
	op = ipd_op_get(sa->crypto.request_size);
	if (!op)
		return -ENOMEM;
	op->ipd = ipd;
	op->sa = sa;
	op->skb = skb;
	op->resume = accept_async;
	op->seq = seq;
	op->place = *place;
	op->family = state->pf;
	op->udp_source = 0;
	if (ipd_sa_is_in_udp(sa)) {
		op->udp_source = ipd_natt_source(skb, place);
		err = ipd_natt_strip(skb, op->family, &op->place);
		if (err)
			goto out;
	}
	err = ipd_op_hold(op, state);
	if (err)
		goto out;
	err = sa->parallel ? unwrap_parallel(op) : sa->proto->input(op);
	if (err == -EINPROGRESS)
		return err;
	err = accept_packet(op, err);
	ipd_op_release(op);
out:
	ipd_op_put(op);
	return err;
}

int ipd_sa_input(struct ipd_net *ipd, struct sk_buff *skb, const struct nf_hook_state *state,
		 struct ipd_input *input)
{
	const struct ipd_sa *outer = input->sa;
	struct ipd_place place;
	struct ipd_sa *sa;
	u32 number;
	int err;

	input->sa = NULL;
	input->drop_reason = IPSECDRV_DROP_NONE;
	err = find_header(skb, state->pf, input->is_udp, &place);
	if (!err)
		err = find_sa(ipd, skb, state->pf, &place, &sa, &number);
	if (err == -ENOENT)
		return err;
	if (!err && ipd_sa_is_in_udp(sa) != input->is_udp) {
		input->sa = sa;
		input->drop_reason = IPSECDRV_DROP_UDP_MISMATCH;
		return -EPERM;
	}
	if (!err && !belongs_into(sa, outer)) {
		input->drop_reason = IPSECDRV_DROP_WRONG_SA;
		return -EPERM;
	}
	if (!err) {
		input->sa = sa;
		local_bh_disable();
		err = unwrap(ipd, sa, skb, state, &place, number);
		local_bh_enable();
	}
	if (err && err != -EINPROGRESS)
		input->drop_reason = ipd_op_reason(err);
	return err;
}
