// SPDX-License-Identifier: MIT
#include "store/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "policy/check.h"

int sql_damaged(const struct store *store, struct fault *fault, const char *what)
{
	(void)fault_failed(fault, "the store %s is damaged: %s; it was left as it is, put a copy "
			   "that is known to be good in its place", store->path, what);
	return -EBADMSG;
}

bool sql_is_frozen(const char *path)
{
	struct statvfs status;

	return !statvfs(path, &status) && status.f_flag & ST_RDONLY;
}

int sql_frozen(const char *path, struct fault *fault)
{
	(void)fault_denied(fault, "the store %s is on a file system that is read-only; mount it for "
			   "writing, and if it is already, restart the service: what was read-only "
			   "when it started may stay so for it", path);
	return -EACCES;
}

int sql_fault(struct store *store, struct fault *fault, int code)
{
	const char *text = store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code);

	if ((code & 0xff) == SQLITE_IOERR && store->db && sqlite3_system_errno(store->db) == ENOSPC)
		code = SQLITE_FULL;
	/* One that had an error may be so from one write to the next. */
	if ((code & 0xff) == SQLITE_IOERR && sql_is_frozen(store->path))
		return sql_frozen(store->path, fault);
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return fault_no_memory(fault);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return sql_damaged(store, fault, text);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		(void)fault_failed(fault, "another process is changing the store %s; try again "
				   "later", store->path);
		return -EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		if (sql_is_frozen(store->path))
			return sql_frozen(store->path, fault);
		(void)fault_denied(fault, "the store %s cannot be written; check the rights to it "
				   "and to its folder", store->path);
		return -EACCES;
	case SQLITE_CANTOPEN:
		(void)fault_denied(fault, "the store %s cannot be opened, or the files of its log "
				   "beside it; check the rights to it and to its folder",
				   store->path);
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return fault_number(fault, POLICY_ERROR_OBJECT_EXISTS,
				    "what is to be stored contradicts what is in the store %s (%s); "
				    "give it a name and a GUID of its own", store->path, text);
	case SQLITE_FULL:
		(void)fault_failed(fault, "no space is left for the store %s; nothing was changed, "
				   "make room and try again", store->path);
		return -ENOSPC;
	default:
		return fault_failed(fault, "the store %s: %s (%d); nothing was changed",
				    store->path, text, sqlite3_extended_errcode(store->db));
	}
}

int sql_check_writable(struct store *store, struct fault *fault)
{
	if (store->refusal)
		return sql_fault(store, fault, store->refusal);
	if (!sqlite3_db_readonly(store->db, "main"))
		return 0;
	return sql_fault(store, fault, SQLITE_READONLY);
}

bool sql_lacks_log(const struct store *store)
{
	switch (sqlite3_errcode(store->db) & 0xff) {
	case SQLITE_CANTOPEN:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
		return true;
	default:
		return false;
	}
}

/* --- statements --------------------------------------------------------------------------- */

static int prepare(struct store *store, struct fault *fault, const char *text,
		   sqlite3_stmt **ret_statement)
{
	struct sql_statement *statement;
	int code;

	for (size_t i = 0; i < store->n_statements; i++) {
		if (store->statements[i].text == text) {
			*ret_statement = store->statements[i].prepared;
			return 0;
		}
	}
	if (store->n_statements == SQL_MAX_STATEMENTS)
		return fault_failed(fault, "the store %s: more statements than were foreseen",
				    store->path);
	statement = &store->statements[store->n_statements];
	code = sqlite3_prepare_v3(store->db, text, -1, SQLITE_PREPARE_PERSISTENT,
				  &statement->prepared, NULL);
	if (code != SQLITE_OK)
		return sql_fault(store, fault, code);
	statement->text = text;
	store->n_statements++;
	*ret_statement = statement->prepared;
	return 0;
}

static int bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	return text ? sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC) :
	       sqlite3_bind_null(statement, index);
}

static int bind_row(sqlite3_stmt *statement, int index, int64_t row)
{
	return row ? sqlite3_bind_int64(statement, index, row) :
	       sqlite3_bind_null(statement, index);
}

static int bind(sqlite3_stmt *statement, const char *types, va_list args)
{
	int code = SQLITE_OK;

	for (int i = 0; types[i] && code == SQLITE_OK; i++) {
		switch (types[i]) {
		case 'u':
			code = sqlite3_bind_int64(statement, i + 1, va_arg(args, uint32_t));
			break;
		case 'i':
			code = sqlite3_bind_int(statement, i + 1, va_arg(args, int));
			break;
		case 'x':
			code = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
			break;
		case 'r':
			code = bind_row(statement, i + 1, va_arg(args, int64_t));
			break;
		case 't':
			code = bind_text(statement, i + 1, va_arg(args, const char *));
			break;
		case 'g':
			code = sqlite3_bind_blob(statement, i + 1, va_arg(args, const sd_id128_t *),
						 sizeof(sd_id128_t), SQLITE_STATIC);
			break;
		default:
			return SQLITE_MISUSE;
		}
	}
	return code;
}

static int query(struct store *store, struct fault *fault, sqlite3_stmt **ret_statement,
		 const char *text, const char *types, va_list args)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	int err, code;

	err = prepare(store, fault, text, &statement);
	if (err)
		return err;
	code = bind(statement, types, args);
	if (code != SQLITE_OK)
		return sql_fault(store, fault, code);
	*ret_statement = TAKE_PTR(statement);
	return 0;
}

int sql_query(struct store *store, struct fault *fault, sqlite3_stmt **ret_statement,
	      const char *text, const char *types, ...)
{
	va_list args;
	int err;

	va_start(args, types);
	err = query(store, fault, ret_statement, text, types, args);
	va_end(args);
	return err;
}

int sql_next(struct store *store, struct fault *fault, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : sql_fault(store, fault, code);
}

sqlite3_stmt *sql_end(sqlite3_stmt *statement)
{
	if (statement) {
		(void)sqlite3_reset(statement);
		(void)sqlite3_clear_bindings(statement);
	}
	return NULL;
}

int sql_run(struct store *store, struct fault *fault, const char *text, const char *types, ...)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	va_list args;
	int err;

	va_start(args, types);
	err = query(store, fault, &statement, text, types, args);
	va_end(args);
	if (err)
		return err;
	while ((err = sql_next(store, fault, statement)) > 0)
		;
	return err;
}

int sql_number(struct store *store, struct fault *fault, int64_t *ret_number, const char *text,
	       const char *types, ...)
{
	_cleanup_(sql_endp) sqlite3_stmt *statement = NULL;
	va_list args;
	int err;

	va_start(args, types);
	err = query(store, fault, &statement, text, types, args);
	va_end(args);
	if (!err)
		err = sql_next(store, fault, statement);
	if (err > 0)
		*ret_number = sqlite3_column_int64(statement, 0);
	return err;
}

/* --- rows --------------------------------------------------------------------------------- */

void sql_row_check(struct sql_row *row, int err)
{
	if (!row->err)
		row->err = err;
}

__attribute__((format(printf, 2, 3)))
static void refuse(struct sql_row *row, const char *format, ...)
{
	va_list args;

	row->err = -EINVAL;
	va_start(args, format);
	(void)vsnprintf(row->why, sizeof(row->why), format, args);
	va_end(args);
}

char *sql_row_text(struct sql_row *row, const char *tag, size_t max)
{
	int column = row->column++;
	const char *text;
	size_t len;
	char *copy;

	if (row->err || sqlite3_column_type(row->statement, column) == SQLITE_NULL)
		return NULL;
	if (sqlite3_column_type(row->statement, column) != SQLITE_TEXT) {
		refuse(row, "%s is no text", tag);
		return NULL;
	}
	text = (const char *)sqlite3_column_text(row->statement, column);
	len = (size_t)sqlite3_column_bytes(row->statement, column);
	if (text && (len > max || strlen(text) != len)) {
		refuse(row, "%s is longer than it can be", tag);
		return NULL;
	}
	if (text && policy_text_check(tag, text, row->why) < 0) {
		row->err = -EINVAL;
		return NULL;
	}
	copy = text ? strdup(text) : NULL;
	if (!copy) {
		refuse(row, "out of memory");
		row->err = -ENOMEM;
	}
	return copy;
}

uint64_t sql_row_number(struct sql_row *row, const char *tag, uint64_t max)
{
	int column = row->column++;
	int64_t number;

	if (row->err)
		return 0;
	number = sqlite3_column_int64(row->statement, column);
	if (sqlite3_column_type(row->statement, column) != SQLITE_INTEGER || number < 0 ||
	    (uint64_t)number > max) {
		refuse(row, "%s is not a number from 0 to %" PRIu64, tag, max);
		return 0;
	}
	return (uint64_t)number;
}

bool sql_row_bool(struct sql_row *row, const char *tag)
{
	return sql_row_number(row, tag, 1);
}

sd_id128_t sql_row_guid(struct sql_row *row, const char *tag)
{
	int column = row->column++;
	sd_id128_t guid = SD_ID128_NULL;

	if (row->err)
		return guid;
	if (sqlite3_column_type(row->statement, column) != SQLITE_BLOB ||
	    sqlite3_column_bytes(row->statement, column) != sizeof(guid)) {
		refuse(row, "%s is no GUID", tag);
		return guid;
	}
	memcpy(&guid, sqlite3_column_blob(row->statement, column), sizeof(guid));
	return guid;
}
