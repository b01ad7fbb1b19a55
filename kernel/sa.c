// SPDX-License-Identifier: GPL-2.0-only
/*
 * One security association: its states, its accounts and its end.
 *
 *	             keys            soft lifetime          hard lifetime, delete
 *	  LARVAL ------------> MATURE -------------> DYING -----------------------> DEAD
 *	     |                   |                                                   ^
 *	     +-------------------+---------------------------------------------------+
 *
 *	LARVAL  reserves an SPI and answers no packet        sad.c makes it
 *	MATURE  protects and accepts                         sad.c, when it is linked
 *	DYING   the same, and a successor was asked for      ipd_sa_expire()
 *	DEAD    protects and accepts nothing                 ipd_sa_expire(), sad.c
 *
 * States only move to the right. What the packet path needs (keys, counters, selector) is fixed
 * before an association becomes mature; installing keys makes a new association, which takes the
 * place of the larval one in the table, so nobody sees one half made.
 *
 * References: the tables hold one, each request of the crypto code that is under way holds one,
 * and so do those who keep a pointer outside of an RCU section. The last one to go frees the
 * association in process context after a grace period, because the crypto API may sleep there.
 *
 * A bundle is AH around ESP. The ESP association has the AH one's reference, is usable only as
 * long as both are, and is the one that negotiations and packets know; the AH one knows the ESP
 * one's SPI. Neither accepts a packet that was not protected by both.
 *
 * Limits in bytes and packets are exact without a shared counter per packet: every CPU takes a
 * block of the limit in advance and uses it up alone. A hard limit is never exceeded; it ends early
 * by what other CPUs have taken and not used, a 256th of the limit per CPU at most.
 */
#include "sa.h"

#include "net.h"
#include "netlink.h"
#include "parallel.h"
#include "proto.h"
#include "replay.h"

#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>

/* what one CPU may take of a limit in advance */
#define LIMIT_SHARE_SHIFT	8
#define LIMIT_MAX_BYTES		(64 * 1024)
#define LIMIT_MAX_PACKETS	64

static struct kmem_cache *sa_cache;
struct workqueue_struct *ipd_sa_queue;

int ipd_sa_init(void)
{
	sa_cache = kmem_cache_create("ipsecdrv_sa", sizeof(struct ipd_sa), 0,
				     SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	if (!sa_cache)
		return -ENOMEM;
	ipd_sa_queue = alloc_workqueue("ipsecdrv_sa", WQ_UNBOUND, 0);
	if (!ipd_sa_queue)
		goto err_cache;
	if (ipd_parallel_init())
		goto err_queue;
	return 0;

err_queue:
	destroy_workqueue(ipd_sa_queue);
err_cache:
	kmem_cache_destroy(sa_cache);
	return -ENOMEM;
}

void ipd_sa_exit(void)
{
	/* the works of the last references are queued by RCU callbacks */
	rcu_barrier();
	destroy_workqueue(ipd_sa_queue);
	ipd_parallel_exit();
	kmem_cache_destroy(sa_cache);
}

static void sa_free(struct ipd_sa *sa)
{
	ipd_parallel_free(sa->parallel);
	ipd_crypto_exit(&sa->crypto);
	dst_cache_destroy(&sa->route);
	free_percpu(sa->counters);
	kfree(sa->replay);
	kmem_cache_free(sa_cache, sa);
}

static void sa_free_work(struct work_struct *work)
{
	sa_free(container_of(to_rcu_work(work), struct ipd_sa, free_work));
}

bool ipd_sa_get(struct ipd_sa *sa)
{
	return refcount_inc_not_zero(&sa->refs);
}

void ipd_sa_put(struct ipd_sa *sa)
{
	struct ipd_sa *outer = sa->outer;

	if (!refcount_dec_and_test(&sa->refs))
		return;
	WARN_ON_ONCE(sa->is_linked || sa->is_attached);
	INIT_RCU_WORK(&sa->free_work, sa_free_work);
	queue_rcu_work(ipd_sa_queue, &sa->free_work);
	/* who still reads the pointer is in an RCU section, which the outer one outlasts as well */
	if (outer)
		ipd_sa_put(outer);
}

struct ipd_sa *ipd_sa_new_larval(struct ipd_sad *sad, const struct ipd_sa_config *config)
{
	struct ipd_sa *sa = kmem_cache_zalloc(sa_cache, GFP_KERNEL);

	if (!sa)
		return NULL;
	sa->sad = sad;
	sa->params = config->params;
	sa->state = IPSECDRV_SA_STATE_LARVAL;
	spin_lock_init(&sa->lock);
	spin_lock_init(&sa->replay_lock);
	refcount_set(&sa->refs, 1);
	return sa;
}

static void limit_init(struct ipd_sa_limit *limit, u64 soft, u64 hard, u64 most)
{
	limit->soft = soft ?: U64_MAX;
	limit->hard = hard ?: U64_MAX;
	limit->block = min(min(limit->soft, limit->hard) >> LIMIT_SHARE_SHIFT, most);
}

struct ipd_sa *ipd_sa_new(struct ipd_sad *sad, const struct ipd_sa_config *config,
			  struct netlink_ext_ack *extack)
{
	const struct ipd_sa_params *params = &config->params;
	struct ipd_sa *sa = ipd_sa_new_larval(sad, config);
	u32 window = 0;
	int err;

	if (!sa)
		return ERR_PTR(-ENOMEM);
	err = ipd_crypto_init(&sa->crypto, config, extack);
	if (err)
		goto err_free;
	sa->proto = params->protection == IPSECDRV_PROTECTION_AH ? &ipd_ah_ops : &ipd_esp_ops;
	/* numbers that nobody authenticated say nothing (RFC 4303, section 3.4.3) */
	if (params->direction == IPSECDRV_DIRECTION_IN && sa->crypto.is_authenticating)
		window = params->replay_window;
	err = -ENOMEM;
	atomic64_set(&sa->sequence, params->sequence);
	sa->replay = ipd_replay_new(window, params->sequence, GFP_KERNEL_ACCOUNT);
	sa->counters = alloc_percpu_gfp(struct ipd_sa_counters, GFP_KERNEL_ACCOUNT);
	if (!sa->replay || !sa->counters)
		goto err_free;
	if (ipd_sa_is_tunnel(sa) && params->direction == IPSECDRV_DIRECTION_OUT) {
		err = dst_cache_init(&sa->route, GFP_KERNEL_ACCOUNT);
		if (err)
			goto err_free;
		sad->had_routes = true;
	}
	ipd_mapping_init(sa);
	err = -ENOMEM;
	if (params->parallel) {
		sa->parallel = ipd_parallel_new();
		if (!sa->parallel)
			goto err_free;
	}
	limit_init(&sa->bytes, params->soft_bytes, params->hard_bytes, LIMIT_MAX_BYTES);
	limit_init(&sa->packets, params->soft_packets, params->hard_packets, LIMIT_MAX_PACKETS);
	sa->is_limited = params->soft_bytes || params->hard_bytes || params->soft_packets ||
			 params->hard_packets;
	return sa;

err_free:
	sa_free(sa);
	return ERR_PTR(err);
}

bool ipd_sa_set_state(struct ipd_sa *sa, u8 state)
{
	bool moved;

	/* the values are in the order of the drawing */
	BUILD_BUG_ON(IPSECDRV_SA_STATE_MATURE - IPSECDRV_SA_STATE_LARVAL != 1 ||
		     IPSECDRV_SA_STATE_DYING - IPSECDRV_SA_STATE_MATURE != 1 ||
		     IPSECDRV_SA_STATE_DEAD - IPSECDRV_SA_STATE_DYING != 1);
	spin_lock_bh(&sa->lock);
	moved = state > sa->state;
	if (moved && state != IPSECDRV_SA_STATE_DEAD)
		moved = !WARN_ON_ONCE(!sa->counters || (state == IPSECDRV_SA_STATE_DYING &&
							sa->state != IPSECDRV_SA_STATE_MATURE));
	if (moved)
		WRITE_ONCE(sa->state, state);
	spin_unlock_bh(&sa->lock);
	return moved;
}

void ipd_sa_expire(struct ipd_sa *sa, u8 kind)
{
	u8 state = kind == IPSECDRV_LIFETIME_KIND_SOFT ? IPSECDRV_SA_STATE_DYING :
							 IPSECDRV_SA_STATE_DEAD;

	if (!ipd_sa_set_state(sa, state))
		return;
	set_bit(kind, &sa->pending);
	ipd_lifetime_attend(sa);
}

/*
 * Takes @n from what this CPU has, else from the limit. False when the hard limit is too near.
 * Reaching the soft one is said in *ret_soft.
 */
static bool limit_take(struct ipd_sa_limit *limit, u64 *credit, u64 n, bool *ret_soft)
{
	u64 taken, want;

	if (*credit >= n) {
		*credit -= n;
		return true;
	}
	n -= *credit;
	taken = atomic64_read(&limit->taken);
	do {
		if (limit->hard - taken < n)
			return false;
		want = min(limit->hard - taken, max(n, limit->block));
	} while (!atomic64_try_cmpxchg(&limit->taken, (s64 *)&taken, taken + want));
	*credit = want - n;
	if (taken + want >= limit->soft)
		*ret_soft = true;
	return true;
}

bool ipd_sa_charge(struct ipd_sa *sa, u32 bytes)
{
	struct ipd_sa_counters *counters = this_cpu_ptr(sa->counters);
	bool soft = false;

	if (sa->is_limited &&
	    (!limit_take(&sa->bytes, &counters->byte_credit, bytes, &soft) ||
	     !limit_take(&sa->packets, &counters->packet_credit, 1, &soft))) {
		ipd_sa_expire(sa, IPSECDRV_LIFETIME_KIND_HARD);
		return false;
	}
	if (soft && READ_ONCE(sa->state) == IPSECDRV_SA_STATE_MATURE)
		ipd_sa_expire(sa, IPSECDRV_LIFETIME_KIND_SOFT);
	counters->bytes += bytes;
	counters->packets++;
	ipd_sa_touch(sa);
	return true;
}

u32 ipd_sa_filter_id(const struct ipd_sa *sa)
{
	return sa->params.filter_id;
}

__be32 ipd_sa_spi(const struct ipd_sa *sa)
{
	return sa->params.spi;
}

u8 ipd_sa_peer(const struct ipd_sa *sa, union nf_inet_addr *ret_peer)
{
	*ret_peer = sa->params.remote;
	return sa->params.family;
}

const struct ipd_selector *ipd_sa_selector(const struct ipd_sa *sa)
{
	return &sa->params.selector;
}

static bool is_alive(const struct ipd_sa *sa)
{
	u8 state = READ_ONCE(sa->state);

	return state == IPSECDRV_SA_STATE_MATURE || state == IPSECDRV_SA_STATE_DYING;
}

bool ipd_sa_is_usable(const struct ipd_sa *sa)
{
	return is_alive(sa) && (!sa->outer || is_alive(sa->outer));
}

bool ipd_sa_is_whole(const struct ipd_sa *sa)
{
	return !sa->inner_spi;
}

unsigned int ipd_sa_grown(const struct ipd_sa *sa, u8 family, unsigned int payload)
{
	unsigned int len = sa->proto->grown(&sa->crypto, family, payload) + ipd_sa_udp_len(sa);

	return sa->outer ? ipd_sa_grown(sa->outer, family, len) : len;
}

int ipd_sa_payload_max(const struct ipd_sa *sa, u8 family, unsigned int room)
{
	int left = sa->outer ? ipd_sa_payload_max(sa->outer, family, room) : room;

	left -= ipd_sa_udp_len(sa);
	return left < 0 ? -1 : sa->proto->payload_max(&sa->crypto, family, left);
}

unsigned int ipd_sa_outer_len(const struct ipd_sa *sa, u8 family)
{
	return (sa->outer ? ipd_sa_grown(sa->outer, family, 0) : 0) + ipd_sa_udp_len(sa);
}

/* The sums may be torn against each other and, on 32-bit machines, in themselves. */
static struct ipd_sa_counters sum_sa(const struct ipd_sa *sa)
{
	struct ipd_sa_counters sum = {};
	int cpu;

	if (!sa->counters)
		return sum;
	for_each_possible_cpu(cpu) {
		const struct ipd_sa_counters *one = per_cpu_ptr(sa->counters, cpu);

		sum.bytes += READ_ONCE(one->bytes);
		sum.packets += READ_ONCE(one->packets);
		sum.replay_drops += READ_ONCE(one->replay_drops);
		sum.integrity_drops += READ_ONCE(one->integrity_drops);
	}
	return sum;
}

static int fill_identity(struct sk_buff *msg, const struct ipd_sa_params *params)
{
	if (nla_put_be32(msg, IPSECDRV_SA_A_SPI, params->spi) ||
	    nla_put_u8(msg, IPSECDRV_SA_A_PROTECTION, params->protection) ||
	    nla_put_u8(msg, IPSECDRV_SA_A_DIRECTION, params->direction) ||
	    nla_put_u8(msg, IPSECDRV_SA_A_ENCAPSULATION, params->encapsulation) ||
	    nla_put_u8(msg, IPSECDRV_SA_A_FAMILY, params->family) ||
	    ipd_nl_put_address(msg, IPSECDRV_SA_A_LOCAL_ADDRESS, params->family, &params->local) ||
	    ipd_nl_put_address(msg, IPSECDRV_SA_A_REMOTE_ADDRESS, params->family, &params->remote))
		return -EMSGSIZE;
	if (params->filter_id && nla_put_u32(msg, IPSECDRV_SA_A_FILTER_ID, params->filter_id))
		return -EMSGSIZE;
	if (params->selector.family &&
	    ipd_nl_put_selector(msg, IPSECDRV_SA_A_SELECTOR, &params->selector))
		return -EMSGSIZE;
	return 0;
}

static int fill_limits(struct sk_buff *msg, const struct ipd_sa_params *params)
{
	const int pad = IPSECDRV_LIFETIME_A_PAD;
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_SA_A_LIFETIME);

	if (!nest)
		return -EMSGSIZE;
	if ((params->soft_bytes &&
	     nla_put_u64_64bit(msg, IPSECDRV_LIFETIME_A_SOFT_BYTES, params->soft_bytes, pad)) ||
	    (params->hard_bytes &&
	     nla_put_u64_64bit(msg, IPSECDRV_LIFETIME_A_HARD_BYTES, params->hard_bytes, pad)) ||
	    (params->soft_packets &&
	     nla_put_u64_64bit(msg, IPSECDRV_LIFETIME_A_SOFT_PACKETS, params->soft_packets, pad)) ||
	    (params->hard_packets &&
	     nla_put_u64_64bit(msg, IPSECDRV_LIFETIME_A_HARD_PACKETS, params->hard_packets, pad)) ||
	    (params->soft_seconds &&
	     nla_put_u32(msg, IPSECDRV_LIFETIME_A_SOFT_SECONDS, params->soft_seconds)) ||
	    (params->hard_seconds &&
	     nla_put_u32(msg, IPSECDRV_LIFETIME_A_HARD_SECONDS, params->hard_seconds)) ||
	    (params->idle_seconds &&
	     nla_put_u32(msg, IPSECDRV_LIFETIME_A_IDLE_SECONDS, params->idle_seconds)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int fill_udp(struct sk_buff *msg, const struct ipd_sa *sa)
{
	const struct ipd_sa_params *params = &sa->params;

	return nla_put_be16(msg, IPSECDRV_SA_A_ENCAP_LOCAL_PORT, params->encap_local_port) ?:
	       nla_put_be16(msg, IPSECDRV_SA_A_ENCAP_REMOTE_PORT, READ_ONCE(sa->mapping.port)) ?:
	       (params->encap_follow ? nla_put_flag(msg, IPSECDRV_SA_A_ENCAP_FOLLOW) : 0) ?:
	       params->encap_keepalive ? nla_put_u32(msg, IPSECDRV_SA_A_ENCAP_KEEPALIVE,
						     params->encap_keepalive) : 0;
}

static int fill_keyed(struct sk_buff *msg, const struct ipd_sa *sa)
{
	const struct ipd_sa_params *params = &sa->params;

	if (nla_put_u8(msg, IPSECDRV_SA_A_CIPHER, params->cipher) ||
	    nla_put_u8(msg, IPSECDRV_SA_A_INTEGRITY, params->integrity) ||
	    nla_put_u32(msg, IPSECDRV_SA_A_REPLAY_WINDOW, sa->replay->window) ||
	    fill_limits(msg, params))
		return -EMSGSIZE;
	if (params->pair_spi && nla_put_be32(msg, IPSECDRV_SA_A_PAIR_SPI, params->pair_spi))
		return -EMSGSIZE;
	if (params->bundle_spi && nla_put_be32(msg, IPSECDRV_SA_A_BUNDLE_SPI, params->bundle_spi))
		return -EMSGSIZE;
	if (params->esn && nla_put_flag(msg, IPSECDRV_SA_A_ESN))
		return -EMSGSIZE;
	if (sa->parallel && (nla_put_flag(msg, IPSECDRV_SA_A_PARALLEL) ||
			     nla_put_u32(msg, IPSECDRV_SA_A_UNDER_WAY,
					 ipd_parallel_len(sa->parallel))))
		return -EMSGSIZE;
	return ipd_sa_is_in_udp(sa) ? fill_udp(msg, sa) : 0;
}

static int fill_counters(struct sk_buff *msg, const struct ipd_sa *sa)
{
	struct ipd_sa_counters sum = sum_sa(sa);
	u32 now = READ_ONCE(sa->sad->now);
	const int pad = IPSECDRV_SA_A_PAD;
	u64 sequence;

	if (sa->params.direction == IPSECDRV_DIRECTION_IN)
		sequence = READ_ONCE(sa->replay->top);
	else
		sequence = atomic64_read(&sa->sequence);
	if (nla_put_u64_64bit(msg, IPSECDRV_SA_A_SEQUENCE, sequence, pad) ||
	    nla_put_u64_64bit(msg, IPSECDRV_SA_A_BYTES, sum.bytes, pad) ||
	    nla_put_u64_64bit(msg, IPSECDRV_SA_A_PACKETS, sum.packets, pad) ||
	    nla_put_u64_64bit(msg, IPSECDRV_SA_A_REPLAY_DROPS, sum.replay_drops, pad) ||
	    nla_put_u64_64bit(msg, IPSECDRV_SA_A_INTEGRITY_DROPS, sum.integrity_drops, pad) ||
	    nla_put_u32(msg, IPSECDRV_SA_A_AGE_SECONDS, now - sa->born) ||
	    nla_put_u32(msg, IPSECDRV_SA_A_IDLE_SECONDS, now - READ_ONCE(sa->last_used)))
		return -EMSGSIZE;
	return 0;
}

int ipd_sa_fill(struct sk_buff *msg, const struct ipd_sa *sa)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_SA);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u8(msg, IPSECDRV_SA_A_STATE, READ_ONCE(sa->state)) ||
	    fill_identity(msg, &sa->params))
		goto err_cancel;
	if (sa->acquire_id && nla_put_u32(msg, IPSECDRV_SA_A_ACQUIRE_ID, sa->acquire_id))
		goto err_cancel;
	if (sa->counters && (fill_keyed(msg, sa) || fill_counters(msg, sa)))
		goto err_cancel;
	nla_nest_end(msg, nest);
	return 0;

err_cancel:
	nla_nest_cancel(msg, nest);
	return -EMSGSIZE;
}
