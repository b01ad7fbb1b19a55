// SPDX-License-Identifier: MIT
#include "ipseccmd/static_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ipseccmd/plan.h"
#include "policy/address.h"
#include "policy/authmethod.h"

/* One run at work. */
struct work {
	struct static_plan *plan;
	struct run *run;
	struct store_policy *policy;	/* borrowed from the content */
	struct store_rule *rule;
	char *why;
};

__attribute__((format(printf, 2, 3)))
static int refuse(struct work *work, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(work->why, RUN_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(struct work *work)
{
	snprintf(work->why, RUN_WHY_LEN, "out of memory");
	return -ENOMEM;
}

void static_plan_clear(struct static_plan *plan)
{
	store_content_free(plan->content);
	for (size_t i = 0; i < plan->n_changes; i++)
		store_change_clear(&plan->changes[i]);
	free(plan->changes);
	*plan = (struct static_plan){ .content = NULL };
}

/* --- the content -------------------------------------------------------------------------- */

/* NULL for no name, as a rule with a dangling reference has. */
static struct store_filter_list *find_list(const struct work *work, const char *name)
{
	const struct store_content *content = work->plan->content;

	for (size_t i = 0; name && i < content->n_lists; i++)
		if (policy_name_is_equal(content->lists[i]->head.name, name))
			return content->lists[i];
	return NULL;
}

static struct store_filter_action *find_action(const struct work *work, const char *name)
{
	const struct store_content *content = work->plan->content;

	for (size_t i = 0; name && i < content->n_actions; i++)
		if (policy_name_is_equal(content->actions[i]->head.name, name))
			return content->actions[i];
	return NULL;
}

static bool uses(const struct store_rule *rule, const char *name, bool is_list)
{
	const char *used = is_list ? rule->filter_list : rule->filter_action;

	return used && policy_name_is_equal(used, name);
}

/* How many rules use a list or an action; those of @except (may be NULL) do not count. */
static size_t count_users(const struct work *work, const char *name, bool is_list,
			  const struct store_policy *except)
{
	const struct store_content *content = work->plan->content;
	size_t n = 0;

	for (size_t i = 0; i < content->n_policies; i++) {
		const struct store_policy *policy = content->policies[i];

		for (size_t j = 0; policy != except && j < policy->n_rules; j++)
			n += uses(policy->rules[j], name, is_list);
	}
	return n;
}

static struct store_rule *find_rule(const struct store_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i]->head.name &&
		    policy_name_is_equal(policy->rules[i]->head.name, name))
			return policy->rules[i];
	return NULL;
}

static int set_name(char **field, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* --- changes ------------------------------------------------------------------------------ */

/* One change more, without its object and what it finds; NULL without memory. */
static struct store_change *new_change(struct work *work, enum store_verb verb, enum store_kind kind)
{
	struct static_plan *plan = work->plan;
	struct store_change *longer = plan->changes;

	if (!(plan->n_changes & (plan->n_changes - 1)))
		longer = reallocarray(longer, plan->n_changes ? 2 * plan->n_changes : 1,
				      sizeof(*longer));
	if (!longer)
		return NULL;
	plan->changes = longer;
	longer[plan->n_changes] = (struct store_change){ .verb = verb, .kind = kind };
	return &longer[plan->n_changes++];
}

/* For SET and DELETE: of what has this name. */
static struct store_change *new_change_of(struct work *work, enum store_verb verb,
					  enum store_kind kind, const char *name)
{
	struct store_change *change = new_change(work, verb, kind);

	if (change && !(change->name = strdup(name)))
		return NULL;
	return change;
}

static int delete_list(struct work *work, const char *name)
{
	struct store_content *content = work->plan->content;

	if (!new_change_of(work, STORE_VERB_DELETE, STORE_KIND_FILTER_LIST, name))
		return no_memory(work);
	for (size_t i = 0; i < content->n_lists; i++) {
		if (!policy_name_is_equal(content->lists[i]->head.name, name))
			continue;
		store_filter_list_free(content->lists[i]);
		memmove(&content->lists[i], &content->lists[i + 1],
			(--content->n_lists - i) * sizeof(content->lists[0]));
	}
	return 0;
}

static int delete_action(struct work *work, const char *name)
{
	struct store_content *content = work->plan->content;

	if (!new_change_of(work, STORE_VERB_DELETE, STORE_KIND_FILTER_ACTION, name))
		return no_memory(work);
	for (size_t i = 0; i < content->n_actions; i++) {
		if (!policy_name_is_equal(content->actions[i]->head.name, name))
			continue;
		store_filter_action_free(content->actions[i]);
		memmove(&content->actions[i], &content->actions[i + 1],
			(--content->n_actions - i) * sizeof(content->actions[0]));
	}
	return 0;
}

/* --- policies ----------------------------------------------------------------------------- */

/* What the -1 flags and the polling interval say; the fields' bits. */
static uint32_t fill_policy(const struct run *run, struct store_policy *policy)
{
	uint32_t given = 0;

	if (run->has_polling) {
		policy->polling_minutes = run->polling_minutes ?: STORE_POLLING_MINUTES;
		given |= STORE_FIELD_POLLINGINTERVAL;
	}
	if (run->n_mm_offers) {
		memcpy(policy->offers, run->mm_offers, sizeof(policy->offers));
		policy->n_offers = run->n_mm_offers;
		given |= STORE_FIELD_MMSECMETHODS;
	}
	if (run->mm_life.has_quick_modes) {
		policy->quick_modes = run->mm_life.quick_modes;
		given |= STORE_FIELD_QMPERMM;
	}
	if (run->mm_life.has_seconds) {
		policy->lifetime_minutes = run->mm_life.seconds / 60;
		given |= STORE_FIELD_MMLIFETIME;
	}
	if (run->given & RUN_GIVEN_MM_PFS) {
		policy->mmpfs = true;
		given |= STORE_FIELD_MMPFS;
	}
	if (run->given & RUN_GIVEN_SOFT_LIFE) {
		policy->soft_sa_seconds = run->soft_seconds;
		given |= STORE_FIELD_SOFTSAEXPIRATIONTIME;
	}
	return given;
}

static int add_policy(struct work *work)
{
	_cleanup_(store_policy_freep) struct store_policy *policy = store_policy_new();
	struct store_change *change = new_change(work, STORE_VERB_ADD, STORE_KIND_POLICY);
	struct store_rule *response = policy ? store_policy_default_rule(policy) : NULL;

	if (!change || !response || set_name(&policy->head.name, work->run->policy))
		return no_memory(work);
	policy->is_tool = true;
	/* -f DEFAULT makes it one. */
	response->is_active = false;
	fill_policy(work->run, policy);
	change->store_policy = store_policy_copy(policy);
	if (!change->store_policy)
		return no_memory(work);
	work->policy = policy;
	if (store_content_add_policy(work->plan->content, TAKE_PTR(policy)))
		return no_memory(work);
	return 0;
}

/* Sets fields of the run's policy; @changes is taken over. */
static int set_policy(struct work *work, struct store_policy *changes, uint32_t given)
{
	struct store_change *change = new_change_of(work, STORE_VERB_SET, STORE_KIND_POLICY,
						    work->policy->head.name);

	if (!change || store_policy_merge(work->policy, changes, given)) {
		store_policy_free(changes);
		return no_memory(work);
	}
	change->store_policy = changes;
	change->given = given;
	return 0;
}

static int change_policy(struct work *work)
{
	struct store_policy *changes = store_policy_new();
	uint32_t given;

	if (!changes)
		return no_memory(work);
	given = fill_policy(work->run, changes);
	if (given)
		return set_policy(work, changes, given);
	store_policy_free(changes);
	return 0;
}

static int assign_policy(struct work *work)
{
	struct store_policy *changes;

	if (!(work->run->given & (RUN_GIVEN_ASSIGN | RUN_GIVEN_UNASSIGN)))
		return 0;
	changes = store_policy_new();
	if (!changes)
		return no_memory(work);
	changes->is_assigned = work->run->given & RUN_GIVEN_ASSIGN;
	return set_policy(work, changes, STORE_FIELD_ASSIGN);
}

static int not_ours(struct work *work)
{
	return refuse(work, "policy \"%s\" was not made by ipseccmd, so that it cannot change it: use "
		      "ipsecctl static set or delete, or another name", work->policy->head.name);
}

static int delete_parts(struct work *work)
{
	const struct store_policy *policy = work->policy;
	int err = 0;

	for (size_t i = 0; !err && i < policy->n_rules; i++) {
		const char *list = policy->rules[i]->filter_list;
		const char *action = policy->rules[i]->filter_action;

		if (list && find_list(work, list) && !count_users(work, list, true, policy))
			err = delete_list(work, list);
		if (!err && action && find_action(work, action) &&
		    !count_users(work, action, false, policy))
			err = delete_action(work, action);
	}
	return err;
}

/* The policy first: what a rule uses cannot go. */
static int delete_policy(struct work *work)
{
	struct store_content *content = work->plan->content;
	int err;

	if (!work->policy)
		return refuse(work, "-o: policy \"%s\" does not exist; ipsecctl static show policy all lists "
			      "them", work->run->policy);
	if (!work->policy->is_tool)
		return not_ours(work);
	if (!new_change_of(work, STORE_VERB_DELETE, STORE_KIND_POLICY, work->policy->head.name))
		return no_memory(work);
	err = delete_parts(work);
	for (size_t i = 0; !err && i < content->n_policies; i++) {
		if (content->policies[i] != work->policy)
			continue;
		store_policy_free(content->policies[i]);
		memmove(&content->policies[i], &content->policies[i + 1],
			(--content->n_policies - i) * sizeof(content->policies[0]));
		break;
	}
	return err;
}

/* --- lists -------------------------------------------------------------------------------- */

static struct store_filter *make_filter(const struct filterspec *spec)
{
	struct store_filter *filter = store_filter_new();

	if (!filter)
		return NULL;
	if (policy_address_copy(&spec->source.address, &filter->source) ||
	    policy_address_copy(&spec->destination.address, &filter->destination))
		return store_filter_free(filter);
	filter->source_port = spec->source.port;
	filter->destination_port = spec->destination.port;
	filter->protocol = spec->protocol;
	filter->mirrored = spec->mirrored;
	return filter;
}

static int add_filter(struct work *work, struct store_filter_list *list,
		      const struct filterspec *spec, bool is_main_mode)
{
	struct store_change *change = new_change(work, STORE_VERB_ADD, STORE_KIND_FILTER);
	char why[POLICY_WHY_LEN];

	if (!change || !(change->list = strdup(list->head.name)) ||
	    !(change->filter = make_filter(spec)))
		return no_memory(work);
	if (is_main_mode)
		change->filter->is_main_mode = change->filter->mirrored = true;
	if (store_filter_check(change->filter, why))
		return refuse(work, "%s: %s", is_main_mode ? "-1f" : "-f", why);
	return store_filter_list_add(list, store_filter_copy(change->filter)) ? no_memory(work) : 0;
}

/* Those of @from (may be NULL) that are main mode filters, or that are not. */
static int keep_filters(struct work *work, const struct store_filter_list *from,
			struct store_filter_list *list, bool is_main_mode)
{
	for (size_t i = 0; from && i < from->n_filters; i++) {
		const struct store_filter *filter = from->filters[i];
		struct store_change *change;

		if (filter->is_main_mode != is_main_mode)
			continue;
		change = new_change(work, STORE_VERB_ADD, STORE_KIND_FILTER);
		if (!change || !(change->list = strdup(list->head.name)) ||
		    !(change->filter = store_filter_copy(filter)) ||
		    store_filter_list_add(list, store_filter_copy(filter)))
			return no_memory(work);
	}
	return 0;
}

static int add_filters(struct work *work, const struct store_filter_list *old,
		       struct store_filter_list *list, bool negotiates)
{
	int err = work->run->filters.n ? 0 : keep_filters(work, old, list, false);

	for (size_t i = 0; err >= 0 && i < work->run->filters.n; i++) {
		struct filterspec spec;

		err = plan_spec(work->run, negotiates, i, &spec, work->why);
		if (err > 0)
			err = add_filter(work, list, &spec, false);
	}
	return err < 0 ? err : 0;
}

static int add_mm_filters(struct work *work, const struct store_filter_list *old,
			  struct store_filter_list *list)
{
	size_t n = plan_mm_filters(work->run);
	int err = work->run->mm_filters.n ? 0 : keep_filters(work, old, list, true);

	for (size_t i = 0; !err && i < n; i++)
		if (!plan_is_repeated(work->run, i))
			err = add_filter(work, list, &work->run->mm_filters.list[i], true);
	return err;
}

/* A list of this name with what -f and -1f say; what they do not say is @old's (may be NULL). */
static int add_list(struct work *work, const struct store_filter_list *old, const char *name,
		    bool negotiates)
{
	struct store_change *change = new_change(work, STORE_VERB_ADD, STORE_KIND_FILTER_LIST);
	struct store_filter_list *list = store_filter_list_new();

	if (!change || !list || set_name(&list->head.name, name) ||
	    !(change->filter_list = store_filter_list_copy(list))) {
		store_filter_list_free(list);
		return no_memory(work);
	}
	if (store_content_add_list(work->plan->content, list))
		return no_memory(work);
	return add_filters(work, old, list, negotiates) ?: add_mm_filters(work, old, list);
}

/* "R filter list"; if something else is called so, "R filter list of P", with a number at last. */
static char *free_name(const struct work *work, const char *what, bool is_list)
{
	char *name = NULL;

	for (unsigned int i = 0; i < 1000; i++) {
		char number[16] = "";
		bool is_taken;

		if (i > 1)
			snprintf(number, sizeof(number), " %u", i);
		if (asprintf(&name, "%s filter %s%s%s%s", work->run->rule, what, i ? " of " : "",
			     i ? work->policy->head.name : "", number) < 0)
			return NULL;
		is_taken = is_list ? find_list(work, name) != NULL : find_action(work, name) != NULL;
		if (!is_taken)
			return name;
		free(name);
	}
	return NULL;
}

/* --- actions ------------------------------------------------------------------------------ */

/* What -n and -soft say; the fields' bits, or -EINVAL. */
static int fill_action(struct work *work, struct store_filter_action *action, uint32_t *ret_given)
{
	static const enum ipsecdrv_action actions[] = {
		[RUN_ACTION_NEGOTIATE] = IPSECDRV_ACTION_NEGOTIATE,
		[RUN_ACTION_BLOCK] = IPSECDRV_ACTION_BLOCK,
		[RUN_ACTION_PASS] = IPSECDRV_ACTION_PERMIT,
	};
	struct run *run = work->run;
	uint8_t group;
	int err;

	*ret_given = 0;
	if (run->given & RUN_GIVEN_SOFT) {
		action->soft = true;
		*ret_given |= STORE_FIELD_SOFT;
	}
	err = plan_offers(run, action->offers, &action->n_offers, &group, work->why);
	if (err || !(run->given & RUN_GIVEN_OFFERS))
		return err;
	action->action = actions[run->action];
	action->inpass = run->inpass;
	action->qmpfs = group != POLICY_PFS_NONE;
	*ret_given |= STORE_FIELD_ACTION | STORE_FIELD_INPASS;
	if (run->n_offers)
		*ret_given |= STORE_FIELD_QMSECMETHODS | STORE_FIELD_QMPFS;
	if (group != POLICY_PFS_NONE && group != POLICY_PFS_MAIN_MODE)
		run_warn(run, "-n: a stored offer has PFS or not, and no group of its own; it is that of "
			 "the main mode");
	return 0;
}

static int add_action(struct work *work, const char *name)
{
	struct store_change *change = new_change(work, STORE_VERB_ADD, STORE_KIND_FILTER_ACTION);
	_cleanup_(store_filter_action_freep) struct store_filter_action *action =
		store_filter_action_new();
	uint32_t given;
	int err;

	if (!change || !action || set_name(&action->head.name, name))
		return no_memory(work);
	err = fill_action(work, action, &given);
	if (err)
		return err;
	action->is_tool = true;
	change->filter_action = store_filter_action_copy(action);
	if (!change->filter_action ||
	    store_content_add_action(work->plan->content, TAKE_PTR(action)))
		return no_memory(work);
	return 0;
}

static int set_action(struct work *work, struct store_filter_action *action)
{
	struct store_change *change = new_change_of(work, STORE_VERB_SET, STORE_KIND_FILTER_ACTION,
						    action->head.name);
	int err;

	if (!change || !(change->filter_action = store_filter_action_new()))
		return no_memory(work);
	err = fill_action(work, change->filter_action, &change->given);
	if (err)
		return err;
	return store_filter_action_merge(action, change->filter_action, change->given) ?
	       no_memory(work) : 0;
}

/* --- rules -------------------------------------------------------------------------------- */

/* What -a, -t, -lan and -dialup say; the fields' bits in *ret_given. */
static int fill_rule(struct work *work, struct store_rule *rule, uint32_t *ret_given)
{
	const struct run *run = work->run;

	*ret_given = 0;
	if (run->n_methods) {
		policy_methods_clear(rule->methods, &rule->n_methods);
		if (policy_methods_copy(run->methods, run->n_methods, rule->methods))
			return no_memory(work);
		rule->n_methods = run->n_methods;
		*ret_given |= STORE_FIELD_AUTH;
	}
	if (run->given & RUN_GIVEN_TUNNEL) {
		if (policy_address_copy(&run->tunnel, &rule->tunnel))
			return no_memory(work);
		rule->has_tunnel = true;
		*ret_given |= STORE_FIELD_TUNNEL;
	}
	if (run->given & (RUN_GIVEN_LAN | RUN_GIVEN_DIALUP)) {
		rule->connection = run->given & RUN_GIVEN_LAN ? POLICY_CONNECTION_LAN :
								POLICY_CONNECTION_DIALUP;
		*ret_given |= STORE_FIELD_CONNTYPE;
	}
	return 0;
}

static int add_rule(struct work *work)
{
	_cleanup_free_ char *list = free_name(work, "list", true);
	_cleanup_free_ char *action = free_name(work, "action", false);
	_cleanup_(store_rule_freep) struct store_rule *rule = store_rule_new();
	struct store_change *change;
	uint32_t given;
	int err;

	if (!work->run->filters.n)
		return refuse(work, "-f is missing: policy \"%s\" has no rule \"%s\", and a new one needs to "
			      "know for which traffic", work->policy->head.name, work->run->rule);
	if (!list || !action || !rule)
		return no_memory(work);
	err = add_list(work, NULL, list, work->run->action == RUN_ACTION_NEGOTIATE) ?:
	      add_action(work, action) ?: fill_rule(work, rule, &given);
	if (err)
		return err;
	change = new_change(work, STORE_VERB_ADD, STORE_KIND_RULE);
	rule->is_tool = true;
	if (!change || set_name(&rule->head.name, work->run->rule) ||
	    set_name(&rule->filter_list, list) || set_name(&rule->filter_action, action) ||
	    !(change->policy = strdup(work->policy->head.name)) ||
	    !(change->rule = store_rule_copy(rule)) ||
	    store_policy_add(work->policy, TAKE_PTR(rule)))
		return no_memory(work);
	return 0;
}

/* Sets fields of the run's rule; @changes is taken over. */
static int set_rule(struct work *work, struct store_rule *changes, uint32_t given)
{
	struct store_change *change = new_change_of(work, STORE_VERB_SET, STORE_KIND_RULE,
						    work->rule->head.name);

	if (!change || !(change->policy = strdup(work->policy->head.name)) ||
	    store_rule_merge(work->rule, changes, given)) {
		store_rule_free(changes);
		return no_memory(work);
	}
	change->rule = changes;
	change->given = given;
	return 0;
}

/* The rule refers to another list or action. */
static int refer(struct work *work, const char *name, bool is_list)
{
	struct store_rule *changes = store_rule_new();

	if (!changes || set_name(is_list ? &changes->filter_list : &changes->filter_action, name)) {
		store_rule_free(changes);
		return no_memory(work);
	}
	return set_rule(work, changes, is_list ? STORE_FIELD_FILTERLIST : STORE_FIELD_FILTERACTION);
}

static int rename_list(struct work *work, const char *from, const char *to)
{
	struct store_filter_list *list = find_list(work, from);
	struct store_change *change = new_change_of(work, STORE_VERB_SET, STORE_KIND_FILTER_LIST, from);

	if (!list || !change || !(change->filter_list = store_filter_list_new()) ||
	    set_name(&change->filter_list->head.name, to) || set_name(&list->head.name, to) ||
	    set_name(&work->rule->filter_list, to))
		return no_memory(work);
	change->given = STORE_FIELD_NEWNAME;
	return 0;
}

static bool is_negotiated(const struct work *work)
{
	const struct store_filter_action *action = find_action(work, work->rule->filter_action);

	return !action || action->action == IPSECDRV_ACTION_NEGOTIATE;
}

/*
 * Only -f replaces filters, and only -1f main mode filters. A list that another rule uses stays as it
 * is.
 */
static int replace_filters(struct work *work)
{
	_cleanup_free_ char *old = strdup(work->rule->filter_list ?: "");
	_cleanup_free_ char *fresh = free_name(work, "list", true);
	int err;

	if (!old || !fresh)
		return no_memory(work);
	err = add_list(work, find_list(work, old), fresh, is_negotiated(work)) ?:
	      refer(work, fresh, true);
	if (err || !find_list(work, old) || count_users(work, old, true, NULL))
		return err;
	return delete_list(work, old) ?: rename_list(work, fresh, old);
}

static int change_action(struct work *work)
{
	const char *name = work->rule->filter_action;
	struct store_filter_action *action = find_action(work, name);
	_cleanup_free_ char *fresh = NULL;

	if (action && action->is_tool && count_users(work, name, false, NULL) == 1)
		return set_action(work, action);
	fresh = free_name(work, "action", false);
	if (!fresh)
		return no_memory(work);
	return add_action(work, fresh) ?: refer(work, fresh, false);
}

static int change_rule(struct work *work)
{
	struct store_rule *changes;
	uint32_t given = 0;
	int err = 0;

	if (!work->rule->is_tool)
		return refuse(work, "rule \"%s\" of policy \"%s\" was not made by ipseccmd, so that it cannot "
			      "change it: use ipsecctl static set rule, or another name",
			      work->rule->head.name, work->policy->head.name);
	if (work->run->given & (RUN_GIVEN_OFFERS | RUN_GIVEN_SOFT))
		err = change_action(work);
	if (!err && work->run->given & (RUN_GIVEN_FILTERS | RUN_GIVEN_MM_FILTERS))
		err = replace_filters(work);
	if (err)
		return err;
	changes = store_rule_new();
	if (!changes)
		return no_memory(work);
	err = fill_rule(work, changes, &given);
	if (!err && given)
		return set_rule(work, changes, given);
	store_rule_free(changes);
	return err;
}

/* -f DEFAULT: the one that every policy has, with the run's methods and offers. */
static int change_response(struct work *work)
{
	struct store_rule *response = store_policy_default_rule(work->policy);
	struct store_change *change = new_change(work, STORE_VERB_SET, STORE_KIND_DEFAULT_RULE);
	uint8_t group = POLICY_PFS_NONE;
	int err;

	if (!response || !change || !(change->policy = strdup(work->policy->head.name)) ||
	    !(change->rule = store_default_rule_new()))
		return no_memory(work);
	err = fill_rule(work, change->rule, &change->given);
	if (!err && work->run->n_offers) {
		err = plan_offers(work->run, change->rule->own_action->offers,
				  &change->rule->own_action->n_offers, &group, work->why);
		change->rule->own_action->qmpfs = group != POLICY_PFS_NONE;
		change->given |= STORE_FIELD_QMSECMETHODS | STORE_FIELD_QMPFS;
	}
	if (err)
		return err;
	change->rule->is_active = true;
	change->given |= STORE_FIELD_ACTIVATE;
	return store_rule_merge(response, change->rule, change->given) ? no_memory(work) : 0;
}

static bool is_default_response(const struct run *run)
{
	return run->filters.n && run->filters.list[0].kind == FILTERSPEC_DEFAULT;
}

/* --- runs --------------------------------------------------------------------------------- */

static bool changes_policy(const struct run *run)
{
	return run->has_polling ||
	       run->given & (RUN_GIVEN_IKE | RUN_GIVEN_RULE | RUN_GIVEN_RULE_PARTS);
}

static int find_policy(struct work *work)
{
	const struct run *run = work->run;

	if (work->policy && !work->policy->is_tool && changes_policy(run))
		return not_ours(work);
	if (work->policy)
		return change_policy(work);
	if (!changes_policy(run))
		return refuse(work, "policy \"%s\" does not exist; ipsecctl static show policy all lists them",
			      run->policy);
	return add_policy(work);
}

static int plan_rule(struct work *work)
{
	const struct run *run = work->run;

	if (!(run->given & RUN_GIVEN_RULE))
		return 0;
	if (is_default_response(run))
		return change_response(work);
	work->rule = find_rule(work->policy, run->rule);
	return work->rule ? change_rule(work) : add_rule(work);
}

int static_plan_add(struct static_plan *plan, struct run *run, char why[static RUN_WHY_LEN])
{
	struct work work = {
		.plan = plan,
		.run = run,
		.policy = store_content_find_policy(plan->content, run->policy),
		.why = why,
	};

	if (run->given & RUN_GIVEN_DELETE)
		return delete_policy(&work);
	return find_policy(&work) ?: plan_rule(&work) ?: assign_policy(&work);
}
