/* SPDX-License-Identifier: MIT */
/* Static mode: what runs change in a store, through the agent or, without it, in the file. */
#ifndef IPSECCMD_STATIC_H
#define IPSECCMD_STATIC_H

#include "ipseccmd/session.h"
#include "ipseccmd/static_plan.h"

/* The static changes of one command or of one batch. */
struct static_changes {
	struct static_plan plan;	/* its content is read when the first run comes */
};

void static_clear_changes(struct static_changes *changes);

/* Adds a run. A refusal has been reported; warnings are the caller's to tell. */
enum ctl_exit static_collect(struct session *session, struct static_changes *changes,
			     struct run *run);

/* All or none of them. */
enum ctl_exit static_apply(struct session *session, struct static_changes *changes);

#endif /* IPSECCMD_STATIC_H */
