/* SPDX-License-Identifier: MIT */
#ifndef IKE_MAIN_MODE_H
#define IKE_MAIN_MODE_H

#include "ike/core.h"

struct half_open;
struct wire_notify;

/*
 * RFC 2409, section 5.4:
 *
 *   HDR, SA          -->                HDR* is encrypted
 *                    <--  HDR, SA
 *   HDR, KE, Ni      -->
 *                    <--  HDR, KE, Nr
 *   HDR*, IDii, HASH -->
 *                    <--  HDR*, IDir, HASH
 */

/* Sends message 1; NULL when that was impossible, with the reason in *ret_reason. */
struct ike_mm *main_mode_start(struct ike_engine *engine, struct ike_peer *peer,
			       const struct ike_mm_policy *policy, enum ike_reason *ret_reason);

/* A message of the main mode exchange for @mm. */
void main_mode_receive(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
		       struct bytes datagram, const struct wire_header *header);
/* Message 3 for a half-open one. */
void main_mode_receive_3(struct ike_engine *engine, struct half_open *half_open,
			 const struct ike_path *path, struct bytes datagram,
			 const struct wire_message *message);
/*
 * A message of another exchange for a main mode that is not established: false if it is nothing
 * to wait with.
 */
bool main_mode_receive_early(struct ike_mm *mm, const struct ike_path *path, struct bytes datagram);
/* @job is NULL if @error says that there is none. */
void main_mode_keys_reply(struct ike_engine *engine, struct ike_mm *mm, int error,
			  struct ike_job *job);
/* How the step that the main mode waits for has ended; it may be gone afterwards. */
void main_mode_step_done(struct ike_engine *engine, struct ike_mm *mm, int error);
/* Retransmission and give-up. */
void main_mode_timer(struct timer *timer, void *userdata);
/* An error notify in clear with our cookies: remembered, not believed. */
void main_mode_note_notify(struct ike_mm *mm, uint16_t type, enum ike_reason reason);
/* The peer's cookie challenge to our message 1. */
void main_mode_dos_cookie(struct ike_engine *engine, struct ike_mm *mm, struct bytes cookie);
/* An authenticated error notify while message 6 is awaited. */
void main_mode_refused(struct ike_engine *engine, struct ike_mm *mm, uint16_t type,
		       enum ike_reason reason);

/*
 * The policy as we can offer or accept it: algorithms and methods that are there. Otherwise the
 * reason why nothing is left.
 */
enum ike_reason main_mode_usable_policy(const struct ike_mm_policy *policy,
					struct ike_mm_policy *ret_usable);

#endif
