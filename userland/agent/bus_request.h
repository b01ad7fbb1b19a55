/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BUS_REQUEST_H
#define AGENT_BUS_REQUEST_H

#include <systemd/sd-bus.h>

#include "base/addr.h"

struct agent;
struct bus;
struct bus_request;
struct policy_rule;
struct resolver_question;

/* A call of the control socket whose answer has to wait: for a name server, or for ipsec-ike. */
struct bus_request {
	struct bus_request *next;
	struct bus_request **place;
	struct bus *bus;
	sd_bus_message *message;	/* reference */
	/* AddRule: until its names have addresses */
	struct policy_rule *rule;	/* owned */
	struct resolver_question *question;
	/* DeleteSas */
	unsigned int n_pending;
	struct ip_addr remote;
};

/* Those of a bus. */
struct bus_requests {
	struct bus_request *first;
	size_t n;
};

#define BUS_REQUESTS_MAX	256	/* at a time, of all connections */

/* NULL: too many wait, or there is no memory; @m is not answered then. */
struct bus_request *bus_request_new(struct bus *bus, sd_bus_message *m);
/* Its message is not answered here. NULL is allowed; returns NULL. */
struct bus_request *bus_request_free(struct bus_request *request);

#endif /* AGENT_BUS_REQUEST_H */
