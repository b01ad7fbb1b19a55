// SPDX-License-Identifier: MIT
#include "store/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "policy/text.h"

/* The longest text that has a form of its own: 20 offers, an address, a word. */
#define FORMAL_TEXT_MAX	4096

/* --- values ------------------------------------------------------------------------------- */

/* The object's own check goes into the row's sentence: both are faults of the file. */
static int row_fault(struct store *store, const struct sql_row *row, const char *noun,
		     const char *name, struct fault *fault)
{
	char what[POLICY_WHY_LEN + POLICY_NAME_MAX + 64];

	if (!row->err)
		return 0;
	if (row->err == -ENOMEM)
		return fault_no_memory(fault);
	(void)snprintf(what, sizeof(what), "%s \"%s\": %s", noun, name ?: "", row->why);
	return sql_damaged(store, fault, what);
}

static void read_head(struct sql_row *row, struct store_head *head)
{
	head->guid = sql_row_guid(row, "guid");
	head->name = sql_row_text(row, "name", POLICY_NAME_MAX);
	head->description = sql_row_text(row, "description", STORE_DESCRIPTION_MAX);
	head->modified = sql_row_number(row, "modified", INT64_MAX);
}

static void read_address(struct sql_row *row, const char *tag, struct policy_address *address)
{
	_cleanup_free_ char *text = sql_row_text(row, tag, FORMAL_TEXT_MAX);

	if (!row->err)
		sql_row_check(row, policy_address_parse(text ?: "", address, row->why));
}

static void read_mm_offers(struct sql_row *row, struct store_policy *policy)
{
	_cleanup_free_ char *text = sql_row_text(row, "mmsecmethods", FORMAL_TEXT_MAX);

	policy->n_offers = 0;
	if (!row->err)
		sql_row_check(row, policy_mm_offers_parse(text ?: "", policy->offers,
							  &policy->n_offers, row->why));
}

/* None at all is an empty text: an action that does not negotiate needs none. */
static void read_qm_offers(struct sql_row *row, struct store_filter_action *action)
{
	_cleanup_free_ char *text = sql_row_text(row, "qmsecmethods", FORMAL_TEXT_MAX);

	action->n_offers = 0;
	if (!row->err && text && *text)
		sql_row_check(row, policy_qm_offers_parse(text, action->offers, &action->n_offers,
							  row->why));
}

static void read_word(struct sql_row *row, const char *tag, int (*parse)(const char *, int *),
		      int *ret_value)
{
	_cleanup_free_ char *text = sql_row_text(row, tag, FORMAL_TEXT_MAX);

	if (row->err || (text && !parse(text, ret_value)))
		return;
	(void)snprintf(row->why, sizeof(row->why), "%s is not one of its words", tag);
	row->err = -EINVAL;
}

static int parse_action(const char *text, int *ret_value)
{
	enum ipsecdrv_action action;
	int err = policy_action_parse(text, &action);

	if (!err)
		*ret_value = (int)action;
	return err;
}

static int parse_connection(const char *text, int *ret_value)
{
	enum policy_connection connection;
	int err = policy_connection_parse(text, &connection);

	if (!err)
		*ret_value = (int)connection;
	return err;
}

static int parse_method_kind(const char *text, int *ret_value)
{
	static const enum policy_method_kind kinds[] = {
		POLICY_METHOD_KERBEROS, POLICY_METHOD_PSK, POLICY_METHOD_ROOT_CA,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(text, policy_method_kind_name(kinds[i]))) {
			*ret_value = (int)kinds[i];
			return 0;
		}
	}
	return -EINVAL;
}

/* --- filters ------------------------------------------------------------------------------ */

static const char filters_of_list[] =
	"SELECT id, guid, NULL, description, modified, source, destination, protocol, "
	"source_port, destination_port, mirrored, is_main_mode FROM filters WHERE list = ? ORDER BY id";

static void read_filter(struct sql_row *row, struct store_filter *filter)
{
	read_head(row, &filter->head);
	read_address(row, "srcaddr", &filter->source);
	read_address(row, "dstaddr", &filter->destination);
	filter->protocol = (uint8_t)sql_row_number(row, "protocol", UINT8_MAX);
	filter->source_port = (uint16_t)sql_row_number(row, "srcport", UINT16_MAX);
	filter->destination_port = (uint16_t)sql_row_number(row, "dstport", UINT16_MAX);
	filter->mirrored = sql_row_bool(row, "mirrored");
	filter->is_main_mode = sql_row_bool(row, "mainmode");
	if (!row->err)
		sql_row_check(row, store_filter_check(filter, row->why));
}

static int next_filter(struct store *store, sqlite3_stmt *statement, const char *list,
		       struct store_filter **ret_filter, struct fault *fault)
{
	_cleanup_(store_filter_freep) struct store_filter *filter = NULL;
	struct sql_row row = { .statement = statement, .column = 1 };
	int err = sql_next(store, fault, statement);

	if (err <= 0)
		return err;
	filter = store_filter_new();
	if (!filter)
		return fault_no_memory(fault);
	read_filter(&row, filter);
	err = row_fault(store, &row, "a filter of filter list", list, fault);
	if (err)
		return err;
	*ret_filter = TAKE_PTR(filter);
	return 1;
}

static int load_filters(struct store *store, int64_t list_id, struct store_filter_list *list,
			struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	struct store_filter *filter;
	int err = sql_query(store, fault, &statement, filters_of_list, "x", list_id);

	while (!err && (err = next_filter(store, statement, list->head.name, &filter, fault)) > 0)
		err = store_filter_list_add(list, filter) ? fault_no_memory(fault) : 0;
	return err;
}

static int add_id(int64_t **ids, size_t *n, int64_t id)
{
	int64_t *more = *ids;

	/* Room for a power of two. */
	if (!(*n & (*n - 1)))
		more = reallocarray(*ids, *n ? *n * 2 : 1, sizeof(id));
	if (!more)
		return -ENOMEM;
	more[(*n)++] = id;
	*ids = more;
	return 0;
}

int load_matching_filters(struct store *store, int64_t list_id, const struct store_filter *pattern,
			  uint32_t given, int64_t **ret_ids, size_t *ret_n, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	_cleanup_free_ int64_t *ids = NULL;
	struct store_filter *filter;
	size_t n = 0;
	int err = sql_query(store, fault, &statement, filters_of_list, "x", list_id);

	while (!err && (err = next_filter(store, statement, "", &filter, fault)) > 0) {
		err = 0;
		if (store_filter_matches(filter, pattern, given) &&
		    add_id(&ids, &n, sqlite3_column_int64(statement, 0)) < 0)
			err = fault_no_memory(fault);
		store_filter_free(filter);
	}
	if (err)
		return err;
	*ret_ids = TAKE_PTR(ids);
	*ret_n = n;
	return 0;
}

static int read_list(struct store *store, sqlite3_stmt *statement, bool without_filters,
		     struct store_filter_list *list, struct fault *fault)
{
	struct sql_row row = { .statement = statement, .column = 1 };
	int err;

	read_head(&row, &list->head);
	if (!row.err)
		sql_row_check(&row, store_filter_list_check(list, row.why));
	err = row_fault(store, &row, "filter list", list->head.name, fault);
	if (err || without_filters)
		return err;
	return load_filters(store, sqlite3_column_int64(statement, 0), list, fault);
}

int load_lists(struct store *store, const struct load_which *which, struct store_content *content,
	       struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err;

	err = sql_query(store, fault, &statement,
			"SELECT id, guid, name, description, modified FROM filter_lists "
			"WHERE id BETWEEN ?1 AND ?2 AND (?3 = 0 OR "
			"id IN (SELECT filter_list FROM rules WHERE policy = ?3)) ORDER BY id",
			"xxx", which->id, which->id ?: INT64_MAX, which->of_policy);
	while (!err && (err = sql_next(store, fault, statement)) > 0) {
		_cleanup_(store_filter_list_freep) struct store_filter_list *list = NULL;

		list = store_filter_list_new();
		err = list ? read_list(store, statement, which->without_filters, list, fault) :
		      fault_no_memory(fault);
		if (!err && store_content_add_list(content, TAKE_PTR(list)) < 0)
			err = fault_no_memory(fault);
	}
	return err;
}

/* --- filter actions ----------------------------------------------------------------------- */

#define ACTION_COLUMNS "SELECT id, guid, name, description, modified, action, inpass, soft, " \
	"qmpfs, qmsecmethods, is_tool FROM filter_actions "

static void read_action(struct sql_row *row, struct store_filter_action *action)
{
	int verdict = IPSECDRV_ACTION_NONE;

	read_head(row, &action->head);
	read_word(row, "action", parse_action, &verdict);
	action->action = (enum ipsecdrv_action)verdict;
	action->inpass = sql_row_bool(row, "inpass");
	action->soft = sql_row_bool(row, "soft");
	action->qmpfs = sql_row_bool(row, "qmpfs");
	read_qm_offers(row, action);
	action->is_tool = sql_row_bool(row, "is_tool");
}

int load_actions(struct store *store, const struct load_which *which,
		 struct store_content *content, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err;

	err = sql_query(store, fault, &statement,
			ACTION_COLUMNS "WHERE rule IS NULL AND id BETWEEN ?1 AND ?2 AND "
			"(?3 = 0 OR id IN (SELECT filter_action FROM rules WHERE policy = ?3)) "
			"ORDER BY id", "xxx", which->id, which->id ?: INT64_MAX, which->of_policy);
	while (!err && (err = sql_next(store, fault, statement)) > 0) {
		_cleanup_(store_filter_action_freep) struct store_filter_action *action = NULL;
		struct sql_row row = { .statement = statement, .column = 1 };

		action = store_filter_action_new();
		if (!action)
			return fault_no_memory(fault);
		read_action(&row, action);
		if (!row.err)
			sql_row_check(&row, store_filter_action_check(action, row.why));
		err = row_fault(store, &row, "filter action", action->head.name, fault);
		if (!err && store_content_add_action(content, TAKE_PTR(action)) < 0)
			err = fault_no_memory(fault);
	}
	return err;
}

/* --- rules -------------------------------------------------------------------------------- */

static void read_method(struct sql_row *row, struct policy_method *method)
{
	int kind = POLICY_METHOD_KERBEROS;

	read_word(row, "auth", parse_method_kind, &kind);
	method->kind = (enum policy_method_kind)kind;
	method->secret = sql_row_text(row, "auth", POLICY_SECRET_MAX);
	method->cert_map = sql_row_bool(row, "certmap");
	method->exclude_ca_name = sql_row_bool(row, "excludecaname");
}

static int load_methods(struct store *store, int64_t rule_id, struct store_rule *rule,
			struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	struct sql_row row = { .column = 0 };
	int err;

	policy_methods_clear(rule->methods, &rule->n_methods);
	err = sql_query(store, fault, &statement,
			"SELECT kind, secret, cert_map, exclude_ca_name FROM methods "
			"WHERE rule = ? ORDER BY position", "x", rule_id);
	while (!err && (err = sql_next(store, fault, statement)) > 0) {
		if (rule->n_methods == POLICY_MAX_METHODS)
			return sql_damaged(store, fault,
					   "a rule has more authentication methods than it can have");
		row = (struct sql_row){ .statement = statement };
		read_method(&row, &rule->methods[rule->n_methods++]);
		err = row_fault(store, &row, "rule", rule->head.name, fault);
	}
	return err;
}

static int load_own_action(struct store *store, int64_t rule_id, struct store_rule *rule,
			   struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	struct sql_row row = { .column = 1 };
	int err;

	err = sql_query(store, fault, &statement, ACTION_COLUMNS "WHERE rule = ?", "x", rule_id);
	if (!err)
		err = sql_next(store, fault, statement);
	if (err < 0)
		return err;
	if (!err)
		return sql_damaged(store, fault, "a default response rule has no filter action");
	if (!rule->own_action)
		rule->own_action = store_filter_action_new();
	if (!rule->own_action)
		return fault_no_memory(fault);
	row.statement = statement;
	read_action(&row, rule->own_action);
	return row_fault(store, &row, "the default response rule's action", NULL, fault);
}

static void read_rule(struct sql_row *row, struct store_rule *rule)
{
	int connection = POLICY_CONNECTION_ALL;

	read_head(row, &rule->head);
	rule->is_default_response = sql_row_bool(row, "is_default_response");
	rule->is_active = sql_row_bool(row, "activate");
	rule->filter_list = sql_row_text(row, "filterlist", POLICY_NAME_MAX);
	rule->filter_action = sql_row_text(row, "filteraction", POLICY_NAME_MAX);
	read_word(row, "conntype", parse_connection, &connection);
	rule->connection = (enum policy_connection)connection;
	rule->is_tool = sql_row_bool(row, "is_tool");
	rule->has_tunnel = sqlite3_column_type(row->statement, row->column) != SQLITE_NULL;
	if (rule->has_tunnel)
		read_address(row, "tunnel", &rule->tunnel);
}

static int load_rule(struct store *store, sqlite3_stmt *statement, struct store_rule *rule,
		     struct fault *fault)
{
	struct sql_row row = { .statement = statement, .column = 1 };
	int64_t id = sqlite3_column_int64(statement, 0);
	int err;

	free(rule->filter_list);
	free(rule->filter_action);
	rule->filter_list = NULL;
	rule->filter_action = NULL;
	read_rule(&row, rule);
	err = row_fault(store, &row, "rule", rule->head.name, fault) ?:
	      load_methods(store, id, rule, fault);
	if (!err && rule->is_default_response)
		err = load_own_action(store, id, rule, fault);
	if (err)
		return err;
	sql_row_check(&row, store_rule_check(rule, row.why));
	return row_fault(store, &row, "rule", rule->head.name, fault);
}

int load_rules(struct store *store, int64_t policy_id, int64_t id, bool only_default_rule,
	       struct store_policy *policy, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err;

	err = sql_query(store, fault, &statement,
			"SELECT r.id, r.guid, r.name, r.description, r.modified, "
			"r.is_default_response, r.is_active, l.name, a.name, r.connection, "
			"r.is_tool, r.tunnel FROM rules r "
			"LEFT JOIN filter_lists l ON l.id = r.filter_list "
			"LEFT JOIN filter_actions a ON a.id = r.filter_action "
			"WHERE r.policy = ?1 AND r.id BETWEEN ?2 AND ?3 AND "
			"(?4 = 0 OR r.is_default_response) ORDER BY r.is_default_response DESC, r.id",
			"xxxi", policy_id, id, id ?: INT64_MAX, only_default_rule);
	while (!err && (err = sql_next(store, fault, statement)) > 0) {
		_cleanup_(store_rule_freep) struct store_rule *rule = store_rule_new();

		err = rule ? load_rule(store, statement, rule, fault) : fault_no_memory(fault);
		if (!err && store_policy_add(policy, TAKE_PTR(rule)) < 0)
			err = fault_no_memory(fault);
	}
	return err;
}

/* --- policies ----------------------------------------------------------------------------- */

static void read_policy(struct sql_row *row, struct store_policy *policy)
{
	read_head(row, &policy->head);
	policy->is_assigned = sql_row_bool(row, "assign");
	policy->mmpfs = sql_row_bool(row, "mmpfs");
	policy->quick_modes = (uint32_t)sql_row_number(row, "qmpermm", UINT32_MAX);
	policy->lifetime_minutes = (uint32_t)sql_row_number(row, "mmlifetime", UINT32_MAX);
	policy->soft_sa_seconds = (uint32_t)sql_row_number(row, "softsaexpirationtime", UINT32_MAX);
	policy->polling_minutes = (uint32_t)sql_row_number(row, "pollinginterval", UINT32_MAX);
	read_mm_offers(row, policy);
	policy->is_tool = sql_row_bool(row, "is_tool");
}

static void drop_rules(struct store_policy *policy)
{
	while (policy->n_rules)
		store_rule_free(policy->rules[--policy->n_rules]);
}

static int load_policy(struct store *store, sqlite3_stmt *statement, bool only_default_rule,
		       struct store_policy *policy, struct fault *fault)
{
	struct sql_row row = { .statement = statement, .column = 1 };
	int err;

	drop_rules(policy);
	read_policy(&row, policy);
	err = row_fault(store, &row, "policy", policy->head.name, fault) ?:
	      load_rules(store, sqlite3_column_int64(statement, 0), 0, only_default_rule, policy,
			 fault);
	if (err)
		return err;
	sql_row_check(&row, store_policy_check(policy, row.why));
	return row_fault(store, &row, "policy", policy->head.name, fault);
}

int load_policies(struct store *store, const struct load_which *which,
		  struct store_content *content, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err;

	err = sql_query(store, fault, &statement,
			"SELECT id, guid, name, description, modified, is_assigned, mmpfs, "
			"quick_modes, lifetime_minutes, soft_sa_seconds, polling_minutes, "
			"mmsecmethods, is_tool FROM policies WHERE id BETWEEN ?1 AND ?2 AND "
			"(?3 = 0 OR is_assigned) ORDER BY id",
			"xxi", which->id, which->id ?: INT64_MAX, which->only_assigned);
	while (!err && (err = sql_next(store, fault, statement)) > 0) {
		_cleanup_(store_policy_freep) struct store_policy *policy = store_policy_new();

		err = policy ? load_policy(store, statement, which->only_default_rule, policy, fault) :
		      fault_no_memory(fault);
		if (!err && store_content_add_policy(content, TAKE_PTR(policy)) < 0)
			err = fault_no_memory(fault);
	}
	return err;
}
