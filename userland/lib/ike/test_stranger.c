// SPDX-License-Identifier: MIT
#include "ike/test_stranger.h"

#include <string.h>

#include "ike/proposal_mm.h"
#include "ike/vid.h"
#include "ike/wire.h"

size_t stranger_mm1(uint8_t *buf, size_t cap, const struct ike_mm_policy *policy, uint64_t cookie,
		    uint32_t vids)
{
	struct wire_header header = { .version = WIRE_VERSION, .exchange = WIRE_EXCHANGE_MAIN };
	struct wire_out out;

	memcpy(header.icookie, &cookie, sizeof(cookie));
	out = wire_out_make(buf, cap, &header);
	wire_begin(&out, WIRE_PAYLOAD_SA);
	mm_proposal_write(&out.w, policy);
	wire_end(&out);
	vid_add(&out, vids);
	return wire_finish(&out, 0);
}

struct ip_addr stranger_addr(uint32_t n)
{
	return ip_addr_v4(0x0a000000 + n);
}
