/* SPDX-License-Identifier: MIT */
/*
 * A store: one SQLite file, its changes and what it holds.
 *
 * Any process may have it open; SQLite keeps them apart. A change is made in a transaction, so
 * that others see all of it or nothing, after a crash, too.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <sys/types.h>

#include "policy/fault.h"
#include "store/change.h"
#include "store/object.h"

/* Where policy is kept. */
enum store_location {
	STORE_LOCATION_PERSISTENT,
	STORE_LOCATION_LOCAL,
	STORE_LOCATION_CACHE,		/* the last good domain policy; only the agent writes it */
	STORE_LOCATION_DOMAIN,		/* not a file */
};

const char *store_location_name(enum store_location location);	/* "persistent" */
int store_location_parse(const char *text, enum store_location *ret_location);
/* "persistent.db"; NULL for the domain */
const char *store_location_file(enum store_location location);

struct store;

enum store_open_flags {
	STORE_OPEN_READ = 0,
	STORE_OPEN_WRITE = 1,
	STORE_OPEN_CREATE = 2,		/* with WRITE: made when it is not there, with the examples */
	STORE_OPEN_EMPTY = 4,		/* with CREATE: without the examples */
};

/*
 * Opens, migrates an older schema (with WRITE), and checks the integrity of the file. 0;
 * -ENOENT; -EACCES; -EBADMSG when it is no store, is damaged or is of a newer version: then it is
 * left as it is, and the sentence says what to do. All with *fault.
 */
int store_open(const char *path, unsigned int flags, struct store **ret_store, struct fault *fault);
struct store *store_close(struct store *store);	/* rolls back; returns NULL */
DEFINE_CLEANUP(struct store *, store_close);

/*
 * Transactions, not nested. store_begin() waits a while for another writer. After store_commit()
 * returned 0 the change outlives a power failure. Without a transaction store_apply() makes its own.
 */
int store_begin(struct store *store, struct fault *fault);
int store_commit(struct store *store, struct fault *fault);
void store_rollback(struct store *store);

/*
 * Checks and applies one change with the delete rules of objects.md. 0, or -errno with *fault, and
 * then this change has done nothing, and those before it in the transaction stand. Assigning a
 * policy unassigns the one that was.
 */
int store_apply(struct store *store, const struct store_change *change, struct fault *fault);

/* What to read. */
struct store_query {
	const char *policy;		/* only this policy, with the lists and actions it uses; NULL: all */
	bool only_assigned;
	bool without_filters;		/* lists without their filters */
};

/* A consistent picture, linked. *ret_content may be empty. 0, or -errno with *fault. */
int store_read(struct store *store, const struct store_query *query,
	       struct store_content **ret_content, struct fault *fault);

/*
 * Changes when another connection, or this one, has committed something: PRAGMA data_version and
 * our own counter. 0 when it cannot be known.
 */
uint64_t store_version(struct store *store);

/*
 * The addresses that DNS names had when they were last resolved: they are stored beside the names,
 * so that a filter exists before the network does.
 */
int store_set_addresses(struct store *store, const char *name, const struct ip_addr *addresses,
			size_t n, struct fault *fault);
/* The caller frees *ret_addresses. No such name: 0 addresses. */
int store_get_addresses(struct store *store, const char *name, struct ip_addr **ret_addresses,
			size_t *ret_n, struct fault *fault);

/*
 * Whether a process with these ids may read (or write) the store's file by its owner, group and
 * mode: that is how rights to a store are delegated. 0, -EACCES, or another -errno.
 */
int store_access(const char *path, bool writes, uid_t uid, const gid_t *gids, size_t n_gids);

#endif /* STORE_STORE_H */
