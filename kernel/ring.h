/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue whose items are worked on in any order, by any CPU, and leave in the order in which they
 * came. Theory of operation in ring.c.
 */
#ifndef IPD_RING_H
#define IPD_RING_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include <asm/barrier.h>

/* part of what is queued */
struct ipd_ring_item {
	u32 position;
	bool is_done;
};

/* Positions count from 0 on and wrap: head <= next <= tail <= head + mask + 1. */
struct ipd_ring {
	u32 mask;				/* of positions: places in items[], less one */
	u32 tail ____cacheline_aligned_in_smp;	/* the next item to come; who puts */
	atomic_t next ____cacheline_aligned_in_smp;	/* ... to be worked on */
	u32 head ____cacheline_aligned_in_smp;	/* ... to leave; who drains */
	struct ipd_ring_item *items[];
};

/* with room for @size items, a power of two; NULL without memory; kvfree() */
struct ipd_ring *ipd_ring_new(u32 size, gfp_t gfp);

/* items that came and did not leave; a moment old */
static inline u32 ipd_ring_len(const struct ipd_ring *ring)
{
	/* not more may have left than came */
	u32 head = smp_load_acquire(&ring->head);

	return READ_ONCE(ring->tail) - head;
}

/* Adds an item at the end; there is room. The caller serialises calls of both. */
bool ipd_ring_has_room(const struct ipd_ring *ring);
void ipd_ring_put(struct ipd_ring *ring, struct ipd_ring_item *item);

/*
 * Hands up to @most items to the caller to be worked on; returns how many, the first of them being
 * at *ret_position. Any number of CPUs.
 */
u32 ipd_ring_take(struct ipd_ring *ring, u32 most, u32 *ret_position);

/* the item at @position, which was handed to the caller */
static inline struct ipd_ring_item *ipd_ring_at(const struct ipd_ring *ring, u32 position)
{
	return ring->items[position & ring->mask];
}

/* about how many wait to be worked on; any number if others take some just now */
static inline u32 ipd_ring_waiting(const struct ipd_ring *ring)
{
	return READ_ONCE(ring->tail) - (u32)atomic_read(&ring->next);
}

/*
 * The work on @item, which was handed out, is done; it is no longer the caller's. True when it is
 * the one to leave next, and nobody else will see to that: the caller has somebody drain.
 */
bool __must_check ipd_ring_done(struct ipd_ring *ring, struct ipd_ring_item *item);

/* The next item to leave, if its work is done, or NULL. The caller serialises calls. */
struct ipd_ring_item *ipd_ring_drain(struct ipd_ring *ring);

#endif /* IPD_RING_H */
