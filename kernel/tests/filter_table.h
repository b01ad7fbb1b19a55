/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of filter_test.c about hash tables: bad luck, and long probes.
 */
#ifndef IPD_FILTER_TABLE_H
#define IPD_FILTER_TABLE_H

/* bad multipliers, which are all one, do not tell these keys apart */
static void equal_sum(u64 *key, u64 i, u64 sum)
{
	key[0] = i;
	key[1] = sum - i;
}

/* multipliers that make one heap of all keys are replaced, a few times at most */
static void reseed_test(struct kunit *test)
{
	struct ipd_table *table;
	u64 key[2] = { 0, 0 };
	u32 i;

	unlucky = 1;
	table = ipd_table_new(2, 1000);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	for (i = 0; i < 1000; i++) {
		equal_sum(key, i, 0);
		ipd_table_insert(&table, key, i + 1);
	}
	/* the second multipliers are random, and may be bad as well */
	KUNIT_EXPECT_GE(test, (int)table->reseeds, 1);
	KUNIT_EXPECT_LT(test, (int)table->reseeds, MAX_RESEEDS);
	for (i = 0; i < 1000; i++) {
		equal_sum(key, i, 0);
		KUNIT_EXPECT_EQ(test, *ipd_table_value(table, ipd_table_find(table, key,
									   IPD_TABLE_NONE)),
				(u64)i + 1);
	}
	ipd_table_put(table);

#ifndef __KERNEL__
	/* without memory for that the table stays as it is */
	unlucky = 1;
	table = ipd_table_new(2, 200);
	for (i = 0; i < 200; i++) {
		equal_sum(key, i, 0);
		shim_fail_in = 1;
		ipd_table_insert(&table, key, i + 1);
	}
	shim_fail_in = 0;
	KUNIT_EXPECT_EQ(test, table->reseeds, 0);
	KUNIT_EXPECT_EQ(test, table->used, 200U);
	ipd_table_put(table);
#endif

	/* and keys that no multiplier can part, as equal ones are, still go in */
	table = ipd_table_new(2, 400);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	for (i = 0; i < 400; i++)
		ipd_table_insert(&table, key, i + 1);
	KUNIT_EXPECT_EQ(test, table->reseeds, MAX_RESEEDS);
	KUNIT_EXPECT_EQ(test, table->used, 400U);
	ipd_table_put(table);
}

/* sums whose probes start in the last slots, so that they are long and wrap around the end */
static void late_sums(const struct ipd_table *table, u64 *sums, u32 n)
{
	u64 sum = 0;

	while (n) {
		sum++;
		if (ipd_key_mix(sum) >> (64 - table->bits) >= ipd_table_size(table) - 6)
			sums[--n] = sum;
	}
}

/* a table and a plain array go through the same inserts and removals */
static void table_test(struct kunit *test)
{
	bool there[512] = { };
	struct ipd_table *table;
	u64 key[2], sums[8];
	u32 round, i, index;

	rnd_state = 0x7ab1e;
	unlucky = 1;
	table = ipd_table_new(2, 60);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	late_sums(table, sums, ARRAY_SIZE(sums));
	for (round = 0; round < PACKETS; round++) {
		i = rnd(512);
		equal_sum(key, i, sums[i % ARRAY_SIZE(sums)]);
		index = ipd_table_find(table, key, IPD_TABLE_NONE);
		KUNIT_ASSERT_TRUE(test, (index != IPD_TABLE_NONE) == there[i]);
		if (there[i]) {
			KUNIT_ASSERT_EQ(test, *ipd_table_value(table, index), (u64)i + 1);
			ipd_table_remove(table, index);
		} else if (table->used < 60) {
			ipd_table_insert(&table, key, i + 1);
		} else {
			continue;
		}
		there[i] = !there[i];
		if (!(round % 512)) {
			cond_resched();
			for (i = 0; i < ARRAY_SIZE(there); i++) {
				equal_sum(key, i, sums[i % ARRAY_SIZE(sums)]);
				index = ipd_table_find(table, key, IPD_TABLE_NONE);
				KUNIT_ASSERT_TRUE(test, (index != IPD_TABLE_NONE) == there[i]);
			}
		}
	}
	ipd_table_put(table);
}

#endif /* IPD_FILTER_TABLE_H */
