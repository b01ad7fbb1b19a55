/* SPDX-License-Identifier: MIT */
#ifndef IKE_ADMISSION_H
#define IKE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "ike/wire.h"

struct ike_path;
struct ip_addr;

/*
 * What a stranger may make us do before any state exists: token buckets per source (IPv4 address
 * or IPv6 /64) in a table of fixed size, and responder cookies that need no memory.
 */

#define ADMISSION_SETS 1024
#define ADMISSION_WAYS 4

struct admission_bucket {
	uint64_t source;	/* keyed hash; 0: unused */
	uint64_t stamp;		/* last use, ms */
	uint32_t mm1;		/* thousandths of a token */
	uint32_t notify;
};

struct admission {
	struct siphash_key key;
	uint8_t secret[32];
	struct admission_bucket buckets[ADMISSION_SETS][ADMISSION_WAYS];
};

/* @seed: 48 unpredictable bytes. */
void admission_init(struct admission *a, const uint8_t seed[static 48]);
/* Keyed hash of the source that counts: /32 or /64. */
uint64_t admission_source(const struct admission *a, const struct ip_addr *addr);

/* 10 per second, burst 20: a first message of main mode may be looked at. */
bool admission_allow_mm1(struct admission *a, uint64_t now, const struct ip_addr *from);
/* 1 per second, burst 3: an error notify in clear may be sent. */
bool admission_allow_notify(struct admission *a, uint64_t now, const struct ip_addr *from);

/*
 * Responder cookie of (initiator cookie, addresses, ports): HMAC-SHA-256 with a secret that
 * changes every 150 s. is_valid accepts the present and the previous secret.
 */
int admission_cookie(const struct admission *a, uint64_t now, const struct ike_path *path,
		     const uint8_t icookie[static WIRE_COOKIE_LEN],
		     uint8_t ret_cookie[static WIRE_COOKIE_LEN]);
bool admission_is_cookie_valid(const struct admission *a, uint64_t now,
			       const struct ike_path *path,
			       const uint8_t icookie[static WIRE_COOKIE_LEN],
			       const uint8_t cookie[static WIRE_COOKIE_LEN]);

#endif
