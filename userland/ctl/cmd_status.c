// SPDX-License-Identifier: MIT
#include <errno.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "nl/names_gen.h"
#include "policy/bus.h"

static void print_mode(FILE *file, const void *row)
{
	const struct policy_status_info *status = row;
	int mode = status->mode ? nl_mode_from_name(status->mode) : -1;

	if (!status->mode)
		fputs("the driver does not answer; is the module ipsecdrv loaded?", file);
	else if (mode >= 0)
		fprintf(file, "%s: %s", status->mode, nl_mode_text((unsigned int)mode));
	else
		fputs(status->mode, file);
}

static const char *running(bool is_running)
{
	return is_running ? "running" : "not running";
}

static void print_ike(FILE *file, const void *row)
{
	fputs(running(((const struct policy_status_info *)row)->ike), file);
}

static void print_cred(FILE *file, const void *row)
{
	fputs(running(((const struct policy_status_info *)row)->cred), file);
}

static const struct column columns[] = {
	{ "Driver Mode", NULL, print_mode, COLUMN_LIST },
	{ "Fault", "fault", NULL, COLUMN_LIST },
	{ "Driver Version", "driverversion", NULL, COLUMN_LIST },
	{ "Filters in Driver", "filters", NULL, COLUMN_LIST },
	{ "Filter Generation", "generation", NULL, COLUMN_LIST },
	{ "Exemption Level", "exemptlevel", NULL, COLUMN_LIST },
	{ "Policy Agent Version", "agentversion", NULL, COLUMN_LIST },
	{ "Policy Layers", "layers", NULL, COLUMN_LIST },
	{ "Assigned Policy", "policy", NULL, COLUMN_LIST },
	{ "Policy Store", "store", NULL, COLUMN_LIST },
	{ "Rules", "rules", NULL, COLUMN_LIST },
	{ "Main Mode Policies", "mmpolicies", NULL, COLUMN_LIST },
	{ "Quick Mode Policies", "qmpolicies", NULL, COLUMN_LIST },
	{ "IKE Service", NULL, print_ike, COLUMN_LIST },
	{ "Credentials Service", NULL, print_cred, COLUMN_LIST },
	{ "Main Mode SAs", "mmsas", NULL, COLUMN_LIST },
	{ "Quick Mode SAs", "qmsas", NULL, COLUMN_LIST },
};

static const struct view view = {
	.name = "status",
	.title = "IPSec Status",
	.none = "There is no status.",
	.record = &policy_status_record,
	VIEW_COLUMNS(columns),
};

static enum ctl_exit run_status(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct layout layout = ctl_layout(args);
	struct policy_status_info status;
	char why[POLICY_WHY_LEN] = "";
	enum ctl_exit ret;
	int err;

	ret = ctl_call(ctl, "GetStatus", NULL, &reply);
	if (ret)
		return ret;
	err = policy_bus_read_record(reply, &policy_status_record, &status, why);
	if (err <= 0)
		return ctl_message_error(ctl, err ?: -EBADMSG, why);
	ret = ctl_print_view(ctl, &layout, &view, &status, 1);
	policy_record_clear(&policy_status_record, &status);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "status",
		.text = "print the state of driver and services",
		.flags = CTL_COMMAND_DRY,
		.run = run_status,
	},
};

const struct ctl_command_set ctl_status_set = CTL_COMMAND_SET(commands);
