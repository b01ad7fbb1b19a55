// SPDX-License-Identifier: GPL-2.0-only
/*
 * Crypto code that answers later, in another order, with an error, or not at all: as ciphers on
 * other CPUs and in hardware do. ESP is the example; op.c and what calls it are what is tested.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>

#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define NONE	IPSECDRV_INTEGRITY_NONE
#define GCM	IPSECDRV_CIPHER_AES_GCM_16

static int async_init(struct kunit *test)
{
	int err = sa_test_init(test);

	((struct sa_test *)test->priv)->use_shim = true;
	return err;
}

static void async_out(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *none;
	struct ipd_sa *out, *in;
	u8 reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 50);
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &none), (unsigned int)NF_STOLEN);
	KUNIT_EXPECT_NULL(test, none);
	KUNIT_EXPECT_EQ(test, shim_pending(), 1U);
	/* "no longer in the backlog" is not the end */
	shim_announce(0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), 1U);
	skb = skb_dequeue(&t->sent);

	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	shim_announce(0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 0U);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->resumed), 1U);
	skb = skb_dequeue(&t->resumed);
	KUNIT_EXPECT_EQ(test, ip_hdr(skb)->protocol, IPPROTO_UDP);
	KUNIT_EXPECT_EQ(test, skb->len, 70U);
	kfree_skb(skb);
}

/* many under way, completed in reverse: each is itself */
static void async_reverse(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int i, wrong = 0;
	u8 reason;

	sa_test_pair(t, V6, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < 40; i++)
		sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, i), &skb);
	KUNIT_EXPECT_EQ(test, shim_pending(), 40U);
	while (shim_pending())
		shim_complete(shim_pending() - 1, 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 40U);
	while ((skb = skb_dequeue(&t->sent)))
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	while (shim_pending())
		shim_complete(shim_pending() / 2, 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 40U);
	while ((skb = skb_dequeue(&t->resumed))) {
		u8 plain[128];
		unsigned int len = sa_test_write_packet(plain, V6, IPPROTO_UDP, skb->len - 40);

		wrong += !sa_test_is_packet(skb, plain, len);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
}

struct failure {
	int error;
	u8 reason_in, reason_out;
};

static const struct failure failures[] = {
	{ -EBADMSG, IPSECDRV_DROP_INTEGRITY, IPSECDRV_DROP_CRYPTO },
	{ -EINVAL, IPSECDRV_DROP_CRYPTO, IPSECDRV_DROP_CRYPTO },
	{ -ENOMEM, IPSECDRV_DROP_NO_MEMORY, IPSECDRV_DROP_NO_MEMORY },
	{ -EIO, IPSECDRV_DROP_CRYPTO, IPSECDRV_DROP_CRYPTO },
	/* these mean other things when they are ours */
	{ -EAGAIN, IPSECDRV_DROP_CRYPTO, IPSECDRV_DROP_CRYPTO },
	{ -EALREADY, IPSECDRV_DROP_CRYPTO, IPSECDRV_DROP_CRYPTO },
	{ -EMSGSIZE, IPSECDRV_DROP_CRYPTO, IPSECDRV_DROP_CRYPTO },
	{ -ENOMSG, IPSECDRV_DROP_CRYPTO, IPSECDRV_DROP_CRYPTO },
};

/* both ways of failing: at once, and later */
static void async_failures(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *ready;
	struct ipd_sa *out, *in;
	u8 reason;
	int i;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	for (i = 0; i < ARRAY_SIZE(failures); i++) {
		const struct failure *failure = &failures[i];

		shim_mode = SHIM_NOW;
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &ready);
		KUNIT_ASSERT_NOT_NULL(test, ready);

		shim_mode = SHIM_REFUSE;
		shim_error = failure->error;
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
		KUNIT_EXPECT_NULL(test, skb);
		KUNIT_EXPECT_EQ_MSG(test, t->last_drop, failure->reason_out, "out, %d", i);
		skb = sa_test_copy(t, ready);
		KUNIT_EXPECT_LT(test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_EQ_MSG(test, reason, failure->reason_in, "in, %d", i);
		kfree_skb(skb);

		shim_mode = SHIM_LATER;
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
		t->last_drop = 0;
		shim_complete(0, failure->error);
		KUNIT_EXPECT_EQ_MSG(test, t->last_drop, failure->reason_out, "out later, %d", i);
		skb = sa_test_copy(t, ready);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
		t->last_drop = 0;
		shim_complete(0, failure->error);
		KUNIT_EXPECT_EQ_MSG(test, t->last_drop, failure->reason_in, "in later, %d", i);

		/* none of this has used up the number */
		shim_mode = SHIM_NOW;
		KUNIT_EXPECT_EQ(test, sa_test_input(t, ready, &reason), 0);
		kfree_skb(ready);
	}
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 0U);
}

/* a full queue is no backlog: the request was not taken, and there is no callback: pitfall B1 */
static void async_queue_full(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	shim_mode = SHIM_REFUSE;
	for (shim_error = -EBUSY; shim_error; shim_error = shim_error == -EBUSY ? -ENOSPC : 0) {
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
		KUNIT_EXPECT_NULL(test, skb);
	}
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_CRYPTO], 2U);
}

/* two copies under way at once: the window decides when they end */
static void async_replay(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *copy;
	struct ipd_sa *out, *in;
	u8 reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
	copy = sa_test_copy(t, skb);
	shim_mode = SHIM_LATER;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, copy, &reason), -EINPROGRESS);
	shim_complete(1, 0);
	shim_complete(0, 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 1U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_REPLAY], 1U);
	KUNIT_EXPECT_EQ(test, SA_TEST_COUNTER(in, replay_drops), 1ULL);
}

/* the association, or the namespace, goes while packets are under way: pitfall B2 */
static void async_deleted(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	u8 reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
	shim_mode = SHIM_LATER;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	sa_test_delete(t, in);
	sa_test_delete(t, out);
	/* if the request did not hold it, it would be gone by now */
	synchronize_rcu();
	rcu_barrier();
	flush_workqueue(ipd_sa_queue);
	shim_complete(0, 0);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_SA_STATE], 1U);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 0U);
}

static void async_teardown(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *first, *skb, *none;
	struct ipd_sa *out, *in;
	u8 reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &first);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
	shim_mode = SHIM_LATER;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, first, &reason), -EINPROGRESS);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &none);
	sa_test_kill(t);
	shim_complete(0, 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&t->ipd.in_flight_done));
	shim_complete(0, 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&t->ipd.in_flight_done));
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_TEARDOWN], 2U);
	/* and what comes now finds the door shut */
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_TEARDOWN);
	kfree_skb(skb);
}

static struct kunit_case async_cases[] = {
	{ .name = "F16 crypto code that answers later", .run_case = async_out },
	{ .name = "F16 answers in any order", .run_case = async_reverse },
	{ .name = "F23 crypto code that fails, at once and later", .run_case = async_failures },
	{ .name = "F16 a full queue", .run_case = async_queue_full },
	{ .name = "F22 two copies under way", .run_case = async_replay },
	{ .name = "F16 an association deleted meanwhile", .run_case = async_deleted },
	{ .name = "F16 a namespace that goes meanwhile", .run_case = async_teardown },
	{}
};

static int register_shim(struct kunit_suite *suite)
{
	return shim_register();
}

static void unregister_shim(struct kunit_suite *suite)
{
	shim_unregister();
}

static struct kunit_suite async_suite = {
	.name = "esp-async",
	.suite_init = register_shim,
	.suite_exit = unregister_shim,
	.init = async_init,
	.exit = sa_test_exit,
	.test_cases = async_cases,
};

kunit_test_suite(async_suite);
