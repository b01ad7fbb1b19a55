/* SPDX-License-Identifier: MIT */
/* One start of the program as ipseccmd or ipsecpol. */
#ifndef IPSECCMD_SESSION_H
#define IPSECCMD_SESSION_H

#include <stdbool.h>

#include "ctl/ctl.h"
#include "ipseccmd/plan.h"

struct session {
	struct ctl *ctl;
	const char *program;		/* "ipseccmd" or "ipsecpol", for messages */
	bool is_volatile;		/* dynamic policy ends with the agent: ipsecpol, --volatile */
	const char *run_dir;		/* as they were given, for another machine; or NULL */
	const char *state_dir;
	struct plan_world world;	/* the resolver's but in tests */
};

/* argv[0] is of the program under one of its other names: ipseccmd, ipsecpol, with .exe, too. */
bool session_is_meant(const char *program);

/* @program is argv[0]. */
void session_init(struct session *session, struct ctl *ctl, const char *program);

/* A whole command line with its options; argv[0] is the program. */
enum ctl_exit session_main(struct session *session, int argc, char **argv);

/*
 * A refusal before anything was done: "ipseccmd: sentence", with the place in a batch file, if any,
 * and where help is. Returns CTL_EXIT_USAGE.
 */
__attribute__((format(printf, 2, 3)))
enum ctl_exit session_refuse(struct session *session, const char *format, ...);
/* What was understood, but perhaps not as meant. */
void session_warn(struct session *session, const struct run *run);

/* Asks until there is an answer; no answer is no. */
bool session_confirms(struct session *session, const char *question);

#endif /* IPSECCMD_SESSION_H */
