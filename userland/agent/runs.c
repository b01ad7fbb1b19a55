// SPDX-License-Identifier: MIT
#include "agent/runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "agent/dynamic.h"
#include "base/parse.h"
#include "policy/fault.h"

/* The number that a run's name becomes. */
struct alias {
	const char *name;		/* borrowed from the policy that has it */
	unsigned int number;
};

struct aliases {
	const char *prefix;		/* "ipseccmd": the layer's name */
	struct alias *list;
	size_t n;
	size_t last;			/* found; the rules of a run follow each other */
	unsigned int next;
};

/* --- names -------------------------------------------------------------------------------- */

/* N of "ipseccmd N" if @prefix is "ipseccmd", 0 for any other name. */
static unsigned int number_of(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);
	uint32_t number;

	if (strncasecmp(name, prefix, len) != 0 || name[len] != ' ' ||
	    parse_u32_range(name + len + 1, 1, INT32_MAX, &number) < 0)
		return 0;
	return number;
}

static unsigned int largest_number(const struct ruleset *ruleset)
{
	const char *prefix = ruleset_layer_name(ruleset->layer);
	unsigned int largest = 0, number;

	for (size_t i = 0; i < ruleset->n_mms; i++) {
		number = number_of(prefix, ruleset->mms[i]->policy->name);
		largest = number > largest ? number : largest;
	}
	for (size_t i = 0; i < ruleset->n_qms; i++) {
		number = number_of(prefix, ruleset->qms[i]->policy->name);
		largest = number > largest ? number : largest;
	}
	return largest;
}

static const struct alias *find_alias(struct aliases *aliases, const char *name)
{
	for (size_t i = 0; i < aliases->n; i++) {
		size_t at = (aliases->last + i) % aliases->n;

		if (policy_name_is_equal(aliases->list[at].name, name)) {
			aliases->last = at;
			return &aliases->list[at];
		}
	}
	return NULL;
}

static void add_alias(struct aliases *aliases, const char *name)
{
	if (!find_alias(aliases, name))
		aliases->list[aliases->n++] = (struct alias){ name, aliases->next++ };
}

static int check_count(const struct policy_runs *runs, struct fault *fault)
{
	if (runs->n_mms > DYNAMIC_POLICIES_MAX || runs->n_qms > DYNAMIC_POLICIES_MAX ||
	    runs->n_rules > DYNAMIC_RULES_MAX)
		return fault_failed(fault, "these are more than %d policies or %d rules, the most that "
				    "are kept; nothing was changed. Use subnets, or fewer commands",
				    DYNAMIC_POLICIES_MAX, DYNAMIC_RULES_MAX);
	for (size_t i = 0; i < runs->n_mms; i++)
		if (!runs->mms[i]->name)
			return fault_invalid(fault, "name: a main mode policy has none");
	for (size_t i = 0; i < runs->n_qms; i++)
		if (!runs->qms[i]->name)
			return fault_invalid(fault, "name: a quick mode policy has none");
	return 0;
}

static int collect_aliases(const struct ruleset *ruleset, const struct policy_runs *runs,
			   struct aliases *ret_aliases, struct fault *fault)
{
	struct aliases aliases = {
		.prefix = ruleset_layer_name(ruleset->layer),
		.next = largest_number(ruleset) + 1,
	};

	if (check_count(runs, fault))
		return -EINVAL;
	aliases.list = calloc(runs->n_mms + runs->n_qms + 1, sizeof(*aliases.list));
	if (!aliases.list)
		return fault_no_memory(fault);
	for (size_t i = 0; i < runs->n_mms; i++)
		add_alias(&aliases, runs->mms[i]->name);
	for (size_t i = 0; i < runs->n_qms; i++)
		add_alias(&aliases, runs->qms[i]->name);
	*ret_aliases = aliases;
	return 0;
}

/* *name becomes that of the layer; NULL stays. */
static int rename_to(struct aliases *aliases, char **name, struct fault *fault)
{
	const struct alias *alias = *name ? find_alias(aliases, *name) : NULL;
	char *fresh;

	if (!*name)
		return 0;
	if (!alias)
		return fault_invalid(fault, "a rule names the policy \"%s\", which is not of the same call",
				     *name);
	if (asprintf(&fresh, "%s %u", aliases->prefix, alias->number) < 0)
		return fault_no_memory(fault);
	free(*name);
	*name = fresh;
	return 0;
}

/* Rules first: the aliases' names are those of the policies. */
static int rename_rules(struct policy_runs *runs, struct aliases *aliases, struct fault *fault)
{
	int r = 0;

	for (size_t i = 0; !r && i < runs->n_rules; i++) {
		r = rename_to(aliases, &runs->rules[i]->mm_policy, fault);
		if (!r)
			r = rename_to(aliases, &runs->rules[i]->qm_policy, fault);
	}
	return r;
}

/* --- adding ------------------------------------------------------------------------------- */

static bool needs_mm(const struct policy_rule *rule)
{
	return !rule->mm_policy && policy_rule_is_negotiated(rule);
}

/* The current IKE policy's name; the caller frees it. NULL with *fault. */
static char *current_mm(struct ruleset *ruleset, struct aliases *aliases, struct fault *fault)
{
	struct policy_mm_policy *policy;
	char *name = NULL;

	if (ruleset->n_mms) {
		name = strdup(ruleset->mms[ruleset->n_mms - 1]->policy->name);
		if (!name)
			fault_no_memory(fault);
		return name;
	}
	policy = policy_mm_policy_new();
	if (!policy || asprintf(&policy->name, "%s %u", aliases->prefix, aliases->next++) < 0 ||
	    !(name = strdup(policy->name))) {
		policy_mm_policy_free(policy);
		fault_no_memory(fault);
		return NULL;
	}
	if (dynamic_add_mm(ruleset, policy, fault)) {
		free(name);
		return NULL;
	}
	return name;
}

static int name_current(struct ruleset *ruleset, struct policy_runs *runs, struct aliases *aliases,
			struct fault *fault)
{
	_cleanup_free_ char *name = NULL;

	for (size_t i = 0; i < runs->n_rules; i++) {
		struct policy_rule *rule = runs->rules[i];

		if (!needs_mm(rule))
			continue;
		if (!name)
			name = current_mm(ruleset, aliases, fault);
		if (!name)
			return -EINVAL;
		rule->mm_policy = strdup(name);
		if (!rule->mm_policy)
			return fault_no_memory(fault);
	}
	return 0;
}

static int add_policies(struct ruleset *ruleset, struct policy_runs *runs, struct aliases *aliases,
			struct fault *fault)
{
	int r = 0;

	for (size_t i = 0; !r && i < runs->n_mms; i++) {
		struct policy_mm_policy *policy = policy_mm_policy_copy(runs->mms[i]);

		if (!policy)
			return fault_no_memory(fault);
		r = rename_to(aliases, &policy->name, fault);
		if (r)
			policy_mm_policy_free(policy);
		else
			r = dynamic_add_mm(ruleset, policy, fault);
	}
	for (size_t i = 0; !r && i < runs->n_qms; i++) {
		struct policy_qm_policy *policy = policy_qm_policy_copy(runs->qms[i]);

		if (!policy)
			return fault_no_memory(fault);
		r = rename_to(aliases, &policy->name, fault);
		if (r)
			policy_qm_policy_free(policy);
		else
			r = dynamic_add_qm(ruleset, policy, fault);
	}
	return r;
}

/* Takes @rule over, which @same is there for already: -1f may say the same in every run. */
static int add_again(const struct ruleset_rule *same, struct policy_rule *rule, struct fault *fault)
{
	struct policy_rule view = ruleset_rule_view(same);
	int r = 0;

	if (rule->main_mode != POLICY_MAIN_MODE_ONLY)
		r = fault_number(fault, rule->has_tunnel ? POLICY_ERROR_TUNNEL_FILTER_EXISTS :
				 POLICY_ERROR_TRANSPORT_FILTER_EXISTS,
				 "ipseccmd has made a rule for this traffic already, and rules of ipseccmd are "
				 "deleted all together: give ipseccmd -u first, and then all the rules");
	else if (!policy_rule_is_equal(&view, rule))
		r = fault_number(fault, POLICY_ERROR_MM_FILTER_EXISTS,
				 "ipseccmd has made a main mode filter for the addresses of -1f already, with "
				 "other settings or methods: give the same, or ipseccmd -u first");
	policy_rule_free(rule);
	return r;
}

static int add_rules(struct ruleset *ruleset, struct policy_runs *runs, struct fault *fault)
{
	int r = 0;

	for (size_t i = 0; !r && i < runs->n_rules; i++) {
		struct policy_rule *rule = TAKE_PTR(runs->rules[i]);
		const struct ruleset_rule *same = dynamic_find_rule(ruleset, rule);

		r = same ? add_again(same, rule, fault) : dynamic_add_rule(ruleset, rule, fault);
	}
	return r;
}

int runs_add(struct ruleset *ruleset, struct policy_runs *runs, struct fault *fault)
{
	struct aliases aliases = { .n = 0 };
	int r = collect_aliases(ruleset, runs, &aliases, fault);

	if (!r)
		r = rename_rules(runs, &aliases, fault);
	if (!r)
		r = name_current(ruleset, runs, &aliases, fault);
	if (!r)
		r = add_policies(ruleset, runs, &aliases, fault);
	if (!r)
		r = add_rules(ruleset, runs, fault);
	free(aliases.list);
	policy_runs_clear(runs);
	return r;
}
