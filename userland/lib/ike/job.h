/* SPDX-License-Identifier: MIT */
#ifndef IKE_JOB_H
#define IKE_JOB_H

#include "ike/blob.h"
#include "ike/core.h"

struct dh_key;

/*
 * Diffie-Hellman, which takes longer than anything else: it is put into a job that the host may
 * run in another thread, while the engine goes on with other peers.
 *
 *   job_start()              a request like any other; the job goes to ops->job
 *      ike_job_run()         whoever has it, once; touches nothing but the job
 *   ike_engine_job_reply()   back: its owner takes out what it wants, and the rest is wiped
 *
 * A job owns copies of all that it needs, so that an exchange which ends meanwhile needs not wait
 * for it. Until a job is back it counts, even if nobody wants its result any more: in all, and
 * those of main modes, which strangers can cause, also per source.
 */
struct ike_job {
	struct table_node by_source;
	unsigned int group;
	struct dh_key *key;	/* NULL: to be made */
	struct blob peer;	/* the peer's public value; empty: no secret is wanted */
	struct blob secret;	/* room for it, then g^xy */
	int error;		/* how it went */
};

struct job_order {
	unsigned int group;
	struct dh_key *key;		/* given away; NULL: a fresh one, from the ring if it has one */
	struct bytes peer;		/* checked by dh_check_public(); empty: a key pair only */
	const struct ip_addr *source;	/* whom it is for, NULL for those who have proved themselves */
};

/* False: so much is under way already, in all or for @source, that nothing should be begun. */
bool job_has_room(const struct ike_engine *engine, const struct ip_addr *source);
/*
 * Asks for it; the answer comes as that of @kind. -ENOMEM, -EAGAIN at the limit, -EINVAL for an
 * unknown group; the key of the order is freed then.
 */
int job_start(struct ike_engine *engine, struct request *request, enum request_kind kind,
	      void *owner, const struct job_order *order);
/* One key pair for the ring, if it wants some and nobody makes one: true. */
bool job_fill_ring(struct ike_engine *engine);
void job_ring_reply(struct ike_engine *engine, struct ike_job *job);
/* It is back: counts no longer. */
void job_uncount(struct ike_engine *engine, struct ike_job *job);

#endif
