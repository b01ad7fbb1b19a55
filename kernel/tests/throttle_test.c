// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rate of records, with a clock that the test turns.
 */
#include <kunit/test.h>
#include <linux/time64.h>

#include "../throttle.c"

#define START	(100 * NSEC_PER_SEC)

/* @n tries at one moment: how many are allowed */
static unsigned int try(struct ipd_throttle *throttle, u64 now, unsigned int n, u64 *left_out)
{
	unsigned int allowed = 0;
	u64 this;

	while (n--) {
		if (!ipd_throttle_take(throttle, now, &this))
			continue;
		allowed++;
		*left_out += this;
	}
	return allowed;
}

static void burst_test(struct kunit *test)
{
	struct ipd_throttle throttle = {};
	u64 left_out = 0;

	KUNIT_EXPECT_EQ(test, try(&throttle, START, 1000, &left_out), 200U);
	KUNIT_EXPECT_EQ(test, left_out, 0ULL);
	KUNIT_EXPECT_EQ(test, try(&throttle, START + COST - 1, 5, &left_out), 0U);
	/* one each 10 ms, and the first one tells of all that had none */
	KUNIT_EXPECT_EQ(test, try(&throttle, START + COST, 1, &left_out), 1U);
	KUNIT_EXPECT_EQ(test, left_out, 805ULL);
	KUNIT_EXPECT_EQ(test, try(&throttle, START + 2 * COST, 1, &left_out), 1U);
	KUNIT_EXPECT_EQ(test, left_out, 805ULL);
}

static void refill_test(struct kunit *test)
{
	struct ipd_throttle throttle = {};
	u64 now = START, left_out = 0;

	try(&throttle, now, 1000, &left_out);
	now += NSEC_PER_SEC / 2;
	KUNIT_EXPECT_EQ(test, try(&throttle, now, 1000, &left_out), 50U);
	/* however long nothing comes, a burst is all that is kept */
	now += 1000 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, try(&throttle, now, 1000, &left_out), 200U);
	/* a clock that steps back gives nothing */
	KUNIT_EXPECT_EQ(test, try(&throttle, now - NSEC_PER_SEC, 1, &left_out), 0U);
}

/* just after boot the clock is smaller than a burst */
static void boot_test(struct kunit *test)
{
	struct ipd_throttle throttle = {};
	u64 left_out = 0;

	KUNIT_EXPECT_EQ(test, try(&throttle, 0, 10, &left_out), 0U);
	KUNIT_EXPECT_EQ(test, try(&throttle, 5 * COST, 10, &left_out), 5U);
	KUNIT_EXPECT_EQ(test, left_out, 10ULL);
}

static void lose_test(struct kunit *test)
{
	struct ipd_throttle throttle = {};
	u64 left_out = 0;

	KUNIT_EXPECT_TRUE(test, ipd_throttle_take(&throttle, START, &left_out));
	ipd_throttle_lose(&throttle, 7);
	KUNIT_EXPECT_TRUE(test, ipd_throttle_take(&throttle, START, &left_out));
	KUNIT_EXPECT_EQ(test, left_out, 8ULL);
}

/* whatever comes, every packet has a record or is left out, and the rate holds: pitfall F9 */
static void sum_test(struct kunit *test)
{
	struct ipd_throttle throttle = {};
	u64 now = START, left_out = 0, random = 1;
	unsigned int allowed = 0, n, all = 0, i;

	for (i = 0; i < 2000; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		now += (random >> 40) * 2;
		n = (random >> 33) % 8;
		allowed += try(&throttle, now, n, &left_out);
		all += n;
	}
	KUNIT_EXPECT_EQ(test, allowed + left_out + throttle.left_out, (u64)all);
	KUNIT_EXPECT_LE(test, (u64)allowed, 200 + (now - START) / COST);
	KUNIT_EXPECT_GT(test, all, allowed);
}

static struct kunit_case throttle_cases[] = {
	{ .name = "D31 a burst of records, then 100 a second", .run_case = burst_test },
	{ .name = "D31 stillness earns a burst, no more", .run_case = refill_test },
	{ .name = "D34 records at boot", .run_case = boot_test },
	{ .name = "D31 a record that is lost is left out", .run_case = lose_test },
	{ .name = "D31 every packet has a record or is left out", .run_case = sum_test },
	{ }
};

static struct kunit_suite throttle_suite = {
	.name = "throttle",
	.test_cases = throttle_cases,
};

kunit_test_suite(throttle_suite);
