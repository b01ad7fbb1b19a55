// SPDX-License-Identifier: MIT
#include "ike/admission.h"

#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "ike/crypto.h"
#include "ike/engine.h"

#define SLOT_MS 150000
#define TOKEN 1000
#define MM1_PER_SECOND 10
#define MM1_BURST 20
#define NOTIFY_PER_SECOND 1
#define NOTIFY_BURST 3

void admission_init(struct admission *a, const uint8_t seed[static 48])
{
	memset(a, 0, sizeof(*a));
	a->key = siphash_key_from_bytes(seed);
	memcpy(a->secret, seed + 16, sizeof(a->secret));
}

uint64_t admission_source(const struct admission *a, const struct ip_addr *addr)
{
	struct ip_addr source = *addr;
	uint64_t hash;

	if (addr->family == AF_INET6)
		memset(source.bytes + 8, 0, 8);
	hash = siphash(&a->key, &source, sizeof(source));
	return hash ? hash : 1;
}

static void refill(struct admission_bucket *b, uint64_t now)
{
	uint64_t ms = now - b->stamp;
	uint64_t mm1 = b->mm1 + ms * MM1_PER_SECOND * TOKEN / 1000;
	uint64_t notify = b->notify + ms * NOTIFY_PER_SECOND * TOKEN / 1000;

	b->mm1 = mm1 > MM1_BURST * TOKEN ? MM1_BURST * TOKEN : (uint32_t)mm1;
	b->notify = notify > NOTIFY_BURST * TOKEN ? NOTIFY_BURST * TOKEN : (uint32_t)notify;
	b->stamp = now;
}

/* The source's bucket, in place of the one of its set that was not used for longest. */
static struct admission_bucket *find_bucket(struct admission *a, uint64_t now,
					    const struct ip_addr *from)
{
	uint64_t source = admission_source(a, from);
	struct admission_bucket *set = a->buckets[source % ADMISSION_SETS];
	struct admission_bucket *oldest = set;

	for (size_t i = 0; i < ADMISSION_WAYS; i++) {
		if (set[i].source == source) {
			refill(&set[i], now);
			return &set[i];
		}
		if (!set[i].source || (oldest->source && set[i].stamp < oldest->stamp))
			oldest = &set[i];
	}
	*oldest = (struct admission_bucket){
		.source = source,
		.stamp = now,
		.mm1 = MM1_BURST * TOKEN,
		.notify = NOTIFY_BURST * TOKEN,
	};
	return oldest;
}

static bool take(uint32_t *tokens)
{
	if (*tokens < TOKEN)
		return false;
	*tokens -= TOKEN;
	return true;
}

bool admission_allow_mm1(struct admission *a, uint64_t now, const struct ip_addr *from)
{
	return take(&find_bucket(a, now, from)->mm1);
}

bool admission_allow_notify(struct admission *a, uint64_t now, const struct ip_addr *from)
{
	return take(&find_bucket(a, now, from)->notify);
}

/* The secret of a slot is the keyed hash of its number: nothing to rotate, nothing to store. */
static int cookie_of_slot(const struct admission *a, uint64_t slot, const struct ike_path *path,
			  const uint8_t *icookie, uint8_t *ret_cookie)
{
	uint8_t input[8 + WIRE_COOKIE_LEN + 2 * sizeof(struct ip_addr) + 4], mac[IKE_HASH_MAX_LEN];
	struct writer w = writer_make(input, sizeof(input));
	struct bytes part = { input, sizeof(input) };
	int ret;

	writer_u64(&w, slot);
	writer_put(&w, icookie, WIRE_COOKIE_LEN);
	writer_put(&w, &path->local, sizeof(path->local));
	writer_put(&w, &path->remote, sizeof(path->remote));
	writer_u16(&w, path->local_port);
	writer_u16(&w, path->remote_port);
	ret = crypto_prf(IKE_HASH_SHA256, (struct bytes){ a->secret, sizeof(a->secret) }, &part, 1,
			 mac);
	if (ret)
		return ret;
	/* Zero means "no cookie yet". */
	mac[0] |= 1;
	memcpy(ret_cookie, mac, WIRE_COOKIE_LEN);
	return 0;
}

int admission_cookie(const struct admission *a, uint64_t now, const struct ike_path *path,
		     const uint8_t icookie[static WIRE_COOKIE_LEN],
		     uint8_t ret_cookie[static WIRE_COOKIE_LEN])
{
	return cookie_of_slot(a, now / SLOT_MS, path, icookie, ret_cookie);
}

bool admission_is_cookie_valid(const struct admission *a, uint64_t now,
			       const struct ike_path *path,
			       const uint8_t icookie[static WIRE_COOKIE_LEN],
			       const uint8_t cookie[static WIRE_COOKIE_LEN])
{
	struct bytes given = { cookie, WIRE_COOKIE_LEN };
	uint64_t slot = now / SLOT_MS;
	uint8_t want[WIRE_COOKIE_LEN];

	for (uint64_t back = 0; back <= 1 && back <= slot; back++) {
		if (!cookie_of_slot(a, slot - back, path, icookie, want) &&
		    crypto_is_equal(given, (struct bytes){ want, sizeof(want) }))
			return true;
	}
	return false;
}
