// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files under test, and the fakes around them: namespace, filters, negotiations, events,
 * random numbers and the clock. See sa_test.h.
 */
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/timekeeping.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <net/xfrm.h>

/* what the files under test call; the real functions may be there for other suites */
#define ipd_drop			sa_test_drop
#define ipd_hook_input_resume		sa_test_resume
#define ipd_hook_send			sa_test_hook_send
#define ipd_acquire_attach		sa_test_attach
#define ipd_acquire_detach		sa_test_detach
#define ipd_nl_event_expire		sa_test_event_expire
#define ipd_nl_event_mapping		sa_test_event_mapping
#define ipd_nl_put_address		sa_test_put_address
#define ipd_nl_put_selector		sa_test_put_selector
#define ipd_filter_set_find		sa_test_set_find

#include "sa_test.h"

#include "../drop.h"
#include "../hook.h"
#include "../netlink.h"
#include "../tunnel.h"

/* The namespace of the case that runs: cases run one after the other. */
static struct sa_test *current_test;

static u64 test_random_u64(void)
{
	u64 value;

	if (!current_test->random)
		return get_random_u64();
	memcpy(&value, current_test->random, sizeof(value));
	current_test->random += sizeof(value);
	return value;
}

static u32 test_random_u32(void)
{
	struct sa_test *t = current_test;

	return t->n_spi_random ? t->spi_random[--t->n_spi_random] : get_random_u32();
}

static time64_t test_seconds(void)
{
	return current_test->now;
}

static struct crypto_aead *test_alloc_aead(const char *name, u32 type, u32 mask)
{
	if (current_test->use_shim && !strcmp(name, "rfc4106(gcm(aes))"))
		name = SHIM_AEAD;
	return crypto_alloc_aead(name, type, mask);
}

static struct crypto_ahash *test_alloc_ahash(const char *name, u32 type, u32 mask)
{
	if (current_test->use_shim && !strcmp(name, "hmac(sha1)"))
		name = SHIM_AHASH;
	return crypto_alloc_ahash(name, type, mask);
}

/* mostly there is none, but somebody asked: what a keepalive begins with */
static struct dst_entry *test_tunnel_route(struct ipd_sa *sa, struct net *net, u32 mark)
{
	current_test->n_routes++;
	return dst_clone(current_test->route);
}

#define get_random_u64			test_random_u64
#define get_random_u32			test_random_u32
#define ktime_get_boottime_seconds	test_seconds
#define crypto_alloc_aead		test_alloc_aead
#define crypto_alloc_ahash		test_alloc_ahash
#define ipd_tunnel_route		test_tunnel_route

#include "../ah.c"
#include "../crypto.c"
#include "../encap.c"
#include "../esp.c"
#include "../input.c"
#include "../keepalive.c"
#include "../lifetime.c"
#include "../mapping.c"
#include "../mss.c"
#include "../natt.c"
#include "../op.c"
#include "../output.c"
#undef ipd_tunnel_route
#include "../parallel.c"
#include "../replay.c"
#include "../ring.c"
#include "../sa.c"
#include "../sa_check.c"
#include "../sad.c"
#include "../tunnel.c"

#undef get_random_u64
#undef get_random_u32

/* --- fakes -------------------------------------------------------------- */

static struct sa_test *test_of(struct ipd_net *ipd)
{
	return container_of(ipd, struct sa_test, ipd);
}

void sa_test_drop(struct ipd_net *ipd, struct sk_buff *skb, const struct ipd_sa *sa, u8 direction,
		  u8 reason)
{
	struct sa_test *t = test_of(ipd);

	t->drops[reason]++;
	t->last_drop = reason;
	kfree_skb(skb);
}

void sa_test_resume(struct ipd_net *ipd, struct sk_buff *skb, struct ipd_sa *sa,
		    const struct nf_hook_state *state)
{
	skb_queue_tail(&test_of(ipd)->resumed, skb);
}

int sa_test_attach(struct ipd_net *ipd, struct ipd_sa *sa)
{
	struct sa_test *t = test_of(ipd);

	if (t->attach_error && t->attach_good-- <= 0)
		return t->attach_error;
	t->n_attached++;
	return 0;
}

void sa_test_detach(struct ipd_net *ipd, struct ipd_sa *sa)
{
	struct sa_test *t = test_of(ipd);

	KUNIT_EXPECT_FALSE(t->test, ipd_sa_is_usable(sa));
	t->n_attached--;
}

void sa_test_event_expire(struct ipd_net *ipd, const struct ipd_sa *sa, u8 kind)
{
	struct sa_test *t = test_of(ipd);

	KUNIT_EXPECT_LT(t->test, t->n_events, SA_TEST_EVENTS);
	if (t->n_events < SA_TEST_EVENTS)
		t->events[t->n_events++] = (struct sa_test_event) {
			.kind = kind,
			.direction = sa->params.direction,
			.spi = sa->params.spi,
		};
}

void sa_test_event_mapping(struct ipd_net *ipd, const struct ipd_sa *sa,
			   const union nf_inet_addr *address, __be16 port)
{
	struct sa_test *t = test_of(ipd);

	t->n_mappings++;
	t->peer = *address;
	t->peer_port = port;
}

int sa_test_put_address(struct sk_buff *msg, int type, u8 family, const union nf_inet_addr *addr)
{
	return nla_put(msg, type, family == NFPROTO_IPV4 ? 4 : 16, addr);
}

int sa_test_put_selector(struct sk_buff *msg, int type, const struct ipd_selector *selector)
{
	return 0;
}

struct ipd_filter *sa_test_set_find(const struct ipd_filter_set *set, u32 id)
{
	return id == current_test->filter.id ? &current_test->filter : NULL;
}

int sa_test_hook_send(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	skb_queue_tail(&current_test->sent, skb);
	return current_test->send_result;
}

static int test_okfn(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	skb_queue_tail(&current_test->sent, skb);
	return current_test->send_result;
}

/* --- a case ------------------------------------------------------------- */

static void on_in_flight_zero(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct ipd_net, in_flight)->in_flight_done);
}

int sa_test_init(struct kunit *test)
{
	struct sa_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	test->priv = t;
	current_test = t;
	shim_mode = SHIM_NOW;
	t->now = 1000;
	t->filter.id = SA_TEST_FILTER;
	t->filter.action[IPSECDRV_DIRECTION_OUT] = IPSECDRV_ACTION_NEGOTIATE;
	t->filter.action[IPSECDRV_DIRECTION_IN] = IPSECDRV_ACTION_NEGOTIATE;
	skb_queue_head_init(&t->sent);
	skb_queue_head_init(&t->resumed);
	KUNIT_ASSERT_EQ(test, ipd_sad_init(), 0);
	t->ipd.net = &init_net;
	mutex_init(&t->ipd.cfg_mutex);
	init_completion(&t->ipd.in_flight_done);
	KUNIT_ASSERT_EQ(test, percpu_ref_init(&t->ipd.in_flight, on_in_flight_zero, 0,
					      GFP_KERNEL), 0);
	t->ipd.sad = ipd_sad_new(&t->ipd);
	KUNIT_ASSERT_NOT_NULL(test, t->ipd.sad);
	t->dev = alloc_etherdev(0);
	KUNIT_ASSERT_NOT_NULL(test, t->dev);
	return 0;
}

void sa_test_kill(struct sa_test *t)
{
	t->is_killed = true;
	percpu_ref_kill(&t->ipd.in_flight);
	/* the switch to one counter takes a grace period, and then a callback */
	rcu_barrier();
}

/* What the namespace and the module do; afterwards nothing is left, or the kernel says so. */
void sa_test_exit(struct kunit *test)
{
	struct sa_test *t = test->priv;

	shim_mode = SHIM_NOW;
	if (!t->is_killed)
		sa_test_kill(t);
	ipd_sad_stop(t->ipd.sad);
	while (shim_pending())
		shim_complete(0, 0);
	wait_for_completion(&t->ipd.in_flight_done);
	percpu_ref_exit(&t->ipd.in_flight);
	ipd_sad_free(t->ipd.sad);
	ipd_sad_exit();
	KUNIT_EXPECT_EQ(test, t->n_attached, 0);
	skb_queue_purge(&t->sent);
	skb_queue_purge(&t->resumed);
	free_netdev(t->dev);
}

/* --- associations --- */

static const u8 local4[4] = { 192, 0, 2, 1 }, remote4[4] = { 192, 0, 2, 2 };
static const u8 local6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
static const u8 remote6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

static unsigned int shortest_key(u8 cipher)
{
	const struct cipher_row *row = cipher_row(cipher);

	return row ? row->key_len[0] : 0;
}

void sa_test_config(struct ipd_sa_config *config, u8 family, u8 direction, u8 cipher,
		    unsigned int key_len, u8 integrity)
{
	bool is_ah = cipher == IPSECDRV_CIPHER_NONE;
	bool is_in = direction == IPSECDRV_DIRECTION_IN;
	unsigned int i;

	memset(config, 0, sizeof(*config));
	config->family = family;
	config->direction = direction;
	config->protection = is_ah ? IPSECDRV_PROTECTION_AH : IPSECDRV_PROTECTION_ESP;
	config->cipher = cipher;
	config->integrity = integrity;
	config->cipher_key_len = key_len ?: shortest_key(cipher);
	config->integrity_key_len = integrity_row(integrity)->key_len;
	for (i = 0; i < IPSECDRV_MAX_KEY_LEN; i++) {
		config->cipher_key[i] = i + 1;
		config->integrity_key[i] = 0x80 + i;
	}
	config->spi = htonl(is_in ? SA_TEST_SPI : SA_TEST_PEER);
	config->pair_spi = htonl(is_in ? SA_TEST_PEER : SA_TEST_SPI);
	config->filter_id = SA_TEST_FILTER;
	config->replay_window = is_in ? 64 : 0;
	config->esn = current_test->esn;
	if (current_test->in_udp)
		config->encap_local_port = config->encap_remote_port = htons(IPD_NATT_PORT);
	config->parallel = current_test->parallel;
	config->sequence = current_test->sequence;
	if (family == NFPROTO_IPV4) {
		memcpy(&config->local, local4, 4);
		memcpy(&config->remote, remote4, 4);
	} else {
		memcpy(&config->local, local6, 16);
		memcpy(&config->remote, remote6, 16);
	}
	config->selector.family = family;
	config->selector.local = config->local;
	config->selector.remote = config->remote;
	config->selector.local_prefix = family == NFPROTO_IPV4 ? 32 : 128;
	config->selector.remote_prefix = config->selector.local_prefix;
}

struct ipd_sa *sa_test_install(struct sa_test *t, const struct ipd_sa_config *config)
{
	struct netlink_ext_ack extack = {};
	__be32 spi = config->spi;
	struct ipd_sa *sa;
	int err = 0;

	mutex_lock(&t->ipd.cfg_mutex);
	if (config->direction == IPSECDRV_DIRECTION_IN)
		err = ipd_sad_alloc_spi(&t->ipd, config, 0, &spi, &extack);
	if (!err)
		err = ipd_sad_install(&t->ipd, config, 1, &extack);
	sa = err ? NULL : find_locked(t->ipd.sad, &config->params);
	mutex_unlock(&t->ipd.cfg_mutex);
	KUNIT_ASSERT_EQ_MSG(t->test, err, 0, "%s", extack._msg ?: "no sentence");
	KUNIT_ASSERT_NOT_NULL(t->test, sa);
	return sa;
}

void sa_test_pair(struct sa_test *t, u8 family, u8 cipher, unsigned int key_len, u8 integrity,
		  struct ipd_sa **ret_out, struct ipd_sa **ret_in)
{
	struct ipd_sa_config config;

	sa_test_config(&config, family, IPSECDRV_DIRECTION_OUT, cipher, key_len, integrity);
	*ret_out = sa_test_install(t, &config);
	/* the peer's: it receives what this side sends */
	config.direction = IPSECDRV_DIRECTION_IN;
	config.replay_window = 64;
	swap(config.local, config.remote);
	swap(config.selector.local, config.selector.remote);
	*ret_in = sa_test_install(t, &config);
}

void sa_test_delete(struct sa_test *t, struct ipd_sa *sa)
{
	mutex_lock(&t->ipd.cfg_mutex);
	ipd_sad_remove(sa);
	mutex_unlock(&t->ipd.cfg_mutex);
}

bool sa_test_is_there(struct sa_test *t, const struct ipd_sa_config *which)
{
	const struct ipd_sa *sa;
	bool there;

	rcu_read_lock();
	sa = ipd_sad_find(&t->ipd, which);
	there = sa && ipd_sa_is_usable(sa);
	rcu_read_unlock();
	return there;
}

unsigned int sa_test_count(struct sa_test *t)
{
	const struct ipd_sa *sa;
	unsigned long last = 0;
	unsigned int n = 0;
	u64 cursor = 0;

	rcu_read_lock();
	while ((sa = ipd_sad_next(&t->ipd, &cursor))) {
		KUNIT_EXPECT_GT(t->test, sa->id, last);
		last = sa->id;
		n++;
	}
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(t->test, n, t->ipd.sad->larval + t->ipd.sad->active);
	return n;
}

u64 sa_test_counter(const struct ipd_sa *sa, size_t offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *(u64 *)((u8 *)per_cpu_ptr(sa->counters, cpu) + offset);
	return sum;
}

void sa_test_tick(struct sa_test *t, time64_t now)
{
	t->now = now;
	queue_work(ipd_sa_queue, &t->ipd.sad->work);
	flush_work(&t->ipd.sad->work);
}

void sa_test_settle(void)
{
	/* and what the works of the queue put into it */
	drain_workqueue(parallel_queue);
}

void sa_test_crowd(s64 n)
{
	percpu_counter_add(&under_way, n);
}

/* --- packets --- */

struct sk_buff *sa_test_skb(struct sa_test *t, const u8 *data, unsigned int len,
			    unsigned int headroom, unsigned int tailroom)
{
	struct sk_buff *skb = alloc_skb(headroom + len + tailroom, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	skb_reserve(skb, headroom);
	skb_put_data(skb, data, len);
	skb_reset_network_header(skb);
	skb_reset_mac_header(skb);
	skb->mac_len = 0;
	skb->dev = t->dev;
	if (data[0] >> 4 == 6) {
		skb->protocol = htons(ETH_P_IPV6);
		skb_set_transport_header(skb, sizeof(struct ipv6hdr));
	} else {
		skb->protocol = htons(ETH_P_IP);
		skb_set_transport_header(skb, (data[0] & 15) * 4);
	}
	return skb;
}

unsigned int sa_test_write_packet(u8 *buffer, u8 family, u8 protocol, unsigned int payload)
{
	unsigned int header = family == NFPROTO_IPV4 ? 20 : 40, i;

	memset(buffer, 0, header);
	if (family == NFPROTO_IPV4) {
		struct iphdr *iph = (struct iphdr *)buffer;

		iph->version = 4;
		iph->ihl = 5;
		iph->tot_len = htons(header + payload);
		iph->id = htons(0x1234);
		iph->frag_off = htons(IP_DF);
		iph->ttl = 64;
		iph->protocol = protocol;
		memcpy(&iph->saddr, local4, 4);
		memcpy(&iph->daddr, remote4, 4);
		ip_send_check(iph);
	} else {
		struct ipv6hdr *ip6h = (struct ipv6hdr *)buffer;

		ip6h->version = 6;
		ip6h->payload_len = htons(payload);
		ip6h->nexthdr = protocol;
		ip6h->hop_limit = 64;
		memcpy(&ip6h->saddr, local6, 16);
		memcpy(&ip6h->daddr, remote6, 16);
	}
	for (i = 0; i < payload; i++)
		buffer[header + i] = i * 5 + 3;
	return header + payload;
}

struct sk_buff *sa_test_packet(struct sa_test *t, u8 family, u8 protocol, unsigned int payload)
{
	u8 *buffer = kzalloc(payload + 64, GFP_KERNEL);
	struct sk_buff *skb;
	unsigned int len;

	KUNIT_ASSERT_NOT_NULL(t->test, buffer);
	len = sa_test_write_packet(buffer, family, protocol, payload);
	skb = sa_test_skb(t, buffer, len, 128, 128);
	kfree(buffer);
	return skb;
}

static struct nf_hook_state hook_state(struct sa_test *t, const struct sk_buff *skb, bool is_output)
{
	return (struct nf_hook_state) {
		.hook = is_output ? NF_INET_POST_ROUTING : NF_INET_PRE_ROUTING,
		.pf = skb->protocol == htons(ETH_P_IPV6) ? NFPROTO_IPV6 : NFPROTO_IPV4,
		.in = is_output ? NULL : t->dev,
		.out = is_output ? t->dev : NULL,
		.net = &init_net,
		.okfn = test_okfn,
	};
}

unsigned int sa_test_output(struct sa_test *t, struct ipd_sa *sa, struct sk_buff *skb,
			    struct sk_buff **ret_skb)
{
	struct nf_hook_state state = hook_state(t, skb, true);
	u32 before = skb_queue_len(&t->sent), drops = 0;
	unsigned int verdict, pending = shim_pending();
	int i;

	for (i = 0; i < ARRAY_SIZE(t->drops); i++)
		drops += t->drops[i];
	*ret_skb = NULL;
	rcu_read_lock();
	verdict = ipd_sa_output(&t->ipd, sa, skb, &state);
	rcu_read_unlock();
	for (i = 0; i < ARRAY_SIZE(t->drops); i++)
		drops -= t->drops[i];
	if (verdict == NF_ACCEPT) {
		*ret_skb = skb;
		return verdict;
	}
	KUNIT_EXPECT_EQ(t->test, verdict & NF_VERDICT_MASK, (unsigned int)NF_STOLEN);
	KUNIT_EXPECT_TRUE(t->test, skb_queue_len(&t->sent) > before || drops ||
				   shim_pending() > pending || sa->parallel);
	if (sa->parallel)
		return verdict;
	if (skb_queue_len(&t->sent) == before + 1)
		*ret_skb = skb_dequeue_tail(&t->sent);
	return verdict;
}

int sa_test_input(struct sa_test *t, struct sk_buff *skb, u8 *ret_reason)
{
	struct ipd_sa *sa = NULL;

	return sa_test_input_from(t, skb, &sa, ret_reason);
}

int sa_test_input_from(struct sa_test *t, struct sk_buff *skb, struct ipd_sa **sa, u8 *ret_reason)
{
	struct nf_hook_state state = hook_state(t, skb, false);
	struct ipd_input input = { .sa = *sa, .is_udp = t->in_udp };
	int err;

	local_bh_disable();
	rcu_read_lock();
	err = ipd_sa_input(&t->ipd, skb, &state, &input);
	rcu_read_unlock();
	local_bh_enable();
	*sa = input.sa;
	*ret_reason = input.drop_reason;
	return err;
}

struct sk_buff *sa_test_copy(struct sa_test *t, const struct sk_buff *skb)
{
	u8 *buffer = kmalloc(skb->len, GFP_KERNEL);
	struct sk_buff *copy;

	KUNIT_ASSERT_NOT_NULL(t->test, buffer);
	KUNIT_ASSERT_EQ(t->test, skb_copy_bits(skb, 0, buffer, skb->len), 0);
	copy = sa_test_skb(t, buffer, skb->len, 64, 0);
	kfree(buffer);
	return copy;
}

bool sa_test_is_packet(const struct sk_buff *skb, const u8 *data, unsigned int len)
{
	u8 *buffer;
	bool same;

	if (skb->len != len || skb_network_offset(skb))
		return false;
	buffer = kmalloc(len, GFP_KERNEL);
	same = buffer && !skb_copy_bits(skb, 0, buffer, len) && !memcmp(buffer, data, len);
	if (buffer && !same) {
		print_hex_dump(KERN_INFO, "# got    ", DUMP_PREFIX_OFFSET, 32, 1, buffer, len, false);
		print_hex_dump(KERN_INFO, "# wanted ", DUMP_PREFIX_OFFSET, 32, 1, data, len, false);
	}
	kfree(buffer);
	return same;
}
