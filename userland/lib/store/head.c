// SPDX-License-Identifier: MIT
#include "store/head.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/check.h"

int store_text_copy(const char *text, char **ret_copy)
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

bool store_text_is_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

int store_head_copy(const struct store_head *head, struct store_head *ret_copy)
{
	struct store_head copy = *head;

	copy.name = NULL;
	copy.description = NULL;
	if (store_text_copy(head->name, &copy.name) < 0 ||
	    store_text_copy(head->description, &copy.description) < 0) {
		store_head_clear(&copy);
		*ret_copy = copy;
		return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

void store_head_clear(struct store_head *head)
{
	free(head->name);
	free(head->description);
	*head = (struct store_head){ .name = NULL };
}

bool store_head_is_equal(const struct store_head *a, const struct store_head *b)
{
	return store_text_is_equal(a->name, b->name) &&
	       store_text_is_equal(a->description, b->description);
}

int store_description_check(const char *description, char why[static POLICY_WHY_LEN])
{
	if (strlen(description) > STORE_DESCRIPTION_MAX)
		return store_refuse(why, "description: longer than %d bytes", STORE_DESCRIPTION_MAX);
	return policy_text_check("description", description, why);
}

int store_head_check_unnamed(const struct store_head *head, char why[static POLICY_WHY_LEN])
{
	if (head->name)
		return store_refuse(why, "name: filters and default response rules have none; leave "
					 "it out");
	return head->description ? store_description_check(head->description, why) : 0;
}

int store_head_check(const struct store_head *head, char why[static POLICY_WHY_LEN])
{
	return policy_name_check("name", head->name, why) ?:
	       (head->description ? store_description_check(head->description, why) : 0);
}

static void take_string(char **field, char **fresh)
{
	free(*field);
	*field = TAKE_PTR(*fresh);
}

void store_head_take(struct store_head *head, struct store_head *fresh, uint32_t given)
{
	if (given & STORE_FIELD_NEWNAME)
		take_string(&head->name, &fresh->name);
	if (given & STORE_FIELD_DESCRIPTION)
		take_string(&head->description, &fresh->description);
}

void *store_array_room(void *array, size_t n)
{
	if (n & (n - 1))
		return array;
	return reallocarray(array, n ? 2 * n : 1, sizeof(void *));	/* 0, 1, 2, 4 ...: full */
}

int store_refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}
