/* SPDX-License-Identifier: MIT */
#ifndef AGENT_DYNAMIC_H
#define AGENT_DYNAMIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "policy/model.h"

struct fault;

/*
 * The dynamic layer: policies and rules that live until the service stops.
 *
 * A struct dynamic is a snapshot. To change it, copy it, change the copy, and use the copy when
 * the driver has taken it; a copy that is not wanted is freed and nothing has happened. The
 * objects in it are counted and never change once they are in, so a copy costs three arrays.
 */

#define DYNAMIC_POLICIES_MAX	1024	/* of each kind */
#define DYNAMIC_RULES_MAX	16384

struct dynamic_mm {
	unsigned int refs;
	struct policy_mm_policy *policy;
};

struct dynamic_qm {
	unsigned int refs;
	struct policy_qm_policy *policy;
};

struct dynamic_rule {
	unsigned int refs;
	struct policy_rule *rule;
	struct dynamic_mm *mm;		/* what rule->mm_policy names; a reference, or NULL */
	struct dynamic_qm *qm;
	/*
	 * A new one whenever anything changes that negotiations were made by: methods and policies,
	 * but not the actions. Never 0, never used again.
	 */
	uint64_t version;
};

struct dynamic {
	struct dynamic_mm **mms;	/* in the order of creation, as the others */
	size_t n_mms;
	struct dynamic_qm **qms;
	size_t n_qms;
	struct dynamic_rule **rules;
	size_t n_rules;
	uint64_t last_version;
};

struct dynamic *dynamic_new(void);	/* empty; NULL without memory */
struct dynamic *dynamic_copy(const struct dynamic *dynamic);
struct dynamic *dynamic_free(struct dynamic *dynamic);
DEFINE_CLEANUP(struct dynamic *, dynamic_free);

struct dynamic_rule *dynamic_rule_ref(struct dynamic_rule *rule);
struct dynamic_rule *dynamic_rule_unref(struct dynamic_rule *rule);	/* NULL is allowed */

/* Borrowed, or NULL. */
struct dynamic_mm *dynamic_find_mm(const struct dynamic *dynamic, const char *name);
struct dynamic_qm *dynamic_find_qm(const struct dynamic *dynamic, const char *name);
struct dynamic_rule *dynamic_find_rule(const struct dynamic *dynamic,
				       const struct policy_rule *selectors);

/*
 * The changes. Each takes its object over, whether it succeeds or not, and checks it. 0, or -errno
 * with *fault filled in; after an error the snapshot may have changed and is only good to be freed.
 */
int dynamic_add_mm(struct dynamic *dynamic, struct policy_mm_policy *policy, struct fault *fault);
int dynamic_add_qm(struct dynamic *dynamic, struct policy_qm_policy *policy, struct fault *fault);
int dynamic_add_rule(struct dynamic *dynamic, struct policy_rule *policy, struct fault *fault);
/* @given: enum policy_field; @changes is borrowed here. */
int dynamic_set_mm(struct dynamic *dynamic, const struct policy_mm_policy *changes,
		   uint32_t given, struct fault *fault);
int dynamic_set_qm(struct dynamic *dynamic, const struct policy_qm_policy *changes,
		   uint32_t given, struct fault *fault);
int dynamic_set_rule(struct dynamic *dynamic, const struct policy_rule *changes, uint32_t given,
		     struct fault *fault);
/* An empty @name, or NULL for @selectors, is all of them. */
int dynamic_delete_mm(struct dynamic *dynamic, const char *name, struct fault *fault);
int dynamic_delete_qm(struct dynamic *dynamic, const char *name, struct fault *fault);
int dynamic_delete_rule(struct dynamic *dynamic, const struct policy_rule *selectors,
			struct fault *fault);
void dynamic_clear(struct dynamic *dynamic);

#endif /* AGENT_DYNAMIC_H */
