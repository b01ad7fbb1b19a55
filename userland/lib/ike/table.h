/* SPDX-License-Identifier: MIT */
#ifndef IKE_TABLE_H
#define IKE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Hash table whose nodes live inside the objects. The caller computes the hash, with a key that
 * strangers do not know, and compares the objects; equal hashes may share a chain with others.
 */
struct table_node {
	struct table_node *next;
	struct table_node **prev_next;	/* NULL: not in a table */
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t n_buckets;	/* power of two, or 0 before the first entry */
	size_t n;
};

/* Frees the buckets; the nodes are the caller's. */
void table_done(struct table *table);
/* -ENOMEM only for the first entry; later ones merely make longer chains. */
int table_add(struct table *table, struct table_node *node, uint64_t hash);
/* No effect on a node that is not in a table. */
void table_remove(struct table *table, struct table_node *node);
/* First node with @hash, and the next one after @node; NULL at the end. */
struct table_node *table_find(const struct table *table, uint64_t hash);
struct table_node *table_find_next(const struct table_node *node);

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#endif
