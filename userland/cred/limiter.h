/* SPDX-License-Identifier: MIT */
#ifndef CRED_LIMITER_H
#define CRED_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct ip_addr;

/*
 * How often secrets may be used: a bucket of tokens for each pair of addresses and one for all.
 * Negotiation needs one token per main mode; who holds a captured IKE process would like more.
 *
 * Memory is fixed. Buckets share a table of sets; in a full set the fullest bucket, which is the one
 * whose loss gives least away, makes room.
 */
struct limiter;

struct limiter_config {
	uint32_t pair_per_second;
	uint32_t pair_burst;
	uint32_t all_per_second;
	uint32_t all_burst;
};

/* @key: 16 random bytes. NULL without memory. */
struct limiter *limiter_new(const struct limiter_config *config, const uint8_t key[static 16]);
struct limiter *limiter_free(struct limiter *limiter);
/* Takes a token from both buckets, or none. @now in ms, never going back. */
bool limiter_take(struct limiter *limiter, uint64_t now, const struct ip_addr *local,
		  const struct ip_addr *remote);

#endif
