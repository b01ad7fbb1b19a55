// SPDX-License-Identifier: MIT
#include "ike/dh_ring.h"

#include <stdlib.h>

#include "ike/dh.h"

#define RING_GROUPS_MAX 16

struct dh_ring {
	size_t per_group;
	size_t n_groups;
	struct {
		unsigned int group;
		size_t n;
		struct dh_key **keys;
	} groups[RING_GROUPS_MAX];
};

struct dh_ring *dh_ring_new(size_t per_group)
{
	struct dh_ring *ring = calloc(1, sizeof(*ring));

	if (ring)
		ring->per_group = per_group;
	return ring;
}

struct dh_ring *dh_ring_free(struct dh_ring *ring)
{
	for (size_t i = 0; ring && i < ring->n_groups; i++) {
		while (ring->groups[i].n)
			dh_key_free(ring->groups[i].keys[--ring->groups[i].n]);
		free(ring->groups[i].keys);
	}
	free(ring);
	return NULL;
}

static size_t ring_index(const struct dh_ring *ring, unsigned int group)
{
	size_t i = 0;

	while (i < ring->n_groups && ring->groups[i].group != group)
		i++;
	return i;
}

struct dh_key *dh_ring_pop(struct dh_ring *ring, unsigned int group)
{
	size_t i = ring_index(ring, group);

	if (i < ring->n_groups && ring->groups[i].n)
		return ring->groups[i].keys[--ring->groups[i].n];
	if (i == ring->n_groups && i < RING_GROUPS_MAX && dh_public_len(group)) {
		ring->groups[i].keys = calloc(ring->per_group, sizeof(struct dh_key *));
		if (ring->groups[i].keys) {
			ring->groups[i].group = group;
			ring->n_groups++;
		}
	}
	return NULL;
}

unsigned int dh_ring_wants(const struct dh_ring *ring)
{
	for (size_t i = 0; i < ring->n_groups; i++) {
		if (ring->groups[i].n < ring->per_group)
			return ring->groups[i].group;
	}
	return 0;
}

void dh_ring_put(struct dh_ring *ring, struct dh_key *key)
{
	size_t i = ring_index(ring, dh_key_group(key));

	if (i < ring->n_groups && ring->groups[i].n < ring->per_group)
		ring->groups[i].keys[ring->groups[i].n++] = key;
	else
		dh_key_free(key);
}
