// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/head.h"
#include "store/object.h"
#include "store/order.h"
#include "store/tag.h"

struct store_content *store_content_new(void)
{
	return calloc(1, sizeof(struct store_content));
}

struct store_content *store_content_free(struct store_content *content)
{
	if (!content)
		return NULL;
	for (size_t i = 0; i < content->n_policies; i++)
		store_policy_free(content->policies[i]);
	for (size_t i = 0; i < content->n_lists; i++)
		store_filter_list_free(content->lists[i]);
	for (size_t i = 0; i < content->n_actions; i++)
		store_filter_action_free(content->actions[i]);
	free(content->policies);
	free(content->lists);
	free(content->actions);
	free(content);
	return NULL;
}

int store_content_add_policy(struct store_content *content, struct store_policy *policy)
{
	struct store_policy **room = NULL;

	if (policy)
		room = store_array_room(content->policies, content->n_policies);
	if (!room) {
		store_policy_free(policy);
		return -ENOMEM;
	}
	content->policies = room;
	room[content->n_policies++] = policy;
	return 0;
}

int store_content_add_list(struct store_content *content, struct store_filter_list *list)
{
	struct store_filter_list **room = NULL;

	if (list)
		room = store_array_room(content->lists, content->n_lists);
	if (!room) {
		store_filter_list_free(list);
		return -ENOMEM;
	}
	content->lists = room;
	room[content->n_lists++] = list;
	return 0;
}

int store_content_add_action(struct store_content *content, struct store_filter_action *action)
{
	struct store_filter_action **room = NULL;

	if (action)
		room = store_array_room(content->actions, content->n_actions);
	if (!room) {
		store_filter_action_free(action);
		return -ENOMEM;
	}
	content->actions = room;
	room[content->n_actions++] = action;
	return 0;
}

static void link_policy(struct store_policy *policy, const struct store_names *lists,
			const struct store_names *actions)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		struct store_rule *rule = policy->rules[i];

		rule->list = NULL;
		rule->action = NULL;
		if (rule->filter_list)
			rule->list = store_names_find(lists, rule->filter_list);
		if (rule->filter_action)
			rule->action = store_names_find(actions, rule->filter_action);
	}
}

int store_content_link(struct store_content *content)
{
	struct store_names lists, actions;
	int err;

	err = store_names_init(&lists, STORE_KIND_FILTER_LIST, content->lists, content->n_lists);
	if (err)
		return err;
	err = store_names_init(&actions, STORE_KIND_FILTER_ACTION, content->actions,
			       content->n_actions);
	if (!err) {
		for (size_t i = 0; i < content->n_policies; i++)
			link_policy(content->policies[i], &lists, &actions);
		store_names_done(&actions);
	}
	store_names_done(&lists);
	return err;
}

struct store_policy *store_content_find_policy(const struct store_content *content,
					       const char *name)
{
	for (size_t i = 0; i < content->n_policies; i++)
		if (policy_name_is_equal(content->policies[i]->head.name, name))
			return content->policies[i];
	return NULL;
}

struct store_policy *store_content_assigned(const struct store_content *content)
{
	for (size_t i = 0; i < content->n_policies; i++)
		if (content->policies[i]->is_assigned)
			return content->policies[i];
	return NULL;
}

/* Equal when the same names have equal objects. */
static bool is_equal_by_name(enum store_kind kind, const void *a, size_t n_a, const void *b,
			     size_t n_b, bool (*is_equal)(const void *, const void *))
{
	struct store_names names_a = { .n = 0 }, names_b = { .n = 0 };
	bool equal;

	if (n_a != n_b)
		return false;
	equal = !store_names_init(&names_a, kind, a, n_a) &&
		!store_names_init(&names_b, kind, b, n_b);
	for (size_t i = 0; equal && i < n_a; i++)
		equal = is_equal(names_a.list[i].object, names_b.list[i].object);
	store_names_done(&names_a);
	store_names_done(&names_b);
	return equal;
}

static int compare_filters(const void *a, const void *b)
{
	const struct store_filter *x = *(struct store_filter *const *)a;
	const struct store_filter *y = *(struct store_filter *const *)b;

	return store_filter_compare(x, y) ?:
	       strcmp(x->head.description ?: "", y->head.description ?: "");
}

/* The caller frees it. */
static struct store_filter **sorted_filters(const struct store_filter_list *list)
{
	struct store_filter **sorted = calloc(list->n_filters + 1, sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < list->n_filters; i++)
		sorted[i] = list->filters[i];
	qsort(sorted, list->n_filters, sizeof(*sorted), compare_filters);
	return sorted;
}

static bool list_is_equal(const void *x, const void *y)
{
	const struct store_filter_list *a = x, *b = y;
	_cleanup_free_ struct store_filter **filters_a = NULL;
	_cleanup_free_ struct store_filter **filters_b = NULL;

	if (!store_head_is_equal(&a->head, &b->head) || a->n_filters != b->n_filters)
		return false;
	filters_a = sorted_filters(a);
	filters_b = sorted_filters(b);
	if (!filters_a || !filters_b)
		return false;
	for (size_t i = 0; i < a->n_filters; i++)
		if (compare_filters(&filters_a[i], &filters_b[i]) != 0)
			return false;
	return true;
}

static bool action_is_equal(const void *x, const void *y)
{
	const struct store_filter_action *a = x, *b = y;

	return !store_tags_differ(STORE_KIND_FILTER_ACTION, a, b);
}

static bool rule_is_equal(const void *x, const void *y)
{
	const struct store_rule *a = x, *b = y;

	if (a->is_default_response != b->is_default_response)
		return false;
	return !store_tags_differ(a->is_default_response ? STORE_KIND_DEFAULT_RULE :
							   STORE_KIND_RULE, a, b);
}

static bool policy_is_equal(const void *x, const void *y)
{
	const struct store_policy *a = x, *b = y;

	return !store_tags_differ(STORE_KIND_POLICY, a, b) &&
	       is_equal_by_name(STORE_KIND_RULE, a->rules, a->n_rules, b->rules, b->n_rules,
				rule_is_equal);
}

bool store_content_is_equal(const struct store_content *a, const struct store_content *b)
{
	return is_equal_by_name(STORE_KIND_POLICY, a->policies, a->n_policies, b->policies,
				b->n_policies, policy_is_equal) &&
	       is_equal_by_name(STORE_KIND_FILTER_LIST, a->lists, a->n_lists, b->lists, b->n_lists,
				list_is_equal) &&
	       is_equal_by_name(STORE_KIND_FILTER_ACTION, a->actions, a->n_actions, b->actions,
				b->n_actions, action_is_equal);
}
