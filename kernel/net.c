// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root object and its life.
 *
 *   init      allocate; permit mode, no hooks: a namespace that does not use IPsec pays nothing.
 *             The initial namespace is in its startup mode before the module's init returns
 *   pre_exit  hooks off, no new packet leaves the hooks' RCU section, works stopped
 *   (core)    a grace period
 *   exit      wait for packets in flight, then free
 *
 * Unloading the module runs pre_exit and exit for every namespace.
 */
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/rtnetlink.h>
#include <linux/spinlock.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/netns/generic.h>

#include "acquire.h"
#include "compat.h"
#include "diag.h"
#include "drop.h"
#include "exempt.h"
#include "filter.h"
#include "flow.h"
#include "hook.h"
#include "mode.h"
#include "net.h"
#include "netlink.h"
#include "param.h"
#include "reinject.h"
#include "sad.h"
#include "scope.h"
#include "startup.h"
#include "trace.h"

static unsigned int ipd_net_id __read_mostly;

/* writers of generations; rare, so one lock will do */
static DEFINE_SPINLOCK(ipd_generation_lock);

struct ipd_net *ipd_net(const struct net *net)
{
	return net_generic(net, ipd_net_id);
}

void ipd_net_touch(struct ipd_net *ipd)
{
	unsigned long flags;

	spin_lock_irqsave(&ipd_generation_lock, flags);
	/* after what the caller published; pairs with the acquire in ipd_net_generation() */
	smp_store_release(&ipd->generation, ipd->generation + 1);
	spin_unlock_irqrestore(&ipd_generation_lock, flags);
}

/* --- modes ----------------------------------------------------------------------- */

static bool every_filter(u32 filter_id, void *data)
{
	return true;
}

static int enter_protection(struct ipd_net *ipd, struct netlink_ext_ack *extack)
{
	int err;

	if (!ipd->pinned) {
		if (!try_module_get(THIS_MODULE)) {
			NL_SET_ERR_MSG(extack, "the driver is being unloaded");
			return -ESHUTDOWN;
		}
		ipd->pinned = true;
	}
	if (ipd->hooked)
		return 0;
	err = ipd_hook_register(ipd);
	if (err)
		NL_SET_ERR_MSG(extack, "the driver's hooks cannot be registered");
	return err;
}

/* after the mode is a permitting one, or when it never became another */
static void leave_protection(struct ipd_net *ipd)
{
	if (ipd->hooked)
		ipd_hook_unregister(ipd);
	if (ipd->pinned) {
		ipd->pinned = false;
		/* the caller is in a netlink or namespace operation, which unloading waits for */
		module_put(THIS_MODULE);
	}
}

int ipd_net_set_mode(struct ipd_net *ipd, u8 mode, struct netlink_ext_ack *extack)
{
	u8 old = ipd->mode;
	int err;

	lockdep_assert_held(&ipd->cfg_mutex);
	if (ipd_mode_is_startup(mode)) {
		NL_SET_ERR_MSG_FMT(extack, "mode %s: only the driver starts in it",
				   ipd_mode_name(mode));
		return -EINVAL;
	}
	if (mode == old)
		return 0;
	if (ipd_mode_is_protecting(mode)) {
		err = enter_protection(ipd, extack);
		if (err) {
			if (!ipd_mode_is_protecting(old))
				leave_protection(ipd);
			return err;
		}
	}
	WRITE_ONCE(ipd->mode, mode);
	ipd_net_touch(ipd);
	if (ipd_mode_is_protecting(mode))
		synchronize_net();	/* what was judged by the old mode is out of the stack */
	else
		leave_protection(ipd);
	if (ipd_mode_is_startup(old))
		ipd_startup_end(ipd);
	/* what waits is judged by the new mode */
	ipd_acquire_prune(ipd, every_filter, NULL);
	trace_ipd_mode(ipd->net, old, mode);
	ipd_nl_event_mode(ipd);
	return 0;
}

/*
 * The mode is there before the hooks: the first packet that meets one is judged by it. The module
 * is in use from the start, as in every mode that protects; who unloaded it would let packets
 * pass that the administrator said should not. The first operational mode ends this.
 */
static int enter_startup(struct ipd_net *ipd)
{
	int err = 0;

	mutex_lock(&ipd->cfg_mutex);
	if (ipd_mode_is_protecting(ipd->mode))
		err = ipd_startup_begin(ipd) ?: enter_protection(ipd, NULL);
	mutex_unlock(&ipd->cfg_mutex);
	return err;
}

/* --- changes around us ------------------------------------------------------------- */

/* "me" changed: the answer for any flow may have */
static int on_inetaddr(struct notifier_block *block, unsigned long event, void *data)
{
	const struct in_ifaddr *addr = data;

	ipd_net_touch(ipd_net(dev_net(addr->ifa_dev->dev)));
	return NOTIFY_DONE;
}

static int on_inet6addr(struct notifier_block *block, unsigned long event, void *data)
{
	const struct inet6_ifaddr *addr = data;

	ipd_net_touch(ipd_net(dev_net(addr->idev->dev)));
	return NOTIFY_DONE;
}

static int on_netdevice(struct notifier_block *block, unsigned long event, void *data)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(data);

	/* also for the devices that are there when the notifier comes and goes */
	if (netif_is_l3_master(dev) && event == NETDEV_REGISTER)
		ipd_flow_count_vrfs(1);
	if (netif_is_l3_master(dev) && event == NETDEV_UNREGISTER)
		ipd_flow_count_vrfs(-1);
	if (event == NETDEV_REGISTER || event == NETDEV_CHANGENAME)
		ipd_scope_update(dev, true);
	if (event == NETDEV_UNREGISTER) {
		ipd_scope_update(dev, false);
		ipd_acquire_drop_device(ipd_net(dev_net(dev)), dev);
		ipd_reinject_drop_device(dev);
	}
	return NOTIFY_DONE;
}

static struct notifier_block ipd_inetaddr_notifier = { .notifier_call = on_inetaddr };
static struct notifier_block ipd_inet6addr_notifier = { .notifier_call = on_inet6addr };
static struct notifier_block ipd_netdevice_notifier = { .notifier_call = on_netdevice };

/* --- namespaces -------------------------------------------------------------------- */

static void on_in_flight_zero(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct ipd_net, in_flight)->in_flight_done);
}

static void set_initial_mode(struct ipd_net *ipd)
{
	if (!net_eq(ipd->net, &init_net)) {
		ipd->startup_mode = IPSECDRV_MODE_PERMIT;
		ipd->exempt_level = IPD_EXEMPT_LEVEL_DEFAULT;
	} else {
		ipd->startup_mode = ipd_params.startup_mode;
		ipd->exempt_level = ipd_params.exempt_level;
		ipd->boot_exempts = ipd_params.boot_exempts;
	}
	ipd->mode = ipd->startup_mode;
}

static int __net_init ipd_net_start(struct net *net)
{
	struct ipd_net *ipd = ipd_net(net);
	struct ipd_filter_set *filters;
	int err = -ENOMEM;

	ipd->net = net;
	ipd->generation = 1;
	ipd->filter_changes = 1;
	set_initial_mode(ipd);
	mutex_init(&ipd->cfg_mutex);
	mutex_init(&ipd->event_mutex);
	init_completion(&ipd->in_flight_done);
	ipd->drops = alloc_percpu_gfp(struct ipd_drops, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!ipd->drops)
		return err;
	if (ipd_diag_start(ipd))
		goto err_drops;
	filters = ipd_filter_set_new();
	if (!filters)
		goto err_diag;
	RCU_INIT_POINTER(ipd->filters, filters);
	ipd->acquires = ipd_acquires_new(ipd);
	if (!ipd->acquires)
		goto err_filters;
	ipd->sad = ipd_sad_new(ipd);
	if (!ipd->sad)
		goto err_acquires;
	err = ipd_nl_net_init(ipd);
	if (err)
		goto err_sad;
	err = percpu_ref_init(&ipd->in_flight, on_in_flight_zero, 0, GFP_KERNEL);
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	ipd_nl_net_exit(ipd);
err_sad:
	ipd_sad_stop(ipd->sad);
	ipd_sad_free(ipd->sad);
err_acquires:
	ipd_acquires_free(ipd->acquires);
err_filters:
	ipd_filter_set_free(filters);
err_diag:
	ipd_diag_free(ipd);
err_drops:
	free_percpu(ipd->drops);
	return err;
}

static void __net_exit ipd_net_stop(struct net *net)
{
	struct ipd_net *ipd = ipd_net(net);

	mutex_lock(&ipd->cfg_mutex);
	ipd->leaving = true;
	leave_protection(ipd);
	mutex_unlock(&ipd->cfg_mutex);
	percpu_ref_kill(&ipd->in_flight);
	ipd_acquires_stop(ipd->acquires);
	ipd_sad_stop(ipd->sad);
}

static void __net_exit ipd_net_finish(struct net *net)
{
	struct ipd_net *ipd = ipd_net(net);

	wait_for_completion(&ipd->in_flight_done);
	percpu_ref_exit(&ipd->in_flight);
	ipd_nl_net_exit(ipd);
	ipd_startup_end(ipd);
	ipd_sad_free(ipd->sad);
	ipd_acquires_free(ipd->acquires);
	ipd_filter_set_free(rcu_dereference_protected(ipd->filters, true));
	ipd_diag_free(ipd);
	free_percpu(ipd->drops);
}

static struct pernet_operations ipd_net_ops = {
	.init = ipd_net_start,
	.pre_exit = ipd_net_stop,
	.exit = ipd_net_finish,
	.id = &ipd_net_id,
	.size = sizeof(struct ipd_net),
};

int ipd_net_init(void)
{
	int err;

	err = register_pernet_subsys(&ipd_net_ops);
	if (err)
		return err;
	err = register_netdevice_notifier(&ipd_netdevice_notifier);
	if (err)
		goto err_pernet;
	err = register_inetaddr_notifier(&ipd_inetaddr_notifier);
	if (err)
		goto err_netdevice;
	err = register_inet6addr_notifier(&ipd_inet6addr_notifier);
	if (err)
		goto err_inetaddr;
	err = enter_startup(ipd_net(&init_net));
	if (err)
		goto err_inet6addr;
	return 0;

err_inet6addr:
	unregister_inet6addr_notifier(&ipd_inet6addr_notifier);
err_inetaddr:
	unregister_inetaddr_notifier(&ipd_inetaddr_notifier);
err_netdevice:
	unregister_netdevice_notifier(&ipd_netdevice_notifier);
err_pernet:
	unregister_pernet_subsys(&ipd_net_ops);
	return err;
}

void ipd_net_exit(void)
{
	unregister_inet6addr_notifier(&ipd_inet6addr_notifier);
	unregister_inetaddr_notifier(&ipd_inetaddr_notifier);
	unregister_netdevice_notifier(&ipd_netdevice_notifier);
	unregister_pernet_subsys(&ipd_net_ops);
}
