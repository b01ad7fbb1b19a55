// SPDX-License-Identifier: MIT
#include "policy/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"

/* Main mode offers when none are given: those of the built-in policies. */
static const struct policy_mm_offer default_mm_offers[] = {
	{ POLICY_CIPHER_3DES, POLICY_HASH_SHA1, 2 },
	{ POLICY_CIPHER_3DES, POLICY_HASH_MD5, 2 },
	{ POLICY_CIPHER_DES, POLICY_HASH_SHA1, 1 },
	{ POLICY_CIPHER_DES, POLICY_HASH_MD5, 1 },
};

static const struct policy_qm_offer default_qm_offers[] = {
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_3DES, .esp_hash = POLICY_HASH_SHA1 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_3DES, .esp_hash = POLICY_HASH_MD5 },
};

static int string_copy(const char *text, char **ret_copy)
{
	char *copy = NULL;

	if (text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

static bool string_is_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool policy_name_is_equal(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

struct policy_mm_policy *policy_mm_policy_new(void)
{
	struct policy_mm_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->lifetime_minutes = 480;
	policy->soft_sa_seconds = 300;
	memcpy(policy->offers, default_mm_offers, sizeof(default_mm_offers));
	policy->n_offers = sizeof(default_mm_offers) / sizeof(default_mm_offers[0]);
	return policy;
}

struct policy_mm_policy *policy_mm_policy_copy(const struct policy_mm_policy *policy)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *policy;
	copy->name = NULL;
	if (string_copy(policy->name, &copy->name) < 0)
		return NULL;
	return TAKE_PTR(copy);
}

struct policy_mm_policy *policy_mm_policy_free(struct policy_mm_policy *policy)
{
	if (policy)
		free(policy->name);
	free(policy);
	return NULL;
}

int policy_mm_policy_merge(struct policy_mm_policy *policy, const struct policy_mm_policy *changes,
			   uint32_t given)
{
	if (given & POLICY_FIELD_QMPERMM)
		policy->quick_modes = changes->quick_modes;
	if (given & POLICY_FIELD_MMLIFETIME)
		policy->lifetime_minutes = changes->lifetime_minutes;
	if (given & POLICY_FIELD_SOFTSAEXPIRATIONTIME)
		policy->soft_sa_seconds = changes->soft_sa_seconds;
	if (given & POLICY_FIELD_MMSECMETHODS) {
		memcpy(policy->offers, changes->offers, sizeof(policy->offers));
		policy->n_offers = changes->n_offers;
	}
	return 0;
}

bool policy_mm_policy_is_equal(const struct policy_mm_policy *a, const struct policy_mm_policy *b)
{
	if (!string_is_equal(a->name, b->name) || a->quick_modes != b->quick_modes ||
	    a->lifetime_minutes != b->lifetime_minutes ||
	    a->soft_sa_seconds != b->soft_sa_seconds)
		return false;
	return policy_mm_offers_are_equal(a->offers, a->n_offers, b->offers, b->n_offers);
}

struct policy_qm_policy *policy_qm_policy_new(void)
{
	struct policy_qm_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	memcpy(policy->offers, default_qm_offers, sizeof(default_qm_offers));
	policy->n_offers = sizeof(default_qm_offers) / sizeof(default_qm_offers[0]);
	return policy;
}

struct policy_qm_policy *policy_qm_policy_copy(const struct policy_qm_policy *policy)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *policy;
	copy->name = NULL;
	if (string_copy(policy->name, &copy->name) < 0)
		return NULL;
	return TAKE_PTR(copy);
}

struct policy_qm_policy *policy_qm_policy_free(struct policy_qm_policy *policy)
{
	if (policy)
		free(policy->name);
	free(policy);
	return NULL;
}

int policy_qm_policy_merge(struct policy_qm_policy *policy, const struct policy_qm_policy *changes,
			   uint32_t given)
{
	if (given & POLICY_FIELD_SOFT)
		policy->soft = changes->soft;
	if (given & POLICY_FIELD_PFSGROUP)
		policy->pfs_group = changes->pfs_group;
	if (given & POLICY_FIELD_QMSECMETHODS) {
		memcpy(policy->offers, changes->offers, sizeof(policy->offers));
		policy->n_offers = changes->n_offers;
	}
	return 0;
}

bool policy_qm_policy_is_equal(const struct policy_qm_policy *a, const struct policy_qm_policy *b)
{
	if (!string_is_equal(a->name, b->name) || a->soft != b->soft ||
	    a->pfs_group != b->pfs_group)
		return false;
	return policy_qm_offers_are_equal(a->offers, a->n_offers, b->offers, b->n_offers);
}

struct policy_rule *policy_rule_new(void)
{
	struct policy_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->mirrored = true;
	rule->inbound = IPSECDRV_ACTION_NEGOTIATE;
	rule->outbound = IPSECDRV_ACTION_NEGOTIATE;
	rule->methods[0].kind = POLICY_METHOD_KERBEROS;
	rule->n_methods = 1;
	return rule;
}

struct policy_rule *policy_rule_copy(const struct policy_rule *rule)
{
	_cleanup_(policy_rule_freep) struct policy_rule *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *rule;
	copy->source.name = NULL;
	copy->destination.name = NULL;
	copy->tunnel_destination.name = NULL;
	copy->mm_policy = NULL;
	copy->qm_policy = NULL;
	copy->interface = NULL;
	copy->n_methods = 0;
	if (policy_address_copy(&rule->source, &copy->source) < 0 ||
	    policy_address_copy(&rule->destination, &copy->destination) < 0 ||
	    policy_address_copy(&rule->tunnel_destination, &copy->tunnel_destination) < 0 ||
	    string_copy(rule->mm_policy, &copy->mm_policy) < 0 ||
	    string_copy(rule->qm_policy, &copy->qm_policy) < 0 ||
	    string_copy(rule->interface, &copy->interface) < 0 ||
	    policy_methods_copy(rule->methods, rule->n_methods, copy->methods) < 0)
		return NULL;
	copy->n_methods = rule->n_methods;
	return TAKE_PTR(copy);
}

struct policy_rule *policy_rule_free(struct policy_rule *rule)
{
	if (!rule)
		return NULL;
	policy_address_clear(&rule->source);
	policy_address_clear(&rule->destination);
	policy_address_clear(&rule->tunnel_destination);
	free(rule->mm_policy);
	free(rule->qm_policy);
	free(rule->interface);
	policy_methods_clear(rule->methods, &rule->n_methods);
	free(rule);
	return NULL;
}

int policy_rule_merge(struct policy_rule *rule, const struct policy_rule *changes, uint32_t given)
{
	/* All copies first: after them nothing can fail. */
	_cleanup_(policy_rule_freep) struct policy_rule *copy = policy_rule_copy(changes);

	if (!copy)
		return -ENOMEM;
	if (given & POLICY_FIELD_MMPOLICY) {
		free(rule->mm_policy);
		rule->mm_policy = TAKE_PTR(copy->mm_policy);
	}
	if (given & POLICY_FIELD_QMPOLICY) {
		free(rule->qm_policy);
		rule->qm_policy = TAKE_PTR(copy->qm_policy);
	}
	if (given & POLICY_FIELD_ACTIONINBOUND)
		rule->inbound = changes->inbound;
	if (given & POLICY_FIELD_ACTIONOUTBOUND)
		rule->outbound = changes->outbound;
	if (given & POLICY_FIELD_AUTH) {
		policy_methods_clear(rule->methods, &rule->n_methods);
		memcpy(rule->methods, copy->methods, sizeof(rule->methods));
		rule->n_methods = copy->n_methods;
		copy->n_methods = 0;	/* the secrets have a new owner */
	}
	return 0;
}

bool policy_address_is_equal(const struct policy_address *a, const struct policy_address *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case POLICY_ADDRESS_IP:
		return ip_addr_is_equal(&a->addr, &b->addr) && ip_addr_is_equal(&a->mask, &b->mask);
	case POLICY_ADDRESS_NAME:
		return !strcasecmp(a->name, b->name);
	case POLICY_ADDRESS_ME:
	case POLICY_ADDRESS_ANY:
	case POLICY_ADDRESS_WINS:
	case POLICY_ADDRESS_DNS:
	case POLICY_ADDRESS_DHCP:
	case POLICY_ADDRESS_GATEWAY:
		break;
	}
	return true;
}

bool policy_rule_is_same(const struct policy_rule *a, const struct policy_rule *b)
{
	return policy_address_is_equal(&a->source, &b->source) &&
	       policy_address_is_equal(&a->destination, &b->destination) &&
	       a->protocol == b->protocol && a->source_port == b->source_port &&
	       a->destination_port == b->destination_port && a->mirrored == b->mirrored &&
	       a->connection == b->connection && string_is_equal(a->interface, b->interface) &&
	       a->has_tunnel == b->has_tunnel &&
	       a->is_default_response == b->is_default_response && a->main_mode == b->main_mode &&
	       (!a->has_tunnel ||
		policy_address_is_equal(&a->tunnel_destination, &b->tunnel_destination));
}

bool policy_rule_is_equal(const struct policy_rule *a, const struct policy_rule *b)
{
	if (!policy_rule_is_same(a, b) || !string_is_equal(a->mm_policy, b->mm_policy) ||
	    !string_is_equal(a->qm_policy, b->qm_policy) || a->inbound != b->inbound ||
	    a->outbound != b->outbound)
		return false;
	return policy_methods_are_equal(a->methods, a->n_methods, b->methods, b->n_methods);
}

const char *policy_main_mode_name(enum policy_main_mode main_mode)
{
	static const char *const names[] = { "own", "others", "only" };

	return main_mode <= POLICY_MAIN_MODE_ONLY ? names[main_mode] : NULL;
}

bool policy_rule_is_negotiated(const struct policy_rule *rule)
{
	return rule->inbound == IPSECDRV_ACTION_NEGOTIATE ||
	       rule->outbound == IPSECDRV_ACTION_NEGOTIATE;
}
