/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The work of one association on many CPUs, its packets in order. Theory of operation: parallel.c.
 */
#ifndef IPD_PARALLEL_H
#define IPD_PARALLEL_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct ipd_op;
struct ipd_parallel_worker;
struct ipd_ring;

/* packets of one association that are under way; a power of two */
#define IPD_PARALLEL_MAX	1024
/* and of all together; each has an op and its buffer, some KiB */
#define IPD_PARALLEL_MAX_ALL	16384

struct ipd_parallel {
	struct ipd_ring *ring;
	struct ipd_parallel_worker __percpu *workers;
	int home;		/* the CPU whose worker passes packets on */
	int woken;		/* the last CPU that was given something to do; a hint */
	spinlock_t lock;	/* who puts packets; bottom halves off; before sa->lock */
};

/* of the module; exit after the last association is freed */
int ipd_parallel_init(void);
void ipd_parallel_exit(void);

/* what the administrator wants for associations of which nothing is said; any context */
bool ipd_parallel_is_default(void);

/* process context; NULL without memory */
struct ipd_parallel *ipd_parallel_new(void);
/* a grace period after the last packet; waits for the workers; NULL is allowed */
void ipd_parallel_free(struct ipd_parallel *parallel);

/*
 * Have op->run() called on some CPU and then, in the order of the calls of this function and on one
 * CPU, op->resume() with its result, or with that of the request that it began. The op is held. To
 * be called under the lock, when there is room, and followed by ipd_parallel_wake() without it,
 * all in one RCU section.
 */
bool ipd_parallel_has_room(const struct ipd_parallel *parallel);
void ipd_parallel_put(struct ipd_parallel *parallel, struct ipd_op *op);
void ipd_parallel_wake(struct ipd_parallel *parallel);

/* packets that are under way */
u32 ipd_parallel_len(const struct ipd_parallel *parallel);

#endif /* IPD_PARALLEL_H */
