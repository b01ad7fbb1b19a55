/* SPDX-License-Identifier: MIT */
#ifndef IKE_UDP_H
#define IKE_UDP_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct ike_path;

/*
 * The datagrams of IKE: ports 500 and 4500 of IPv4 and IPv6, one socket each. Answers leave from
 * the address that the question came to. On 4500 the non-ESP marker (RFC 3948, section 2.2) is put
 * on and taken off here; keepalives, and ESP that reached us, are counted and dropped.
 *
 * Paths always say 500 and 4500, also when a test runs on other ports.
 */
struct udp;

struct udp_config {
	uint16_t port;		/* 0: 500 */
	uint16_t natt_port;	/* 0: 4500 */
};

struct udp_stats {
	uint64_t received;
	uint64_t sent;
	uint64_t send_failures;
	uint64_t keepalives;
	uint64_t foreign;	/* ESP, fragments of nothing, to multicast groups, too long */
};

typedef void (*udp_receive_fn)(void *userdata, const struct ike_path *path, const uint8_t *data,
			       size_t len);

/*
 * Takes the sockets that systemd passed, if any, else opens and binds them (root, or
 * CAP_NET_BIND_SERVICE). A host without IPv6 is served on IPv4. 0 or -errno.
 */
int udp_open(const struct udp_config *config, struct udp **ret_udp);
/* From now on @receive is called, at most 32 times per turn of the loop and socket. */
int udp_start(struct udp *udp, sd_event *event, udp_receive_fn receive, void *userdata);
struct udp *udp_free(struct udp *udp);

/* Copies; sent by udp_flush(), or when enough has gathered. -EAFNOSUPPORT, -EMSGSIZE, -ENOMEM. */
int udp_send(struct udp *udp, const struct ike_path *path, const uint8_t *data, size_t len);
void udp_flush(struct udp *udp);

const struct udp_stats *udp_stats(const struct udp *udp);

#endif
