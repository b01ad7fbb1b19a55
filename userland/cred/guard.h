/* SPDX-License-Identifier: MIT */
#ifndef CRED_GUARD_H
#define CRED_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * Which addresses CRLs may be fetched from. A certificate says where its CRL is; whoever can have one
 * issued must not be able to send us to what only this machine or its network can reach. So
 * addresses that are not of the public Internet are refused, unless the administrator has named a prefix that they are in.
 */

#define GUARD_PREFIXES_MAX 16

struct guard {
	struct {
		struct ip_addr addr;
		uint8_t len;
	} allowed[GUARD_PREFIXES_MAX];
	size_t n_allowed;
};

/* "10.0.0.0/8" or an address. -EINVAL: neither; -ENOBUFS: too many. */
int guard_allow(struct guard *guard, const char *prefix);
/* IPv4 addresses that are embedded in IPv6 ones are judged by themselves. */
bool guard_permits(const struct guard *guard, const struct ip_addr *addr);

#endif
