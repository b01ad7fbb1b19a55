// SPDX-License-Identifier: MIT
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/ssh.h"

/* The other name has another grammar; to take a command for something else is worse. */
static bool is_ipseccmd(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strcmp(slash ? slash + 1 : program, "ipseccmd");
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *connection = NULL;
	struct ctl ctl;
	enum ctl_exit ret;

	if (argc > 0 && is_ipseccmd(argv[0])) {
		fputs("ipseccmd: this version does not have the grammar of ipseccmd; use ipsecctl\n"
		      "Help: ipsecctl --help\n", stderr);
		return CTL_EXIT_USAGE;
	}
	setlocale(LC_ALL, "");
	ctl_init(&ctl, stdout, stderr);
	connection = ctl_ssh_find();
	ctl.ssh_connection = connection;
	ret = ctl_main(&ctl, argc, argv);
	ctl_exit(&ctl);
	/* An answer that nobody got is no success. */
	if (fflush(stdout) != 0 && ret == CTL_EXIT_OK)
		ret = CTL_EXIT_FAILED;
	return ret;
}
