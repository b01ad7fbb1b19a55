// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the peer of an association in UDP is. A NAT in between gives it an address and a port, and
 * others when it restarts or forgets; then packets for the peer get lost until somebody notices.
 * The first to see it is the driver, by the sender of the peer's packets.
 *
 * Senders are easily forged, so only the newest packet counts: one that is authentic, and has a
 * higher number than all before it. Who can capture a packet and send it on with another port,
 * before the packet itself arrives, is on the path and could drop it as well.
 *
 * A new port is taken over at once, for the association and its pair, if the inbound one says so
 * (encap-follow). That is for the end that is not behind a NAT itself: the other one knows that its
 * peer does not move (RFC 3947, section 6). Filters, selectors and the peer's identity have
 * addresses, not this port, so nothing else depends on it.
 *
 * A new address is never taken over, since all of that depends on it: in transport mode the packet
 * is dropped as wrong-sa, in tunnel mode it is accepted. The agent is told of it, as of a new port,
 * and IKE may negotiate anew.
 *
 * The agent is told by one event a second and association at most, of what is true then, however
 * often a packet comes from elsewhere. What was not told in that second is told with the next
 * packet after it.
 *
 * Example: 198.51.100.1:61234 was the peer. Its NAT restarts, and the next packet, number 4711, comes
 * from port 2048. It is authentic, so answers go to 2048 from now on. Number 4710 comes late, from
 * 61234, and changes nothing.
 */
#include "mapping.h"

#include "netlink.h"
#include "sa.h"

#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <net/ipv6.h>

static bool is_same(u8 family, const union nf_inet_addr *a, const union nf_inet_addr *b)
{
	return family == NFPROTO_IPV4 ? a->ip == b->ip : ipv6_addr_equal(&a->in6, &b->in6);
}

void ipd_mapping_init(struct ipd_sa *sa)
{
	sa->mapping.port = sa->params.encap_remote_port;
	sa->mapping.seen_port = sa->params.encap_remote_port;
	sa->mapping.seen = sa->params.remote;
	/* no second of the near future */
	sa->mapping.told = U32_MAX;
}

static void follow(struct ipd_sa *sa, __be16 port)
{
	const struct ipd_sa_params *params = &sa->params;
	struct ipd_sa *pair;

	WRITE_ONCE(sa->mapping.port, port);
	pair = ipd_sad_lookup_outbound(sa->sad, params->family, &params->remote, params->pair_spi,
				       params->protection);
	if (pair)
		WRITE_ONCE(pair->mapping.port, port);
}

void ipd_mapping_note(struct ipd_sa *sa, const union nf_inet_addr *address, __be16 port)
{
	struct ipd_mapping *mapping = &sa->mapping;
	u8 family = sa->params.family;

	lockdep_assert_held(&sa->replay_lock);
	if (unlikely(mapping->seen_port != port || !is_same(family, &mapping->seen, address))) {
		mapping->seen = *address;
		mapping->seen_port = port;
		if (sa->params.encap_follow && is_same(family, &sa->params.remote, address))
			follow(sa, port);
		set_bit(IPD_SA_PENDING_MAPPING, &sa->pending);
	}
	if (unlikely(test_bit(IPD_SA_PENDING_MAPPING, &sa->pending)) &&
	    READ_ONCE(mapping->told) != READ_ONCE(sa->sad->now))
		ipd_lifetime_attend(sa);
}

void ipd_mapping_tell(struct ipd_sa *sa)
{
	struct ipd_mapping *mapping = &sa->mapping;
	union nf_inet_addr seen;
	__be16 port;

	if (!test_and_clear_bit(IPD_SA_PENDING_MAPPING, &sa->pending))
		return;
	spin_lock_bh(&sa->replay_lock);
	seen = mapping->seen;
	port = mapping->seen_port;
	spin_unlock_bh(&sa->replay_lock);
	WRITE_ONCE(mapping->told, READ_ONCE(sa->sad->now));
	ipd_nl_event_mapping(sa->sad->ipd, sa, &seen, port);
}
