// SPDX-License-Identifier: MIT
#include "link/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/link_internal.h"

#define CONNECTIONS_MAX_DEFAULT 16
#define ACCEPTS_PER_WAKEUP 16

struct connection {
	struct link_listener *listener;
	struct connection *next;	/* newest first */
	sd_bus *bus;
	sd_event_source *drop_source;	/* armed: going */
	bool is_guest;
};

struct link_listener {
	struct link_listener_config config;
	sd_event *event;
	sd_event_source *source;
	struct connection *connections;
	size_t n_connections;
	size_t n_guests;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;
};

/* --- the socket --------------------------------------------------------------------------- */

static int make_address(const char *path, struct sockaddr_un *ret_addr)
{
	*ret_addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path[0] != '/' || strlen(path) >= sizeof(ret_addr->sun_path))
		return -EINVAL;
	strcpy(ret_addr->sun_path, path);
	return 0;
}

/* 0 if somebody listens there. */
static int try_connect(const struct sockaddr_un *addr)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

/*
 * Root as the units have it may not connect to a socket that was given to somebody else, which is what
 * a process before this one did: but it may take it back.
 */
static int find_listener(const struct sockaddr_un *addr, const struct stat *st)
{
	int r = try_connect(addr);

	if (r != -EACCES || lchown(addr->sun_path, geteuid(), (gid_t)-1) < 0)
		return r;
	r = try_connect(addr);
	if (r == 0 && lchown(addr->sun_path, st->st_uid, (gid_t)-1) < 0)
		return -errno;
	return r;
}

/* A socket that nobody listens on is what a killed process left behind. */
static int remove_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int r;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	r = find_listener(addr, &st);
	if (r == 0)
		return -EADDRINUSE;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(addr->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_and_listen(int fd, const struct sockaddr_un *addr,
			   const struct link_listener_config *config)
{
	mode_t old_umask = umask(0177);
	int r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;

	(void)umask(old_umask);
	if (r < 0)
		return r;
	/* mode first: whoever has given a file away needs one more capability to change it */
	r = chmod(addr->sun_path, config->mode) < 0 ? -errno : 0;
	if (r == 0 && (config->owner != (uid_t)-1 || config->group != (gid_t)-1))
		r = lchown(addr->sun_path, config->owner, config->group) < 0 ? -errno : 0;
	if (r == 0)
		r = listen(fd, SOMAXCONN) < 0 ? -errno : 0;
	if (r < 0)
		(void)unlink(addr->sun_path);
	return r;
}

static int open_socket(struct link_listener *listener)
{
	const struct link_listener_config *config = &listener->config;
	struct sockaddr_un addr;
	int r;

	if (!config->path) {
		listener->fd = config->fd;
		r = fcntl(config->fd, F_GETFL);
		return r < 0 || fcntl(config->fd, F_SETFL, r | O_NONBLOCK) < 0 ? -errno : 0;
	}
	r = make_address(config->path, &addr);
	if (r == 0)
		r = remove_stale(&addr);
	if (r < 0)
		return r;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	r = bind_and_listen(listener->fd, &addr, config);
	if (r < 0)
		return r;
	strcpy(listener->path, addr.sun_path);
	return 0;
}

/* --- connections -------------------------------------------------------------------------- */

static struct connection *find(const struct link_listener *listener, const sd_bus *bus)
{
	for (struct connection *c = listener->connections; c; c = c->next)
		if (c->bus == bus)
			return c;
	return NULL;
}

static struct connection *connection_free(struct connection *c)
{
	if (c) {
		sd_event_source_disable_unref(c->drop_source);
		sd_bus_close_unref(c->bus);
		free(c);
	}
	return NULL;
}

DEFINE_CLEANUP(struct connection *, connection_free);

static void forget(struct connection *c)
{
	struct link_listener *listener = c->listener;
	struct connection **place = &listener->connections;

	while (*place && *place != c)
		place = &(*place)->next;
	if (*place) {
		*place = c->next;
		listener->n_connections--;
		listener->n_guests -= c->is_guest;
	}
}

static void end(struct connection *c)
{
	struct link_listener *listener = c->listener;

	forget(c);
	if (listener->config.disconnected)
		listener->config.disconnected(listener->config.userdata, c->bus);
	(void)connection_free(c);
}

static int on_drop(sd_event_source *source, void *userdata)
{
	(void)source;
	end(userdata);
	return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;

	(void)ret_error;
	if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected") > 0)
		link_listener_drop(c->listener, c->bus);
	return 0;
}

void link_listener_drop(struct link_listener *listener, sd_bus *bus)
{
	struct connection *c = find(listener, bus);

	if (!c || c->drop_source)
		return;
	/* out of the bus's own callback, where it must not be freed */
	if (sd_event_add_defer(listener->event, &c->drop_source, on_drop, c) < 0)
		return;
	(void)sd_event_source_set_priority(c->drop_source, SD_EVENT_PRIORITY_IMPORTANT);
}

static bool make_room(struct link_listener *listener)
{
	struct connection *oldest = listener->connections;

	if (listener->n_connections < listener->config.connections_max)
		return true;
	if (!listener->config.replace_oldest)
		return false;
	while (oldest->next)
		oldest = oldest->next;
	end(oldest);
	return true;
}

static int add_connection(struct link_listener *listener, int fd, const struct link_peer *peer,
			  bool is_guest)
{
	_cleanup_(connection_freep) struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->listener = listener;
	c->is_guest = is_guest;
	r = link_bus_new(fd, true, &c->bus);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	r = sd_bus_add_filter(c->bus, NULL, on_disconnected, c);
	if (r >= 0)
		r = listener->config.connected(listener->config.userdata, c->bus, peer);
	if (r < 0)
		return r;
	c->next = listener->connections;
	listener->connections = c;
	listener->n_connections++;
	listener->n_guests += is_guest;
	r = sd_bus_start(c->bus);
	if (r >= 0)
		r = sd_bus_attach_event(c->bus, listener->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0) {
		end(TAKE_PTR(c));
		return r;
	}
	c = NULL;
	return 0;
}

static void accept_one(struct link_listener *listener, int fd)
{
	const struct link_listener_config *config = &listener->config;
	struct link_peer peer;
	bool is_guest;

	if (link_peer_of(fd, &peer) < 0) {
		(void)close(fd);
		return;
	}
	is_guest = !link_peer_is_welcome(&peer, config->uids, config->n_uids);
	if ((is_guest && listener->n_guests >= config->guests_max) || !make_room(listener)) {
		(void)close(fd);
		return;
	}
	(void)add_connection(listener, fd, &peer, is_guest);
}

static int on_incoming(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)revents;
	for (size_t i = 0; i < ACCEPTS_PER_WAKEUP; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0)
			break;
		accept_one(userdata, client);
	}
	return 0;
}

/* --- listener ----------------------------------------------------------------------------- */

struct link_listener *link_listener_free(struct link_listener *listener)
{
	if (!listener)
		return NULL;
	while (listener->connections) {
		struct connection *c = listener->connections;

		forget(c);
		(void)connection_free(c);
	}
	sd_event_source_disable_unref(listener->source);
	if (listener->fd >= 0)
		(void)close(listener->fd);
	if (listener->path[0])
		(void)unlink(listener->path);
	sd_event_unref(listener->event);
	free(listener);
	return NULL;
}

DEFINE_CLEANUP(struct link_listener *, link_listener_free);

int link_listener_new(sd_event *event, const struct link_listener_config *config,
		      struct link_listener **ret_listener)
{
	_cleanup_(link_listener_freep) struct link_listener *listener =
		calloc(1, sizeof(*listener));
	int r;

	if (!listener)
		return -ENOMEM;
	listener->fd = -1;
	if (config->n_uids > LINK_UIDS_MAX || !config->connected)
		return -EINVAL;
	listener->config = *config;
	if (!config->connections_max)
		listener->config.connections_max = CONNECTIONS_MAX_DEFAULT;
	listener->event = sd_event_ref(event);
	r = open_socket(listener);
	if (r < 0)
		return r;
	listener->config.path = NULL;	/* the caller's; ours is a copy */
	r = sd_event_add_io(event, &listener->source, listener->fd, EPOLLIN, on_incoming,
			    listener);
	if (r < 0)
		return r;
	*ret_listener = TAKE_PTR(listener);
	return 0;
}

/* The first call says how many there are. */
static int get_groups(int fd, gid_t **ret_gids, size_t *ret_n)
{
	_cleanup_free_ gid_t *gids = NULL;
	socklen_t len = 0;

	for (;;) {
		gid_t *more = realloc(gids, len + sizeof(*gids));

		if (!more)
			return -ENOMEM;
		gids = more;
		if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len))
			break;
		if (errno != ERANGE)
			return -errno;
	}
	*ret_n = len / sizeof(*gids);
	*ret_gids = TAKE_PTR(gids);
	return 0;
}

int link_listener_peer(sd_bus *bus, struct link_peer *ret_peer, gid_t **ret_gids, size_t *ret_n_gids)
{
	int fd = sd_bus_get_fd(bus);
	struct link_peer peer;
	int r = fd < 0 ? fd : link_peer_of(fd, &peer);

	if (r < 0)
		return r;
	r = get_groups(fd, ret_gids, ret_n_gids);
	if (r < 0)
		return r;
	*ret_peer = peer;
	return 0;
}

size_t link_listener_count(const struct link_listener *listener)
{
	return listener->n_connections;
}
