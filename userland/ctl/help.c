// SPDX-License-Identifier: MIT
#include <string.h>

#include "ctl/columns.h"
#include "ctl/ctl.h"

#define NAME_WIDTH 22

/* What can follow @path, one line each: a command's own text, or what a group is. */
static const char *group_text(const char *path)
{
	static const struct {
		const char *path;
		const char *text;
	} groups[] = {
		{ "dynamic", "policy in force: changes act at once and end with the agent" },
		{ "static", "stored policy: acts when it is assigned" },
		{ "dynamic add", "create policies and rules" },
		{ "dynamic delete", "remove them" },
		{ "dynamic set", "change them, and the configuration" },
		{ "dynamic show", "print policies, filters, associations, statistics" },
		{ "static add", "create objects in the store" },
		{ "static delete", "remove them" },
		{ "static set", "change them, assign a policy, choose the store" },
		{ "static show", "print them" },
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (!strcmp(groups[i].path, path))
			return groups[i].text;
	return "";
}

static void help_common(FILE *file)
{
	fputs("\nEverywhere:\n", file);
	fprintf(file, "  %-*s %s\n", NAME_WIDTH, "?, help", "this; behind a command: its help");
	fprintf(file, "  %-*s %s\n", NAME_WIDTH, "..", "up one context");
	fprintf(file, "  %-*s %s\n", NAME_WIDTH, "exit, quit, bye", "end");
}

static void help_group(struct ctl *ctl, const char *path)
{
	char word[CTL_PATH_LEN], full[2 * CTL_PATH_LEN];
	size_t cursor = 0;

	fprintf(ctl->out, "Commands%s%s:\n", *path ? " after " : "", path);
	while (ctl_next_word(path, &cursor, word)) {
		const struct ctl_command *command;

		snprintf(full, sizeof(full), "%s%s%s", path, *path ? " " : "", word);
		command = ctl_command_find(full);
		fprintf(ctl->out, "  %-*s %s\n", NAME_WIDTH, word,
			command ? command->text : group_text(full));
	}
	if (!strchr(path, ' '))
		help_common(ctl->out);
}

static void print_usage_line(FILE *file, const struct ctl_command *command)
{
	int column = fprintf(file, "Usage: %s", command->path);

	for (size_t i = 0; i < command->n_tags; i++) {
		const struct ctl_tag *tag = &command->tags[i];
		bool is_required = tag->flags & CTL_TAG_REQUIRED;
		int len = (int)(strlen(tag->name) + strlen(tag->type->usage) + 4);

		if (tag->flags & CTL_TAG_HIDDEN)
			continue;
		if (column + len > TEXT_WIDTH) {
			fputs("\n      ", file);
			column = 6;
		}
		column += fprintf(file, " %s%s=%s%s", is_required ? "" : "[", tag->name,
				  tag->type->usage, is_required ? "" : "]");
	}
	if (command->flags & CTL_COMMAND_ALL)
		fputs(" | all", file);
	fputc('\n', file);
}

static void print_tags(FILE *file, const struct ctl_command *command)
{
	fputs("\nTags, in the order in which values without tag are taken:\n", file);
	for (size_t i = 0; i < command->n_tags; i++) {
		const struct ctl_tag *tag = &command->tags[i];

		if (tag->flags & CTL_TAG_HIDDEN)
			continue;
		fprintf(file, "  %-*s %s", NAME_WIDTH, tag->name, tag->text);
		if (tag->flags & CTL_TAG_REQUIRED)
			fputs(" (required)", file);
		else if (tag->fallback)
			fprintf(file, " (default %s)", tag->fallback);
		fputc('\n', file);
	}
}

static void help_command(struct ctl *ctl, const struct ctl_command *command)
{
	print_usage_line(ctl->out, command);
	fputc('\n', ctl->out);
	print_wrapped(ctl->out, "  ", command->text);
	if (command->n_tags)
		print_tags(ctl->out, command);
	if (command->remarks) {
		fputs("\nRemarks:\n", ctl->out);
		print_wrapped(ctl->out, "  ", command->remarks);
	}
	if (command->examples)
		fprintf(ctl->out, "\nExamples:\n%s", command->examples);
}

void ctl_help(struct ctl *ctl, const char *path)
{
	const struct ctl_command *command = ctl_command_find(path);

	if (command)
		help_command(ctl, command);
	else
		help_group(ctl, path);
}
