/* SPDX-License-Identifier: MIT */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <systemd/sd-event.h>

#include "agent/addresses.h"
#include "agent/config.h"
#include "agent/cred.h"
#include "agent/ike.h"
#include "agent/layers.h"
#include "agent/negotiate.h"
#include "agent/oakley.h"
#include "agent/process.h"
#include "agent/resolve.h"
#include "agent/ruleset.h"
#include "agent/servers.h"
#include "agent/settings.h"
#include "nl/kernel.h"

struct boot;
struct bus;
struct fault;
struct status_line;
struct stores;

/*
 * The policy agent: what the parts of this folder are put together to. One event loop, one thread
 * (the resolver's helper aside).
 *
 * A change goes: copy of a layer's rules -> change -> filters of all layers -> dynamic.state staged
 * -> driver. Only when the driver has it is the copy the truth; until then nothing has happened, and
 * after a refusal nothing has.
 *
 * Start: what dynamic.state says (a crashed agent's policy) is expanded and committed with the
 * driver's own filter ids, so that its associations live on; then the driver is set to secure
 * mode; then the sockets open. Stop: permit mode, no filters, no associations, no dynamic.state.
 * Restart: no associations, no dynamic.state, but the mode and filters stay until the next agent
 * replaces them in one step. A crash does nothing: the driver protects on; and to be replaced by another
 * version is, to the driver, a crash.
 */
struct agent {
	sd_event *event;
	struct process process;		/* itself */
	char *run_dir;
	char *state_path;
	struct kernel *kernel;
	struct addresses *addresses;
	struct servers servers;
	char *servers_root;
	struct resolver *resolver;
	struct settings *settings;
	struct config *config;
	struct ruleset *rulesets[RULESET_LAYER_COUNT];	/* NULL: none; the dynamic one always is */
	struct layers *layers;		/* of them, and in the driver; NULL: nothing yet */
	struct layers *adopted;		/* until then: what the driver has */
	struct boot *boot;
	struct stores *stores;
	char *state_dir;
	char *runs_path;		/* dynamic.db: what ipseccmd has made */
	char *runs_fault;		/* why that is not in force; NULL: it is */
	struct negotiate *negotiate;
	struct ike *ike;
	struct oakley *oakley;
	struct cred *cred;
	struct bus *bus;
	sd_event_source *kernel_source;
	sd_event_source *diag_source;
	sd_event_source *servers_timer;
	sd_event_source *report_timer;
	struct status_line *status;
	sd_event_source *watch_timer;
	uint64_t slept_usec;		/* by this host, when it was looked at last */
	int mode;			/* that the driver was set to; -1: none */
	bool exports_keys;
	bool is_reported;		/* the last change has been logged */
	bool needs_refresh;		/* the last one failed */
	char *tunnels_told;		/* what was last said of tunnels that cannot be */
	char *losses_told;		/* of rules that a lower layer overrules */
	int lock_fd;			/* of the run directory */
};

struct agent_config {
	const char *run_dir;
	const char *state_dir;
	const char *settings_path;	/* agent.conf; NULL: none */
	struct kernel *kernel;		/* taken over, also on failure */
	struct addresses *addresses;	/* taken over; NULL: the host's */
	resolver_lookup_fn lookup;	/* NULL: the system's */
	const char *servers_root;	/* NULL: "" */
	const char *boot_socket;	/* NULL: the driver's start is not this agent's concern */
	bool exports_keys;		/* debug: RUNDIR/keylog */
};

#define AGENT_WHY_LEN 768

/*
 * Everything up to answering calls. -errno with a sentence in @why; the driver is as it was then.
 */
int agent_new(sd_event *event, const struct agent_config *config, struct agent **ret_agent,
	      char why[static AGENT_WHY_LEN]);
/* Leaves the driver as it is: a crash, as far as anybody can tell. */
struct agent *agent_free(struct agent *agent);
DEFINE_CLEANUP(struct agent *, agent_free);
/* What an administrator means by stopping the service; agent_free() follows. */
void agent_stop(struct agent *agent);
/* By restarting it: what is forgotten by a stop is, but nothing passes that policy does not let pass. */
void agent_leave(struct agent *agent);

/* A change of one or more layers, in one step. */
struct agent_change {
	uint32_t which;			/* 1 << layer */
	struct ruleset *candidates[RULESET_LAYER_COUNT];	/* of these; NULL takes the layer away */
	/*
	 * May be NULL. Makes the change last, when the driver has agreed. If it cannot, the driver
	 * gets back what it had.
	 */
	int (*publish)(void *userdata, struct fault *fault);
	void *userdata;
};

/*
 * Puts the candidates in force and takes them over, whether it succeeds or not. 0 when the driver
 * has them and they are published; else -errno with *fault, and all is as it was.
 */
int agent_commit_layers(struct agent *agent, const struct agent_change *change,
			struct fault *fault);
/*
 * A dry run of it: all that agent_commit_layers() does up to the point from which there is a change, with
 * the driver's own verdict. The candidates stay the caller's. 0, or -errno with *fault.
 */
int agent_try_layers(struct agent *agent, const struct agent_change *change,
		     struct layers_difference *ret_difference, struct fault *fault);
/* agent_commit_layers() for one layer that is there, without publishing. */
int agent_commit(struct agent *agent, struct ruleset *candidate, struct fault *fault);
/*
 * The filters that there would be with @candidate (borrowed; may be NULL) as a layer. 0, or -errno
 * with *fault: it could not be put in force.
 */
int agent_build_layer(struct agent *agent, enum ruleset_layer layer, struct ruleset *candidate,
		      struct layers **ret_layers, struct fault *fault);
/* "persistent local dynamic": the layers that there are. */
#define AGENT_LAYERS_LEN 64
const char *agent_layers_text(const struct agent *agent, char buf[static AGENT_LAYERS_LEN]);
size_t agent_count_rules(const struct agent *agent);
/* Expands anew what is in force: names or servers have other addresses. */
void agent_refresh(struct agent *agent);
/* ipsec-cred gets the keys of what is in force. */
void agent_set_credentials(struct agent *agent);
/*
 * The driver's operational mode: secure, or block while a store that should be in force has never
 * been since the service started. 0, or -errno and kernel->why.
 */
int agent_set_mode(struct agent *agent);
int agent_set_diagnostics(struct agent *agent);	/* the same */
/*
 * Sets a property, for good. Switching strongcrypto on is refused while policy in force offers
 * broken algorithms, and during a try, which must be able to go back to what was before.
 */
int agent_set_config(struct agent *agent, const char *name, const char *value,
		     struct fault *fault);
/* A dry run of it. */
int agent_try_config(const struct agent *agent, const char *name, const char *value,
		     struct fault *fault);
/* Config properties that can take effect now do. */
int agent_apply_config(struct agent *agent, struct fault *fault);

/* The first DNS name of @rule whose addresses are not known, or NULL. */
const char *agent_find_unknown_name(const struct agent *agent, const struct policy_rule *rule);

#endif /* AGENT_AGENT_H */
