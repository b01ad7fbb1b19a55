// SPDX-License-Identifier: MIT
#include "ipseccmd/batch.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/words.h"
#include "ipseccmd/dynamic.h"
#include "ipseccmd/flags.h"
#include "ipseccmd/static.h"

#define LINES_MAX	100000

struct batch {
	struct session *session;
	struct dynamic_changes dynamic;
	struct static_changes stored;
	bool has_dynamic;
	bool has_static;
	enum ctl_exit ret;		/* the first refusal's */
};

/* Two changes that can fail apart would not be one shot. */
static enum ctl_exit refuse_mixture(struct batch *batch, enum run_mode mode)
{
	batch->has_static = batch->has_static || mode == RUN_STATIC;
	batch->has_dynamic = batch->has_dynamic || mode != RUN_STATIC;
	if (!batch->has_static || !batch->has_dynamic)
		return CTL_EXIT_OK;
	return session_refuse(batch->session, "a batch changes dynamic policy or a store, and not both: "
			      "make two files, lines with -w and those without");
}

static enum ctl_exit collect_run(struct batch *batch, struct run *run)
{
	struct session *session = batch->session;
	enum run_mode mode = run_mode(run);
	enum ctl_exit ret;

	switch (mode) {
	case RUN_DYNAMIC:
	case RUN_WIPE:
		ret = refuse_mixture(batch, mode);
		return ret ?: dynamic_collect(session, &batch->dynamic, run);
	case RUN_STATIC:
		ret = refuse_mixture(batch, mode);
		return ret ?: static_collect(session, &batch->stored, run);
	case RUN_QUERY:
	case RUN_BATCH:
	case RUN_HELP:
		break;
	}
	return session_refuse(session, "a line of a batch file changes policy; show, -file and -? are "
			      "commands by themselves");
}

static void collect(struct batch *batch, struct run *run)
{
	enum ctl_exit ret = collect_run(batch, run);

	session_warn(batch->session, run);
	batch->ret = batch->ret ?: ret;
}

static enum ctl_exit apply(struct batch *batch)
{
	enum ctl_exit ret = batch->ret;

	if (!ret)
		ret = dynamic_apply(batch->session, &batch->dynamic);
	if (!ret)
		ret = static_apply(batch->session, &batch->stored);
	dynamic_clear_changes(&batch->dynamic);
	static_clear_changes(&batch->stored);
	return ret;
}

enum ctl_exit batch_apply(struct session *session, struct run *run)
{
	struct batch batch = { .session = session };

	collect(&batch, run);
	return apply(&batch);
}

/* --- files -------------------------------------------------------------------------------- */

/* Lines may have the program's name or not: the original's documentation does not say. */
static size_t skip_program(char *const *words, size_t n)
{
	return n && session_is_meant(words[0]);
}

static enum ctl_exit read_line(struct batch *batch, const char *line)
{
	_cleanup_(run_freep) struct run *run = NULL;
	struct session *session = batch->session;
	char why[RUN_WHY_LEN];
	struct ctl_words words;
	size_t first;
	int err;

	if (ctl_line_is_comment(line))
		return CTL_EXIT_OK;
	if (ctl_words_split(line, &words, why) < 0)
		return session_refuse(session, "%s", why);
	first = skip_program(words.list, words.n);
	err = flags_parse(words.list + first, words.n - first, &run, why);
	ctl_words_clear(&words);
	if (err)
		return session_refuse(session, "%s", why);
	if (run->machine)
		return session_refuse(session, "\\\\%s: a batch is for one machine; say which before -file",
				      run->machine);
	collect(batch, run);
	return CTL_EXIT_OK;
}

static void read_lines(struct batch *batch, FILE *file)
{
	unsigned int *number = &batch->session->ctl->line;
	char *line = NULL;
	size_t size = 0;

	for (*number = 1; getline(&line, &size, file) >= 0; ++*number) {
		enum ctl_exit ret = read_line(batch, line);

		batch->ret = batch->ret ?: ret;
		if (*number == LINES_MAX) {
			ret = session_refuse(batch->session, "more than %d lines", LINES_MAX);
			batch->ret = batch->ret ?: ret;
			break;
		}
	}
	wipe_free(line, size);
}

enum ctl_exit batch_run(struct session *session, const struct run *run)
{
	bool is_stdin = !strcmp(run->file, "-");
	_cleanup_fclose_ FILE *opened = is_stdin ? NULL : fopen(run->file, "re");
	struct batch batch = { .session = session };
	struct ctl *ctl = session->ctl;

	if (!is_stdin && !opened)
		return session_refuse(session, "-file %s: %s", run->file, strerror(errno));
	ctl->script = is_stdin ? "stdin" : run->file;
	read_lines(&batch, is_stdin ? ctl->in : opened);
	ctl->script = NULL;
	if (batch.ret)
		fprintf(ctl->err, "%s: nothing was changed: all lines of a batch are done, or none\n",
			session->program);
	return apply(&batch);
}
