// SPDX-License-Identifier: MIT
#include "store/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/head.h"

static int compare_names(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcasecmp(a, b);
}

static int compare_entries(const void *a, const void *b)
{
	const struct store_name *x = a, *y = b;

	return compare_names(x->name, y->name);
}

int store_names_init(struct store_names *names, enum store_kind kind, const void *array, size_t n)
{
	struct store_name *list = calloc(n ? n : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		memcpy(&list[i].object, (const char *)array + i * sizeof(void *), sizeof(void *));
		list[i].name = store_object_head(kind, list[i].object)->name;
	}
	qsort(list, n, sizeof(*list), compare_entries);
	*names = (struct store_names){ list, n };
	return 0;
}

void store_names_done(struct store_names *names)
{
	free(names->list);
	*names = (struct store_names){ .list = NULL };
}

void *store_names_find(const struct store_names *names, const char *name)
{
	const struct store_name key = { .name = name }, *found;

	if (!names->n)
		return NULL;
	found = bsearch(&key, names->list, names->n, sizeof(key), compare_entries);
	return found ? found->object : NULL;
}

const char *store_names_repeated(const struct store_names *names)
{
	for (size_t i = 1; i < names->n; i++)
		if (names->list[i].name && !compare_entries(&names->list[i - 1], &names->list[i]))
			return names->list[i].name;
	return NULL;
}
