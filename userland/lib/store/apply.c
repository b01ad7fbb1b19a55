// SPDX-License-Identifier: MIT
/*
 * A change in its transaction.
 *
 *   store_begin()    BEGIN IMMEDIATE     no other writer from here on
 *   store_apply()    SAVEPOINT change    each stands or falls by itself
 *   store_commit()   COMMIT              on the disk when it returns
 *
 * SQLite itself ends a transaction when the disk is full or fails. What was applied in it before
 * is gone then, so nothing more is applied and the commit says so.
 */
#include "store/apply.h"

#include <errno.h>

#include "store/find.h"
#include "store/store.h"

int apply_refuse(struct fault *fault, enum store_kind kind, const char *name, const char *why)
{
	if (!name)
		return fault_invalid(fault, "%s: %s", find_noun(kind), why);
	return fault_invalid(fault, "%s \"%s\": %s", find_noun(kind), name, why);
}

int apply_incomplete(struct fault *fault, const struct store_change *change)
{
	static const char *const verbs[] = {
		[STORE_VERB_ADD] = "added",
		[STORE_VERB_SET] = "changed",
		[STORE_VERB_DELETE] = "deleted",
		[STORE_VERB_IMPORT] = "imported",
	};

	return fault_invalid(fault, "a %s cannot be %s so; name the object and what it is to be",
			     find_noun(change->kind), verbs[change->verb]);
}

static const struct usage {
	const char *any;		/* rule and policy, of one that uses the object */
	const char *of_id;
	const char *name;
} usages[] = {
	[STORE_KIND_FILTER_LIST] = {
		"SELECT r.name, p.name, l.name FROM rules r JOIN policies p ON p.id = r.policy "
		"JOIN filter_lists l ON l.id = r.filter_list ORDER BY r.id LIMIT 1",
		"SELECT r.name, p.name, l.name FROM rules r JOIN policies p ON p.id = r.policy "
		"JOIN filter_lists l ON l.id = r.filter_list WHERE l.id = ? ORDER BY r.id LIMIT 1",
		"filterlist",
	},
	[STORE_KIND_FILTER_ACTION] = {
		"SELECT r.name, p.name, a.name FROM rules r JOIN policies p ON p.id = r.policy "
		"JOIN filter_actions a ON a.id = r.filter_action ORDER BY r.id LIMIT 1",
		"SELECT r.name, p.name, a.name FROM rules r JOIN policies p ON p.id = r.policy "
		"JOIN filter_actions a ON a.id = r.filter_action WHERE a.id = ? ORDER BY r.id LIMIT 1",
		"filteraction",
	},
};

static const char *column(sqlite3_stmt *statement, int i)
{
	return (const char *)sqlite3_column_text(statement, i) ?: "";
}

int apply_check_unused(struct store *store, enum store_kind kind, int64_t id, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	const struct usage *usage = &usages[kind];
	int err;

	err = id ? sql_query(store, fault, &statement, usage->of_id, "x", id) :
	      sql_query(store, fault, &statement, usage->any, "");
	if (!err)
		err = sql_next(store, fault, statement);
	if (err <= 0)
		return err;
	return fault_number(fault, POLICY_ERROR_OBJECT_IN_USE,
			    "%s \"%s\" is used by rule \"%s\" of policy \"%s\"; delete the rule, or "
			    "give it another %s, first", find_noun(kind), column(statement, 2),
			    column(statement, 0), column(statement, 1), usage->name);
}

/* --- transactions ------------------------------------------------------------------------- */

int store_begin(struct store *store, struct fault *fault)
{
	int err;

	if (store->in_transaction)
		return fault_failed(fault, "the store %s is being changed by this call already",
				    store->path);
	err = sql_check_writable(store, fault) ?: sql_run(store, fault, "BEGIN IMMEDIATE", "");
	if (!err)
		store->in_transaction = true;
	return err;
}

void store_rollback(struct store *store)
{
	struct fault ignored;

	if (!store->in_transaction)
		return;
	store->in_transaction = false;
	if (!sqlite3_get_autocommit(store->db))
		(void)sql_run(store, &ignored, "ROLLBACK", "");
}

/* Whether SQLite has given the transaction up. */
static int check_lost(struct store *store, struct fault *fault)
{
	if (!sqlite3_get_autocommit(store->db))
		return 0;
	return fault_failed(fault, "the store %s could not be written before: what this call had "
			    "changed until then was undone, see the first error", store->path);
}

int store_commit(struct store *store, struct fault *fault)
{
	int err;

	if (!store->in_transaction)
		return fault_failed(fault, "nothing is being changed in the store %s", store->path);
	err = check_lost(store, fault) ?: sql_run(store, fault, "COMMIT", "");
	if (err) {
		store_rollback(store);
		return err;
	}
	store->in_transaction = false;
	store->commits++;
	return 0;
}

/* --- changes ------------------------------------------------------------------------------ */

static int apply_kind(struct store *store, const struct store_change *change, struct fault *fault)
{
	switch (change->kind) {
	case STORE_KIND_POLICY:
		return apply_policy(store, change, fault);
	case STORE_KIND_RULE:
		return apply_rule(store, change, fault);
	case STORE_KIND_FILTER_LIST:
		return apply_filter_list(store, change, fault);
	case STORE_KIND_FILTER:
		return apply_filter(store, change, fault);
	case STORE_KIND_FILTER_ACTION:
		return apply_filter_action(store, change, fault);
	case STORE_KIND_DEFAULT_RULE:
		return apply_default_rule(store, change, fault);
	}
	return fault_invalid(fault, "the change is of no kind of object");
}

static int apply_in_savepoint(struct store *store, const struct store_change *change,
			      struct fault *fault)
{
	struct fault ignored;
	int err = check_lost(store, fault) ?: sql_run(store, fault, "SAVEPOINT change", "");

	if (err)
		return err;
	err = apply_kind(store, change, fault);
	if (!err)
		return sql_run(store, fault, "RELEASE change", "");
	if (!sqlite3_get_autocommit(store->db)) {
		(void)sql_run(store, &ignored, "ROLLBACK TO change", "");
		(void)sql_run(store, &ignored, "RELEASE change", "");
	}
	return err;
}

int store_apply(struct store *store, const struct store_change *change, struct fault *fault)
{
	int err;

	if (store->in_transaction)
		return apply_in_savepoint(store, change, fault);
	err = store_begin(store, fault);
	if (err)
		return err;
	err = apply_in_savepoint(store, change, fault);
	if (!err)
		return store_commit(store, fault);
	store_rollback(store);
	return err;
}
