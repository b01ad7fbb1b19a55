/* SPDX-License-Identifier: MIT */
#ifndef AGENT_STATE_H
#define AGENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/names.h"
#include "agent/ruleset.h"

struct fault;

/*
 * What of the dynamic layer, and of that of ipsecpol, has to outlive a crash of the agent, because the
 * driver goes on to protect by it: policies, rules (with their keys) and the addresses behind DNS
 * names. It is kept
 * in RUNDIR/dynamic.state: a file system in memory, mode 0600, gone with the clean stop.
 *
 * The form is private to the agent and has a version; a file of another one is refused. An upgrade
 * hands the file on, so an agent that writes a new form has to read the one before.
 */
#define STATE_FILE "dynamic.state"

/* Whether it is one of those two. */
bool state_has_layer(enum ruleset_layer layer);
/* Of @rulesets, by layer, those two as bytes; free *ret_data with wipe_free(). */
int state_encode(struct ruleset *const *rulesets, const struct names *names, uint8_t **ret_data,
		 size_t *ret_len);
/*
 * Sets those two of @ret_rulesets; without rules of ipsecpol, the one. Everything is checked as if an
 * administrator had said it. -EBADMSG with *fault otherwise.
 */
int state_decode(const uint8_t *data, size_t len, struct ruleset **ret_rulesets,
		 struct names *ret_names, struct fault *fault);

/*
 * Writing is in two steps, so that the file says what the driver has: stage before the driver is
 * asked, publish when it has agreed, unstage when it has not. 0 or -errno.
 */
int state_stage(const char *path, const uint8_t *data, size_t len);
int state_publish(const char *path);
void state_unstage(const char *path);
/*
 * -ENOENT when there is none; -EPERM when the file is not root's own (or ours), or open to
 * others.
 */
int state_read(const char *path, uint8_t **ret_data, size_t *ret_len);
/* Overwrites and removes it. */
void state_remove(const char *path);

#endif /* AGENT_STATE_H */
