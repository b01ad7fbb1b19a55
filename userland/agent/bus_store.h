/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BUS_STORE_H
#define AGENT_BUS_STORE_H

#include <systemd/sd-bus.h>

/*
 * The calls about stores, as handlers of bus.c's table: userdata is a struct bus. These are the
 * calls that others than administrators may make, so each looks at the caller's rights to the store
 * by itself (caller.h).
 */
int bus_store_apply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_store_read(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_store_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_store_explain(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_try_begin(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_try_confirm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);
int bus_try_end(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);

#endif /* AGENT_BUS_STORE_H */
