// SPDX-License-Identifier: MIT
#include "agent/process.h"

#include <time.h>
#include <unistd.h>

#include "agent/events.h"

static uint64_t now_usec(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void process_came(struct process *process, pid_t pid)
{
	process->is_up = true;
	process->pid = pid;
	process->since = now_usec();
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
		.name = name, .is_up = true, .pid = getpid(), .since = now_usec(),
	};
}

uint32_t process_seconds(const struct process *process)
{
	return process->is_up ? (uint32_t)((now_usec() - process->since) / 1000000) : 0;
}
