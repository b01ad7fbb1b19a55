// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three positions chase each other through one array of pointers:
 *
 *	        head          next            tail
 *	   ------+-------------+---------------+------
 *	    left | being worked | waiting      | free
 *	         | on, or done  |              |
 *
 * Who puts moves the tail, under its caller's lock. Workers on any CPU move next with a compare and
 * exchange, and so own the items that they passed. Who drains moves the head over items that are
 * done, one caller at a time. A place is used again only after the head has passed it, and the head
 * passes nothing that a worker still owns, so no pointer is read from a place that another item has.
 *
 * Example, with a ring of 4 and two workers, A and B. Items are a, b, c, ...
 *
 *	put a, b, c		head 0, next 0, tail 3
 *	A takes a, B takes b	head 0, next 2, tail 3
 *	B is done with b	not the head: nothing to do; B takes c: next 3
 *	A is done with a	the head: A has somebody drain
 *	drain: a, b		head 2; c is not done
 *	B is done with c	the head: B has somebody drain
 *
 * Nobody is woken for items that are done out of order. What remains is a race: B finishes c while
 * the one who drains has just let b go. Either he sees that c is done, or B sees that the head has
 * come to c: each writes first and then, behind a full barrier, looks at what the other writes.
 */
#include "ring.h"

#include <linux/bug.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include <asm/barrier.h>

struct ipd_ring *ipd_ring_new(u32 size, gfp_t gfp)
{
	struct ipd_ring *ring;

	if (WARN_ON_ONCE(!is_power_of_2(size)))
		return NULL;
	ring = kvzalloc(struct_size(ring, items, size), gfp);
	if (!ring)
		return NULL;
	ring->mask = size - 1;
	return ring;
}

bool ipd_ring_has_room(const struct ipd_ring *ring)
{
	/* what is read from a place is read before it is used again; pairs with ipd_ring_drain() */
	return ring->tail - smp_load_acquire(&ring->head) <= ring->mask;
}

void ipd_ring_put(struct ipd_ring *ring, struct ipd_ring_item *item)
{
	item->position = ring->tail;
	item->is_done = false;
	ring->items[ring->tail & ring->mask] = item;
	/* the item before the tail; pairs with ipd_ring_take() and ipd_ring_drain() */
	smp_store_release(&ring->tail, ring->tail + 1);
}

u32 ipd_ring_take(struct ipd_ring *ring, u32 most, u32 *ret_position)
{
	int next = atomic_read(&ring->next);
	u32 n;

	do {
		/* next before the tail, which is not behind it then */
		smp_rmb();
		/* the tail before the items; pairs with ipd_ring_put() */
		n = min(smp_load_acquire(&ring->tail) - (u32)next, most);
		if (!n)
			return 0;
	} while (!atomic_try_cmpxchg(&ring->next, &next, (u32)next + n));
	*ret_position = next;
	return n;
}

bool ipd_ring_done(struct ipd_ring *ring, struct ipd_ring_item *item)
{
	u32 position = item->position;

	/* the work before the mark; after it the item may be gone */
	smp_store_release(&item->is_done, true);
	/* the mark before the look at the head; pairs with ipd_ring_drain() */
	smp_mb();
	return READ_ONCE(ring->head) == position;
}

struct ipd_ring_item *ipd_ring_drain(struct ipd_ring *ring)
{
	struct ipd_ring_item *item;
	u32 head = ring->head;

	/* the head of the last call before the look at the mark; pairs with ipd_ring_done() */
	smp_mb();
	/* pairs with ipd_ring_put() */
	if (head == smp_load_acquire(&ring->tail))
		return NULL;
	item = ring->items[head & ring->mask];
	/* pairs with ipd_ring_done() */
	if (!smp_load_acquire(&item->is_done))
		return NULL;
	/* the place is free after it was read; pairs with ipd_ring_has_room() */
	smp_store_release(&ring->head, head + 1);
	return item;
}
