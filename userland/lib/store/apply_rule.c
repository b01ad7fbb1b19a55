// SPDX-License-Identifier: MIT
/* Rules, and the default response rule that every policy has. */
#include <errno.h>
#include <stdio.h>

#include "store/apply.h"
#include "store/find.h"
#include "store/load.h"
#include "store/save.h"

static int check_rule(const struct store_rule *rule, const char *policy, struct fault *fault)
{
	char why[POLICY_WHY_LEN] = "";

	if (!store_rule_check(rule, why))
		return 0;
	if (rule->is_default_response)
		return fault_invalid(fault, "default response rule of policy \"%s\": %s", policy, why);
	return fault_invalid(fault, "rule \"%s\" of policy \"%s\": %s", rule->head.name ?: "", policy,
			     why);
}

static int put_rule(struct store *store, const struct store_rule *rule, int64_t policy, int64_t id,
		    struct fault *fault)
{
	return find_free_rule(store, &rule->head, policy, id, fault) ?:
	       save_rule(store, rule, policy, &id, fault);
}

int apply_rules_of_policy(struct store *store, const struct store_policy *policy,
			  int64_t policy_id, struct fault *fault)
{
	_cleanup_(store_rule_freep) struct store_rule *response = NULL;
	int err = 0;

	if (!store_policy_default_rule(policy)) {
		response = store_default_rule_new();
		if (!response)
			return fault_no_memory(fault);
		response->is_active = false;
		err = put_rule(store, response, policy_id, 0, fault);
	}
	for (size_t i = 0; !err && i < policy->n_rules; i++)
		err = check_rule(policy->rules[i], policy->head.name, fault) ?:
		      put_rule(store, policy->rules[i], policy_id, 0, fault);
	return err;
}

static int add_rule(struct store *store, const struct store_change *change, struct fault *fault)
{
	int64_t policy;
	int err;

	if (!change->policy)
		return fault_invalid(fault, "rule: say of which policy");
	if (change->rule->is_default_response)
		return fault_invalid(fault, "policy \"%s\" has its default response rule already; "
				     "change it with \"set defaultrule\"", change->policy);
	err = check_rule(change->rule, change->policy, fault) ?:
	      find_name(store, STORE_KIND_POLICY, change->policy, &policy, fault) ?:
	      put_rule(store, change->rule, policy, 0, fault);
	return err ?: save_touch_policy(store, policy, fault);
}

/* Changes the rule in row @id, of either kind. */
static int merge_rule(struct store *store, const struct store_change *change, int64_t policy_id,
		      int64_t id, struct fault *fault)
{
	_cleanup_(store_policy_freep) struct store_policy *policy = store_policy_new();
	struct store_rule *rule;
	int err;

	if (!policy)
		return fault_no_memory(fault);
	err = load_rules(store, policy_id, id, false, policy, fault);
	if (err)
		return err;
	/* A new policy has a rule of its own. */
	rule = policy->rules[policy->n_rules - 1];
	if (store_rule_merge(rule, change->rule, change->given) < 0)
		return fault_no_memory(fault);
	rule->head.modified = 0;
	return check_rule(rule, change->policy ?: "", fault) ?:
	       put_rule(store, rule, policy_id, id, fault) ?:
	       save_touch_policy(store, policy_id, fault);
}

static int set_rule(struct store *store, const struct store_change *change, struct fault *fault)
{
	int64_t id, policy;

	return find_rule(store, change, &id, &policy, fault) ?:
	       merge_rule(store, change, policy, id, fault);
}

static int refuse_default(const struct store_change *change, struct fault *fault)
{
	return fault_invalid(fault, "the default response rule of policy \"%s\" cannot be deleted; "
			     "switch it off with \"set defaultrule activate=no\"",
			     change->policy ?: "");
}

static int delete_one_rule(struct store *store, const struct store_change *change,
			   struct fault *fault)
{
	int64_t id, policy, is_default = 0;
	int err = find_rule(store, change, &id, &policy, fault);

	if (err)
		return err;
	err = sql_number(store, fault, &is_default,
			 "SELECT is_default_response FROM rules WHERE id = ?", "x", id);
	if (err < 0)
		return err;
	if (is_default)
		return refuse_default(change, fault);
	return sql_run(store, fault, "DELETE FROM rules WHERE id = ?", "x", id) ?:
	       save_touch_policy(store, policy, fault);
}

static int delete_all_rules(struct store *store, const struct store_change *change,
			    struct fault *fault)
{
	int64_t policy;
	int err;

	if (!change->policy)
		return fault_invalid(fault, "rule: say of which policy");
	err = find_name(store, STORE_KIND_POLICY, change->policy, &policy, fault) ?:
	      sql_run(store, fault, "DELETE FROM rules WHERE policy = ? AND NOT is_default_response",
		      "x", policy);
	return err ?: save_touch_policy(store, policy, fault);
}

int apply_rule(struct store *store, const struct store_change *change, struct fault *fault)
{
	if (change->verb == STORE_VERB_DELETE)
		return change->is_all ? delete_all_rules(store, change, fault) :
		       delete_one_rule(store, change, fault);
	if (change->verb == STORE_VERB_ADD && change->rule)
		return add_rule(store, change, fault);
	if (change->verb == STORE_VERB_SET && change->rule)
		return set_rule(store, change, fault);
	return apply_incomplete(fault, change);
}

int apply_default_rule(struct store *store, const struct store_change *change,
		       struct fault *fault)
{
	int64_t policy, id;
	int err;

	if (!change->policy)
		return fault_invalid(fault, "default response rule: say of which policy");
	if (change->verb == STORE_VERB_DELETE)
		return refuse_default(change, fault);
	if (change->verb != STORE_VERB_SET || !change->rule)
		return apply_incomplete(fault, change);
	if (change->given & (STORE_FIELD_NEWNAME | STORE_FIELD_FILTERLIST |
			     STORE_FIELD_FILTERACTION | STORE_FIELD_TUNNEL | STORE_FIELD_CONNTYPE))
		return fault_invalid(fault, "the default response rule of policy \"%s\" has no name, "
				     "filterlist, filteraction, tunnel or conntype; leave them out",
				     change->policy);
	err = find_name(store, STORE_KIND_POLICY, change->policy, &policy, fault) ?:
	      find_default_rule(store, policy, change->policy, &id, fault);
	return err ?: merge_rule(store, change, policy, id, fault);
}
