/* SPDX-License-Identifier: MIT */
#ifndef IKE_CONNECTED_H
#define IKE_CONNECTED_H

#include "ike/qm.h"

/*
 * The commit bit of quick mode (RFC 2408, section 3.1), which Windows sets as responder: nothing
 * may be sent under the new keys before the responder says that it is ready.
 *
 *   HDR*, HASH(1), SA, Ni ... -->
 *                     <-- HDR* with the bit, HASH(2), SA, Nr ...
 *   (installs inbound)
 *   HDR*, HASH(3) -->
 *                     (installs outbound)
 *                     <-- HDR* with the bit, HASH(4), N(CONNECTED)
 *   (installs outbound; packets that wait for it leave)
 *
 * HASH(4) = prf(SKEYID_a, M-ID | N). The fourth message is one of the same exchange; RFC 2408 has it
 * as an informational one, which is taken as well.
 *
 * As initiator we wait a few seconds, repeating message 3, and then go on without it: whoever set
 * the bit has had message 3 by then or never will. The bit is not authentic; who forges it can make
 * us wait or not wait, no more. As responder we set it for Windows alone: to
 * others it would be news, and with our order of installation it says nothing new.
 */

/* Message 2 had the bit: whoever answers will say CONNECTED. */
bool connected_is_awaited(const struct wire_header *header);

/* Initiator, inbound SAs installed: HDR*, HASH(3) -->, and wait. */
void connected_wait(struct ike_engine *engine, struct ike_qm *qm);
/* <-- HDR*, HASH(4), N(CONNECTED) */
void connected_receive(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
		       const struct wire_header *header);
/* The same in an informational exchange, which is authentic. */
void connected_notified(struct ike_engine *engine, struct ike_mm *mm,
			const struct wire_notify *notify);
void connected_timeout(struct ike_engine *engine, struct ike_qm *qm);
/* Without waiting any longer. */
void connected_go_on(struct ike_engine *engine, struct ike_qm *qm);

/* Responder: whether the peer gets the bit, and the message that it waits for then. */
bool connected_is_promised(const struct ike_qm *qm);
int connected_send(struct ike_engine *engine, struct ike_qm *qm);

#endif
