/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The anti-replay window, and what a truncated sequence number stands for. Pure logic: theory of
 * operation in replay.c.
 */
#ifndef IPD_REPLAY_H
#define IPD_REPLAY_H

#include <linux/types.h>

struct ipd_replay {
	u64 top;		/* highest number accepted, 0 before the first */
	u32 window;		/* in packets; 0 accepts everything */
	u32 word_mask;		/* words of the ring, less one */
	unsigned long bits[];
};

/*
 * @window up to IPSECDRV_MAX_REPLAY_WINDOW; the numbers up to @top count as seen. NULL without
 * memory; kfree().
 */
struct ipd_replay *ipd_replay_new(u32 window, u64 top, gfp_t gfp);

/*
 * Whether @seq may be new. Needs no lock: false only for what is certainly a duplicate, left of
 * the window or invalid; true has to be confirmed by ipd_replay_accept().
 */
bool ipd_replay_may_accept(const struct ipd_replay *replay, u64 seq);

/* Records @seq if it is new. The caller serialises calls. */
bool ipd_replay_accept(struct ipd_replay *replay, u64 seq);

/* The 64-bit number that the low half @low stands for (RFC 4303, appendix A2.2). */
u64 ipd_replay_infer(u64 top, u32 window, u32 low);

#endif /* IPD_REPLAY_H */
