/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OAKLEY_H
#define AGENT_OAKLEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/*
 * oakley.log: each step of IKE, one line each, as the original wrote it.
 *
 *	11-28: 14:03:02:123:4711 192.0.2.2: asked for SKEYID
 *
 * Month and day, the time with milliseconds, ipsec-ike's process id, the text. Three files in one
 * directory, which root alone may look at:
 *
 *	oakley.log	at most OAKLEY_LINES_MAX entries
 *	oakley.log.bak	the one before, when that was full
 *	oakley.log.sav	the log of the service before its last start
 *
 * A log that cannot be written stops nothing: one warning, and then a look every now and then
 * whether it can be written again.
 */
struct oakley;

#define OAKLEY_FILE		"/var/log/ipsec-policy/oakley.log"
#define OAKLEY_LINES_MAX	50000
#define OAKLEY_RETRY_USEC	(10 * UINT64_C(1000000))

/*
 * Puts an old log aside. @path is copied; @now: microseconds of a clock that never goes back.
 * NULL when out of memory.
 */
struct oakley *oakley_new(const char *path, uint64_t (*now)(void));
struct oakley *oakley_free(struct oakley *oakley);
DEFINE_CLEANUP(struct oakley *, oakley_free);

/* At once. */
void oakley_set_on(struct oakley *oakley, bool is_on);
/* One entry; nothing while it is off. @text is one line. */
void oakley_write(struct oakley *oakley, pid_t pid, const char *text);

#endif /* AGENT_OAKLEY_H */
