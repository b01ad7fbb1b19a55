/* SPDX-License-Identifier: MIT */
#ifndef IKE_STATUS_H
#define IKE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "ike/reason.h"
#include "ike/wire.h"

/*
 * NOTIFY_STATUS ([MS-IKEE], section 2.2.6): why something failed, as an error number of Windows.
 * About a quick mode the message id comes first:
 *
 *   N(40003): 00 00 35 e9			13801, of a main mode
 *   N(40003): 12 34 56 78  00 00 35 ea		13802, of the quick mode 0x12345678
 *
 * Windows and we ourselves get it beside the notify of the RFCs, which tells less.
 */

/* Nothing for peers that do not know it. @message_id 0: a main mode. */
void status_add(struct wire_out *out, uint32_t vids, uint32_t message_id, enum ike_reason reason);
/* False for one that is malformed. A number that is none of ours is IKE_REASON_GENERAL. */
bool status_read(const struct wire_notify *notify, enum ike_reason *ret_reason);

#endif
