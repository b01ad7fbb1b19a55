/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): for hash tables whose keys strangers choose. With a
 * random key nobody outside can make entries collide.
 */
struct siphash_key {
	uint64_t k0;
	uint64_t k1;
};

/* Key from 16 bytes, little endian as in the reference. */
struct siphash_key siphash_key_from_bytes(const uint8_t bytes[static 16]);
uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

#endif
