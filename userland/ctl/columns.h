/* SPDX-License-Identifier: MIT */
/*
 * What the shows print: rows of one record type as a list ("Label : value", one block per row), as
 * a table, or as JSON. JSON has every key of the record, whatever the columns are, so that its keys
 * depend on nothing but policy/record.c.
 */
#ifndef CTL_COLUMNS_H
#define CTL_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/command.h"
#include "policy/record.h"

struct ctl;

enum column_where {
	COLUMN_LIST = 1,
	COLUMN_TABLE = 2,
	COLUMN_WIDE = 4,		/* a table with wide=yes */
	COLUMN_ADDRESS = 8,		/* an address that resolvedns=yes names */
	COLUMN_VERBOSE = 16,		/* a list with level=verbose */
	COLUMN_CAPITALS = 32,		/* yes and no as YES and NO */
	COLUMN_WRAPPED = 64,		/* in a list, sentences of more than a line */
};

#define COLUMN_BOTH	(COLUMN_LIST | COLUMN_TABLE)

struct column {
	const char *label;
	const char *key;		/* prints this field as it is; or NULL: */
	void (*print)(FILE *file, const void *row);	/* prints nothing: the line is left out */
	unsigned int where;		/* enum column_where */
};

struct view {
	const char *name;		/* of the array in JSON */
	const char *title;
	const char *none;		/* the sentence for no rows */
	const struct policy_record *record;
	const struct column *columns;
	size_t n_columns;
	/* after the lines of a row in list form; may be NULL */
	void (*print_tail)(FILE *file, const void *row);
	/* the same with level=verbose only */
	void (*print_details)(FILE *file, const void *row);
};

#define VIEW_COLUMNS(table) .columns = table, .n_columns = sizeof(table) / sizeof((table)[0])

/* How, from the tags format=, wide=, level= and resolvedns=. */
struct layout {
	bool is_table;
	bool is_wide;
	bool is_verbose;
	bool resolve;
};

struct layout ctl_layout(const struct ctl_args *args);

/* Failure is lack of memory, and is reported. */
enum ctl_exit ctl_print_view(struct ctl *ctl, const struct layout *layout, const struct view *view,
			     const void *rows, size_t n);

/* Only the table, without title; not in JSON. Failure is lack of memory. 0 or -ENOMEM. */
int ctl_print_table(struct ctl *ctl, const struct layout *layout, const struct view *view,
		    const void *rows, size_t n);

/* A block of named numbers. */
struct ctl_counter {
	const char *key;
	const char *label;
	uint64_t value;
};

#define CTL_COUNTERS_MAX 96		/* the agent has no more in one group */

struct ctl_counters {
	struct ctl_counter list[CTL_COUNTERS_MAX];
	size_t n;
};

/* Leaves out what never happened. */
void ctl_drop_zeros(struct ctl_counters *counters);

enum ctl_exit ctl_print_counters(struct ctl *ctl, const char *name, const char *title,
				 const struct ctl_counter *counters, size_t n);

/* A small table below a list: cells row by row, the first row is the head. */
void print_grid(FILE *file, const char *const *cells, size_t n_columns, size_t n_rows);

/* "Label                       : " */
void print_label(FILE *file, const char *label);
/* And @text behind it, wrapped. */
void print_labelled(FILE *file, const char *label, const char *text);
/* The title and dashes of its length. */
void print_title(FILE *file, const char *title);

#define TEXT_WIDTH 78

/*
 * Breaks @text at blanks to lines of TEXT_WIDTH, the first one behind @head, the others behind as
 * many blanks.
 */
void print_wrapped(FILE *file, const char *head, const char *text);

/* Ends the JSON document, if one was begun. */
void ctl_finish_json(struct ctl *ctl);

#endif /* CTL_COLUMNS_H */
