// SPDX-License-Identifier: MIT
#include "agent/dynamic.h"

#include <errno.h>

#include "policy/fault.h"
#include "agent/support.h"
#include "policy/text.h"

/* --- counted objects ---------------------------------------------------------------------- */

static struct dynamic_mm *mm_new(struct policy_mm_policy *policy)
{
	struct dynamic_mm *mm = calloc(1, sizeof(*mm));

	if (mm)
		*mm = (struct dynamic_mm){ .refs = 1, .policy = policy };
	return mm;
}

static struct dynamic_mm *mm_ref(struct dynamic_mm *mm)
{
	if (mm)
		mm->refs++;
	return mm;
}

static struct dynamic_mm *mm_unref(struct dynamic_mm *mm)
{
	if (mm && !--mm->refs) {
		policy_mm_policy_free(mm->policy);
		free(mm);
	}
	return NULL;
}

static struct dynamic_qm *qm_new(struct policy_qm_policy *policy)
{
	struct dynamic_qm *qm = calloc(1, sizeof(*qm));

	if (qm)
		*qm = (struct dynamic_qm){ .refs = 1, .policy = policy };
	return qm;
}

static struct dynamic_qm *qm_ref(struct dynamic_qm *qm)
{
	if (qm)
		qm->refs++;
	return qm;
}

static struct dynamic_qm *qm_unref(struct dynamic_qm *qm)
{
	if (qm && !--qm->refs) {
		policy_qm_policy_free(qm->policy);
		free(qm);
	}
	return NULL;
}

struct dynamic_rule *dynamic_rule_ref(struct dynamic_rule *rule)
{
	if (rule)
		rule->refs++;
	return rule;
}

struct dynamic_rule *dynamic_rule_unref(struct dynamic_rule *rule)
{
	if (rule && !--rule->refs) {
		mm_unref(rule->mm);
		qm_unref(rule->qm);
		policy_rule_free(rule->rule);
		free(rule);
	}
	return NULL;
}

/* --- snapshots ---------------------------------------------------------------------------- */

struct dynamic *dynamic_new(void)
{
	return calloc(1, sizeof(struct dynamic));
}

struct dynamic *dynamic_free(struct dynamic *dynamic)
{
	if (!dynamic)
		return NULL;
	for (size_t i = 0; i < dynamic->n_rules; i++)
		dynamic_rule_unref(dynamic->rules[i]);
	for (size_t i = 0; i < dynamic->n_mms; i++)
		mm_unref(dynamic->mms[i]);
	for (size_t i = 0; i < dynamic->n_qms; i++)
		qm_unref(dynamic->qms[i]);
	free(dynamic->rules);
	free(dynamic->mms);
	free(dynamic->qms);
	free(dynamic);
	return NULL;
}

struct dynamic *dynamic_copy(const struct dynamic *dynamic)
{
	_cleanup_(dynamic_freep) struct dynamic *copy = dynamic_new();

	if (!copy)
		return NULL;
	copy->last_version = dynamic->last_version;
	copy->mms = calloc(dynamic->n_mms + 1, sizeof(*copy->mms));
	copy->qms = calloc(dynamic->n_qms + 1, sizeof(*copy->qms));
	copy->rules = calloc(dynamic->n_rules + 1, sizeof(*copy->rules));
	if (!copy->mms || !copy->qms || !copy->rules)
		return NULL;
	for (size_t i = 0; i < dynamic->n_mms; i++)
		copy->mms[copy->n_mms++] = mm_ref(dynamic->mms[i]);
	for (size_t i = 0; i < dynamic->n_qms; i++)
		copy->qms[copy->n_qms++] = qm_ref(dynamic->qms[i]);
	for (size_t i = 0; i < dynamic->n_rules; i++)
		copy->rules[copy->n_rules++] = dynamic_rule_ref(dynamic->rules[i]);
	return TAKE_PTR(copy);
}

/* An array of @n pointers with room for one more, or NULL and it is as it was. */
static void *grow(void *items, size_t n)
{
	return reallocarray(items, n + 1, sizeof(void *));
}

/* Closes the gap that the @i-th of @n pointers leaves. */
static void close_gap(void *items, size_t n, size_t i)
{
	char *at = (char *)items + i * sizeof(void *);

	memmove(at, at + sizeof(void *), (n - i - 1) * sizeof(void *));
}

/* --- finding ------------------------------------------------------------------------------ */

static size_t index_of_mm(const struct dynamic *dynamic, const char *name)
{
	size_t i = 0;

	while (i < dynamic->n_mms && !policy_name_is_equal(dynamic->mms[i]->policy->name, name))
		i++;
	return i;
}

static size_t index_of_qm(const struct dynamic *dynamic, const char *name)
{
	size_t i = 0;

	while (i < dynamic->n_qms && !policy_name_is_equal(dynamic->qms[i]->policy->name, name))
		i++;
	return i;
}

static size_t index_of_rule(const struct dynamic *dynamic, const struct policy_rule *selectors)
{
	size_t i = 0;

	while (i < dynamic->n_rules && !policy_rule_is_same(dynamic->rules[i]->rule, selectors))
		i++;
	return i;
}

struct dynamic_mm *dynamic_find_mm(const struct dynamic *dynamic, const char *name)
{
	size_t i = index_of_mm(dynamic, name);

	return i < dynamic->n_mms ? dynamic->mms[i] : NULL;
}

struct dynamic_qm *dynamic_find_qm(const struct dynamic *dynamic, const char *name)
{
	size_t i = index_of_qm(dynamic, name);

	return i < dynamic->n_qms ? dynamic->qms[i] : NULL;
}

struct dynamic_rule *dynamic_find_rule(const struct dynamic *dynamic,
				       const struct policy_rule *selectors)
{
	size_t i = index_of_rule(dynamic, selectors);

	return i < dynamic->n_rules ? dynamic->rules[i] : NULL;
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
	return fault_number(
		fault,
		selectors->has_tunnel ? POLICY_ERROR_TUNNEL_FILTER_NOT_FOUND
				      : POLICY_ERROR_TRANSPORT_FILTER_NOT_FOUND,
		"no rule has exactly these addresses, masks, protocol, ports, mirrored and "
		"conntype; see \"dynamic show rule\"");
}

/* --- adding ------------------------------------------------------------------------------- */

int dynamic_add_mm(struct dynamic *dynamic, struct policy_mm_policy *policy, struct fault *fault)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *owned = policy;
	char why[POLICY_WHY_LEN];
	struct dynamic_mm *mm, **longer;

	if (policy_mm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_mm(policy, fault))
		return -EINVAL;
	if (dynamic_find_mm(dynamic, policy->name))
		return fault_number(fault, POLICY_ERROR_MM_POLICY_EXISTS,
				    "main mode policy \"%s\" exists already; use \"dynamic set "
				    "mmpolicy\", or another name", policy->name);
	if (dynamic->n_mms == DYNAMIC_POLICIES_MAX)
		return fault_failed(fault, "there are %d main mode policies already, the most that "
				    "are kept; delete one", DYNAMIC_POLICIES_MAX);
	longer = grow(dynamic->mms, dynamic->n_mms);
	if (!longer)
		return fault_no_memory(fault);
	dynamic->mms = longer;
	mm = mm_new(owned);
	if (!mm)
		return fault_no_memory(fault);
	owned = NULL;
	dynamic->mms[dynamic->n_mms++] = mm;
	return 0;
}

int dynamic_add_qm(struct dynamic *dynamic, struct policy_qm_policy *policy, struct fault *fault)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *owned = policy;
	char why[POLICY_WHY_LEN];
	struct dynamic_qm *qm, **longer;

	if (policy_qm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_qm(policy, fault))
		return -EINVAL;
	if (dynamic_find_qm(dynamic, policy->name))
		return fault_number(fault, POLICY_ERROR_QM_POLICY_EXISTS,
				    "quick mode policy \"%s\" exists already; use \"dynamic set "
				    "qmpolicy\", or another name", policy->name);
	if (dynamic->n_qms == DYNAMIC_POLICIES_MAX)
		return fault_failed(fault,
				    "there are %d quick mode policies already, the most that "
				    "are kept; delete one",
				    DYNAMIC_POLICIES_MAX);
	longer = grow(dynamic->qms, dynamic->n_qms);
	if (!longer)
		return fault_no_memory(fault);
	dynamic->qms = longer;
	qm = qm_new(owned);
	if (!qm)
		return fault_no_memory(fault);
	owned = NULL;
	dynamic->qms[dynamic->n_qms++] = qm;
	return 0;
}

/* A checked rule with what its names stand for; takes @policy over. NULL with *fault. */
static struct dynamic_rule *rule_new(struct dynamic *dynamic, struct policy_rule *policy,
				     struct fault *fault)
{
	_cleanup_(policy_rule_freep) struct policy_rule *owned = policy;
	struct dynamic_mm *mm = NULL;
	struct dynamic_qm *qm = NULL;
	struct dynamic_rule *rule;
	char why[POLICY_WHY_LEN];

	if (policy_rule_check(policy, why)) {
		fault_invalid(fault, "%s", why);
		return NULL;
	}
	if (support_check_rule(policy, fault))
		return NULL;
	if (policy->mm_policy)
		mm = dynamic_find_mm(dynamic, policy->mm_policy);
	if (policy->mm_policy && !mm) {
		mm_not_found(fault, policy->mm_policy);
		return NULL;
	}
	if (policy->qm_policy)
		qm = dynamic_find_qm(dynamic, policy->qm_policy);
	if (policy->qm_policy && !qm) {
		qm_not_found(fault, policy->qm_policy);
		return NULL;
	}
	rule = calloc(1, sizeof(*rule));
	if (!rule) {
		fault_no_memory(fault);
		return NULL;
	}
	*rule = (struct dynamic_rule){
		.refs = 1,
		.rule = TAKE_PTR(owned),
		.mm = mm_ref(mm),
		.qm = qm_ref(qm),
		.version = ++dynamic->last_version,
	};
	return rule;
}

int dynamic_add_rule(struct dynamic *dynamic, struct policy_rule *policy, struct fault *fault)
{
	enum policy_error exists = policy->has_tunnel ? POLICY_ERROR_TUNNEL_FILTER_EXISTS :
							POLICY_ERROR_TRANSPORT_FILTER_EXISTS;
	struct dynamic_rule *same = dynamic_find_rule(dynamic, policy);
	struct dynamic_rule *rule = rule_new(dynamic, policy, fault);
	struct dynamic_rule **longer;

	if (!rule)
		return -EINVAL;
	if (same) {
		dynamic_rule_unref(rule);
		return fault_number(
			fault, exists,
			"a rule with these addresses, protocol and ports exists already; "
			"use \"dynamic set rule\", or delete it first");
	}
	if (dynamic->n_rules == DYNAMIC_RULES_MAX) {
		dynamic_rule_unref(rule);
		return fault_failed(fault, "there are %d rules already, the most that are kept; "
				    "delete one, or use subnets", DYNAMIC_RULES_MAX);
	}
	longer = grow(dynamic->rules, dynamic->n_rules);
	if (!longer) {
		dynamic_rule_unref(rule);
		return fault_no_memory(fault);
	}
	dynamic->rules = longer;
	dynamic->rules[dynamic->n_rules++] = rule;
	return 0;
}

/* --- changing ----------------------------------------------------------------------------- */

/* Rule @i with other policies or methods; takes @rule over. */
static void replace_rule(struct dynamic *dynamic, size_t i, struct dynamic_rule *rule)
{
	dynamic_rule_unref(dynamic->rules[i]);
	dynamic->rules[i] = rule;
}

/* Gives every rule that uses @mm or @qm (may be NULL) the object of that name in its place. */
static int renew_users(struct dynamic *dynamic, const struct dynamic_mm *mm,
		       const struct dynamic_qm *qm, struct fault *fault)
{
	for (size_t i = 0; i < dynamic->n_rules; i++) {
		const struct dynamic_rule *old = dynamic->rules[i];
		struct policy_rule *copy;
		struct dynamic_rule *rule;

		if (!(mm && old->mm == mm) && !(qm && old->qm == qm))
			continue;
		copy = policy_rule_copy(old->rule);
		if (!copy)
			return fault_no_memory(fault);
		rule = rule_new(dynamic, copy, fault);
		if (!rule)
			return -EINVAL;
		replace_rule(dynamic, i, rule);
	}
	return 0;
}

int dynamic_set_mm(struct dynamic *dynamic, const struct policy_mm_policy *changes,
		   uint32_t given, struct fault *fault)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	size_t i = index_of_mm(dynamic, changes->name);
	struct dynamic_mm *old, *mm;
	char why[POLICY_WHY_LEN];
	int r;

	if (i == dynamic->n_mms)
		return mm_not_found(fault, changes->name);
	old = dynamic->mms[i];
	policy = policy_mm_policy_copy(old->policy);
	if (!policy || policy_mm_policy_merge(policy, changes, given))
		return fault_no_memory(fault);
	if (policy_mm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_mm(policy, fault))
		return -EINVAL;
	if (policy_mm_policy_is_equal(policy, old->policy))
		return 0;	/* no reason to negotiate anew */
	mm = mm_new(policy);
	if (!mm)
		return fault_no_memory(fault);
	policy = NULL;
	dynamic->mms[i] = mm;
	r = renew_users(dynamic, old, NULL, fault);
	mm_unref(old);
	return r;
}

int dynamic_set_qm(struct dynamic *dynamic, const struct policy_qm_policy *changes,
		   uint32_t given, struct fault *fault)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	size_t i = index_of_qm(dynamic, changes->name);
	struct dynamic_qm *old, *qm;
	char why[POLICY_WHY_LEN];
	int r;

	if (i == dynamic->n_qms)
		return qm_not_found(fault, changes->name);
	old = dynamic->qms[i];
	policy = policy_qm_policy_copy(old->policy);
	if (!policy || policy_qm_policy_merge(policy, changes, given))
		return fault_no_memory(fault);
	if (policy_qm_policy_check(policy, why))
		return fault_invalid(fault, "%s", why);
	if (support_check_qm(policy, fault))
		return -EINVAL;
	if (policy_qm_policy_is_equal(policy, old->policy))
		return 0;
	qm = qm_new(policy);
	if (!qm)
		return fault_no_memory(fault);
	policy = NULL;
	dynamic->qms[i] = qm;
	r = renew_users(dynamic, NULL, old, fault);
	qm_unref(old);
	return r;
}

/* Whether negotiations under @a are as good under @b. */
static bool is_same_negotiation(const struct dynamic_rule *a, const struct dynamic_rule *b)
{
	_cleanup_(policy_rule_freep) struct policy_rule *copy = policy_rule_copy(a->rule);

	if (!copy || a->mm != b->mm || a->qm != b->qm)
		return false;
	copy->inbound = b->rule->inbound;
	copy->outbound = b->rule->outbound;
	return policy_rule_is_equal(copy, b->rule);
}

int dynamic_set_rule(struct dynamic *dynamic, const struct policy_rule *changes, uint32_t given,
		     struct fault *fault)
{
	_cleanup_(policy_rule_freep) struct policy_rule *policy = NULL;
	size_t i = index_of_rule(dynamic, changes);
	struct dynamic_rule *old, *rule;

	if (i == dynamic->n_rules)
		return rule_not_found(fault, changes);
	old = dynamic->rules[i];
	policy = policy_rule_copy(old->rule);
	if (!policy || policy_rule_merge(policy, changes, given))
		return fault_no_memory(fault);
	if (policy_rule_is_equal(policy, old->rule))
		return 0;
	rule = rule_new(dynamic, TAKE_PTR(policy), fault);
	if (!rule)
		return -EINVAL;
	if (is_same_negotiation(old, rule))
		rule->version = old->version;
	replace_rule(dynamic, i, rule);
	return 0;
}

/* --- deleting ----------------------------------------------------------------------------- */

static const struct dynamic_rule *user_of(const struct dynamic *dynamic,
					  const struct dynamic_mm *mm, const struct dynamic_qm *qm)
{
	for (size_t i = 0; i < dynamic->n_rules; i++)
		if ((mm && dynamic->rules[i]->mm == mm) || (qm && dynamic->rules[i]->qm == qm))
			return dynamic->rules[i];
	return NULL;
}

static int in_use(struct fault *fault, enum policy_error number, const char *kind,
		  const char *name, const struct dynamic_rule *user)
{
	char *text = policy_rule_to_text(user->rule, false);
	int r = fault_number(fault, number,
			     "%s policy \"%s\" is used by the rule \"%s\"; delete the "
			     "rule first, or give it another policy",
			     kind, name, text ? text : "");

	free(text);
	return r;
}

static int delete_mm_at(struct dynamic *dynamic, size_t i, struct fault *fault)
{
	struct dynamic_mm *mm = dynamic->mms[i];
	const struct dynamic_rule *user = user_of(dynamic, mm, NULL);

	if (user)
		return in_use(fault, POLICY_ERROR_MM_POLICY_IN_USE, "main mode", mm->policy->name,
			      user);
	close_gap(dynamic->mms, dynamic->n_mms--, i);
	mm_unref(mm);
	return 0;
}

int dynamic_delete_mm(struct dynamic *dynamic, const char *name, struct fault *fault)
{
	size_t i;
	int r = 0;

	if (!*name) {
		while (!r && dynamic->n_mms)
			r = delete_mm_at(dynamic, 0, fault);
		return r;
	}
	i = index_of_mm(dynamic, name);
	return i < dynamic->n_mms ? delete_mm_at(dynamic, i, fault) : mm_not_found(fault, name);
}

static int delete_qm_at(struct dynamic *dynamic, size_t i, struct fault *fault)
{
	struct dynamic_qm *qm = dynamic->qms[i];
	const struct dynamic_rule *user = user_of(dynamic, NULL, qm);

	if (user)
		return in_use(fault, POLICY_ERROR_QM_POLICY_IN_USE, "quick mode", qm->policy->name,
			      user);
	close_gap(dynamic->qms, dynamic->n_qms--, i);
	qm_unref(qm);
	return 0;
}

int dynamic_delete_qm(struct dynamic *dynamic, const char *name, struct fault *fault)
{
	size_t i;
	int r = 0;

	if (!*name) {
		while (!r && dynamic->n_qms)
			r = delete_qm_at(dynamic, 0, fault);
		return r;
	}
	i = index_of_qm(dynamic, name);
	return i < dynamic->n_qms ? delete_qm_at(dynamic, i, fault) : qm_not_found(fault, name);
}

static void clear_rules(struct dynamic *dynamic)
{
	while (dynamic->n_rules)
		dynamic_rule_unref(dynamic->rules[--dynamic->n_rules]);
}

int dynamic_delete_rule(struct dynamic *dynamic, const struct policy_rule *selectors,
			struct fault *fault)
{
	struct dynamic_rule *rule;
	size_t i;

	if (!selectors) {
		clear_rules(dynamic);
		return 0;
	}
	i = index_of_rule(dynamic, selectors);
	if (i == dynamic->n_rules)
		return rule_not_found(fault, selectors);
	rule = dynamic->rules[i];
	close_gap(dynamic->rules, dynamic->n_rules--, i);
	dynamic_rule_unref(rule);
	return 0;
}

void dynamic_clear(struct dynamic *dynamic)
{
	clear_rules(dynamic);
	while (dynamic->n_mms)
		mm_unref(dynamic->mms[--dynamic->n_mms]);
	while (dynamic->n_qms)
		qm_unref(dynamic->qms[--dynamic->n_qms]);
}
