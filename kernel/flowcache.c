// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-CPU flow cache.
 *
 * Each CPU has sets of two entries, of a cache line each, for IPv4 and as many for IPv6; a flow
 * belongs to one set. The two ways of a set are not alike. A new flow goes into the second way,
 * and changes places with the first way when it was hit twice. So a scan, or any crowd of flows
 * with one or two packets, only ever displaces its like, and established flows stay.
 *
 * An entry is valid only in the generation in which it was stored. Nothing is cleared when the
 * generation moves on. It has 32 bits, so an entry could come back to life after 2^32 steps;
 * therefore each CPU clears its entries when 2^30 steps have passed since it last did.
 *
 * Flows whose ports are unknown are not stored: what was found for one fragment says nothing
 * about the next packet that looks the same.
 */
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/u64_stats_sync.h>

#include "flow.h"
#include "flowcache.h"
#include "key.h"

#define SET_BITS	10
#define SETS		(1 << SET_BITS)
#define WAYS		2
#define SWEEP_AFTER	(1U << 30)

struct entry {
	u64 key[IPD_KEY_WORDS_MAX];	/* the last word of a used entry has IPD_KEY_USED */
	u32 generation;
	u32 hits;			/* in the second way */
	const struct ipd_filter *filter;
	struct ipd_acquire *acquire;
};

struct cpu_cache {
	struct entry *ipv4;		/* SETS times WAYS */
	struct entry *ipv6;
	u32 swept;			/* generation of the last sweep */
	u64_stats_t hits;
	u64_stats_t misses;
	struct u64_stats_sync sync;
};

struct ipd_flowcache {
	u64 mult[IPD_KEY_WORDS_MAX];
	struct cpu_cache __percpu *cpus;
};

static int cpu_cache_init(struct cpu_cache *cpu, int node)
{
	BUILD_BUG_ON(sizeof(struct entry) > 64);
	u64_stats_init(&cpu->sync);
	cpu->ipv4 = kvzalloc_node(SETS * WAYS * sizeof(struct entry), GFP_KERNEL_ACCOUNT, node);
	cpu->ipv6 = kvzalloc_node(SETS * WAYS * sizeof(struct entry), GFP_KERNEL_ACCOUNT, node);
	return cpu->ipv4 && cpu->ipv6 ? 0 : -ENOMEM;
}

struct ipd_flowcache *ipd_flowcache_new(void)
{
	struct ipd_flowcache *cache;
	unsigned int i;
	int cpu;

	cache = kzalloc(sizeof(*cache), GFP_KERNEL_ACCOUNT);
	if (!cache)
		return NULL;
	get_random_bytes(cache->mult, sizeof(cache->mult));
	for (i = 0; i < ARRAY_SIZE(cache->mult); i++)
		cache->mult[i] |= 1;
	cache->cpus = alloc_percpu_gfp(struct cpu_cache, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!cache->cpus)
		goto err_free;
	for_each_possible_cpu(cpu) {
		if (cpu_cache_init(per_cpu_ptr(cache->cpus, cpu), cpu_to_node(cpu)))
			goto err_free;
	}
	return cache;

err_free:
	ipd_flowcache_free(cache);
	return NULL;
}

void ipd_flowcache_free(struct ipd_flowcache *cache)
{
	int cpu;

	if (!cache)
		return;
	if (cache->cpus) {
		for_each_possible_cpu(cpu) {
			kvfree(per_cpu_ptr(cache->cpus, cpu)->ipv4);
			kvfree(per_cpu_ptr(cache->cpus, cpu)->ipv6);
		}
	}
	free_percpu(cache->cpus);
	kfree(cache);
}

static __always_inline void flow_key(const struct ipd_flow *flow, u64 *key,
				     const unsigned int words)
{
	ipd_key_flow(flow, key, words);
	key[words - 1] |= IPD_KEY_USED | (u64)flow->direction << IPD_KEY_DIRECTION_SHIFT |
			  (u64)flow->flags << IPD_KEY_FLAGS_SHIFT;
}

static __always_inline bool holds(const struct entry *entry, const u64 *key,
				  const unsigned int words)
{
	u64 differ = 0;
	unsigned int i;

	for (i = 0; i < words; i++)
		differ |= entry->key[i] ^ key[i];
	return !differ;
}

/* the two entries of a flow's set */
static __always_inline struct entry *set_of(const struct ipd_flowcache *cache,
					    struct entry *entries, const u64 *key,
					    const unsigned int words)
{
	return entries + WAYS * (ipd_key_hash(key, cache->mult, words) >> (64 - SET_BITS));
}

/* the entry of the flow, in the first way if it is established */
static __always_inline struct entry *find(const struct ipd_flowcache *cache,
					  struct entry *entries, const struct ipd_flow *flow,
					  u32 generation, const unsigned int words)
{
	u64 key[IPD_KEY_WORDS_MAX];
	struct entry *set;

	flow_key(flow, key, words);
	set = set_of(cache, entries, key, words);
	if (holds(&set[0], key, words) && set[0].generation == generation)
		return &set[0];
	if (!holds(&set[1], key, words) || set[1].generation != generation)
		return NULL;
	if (++set[1].hits < 2)
		return &set[1];
	swap(set[0], set[1]);
	set[1].hits = 0;
	return &set[0];
}

static noinline void sweep(struct cpu_cache *cpu, u32 generation)
{
	memset(cpu->ipv4, 0, SETS * WAYS * sizeof(struct entry));
	memset(cpu->ipv6, 0, SETS * WAYS * sizeof(struct entry));
	cpu->swept = generation;
}

bool ipd_flowcache_find(struct ipd_flowcache *cache, const struct ipd_flow *flow, u32 generation,
			const struct ipd_filter **filter, struct ipd_acquire **acquire)
{
	struct cpu_cache *cpu = this_cpu_ptr(cache->cpus);
	const struct entry *entry;

	if (unlikely(generation - cpu->swept >= SWEEP_AFTER))
		sweep(cpu, generation);
	if (flow->family == NFPROTO_IPV6)
		entry = find(cache, cpu->ipv6, flow, generation, IPD_KEY_WORDS6);
	else
		entry = find(cache, cpu->ipv4, flow, generation, IPD_KEY_WORDS4);

	u64_stats_update_begin(&cpu->sync);
	u64_stats_inc(entry ? &cpu->hits : &cpu->misses);
	u64_stats_update_end(&cpu->sync);
	if (!entry)
		return false;
	*filter = entry->filter;
	*acquire = entry->acquire;
	return true;
}

static __always_inline struct entry *place(const struct ipd_flowcache *cache,
					   struct entry *entries, const struct ipd_flow *flow,
					   const unsigned int words)
{
	u64 key[IPD_KEY_WORDS_MAX];
	struct entry *set, *entry;

	flow_key(flow, key, words);
	set = set_of(cache, entries, key, words);
	entry = holds(&set[0], key, words) ? &set[0] : &set[1];
	if (!holds(entry, key, words))
		entry->hits = 0;
	memcpy(entry->key, key, words * sizeof(u64));
	return entry;
}

void ipd_flowcache_store(struct ipd_flowcache *cache, const struct ipd_flow *flow, u32 generation,
			 const struct ipd_filter *filter, struct ipd_acquire *acquire)
{
	struct cpu_cache *cpu = this_cpu_ptr(cache->cpus);
	struct entry *entry;

	if (flow->flags & IPD_FLOW_NO_PORTS)
		return;
	if (flow->family == NFPROTO_IPV6)
		entry = place(cache, cpu->ipv6, flow, IPD_KEY_WORDS6);
	else
		entry = place(cache, cpu->ipv4, flow, IPD_KEY_WORDS4);
	entry->generation = generation;
	entry->filter = filter;
	entry->acquire = acquire;
}

void ipd_flowcache_count(const struct ipd_flowcache *cache, u64 *hits, u64 *misses)
{
	int cpu;

	*hits = 0;
	*misses = 0;
	for_each_possible_cpu(cpu) {
		const struct cpu_cache *one = per_cpu_ptr(cache->cpus, cpu);
		unsigned int start;
		u64 h, m;

		do {
			start = u64_stats_fetch_begin(&one->sync);
			h = u64_stats_read(&one->hits);
			m = u64_stats_read(&one->misses);
		} while (u64_stats_fetch_retry(&one->sync, start));
		*hits += h;
		*misses += m;
	}
}
