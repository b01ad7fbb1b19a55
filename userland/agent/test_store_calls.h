/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TEST_STORE_CALLS_H
#define AGENT_TEST_STORE_CALLS_H

/* Calls about stores, for tests of the whole agent. */

#include "agent/test_world.h"
#include "store/bus.h"
#include "store/change.h"

#define STORE_OUTCOMES_MAX 16

/* Of the last StoreApply: number and sentence of each change. */
extern uint32_t store_numbers[STORE_OUTCOMES_MAX];
extern char store_texts[STORE_OUTCOMES_MAX][512];
extern size_t store_n_outcomes;

/* "add filter filterlist=l srcaddr=me dstaddr=10.0.0.2"; "~" stands for a blank. */
struct store_change store_change_of(const char *command);
sd_bus_message *store_apply_call(struct world *w, const char *store, uint32_t flags,
				 const char *const *commands, size_t n);
void store_apply_all(struct world *w, const char *store, uint32_t flags,
		     const char *const *commands, size_t n);
/* Of the answer to a store_apply_call(). */
void store_read_outcomes(struct world *w);
/* The number that the one change is refused with, or 0. */
uint32_t store_apply_one(struct world *w, const char *store, const char *command);

#define APPLY(w, command)                                                                     \
	do {                                                                                  \
		if (store_apply_one(w, "local", command))                                     \
			fail_msg("%s: %u %s", command, store_numbers[0], store_texts[0]);     \
	} while (0)

/* A policy of that name with one rule that blocks the traffic to the host; not assigned. */
void store_add_policy(struct world *w, const char *store, const char *name, const char *host);

#endif /* AGENT_TEST_STORE_CALLS_H */
