// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anti-replay.
 *
 * The window is a ring of words (RFC 6479): number n has bit n % BITS_PER_LONG of word
 * n / BITS_PER_LONG, modulo the ring. When the top moves into a new word, the words that it passes
 * are cleared, so nothing is ever shifted. For that the ring is one word longer than the window
 * at least: the word of the top may be partly ahead of it. With 64-bit words, a window of 64
 * and the top at 130, the ring has two words:
 *
 *	word 0: 128 ... 191, of which 131 and on are not yet seen, hence clear
 *	word 1:  64 ... 127, of which 67 and on lie in the window (130 - 64 = 66 does not)
 *
 * Readers without the lock look at the top first and at the bit afterwards. The writer clears
 * words before it moves the top, so a stale bit is never taken for one of the new range. A word
 * that is being reused under a reader can only show a bit of a number that is a whole ring ahead
 * of the reader's, which then is left of the window: "duplicate" is the right answer for it.
 *
 * Extended numbers have 64 bits, of which packets carry the lower half. The upper one is
 * that which puts the number nearest to the window: to the right of its left edge, and less than
 * 2^32 from there (RFC 4303, appendix A2.2). With the top at 0x2_0000_0005 and a window of 64:
 *
 *	low 0x00000003	0x2_0000_0003, in the window
 *	low 0xffffffd0	0x1_ffff_ffd0, in the window, which began before the halves met
 *	low 0xffffff00	0x2_ffff_ff00, far ahead: 0x1_ffff_ff00 would be left of the window
 *
 * A wrong guess is harmless, since the upper half is authenticated with the packet. The number is
 * inferred once, before the packet is checked, and goes with it: while the crypto code works the
 * window moves, and a second look could give another number than the one that was authenticated.
 */
#include "replay.h"

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/barrier.h>

/* as if every number up to @top had come */
static void begin_at(struct ipd_replay *replay, u64 top)
{
	unsigned long words = replay->word_mask + 1UL;

	memset(replay->bits, 0xff, words * sizeof(*replay->bits));
	replay->bits[(top / BITS_PER_LONG) & replay->word_mask] = GENMASK(top % BITS_PER_LONG, 0);
	replay->top = top;
}

struct ipd_replay *ipd_replay_new(u32 window, u64 top, gfp_t gfp)
{
	u32 words = roundup_pow_of_two(DIV_ROUND_UP(window, BITS_PER_LONG) + 1);
	struct ipd_replay *replay;

	replay = kzalloc(struct_size(replay, bits, words), gfp);
	if (!replay)
		return NULL;
	replay->window = window;
	replay->word_mask = words - 1;
	begin_at(replay, top);
	return replay;
}

bool ipd_replay_may_accept(const struct ipd_replay *replay, u64 seq)
{
	u64 top;

	if (!seq)
		return false;
	if (!replay->window)
		return true;
	/*
	 * Pairs with ipd_replay_accept(). On 32-bit machines the halves may be of two values when
	 * the upper one changes, once in 2^32 packets: a packet may be lost then.
	 */
	top = READ_ONCE(replay->top);
	/* the top before the bit */
	smp_rmb();
	if (seq > top)
		return true;
	if (top - seq >= replay->window)
		return false;
	return !test_bit(seq % BITS_PER_LONG,
			 &replay->bits[(seq / BITS_PER_LONG) & replay->word_mask]);
}

/* Clears the words between the one of @old and the one of @new, which included. */
static void clear_passed(struct ipd_replay *replay, u64 old, u64 new)
{
	u64 from = old / BITS_PER_LONG;
	u64 n = min_t(u64, new / BITS_PER_LONG - from, replay->word_mask + 1);

	while (n--)
		WRITE_ONCE(replay->bits[++from & replay->word_mask], 0);
}

bool ipd_replay_accept(struct ipd_replay *replay, u64 seq)
{
	u64 top = replay->top;
	unsigned long *word;
	unsigned long bit;

	if (!seq)
		return false;
	if (!replay->window) {
		WRITE_ONCE(replay->top, max(top, seq));
		return true;
	}
	if (seq <= top && top - seq >= replay->window)
		return false;
	if (seq > top) {
		clear_passed(replay, top, seq);
		/* the clearing is seen before the new top; pairs with ipd_replay_may_accept() */
		smp_wmb();
		WRITE_ONCE(replay->top, seq);
	}
	word = &replay->bits[(seq / BITS_PER_LONG) & replay->word_mask];
	bit = BIT(seq % BITS_PER_LONG);
	if (*word & bit)
		return false;
	WRITE_ONCE(*word, *word | bit);
	return true;
}

u64 ipd_replay_infer(u64 top, u32 window, u32 low)
{
	u32 top_low = lower_32_bits(top);
	u32 high = upper_32_bits(top);
	u32 left;

	window = max(window, 1U);
	left = top_low - window + 1;	/* may wrap: the window then lies in two halves */
	if (top_low >= window - 1) {
		if (low < left)
			high++;
	} else if (low >= left && high) {
		/* nothing comes before the first number, so high 0 stays */
		high--;
	}
	return (u64)high << 32 | low;
}
