/* SPDX-License-Identifier: MIT */
/*
 * What ipseccmd's dynamic mode has made: policies and rules like those of the dynamic context,
 * but kept. Their file is a store, whose other tables are empty.
 */
#ifndef STORE_RUNS_H
#define STORE_RUNS_H

#include "policy/runs.h"
#include "store/store.h"

#define STORE_RUNS_FILE "dynamic.db"

/*
 * All of them, as they were added; each is checked as if a stranger had written it. 0, or -errno
 * with *fault.
 */
int store_read_runs(struct store *store, struct policy_runs *ret_runs, struct fault *fault);

/* Each belongs into a transaction (store_begin()). 0, or -errno with *fault. */
int store_clear_runs(struct store *store, struct fault *fault);
int store_add_mm_policy(struct store *store, const struct policy_mm_policy *policy,
			struct fault *fault);
int store_add_qm_policy(struct store *store, const struct policy_qm_policy *policy,
			struct fault *fault);
int store_add_run_rule(struct store *store, const struct policy_rule *rule, struct fault *fault);

#endif /* STORE_RUNS_H */
