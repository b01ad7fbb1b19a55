// SPDX-License-Identifier: MIT
#include "agent/compile.h"

#include <errno.h>

#include "agent/support.h"
#include "policy/address.h"
#include "policy/fault.h"

#define SOFT_SA_SECONDS		300	/* what a stored 0 stands for */
#define DEFAULT_RESPONSE	"Default Response"

/* A filter action that is in use, with what it was made to. */
struct used_action {
	const struct store_filter_action *action;
	struct ruleset_qm *qm;		/* reference */
};

struct compiler {
	const struct store_policy *policy;
	struct ruleset *ruleset;
	struct ruleset_mm *mm;			/* the ruleset's */
	struct used_action *actions;		/* sorted by action */
	size_t n_actions;
	struct ruleset_treatment **before;	/* sorted by GUID; borrowed */
	size_t n_before;
	struct fault *fault;
};

static void compiler_done(struct compiler *c)
{
	ruleset_free(c->ruleset);
	for (size_t i = 0; i < c->n_actions; i++)
		ruleset_qm_unref(c->actions[i].qm);
	free(c->actions);
	free(c->before);
}

static const char *name_of(const struct store_rule *rule)
{
	return rule->head.name ? rule->head.name :
	       rule->is_default_response ? "default response rule" : "";
}

/* --- main mode ---------------------------------------------------------------------------- */

static struct policy_mm_policy *mm_policy_of(const struct store_policy *policy)
{
	struct policy_mm_policy *mm = policy_mm_policy_new();

	if (!mm)
		return NULL;
	free(mm->name);
	mm->name = strdup(policy->head.name ? policy->head.name : "");
	mm->quick_modes = store_policy_quick_modes(policy);
	mm->lifetime_minutes = policy->lifetime_minutes;
	mm->soft_sa_seconds = policy->soft_sa_seconds ? policy->soft_sa_seconds : SOFT_SA_SECONDS;
	memcpy(mm->offers, policy->offers, sizeof(mm->offers));
	mm->n_offers = policy->n_offers;
	return mm->name ? mm : policy_mm_policy_free(mm);
}

static int add_mm(struct compiler *c)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = mm_policy_of(c->policy);
	char why[POLICY_WHY_LEN];
	struct fault fault;

	if (!policy)
		return fault_no_memory(c->fault);
	if (policy_mm_policy_check(policy, why))
		return fault_invalid(c->fault, "policy \"%s\": %s", policy->name, why);
	if (support_check_mm(policy, &fault))
		return fault_invalid(c->fault, "policy \"%s\": %s", policy->name, fault.text);
	c->mm = ruleset_mm_new(TAKE_PTR(policy));
	if (!c->mm || ruleset_add_mm(c->ruleset, c->mm))
		return fault_no_memory(c->fault);
	return 0;
}

/* --- quick mode --------------------------------------------------------------------------- */

static struct policy_qm_policy *qm_policy_of(const struct store_filter_action *action)
{
	struct policy_qm_policy *qm = policy_qm_policy_new();

	if (!qm)
		return NULL;
	free(qm->name);
	qm->name = strdup(action->head.name ? action->head.name : DEFAULT_RESPONSE);
	qm->soft = action->soft;
	qm->pfs_group = action->qmpfs ? POLICY_PFS_MAIN_MODE : POLICY_PFS_NONE;
	memcpy(qm->offers, action->offers, sizeof(qm->offers));
	qm->n_offers = action->n_offers;
	return qm->name ? qm : policy_qm_policy_free(qm);
}

/* *ret_qm is a reference. */
static int add_qm(struct compiler *c, const struct store_filter_action *action,
		  struct ruleset_qm **ret_qm)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = qm_policy_of(action);
	struct ruleset_qm *qm;
	char why[POLICY_WHY_LEN];
	struct fault fault;

	if (!policy)
		return fault_no_memory(c->fault);
	if (policy_qm_policy_check(policy, why))
		return fault_invalid(c->fault, "filter action \"%s\" of policy \"%s\": %s",
				     policy->name, c->mm->policy->name, why);
	if (support_check_qm(policy, &fault))
		return fault_invalid(c->fault, "filter action \"%s\" of policy \"%s\": %s",
				     policy->name, c->mm->policy->name, fault.text);
	qm = ruleset_qm_new(TAKE_PTR(policy));
	if (!qm || ruleset_add_qm(c->ruleset, qm))
		return fault_no_memory(c->fault);
	*ret_qm = ruleset_qm_ref(qm);
	return 0;
}

static int compare_actions(const void *a, const void *b)
{
	const struct used_action *x = a, *y = b;

	return (uintptr_t)x->action < (uintptr_t)y->action ? -1 :
	       (uintptr_t)x->action > (uintptr_t)y->action;
}

/* Every action that an active rule uses and that negotiates, once, in no order that is told. */
static int collect_actions(struct compiler *c)
{
	size_t n = 0, kept = 0;

	c->actions = calloc(c->policy->n_rules + 1, sizeof(*c->actions));
	if (!c->actions)
		return fault_no_memory(c->fault);
	for (size_t i = 0; i < c->policy->n_rules; i++) {
		const struct store_rule *rule = c->policy->rules[i];

		if (rule->is_active && rule->action &&
		    rule->action->action == IPSECDRV_ACTION_NEGOTIATE)
			c->actions[n++].action = rule->action;
	}
	qsort(c->actions, n, sizeof(*c->actions), compare_actions);
	for (size_t i = 0; i < n; i++)
		if (!kept || c->actions[kept - 1].action != c->actions[i].action)
			c->actions[kept++] = c->actions[i];
	c->n_actions = kept;
	return 0;
}

/* The qm policy of an action, made when it is first asked for: so they are in the rules' order. */
static int find_qm(struct compiler *c, const struct store_filter_action *action,
		   struct ruleset_qm **ret_qm)
{
	struct used_action key = { .action = action };
	struct used_action *used;
	int r = 0;

	*ret_qm = NULL;
	if (action->action != IPSECDRV_ACTION_NEGOTIATE)
		return 0;
	used = bsearch(&key, c->actions, c->n_actions, sizeof(key), compare_actions);
	if (!used->qm)
		r = add_qm(c, action, &used->qm);
	*ret_qm = used->qm;
	return r;
}

/* --- treatments --------------------------------------------------------------------------- */

static int compare_guids(const void *a, const void *b)
{
	const struct ruleset_treatment *x = *(struct ruleset_treatment *const *)a;
	const struct ruleset_treatment *y = *(struct ruleset_treatment *const *)b;

	return memcmp(&x->guid, &y->guid, sizeof(x->guid));
}

/* What is in force, to be found by the GUIDs of its rules. */
static int sort_before(struct compiler *c, const struct ruleset *before)
{
	size_t n = before ? before->n_rules : 0;

	c->before = calloc(n + 1, sizeof(struct ruleset_treatment *));
	if (!c->before)
		return fault_no_memory(c->fault);
	for (size_t i = 0; i < n; i++) {
		struct ruleset_treatment *treatment = before->rules[i]->treatment;

		/* rules of one treatment lie together */
		if (!c->n_before || c->before[c->n_before - 1] != treatment)
			c->before[c->n_before++] = treatment;
	}
	qsort(c->before, c->n_before, sizeof(struct ruleset_treatment *), compare_guids);
	return 0;
}

static void keep_version(const struct compiler *c, struct ruleset_treatment *treatment)
{
	struct ruleset_treatment **before =
		bsearch(&treatment, c->before, c->n_before, sizeof(struct ruleset_treatment *),
			compare_guids);

	if (before && !sd_id128_is_null(treatment->guid) &&
	    ruleset_treatment_is_same_negotiation(*before, treatment))
		treatment->version = (*before)->version;
}

static int copy_methods(const struct store_rule *from, struct policy_rule *to)
{
	for (size_t i = 0; i < from->n_methods; i++) {
		struct policy_method *method = &to->methods[to->n_methods];

		*method = from->methods[i];
		if (from->methods[i].secret) {
			method->secret = strdup(from->methods[i].secret);
			if (!method->secret)
				return -ENOMEM;
		}
		to->n_methods++;
	}
	return 0;
}

static int set_policies(struct policy_rule *to, const struct ruleset_mm *mm,
			const struct ruleset_qm *qm)
{
	if (!qm)
		return 0;
	to->mm_policy = strdup(mm->policy->name);
	to->qm_policy = strdup(qm->policy->name);
	return to->mm_policy && to->qm_policy ? 0 : -ENOMEM;
}

static bool has_mm_filters(const struct store_rule *rule)
{
	for (size_t i = 0; rule->list && i < rule->list->n_filters; i++)
		if (rule->list->filters[i]->is_main_mode)
			return true;
	return false;
}

/* What the rule says of each of its filters; NULL without memory. */
static struct policy_rule *template_of(const struct compiler *c, const struct store_rule *from,
				       const struct store_filter_action *action,
				       const struct ruleset_qm *qm)
{
	_cleanup_(policy_rule_freep) struct policy_rule *to = policy_rule_new();
	bool is_negotiated = action->action == IPSECDRV_ACTION_NEGOTIATE;

	if (!to)
		return NULL;
	to->n_methods = 0;
	to->outbound = action->action;
	to->inbound = is_negotiated && action->inpass ? IPSECDRV_ACTION_PERMIT : action->action;
	to->connection = from->connection;
	to->has_tunnel = from->has_tunnel;
	to->is_default_response = from->is_default_response;
	to->main_mode = is_negotiated && has_mm_filters(from) ? POLICY_MAIN_MODE_OTHERS :
								POLICY_MAIN_MODE_OWN;
	if ((from->has_tunnel && policy_address_copy(&from->tunnel, &to->tunnel_destination)) ||
	    (is_negotiated && copy_methods(from, to)) || set_policies(to, c->mm, qm))
		return NULL;
	return TAKE_PTR(to);
}

/* What the rule says of its main mode filters: with whom and how, in main mode. */
static void keep_main_mode(struct policy_rule *rule)
{
	rule->main_mode = POLICY_MAIN_MODE_ONLY;
	rule->inbound = rule->outbound = IPSECDRV_ACTION_NEGOTIATE;
	rule->connection = POLICY_CONNECTION_ALL;
	rule->has_tunnel = false;
	policy_address_clear(&rule->tunnel_destination);
	free(rule->qm_policy);
	rule->qm_policy = NULL;
}

static struct ruleset_treatment *treatment_of(struct compiler *c, const struct store_rule *from,
					      const struct store_filter_action *action,
					      struct ruleset_qm *qm, bool is_mm)
{
	_cleanup_(ruleset_treatment_unrefp) struct ruleset_treatment *treatment = NULL;
	struct policy_rule *rule = template_of(c, from, action, qm);

	if (rule && is_mm)
		keep_main_mode(rule);
	if (rule)
		treatment = ruleset_treatment_new(c->ruleset->layer, rule, qm ? c->mm : NULL,
						  is_mm ? NULL : qm);
	if (!treatment)
		return NULL;
	treatment->guid = from->head.guid;
	treatment->name = strdup(name_of(from));
	treatment->policy = strdup(c->mm->policy->name);
	if (!treatment->name || !treatment->policy)
		return NULL;
	keep_version(c, treatment);
	return TAKE_PTR(treatment);
}

/* --- rules -------------------------------------------------------------------------------- */

static int refuse_rule(const struct compiler *c, const struct store_rule *rule, const char *why)
{
	return fault_invalid(c->fault, "rule \"%s\" of policy \"%s\": %s", name_of(rule),
			     c->mm->policy->name, why);
}

static int refuse_filter(const struct compiler *c, const struct store_rule *rule,
			 const struct policy_rule *view, const char *why)
{
	_cleanup_free_ char *source = policy_address_to_text(&view->source);
	_cleanup_free_ char *destination = policy_address_to_text(&view->destination);

	return fault_invalid(c->fault,
			     "rule \"%s\" of policy \"%s\", filter from %s to %s of \"%s\": %s",
			     name_of(rule), c->mm->policy->name, source ? source : "",
			     destination ? destination : "",
			     rule->list ? rule->list->head.name : "", why);
}

/* @selectors says what the traffic is; borrowed. */
static int add_rule(struct compiler *c, const struct store_rule *from,
		    struct ruleset_treatment *treatment, const struct policy_rule *selectors)
{
	struct ruleset_rule *rule = ruleset_rule_new(treatment, selectors);
	struct policy_rule view;
	char why[POLICY_WHY_LEN];

	if (!rule || ruleset_add_rule(c->ruleset, rule))
		return fault_no_memory(c->fault);
	view = ruleset_rule_view(rule);
	if (policy_rule_check(&view, why))
		return refuse_filter(c, from, &view, why);
	return 0;
}

static int add_filter(struct compiler *c, const struct store_rule *from,
		      struct ruleset_treatment *treatment, const struct store_filter *filter)
{
	struct policy_rule selectors = {
		.source = filter->source,
		.destination = filter->destination,
		.protocol = filter->protocol,
		.source_port = filter->source_port,
		.destination_port = filter->destination_port,
		.mirrored = filter->is_main_mode || (filter->mirrored && !from->has_tunnel),
	};

	return add_rule(c, from, treatment, &selectors);
}

static int add_filters(struct compiler *c, const struct store_rule *from,
		       struct ruleset_treatment *treatment, bool is_mm)
{
	struct policy_rule anything = {
		.source.kind = POLICY_ADDRESS_ME,
		.destination.kind = POLICY_ADDRESS_ANY,
		.mirrored = true,
	};
	int r = 0;

	if (from->is_default_response)
		return add_rule(c, from, treatment, &anything);
	for (size_t i = 0; !r && i < from->list->n_filters; i++)
		if (from->list->filters[i]->is_main_mode == is_mm)
			r = add_filter(c, from, treatment, from->list->filters[i]);
	return r;
}

/* @is_mm: its main mode filters, else the others. */
static int compile_part(struct compiler *c, const struct store_rule *from,
			const struct store_filter_action *action, struct ruleset_qm *qm, bool is_mm)
{
	_cleanup_(ruleset_treatment_unrefp) struct ruleset_treatment *treatment =
		treatment_of(c, from, action, qm, is_mm);
	struct fault fault;

	if (!treatment)
		return fault_no_memory(c->fault);
	if (support_check_rule(treatment->rule, &fault))
		return refuse_rule(c, from, fault.text);
	return add_filters(c, from, treatment, is_mm);
}

static int compile_with(struct compiler *c, const struct store_rule *from,
			const struct store_filter_action *action, struct ruleset_qm *qm)
{
	int r = compile_part(c, from, action, qm, false);

	return !r && qm && has_mm_filters(from) ? compile_part(c, from, action, qm, true) : r;
}

static int compile_rule(struct compiler *c, const struct store_rule *from)
{
	struct ruleset_qm *qm = NULL;
	int r;

	if (!from->is_active)
		return 0;
	if (from->is_default_response) {
		if (!from->own_action)
			return refuse_rule(c, from, "it has no security methods");
		r = add_qm(c, from->own_action, &qm);
		if (!r)
			r = compile_with(c, from, from->own_action, qm);
		ruleset_qm_unref(qm);
		return r;
	}
	if (!from->list)
		return refuse_rule(c, from, "its filter list does not exist; give it another one");
	if (!from->action)
		return refuse_rule(c, from, "its filter action does not exist; give it another one");
	r = find_qm(c, from->action, &qm);
	return r ? r : compile_with(c, from, from->action, qm);
}

int compile_policy(const struct store_policy *policy, enum ruleset_layer layer,
		   const struct ruleset *before, struct ruleset **ret_ruleset,
		   struct fault *fault)
{
	struct compiler c = {
		.policy = policy, .ruleset = ruleset_new(layer), .fault = fault,
	};
	int r = c.ruleset ? 0 : fault_no_memory(fault);

	if (!r)
		r = add_mm(&c);
	if (!r)
		r = collect_actions(&c);
	if (!r)
		r = sort_before(&c, before);
	for (size_t i = 0; !r && i < policy->n_rules; i++)
		r = compile_rule(&c, policy->rules[i]);
	if (!r)
		*ret_ruleset = TAKE_PTR(c.ruleset);
	compiler_done(&c);
	return r;
}
