/* SPDX-License-Identifier: MIT */
#ifndef AGENT_STATS_H
#define AGENT_STATS_H

#include <systemd/sd-bus.h>

#include "ike/engine.h"

struct agent;
struct fault;
struct kernel_statistics;

/*
 * GetStatistics: a{st} of IKE (empty when @ike is NULL: ipsec-ike is not there), a{st} of the
 * driver, a{st} of drops by reason. 0, -errno of sd-bus, or -EIO with *fault.
 */
int stats_append(sd_bus_message *m, struct agent *agent, const struct ike_stats *ike,
		 struct fault *fault);
/* The last of these: a{st}. */
int stats_append_drops(sd_bus_message *m, const struct kernel_statistics *statistics);

#endif /* AGENT_STATS_H */
