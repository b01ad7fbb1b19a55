/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BOOT_H
#define AGENT_BOOT_H

#include <stdbool.h>

#include "base/cleanup.h"

struct agent;
struct boot;
struct fault;

/*
 * What the driver begins with when it is loaded next, before there is an agent (boot/options.h). It
 * is on the disk before anything is said to be done that depends on it:
 *
 *   "set config" of a property of the driver's start     boot_prepare_property(), then the property
 *   stored policy is about to be assigned                boot_prepare_policy(), then the policy
 *   stored policy has gone, the service starts           boot_update(), which may be late: what is
 *                                                        there until then protects more
 *
 * The boot mode is what "set config" has set; until then stateful while there is stored policy,
 * permit while there is none.
 *
 * The file is written by another program (boot/request.h), which is waited for. An agent that is not
 * told of its socket has nothing to do with how the driver starts: it is another namespace's, or
 * the administrator writes the file.
 */

/* @socket may be NULL. -ENOMEM, or 0. */
int boot_new(const char *socket, struct boot **ret_boot);
struct boot *boot_free(struct boot *boot);
DEFINE_CLEANUP(struct boot *, boot_free);

/* 0, or -errno with *fault; then the file is as it was. */
int boot_prepare_property(struct agent *agent, const char *property, const char *value,
			  struct fault *fault);
int boot_prepare_policy(struct agent *agent, struct fault *fault);
/* By what is in force and stored now. What cannot be written is logged, and tried again later. */
void boot_update(struct agent *agent);

/* "permit", "block", "stateful": the mode that the driver will start in. */
const char *boot_mode(const struct agent *agent);

#endif /* AGENT_BOOT_H */
