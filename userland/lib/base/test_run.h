/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEST_RUN_H
#define BASE_TEST_RUN_H

#include <stdint.h>
#include <time.h>

/*
 * For tests whose fixture has an event loop, "event". Included after cmocka.h and sd-event.h.
 */

#define RUN_DEADLINE_MS 20000
/* A condition may come true without an event of the loop, as when another process ends. */
#define RUN_LOOK_USEC 20000

static inline uint64_t run_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Runs the loop until the condition is true, or fails. */
#define RUN_UNTIL(f, condition)                                                      \
	do {                                                                         \
		uint64_t end_ = run_now_ms() + RUN_DEADLINE_MS;                      \
										     \
		while (!(condition)) {                                               \
			if (run_now_ms() > end_)                                     \
				fail_msg("never: %s", #condition);                   \
			assert_true(sd_event_run((f)->event, RUN_LOOK_USEC) >= 0);   \
		}                                                                    \
	} while (0)

#endif
