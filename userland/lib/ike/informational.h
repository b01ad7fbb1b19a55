/* SPDX-License-Identifier: MIT */
#ifndef IKE_INFORMATIONAL_H
#define IKE_INFORMATIONAL_H

#include "ike/core.h"

/*
 * Informational exchanges of the peer (RFC 2409, section 5.7). What is not encrypted and
 * authenticated is counted and at most remembered as a hint; nothing else comes of it.
 */

/* @mm may be NULL for messages in clear. */
void informational_receive_clear(struct ike_engine *engine, struct ike_mm *mm,
				 struct bytes datagram);
void informational_receive(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			   const struct wire_header *header);

#endif
