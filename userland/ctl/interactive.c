// SPDX-License-Identifier: MIT
/*
 * Lines of commands: from a terminal with libedit (prompt, history, completion with TAB), from
 * anything else as they are. History stays in memory: lines can hold preshared keys.
 */
#include <errno.h>
#include <histedit.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/complete.h"
#include "ctl/ctl.h"
#include "ctl/stores.h"
#include "ctl/words.h"
#include "policy/text.h"

#define HISTORY_LINES 500

struct editor {
	EditLine *el;
	History *history;
	struct ctl *ctl;
	char prompt[CTL_PATH_LEN + sizeof(CTL_PROGRAM) + 2];
};

static char *editor_prompt(EditLine *el)
{
	struct editor *editor = NULL;

	el_get(el, EL_CLIENTDATA, &editor);
	snprintf(editor->prompt, sizeof(editor->prompt), "%s%s%s>", CTL_PROGRAM,
		 *editor->ctl->context ? " " : "", editor->ctl->context);
	return editor->prompt;
}

/* The candidates for one word: how many, and how far they agree. */
struct matches {
	char common[2 * POLICY_NAME_MAX];
	size_t n;
	FILE *list;			/* prints them when it is not NULL */
};

static void collect_match(void *data, const char *word)
{
	struct matches *matches = data;
	size_t len = 0;

	if (matches->list)
		fprintf(matches->list, "%s  ", word);
	if (matches->n++ == 0) {
		snprintf(matches->common, sizeof(matches->common), "%s", word);
		return;
	}
	while (word[len] && word[len] == matches->common[len])
		len++;
	matches->common[len] = '\0';
}

/* Replaces the @typed characters before the cursor; a word with blanks gets quotes. */
static unsigned char insert_word(EditLine *el, int typed, const char *word, bool is_whole)
{
	_cleanup_free_ char *quoted = NULL;
	size_t len;
	FILE *file = open_memstream(&quoted, &len);

	if (!file)
		return CC_ERROR;
	if (is_whole)
		policy_print_quoted(file, word);
	else
		fputs(word, file);
	/* behind "tag=" the value follows at once */
	if (is_whole && word[strlen(word) - 1] != '=')
		fputc(' ', file);
	(void)fclose(file);
	el_deletestr(el, typed);
	return el_insertstr(el, quoted) < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char complete_line(EditLine *el, char *const *words, size_t n, struct ctl *ctl)
{
	struct matches matches = { .n = 0 };
	size_t typed = strlen(words[n - 1]);

	ctl_complete_each(ctl, words, n, collect_match, &matches);
	if (!matches.n)
		return CC_REFRESH_BEEP;
	if (matches.n == 1)
		return insert_word(el, (int)typed, matches.common, true);
	if (strlen(matches.common) > typed && !strchr(matches.common, ' '))
		return insert_word(el, (int)typed, matches.common, false);
	fputc('\n', ctl->out);
	matches = (struct matches){ .list = ctl->out };
	ctl_complete_each(ctl, words, n, collect_match, &matches);
	fputc('\n', ctl->out);
	fflush(ctl->out);
	return CC_REDISPLAY;
}

/* Whether the last word was typed as it is meant, without quotes. */
static bool is_plain(const char *line, const char *word)
{
	size_t len = strlen(line), word_len = strlen(word);

	return len >= word_len && !strcmp(line + len - word_len, word) &&
	       (len == word_len || strchr(" \t", line[len - word_len - 1]));
}

static unsigned char editor_complete(EditLine *el, int key)
{
	const LineInfo *info = el_line(el);
	size_t len = (size_t)(info->cursor - info->buffer);
	struct editor *editor = NULL;
	char why[POLICY_WHY_LEN];
	struct ctl_words words;
	unsigned char ret;
	_cleanup_free_ char *line = NULL;

	(void)key;
	el_get(el, EL_CLIENTDATA, &editor);
	line = strndup(info->buffer, len);
	/* Inside quotes there is nothing to offer. */
	if (!line || ctl_words_split(line, &words, why) < 0)
		return CC_REFRESH_BEEP;
	if (!words.n || (len && strchr(" \t", line[len - 1]))) {
		static char empty[] = "";

		if (words.n == CTL_MAX_WORDS) {
			ctl_words_clear(&words);
			return CC_REFRESH_BEEP;
		}
		words.list[words.n++] = empty;
	}
	ret = is_plain(line, words.list[words.n - 1]) ?
	      complete_line(el, words.list, words.n, editor->ctl) : CC_REFRESH_BEEP;
	ctl_words_clear(&words);
	return ret;
}

static int editor_open(struct editor *editor, struct ctl *ctl, FILE *in)
{
	HistEvent event;

	*editor = (struct editor){ .ctl = ctl };
	editor->el = el_init(CTL_PROGRAM, in, ctl->out, ctl->err);
	editor->history = history_init();
	if (!editor->el || !editor->history)
		return -ENOMEM;
	history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	el_set(editor->el, EL_CLIENTDATA, editor);
	el_set(editor->el, EL_SIGNAL, 1);
	el_set(editor->el, EL_EDITOR, "emacs");
	el_set(editor->el, EL_PROMPT, editor_prompt);
	el_set(editor->el, EL_HIST, history, editor->history);
	/* the narrow form of this one call leaks copies of its strings */
	el_wset(editor->el, EL_ADDFN, L"ipsecctl-complete", L"complete the word", editor_complete);
	el_set(editor->el, EL_BIND, "^I", "ipsecctl-complete", NULL);
	el_source(editor->el, NULL);
	return 0;
}

static void editor_close(struct editor *editor)
{
	if (editor->history)
		history_end(editor->history);
	if (editor->el)
		el_end(editor->el);
}

/* What was read last decides the exit code of a prompt, as in a shell. */
static enum ctl_exit run_editor(struct ctl *ctl, FILE *in)
{
	enum ctl_exit ret = CTL_EXIT_OK;
	struct editor editor;
	const char *line;
	HistEvent event;
	int len;

	if (editor_open(&editor, ctl, in) < 0) {
		editor_close(&editor);
		return ctl_error(ctl, CTL_ERROR_NOT_ENOUGH_MEMORY, "out of memory");
	}
	while (!ctl->is_done && (line = el_gets(editor.el, &len)) && len > 0) {
		if (!ctl_line_is_comment(line) && !strstr(line, "psk="))
			history(editor.history, &event, H_ENTER, line);
		ret = ctl_run_line(ctl, line);
		fflush(ctl->out);
	}
	if (!ctl->is_done)
		fputc('\n', ctl->out);
	editor_close(&editor);
	return ctl_store_flush(ctl) ?: ret;
}

static enum ctl_exit run_lines(struct ctl *ctl, FILE *in)
{
	enum ctl_exit first = CTL_EXIT_OK;
	char *line = NULL;
	size_t size = 0;

	while (!ctl->is_done && getline(&line, &size, in) >= 0) {
		enum ctl_exit ret;

		ctl->line++;
		ret = ctl_run_line(ctl, line);
		if (!first)
			first = ctl_store_take_failure(ctl) ?: ret;
		fflush(ctl->out);
		wipe(line, size);
	}
	free(line);
	(void)ctl_store_flush(ctl);
	if (!first)
		first = ctl_store_take_failure(ctl);
	if (ferror(in))
		return ctl_error(ctl, CTL_ERROR_GENERAL, "cannot read the commands: %s",
				 strerror(errno));
	return first;
}

enum ctl_exit ctl_interactive(struct ctl *ctl)
{
	if (isatty(fileno(ctl->in)))
		return run_editor(ctl, ctl->in);
	ctl->script = "standard input";
	return run_lines(ctl, ctl->in);
}

/* Nobody waits for the answer to a single line of a script, so that changes can be collected. */
static enum ctl_exit run_script(struct ctl *ctl, const char *name, FILE *in)
{
	enum ctl_exit ret = ctl_store_set_batch(ctl, true);

	ctl->script = name;
	return ret ?: run_lines(ctl, in);
}

enum ctl_exit ctl_run_file(struct ctl *ctl, const char *path)
{
	_cleanup_fclose_ FILE *file = NULL;

	if (!strcmp(path, "-"))
		return run_script(ctl, "standard input", ctl->in);
	file = fopen(path, "re");
	if (!file)
		return ctl_error(ctl, CTL_ERROR_GENERAL, "cannot open %s: %s", path,
				 strerror(errno));
	return run_script(ctl, path, file);
}
