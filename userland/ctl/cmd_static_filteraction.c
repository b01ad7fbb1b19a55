// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/static.h"
#include "policy/methods.h"
#include "policy/text.h"
#include "store/guid.h"

static const struct ctl_tag add_tags[] = {
	TAG_REQUIRED("name", name, "name of the action"),
	TAG("description", text, "free text"),
	TAG_DEFAULT("qmpfs", bool, "no", "fresh Diffie-Hellman for every quick mode"),
	TAG_DEFAULT("inpass", bool, "no", "accept clear text, answer with IPsec"),
	TAG_DEFAULT("soft", bool, "no", "clear text with peers that do not answer IKE at all"),
	TAG_DEFAULT("action", action, "negotiate", "what is done"),
	TAG_DEFAULT("qmsecmethods", offers, QM_METHODS_DEFAULT, "what is offered, in this order"),
	TOOL_TAG,
};

static const struct ctl_tag set_tags[] = {
	TAG("name", filteraction, "name of the action"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("qmpfs", bool, "fresh Diffie-Hellman for every quick mode"),
	TAG("inpass", bool, "accept clear text, answer with IPsec"),
	TAG("soft", bool, "clear text with peers that do not answer IKE at all"),
	TAG("action", action, "what is done"),
	TAG("qmsecmethods", offers, "what is offered, in this order"),
	TAG("guid", guid, "GUID of the action, instead of name"),
};

static const struct ctl_tag delete_tags[] = {
	TAG_REQUIRED("name", filteraction, "name of the action; or the word all"),
};

static const struct ctl_tag show_tags[] = {
	TAG_DEFAULT("name", filteraction, "all", "name of the action; or the word all"),
	TAG("rule", rule, "the action of this rule"),
	SHOW_TAGS,
};

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_ADD, STORE_KIND_FILTER_ACTION);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_SET, STORE_KIND_FILTER_ACTION);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_DELETE, STORE_KIND_FILTER_ACTION);
}

/* What is shown of an action. */
struct row {
	const char *name;
	const char *description;
	const char *store;
	uint64_t modified;
	const char *guid;
	const char *action;
	bool inpass;
	bool soft;
	bool qmpfs;
	const char *methods;
	uint32_t rules;			/* that use it */
	const struct store_filter_action *object;
};

static const struct policy_key row_keys[] = {
	{ "name", POLICY_VALUE_STRING, offsetof(struct row, name) },
	{ "description", POLICY_VALUE_STRING, offsetof(struct row, description) },
	{ "store", POLICY_VALUE_STRING, offsetof(struct row, store) },
	{ "modified", POLICY_VALUE_COUNTER, offsetof(struct row, modified) },
	{ "guid", POLICY_VALUE_STRING, offsetof(struct row, guid) },
	{ "action", POLICY_VALUE_STRING, offsetof(struct row, action) },
	{ "inpass", POLICY_VALUE_BOOL, offsetof(struct row, inpass) },
	{ "soft", POLICY_VALUE_BOOL, offsetof(struct row, soft) },
	{ "qmpfs", POLICY_VALUE_BOOL, offsetof(struct row, qmpfs) },
	{ "qmsecmethods", POLICY_VALUE_STRING, offsetof(struct row, methods) },
	{ "rules", POLICY_VALUE_NUMBER, offsetof(struct row, rules) },
};

static const struct policy_record row_record = {
	"filteractions", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static void print_modified(FILE *file, const void *row)
{
	char buf[STATIC_TIME_LEN];

	fputs(static_time_format(((const struct row *)row)->modified, buf), file);
}

static void print_yes_no(FILE *file, const struct row *row, bool yes)
{
	if (row->object->action == IPSECDRV_ACTION_NEGOTIATE)
		fputs(yes ? "YES" : "NO", file);
}

static void print_inpass(FILE *file, const void *row)
{
	print_yes_no(file, row, ((const struct row *)row)->inpass);
}

static void print_soft(FILE *file, const void *row)
{
	print_yes_no(file, row, ((const struct row *)row)->soft);
}

static void print_qmpfs(FILE *file, const void *row)
{
	print_yes_no(file, row, ((const struct row *)row)->qmpfs);
}

static void print_n_methods(FILE *file, const void *data)
{
	const struct row *row = data;

	if (row->object->action == IPSECDRV_ACTION_NEGOTIATE)
		fprintf(file, "%zu", row->object->n_offers);
}

/* What permits or blocks offers nothing, although the methods are kept. */
static void print_methods(FILE *file, const void *data)
{
	const struct row *row = data;

	if (row->object->action == IPSECDRV_ACTION_NEGOTIATE && row->methods)
		fputs(row->methods, file);
}

#define OFFER_COLUMNS 3

static const char *lifetime_format(const struct policy_qm_offer *offer, bool is_response,
				   char buf[static 24])
{
	/* a default response rule takes the initiator's */
	if (is_response && !offer->lifetime_kilobytes && !offer->lifetime_seconds)
		return "the peer's";
	snprintf(buf, 24, "%u:%u", offer->lifetime_kilobytes ?: POLICY_LIFETIME_KILOBYTES,
		 offer->lifetime_seconds ?: POLICY_LIFETIME_SECONDS);
	return buf;
}

void static_print_offers(FILE *file, const struct store_filter_action *action)
{
	const char *cells[OFFER_COLUMNS * (POLICY_MAX_OFFERS + 1)] = {
		"Security Methods", "Lifetime (KB:s)", "PFS",
	};
	char methods[POLICY_MAX_OFFERS][POLICY_OFFER_STRLEN], life[POLICY_MAX_OFFERS][24];
	size_t at = OFFER_COLUMNS;

	if (action->action != IPSECDRV_ACTION_NEGOTIATE || !action->n_offers)
		return;
	for (size_t i = 0; i < action->n_offers; i++) {
		struct policy_qm_offer offer = action->offers[i];

		offer.lifetime_kilobytes = 0;
		offer.lifetime_seconds = 0;
		cells[at++] = policy_qm_offer_format(&offer, methods[i]);
		cells[at++] = lifetime_format(&action->offers[i], !action->head.name, life[i]);
		cells[at++] = action->qmpfs ? "YES" : "NO";
	}
	fputc('\n', file);
	print_grid(file, cells, OFFER_COLUMNS, action->n_offers + 1);
}

static void print_details(FILE *file, const void *row)
{
	static_print_offers(file, ((const struct row *)row)->object);
}

static const struct column columns[] = {
	{ "Filter Action Name", "name", NULL, COLUMN_BOTH },
	{ "Description", "description", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Store", "store", NULL, COLUMN_LIST },
	{ "Last Modified", NULL, print_modified, COLUMN_BOTH },
	{ "GUID", "guid", NULL, COLUMN_VERBOSE | COLUMN_WIDE },
	{ "Action", "action", NULL, COLUMN_BOTH | COLUMN_CAPITALS },
	{ "Inbound Passthrough", NULL, print_inpass, COLUMN_BOTH },
	{ "Allow Unsecure (Fallback)", NULL, print_soft, COLUMN_BOTH },
	{ "Quick Mode PFS", NULL, print_qmpfs, COLUMN_BOTH },
	{ "Security Methods", NULL, print_n_methods, COLUMN_LIST },
	{ "Security Methods", NULL, print_methods, COLUMN_WIDE },
	{ "Rules", "rules", NULL, COLUMN_BOTH },
};

static const struct view view = {
	.name = "filteractions",
	.title = "Filter Actions",
	.none = "There are no filter actions.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
	.print_details = print_details,
};

static void fill_row(struct row *row, const struct static_show *show,
		     const struct store_filter_action *action)
{
	char guid[STORE_GUID_STRLEN];

	*row = (struct row){
		.name = strdup(action->head.name),
		.description = static_copy(action->head.description),
		.store = strdup(store_location_name(show->location)),
		.modified = action->head.modified,
		.guid = strdup(store_guid_format(action->head.guid, guid)),
		.action = static_copy(policy_action_name(action->action)),
		.inpass = action->inpass,
		.soft = action->soft,
		.qmpfs = action->qmpfs,
		.methods = policy_qm_offers_to_text(action->offers, action->n_offers),
		.rules = static_count_users(show->content, action),
		.object = action,
	};
}

static bool is_wanted(const struct static_show *show, const struct store_filter_action *action,
		      const char *name, const char *rule)
{
	if (rule && !static_is_used_by(show->content, rule, action))
		return false;
	return !name || policy_name_is_equal(name, action->head.name);
}

enum ctl_exit static_show_actions(const struct static_show *show, const char *name,
				  const char *rule)
{
	const struct store_content *content = show->content;
	struct row *rows = calloc(content->n_actions + 1, sizeof(*rows));
	enum ctl_exit ret;
	size_t n = 0;

	if (!rows)
		return ctl_message_error(show->ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < content->n_actions; i++)
		if (is_wanted(show, content->actions[i], name, rule))
			fill_row(&rows[n++], show, content->actions[i]);
	if (!n && name)
		ret = static_not_found(show, "filter action", name, "show filteraction all");
	else if (!n && rule)
		ret = static_no_user(show, "filter action", rule);
	else
		ret = ctl_print_view(show->ctl, &show->layout, &view, rows, n);
	ctl_rows_free(&row_record, rows, n);
	return ret;
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	const char *name = args->has_all ? NULL : ctl_args_get(args, "name");
	const struct store_query query = { .without_filters = true };
	struct static_show show;
	enum ctl_exit ret;

	ret = static_show_begin(ctl, args, &query, &show) ?:
	      static_show_actions(&show, name, ctl_args_get(args, "rule"));
	static_show_end(&show);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "static add filteraction",
		.text = "create a filter action",
		.remarks = "inpass accepts clear text that comes in, and answers with IPsec. soft allows "
			   "clear text with peers that do not answer IKE at all. Methods are those of "
			   "dynamic add qmpolicy; they are kept, but not used, while the action is "
			   "permit or block.",
		.examples = "  static add filteraction name=drop action=block\n"
			    "  static add filteraction name=secure qmsecmethods=\"ESP[AESGCM256] "
			    "ESP[3DES,SHA1]:100000k/3600s\"\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_add,
	},
	{
		.path = "static set filteraction",
		.text = "change a filter action",
		.remarks = "What is not named stays as it is. Every rule that uses it changes.",
		.examples = "  static set filteraction name=secure qmpfs=yes\n"
			    "  static set filteraction guid={11E6E97E-0031-49F5-AC7D-5F2FE99BABAF} "
			    "inpass=y\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_set,
	},
	{
		.path = "static delete filteraction",
		.text = "remove a filter action, or all of them",
		.remarks = "An action that a rule uses cannot be removed.",
		.examples = "  static delete filteraction name=drop\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_STORED,
		.run = run_delete,
	},
	{
		.path = "static show filteraction",
		.text = "print filter actions",
		.remarks = "level=verbose adds GUID and security methods.",
		.examples = "  static show filteraction all format=table\n"
			    "  static show filteraction name=secure level=verbose\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_static_filteraction_set = CTL_COMMAND_SET(commands);
