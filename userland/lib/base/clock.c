// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_usec(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_slept_usec(void)
{
	uint64_t awake = read_clock(CLOCK_MONOTONIC), all = clock_usec();

	return all > awake ? all - awake : 0;
}
