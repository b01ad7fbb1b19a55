// SPDX-License-Identifier: MIT
#include "store/test_support.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/address.h"

struct fault test_fault;

static char folder[PATH_MAX];
static char path[PATH_MAX + 16];

int test_make_folder(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/store-XXXXXX", parent ?: "/tmp");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/local.db", folder);
	return 0;
}

static int remove_entry(const char *entry, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(entry);
}

int test_remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_path(void)
{
	return path;
}

struct store *test_open(unsigned int flags)
{
	struct store *store = NULL;

	if (store_open(path, flags, &store, &test_fault) < 0)
		fail_msg("%s", test_fault.text);
	return store;
}

struct store_content *test_read(struct store *store)
{
	const struct store_query all = { .policy = NULL };
	struct store_content *content = NULL;

	if (store_read(store, &all, &content, &test_fault) < 0)
		fail_msg("%s", test_fault.text);
	return content;
}

int test_apply(struct store *store, const struct store_change *change)
{
	test_fault = (struct fault){ .name = NULL };
	return store_apply(store, change, &test_fault);
}

static int apply_owned(struct store *store, struct store_change change)
{
	int err = test_apply(store, &change);

	store_change_clear(&change);
	return err;
}

static char *copy(const char *text)
{
	char *made = strdup(text);

	assert_non_null(made);
	return made;
}

struct store_filter *test_filter(const char *source, const char *destination)
{
	struct store_filter *filter = store_filter_new();
	char why[POLICY_WHY_LEN] = "";

	assert_non_null(filter);
	if (policy_address_parse(source, &filter->source, why) < 0 ||
	    policy_address_parse(destination, &filter->destination, why) < 0)
		fail_msg("%s", why);
	return filter;
}

int test_add_list(struct store *store, const char *name)
{
	struct store_filter_list *list = store_filter_list_new();

	list->head.name = copy(name);
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_ADD, .kind = STORE_KIND_FILTER_LIST, .filter_list = list,
	});
}

int test_add_filter(struct store *store, const char *list, const char *destination)
{
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_ADD, .kind = STORE_KIND_FILTER, .list = copy(list),
		.filter = test_filter("me", destination),
	});
}

int test_add_action(struct store *store, const char *name)
{
	struct store_filter_action *action = store_filter_action_new();

	action->head.name = copy(name);
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_ADD, .kind = STORE_KIND_FILTER_ACTION, .filter_action = action,
	});
}

int test_add_policy(struct store *store, const char *name)
{
	struct store_policy *policy = store_policy_new();

	policy->head.name = copy(name);
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_ADD, .kind = STORE_KIND_POLICY, .store_policy = policy,
	});
}

int test_add_rule(struct store *store, const char *policy, const char *name, const char *list,
		  const char *action)
{
	struct store_rule *rule = store_rule_new();

	rule->head.name = copy(name);
	rule->filter_list = copy(list);
	rule->filter_action = copy(action);
	rule->methods[0] = (struct policy_method){
		.kind = POLICY_METHOD_PSK, .secret = copy("Geheimnis eins"),
	};
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_ADD, .kind = STORE_KIND_RULE, .policy = copy(policy),
		.rule = rule,
	});
}

int test_delete(struct store *store, enum store_kind kind, const char *policy, const char *name)
{
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_DELETE, .kind = kind, .is_all = !name,
		.policy = policy ? copy(policy) : NULL, .name = name ? copy(name) : NULL,
	});
}

int test_assign(struct store *store, const char *name, bool assign)
{
	struct store_policy *policy = store_policy_new();

	policy->is_assigned = assign;
	return apply_owned(store, (struct store_change){
		.verb = STORE_VERB_SET, .kind = STORE_KIND_POLICY, .name = copy(name),
		.store_policy = policy, .given = STORE_FIELD_ASSIGN,
	});
}

void test_fill(struct store *store)
{
	if (test_add_filter(store, "l", "10.0.0.0/24") || test_add_action(store, "a") ||
	    test_add_policy(store, "p") || test_add_rule(store, "p", "r", "l", "a"))
		fail_msg("%s", test_fault.text);
}
