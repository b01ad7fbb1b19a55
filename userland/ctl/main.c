// SPDX-License-Identifier: MIT
#include <locale.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "ctl/ctl.h"
#include "ctl/ssh.h"
#include "ipseccmd/session.h"

/* One program, two grammars: the name that it is called by says which. */
static enum ctl_exit run(struct ctl *ctl, int argc, char **argv)
{
	struct session session;

	if (argc < 1 || !session_is_meant(argv[0]))
		return ctl_main(ctl, argc, argv);
	session_init(&session, ctl, argv[0]);
	return session_main(&session, argc, argv);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *connection = NULL;
	struct ctl ctl;
	enum ctl_exit ret;

	setlocale(LC_ALL, "");
	ctl_init(&ctl, stdout, stderr);
	connection = ctl_ssh_find();
	ctl.ssh_connection = connection;
	ret = run(&ctl, argc, argv);
	ctl_exit(&ctl);
	/* An answer that nobody got is no success. */
	if (fflush(stdout) != 0 && ret == CTL_EXIT_OK)
		ret = CTL_EXIT_FAILED;
	return ret;
}
