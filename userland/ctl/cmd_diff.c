// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/driver_diff.h"
#include "ctl/static.h"
#include "store/diff.h"

static const char *const target_choices[] = { "local", "persistent", "driver", NULL };

static int check_target(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	for (size_t i = 0; target_choices[i]; i++)
		if (!strcasecmp(target_choices[i], value))
			return 0;
	snprintf(why, POLICY_WHY_LEN, "%s=%.64s: local, persistent or driver is expected", tag, value);
	return -EINVAL;
}

static const struct ctl_value_type target_type = {
	"local|persistent|driver", target_choices, check_target, CTL_NAMES_NONE
};

static const struct ctl_tag tags[] = {
	TAG_REQUIRED("from", store, "the one store"),
	{ "to", &target_type, CTL_TAG_REQUIRED, NULL, "the other store, or what is in force" },
	TAG("policy", policy, "only this policy, with the lists and actions that it uses"),
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

struct row {
	const char *type;
	const char *kind;
	const char *name;
	const char *owner;
	const char *field;
	const char *before;
	const char *after;
};

static const struct policy_key row_keys[] = {
	{ "difference", POLICY_VALUE_STRING, offsetof(struct row, type) },
	{ "kind", POLICY_VALUE_STRING, offsetof(struct row, kind) },
	{ "name", POLICY_VALUE_STRING, offsetof(struct row, name) },
	{ "of", POLICY_VALUE_STRING, offsetof(struct row, owner) },
	{ "field", POLICY_VALUE_STRING, offsetof(struct row, field) },
	{ "before", POLICY_VALUE_STRING, offsetof(struct row, before) },
	{ "after", POLICY_VALUE_STRING, offsetof(struct row, after) },
};

static const struct policy_record row_record = {
	"differences", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static const struct column columns[] = {
	{ "Difference", "difference", NULL, COLUMN_TABLE },
	{ "Kind", "kind", NULL, COLUMN_TABLE },
	{ "Name", "name", NULL, COLUMN_TABLE },
	{ "Of", "of", NULL, COLUMN_TABLE },
	{ "Field", "field", NULL, COLUMN_TABLE },
	{ "Before", "before", NULL, COLUMN_TABLE },
	{ "After", "after", NULL, COLUMN_TABLE },
};

static const struct view view = {
	.name = "differences",
	.title = "Differences",
	.none = "There is no difference.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
};

static struct row make_row(const struct store_difference *difference)
{
	return (struct row){
		.type = store_difference_type_name(difference->type),
		.kind = store_kind_name(difference->kind),
		.name = difference->name,
		.owner = difference->owner,
		.field = difference->field,
		.before = difference->before,
		.after = difference->after,
	};
}

/* A sentence each: what is added, removed and changed has too little in common for labels. */
static void print_lines(struct ctl *ctl, const struct store_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++) {
		store_difference_print(ctl->out, &diff->list[i]);
		fputc('\n', ctl->out);
	}
	if (!diff->n)
		fprintf(ctl->out, "%s\n", view.none);
}

static enum ctl_exit print_diff(struct ctl *ctl, const struct layout *layout,
				const struct store_diff *diff)
{
	_cleanup_free_ struct row *rows = NULL;

	if (!ctl->json && !layout->is_table) {
		print_lines(ctl, diff);
		return CTL_EXIT_OK;
	}
	rows = calloc(diff->n + 1, sizeof(*rows));
	if (!rows)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < diff->n; i++)
		rows[i] = make_row(&diff->list[i]);
	return ctl_print_view(ctl, layout, &view, rows, diff->n);
}

static enum ctl_exit diff_stores(struct ctl *ctl, const struct ctl_args *args)
{
	const struct store_query query = { .policy = ctl_args_get(args, "policy") };
	_cleanup_(store_content_freep) struct store_content *before = NULL, *after = NULL;
	_cleanup_(store_diff_done) struct store_diff diff = { .n = 0 };
	const struct layout layout = ctl_layout(args);
	enum ctl_exit ret;

	ret = ctl_store_read(ctl, ctl_store_argument(ctl, args, "from"), &query, &before) ?:
	      ctl_store_read(ctl, ctl_store_argument(ctl, args, "to"), &query, &after);
	if (ret)
		return ret;
	if (store_content_diff(before, after, false, &diff) < 0)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	return print_diff(ctl, &layout, &diff);
}

/* --- a store and the driver --------------------------------------------------------------- */

static void print_driver_lines(struct ctl *ctl, const struct driver_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++) {
		const struct driver_difference *difference = &diff->list[i];
		const char *name = driver_difference_name(difference->type);

		if (*difference->rule)
			fprintf(ctl->out, "rule \"%s\", ", difference->rule);
		fprintf(ctl->out, "filter %s: %s", difference->filter, name);
		switch (difference->type) {
		case DRIVER_DIFFERENCE_NOT_IN_FORCE:
			fprintf(ctl->out, ": %s\n", difference->before ?: "");
			break;
		case DRIVER_DIFFERENCE_NOT_STORED:
		case DRIVER_DIFFERENCE_FOREIGN:
			fprintf(ctl->out, ": %s\n", difference->after ?: "");
			break;
		case DRIVER_DIFFERENCE_CHANGED:
			fprintf(ctl->out, ": %s -> %s\n", difference->before ?: "",
				difference->after ?: "");
			break;
		case DRIVER_DIFFERENCE_OVERRULED:
			fprintf(ctl->out, " by the %s layer\n", difference->after);
			break;
		}
	}
	if (!diff->n)
		fprintf(ctl->out, "%s\n", view.none);
}

static enum ctl_exit print_driver_diff(struct ctl *ctl, const struct layout *layout,
				       const struct driver_diff *diff)
{
	_cleanup_free_ struct row *rows = NULL;

	if (!ctl->json && !layout->is_table) {
		print_driver_lines(ctl, diff);
		return CTL_EXIT_OK;
	}
	rows = calloc(diff->n + 1, sizeof(*rows));
	if (!rows)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < diff->n; i++)
		rows[i] = (struct row){
			.type = driver_difference_name(diff->list[i].type),
			.kind = "filter",
			.name = diff->list[i].filter,
			.owner = diff->list[i].rule,
			.before = diff->list[i].before,
			.after = diff->list[i].after,
		};
	return ctl_print_view(ctl, layout, &view, rows, diff->n);
}

/* The agent's filters that the driver has not, or not so, and those that only the driver has. */
static enum ctl_exit add_foreign(struct ctl *ctl, struct driver_diff *diff)
{
	void *infos = NULL;
	enum ctl_exit ret;
	size_t n = 0;
	int err;

	ret = ctl_list_records(ctl, "ListDriverDifferences", NULL, &policy_driver_difference_record,
			       &infos, &n);
	err = ret ? 0 : driver_diff_add_foreign(diff, infos, n);
	ctl_rows_free(&policy_driver_difference_record, infos, n);
	return err ? ctl_message_error(ctl, err, "unknown difference") : ret;
}

static enum ctl_exit diff_driver(struct ctl *ctl, const struct ctl_args *args)
{
	const struct store_query query = { .only_assigned = true };
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(driver_diff_done) struct driver_diff diff = { .n = 0 };
	enum store_location location = ctl_store_argument(ctl, args, "from");
	const struct layout layout = ctl_layout(args);
	void *filters = NULL;
	enum ctl_exit ret;
	size_t n = 0;

	if (ctl_args_get(args, "policy"))
		return ctl_usage_error(ctl, args->command->path,
				       "with to=driver it is the assigned policy; leave policy out");
	ret = ctl_store_read(ctl, location, &query, &content) ?:
	      ctl_list_records(ctl, "ListQmFilters", "generic", &policy_qm_filter_record, &filters,
			       &n);
	if (!ret && driver_diff_make(store_content_assigned(content), store_location_name(location),
				     filters, n, &diff) < 0)
		ret = ctl_message_error(ctl, -ENOMEM, NULL);
	ctl_rows_free(&policy_qm_filter_record, filters, n);
	if (!ret)
		ret = add_foreign(ctl, &diff);
	return ret ? ret : print_driver_diff(ctl, &layout, &diff);
}

static enum ctl_exit run_diff(struct ctl *ctl, const struct ctl_args *args)
{
	if (!strcasecmp(ctl_args_get(args, "to"), "driver"))
		return diff_driver(ctl, args);
	return diff_stores(ctl, args);
}

static const struct ctl_command commands[] = {
	{
		.path = "diff",
		.text = "print what is different between two stores, or a store and what is in force",
		.remarks = "Objects are the same if they have the same GUID, else if they have the same "
			   "name; filters, if they match the same traffic. With to=driver the filters "
			   "of the assigned policy's active rules are held against those in force, and "
			   "what is done with them; methods and offers are not looked at. What another "
			   "program did to the driver's filters is told with their IDs; the agent's "
			   "next start puts it right.",
		.examples = "  diff from=persistent to=local\n"
			    "  diff from=persistent to=local policy=AndyPol format=table\n"
			    "  diff from=local to=driver\n",
		CTL_TAGS(tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_diff,
	},
};

const struct ctl_command_set ctl_diff_set = CTL_COMMAND_SET(commands);
