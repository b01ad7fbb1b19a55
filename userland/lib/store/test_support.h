/* SPDX-License-Identifier: MIT */
/* Of the tests of stores: a folder for their files, and objects that are quickly made. */
#ifndef STORE_TEST_SUPPORT_H
#define STORE_TEST_SUPPORT_H

#include "store/store.h"

/* For cmocka: a folder of its own for each test, which is emptied after it. */
int test_make_folder(void **state);
int test_remove_folder(void **state);
/* "local.db" in that folder; static. */
const char *test_path(void);

/* What the last call below was refused with. */
extern struct fault test_fault;

/* Opens test_path(); fails the test if that cannot be done. */
struct store *test_open(unsigned int flags);
struct store_content *test_read(struct store *store);

/* The object is taken over; other parts of the change are 0. As store_apply(), with test_fault. */
int test_add_list(struct store *store, const char *name);
int test_add_filter(struct store *store, const char *list, const char *destination);
int test_add_action(struct store *store, const char *name);
int test_add_policy(struct store *store, const char *name);
int test_add_rule(struct store *store, const char *policy, const char *name, const char *list,
		  const char *action);
int test_delete(struct store *store, enum store_kind kind, const char *policy, const char *name);
/* Assigns, or with @assign false unassigns. */
int test_assign(struct store *store, const char *policy, bool assign);
int test_apply(struct store *store, const struct store_change *change);

/* A list "l", an action "a", a policy "p" with a rule "r" between them and a preshared key. */
void test_fill(struct store *store);

struct store_filter *test_filter(const char *source, const char *destination);

#endif /* STORE_TEST_SUPPORT_H */
