/* SPDX-License-Identifier: MIT */
/* Dynamic mode: what runs add to the policy in force, and its end. */
#ifndef IPSECCMD_DYNAMIC_H
#define IPSECCMD_DYNAMIC_H

#include "ipseccmd/session.h"

/* The dynamic changes of one command or of one batch. */
struct dynamic_changes {
	struct plan plan;
	bool wipes;			/* what was there goes first */
	bool asks;			/* -confirm */
};

void dynamic_clear_changes(struct dynamic_changes *changes);

/* Adds a run, or forgets all before it (-u). A refusal has been reported. */
enum ctl_exit dynamic_collect(struct session *session, struct dynamic_changes *changes,
			      const struct run *run);

/* One call, or none if there is nothing to do. */
enum ctl_exit dynamic_apply(struct session *session, struct dynamic_changes *changes);

#endif /* IPSECCMD_DYNAMIC_H */
