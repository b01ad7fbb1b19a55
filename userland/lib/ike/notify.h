/* SPDX-License-Identifier: MIT */
#ifndef IKE_NOTIFY_H
#define IKE_NOTIFY_H

#include "ike/core.h"

/*
 * Notifies (RFC 2409, section 5.7). None is retransmitted: the peer that misses one finds out by
 * itself.
 */

/* In clear, before there is anything to protect it with; limited per source. */
void notify_send_clear(struct ike_engine *engine, const struct ike_path *path,
		       const uint8_t *icookie, const uint8_t *rcookie, uint16_t type,
		       struct bytes data);
/*
 * Encrypted and authenticated under @mm, which has keys. @protocol and @spi name what it is
 * about.
 */
void notify_send(struct ike_engine *engine, struct ike_mm *mm, uint8_t protocol,
		 struct bytes spi, uint16_t type, struct bytes data);
/* The last word to a peer that failed to prove itself, kept as the answer to duplicates. */
void notify_send_failed(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason);
/* A quick mode of the peer is refused: by the RFC's notify, and the reason for who knows it. */
void notify_refuse(struct ike_engine *engine, struct ike_mm *mm, uint8_t protocol,
		   struct bytes spi, uint32_t message_id, uint16_t type, enum ike_reason reason);
/* The same for a main mode, in clear; @vids are the peer's. */
void notify_refuse_clear(struct ike_engine *engine, const struct ike_path *path,
			 const uint8_t *icookie, const uint8_t *rcookie, uint32_t vids,
			 uint16_t type, enum ike_reason reason);

#endif
