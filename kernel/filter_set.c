// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of filters: immutable snapshots that share what they have in common. Theory: filter.c.
 *
 * Who owns what: the index by id (filter_index.c) holds the references to the filters. Every set has
 * each of its filters there; therefore the tables of the tuples, which may be large, hold no
 * references and are copied as plain memory. A set lives until a grace period after it was in
 * force, and so do its filters, which have none of their own.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "extack.h"
#include "filter.h"
#include "filter_index.h"
#include "filter_set.h"
#include "flow.h"
#include "scope.h"
#include "tuple.h"

#define FAMILIES	2

struct ipd_filter_set {
	struct ipd_tuples tuples[IPSECDRV_FILTER_CLASS_MAX + 1][FAMILIES];
	u32 n;
	u32 scoped;				/* how many filters are for some interfaces only */
	struct rcu_work free_work;
	struct ipd_filter_index index;
};

static struct workqueue_struct *workqueue;

static unsigned int family_index(u8 family)
{
	return family == NFPROTO_IPV6;
}

static struct ipd_tuples *tuples_of(struct ipd_filter_set *set, const struct ipd_filter *filter)
{
	return &set->tuples[filter->class][family_index(filter->family)];
}

/* --- life of a set --- */

struct ipd_filter_set *ipd_filter_set_new(void)
{
	struct ipd_filter_set *set;
	unsigned int class;

	set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;
	for (class = 0; class < ARRAY_SIZE(set->tuples); class++) {
		ipd_tuples_init(&set->tuples[class][family_index(NFPROTO_IPV4)], NFPROTO_IPV4);
		ipd_tuples_init(&set->tuples[class][family_index(NFPROTO_IPV6)], NFPROTO_IPV6);
	}
	return set;
}

/* of a set that no reader has, or has any more */
static void set_destroy(struct ipd_filter_set *set)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(set->tuples); i++)
		for (j = 0; j < FAMILIES; j++)
			ipd_tuples_free(&set->tuples[i][j]);
	ipd_filter_index_free(&set->index);
	kfree(set);
}

static void set_free_work(struct work_struct *work)
{
	set_destroy(container_of(to_rcu_work(work), struct ipd_filter_set, free_work));
}

void ipd_filter_set_free(struct ipd_filter_set *set)
{
	if (!set)
		return;
	INIT_RCU_WORK(&set->free_work, set_free_work);
	queue_rcu_work(workqueue, &set->free_work);
}

int ipd_filter_set_init(void)
{
	workqueue = alloc_workqueue("ipd_filter_set", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

void ipd_filter_set_exit(void)
{
	rcu_barrier();		/* what waits for its grace period is queued after this */
	destroy_workqueue(workqueue);
}

static struct ipd_filter_set *set_copy(const struct ipd_filter_set *set)
{
	struct ipd_filter_set *copy = ipd_filter_set_new();
	unsigned int i, j;

	if (!copy)
		return NULL;
	ipd_filter_index_share(&copy->index, &set->index);
	copy->n = set->n;
	copy->scoped = set->scoped;
	for (i = 0; i < ARRAY_SIZE(set->tuples); i++) {
		for (j = 0; j < FAMILIES; j++) {
			if (ipd_tuples_copy(&copy->tuples[i][j], &set->tuples[i][j]))
				goto err_destroy;
		}
	}
	return copy;

err_destroy:
	set_destroy(copy);
	return NULL;
}

/* --- changes --- */

static int set_plan(struct ipd_filter_set *set, struct ipd_filter *const *filters, u32 n,
		    struct netlink_ext_ack *extack)
{
	unsigned int i, j;
	int err;

	for (i = 0; i < n; i++) {
		err = ipd_tuples_plan(tuples_of(set, filters[i]), filters[i], extack);
		if (err)
			return err;
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(set->tuples); i++) {
		for (j = 0; j < FAMILIES; j++) {
			err = ipd_tuples_grow(&set->tuples[i][j]);
			if (err)
				return err;
		}
	}
	return ipd_filter_index_reserve(&set->index, filters, n);
}

static int set_insert(struct ipd_filter_set *set, struct ipd_filter *filter,
		      struct netlink_ext_ack *extack)
{
	int err;

	err = ipd_filter_index_add(&set->index, filter);
	if (err) {
		NL_SET_ERR_MSG_FMT(extack, "there is a filter %u already", filter->id);
		return err;
	}
	set->n++;
	set->scoped += ipd_filter_is_scoped(filter);
	return ipd_tuples_insert(tuples_of(set, filter), filter, extack);
}

/* after an error the set is good for nothing but to be destroyed */
static int set_add(struct ipd_filter_set *set, struct ipd_filter *const *filters, u32 n,
		   struct netlink_ext_ack *extack)
{
	u32 i;
	int err;

	if (n > IPSECDRV_MAX_FILTERS - set->n) {
		NL_SET_ERR_MSG_FMT(extack, "more than %u filters", IPSECDRV_MAX_FILTERS);
		return -ENOSPC;
	}
	err = set_plan(set, filters, n, extack);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		err = set_insert(set, filters[i], extack);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static int set_remove(struct ipd_filter_set *set, struct ipd_filter *filter)
{
	int err;

	err = ipd_tuples_remove(tuples_of(set, filter), filter);
	if (err)
		return err;
	set->n--;
	set->scoped -= ipd_filter_is_scoped(filter);
	return ipd_filter_index_del(&set->index, filter);
}

static int set_del(struct ipd_filter_set *set, const u32 *ids, u32 n,
		   struct netlink_ext_ack *extack)
{
	struct ipd_filter *filter;
	u32 i;
	int err;

	for (i = 0; i < n; i++) {
		filter = ipd_filter_set_find(set, ids[i]);
		if (!filter) {
			NL_SET_ERR_MSG_FMT(extack, "there is no filter %u", ids[i]);
			return -ENOENT;
		}
		err = set_remove(set, filter);
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

static struct ipd_filter_set *finish(struct ipd_filter_set *set, int err)
{
	if (!err)
		return set;
	if (set)
		set_destroy(set);
	return ERR_PTR(err);
}

struct ipd_filter_set *ipd_filter_set_build(struct ipd_filter *const *filters, u32 n,
					    struct netlink_ext_ack *extack)
{
	struct ipd_filter_set *set = ipd_filter_set_new();

	return finish(set, set ? set_add(set, filters, n, extack) : -ENOMEM);
}

struct ipd_filter_set *ipd_filter_set_add(const struct ipd_filter_set *set,
					  struct ipd_filter *const *filters, u32 n,
					  struct netlink_ext_ack *extack)
{
	struct ipd_filter_set *copy = set_copy(set);

	return finish(copy, copy ? set_add(copy, filters, n, extack) : -ENOMEM);
}

struct ipd_filter_set *ipd_filter_set_del(const struct ipd_filter_set *set, const u32 *ids, u32 n,
					  struct netlink_ext_ack *extack)
{
	struct ipd_filter_set *copy = set_copy(set);

	return finish(copy, copy ? set_del(copy, ids, n, extack) : -ENOMEM);
}

/* --- reading --- */

struct ipd_filter *ipd_filter_set_find(const struct ipd_filter_set *set, u32 id)
{
	return ipd_filter_index_find(&set->index, id);
}

u32 ipd_filter_set_size(const struct ipd_filter_set *set)
{
	return set->n;
}

u32 ipd_filter_set_tuples(const struct ipd_filter_set *set)
{
	unsigned int i, j;
	u32 n = 0;

	for (i = 0; i < ARRAY_SIZE(set->tuples); i++)
		for (j = 0; j < FAMILIES; j++)
			n += ipd_tuples_count(&set->tuples[i][j]);
	return n;
}

/*
 * A cursor is the class and family (tunnels first), the tuple and the slot, so it stands for the
 * same place only in the same set.
 */
struct ipd_filter *ipd_filter_set_next(const struct ipd_filter_set *set, u64 *cursor)
{
	u32 section = *cursor >> 48, tuple = (*cursor >> 32) & 0xffff, slot = *cursor;
	const struct ipd_filter *filter = NULL;

	for (; section < ARRAY_SIZE(set->tuples) * FAMILIES; section++, tuple = 0, slot = 0) {
		unsigned int class = IPSECDRV_FILTER_CLASS_MAX - section / FAMILIES;

		filter = ipd_tuples_next(&set->tuples[class][section % FAMILIES], &tuple, &slot);
		if (filter)
			break;
	}
	*cursor = (u64)section << 48 | (u64)tuple << 32 | slot;
	return (struct ipd_filter *)filter;
}

const struct ipd_filter *ipd_filter_lookup(const struct ipd_filter_set *set, struct net *net,
					   const struct ipd_flow *flow)
{
	unsigned int family = family_index(flow->family);
	struct ipd_probe probe = { .net = net, .flow = flow };
	const struct ipd_filter *filter;
	int class;

	if (unlikely(set->scoped && !(flow->scope & IPD_SCOPE_CONNECTION)))
		return ERR_PTR(-ENODEV);
	if (family)
		ipd_key_flow(flow, probe.key, IPD_KEY_WORDS6);
	else
		ipd_key_flow(flow, probe.key, IPD_KEY_WORDS4);
	for (class = IPSECDRV_FILTER_CLASS_MAX; class >= 0; class--) {
		const struct ipd_tuples *tuples = &set->tuples[class][family];

		filter = family ? ipd_tuples_search6(tuples, &probe) :
				  ipd_tuples_search4(tuples, &probe);
		if (!filter)
			filter = tuples->any[flow->direction];
		if (filter)
			return filter;
	}
	return NULL;
}
