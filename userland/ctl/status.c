// SPDX-License-Identifier: MIT
#include "ctl/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "ctl/client.h"
#include "nl/kernel.h"
#include "nl/names_gen.h"
#include "policy/bus.h"

/* --- from the agent ----------------------------------------------------------------------- */

static enum ctl_exit read_info(struct ctl *ctl, struct status *status)
{
	char why[POLICY_WHY_LEN] = "";
	int err = policy_bus_read_record(status->reply, &policy_status_record, &status->info, why);

	return err > 0 ? CTL_EXIT_OK : ctl_message_error(ctl, err ?: -EBADMSG, why);
}

static enum ctl_exit ask_agent(struct ctl *ctl, struct status *status)
{
	enum ctl_exit ret = ctl_call(ctl, "GetStatus", NULL, &status->reply);

	if (!ret)
		ret = read_info(ctl, status);
	if (!ret)
		ret = ctl_read_records(ctl, status->reply, &policy_layer_record,
				       (void **)&status->layers, &status->n_layers);
	if (!ret)
		ret = ctl_read_records(ctl, status->reply, &policy_failure_record,
				       (void **)&status->failures, &status->n_failures);
	if (!ret)
		ret = ctl_read_counters(ctl, status->reply, &status->drops);
	status->has_driver = status->info.mode;
	return ret;
}

/* --- from the driver ---------------------------------------------------------------------- */

static void take_drops(struct ctl_counters *drops, const struct kernel_statistics *statistics)
{
	for (unsigned int i = IPSECDRV_DROP_NONE + 1;
	     i <= IPSECDRV_DROP_MAX && drops->n < CTL_COUNTERS_MAX; i++) {
		const char *name = nl_drop_reason_name(i);

		drops->list[drops->n++] = (struct ctl_counter){ name, name, statistics->drops[i] };
	}
}

/* As if the agent had said it: the strings are the record's. */
static int take_status(struct policy_status_info *info, const struct kernel_status *status)
{
	info->mode = strdup(nl_mode_name(status->mode));
	info->startup_mode = strdup(nl_mode_name(status->startup_mode));
	info->filters = status->filters;
	info->generation = status->generation;
	info->exempt_level = status->exempt_level;
	return info->mode && info->startup_mode ? 0 : -ENOMEM;
}

/* A driver that is not there is no failure here. */
static enum ctl_exit ask_driver(struct ctl *ctl, struct status *status, char *why)
{
	_cleanup_(kernel_freep) struct kernel *kernel = NULL;
	struct kernel_statistics statistics;
	struct kernel_status from_driver;

	if (ctl->open_driver(&kernel, why))
		return CTL_EXIT_OK;
	if (kernel->ops->status_get(kernel, &from_driver) ||
	    kernel->ops->statistics_get(kernel, &statistics)) {
		snprintf(why, KERNEL_WHY_LEN, "%s", kernel->why);
		return CTL_EXIT_OK;
	}
	if (take_status(&status->info, &from_driver))
		return ctl_message_error(ctl, -ENOMEM, NULL);
	take_drops(&status->drops, &statistics);
	status->has_driver = true;
	return CTL_EXIT_OK;
}

/* --- both --------------------------------------------------------------------------------- */

enum ctl_exit status_read(struct ctl *ctl, struct status *status)
{
	char why[KERNEL_WHY_LEN] = "";
	enum ctl_exit ret;

	*status = (struct status){ .has_agent = ctl_agent_runs(ctl) };
	ret = status->has_agent ? ask_agent(ctl, status) : ask_driver(ctl, status, why);
	if (!ret)
		status_find_attentions(status, why);
	return ret;
}

void status_done(struct status *status)
{
	policy_record_clear(&policy_status_record, &status->info);
	ctl_rows_free(&policy_layer_record, status->layers, status->n_layers);
	ctl_rows_free(&policy_failure_record, status->failures, status->n_failures);
	sd_bus_message_unref(status->reply);
	for (size_t i = 0; i < status->n_attentions; i++)
		free(status->attentions[i]);
	*status = (struct status){ .has_agent = false };
}
