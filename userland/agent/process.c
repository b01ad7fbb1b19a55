// SPDX-License-Identifier: MIT
#include "agent/process.h"

#include <unistd.h>

#include "agent/events.h"
#include "base/clock.h"

void process_came(struct process *process, pid_t pid)
{
	process->is_up = true;
	process->pid = pid;
	process->since = clock_usec();
	event_process(process->name, true);
}

void process_went(struct process *process)
{
	process->is_up = false;
	event_process(process->name, false);
}

struct process process_self(const char *name)
{
	return (struct process){
		.name = name, .is_up = true, .pid = getpid(), .since = clock_usec(),
	};
}

uint32_t process_seconds(const struct process *process)
{
	return process->is_up ? (uint32_t)((clock_usec() - process->since) / 1000000) : 0;
}
