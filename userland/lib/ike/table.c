// SPDX-License-Identifier: MIT
#include "ike/table.h"

#include <errno.h>
#include <stdlib.h>

void table_done(struct table *table)
{
	free(table->buckets);
	*table = (struct table){0};
}

static void insert(struct table *table, struct table_node *node)
{
	struct table_node **bucket = &table->buckets[node->hash & (table->n_buckets - 1)];

	node->next = *bucket;
	node->prev_next = bucket;
	if (node->next)
		node->next->prev_next = &node->next;
	*bucket = node;
}

static int grow(struct table *table)
{
	size_t n = table->n_buckets ? 2 * table->n_buckets : 64;
	struct table old = *table;
	struct table_node **buckets = calloc(n, sizeof(struct table_node *));

	if (!buckets)
		return -ENOMEM;
	table->buckets = buckets;
	table->n_buckets = n;
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct table_node *node = old.buckets[i];

		while (node) {
			struct table_node *next = node->next;

			insert(table, node);
			node = next;
		}
	}
	free(old.buckets);
	return 0;
}

int table_add(struct table *table, struct table_node *node, uint64_t hash)
{
	if (table->n >= table->n_buckets && grow(table) && !table->n_buckets)
		return -ENOMEM;
	node->hash = hash;
	insert(table, node);
	table->n++;
	return 0;
}

void table_remove(struct table *table, struct table_node *node)
{
	if (!node->prev_next)
		return;
	*node->prev_next = node->next;
	if (node->next)
		node->next->prev_next = node->prev_next;
	node->prev_next = NULL;
	table->n--;
}

static struct table_node *skip_to(struct table_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *table_find(const struct table *table, uint64_t hash)
{
	if (!table->n_buckets)
		return NULL;
	return skip_to(table->buckets[hash & (table->n_buckets - 1)], hash);
}

struct table_node *table_find_next(const struct table_node *node)
{
	return skip_to(node->next, node->hash);
}
