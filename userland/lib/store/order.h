/* SPDX-License-Identifier: MIT */
/*
 * Objects in an order of their own, to find and to compare them without looking at all pairs: a
 * policy may have 10,000 rules and 100,000 filters.
 */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include "store/object.h"

/* Total order of what filters match; descriptions do not count. */
int store_filter_compare(const struct store_filter *a, const struct store_filter *b);

/* Objects by their names, those without one first. Sorted, objects are borrowed. */
struct store_names {
	struct store_name {
		const char *name;	/* or NULL */
		void *object;
	} *list;
	size_t n;
};

/* @array has pointers to @n objects of @kind. 0 or -ENOMEM. */
int store_names_init(struct store_names *names, enum store_kind kind, const void *array, size_t n);
void store_names_done(struct store_names *names);
/* NULL if there is none; of several with one name, any. */
void *store_names_find(const struct store_names *names, const char *name);
/* A name that two objects have, or NULL. */
const char *store_names_repeated(const struct store_names *names);

#endif /* STORE_ORDER_H */
