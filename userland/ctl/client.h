/* SPDX-License-Identifier: MIT */
/*
 * Calls to the agent. Every function here reports what went wrong by itself, so that a command only
 * hands the exit code on.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stddef.h>

#include <systemd/sd-bus.h>

#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "policy/record.h"

struct fault;

/* Connects when needed, quietly. False only if nobody listens on its socket. */
bool ctl_agent_runs(struct ctl *ctl);

/* The number that ctl_error() prints for a refusal of the agent, or of a store. */
unsigned int ctl_fault_number(const struct fault *fault);

/* A call of the agent's interface; connects when needed. The caller unrefs *ret_message. */
enum ctl_exit ctl_call_new(struct ctl *ctl, const char *method, sd_bus_message **ret_message);

/* Sends it and waits for the answer, which the caller unrefs; @ret_reply may be NULL. */
enum ctl_exit ctl_call_send(struct ctl *ctl, sd_bus_message *message, sd_bus_message **ret_reply);

/* Both, for a call with one string argument, or none when @argument is NULL. */
enum ctl_exit ctl_call(struct ctl *ctl, const char *method, const char *argument,
		       sd_bus_message **ret_reply);

/* After a failure to build or to read a message: says so. @why may be NULL. */
enum ctl_exit ctl_message_error(struct ctl *ctl, int err, const char *why);

/*
 * Calls a List method (with the argument, if it is not NULL) and reads the rows that it answers
 * with. Release *ret_rows with ctl_rows_free().
 */
enum ctl_exit ctl_list_records(struct ctl *ctl, const char *method, const char *argument,
			       const struct policy_record *record, void **ret_rows, size_t *ret_n);
/* The same of an array in an answer; and a dictionary of numbers, whose keys point into it. */
enum ctl_exit ctl_read_records(struct ctl *ctl, sd_bus_message *reply,
			       const struct policy_record *record, void **ret_rows, size_t *ret_n);
enum ctl_exit ctl_read_counters(struct ctl *ctl, sd_bus_message *reply,
				struct ctl_counters *ret_counters);
void ctl_rows_free(const struct policy_record *record, void *rows, size_t n);

/* The names of what a List method answers with, quietly, for completion: calls @each. */
void ctl_list_names(struct ctl *ctl, const char *method, void (*each)(void *data, const char *name),
		    void *data);

#endif /* CTL_CLIENT_H */
