/* SPDX-License-Identifier: MIT */
/* The SSH connection by which whoever runs the program came: a policy could cut it. */
#ifndef CTL_SSH_H
#define CTL_SSH_H

#include "store/finding.h"

/* "10.0.0.2 40000 10.0.0.1 22", as sshd writes it: remote, then local. 0 or -EINVAL. */
int ctl_ssh_parse(const char *text, struct store_check_context *ret_context);

/*
 * SSH_CONNECTION of this process, or of the nearest process that it descends from: sudo takes it out of
 * the environment. NULL if there is none; the caller frees it.
 */
char *ctl_ssh_find(void);

#endif /* CTL_SSH_H */
