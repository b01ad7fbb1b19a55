// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/timer.h"

#define N 500

static struct timer pool[N];
static uint64_t last_deadline;
static size_t n_fired;

static void fire(struct timer *timer, void *userdata)
{
	(void)userdata;
	assert_true(timer->deadline >= last_deadline);
	assert_false(timer_is_running(timer));
	last_deadline = timer->deadline;
	n_fired++;
}

/* Random sets, moves and stops against a plain array of deadlines. */
static void test_random_against_array(void **state)
{
	struct timers timers = {0};
	uint64_t want[N];

	(void)state;
	srand(1);
	for (size_t i = 0; i < N; i++) {
		timer_init(&pool[i], fire);
		want[i] = UINT64_MAX;
	}
	for (size_t step = 0; step < 20000; step++) {
		size_t i = (size_t)rand() % N;
		uint64_t next = UINT64_MAX;

		if (rand() % 3) {
			want[i] = (uint64_t)rand() % 1000;
			assert_int_equal(timer_set(&timers, &pool[i], want[i]), 0);
		} else {
			want[i] = UINT64_MAX;
			timer_stop(&timers, &pool[i]);
		}
		for (size_t j = 0; j < N; j++)
			next = want[j] < next ? want[j] : next;
		assert_true(timers_next(&timers) == next);
	}
	n_fired = 0;
	last_deadline = 0;
	for (size_t i = 0; i < N; i++)
		n_fired -= want[i] <= 500;
	timers_run(&timers, 500, NULL);
	assert_int_equal(n_fired, 0);
	assert_true(timers_next(&timers) > 500);
	timers_done(&timers);
}

struct chain {
	struct timer timer;
	struct timers *timers;
	struct timer *victim;
	unsigned int n_calls;
};

static void rearm(struct timer *timer, void *userdata)
{
	struct chain *chain = (struct chain *)timer;

	(void)userdata;
	chain->n_calls++;
	timer_stop(chain->timers, chain->victim);
	assert_int_equal(timer_set(chain->timers, timer, 0), 0);
}

/* A callback stops another timer that is due, and re-arms itself in the past. */
static void test_callback_changes_timers(void **state)
{
	struct timers timers = {0};
	struct timer victim;
	struct chain chain = { .timers = &timers, .victim = &victim };

	(void)state;
	timer_init(&chain.timer, rearm);
	timer_init(&victim, fire);
	timer_set(&timers, &chain.timer, 1);
	timer_set(&timers, &victim, 2);
	n_fired = 0;
	timers_run(&timers, 5, NULL);
	assert_int_equal(n_fired, 0);
	assert_in_range(chain.n_calls, 1, 2);
	assert_true(timer_is_running(&chain.timer));
	timer_stop(&timers, &chain.timer);
	timer_stop(&timers, &chain.timer);
	assert_true(timers_next(&timers) == UINT64_MAX);
	timers_done(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_array),
		cmocka_unit_test(test_callback_changes_timers),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
