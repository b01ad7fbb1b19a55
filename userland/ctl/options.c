// SPDX-License-Identifier: MIT
/* The program's options, and where the command is to be run. */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "ctl/complete.h"
#include "ctl/ctl.h"
#include "ctl/dry_run.h"
#include "ctl/remote.h"

#ifndef IPD_VERSION
#define IPD_VERSION "0.1"
#endif

struct request {
	const char *file;		/* -f, or NULL */
	const char *run_dir;		/* as they were given, for another host */
	const char *state_dir;
	char **words;
	size_t n;
};

static void print_usage(FILE *file)
{
	fprintf(file,
		"Usage: %s [OPTION ...] [-f FILE | COMMAND ...]\n"
		"\n"
		"  --run-dir DIR    directory of the policy agent's socket (default %s,\n"
		"                   or $%s)\n"
		"  --state-dir DIR  directory of the policy stores, for when the agent does not run\n"
		"                   (default %s)\n"
		"  --json           answer in JSON\n"
		"  --dry-run        check changes and print them, but make none\n"
		"  -f FILE          run the commands in FILE, - is standard input\n"
		"  -H [USER@]HOST   run the command on another host, by ssh\n"
		"  --version        print the version\n"
		"  -h, --help       print this; COMMAND ? prints the help of a command\n"
		"\n"
		"Without a command, or with the name of a context, commands are read from\n"
		"standard input.\n\n",
		CTL_PROGRAM, CTL_RUN_DIR, CTL_RUN_DIR_ENV, CTL_STATE_DIR);
}

/* These may stand anywhere, other options only before the command. */
static int take_switches(struct ctl *ctl, int argc, char **argv)
{
	int to = 1;

	for (int from = 1; from < argc; from++) {
		if (!strcmp(argv[from], "--json"))
			ctl->json = true;
		else if (!strcmp(argv[from], "--dry-run"))
			ctl->is_dry_run = true;
		else
			argv[to++] = argv[from];
	}
	argv[to] = NULL;
	return to;
}

enum option_value {
	OPTION_RUN_DIR = 256,
	OPTION_STATE_DIR,
	OPTION_VERSION,
	OPTION_COMPLETE,
};

static const struct option options[] = {
	{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "complete", no_argument, NULL, OPTION_COMPLETE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static enum ctl_exit option_error(struct ctl *ctl, const char *option)
{
	fprintf(ctl->err, "%s: option %s is unknown or lacks its value\nHelp: %s --help\n",
		CTL_PROGRAM, option, CTL_PROGRAM);
	return CTL_EXIT_USAGE;
}

static enum ctl_exit run_here(struct ctl *ctl, const struct request *request)
{
	enum ctl_exit ret;

	ret = request->file ? ctl_run_file(ctl, request->file) :
			      ctl_run_words(ctl, request->words, request->n);
	/* Nothing said yet but in which context the commands are to be read. */
	if (!request->file && ret == CTL_EXIT_OK && (!request->n || *ctl->context) && !ctl->is_done)
		ret = ctl_interactive(ctl);
	ctl_dry_run_tell_driver(ctl);
	return ret;
}

/* The options that mean something there; a file is one of ours. */
static enum ctl_exit run_there(struct ctl *ctl, const struct request *request)
{
	char run_dir[] = "--run-dir", state_dir[] = "--state-dir", json[] = "--json",
	     dry_run[] = "--dry-run", file[] = "-f", input[] = "-";
	char *words[CTL_MAX_WORDS + 8];
	bool is_own = request->file && strcmp(request->file, "-") != 0;
	size_t n = 0;

	if (request->run_dir) {
		words[n++] = run_dir;
		words[n++] = (char *)request->run_dir;
	}
	if (request->state_dir) {
		words[n++] = state_dir;
		words[n++] = (char *)request->state_dir;
	}
	if (ctl->json)
		words[n++] = json;
	if (ctl->is_dry_run)
		words[n++] = dry_run;
	if (request->file) {
		words[n++] = file;
		words[n++] = input;
	}
	for (size_t i = 0; i < request->n; i++)
		words[n++] = request->words[i];
	return ctl_remote_run(ctl, ctl->host, CTL_PROGRAM, words, n,
			      is_own ? request->file : NULL,
			      !request->file && isatty(fileno(ctl->in)) && isatty(fileno(ctl->out)));
}

static enum ctl_exit run_request(struct ctl *ctl, struct request *request)
{
	const char *host = request->n ? ctl_remote_host(request->words[0]) : NULL;

	if (host) {
		if (ctl->host)
			return ctl_usage_error(ctl, "", "-H and \\\\%s exclude each other", host);
		ctl->host = host;
		request->words++;
		request->n--;
	}
	if (request->n > CTL_MAX_WORDS)
		return ctl_usage_error(ctl, "", "more than %d words", CTL_MAX_WORDS);
	if (request->file && request->n)
		return ctl_usage_error(ctl, "", "-f FILE and a command exclude each other");
	return ctl->host ? run_there(ctl, request) : run_here(ctl, request);
}

enum ctl_exit ctl_main(struct ctl *ctl, int argc, char **argv)
{
	struct request request = { .file = NULL };
	int c;

	argc = take_switches(ctl, argc, argv);
	optind = 0;	/* GNU: starts over, for a second run in one process */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+hf:H:", options, NULL)) >= 0) {
		switch (c) {
		case OPTION_RUN_DIR:
			ctl->run_dir = request.run_dir = optarg;
			break;
		case OPTION_STATE_DIR:
			ctl->state_dir = request.state_dir = optarg;
			break;
		case 'f':
			request.file = optarg;
			break;
		case 'H':
			ctl->host = optarg;
			break;
		case OPTION_VERSION:
			fprintf(ctl->out, "%s (ipsec-policy) %s\n", CTL_PROGRAM, IPD_VERSION);
			return CTL_EXIT_OK;
		case OPTION_COMPLETE:
			ctl_complete(ctl, argv + optind, (size_t)(argc - optind));
			return CTL_EXIT_OK;
		case 'h':
			print_usage(ctl->out);
			ctl_help(ctl, "");
			return CTL_EXIT_OK;
		default:
			if (!strcmp(argv[optind - 1], "-?"))
				return ctl_help(ctl, ""), CTL_EXIT_OK;
			return option_error(ctl, argv[optind - 1]);
		}
	}
	request.words = argv + optind;
	request.n = (size_t)(argc - optind);
	return run_request(ctl, &request);
}
