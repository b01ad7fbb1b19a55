/* SPDX-License-Identifier: MIT */
#ifndef IKE_DH_RING_H
#define IKE_DH_RING_H

#include <stddef.h>

struct dh_key;

/*
 * Key pairs made ahead of need; each is used once. Groups are added when they are first asked
 * for, so the ring holds only what the policy uses.
 */
struct dh_ring;

struct dh_ring *dh_ring_new(size_t per_group);
struct dh_ring *dh_ring_free(struct dh_ring *ring);
/* A stored pair, or NULL; either way more of that group will be wanted. */
struct dh_key *dh_ring_pop(struct dh_ring *ring, unsigned int group);
/* A group of which a pair is missing, 0 if none is. */
unsigned int dh_ring_wants(const struct dh_ring *ring);
/* Takes the pair; frees it if it has enough of the kind. */
void dh_ring_put(struct dh_ring *ring, struct dh_key *key);

#endif
