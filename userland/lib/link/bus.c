// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/socket.h>

#include "link/link_internal.h"

static int set_up(sd_bus *bus, int fd, bool is_server)
{
	sd_id128_t id;
	int r = sd_bus_set_connected_signal(bus, true);

	if (r >= 0 && is_server) {
		r = sd_id128_randomize(&id);
		if (r >= 0)
			r = sd_bus_set_server(bus, true, id);
	}
	if (r >= 0)
		r = sd_bus_negotiate_fds(bus, false);
	/* last: from here on the bus owns the socket */
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	return r;
}

int link_bus_new(int fd, bool is_server, sd_bus **ret_bus)
{
	sd_bus *bus;
	int r = sd_bus_new(&bus);

	if (r < 0)
		return r;
	r = set_up(bus, fd, is_server);
	if (r < 0) {
		sd_bus_unref(bus);
		return r;
	}
	*ret_bus = bus;
	return 0;
}

int link_peer_of(int fd, struct link_peer *ret_peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_peer = (struct link_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	return 0;
}

bool link_peer_is_welcome(const struct link_peer *peer, const uid_t *uids, size_t n_uids)
{
	for (size_t i = 0; i < n_uids; i++)
		if (uids[i] == peer->uid)
			return true;
	return peer->uid == 0;
}
