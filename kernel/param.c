// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters. They are read before anything of the module runs. A value that is not
 * understood refuses the module, with a line in the kernel log that names the parameter: to start
 * with less protection than was asked for would be worse than not to start.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <uapi/linux/ipsecdrv.h>

#include "boot_exempt.h"
#include "exempt.h"
#include "param.h"

struct ipd_params ipd_params = {
	.startup_mode = IPSECDRV_MODE_STARTUP_PERMIT,
	.exempt_level = IPD_EXEMPT_LEVEL_DEFAULT,
};

/* --- startup_mode ------------------------------------------------------------------ */

static const struct {
	const char *name;
	u8 mode;
} startup_modes[] = {
	{ "permit", IPSECDRV_MODE_STARTUP_PERMIT },
	{ "stateful", IPSECDRV_MODE_STARTUP_STATEFUL },
	{ "block", IPSECDRV_MODE_STARTUP_BLOCK },
};

static int set_startup_mode(const char *value, const struct kernel_param *param)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(startup_modes); i++) {
		if (!strcasecmp(value, startup_modes[i].name)) {
			ipd_params.startup_mode = startup_modes[i].mode;
			return 0;
		}
	}
	pr_err("%s=%s: permit, stateful or block is expected\n", param->name, value);
	return -EINVAL;
}

static int get_startup_mode(char *buffer, const struct kernel_param *param)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(startup_modes); i++)
		if (startup_modes[i].mode == ipd_params.startup_mode)
			return sysfs_emit(buffer, "%s\n", startup_modes[i].name);
	return -EINVAL;
}

static const struct kernel_param_ops startup_mode_ops = {
	.set = set_startup_mode,
	.get = get_startup_mode,
};

module_param_cb(startup_mode, &startup_mode_ops, NULL, 0444);
MODULE_PARM_DESC(startup_mode, "What passes before the policy agent: permit (default), stateful, block");

/* --- boot_exempt ------------------------------------------------------------------- */

static int set_boot_exempt(const char *value, const struct kernel_param *param)
{
	struct ipd_boot_exempts *list;
	const char *why, *at;
	int err;

	err = ipd_boot_exempts_parse(value, &list, &why, &at);
	if (err == -EINVAL)
		pr_err("%s: \"%.*s\": %s\n", param->name, (int)strcspn(at, ", \t\n"), at, why);
	if (err)
		return err;
	ipd_boot_exempts_free(ipd_params.boot_exempts);	/* of the parameter given before */
	ipd_params.boot_exempts = list;
	return 0;
}

static int get_boot_exempt(char *buffer, const struct kernel_param *param)
{
	ipd_boot_exempts_print(ipd_params.boot_exempts, buffer, PAGE_SIZE - 1);
	strcat(buffer, "\n");
	return strlen(buffer);
}

/* also after a module that was refused */
static void free_boot_exempt(void *arg)
{
	ipd_boot_exempts_free(ipd_params.boot_exempts);
	ipd_params.boot_exempts = NULL;
}

static const struct kernel_param_ops boot_exempt_ops = {
	.set = set_boot_exempt,
	.get = get_boot_exempt,
	.free = free_boot_exempt,
};

module_param_cb(boot_exempt, &boot_exempt_ops, NULL, 0444);
MODULE_PARM_DESC(boot_exempt, "What else passes in stateful and block: none (default), or a list such as TCP:0:22:inbound,ICMP:inbound");

/* --- exempt ------------------------------------------------------------------------ */

static int set_exempt(const char *value, const struct kernel_param *param)
{
	u8 level;

	if (kstrtou8(value, 10, &level) || level > IPD_EXEMPT_LEVEL_MAX) {
		pr_err("%s=%s: a number from 0 to %u is expected\n", param->name, value,
		       IPD_EXEMPT_LEVEL_MAX);
		return -EINVAL;
	}
	ipd_params.exempt_level = level;
	return 0;
}

static int get_exempt(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%u\n", ipd_params.exempt_level);
}

static const struct kernel_param_ops exempt_ops = {
	.set = set_exempt,
	.get = get_exempt,
};

module_param_cb(exempt, &exempt_ops, NULL, 0444);
MODULE_PARM_DESC(exempt, "Traffic that no filter sees beside IKE: 0 to 3 (default)");
