// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "link/link_internal.h"

struct served {
	struct served *next;
	sd_bus *bus;		/* the listener's */
	struct link *link;
};

struct link_server {
	struct link_listener *listener;
	sd_event *event;
	struct link_config config;
	struct served *links;
};

/* The listener ends a connection in its own time and calls on_disconnected() then. */
static void on_gone(void *owner, struct link *link)
{
	struct link_server *server = owner;

	link_listener_drop(server->listener, link->bus);
}

static struct served *served_free(struct served *served)
{
	if (served) {
		(void)link_free(served->link);
		free(served);
	}
	return NULL;
}

DEFINE_CLEANUP(struct served *, served_free);

static int on_connected(void *userdata, sd_bus *bus, const struct link_peer *peer)
{
	struct link_server *server = userdata;
	_cleanup_(served_freep) struct served *served = calloc(1, sizeof(*served));
	int r;

	if (!served)
		return -ENOMEM;
	served->bus = bus;
	served->link = link_new(server->event, &server->config, peer, on_gone, server);
	if (!served->link)
		return -ENOMEM;
	r = link_attach(served->link, bus);
	if (r < 0)
		return r;
	served->next = server->links;
	server->links = served;
	(void)TAKE_PTR(served);
	return 0;
}

static void on_disconnected(void *userdata, sd_bus *bus)
{
	struct link_server *server = userdata;
	struct served **place = &server->links;
	struct served *served;

	while (*place && (*place)->bus != bus)
		place = &(*place)->next;
	served = *place;
	if (!served)
		return;
	*place = served->next;
	link_finish(served->link);
	free(served);
}

struct link_server *link_server_free(struct link_server *server)
{
	if (!server)
		return NULL;
	while (server->links) {
		struct served *served = server->links;

		server->links = served->next;
		(void)served_free(served);
	}
	(void)link_listener_free(server->listener);
	sd_event_unref(server->event);
	free(server);
	return NULL;
}

DEFINE_CLEANUP(struct link_server *, link_server_free);

int link_server_new(sd_event *event, const struct link_listener_config *listen,
		    const struct link_config *config, struct link_server **ret_server)
{
	_cleanup_(link_server_freep) struct link_server *server = calloc(1, sizeof(*server));
	struct link_listener_config listen_config = *listen;
	int r;

	if (!server)
		return -ENOMEM;
	server->event = sd_event_ref(event);
	server->config = *config;
	listen_config.connected = on_connected;
	listen_config.disconnected = on_disconnected;
	listen_config.userdata = server;
	r = link_listener_new(event, &listen_config, &server->listener);
	if (r < 0)
		return r;
	*ret_server = TAKE_PTR(server);
	return 0;
}
