// SPDX-License-Identifier: MIT
/* What the agent remembers of main modes and failures. Contract: negotiate_internal.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdio.h>

#include "agent/events.h"
#include "agent/layers_mm.h"
#include "agent/ruleset.h"

#define FAILING_USEC		(60 * UINT64_C(1000000))
#define SAME_FAILURE_USEC	UINT64_C(1000000)

/* --- main modes --------------------------------------------------------------------------- */

/*
 * 0 when no rule negotiates between the two any more. Whoever has a main mode from @local is "me"; what
 * becomes of it when the address is away is not for policy to say, but for gone.c.
 */
static uint64_t version_between(struct negotiate *negotiate, const struct ip_addr *local,
				const struct ip_addr *remote)
{
	const struct layer_mm *mm = layers_find_mm(negotiate->layers, local, true, remote);

	return mm ? mm->rule->treatment->version : 0;
}

static uint64_t hash_of_id(const struct negotiate *negotiate, uint64_t mm_id)
{
	return siphash(&negotiate->hash_key, &mm_id, sizeof(mm_id));
}

static struct main_mode *find_mm(const struct negotiate *negotiate, uint64_t mm_id)
{
	struct table_node *node = table_find(&negotiate->mms_by_id, hash_of_id(negotiate, mm_id));

	for (; node; node = table_find_next(node)) {
		struct main_mode *mm = container_of(node, struct main_mode, by_id);

		if (mm->id == mm_id)
			return mm;
	}
	return NULL;
}

void negotiate_forget_mm(struct negotiate *negotiate, uint64_t mm_id)
{
	struct main_mode *mm = find_mm(negotiate, mm_id);

	if (!mm)
		return;
	table_remove(&negotiate->mms_by_id, &mm->by_id);
	*mm->prev_next = mm->next;
	if (mm->next)
		mm->next->prev_next = mm->prev_next;
	free(mm);
	negotiate->n_mms--;
}

void negotiate_note_mm(struct negotiate *negotiate, uint64_t mm_id, const struct ike_path *path)
{
	struct main_mode *mm;

	negotiate_forget_mm(negotiate, mm_id);
	if (negotiate->n_mms == NEGOTIATE_MMS_MAX)
		return;
	mm = calloc(1, sizeof(*mm));
	if (!mm)
		return;
	*mm = (struct main_mode){
		.next = negotiate->mms,
		.prev_next = &negotiate->mms,
		.id = mm_id,
		.local = path->local,
		.remote = path->remote,
		.version = version_between(negotiate, &path->local, &path->remote),
	};
	if (table_add(&negotiate->mms_by_id, &mm->by_id, hash_of_id(negotiate, mm_id))) {
		free(mm);
		return;
	}
	if (mm->next)
		mm->next->prev_next = &mm->next;
	negotiate->mms = mm;
	negotiate->n_mms++;
}

void negotiate_clear_mms(struct negotiate *negotiate)
{
	while (negotiate->mms)
		negotiate_forget_mm(negotiate, negotiate->mms->id);
}

void negotiate_check_mms(struct negotiate *negotiate)
{
	const struct negotiate_ike *ike = &negotiate->config.ike;
	struct main_mode *next;

	for (struct main_mode *mm = negotiate->mms; mm; mm = next) {
		uint64_t id = mm->id;

		next = mm->next;
		if (mm->version &&
		    mm->version == version_between(negotiate, &mm->local, &mm->remote))
			continue;
		(void)ike->delete_mm(negotiate->config.userdata, id, IKE_REASON_POLICY_CHANGE);
		negotiate_forget_mm(negotiate, id);
	}
}

/*
 * Main modes under way. Which rule they were begun by only their age tells: those older than the
 * change are of the layers before it. While the list is on its way policy can change again; the
 * oldest layers are kept, and IKE is asked once more.
 */

void negotiate_forget_old_layers(struct negotiate *negotiate)
{
	negotiate->old_layers = layers_free(negotiate->old_layers);
}

static void ask_for_list(struct negotiate *negotiate)
{
	const struct negotiate_ike *ike = &negotiate->config.ike;

	negotiate->is_list_stale = false;
	negotiate->is_listing = !ike->list_mm(negotiate->config.userdata);
	if (!negotiate->is_listing)
		negotiate_forget_old_layers(negotiate);
}

void negotiate_check_running(struct negotiate *negotiate, struct layers *before)
{
	if (!negotiate->is_up || layers_has_same_mms(before, negotiate->layers)) {
		layers_free(before);
		return;
	}
	negotiate->changed_at = negotiate_now(negotiate);
	if (negotiate->old_layers)
		layers_free(before);
	else
		negotiate->old_layers = before;
	if (negotiate->is_listing)
		negotiate->is_list_stale = true;
	else
		ask_for_list(negotiate);
}

void negotiate_listed_mm(struct negotiate *negotiate, const struct ike_mm_info *info)
{
	const struct negotiate_ike *ike = &negotiate->config.ike;
	const struct ip_addr *local = &info->path.local, *remote = &info->path.remote;
	uint64_t since_change = negotiate_now(negotiate) - negotiate->changed_at;
	const struct layer_mm *was;

	if (!negotiate->old_layers || info->state == IKE_MM_STATE_DEAD ||
	    info->state == IKE_MM_STATE_DYING || info->age_ms * 1000 < since_change)
		return;
	was = layers_find_mm(negotiate->old_layers, local, true, remote);
	if (was && was->rule->treatment->version == version_between(negotiate, local, remote))
		return;
	(void)ike->delete_mm(negotiate->config.userdata, info->mm_id, IKE_REASON_POLICY_CHANGE);
	negotiate_forget_mm(negotiate, info->mm_id);
}

void negotiate_listed(struct negotiate *negotiate, int error)
{
	if (!negotiate->is_listing)
		return;		/* IKE has gone meanwhile */
	if (!error && negotiate->is_list_stale) {
		ask_for_list(negotiate);
	} else {
		negotiate->is_listing = false;
		negotiate_forget_old_layers(negotiate);
	}
	negotiate_send_jobs(negotiate);
}

/* --- failures ----------------------------------------------------------------------------- */

static struct failure **find_failure(struct negotiate *negotiate, const struct ip_addr *remote)
{
	struct failure **place = &negotiate->failures;

	while (*place && !ip_addr_is_equal(&(*place)->failure.remote, remote))
		place = &(*place)->next;
	return place;
}

static void remove_failure(struct negotiate *negotiate, struct failure **place)
{
	struct failure *failure = *place;

	*place = failure->next;
	free(failure);
	negotiate->n_failures--;
}

static void remove_oldest_failure(struct negotiate *negotiate)
{
	struct failure **place = &negotiate->failures;

	while ((*place)->next)
		place = &(*place)->next;
	remove_failure(negotiate, place);
}

void negotiate_forget_failure(struct negotiate *negotiate, const struct ip_addr *remote)
{
	struct failure **place = find_failure(negotiate, remote);

	if (*place)
		remove_failure(negotiate, place);
}

static void note_failure(struct negotiate *negotiate, const struct negotiate_failure *failure)
{
	struct failure **place = find_failure(negotiate, &failure->remote);
	struct failure *noted = calloc(1, sizeof(*noted));

	if (!noted)
		return;
	noted->failure = *failure;
	noted->failure.when = negotiate_now(negotiate);
	noted->failure.times = 1;
	if (*place) {
		noted->failure.times += (*place)->failure.times;
		remove_failure(negotiate, place);
	}
	if (negotiate->n_failures == NEGOTIATE_FAILURES_MAX)
		remove_oldest_failure(negotiate);
	noted->next = negotiate->failures;
	negotiate->failures = noted;
	negotiate->n_failures++;
}

void negotiate_note_failure(struct negotiate *negotiate, const struct ip_addr *remote,
			    enum ike_reason reason)
{
	struct negotiate_failure failure = { .remote = *remote, .reason = reason };

	snprintf(failure.text, sizeof(failure.text), "%s", ike_reason_text(reason));
	note_failure(negotiate, &failure);
}

/* Quick modes that waited for a main mode fail with it, and that has been told. */
static bool is_told(struct negotiate *negotiate, const struct ike_event *event)
{
	struct failure **place = find_failure(negotiate, &event->path.remote);

	return event->kind == IKE_EVENT_QM_FAILED && !event->mm && *place &&
	       !(*place)->failure.is_quick && (*place)->failure.reason == event->reason &&
	       negotiate_now(negotiate) - (*place)->failure.when < SAME_FAILURE_USEC;
}

void negotiate_note_failed(struct negotiate *negotiate, const struct ike_event *event)
{
	struct negotiate_failure failure = {
		.remote = event->path.remote,
		.reason = event->reason,
		.failed_at_peer = event->failed_at_peer,
		.is_quick = event->kind == IKE_EVENT_QM_FAILED,
	};

	if (is_told(negotiate, event))
		return;
	snprintf(failure.text, sizeof(failure.text), "%s", event->text);
	note_failure(negotiate, &failure);
}

void negotiate_note_no_mm(struct negotiate *negotiate, const struct job *job,
			  const struct ruleset_rule *rule)
{
	const struct negotiate_failure *known = negotiate_find_failure(negotiate, &job->remote);
	const struct ike_event event = {
		.kind = IKE_EVENT_MM_FAILED,
		.path = { .local = job->local, .remote = job->remote },
		.reason = IKE_REASON_NO_MM_POLICY,
		.text = LAYERS_NO_MM,
	};

	if (!known || known->reason != IKE_REASON_NO_MM_POLICY)
		event_ike(&event, rule);
	negotiate_note_failed(negotiate, &event);
}

void negotiate_clear_failures(struct negotiate *negotiate)
{
	while (negotiate->failures)
		remove_failure(negotiate, &negotiate->failures);
}

const struct negotiate_failure *negotiate_find_failure(const struct negotiate *negotiate,
						       const struct ip_addr *remote)
{
	struct failure **place = find_failure((struct negotiate *)negotiate, remote);

	return *place ? &(*place)->failure : NULL;
}

size_t negotiate_last_failures(const struct negotiate *negotiate, size_t max,
			       const struct negotiate_failure **ret_failures)
{
	size_t n = 0;

	for (const struct failure *f = negotiate->failures; f && n < max; f = f->next)
		ret_failures[n++] = &f->failure;
	return n;
}

size_t negotiate_count_failing(const struct negotiate *negotiate)
{
	uint64_t now = negotiate_now(negotiate);
	size_t n = 0;

	for (const struct failure *f = negotiate->failures; f && now - f->failure.when < FAILING_USEC;
	     f = f->next)
		n++;
	return n;
}

uint32_t negotiate_seconds_since(const struct negotiate *negotiate, uint64_t when)
{
	return (uint32_t)((negotiate_now(negotiate) - when) / 1000000);
}
