// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diagnostics of one namespace.
 *
 *   bit of the level     what is told
 *   1  IPD_DIAG_SUMMARY  packets that were not what their SPI, ICV or sequence number should be,
 *                        counted by reason and peer; one summary per log interval. Packets that
 *                        came in clear are not in it, nor is what filters and modes drop.
 *   2  IPD_DIAG_IN       a record of each inbound packet that is dropped
 *   4  IPD_DIAG_OUT      a record of each outbound packet that is dropped
 *
 * For instance, at level 3 a flood of forged ESP gives 200 records, then 100 a second, each of
 * which says how many packets before it have none; and at the end of the hour one summary: reason
 * bad-spi, peer 192.0.2.7, 81402 packets.
 *
 * Both go to the listeners of the multicast group "diag". Without a listener nothing is counted
 * or looked at. Only a startup mode, in which there is no agent yet, has the kernel log instead.
 *
 * What a record shows of a packet is what was on the wire: of inbound packets the first bytes, but
 * none when an association had its hands on it, since these may be in clear by then; of outbound
 * packets the headers that an ICMP error would quote, since the rest may be somebody's secret.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "decide.h"
#include "diag.h"
#include "filter.h"
#include "mode.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "sad.h"
#include "scope.h"
#include "tally.h"
#include "throttle.h"

#define LEVEL_MAX	7
#define INTERVAL_MIN	60
#define INTERVAL_MAX	86400

/* of a transport header; enough for ports, for ICMP's type and for an SPI */
#define QUOTED		8

static unsigned int level_parameter;
module_param_named(diag, level_parameter, uint, 0444);
MODULE_PARM_DESC(diag, "diagnostic level that the initial namespace starts with: 0 to 7");

static unsigned int interval_parameter = IPSECDRV_LOG_INTERVAL;
module_param_named(log_interval, interval_parameter, uint, 0444);
MODULE_PARM_DESC(log_interval, "seconds between summaries, likewise: 60 to 86400");

struct ipd_diag {
	struct ipd_net *ipd;
	u8 level;			/* READ_ONCE/WRITE_ONCE; cfg_mutex to write */
	u32 interval;			/* the same */
	spinlock_t lock;		/* a leaf; any context */
	struct ipd_throttle throttles[__IPSECDRV_DIRECTION_MAX];
	u8 current_tally;		/* the other one is the work's */
	struct ipd_tally tallies[2];
	u64 since;			/* when the current one got its first packet */
	struct delayed_work work;
};

/* reasons that are in the summary */
static const bool is_summed[__IPSECDRV_DROP_MAX] = {
	[IPSECDRV_DROP_BAD_SPI] = true,
	[IPSECDRV_DROP_SA_STATE] = true,
	[IPSECDRV_DROP_WRONG_SA] = true,
	[IPSECDRV_DROP_MALFORMED] = true,
	[IPSECDRV_DROP_REPLAY] = true,
	[IPSECDRV_DROP_INTEGRITY] = true,
	[IPSECDRV_DROP_SEQUENCE_OVERFLOW] = true,
	[IPSECDRV_DROP_CRYPTO] = true,
	[IPSECDRV_DROP_UDP_MISMATCH] = true,
};

static bool is_starting(const struct ipd_net *ipd)
{
	return ipd_mode_is_startup(READ_ONCE(ipd->mode));
}

/* --- what is known of a packet ------------------------------------------------------ */

static u8 family_of(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IPV6) ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

/* where the transport header is, from the network header on; the headers before it are good */
static int transport_offset(const struct sk_buff *skb, u8 family)
{
	int network = skb_network_offset(skb);
	u8 next;
	__be16 frag;

	if (family == NFPROTO_IPV4)
		return ip_hdr(skb)->ihl * 4;
	next = ipv6_hdr(skb)->nexthdr;
	return ipv6_skip_exthdr(skb, network + sizeof(struct ipv6hdr), &next, &frag) - network;
}

static __be32 read_spi(const struct sk_buff *skb, u8 protocol, int offset)
{
	__be32 _spi, *spi;

	if (protocol != IPPROTO_ESP && protocol != IPPROTO_AH)
		return 0;
	if (protocol == IPPROTO_AH)
		offset += 4;
	spi = skb_header_pointer(skb, skb_network_offset(skb) + offset, sizeof(_spi), &_spi);
	return spi ? *spi : 0;
}

/*
 * The filter whose packet it is. The association's, or the one that decides such a packet now: for
 * a packet under the wrong association it is the one that the association should have been for.
 */
static u32 find_filter_id(struct ipd_net *ipd, const struct ipd_sa *sa,
			  const struct ipd_diag_record *record)
{
	const struct ipd_filter *filter;

	if (sa && record->reason != IPSECDRV_DROP_WRONG_SA)
		return ipd_sa_filter_id(sa);
	if (!record->has_flow ||
	    ipd_mode_rule(READ_ONCE(ipd->mode), record->direction) != IPD_MODE_RULE_FILTER)
		return 0;
	filter = ipd_decide_filter(ipd, NULL, &record->flow);
	return IS_ERR_OR_NULL(filter) ? 0 : filter->id;
}

static void find_interface(const struct ipd_net *ipd, const struct sk_buff *skb,
			   struct ipd_diag_record *record)
{
	const struct net_device *dev = skb->dev;

	/* a packet that waits has only its route */
	if (!dev && skb_dst(skb))
		dev = skb_dst_dev(skb);
	if (!dev)
		return;
	record->interface = dev->ifindex;
	record->interface_name = dev->name;
	record->flow.scope = ipd_scope_of(ipd->net, dev);
}

static void describe(struct ipd_net *ipd, const struct sk_buff *skb, const struct ipd_sa *sa,
		     struct ipd_diag_record *record)
{
	unsigned int network = skb_network_offset(skb);
	/* what came out of a tunnel waits with a dst that is no route, and without its association */
	bool is_opened = sa || (skb_dst(skb) && !skb_valid_dst(skb));
	unsigned int most = record->direction == IPSECDRV_DIRECTION_IN && !is_opened ?
			    IPSECDRV_MAX_SHOWN : 0;
	int offset;

	record->time = ktime_get_real_ns();
	record->skb = skb;
	record->len = skb->len - network;
	find_interface(ipd, skb, record);
	record->filter_id = find_filter_id(ipd, sa, record);
	if (sa)
		record->spi = ipd_sa_spi(sa);
	if (record->has_flow) {
		offset = transport_offset(skb, record->flow.family);
		if (!sa && offset > 0)
			record->spi = read_spi(skb, record->flow.protocol, offset);
		if (record->direction == IPSECDRV_DIRECTION_OUT && offset > 0)
			most = offset + QUOTED;
	}
	record->shown = min3(most, record->len, (unsigned int)IPSECDRV_MAX_SHOWN);
}

/* --- records ------------------------------------------------------------------------ */

static bool may_record(struct ipd_diag *diag, struct ipd_diag_record *record)
{
	unsigned long flags;
	bool may;

	spin_lock_irqsave(&diag->lock, flags);
	may = ipd_throttle_take(&diag->throttles[record->direction], ktime_get_ns(),
				&record->left_out);
	spin_unlock_irqrestore(&diag->lock, flags);
	return may;
}

static void lose_record(struct ipd_diag *diag, const struct ipd_diag_record *record)
{
	unsigned long flags;

	spin_lock_irqsave(&diag->lock, flags);
	ipd_throttle_lose(&diag->throttles[record->direction], record->left_out);
	spin_unlock_irqrestore(&diag->lock, flags);
}

#define LOG_FORMAT "%s packet dropped: %s; interface %s, protocol %u, %u bytes, "

static void log_record(const struct ipd_diag_record *record)
{
	const struct ipd_flow *flow = &record->flow;
	bool out = record->direction == IPSECDRV_DIRECTION_OUT;
	const void *source = out ? &flow->local : &flow->remote;
	const void *destination = out ? &flow->remote : &flow->local;
	const char *way = out ? "outbound" : "inbound";
	const char *name = record->interface_name ?: "none";
	u16 source_port = ntohs(out ? flow->local_port : flow->remote_port);
	u16 destination_port = ntohs(out ? flow->remote_port : flow->local_port);

	if (flow->family == NFPROTO_IPV6)
		pr_notice(LOG_FORMAT "from %pI6c port %u to %pI6c port %u; %llu left out before\n",
			  way, ipd_drop_names[record->reason], name, flow->protocol, record->len,
			  source, source_port, destination, destination_port, record->left_out);
	else
		pr_notice(LOG_FORMAT "from %pI4 port %u to %pI4 port %u; %llu left out before\n",
			  way, ipd_drop_names[record->reason], name, flow->protocol, record->len,
			  source, source_port, destination, destination_port, record->left_out);
}

static void tell_record(struct ipd_diag *diag, struct ipd_diag_record *record,
			const struct sk_buff *skb, const struct ipd_sa *sa)
{
	describe(diag->ipd, skb, sa, record);
	if (!ipd_nl_event_drop(diag->ipd, record))
		return;
	if (is_starting(diag->ipd))
		log_record(record);
	else
		lose_record(diag, record);
}

/* --- summaries ---------------------------------------------------------------------- */

static void count(struct ipd_diag *diag, const struct ipd_diag_record *record,
		  const struct ipd_sa *sa)
{
	union nf_inet_addr peer = record->flow.remote;
	u8 family = record->has_flow ? record->flow.family : 0;
	struct ipd_tally *tally;
	unsigned long flags;
	bool is_first;

	if (sa)
		family = ipd_sa_peer(sa, &peer);
	spin_lock_irqsave(&diag->lock, flags);
	tally = &diag->tallies[diag->current_tally];
	is_first = !tally->is_used;
	if (is_first)
		diag->since = ktime_get_ns();
	ipd_tally_add(tally, record->reason, family, &peer);
	spin_unlock_irqrestore(&diag->lock, flags);
	/* an interval begins with its first packet: no packets, no work */
	if (is_first)
		schedule_delayed_work(&diag->work, READ_ONCE(diag->interval) * HZ);
}

static void log_summary(const struct ipd_tally *tally, u32 seconds)
{
	const struct ipd_tally_row *row;
	u8 reason;

	for (row = tally->slots; row < tally->slots + IPD_TALLY_SLOTS; row++) {
		if (!row->packets)
			continue;
		if (row->family == NFPROTO_IPV6)
			pr_notice("%llu packets of %pI6c dropped in %u seconds: %s\n", row->packets,
				  &row->peer, seconds, ipd_drop_names[row->reason]);
		else
			pr_notice("%llu packets of %pI4 dropped in %u seconds: %s\n", row->packets,
				  &row->peer, seconds, ipd_drop_names[row->reason]);
	}
	for (reason = 0; reason < __IPSECDRV_DROP_MAX; reason++)
		if (tally->others[reason])
			pr_notice("%llu packets of others dropped in %u seconds: %s\n",
				  tally->others[reason], seconds, ipd_drop_names[reason]);
}

static void tell_summary(struct ipd_diag *diag, const struct ipd_tally *tally, u32 seconds)
{
	if (ipd_nl_event_summary(diag->ipd, tally, seconds) && is_starting(diag->ipd))
		log_summary(tally, seconds);
}

static void summarise(struct work_struct *work)
{
	struct ipd_diag *diag = container_of(to_delayed_work(work), struct ipd_diag, work);
	struct ipd_tally *tally;
	u64 since;

	spin_lock_irq(&diag->lock);
	tally = &diag->tallies[diag->current_tally];
	diag->current_tally = !diag->current_tally;
	since = diag->since;
	spin_unlock_irq(&diag->lock);
	if (!tally->is_used)
		return;
	tell_summary(diag, tally, div_u64(ktime_get_ns() - since + NSEC_PER_SEC / 2, NSEC_PER_SEC));
	ipd_tally_init(tally);
}

/* --- a drop ------------------------------------------------------------------------- */

void ipd_diag_note(struct ipd_diag *diag, const struct sk_buff *skb, const struct ipd_sa *sa,
		   u8 direction, u8 reason)
{
	u8 level = READ_ONCE(diag->level);
	bool is_counted = (level & IPD_DIAG_SUMMARY) && is_summed[reason];
	bool is_recorded = level &
		(direction == IPSECDRV_DIRECTION_IN ? IPD_DIAG_IN : IPD_DIAG_OUT);
	struct ipd_diag_record record = { .direction = direction, .reason = reason };

	if (!is_counted && !is_recorded)
		return;
	rcu_read_lock();
	if (!ipd_nl_has_diag_listener(diag->ipd->net) && !is_starting(diag->ipd))
		goto out;
	is_recorded = is_recorded && may_record(diag, &record);
	if (!is_counted && !is_recorded)
		goto out;
	record.has_flow = !ipd_flow_parse(skb, family_of(skb), direction, &record.flow);
	if (is_counted)
		count(diag, &record, sa);
	if (is_recorded)
		tell_record(diag, &record, skb, sa);
out:
	rcu_read_unlock();
}

/* --- level and life ----------------------------------------------------------------- */

static struct ipd_diag *new_diag(struct ipd_net *ipd)
{
	struct ipd_diag *diag = kvzalloc(sizeof(*diag), GFP_KERNEL_ACCOUNT);

	if (!diag)
		return NULL;
	diag->ipd = ipd;
	spin_lock_init(&diag->lock);
	ipd_tally_init(&diag->tallies[0]);
	ipd_tally_init(&diag->tallies[1]);
	INIT_DELAYED_WORK(&diag->work, summarise);
	return diag;
}

int ipd_diag_set(struct ipd_net *ipd, u8 level, u32 interval)
{
	struct ipd_diag *diag = ipd->diag;

	/* what was never switched on costs no memory, and a drop one test */
	if (!diag && !level && interval == ipd_diag_interval(ipd))
		return 0;
	if (!diag)
		diag = new_diag(ipd);
	if (!diag)
		return -ENOMEM;
	WRITE_ONCE(diag->level, level);
	WRITE_ONCE(diag->interval, interval);
	/* pairs with the address dependency in ipd_drop_count() */
	smp_store_release(&ipd->diag, diag);
	if (cancel_delayed_work(&diag->work))
		schedule_delayed_work(&diag->work, 0);
	return 0;
}

u8 ipd_diag_level(const struct ipd_net *ipd)
{
	const struct ipd_diag *diag = READ_ONCE(ipd->diag);

	return diag ? READ_ONCE(diag->level) : 0;
}

u32 ipd_diag_interval(const struct ipd_net *ipd)
{
	const struct ipd_diag *diag = READ_ONCE(ipd->diag);

	return diag ? READ_ONCE(diag->interval) : IPSECDRV_LOG_INTERVAL;
}

int ipd_diag_start(struct ipd_net *ipd)
{
	if (!net_eq(ipd->net, &init_net))
		return 0;
	return ipd_diag_set(ipd, level_parameter, interval_parameter);
}

void ipd_diag_free(struct ipd_net *ipd)
{
	if (!ipd->diag)
		return;
	cancel_delayed_work_sync(&ipd->diag->work);
	kvfree(ipd->diag);
	ipd->diag = NULL;
}

int ipd_diag_init(void)
{
	if (level_parameter > LEVEL_MAX) {
		pr_err("diag=%u: a level from 0 to %u is expected\n", level_parameter,
		       LEVEL_MAX);
		return -EINVAL;
	}
	if (interval_parameter < INTERVAL_MIN || interval_parameter > INTERVAL_MAX) {
		pr_err("log_interval=%u: seconds from %u to %u are expected\n",
		       interval_parameter, INTERVAL_MIN, INTERVAL_MAX);
		return -EINVAL;
	}
	return 0;
}
