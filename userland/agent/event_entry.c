// SPDX-License-Identifier: MIT
#include "agent/event_entry.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_audit_on = true;

void events_set_audit(bool is_on)
{
	is_audit_on = is_on;
}

void event_begin(struct event_entry *entry, enum event_kind kind)
{
	const struct event_row *row = &events_table[kind];

	entry->kind = kind;
	entry->level = row->level;
	entry->n_fields = 0;
	entry->values_len = 0;
	entry->line_len = 0;
	entry->line[0] = '\0';
	event_field(entry, "MESSAGE_ID", "%s", row->id);
	if (row->number)
		event_field(entry, "IPD_EVENT", "%s", row->number);
}

void event_field(struct event_entry *entry, const char *name, const char *format, ...)
{
	size_t room = sizeof(entry->values) - entry->values_len;
	char *value = entry->values + entry->values_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(value, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room || entry->n_fields == EVENT_FIELDS_MAX)
		return;
	entry->fields[entry->n_fields++] = (struct log_field){ name, value };
	entry->values_len += (size_t)len + 1;
}

void event_field_addr(struct event_entry *entry, const char *name, const struct ip_addr *addr)
{
	char text[IP_ADDR_STRLEN];

	event_field(entry, name, "%s", ip_addr_format(addr, text));
}

void event_say(struct event_entry *entry, const char *format, ...)
{
	size_t room = sizeof(entry->line) - entry->line_len;
	char *end = entry->line + entry->line_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(end, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room)
		*end = '\0';
	else
		entry->line_len += (size_t)len;
}

void event_end(struct event_entry *entry)
{
	if (events_table[entry->kind].is_audit && !is_audit_on)
		return;
	log_event(entry->level, entry->fields, entry->n_fields, "%s", entry->line);
}
