// SPDX-License-Identifier: MIT
#include "agent/runs_store.h"

#include <errno.h>

#include "agent/dynamic.h"
#include "policy/fault.h"
#include "store/runs.h"

/* --- loading ------------------------------------------------------------------------------ */

/* Through the same checks as a call of a command; @runs keeps nothing. */
static int add_all(struct ruleset *ruleset, struct policy_runs *runs, struct fault *fault)
{
	int r = 0;

	for (size_t i = 0; !r && i < runs->n_mms; i++)
		r = dynamic_add_mm(ruleset, TAKE_PTR(runs->mms[i]), fault);
	for (size_t i = 0; !r && i < runs->n_qms; i++)
		r = dynamic_add_qm(ruleset, TAKE_PTR(runs->qms[i]), fault);
	for (size_t i = 0; !r && i < runs->n_rules; i++)
		r = dynamic_add_rule(ruleset, TAKE_PTR(runs->rules[i]), fault);
	return r;
}

static int read_ruleset(struct store *store, struct ruleset **ret_ruleset, struct fault *fault)
{
	_cleanup_(ruleset_freep) struct ruleset *ruleset = ruleset_new(RULESET_LAYER_IPSECCMD);
	struct policy_runs runs;
	int r;

	if (!ruleset)
		return fault_no_memory(fault);
	r = store_read_runs(store, &runs, fault);
	if (r)
		return r;
	r = add_all(ruleset, &runs, fault);
	policy_runs_clear(&runs);
	if (!r)
		*ret_ruleset = TAKE_PTR(ruleset);
	return r;
}

int runs_store_load(const char *path, struct ruleset **ret_ruleset, struct fault *fault)
{
	_cleanup_(store_closep) struct store *store = NULL;
	int r = store_open(path, STORE_OPEN_READ, &store, fault);

	if (!r)
		return read_ruleset(store, ret_ruleset, fault);
	if (r != -ENOENT)
		return r;
	*ret_ruleset = NULL;
	return 0;
}

/* --- saving ------------------------------------------------------------------------------- */

static int write_ruleset(struct store *store, const struct ruleset *ruleset, struct fault *fault)
{
	int r = store_clear_runs(store, fault);

	for (size_t i = 0; !r && ruleset && i < ruleset->n_mms; i++)
		r = store_add_mm_policy(store, ruleset->mms[i]->policy, fault);
	for (size_t i = 0; !r && ruleset && i < ruleset->n_qms; i++)
		r = store_add_qm_policy(store, ruleset->qms[i]->policy, fault);
	for (size_t i = 0; !r && ruleset && i < ruleset->n_rules; i++) {
		struct policy_rule rule = ruleset_rule_view(ruleset->rules[i]);

		r = store_add_run_rule(store, &rule, fault);
	}
	return r;
}

int runs_store_save(const char *path, const struct ruleset *ruleset, struct fault *fault)
{
	_cleanup_(store_closep) struct store *store = NULL;
	int r = store_open(path, STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY, &store,
			   fault);

	if (!r)
		r = store_begin(store, fault);
	if (!r)
		r = write_ruleset(store, ruleset, fault);
	return r ? r : store_commit(store, fault);
}
