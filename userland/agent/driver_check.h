/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DRIVER_CHECK_H
#define AGENT_DRIVER_CHECK_H

#include <systemd/sd-bus.h>

struct agent;
struct fault;

/*
 * The driver's filters beside those that the agent has put there: who else has the right to can change
 * them, and the agent is not told. Appends aa{sv} of policy_driver_difference_record; nothing is
 * different in an empty one. 0, -errno of sd-bus, or another -errno with *fault.
 */
int driver_check_append(sd_bus_message *m, struct agent *agent, struct fault *fault);

#endif /* AGENT_DRIVER_CHECK_H */
