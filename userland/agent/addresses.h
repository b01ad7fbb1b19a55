/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ADDRESSES_H
#define AGENT_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "agent/servers.h"

/*
 * The addresses of this host and its default gateways, as rtnetlink tells them. Transport filters do
 * not need them (the driver knows "me" by itself); they are for tunnels, for the specific views, for
 * the check that an association is for this host, and for the GATEWAY keyword.
 */
struct addresses;

/*
 * @changed (may be NULL): addresses or gateways are others than before; at most four times in a
 * second.
 */
int addresses_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
		  struct addresses **ret_addresses);
/* For tests: these and no others, no socket. */
int addresses_new_fixed(const struct ip_addr *addrs, size_t n, struct addresses **ret_addresses);
/* Others, of such. */
int addresses_set_fixed(struct addresses *addresses, const struct ip_addr *addrs, size_t n);
struct addresses *addresses_free(struct addresses *addresses);

/* A unicast address of this host at this moment: what the kernel has said so far is read first. */
bool addresses_is_me(struct addresses *addresses, const struct ip_addr *addr);
/*
 * The address that packets to @remote leave from, by the routes of this moment. 0, or -errno:
 * there is no route.
 */
int addresses_find_source(struct addresses *addresses, const struct ip_addr *remote,
			  struct ip_addr *ret_addr);
/* The broadcast address of a subnet that this host is on, or 255.255.255.255. */
bool addresses_is_broadcast(struct addresses *addresses, const struct ip_addr *addr);
/* Sorted, without loopback addresses; borrowed until the next call. */
const struct ip_addr *addresses_list(struct addresses *addresses, size_t *ret_n);
const struct server_list *addresses_gateways(struct addresses *addresses);

#endif /* AGENT_ADDRESSES_H */
