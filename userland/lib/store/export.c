// SPDX-License-Identifier: MIT
/*
 * SQLite writes a copy without what was deleted ("VACUUM INTO") to a file beside the one that is
 * wanted. Its mode keeps others out from the beginning, and it gets the name when it is whole.
 */
#include "store/export.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "store/memory.h"
#include "store/open.h"
#include "store/schema.h"

/* Where SQLite's file format has its own name, and the application's number. */
#define APPLICATION_ID_AT	68
static const char format_name[16] = "SQLite format 3";

static int cannot_write(const char *path, int error, struct fault *fault)
{
	(void)fault_failed(fault, "%s cannot be written: %s; name another file, or make room", path,
			   strerror(error));
	return -error;
}

static bool is_export(const uint8_t *head, ssize_t len)
{
	const uint8_t *id = head + APPLICATION_ID_AT;

	return len == APPLICATION_ID_AT + 4 && !memcmp(head, format_name, sizeof(format_name)) &&
	       ((uint32_t)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3]) == SCHEMA_APPLICATION_ID;
}

/* Nothing but an export, or an empty file, is written over. */
static int check_target(const char *path, struct fault *fault)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t head[APPLICATION_ID_AT + 4];
	struct stat status;
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT ? 0 : cannot_write(path, errno, fault);
	if (fstat(fd, &status) < 0)
		return cannot_write(path, errno, fault);
	len = S_ISREG(status.st_mode) ? pread(fd, head, sizeof(head), 0) : -1;
	if (len == 0 || is_export(head, len))
		return 0;
	(void)fault_failed(fault, "%s is there already and holds something else; it was left as it "
			   "is, name another file", path);
	return -EEXIST;
}

/* @temporary is an empty file of ours. */
static int write_file(struct store *store, int fd, const char *temporary, const char *path,
		      struct fault *fault)
{
	_cleanup_free_ char *text = strdup(path);
	_cleanup_close_ int folder = -1;
	int err;

	if (!text)
		return fault_no_memory(fault);
	err = sql_run(store, fault, "VACUUM INTO ?", "t", temporary);
	if (err)
		return err;
	if (fsync(fd) < 0 || rename(temporary, path) < 0)
		return cannot_write(path, errno, fault);
	folder = open(dirname(text), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) < 0)
		return cannot_write(path, errno, fault);
	return 0;
}

int store_export(struct store *store, const char *path, struct fault *fault)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -1;
	int err = check_target(path, fault);

	if (err)
		return err;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return fault_no_memory(fault);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return cannot_write(path, errno, fault);
	err = write_file(store, fd, temporary, path, fault);
	if (err)
		(void)unlink(temporary);
	return err;
}

/* --- contents ----------------------------------------------------------------------------- */

static int fill_memory(struct store *store, const struct store_content *content,
		       struct fault *fault)
{
	int err, code;

	store->path = strdup("in memory");
	if (!store->path)
		return fault_no_memory(fault);
	/* SQLITE_OPEN_MEMORY would make the copy's file one in memory, too. */
	code = sqlite3_open_v2(":memory:", &store->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
	if (code != SQLITE_OK)
		return sql_fault(store, fault, code);
	err = store_take_database(store, STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY,
				  fault) ?:
	      store_begin(store, fault) ?: store_import(store, content, fault);
	return err ?: store_commit(store, fault);
}

int store_export_content(const struct store_content *content, const char *path,
			 struct fault *fault)
{
	_cleanup_(store_closep) struct store *store = NULL;

	memory_use();
	store = calloc(1, sizeof(*store));
	if (!store)
		return fault_no_memory(fault);
	return fill_memory(store, content, fault) ?: store_export(store, path, fault);
}

int store_import_content(const char *path, struct store_content **ret_content,
			 struct fault *fault)
{
	const struct store_query all = { .policy = NULL };
	_cleanup_(store_closep) struct store *store = NULL;
	struct store_content *content;
	int err = store_open(path, STORE_OPEN_READ, &store, fault);

	if (!err)
		err = store_read(store, &all, &content, fault);
	if (err)
		return err;
	for (size_t i = 0; i < content->n_policies; i++)
		content->policies[i]->is_assigned = false;
	*ret_content = content;
	return 0;
}
