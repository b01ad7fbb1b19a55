/* SPDX-License-Identifier: MIT */
#ifndef IKE_PROTECTED_H
#define IKE_PROTECTED_H

#include "ike/core.h"
#include "ike/keys.h"

/*
 * An informational message under construction: HDR*, HASH, and what the caller adds to @out. It is
 * written to the engine's buffer for messages that are sent while another is being built.
 */
struct protected_message {
	struct wire_out out;
	const struct mm_keys *keys;
	uint32_t message_id;
	size_t hash_at;
};

/* With a new message id of the main mode; -EIO. */
int protected_begin(struct ike_engine *engine, struct ike_mm *mm, struct protected_message *m);
/* In an exchange that the peer has begun. */
void protected_begin_answer(struct ike_engine *engine, const struct ike_mm *mm,
			    uint32_t message_id, struct protected_message *m);

/* HASH(1), the first IV of the exchange, which moves on, and encryption; {NULL, 0} on failure. */
struct bytes protected_finish(const struct ike_mm *mm, struct protected_message *m,
			      uint8_t iv[static IKE_BLOCK_MAX_LEN]);
/* The same when the caller has filled in its own HASH at protected_hash(). */
struct bytes protected_seal(struct protected_message *m, uint8_t iv[static IKE_BLOCK_MAX_LEN]);
uint8_t *protected_hash(struct protected_message *m);
/* All that follows HASH. */
struct bytes protected_after(const struct protected_message *m);

#endif
