/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DYNAMIC_H
#define AGENT_DYNAMIC_H

#include "agent/ruleset.h"

struct fault;

/*
 * The changes of the dynamic context: policies and rules that live until the service stops. All are
 * of a ruleset of the dynamic layer, a copy that is used when the driver has taken it.
 */

#define DYNAMIC_POLICIES_MAX	1024	/* of each kind */
#define DYNAMIC_RULES_MAX	16384

/* Borrowed, or NULL; linear. */
struct ruleset_mm *dynamic_find_mm(const struct ruleset *ruleset, const char *name);
struct ruleset_qm *dynamic_find_qm(const struct ruleset *ruleset, const char *name);
struct ruleset_rule *dynamic_find_rule(const struct ruleset *ruleset,
				       const struct policy_rule *selectors);

/*
 * Each takes its object over, whether it succeeds or not, and checks it. 0, or -errno
 * with *fault filled in; after an error the snapshot may have changed and is only good to be freed.
 */
int dynamic_add_mm(struct ruleset *ruleset, struct policy_mm_policy *policy, struct fault *fault);
int dynamic_add_qm(struct ruleset *ruleset, struct policy_qm_policy *policy, struct fault *fault);
int dynamic_add_rule(struct ruleset *ruleset, struct policy_rule *policy, struct fault *fault);
/* @given: enum policy_field; @changes is borrowed here. */
int dynamic_set_mm(struct ruleset *ruleset, const struct policy_mm_policy *changes,
		   uint32_t given, struct fault *fault);
int dynamic_set_qm(struct ruleset *ruleset, const struct policy_qm_policy *changes,
		   uint32_t given, struct fault *fault);
int dynamic_set_rule(struct ruleset *ruleset, const struct policy_rule *changes, uint32_t given,
		     struct fault *fault);
/* An empty @name, or NULL for @selectors, is all of them. */
int dynamic_delete_mm(struct ruleset *ruleset, const char *name, struct fault *fault);
int dynamic_delete_qm(struct ruleset *ruleset, const char *name, struct fault *fault);
int dynamic_delete_rule(struct ruleset *ruleset, const struct policy_rule *selectors,
			struct fault *fault);
void dynamic_clear(struct ruleset *ruleset);

#endif /* AGENT_DYNAMIC_H */
