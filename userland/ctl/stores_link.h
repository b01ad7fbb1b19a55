/* SPDX-License-Identifier: MIT */
/* The two ways to a store, for stores.c only. */
#ifndef CTL_STORES_LINK_H
#define CTL_STORES_LINK_H

#include "ctl/ctl.h"
#include "store/bus.h"
#include "store/change.h"
#include "store/store.h"

/* What became of one change. */
struct store_outcome {
	unsigned int number;		/* 0: it is done, or with a dry run could be */
	char *text;			/* the sentence of a refusal; owned */
};

/*
 * Both: the changes one by one, @flags are enum store_apply_flags, *outcomes has @n entries. The
 * exit code is for what went wrong with the call as a whole, and has been reported.
 */
enum ctl_exit ctl_stores_apply_by_agent(struct ctl *ctl, enum store_location location,
					unsigned int flags, const struct store_change *changes,
					size_t n, struct store_outcome *outcomes);
enum ctl_exit ctl_stores_read_by_agent(struct ctl *ctl, enum store_location location,
				       const struct store_query *query,
				       struct store_content **ret_content);

/* *store is the file if it is open already, and is opened and left to the caller if not. */
enum ctl_exit ctl_stores_apply_to_file(struct ctl *ctl, enum store_location location,
				       unsigned int flags, const struct store_change *changes,
				       size_t n, struct store_outcome *outcomes,
				       struct store **store);
enum ctl_exit ctl_stores_read_file(struct ctl *ctl, enum store_location location,
				   const struct store_query *query,
				   struct store_content **ret_content);

#endif /* CTL_STORES_LINK_H */
