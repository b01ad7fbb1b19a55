/* SPDX-License-Identifier: MIT */
/*
 * Objects as rows: what load.h reads. The objects have been checked, and names that must be free
 * are. With *id 0 a new row is made and *id is its number, else the row takes the object's values.
 * What the object does not say (GUID, time) is filled in. 0, or -errno with *fault.
 */
#ifndef STORE_SAVE_H
#define STORE_SAVE_H

#include "store/object.h"
#include "store/sql.h"

/* Without its filters. */
int save_list(struct store *store, const struct store_filter_list *list, int64_t *id,
	      struct fault *fault);
int save_filter(struct store *store, const struct store_filter *filter, int64_t list_id,
		struct fault *fault);
/* @rule_id: of the default response rule that it is a part of; 0 is none. */
int save_action(struct store *store, const struct store_filter_action *action, int64_t rule_id,
		int64_t *id, struct fault *fault);
/* Without its rules. If it is assigned, no other one is after that. */
int save_policy(struct store *store, const struct store_policy *policy, int64_t *id,
		struct fault *fault);
/* With its methods, and a default response rule's action; list and action must exist. */
int save_rule(struct store *store, const struct store_rule *rule, int64_t policy_id, int64_t *id,
	      struct fault *fault);

/* The list or policy has changed, since a part of it has. */
int save_touch_list(struct store *store, int64_t id, struct fault *fault);
int save_touch_policy(struct store *store, int64_t id, struct fault *fault);

#endif /* STORE_SAVE_H */
