// SPDX-License-Identifier: MIT
#include "agent/test_journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void take(void *userdata, int level, const struct log_field *fields, size_t n_fields,
		 const char *line)
{
	struct journal *journal = userdata;
	struct journal_entry *entry = &journal->entries[journal->n_entries];

	if (journal->n_entries == JOURNAL_ENTRIES_MAX)
		return;
	journal->n_entries++;
	entry->level = level;
	entry->line = strdup(line);
	for (size_t i = 0; i < n_fields && i < JOURNAL_FIELDS_MAX; i++) {
		entry->names[i] = strdup(fields[i].name);
		entry->values[i] = strdup(fields[i].value);
		entry->n_fields++;
	}
}

void journal_open(struct journal *journal)
{
	*journal = (struct journal){ .n_entries = 0 };
	log_set_sink(take, journal);
}

void journal_close(struct journal *journal)
{
	log_set_sink(NULL, NULL);
	for (size_t i = 0; i < journal->n_entries; i++) {
		struct journal_entry *entry = &journal->entries[i];

		for (size_t j = 0; j < entry->n_fields; j++) {
			free(entry->names[j]);
			free(entry->values[j]);
		}
		free(entry->line);
	}
	journal->n_entries = 0;
}

const char *journal_value(const struct journal_entry *entry, const char *name, size_t index)
{
	for (size_t i = 0; i < entry->n_fields; i++)
		if (!strcmp(entry->names[i], name) && !index--)
			return entry->values[i];
	return NULL;
}

bool journal_has(const struct journal_entry *entry, const char *name, const char *value)
{
	const char *found;

	for (size_t i = 0; (found = journal_value(entry, name, i)); i++)
		if (!strcmp(found, value))
			return true;
	return false;
}

const struct journal_entry *journal_find(const struct journal *journal, const char *name,
					 const char *value)
{
	for (size_t i = journal->n_entries; i > 0; i--)
		if (journal_has(&journal->entries[i - 1], name, value))
			return &journal->entries[i - 1];
	return NULL;
}

size_t journal_count(const struct journal *journal, const char *name, const char *value)
{
	size_t n = 0;

	for (size_t i = 0; i < journal->n_entries; i++)
		n += journal_has(&journal->entries[i], name, value);
	return n;
}
