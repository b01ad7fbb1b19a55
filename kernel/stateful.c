// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of open flows.
 *
 * 8192 sets of four entries, chosen by a keyed hash. An entry belongs to one flow and knows when
 * an outbound packet of it was last seen. Nothing is ever cleaned up: an entry is dead when it is
 * too old, and is taken over. When a set is full of living entries, the one that was used longest
 * ago is. A flow that is forgotten so has its answers dropped until its next outbound packet.
 *
 *   10:00:00  10.0.0.1:40000 -> 10.0.0.2:53, UDP     opened
 *   10:00:01  10.0.0.2:53 -> 10.0.0.1:40000          is open: an answer
 *   10:02:00  10.0.0.2:53 -> 10.0.0.1:40000          is not: two minutes are over
 *
 * Only packets of this host open flows, and only they keep them open: a peer can neither fill the
 * table nor keep a way in for longer than this host wants it (RFC 4787, section 4.3, on inbound
 * refresh).
 *
 * Why not conntrack: it may not be loaded so early, costs every packet of every namespace once it
 * is, and lets in what its helpers expect.
 *
 * Locks: a seqlock for each set. Inbound packets only read. An outbound packet writes when its
 * flow is new, and else once a second.
 */
#include <linux/cache.h>
#include <linux/in.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/seqlock.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "stateful.h"

struct entry {
	struct ipd_stateful_flow flow;	/* family 0: never used */
	u32 seen;
};

struct set {
	seqlock_t lock;
	struct entry ways[IPD_STATEFUL_WAYS];
} ____cacheline_aligned;

struct ipd_stateful {
	siphash_key_t key;
	struct set sets[IPD_STATEFUL_SETS];
};

struct ipd_stateful *ipd_stateful_new(void)
{
	struct ipd_stateful *table = kvzalloc(sizeof(*table), GFP_KERNEL);
	unsigned int i;

	if (!table)
		return NULL;
	get_random_bytes(&table->key, sizeof(table->key));
	for (i = 0; i < IPD_STATEFUL_SETS; i++)
		seqlock_init(&table->sets[i].lock);
	return table;
}

void ipd_stateful_free(struct ipd_stateful *table)
{
	kvfree(table);
}

static struct set *set_of(struct ipd_stateful *table, const struct ipd_stateful_flow *flow)
{
	BUILD_BUG_ON(sizeof(*flow) != sizeof(flow->peer) + 8);
	return &table->sets[siphash(flow, sizeof(*flow), &table->key) % IPD_STATEFUL_SETS];
}

static bool is_alive(const struct entry *entry, u32 now)
{
	u32 limit = entry->flow.protocol == IPPROTO_TCP ? IPD_STATEFUL_TCP_SECONDS :
							  IPD_STATEFUL_OTHER_SECONDS;

	return entry->flow.family && now - entry->seen < limit;
}

/* the entry of @flow, alive or not; under the lock, or to be asked again */
static struct entry *find(struct set *set, const struct ipd_stateful_flow *flow)
{
	struct entry *entry;

	for (entry = set->ways; entry < set->ways + IPD_STATEFUL_WAYS; entry++)
		if (!memcmp(&entry->flow, flow, sizeof(*flow)))
			return entry;
	return NULL;
}

/* a dead entry, or the one that was used longest ago */
static struct entry *find_victim(struct set *set, u32 now)
{
	struct entry *entry, *victim = set->ways;

	for (entry = set->ways; entry < set->ways + IPD_STATEFUL_WAYS; entry++) {
		if (!is_alive(entry, now))
			return entry;
		if (now - entry->seen > now - victim->seen)
			victim = entry;
	}
	return victim;
}

static bool look(struct set *set, const struct ipd_stateful_flow *flow, u32 now, u32 *ret_seen)
{
	const struct entry *entry;
	unsigned int sequence;
	bool is_open;

	do {
		sequence = read_seqbegin(&set->lock);
		entry = find(set, flow);
		is_open = entry && is_alive(entry, now);
		*ret_seen = entry ? entry->seen : 0;
	} while (read_seqretry(&set->lock, sequence));
	return is_open;
}

bool ipd_stateful_is_open(struct ipd_stateful *table, const struct ipd_stateful_flow *flow, u32 now)
{
	u32 seen;

	return look(set_of(table, flow), flow, now, &seen);
}

void ipd_stateful_open(struct ipd_stateful *table, const struct ipd_stateful_flow *flow, u32 now)
{
	struct set *set = set_of(table, flow);
	struct entry *entry;
	u32 seen;

	if (look(set, flow, now, &seen) && seen == now)
		return;
	write_seqlock_bh(&set->lock);
	entry = find(set, flow) ?: find_victim(set, now);
	entry->flow = *flow;
	entry->seen = now;
	write_sequnlock_bh(&set->lock);
}

static u32 count_set(struct set *set, u32 now)
{
	unsigned int sequence, i;
	u32 n;

	do {
		sequence = read_seqbegin(&set->lock);
		n = 0;
		for (i = 0; i < IPD_STATEFUL_WAYS; i++)
			n += is_alive(&set->ways[i], now);
	} while (read_seqretry(&set->lock, sequence));
	return n;
}

u32 ipd_stateful_count(struct ipd_stateful *table, u32 now)
{
	unsigned int i;
	u32 n = 0;

	for (i = 0; i < IPD_STATEFUL_SETS; i++)
		n += count_set(&table->sets[i], now);
	return n;
}
