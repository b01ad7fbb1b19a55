/* SPDX-License-Identifier: MIT */
/*
 * SQLite in the manner of this project: statements that are prepared once, typed parameters,
 * columns that are checked, and every failure as a sentence. Only for the files of the store.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>
#include <systemd/sd-id128.h>

#include "base/cleanup.h"
#include "policy/fault.h"
#include "policy/model.h"

/* More than there are texts in these files. */
#define SQL_MAX_STATEMENTS 128

struct sql_statement {
	const char *text;		/* a constant: known by its address */
	sqlite3_stmt *prepared;
};

struct store {
	sqlite3 *db;
	char *path;			/* for sentences */
	struct sql_statement statements[SQL_MAX_STATEMENTS];
	size_t n_statements;
	bool is_copy;			/* db is a copy of the file, in memory */
	int refusal;			/* SQLite's code for who wants to write to it; 0: may be */
	bool in_transaction;
	uint32_t commits;		/* our own */
};

/*
 * Begins @text with its parameters. @types has a letter for each: i int, u uint32_t, x int64_t,
 * r int64_t, a row (0 is NULL), t const char * (may be NULL), g const sd_id128_t *. What they
 * point to must stay until the statement ends. A text is used by one caller at a time. 0, or -errno with *fault.
 */
int sql_query(struct store *store, struct fault *fault, sqlite3_stmt **ret_statement,
	      const char *text, const char *types, ...);
/* The next row: 1, 0 at the end, or -errno with *fault. */
int sql_next(struct store *store, struct fault *fault, sqlite3_stmt *statement);
/* Makes it ready for its next use, and forgets the parameters; returns NULL. */
sqlite3_stmt *sql_end(sqlite3_stmt *statement);
DEFINE_CLEANUP(sqlite3_stmt *, sql_end);

/* A statement without rows, from beginning to end. 0, or -errno with *fault. */
int sql_run(struct store *store, struct fault *fault, const char *text, const char *types, ...);
/* The first column of the first row: 1, 0 when there is no row, or -errno with *fault. */
int sql_number(struct store *store, struct fault *fault, int64_t *ret_number, const char *text,
	       const char *types, ...);

/* What SQLite's last failure, @code, means for the store; -errno. */
int sql_fault(struct store *store, struct fault *fault, int code);
/*
 * Whether nothing on the file's file system can be written here: each mount namespace has its own word in
 * that, and who has made it for himself, as a service does, does not hear of a change elsewhere.
 */
bool sql_is_frozen(const char *path);
int sql_frozen(const char *path, struct fault *fault);	/* says so; -EACCES */
/* Whether the last failure was for want of the files of the log beside the store. */
bool sql_lacks_log(const struct store *store);
/*
 * SQLite opens what it may not write for reading, and begins transactions in it. 0, -EACCES, or
 * -ENOSPC.
 */
int sql_check_writable(struct store *store, struct fault *fault);
/* The file holds what it cannot hold; -EBADMSG. @what is a sentence without its full stop. */
int sql_damaged(const struct store *store, struct fault *fault, const char *what);

/*
 * The columns of a row, one after the other. The first value that cannot be is remembered and
 * ends the reading: later ones come as null values. Look at err before using any.
 */
struct sql_row {
	sqlite3_stmt *statement;
	int column;			/* next one */
	int err;			/* 0, -EINVAL with a sentence, -ENOMEM (with one, too) */
	char why[POLICY_WHY_LEN];
};

/* A copy that the caller frees (it may be a secret), of at most @max bytes; NULL for NULL. */
char *sql_row_text(struct sql_row *row, const char *tag, size_t max);
uint64_t sql_row_number(struct sql_row *row, const char *tag, uint64_t max);
bool sql_row_bool(struct sql_row *row, const char *tag);
sd_id128_t sql_row_guid(struct sql_row *row, const char *tag);
/* Keeps the first failure of a parser that wrote row->why. */
void sql_row_check(struct sql_row *row, int err);

#endif /* STORE_SQL_H */
