/* SPDX-License-Identifier: MIT */
#ifndef IKE_DPD_H
#define IKE_DPD_H

#include "base/timer.h"
#include "ike/core.h"

/*
 * Is the peer still there? Whoever watches the driver tells when packets leave by a pair and none
 * has come for half a minute; without such traffic nobody asks.
 *
 * Peers with the vendor id (RFC 3706) are asked under an established main mode:
 *
 *   t      HDR*, HASH, N(R-U-THERE, n) -->             <-- HDR*, HASH, N(R-U-THERE-ACK, n)
 *   t+2 s  ... n+1 -->
 *   t+6 s  ... n+2 -->
 *   t+14 s nothing, and the pair is still silent: the peer is lost
 *
 * Others, Windows among them, have to show it by a quick mode that renews the silent pair, once the
 * silence has lasted a minute. If nobody answers that, a main mode is begun, and if nobody answers
 * that either, the peer is lost.
 *
 * A lost peer: its main modes and pairs end here (reason 13886), and the next packet asks for new
 * ones. Only authentic answers to what was asked count, and only silence of all of it.
 */

struct ike_child;
struct ike_mm;

/* Of a peer. */
struct dpd {
	struct timer timer;		/* runs while there is a question */
	uint64_t mm_id;			/* under which it was asked */
	uint32_t first;			/* sequence numbers that were sent */
	uint32_t last;
	uint8_t n_sent;
	uint64_t asked_at;
	uint64_t silent_since;		/* reports came without a gap since */
	uint64_t reported_at;
	uint64_t alive_at;		/* last time it answered, 0: never */
	uint64_t renewed_at;		/* a pair, to see whether it does */
};

void dpd_init(struct dpd *dpd);
void dpd_stop(struct ike_engine *engine, struct dpd *dpd);

/* Packets leave by the pair, none come. */
void dpd_silent(struct ike_engine *engine, struct ike_child *child);
/* R-U-THERE: answered, unless its number is older than one before. */
void dpd_answer(struct ike_engine *engine, struct ike_mm *mm, const struct wire_notify *notify);
/* R-U-THERE-ACK */
void dpd_acknowledged(struct ike_engine *engine, struct ike_mm *mm,
		      const struct wire_notify *notify);
/* The peer has taken part in a quick mode. */
void dpd_is_alive(struct ike_engine *engine, struct ike_peer *peer);
/* What was begun to find out whether the peer lives has ended. */
void dpd_judge(struct ike_engine *engine, struct ike_peer *peer, const struct ike_path *path,
	       enum ike_reason reason);

#endif
