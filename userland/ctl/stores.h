/* SPDX-License-Identifier: MIT */
/*
 * How the commands read and change stores.
 *
 * While the agent runs it does both: StoreApply checks, stores and puts in force, so that what a
 * command reported as done acts. While it does not, the command works on the file itself, and says
 * that the change waits for the agent's start. Which of the two is asked anew for every call.
 *
 * In a batch, changes are collected and go in one call; this is what makes a script of 100,000
 * lines fast. Each is still a change by itself: one that is refused is told with the line of the
 * script that it was on, and the others are made. Whatever looks at what changes did, or depends on
 * it, flushes first:
 *
 *   1: static add filterlist name=a              collected
 *   2: static add filter filterlist=a me any     collected
 *   3: static add filterlist name=A              collected
 *   4: static show filterlist all                the three are sent; "policy.txt:3: ERR IPsec ..."
 */
#ifndef CTL_STORES_H
#define CTL_STORES_H

#include "ctl/ctl.h"
#include "store/change.h"
#include "store/object.h"
#include "store/store.h"

/* Every function that returns an exit code has reported what went wrong. */

/* The store of the session, "static set store"; local at first. */
enum store_location ctl_store_location(const struct ctl *ctl);
/* The store that a tag of type store names, else the session's. */
enum store_location ctl_store_argument(const struct ctl *ctl, const struct ctl_args *args,
				       const char *tag);
enum ctl_exit ctl_store_choose(struct ctl *ctl, enum store_location location);

/*
 * Makes one change of the session's store, at once or with the batch. With --dry-run it is only
 * checked, and printed. Clears *change.
 */
enum ctl_exit ctl_store_change(struct ctl *ctl, struct store_change *change);

/* All or none of them, at once. Clears them; the array is the caller's. */
enum ctl_exit ctl_store_change_all(struct ctl *ctl, struct store_change *changes, size_t n);

/*
 * What a store holds. *ret_content is linked and may be empty; the caller frees it. @query may be
 * NULL: everything. A store that was never made is empty.
 */
enum ctl_exit ctl_store_read(struct ctl *ctl, enum store_location location,
			     const struct store_query *query, struct store_content **ret_content);
/* The same for completion: NULL, and quietly, when it cannot be read. */
struct store_content *ctl_store_peek(struct ctl *ctl, enum store_location location,
				     const struct store_query *query);

/* Collects changes from now on, or no longer: then what was collected is made. */
enum ctl_exit ctl_store_set_batch(struct ctl *ctl, bool is_batch);
/* Makes what was collected. */
enum ctl_exit ctl_store_flush(struct ctl *ctl);
/*
 * The first failure of a change that was collected, once: it was flushed by something that does not
 * return it.
 */
enum ctl_exit ctl_store_take_failure(struct ctl *ctl);

/* Drops what was collected and forgets the session's store. */
struct ctl_stores *ctl_stores_free(struct ctl_stores *stores);

#endif /* CTL_STORES_H */
