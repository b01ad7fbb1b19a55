// SPDX-License-Identifier: MIT
#include "cred/limiter.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/siphash.h"

#define SETS 2048
#define WAYS 4

/* Tokens in thousandths, so that a rate per second adds whole numbers per millisecond. */
#define TOKEN UINT64_C(1000)

struct bucket {
	uint64_t tokens;
	uint64_t since;
};

struct pair {
	struct ip_addr local;
	struct ip_addr remote;
	struct bucket bucket;
	bool is_used;
};

struct limiter {
	struct limiter_config config;
	struct siphash_key key;
	struct bucket all;
	struct pair pairs[SETS][WAYS];
};

static void refill(struct bucket *bucket, uint64_t now, uint32_t per_second, uint32_t burst)
{
	uint64_t full = burst * TOKEN;
	uint64_t gone = now > bucket->since ? now - bucket->since : 0;

	/* a product that does not overflow: after this time any bucket is full */
	if (gone > full)
		gone = full;
	bucket->tokens += gone * per_second;
	if (bucket->tokens > full)
		bucket->tokens = full;
	bucket->since = now;
}

struct limiter *limiter_new(const struct limiter_config *config, const uint8_t key[static 16])
{
	struct limiter *limiter = calloc(1, sizeof(*limiter));

	if (!limiter)
		return NULL;
	limiter->config = *config;
	limiter->key = siphash_key_from_bytes(key);
	limiter->all.tokens = config->all_burst * TOKEN;
	return limiter;
}

struct limiter *limiter_free(struct limiter *limiter)
{
	free(limiter);
	return NULL;
}

static struct pair *set_of(struct limiter *limiter, const struct ip_addr *local,
			   const struct ip_addr *remote)
{
	struct ip_addr both[2] = { *local, *remote };

	return limiter->pairs[siphash(&limiter->key, both, sizeof(both)) % SETS];
}

static struct pair *find(struct limiter *limiter, uint64_t now, const struct ip_addr *local,
			 const struct ip_addr *remote)
{
	const struct limiter_config *config = &limiter->config;
	struct pair *set = set_of(limiter, local, remote);
	struct pair *victim = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct pair *pair = &set[i];

		if (!pair->is_used) {
			if (!victim || victim->is_used)
				victim = pair;
			continue;
		}
		refill(&pair->bucket, now, config->pair_per_second, config->pair_burst);
		if (ip_addr_is_equal(&pair->local, local) &&
		    ip_addr_is_equal(&pair->remote, remote))
			return pair;
		if (!victim || (victim->is_used && pair->bucket.tokens > victim->bucket.tokens))
			victim = pair;
	}
	*victim = (struct pair){
		.local = *local,
		.remote = *remote,
		.bucket = { .tokens = config->pair_burst * TOKEN, .since = now },
		.is_used = true,
	};
	return victim;
}

bool limiter_take(struct limiter *limiter, uint64_t now, const struct ip_addr *local,
		  const struct ip_addr *remote)
{
	struct pair *pair;

	refill(&limiter->all, now, limiter->config.all_per_second, limiter->config.all_burst);
	if (limiter->all.tokens < TOKEN)
		return false;
	pair = find(limiter, now, local, remote);
	if (pair->bucket.tokens < TOKEN)
		return false;
	pair->bucket.tokens -= TOKEN;
	limiter->all.tokens -= TOKEN;
	return true;
}
