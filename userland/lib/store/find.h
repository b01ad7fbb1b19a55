/* SPDX-License-Identifier: MIT */
/* From names, GUIDs and numbers to rows, and the sentences when there is none, or one too many. */
#ifndef STORE_FIND_H
#define STORE_FIND_H

#include "store/change.h"
#include "store/sql.h"

/* "filter list" */
const char *find_noun(enum store_kind kind);

/* Policies, lists, actions. 0, or POLICY_ERROR_OBJECT_NOT_FOUND in *fault, or another -errno. */
int find_name(struct store *store, enum store_kind kind, const char *name, int64_t *ret_id,
	      struct fault *fault);
/* The same by the change's GUID, else its name. */
int find_object(struct store *store, const struct store_change *change, int64_t *ret_id,
		struct fault *fault);
/* 1, 0 when there is none, or -errno with *fault. */
int find_guid_if_any(struct store *store, enum store_kind kind, const sd_id128_t *guid,
		     int64_t *ret_id, struct fault *fault);
int find_name_if_any(struct store *store, enum store_kind kind, const char *name, int64_t *ret_id,
		     struct fault *fault);

/* The rule that the change means, by GUID, or in its policy by name or number. */
int find_rule(struct store *store, const struct store_change *change, int64_t *ret_id,
	      int64_t *ret_policy, struct fault *fault);
int find_default_rule(struct store *store, int64_t policy, const char *name, int64_t *ret_id,
		      struct fault *fault);

/*
 * That no row but @id (0: no row at all) has this name or GUID, which may be NULL or null. 0, or
 * POLICY_ERROR_OBJECT_EXISTS in *fault.
 */
int find_free(struct store *store, enum store_kind kind, const struct store_head *head, int64_t id,
	      struct fault *fault);
/* The same for a rule; its name is looked for in its policy. */
int find_free_rule(struct store *store, const struct store_head *head, int64_t policy, int64_t id,
		   struct fault *fault);

#endif /* STORE_FIND_H */
