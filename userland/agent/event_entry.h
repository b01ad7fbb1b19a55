/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EVENT_ENTRY_H
#define AGENT_EVENT_ENTRY_H

#include "agent/events.h"
#include "base/addr.h"
#include "base/log.h"

/*
 * A journal entry while it is put together: fields for programs, one line for people.
 *
 *	struct event_entry entry;
 *
 *	event_begin(&entry, EVENT_STOPPED);
 *	event_field(&entry, "IPD_MODE", "%s", "permit");
 *	event_say(&entry, "policy agent stopped");
 *	event_end(&entry);
 *
 * What does not fit is left out whole; all that is written today fits.
 */

#define EVENT_FIELDS_MAX	48
#define EVENT_VALUES_LEN	8192
#define EVENT_LINE_LEN		1920

struct event_entry {
	enum event_kind kind;
	int level;		/* that of the row, until changed */
	struct log_field fields[EVENT_FIELDS_MAX];
	size_t n_fields;
	char values[EVENT_VALUES_LEN];
	size_t values_len;
	char line[EVENT_LINE_LEN];
	size_t line_len;
};

/* With MESSAGE_ID and, if the row has one, IPD_EVENT. */
void event_begin(struct event_entry *entry, enum event_kind kind);
/* @name is kept by reference; one that is there already gets another value beside. */
void event_field(struct event_entry *entry, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void event_field_addr(struct event_entry *entry, const char *name, const struct ip_addr *addr);
/* More of the line. */
void event_say(struct event_entry *entry, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Writes it, unless it is an audit and those are off. */
void event_end(struct event_entry *entry);

#endif /* AGENT_EVENT_ENTRY_H */
