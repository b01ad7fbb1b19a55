/* SPDX-License-Identifier: MIT */
/* Whole stores: put aside, and put back. Also while others have them open. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "policy/fault.h"

/*
 * Writes all that the store in the file @path holds into the file @copy, which is replaced, is
 * nobody else's to read, and is on the disk when this returns. 0, or -errno with *fault and @copy is
 * as it was.
 */
int store_copy_save(const char *path, const char *copy, struct fault *fault);

/*
 * The store in @path holds again what @copy holds, in one transaction: others see all of it or
 * nothing, after a crash, too. Owner, group and mode of the file stay. 0, or -errno with *fault and
 * nothing has changed.
 */
int store_copy_restore(const char *path, const char *copy, struct fault *fault);

/* What was renamed or removed in the directory of @path is on the disk. 0 or -errno. */
int store_copy_sync_directory(const char *path);

#endif /* STORE_COPY_H */
