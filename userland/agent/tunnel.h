/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TUNNEL_H
#define AGENT_TUNNEL_H

#include <stdbool.h>

#include "agent/expand.h"
#include "nl/kernel.h"

/*
 * Tunnel filters. A tunnel is two rules, one for each direction, and each names the end that its
 * packets come out of:
 *
 *   dynamic add rule 10.1.0.0/16 10.2.0.0/16 m q mirrored=no tunneldstaddress=192.0.2.2 psk=...
 *   dynamic add rule 10.2.0.0/16 10.1.0.0/16 m q mirrored=no tunneldstaddress=192.0.2.1 psk=...
 *
 * On the host with 192.0.2.1 the first is outbound and the second inbound, and both together are
 * one filter: local 10.1.0.0/16, remote 10.2.0.0/16, negotiated in both directions, tunnel from
 * 192.0.2.1 to 192.0.2.2. On the host with 192.0.2.2 the same two rules are the same tunnel seen
 * from its other end.
 *
 * What a filter lacks. Without an inbound rule the tunnel is for both directions all the same (a
 * negotiation makes associations for both), and its near end is the address that packets to the
 * far end leave from. Without an outbound rule nobody knows where the tunnel should come from; so
 * what arrives is blocked, and not taken in clear. The same goes for ends that are not what they
 * have to be: a name without address, a near end that this host has not (yet), a far end that is
 * this host, ends of two families. tunnel_finish() says so, and is asked again when addresses
 * change.
 */

enum tunnel_fault {
	TUNNEL_FAULT_NONE,
	TUNNEL_FAULT_NO_WAY_OUT,	/* an inbound rule without its outbound one */
	TUNNEL_FAULT_NO_FAR_END,	/* its name is unknown, or it is this host */
	TUNNEL_FAULT_NO_NEAR_END,	/* this host does not have the address, or no route */
	TUNNEL_FAULT_FAMILIES,
	TUNNEL_FAULT_BLOCKED,		/* negotiated one way, blocked the other way */
};

/*
 * Completes @filter, which has the actions and ends of its rules. When the tunnel cannot be, all
 * that would be negotiated is blocked.
 */
enum tunnel_fault tunnel_finish(struct kernel_filter *filter, const struct expand_names *names);
/* What is wrong and what to do about it; without a full stop. */
const char *tunnel_fault_text(enum tunnel_fault fault);

/* The two hosts that negotiate for the filter, as sides: the ends of the tunnel, or the sides. */
uint8_t tunnel_peers(const struct kernel_filter *filter, struct kernel_filter_side *ret_local,
		     struct kernel_filter_side *ret_remote);

#endif /* AGENT_TUNNEL_H */
