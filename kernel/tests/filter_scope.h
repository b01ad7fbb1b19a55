/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of filter_test.c about interfaces: which filter is in scope, and what it weighs.
 */
#ifndef IPD_FILTER_SCOPE_H
#define IPD_FILTER_SCOPE_H

/* a filter for TCP port 80 of everyone, or for all of it, as far as it is in scope */
static struct ipd_filter *scoped_filter(struct kunit *test, u32 id, u8 connection,
					struct ipd_interface *interface, bool is_port)
{
	struct ipd_filter_spec spec = a_spec(id, NFPROTO_IPV4, BLOCK, BLOCK);

	spec.connection = connection;
	spec.interface = interface;
	if (is_port) {
		spec.protocol = IPPROTO_TCP;
		spec.remote.port = htons(80);
	}
	return new_filter(test, &spec);
}

/* which filter of these decides a packet on which interface, and a fragment without ports */
static void scope_test(struct kunit *test)
{
	static const struct {
		u16 scope;
		long web, other, fragment;
	} rows[] = {
		{ LAN,					3, 1, -EAGAIN },
		{ DIALUP,				2, 2, 2 },
		{ LAN | 1 << IPD_SCOPE_NUMBER_SHIFT,	4, 1, -EAGAIN },
		{ DIALUP | 1 << IPD_SCOPE_NUMBER_SHIFT,	4, 2, -EAGAIN },
		{ LAN | 2 << IPD_SCOPE_NUMBER_SHIFT,	3, 5, -EAGAIN },
		{ DIALUP | 2 << IPD_SCOPE_NUMBER_SHIFT,	5, 5, 5 },
		{ LAN | 3 << IPD_SCOPE_NUMBER_SHIFT,	3, 1, -EAGAIN },
		{ IPD_SCOPE_UNKNOWN,			-ENODEV, -ENODEV, -ENODEV },
	};
	struct ipd_filter *filters[] = {
		scoped_filter(test, 1, ALL, NULL, false),
		scoped_filter(test, 2, DIALUP, NULL, false),
		scoped_filter(test, 3, LAN, NULL, true),
		scoped_filter(test, 4, ALL, &interfaces[0], true),
		scoped_filter(test, 5, ALL, &interfaces[1], false),
	};
	struct ipd_filter_set *set = build(test, filters, 5);
	struct ipd_flow web, other, fragment;
	unsigned int i, direction;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (direction = 0; direction < 2; direction++) {
			web = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 5, 80, direction);
			other = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 5, 81, direction);
			fragment = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 0, 0, direction);
			fragment.flags = IPD_FLOW_NO_PORTS;
			web.scope = rows[i].scope;
			other.scope = rows[i].scope;
			fragment.scope = rows[i].scope;
			KUNIT_EXPECT_EQ_MSG(test, lookup_id(set, &web), rows[i].web, "row %u", i);
			KUNIT_EXPECT_EQ_MSG(test, lookup_id(set, &other), rows[i].other,
					    "row %u", i);
			KUNIT_EXPECT_EQ_MSG(test, lookup_id(set, &fragment), rows[i].fragment,
					    "row %u", i);
		}
	}
	ipd_filter_set_free(set);
	put_all(filters, 5);
	settle();
}

/* only filters for some interfaces make an unknown one a question */
static void unknown_scope_test(struct kunit *test)
{
	struct ipd_filter *filters[] = {
		scoped_filter(test, 1, ALL, NULL, false), scoped_filter(test, 2, LAN, NULL, true),
	};
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_UDP, 5, 53, OUT);
	struct ipd_filter_set *set, *more, *less;
	u32 two = 2;

	flow.scope = IPD_SCOPE_UNKNOWN;
	set = build(test, filters, 1);
	more = ipd_filter_set_add(set, &filters[1], 1, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, more);
	less = ipd_filter_set_del(more, &two, 1, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, less);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 1L);
	KUNIT_EXPECT_EQ(test, lookup_id(more, &flow), (long)-ENODEV);
	KUNIT_EXPECT_EQ(test, lookup_id(less, &flow), 1L);
	ipd_filter_set_free(set);
	ipd_filter_set_free(more);
	ipd_filter_set_free(less);
	put_all(filters, 2);
	settle();
}

/* the order of weights, and the interface goes with its filter */
static void scope_weight_test(struct kunit *test)
{
	struct ipd_filter *filters[] = {
		scoped_filter(test, 1, ALL, NULL, false),
		scoped_filter(test, 2, LAN, NULL, false),
		scoped_filter(test, 3, DIALUP, NULL, false),
		scoped_filter(test, 4, ALL, &interfaces[0], false),
		me_filter(test, 5, 0, 0, 0, 0, BLOCK),
	};
	static const u32 weights[] = { 0, 1, 1, 2, 0x2000 };
	unsigned int i, before = interfaces_put;

	for (i = 0; i < ARRAY_SIZE(filters); i++)
		KUNIT_EXPECT_EQ(test, filters[i]->weight, weights[i]);
	put_all(filters, ARRAY_SIZE(filters));
	settle();
	KUNIT_EXPECT_EQ(test, interfaces_put - before, 1U);
}

#endif /* IPD_FILTER_SCOPE_H */
