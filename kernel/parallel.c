// SPDX-License-Identifier: GPL-2.0-only
/*
 * One flow has one association, and its packets come one after the other on one CPU: a cipher
 * that costs more than everything else keeps that CPU busy while the others wait. An association
 * that is made "parallel" gives the costly part of each packet away: copying, encrypting and
 * hashing are done on whatever CPU is free, what comes before and after stays in order.
 *
 *	sender's CPU		in order: route, sizes, segments, checksum, limits, number
 *	  | ring (ring.c)	at most IPD_PARALLEL_MAX, else the packet is dropped
 *	any CPU			ESP or AH: op->run()
 *	  | the same ring
 *	the ring's home CPU	in order: AH of a bundle, sending; inbound: window, policy, delivery
 *
 * The way is that of asynchronous crypto code (op.c): the packet is held by its op, which has
 * references to all that it needs, and op->resume() goes on with it. Teardown, deletion and
 * changes of mode find it as they find those. Only that op->resume() is not called when the
 * request ends, but when it ended and all before it have gone on. A request of asynchronous crypto
 * code, begun on some CPU, ends by the callback and waits for its turn likewise.
 *
 * Order. Numbers are taken under the lock under which packets are put into the ring, so what leaves
 * it has rising numbers. What leaves does so on one CPU, whose queues behind it (transmission,
 * reception on virtual devices, GRO) keep the order only within a CPU. One work item per CPU and
 * association does the work; a work item never runs twice at once, so that of the home CPU is the
 * only one who drains, and needs no lock for it.
 *
 * Example, two CPUs, home is 1. A GSO packet of five segments is sent on CPU 0:
 *
 *	CPU 0: puts segments 1 to 5 and wakes both workers, in turn
 *	CPU 1: takes 1		CPU 0: takes 2
 *	CPU 1: 1 is done, leaves; takes 3
 *	CPU 0: 2 is done and next to leave: wakes worker 1, which runs and will look; takes 4
 *	CPU 1: 3 is done; 2 and 3 leave; takes 5 ...
 *
 * Workers take more than one packet at a time when many wait, up to MAX_BATCH and never more than
 * their share, so that they do not fight about the ring for each. After MAX_TURN packets a worker
 * goes to the end of the queue: other associations have their turn.
 */
#include "parallel.h"

#include "compat.h"
#include "op.h"
#include "ring.h"
#include "sa.h"

#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/percpu_counter.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

/* with bottom halves off; at most some 10 microseconds each */
#define MAX_BATCH	16
#define MAX_TURN	64

static bool is_default;
module_param_named(parallel, is_default, bool, 0644);
MODULE_PARM_DESC(parallel, "whether associations that are installed from now on are parallel");

struct ipd_parallel_worker {
	struct work_struct work;
	struct ipd_parallel *parallel;
	int cpu;
};

static struct workqueue_struct *parallel_queue;
static struct percpu_counter under_way;	/* packets that are under way */
static atomic_t n_made;

bool ipd_parallel_is_default(void)
{
	return READ_ONCE(is_default);
}

int ipd_parallel_init(void)
{
	int err = percpu_counter_init(&under_way, 0, GFP_KERNEL);

	if (err)
		return err;
	/*
	 * Not behind what the stack's users do, who may be waiting for these very packets; one
	 * item at a time, since more than one at once on a CPU only disturb each other.
	 */
	parallel_queue = alloc_workqueue("ipsecdrv_parallel",
				WQ_PERCPU | WQ_HIGHPRI | WQ_CPU_INTENSIVE | WQ_MEM_RECLAIM, 1);
	if (parallel_queue)
		return 0;
	percpu_counter_destroy(&under_way);
	return -ENOMEM;
}

void ipd_parallel_exit(void)
{
	destroy_workqueue(parallel_queue);
	percpu_counter_destroy(&under_way);
}

/* --- workers --------------------------------------------------------------------- */

static void wake_worker(struct ipd_parallel *parallel, int cpu)
{
	queue_work_on(cpu, parallel_queue, &per_cpu_ptr(parallel->workers, cpu)->work);
}

/* the request has its result; true when the packet is the next to leave */
static bool note_result(struct ipd_parallel *parallel, struct ipd_op *op, int err)
{
	op->result = err;
	return ipd_ring_done(parallel->ring, &op->item);
}

/* as op->resume() while the crypto code has the packet */
static void request_ended(struct ipd_op *op, int err)
{
	struct ipd_parallel *parallel = op->sa->parallel;

	/* the association may be gone now, and is freed after the caller's RCU section */
	if (note_result(parallel, op, err))
		wake_worker(parallel, parallel->home);
}

static u32 share(const struct ipd_ring *ring)
{
	return clamp(ipd_ring_waiting(ring) / (2 * num_online_cpus()), 1U, (u32)MAX_BATCH);
}

/* works on some packets; how many. Those who are next to leave are said in *ret_leaving. */
static u32 work_on(struct ipd_parallel *parallel, bool *ret_leaving)
{
	struct ipd_ring *ring = parallel->ring;
	struct ipd_op *op;
	u32 position, n, i;
	int err;

	n = ipd_ring_take(ring, share(ring), &position);
	for (i = 0; i < n; i++) {
		op = container_of(ipd_ring_at(ring, position + i), struct ipd_op, item);
		err = op->run(op);
		if (err != -EINPROGRESS)
			*ret_leaving |= note_result(parallel, op, err);
	}
	return n;
}

/* passes packets on; how many */
static u32 pass_on(struct ipd_parallel *parallel)
{
	struct ipd_ring_item *item;
	struct ipd_op *op;
	u32 n;

	for (n = 0; n < MAX_BATCH && (item = ipd_ring_drain(parallel->ring)); n++) {
		op = container_of(item, struct ipd_op, item);
		percpu_counter_add(&under_way, -1);
		op->go_on(op, op->result);
	}
	return n;
}

static void run_worker(struct work_struct *work)
{
	struct ipd_parallel_worker *worker = container_of(work, struct ipd_parallel_worker, work);
	struct ipd_parallel *parallel = worker->parallel;
	bool is_home = worker->cpu == parallel->home;
	u32 n, turn = 0;

	do {
		bool leaving = false;

		rcu_read_lock();
		local_bh_disable();
		n = work_on(parallel, &leaving);
		if (is_home)
			n += pass_on(parallel);
		else if (leaving)
			wake_worker(parallel, parallel->home);
		local_bh_enable();
		rcu_read_unlock();
		turn += n;
	} while (n && turn < MAX_TURN);
	if (n)
		wake_worker(parallel, worker->cpu);
}

/* --- packets --------------------------------------------------------------------- */

bool ipd_parallel_has_room(const struct ipd_parallel *parallel)
{
	/* the sum of all is some packets per CPU old */
	return ipd_ring_has_room(parallel->ring) &&
	       percpu_counter_read_positive(&under_way) < IPD_PARALLEL_MAX_ALL;
}

void ipd_parallel_put(struct ipd_parallel *parallel, struct ipd_op *op)
{
	op->go_on = op->resume;
	op->resume = request_ended;
	percpu_counter_add(&under_way, 1);
	ipd_ring_put(parallel->ring, &op->item);
}

/*
 * A packet that is alone is best off where it leaves; for more of them one CPU after the other is
 * given something to do. CPUs that have are not disturbed by it.
 */
void ipd_parallel_wake(struct ipd_parallel *parallel)
{
	unsigned int cpu = parallel->home;

	if (ipd_ring_len(parallel->ring) > 1) {
		cpu = cpumask_next(READ_ONCE(parallel->woken), cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	}
	WRITE_ONCE(parallel->woken, cpu);
	wake_worker(parallel, cpu);
}

u32 ipd_parallel_len(const struct ipd_parallel *parallel)
{
	return ipd_ring_len(parallel->ring);
}

/* --- life ------------------------------------------------------------------------ */

/* One after the other; a CPU that goes offline later has its work done elsewhere. */
static int choose_home(void)
{
	unsigned int n = (unsigned int)atomic_inc_return(&n_made) % num_online_cpus();
	int cpu;

	for_each_online_cpu(cpu)
		if (!n--)
			return cpu;
	return cpumask_first(cpu_online_mask);
}

struct ipd_parallel *ipd_parallel_new(void)
{
	struct ipd_parallel *parallel = kzalloc(sizeof(*parallel), GFP_KERNEL_ACCOUNT);
	struct ipd_parallel_worker *worker;
	int cpu;

	if (!parallel)
		return NULL;
	parallel->ring = ipd_ring_new(IPD_PARALLEL_MAX, GFP_KERNEL_ACCOUNT);
	parallel->workers = alloc_percpu_gfp(struct ipd_parallel_worker, GFP_KERNEL_ACCOUNT);
	if (!parallel->ring || !parallel->workers) {
		kvfree(parallel->ring);
		free_percpu(parallel->workers);
		kfree(parallel);
		return NULL;
	}
	spin_lock_init(&parallel->lock);
	parallel->home = choose_home();
	parallel->woken = parallel->home;
	for_each_possible_cpu(cpu) {
		worker = per_cpu_ptr(parallel->workers, cpu);
		worker->parallel = parallel;
		worker->cpu = cpu;
		INIT_WORK(&worker->work, run_worker);
	}
	return parallel;
}

void ipd_parallel_free(struct ipd_parallel *parallel)
{
	int cpu;

	if (!parallel)
		return;
	/* those that were woken for nothing */
	for_each_possible_cpu(cpu)
		cancel_work_sync(&per_cpu_ptr(parallel->workers, cpu)->work);
	WARN_ON_ONCE(ipd_ring_len(parallel->ring));
	free_percpu(parallel->workers);
	kvfree(parallel->ring);
	kfree(parallel);
}
