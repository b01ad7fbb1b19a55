// SPDX-License-Identifier: MIT
/* Who may negotiate what: jobs of the driver, questions of peers. Contract: negotiate.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "agent/ruleset.h"
#include "agent/events.h"
#include "agent/response.h"
#include "agent/sa_check.h"
#include "agent/translate.h"
#include "base/log.h"

#define IKE_PORT		500
#define HOLD_UNKNOWN_SECONDS	1	/* for an acquire that no filter of ours explains */
#define HOLD_ADMIN_SECONDS	1	/* an administrator's deletion is no failure */
#define HOLD_BUSY_SECONDS	5
#define REFUSED_LINES		20	/* audit lines per window */
#define REFUSED_WINDOW_USEC	(10 * UINT64_C(1000000))

/* --- common ------------------------------------------------------------------------------- */

uint64_t negotiate_now(const struct negotiate *negotiate)
{
	return negotiate->config.now();
}

bool negotiate_is_me(struct negotiate *negotiate, const struct ip_addr *addr)
{
	return addresses_is_me(negotiate->config.addresses, addr);
}

int negotiate_refuse(struct negotiate *negotiate, const char *what, const struct ike_path *path,
		     uint32_t filter_id, const char *why)
{
	uint64_t now = negotiate_now(negotiate);

	negotiate->refused++;
	if (now - negotiate->refused_since >= REFUSED_WINDOW_USEC) {
		if (negotiate->refused_in_window > REFUSED_LINES)
			log_warning("%u more requests of ipsec-ike were refused",
				    negotiate->refused_in_window - REFUSED_LINES);
		negotiate->refused_since = now;
		negotiate->refused_in_window = 0;
	}
	if (++negotiate->refused_in_window <= REFUSED_LINES)
		event_refused(what, path, filter_id, why);
	return -EPERM;
}

static const struct layer_filter *negotiated_filter(const struct negotiate *negotiate, uint32_t id)
{
	const struct layer_filter *filter = layers_find(negotiate->layers, id);
	const struct ruleset_rule *rule = filter ? layer_filter_rule(filter) : NULL;

	return rule && rule->treatment->mm && rule->treatment->qm &&
	       layer_filter_is_negotiated(filter) ? filter : NULL;
}

/* Main mode's rule, for initiators and responders alike. */
static const struct layer_mm *find_mm(struct negotiate *negotiate, const struct ip_addr *local,
				      const struct ip_addr *remote)
{
	return layers_find_mm(negotiate->layers, local, negotiate_is_me(negotiate, local), remote);
}

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

/* --- jobs --------------------------------------------------------------------------------- */

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
	const struct layer_filter *filter = negotiated_filter(negotiate, job->filter_id);
	const struct layer_mm *mm;
	struct ike_acquire acquire;
	int r;

	if (job->is_sent || !negotiate->is_up || negotiate->is_paused ||
	    negotiate->is_listing || !filter)
		return;
	mm = find_mm(negotiate, &job->local, &job->remote);
	if (!mm) {		/* the address is not this host's any more */
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
	const struct layer_filter *filter = negotiated_filter(negotiate, acquire->filter_id);
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
		filter = negotiated_filter(negotiate, job->filter_id);
		if (!negotiate_find_failure(negotiate, &job->remote))
			negotiate_note_failure(negotiate, &job->remote, result->reason);
		if (filter && may_be_soft(filter, result))
			make_soft(negotiate, job, layer_filter_rule(filter));
		else
			(void)end_acquire(negotiate, job->driver_id, IPSECDRV_ACQUIRE_RESULT_FAILED, 0);
	}
	remove_job(negotiate, job);
}

static const struct ruleset_rule *rule_of_event(const struct negotiate *negotiate,
						const struct ike_event *event)
{
	const struct layer_filter *filter =
		event->qm ? layers_find(negotiate->layers, event->qm->filter_id) : NULL;
	const struct layer_mm *mm;

	if (filter)
		return layer_filter_rule(filter);
	mm = find_mm((struct negotiate *)negotiate, &event->path.local, &event->path.remote);
	return mm ? mm->rule : NULL;
}

void negotiate_event(struct negotiate *negotiate, const struct ike_event *event)
{
	event_ike(event, rule_of_event(negotiate, event));
	switch (event->kind) {
	case IKE_EVENT_MM_ESTABLISHED:
		if (event->mm)
			negotiate_note_mm(negotiate, event->mm->mm_id, &event->path);
		break;
	case IKE_EVENT_QM_ESTABLISHED:
		negotiate_forget_failure(negotiate, &event->path.remote);
		break;
	case IKE_EVENT_MM_DELETED:
		if (event->mm)
			negotiate_forget_mm(negotiate, event->mm->mm_id);
		break;
	case IKE_EVENT_MM_FAILED:
	case IKE_EVENT_QM_FAILED:
		negotiate_note_failed(negotiate, event);
		break;
	case IKE_EVENT_QM_DELETED:
	case IKE_EVENT_SEND_FAILED:
	case IKE_EVENT_COUNT:
		break;
	}
}

/* --- questions of peers ------------------------------------------------------------------- */

int negotiate_policy_mm(struct negotiate *negotiate, const struct link_policy_mm_query *query,
			struct ike_mm_policy *ret_policy)
{
	const struct ike_path *path = &query->path;
	const struct layer_mm *mm = find_mm(negotiate, &path->local, &path->remote);

	if (!mm || !negotiate_is_me(negotiate, &path->local))
		return -ENOENT;
	if (query->active_seconds &&
	    !negotiate_has_peer_moved(negotiate, path, query->active_seconds))
		return -ENOENT;
	translate_mm_policy(mm, negotiate->gss_name, ret_policy);
	return 0;
}

/* Packets of the selector go by an interface that the filter is for, as the routes are now. */
static bool is_in_scope(struct negotiate *negotiate, const struct kernel_filter *filter,
			const struct ike_selector *selector)
{
	struct kernel *kernel = negotiate->config.kernel;
	struct kernel_flow flow = {
		.direction = IPSECDRV_DIRECTION_OUT,
		.source = selector->local,
		.destination = selector->remote,
		.protocol = selector->protocol,
	};
	struct kernel_match match;

	if (filter->connection == IPSECDRV_CONNECTION_ALL && !filter->interface[0])
		return true;
	if (kernel->ops->match(kernel, &flow, &match))
		return false;
	return filter->interface[0] ? !strcmp(match.interface, filter->interface) :
				      match.connection == filter->connection;
}

/*
 * The filter that the selector's traffic is negotiated for: in each direction the most specific
 * one that has all of it and says something decides. NULL when that is permit, block or nothing;
 * *ret_is_covered tells nothing from the others.
 */
static const struct layer_filter *find_filter(struct negotiate *negotiate,
					      const struct ike_selector *selector, bool is_me,
					      bool *ret_is_covered)
{
	struct layer_filter *const *order =
		layers_order(negotiate->layers, negotiate->config.kernel);
	const struct layer_filter *out = NULL, *in = NULL;

	*ret_is_covered = true;
	if (!order) {
		log_warning("the driver's filters could not be read: %s",
			    negotiate->config.kernel->why);
		return NULL;
	}
	for (size_t i = 0; i < negotiate->layers->n_filters && (!out || !in); i++) {
		const struct kernel_filter *filter = &order[i]->filter;

		if (!sa_check_covers(filter, selector, is_me) ||
		    !is_in_scope(negotiate, filter, selector))
			continue;
		if (!out && filter->outbound != IPSECDRV_ACTION_NONE)
			out = order[i];
		if (!in && filter->inbound != IPSECDRV_ACTION_NONE)
			in = order[i];
	}
	*ret_is_covered = out || in;
	if (out && out->filter.outbound == IPSECDRV_ACTION_NEGOTIATE)
		return out;
	return in && in->filter.inbound == IPSECDRV_ACTION_NEGOTIATE ? in : NULL;
}

/* Removes the grant that *@place points to, so that *@place is the next one. */
static void remove_grant(struct negotiate *negotiate, struct grant **place)
{
	struct grant *grant = *place;

	*place = grant->next;
	free(grant);
	negotiate->n_grants--;
}

static void drop_expired_grants(struct negotiate *negotiate)
{
	uint64_t now = negotiate_now(negotiate);
	struct grant **place = &negotiate->grants;

	while (*place) {
		if ((*place)->until <= now)
			remove_grant(negotiate, place);
		else
			place = &(*place)->next;
	}
}

static int add_grant(struct negotiate *negotiate, const struct ike_qm_query *query,
		     uint32_t filter_id, bool is_response)
{
	struct grant *grant;

	drop_expired_grants(negotiate);
	if (negotiate->n_grants == NEGOTIATE_GRANTS_MAX)
		return -EAGAIN;
	grant = calloc(1, sizeof(*grant));
	if (!grant)
		return -ENOMEM;
	*grant = (struct grant){
		.next = negotiate->grants,
		.filter_id = filter_id,
		.is_initiator = query->is_initiator,
		.is_response = is_response,
		.selector = query->selector,
		.until = negotiate_now(negotiate) + NEGOTIATE_GRANT_USEC,
	};
	negotiate->grants = grant;
	negotiate->n_grants++;
	return 0;
}

static struct grant **find_grant(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	struct grant **place = &negotiate->grants;

	drop_expired_grants(negotiate);
	while (*place && ((*place)->filter_id != install->filter_id ||
			  (*place)->is_initiator != install->is_initiator ||
			  !translate_is_same_selector(&(*place)->selector, &install->selector)))
		place = &(*place)->next;
	return place;
}

bool negotiate_take_grant(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	struct grant **place = find_grant(negotiate, install);

	if (!*place)
		return false;
	remove_grant(negotiate, place);
	return true;
}

/* --- default response --------------------------------------------------------------------- */

/* No filter of another rule is for what the peer wants: exactly that, between it and this host. */
static int answer_by_default(struct negotiate *negotiate, const struct ike_qm_query *query,
			     bool is_me, struct ike_qm_policy *ret_policy)
{
	struct layers *layers = negotiate->layers;
	const struct ruleset_rule *rule = layers->default_rule;
	const struct layer_filter *known = response_find_traffic(layers, &query->selector);
	struct kernel_filter filter;
	int r;

	/* it never starts anything, but renews what it has */
	if (!rule || !is_me || (query->is_initiator ? !known :
				!translate_has_auth(rule->treatment->rule, query->auth)))
		return -ENOENT;
	filter = response_filter(known ? known->filter.id : layers_new_id(layers),
				 &query->selector);
	if (!sa_check_selector(&filter, &query->selector, is_me) ||
	    !sa_check_ends(&filter, &query->selector, &query->path))
		return -ENOENT;
	r = add_grant(negotiate, query, filter.id, true);
	if (r)
		return r;
	translate_qm_policy(rule, &filter, ret_policy);
	return 0;
}

const struct layer_filter *negotiate_open_response(struct negotiate *negotiate,
						   const struct ike_sa_install *install)
{
	const struct grant *grant = *find_grant(negotiate, install);
	struct kernel *kernel = negotiate->config.kernel;
	int r;

	if (!grant || !grant->is_response)
		return NULL;
	r = response_add(negotiate->layers, kernel, install->filter_id, &install->selector);
	if (r)
		log_warning("no filter for an answer by the default response rule: %s",
			    r == -EAGAIN ? "there are too many" : kernel->why);
	return r ? NULL : layers_find(negotiate->layers, install->filter_id);
}

int negotiate_policy_qm(struct negotiate *negotiate, const struct ike_qm_query *query,
			struct ike_qm_policy *ret_policy)
{
	bool is_me = negotiate_is_me(negotiate, &query->selector.local);
	const struct layer_mm *mm = find_mm(negotiate, &query->path.local, &query->path.remote);
	const struct layer_filter *filter;
	bool is_covered;
	int r;

	if (!mm || !negotiate_is_me(negotiate, &query->path.local))
		return -ENOENT;
	filter = find_filter(negotiate, &query->selector, is_me, &is_covered);
	if (!is_covered)
		return answer_by_default(negotiate, query, is_me, ret_policy);
	if (!filter || !negotiated_filter(negotiate, filter->filter.id))
		return -ENOENT;		/* permit and block do not negotiate either */
	if (!sa_check_selector(&filter->filter, &query->selector, is_me) ||
	    !sa_check_ends(&filter->filter, &query->selector, &query->path))
		return -ENOENT;
	/* A pair that we renew has no main mode yet; the one it gets is PolicyMm's affair. */
	if (!query->is_initiator && !translate_has_auth(mm->rule->treatment->rule, query->auth))
		return -ENOENT;
	r = add_grant(negotiate, query, filter->filter.id, false);
	if (r)
		return r;
	translate_qm_policy(layer_filter_rule(filter), &filter->filter, ret_policy);
	return 0;
}

/* --- changes ------------------------------------------------------------------------------ */

/* The driver has dropped what it had for this filter. */
static bool is_gone(const struct layers *after, const struct layer_filter *before)
{
	const struct layer_filter *filter = layers_find(after, before->filter.id);

	return !filter || !kernel_filter_is_same_traffic(&filter->filter, &before->filter) ||
	       filter->filter.outbound != before->filter.outbound ||
	       filter->filter.inbound != before->filter.inbound;
}

static bool drop_grants(struct negotiate *negotiate, uint32_t filter_id)
{
	struct grant **place = &negotiate->grants;
	bool has_dropped = false;

	while (*place) {
		if ((*place)->filter_id == filter_id) {
			remove_grant(negotiate, place);
			has_dropped = true;
		} else {
			place = &(*place)->next;
		}
	}
	return has_dropped;
}

static bool drop_jobs(struct negotiate *negotiate, uint32_t filter_id)
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

void negotiate_close_response(struct negotiate *negotiate, uint32_t filter_id)
{
	if (!response_find(negotiate->layers, filter_id) ||
	    negotiate_has_pairs(negotiate, filter_id))
		return;
	response_remove(negotiate->layers, negotiate->config.kernel, filter_id);
	(void)drop_jobs(negotiate, filter_id);
}

static void drop_filter(struct negotiate *negotiate, uint32_t filter_id)
{
	const struct negotiate_config *config = &negotiate->config;
	bool is_used = negotiate_has_pairs(negotiate, filter_id);

	is_used |= drop_grants(negotiate, filter_id);
	is_used |= drop_jobs(negotiate, filter_id);
	negotiate_forget_pairs(negotiate, filter_id);
	if (is_used)
		(void)config->ike.delete_filter(config->userdata, filter_id,
						IKE_REASON_POLICY_CHANGE);
}

void negotiate_set_layers(struct negotiate *negotiate, struct layers *layers)
{
	struct layers *before = negotiate->layers;

	negotiate->layers = layers;
	if (!before)
		return;
	for (size_t i = 0; i < before->n_filters; i++)
		if (layer_filter_is_negotiated(&before->filters[i]) &&
		    is_gone(layers, &before->filters[i]))
			drop_filter(negotiate, before->filters[i].filter.id);
	for (size_t i = 0; i < before->n_responses; i++)
		if (!response_find(layers, before->responses[i]->filter.id))
			drop_filter(negotiate, before->responses[i]->filter.id);
	negotiate_check_softs(negotiate);
	negotiate_check_mms(negotiate);
	negotiate_check_running(negotiate, before);
}

static bool has_acquire(const struct kernel_acquire *acquires, size_t n, uint32_t driver_id)
{
	for (size_t i = 0; i < n; i++)
		if (acquires[i].id == driver_id && !acquires[i].has_ended)
			return true;
	return false;
}

/* Jobs that the driver does not wait for any more. */
static void drop_stale_jobs(struct negotiate *negotiate, const struct kernel_acquire *acquires,
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

static void read_driver(struct negotiate *negotiate, const struct kernel_sa *sas, size_t n)
{
	const struct layers *layers = negotiate->layers;

	negotiate_read_pairs(negotiate, sas, n);
	for (size_t i = layers->n_responses; i-- > 0;)
		negotiate_close_response(negotiate, layers->responses[i]->filter.id);
}

void negotiate_resync(struct negotiate *negotiate)
{
	struct kernel *kernel = negotiate->config.kernel;
	_cleanup_free_ struct kernel_acquire *acquires = NULL;
	_cleanup_free_ struct kernel_sa *sas = NULL;
	size_t n_acquires, n_sas;

	if (kernel->ops->sa_dump(kernel, &sas, &n_sas))
		log_warning("the driver's associations could not be read: %s", kernel->why);
	else
		read_driver(negotiate, sas, n_sas);
	if (kernel->ops->acquire_dump(kernel, &acquires, &n_acquires)) {
		log_warning("the driver's negotiations could not be read: %s", kernel->why);
		return;
	}
	drop_stale_jobs(negotiate, acquires, n_acquires);
	negotiate_check_softs(negotiate);
	negotiate_read_softs(negotiate, acquires, n_acquires);
	for (size_t i = 0; i < n_acquires; i++)
		negotiate_acquire(negotiate, &acquires[i]);
}

/* --- link --------------------------------------------------------------------------------- */

void negotiate_known_mm(struct negotiate *negotiate, const struct ike_mm_info *info)
{
	if (info->state == IKE_MM_STATE_ESTABLISHED)
		negotiate_note_mm(negotiate, info->mm_id, &info->path);
}

void negotiate_ike_up(struct negotiate *negotiate)
{
	negotiate->is_up = true;
	/* Policy may have changed while IKE was away. */
	negotiate_check_mms(negotiate);
	negotiate_adopt_pairs(negotiate);
	negotiate_send_jobs(negotiate);
}

void negotiate_set_paused(struct negotiate *negotiate, bool is_paused)
{
	negotiate->is_paused = is_paused;
	negotiate_send_jobs(negotiate);
}

void negotiate_set_credentials(struct negotiate *negotiate,
			       const struct link_credential_state *state)
{
	struct layers *layers = negotiate->layers;

	for (size_t i = 0; i < layers->n_mms && i < state->n_rules; i++)
		layers->mms[i].usable = state->rules[i].usable;
	if (layers->default_rule && state->n_rules > layers->n_mms)
		layers->default_mm.usable = state->rules[layers->n_mms].usable;
	(void)snprintf(negotiate->gss_name, sizeof(negotiate->gss_name), "%s", state->gss_name);
}

void negotiate_ike_down(struct negotiate *negotiate)
{
	negotiate->is_up = false;
	negotiate->is_listing = false;
	negotiate_forget_old_layers(negotiate);
	negotiate_unname_pairs(negotiate);
	for (struct job *job = negotiate->jobs; job; job = job->next)
		job->is_sent = false;
	/* What it was allowed, and the SPIs it held, ended with it. */
	while (negotiate->grants)
		drop_grants(negotiate, negotiate->grants->filter_id);
	negotiate_clear_larvals(negotiate);
	negotiate_clear_mms(negotiate);
}

/* --- life --------------------------------------------------------------------------------- */

struct negotiate *negotiate_new(const struct negotiate_config *config)
{
	struct negotiate *negotiate = calloc(1, sizeof(*negotiate));

	if (!negotiate)
		return NULL;
	negotiate->config = *config;
	/* An ipsec-ike that outlived the agent must not take new names for those of before. */
	if (getrandom(&negotiate->last_job_id, sizeof(negotiate->last_job_id), 0) < 0 ||
	    getrandom(&negotiate->last_qm_id, sizeof(negotiate->last_qm_id), 0) < 0 ||
	    getrandom(&negotiate->hash_key, sizeof(negotiate->hash_key), 0) < 0) {
		free(negotiate);
		return NULL;
	}
	negotiate->last_job_id >>= 1;
	negotiate->last_qm_id |= UINT64_C(1) << 63;	/* apart from those that IKE counts */
	return negotiate;
}

struct negotiate *negotiate_free(struct negotiate *negotiate)
{
	if (!negotiate)
		return NULL;
	while (negotiate->jobs)
		remove_job(negotiate, negotiate->jobs);
	while (negotiate->grants)
		drop_grants(negotiate, negotiate->grants->filter_id);
	negotiate_clear_larvals(negotiate);
	negotiate_clear_pairs(negotiate);
	negotiate_clear_softs(negotiate);
	negotiate_clear_mms(negotiate);
	negotiate_clear_failures(negotiate);
	negotiate_forget_old_layers(negotiate);
	table_done(&negotiate->pairs_by_id);
	table_done(&negotiate->pairs_in);
	table_done(&negotiate->pairs_out);
	table_done(&negotiate->mms_by_id);
	free(negotiate);
	return NULL;
}

struct negotiate_counts negotiate_get_counts(const struct negotiate *negotiate)
{
	return (struct negotiate_counts){
		.jobs = negotiate->n_jobs,
		.pairs = negotiate->n_pairs,
		.mms = negotiate->n_mms,
		.failing = negotiate_count_failing(negotiate),
		.soft_associations = negotiate->soft_associations,
		.refused = negotiate->refused,
	};
}
