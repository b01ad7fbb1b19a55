/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EXPLAIN_H
#define AGENT_EXPLAIN_H

#include <systemd/sd-bus.h>

#include "policy/record.h"

struct agent;
struct fault;

/*
 * What happens to a packet, and why: the driver judges it, and what the agent knows of filter,
 * rule and negotiation is added. Appends a{sv}. 0, -errno of sd-bus, or -EIO or -EINVAL with
 * *fault.
 */
int explain_append(sd_bus_message *m, struct agent *agent, const struct policy_flow_info *flow,
		   struct fault *fault);

#endif /* AGENT_EXPLAIN_H */
