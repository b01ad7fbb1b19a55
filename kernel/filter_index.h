/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filters of a set by their ids. The index is what holds a set's references to its filters.
 *
 * It is cut into shards. Sets share those that did not change, so taking one over costs one count,
 * and a changed one as many as it has filters. Everything but find() is for the owner of a set
 * that no reader has seen, in process context.
 */
#ifndef IPD_FILTER_INDEX_H
#define IPD_FILTER_INDEX_H

#include <linux/types.h>

#define IPD_SHARD_BITS	8
#define IPD_SHARDS	(1 << IPD_SHARD_BITS)

struct ipd_filter;
struct ipd_shard;

/* all zero is empty */
struct ipd_filter_index {
	struct ipd_shard *shard[IPD_SHARDS];	/* of ids with one hash; or NULL */
};

/* @copy is empty */
void ipd_filter_index_share(struct ipd_filter_index *copy, const struct ipd_filter_index *index);
/* drops the references; the index is good for nothing any more */
void ipd_filter_index_free(struct ipd_filter_index *index);

/*
 * Adding takes two steps, so that each shard is copied once: make room for all, add each, which
 * takes a reference. -ENOMEM; -EEXIST for an id that is there already.
 */
int __must_check ipd_filter_index_reserve(struct ipd_filter_index *index,
					  struct ipd_filter *const *filters, u32 n);
int __must_check ipd_filter_index_add(struct ipd_filter_index *index, struct ipd_filter *filter);
/* @filter is there; puts it; -ENOMEM */
int __must_check ipd_filter_index_del(struct ipd_filter_index *index, struct ipd_filter *filter);

/* NULL if there is none; RCU, or the owner */
struct ipd_filter *ipd_filter_index_find(const struct ipd_filter_index *index, u32 id);

#endif /* IPD_FILTER_INDEX_H */
