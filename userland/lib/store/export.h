/* SPDX-License-Identifier: MIT */
/*
 * Files of exportpolicy and importpolicy, *.ipsec: stores themselves, in one file (no log beside
 * it), with mode 0600, since the preshared keys are in them.
 */
#ifndef STORE_EXPORT_H
#define STORE_EXPORT_H

#include "store/object.h"
#include "store/store.h"

/*
 * Writes all that @store has to a new file, which takes the place of @path only when it is whole and
 * on the disk. What is there already must be a plain file: a store, or empty. 0, or -errno with
 * *fault.
 */
int store_export(struct store *store, const char *path, struct fault *fault);
/* The same of what a reader has in memory, for who cannot open the store's file. */
int store_export_content(const struct store_content *content, const char *path,
			 struct fault *fault);

/*
 * Reads such a file, of this version or an older one, and does not write it. Which policy is
 * assigned is a matter of the store that it came from (objects.md 1): none is in *ret_content.
 * Import its lists and actions, then its policies. 0, or as store_open() with *fault.
 */
int store_import_content(const char *path, struct store_content **ret_content,
			 struct fault *fault);

#endif /* STORE_EXPORT_H */
