// SPDX-License-Identifier: MIT
/*
 * Soft associations: who does not speak IKE and is talked to in clear, as policy allows. The driver
 * has the time, and ends them with their filter or when an association takes their place; it says
 * nothing of it. So the agent remembers which it has begun, looks from time to time which of them the
 * driver still has, and the rest have ended:
 *
 *	0 s	negotiation 5 with 192.0.2.2 ends soft, for 300 s	event 541
 *	290 s	the driver has it
 *	300 s	... and looks for an association again
 *	300 s	agent: it is gone					event 542
 *
 * That look is every NEGOTIATE_WATCH_USEC, after a change of policy, and when the driver asks again.
 */
#include "agent/negotiate_internal.h"

#include <stdlib.h>

#include "agent/events.h"
#include "agent/translate.h"
#include "base/cleanup.h"
#include "base/log.h"

static void remove_soft(struct negotiate *negotiate, struct soft **place)
{
	struct soft *soft = *place;

	*place = soft->next;
	free(soft);
	negotiate->n_softs--;
}

static struct soft *find_soft(const struct negotiate *negotiate, uint32_t driver_id)
{
	struct soft *soft = negotiate->softs;

	while (soft && soft->driver_id != driver_id)
		soft = soft->next;
	return soft;
}

void negotiate_note_soft(struct negotiate *negotiate, uint32_t driver_id, uint32_t filter_id,
			 const struct ike_selector *selector)
{
	struct soft *soft;

	/* the driver has no more of them either */
	if (find_soft(negotiate, driver_id) || negotiate->n_softs == NEGOTIATE_JOBS_MAX)
		return;
	soft = calloc(1, sizeof(*soft));
	if (!soft) {
		log_warning("the end of a soft association will not be noticed: no memory");
		return;
	}
	*soft = (struct soft){
		.next = negotiate->softs,
		.driver_id = driver_id,
		.filter_id = filter_id,
		.selector = *selector,
	};
	negotiate->softs = soft;
	negotiate->n_softs++;
}

static bool has_association(const struct negotiate *negotiate, const struct soft *soft)
{
	for (const struct pair *pair = negotiate->pairs; pair; pair = pair->next)
		if (pair->install.filter_id == soft->filter_id &&
		    translate_is_same_selector(&pair->install.selector, &soft->selector))
			return true;
	return false;
}

static const char *why_ended(const struct negotiate *negotiate, const struct soft *soft)
{
	const struct layer_filter *filter = layers_find(negotiate->layers, soft->filter_id);

	if (!filter || !layer_filter_is_negotiated(filter))
		return "policy changed";
	if (has_association(negotiate, soft))
		return "the peer speaks IKE after all";
	return "its time is over";
}

static int by_id(const void *a, const void *b)
{
	const struct kernel_acquire *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_soft(const struct kernel_acquire *acquire)
{
	return acquire->has_ended && acquire->result == IPSECDRV_ACQUIRE_RESULT_SOFT;
}

void negotiate_check_softs(struct negotiate *negotiate)
{
	struct kernel *kernel = negotiate->config.kernel;
	_cleanup_free_ struct kernel_acquire *acquires = NULL;
	struct soft **place = &negotiate->softs;
	size_t n;

	if (!negotiate->softs)
		return;
	if (kernel->ops->acquire_dump(kernel, &acquires, &n)) {
		log_debug("the driver's negotiations could not be read: %s", kernel->why);
		return;
	}
	qsort(acquires, n, sizeof(*acquires), by_id);
	while (*place) {
		struct kernel_acquire name = { .id = (*place)->driver_id };
		const struct kernel_acquire *acquire =
			bsearch(&name, acquires, n, sizeof(name), by_id);

		if (acquire && is_soft(acquire)) {
			place = &(*place)->next;
			continue;
		}
		event_soft_ended(&(*place)->selector, (*place)->filter_id,
				 why_ended(negotiate, *place));
		remove_soft(negotiate, place);
	}
}

void negotiate_read_softs(struct negotiate *negotiate, const struct kernel_acquire *acquires,
			  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ike_selector selector = translate_selector(&acquires[i].selector);

		if (is_soft(&acquires[i]))
			negotiate_note_soft(negotiate, acquires[i].id, acquires[i].filter_id,
					    &selector);
	}
}

void negotiate_clear_softs(struct negotiate *negotiate)
{
	while (negotiate->softs)
		remove_soft(negotiate, &negotiate->softs);
}
