/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct ipd_net: everything that the driver keeps for one network namespace.
 */
#ifndef IPD_NET_H
#define IPD_NET_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/types.h>
#include <net/net_namespace.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_acquires;
struct ipd_boot_exempts;
struct ipd_diag;
struct ipd_drops;
struct ipd_filter_set;
struct ipd_flowcache;
struct ipd_sad;
struct ipd_stateful;
struct ipd_transactions;
struct metadata_dst;
struct netlink_ext_ack;

/*
 * cfg_mutex serialises every change; the packet path reads under RCU. Order of locks:
 * cfg_mutex > event_mutex; cfg_mutex > sa->parallel->lock > sa->lock > replay lock; the locks of
 * acquire and diag are leaves.
 */
struct ipd_net {
	struct net *net;
	u32 generation;				/* ipd_net_generation(), ipd_net_touch() */
	u8 mode;				/* enum ipsecdrv_mode; READ_ONCE/WRITE_ONCE */
	u8 exempt_level;			/* 0 to 3; READ_ONCE/WRITE_ONCE */
	u8 startup_mode;			/* the mode that the namespace began in */
	bool hooked;				/* cfg_mutex */
	bool pinned;				/* holds a module reference; cfg_mutex */
	bool leaving;				/* pre_exit ran; cfg_mutex */
	struct ipd_filter_set __rcu *filters;	/* never NULL */
	u32 filter_changes;			/* counts replacements of filters; READ_ONCE/WRITE_ONCE */
	const struct ipd_boot_exempts *boot_exempts;	/* of startup modes; NULL is none */
	struct ipd_stateful __rcu *stateful;	/* there while a startup mode protects */
	struct ipd_flowcache *flowcache;	/* there while hooked */
	struct metadata_dst *proof;		/* there while hooked: reinject.c; READ_ONCE */
	struct ipd_sad *sad;
	struct ipd_acquires *acquires;
	struct ipd_drops __percpu *drops;
	struct ipd_diag *diag;			/* NULL until it was switched on once */
	struct ipd_transactions *transactions;
	struct percpu_ref in_flight;		/* packets that are out of the hook */
	struct completion in_flight_done;
	struct mutex cfg_mutex;
	struct mutex event_mutex;		/* numbers events and keeps them in order */
	u32 event_number;			/* of the last event; event_mutex to write */
	atomic64_t events_lost;
};

/* registers the pernet operations and, in the initial namespace, enters the startup mode */
int ipd_net_init(void);
void ipd_net_exit(void);

/* the driver's state of @net; never NULL while the module is loaded; RCU or a reference to @net */
struct ipd_net *ipd_net(const struct net *net);

/*
 * The generation is read before anything that is to be remembered under it. Touching it says that
 * the answer for some flow may have changed: every flow cache entry becomes invalid. It comes
 * after the change was published and before what was replaced is freed. Any context.
 */
static inline u32 ipd_net_generation(const struct ipd_net *ipd)
{
	/* pairs with the release in ipd_net_touch() */
	return smp_load_acquire(&ipd->generation);
}

void ipd_net_touch(struct ipd_net *ipd);

/**
 * ipd_net_set_mode() - change the mode, with all that hangs on it
 * @ipd: the namespace; holds cfg_mutex, process context
 * @mode: an operational mode
 * @extack: says why not
 *
 * On return every packet is judged by the new mode. Permit unhooks the driver. The first
 * operational mode ends the startup mode, and all that it remembers is thrown away.
 */
int __must_check ipd_net_set_mode(struct ipd_net *ipd, u8 mode, struct netlink_ext_ack *extack);

#endif /* IPD_NET_H */
