// SPDX-License-Identifier: GPL-2.0-only
/*
 * Outbound: from a packet as the stack made it to one or more protected ones on their way.
 *
 *	where does the header go?        fragments are refused
 *	does it fit, once grown?         fit(); TCP is cut smaller, others fragmented or refused
 *	GSO: cut into segments           each goes on by itself
 *	checksum, limits, number, crypto code; for AH around ESP (a bundle) once more
 *	send                             in place: the caller's hook just lets the packet pass
 *
 * The route stays as it is: transport mode changes neither addresses nor device.
 *
 * Sizes. The MTU that counts is the one that the stack will apply to the protected packet. IPv4
 * without DF, and local IPv6 packets, may be fragmented after protection, which is done by the
 * stack. With DF, a socket that asked to be told (PMTUDISC_DO, PROBE) is told; a forwarded packet's
 * sender gets an ICMP error; for the rest DF is cleared, because nobody else would tell them why
 * their packets of 1,500 bytes vanish.
 */
#include "compat.h"
#include "drop.h"
#include "encap.h"
#include "mss.h"
#include "net.h"
#include "op.h"
#include "proto.h"
#include "sa.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/icmp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

/* what all packets of one call have in common */
struct output {
	struct ipd_net *ipd;
	struct ipd_sa *sa;
	const struct nf_hook_state *state;
	struct ipd_place place;
	unsigned int mtu;
	u8 family;
};

/* --- the end of a packet ---------------------------------------------- */

/* the verdict for a packet that is no longer the caller's; @err for its sender */
static unsigned int stolen(int err)
{
	return NF_STOLEN | ((unsigned int)-err << NF_VERDICT_QBITS);
}

/* Drops it for an error of ipd_op_reason() and returns what its sender is told. */
static int drop(const struct output *out, struct sk_buff *skb, int err)
{
	ipd_drop(out->ipd, skb, out->sa, IPSECDRV_DIRECTION_OUT, ipd_op_reason(err));
	switch (err) {
	case -EMSGSIZE:
		return err;
	case -ENOMEM:
		return -ENOBUFS;
	default:
		return -EPERM;
	}
}

/* Sends a packet as the hook's caller would have. */
static int send(const struct nf_hook_state *state, struct sock *sk, struct sk_buff *skb)
{
	int err = state->okfn(state->net, sk, skb);

	/* only negative errors pass through a verdict; congestion is lost */
	return err == NET_XMIT_DROP ? -ENOBUFS : min(err, 0);
}

/* --- sizes ------------------------------------------------------------ */

static unsigned int path_mtu(const struct output *out, const struct sk_buff *skb)
{
	if (!skb_dst(skb))
		return out->state->out ? READ_ONCE(out->state->out->mtu) : IP_MAX_MTU;
	if (out->family == NFPROTO_IPV6)
		return ip6_skb_dst_mtu(skb);
	return ip_skb_dst_mtu(out->state->sk, skb);
}

static unsigned int grown_len(const struct output *out, unsigned int len)
{
	unsigned int header = out->place.header;

	return header + ipd_sa_grown(out->sa, out->family, len - header);
}

/* the largest packet that fits once it is protected; 0 if none does */
static unsigned int fitting_len(const struct output *out)
{
	int payload;

	if (out->mtu <= out->place.header)
		return 0;
	payload = ipd_sa_payload_max(out->sa, out->family, out->mtu - out->place.header);
	return payload < 0 ? 0 : payload + out->place.header;
}

/* the same as others may be told of it: not below what IP promises */
static unsigned int told_mtu(const struct output *out)
{
	unsigned int least = out->family == NFPROTO_IPV6 ? IPV6_MIN_MTU : IPV4_MIN_MTU;

	return max(fitting_len(out), least);
}

static bool is_forwarded(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? IP6CB(skb)->flags & IP6SKB_FORWARDED :
					IPCB(skb)->flags & IPSKB_FORWARDED;
}

/* whether its socket wants to hear that a packet is too big, rather than have it fragmented */
static bool wants_error(const struct sk_buff *skb, u8 family)
{
	struct sock *sk = skb_to_full_sk(skb);
	int how;

	if (!sk || !sk_fullsock(sk))
		return false;
	if (family == NFPROTO_IPV6 && sk->sk_family == AF_INET6) {
		how = inet6_sk(sk)->pmtudisc;
		return how == IPV6_PMTUDISC_DO || how == IPV6_PMTUDISC_PROBE;
	}
	how = inet_sk(sk)->pmtudisc;
	return how == IP_PMTUDISC_DO || how == IP_PMTUDISC_PROBE;
}

static void tell_socket(struct sk_buff *skb, unsigned int mtu)
{
#if IS_ENABLED(CONFIG_XFRM)
	/* it looks at the inner headers of tunnel devices' packets, which are not the socket's */
	if (!skb->encapsulation)
		xfrm_local_error(skb, mtu);
#endif
}

/* a packet that IP may not cut as it is; 0 when it may be protected nevertheless */
static int too_big_ipv4(const struct output *out, struct sk_buff *skb)
{
	unsigned int mtu = told_mtu(out);
	struct iphdr *iph = ip_hdr(skb);

	if (!(iph->frag_off & htons(IP_DF)))
		return 0;

	if (is_forwarded(skb, NFPROTO_IPV4)) {
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		return -EMSGSIZE;
	}
	if (wants_error(skb, NFPROTO_IPV4)) {
		tell_socket(skb, mtu);
		return -EMSGSIZE;
	}
	if (skb_ensure_writable(skb, skb_network_offset(skb) + sizeof(*iph)))
		return -ENOMEM;
	iph = ip_hdr(skb);
	iph->frag_off &= ~htons(IP_DF);
	/* packets that cannot be cut may all have the same one */
	__ip_select_ident(out->state->net, iph, 1);
	ip_send_check(iph);
	return 0;
}

static int too_big_ipv6(const struct output *out, struct sk_buff *skb)
{
	unsigned int mtu = told_mtu(out);

	if (is_forwarded(skb, NFPROTO_IPV6)) {
		/* what every link has to carry is carried, in fragments */
		if (skb->len > mtu) {
			icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
			return -EMSGSIZE;
		}
	} else if (wants_error(skb, NFPROTO_IPV6)) {
		tell_socket(skb, mtu);
		return -EMSGSIZE;
	}
	skb->ignore_df = 1;
	return 0;
}

static int too_big(const struct output *out, struct sk_buff *skb)
{
	return out->family == NFPROTO_IPV6 ? too_big_ipv6(out, skb) : too_big_ipv4(out, skb);
}

/*
 * Sees to it that @skb, or each of its segments, fits the MTU once it is protected, or that it
 * may be fragmented. TCP is turned into GSO for that, or GSO into smaller segments.
 */
static int fit(const struct output *out, struct sk_buff *skb)
{
	int tcp;

	if (skb_is_gso(skb)) {
		if (skb_gso_validate_network_len(skb, fitting_len(out)))
			return 0;
		/* UDP and the like: each segment is looked at when it is one */
		if (skb->encapsulation || !skb_is_gso_tcp(skb))
			return 0;
	} else if (grown_len(out, skb->len) <= out->mtu) {
		return 0;
	}
	tcp = ipd_mss_find_tcp(skb, &out->place);
	if (tcp < 0)
		return too_big(out, skb);
	return ipd_mss_resegment(skb, tcp, fitting_len(out));
}

static int clamp_outbound(const struct output *out, struct sk_buff *skb)
{
	int tcp = ipd_mss_find_tcp(skb, &out->place);

	int room;

	if (tcp < 0)
		return 0;
	room = (int)fitting_len(out) - tcp - (int)sizeof(struct tcphdr);
	return room > 0 ? ipd_mss_clamp(skb, tcp, room) : 0;
}

/* --- protecting one packet -------------------------------------------- */

static int resolve_checksum(struct sk_buff *skb)
{
	int err;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;
	err = skb_csum_is_sctp(skb) ? skb_crc32c_csum_help(skb) : skb_checksum_help(skb);
	if (!err)
		return 0;
	return err == -ENOMEM ? err : -EPROTO;
}

/* one of the last quarter of the numbers; the last one is never passed */
static int take_late_number(struct ipd_sa *sa, u64 last, u64 *ret_seq)
{
	u64 seq = atomic64_fetch_add_unless(&sa->sequence, 1, last);

	if (seq == last) {
		ipd_sa_expire(sa, IPSECDRV_LIFETIME_KIND_HARD);
		return -EOVERFLOW;
	}
	if (READ_ONCE(sa->state) == IPSECDRV_SA_STATE_MATURE)
		ipd_sa_expire(sa, IPSECDRV_LIFETIME_KIND_SOFT);
	*ret_seq = seq + 1;
	return 0;
}

/*
 * The next sequence number. When three quarters are used a successor is asked for; when all are,
 * -EOVERFLOW, and the association ends. Who looked before that mark takes its number without
 * another look: there are not so many CPUs that they could use up the last quarter that way.
 */
static int take_number(struct ipd_sa *sa, u64 *ret_seq)
{
	u64 last = ipd_sa_last_number(&sa->params);

	if (unlikely((u64)atomic64_read(&sa->sequence) >= last - last / 4 - 1))
		return take_late_number(sa, last, ret_seq);
	*ret_seq = atomic64_inc_return(&sa->sequence);
	return 0;
}

static void count_out(const struct ipd_op *op)
{
	struct ipd_sad_counters __percpu *counters = op->sa->sad->counters;
	const int dir = IPSECDRV_DIRECTION_OUT;

	if (op->sa->crypto.is_encrypting)
		this_cpu_add(counters->confidential[dir], op->payload);
	if (op->sa->crypto.is_authenticating)
		this_cpu_add(counters->authenticated[dir], op->payload);
	if (ipd_sa_is_whole(op->sa))
		this_cpu_add(counters->transport[dir], op->payload);
}

static int finish_output(struct ipd_op *op, int err)
{
	struct sk_buff *skb = op->skb;

	if (err)
		return err == -EBADMSG ? -EIO : err;
	op->sa->proto->output_done(op);
	count_out(op);
	/* nothing of what hardware was to do with the packet inside is left */
	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
	return 0;
}

static void finish_async(struct ipd_op *op, int err);

static int begin(const struct output *out, struct ipd_op *op)
{
	struct ipd_sa *sa = out->sa;
	int err;

	err = resolve_checksum(op->skb);
	if (err)
		return err;
	op->payload = op->skb->len - out->place.header;
	if (!ipd_sa_is_usable(sa) || !ipd_sa_charge(sa, op->payload))
		return -EKEYEXPIRED;
	err = take_number(sa, &op->seq);
	if (err)
		return err;
	err = ipd_op_hold(op, out->state);
	if (err)
		return err;
	return sa->proto->output(op);
}

/*
 * By one association. BH off. 0, -EINPROGRESS or an error of ipd_op_reason(), when the packet is
 * still the caller's.
 */
static int protect_once(const struct output *out, struct sk_buff *skb)
{
	struct ipd_op *op;
	int err;

	op = ipd_op_get(out->sa->crypto.request_size);
	if (!op)
		return -ENOMEM;
	op->ipd = out->ipd;
	op->sa = out->sa;
	op->skb = skb;
	op->resume = finish_async;
	op->place = out->place;
	op->family = out->family;
	op->is_held = false;
	err = begin(out, op);
	if (err == -EINPROGRESS)
		return err;
	err = finish_output(op, err);
	ipd_op_release(op);
	ipd_op_put(op);
	return err;
}

/* What ESP made of a packet goes into the bundle's AH, if there is one. As protect_once(). */
static int protect_around(const struct output *out, struct sk_buff *skb)
{
	struct output around = *out;

	if (!out->sa->outer)
		return 0;
	around.sa = out->sa->outer;
	around.place.protocol = IPPROTO_ESP;
	return protect_once(&around, skb);
}

static void finish_async(struct ipd_op *op, int err)
{
	const struct output out = {
		.ipd = op->ipd,
		.sa = op->sa,
		.state = &op->state,
		.place = op->place,
		.family = op->family,
	};
	struct sk_buff *skb = op->skb;

	err = finish_output(op, ipd_op_crypto_error(err));
	if (!err && percpu_ref_is_dying(&op->ipd->in_flight))
		err = -ESHUTDOWN;
	if (!err)
		err = protect_around(&out, skb);
	if (!err)
		send(&op->state, skb_to_full_sk(skb), skb);
	else if (err != -EINPROGRESS)
		ipd_drop(op->ipd, skb, op->sa, IPSECDRV_DIRECTION_OUT, ipd_op_reason(err));
	ipd_op_release(op);
	ipd_op_put(op);
}

/* as protect_once(), by all associations of a bundle */
static int protect(const struct output *out, struct sk_buff *skb)
{
	int err;

	local_bh_disable();
	err = protect_once(out, skb);
	if (!err)
		err = protect_around(out, skb);
	local_bh_enable();
	return err;
}

/* --- one packet or many ----------------------------------------------- */

/* consumes @skb; what its sender is told */
static int protect_and_send(const struct output *out, struct sk_buff *skb)
{
	int err = protect(out, skb);

	if (err == -EINPROGRESS)
		return 0;
	return err ? drop(out, skb, err) : send(out->state, out->state->sk, skb);
}

/* consumes @skb; the first error */
static int send_segments(const struct output *out, struct sk_buff *skb)
{
	struct sk_buff *segments = skb_gso_segment(skb, 0), *segment, *next;
	int err, first = 0;

	if (IS_ERR_OR_NULL(segments))
		return drop(out, skb, PTR_ERR(segments) == -ENOMEM ? -ENOMEM : -EPROTO);
	consume_skb(skb);
	skb_list_walk_safe(segments, segment, next) {
		skb_mark_not_on_list(segment);
		err = fit(out, segment);
		/* a segment that would have to be cut again: the room was for none */
		if (!err && skb_is_gso(segment))
			err = -EMSGSIZE;
		err = err ? drop(out, segment, err) : protect_and_send(out, segment);
		first = first ?: err;
	}
	return first;
}

unsigned int ipd_sa_output(struct ipd_net *ipd, struct ipd_sa *sa, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	struct output out = { .ipd = ipd, .sa = sa, .state = state, .family = state->pf };
	bool is_callers = !skb_shared(skb);
	struct sk_buff *clone;
	int err;

	err = ipd_encap_place_output(skb, out.family, &out.place);
	if (err)
		return stolen(drop(&out, skb, err == -EBADMSG ? -EPROTO : err));
	if (!is_callers) {
		clone = skb_clone(skb, GFP_ATOMIC);
		if (!clone)
			return stolen(drop(&out, skb, -ENOMEM));
		consume_skb(skb);
		skb = clone;
	}
	out.mtu = path_mtu(&out, skb);
	err = clamp_outbound(&out, skb);
	if (!err)
		err = fit(&out, skb);
	if (err)
		return stolen(drop(&out, skb, err));
	if (skb_is_gso(skb))
		return stolen(send_segments(&out, skb));
	if (!is_callers)
		return stolen(protect_and_send(&out, skb));
	err = protect(&out, skb);
	if (!err)
		return NF_ACCEPT;
	return stolen(err == -EINPROGRESS ? 0 : drop(&out, skb, err));
}

unsigned int ipd_sa_overhead(const struct ipd_sa *sa)
{
	/* padding is longest when the trailer just does not fit into the last block */
	unsigned int payload = sa->crypto.block ? sa->crypto.block - 1 : 0;

	return ipd_sa_grown(sa, sa->params.family, payload) - payload;
}
