/* SPDX-License-Identifier: MIT */
#ifndef IKE_MAIN_MODE_STEPS_H
#define IKE_MAIN_MODE_STEPS_H

#include "ike/mm.h"

/*
 * What both sides of main mode do, shared by main_mode.c, main_mode_initiator.c and
 * main_mode_responder.c.
 */

/* How long others may take to answer us. */
#define MM_REQUEST_WAIT_MS 30000

/* Each side enforces the shorter one; nobody can make us renew every second. 0: nothing said. */
uint32_t main_mode_agree_life(const struct ike_engine *engine, uint32_t ours, uint32_t theirs);

/* --- steps ---------------------------------------------------------------------------------- */

/*
 * Begins KE, KEY or PROOF. When it is done, maybe at once, the side goes on, and the main mode may
 * be gone.
 */
void main_mode_step(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step);
/* Begins VERDICT on a message that was opened, which came by @path. */
void main_mode_judge(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
		     const struct wire_message *message);
/* Where each side goes on after a step that went well, */
void main_mode_initiator_next(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step);
void main_mode_responder_next(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step);
/* and after one that did not: negotiation->failure says why. */
void main_mode_initiator_failed(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step);
void main_mode_responder_failed(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step);

/* --- messages ------------------------------------------------------------------------------- */

/*
 * KE and nonce of message 3 or 4 as far as they can be checked before any secret is computed.
 * -EBADMSG, -EINVAL.
 */
int main_mode_check_ke(unsigned int group, const struct wire_message *message, struct bytes *ret_ke,
		       struct bytes *ret_nonce);
/* Our half of the key exchange, and the message that carries it. */
int main_mode_send_ke(struct ike_engine *engine, struct ike_mm *mm);
/* Message 5 or 6. Moves the IV on. */
int main_mode_send_proof(struct ike_engine *engine, struct ike_mm *mm);
/*
 * Decrypts message 5 or 6 and moves the IV on. -EBADMSG: made by somebody who does not have our
 * keys, and counted; it may have ended the main mode.
 */
int main_mode_open_proof(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			 const struct wire_header *header, struct wire_message *ret_message);
/* Keeps the newest of those that come too early: an earlier one may be forged. */
void main_mode_queue(struct ike_mm *mm, const struct ike_path *path, struct bytes datagram);
/* Sends and remembers a message in clear. */
int main_mode_send_clear(struct ike_engine *engine, struct ike_mm *mm, struct wire_out *out);
/* What an administrator should look at when messages 5 and 6 meet no approval; or nothing. */
const char *main_mode_key_hint(const struct ike_mm *mm);
/* Established; what was queued is taken up. */
void main_mode_establish(struct ike_engine *engine, struct ike_mm *mm);

/* --- what a message that was received does --------------------------------------------------- */

/* <-- HDR, SA, VIDs */
void main_mode_receive_2(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram);
/* <-- HDR, KE, Nr, ... */
void main_mode_receive_4(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram);
/* HDR*, IDii, ... --> */
void main_mode_receive_5(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
			 struct bytes datagram, const struct wire_header *header);
/* <-- HDR*, IDir, ... */
void main_mode_receive_6(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
			 struct bytes datagram, const struct wire_header *header);

/* The initiator's timer: once more, or enough. */
void main_mode_retransmit(struct ike_engine *engine, struct ike_mm *mm);
/* The responder waited long enough for message 5. */
void main_mode_give_up_responder(struct ike_engine *engine, struct ike_mm *mm);

#endif
