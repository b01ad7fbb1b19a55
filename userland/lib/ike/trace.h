/* SPDX-License-Identifier: MIT */
#ifndef IKE_TRACE_H
#define IKE_TRACE_H

#include "base/bytes.h"
#include "ike/core.h"

struct wire_message;

/*
 * The log of every step, oakley.log: what comes and goes, what others are asked and what they say,
 * and how it ends. Names, numbers and lengths only, never the contents of a key, nonce or hash.
 *
 *	192.0.2.2: acquire 1: 192.0.2.1/32 -> 192.0.2.2/32, protocol 0, ports 0 0
 *	192.0.2.2: sent main mode, 164 bytes, cookies 5f2a...-0000..., SA VID VID VID
 *	192.0.2.2: received main mode, 140 bytes, cookies 5f2a...-91c0..., SA VID VID
 *	192.0.2.2: asked for SKEYID
 *	192.0.2.2: SKEYID: answered
 *	192.0.2.2: main mode: AES-256/SHA-256/MODP 2048, preshared key, 28800 s
 *
 * Callers say what they do without asking whether anybody listens: unless somebody does, nothing
 * is formatted.
 */

bool trace_is_on(const struct ike_engine *engine, enum ike_trace_level level);
/* One line about a peer, NULL: about none. */
void trace_say(struct ike_engine *engine, enum ike_trace_level level, const struct ip_addr *peer,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A datagram of ours goes. */
void trace_sent(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram);
/* One has come; @ret_before is for trace_outcome(), and not set when nobody listens. */
void trace_received(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram,
		    struct ike_stats *ret_before);
/* What became of it, as far as it was counted, when it went no further. */
void trace_outcome(struct ike_engine *engine, const struct ike_path *path,
		   const struct ike_stats *before);
/* What was in an encrypted one. */
void trace_decrypted(struct ike_engine *engine, const struct wire_message *message);

void trace_acquire(struct ike_engine *engine, const struct ike_acquire *acquire);
void trace_acquire_end(struct ike_engine *engine, const struct ike_peer *peer, uint64_t id,
		       enum ike_reason reason);
/* Somebody is asked; has answered. */
void trace_request(struct ike_engine *engine, const struct request *request);
void trace_reply(struct ike_engine *engine, const struct request *request,
		 const struct deferred *reply);
void trace_event(struct ike_engine *engine, const struct ike_event *event);

#endif
