// SPDX-License-Identifier: MIT
/* Objects whose kind is known when the program runs: those of a command or of a message. */
#include "store/head.h"

void *store_object_new(enum store_kind kind)
{
	switch (kind) {
	case STORE_KIND_POLICY:
		return store_policy_new();
	case STORE_KIND_RULE:
		return store_rule_new();
	case STORE_KIND_FILTER_LIST:
		return store_filter_list_new();
	case STORE_KIND_FILTER:
		return store_filter_new();
	case STORE_KIND_FILTER_ACTION:
		return store_filter_action_new();
	case STORE_KIND_DEFAULT_RULE:
		return store_default_rule_new();
	}
	return NULL;
}

void store_object_free(enum store_kind kind, void *object)
{
	switch (kind) {
	case STORE_KIND_POLICY:
		store_policy_free(object);
		break;
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		store_rule_free(object);
		break;
	case STORE_KIND_FILTER_LIST:
		store_filter_list_free(object);
		break;
	case STORE_KIND_FILTER:
		store_filter_free(object);
		break;
	case STORE_KIND_FILTER_ACTION:
		store_filter_action_free(object);
		break;
	}
}

const struct store_head *store_object_head(enum store_kind kind, const void *object)
{
	switch (kind) {
	case STORE_KIND_POLICY:
		return &((const struct store_policy *)object)->head;
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		return &((const struct store_rule *)object)->head;
	case STORE_KIND_FILTER_LIST:
		return &((const struct store_filter_list *)object)->head;
	case STORE_KIND_FILTER:
		return &((const struct store_filter *)object)->head;
	case STORE_KIND_FILTER_ACTION:
		return &((const struct store_filter_action *)object)->head;
	}
	return NULL;
}
