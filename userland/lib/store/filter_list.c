// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "store/head.h"
#include "store/object.h"

struct store_filter_list *store_filter_list_new(void)
{
	return calloc(1, sizeof(struct store_filter_list));
}

struct store_filter_list *store_filter_list_copy(const struct store_filter_list *list)
{
	_cleanup_(store_filter_list_freep) struct store_filter_list *copy = store_filter_list_new();

	if (!copy || store_head_copy(&list->head, &copy->head) < 0)
		return NULL;
	for (size_t i = 0; i < list->n_filters; i++)
		if (store_filter_list_add(copy, store_filter_copy(list->filters[i])) < 0)
			return NULL;
	return TAKE_PTR(copy);
}

struct store_filter_list *store_filter_list_free(struct store_filter_list *list)
{
	if (!list)
		return NULL;
	store_head_clear(&list->head);
	for (size_t i = 0; i < list->n_filters; i++)
		store_filter_free(list->filters[i]);
	free(list->filters);
	free(list);
	return NULL;
}

int store_filter_list_add(struct store_filter_list *list, struct store_filter *filter)
{
	struct store_filter **room = NULL;

	if (filter)
		room = store_array_room(list->filters, list->n_filters);
	if (!room) {
		store_filter_free(filter);
		return -ENOMEM;
	}
	list->filters = room;
	room[list->n_filters++] = filter;
	return 0;
}

int store_filter_list_merge(struct store_filter_list *list, const struct store_filter_list *changes,
			    uint32_t given)
{
	struct store_head fresh;

	if (store_head_copy(&changes->head, &fresh) < 0)
		return -ENOMEM;
	store_head_take(&list->head, &fresh, given);
	store_head_clear(&fresh);
	return 0;
}

int store_filter_list_check(const struct store_filter_list *list, char why[static POLICY_WHY_LEN])
{
	int err = store_head_check(&list->head, why);

	for (size_t i = 0; !err && i < list->n_filters; i++)
		err = store_filter_check(list->filters[i], why);
	return err;
}
