// SPDX-License-Identifier: GPL-2.0-only
/*
 * A NAT forgets a mapping that nobody uses, often after 30 seconds, and then nothing of what the
 * peer sends arrives. So the host behind the NAT sends a datagram of one byte when it has sent
 * nothing for a while (RFC 3948, section 4); the peer throws it away. IKE on the same port could do
 * that too, but would have to ask when the last packet left, and mappings must outlive it.
 *
 * An outbound association says after how many seconds (encap-keepalive), or not at all when this
 * host is not behind a NAT. There is no timer but the wheel of lifetime.c, which comes by when the
 * time would be over, and finds out then whether packets have left meanwhile. A keepalive is no use
 * of the association: idleness goes on.
 *
 * It goes the way of any packet that starts here, hooks included; in ours it is exempt as IKE is.
 */
#include "keepalive.h"

#include "compat.h"
#include "encap.h"
#include "mode.h"
#include "natt.h"
#include "net.h"
#include "sa.h"
#include "tunnel.h"

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>

static struct sk_buff *build_keepalive(const struct ipd_sa *sa, struct dst_entry *dst)
{
	const struct ipd_sa_params *params = &sa->params;
	bool is_ipv6 = params->family == NFPROTO_IPV6;
	struct ipd_place place = {
		.header = ipd_tunnel_header_len(params->family),
		.name = is_ipv6 ? offsetof(struct ipv6hdr, nexthdr) :
				  offsetof(struct iphdr, protocol),
		.protocol = IPPROTO_UDP,
	};
	unsigned int room = LL_RESERVED_SPACE(dst_dev(dst)) + place.header + IPD_NATT_HEADER_LEN;
	struct sk_buff *skb = alloc_skb(room + 1, GFP_KERNEL);

	if (!skb)
		return NULL;
	skb_reserve(skb, room);
	skb_put_u8(skb, IPD_NATT_KEEPALIVE_BYTE);
	skb_push(skb, place.header);
	skb_reset_network_header(skb);
	ipd_tunnel_put_header(skb, params, 0, ipd_tunnel_hop_limit(dst, params->family), true,
			      IPPROTO_UDP);
	/* it cannot be too long */
	if (ipd_natt_push(skb, params->family, &place, params->encap_local_port,
			  READ_ONCE(sa->mapping.port))) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

static void send_keepalive(struct ipd_sa *sa)
{
	struct net *net = sa->sad->ipd->net;
	struct dst_entry *dst;
	struct sk_buff *skb;

	rcu_read_lock();
	dst = ipd_tunnel_route(sa, net, 0);
	rcu_read_unlock();
	if (!dst)
		return;
	skb = build_keepalive(sa, dst);
	if (!skb) {
		dst_release(dst);
		return;
	}
	skb_dst_set(skb, dst);
	if (sa->params.family == NFPROTO_IPV6)
		ip6_local_out(net, NULL, skb);
	else
		ip_local_out(net, NULL, skb);
}

/* the last second in which the NAT saw something of us */
static u32 last_seen(const struct ipd_sa *sa)
{
	u32 used = READ_ONCE(sa->last_used);

	return (s32)(sa->kept_alive - used) > 0 ? sa->kept_alive : used;
}

u32 ipd_keepalive_due(const struct ipd_sa *sa)
{
	u32 interval = sa->params.encap_keepalive;

	return interval ? last_seen(sa) - sa->born + interval : U32_MAX;
}

void ipd_keepalive_look_at(struct ipd_sa *sa, u32 now)
{
	struct ipd_net *ipd = sa->sad->ipd;

	if (!sa->params.encap_keepalive || now - last_seen(sa) < sa->params.encap_keepalive)
		return;
	sa->kept_alive = now;
	/* in a mode in which associations are not used, there is nothing to keep open */
	if (ipd_sa_is_usable(sa) &&
	    ipd_mode_rule(READ_ONCE(ipd->mode), IPSECDRV_DIRECTION_OUT) == IPD_MODE_RULE_FILTER)
		send_keepalive(sa);
}
