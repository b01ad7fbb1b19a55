/* SPDX-License-Identifier: MIT */
#ifndef AGENT_STORES_H
#define AGENT_STORES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/names.h"
#include "agent/ruleset.h"
#include "base/cleanup.h"
#include "store/object.h"
#include "store/store.h"

struct agent;
struct agent_change;
struct fault;
struct policy_store_info;
struct store_job;
struct trial;
struct watch;

/*
 * The stores of STATEDIR as layers of policy: what is assigned in them is in force.
 *
 *   persistent.db   read when the service starts and then not any more; under all others
 *   local.db        followed: changes by anybody are in force as soon as they are seen
 *   cache.db        the last good policy of the directory; without a directory it is not used
 *
 * A change by a call (store_job.h) is one transaction of the store around one commit of the driver:
 *
 *   BEGIN, apply, read what is assigned, check, compile, expand -> driver commits -> COMMIT
 *
 * Refused at any step before the driver's: the store rolls back and nothing has happened. The
 * store's COMMIT fails: the driver gets back what it had. A crash between the two commits: the
 * store rolls back, and the next agent builds from it. What is not assigned is not looked at by
 * the driver's side at all.
 *
 * A change by somebody else is read when watch.h tells of it. If it cannot be read or not be put
 * in force, the policy before it stays, with an event and a fault in "status", until the store is
 * good again.
 */

/* One store. */
struct stores_slot {
	enum store_location location;
	enum ruleset_layer layer;
	char *path;
	struct store *store;		/* NULL: not open */
	bool is_read_only;		/* there was no way to open it for writing */
	dev_t device;			/* of the open file, to see that it is another one now */
	ino_t inode;
	uint64_t version;		/* that was looked at last */
	struct store_content *content;	/* what is assigned, as it is in force; NULL: never was */
	struct store_content *loaded;	/* the same, between stores_load() and stores_loaded() */
	struct store_content *waiting;	/* persistent: what a call has stored since the start */
	char *fault;			/* why the store is not in force; NULL: it is */
};

struct stores {
	struct agent *agent;
	struct stores_slot slots[STORE_LOCATION_DOMAIN];
	struct watch *watch;
	struct trial *trial;
	struct store_job *jobs;		/* calls that are not answered */
	size_t n_jobs;
};

/* A store's assigned policy, read and compiled. */
struct stores_candidate {
	struct store_content *content;
	struct ruleset *ruleset;	/* NULL if nothing is assigned, or not is_new */
	bool is_new;			/* something else than what is in force */
};

/*
 * Opens the stores in @dir; a local one with the examples and an empty persistent one are made
 * when there are none. What cannot be read is a fault of its slot. -ENOMEM, or 0.
 */
int stores_new(struct agent *agent, const char *dir, struct stores **ret_stores);
/* Calls that wait are not answered. NULL is allowed; returns NULL. */
struct stores *stores_free(struct stores *stores);
DEFINE_CLEANUP(struct stores *, stores_free);

/*
 * For the first time: adds to @change the layer that a store's assigned policy is. 0, or -errno with
 * *fault. Then say what became of it: @fault is NULL, or why it is not in force.
 */
int stores_load(struct stores *stores, enum store_location location, struct agent_change *change,
		struct fault *fault);
void stores_loaded(struct stores *stores, enum store_location location, const char *fault);
/*
 * A store that should be in force is not, and nothing of it ever was since the service started: the
 * driver must let nothing pass.
 */
bool stores_is_blocking(const struct stores *stores);

/* Stored policy is assigned, or something is that cannot be read. */
bool stores_has_policy(const struct stores *stores);

/*
 * Whether strongcrypto can be switched on as far as the stores go. Not during a try, which must be
 * able to go back to what was before; nor while the persistent store's policy that waits for the next
 * start offers broken algorithms. 0, or -errno with *fault.
 */
int stores_check_strength(const struct stores *stores, struct fault *fault);

/* Looks whether somebody has changed the local store, and puts that in force. */
void stores_look(struct stores *stores);
/* The same, even if nothing seems to have changed (SIGHUP); not the persistent one. */
void stores_reread(struct stores *stores);
/* DNS names have other addresses: they are stored beside the names. */
void stores_save_names(struct stores *stores);

/* "TryEnd": what the try changed is taken back, in the driver, too. 0, or -errno with *fault. */
int stores_take_back(struct stores *stores, struct fault *fault);

/* The first fault of the stores, for "status", or NULL. */
const char *stores_fault(const struct stores *stores);
/* Whose policy is in force besides the persistent one; NULL: none. */
const struct stores_slot *stores_assigned(const struct stores *stores);
const char *stores_slot_policy(const struct stores_slot *slot);	/* that is assigned, or NULL */
void stores_slot_describe(const struct stores *stores, const struct stores_slot *slot,
			  struct policy_store_info *ret_info);

/* --- for store_job.c ---------------------------------------------------------------------- */

/* NULL with *fault: the domain, and the cache where @writes. */
struct stores_slot *stores_find(struct stores *stores, enum store_location location, bool writes,
				struct fault *fault);
/*
 * The store is open, and is the one that is there now: one that has gone is not made anew while the
 * service runs. 0, or -errno with *fault.
 */
int stores_slot_open(struct stores_slot *slot, struct fault *fault);
/* The rules of @policy, which is in @content. 0, or -errno with *fault: it has errors. */
int stores_compile(struct stores *stores, const struct stores_slot *slot,
		   const struct store_content *content, const struct store_policy *policy,
		   struct ruleset **ret_ruleset, struct fault *fault);
/* Also within a transaction, then with its changes. 0, or -errno with *fault. */
int stores_slot_compile(struct stores *stores, struct stores_slot *slot,
			struct stores_candidate *ret_candidate, struct fault *fault);
void stores_candidate_done(struct stores_candidate *candidate);
/* The DNS names in it that the agent has no addresses of. 0, or -ENOMEM with *fault. */
int stores_candidate_unknown(const struct stores *stores, const struct stores_candidate *candidate,
			     struct name_list *ret_list, struct fault *fault);
/* The addresses that the store has of a name, if it has any, are the agent's, too. */
bool stores_recall_name(struct stores *stores, struct stores_slot *slot, const char *name);
/*
 * Puts the candidate in force, taking it over, and commits the store's transaction. 0; or -errno
 * with *fault, and then driver and slot are as they were, and the transaction is still open.
 */
int stores_slot_use(struct stores *stores, struct stores_slot *slot,
		    struct stores_candidate *candidate, struct fault *fault);
/* Whether it could be put in force, the driver's verdict included. 0, or -errno with *fault. */
int stores_slot_try(struct stores *stores, struct stores_slot *slot,
		    struct stores_candidate *candidate, struct fault *fault);

#endif /* AGENT_STORES_H */
