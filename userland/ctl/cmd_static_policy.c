// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/static.h"
#include "policy/methods.h"
#include "store/guid.h"

/* ipseccmd has it (-1e), the original's netsh does not. */
#define SOFT_SA_TAG								\
	TAG("softsaexpirationtime", soft_sa,				\
	    "seconds for which a peer without IKE is spoken to in clear")

static const struct ctl_tag add_tags[] = {
	TAG_REQUIRED("name", name, "name of the policy"),
	TAG("description", text, "free text"),
	TAG_DEFAULT("mmpfs", bool, "no", "a new main mode for every quick mode"),
	TAG_DEFAULT("qmpermm", number, "0", "quick modes per main mode, 0 is no limit"),
	TAG_DEFAULT("mmlifetime", minutes, "480", "minutes until a main mode is made anew"),
	TAG_DEFAULT("activatedefaultrule", bool, "yes", "the default response rule is active"),
	TAG_DEFAULT("pollinginterval", polling, "180", "minutes between looks at the store"),
	TAG_DEFAULT("assign", bool, "no", "put the policy in force"),
	TAG_DEFAULT("mmsecmethods", mm_methods, MM_METHODS_DEFAULT, "what is offered, in this order"),
	SOFT_SA_TAG,
	TOOL_TAG,
};

static const struct ctl_tag set_tags[] = {
	TAG("name", policy, "name of the policy"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("mmpfs", bool, "a new main mode for every quick mode"),
	TAG("qmpermm", number, "quick modes per main mode, 0 is no limit"),
	TAG("mmlifetime", minutes, "minutes until a main mode is made anew"),
	TAG("activatedefaultrule", bool, "the default response rule is active"),
	TAG("pollinginterval", polling, "minutes between looks at the store"),
	TAG("assign", bool, "put the policy in force, instead of the one that is, or no longer"),
	TAG("gponame", name, "group policy object, with the domain store only"),
	TAG("mmsecmethods", mm_methods, "what is offered, in this order"),
	SOFT_SA_TAG,
	TAG("guid", guid, "GUID of the policy, instead of name"),
};

static const struct ctl_tag delete_tags[] = {
	TAG_REQUIRED("name", policy, "name of the policy; or the word all"),
};

static const struct ctl_tag show_tags[] = {
	TAG_DEFAULT("name", policy, "all", "name of the policy; or the word all"),
	SHOW_TAGS,
};

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_ADD, STORE_KIND_POLICY);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	if (ctl_args_get(args, "gponame"))
		return ctl_usage_error(ctl, args->command->path,
				       "gponame is for the domain store; the session's is the %s store",
				       store_location_name(ctl_store_location(ctl)));
	return static_run(ctl, args, STORE_VERB_SET, STORE_KIND_POLICY);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_DELETE, STORE_KIND_POLICY);
}

/* What is shown of a policy. */
struct row {
	const char *name;
	const char *description;
	const char *store;
	uint64_t modified;
	const char *guid;
	bool assigned;
	bool mmpfs;
	uint32_t quick_modes;
	uint32_t lifetime;
	uint32_t soft_sa;
	uint32_t polling;
	bool default_rule;
	const char *methods;
	uint32_t rules;			/* without the default response rule */
	const struct store_policy *policy;
};

static const struct policy_key row_keys[] = {
	{ "name", POLICY_VALUE_STRING, offsetof(struct row, name) },
	{ "description", POLICY_VALUE_STRING, offsetof(struct row, description) },
	{ "store", POLICY_VALUE_STRING, offsetof(struct row, store) },
	{ "modified", POLICY_VALUE_COUNTER, offsetof(struct row, modified) },
	{ "guid", POLICY_VALUE_STRING, offsetof(struct row, guid) },
	{ "assigned", POLICY_VALUE_BOOL, offsetof(struct row, assigned) },
	{ "mmpfs", POLICY_VALUE_BOOL, offsetof(struct row, mmpfs) },
	{ "qmpermm", POLICY_VALUE_NUMBER, offsetof(struct row, quick_modes) },
	{ "mmlifetime", POLICY_VALUE_NUMBER, offsetof(struct row, lifetime) },
	{ "softsaexpirationtime", POLICY_VALUE_NUMBER, offsetof(struct row, soft_sa) },
	{ "pollinginterval", POLICY_VALUE_NUMBER, offsetof(struct row, polling) },
	{ "activatedefaultrule", POLICY_VALUE_BOOL, offsetof(struct row, default_rule) },
	{ "mmsecmethods", POLICY_VALUE_STRING, offsetof(struct row, methods) },
	{ "rules", POLICY_VALUE_NUMBER, offsetof(struct row, rules) },
};

static const struct policy_record row_record = {
	"policies", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static void print_modified(FILE *file, const void *row)
{
	char buf[STATIC_TIME_LEN];

	fputs(static_time_format(((const struct row *)row)->modified, buf), file);
}

static void print_polling(FILE *file, const void *row)
{
	fprintf(file, "%u minutes", ((const struct row *)row)->polling);
}

static void print_lifetime(FILE *file, const void *row)
{
	fprintf(file, "%u minutes", ((const struct row *)row)->lifetime);
}

static void print_quick_modes(FILE *file, const void *data)
{
	const struct row *row = data;

	if (row->quick_modes)
		fprintf(file, "%u", row->quick_modes);
	else
		fputs("no limit", file);
}

static void print_soft_sa(FILE *file, const void *data)
{
	const struct row *row = data;

	if (row->soft_sa)
		fprintf(file, "%u seconds", row->soft_sa);
}

#define OFFER_COLUMNS 3

static void print_offers(FILE *file, const struct store_policy *policy)
{
	const char *cells[OFFER_COLUMNS * (POLICY_MAX_OFFERS + 1)] = {
		"Encryption", "Integrity", "DH Group",
	};
	char group[POLICY_MAX_OFFERS][4];
	size_t at = OFFER_COLUMNS;

	for (size_t i = 0; i < policy->n_offers; i++) {
		snprintf(group[i], sizeof(group[i]), "%u", policy->offers[i].group);
		cells[at++] = policy_cipher_name(policy->offers[i].cipher);
		cells[at++] = policy_hash_name(policy->offers[i].hash);
		cells[at++] = group[i];
	}
	fputc('\n', file);
	print_grid(file, cells, OFFER_COLUMNS, policy->n_offers + 1);
}

#define RULE_COLUMNS 5

static void print_rules(FILE *file, const struct store_policy *policy)
{
	_cleanup_free_ const char **cells = calloc((policy->n_rules + 1) * RULE_COLUMNS,
						   sizeof(*cells));
	_cleanup_free_ char (*ids)[12] = calloc(policy->n_rules + 1, sizeof(*ids));
	size_t at = RULE_COLUMNS, id = 0;

	if (!cells || !ids)
		return;
	memcpy(cells, (const char *[]){ "ID", "Rule Name", "Filter List", "Filter Action", "Active" },
	       RULE_COLUMNS * sizeof(*cells));
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct store_rule *rule = policy->rules[i];

		if (rule->is_default_response)
			continue;
		snprintf(ids[id], sizeof(*ids), "%zu", id + 1);
		cells[at++] = ids[id++];
		cells[at++] = rule->head.name;
		cells[at++] = rule->filter_list;
		cells[at++] = rule->filter_action;
		cells[at++] = rule->is_active ? "YES" : "NO";
	}
	if (!id)
		return;
	fputc('\n', file);
	print_grid(file, cells, RULE_COLUMNS, id + 1);
}

static void print_details(FILE *file, const void *row)
{
	const struct store_policy *policy = ((const struct row *)row)->policy;

	print_offers(file, policy);
	print_rules(file, policy);
}

static const struct column columns[] = {
	{ "Policy Name", "name", NULL, COLUMN_BOTH },
	{ "Description", "description", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Store", "store", NULL, COLUMN_LIST },
	{ "Last Modified", NULL, print_modified, COLUMN_BOTH },
	{ "GUID", "guid", NULL, COLUMN_VERBOSE | COLUMN_WIDE },
	{ "Assigned", "assigned", NULL, COLUMN_BOTH | COLUMN_CAPITALS },
	{ "Master PFS", "mmpfs", NULL, COLUMN_BOTH | COLUMN_CAPITALS },
	{ "Polling Interval", NULL, print_polling, COLUMN_BOTH },
	{ "Main Mode Lifetime", NULL, print_lifetime, COLUMN_VERBOSE | COLUMN_WIDE },
	{ "Quick Modes Per Main Mode", NULL, print_quick_modes, COLUMN_VERBOSE | COLUMN_WIDE },
	{ "Soft SA Lifetime", NULL, print_soft_sa, COLUMN_VERBOSE },
	{ "Default Response Rule", "activatedefaultrule", NULL,
	  COLUMN_LIST | COLUMN_WIDE | COLUMN_CAPITALS },
	{ "Rules", "rules", NULL, COLUMN_BOTH },
	{ "Security Methods", "mmsecmethods", NULL, COLUMN_WIDE },
};

static const struct view view = {
	.name = "policies",
	.title = "Policies",
	.none = "There are no policies.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
	.print_details = print_details,
};

static void fill_row(struct row *row, const struct static_show *show,
		     const struct store_policy *policy)
{
	const struct store_rule *response = store_policy_default_rule(policy);
	char guid[STORE_GUID_STRLEN];

	*row = (struct row){
		.name = strdup(policy->head.name),
		.description = static_copy(policy->head.description),
		.store = strdup(store_location_name(show->location)),
		.modified = policy->head.modified,
		.guid = strdup(store_guid_format(policy->head.guid, guid)),
		.assigned = policy->is_assigned,
		.mmpfs = policy->mmpfs,
		.quick_modes = store_policy_quick_modes(policy),
		.lifetime = policy->lifetime_minutes,
		.soft_sa = policy->soft_sa_seconds,
		.polling = policy->polling_minutes,
		.default_rule = response && response->is_active,
		.methods = policy_mm_offers_to_text(policy->offers, policy->n_offers),
		.rules = (uint32_t)policy->n_rules - (response ? 1 : 0),
		.policy = policy,
	};
}

enum ctl_exit static_show_policies(const struct static_show *show, const char *name)
{
	const struct store_content *content = show->content;
	struct row *rows = calloc(content->n_policies + 1, sizeof(*rows));
	enum ctl_exit ret;
	size_t n = 0;

	if (!rows)
		return ctl_message_error(show->ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < content->n_policies; i++)
		if (!name || policy_name_is_equal(name, content->policies[i]->head.name))
			fill_row(&rows[n++], show, content->policies[i]);
	if (name && !n)
		ret = static_not_found(show, "policy", name, "show policy all");
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

	ret = static_show_begin(ctl, args, &query, &show) ?: static_show_policies(&show, name);
	static_show_end(&show);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "static add policy",
		.text = "create a policy",
		.remarks = "A policy has main mode settings, a default response rule, which answers "
			   "peers that no other rule is for, and the rules that are added to it. It "
			   "acts when it is assigned, and only one of a store can be. Master PFS "
			   "(mmpfs) means one quick mode per main mode, whatever qmpermm is. Methods "
			   "are those of dynamic add mmpolicy; 0 as softsaexpirationtime is the "
			   "default, 300 seconds.",
		.examples = "  static add policy name=AndyPol activatedefaultrule=no\n"
			    "  static add policy servers mmsec=AES256-SHA256-14 assign=yes\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_add,
	},
	{
		.path = "static set policy",
		.text = "change, assign or unassign a policy",
		.remarks = "What is not named stays as it is. assign=yes unassigns the policy that was "
			   "assigned.",
		.examples = "  static set policy name=AndyPol assign=yes\n"
			    "  static set policy name=AndyPol newname=\"Andy's policy\"\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_set,
	},
	{
		.path = "static delete policy",
		.text = "remove a policy and its rules, or all of them",
		.remarks = "Filter lists and filter actions stay. If it was assigned, it no longer acts.",
		.examples = "  static delete policy name=AndyPol\n"
			    "  static delete policy all\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_STORED,
		.run = run_delete,
	},
	{
		.path = "static show policy",
		.text = "print policies",
		.remarks = "level=verbose adds GUID, main mode settings and the rules.",
		.examples = "  static show policy all\n"
			    "  static show policy name=AndyPol level=verbose\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_static_policy_set = CTL_COMMAND_SET(commands);
