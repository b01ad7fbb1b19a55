/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <syslog.h>

/*
 * For programs; libraries return errors and let their caller log. Levels are syslog's. Lines go
 * to the journal when its socket is there, with the fields attached, else to standard error with
 * "<N>" in front, which systemd and people both understand.
 */

enum log_target {
	LOG_TARGET_AUTO,
	LOG_TARGET_JOURNAL,
	LOG_TARGET_STDERR,
};

/* A journal field, e.g. {"IPD_PEER", "192.0.2.1"}; never a key or password. */
struct log_field {
	const char *name;
	const char *value;
};

/* @ident (kept by reference) names the program; called once, before the first line. */
void log_open(const char *ident, enum log_target target);
/* Drops lines less important than @level; LOG_INFO at first. */
void log_set_level(int level);
int log_get_level(void);
/* "err", "warning", "info", "debug" or a number: the level, or -EINVAL. */
int log_level_from_text(const char *text);

/* For tests: takes every entry instead of the journal. NULL: none. Fields may have NULL values. */
typedef void (*log_sink_fn)(void *userdata, int level, const struct log_field *fields,
			    size_t n_fields, const char *line);
void log_set_sink(log_sink_fn sink, void *userdata);

/* errno is kept. @fields may be NULL when @n_fields is 0; fields with a NULL value are left out. */
void log_write(int level, const struct log_field *fields, size_t n_fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(...) log_write(LOG_ERR, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, NULL, 0, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, NULL, 0, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, NULL, 0, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, NULL, 0, __VA_ARGS__)

/* log_event(LOG_INFO, FIELDS({"IPD_PEER", peer}, {"IPD_SPI", spi}), "text %d", n) */
#define FIELDS(...) ((const struct log_field[]){ __VA_ARGS__ }), \
	sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field)
#define log_event(level, ...) log_write(level, __VA_ARGS__)

#endif
