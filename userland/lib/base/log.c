// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define LINE_MAX_LEN 2048
#define FIELDS_MAX 64

static struct {
	const char *ident;
	int level;
	bool has_journal;
	log_sink_fn sink;
	void *sink_userdata;
} state = { .ident = "?", .level = LOG_INFO };

void log_open(const char *ident, enum log_target target)
{
	state.ident = ident;
	state.has_journal = target == LOG_TARGET_JOURNAL ||
			    (target == LOG_TARGET_AUTO && !access(JOURNAL_SOCKET, W_OK));
}

void log_set_sink(log_sink_fn sink, void *userdata)
{
	state.sink = sink;
	state.sink_userdata = userdata;
}

void log_set_level(int level)
{
	state.level = level;
}

int log_get_level(void)
{
	return state.level;
}

int log_level_from_text(const char *text)
{
	static const char *const names[] = {
		[LOG_EMERG] = "emerg",	   [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit",
		[LOG_ERR] = "err",	   [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
		[LOG_INFO] = "info",	   [LOG_DEBUG] = "debug",
	};
	uint32_t number;

	for (int i = LOG_EMERG; i <= LOG_DEBUG; i++) {
		if (!strcasecmp(text, names[i]))
			return i;
	}
	if (parse_u32_range(text, LOG_EMERG, LOG_DEBUG, &number))
		return -EINVAL;
	return (int)number;
}

static struct iovec format_field(const char *name, const char *value)
{
	size_t len = strlen(name) + 1 + strlen(value);
	char *text = malloc(len + 1);

	if (text)
		(void)snprintf(text, len + 1, "%s=%s", name, value);
	return (struct iovec){ .iov_base = text, .iov_len = len };
}

/* False when the journal did not take it. */
static bool write_journal(int level, const struct log_field *fields, size_t n_fields,
			  const char *line)
{
	char priority[] = { (char)('0' + (level & LOG_PRIMASK)), '\0' };
	struct iovec iov[FIELDS_MAX + 3];
	size_t n = 0;
	bool is_ok = true;

	iov[n++] = format_field("MESSAGE", line);
	iov[n++] = format_field("PRIORITY", priority);
	iov[n++] = format_field("SYSLOG_IDENTIFIER", state.ident);
	for (size_t i = 0; i < n_fields && n < sizeof(iov) / sizeof(iov[0]); i++) {
		if (fields[i].value)
			iov[n++] = format_field(fields[i].name, fields[i].value);
	}
	for (size_t i = 0; i < n; i++)
		is_ok &= iov[i].iov_base != NULL;
	if (is_ok)
		is_ok = sd_journal_sendv(iov, (int)n) >= 0;
	for (size_t i = 0; i < n; i++)
		free(iov[i].iov_base);
	return is_ok;
}

/* One write() per line, so that lines of several processes on one pipe do not mix. */
static void write_stderr(int level, const char *line)
{
	char out[LINE_MAX_LEN + 64];
	int len = snprintf(out, sizeof(out), "<%d>%s: %s\n", level & LOG_PRIMASK, state.ident,
			   line);

	if (len < 0)
		return;
	if ((size_t)len >= sizeof(out)) {
		len = sizeof(out) - 1;
		out[len - 1] = '\n';
	}
	if (write(STDERR_FILENO, out, (size_t)len) < 0)
		return;	/* nowhere left to complain to */
}

void log_write(int level, const struct log_field *fields, size_t n_fields, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	int saved_errno = errno;
	va_list args;

	if ((level & LOG_PRIMASK) > state.level)
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* What peers and users put into a line must not start another one. */
	for (char *p = line; *p; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	if (state.sink)
		state.sink(state.sink_userdata, level, fields, n_fields, line);
	else if (!state.has_journal || !write_journal(level, fields, n_fields, line))
		write_stderr(level, line);
	errno = saved_errno;
}
