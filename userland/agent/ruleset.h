/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RULESET_H
#define AGENT_RULESET_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-id128.h>

#include "base/cleanup.h"
#include "policy/model.h"

/*
 * The rules of one layer of policy, with the policies that they name: what a store's assigned
 * policy is compiled to (compile.h), and what the dynamic context changes (dynamic.h).
 *
 * A struct ruleset is a snapshot. To change it, copy it, change the copy, and use the copy when
 * the driver has taken it; a copy that is not wanted is freed and nothing has happened. The
 * objects in it are counted and never change once they are in, so a copy costs three arrays.
 *
 * A rule is a traffic and a treatment. What a stored rule says of its filters is one treatment, and
 * each filter of its list is a rule with it: a hundred thousand filters are small.
 */

/* Where rules come from. They add up; of two for the same traffic the one that is first here wins. */
enum ruleset_layer {
	RULESET_LAYER_PERSISTENT,
	RULESET_LAYER_DOMAIN,		/* from the directory, or its cache */
	RULESET_LAYER_LOCAL,
	RULESET_LAYER_IPSECCMD,		/* ipseccmd's dynamic mode: survives a restart */
	RULESET_LAYER_IPSECPOL,		/* ipsecpol's: until the service stops */
	RULESET_LAYER_DYNAMIC,		/* netsh's dynamic context: until the service stops */
	RULESET_LAYER_COUNT,
};

const char *ruleset_layer_name(enum ruleset_layer layer);	/* "persistent" */

struct ruleset_mm {
	unsigned int refs;
	struct policy_mm_policy *policy;
};

struct ruleset_qm {
	unsigned int refs;
	struct policy_qm_policy *policy;
};

/* What is done with the traffic of a rule. */
struct ruleset_treatment {
	unsigned int refs;
	enum ruleset_layer layer;
	/* Its addresses, protocol, ports and mirrored are unset: those are the rule's. */
	struct policy_rule *rule;
	struct ruleset_mm *mm;		/* what rule->mm_policy names; a reference, or NULL */
	struct ruleset_qm *qm;
	sd_id128_t guid;		/* of the stored rule; null if it is of no store */
	char *name;			/* of the stored rule, NULL if it has none */
	char *policy;			/* that the stored rule is of; NULL in the dynamic layer */
	/*
	 * A new one whenever anything changes that negotiations were made by: methods and policies,
	 * but not the actions. Never 0, never used again, larger than those before it.
	 */
	uint64_t version;
};

struct ruleset_rule {
	unsigned int refs;
	struct ruleset_treatment *treatment;	/* reference */
	struct policy_address source;
	struct policy_address destination;
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t protocol;
	bool mirrored;
};

struct ruleset {
	enum ruleset_layer layer;
	struct ruleset_mm **mms;	/* in the order of creation, as the others */
	size_t n_mms;
	struct ruleset_qm **qms;
	size_t n_qms;
	struct ruleset_rule **rules;
	size_t n_rules;
};

struct ruleset *ruleset_new(enum ruleset_layer layer);	/* empty; NULL without memory */
struct ruleset *ruleset_copy(const struct ruleset *ruleset);
struct ruleset *ruleset_free(struct ruleset *ruleset);
DEFINE_CLEANUP(struct ruleset *, ruleset_free);

/*
 * _new takes its policy over, whether it succeeds or not; NULL without memory. The others allow
 * NULL.
 */
struct ruleset_mm *ruleset_mm_new(struct policy_mm_policy *policy);
struct ruleset_mm *ruleset_mm_ref(struct ruleset_mm *mm);
struct ruleset_mm *ruleset_mm_unref(struct ruleset_mm *mm);
struct ruleset_qm *ruleset_qm_new(struct policy_qm_policy *policy);
struct ruleset_qm *ruleset_qm_ref(struct ruleset_qm *qm);
struct ruleset_qm *ruleset_qm_unref(struct ruleset_qm *qm);

/*
 * With a new version. Takes @rule over, whether it succeeds or not, and references to @mm and @qm
 * (may be NULL). NULL without memory.
 */
struct ruleset_treatment *ruleset_treatment_new(enum ruleset_layer layer, struct policy_rule *rule,
						struct ruleset_mm *mm, struct ruleset_qm *qm);
struct ruleset_treatment *ruleset_treatment_ref(struct ruleset_treatment *treatment);
struct ruleset_treatment *ruleset_treatment_unref(struct ruleset_treatment *treatment);
DEFINE_CLEANUP(struct ruleset_treatment *, ruleset_treatment_unref);
/*
 * What was negotiated by @a is as good by @b: methods, policies, tunnel; not the actions. Other
 * names of the same are no reason to negotiate anew.
 */
bool ruleset_treatment_is_same_negotiation(const struct ruleset_treatment *a,
					   const struct ruleset_treatment *b);
/* And the actions. */
bool ruleset_treatment_is_equal(const struct ruleset_treatment *a,
				const struct ruleset_treatment *b);

/* Takes a reference to @treatment and a copy of the traffic of @selectors. NULL without memory. */
struct ruleset_rule *ruleset_rule_new(struct ruleset_treatment *treatment,
				      const struct policy_rule *selectors);
struct ruleset_rule *ruleset_rule_ref(struct ruleset_rule *rule);
struct ruleset_rule *ruleset_rule_unref(struct ruleset_rule *rule);	/* NULL is allowed */
/* Traffic and treatment in one, for as long as @rule is there: everything in it is borrowed. */
struct policy_rule ruleset_rule_view(const struct ruleset_rule *rule);
/*
 * As people know it, without secrets: the command that makes it; of a stored rule its name, its
 * policy and its filter. The caller frees it; NULL without memory.
 */
char *ruleset_rule_to_text(const struct ruleset_rule *rule);

/* Each takes its object over, whether it succeeds or not. 0 or -ENOMEM. */
int ruleset_add_mm(struct ruleset *ruleset, struct ruleset_mm *mm);
int ruleset_add_qm(struct ruleset *ruleset, struct ruleset_qm *qm);
int ruleset_add_rule(struct ruleset *ruleset, struct ruleset_rule *rule);
/* The @i-th one goes. */
void ruleset_remove_mm(struct ruleset *ruleset, size_t i);
void ruleset_remove_qm(struct ruleset *ruleset, size_t i);
void ruleset_remove_rule(struct ruleset *ruleset, size_t i);

#endif /* AGENT_RULESET_H */
