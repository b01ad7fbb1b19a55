/* SPDX-License-Identifier: MIT */
/*
 * The tags of the static context: one table says, for each field of each kind of object, how its
 * text is read, printed and compared. It serves the commands, the dump, the bus and the
 * comparison of contents.
 */
#ifndef STORE_TAG_H
#define STORE_TAG_H

#include <stdio.h>

#include "store/object.h"

/* An object is struct store_policy, store_rule ... by @kind; STORE_KIND_DEFAULT_RULE: a rule. */

/*
 * Sets a field; "newname" is the name. 1 when there is no such tag, else 0 with the field's bit
 * added to *given, -EINVAL or -ENOMEM with a sentence. The first authentication tag replaces
 * the list.
 */
int store_tag_set(enum store_kind kind, void *object, const char *tag, const char *value,
		  uint32_t *given, char why[static POLICY_WHY_LEN]);

/* " tag=value" for each field of @given but the name, in the order of netsh's usage lines. */
void store_tags_print(FILE *file, enum store_kind kind, const void *object, uint32_t given,
		      bool with_secrets);

/* The fields in which the objects differ, name and authentication included; both are of @kind. */
uint32_t store_tags_differ(enum store_kind kind, const void *a, const void *b);

/* "pollinginterval"; "authentication" for STORE_FIELD_AUTH. @field is one bit; NULL if none. */
const char *store_tag_name(enum store_kind kind, uint32_t field);

/* The fields that a command must name to make @object, its name included. */
uint32_t store_tags_to_make(enum store_kind kind, const void *object);

/*
 * The fields of @given as they are printed, "mmpfs=yes assign=yes"; and the value of one field, "yes".
 * The caller frees them, they may be secrets. NULL without memory.
 */
char *store_tags_text(enum store_kind kind, const void *object, uint32_t given, bool with_secrets);
char *store_tag_text(enum store_kind kind, const void *object, uint32_t field, bool with_secrets);

#endif /* STORE_TAG_H */
