// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parallel associations: packets whose requests end in random order leave in order, in both
 * directions; what is wrong with one packet is not the others' matter; bounds; and associations
 * and namespaces that go while packets are under way.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "../parallel.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define SHA256	IPSECDRV_INTEGRITY_HMAC_SHA256
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define AH	IPSECDRV_CIPHER_NONE

#define PACKETS	100

static int parallel_init(struct kunit *test)
{
	int err = sa_test_init(test);

	((struct sa_test *)test->priv)->parallel = true;
	return err;
}

static int parallel_async_init(struct kunit *test)
{
	int err = parallel_init(test);

	((struct sa_test *)test->priv)->use_shim = true;
	return err;
}

static unsigned int send(struct sa_test *t, struct ipd_sa *out, unsigned int payload)
{
	u8 family = out->params.family;
	struct sk_buff *skb;

	return sa_test_output(t, out, sa_test_packet(t, family, IPPROTO_UDP, payload), &skb);
}

/* of AH or ESP, whose headers are the first behind the IP header */
static u32 number_of(const struct sk_buff *skb, u8 protocol)
{
	unsigned int header = skb->protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) :
								 sizeof(struct ipv6hdr);
	unsigned int offset = header + (protocol == IPPROTO_AH ? 8 : 4);

	return be32_to_cpup((const __be32 *)(skb->data + offset));
}

/* completes what waits, in random order */
static void end_all(struct rnd_state *rnd)
{
	while (shim_pending())
		shim_complete(prandom_u32_state(rnd) % shim_pending(), 0);
	sa_test_settle();
}

/* --- ciphers as they are ------------------------------------------------------------ */

static void there_and_back(struct sa_test *t, u8 family, u8 cipher, u8 integrity)
{
	u8 protocol = cipher == AH ? IPPROTO_AH : IPPROTO_ESP;
	struct kunit *test = t->test;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int i;
	u8 reason;

	sa_test_pair(t, family, cipher, 0, integrity, &out, &in);
	for (i = 0; i < PACKETS; i++)
		KUNIT_EXPECT_EQ(test, send(t, out, i), (unsigned int)NF_STOLEN);
	sa_test_settle();
	KUNIT_EXPECT_EQ(test, ipd_parallel_len(out->parallel), 0U);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), (u32)PACKETS);
	for (i = 0; i < PACKETS; i++) {
		skb = skb_dequeue(&t->sent);
		KUNIT_EXPECT_EQ(test, number_of(skb, protocol), i + 1);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	}
	sa_test_settle();
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->resumed), (u32)PACKETS);
	for (i = 0; i < PACKETS; i++) {
		skb = skb_dequeue(&t->resumed);
		/* what IP says, so that the lengths tell the packets apart */
		KUNIT_EXPECT_EQ(test, skb->len, i + (family == V4 ? 20 : 40));
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, in->replay->top, (u64)PACKETS);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void parallel_ciphers(struct kunit *test)
{
	there_and_back(test->priv, V4, CBC, SHA256);
	there_and_back(test->priv, V6, IPSECDRV_CIPHER_3DES, SHA1);
	there_and_back(test->priv, V4, AH, SHA256);
	there_and_back(test->priv, V6, GCM, NONE);
}

/* each is told by its own reason, in its place */
static void parallel_errors(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int i;
	u8 reason;

	sa_test_pair(t, V4, CBC, 0, SHA1, &out, &in);
	for (i = 0; i < 30; i++)
		send(t, out, 40);
	sa_test_settle();
	for (i = 0; i < 30; i++) {
		skb = skb_dequeue(&t->sent);
		if (i % 3 == 1)
			skb->data[skb->len - 1] ^= 1;
		if (i % 3 == 2)
			skb_trim(skb, 40);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	}
	sa_test_settle();
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 10U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_INTEGRITY], 10U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_MALFORMED], 10U);
}

/* a hard limit in packets is not exceeded, and what was admitted before it leaves */
static void parallel_limit(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *out;
	unsigned int i;

	sa_test_config(&config, V4, IPSECDRV_DIRECTION_OUT, CBC, 0, SHA1);
	config.hard_packets = 5;
	out = sa_test_install(t, &config);
	ipd_sa_get(out);	/* it ends while packets still come */
	for (i = 0; i < 8; i++)
		send(t, out, 40);
	sa_test_settle();
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 5U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_SA_STATE], 3U);
	ipd_sa_put(out);
}

static struct kunit_case parallel_cases[] = {
	{ .name = "F15 F16 there and back, in order", .run_case = parallel_ciphers },
	{ .name = "F15 F16 F23 damaged packets among others", .run_case = parallel_errors },
	{ .name = "F16 F30 a limit in packets", .run_case = parallel_limit },
	{}
};

static struct kunit_suite parallel_suite = {
	.name = "parallel",
	.init = parallel_init,
	.exit = sa_test_exit,
	.test_cases = parallel_cases,
};

/* --- requests that end when the test says so ----------------------------------------- */

/* after each end, exactly those have left before which no other is open */
static void parallel_order(struct kunit *test)
{
	struct sa_test *t = test->priv;
	bool ended[PACKETS] = {};
	unsigned int index, i, n, leading = 0, open = PACKETS;
	struct rnd_state rnd;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	prandom_seed_state(&rnd, 13);
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < PACKETS; i++)
		send(t, out, i);
	sa_test_settle();
	KUNIT_ASSERT_EQ(test, shim_pending(), (unsigned int)PACKETS);
	KUNIT_EXPECT_EQ(test, ipd_parallel_len(out->parallel), (u32)PACKETS);
	for (; open; open--) {
		index = prandom_u32_state(&rnd) % open;
		shim_complete(index, 0);
		/* the index-th of those that are open */
		for (i = 0, n = index; ended[i] || n; i++)
			n -= !ended[i];
		ended[i] = true;
		while (leading < PACKETS && ended[leading])
			leading++;
		sa_test_settle();
		KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), leading);
	}
	for (i = 0; (skb = skb_dequeue(&t->sent)); i++) {
		KUNIT_EXPECT_EQ(test, number_of(skb, IPPROTO_ESP), i + 1);
		kfree_skb(skb);
	}
}

/* arrival order is kept, and the window sees the numbers in it: pitfall B3 */
static void parallel_arrival(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct rnd_state rnd;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int i;
	u8 reason;

	prandom_seed_state(&rnd, 14);
	/* so many numbers after it that an early one would be left of the window out of order */
	t->sequence = (1ULL << 32) - 10;
	t->esn = true;
	sa_test_pair(t, V6, GCM, 0, NONE, &out, &in);
	for (i = 0; i < PACKETS; i++)
		send(t, out, i);
	sa_test_settle();
	shim_mode = SHIM_LATER;
	while ((skb = skb_dequeue(&t->sent)))
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	sa_test_settle();
	end_all(&rnd);
	for (i = 0; (skb = skb_dequeue(&t->resumed)); i++) {
		KUNIT_EXPECT_EQ(test, skb->len, i + 40);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, i, (unsigned int)PACKETS);
	KUNIT_EXPECT_EQ(test, in->replay->top, t->sequence + PACKETS);
}

/* pitfall: a bound that one packet too many finds, which has no number then */
static void parallel_bounds(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct rnd_state rnd;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int i;
	u8 reason;

	prandom_seed_state(&rnd, 15);
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < IPD_PARALLEL_MAX; i++)
		KUNIT_ASSERT_EQ(test, send(t, out, 1), (unsigned int)NF_STOLEN);
	KUNIT_EXPECT_EQ(test, send(t, out, 1), NF_STOLEN | ENOBUFS << NF_VERDICT_QBITS);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_PARALLEL_LIMIT], 1U);
	KUNIT_EXPECT_EQ(test, atomic64_read(&out->sequence), (s64)IPD_PARALLEL_MAX);
	sa_test_settle();
	/* the last one is done, which makes no room; the first does */
	shim_complete(IPD_PARALLEL_MAX - 1, 0);
	sa_test_settle();
	send(t, out, 1);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_PARALLEL_LIMIT], 2U);
	shim_complete(0, 0);
	sa_test_settle();
	send(t, out, 1);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_PARALLEL_LIMIT], 2U);
	sa_test_settle();
	while (shim_pending())
		shim_complete(0, 0);
	sa_test_settle();
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), IPD_PARALLEL_MAX + 1U);

	/* inbound the packet stays the hook's, which drops it */
	for (i = 0; i < IPD_PARALLEL_MAX; i++)
		KUNIT_ASSERT_EQ(test, sa_test_input(t, skb_dequeue(&t->sent), &reason),
				-EINPROGRESS);
	skb = skb_dequeue(&t->sent);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -ENOBUFS);
	KUNIT_EXPECT_EQ(test, reason, IPSECDRV_DROP_PARALLEL_LIMIT);
	kfree_skb(skb);
	sa_test_settle();
	while (shim_pending())
		shim_complete(0, 0);
	sa_test_settle();

	/* all associations together */
	sa_test_crowd(IPD_PARALLEL_MAX_ALL);
	send(t, out, 1);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_PARALLEL_LIMIT], 3U);
	sa_test_crowd(-IPD_PARALLEL_MAX_ALL);
	send(t, out, 1);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_PARALLEL_LIMIT], 3U);
	sa_test_settle();
	end_all(&rnd);
}

/* what has a number leaves, protected; inbound a dead association accepts nothing: pitfall B7 */
static void parallel_deletion(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct rnd_state rnd;
	struct ipd_sa *out, *in;
	unsigned int i;
	u8 reason;

	prandom_seed_state(&rnd, 16);
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < 20; i++)
		send(t, out, 60);
	sa_test_settle();
	sa_test_delete(t, out);
	end_all(&rnd);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), 20U);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb_dequeue(&t->sent), &reason),
				-EINPROGRESS);
	sa_test_delete(t, in);
	sa_test_settle();
	end_all(&rnd);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 0U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_SA_STATE], 20U);
}

/* mode block holds for what is under way, too: pitfall C1 */
static void parallel_block(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct rnd_state rnd;
	struct ipd_sa *out, *in;
	unsigned int i;

	prandom_seed_state(&rnd, 18);
	sa_test_pair(t, V6, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < 5; i++)
		send(t, out, 60);
	sa_test_settle();
	t->ipd.mode = IPSECDRV_MODE_BLOCK;
	end_all(&rnd);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_MODE_BLOCK], 5U);
}

/* the namespace goes: neither those under way nor new ones leave it; pitfall F7 */
static void parallel_teardown(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct rnd_state rnd;
	struct ipd_sa *out, *in;
	unsigned int i;

	prandom_seed_state(&rnd, 17);
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < 20; i++)
		send(t, out, 60);
	sa_test_settle();
	sa_test_kill(t);
	KUNIT_EXPECT_FALSE(test, completion_done(&t->ipd.in_flight_done));
	send(t, out, 60);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_TEARDOWN], 1U);
	end_all(&rnd);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_TEARDOWN], 21U);
	KUNIT_EXPECT_TRUE(test, completion_done(&t->ipd.in_flight_done));
}

static struct kunit_case parallel_async_cases[] = {
	{ .name = "F16 requests that end in random order", .run_case = parallel_order },
	{ .name = "F16 F21 F22 packets are accepted as they came", .run_case = parallel_arrival },
	{ .name = "F16 bounds", .run_case = parallel_bounds },
	{ .name = "F16 associations that go", .run_case = parallel_deletion },
	{ .name = "F16 mode block", .run_case = parallel_block },
	{ .name = "F16 a namespace that goes", .run_case = parallel_teardown },
	{}
};

static int parallel_suite_init(struct kunit_suite *suite)
{
	return shim_register();
}

static void parallel_suite_exit(struct kunit_suite *suite)
{
	shim_unregister();
}

static struct kunit_suite parallel_async_suite = {
	.name = "parallel-async",
	.suite_init = parallel_suite_init,
	.suite_exit = parallel_suite_exit,
	.init = parallel_async_init,
	.exit = sa_test_exit,
	.test_cases = parallel_async_cases,
};

kunit_test_suites(&parallel_suite, &parallel_async_suite);
