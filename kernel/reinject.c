// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet that came out of a tunnel is another packet than the one that the stack was receiving:
 * of another family, perhaps, with other addresses, and part of a stream that GRO can join. So it
 * is received anew, from the device that the protected one came by, and passes the inbound hook a
 * second time. There it must be let pass without being judged as a clear one, and nothing that is
 * clear may be taken for it.
 *
 * Proof. The packet carries a reference to one object, that its namespace alone has and attaches
 * to nothing but packets that it has judged: a dst of the kind that says nothing about routing
 * (metadata_dst), which the stack carries through GRO, per-CPU queues and ip_rcv() up to the
 * routing decision, and of which the hook takes it off. The proof is the pointer: neither a
 * sender nor another user of metadata can have it. GRO joins only packets with the same. A clone
 * has it too, and is the same packet. What was in a queue when the namespace was unhooked and
 * hooked again has the proof of before, which is none.
 *
 * The association may be deleted while a packet of it waits: it was alive, and the packet was
 * judged, when the packet came.
 *
 * Queue. Each CPU has one, emptied by a NAPI context of ours, which does the GRO: bursts of the
 * wire stay bursts. Devices are not counted for packets in there; instead a device that leaves
 * has the queues emptied of its packets. After it is down, none is queued.
 */
#include "reinject.h"

#include "compat.h"
#include "drop.h"
#include "net.h"

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <net/dst_metadata.h>

/* packets that wait on one CPU, as many as the stack's own queues hold */
#define MAX_QUEUED	1000

struct cell {
	struct napi_struct napi;
	struct sk_buff_head queue;
};

static struct net_device *napi_device;
static struct cell __percpu *cells;

/* --- proof ----------------------------------------------------------------------- */

int ipd_reinject_open(struct ipd_net *ipd)
{
	ipd->proof = metadata_dst_alloc(0, METADATA_HW_PORT_MUX, GFP_KERNEL_ACCOUNT);
	return ipd->proof ? 0 : -ENOMEM;
}

void ipd_reinject_close(struct ipd_net *ipd)
{
	/* packets may still have it; the last one frees it (pitfall: not metadata_dst_free()) */
	dst_release(&ipd->proof->dst);
	ipd->proof = NULL;
}

bool ipd_reinject_has_proof(const struct ipd_net *ipd, const struct sk_buff *skb)
{
	const struct metadata_dst *proof = READ_ONCE(ipd->proof);

	return unlikely(skb_dst(skb)) && proof && skb_dst(skb) == &proof->dst;
}

/* --- queue ----------------------------------------------------------------------- */

/* what belongs to the packet that this one came out of */
static void scrub(struct sk_buff *skb)
{
	skb_orphan(skb);
	nf_reset_ct(skb);
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	skb_ext_del(skb, SKB_EXT_BRIDGE_NF);
#endif
	skb_clear_hash(skb);
	skb->pkt_type = PACKET_HOST;
}

int ipd_reinject(struct ipd_net *ipd, struct sk_buff *skb)
{
	struct metadata_dst *proof = READ_ONCE(ipd->proof);
	struct cell *cell;

	/* a packet of asynchronous crypto code may come after its device went down */
	if (!proof || !(READ_ONCE(skb->dev->flags) & IFF_UP))
		return -ESHUTDOWN;
	cell = this_cpu_ptr(cells);
	if (skb_queue_len_lockless(&cell->queue) >= MAX_QUEUED)
		return -ENOBUFS;
	scrub(skb);
	skb_dst_drop(skb);
	dst_hold(&proof->dst);
	skb_dst_set(skb, &proof->dst);
	skb_queue_tail(&cell->queue, skb);
	napi_schedule(&cell->napi);
	return 0;
}

static int poll_cell(struct napi_struct *napi, int budget)
{
	struct cell *cell = container_of(napi, struct cell, napi);
	struct sk_buff *skb;
	int done = 0;

	while (done < budget && (skb = skb_dequeue(&cell->queue))) {
		napi_gro_receive(napi, skb);
		done++;
	}
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

static void purge(struct cell *cell, const struct net_device *dev)
{
	struct sk_buff_head gone;
	struct sk_buff *skb, *next;

	__skb_queue_head_init(&gone);
	spin_lock_bh(&cell->queue.lock);
	skb_queue_walk_safe(&cell->queue, skb, next) {
		if (skb->dev != dev)
			continue;
		__skb_unlink(skb, &cell->queue);
		__skb_queue_tail(&gone, skb);
	}
	spin_unlock_bh(&cell->queue.lock);
	while ((skb = __skb_dequeue(&gone)))
		ipd_drop(ipd_net(dev_net(dev)), skb, NULL, IPSECDRV_DIRECTION_IN,
			 IPSECDRV_DROP_TEARDOWN);
}

void ipd_reinject_drop_device(const struct net_device *dev)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cell *cell = per_cpu_ptr(cells, cpu);

		/* what it had taken is up the stack when it is disabled, GRO's list included */
		napi_disable(&cell->napi);
		purge(cell, dev);
		napi_enable(&cell->napi);
		/* others may have tried to schedule it in between, in vain */
		if (skb_queue_empty_lockless(&cell->queue))
			continue;
		local_bh_disable();
		napi_schedule(&cell->napi);
		local_bh_enable();
	}
}

/* --- life ------------------------------------------------------------------------ */

int ipd_reinject_init(void)
{
	int cpu;

	napi_device = alloc_netdev_dummy(0);
	if (!napi_device)
		return -ENOMEM;
	cells = alloc_percpu(struct cell);
	if (!cells) {
		ipd_free_netdev_dummy(napi_device);
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu) {
		struct cell *cell = per_cpu_ptr(cells, cpu);

		skb_queue_head_init(&cell->queue);
		netif_napi_add(napi_device, &cell->napi, poll_cell);
		napi_enable(&cell->napi);
	}
	return 0;
}

void ipd_reinject_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cell *cell = per_cpu_ptr(cells, cpu);

		napi_disable(&cell->napi);
		__netif_napi_del(&cell->napi);
		skb_queue_purge(&cell->queue);
	}
	/* the stack finds NAPI contexts by number, under RCU */
	synchronize_net();
	free_percpu(cells);
	ipd_free_netdev_dummy(napi_device);
}
