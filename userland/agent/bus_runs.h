/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BUS_RUNS_H
#define AGENT_BUS_RUNS_H

#include <systemd/sd-bus.h>

/* The calls of ipseccmd's dynamic mode, as handlers of bus.c's table: userdata is a struct bus. */
int bus_runs_add(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_runs_delete(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);

#endif /* AGENT_BUS_RUNS_H */
