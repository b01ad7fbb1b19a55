/* SPDX-License-Identifier: MIT */
#ifndef AGENT_LAYERS_H
#define AGENT_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/expand.h"
#include "agent/tunnel.h"
#include "nl/kernel.h"

struct fault;
struct ruleset;
struct ruleset_rule;

/*
 * The effective filters: what the layers of policy add up to, with the driver's ids.
 *
 * Layers. All rules of all layers count. Of two for the same traffic and direction the lower
 * layer's is in force (the persistent one is the lowest): what is meant as a base cannot be
 * taken away by what comes after. The other one is left out there, which is no error but is told. Two
 * of one layer that want the same are one; that want different things are refused.
 *
 * A struct layers is immutable but for the driver's order, which is fetched when somebody asks, what
 * ipsec-cred says about the rules' methods, and the filters of the default response rule
 * (response.h), which come and go with associations.
 *
 * Ids. A filter keeps its id as long as its traffic and what is negotiated for it stay (that is the
 * version of its rules); a filter whose methods or policies change gets a new one. The
 * driver drops associations, failures and soft associations with the id they were made for, so a
 * change of policy is in force the moment that the commit is, and what is not concerned lives on.
 */

/* Rules whose directions differ can meet in one filter, so each direction has its own. */
struct layer_filter {
	struct kernel_filter filter;
	struct ruleset_rule *rule[IPSECDRV_DIRECTION_MAX + 1];	/* reference, or NULL */
	bool is_adopted;		/* from the driver, rules unknown */
	enum tunnel_fault tunnel_fault;	/* why a tunnel filter blocks what it should negotiate */
};

/*
 * A pair of sides that negotiates: main mode's view, without protocol and ports. Of a tunnel these
 * are its ends. A rule makes one of its own addresses, or says that those of other rules count.
 */
struct layer_mm {
	uint8_t family;
	struct kernel_filter_side local;
	struct kernel_filter_side remote;
	const struct ruleset_rule *rule;
	uint8_t usable;		/* bits 1 << enum ike_auth: ipsec-cred can do these; 0 not known */
};

/* A rule that a lower layer has left nothing of, or less, for somebody to be told. */
struct layer_loss {
	struct ruleset_rule *loser;	/* references */
	struct ruleset_rule *winner;
};

struct layers {
	struct layer_filter *filters;	/* sorted by traffic */
	size_t n_filters;
	struct layer_filter **by_id;	/* sorted by id */
	struct layer_mm *mms;		/* most specific first; no two with the same sides */
	size_t n_mms;
	struct ruleset_rule **mm_rules;	/* main mode filters and nothing else; references */
	size_t n_mm_rules;
	/* For peers that no pair above is for; rule NULL without a default response rule. */
	struct layer_mm default_mm;
	struct ruleset_rule *default_rule;	/* reference, or NULL */
	struct layer_filter **responses;	/* its filters, besides those above */
	size_t n_responses;
	bool filters_are_adopted;
	uint32_t next_id;
	/*
	 * Two rules between the same sides that authenticate differently, or NULL: main mode
	 * cannot tell them apart, and the first one's methods hold for both.
	 */
	const struct ruleset_rule *conflict[2];
	struct layer_loss *losses;	/* sorted by loser, each once */
	size_t n_losses;
	struct layer_filter **order;	/* as the driver searches; NULL until asked for */
};

/*
 * The filters of @rulesets, lowest layer first (NULL: there is none of that layer). @before (may be
 * NULL) is what is in force: its ids are kept. 0, or -errno with *fault: two rules of one layer for
 * the same traffic and direction, too many filters.
 */
int layers_build(struct ruleset *const *rulesets, size_t n_rulesets,
		 const struct expand_names *names, const struct layers *before,
		 struct layers **ret_layers, struct fault *fault);
/* What the driver has, after a restart: @before for the first build. */
int layers_adopt(struct kernel *kernel, struct layers **ret_layers);
struct layers *layers_free(struct layers *layers);
DEFINE_CLEANUP(struct layers *, layers_free);

/*
 * Makes the driver have @layers instead of @before (NULL: unknown), in one step. On failure it
 * has what it had, and kernel->why says why.
 */
int layers_commit(const struct layers *layers, const struct layers *before,
		  struct kernel *kernel);

/*
 * Whether the driver would take @layers, and why not: as layers_commit(), but changes nothing and asks
 * about all filters, however few have changed.
 */
int layers_check(const struct layers *layers, struct kernel *kernel);

/* Filters that the driver gets and loses; one that changes is both. */
struct layers_difference {
	size_t added;
	size_t removed;
};

struct layers_difference layers_compare(const struct layers *before, const struct layers *after);

/* An id that no filter has. */
uint32_t layers_new_id(struct layers *layers);

/* By id, those of the default response rule, too; NULL if there is none. */
const struct layer_filter *layers_find(const struct layers *layers, uint32_t id);
/* The rule of a filter: of its negotiated direction if any, else of either. NULL when adopted. */
const struct ruleset_rule *layer_filter_rule(const struct layer_filter *filter);
/* Whose rule holds where @rule says something else; NULL when all that @rule says is in force. */
const struct ruleset_rule *layers_find_winner(const struct layers *layers,
					      const struct ruleset_rule *rule);
/* Packets of this filter are negotiated for, in one direction at least. */
bool layer_filter_is_negotiated(const struct layer_filter *filter);

/*
 * The filters in the driver's order (asked for once), n_filters of them; those of the default response
 * rule are not among them. NULL: kernel->why.
 */
struct layer_filter *const *layers_order(struct layers *layers, struct kernel *kernel);

/* Whether @addr is on this side; @is_me is the answer for class me. */
bool layer_side_contains(const struct kernel_filter_side *side, const struct ip_addr *addr,
			 bool is_me);

#endif /* AGENT_LAYERS_H */
