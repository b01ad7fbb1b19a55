/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TRIAL_H
#define AGENT_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct fault;

/*
 * A try: changes of a store that take themselves back unless somebody says in time that they are
 * good. Who has locked himself out need not do anything.
 *
 *   begin     the store is put aside, as STORE.try; then STORE.try-until says until when
 *   confirm   both are removed: what is in the store stays
 *   end       the store holds again what was put aside; then both are removed
 *   timeout   as end, and the agent is told
 *
 * STORE.try-until is what makes it a try, whatever process ends when: it is written last and
 * removed first, or after the store is back. So an agent that was killed goes on with the try
 * when it comes back, or ends it if its time has passed. Time is that of CLOCK_BOOTTIME, which
 * nobody sets, and a reboot ends a try: who would confirm it was cut off.
 */
struct trial;

#define TRIAL_SECONDS_MIN	1
#define TRIAL_SECONDS_MAX	86400

struct trial_config {
	sd_event *event;
	const char *path;		/* of the store; copied */
	/* The try has ended without a word. @fault: and the store is not what it was, yet */
	void (*timed_out)(void *userdata, const struct fault *fault);
	void *userdata;
};

/*
 * Takes up a try that a former agent left. One that is over has been taken back when this returns,
 * so call it before the store is read; *ret_was_ended says that. 0, or -errno with *fault: the
 * store may hold what nobody confirmed.
 */
int trial_new(const struct trial_config *config, struct trial **ret_trial, bool *ret_was_ended,
	      struct fault *fault);
/* The try, if there is one, is left to the next agent. NULL is allowed; returns NULL. */
struct trial *trial_free(struct trial *trial);
DEFINE_CLEANUP(struct trial *, trial_free);

/* 0, or -errno with *fault: there is one already, for example. */
int trial_begin(struct trial *trial, uint32_t seconds, struct fault *fault);
int trial_confirm(struct trial *trial, struct fault *fault);
int trial_end(struct trial *trial, struct fault *fault);

/* Until it ends; 0: there is none. */
uint32_t trial_seconds(const struct trial *trial);

#endif /* AGENT_TRIAL_H */
