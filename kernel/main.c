// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: everything started in order, stopped in reverse.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "acquire.h"
#include "diag.h"
#include "filter.h"
#include "net.h"
#include "netlink.h"
#include "reinject.h"
#include "sad.h"

static int __init ipd_init(void)
{
	int err;

	err = ipd_diag_init();
	if (err)
		return err;
	err = ipd_filter_init();
	if (err)
		return err;
	err = ipd_acquire_init();
	if (err)
		goto err_filter;
	err = ipd_sad_init();
	if (err)
		goto err_acquire;
	err = ipd_reinject_init();
	if (err)
		goto err_sad;
	err = ipd_net_init();
	if (err)
		goto err_reinject;
	/* last: from here on there are requests */
	err = ipd_nl_init();
	if (err)
		goto err_net;
	return 0;

err_net:
	ipd_net_exit();
err_reinject:
	ipd_reinject_exit();
err_sad:
	ipd_sad_exit();
err_acquire:
	ipd_acquire_exit();
err_filter:
	ipd_filter_exit();
	return err;
}

static void __exit ipd_exit(void)
{
	ipd_nl_exit();
	ipd_net_exit();
	ipd_reinject_exit();
	ipd_sad_exit();
	ipd_acquire_exit();
	ipd_filter_exit();
	/* callbacks of ours that are still queued run module text */
	rcu_barrier();
}

module_init(ipd_init);
module_exit(ipd_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(IPD_VERSION);
MODULE_DESCRIPTION("IPsec policy driver: filters and security associations");
MODULE_ALIAS_GENL_FAMILY("ipsecdrv");
