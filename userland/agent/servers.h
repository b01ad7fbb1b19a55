/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SERVERS_H
#define AGENT_SERVERS_H

#include <stddef.h>

#include "base/addr.h"
#include "policy/model.h"

/*
 * What the server keywords of the grammar stand for now:
 *
 *   DNS      nameserver lines of resolv.conf; those of systemd-resolved instead of its stub
 *   DHCP     the servers of the leases that networkd, NetworkManager and dhclient hold
 *   WINS     netbios-name-servers of NetworkManager's and dhclient's
 *   GATEWAY  the next hops of the default routes; given by whoever follows routes
 *
 * Whoever calls reads them again when the interfaces' configuration changes.
 */

#define SERVERS_ADDRS_MAX	32	/* per keyword */

struct server_list {
	struct ip_addr addrs[SERVERS_ADDRS_MAX];	/* sorted, each once */
	size_t n;
};

struct servers {
	struct server_list dns;
	struct server_list dhcp;
	struct server_list wins;
	struct server_list gateway;
};

/* @root is put before every path: "" but for tests. gateway is left alone. */
void servers_read(struct servers *servers, const char *root);
/* Ignores what does not fit and what is there already. */
void server_list_add(struct server_list *list, const struct ip_addr *addr);
/* Of one of the four keywords. Borrowed. */
const struct server_list *servers_find(const struct servers *servers,
				       enum policy_address_kind kind);

#endif /* AGENT_SERVERS_H */
