// SPDX-License-Identifier: MIT
#include "agent/ruleset.h"

#include <errno.h>
#include <stdio.h>

#include "policy/address.h"
#include "policy/text.h"

static const char *const layer_names[RULESET_LAYER_COUNT] = {
	[RULESET_LAYER_PERSISTENT] = "persistent",
	[RULESET_LAYER_DOMAIN] = "domain",
	[RULESET_LAYER_LOCAL] = "local",
	[RULESET_LAYER_IPSECCMD] = "ipseccmd",
	[RULESET_LAYER_IPSECPOL] = "ipsecpol",
	[RULESET_LAYER_DYNAMIC] = "dynamic",
};

/* Of all layers together: what is older has the smaller one. */
static uint64_t last_version;

const char *ruleset_layer_name(enum ruleset_layer layer)
{
	return layer_names[layer];
}

/* --- counted policies --------------------------------------------------------------------- */

struct ruleset_mm *ruleset_mm_new(struct policy_mm_policy *policy)
{
	struct ruleset_mm *mm = calloc(1, sizeof(*mm));

	if (mm)
		*mm = (struct ruleset_mm){ .refs = 1, .policy = policy };
	else
		policy_mm_policy_free(policy);
	return mm;
}

struct ruleset_mm *ruleset_mm_ref(struct ruleset_mm *mm)
{
	if (mm)
		mm->refs++;
	return mm;
}

struct ruleset_mm *ruleset_mm_unref(struct ruleset_mm *mm)
{
	if (mm && !--mm->refs) {
		policy_mm_policy_free(mm->policy);
		free(mm);
	}
	return NULL;
}

struct ruleset_qm *ruleset_qm_new(struct policy_qm_policy *policy)
{
	struct ruleset_qm *qm = calloc(1, sizeof(*qm));

	if (qm)
		*qm = (struct ruleset_qm){ .refs = 1, .policy = policy };
	else
		policy_qm_policy_free(policy);
	return qm;
}

struct ruleset_qm *ruleset_qm_ref(struct ruleset_qm *qm)
{
	if (qm)
		qm->refs++;
	return qm;
}

struct ruleset_qm *ruleset_qm_unref(struct ruleset_qm *qm)
{
	if (qm && !--qm->refs) {
		policy_qm_policy_free(qm->policy);
		free(qm);
	}
	return NULL;
}

/* --- treatments --------------------------------------------------------------------------- */

static void clear_traffic(struct policy_rule *rule)
{
	policy_address_clear(&rule->source);
	policy_address_clear(&rule->destination);
	rule->protocol = 0;
	rule->source_port = rule->destination_port = 0;
	rule->mirrored = false;
}

struct ruleset_treatment *ruleset_treatment_new(enum ruleset_layer layer, struct policy_rule *rule,
						struct ruleset_mm *mm, struct ruleset_qm *qm)
{
	struct ruleset_treatment *treatment = calloc(1, sizeof(*treatment));

	if (!treatment) {
		policy_rule_free(rule);
		return NULL;
	}
	clear_traffic(rule);
	*treatment = (struct ruleset_treatment){
		.refs = 1,
		.layer = layer,
		.rule = rule,
		.mm = ruleset_mm_ref(mm),
		.qm = ruleset_qm_ref(qm),
		.version = ++last_version,
	};
	return treatment;
}

struct ruleset_treatment *ruleset_treatment_ref(struct ruleset_treatment *treatment)
{
	if (treatment)
		treatment->refs++;
	return treatment;
}

struct ruleset_treatment *ruleset_treatment_unref(struct ruleset_treatment *treatment)
{
	if (treatment && !--treatment->refs) {
		ruleset_mm_unref(treatment->mm);
		ruleset_qm_unref(treatment->qm);
		policy_rule_free(treatment->rule);
		free(treatment->name);
		free(treatment->policy);
		free(treatment);
	}
	return NULL;
}

static bool has_same_mm(const struct ruleset_mm *a, const struct ruleset_mm *b)
{
	struct policy_mm_policy renamed;

	if (a == b || !a || !b)
		return a == b;
	renamed = *a->policy;	/* borrowed */
	renamed.name = b->policy->name;
	return policy_mm_policy_is_equal(&renamed, b->policy);
}

static bool has_same_qm(const struct ruleset_qm *a, const struct ruleset_qm *b)
{
	struct policy_qm_policy renamed;

	if (a == b || !a || !b)
		return a == b;
	renamed = *a->policy;
	renamed.name = b->policy->name;
	return policy_qm_policy_is_equal(&renamed, b->policy);
}

bool ruleset_treatment_is_same_negotiation(const struct ruleset_treatment *a,
					   const struct ruleset_treatment *b)
{
	struct policy_rule with_actions = *a->rule;	/* borrowed */

	with_actions.inbound = b->rule->inbound;
	with_actions.outbound = b->rule->outbound;
	with_actions.mm_policy = b->rule->mm_policy;
	with_actions.qm_policy = b->rule->qm_policy;
	return has_same_mm(a->mm, b->mm) && has_same_qm(a->qm, b->qm) &&
	       policy_rule_is_equal(&with_actions, b->rule);
}

bool ruleset_treatment_is_equal(const struct ruleset_treatment *a,
				const struct ruleset_treatment *b)
{
	return a == b || (a->rule->inbound == b->rule->inbound &&
			  a->rule->outbound == b->rule->outbound &&
			  ruleset_treatment_is_same_negotiation(a, b));
}

/* --- rules -------------------------------------------------------------------------------- */

struct ruleset_rule *ruleset_rule_new(struct ruleset_treatment *treatment,
				      const struct policy_rule *selectors)
{
	struct ruleset_rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->refs = 1;
	rule->treatment = ruleset_treatment_ref(treatment);
	rule->source_port = selectors->source_port;
	rule->destination_port = selectors->destination_port;
	rule->protocol = selectors->protocol;
	rule->mirrored = selectors->mirrored;
	if (policy_address_copy(&selectors->source, &rule->source) ||
	    policy_address_copy(&selectors->destination, &rule->destination))
		return ruleset_rule_unref(rule);
	return rule;
}

struct ruleset_rule *ruleset_rule_ref(struct ruleset_rule *rule)
{
	if (rule)
		rule->refs++;
	return rule;
}

struct ruleset_rule *ruleset_rule_unref(struct ruleset_rule *rule)
{
	if (rule && !--rule->refs) {
		ruleset_treatment_unref(rule->treatment);
		free(rule->source.name);
		free(rule->destination.name);
		free(rule);
	}
	return NULL;
}

struct policy_rule ruleset_rule_view(const struct ruleset_rule *rule)
{
	struct policy_rule view = *rule->treatment->rule;

	view.source = rule->source;
	view.destination = rule->destination;
	view.protocol = rule->protocol;
	view.source_port = rule->source_port;
	view.destination_port = rule->destination_port;
	view.mirrored = rule->mirrored;
	return view;
}

/* 'rule "telnet" of policy "AndyPol" (local): srcaddr=me dstaddr=any protocol=tcp dstport=23' */
static char *stored_to_text(const struct ruleset_rule *rule)
{
	const struct ruleset_treatment *treatment = rule->treatment;
	_cleanup_free_ char *source = policy_address_to_text(&rule->source);
	_cleanup_free_ char *destination = policy_address_to_text(&rule->destination);
	char protocol[POLICY_PROTOCOL_STRLEN], ports[64] = "";
	char *text = NULL;

	if (!source || !destination)
		return NULL;
	if (treatment->rule->is_default_response) {
		if (asprintf(&text, "default response rule of policy \"%s\" (%s)",
			     treatment->policy, ruleset_layer_name(treatment->layer)) < 0)
			return NULL;
		return text;
	}
	if (rule->source_port || rule->destination_port)
		snprintf(ports, sizeof(ports), " srcport=%u dstport=%u", rule->source_port,
			 rule->destination_port);
	if (asprintf(&text,
		     "rule \"%s\" of policy \"%s\" (%s): srcaddr=%s dstaddr=%s protocol=%s%s%s",
		     treatment->name ? treatment->name : "", treatment->policy,
		     ruleset_layer_name(treatment->layer), source, destination,
		     policy_protocol_format(rule->protocol, protocol), ports,
		     rule->mirrored ? "" : " mirrored=no") < 0)
		return NULL;
	return text;
}

char *ruleset_rule_to_text(const struct ruleset_rule *rule)
{
	struct policy_rule view = ruleset_rule_view(rule);

	return rule->treatment->policy ? stored_to_text(rule) : policy_rule_to_text(&view, false);
}

/* --- snapshots ---------------------------------------------------------------------------- */

struct ruleset *ruleset_new(enum ruleset_layer layer)
{
	struct ruleset *ruleset = calloc(1, sizeof(*ruleset));

	if (ruleset)
		ruleset->layer = layer;
	return ruleset;
}

struct ruleset *ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return NULL;
	for (size_t i = 0; i < ruleset->n_rules; i++)
		ruleset_rule_unref(ruleset->rules[i]);
	for (size_t i = 0; i < ruleset->n_mms; i++)
		ruleset_mm_unref(ruleset->mms[i]);
	for (size_t i = 0; i < ruleset->n_qms; i++)
		ruleset_qm_unref(ruleset->qms[i]);
	free(ruleset->rules);
	free(ruleset->mms);
	free(ruleset->qms);
	free(ruleset);
	return NULL;
}

/* The next power of two: so many pointers there is always room for. */
static size_t room_for(size_t n)
{
	size_t room = 1;

	while (room < n)
		room *= 2;
	return room;
}

/* An array of @n pointers with room for one more, or NULL and it is as it was. */
static void *grow(void *items, size_t n)
{
	if (n && room_for(n) > n)
		return items;
	return reallocarray(items, room_for(n + 1), sizeof(void *));
}

/* Closes the gap that the @i-th of @n pointers leaves. */
static void close_gap(void *items, size_t n, size_t i)
{
	char *at = (char *)items + i * sizeof(void *);

	memmove(at, at + sizeof(void *), (n - i - 1) * sizeof(void *));
}

struct ruleset *ruleset_copy(const struct ruleset *ruleset)
{
	_cleanup_(ruleset_freep) struct ruleset *copy = ruleset_new(ruleset->layer);

	if (!copy)
		return NULL;
	copy->mms = calloc(room_for(ruleset->n_mms), sizeof(*copy->mms));
	copy->qms = calloc(room_for(ruleset->n_qms), sizeof(*copy->qms));
	copy->rules = calloc(room_for(ruleset->n_rules), sizeof(*copy->rules));
	if (!copy->mms || !copy->qms || !copy->rules)
		return NULL;
	for (size_t i = 0; i < ruleset->n_mms; i++)
		copy->mms[copy->n_mms++] = ruleset_mm_ref(ruleset->mms[i]);
	for (size_t i = 0; i < ruleset->n_qms; i++)
		copy->qms[copy->n_qms++] = ruleset_qm_ref(ruleset->qms[i]);
	for (size_t i = 0; i < ruleset->n_rules; i++)
		copy->rules[copy->n_rules++] = ruleset_rule_ref(ruleset->rules[i]);
	return TAKE_PTR(copy);
}

int ruleset_add_mm(struct ruleset *ruleset, struct ruleset_mm *mm)
{
	struct ruleset_mm **longer = grow(ruleset->mms, ruleset->n_mms);

	if (!longer) {
		ruleset_mm_unref(mm);
		return -ENOMEM;
	}
	ruleset->mms = longer;
	longer[ruleset->n_mms++] = mm;
	return 0;
}

int ruleset_add_qm(struct ruleset *ruleset, struct ruleset_qm *qm)
{
	struct ruleset_qm **longer = grow(ruleset->qms, ruleset->n_qms);

	if (!longer) {
		ruleset_qm_unref(qm);
		return -ENOMEM;
	}
	ruleset->qms = longer;
	longer[ruleset->n_qms++] = qm;
	return 0;
}

int ruleset_add_rule(struct ruleset *ruleset, struct ruleset_rule *rule)
{
	struct ruleset_rule **longer = grow(ruleset->rules, ruleset->n_rules);

	if (!longer) {
		ruleset_rule_unref(rule);
		return -ENOMEM;
	}
	ruleset->rules = longer;
	longer[ruleset->n_rules++] = rule;
	return 0;
}

void ruleset_remove_mm(struct ruleset *ruleset, size_t i)
{
	ruleset_mm_unref(ruleset->mms[i]);
	close_gap(ruleset->mms, ruleset->n_mms--, i);
}

void ruleset_remove_qm(struct ruleset *ruleset, size_t i)
{
	ruleset_qm_unref(ruleset->qms[i]);
	close_gap(ruleset->qms, ruleset->n_qms--, i);
}

void ruleset_remove_rule(struct ruleset *ruleset, size_t i)
{
	ruleset_rule_unref(ruleset->rules[i]);
	close_gap(ruleset->rules, ruleset->n_rules--, i);
}
