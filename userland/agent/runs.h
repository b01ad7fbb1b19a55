/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RUNS_H
#define AGENT_RUNS_H

#include "agent/ruleset.h"
#include "policy/runs.h"

struct fault;

/*
 * What runs of ipseccmd add to their layer, and under which names. Example, the first run, "ipseccmd
 * -f 0+* -1s 3DES-SHA-2":
 *
 *   comes as    mm "1", qm "1", a rule that names both
 *   becomes     mm "ipseccmd 1", qm "ipseccmd 1", the rule with these
 *
 * The next one, "ipseccmd -f 0+10.0.0.1", names no main mode policy: its rule gets the newest of the
 * layer, "ipseccmd 1", and a quick mode policy "ipseccmd 2".
 */

/*
 * Adds all of them to @ruleset, a copy of ipseccmd's or ipsecpol's layer, under names that are not
 * taken there,
 * and leaves @runs empty. A rule that negotiates and names no main mode policy gets the newest
 * that @ruleset had before, or one with the defaults, which is made then. 0, or -errno with *fault: then
 * @ruleset is only good to be freed.
 */
int runs_add(struct ruleset *ruleset, struct policy_runs *runs, struct fault *fault);

#endif /* AGENT_RUNS_H */
