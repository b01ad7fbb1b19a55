/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what the driver dropped, asked for, installed, and its mode.
 * perf record -e 'ipsecdrv:*', or /sys/kernel/tracing/events/ipsecdrv/.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ipsecdrv

#if !defined(IPD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IPD_TRACE_H

#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

#include "acquire.h"
#include "flow.h"
#include "netlink_gen.h"
#include "sad.h"

#define IPD_MODE_SYMBOLS \
	{ IPSECDRV_MODE_PERMIT, "permit" }, \
	{ IPSECDRV_MODE_SECURE, "secure" }, \
	{ IPSECDRV_MODE_BLOCK, "block" }, \
	{ IPSECDRV_MODE_STARTUP_PERMIT, "startup-permit" }, \
	{ IPSECDRV_MODE_STARTUP_STATEFUL, "startup-stateful" }, \
	{ IPSECDRV_MODE_STARTUP_BLOCK, "startup-block" }

#define IPD_ACQUIRE_SYMBOLS \
	{ IPD_ACQUIRE_NONE, "none" }, \
	{ IPD_ACQUIRE_LARVAL, "larval" }, \
	{ IPD_ACQUIRE_MATURE, "mature" }, \
	{ IPD_ACQUIRE_FAILED, "failed" }, \
	{ IPD_ACQUIRE_SOFT, "soft" }

#define IPD_DIRECTION_SYMBOLS \
	{ IPSECDRV_DIRECTION_OUT, "out" }, \
	{ IPSECDRV_DIRECTION_IN, "in" }

TRACE_EVENT(ipd_drop,
	TP_PROTO(const struct net *net, const struct sk_buff *skb, const struct ipd_flow *flow,
		 u8 reason),
	TP_ARGS(net, skb, flow, reason),
	TP_STRUCT__entry(
		__field(unsigned int, inum)
		__field(const void *, skb)
		__field(unsigned int, len)
		__field(u16, local_port)
		__field(u16, remote_port)
		__field(u8, direction)
		__field(u8, family)
		__field(u8, protocol)
		__field(u8, reason)
		__array(u8, local, 16)
		__array(u8, remote, 16)
	),
	TP_fast_assign(
		__entry->inum = net->ns.inum;
		__entry->skb = skb;
		__entry->len = skb->len;
		__entry->local_port = ntohs(flow->local_port);
		__entry->remote_port = ntohs(flow->remote_port);
		__entry->direction = flow->direction;
		__entry->family = flow->family;
		__entry->protocol = flow->protocol;
		__entry->reason = reason;
		memcpy(__entry->local, &flow->local, sizeof(__entry->local));
		memcpy(__entry->remote, &flow->remote, sizeof(__entry->remote));
	),
	TP_printk("net=%u %s reason=%s skb=%p len=%u family=%u protocol=%u local=%16phN port=%u remote=%16phN port=%u",
		  __entry->inum, __print_symbolic(__entry->direction, IPD_DIRECTION_SYMBOLS),
		  __print_symbolic(__entry->reason, IPD_DROP_SYMBOLS), __entry->skb,
		  __entry->len, __entry->family, __entry->protocol,
		  __entry->local, __entry->local_port, __entry->remote, __entry->remote_port)
);

TRACE_EVENT(ipd_acquire,
	TP_PROTO(const struct net *net, u32 id, u32 filter_id,
		 const struct ipd_selector *selector, u8 state),
	TP_ARGS(net, id, filter_id, selector, state),
	TP_STRUCT__entry(
		__field(unsigned int, inum)
		__field(u32, id)
		__field(u32, filter_id)
		__field(u8, family)
		__field(u8, state)
		__array(u8, local, 16)
		__array(u8, remote, 16)
	),
	TP_fast_assign(
		__entry->inum = net->ns.inum;
		__entry->id = id;
		__entry->filter_id = filter_id;
		__entry->family = selector->family;
		__entry->state = state;
		memcpy(__entry->local, &selector->local, sizeof(__entry->local));
		memcpy(__entry->remote, &selector->remote, sizeof(__entry->remote));
	),
	TP_printk("net=%u acquire=%u filter=%u family=%u local=%16phN remote=%16phN state=%s",
		  __entry->inum, __entry->id, __entry->filter_id, __entry->family,
		  __entry->local, __entry->remote,
		  __print_symbolic(__entry->state, IPD_ACQUIRE_SYMBOLS))
);

TRACE_EVENT(ipd_mode,
	TP_PROTO(const struct net *net, u8 from, u8 to),
	TP_ARGS(net, from, to),
	TP_STRUCT__entry(
		__field(unsigned int, inum)
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		__entry->inum = net->ns.inum;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("net=%u %s -> %s", __entry->inum,
		  __print_symbolic(__entry->from, IPD_MODE_SYMBOLS),
		  __print_symbolic(__entry->to, IPD_MODE_SYMBOLS))
);

TRACE_EVENT(ipd_sa_install,
	TP_PROTO(const struct net *net, const struct ipd_sa_config *config),
	TP_ARGS(net, config),
	TP_STRUCT__entry(
		__field(unsigned int, inum)
		__field(u32, spi)
		__field(u32, filter_id)
		__field(u8, protection)
		__field(u8, direction)
		__field(u8, family)
		__array(u8, local, 16)
		__array(u8, remote, 16)
	),
	TP_fast_assign(
		__entry->inum = net->ns.inum;
		__entry->spi = ntohl(config->spi);
		__entry->filter_id = config->filter_id;
		__entry->protection = config->protection;
		__entry->direction = config->direction;
		__entry->family = config->family;
		memcpy(__entry->local, &config->local, sizeof(__entry->local));
		memcpy(__entry->remote, &config->remote, sizeof(__entry->remote));
	),
	TP_printk("net=%u %s %s spi=%08x filter=%u family=%u local=%16phN remote=%16phN",
		  __entry->inum,
		  __print_symbolic(__entry->protection,
				   { IPSECDRV_PROTECTION_ESP, "esp" },
				   { IPSECDRV_PROTECTION_AH, "ah" }),
		  __print_symbolic(__entry->direction, IPD_DIRECTION_SYMBOLS),
		  __entry->spi, __entry->filter_id, __entry->family,
		  __entry->local, __entry->remote)
);

#endif /* IPD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
