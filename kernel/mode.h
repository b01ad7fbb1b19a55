/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver's modes: one table, mode x direction -> what to do with a packet. Pure.
 */
#ifndef IPD_MODE_H
#define IPD_MODE_H

#include <linux/types.h>

enum ipd_mode_rule {
	IPD_MODE_RULE_DROP,	/* first: what an unknown mode does */
	IPD_MODE_RULE_PASS,
	IPD_MODE_RULE_FILTER,	/* exemptions, then filters */
	IPD_MODE_RULE_OPEN,	/* pass, and let the answer in */
	IPD_MODE_RULE_ANSWER,	/* boot exemptions and answers pass, else drop */
	IPD_MODE_RULE_BOOT,	/* boot exemptions pass, else drop */
};

enum ipd_mode_rule ipd_mode_rule(u8 mode, u8 direction);

/* whether any packet may fare otherwise than in permit mode: hooks and the module are needed */
bool ipd_mode_is_protecting(u8 mode);
/* whether only the driver starts in it */
bool ipd_mode_is_startup(u8 mode);
const char *ipd_mode_name(u8 mode);

#endif /* IPD_MODE_H */
