/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BUS_SAS_H
#define AGENT_BUS_SAS_H

#include <systemd/sd-bus.h>

/*
 * The calls about associations and their counters. They wait for ipsec-ike. Handlers of bus.c's table:
 * userdata is a struct bus.
 */
int bus_sas_list_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_sas_list_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_sas_delete(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_sas_statistics(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);

#endif /* AGENT_BUS_SAS_H */
