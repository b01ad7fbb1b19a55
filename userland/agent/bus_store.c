// SPDX-License-Identifier: MIT
#include "agent/bus_store.h"

#include <errno.h>

#include "agent/agent.h"
#include "agent/bus.h"
#include "agent/caller.h"
#include "agent/events.h"
#include "agent/explain_stored.h"
#include "agent/reply.h"
#include "agent/store_job.h"
#include "agent/stores.h"
#include "agent/trial.h"
#include "policy/bus.h"
#include "store/bus.h"

static struct stores *stores_of(void *userdata)
{
	return bus_agent(userdata)->stores;
}

/* --- rights ------------------------------------------------------------------------------- */

static int denied(struct fault *fault, const struct stores_slot *slot, bool writes)
{
	return fault_denied(fault, "the %s store is not yours to %s; an administrator can give a "
			    "group rights to %s",
			    store_location_name(slot->location), writes ? "change" : "read",
			    slot->path);
}

static int check_rights(sd_bus_message *m, const struct stores_slot *slot, bool writes,
			struct fault *fault)
{
	_cleanup_(caller_done) struct caller caller = { 0 };

	if (caller_get(sd_bus_message_get_bus(m), &caller) ||
	    !caller_may_use(&caller, slot->path, writes))
		return denied(fault, slot, writes);
	return 0;
}

/* Reads the call's first argument: the store. NULL with *fault; it may not be used by everybody. */
static struct stores_slot *read_slot(sd_bus_message *m, struct stores *stores, bool writes,
				     struct fault *fault)
{
	enum store_location location;
	struct stores_slot *slot;
	const char *name;

	if (sd_bus_message_read(m, "s", &name) < 0 || store_location_parse(name, &location)) {
		(void)fault_invalid(fault, "store is persistent, local, cache or domain");
		return NULL;
	}
	slot = stores_find(stores, location, writes, fault);
	return slot && !check_rights(m, slot, writes, fault) ? slot : NULL;
}

/* --- changes ------------------------------------------------------------------------------ */

static int append_outcomes(sd_bus_message *reply, const struct store_job *job)
{
	int r = sd_bus_message_open_container(reply, 'a', "(us)");

	for (size_t i = 0; r >= 0 && i < job->n_changes; i++)
		r = sd_bus_message_append(reply, "(us)", job->outcomes[i].number,
					  job->outcomes[i].text ? job->outcomes[i].text : "");
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_done(void *userdata, struct store_job *job)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(m, &reply);

	if (r >= 0)
		r = append_outcomes(reply, job);
	store_job_free(job);
	(void)reply_shown(m, reply, r, &fault);
}

/* 0, or -errno with a sentence. */
static int read_changes(sd_bus_message *m, struct store_job *job, char why[static POLICY_WHY_LEN])
{
	struct store_change change;
	int r = sd_bus_message_enter_container(m, 'a', "(ssa{sv})");

	if (r < 0) {
		snprintf(why, POLICY_WHY_LEN, "the message is malformed");
		return r;
	}
	while ((r = store_bus_read_change(m, &change, why)) > 0) {
		r = store_job_add(job, &change);
		if (r) {
			store_change_clear(&change);
			snprintf(why, POLICY_WHY_LEN, "out of memory; nothing was changed");
			break;
		}
	}
	return r;
}

static int run(sd_bus_message *m, struct store_job *job)
{
	char why[POLICY_WHY_LEN];
	int r = read_changes(m, job, why);

	if (r) {
		store_job_free(job);
		return reply_invalid(m, r, why);
	}
	/* answered by on_done(), perhaps at once */
	store_job_run(job, on_done, sd_bus_message_ref(m));
	return 1;
}

int bus_store_apply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct stores *stores = stores_of(userdata);
	struct stores_slot *slot;
	struct store_job *job;
	struct fault fault;
	uint32_t flags;

	(void)ret_error;
	(void)sd_bus_message_sensitive(m);
	slot = read_slot(m, stores, true, &fault);
	if (!slot)
		return reply_fault(m, &fault);
	if (sd_bus_message_read(m, "u", &flags) < 0 ||
	    (flags & ~(uint32_t)(STORE_APPLY_DRY_RUN | STORE_APPLY_ALL)))
		return reply_invalid(m, -EINVAL, "flags are 1 (dry run), 2 (all or nothing), both "
				     "or none");
	if (bus_dry_run(userdata, m))
		flags |= STORE_APPLY_DRY_RUN;
	job = store_job_new(stores, slot, flags);
	return job ? run(m, job) : reply_busy(m);
}

/* --- reading ------------------------------------------------------------------------------ */

static int append_content(sd_bus_message *reply, struct stores_slot *slot,
			  const struct store_query *query, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	int r = stores_slot_open(slot, fault);

	if (!r)
		r = store_read(slot->store, query, &content, fault);
	return r ? r : store_bus_append_content(reply, content);
}

int bus_store_read(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct stores_slot *slot;
	struct store_query query = { 0 };
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	int r;

	(void)ret_error;
	slot = read_slot(m, stores_of(userdata), false, &fault);
	if (!slot)
		return reply_fault(m, &fault);
	r = store_bus_read_query(m, &query, why);
	if (r < 0)
		return reply_invalid(m, r, why);
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_sensitive(reply);
	if (r >= 0)
		r = append_content(reply, slot, &query, &fault);
	return reply_shown(m, reply, r, &fault);
}

/* The cache is only shown when there is one. */
static bool is_listed(const struct stores_slot *slot, const struct caller *caller)
{
	return (slot->location != STORE_LOCATION_CACHE || !access(slot->path, F_OK)) &&
	       caller_may_use(caller, slot->path, false);
}

static int append_stores(sd_bus_message *reply, const struct stores *stores,
			 const struct caller *caller)
{
	int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < STORE_LOCATION_DOMAIN; i++) {
		const struct stores_slot *slot = &stores->slots[i];
		struct policy_store_info info;

		if (!is_listed(slot, caller))
			continue;
		stores_slot_describe(stores, slot, &info);
		info.writable = slot->location != STORE_LOCATION_CACHE &&
				caller_may_use(caller, slot->path, true);
		r = policy_bus_append_record(reply, &policy_store_record, &info);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bus_store_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(caller_done) struct caller caller = { 0 };
	struct fault fault = { 0 };
	int r = caller_get(sd_bus_message_get_bus(m), &caller);

	(void)ret_error;
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = append_stores(reply, stores_of(userdata), &caller);
	return reply_shown(m, reply, r, &fault);
}

/* --- explaining --------------------------------------------------------------------------- */

static int explain(sd_bus_message *m, struct agent *agent, struct stores_slot *slot,
		   const char *policy, const struct policy_flow_info *flow)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(caller_done) struct caller caller = { 0 };
	struct fault fault = { 0 };
	int r = caller_get(sd_bus_message_get_bus(m), &caller);

	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = explain_stored_append(reply, agent, slot, policy, flow,
					  caller_is_administrator(&caller), &fault);
	return reply_shown(m, reply, r, &fault);
}

int bus_store_explain(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct policy_flow_info flow;
	struct stores_slot *slot;
	char why[POLICY_WHY_LEN];
	struct fault fault;
	const char *policy;
	int r;

	(void)ret_error;
	slot = read_slot(m, stores_of(userdata), false, &fault);
	if (!slot)
		return reply_fault(m, &fault);
	r = sd_bus_message_read(m, "s", &policy);
	if (r < 0)
		return r;
	r = policy_bus_read_record(m, &policy_flow_record, &flow, why);
	if (r <= 0)
		return reply_invalid(m, r, why);
	r = explain(m, bus_agent(userdata), slot, policy, &flow);
	policy_record_clear(&policy_flow_record, &flow);
	return r;
}

/* --- tries -------------------------------------------------------------------------------- */

/* NULL with *fault: a try is a change of the local store. */
static struct stores *check_try(sd_bus_message *m, void *userdata, struct fault *fault)
{
	struct stores *stores = stores_of(userdata);

	return check_rights(m, &stores->slots[STORE_LOCATION_LOCAL], true, fault) ? NULL : stores;
}

int bus_try_begin(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault;
	struct stores *stores = check_try(m, userdata, &fault);
	uint32_t seconds;
	int r;

	(void)ret_error;
	if (!stores)
		return reply_fault(m, &fault);
	r = sd_bus_message_read(m, "u", &seconds);
	if (r < 0)
		return r;
	r = trial_begin(stores->trial, seconds, &fault);
	if (!r)
		event_try_begun(seconds);
	return reply_change(m, r, &fault);
}

int bus_try_confirm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault;
	struct stores *stores = check_try(m, userdata, &fault);
	int r;

	(void)ret_error;
	if (!stores)
		return reply_fault(m, &fault);
	r = trial_confirm(stores->trial, &fault);
	if (!r)
		event_try_confirmed();
	return reply_change(m, r, &fault);
}

int bus_try_end(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault;
	struct stores *stores = check_try(m, userdata, &fault);
	int r;

	(void)ret_error;
	if (!stores)
		return reply_fault(m, &fault);
	r = stores_take_back(stores, &fault);
	return reply_change(m, r, &fault);
}
