// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interface scope: on which interfaces a filter matches.
 *
 * A filter is for every interface, for those of a connection type, or for one interface, by name.
 * The search (filter.c) knows only equal bits, so what can be asked of an interface is put into 12
 * bits of the packet's key: its connection type, and a number if any filter names it. A filter
 * that asks for one of them has it in its mask. So scope costs tuples, as a port does, and
 * nothing per filter; and since the bits are in the key of the flow cache, too, a flow that
 * changes its interface is another flow.
 *
 * The device is the one that the IP layer sees: outbound that of the route, inbound the one that
 * the packet came in by. Of a bridge, a bond or a team it is the master, of a VLAN the VLAN device
 * and of a VRF the port. What comes out of a tunnel came in by the device of the outer packet;
 * what goes into a tunnel is judged by the route that the inner packet has.
 *
 * An example. Filter 1 is for ppp0, filter 2 for dial-up connections, filter 3 for all:
 *
 *	ppp0 is not there		"ppp0" has number 1 and index 0; nothing has its bits
 *	ppp0 comes, with index 7	index 7 has number 1: its packets have 1 and dial-up. 1 decides
 *	ppp0 is renamed to dsl0		index 7 has no number: its packets have dial-up. 2 decides
 *	eth0 is renamed to ppp0		index 2 has number 1: its packets have 1 and LAN. 1 decides
 *	eth0 goes, wg0 gets index 2	index 2 has no number: its packets have dial-up. 2 decides
 *
 * Filters follow the name. That a name moves to another device is one change of one table, which
 * is complete before the change is over for the administrator. Only registered devices have a
 * name here, and index, name and number are changed together under RTNL, so an index that is used
 * again finds nothing of its former owner.
 *
 * Readers take no lock. They may miss an interface that is moved while they look for it, or whose
 * neighbour is, and a miss would be the wrong answer: so they look again when there was a change.
 *
 * A number is given away again only when the filters that had it are gone, a grace period after
 * they were last in force; a packet that has the old meaning in its key is gone by then. The
 * reverse, a packet that knows no number yet and meets a filter with one, is what the grace
 * period after ipd_interface_get() is for.
 */
#include <linux/hash.h>
#include <linux/idr.h>
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <net/net_namespace.h>
#include <net/netns/hash.h>

#include "extack.h"
#include "scope.h"

#define BUCKET_BITS	8
#define BUCKETS		(1 << BUCKET_BITS)

static DEFINE_SPINLOCK(ipd_interfaces_lock);
static seqcount_spinlock_t ipd_interfaces_changes =
	SEQCNT_SPINLOCK_ZERO(ipd_interfaces_changes, &ipd_interfaces_lock);
static struct hlist_head ipd_interfaces_by_name[BUCKETS];
static struct hlist_head ipd_interfaces_by_index[BUCKETS];
static unsigned int ipd_interfaces __read_mostly;	/* how many */
static DEFINE_IDA(ipd_interface_numbers);

/* --- connection types --- */

/* a link to one peer, or into a cloud of peers, without a medium that others share */
static const unsigned short ipd_dialup_types[] = {
	ARPHRD_SLIP, ARPHRD_CSLIP, ARPHRD_SLIP6, ARPHRD_CSLIP6, ARPHRD_ADAPT, ARPHRD_X25,
	ARPHRD_PPP, ARPHRD_HDLC, ARPHRD_LAPB, ARPHRD_RAWHDLC, ARPHRD_RAWIP, ARPHRD_TUNNEL,
	ARPHRD_TUNNEL6, ARPHRD_FRAD, ARPHRD_SIT, ARPHRD_IPGRE, ARPHRD_IP6GRE, ARPHRD_NONE,
};

u8 ipd_scope_connection(unsigned short type)
{
	unsigned int i;

	if (likely(type == ARPHRD_ETHER))
		return IPSECDRV_CONNECTION_LAN;
	for (i = 0; i < ARRAY_SIZE(ipd_dialup_types); i++)
		if (type == ipd_dialup_types[i])
			return IPSECDRV_CONNECTION_DIALUP;
	return IPSECDRV_CONNECTION_LAN;
}

/* --- names and indices --- */

static struct hlist_head *name_bucket(const struct net *net, const char *name)
{
	return &ipd_interfaces_by_name[full_name_hash(net, name, strlen(name)) % BUCKETS];
}

static struct hlist_head *index_bucket(const struct net *net, int index)
{
	return &ipd_interfaces_by_index[hash_32(index ^ net_hash_mix(net), BUCKET_BITS)];
}

static struct ipd_interface *find_name(const struct net *net, const char *name)
{
	struct ipd_interface *interface;

	hlist_for_each_entry(interface, name_bucket(net, name), by_name)
		if (interface->net == net && !strcmp(interface->name, name))
			return interface;
	return NULL;
}

static struct ipd_interface *find_index(const struct net *net, int index)
{
	struct ipd_interface *interface;

	hlist_for_each_entry_rcu(interface, index_bucket(net, index), by_index,
				 lockdep_is_held(&ipd_interfaces_lock))
		if (interface->net == net && READ_ONCE(interface->index) == index)
			return interface;
	return NULL;
}

/* 0: it has no device any more; the lock is held */
static void set_index(struct ipd_interface *interface, int index)
{
	if (interface->index == index)
		return;
	write_seqcount_begin(&ipd_interfaces_changes);
	if (interface->index)
		hlist_del_rcu(&interface->by_index);
	WRITE_ONCE(interface->index, index);
	if (index)
		hlist_add_head_rcu(&interface->by_index, index_bucket(interface->net, index));
	write_seqcount_end(&ipd_interfaces_changes);
}

void ipd_scope_update(const struct net_device *dev, bool is_there)
{
	const struct net *net = dev_net(dev);
	struct ipd_interface *interface;

	spin_lock_bh(&ipd_interfaces_lock);
	interface = find_index(net, dev->ifindex);
	if (interface && (!is_there || strcmp(interface->name, dev->name)))
		set_index(interface, 0);
	interface = is_there ? find_name(net, dev->name) : NULL;
	if (interface)
		set_index(interface, dev->ifindex);
	spin_unlock_bh(&ipd_interfaces_lock);
}

/* --- life --- */

static struct ipd_interface *interface_new(const struct net *net, const char *name,
					   struct netlink_ext_ack *extack)
{
	struct ipd_interface *interface;
	int number;

	interface = kzalloc(sizeof(*interface), GFP_KERNEL_ACCOUNT);
	if (!interface)
		return ERR_PTR(-ENOMEM);
	number = ida_alloc_range(&ipd_interface_numbers, 1, IPSECDRV_MAX_INTERFACES, GFP_KERNEL);
	if (number < 0) {
		NL_SET_ERR_MSG_FMT(extack, "filters name more than %u interfaces",
				   IPSECDRV_MAX_INTERFACES);
		kfree(interface);
		return ERR_PTR(number);
	}
	interface->net = net;
	strscpy(interface->name, name, sizeof(interface->name));
	interface->number = number;
	refcount_set(&interface->refs, 1);
	return interface;
}

static void interface_free(struct ipd_interface *interface)
{
	ida_free(&ipd_interface_numbers, interface->number);
	kfree_rcu(interface, rcu);
}

/* The device, by its name proper, not by another that it has beside it: those move unseen. */
static int device_index(struct net *net, const char *name)
{
	const struct net_device *dev;
	int index;

	rcu_read_lock();
	dev = dev_get_by_name_rcu(net, name);
	index = dev && !strcmp(dev->name, name) ? dev->ifindex : 0;
	rcu_read_unlock();
	return index;
}

/* If the name moves at this moment, the update that waits for the lock says where. */
static void publish(struct ipd_interface *interface, struct net *net)
{
	int index = device_index(net, interface->name);
	struct ipd_interface *former = index ? find_index(net, index) : NULL;

	if (former)
		set_index(former, 0);
	hlist_add_head(&interface->by_name, name_bucket(net, interface->name));
	set_index(interface, index);
	WRITE_ONCE(ipd_interfaces, ipd_interfaces + 1);
}

/* the interface of this name with one more reference or, if there is none, @fresh as it is */
static struct ipd_interface *hold_name(struct net *net, const char *name,
				       struct ipd_interface *fresh)
{
	struct ipd_interface *interface;

	spin_lock_bh(&ipd_interfaces_lock);
	interface = find_name(net, name);
	if (interface)
		refcount_inc(&interface->refs);
	else if (fresh)
		publish(fresh, net);
	spin_unlock_bh(&ipd_interfaces_lock);
	return interface ?: fresh;
}

struct ipd_interface *ipd_interface_get(struct net *net, const char *name,
					struct netlink_ext_ack *extack)
{
	struct ipd_interface *fresh, *interface;

	if (!dev_valid_name(name)) {
		NL_SET_ERR_MSG(extack, "no interface can have such a name");
		return ERR_PTR(-EINVAL);
	}
	interface = hold_name(net, name, NULL);
	if (interface)
		return interface;
	fresh = interface_new(net, name, extack);
	if (IS_ERR(fresh))
		return fresh;
	interface = hold_name(net, name, fresh);
	if (interface != fresh)
		interface_free(fresh);
	return interface;
}

void ipd_interface_put(struct ipd_interface *interface)
{
	bool was_last;

	if (!interface)
		return;
	spin_lock_bh(&ipd_interfaces_lock);
	was_last = refcount_dec_and_test(&interface->refs);
	if (was_last) {
		hlist_del(&interface->by_name);
		set_index(interface, 0);
		WRITE_ONCE(ipd_interfaces, ipd_interfaces - 1);
	}
	spin_unlock_bh(&ipd_interfaces_lock);
	if (was_last)
		interface_free(interface);
}

/* --- packets --- */

static noinline u16 number_of(const struct net *net, int index)
{
	const struct ipd_interface *interface;
	unsigned int seq;
	u16 number;

	do {
		seq = read_seqcount_begin(&ipd_interfaces_changes);
		interface = find_index(net, index);
		number = interface ? interface->number : 0;
	} while (read_seqcount_retry(&ipd_interfaces_changes, seq));
	return number;
}

u16 ipd_scope_of(const struct net *net, const struct net_device *dev)
{
	u16 scope;

	if (!dev)
		return IPD_SCOPE_UNKNOWN;
	scope = ipd_scope_connection(dev->type);
	if (unlikely(READ_ONCE(ipd_interfaces)))
		scope |= number_of(net, dev->ifindex) << IPD_SCOPE_NUMBER_SHIFT;
	return scope;
}
