// SPDX-License-Identifier: MIT
#include "agent/stores.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/compile.h"
#include "agent/events.h"
#include "agent/store_job.h"
#include "agent/strength.h"
#include "agent/trial.h"
#include "agent/watch.h"
#include "base/log.h"
#include "policy/fault.h"
#include "policy/record.h"
#include "store/finding.h"

static const struct {
	enum ruleset_layer layer;
	unsigned int flags;		/* to open it with when the service starts */
} kinds[STORE_LOCATION_DOMAIN] = {
	[STORE_LOCATION_PERSISTENT] = {
		RULESET_LAYER_PERSISTENT, STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY,
	},
	[STORE_LOCATION_LOCAL] = { RULESET_LAYER_LOCAL, STORE_OPEN_WRITE | STORE_OPEN_CREATE },
	[STORE_LOCATION_CACHE] = { RULESET_LAYER_DOMAIN, STORE_OPEN_READ },
};

/* --- the file ----------------------------------------------------------------------------- */

static void set_fault(struct stores *stores, enum store_location location, const char *text)
{
	struct stores_slot *slot = &stores->slots[location];

	free(slot->fault);
	slot->fault = text ? strdup(text) : NULL;
}

/* Once for each thing that is wrong. */
static void report(struct stores *stores, struct stores_slot *slot, const char *text)
{
	if (!slot->fault || strcmp(slot->fault, text) != 0)
		event_store_failed(store_location_name(slot->location), !slot->content, text);
	set_fault(stores, slot->location, text);
}

struct stores_slot *stores_find(struct stores *stores, enum store_location location, bool writes,
				struct fault *fault)
{
	switch (location) {
	case STORE_LOCATION_PERSISTENT:
	case STORE_LOCATION_LOCAL:
		return &stores->slots[location];
	case STORE_LOCATION_CACHE:
		if (!writes)
			return &stores->slots[location];
		(void)fault_denied(fault, "the cache cannot be changed: it holds what the directory "
				   "said last; change the local or the persistent store");
		return NULL;
	case STORE_LOCATION_DOMAIN:
		break;
	}
	(void)fault_invalid(fault, "no directory is configured on this host; use the local or the "
			    "persistent store");
	return NULL;
}

static bool is_same_file(const struct stores_slot *slot)
{
	struct stat st;

	return slot->store && !stat(slot->path, &st) && st.st_dev == slot->device &&
	       st.st_ino == slot->inode;
}

/*
 * What is stored holds, even if nothing can be stored any more: the disk is full, or the file system
 * became read-only. Each use tries again to open it for writing.
 */
static int open_file(struct stores_slot *slot, unsigned int flags, struct fault *fault)
{
	bool was_read_only = slot->is_read_only;
	struct fault ignored;
	int r = store_open(slot->path, flags, &slot->store, fault);

	slot->is_read_only = false;
	if ((r == -EACCES || r == -ENOSPC || r == -EIO) &&
	    !store_open(slot->path, STORE_OPEN_READ, &slot->store, &ignored)) {
		slot->is_read_only = true;
		r = 0;
	}
	if (slot->is_read_only && !was_read_only)
		log_warning("%s; the %s store can only be read", fault->text,
			    store_location_name(slot->location));
	else if (was_read_only && !r && !slot->is_read_only)
		log_notice("the %s store can be written again",
			   store_location_name(slot->location));
	return r;
}

static int open_slot(struct stores_slot *slot, unsigned int flags, struct fault *fault)
{
	struct stat st;
	int r;

	if (is_same_file(slot) && !slot->is_read_only)
		return 0;
	slot->store = store_close(slot->store);
	slot->version = 0;
	r = open_file(slot, flags, fault);
	if (r)
		return r;
	if (stat(slot->path, &st)) {
		slot->store = store_close(slot->store);
		return fault_failed(fault, "%s cannot be looked at: %s", slot->path,
				    strerror(errno));
	}
	slot->device = st.st_dev;
	slot->inode = st.st_ino;
	return 0;
}

int stores_slot_open(struct stores_slot *slot, struct fault *fault)
{
	return open_slot(slot, kinds[slot->location].flags & STORE_OPEN_WRITE, fault);
}

/* --- what is assigned --------------------------------------------------------------------- */

void stores_candidate_done(struct stores_candidate *candidate)
{
	candidate->content = store_content_free(candidate->content);
	candidate->ruleset = ruleset_free(candidate->ruleset);
}

static int refuse_finding(struct fault *fault, const struct store_finding *finding)
{
	return fault_invalid(fault, "%s: %s; %s", finding->object, finding->fault,
			     finding->remedy);
}

static int check(const struct store_content *content, const struct store_policy *policy,
		 struct fault *fault)
{
	struct store_findings findings = { 0 };
	int r = store_policy_find(content, policy, NULL, &findings);

	if (r)
		return fault_no_memory(fault);
	/* errors come first */
	if (store_findings_has_error(&findings))
		r = refuse_finding(fault, &findings.list[0]);
	store_findings_done(&findings);
	return r;
}

static bool is_same_content(const struct store_content *a, const struct store_content *b)
{
	return a && store_content_is_equal(a, b);
}

int stores_compile(struct stores *stores, const struct stores_slot *slot,
		   const struct store_content *content, const struct store_policy *policy,
		   struct ruleset **ret_ruleset, struct fault *fault)
{
	int r = check(content, policy, fault);

	return r ? r : compile_policy(policy, slot->layer, stores->agent->rulesets[slot->layer],
				      ret_ruleset, fault);
}

int stores_slot_compile(struct stores *stores, struct stores_slot *slot,
			struct stores_candidate *ret_candidate, struct fault *fault)
{
	_cleanup_(stores_candidate_done) struct stores_candidate candidate = { 0 };
	const struct store_query query = { .only_assigned = true };
	const struct store_policy *policy;
	int r = store_read(slot->store, &query, &candidate.content, fault);

	if (r)
		return r;
	candidate.is_new = !is_same_content(slot->content, candidate.content);
	policy = store_content_assigned(candidate.content);
	if (policy && candidate.is_new)
		r = stores_compile(stores, slot, candidate.content, policy, &candidate.ruleset,
				   fault);
	if (r)
		return r;
	*ret_candidate = (struct stores_candidate){
		.content = TAKE_PTR(candidate.content),
		.ruleset = TAKE_PTR(candidate.ruleset),
		.is_new = candidate.is_new,
	};
	return 0;
}

/* --- names -------------------------------------------------------------------------------- */

int stores_candidate_unknown(const struct stores *stores, const struct stores_candidate *candidate,
			     struct name_list *ret_list, struct fault *fault)
{
	const struct names *names = resolver_names(stores->agent->resolver);
	struct name_list list;
	size_t kept = 0;

	if (names_of_rules(&candidate->ruleset, 1, &list))
		return fault_no_memory(fault);
	for (size_t i = 0; i < list.n; i++)
		if (!names_find(names, list.list[i]))
			list.list[kept++] = list.list[i];
	list.n = kept;
	*ret_list = list;
	return 0;
}

bool stores_recall_name(struct stores *stores, struct stores_slot *slot, const char *name)
{
	_cleanup_free_ struct ip_addr *addresses = NULL;
	struct fault fault;
	size_t n = 0;

	if (store_get_addresses(slot->store, name, &addresses, &n, &fault)) {
		log_warning("%s", fault.text);
		return false;
	}
	return n && names_set(resolver_names(stores->agent->resolver), name, addresses, n) >= 0;
}

/*
 * Nobody waits for an answer, and there may be no network yet: a name has the addresses that it had
 * last, or none until it is resolved.
 */
static int recall_names(struct stores *stores, struct stores_slot *slot,
			const struct stores_candidate *candidate, struct fault *fault)
{
	_cleanup_(name_list_done) struct name_list unknown = { 0 };
	struct names *names = resolver_names(stores->agent->resolver);
	int r = stores_candidate_unknown(stores, candidate, &unknown, fault);

	for (size_t i = 0; !r && i < unknown.n; i++) {
		if (stores_recall_name(stores, slot, unknown.list[i]))
			continue;
		log_warning("the addresses of %s are not known: its rules in the %s store protect "
			    "nothing until it is resolved", unknown.list[i],
			    store_location_name(slot->location));
		if (names_set(names, unknown.list[i], NULL, 0) < 0)
			r = fault_no_memory(fault);
	}
	return r;
}

static bool is_stored(struct stores_slot *slot, const struct name *name)
{
	_cleanup_free_ struct ip_addr *addresses = NULL;
	struct fault fault;
	size_t n = 0;

	return !store_get_addresses(slot->store, name->name, &addresses, &n, &fault) &&
	       n == name->n_addrs && !memcmp(addresses, name->addrs, n * sizeof(*addresses));
}

/* The addresses of all names of @ruleset, where they are not what the store has. */
static int save_names(struct stores *stores, struct stores_slot *slot,
		      const struct ruleset *ruleset, struct fault *fault)
{
	const struct names *names = resolver_names(stores->agent->resolver);
	_cleanup_(name_list_done) struct name_list used = { 0 };
	int r = names_of_rules((struct ruleset *const *)&ruleset, 1, &used) ? fault_no_memory(fault) :
									      0;

	for (size_t i = 0; !r && i < used.n; i++) {
		const struct name *name = names_find(names, used.list[i]);

		if (name && name->n_addrs && !is_stored(slot, name))
			r = store_set_addresses(slot->store, name->name, name->addrs, name->n_addrs,
						fault);
	}
	return r;
}

/* In a transaction of its own, for what is in force already. */
static void save_names_later(struct stores *stores, struct stores_slot *slot)
{
	const struct ruleset *ruleset = stores->agent->rulesets[slot->layer];
	struct fault fault;
	int r;

	if (!slot->store || !ruleset || !ruleset->n_rules)
		return;
	r = store_begin(slot->store, &fault);
	if (!r)
		r = save_names(stores, slot, ruleset, &fault);
	if (!r)
		r = store_commit(slot->store, &fault);
	if (r) {
		store_rollback(slot->store);
		log_warning("the addresses of names were not stored: %s", fault.text);
	}
	slot->version = store_version(slot->store);
}

void stores_save_names(struct stores *stores)
{
	save_names_later(stores, &stores->slots[STORE_LOCATION_PERSISTENT]);
	save_names_later(stores, &stores->slots[STORE_LOCATION_LOCAL]);
}

/* --- putting in force --------------------------------------------------------------------- */

static void set_interval(struct stores *stores)
{
	const struct stores_slot *slot = &stores->slots[STORE_LOCATION_LOCAL];
	const struct store_policy *policy = slot->content ? store_content_assigned(slot->content) :
							    NULL;

	watch_set_interval(stores->watch, policy && policy->polling_minutes ?
			   policy->polling_minutes : STORE_POLLING_MINUTES);
}

/* What is assigned is in force now; says what is other than before. */
static void take_content(struct stores *stores, struct stores_slot *slot,
			 struct store_content *content)
{
	struct store_content *before = slot->content;

	slot->content = content;
	if (before)
		event_store_changed(store_location_name(slot->location), before, content);
	store_content_free(before);
	set_fault(stores, slot->location, NULL);
	set_interval(stores);
}

struct publication {
	struct stores *stores;
	struct stores_slot *slot;
	const struct ruleset *ruleset;
};

static int publish(void *userdata, struct fault *fault)
{
	struct publication *publication = userdata;
	struct stores_slot *slot = publication->slot;
	int r = save_names(publication->stores, slot, publication->ruleset, fault);

	return r ? r : store_commit(slot->store, fault);
}

/* The persistent store's change waits for the next start. */
static bool acts_now(const struct stores_slot *slot)
{
	return slot->location != STORE_LOCATION_PERSISTENT;
}

static int commit(struct stores *stores, const struct stores_slot *slot,
		  struct stores_candidate *candidate, struct publication *publication,
		  struct fault *fault)
{
	struct agent_change change = {
		.which = 1U << slot->layer,
		.publish = publication ? publish : NULL,
		.userdata = publication,
	};

	change.candidates[slot->layer] = TAKE_PTR(candidate->ruleset);
	return agent_commit_layers(stores->agent, &change, fault);
}

/* Block mode, or its end: a store has come in force, or has a fault. */
static void set_mode(struct stores *stores)
{
	if (agent_set_mode(stores->agent))
		log_error("the driver's mode cannot be set: %s", stores->agent->kernel->why);
}

/* What is other than at the start is in force at the next one. */
static void set_waiting(struct stores_slot *slot, struct stores_candidate *candidate)
{
	store_content_free(slot->waiting);
	slot->waiting = candidate->is_new ? TAKE_PTR(candidate->content) : NULL;
}

static bool is_assigned(const struct store_content *content)
{
	return content && store_content_assigned(content);
}

/* Before anything is in force: what is, is so at the next boot, too. */
static int prepare_boot(struct stores *stores, const struct stores_slot *slot,
			const struct stores_candidate *candidate, struct fault *fault)
{
	const struct store_content *content = candidate->is_new ? candidate->content :
								  slot->content;

	return is_assigned(content) ? boot_prepare_policy(stores->agent, fault) : 0;
}

int stores_slot_use(struct stores *stores, struct stores_slot *slot,
		    struct stores_candidate *candidate, struct fault *fault)
{
	struct publication publication = { stores, slot, candidate->ruleset };
	bool is_done = !candidate->is_new || !acts_now(slot);
	int r = prepare_boot(stores, slot, candidate, fault);

	if (!r)
		r = is_done ? publish(&publication, fault) :
			      commit(stores, slot, candidate, &publication, fault);
	if (r)
		return r;
	if (!is_done) {
		take_content(stores, slot, TAKE_PTR(candidate->content));
		set_mode(stores);
	}
	if (!acts_now(slot))
		set_waiting(slot, candidate);
	slot->version = store_version(slot->store);
	boot_update(stores->agent);
	return 0;
}

int stores_slot_try(struct stores *stores, struct stores_slot *slot,
		    struct stores_candidate *candidate, struct fault *fault)
{
	struct agent_change change = { .which = 1U << slot->layer };
	struct layers_difference difference;

	change.candidates[slot->layer] = candidate->ruleset;
	return candidate->is_new ? agent_try_layers(stores->agent, &change, &difference, fault) : 0;
}

/* --- following ---------------------------------------------------------------------------- */

/* What somebody else has stored. 0, or -errno with *fault and the policy before is in force. */
static int follow(struct stores *stores, struct stores_slot *slot, struct fault *fault)
{
	_cleanup_(stores_candidate_done) struct stores_candidate candidate = { 0 };
	int r = stores_slot_compile(stores, slot, &candidate, fault);

	if (r || !candidate.is_new)
		return r;
	r = recall_names(stores, slot, &candidate, fault);
	if (!r)
		r = commit(stores, slot, &candidate, NULL, fault);
	if (r)
		return r;
	take_content(stores, slot, TAKE_PTR(candidate.content));
	save_names_later(stores, slot);
	resolver_refresh(stores->agent->resolver);
	return 0;
}

/* 0, or -errno with *fault, which has been told. */
static int look(struct stores *stores, bool is_forced, struct fault *fault)
{
	struct stores_slot *slot = &stores->slots[STORE_LOCATION_LOCAL];
	uint64_t version;
	int r = stores_slot_open(slot, fault);

	if (!r) {
		/* before it is read: what comes after is a change */
		version = store_version(slot->store);
		if (version && version == slot->version && !slot->fault && !is_forced)
			return 0;
		slot->version = version;
		r = follow(stores, slot, fault);
	}
	if (r)
		report(stores, slot, fault->text);
	else if (slot->fault)
		set_fault(stores, slot->location, NULL);
	set_mode(stores);
	boot_update(stores->agent);
	return r;
}

void stores_look(struct stores *stores)
{
	struct fault fault;

	(void)look(stores, false, &fault);
}

void stores_reread(struct stores *stores)
{
	struct fault fault;

	(void)look(stores, true, &fault);
}

int stores_take_back(struct stores *stores, struct fault *fault)
{
	int r = trial_end(stores->trial, fault);

	if (r)
		return r;
	event_try_ended(NULL);
	return look(stores, true, fault);
}

static void on_watch(void *userdata)
{
	stores_look(userdata);
}

static void on_timed_out(void *userdata, const struct fault *fault)
{
	struct stores *stores = userdata;

	event_try_ended(fault ? fault->text : NULL);
	stores_look(stores);
}

/* --- what there is ------------------------------------------------------------------------ */

const char *stores_fault(const struct stores *stores)
{
	for (size_t i = 0; i < STORE_LOCATION_DOMAIN; i++)
		if (stores->slots[i].fault)
			return stores->slots[i].fault;
	return NULL;
}

const char *stores_slot_policy(const struct stores_slot *slot)
{
	const struct store_policy *policy = slot->content ? store_content_assigned(slot->content) :
							    NULL;

	return policy ? policy->head.name : NULL;
}

bool stores_has_policy(const struct stores *stores)
{
	for (size_t i = 0; i < STORE_LOCATION_DOMAIN; i++) {
		const struct stores_slot *slot = &stores->slots[i];

		if (slot->fault || is_assigned(slot->waiting ? slot->waiting : slot->content))
			return true;
	}
	return false;
}

const struct stores_slot *stores_assigned(const struct stores *stores)
{
	const struct stores_slot *slot = &stores->slots[STORE_LOCATION_LOCAL];

	return stores_slot_policy(slot) ? slot : NULL;
}

void stores_slot_describe(const struct stores *stores, const struct stores_slot *slot,
			  struct policy_store_info *ret_info)
{
	const struct ruleset *ruleset = stores->agent->rulesets[slot->layer];
	const struct store_content *content = slot->waiting ? slot->waiting : slot->content;
	const struct store_policy *policy = content ? store_content_assigned(content) : NULL;

	*ret_info = (struct policy_store_info){
		.store = store_location_name(slot->location),
		.file = slot->path,
		.policy = policy ? policy->head.name : NULL,
		.in_force = policy && !slot->fault && !slot->waiting,
		.rules = policy && ruleset && !slot->waiting ? (uint32_t)ruleset->n_rules : 0,
		.polling_minutes = policy ? policy->polling_minutes : 0,
		.fault = slot->fault ? slot->fault : slot->waiting ?
			 "what is stored waits for the next start of the policy agent" : NULL,
		.try_seconds = slot->location == STORE_LOCATION_LOCAL ?
			       trial_seconds(stores->trial) : 0,
	};
}

int stores_check_strength(const struct stores *stores, struct fault *fault)
{
	const struct stores_slot *slot = &stores->slots[STORE_LOCATION_PERSISTENT];
	const struct store_policy *policy = slot->waiting ? store_content_assigned(slot->waiting) :
							    NULL;
	_cleanup_(ruleset_freep) struct ruleset *ruleset = NULL;
	int r;

	if (trial_seconds(stores->trial))
		return fault_invalid(fault, "strongcrypto=1 has to wait while there is a try: the "
				     "policy before it could not come back; confirm it, or end it");
	if (!policy)
		return 0;
	r = compile_policy(policy, slot->layer, NULL, &ruleset, fault);
	return r ? r : strength_check(&ruleset, 1, fault);
}

/* --- life --------------------------------------------------------------------------------- */

int stores_load(struct stores *stores, enum store_location location, struct agent_change *change,
		struct fault *fault)
{
	_cleanup_(stores_candidate_done) struct stores_candidate candidate = { 0 };
	struct stores_slot *slot = &stores->slots[location];
	int r = open_slot(slot, kinds[location].flags, fault);

	if (!r) {
		slot->version = store_version(slot->store);
		r = stores_slot_compile(stores, slot, &candidate, fault);
	}
	if (!r)
		r = recall_names(stores, slot, &candidate, fault);
	if (r)
		return r;
	store_content_free(slot->loaded);
	slot->loaded = TAKE_PTR(candidate.content);
	change->which |= 1U << slot->layer;
	change->candidates[slot->layer] = TAKE_PTR(candidate.ruleset);
	return 0;
}

void stores_loaded(struct stores *stores, enum store_location location, const char *fault)
{
	struct stores_slot *slot = &stores->slots[location];

	if (fault) {
		report(stores, slot, fault);
		slot->loaded = store_content_free(slot->loaded);
	} else {
		take_content(stores, slot, TAKE_PTR(slot->loaded));
	}
}

bool stores_is_blocking(const struct stores *stores)
{
	for (size_t i = 0; i < STORE_LOCATION_DOMAIN; i++)
		if (stores->slots[i].fault && !stores->slots[i].content)
			return true;
	return false;
}

static int start_trial(struct stores *stores)
{
	struct trial_config config = {
		.event = stores->agent->event,
		.path = stores->slots[STORE_LOCATION_LOCAL].path,
		.timed_out = on_timed_out,
		.userdata = stores,
	};
	struct fault fault;
	bool was_ended;
	int r = trial_new(&config, &stores->trial, &was_ended, &fault);

	if (!stores->trial)
		return -ENOMEM;
	if (r || was_ended)
		event_try_ended(r ? fault.text : NULL);
	return 0;
}

int stores_new(struct agent *agent, const char *dir, struct stores **ret_stores)
{
	_cleanup_(stores_freep) struct stores *stores = calloc(1, sizeof(*stores));
	int r;

	if (!stores)
		return -ENOMEM;
	stores->agent = agent;
	for (enum store_location i = 0; i < STORE_LOCATION_DOMAIN; i++) {
		stores->slots[i].location = i;
		stores->slots[i].layer = kinds[i].layer;
		if (asprintf(&stores->slots[i].path, "%s/%s", dir, store_location_file(i)) < 0) {
			stores->slots[i].path = NULL;
			return -ENOMEM;
		}
	}
	r = start_trial(stores);
	if (!r)
		r = watch_new(agent->event, dir, on_watch, stores, &stores->watch);
	if (r)
		return r;
	*ret_stores = TAKE_PTR(stores);
	return 0;
}

struct stores *stores_free(struct stores *stores)
{
	if (!stores)
		return NULL;
	while (stores->jobs)
		store_job_free(stores->jobs);
	watch_free(stores->watch);
	trial_free(stores->trial);
	for (size_t i = 0; i < STORE_LOCATION_DOMAIN; i++) {
		struct stores_slot *slot = &stores->slots[i];

		store_close(slot->store);
		store_content_free(slot->content);
		store_content_free(slot->loaded);
		store_content_free(slot->waiting);
		free(slot->path);
		free(slot->fault);
	}
	free(stores);
	return NULL;
}
