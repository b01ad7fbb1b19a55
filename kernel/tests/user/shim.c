// SPDX-License-Identifier: GPL-2.0-only
#include "shim.h"

long shim_fail_in;

void *shim_alloc(size_t n, size_t size)
{
	if (shim_fail_in && !--shim_fail_in)
		return NULL;
	return calloc(n, size);
}

struct kmem_cache *shim_cache(size_t size)
{
	struct kmem_cache *cache = shim_alloc(1, sizeof(*cache));

	if (cache)
		cache->size = size;
	return cache;
}

static struct rcu_head *waiting;

void call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *head))
{
	head->function = function;
	head->next = waiting;
	waiting = head;
}

static void run_work(struct rcu_head *head)
{
	struct rcu_work *work = container_of(head, struct rcu_work, rcu);

	work->work.function(&work->work);
}

void queue_rcu_work(struct workqueue_struct *queue, struct rcu_work *work)
{
	(void)queue;
	call_rcu(&work->rcu, run_work);
}

void rcu_barrier(void)
{
	while (waiting) {
		struct rcu_head *head = waiting;

		waiting = head->next;
		head->function(head);
	}
}

/* splitmix64 */
void get_random_bytes(void *buffer, size_t length)
{
	static u64 state = 20000417;
	u8 *byte = buffer;
	size_t i;

	for (i = 0; i < length; i++) {
		u64 z = state += 0x9E3779B97F4A7C15ULL;

		z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
		z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
		byte[i] = z ^ z >> 31;
	}
}
