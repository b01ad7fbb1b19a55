// SPDX-License-Identifier: MIT
/*
 * Opening a store.
 *
 * A file is looked at before anything in it is believed: that it is a plain file, a database, ours,
 * of a version that we know, with exactly our tables, whole, and with references that lead
 * somewhere. Until then nothing is written to it, and what fails is left as it is.
 *
 *                            empty, or not there     older             as it should be
 *   READ                     ENOENT                  a copy, migrated  checked
 *   WRITE                    ENOENT                  migrated          checked
 *   WRITE | CREATE           made, with examples     migrated          checked
 *
 * SQLite's write-ahead log lets others read while one writes. "synchronous = FULL" has the log on
 * the disk before a commit returns. "secure_delete" writes zeros over what was deleted, for the
 * preshared keys' sake; in the log they stay until it is written again.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/examples.h"
#include "store/load.h"
#include "store/memory.h"
#include "store/open.h"
#include "store/schema.h"

#define BUSY_MILLISECONDS	10000
#define SMALLEST_FILE		512	/* one page of the smallest size */

static const struct location {
	const char *name;
	const char *file;
} locations[] = {
	[STORE_LOCATION_PERSISTENT] = { "persistent", "persistent.db" },
	[STORE_LOCATION_LOCAL] = { "local", "local.db" },
	[STORE_LOCATION_CACHE] = { "cache", "cache.db" },
	[STORE_LOCATION_DOMAIN] = { "domain", NULL },
};

const char *store_location_name(enum store_location location)
{
	return locations[location].name;
}

int store_location_parse(const char *text, enum store_location *ret_location)
{
	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
		if (!strcasecmp(text, locations[i].name)) {
			*ret_location = (enum store_location)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *store_location_file(enum store_location location)
{
	return locations[location].file;
}

/* --- the database ------------------------------------------------------------------------- */

/* What a file can make SQLite do is bounded before its first page is read. */
static int harden(sqlite3 *db)
{
	static const struct {
		int id;
		int value;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, 1 << 20 },
		{ SQLITE_LIMIT_COLUMN, 64 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 64 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 8 },	/* references that cascade count */
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};
	static const int switches[][2] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		(void)sqlite3_limit(db, limits[i].id, limits[i].value);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]) && code == SQLITE_OK; i++)
		code = sqlite3_db_config(db, switches[i][0], switches[i][1], NULL);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(db, BUSY_MILLISECONDS);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
				    "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
				    "PRAGMA mmap_size = 0", NULL, NULL, NULL);
	return code;
}

/* Asks for the write-ahead log; a database in memory has none and need not. */
static int use_log(struct store *store, struct fault *fault)
{
	int code = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : sql_fault(store, fault, code);
}

int store_import(struct store *store, const struct store_content *content, struct fault *fault)
{
	struct store_change change = { .verb = STORE_VERB_IMPORT };
	int err = 0;

	change.kind = STORE_KIND_FILTER_LIST;
	for (size_t i = 0; !err && i < content->n_lists; i++) {
		change.filter_list = content->lists[i];
		err = store_apply(store, &change, fault);
	}
	change.kind = STORE_KIND_FILTER_ACTION;
	for (size_t i = 0; !err && i < content->n_actions; i++) {
		change.filter_action = content->actions[i];
		err = store_apply(store, &change, fault);
	}
	change.kind = STORE_KIND_POLICY;
	for (size_t i = 0; !err && i < content->n_policies; i++) {
		change.store_policy = content->policies[i];
		err = store_apply(store, &change, fault);
	}
	return err;
}

static int fill_examples(struct store *store, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *examples = store_examples_new();

	return examples ? store_import(store, examples, fault) : fault_no_memory(fault);
}

/* In one transaction; another process may have been faster. */
static int bring_up_to_date(struct store *store, unsigned int flags, struct fault *fault)
{
	int version = 0;
	int err = store_begin(store, fault);

	if (err)
		return err;
	err = schema_identify(store, &version, fault);
	if (err >= 0 && version < SCHEMA_VERSION)
		err = schema_migrate(store, version, fault);
	if (!err && !version && !(flags & STORE_OPEN_EMPTY))
		err = fill_examples(store, fault);
	if (err >= 0)
		return store_commit(store, fault);
	store_rollback(store);
	return err;
}

static void forget_statements(struct store *store)
{
	while (store->n_statements)
		(void)sqlite3_finalize(store->statements[--store->n_statements].prepared);
}

/* The file is let go, and stays as it is. */
static int copy_to_memory(struct store *store, struct fault *fault)
{
	sqlite3_backup *backup;
	sqlite3 *copy = NULL;
	int code;

	/* Not with SQLITE_OPEN_MEMORY: what it exports would be in memory, too. */
	code = sqlite3_open_v2(":memory:", &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE,
			       NULL);
	if (code == SQLITE_OK)
		code = harden(copy);
	backup = code == SQLITE_OK ? sqlite3_backup_init(copy, "main", store->db, "main") : NULL;
	if (!backup) {
		(void)sqlite3_close(copy);
		return fault_no_memory(fault);
	}
	code = sqlite3_backup_step(backup, -1);
	(void)sqlite3_backup_finish(backup);
	if (code != SQLITE_DONE) {
		(void)sqlite3_close(copy);
		return sql_fault(store, fault, code);
	}
	forget_statements(store);
	(void)sqlite3_close(store->db);
	store->db = copy;
	store->is_copy = true;
	return 0;
}

/* An older store that is only read. */
static int migrate_copy(struct store *store, struct fault *fault)
{
	return copy_to_memory(store, fault) ?: bring_up_to_date(store, STORE_OPEN_EMPTY, fault);
}

int store_take_database(struct store *store, unsigned int flags, struct fault *fault)
{
	int version = 0;
	int found, err = 0, code = harden(store->db);

	if (code != SQLITE_OK)
		return sql_fault(store, fault, code);
	found = schema_identify(store, &version, fault);
	if (found < 0)
		return found;
	if (!found && !(flags & STORE_OPEN_CREATE)) {
		(void)fault_failed(fault, "the store %s is empty; whoever began to make it has not "
				   "come to the end, start the service to make it", store->path);
		return -ENOENT;
	}
	if (found)
		err = schema_check(store, version, fault);
	if (!err && flags & STORE_OPEN_WRITE)
		err = sql_check_writable(store, fault);
	if (err)
		return err;
	if (flags & STORE_OPEN_WRITE)
		return use_log(store, fault) ?:
		       (version < SCHEMA_VERSION ? bring_up_to_date(store, flags, fault) : 0);
	return version < SCHEMA_VERSION ? migrate_copy(store, fault) : 0;
}

/* --- the file ----------------------------------------------------------------------------- */

static int cannot_open(const char *path, int error, struct fault *fault)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		(void)fault_failed(fault, "there is no store %s; check the name, or start the service "
				   "to make it", path);
		return -ENOENT;
	case EACCES:
	case EPERM:
		(void)fault_denied(fault, "the store %s cannot be opened: %s; check the rights to it "
				   "and to its folder", path, strerror(error));
		return -EACCES;
	case EROFS:
		return sql_frozen(path, fault);
	default:
		(void)fault_failed(fault, "the store %s cannot be opened: %s", path,
				   strerror(error));
		return -error;
	}
}

/* The folder may be reached by links, the file itself may not be one. */
static int resolve_folder(const char *path, char **ret_path, struct fault *fault)
{
	_cleanup_free_ char *folder_text = strdup(path), *name_text = strdup(path);
	_cleanup_free_ char *folder = NULL;

	if (!folder_text || !name_text)
		return fault_no_memory(fault);
	folder = realpath(dirname(folder_text), NULL);
	if (!folder)
		return cannot_open(path, errno, fault);
	if (asprintf(ret_path, "%s/%s", folder, basename(name_text)) < 0)
		return fault_no_memory(fault);
	return 0;
}

/*
 * Makes an empty file with the mode that a store begins with. Whoever delegates it gives it a group
 * and another mode; SQLite gives the files beside it the same.
 */
static int create_file(const char *path, struct fault *fault)
{
	_cleanup_free_ char *text = strdup(path);
	_cleanup_close_ int fd = -1, folder = -1;

	if (!text)
		return fault_no_memory(fault);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : cannot_open(path, errno, fault);
	folder = open(dirname(text), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) < 0)
		return cannot_open(path, errno, fault);
	return 0;
}

/* Without opening it: to close it would give up the locks that this process has on it. */
static int check_file(const char *path, unsigned int flags, struct fault *fault)
{
	struct stat status;

	if (lstat(path, &status) < 0) {
		if (errno == ENOENT && flags & STORE_OPEN_CREATE && flags & STORE_OPEN_WRITE)
			return create_file(path, fault);
		return cannot_open(path, errno, fault);
	}
	if (!S_ISREG(status.st_mode)) {
		(void)fault_failed(fault, "%s is no file but a %s; a store is a file of its own, name "
				   "that", path, S_ISLNK(status.st_mode) ? "symbolic link" :
				   S_ISDIR(status.st_mode) ? "folder" : "device");
		return -EBADMSG;
	}
	/* SQLite takes one byte for nothing at all, and would write over it. */
	if (status.st_size > 0 && status.st_size < SMALLEST_FILE) {
		(void)fault_failed(fault, "%s is no store of IPsec policy; it was left as it is, name "
				   "another file", path);
		return -EBADMSG;
	}
	if (faccessat(AT_FDCWD, path, flags & STORE_OPEN_WRITE ? R_OK | W_OK : R_OK,
		      AT_EACCESS) < 0)
		return cannot_open(path, errno, fault);
	return 0;
}

/* A file: URI: the path's bytes that have a meaning there are escaped. NULL without memory. */
static char *make_uri(const char *path, const char *query)
{
	static const char prefix[] = "file:";
	char *uri = malloc(sizeof(prefix) + 3 * strlen(path) + strlen(query)), *at = uri;

	if (!uri)
		return NULL;
	at = stpcpy(at, prefix);
	for (; *path; path++) {
		if (strchr("%?#", *path))
			at += sprintf(at, "%%%02x", (unsigned char)*path);
		else
			*at++ = *path;
	}
	strcpy(at, query);
	return uri;
}

static int open_database(struct store *store, int mode, const char *query, struct fault *fault)
{
	_cleanup_free_ char *uri = make_uri(store->path, query);
	int code;

	if (!uri)
		return fault_no_memory(fault);
	mode |= SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		SQLITE_OPEN_URI;
	code = sqlite3_open_v2(uri, &store->db, mode, NULL);
	return code == SQLITE_OK ? 0 : sql_fault(store, fault, code);
}

static int open_shared(struct store *store, unsigned int flags, struct fault *fault)
{
	int mode = flags & STORE_OPEN_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;

	return open_database(store, mode, "", fault) ?: store_take_database(store, flags, fault);
}

static bool has_log(const char *path)
{
	_cleanup_free_ char *log = NULL;

	return asprintf(&log, "%s-wal", path) < 0 || !access(log, F_OK);
}

/*
 * Where nothing can be written, on a full disk or a read-only file system, the files of the log cannot
 * be made beside the store, and SQLite refuses to read either. Who has it alone does without: it keeps
 * in memory what it knows of a log that was left over. So that nobody is kept out, it is alone for no
 * longer than a copy in memory takes. On a read-only file system nobody else writes: there are no
 * locks, and without a log that was left over the file alone is the whole store.
 */
static int open_alone(struct store *store, unsigned int flags, struct fault *fault)
{
	bool frozen = sql_is_frozen(store->path);
	int err = open_database(store, frozen ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE,
				!frozen ? "" : has_log(store->path) ? "?nolock=1" : "?immutable=1",
				fault);

	if (err)
		return err;
	if (sqlite3_exec(store->db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) ||
	    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL))
		return sql_fault(store, fault, sqlite3_errcode(store->db));
	err = store_take_database(store, flags, fault);
	if (!err && !store->is_copy)
		err = copy_to_memory(store, fault);
	store->refusal = frozen ? SQLITE_READONLY : SQLITE_FULL;
	return err;
}

static void close_database(struct store *store)
{
	forget_statements(store);
	(void)sqlite3_close(store->db);
	store->db = NULL;
}

static int open_store(const char *path, unsigned int flags, struct store *store,
		      struct fault *fault)
{
	struct fault ignored;
	int err = resolve_folder(path, &store->path, fault) ?:
		  check_file(store->path, flags, fault) ?: open_shared(store, flags, fault);

	if (!err || !store->db || flags & STORE_OPEN_WRITE || !sql_lacks_log(store))
		return err;
	close_database(store);
	return open_alone(store, flags, &ignored) ? err : 0;
}

int store_open(const char *path, unsigned int flags, struct store **ret_store, struct fault *fault)
{
	_cleanup_(store_closep) struct store *store = NULL;
	int err;

	memory_use();
	store = calloc(1, sizeof(*store));
	if (!store)
		return fault_no_memory(fault);
	err = open_store(path, flags, store, fault);
	/* Not even the log is written into a file that is in question. */
	if (err == -EBADMSG && store->db)
		(void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (!err)
		*ret_store = TAKE_PTR(store);
	return err;
}

struct store *store_close(struct store *store)
{
	if (!store)
		return NULL;
	store_rollback(store);
	close_database(store);
	free(store->path);
	free(store);
	return NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

/* Finds the policy of a query, if it names one. 1, 0 for none, or -errno with *fault. */
static int find_queried(struct store *store, const struct store_query *query, int64_t *ret_id,
			struct fault *fault)
{
	if (!query->policy)
		return sql_number(store, fault, ret_id,
				  "SELECT id FROM policies WHERE is_assigned", "");
	return sql_number(store, fault, ret_id, "SELECT id FROM policies WHERE name = ?", "t",
			  query->policy);
}

static int read_rows(struct store *store, const struct store_query *query,
		     struct store_content *content, struct fault *fault)
{
	struct load_which parts = { .without_filters = query->without_filters };
	struct load_which policies = { .only_assigned = query->only_assigned };
	int found;

	if (query->policy || query->only_assigned) {
		found = find_queried(store, query, &policies.id, fault);
		if (found <= 0)
			return found;
		parts.of_policy = policies.id;
	}
	return load_lists(store, &parts, content, fault) ?:
	       load_actions(store, &parts, content, fault) ?:
	       load_policies(store, &policies, content, fault);
}

/* One transaction, so that a change by another process is in all of it or in nothing. */
static int read_consistently(struct store *store, const struct store_query *query,
			     struct store_content *content, struct fault *fault)
{
	struct fault ignored;
	int err;

	if (store->in_transaction)
		return read_rows(store, query, content, fault);
	err = sql_run(store, fault, "BEGIN", "");
	if (err)
		return err;
	err = read_rows(store, query, content, fault);
	if (!sqlite3_get_autocommit(store->db))
		(void)sql_run(store, &ignored, "ROLLBACK", "");
	return err;
}

int store_read(struct store *store, const struct store_query *query,
	       struct store_content **ret_content, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();
	int err;

	if (!content)
		return fault_no_memory(fault);
	err = read_consistently(store, query, content, fault);
	if (err)
		return err;
	if (store_content_link(content) < 0)
		return fault_no_memory(fault);
	*ret_content = TAKE_PTR(content);
	return 0;
}

uint64_t store_version(struct store *store)
{
	struct fault ignored;
	int64_t version;

	/* A copy does not see what others do. */
	if (store->is_copy || sql_number(store, &ignored, &version, "PRAGMA data_version", "") <= 0)
		return 0;
	return (uint64_t)version << 32 | store->commits;
}
