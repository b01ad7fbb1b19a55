// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flat hash table with open addressing; contract: table.h.
 *
 * Half full at most, a random table of a million entries has no probe of more than about 70
 * slots. A table that exceeds LONGEST_PROBE had bad luck with its multipliers and gets others.
 * Four times is enough for anything but keys that no multipliers can tell apart, for which the
 * table stays correct and is only slow.
 *
 * Both arrays are powers of two in size, which no allocator rounds up.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "table.h"

#define LONGEST_PROBE	128
#define MAX_RESEEDS	4

static u8 bits_for(u32 entries)
{
	return ilog2(roundup_pow_of_two(max(entries, 1U) * 2));
}

static const u64 *table_key(const struct ipd_table *table, u32 index)
{
	if (table->stride == 1)
		return ipd_table_filter(table, index)->key;
	return ipd_table_entry(table, index);
}

static u64 table_hash(const struct ipd_table *table, const u64 *key)
{
	if (table->words == IPD_KEY_WORDS4)
		return ipd_key_mix(ipd_key_hash(key, table->mult, IPD_KEY_WORDS4));
	return ipd_key_mix(ipd_key_hash(key, table->mult, IPD_KEY_WORDS6));
}

static u32 table_home(const struct ipd_table *table, u64 hash)
{
	return hash >> (64 - table->bits);
}

static u32 table_next(const struct ipd_table *table, u32 index)
{
	return (index + 1) & (ipd_table_size(table) - 1);
}

static void table_free(struct ipd_table *table)
{
	kvfree(table->tags);
	kvfree(table->entries);
	kfree(table);
}

static struct ipd_table *table_alloc(u8 words, u8 stride, u8 bits)
{
	struct ipd_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!table)
		return NULL;
	table->tags = kvcalloc(1U << bits, sizeof(*table->tags), GFP_KERNEL_ACCOUNT);
	table->entries = kvmalloc_array(1U << bits, stride * sizeof(*table->entries),
					GFP_KERNEL_ACCOUNT);
	if (!table->tags || !table->entries) {
		table_free(table);
		return NULL;
	}
	refcount_set(&table->refs, 1);
	table->bits = bits;
	table->words = words;
	table->stride = stride;
	get_random_bytes(table->mult, sizeof(table->mult));
	for (i = 0; i < ARRAY_SIZE(table->mult); i++)
		table->mult[i] |= 1;
	return table;
}

/* returns how many slots were taken before the free one */
static u32 table_place(struct ipd_table *table, const u64 *key, u64 value)
{
	u64 hash = table_hash(table, key);
	u32 index = table_home(table, hash), distance = 0;

	while (ipd_table_is_used(table, index)) {
		index = table_next(table, index);
		distance++;
	}
	table->tags[index] = ipd_table_tag(hash);
	memcpy(ipd_table_entry(table, index), key, (table->stride - 1) * sizeof(*key));
	*ipd_table_value(table, index) = value;
	table->used++;
	return distance;
}

static struct ipd_table *table_rehash(const struct ipd_table *table, u8 bits)
{
	struct ipd_table *fresh = table_alloc(table->words, table->stride, bits);
	u32 i;

	if (!fresh)
		return NULL;
	for (i = 0; i < ipd_table_size(table); i++) {
		if (ipd_table_is_used(table, i))
			table_place(fresh, table_key(table, i), *ipd_table_value(table, i));
		if (!(i % 4096))
			cond_resched();
	}
	return fresh;
}

struct ipd_table *ipd_table_new(unsigned int words, u32 entries)
{
	return table_alloc(words, words + 1, bits_for(entries));
}

struct ipd_table *ipd_table_of_filters(unsigned int words, u32 entries)
{
	return table_alloc(words, 1, bits_for(entries));
}

struct ipd_table *ipd_table_copy(const struct ipd_table *table, u32 extra)
{
	u8 bits = bits_for(table->used + extra);
	struct ipd_table *fresh;
	u32 size;

	/* a table that is a little too large stays so: a copy is cheaper than hashing again */
	if (bits > table->bits || bits + 1 < table->bits)
		return table_rehash(table, bits);

	fresh = table_alloc(table->words, table->stride, table->bits);
	if (!fresh)
		return NULL;
	size = ipd_table_size(table);
	memcpy(fresh->mult, table->mult, sizeof(table->mult));
	memcpy(fresh->tags, table->tags, size * sizeof(*table->tags));
	memcpy(fresh->entries, table->entries, size * table->stride * sizeof(*table->entries));
	fresh->used = table->used;
	fresh->reseeds = table->reseeds;
	return fresh;
}

void ipd_table_put(struct ipd_table *table)
{
	if (table && refcount_dec_and_test(&table->refs))
		table_free(table);
}

int ipd_table_own(struct ipd_table **table, u32 extra)
{
	struct ipd_table *fresh;

	if (refcount_read(&(*table)->refs) == 1 && bits_for((*table)->used + extra) <= (*table)->bits)
		return 0;
	fresh = ipd_table_copy(*table, extra);
	if (!fresh)
		return -ENOMEM;
	ipd_table_put(*table);
	*table = fresh;
	return 0;
}

void ipd_table_insert(struct ipd_table **table, const u64 *key, u64 value)
{
	struct ipd_table *fresh, *old = *table;

	if (table_place(old, key, value) <= LONGEST_PROBE || old->reseeds >= MAX_RESEEDS)
		return;
	fresh = table_rehash(old, old->bits);
	if (!fresh)
		return;		/* slow is better than refused */
	fresh->reseeds = old->reseeds + 1;
	table_free(old);
	*table = fresh;
}

static void table_move(struct ipd_table *table, u32 to, u32 from)
{
	table->tags[to] = table->tags[from];
	memcpy(ipd_table_entry(table, to), ipd_table_entry(table, from),
	       table->stride * sizeof(*table->entries));
}

void ipd_table_remove(struct ipd_table *table, u32 index)
{
	u32 mask = ipd_table_size(table) - 1;
	u32 hole = index, next;

	/*
	 * No tombstones: each entry up to the next empty slot moves into the hole, unless the
	 * hole lies before the slot where its probe starts.
	 */
	for (next = table_next(table, hole); ipd_table_is_used(table, next);
	     next = table_next(table, next)) {
		u32 home = table_home(table, table_hash(table, table_key(table, next)));

		if (((next - home) & mask) < ((next - hole) & mask))
			continue;
		table_move(table, hole, next);
		hole = next;
	}
	table->tags[hole] = 0;
	table->used--;
}

u32 ipd_table_find(const struct ipd_table *table, const u64 *key, u32 after)
{
	u64 hash = table_hash(table, key);
	u16 tag = ipd_table_tag(hash);
	u32 index = after == IPD_TABLE_NONE ? table_home(table, hash) : table_next(table, after);

	for (; ipd_table_is_used(table, index); index = table_next(table, index)) {
		if (table->tags[index] == tag &&
		    !memcmp(table_key(table, index), key, table->words * sizeof(u64)))
			return index;
	}
	return IPD_TABLE_NONE;
}
