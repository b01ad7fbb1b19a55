/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BUS_DYNAMIC_H
#define AGENT_BUS_DYNAMIC_H

#include <systemd/sd-bus.h>

/*
 * The calls that change the dynamic context, netsh's: policies and rules that live until the service
 * stops. Handlers of bus.c's table: userdata is a struct bus.
 */
int bus_dynamic_add_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_set_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_delete_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_add_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_set_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_delete_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_add_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_set_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_delete_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_dynamic_delete_all(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);

#endif /* AGENT_BUS_DYNAMIC_H */
