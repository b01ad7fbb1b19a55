/* SPDX-License-Identifier: MIT */
#ifndef NL_KERNEL_GENL_H
#define NL_KERNEL_GENL_H

#include <stddef.h>

#include "nl/kernel.h"

/*
 * The driver of the network namespace that the caller is in, over generic netlink. One socket for
 * requests and one for events, so that an event never stands between a request and its answer.
 *
 * 0 or -errno with a sentence in @why: -ENOENT when the driver is not loaded, -EPERM.
 */
int kernel_genl_open(struct kernel **ret_kernel, char why[static KERNEL_WHY_LEN]);

#endif /* NL_KERNEL_GENL_H */
