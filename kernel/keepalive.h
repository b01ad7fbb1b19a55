/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keepalives (RFC 3948, section 4). Theory of operation: keepalive.c.
 */
#ifndef IPD_KEEPALIVE_H
#define IPD_KEEPALIVE_H

#include <linux/types.h>

struct ipd_sa;

/*
 * Seconds after the association was born at which to look at it for this, U32_MAX for never. Both
 * under cfg_mutex, in process context.
 */
u32 ipd_keepalive_due(const struct ipd_sa *sa);
/* sends one if it is due */
void ipd_keepalive_look_at(struct ipd_sa *sa, u32 now);

#endif /* IPD_KEEPALIVE_H */
