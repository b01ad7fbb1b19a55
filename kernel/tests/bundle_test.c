// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bundles, AH around ESP: what a packet looks like, that neither half is enough, sizes, crypto
 * code that answers later, and that both go together.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/route.h>

#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define SHA256	IPSECDRV_INTEGRITY_HMAC_SHA256
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define AH	IPSECDRV_CIPHER_NONE
#define ESP_SPI	0x10000001
#define AH_SPI	0x18000001

/* what is ESP's and what is AH's in one direction */
struct bundle {
	struct ipd_sa_config ah, esp;
};

static void config_bundle(struct bundle *bundle, u8 family, u8 direction, u8 cipher, u32 offset)
{
	sa_test_config(&bundle->ah, family, direction, AH, 0, SHA1);
	sa_test_config(&bundle->esp, family, direction, cipher, 0, cipher == GCM ? NONE : SHA256);
	bundle->ah.spi = htonl(AH_SPI + offset);
	bundle->esp.spi = htonl(ESP_SPI + offset);
	bundle->esp.bundle_spi = bundle->ah.spi;
	bundle->ah.pair_spi = 0;
	bundle->esp.pair_spi = 0;
}

static void swap_ends(struct ipd_sa_config *config)
{
	swap(config->local, config->remote);
	swap(config->selector.local, config->selector.remote);
}

static int install(struct sa_test *t, struct bundle *bundle, struct netlink_ext_ack *extack)
{
	int err = 0;
	__be32 spi;

	mutex_lock(&t->ipd.cfg_mutex);
	if (bundle->ah.direction == IN)
		err = ipd_sad_alloc_spi(&t->ipd, &bundle->ah, 0, &spi, extack) ?:
		      ipd_sad_alloc_spi(&t->ipd, &bundle->esp, 0, &spi, extack);
	if (!err)
		err = ipd_sad_install(&t->ipd, &bundle->ah, 2, extack);
	mutex_unlock(&t->ipd.cfg_mutex);
	return err;
}

static struct ipd_sa *find(struct sa_test *t, const struct ipd_sa_config *config)
{
	struct ipd_sa *sa;

	rcu_read_lock();
	sa = (struct ipd_sa *)ipd_sad_find(&t->ipd, config);
	rcu_read_unlock();
	return sa;
}

/* what goes out of the first comes in by the second; the ESP associations */
static void make_ends(struct sa_test *t, u8 family, u8 cipher, u32 offset, struct ipd_sa **ret_out,
		      struct ipd_sa **ret_in)
{
	struct bundle bundle;

	config_bundle(&bundle, family, OUT, cipher, offset);
	KUNIT_ASSERT_EQ(t->test, install(t, &bundle, NULL), 0);
	*ret_out = find(t, &bundle.esp);
	config_bundle(&bundle, family, IN, cipher, offset);
	swap_ends(&bundle.ah);
	swap_ends(&bundle.esp);
	KUNIT_ASSERT_EQ(t->test, install(t, &bundle, NULL), 0);
	*ret_in = find(t, &bundle.esp);
	KUNIT_ASSERT_NOT_NULL(t->test, *ret_out);
	KUNIT_ASSERT_NOT_NULL(t->test, *ret_in);
	KUNIT_ASSERT_NOT_NULL(t->test, (*ret_in)->outer);
}

static u8 protocol_of(const struct sk_buff *skb)
{
	return skb->data[0] >> 4 == 6 ? skb->data[6] : skb->data[9];
}

static unsigned int header_of(u8 family)
{
	return family == V6 ? 40 : 20;
}

/* --- packets -------------------------------------------------------------- */

static void there_and_back(struct sa_test *t, u8 family, u8 cipher)
{
	unsigned int header = header_of(family), len, size;
	struct kunit *test = t->test;
	struct ipd_sa *out, *in, *sa;
	struct sk_buff *skb;
	u8 plain[256], reason;

	make_ends(t, family, cipher, 0, &out, &in);
	for (size = 0; size < 70; size += 3) {
		len = sa_test_write_packet(plain, family, IPPROTO_UDP, size);
		sa_test_output(t, out, sa_test_skb(t, plain, len, size % 2 ? 128 : 0, 0), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, protocol_of(skb), IPPROTO_AH);
		KUNIT_EXPECT_EQ(test, skb->data[header], IPPROTO_ESP);
		KUNIT_EXPECT_EQ(test, skb->len, header + ipd_sa_grown(out, family, size));
		sa = NULL;
		KUNIT_EXPECT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), 0);
		KUNIT_EXPECT_PTR_EQ(test, sa, in->outer);
		KUNIT_EXPECT_FALSE(test, ipd_sa_is_whole(sa));
		KUNIT_EXPECT_EQ(test, protocol_of(skb), IPPROTO_ESP);
		KUNIT_EXPECT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), 0);
		KUNIT_EXPECT_PTR_EQ(test, sa, in);
		KUNIT_EXPECT_TRUE(test, ipd_sa_is_whole(sa));
		KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, plain, len));
		kfree_skb(skb);
	}
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void bundle_packets(struct kunit *test)
{
	struct sa_test *t = test->priv;
	int esn;

	for (esn = 0; esn < 2; esn++) {
		t->esn = esn;
		t->sequence = esn ? U32_MAX - 7ULL : 0;
		there_and_back(t, V4, GCM);
		there_and_back(t, V6, CBC);
	}
}

/* pitfall C2: one half, both halves of different bundles, the wrong one outside */
static void bundle_halves(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in, *other_out, *other_in, *sa = NULL;
	struct sk_buff *skb, *esp, *copy, *other;
	struct ipd_sa *plain_out, *plain_in;
	u8 reason;

	make_ends(t, V4, GCM, 0, &out, &in);
	make_ends(t, V4, CBC, 1, &other_out, &other_in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 30), &skb);
	KUNIT_ASSERT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), 0);
	esp = sa_test_copy(t, skb);
	kfree_skb(skb);

	/* ESP alone, under another bundle's AH, under AH that is of no bundle */
	copy = sa_test_copy(t, esp);
	KUNIT_EXPECT_LT(test, sa_test_input(t, copy, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_WRONG_SA);
	sa = other_in->outer;
	KUNIT_EXPECT_LT(test, sa_test_input_from(t, copy, &sa, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_WRONG_SA);
	sa_test_pair(t, V4, AH, 0, SHA1, &plain_out, &plain_in);
	sa = plain_in;
	KUNIT_EXPECT_LT(test, sa_test_input_from(t, copy, &sa, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_WRONG_SA);
	kfree_skb(copy);

	/* AH of no bundle in the bundle's AH, and the bundle's AH in itself */
	sa_test_output(t, plain_out, sa_test_packet(t, V4, IPPROTO_UDP, 30), &other);
	sa = in->outer;
	KUNIT_EXPECT_LT(test, sa_test_input_from(t, other, &sa, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_WRONG_SA);
	kfree_skb(other);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 30), &other);
	sa = in->outer;
	KUNIT_EXPECT_LT(test, sa_test_input_from(t, other, &sa, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_WRONG_SA);
	kfree_skb(other);

	/* none of this used the number up */
	sa = in->outer;
	KUNIT_EXPECT_EQ(test, sa_test_input_from(t, esp, &sa, &reason), 0);
	kfree_skb(esp);
}

static void bundle_sizes(struct kunit *test)
{
	static const u8 ciphers[] = { GCM, CBC, IPSECDRV_CIPHER_3DES, IPSECDRV_CIPHER_NULL };
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	int i, room, most, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(ciphers); i++) {
		make_ends(t, V6, ciphers[i], 0, &out, &in);
		for (room = 0; room < 1500; room++) {
			most = ipd_sa_payload_max(out, V6, room);
			if (most >= 0)
				wrong += ipd_sa_grown(out, V6, most) > room;
			wrong += ipd_sa_grown(out, V6, most + 1) <= room;
		}
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* --- life ------------------------------------------------------------------ */

static unsigned int count(struct sa_test *t)
{
	return t->ipd.sad->active + t->ipd.sad->larval;
}

static void bundle_goes_together(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	int i;

	for (i = 0; i < 4; i++) {
		make_ends(t, V4, GCM, 0, &out, &in);
		KUNIT_EXPECT_EQ(test, count(t), 4U);
		/* only what packets are given to is attached to a negotiation */
		KUNIT_EXPECT_EQ(test, t->n_attached, 1);
		sa_test_delete(t, i & 1 ? out : out->outer);
		KUNIT_EXPECT_EQ(test, count(t), 2U);
		KUNIT_EXPECT_EQ(test, t->n_attached, 0);
		sa_test_delete(t, i & 2 ? in : in->outer);
		KUNIT_EXPECT_EQ(test, count(t), 0U);
	}
}

/* the limit of either is the limit of both; told once */
static void bundle_limits(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct bundle bundle;
	struct sk_buff *skb;
	struct ipd_sa *esp;
	int i, n;

	for (i = 0; i < 2; i++) {
		struct ipd_sa_config *limited = i ? &bundle.ah : &bundle.esp;

		t->n_events = 0;
		config_bundle(&bundle, V4, OUT, GCM, 0);
		bundle.ah.soft_seconds = bundle.esp.soft_seconds = 5;
		limited->hard_packets = 3;
		KUNIT_ASSERT_EQ(test, install(t, &bundle, NULL), 0);
		esp = find(t, &bundle.esp);
		ipd_sa_get(esp);
		sa_test_tick(t, t->now + 5);
		KUNIT_EXPECT_EQ(test, t->n_events, 1);
		KUNIT_EXPECT_EQ(test, t->events[0].kind, (u8)IPSECDRV_LIFETIME_KIND_SOFT);
		KUNIT_EXPECT_EQ(test, esp->state, (u8)IPSECDRV_SA_STATE_DYING);
		KUNIT_EXPECT_EQ(test, esp->outer->state, (u8)IPSECDRV_SA_STATE_DYING);
		for (n = 0; n < 4; n++) {
			KUNIT_EXPECT_TRUE(test, ipd_sa_is_usable(esp));
			sa_test_output(t, esp, sa_test_packet(t, V4, IPPROTO_UDP, 9), &skb);
			KUNIT_EXPECT_EQ(test, !!skb, n < 3);
			kfree_skb(skb);
		}
		KUNIT_EXPECT_FALSE(test, ipd_sa_is_usable(esp));
		sa_test_tick(t, t->now);
		KUNIT_EXPECT_EQ(test, t->n_events, 2);
		KUNIT_EXPECT_EQ(test, t->events[1].kind, (u8)IPSECDRV_LIFETIME_KIND_HARD);
		KUNIT_EXPECT_EQ(test, t->events[1].spi, limited->spi);
		KUNIT_EXPECT_EQ(test, count(t), 0U);
		KUNIT_EXPECT_EQ(test, t->n_attached, 0);
		ipd_sa_put(esp);
	}
}

static void bundle_refusals(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct netlink_ext_ack extack;
	struct bundle bundle;
	int i;

	for (i = 0; i < 7; i++) {
		memset(&extack, 0, sizeof(extack));
		config_bundle(&bundle, V4, OUT, GCM, 0);
		switch (i) {
		case 0:
			bundle.esp.bundle_spi = htonl(0x777);
			break;
		case 1:
			bundle.ah.bundle_spi = bundle.esp.spi;
			break;
		case 2:
			bundle.ah.selector.remote_port = htons(80);
			break;
		case 3:		/* an ESP association is not AH */
			bundle.ah = bundle.esp;
			bundle.ah.spi = bundle.esp.bundle_spi;
			bundle.ah.bundle_spi = 0;
			break;
		case 4:		/* two in one */
			bundle.ah = bundle.esp;
			bundle.ah.spi = htonl(0x888);
			break;
		case 5:		/* to another host */
			bundle.ah.remote.ip ^= htonl(1);
			bundle.ah.selector.remote = bundle.ah.remote;
			break;
		case 6:
			t->attach_error = -ENOSPC;
			t->attach_good = 0;
			break;
		}
		KUNIT_EXPECT_LT_MSG(test, install(t, &bundle, &extack), 0, "case %d", i);
		KUNIT_EXPECT_NOT_NULL_MSG(test, extack._msg, "case %d", i);
		mutex_lock(&t->ipd.cfg_mutex);
		ipd_sad_flush(&t->ipd);
		mutex_unlock(&t->ipd.cfg_mutex);
		KUNIT_EXPECT_EQ(test, t->n_attached, 0);
	}
}

/* --- in a tunnel ------------------------------------------------------------ */

/* one direction of make_ends() in a tunnel; its filter has the same ends */
static struct ipd_sa *make_tunnel_end(struct sa_test *t, u8 direction,
				      struct ipd_filter_extra *extra)
{
	struct bundle bundle;

	config_bundle(&bundle, V4, direction, CBC, 0);
	if (direction == IN) {
		swap_ends(&bundle.ah);
		swap_ends(&bundle.esp);
	}
	bundle.ah.encapsulation = IPSECDRV_ENCAPSULATION_TUNNEL;
	bundle.esp.encapsulation = IPSECDRV_ENCAPSULATION_TUNNEL;
	*extra = (struct ipd_filter_extra){
		.tunnel_family = V4,
		.tunnel_local = bundle.esp.local,
		.tunnel_remote = bundle.esp.remote,
	};
	KUNIT_ASSERT_EQ(t->test, install(t, &bundle, NULL), 0);
	return find(t, &bundle.esp);
}

/* one outer header, AH, ESP, and the packet as it was */
static void through_tunnel(struct sa_test *t, u8 family, struct ipd_sa *out, struct ipd_sa *in,
			   unsigned int size)
{
	u8 plain[256], reason;
	unsigned int len = sa_test_write_packet(plain, family, IPPROTO_UDP, size);
	struct kunit *test = t->test;
	struct ipd_sa *sa = NULL;
	struct sk_buff *skb, *alone;

	sa_test_output(t, out, sa_test_skb(t, plain, len, 0, 0), &skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, protocol_of(skb), IPPROTO_AH);
	KUNIT_EXPECT_EQ(test, skb->data[20], IPPROTO_ESP);
	KUNIT_EXPECT_EQ(test, skb->len, 20 + ipd_sa_grown(out, V4, len));
	KUNIT_EXPECT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), 0);
	KUNIT_EXPECT_PTR_EQ(test, sa, in->outer);
	KUNIT_EXPECT_FALSE(test, ipd_sa_is_whole(sa));
	KUNIT_EXPECT_EQ(test, protocol_of(skb), IPPROTO_ESP);
	/* pitfall C2: without its AH it opens no tunnel */
	alone = sa_test_copy(t, skb);
	KUNIT_EXPECT_LT(test, sa_test_input(t, alone, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_WRONG_SA);
	kfree_skb(alone);
	KUNIT_EXPECT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), 0);
	KUNIT_EXPECT_PTR_EQ(test, sa, in);
	KUNIT_EXPECT_TRUE(test, ipd_sa_is_whole(sa));
	/* the outer header went with the last of the two */
	KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, plain, len));
	kfree_skb(skb);
}

static void bundle_tunnel(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_filter_extra extra;
	struct netlink_ext_ack extack = {};
	struct ipd_sa *out, *in;
	struct bundle bundle;
	struct rtable *route;
	unsigned int size;

	route = rt_dst_alloc(t->dev, 0, RTN_UNICAST, true);
	KUNIT_ASSERT_NOT_NULL(test, route);
	t->route = &route->dst;
	t->filter.class = IPSECDRV_FILTER_CLASS_TUNNEL;
	t->filter.extra = &extra;
	in = make_tunnel_end(t, IN, &extra);
	out = make_tunnel_end(t, OUT, &extra);
	for (size = 0; size < 100; size += 7) {
		through_tunnel(t, V4, out, in, size);
		through_tunnel(t, V6, out, in, size);
	}
	sa_test_delete(t, out);
	sa_test_delete(t, in);
	KUNIT_EXPECT_EQ(test, count(t), 0U);

	/* AH for the hosts around ESP for the tunnel is no bundle */
	config_bundle(&bundle, V4, OUT, CBC, 0);
	bundle.esp.encapsulation = IPSECDRV_ENCAPSULATION_TUNNEL;
	KUNIT_EXPECT_LT(test, install(t, &bundle, &extack), 0);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	t->route = NULL;
	t->filter.class = IPSECDRV_FILTER_CLASS_TRANSPORT;
	t->filter.extra = NULL;
	dst_release(&route->dst);
	rcu_barrier();		/* it names the device */
}

static struct kunit_case bundle_cases[] = {
	{ .name = "F18 AH around ESP, there and back", .run_case = bundle_packets },
	{ .name = "F18 F24 one half is not enough", .run_case = bundle_halves },
	{ .name = "F18 sizes", .run_case = bundle_sizes },
	{ .name = "F18 both go together", .run_case = bundle_goes_together },
	{ .name = "F18 F30 limits of one are limits of both", .run_case = bundle_limits },
	{ .name = "F18 A25 what is refused", .run_case = bundle_refusals },
	{ .name = "F18 in a tunnel", .run_case = bundle_tunnel },
	{}
};

static struct kunit_suite bundle_suite = {
	.name = "bundle",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = bundle_cases,
};

/* --- crypto code that answers later ---------------------------------------- */

static int bundle_async_init(struct kunit *test)
{
	int err = sa_test_init(test);

	((struct sa_test *)test->priv)->use_shim = true;
	return err;
}

static void bundle_async(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in, *sa = NULL;
	struct sk_buff *skb;
	u8 plain[128], reason;
	unsigned int len;

	make_ends(t, V4, GCM, 0, &out, &in);
	len = sa_test_write_packet(plain, V4, IPPROTO_UDP, 50);
	shim_mode = SHIM_LATER;
	sa_test_output(t, out, sa_test_skb(t, plain, len, 0, 0), &skb);
	KUNIT_EXPECT_EQ(test, shim_pending(), 1U);
	shim_complete(0, 0);
	/* ESP is done, AH is not: nothing leaves */
	KUNIT_EXPECT_EQ(test, shim_pending(), 1U);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->sent), 1U);
	skb = skb_dequeue(&t->sent);
	KUNIT_EXPECT_EQ(test, protocol_of(skb), IPPROTO_AH);

	KUNIT_EXPECT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), -EINPROGRESS);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->resumed), 1U);
	skb = skb_dequeue(&t->resumed);
	sa = in->outer;
	KUNIT_EXPECT_EQ(test, sa_test_input_from(t, skb, &sa, &reason), -EINPROGRESS);
	shim_complete(0, 0);
	KUNIT_ASSERT_EQ(test, skb_queue_len(&t->resumed), 1U);
	KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb_peek(&t->resumed), plain, len));
}

/* AH fails, or the associations go, while the packet is between the two */
static void bundle_async_failures(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	make_ends(t, V6, GCM, 0, &out, &in);
	shim_mode = SHIM_LATER;
	sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 50), &skb);
	shim_complete(0, 0);
	shim_complete(0, -EIO);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_CRYPTO], 1U);
	sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 50), &skb);
	sa_test_delete(t, out);
	shim_complete(0, 0);
	KUNIT_EXPECT_EQ(test, shim_pending(), 0U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_SA_STATE], 1U);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 0U);
}

static struct kunit_case bundle_async_cases[] = {
	{ .name = "F18 crypto code that answers later", .run_case = bundle_async },
	{ .name = "F18 between ESP and AH", .run_case = bundle_async_failures },
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

static struct kunit_suite bundle_async_suite = {
	.name = "bundle-async",
	.suite_init = register_shim,
	.suite_exit = unregister_shim,
	.init = bundle_async_init,
	.exit = sa_test_exit,
	.test_cases = bundle_async_cases,
};

kunit_test_suites(&bundle_suite, &bundle_async_suite);
