// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diagnostics: their setting, and what goes to the group that listens to them.
 */
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "compat.h"
#include "diag.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "tally.h"

/* with room for every attribute at its longest */
#define DROP_SIZE	NLMSG_ALIGN(512)
#define ROW_SIZE	64

int ipd_nl_diag_set(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *interval = info->attrs[IPSECDRV_A_LOG_INTERVAL];
	const struct nlattr *level = info->attrs[IPSECDRV_A_DIAG_LEVEL];
	struct ipd_net *ipd = ipd_nl_net(info);
	int err;

	if (!level && !interval) {
		NL_SET_ERR_MSG(info->extack, "neither a diagnostic level nor a log interval to set");
		return -EINVAL;
	}
	mutex_lock(&ipd->cfg_mutex);
	err = ipd_diag_set(ipd, nla_get_u8_default(level, ipd_diag_level(ipd)),
			   nla_get_u32_default(interval, ipd_diag_interval(ipd)));
	mutex_unlock(&ipd->cfg_mutex);
	return err;
}

/* --- records ------------------------------------------------------------------------ */

static int put_packet(struct sk_buff *msg, const struct ipd_diag_record *record)
{
	const struct sk_buff *skb = record->skb;
	struct nlattr *attr;

	if (!record->shown)
		return 0;
	attr = nla_reserve(msg, IPSECDRV_DROP_A_PACKET, record->shown);
	if (!attr)
		return -EMSGSIZE;
	/* fragments in a device's memory cannot be read */
	if (skb_copy_bits(skb, skb_network_offset(skb), nla_data(attr), record->shown))
		nlmsg_trim(msg, attr);
	return 0;
}

static int put_interface(struct sk_buff *msg, const struct ipd_diag_record *record)
{
	if (!record->interface)
		return 0;
	return nla_put_u32(msg, IPSECDRV_DROP_A_INTERFACE, record->interface) ?:
	       nla_put_string(msg, IPSECDRV_DROP_A_INTERFACE_NAME, record->interface_name);
}

static int fill_drop(struct sk_buff *msg, const struct ipd_diag_record *record)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_DROP);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(msg, IPSECDRV_DROP_A_TIME, record->time, IPSECDRV_DROP_A_PAD) ||
	    nla_put_u8(msg, IPSECDRV_DROP_A_DIRECTION, record->direction) ||
	    nla_put_u8(msg, IPSECDRV_DROP_A_REASON, record->reason) ||
	    nla_put_u32(msg, IPSECDRV_DROP_A_LENGTH, record->len) ||
	    put_interface(msg, record) || put_packet(msg, record))
		return -EMSGSIZE;
	if ((record->has_flow && ipd_nl_put_flow(msg, IPSECDRV_DROP_A_FLOW, &record->flow)) ||
	    (record->spi && nla_put_be32(msg, IPSECDRV_DROP_A_SPI, record->spi)) ||
	    (record->filter_id &&
	     nla_put_u32(msg, IPSECDRV_DROP_A_FILTER_ID, record->filter_id)) ||
	    (record->left_out && nla_put_u64_64bit(msg, IPSECDRV_DROP_A_LEFT_OUT,
						   record->left_out, IPSECDRV_DROP_A_PAD)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int ipd_nl_event_drop(struct ipd_net *ipd, const struct ipd_diag_record *record)
{
	struct sk_buff *msg;
	void *header;

	if (!ipd_nl_has_diag_listener(ipd->net))
		return -ESRCH;
	msg = genlmsg_new(DROP_SIZE, GFP_ATOMIC);
	if (!msg)
		return -ENOMEM;
	header = genlmsg_put(msg, 0, 0, &ipd_nl_family, 0, IPSECDRV_CMD_DROP_EVENT);
	if (!header || fill_drop(msg, record)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, header);
	return genlmsg_multicast_netns(&ipd_nl_family, ipd->net, msg, 0, IPD_NL_GROUP_DIAG,
				       GFP_ATOMIC);
}

/* --- summaries ---------------------------------------------------------------------- */

static int put_count(struct sk_buff *msg, u8 reason, u64 packets, const struct ipd_tally_row *row)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_COUNTER);

	if (!nest || nla_put_u8(msg, IPSECDRV_COUNTER_A_REASON, reason) ||
	    nla_put_u64_64bit(msg, IPSECDRV_COUNTER_A_PACKETS, packets, IPSECDRV_COUNTER_A_PAD))
		return -EMSGSIZE;
	if (row && ipd_nl_put_address(msg, IPSECDRV_COUNTER_A_PEER, row->family, &row->peer))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int fill_summary(struct sk_buff *msg, const struct ipd_tally *tally, u32 seconds)
{
	const struct ipd_tally_row *row;
	u8 reason;

	if (nla_put_u32(msg, IPSECDRV_A_SECONDS, seconds))
		return -EMSGSIZE;
	for (row = tally->slots; row < tally->slots + IPD_TALLY_SLOTS; row++)
		if (row->packets && put_count(msg, row->reason, row->packets, row))
			return -EMSGSIZE;
	for (reason = 0; reason < __IPSECDRV_DROP_MAX; reason++)
		if (tally->others[reason] && put_count(msg, reason, tally->others[reason], NULL))
			return -EMSGSIZE;
	return 0;
}

int ipd_nl_event_summary(struct ipd_net *ipd, const struct ipd_tally *tally, u32 seconds)
{
	size_t size = (IPD_TALLY_ROWS + __IPSECDRV_DROP_MAX + 1) * ROW_SIZE;
	struct sk_buff *msg = genlmsg_new(size, GFP_KERNEL);
	void *header;
	int err = -ESRCH;

	if (!msg)
		return -ENOMEM;
	header = genlmsg_put(msg, 0, 0, &ipd_nl_family, 0, IPSECDRV_CMD_SUMMARY_EVENT);
	if (!header || fill_summary(msg, tally, seconds)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, header);
	rcu_read_lock();
	if (ipd_nl_has_diag_listener(ipd->net))
		err = genlmsg_multicast_netns(&ipd_nl_family, ipd->net, msg, 0,
					      IPD_NL_GROUP_DIAG, GFP_ATOMIC);
	else
		nlmsg_free(msg);
	rcu_read_unlock();
	return err;
}
