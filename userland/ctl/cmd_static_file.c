// SPDX-License-Identifier: MIT
/* Whole policies to files and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/static.h"
#include "store/examples.h"
#include "store/export.h"

static const struct ctl_tag file_tags[] = {
	TAG_REQUIRED("file", file, "name of the file; .ipsec is added if need be"),
};

static const struct ctl_tag release_tags[] = {
	TAG_REQUIRED("release", release, "whose examples; those of both are the same"),
};

/* Takes over every object of @content; lists and actions come before the rules that use them. */
static size_t make_imports(struct store_content *content, struct store_change *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < content->n_actions; i++)
		changes[n++] = (struct store_change){
			.verb = STORE_VERB_IMPORT,
			.kind = STORE_KIND_FILTER_ACTION,
			.filter_action = TAKE_PTR(content->actions[i]),
		};
	for (size_t i = 0; i < content->n_lists; i++)
		changes[n++] = (struct store_change){
			.verb = STORE_VERB_IMPORT,
			.kind = STORE_KIND_FILTER_LIST,
			.filter_list = TAKE_PTR(content->lists[i]),
		};
	for (size_t i = 0; i < content->n_policies; i++)
		changes[n++] = (struct store_change){
			.verb = STORE_VERB_IMPORT,
			.kind = STORE_KIND_POLICY,
			.store_policy = TAKE_PTR(content->policies[i]),
		};
	content->n_actions = content->n_lists = content->n_policies = 0;
	return n;
}

/* All of it, or nothing. */
static enum ctl_exit import(struct ctl *ctl, struct store_content *content)
{
	size_t n = content->n_actions + content->n_lists + content->n_policies;
	_cleanup_free_ struct store_change *changes = calloc(n + 1, sizeof(*changes));

	if (!changes)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	return ctl_store_change_all(ctl, changes, make_imports(content, changes));
}

/* With the original's suffix; NULL without memory. */
static char *file_name(const char *name)
{
	static const char suffix[] = ".ipsec";
	size_t len = strlen(name), suffix_len = strlen(suffix);
	bool has_suffix = len > suffix_len && !strcasecmp(name + len - suffix_len, suffix);
	char *path = NULL;

	return asprintf(&path, "%s%s", name, has_suffix ? "" : suffix) < 0 ? NULL : path;
}

static enum ctl_exit run_export(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_free_ char *path = file_name(ctl_args_get(args, "file"));
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	struct fault fault = { .text = "" };
	enum ctl_exit ret;

	if (!path)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	ret = ctl_store_read(ctl, ctl_store_location(ctl), NULL, &content);
	if (ret)
		return ret;
	if (ctl->is_dry_run) {
		fprintf(ctl->out, "Would be done: %zu policies are written to %s\n",
			content->n_policies, path);
		return CTL_EXIT_OK;
	}
	if (store_export_content(content, path, &fault) < 0)
		return ctl_error(ctl, ctl_fault_number(&fault), "%s", fault.text);
	return CTL_EXIT_OK;
}

static enum ctl_exit run_import(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_free_ char *path = file_name(ctl_args_get(args, "file"));
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	struct fault fault = { .text = "" };
	int err;

	if (!path)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	err = store_import_content(path, &content, &fault);
	if (err == -ENOENT)
		return ctl_error(ctl, CTL_ERROR_FILE_NOT_FOUND,
				 "there is no file %s; exportpolicy writes one", path);
	if (err < 0)
		return ctl_error(ctl, ctl_fault_number(&fault), "%s", fault.text);
	return import(ctl, content);
}

static enum ctl_exit run_restore(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(store_content_freep) struct store_content *examples = NULL;

	if (ctl_store_location(ctl) != STORE_LOCATION_LOCAL)
		return ctl_error(ctl, CTL_ERROR_NOT_SUPPORTED,
				 "%s: the examples are for the local store, and the session's is the %s "
				 "store; choose it with \"static set store location=local\"",
				 args->command->path, store_location_name(ctl_store_location(ctl)));
	examples = store_examples_new();
	return examples ? import(ctl, examples) : ctl_message_error(ctl, -ENOMEM, NULL);
}

static const struct ctl_command commands[] = {
	{
		.path = "static exportpolicy",
		.text = "write everything in the store to a file",
		.remarks = "Preshared keys are in it in clear, so that only its owner can read it. Which "
			   "policy is assigned is not part of what is imported from it.",
		.examples = "  static exportpolicy file=backup.ipsec\n",
		CTL_TAGS(file_tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_export,
	},
	{
		.path = "static importpolicy",
		.text = "read policies, filter lists and filter actions from a file",
		.remarks = "All or, if something is refused, nothing. What has the GUID or the name of "
			   "something in the file takes its form; a policy that is assigned stays so.",
		.examples = "  static importpolicy file=backup.ipsec\n",
		CTL_TAGS(file_tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_import,
	},
	{
		.path = "static restorepolicyexamples",
		.text = "create the three example policies anew",
		.remarks = "Client (Respond Only), Server (Request Security) and Secure Server (Require "
			   "Security), with their filter lists and actions, as every local store begins "
			   "with. What has their names or GUIDs takes their form again.",
		.examples = "  static restorepolicyexamples release=win2003\n",
		CTL_TAGS(release_tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_restore,
	},
};

const struct ctl_command_set ctl_static_file_set = CTL_COMMAND_SET(commands);
