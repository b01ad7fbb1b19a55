// SPDX-License-Identifier: MIT
#include "ctl/dry_run.h"

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/types.h"
#include "policy/bus.h"
#include "policy/tag.h"

void ctl_dry_run_tell_command(struct ctl *ctl, const struct ctl_args *args)
{
	fprintf(ctl->out, "Would be done: %s", args->command->path);
	for (size_t i = 0; i < args->n; i++) {
		const struct ctl_argument *argument = &args->list[i];
		bool is_secret = argument->tag->type == &ctl_type_psk;

		policy_tag_print(ctl->out, argument->tag->name, is_secret ? "*" : argument->value);
	}
	fputs(args->has_all ? " all" : args->has_default ? " default" : "", ctl->out);
	fputc('\n', ctl->out);
	ctl->has_tried = true;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static void print(FILE *out, const struct policy_dry_run_info *info)
{
	uint32_t added = info->filters_added, removed = info->filters_removed;

	if (added || removed)
		fprintf(out, "The driver would get %u filter%s and lose %u.\n", added, plural(added),
			removed);
	else
		fputs("The driver's filters would stay as they are.\n", out);
}

void ctl_dry_run_tell_driver(struct ctl *ctl)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct policy_dry_run_info info;
	char why[POLICY_WHY_LEN];

	if (!ctl->has_tried || ctl_call(ctl, "GetDryRun", NULL, &reply))
		return;
	if (policy_bus_read_record(reply, &policy_dry_run_record, &info, why) > 0)
		print(ctl->out, &info);
}
