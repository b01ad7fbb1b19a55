/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * The clock for what has a lifetime: it goes on while the host sleeps, as the peer's does, and no
 * setting of the date moves it. Who waits for an answer of another process of this host, which sleeps
 * with it, takes CLOCK_MONOTONIC instead. A timer by this clock is one by CLOCK_BOOTTIME.
 */

/* Microseconds since boot. */
uint64_t clock_usec(void);
/* Of them, those that the host has slept. */
uint64_t clock_slept_usec(void);

#endif
