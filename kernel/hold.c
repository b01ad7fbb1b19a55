// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that wait for a negotiation, and how they leave. Theory and order: acquire.c.
 */
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu-refcount.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_fib.h>

#include "acquire.h"
#include "acquire_priv.h"
#include "compat.h"
#include "drop.h"
#include "hook.h"
#include "net.h"

#define HOLD_PACKETS		64
#define HOLD_BYTES		(64 * 1024)
#define HOLD_BYTES_ALL		(4 * 1024 * 1024)

/* After so many packets in one go, later packets need not queue up any more: see let_go(). */
#define RELEASE_BURST		(8 * HOLD_PACKETS)

/* what is ours in a held packet; the network layer's part is still needed when it leaves */
struct held_cb {
	union {
		struct inet_skb_parm h4;
		struct inet6_skb_parm h6;
	} network;
	u32 cookie;				/* of the route */
	u8 family;
};

static struct held_cb *held_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct held_cb) > sizeof(skb->cb));
	return (struct held_cb *)skb->cb;
}

/* --- queues ---------------------------------------------------------------------- */

void ipd_hold_drop(struct ipd_net *ipd, struct sk_buff_head *list, u8 reason)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(list))) {
		ipd_drop(ipd, skb, NULL, IPSECDRV_DIRECTION_OUT, reason);
		percpu_ref_put(&ipd->in_flight);
	}
}

static void unlink_held(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
			struct sk_buff *skb)
{
	__skb_unlink(skb, &acquire->held);
	acquire->held_bytes -= skb->truesize;
	acquires->held_bytes -= skb->truesize;
	acquires->held_packets--;
}

static struct sk_buff *unhold(struct ipd_acquires *acquires, struct ipd_acquire *acquire)
{
	struct sk_buff *skb = skb_peek(&acquire->held);

	if (skb)
		unlink_held(acquires, acquire, skb);
	return skb;
}

void ipd_hold_take(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
		   struct sk_buff_head *list)
{
	struct sk_buff *skb;

	while ((skb = unhold(acquires, acquire)))
		__skb_queue_tail(list, skb);
}

void ipd_hold_take_device(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
			  const struct net_device *dev, struct sk_buff_head *list)
{
	struct sk_buff *skb, *next;

	skb_queue_walk_safe(&acquire->held, skb, next) {
		if (skb_dst_dev(skb) != dev)
			continue;
		unlink_held(acquires, acquire, skb);
		__skb_queue_tail(list, skb);
	}
}

static bool is_full(const struct ipd_acquires *acquires, const struct ipd_acquire *acquire)
{
	return skb_queue_len(&acquire->held) > HOLD_PACKETS || acquire->held_bytes > HOLD_BYTES ||
	       acquires->held_bytes > HOLD_BYTES_ALL;
}

/* the oldest packets that are too many go to @excess; one packet of any size may stay */
static void enqueue(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
		    struct sk_buff *skb, enum ipd_hold_place place, struct sk_buff_head *excess)
{
	if (place == IPD_HOLD_FIRST)
		__skb_queue_head(&acquire->held, skb);
	else
		__skb_queue_tail(&acquire->held, skb);
	acquire->held_bytes += skb->truesize;
	acquires->held_bytes += skb->truesize;
	acquires->held_packets++;
	while (is_full(acquires, acquire) && skb_queue_len(&acquire->held) > 1)
		__skb_queue_tail(excess, unhold(acquires, acquire));
	if (acquires->held_bytes > HOLD_BYTES_ALL)
		__skb_queue_tail(excess, unhold(acquires, acquire));
}

/*
 * A held packet outlives its sender's socket, which a peer that does not answer must not block,
 * and its devices; it keeps its route, of which dst_check() says later whether it still is one.
 */
static u8 prepare_to_hold(struct sk_buff *skb, u8 family)
{
	if (!skb_dst(skb) || !skb_dst_force(skb))
		return IPSECDRV_DROP_NO_ROUTE;
	if (skb_orphan_frags(skb, GFP_ATOMIC))
		return IPSECDRV_DROP_NO_MEMORY;
	skb_orphan(skb);
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	skb_ext_del(skb, SKB_EXT_BRIDGE_NF);
#endif
	skb->dev = NULL;
	held_cb(skb)->family = family;
	held_cb(skb)->cookie = 0;
	if (family == NFPROTO_IPV6)
		held_cb(skb)->cookie = rt6_get_cookie(dst_rt6_info(skb_dst(skb)));
	return IPSECDRV_DROP_NONE;
}

/* The packet is cut off from its socket: from here on it is queued or dropped. */
static int enqueue_by_key(struct ipd_acquires *acquires, const struct ipd_acquire_key *key,
			  struct sk_buff *skb, enum ipd_hold_place place, u8 *ret_reason)
{
	struct ipd_acquire *acquire;
	struct sk_buff_head excess;
	int err = 0;

	__skb_queue_head_init(&excess);
	spin_lock_bh(&acquires->lock);
	acquire = ipd_acquire_lookup(acquires, key);
	if (acquires->is_stopped) {
		*ret_reason = IPSECDRV_DROP_TEARDOWN;
		err = -ESHUTDOWN;
	} else if (!acquire) {		/* forgotten this very moment */
		*ret_reason = IPSECDRV_DROP_HOLD_LIMIT;
		err = -ESTALE;
	} else {
		enqueue(acquires, acquire, skb, place, &excess);
		if (acquire->state != IPD_ACQUIRE_LARVAL)
			ipd_hold_release(acquires, acquire);
	}
	spin_unlock_bh(&acquires->lock);
	ipd_hold_drop(acquires->ipd, &excess, IPSECDRV_DROP_HOLD_LIMIT);
	return err;
}

static int hold(struct ipd_acquires *acquires, const struct ipd_filter *filter,
		const struct ipd_flow *flow, struct sk_buff *skb, enum ipd_hold_place place,
		u8 *ret_reason)
{
	struct ipd_acquire_key key;
	int err;

	ipd_acquire_make_key(filter, flow, &key);
	spin_lock_bh(&acquires->lock);
	err = acquires->is_stopped ? -ESHUTDOWN :
	      ipd_acquire_want(acquires, filter, flow, ret_reason);
	spin_unlock_bh(&acquires->lock);
	if (err)
		return err;
	*ret_reason = prepare_to_hold(skb, flow->family);
	if (*ret_reason != IPSECDRV_DROP_NONE)
		return -ENOBUFS;
	return enqueue_by_key(acquires, &key, skb, place, ret_reason);
}

int ipd_acquire_hold(struct ipd_net *ipd, const struct ipd_filter *filter,
		     const struct ipd_flow *flow, struct sk_buff *skb,
		     enum ipd_hold_place place, u8 *ret_reason)
{
	int err;

	*ret_reason = IPSECDRV_DROP_TEARDOWN;
	if (!percpu_ref_tryget_live(&ipd->in_flight))
		return -ESHUTDOWN;
	err = hold(ipd->acquires, filter, flow, skb, place, ret_reason);
	if (err)
		percpu_ref_put(&ipd->in_flight);
	return err;
}

/* --- letting go ------------------------------------------------------------------ */

void ipd_hold_release(struct ipd_acquires *acquires, struct ipd_acquire *acquire)
{
	if (skb_queue_empty(&acquire->held) || acquire->is_releasing)
		return;
	WRITE_ONCE(acquire->is_releasing, true);
	list_add_tail(&acquire->releasing, &acquires->releasing);
	queue_work(ipd_acquire_wq, &acquires->release);
}

/* the packet's route is still good, or there is another one */
static bool has_route(struct net *net, struct sk_buff *skb)
{
	if (dst_check(skb_dst(skb), held_cb(skb)->cookie))
		return true;
	if (held_cb(skb)->family == NFPROTO_IPV4)
		return !ip_route_me_harder(net, NULL, skb, RTN_UNSPEC);
	return !ip6_route_me_harder(net, NULL, skb);
}

static void judge_again(struct ipd_net *ipd, struct sk_buff *skb)
{
	u8 family = held_cb(skb)->family;

	rcu_read_lock();
	if (has_route(ipd->net, skb))
		ipd_hook_output_again(ipd, skb, family);
	else
		ipd_drop(ipd, skb, NULL, IPSECDRV_DIRECTION_OUT, IPSECDRV_DROP_NO_ROUTE);
	rcu_read_unlock();
	percpu_ref_put(&ipd->in_flight);
}

/*
 * The next packets to let go: one, or @all. None when @acquire is done with, and unless one is
 * returned it is.
 */
static void next_to_go(struct ipd_acquires *acquires, struct ipd_acquire *acquire, bool all,
		       struct sk_buff_head *list)
{
	struct sk_buff *skb;

	spin_lock_bh(&acquires->lock);
	/* a negotiation that began again holds its packets */
	if (acquire->state != IPD_ACQUIRE_LARVAL) {
		skb = all ? NULL : unhold(acquires, acquire);
		if (all)
			ipd_hold_take(acquires, acquire, list);
		else if (skb)
			__skb_queue_tail(list, skb);
	}
	if (all || skb_queue_empty(list)) {
		list_del_init(&acquire->releasing);
		WRITE_ONCE(acquire->is_releasing, false);
		ipd_acquire_released(acquires, acquire);
	}
	spin_unlock_bh(&acquires->lock);
}

/*
 * A sender that is faster than this work item would keep the queue filled for ever. After a burst
 * the queue is taken whole and closed; packets that come now may overtake its last ones, once.
 */
static void let_go(struct ipd_acquires *acquires, struct ipd_acquire *acquire)
{
	struct sk_buff_head list;
	struct sk_buff *skb;
	bool all = false;
	int n;

	__skb_queue_head_init(&list);
	for (n = 0; !all; n++) {
		all = n == RELEASE_BURST;
		next_to_go(acquires, acquire, all, &list);
		if (skb_queue_empty(&list))
			return;
		while ((skb = __skb_dequeue(&list)))
			judge_again(acquires->ipd, skb);
		cond_resched();
	}
}

void ipd_hold_work(struct work_struct *work)
{
	struct ipd_acquires *acquires = container_of(work, struct ipd_acquires, release);
	struct ipd_acquire *acquire;

	for (;;) {
		spin_lock_bh(&acquires->lock);
		acquire = list_first_entry_or_null(&acquires->releasing, struct ipd_acquire,
						   releasing);
		spin_unlock_bh(&acquires->lock);
		if (!acquire)
			return;
		let_go(acquires, acquire);
	}
}
