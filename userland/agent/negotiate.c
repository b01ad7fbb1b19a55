// SPDX-License-Identifier: MIT
/* What policy, the driver and the link do to all that is negotiated. Contract: negotiate.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "agent/events.h"
#include "agent/layers_mm.h"
#include "agent/response.h"
#include "agent/ruleset.h"
#include "base/log.h"

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

const struct layer_filter *negotiate_filter(const struct negotiate *negotiate, uint32_t id)
{
	const struct layer_filter *filter = layers_find(negotiate->layers, id);
	const struct ruleset_rule *rule = filter ? layer_filter_rule(filter) : NULL;

	return rule && rule->treatment->mm && rule->treatment->qm &&
	       layer_filter_is_negotiated(filter) ? filter : NULL;
}

const struct layer_mm *negotiate_find_mm(struct negotiate *negotiate, const struct ip_addr *local,
					 const struct ip_addr *remote)
{
	return layers_find_mm(negotiate->layers, local, negotiate_is_me(negotiate, local), remote);
}

const struct layer_mm *negotiate_find_mm_of(struct negotiate *negotiate,
					    const struct layer_filter *filter,
					    const struct ip_addr *local,
					    const struct ip_addr *remote)
{
	return layers_find_mm_of(negotiate->layers, filter, local,
				 negotiate_is_me(negotiate, local), remote);
}

/* --- events ------------------------------------------------------------------------------- */

static const struct ruleset_rule *rule_of_event(const struct negotiate *negotiate,
						const struct ike_event *event)
{
	const struct layer_filter *filter =
		event->qm ? layers_find(negotiate->layers, event->qm->filter_id) : NULL;
	const struct layer_mm *mm;

	if (filter)
		return layer_filter_rule(filter);
	mm = negotiate_find_mm((struct negotiate *)negotiate, &event->path.local, &event->path.remote);
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

/* --- changes ------------------------------------------------------------------------------ */

/* The driver has dropped what it had for this filter. */
static bool is_gone(const struct layers *after, const struct layer_filter *before)
{
	const struct layer_filter *filter = layers_find(after, before->filter.id);

	return !filter || !kernel_filter_is_same_traffic(&filter->filter, &before->filter) ||
	       filter->filter.outbound != before->filter.outbound ||
	       filter->filter.inbound != before->filter.inbound;
}

void negotiate_close_response(struct negotiate *negotiate, uint32_t filter_id)
{
	if (!response_find(negotiate->layers, filter_id) ||
	    negotiate_has_pairs(negotiate, filter_id))
		return;
	response_remove(negotiate->layers, negotiate->config.kernel, filter_id);
	(void)negotiate_drop_jobs(negotiate, filter_id);
}

static void drop_filter(struct negotiate *negotiate, uint32_t filter_id)
{
	const struct negotiate_config *config = &negotiate->config;
	bool is_used = negotiate_has_pairs(negotiate, filter_id);

	is_used |= negotiate_drop_grants(negotiate, filter_id);
	is_used |= negotiate_drop_jobs(negotiate, filter_id);
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
	negotiate_drop_stale_jobs(negotiate, acquires, n_acquires);
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
	negotiate_take_back_jobs(negotiate);
	/* What it was allowed, and the SPIs it held, ended with it. */
	negotiate_clear_grants(negotiate);
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
	negotiate_clear_jobs(negotiate);
	negotiate_clear_grants(negotiate);
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
