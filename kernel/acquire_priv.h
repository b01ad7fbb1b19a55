/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What acquire.c (negotiations) and hold.c (their packets) share. Theory and states: acquire.c.
 */
#ifndef IPD_ACQUIRE_PRIV_H
#define IPD_ACQUIRE_PRIV_H

#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "acquire.h"

struct ipd_acquire_key {
	struct ipd_selector selector;
	u32 filter_id;
};

/* everything but what RCU readers look at is under the lock */
struct ipd_acquire {
	struct rhash_head node;
	struct ipd_acquire_key key;
	u32 id;
	u8 state;				/* readers: acquire; set_state(): release */
	bool is_releasing;			/* readers: READ_ONCE, after state */
	bool is_gone;				/* not in the table any more */
	bool was_mature;
	struct ipd_sa __rcu *current_sa;
	/* ends: LARVAL by jiffies, FAILED and SOFT by clock_now(); readers: READ_ONCE */
	unsigned long until;
	unsigned long next_event;		/* LARVAL */
	struct list_head list;			/* waiting or ended */
	struct list_head releasing;
	struct list_head attachments;
	struct sk_buff_head held;
	unsigned int held_bytes;
	struct ipd_flow flow;			/* of the packet that started it */
	struct rcu_head rcu;
};

struct ipd_acquires {
	struct ipd_net *ipd;
	spinlock_t lock;
	struct rhashtable table;
	struct xarray ids;
	u32 last_id;
	u32 changes;
	u32 pending;				/* LARVAL, FAILED and SOFT; READ_ONCE outside */
	struct list_head waiting;		/* LARVAL, next event first */
	struct list_head ended;			/* FAILED and SOFT, oldest first */
	struct list_head releasing;
	u32 held_packets;
	u32 held_bytes;
	u64 acquires;
	u64 failures;
	bool is_stopped;
	struct delayed_work tick;
	struct work_struct release;
};

extern struct workqueue_struct *ipd_acquire_wq;

/* --- acquire.c; the lock is held ------------------------------------------- */

struct ipd_acquire *ipd_acquire_lookup(struct ipd_acquires *acquires,
				       const struct ipd_acquire_key *key);
void ipd_acquire_make_key(const struct ipd_filter *filter, const struct ipd_flow *flow,
			  struct ipd_acquire_key *key);
/* the negotiation that a packet waits for, perhaps begun by it; returns as ipd_acquire_hold() */
int ipd_acquire_want(struct ipd_acquires *acquires, const struct ipd_filter *filter,
		     const struct ipd_flow *flow, u8 *ret_reason);
/* nothing of it is being let go any more: the end of it, if nothing else keeps it */
void ipd_acquire_released(struct ipd_acquires *acquires, struct ipd_acquire *acquire);

/* --- hold.c ----------------------------------------------------------------- */

/* lets the packets of @acquire go, if it has any; the lock is held */
void ipd_hold_release(struct ipd_acquires *acquires, struct ipd_acquire *acquire);
/* moves the packets of @acquire to @list; the lock is held */
void ipd_hold_take(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
		   struct sk_buff_head *list);
/* those only that are to leave by @dev */
void ipd_hold_take_device(struct ipd_acquires *acquires, struct ipd_acquire *acquire,
			  const struct net_device *dev, struct sk_buff_head *list);
/* drops what was taken; any context, without the lock */
void ipd_hold_drop(struct ipd_net *ipd, struct sk_buff_head *list, u8 reason);
/* the work item that lets packets go */
void ipd_hold_work(struct work_struct *work);

#endif /* IPD_ACQUIRE_PRIV_H */
