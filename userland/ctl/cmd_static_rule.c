// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ctl/client.h"
#include "ctl/methods.h"
#include "ctl/static.h"
#include "policy/address.h"
#include "policy/bus.h"
#include "policy/text.h"
#include "store/guid.h"

static const struct ctl_tag add_tags[] = {
	TAG_REQUIRED("name", name, "name of the rule"),
	TAG_REQUIRED("policy", policy, "policy that it belongs to"),
	TAG_REQUIRED("filterlist", filterlist, "list of filters that it is for"),
	TAG_REQUIRED("filteraction", filteraction, "what it does"),
	TAG_DEFAULT("tunnel", tunnel, "none", "endpoint of the tunnel"),
	TAG_DEFAULT("conntype", conntype, "all", "kind of network connection"),
	TAG_DEFAULT("activate", bool, "yes", "the rule is active"),
	TAG("description", text, "free text"),
	AUTH_TAGS("yes, without psk and rootca"),
	TOOL_TAG,
};

static const struct ctl_tag set_tags[] = {
	TAG("name", rule, "name of the rule"),
	TAG("policy", policy, "policy that it belongs to; required"),
	TAG("newname", name, "new name"),
	TAG("description", text, "free text"),
	TAG("filterlist", filterlist, "list of filters that it is for"),
	TAG("filteraction", filteraction, "what it does"),
	TAG("tunnel", tunnel, "endpoint of the tunnel, or none"),
	TAG("conntype", conntype, "kind of network connection"),
	TAG("activate", bool, "the rule is active"),
	AUTH_TAGS(NULL),
	TAG("id", rule_id, "number of the rule in show rule, instead of name"),
};

static const struct ctl_tag set_default_tags[] = {
	TAG_REQUIRED("policy", policy, "policy that it belongs to"),
	TAG("qmpfs", bool, "fresh Diffie-Hellman for every quick mode"),
	TAG("activate", bool, "the rule is active"),
	TAG("qmsecmethods", qm_methods, "what is agreed to, in this order"),
	AUTH_TAGS(NULL),
	TAG("description", text, "free text"),
};

static const struct ctl_tag delete_tags[] = {
	TAG("name", rule, "name of the rule; or the word all"),
	TAG("policy", policy, "policy that it belongs to; required"),
	TAG("id", rule_id, "number of the rule in show rule, instead of name"),
};

static const struct ctl_tag show_tags[] = {
	TAG("name", rule, "name of the rule; or the words all and default"),
	TAG("policy", policy, "policy that it belongs to; required"),
	TAG("type", rule_type, "only rules without, or with, a tunnel"),
	SHOW_TAGS,
	TAG("id", rule_id, "number of the rule, instead of name"),
	CTL_TAG_RESOLVEDNS,
};

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_ADD, STORE_KIND_RULE);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_SET, STORE_KIND_RULE);
}

static enum ctl_exit run_set_default(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_SET, STORE_KIND_DEFAULT_RULE);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return static_run(ctl, args, STORE_VERB_DELETE, STORE_KIND_RULE);
}

/* What is shown of a rule. */
struct row {
	uint32_t id;			/* 0: the default response rule */
	const char *name;
	const char *description;
	const char *policy;
	const char *store;
	uint64_t modified;
	const char *guid;
	bool default_response;
	bool active;
	const char *list;
	const char *action;
	const char *tunnel;
	const char *connection;
	const char *auth;		/* "psk kerberos" */
	const char *root_ca;		/* joined by "; " */
	const char *psk;		/* level=verbose and root only */
	const struct static_show *show;
	const struct store_rule *rule;
};

static const struct policy_key row_keys[] = {
	{ "id", POLICY_VALUE_NUMBER, offsetof(struct row, id) },
	{ "name", POLICY_VALUE_STRING, offsetof(struct row, name) },
	{ "description", POLICY_VALUE_STRING, offsetof(struct row, description) },
	{ "policy", POLICY_VALUE_STRING, offsetof(struct row, policy) },
	{ "store", POLICY_VALUE_STRING, offsetof(struct row, store) },
	{ "modified", POLICY_VALUE_COUNTER, offsetof(struct row, modified) },
	{ "guid", POLICY_VALUE_STRING, offsetof(struct row, guid) },
	{ "defaultresponse", POLICY_VALUE_BOOL, offsetof(struct row, default_response) },
	{ "activate", POLICY_VALUE_BOOL, offsetof(struct row, active) },
	{ "filterlist", POLICY_VALUE_STRING, offsetof(struct row, list) },
	{ "filteraction", POLICY_VALUE_STRING, offsetof(struct row, action) },
	{ "tunnel", POLICY_VALUE_STRING, offsetof(struct row, tunnel) },
	{ "conntype", POLICY_VALUE_STRING, offsetof(struct row, connection) },
	{ "auth", POLICY_VALUE_STRING, offsetof(struct row, auth) },
	{ "rootca", POLICY_VALUE_STRING, offsetof(struct row, root_ca) },
	{ "psk", POLICY_VALUE_STRING, offsetof(struct row, psk) },
};

static const struct policy_record row_record = {
	"policy_rules", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static void print_id(FILE *file, const void *data)
{
	const struct row *row = data;

	if (row->id)
		fprintf(file, "%u", row->id);
}

static void print_name(FILE *file, const void *data)
{
	const struct row *row = data;

	fputs(row->name ?: "Default Response", file);
}

/* The snap-in's word for what a default response rule has none of. */
static void print_list(FILE *file, const void *data)
{
	const struct row *row = data;

	fputs(row->list ?: "<Dynamic>", file);
}

static void print_modified(FILE *file, const void *row)
{
	char buf[STATIC_TIME_LEN];

	fputs(static_time_format(((const struct row *)row)->modified, buf), file);
}

static void print_tunnel(FILE *file, const void *data)
{
	const struct row *row = data;

	fputs(row->tunnel ?: "none", file);
}

/* As the original shows it, but not to everyone. */
static void print_psk(FILE *file, const void *data)
{
	const struct row *row = data;

	for (size_t i = 0; i < row->rule->n_methods; i++)
		if (row->rule->methods[i].kind == POLICY_METHOD_PSK)
			fputs(row->psk ?: "*", file);
}

static void print_details(FILE *file, const void *data)
{
	const struct row *row = data;

	if (row->rule->list)
		static_print_filters(row->show, row->rule->list);
	if (row->rule->own_action)
		static_print_offers(file, row->rule->own_action);
	else if (row->rule->action)
		static_print_offers(file, row->rule->action);
}

static const struct column columns[] = {
	{ "Rule ID", NULL, print_id, COLUMN_BOTH },
	{ "Rule Name", NULL, print_name, COLUMN_BOTH },
	{ "Description", "description", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Policy", "policy", NULL, COLUMN_BOTH },
	{ "Last Modified", NULL, print_modified, COLUMN_LIST | COLUMN_WIDE },
	{ "GUID", "guid", NULL, COLUMN_VERBOSE | COLUMN_WIDE },
	{ "Activated", "activate", NULL, COLUMN_BOTH | COLUMN_CAPITALS },
	{ "Filter List", NULL, print_list, COLUMN_BOTH },
	{ "Filter Action", "filteraction", NULL, COLUMN_BOTH },
	{ "Tunnel Endpoint", NULL, print_tunnel, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Connection Type", "conntype", NULL, COLUMN_BOTH | COLUMN_CAPITALS },
	{ "Authentication Methods", "auth", NULL, COLUMN_BOTH },
	{ "Root CAs", "rootca", NULL, COLUMN_LIST | COLUMN_WIDE },
	{ "Preshared Key", NULL, print_psk, COLUMN_LIST },
};

static const struct view view = {
	.name = "policy_rules",
	.title = "Rules",
	.none = "There are no rules.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
	.print_details = print_details,
};

static void fill_row(struct row *row, const struct static_show *show,
		     const struct store_policy *policy, const struct store_rule *rule, uint32_t id)
{
	char guid[STORE_GUID_STRLEN];

	*row = (struct row){
		.id = id,
		.name = static_copy(rule->head.name),
		.description = static_copy(rule->head.description),
		.policy = strdup(policy->head.name),
		.store = strdup(store_location_name(show->location)),
		.modified = rule->head.modified,
		.guid = strdup(store_guid_format(rule->head.guid, guid)),
		.default_response = rule->is_default_response,
		.active = rule->is_active,
		.list = static_copy(rule->filter_list),
		.action = static_copy(rule->filter_action),
		.tunnel = rule->has_tunnel ? policy_address_to_text(&rule->tunnel) : NULL,
		.connection = static_copy(policy_connection_name(rule->connection)),
		.auth = ctl_methods_text(rule->methods, rule->n_methods, -1),
		.root_ca = ctl_methods_text(rule->methods, rule->n_methods, POLICY_METHOD_ROOT_CA),
		.psk = show->has_secrets ? ctl_methods_text(rule->methods, rule->n_methods,
							    POLICY_METHOD_PSK) : NULL,
		.show = show,
		.rule = rule,
	};
}

static bool is_wanted(const struct static_rule_choice *choice, const struct store_rule *rule,
		      uint32_t id)
{
	if (choice->type && rule->has_tunnel != !strcasecmp(choice->type, "tunnel"))
		return false;
	if (choice->only_default)
		return rule->is_default_response;
	if (choice->id)
		return choice->id == id;
	if (choice->name)
		return rule->head.name && policy_name_is_equal(rule->head.name, choice->name);
	return true;
}

static size_t fill_rows(struct row *rows, const struct static_show *show,
			const struct static_rule_choice *choice, const struct store_policy *policy)
{
	uint32_t id = 0;
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct store_rule *rule = policy->rules[i];
		uint32_t own = rule->is_default_response ? 0 : ++id;

		if (is_wanted(choice, rule, own))
			fill_row(&rows[n++], show, policy, rule, own);
	}
	return n;
}

static enum ctl_exit no_such_rule(const struct static_show *show,
				  const struct static_rule_choice *choice)
{
	if (choice->name)
		return ctl_error(show->ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
				 "policy \"%s\" has no rule \"%s\"; \"show rule all\" lists those that it "
				 "has", choice->policy, choice->name);
	return ctl_error(show->ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
			 "policy \"%s\" has no rule with id %u; \"show rule all\" lists those that it "
			 "has", choice->policy, choice->id);
}

enum ctl_exit static_show_rules(const struct static_show *show,
				const struct static_rule_choice *choice)
{
	const struct store_content *content = show->content;
	size_t n = 0, n_policies = 0;
	enum ctl_exit ret;
	struct row *rows;

	for (size_t i = 0; i < content->n_policies; i++)
		n += content->policies[i]->n_rules;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows)
		return ctl_message_error(show->ctl, -ENOMEM, NULL);
	n = 0;
	for (size_t i = 0; i < content->n_policies; i++) {
		const struct store_policy *policy = content->policies[i];

		if (choice->policy && !policy_name_is_equal(choice->policy, policy->head.name))
			continue;
		n_policies++;
		n += fill_rows(rows + n, show, choice, policy);
	}
	if (choice->policy && !n_policies)
		ret = static_not_found(show, "policy", choice->policy, "show policy all");
	else if (!n && (choice->name || choice->id))
		ret = no_such_rule(show, choice);
	else
		ret = ctl_print_view(show->ctl, &show->layout, &view, rows, n);
	ctl_rows_free(&row_record, rows, n);
	return ret;
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	struct static_rule_choice choice = {
		.policy = ctl_args_get(args, "policy"),
		.name = args->has_all || args->has_default ? NULL : ctl_args_get(args, "name"),
		.only_default = args->has_default,
		.type = ctl_args_get(args, "type"),
	};
	const struct store_query query = { .policy = choice.policy };
	const char *id = ctl_args_get(args, "id"), *path = args->command->path;
	struct static_show show;
	enum ctl_exit ret;

	if (!choice.policy)
		return ctl_usage_error(ctl, path, "policy=NAME is missing");
	if ((id != NULL) + (ctl_args_get(args, "name") != NULL) + args->has_all + args->has_default > 1)
		return ctl_usage_error(ctl, path,
				       "name, id and the words all and default exclude each other");
	if (id)
		(void)parse_u32(id, &choice.id);
	ret = static_show_begin(ctl, args, &query, &show) ?: static_show_rules(&show, &choice);
	static_show_end(&show);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "static add rule",
		.text = "create a rule of a policy",
		.remarks = "A rule joins a filter list and a filter action, which may be used by other "
			   "rules, too. The order of kerberos, psk and rootca is the order of "
			   "preference. A tunnel needs a rule for each direction, with filters that "
			   "are not mirrored; its endpoint is where the packets leave it.",
		.examples =
			"  static add rule name=r1 policy=AndyPol filterlist=telnetAll filteraction=drop\n"
			"  static add rule r2 AndyPol telnetBetty secure psk=\"a secret\"\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_add,
	},
	{
		.path = "static set rule",
		.text = "change a rule of a policy",
		.remarks = "What is not named stays as it is. Authentication methods replace all old "
			   "ones.",
		.examples = "  static set rule name=r1 policy=AndyPol activate=no\n"
			    "  static set rule id=2 policy=AndyPol kerberos=yes psk=\"a secret\"\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_set,
	},
	{
		.path = "static set defaultrule",
		.text = "change a policy's default response rule",
		.remarks = "It only answers peers that no other rule is for. It cannot be removed, only "
			   "made inactive. Authentication methods replace all old ones.",
		.examples = "  static set defaultrule policy=AndyPol activate=no\n"
			    "  static set defaultrule AndyPol qmsec=\"ESP[3DES,SHA1] ESP[DES,MD5]\"\n",
		CTL_TAGS(set_default_tags),
		.flags = CTL_COMMAND_STORED,
		.run = run_set_default,
	},
	{
		.path = "static delete rule",
		.text = "remove a rule of a policy, or all of them",
		.remarks = "The default response rule stays, whatever is removed.",
		.examples = "  static delete rule name=r1 policy=AndyPol\n"
			    "  static delete rule all policy=AndyPol\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_STORED,
		.run = run_delete,
	},
	{
		.path = "static show rule",
		.text = "print rules of a policy",
		.remarks = "The word default stands for the default response rule. level=verbose adds "
			   "GUID, filters, security methods and, for root, preshared keys.",
		.examples = "  static show rule all policy=AndyPol format=table\n"
			    "  static show rule default AndyPol level=verbose\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_DEFAULT,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_static_rule_set = CTL_COMMAND_SET(commands);
