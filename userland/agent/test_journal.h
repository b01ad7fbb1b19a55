/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TEST_JOURNAL_H
#define AGENT_TEST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A journal in memory: between journal_open() and journal_close() it gets what the agent logs.
 * Values are kept with their entry.
 */

#define JOURNAL_ENTRIES_MAX	64
#define JOURNAL_FIELDS_MAX	64

struct journal_entry {
	int level;
	char *line;
	char *names[JOURNAL_FIELDS_MAX];
	char *values[JOURNAL_FIELDS_MAX];
	size_t n_fields;
};

struct journal {
	struct journal_entry entries[JOURNAL_ENTRIES_MAX];
	size_t n_entries;
};

void journal_open(struct journal *journal);
void journal_close(struct journal *journal);

/* The @index-th value of a field, NULL if it has no such. */
const char *journal_value(const struct journal_entry *entry, const char *name, size_t index);
bool journal_has(const struct journal_entry *entry, const char *name, const char *value);
/* The newest entry in which the field has the value; NULL if there is none. */
const struct journal_entry *journal_find(const struct journal *journal, const char *name,
					 const char *value);
size_t journal_count(const struct journal *journal, const char *name, const char *value);

#endif /* AGENT_TEST_JOURNAL_H */
