// SPDX-License-Identifier: MIT
#include "ctl/ctl.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "base/addr.h"
#include "ctl/columns.h"
#include "ctl/dry_run.h"
#include "ctl/stores.h"
#include "ctl/words.h"
#include "nl/kernel_genl.h"

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
		.is_root = geteuid() == 0,
		.in = stdin,
		.out = out,
		.err = err,
		.host_name = host_name,
		.open_driver = kernel_genl_open,
	};
}

void ctl_exit(struct ctl *ctl)
{
	ctl->stores = ctl_stores_free(ctl->stores);
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

	(void)ctl_store_flush(ctl);
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

	(void)ctl_store_flush(ctl);
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

/* Commands that show have no need to honour --dry-run; of others, only those that say so. */
static bool can_be_tried(const struct ctl_command *command)
{
	return strstr(command->path, " show ") ||
	       command->flags & (CTL_COMMAND_DRY | CTL_COMMAND_STORED | CTL_COMMAND_AGENT);
}

/*
 * Nobody is there to look between two lines of a script: once its choice of a store is refused, what
 * was meant for that store must not be done to another one.
 */
static bool lacks_store(struct ctl *ctl, const struct ctl_command *command)
{
	if (!strcmp(command->path, "static set store")) {
		ctl->has_no_store = ctl->script != NULL;	/* until it has chosen one */
		return false;
	}
	return ctl->has_no_store && !strncmp(command->path, "static ", strlen("static "));
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
	if (lacks_store(ctl, command))
		return ctl_error(ctl, CTL_ERROR_INVALID,
				 "%s: not done, as the store that this script has chosen is not "
				 "there; choose one with \"static set store location=local\"",
				 command->path);
	if (ctl_parse_args(command, words, n, &args, why) < 0)
		return ctl_usage_error(ctl, command->path, "%s", why);
	if (ctl->is_dry_run && !can_be_tried(command))
		return ctl_error(ctl, CTL_ERROR_NOT_SUPPORTED,
				 "%s cannot be tried with --dry-run; nothing was changed",
				 command->path);
	if (!(command->flags & CTL_COMMAND_STORED))
		(void)ctl_store_flush(ctl);
	ret = command->run(ctl, &args);
	if (!ret && ctl->is_dry_run && command->flags & CTL_COMMAND_AGENT)
		ctl_dry_run_tell_command(ctl, &args);
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
