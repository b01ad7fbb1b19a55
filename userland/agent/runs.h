/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RUNS_H
#define AGENT_RUNS_H

#include "agent/ruleset.h"

struct fault;

/*
 * What runs of ipseccmd add to their layer. A run is a main mode policy, or a quick mode policy and
 * rules, or both, and anonymous: the names in it only say which of them belong together. Example,
 * the first run of "ipseccmd -f 0+* -1s 3DES-SHA-2":
 *
 *   comes as    mm "1", qm "1", a rule that names both
 *   becomes     mm "ipseccmd 1", qm "ipseccmd 1", the rule with these
 *
 * The next one, "ipseccmd -f 0+10.0.0.1", names no main mode policy: its rule gets the newest of the
 * layer, "ipseccmd 1", and a quick mode policy "ipseccmd 2".
 */

#define RUNS_NAME	"ipseccmd"	/* and a number */

/* One or many runs. The arrays and what is in them are owned. */
struct runs {
	struct policy_mm_policy **mms;
	size_t n_mms;
	struct policy_qm_policy **qms;
	size_t n_qms;
	struct policy_rule **rules;
	size_t n_rules;
};

void runs_done(struct runs *runs);

/* Each takes its object over, whether it succeeds or not. 0 or -ENOMEM. */
int runs_append_mm(struct runs *runs, struct policy_mm_policy *policy);
int runs_append_qm(struct runs *runs, struct policy_qm_policy *policy);
int runs_append_rule(struct runs *runs, struct policy_rule *rule);

/*
 * Adds all of them to @ruleset, a copy of ipseccmd's layer, under names that are not taken there,
 * and leaves @runs empty. A rule that negotiates and names no main mode policy gets the newest
 * that @ruleset had before, or one with the defaults, which is made then. 0, or -errno with *fault: then
 * @ruleset is only good to be freed.
 */
int runs_add(struct ruleset *ruleset, struct runs *runs, struct fault *fault);

#endif /* AGENT_RUNS_H */
