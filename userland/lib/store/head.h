/* SPDX-License-Identifier: MIT */
/* What the files of this library share: names, descriptions and arrays of objects. */
#ifndef STORE_HEAD_H
#define STORE_HEAD_H

#include "store/object.h"

/* NULL is copied as NULL. 0 or -ENOMEM. */
int store_text_copy(const char *text, char **ret_copy);
bool store_text_is_equal(const char *a, const char *b);

/* Deep. 0 or -ENOMEM, and then *ret_copy has no strings. */
int store_head_copy(const struct store_head *head, struct store_head *ret_copy);
void store_head_clear(struct store_head *head);
/* Name and description; not GUID and time. Case counts. */
bool store_head_is_equal(const struct store_head *a, const struct store_head *b);
int store_description_check(const char *description, char why[static POLICY_WHY_LEN]);
/* With a name that is there and one that can be used, or without any. */
int store_head_check(const struct store_head *head, char why[static POLICY_WHY_LEN]);
int store_head_check_unnamed(const struct store_head *head, char why[static POLICY_WHY_LEN]);

/*
 * Replaces what @given has of STORE_FIELD_NEWNAME and STORE_FIELD_DESCRIPTION by the strings of
 * @fresh, which are taken. Cannot fail.
 */
void store_head_take(struct store_head *head, struct store_head *fresh, uint32_t given);

/*
 * Room for one more in an array of @n pointers, which has it up to the next power of two: the array,
 * perhaps moved, or NULL without memory, and then the old one stands.
 */
void *store_array_room(void *array, size_t n);

/* All but the name: the action of a default response rule has none. */
int store_filter_action_check_body(const struct store_filter_action *action,
				   char why[static POLICY_WHY_LEN]);

/* An object of @kind, struct store_policy for a policy and so on, and its head. */
void *store_object_new(enum store_kind kind);	/* NULL without memory */
void store_object_free(enum store_kind kind, void *object);
const struct store_head *store_object_head(enum store_kind kind, const void *object);

/* @format must make less than POLICY_WHY_LEN bytes. Returns -EINVAL. */
int store_refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* STORE_HEAD_H */
