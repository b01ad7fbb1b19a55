/* SPDX-License-Identifier: MIT */
#ifndef IKE_VID_H
#define IKE_VID_H

#include <stdint.h>

#include "base/bytes.h"

struct wire_message;
struct wire_out;

/* Vendor ids that mean something to us, as bits. A vendor id may only enable what policy allows. */
enum vid_flag {
	VID_DPD = 1 << 0,
	VID_MICROSOFT = 1 << 1,		/* any version of "MS NT5 ISAKMPOAKLEY" */
	VID_INITIAL_CONTACT = 1 << 2,
	VID_GSSAPI = 1 << 3,
	VID_NLBS = 1 << 4,		/* cluster member: idle time 60 s */
	VID_NAT_T_RFC3947 = 1 << 5,
	VID_NAT_T_DRAFT_02 = 1 << 6,
	VID_NAT_T_DRAFT_03 = 1 << 7,
	VID_FRAGMENTATION = 1 << 8,
	VID_XAUTH = 1 << 9,
	VID_IPSEC_POLICY = 1 << 10,	/* ourselves */
	VID_WINDOWS_2000 = 1 << 11,	/* beside VID_MICROSOFT */
};

/* Those that we send, in messages 1 and 2. */
#define VID_OURS                                                                    \
	(VID_IPSEC_POLICY | VID_DPD | VID_NAT_T_RFC3947 | VID_NAT_T_DRAFT_02 |      \
	 VID_FRAGMENTATION)

/* 0 for one that we do not know. */
uint32_t vid_match(struct bytes body);
/* All vendor id payloads of the message. */
uint32_t vid_collect(const struct wire_message *message);
/* Appends the known vendor ids of @flags, in the order of the table. */
void vid_add(struct wire_out *out, uint32_t flags);

#endif
