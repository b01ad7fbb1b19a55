/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DRY_RUN_H
#define AGENT_DRY_RUN_H

#include <systemd/sd-bus.h>

#include "agent/layers.h"

struct agent;
struct agent_change;
struct fault;
struct ruleset;

/*
 * A dry run is of a connection of the control socket: what it asks for from then on is checked like any
 * other call, up to the driver's own verdict, and not done. There is no way back but a new connection.
 *
 * The changes of the dynamic context add up, for that connection alone, so that a whole script can be
 * tried. Example, of "ipsecctl --dry-run -f script":
 *
 *   BeginDryRun
 *   AddMmPolicy m      a copy of the context, with m; would the driver take it? then the copy is kept
 *   AddQmPolicy q      the same with q
 *   AddRule m q        finds both; GetDryRun: 1 filter more
 *   (end)              the copy is forgotten
 *
 * Lists go on to tell what is in force. Calls that cannot be tried are refused.
 */
struct dry_run {
	struct dry_run *next;
	struct dry_run **place;			/* NULL: its bus has gone */
	sd_bus *connection;
	struct ruleset *dynamic;		/* the context as it would be; NULL: as it is */
	struct layers_difference difference;	/* from what is in force */
};

/* Those of a bus. A dry run ends with its connection, or with its last call that waits. */
struct dry_runs {
	struct dry_run *first;
};

/* 0 or -errno; nothing if it is one already. */
int dry_run_begin(struct dry_runs *runs, sd_bus *connection);
/* That of the call @m, or NULL: the call is meant. */
struct dry_run *dry_run_find(const struct dry_runs *runs, sd_bus_message *m);
/* The bus goes before its connections. */
void dry_runs_done(struct dry_runs *runs);

/* Instead of agent_commit(): takes @candidate, of the dynamic layer, over. */
int dry_run_commit(struct dry_run *run, struct agent *agent, struct ruleset *candidate,
		   struct fault *fault);
/* Instead of agent_commit_layers(), but for the candidates, which stay the caller's. */
int dry_run_try(struct dry_run *run, struct agent *agent, const struct agent_change *change,
		struct fault *fault);

#endif /* AGENT_DRY_RUN_H */
