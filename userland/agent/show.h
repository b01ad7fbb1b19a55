/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SHOW_H
#define AGENT_SHOW_H

#include <systemd/sd-bus.h>

#include "ike/engine.h"

struct agent;
struct fault;

/*
 * The answers of the lists, appended to a reply: an array of dictionaries each. 0, or -errno of
 * sd-bus, or -EIO with *fault when the driver does not answer.
 */
int show_mm_policies(sd_bus_message *m, const struct agent *agent);
int show_qm_policies(sd_bus_message *m, const struct agent *agent);
int show_rules(sd_bus_message *m, const struct agent *agent);
int show_mm_sas(sd_bus_message *m, struct agent *agent, const struct ike_mm_info *items, size_t n);
/* @items: what ipsec-ike knows of them, or none; the rest is the driver's. */
int show_qm_sas(sd_bus_message *m, struct agent *agent, const struct ike_qm_info *items, size_t n,
		struct fault *fault);

#endif /* AGENT_SHOW_H */
