/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BUS_H
#define AGENT_BUS_H

struct agent;
struct bus_requests;
struct dry_run;
struct sd_bus_message;

/*
 * The control socket, RUNDIR/control: Documentation/bus.rst over sd-bus, peer to peer. Everybody may
 * connect to it. Root (or whoever the agent runs as) may do everything; who has a right to a store
 * may make the calls about stores (caller.h); anybody else does not get as far as a call.
 */
struct bus;

#define BUS_CONNECTIONS_MAX	64
#define BUS_GUESTS_MAX		16	/* of them by others than administrators */

int bus_new(struct agent *agent, struct bus **ret_bus);
struct agent *bus_agent(const struct bus *bus);
/* The calls that wait, see bus_request.h. */
struct bus_requests *bus_requests(struct bus *bus);
/* The dry run that the call @m is part of, or NULL: it is meant. */
struct dry_run *bus_dry_run(const struct bus *bus, struct sd_bus_message *m);
/* Calls that wait are not answered. NULL is allowed; returns NULL. */
struct bus *bus_free(struct bus *bus);

#endif /* AGENT_BUS_H */
