/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EXPLAIN_STORED_H
#define AGENT_EXPLAIN_STORED_H

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "policy/record.h"

struct agent;
struct fault;
struct stores_slot;

/*
 * What would happen to a packet if a policy of a store were assigned: in memory it takes the place
 * of its layer, everything else stays, and the search is the driver's (nl/search.h). The driver
 * itself is only asked what comes before filters: loopback, exemptions, the packet's interface.
 * Nothing is negotiated there yet, so what has to be protected would wait.
 *
 * The rule of another layer is shown to administrators only (@shows_all). Appends a{sv} as
 * explain_append(). 0, -errno of sd-bus, or another -errno with *fault: there is no such policy, or
 * it could not be put in force.
 */
int explain_stored_append(sd_bus_message *m, struct agent *agent, struct stores_slot *slot,
			  const char *policy, const struct policy_flow_info *flow, bool shows_all,
			  struct fault *fault);

#endif /* AGENT_EXPLAIN_STORED_H */
