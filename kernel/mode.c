// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <uapi/linux/ipsecdrv.h>

#include "mode.h"

/*
 *                    out      in
 * startup-permit     pass     pass       <- load, no policy ever assigned
 * startup-stateful   open     answer     <- load, policy assigned but not here yet
 * startup-block      boot     boot
 * secure             filter   filter     <- the agent, once filters are in
 * permit             pass     pass       <- the agent's manual stop
 * block              drop     drop       <- the agent, when policy cannot be applied
 *
 * Operational modes follow each other in any order; a startup mode, once left, does not return.
 */
static const struct ipd_mode {
	const char *name;
	enum ipd_mode_rule rule[__IPSECDRV_DIRECTION_MAX];
	bool startup;
} ipd_modes[__IPSECDRV_MODE_MAX] = {
	[IPSECDRV_MODE_PERMIT] = {
		.name = "permit",
		.rule = { IPD_MODE_RULE_PASS, IPD_MODE_RULE_PASS },
	},
	[IPSECDRV_MODE_SECURE] = {
		.name = "secure",
		.rule = { IPD_MODE_RULE_FILTER, IPD_MODE_RULE_FILTER },
	},
	[IPSECDRV_MODE_BLOCK] = {
		.name = "block",
		.rule = { IPD_MODE_RULE_DROP, IPD_MODE_RULE_DROP },
	},
	[IPSECDRV_MODE_STARTUP_PERMIT] = {
		.name = "startup-permit",
		.rule = { IPD_MODE_RULE_PASS, IPD_MODE_RULE_PASS },
		.startup = true,
	},
	[IPSECDRV_MODE_STARTUP_STATEFUL] = {
		.name = "startup-stateful",
		.rule = { IPD_MODE_RULE_OPEN, IPD_MODE_RULE_ANSWER },
		.startup = true,
	},
	[IPSECDRV_MODE_STARTUP_BLOCK] = {
		.name = "startup-block",
		.rule = { IPD_MODE_RULE_BOOT, IPD_MODE_RULE_BOOT },
		.startup = true,
	},
};

enum ipd_mode_rule ipd_mode_rule(u8 mode, u8 direction)
{
	if (mode >= ARRAY_SIZE(ipd_modes) || direction >= __IPSECDRV_DIRECTION_MAX)
		return IPD_MODE_RULE_DROP;
	return ipd_modes[mode].rule[direction];
}

bool ipd_mode_is_protecting(u8 mode)
{
	return ipd_mode_rule(mode, IPSECDRV_DIRECTION_OUT) != IPD_MODE_RULE_PASS ||
	       ipd_mode_rule(mode, IPSECDRV_DIRECTION_IN) != IPD_MODE_RULE_PASS;
}

bool ipd_mode_is_startup(u8 mode)
{
	return mode < ARRAY_SIZE(ipd_modes) && ipd_modes[mode].startup;
}

const char *ipd_mode_name(u8 mode)
{
	return mode < ARRAY_SIZE(ipd_modes) ? ipd_modes[mode].name : "unknown";
}
