// SPDX-License-Identifier: MIT
#include "agent/caller.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/listener.h"
#include "store/store.h"

int caller_get(sd_bus *bus, struct caller *ret_caller)
{
	_cleanup_free_ gid_t *gids = NULL;
	struct link_peer peer;
	gid_t *more;
	size_t n;
	int r = link_listener_peer(bus, &peer, &gids, &n);

	if (r)
		return r;
	more = reallocarray(gids, n + 1, sizeof(*gids));
	if (!more)
		return -ENOMEM;
	gids = more;
	gids[n++] = peer.gid;
	*ret_caller = (struct caller){ .uid = peer.uid, .gids = TAKE_PTR(gids), .n_gids = n };
	return 0;
}

void caller_done(struct caller *caller)
{
	free(caller->gids);
	*caller = (struct caller){ 0 };
}

bool caller_is_administrator(const struct caller *caller)
{
	return caller->uid == 0 || caller->uid == geteuid();
}

bool caller_may_use(const struct caller *caller, const char *path, bool writes)
{
	return caller_is_administrator(caller) ||
	       !store_access(path, writes, caller->uid, caller->gids, caller->n_gids);
}
