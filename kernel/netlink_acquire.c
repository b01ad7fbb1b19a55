// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of negotiations.
 */
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "acquire.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"

#define FAILED_SECONDS	60
#define SOFT_SECONDS	300

int ipd_nl_acquire_end(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *seconds = info->attrs[IPSECDRV_A_HOLD_SECONDS];
	const struct nlattr *result = info->attrs[IPSECDRV_A_ACQUIRE_RESULT];
	const struct nlattr *id = info->attrs[IPSECDRV_A_ACQUIRE_ID];
	struct ipd_net *ipd = ipd_nl_net(info);
	u32 hold;
	int err;

	if (!id || !result) {
		NL_SET_ERR_MSG(info->extack, "the request needs an acquire id and a result");
		return -EINVAL;
	}
	hold = nla_get_u8(result) == IPSECDRV_ACQUIRE_RESULT_SOFT ? SOFT_SECONDS : FAILED_SECONDS;
	if (seconds)
		hold = nla_get_u32(seconds);
	mutex_lock(&ipd->cfg_mutex);
	err = ipd_acquire_end(ipd, nla_get_u32(id), nla_get_u8(result), hold, info->extack);
	mutex_unlock(&ipd->cfg_mutex);
	return err;
}

static int put_info(struct sk_buff *msg, const struct ipd_acquire_info *info)
{
	if (nla_put_u32(msg, IPSECDRV_A_ACQUIRE_ID, info->id) ||
	    nla_put_u32(msg, IPSECDRV_A_FILTER_ID, info->filter_id) ||
	    ipd_nl_put_selector(msg, IPSECDRV_A_SELECTOR, &info->selector) ||
	    ipd_nl_put_flow(msg, IPSECDRV_A_FLOW, &info->flow))
		return -EMSGSIZE;
	if (info->state == IPD_ACQUIRE_FAILED)
		return nla_put_u8(msg, IPSECDRV_A_ACQUIRE_RESULT, IPSECDRV_ACQUIRE_RESULT_FAILED);
	if (info->state == IPD_ACQUIRE_SOFT)
		return nla_put_u8(msg, IPSECDRV_A_ACQUIRE_RESULT, IPSECDRV_ACQUIRE_RESULT_SOFT);
	return 0;
}

int ipd_nl_acquire_get_start(struct netlink_callback *cb)
{
	return 0;
}

int ipd_nl_acquire_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ipd_net *ipd = ipd_net(sock_net(skb->sk));
	unsigned long *cursor = (unsigned long *)cb->ctx, next;
	struct ipd_acquire_info info;
	void *header;

	for (next = *cursor; ipd_acquire_next(ipd, &next, &info); *cursor = next) {
		header = ipd_nl_dump_header(skb, cb, IPSECDRV_CMD_ACQUIRE_GET,
					    ipd_acquire_changes(ipd));
		if (!header)
			break;
		if (put_info(skb, &info)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
	return skb->len;
}

int ipd_nl_acquire_get_done(struct netlink_callback *cb)
{
	return 0;
}
