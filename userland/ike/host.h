/* SPDX-License-Identifier: MIT */
#ifndef IKE_HOST_H
#define IKE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "ike/engine.h"
#include "ike/tracer.h"
#include "link/messages.h"

struct pool;
struct status_line;
struct udp;

/*
 * What the engine lives in: sockets, time, and the links to those whom it asks. One loop in one
 * thread; others only compute (pool.h).
 *
 *   UDP ----------> engine ----------> UDP
 *   timer --------> engine --- ops --> agent, cred (ops.c)
 *   agent, cred --> engine             answers and calls (ops.c, calls.c)
 *   pool ---------> engine --- ops --> pool: Diffie-Hellman
 *
 * Answers arrive through the loop, so never while the engine runs.
 */
struct host {
	sd_event *event;
	struct udp *udp;
	struct pool *pool;
	struct ike_engine *engine;
	struct link_client *agent;
	struct link_client *cred;
	struct link_ike_config config;	/* what the agent said last */
	bool is_configured;		/* it has said something; only then do we listen */
	uint64_t instance;
	struct tracer tracer;
	struct status_line *status;
	sd_event_source *timer;
	sd_event_source *idle;
	sd_event_source *post;
	bool is_touched;		/* the engine has done something since it was idle */
};

struct host_options {
	const char *run_dir;
	uint16_t port;			/* 0: 500 */
	uint16_t natt_port;		/* 0: 4500 */
};

/* Sockets and crypto library: what needs files and rights. 0 or -errno. */
int host_open(sd_event *event, const struct host_options *options, struct host **ret_host);
/* Links and threads; as the user that will be seen at their other ends. 0 or -errno. */
int host_start(struct host *host, const char *run_dir);
/* Tells the peers that the main modes are gone. SAs stay; so does what is connected to them. */
void host_say_goodbye(struct host *host);
struct host *host_free(struct host *host);

/* ms of base/clock: main modes do not live longer because the host has slept. */
uint64_t host_now(void);
/* Called after everything that goes into the engine. */
void host_touch(struct host *host);
/* The agent's configuration; the first one also starts UDP. */
int host_configure(struct host *host, const struct link_ike_config *config);

/* ops.c: what the engine asks for; userdata is the host. */
extern const struct ike_ops host_ops;
/* calls.c: what the agent calls; userdata is the host. */
extern const struct link_handler host_handlers[];
extern const size_t host_n_handlers;

#endif
