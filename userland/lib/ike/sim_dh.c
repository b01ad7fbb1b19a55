// SPDX-License-Identifier: MIT
/*
 * Diffie-Hellman that costs nothing and hides nothing, for the fuzzer alone: whoever links this
 * file has it in place of dh.c. A private key is random bytes and so is the public value, since
 * they are the same; two of them agree on their exclusive or. Lengths are the real ones, so that
 * messages are as long, and cut into fragments, as they would be.
 */
#include <errno.h>
#include <stdlib.h>

#include "ike/dh.h"
#include "ike/sim.h"

struct dh_key {
	unsigned int group;
	size_t len;
	uint8_t value[];
};

static uint64_t rng = 0x2545f4914f6cdd1d;

size_t dh_public_len(unsigned int group)
{
	switch (group) {
	case IKE_GROUP_MODP1024:
		return 128;
	case IKE_GROUP_MODP2048:
		return 256;
	case IKE_GROUP_MODP4096:
		return 512;
	case IKE_GROUP_MODP8192:
		return DH_MAX_LEN;
	case IKE_GROUP_ECP256:
		return 64;
	default:
		return 0;
	}
}

size_t dh_secret_len(unsigned int group)
{
	return group == IKE_GROUP_ECP256 ? 32 : dh_public_len(group);
}

int dh_prepare(unsigned int group)
{
	return dh_public_len(group) ? 0 : -EINVAL;
}

struct dh_key *dh_key_new(unsigned int group)
{
	size_t len = dh_public_len(group);
	struct dh_key *key = len ? malloc(sizeof(*key) + len) : NULL;

	if (!key)
		return NULL;
	key->group = group;
	key->len = len;
	for (size_t i = 0; i < len; i++)
		key->value[i] = (uint8_t)(sim_random(&rng) >> 32);
	/* as a peer's it would be refused */
	key->value[0] |= 1;
	return key;
}

struct dh_key *dh_key_free(struct dh_key *key)
{
	free(key);
	return NULL;
}

unsigned int dh_key_group(const struct dh_key *key)
{
	return key->group;
}

struct bytes dh_key_public(const struct dh_key *key)
{
	return (struct bytes){ key->value, key->len };
}

/* Zero is no value of any group. */
int dh_check_public(unsigned int group, struct bytes peer)
{
	size_t i = 0;

	if (!peer.len || peer.len != dh_public_len(group))
		return -EINVAL;
	while (i < peer.len && !peer.data[i])
		i++;
	return i < peer.len ? 0 : -EINVAL;
}

int dh_derive(const struct dh_key *key, struct bytes peer, uint8_t *secret)
{
	if (dh_check_public(key->group, peer))
		return -EINVAL;
	for (size_t i = 0; i < dh_secret_len(key->group); i++)
		secret[i] = key->value[i] ^ peer.data[i];
	return 0;
}
