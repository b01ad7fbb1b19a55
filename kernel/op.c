// SPDX-License-Identifier: GPL-2.0-only
/*
 * An op is all that one packet needs for one request of the crypto code: the request itself,
 * scatterlist, IV, digest, and what to go on with afterwards. It is larger than a stack frame may
 * be and must survive a request that ends later, so it comes from the heap; but not per packet.
 *
 * Every CPU keeps some ops. Who protects or checks a packet takes one, and gives it back when the
 * request ended at once, which is the rule: then it is always the same one. When the request goes
 * on asynchronously, the op goes with it, and the CPU takes another one for the next packet, or
 * makes it. An op that comes back to a CPU that has enough is freed, and one that is too small for
 * an association's request is replaced.
 *
 * Packets of a parallel association (parallel.c) go that way, too, whatever the crypto code does.
 *
 * A request that may end later holds what it needs: the namespace (in_flight), the association,
 * the devices, the route. All is taken before the request starts, since the callback may run on
 * another CPU before the starting call even returns. What comes of a request is the crypto API's
 * to say: -EINPROGRESS, and the callback owns op and packet; anything else, and they are still
 * the caller's. Requests never ask to be backlogged, so -EBUSY cannot mean both.
 */
#include "op.h"

#include "net.h"
#include "sa.h"

#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <net/dst.h>

/* what a CPU keeps: as many packets as come at a time, each with some KiB */
#define MAX_SPARE	32

struct spare_ops {
	struct ipd_op *first;
	unsigned int n;
};

static DEFINE_PER_CPU(struct spare_ops, spare_ops);

static struct ipd_op *take_spare(struct spare_ops *spare)
{
	struct ipd_op *op = spare->first;

	if (op) {
		spare->first = op->next;
		spare->n--;
	}
	return op;
}

void ipd_op_exit(void)
{
	struct ipd_op *op;
	int cpu;

	for_each_possible_cpu(cpu)
		while ((op = take_spare(per_cpu_ptr(&spare_ops, cpu))))
			kfree_sensitive(op);
}

struct ipd_op *ipd_op_get(unsigned int request_size)
{
	struct ipd_op *op = take_spare(this_cpu_ptr(&spare_ops));

	if (likely(op)) {
		if (likely(op->request_size >= request_size))
			return op;
		kfree_sensitive(op);
	}
	op = kmalloc(struct_size(op, request, request_size), GFP_ATOMIC);
	if (!op)
		return NULL;
	op->request_size = request_size;
	op->is_held = false;
	return op;
}

void ipd_op_put(struct ipd_op *op)
{
	struct spare_ops *spare = this_cpu_ptr(&spare_ops);

	op->skb = NULL;
	if (unlikely(spare->n == MAX_SPARE)) {
		kfree_sensitive(op);
		return;
	}
	op->next = spare->first;
	spare->first = op;
	spare->n++;
}

int ipd_op_hold(struct ipd_op *op, const struct nf_hook_state *state)
{
	op->is_held = false;
	if (!op->sa->crypto.is_async && !op->sa->parallel)
		return 0;
	if (skb_dst(op->skb) && !skb_dst_force(op->skb))
		return -EHOSTUNREACH;
	if (!percpu_ref_tryget_live(&op->ipd->in_flight))
		return -ESHUTDOWN;
	if (!ipd_sa_get(op->sa)) {
		percpu_ref_put(&op->ipd->in_flight);
		return -EKEYEXPIRED;
	}
	op->state = *state;
	op->dev = op->skb->dev;
	dev_hold(op->dev);
	dev_hold(op->state.in);
	dev_hold(op->state.out);
	op->is_held = true;
	return 0;
}

void ipd_op_release(struct ipd_op *op)
{
	if (!op->is_held)
		return;
	op->is_held = false;
	dev_put(op->state.out);
	dev_put(op->state.in);
	dev_put(op->dev);
	ipd_sa_put(op->sa);
	/* last: the namespace may go now, and the module at the end of the RCU section */
	percpu_ref_put(&op->ipd->in_flight);
}

/*
 * Makes room before the data at the expense of that behind it. The stack gives the packets of local
 * sockets room for link headers only, but what it allocates is rounded up, so there is mostly some
 * behind: moving the packet is cheaper than another buffer, which the kernel may also zero. Packets
 * with a link layer header were received, and have room in front.
 */
static bool move_back(struct sk_buff *skb, unsigned int head, unsigned int tail)
{
	unsigned int shift = round_up(head - skb_headroom(skb), 8);

	if (skb_mac_header_was_set(skb) || shift + tail > skb_tailroom(skb))
		return false;
	memmove(skb->data + shift, skb->data, skb->len);
	skb_reserve(skb, shift);
	skb_headers_offset_update(skb, shift);
	return true;
}

int ipd_op_own(struct ipd_op *op, unsigned int head, unsigned int tail)
{
	struct sk_buff *skb = op->skb;
	int more_head = head - skb_headroom(skb);
	int more_tail = skb->data_len + tail - (skb_end_pointer(skb) - skb_tail_pointer(skb));

	more_head = max(more_head, 0);
	more_tail = max(more_tail, 0);
	if (likely(!skb_cloned(skb) && !skb_is_nonlinear(skb) && !more_tail)) {
		if (!more_head || move_back(skb, head, tail))
			return 0;
	}
	this_cpu_inc(op->sa->sad->counters->copies[op->sa->params.direction]);
	if (!skb_frags_readable(skb))
		return -EIO;
	/* one allocation that has room for all that linearising brings */
	if ((skb_cloned(skb) || more_head || more_tail) &&
	    pskb_expand_head(skb, more_head, more_tail, GFP_ATOMIC))
		return -ENOMEM;
	return skb_linearize(skb) ? -ENOMEM : 0;
}

IPD_CRYPTO_CB(op_done)
{
	struct ipd_op *op = IPD_CRYPTO_CB_DATA();

	/* "out of the backlog, still under way" */
	if (err == -EINPROGRESS)
		return;
	rcu_read_lock();
	local_bh_disable();
	op->resume(op, ipd_op_crypto_error(err));
	local_bh_enable();
	rcu_read_unlock();
}

crypto_completion_t ipd_op_completion(void)
{
	return op_done;
}

int ipd_op_crypto_error(int err)
{
	switch (err) {
	case 0:
	case -EINPROGRESS:
	case -EBADMSG:
	case -ENOMEM:
		return err;
	default:
		return -EIO;
	}
}

u8 ipd_op_reason(int err)
{
	switch (err) {
	case -EPROTO:
		return IPSECDRV_DROP_MALFORMED;
	case -EBADMSG:
		return IPSECDRV_DROP_INTEGRITY;
	case -EALREADY:
		return IPSECDRV_DROP_REPLAY;
	case -EAGAIN:
		return IPSECDRV_DROP_FRAGMENT;
	case -EKEYEXPIRED:
		return IPSECDRV_DROP_SA_STATE;
	case -EOVERFLOW:
		return IPSECDRV_DROP_SEQUENCE_OVERFLOW;
	case -ENOMEM:
		return IPSECDRV_DROP_NO_MEMORY;
	case -EMSGSIZE:
		return IPSECDRV_DROP_TOO_BIG;
	case -ENOMSG:
		return IPSECDRV_DROP_DUMMY;
	case -ENODATA:
		return IPSECDRV_DROP_KEEPALIVE;
	case -ESHUTDOWN:
		return IPSECDRV_DROP_TEARDOWN;
	case -EHOSTUNREACH:
		return IPSECDRV_DROP_NO_ROUTE;
	case -ECOMM:
		return IPSECDRV_DROP_ECN;
	case -ENOBUFS:
		return IPSECDRV_DROP_PARALLEL_LIMIT;
	case -EACCES:
		return IPSECDRV_DROP_MODE_BLOCK;
	default:
		return IPSECDRV_DROP_CRYPTO;
	}
}

void ipd_op_count(const struct ipd_op *op)
{
	struct ipd_sad_counters __percpu *counters = op->sa->sad->counters;
	const int dir = op->sa->params.direction;

	if (op->sa->crypto.is_encrypting)
		this_cpu_add(counters->confidential[dir], op->payload);
	if (op->sa->crypto.is_authenticating)
		this_cpu_add(counters->authenticated[dir], op->payload);
	if (!ipd_sa_is_whole(op->sa))
		return;
	if (ipd_sa_is_tunnel(op->sa))
		this_cpu_add(counters->tunnel[dir], op->payload);
	else
		this_cpu_add(counters->transport[dir], op->payload);
}
