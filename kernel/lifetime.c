// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetimes in seconds, and announcing the end of any lifetime. Keepalives hang on the same clock.
 *
 * One work per namespace does all of it, under cfg_mutex: once a second while there are
 * associations, and at once when the packet path finds a limit reached (ipd_lifetime_attend()).
 *
 * Associations with something to wait for lie in a wheel of 256 slots, each at the second when it
 * has to be looked at next, modulo 256. The work turns the wheel to the present second and looks
 * at what lies in the slots that it passes. So a second costs one slot, a 256th of all
 * associations, and an association that is due in an hour is looked at 14 times in vain. A use
 * does not move an idle deadline: the wheel finds out when it gets there.
 *
 * Seconds are those since boot, sleep included, since the peer's clock goes on as well. The work
 * publishes them in ipd_sad.now, which is all the clock that the packet path needs. Its alarm is of
 * the same clock: an hour of sleep makes it due the moment the clock is set, before devices are
 * up again, and what has ended meanwhile protects no packet. A timer of jiffies would let the rest
 * of its second pass first, since jiffies stand still.
 */
#include "sa.h"

#include "compat.h"
#include "keepalive.h"
#include "net.h"
#include "netlink.h"

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/timekeeping.h>

/* alarms of other timers may be waited for */
#define ALARM_SLACK_NS	(20 * NSEC_PER_MSEC)

static struct hlist_head *slot_of(struct ipd_sad *sad, u32 second)
{
	return &sad->wheel[second % IPD_WHEEL_SLOTS];
}

static u32 seconds_now(void)
{
	return ktime_get_boottime_seconds();
}

/* an outbound association goes with its pair */
static u32 idle_seconds(const struct ipd_sa *sa)
{
	return sa->params.direction == IPSECDRV_DIRECTION_IN ? sa->params.idle_seconds : 0;
}

/* when to look at it again; false if never */
static bool next_due(const struct ipd_sa *sa, u32 *ret_due)
{
	const struct ipd_sa_params *params = &sa->params;
	u32 due = U32_MAX;

	if (sa->state == IPSECDRV_SA_STATE_LARVAL) {
		*ret_due = sa->born + IPD_LARVAL_SECONDS;
		return true;
	}
	if (params->soft_seconds && sa->state == IPSECDRV_SA_STATE_MATURE)
		due = min(due, params->soft_seconds);
	if (params->hard_seconds)
		due = min(due, params->hard_seconds);
	if (idle_seconds(sa))
		due = min(due, READ_ONCE(sa->last_used) - sa->born + idle_seconds(sa));
	due = min(due, ipd_keepalive_due(sa));
	*ret_due = sa->born + due;
	return due != U32_MAX;
}

static void wheel_add(struct ipd_sa *sa)
{
	if (next_due(sa, &sa->due))
		hlist_add_head(&sa->wheel, slot_of(sa->sad, sa->due));
}

static enum hrtimer_restart on_alarm(struct hrtimer *alarm)
{
	struct ipd_sad *sad = container_of(alarm, struct ipd_sad, alarm);

	if (!READ_ONCE(sad->is_stopped))
		queue_work(ipd_sa_queue, &sad->work);
	return HRTIMER_NORESTART;
}

static void set_alarm(struct ipd_sad *sad)
{
	if (!READ_ONCE(sad->is_stopped))
		hrtimer_start_range_ns(&sad->alarm, ms_to_ktime(MSEC_PER_SEC), ALARM_SLACK_NS,
				       HRTIMER_MODE_REL_SOFT);
}

/* the wheel stood still while it was empty */
static void start_clock(struct ipd_sad *sad)
{
	sad->ticked = sad->now;
	set_alarm(sad);
}

void ipd_lifetime_add(struct ipd_sa *sa)
{
	struct ipd_sad *sad = sa->sad;

	lockdep_assert_held(&sad->ipd->cfg_mutex);
	WRITE_ONCE(sad->now, seconds_now());
	if (sad->larval + sad->active == 0)
		start_clock(sad);
	sa->born = sad->now;
	WRITE_ONCE(sa->last_used, sa->born);
	sa->kept_alive = sa->born;
	wheel_add(sa);
}

void ipd_lifetime_remove(struct ipd_sa *sa)
{
	lockdep_assert_held(&sa->sad->ipd->cfg_mutex);
	if (!hlist_unhashed(&sa->wheel))
		hlist_del_init(&sa->wheel);
}

void ipd_lifetime_attend(struct ipd_sa *sa)
{
	struct ipd_sad *sad = sa->sad;

	/* in the list already? pairs with attend_all(), which looks after it cleared the bit */
	if (test_and_set_bit(IPD_SA_PENDING_LISTED, &sa->pending))
		return;
	/* the list's reference; one whose last is gone has nothing to tell any more */
	if (!ipd_sa_get(sa))
		return;
	if (llist_add(&sa->attention, &sad->attention) && !READ_ONCE(sad->is_stopped))
		queue_work(ipd_sa_queue, &sad->work);
}

static void announce(struct ipd_sa *sa, u8 kind)
{
	ipd_nl_event_expire(sa->sad->ipd, sa, kind);
}

/* A successor of one association of a bundle is one of both, and is asked for once. */
static void announce_soft(struct ipd_sa *sa)
{
	struct ipd_sa *bundled = ipd_sad_bundled(sa);

	if (bundled) {
		ipd_sa_set_state(bundled, IPSECDRV_SA_STATE_DYING);
		clear_bit(IPSECDRV_LIFETIME_KIND_SOFT, &bundled->pending);
	}
	announce(sa, IPSECDRV_LIFETIME_KIND_SOFT);
}

/* what the packet path, or the wheel, found; of a bundle that ends one is named */
static void attend(struct ipd_sa *sa)
{
	if (!sa->is_linked)
		return;
	ipd_mapping_tell(sa);
	if (test_and_clear_bit(IPSECDRV_LIFETIME_KIND_HARD, &sa->pending)) {
		ipd_sad_remove(sa);
		announce(sa, IPSECDRV_LIFETIME_KIND_HARD);
	} else if (test_and_clear_bit(IPSECDRV_LIFETIME_KIND_SOFT, &sa->pending)) {
		announce_soft(sa);
	}
}

static void attend_all(struct ipd_sad *sad)
{
	struct llist_node *list = llist_reverse_order(llist_del_all(&sad->attention));
	struct ipd_sa *sa, *next;

	llist_for_each_entry_safe(sa, next, list, attention) {
		/* a full barrier, and from here on it may be in the next list */
		test_and_clear_bit(IPD_SA_PENDING_LISTED, &sa->pending);
		attend(sa);
		ipd_sa_put(sa);
	}
}

/* nothing arrived for too long: the pair goes, and is announced as one */
static void remove_idle(struct ipd_sa *sa)
{
	struct ipd_sa *pair = ipd_sad_pair(sa);

	if (pair)
		ipd_sad_remove(pair);
	/* the tables' reference may be the last one */
	if (WARN_ON_ONCE(!ipd_sa_get(sa)))
		return;
	ipd_sad_remove(sa);
	announce(sa, IPSECDRV_LIFETIME_KIND_IDLE);
	ipd_sa_put(sa);
}

/* one association of a slot that the wheel passes; not in the wheel at the moment */
static void look_at(struct ipd_sa *sa, u32 now)
{
	const struct ipd_sa_params *params = &sa->params;
	u32 age = now - sa->born;

	if (sa->state == IPSECDRV_SA_STATE_LARVAL) {
		if (age >= IPD_LARVAL_SECONDS) {
			ipd_sad_remove(sa);
			return;
		}
	} else if (params->hard_seconds && age >= params->hard_seconds) {
		ipd_sa_expire(sa, IPSECDRV_LIFETIME_KIND_HARD);
		return;
	} else if (idle_seconds(sa) && now - READ_ONCE(sa->last_used) >= idle_seconds(sa)) {
		remove_idle(sa);
		return;
	} else if (params->soft_seconds && age >= params->soft_seconds) {
		ipd_sa_expire(sa, IPSECDRV_LIFETIME_KIND_SOFT);
	}
	ipd_keepalive_look_at(sa, now);
	wheel_add(sa);
}

static void turn_to(struct ipd_sad *sad, u32 now)
{
	u32 n = min_t(u32, now - sad->ticked, IPD_WHEEL_SLOTS);

	while (n--) {
		struct hlist_head slot;
		struct ipd_sa *sa;

		/* what is put back may belong to the same slot, a turn later */
		hlist_move_list(slot_of(sad, now - n), &slot);
		while (!hlist_empty(&slot)) {
			sa = hlist_entry(slot.first, struct ipd_sa, wheel);
			hlist_del_init(&sa->wheel);
			look_at(sa, now);
		}
	}
	sad->ticked = now;
}

static void lifetime_work(struct work_struct *work)
{
	struct ipd_sad *sad = container_of(work, struct ipd_sad, work);

	mutex_lock(&sad->ipd->cfg_mutex);
	if (READ_ONCE(sad->is_stopped))
		goto out;
	WRITE_ONCE(sad->now, seconds_now());
	turn_to(sad, sad->now);
	attend_all(sad);
	if (sad->larval + sad->active)
		set_alarm(sad);
	else
		hrtimer_try_to_cancel(&sad->alarm);	/* of before; there may be none */
out:
	mutex_unlock(&sad->ipd->cfg_mutex);
}

void ipd_lifetime_init(struct ipd_sad *sad)
{
	INIT_WORK(&sad->work, lifetime_work);
	hrtimer_setup(&sad->alarm, on_alarm, CLOCK_BOOTTIME, HRTIMER_MODE_REL_SOFT);
	init_llist_head(&sad->attention);
	sad->now = seconds_now();
	sad->ticked = sad->now;
}

void ipd_lifetime_stop(struct ipd_sad *sad)
{
	WRITE_ONCE(sad->is_stopped, true);
	cancel_work_sync(&sad->work);
	hrtimer_cancel(&sad->alarm);
}

void ipd_lifetime_exit(struct ipd_sad *sad)
{
	struct ipd_sa *sa, *next;

	/* who was under way may have started both again; they would have done nothing */
	hrtimer_cancel(&sad->alarm);
	cancel_work_sync(&sad->work);
	llist_for_each_entry_safe(sa, next, llist_del_all(&sad->attention), attention)
		ipd_sa_put(sa);
}
