/* SPDX-License-Identifier: MIT */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include <systemd/sd-bus.h>

struct agent;

#define STATUS_SIGNATURE	"a{sv}aa{sv}aa{sv}a{st}"
#define STATUS_FAILURES_MAX	5

/*
 * GetStatus: how all is, in one answer: the sums, the layers, the last failures, drops by reason
 * (empty when the driver does not answer). 0 or -errno of sd-bus.
 */
int status_append(sd_bus_message *m, struct agent *agent);

#endif /* AGENT_STATUS_H */
