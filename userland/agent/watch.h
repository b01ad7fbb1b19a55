/* SPDX-License-Identifier: MIT */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

/*
 * Says when somebody may have changed a store: soon after inotify has seen something happen to its
 * files, and every polling interval in any case, for where inotify sees nothing. Whether there
 * is a change, and what, is for whoever is told to find out.
 */
struct watch;

/* Of the files in @dir whose names begin with that of a store. 0 or -errno. */
int watch_new(sd_event *event, const char *dir, void (*changed)(void *userdata), void *userdata,
	      struct watch **ret_watch);
struct watch *watch_free(struct watch *watch);	/* NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct watch *, watch_free);

/* Begins an interval of so many minutes, unless it is the one that runs. */
void watch_set_interval(struct watch *watch, uint32_t minutes);

#endif /* AGENT_WATCH_H */
