// SPDX-License-Identifier: MIT
#include "base/timer.h"

#include <errno.h>
#include <stdlib.h>

void timers_done(struct timers *timers)
{
	free(timers->heap);
	*timers = (struct timers){0};
}

void timer_init(struct timer *timer, timer_fn fn)
{
	*timer = (struct timer){ .fn = fn };
}

bool timer_is_running(const struct timer *timer)
{
	return timer->slot != 0;
}

static void place(struct timers *timers, size_t i, struct timer *timer)
{
	timers->heap[i] = timer;
	timer->slot = i + 1;
}

/* Moves the timer at @i to where its deadline belongs. */
static void settle(struct timers *timers, size_t i)
{
	struct timer *timer = timers->heap[i];

	while (i && timers->heap[(i - 1) / 2]->deadline > timer->deadline) {
		place(timers, i, timers->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < timers->n &&
		    timers->heap[child + 1]->deadline < timers->heap[child]->deadline)
			child++;
		if (child >= timers->n || timers->heap[child]->deadline >= timer->deadline)
			break;
		place(timers, i, timers->heap[child]);
		i = child;
	}
	place(timers, i, timer);
}

static int grow(struct timers *timers)
{
	size_t cap = timers->cap ? 2 * timers->cap : 64;
	struct timer **heap = realloc(timers->heap, cap * sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	timers->heap = heap;
	timers->cap = cap;
	return 0;
}

int timer_set(struct timers *timers, struct timer *timer, uint64_t deadline)
{
	if (!timer->slot) {
		if (timers->n == timers->cap && grow(timers))
			return -ENOMEM;
		place(timers, timers->n++, timer);
	}
	timer->deadline = deadline;
	settle(timers, timer->slot - 1);
	return 0;
}

void timer_stop(struct timers *timers, struct timer *timer)
{
	size_t i = timer->slot - 1;
	struct timer *last;

	if (!timer->slot)
		return;
	timer->slot = 0;
	last = timers->heap[--timers->n];
	if (last == timer)
		return;
	place(timers, i, last);
	settle(timers, i);
}

uint64_t timers_next(const struct timers *timers)
{
	return timers->n ? timers->heap[0]->deadline : UINT64_MAX;
}

void timers_run(struct timers *timers, uint64_t now, void *userdata)
{
	/* As many as are due now: what callbacks add is left for the next run. */
	size_t budget = timers->n;

	while (budget-- && timers->n && timers->heap[0]->deadline <= now) {
		struct timer *timer = timers->heap[0];

		timer_stop(timers, timer);
		timer->fn(timer, userdata);
	}
}
