// SPDX-License-Identifier: MIT
#include "ipseccmd/names.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int names_resolve(void *userdata, const char *name, uint8_t family, struct ip_addr *ret_addr,
		  char why[static POLICY_WHY_LEN])
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_DGRAM }, *list = NULL;
	int err = getaddrinfo(name, NULL, &hints, &list);

	(void)userdata;
	if (err) {
		snprintf(why, POLICY_WHY_LEN, "the name \"%.64s\" cannot be resolved (%s); use an address, "
			 "or mend the name", name, gai_strerror(err));
		return err == EAI_MEMORY ? -ENOMEM : -EINVAL;
	}
	err = ip_addr_from_sockaddr(list->ai_addr, ret_addr, NULL, NULL);
	freeaddrinfo(list);
	if (err)
		snprintf(why, POLICY_WHY_LEN, "the name \"%.64s\" has no IP address", name);
	return err ? -EINVAL : 0;
}
