/* SPDX-License-Identifier: MIT */
/*
 * What is different between two contents: two stores, or one store before and after.
 *
 * Objects are the same if they have the same GUID; those that are left, if they have the same name,
 * or, as filters, match the same traffic. So a new name is a change, and a store that was made from
 * another one's dump is compared, too. GUIDs, times, the order of creation and whether ipseccmd made
 * it are no differences.
 */
#ifndef STORE_DIFF_H
#define STORE_DIFF_H

#include <stdio.h>

#include "store/object.h"

enum store_difference_type {
	STORE_DIFFERENCE_ADDED,
	STORE_DIFFERENCE_REMOVED,
	STORE_DIFFERENCE_CHANGED,
};

struct store_difference {
	enum store_difference_type type;
	enum store_kind kind;
	char *name;			/* of a filter its tags; of a default response rule NULL */
	char *owner;			/* rule: its policy; filter: its list; else NULL */
	const char *field;		/* CHANGED: "mmlifetime"; a tag, "name" or "authentication" */
	/* CHANGED: the values. REMOVED, ADDED: the tags that make the object. Else NULL. */
	char *before;
	char *after;
};

/* Policies with their rules, lists with their filters, actions; each as in the contents. */
struct store_diff {
	struct store_difference *list;
	size_t n;
};

/*
 * 0 or -ENOMEM; release with store_diff_done(). Of an object that is added or removed all rules and
 * filters are, too. Without @with_secrets keys are "*", and say that they are different.
 */
int store_content_diff(const struct store_content *before, const struct store_content *after,
		       bool with_secrets, struct store_diff *ret_diff);
void store_diff_done(struct store_diff *diff);

const char *store_difference_type_name(enum store_difference_type type);	/* "added" */

/* 'rule "r1" of policy "p": activate: yes -> no', without a line's end. */
void store_difference_print(FILE *file, const struct store_difference *difference);

#endif /* STORE_DIFF_H */
