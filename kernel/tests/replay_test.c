// SPDX-License-Identifier: GPL-2.0-only
/*
 * The anti-replay window: edges, a slow and obvious window beside it under random input, and
 * extended numbers around every place where their halves meet.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "../replay.h"

struct step {
	u64 seq;
	bool is_new;
};

static void run_steps(struct kunit *test, u32 window, const struct step *steps, int n)
{
	struct ipd_replay *replay = ipd_replay_new(window, 0, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, replay);
	for (i = 0; i < n; i++) {
		if (steps[i].is_new)
			KUNIT_EXPECT_TRUE_MSG(test, ipd_replay_may_accept(replay, steps[i].seq),
					      "window %u, step %d", window, i);
		KUNIT_EXPECT_EQ_MSG(test, ipd_replay_accept(replay, steps[i].seq), steps[i].is_new,
				    "window %u, step %d: %llu", window, i, steps[i].seq);
		KUNIT_EXPECT_FALSE_MSG(test, ipd_replay_may_accept(replay, steps[i].seq),
				       "window %u, step %d", window, i);
	}
	kfree(replay);
}

/* W, the width; each line of numbers relative to it where it matters */
#define W 64

static void replay_edges(struct kunit *test)
{
	static const struct step steps[] = {
		{ 0, false }, { 1, true }, { 1, false }, { 0, false }, { 3, true }, { 2, true },
		{ 2, false }, { 3, false },
		/* the window is the last W numbers: top - W + 1 is in it, top - W is not */
		{ W, true }, { W + 1, true }, { 1, false }, { 4, true }, { 4, false },
		{ 2 * W, true }, { W + 1, false }, { W, false }, { W + 2, true },
		/* reversed through a whole window */
		{ 4 * W, true }, { 4 * W - 1, true }, { 3 * W + 2, true }, { 3 * W + 1, true },
		{ 3 * W, false }, { 3 * W + 1, false },
		/* jumps of just less than, just, and far more than the ring */
		{ 5 * W - 1, true }, { 4 * W, false }, { 4 * W + 1, true },
		{ 7 * W - 1, true }, { 5 * W - 1, false }, { 6 * W, true }, { 6 * W - 1, false },
		{ 1000 * W, true }, { 7 * W, false }, { 999 * W + 1, true }, { 999 * W, false },
		{ 999 * W + 1, false }, { 1000 * W, false },
	};

	run_steps(test, W, steps, ARRAY_SIZE(steps));
}

static void replay_last_numbers(struct kunit *test)
{
	static const struct step steps[] = {
		{ U32_MAX - 1ULL, true }, { U32_MAX, true }, { U32_MAX, false }, { 0, false },
		{ 1, false }, { U32_MAX - (W - 1ULL), true }, { U32_MAX - (u64)W, false },
		/* extended: past 2^32, and the last ones of all */
		{ U32_MAX + 1ULL, true }, { U32_MAX - 2ULL, true }, { U32_MAX + 1ULL, false },
		{ U64_MAX - 1, true }, { U64_MAX, true }, { U64_MAX, false },
		{ U64_MAX - (W - 1), true }, { U64_MAX - W, false }, { 0, false },
	};

	run_steps(test, W, steps, ARRAY_SIZE(steps));
}

static void replay_off(struct kunit *test)
{
	struct ipd_replay *replay = ipd_replay_new(0, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, replay);
	KUNIT_EXPECT_FALSE(test, ipd_replay_accept(replay, 0));
	KUNIT_EXPECT_TRUE(test, ipd_replay_accept(replay, 9));
	KUNIT_EXPECT_TRUE(test, ipd_replay_may_accept(replay, 9));
	KUNIT_EXPECT_TRUE(test, ipd_replay_accept(replay, 9));
	KUNIT_EXPECT_TRUE(test, ipd_replay_accept(replay, 3));
	KUNIT_EXPECT_EQ(test, replay->top, 9ULL);
	kfree(replay);
}

/* --- beside an obvious window ------------------------------------------- */

#define MODEL_NUMBERS	(16 * 1024 * 1024)
#define MODEL_STEPS	40000

/* every number that was ever accepted, and the highest */
struct model {
	unsigned long *seen;
	u64 top;
	u32 window;
};

static bool model_accept(struct model *model, u64 seq)
{
	if (!seq || seq + model->window <= model->top || test_bit(seq, model->seen))
		return false;
	__set_bit(seq, model->seen);
	model->top = max(model->top, seq);
	return true;
}

static u64 random_state;

static u32 rnd(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(random_state >> 33) % n;
}

/* near the edges of the window most of the time */
static u64 next_number(const struct model *model)
{
	u64 top = model->top, window = model->window;

	if (!rnd(50))
		return top + 1 + rnd(3 * window + 130);
	switch (rnd(8)) {
	case 1:
		return rnd(top + 1);
	case 2:
		return top - min_t(u64, top, window - 2 + rnd(4));
	case 3:
	case 4:
		return top - min_t(u64, top, rnd(window + 2));
	default:
		return top + 1 + rnd(3);
	}
}

static void model_run(struct kunit *test, u32 window, u64 offset)
{
	struct ipd_replay *replay = ipd_replay_new(window, 0, GFP_KERNEL);
	struct model model = { .window = window };
	int i, wrong = 0;

	model.seen = kvcalloc(BITS_TO_LONGS(MODEL_NUMBERS), sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, replay);
	KUNIT_ASSERT_NOT_NULL(test, model.seen);
	random_state = window;
	for (i = 0; i < MODEL_STEPS; i++) {
		u64 seq = next_number(&model);
		bool may, is_new;

		if (seq >= MODEL_NUMBERS)
			break;
		/* the model counts from 0; the window may be anywhere */
		may = seq ? ipd_replay_may_accept(replay, seq + offset) : false;
		is_new = model_accept(&model, seq);
		wrong += is_new != (seq ? ipd_replay_accept(replay, seq + offset) : false);
		/* nobody else writes, so the check without the lock is exact, too */
		wrong += is_new != may;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "window %u at %llu", window, offset);
	KUNIT_EXPECT_EQ_MSG(test, i, MODEL_STEPS, "window %u: the model is too small", window);
	KUNIT_EXPECT_EQ(test, replay->top, model.top + offset);
	kvfree(model.seen);
	kfree(replay);
}

/* pitfall D1 */
static void replay_model(struct kunit *test)
{
	static const u32 windows[] = { 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1024, 4096 };
	int i;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		model_run(test, windows[i], 0);
		model_run(test, windows[i], 77);
		model_run(test, windows[i], U32_MAX - 5000ULL);
	}
}

static void replay_memory(struct kunit *test)
{
	struct ipd_replay *replay = ipd_replay_new(4096, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, replay);
	/* the ring holds the window wherever in a word its top is */
	KUNIT_EXPECT_GE(test, (replay->word_mask + 1) * BITS_PER_LONG, 4096UL + BITS_PER_LONG - 1);
	kfree(replay);
}

/* --- extended numbers --------------------------------------------------- */

/* The number from the left edge of the window on that has this low half. */
static u64 naive_infer(u64 top, u32 window, u32 low)
{
	u64 left = top >= window ? top - window + 1 : 0;
	u64 seq = (left & ~(u64)U32_MAX) | low;

	return seq < left ? seq + (1ULL << 32) : seq;
}

static void replay_infer(struct kunit *test)
{
	static const u32 windows[] = { 1, 32, 64, 1024, 4096 };
	static const u64 highs[] = { 0, 1, 2, 0x7fffffff, 0xfffffffe };
	int h, w, t, s, wrong = 0;

	for (h = 0; h < ARRAY_SIZE(highs); h++)
		for (w = 0; w < ARRAY_SIZE(windows); w++)
			for (t = -2 * 4096; t <= 2 * 4096; t += 61)
				for (s = -2 * 4096; s <= 2 * 4096; s += 67) {
					u64 top = (highs[h] << 32) + (u64)(s64)(h || t >= 0 ? t : -t);
					u32 low = (u32)top + s;

					wrong += ipd_replay_infer(top, windows[w], low) !=
						 naive_infer(top, windows[w], low);
				}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* RFC 4303, appendix A2.2, with W 64 and the top around 2^32 and 2^33 */
static void replay_infer_cases(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0, 64, 1), 1ULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(10, 64, 0xffffffff), 0xffffffffULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0xffffffff, 64, 0), 0x100000000ULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0xffffffff, 64, 0xffffffc0), 0xffffffc0ULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0xffffffff, 64, 0xffffffbf), 0x1ffffffbfULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0x10000000a, 64, 0xfffffff0), 0xfffffff0ULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0x10000000a, 64, 0xffffffca), 0x1ffffffcaULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0x10000000a, 64, 0xffffffcb), 0xffffffcbULL);
	KUNIT_EXPECT_EQ(test, ipd_replay_infer(0x10000000a, 64, 11), 0x10000000bULL);
}

/* a flow with loss and disorder across 2^32, of which only low halves are seen */
static void replay_extended_flow(struct kunit *test)
{
	struct ipd_replay *replay = ipd_replay_new(64, (3ULL << 32) - 3000, GFP_KERNEL);
	u64 sent, seq;
	int wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, replay);
	random_state = 5;
	for (sent = replay->top + 1; sent < (3ULL << 32) + 3000; sent += 1 + rnd(5)) {
		seq = ipd_replay_infer(replay->top, 64, (u32)sent);
		wrong += seq != sent || !ipd_replay_accept(replay, seq);
		/* again, and one of the last few that may have come or not */
		wrong += ipd_replay_accept(replay, ipd_replay_infer(replay->top, 64, (u32)sent));
		seq = sent - rnd(63);
		wrong += ipd_replay_infer(replay->top, 64, (u32)seq) != seq;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	kfree(replay);
}

/* --- a window that begins in the middle ---------------------------------- */

/* nothing up to the top is new, everything behind it is, once */
static void replay_beginning(struct kunit *test)
{
	static const u32 windows[] = { 1, 32, 63, 64, 65, 128, 4096 };
	static const u64 tops[] = {
		0, 1, 62, 63, 64, 65, 127, 128, 5000, U32_MAX - 1ULL, U32_MAX, U32_MAX + 1ULL,
		(7ULL << 32) - 1, 7ULL << 32, U64_MAX - 5000,
	};
	struct ipd_replay *replay;
	int w, i, wrong = 0;
	u64 n;

	for (w = 0; w < ARRAY_SIZE(windows); w++)
		for (i = 0; i < ARRAY_SIZE(tops); i++) {
			replay = ipd_replay_new(windows[w], tops[i], GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, replay);
			for (n = 0; n <= min(tops[i], 4200ULL); n++)
				wrong += ipd_replay_may_accept(replay, tops[i] - n) ||
					 ipd_replay_accept(replay, tops[i] - n);
			KUNIT_EXPECT_EQ(test, replay->top, tops[i]);
			for (n = 1; n <= 4200; n += windows[w] > 1 && n % 3 ? 2 : 1)
				wrong += !ipd_replay_may_accept(replay, tops[i] + n) ||
					 !ipd_replay_accept(replay, tops[i] + n) ||
					 ipd_replay_accept(replay, tops[i] + n);
			kfree(replay);
		}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* --- extended numbers beside an obvious receiver ------------------------- */

#define NAIVE_SEEN	20000

/*
 * Remembers each number that it took, and tries every upper half for the one whose number it has
 * to be: the only one from the left edge of the window on that is less than 2^32 away from it.
 */
struct naive {
	u64 seen[NAIVE_SEEN];
	unsigned int n;
	u64 top;
	u32 window;
};

static u64 naive_number(const struct naive *naive, u32 low)
{
	u64 left = naive->top >= naive->window ? naive->top - naive->window + 1 : 0, high, seq;

	for (high = 0; ; high++) {
		seq = high << 32 | low;
		if (seq >= left && seq - left <= U32_MAX)
			return seq;
	}
}

static bool naive_accept(struct naive *naive, u64 seq)
{
	unsigned int i;

	if (!seq || seq + naive->window <= naive->top)
		return false;
	/* those that are left of the window cannot come again */
	for (i = naive->n; i-- > 0 && i + 2 * naive->window + 2 > naive->n;)
		if (naive->seen[i] == seq)
			return false;
	naive->seen[naive->n++] = seq;
	naive->top = max(naive->top, seq);
	return true;
}

/*
 * A flow across a place where the halves meet, with loss, disorder and copies; what the receiver
 * makes of the lower halves is what the obvious one does. Pitfall D1.
 */
static void extended_run(struct kunit *test, struct naive *naive, u32 window, u64 boundary)
{
	u64 sent = boundary - 1000, seq;
	struct ipd_replay *replay = ipd_replay_new(window, sent, GFP_KERNEL);
	int wrong = 0, accepted = 0;

	KUNIT_ASSERT_NOT_NULL(test, replay);
	memset(naive, 0, sizeof(*naive));
	naive->window = window;
	naive->top = sent;
	while (sent < boundary + 1000 && naive->n < NAIVE_SEEN) {
		/* new, or one of the last, which may be left of the window */
		if (rnd(3))
			seq = ++sent;
		else
			seq = sent - rnd(min(window + 3, 900U));
		if (seq <= boundary - 1000)
			continue;
		/* sometimes a hole */
		if (!rnd(20))
			sent += rnd(min(window, 40U));
		if (seq + window > naive->top) {
			wrong += naive_number(naive, (u32)seq) != seq;
			wrong += ipd_replay_infer(replay->top, window, (u32)seq) != seq;
		}
		/* left of the window it is taken for another number, whose check would fail */
		if (ipd_replay_infer(replay->top, window, (u32)seq) != seq)
			continue;
		wrong += naive_accept(naive, seq) != ipd_replay_accept(replay, seq);
		accepted++;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0, "window %u at %llx", window, boundary);
	KUNIT_EXPECT_GT(test, accepted, 100);
	KUNIT_EXPECT_EQ(test, replay->top, naive->top);
	kfree(replay);
}

static void replay_extended_model(struct kunit *test)
{
	static const u32 windows[] = { 1, 32, 64, 65, 128, 512, 4096 };
	struct naive *naive = kvzalloc(sizeof(*naive), GFP_KERNEL);
	u64 high;
	int w;

	KUNIT_ASSERT_NOT_NULL(test, naive);
	random_state = 11;
	for (w = 0; w < ARRAY_SIZE(windows); w++)
		for (high = 1; high <= 5; high++)
			extended_run(test, naive, windows[w], high << 32);
	kvfree(naive);
}

static struct kunit_case replay_cases[] = {
	{ .name = "F22 edges of the window", .run_case = replay_edges },
	{ .name = "F22 the last numbers", .run_case = replay_last_numbers },
	{ .name = "F22 no window", .run_case = replay_off },
	{ .name = "F22 random numbers beside an obvious window", .run_case = replay_model },
	{ .name = "F22 the ring is larger than the window", .run_case = replay_memory },
	{ .name = "F22 extended numbers, all around the halves", .run_case = replay_infer },
	{ .name = "F22 extended numbers of the RFC", .run_case = replay_infer_cases },
	{ .name = "F22 a flow across the halves", .run_case = replay_extended_flow },
	{ .name = "F22 extended numbers beside an obvious receiver", .run_case = replay_extended_model },
	{ .name = "F22 a window that begins in the middle", .run_case = replay_beginning },
	{}
};

static struct kunit_suite replay_suite = {
	.name = "replay",
	.test_cases = replay_cases,
};

kunit_test_suite(replay_suite);
