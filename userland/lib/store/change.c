// SPDX-License-Identifier: MIT
#include "store/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/head.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static const char *const verbs[] = {
	[STORE_VERB_ADD] = "add",
	[STORE_VERB_SET] = "set",
	[STORE_VERB_DELETE] = "delete",
	[STORE_VERB_IMPORT] = "import",
};

static const char *const kinds[] = {
	[STORE_KIND_POLICY] = "policy",
	[STORE_KIND_RULE] = "rule",
	[STORE_KIND_FILTER_LIST] = "filterlist",
	[STORE_KIND_FILTER] = "filter",
	[STORE_KIND_FILTER_ACTION] = "filteraction",
	[STORE_KIND_DEFAULT_RULE] = "defaultrule",
};

static int find_word(const char *const *words, size_t n, const char *text, size_t *ret_i)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], text)) {
			*ret_i = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *store_verb_name(enum store_verb verb)
{
	return verbs[verb];
}

int store_verb_parse(const char *text, enum store_verb *ret_verb)
{
	size_t i;
	int err = find_word(verbs, ARRAY_LEN(verbs), text, &i);

	if (!err)
		*ret_verb = (enum store_verb)i;
	return err;
}

const char *store_kind_name(enum store_kind kind)
{
	return kinds[kind];
}

int store_kind_parse(const char *text, enum store_kind *ret_kind)
{
	size_t i;
	int err = find_word(kinds, ARRAY_LEN(kinds), text, &i);

	if (!err)
		*ret_kind = (enum store_kind)i;
	return err;
}

void *store_change_object(const struct store_change *change)
{
	switch (change->kind) {
	case STORE_KIND_POLICY:
		return change->store_policy;
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		return change->rule;
	case STORE_KIND_FILTER_LIST:
		return change->filter_list;
	case STORE_KIND_FILTER:
		return change->filter;
	case STORE_KIND_FILTER_ACTION:
		return change->filter_action;
	}
	return NULL;
}

int store_change_make_object(struct store_change *change)
{
	void *object;

	if (store_change_object(change))
		return 0;
	object = store_object_new(change->kind);
	if (!object)
		return -ENOMEM;
	switch (change->kind) {
	case STORE_KIND_POLICY:
		change->store_policy = object;
		break;
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		change->rule = object;
		break;
	case STORE_KIND_FILTER_LIST:
		change->filter_list = object;
		break;
	case STORE_KIND_FILTER:
		change->filter = object;
		break;
	case STORE_KIND_FILTER_ACTION:
		change->filter_action = object;
		break;
	}
	return 0;
}

void store_change_clear(struct store_change *change)
{
	free(change->name);
	free(change->policy);
	free(change->list);
	store_filter_free(change->filter);
	store_filter_list_free(change->filter_list);
	store_filter_action_free(change->filter_action);
	store_rule_free(change->rule);
	store_policy_free(change->store_policy);
	*change = (struct store_change){ .verb = STORE_VERB_ADD };
}
