/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EXPLAIN_H
#define AGENT_EXPLAIN_H

#include <systemd/sd-bus.h>

#include "nl/kernel.h"
#include "policy/record.h"

struct agent;
struct fault;
struct layer_filter;
struct layers;

/*
 * What happens to a packet, and why: the driver judges it, and what the agent knows of filter,
 * rule and negotiation is added. Appends a{sv}. 0, -errno of sd-bus, or -EIO or -EINVAL with
 * *fault.
 */
int explain_append(sd_bus_message *m, struct agent *agent, const struct policy_flow_info *flow,
		   struct fault *fault);

/* For explain_stored.c. The packet that was asked about: 0, or -EINVAL with *fault. */
int explain_read_flow(const struct policy_flow_info *info, struct kernel_flow *ret_flow,
		      struct fault *fault);
/* It is @filter's (of @layers), which nothing is negotiated for: see layers_find_mm_of(). */
bool explain_has_no_mm(const struct layers *layers, const struct agent *agent,
		       const struct layer_filter *filter, const struct kernel_flow *flow,
		       const struct kernel_match *match);
/* Reason and text of a verdict. */
void explain_fill_reason(const struct kernel_match *match, struct policy_explanation_info *info);

#endif /* AGENT_EXPLAIN_H */
