// SPDX-License-Identifier: MIT
/*
 * How all is. A driver that does not answer, or a store that cannot be read, is what the status is
 * asked for: nothing here fails because of them.
 */
#include "agent/status.h"

#include <stdio.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/stats.h"
#include "agent/stores.h"
#include "nl/names_gen.h"
#include "policy/bus.h"

#ifndef IPD_VERSION
#define IPD_VERSION "unknown"
#endif

#define VERSION_LEN 64

/* --- the sums ----------------------------------------------------------------------------- */

/* NULL when the driver does not tell; else in @buf. */
static const char *read_driver_version(char buf[static VERSION_LEN])
{
	_cleanup_fclose_ FILE *file = fopen("/sys/module/" IPSECDRV_FAMILY_NAME "/version", "re");

	if (!file || !fgets(buf, VERSION_LEN, file))
		return NULL;
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

static void add_driver(struct policy_status_info *info, struct agent *agent,
		       char version[static VERSION_LEN])
{
	struct kernel_status status;

	if (agent->mode >= 0)
		info->wanted_mode = nl_mode_name((unsigned int)agent->mode);
	if (agent->kernel->ops->status_get(agent->kernel, &status))
		return;
	info->mode = nl_mode_name(status.mode);
	info->startup_mode = nl_mode_name(status.startup_mode);
	info->filters = status.filters;
	info->generation = status.generation;
	info->exempt_level = status.exempt_level;
	info->driver_version = read_driver_version(version);
}

static void add_processes(struct policy_status_info *info, const struct agent *agent)
{
	const struct process *ike = ike_process(agent->ike), *cred = cred_process(agent->cred);

	info->agent_seconds = process_seconds(&agent->process);
	info->agent_pid = (uint32_t)agent->process.pid;
	info->ike = ike->is_up;
	info->ike_seconds = process_seconds(ike);
	info->ike_pid = ike->is_up ? (uint32_t)ike->pid : 0;
	info->cred = cred->is_up;
	info->cred_seconds = process_seconds(cred);
	info->cred_pid = cred->is_up ? (uint32_t)cred->pid : 0;
}

static int append_sums(sd_bus_message *m, struct agent *agent)
{
	struct negotiate_counts counts = negotiate_get_counts(agent->negotiate);
	const struct stores_slot *assigned = stores_assigned(agent->stores);
	char version[VERSION_LEN], layers[AGENT_LAYERS_LEN];
	struct policy_status_info info = {
		.layers = agent_layers_text(agent, layers),
		.rules = (uint32_t)agent_count_rules(agent),
		.mm_sas = (uint32_t)counts.mms,
		.qm_sas = (uint32_t)counts.pairs,
		.negotiations = (uint32_t)counts.jobs,
		.failing = (uint32_t)counts.failing,
		.policy = assigned ? stores_slot_policy(assigned) : NULL,
		.store = assigned ? store_location_name(assigned->location) : NULL,
		.fault = stores_fault(agent->stores) ?: agent->runs_fault,
		.agent_version = IPD_VERSION,
		.boot_mode = boot_mode(agent),
	};

	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++) {
		info.mm_policies += agent->rulesets[i] ? (uint32_t)agent->rulesets[i]->n_mms : 0;
		info.qm_policies += agent->rulesets[i] ? (uint32_t)agent->rulesets[i]->n_qms : 0;
	}
	add_driver(&info, agent, version);
	add_processes(&info, agent);
	return policy_bus_append_record(m, &policy_status_record, &info);
}

/* --- layers ------------------------------------------------------------------------------- */

static uint32_t count_filters(const struct agent *agent, size_t layer)
{
	uint32_t n = 0;

	for (size_t i = 0; i < agent->layers->n_filters; i++) {
		const struct ruleset_rule *rule = layer_filter_rule(&agent->layers->filters[i]);

		n += rule && rule->treatment->layer == layer;
	}
	return n;
}

static const struct stores_slot *slot_of(const struct agent *agent, size_t layer)
{
	for (size_t i = 0; i < STORE_LOCATION_DOMAIN; i++)
		if (agent->stores->slots[i].layer == layer)
			return &agent->stores->slots[i];
	return NULL;
}

static void add_store(struct policy_layer_info *info, const struct agent *agent,
		      const struct stores_slot *slot)
{
	struct policy_store_info store;

	stores_slot_describe(agent->stores, slot, &store);
	info->policy = store.policy;
	info->why = store.fault;
	if (slot->fault)
		info->state = slot->content ? "outdated" : "failed";
	else if (slot->waiting)
		info->state = "waiting";
	else if (!store.policy)
		info->state = "none";
}

static struct policy_layer_info describe_layer(const struct agent *agent, size_t layer)
{
	const struct ruleset *ruleset = agent->rulesets[layer];
	const struct stores_slot *slot = slot_of(agent, layer);
	struct policy_layer_info info = {
		.layer = ruleset_layer_name((enum ruleset_layer)layer),
		.state = "in force",
		.rules = ruleset ? (uint32_t)ruleset->n_rules : 0,
		.filters = count_filters(agent, layer),
	};

	if (slot)
		add_store(&info, agent, slot);
	else if (layer == RULESET_LAYER_IPSECCMD && agent->runs_fault)
		info = (struct policy_layer_info){
			.layer = info.layer, .state = "failed", .why = agent->runs_fault,
		};
	else if (!info.rules)
		info.state = "none";
	return info;
}

static bool is_always_told(size_t layer)
{
	return layer == RULESET_LAYER_PERSISTENT || layer == RULESET_LAYER_LOCAL;
}

static int append_layers(sd_bus_message *m, const struct agent *agent)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < RULESET_LAYER_COUNT; i++) {
		struct policy_layer_info info = describe_layer(agent, i);

		if (is_always_told(i) || strcmp(info.state, "none") != 0)
			r = policy_bus_append_record(m, &policy_layer_record, &info);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* --- failures and drops ------------------------------------------------------------------- */

static int append_failures(sd_bus_message *m, const struct agent *agent)
{
	const struct negotiate_failure *failures[STATUS_FAILURES_MAX];
	size_t n = negotiate_last_failures(agent->negotiate, STATUS_FAILURES_MAX, failures);
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct policy_failure_info info = {
			.peer = failures[i]->remote,
			.mode = failures[i]->is_quick ? "quick" : "main",
			.point = failures[i]->failed_at_peer ? "peer" : "me",
			.reason = (uint32_t)failures[i]->reason,
			.text = failures[i]->text,
			.seconds = negotiate_seconds_since(agent->negotiate, failures[i]->when),
			.times = failures[i]->times,
		};

		r = policy_bus_append_record(m, &policy_failure_record, &info);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_drops(sd_bus_message *m, struct agent *agent)
{
	struct kernel_statistics statistics;

	if (!agent->kernel->ops->statistics_get(agent->kernel, &statistics))
		return stats_append_drops(m, &statistics);
	return sd_bus_message_append(m, "a{st}", 0);
}

int status_append(sd_bus_message *m, struct agent *agent)
{
	int r = append_sums(m, agent);

	if (r >= 0)
		r = append_layers(m, agent);
	if (r >= 0)
		r = append_failures(m, agent);
	return r < 0 ? r : append_drops(m, agent);
}
