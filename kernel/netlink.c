// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family: registration, events, helpers of the handlers, and the handlers that are
 * about the namespace as a whole.
 *
 * Requests run in parallel; what changes something takes the namespace's cfg_mutex. The generated
 * policies are strict: an attribute that a command does not know is refused, and so is one that
 * is of the wrong length or range. Every refusal of our own has a sentence.
 */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/route.h>

#include "acquire.h"
#include "boot_exempt.h"
#include "compat.h"
#include "diag.h"
#include "drop.h"
#include "filter.h"
#include "flow.h"
#include "flowcache.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "sad.h"
#include "startup.h"
#include "transaction.h"

struct genl_family ipd_nl_family __ro_after_init = {
	.name = IPSECDRV_FAMILY_NAME,
	.version = IPSECDRV_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ipd_nl_ops,
	.n_ops = ARRAY_SIZE(ipd_nl_ops),
	.resv_start_op = IPSECDRV_CMD_STATUS_GET,
	.mcgrps = ipd_nl_groups,
	.n_mcgrps = ARRAY_SIZE(ipd_nl_groups),
};

/* --- helpers ----------------------------------------------------------------------- */

struct ipd_net *ipd_nl_net(struct genl_info *info)
{
	return ipd_net(genl_info_net(info));
}

/* A command has one policy, of what it takes when it is about one object. */
int ipd_nl_start_list(struct netlink_callback *cb)
{
	if (!nlmsg_attrlen(cb->nlh, GENL_HDRLEN))
		return 0;
	/* before 6.8 the kernel has no place for a sentence here, and cb->extack is NULL */
	NL_SET_ERR_MSG(cb->extack, "a list takes no attributes");
	return -EINVAL;
}

struct sk_buff *ipd_nl_reply_new(struct genl_info *info, size_t size, void **ret_header)
{
	struct sk_buff *msg = genlmsg_new(size, GFP_KERNEL);

	if (!msg)
		return NULL;
	*ret_header = genlmsg_put_reply(msg, info, &ipd_nl_family, 0, info->genlhdr->cmd);
	if (*ret_header)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int ipd_nl_reply_send(struct sk_buff *msg, void *header, struct genl_info *info)
{
	genlmsg_end(msg, header);
	return genlmsg_reply(msg, info);
}

void *ipd_nl_dump_header(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, u32 changes)
{
	void *header;

	cb->seq = changes ?: 1;		/* 0 would switch the check off */
	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &ipd_nl_family,
			     NLM_F_MULTI, cmd);
	if (header)
		genl_dump_check_consistent(cb, header);
	return header;
}

u8 ipd_nl_family_of(const struct nlattr *attr)
{
	u8 family = attr ? nla_get_u8(attr) : 0;

	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 ? family : 0;
}

unsigned int ipd_nl_address_len(u8 family)
{
	return family == NFPROTO_IPV4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

bool ipd_nl_get_address(const struct nlattr *attr, u8 family, union nf_inet_addr *ret_addr)
{
	memset(ret_addr, 0, sizeof(*ret_addr));
	if (!attr)
		return true;
	if (nla_len(attr) != ipd_nl_address_len(family))
		return false;
	nla_memcpy(ret_addr, attr, sizeof(*ret_addr));
	return true;
}

int ipd_nl_put_address(struct sk_buff *msg, int type, u8 family, const union nf_inet_addr *addr)
{
	return nla_put(msg, type, ipd_nl_address_len(family), addr);
}

int ipd_nl_put_selector(struct sk_buff *msg, int type, const struct ipd_selector *selector)
{
	struct nlattr *nest = nla_nest_start(msg, type);
	u8 family = selector->family;

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u8(msg, IPSECDRV_SELECTOR_A_FAMILY, family) ||
	    ipd_nl_put_address(msg, IPSECDRV_SELECTOR_A_LOCAL_ADDRESS, family,
			       &selector->local) ||
	    ipd_nl_put_address(msg, IPSECDRV_SELECTOR_A_REMOTE_ADDRESS, family,
			       &selector->remote) ||
	    nla_put_u8(msg, IPSECDRV_SELECTOR_A_PROTOCOL, selector->protocol) ||
	    nla_put_be16(msg, IPSECDRV_SELECTOR_A_LOCAL_PORT, selector->local_port) ||
	    nla_put_be16(msg, IPSECDRV_SELECTOR_A_REMOTE_PORT, selector->remote_port) ||
	    nla_put_u8(msg, IPSECDRV_SELECTOR_A_LOCAL_PREFIX, selector->local_prefix) ||
	    nla_put_u8(msg, IPSECDRV_SELECTOR_A_REMOTE_PREFIX, selector->remote_prefix))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int ipd_nl_get_selector(const struct nlattr *nest, struct ipd_selector *ret_selector,
			struct netlink_ext_ack *extack)
{
	struct nlattr *tb[IPSECDRV_SELECTOR_A_MAX + 1];
	struct ipd_selector selector = {};
	u8 bits;
	int err;

	err = nla_parse_nested(tb, IPSECDRV_SELECTOR_A_MAX, nest, ipd_nl_selector_policy, extack);
	if (err)
		return err;
	selector.family = ipd_nl_family_of(tb[IPSECDRV_SELECTOR_A_FAMILY]);
	bits = ipd_nl_address_len(selector.family) * 8;
	if (!selector.family || !tb[IPSECDRV_SELECTOR_A_LOCAL_ADDRESS] ||
	    !tb[IPSECDRV_SELECTOR_A_REMOTE_ADDRESS]) {
		NL_SET_ERR_MSG(extack, "the selector needs a family and both addresses");
		return -EINVAL;
	}
	if (!ipd_nl_get_address(tb[IPSECDRV_SELECTOR_A_LOCAL_ADDRESS], selector.family,
				&selector.local) ||
	    !ipd_nl_get_address(tb[IPSECDRV_SELECTOR_A_REMOTE_ADDRESS], selector.family,
				&selector.remote)) {
		NL_SET_ERR_MSG(extack, "an address of the selector has not its family's length");
		return -EINVAL;
	}
	selector.protocol = nla_get_u8_default(tb[IPSECDRV_SELECTOR_A_PROTOCOL], 0);
	selector.local_port = nla_get_be16_default(tb[IPSECDRV_SELECTOR_A_LOCAL_PORT], 0);
	selector.remote_port = nla_get_be16_default(tb[IPSECDRV_SELECTOR_A_REMOTE_PORT], 0);
	selector.local_prefix = nla_get_u8_default(tb[IPSECDRV_SELECTOR_A_LOCAL_PREFIX], bits);
	selector.remote_prefix = nla_get_u8_default(tb[IPSECDRV_SELECTOR_A_REMOTE_PREFIX], bits);
	if (selector.local_prefix > bits || selector.remote_prefix > bits) {
		NL_SET_ERR_MSG_FMT(extack, "a prefix of the selector is longer than %u bits", bits);
		return -EINVAL;
	}
	*ret_selector = selector;
	return 0;
}

int ipd_nl_put_flow(struct sk_buff *msg, int type, const struct ipd_flow *flow)
{
	struct nlattr *nest = nla_nest_start(msg, type);
	bool out = flow->direction == IPSECDRV_DIRECTION_OUT;

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u8(msg, IPSECDRV_FLOW_A_DIRECTION, flow->direction) ||
	    nla_put_u8(msg, IPSECDRV_FLOW_A_FAMILY, flow->family) ||
	    ipd_nl_put_address(msg, IPSECDRV_FLOW_A_SOURCE, flow->family,
			       out ? &flow->local : &flow->remote) ||
	    ipd_nl_put_address(msg, IPSECDRV_FLOW_A_DESTINATION, flow->family,
			       out ? &flow->remote : &flow->local) ||
	    nla_put_u8(msg, IPSECDRV_FLOW_A_PROTOCOL, flow->protocol) ||
	    nla_put_be16(msg, IPSECDRV_FLOW_A_SOURCE_PORT,
			 out ? flow->local_port : flow->remote_port) ||
	    nla_put_be16(msg, IPSECDRV_FLOW_A_DESTINATION_PORT,
			 out ? flow->remote_port : flow->local_port))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* --- events ------------------------------------------------------------------------ */

static void send_event(struct ipd_net *ipd, enum ipd_nl_group group, u8 cmd,
		       int (*fill)(struct sk_buff *msg, struct ipd_net *ipd, const void *data),
		       const void *data)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	mutex_lock(&ipd->event_mutex);
	/* also when it fails: the gap tells that there was one */
	WRITE_ONCE(ipd->event_number, ipd->event_number + 1);
	if (!msg)
		goto lost;
	header = genlmsg_put(msg, 0, 0, &ipd_nl_family, 0, cmd);
	if (!header || nla_put_u32(msg, IPSECDRV_A_EVENT_NUMBER, ipd->event_number) ||
	    fill(msg, ipd, data)) {
		nlmsg_free(msg);
		goto lost;
	}
	genlmsg_end(msg, header);
	if (genlmsg_multicast_netns(&ipd_nl_family, ipd->net, msg, 0, group, GFP_KERNEL))
		goto lost;
	mutex_unlock(&ipd->event_mutex);
	return;

lost:
	mutex_unlock(&ipd->event_mutex);
	atomic64_inc(&ipd->events_lost);
}

static int fill_acquire(struct sk_buff *msg, struct ipd_net *ipd, const void *data)
{
	const struct ipd_nl_acquire *acquire = data;

	return nla_put_u32(msg, IPSECDRV_A_ACQUIRE_ID, acquire->id) ?:
	       nla_put_u32(msg, IPSECDRV_A_FILTER_ID, acquire->filter_id) ?:
	       ipd_nl_put_selector(msg, IPSECDRV_A_SELECTOR, acquire->selector) ?:
	       ipd_nl_put_flow(msg, IPSECDRV_A_FLOW, acquire->flow);
}

void ipd_nl_event_acquire(struct ipd_net *ipd, const struct ipd_nl_acquire *acquire)
{
	send_event(ipd, IPD_NL_GROUP_ACQUIRE, IPSECDRV_CMD_ACQUIRE_EVENT, fill_acquire, acquire);
}

struct expire {
	const struct ipd_sa *sa;
	u8 kind;
};

static int fill_expire(struct sk_buff *msg, struct ipd_net *ipd, const void *data)
{
	const struct expire *expire = data;
	int err;

	rcu_read_lock();
	err = nla_put_u8(msg, IPSECDRV_A_LIFETIME_KIND, expire->kind) ?:
	      ipd_sa_fill(msg, expire->sa);
	rcu_read_unlock();
	return err;
}

void ipd_nl_event_expire(struct ipd_net *ipd, const struct ipd_sa *sa, u8 lifetime_kind)
{
	const struct expire expire = { .sa = sa, .kind = lifetime_kind };

	send_event(ipd, IPD_NL_GROUP_EXPIRE, IPSECDRV_CMD_EXPIRE_EVENT, fill_expire, &expire);
}

struct mapping {
	const struct ipd_sa *sa;
	const union nf_inet_addr *address;
	__be16 port;
};

static int fill_mapping(struct sk_buff *msg, struct ipd_net *ipd, const void *data)
{
	const struct mapping *mapping = data;
	union nf_inet_addr remote;
	int err;

	rcu_read_lock();
	err = ipd_sa_fill(msg, mapping->sa) ?:
	      ipd_nl_put_address(msg, IPSECDRV_A_PEER_ADDRESS,
				 ipd_sa_peer(mapping->sa, &remote), mapping->address) ?:
	      nla_put_be16(msg, IPSECDRV_A_PEER_PORT, mapping->port);
	rcu_read_unlock();
	return err;
}

void ipd_nl_event_mapping(struct ipd_net *ipd, const struct ipd_sa *sa,
			  const union nf_inet_addr *address, __be16 port)
{
	const struct mapping mapping = { .sa = sa, .address = address, .port = port };

	send_event(ipd, IPD_NL_GROUP_MAPPING, IPSECDRV_CMD_MAPPING_EVENT, fill_mapping, &mapping);
}

static int fill_mode(struct sk_buff *msg, struct ipd_net *ipd, const void *data)
{
	return nla_put_u8(msg, IPSECDRV_A_MODE, READ_ONCE(ipd->mode)) ?:
	       nla_put_u32(msg, IPSECDRV_A_GENERATION, ipd_net_generation(ipd));
}

void ipd_nl_event_mode(struct ipd_net *ipd)
{
	send_event(ipd, IPD_NL_GROUP_MODE, IPSECDRV_CMD_MODE_EVENT, fill_mode, NULL);
}

bool ipd_nl_has_acquire_listener(struct net *net)
{
	return genl_has_listeners(&ipd_nl_family, net, IPD_NL_GROUP_ACQUIRE);
}

/* between registration and its end; READ_ONCE/WRITE_ONCE */
static bool ipd_nl_is_registered;

bool ipd_nl_has_diag_listener(struct net *net)
{
	return READ_ONCE(ipd_nl_is_registered) &&
	       genl_has_listeners(&ipd_nl_family, net, IPD_NL_GROUP_DIAG);
}

/* --- the namespace ----------------------------------------------------------------- */

static int put_boot_exemption(struct sk_buff *msg, const struct ipd_boot_exempt *exempt)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_BOOT_EXEMPTIONS_A_EXEMPTION);

	if (!nest ||
	    nla_put_u8(msg, IPSECDRV_BOOT_EXEMPTION_A_DIRECTION, exempt->direction) ||
	    nla_put_u8(msg, IPSECDRV_BOOT_EXEMPTION_A_PROTOCOL, exempt->protocol) ||
	    nla_put_be16(msg, IPSECDRV_BOOT_EXEMPTION_A_SOURCE_PORT,
			 htons(exempt->source_port)) ||
	    nla_put_be16(msg, IPSECDRV_BOOT_EXEMPTION_A_DESTINATION_PORT,
			 htons(exempt->destination_port)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* of one exemption in the answer */
#define BOOT_EXEMPTION_SIZE	(5 * nla_total_size(sizeof(u32)))

static int fill_boot_exemptions(struct sk_buff *msg, const struct ipd_net *ipd)
{
	unsigned int i, n = ipd_boot_exempts_count(ipd->boot_exempts);
	struct ipd_boot_exempt exempt;
	struct nlattr *nest;

	/* a nest has 16 bits for its length */
	BUILD_BUG_ON(IPSECDRV_MAX_BOOT_EXEMPTIONS * 5 * (NLA_HDRLEN + 4) > U16_MAX - NLA_HDRLEN);
	if (!n)
		return 0;
	nest = nla_nest_start(msg, IPSECDRV_A_BOOT_EXEMPTIONS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < n; i++) {
		exempt = ipd_boot_exempts_get(ipd->boot_exempts, i);
		if (put_boot_exemption(msg, &exempt))
			return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

static int fill_startup(struct sk_buff *msg, struct ipd_net *ipd)
{
	return nla_put_u8(msg, IPSECDRV_A_STARTUP_MODE, ipd->startup_mode) ?:
	       nla_put_u32(msg, IPSECDRV_A_STATEFUL_FLOWS, ipd_startup_count(ipd)) ?:
	       fill_boot_exemptions(msg, ipd);
}

static int fill_status(struct sk_buff *msg, struct ipd_net *ipd)
{
	const struct ipd_filter_set *filters;
	int err;

	rcu_read_lock();
	filters = rcu_dereference(ipd->filters);
	err = nla_put_u8(msg, IPSECDRV_A_MODE, READ_ONCE(ipd->mode)) ?:
	      nla_put_u32(msg, IPSECDRV_A_GENERATION, ipd_net_generation(ipd)) ?:
	      nla_put_u32(msg, IPSECDRV_A_FILTERS, ipd_filter_set_size(filters)) ?:
	      nla_put_u32(msg, IPSECDRV_A_TUPLES, ipd_filter_set_tuples(filters)) ?:
	      nla_put_u8(msg, IPSECDRV_A_EXEMPT_LEVEL, READ_ONCE(ipd->exempt_level)) ?:
	      nla_put_u32(msg, IPSECDRV_A_EVENT_NUMBER, READ_ONCE(ipd->event_number)) ?:
	      nla_put_u8(msg, IPSECDRV_A_DIAG_LEVEL, ipd_diag_level(ipd)) ?:
	      nla_put_u32(msg, IPSECDRV_A_LOG_INTERVAL, ipd_diag_interval(ipd));
	rcu_read_unlock();
	return err ?: fill_startup(msg, ipd);
}

int ipd_nl_status_get(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	size_t size = GENLMSG_DEFAULT_SIZE +
		      ipd_boot_exempts_count(ipd->boot_exempts) * BOOT_EXEMPTION_SIZE;
	struct sk_buff *msg;
	void *header;
	int err;

	msg = ipd_nl_reply_new(info, size, &header);
	if (!msg)
		return -ENOMEM;
	err = fill_status(msg, ipd);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

int ipd_nl_mode_set(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	const struct nlattr *level = info->attrs[IPSECDRV_A_EXEMPT_LEVEL];
	const struct nlattr *mode = info->attrs[IPSECDRV_A_MODE];
	int err = 0;

	if (!mode && !level) {
		NL_SET_ERR_MSG(info->extack, "neither a mode nor an exemption level to set");
		return -EINVAL;
	}
	mutex_lock(&ipd->cfg_mutex);
	if (mode)
		err = ipd_net_set_mode(ipd, nla_get_u8(mode), info->extack);
	if (!err && level) {
		WRITE_ONCE(ipd->exempt_level, nla_get_u8(level));
		ipd_net_touch(ipd);
	}
	mutex_unlock(&ipd->cfg_mutex);
	return err;
}

/* --- statistics -------------------------------------------------------------------- */

static int put_u64(struct sk_buff *msg, int type, u64 value)
{
	return nla_put_u64_64bit(msg, type, value, IPSECDRV_STATISTICS_A_PAD);
}

static int fill_drops(struct sk_buff *msg, struct ipd_net *ipd)
{
	struct nlattr *nest;
	int reason;

	for (reason = IPSECDRV_DROP_NONE + 1; reason < __IPSECDRV_DROP_MAX; reason++) {
		nest = nla_nest_start(msg, IPSECDRV_STATISTICS_A_COUNTER);
		if (!nest || nla_put_u8(msg, IPSECDRV_COUNTER_A_REASON, reason) ||
		    nla_put_u64_64bit(msg, IPSECDRV_COUNTER_A_PACKETS, ipd_drop_sum(ipd, reason),
				      IPSECDRV_COUNTER_A_PAD))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int fill_statistics(struct sk_buff *msg, struct ipd_net *ipd)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_STATISTICS);
	struct ipd_acquire_counts counts;
	u64 hits = 0, misses = 0;

	if (!nest)
		return -EMSGSIZE;
	ipd_acquire_count(ipd, &counts);
	if (ipd->flowcache)
		ipd_flowcache_count(ipd->flowcache, &hits, &misses);
	if (ipd_sad_fill_statistics(msg, ipd) ||
	    put_u64(msg, IPSECDRV_STATISTICS_A_ACQUIRES, counts.acquires) ||
	    put_u64(msg, IPSECDRV_STATISTICS_A_ACQUIRE_FAILURES, counts.failures) ||
	    nla_put_u32(msg, IPSECDRV_STATISTICS_A_HELD_PACKETS, counts.held_packets) ||
	    nla_put_u32(msg, IPSECDRV_STATISTICS_A_HELD_BYTES, counts.held_bytes) ||
	    put_u64(msg, IPSECDRV_STATISTICS_A_FLOW_HITS, hits) ||
	    put_u64(msg, IPSECDRV_STATISTICS_A_FLOW_MISSES, misses) ||
	    put_u64(msg, IPSECDRV_STATISTICS_A_EVENTS_LOST,
		    atomic64_read(&ipd->events_lost)) ||
	    fill_drops(msg, ipd))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int ipd_nl_statistics_get(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct sk_buff *msg;
	void *header;
	int err;

	msg = ipd_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &header);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&ipd->cfg_mutex);
	err = fill_statistics(msg, ipd);
	mutex_unlock(&ipd->cfg_mutex);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

/* --- life -------------------------------------------------------------------------- */

static int on_netlink(struct notifier_block *block, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == NETLINK_GENERIC)
		ipd_transactions_release(ipd_net(notify->net), notify->portid);
	return NOTIFY_DONE;
}

static struct notifier_block ipd_nl_notifier = { .notifier_call = on_netlink };

int ipd_nl_net_init(struct ipd_net *ipd)
{
	ipd->transactions = ipd_transactions_new();
	return ipd->transactions ? 0 : -ENOMEM;
}

void ipd_nl_net_exit(struct ipd_net *ipd)
{
	ipd_transactions_free(ipd->transactions);
}

int ipd_nl_init(void)
{
	int err;

	err = netlink_register_notifier(&ipd_nl_notifier);
	if (err)
		return err;
	err = genl_register_family(&ipd_nl_family);
	if (err)
		netlink_unregister_notifier(&ipd_nl_notifier);
	WRITE_ONCE(ipd_nl_is_registered, !err);
	return err;
}

void ipd_nl_exit(void)
{
	WRITE_ONCE(ipd_nl_is_registered, false);
	synchronize_rcu();	/* diagnostics that saw it set are sent */
	genl_unregister_family(&ipd_nl_family);
	netlink_unregister_notifier(&ipd_nl_notifier);
}
