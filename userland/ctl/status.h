/* SPDX-License-Identifier: MIT */
/*
 * How all is, as "status" shows it: what the agent says, or without an agent what the driver does
 * by itself; and what somebody has to see to.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "policy/record.h"

struct sd_bus_message;

#define STATUS_ATTENTIONS_MAX 16

struct status {
	bool has_agent;
	bool has_driver;		/* it was asked, by whomever, and answered */
	struct policy_status_info info;
	struct policy_layer_info *layers;
	size_t n_layers;
	struct policy_failure_info *failures;
	size_t n_failures;
	struct ctl_counters drops;	/* keys point into @reply, or are constants */
	struct sd_bus_message *reply;
	char *attentions[STATUS_ATTENTIONS_MAX];	/* sentences: what is wrong, and what to do */
	size_t n_attentions;
};

/* All of it; failure is reported. The caller calls status_done(), whatever it returns. */
enum ctl_exit status_read(struct ctl *ctl, struct status *status);
void status_done(struct status *status);

/* What is wrong in @status; @why: the driver's sentence when it did not answer. */
void status_find_attentions(struct status *status, const char *why);

enum ctl_exit status_print(struct ctl *ctl, const struct status *status);
enum ctl_exit status_print_json(struct ctl *ctl, const struct status *status);

#endif /* CTL_STATUS_H */
