// SPDX-License-Identifier: GPL-2.0-only
/*
 * A record costs 10 ms. Time that nobody used is kept, up to what a burst costs:
 *
 *	paid ........ now                  two records may be made, then one each 10 ms
 *	      |  10 ms  |  10 ms  |
 */
#include <linux/time64.h>

#include "throttle.h"

#define COST	(NSEC_PER_SEC / IPD_THROTTLE_SECOND)

bool ipd_throttle_take(struct ipd_throttle *throttle, u64 now, u64 *ret_left_out)
{
	const u64 burst = COST * IPD_THROTTLE_BURST;
	u64 paid = throttle->paid;

	if (now > burst && paid < now - burst)
		paid = now - burst;
	if (paid + COST > now) {
		throttle->left_out++;
		return false;
	}
	throttle->paid = paid + COST;
	*ret_left_out = throttle->left_out;
	throttle->left_out = 0;
	return true;
}

void ipd_throttle_lose(struct ipd_throttle *throttle, u64 left_out)
{
	throttle->left_out += left_out + 1;
}
