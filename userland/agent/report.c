// SPDX-License-Identifier: MIT
#include "agent/report.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/events.h"
#include "agent/stores.h"
#include "base/log.h"
#include "daemon/status_line.h"
#include "nl/names_gen.h"

#define REPORT_USEC	500000

/* The first tunnel that cannot be, and how many there are; NULL: all can. */
static char *describe_tunnels(const struct agent *agent)
{
	const struct layer_filter *first = NULL;
	_cleanup_free_ char *rule = NULL;
	char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < agent->layers->n_filters; i++) {
		const struct layer_filter *filter = &agent->layers->filters[i];

		if (filter->tunnel_fault && !n++)
			first = filter;
	}
	if (!first)
		return NULL;
	rule = ruleset_rule_to_text(layer_filter_rule(first));
	if (asprintf(&text, "what the tunnel rule \"%s\" is for is blocked: %s (tunnels like that: "
		     "%zu)", rule ? rule : "", tunnel_fault_text(first->tunnel_fault), n) < 0)
		return NULL;
	return text;
}

static void report_tunnels(struct agent *agent)
{
	char *text = describe_tunnels(agent);

	if (text && (!agent->tunnels_told || strcmp(text, agent->tunnels_told) != 0))
		log_warning("%s", text);
	free(agent->tunnels_told);
	agent->tunnels_told = text;
}

/* The first rule that a lower layer overrules, and how many there are; NULL: none. */
static char *describe_losses(const struct agent *agent)
{
	const struct layers *layers = agent->layers;
	_cleanup_free_ char *winner = NULL, *loser = NULL;
	char *text = NULL;

	if (!layers->n_losses)
		return NULL;
	winner = ruleset_rule_to_text(layers->losses[0].winner);
	loser = ruleset_rule_to_text(layers->losses[0].loser);
	if (asprintf(&text, "the %s layer decides: \"%s\" holds for traffic of \"%s\" of the %s "
		     "layer, too, which has no say in it (rules like that: %zu)",
		     ruleset_layer_name(layers->losses[0].winner->treatment->layer),
		     winner ? winner : "", loser ? loser : "",
		     ruleset_layer_name(layers->losses[0].loser->treatment->layer),
		     layers->n_losses) < 0)
		return NULL;
	return text;
}

static void report_losses(struct agent *agent)
{
	char *text = describe_losses(agent);

	if (text && (!agent->losses_told || strcmp(text, agent->losses_told) != 0))
		log_warning("%s", text);
	free(agent->losses_told);
	agent->losses_told = text;
}

void report_now(struct agent *agent)
{
	char text[AGENT_LAYERS_LEN];
	size_t n = agent_count_rules(agent);

	if (agent->is_reported)
		return;
	report_tunnels(agent);
	report_losses(agent);
	event_policy_applied(agent_layers_text(agent, text), n, agent->layers->n_filters);
	status_line_send(agent->status);
	agent->is_reported = true;
}

/* secure: 12 filters of policy "Server"; 3 main modes, 4 quick modes; 1 peer failed lately */
static void write_status(void *userdata, FILE *file)
{
	const struct agent *agent = userdata;
	const struct stores_slot *assigned = stores_assigned(agent->stores);
	struct negotiate_counts counts = negotiate_get_counts(agent->negotiate);
	const char *fault = stores_fault(agent->stores) ?: agent->runs_fault;

	fprintf(file, "%s: ", agent->mode < 0 ? "starting" :
		nl_mode_name((unsigned int)agent->mode));
	if (fault)
		fprintf(file, "%s; ", fault);
	fprintf(file, "%zu filters", agent->layers->n_filters);
	if (assigned && stores_slot_policy(assigned))
		fprintf(file, ", policy \"%s\"", stores_slot_policy(assigned));
	fprintf(file, "; %zu main modes, %zu quick modes", counts.mms, counts.pairs);
	if (counts.jobs)
		fprintf(file, ", %zu pending", counts.jobs);
	if (counts.failing)
		fprintf(file, "; %zu peers failed in the last minute", counts.failing);
	if (!ike_is_up(agent->ike))
		fprintf(file, "; waiting for ipsec-ike");
	if (!cred_is_up(agent->cred))
		fprintf(file, "; waiting for ipsec-cred");
}

/*
 * A script makes many changes; one line tells of them. What was in force before and what a change was
 * made of is free by now, and scattered: of 100,000 filters it is as much as what is in force.
 */
static int on_report(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	report_now(userdata);
	(void)malloc_trim(0);
	return 0;
}

void report_soon(struct agent *agent)
{
	agent->is_reported = false;
	(void)sd_event_source_set_time_relative(agent->report_timer, REPORT_USEC);
	(void)sd_event_source_set_enabled(agent->report_timer, SD_EVENT_ONESHOT);
}

int report_start(struct agent *agent)
{
	int r = sd_event_add_time_relative(agent->event, &agent->report_timer, CLOCK_MONOTONIC,
					   REPORT_USEC, 0, on_report, agent);

	return r < 0 ? r : status_line_new(agent->event, write_status, agent, &agent->status);
}
