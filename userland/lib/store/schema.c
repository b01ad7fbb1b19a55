// SPDX-License-Identifier: MIT
/*
 * The tables of a store, and how they came to be.
 *
 *   policies <--- rules ---> filter_lists <--- filters
 *              ^    |
 *              |    +------> filter_actions
 *              +--- methods
 *
 * The tables refuse what the model cannot be, whoever writes: a list or an action that a rule uses
 * cannot go, rules go with their policy and filters with their list, one policy is assigned at
 * most, a name is there once. Rows count upwards, so that their number is the order of creation.
 *
 * A step makes one version of the next; a new store goes through all of them. A step that has
 * been published does not change any more: add one. The tables of an open store are compared with
 * those that the steps make, so that nobody's view or trigger stands where a table should be.
 */
#include "store/schema.h"

#include <errno.h>
#include <string.h>

/* What every object begins with. */
#define HEAD(name_column)					\
	"id INTEGER PRIMARY KEY,"				\
	"guid BLOB NOT NULL UNIQUE CHECK (length(guid) = 16),"	\
	name_column						\
	"description TEXT,"					\
	"modified INTEGER NOT NULL,"

#define YES_OR_NO(column) column " INTEGER NOT NULL CHECK (" column " IN (0, 1)),"

#define NAME "name TEXT NOT NULL COLLATE NOCASE UNIQUE,"

static const char tables_of_objects[] =
	"CREATE TABLE policies ("
	HEAD(NAME)
	YES_OR_NO("is_assigned")
	YES_OR_NO("mmpfs")
	"quick_modes INTEGER NOT NULL,"
	"lifetime_minutes INTEGER NOT NULL,"
	"soft_sa_seconds INTEGER NOT NULL,"
	"polling_minutes INTEGER NOT NULL,"
	"mmsecmethods TEXT NOT NULL,"
	YES_OR_NO("is_tool")
	"CHECK (name <> '')) STRICT;"
	"CREATE UNIQUE INDEX policy_assigned ON policies (is_assigned) WHERE is_assigned;"

	"CREATE TABLE filter_lists ("
	HEAD(NAME)
	"CHECK (name <> '')) STRICT;"

	"CREATE TABLE filters ("
	"id INTEGER PRIMARY KEY,"
	"guid BLOB NOT NULL CHECK (length(guid) = 16),"
	"description TEXT,"
	"modified INTEGER NOT NULL,"
	"list INTEGER NOT NULL REFERENCES filter_lists ON DELETE CASCADE,"
	"source TEXT NOT NULL,"
	"destination TEXT NOT NULL,"
	"protocol INTEGER NOT NULL,"
	"source_port INTEGER NOT NULL,"
	"destination_port INTEGER NOT NULL,"
	YES_OR_NO("mirrored")
	"CHECK (protocol BETWEEN 0 AND 255)) STRICT;"
	"CREATE INDEX filters_of_list ON filters (list);"

	/* An action with a rule is a part of it: a default response rule's. The others have names. */
	"CREATE TABLE filter_actions ("
	HEAD("name TEXT COLLATE NOCASE,")
	"rule INTEGER UNIQUE REFERENCES rules ON DELETE CASCADE,"
	"action TEXT NOT NULL,"
	YES_OR_NO("inpass")
	YES_OR_NO("soft")
	YES_OR_NO("qmpfs")
	"qmsecmethods TEXT NOT NULL,"
	YES_OR_NO("is_tool")
	"CHECK (rule IS NOT NULL OR (name IS NOT NULL AND name <> ''))) STRICT;"
	"CREATE UNIQUE INDEX filter_action_names ON filter_actions (name) WHERE rule IS NULL;"

	"CREATE TABLE rules ("
	HEAD("name TEXT COLLATE NOCASE,")
	"policy INTEGER NOT NULL REFERENCES policies ON DELETE CASCADE,"
	YES_OR_NO("is_default_response")
	YES_OR_NO("is_active")
	"filter_list INTEGER REFERENCES filter_lists,"
	"filter_action INTEGER REFERENCES filter_actions,"
	"tunnel TEXT,"
	"connection TEXT NOT NULL,"
	YES_OR_NO("is_tool")
	"UNIQUE (policy, name),"
	"CHECK (is_default_response = (name IS NULL)),"
	"CHECK (is_default_response = (filter_list IS NULL)),"
	"CHECK (is_default_response = (filter_action IS NULL))) STRICT;"
	"CREATE UNIQUE INDEX rule_default_response ON rules (policy) WHERE is_default_response;"
	"CREATE INDEX rules_of_list ON rules (filter_list);"
	"CREATE INDEX rules_of_action ON rules (filter_action);"

	"CREATE TABLE methods ("
	"rule INTEGER NOT NULL REFERENCES rules ON DELETE CASCADE,"
	"position INTEGER NOT NULL,"
	"kind TEXT NOT NULL,"
	"secret TEXT,"
	YES_OR_NO("cert_map")
	YES_OR_NO("exclude_ca_name")
	"PRIMARY KEY (rule, position)) STRICT, WITHOUT ROWID;";

/* What DNS names were when they were last resolved. */
static const char table_of_addresses[] =
	"CREATE TABLE addresses ("
	"name TEXT NOT NULL COLLATE NOCASE,"
	"position INTEGER NOT NULL,"
	"address TEXT NOT NULL,"
	"PRIMARY KEY (name, position)) STRICT, WITHOUT ROWID;";

/* What ipseccmd's dynamic mode made; its columns are tags, see runs.c. */
static const char tables_of_runs[] =
	"CREATE TABLE run_mm_policies ("
	"id INTEGER PRIMARY KEY,"
	NAME
	"qmpermm TEXT NOT NULL,"
	"mmlifetime TEXT NOT NULL,"
	"softsaexpirationtime TEXT NOT NULL,"
	"mmsecmethods TEXT NOT NULL,"
	"CHECK (name <> '')) STRICT;"

	"CREATE TABLE run_qm_policies ("
	"id INTEGER PRIMARY KEY,"
	NAME
	"soft TEXT NOT NULL,"
	"pfsgroup TEXT NOT NULL,"
	"qmsecmethods TEXT NOT NULL,"
	"CHECK (name <> '')) STRICT;"

	"CREATE TABLE run_rules ("
	"id INTEGER PRIMARY KEY,"
	"srcaddr TEXT NOT NULL,"
	"dstaddr TEXT NOT NULL,"
	"mmpolicy TEXT COLLATE NOCASE REFERENCES run_mm_policies (name),"
	"qmpolicy TEXT COLLATE NOCASE REFERENCES run_qm_policies (name),"
	"protocol TEXT NOT NULL,"
	"srcport TEXT NOT NULL,"
	"dstport TEXT NOT NULL,"
	"mirrored TEXT NOT NULL,"
	"conntype TEXT NOT NULL,"
	"actioninbound TEXT NOT NULL,"
	"actionoutbound TEXT NOT NULL,"
	"tunneldstaddress TEXT,"
	"defaultresponse TEXT NOT NULL) STRICT;"
	"CREATE INDEX run_rules_of_mm ON run_rules (mmpolicy);"
	"CREATE INDEX run_rules_of_qm ON run_rules (qmpolicy);"

	"CREATE TABLE run_methods ("
	"rule INTEGER NOT NULL REFERENCES run_rules ON DELETE CASCADE,"
	"position INTEGER NOT NULL,"
	"method TEXT NOT NULL,"
	"PRIMARY KEY (rule, position)) STRICT, WITHOUT ROWID;";

/* NULL: all of the connection type */
static const char interface_of_runs[] = "ALTER TABLE run_rules ADD COLUMN interface TEXT;";

/* ipseccmd -1f: what is a main mode filter and nothing else, and rules that have none of their own. */
static const char main_mode_filters[] =
	"ALTER TABLE run_rules ADD COLUMN mainmode TEXT NOT NULL DEFAULT 'own';"
	"ALTER TABLE filters ADD COLUMN is_main_mode INTEGER NOT NULL DEFAULT 0 "
	"CHECK (is_main_mode IN (0, 1));";

#define STRING_OF(macro)	TEXT_OF(macro)
#define TEXT_OF(words)		#words

static const char *const steps[SCHEMA_VERSION] = {
	tables_of_objects, table_of_addresses, tables_of_runs, interface_of_runs, main_mode_filters,
};

static int run_script(sqlite3 *db, const char *script)
{
	return sqlite3_exec(db, script, NULL, NULL, NULL);
}

int schema_identify(struct store *store, int *ret_version, struct fault *fault)
{
	int64_t application = 0, version = 0, tables = 0;
	int err;

	err = sql_number(store, fault, &application, "PRAGMA application_id", "");
	if (err >= 0)
		err = sql_number(store, fault, &version, "PRAGMA user_version", "");
	if (err >= 0)
		err = sql_number(store, fault, &tables, "SELECT count(*) FROM sqlite_schema", "");
	if (err < 0)
		return err;
	if (!application && !version && !tables)
		return 0;
	if (application != SCHEMA_APPLICATION_ID || version < 1) {
		(void)fault_failed(fault, "%s is a database, but no store of IPsec policy; it was "
				   "left as it is, name another file", store->path);
		return -EBADMSG;
	}
	if (version > SCHEMA_VERSION) {
		(void)fault_failed(fault, "the store %s was written by a newer release (version "
				   "%d, this one knows %d); it was left as it is, install that "
				   "release to use it", store->path, (int)version, SCHEMA_VERSION);
		return -EBADMSG;
	}
	*ret_version = (int)version;
	return 1;
}

int schema_migrate(struct store *store, int version, struct fault *fault)
{
	static const char *const marks[] = {
		"PRAGMA application_id = 0x49505350", "PRAGMA user_version = " STRING_OF(SCHEMA_VERSION),
	};
	int code = SQLITE_OK;

	for (int i = version; i < SCHEMA_VERSION && code == SQLITE_OK; i++)
		code = run_script(store->db, steps[i]);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && code == SQLITE_OK; i++)
		code = run_script(store->db, marks[i]);
	return code == SQLITE_OK ? 0 : sql_fault(store, fault, code);
}

/* --- the check ---------------------------------------------------------------------------- */

/*
 * Not "quick_check", which takes a third of the time and does not compare indexes with tables: two
 * policies could be assigned, or a name lead nowhere. 100,000 filters take a fifth of a second.
 */
static int check_structure(struct store *store, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	const char *answer;
	int err;

	err = sql_query(store, fault, &statement, "PRAGMA integrity_check(1)", "");
	if (!err)
		err = sql_next(store, fault, statement);
	if (err < 0)
		return err;
	answer = err ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (!answer || strcmp(answer, "ok") != 0)
		return sql_damaged(store, fault, answer ?: "it cannot be checked");
	return 0;
}

static int check_references(struct store *store, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err;

	err = sql_query(store, fault, &statement, "PRAGMA foreign_key_check", "");
	if (!err)
		err = sql_next(store, fault, statement);
	return err > 0 ? sql_damaged(store, fault, "an object refers to one that is not there") : err;
}

static const char all_tables[] =
	"SELECT name, type || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema "
	"WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY name";

static bool column_is_equal(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	const char *x = (const char *)sqlite3_column_text(a, column);
	const char *y = (const char *)sqlite3_column_text(b, column);

	return x && y && !strcmp(x, y);
}

/* Steps both together: 1 when all rows are equal, 0 when not, or -errno with *fault. */
static int tables_are_equal(struct store *store, sqlite3_stmt *found, sqlite3_stmt *wanted,
			    struct fault *fault)
{
	for (;;) {
		int more = sql_next(store, fault, found), code = sqlite3_step(wanted);

		if (more < 0)
			return more;
		if (code != SQLITE_ROW && code != SQLITE_DONE)
			return fault_no_memory(fault);
		if (more != (code == SQLITE_ROW))
			return 0;
		if (!more)
			return 1;
		if (!column_is_equal(found, wanted, 0) || !column_is_equal(found, wanted, 1))
			return 0;
	}
}

static int check_tables(struct store *store, sqlite3 *model, struct fault *fault)
{
	_cleanup_(sql_endp) sqlite3_stmt *found = NULL;
	sqlite3_stmt *wanted = NULL;
	int err;

	err = sql_query(store, fault, &found, all_tables, "");
	if (err)
		return err;
	if (sqlite3_prepare_v2(model, all_tables, -1, &wanted, NULL) != SQLITE_OK)
		return fault_no_memory(fault);
	err = tables_are_equal(store, found, wanted, fault);
	(void)sqlite3_finalize(wanted);
	if (err == 0)
		return sql_damaged(store, fault, "its tables are not those of a store");
	return err < 0 ? err : 0;
}

int schema_check(struct store *store, int version, struct fault *fault)
{
	sqlite3 *model = NULL;
	int err, code;

	/* What the tables are comes first: checks of the rest run their expressions. */
	code = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL);
	for (int i = 0; i < version && code == SQLITE_OK; i++)
		code = run_script(model, steps[i]);
	err = code == SQLITE_OK ? check_tables(store, model, fault) : fault_no_memory(fault);
	(void)sqlite3_close(model);
	return err ?: check_structure(store, fault) ?: check_references(store, fault);
}
