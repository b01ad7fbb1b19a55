// SPDX-License-Identifier: MIT
#include "ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <systemd/sd-bus.h>

#include "base/addr.h"
#include "ctl/columns.h"
#include "ctl/complete.h"
#include "ctl/words.h"

#ifndef IPD_VERSION
#define IPD_VERSION "0.1"
#endif

static int host_name(const struct ip_addr *addr, char *buf, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = (socklen_t)ip_addr_to_sockaddr(addr, 0, 0, &sa);

	return getnameinfo((struct sockaddr *)&sa, sa_len, buf, (socklen_t)len, NULL, 0,
			   NI_NAMEREQD) ? -ENOENT : 0;
}

void ctl_init(struct ctl *ctl, FILE *out, FILE *err)
{
	const char *run_dir = getenv(CTL_RUN_DIR_ENV);

	*ctl = (struct ctl){
		.run_dir = run_dir && *run_dir ? run_dir : CTL_RUN_DIR,
		.in = stdin,
		.out = out,
		.err = err,
		.host_name = host_name,
	};
}

void ctl_exit(struct ctl *ctl)
{
	ctl->bus = sd_bus_flush_close_unref(ctl->bus);
}

static void print_where(struct ctl *ctl)
{
	if (ctl->script)
		fprintf(ctl->err, "%s:%u: ", ctl->script, ctl->line);
}

enum ctl_exit ctl_usage_error(struct ctl *ctl, const char *path, const char *format, ...)
{
	va_list ap;

	print_where(ctl);
	fprintf(ctl->err, "%s: %s%s", CTL_PROGRAM, path, *path ? ": " : "");
	va_start(ap, format);
	vfprintf(ctl->err, format, ap);
	va_end(ap);
	fprintf(ctl->err, "\nHelp: %s%s%s ?\n", CTL_PROGRAM, *path ? " " : "", path);
	return CTL_EXIT_USAGE;
}

enum ctl_exit ctl_error(struct ctl *ctl, unsigned int number, const char *format, ...)
{
	va_list ap;

	print_where(ctl);
	fprintf(ctl->err, "ERR IPsec[%05u] : ", number);
	va_start(ap, format);
	vfprintf(ctl->err, format, ap);
	va_end(ap);
	fputc('\n', ctl->err);
	return CTL_EXIT_FAILED;
}

static bool is_help_word(const char *word)
{
	return !strcmp(word, "?") || !strcmp(word, "/?") || !strcmp(word, "-?") ||
	       !strcmp(word, "-h") || !strcmp(word, "--help") || !strcasecmp(word, "help");
}

/* Words that every context knows. */
static bool run_common_word(struct ctl *ctl, char *const *words, size_t n)
{
	static const char *const quit[] = { "exit", "quit", "bye" };

	for (size_t i = 0; i < sizeof(quit) / sizeof(quit[0]); i++) {
		if (n == 1 && !strcasecmp(words[0], quit[i])) {
			ctl->is_done = true;
			return true;
		}
	}
	if (n == 1 && !strcmp(words[0], "..")) {
		char *last = strrchr(ctl->context, ' ');

		*(last ? last : ctl->context) = '\0';
		return true;
	}
	return false;
}

static enum ctl_exit run_command(struct ctl *ctl, const struct ctl_command *command, char **words,
				 size_t n)
{
	char why[POLICY_WHY_LEN];
	struct ctl_args args;
	enum ctl_exit ret;

	if (n && is_help_word(words[n - 1])) {
		ctl_help(ctl, command->path);
		return CTL_EXIT_OK;
	}
	if (ctl_parse_args(command, words, n, &args, why) < 0)
		return ctl_usage_error(ctl, command->path, "%s", why);
	ret = command->run(ctl, &args);
	ctl_finish_json(ctl);
	return ret;
}

/* A context is entered by its name alone; a group such as "add" makes no sense without more. */
static enum ctl_exit run_group(struct ctl *ctl, const char *path, char *const *words, size_t n)
{
	if (n && is_help_word(words[0])) {
		ctl_help(ctl, path);
		return CTL_EXIT_OK;
	}
	if (!strchr(path, ' ')) {
		snprintf(ctl->context, sizeof(ctl->context), "%s", path);
		return CTL_EXIT_OK;
	}
	return ctl_usage_error(ctl, path, "the command is not complete");
}

/* Looks the words up in @context, and from the root when the first one is not known there. */
static int resolve(const char *context, char path[static CTL_PATH_LEN], char *const *words,
		   size_t n, char *why)
{
	char root_path[CTL_PATH_LEN] = "", root_why[POLICY_WHY_LEN];
	int taken;

	snprintf(path, CTL_PATH_LEN, "%s", context);
	taken = ctl_resolve(path, words, n, why);
	if (taken >= 0 || strcmp(path, context) != 0)
		return taken;
	taken = ctl_resolve(root_path, words, n, root_why);
	if (taken < 0 && !*root_path)
		return taken;
	memcpy(path, root_path, sizeof(root_path));
	memcpy(why, root_why, sizeof(root_why));
	return taken;
}

/* Up to the first word that asks for help. */
static size_t count_until_help(char *const *words, size_t n)
{
	size_t i = 0;

	while (i < n && !is_help_word(words[i]))
		i++;
	return i;
}

static enum ctl_exit run_in(struct ctl *ctl, const char *context, char **words, size_t n)
{
	char path[CTL_PATH_LEN], why[POLICY_WHY_LEN];
	const struct ctl_command *command;
	int taken;

	if (is_help_word(words[0])) {
		/* "help dynamic add" is "dynamic add help" */
		taken = resolve(context, path, words + 1, n - 1, why);
		if (taken < 0)
			return ctl_usage_error(ctl, path, "%s", why);
		ctl_help(ctl, path);
		return CTL_EXIT_OK;
	}
	taken = resolve(context, path, words, count_until_help(words, n), why);
	if (taken < 0)
		return ctl_usage_error(ctl, path, "%s", why);
	command = ctl_command_find(path);
	if (command)
		return run_command(ctl, command, words + taken, n - (size_t)taken);
	return run_group(ctl, path, words + taken, n - (size_t)taken);
}

enum ctl_exit ctl_run_words(struct ctl *ctl, char **words, size_t n)
{
	const char *context = ctl->context;

	/* "netsh ipsec dynamic ..." of existing scripts */
	if (n && !strcasecmp(words[0], "netsh")) {
		context = "";
		words++;
		n--;
	}
	if (n && !strcasecmp(words[0], "ipsec")) {
		context = "";
		words++;
		n--;
	}
	if (!n) {
		ctl->context[0] = *context ? ctl->context[0] : '\0';
		return CTL_EXIT_OK;
	}
	return run_common_word(ctl, words, n) ? CTL_EXIT_OK : run_in(ctl, context, words, n);
}

enum ctl_exit ctl_run_line(struct ctl *ctl, const char *line)
{
	char why[POLICY_WHY_LEN];
	struct ctl_words words;
	enum ctl_exit ret;

	if (ctl_line_is_comment(line))
		return CTL_EXIT_OK;
	if (ctl_words_split(line, &words, why) < 0)
		return ctl_usage_error(ctl, ctl->context, "%s", why);
	ret = ctl_run_words(ctl, words.list, words.n);
	ctl_words_clear(&words);
	return ret;
}

static void print_usage(FILE *file)
{
	fprintf(file,
		"Usage: %s [--run-dir DIR] [--json] [-f FILE | COMMAND ...]\n"
		"\n"
		"  --run-dir DIR  directory of the policy agent's socket (default %s,\n"
		"                 or $%s)\n"
		"  --json         answer in JSON\n"
		"  -f FILE        run the commands in FILE, - is standard input\n"
		"  --version      print the version\n"
		"  -h, --help     print this; COMMAND ? prints the help of a command\n"
		"\n"
		"Without a command, or with the name of a context, commands are read from\n"
		"standard input.\n\n",
		CTL_PROGRAM, CTL_RUN_DIR, CTL_RUN_DIR_ENV);
}

/* --json may stand anywhere, other options only before the command. */
static int take_json(struct ctl *ctl, int argc, char **argv)
{
	int to = 1;

	for (int from = 1; from < argc; from++) {
		if (!strcmp(argv[from], "--json"))
			ctl->json = true;
		else
			argv[to++] = argv[from];
	}
	argv[to] = NULL;
	return to;
}

enum option_value {
	OPTION_RUN_DIR = 256,
	OPTION_VERSION,
	OPTION_COMPLETE,
};

static const struct option options[] = {
	{ "run-dir", required_argument, NULL, OPTION_RUN_DIR },
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

static enum ctl_exit run_rest(struct ctl *ctl, const char *file, char **words, size_t n)
{
	enum ctl_exit ret;

	if (n > CTL_MAX_WORDS)
		return ctl_usage_error(ctl, "", "more than %d words", CTL_MAX_WORDS);
	if (file && n)
		return ctl_usage_error(ctl, "", "-f FILE and a command exclude each other");
	if (file)
		return ctl_run_file(ctl, file);
	ret = ctl_run_words(ctl, words, n);
	/* Nothing said yet but in which context the commands are to be read. */
	if (ret == CTL_EXIT_OK && (!n || *ctl->context) && !ctl->is_done)
		return ctl_interactive(ctl);
	return ret;
}

enum ctl_exit ctl_main(struct ctl *ctl, int argc, char **argv)
{
	const char *file = NULL;
	int c;

	argc = take_json(ctl, argc, argv);
	optind = 0;	/* GNU: starts over, for a second run in one process */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+hf:", options, NULL)) >= 0) {
		switch (c) {
		case OPTION_RUN_DIR:
			ctl->run_dir = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case OPTION_VERSION:
			fprintf(ctl->out, "%s (ipsec-policy) %s\n", CTL_PROGRAM,
				IPD_VERSION);
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
	return run_rest(ctl, file, argv + optind, (size_t)(argc - optind));
}
