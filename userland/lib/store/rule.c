// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/check.h"
#include "store/head.h"
#include "store/object.h"

/* objects.md 7: without lifetimes, so that the initiator's are taken. */
static const struct policy_qm_offer response_offers[] = {
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_3DES, .esp_hash = POLICY_HASH_SHA1 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_3DES, .esp_hash = POLICY_HASH_MD5 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_DES, .esp_hash = POLICY_HASH_SHA1 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_DES, .esp_hash = POLICY_HASH_MD5 },
	{ .has_ah = true, .ah_hash = POLICY_HASH_SHA1 },
	{ .has_ah = true, .ah_hash = POLICY_HASH_MD5 },
};

struct store_rule *store_rule_new(void)
{
	struct store_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->is_active = true;
	rule->methods[0].kind = POLICY_METHOD_KERBEROS;
	rule->n_methods = 1;
	return rule;
}

struct store_rule *store_default_rule_new(void)
{
	_cleanup_(store_rule_freep) struct store_rule *rule = store_rule_new();

	if (!rule)
		return NULL;
	rule->is_default_response = true;
	rule->own_action = store_filter_action_new();
	if (!rule->own_action)
		return NULL;
	memcpy(rule->own_action->offers, response_offers, sizeof(response_offers));
	rule->own_action->n_offers = sizeof(response_offers) / sizeof(response_offers[0]);
	return TAKE_PTR(rule);
}

struct store_rule *store_rule_copy(const struct store_rule *rule)
{
	_cleanup_(store_rule_freep) struct store_rule *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *rule;
	copy->filter_list = NULL;
	copy->filter_action = NULL;
	copy->list = NULL;
	copy->action = NULL;
	copy->own_action = NULL;
	copy->tunnel.name = NULL;
	copy->n_methods = 0;
	if (store_head_copy(&rule->head, &copy->head) < 0 ||
	    store_text_copy(rule->filter_list, &copy->filter_list) < 0 ||
	    store_text_copy(rule->filter_action, &copy->filter_action) < 0 ||
	    policy_address_copy(&rule->tunnel, &copy->tunnel) < 0 ||
	    policy_methods_copy(rule->methods, rule->n_methods, copy->methods) < 0)
		return NULL;
	copy->n_methods = rule->n_methods;
	if (rule->own_action) {
		copy->own_action = store_filter_action_copy(rule->own_action);
		if (!copy->own_action)
			return NULL;
	}
	return TAKE_PTR(copy);
}

struct store_rule *store_rule_free(struct store_rule *rule)
{
	if (!rule)
		return NULL;
	store_head_clear(&rule->head);
	free(rule->filter_list);
	free(rule->filter_action);
	store_filter_action_free(rule->own_action);
	policy_address_clear(&rule->tunnel);
	policy_methods_clear(rule->methods, &rule->n_methods);
	free(rule);
	return NULL;
}

static void take_references(struct store_rule *rule, struct store_rule *fresh, uint32_t given)
{
	if (given & STORE_FIELD_FILTERLIST) {
		free(rule->filter_list);
		rule->filter_list = TAKE_PTR(fresh->filter_list);
		rule->list = NULL;
	}
	if (given & STORE_FIELD_FILTERACTION) {
		free(rule->filter_action);
		rule->filter_action = TAKE_PTR(fresh->filter_action);
		rule->action = NULL;
	}
	if (given & STORE_FIELD_TUNNEL) {
		policy_address_clear(&rule->tunnel);
		rule->tunnel = fresh->tunnel;
		rule->has_tunnel = fresh->has_tunnel;
		fresh->tunnel.name = NULL;
	}
}

int store_rule_merge(struct store_rule *rule, const struct store_rule *changes, uint32_t given)
{
	/* All copies first: after them nothing can fail. */
	_cleanup_(store_rule_freep) struct store_rule *fresh = store_rule_copy(changes);
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	if (rule->own_action && fresh->own_action)
		err = store_filter_action_merge(rule->own_action, fresh->own_action,
						given & (STORE_FIELD_QMPFS |
							 STORE_FIELD_QMSECMETHODS));
	if (err)
		return err;
	store_head_take(&rule->head, &fresh->head, given);
	take_references(rule, fresh, given);
	if (given & STORE_FIELD_CONNTYPE)
		rule->connection = fresh->connection;
	if (given & STORE_FIELD_ACTIVATE)
		rule->is_active = fresh->is_active;
	if (given & STORE_FIELD_AUTH) {
		policy_methods_clear(rule->methods, &rule->n_methods);
		memcpy(rule->methods, fresh->methods, sizeof(rule->methods));
		rule->n_methods = fresh->n_methods;
		fresh->n_methods = 0;	/* the secrets have a new owner */
	}
	return 0;
}

static int check_methods(const struct store_rule *rule, char *why)
{
	if (!rule->n_methods)
		return store_refuse(why, "a rule needs an authentication method: kerberos=yes, psk= or "
					 "rootca=");
	if (rule->n_methods > POLICY_MAX_METHODS)
		return store_refuse(why, "a rule has at most %d authentication methods",
				    POLICY_MAX_METHODS);
	return policy_methods_check(rule->methods, rule->n_methods, why);
}

static int check_default(const struct store_rule *rule, char *why)
{
	const struct store_filter_action *action = rule->own_action;

	if (rule->filter_list || rule->filter_action || rule->has_tunnel ||
	    rule->connection != POLICY_CONNECTION_ALL)
		return store_refuse(why, "the default response rule has no filterlist, filteraction, "
					 "tunnel or conntype: leave them out");
	if (!action || action->action != IPSECDRV_ACTION_NEGOTIATE || action->inpass ||
	    action->soft || action->head.description)
		return store_refuse(why, "the default response rule can only negotiate: leave action, "
					 "inpass and soft out");
	return store_head_check_unnamed(&rule->head, why) ?:
	       store_head_check_unnamed(&action->head, why) ?:
	       store_filter_action_check_body(action, why) ?: check_methods(rule, why);
}

int store_rule_check(const struct store_rule *rule, char why[static POLICY_WHY_LEN])
{
	if (rule->is_default_response)
		return check_default(rule, why);
	if (rule->own_action)
		return store_refuse(why, "filteraction: only the default response rule has an action of "
					 "its own; name one");
	if (rule->connection != POLICY_CONNECTION_ALL && rule->connection != POLICY_CONNECTION_LAN &&
	    rule->connection != POLICY_CONNECTION_DIALUP)
		return store_refuse(why, "conntype is lan, dialup or all");
	return store_head_check(&rule->head, why) ?:
	       policy_name_check("filterlist", rule->filter_list, why) ?:
	       policy_name_check("filteraction", rule->filter_action, why) ?:
	       (rule->has_tunnel ? policy_endpoint_check("tunnel", &rule->tunnel, why) : 0) ?:
	       check_methods(rule, why);
}
