// SPDX-License-Identifier: MIT
#include "ctl/columns.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libsmartcols/libsmartcols.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "ctl/ctl.h"

#define LABEL_WIDTH 28

static void unref_table(struct libscols_table **table)
{
	scols_unref_table(*table);
}

#define _cleanup_table_ _cleanup_(unref_table)

static enum ctl_exit no_memory(struct ctl *ctl)
{
	return ctl_error(ctl, CTL_ERROR_NOT_ENOUGH_MEMORY, "out of memory");
}

struct layout ctl_layout(const struct ctl_args *args)
{
	const char *format = ctl_args_get(args, "format"), *level = ctl_args_get(args, "level");

	return (struct layout){
		.is_table = format && !strcasecmp(format, "table"),
		.is_wide = ctl_args_get_bool(args, "wide", false),
		.is_verbose = level && !strcasecmp(level, "verbose"),
		.resolve = ctl_args_get_bool(args, "resolvedns", false),
	};
}

void print_title(FILE *file, const char *title)
{
	fprintf(file, "%s\n", title);
	for (size_t i = strlen(title); i > 0; i--)
		fputc('-', file);
	fputc('\n', file);
}

void print_label(FILE *file, const char *label)
{
	fprintf(file, "%-*s: ", LABEL_WIDTH, label);
}

void print_labelled(FILE *file, const char *label, const char *text)
{
	char head[LABEL_WIDTH + 8];

	snprintf(head, sizeof(head), "%-*s: ", LABEL_WIDTH, label);
	print_wrapped(file, head, text);
}

/* The value of a field; nothing for one that is not there. */
static void print_value(FILE *file, const struct policy_key *key, const void *row, bool is_json)
{
	const void *field = (const char *)row + key->offset;
	const struct ip_addr *addr = field;
	char buf[IP_ADDR_STRLEN];
	bool yes;

	switch (key->type) {
	case POLICY_VALUE_STRING:
		if (*(char *const *)field)
			fputs(*(char *const *)field, file);
		break;
	case POLICY_VALUE_BOOL:
		yes = *(const bool *)field;
		fputs(is_json ? (yes ? "1" : "0") : (yes ? "yes" : "no"), file);
		break;
	case POLICY_VALUE_NUMBER:
		fprintf(file, "%" PRIu32, *(const uint32_t *)field);
		break;
	case POLICY_VALUE_COUNTER:
		fprintf(file, "%" PRIu64, *(const uint64_t *)field);
		break;
	case POLICY_VALUE_ADDRESS:
		if (addr->family)
			fputs(ip_addr_format(addr, buf), file);
		break;
	}
}

/* " (host.example)" behind a numeric address that has a name */
static void print_host_name(FILE *file, const struct ctl *ctl, const char *text)
{
	char name[NI_MAXHOST];
	struct ip_addr addr;

	if (!ip_addr_parse(text, &addr) && !ctl->host_name(&addr, name, sizeof(name)))
		fprintf(file, " (%s)", name);
}

/* The caller frees it; NULL without memory, "" for nothing. */
static char *cell_text(const struct ctl *ctl, const struct layout *layout, const struct view *view,
		       const struct column *column, const void *row)
{
	char *text = NULL, *named = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	if (column->key)
		print_value(file, policy_record_find_key(view->record, column->key), row, false);
	else
		column->print(file, row);
	if (fclose(file) != 0)
		return NULL;
	for (char *c = text; column->where & COLUMN_CAPITALS && *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (!(column->where & COLUMN_ADDRESS && layout->resolve && *text))
		return text;
	file = open_memstream(&named, &len);
	if (file) {
		fputs(text, file);
		print_host_name(file, ctl, text);
		(void)fclose(file);
	}
	free(text);
	return named;
}

static bool is_in_list(const struct layout *layout, const struct column *column)
{
	return column->where & COLUMN_LIST ||
	       (layout->is_verbose && column->where & COLUMN_VERBOSE);
}

static int print_list_row(struct ctl *ctl, const struct layout *layout, const struct view *view,
			  const void *row)
{
	for (size_t i = 0; i < view->n_columns; i++) {
		const struct column *column = &view->columns[i];
		_cleanup_free_ char *text = NULL;

		if (!is_in_list(layout, column))
			continue;
		text = cell_text(ctl, layout, view, column, row);
		if (!text)
			return -ENOMEM;
		if (!*text)
			continue;
		if (column->where & COLUMN_WRAPPED) {
			print_labelled(ctl->out, column->label, text);
			continue;
		}
		print_label(ctl->out, column->label);
		fprintf(ctl->out, "%s\n", text);
	}
	if (view->print_tail)
		view->print_tail(ctl->out, row);
	if (view->print_details && layout->is_verbose)
		view->print_details(ctl->out, row);
	return 0;
}

static int print_list(struct ctl *ctl, const struct layout *layout, const struct view *view,
		      const void *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err;

		fputc('\n', ctl->out);
		err = print_list_row(ctl, layout, view, (const char *)rows + i * view->record->size);
		if (err)
			return err;
	}
	return 0;
}

static bool is_in_table(const struct layout *layout, const struct column *column)
{
	return column->where & COLUMN_TABLE || (layout->is_wide && column->where & COLUMN_WIDE);
}

static int fill_line(struct libscols_line *line, const struct ctl *ctl,
		     const struct layout *layout, const struct view *view, const void *row)
{
	size_t at = 0;

	for (size_t i = 0; i < view->n_columns; i++) {
		_cleanup_free_ char *text = NULL;

		if (!is_in_table(layout, &view->columns[i]))
			continue;
		text = cell_text(ctl, layout, view, &view->columns[i], row);
		if (!text || scols_line_set_data(line, at++, *text ? text : "-") != 0)
			return -ENOMEM;
	}
	return 0;
}

int ctl_print_table(struct ctl *ctl, const struct layout *layout, const struct view *view,
		    const void *rows, size_t n)
{
	_cleanup_table_ struct libscols_table *table = scols_new_table();

	if (!table)
		return -ENOMEM;
	scols_table_set_stream(table, ctl->out);
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	scols_table_set_column_separator(table, "  ");
	for (size_t i = 0; i < view->n_columns; i++)
		if (is_in_table(layout, &view->columns[i]) &&
		    !scols_table_new_column(table, view->columns[i].label, 0, 0))
			return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (!line || fill_line(line, ctl, layout, view,
				       (const char *)rows + i * view->record->size) < 0)
			return -ENOMEM;
	}
	return scols_print_table(table) ? -ENOMEM : 0;
}

/*
 * Each table is a document of its own for libsmartcols; a command that shows several makes one of
 * them by leaving out the outer braces.
 */
static int print_json_part(struct ctl *ctl, struct libscols_table *table)
{
	_cleanup_free_ char *text = NULL;
	char *first, *last;

	if (scols_print_table_to_string(table, &text) != 0 || !text)
		return -ENOMEM;
	first = strchr(text, '{');
	last = strrchr(text, '}');
	if (!first || !last)
		return -ENOMEM;
	for (*last = '\0'; last > first && (last[-1] == '\n' || last[-1] == ' '); last--)
		last[-1] = '\0';
	fprintf(ctl->out, "%s%s", ctl->has_json ? "," : "{", first + 1);
	ctl->has_json = true;
	return 0;
}

void ctl_finish_json(struct ctl *ctl)
{
	if (ctl->has_json)
		fputs("\n}\n", ctl->out);
	ctl->has_json = false;
}

static struct libscols_table *new_json_table(const char *name)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return NULL;
	if (scols_table_enable_json(table, 1) != 0 || scols_table_set_name(table, name) != 0) {
		scols_unref_table(table);
		return NULL;
	}
	return table;
}

static int json_column(struct libscols_table *table, const char *key, int type)
{
	struct libscols_column *column = scols_table_new_column(table, key, 0, 0);

	return column && scols_column_set_json_type(column, type) == 0 ? 0 : -ENOMEM;
}

static int json_type(enum policy_value_type type)
{
	switch (type) {
	case POLICY_VALUE_STRING:
	case POLICY_VALUE_ADDRESS:
		break;
	case POLICY_VALUE_BOOL:
		return SCOLS_JSON_BOOLEAN;
	case POLICY_VALUE_NUMBER:
	case POLICY_VALUE_COUNTER:
		return SCOLS_JSON_NUMBER;
	}
	return SCOLS_JSON_STRING;
}

static bool is_missing(const struct policy_key *key, const void *row)
{
	const void *field = (const char *)row + key->offset;

	if (key->type == POLICY_VALUE_STRING)
		return !*(char *const *)field;
	return key->type == POLICY_VALUE_ADDRESS && !((const struct ip_addr *)field)->family;
}

static int json_line(struct libscols_table *table, const struct policy_record *record,
		     const void *row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < record->n_keys; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		FILE *file;

		if (is_missing(&record->keys[i], row))
			continue;
		file = open_memstream(&text, &len);
		if (!file)
			return -ENOMEM;
		print_value(file, &record->keys[i], row, true);
		if (fclose(file) != 0 || scols_line_set_data(line, i, text) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int print_json(struct ctl *ctl, const struct view *view, const void *rows, size_t n)
{
	_cleanup_table_ struct libscols_table *table = new_json_table(view->name);
	const struct policy_record *record = view->record;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < record->n_keys; i++)
		if (json_column(table, record->keys[i].name, json_type(record->keys[i].type)) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (json_line(table, record, (const char *)rows + i * record->size) < 0)
			return -ENOMEM;
	return print_json_part(ctl, table);
}

enum ctl_exit ctl_print_view(struct ctl *ctl, const struct layout *layout, const struct view *view,
			     const void *rows, size_t n)
{
	int err;

	if (ctl->json) {
		err = print_json(ctl, view, rows, n);
		return err ? no_memory(ctl) : CTL_EXIT_OK;
	}
	if (!n) {
		fprintf(ctl->out, "%s\n", view->none);
		return CTL_EXIT_OK;
	}
	print_title(ctl->out, view->title);
	err = layout->is_table ? ctl_print_table(ctl, layout, view, rows, n) :
	      print_list(ctl, layout, view, rows, n);
	return err ? no_memory(ctl) : CTL_EXIT_OK;
}

void ctl_drop_zeros(struct ctl_counters *counters)
{
	size_t kept = 0;

	for (size_t i = 0; i < counters->n; i++)
		if (counters->list[i].value)
			counters->list[kept++] = counters->list[i];
	counters->n = kept;
}

static int print_json_counters(struct ctl *ctl, const char *name,
			       const struct ctl_counter *counters, size_t n)
{
	_cleanup_table_ struct libscols_table *table = n ? new_json_table(name) : NULL;
	struct libscols_line *line;
	char text[24];

	if (!n) {	/* libsmartcols has no tables without columns */
		fprintf(ctl->out, "%s\n   \"%s\": [\n\n   ]", ctl->has_json ? "," : "{", name);
		ctl->has_json = true;
		return 0;
	}
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (json_column(table, counters[i].key, SCOLS_JSON_NUMBER) < 0)
			return -ENOMEM;
	line = scols_table_new_line(table, NULL);
	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%" PRIu64, counters[i].value);
		if (scols_line_set_data(line, i, text) != 0)
			return -ENOMEM;
	}
	return print_json_part(ctl, table);
}

enum ctl_exit ctl_print_counters(struct ctl *ctl, const char *name, const char *title,
				 const struct ctl_counter *counters, size_t n)
{
	if (ctl->json)
		return print_json_counters(ctl, name, counters, n) < 0 ? no_memory(ctl) :
		       CTL_EXIT_OK;
	print_title(ctl->out, title);
	for (size_t i = 0; i < n; i++) {
		print_label(ctl->out, counters[i].label);
		fprintf(ctl->out, "%" PRIu64 "\n", counters[i].value);
	}
	return CTL_EXIT_OK;
}

void print_grid(FILE *file, const char *const *cells, size_t n_columns, size_t n_rows)
{
	size_t width[8] = { 0 };

	for (size_t i = 0; i < n_columns * n_rows; i++) {
		size_t len = strlen(cells[i]);

		if (len > width[i % n_columns])
			width[i % n_columns] = len;
	}
	for (size_t row = 0; row < n_rows; row++) {
		for (size_t i = 0; i < n_columns; i++)
			fprintf(file, "%-*s%s", i + 1 < n_columns ? (int)width[i] : 0,
				cells[row * n_columns + i], i + 1 < n_columns ? "  " : "\n");
		for (size_t i = 0; !row && i < n_columns; i++) {
			for (size_t dash = strlen(cells[i]); dash > 0; dash--)
				fputc('-', file);
			if (i + 1 < n_columns)
				fprintf(file, "%*s", (int)(width[i] - strlen(cells[i]) + 2), "");
		}
		if (!row)
			fputc('\n', file);
	}
}

void print_wrapped(FILE *file, const char *head, const char *text)
{
	size_t indent = strlen(head), column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + len > TEXT_WIDTH) {
			fputc('\n', file);
			head = "";
			column = 0;
		}
		if (column)
			column += (size_t)fprintf(file, " %.*s", (int)len, text);
		else
			column += (size_t)fprintf(file, "%-*s%.*s", (int)indent, head, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', file);
}
