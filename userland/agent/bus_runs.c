// SPDX-License-Identifier: MIT
#include "agent/bus_runs.h"

#include <errno.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/bus.h"
#include "agent/dry_run.h"
#include "agent/events.h"
#include "agent/reply.h"
#include "agent/runs.h"
#include "agent/runs_store.h"
#include "policy/bus.h"
#include "policy/fault.h"
#include "policy/runs.h"

/* ipseccmd's layer and ipsecpol's */
#define RUNS_LAYERS (1U << RULESET_LAYER_IPSECCMD | 1U << RULESET_LAYER_IPSECPOL)
#define FLAGS_KNOWN (POLICY_RUNS_VOLATILE | POLICY_RUNS_REPLACE)

static enum ruleset_layer layer_of(uint32_t flags)
{
	return flags & POLICY_RUNS_VOLATILE ? RULESET_LAYER_IPSECPOL : RULESET_LAYER_IPSECCMD;
}

/* What the layer is to be before the runs are added. */
static struct ruleset *begin(const struct agent *agent, uint32_t flags)
{
	const struct ruleset *ruleset = agent->rulesets[layer_of(flags)];

	return ruleset && !(flags & POLICY_RUNS_REPLACE) ? ruleset_copy(ruleset) :
							   ruleset_new(layer_of(flags));
}

struct publication {
	const char *path;
	const struct ruleset *ruleset;
};

/* Of ipseccmd's layer: the file, once the driver has agreed. */
static int publish(void *userdata, struct fault *fault)
{
	const struct publication *publication = userdata;

	return runs_store_save(publication->path, publication->ruleset, fault);
}

/* A file that could not be read is not written over; so this one is good, and the layer is in force. */
static void end_fault(struct agent *agent)
{
	if (!agent->runs_fault)
		return;
	free(agent->runs_fault);
	agent->runs_fault = NULL;
	if (agent_set_mode(agent))
		event_serious("the driver cannot be set to its mode: %s", agent->kernel->why);
}

/* A change that may be one of the layer that is kept. */
static int commit_change(struct agent *agent, struct agent_change *change, struct fault *fault)
{
	struct publication publication = {
		agent->runs_path, change->candidates[RULESET_LAYER_IPSECCMD],
	};
	bool is_kept = change->which & 1U << RULESET_LAYER_IPSECCMD;
	int r = publication.ruleset ? boot_prepare_policy(agent, fault) : 0;

	if (r) {
		ruleset_free(change->candidates[RULESET_LAYER_IPSECCMD]);
		ruleset_free(change->candidates[RULESET_LAYER_IPSECPOL]);
		return r;
	}
	if (is_kept) {
		change->publish = publish;
		change->userdata = &publication;
	}
	r = agent_commit_layers(agent, change, fault);
	if (!r && is_kept)
		end_fault(agent);
	if (is_kept)
		boot_update(agent);
	return r;
}

/*
 * What the file holds is not in force, so adding to the layer would leave only what is new in both.
 * Replacing says that the rest may go.
 */
static int check_kept(const struct agent *agent, const struct ruleset *candidate, uint32_t flags,
		      struct fault *fault)
{
	if (!agent->runs_fault || candidate->layer != RULESET_LAYER_IPSECCMD ||
	    (flags & POLICY_RUNS_REPLACE) || access(agent->runs_path, F_OK))
		return 0;
	return fault_failed(fault, "what ipseccmd has made before cannot be put in force (%s), and "
			    "would be lost; mend that and restart the agent, or delete it with "
			    "\"ipseccmd -u\", or move %s away", agent->runs_fault,
			    agent->runs_path);
}

/* Takes @candidate over. @dry may be NULL. */
static int commit(struct agent *agent, struct ruleset *candidate, uint32_t flags,
		  struct dry_run *dry, struct fault *fault)
{
	struct agent_change change = { .which = 1U << candidate->layer };
	int r = check_kept(agent, candidate, flags, fault);

	/* What was before is of both. */
	if (flags & POLICY_RUNS_REPLACE)
		change.which = RUNS_LAYERS;
	change.candidates[candidate->layer] = candidate;
	if (!r && !dry)
		return commit_change(agent, &change, fault);
	if (!r)
		r = dry_run_try(dry, agent, &change, fault);
	ruleset_free(candidate);
	return r;
}

/* ipseccmd has resolved them: in dynamic mode the first address is the one that counts. */
static int refuse_names(const struct policy_runs *runs, struct fault *fault)
{
	for (size_t i = 0; i < runs->n_rules; i++) {
		const struct policy_rule *rule = runs->rules[i];

		if (rule->source.kind == POLICY_ADDRESS_NAME ||
		    rule->destination.kind == POLICY_ADDRESS_NAME ||
		    rule->tunnel_destination.kind == POLICY_ADDRESS_NAME)
			return fault_invalid(fault, "a rule of ipseccmd has addresses and no DNS names");
	}
	return 0;
}

static int add(struct agent *agent, struct policy_runs *runs, uint32_t flags, struct dry_run *dry,
	       struct fault *fault)
{
	struct ruleset *candidate;
	int r = refuse_names(runs, fault);

	if (r)
		return r;
	candidate = begin(agent, flags);
	if (!candidate)
		return fault_no_memory(fault);
	r = runs_add(candidate, runs, fault);
	if (r) {
		ruleset_free(candidate);
		return r;
	}
	return commit(agent, candidate, flags, dry, fault);
}

int bus_runs_add(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct policy_runs runs = { .n_mms = 0 };
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	uint32_t flags;
	int r;

	(void)ret_error;
	(void)sd_bus_message_sensitive(m);
	r = sd_bus_message_read(m, "u", &flags);
	if (r < 0)
		return r;
	if (flags & ~(uint32_t)FLAGS_KNOWN)
		return reply_invalid(m, -EINVAL, "a flag is unknown; install the same version of all "
				     "programs");
	r = policy_bus_read_runs(m, &runs, why);
	if (r < 0)
		return reply_invalid(m, r, why);
	r = add(bus_agent(userdata), &runs, flags, bus_dry_run(userdata, m), &fault);
	policy_runs_clear(&runs);
	return reply_change(m, r, &fault);
}

int bus_runs_delete(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct agent_change change = { .which = RUNS_LAYERS };
	struct dry_run *dry = bus_dry_run(userdata, m);
	struct agent *agent = bus_agent(userdata);
	struct fault fault = { 0 };

	(void)ret_error;
	return reply_change(m, dry ? dry_run_try(dry, agent, &change, &fault) :
				     commit_change(agent, &change, &fault), &fault);
}
