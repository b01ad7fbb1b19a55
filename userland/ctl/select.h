/* SPDX-License-Identifier: MIT */
/* Which rows of a show the selector tags (srcaddr=, protocol=, ...) leave over. */
#ifndef CTL_SELECT_H
#define CTL_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/command.h"
#include "policy/record.h"

struct ctl;

/*
 * The value of an address tag with that of its mask tag (NULL: there is none), in the grammar's
 * one spelling. *ret_text is NULL if the address was not given; the caller frees it. CTL_EXIT_USAGE
 * has been reported.
 */
enum ctl_exit ctl_address_text(struct ctl *ctl, const struct ctl_args *args, const char *tag,
			       const char *mask_tag, char **ret_text);

/*
 * Moves the rows that differ from a given tag to the end: a tag is compared with the field that has
 * the same key, addresses with regard to their masks, names and words without regard to case.
 * *n becomes the number of rows that are left; ctl_rows_free() still needs the old one.
 */
enum ctl_exit ctl_select_rows(struct ctl *ctl, const struct ctl_args *args,
			      const struct policy_record *record, void *rows, size_t *n);

#endif /* CTL_SELECT_H */
