// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tuples: building, changing and searching them. Contract: tuple.h, theory: filter.c.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/prefetch.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "extack.h"
#include "filter.h"
#include "flow.h"
#include "tuple.h"

static bool is_zero(const u64 *mask, unsigned int words)
{
	unsigned int i;

	for (i = 0; i < words; i++)
		if (mask[i])
			return false;
	return true;
}

static bool has_ports(const struct ipd_tuple *tuple, unsigned int words)
{
	return tuple->word[words - 1].mask & IPD_KEY_PORTS;
}

/* --- one tuple --- */

/*
 * Heavier first. Among equals an address goes before "me", and beyond that any fixed order will
 * do. 0 for the same tuple.
 */
static int compare(const struct ipd_tuple *tuple, u32 weight, const u64 *mask, unsigned int words)
{
	unsigned int i;

	if (tuple->weight != weight)
		return tuple->weight > weight ? -1 : 1;
	if (tuple->word[words - 1].mask != mask[words - 1])
		return tuple->word[words - 1].mask < mask[words - 1] ? -1 : 1;
	for (i = 0; i < words - 1; i++)
		if (tuple->word[i].mask != mask[i])
			return tuple->word[i].mask > mask[i] ? -1 : 1;
	return 0;
}

static void tuple_set_table(struct ipd_tuple *tuple, struct ipd_table *table)
{
	unsigned int i;

	tuple->table = table;
	tuple->tags = table->tags;
	tuple->filters = table->entries;
	tuple->shift = 64 - table->bits;
	for (i = 0; i < table->words; i++)
		tuple->word[i].mult = table->mult[i];
}

static int tuple_own(struct ipd_tuple *tuple, u32 extra)
{
	struct ipd_table *table = tuple->table;
	int err;

	err = ipd_table_own(&table, extra);
	tuple_set_table(tuple, table);
	return err;
}

static int tuple_grow(struct ipd_tuple *tuple, unsigned int words)
{
	u32 extra = tuple->growth;

	tuple->growth = 0;
	if (tuple->table)
		return tuple_own(tuple, extra);

	tuple->table = ipd_table_of_filters(words, extra);
	if (!tuple->table)
		return -ENOMEM;
	tuple_set_table(tuple, tuple->table);
	if (!has_ports(tuple, words))
		return 0;
	tuple->portless = ipd_table_new(words, 1);
	return tuple->portless ? 0 : -ENOMEM;
}

static void tuple_free(struct ipd_tuple *tuple)
{
	ipd_table_put(tuple->table);
	ipd_table_put(tuple->portless);
}

/* how many filters of a portless key act in a direction */
static u32 portless_count(u64 value, u8 direction)
{
	return direction == IPSECDRV_DIRECTION_OUT ? lower_32_bits(value) : upper_32_bits(value);
}

static u64 portless_value(const struct ipd_filter *filter)
{
	u64 out = filter->action[IPSECDRV_DIRECTION_OUT] != IPSECDRV_ACTION_NONE;
	u64 in = filter->action[IPSECDRV_DIRECTION_IN] != IPSECDRV_ACTION_NONE;

	return in << 32 | out;
}

static void portless_key(const struct ipd_filter *filter, u64 *key, unsigned int words)
{
	memcpy(key, filter->key, words * sizeof(*key));
	key[words - 1] &= ~IPD_KEY_PORTS;
}

/* How many different keys there are without the ports shows only here, so here is where it grows. */
static int portless_add(struct ipd_tuple *tuple, const struct ipd_filter *filter)
{
	u64 key[IPD_KEY_WORDS_MAX];
	u32 index;
	int err;

	err = ipd_table_own(&tuple->portless, 1);
	if (err)
		return err;
	portless_key(filter, key, tuple->portless->words);
	index = ipd_table_find(tuple->portless, key, IPD_TABLE_NONE);
	if (index == IPD_TABLE_NONE)
		ipd_table_insert(&tuple->portless, key, portless_value(filter));
	else
		*ipd_table_value(tuple->portless, index) += portless_value(filter);
	return 0;
}

/* the table is this tuple's own */
static void portless_sub(struct ipd_tuple *tuple, const struct ipd_filter *filter)
{
	u64 key[IPD_KEY_WORDS_MAX];
	u64 *value;
	u32 index;

	portless_key(filter, key, tuple->portless->words);
	index = ipd_table_find(tuple->portless, key, IPD_TABLE_NONE);
	value = ipd_table_value(tuple->portless, index);
	*value -= portless_value(filter);
	if (!*value)
		ipd_table_remove(tuple->portless, index);
}

/* --- all tuples of a class and family --- */

void ipd_tuples_init(struct ipd_tuples *tuples, u8 family)
{
	memset(tuples, 0, sizeof(*tuples));
	tuples->words = ipd_key_words(family);
}

static int set_room(struct ipd_tuples *tuples, u16 room)
{
	struct ipd_tuple *tuple;

	tuple = kvcalloc(room, sizeof(*tuple), GFP_KERNEL_ACCOUNT);
	if (!tuple)
		return -ENOMEM;
	if (tuples->n)
		memcpy(tuple, tuples->tuple, tuples->n * sizeof(*tuple));
	kvfree(tuples->tuple);
	tuples->tuple = tuple;
	tuples->room = room;
	return 0;
}

int ipd_tuples_copy(struct ipd_tuples *copy, const struct ipd_tuples *tuples)
{
	unsigned int i;
	int err;

	memset(copy, 0, sizeof(*copy));
	copy->words = tuples->words;
	memcpy(copy->any, tuples->any, sizeof(copy->any));
	if (!tuples->n)
		return 0;
	err = set_room(copy, tuples->n);
	if (err)
		return err;
	copy->n = tuples->n;
	memcpy(copy->tuple, tuples->tuple, copy->n * sizeof(*copy->tuple));
	for (i = 0; i < copy->n; i++) {
		refcount_inc(&copy->tuple[i].table->refs);
		if (copy->tuple[i].portless)
			refcount_inc(&copy->tuple[i].portless->refs);
	}
	return 0;
}

void ipd_tuples_free(struct ipd_tuples *tuples)
{
	unsigned int i;

	for (i = 0; i < tuples->n; i++)
		tuple_free(&tuples->tuple[i]);
	kvfree(tuples->tuple);
}

unsigned int ipd_tuples_count(const struct ipd_tuples *tuples)
{
	return tuples->n + (tuples->any[0] || tuples->any[1]);
}

/* where the tuple of this mask is, or would be */
static unsigned int position(const struct ipd_tuples *tuples, u32 weight, const u64 *mask,
			     bool *found)
{
	unsigned int low = 0, high = tuples->n;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		int order = compare(&tuples->tuple[middle], weight, mask, tuples->words);

		if (!order) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

/* NULL for the catch-all, which has none */
static struct ipd_tuple *tuple_of(const struct ipd_tuples *tuples, const struct ipd_filter *filter)
{
	u64 mask[IPD_KEY_WORDS_MAX];
	unsigned int at;
	bool found;

	ipd_filter_mask(filter, mask);
	at = position(tuples, filter->weight, mask, &found);
	return found ? &tuples->tuple[at] : NULL;
}

static int open_gap(struct ipd_tuples *tuples, unsigned int at)
{
	int err;

	if (tuples->n == tuples->room) {
		err = set_room(tuples, clamp(tuples->room * 2, 4, IPSECDRV_MAX_TUPLES));
		if (err)
			return err;
	}
	memmove(&tuples->tuple[at + 1], &tuples->tuple[at],
		(tuples->n - at) * sizeof(*tuples->tuple));
	memset(&tuples->tuple[at], 0, sizeof(*tuples->tuple));
	tuples->n++;
	return 0;
}

static int one_tuple_more(const struct ipd_tuples *tuples, struct netlink_ext_ack *extack)
{
	if (ipd_tuples_count(tuples) < IPSECDRV_MAX_TUPLES)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "more than %u different masks in one class and family",
			   IPSECDRV_MAX_TUPLES);
	return -ENOSPC;
}

int ipd_tuples_plan(struct ipd_tuples *tuples, const struct ipd_filter *filter,
		    struct netlink_ext_ack *extack)
{
	u64 mask[IPD_KEY_WORDS_MAX];
	unsigned int at, i;
	bool found;
	int err;

	ipd_filter_mask(filter, mask);
	if (is_zero(mask, tuples->words))
		return 0;
	at = position(tuples, filter->weight, mask, &found);
	if (!found) {
		err = one_tuple_more(tuples, extack);
		if (!err)
			err = open_gap(tuples, at);
		if (err)
			return err;
		tuples->tuple[at].weight = filter->weight;
		for (i = 0; i < tuples->words; i++)
			tuples->tuple[at].word[i].mask = mask[i];
	}
	tuples->tuple[at].growth++;
	return 0;
}

int ipd_tuples_grow(struct ipd_tuples *tuples)
{
	unsigned int i;
	int err;

	for (i = 0; i < tuples->n; i++) {
		if (!tuples->tuple[i].growth)
			continue;
		err = tuple_grow(&tuples->tuple[i], tuples->words);
		if (err)
			return err;
	}
	return 0;
}

static bool share_a_direction(const struct ipd_filter *a, const struct ipd_filter *b)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(a->action); i++)
		if (a->action[i] != IPSECDRV_ACTION_NONE && b->action[i] != IPSECDRV_ACTION_NONE)
			return true;
	return false;
}

static int duplicate(const struct ipd_filter *filter, const struct ipd_filter *other,
		     struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG_FMT(extack, "filter %u has the same selectors as filter %u", filter->id,
			   other->id);
	return -EEXIST;
}

static int insert_any(struct ipd_tuples *tuples, const struct ipd_filter *filter,
		      struct netlink_ext_ack *extack)
{
	unsigned int i;
	int err;

	if (!tuples->any[0] && !tuples->any[1]) {
		err = one_tuple_more(tuples, extack);
		if (err)
			return err;
	}
	for (i = 0; i < ARRAY_SIZE(tuples->any); i++) {
		if (filter->action[i] == IPSECDRV_ACTION_NONE)
			continue;
		if (tuples->any[i])
			return duplicate(filter, tuples->any[i], extack);
		tuples->any[i] = filter;
	}
	return 0;
}

int ipd_tuples_insert(struct ipd_tuples *tuples, const struct ipd_filter *filter,
		      struct netlink_ext_ack *extack)
{
	struct ipd_tuple *tuple = tuple_of(tuples, filter);
	u32 index = IPD_TABLE_NONE;
	struct ipd_table *table;

	if (!tuple)
		return insert_any(tuples, filter, extack);
	table = tuple->table;
	while ((index = ipd_table_find(table, filter->key, index)) != IPD_TABLE_NONE) {
		const struct ipd_filter *other = ipd_table_filter(table, index);

		if (share_a_direction(filter, other))
			return duplicate(filter, other, extack);
	}
	ipd_table_insert(&table, filter->key, ipd_table_wrap(filter));
	if (table != tuple->table)
		tuple_set_table(tuple, table);
	return tuple->portless ? portless_add(tuple, filter) : 0;
}

static void remove_any(struct ipd_tuples *tuples, const struct ipd_filter *filter)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tuples->any); i++)
		if (tuples->any[i] == filter)
			tuples->any[i] = NULL;
}

int ipd_tuples_remove(struct ipd_tuples *tuples, const struct ipd_filter *filter)
{
	struct ipd_tuple *tuple = tuple_of(tuples, filter);
	u32 index = IPD_TABLE_NONE;
	int err;

	if (!tuple) {
		remove_any(tuples, filter);
		return 0;
	}
	err = tuple_own(tuple, 0);
	if (!err && tuple->portless)
		err = ipd_table_own(&tuple->portless, 0);
	if (err)
		return err;
	do {
		index = ipd_table_find(tuple->table, filter->key, index);
	} while (ipd_table_filter(tuple->table, index) != filter);
	ipd_table_remove(tuple->table, index);
	if (tuple->portless)
		portless_sub(tuple, filter);
	if (tuple->table->used)
		return 0;

	tuple_free(tuple);
	tuples->n--;
	memmove(tuple, tuple + 1, (tuples->tuple + tuples->n - tuple) * sizeof(*tuple));
	return 0;
}

const struct ipd_filter *ipd_tuples_next(const struct ipd_tuples *tuples, u32 *at_tuple,
					 u32 *at_slot)
{
	for (; *at_tuple < tuples->n; (*at_tuple)++, *at_slot = 0) {
		const struct ipd_table *table = tuples->tuple[*at_tuple].table;

		while (*at_slot < ipd_table_size(table)) {
			u32 index = (*at_slot)++;

			if (ipd_table_is_used(table, index))
				return ipd_table_filter(table, index);
		}
	}
	if (*at_tuple == tuples->n) {
		while (*at_slot < ARRAY_SIZE(tuples->any)) {
			const struct ipd_filter *any = tuples->any[(*at_slot)++];

			if (any && (*at_slot == 1 || any != tuples->any[0]))
				return any;
		}
	}
	return NULL;
}

/* --- search --- */

static noinline void ask_for_me(struct ipd_probe *probe, u64 sides, const unsigned int words)
{
	const struct ipd_flow *flow = probe->flow;

	if (sides & IPD_KEY_LOCAL_ME && ipd_flow_is_local_me(probe->net, flow))
		probe->key[words - 1] |= IPD_KEY_LOCAL_ME;
	if (sides & IPD_KEY_REMOTE_ME && ipd_flow_is_me(probe->net, flow->family, &flow->remote))
		probe->key[words - 1] |= IPD_KEY_REMOTE_ME;
	probe->asked |= sides;
}

/* the next tuple whose "me" sides are addresses of this host, or @end */
static __always_inline const struct ipd_tuple *eligible(const struct ipd_tuple *tuple,
							const struct ipd_tuple *end,
							struct ipd_probe *probe,
							const unsigned int words)
{
	for (; tuple < end; tuple++) {
		u64 me = tuple->word[words - 1].mask & IPD_KEY_ME;

		if (unlikely(me & ~probe->asked))
			ask_for_me(probe, me & ~probe->asked, words);
		if (!(me & ~probe->key[words - 1]))
			break;
	}
	return tuple;
}

static __always_inline u64 masked(const struct ipd_tuple *tuple, const struct ipd_probe *probe,
				  unsigned int i)
{
	return probe->key[i] & tuple->word[i].mask;
}

static __always_inline u64 term(const struct ipd_tuple *tuple, const struct ipd_probe *probe,
				unsigned int i)
{
	return masked(tuple, probe, i) * tuple->word[i].mult;
}

/*
 * The hash of the packet's key for a tuple; ipd_key_hash(). Written out, here and in matches(),
 * since compilers leave it a loop, which doubles the instructions for IPv6.
 */
static __always_inline u64 hash_for(const struct ipd_tuple *tuple, const struct ipd_probe *probe,
				 const unsigned int words)
{
	u64 sum = term(tuple, probe, 0) + term(tuple, probe, 1);

	if (words == IPD_KEY_WORDS6)
		sum += term(tuple, probe, 2) + term(tuple, probe, 3) + term(tuple, probe, 4);
	return ipd_key_mix(sum);
}

static __always_inline bool matches(const struct ipd_tuple *tuple, const struct ipd_probe *probe,
				    const u64 *key, const unsigned int words)
{
	u64 differ = (key[0] ^ masked(tuple, probe, 0)) | (key[1] ^ masked(tuple, probe, 1));

	if (words == IPD_KEY_WORDS6)
		differ |= (key[2] ^ masked(tuple, probe, 2)) |
			  (key[3] ^ masked(tuple, probe, 3)) |
			  (key[4] ^ masked(tuple, probe, 4));
	return !differ;
}

/* A filter for the other direction does not end the probe: its twin may lie behind it. */
static __always_inline const struct ipd_filter *probe_tuple(const struct ipd_tuple *tuple,
							    const struct ipd_probe *probe,
							    u64 hash, const unsigned int words)
{
	const u16 wanted = ipd_table_tag(hash);
	u64 index = hash >> tuple->shift;
	u16 tag;

	for (; (tag = tuple->tags[index]); index = (index + 1) & (U64_MAX >> tuple->shift)) {
		const struct ipd_filter *filter;

		if (likely(tag != wanted))
			continue;
		filter = ipd_table_unwrap(tuple->filters[index]);
		if (matches(tuple, probe, filter->key, words) &&
		    filter->action[probe->flow->direction] != IPSECDRV_ACTION_NONE)
			return filter;
	}
	return NULL;
}

/*
 * The tag of the tuple after the current one is on its way from memory while the current one is
 * probed.
 */
static __always_inline const struct ipd_filter *search(const struct ipd_tuples *tuples,
						       struct ipd_probe *probe,
						       const unsigned int words)
{
	const struct ipd_tuple *end = tuples->tuple + tuples->n;
	const struct ipd_tuple *tuple, *next;
	const struct ipd_filter *filter;
	u64 hash, next_hash = 0;

	for (tuple = eligible(tuples->tuple, end, probe, words),
	     hash = tuple < end ? hash_for(tuple, probe, words) : 0;
	     tuple < end; tuple = next, hash = next_hash) {
		next = eligible(tuple + 1, end, probe, words);
		if (next < end) {
			next_hash = hash_for(next, probe, words);
			prefetch(&next->tags[next_hash >> next->shift]);
		}
		filter = probe_tuple(tuple, probe, hash, words);
		if (filter)
			return filter;
	}
	return NULL;
}

/* whether a filter with ports could match a flow whose ports are unknown */
static bool may_match_by_port(const struct ipd_tuple *tuple, const struct ipd_probe *probe,
			      const unsigned int words)
{
	u64 key[IPD_KEY_WORDS_MAX];
	unsigned int i;
	u32 index;

	for (i = 0; i < words; i++)
		key[i] = masked(tuple, probe, i);
	key[words - 1] &= ~IPD_KEY_PORTS;
	index = ipd_table_find(tuple->portless, key, IPD_TABLE_NONE);
	return index != IPD_TABLE_NONE &&
	       portless_count(*ipd_table_value(tuple->portless, index), probe->flow->direction);
}

static noinline const struct ipd_filter *search_portless(const struct ipd_tuples *tuples,
							 struct ipd_probe *probe,
							 const unsigned int words)
{
	const struct ipd_tuple *end = tuples->tuple + tuples->n;
	const struct ipd_filter *filter;
	const struct ipd_tuple *tuple;

	for (tuple = eligible(tuples->tuple, end, probe, words); tuple < end;
	     tuple = eligible(tuple + 1, end, probe, words)) {
		if (has_ports(tuple, words)) {
			if (may_match_by_port(tuple, probe, words))
				return ERR_PTR(-EAGAIN);
			continue;
		}
		filter = probe_tuple(tuple, probe, hash_for(tuple, probe, words), words);
		if (filter)
			return filter;
	}
	return NULL;
}

const struct ipd_filter *ipd_tuples_search4(const struct ipd_tuples *tuples,
					    struct ipd_probe *probe)
{
	if (unlikely(probe->flow->flags & IPD_FLOW_NO_PORTS))
		return search_portless(tuples, probe, IPD_KEY_WORDS4);
	return search(tuples, probe, IPD_KEY_WORDS4);
}

const struct ipd_filter *ipd_tuples_search6(const struct ipd_tuples *tuples,
					    struct ipd_probe *probe)
{
	if (unlikely(probe->flow->flags & IPD_FLOW_NO_PORTS))
		return search_portless(tuples, probe, IPD_KEY_WORDS6);
	return search(tuples, probe, IPD_KEY_WORDS6);
}
