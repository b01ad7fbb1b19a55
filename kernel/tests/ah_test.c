// SPDX-License-Identifier: GPL-2.0-only
/*
 * AH: known packets byte for byte, what may change on the way and what may not, every damage,
 * every shape of an skb, and a hash that answers later.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <net/ip.h>

#include "geometry.h"
#include "sa_test.h"

struct ah_vector {
	u8 family, integrity;
	const char *plain, *packet;
};

#include "ah_packets.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define AH	IPSECDRV_CIPHER_NONE
#define MD5	IPSECDRV_INTEGRITY_HMAC_MD5
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define SHA256	IPSECDRV_INTEGRITY_HMAC_SHA256
#define SHA512	IPSECDRV_INTEGRITY_HMAC_SHA512

static unsigned int unhex(struct kunit *test, u8 *buffer, const char *hex)
{
	KUNIT_ASSERT_EQ(test, hex2bin(buffer, hex, strlen(hex) / 2), 0);
	return strlen(hex) / 2;
}

static void ah_known_packets(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 plain[256], packet[256], reason;
	int i;

	for (i = 0; i < ARRAY_SIZE(ah_vectors); i++) {
		const struct ah_vector *vector = &ah_vectors[i];
		unsigned int plain_len = unhex(test, plain, vector->plain);
		unsigned int len = unhex(test, packet, vector->packet);
		struct ipd_sa *out, *in;
		struct sk_buff *skb;

		sa_test_pair(t, vector->family, AH, 0, vector->integrity, &out, &in);
		atomic64_set(&out->sequence, PACKETS_SEQUENCE - 1);
		sa_test_output(t, out, sa_test_skb(t, plain, plain_len, 128, 0), &skb);
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
	}
}

/* --- what may change, and what may not ---------------------------------- */

/* a packet under AH as it arrives; every call makes another one with the next number */
static unsigned int protected_bytes(struct sa_test *t, struct ipd_sa *out, const u8 *plain,
				    unsigned int plain_len, u8 *buffer)
{
	struct sk_buff *skb;
	unsigned int len;

	sa_test_output(t, out, sa_test_skb(t, plain, plain_len, 128, 0), &skb);
	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	len = skb->len;
	skb_copy_bits(skb, 0, buffer, len);
	kfree_skb(skb);
	return len;
}

static int arrive(struct sa_test *t, const u8 *packet, unsigned int len, u8 *ret_reason)
{
	struct sk_buff *skb = sa_test_skb(t, packet, len, 0, 0);
	int err = sa_test_input(t, skb, ret_reason);

	kfree_skb(skb);
	return err;
}

/* bits of the headers in front of AH; offsets from the IP header */
struct bits {
	u8 from, to;		/* bytes, both included */
	u8 mask;
};

static bool has_bit(const struct bits *bits, u8 at, u8 bit)
{
	for (; bits->mask; bits++)
		if (at >= bits->from && at <= bits->to && bits->mask & BIT(bit))
			return true;
	return false;
}

/*
 * Flips every bit of the headers in front of AH of the vector's packet. Those in @mutable must
 * not matter, all others must, but for @skipped: they make it another kind of packet altogether.
 */
static void flip_headers(struct kunit *test, const struct ah_vector *vector, unsigned int headers,
			 const struct bits *mutable, const struct bits *skipped)
{
	struct sa_test *t = test->priv;
	u8 plain[256], packet[256], reason;
	unsigned int plain_len = unhex(test, plain, vector->plain), len, at, bit;
	struct ipd_sa *out, *in;
	int err;

	sa_test_pair(t, vector->family, AH, 0, SHA1, &out, &in);
	for (at = 0; at < headers; at++)
		for (bit = 0; bit < 8; bit++) {
			if (has_bit(skipped, at, bit))
				continue;
			len = protected_bytes(t, out, plain, plain_len, packet);
			packet[at] ^= BIT(bit);
			err = arrive(t, packet, len, &reason);
			KUNIT_EXPECT_EQ_MSG(test, !err, has_bit(mutable, at, bit),
					    "byte %u, bit %u: %d, reason %u", at, bit, err, reason);
		}
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void ah_mutable_ipv4(struct kunit *test)
{
	/* TOS; reserved bit and DF; TTL; checksum; with options: pointer and data of record route */
	static const struct bits mutable[] = {
		{ 1, 1, 0xff }, { 6, 6, 0xc0 }, { 8, 8, 0xff }, { 10, 11, 0xff }, { 26, 34, 0xff }, {}
	};
	/* version, header length; what says "fragment"; protocol; destination; the option's type */
	static const struct bits skipped[] = {
		{ 0, 0, 0xff }, { 6, 6, 0x3f }, { 7, 7, 0xff }, { 9, 9, 0xff }, { 16, 19, 0xff },
		{ 24, 25, 0xff }, {}
	};

	flip_headers(test, &ah_vectors[0], 20, mutable, skipped);
	flip_headers(test, &ah_vectors[1], 36, mutable, skipped);
}

static void ah_mutable_ipv6(struct kunit *test)
{
	/* traffic class, flow label; hop limit; data of the hop-by-hop option that may change */
	static const struct bits mutable[] = {
		{ 0, 0, 0x0f }, { 1, 3, 0xff }, { 7, 7, 0xff }, { 48, 49, 0xff }, {}
	};
	/* version; next headers; destination */
	static const struct bits skipped[] = {
		{ 0, 0, 0xf0 }, { 6, 6, 0xff }, { 24, 40, 0xff }, {}
	};

	flip_headers(test, &ah_vectors[2], 40, mutable, skipped);
	flip_headers(test, &ah_vectors[3], 56, mutable, skipped);
}

/* --- damage ------------------------------------------------------------- */

static void flip_ah_and_payload(struct kunit *test, const struct ah_vector *vector, u8 integrity,
				unsigned int headers)
{
	unsigned int seen[__IPSECDRV_DROP_MAX] = {}, unknown = 0, passed = 0;
	struct sa_test *t = test->priv;
	u8 plain[256], packet[256], reason;
	unsigned int plain_len = unhex(test, plain, vector->plain), len, at, bit;
	struct ipd_sa *out, *in;
	int err;

	sa_test_pair(t, vector->family, AH, 0, integrity, &out, &in);
	len = protected_bytes(t, out, plain, plain_len, packet);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), 0);
	len = protected_bytes(t, out, plain, plain_len, packet);
	for (at = headers; at < len; at++)
		for (bit = 0; bit < 8; bit++) {
			packet[at] ^= BIT(bit);
			err = arrive(t, packet, len, &reason);
			packet[at] ^= BIT(bit);
			if (!err || err == -EINPROGRESS)
				passed++;
			else if (err == -ENOENT)
				unknown++;
			else
				seen[reason]++;
		}
	KUNIT_EXPECT_EQ(test, passed, 0U);
	KUNIT_EXPECT_EQ(test, unknown, 32U);
	/* number 2 becomes 0 */
	KUNIT_EXPECT_EQ(test, seen[IPSECDRV_DROP_REPLAY], 1U);
	/* the header's length, unless it is one that may be */
	KUNIT_EXPECT_GE(test, seen[IPSECDRV_DROP_MALFORMED], 7U);
	KUNIT_EXPECT_LE(test, seen[IPSECDRV_DROP_MALFORMED], 8U);
	KUNIT_EXPECT_EQ(test, seen[IPSECDRV_DROP_INTEGRITY] + seen[IPSECDRV_DROP_MALFORMED],
			8 * (len - headers) - 32 - 1);
	KUNIT_EXPECT_EQ(test, in->replay->top, 1ULL);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), 0);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -EALREADY);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void ah_bit_flips(struct kunit *test)
{
	flip_ah_and_payload(test, &ah_vectors[0], MD5, 20);
	flip_ah_and_payload(test, &ah_vectors[1], SHA256, 36);
	flip_ah_and_payload(test, &ah_vectors[2], SHA1, 40);
	flip_ah_and_payload(test, &ah_vectors[3], SHA512, 56);
}

static void ah_truncation(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 plain[256], packet[256], reason;
	unsigned int plain_len, len, cut;
	struct ipd_sa *out, *in;
	int err, i;

	for (i = 0; i < 4; i++) {
		unsigned int headers = ((const unsigned int[]){ 20, 36, 40, 56 })[i];

		plain_len = unhex(test, plain, ah_vectors[i].plain);
		sa_test_pair(t, ah_vectors[i].family, AH, 0, SHA256, &out, &in);
		len = protected_bytes(t, out, plain, plain_len, packet);
		for (cut = headers; cut < len; cut++) {
			err = arrive(t, packet, cut, &reason);
			KUNIT_EXPECT_LT_MSG(test, err, 0, "%u of %u bytes", cut, len);
			KUNIT_EXPECT_TRUE_MSG(test, reason == IPSECDRV_DROP_MALFORMED ||
						    reason == IPSECDRV_DROP_INTEGRITY,
					      "%u of %u bytes: reason %u", cut, len, reason);
		}
		KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), 0);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
}

/* header lengths: IPv4 by 32 bits; by 64, as Linux sends it; and what is no sense at all */
static void ah_header_lengths(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 plain[64], packet[256], reason;
	struct ipd_sa *out, *in;
	unsigned int plain_len, len, n;

	sa_test_pair(t, V4, AH, 0, SHA256, &out, &in);
	plain_len = sa_test_write_packet(plain, V4, IPPROTO_UDP, 40);
	len = protected_bytes(t, out, plain, plain_len, packet);
	KUNIT_EXPECT_EQ(test, len, 20U + 28 + 40);
	KUNIT_EXPECT_EQ(test, packet[21], (u8)(28 / 4 - 2));
	/* the right one last: its number is used up then */
	for (n = 0; n < 256; n++) {
		packet[21] = n + 28 / 4 - 1;
		KUNIT_EXPECT_EQ_MSG(test, arrive(t, packet, len, &reason),
				    n == 255 ? 0 : n == 0 ? -EBADMSG : -EPROTO,
				    "length field %u", packet[21]);
	}
}

/* options and extension headers that are cut off or longer than what contains them */
static void ah_malformed_options(struct kunit *test)
{
	static const char *const options[] = {
		"07", "0700", "0701", "07ff", "830304", "83030300", "940401", "4401", "01010107",
	};
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int i;

	sa_test_pair(t, V4, AH, 0, SHA1, &out, &in);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		/* malformed as they are; a source route of no addresses is not */
		bool is_right = !strcmp(options[i], "830304");
		u8 packet[80] = {};
		struct iphdr *iph = (struct iphdr *)packet;
		unsigned int len = strlen(options[i]) / 2;

		sa_test_write_packet(packet, V4, IPPROTO_UDP, 24);
		memset(packet + 20, 0, 4);
		/* at the end of the header, after no-operations: nothing follows it */
		memset(packet + 20, IPOPT_NOOP, 4 - len);
		unhex(test, packet + 24 - len, options[i]);
		iph->ihl = 6;
		skb = sa_test_skb(t, packet, 44, 128, 0);
		sa_test_output(t, out, skb, &skb);
		KUNIT_EXPECT_EQ_MSG(test, !!skb, is_right, "options %s", options[i]);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_MALFORMED],
			(u32)ARRAY_SIZE(options) - 1);
}

static void ah_dummy(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 plain[64], packet[128], reason;
	struct ipd_sa *out, *in;
	unsigned int len;

	sa_test_pair(t, V6, AH, 0, SHA1, &out, &in);
	len = sa_test_write_packet(plain, V6, IPPROTO_NONE, 10);
	len = protected_bytes(t, out, plain, len, packet);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -ENOMSG);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_DUMMY);
}

/* --- shapes ------------------------------------------------------------- */

#define SHAPE_PAYLOAD	700

static void shapes(struct kunit *test, u8 family, u8 integrity)
{
	unsigned int header = family == V4 ? 20 : 40, plain_len, len, i;
	struct sa_test *t = test->priv;
	u8 *plain = kunit_kzalloc(test, SHAPE_PAYLOAD + 64, GFP_KERNEL);
	u8 *packet = kunit_kzalloc(test, SHAPE_PAYLOAD + 256, GFP_KERNEL);
	struct geometry geometry;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	struct shape shape;
	u8 reason;

	sa_test_pair(t, family, AH, 0, integrity, &out, &in);
	plain_len = sa_test_write_packet(plain, family, IPPROTO_UDP, SHAPE_PAYLOAD);
	for (i = 0; geometry_nth(i, header, &geometry); i++) {
		if (geometry.shared && geometry.cloned)
			continue;
		shape_begin(t, &shape, &geometry, plain, plain_len);
		sa_test_output(t, out, shape.skb, &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		len = skb->len;
		skb_copy_bits(skb, 0, packet, len);
		kfree_skb(skb);
		KUNIT_EXPECT_TRUE_MSG(test, shape_end(t, &shape), "out, shape %u", i);

		if (geometry.shared)
			continue;
		shape_begin(t, &shape, &geometry, packet, len);
		KUNIT_EXPECT_EQ_MSG(test, sa_test_input(t, shape.skb, &reason), 0,
				    "in, shape %u: reason %u", i, reason);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(shape.skb, plain, plain_len),
				      "in, shape %u", i);
		kfree_skb(shape.skb);
		KUNIT_EXPECT_TRUE_MSG(test, shape_end(t, &shape), "in, shape %u", i);
	}
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

/* pitfalls A1, A4 */
static void ah_shapes(struct kunit *test)
{
	shapes(test, V4, SHA256);
	shapes(test, V6, SHA1);
}

static void ah_all_lengths(struct kunit *test)
{
	static const unsigned int long_ones[] = { 1400, 4096, 8000, 65000 };
	struct sa_test *t = test->priv;
	u8 *plain = kunit_kzalloc(test, 66000, GFP_KERNEL), reason;
	unsigned int n, len;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	sa_test_pair(t, V4, AH, 0, SHA512, &out, &in);
	t->dev->mtu = 65535;
	for (n = 0; n < 70; n++) {
		len = sa_test_write_packet(plain, V4, IPPROTO_UDP,
					   n < 66 ? n : long_ones[n - 66]);
		sa_test_output(t, out, sa_test_skb(t, plain, len, 128, 0), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, plain, len));
		kfree_skb(skb);
	}
}

/* --- a hash that answers later ------------------------------------------ */

static int ah_async_init(struct kunit *test)
{
	int err = sa_test_init(test);

	((struct sa_test *)test->priv)->use_shim = true;
	return err;
}

static void ah_async(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 plain[64], packet[128], reason;
	struct ipd_sa *out, *in;
	struct sk_buff *skb, *bad;
	unsigned int len;

	sa_test_pair(t, V4, AH, 0, SHA1, &out, &in);
	len = sa_test_write_packet(plain, V4, IPPROTO_UDP, 40);
	shim_mode = SHIM_LATER;
	sa_test_output(t, out, sa_test_skb(t, plain, len, 128, 0), &skb);
	KUNIT_EXPECT_EQ(test, shim_pending(), 1U);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), 1U);
	skb = skb_dequeue(&t->sent);
	skb_copy_bits(skb, 0, packet, skb->len);
	packet[skb->len - 1] ^= 1;
	bad = sa_test_skb(t, packet, skb->len, 0, 0);

	KUNIT_EXPECT_EQ(test, sa_test_input(t, bad, &reason), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EINPROGRESS);
	shim_complete(0, 0);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_INTEGRITY], 1U);
	shim_announce(0);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->resumed), 1U);
	KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb_peek(&t->resumed), plain, len));
}

static void ah_async_failures(struct kunit *test)
{
	static const int errors[] = { -EINVAL, -ENOMEM, -EIO };
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *ready;
	struct ipd_sa *out, *in;
	u8 reason;
	int i;

	sa_test_pair(t, V6, AH, 0, SHA1, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 40), &ready);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		u8 wanted = errors[i] == -ENOMEM ? IPSECDRV_DROP_NO_MEMORY : IPSECDRV_DROP_CRYPTO;

		shim_mode = SHIM_LATER;
		sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 40), &skb);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, sa_test_copy(t, ready), &reason),
				-EINPROGRESS);
		shim_complete(0, errors[i]);
		KUNIT_EXPECT_EQ(test, t->last_drop, wanted);
		t->last_drop = 0;
		shim_complete(0, errors[i]);
		KUNIT_EXPECT_EQ(test, t->last_drop, wanted);
		shim_mode = SHIM_REFUSE;
		shim_error = errors[i];
		t->last_drop = 0;
		sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 40), &skb);
		KUNIT_EXPECT_EQ(test, t->last_drop, wanted);
	}
	shim_mode = SHIM_NOW;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, ready, &reason), 0);
	kfree_skb(ready);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->resumed), 0U);
}

static struct kunit_case ah_cases[] = {
	{ .name = "F15 F20 known packets of every hash", .run_case = ah_known_packets },
	{ .name = "F15 F23 what may change in IPv4 and what not", .run_case = ah_mutable_ipv4 },
	{ .name = "F15 F23 what may change in IPv6 and what not", .run_case = ah_mutable_ipv6 },
	{ .name = "F15 F22 F23 every bit of AH and payload flipped", .run_case = ah_bit_flips },
	{ .name = "F15 F23 cut everywhere", .run_case = ah_truncation },
	{ .name = "F15 lengths of the header", .run_case = ah_header_lengths },
	{ .name = "F15 malformed options", .run_case = ah_malformed_options },
	{ .name = "F15 dummy packets", .run_case = ah_dummy },
	{ .name = "F15 every shape of an skb", .run_case = ah_shapes },
	{ .name = "F15 all lengths, there and back", .run_case = ah_all_lengths },
	{}
};

static struct kunit_suite ah_suite = {
	.name = "ah",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = ah_cases,
};

static struct kunit_case ah_async_cases[] = {
	{ .name = "F15 F23 a hash that answers later", .run_case = ah_async },
	{ .name = "F15 F23 a hash that fails", .run_case = ah_async_failures },
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

static struct kunit_suite ah_async_suite = {
	.name = "ah-async",
	.suite_init = register_shim,
	.suite_exit = unregister_shim,
	.init = ah_async_init,
	.exit = sa_test_exit,
	.test_cases = ah_async_cases,
};

kunit_test_suites(&ah_suite, &ah_async_suite);
