/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flat hash table of fixed-size keys: open addressing, linear probing, at most half full.
 * Readers need nothing but the memory; a table that they can see never changes.
 *
 * A slot has a tag of 16 bits, in an array of their own. 0 marks an empty slot, others are a piece
 * of the key's hash: who probes reads tags, side by side, and looks at an entry only if its key
 * is the right one but for one chance in thousands. Entries are of one of two kinds:
 *
 *	with words	the words of the key, and one word of value
 *	of filters	a pointer to a struct ipd_filter, which has its key itself; 10 bytes a slot
 *
 * Equal keys may occur more than once.
 */
#ifndef IPD_TABLE_H
#define IPD_TABLE_H

#include <linux/refcount.h>
#include <linux/types.h>

#include "filter.h"
#include "key.h"

struct ipd_table {
	u64 mult[IPD_KEY_WORDS_MAX];
	u16 *tags;
	u64 *entries;
	refcount_t refs;	/* sets that share it; written by the owner alone while 1 */
	u32 used;
	u8 bits;		/* log2 of the number of slots */
	u8 words;		/* of a key */
	u8 stride;		/* words of an entry; 1 is a table of filters */
	u8 reseeds;		/* how often the multipliers were replaced for long probes */
};

static __always_inline u32 ipd_table_size(const struct ipd_table *table)
{
	return 1U << table->bits;
}

/* what a slot of a key has for a tag */
static __always_inline u16 ipd_table_tag(u64 hash)
{
	return (u16)(hash >> 27) | 1;
}

static inline bool ipd_table_is_used(const struct ipd_table *table, u32 index)
{
	return table->tags[index];
}

static __always_inline u64 *ipd_table_entry(const struct ipd_table *table, u32 index)
{
	return table->entries + (size_t)index * table->stride;
}

static inline u64 *ipd_table_value(const struct ipd_table *table, u32 index)
{
	return ipd_table_entry(table, index) + table->stride - 1;
}

/* pointers as values */
static __always_inline u64 ipd_table_wrap(const struct ipd_filter *filter)
{
	return (unsigned long)filter;
}

static __always_inline struct ipd_filter *ipd_table_unwrap(u64 value)
{
	return (struct ipd_filter *)(unsigned long)value;
}

static inline struct ipd_filter *ipd_table_filter(const struct ipd_table *table, u32 index)
{
	return ipd_table_unwrap(*ipd_table_value(table, index));
}

/*
 * All of these may sleep but find(), which RCU readers may call as well. An empty table with
 * room for @entries and one reference; NULL without memory.
 */
struct ipd_table *ipd_table_new(unsigned int words, u32 entries);
struct ipd_table *ipd_table_of_filters(unsigned int words, u32 entries);
/* the same entries with room for @extra more, and one reference; NULL without memory */
struct ipd_table *ipd_table_copy(const struct ipd_table *table, u32 extra);
void ipd_table_put(struct ipd_table *table);	/* NULL is fine */

/*
 * The rest is for tables with one reference that no reader has seen. Makes sure that *@table is
 * such a one, with room for @extra entries; replaces it by a copy if not; -ENOMEM.
 */
int __must_check ipd_table_own(struct ipd_table **table, u32 extra);
/* there is room; @key is the filter's own, if it is one; may take other multipliers */
void ipd_table_insert(struct ipd_table **table, const u64 *key, u64 value);
/* @index from ipd_table_find(); other entries move */
void ipd_table_remove(struct ipd_table *table, u32 index);

#define IPD_TABLE_NONE	U32_MAX

/*
 * The first slot with this key, or the next one if @after is the one before; IPD_TABLE_NONE if
 * there is none.
 */
u32 ipd_table_find(const struct ipd_table *table, const u64 *key, u32 after);

#endif /* IPD_TABLE_H */
