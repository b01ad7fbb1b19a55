// SPDX-License-Identifier: MIT
#include <locale.h>
#include <stdio.h>

#include "ctl/ctl.h"

int main(int argc, char **argv)
{
	struct ctl ctl;
	enum ctl_exit ret;

	setlocale(LC_ALL, "");
	ctl_init(&ctl, stdout, stderr);
	ret = ctl_main(&ctl, argc, argv);
	ctl_exit(&ctl);
	/* An answer that nobody got is no success. */
	if (fflush(stdout) != 0 && ret == CTL_EXIT_OK)
		ret = CTL_EXIT_FAILED;
	return ret;
}
