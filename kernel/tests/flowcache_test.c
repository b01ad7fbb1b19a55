// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flow cache: it may forget, but what it says is what was stored in this generation.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/in.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../flowcache.c"

#ifdef __KERNEL__
#define ROUNDS	200000
#else
#define ROUNDS	2000000
#endif

static u64 rnd_state;

static u32 rnd(u32 n)
{
	rnd_state ^= rnd_state >> 12;
	rnd_state ^= rnd_state << 25;
	rnd_state ^= rnd_state >> 27;
	return (u32)((rnd_state * 0x2545F4914F6CDD1DULL) >> 32) % n;
}

static struct ipd_flowcache *new_cache(struct kunit *test)
{
	struct ipd_flowcache *cache = ipd_flowcache_new();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, cache);
	return cache;
}

static struct ipd_flow a_flow(u8 family, u32 remote, u16 port)
{
	struct ipd_flow flow = {
		.family = family, .protocol = IPPROTO_UDP, .remote_port = htons(port),
		.direction = IPSECDRV_DIRECTION_OUT,
	};

	flow.local.ip = htonl(0x0a000001);
	flow.remote.ip6[family == NFPROTO_IPV6 ? 3 : 0] = htonl(remote);
	return flow;
}

/* made-up pointers; the cache never follows them */
static const struct ipd_filter *fake_filter(unsigned long n)
{
	return (const struct ipd_filter *)(n << 4);
}

static struct ipd_acquire *fake_acquire(unsigned long n)
{
	return (struct ipd_acquire *)(n << 4);
}

static void store(struct ipd_flowcache *cache, const struct ipd_flow *flow, u32 generation,
		  unsigned long n)
{
	local_bh_disable();
	ipd_flowcache_store(cache, flow, generation, fake_filter(n), fake_acquire(n * 2));
	local_bh_enable();
}

/* the number that was stored, or -1 */
static long find_number(struct ipd_flowcache *cache, const struct ipd_flow *flow, u32 generation)
{
	const struct ipd_filter *filter;
	struct ipd_acquire *acquire;
	bool hit;

	local_bh_disable();
	hit = ipd_flowcache_find(cache, flow, generation, &filter, &acquire);
	local_bh_enable();
	if (!hit)
		return -1;
	if (acquire != fake_acquire((unsigned long)filter >> 3))
		return -2;
	return (unsigned long)filter >> 4;
}

static void one_flow_test(struct kunit *test)
{
	struct ipd_flowcache *cache = new_cache(test);
	struct ipd_flow flow = { .family = NFPROTO_IPV4 };
	u64 hits, misses;

	/* an empty entry is no entry, though it may look like this flow */
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 0), -1L);
	flow = a_flow(NFPROTO_IPV4, 1, 80);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 7), -1L);
	store(cache, &flow, 7, 5);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 7), 5L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 8), -1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 6), -1L);
	/* "no filter" is an answer like another */
	store(cache, &flow, 8, 0);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 8), 0L);
	ipd_flowcache_count(cache, &hits, &misses);
	KUNIT_EXPECT_EQ(test, hits, 2ULL);
	KUNIT_EXPECT_EQ(test, misses, 4ULL);
	ipd_flowcache_free(cache);
	ipd_flowcache_free(NULL);
}

/* flows that differ in one thing are different flows */
static void change_flow(struct ipd_flow *flow, unsigned int how)
{
	switch (how) {
	case 1:
		flow->local.all[0] ^= 1;
		break;
	case 2:
		flow->remote.ip ^= htonl(0x80000000);
		break;
	case 3:
		flow->local_port ^= htons(1);
		break;
	case 4:
		flow->remote_port ^= htons(0x8000);
		break;
	case 5:
		flow->protocol = IPPROTO_TCP;
		break;
	case 6:
		flow->direction = IPSECDRV_DIRECTION_IN;
		break;
	case 7:
		flow->flags = IPD_FLOW_FORWARDED;
		break;
	case 8:
		flow->flags = IPD_FLOW_MULTICAST;
		break;
	case 9:
		flow->local.all[3] ^= 1;
		break;
	case 10:
		flow->remote.all[2] ^= 1;
		break;
	}
}

static void differences_test(struct kunit *test)
{
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	struct ipd_flowcache *cache = new_cache(test);
	unsigned int f, how, kinds;

	for (f = 0; f < ARRAY_SIZE(families); f++) {
		kinds = families[f] == NFPROTO_IPV6 ? 11 : 9;
		for (how = 0; how < kinds; how++) {
			struct ipd_flow flow = a_flow(families[f], 0, 80);

			change_flow(&flow, how);
			KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 1), -1L);
			store(cache, &flow, 1, 100 * f + how);
			KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 1), (long)(100 * f + how));
		}
	}
	ipd_flowcache_free(cache);
}

/* an established flow survives any number of flows with one packet, and even with two */
static void scan_test(struct kunit *test)
{
	struct ipd_flowcache *cache = new_cache(test);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 1, 80), other;
	struct ipd_flow flow6 = a_flow(NFPROTO_IPV6, 1, 80);
	u32 i;

	store(cache, &flow, 1, 1);
	store(cache, &flow6, 1, 2);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 1), 1L);
		KUNIT_EXPECT_EQ(test, find_number(cache, &flow6, 1), 2L);
	}
	for (i = 0; i < 20 * SETS; i++) {
		other = a_flow(i % 2 ? NFPROTO_IPV4 : NFPROTO_IPV6, 100 + i, i);
		store(cache, &other, 1, 3);
		KUNIT_EXPECT_EQ(test, find_number(cache, &other, 1), 3L);
	}
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 1), 1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow6, 1), 2L);
	ipd_flowcache_free(cache);
}

/* a flow with more packets takes the first way, and the former one may take it back */
static void promotion_test(struct kunit *test)
{
	struct ipd_flowcache *cache = new_cache(test);
	struct ipd_flow flow[3];
	unsigned int n = 0;
	u64 key[IPD_KEY_WORDS_MAX], home = 0;
	u32 i;

	/* three flows of one set */
	for (i = 1; n < 3; i++) {
		flow[n] = a_flow(NFPROTO_IPV4, i, 1);
		flow_key(&flow[n], key, IPD_KEY_WORDS4);
		if (!n)
			home = ipd_key_hash(key, cache->mult, IPD_KEY_WORDS4) >> (64 - SET_BITS);
		if (ipd_key_hash(key, cache->mult, IPD_KEY_WORDS4) >> (64 - SET_BITS) == home)
			n++;
	}
	store(cache, &flow[0], 1, 1);
	store(cache, &flow[1], 1, 2);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[0], 1), -1L);	/* hit too seldom */
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[1], 1), 2L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[1], 1), 2L);	/* established */
	store(cache, &flow[0], 1, 1);
	store(cache, &flow[2], 1, 3);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[0], 1), -1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[2], 1), 3L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[2], 1), 3L);	/* changes places */
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[1], 1), 2L);
	store(cache, &flow[0], 1, 1);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[1], 1), -1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[2], 1), 3L);
	/* in another generation it is stored where it was */
	store(cache, &flow[2], 2, 4);
	store(cache, &flow[0], 2, 5);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow[2], 2), 4L);
	ipd_flowcache_free(cache);
}

static void fragment_test(struct kunit *test)
{
	struct ipd_flowcache *cache = new_cache(test);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 1, 0);
	u64 hits, misses;

	flow.flags = IPD_FLOW_NO_PORTS;
	store(cache, &flow, 1, 1);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 1), -1L);
	flow.flags = 0;
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 1), -1L);
	ipd_flowcache_count(cache, &hits, &misses);
	KUNIT_EXPECT_EQ(test, hits, 0ULL);
	KUNIT_EXPECT_EQ(test, misses, 2ULL);
	ipd_flowcache_free(cache);
}

/* the generation comes around after 2^32 steps; what it meant then is long freed */
static void wrap_test(struct kunit *test)
{
	struct ipd_flowcache *cache = new_cache(test);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 1, 80);
	struct ipd_flow flow6 = a_flow(NFPROTO_IPV6, 1, 80);
	struct ipd_flow other = a_flow(NFPROTO_IPV4, 2, 80);
	u64 generation;

	store(cache, &flow, 5, 1);
	store(cache, &flow6, 5, 1);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 5), 1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow6, 5), 1L);
	for (generation = 5; generation < 5 + (1ULL << 32); generation += 1U << 29)
		KUNIT_EXPECT_EQ(test, find_number(cache, &other, generation), -1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow, 5), -1L);
	KUNIT_EXPECT_EQ(test, find_number(cache, &flow6, 5), -1L);
	ipd_flowcache_free(cache);
}

/* what a search would find for a flow in a generation */
static unsigned long answer(u32 flow, u32 generation)
{
	return (flow * 0x9E3779B1u ^ generation * 0x85EBCA77u) >> 8;
}

/* a cached search gives the answers of an uncached one, whatever changes in between */
static void random_test(struct kunit *test)
{
	struct ipd_flowcache *cache = new_cache(test);
	u32 generation = U32_MAX - 1000, round, n;
	struct ipd_flow flow;
	u64 hits, misses;
	long got;

	rnd_state = 0xcac4e;
	for (round = 0; round < ROUNDS; round++) {
		/* a few busy flows, and many that are not */
		n = rnd(2) ? rnd(500) : rnd(50000);
		flow = a_flow(n % 2 ? NFPROTO_IPV4 : NFPROTO_IPV6, n / 4, n % 3);
		flow.direction = n / 2 % 2;
		flow.local_port = htons(n);
		if (!rnd(2000))
			generation++;
		got = find_number(cache, &flow, generation);
		if (got == -1)
			store(cache, &flow, generation, answer(n, generation));
		else
			KUNIT_ASSERT_EQ(test, got, (long)answer(n, generation));
		if (!(round % 1024))
			cond_resched();
	}
	ipd_flowcache_count(cache, &hits, &misses);
	KUNIT_EXPECT_EQ(test, hits + misses, (u64)ROUNDS);
	/* the busy flows hit nearly always, the others hardly ever */
	KUNIT_EXPECT_GT(test, hits, (u64)ROUNDS / 4);
	KUNIT_EXPECT_GT(test, misses, (u64)ROUNDS / 4);
	ipd_flowcache_free(cache);
}

#ifndef __KERNEL__
static void no_memory_test(struct kunit *test)
{
	struct ipd_flowcache *cache;

	for (long fail_in = 1; fail_in < 5; fail_in++) {
		shim_fail_in = fail_in;
		cache = ipd_flowcache_new();
		KUNIT_EXPECT_TRUE(test, !cache);
		ipd_flowcache_free(cache);
	}
	shim_fail_in = 0;
}
#endif

#define CASE(f, n)	{ .run_case = f, .name = n }

static struct kunit_case flowcache_cases[] = {
	CASE(one_flow_test, "F01 a flow is found in its generation"),
	CASE(differences_test, "F01 flows that differ are different flows"),
	CASE(scan_test, "F01 a scan does not displace an established flow"),
	CASE(promotion_test, "F01 the busier flow has the first way"),
	CASE(fragment_test, "F01 flows without ports are not remembered"),
	CASE(wrap_test, "F01 the generation comes around"),
	CASE(random_test, "F01 cached answers are those of a search"),
#ifndef __KERNEL__
	CASE(no_memory_test, "F01 a cache without memory is none"),
#endif
	{ }
};

static struct kunit_suite flowcache_suite = {
	.name = "flowcache",
	.test_cases = flowcache_cases,
};

kunit_test_suite(flowcache_suite);
