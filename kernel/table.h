/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flat hash table of fixed-size keys: open addressing, linear probing, at most half full, one
 * allocation. Readers need nothing but the memory; a table that they can see never changes.
 *
 * A slot is the words of the key and one word of value; a value of 0 marks an empty slot. Equal
 * keys may occur more than once.
 */
#ifndef IPD_TABLE_H
#define IPD_TABLE_H

#include <linux/refcount.h>
#include <linux/types.h>

#include "key.h"

struct ipd_table {
	u64 mult[IPD_KEY_WORDS_MAX];
	refcount_t refs;	/* sets that share it; written by the owner alone while 1 */
	u32 used;
	u8 bits;		/* log2 of the number of slots */
	u8 words;		/* of a key */
	u8 reseeds;		/* how often the multipliers were replaced for long probes */
	u64 pad;		/* the slots start on a cache line of their own */
	u64 slots[];
};

static __always_inline u32 ipd_table_size(const struct ipd_table *table)
{
	return 1U << table->bits;
}

static __always_inline u64 *ipd_table_slot(const struct ipd_table *table, u32 index)
{
	return (u64 *)table->slots + (size_t)index * (table->words + 1);
}

static inline u64 *ipd_table_value(const struct ipd_table *table, u32 index)
{
	return ipd_table_slot(table, index) + table->words;
}

/* pointers as values */
static __always_inline u64 ipd_table_wrap(const void *pointer)
{
	return (unsigned long)pointer;
}

static __always_inline void *ipd_table_unwrap(u64 value)
{
	return (void *)(unsigned long)value;
}

/*
 * All of these may sleep but find(), which RCU readers may call as well. An empty table with
 * room for @entries and one reference; NULL without memory.
 */
struct ipd_table *ipd_table_new(unsigned int words, u32 entries);
/* the same entries with room for @extra more, and one reference; NULL without memory */
struct ipd_table *ipd_table_copy(const struct ipd_table *table, u32 extra);
void ipd_table_free(struct ipd_table *table);
void ipd_table_put(struct ipd_table *table);	/* NULL is fine */

/*
 * The rest is for tables with one reference that no reader has seen. Makes sure that *@table is
 * such a one, with room for @extra entries; replaces it by a copy if not; -ENOMEM.
 */
int __must_check ipd_table_own(struct ipd_table **table, u32 extra);
/* there is room; may replace *@table by one with other multipliers */
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
