/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PROCESS_H
#define AGENT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A process that the agent works with, and itself: since when there is a link to it. Its coming and
 * going is an event of the log.
 */
struct process {
	const char *name;
	bool is_up;
	pid_t pid;
	uint64_t since;			/* clock_usec() */
};

void process_came(struct process *process, pid_t pid);
void process_went(struct process *process);
/* Without an event: this one, which has events of its own. */
struct process process_self(const char *name);
/* How long it has been there; 0 while it is not. */
uint32_t process_seconds(const struct process *process);

#endif /* AGENT_PROCESS_H */
