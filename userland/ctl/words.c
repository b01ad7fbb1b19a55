// SPDX-License-Identifier: MIT
#include "ctl/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies one word without its quotes from *from to *to; false if a quote has no end. */
static bool copy_word(const char **from, char **to)
{
	const char *at = *from;
	bool is_quoted = false;

	for (; *at && (is_quoted || !is_blank(*at)); at++) {
		if (*at != '"') {
			*(*to)++ = *at;
		} else if (is_quoted && at[1] == '"') {
			*(*to)++ = '"';
			at++;
		} else {
			is_quoted = !is_quoted;
		}
	}
	*(*to)++ = '\0';
	*from = at;
	return !is_quoted;
}

int ctl_words_split(const char *line, struct ctl_words *ret_words, char why[static POLICY_WHY_LEN])
{
	struct ctl_words words = { .n = 0 };
	char *to = malloc(strlen(line) + 2);

	words.buffer = to;
	if (!to) {
		snprintf(why, POLICY_WHY_LEN, "out of memory");
		return -ENOMEM;
	}
	*to = '\0';
	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line)
			break;
		if (words.n == CTL_MAX_WORDS) {
			snprintf(why, POLICY_WHY_LEN, "more than %d words", CTL_MAX_WORDS);
			goto err_clear;
		}
		words.list[words.n++] = to;
		if (!copy_word(&line, &to)) {
			snprintf(why, POLICY_WHY_LEN, "a double quote is not closed");
			goto err_clear;
		}
	}
	*ret_words = words;
	return 0;

err_clear:
	free(words.buffer);
	return -EINVAL;
}

void ctl_words_clear(struct ctl_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		wipe(words->list[i], strlen(words->list[i]));
	free(words->buffer);
	*words = (struct ctl_words){ .n = 0 };
}

bool ctl_line_is_comment(const char *line)
{
	line += strspn(line, " \t\r\n");
	if (!*line || *line == '#' || !strncmp(line, "::", 2))
		return true;
	if (!strncasecmp(line, "@echo", 5))
		return true;
	return !strncasecmp(line, "rem", 3) && (!line[3] || is_blank(line[3]));
}
