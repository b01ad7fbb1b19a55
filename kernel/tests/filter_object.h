/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of filter_test.c about one filter: whether it is the same as another, what it says of
 * itself, its hits.
 */
#ifndef IPD_FILTER_OBJECT_H
#define IPD_FILTER_OBJECT_H

static bool is_same(struct kunit *test, struct ipd_filter_spec *spec, const struct ipd_filter *than)
{
	struct ipd_filter *filter = new_filter(test, spec);
	bool same = ipd_filter_same(filter, than);

	ipd_filter_put(filter);
	return same;
}

static void same_test(struct kunit *test)
{
	struct ipd_filter *a = me_filter(test, 1, 2, 24, IPPROTO_TCP, 23, BLOCK);
	struct ipd_filter *b = me_filter(test, 2, 77, 24, IPPROTO_TCP, 23, BLOCK);
	struct ipd_filter_spec spec, other;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, ipd_filter_same(a, b));	/* the host's bits are masked away */
	ipd_filter_describe(a, &spec);
	for (i = 0; i < 8; i++) {
		other = spec;
		switch (i) {
		case 0:
			other.action[IN] = PERMIT;
			break;
		case 1:
			other.connection = LAN;
			break;
		case 2:
			other.interface = &interfaces[0];
			break;
		case 3:
			other.local.port = 0;
			break;
		case 4:
			other.protocol = IPPROTO_UDP;
			break;
		case 5:
			set_prefix(&other.remote.mask, 25);
			break;
		case 6:
			set_address(&other.remote.addr, NFPROTO_IPV4, 10, 0, 1, 0);
			break;
		case 7:
			set_side(&other.local, NFPROTO_IPV4, 1, 32);
			other.local.class = IPSECDRV_ADDRESS_CLASS_MASK;
			break;
		}
		KUNIT_EXPECT_TRUE_MSG(test, !is_same(test, &other, a), "case %u", i);
	}
	KUNIT_EXPECT_TRUE(test, is_same(test, &spec, a));

	/* tunnels, by their endpoints */
	spec = a_spec(3, NFPROTO_IPV4, NEGOTIATE, NEGOTIATE);
	spec.class = IPSECDRV_FILTER_CLASS_TUNNEL;
	spec.tunnel_local.ip = htonl(1);
	spec.tunnel_remote.ip = htonl(2);
	ipd_filter_put(a);
	a = new_filter(test, &spec);
	KUNIT_EXPECT_TRUE(test, is_same(test, &spec, a));
	other = spec;
	other.tunnel_remote.ip = htonl(3);
	KUNIT_EXPECT_FALSE(test, is_same(test, &other, a));
	other = spec;
	other.tunnel_family = NFPROTO_IPV6;
	KUNIT_EXPECT_FALSE(test, is_same(test, &other, a));
	ipd_filter_put(a);
	ipd_filter_put(b);
}

/* what a filter was made of comes out of it again, whatever there is */
static void describe_test(struct kunit *test)
{
	struct ipd_filter_spec spec, told;
	struct ipd_filter *filter;
	u32 round, tunnels = 0;

	rnd_state = 0xde5c;
	for (round = 0; round < 5000; round++) {
		u8 family = rnd(2) ? NFPROTO_IPV4 : NFPROTO_IPV6;
		struct palette palette = random_palette();

		spec = random_spec(round, family, &palette);
		filter = new_filter(test, &spec);
		memset(&told, 0x5a, sizeof(told));
		ipd_filter_describe(filter, &told);
		KUNIT_EXPECT_TRUE(test, same_side(&spec.local, &told.local));
		KUNIT_EXPECT_TRUE(test, same_side(&spec.remote, &told.remote));
		KUNIT_EXPECT_TRUE(test, is_twin(&spec, &told));
		KUNIT_EXPECT_EQ(test, spec.id, told.id);
		KUNIT_EXPECT_EQ(test, spec.action[OUT], told.action[OUT]);
		KUNIT_EXPECT_EQ(test, spec.action[IN], told.action[IN]);
		KUNIT_EXPECT_EQ(test, spec.tunnel_family, told.tunnel_family);
		KUNIT_EXPECT_TRUE(test, !memcmp(&spec.tunnel_local, &told.tunnel_local, 16));
		KUNIT_EXPECT_TRUE(test, !memcmp(&spec.tunnel_remote, &told.tunnel_remote, 16));
		tunnels += !!told.tunnel_remote.all[0];
		ipd_filter_put(filter);
	}
	KUNIT_EXPECT_GT(test, tunnels, 10U);
}

/* a busy filter gets counters for each CPU, and none of its hits is lost on the way */
static void hits_test(struct kunit *test)
{
	struct ipd_filter *filter = any_filter(test, 1, NFPROTO_IPV4, PERMIT, PERMIT);
	u32 i;

	KUNIT_EXPECT_EQ(test, ipd_filter_hits(filter, OUT), 0ULL);
	for (i = 1; i < BUSY_AFTER; i++)
		ipd_filter_count(filter, OUT);
	KUNIT_EXPECT_TRUE(test, !filter->hits);
#ifndef __KERNEL__
	/* without memory it goes on as before, and tries again later */
	shim_fail_in = 1;
	for (i = 0; i < BUSY_AFTER; i++)
		ipd_filter_count(filter, OUT);
	KUNIT_EXPECT_EQ(test, shim_fail_in, 0L);
	KUNIT_EXPECT_TRUE(test, !filter->hits);
	KUNIT_EXPECT_EQ(test, ipd_filter_hits(filter, OUT), 2ULL * BUSY_AFTER - 1);
#endif
	for (i = 0; i < 3 * BUSY_AFTER; i++)
		ipd_filter_count(filter, IN);
	KUNIT_EXPECT_TRUE(test, filter->hits);
	KUNIT_EXPECT_EQ(test, ipd_filter_hits(filter, IN), 3ULL * BUSY_AFTER);
	ipd_filter_count(filter, OUT);
#ifndef __KERNEL__
	KUNIT_EXPECT_EQ(test, ipd_filter_hits(filter, OUT), 2ULL * BUSY_AFTER);
#else
	KUNIT_EXPECT_EQ(test, ipd_filter_hits(filter, OUT), (u64)BUSY_AFTER);
#endif
	ipd_filter_put(filter);
}

#endif /* IPD_FILTER_OBJECT_H */
