// SPDX-License-Identifier: MIT
#include "agent/dry_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/reply.h"
#include "agent/ruleset.h"

/* --- what may be called ------------------------------------------------------------------- */

static bool only_tells(const char *member)
{
	return !strncmp(member, "List", strlen("List")) || !strncmp(member, "Get", strlen("Get")) ||
	       !strcmp(member, "StoreRead") || !strcmp(member, "StoreExplain") ||
	       !strcmp(member, "Explain");
}

static bool can_be_tried(const char *member)
{
	static const char *const members[] = {
		"AddMmPolicy", "SetMmPolicy", "DeleteMmPolicy", "AddQmPolicy", "SetQmPolicy",
		"DeleteQmPolicy", "AddRule", "SetRule", "DeleteRule", "DeleteAll", "AddRuns",
		"DeleteRuns", "SetConfig", "StoreApply", "BeginDryRun",
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!strcmp(member, members[i]))
			return true;
	return false;
}

/* Every later message of the connection: what nobody has thought of is not done. */
static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	const char *member = sd_bus_message_get_member(m);
	struct fault fault;
	int r;

	(void)userdata;
	(void)ret_error;
	if (!sd_bus_message_is_method_call(m, NULL, NULL) || !member || only_tells(member) ||
	    can_be_tried(member))
		return 0;
	fault_invalid(&fault, "%s cannot be tried in a dry run; nothing was changed", member);
	r = reply_fault(m, &fault);
	return r < 0 ? r : 1;
}

/* --- life --------------------------------------------------------------------------------- */

static void leave(struct dry_run *run)
{
	if (!run->place)
		return;
	*run->place = run->next;
	if (run->next)
		run->next->place = run->place;
	run->place = NULL;
}

/* With the connection, which a call that waits keeps. */
static void on_gone(void *userdata)
{
	struct dry_run *run = userdata;

	leave(run);
	ruleset_free(run->dynamic);
	free(run);
}

static struct dry_run *find(const struct dry_runs *runs, const sd_bus *connection)
{
	struct dry_run *run = runs->first;

	while (run && run->connection != connection)
		run = run->next;
	return run;
}

int dry_run_begin(struct dry_runs *runs, sd_bus *connection)
{
	struct dry_run *run;
	sd_bus_slot *slot;
	int r;

	if (find(runs, connection))
		return 0;
	run = calloc(1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	r = sd_bus_add_filter(connection, &slot, on_call, run);
	if (r < 0) {
		free(run);
		return r;
	}
	(void)sd_bus_slot_set_destroy_callback(slot, on_gone);
	(void)sd_bus_slot_set_floating(slot, 1);
	sd_bus_slot_unref(slot);	/* the connection has one, too, now */
	run->connection = connection;
	run->next = runs->first;
	run->place = &runs->first;
	if (run->next)
		run->next->place = &run->next;
	runs->first = run;
	return 0;
}

struct dry_run *dry_run_find(const struct dry_runs *runs, sd_bus_message *m)
{
	return find(runs, sd_bus_message_get_bus(m));
}

void dry_runs_done(struct dry_runs *runs)
{
	while (runs->first)
		leave(runs->first);
}

/* --- changes ------------------------------------------------------------------------------ */

int dry_run_try(struct dry_run *run, struct agent *agent, const struct agent_change *change,
		struct fault *fault)
{
	return agent_try_layers(agent, change, &run->difference, fault);
}

int dry_run_commit(struct dry_run *run, struct agent *agent, struct ruleset *candidate,
		   struct fault *fault)
{
	struct agent_change change = { .which = 1U << candidate->layer };
	int r;

	change.candidates[candidate->layer] = candidate;
	r = dry_run_try(run, agent, &change, fault);
	if (r) {
		ruleset_free(candidate);
		return r;
	}
	ruleset_free(run->dynamic);
	run->dynamic = candidate;
	return 0;
}
