/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters: how the driver starts in the initial namespace.
 */
#ifndef IPD_PARAM_H
#define IPD_PARAM_H

#include <linux/types.h>

struct ipd_boot_exempts;

/* Set while the module is loaded, never changed after that, and gone with the module. */
struct ipd_params {
	u8 startup_mode;		/* enum ipsecdrv_mode, one of the startup modes */
	u8 exempt_level;
	struct ipd_boot_exempts *boot_exempts;	/* NULL when there are none */
};

extern struct ipd_params ipd_params;

#endif /* IPD_PARAM_H */
