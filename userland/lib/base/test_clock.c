// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(clock, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void test_goes_on_in_sleep(void **state)
{
	uint64_t before = read_clock(CLOCK_BOOTTIME), now = clock_usec();

	(void)state;
	assert_true(now >= before);
	assert_true(now <= read_clock(CLOCK_BOOTTIME));
}

static void test_slept(void **state)
{
	/* in this order: a host that has not slept is not awake for longer than it is there */
	uint64_t awake = read_clock(CLOCK_MONOTONIC), all = read_clock(CLOCK_BOOTTIME);
	uint64_t least = all - awake, slept = clock_slept_usec();

	(void)state;
	/* the two are read one after the other */
	assert_true(slept + 1000000 > least);
	assert_true(slept < least + 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_in_sleep),
		cmocka_unit_test(test_slept),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
