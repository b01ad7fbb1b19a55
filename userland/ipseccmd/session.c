// SPDX-License-Identifier: MIT
/*
 * From a command line to what is done with it:
 *
 *   words -> run (flags.h) -> query.h, or batch.h and by it dynamic.h or static.h
 *
 * Words that begin with "--" are options of this program and stand anywhere; the original has none.
 */
#include "ipseccmd/session.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/remote.h"
#include "ipseccmd/batch.h"
#include "ipseccmd/dynamic.h"
#include "ipseccmd/flags.h"
#include "ipseccmd/help.h"
#include "ipseccmd/interface.h"
#include "ipseccmd/names.h"
#include "ipseccmd/query.h"

#ifndef IPD_VERSION
#define IPD_VERSION "0.1"
#endif

#define QUESTION_MAX	64		/* bytes of an answer */

static const char *const programs[] = { "ipseccmd", "ipsecpol" };

/* The name that argv[0] ends with, as it is spelled here; NULL if it is none of ours. */
static const char *find_program(const char *program)
{
	const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		size_t len = strlen(programs[i]);

		if (!strncasecmp(name, programs[i], len) &&
		    (!name[len] || !strcasecmp(name + len, ".exe")))
			return programs[i];
	}
	return NULL;
}

bool session_is_meant(const char *program)
{
	return find_program(program) != NULL;
}

void session_init(struct session *session, struct ctl *ctl, const char *program)
{
	*session = (struct session){
		.ctl = ctl,
		.program = find_program(program) ?: programs[0],
		.world.resolve = names_resolve,
		.world.find_interface = interface_find,
	};
	session->is_volatile = session->program == programs[1];
}

enum ctl_exit session_refuse(struct session *session, const char *format, ...)
{
	FILE *err = session->ctl->err;
	va_list ap;

	if (session->ctl->script)
		fprintf(err, "%s:%u: ", session->ctl->script, session->ctl->line);
	fprintf(err, "%s: ", session->program);
	va_start(ap, format);
	vfprintf(err, format, ap);
	va_end(ap);
	fprintf(err, "\nHelp: %s -?\n", session->program);
	return CTL_EXIT_USAGE;
}

void session_warn(struct session *session, const struct run *run)
{
	for (size_t i = 0; i < run->n_warnings; i++) {
		if (session->ctl->script)
			fprintf(session->ctl->err, "%s:%u: ", session->ctl->script,
				session->ctl->line);
		fprintf(session->ctl->err, "%s: warning: %s\n", session->program, run->warnings[i]);
	}
}

bool session_confirms(struct session *session, const char *question)
{
	char answer[QUESTION_MAX];

	for (;;) {
		fprintf(session->ctl->out, "%s (y/n) ", question);
		fflush(session->ctl->out);
		if (!fgets(answer, sizeof(answer), session->ctl->in)) {
			fputc('\n', session->ctl->out);
			return false;
		}
		answer[strcspn(answer, "\r\n")] = '\0';
		if (!strcasecmp(answer, "y") || !strcasecmp(answer, "yes"))
			return true;
		if (!strcasecmp(answer, "n") || !strcasecmp(answer, "no"))
			return false;
	}
}

/* --- options ------------------------------------------------------------------------------ */

enum option_result {
	OPTION_TAKEN,
	OPTION_DONE,			/* there is nothing else to do */
	OPTION_BAD,
};

static enum option_result take_option(struct session *session, const char *option, const char *value,
				      bool *ret_has_value)
{
	struct ctl *ctl = session->ctl;

	*ret_has_value = false;
	if (!strcmp(option, "--json")) {
		ctl->json = true;
	} else if (!strcmp(option, "--dry-run")) {
		ctl->is_dry_run = true;
	} else if (!strcmp(option, "--volatile")) {
		session->is_volatile = true;
	} else if (!strcmp(option, "--persistent")) {
		session->is_volatile = false;
	} else if (!strcmp(option, "--run-dir") && value) {
		ctl->run_dir = session->run_dir = value;
		*ret_has_value = true;
	} else if (!strcmp(option, "--state-dir") && value) {
		ctl->state_dir = session->state_dir = value;
		*ret_has_value = true;
	} else if (!strcmp(option, "--version")) {
		fprintf(ctl->out, "%s (ipsec-policy) %s\n", session->program, IPD_VERSION);
		return OPTION_DONE;
	} else if (!strcmp(option, "--help")) {
		help_print(ctl->out, session->program);
		return OPTION_DONE;
	} else {
		session_refuse(session, "option %.64s is unknown or lacks its value", option);
		return OPTION_BAD;
	}
	return OPTION_TAKEN;
}

/* Takes the options out of @argv; *ret_n words are left behind argv[0]. */
static enum option_result take_options(struct session *session, int argc, char **argv, size_t *ret_n)
{
	int to = 1;

	for (int from = 1; from < argc; from++) {
		enum option_result result;
		bool has_value;

		if (strncmp(argv[from], "--", 2) != 0) {
			argv[to++] = argv[from];
			continue;
		}
		result = take_option(session, argv[from], from + 1 < argc ? argv[from + 1] : NULL,
				     &has_value);
		if (result != OPTION_TAKEN)
			return result;
		from += has_value;
	}
	*ret_n = (size_t)to - 1;
	return OPTION_TAKEN;
}

/* --- runs --------------------------------------------------------------------------------- */

/* The same on another machine. The options are those that mean something there; a file is ours. */
static enum ctl_exit run_there(struct session *session, const struct run *run, char **words,
			       size_t n)
{
	char *arguments[CTL_MAX_WORDS + 16], run_dir[] = "--run-dir", state_dir[] = "--state-dir",
	     json[] = "--json", dry_run[] = "--dry-run", file[] = "-file", input[] = "-",
	     life[] = "--persistent";
	bool is_batch = run_mode(run) == RUN_BATCH;
	struct ctl *ctl = session->ctl;
	size_t to = 0;

	if (n > CTL_MAX_WORDS)
		return session_refuse(session, "more than %d words for another machine; use -file",
				      CTL_MAX_WORDS);
	if (session->is_volatile)
		strcpy(life, "--volatile");
	arguments[to++] = life;
	if (session->run_dir) {
		arguments[to++] = run_dir;
		arguments[to++] = (char *)session->run_dir;
	}
	if (session->state_dir) {
		arguments[to++] = state_dir;
		arguments[to++] = (char *)session->state_dir;
	}
	if (ctl->json)
		arguments[to++] = json;
	if (ctl->is_dry_run)
		arguments[to++] = dry_run;
	if (is_batch) {
		arguments[to++] = file;
		arguments[to++] = input;
	}
	for (size_t i = 0; !is_batch && i < n; i++)
		arguments[to++] = words[i];
	return ctl_remote_run(ctl, run->machine, session->program, arguments, to,
			      is_batch && strcmp(run->file, "-") != 0 ? run->file : NULL,
			      run->given & RUN_GIVEN_CONFIRM && isatty(fileno(ctl->in)));
}

static enum ctl_exit run_here(struct session *session, struct run *run)
{
	switch (run_mode(run)) {
	case RUN_HELP:
		help_print(session->ctl->out, session->program);
		return CTL_EXIT_OK;
	case RUN_QUERY:
		return query_show(session, run);
	case RUN_BATCH:
		return batch_run(session, run);
	case RUN_WIPE:
	case RUN_DYNAMIC:
	case RUN_STATIC:
		break;
	}
	return batch_apply(session, run);
}

enum ctl_exit session_main(struct session *session, int argc, char **argv)
{
	_cleanup_(run_freep) struct run *run = NULL;
	char why[RUN_WHY_LEN];
	size_t n;

	switch (take_options(session, argc, argv, &n)) {
	case OPTION_TAKEN:
		break;
	case OPTION_DONE:
		return CTL_EXIT_OK;
	case OPTION_BAD:
		return CTL_EXIT_USAGE;
	}
	if (flags_parse(argv + 1, n, &run, why) < 0)
		return session_refuse(session, "%s", why);
	return run->machine ? run_there(session, run, argv + 2, n - 1) : run_here(session, run);
}
