// SPDX-License-Identifier: MIT
/* Policies as a whole. */
#include <errno.h>

#include "store/apply.h"
#include "store/find.h"
#include "store/load.h"
#include "store/save.h"

static int check_policy(const struct store_policy *policy, struct fault *fault)
{
	char why[POLICY_WHY_LEN] = "";
	int err = store_policy_check(policy, why);

	return err ? apply_refuse(fault, STORE_KIND_POLICY, policy->head.name, why) : 0;
}

/* The policy as it is in row @id, 0 for a new one, with all its rules. */
static int put_policy(struct store *store, const struct store_policy *policy, int64_t id,
		      struct fault *fault)
{
	return find_free(store, STORE_KIND_POLICY, &policy->head, id, fault) ?:
	       save_policy(store, policy, &id, fault) ?:
	       sql_run(store, fault, "DELETE FROM rules WHERE policy = ?", "x", id) ?:
	       apply_rules_of_policy(store, policy, id, fault);
}

/*
 * Assignment belongs to the store and not to the policy (objects.md 1): what takes the place of
 * the assigned policy is in force in its stead, or an import would take a machine's protection
 * away.
 */
static int keep_assignment(struct store *store, int64_t id, bool was_assigned, struct fault *fault)
{
	if (!was_assigned)
		return 0;
	return sql_run(store, fault, "UPDATE policies SET is_assigned = 1 WHERE id = ? AND "
		       "NOT EXISTS (SELECT 1 FROM policies WHERE is_assigned)", "x", id);
}

static int import_policy(struct store *store, const struct store_policy *policy,
			 struct fault *fault)
{
	int64_t id = 0, assigned = 0;
	int found = find_guid_if_any(store, STORE_KIND_POLICY, &policy->head.guid, &id, fault);

	if (!found)
		found = find_name_if_any(store, STORE_KIND_POLICY, policy->head.name, &id, fault);
	if (found > 0)
		found = sql_number(store, fault, &assigned,
				   "SELECT is_assigned FROM policies WHERE id = ?", "x", id);
	if (found < 0)
		return found;
	return put_policy(store, policy, id, fault) ?:
	       keep_assignment(store, id, assigned, fault);
}

static int set_policy(struct store *store, const struct store_change *change, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();
	struct load_which which = { .only_default_rule = true };
	struct store_policy *policy;
	int err;

	if (!content)
		return fault_no_memory(fault);
	err = find_object(store, change, &which.id, fault) ?:
	      load_policies(store, &which, content, fault);
	if (err)
		return err;
	policy = content->policies[0];
	if (store_policy_merge(policy, change->store_policy, change->given) < 0)
		return fault_no_memory(fault);
	policy->head.modified = 0;
	err = check_policy(policy, fault) ?:
	      find_free(store, STORE_KIND_POLICY, &policy->head, which.id, fault) ?:
	      save_policy(store, policy, &which.id, fault);
	if (err || !(change->given & STORE_FIELD_ACTIVATEDEFAULTRULE) || !policy->n_rules)
		return err;
	return sql_run(store, fault,
		       "UPDATE rules SET is_active = ?2, modified = strftime('%s', 'now') + 0 "
		       "WHERE policy = ?1 AND is_default_response", "xi", which.id,
		       policy->rules[0]->is_active);
}

static int delete_policies(struct store *store, const struct store_change *change,
			   struct fault *fault)
{
	int64_t id = 0;
	int err = change->is_all ? 0 : find_object(store, change, &id, fault);

	if (err)
		return err;
	return sql_run(store, fault, "DELETE FROM policies WHERE id BETWEEN ? AND ?", "xx", id,
		       id ?: INT64_MAX);
}

int apply_policy(struct store *store, const struct store_change *change, struct fault *fault)
{
	if (change->verb == STORE_VERB_DELETE)
		return delete_policies(store, change, fault);
	if (!change->store_policy)
		return apply_incomplete(fault, change);
	switch (change->verb) {
	case STORE_VERB_ADD:
		return check_policy(change->store_policy, fault) ?:
		       put_policy(store, change->store_policy, 0, fault);
	case STORE_VERB_SET:
		return set_policy(store, change, fault);
	case STORE_VERB_IMPORT:
		return check_policy(change->store_policy, fault) ?:
		       import_policy(store, change->store_policy, fault);
	case STORE_VERB_DELETE:
		break;
	}
	return apply_incomplete(fault, change);
}
