// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetimes: limits in bytes, packets, sequence numbers and seconds, idleness, and the clock behind
 * them.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/kernel.h>

#include "../compat.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define NONE	IPSECDRV_INTEGRITY_NONE
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define SOFT	IPSECDRV_LIFETIME_KIND_SOFT
#define HARD	IPSECDRV_LIFETIME_KIND_HARD
#define IDLE	IPSECDRV_LIFETIME_KIND_IDLE

/* --- limits ------------------------------------------------------------- */

/* sends packets of @size until one does not leave; how many did */
static unsigned int send_until_end(struct sa_test *t, struct ipd_sa *sa, unsigned int size,
				   unsigned int most)
{
	struct sk_buff *skb;
	unsigned int n;

	for (n = 0; n < most; n++) {
		sa_test_output(t, sa, sa_test_packet(t, V4, IPPROTO_UDP, size), &skb);
		if (!skb)
			break;
		kfree_skb(skb);
	}
	return n;
}

static void expect_events(struct sa_test *t, int n, u8 first, u8 second)
{
	KUNIT_ASSERT_EQ(t->test, t->n_events, n);
	if (n > 0)
		KUNIT_EXPECT_EQ(t->test, t->events[0].kind, first);
	if (n > 1)
		KUNIT_EXPECT_EQ(t->test, t->events[1].kind, second);
}

static void lifetime_limit_bytes(struct kunit *test)
{
	static const unsigned int sizes[] = { 1, 64, 100, 999, 1400 };
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *sa;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 used;

		t->n_events = 0;
		sa_test_config(&config, V4, OUT, GCM, 0, NONE);
		config.soft_bytes = 8000;
		config.hard_bytes = 10000;
		sa = sa_test_install(t, &config);
		ipd_sa_get(sa);
		n = send_until_end(t, sa, sizes[i], 20000);
		/* one CPU only uses what it took: the limit is exact */
		KUNIT_EXPECT_EQ_MSG(test, n, 10000 / sizes[i], "packets of %u", sizes[i]);
		used = per_cpu_ptr(sa->counters, 0)->bytes;
		KUNIT_EXPECT_LE(test, used, 10000ULL);
		KUNIT_EXPECT_EQ(test, t->last_drop, (u8)IPSECDRV_DROP_SA_STATE);
		KUNIT_EXPECT_EQ(test, sa->state, (u8)IPSECDRV_SA_STATE_DEAD);
		sa_test_tick(t, 1001);
		KUNIT_EXPECT_FALSE(test, sa_test_is_there(t, &config));
		/* both at one moment are one: what is gone needs no successor */
		KUNIT_EXPECT_GE(test, t->n_events, 1);
		KUNIT_EXPECT_EQ(test, t->events[t->n_events - 1].kind, (u8)HARD);
		ipd_sa_put(sa);
	}
}

static void lifetime_limit_soft(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *sa;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	config.soft_bytes = 8000;
	config.hard_bytes = 10000;
	sa = sa_test_install(t, &config);
	ipd_sa_get(sa);
	/* the share of a CPU is a 256th of the limit */
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 100, 79), 79U);
	sa_test_tick(t, 1001);
	expect_events(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 100, 1), 1U);
	KUNIT_EXPECT_EQ(test, sa->state, (u8)IPSECDRV_SA_STATE_DYING);
	sa_test_tick(t, 1001);
	expect_events(t, 1, SOFT, 0);
	/* once */
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 100, 10), 10U);
	sa_test_tick(t, 1002);
	expect_events(t, 1, SOFT, 0);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 100, 100), 10U);
	sa_test_tick(t, 1002);
	expect_events(t, 2, SOFT, HARD);
	KUNIT_EXPECT_EQ(test, t->events[1].spi, config.spi);
	KUNIT_EXPECT_EQ(test, t->n_attached, 0);
	ipd_sa_put(sa);
}

static void lifetime_limit_packets(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *sa;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	config.soft_packets = 5;
	config.hard_packets = 7;
	sa = sa_test_install(t, &config);
	ipd_sa_get(sa);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 1000, 4), 4U);
	KUNIT_EXPECT_EQ(test, sa->state, (u8)IPSECDRV_SA_STATE_MATURE);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 1000, 1), 1U);
	KUNIT_EXPECT_EQ(test, sa->state, (u8)IPSECDRV_SA_STATE_DYING);
	/* nothing says how soon the work is there, so it is waited for */
	sa_test_tick(t, 1000);
	expect_events(t, 1, SOFT, 0);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 1000, 9), 2U);
	sa_test_tick(t, 1001);
	expect_events(t, 2, SOFT, HARD);
	ipd_sa_put(sa);
}

/* what arrives counts too, but only when it is authentic */
static void lifetime_limit_inbound(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *out, *in;
	struct sk_buff *skb, *bad;
	int i;
	u8 reason;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	out = sa_test_install(t, &config);
	config.direction = IN;
	config.replay_window = 64;
	config.hard_bytes = 500;
	swap(config.local, config.remote);
	swap(config.selector.local, config.selector.remote);
	in = sa_test_install(t, &config);
	ipd_sa_get(in);
	for (i = 0; i < 6; i++) {
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 100), &skb);
		bad = sa_test_copy(t, skb);
		bad->data[bad->len - 1] ^= 1;
		KUNIT_EXPECT_EQ(test, sa_test_input(t, bad, &reason), i < 6 ? -EBADMSG : 0);
		kfree_skb(bad);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), i < 5 ? 0 : -EKEYEXPIRED);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, in->state, (u8)IPSECDRV_SA_STATE_DEAD);
	sa_test_tick(t, 1001);
	expect_events(t, 1, HARD, 0);
	ipd_sa_put(in);
}

/* the blocks that CPUs take never add up to more than the limit */
static void lifetime_limit_shares(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *sa;
	u64 bytes = 0, packets = 0;
	int i;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	config.hard_bytes = 1000000;
	sa = sa_test_install(t, &config);
	ipd_sa_get(sa);
	local_bh_disable();
	for (i = 0; i < 100000; i++) {
		struct ipd_sa_counters *counters = this_cpu_ptr(sa->counters);
		u32 n = 1 + (i * 7919) % 1500;

		/* as if each packet met another CPU, which had taken its share before */
		if (i % 10 == 9)
			counters->byte_credit = 0;
		if (!ipd_sa_charge(sa, n))
			break;
		bytes += n;
		packets++;
	}
	local_bh_enable();
	KUNIT_EXPECT_LE(test, bytes, 1000000ULL);
	KUNIT_EXPECT_GT(test, bytes, 500000ULL);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&sa->bytes.taken) <= 1000000, true);
	KUNIT_EXPECT_EQ(test, per_cpu_ptr(sa->counters, 0)->packets, packets);
	sa_test_tick(t, 1001);
	ipd_sa_put(sa);
}

static void sequence_end(struct sa_test *t, u64 soft, u64 last)
{
	struct kunit *test = t->test;
	struct ipd_sa_config config;
	struct sk_buff *skb;
	struct ipd_sa *sa;

	t->n_events = 0;
	t->sequence = soft - 2;
	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	sa = sa_test_install(t, &config);
	ipd_sa_get(sa);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 10, 1), 1U);
	sa_test_tick(t, 1001);
	expect_events(t, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 10, 1), 1U);
	KUNIT_EXPECT_EQ(test, sa->state, (u8)IPSECDRV_SA_STATE_DYING);
	KUNIT_EXPECT_EQ(test, send_until_end(t, sa, 10, 3), 3U);
	sa_test_tick(t, 1002);
	expect_events(t, 1, SOFT, 0);
	/* the last number is used, and then none: pitfall D2 */
	atomic64_set(&sa->sequence, last - 1);
	sa_test_output(t, sa, sa_test_packet(t, V4, IPPROTO_UDP, 10), &skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(skb->data + 24), (u32)last);
	KUNIT_EXPECT_EQ(test, get_unaligned_be64(skb->data + 28), last);
	kfree_skb(skb);
	sa_test_output(t, sa, sa_test_packet(t, V4, IPPROTO_UDP, 10), &skb);
	KUNIT_EXPECT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, t->last_drop, (u8)IPSECDRV_DROP_SEQUENCE_OVERFLOW);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&sa->sequence), last);
	sa_test_tick(t, 1003);
	expect_events(t, 2, SOFT, HARD);
	KUNIT_EXPECT_FALSE(test, sa_test_is_there(t, &config));
	ipd_sa_put(sa);
}

static void lifetime_sequence_end(struct kunit *test)
{
	struct sa_test *t = test->priv;

	sequence_end(t, 0xc0000000U, U32_MAX);
	t->esn = true;
	sequence_end(t, 0xc000000000000000ULL, U64_MAX);
}

/* --- seconds ------------------------------------------------------------ */

static void lifetime_seconds(struct kunit *test)
{
	static const u32 lives[][2] = {
		{ 1, 2 }, { 3, 3 }, { 10, 20 }, { 255, 256 }, { 256, 257 }, { 700, 900 },
		{ 3600, 7200 }, { 0, 5 }, { 5, 0 }, { 86400, 100000 },
	};
	struct sa_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		u32 soft = lives[i][0], hard = lives[i][1], at;
		time64_t born = t->now;
		struct ipd_sa_config config;
		struct ipd_sa *sa;
		u32 soft_at = 0, hard_at = 0;
		int soft_events = 0, hard_events = 0;

		sa_test_config(&config, V4, OUT, GCM, 0, NONE);
		config.soft_seconds = soft;
		config.hard_seconds = hard;
		sa = sa_test_install(t, &config);
		/* every second for a while around what should happen, larger steps in between */
		for (at = 1; at <= max(soft, hard) + 3; at++) {
			t->n_events = 0;
			if (at > 600 && at + 2 < soft && at % 200)
				continue;
			if (at > soft + 2 && at + 2 < hard && at % 200)
				continue;
			sa_test_tick(t, born + at);
			if (t->n_events && t->events[0].kind == SOFT) {
				soft_at = at;
				soft_events++;
			}
			if (t->n_events && t->events[t->n_events - 1].kind == HARD) {
				hard_at = at;
				hard_events++;
			}
		}
		KUNIT_EXPECT_EQ_MSG(test, hard_events, hard ? 1 : 0, "life %u", i);
		KUNIT_EXPECT_EQ_MSG(test, hard_at, hard, "life %u", i);
		/* at the same second, the end is all that is told */
		KUNIT_EXPECT_EQ_MSG(test, soft_events, soft && soft != hard ? 1 : 0, "life %u", i);
		KUNIT_EXPECT_EQ_MSG(test, soft_at, soft != hard ? soft : 0, "life %u", i);
		KUNIT_EXPECT_EQ(test, sa_test_is_there(t, &config), !hard);
		if (!hard)
			sa_test_delete(t, sa);
	}
}

/* the machine slept: everything that is due is done at once: pitfall D3 */
static void lifetime_sleep(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	int i;

	for (i = 0; i < 40; i++) {
		sa_test_config(&config, V4, OUT, GCM, 0, NONE);
		config.spi = htonl(0x1000 + i);
		config.hard_seconds = 1 + 97 * i;
		sa_test_install(t, &config);
	}
	sa_test_tick(t, t->now + 100000);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 0U);
	KUNIT_EXPECT_EQ(test, t->n_events, 40);
}

static void lifetime_idle(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct ipd_sa_config config;
	struct sk_buff *skb;
	u8 reason;
	int i;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	config.idle_seconds = 300;
	out = sa_test_install(t, &config);
	config.direction = IN;
	config.replay_window = 64;
	swap(config.local, config.remote);
	swap(config.selector.local, config.selector.remote);
	config.pair_spi = config.spi;
	in = sa_test_install(t, &config);
	/* in this test both ends are here, so the pair has the same endpoints the other way round */
	in->params.remote = out->params.remote;
	for (i = 0; i < 5; i++) {
		sa_test_tick(t, t->now + 299);
		KUNIT_EXPECT_EQ(test, sa_test_count(t), 2U);
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 10), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
		kfree_skb(skb);
	}
	/* sending alone keeps nothing alive */
	sa_test_tick(t, t->now + 200);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 10), &skb);
	kfree_skb(skb);
	sa_test_tick(t, t->now + 99);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 2U);
	sa_test_tick(t, t->now + 1);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 0U);
	expect_events(t, 1, IDLE, 0);
	KUNIT_EXPECT_EQ(test, t->events[0].direction, (u8)IN);
}

/* the work sleeps while there is nothing to wait for */
static void lifetime_clock_stops(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *sa;

	KUNIT_EXPECT_FALSE(test, hrtimer_active(&t->ipd.sad->alarm));
	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	sa = sa_test_install(t, &config);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&t->ipd.sad->alarm));
	sa_test_delete(t, sa);
	sa_test_tick(t, t->now + 1);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&t->ipd.sad->alarm));
	sa_test_tick(t, t->now + 5000);
	config.hard_seconds = 5;
	sa_test_install(t, &config);
	sa_test_tick(t, t->now + 4);
	KUNIT_EXPECT_TRUE(test, sa_test_is_there(t, &config));
	sa_test_tick(t, t->now + 1);
	KUNIT_EXPECT_FALSE(test, sa_test_is_there(t, &config));
}

static struct kunit_case lifetime_cases[] = {
	{ .name = "F13 a hard limit of bytes is never exceeded", .run_case = lifetime_limit_bytes },
	{ .name = "F13 a soft limit is told once", .run_case = lifetime_limit_soft },
	{ .name = "F13 limits of packets", .run_case = lifetime_limit_packets },
	{ .name = "F13 limits of what arrives", .run_case = lifetime_limit_inbound },
	{ .name = "F13 shares of a limit", .run_case = lifetime_limit_shares },
	{ .name = "F22 the last sequence number", .run_case = lifetime_sequence_end },
	{ .name = "F13 lifetimes in seconds", .run_case = lifetime_seconds },
	{ .name = "F13 a machine that slept", .run_case = lifetime_sleep },
	{ .name = "F13 idleness", .run_case = lifetime_idle },
	{ .name = "F13 the clock stops when nobody looks", .run_case = lifetime_clock_stops },
	{}
};

static struct kunit_suite lifetime_suite = {
	.name = "lifetime",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = lifetime_cases,
};

kunit_test_suite(lifetime_suite);
