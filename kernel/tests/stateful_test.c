// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of open flows, with a clock of the test's, beside a model that keeps everything. The
 * table may forget what the model knows, but only when a set was full; it never knows more.
 */
#include <kunit/test.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "../stateful.c"

#define ROUNDS		100000
#define MODEL_FLOWS	2000

static struct ipd_stateful *new_table(struct kunit *test)
{
	struct ipd_stateful *table = ipd_stateful_new();

	KUNIT_ASSERT_NOT_NULL(test, table);
	return table;
}

static struct ipd_stateful_flow a_flow(u8 family, u8 protocol, u32 peer, u16 port)
{
	struct ipd_stateful_flow flow = {
		.family = family,
		.protocol = protocol,
		.local_port = htons(port),
		.peer_port = htons(53),
	};

	flow.peer.ip6[family == NFPROTO_IPV6 ? 3 : 0] = htonl(peer);
	return flow;
}

static void key_test(struct kunit *test)
{
	struct ipd_stateful *table = new_table(test);
	struct ipd_stateful_flow flow = a_flow(NFPROTO_IPV4, IPPROTO_UDP, 1, 1000), other;

	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &flow, 50));
	ipd_stateful_open(table, &flow, 50);
	KUNIT_EXPECT_TRUE(test, ipd_stateful_is_open(table, &flow, 50));
	/* every part of the key counts */
	other = flow;
	other.peer.ip ^= htonl(1);
	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &other, 50));
	other = flow;
	other.local_port ^= htons(1);
	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &other, 50));
	other = flow;
	other.peer_port ^= htons(1);
	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &other, 50));
	other = flow;
	other.protocol = IPPROTO_TCP;
	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &other, 50));
	other = flow;
	other.family = NFPROTO_IPV6;
	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &other, 50));
	KUNIT_EXPECT_EQ(test, ipd_stateful_count(table, 50), 1);
	ipd_stateful_free(table);
}

/* also over the wrap of the clock */
static void expiry_test(struct kunit *test)
{
	static const struct {
		u8 protocol;
		u32 lives;
	} rows[] = {
		{ IPPROTO_TCP, IPD_STATEFUL_TCP_SECONDS },
		{ IPPROTO_UDP, IPD_STATEFUL_OTHER_SECONDS },
		{ IPPROTO_ICMP, IPD_STATEFUL_OTHER_SECONDS },
		{ IPPROTO_GRE, IPD_STATEFUL_OTHER_SECONDS },
	};
	static const u32 starts[] = { 0, 1, 1000, U32_MAX - 60, U32_MAX };
	struct ipd_stateful *table = new_table(test);
	struct ipd_stateful_flow flow;
	u32 lives, start;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(starts); i++) {
		j = i % ARRAY_SIZE(rows);
		lives = rows[j].lives;
		start = starts[i / ARRAY_SIZE(rows)];
		flow = a_flow(NFPROTO_IPV4, rows[j].protocol, i, 7);
		ipd_stateful_open(table, &flow, start);
		KUNIT_EXPECT_TRUE(test, ipd_stateful_is_open(table, &flow, start + lives - 1));
		KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &flow, start + lives));
		/* looking does not keep it open, another outbound packet does */
		ipd_stateful_open(table, &flow, start + lives - 1);
		KUNIT_EXPECT_TRUE(test, ipd_stateful_is_open(table, &flow, start + 2 * lives - 2));
		KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &flow, start + 2 * lives - 1));
		/* and opens it again */
		ipd_stateful_open(table, &flow, start + 3 * lives);
		KUNIT_EXPECT_TRUE(test, ipd_stateful_is_open(table, &flow, start + 3 * lives));
	}
	ipd_stateful_free(table);
}

/* flows that belong to the set of the first one */
static void fill_set(struct ipd_stateful *table, struct ipd_stateful_flow *flows, unsigned int n)
{
	struct set *set;
	unsigned int i;
	u32 peer = 1;

	flows[0] = a_flow(NFPROTO_IPV6, IPPROTO_TCP, peer, 22);
	set = set_of(table, &flows[0]);
	for (i = 1; i < n; i++)
		do
			flows[i] = a_flow(NFPROTO_IPV6, IPPROTO_TCP, ++peer, 22);
		while (set_of(table, &flows[i]) != set);
}

static void lru_test(struct kunit *test)
{
	struct ipd_stateful *table = new_table(test);
	struct ipd_stateful_flow flows[IPD_STATEFUL_WAYS + 2];
	unsigned int i;

	fill_set(table, flows, ARRAY_SIZE(flows));
	for (i = 0; i < IPD_STATEFUL_WAYS; i++)
		ipd_stateful_open(table, &flows[i], 100 + i);
	KUNIT_EXPECT_EQ(test, ipd_stateful_count(table, 110), IPD_STATEFUL_WAYS);
	/* the first one is used once more, so the second is the one to go */
	ipd_stateful_open(table, &flows[0], 110);
	ipd_stateful_open(table, &flows[IPD_STATEFUL_WAYS], 111);
	for (i = 0; i <= IPD_STATEFUL_WAYS; i++)
		KUNIT_EXPECT_EQ(test, ipd_stateful_is_open(table, &flows[i], 111), i != 1);
	KUNIT_EXPECT_EQ(test, ipd_stateful_count(table, 111), IPD_STATEFUL_WAYS);
	/* answers are no use: the third one is asked about and goes next all the same */
	KUNIT_EXPECT_TRUE(test, ipd_stateful_is_open(table, &flows[2], 112));
	ipd_stateful_open(table, &flows[IPD_STATEFUL_WAYS + 1], 112);
	KUNIT_EXPECT_FALSE(test, ipd_stateful_is_open(table, &flows[2], 112));
	ipd_stateful_free(table);
}

static void dead_first_test(struct kunit *test)
{
	struct ipd_stateful *table = new_table(test);
	struct ipd_stateful_flow flows[IPD_STATEFUL_WAYS + 1];
	unsigned int i;

	fill_set(table, flows, ARRAY_SIZE(flows));
	/* the last way is the youngest, but of a protocol that is forgotten sooner */
	for (i = 0; i < IPD_STATEFUL_WAYS - 1; i++)
		ipd_stateful_open(table, &flows[i], 1000);
	do
		flows[i] = a_flow(NFPROTO_IPV4, IPPROTO_UDP, get_random_u32(), 9);
	while (set_of(table, &flows[i]) != set_of(table, &flows[0]));
	ipd_stateful_open(table, &flows[i], 1001);
	ipd_stateful_open(table, &flows[i + 1], 1001 + IPD_STATEFUL_OTHER_SECONDS);
	for (i = 0; i < ARRAY_SIZE(flows); i++)
		KUNIT_EXPECT_EQ(test, ipd_stateful_is_open(table, &flows[i],
							   1001 + IPD_STATEFUL_OTHER_SECONDS),
				i != IPD_STATEFUL_WAYS - 1);
	ipd_stateful_free(table);
}

/* far more flows than there is room for */
static void bound_test(struct kunit *test)
{
	u32 n = 4 * IPD_STATEFUL_SETS * IPD_STATEFUL_WAYS, i;
	struct ipd_stateful *table = new_table(test);
	struct ipd_stateful_flow flow;

	for (i = 0; i < n; i++) {
		flow = a_flow(NFPROTO_IPV4, IPPROTO_UDP, i, 1);
		ipd_stateful_open(table, &flow, 5);
		if (!(i % 1024))
			cond_resched();
	}
	KUNIT_EXPECT_LE(test, ipd_stateful_count(table, 5),
			(u32)(IPD_STATEFUL_SETS * IPD_STATEFUL_WAYS));
	KUNIT_EXPECT_GT(test, ipd_stateful_count(table, 5), (u32)(3 * IPD_STATEFUL_SETS));
	/* the newest is always there */
	KUNIT_EXPECT_TRUE(test, ipd_stateful_is_open(table, &flow, 5));
	KUNIT_EXPECT_EQ(test, ipd_stateful_count(table, 5 + IPD_STATEFUL_OTHER_SECONDS), 0);
	ipd_stateful_free(table);
}

struct model {
	bool is_used;
	u32 seen;
};

static struct ipd_stateful_flow model_flow(u32 n)
{
	return a_flow(n % 2 ? NFPROTO_IPV4 : NFPROTO_IPV6, n % 3 ? IPPROTO_TCP : IPPROTO_UDP,
		      n / 16, n % 16);
}

static bool model_is_open(const struct model *model, u32 n, u32 now)
{
	u32 lives = n % 3 ? IPD_STATEFUL_TCP_SECONDS : IPD_STATEFUL_OTHER_SECONDS;

	return model[n].is_used && now - model[n].seen < lives;
}

/* 2,000 flows in 8,192 sets of four: that a set overflows is possible, but hardly ever happens */
static void random_test(struct kunit *test)
{
	struct model *model = kunit_kzalloc(test, MODEL_FLOWS * sizeof(*model), GFP_KERNEL);
	struct ipd_stateful *table = new_table(test);
	u32 round, n, now = U32_MAX - 3000, lost = 0, known = 0, open = 0;
	struct ipd_stateful_flow flow;
	bool is_open;

	KUNIT_ASSERT_NOT_NULL(test, model);
	for (round = 0; round < ROUNDS; round++) {
		n = get_random_u32() % MODEL_FLOWS;
		flow = model_flow(n);
		now += !(get_random_u32() % 8);
		if (get_random_u32() % 4) {
			is_open = ipd_stateful_is_open(table, &flow, now);
			if (!model_is_open(model, n, now))
				KUNIT_ASSERT_FALSE(test, is_open);
			else if (is_open)
				known++;
			else
				lost++;
		} else {
			ipd_stateful_open(table, &flow, now);
			model[n] = (struct model){ true, now };
		}
		if (!(round % 1024))
			cond_resched();
	}
	for (n = 0; n < MODEL_FLOWS; n++)
		open += model_is_open(model, n, now);
	KUNIT_EXPECT_LE(test, ipd_stateful_count(table, now), open);
	KUNIT_EXPECT_GT(test, known, lost * 50);
	ipd_stateful_free(table);
}

static struct kunit_case stateful_cases[] = {
	{ .name = "D07 a flow is told by its peer, protocol and ports", .run_case = key_test },
	{ .name = "D07 flows are forgotten in time", .run_case = expiry_test },
	{ .name = "D07 of a full set, the flow that was used longest ago", .run_case = lru_test },
	{ .name = "D07 but one whose time is over first", .run_case = dead_first_test },
	{ .name = "D07 the table has a bound", .run_case = bound_test },
	{ .name = "D07 random flows, beside a model", .run_case = random_test },
	{ }
};

static struct kunit_suite stateful_suite = {
	.name = "stateful",
	.test_cases = stateful_cases,
};

kunit_test_suite(stateful_suite);
