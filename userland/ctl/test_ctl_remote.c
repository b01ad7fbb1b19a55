// SPDX-License-Identifier: MIT
/*
 * Commands for other hosts. The ssh of this test is a script that runs what it was given in a shell,
 * as the other side would, where "ipsecctl" is a script that writes its words down, one to a line.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/remote.h"

static char dir[64];
static char out_path[96], ssh_path[96], ctl_path[96], script_path[96];

static const char ssh_text[] =
	"#!/bin/sh\n"
	"printf 'ssh' >>\"$OUT\"\n"
	"while [ $# -gt 1 ]; do printf ' %s' \"$1\" >>\"$OUT\"; shift; done\n"
	"printf '\\n' >>\"$OUT\"\n"
	"[ -z \"$SSH_STATUS\" ] || exit \"$SSH_STATUS\"\n"
	"exec sh -c \"$1\"\n";

static const char ctl_text[] =
	"#!/bin/sh\n"
	"for word; do printf '[%s]\\n' \"$word\" >>\"$OUT\"; done\n"
	"case \" $* \" in *' -f - '*) cat >>\"$OUT\" ;; esac\n"
	"exit 3\n";

static void write_file(char *path, const char *name, const char *text)
{
	FILE *file;

	snprintf(path, 96, "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static char *read_file(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

/* Runs a command line; what went over, and the exit code, are as wanted. */
#define assert_run(code, wanted, ...)							\
	do {										\
		char *words_[] = { (char *)CTL_PROGRAM, __VA_ARGS__, NULL };		\
		assert_command(words_, code, wanted);					\
	} while (0)

static void assert_command(char **words, enum ctl_exit code, const char *wanted)
{
	_cleanup_free_ char *err_text = NULL, *text = NULL;
	enum ctl_exit ret;
	struct ctl ctl;
	size_t len;
	FILE *err = open_memstream(&err_text, &len);
	int argc = 0;

	while (words[argc])
		argc++;
	(void)unlink(out_path);
	ctl_init(&ctl, stdout, err);
	ctl.in = fopen("/dev/null", "re");
	ret = ctl_main(&ctl, argc, words);
	ctl_exit(&ctl);
	(void)fclose(ctl.in);
	(void)fclose(err);
	text = read_file(out_path);
	if (ret != code || strcmp(text, wanted) != 0)
		fail_msg("exit code %d, error \"%s\", went over:\n%s", ret, err_text, text);
}

static void quoting(void **state)
{
	(void)state;
	assert_run(3, "ssh -- fw\n[static]\n[show]\n[all]\n", "-H", "fw", "static", "show", "all");
	assert_run(3, "ssh -- admin@fw.example\n[--json]\n[static]\n[show]\n[all]\n", "-H",
		   "admin@fw.example", "static", "show", "all", "--json");
	/* every character of the shell, and none of them means anything */
	assert_run(3, "ssh -- fw\n[static]\n[add]\n[policy]\n[name=Andy's `id` $(id) $HOME;\"x\"\\ * &|<>(){}!#~]\n[]\n",
		   "-H", "fw", "static", "add", "policy",
		   "name=Andy's `id` $(id) $HOME;\"x\"\\ * &|<>(){}!#~", "");
	assert_run(3, "ssh -- fw\n['']\n[''' a]\n[new\nline]\n", "-H", "fw", "''", "''' a", "new\nline");
}

static void options(void **state)
{
	(void)state;
	assert_run(3, "ssh -- fw\n[--run-dir]\n[/run/other]\n[--state-dir]\n[/var/other]\n[--dry-run]\n"
		      "[static]\n[delete]\n[all]\n", "--run-dir", "/run/other", "-H", "fw",
		   "--state-dir", "/var/other", "--dry-run", "static", "delete", "all");
	assert_run(3, "ssh -- fw\n[status]\n", "\\\\fw", "status");
	assert_run(3, "ssh -- fw\n[--json]\n[status]\n", "--json", "\\fw", "status");
	assert_run(3, "ssh -- 2001:db8::1\n", "-H", "2001:db8::1");
	assert_run(3, "ssh -- fw\n[-f]\n[-]\nstatic show all\n# psk=\"x\"\n", "-H", "fw", "-f",
		   script_path);
	assert_run(3, "ssh -- fw\n[-f]\n[-]\n", "-H", "fw", "-f", "-");
}

static void refused(void **state)
{
	(void)state;
	/* what ssh, or a shell, could take for something else */
	assert_run(CTL_EXIT_USAGE, "", "-H", "-oProxyCommand=id", "status");
	assert_run(CTL_EXIT_USAGE, "", "-H", "a@-oProxyCommand=id", "status");
	assert_run(CTL_EXIT_USAGE, "", "-H", "", "status");
	assert_run(CTL_EXIT_USAGE, "", "-H", "a b", "status");
	assert_run(CTL_EXIT_USAGE, "", "-H", "a;id", "status");
	assert_run(CTL_EXIT_USAGE, "", "\\\\", "status");
	assert_run(CTL_EXIT_USAGE, "", "-H", "a", "\\\\b", "status");
	assert_run(CTL_EXIT_USAGE, "", "-H", "a", "-f", "x", "status");
	assert_run(CTL_EXIT_FAILED, "", "-H", "a", "-f", "/nonexistent/script");
}

/* ssh fails with 255, for whatever reason; its own words are on standard error. */
static void failures(void **state)
{
	char path[256];

	(void)state;
	setenv("SSH_STATUS", "255", 1);
	assert_run(CTL_EXIT_FAILED, "ssh -- fw\n", "-H", "fw", "status");
	/* its shell finds no program, or may not start it */
	setenv("SSH_STATUS", "127", 1);
	assert_run(CTL_EXIT_FAILED, "ssh -- fw\n", "-H", "fw", "status");
	setenv("SSH_STATUS", "126", 1);
	assert_run(CTL_EXIT_FAILED, "ssh -- fw\n", "-H", "fw", "status");
	unsetenv("SSH_STATUS");
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", "/nonexistent", 1);
	assert_run(CTL_EXIT_FAILED, "", "-H", "fw", "status");
	setenv("PATH", path, 1);
}

static int set_up(void **state)
{
	char path[4096];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ctl-remote-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(out_path, sizeof(out_path), "%s/out", dir);
	write_file(ssh_path, "ssh", ssh_text);
	write_file(ctl_path, CTL_PROGRAM, ctl_text);
	write_file(script_path, "script", "static show all\n# psk=\"x\"\n");
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", dir);
	setenv("PATH", path, 1);
	setenv("OUT", out_path, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(out_path);
	return unlink(ssh_path) || unlink(ctl_path) || unlink(script_path) || rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "words go to another host as they are", quoting, NULL, NULL, NULL },
		{ "options and scripts go along", options, NULL, NULL, NULL },
		{ "hosts that are none", refused, NULL, NULL, NULL },
		{ "ssh that fails", failures, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("remote", tests, set_up, tear_down);
}
