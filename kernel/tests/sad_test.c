// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of associations: SPIs, installing all or none, removing, and what is told about all that.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "../compat.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16

/* --- the calls of sad.h, under the lock --------------------------------- */

static int alloc_spi(struct sa_test *t, const struct ipd_sa_config *config, __be32 *ret_spi,
		     struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&t->ipd.cfg_mutex);
	err = ipd_sad_alloc_spi(&t->ipd, config, 33, ret_spi, extack);
	mutex_unlock(&t->ipd.cfg_mutex);
	return err;
}

static int install(struct sa_test *t, const struct ipd_sa_config *configs, unsigned int n,
		   struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&t->ipd.cfg_mutex);
	err = ipd_sad_install(&t->ipd, configs, n, extack);
	mutex_unlock(&t->ipd.cfg_mutex);
	return err;
}

static int delete(struct sa_test *t, const struct ipd_sa_config *which,
		  struct netlink_ext_ack *extack)
{
	int err;

	mutex_lock(&t->ipd.cfg_mutex);
	err = ipd_sad_delete(&t->ipd, which, extack);
	mutex_unlock(&t->ipd.cfg_mutex);
	return err;
}

static void config_pair(struct ipd_sa_config *configs, u8 family)
{
	sa_test_config(&configs[0], family, IN, GCM, 0, NONE);
	sa_test_config(&configs[1], family, OUT, GCM, 0, NONE);
}

/* --- SPIs --------------------------------------------------------------- */

static void sad_random_spis(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	unsigned int i;
	__be32 spi;

	sa_test_config(&config, V4, IN, GCM, 0, NONE);
	config.spi = 0;
	for (i = 0; i < 2000; i++) {
		KUNIT_ASSERT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
		KUNIT_EXPECT_GE(test, ntohl(spi), (u32)IPSECDRV_MIN_SPI);
	}
	/* unique: as many in the table as were given */
	KUNIT_EXPECT_EQ(test, (u32)atomic_read(&t->ipd.sad->inbound.nelems), 2000U);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 2000U);
}

/* numbers that are reserved or taken are thrown away */
static void sad_unlucky_spis(struct kunit *test)
{
	static const u32 dice[] = { 0x700, 0x100, 0xff, 0, 1, 0x500 };	/* from the end */
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	__be32 spi;

	sa_test_config(&config, V4, IN, GCM, 0, NONE);
	config.spi = htonl(0x500);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
	KUNIT_EXPECT_EQ(test, ntohl(spi), 0x500U);
	config.spi = 0;
	memcpy(t->spi_random, dice, sizeof(dice));
	t->n_spi_random = ARRAY_SIZE(dice);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
	KUNIT_EXPECT_EQ(test, ntohl(spi), 0x100U);
	/* also for another host or protocol: unique is unique */
	sa_test_config(&config, V6, IN, IPSECDRV_CIPHER_NONE, 0, SHA1);
	config.spi = 0;
	t->spi_random[0] = 0x700;
	t->spi_random[1] = 0x500;
	t->n_spi_random = 2;
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
	KUNIT_EXPECT_EQ(test, ntohl(spi), 0x700U);
}

static void sad_wanted_spis(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct netlink_ext_ack extack = {};
	struct ipd_sa_config config;
	__be32 spi;

	sa_test_config(&config, V4, IN, GCM, 0, NONE);
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, &extack), 0);
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, &extack), -EEXIST);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	extack._msg = NULL;
	config.spi = htonl(255);
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, &extack), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	extack._msg = NULL;
	config.spi = 0;
	config.direction = OUT;
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, &extack), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 1U);
}

static void sad_larval(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	__be32 spi;
	u8 reason;

	/* a packet for an SPI that is only reserved */
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 20), &skb);
	config = (struct ipd_sa_config){ .params = in->params };
	sa_test_delete(t, in);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EKEYEXPIRED);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_SA_STATE);
	kfree_skb(skb);
	/* given back after 60 seconds, without a word */
	sa_test_tick(t, 1000 + IPD_LARVAL_SECONDS - 1);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->larval, 1U);
	sa_test_tick(t, 1000 + IPD_LARVAL_SECONDS);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->larval, 0U);
	KUNIT_EXPECT_EQ(test, t->n_events, 0);
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
}

/* --- installing --------------------------------------------------------- */

struct refusal {
	const char *what;
	void (*spoil)(struct ipd_sa_config *config);
	int error;
};

#define SPOIL(name, code) \
	static void spoil_##name(struct ipd_sa_config *config) { code; }

SPOIL(family, config->family = 7)
SPOIL(protection, config->protection = 6)
SPOIL(spi, config->spi = htonl(255))
SPOIL(any, memset(&config->remote, 0, 16))
SPOIL(multicast, config->remote.ip = htonl(0xe0000001))
SPOIL(broadcast, config->local.ip = htonl(0xffffffff))
SPOIL(tunnel, config->encapsulation = IPSECDRV_ENCAPSULATION_TUNNEL)
SPOIL(udp_no_local, config->encap_remote_port = htons(4500))
SPOIL(udp_no_remote, config->encap_local_port = htons(4500))
SPOIL(udp_other, config->encap_local_port = htons(4501); config->encap_remote_port = htons(4500))
SPOIL(udp_ah, config->encap_local_port = config->encap_remote_port = htons(4500);
	config->protection = IPSECDRV_PROTECTION_AH; config->cipher = IPSECDRV_CIPHER_NONE;
	config->cipher_key_len = 0; config->integrity = SHA1; config->integrity_key_len = 20)
SPOIL(udp_unauthenticated, config->encap_local_port = config->encap_remote_port = htons(4500);
	config->cipher = CBC; config->cipher_key_len = 16)
SPOIL(follow_out, config->encap_local_port = config->encap_remote_port = htons(4500);
	config->encap_follow = true)
SPOIL(follow_nothing, config->direction = IN; config->replay_window = 64;
	config->encap_follow = true)
SPOIL(keepalive_in, config->encap_local_port = config->encap_remote_port = htons(4500);
	config->direction = IN; config->replay_window = 64; config->encap_keepalive = 20)
SPOIL(keepalive_nothing, config->encap_keepalive = 20)
SPOIL(bundle, config->bundle_spi = htonl(0x1234))
SPOIL(esn, config->esn = true; config->cipher = CBC; config->cipher_key_len = 16)
SPOIL(used_up, config->sequence = U32_MAX)
SPOIL(used_up_esn, config->esn = true; config->sequence = U64_MAX)
SPOIL(no_filter, config->filter_id = 0)
SPOIL(other_filter, config->filter_id = 8)
SPOIL(selector, config->selector.remote.ip ^= 1)
SPOIL(prefix, config->selector.local_prefix = 24)
SPOIL(no_selector, memset(&config->selector, 0, sizeof(config->selector)))
SPOIL(bytes, config->soft_bytes = 11; config->hard_bytes = 10)
SPOIL(packets, config->soft_packets = 11; config->hard_packets = 10)
SPOIL(seconds, config->soft_seconds = 11; config->hard_seconds = 10)
SPOIL(window, config->replay_window = 4097)
SPOIL(no_window, config->direction = IN; config->replay_window = 0)
SPOIL(key, config->cipher_key_len--)
SPOIL(direction, config->direction = 2)
SPOIL(not_allocated, config->direction = IN; config->replay_window = 64; config->spi = htonl(0x999))

static const struct refusal refusals[] = {
	{ "family", spoil_family, -EINVAL }, { "protection", spoil_protection, -EINVAL },
	{ "reserved SPI", spoil_spi, -EINVAL }, { "no remote", spoil_any, -EINVAL },
	{ "multicast", spoil_multicast, -EINVAL }, { "broadcast", spoil_broadcast, -EINVAL },
	{ "tunnel", spoil_tunnel, -EINVAL }, { "UDP from nowhere", spoil_udp_no_local, -EINVAL },
	{ "UDP to nowhere", spoil_udp_no_remote, -EINVAL },
	{ "UDP, another port", spoil_udp_other, -EINVAL }, { "AH in UDP", spoil_udp_ah, -EINVAL },
	{ "UDP without authentication", spoil_udp_unauthenticated, -EINVAL },
	{ "following outbound", spoil_follow_out, -EINVAL },
	{ "following without UDP", spoil_follow_nothing, -EINVAL },
	{ "keepalives inbound", spoil_keepalive_in, -EINVAL },
	{ "keepalives without UDP", spoil_keepalive_nothing, -EINVAL },
	{ "bundle", spoil_bundle, -EINVAL }, { "ESN alone", spoil_esn, -EINVAL },
	{ "used up", spoil_used_up, -EINVAL }, { "all used up", spoil_used_up_esn, -EINVAL },
	{ "no filter", spoil_no_filter, -EINVAL }, { "unknown filter", spoil_other_filter, -ENOENT },
	{ "selector", spoil_selector, -EINVAL }, { "prefix", spoil_prefix, -EINVAL },
	{ "no selector", spoil_no_selector, -EINVAL }, { "bytes", spoil_bytes, -EINVAL },
	{ "packets", spoil_packets, -EINVAL }, { "seconds", spoil_seconds, -EINVAL },
	{ "window", spoil_window, -EINVAL }, { "no window", spoil_no_window, -EINVAL },
	{ "key", spoil_key, -EINVAL }, { "direction", spoil_direction, -EINVAL },
	{ "SPI not allocated", spoil_not_allocated, -ENOENT },
};

/* each of them alone, and beside one that is right: nothing is installed, and a sentence says why */
static void sad_refusals(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config configs[2];
	struct netlink_ext_ack extack;
	int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		sa_test_config(&configs[0], V4, OUT, GCM, 0, NONE);
		configs[1] = configs[0];
		configs[1].spi = htonl(0x30000003);
		refusals[i].spoil(&configs[1]);
		memset(&extack, 0, sizeof(extack));
		KUNIT_EXPECT_EQ_MSG(test, install(t, configs, 2, &extack), refusals[i].error, "%s",
				    refusals[i].what);
		KUNIT_EXPECT_NOT_NULL_MSG(test, extack._msg, "%s", refusals[i].what);
		KUNIT_EXPECT_EQ_MSG(test, sa_test_count(t), 0U, "%s", refusals[i].what);
	}
	t->filter.action[OUT] = IPSECDRV_ACTION_PERMIT;
	t->filter.action[IN] = IPSECDRV_ACTION_BLOCK;
	KUNIT_EXPECT_EQ(test, install(t, configs, 1, &extack), -EINVAL);
	KUNIT_EXPECT_EQ(test, t->n_attached, 0);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->additions, 0ULL);
}

static void sad_pairs(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct netlink_ext_ack extack = {};
	struct ipd_sa_config configs[2];
	const struct ipd_sa *in;
	__be32 spi;

	config_pair(configs, V4);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &configs[0], &spi, NULL), 0);
	KUNIT_ASSERT_EQ(test, install(t, configs, 2, NULL), 0);
	KUNIT_EXPECT_TRUE(test, sa_test_is_there(t, &configs[0]));
	KUNIT_EXPECT_TRUE(test, sa_test_is_there(t, &configs[1]));
	KUNIT_EXPECT_EQ(test, t->ipd.sad->larval, 0U);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->active, 2U);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->pairs, 1U);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->additions, 1ULL);
	KUNIT_EXPECT_EQ(test, t->n_attached, 1);
	rcu_read_lock();
	in = ipd_sad_find(&t->ipd, &configs[0]);
	KUNIT_EXPECT_EQ(test, in->acquire_id, 33U);
	KUNIT_EXPECT_EQ(test, ipd_sa_filter_id(in), (u32)SA_TEST_FILTER);
	rcu_read_unlock();
	/* twice is once too often, for either */
	KUNIT_EXPECT_EQ(test, install(t, &configs[0], 1, &extack), -EEXIST);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, install(t, &configs[1], 1, &extack), -EEXIST);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 2U);
	/* the peer may choose what SPI it likes for other traffic: another protection is no clash */
	sa_test_config(&configs[1], V4, OUT, IPSECDRV_CIPHER_NONE, 0, SHA1);
	KUNIT_EXPECT_EQ(test, install(t, &configs[1], 1, &extack), 0);
}

static void sad_wrong_peer(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct netlink_ext_ack extack = {};
	struct ipd_sa_config config;
	__be32 spi;

	sa_test_config(&config, V4, IN, GCM, 0, NONE);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &config, &spi, NULL), 0);
	config.remote.ip ^= htonl(1);
	config.selector.remote = config.remote;
	KUNIT_EXPECT_EQ(test, install(t, &config, 1, &extack), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->larval, 1U);
}

/* the third of four cannot be attached: everything is as before, and works when it can */
static void sad_all_or_none(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config configs[4];
	__be32 spi;
	int good;

	config_pair(configs, V4);
	config_pair(configs + 2, V6);
	configs[2].spi = htonl(0x40000004);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &configs[0], &spi, NULL), 0);
	KUNIT_ASSERT_EQ(test, alloc_spi(t, &configs[2], &spi, NULL), 0);
	for (good = 0; good < 2; good++) {
		t->attach_error = -ENOSPC;
		t->attach_good = good;
		KUNIT_EXPECT_EQ(test, install(t, configs, 4, NULL), -ENOSPC);
		KUNIT_EXPECT_EQ(test, t->ipd.sad->larval, 2U);
		KUNIT_EXPECT_EQ(test, t->ipd.sad->active, 0U);
		KUNIT_EXPECT_EQ(test, t->n_attached, 0);
		KUNIT_EXPECT_EQ(test, sa_test_count(t), 2U);
		KUNIT_EXPECT_EQ(test, t->ipd.sad->additions, 0ULL);
		KUNIT_EXPECT_FALSE(test, sa_test_is_there(t, &configs[0]));
	}
	t->attach_error = 0;
	KUNIT_EXPECT_EQ(test, install(t, configs, 4, NULL), 0);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->larval, 0U);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 4U);
	KUNIT_EXPECT_TRUE(test, sa_test_is_there(t, &configs[0]));
	KUNIT_EXPECT_TRUE(test, sa_test_is_there(t, &configs[3]));
}

static void sad_rekeys(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	sa_test_install(t, &config);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->rekeys, 0ULL);
	config.spi = htonl(0x50000005);
	sa_test_install(t, &config);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->rekeys, 1ULL);
	/* other traffic of the same filter */
	config.spi = htonl(0x60000006);
	config.selector.remote_port = htons(80);
	sa_test_install(t, &config);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->rekeys, 1ULL);
}

static void sad_full(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct netlink_ext_ack extack = {};
	struct ipd_sa_config config;
	__be32 spi;

	/* as if there were so many: making them would take a minute under the checkers */
	t->ipd.sad->larval += IPSECDRV_MAX_SAS - 1;
	sa_test_config(&config, V4, IN, GCM, 0, NONE);
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, &extack), 0);
	config.spi = 0;
	KUNIT_EXPECT_EQ(test, alloc_spi(t, &config, &spi, &extack), -ENOSPC);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	extack._msg = NULL;
	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	KUNIT_EXPECT_EQ(test, install(t, &config, 1, &extack), -ENOSPC);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	/* the place is there already */
	sa_test_config(&config, V4, IN, GCM, 0, NONE);
	KUNIT_EXPECT_EQ(test, install(t, &config, 1, &extack), 0);
	t->ipd.sad->larval -= IPSECDRV_MAX_SAS - 1;
}

/* --- removing ----------------------------------------------------------- */

static void sad_delete(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct netlink_ext_ack extack = {};
	struct ipd_sa_config configs[2], which;
	__be32 spi;
	int both, i;

	config_pair(configs, V6);
	KUNIT_EXPECT_EQ(test, delete(t, &configs[0], &extack), -ENOENT);
	KUNIT_EXPECT_NOT_NULL(test, extack._msg);
	for (i = 0; i < 2; i++)
		for (both = 0; both < 2; both++) {
			KUNIT_ASSERT_EQ(test, alloc_spi(t, &configs[0], &spi, NULL), 0);
			KUNIT_ASSERT_EQ(test, install(t, configs, 2, NULL), 0);
			which = configs[i];
			if (!both)
				which.pair_spi = 0;
			KUNIT_EXPECT_EQ(test, delete(t, &which, NULL), 0);
			KUNIT_EXPECT_FALSE(test, sa_test_is_there(t, &configs[i]));
			KUNIT_EXPECT_EQ(test, sa_test_is_there(t, &configs[!i]), !both);
			if (!both)
				KUNIT_EXPECT_EQ(test, delete(t, &configs[!i], NULL), 0);
			KUNIT_EXPECT_EQ(test, sa_test_count(t), 0U);
			KUNIT_EXPECT_EQ(test, t->n_attached, 0);
		}
	KUNIT_EXPECT_EQ(test, t->ipd.sad->pairs, 0U);
	KUNIT_EXPECT_EQ(test, t->ipd.sad->deletions, 4ULL);
	KUNIT_EXPECT_EQ(test, t->n_events, 0);
}

static bool is_gone(u32 filter_id, void *data)
{
	return filter_id == *(u32 *)data;
}

static void sad_prune(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	u32 gone = 8;
	int i;

	for (i = 0; i < 6; i++) {
		sa_test_config(&config, V4, OUT, GCM, 0, NONE);
		config.spi = htonl(0x1000 + i);
		t->filter.id = config.filter_id = 7 + i % 3;
		sa_test_install(t, &config);
	}
	mutex_lock(&t->ipd.cfg_mutex);
	ipd_sad_prune(&t->ipd, is_gone, &gone);
	mutex_unlock(&t->ipd.cfg_mutex);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 4U);
	for (i = 0; i < 6; i++) {
		config.spi = htonl(0x1000 + i);
		KUNIT_EXPECT_EQ(test, sa_test_is_there(t, &config), i % 3 != 1);
	}
	mutex_lock(&t->ipd.cfg_mutex);
	ipd_sad_flush(&t->ipd);
	mutex_unlock(&t->ipd.cfg_mutex);
	KUNIT_EXPECT_EQ(test, sa_test_count(t), 0U);
	KUNIT_EXPECT_EQ(test, t->n_attached, 0);
}

/* --- states ------------------------------------------------------------- */

/* states only move on */
static void sad_states(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct ipd_sa *sa;

	sa_test_config(&config, V4, OUT, GCM, 0, NONE);
	sa = sa_test_install(t, &config);
	KUNIT_EXPECT_FALSE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_LARVAL));
	KUNIT_EXPECT_FALSE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_MATURE));
	KUNIT_EXPECT_TRUE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DYING));
	KUNIT_EXPECT_TRUE(test, ipd_sa_is_usable(sa));
	KUNIT_EXPECT_FALSE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DYING));
	KUNIT_EXPECT_FALSE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_MATURE));
	KUNIT_EXPECT_TRUE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DEAD));
	KUNIT_EXPECT_FALSE(test, ipd_sa_is_usable(sa));
	KUNIT_EXPECT_FALSE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DYING));
	KUNIT_EXPECT_FALSE(test, ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DEAD));
}

/* --- what is told ------------------------------------------------------- */

static bool contains(const u8 *haystack, unsigned int len, const u8 *needle, unsigned int n)
{
	unsigned int i;

	for (i = 0; i + n <= len; i++)
		if (!memcmp(haystack + i, needle, n))
			return true;
	return false;
}

/* pitfall E1 */
static void sad_fill(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *msg = nlmsg_new(2000, GFP_KERNEL);
	struct nlattr *tb[IPSECDRV_SA_A_MAX + 1];
	struct ipd_sa_config config;
	struct sk_buff *skb;
	struct ipd_sa *sa;
	unsigned int room, filled;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	sa_test_config(&config, V6, OUT, CBC, 32, SHA1);
	config.hard_bytes = 123456;
	sa = sa_test_install(t, &config);
	sa_test_output(t, sa, sa_test_packet(t, V6, IPPROTO_UDP, 50), &skb);
	kfree_skb(skb);
	sa_test_tick(t, 1009);
	KUNIT_ASSERT_EQ(test, ipd_sa_fill(msg, sa), 0);
	KUNIT_ASSERT_EQ(test, nla_parse_nested_deprecated(tb, IPSECDRV_SA_A_MAX,
							  (struct nlattr *)msg->data, NULL, NULL),
			0);
	KUNIT_EXPECT_EQ(test, nla_get_be32(tb[IPSECDRV_SA_A_SPI]), config.spi);
	KUNIT_EXPECT_EQ(test, nla_get_u8(tb[IPSECDRV_SA_A_STATE]), (u8)IPSECDRV_SA_STATE_MATURE);
	KUNIT_EXPECT_EQ(test, nla_get_u8(tb[IPSECDRV_SA_A_CIPHER]), config.cipher);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_SA_A_BYTES]), 50ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_SA_A_PACKETS]), 1ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_SA_A_SEQUENCE]), 1ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u32(tb[IPSECDRV_SA_A_AGE_SECONDS]), 9U);
	KUNIT_EXPECT_NULL(test, tb[IPSECDRV_SA_A_CIPHER_KEY]);
	KUNIT_EXPECT_NULL(test, tb[IPSECDRV_SA_A_INTEGRITY_KEY]);
	/* no run of four bytes of a key, wherever it might be */
	KUNIT_EXPECT_FALSE(test, contains(msg->data, msg->len, config.cipher_key + 8, 4));
	KUNIT_EXPECT_FALSE(test, contains(msg->data, msg->len, config.integrity_key + 8, 4));
	/* nor in the association itself */
	KUNIT_EXPECT_FALSE(test, contains((u8 *)sa, sizeof(*sa), config.cipher_key, 32));
	KUNIT_EXPECT_FALSE(test, contains((u8 *)sa, sizeof(*sa), config.integrity_key, 20));
	kfree_skb(msg);
	/* whatever room there is: all of it or nothing */
	for (room = 0; room < 400; room += 4) {
		msg = alloc_skb(400, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, msg);
		skb_put(msg, skb_tailroom(msg) - room);
		filled = msg->len;
		if (ipd_sa_fill(msg, sa))
			KUNIT_EXPECT_EQ(test, msg->len, filled);
		kfree_skb(msg);
	}
}

static void sad_statistics(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *msg = nlmsg_new(2000, GFP_KERNEL), *skb;
	struct nlattr *tb[IPSECDRV_STATISTICS_A_MAX + 1];
	struct ipd_sa *out, *in;
	struct nlattr *nest;
	u8 reason;

	KUNIT_ASSERT_NOT_NULL(test, msg);
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 70), &skb);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	kfree_skb(skb);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
	/* without encryption: authenticated only */
	sa_test_pair(t, V4, IPSECDRV_CIPHER_NONE, 0, SHA1, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 30), &skb);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	kfree_skb(skb);
	nest = nla_nest_start(msg, 1);
	KUNIT_ASSERT_EQ(test, ipd_sad_fill_statistics(msg, &t->ipd), 0);
	nla_nest_end(msg, nest);
	KUNIT_ASSERT_EQ(test, nla_parse_nested_deprecated(tb, IPSECDRV_STATISTICS_A_MAX, nest, NULL,
							  NULL), 0);
	KUNIT_EXPECT_EQ(test, nla_get_u32(tb[IPSECDRV_STATISTICS_A_ACTIVE_SAS]), 2U);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_KEY_ADDITIONS]), 2ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_KEY_DELETIONS]), 1ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_OUT]), 70ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_IN]), 70ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_OUT]), 100ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_IN]), 100ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_OUT]), 100ULL);
	KUNIT_EXPECT_EQ(test, nla_get_u64(tb[IPSECDRV_STATISTICS_A_TUNNEL_BYTES_IN]), 0ULL);
	kfree_skb(msg);
}

static struct kunit_case sad_cases[] = {
	{ .name = "A26 F14 random SPIs", .run_case = sad_random_spis },
	{ .name = "A26 F14 SPIs that are reserved or taken", .run_case = sad_unlucky_spis },
	{ .name = "A26 SPIs that are asked for", .run_case = sad_wanted_spis },
	{ .name = "A26 F14 larval associations", .run_case = sad_larval },
	{ .name = "A25 what is refused, and the sentence", .run_case = sad_refusals },
	{ .name = "F13 A25 pairs", .run_case = sad_pairs },
	{ .name = "A25 an SPI of another peer", .run_case = sad_wrong_peer },
	{ .name = "A25 all or none", .run_case = sad_all_or_none },
	{ .name = "A25 rekeys are counted", .run_case = sad_rekeys },
	{ .name = "A25 no more than there may be", .run_case = sad_full },
	{ .name = "F13 A25 deleting one or a pair", .run_case = sad_delete },
	{ .name = "A25 filters that are gone take theirs along", .run_case = sad_prune },
	{ .name = "F13 states only move on", .run_case = sad_states },
	{ .name = "F13 A25 what is told, and no keys", .run_case = sad_fill },
	{ .name = "F13 statistics", .run_case = sad_statistics },
	{}
};

static struct kunit_suite sad_suite = {
	.name = "sad",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = sad_cases,
};

kunit_test_suite(sad_suite);
