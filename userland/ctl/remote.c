// SPDX-License-Identifier: MIT
#include "ctl/remote.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/client.h"

/* What ssh itself fails with, and a shell that does not find a program or may not start it. */
#define SSH_FAILED	255
#define SHELL_NOT_FOUND	127
#define SHELL_NOT_RUN	126

extern char **environ;

const char *ctl_remote_host(const char *word)
{
	/* what a shell leaves of two, if they are not quoted */
	if (word[0] != '\\')
		return NULL;
	return word + (word[1] == '\\' ? 2 : 1);
}

/* [user@]host as ssh takes it; nothing that it could take for an option. */
static bool is_host(const char *host)
{
	if (!*host || *host == '-' || strstr(host, "@-"))
		return false;
	for (; *host; host++)
		if (!isgraph((unsigned char)*host) || strchr("'\"\\$`!*?;&|<>(){}", *host))
			return false;
	return true;
}

/* Quotes end for a quote in the word, which a backslash protects. */
static void print_word(FILE *file, const char *word)
{
	fputs(" '", file);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (char[]){ *word, '\0' }, file);
	fputc('\'', file);
}

/* The command line for the shell of the other side; NULL without memory. It may have a secret. */
static char *command_line(const char *program, char *const *words, size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	fputs(program, file);
	for (size_t i = 0; i < n; i++)
		print_word(file, words[i]);
	return fclose(file) ? NULL : text;
}

static int spawn(char *const *argv, const char *input, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int err;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGQUIT);
	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (err) {
		posix_spawn_file_actions_destroy(&actions);
		return -err;
	}
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	if (input)
		err = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0);
	if (!err)
		err = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Its status; an interrupt from the terminal is for it, as for any program that a shell waits for. */
static int run(char *const *argv, const char *input, int *ret_status)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old_int, old_quit;
	int err, status = 0;
	pid_t pid = -1;

	sigaction(SIGINT, &ignore, &old_int);
	sigaction(SIGQUIT, &ignore, &old_quit);
	err = spawn(argv, input, &pid);
	while (!err && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err = -errno;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	if (!err)
		*ret_status = status;
	return err;
}

/* What the other side ended with, unless it did not get so far. */
static enum ctl_exit judge(struct ctl *ctl, const char *host, const char *program, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) == SSH_FAILED)
		return ctl_error(ctl, CTL_ERROR_GENERAL, "the command did not come to its end on %s; "
				 "ssh says why", host);
	if (WEXITSTATUS(status) == SHELL_NOT_FOUND || WEXITSTATUS(status) == SHELL_NOT_RUN)
		return ctl_error(ctl, CTL_ERROR_FILE_NOT_FOUND, "%s is not there on %s; install "
				 "ipsec-policy on that host, or put it into the PATH that its sshd gives",
				 program, host);
	return (enum ctl_exit)WEXITSTATUS(status);
}

enum ctl_exit ctl_remote_run(struct ctl *ctl, const char *host, const char *program,
			     char *const *words, size_t n, const char *input, bool has_terminal)
{
	char ssh[] = "ssh", tty[] = "-t", end[] = "--", *argv[6] = { ssh }, *line;
	size_t at = 1;
	int err, status = 0;

	if (!is_host(host))
		return ctl_usage_error(ctl, "", "\"%.64s\" is not a host; expected [user@]host", host);
	line = command_line(program, words, n);
	if (!line)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	if (has_terminal)
		argv[at++] = tty;
	argv[at++] = end;
	argv[at++] = (char *)host;
	argv[at++] = line;
	fflush(ctl->out);
	err = run(argv, input, &status);
	wipe_free(line, strlen(line));
	if (err)
		return ctl_error(ctl, CTL_ERROR_GENERAL, "cannot run ssh for %s: %s%s", host,
				 strerror(-err), err == -ENOENT ? "; install an ssh client" : "");
	return judge(ctl, host, program, status);
}
