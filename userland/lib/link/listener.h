/* SPDX-License-Identifier: MIT */
#ifndef LINK_LISTENER_H
#define LINK_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * A unix stream socket on which programs talk sd-bus peer to peer: no bus daemon, no names.
 * Whoever connects is judged by the credentials that the kernel reports (SO_PEERCRED) and by
 * nothing else.
 *
 * The listener accepts, checks, limits and creates the bus object; the user adds objects or
 * filters in connected(). Single-threaded, on one sd_event loop.
 */
struct link_listener;

struct link_peer {
	pid_t pid;		/* at the time of connect(); informational */
	uid_t uid;
	gid_t gid;
};

#define LINK_UIDS_MAX 4

struct link_listener_config {
	/*
	 * Absolute path; a stale socket there is replaced, anything else (also a socket that
	 * somebody listens on) is -EADDRINUSE. NULL: @fd is a listening socket already.
	 */
	const char *path;
	int fd;
	mode_t mode;		/* of the socket, e.g. 0600 */
	uid_t owner;		/* (uid_t)-1: as created */
	gid_t group;
	/* Who may connect; root always may. */
	uid_t uids[LINK_UIDS_MAX];
	size_t n_uids;
	/* So many others at a time may, too, if connected() lets them in: they crowd out nobody. */
	size_t guests_max;
	size_t connections_max;	/* 0: 16 */
	/* At the limit the oldest connection is closed, instead of refusing the new one. */
	bool replace_oldest;

	/*
	 * The bus is not started yet: sd_bus_add_object_vtable(), sd_bus_add_filter(). The
	 * listener owns a reference until disconnected(). Negative: the connection is closed,
	 * disconnected() is not called.
	 */
	int (*connected)(void *userdata, sd_bus *bus, const struct link_peer *peer);
	/* The peer has gone or link_listener_drop() was called; may be NULL. */
	void (*disconnected)(void *userdata, sd_bus *bus);
	void *userdata;
};

/* Copies @config. Listens at once. 0 or -errno. */
int link_listener_new(sd_event *event, const struct link_listener_config *config,
		      struct link_listener **ret_listener);
/*
 * Closes all connections (without disconnected()) and removes the socket. NULL is allowed;
 * returns NULL.
 */
struct link_listener *link_listener_free(struct link_listener *listener);
/* Closes one connection soon, from the loop; may be called from a bus callback. */
void link_listener_drop(struct link_listener *listener, sd_bus *bus);
size_t link_listener_count(const struct link_listener *listener);
/*
 * Who is at the other end of a connection, as the kernel knew it when it connected: its supplementary
 * groups, and its user and group. The caller frees *ret_gids. 0 or -errno.
 */
int link_listener_peer(sd_bus *bus, struct link_peer *ret_peer, gid_t **ret_gids, size_t *ret_n_gids);

#endif
