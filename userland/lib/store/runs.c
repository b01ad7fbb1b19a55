// SPDX-License-Identifier: MIT
/*
 * The columns have the names and texts of the tags, so that the grammar is the only parser. What is
 * NULL was not given.
 */
#include "store/runs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "policy/text.h"
#include "store/sql.h"

#define TEXT_MAX	4096			/* as in load.c */
#define METHOD_MAX	(2 * POLICY_SECRET_MAX)	/* with what is around the secret */

static const char *yes_or_no(bool value)
{
	return value ? "yes" : "no";
}

/* --- writing ------------------------------------------------------------------------------ */

int store_clear_runs(struct store *store, struct fault *fault)
{
	return sql_run(store, fault, "DELETE FROM run_rules", "") ?:
	       sql_run(store, fault, "DELETE FROM run_mm_policies", "") ?:
	       sql_run(store, fault, "DELETE FROM run_qm_policies", "");
}

int store_add_mm_policy(struct store *store, const struct policy_mm_policy *policy,
			struct fault *fault)
{
	_cleanup_free_ char *offers = policy_mm_offers_to_text(policy->offers, policy->n_offers);
	char quick_modes[16], minutes[16], seconds[16];

	if (!offers)
		return fault_no_memory(fault);
	snprintf(quick_modes, sizeof(quick_modes), "%u", policy->quick_modes);
	snprintf(minutes, sizeof(minutes), "%u", policy->lifetime_minutes);
	snprintf(seconds, sizeof(seconds), "%u", policy->soft_sa_seconds);
	return sql_run(store, fault,
		       "INSERT INTO run_mm_policies (name, qmpermm, mmlifetime, "
		       "softsaexpirationtime, mmsecmethods) VALUES (?, ?, ?, ?, ?)",
		       "ttttt", policy->name, quick_modes, minutes, seconds, offers);
}

int store_add_qm_policy(struct store *store, const struct policy_qm_policy *policy,
			struct fault *fault)
{
	_cleanup_free_ char *offers = policy_qm_offers_to_text(policy->offers, policy->n_offers);
	char group[8];

	if (!offers)
		return fault_no_memory(fault);
	return sql_run(store, fault,
		       "INSERT INTO run_qm_policies (name, soft, pfsgroup, qmsecmethods) "
		       "VALUES (?, ?, ?, ?)",
		       "tttt", policy->name, yes_or_no(policy->soft),
		       policy_pfs_group_format(policy->pfs_group, group), offers);
}

static int add_methods(struct store *store, const struct policy_rule *rule, int64_t id,
		       struct fault *fault)
{
	int err = 0;

	for (size_t i = 0; !err && i < rule->n_methods; i++) {
		_cleanup_(policy_secret_freep) char *text =
			policy_method_to_text(&rule->methods[i], true);

		if (!text)
			return fault_no_memory(fault);
		err = sql_run(store, fault,
			      "INSERT INTO run_methods (rule, position, method) VALUES (?, ?, ?)",
			      "xit", id, (int)i, text);
	}
	return err;
}

/* The default response rule's addresses follow from what it is. */
static int insert_rule(struct store *store, const struct policy_rule *rule, const char *tunnel,
		       struct fault *fault)
{
	_cleanup_free_ char *source = policy_address_to_text(&rule->source);
	_cleanup_free_ char *destination = policy_address_to_text(&rule->destination);
	char protocol[POLICY_PROTOCOL_STRLEN], source_port[8], destination_port[8];

	if (!source || !destination)
		return fault_no_memory(fault);
	snprintf(source_port, sizeof(source_port), "%u", rule->source_port);
	snprintf(destination_port, sizeof(destination_port), "%u", rule->destination_port);
	return sql_run(store, fault,
		       "INSERT INTO run_rules (srcaddr, dstaddr, mmpolicy, qmpolicy, protocol, "
		       "srcport, dstport, mirrored, conntype, actioninbound, actionoutbound, "
		       "tunneldstaddress, defaultresponse, interface, mainmode) "
		       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		       "ttttttttttttttt", source, destination, rule->mm_policy, rule->qm_policy,
		       policy_protocol_format(rule->protocol, protocol), source_port,
		       destination_port, yes_or_no(rule->mirrored),
		       policy_connection_name(rule->connection), policy_action_name(rule->inbound),
		       policy_action_name(rule->outbound), tunnel,
		       yes_or_no(rule->is_default_response), rule->interface,
		       policy_main_mode_name(rule->main_mode));
}

int store_add_run_rule(struct store *store, const struct policy_rule *rule, struct fault *fault)
{
	_cleanup_free_ char *tunnel = rule->has_tunnel ?
				      policy_address_to_text(&rule->tunnel_destination) : NULL;
	int err;

	if (rule->has_tunnel && !tunnel)
		return fault_no_memory(fault);
	err = insert_rule(store, rule, tunnel, fault);
	return err ?: add_methods(store, rule, sqlite3_last_insert_rowid(store->db), fault);
}

/* --- reading ------------------------------------------------------------------------------ */

/* What set_tag() of one kind is, with the kind left out. */
typedef int set_tag(void *object, const char *tag, const char *value, uint32_t *given, char *why);

static int set_mm_tag(void *object, const char *tag, const char *value, uint32_t *given, char *why)
{
	return policy_mm_policy_set_tag(object, tag, value, given, why);
}

static int set_qm_tag(void *object, const char *tag, const char *value, uint32_t *given, char *why)
{
	return policy_qm_policy_set_tag(object, tag, value, given, why);
}

static int set_rule_tag(void *object, const char *tag, const char *value, uint32_t *given,
			char *why)
{
	return policy_rule_set_tag(object, tag, value, given, why);
}

/* Every column of the row from row->column on, by its name. */
static void read_tags(struct sql_row *row, set_tag *set, void *object)
{
	int n = sqlite3_column_count(row->statement);
	uint32_t given = 0;

	while (!row->err && row->column < n) {
		const char *tag = sqlite3_column_name(row->statement, row->column);
		_cleanup_free_ char *text = sql_row_text(row, tag, TEXT_MAX);

		if (!row->err && text)
			sql_row_check(row, set(object, tag, text, &given, row->why));
	}
}

/* *fault and -errno of a row that cannot be, or 0. */
static int row_fault(struct store *store, const struct sql_row *row, const char *noun,
		     const char *name, struct fault *fault)
{
	char what[POLICY_WHY_LEN + POLICY_NAME_MAX + 64];

	if (!row->err)
		return 0;
	if (row->err == -ENOMEM)
		return fault_no_memory(fault);
	snprintf(what, sizeof(what), "%s %s: %s", noun, name ?: "", row->why);
	return sql_damaged(store, fault, what);
}

static int read_mm(struct store *store, sqlite3_stmt *statement, struct policy_runs *runs,
		   struct fault *fault)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = policy_mm_policy_new();
	struct sql_row row = { .statement = statement };
	int err;

	if (!policy)
		return fault_no_memory(fault);
	read_tags(&row, set_mm_tag, policy);
	if (!row.err)
		sql_row_check(&row, policy_mm_policy_check(policy, row.why));
	err = row_fault(store, &row, "main mode policy", policy->name, fault);
	if (!err && policy_runs_add_mm(runs, TAKE_PTR(policy)) < 0)
		err = fault_no_memory(fault);
	return err;
}

static int read_qm(struct store *store, sqlite3_stmt *statement, struct policy_runs *runs,
		   struct fault *fault)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = policy_qm_policy_new();
	struct sql_row row = { .statement = statement };
	int err;

	if (!policy)
		return fault_no_memory(fault);
	read_tags(&row, set_qm_tag, policy);
	if (!row.err)
		sql_row_check(&row, policy_qm_policy_check(policy, row.why));
	err = row_fault(store, &row, "quick mode policy", policy->name, fault);
	if (!err && policy_runs_add_qm(runs, TAKE_PTR(policy)) < 0)
		err = fault_no_memory(fault);
	return err;
}

static void read_method(struct sql_row *row, struct policy_rule *rule)
{
	_cleanup_(policy_secret_freep) char *text = sql_row_text(row, "auth", METHOD_MAX);

	if (!row->err)
		sql_row_check(row, policy_methods_add_text(rule->methods, &rule->n_methods,
							   text ?: "", row->why));
}

static int read_methods(struct store *store, int64_t id, struct policy_rule *rule,
			struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err = sql_query(store, fault, &statement,
			    "SELECT method FROM run_methods WHERE rule = ? ORDER BY position", "x",
			    id);

	policy_methods_clear(rule->methods, &rule->n_methods);
	while (!err && (err = sql_next(store, fault, statement)) > 0) {
		struct sql_row row = { .statement = statement };

		read_method(&row, rule);
		err = row_fault(store, &row, "rule", "", fault);
	}
	return err;
}

static int read_rule(struct store *store, sqlite3_stmt *statement, struct policy_runs *runs,
		     struct fault *fault)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
	struct sql_row row = { .statement = statement };
	char number[24];
	int64_t id;
	int err;

	if (!rule)
		return fault_no_memory(fault);
	id = (int64_t)sql_row_number(&row, "id", INT64_MAX);
	snprintf(number, sizeof(number), "%lld", (long long)id);
	read_tags(&row, set_rule_tag, rule);
	err = row_fault(store, &row, "rule", number, fault);
	if (!err)
		err = read_methods(store, id, rule, fault);
	if (err)
		return err;
	sql_row_check(&row, policy_rule_check(rule, row.why));
	err = row_fault(store, &row, "rule", number, fault);
	if (!err && policy_runs_add_rule(runs, TAKE_PTR(rule)) < 0)
		err = fault_no_memory(fault);
	return err;
}

static int read_all(struct store *store, const char *query, struct policy_runs *runs,
		    int (*read)(struct store *store, sqlite3_stmt *statement,
				struct policy_runs *runs, struct fault *fault),
		    struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err = sql_query(store, fault, &statement, query, "");

	while (!err && (err = sql_next(store, fault, statement)) > 0)
		err = read(store, statement, runs, fault);
	return err;
}

int store_read_runs(struct store *store, struct policy_runs *ret_runs, struct fault *fault)
{
	struct policy_runs runs = { .n_mms = 0 };
	int err = read_all(store, "SELECT name, qmpermm, mmlifetime, softsaexpirationtime, "
			   "mmsecmethods FROM run_mm_policies ORDER BY id", &runs, read_mm, fault);

	if (!err)
		err = read_all(store, "SELECT name, soft, pfsgroup, qmsecmethods "
			       "FROM run_qm_policies ORDER BY id", &runs, read_qm, fault);
	if (!err)
		err = read_all(store, "SELECT id, srcaddr, dstaddr, mmpolicy, qmpolicy, protocol, "
			       "srcport, dstport, mirrored, conntype, actioninbound, "
			       "actionoutbound, tunneldstaddress, defaultresponse, interface, "
			       "mainmode "
			       "FROM run_rules ORDER BY id", &runs, read_rule, fault);
	if (err)
		policy_runs_clear(&runs);
	else
		*ret_runs = runs;
	return err;
}
