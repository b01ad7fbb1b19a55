// SPDX-License-Identifier: MIT
#include <string.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/types.h"

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	(void)args;
	return ctl_call(ctl, "DeleteAll", NULL, NULL);
}

static const struct ctl_tag show_tags[] = {
	CTL_TAG_RESOLVEDNS,
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

/* In the order of the original. */
static const struct {
	const char *path;
	const char *argument;		/* NULL is none */
} parts[] = {
	{ "dynamic show rule", NULL },
	{ "dynamic show mmpolicy", NULL },
	{ "dynamic show qmpolicy", NULL },
	{ "dynamic show mmfilter", "type=generic" },
	{ "dynamic show mmfilter", "type=specific" },
	{ "dynamic show qmfilter", "type=generic" },
	{ "dynamic show qmfilter", "type=specific" },
	{ "dynamic show stats", NULL },
	{ "dynamic show mmsas", NULL },
	{ "dynamic show qmsas", NULL },
	{ "dynamic show config", NULL },
};

static bool has_tag(const struct ctl_command *command, const char *name)
{
	for (size_t i = 0; i < command->n_tags; i++)
		if (!strcmp(command->tags[i].name, name))
			return true;
	return false;
}

static enum ctl_exit show_part(struct ctl *ctl, const struct ctl_args *all, const char *path,
			       const char *argument)
{
	const struct ctl_command *command = ctl_command_find(path);
	char own[32] = "", layout[3][64], why[POLICY_WHY_LEN], *words[4];
	struct ctl_args args;
	size_t n = 0;

	if (argument) {
		snprintf(own, sizeof(own), "%s", argument);
		words[n++] = own;
	}
	for (size_t i = 0; i < all->n && i < 3; i++) {
		if (!has_tag(command, all->list[i].tag->name))
			continue;
		snprintf(layout[i], sizeof(layout[i]), "%s=%s", all->list[i].tag->name,
			 all->list[i].value);
		words[n++] = layout[i];
	}
	if (ctl_parse_args(command, words, n, &args, why) < 0)
		return ctl_usage_error(ctl, path, "%s", why);
	return command->run(ctl, &args);
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		enum ctl_exit ret;

		if (i && !ctl->json)
			fputc('\n', ctl->out);
		ret = show_part(ctl, args, parts[i].path, parts[i].argument);
		if (ret)
			return ret;
	}
	return CTL_EXIT_OK;
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic delete all",
		.text = "remove all rules and policies of this context",
		.flags = CTL_COMMAND_AGENT,
		.run = run_delete,
	},
	{
		.path = "dynamic show all",
		.text = "print everything that the other show commands print",
		.examples = "  dynamic show all resolvedns=yes\n",
		CTL_TAGS(show_tags),
		.run = run_show,
	},
};

const struct ctl_command_set ctl_all_set = CTL_COMMAND_SET(commands);
