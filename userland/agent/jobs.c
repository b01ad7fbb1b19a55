// SPDX-License-Identifier: MIT
/* What the driver waits for, given to IKE, and how that ended. Contract: negotiate.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/events.h"
#include "agent/ruleset.h"
#include "agent/translate.h"
#include "base/log.h"

#define IKE_PORT		500
#define HOLD_UNKNOWN_SECONDS	1	/* for an acquire that no filter of ours explains */
#define HOLD_ADMIN_SECONDS	1	/* an administrator's deletion is no failure */
#define HOLD_BUSY_SECONDS	5

/* False: the driver has not got it. */
static bool end_acquire(struct negotiate *negotiate, uint32_t driver_id,
			enum ipsecdrv_acquire_result result, uint32_t seconds)
{
	struct kernel *kernel = negotiate->config.kernel;
	int r = kernel->ops->acquire_end(kernel, driver_id, result, seconds);

	/* The driver gives up by itself, too, and with its filter. */
	if (r && r != -ENOENT)
		log_warning("negotiation %u was not ended in the driver: %s", driver_id,
			    kernel->why);
	return !r;
}

/* What belongs into a tunnel means nothing outside of it; who only answers does not fall back. */
static bool allows_soft(const struct layer_filter *filter)
{
	const struct ruleset_treatment *treatment = layer_filter_rule(filter)->treatment;

	return filter->filter.class == IPSECDRV_FILTER_CLASS_TRANSPORT &&
	       treatment->qm->policy->soft && !treatment->rule->is_default_response;
}

struct job *negotiate_find_job(const struct negotiate *negotiate, uint64_t id)
{
	struct job *job = negotiate->jobs;

	while (job && job->id != id)
		job = job->next;
	return job;
}

static void remove_job(struct negotiate *negotiate, struct job *job)
{
	struct job **place = &negotiate->jobs;

	while (*place != job)
		place = &(*place)->next;
	*place = job->next;
	free(job);
	negotiate->n_jobs--;
}

static void fail_job(struct negotiate *negotiate, struct job *job, uint32_t seconds)
{
	(void)end_acquire(negotiate, job->driver_id, IPSECDRV_ACQUIRE_RESULT_FAILED, seconds);
	remove_job(negotiate, job);
}

static void describe_job(const struct job *job, const struct layer_mm *mm, const char *gss_name,
			 const struct layer_filter *filter, struct ike_acquire *ret_acquire)
{
	*ret_acquire = (struct ike_acquire){
		.id = job->id,
		.path = {
			.local = job->local,
			.remote = job->remote,
			.local_port = IKE_PORT,
			.remote_port = IKE_PORT,
		},
		.selector = job->selector,
	};
	translate_mm_policy(mm, gss_name, &ret_acquire->mm);
	ret_acquire->mm.gives_up_early = allows_soft(filter);
	translate_qm_policy(layer_filter_rule(filter), &filter->filter, &ret_acquire->qm);
}

/* Without IKE the job waits; the driver holds the packets and in the end drops them. */
static void send_job(struct negotiate *negotiate, struct job *job)
{
	const struct negotiate_config *config = &negotiate->config;
	const struct layer_filter *filter = negotiate_filter(negotiate, job->filter_id);
	const struct layer_mm *mm;
	struct ike_acquire acquire;
	int r;

	if (job->is_sent || !negotiate->is_up || negotiate->is_paused ||
	    negotiate->is_listing || !filter)
		return;
	mm = negotiate_find_mm_of(negotiate, filter, &job->local, &job->remote);
	if (!mm) {	/* or the address is not this host's any more */
		if (negotiate_is_me(negotiate, &job->local))
			negotiate_note_no_mm(negotiate, job, layer_filter_rule(filter));
		fail_job(negotiate, job, HOLD_UNKNOWN_SECONDS);
		return;
	}
	describe_job(job, mm, negotiate->gss_name, filter, &acquire);
	r = config->ike.acquire(config->userdata, &acquire);
	if (!r) {
		job->is_sent = true;
	} else if (r != -ENOTCONN) {
		log_warning("the negotiation for filter %u could not be given to ipsec-ike: %s",
			    job->filter_id, strerror(-r));
		fail_job(negotiate, job, HOLD_BUSY_SECONDS);
	}
}

void negotiate_send_jobs(struct negotiate *negotiate)
{
	struct job *next;

	for (struct job *job = negotiate->jobs; job; job = next) {
		next = job->next;
		send_job(negotiate, job);
	}
}

struct job *negotiate_find_same_job(const struct negotiate *negotiate, uint32_t filter_id,
				    const struct ike_selector *selector)
{
	for (struct job *job = negotiate->jobs; job; job = job->next)
		if (job->filter_id == filter_id &&
		    translate_is_same_selector(&job->selector, selector))
			return job;
	return NULL;
}

void negotiate_finish_job(struct negotiate *negotiate, uint32_t filter_id,
			  const struct ike_selector *selector)
{
	struct job *job = negotiate_find_same_job(negotiate, filter_id, selector);

	if (job)
		remove_job(negotiate, job);
}

static struct job *job_new(struct negotiate *negotiate, const struct kernel_acquire *acquire,
			   const struct kernel_filter *filter, const struct ike_selector *selector)
{
	bool is_tunnel = filter->class == IPSECDRV_FILTER_CLASS_TUNNEL;
	struct job *job;

	if (negotiate->n_jobs == NEGOTIATE_JOBS_MAX)
		return NULL;
	job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	*job = (struct job){
		.next = negotiate->jobs,
		.id = ++negotiate->last_job_id,
		.driver_id = acquire->id,
		.filter_id = acquire->filter_id,
		.selector = *selector,
		.local = is_tunnel ? filter->tunnel_local : selector->local,
		.remote = is_tunnel ? filter->tunnel_remote : selector->remote,
	};
	negotiate->jobs = job;
	negotiate->n_jobs++;
	return job;
}

/*
 * The associations came while the event was on its way, begun by the peer; the packet has left under
 * them, and a negotiation would make a second pair.
 */
static bool is_answered(const struct negotiate *negotiate, const struct kernel_acquire *acquire)
{
	struct kernel *kernel = negotiate->config.kernel;
	struct kernel_match match;

	return !kernel->ops->match(kernel, &acquire->flow, &match) && match.has_sa;
}

void negotiate_acquire(struct negotiate *negotiate, const struct kernel_acquire *acquire)
{
	const struct layer_filter *filter = negotiate_filter(negotiate, acquire->filter_id);
	struct ike_selector selector = translate_selector(&acquire->selector);
	struct job *job;

	if (acquire->has_ended)
		return;
	negotiate_check_softs(negotiate);
	/* An event can be older than the last commit; then the driver has forgotten it as well. */
	if (!filter || filter->filter.outbound != IPSECDRV_ACTION_NEGOTIATE) {
		log_debug("negotiation %u is for filter %u, which does not negotiate", acquire->id,
			  acquire->filter_id);
		(void)end_acquire(negotiate, acquire->id, IPSECDRV_ACQUIRE_RESULT_FAILED,
			    HOLD_UNKNOWN_SECONDS);
		return;
	}
	job = negotiate_find_same_job(negotiate, acquire->filter_id, &selector);
	if (job)
		job->driver_id = acquire->id;
	else if (is_answered(negotiate, acquire))
		return;
	else
		job = job_new(negotiate, acquire, &filter->filter, &selector);
	if (job)
		send_job(negotiate, job);
	else
		(void)end_acquire(negotiate, acquire->id, IPSECDRV_ACQUIRE_RESULT_FAILED,
			    HOLD_BUSY_SECONDS);
}

void negotiate_acquire_refused(struct negotiate *negotiate, uint64_t acquire_id, int error)
{
	struct job *job = negotiate_find_job(negotiate, acquire_id);

	if (!job || error == -EEXIST)	/* IKE is at it already */
		return;
	if (error == -ECONNRESET || error == -ENOTCONN || error == -ETIMEDOUT) {
		/* sent again when IKE is back, or by the driver's next event */
		job->is_sent = false;
		return;
	}
	log_warning("ipsec-ike did not take the negotiation for filter %u: %s", job->filter_id,
		    strerror(-error));
	fail_job(negotiate, job, HOLD_BUSY_SECONDS);
}

/* --- results ------------------------------------------------------------------------------ */

static bool may_be_soft(const struct layer_filter *filter, const struct link_acquire_result *result)
{
	return allows_soft(filter) && !result->peer_answered &&
	       (result->reason == IKE_REASON_NO_RESPONSE ||
		result->reason == IKE_REASON_TIMED_OUT);
}

static void make_soft(struct negotiate *negotiate, const struct job *job,
		      const struct ruleset_rule *rule)
{
	uint32_t seconds = rule->treatment->mm->policy->soft_sa_seconds;

	if (!end_acquire(negotiate, job->driver_id, IPSECDRV_ACQUIRE_RESULT_SOFT, seconds))
		return;
	negotiate->soft_associations++;
	event_soft_sa(&job->selector, job->filter_id, seconds);
	negotiate_note_soft(negotiate, job->driver_id, job->filter_id, &job->selector);
}

void negotiate_acquire_result(struct negotiate *negotiate,
			      const struct link_acquire_result *result)
{
	struct job *job = negotiate_find_job(negotiate, result->acquire_id);
	const struct layer_filter *filter;

	if (!job) {
		log_debug("ipsec-ike ended negotiation %llu, which nobody waits for",
			  (unsigned long long)result->acquire_id);
		return;
	}
	switch (result->reason) {
	case IKE_REASON_OK:
		break;		/* the association has ended it in the driver */
	case IKE_REASON_SHUTTING_DOWN:
		job->is_sent = false;
		return;		/* the next ipsec-ike gets it */
	case IKE_REASON_DELETED_BY_ADMIN:
	case IKE_REASON_POLICY_CHANGE:
		(void)end_acquire(negotiate, job->driver_id, IPSECDRV_ACQUIRE_RESULT_FAILED,
			    HOLD_ADMIN_SECONDS);
		break;
	default:
		filter = negotiate_filter(negotiate, job->filter_id);
		if (!negotiate_find_failure(negotiate, &job->remote))
			negotiate_note_failure(negotiate, &job->remote, result->reason);
		if (filter && may_be_soft(filter, result))
			make_soft(negotiate, job, layer_filter_rule(filter));
		else
			(void)end_acquire(negotiate, job->driver_id, IPSECDRV_ACQUIRE_RESULT_FAILED, 0);
	}
	remove_job(negotiate, job);
}

/* --- ends --------------------------------------------------------------------------------- */

bool negotiate_drop_jobs(struct negotiate *negotiate, uint32_t filter_id)
{
	const struct negotiate_config *config = &negotiate->config;
	struct job *next;
	bool has_dropped = false;

	for (struct job *job = negotiate->jobs; job; job = next) {
		next = job->next;
		if (job->filter_id != filter_id)
			continue;
		if (job->is_sent)
			(void)config->ike.cancel_acquire(config->userdata, job->id);
		remove_job(negotiate, job);
		has_dropped = true;
	}
	return has_dropped;
}

static bool has_acquire(const struct kernel_acquire *acquires, size_t n, uint32_t driver_id)
{
	for (size_t i = 0; i < n; i++)
		if (acquires[i].id == driver_id && !acquires[i].has_ended)
			return true;
	return false;
}

void negotiate_drop_stale_jobs(struct negotiate *negotiate, const struct kernel_acquire *acquires,
			       size_t n)
{
	const struct negotiate_config *config = &negotiate->config;
	struct job *next;

	for (struct job *job = negotiate->jobs; job; job = next) {
		next = job->next;
		if (has_acquire(acquires, n, job->driver_id))
			continue;
		if (job->is_sent)
			(void)config->ike.cancel_acquire(config->userdata, job->id);
		remove_job(negotiate, job);
	}
}

void negotiate_take_back_jobs(struct negotiate *negotiate)
{
	for (struct job *job = negotiate->jobs; job; job = job->next)
		job->is_sent = false;
}

void negotiate_clear_jobs(struct negotiate *negotiate)
{
	while (negotiate->jobs)
		remove_job(negotiate, negotiate->jobs);
}
