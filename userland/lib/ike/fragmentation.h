/* SPDX-License-Identifier: MIT */
#ifndef IKE_FRAGMENTATION_H
#define IKE_FRAGMENTATION_H

#include "ike/core.h"

/*
 * Fragments between the network and the engine (fragment.h is the logic).
 *
 * Sending is Windows' rule: a message is cut when it has not been answered for the time of the
 * first two retransmissions, so that nothing changes where IP fragments get through; and at once
 * when the peer has sent a message in fragments, because then they do not. A Windows peer gets
 * only messages with identities in fragments, others whatever is too long.
 *
 * Receiving: one message at a time per main mode, for half a minute, and only with cookies that we
 * have given out or the peer has answered with; so whoever makes us keep something receives what we
 * send to its address. In all no more than a few megabytes: then the oldest goes.
 */

struct ike_mm;
struct reassembly;

/* Zero in a half-open or main mode: nothing is being collected. */
void fragmentation_drop(struct ike_engine *engine, struct reassembly **reassembly);
void fragmentation_init(struct ike_engine *engine);

/* A fragment, or what claims to be; a message that is complete is received as if it came whole. */
void fragmentation_receive(struct ike_engine *engine, const struct ike_path *path,
			   struct bytes datagram);

/*
 * Sends the message, whole or in fragments. @first_sent_at: when it was sent for the first time;
 * *id is its id once it has been cut, 0 before.
 */
void fragmentation_send(struct ike_engine *engine, const struct ike_mm *mm, struct bytes message,
			uint64_t first_sent_at, uint16_t *id);

#endif
