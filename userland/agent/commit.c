// SPDX-License-Identifier: MIT
/*
 * From the rules of all layers to the driver, in one step or not at all.
 *
 *   rules -> filters -> dynamic.state staged -> driver -> published -> in force
 *
 * Until the driver has agreed nothing has happened. What is published after that (a store's
 * transaction) can fail, too; then the driver gets back what it had.
 */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>

#include "agent/events.h"
#include "agent/report.h"
#include "agent/state.h"
#include "agent/strength.h"
#include "base/file.h"
#include "base/log.h"
#include "link/messages.h"
#include "policy/fault.h"

/* --- names -------------------------------------------------------------------------------- */

static const struct ip_addr *lookup(void *userdata, const struct policy_address *address,
				    size_t *ret_n)
{
	struct agent *agent = userdata;
	const struct name *name;
	const struct server_list *list;

	if (address->kind == POLICY_ADDRESS_NAME) {
		name = names_find(resolver_names(agent->resolver), address->name);
		*ret_n = name ? name->n_addrs : 0;
		return name ? name->addrs : NULL;
	}
	list = servers_find(&agent->servers, address->kind);
	*ret_n = list->n;
	return list->addrs;
}

static bool is_me(void *userdata, const struct ip_addr *addr)
{
	return addresses_is_me(((struct agent *)userdata)->addresses, addr);
}

static int find_source(void *userdata, const struct ip_addr *remote, struct ip_addr *ret_addr)
{
	return addresses_find_source(((struct agent *)userdata)->addresses, remote, ret_addr);
}

static struct expand_names names_of(struct agent *agent)
{
	return (struct expand_names){
		.lookup = lookup,
		.is_me = is_me,
		.find_source = find_source,
		.userdata = agent,
	};
}

const char *agent_find_unknown_name(const struct agent *agent, const struct policy_rule *rule)
{
	const struct policy_address *sides[] = { &rule->source, &rule->destination,
						 &rule->tunnel_destination };

	for (size_t i = 0; i < (rule->has_tunnel ? 3 : 2); i++)
		if (sides[i]->kind == POLICY_ADDRESS_NAME &&
		    !names_find(resolver_names(agent->resolver), sides[i]->name))
			return sides[i]->name;
	return NULL;
}

/* --- layers ------------------------------------------------------------------------------- */

const char *agent_layers_text(const struct agent *agent, char buf[static AGENT_LAYERS_LEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		if (agent->rulesets[i])
			len += (size_t)snprintf(buf + len, AGENT_LAYERS_LEN - len, "%s%s",
						len ? " " : "",
						ruleset_layer_name((enum ruleset_layer)i));
	return buf;
}

size_t agent_count_rules(const struct agent *agent)
{
	size_t n = 0;

	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		n += agent->rulesets[i] ? agent->rulesets[i]->n_rules : 0;
	return n;
}

/* --- changes ------------------------------------------------------------------------------ */

/* What only the file would bring back after a crash is other than before. */
static bool is_file_needed(const struct agent *agent, struct ruleset *const *rulesets)
{
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		if (state_has_layer((enum ruleset_layer)i) && rulesets[i] != agent->rulesets[i])
			return true;
	return false;
}

/*
 * Stored policy, and addresses that names have got, go to the driver even if there is no room for the
 * file: a full disk is no reason to protect less. *ret_is_staged tells.
 */
static int stage(struct agent *agent, struct ruleset *const *rulesets, bool *ret_is_staged,
		 struct fault *fault)
{
	uint8_t *data;
	size_t len;
	int r = state_encode(rulesets, resolver_names(agent->resolver), &data, &len);

	if (!r) {
		r = state_stage(agent->state_path, data, len);
		wipe_free(data, len);
	}
	*ret_is_staged = !r;
	if (r && is_file_needed(agent, rulesets))
		return fault_failed(fault, "%s could not be written: %s%s; nothing was changed",
				    agent->state_path, strerror(-r), file_remedy(r));
	if (r)
		log_warning("%s could not be written: %s%s; until it can be, a crash brings back the "
			    "addresses that names had before", agent->state_path, strerror(-r),
			    file_remedy(r));
	return 0;
}

static void publish_state(struct agent *agent)
{
	int r = state_publish(agent->state_path);

	if (r)
		log_error("%s could not be replaced (%s): after a crash the agent would go back "
			  "to the policy before", agent->state_path, strerror(-r));
}

static int refused_by_driver(const struct agent *agent, struct fault *fault)
{
	return fault_failed(fault, "the driver refused it: %s; nothing was changed",
			    agent->kernel->why);
}

static void warn_of_conflict(const struct layers *layers, const struct layers *before)
{
	_cleanup_free_ char *first = NULL, *second = NULL;

	if (!layers->conflict[0] || (before && before->conflict[0] == layers->conflict[0] &&
				     before->conflict[1] == layers->conflict[1]))
		return;
	first = ruleset_rule_to_text(layers->conflict[0]);
	second = ruleset_rule_to_text(layers->conflict[1]);
	log_warning("two rules authenticate the same pair of hosts differently, but main mode "
		    "knows addresses only: the methods of \"%s\" hold for \"%s\", too",
		    first ? first : "", second ? second : "");
}

void agent_set_credentials(struct agent *agent)
{
	cred_set(agent->cred, agent->layers,
		 (uint8_t)config_number(agent->config, "strongcrlcheck"));
}

/* What is in force was checked when it came, or when strongcrypto was set. */
static int check_strength(const struct agent *agent, struct ruleset *const *rulesets,
			  struct fault *fault)
{
	struct ruleset *new[RULESET_LAYER_COUNT];
	size_t n = 0;

	if (!config_number(agent->config, "strongcrypto"))
		return 0;
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		if (rulesets[i] != agent->rulesets[i])
			new[n++] = rulesets[i];
	return strength_check(new, n, fault);
}

/* What comes after the driver's agreement cannot fail any more. */
static void use(struct agent *agent, struct ruleset *const *rulesets, struct layers *layers)
{
	struct layers *before_layers = agent->layers;
	struct ruleset *before[RULESET_LAYER_COUNT];

	warn_of_conflict(layers, before_layers);
	if (config_number(agent->config, "strongcrypto"))
		strength_warn(agent->rulesets, rulesets, RULESET_LAYER_COUNT);
	memcpy(before, agent->rulesets, sizeof(before));
	memmove(agent->rulesets, rulesets, sizeof(agent->rulesets));
	agent->layers = layers;
	if (agent->cred)
		agent_set_credentials(agent);
	if (agent->negotiate)
		negotiate_set_layers(agent->negotiate, layers);	/* frees those before */
	else
		layers_free(before_layers);
	agent->adopted = layers_free(agent->adopted);
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		if (before[i] != agent->rulesets[i])
			ruleset_free(before[i]);
	names_retain(resolver_names(agent->resolver), agent->rulesets, RULESET_LAYER_COUNT);
	report_soon(agent);
}

/* The filters of @rulesets, if they can be. */
static int build(struct agent *agent, struct ruleset *const *rulesets, struct layers **ret_layers,
		 struct fault *fault)
{
	_cleanup_(layers_freep) struct layers *layers = NULL;
	const struct layers *before = agent->layers ? agent->layers : agent->adopted;
	struct expand_names names = names_of(agent);
	int r = check_strength(agent, rulesets, fault);

	if (!r)
		r = layers_build(rulesets, RULESET_LAYER_COUNT, &names, before, &layers, fault);
	if (r)
		return r;
	r = cred_can_take(layers);
	if (r == -ENOSPC)
		(void)fault_failed(fault, "the preshared keys and names of CAs of all rules are more than "
				   "%d bytes together; put hosts that have the same key into one "
				   "rule, nothing was changed", LINK_SECRETS_MAX);
	if (r == -ENOMEM)
		(void)fault_no_memory(fault);
	if (r)
		return r;
	*ret_layers = TAKE_PTR(layers);
	return 0;
}

/*
 * The driver has @layers, and must not. What it has instead of them is tried again within a minute,
 * if it cannot be now.
 */
static void put_back(struct agent *agent, struct layers *layers)
{
	if (layers_commit(agent->layers, layers, agent->kernel)) {
		event_serious("the driver has policy that could not be stored, and does not take "
			      "back what it had: %s", agent->kernel->why);
		use(agent, agent->rulesets, layers);
		agent->needs_refresh = true;
		return;
	}
	layers_free(layers);
	/* associations may have gone with their filters */
	if (agent->negotiate)
		negotiate_resync(agent->negotiate);
}

/* Takes @layers over, and @rulesets when it succeeds, those in force excepted. */
static int put_in_force(struct agent *agent, struct ruleset *const *rulesets, struct layers *layers,
			const struct agent_change *change, struct fault *fault)
{
	bool is_staged;
	int r = stage(agent, rulesets, &is_staged, fault);

	if (!r && layers_commit(layers, agent->layers, agent->kernel)) {
		state_unstage(agent->state_path);
		r = refused_by_driver(agent, fault);
	}
	if (r) {
		layers_free(layers);
		return r;
	}
	r = change && change->publish ? change->publish(change->userdata, fault) : 0;
	if (r) {
		state_unstage(agent->state_path);
		put_back(agent, layers);
		return r;
	}
	if (is_staged)
		publish_state(agent);
	use(agent, rulesets, layers);
	return 0;
}

/* Those that there would be. */
static void collect(const struct agent *agent, const struct agent_change *change,
		    struct ruleset *rulesets[static RULESET_LAYER_COUNT])
{
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		rulesets[i] = change->which & 1U << i ? change->candidates[i] : agent->rulesets[i];
}

int agent_try_layers(struct agent *agent, const struct agent_change *change,
		     struct layers_difference *ret_difference, struct fault *fault)
{
	_cleanup_(layers_freep) struct layers *layers = NULL;
	struct ruleset *rulesets[RULESET_LAYER_COUNT];
	int r;

	collect(agent, change, rulesets);
	r = build(agent, rulesets, &layers, fault);
	if (!r && layers_check(layers, agent->kernel))
		r = refused_by_driver(agent, fault);
	if (!r)
		*ret_difference = layers_compare(agent->layers, layers);
	return r;
}

int agent_commit_layers(struct agent *agent, const struct agent_change *change, struct fault *fault)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT];
	struct layers *layers = NULL;
	int r;

	collect(agent, change, rulesets);
	r = build(agent, rulesets, &layers, fault);
	if (!r)
		r = put_in_force(agent, rulesets, layers, change, fault);
	for (size_t i = 0; r && i < RULESET_LAYER_COUNT; i++)
		if (rulesets[i] != agent->rulesets[i])
			ruleset_free(rulesets[i]);
	return r;
}

int agent_commit(struct agent *agent, struct ruleset *candidate, struct fault *fault)
{
	struct agent_change change = { .which = 1U << candidate->layer };

	change.candidates[candidate->layer] = candidate;
	return agent_commit_layers(agent, &change, fault);
}

int agent_build_layer(struct agent *agent, enum ruleset_layer layer, struct ruleset *candidate,
		      struct layers **ret_layers, struct fault *fault)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT];

	memcpy(rulesets, agent->rulesets, sizeof(rulesets));
	rulesets[layer] = candidate;
	return build(agent, rulesets, ret_layers, fault);
}

void agent_refresh(struct agent *agent)
{
	struct layers *layers = NULL;
	char text[AGENT_LAYERS_LEN];
	struct fault fault;
	int r = build(agent, agent->rulesets, &layers, &fault);

	if (!r)
		r = put_in_force(agent, agent->rulesets, layers, NULL, &fault);
	agent->needs_refresh = r != 0;
	if (r)
		event_policy_failed(agent_layers_text(agent, text), fault.text);
}
