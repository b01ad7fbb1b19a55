// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/static.h"
#include "policy/address.h"
#include "policy/text.h"
#include "store/guid.h"

static const struct ctl_tag add_tags[] = {
	TAG_REQUIRED("name", name, "name of the list"),
	TAG("description", text, "free text"),
};

static const struct ctl_tag set_tags[] = {
	TAG("name", filterlist, "name of the list"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("guid", guid, "GUID of the list, instead of name"),
};

static const struct ctl_tag delete_tags[] = {
	TAG_REQUIRED("name", filterlist, "name of the list; or the word all"),
};

static const struct ctl_tag show_tags[] = {
	TAG_DEFAULT("name", filterlist, "all", "name of the list; or the word all"),
	TAG("rule", rule, "the list of this rule"),
	SHOW_TAGS,
	CTL_TAG_RESOLVEDNS,
};

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_ADD, STORE_KIND_FILTER_LIST);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_SET, STORE_KIND_FILTER_LIST);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_DELETE, STORE_KIND_FILTER_LIST);
}

/* What is shown of a list. */
struct list_row {
	const char *name;
	const char *description;
	const char *store;
	uint64_t modified;
	const char *guid;
	uint32_t filters;
	uint32_t rules;			/* that use it */
	const struct static_show *show;
	const struct store_filter_list *list;
};

static const struct policy_key list_keys[] = {
	{ "name", POLICY_VALUE_STRING, offsetof(struct list_row, name) },
	{ "description", POLICY_VALUE_STRING, offsetof(struct list_row, description) },
	{ "store", POLICY_VALUE_STRING, offsetof(struct list_row, store) },
	{ "modified", POLICY_VALUE_COUNTER, offsetof(struct list_row, modified) },
	{ "guid", POLICY_VALUE_STRING, offsetof(struct list_row, guid) },
	{ "filters", POLICY_VALUE_NUMBER, offsetof(struct list_row, filters) },
	{ "rules", POLICY_VALUE_NUMBER, offsetof(struct list_row, rules) },
};

static const struct policy_record list_record = {
	"filterlists", sizeof(struct list_row), list_keys, sizeof(list_keys) / sizeof(list_keys[0]),
};

/* And of a filter. */
struct filter_row {
	const char *list;
	const char *description;
	const char *source;
	const char *destination;
	const char *protocol;
	uint32_t source_port;
	uint32_t destination_port;
	bool mirrored;
	bool is_main_mode;
	const char *guid;
};

static const struct policy_key filter_keys[] = {
	{ "filterlist", POLICY_VALUE_STRING, offsetof(struct filter_row, list) },
	{ "description", POLICY_VALUE_STRING, offsetof(struct filter_row, description) },
	{ "srcaddr", POLICY_VALUE_STRING, offsetof(struct filter_row, source) },
	{ "dstaddr", POLICY_VALUE_STRING, offsetof(struct filter_row, destination) },
	{ "protocol", POLICY_VALUE_STRING, offsetof(struct filter_row, protocol) },
	{ "srcport", POLICY_VALUE_NUMBER, offsetof(struct filter_row, source_port) },
	{ "dstport", POLICY_VALUE_NUMBER, offsetof(struct filter_row, destination_port) },
	{ "mirrored", POLICY_VALUE_BOOL, offsetof(struct filter_row, mirrored) },
	{ "mainmode", POLICY_VALUE_BOOL, offsetof(struct filter_row, is_main_mode) },
	{ "guid", POLICY_VALUE_STRING, offsetof(struct filter_row, guid) },
};

static const struct policy_record filter_record = {
	"filters", sizeof(struct filter_row), filter_keys,
	sizeof(filter_keys) / sizeof(filter_keys[0]),
};

static void print_modified(FILE *file, const void *row)
{
	char buf[STATIC_TIME_LEN];

	fputs(static_time_format(((const struct list_row *)row)->modified, buf), file);
}

/* A main mode filter has none. */
static void print_protocol(FILE *file, const void *data)
{
	const struct filter_row *row = data;

	fputs(row->is_main_mode ? "(main mode)" : row->protocol, file);
}

static const struct column list_columns[] = {
	{ "Filter List Name", "name", NULL, COLUMN_BOTH },
	{ "Description", "description", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Store", "store", NULL, COLUMN_LIST },
	{ "Last Modified", NULL, print_modified, COLUMN_BOTH },
	{ "GUID", "guid", NULL, COLUMN_VERBOSE | COLUMN_WIDE },
	{ "Filters", "filters", NULL, COLUMN_BOTH },
	{ "Rules", "rules", NULL, COLUMN_BOTH },
};

static const struct column filter_columns[] = {
	{ "Filter List", "filterlist", NULL, COLUMN_TABLE },
	{ "Source", "srcaddr", NULL, COLUMN_TABLE | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_TABLE | COLUMN_ADDRESS },
	{ "Protocol", NULL, print_protocol, COLUMN_TABLE },
	{ "Src Port", "srcport", NULL, COLUMN_TABLE },
	{ "Dst Port", "dstport", NULL, COLUMN_TABLE },
	{ "Mirrored", "mirrored", NULL, COLUMN_TABLE | COLUMN_CAPITALS },
	{ "Description", "description", NULL, COLUMN_TABLE },
	{ "GUID", "guid", NULL, COLUMN_WIDE },
};

static const struct view filter_view = {
	.name = "filters",
	.title = "Filters",
	.none = "There are no filters.",
	.record = &filter_record,
	VIEW_COLUMNS(filter_columns),
};

/* Below its list, which is not said again. */
static const struct view own_filter_view = {
	.name = "filters",
	.record = &filter_record,
	.columns = filter_columns + 1,
	.n_columns = sizeof(filter_columns) / sizeof(filter_columns[0]) - 1,
};

static void fill_filter(struct filter_row *row, const char *list,
			const struct store_filter *filter)
{
	char protocol[POLICY_PROTOCOL_STRLEN], guid[STORE_GUID_STRLEN];

	*row = (struct filter_row){
		.list = strdup(list),
		.description = static_copy(filter->head.description),
		.source = policy_address_to_text(&filter->source),
		.destination = policy_address_to_text(&filter->destination),
		.protocol = strdup(policy_protocol_format(filter->protocol, protocol)),
		.source_port = filter->source_port,
		.destination_port = filter->destination_port,
		.mirrored = filter->mirrored,
		.is_main_mode = filter->is_main_mode,
		.guid = strdup(store_guid_format(filter->head.guid, guid)),
	};
}

static size_t fill_filters(struct filter_row *rows, const struct store_filter_list *list)
{
	for (size_t i = 0; i < list->n_filters; i++)
		fill_filter(&rows[i], list->head.name, list->filters[i]);
	return list->n_filters;
}

void static_print_filters(const struct static_show *show, const struct store_filter_list *list)
{
	struct filter_row *rows = calloc(list->n_filters + 1, sizeof(*rows));
	size_t n = rows ? fill_filters(rows, list) : 0;

	if (n) {
		fputc('\n', show->ctl->out);
		(void)ctl_print_table(show->ctl, &show->layout, &own_filter_view, rows, n);
	}
	ctl_rows_free(&filter_record, rows, n);
}

static void print_details(FILE *file, const void *data)
{
	const struct list_row *row = data;

	(void)file;
	static_print_filters(row->show, row->list);
}

static const struct view list_view = {
	.name = "filterlists",
	.title = "Filter Lists",
	.none = "There are no filter lists.",
	.record = &list_record,
	VIEW_COLUMNS(list_columns),
	.print_details = print_details,
};

static void fill_list(struct list_row *row, const struct static_show *show,
		      const struct store_filter_list *list)
{
	char guid[STORE_GUID_STRLEN];

	*row = (struct list_row){
		.name = strdup(list->head.name),
		.description = static_copy(list->head.description),
		.store = strdup(store_location_name(show->location)),
		.modified = list->head.modified,
		.guid = strdup(store_guid_format(list->head.guid, guid)),
		.filters = (uint32_t)list->n_filters,
		.rules = static_count_users(show->content, list),
		.show = show,
		.list = list,
	};
}

/* A table of lists with level=verbose, and JSON, have the filters as a second part. */
static enum ctl_exit print_filters(const struct static_show *show, const struct list_row *lists,
				   size_t n_lists)
{
	struct filter_row *rows;
	size_t n = 0;
	enum ctl_exit ret;

	if (!show->ctl->json && !(show->layout.is_table && show->layout.is_verbose))
		return CTL_EXIT_OK;
	for (size_t i = 0; i < n_lists; i++)
		n += lists[i].list->n_filters;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows)
		return ctl_message_error(show->ctl, -ENOMEM, NULL);
	n = 0;
	for (size_t i = 0; i < n_lists; i++)
		n += fill_filters(rows + n, lists[i].list);
	if (!show->ctl->json)
		fputc('\n', show->ctl->out);
	ret = ctl_print_view(show->ctl, &show->layout, &filter_view, rows, n);
	ctl_rows_free(&filter_record, rows, n);
	return ret;
}

static bool is_wanted(const struct static_show *show, const struct store_filter_list *list,
		      const char *name, const char *rule)
{
	if (rule && !static_is_used_by(show->content, rule, list))
		return false;
	return !name || policy_name_is_equal(name, list->head.name);
}

enum ctl_exit static_show_lists(const struct static_show *show, const char *name, const char *rule)
{
	const struct store_content *content = show->content;
	struct list_row *rows = calloc(content->n_lists + 1, sizeof(*rows));
	enum ctl_exit ret;
	size_t n = 0;

	if (!rows)
		return ctl_message_error(show->ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < content->n_lists; i++)
		if (is_wanted(show, content->lists[i], name, rule))
			fill_list(&rows[n++], show, content->lists[i]);
	if (!n && name)
		ret = static_not_found(show, "filter list", name, "show filterlist all");
	else if (!n && rule)
		ret = static_no_user(show, "filter list", rule);
	else
		ret = ctl_print_view(show->ctl, &show->layout, &list_view, rows, n) ?:
		      print_filters(show, rows, n);
	ctl_rows_free(&list_record, rows, n);
	return ret;
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	const char *name = args->has_all ? NULL : ctl_args_get(args, "name");
	struct static_show show;
	enum ctl_exit ret;

	ret = static_show_begin(ctl, args, NULL, &show) ?:
	      static_show_lists(&show, name, ctl_args_get(args, "rule"));
	static_show_end(&show);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "static add filterlist",
		.text = "create a filter list",
		.examples = "  static add filterlist name=telnetAll\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_add,
	},
	{
		.path = "static set filterlist",
		.text = "change a filter list's name or description",
		.remarks = "Rules go on to use it under its new name.",
		.examples = "  static set filterlist name=telnetAll newname=telnet\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_set,
	},
	{
		.path = "static delete filterlist",
		.text = "remove a filter list and its filters, or all of them",
		.remarks = "A list that a rule uses cannot be removed.",
		.examples = "  static delete filterlist name=telnetAll\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_STORED,
		.run = run_delete,
	},
	{
		.path = "static show filterlist",
		.text = "print filter lists",
		.remarks = "level=verbose adds the filters.",
		.examples = "  static show filterlist all\n"
			    "  static show filterlist name=telnetAll level=verbose resolvedns=yes\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_static_filterlist_set = CTL_COMMAND_SET(commands);
