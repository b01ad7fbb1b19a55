// SPDX-License-Identifier: MIT
#include "ike/job.h"

#include <errno.h>
#include <stdlib.h>

#include "ike/dh.h"
#include "ike/dh_ring.h"
#include "ike/request.h"

/* --- anywhere ------------------------------------------------------------------------------- */

void ike_job_run(struct ike_job *job)
{
	if (!job->key)
		job->key = dh_key_new(job->group);
	if (!job->key)
		job->error = -EIO;
	else if (job->peer.len)
		job->error = dh_derive(job->key, blob_bytes(&job->peer), job->secret.data);
}

struct ike_job *ike_job_free(struct ike_job *job)
{
	if (!job)
		return NULL;
	dh_key_free(job->key);
	blob_free(&job->peer);
	blob_free(&job->secret);
	free(job);
	return NULL;
}

/* --- counting ------------------------------------------------------------------------------- */

static uint32_t count_source(const struct ike_engine *engine, uint64_t source)
{
	struct table_node *node = table_find(&engine->jobs_by_source, source);
	uint32_t n = 0;

	for (; node; node = table_find_next(node))
		n++;
	return n;
}

bool job_has_room(const struct ike_engine *engine, const struct ip_addr *source)
{
	if (engine->n_jobs >= engine->config.jobs_max)
		return false;
	return !source || count_source(engine, admission_source(&engine->admission, source)) <
				  engine->config.jobs_per_source;
}

static int count(struct ike_engine *engine, struct ike_job *job, const struct ip_addr *source)
{
	if (source && table_add(&engine->jobs_by_source, &job->by_source,
				admission_source(&engine->admission, source)))
		return -ENOMEM;
	engine->n_jobs++;
	return 0;
}

void job_uncount(struct ike_engine *engine, struct ike_job *job)
{
	table_remove(&engine->jobs_by_source, &job->by_source);
	engine->n_jobs--;
}

/* --- in the engine -------------------------------------------------------------------------- */

static struct ike_job *make(struct ike_engine *engine, const struct job_order *order,
			    enum request_kind kind)
{
	struct ike_job *job = calloc(1, sizeof(*job));

	if (!job) {
		dh_key_free(order->key);
		return NULL;
	}
	job->group = order->group;
	job->key = order->key;
	if (!job->key && kind != REQUEST_RING)
		job->key = dh_ring_pop(engine->ring, order->group);
	if (!order->peer.len)
		return job;
	job->secret.len = dh_secret_len(order->group);
	job->secret.data = malloc(job->secret.len);
	if (!job->secret.data || blob_set(&job->peer, order->peer))
		return ike_job_free(job);
	return job;
}

/* To the host, or done at once for one that has no better place for it. */
static void hand_over(struct ike_engine *engine, struct request *request, struct ike_job *job)
{
	int ret;

	if (!engine->ops.job) {
		ike_job_run(job);
		(void)ike_engine_job_reply(engine, engine->now, request->id, job);
		return;
	}
	ret = engine->ops.job(engine->userdata, request->id, job);
	if (ret < 0) {
		job_uncount(engine, job);
		ike_job_free(job);
		request_fail(engine, request, ret);
	}
}

int job_start(struct ike_engine *engine, struct request *request, enum request_kind kind,
	      void *owner, const struct job_order *order)
{
	struct ike_job *job;
	int ret = 0;

	if (dh_prepare(order->group))
		ret = -EINVAL;
	else if (!job_has_room(engine, order->source))
		ret = -EAGAIN;
	if (ret) {
		dh_key_free(order->key);
		return ret;
	}
	job = make(engine, order, kind);
	if (!job)
		return -ENOMEM;
	ret = request_start(engine, request, kind, owner);
	if (!ret && count(engine, job, order->source)) {
		request_cancel(engine, request);
		ret = -ENOMEM;
	}
	if (ret) {
		ike_job_free(job);
		return ret;
	}
	engine->stats.dh_operations += !job->key + (job->peer.len != 0);
	hand_over(engine, request, job);
	return 0;
}

/* --- key pairs ahead of need ---------------------------------------------------------------- */

bool job_fill_ring(struct ike_engine *engine)
{
	struct job_order order = { .group = dh_ring_wants(engine->ring) };

	if (!order.group || request_is_waiting(&engine->ring_request))
		return false;
	return !job_start(engine, &engine->ring_request, REQUEST_RING, engine, &order);
}

void job_ring_reply(struct ike_engine *engine, struct ike_job *job)
{
	if (!job || job->error)
		return;
	dh_ring_put(engine->ring, job->key);
	job->key = NULL;
}
