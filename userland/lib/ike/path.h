/* SPDX-License-Identifier: MIT */
#ifndef IKE_PATH_H
#define IKE_PATH_H

#include <stdint.h>

#include "base/addr.h"

/* Two endpoints; ports are 500 unless a NAT was found. */
struct ike_path {
	struct ip_addr local;
	struct ip_addr remote;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t scope;		/* interface index for IPv6 link-local addresses, else 0 */
};

#endif
