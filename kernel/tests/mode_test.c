// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

#include "../mode.c"

static const struct {
	u8 mode;
	enum ipd_mode_rule out, in;
	bool protecting, startup;
} rows[] = {
	{ IPSECDRV_MODE_PERMIT, IPD_MODE_RULE_PASS, IPD_MODE_RULE_PASS, false, false },
	{ IPSECDRV_MODE_SECURE, IPD_MODE_RULE_FILTER, IPD_MODE_RULE_FILTER, true, false },
	{ IPSECDRV_MODE_BLOCK, IPD_MODE_RULE_DROP, IPD_MODE_RULE_DROP, true, false },
	{ IPSECDRV_MODE_STARTUP_PERMIT, IPD_MODE_RULE_PASS, IPD_MODE_RULE_PASS, false, true },
	{ IPSECDRV_MODE_STARTUP_STATEFUL, IPD_MODE_RULE_OPEN, IPD_MODE_RULE_ANSWER, true, true },
	{ IPSECDRV_MODE_STARTUP_BLOCK, IPD_MODE_RULE_BOOT, IPD_MODE_RULE_BOOT, true, true },
};

static void table_test(struct kunit *test)
{
	size_t i;

	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(rows), (size_t)__IPSECDRV_MODE_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ(test, ipd_mode_rule(rows[i].mode, IPSECDRV_DIRECTION_OUT),
				rows[i].out);
		KUNIT_EXPECT_EQ(test, ipd_mode_rule(rows[i].mode, IPSECDRV_DIRECTION_IN),
				rows[i].in);
		KUNIT_EXPECT_EQ(test, ipd_mode_is_protecting(rows[i].mode), rows[i].protecting);
		KUNIT_EXPECT_EQ(test, ipd_mode_is_startup(rows[i].mode), rows[i].startup);
	}
}

static void unknown_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, ipd_mode_rule(__IPSECDRV_MODE_MAX, 0), IPD_MODE_RULE_DROP);
	KUNIT_EXPECT_EQ(test, ipd_mode_rule(255, 1), IPD_MODE_RULE_DROP);
	KUNIT_EXPECT_EQ(test, ipd_mode_rule(IPSECDRV_MODE_PERMIT, 2), IPD_MODE_RULE_DROP);
	KUNIT_EXPECT_TRUE(test, ipd_mode_is_protecting(255));
	KUNIT_EXPECT_STREQ(test, ipd_mode_name(255), "unknown");
	KUNIT_EXPECT_STREQ(test, ipd_mode_name(IPSECDRV_MODE_BLOCK), "block");
}

static struct kunit_case mode_cases[] = {
	{ .name = "D15 D16 D17 what each mode does in each direction", .run_case = table_test },
	{ .name = "D17 an unknown mode drops", .run_case = unknown_test },
	{ }
};

static struct kunit_suite mode_suite = {
	.name = "mode",
	.test_cases = mode_cases,
};

kunit_test_suite(mode_suite);
