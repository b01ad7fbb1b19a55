/* SPDX-License-Identifier: MIT */
#ifndef IKE_SUCCESSION_H
#define IKE_SUCCESSION_H

#include "ike/core.h"

/*
 * Several pairs for the same traffic, and which of them stays. Drivers send by the newest and
 * receive by all, so there is no hurry; but both sides have to keep the same one, whatever order
 * they saw them come in.
 *
 * Of those that one side began the newest counts; what it replaces is deleted by that side a few
 * seconds later. Of what is left, one from each side, the newer counts, unless they crossed on
 * the wire: then each side may think that its own is the older. So the one with the higher message
 * id counts, and the other is deleted by its initiator half a minute later.
 *
 *   A begins 3 and then 4, B begins 2 at the same time; message ids: 4 < 2 < 3
 *   A sees 3, 4, 2:   3 is replaced by 4, 4 loses against 2
 *   B sees 3, 2, 4:   2 loses against 3; 3 is replaced by 4; now 4 loses against 2, which stays
 *
 * A pair that was replaced counts again when the others are gone.
 */

struct ike_child;

/* The pair is new. */
void succession_settle(struct ike_engine *engine, struct ike_child *child);
/* It has gone; the others may be needed. */
void succession_revive(struct ike_engine *engine, const struct ike_child *gone);
/* Its end, unless something else ends it before. */
void succession_set_overdue(struct ike_engine *engine, struct ike_child *child);

#endif
