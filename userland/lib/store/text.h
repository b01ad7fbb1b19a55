/* SPDX-License-Identifier: MIT */
/* Stored objects as text: the "static" commands that make them, and back. parse(print(x)) is x. */
#ifndef STORE_TEXT_H
#define STORE_TEXT_H

#include <stdio.h>

#include "store/change.h"
#include "store/object.h"

/*
 * Sets one field of @change's object, or what the change is to find, from the text of a tag's
 * value; @tag is its full name, a mask is part of its address, as for policy_rule_set_tag(). The
 * object is made on the first use. 0, -EINVAL with a sentence, -ENOMEM (with one too).
 */
int store_change_set_tag(struct store_change *change, const char *tag, const char *value,
			 char why[static POLICY_WHY_LEN]);

/*
 * The command that does the change, on one line without its end: "static add filter filterlist=...".
 * For the journal and for dry runs, without secrets (psk=*).
 */
void store_change_print(FILE *file, const struct store_change *change, bool with_secrets);

/*
 * The script that rebuilds @content in an empty store (one without the examples): actions, lists
 * and filters, policies, rules, default rules, and the assignment last. Every non-default field.
 */
void store_content_print(FILE *file, const struct store_content *content, bool with_secrets);

#endif /* STORE_TEXT_H */
