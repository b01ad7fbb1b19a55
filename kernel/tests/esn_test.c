// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended sequence numbers: known packets byte for byte, streams across 2^32, packets whose upper
 * half is wrong, and a window that moves while a packet is being checked.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/kernel.h>

#include "sa_test.h"

struct esn_vector {
	u8 family, cipher, key_len, integrity;
	const char *packet;
};

#include "esn_packets.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define AH	IPSECDRV_CIPHER_NONE
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define SHA256	IPSECDRV_INTEGRITY_HMAC_SHA256

/* what protects, with numbers of 64 bits */
static const struct {
	u8 cipher, integrity;
} suites[] = { { GCM, NONE }, { CBC, SHA256 }, { AH, SHA1 } };

static int esn_init(struct kunit *test)
{
	int err = sa_test_init(test);

	((struct sa_test *)test->priv)->esn = true;
	return err;
}

static void esn_known_packets(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 packet[256], plain[256], reason;
	u8 iv[16];
	int i;

	KUNIT_ASSERT_EQ(test, hex2bin(iv, PACKETS_IV, 16), 0);
	t->sequence = ((u64)PACKETS_HIGH << 32 | PACKETS_SEQUENCE) - 1;
	for (i = 0; i < ARRAY_SIZE(esn_vectors); i++) {
		const struct esn_vector *vector = &esn_vectors[i];
		unsigned int len = strlen(vector->packet) / 2, plain_len;
		struct ipd_sa *out, *in;
		struct sk_buff *skb;

		KUNIT_ASSERT_EQ(test, hex2bin(packet, vector->packet, len), 0);
		plain_len = sa_test_write_packet(plain, vector->family, IPPROTO_UDP, 37);
		sa_test_pair(t, vector->family, vector->cipher, vector->key_len, vector->integrity,
			     &out, &in);
		t->random = iv;
		sa_test_output(t, out, sa_test_skb(t, plain, plain_len, 128, 128), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, packet, len), "out, vector %d", i);
		kfree_skb(skb);

		skb = sa_test_skb(t, packet, len, 0, 0);
		KUNIT_EXPECT_EQ_MSG(test, sa_test_input(t, skb, &reason), 0, "reason %u", reason);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, plain, plain_len),
				      "in, vector %d", i);
		kfree_skb(skb);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
		t->random = NULL;
	}
}

/* from one half to the next, and each packet once */
static void stream(struct sa_test *t, u8 family, u8 cipher, u8 integrity)
{
	struct ipd_sa *out, *in;
	struct sk_buff *skb, *copy;
	unsigned int i;
	u8 reason;

	sa_test_pair(t, family, cipher, 0, integrity, &out, &in);
	for (i = 0; i < 12; i++) {
		sa_test_output(t, out, sa_test_packet(t, family, IPPROTO_UDP, 30 + i), &skb);
		KUNIT_ASSERT_NOT_NULL(t->test, skb);
		copy = sa_test_copy(t, skb);
		KUNIT_EXPECT_EQ_MSG(t->test, sa_test_input(t, skb, &reason), 0, "packet %u: %u", i,
				    reason);
		kfree_skb(skb);
		KUNIT_EXPECT_LT(t->test, sa_test_input(t, copy, &reason), 0);
		KUNIT_EXPECT_EQ(t->test, reason, (u8)IPSECDRV_DROP_REPLAY);
		kfree_skb(copy);
	}
	KUNIT_EXPECT_EQ(t->test, (u64)atomic64_read(&out->sequence), t->sequence + 12);
	KUNIT_EXPECT_EQ(t->test, in->replay->top, t->sequence + 12);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void esn_streams(struct kunit *test)
{
	static const u64 boundaries[] = { 1ULL << 32, 2ULL << 32, 0x80000000ULL << 32 };
	struct sa_test *t = test->priv;
	int b, s;

	for (b = 0; b < ARRAY_SIZE(boundaries); b++)
		for (s = 0; s < ARRAY_SIZE(suites); s++) {
			t->sequence = boundaries[b] - 6;
			stream(t, V4, suites[s].cipher, suites[s].integrity);
			stream(t, V6, suites[s].cipher, suites[s].integrity);
		}
}

/* the same lower half under another upper one is another packet */
static void esn_wrong_half(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int s;
	u8 reason;

	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		t->sequence = 5ULL << 32;
		sa_test_pair(t, V4, suites[s].cipher, 0, suites[s].integrity, &out, &in);
		atomic64_set(&out->sequence, 6ULL << 32);
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 40), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_LT(test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_INTEGRITY);
		KUNIT_EXPECT_EQ(test, in->replay->top, 5ULL << 32);
		kfree_skb(skb);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
}

/* --- crypto code that answers later -------------------------------------- */

static int esn_async_init(struct kunit *test)
{
	int err = esn_init(test);

	((struct sa_test *)test->priv)->use_shim = true;
	return err;
}

/*
 * A packet from before 2^32 is being checked while later ones move the window so far that its
 * number would now be taken for one after 2^32: it keeps the number that it was checked with, and
 * is refused as old. One that is still in the window is accepted. Pitfall B3.
 */
static void esn_async(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *first, *near, *skb;
	struct ipd_sa *out, *in;
	unsigned int i;
	u8 reason;

	t->sequence = (1ULL << 32) - 10;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 40), &first);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 41), &near);
	shim_mode = SHIM_LATER;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, first, &reason), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, near, &reason), -EINPROGRESS);
	shim_mode = SHIM_NOW;
	for (i = 0; i < 62; i++) {
		sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 42), &skb);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, in->replay->top, t->sequence + 64);
	/* the second is the last number of the window */
	shim_complete(1, 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 1U);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 42), &skb);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	kfree_skb(skb);
	KUNIT_EXPECT_NE(test, ipd_replay_infer(in->replay->top, 64, (u32)(t->sequence + 1)),
			t->sequence + 1);
	shim_complete(0, 0);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_REPLAY], 1U);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 1U);
}

/* AH, which hashes the upper half from the op itself */
static void esn_async_ah(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int i;
	u8 reason;

	t->sequence = (1ULL << 32) - 4;
	sa_test_pair(t, V6, AH, 0, SHA1, &out, &in);
	shim_mode = SHIM_LATER;
	for (i = 0; i < 8; i++)
		sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, i), &skb);
	while (shim_pending())
		shim_complete(shim_pending() - 1, 0);
	while ((skb = skb_dequeue(&t->sent)))
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	while (shim_pending())
		shim_complete(shim_pending() / 2, 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 8U);
	KUNIT_EXPECT_EQ(test, in->replay->top, t->sequence + 8);
}

static struct kunit_case esn_cases[] = {
	{ .name = "F22 known packets with extended numbers", .run_case = esn_known_packets },
	{ .name = "F22 streams from one half to the next", .run_case = esn_streams },
	{ .name = "F22 F23 the upper half is authenticated", .run_case = esn_wrong_half },
	{}
};

static struct kunit_suite esn_suite = {
	.name = "esn",
	.init = esn_init,
	.exit = sa_test_exit,
	.test_cases = esn_cases,
};

static struct kunit_case esn_async_cases[] = {
	{ .name = "F22 a window that moves meanwhile", .run_case = esn_async },
	{ .name = "F22 a hash that answers later", .run_case = esn_async_ah },
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

static struct kunit_suite esn_async_suite = {
	.name = "esn-async",
	.suite_init = register_shim,
	.suite_exit = unregister_shim,
	.init = esn_async_init,
	.exit = sa_test_exit,
	.test_cases = esn_async_cases,
};

kunit_test_suites(&esn_suite, &esn_async_suite);
