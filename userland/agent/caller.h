/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CALLER_H
#define AGENT_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

/*
 * Who calls, and what that lets him do. An administrator (root, or whoever the agent runs as) may
 * do everything. Anybody else may do to a store what owner, group and mode of its file allow, and
 * nothing besides: `chgrp operators local.db; chmod g+rw local.db` delegates the local store.
 *
 * Credentials are those of the moment when the process connected; the file is looked at anew for
 * each call, so a right that is taken back is gone.
 */
struct caller {
	uid_t uid;
	gid_t *gids;		/* its group and the supplementary ones */
	size_t n_gids;
};

/* The process at the other end of a connection. 0 or -errno; release with caller_done(). */
int caller_get(sd_bus *bus, struct caller *ret_caller);
void caller_done(struct caller *caller);

bool caller_is_administrator(const struct caller *caller);
/* Whether the caller may read (or write) the store in the file @path. */
bool caller_may_use(const struct caller *caller, const char *path, bool writes);

#endif /* AGENT_CALLER_H */
