// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where packets meet the driver: at the edge of the wire.
 *
 *   in    PRE_ROUTING, right after defragmentation and before conntrack: all that follows sees
 *         the packet in clear, and sees it once.
 *   proof LOCAL_IN and FORWARD, first of all: was the packet judged on its way in? A path that
 *         skips PRE_ROUTING is a drop, not a bypass. The proof is a bit of the network layer's
 *         control block, which that layer clears when a packet comes in.
 *   out   POST_ROUTING, last of all: the addresses are those of the wire, and nothing may touch
 *         a protected packet.
 *
 * Priorities cannot make us last. conntrack confirms at INT_MAX too, and of equal hooks the one
 * that was registered last runs first. So the outbound hook runs what is behind it itself, before
 * it decides. A hook behind us may also queue the packet to user space; what comes back goes to
 * our own okfn, is judged there, and leaves by ip_output() with the flag that says that it was in
 * POST_ROUTING. So do held packets, whose original okfn may be gone with its module.
 *
 * The filters see what the wire sees: after source NAT outbound, before destination NAT inbound.
 *
 * What is let pass here without a question, and why:
 *   loopback devices, looped back copies      never leave the host
 *   VRF devices                               second pass of a packet that the port has, or had
 *   frames that a bridge forwards             not ours: link layer
 *   packets that XFRM will transform          come here again, transformed (a block holds anyway)
 */
#include <linux/bits.h>
#include <linux/bottom_half.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/netfilter/ipv4/nf_defrag_ipv4.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "acquire.h"
#include "compat.h"
#include "decide.h"
#include "drop.h"
#include "filter.h"
#include "flow.h"
#include "flowcache.h"
#include "hook.h"
#include "mode.h"
#include "natt.h"
#include "net.h"
#include "pmtu.h"
#include "reinject.h"
#include "sa.h"
#include "scope.h"
#include "startup.h"

/* Between defragmentation (-400) and raw (-300), with room on both sides. */
#define PRIORITY_IN	(NF_IP_PRI_CONNTRACK_DEFRAG + 50)

/* Bundles: AH around ESP is two; RFC 4301 knows no sensible use of more than that, twice over. */
#define MAX_HEADERS	4

/* Tunnels in tunnels, by way of devices. */
#define MAX_DEPTH	2

static DEFINE_PER_CPU(unsigned int, ipd_hook_depth);

/* A decision that others keep overtaking is not worth more tries. */
#define MAX_TRIES	3

/* of reassembly, beside those of the stack, which are small numbers; and a filter's id */
#define FRAGMENT_PLACES	BIT(31)

/* the proof; ip_rcv() and ipv6_rcv() clear the whole block, so it cannot come from outside */
#define JUDGED		BIT(15)

static void check_layout(void)
{
	BUILD_BUG_ON((IPSKB_FORWARDED | IPSKB_XFRM_TUNNEL_SIZE | IPSKB_XFRM_TRANSFORMED |
		      IPSKB_FRAG_COMPLETE | IPSKB_REROUTED | IPSKB_DOREDIRECT | IPSKB_FRAG_PMTU |
		      IPSKB_L3SLAVE | IPSKB_NOPOLICY | IPSKB_MULTIPATH) & JUDGED);
	BUILD_BUG_ON((IP6SKB_XFRM_TRANSFORMED | IP6SKB_FORWARDED | IP6SKB_REROUTED |
		      IP6SKB_ROUTERALERT | IP6SKB_FRAGMENTED | IP6SKB_HOPBYHOP | IP6SKB_L3SLAVE |
		      IP6SKB_JUMBOGRAM | IP6SKB_SEG6 | IP6SKB_MULTIPATH) & JUDGED);
	BUILD_BUG_ON(sizeof_field(struct inet_skb_parm, flags) != sizeof(u16));
	BUILD_BUG_ON(sizeof_field(struct inet6_skb_parm, flags) != sizeof(u16));
}

static bool is_judged(const struct sk_buff *skb, u8 family)
{
	return (family == NFPROTO_IPV4 ? IPCB(skb)->flags : IP6CB(skb)->flags) & JUDGED;
}

static void set_judged(struct sk_buff *skb, u8 family)
{
	if (family == NFPROTO_IPV4)
		IPCB(skb)->flags |= JUDGED;
	else
		IP6CB(skb)->flags |= JUDGED;
}

static int send_rerouted(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		IPCB(skb)->flags |= IPSKB_REROUTED;
		return ip_output(net, sk, skb);
	}
	IP6CB(skb)->flags |= IP6SKB_REROUTED;
	return ip6_output(net, sk, skb);
}

/*
 * A tunnel whose endpoint is reached through another device of this host, which sends packets of
 * its own that the tunnel covers, would wrap without end: the turns are counted.
 */
int ipd_hook_send(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	int err = -ELOOP;

	local_bh_disable();
	if (__this_cpu_inc_return(ipd_hook_depth) <= MAX_DEPTH)
		err = send_rerouted(net, sk, skb);
	else
		ipd_drop(ipd_net(net), skb, NULL, IPSECDRV_DIRECTION_OUT,
			 IPSECDRV_DROP_TUNNEL_LOOP);
	__this_cpu_dec(ipd_hook_depth);
	local_bh_enable();
	return err;
}

static bool is_l3_slave_pass(const struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV4 ? IPCB(skb)->flags & IPSKB_L3SLAVE :
					IP6CB(skb)->flags & IP6SKB_L3SLAVE;
}

static bool came_by_bridge(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	return nf_bridge_info_exists(skb);
#else
	return false;
#endif
}

static bool is_forwarded_by_bridge(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	return nf_bridge_get_physoutdev(skb);
#else
	return false;
#endif
}

/* with what filters may ask of the interface that the packet arrived by, or leaves by */
static int parse_flow(const struct ipd_net *ipd, const struct sk_buff *skb,
		      const struct net_device *dev, u8 family, u8 direction, struct ipd_flow *flow)
{
	int err = ipd_flow_parse(skb, family, direction, flow);

	if (!err)
		flow->scope = ipd_scope_of(ipd->net, dev);
	return err;
}

/* a filter decided about one more packet; it is counted, not immutable, in this one respect */
static void count_hit(const struct ipd_filter *filter, u8 direction)
{
	if (filter)
		ipd_filter_count(filter, direction);
}

/* @sa took the packet, whether it opened it or not; NULL: it is as it arrived */
static unsigned int drop_in(struct ipd_net *ipd, const struct sk_buff *skb,
			    const struct ipd_sa *sa, u8 reason)
{
	ipd_drop_count(ipd, skb, sa, IPSECDRV_DIRECTION_IN, reason);
	return NF_DROP;
}

static unsigned int drop_out(struct ipd_net *ipd, const struct sk_buff *skb, u8 reason)
{
	ipd_drop_count(ipd, skb, NULL, IPSECDRV_DIRECTION_OUT, reason);
	return NF_DROP;
}

/* Associations are not asked: who may send in such a mode is not known by them. */
static unsigned int judge_startup(struct ipd_net *ipd, enum ipd_mode_rule rule,
				  const struct sk_buff *skb, u8 family, u8 direction)
{
	u8 reason = IPSECDRV_DROP_MALFORMED;
	struct ipd_flow flow;

	if (!ipd_flow_parse(skb, family, direction, &flow)) {
		if (ipd_startup_judge(ipd, rule, skb, &flow) != IPSECDRV_PASS_REASON_NONE)
			return NF_ACCEPT;
		reason = IPSECDRV_DROP_STARTUP;
	}
	ipd_drop_count(ipd, skb, NULL, direction, reason);
	return NF_DROP;
}

/* what the mode decides without filters and associations */
static bool decide_by_mode(struct ipd_net *ipd, const struct sk_buff *skb, u8 family,
			   u8 direction, unsigned int *ret_verdict)
{
	enum ipd_mode_rule rule = ipd_mode_rule(READ_ONCE(ipd->mode), direction);

	switch (rule) {
	case IPD_MODE_RULE_PASS:
		*ret_verdict = NF_ACCEPT;
		return true;
	case IPD_MODE_RULE_DROP:
		ipd_drop_count(ipd, skb, NULL, direction, IPSECDRV_DROP_MODE_BLOCK);
		*ret_verdict = NF_DROP;
		return true;
	case IPD_MODE_RULE_OPEN:
	case IPD_MODE_RULE_ANSWER:
	case IPD_MODE_RULE_BOOT:
		*ret_verdict = judge_startup(ipd, rule, skb, family, direction);
		return true;
	case IPD_MODE_RULE_FILTER:
		break;
	}
	return false;
}

/* --- the hooks behind ours ------------------------------------------------------- */

static unsigned int ipd_hook_pre_routing(void *priv, struct sk_buff *skb,
					 const struct nf_hook_state *state);
static unsigned int ipd_hook_verify(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state);
static unsigned int ipd_hook_post_routing(void *priv, struct sk_buff *skb,
					  const struct nf_hook_state *state);

static nf_hookfn *hook_of(unsigned int hooknum)
{
	switch (hooknum) {
	case NF_INET_PRE_ROUTING:
		return ipd_hook_pre_routing;
	case NF_INET_POST_ROUTING:
		return ipd_hook_post_routing;
	default:
		return ipd_hook_verify;
	}
}

/* the hooks of @state's place and the index of ours in them, or NULL when ours is not there */
static const struct nf_hook_entries *find_hook(const struct nf_hook_state *state,
					       unsigned int *ret_index)
{
	const struct nf_hook_entries *hooks;
	nf_hookfn *ours = hook_of(state->hook);
	unsigned int i;

	hooks = state->pf == NFPROTO_IPV4 ?
		rcu_dereference(state->net->nf.hooks_ipv4[state->hook]) :
		rcu_dereference(state->net->nf.hooks_ipv6[state->hook]);
	if (!hooks)
		return NULL;
	/* from the end, where it is in POST_ROUTING */
	for (i = hooks->num_hook_entries; i > 0; i--) {
		if (hooks->hooks[i - 1].hook == ours) {
			*ret_index = i - 1;
			return hooks;
		}
	}
	return NULL;
}

/* --- inbound --------------------------------------------------------------------- */

/*
 * A packet that came out of @sa must be what @sa was negotiated for: the filter that decides it
 * is the association's, and it is within the association's selector.
 */
static unsigned int judge_unwrapped(struct ipd_net *ipd, const struct sk_buff *skb,
				    const struct ipd_flow *flow, const struct ipd_sa *sa)
{
	const struct ipd_filter *filter;

	filter = ipd_decide_filter(ipd, READ_ONCE(ipd->flowcache), flow);
	if (IS_ERR(filter))
		return drop_in(ipd, skb, sa, ipd_decide_drop_reason(filter));
	if (!ipd_sa_is_whole(sa) || !filter || filter->id != ipd_sa_filter_id(sa) ||
	    !ipd_selector_matches(ipd_sa_selector(sa), flow))
		return drop_in(ipd, skb, sa, IPSECDRV_DROP_WRONG_SA);
	count_hit(filter, IPSECDRV_DIRECTION_IN);
	return NF_ACCEPT;
}

static unsigned int judge_clear(struct ipd_net *ipd, const struct sk_buff *skb,
				const struct ipd_flow *flow)
{
	struct ipd_decision decision;

	ipd_decide(ipd, READ_ONCE(ipd->flowcache), flow, &decision);
	count_hit(decision.filter, IPSECDRV_DIRECTION_IN);
	if (decision.verdict == IPSECDRV_VERDICT_PASS)
		return NF_ACCEPT;
	return drop_in(ipd, skb, NULL, decision.drop_reason);
}

/*
 * AH or ESP that no association of ours covers. What we forward for others is a packet like any
 * other. What is for us would go to XFRM, if that has a state for it, or to nobody. RFC 4303 says
 * to drop and audit it, so it passes only where the administrator has left it to XFRM: with a
 * filter that permits this very protocol, or with no filters at all.
 */
static bool is_left_to_xfrm(struct ipd_net *ipd, const struct ipd_flow *flow,
			    const struct ipd_decision *decision)
{
	if (decision->verdict != IPSECDRV_VERDICT_PASS)
		return false;
	return (decision->filter && decision->filter->protocol == flow->protocol) ||
	       !ipd_filter_set_size(rcu_dereference(ipd->filters));
}

static unsigned int judge_foreign(struct ipd_net *ipd, const struct sk_buff *skb,
				  const struct ipd_flow *flow)
{
	bool for_us = ipd_flow_is_me(ipd->net, flow->family, &flow->local);
	struct ipd_decision decision;

	ipd_decide(ipd, READ_ONCE(ipd->flowcache), flow, &decision);
	count_hit(decision.filter, IPSECDRV_DIRECTION_IN);
	if (for_us ? is_left_to_xfrm(ipd, flow, &decision) :
		     decision.verdict == IPSECDRV_VERDICT_PASS)
		return NF_ACCEPT;
	if (for_us && decision.drop_reason != IPSECDRV_DROP_FILTER_BLOCK)
		return drop_in(ipd, skb, NULL, IPSECDRV_DROP_BAD_SPI);
	return drop_in(ipd, skb, NULL, decision.drop_reason);
}

static bool is_wrapped(const struct ipd_flow *flow)
{
	return (flow->protocol == IPPROTO_ESP || flow->protocol == IPPROTO_AH) &&
	       !(flow->flags & IPD_FLOW_FRAGMENT);
}

/* A datagram to the port that ESP in UDP comes to. */
static bool is_in_udp(const struct ipd_net *ipd, const struct ipd_flow *flow)
{
	return flow->protocol == IPPROTO_UDP && flow->local_port == htons(IPD_NATT_PORT) &&
	       !(flow->flags & (IPD_FLOW_FRAGMENT | IPD_FLOW_NO_PORTS)) &&
	       ipd_sad_has_udp(ipd->sad);
}

/* In UDP, but not under an association of ours: IKE, or somebody else's, or nothing good. */
static unsigned int judge_no_esp(struct ipd_net *ipd, const struct sk_buff *skb,
				 const struct ipd_flow *flow, int err, u8 reason)
{
	if (err == -ENOENT || !ipd_flow_is_me(ipd->net, flow->family, &flow->local))
		return judge_clear(ipd, skb, flow);
	return drop_in(ipd, skb, NULL, reason);
}

/*
 * Datagrams that GRO has joined, or that somebody on this machine has sent in one. Each has an SPI
 * and a number of its own, and goes on by itself; the skb's of the caller ends here.
 */
static unsigned int judge_segments(struct ipd_net *ipd, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	struct sk_buff *segments, *segment, *next;

	if (skb_mac_header_was_set(skb))
		__skb_push(skb, -skb_mac_offset(skb));
	segments = __skb_gso_segment(skb, 0, false);
	if (IS_ERR_OR_NULL(segments)) {
		__skb_pull(skb, skb_network_offset(skb));
		return drop_in(ipd, skb, NULL, PTR_ERR(segments) == -ENOMEM ?
				       IPSECDRV_DROP_NO_MEMORY : IPSECDRV_DROP_MALFORMED);
	}
	consume_skb(skb);
	skb_list_walk_safe(segments, segment, next) {
		skb_mark_not_on_list(segment);
		__skb_pull(segment, skb_network_offset(segment));
		ipd_hook_input_resume(ipd, segment, NULL, state);
	}
	return NF_STOLEN;
}

/*
 * Puts the fragments of a packet together that came out of a tunnel. Left to the stack, a fragment
 * in clear could complete a datagram of protected ones, or the reverse; so the tunnels of each
 * filter have a place of their own for that. -EINPROGRESS when the packet is not the caller's any
 * more: it waits for others, or the stack's reassembly has refused, counted and freed it.
 */
static int gather_fragments(struct ipd_net *ipd, struct sk_buff *skb, u8 family,
			    const struct ipd_sa *sa)
{
	u32 place = FRAGMENT_PLACES | ipd_sa_filter_id(sa);

	/* those that are alone, too (RFC 6946): the stack would mix them with others */
	if (family == NFPROTO_IPV6)
		return nf_ct_frag6_gather(ipd->net, skb, place);
	if (!ip_is_fragment(ip_hdr(skb)))
		return 0;
	if (ip_defrag(ipd->net, skb, place))
		return -EINPROGRESS;
	ip_send_check(ip_hdr(skb));
	skb->ignore_df = 1;
	return 0;
}

/*
 * A whole packet came out of a tunnel. It is judged here, where its association is known, and
 * then received anew, with a proof of that.
 */
static unsigned int judge_tunnelled(struct ipd_net *ipd, struct sk_buff *skb,
				    const struct ipd_sa *sa)
{
	u8 family = skb->protocol == htons(ETH_P_IP) ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct ipd_flow flow;
	unsigned int verdict;
	int err;

	err = gather_fragments(ipd, skb, family, sa);
	if (err == -EINPROGRESS)
		return NF_STOLEN;
	if (err || parse_flow(ipd, skb, skb->dev, family, IPSECDRV_DIRECTION_IN, &flow))
		return drop_in(ipd, skb, sa, IPSECDRV_DROP_MALFORMED);
	if (flow.flags & IPD_FLOW_MULTICAST)
		return drop_in(ipd, skb, sa, IPSECDRV_DROP_MULTICAST);
	verdict = judge_unwrapped(ipd, skb, &flow, sa);
	if (verdict != NF_ACCEPT)
		return verdict;
	err = ipd_reinject(ipd, skb);
	if (err)
		return drop_in(ipd, skb, sa, err == -ENOBUFS ? IPSECDRV_DROP_BACKLOG :
							       IPSECDRV_DROP_TEARDOWN);
	return NF_STOLEN;
}

/*
 * Headers off, one after the other, then the verdict. Only those of a bundle are in each other,
 * which ipd_sa_input() sees to. A packet inside that is AH or ESP again, and not ours, is nobody's.
 */
static unsigned int judge_headers(struct ipd_net *ipd, struct sk_buff *skb,
				  const struct nf_hook_state *state, struct ipd_sa *outer)
{
	struct ipd_input input = { .sa = outer };
	struct ipd_flow flow;
	int n, err;

	for (n = 0; n <= MAX_HEADERS; n++) {
		if (parse_flow(ipd, skb, state->in, state->pf, IPSECDRV_DIRECTION_IN, &flow))
			return drop_in(ipd, skb, input.sa, IPSECDRV_DROP_MALFORMED);
		if (ipd_pmtu_is_error(&flow) && !input.sa)
			ipd_pmtu_learn(ipd, skb, &flow);
		input.is_udp = !input.sa && is_in_udp(ipd, &flow);
		if (!is_wrapped(&flow) && !input.is_udp)
			return input.sa ? judge_unwrapped(ipd, skb, &flow, input.sa) :
					  judge_clear(ipd, skb, &flow);
		if (input.is_udp && skb_is_gso(skb) &&
		    ipd_flow_is_me(ipd->net, flow.family, &flow.local))
			return judge_segments(ipd, skb, state);
		outer = input.sa;
		err = ipd_sa_input(ipd, skb, state, &input);
		if (err == -EINPROGRESS)
			return NF_STOLEN;
		if (err && input.is_udp && !input.sa)
			return judge_no_esp(ipd, skb, &flow, err, input.drop_reason);
		if (err == -ENOENT && !outer)
			return judge_foreign(ipd, skb, &flow);
		if (err)
			return drop_in(ipd, skb, input.sa ?: outer,
				       err == -ENOENT ? IPSECDRV_DROP_BAD_SPI : input.drop_reason);
		if (ipd_sa_wraps(input.sa))
			return judge_tunnelled(ipd, skb, input.sa);
	}
	return drop_in(ipd, skb, input.sa, IPSECDRV_DROP_MALFORMED);
}

/* @sa is what the packet came out of before, if it went on asynchronously */
static unsigned int judge_input(struct ipd_net *ipd, struct sk_buff *skb,
				const struct nf_hook_state *state, struct ipd_sa *sa)
{
	unsigned int verdict;

	/* of a family of its own; the mode is asked when the packet is received anew */
	if (sa && ipd_sa_wraps(sa))
		return judge_tunnelled(ipd, skb, sa);
	if (!decide_by_mode(ipd, skb, state->pf, IPSECDRV_DIRECTION_IN, &verdict))
		verdict = judge_headers(ipd, skb, state, sa);
	if (verdict == NF_ACCEPT)
		set_judged(skb, state->pf);
	return verdict;
}

/* judged when it came out of its tunnel; only the mode may have changed since */
static unsigned int accept_tunnelled(struct ipd_net *ipd, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	unsigned int verdict;

	if (decide_by_mode(ipd, skb, state->pf, IPSECDRV_DIRECTION_IN, &verdict) &&
	    verdict != NF_ACCEPT)
		return verdict;
	skb_dst_drop(skb);
	set_judged(skb, state->pf);
	return NF_ACCEPT;
}

static unsigned int ipd_hook_pre_routing(void *priv, struct sk_buff *skb,
					 const struct nf_hook_state *state)
{
	/* set by the kernel on copies that it loops back, never by a device that receives */
	if ((state->in->flags & IFF_LOOPBACK) || skb->pkt_type == PACKET_LOOPBACK) {
		set_judged(skb, state->pf);
		return NF_ACCEPT;
	}
	if (ipd_reinject_has_proof(ipd_net(state->net), skb))
		return accept_tunnelled(ipd_net(state->net), skb, state);
	if (netif_is_l3_master(state->in)) {
		/* Nothing comes from a wire here: either from a port, judged, or from this host. */
		if (!is_l3_slave_pass(skb, state->pf))
			set_judged(skb, state->pf);
		return NF_ACCEPT;
	}
	/* Not judged: if it goes up instead of through the bridge, LOCAL_IN or FORWARD does it. */
	if (nf_bridge_in_prerouting(skb))
		return NF_ACCEPT;
	return judge_input(ipd_net(state->net), skb, state, NULL);
}

static unsigned int ipd_hook_verify(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	struct ipd_net *ipd;

	if (likely(is_judged(skb, state->pf)))
		return NF_ACCEPT;
	if (state->hook == NF_INET_FORWARD && is_forwarded_by_bridge(skb))
		return NF_ACCEPT;
	ipd = ipd_net(state->net);
	/* br_netfilter has kept it from PRE_ROUTING, so this is its first sight of the IP layer. */
	if (came_by_bridge(skb))
		return judge_input(ipd, skb, state, NULL);
	if (ipd_mode_rule(READ_ONCE(ipd->mode), IPSECDRV_DIRECTION_IN) == IPD_MODE_RULE_PASS)
		return NF_ACCEPT;
	return drop_in(ipd, skb, NULL, IPSECDRV_DROP_UNJUDGED);
}

void ipd_hook_input_resume(struct ipd_net *ipd, struct sk_buff *skb, struct ipd_sa *sa,
			   const struct nf_hook_state *state)
{
	struct nf_hook_state rest = *state;
	const struct nf_hook_entries *hooks;
	unsigned int index;

	switch (judge_input(ipd, skb, state, sa)) {
	case NF_ACCEPT:
		break;
	case NF_STOLEN:
		return;
	default:
		kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
		return;
	}
	hooks = find_hook(state, &index);
	if (!hooks)
		ipd_drop(ipd, skb, sa, IPSECDRV_DIRECTION_IN, IPSECDRV_DROP_TEARDOWN);
	else if (nf_hook_slow(skb, &rest, hooks, index + 1) == 1)
		rest.okfn(rest.net, rest.sk, skb);
}

/* --- outbound -------------------------------------------------------------------- */

/* holds the packet or, when there is no use any more, says to decide again */
static int try_hold(struct ipd_net *ipd, struct sk_buff *skb, const struct ipd_flow *flow,
		    const struct ipd_decision *decision, enum ipd_hold_place place,
		    unsigned int *ret_verdict)
{
	u8 reason;
	int err;

	err = ipd_acquire_hold(ipd, decision->filter, flow, skb, place, &reason);
	if (err == -EAGAIN)
		return err;
	*ret_verdict = err ? drop_out(ipd, skb, reason) : NF_STOLEN;
	return 0;
}

static bool is_behind_others(const struct ipd_decision *decision, enum ipd_hold_place place)
{
	return place == IPD_HOLD_LAST && decision->acquire &&
	       (decision->verdict == IPSECDRV_VERDICT_PROTECT ||
		decision->pass_reason == IPSECDRV_PASS_REASON_SOFT_SA) &&
	       ipd_acquire_is_releasing(decision->acquire);
}

/* XFRM sends what it made of the packet through here again; but what is blocked stays so. */
static unsigned int leave_to_xfrm(struct ipd_net *ipd, const struct sk_buff *skb,
				  const struct ipd_decision *decision)
{
	if (decision->verdict == IPSECDRV_VERDICT_DROP &&
	    (decision->drop_reason == IPSECDRV_DROP_FILTER_BLOCK ||
	     decision->drop_reason == IPSECDRV_DROP_MODE_BLOCK))
		return drop_out(ipd, skb, decision->drop_reason);
	return NF_ACCEPT;
}

/*
 * A packet that waited was sent when policy said that it must be protected. What was changed since
 * does not let it go in clear; only a soft association does.
 */
static unsigned int pass_output(struct ipd_net *ipd, const struct sk_buff *skb,
				enum ipd_hold_place place, u8 pass_reason)
{
	if (place == IPD_HOLD_FIRST && pass_reason != IPSECDRV_PASS_REASON_SOFT_SA)
		return drop_out(ipd, skb, IPSECDRV_DROP_POLICY_CHANGED);
	return NF_ACCEPT;
}

static unsigned int judge_output(struct ipd_net *ipd, struct sk_buff *skb,
				 const struct nf_hook_state *state, enum ipd_hold_place place)
{
	struct ipd_decision decision;
	struct ipd_flow flow;
	unsigned int verdict;
	int tries;

	if (decide_by_mode(ipd, skb, state->pf, IPSECDRV_DIRECTION_OUT, &verdict))
		return verdict == NF_ACCEPT ?
			pass_output(ipd, skb, place, IPSECDRV_PASS_REASON_MODE) : verdict;
	if (parse_flow(ipd, skb, state->out, state->pf, IPSECDRV_DIRECTION_OUT, &flow))
		return drop_out(ipd, skb, IPSECDRV_DROP_MALFORMED);
	ipd_flow_set_sender(&flow, state->sk);
	for (tries = 0; tries < MAX_TRIES; tries++) {
		ipd_decide(ipd, READ_ONCE(ipd->flowcache), &flow, &decision);
		if (skb_dst(skb) && dst_xfrm(skb_dst(skb)))
			return leave_to_xfrm(ipd, skb, &decision);
		if (decision.verdict == IPSECDRV_VERDICT_HOLD ||
		    is_behind_others(&decision, place)) {
			if (try_hold(ipd, skb, &flow, &decision, place, &verdict) == -EAGAIN)
				continue;
			count_hit(decision.filter, IPSECDRV_DIRECTION_OUT);
			return verdict;
		}
		count_hit(decision.filter, IPSECDRV_DIRECTION_OUT);
		if (decision.verdict == IPSECDRV_VERDICT_PASS)
			return pass_output(ipd, skb, place, decision.pass_reason);
		if (decision.verdict == IPSECDRV_VERDICT_PROTECT)
			return ipd_sa_output(ipd, decision.sa, skb, state);
		return drop_out(ipd, skb, decision.drop_reason);
	}
	return drop_out(ipd, skb, IPSECDRV_DROP_HOLD_LIMIT);
}

static bool stays_here(const struct sk_buff *skb, const struct net_device *out)
{
	return (out->flags & IFF_LOOPBACK) || netif_is_l3_master(out) ||
	       is_forwarded_by_bridge(skb);
}

/* The hooks behind ours are done with the packet, or there are none: the last word. */
static void judge_and_send(struct ipd_net *ipd, struct sk_buff *skb,
			   const struct nf_hook_state *state, enum ipd_hold_place place)
{
	switch (stays_here(skb, state->out) ? NF_ACCEPT :
		judge_output(ipd, skb, state, place) & NF_VERDICT_MASK) {
	case NF_ACCEPT:
		state->okfn(state->net, state->sk, skb);
		break;
	case NF_STOLEN:
		break;
	default:
		kfree_skb_reason(skb, SKB_DROP_REASON_NETFILTER_DROP);
	}
}

/* A hook behind ours queued the packet to user space, and here it is back; an okfn. */
static int ipd_hook_requeued(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	u8 family = skb->protocol == htons(ETH_P_IP) ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct nf_hook_state state;

	nf_hook_state_init(&state, NF_INET_POST_ROUTING, family, NULL, skb_dst_dev(skb), sk, net,
			   ipd_hook_send);
	judge_and_send(ipd_net(net), skb, &state, IPD_HOLD_LAST);
	return 0;
}

void ipd_hook_output_again(struct ipd_net *ipd, struct sk_buff *skb, u8 family)
{
	struct nf_hook_state state;

	nf_hook_state_init(&state, NF_INET_POST_ROUTING, family, NULL, skb_dst_dev(skb), NULL,
			   ipd->net, ipd_hook_send);
	judge_and_send(ipd, skb, &state, IPD_HOLD_FIRST);
}

/*
 * Some hooks were behind ours and have run, so the packet must not go back to the caller, who
 * would run them again.
 */
static unsigned int finish_ourselves(struct sk_buff *skb, const struct nf_hook_state *state,
				     unsigned int verdict)
{
	int err;

	if (verdict != NF_ACCEPT)
		return verdict;
	err = state->okfn(state->net, state->sk, skb);
	/* only errors fit into the verdict of a stolen packet; congestion is lost on the sender */
	if (err == NET_XMIT_DROP)
		err = -ENOBUFS;
	return err < 0 ? NF_STOLEN | (unsigned int)-err << NF_VERDICT_QBITS : NF_STOLEN;
}

static unsigned int ipd_hook_post_routing(void *priv, struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	struct ipd_net *ipd = ipd_net(state->net);
	const struct nf_hook_entries *hooks;
	struct nf_hook_state rest;
	unsigned int index;
	int err;

	if (stays_here(skb, state->out))
		return NF_ACCEPT;
	hooks = find_hook(state, &index);
	if (!hooks || index + 1 == hooks->num_hook_entries)
		return judge_output(ipd, skb, state, IPD_HOLD_LAST);
	rest = *state;
	rest.okfn = ipd_hook_requeued;
	err = nf_hook_slow(skb, &rest, hooks, index + 1);
	if (err != 1)
		return err < 0 ? NF_STOLEN | (unsigned int)-err << NF_VERDICT_QBITS : NF_STOLEN;
	return finish_ourselves(skb, state, judge_output(ipd, skb, state, IPD_HOLD_LAST));
}

/* --- registration ---------------------------------------------------------------- */

#define HOOK(function, number, family, prio) \
	{ .hook = (function), .hooknum = (number), .pf = (family), .priority = (prio) }

static const struct nf_hook_ops ipd_edge_hooks[] = {
	HOOK(ipd_hook_pre_routing, NF_INET_PRE_ROUTING, NFPROTO_IPV4, PRIORITY_IN),
	HOOK(ipd_hook_pre_routing, NF_INET_PRE_ROUTING, NFPROTO_IPV6, PRIORITY_IN),
	HOOK(ipd_hook_post_routing, NF_INET_POST_ROUTING, NFPROTO_IPV4, NF_IP_PRI_LAST),
	HOOK(ipd_hook_post_routing, NF_INET_POST_ROUTING, NFPROTO_IPV6, NF_IP6_PRI_LAST),
};

static const struct nf_hook_ops ipd_verify_hooks[] = {
	HOOK(ipd_hook_verify, NF_INET_LOCAL_IN, NFPROTO_IPV4, NF_IP_PRI_FIRST),
	HOOK(ipd_hook_verify, NF_INET_FORWARD, NFPROTO_IPV4, NF_IP_PRI_FIRST),
	HOOK(ipd_hook_verify, NF_INET_LOCAL_IN, NFPROTO_IPV6, NF_IP6_PRI_FIRST),
	HOOK(ipd_hook_verify, NF_INET_FORWARD, NFPROTO_IPV6, NF_IP6_PRI_FIRST),
};

/*
 * The edge first and, when every packet that missed it is gone, the proof of having been there;
 * off in reverse. Fragments are put together as long as there are hooks, so that ports are seen
 * and AH and ESP are whole.
 */
int ipd_hook_register(struct ipd_net *ipd)
{
	struct net *net = ipd->net;
	int err;

	check_layout();
	ipd->flowcache = ipd_flowcache_new();
	if (!ipd->flowcache)
		return -ENOMEM;
	err = ipd_reinject_open(ipd);
	if (err)
		goto err_cache;
	err = nf_defrag_ipv4_enable(net);
	if (err)
		goto err_proof;
	err = nf_defrag_ipv6_enable(net);
	if (err)
		goto err_defrag4;
	err = nf_register_net_hooks(net, ipd_edge_hooks, ARRAY_SIZE(ipd_edge_hooks));
	if (err)
		goto err_defrag6;
	synchronize_net();
	err = nf_register_net_hooks(net, ipd_verify_hooks, ARRAY_SIZE(ipd_verify_hooks));
	if (err)
		goto err_edge;
	ipd->hooked = true;
	return 0;

err_edge:
	nf_unregister_net_hooks(net, ipd_edge_hooks, ARRAY_SIZE(ipd_edge_hooks));
	synchronize_net();
err_defrag6:
	nf_defrag_ipv6_disable(net);
err_defrag4:
	nf_defrag_ipv4_disable(net);
err_proof:
	ipd_reinject_close(ipd);
err_cache:
	ipd_flowcache_free(ipd->flowcache);
	ipd->flowcache = NULL;
	return err;
}

void ipd_hook_unregister(struct ipd_net *ipd)
{
	struct ipd_flowcache *cache = ipd->flowcache;
	struct net *net = ipd->net;

	nf_unregister_net_hooks(net, ipd_verify_hooks, ARRAY_SIZE(ipd_verify_hooks));
	nf_unregister_net_hooks(net, ipd_edge_hooks, ARRAY_SIZE(ipd_edge_hooks));
	nf_defrag_ipv6_disable(net);
	nf_defrag_ipv4_disable(net);
	WRITE_ONCE(ipd->flowcache, NULL);
	ipd->hooked = false;
	/* packets that are being let go may still look into the cache, under RCU */
	synchronize_net();
	ipd_reinject_close(ipd);
	ipd_flowcache_free(cache);
}
