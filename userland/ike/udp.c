// SPDX-License-Identifier: MIT
#include "ike/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ike/engine.h"

#define IKE_PORT 500
#define NATT_PORT 4500
#define MARKER_LEN 4
#define KEEPALIVE 0xff

#define BATCH 32
/* The largest datagram that fits into UDP, rounded up. */
#define DATAGRAM_MAX 65536
#define RECEIVE_BUFFER (4 << 20)
#define CONTROL_LEN (CMSG_SPACE(sizeof(struct in6_pktinfo)) + 32)

enum socket_id {
	SOCKET_V4,
	SOCKET_V4_NATT,
	SOCKET_V6,
	SOCKET_V6_NATT,
	SOCKET_COUNT,
};

struct udp_socket {
	struct udp *udp;
	int fd;
	bool is_v6;
	bool is_natt;
	sd_event_source *source;
};

/* A datagram and what sendmmsg() and recvmmsg() want to know about it. */
struct slot {
	struct iovec iov;
	struct sockaddr_storage addr;
	union {
		struct cmsghdr align;
		uint8_t bytes[CONTROL_LEN];
	} control;
	uint8_t *data;
};

struct udp {
	struct udp_config config;
	struct udp_stats stats;
	struct udp_socket sockets[SOCKET_COUNT];
	udp_receive_fn receive;
	void *userdata;
	struct slot in[BATCH];
	struct mmsghdr in_headers[BATCH];
	uint8_t *in_memory;
	/* What waits is for one socket; for another one it is flushed first. */
	struct slot out[BATCH];
	struct mmsghdr out_headers[BATCH];
	unsigned int n_out;
	struct udp_socket *out_socket;
};

/* --- sockets ------------------------------------------------------------------------------ */

static int set_flag(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/*
 * IKE messages may be longer than the path's MTU; they are fragmented rather than lost. The
 * buffer is what absorbs a burst while one datagram costs a Diffie-Hellman.
 */
static int configure(int fd, bool is_v6)
{
	int r;

	if (is_v6) {
		r = set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		(void)set_flag(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
	} else {
		r = set_flag(fd, IPPROTO_IP, IP_PKTINFO, 1);
		(void)set_flag(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	}
	if (r < 0)
		return r;
	if (set_flag(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) < 0)
		(void)set_flag(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	r = fcntl(fd, F_GETFL);
	return r < 0 || fcntl(fd, F_SETFL, r | O_NONBLOCK) < 0 ? -errno : 0;
}

static int bind_socket(int fd, bool is_v6, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const struct sockaddr *addr = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	int r = is_v6 ? set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;

	if (r < 0)
		return r;
	return bind(fd, addr, is_v6 ? sizeof(v6) : sizeof(v4)) < 0 ? -errno : 0;
}

static int open_socket(bool is_v6, uint16_t port)
{
	_cleanup_close_ int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = bind_socket(fd, is_v6, port);
	return r < 0 ? r : TAKE_FD(fd);
}

static int open_all(struct udp *udp)
{
	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		struct udp_socket *s = &udp->sockets[i];
		uint16_t port = s->is_natt ? udp->config.natt_port : udp->config.port;
		int fd = open_socket(s->is_v6, port);

		if (fd == -EAFNOSUPPORT && s->is_v6)
			continue;
		if (fd < 0) {
			log_error("cannot bind UDP port %u of %s: %s", port,
				  s->is_v6 ? "IPv6" : "IPv4", strerror(-fd));
			return fd;
		}
		s->fd = fd;
	}
	return 0;
}

/* Finds out what a socket that somebody else opened is bound to. */
static int adopt_socket(struct udp *udp, int fd)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	struct ip_addr bound = { .family = 0 };
	uint16_t port = 0;
	int r = getsockname(fd, (struct sockaddr *)&addr, &len) < 0 ? -errno : 0;

	if (r == 0)
		r = ip_addr_from_sockaddr((struct sockaddr *)&addr, &bound, &port, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		struct udp_socket *s = &udp->sockets[i];

		if (s->is_v6 == (bound.family == AF_INET6) && s->fd < 0 &&
		    port == (s->is_natt ? udp->config.natt_port : udp->config.port)) {
			s->fd = fd;
			return 0;
		}
	}
	return -EINVAL;
}

static int adopt_all(struct udp *udp, int n)
{
	for (int i = 0; i < n; i++) {
		int r = adopt_socket(udp, SD_LISTEN_FDS_START + i);

		if (r < 0) {
			log_error("socket %d from systemd is not one of UDP ports %u and %u", i,
				  udp->config.port, udp->config.natt_port);
			return r;
		}
	}
	return 0;
}

struct udp *udp_free(struct udp *udp)
{
	if (!udp)
		return NULL;
	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		sd_event_source_disable_unref(udp->sockets[i].source);
		if (udp->sockets[i].fd >= 0)
			(void)close(udp->sockets[i].fd);
	}
	for (size_t i = 0; i < udp->n_out; i++)
		free(udp->out[i].data);
	free(udp->in_memory);
	free(udp);
	return NULL;
}

DEFINE_CLEANUP(struct udp *, udp_free);

int udp_open(const struct udp_config *config, struct udp **ret_udp)
{
	_cleanup_(udp_freep) struct udp *udp = calloc(1, sizeof(*udp));
	int r;

	if (!udp)
		return -ENOMEM;
	udp->config.port = config->port ? config->port : IKE_PORT;
	udp->config.natt_port = config->natt_port ? config->natt_port : NATT_PORT;
	for (size_t i = 0; i < SOCKET_COUNT; i++)
		udp->sockets[i] = (struct udp_socket){
			.udp = udp,
			.fd = -1,
			.is_v6 = i == SOCKET_V6 || i == SOCKET_V6_NATT,
			.is_natt = i == SOCKET_V4_NATT || i == SOCKET_V6_NATT,
		};
	udp->in_memory = malloc((size_t)BATCH * DATAGRAM_MAX);
	if (!udp->in_memory)
		return -ENOMEM;
	r = sd_listen_fds(true);
	if (r >= 0)
		r = r > 0 ? adopt_all(udp, r) : open_all(udp);
	for (size_t i = 0; r == 0 && i < SOCKET_COUNT; i++)
		if (udp->sockets[i].fd >= 0)
			r = configure(udp->sockets[i].fd, udp->sockets[i].is_v6);
	if (r < 0)
		return r;
	*ret_udp = TAKE_PTR(udp);
	return 0;
}

/* --- receiving ---------------------------------------------------------------------------- */

/* To which of our addresses it came, and over which interface. */
static bool get_local(const struct msghdr *header, struct ip_addr *ret_addr, uint32_t *ret_ifindex)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c;
	     c = CMSG_NXTHDR((struct msghdr *)header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*ret_ifindex = (uint32_t)info.ipi_ifindex;
			/* they differ for broadcasts of all kinds */
			return info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr &&
			       ip_addr_from_bytes(&info.ipi_addr, 4, ret_addr) == 0;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*ret_ifindex = (uint32_t)info.ipi6_ifindex;
			return ip_addr_from_bytes(&info.ipi6_addr, 16, ret_addr) == 0;
		}
	}
	return false;
}

static uint16_t to_public(const struct udp *udp, uint16_t port)
{
	return port == udp->config.port ? IKE_PORT :
	       port == udp->config.natt_port ? NATT_PORT : port;
}

static uint16_t from_public(const struct udp *udp, uint16_t port)
{
	return port == IKE_PORT ? udp->config.port :
	       port == NATT_PORT ? udp->config.natt_port : port;
}

static bool get_path(const struct udp_socket *s, const struct msghdr *header,
		     struct ike_path *ret_path)
{
	struct ike_path path = { .local_port = s->is_natt ? NATT_PORT : IKE_PORT };
	uint32_t ifindex = 0;
	uint16_t port;

	if (!get_local(header, &path.local, &ifindex) ||
	    ip_addr_from_sockaddr(header->msg_name, &path.remote, &port, NULL) < 0)
		return false;
	/* what comes to a group has no one address to answer from */
	if (ip_addr_is_multicast(&path.local) || ip_addr_is_multicast(&path.remote) ||
	    ip_addr_is_unspecified(&path.remote) || !port)
		return false;
	path.remote_port = to_public(s->udp, port);
	if (path.remote.family == AF_INET6 && ip_addr_is_link_local(&path.remote))
		path.scope = ifindex;
	*ret_path = path;
	return true;
}

static void receive_one(struct udp_socket *s, const struct mmsghdr *m)
{
	const uint8_t *data = m->msg_hdr.msg_iov->iov_base;
	struct udp *udp = s->udp;
	size_t len = m->msg_len;
	struct ike_path path;

	if (s->is_natt) {
		static const uint8_t marker[MARKER_LEN];

		if (len == 1 && data[0] == KEEPALIVE) {
			udp->stats.keepalives++;
			return;
		}
		if (len < MARKER_LEN || memcmp(data, marker, MARKER_LEN) != 0) {
			udp->stats.foreign++;
			return;
		}
		data += MARKER_LEN;
		len -= MARKER_LEN;
	}
	if ((m->msg_hdr.msg_flags & MSG_TRUNC) || !get_path(s, &m->msg_hdr, &path)) {
		udp->stats.foreign++;
		return;
	}
	udp->stats.received++;
	udp->receive(udp->userdata, &path, data, len);
}

static void prepare_slots(struct udp *udp)
{
	for (size_t i = 0; i < BATCH; i++) {
		struct slot *slot = &udp->in[i];

		slot->iov = (struct iovec){ udp->in_memory + i * DATAGRAM_MAX, DATAGRAM_MAX };
		udp->in_headers[i].msg_hdr = (struct msghdr){
			.msg_name = &slot->addr,
			.msg_namelen = sizeof(slot->addr),
			.msg_iov = &slot->iov,
			.msg_iovlen = 1,
			.msg_control = &slot->control,
			.msg_controllen = sizeof(slot->control),
		};
	}
}

/* One batch per turn, so that a flood leaves room for timers, links and the other sockets. */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct udp_socket *s = userdata;
	struct udp *udp = s->udp;
	int n;

	(void)source;
	(void)revents;
	prepare_slots(udp);
	n = recvmmsg(fd, udp->in_headers, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		receive_one(s, &udp->in_headers[i]);
	udp_flush(udp);
	return 0;
}

int udp_start(struct udp *udp, sd_event *event, udp_receive_fn receive, void *userdata)
{
	udp->receive = receive;
	udp->userdata = userdata;
	for (size_t i = 0; i < SOCKET_COUNT; i++) {
		struct udp_socket *s = &udp->sockets[i];
		int r;

		if (s->fd < 0)
			continue;
		r = sd_event_add_io(event, &s->source, s->fd, EPOLLIN, on_readable, s);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- sending ------------------------------------------------------------------------------ */

static void put_local(struct msghdr *header, const struct ike_path *path)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(header);

	if (path->local.family == AF_INET) {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, path->local.bytes, 4);
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
				       .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = path->scope };

		memcpy(&info.ipi6_addr, path->local.bytes, 16);
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)),
				       .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

static void drop_out(struct udp *udp, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		free(udp->out[i].data);
		udp->out[i].data = NULL;
	}
}

/*
 * sendmmsg() stops at the first datagram that fails; it is left out and the rest is tried again.
 * Retransmission makes up for what is lost.
 */
void udp_flush(struct udp *udp)
{
	unsigned int done = 0;

	while (done < udp->n_out) {
		int n = sendmmsg(udp->out_socket->fd, udp->out_headers + done, udp->n_out - done,
				 MSG_DONTWAIT);

		if (n > 0) {
			udp->stats.sent += (unsigned int)n;
			done += (unsigned int)n;
		} else {
			log_debug("a datagram was not sent: %s", strerror(errno));
			udp->stats.send_failures++;
			done++;
		}
	}
	drop_out(udp, udp->n_out);
	udp->n_out = 0;
}

static struct udp_socket *socket_for(struct udp *udp, const struct ike_path *path)
{
	bool is_natt = path->local_port == NATT_PORT;
	struct udp_socket *s;

	if (path->local.family == AF_INET6)
		s = &udp->sockets[is_natt ? SOCKET_V6_NATT : SOCKET_V6];
	else
		s = &udp->sockets[is_natt ? SOCKET_V4_NATT : SOCKET_V4];
	return s->fd < 0 ? NULL : s;
}

int udp_send(struct udp *udp, const struct ike_path *path, const uint8_t *data, size_t len)
{
	struct udp_socket *s = socket_for(udp, path);
	uint16_t port = path->remote_port ? path->remote_port : IKE_PORT;
	size_t marker = s && s->is_natt ? MARKER_LEN : 0;
	struct msghdr *header;
	struct slot *slot;

	if (!s || path->local.family != path->remote.family)
		return -EAFNOSUPPORT;
	if (len + marker > DATAGRAM_MAX)
		return -EMSGSIZE;
	if (udp->n_out == BATCH || (udp->n_out && udp->out_socket != s))
		udp_flush(udp);
	slot = &udp->out[udp->n_out];
	slot->data = calloc(1, len + marker);
	if (!slot->data)
		return -ENOMEM;
	memcpy(slot->data + marker, data, len);
	slot->iov = (struct iovec){ slot->data, len + marker };
	header = &udp->out_headers[udp->n_out].msg_hdr;
	*header = (struct msghdr){
		.msg_name = &slot->addr,
		.msg_iov = &slot->iov,
		.msg_iovlen = 1,
		.msg_control = &slot->control,
		.msg_controllen = sizeof(slot->control),
	};
	header->msg_namelen = (socklen_t)ip_addr_to_sockaddr(&path->remote,
							     from_public(udp, port), path->scope,
							     &slot->addr);
	put_local(header, path);
	udp->out_socket = s;
	udp->n_out++;
	return 0;
}

const struct udp_stats *udp_stats(const struct udp *udp)
{
	return &udp->stats;
}
