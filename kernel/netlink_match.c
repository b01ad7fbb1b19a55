// SPDX-License-Identifier: GPL-2.0-only
/*
 * The match command: what would happen to a packet.
 *
 * The packet is described, not sent. What a description leaves open is its interface: that is
 * where a packet to the remote address would leave, so far as the main routes tell. Who sends by
 * policy routing, by a mark or in a VRF, names the interface.
 */
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <net/genetlink.h>
#include <net/ip6_route.h>
#include <net/netlink.h>
#include <net/route.h>

#include "acquire.h"
#include "compat.h"
#include "decide.h"
#include "filter.h"
#include "flow.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "sad.h"
#include "scope.h"

/* --- the packet -------------------------------------------------------------------- */

static int get_flow(struct nlattr **tb, struct net *net, struct ipd_flow *flow,
		    struct netlink_ext_ack *extack)
{
	union nf_inet_addr source, destination;
	__be16 ports[2];
	bool out;

	memset(flow, 0, sizeof(*flow));
	flow->family = ipd_nl_family_of(tb[IPSECDRV_FLOW_A_FAMILY]);
	if (!flow->family || !tb[IPSECDRV_FLOW_A_DIRECTION] || !tb[IPSECDRV_FLOW_A_SOURCE] ||
	    !tb[IPSECDRV_FLOW_A_DESTINATION]) {
		NL_SET_ERR_MSG(extack, "the flow needs a direction, a family and both addresses");
		return -EINVAL;
	}
	if (!ipd_nl_get_address(tb[IPSECDRV_FLOW_A_SOURCE], flow->family, &source) ||
	    !ipd_nl_get_address(tb[IPSECDRV_FLOW_A_DESTINATION], flow->family, &destination)) {
		NL_SET_ERR_MSG(extack, "an address of the flow has not its family's length");
		return -EINVAL;
	}
	flow->direction = nla_get_u8(tb[IPSECDRV_FLOW_A_DIRECTION]);
	flow->protocol = nla_get_u8_default(tb[IPSECDRV_FLOW_A_PROTOCOL], 0);
	ports[0] = nla_get_be16_default(tb[IPSECDRV_FLOW_A_SOURCE_PORT], 0);
	ports[1] = nla_get_be16_default(tb[IPSECDRV_FLOW_A_DESTINATION_PORT], 0);
	out = flow->direction == IPSECDRV_DIRECTION_OUT;
	flow->local = out ? source : destination;
	flow->remote = out ? destination : source;
	flow->local_port = ports[!out];
	flow->remote_port = ports[out];
	if (ipd_flow_is_group(flow->family, &destination) ||
	    (flow->family == NFPROTO_IPV4 &&
	     inet_addr_type(net, destination.ip) == RTN_BROADCAST))
		flow->flags |= IPD_FLOW_MULTICAST;
	return 0;
}

/* the device by which a packet to the flow's remote address would leave; NULL. RCU */
static const struct net_device *route_device(struct net *net, const struct ipd_flow *flow)
{
	struct flowi6 fl6 = { .daddr = flow->remote.in6, .saddr = flow->local.in6 };
	struct flowi4 fl4 = { .daddr = flow->remote.ip, .saddr = flow->local.ip };
	const struct net_device *dev = NULL;
	struct dst_entry *dst;
	struct rtable *rt;

	/* of what is forwarded the address is another's, which is no source for a route */
	if (!ipd_flow_is_me(net, flow->family, &flow->local)) {
		memset(&fl6.saddr, 0, sizeof(fl6.saddr));
		fl4.saddr = 0;
	}
	if (flow->family == NFPROTO_IPV6) {
		if (!ipv6_mod_enabled())
			return NULL;
		dst = ip6_route_output(net, NULL, &fl6);
	} else {
		rt = __ip_route_output_key(net, &fl4);
		if (IS_ERR(rt))
			return NULL;
		dst = &rt->dst;
	}
	if (!dst->error)
		dev = dst_dev(dst);	/* it stays as long as the RCU section */
	dst_release(dst);
	return dev;
}

/* the device where the packet is: named, of the route, or NULL; RCU */
static int find_device(struct nlattr **tb, struct net *net, const struct ipd_flow *flow,
		       const struct net_device **ret_dev, struct netlink_ext_ack *extack)
{
	const struct nlattr *name = tb[IPSECDRV_FLOW_A_INTERFACE];

	*ret_dev = NULL;
	if (!name) {
		if (!nla_get_u8_default(tb[IPSECDRV_FLOW_A_CONNECTION], IPSECDRV_CONNECTION_ALL))
			*ret_dev = route_device(net, flow);
		return 0;
	}
	if (tb[IPSECDRV_FLOW_A_CONNECTION]) {
		NL_SET_ERR_MSG(extack, "the flow has an interface and a connection type, too");
		return -EINVAL;
	}
	*ret_dev = dev_get_by_name_rcu(net, nla_data(name));
	if (*ret_dev)
		return 0;
	NL_SET_ERR_MSG(extack, "the flow's interface does not exist");
	return -ENODEV;
}

static u16 scope_of(struct nlattr **tb, const struct net *net, const struct net_device *dev)
{
	/* the connection type alone is a scope that no filter's interface has */
	return dev ? ipd_scope_of(net, dev) :
		     nla_get_u8_default(tb[IPSECDRV_FLOW_A_CONNECTION], IPSECDRV_CONNECTION_ALL);
}

/* --- the answer -------------------------------------------------------------------- */

/* the hooks know loopback by the device; without a packet it is by address */
static void match(struct ipd_net *ipd, const struct ipd_flow *flow, struct ipd_decision *decision)
{
	if (ipd_flow_is_me(ipd->net, flow->family, &flow->remote)) {
		memset(decision, 0, sizeof(*decision));
		decision->verdict = IPSECDRV_VERDICT_PASS;
		decision->pass_reason = IPSECDRV_PASS_REASON_LOOPBACK;
		return;
	}
	ipd_decide(ipd, NULL, flow, decision);
}

static int fill_decision(struct sk_buff *msg, struct ipd_net *ipd,
			 const struct ipd_decision *decision)
{
	if (nla_put_u8(msg, IPSECDRV_A_MODE, READ_ONCE(ipd->mode)) ||
	    nla_put_u8(msg, IPSECDRV_A_VERDICT, decision->verdict))
		return -EMSGSIZE;
	if (decision->verdict == IPSECDRV_VERDICT_PASS &&
	    nla_put_u8(msg, IPSECDRV_A_PASS_REASON, decision->pass_reason))
		return -EMSGSIZE;
	if (decision->verdict == IPSECDRV_VERDICT_DROP &&
	    nla_put_u8(msg, IPSECDRV_A_DROP_REASON, decision->drop_reason))
		return -EMSGSIZE;
	if (decision->filter && (nla_put_u8(msg, IPSECDRV_A_ACTION, decision->action) ||
				 ipd_nl_put_filter(msg, decision->filter)))
		return -EMSGSIZE;
	if (decision->sa && ipd_sa_fill(msg, decision->sa))
		return -EMSGSIZE;
	if (decision->acquire && decision->verdict == IPSECDRV_VERDICT_HOLD &&
	    nla_put_u32(msg, IPSECDRV_A_ACQUIRE_ID, ipd_acquire_id(decision->acquire)))
		return -EMSGSIZE;
	return 0;
}

static int fill_place(struct sk_buff *msg, const struct net_device *dev, u16 scope)
{
	if (dev && nla_put_string(msg, IPSECDRV_A_INTERFACE, dev->name))
		return -EMSGSIZE;
	return nla_put_u8(msg, IPSECDRV_A_CONNECTION, scope & IPD_SCOPE_CONNECTION);
}

/* RCU */
static int answer(struct sk_buff *msg, struct ipd_net *ipd, struct nlattr **tb,
		  struct ipd_flow *flow, struct netlink_ext_ack *extack)
{
	const struct net_device *dev;
	struct ipd_decision decision;
	int err;

	err = find_device(tb, ipd->net, flow, &dev, extack);
	if (err)
		return err;
	flow->scope = scope_of(tb, ipd->net, dev);
	match(ipd, flow, &decision);
	return fill_decision(msg, ipd, &decision) ?: fill_place(msg, dev, flow->scope);
}

int ipd_nl_match(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[IPSECDRV_A_FLOW];
	struct nlattr *tb[IPSECDRV_FLOW_A_MAX + 1];
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_flow flow;
	struct sk_buff *msg;
	void *header;
	int err;

	if (!nest) {
		NL_SET_ERR_MSG(info->extack, "no flow to match");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, IPSECDRV_FLOW_A_MAX, nest, ipd_nl_flow_policy, info->extack);
	if (!err)
		err = get_flow(tb, ipd->net, &flow, info->extack);
	if (err)
		return err;
	msg = ipd_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &header);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	err = answer(msg, ipd, tb, &flow, info->extack);
	rcu_read_unlock();
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}
