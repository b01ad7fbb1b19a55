// SPDX-License-Identifier: MIT
/*
 * What the driver is given when the service starts.
 *
 *   the driver is in secure mode   all of it in one step: an agent has crashed, and what it had put in
 *                                  force must not go for a moment
 *   else                           persistent policy -> the local store's policy -> secure mode
 *
 * The original sets secure mode before it looks for local policy, so that for a moment nothing of it is
 * enforced. Here the mode in which the driver started lasts until all that is on this host is in
 * it; only what would have to come over the network could come later.
 *
 * dynamic.state holds the rules of the dynamic context that a crashed agent had, dynamic.db those
 * that ipseccmd has made; they come with the first step. Filters that are the driver's already keep
 * their ids, and so their associations.
 *
 * Stored policy that cannot be read, or that the driver refuses, leaves its layer out, and the driver
 * is set to block mode: what was to be protected must not pass in clear. For the persistent store
 * that holds until the next start, for the local one until it is mended, for dynamic.db until
 * somebody has put it away and ipseccmd has made another one. In secure mode the
 * driver is set to block mode first, before anything is taken from it.
 */
#include "agent/start.h"

#include <errno.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/events.h"
#include "agent/runs_store.h"
#include "agent/state.h"
#include "agent/stores.h"
#include "agent/strength.h"
#include "base/log.h"
#include "policy/fault.h"

/* What an earlier agent took, before strongcrypto was set in a file. */
static int check_strength(const struct agent *agent, struct fault *fault)
{
	if (!config_number(agent->config, "strongcrypto"))
		return 0;
	return strength_check(agent->rulesets, RULESET_LAYER_COUNT, fault);
}

/*
 * The volatile layers of an agent that ended without being stopped; an empty dynamic one if there
 * was none.
 */
static int restore(struct agent *agent, char *why)
{
	struct ruleset **dynamic = &agent->rulesets[RULESET_LAYER_DYNAMIC];
	uint8_t *data;
	size_t len;
	struct names names;
	struct fault fault;
	int r = state_read(agent->state_path, &data, &len);

	if (r == -ENOENT) {
		*dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);
		return *dynamic ? 0 : -ENOMEM;
	}
	if (!r) {
		r = state_decode(data, len, agent->rulesets, &names, &fault);
		wipe_free(data, len);
		if (!r) {
			names_done(resolver_names(agent->resolver));
			*resolver_names(agent->resolver) = names;
			r = check_strength(agent, &fault);
		}
		if (!r)
			return 0;
	} else {
		snprintf(fault.text, sizeof(fault.text), "%s", strerror(-r));
	}
	/* The driver protects by what is in that file: better no agent than none of it. */
	snprintf(why, AGENT_WHY_LEN,
		 "the dynamic rules in %s cannot be restored: %s; the driver goes on "
		 "with its filters. Remove the file to start without them",
		 agent->state_path, fault.text);
	return r;
}

/* What ipseccmd has made, or why not. */
static int restore_runs(struct agent *agent)
{
	struct ruleset **runs = &agent->rulesets[RULESET_LAYER_IPSECCMD];
	struct fault fault;
	int r = runs_store_load(agent->runs_path, runs, &fault);

	if (!r)
		r = check_strength(agent, &fault);
	if (!r)
		return 0;
	*runs = ruleset_free(*runs);
	agent->runs_fault = strdup(fault.text);
	event_policy_failed(ruleset_layer_name(RULESET_LAYER_IPSECCMD), fault.text);
	return agent->runs_fault ? 0 : -ENOMEM;
}

/* --- stored policy ------------------------------------------------------------------------ */

/* One store's policy; what is wrong with it becomes a fault of the store. */
static int start_store(struct agent *agent, enum store_location location)
{
	struct agent_change change = { 0 };
	struct fault fault;
	int r = stores_load(agent->stores, location, &change, &fault);

	if (!r)
		r = agent_commit_layers(agent, &change, &fault);
	stores_loaded(agent->stores, location, r ? fault.text : NULL);
	return r;
}

/* Both stores' at once. */
static int start_together(struct agent *agent)
{
	struct agent_change change = { 0 };
	struct fault fault;
	int r = stores_load(agent->stores, STORE_LOCATION_PERSISTENT, &change, &fault);

	if (!r)
		r = stores_load(agent->stores, STORE_LOCATION_LOCAL, &change, &fault);
	if (!r) {
		r = agent_commit_layers(agent, &change, &fault);
	} else {
		ruleset_free(change.candidates[RULESET_LAYER_PERSISTENT]);
	}
	if (r)
		return r;
	stores_loaded(agent->stores, STORE_LOCATION_PERSISTENT, NULL);
	stores_loaded(agent->stores, STORE_LOCATION_LOCAL, NULL);
	return 0;
}

/* The rules of the dynamic context, whatever is with the stores. */
static int start_dynamic(struct agent *agent, char *why)
{
	struct agent_change change = { .which = 1U << RULESET_LAYER_PERSISTENT };
	struct fault fault;
	int r = agent_commit_layers(agent, &change, &fault);

	if (r)
		snprintf(why, AGENT_WHY_LEN, "the policy cannot be applied: %s", fault.text);
	return r;
}

static int set_mode(struct agent *agent, char *why)
{
	int r = agent_set_mode(agent);

	if (r)
		snprintf(why, AGENT_WHY_LEN, "the driver cannot be set to its mode: %s",
			 agent->kernel->why);
	return r;
}

static void tell_persistent(struct agent *agent)
{
	const struct ruleset *ruleset = agent->rulesets[RULESET_LAYER_PERSISTENT];

	if (ruleset)
		event_policy_applied(ruleset_layer_name(RULESET_LAYER_PERSISTENT),
				     ruleset->n_rules, agent->layers->n_filters);
}

static int start_in_order(struct agent *agent, char *why)
{
	int r = start_store(agent, STORE_LOCATION_PERSISTENT) ? start_dynamic(agent, why) : 0;

	if (r)
		return r;
	tell_persistent(agent);
	(void)start_store(agent, STORE_LOCATION_LOCAL);
	return set_mode(agent, why);
}

/* It has filters in force that it must not lose. */
static int start_again(struct agent *agent, char *why)
{
	int r = agent->runs_fault ? -EIO : start_together(agent);

	if (!r)
		return set_mode(agent, why);
	r = agent->kernel->ops->mode_set(agent->kernel, IPSECDRV_MODE_BLOCK, -1);
	if (r) {
		snprintf(why, AGENT_WHY_LEN, "stored policy cannot be applied, and the driver "
			 "cannot be set to block mode: %s", agent->kernel->why);
		return r;
	}
	return start_in_order(agent, why);
}

int start_policy(struct agent *agent, char *why)
{
	struct kernel_status status = { .mode = IPSECDRV_MODE_PERMIT };
	int r = restore(agent, why);

	if (r)
		return r;
	r = restore_runs(agent);
	if (r) {
		snprintf(why, AGENT_WHY_LEN, "%s: %s", agent->runs_path, strerror(-r));
		return r;
	}
	/* 4295 and its like: nobody listened when the driver started */
	if (!agent->kernel->ops->status_get(agent->kernel, &status) &&
	    status.mode >= IPSECDRV_MODE_STARTUP_PERMIT)
		event_driver_mode(status.mode);
	if (layers_adopt(agent->kernel, &agent->adopted)) {
		snprintf(why, AGENT_WHY_LEN, "the driver's filters cannot be read: %s",
			 agent->kernel->why);
		return -EIO;
	}
	r = stores_new(agent, agent->state_dir, &agent->stores);
	if (r) {
		snprintf(why, AGENT_WHY_LEN, "the stores in %s: %s", agent->state_dir,
			 strerror(-r));
		return r;
	}
	r = status.mode == IPSECDRV_MODE_SECURE ? start_again(agent, why) :
						  start_in_order(agent, why);
	if (!r && agent_set_diagnostics(agent))
		log_error("the driver's diagnostics cannot be set: %s", agent->kernel->why);
	return r;
}
