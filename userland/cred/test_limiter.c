// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "cred/limiter.h"

static const uint8_t key[16] = { 1, 2, 3 };

static struct limiter *make(uint32_t pair_rate, uint32_t pair_burst, uint32_t rate, uint32_t burst)
{
	struct limiter *limiter = limiter_new(&(struct limiter_config){ pair_rate, pair_burst, rate,
							 burst }, key);

	assert_non_null(limiter);
	return limiter;
}

static bool take(struct limiter *limiter, uint64_t now, uint32_t local, uint32_t remote)
{
	struct ip_addr a = ip_addr_v4(local), b = ip_addr_v4(remote);

	return limiter_take(limiter, now, &a, &b);
}

/* A burst, then exactly the rate, for each pair by itself. */
static void test_pair(void **state)
{
	struct limiter *limiter = make(5, 20, 1000, 1000);

	(void)state;
	for (size_t i = 0; i < 20; i++)
		assert_true(take(limiter, 1000, 1, 2));
	assert_false(take(limiter, 1000, 1, 2));
	assert_true(take(limiter, 1000, 1, 3));
	assert_true(take(limiter, 1000, 2, 1));	/* the other way round is another pair */
	assert_false(take(limiter, 1199, 1, 2));
	assert_true(take(limiter, 1200, 1, 2));
	assert_false(take(limiter, 1200, 1, 2));
	for (uint64_t now = 1400; now < 100000; now += 200) {
		assert_true(take(limiter, now, 1, 2));
		assert_false(take(limiter, now + 199, 1, 2));
	}
	/* no more than the burst after any rest */
	for (size_t i = 0; i < 20; i++)
		assert_true(take(limiter, UINT64_MAX / 2, 1, 2));
	assert_false(take(limiter, UINT64_MAX / 2, 1, 2));
	assert_null(limiter_free(limiter));
}

static void test_all(void **state)
{
	struct limiter *limiter = make(100, 100, 10, 50);

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		assert_true(take(limiter, 1, i, 2));
	for (uint32_t i = 0; i < 50; i++)
		assert_false(take(limiter, 1, i, 2));
	assert_true(take(limiter, 101, 7, 2));
	assert_false(take(limiter, 101, 8, 2));
	assert_null(limiter_free(limiter));
}

/* What the limit for all refuses costs the pair nothing. */
static void test_refusal_takes_nothing(void **state)
{
	struct limiter *limiter = make(1, 2, 1, 1);

	(void)state;
	assert_true(take(limiter, 1, 1, 2));
	for (size_t i = 0; i < 10; i++)
		assert_false(take(limiter, 1, 3, 4));
	assert_true(take(limiter, 1001, 3, 4));
	assert_null(limiter_free(limiter));
}

/*
 * A hundred times more pairs than there is room for: an exhausted pair stays exhausted, because the
 * buckets that make room are the full ones.
 */
static void test_flood_of_pairs(void **state)
{
	struct limiter *limiter = make(1, 4, 1000000, 4000000);
	size_t n = 0;

	(void)state;
	while (take(limiter, 1, 1, 2))
		n++;
	assert_int_equal(n, 4);
	for (uint32_t i = 0; i < 8192 * 20; i++)
		assert_true(take(limiter, 1, 10 + i, 2));
	assert_false(take(limiter, 1, 1, 2));
	assert_null(limiter_free(limiter));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_refusal_takes_nothing),
		cmocka_unit_test(test_flood_of_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
