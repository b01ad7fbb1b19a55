// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/client.h"
#include "ctl/static.h"
#include "policy/record.h"

static const struct ctl_tag set_batch_tags[] = {
	TAG_REQUIRED("mode", batch_mode, "collect changes of a script"),
};

static const struct ctl_tag set_store_tags[] = {
	TAG_REQUIRED("location", store, "store that commands act on"),
	TAG("domain", text, "DNS name of the domain"),
};

static const struct ctl_tag show_store_tags[] = {
	CTL_TAG_FORMAT,
};

static const struct ctl_tag show_gpo_tags[] = {
	TAG("name", name, "name of the group policy object"),
	CTL_TAG_FORMAT,
};

static enum ctl_exit run_set_batch(struct ctl *ctl, const struct ctl_args *args)
{
	return ctl_store_set_batch(ctl, !strcasecmp(ctl_args_get(args, "mode"), "enable"));
}

static enum ctl_exit run_set_store(struct ctl *ctl, const struct ctl_args *args)
{
	const char *text = ctl_args_get(args, "location"), *path = args->command->path;
	bool is_local = !strcasecmp(text, "local");

	if (!is_local && strcasecmp(text, "persistent") != 0)
		return ctl_error(ctl, CTL_ERROR_NOT_SUPPORTED,
				 "this version has no directory, so that there is no %s store; %s", text,
				 ctl->script ? "commands for a store are not done until this script "
					       "has chosen another one" :
					       "the session's is as before");
	if (ctl_args_get(args, "domain"))
		return ctl_usage_error(ctl, path, "domain means nothing with location=%s", text);
	return ctl_store_choose(ctl, is_local ? STORE_LOCATION_LOCAL : STORE_LOCATION_PERSISTENT);
}

/* What the agent would say of a store, from its file. */
static enum ctl_exit peek(struct ctl *ctl, enum store_location location,
			  struct policy_store_info *ret_info)
{
	const struct store_query query = { .only_assigned = true, .without_filters = true };
	const struct store_policy *policy;
	struct store_content *content = NULL;
	enum ctl_exit ret = ctl_store_read(ctl, location, &query, &content);

	if (ret)
		return ret;
	policy = store_content_assigned(content);
	*ret_info = (struct policy_store_info){
		.store = strdup(store_location_name(location)),
		.file = strdup(store_location_file(location)),
		.policy = policy ? static_copy(policy->head.name) : NULL,
		.rules = policy ? (uint32_t)policy->n_rules : 0,
		.polling_minutes = policy ? policy->polling_minutes : STORE_POLLING_MINUTES,
		.fault = strdup("the policy agent does not run; start it with \"systemctl start "
				"ipsec-policy-agent\""),
	};
	store_content_free(content);
	return CTL_EXIT_OK;
}

/* All stores; release with ctl_rows_free(). */
static enum ctl_exit list(struct ctl *ctl, struct policy_store_info **ret_rows, size_t *ret_n)
{
	static const enum store_location files[] = { STORE_LOCATION_PERSISTENT, STORE_LOCATION_LOCAL };
	struct policy_store_info *rows;
	enum ctl_exit ret = CTL_EXIT_OK;
	size_t n = 0;

	(void)ctl_store_flush(ctl);
	if (ctl_agent_runs(ctl))
		return ctl_list_records(ctl, "GetStores", NULL, &policy_store_record,
					(void **)ret_rows, ret_n);
	rows = calloc(sizeof(files) / sizeof(files[0]), sizeof(*rows));
	if (!rows)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	for (size_t i = 0; !ret && i < sizeof(files) / sizeof(files[0]); i++) {
		ret = peek(ctl, files[i], &rows[n]);
		n += !ret;
	}
	if (ret) {
		ctl_rows_free(&policy_store_record, rows, n);
		return ret;
	}
	*ret_rows = rows;
	*ret_n = n;
	return CTL_EXIT_OK;
}

/* The one row of the session's store to the front. */
static size_t select_session(const struct ctl *ctl, struct policy_store_info *rows, size_t n)
{
	const char *name = store_location_name(ctl_store_location(ctl));

	for (size_t i = 0; i < n; i++) {
		struct policy_store_info row = rows[i];

		if (!row.store || strcmp(row.store, name) != 0)
			continue;
		rows[i] = rows[0];
		rows[0] = row;
		return 1;
	}
	return 0;
}

static void print_polling(FILE *file, const void *row)
{
	fprintf(file, "%u minutes", ((const struct policy_store_info *)row)->polling_minutes);
}

static void print_policy(FILE *file, const void *row)
{
	fputs(((const struct policy_store_info *)row)->policy ?: "none", file);
}

static void print_in_force(FILE *file, const void *data)
{
	const struct policy_store_info *row = data;

	if (row->policy)
		fputs(row->in_force ? "YES" : "NO", file);
}

static void print_try(FILE *file, const void *data)
{
	const struct policy_store_info *row = data;

	if (row->try_seconds)
		fprintf(file, "%u seconds", row->try_seconds);
}

static const struct column store_columns[] = {
	{ "Store Location", "store", NULL, COLUMN_BOTH },
	{ "File", "file", NULL, COLUMN_BOTH },
	{ "Assigned Policy", NULL, print_policy, COLUMN_BOTH },
	{ "In Force", NULL, print_in_force, COLUMN_BOTH },
	{ "Polling Interval", NULL, print_polling, COLUMN_LIST },
	{ "Taken Back In", NULL, print_try, COLUMN_LIST },
	{ "Fault", "fault", NULL, COLUMN_LIST },
};

static const struct view store_view = {
	.name = "stores",
	.title = "Policy Store",
	.none = "The policy agent does not know the store.",
	.record = &policy_store_record,
	VIEW_COLUMNS(store_columns),
};

static enum ctl_exit run_show_store(struct ctl *ctl, const struct ctl_args *args)
{
	struct layout layout = ctl_layout(args);
	struct policy_store_info *rows = NULL;
	size_t n = 0;
	enum ctl_exit ret = list(ctl, &rows, &n);

	if (!ret)
		ret = ctl_print_view(ctl, &layout, &store_view, rows, select_session(ctl, rows, n));
	ctl_rows_free(&policy_store_record, rows, n);
	return ret;
}

static void print_gpo(FILE *file, const void *row)
{
	(void)row;
	fputs("none", file);
}

static const struct column gpo_columns[] = {
	{ "Assigned Policy", "policy", NULL, COLUMN_BOTH },
	{ "Source", "store", NULL, COLUMN_BOTH },
	{ "In Force", "inforce", NULL, COLUMN_BOTH | COLUMN_CAPITALS },
	{ "Group Policy Object", NULL, print_gpo, COLUMN_BOTH },
	{ "Fault", "fault", NULL, COLUMN_LIST },
};

static const struct view gpo_view = {
	.name = "assigned",
	.title = "Assigned Policy",
	.none = "No policy is assigned, by a group policy object or otherwise.",
	.record = &policy_store_record,
	VIEW_COLUMNS(gpo_columns),
};

/* Those with an assigned policy to the front. */
static size_t select_assigned(struct policy_store_info *rows, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct policy_store_info row = rows[i];

		if (!row.policy)
			continue;
		rows[i] = rows[kept];
		rows[kept++] = row;
	}
	return kept;
}

static enum ctl_exit run_show_gpo(struct ctl *ctl, const struct ctl_args *args)
{
	const char *name = ctl_args_get(args, "name");
	struct layout layout = ctl_layout(args);
	struct policy_store_info *rows = NULL;
	size_t n = 0;
	enum ctl_exit ret;

	if (name)
		return ctl_error(ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
				 "this host has no group policy object \"%s\", since this version has "
				 "no directory; without name= the command shows what is assigned", name);
	ret = list(ctl, &rows, &n);
	if (!ret)
		ret = ctl_print_view(ctl, &layout, &gpo_view, rows, select_assigned(rows, n));
	ctl_rows_free(&policy_store_record, rows, n);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "static set store",
		.text = "choose the store that the commands of this session act on",
		.remarks = "local is the usual one. The policy that is assigned in the persistent store "
			   "is in force below that of the other, from the start of the agent on; its "
			   "changes wait for the next start.",
		.examples = "  static set store location=persistent\n",
		CTL_TAGS(set_store_tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_set_store,
	},
	{
		.path = "static set batch",
		.text = "collect changes, and make many of them at once",
		.remarks = "What is collected is made by mode=disable, by every command that shows "
			   "something, and at the end. Scripts that are run with -f begin so.",
		.examples = "  static set batch mode=enable\n",
		CTL_TAGS(set_batch_tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_set_batch,
	},
	{
		.path = "static show store",
		.text = "print which store commands act on",
		CTL_TAGS(show_store_tags),
		.run = run_show_store,
	},
	{
		.path = "static show gpoassignedpolicy",
		.text = "print where the assigned policy comes from",
		CTL_TAGS(show_gpo_tags),
		.run = run_show_gpo,
	},
};

const struct ctl_command_set ctl_static_store_set = CTL_COMMAND_SET(commands);
