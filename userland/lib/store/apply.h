/* SPDX-License-Identifier: MIT */
/* What a change does to each kind of object. In a transaction; 0, or -errno with *fault. */
#ifndef STORE_APPLY_H
#define STORE_APPLY_H

#include "store/change.h"
#include "store/sql.h"

/* One per kind; checks the object, the names and the delete rules of objects.md 1. */
int apply_policy(struct store *store, const struct store_change *change, struct fault *fault);
int apply_rule(struct store *store, const struct store_change *change, struct fault *fault);
int apply_default_rule(struct store *store, const struct store_change *change,
		       struct fault *fault);
int apply_filter_list(struct store *store, const struct store_change *change, struct fault *fault);
int apply_filter(struct store *store, const struct store_change *change, struct fault *fault);
int apply_filter_action(struct store *store, const struct store_change *change,
			struct fault *fault);

/* The sentence of an object's own check, with the object before it. */
int apply_refuse(struct fault *fault, enum store_kind kind, const char *name, const char *why);
/* The change is not one that the object can have, or lacks what it is to be. */
int apply_incomplete(struct fault *fault, const struct store_change *change);

/* All rules of a policy that is saved; a default response rule is made if there is none. */
int apply_rules_of_policy(struct store *store, const struct store_policy *policy,
			  int64_t policy_id, struct fault *fault);
/* Refuses when a rule uses the list (or the action) of @kind; @id 0: any that is used. */
int apply_check_unused(struct store *store, enum store_kind kind, int64_t id, struct fault *fault);

#endif /* STORE_APPLY_H */
