/* SPDX-License-Identifier: MIT */
/*
 * Many command lines in one shot. A batch file is text: a command on each line, with or without the
 * program's name, comments as in a script of ipsecctl. Every line is read and checked before
 * anything is done, and all dynamic policy is one change of the agent's.
 */
#ifndef IPSECCMD_BATCH_H
#define IPSECCMD_BATCH_H

#include "ipseccmd/session.h"

/* "-file" of @run. */
enum ctl_exit batch_run(struct session *session, const struct run *run);

/* One run that changes policy: a batch of one. */
enum ctl_exit batch_apply(struct session *session, struct run *run);

#endif /* IPSECCMD_BATCH_H */
