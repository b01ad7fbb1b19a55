/* SPDX-License-Identifier: MIT */
#ifndef IKE_DELETION_H
#define IKE_DELETION_H

#include "ike/core.h"

/*
 * Deletes that we send, and answers to those of the peer (RFC 2408, section 5.15; [MS-IKEE],
 * section 3.8). To most peers one message goes, and may get lost:
 *
 *   HDR*, HASH(1), D -->
 *
 * Windows from XP on, and we ourselves, acknowledge; then it is repeated after 1, 2, 4, 8 and 16
 * seconds, until the answer is there:
 *
 *   HDR*, HASH(1), Ni, D -->          HASH(1) = prf(SKEYID_a, M-ID | Ni | D)
 *   <-- HDR*, HASH(2), D, Nr          HASH(2) = prf(SKEYID_a, Ni_b | M-ID | Nr | D)
 *
 * The main mode itself may be what is deleted. So each of these knows all that is needed without
 * it: one that waits for its answer has a copy of the keys; an answer, kept because the peer may
 * not have received it, is the finished message.
 */

struct ike_mm;

/* Pairs of SAs, by our inbound SPIs; 0 entries are left out. */
void deletion_send(struct ike_engine *engine, struct ike_mm *mm,
		   const struct ike_sa_suite *suites, size_t n_suites);
/* The main mode; the SAs made under it are not meant. */
void deletion_send_mm(struct ike_engine *engine, struct ike_mm *mm);

/*
 * True if the message belongs to a deletion: an answer to ours, or one that was answered before
 * and is answered again. Works without the main mode.
 */
bool deletion_receive(struct ike_engine *engine, const struct ike_path *path,
		      struct bytes datagram, const struct wire_header *header);
/* Answers an authentic delete of the peer, if it has a nonce and so waits for that. */
void deletion_answer(struct ike_engine *engine, const struct ike_mm *mm, struct bytes datagram,
		     const struct wire_message *message);

void deletion_init(struct ike_engine *engine);
void deletion_free_all(struct ike_engine *engine);

#endif
