// SPDX-License-Identifier: MIT
#include "ctl/status.h"

static enum ctl_exit run_status(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(status_done) struct status status = { .has_agent = false };
	enum ctl_exit ret = status_read(ctl, &status);

	(void)args;
	if (!ret)
		ret = ctl->json ? status_print_json(ctl, &status) : status_print(ctl, &status);
	if (!ret && status.n_attentions)
		ret = CTL_EXIT_FAILED;
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "status",
		.text = "print how driver, policy and services are",
		.remarks = "What somebody has to see to comes first, each behind \"!\", with what to "
			   "do; then the exit status is 1. Without the policy agent the driver is "
			   "asked. Failures are those of peers with which nothing has succeeded since.",
		.flags = CTL_COMMAND_DRY,
		.run = run_status,
	},
};

const struct ctl_command_set ctl_status_set = CTL_COMMAND_SET(commands);
