/* SPDX-License-Identifier: MIT */
/*
 * A change of a store, as a command says it: one verb, one object. Commands make changes; agent or
 * command line apply them (store.h), so that a script, an import and a single command are the same.
 */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "store/object.h"

enum store_verb {
	STORE_VERB_ADD,
	STORE_VERB_SET,
	STORE_VERB_DELETE,
	/*
	 * The object as it is, with its GUID: it is added, or takes the place of what has this
	 * GUID, else of what has this name. For policies with all their rules, for lists with all
	 * their filters. Lists and actions go before the policies that use them. What takes the
	 * place of the assigned policy is assigned.
	 */
	STORE_VERB_IMPORT,
};

struct store_change {
	enum store_verb verb;
	enum store_kind kind;
	/*
	 * SET and DELETE: what is meant. One of guid, name, id; or all (DELETE only). A filter is
	 * found by its list and by the fields in @given.
	 */
	bool is_all;
	sd_id128_t guid;
	char *name;
	uint32_t id;			/* of a rule: its number in "show rule"; 0 is none */
	char *policy;			/* rule, default rule: whose */
	char *list;			/* filter: whose; made by ADD if there is none */
	uint32_t given;			/* SET, DELETE of filters: enum store_field */
	/* ADD, SET, IMPORT, and DELETE of filters; the one of @kind. Owned. */
	struct store_filter *filter;
	struct store_filter_list *filter_list;
	struct store_filter_action *filter_action;
	struct store_rule *rule;
	struct store_policy *store_policy;
};

/* Frees what it owns and zeroes it. */
void store_change_clear(struct store_change *change);

/* The object of the change's kind: a struct store_policy for a policy and so on; borrowed or NULL. */
void *store_change_object(const struct store_change *change);
/* Makes it, with its defaults, if there is none. 0 or -ENOMEM. */
int store_change_make_object(struct store_change *change);

/* "add", "filterlist": the words of the commands. Parsing takes no other case; 0 or -EINVAL. */
const char *store_verb_name(enum store_verb verb);
int store_verb_parse(const char *text, enum store_verb *ret_verb);
const char *store_kind_name(enum store_kind kind);
int store_kind_parse(const char *text, enum store_kind *ret_kind);

#endif /* STORE_CHANGE_H */
