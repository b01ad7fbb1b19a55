// SPDX-License-Identifier: MIT
#include <errno.h>

#include "ctl/client.h"
#include "ctl/static.h"
#include "policy/bus.h"
#include "store/text.h"

static const struct ctl_tag tags[] = {
	TAG_DEFAULT("store", store, "that of the session", "store to print"),
	TAG("policy", policy, "only this policy, with the lists and actions that it uses"),
	TAG_DEFAULT("secrets", bool, "no", "preshared keys, too"),
};

/* What whoever runs the script has to know, as comments. */
static void print_head(struct ctl *ctl, const char *store, bool has_secrets)
{
	fprintf(ctl->out, "# The %s store. %s -f makes it again in a store that is empty.\n", store,
		CTL_PROGRAM);
	if (!has_secrets)
		fputs("# Without preshared keys: psk=* is where one belongs (dump secrets=yes has them).\n",
		      ctl->out);
	fprintf(ctl->out, "static set store location=%s\nstatic set batch mode=enable\n", store);
}

static enum ctl_exit run_dump(struct ctl *ctl, const struct ctl_args *args)
{
	const struct store_query query = { .policy = ctl_args_get(args, "policy") };
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	bool has_secrets = ctl_args_get_bool(args, "secrets", false);
	enum store_location location = ctl_store_argument(ctl, args, "store");
	enum ctl_exit ret;

	if (ctl->json)
		return ctl_usage_error(ctl, args->command->path,
				       "a dump is a script; leave --json out, or use \"static show all\"");
	if (has_secrets && !ctl->is_root)
		return ctl_error(ctl, CTL_ERROR_ACCESS_DENIED,
				 "preshared keys are shown to the superuser only; leave secrets=yes out");
	ret = ctl_store_read(ctl, location, &query, &content);
	if (ret)
		return ret;
	if (query.policy && !content->n_policies)
		return ctl_error(ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
				 "there is no policy \"%s\" in the %s store; \"static show policy all\" "
				 "prints those that there are", query.policy,
				 store_location_name(location));
	print_head(ctl, store_location_name(location), has_secrets);
	store_content_print(ctl->out, content, has_secrets);
	fputs("static set batch mode=disable\n", ctl->out);
	return CTL_EXIT_OK;
}

static const struct ctl_command commands[] = {
	{
		.path = "dump",
		.text = "print a script that rebuilds a store",
		.remarks = "What is there already is not replaced: \"static delete all\" empties a store, "
			   "and the local store begins with the three examples. GUIDs and times are "
			   "made anew; \"static exportpolicy\" keeps them.",
		.examples = "  dump store=local secrets=yes\n",
		CTL_TAGS(tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_dump,
	},
};

const struct ctl_command_set ctl_dump_set = CTL_COMMAND_SET(commands);
