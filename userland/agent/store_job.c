// SPDX-License-Identifier: MIT
#include "agent/store_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "agent/agent.h"
#include "agent/stores.h"
#include "store/bus.h"

#define CHANGES_PER_SIGN 1000	/* of life, to the watchdog */
#define HALVED_MAX	256	/* then something else than a few changes is to blame */

#define ERROR_ACCESS_DENIED	5
#define ERROR_GEN_FAILURE	31
#define ERROR_INVALID_PARAMETER	87

/* --- one try ------------------------------------------------------------------------------ */

/* The service's number, or Windows's for what has none. */
static uint32_t number_of(const struct fault *fault)
{
	if (fault->number)
		return fault->number;
	if (!strcmp(fault->name, POLICY_BUS_INVALID))
		return ERROR_INVALID_PARAMETER;
	return !strcmp(fault->name, POLICY_BUS_DENIED) ? ERROR_ACCESS_DENIED : ERROR_GEN_FAILURE;
}

static void clear(struct store_outcome *outcome)
{
	free(outcome->text);
	*outcome = (struct store_outcome){ 0 };
}

static void refuse(struct store_outcome *outcome, const struct fault *fault)
{
	clear(outcome);
	outcome->number = number_of(fault);
	outcome->text = strdup(fault->text);
}

static void refuse_range(struct store_job *job, struct store_range range, const struct fault *fault)
{
	for (size_t i = range.begin; i < range.end; i++)
		refuse(&job->outcomes[i], fault);
}

static bool wants_all(const struct store_job *job)
{
	return job->flags & STORE_APPLY_ALL;
}

/*
 * Applies the changes of a range to the open transaction. How many were made, or -errno of the
 * first one that was refused where all are wanted.
 */
static int apply_range(struct store_job *job, struct store_range range, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = range.begin; i < range.end; i++) {
		struct store_outcome *outcome = &job->outcomes[i];
		struct fault fault;
		int r = store_apply(job->slot->store, &job->changes[i], &fault);

		if (i % CHANGES_PER_SIGN == 0)
			(void)sd_notify(0, "WATCHDOG=1");
		clear(outcome);
		if (r)
			refuse(outcome, &fault);
		if (r && wants_all(job))
			return r;
		n += !r;
	}
	*ret_n = n;
	return 0;
}

static void forget_names(struct store_job *job)
{
	for (size_t i = 0; i < job->n_names; i++)
		free(job->names[i]);
	free(job->names);
	job->names = NULL;
	job->n_names = job->n_asked = 0;
	job->failed_name.text[0] = '\0';
}

/* The name that was asked for last, if there is no address for it; else NULL. */
static const char *failed_name(const struct store_job *job)
{
	return job->failed_name.text[0] ? job->names[job->n_asked - 1] : NULL;
}

/* The copies outlive the candidate. */
static int want_names(struct store_job *job, const struct name_list *unknown, struct fault *fault)
{
	forget_names(job);
	if (!unknown->n)
		return 0;
	job->names = calloc(unknown->n, sizeof(*job->names));
	if (!job->names)
		return fault_no_memory(fault);
	for (; job->n_names < unknown->n; job->n_names++) {
		job->names[job->n_names] = strdup(unknown->list[job->n_names]);
		if (!job->names[job->n_names])
			return fault_no_memory(fault);
	}
	return -EAGAIN;
}

/* -EAGAIN: job->names have to be resolved first. */
static int check_names(struct store_job *job, const struct stores_candidate *candidate,
		       struct fault *fault)
{
	_cleanup_(name_list_done) struct name_list unknown = { 0 };
	const char *failed = failed_name(job);
	size_t kept = 0;
	int r = stores_candidate_unknown(job->stores, candidate, &unknown, fault);

	if (r)
		return r;
	for (size_t i = 0; i < unknown.n; i++) {
		if (!failed || strcasecmp(unknown.list[i], failed) != 0) {
			unknown.list[kept++] = unknown.list[i];
		} else if (!stores_recall_name(job->stores, job->slot, failed)) {
			/* better the addresses that it had than none */
			*fault = job->failed_name;
			return -EINVAL;
		}
	}
	unknown.n = kept;
	return want_names(job, &unknown, fault);
}

/* What is in the transaction is put in force, and stays. */
static int conclude(struct store_job *job, struct fault *fault)
{
	_cleanup_(stores_candidate_done) struct stores_candidate candidate = { 0 };
	bool is_dry = job->flags & STORE_APPLY_DRY_RUN;
	int r = stores_slot_compile(job->stores, job->slot, &candidate, fault);

	if (!r)
		r = check_names(job, &candidate, fault);
	if (!r && (is_dry || job->slot->location == STORE_LOCATION_PERSISTENT))
		r = stores_slot_try(job->stores, job->slot, &candidate, fault);
	if (!r && !is_dry)
		r = stores_slot_use(job->stores, job->slot, &candidate, fault);
	return r;
}

/*
 * 0: the range is dealt with, each change by its outcome. -EAGAIN: once more, when job->names
 * are resolved. Else -errno with *fault: as a whole it cannot be, and nothing of it is.
 */
static int attempt(struct store_job *job, struct store_range range, struct fault *fault)
{
	size_t n = 0;
	int r = stores_slot_open(job->slot, fault);

	if (!r)
		r = store_begin(job->slot->store, fault);
	if (r) {
		refuse_range(job, range, fault);	/* it is none of the changes' fault */
		return 0;
	}
	r = apply_range(job, range, &n) || !n ? 0 : conclude(job, fault);
	/* what was committed is not concerned */
	store_rollback(job->slot->store);
	return r;
}

/* --- all of them -------------------------------------------------------------------------- */

static void push(struct store_job *job, size_t begin, size_t end)
{
	job->ranges[job->n_ranges++] = (struct store_range){ begin, end };
}

/* Whoever is not to blame says who is. */
static void refuse_rest(struct store_job *job)
{
	struct fault fault;

	(void)fault_failed(&fault, "not done, because another change of the same command was "
			   "refused");
	for (size_t i = 0; i < job->n_changes; i++)
		if (!job->outcomes[i].number)
			refuse(&job->outcomes[i], &fault);
}

static bool has_refused(const struct store_job *job)
{
	for (size_t i = 0; i < job->n_changes; i++)
		if (job->outcomes[i].number)
			return true;
	return false;
}

/* As a whole it was refused. */
static void blame(struct store_job *job, struct store_range range, const struct fault *fault)
{
	size_t middle = range.begin + (range.end - range.begin) / 2;

	if (wants_all(job) || range.end - range.begin == 1) {
		refuse(&job->outcomes[range.end - 1], fault);
		return;
	}
	if (++job->n_halved > HALVED_MAX) {
		refuse_range(job, range, fault);
		return;
	}
	push(job, middle, range.end);
	push(job, range.begin, middle);
}

static void step(struct store_job *job);

static int on_defer(sd_event_source *source, void *userdata)
{
	(void)source;
	step(userdata);
	return 0;
}

static int ask(struct store_job *job);

/* The next one; after the last one, or one that failed, the changes are tried again. */
static void on_resolved(void *userdata, int error, const char *why)
{
	struct store_job *job = userdata;

	job->question = NULL;
	if (error)
		(void)fault_invalid(&job->failed_name, "the name \"%s\" cannot be resolved: %s; "
				    "nothing was changed. Use an address, or mend the name",
				    job->names[job->n_asked - 1], why);
	if (error || job->n_asked == job->n_names || ask(job))
		step(job);
}

static int ask(struct store_job *job)
{
	int r = resolver_ask(job->stores->agent->resolver, job->names[job->n_asked], on_resolved,
			     job, &job->question);

	job->n_asked += !r;
	return r;
}

static int go_on_soon(struct store_job *job)
{
	job->defer = sd_event_source_disable_unref(job->defer);
	return sd_event_add_defer(job->stores->agent->event, &job->defer, on_defer, job);
}

/* Tries the next range. 0: go on; 1: wait for what comes. */
static int try_range(struct store_job *job)
{
	struct store_range range = job->ranges[--job->n_ranges];
	struct fault fault = { 0 };
	int r = attempt(job, range, &fault);

	if (r == -EAGAIN) {
		push(job, range.begin, range.end);
		r = ask(job);
		if (!r)
			return 1;
		job->n_ranges--;
		(void)fault_failed(&fault, "too many names wait to be resolved; try again");
	}
	if (r)
		blame(job, range, &fault);
	return job->n_ranges && !go_on_soon(job);
}

static void step(struct store_job *job)
{
	while (job->n_ranges)
		if (try_range(job))
			return;
	if (wants_all(job) && has_refused(job))
		refuse_rest(job);
	job->done(job->userdata, job);
}

void store_job_run(struct store_job *job, void (*done)(void *userdata, struct store_job *job),
		   void *userdata)
{
	job->done = done;
	job->userdata = userdata;
	if (job->n_changes)
		push(job, 0, job->n_changes);
	step(job);
}

/* --- life --------------------------------------------------------------------------------- */

struct store_job *store_job_new(struct stores *stores, struct stores_slot *slot, unsigned int flags)
{
	struct store_job *job = stores->n_jobs < STORE_JOBS_MAX ? calloc(1, sizeof(*job)) : NULL;

	if (!job)
		return NULL;
	job->stores = stores;
	job->slot = slot;
	job->flags = flags;
	job->next = stores->jobs;
	job->place = &stores->jobs;
	if (job->next)
		job->next->place = &job->next;
	stores->jobs = job;
	stores->n_jobs++;
	return job;
}

struct store_job *store_job_free(struct store_job *job)
{
	if (!job)
		return NULL;
	*job->place = job->next;
	if (job->next)
		job->next->place = job->place;
	job->stores->n_jobs--;
	resolver_cancel(job->question);
	forget_names(job);
	sd_event_source_disable_unref(job->defer);
	for (size_t i = 0; i < job->n_changes; i++) {
		store_change_clear(&job->changes[i]);
		clear(&job->outcomes[i]);
	}
	free(job->changes);
	free(job->outcomes);
	free(job->ranges);
	free(job);
	return NULL;
}

/* A range leaves at most two, of which one is gone before the other is looked at. */
static int make_room(struct store_job *job, size_t room)
{
	struct store_change *changes = reallocarray(job->changes, room, sizeof(*changes));
	struct store_outcome *outcomes;
	struct store_range *ranges;

	if (!changes)
		return -ENOMEM;
	job->changes = changes;
	outcomes = reallocarray(job->outcomes, room, sizeof(*outcomes));
	if (!outcomes)
		return -ENOMEM;
	job->outcomes = outcomes;
	ranges = reallocarray(job->ranges, room + 1, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	job->ranges = ranges;
	job->room = room;
	return 0;
}

int store_job_add(struct store_job *job, struct store_change *change)
{
	if (job->n_changes == job->room && make_room(job, job->room * 2 + 8))
		return -ENOMEM;
	job->changes[job->n_changes] = *change;
	job->outcomes[job->n_changes] = (struct store_outcome){ 0 };
	job->n_changes++;
	*change = (struct store_change){ 0 };
	return 0;
}
