// SPDX-License-Identifier: MIT
#include "boot/request.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"

/* --- the request -------------------------------------------------------------------------- */

char *boot_request_format(const struct boot_request *request)
{
	char *text;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	fprintf(file, "replace=%s\npolicy=%s\n", request->replaces ? "yes" : "no",
		request->options.has_policy ? "assigned" : "none");
	for (size_t i = 0; boot_options_property(i); i++)
		fprintf(file, "%s=%s\n", boot_options_property(i), request->options.values[i]);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* One of two words; anything else is neither. */
static int parse_choice(const char *value, const char *yes, const char *no, bool *ret_choice)
{
	*ret_choice = !strcmp(value, yes);
	return *ret_choice || !strcmp(value, no) ? 0 : -EINVAL;
}

static int take_line(struct boot_request *request, char *line, char *why)
{
	char *value = strchr(line, '=');
	int r;

	if (!value)
		return refuse(why, "\"%.64s\" is not of the form name=value", line);
	*value++ = '\0';
	if (!strcmp(line, "replace"))
		r = parse_choice(value, "yes", "no", &request->replaces);
	else if (!strcmp(line, "policy"))
		r = parse_choice(value, "assigned", "none", &request->options.has_policy);
	else
		return boot_options_set(&request->options, line, value, why);
	return r ? refuse(why, "%s=%.64s is not understood", line, value) : 0;
}

static int parse_lines(struct boot_request *request, char *text, char *why)
{
	char *at, *line;
	int r = 0;

	for (line = strtok_r(text, "\n", &at); line && !r; line = strtok_r(NULL, "\n", &at))
		r = take_line(request, line, why);
	for (size_t i = 0; !r && boot_options_property(i); i++)
		if (!request->options.values[i])
			r = refuse(why, "%s is missing", boot_options_property(i));
	return r;
}

int boot_request_parse(char *text, struct boot_request *ret_request,
		       char why[static POLICY_WHY_LEN])
{
	int r;

	*ret_request = (struct boot_request){ 0 };
	r = parse_lines(ret_request, text, why);
	if (r)
		boot_options_clear(&ret_request->options);
	return r;
}

/* --- the answer --------------------------------------------------------------------------- */

static int answer_failed(char *answer, int error, const char *path, const char *what)
{
	snprintf(answer, BOOT_ANSWER_MAX, BOOT_FAILED " %s cannot be %s: %s", path, what,
		 strerror(-error));
	return error;
}

/* What somebody else has written goes out of the way, to where modprobe does not look. */
static int save(const char *path, const char *text, char *answer)
{
	char old[PATH_MAX];
	int r = -ENAMETOOLONG;

	if (snprintf(old, sizeof(old), "%s.old", path) < (int)sizeof(old))
		r = file_replace(old, text, strlen(text), 0644);
	return r ? answer_failed(answer, r, path, "saved before it is replaced") : 0;
}

/* What somebody else has written stays, and the agent is told what it is. */
static int keep(const char *path, const char *text, char *answer)
{
	struct boot_options options;
	int r = boot_options_parse(text, &options);
	size_t len;

	if (r)
		return answer_failed(answer, r, path, "read");
	len = (size_t)snprintf(answer, BOOT_ANSWER_MAX, BOOT_KEPT);
	for (size_t i = 0; boot_options_property(i); i++)
		if (options.values[i] && len < BOOT_ANSWER_MAX)
			len += (size_t)snprintf(answer + len, BOOT_ANSWER_MAX - len, "\n%s=%s",
						boot_options_property(i), options.values[i]);
	boot_options_clear(&options);
	return 0;
}

static int write_file(const struct boot_request *request, const char *path, char *answer)
{
	_cleanup_free_ char *before = NULL, *text = boot_options_format(&request->options);
	bool is_foreign;
	int r = file_read(path, BOOT_OPTIONS_FILE_MAX, &before);

	if (!text)
		return answer_failed(answer, -ENOMEM, path, "written");
	if (r && r != -ENOENT)
		return answer_failed(answer, r, path, "read");
	is_foreign = before && !boot_options_is_own(before);
	if (is_foreign && !request->replaces)
		return keep(path, before, answer);
	strcpy(answer, is_foreign ? BOOT_SAVED : BOOT_DONE);
	if (is_foreign) {
		r = save(path, before, answer);
		if (r)
			return r;
	}
	if (before && !strcmp(before, text))
		return 0;
	r = file_replace(path, text, strlen(text), 0644);
	return r ? answer_failed(answer, r, path, "written") : 0;
}

int boot_request_serve(char *text, const char *path, char answer[static BOOT_ANSWER_MAX])
{
	struct boot_request request;
	char why[POLICY_WHY_LEN];
	int r = boot_request_parse(text, &request, why);

	if (r) {
		snprintf(answer, BOOT_ANSWER_MAX, BOOT_FAILED " %s", why);
		return r;
	}
	r = write_file(&request, path, answer);
	boot_options_clear(&request.options);
	return r;
}
