// SPDX-License-Identifier: GPL-2.0-only
/*
 * Negotiations.
 *
 * A packet that a negotiate filter covers, and for which there is no association, starts a
 * negotiation for (filter, selector). The packet waits, an event asks the agent, and when the
 * agent installs an association the packets leave under it, in their order. Example: the first
 * ping to a host waits some 100 ms for IKE and is answered all the same.
 *
 *                       packet                       attach
 *            NONE -----------------> LARVAL ----------------------> MATURE
 *             ^                        | end(failed), timeout        |  ^
 *             |<-- hold-seconds -- FAILED                            |  | attach
 *             |                        | end(soft)                   |  |
 *             |<-- hold-seconds --   SOFT ---------------------------|--+
 *             |                                                      |
 *             +<------------------- last detach ---------------------+
 *
 *   NONE    not in the table (or about to leave it)
 *   LARVAL  on the waiting list; the event is repeated until the agent answers or time is up
 *   MATURE  has associations, the newest usable one is current; on no list
 *   FAILED, SOFT  on the ended list until their time is over
 *
 * set_state() is the one place that changes it, under the lock.
 *
 * Order: while a work item lets held packets go (is_releasing), later packets of the negotiation
 * queue up behind them, so that no packet overtakes another. The work item judges each packet
 * anew, because policy may have changed while it waited; the packets of a negotiation that was
 * forgotten (is_gone) go the same way, and may so come to wait for another one.
 *
 * Bounds: strangers make hosts send packets, so everything here has a limit. Negotiations without
 * association are counted against IPSECDRV_MAX_ACQUIRES, and the oldest failed one makes room for
 * a new one; packets are bounded per negotiation and per namespace, and the oldest one goes. The
 * table's hash is keyed.
 *
 * Life: in the table, or releasing, or both; whoever ends the second of these under the lock frees
 * it after a grace period. Readers use RCU only. A negotiation that ever had an association may be
 * in flow caches, so the generation moves on before it is freed.
 *
 * The lock is a leaf: nothing is sent, judged or freed slowly under it.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "acquire.h"
#include "acquire_priv.h"
#include "compat.h"
#include "filter.h"
#include "net.h"
#include "netlink.h"
#include "sad.h"
#include "trace.h"

#define EVENT_INTERVAL		(5 * HZ)
#define NEGOTIATION_TIME	(60 * HZ)
#define FAILED_TIME		(60 * HZ)
#define TICK			HZ

/* an association of a negotiation */
struct attachment {
	struct list_head list;			/* newest first */
	struct ipd_sa *sa;			/* until ipd_acquire_detach() */
};

struct workqueue_struct *ipd_acquire_wq;
static siphash_key_t ipd_acquire_hash_key __read_mostly;

/*
 * For how something ended, in jiffies with those that would have passed while the host slept: what
 * was permitted in clear for five minutes is not still permitted in the evening. A negotiation under
 * way goes by jiffies proper, since nobody could answer in its sleep.
 */
static unsigned long clock_now(void)
{
	return nsecs_to_jiffies(ktime_get_coarse_boottime_ns());
}

/* --- table ------------------------------------------------------------------- */

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	return siphash(data, sizeof(struct ipd_acquire_key), &ipd_acquire_hash_key) ^ seed;
}

static u32 hash_acquire(const void *data, u32 len, u32 seed)
{
	const struct ipd_acquire *acquire = data;

	return hash_key(&acquire->key, len, seed);
}

static int compare_acquire(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct ipd_acquire *acquire = object;

	return memcmp(&acquire->key, arg->key, sizeof(acquire->key));
}

static const struct rhashtable_params ipd_acquire_params = {
	.head_offset = offsetof(struct ipd_acquire, node),
	.key_len = sizeof(struct ipd_acquire_key),
	.hashfn = hash_key,
	.obj_hashfn = hash_acquire,
	.obj_cmpfn = compare_acquire,
	.min_size = 16,
	.automatic_shrinking = true,
};

void ipd_acquire_make_key(const struct ipd_filter *filter, const struct ipd_flow *flow,
			  struct ipd_acquire_key *key)
{
	BUILD_BUG_ON(sizeof(*key) != 44);	/* hashed as memory: no padding */
	ipd_selector_of(filter, flow, &key->selector);
	key->filter_id = filter->id;
}

struct ipd_acquire *ipd_acquire_lookup(struct ipd_acquires *acquires,
				       const struct ipd_acquire_key *key)
{
	return rhashtable_lookup_fast(&acquires->table, key, ipd_acquire_params);
}

static bool is_pending(u8 state)
{
	return state == IPD_ACQUIRE_LARVAL || state == IPD_ACQUIRE_FAILED ||
	       state == IPD_ACQUIRE_SOFT;
}

/* RCU or the lock */
static enum ipd_acquire_state state_now(const struct ipd_acquire *acquire)
{
	/* pairs with the release in set_state(): what belongs to the state is there */
	u8 state = smp_load_acquire(&acquire->state);

	if ((state == IPD_ACQUIRE_FAILED || state == IPD_ACQUIRE_SOFT) &&
	    time_after_eq(clock_now(), READ_ONCE(acquire->until)))
		return IPD_ACQUIRE_NONE;
	return state;
}

/* The lists that belong to the state are the caller's to join; this leaves them. */
static void set_state(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
		      enum ipd_acquire_state state)
{
	lockdep_assert_held(&acquires->lock);
	WARN_ON_ONCE(acquire->is_gone && state != IPD_ACQUIRE_NONE);
	WRITE_ONCE(acquires->pending,
		   acquires->pending - is_pending(acquire->state) + is_pending(state));
	list_del_init(&acquire->list);
	if (state == IPD_ACQUIRE_MATURE)
		acquire->was_mature = true;
	acquires->changes++;
	trace_ipd_acquire(acquires->ipd->net, acquire->id, acquire->key.filter_id,
			  &acquire->key.selector, state);
	/* what belongs to the state was stored before; pairs with the acquire in state_now() */
	smp_store_release(&acquire->state, state);
}

static struct ipd_acquire *acquire_new(struct ipd_acquires *acquires,
				       const struct ipd_acquire_key *key)
{
	struct ipd_acquire *acquire;
	u32 id;

	acquire = kzalloc(sizeof(*acquire), GFP_ATOMIC | __GFP_NOWARN);
	if (!acquire)
		return NULL;
	acquire->key = *key;
	INIT_LIST_HEAD(&acquire->list);
	INIT_LIST_HEAD(&acquire->releasing);
	INIT_LIST_HEAD(&acquire->attachments);
	__skb_queue_head_init(&acquire->held);
	if (xa_alloc_cyclic(&acquires->ids, &id, acquire, xa_limit_32b, &acquires->last_id,
			    GFP_ATOMIC) < 0)
		goto err_free;
	acquire->id = id;
	if (rhashtable_insert_fast(&acquires->table, &acquire->node, ipd_acquire_params))
		goto err_erase;
	return acquire;

err_erase:
	xa_erase(&acquires->ids, id);
err_free:
	kfree(acquire);
	return NULL;
}

static void free_attachments(struct ipd_acquire *acquire)
{
	struct attachment *attachment, *next;

	list_for_each_entry_safe(attachment, next, &acquire->attachments, list) {
		list_del(&attachment->list);
		kfree(attachment);
	}
}

/* out of the table; what it still holds is for the work item to judge again */
static void forget(struct ipd_acquires *acquires, struct ipd_acquire *acquire)
{
	set_state(acquires, acquire, IPD_ACQUIRE_NONE);
	RCU_INIT_POINTER(acquire->current_sa, NULL);
	rhashtable_remove_fast(&acquires->table, &acquire->node, ipd_acquire_params);
	xa_erase(&acquires->ids, acquire->id);
	free_attachments(acquire);		/* of associations that are dead, if any */
	acquire->is_gone = true;
	if (acquire->was_mature)
		ipd_net_touch(acquires->ipd);
	ipd_hold_release(acquires, acquire);
	if (!acquire->is_releasing)
		kfree_rcu(acquire, rcu);
}

void ipd_acquire_released(struct ipd_acquires *acquires, struct ipd_acquire *acquire)
{
	if (acquire->is_gone)
		kfree_rcu(acquire, rcu);
	else if (acquire->state == IPD_ACQUIRE_MATURE && list_empty(&acquire->attachments))
		forget(acquires, acquire);
}

/* --- beginning ------------------------------------------------------------------- */

/* The negotiation begins, or begins again. */
static void start_negotiation(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
			      const struct ipd_flow *flow)
{
	set_state(acquires, acquire, IPD_ACQUIRE_LARVAL);
	RCU_INIT_POINTER(acquire->current_sa, NULL);
	acquire->flow = *flow;
	acquire->next_event = jiffies;
	WRITE_ONCE(acquire->until, jiffies + NEGOTIATION_TIME);
	/* due before all others, of which the next is at most an interval away */
	list_add(&acquire->list, &acquires->waiting);
	acquires->acquires++;
	mod_delayed_work(ipd_acquire_wq, &acquires->tick, 0);
}

/* room for one more, if need be in the place of the oldest that failed */
static bool make_room(struct ipd_acquires *acquires)
{
	if (acquires->pending >= IPSECDRV_MAX_ACQUIRES && !list_empty(&acquires->ended))
		forget(acquires, list_first_entry(&acquires->ended, struct ipd_acquire, list));
	return acquires->pending < IPSECDRV_MAX_ACQUIRES;
}

/*
 * The filters may have been replaced since the caller looked. Whoever replaces them takes the
 * lock afterwards, to forget negotiations: so under the lock there is no doubt.
 */
static bool is_in_force(struct ipd_net *ipd, const struct ipd_filter *filter)
{
	return ipd_filter_set_find(rcu_dereference(ipd->filters), filter->id) == filter;
}

static struct ipd_sa *newest_usable(const struct ipd_acquire *acquire)
{
	struct attachment *attachment;

	list_for_each_entry(attachment, &acquire->attachments, list)
		if (ipd_sa_is_usable(attachment->sa))
			return attachment->sa;
	return NULL;
}

/* The current association died, and nobody took it away yet. */
static bool fall_back(struct ipd_acquire *acquire)
{
	struct ipd_sa *sa = newest_usable(acquire);

	if (sa)
		rcu_assign_pointer(acquire->current_sa, sa);
	return sa;
}

static int begin(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
		 const struct ipd_acquire_key *key, const struct ipd_flow *flow, u8 *ret_reason)
{
	*ret_reason = IPSECDRV_DROP_ACQUIRE_LIMIT;
	if ((!acquire || !is_pending(acquire->state)) && !make_room(acquires))
		return -ENOSPC;
	*ret_reason = IPSECDRV_DROP_NO_MEMORY;
	if (!acquire)
		acquire = acquire_new(acquires, key);
	if (!acquire)
		return -ENOMEM;
	start_negotiation(acquires, acquire, flow);
	return 0;
}

int ipd_acquire_want(struct ipd_acquires *acquires, const struct ipd_filter *filter,
		     const struct ipd_flow *flow, u8 *ret_reason)
{
	struct ipd_acquire *acquire;
	struct ipd_acquire_key key;
	struct ipd_sa *sa;

	ipd_acquire_make_key(filter, flow, &key);
	acquire = ipd_acquire_lookup(acquires, &key);
	switch (ipd_acquire_look(acquire, &sa)) {
	case IPD_ACQUIRE_LARVAL:
		return 0;
	case IPD_ACQUIRE_MATURE:
	case IPD_ACQUIRE_SOFT:
		return acquire->is_releasing ? 0 : -EAGAIN;
	case IPD_ACQUIRE_FAILED:
		return -EAGAIN;
	case IPD_ACQUIRE_NONE:
		break;
	}
	if (!is_in_force(acquires->ipd, filter))
		return -EAGAIN;
	if (acquire && fall_back(acquire))
		return -EAGAIN;
	return begin(acquires, acquire, &key, flow, ret_reason);
}

/* --- packet path ----------------------------------------------------------------- */

struct ipd_acquire *ipd_acquire_find(struct ipd_net *ipd, const struct ipd_filter *filter,
				     const struct ipd_flow *flow)
{
	struct ipd_acquire_key key;

	ipd_acquire_make_key(filter, flow, &key);
	return rhashtable_lookup(&ipd->acquires->table, &key, ipd_acquire_params);
}

enum ipd_acquire_state ipd_acquire_look(const struct ipd_acquire *acquire, struct ipd_sa **ret_sa)
{
	enum ipd_acquire_state state;

	*ret_sa = NULL;
	if (!acquire)
		return IPD_ACQUIRE_NONE;
	state = state_now(acquire);
	if (state != IPD_ACQUIRE_MATURE)
		return state;
	*ret_sa = rcu_dereference(acquire->current_sa);
	if (*ret_sa && ipd_sa_is_usable(*ret_sa))
		return IPD_ACQUIRE_MATURE;
	*ret_sa = NULL;
	return IPD_ACQUIRE_NONE;
}

u32 ipd_acquire_id(const struct ipd_acquire *acquire)
{
	return acquire->id;
}

bool ipd_acquire_is_releasing(const struct ipd_acquire *acquire)
{
	return READ_ONCE(acquire->is_releasing);
}

bool ipd_acquire_has_room(struct ipd_net *ipd)
{
	return READ_ONCE(ipd->acquires->pending) < IPSECDRV_MAX_ACQUIRES ||
	       !list_empty(&ipd->acquires->ended);
}

/* --- time ------------------------------------------------------------------------ */

static void fail(struct ipd_acquires *acquires, struct ipd_acquire *acquire, unsigned long time,
		 struct sk_buff_head *held)
{
	WRITE_ONCE(acquire->until, clock_now() + time);
	set_state(acquires, acquire, IPD_ACQUIRE_FAILED);
	list_add_tail(&acquire->list, &acquires->ended);
	acquires->failures++;
	ipd_hold_take(acquires, acquire, held);
}

static void copy_info(const struct ipd_acquire *acquire, struct ipd_acquire_info *info)
{
	memset(info, 0, sizeof(*info));
	info->selector = acquire->key.selector;
	info->flow = acquire->flow;
	info->id = acquire->id;
	info->filter_id = acquire->key.filter_id;
	info->state = acquire->state;
}

/* What is due first: an event to send (true), or packets of a negotiation that took too long. */
static bool next_due(struct ipd_acquires *acquires, struct ipd_acquire_info *event,
		     struct sk_buff_head *late)
{
	struct ipd_acquire *acquire;
	bool found = false;

	spin_lock_bh(&acquires->lock);
	while (!found) {
		acquire = list_first_entry_or_null(&acquires->waiting, struct ipd_acquire, list);
		if (!acquire || time_before(jiffies, acquire->next_event))
			break;
		if (time_after_eq(jiffies, acquire->until)) {
			fail(acquires, acquire, FAILED_TIME, late);
			continue;
		}
		acquire->next_event = min(jiffies + EVENT_INTERVAL, acquire->until);
		list_move_tail(&acquire->list, &acquires->waiting);
		copy_info(acquire, event);
		found = true;
	}
	spin_unlock_bh(&acquires->lock);
	return found;
}

static void forget_expired(struct ipd_acquires *acquires)
{
	struct ipd_acquire *acquire, *next;

	spin_lock_bh(&acquires->lock);
	list_for_each_entry_safe(acquire, next, &acquires->ended, list)
		if (time_after_eq(clock_now(), acquire->until))
			forget(acquires, acquire);
	if (!acquires->is_stopped && acquires->pending)
		queue_delayed_work(ipd_acquire_wq, &acquires->tick, TICK);
	spin_unlock_bh(&acquires->lock);
}

static void tick_work(struct work_struct *work)
{
	struct ipd_acquires *acquires =
		container_of(to_delayed_work(work), struct ipd_acquires, tick);
	struct ipd_acquire_info info;
	struct sk_buff_head late;

	__skb_queue_head_init(&late);
	while (next_due(acquires, &info, &late)) {
		const struct ipd_nl_acquire event = {
			.id = info.id,
			.filter_id = info.filter_id,
			.selector = &info.selector,
			.flow = &info.flow,
		};

		ipd_nl_event_acquire(acquires->ipd, &event);
		cond_resched();
	}
	ipd_hold_drop(acquires->ipd, &late, IPSECDRV_DROP_HOLD_TIMEOUT);
	forget_expired(acquires);
}

/* --- control --------------------------------------------------------------------- */

static struct ipd_acquire *find_or_make(struct ipd_acquires *acquires,
					const struct ipd_acquire_key *key)
{
	struct ipd_acquire *acquire;

	acquire = ipd_acquire_lookup(acquires, key);
	return acquire ?: acquire_new(acquires, key);
}

int ipd_acquire_attach(struct ipd_net *ipd, struct ipd_sa *sa)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct attachment *attachment;
	struct ipd_acquire *acquire;
	struct ipd_acquire_key key = {
		.selector = *ipd_sa_selector(sa),
		.filter_id = ipd_sa_filter_id(sa),
	};

	lockdep_assert_held(&ipd->cfg_mutex);
	attachment = kzalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment)
		return -ENOMEM;
	attachment->sa = sa;
	spin_lock_bh(&acquires->lock);
	acquire = find_or_make(acquires, &key);
	if (!acquire) {
		spin_unlock_bh(&acquires->lock);
		kfree(attachment);
		return -ENOMEM;
	}
	list_add(&attachment->list, &acquire->attachments);
	rcu_assign_pointer(acquire->current_sa, sa);
	/* before the state: who sees that it is mature sees that older packets go first */
	ipd_hold_release(acquires, acquire);
	if (acquire->state != IPD_ACQUIRE_MATURE)
		set_state(acquires, acquire, IPD_ACQUIRE_MATURE);
	spin_unlock_bh(&acquires->lock);
	ipd_net_touch(ipd);
	return 0;
}

static struct attachment *find_attachment(const struct ipd_acquire *acquire,
					  const struct ipd_sa *sa)
{
	struct attachment *attachment;

	list_for_each_entry(attachment, &acquire->attachments, list)
		if (attachment->sa == sa)
			return attachment;
	return NULL;
}

static void detach_locked(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
			  struct attachment *attachment)
{
	list_del(&attachment->list);
	kfree(attachment);
	RCU_INIT_POINTER(acquire->current_sa, NULL);
	if (!fall_back(acquire)) {
		if (acquire->state == IPD_ACQUIRE_MATURE && !acquire->is_releasing &&
		    list_empty(&acquire->attachments))
			forget(acquires, acquire);
	} else if (acquire->state != IPD_ACQUIRE_MATURE) {
		ipd_hold_release(acquires, acquire);
		set_state(acquires, acquire, IPD_ACQUIRE_MATURE);
	}
}

void ipd_acquire_detach(struct ipd_net *ipd, struct ipd_sa *sa)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct attachment *attachment = NULL;
	struct ipd_acquire *acquire;
	struct ipd_acquire_key key = {
		.selector = *ipd_sa_selector(sa),
		.filter_id = ipd_sa_filter_id(sa),
	};

	lockdep_assert_held(&ipd->cfg_mutex);
	spin_lock_bh(&acquires->lock);
	acquire = ipd_acquire_lookup(acquires, &key);
	if (acquire)
		attachment = find_attachment(acquire, sa);
	if (attachment)
		detach_locked(acquires, acquire, attachment);
	spin_unlock_bh(&acquires->lock);
	ipd_net_touch(ipd);
}

/* whether who does not answer may be spoken to in clear; -EINVAL */
static int check_soft(struct ipd_net *ipd, const struct ipd_acquire *acquire,
		      struct netlink_ext_ack *extack)
{
	const struct ipd_filter_set *set =
		rcu_dereference_protected(ipd->filters, lockdep_is_held(&ipd->cfg_mutex));
	const struct ipd_filter *filter = ipd_filter_set_find(set, acquire->key.filter_id);

	if (!filter || filter->class != IPSECDRV_FILTER_CLASS_TUNNEL)
		return 0;
	NL_SET_ERR_MSG(extack, "what belongs into a tunnel does not go in clear: no soft association");
	return -EINVAL;
}

static int end_locked(struct ipd_acquires *acquires, u32 id, u8 result, unsigned long time,
		      struct sk_buff_head *held, struct netlink_ext_ack *extack)
{
	struct ipd_acquire *acquire = xa_load(&acquires->ids, id);
	int err;

	if (!acquire) {
		NL_SET_ERR_MSG_FMT(extack, "acquire %u does not exist, or has ended", id);
		return -ENOENT;
	}
	if (acquire->state != IPD_ACQUIRE_LARVAL) {
		NL_SET_ERR_MSG_FMT(extack, "acquire %u has ended already", id);
		return -EALREADY;
	}
	if (result == IPSECDRV_ACQUIRE_RESULT_FAILED) {
		fail(acquires, acquire, time, held);
		return 0;
	}
	err = check_soft(acquires->ipd, acquire, extack);
	if (err)
		return err;
	WRITE_ONCE(acquire->until, clock_now() + time);
	ipd_hold_release(acquires, acquire);
	set_state(acquires, acquire, IPD_ACQUIRE_SOFT);
	list_add_tail(&acquire->list, &acquires->ended);
	return 0;
}

int ipd_acquire_end(struct ipd_net *ipd, u32 id, u8 result, u32 seconds,
		    struct netlink_ext_ack *extack)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct sk_buff_head held;
	int err;

	lockdep_assert_held(&ipd->cfg_mutex);
	__skb_queue_head_init(&held);
	spin_lock_bh(&acquires->lock);
	err = end_locked(acquires, id, result, seconds * HZ, &held, extack);
	spin_unlock_bh(&acquires->lock);
	ipd_hold_drop(ipd, &held, IPSECDRV_DROP_NEGOTIATION_FAILED);
	return err;
}

void ipd_acquire_prune(struct ipd_net *ipd, bool (*gone)(u32 filter_id, void *data), void *data)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct ipd_acquire *acquire;
	unsigned long id;

	spin_lock_bh(&acquires->lock);
	xa_for_each(&acquires->ids, id, acquire)
		if (is_pending(acquire->state) && gone(acquire->key.filter_id, data))
			forget(acquires, acquire);
	spin_unlock_bh(&acquires->lock);
}

void ipd_acquire_forget(struct ipd_net *ipd)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct ipd_acquire *acquire, *next;

	spin_lock_bh(&acquires->lock);
	list_for_each_entry_safe(acquire, next, &acquires->ended, list)
		forget(acquires, acquire);
	spin_unlock_bh(&acquires->lock);
}

void ipd_acquire_drop_device(struct ipd_net *ipd, const struct net_device *dev)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct ipd_acquire *acquire;
	struct sk_buff_head list;
	unsigned long id;

	__skb_queue_head_init(&list);
	spin_lock_bh(&acquires->lock);
	xa_for_each(&acquires->ids, id, acquire)
		ipd_hold_take_device(acquires, acquire, dev, &list);
	list_for_each_entry(acquire, &acquires->releasing, releasing)
		ipd_hold_take_device(acquires, acquire, dev, &list);
	spin_unlock_bh(&acquires->lock);
	ipd_hold_drop(ipd, &list, IPSECDRV_DROP_NO_ROUTE);
}

bool ipd_acquire_next(struct ipd_net *ipd, unsigned long *cursor, struct ipd_acquire_info *ret_info)
{
	struct ipd_acquires *acquires = ipd->acquires;
	struct ipd_acquire *acquire;
	unsigned long id;
	bool found = false;

	spin_lock_bh(&acquires->lock);
	xa_for_each_start(&acquires->ids, id, acquire, *cursor) {
		if (!is_pending(acquire->state))
			continue;
		copy_info(acquire, ret_info);
		*cursor = id + 1;
		found = true;
		break;
	}
	spin_unlock_bh(&acquires->lock);
	return found;
}

u32 ipd_acquire_changes(struct ipd_net *ipd)
{
	return READ_ONCE(ipd->acquires->changes) ?: 1;
}

void ipd_acquire_count(struct ipd_net *ipd, struct ipd_acquire_counts *ret_counts)
{
	struct ipd_acquires *acquires = ipd->acquires;

	memset(ret_counts, 0, sizeof(*ret_counts));
	spin_lock_bh(&acquires->lock);
	ret_counts->acquires = acquires->acquires;
	ret_counts->failures = acquires->failures;
	ret_counts->held_packets = acquires->held_packets;
	ret_counts->held_bytes = acquires->held_bytes;
	spin_unlock_bh(&acquires->lock);
}

/* --- life ------------------------------------------------------------------------ */

struct ipd_acquires *ipd_acquires_new(struct ipd_net *ipd)
{
	struct ipd_acquires *acquires;

	acquires = kzalloc(sizeof(*acquires), GFP_KERNEL_ACCOUNT);
	if (!acquires)
		return NULL;
	if (rhashtable_init(&acquires->table, &ipd_acquire_params)) {
		kfree(acquires);
		return NULL;
	}
	acquires->ipd = ipd;
	spin_lock_init(&acquires->lock);
	xa_init_flags(&acquires->ids, XA_FLAGS_ALLOC1);
	INIT_LIST_HEAD(&acquires->waiting);
	INIT_LIST_HEAD(&acquires->ended);
	INIT_LIST_HEAD(&acquires->releasing);
	INIT_DELAYED_WORK(&acquires->tick, tick_work);
	INIT_WORK(&acquires->release, ipd_hold_work);
	return acquires;
}

void ipd_acquires_stop(struct ipd_acquires *acquires)
{
	struct ipd_acquire *acquire;
	struct sk_buff_head held;
	unsigned long id;

	__skb_queue_head_init(&held);
	spin_lock_bh(&acquires->lock);
	acquires->is_stopped = true;
	xa_for_each(&acquires->ids, id, acquire)
		ipd_hold_take(acquires, acquire, &held);
	list_for_each_entry(acquire, &acquires->releasing, releasing)
		ipd_hold_take(acquires, acquire, &held);
	spin_unlock_bh(&acquires->lock);
	ipd_hold_drop(acquires->ipd, &held, IPSECDRV_DROP_TEARDOWN);
	cancel_delayed_work_sync(&acquires->tick);
	/* ends what is being released; its queues are empty */
	flush_work(&acquires->release);
}

void ipd_acquires_free(struct ipd_acquires *acquires)
{
	struct ipd_acquire *acquire;
	unsigned long id;

	spin_lock_bh(&acquires->lock);
	xa_for_each(&acquires->ids, id, acquire)
		forget(acquires, acquire);
	spin_unlock_bh(&acquires->lock);
	rhashtable_destroy(&acquires->table);
	xa_destroy(&acquires->ids);
	kfree(acquires);
}

int ipd_acquire_init(void)
{
	get_random_bytes(&ipd_acquire_hash_key, sizeof(ipd_acquire_hash_key));
	ipd_acquire_wq = alloc_workqueue("ipsecdrv", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return ipd_acquire_wq ? 0 : -ENOMEM;
}

void ipd_acquire_exit(void)
{
	destroy_workqueue(ipd_acquire_wq);
}
