// SPDX-License-Identifier: MIT
/* What changes do, and what they are refused. Damage and crashes have tests of their own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "policy/address.h"
#include "store/examples.h"
#include "store/test_support.h"

#define assert_refused(call, error_number, words)				\
	do {									\
		assert_int_equal(call, -EINVAL);				\
		assert_int_equal(test_fault.number, error_number);		\
		if (!strstr(test_fault.text, words))				\
			fail_msg("\"%s\" does not say \"%s\"", test_fault.text, words); \
	} while (0)

#define OPEN_EMPTY (STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY)

/* objects.md 8: what the defaults of new objects and the tables make together. */
static void values_of_the_examples(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = store_examples_new();
	const struct store_policy *server;
	char why[POLICY_WHY_LEN], guid[SD_ID128_UUID_STRING_MAX];

	(void)state;
	assert_non_null(content);
	for (size_t i = 0; i < content->n_policies; i++) {
		const struct store_policy *policy = content->policies[i];

		assert_int_equal(store_policy_check(policy, why), 0);
		assert_int_equal(policy->n_offers, 4);
		assert_int_equal(policy->lifetime_minutes, 480);
		assert_int_equal(policy->polling_minutes, 180);
		assert_int_equal(policy->quick_modes, 0);
		assert_false(policy->mmpfs || policy->is_assigned);
		assert_int_equal(policy->n_rules, i ? 3 : 1);
		assert_int_equal(policy->rules[0]->own_action->n_offers, 6);
		assert_true(policy->rules[0]->is_active);
		for (size_t j = 0; j < policy->n_rules; j++) {
			assert_int_equal(policy->rules[j]->n_methods, 1);
			assert_int_equal(policy->rules[j]->methods[0].kind, POLICY_METHOD_KERBEROS);
		}
	}
	server = content->policies[1];
	assert_string_equal(server->head.name, "Server (Request Security)");
	assert_string_equal(sd_id128_to_uuid_string(server->head.guid, guid),
			    "72385230-70fa-11d1-864c-14a300000000");
	assert_true(server->rules[1]->action->inpass && server->rules[1]->action->soft);
	assert_int_equal(server->rules[1]->action->n_offers, 4);
	assert_true(server->rules[1]->action->offers[3].has_ah);
	assert_int_equal(server->rules[1]->action->offers[3].lifetime_seconds, 300);
	assert_int_equal(server->rules[2]->list->filters[0]->protocol, 1);
	assert_int_equal(server->rules[2]->action->action, IPSECDRV_ACTION_PERMIT);
	assert_int_equal(server->rules[2]->action->n_offers, 0);
	assert_true(content->policies[2]->rules[1]->action->inpass);
	assert_false(content->policies[2]->rules[1]->action->soft);
}

static void examples(void **state)
{
	_cleanup_(store_content_freep) struct store_content *wanted = store_examples_new();
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	struct stat status;

	(void)state;
	store = test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE);
	content = test_read(store);
	assert_int_equal(content->n_policies, 3);
	assert_true(store_content_is_equal(content, wanted));
	for (size_t i = 0; i < wanted->n_policies; i++)
		assert_true(sd_id128_equal(content->policies[i]->head.guid,
					   wanted->policies[i]->head.guid));
	assert_int_equal(stat(test_path(), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void whole_content(void **state)
{
	_cleanup_(store_content_freep) struct store_content *before = NULL, *after = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	before = test_read(store);
	assert_int_equal(before->n_policies + before->n_lists + before->n_actions, 0);
	store_content_freep(&before);
	test_fill(store);
	before = test_read(store);
	assert_int_equal(before->n_lists, 1);
	assert_int_equal(before->lists[0]->n_filters, 1);
	assert_true(before->lists[0]->head.modified > 0);
	assert_false(sd_id128_is_null(before->lists[0]->filters[0]->head.guid));
	assert_int_equal(before->policies[0]->n_rules, 2);
	assert_true(before->policies[0]->rules[0]->is_default_response);
	assert_ptr_equal(before->policies[0]->rules[1]->list, before->lists[0]);
	assert_ptr_equal(before->policies[0]->rules[1]->action, before->actions[0]);
	assert_string_equal(before->policies[0]->rules[1]->methods[0].secret, "Geheimnis eins");
	/* the same from the file, by somebody else */
	store_closep(&store);
	store = test_open(STORE_OPEN_READ);
	after = test_read(store);
	assert_true(store_content_is_equal(before, after));
}

static void names_are_there_once(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	test_fill(store);
	assert_refused(test_add_policy(store, "P"), POLICY_ERROR_OBJECT_EXISTS, "policy \"P\"");
	assert_refused(test_add_list(store, "L"), POLICY_ERROR_OBJECT_EXISTS, "filter list \"L\"");
	assert_refused(test_add_action(store, "A"), POLICY_ERROR_OBJECT_EXISTS,
		       "filter action \"A\"");
	assert_refused(test_add_rule(store, "p", "R", "l", "a"), POLICY_ERROR_OBJECT_EXISTS,
		       "rule \"R\"");
	/* of a rule it is unique in its policy */
	assert_int_equal(test_add_policy(store, "other"), 0);
	assert_int_equal(test_add_rule(store, "OTHER", "r", "L", "A"), 0);
}

static void used_objects_stay(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	test_fill(store);
	assert_refused(test_delete(store, STORE_KIND_FILTER_LIST, NULL, "l"),
		       POLICY_ERROR_OBJECT_IN_USE, "is used by rule \"r\" of policy \"p\"");
	assert_refused(test_delete(store, STORE_KIND_FILTER_ACTION, NULL, "a"),
		       POLICY_ERROR_OBJECT_IN_USE, "is used by rule \"r\" of policy \"p\"");
	assert_refused(test_delete(store, STORE_KIND_FILTER_LIST, NULL, NULL),
		       POLICY_ERROR_OBJECT_IN_USE, "filter list \"l\"");
	assert_refused(test_delete(store, STORE_KIND_FILTER_ACTION, NULL, NULL),
		       POLICY_ERROR_OBJECT_IN_USE, "filter action \"a\"");
	assert_int_equal(test_delete(store, STORE_KIND_RULE, "p", "r"), 0);
	assert_int_equal(test_delete(store, STORE_KIND_FILTER_LIST, NULL, "L"), 0);
	assert_int_equal(test_delete(store, STORE_KIND_FILTER_ACTION, NULL, NULL), 0);
	assert_refused(test_delete(store, STORE_KIND_FILTER_LIST, NULL, "l"),
		       POLICY_ERROR_OBJECT_NOT_FOUND, "filter list \"l\" does not exist");
}

static void policies_take_their_rules_along(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	test_fill(store);
	assert_int_equal(test_delete(store, STORE_KIND_POLICY, NULL, "p"), 0);
	content = test_read(store);
	assert_int_equal(content->n_policies, 0);
	/* what is shared stays, and can go now */
	assert_int_equal(content->n_lists, 1);
	assert_int_equal(content->n_actions, 1);
	assert_int_equal(test_delete(store, STORE_KIND_FILTER_LIST, NULL, NULL), 0);
	assert_int_equal(test_delete(store, STORE_KIND_FILTER_ACTION, NULL, NULL), 0);
	assert_int_equal(test_delete(store, STORE_KIND_POLICY, NULL, NULL), 0);
}

static void default_rule_stays(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct store_change change = { .verb = STORE_VERB_DELETE, .kind = STORE_KIND_RULE };
	struct store_rule *rule;

	(void)state;
	test_fill(store);
	assert_refused(test_delete(store, STORE_KIND_DEFAULT_RULE, "p", "x"), 0, "activate=no");
	content = test_read(store);
	change.guid = content->policies[0]->rules[0]->head.guid;
	assert_refused(test_apply(store, &change), 0, "cannot be deleted");
	assert_int_equal(test_delete(store, STORE_KIND_RULE, "p", NULL), 0);
	store_content_freep(&content);
	content = test_read(store);
	assert_int_equal(content->policies[0]->n_rules, 1);
	rule = content->policies[0]->rules[0];
	assert_true(rule->is_default_response && rule->is_active);
	/* deactivated by "set policy", then by "set defaultrule" changed */
	content->policies[0]->rules[0]->is_active = false;
	change = (struct store_change){
		.verb = STORE_VERB_SET, .kind = STORE_KIND_POLICY, .name = (char *)"p",
		.store_policy = content->policies[0], .given = STORE_FIELD_ACTIVATEDEFAULTRULE,
	};
	assert_int_equal(test_apply(store, &change), 0);
	rule->own_action->qmpfs = true;
	change = (struct store_change){
		.verb = STORE_VERB_SET, .kind = STORE_KIND_DEFAULT_RULE, .policy = (char *)"p",
		.rule = rule, .given = STORE_FIELD_QMPFS,
	};
	assert_int_equal(test_apply(store, &change), 0);
	store_content_freep(&content);
	content = test_read(store);
	assert_false(content->policies[0]->rules[0]->is_active);
	assert_true(content->policies[0]->rules[0]->own_action->qmpfs);
	assert_int_equal(content->policies[0]->rules[0]->own_action->n_offers, 6);
}

/* The assigned policy's name, "" for none; static. */
static const char *assigned(struct store *store)
{
	_cleanup_(store_content_freep) struct store_content *content = test_read(store);
	const struct store_policy *policy = store_content_assigned(content);
	static char name[POLICY_NAME_MAX + 1];

	(void)snprintf(name, sizeof(name), "%s", policy ? policy->head.name : "");
	return name;
}

static void A04_assigning_another_unassigns(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	assert_int_equal(test_add_policy(store, "one"), 0);
	assert_int_equal(test_add_policy(store, "two"), 0);
	assert_string_equal(assigned(store), "");
	assert_int_equal(test_assign(store, "one", true), 0);
	assert_string_equal(assigned(store), "one");
	assert_int_equal(test_assign(store, "two", true), 0);
	assert_string_equal(assigned(store), "two");
	assert_int_equal(test_assign(store, "two", false), 0);
	assert_string_equal(assigned(store), "");
}

static void references_are_by_guid(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct store_filter_list list = { .head.name = (char *)"new" };
	struct store_change change = {
		.verb = STORE_VERB_SET, .kind = STORE_KIND_FILTER_LIST, .name = (char *)"l",
		.filter_list = &list, .given = STORE_FIELD_NEWNAME,
	};

	(void)state;
	test_fill(store);
	assert_int_equal(test_add_list(store, "taken"), 0);
	assert_int_equal(test_apply(store, &change), 0);
	content = test_read(store);
	assert_string_equal(content->policies[0]->rules[1]->filter_list, "new");
	assert_int_equal(content->lists[0]->n_filters, 1);
	/* to another spelling of its own name, but not to that of another one; and found by GUID */
	list.head.name = (char *)"NEW";
	change.name = NULL;
	change.guid = content->lists[0]->head.guid;
	assert_int_equal(test_apply(store, &change), 0);
	list.head.name = (char *)"Taken";
	assert_refused(test_apply(store, &change), POLICY_ERROR_OBJECT_EXISTS, "\"Taken\"");
}

static void filters(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	_cleanup_(store_filter_freep) struct store_filter *pattern = test_filter("me", "10.0.0.1");
	struct store_change change = {
		.verb = STORE_VERB_DELETE, .kind = STORE_KIND_FILTER, .list = (char *)"l",
		.filter = pattern, .given = STORE_FIELD_SRCADDR | STORE_FIELD_DSTADDR,
	};

	(void)state;
	/* the first one makes the list */
	assert_int_equal(test_add_filter(store, "l", "10.0.0.1"), 0);
	assert_int_equal(test_add_filter(store, "L", "host.example"), 0);
	assert_int_equal(test_add_filter(store, "l", "10.0.0.1"), 0);
	assert_refused(test_add_filter(store, "l", "me"), 0, "filter list \"l\"");
	assert_refused(test_add_filter(store, " ", "any"), 0, "the name is missing");
	/* every one that matches goes */
	assert_int_equal(test_apply(store, &change), 0);
	assert_refused(test_apply(store, &change), POLICY_ERROR_OBJECT_NOT_FOUND, "no such filter");
	content = test_read(store);
	assert_int_equal(content->n_lists, 1);
	assert_int_equal(content->lists[0]->n_filters, 1);
	assert_string_equal(content->lists[0]->filters[0]->destination.name, "host.example");
	change.verb = STORE_VERB_SET;
	assert_refused(test_apply(store, &change), 0, "delete it and add another");
	change = (struct store_change){
		.verb = STORE_VERB_DELETE, .kind = STORE_KIND_FILTER, .list = (char *)"l",
		.is_all = true,
	};
	assert_int_equal(test_apply(store, &change), 0);
}

static void rules_by_number(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct store_change change = {
		.verb = STORE_VERB_DELETE, .kind = STORE_KIND_RULE, .policy = (char *)"p",
	};

	(void)state;
	test_fill(store);
	assert_int_equal(test_add_rule(store, "p", "second", "l", "a"), 0);
	assert_int_equal(test_add_rule(store, "p", "third", "l", "a"), 0);
	change.id = 4;
	assert_refused(test_apply(store, &change), POLICY_ERROR_OBJECT_NOT_FOUND, "id 4");
	change.id = 2;
	assert_int_equal(test_apply(store, &change), 0);
	content = test_read(store);
	assert_int_equal(content->policies[0]->n_rules, 3);
	assert_string_equal(content->policies[0]->rules[1]->head.name, "r");
	assert_string_equal(content->policies[0]->rules[2]->head.name, "third");
	change.id = 0;
	assert_refused(test_apply(store, &change), 0, "say which one");
}

static void references_must_lead_somewhere(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	test_fill(store);
	assert_refused(test_add_rule(store, "nobody", "x", "l", "a"), POLICY_ERROR_OBJECT_NOT_FOUND,
		       "policy \"nobody\" does not exist");
	assert_refused(test_add_rule(store, "p", "x", "nothing", "a"), POLICY_ERROR_OBJECT_NOT_FOUND,
		       "filter list \"nothing\" does not exist");
	assert_refused(test_add_rule(store, "p", "x", "l", "nothing"), POLICY_ERROR_OBJECT_NOT_FOUND,
		       "filter action \"nothing\" does not exist");
	assert_refused(test_delete(store, STORE_KIND_RULE, "p", "x"), POLICY_ERROR_OBJECT_NOT_FOUND,
		       "policy \"p\" has no rule \"x\"");
	assert_refused(test_assign(store, "nobody", true), POLICY_ERROR_OBJECT_NOT_FOUND,
		       "\"nobody\"");
}

/* Keys of a rule are replaced as a whole, and the old one leaves nothing behind in the file. */
static void deleted_keys_are_gone(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	_cleanup_(store_rule_freep) struct store_rule *rule = store_rule_new();
	struct store_change change = {
		.verb = STORE_VERB_SET, .kind = STORE_KIND_RULE, .policy = (char *)"p",
		.name = (char *)"r", .rule = rule, .given = STORE_FIELD_AUTH,
	};
	char *bytes = calloc(1, 1 << 20);
	_cleanup_fclose_ FILE *file = NULL;
	size_t n;

	(void)state;
	test_fill(store);
	assert_int_equal(test_apply(store, &change), 0);
	store_closep(&store);
	file = fopen(test_path(), "re");
	n = fread(bytes, 1, 1 << 20, file);
	assert_true(n > 4096);
	assert_non_null(memmem(bytes, n, "kerberos", 8));
	assert_null(memmem(bytes, n, "Geheimnis", 9));
	free(bytes);
}

static void imports_take_the_place(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL, *again = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct store_change change = { .verb = STORE_VERB_IMPORT };

	(void)state;
	test_fill(store);
	assert_int_equal(test_add_policy(store, "q"), 0);
	assert_int_equal(test_assign(store, "p", true), 0);
	content = test_read(store);
	/* by GUID: a new name, its rules and key; the place and the assignment stay */
	change.kind = STORE_KIND_POLICY;
	change.store_policy = content->policies[0];
	free(change.store_policy->head.name);
	change.store_policy->head.name = strdup("p2");
	change.store_policy->is_assigned = false;
	change.store_policy->rules[1]->is_active = false;
	assert_int_equal(test_apply(store, &change), 0);
	again = test_read(store);
	assert_string_equal(again->policies[0]->head.name, "p2");
	assert_true(again->policies[0]->is_assigned);
	assert_int_equal(again->policies[0]->n_rules, 2);
	assert_false(again->policies[0]->rules[1]->is_active);
	/* by name: the GUID is the new one's, and so are the filters */
	change = (struct store_change){ .verb = STORE_VERB_IMPORT, .kind = STORE_KIND_FILTER_LIST };
	change.filter_list = content->lists[0];
	change.filter_list->head.guid.bytes[0] ^= 1;
	assert_int_equal(store_filter_list_add(change.filter_list, test_filter("any", "me")), 0);
	assert_int_equal(test_apply(store, &change), 0);
	store_content_freep(&again);
	again = test_read(store);
	assert_int_equal(again->n_lists, 1);
	assert_int_equal(again->lists[0]->n_filters, 2);
	assert_true(sd_id128_equal(again->lists[0]->head.guid, content->lists[0]->head.guid));
	assert_ptr_equal(again->policies[0]->rules[1]->list, again->lists[0]);
	/* both names are taken, by two */
	free(content->policies[0]->head.name);
	content->policies[0]->head.name = strdup("Q");
	change = (struct store_change){ .verb = STORE_VERB_IMPORT, .kind = STORE_KIND_POLICY };
	change.store_policy = content->policies[0];
	assert_refused(test_apply(store, &change), POLICY_ERROR_OBJECT_EXISTS, "policy \"Q\"");
	change.kind = STORE_KIND_RULE;
	assert_refused(test_apply(store, &change), 0, "rule cannot be imported");
}

/* What is refused has changed nothing; what stood before it in the transaction still does. */
static void transactions(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY), *other = NULL;
	struct store_policy *policy;
	struct store_change change = { .verb = STORE_VERB_IMPORT, .kind = STORE_KIND_POLICY };
	uint64_t version = store_version(store);

	(void)state;
	assert_true(version);
	other = test_open(STORE_OPEN_READ);
	assert_int_equal(store_begin(store, &test_fault), 0);
	test_fill(store);
	/* fails at its second rule, when policy and first rule are rows already */
	policy = store_policy_new();
	policy->head.name = strdup("half");
	for (int i = 0; i < 2; i++) {
		struct store_rule *rule = store_rule_new();

		rule->head.name = strdup(i ? "two" : "one");
		rule->filter_list = strdup(i ? "nothing" : "l");
		rule->filter_action = strdup("a");
		assert_int_equal(store_policy_add(policy, rule), 0);
	}
	change.store_policy = policy;
	assert_refused(test_apply(store, &change), POLICY_ERROR_OBJECT_NOT_FOUND, "\"nothing\"");
	store_policy_free(policy);
	content = test_read(other);
	assert_int_equal(content->n_policies, 0);
	assert_int_equal(store_commit(store, &test_fault), 0);
	assert_int_not_equal(store_version(store), version);
	store_content_freep(&content);
	content = test_read(other);
	assert_int_equal(content->n_policies, 1);
	assert_int_equal(content->policies[0]->n_rules, 2);
	assert_int_equal(store_begin(store, &test_fault), 0);
	assert_int_equal(test_add_policy(store, "undone"), 0);
	store_rollback(store);
	store_content_freep(&content);
	content = test_read(store);
	assert_int_equal(content->n_policies, 1);
}

static void versions(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY), *other = NULL;
	uint64_t before;

	(void)state;
	other = test_open(STORE_OPEN_READ);
	before = store_version(other);
	assert_true(before);
	assert_int_equal(store_version(other), before);
	assert_int_equal(test_add_policy(store, "p"), 0);
	assert_int_not_equal(store_version(other), before);
}

static void queries(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct store_query query = { .policy = "P" };
	struct store_content *content;

	(void)state;
	test_fill(store);
	assert_int_equal(test_add_policy(store, "q"), 0);
	assert_int_equal(test_add_list(store, "unused"), 0);
	assert_int_equal(test_add_action(store, "unused"), 0);
	assert_int_equal(store_read(store, &query, &content, &test_fault), 0);
	assert_int_equal(content->n_policies, 1);
	assert_int_equal(content->n_lists, 1);
	assert_int_equal(content->n_actions, 1);
	assert_ptr_equal(content->policies[0]->rules[1]->list, content->lists[0]);
	store_content_free(content);
	query.policy = "nobody";
	assert_int_equal(store_read(store, &query, &content, &test_fault), 0);
	assert_int_equal(content->n_policies + content->n_lists + content->n_actions, 0);
	store_content_free(content);
	query = (struct store_query){ .only_assigned = true };
	assert_int_equal(store_read(store, &query, &content, &test_fault), 0);
	assert_int_equal(content->n_policies + content->n_lists + content->n_actions, 0);
	store_content_free(content);
	assert_int_equal(test_assign(store, "q", true), 0);
	assert_int_equal(store_read(store, &query, &content, &test_fault), 0);
	assert_int_equal(content->n_policies, 1);
	assert_int_equal(content->n_lists, 0);
	store_content_free(content);
	query = (struct store_query){ .without_filters = true };
	assert_int_equal(store_read(store, &query, &content, &test_fault), 0);
	assert_int_equal(content->n_lists, 2);
	assert_int_equal(content->lists[0]->n_filters, 0);
	store_content_free(content);
}

static void addresses_of_names(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct ip_addr addresses[2] = { ip_addr_v4(0x0a000001), ip_addr_v4(0x0a000002) };
	struct ip_addr *found;
	size_t n;

	(void)state;
	assert_int_equal(store_set_addresses(store, "host.example", addresses, 2, &test_fault), 0);
	assert_int_equal(store_get_addresses(store, "Host.Example", &found, &n, &test_fault), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(found, addresses, sizeof(addresses));
	free(found);
	assert_int_equal(store_set_addresses(store, "host.example", NULL, 0, &test_fault), 0);
	assert_int_equal(store_get_addresses(store, "host.example", &found, &n, &test_fault), 0);
	assert_int_equal(n, 0);
	free(found);
	assert_int_equal(store_set_addresses(store, "", NULL, 0, &test_fault), -EINVAL);
}

static void read_only(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	test_fill(store);
	store_closep(&store);
	store = test_open(STORE_OPEN_READ);
	assert_int_equal(test_add_policy(store, "x"), -EACCES);
	assert_non_null(strstr(test_fault.text, "cannot be written"));
	assert_int_equal(store_begin(store, &test_fault), -EACCES);
}

static void X02_rights_to_a_store_are_delegated_by_group(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	const gid_t groups[] = { 1001, 1002 };
	struct stat status;

	(void)state;
	store_closep(&store);
	assert_int_equal(store_access(test_path(), true, 0, NULL, 0), 0);
	assert_int_equal(store_access(test_path(), false, 1000, groups, 2), -EACCES);
	if (chown(test_path(), (uid_t)-1, 1002) < 0) {
		print_message("not root: the group's rights are not looked at\n");
		return;
	}
	assert_int_equal(store_access(test_path(), false, 1000, groups, 2), -EACCES);
	assert_int_equal(chmod(test_path(), 0660), 0);
	assert_int_equal(store_access(test_path(), true, 1000, groups, 2), 0);
	assert_int_equal(store_access(test_path(), true, 1000, groups, 1), -EACCES);
	assert_int_equal(chmod(test_path(), 0640), 0);
	assert_int_equal(store_access(test_path(), true, 1000, groups, 2), -EACCES);
	assert_int_equal(store_access(test_path(), false, 1000, groups, 2), 0);
	/* what was delegated stays so when the store is changed */
	store = test_open(STORE_OPEN_WRITE);
	test_fill(store);
	store_closep(&store);
	assert_int_equal(stat(test_path(), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(status.st_gid, 1002);
	assert_int_equal(store_access("/nowhere/at/all", false, 0, NULL, 0), -ENOENT);
}

static void incomplete_changes(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);

	(void)state;
	for (int verb = STORE_VERB_ADD; verb <= STORE_VERB_IMPORT; verb++) {
		for (int kind = STORE_KIND_POLICY; kind <= STORE_KIND_DEFAULT_RULE; kind++) {
			struct store_change change = {
				.verb = (enum store_verb)verb, .kind = (enum store_kind)kind,
			};

			assert_int_equal(test_apply(store, &change), -EINVAL);
			assert_string_equal(test_fault.name, POLICY_BUS_INVALID);
		}
	}
}

static double seconds(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

/* A tenth of what must be quick, under the sanitizers; no limit that a busy machine would miss. */
static void many_filters(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	double begin = seconds(), added;

	(void)state;
	assert_int_equal(store_begin(store, &test_fault), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		char address[IP_ADDR_STRLEN], list[16];
		struct ip_addr addr = ip_addr_v4(0x0a000000 + i);

		(void)snprintf(list, sizeof(list), "list %u", i % 100);
		assert_int_equal(test_add_filter(store, list, ip_addr_format(&addr, address)), 0);
	}
	assert_int_equal(store_commit(store, &test_fault), 0);
	added = seconds();
	content = test_read(store);
	print_message("10000 filters: %.2f s to add, %.2f s to read\n", added - begin,
		      seconds() - added);
	assert_int_equal(content->n_lists, 100);
	assert_int_equal(content->lists[99]->n_filters, 100);
}

static char *read_layout(void)
{
	const char *top = getenv("TOP") ?: ".";
	_cleanup_fclose_ FILE *file = NULL;
	char path[512], *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/Documentation/decisions/0006-stores-are-sqlite-files.rst", top);
	file = fopen(path, "re");
	if (!file)
		fail_msg("no %s", path);
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	return text;
}

/* Each table, beside what it is in the registry. */
static void X01_layout_is_documented(void **state)
{
	_cleanup_free_ char *text = read_layout();
	const char *layout = strstr(text, "\nLayout\n------\n");
	sqlite3_stmt *tables;
	size_t n = 0;
	sqlite3 *db;

	(void)state;
	assert_non_null(layout);
	assert_non_null(strstr(layout, "``Policy\\Local``"));
	store_close(test_open(OPEN_EMPTY));
	assert_int_equal(sqlite3_open(test_path(), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT '``' || name || '``' FROM sqlite_schema "
					    "WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
					    -1, &tables, NULL), SQLITE_OK);
	for (; sqlite3_step(tables) == SQLITE_ROW; n++) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);

		if (!strstr(layout, name))
			fail_msg("the table %s is not documented", name);
	}
	assert_int_equal(n, 11);
	sqlite3_finalize(tables);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void locations(void **state)
{
	enum store_location location = STORE_LOCATION_LOCAL;

	(void)state;
	assert_int_equal(store_location_parse("Persistent", &location), 0);
	assert_int_equal(location, STORE_LOCATION_PERSISTENT);
	assert_string_equal(store_location_file(location), "persistent.db");
	assert_null(store_location_file(STORE_LOCATION_DOMAIN));
	assert_string_equal(store_location_name(STORE_LOCATION_DOMAIN), "domain");
	assert_int_equal(store_location_parse("dynamic", &location), -EINVAL);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

/* The files of the log cannot be made: as on a full disk. */
static void block_log(const char *path)
{
	char shm[256];

	(void)snprintf(shm, sizeof(shm), "%s-shm", path);
	assert_int_equal(symlink("nowhere/at-all", shm), 0);
}

static void copy_file(const char *from, const char *to, const char *suffix)
{
	char command[600];

	(void)snprintf(command, sizeof(command), "cp %s%s %s%s", from, suffix, to, suffix);
	assert_int_equal(system(command), 0);
}

static void reading_without_a_log(void **state)
{
	struct store *store = test_open(OPEN_EMPTY), *crashed = NULL;
	struct store_content *content;
	struct fault fault;
	char copy[200];

	(void)state;
	test_fill(store);
	/* a crash: the last changes are in the log only */
	(void)snprintf(copy, sizeof(copy), "%s.crashed", test_path());
	copy_file(test_path(), copy, "");
	copy_file(test_path(), copy, "-wal");
	store = store_close(store);
	block_log(copy);
	assert_true(store_open(copy, STORE_OPEN_WRITE, &store, &fault) < 0);
	assert_int_equal(store_open(copy, STORE_OPEN_READ, &crashed, &fault), 0);
	content = test_read(crashed);
	assert_int_equal(content->n_policies, 1);
	assert_string_equal(content->policies[0]->rules[1]->head.name, "r");
	store_content_free(content);
	/* what was written into the copy would be lost */
	assert_int_equal(store_begin(crashed, &fault), -ENOSPC);
	assert_non_null(strstr(fault.text, "make room"));
	store_close(crashed);
	/* the log is as it was */
	(void)snprintf(copy, sizeof(copy), "rm %s.crashed-shm", test_path());
	assert_int_equal(system(copy), 0);
	(void)snprintf(copy, sizeof(copy), "%s.crashed", test_path());
	assert_int_equal(store_open(copy, STORE_OPEN_WRITE, &store, &fault), 0);
	content = test_read(store);
	assert_int_equal(content->n_policies, 1);
	store_content_free(content);
	assert_int_equal(store_begin(store, &fault), 0);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_the_examples),
		in_folder(examples),
		in_folder(whole_content),
		in_folder(names_are_there_once),
		in_folder(used_objects_stay),
		in_folder(policies_take_their_rules_along),
		in_folder(default_rule_stays),
		in_folder(A04_assigning_another_unassigns),
		in_folder(references_are_by_guid),
		in_folder(filters),
		in_folder(rules_by_number),
		in_folder(references_must_lead_somewhere),
		in_folder(deleted_keys_are_gone),
		in_folder(imports_take_the_place),
		in_folder(transactions),
		in_folder(versions),
		in_folder(queries),
		in_folder(addresses_of_names),
		in_folder(read_only),
		in_folder(reading_without_a_log),
		in_folder(X02_rights_to_a_store_are_delegated_by_group),
		in_folder(incomplete_changes),
		in_folder(many_filters),
		in_folder(X01_layout_is_documented),
		cmocka_unit_test(locations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
