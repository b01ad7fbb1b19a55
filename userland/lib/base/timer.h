/* SPDX-License-Identifier: MIT */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Many timers behind one wake-up: a binary heap of timers that live inside the objects they
 * belong to. Set, change and stop cost O(log n); the next deadline is exact.
 */
struct timer;
typedef void (*timer_fn)(struct timer *timer, void *userdata);

struct timer {
	uint64_t deadline;
	timer_fn fn;
	size_t slot;	/* place in the heap + 1; 0: not running */
};

struct timers {
	struct timer **heap;
	size_t n;
	size_t cap;
};

/* Frees the heap, not the timers. */
void timers_done(struct timers *timers);

void timer_init(struct timer *timer, timer_fn fn);
bool timer_is_running(const struct timer *timer);
/* Starts or moves it. -ENOMEM leaves it as it was; a running timer can always be moved. */
int timer_set(struct timers *timers, struct timer *timer, uint64_t deadline);
/* No effect on a timer that does not run. */
void timer_stop(struct timers *timers, struct timer *timer);
/* UINT64_MAX when none runs. */
uint64_t timers_next(const struct timers *timers);
/*
 * Stops and calls each timer that is due, earliest first. A callback may set, stop and free any
 * timer. At most as many calls are made as timers run at the start, so that this ends.
 */
void timers_run(struct timers *timers, uint64_t now, void *userdata);

#endif
