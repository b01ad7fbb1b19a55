/* SPDX-License-Identifier: MIT */
#ifndef IKE_POOL_H
#define IKE_POOL_H

#include <stdint.h>

#include <systemd/sd-event.h>

struct ike_job;

/*
 * Threads for the engine's jobs, so that a datagram that costs a Diffie-Hellman does not hold up
 * all others:
 *
 *   loop --- pool_submit() ---> queue ---> threads: ike_job_run()
 *   loop <--- done() <--- eventfd <------- what is ready
 *
 * As many threads as the process may use CPUs, at most 4. They are all started, and have made
 * their last unusual system call, when pool_new() returns: after that the process can give up
 * the right to make new ones.
 */
struct pool;

/* In the loop's thread; the job is the callee's. */
typedef void (*pool_done_fn)(void *userdata, uint64_t id, struct ike_job *job);

/* 0 or -errno. */
int pool_new(sd_event *event, pool_done_fn done, void *userdata, struct pool **ret_pool);
/* Waits for what runs, frees what waits: only when the engine is gone. NULL is allowed. */
struct pool *pool_free(struct pool *pool);

/* Takes the job; -ENOMEM leaves it to the caller. */
int pool_submit(struct pool *pool, uint64_t id, struct ike_job *job);

#endif
