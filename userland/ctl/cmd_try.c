// SPDX-License-Identifier: MIT
/*
 * Changes that take themselves back: who locks himself out, by a rule that blocks his own terminal, is
 * let in again. The agent keeps the time, so that nothing depends on this program or its terminal.
 *
 *   ipsecctl try begin seconds=60
 *   ipsecctl static set policy name=AndyPol assign=yes
 *   ipsecctl try confirm                    from here, or from another terminal
 */
#include <inttypes.h>

#include "base/parse.h"
#include "ctl/client.h"
#include "ctl/static.h"

#define SECONDS "60"

static const struct ctl_tag tags[] = {
	TAG_DEFAULT("seconds", number, SECONDS, "time to confirm"),
};

static enum ctl_exit run_begin(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	const char *text = ctl_args_get(args, "seconds");
	enum ctl_exit ret = ctl_call_new(ctl, "TryBegin", &message);
	uint32_t seconds;
	int err;

	if (ret)
		return ret;
	if (parse_u32(text ? text : SECONDS, &seconds) < 0 || !seconds)
		return ctl_usage_error(ctl, args->command->path, "seconds is 1 or more");
	err = sd_bus_message_append(message, "u", seconds);
	if (err < 0)
		return ctl_message_error(ctl, err, NULL);
	ret = ctl_call_send(ctl, message, NULL);
	if (!ret && !ctl->json)
		fprintf(ctl->out, "What is changed in the local store from now on is taken back in %" PRIu32
			" seconds, unless \"%s try confirm\" comes before.\n", seconds, CTL_PROGRAM);
	return ret;
}

static enum ctl_exit run_confirm(struct ctl *ctl, const struct ctl_args *args)
{
	enum ctl_exit ret = ctl_call(ctl, "TryConfirm", NULL, NULL);

	(void)args;
	if (!ret && !ctl->json)
		fputs("The changes stay.\n", ctl->out);
	return ret;
}

static enum ctl_exit run_end(struct ctl *ctl, const struct ctl_args *args)
{
	enum ctl_exit ret = ctl_call(ctl, "TryEnd", NULL, NULL);

	(void)args;
	if (!ret && !ctl->json)
		fputs("The changes are taken back.\n", ctl->out);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "try begin",
		.text = "take changes of the local store back, unless they are confirmed in time",
		.examples = "  try begin seconds=120\n"
			    "  static set policy name=AndyPol assign=yes\n"
			    "  try confirm\n",
		CTL_TAGS(tags),
		.run = run_begin,
	},
	{
		.path = "try confirm",
		.text = "keep what was changed since try begin",
		.run = run_confirm,
	},
	{
		.path = "try end",
		.text = "take back what was changed since try begin, now",
		.run = run_end,
	},
};

const struct ctl_command_set ctl_try_set = CTL_COMMAND_SET(commands);
