// SPDX-License-Identifier: MIT
#include "store/test_content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ctl/words.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "store/text.h"

static uint64_t state;

uint32_t test_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 33) % n;
}

void test_change_parse(const char *line, struct store_change *ret_change)
{
	struct store_change change = { .verb = STORE_VERB_ADD };
	char why[POLICY_WHY_LEN] = "";
	struct ctl_words words;

	if (ctl_words_split(line, &words, why) < 0)
		fail_msg("%s: %s", line, why);
	assert_true(words.n >= 3);
	assert_string_equal(words.list[0], "static");
	assert_int_equal(store_verb_parse(words.list[1], &change.verb), 0);
	assert_int_equal(store_kind_parse(words.list[2], &change.kind), 0);
	for (size_t i = 3; i < words.n; i++) {
		char *value = strchr(words.list[i], '=');

		if (value)
			*value++ = '\0';
		if (store_change_set_tag(&change, words.list[i], value ? value : "yes", why) < 0)
			fail_msg("%s: %s", line, why);
	}
	ctl_words_clear(&words);
	*ret_change = change;
}

static struct store_filter_list *find_list(const struct store_content *content, const char *name)
{
	for (size_t i = 0; i < content->n_lists; i++)
		if (policy_name_is_equal(content->lists[i]->head.name, name))
			return content->lists[i];
	fail_msg("there is no list %s", name);
	return NULL;
}

static struct store_policy *find_policy(const struct store_content *content, const char *name)
{
	struct store_policy *policy = store_content_find_policy(content, name);

	assert_non_null(policy);
	return policy;
}

static void apply_set(struct store_content *content, const struct store_change *change)
{
	struct store_policy *policy;

	assert_int_equal(change->verb, STORE_VERB_SET);
	policy = find_policy(content, change->name ? change->name : change->policy);
	if (change->kind == STORE_KIND_POLICY)
		assert_int_equal(store_policy_merge(policy, change->store_policy, change->given), 0);
	else
		assert_int_equal(store_rule_merge(store_policy_default_rule(policy), change->rule,
						  change->given), 0);
}

static void apply_add(struct store_content *content, struct store_change *change)
{
	switch (change->kind) {
	case STORE_KIND_POLICY:
		assert_int_equal(store_content_add_policy(content, TAKE_PTR(change->store_policy)),
				 0);
		break;
	case STORE_KIND_RULE:
		assert_int_equal(store_policy_add(find_policy(content, change->policy),
						  TAKE_PTR(change->rule)), 0);
		break;
	case STORE_KIND_FILTER_LIST:
		assert_int_equal(store_content_add_list(content, TAKE_PTR(change->filter_list)), 0);
		break;
	case STORE_KIND_FILTER:
		assert_int_equal(store_filter_list_add(find_list(content, change->list),
						       TAKE_PTR(change->filter)), 0);
		break;
	case STORE_KIND_FILTER_ACTION:
		assert_int_equal(store_content_add_action(content,
							  TAKE_PTR(change->filter_action)), 0);
		break;
	case STORE_KIND_DEFAULT_RULE:
		fail_msg("a default response rule is there already");
		break;
	}
}

struct store_content *test_content_from(const char *script)
{
	struct store_content *content = store_content_new();
	char *copy = strdup(script), *rest = copy, *line;

	assert_non_null(content);
	while ((line = strsep(&rest, "\n"))) {
		struct store_change change;

		if (!*line)
			continue;
		test_change_parse(line, &change);
		if (change.verb == STORE_VERB_ADD)
			apply_add(content, &change);
		else
			apply_set(content, &change);
		store_change_clear(&change);
	}
	free(copy);
	assert_int_equal(store_content_link(content), 0);
	return content;
}

static char *random_text(void)
{
	static const char *const letters[] = {
		"a", "B", "z", "0", " ", "=", "\"", "'", "#", ";", "?", "\\", "\xc3\xbc", "{", "/", "*",
	};
	size_t n = 1 + test_below(9);
	char *text = calloc(n + 2, 4);

	for (size_t i = 0; i < n; i++)
		strcat(text, letters[test_below(sizeof(letters) / sizeof(letters[0]))]);
	strcat(text, "x");		/* it must not be blank */
	return text;
}

/* No two with one name: @i is in it. */
static void random_head(struct store_head *head, size_t i)
{
	char *text = random_text();

	head->name = calloc(1, strlen(text) + 24);
	snprintf(head->name, strlen(text) + 24, "%s%zu", text, i);
	free(text);
	if (!test_below(3))
		head->description = random_text();
}

static void random_ip(struct policy_address *address)
{
	uint8_t family = test_below(4) ? AF_INET : AF_INET6;
	uint8_t len = (uint8_t)(1 + test_below(family == AF_INET ? 32 : 128));

	*address = (struct policy_address){ .kind = POLICY_ADDRESS_IP };
	address->addr.family = family;
	address->mask = policy_mask_from_prefix(family, len);
	/* never 0.0.0.0/32, which is "me" */
	for (size_t i = 0; i < ip_addr_len(&address->addr); i++)
		address->addr.bytes[i] = (uint8_t)(test_below(256) | 1) & address->mask.bytes[i];
}

static void random_address(struct policy_address *address)
{
	switch (test_below(4)) {
	case 0:
		address->kind = (enum policy_address_kind)test_below(8);
		if (address->kind == POLICY_ADDRESS_IP)
			address->kind = POLICY_ADDRESS_ANY;
		if (address->kind == POLICY_ADDRESS_NAME)
			address->name = strdup("host.example");
		break;
	case 1:
		break;
	default:
		random_ip(address);
	}
}

static struct store_filter *random_filter(void)
{
	struct store_filter *filter = store_filter_new();
	char why[POLICY_WHY_LEN];

	do {
		policy_address_clear(&filter->source);
		policy_address_clear(&filter->destination);
		random_address(&filter->source);
		random_address(&filter->destination);
		filter->protocol = (uint8_t)(test_below(2) ? 6 : test_below(256));
		filter->source_port = (uint16_t)(test_below(2) ? test_below(65536) : 0);
		filter->destination_port = (uint16_t)(test_below(2) ? test_below(65536) : 0);
		filter->mirrored = test_below(2);
	} while (store_filter_check(filter, why) < 0);
	if (!test_below(5))
		filter->head.description = random_text();
	return filter;
}

static struct store_filter_list *random_list(size_t i)
{
	struct store_filter_list *list = store_filter_list_new();

	random_head(&list->head, i);
	for (size_t n = test_below(6); n > 0; n--)
		assert_int_equal(store_filter_list_add(list, random_filter()), 0);
	return list;
}

static void random_qm_offers(struct store_filter_action *action)
{
	char why[POLICY_WHY_LEN];

	action->n_offers = 1 + test_below(4);
	for (size_t i = 0; i < action->n_offers; i++) {
		struct policy_qm_offer *offer = &action->offers[i];

		do {
			*offer = (struct policy_qm_offer){ .has_ah = test_below(2),
							   .has_esp = test_below(2) };
			if (offer->has_ah)
				offer->ah_hash = (enum policy_hash)test_below(6);
			if (offer->has_esp) {
				offer->esp_cipher = (enum policy_cipher)test_below(8);
				offer->esp_hash = (enum policy_hash)test_below(6);
			}
			offer->lifetime_seconds = test_below(2) ? 300 + test_below(172500) : 0;
			offer->lifetime_kilobytes = test_below(2) ? 20480 + test_below(99999) : 0;
		} while (policy_qm_offer_check(offer, why) < 0);
	}
}

static struct store_filter_action *random_action(size_t i)
{
	static const enum ipsecdrv_action actions[] = {
		IPSECDRV_ACTION_PERMIT, IPSECDRV_ACTION_BLOCK, IPSECDRV_ACTION_NEGOTIATE,
	};
	struct store_filter_action *action = store_filter_action_new();

	random_head(&action->head, i);
	action->action = actions[test_below(3)];
	action->inpass = test_below(2);
	action->soft = test_below(2);
	action->qmpfs = test_below(2);
	if (test_below(2))
		random_qm_offers(action);
	else if (action->action != IPSECDRV_ACTION_NEGOTIATE)
		action->n_offers = 0;
	return action;
}

static void random_methods(struct store_rule *rule)
{
	char why[POLICY_WHY_LEN];

	do {
		policy_methods_clear(rule->methods, &rule->n_methods);
		rule->n_methods = 1 + test_below(4);
		for (size_t i = 0; i < rule->n_methods; i++) {
			struct policy_method *method = &rule->methods[i];

			method->kind = (enum policy_method_kind)test_below(3);
			if (method->kind != POLICY_METHOD_KERBEROS)
				method->secret = random_text();
			if (method->kind != POLICY_METHOD_ROOT_CA)
				continue;
			/* \' stands for a quote there, so that a name cannot have it */
			if (strstr(method->secret, "\\'"))
				*strstr(method->secret, "\\'") = '/';
			/* blanks around it are not a part of it */
			if (*method->secret == ' ')
				*method->secret = 'y';
			method->cert_map = test_below(2);
			method->exclude_ca_name = test_below(2);
		}
	} while (policy_methods_check(rule->methods, rule->n_methods, why) < 0);
}

static void random_tunnel(struct store_rule *rule)
{
	rule->has_tunnel = true;
	if (test_below(2)) {
		rule->tunnel.kind = POLICY_ADDRESS_NAME;
		rule->tunnel.name = strdup("gateway.example");
		return;
	}
	rule->tunnel.kind = POLICY_ADDRESS_IP;
	rule->tunnel.addr = ip_addr_v4(0x0a000000 + test_below(65536));
	rule->tunnel.mask = policy_mask_from_prefix(AF_INET, 32);
}

static struct store_rule *random_rule(const struct store_content *content, size_t i)
{
	struct store_rule *rule = store_rule_new();

	random_head(&rule->head, i);
	rule->filter_list = strdup(content->lists[test_below((uint32_t)content->n_lists)]->head.name);
	rule->filter_action =
		strdup(content->actions[test_below((uint32_t)content->n_actions)]->head.name);
	rule->is_active = test_below(4);
	rule->connection = (enum policy_connection)test_below(3);
	if (!test_below(4))
		random_tunnel(rule);
	random_methods(rule);
	return rule;
}

static void random_mm_offers(struct store_policy *policy)
{
	char why[POLICY_WHY_LEN];

	policy->n_offers = 1 + test_below(4);
	for (size_t i = 0; i < policy->n_offers; i++)
		do {
			policy->offers[i] = (struct policy_mm_offer){
				(enum policy_cipher)test_below(8), (enum policy_hash)test_below(6),
				(uint8_t)test_below(22),
			};
		} while (policy_mm_offer_check(&policy->offers[i], why) < 0);
}

static struct store_policy *random_policy(const struct store_content *content, size_t i)
{
	struct store_policy *policy = store_policy_new();
	struct store_rule *response = store_policy_default_rule(policy);

	random_head(&policy->head, i);
	policy->mmpfs = test_below(2);
	policy->quick_modes = test_below(2) ? test_below(INT32_MAX) : 0;
	policy->lifetime_minutes = test_below(2) ? 1 + test_below(POLICY_MAX_MINUTES) : 480;
	policy->polling_minutes = test_below(2) ? 1 + test_below(9999) : 180;
	policy->soft_sa_seconds = test_below(2) ? test_below(86400) : 0;
	if (test_below(2))
		random_mm_offers(policy);
	response->is_active = test_below(2);
	response->own_action->qmpfs = test_below(2);
	if (test_below(2))
		random_qm_offers(response->own_action);
	if (test_below(2))
		random_methods(response);
	if (!test_below(3))
		response->head.description = random_text();
	for (size_t n = test_below(5); n > 0; n--)
		assert_int_equal(store_policy_add(policy, random_rule(content, n)), 0);
	return policy;
}

struct store_content *test_content_random(uint64_t seed)
{
	struct store_content *content = store_content_new();

	assert_non_null(content);
	state = (seed + 1) * 0x9e3779b97f4a7c15;
	for (size_t n = 1 + test_below(4); n > 0; n--)
		assert_int_equal(store_content_add_list(content, random_list(n)), 0);
	for (size_t n = 1 + test_below(4); n > 0; n--)
		assert_int_equal(store_content_add_action(content, random_action(n)), 0);
	for (size_t n = test_below(4); n > 0; n--)
		assert_int_equal(store_content_add_policy(content, random_policy(content, n)), 0);
	if (content->n_policies && test_below(2))
		content->policies[0]->is_assigned = true;
	assert_int_equal(store_content_link(content), 0);
	return content;
}
