/* SPDX-License-Identifier: MIT */
#ifndef IKE_TEST_STRANGER_H
#define IKE_TEST_STRANGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ike/engine.h"

/* For tests: who is not one of the simulation's hosts, and begins a main mode. */

struct ip_addr stranger_addr(uint32_t n);
/* Message 1 with the policy's offer and these vendor ids (vid.h); its length, 0 if it does not fit. */
size_t stranger_mm1(uint8_t *buf, size_t cap, const struct ike_mm_policy *policy, uint64_t cookie,
		    uint32_t vids);

#endif
