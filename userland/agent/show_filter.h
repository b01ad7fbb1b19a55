/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SHOW_FILTER_H
#define AGENT_SHOW_FILTER_H

#include <systemd/sd-bus.h>

#include "base/addr.h"

struct agent;
struct fault;

/*
 * The answers of the lists of filters, as those of show.h. A generic filter is a rule's as it was
 * written, a specific one is what the driver has.
 */
int show_mm_filters(sd_bus_message *m, struct agent *agent, bool is_specific, struct fault *fault);
int show_qm_filters(sd_bus_message *m, struct agent *agent, bool is_specific, struct fault *fault);

#define SHOW_ADDRESS_LEN (2 * IP_ADDR_STRLEN)	/* with a mask that has holes */

/* "10.0.0.2", "10.0.0.0/24" */
void show_format_net(const struct ip_addr *addr, uint8_t prefix,
		     char buf[static SHOW_ADDRESS_LEN]);

#endif /* AGENT_SHOW_FILTER_H */
