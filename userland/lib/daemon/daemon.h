/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

/* What the programs of a set have in common: a run directory, a loop, its end, and systemd. */

#define DAEMON_RUN_DIR "/run/ipsec-policy"

/* RUN_DIR/NAME in @buf. -ENAMETOOLONG: too long for the address of a unix socket. */
int daemon_path(const char *run_dir, const char *name, char *buf, size_t size);

/* Makes the directory (0755) if it is missing; -ENOTDIR if something else is there. */
int daemon_make_run_dir(const char *run_dir);

/*
 * A loop that ends with status 0 on SIGTERM and SIGINT, pets systemd's watchdog if that was asked
 * for, and does not mind SIGPIPE. To be called before the process is confined.
 */
int daemon_loop_new(sd_event **ret_event);

/* Tells systemd, if it started us, that we work. */
void daemon_is_ready(void);
void daemon_is_stopping(void);

#endif
