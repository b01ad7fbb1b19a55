/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters that look at the same bits of a packet form a tuple; the tuples of one class and
 * family, sorted by weight, are what a packet is searched in. Theory: filter.c.
 *
 * Everything but the searches is for the owner of a set that no reader has seen, in process
 * context.
 */
#ifndef IPD_TUPLE_H
#define IPD_TUPLE_H

#include <linux/cache.h>
#include <linux/types.h>

#include "key.h"
#include "table.h"

struct ipd_filter;
struct net;
struct netlink_ext_ack;

/*
 * The IPv4 search reads the first cache line of this, then tags, and a filter if it is found. What
 * is in that line is a copy of what the table has.
 */
struct ipd_tuple {
	const u16 *tags;
	const u64 *filters;
	u32 weight;
	u8 shift;			/* from hash to slot */
	struct {
		u64 mask;
		u64 mult;
	} word[IPD_KEY_WORDS_MAX];
	struct ipd_table *table;	/* of filters */
	struct ipd_table *portless;	/* key without ports -> how many filters, by direction */
	u32 growth;			/* filters about to be inserted */
} ____cacheline_aligned;

struct ipd_tuples {
	struct ipd_tuple *tuple;	/* heaviest first */
	const struct ipd_filter *any[2];	/* match every packet; by direction */
	u16 n;
	u16 room;
	u8 words;			/* of a key */
};

/* the packet that is searched for */
struct ipd_probe {
	u64 key[IPD_KEY_WORDS_MAX];
	u64 asked;			/* those of IPD_KEY_ME that are valid in the key */
	struct net *net;
	const struct ipd_flow *flow;
};

void ipd_tuples_init(struct ipd_tuples *tuples, u8 family);
/* @copy shares the tables; on -ENOMEM it is empty */
int __must_check ipd_tuples_copy(struct ipd_tuples *copy, const struct ipd_tuples *tuples);
void ipd_tuples_free(struct ipd_tuples *tuples);
/* how many distinct masks, the catch-all included */
unsigned int ipd_tuples_count(const struct ipd_tuples *tuples);

/*
 * Adding filters takes three steps, so that each table is copied once: plan every filter, grow,
 * insert every filter. -ENOSPC (too many tuples), -ENOMEM, -EEXIST (same selectors), with an
 * extack sentence. After an error the tuples are only good to be freed.
 */
int __must_check ipd_tuples_plan(struct ipd_tuples *tuples, const struct ipd_filter *filter,
				 struct netlink_ext_ack *extack);
int __must_check ipd_tuples_grow(struct ipd_tuples *tuples);
int __must_check ipd_tuples_insert(struct ipd_tuples *tuples, const struct ipd_filter *filter,
				   struct netlink_ext_ack *extack);
/* @filter is there; -ENOMEM */
int __must_check ipd_tuples_remove(struct ipd_tuples *tuples, const struct ipd_filter *filter);

/* the filter at or after (*at_tuple, *at_slot), which move past it; NULL at the end */
const struct ipd_filter *ipd_tuples_next(const struct ipd_tuples *tuples, u32 *at_tuple,
					 u32 *at_slot);

/* first hit for a probe whose key is filled in; RCU; result as of ipd_filter_lookup() */
const struct ipd_filter *ipd_tuples_search4(const struct ipd_tuples *tuples,
					    struct ipd_probe *probe);
const struct ipd_filter *ipd_tuples_search6(const struct ipd_tuples *tuples,
					    struct ipd_probe *probe);

#endif /* IPD_TUPLE_H */
