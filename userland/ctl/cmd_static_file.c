// SPDX-License-Identifier: MIT
/* Whole policies to files and back. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/static.h"
#include "store/examples.h"

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
