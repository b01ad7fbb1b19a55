/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interface scope: on which interfaces a filter matches. Theory of operation: scope.c.
 */
#ifndef IPD_SCOPE_H
#define IPD_SCOPE_H

#include <linux/build_bug.h>
#include <linux/if.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

struct net;
struct net_device;
struct netlink_ext_ack;

/*
 * What filters can ask of a packet's interface, in 12 bits: the connection type in the lower two
 * and, if filters name the interface, its number in the others. 0: the interface is not known.
 */
#define IPD_SCOPE_UNKNOWN	0
#define IPD_SCOPE_CONNECTION	0x003
#define IPD_SCOPE_NUMBER_SHIFT	2
#define IPD_SCOPE_NUMBER	0xffc

static_assert(IPD_SCOPE_NUMBER >> IPD_SCOPE_NUMBER_SHIFT >= IPSECDRV_MAX_INTERFACES);

/* A name that filters have, whether there is such a device or not. Counted; freed under RCU. */
struct ipd_interface {
	struct hlist_node by_name;
	struct hlist_node by_index;	/* while the device is there */
	const struct net *net;		/* never looked into, only compared */
	char name[IFNAMSIZ];
	int index;			/* of the device, or 0 */
	u16 number;			/* unique among those of all namespaces, and not 0 */
	refcount_t refs;
	struct rcu_head rcu;
};

/**
 * ipd_interface_get() - the interface of this name, with a reference
 * @net: the namespace
 * @name: as a device may have it; there need not be one
 * @extack: says why not
 *
 * Packets that are on their way do not know of a new one. So a grace period must pass before a
 * filter for it is in force. Process context.
 *
 * Return: the interface, or ERR_PTR(): -EINVAL, -ENOSPC, -ENOMEM.
 */
struct ipd_interface *ipd_interface_get(struct net *net, const char *name,
					struct netlink_ext_ack *extack);
/* after a grace period without filters for it; process or softirq context; NULL is fine */
void ipd_interface_put(struct ipd_interface *interface);

/* what filters can ask of @dev, which may be NULL; RCU */
u16 ipd_scope_of(const struct net *net, const struct net_device *dev);
/* LAN or dial-up, by hardware type (ARPHRD_*) */
u8 ipd_scope_connection(unsigned short type);

/* a device came, went, or has another name; RTNL */
void ipd_scope_update(const struct net_device *dev, bool is_there);

#endif /* IPD_SCOPE_H */
