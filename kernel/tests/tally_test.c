// SPDX-License-Identifier: GPL-2.0-only
/*
 * The summary's table against a list that is searched from its beginning.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "../tally.c"

static union nf_inet_addr address(u8 family, u32 n)
{
	union nf_inet_addr addr = {};

	addr.ip6[family == NFPROTO_IPV6 ? 3 : 0] = htonl(n);
	return addr;
}

static struct ipd_tally *new_tally(struct kunit *test)
{
	struct ipd_tally *tally = kunit_kzalloc(test, sizeof(*tally), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, tally);
	ipd_tally_init(tally);
	return tally;
}

static void add(struct ipd_tally *tally, u8 reason, u8 family, u32 n)
{
	union nf_inet_addr peer = address(family, n);

	ipd_tally_add(tally, reason, family, &peer);
}

static u64 packets(const struct ipd_tally *tally, u8 reason, u8 family, u32 n)
{
	union nf_inet_addr peer = address(family, n);
	u64 sum = 0;
	int i;

	/* two rows of one kind would be a mistake, but not one that the sum hides */
	for (i = 0; i < IPD_TALLY_SLOTS; i++)
		if (tally->slots[i].packets &&
		    is_row_of(&tally->slots[i], reason, family, &peer))
			sum = sum ? U64_MAX : tally->slots[i].packets;
	return sum;
}

static void rows_test(struct kunit *test)
{
	struct ipd_tally *tally = new_tally(test);

	KUNIT_EXPECT_FALSE(test, tally->is_used);
	add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 1);
	add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 1);
	add(tally, IPSECDRV_DROP_REPLAY, NFPROTO_IPV4, 1);
	add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 2);
	/* 0.0.0.0 and :: are as any other */
	add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 0);
	add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV6, 0);
	add(tally, IPSECDRV_DROP_MALFORMED, 0, 0);
	KUNIT_EXPECT_TRUE(test, tally->is_used);
	KUNIT_EXPECT_EQ(test, tally->n_rows, 5U);
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 1), 2ULL);
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_REPLAY, NFPROTO_IPV4, 1), 1ULL);
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 2), 1ULL);
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 0), 1ULL);
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV6, 0), 1ULL);
	KUNIT_EXPECT_EQ(test, tally->others[IPSECDRV_DROP_MALFORMED], 1ULL);
	ipd_tally_init(tally);
	KUNIT_EXPECT_FALSE(test, tally->is_used);
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 1), 0ULL);
}

/* pitfall: what strangers can make grow is bounded */
static void full_test(struct kunit *test)
{
	struct ipd_tally *tally = new_tally(test);
	u32 n;

	for (n = 0; n < 10 * IPD_TALLY_SLOTS; n++)
		add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, n);
	for (n = 0; n < 5; n++)
		add(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 0);
	KUNIT_EXPECT_EQ(test, tally->n_rows, (unsigned int)IPD_TALLY_ROWS);
	/* the first ones have their rows, and keep them */
	KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, 0), 6ULL);
	for (n = 1; n < IPD_TALLY_ROWS; n++)
		KUNIT_EXPECT_EQ(test, packets(tally, IPSECDRV_DROP_BAD_SPI, NFPROTO_IPV4, n), 1ULL);
	KUNIT_EXPECT_EQ(test, tally->others[IPSECDRV_DROP_BAD_SPI],
			(u64)(10 * IPD_TALLY_SLOTS - IPD_TALLY_ROWS));
}

#define KINDS	40

/* every packet is in the row of its kind, as long as there are no more kinds than rows */
static void random_test(struct kunit *test)
{
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	static const u8 reasons[] = { IPSECDRV_DROP_REPLAY };
	struct ipd_tally *tally = new_tally(test);
	u64 seen[2][KINDS] = {}, random = 1;
	u32 i, f, n;

	for (i = 0; i < 5000; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		f = random >> 63;
		n = (random >> 33) % KINDS;
		seen[f][n]++;
		add(tally, reasons[0], families[f], n);
	}
	for (f = 0; f < 2; f++)
		for (n = 0; n < KINDS; n++)
			KUNIT_EXPECT_EQ(test, packets(tally, reasons[0], families[f], n),
					seen[f][n]);
}

static struct kunit_case tally_cases[] = {
	{ .name = "L12 packets are counted by reason and peer", .run_case = rows_test },
	{ .name = "L12 peers without a row are others", .run_case = full_test },
	{ .name = "L12 whatever comes, in any order", .run_case = random_test },
	{ }
};

static struct kunit_suite tally_suite = {
	.name = "tally",
	.test_cases = tally_cases,
};

kunit_test_suite(tally_suite);
