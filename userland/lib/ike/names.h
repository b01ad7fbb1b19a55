/* SPDX-License-Identifier: MIT */
#ifndef IKE_NAMES_H
#define IKE_NAMES_H

#include <stdint.h>

/*
 * Names of protocol numbers, in the spelling of the RFCs. The tables are in names.def, one row per
 * number; numbers without a row give "?".
 */

enum ike_notify {
#define NOTIFY(number, id, name) IKE_NOTIFY_##id = (number),
#include "ike/names.def"
};

const char *ike_payload_name(uint8_t type);
const char *ike_exchange_name(uint8_t exchange);
const char *ike_notify_name(uint16_t type);
/* Attribute classes of phase 1 (RFC 2409, appendix A) and phase 2 (RFC 2407, section 4.5). */
const char *ike_mm_attribute_name(uint16_t type);
const char *ike_qm_attribute_name(uint16_t type);

#endif
