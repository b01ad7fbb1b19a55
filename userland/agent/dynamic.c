// SPDX-License-Identifier: MIT
#include "agent/dynamic.h"

#include <errno.h>

#include "policy/fault.h"
#include "agent/support.h"
#include "policy/text.h"

/* --- finding ------------------------------------------------------------------------------ */

static size_t index_of_mm(const struct ruleset *ruleset, const char *name)
{
	size_t i = 0;

	while (i < ruleset->n_mms && !policy_name_is_equal(ruleset->mms[i]->policy->name, name))
		i++;
	return i;
}

static size_t index_of_qm(const struct ruleset *ruleset, const char *name)
{
	size_t i = 0;

	while (i < ruleset->n_qms && !policy_name_is_equal(ruleset->qms[i]->policy->name, name))
		i++;
	return i;
}

static size_t index_of_rule(const struct ruleset *ruleset, const struct policy_rule *selectors)
{
	for (size_t i = 0; i < ruleset->n_rules; i++) {
		struct policy_rule rule = ruleset_rule_view(ruleset->rules[i]);

		if (policy_rule_is_same(&rule, selectors))
			return i;
	}
	return ruleset->n_rules;
}

struct ruleset_mm *dynamic_find_mm(const struct ruleset *ruleset, const char *name)
{
	size_t i = index_of_mm(ruleset, name);

	return i < ruleset->n_mms ? ruleset->mms[i] : NULL;
}

struct ruleset_qm *dynamic_find_qm(const struct ruleset *ruleset, const char *name)
{
	size_t i = index_of_qm(ruleset, name);

	return i < ruleset->n_qms ? ruleset->qms[i] : NULL;
}

struct ruleset_rule *dynamic_find_rule(const struct ruleset *ruleset,
				       const struct policy_rule *selectors)
{
	size_t i = index_of_rule(ruleset, selectors);

	return i < ruleset->n_rules ? ruleset->rules[i] : NULL;
}

static int mm_not_found(struct fault *fault, const char *name)
{
	return fault_number(fault, POLICY_ERROR_MM_POLICY_NOT_FOUND,
			    "main mode policy \"%s\" does not exist; see \"dynamic show mmpolicy\"",
			    name);
}

static int qm_not_found(struct fault *fault, const char *name)
{
	return fault_number(
		fault, POLICY_ERROR_QM_POLICY_NOT_FOUND,
		"quick mode policy \"%s\" does not exist; see \"dynamic show qmpolicy\"", name);
}

static int rule_not_found(struct fault *fault, const struct policy_rule *selectors)
{
	if (selectors->main_mode == POLICY_MAIN_MODE_ONLY)
		return fault_number(fault, POLICY_ERROR_MM_FILTER_NOT_FOUND,
				    "no main mode filter has exactly these addresses and masks; see "
				    "\"dynamic show rule\"");
	return fault_number(
		fault,
		selectors->has_tunnel ? POLICY_ERROR_TUNNEL_FILTER_NOT_FOUND
				      : POLICY_ERROR_TRANSPORT_FILTER_NOT_FOUND,
		"no rule has exactly these addresses, masks, protocol, ports, mirrored, conntype "
		"and mainmode; see \"dynamic show rule\"");
}

/* --- adding ------------------------------------------------------------------------------- */

int dynamic_add_mm(struct ruleset *ruleset, struct policy_mm_policy *policy, struct fault *fault)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *owned = policy;
	char why[POLICY_WHY_LEN];
	struct ruleset_mm *mm;

	if (policy_mm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_mm(policy, fault))
		return -EINVAL;
	if (dynamic_find_mm(ruleset, policy->name))
		return fault_number(fault, POLICY_ERROR_MM_POLICY_EXISTS,
				    "main mode policy \"%s\" exists already; use \"dynamic set "
				    "mmpolicy\", or another name", policy->name);
	if (ruleset->n_mms == DYNAMIC_POLICIES_MAX)
		return fault_failed(fault, "there are %d main mode policies already, the most that "
				    "are kept; delete one", DYNAMIC_POLICIES_MAX);
	mm = ruleset_mm_new(TAKE_PTR(owned));
	if (!mm || ruleset_add_mm(ruleset, mm))
		return fault_no_memory(fault);
	return 0;
}

int dynamic_add_qm(struct ruleset *ruleset, struct policy_qm_policy *policy, struct fault *fault)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *owned = policy;
	char why[POLICY_WHY_LEN];
	struct ruleset_qm *qm;

	if (policy_qm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_qm(policy, fault))
		return -EINVAL;
	if (dynamic_find_qm(ruleset, policy->name))
		return fault_number(fault, POLICY_ERROR_QM_POLICY_EXISTS,
				    "quick mode policy \"%s\" exists already; use \"dynamic set "
				    "qmpolicy\", or another name", policy->name);
	if (ruleset->n_qms == DYNAMIC_POLICIES_MAX)
		return fault_failed(fault,
				    "there are %d quick mode policies already, the most that "
				    "are kept; delete one",
				    DYNAMIC_POLICIES_MAX);
	qm = ruleset_qm_new(TAKE_PTR(owned));
	if (!qm || ruleset_add_qm(ruleset, qm))
		return fault_no_memory(fault);
	return 0;
}

/* NULL for no name; -EINVAL with *fault if there is none of that name. */
static int find_policies(const struct ruleset *ruleset, const struct policy_rule *policy,
			 struct ruleset_mm **ret_mm, struct ruleset_qm **ret_qm,
			 struct fault *fault)
{
	*ret_mm = policy->mm_policy ? dynamic_find_mm(ruleset, policy->mm_policy) : NULL;
	if (policy->mm_policy && !*ret_mm)
		return mm_not_found(fault, policy->mm_policy);
	*ret_qm = policy->qm_policy ? dynamic_find_qm(ruleset, policy->qm_policy) : NULL;
	if (policy->qm_policy && !*ret_qm)
		return qm_not_found(fault, policy->qm_policy);
	return 0;
}

/* A checked rule with what its names stand for; takes @policy over. NULL with *fault. */
static struct ruleset_rule *rule_new(const struct ruleset *ruleset, struct policy_rule *policy,
				     struct fault *fault)
{
	_cleanup_(policy_rule_freep) struct policy_rule *owned = policy;
	_cleanup_(ruleset_treatment_unrefp) struct ruleset_treatment *treatment = NULL;
	struct policy_rule *copy;
	struct ruleset_mm *mm;
	struct ruleset_qm *qm;
	struct ruleset_rule *rule = NULL;
	char why[POLICY_WHY_LEN];

	if (policy_rule_check(policy, why)) {
		fault_invalid(fault, "%s", why);
		return NULL;
	}
	if (support_check_rule(policy, fault) ||
	    find_policies(ruleset, policy, &mm, &qm, fault))
		return NULL;
	copy = policy_rule_copy(policy);
	if (copy)
		treatment = ruleset_treatment_new(ruleset->layer, copy, mm, qm);
	if (treatment)
		rule = ruleset_rule_new(treatment, policy);
	if (!rule)
		fault_no_memory(fault);
	return rule;
}

int dynamic_add_rule(struct ruleset *ruleset, struct policy_rule *policy, struct fault *fault)
{
	enum policy_error exists = policy->has_tunnel ? POLICY_ERROR_TUNNEL_FILTER_EXISTS :
							POLICY_ERROR_TRANSPORT_FILTER_EXISTS;
	bool is_mm_filter = policy->main_mode == POLICY_MAIN_MODE_ONLY;
	struct ruleset_rule *same = dynamic_find_rule(ruleset, policy);
	struct ruleset_rule *rule = rule_new(ruleset, policy, fault);

	if (!rule)
		return -EINVAL;
	if (same) {
		ruleset_rule_unref(rule);
		if (is_mm_filter)
			return fault_number(
				fault, POLICY_ERROR_MM_FILTER_EXISTS,
				"a main mode filter with these addresses exists already; use "
				"\"dynamic set rule\", or delete it first");
		return fault_number(
			fault, exists,
			"a rule with these addresses, protocol and ports exists already; "
			"use \"dynamic set rule\", or delete it first");
	}
	if (ruleset->n_rules == DYNAMIC_RULES_MAX) {
		ruleset_rule_unref(rule);
		return fault_failed(fault, "there are %d rules already, the most that are kept; "
				    "delete one, or use subnets", DYNAMIC_RULES_MAX);
	}
	return ruleset_add_rule(ruleset, rule) ? fault_no_memory(fault) : 0;
}

/* --- changing ----------------------------------------------------------------------------- */

/* Rule @i with other policies or methods; takes @rule over. */
static void replace_rule(struct ruleset *ruleset, size_t i, struct ruleset_rule *rule)
{
	ruleset_rule_unref(ruleset->rules[i]);
	ruleset->rules[i] = rule;
}

/* Gives every rule that uses @mm or @qm (may be NULL) the object of that name in its place. */
static int renew_users(struct ruleset *ruleset, const struct ruleset_mm *mm,
		       const struct ruleset_qm *qm, struct fault *fault)
{
	for (size_t i = 0; i < ruleset->n_rules; i++) {
		const struct ruleset_treatment *old = ruleset->rules[i]->treatment;
		struct policy_rule view = ruleset_rule_view(ruleset->rules[i]);
		struct policy_rule *copy;
		struct ruleset_rule *rule;

		if (!(mm && old->mm == mm) && !(qm && old->qm == qm))
			continue;
		copy = policy_rule_copy(&view);
		if (!copy)
			return fault_no_memory(fault);
		rule = rule_new(ruleset, copy, fault);
		if (!rule)
			return -EINVAL;
		replace_rule(ruleset, i, rule);
	}
	return 0;
}

int dynamic_set_mm(struct ruleset *ruleset, const struct policy_mm_policy *changes,
		   uint32_t given, struct fault *fault)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	size_t i = index_of_mm(ruleset, changes->name);
	struct ruleset_mm *old, *mm;
	char why[POLICY_WHY_LEN];
	int r;

	if (i == ruleset->n_mms)
		return mm_not_found(fault, changes->name);
	old = ruleset->mms[i];
	policy = policy_mm_policy_copy(old->policy);
	if (!policy || policy_mm_policy_merge(policy, changes, given))
		return fault_no_memory(fault);
	if (policy_mm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_mm(policy, fault))
		return -EINVAL;
	if (policy_mm_policy_is_equal(policy, old->policy))
		return 0;	/* no reason to negotiate anew */
	mm = ruleset_mm_new(TAKE_PTR(policy));
	if (!mm)
		return fault_no_memory(fault);
	ruleset->mms[i] = mm;
	r = renew_users(ruleset, old, NULL, fault);
	ruleset_mm_unref(old);
	return r;
}

int dynamic_set_qm(struct ruleset *ruleset, const struct policy_qm_policy *changes,
		   uint32_t given, struct fault *fault)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	size_t i = index_of_qm(ruleset, changes->name);
	struct ruleset_qm *old, *qm;
	char why[POLICY_WHY_LEN];
	int r;

	if (i == ruleset->n_qms)
		return qm_not_found(fault, changes->name);
	old = ruleset->qms[i];
	policy = policy_qm_policy_copy(old->policy);
	if (!policy || policy_qm_policy_merge(policy, changes, given))
		return fault_no_memory(fault);
	if (policy_qm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_qm(policy, fault))
		return -EINVAL;
	if (policy_qm_policy_is_equal(policy, old->policy))
		return 0;
	qm = ruleset_qm_new(TAKE_PTR(policy));
	if (!qm)
		return fault_no_memory(fault);
	ruleset->qms[i] = qm;
	r = renew_users(ruleset, NULL, old, fault);
	ruleset_qm_unref(old);
	return r;
}

int dynamic_set_rule(struct ruleset *ruleset, const struct policy_rule *changes, uint32_t given,
		     struct fault *fault)
{
	_cleanup_(policy_rule_freep) struct policy_rule *policy = NULL;
	size_t i = index_of_rule(ruleset, changes);
	struct ruleset_treatment *old;
	struct policy_rule view;
	struct ruleset_rule *rule;

	if (i == ruleset->n_rules)
		return rule_not_found(fault, changes);
	old = ruleset->rules[i]->treatment;
	view = ruleset_rule_view(ruleset->rules[i]);
	policy = policy_rule_copy(&view);
	if (!policy || policy_rule_merge(policy, changes, given))
		return fault_no_memory(fault);
	if (policy_rule_is_equal(policy, &view))
		return 0;
	rule = rule_new(ruleset, TAKE_PTR(policy), fault);
	if (!rule)
		return -EINVAL;
	if (ruleset_treatment_is_same_negotiation(old, rule->treatment))
		rule->treatment->version = old->version;
	replace_rule(ruleset, i, rule);
	return 0;
}

/* --- deleting ----------------------------------------------------------------------------- */

static const struct ruleset_rule *user_of(const struct ruleset *ruleset,
					  const struct ruleset_mm *mm, const struct ruleset_qm *qm)
{
	for (size_t i = 0; i < ruleset->n_rules; i++) {
		const struct ruleset_treatment *treatment = ruleset->rules[i]->treatment;

		if ((mm && treatment->mm == mm) || (qm && treatment->qm == qm))
			return ruleset->rules[i];
	}
	return NULL;
}

static int in_use(struct fault *fault, enum policy_error number, const char *kind,
		  const char *name, const struct ruleset_rule *user)
{
	char *text = ruleset_rule_to_text(user);
	int r = fault_number(fault, number,
			     "%s policy \"%s\" is used by the rule \"%s\"; delete the "
			     "rule first, or give it another policy",
			     kind, name, text ? text : "");

	free(text);
	return r;
}

static int delete_mm_at(struct ruleset *ruleset, size_t i, struct fault *fault)
{
	struct ruleset_mm *mm = ruleset->mms[i];
	const struct ruleset_rule *user = user_of(ruleset, mm, NULL);

	if (user)
		return in_use(fault, POLICY_ERROR_MM_POLICY_IN_USE, "main mode", mm->policy->name,
			      user);
	ruleset_remove_mm(ruleset, i);
	return 0;
}

int dynamic_delete_mm(struct ruleset *ruleset, const char *name, struct fault *fault)
{
	size_t i;
	int r = 0;

	if (!*name) {
		while (!r && ruleset->n_mms)
			r = delete_mm_at(ruleset, 0, fault);
		return r;
	}
	i = index_of_mm(ruleset, name);
	return i < ruleset->n_mms ? delete_mm_at(ruleset, i, fault) : mm_not_found(fault, name);
}

static int delete_qm_at(struct ruleset *ruleset, size_t i, struct fault *fault)
{
	struct ruleset_qm *qm = ruleset->qms[i];
	const struct ruleset_rule *user = user_of(ruleset, NULL, qm);

	if (user)
		return in_use(fault, POLICY_ERROR_QM_POLICY_IN_USE, "quick mode", qm->policy->name,
			      user);
	ruleset_remove_qm(ruleset, i);
	return 0;
}

int dynamic_delete_qm(struct ruleset *ruleset, const char *name, struct fault *fault)
{
	size_t i;
	int r = 0;

	if (!*name) {
		while (!r && ruleset->n_qms)
			r = delete_qm_at(ruleset, 0, fault);
		return r;
	}
	i = index_of_qm(ruleset, name);
	return i < ruleset->n_qms ? delete_qm_at(ruleset, i, fault) : qm_not_found(fault, name);
}

static void clear_rules(struct ruleset *ruleset)
{
	while (ruleset->n_rules)
		ruleset_remove_rule(ruleset, ruleset->n_rules - 1);
}

int dynamic_delete_rule(struct ruleset *ruleset, const struct policy_rule *selectors,
			struct fault *fault)
{
	size_t i;

	if (!selectors) {
		clear_rules(ruleset);
		return 0;
	}
	i = index_of_rule(ruleset, selectors);
	if (i == ruleset->n_rules)
		return rule_not_found(fault, selectors);
	ruleset_remove_rule(ruleset, i);
	return 0;
}

void dynamic_clear(struct ruleset *ruleset)
{
	clear_rules(ruleset);
	while (ruleset->n_mms)
		ruleset_remove_mm(ruleset, ruleset->n_mms - 1);
	while (ruleset->n_qms)
		ruleset_remove_qm(ruleset, ruleset->n_qms - 1);
}
