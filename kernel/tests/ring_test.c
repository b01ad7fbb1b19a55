// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring: what leaves, beside a list that is obviously in order, while random items are taken and
 * done in random order; positions that wrap; and threads that do all of it at once.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../ring.h"

#define SIZE	8
#define ITEMS	64

struct thing {
	struct ipd_ring_item item;
	u32 number;
	bool is_free;
};

static struct thing *thing_of(struct ipd_ring_item *item)
{
	return container_of(item, struct thing, item);
}

/* a ring whose first item has @position */
static struct ipd_ring *ring_at(struct kunit *test, u32 size, u32 position)
{
	struct ipd_ring *ring = ipd_ring_new(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ring);
	ring->tail = position;
	ring->head = position;
	atomic_set(&ring->next, position);
	return ring;
}

/* the example of ring.c, around the end of the positions */
static void ring_example(struct kunit *test)
{
	struct ipd_ring *ring = ring_at(test, 4, U32_MAX - 1);
	struct ipd_ring_item a, b, c, d, e;
	u32 position;

	ipd_ring_put(ring, &a);
	ipd_ring_put(ring, &b);
	ipd_ring_put(ring, &c);
	KUNIT_EXPECT_EQ(test, ipd_ring_waiting(ring), 3U);
	KUNIT_EXPECT_EQ(test, ipd_ring_take(ring, 1, &position), 1U);
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_at(ring, position), &a);
	KUNIT_EXPECT_EQ(test, ipd_ring_take(ring, 1, &position), 1U);
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_at(ring, position), &b);
	KUNIT_EXPECT_FALSE(test, ipd_ring_done(ring, &b));
	KUNIT_EXPECT_NULL(test, ipd_ring_drain(ring));
	KUNIT_EXPECT_TRUE(test, ipd_ring_done(ring, &a));
	KUNIT_EXPECT_EQ(test, ipd_ring_take(ring, 5, &position), 1U);
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_at(ring, position), &c);
	KUNIT_EXPECT_EQ(test, ipd_ring_take(ring, 5, &position), 0U);
	ipd_ring_put(ring, &d);
	KUNIT_EXPECT_FALSE(test, ipd_ring_has_room(ring));
	KUNIT_EXPECT_EQ(test, ipd_ring_len(ring), 4U);
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_drain(ring), &a);
	KUNIT_EXPECT_TRUE(test, ipd_ring_has_room(ring));
	ipd_ring_put(ring, &e);
	KUNIT_EXPECT_FALSE(test, ipd_ring_has_room(ring));
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_drain(ring), &b);
	KUNIT_EXPECT_NULL(test, ipd_ring_drain(ring));
	KUNIT_EXPECT_TRUE(test, ipd_ring_done(ring, &c));
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_drain(ring), &c);
	KUNIT_EXPECT_EQ(test, ipd_ring_take(ring, 5, &position), 2U);
	KUNIT_EXPECT_FALSE(test, ipd_ring_done(ring, &e));
	KUNIT_EXPECT_TRUE(test, ipd_ring_done(ring, &d));
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_drain(ring), &d);
	KUNIT_EXPECT_PTR_EQ(test, ipd_ring_drain(ring), &e);
	KUNIT_EXPECT_NULL(test, ipd_ring_drain(ring));
	KUNIT_EXPECT_EQ(test, ipd_ring_len(ring), 0U);
	kvfree(ring);
}

/* --- random order beside a reference ---------------------------------------------- */

/* everything that came, by number; what the ring should know of each */
struct model {
	struct kunit *test;
	struct ipd_ring *ring;
	struct rnd_state rnd;
	struct thing things[ITEMS];	/* number n is at n % ITEMS */
	bool done[ITEMS];
	u32 put, taken, left;
	bool is_drain_due;		/* somebody was told to */
};

static void model_put(struct model *m)
{
	struct thing *thing = &m->things[m->put % ITEMS];
	bool has_room = ipd_ring_has_room(m->ring);

	KUNIT_ASSERT_EQ(m->test, has_room, m->put - m->left < SIZE);
	if (!has_room)
		return;
	thing->number = m->put;
	m->done[m->put++ % ITEMS] = false;
	ipd_ring_put(m->ring, &thing->item);
}

static void model_take(struct model *m)
{
	u32 most = 1 + prandom_u32_state(&m->rnd) % SIZE, position, n, i;

	n = ipd_ring_take(m->ring, most, &position);
	KUNIT_ASSERT_EQ(m->test, n, min(most, m->put - m->taken));
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(m->test, thing_of(ipd_ring_at(m->ring, position + i))->number,
				m->taken++);
}

static void model_done(struct model *m)
{
	u32 n = m->taken - m->left, number;
	bool is_next;

	if (!n)
		return;
	number = m->left + prandom_u32_state(&m->rnd) % n;
	if (m->done[number % ITEMS])
		return;
	is_next = ipd_ring_done(m->ring, &m->things[number % ITEMS].item);
	KUNIT_EXPECT_EQ(m->test, is_next, number == m->left);
	m->done[number % ITEMS] = true;
	m->is_drain_due |= is_next;
}

static void model_drain(struct model *m)
{
	struct ipd_ring_item *item;
	bool was_next = m->left != m->taken && m->done[m->left % ITEMS];

	/* whoever made the next one leave was told; nobody else has to look */
	KUNIT_EXPECT_EQ(m->test, was_next, m->is_drain_due);
	while ((item = ipd_ring_drain(m->ring))) {
		KUNIT_ASSERT_EQ(m->test, thing_of(item)->number, m->left);
		KUNIT_ASSERT_TRUE(m->test, m->done[m->left++ % ITEMS]);
	}
	KUNIT_EXPECT_FALSE(m->test, m->left != m->taken && m->done[m->left % ITEMS]);
	m->is_drain_due = false;
}

static void ring_random(struct kunit *test)
{
	static void (*const steps[])(struct model *m) = {
		model_put, model_put, model_take, model_done, model_done, model_drain,
	};
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	prandom_seed_state(&m->rnd, 2000);
	/* so near to the end that positions wrap, and numbers are positions + 100 */
	m->ring = ring_at(test, SIZE, U32_MAX - 99);
	for (i = 0; i < 20000; i++)
		steps[prandom_u32_state(&m->rnd) % ARRAY_SIZE(steps)](m);
	KUNIT_EXPECT_GT(test, m->left, 1000U);
	while (m->left != m->put) {
		model_take(m);
		model_done(m);
		model_drain(m);
	}
	kvfree(m->ring);
}

/* --- threads ----------------------------------------------------------------------- */

#define THREADS		3
#define TOTAL		20000

struct crowd {
	struct ipd_ring *ring;
	spinlock_t put_lock, drain_lock;
	struct thing things[ITEMS];
	u32 put, left;
	atomic_t wrong, stopped;
	struct completion done;
};

static void crowd_put(struct crowd *c)
{
	struct thing *thing;

	spin_lock(&c->put_lock);
	if (c->put < TOTAL && ipd_ring_has_room(c->ring)) {
		thing = &c->things[c->put % ITEMS];
		thing->number = c->put++;
		ipd_ring_put(c->ring, &thing->item);
	}
	spin_unlock(&c->put_lock);
}

static void crowd_drain(struct crowd *c)
{
	struct ipd_ring_item *item;

	spin_lock(&c->drain_lock);
	while ((item = ipd_ring_drain(c->ring)))
		if (thing_of(item)->number != c->left++)
			atomic_inc(&c->wrong);
	spin_unlock(&c->drain_lock);
}

/* each does everything, and drains only when told: who is not told when he should be stalls all */
static int crowd_work(void *data)
{
	struct crowd *c = data;
	u32 position, n, i, rounds = 0;
	bool is_next;

	while (READ_ONCE(c->left) != TOTAL && rounds++ < 100 * TOTAL) {
		crowd_put(c);
		n = ipd_ring_take(c->ring, 3, &position);
		for (i = n, is_next = false; i-- > 0;)
			is_next |= ipd_ring_done(c->ring, ipd_ring_at(c->ring, position + i));
		if (is_next)
			crowd_drain(c);
		cond_resched();
	}
	if (atomic_inc_return(&c->stopped) == THREADS)
		complete(&c->done);
	return 0;
}

static void ring_threads(struct kunit *test)
{
	struct crowd *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	struct task_struct *task;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->ring = ring_at(test, SIZE, U32_MAX - TOTAL / 2);
	spin_lock_init(&c->put_lock);
	spin_lock_init(&c->drain_lock);
	init_completion(&c->done);
	for (i = 0; i < THREADS; i++) {
		task = kthread_run(crowd_work, c, "ring-%d", i);
		if (IS_ERR(task))
			KUNIT_FAIL(test, "no thread");
		if (IS_ERR(task) && atomic_inc_return(&c->stopped) == THREADS)
			complete(&c->done);
	}
	wait_for_completion(&c->done);
	KUNIT_EXPECT_EQ(test, c->left, (u32)TOTAL);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->wrong), 0);
	kvfree(c->ring);
}

static struct kunit_case ring_cases[] = {
	{ .name = "F15 F16 the example", .run_case = ring_example },
	{ .name = "F15 F16 random order", .run_case = ring_random },
	{ .name = "F15 F16 threads", .run_case = ring_threads },
	{}
};

static struct kunit_suite ring_suite = {
	.name = "ring",
	.test_cases = ring_cases,
};

kunit_test_suites(&ring_suite);
