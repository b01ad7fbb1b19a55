// SPDX-License-Identifier: MIT
/* The filters of the driver in memory: changes are checked as a whole, and then made as a whole. */
#include "nl/kernel_fake_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/search.h"

static int compare_order(const void *a, const void *b)
{
	const struct kernel_filter *x = a, *y = b;
	int r = kernel_filter_compare_order(x, y);

	return r ? r : x->id < y->id ? -1 : x->id > y->id;
}

static int check_filters(struct fake *fake, const struct kernel_filter *filters, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!filters[i].id ||
		    (filters[i].family != AF_INET && filters[i].family != AF_INET6))
			return fake_refuse(fake, -EINVAL, "A filter needs an id and a family.");
		for (size_t j = 0; j < i; j++) {
			if (filters[i].id == filters[j].id)
				return fake_refuse(fake, -EEXIST, "Two filters have the same id.");
			if (kernel_filter_is_same_traffic(&filters[i], &filters[j]))
				return fake_refuse(fake, -EEXIST,
						   "Two filters have the same selectors.");
		}
	}
	return 0;
}

static int check_ends(struct fake *fake, const struct kernel_filter *filter)
{
	if (fake_is_tunnel(filter) && filter->outbound == IPSECDRV_ACTION_NEGOTIATE &&
	    (!filter->tunnel_local.family || !filter->tunnel_remote.family))
		return fake_refuse(fake, -EINVAL, "A tunnel that negotiates needs both its ends.");
	return 0;
}

static bool is_kept(const struct fake *fake, const struct kernel_filter *old)
{
	for (size_t i = 0; i < fake->n_filters; i++) {
		const struct kernel_filter *new = &fake->filters[i];

		if (new->id == old->id)
			return kernel_filter_is_same_traffic(new, old) &&
			       new->outbound == old->outbound && new->inbound == old->inbound;
	}
	return false;
}

static void prune(struct fake *fake, uint32_t filter_id)
{
	size_t kept = 0;

	for (size_t i = 0; i < fake->n_sas; i++)
		if (fake->sas[i].filter_id != filter_id)
			fake->sas[kept++] = fake->sas[i];
	fake->n_sas = kept;
	kept = 0;
	for (size_t i = 0; i < fake->n_acquires; i++)
		if (fake->acquires[i].filter_id != filter_id)
			fake->acquires[kept++] = fake->acquires[i];
	fake->n_acquires = kept;
}

static int check(struct fake *fake, const struct kernel_filter *filters, size_t n)
{
	int r;

	if (n > FILTERS_MAX)
		return fake_refuse(fake, -ENOSPC, "Too many filters.");
	r = check_filters(fake, filters, n);
	for (size_t i = 0; !r && i < n; i++)
		r = check_ends(fake, &filters[i]);
	return r;
}

static int install(struct fake *fake, const struct kernel_filter *filters, size_t n)
{
	size_t n_old = fake->n_filters;
	struct kernel_filter *old;
	int r = check(fake, filters, n);

	if (r)
		return r;
	old = calloc(n_old + 1, sizeof(*old));
	if (!old)
		return fake_refuse(fake, -ENOMEM, "Out of memory.");
	memcpy(old, fake->filters, n_old * sizeof(*old));
	if (n)
		memcpy(fake->filters, filters, n * sizeof(*filters));
	fake->n_filters = n;
	for (size_t i = 0; i < n; i++)
		fake->filters[i].weight = kernel_filter_weigh(&fake->filters[i]);
	qsort(fake->filters, n, sizeof(fake->filters[0]), compare_order);
	for (size_t i = 0; i < n_old; i++)
		if (!is_kept(fake, &old[i]))
			prune(fake, old[i].id);
	free(old);
	fake->generation++;
	return 0;
}

int fake_filters_replace(struct kernel *kernel, const struct kernel_filter *filters,
				size_t n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_FILTERS_REPLACE);

	return r ? r : install(fake, filters, n);
}

int fake_filters_check(struct kernel *kernel, const struct kernel_filter *filters, size_t n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_FILTERS_CHECK);

	return r ? r : check(fake, filters, n);
}

int fake_filters_add(struct kernel *kernel, const struct kernel_filter *filters, size_t n)
{
	struct fake *fake = fake_of(kernel);
	struct kernel_filter *all;
	int r = fake_enter(fake, KERNEL_FAKE_FILTERS_ADD);

	if (r)
		return r;
	all = calloc(fake->n_filters + n + 1, sizeof(*all));
	if (!all)
		return fake_refuse(fake, -ENOMEM, "Out of memory.");
	memcpy(all, fake->filters, fake->n_filters * sizeof(*all));
	memcpy(all + fake->n_filters, filters, n * sizeof(*all));
	r = install(fake, all, fake->n_filters + n);
	free(all);
	return r;
}

static bool has_id(const uint32_t *ids, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int change(struct fake *fake, const uint32_t *ids, size_t n,
		  const struct kernel_filter *added, size_t n_added)
{
	struct kernel_filter *all = calloc(fake->n_filters + n_added + 1, sizeof(*all));
	size_t n_all = 0;
	int r;

	if (!all)
		return fake_refuse(fake, -ENOMEM, "Out of memory.");
	for (size_t i = 0; i < fake->n_filters; i++)
		if (!has_id(ids, n, fake->filters[i].id))
			all[n_all++] = fake->filters[i];
	if (n_all + n != fake->n_filters) {
		r = fake_refuse(fake, -ENOENT, "No filter has this id.");
	} else {
		for (size_t i = 0; i < n_added; i++)
			all[n_all++] = added[i];
		r = install(fake, all, n_all);
	}
	free(all);
	return r;
}

int fake_filters_del(struct kernel *kernel, const uint32_t *ids, size_t n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_FILTERS_DEL);

	return r ? r : change(fake, ids, n, NULL, 0);
}

int fake_filters_change(struct kernel *kernel, const uint32_t *removed, size_t n_removed,
			       const struct kernel_filter *added, size_t n_added)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_FILTERS_CHANGE);

	return r ? r : change(fake, removed, n_removed, added, n_added);
}

int fake_filter_get(struct kernel *kernel, uint32_t id, struct kernel_filter *ret_filter)
{
	struct fake *fake = fake_of(kernel);

	for (size_t i = 0; i < fake->n_filters; i++) {
		if (fake->filters[i].id == id) {
			*ret_filter = fake->filters[i];
			return 0;
		}
	}
	return fake_refuse(fake, -ENOENT, "No filter has this id.");
}

int fake_filter_dump(struct kernel *kernel, struct kernel_filter **ret_filters,
			    size_t *ret_n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_FILTER_DUMP);

	return r ? r : fake_copy_array(fake, fake->filters, fake->n_filters, sizeof(fake->filters[0]),
				       (void **)ret_filters, ret_n);
}

enum ipsecdrv_connection fake_connection_of(const struct kernel_flow *flow)
{
	return flow->connection == IPSECDRV_CONNECTION_ALL ? IPSECDRV_CONNECTION_LAN :
							     flow->connection;
}

const struct kernel_filter *fake_find_filter(const struct fake *fake,
					     const struct kernel_flow *flow)
{
	/* tests use no forwarded packets */
	struct kernel_search search = { .flow = *flow, .local_is_me = true, .remote_is_me = true };

	search.flow.connection = fake_connection_of(flow);
	return kernel_filters_search(fake->filters, fake->n_filters, &search);
}
