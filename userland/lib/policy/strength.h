/* SPDX-License-Identifier: MIT */
#ifndef POLICY_STRENGTH_H
#define POLICY_STRENGTH_H

#include "policy/model.h"

/*
 * What is wrong with the algorithms of an offer today.
 *
 * Broken: DES and Diffie-Hellman group 1 have been broken in public; group 2 is within reach of
 * states (RFC 8247 2.4: SHOULD NOT, and MUST NOT for group 1); MD5 is broken as a hash (MUST NOT as
 * a keyed one, RFC 8221 6 and RFC 8247 2.3, although nobody has broken HMAC-MD5); ESP that encrypts
 * and does not authenticate can be altered, and is read by who alters it.
 *
 * Weak: 3DES has blocks of 64 bits, which limits how much one key may protect; SHA1 is broken as a
 * hash and holds as a keyed one; group 5 has 1536 bits. Nothing that Windows 2000 to 2003 speaks is
 * better than these, group 14 aside.
 */
enum policy_flaw {
	POLICY_FLAW_DES			= 1 << 0,
	POLICY_FLAW_MD5			= 1 << 1,
	POLICY_FLAW_GROUP_1		= 1 << 2,
	POLICY_FLAW_GROUP_2		= 1 << 3,
	POLICY_FLAW_NO_INTEGRITY	= 1 << 4,
	POLICY_FLAW_3DES		= 1 << 5,
	POLICY_FLAW_SHA1		= 1 << 6,
	POLICY_FLAW_GROUP_5		= 1 << 7,
};

#define POLICY_FLAWS_BROKEN	(POLICY_FLAW_DES | POLICY_FLAW_MD5 | POLICY_FLAW_GROUP_1 | \
				 POLICY_FLAW_GROUP_2 | POLICY_FLAW_NO_INTEGRITY)
#define POLICY_FLAWS_WEAK	(POLICY_FLAW_3DES | POLICY_FLAW_SHA1 | POLICY_FLAW_GROUP_5)

/* A sum of enum policy_flaw; 0: none. */
unsigned int policy_mm_offer_flaws(const struct policy_mm_offer *offer);
unsigned int policy_qm_offer_flaws(const struct policy_qm_offer *offer);
/* Of a group by its IKE number, or a pfs group: those that name no group have no flaw. */
unsigned int policy_group_flaws(uint8_t group);

#endif /* POLICY_STRENGTH_H */
