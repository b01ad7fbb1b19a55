// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of security associations.
 *
 * Keys are in three places on their way: the request, a parsed copy, the crypto code. The first
 * two are wiped before the handler returns, whatever the outcome. The request is wiped in place,
 * which is also where a copy in the ack, or in the hands of nlmon, has its bytes from.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "acquire.h"
#include "compat.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "parallel.h"
#include "sad.h"
#include "trace.h"

/* Associations that one request installs: a pair, or two in a bundle, or a few pairs. */
#define MAX_INSTALL		16

#define REPLAY_WINDOW		64
#define IDLE_SECONDS		300

/* what a request has to say of an association */
enum need {
	NEED_IDENTITY,		/* which one: SPI, protection, direction, endpoints */
	NEED_PLACE,		/* where one is to be: protection, endpoints */
	NEED_ALL,
};

/* --- requests ---------------------------------------------------------------------- */

static int require(struct nlattr **tb, int type, const char *name, struct netlink_ext_ack *extack)
{
	if (tb[type])
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "the association has no %s", name);
	return -EINVAL;
}

static int check_needs(struct nlattr **tb, enum need need, struct netlink_ext_ack *extack)
{
	int err;

	err = require(tb, IPSECDRV_SA_A_PROTECTION, "protection", extack) ?:
	      require(tb, IPSECDRV_SA_A_FAMILY, "family", extack) ?:
	      require(tb, IPSECDRV_SA_A_LOCAL_ADDRESS, "local address", extack) ?:
	      require(tb, IPSECDRV_SA_A_REMOTE_ADDRESS, "remote address", extack);
	if (!err && need != NEED_PLACE)
		err = require(tb, IPSECDRV_SA_A_SPI, "SPI", extack) ?:
		      require(tb, IPSECDRV_SA_A_DIRECTION, "direction", extack);
	if (!err && need == NEED_ALL)
		err = require(tb, IPSECDRV_SA_A_FILTER_ID, "filter id", extack) ?:
		      require(tb, IPSECDRV_SA_A_SELECTOR, "selector", extack);
	return err;
}

static int get_endpoints(struct nlattr **tb, struct ipd_sa_config *config,
			 struct netlink_ext_ack *extack)
{
	config->family = ipd_nl_family_of(tb[IPSECDRV_SA_A_FAMILY]);
	if (!config->family) {
		NL_SET_ERR_MSG(extack, "the association's family is neither IPv4 nor IPv6");
		return -EINVAL;
	}
	if (ipd_nl_get_address(tb[IPSECDRV_SA_A_LOCAL_ADDRESS], config->family,
			       &config->local) &&
	    ipd_nl_get_address(tb[IPSECDRV_SA_A_REMOTE_ADDRESS], config->family,
			       &config->remote))
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "the association's addresses must have %u bytes",
			   ipd_nl_address_len(config->family));
	return -EINVAL;
}

/* after get_numbers(): only what arrives keeps a pair from being idle */
static int get_lifetime(const struct nlattr *nest, struct ipd_sa_config *config,
			struct netlink_ext_ack *extack)
{
	u32 idle = config->direction == IPSECDRV_DIRECTION_IN ? IDLE_SECONDS : 0;
	struct nlattr *tb[IPSECDRV_LIFETIME_A_MAX + 1];
	int err;

	config->idle_seconds = idle;
	if (!nest)
		return 0;
	err = nla_parse_nested(tb, IPSECDRV_LIFETIME_A_MAX, nest, ipd_nl_lifetime_policy, extack);
	if (err)
		return err;
	config->soft_bytes = nla_get_u64_default(tb[IPSECDRV_LIFETIME_A_SOFT_BYTES], 0);
	config->hard_bytes = nla_get_u64_default(tb[IPSECDRV_LIFETIME_A_HARD_BYTES], 0);
	config->soft_packets = nla_get_u64_default(tb[IPSECDRV_LIFETIME_A_SOFT_PACKETS], 0);
	config->hard_packets = nla_get_u64_default(tb[IPSECDRV_LIFETIME_A_HARD_PACKETS], 0);
	config->soft_seconds = nla_get_u32_default(tb[IPSECDRV_LIFETIME_A_SOFT_SECONDS], 0);
	config->hard_seconds = nla_get_u32_default(tb[IPSECDRV_LIFETIME_A_HARD_SECONDS], 0);
	config->idle_seconds = nla_get_u32_default(tb[IPSECDRV_LIFETIME_A_IDLE_SECONDS], idle);
	return 0;
}

/* the policy has checked the length; the bytes in the request are gone afterwards */
static u8 take_key(struct nlattr *attr, u8 *key)
{
	int len;

	if (!attr)
		return 0;
	len = nla_len(attr);
	memcpy(key, nla_data(attr), len);
	memzero_explicit(nla_data(attr), len);
	return len;
}

static void get_numbers(struct nlattr **tb, struct ipd_sa_config *config)
{
	config->spi = nla_get_be32_default(tb[IPSECDRV_SA_A_SPI], 0);
	config->pair_spi = nla_get_be32_default(tb[IPSECDRV_SA_A_PAIR_SPI], 0);
	config->bundle_spi = nla_get_be32_default(tb[IPSECDRV_SA_A_BUNDLE_SPI], 0);
	config->filter_id = nla_get_u32_default(tb[IPSECDRV_SA_A_FILTER_ID], 0);
	config->replay_window = nla_get_u32_default(tb[IPSECDRV_SA_A_REPLAY_WINDOW],
						    REPLAY_WINDOW);
	config->encap_local_port = nla_get_be16_default(tb[IPSECDRV_SA_A_ENCAP_LOCAL_PORT], 0);
	config->encap_remote_port = nla_get_be16_default(tb[IPSECDRV_SA_A_ENCAP_REMOTE_PORT], 0);
	config->protection = nla_get_u8(tb[IPSECDRV_SA_A_PROTECTION]);
	config->direction = nla_get_u8_default(tb[IPSECDRV_SA_A_DIRECTION],
					       IPSECDRV_DIRECTION_IN);
	config->encapsulation = nla_get_u8_default(tb[IPSECDRV_SA_A_ENCAPSULATION],
						   IPSECDRV_ENCAPSULATION_TRANSPORT);
	config->cipher = nla_get_u8_default(tb[IPSECDRV_SA_A_CIPHER], IPSECDRV_CIPHER_NONE);
	config->integrity = nla_get_u8_default(tb[IPSECDRV_SA_A_INTEGRITY],
					       IPSECDRV_INTEGRITY_NONE);
	config->esn = nla_get_flag(tb[IPSECDRV_SA_A_ESN]);
	config->encap_keepalive = nla_get_u32_default(tb[IPSECDRV_SA_A_ENCAP_KEEPALIVE], 0);
	config->encap_follow = nla_get_flag(tb[IPSECDRV_SA_A_ENCAP_FOLLOW]);
	config->parallel = nla_get_flag(tb[IPSECDRV_SA_A_PARALLEL]) || ipd_parallel_is_default();
	config->sequence = nla_get_u64_default(tb[IPSECDRV_SA_A_SEQUENCE], 0);
}

/* @config is zeroed, and has keys even when this fails */
static int get_sa(const struct nlattr *nest, enum need need, struct ipd_sa_config *config,
		  u32 *ret_acquire_id, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[IPSECDRV_SA_A_MAX + 1];
	int err;

	err = nla_parse_nested(tb, IPSECDRV_SA_A_MAX, nest, ipd_nl_sa_policy, extack);
	if (err)
		return err;
	config->cipher_key_len = take_key(tb[IPSECDRV_SA_A_CIPHER_KEY], config->cipher_key);
	config->integrity_key_len = take_key(tb[IPSECDRV_SA_A_INTEGRITY_KEY],
					     config->integrity_key);
	err = check_needs(tb, need, extack);
	if (!err)
		err = get_endpoints(tb, config, extack);
	if (!err && tb[IPSECDRV_SA_A_SELECTOR])
		err = ipd_nl_get_selector(tb[IPSECDRV_SA_A_SELECTOR], &config->selector, extack);
	if (!err)
		get_numbers(tb, config);
	if (!err && ret_acquire_id)
		*ret_acquire_id = nla_get_u32_default(tb[IPSECDRV_SA_A_ACQUIRE_ID], 0);
	return err ?: get_lifetime(tb[IPSECDRV_SA_A_LIFETIME], config, extack);
}

/* Keys that parsing never came to, because something before them was wrong. */
static void wipe_nests(const struct genl_info *info)
{
	struct nlattr *nest, *attr;
	int rem, rem_nest;

	nlmsg_for_each_attr(nest, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(nest) != IPSECDRV_A_SA)
			continue;
		nla_for_each_nested(attr, nest, rem_nest)
			if (nla_type(attr) == IPSECDRV_SA_A_CIPHER_KEY ||
			    nla_type(attr) == IPSECDRV_SA_A_INTEGRITY_KEY)
				memzero_explicit(nla_data(attr), nla_len(attr));
	}
}

static u32 count_nests(const struct genl_info *info)
{
	const struct nlattr *attr;
	u32 n = 0;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		n += nla_type(attr) == IPSECDRV_A_SA;
	return n;
}

/* the one association of a request that is about one, into zeroed memory that has no keys then */
static int get_one(const struct genl_info *info, enum need need, struct ipd_sa_config *config,
		   u32 *ret_acquire_id)
{
	int err;

	if (count_nests(info) != 1) {
		NL_SET_ERR_MSG(info->extack, "the request is about one association");
		wipe_nests(info);
		return -EINVAL;
	}
	err = get_sa(info->attrs[IPSECDRV_A_SA], need, config, ret_acquire_id, info->extack);
	if (!err && (config->cipher_key_len || config->integrity_key_len)) {
		NL_SET_ERR_MSG(info->extack, "this request takes no keys");
		err = -EINVAL;
	}
	memzero_explicit(config->cipher_key, sizeof(config->cipher_key));
	memzero_explicit(config->integrity_key, sizeof(config->integrity_key));
	return err;
}

/* --- handlers ---------------------------------------------------------------------- */

int ipd_nl_spi_alloc(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_sa_config config = {};
	u32 acquire_id = 0;
	struct sk_buff *msg;
	void *header;
	__be32 spi;
	int err;

	err = get_one(info, NEED_PLACE, &config, &acquire_id);
	if (err)
		return err;
	if (config.direction != IPSECDRV_DIRECTION_IN) {
		NL_SET_ERR_MSG(info->extack, "the peer chooses the SPI of an outbound association");
		return -EINVAL;
	}
	msg = ipd_nl_reply_new(info, nla_total_size(sizeof(u32)), &header);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&ipd->cfg_mutex);
	err = ipd_sad_alloc_spi(ipd, &config, acquire_id, &spi, info->extack);
	mutex_unlock(&ipd->cfg_mutex);
	if (!err)
		err = nla_put_be32(msg, IPSECDRV_A_SPI, spi);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

static int get_all(const struct genl_info *info, struct ipd_sa_config *configs)
{
	const struct nlattr *attr;
	unsigned int n = 0;
	int rem, err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != IPSECDRV_A_SA)
			continue;
		err = get_sa(attr, NEED_ALL, &configs[n++], NULL, info->extack);
		if (err)
			return err;
	}
	return 0;
}

static int install(struct genl_info *info, struct ipd_sa_config *configs, u32 n)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	u32 i;
	int err;

	err = get_all(info, configs);
	if (err)
		return err;
	mutex_lock(&ipd->cfg_mutex);
	err = ipd_sad_install(ipd, configs, n, info->extack);
	mutex_unlock(&ipd->cfg_mutex);
	for (i = 0; !err && i < n; i++)
		trace_ipd_sa_install(ipd->net, &configs[i]);
	return err;
}

int ipd_nl_sa_new(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_sa_config *configs;
	u32 n = count_nests(info);
	int err;

	if (!n || n > MAX_INSTALL) {
		NL_SET_ERR_MSG_FMT(info->extack, "the request has %u associations, not 1 to %u", n,
				   MAX_INSTALL);
		wipe_nests(info);
		return -EINVAL;
	}
	configs = kcalloc(n, sizeof(*configs), GFP_KERNEL);
	err = configs ? install(info, configs, n) : -ENOMEM;
	kfree_sensitive(configs);
	wipe_nests(info);
	return err;
}

int ipd_nl_sa_del(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_sa_config config = {};
	int err;

	err = get_one(info, NEED_IDENTITY, &config, NULL);
	if (err)
		return err;
	mutex_lock(&ipd->cfg_mutex);
	err = ipd_sad_delete(ipd, &config, info->extack);
	mutex_unlock(&ipd->cfg_mutex);
	return err;
}

int ipd_nl_sa_flush(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);

	mutex_lock(&ipd->cfg_mutex);
	ipd_sad_flush(ipd);
	ipd_acquire_forget(ipd);
	mutex_unlock(&ipd->cfg_mutex);
	return 0;
}

int ipd_nl_sa_get(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_sa_config config = {};
	const struct ipd_sa *sa;
	struct sk_buff *msg;
	void *header;
	int err;

	err = get_one(info, NEED_IDENTITY, &config, NULL);
	if (err)
		return err;
	msg = ipd_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &header);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	sa = ipd_sad_find(ipd, &config);
	err = sa ? ipd_sa_fill(msg, sa) : -ENOENT;
	rcu_read_unlock();
	if (err == -ENOENT)
		NL_SET_ERR_MSG(info->extack, "there is no such association");
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

int ipd_nl_sa_get_start(struct netlink_callback *cb)
{
	return ipd_nl_start_list(cb);
}

int ipd_nl_sa_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ipd_net *ipd = ipd_net(sock_net(skb->sk));
	u64 *cursor = (u64 *)cb->ctx, next;
	const struct ipd_sa *sa;
	void *header;

	rcu_read_lock();
	for (next = *cursor; (sa = ipd_sad_next(ipd, &next)); *cursor = next) {
		header = ipd_nl_dump_header(skb, cb, IPSECDRV_CMD_SA_GET,
					    ipd_net_generation(ipd));
		if (!header)
			break;
		if (ipd_sa_fill(skb, sa)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
	rcu_read_unlock();
	return skb->len;
}

int ipd_nl_sa_get_done(struct netlink_callback *cb)
{
	return 0;
}
