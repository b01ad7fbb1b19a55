/* SPDX-License-Identifier: MIT */
#ifndef NL_KERNEL_GENL_DIAG_H
#define NL_KERNEL_GENL_DIAG_H

#include "nl/kernel.h"

struct nl_sock;

/*
 * The driver's diagnostics, for kernel_genl.c. They have a socket of their own, so that a flood of
 * dropped packets cannot push out an acquire.
 */

/* The socket, in the group of that number; NULL when there is none to be had. */
struct nl_sock *kernel_genl_diag_open(int group);
/* Handles what is there, at most some hundred messages, and does not wait. 0 or libnl's error. */
int kernel_genl_diag_dispatch(struct nl_sock *socket, int family,
			      const struct kernel_diag_handler *handler);

#endif /* NL_KERNEL_GENL_DIAG_H */
