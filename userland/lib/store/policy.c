// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/methods.h"
#include "store/head.h"
#include "store/object.h"
#include "store/order.h"

/* Without rules; a copy begins so, too. */
static struct store_policy *policy_empty(void)
{
	return calloc(1, sizeof(struct store_policy));
}

struct store_policy *store_policy_new(void)
{
	_cleanup_(store_policy_freep) struct store_policy *policy = policy_empty();
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *defaults = policy_mm_policy_new();

	if (!policy || !defaults)
		return NULL;
	policy->lifetime_minutes = defaults->lifetime_minutes;
	policy->polling_minutes = STORE_POLLING_MINUTES;
	memcpy(policy->offers, defaults->offers, sizeof(policy->offers));
	policy->n_offers = defaults->n_offers;
	if (store_policy_add(policy, store_default_rule_new()) < 0)
		return NULL;
	return TAKE_PTR(policy);
}

struct store_policy *store_policy_copy(const struct store_policy *policy)
{
	_cleanup_(store_policy_freep) struct store_policy *copy = policy_empty();

	if (!copy)
		return NULL;
	*copy = *policy;
	copy->rules = NULL;
	copy->n_rules = 0;
	if (store_head_copy(&policy->head, &copy->head) < 0)
		return NULL;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (store_policy_add(copy, store_rule_copy(policy->rules[i])) < 0)
			return NULL;
	return TAKE_PTR(copy);
}

struct store_policy *store_policy_free(struct store_policy *policy)
{
	if (!policy)
		return NULL;
	store_head_clear(&policy->head);
	for (size_t i = 0; i < policy->n_rules; i++)
		store_rule_free(policy->rules[i]);
	free(policy->rules);
	free(policy);
	return NULL;
}

int store_policy_add(struct store_policy *policy, struct store_rule *rule)
{
	struct store_rule **room = NULL;

	if (rule)
		room = store_array_room(policy->rules, policy->n_rules);
	if (!room) {
		store_rule_free(rule);
		return -ENOMEM;
	}
	policy->rules = room;
	room[policy->n_rules++] = rule;
	return 0;
}

struct store_rule *store_policy_default_rule(const struct store_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i]->is_default_response)
			return policy->rules[i];
	return NULL;
}

uint32_t store_policy_quick_modes(const struct store_policy *policy)
{
	return policy->mmpfs ? 1 : policy->quick_modes;
}

static void merge_key_exchange(struct store_policy *policy, const struct store_policy *changes,
			       uint32_t given)
{
	if (given & STORE_FIELD_MMPFS)
		policy->mmpfs = changes->mmpfs;
	if (given & STORE_FIELD_QMPERMM)
		policy->quick_modes = changes->quick_modes;
	if (given & STORE_FIELD_MMLIFETIME)
		policy->lifetime_minutes = changes->lifetime_minutes;
	if (given & STORE_FIELD_SOFTSAEXPIRATIONTIME)
		policy->soft_sa_seconds = changes->soft_sa_seconds;
	if (given & STORE_FIELD_MMSECMETHODS) {
		memcpy(policy->offers, changes->offers, sizeof(policy->offers));
		policy->n_offers = changes->n_offers;
	}
}

int store_policy_merge(struct store_policy *policy, const struct store_policy *changes,
		       uint32_t given)
{
	struct store_rule *rule = store_policy_default_rule(policy);
	const struct store_rule *changed = store_policy_default_rule(changes);
	struct store_head fresh;

	if (store_head_copy(&changes->head, &fresh) < 0)
		return -ENOMEM;
	store_head_take(&policy->head, &fresh, given);
	store_head_clear(&fresh);
	merge_key_exchange(policy, changes, given);
	if (given & STORE_FIELD_POLLINGINTERVAL)
		policy->polling_minutes = changes->polling_minutes;
	if (given & STORE_FIELD_ASSIGN)
		policy->is_assigned = changes->is_assigned;
	if ((given & STORE_FIELD_ACTIVATEDEFAULTRULE) && rule && changed)
		rule->is_active = changed->is_active;
	return 0;
}

static int check_key_exchange(const struct store_policy *policy, char *why)
{
	int err = 0;

	if (!policy->lifetime_minutes || policy->lifetime_minutes > POLICY_MAX_MINUTES)
		return store_refuse(why, "mmlifetime is 1 to %d minutes", POLICY_MAX_MINUTES);
	if (policy->quick_modes > INT32_MAX)
		return store_refuse(why, "qmpermm is 0 (no limit) to %d quick modes", INT32_MAX);
	if (policy->soft_sa_seconds > STORE_SOFT_SA_MAX_SECONDS)
		return store_refuse(why, "softsaexpirationtime is 0 (the default) to %d seconds",
				    STORE_SOFT_SA_MAX_SECONDS);
	if (!policy->n_offers || policy->n_offers > POLICY_MAX_OFFERS)
		return store_refuse(why, "mmsecmethods: name at least one security method (at most %d)",
				    POLICY_MAX_OFFERS);
	for (size_t i = 0; !err && i < policy->n_offers; i++)
		err = policy_mm_offer_check(&policy->offers[i], why);
	return err;
}

static int check_rule_names(const struct store_policy *policy, char *why)
{
	struct store_names names;
	const char *repeated;
	int err;

	err = store_names_init(&names, STORE_KIND_RULE, policy->rules, policy->n_rules);
	if (err) {
		store_refuse(why, "out of memory");
		return err;
	}
	repeated = store_names_repeated(&names);
	if (repeated)
		err = store_refuse(why, "there are two rules with the name \"%.100s\"; rename one",
				   repeated);
	store_names_done(&names);
	return err;
}

static int check_rules(const struct store_policy *policy, char *why)
{
	size_t n_defaults = 0;
	int err = 0;

	for (size_t i = 0; !err && i < policy->n_rules; i++) {
		n_defaults += policy->rules[i]->is_default_response;
		err = store_rule_check(policy->rules[i], why);
	}
	if (err)
		return err;
	if (n_defaults != 1 || !policy->rules[0]->is_default_response)
		return store_refuse(why, "a policy has one default response rule, before all others: it "
					 "can be deactivated, but not left out");
	return check_rule_names(policy, why);
}

int store_policy_check(const struct store_policy *policy, char why[static POLICY_WHY_LEN])
{
	if (!policy->polling_minutes || policy->polling_minutes > STORE_POLLING_MAX_MINUTES)
		return store_refuse(why, "pollinginterval is 1 to %d minutes", STORE_POLLING_MAX_MINUTES);
	return store_head_check(&policy->head, why) ?: check_key_exchange(policy, why) ?:
	       check_rules(policy, why);
}
