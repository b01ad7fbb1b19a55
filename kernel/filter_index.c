// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index of filters by id; contract: filter_index.h.
 *
 * A shard is an array sorted by id: nothing is smaller, and no packet looks here. Ids mostly come in
 * ascending order, so that a new one goes to the end.
 */
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "filter.h"
#include "filter_index.h"

struct ipd_shard {
	refcount_t refs;	/* indices that share it; written by the owner alone while 1 */
	u32 n;
	u32 room;
	struct ipd_filter *filter[];
};

static unsigned int shard_of(u32 id)
{
	return hash_32(id, IPD_SHARD_BITS);
}

/* where the filter with this id is, or would be */
static u32 place_of(const struct ipd_shard *shard, u32 id)
{
	u32 low = 0, high = shard->n;

	if (high && shard->filter[high - 1]->id < id)
		return high;
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (shard->filter[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct ipd_shard *shard, u32 at, u32 id)
{
	return at < shard->n && shard->filter[at]->id == id;
}

static void shard_put(struct ipd_shard *shard)
{
	u32 i;

	if (!shard || !refcount_dec_and_test(&shard->refs))
		return;
	for (i = 0; i < shard->n; i++)
		ipd_filter_put(shard->filter[i]);
	kvfree(shard);
}

/* the same filters, with references of its own, and room for more; @old may be NULL */
static struct ipd_shard *shard_copy(const struct ipd_shard *old, u32 room)
{
	struct ipd_shard *shard;
	u32 i;

	shard = kvmalloc(struct_size(shard, filter, room), GFP_KERNEL_ACCOUNT);
	if (!shard)
		return NULL;
	refcount_set(&shard->refs, 1);
	shard->n = old ? old->n : 0;
	shard->room = room;
	for (i = 0; i < shard->n; i++) {
		shard->filter[i] = old->filter[i];
		ipd_filter_get(shard->filter[i]);
	}
	return shard;
}

/* makes the shard this index's own, with room for so many more */
static int shard_own(struct ipd_shard **shard, u32 extra)
{
	u32 room = extra + (*shard ? (*shard)->n : 0);
	struct ipd_shard *fresh;

	if (*shard && refcount_read(&(*shard)->refs) == 1 && room <= (*shard)->room)
		return 0;
	fresh = shard_copy(*shard, room);
	if (!fresh)
		return -ENOMEM;
	shard_put(*shard);
	*shard = fresh;
	return 0;
}

void ipd_filter_index_share(struct ipd_filter_index *copy, const struct ipd_filter_index *index)
{
	unsigned int i;

	*copy = *index;
	for (i = 0; i < IPD_SHARDS; i++)
		if (copy->shard[i])
			refcount_inc(&copy->shard[i]->refs);
}

void ipd_filter_index_free(struct ipd_filter_index *index)
{
	unsigned int i;

	for (i = 0; i < IPD_SHARDS; i++) {
		shard_put(index->shard[i]);
		cond_resched();
	}
}

int ipd_filter_index_reserve(struct ipd_filter_index *index, struct ipd_filter *const *filters,
			     u32 n)
{
	u32 *growth, i;
	int err = 0;

	growth = kcalloc(IPD_SHARDS, sizeof(*growth), GFP_KERNEL);
	if (!growth)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		growth[shard_of(filters[i]->id)]++;
	for (i = 0; i < IPD_SHARDS && !err; i++)
		if (growth[i])
			err = shard_own(&index->shard[i], growth[i]);
	kfree(growth);
	return err;
}

int ipd_filter_index_add(struct ipd_filter_index *index, struct ipd_filter *filter)
{
	struct ipd_shard *shard = index->shard[shard_of(filter->id)];
	u32 at = place_of(shard, filter->id);

	if (is_at(shard, at, filter->id))
		return -EEXIST;
	memmove(&shard->filter[at + 1], &shard->filter[at],
		(shard->n - at) * sizeof(*shard->filter));
	shard->filter[at] = filter;
	shard->n++;
	ipd_filter_get(filter);
	return 0;
}

int ipd_filter_index_del(struct ipd_filter_index *index, struct ipd_filter *filter)
{
	struct ipd_shard **shard = &index->shard[shard_of(filter->id)];
	u32 at;
	int err;

	err = shard_own(shard, 0);
	if (err)
		return err;
	at = place_of(*shard, filter->id);
	(*shard)->n--;
	memmove(&(*shard)->filter[at], &(*shard)->filter[at + 1],
		((*shard)->n - at) * sizeof(*(*shard)->filter));
	ipd_filter_put(filter);
	return 0;
}

struct ipd_filter *ipd_filter_index_find(const struct ipd_filter_index *index, u32 id)
{
	const struct ipd_shard *shard = index->shard[shard_of(id)];
	u32 at;

	if (!shard)
		return NULL;
	at = place_of(shard, id);
	return is_at(shard, at, id) ? shard->filter[at] : NULL;
}
