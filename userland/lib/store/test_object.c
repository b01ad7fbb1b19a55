// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/address.h"
#include "policy/methods.h"
#include "store/change.h"
#include "store/object.h"

static void name(struct store_head *head, const char *text)
{
	free(head->name);
	head->name = strdup(text);
}

static struct policy_address address(const char *text)
{
	struct policy_address parsed;
	char why[POLICY_WHY_LEN] = "";

	if (policy_address_parse(text, &parsed, why) < 0)
		fail_msg("%s: %s", text, why);
	return parsed;
}

static struct store_filter *make_filter(const char *source, const char *destination)
{
	struct store_filter *filter = store_filter_new();

	assert_non_null(filter);
	filter->source = address(source);
	filter->destination = address(destination);
	return filter;
}

static struct store_filter_list *make_list(const char *text)
{
	struct store_filter_list *list = store_filter_list_new();

	assert_non_null(list);
	name(&list->head, text);
	assert_int_equal(store_filter_list_add(list, make_filter("me", "10.0.0.0/8")), 0);
	assert_int_equal(store_filter_list_add(list, make_filter("me", "host.example")), 0);
	return list;
}

static struct store_filter_action *make_action(const char *text)
{
	struct store_filter_action *action = store_filter_action_new();

	assert_non_null(action);
	name(&action->head, text);
	return action;
}

static void set_key(struct store_rule *rule, const char *key)
{
	free(rule->methods[0].secret);
	rule->methods[0] = (struct policy_method){ .kind = POLICY_METHOD_PSK,
						   .secret = strdup(key) };
}

static struct store_rule *make_rule(const char *text, const char *list, const char *action)
{
	struct store_rule *rule = store_rule_new();

	assert_non_null(rule);
	name(&rule->head, text);
	rule->filter_list = strdup(list);
	rule->filter_action = strdup(action);
	set_key(rule, "a key");
	return rule;
}

static struct store_policy *make_policy(const char *text)
{
	struct store_policy *policy = store_policy_new();

	assert_non_null(policy);
	name(&policy->head, text);
	assert_int_equal(store_policy_add(policy, make_rule("r1", "telnet", "secure")), 0);
	assert_int_equal(store_policy_add(policy, make_rule("r2", "TELNET", "missing")), 0);
	return policy;
}

static struct store_content *make_content(void)
{
	struct store_content *content = store_content_new();

	assert_non_null(content);
	assert_int_equal(store_content_add_list(content, make_list("web")), 0);
	assert_int_equal(store_content_add_list(content, make_list("Telnet")), 0);
	assert_int_equal(store_content_add_action(content, make_action("Secure")), 0);
	assert_int_equal(store_content_add_policy(content, make_policy("AndyPol")), 0);
	return content;
}

#define assert_accepted(kind, object)                                          \
	do {                                                                   \
		char why_[POLICY_WHY_LEN] = "";                                \
		if (store_##kind##_check(object, why_) < 0)                    \
			fail_msg("refused: %s", why_);                         \
	} while (0)

#define assert_refused(kind, object, part)                                     \
	do {                                                                   \
		char why_[POLICY_WHY_LEN] = "";                                \
		assert_int_equal(store_##kind##_check(object, why_), -EINVAL); \
		if (!strstr(why_, part))                                       \
			fail_msg("\"%s\" is not in: %s", part, why_);          \
	} while (0)

static void defaults(void **state)
{
	struct store_filter_action *action = make_action("a");
	struct store_policy *policy = make_policy("p");
	struct store_rule *rule = store_policy_default_rule(policy);
	struct store_filter *filter = make_filter("me", "any");

	(void)state;
	assert_true(filter->mirrored);
	assert_int_equal(action->action, IPSECDRV_ACTION_NEGOTIATE);
	assert_false(action->inpass || action->soft || action->qmpfs);
	assert_int_equal(action->n_offers, 2);
	assert_int_equal(policy->lifetime_minutes, 480);
	assert_int_equal(policy->polling_minutes, 180);
	assert_int_equal(policy->n_offers, 4);
	assert_int_equal(policy->quick_modes, 0);
	assert_ptr_equal(rule, policy->rules[0]);
	assert_true(rule->is_active);
	assert_int_equal(rule->own_action->n_offers, 6);
	assert_int_equal(rule->own_action->offers[5].ah_hash, POLICY_HASH_MD5);
	assert_int_equal(rule->own_action->offers[0].lifetime_seconds, 0);
	assert_int_equal(rule->methods[0].kind, POLICY_METHOD_KERBEROS);
	assert_accepted(filter, filter);
	assert_accepted(filter_action, action);
	assert_accepted(policy, policy);
	store_filter_free(filter);
	store_filter_action_free(action);
	store_policy_free(policy);
}

static void copies(void **state)
{
	struct store_content *content = make_content(), *copy = store_content_new();
	struct store_policy *policy;

	(void)state;
	assert_int_equal(store_content_link(content), 0);
	assert_true(store_content_is_equal(content, content));
	policy = store_policy_copy(content->policies[0]);
	assert_non_null(policy);
	assert_null(policy->rules[1]->list);
	assert_int_equal(store_content_add_policy(copy, policy), 0);
	for (size_t i = content->n_lists; i-- > 0; )
		assert_int_equal(store_content_add_list(copy, store_filter_list_copy(
							content->lists[i])), 0);
	assert_int_equal(store_content_add_action(copy, store_filter_action_copy(
							content->actions[0])), 0);
	/* the lists are in another order */
	assert_true(store_content_is_equal(content, copy));
	store_content_free(content);
	assert_string_equal(policy->rules[1]->methods[0].secret, "a key");
	store_content_free(copy);
}

/* Everything but GUID, time and order counts. */
static void equality(void **state)
{
	struct store_content *a = make_content(), *b = make_content();
	struct store_filter_list *list = b->lists[0];
	struct store_rule *rule = b->policies[0]->rules[1];
	struct store_filter *swapped = list->filters[0];

	(void)state;
	list->head.modified = 7;
	assert_int_equal(sd_id128_randomize(&list->head.guid), 0);
	list->filters[0] = list->filters[1];
	list->filters[1] = swapped;
	assert_true(store_content_is_equal(a, b));
	swapped->mirrored = false;
	assert_false(store_content_is_equal(a, b));
	swapped->mirrored = true;
	swapped->head.description = strdup("x");
	assert_false(store_content_is_equal(a, b));
	name(&a->lists[0]->filters[0]->head, "never equal");
	free(a->lists[0]->filters[0]->head.name);
	a->lists[0]->filters[0]->head.name = NULL;
	a->lists[0]->filters[0]->head.description = strdup("x");
	assert_true(store_content_is_equal(a, b));
	set_key(rule, "a kez");
	assert_false(store_content_is_equal(a, b));
	set_key(rule, "a key");
	rule->has_tunnel = true;
	assert_false(store_content_is_equal(a, b));
	rule->has_tunnel = false;
	b->policies[0]->is_assigned = true;
	assert_false(store_content_is_equal(a, b));
	b->policies[0]->is_assigned = false;
	b->actions[0]->offers[0].lifetime_seconds = 900;
	assert_false(store_content_is_equal(a, b));
	b->actions[0]->offers[0].lifetime_seconds = 0;
	assert_true(store_content_is_equal(a, b));
	assert_int_equal(store_content_add_list(b, make_list("more")), 0);
	assert_false(store_content_is_equal(a, b));
	store_content_free(a);
	store_content_free(b);
}

static void links(void **state)
{
	struct store_content *content = make_content();
	struct store_policy *policy = content->policies[0];

	(void)state;
	assert_int_equal(store_content_link(content), 0);
	assert_null(policy->rules[0]->list);
	assert_ptr_equal(policy->rules[1]->list, content->lists[1]);
	assert_ptr_equal(policy->rules[2]->list, content->lists[1]);
	assert_ptr_equal(policy->rules[1]->action, content->actions[0]);
	assert_null(policy->rules[2]->action);
	assert_ptr_equal(store_content_find_policy(content, "andypol"), policy);
	assert_null(store_content_find_policy(content, "Andy"));
	assert_null(store_content_assigned(content));
	policy->is_assigned = true;
	assert_ptr_equal(store_content_assigned(content), policy);
	store_content_free(content);
}

static void merge_action(void **state)
{
	struct store_filter_action *action = make_action("a"), *changes = make_action("b");

	(void)state;
	changes->soft = true;
	changes->inpass = true;
	changes->n_offers = 1;
	changes->head.description = strdup("text");
	assert_int_equal(store_filter_action_merge(action, changes, STORE_FIELD_SOFT), 0);
	assert_true(action->soft);
	assert_false(action->inpass);
	assert_int_equal(action->n_offers, 2);
	assert_string_equal(action->head.name, "a");
	assert_null(action->head.description);
	assert_int_equal(store_filter_action_merge(action, changes, ~0u), 0);
	assert_true(action->inpass);
	assert_int_equal(action->n_offers, 1);
	assert_string_equal(action->head.name, "b");
	assert_string_equal(action->head.description, "text");
	store_filter_action_free(action);
	store_filter_action_free(changes);
}

static void merge_rule(void **state)
{
	struct store_rule *rule = make_rule("r", "l", "a"), *changes = make_rule("s", "m", "b");

	(void)state;
	changes->has_tunnel = true;
	changes->tunnel = address("gw.example");
	changes->is_active = false;
	changes->connection = POLICY_CONNECTION_LAN;
	set_key(changes, "new key");
	assert_int_equal(store_rule_merge(rule, changes, STORE_FIELD_TUNNEL | STORE_FIELD_AUTH), 0);
	assert_true(rule->has_tunnel);
	assert_string_equal(rule->tunnel.name, "gw.example");
	assert_ptr_not_equal(rule->tunnel.name, changes->tunnel.name);
	assert_string_equal(rule->methods[0].secret, "new key");
	assert_string_equal(rule->filter_list, "l");
	assert_true(rule->is_active);
	assert_string_equal(rule->head.name, "r");
	changes->has_tunnel = false;
	assert_int_equal(store_rule_merge(rule, changes, ~0u), 0);
	assert_false(rule->has_tunnel || rule->is_active);
	assert_string_equal(rule->filter_list, "m");
	assert_string_equal(rule->filter_action, "b");
	assert_string_equal(rule->head.name, "s");
	assert_int_equal(rule->connection, POLICY_CONNECTION_LAN);
	store_rule_free(rule);
	store_rule_free(changes);
}

static void merge_policy(void **state)
{
	struct store_policy *policy = make_policy("p"), *changes = store_policy_new();
	struct store_rule *response = store_default_rule_new();
	uint32_t given = STORE_FIELD_MMPFS | STORE_FIELD_ACTIVATEDEFAULTRULE;

	(void)state;
	changes->mmpfs = true;
	changes->quick_modes = 9;
	changes->lifetime_minutes = 30;
	changes->rules[0]->is_active = false;
	assert_int_equal(store_policy_merge(policy, changes, given), 0);
	assert_true(policy->mmpfs);
	assert_int_equal(store_policy_quick_modes(policy), 1);
	assert_int_equal(policy->lifetime_minutes, 480);
	assert_false(policy->rules[0]->is_active);
	assert_true(policy->rules[1]->is_active);
	changes->mmpfs = false;
	given = ~0u & ~(uint32_t)(STORE_FIELD_NEWNAME | STORE_FIELD_ACTIVATEDEFAULTRULE);
	assert_int_equal(store_policy_merge(policy, changes, given), 0);
	assert_int_equal(store_policy_quick_modes(policy), 9);
	assert_int_equal(policy->n_rules, 3);
	assert_string_equal(policy->head.name, "p");
	/* the default response rule's own */
	response->own_action->n_offers = 1;
	response->own_action->qmpfs = true;
	set_key(response, "key");
	given = STORE_FIELD_QMSECMETHODS | STORE_FIELD_AUTH | STORE_FIELD_QMPFS;
	assert_int_equal(store_rule_merge(policy->rules[0], response, given), 0);
	assert_int_equal(policy->rules[0]->own_action->n_offers, 1);
	assert_true(policy->rules[0]->own_action->qmpfs);
	assert_string_equal(policy->rules[0]->methods[0].secret, "key");
	assert_false(policy->rules[0]->is_active);
	store_rule_free(response);
	store_policy_free(policy);
	store_policy_free(changes);
}

static void matches(void **state)
{
	struct store_filter *filter = make_filter("me", "10.0.0.0/8");
	struct store_filter *pattern = make_filter("me", "10.0.0.0/8");
	static const uint32_t all = STORE_FIELD_SRCADDR | STORE_FIELD_DSTADDR |
				    STORE_FIELD_PROTOCOL | STORE_FIELD_SRCPORT |
				    STORE_FIELD_DSTPORT | STORE_FIELD_MIRRORED;

	(void)state;
	filter->protocol = 6;
	filter->source_port = 1;
	filter->destination_port = 23;
	filter->mirrored = false;
	assert_true(store_filter_matches(filter, pattern, STORE_FIELD_SRCADDR |
							  STORE_FIELD_DSTADDR));
	assert_false(store_filter_matches(filter, pattern, STORE_FIELD_PROTOCOL));
	assert_false(store_filter_matches(filter, pattern, STORE_FIELD_SRCPORT));
	assert_false(store_filter_matches(filter, pattern, STORE_FIELD_DSTPORT));
	assert_false(store_filter_matches(filter, pattern, STORE_FIELD_MIRRORED));
	pattern->protocol = 6;
	pattern->source_port = 1;
	pattern->destination_port = 23;
	pattern->mirrored = false;
	assert_true(store_filter_matches(filter, pattern, all));
	pattern->destination = address("10.0.0.0/16");
	assert_false(store_filter_matches(filter, pattern, STORE_FIELD_DSTADDR));
	assert_true(store_filter_matches(filter, pattern, STORE_FIELD_SRCADDR));
	pattern->source = address("any");
	assert_false(store_filter_matches(filter, pattern, STORE_FIELD_SRCADDR));
	store_filter_free(filter);
	store_filter_free(pattern);
}

static void check_filters(void **state)
{
	struct store_filter *filter = make_filter("me", "10.0.0.1");
	struct store_filter_list *list = make_list("l");

	(void)state;
	filter->destination_port = 80;
	assert_refused(filter, filter, "protocol=TCP or UDP");
	filter->protocol = 6;
	assert_accepted(filter, filter);
	filter->mirrored = false;
	assert_accepted(filter, filter);
	filter->source = address("WINS");
	assert_refused(filter, filter, "need me on the other side");
	filter->source = address("2001:db8::1");
	assert_refused(filter, filter, "one family");
	filter->source = address("me");
	filter->head.description = calloc(STORE_DESCRIPTION_MAX + 2, 1);
	memset(filter->head.description, 'x', STORE_DESCRIPTION_MAX);
	assert_accepted(filter, filter);
	filter->head.description[STORE_DESCRIPTION_MAX] = 'x';
	assert_refused(filter, filter, "description");
	strcpy(filter->head.description, "\xff");
	assert_refused(filter, filter, "UTF-8");
	name(&filter->head, "n");
	assert_refused(filter, filter, "name");
	assert_accepted(filter_list, list);
	list->filters[1]->source_port = 1;
	assert_refused(filter_list, list, "protocol=TCP or UDP");
	list->filters[1]->source_port = 0;
	name(&list->head, " ");
	assert_refused(filter_list, list, "name");
	store_filter_free(filter);
	store_filter_list_free(list);
}

static void check_actions(void **state)
{
	struct store_filter_action *action = make_action("a");

	(void)state;
	action->offers[1].lifetime_seconds = 1;
	assert_refused(filter_action, action, "lifetime");
	action->n_offers = 1;
	assert_accepted(filter_action, action);
	action->n_offers = 0;
	assert_refused(filter_action, action, "at least one security method");
	action->action = IPSECDRV_ACTION_BLOCK;
	assert_accepted(filter_action, action);
	action->action = IPSECDRV_ACTION_NONE;
	assert_refused(filter_action, action, "permit, block or negotiate");
	action->action = IPSECDRV_ACTION_PERMIT;
	action->n_offers = POLICY_MAX_OFFERS + 1;
	assert_refused(filter_action, action, "more than");
	store_filter_action_free(action);
}

static void check_rules(void **state)
{
	struct store_rule *rule = make_rule("r", "l", "a"), *response = store_default_rule_new();

	(void)state;
	assert_accepted(rule, rule);
	rule->has_tunnel = true;
	assert_refused(rule, rule, "tunnel");
	rule->tunnel = address("10.0.0.0/24");
	assert_refused(rule, rule, "tunnel");
	rule->tunnel = address("10.0.0.1");
	assert_accepted(rule, rule);
	rule->n_methods = 0;
	assert_refused(rule, rule, "authentication method");
	rule->n_methods = 1;
	set_key(rule, " ");
	assert_refused(rule, rule, "blank");
	set_key(rule, "k");
	free(rule->filter_list);
	rule->filter_list = NULL;
	assert_refused(rule, rule, "filterlist");
	rule->filter_list = strdup("l");
	strcpy(rule->filter_action, " ");
	assert_refused(rule, rule, "filteraction");
	strcpy(rule->filter_action, "a");
	rule->own_action = make_action("a");
	assert_refused(rule, rule, "filteraction");
	assert_accepted(rule, response);
	response->own_action->soft = true;
	assert_refused(rule, response, "soft");
	response->own_action->soft = false;
	response->own_action->n_offers = 0;
	assert_refused(rule, response, "security method");
	response->own_action->n_offers = 1;
	response->filter_list = strdup("l");
	assert_refused(rule, response, "filterlist");
	store_rule_free(rule);
	store_rule_free(response);
}

static void check_policies(void **state)
{
	struct store_policy *policy = make_policy("p");
	struct store_rule *response;

	(void)state;
	policy->lifetime_minutes = 0;
	assert_refused(policy, policy, "mmlifetime");
	policy->lifetime_minutes = 2881;
	assert_refused(policy, policy, "mmlifetime");
	policy->lifetime_minutes = 2880;
	policy->polling_minutes = 0;
	assert_refused(policy, policy, "pollinginterval");
	policy->polling_minutes = 1;
	policy->n_offers = 0;
	assert_refused(policy, policy, "mmsecmethods");
	policy->n_offers = 1;
	policy->soft_sa_seconds = 86401;
	assert_refused(policy, policy, "softsaexpirationtime");
	policy->soft_sa_seconds = 0;
	policy->quick_modes = UINT32_MAX;
	assert_refused(policy, policy, "qmpermm");
	policy->quick_modes = 0;
	assert_accepted(policy, policy);
	name(&policy->rules[2]->head, "R1");
	assert_refused(policy, policy, "two rules");
	name(&policy->rules[2]->head, "r3");
	policy->rules[2]->n_methods = 0;
	assert_refused(policy, policy, "authentication method");
	policy->rules[2]->n_methods = 1;
	response = policy->rules[0];
	policy->rules[0] = policy->rules[2];
	policy->rules[2] = response;
	assert_refused(policy, policy, "default response rule");
	store_policy_free(policy);
}

static void changes(void **state)
{
	struct store_change change = { .verb = STORE_VERB_IMPORT, .kind = STORE_KIND_POLICY };
	enum store_verb verb;
	enum store_kind kind;

	(void)state;
	change.name = strdup("n");
	change.list = strdup("l");
	change.policy = strdup("p");
	change.filter = make_filter("me", "a.example");
	change.filter_list = make_list("l");
	change.filter_action = make_action("a");
	change.rule = make_rule("r", "l", "a");
	change.store_policy = make_policy("p");
	store_change_clear(&change);
	assert_null(change.store_policy);
	assert_int_equal(change.verb, STORE_VERB_ADD);
	for (int i = STORE_VERB_ADD; i <= STORE_VERB_IMPORT; i++) {
		assert_int_equal(store_verb_parse(store_verb_name((enum store_verb)i), &verb), 0);
		assert_int_equal(verb, i);
	}
	for (int i = STORE_KIND_POLICY; i <= STORE_KIND_DEFAULT_RULE; i++) {
		assert_int_equal(store_kind_parse(store_kind_name((enum store_kind)i), &kind), 0);
		assert_int_equal(kind, i);
	}
	assert_string_equal(store_kind_name(STORE_KIND_FILTER_LIST), "filterlist");
	assert_int_equal(store_kind_parse("list", &kind), -EINVAL);
	assert_int_equal(store_verb_parse("", &verb), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "new objects have netsh's defaults", defaults, NULL, NULL, NULL },
		{ "copies share nothing", copies, NULL, NULL, NULL },
		{ "contents are equal but for GUID, time and order", equality, NULL, NULL, NULL },
		{ "names become links", links, NULL, NULL, NULL },
		{ "set filteraction changes what is named", merge_action, NULL, NULL, NULL },
		{ "set rule changes what is named", merge_rule, NULL, NULL, NULL },
		{ "set policy changes what is named", merge_policy, NULL, NULL, NULL },
		{ "filters are found by the given fields", matches, NULL, NULL, NULL },
		{ "filters and lists are checked", check_filters, NULL, NULL, NULL },
		{ "filter actions are checked", check_actions, NULL, NULL, NULL },
		{ "rules are checked", check_rules, NULL, NULL, NULL },
		{ "policies are checked", check_policies, NULL, NULL, NULL },
		{ "changes own what they hold", changes, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("store objects", tests, NULL, NULL);
}
