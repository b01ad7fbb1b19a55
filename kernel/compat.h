/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, Linux 6.1 to 7.2; no other file knows of any.
 *
 * The driver is written against the newest interface, and this file supplies it on older kernels.
 * compat_detect.sh looks for each feature in the target's headers and defines IPD_HAVE_*: version
 * numbers would be wrong, since distributions carry features back.
 */
#ifndef IPD_COMPAT_H
#define IPD_COMPAT_H

#include <linux/crypto.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/netlink.h>

#include "extack.h"	/* NL_SET_ERR_MSG_FMT() before 6.3 */

#if !IS_ENABLED(CONFIG_IPV6) || !IS_ENABLED(CONFIG_NETFILTER)
#error "ipsecdrv needs CONFIG_NETFILTER and CONFIG_IPV6"
#endif

/* skb_gso_segment() left linux/netdevice.h in 6.5 */
#ifdef IPD_HAVE_NET_GSO_H
#include <net/gso.h>
#endif

/* crypto_memneq() and crypto_xor() left crypto/algapi.h in 6.5 */
#ifdef IPD_HAVE_CRYPTO_UTILS_H
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

/* hex2bin() has a header of its own, which linux/kernel.h of newer kernels does not include. */
#ifdef IPD_HAVE_LINUX_HEX_H
#include <linux/hex.h>
#else
#include <linux/kernel.h>
#endif

/* asm/unaligned.h became linux/unaligned.h in 6.12 */
#ifdef IPD_HAVE_LINUX_UNALIGNED_H
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/* Completions of crypto requests got their data, instead of the request, in 6.3. */
#ifdef IPD_HAVE_CRYPTO_CB_DATA
#define IPD_CRYPTO_CB(name) static void name(void *ipd_cb_data, int err)
#define IPD_CRYPTO_CB_DATA() (ipd_cb_data)
#else
#define IPD_CRYPTO_CB(name) static void name(struct crypto_async_request *ipd_cb_req, int err)
#define IPD_CRYPTO_CB_DATA() (ipd_cb_req->data)
#endif

/* On newer kernels an asynchronous hash needs a synchronous one, unless it says otherwise. */
#ifndef CRYPTO_ALG_NO_FALLBACK
#define CRYPTO_ALG_NO_FALLBACK 0
#endif

/* from_timer() was renamed in 6.16 */
#ifndef IPD_HAVE_TIMER_CONTAINER_OF
#define timer_container_of(var, timer, field) from_timer(var, timer, field)
#endif

/* 6.2 */
#ifndef IPD_HAVE_TIMER_SHUTDOWN
#define timer_shutdown_sync(timer) del_timer_sync(timer)
#endif

/* 6.13 */
#ifndef IPD_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

/* flowi4_tos became a dscp_t in 6.18 */
#ifdef IPD_HAVE_FLOWI4_DSCP
#define ipd_flowi4_set_tos(fl4, tos) ((fl4)->flowi4_dscp = inet_dsfield_to_dscp(tos))
#else
#define ipd_flowi4_set_tos(fl4, tos) ((fl4)->flowi4_tos = RT_TOS(tos))
#endif

/* queues without it warn since 6.17 */
#ifndef IPD_HAVE_WQ_PERCPU
#define WQ_PERCPU 0
#endif

/* after 6.1 */
#ifndef IPD_HAVE_SKB_RESET_CSUM
static inline void skb_reset_csum_not_inet(struct sk_buff *skb)
{
	skb->ip_summed = CHECKSUM_NONE;
#if IS_ENABLED(CONFIG_IP_SCTP)
	skb->csum_not_inet = 0;
#endif
}
#endif

/* 6.12: fragments in a device's memory, which the CPU cannot read */
#ifndef IPD_HAVE_SKB_READABLE
static inline bool skb_frags_readable(const struct sk_buff *skb)
{
	return true;
}
#endif

/* 6.17 */
#ifndef IPD_HAVE_SKB_DST_DEV
#define skb_dst_dev(skb) (skb_dst(skb)->dev)
#endif

#ifndef IPD_HAVE_DST_DEV
#define dst_dev(dst) ((dst)->dev)
#endif

/* 6.10 */
#ifdef IPD_HAVE_NETDEV_DUMMY
#define ipd_free_netdev_dummy(dev) free_netdev(dev)
#else
static inline struct net_device *alloc_netdev_dummy(int private_size)
{
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
}
#define ipd_free_netdev_dummy(dev) kfree(dev)
#endif

/* 6.10 */
#ifndef IPD_HAVE_DST_RT6_INFO
#define dst_rt6_info(dst) ((struct rt6_info *)(dst))
#endif

/* 6.13 */
#ifndef IPD_HAVE_NLA_GET_DEFAULT
static inline u8 nla_get_u8_default(const struct nlattr *attr, u8 value)
{
	return attr ? nla_get_u8(attr) : value;
}

static inline u32 nla_get_u32_default(const struct nlattr *attr, u32 value)
{
	return attr ? nla_get_u32(attr) : value;
}

static inline u64 nla_get_u64_default(const struct nlattr *attr, u64 value)
{
	return attr ? nla_get_u64(attr) : value;
}

static inline __be16 nla_get_be16_default(const struct nlattr *attr, __be16 value)
{
	return attr ? nla_get_be16(attr) : value;
}

static inline __be32 nla_get_be32_default(const struct nlattr *attr, __be32 value)
{
	return attr ? nla_get_be32(attr) : value;
}
#endif

/* exported since ipv6_stub went, in 7.1 */
#ifdef IPD_HAVE_NF_IPV6_OPS
#define ipd_ip6_fragment(net, sk, skb, output)					\
({										\
	const struct nf_ipv6_ops *__ops = nf_get_ipv6_ops();			\
										\
	__ops ? __ops->fragment(net, sk, skb, output) : -EAFNOSUPPORT;		\
})
#else
#define ipd_ip6_fragment ip6_fragment
#endif

#endif /* IPD_COMPAT_H */
