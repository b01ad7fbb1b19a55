/* SPDX-License-Identifier: MIT */
#ifndef AGENT_STORE_JOB_H
#define AGENT_STORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/resolve.h"
#include "policy/fault.h"
#include "store/change.h"
#include "store/store.h"

struct stores;
struct stores_slot;

/*
 * The changes of one call, from the first one to the answer.
 *
 * They are made together, in one transaction, because a script of a thousand of them must not cost
 * a thousand times the driver. If what comes of it cannot be put in force, the changes are made in
 * halves, and these in halves, until the ones that are to blame stand alone and are refused; all
 * the others are made. With STORE_APPLY_ALL there are no halves: nothing is made then.
 *
 *   1 2 3 4   3 names a filter that is there twice
 *   [1 2 3 4] refused -> [1 2] made; [3 4] refused -> [3] refused; [4] made
 *
 * Between two tries the loop runs, and DNS names that are new in what is assigned are resolved, all of
 * them before the next try: a name without an address would be a rule that protects nothing, so it is
 * refused.
 */
#define STORE_JOBS_MAX	64	/* that wait for the loop or for a name server */

/* What became of one change: number 0 and no text if it was made. */
struct store_outcome {
	uint32_t number;
	char *text;
};

/* Some of a job's changes that are still to be made. */
struct store_range {
	size_t begin;
	size_t end;
};

struct store_job {
	struct store_job *next;
	struct store_job **place;
	struct stores *stores;
	struct stores_slot *slot;
	unsigned int flags;		/* enum store_apply_flags */
	struct store_change *changes;
	struct store_outcome *outcomes;	/* one for each */
	size_t n_changes;
	size_t room;
	struct store_range *ranges;	/* last one first */
	size_t n_ranges;
	unsigned int n_halved;
	struct resolver_question *question;
	char **names;			/* to be resolved, one after the other */
	size_t n_names;
	size_t n_asked;			/* of these; the last one may wait for its answer */
	struct fault failed_name;	/* why that one has no addresses; text "" if it has */
	sd_event_source *defer;
	void (*done)(void *userdata, struct store_job *job);
	void *userdata;
};

/* For changes of @slot. NULL without memory, or when there are too many. */
struct store_job *store_job_new(struct stores *stores, struct stores_slot *slot, unsigned int flags);
/* NULL is allowed; returns NULL. A job that is not done changes nothing more. */
struct store_job *store_job_free(struct store_job *job);
/* Takes what @change owns over, if it succeeds. 0 or -ENOMEM. */
int store_job_add(struct store_job *job, struct store_change *change);
/* @done is called once, perhaps before this returns, and then frees the job. */
void store_job_run(struct store_job *job, void (*done)(void *userdata, struct store_job *job),
		   void *userdata);

#endif /* AGENT_STORE_JOB_H */
