/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many records of a kind may be made: a burst, then so many a second. Pure; the caller locks.
 */
#ifndef IPD_THROTTLE_H
#define IPD_THROTTLE_H

#include <linux/types.h>

#define IPD_THROTTLE_BURST	200
#define IPD_THROTTLE_SECOND	100

/* All zero is one that has been still for long. */
struct ipd_throttle {
	u64 paid;	/* in nanoseconds; everything before it has been used up */
	u64 left_out;	/* records that were not made since the last one that was */
};

/**
 * ipd_throttle_take() - whether a record may be made
 * @throttle: of its kind
 * @now: nanoseconds of a clock that does not go back by more than a moment
 * @ret_left_out: when it may, how many were left out before it
 *
 * One that may not be made is counted.
 */
bool ipd_throttle_take(struct ipd_throttle *throttle, u64 now, u64 *ret_left_out);

/* The record that was to tell of @left_out others did not reach anybody. */
void ipd_throttle_lose(struct ipd_throttle *throttle, u64 left_out);

#endif /* IPD_THROTTLE_H */
