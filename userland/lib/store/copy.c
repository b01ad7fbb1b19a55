// SPDX-License-Identifier: MIT
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/store.h"

#define BUSY_MS		5000	/* for another process that is writing */
#define PAGES_AT_ONCE	-1	/* all: in one transaction */

static sqlite3 *close_database(sqlite3 *db)
{
	(void)sqlite3_close_v2(db);
	return NULL;
}
DEFINE_CLEANUP(sqlite3 *, close_database);

static int refused(struct fault *fault, sqlite3 *db, int code, const char *path)
{
	(void)fault_failed(fault, "%s cannot be copied: %s; nothing was changed", path,
			   db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
	return code == SQLITE_NOMEM ? -ENOMEM : code == SQLITE_FULL ? -ENOSPC : -EIO;
}

static int open_database(const char *path, int flags, sqlite3 **ret_db, struct fault *fault)
{
	_cleanup_(close_databasep) sqlite3 *db = NULL;
	int code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
				   NULL);

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(db, BUSY_MS);
	/* What is reported as done has to be there after a power failure. */
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return refused(fault, db, code, path);
	*ret_db = TAKE_PTR(db);
	return 0;
}

static int copy_all(sqlite3 *from, sqlite3 *to, const char *path, struct fault *fault)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int code;

	if (!backup)
		return refused(fault, to, sqlite3_errcode(to), path);
	do
		code = sqlite3_backup_step(backup, PAGES_AT_ONCE);
	while ((code == SQLITE_BUSY || code == SQLITE_LOCKED) && sqlite3_sleep(50) &&
	       sqlite3_backup_remaining(backup));
	(void)sqlite3_backup_finish(backup);
	return code == SQLITE_DONE ? 0 : refused(fault, NULL, code, path);
}

/* It is a store that can be read; says what is wrong with it otherwise. */
static int check(const char *path, struct fault *fault)
{
	struct store *store = NULL;
	int r = store_open(path, STORE_OPEN_READ, &store, fault);

	store_close(store);
	return r;
}

/* Copies, and runs @pragma on the copy. */
static int copy_file(const char *from_path, const char *to_path, const char *pragma,
		     struct fault *fault)
{
	_cleanup_(close_databasep) sqlite3 *from = NULL;
	_cleanup_(close_databasep) sqlite3 *to = NULL;
	int code, r = open_database(from_path, SQLITE_OPEN_READONLY, &from, fault);

	if (!r)
		r = open_database(to_path, SQLITE_OPEN_READWRITE, &to, fault);
	if (!r)
		r = copy_all(from, to, to_path, fault);
	if (r)
		return r;
	code = sqlite3_exec(to, pragma, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : refused(fault, to, code, to_path);
}

/* An empty file that only we can read: SQLite keeps the mode. */
static int make_private(const char *path, struct fault *fault)
{
	_cleanup_close_ int fd = -1;

	(void)unlink(path);	/* of a crash */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd >= 0 ? 0 : fault_failed(fault, "%s cannot be made: %s; nothing was changed", path,
					  strerror(errno));
}

int store_copy_sync_directory(const char *path)
{
	_cleanup_close_ int fd = -1;
	char dir[PATH_MAX];
	char *slash;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[1] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}

int store_copy_save(const char *path, const char *copy, struct fault *fault)
{
	char new[PATH_MAX];
	int r = check(path, fault);

	if (r)
		return r;
	if (snprintf(new, sizeof(new), "%s.new", copy) >= (int)sizeof(new))
		return fault_failed(fault, "%s is too long a path", copy);
	r = make_private(new, fault);
	if (!r)
		/* one file, without a log beside it */
		r = copy_file(path, new, "PRAGMA journal_mode = DELETE", fault);
	if (!r && (rename(new, copy) || store_copy_sync_directory(copy)))
		r = fault_failed(fault, "%s cannot be written: %s; nothing was changed", copy,
				 strerror(errno));
	if (r)
		(void)unlink(new);
	return r;
}

int store_copy_restore(const char *path, const char *copy, struct fault *fault)
{
	int r = check(copy, fault);

	return r ? r : copy_file(copy, path, "", fault);
}
