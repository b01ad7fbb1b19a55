/* SPDX-License-Identifier: MIT */
/*
 * Rows as objects. Whatever is in the file is checked as if a stranger had written it: each value
 * by itself, then the object. -EBADMSG with *fault for what cannot be.
 */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include "store/object.h"
#include "store/sql.h"

/* Which rows; 0 is every one. */
struct load_which {
	int64_t id;
	int64_t of_policy;		/* lists and actions: only those that its rules use */
	bool without_filters;
	bool only_assigned;
	bool only_default_rule;		/* policies: without their other rules */
};

/* Append to @content in the order of creation; not linked. 0, or -errno with *fault. */
int load_lists(struct store *store, const struct load_which *which, struct store_content *content,
	       struct fault *fault);
int load_actions(struct store *store, const struct load_which *which,
		 struct store_content *content, struct fault *fault);
int load_policies(struct store *store, const struct load_which *which,
		  struct store_content *content, struct fault *fault);

/* One of the policy's rules, appended to @policy; @id 0: all of them. */
int load_rules(struct store *store, int64_t policy_id, int64_t id, bool only_default_rule,
	       struct store_policy *policy, struct fault *fault);

/* The rows of a list's filters that have what @pattern has in @given; the caller frees *ret_ids. */
int load_matching_filters(struct store *store, int64_t list_id, const struct store_filter *pattern,
			  uint32_t given, int64_t **ret_ids, size_t *ret_n, struct fault *fault);

#endif /* STORE_LOAD_H */
