// SPDX-License-Identifier: MIT
/* What is offered, and the keys: each action and each rule that negotiates, and main mode. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/methods.h"
#include "policy/strength.h"
#include "store/finding_list.h"

#define PSK_MIN_BYTES	16
#define PSK_MIN_DISTINCT 6

/* Of either mode. */
static const struct {
	enum policy_flaw flaw;
	enum finding finding;
	const char *fault;
} weaknesses[] = {
	{ POLICY_FLAW_DES, FINDING_WEAK_CIPHER, "DES can be broken within a day" },
	{ POLICY_FLAW_GROUP_1, FINDING_WEAK_GROUP,
	  "Diffie-Hellman group 1 has 768 bits, which have been broken" },
	{ POLICY_FLAW_NO_INTEGRITY, FINDING_NO_INTEGRITY,
	  "encryption without integrity can be altered, and read by who alters it" },
	{ POLICY_FLAW_MD5, FINDING_OLD_HASH,
	  "MD5 is broken for signatures; as a keyed hash, as here, it still holds" },
	{ POLICY_FLAW_GROUP_2, FINDING_OLD_GROUP,
	  "Diffie-Hellman group 2 has 1024 bits, within reach of states" },
};

static void check_main_mode(struct finding_list *list)
{
	const struct store_policy *policy = list->policy;

	for (size_t i = 0; i < sizeof(weaknesses) / sizeof(weaknesses[0]); i++) {
		struct policy_mm_offer weak[POLICY_MAX_OFFERS];
		_cleanup_free_ char *text = NULL;
		size_t n = 0;

		for (size_t j = 0; j < policy->n_offers; j++)
			if (policy_mm_offer_flaws(&policy->offers[j]) & weaknesses[i].flaw)
				weak[n++] = policy->offers[j];
		if (!n)
			continue;
		text = policy_mm_offers_to_text(weak, n);
		finding_add(list, weaknesses[i].finding, text ? finding_policy_name(list) : NULL,
			    "main mode offers %s: %s", text, weaknesses[i].fault);
	}
}

/* @rule is one that uses the action, or has it as its own. */
static char *action_name(const struct finding_list *list, const struct store_rule *rule)
{
	return rule->is_default_response ? finding_rule_name(list, rule) :
					   finding_action_name(rule->action);
}

static void check_offers(struct finding_list *list, const struct store_rule *rule)
{
	const struct store_filter_action *action = finding_action_of(rule);

	for (size_t i = 0; i < sizeof(weaknesses) / sizeof(weaknesses[0]); i++) {
		struct policy_qm_offer weak[POLICY_MAX_OFFERS];
		_cleanup_free_ char *text = NULL;
		size_t n = 0;

		for (size_t j = 0; j < action->n_offers; j++)
			if (policy_qm_offer_flaws(&action->offers[j]) & weaknesses[i].flaw)
				weak[n++] = action->offers[j];
		if (!n)
			continue;
		text = policy_qm_offers_to_text(weak, n);
		finding_add(list, weaknesses[i].finding, text ? action_name(list, rule) : NULL,
			    "quick mode offers %s: %s", text, weaknesses[i].fault);
	}
}

static void check_action(struct finding_list *list, const struct store_rule *rule)
{
	const struct store_filter_action *action = finding_action_of(rule);

	check_offers(list, rule);
	if (action->soft)
		finding_add(list, FINDING_SOFT, action_name(list, rule),
			    "soft=yes: with a peer that does not answer IKE all is sent in clear, and "
			    "who can drop IKE's packets can bring that about");
	if (action->inpass)
		finding_add(list, FINDING_INPASS, action_name(list, rule),
			    "inpass=yes: clear packets of everybody are accepted; a host that can be "
			    "reached from the Internet is open to denial of service by them");
}

/* The place of a rule in the policy, for its action. */
struct pick {
	const struct store_filter_action *action;
	size_t place;
};

static int compare_places(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static int compare_actions(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;
	uintptr_t action_x = (uintptr_t)x->action, action_y = (uintptr_t)y->action;

	return (action_x > action_y) - (action_x < action_y) ?: compare_places(a, b);
}

/* One rule for each action: the first one that negotiates by it, in the order of the policy. */
static size_t pick_actions(const struct store_policy *policy, struct pick *picks)
{
	size_t n = 0, n_kept = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i]->is_active && finding_negotiates(policy->rules[i]))
			picks[n++] = (struct pick){ finding_action_of(policy->rules[i]), i };
	qsort(picks, n, sizeof(*picks), compare_actions);
	for (size_t i = 0; i < n; i++)
		if (!n_kept || picks[n_kept - 1].action != picks[i].action)
			picks[n_kept++] = picks[i];
	qsort(picks, n_kept, sizeof(*picks), compare_places);
	return n_kept;
}

static bool is_easy_to_guess(const char *key)
{
	bool seen[256] = { false };
	size_t n_distinct = 0;

	for (const char *at = key; *at; at++) {
		n_distinct += !seen[(unsigned char)*at];
		seen[(unsigned char)*at] = true;
	}
	return strlen(key) < PSK_MIN_BYTES || n_distinct < PSK_MIN_DISTINCT;
}

static void check_keys(struct finding_list *list, const struct store_rule *rule)
{
	for (size_t i = 0; i < rule->n_methods; i++) {
		const struct policy_method *method = &rule->methods[i];

		if (method->kind != POLICY_METHOD_PSK || !method->secret)
			continue;
		if (!strcmp(method->secret, "*"))
			finding_add(list, FINDING_PSK_PLACEHOLDER, finding_rule_name(list, rule),
				    "the preshared key is \"*\", which stands for a key in a dump "
				    "without secrets");
		else if (is_easy_to_guess(method->secret))
			finding_add(list, FINDING_WEAK_PSK, finding_rule_name(list, rule),
				    "the preshared key is short or simple; who records one main mode "
				    "can try guesses at leisure");
	}
}

/* Accounts are a directory's, and there is none; what is stored is kept for a host that has one. */
static void check_cert_map(struct finding_list *list, const struct store_rule *rule)
{
	for (size_t i = 0; i < rule->n_methods; i++) {
		if (!rule->methods[i].cert_map)
			continue;
		finding_add(list, FINDING_CERT_MAP, finding_rule_name(list, rule),
			    "certmap:yes has no effect on a host that is in no domain: certificates are not "
			    "mapped to accounts");
		return;
	}
}

void finding_check_methods(struct finding_list *list)
{
	const struct store_policy *policy = list->policy;
	_cleanup_free_ struct pick *picks = calloc(policy->n_rules + 1, sizeof(*picks));
	size_t n;

	if (!picks) {
		list->err = -ENOMEM;
		return;
	}
	n = pick_actions(policy, picks);
	if (n)
		check_main_mode(list);
	for (size_t i = 0; i < n; i++)
		check_action(list, policy->rules[picks[i].place]);
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (!policy->rules[i]->is_active || !finding_negotiates(policy->rules[i]))
			continue;
		check_keys(list, policy->rules[i]);
		check_cert_map(list, policy->rules[i]);
	}
}
