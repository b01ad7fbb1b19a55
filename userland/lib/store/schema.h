/* SPDX-License-Identifier: MIT */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/sql.h"

#define SCHEMA_APPLICATION_ID	0x49505350	/* "IPSP", at byte 68 of the file */
#define SCHEMA_VERSION		5		/* the number of steps in schema.c */

/*
 * What is in the file. 1: a store, of *ret_version; 0: nothing at all yet. -EBADMSG: it is no
 * store, or not one that this program knows; or another -errno; with *fault.
 */
int schema_identify(struct store *store, int *ret_version, struct fault *fault);

/* Makes the tables of @version those of SCHEMA_VERSION; 0 is an empty file. In a transaction. */
int schema_migrate(struct store *store, int version, struct fault *fault);

/* The file's structure, its references, and that its tables are ours. -EBADMSG with *fault. */
int schema_check(struct store *store, int version, struct fault *fault);

#endif /* STORE_SCHEMA_H */
