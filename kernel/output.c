// SPDX-License-Identifier: GPL-2.0-only
/*
 * Outbound: from a packet as the stack made it to one or more protected ones on their way.
 *
 *	where does the header go?        fragments are refused
 *	does it fit, once grown?         fit(); TCP is cut smaller, others fragmented or refused
 *	GSO: cut into segments           each goes on by itself
 *	checksum, limits, number, crypto code; for AH around ESP (a bundle) once more; UDP around
 *	send                             in place: the caller's hook just lets the packet pass
 *
 * In transport mode the route stays as it is: neither addresses nor device change. In tunnel mode
 * the outer header goes on before protecting, the packet gets the route of its endpoint, and
 * leaves by that; it does not see POST_ROUTING again, so the filters do not see it either.
 *
 * Sizes. The MTU that counts is the one that the stack will apply to the protected packet. IPv4
 * without DF, and local IPv6 packets, may be fragmented after protection, which is done by the
 * stack. With DF, a socket that asked to be told (PMTUDISC_DO, PROBE) is told; a forwarded packet's
 * sender gets an ICMP error; for the rest DF is cleared, because nobody else would tell them why
 * their packets of 1,500 bytes vanish. In a tunnel it is the outer packet that has no DF then; but
 * what the far gateway may not cut, and could not forward whole, is cut before it goes in: IPv6
 * packets of ours, and what came in fragments and was put together here only to be looked at.
 */
#include "compat.h"
#include "drop.h"
#include "encap.h"
#include "hook.h"
#include "mode.h"
#include "mss.h"
#include "natt.h"
#include "net.h"
#include "op.h"
#include "parallel.h"
#include "proto.h"
#include "sa.h"
#include "tunnel.h"

#include <linux/crc32c.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu.h>
#include <linux/sctp.h>
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
	const struct nf_hook_state *state;	/* of the packet as it is */
	const struct nf_hook_state *next;	/* of the protected one */
	struct dst_entry *route;	/* of a tunnel; else NULL */
	struct ipd_place place;		/* in the packet as it is */
	unsigned int front;		/* bytes of a protected packet before AH or ESP */
	unsigned int kept;		/* those of them that are the packet's own */
	unsigned int mtu;
	u8 family;			/* of the packet as it is */
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
	case -ENOBUFS:
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
	if (out->route)
		return dst_mtu(out->route);
	if (!skb_dst(skb))
		return out->state->out ? READ_ONCE(out->state->out->mtu) : IP_MAX_MTU;
	if (out->family == NFPROTO_IPV6)
		return ip6_skb_dst_mtu(skb);
	return ip_skb_dst_mtu(out->state->sk, skb);
}

static unsigned int grown_len(const struct output *out, unsigned int len)
{
	const struct ipd_sa *sa = out->sa;

	return out->front + ipd_sa_grown(sa, sa->params.family, len - out->kept);
}

/* the largest packet that fits once it is protected; 0 if none does */
static unsigned int fitting_len(const struct output *out)
{
	int payload;

	if (out->mtu <= out->front)
		return 0;
	payload = ipd_sa_payload_max(out->sa, out->sa->params.family, out->mtu - out->front);
	return payload < 0 ? 0 : payload + out->kept;
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

/* the protected packet may be cut; 0 */
static int allow_fragments(struct sk_buff *skb)
{
	skb->ignore_df = 1;
	return 0;
}

static int clear_df(const struct output *out, struct sk_buff *skb)
{
	struct iphdr *iph;

	if (skb_ensure_writable(skb, skb_network_offset(skb) + sizeof(*iph)))
		return -ENOMEM;
	iph = ip_hdr(skb);
	iph->frag_off &= ~htons(IP_DF);
	/* packets that cannot be cut may all have the same one */
	__ip_select_ident(out->state->net, iph, 1);
	ip_send_check(iph);
	return 0;
}

/* a packet that IP may not cut as it is; 0 when it may be protected nevertheless */
static int too_big_ipv4(const struct output *out, struct sk_buff *skb)
{
	unsigned int mtu = told_mtu(out);

	if (!(ip_hdr(skb)->frag_off & htons(IP_DF)))
		return out->route ? allow_fragments(skb) : 0;
	if (is_forwarded(skb, NFPROTO_IPV4)) {
		/* set of what came in fragments and was put together here */
		if (skb->ignore_df)
			return out->route ? 0 : clear_df(out, skb);
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		return -EMSGSIZE;
	}
	if (wants_error(skb, NFPROTO_IPV4)) {
		tell_socket(skb, mtu);
		return -EMSGSIZE;
	}
	return out->route ? allow_fragments(skb) : clear_df(out, skb);
}

static int too_big_ipv6(const struct output *out, struct sk_buff *skb)
{
	unsigned int mtu = told_mtu(out);

	/* what every link has to carry is carried, in fragments */
	if (skb->len <= mtu)
		return allow_fragments(skb);
	if (is_forwarded(skb, NFPROTO_IPV6)) {
		/* what came in fragments may leave in such */
		if (!skb->ignore_df) {
			icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
			return -EMSGSIZE;
		}
	} else if (wants_error(skb, NFPROTO_IPV6)) {
		tell_socket(skb, mtu);
		return -EMSGSIZE;
	}
	return allow_fragments(skb);
}

static int too_big(const struct output *out, struct sk_buff *skb)
{
	return out->family == NFPROTO_IPV6 ? too_big_ipv6(out, skb) : too_big_ipv4(out, skb);
}

/* what it is allowed in clear, an outer packet that fits does not need: it has DF as inside */
static int fits(const struct output *out, struct sk_buff *skb)
{
	if (out->route)
		skb->ignore_df = 0;
	return 0;
}

/*
 * Sees to it that @skb, or each of its segments, fits the MTU once it is protected, or that it
 * may be fragmented. Our TCP is turned into GSO for that, or GSO into smaller segments; the TCP
 * of others learns the path's MTU as it does of every router.
 */
static int fit(const struct output *out, struct sk_buff *skb)
{
	int tcp;

	if (skb_is_gso(skb)) {
		if (skb_gso_validate_network_len(skb, fitting_len(out)))
			return fits(out, skb);
		/* UDP and the like: each segment is looked at when it is one */
		if (skb->encapsulation || !skb_is_gso_tcp(skb))
			return 0;
	} else if (grown_len(out, skb->len) <= out->mtu) {
		return fits(out, skb);
	}
	tcp = ipd_mss_find_tcp(skb, &out->place);
	if (tcp < 0 || is_forwarded(skb, out->family))
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

/*
 * skb_crc32c_csum_help() is not for modules in every Linux 6.1: 6.1.176 has it to itself. (RFC 9260
 * appendix A)
 */
static int resolve_sctp(struct sk_buff *skb)
{
	int start = skb_checksum_start_offset(skb);
	struct sctphdr *sctp;
	int err = skb_linearize(skb);

	if (!err)
		err = skb_ensure_writable(skb, start + sizeof(*sctp));
	if (err)
		return err;
	sctp = (struct sctphdr *)(skb->data + start);
	sctp->checksum = 0;
	sctp->checksum = cpu_to_le32(~crc32c(~0U, sctp, skb->len - start));
	skb_reset_csum_not_inet(skb);
	return 0;
}

static int resolve_checksum(struct sk_buff *skb)
{
	int err;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return 0;
	err = skb_csum_is_sctp(skb) ? resolve_sctp(skb) : skb_checksum_help(skb);
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

/* ESP has left the room for it */
static int put_in_udp(struct ipd_op *op)
{
	const struct ipd_sa_params *params = &op->sa->params;

	return ipd_natt_push(op->skb, op->family, &op->place, params->encap_local_port,
			     READ_ONCE(op->sa->mapping.port));
}

static int finish_output(struct ipd_op *op, int err)
{
	struct sk_buff *skb = op->skb;

	if (err)
		return err == -EBADMSG ? -EIO : err;
	op->sa->proto->output_done(op);
	if (ipd_sa_is_in_udp(op->sa)) {
		err = put_in_udp(op);
		if (err)
			return err;
	}
	ipd_op_count(op);
	/* nothing of what hardware was to do with the packet inside is left */
	skb->ip_summed = CHECKSUM_NONE;
	skb->encapsulation = 0;
	return 0;
}

static void finish_async(struct ipd_op *op, int err);

/* From here on the packet is the outer one, with that one's route and nobody's connection. */
static int enter_tunnel(const struct output *out, struct ipd_op *op)
{
	const struct ipd_sa *sa = out->sa;
	struct sk_buff *skb = op->skb;

	skb_dst_drop(skb);
	skb_dst_set(skb, dst_clone(out->route));
	if (skb_cow_head(skb, out->front + ipd_sa_grown(sa, sa->params.family, 0) +
			      ipd_op_link_room(skb)))
		return -ENOMEM;
	ipd_tunnel_push(skb, out->family, &sa->params,
			ipd_tunnel_hop_limit(out->route, sa->params.family), &op->place);
	op->family = sa->params.family;
	if (op->family == NFPROTO_IPV4)
		__ip_select_ident(out->state->net, ip_hdr(skb), 1);
	nf_reset_ct(skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	return 0;
}

/* what comes in the order of the packets, the first of those things that cannot be undone */
static int admit(const struct output *out, struct ipd_op *op)
{
	int err;

	if (!ipd_sa_is_usable(op->sa) || !ipd_sa_charge(op->sa, op->payload))
		return -EKEYEXPIRED;
	err = take_number(op->sa, &op->seq);
	return err ?: ipd_op_hold(op, out->next);
}

/* the rest is done elsewhere */
static int begin_parallel(const struct output *out, struct ipd_op *op)
{
	struct ipd_parallel *parallel = op->sa->parallel;
	int err = -ENOBUFS;

	op->run = op->sa->proto->output;
	spin_lock(&parallel->lock);
	if (ipd_parallel_has_room(parallel))
		err = admit(out, op);
	if (!err)
		ipd_parallel_put(parallel, op);
	spin_unlock(&parallel->lock);
	if (err)
		return err;
	ipd_parallel_wake(parallel);
	return -EINPROGRESS;
}

static int begin(const struct output *out, struct ipd_op *op)
{
	struct ipd_sa *sa = out->sa;
	int err;

	err = resolve_checksum(op->skb);
	if (!err && out->route)
		err = enter_tunnel(out, op);
	if (err)
		return err;
	op->payload = op->skb->len - op->place.header;
	if (sa->parallel)
		return begin_parallel(out, op);
	err = admit(out, op);
	return err ?: sa->proto->output(op);
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
	if (out->route) {
		/* the packet is the outer one now, and has its route */
		around.route = NULL;
		around.family = out->sa->params.family;
		ipd_tunnel_place(around.family, &around.place);
	}
	around.place.protocol = IPPROTO_ESP;
	return protect_once(&around, skb);
}

/* what changed since the packet was judged, for which even a protected one does not leave */
static int still_leaves(struct ipd_net *ipd)
{
	if (percpu_ref_is_dying(&ipd->in_flight))
		return -ESHUTDOWN;
	if (ipd_mode_rule(READ_ONCE(ipd->mode), IPSECDRV_DIRECTION_OUT) == IPD_MODE_RULE_DROP)
		return -EACCES;
	return 0;
}

static void finish_async(struct ipd_op *op, int err)
{
	const struct output out = {
		.ipd = op->ipd,
		.sa = op->sa,
		.state = &op->state,
		.next = &op->state,
		.place = op->place,
		.family = op->family,
	};
	struct sk_buff *skb = op->skb;
	/* the packet's socket must not say how an outer one is cut */
	struct sock *sk = ipd_sa_is_tunnel(op->sa) ? NULL : skb_to_full_sk(skb);

	err = finish_output(op, err);
	if (!err)
		err = still_leaves(op->ipd);
	if (!err)
		err = protect_around(&out, skb);
	if (!err)
		send(&op->state, sk, skb);
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
	return err ? drop(out, skb, err) : send(out->next, out->next->sk, skb);
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

static DEFINE_PER_CPU(struct sk_buff_head *, pieces_of);

/* an output function of the stack's fragmentation, which has no argument for us */
static int collect_piece(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	__skb_queue_tail(__this_cpu_read(pieces_of), skb);
	return 0;
}

/*
 * Whether a packet that may be cut has to be cut inside of the tunnel. One that every link
 * carries does not: the outer packet is cut.
 */
static bool is_cut_inside(const struct output *out, const struct sk_buff *skb)
{
	if (!out->route || !skb->ignore_df || skb_is_gso(skb) || skb->len <= told_mtu(out))
		return false;
	return out->family == NFPROTO_IPV6 ||
	       (is_forwarded(skb, NFPROTO_IPV4) && (ip_hdr(skb)->frag_off & htons(IP_DF)));
}

/* the stack cuts for the route's MTU, or for a smaller one if it remembers fragments of that */
static int cut(const struct output *out, struct sk_buff *skb, struct sk_buff_head *pieces)
{
	unsigned int most = told_mtu(out);
	struct net *net = out->state->net;
	int err;

	local_bh_disable();
	__this_cpu_write(pieces_of, pieces);
	if (out->family == NFPROTO_IPV6) {
		IP6CB(skb)->frag_max_size = min(most, ip6_skb_dst_mtu(skb));
		err = ipd_ip6_fragment(net, NULL, skb, collect_piece);
	} else {
		IPCB(skb)->frag_max_size = most;
		err = ip_do_fragment(net, NULL, skb, collect_piece);
	}
	local_bh_enable();
	return err;
}

/* consumes @skb, which the stack counts and frees if it cannot be cut; the first error */
static int send_pieces(const struct output *out, struct sk_buff *skb)
{
	struct sk_buff_head pieces;
	struct sk_buff *piece;
	int err, first;

	__skb_queue_head_init(&pieces);
	first = cut(out, skb, &pieces);
	while ((piece = __skb_dequeue(&pieces))) {
		piece->ignore_df = grown_len(out, piece->len) > out->mtu;
		err = protect_and_send(out, piece);
		first = first ?: err;
	}
	return first;
}

/* protects and sends @skb, of which the sizes are known; a verdict */
static unsigned int output(struct output *out, struct sk_buff *skb)
{
	bool is_callers = !skb_shared(skb);
	struct sk_buff *clone;
	int err;

	if (!is_callers) {
		clone = skb_clone(skb, GFP_ATOMIC);
		if (!clone)
			return stolen(drop(out, skb, -ENOMEM));
		consume_skb(skb);
		skb = clone;
	}
	out->mtu = path_mtu(out, skb);
	err = clamp_outbound(out, skb);
	if (!err)
		err = fit(out, skb);
	if (err)
		return stolen(drop(out, skb, err));
	if (skb_is_gso(skb))
		return stolen(send_segments(out, skb));
	if (is_cut_inside(out, skb))
		return stolen(send_pieces(out, skb));
	if (!is_callers || out->route)
		return stolen(protect_and_send(out, skb));
	err = protect(out, skb);
	if (!err)
		return NF_ACCEPT;
	return stolen(err == -EINPROGRESS ? 0 : drop(out, skb, err));
}

static unsigned int output_transport(struct output *out, struct sk_buff *skb)
{
	int err = ipd_encap_place_output(skb, out->family, &out->place);

	if (err)
		return stolen(drop(out, skb, err == -EBADMSG ? -EPROTO : err));
	out->front = out->place.header;
	out->kept = out->place.header;
	return output(out, skb);
}

/* fragments are packets like others here: a place without protocol has no TCP header */
static unsigned int output_tunnel(struct output *out, struct sk_buff *skb)
{
	struct nf_hook_state next = *out->state;
	unsigned int verdict;
	int err;

	err = ipd_encap_place_output(skb, out->family, &out->place);
	if (err == -EBADMSG)
		return stolen(drop(out, skb, -EPROTO));
	out->route = ipd_tunnel_route(out->sa, out->state->net, skb->mark);
	if (!out->route)
		return stolen(drop(out, skb, -EHOSTUNREACH));
	next.pf = out->sa->params.family;
	next.out = dst_dev(out->route);
	next.sk = NULL;
	next.okfn = ipd_hook_send;
	out->next = &next;
	out->front = ipd_tunnel_header_len(next.pf);
	verdict = output(out, skb);
	dst_release(out->route);
	return verdict;
}

unsigned int ipd_sa_output(struct ipd_net *ipd, struct ipd_sa *sa, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	struct output out = {
		.ipd = ipd, .sa = sa, .state = state, .next = state, .family = state->pf,
	};

	return ipd_sa_is_tunnel(sa) ? output_tunnel(&out, skb) : output_transport(&out, skb);
}

unsigned int ipd_sa_overhead(const struct ipd_sa *sa)
{
	/* padding is longest when the trailer just does not fit into the last block */
	unsigned int payload = sa->crypto.block ? sa->crypto.block - 1 : 0;

	return ipd_sa_grown(sa, sa->params.family, payload) - payload;
}
