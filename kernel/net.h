/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct ipd_net: everything that the driver keeps for one network namespace.
 */
#ifndef IPD_NET_H
#define IPD_NET_H

#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/types.h>
#include <net/net_namespace.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_acquires;
struct ipd_drops;
struct ipd_filter_set;
struct ipd_flowcache;
struct ipd_sad;
struct ipd_transactions;

/*
 * cfg_mutex serialises every change; the packet path reads under RCU. Order of locks:
 * cfg_mutex > sa->lock > replay lock; acquire's lock is a leaf.
 */
struct ipd_net {
	struct net *net;
	u32 generation;				/* READ_ONCE/WRITE_ONCE; ipd_net_touch() */
	u8 mode;				/* enum ipsecdrv_mode; READ_ONCE/WRITE_ONCE */
	u8 exempt_level;			/* 0 to 3 */
	bool hooked;				/* cfg_mutex */
	bool pinned;				/* holds a module reference; cfg_mutex */
	bool leaving;				/* pre_exit ran */
	struct ipd_filter_set __rcu *filters;
	struct ipd_flowcache *flowcache;	/* there while hooked */
	struct ipd_sad *sad;
	struct ipd_acquires *acquires;
	struct ipd_drops __percpu *drops;
	struct ipd_transactions *transactions;
	struct percpu_ref in_flight;		/* packets that are out of the hook: async crypto, held */
	struct mutex cfg_mutex;
	u32 event_number;
};

int ipd_net_init(void);		/* registers the pernet operations */
void ipd_net_exit(void);

/* the driver's state of @net; never NULL while the module is loaded; RCU or a reference to @net */
struct ipd_net *ipd_net(const struct net *net);

/* the answer for some flow may have changed: every flow cache entry becomes invalid */
void ipd_net_touch(struct ipd_net *ipd);

#endif /* IPD_NET_H */
