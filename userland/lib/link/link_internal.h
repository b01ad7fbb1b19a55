/* SPDX-License-Identifier: MIT */
#ifndef LINK_LINK_INTERNAL_H
#define LINK_LINK_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "link/link.h"

/* Inside lib/link only. */

struct link {
	sd_event *event;
	sd_bus *bus;
	sd_bus_slot *filter;
	struct link_config config;
	struct link_peer peer;
	struct link_request *requests;	/* not answered yet */
	size_t n_requests;
	struct link_call *calls;	/* no answer yet */
	bool is_up;
	bool is_closing;
	bool owns_bus;			/* closes it in the end */
	int error;
	sd_event_source *drop_source;
	sd_event_source *drain_source;
	bool *is_freed;			/* of on_drain(), while it runs */
	/* Called from the loop when the link is to go; the owner then calls link_finish(). */
	void (*gone)(void *owner, struct link *link);
	/* After the user's up(); may be NULL. */
	void (*went_up)(void *owner, struct link *link);
	void *owner;
};

/* A bus over a connected socket, not started; takes @fd over on success only. 0 or -errno. */
int link_bus_new(int fd, bool is_server, sd_bus **ret_bus);
/* Who is at the other end of a connected unix socket. */
int link_peer_of(int fd, struct link_peer *ret_peer);
/* Root always may. */
bool link_peer_is_welcome(const struct link_peer *peer, const uid_t *uids, size_t n_uids);

/* NULL without memory. */
struct link *link_new(sd_event *event, const struct link_config *config,
		      const struct link_peer *peer, void (*gone)(void *owner, struct link *link),
		      void *owner);
/* Puts the link in front of @bus, which has not been started. */
int link_attach(struct link *link, sd_bus *bus);
/* Ends calls with -ECONNRESET, calls down(), frees. Not from a callback of its bus. */
void link_finish(struct link *link);

#endif
