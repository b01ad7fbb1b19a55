/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU memory of which filter decided a flow, in front of the filter search.
 */
#ifndef IPD_FLOWCACHE_H
#define IPD_FLOWCACHE_H

#include <linux/types.h>

struct ipd_acquire;
struct ipd_filter;
struct ipd_flow;
struct ipd_flowcache;

/* process context; NULL without memory */
struct ipd_flowcache *ipd_flowcache_new(void);
void ipd_flowcache_free(struct ipd_flowcache *cache);

/*
 * Both run with bottom halves off, under RCU. A hit is only given for the same @generation, which
 * the caller read before it read anything else; the pointers are valid in the same RCU section,
 * since objects are freed a grace period after the generation moved on. @filter NULL is a
 * remembered "no filter". @acquire may be NULL.
 */
bool ipd_flowcache_find(struct ipd_flowcache *cache, const struct ipd_flow *flow, u32 generation,
			const struct ipd_filter **filter, struct ipd_acquire **acquire);
void ipd_flowcache_store(struct ipd_flowcache *cache, const struct ipd_flow *flow, u32 generation,
			 const struct ipd_filter *filter, struct ipd_acquire *acquire);
/* hits and misses summed over all CPUs */
void ipd_flowcache_count(const struct ipd_flowcache *cache, u64 *hits, u64 *misses);

#endif /* IPD_FLOWCACHE_H */
