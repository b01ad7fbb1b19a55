// SPDX-License-Identifier: MIT
/*
 * What the agent says of stored policy: what is other than before, what is wrong, tries.
 *
 *	local policy "Lab" changed: rule "telnet" of policy "Lab": activate: yes -> no
 *	local policy "Lab" is assigned instead of "Office": 3 rules
 */
#include "agent/events.h"

#include <stdio.h>

#include "agent/event_entry.h"
#include "base/cleanup.h"
#include "store/diff.h"
#include "store/object.h"

#define DIFFERENCES_MAX	8	/* that are told; the others are counted */
#define DIFFERENCE_LEN	200

/* --- what changed ------------------------------------------------------------------------- */

static void say_difference(struct event_entry *entry, const struct store_difference *difference,
			   bool is_first)
{
	char text[DIFFERENCE_LEN] = "";
	_cleanup_fclose_ FILE *file = fmemopen(text, sizeof(text) - 1, "w");

	if (!file)
		return;
	store_difference_print(file, difference);
	(void)fflush(file);
	event_say(entry, "%s %s", is_first ? ":" : ";", text);
}

static void say_differences(struct event_entry *entry, const struct store_content *before,
			    const struct store_content *after)
{
	struct store_diff diff;

	if (store_content_diff(before, after, false, &diff))
		return;
	for (size_t i = 0; i < diff.n && i < DIFFERENCES_MAX; i++)
		say_difference(entry, &diff.list[i], !i);
	if (diff.n > DIFFERENCES_MAX)
		event_say(entry, "; and %zu more changes", diff.n - DIFFERENCES_MAX);
	store_diff_done(&diff);
}

void event_store_changed(const char *store, const struct store_content *before,
			 const struct store_content *after)
{
	const struct store_policy *old = store_content_assigned(before);
	const struct store_policy *new = store_content_assigned(after);
	struct event_entry entry;

	event_begin(&entry, EVENT_STORE_CHANGED);
	event_field(&entry, "IPD_LAYER", "%s", store);
	event_field(&entry, "IPD_POLICY", "%s", new ? new->head.name : "");
	if (!new) {
		event_say(&entry, "no %s policy is assigned any more%s%s%s", store,
			  old ? "; it was \"" : "", old ? old->head.name : "", old ? "\"" : "");
	} else if (!old || !sd_id128_equal(old->head.guid, new->head.guid)) {
		event_say(&entry, "%s policy \"%s\" is assigned", store, new->head.name);
		if (old)
			event_say(&entry, " instead of \"%s\"", old->head.name);
		event_say(&entry, ": %zu rules", new->n_rules);
	} else {
		event_say(&entry, "%s policy \"%s\" changed", store, new->head.name);
		say_differences(&entry, before, after);
	}
	event_end(&entry);
}

/* --- what is wrong ------------------------------------------------------------------------ */

void event_store_failed(const char *store, bool is_starting, const char *why)
{
	struct event_entry entry;

	event_begin(&entry, EVENT_STORE_FAILED);
	event_field(&entry, "IPD_LAYER", "%s", store);
	event_say(&entry, "the %s store is not in force: %s; %s", store, why, is_starting ?
		  "the driver lets nothing pass until that is mended" :
		  "the policy before it stays");
	event_end(&entry);
}

/* --- tries -------------------------------------------------------------------------------- */

static void begin_try(struct event_entry *entry, const char *state)
{
	event_begin(entry, EVENT_TRY);
	event_field(entry, "IPD_TRY", "%s", state);
}

void event_try_begun(uint32_t seconds)
{
	struct event_entry entry;

	begin_try(&entry, "begun");
	event_say(&entry, "a try has begun: changes of the local store are taken back unless "
		  "they are confirmed in %u seconds", seconds);
	event_end(&entry);
}

void event_try_confirmed(void)
{
	struct event_entry entry;

	begin_try(&entry, "confirmed");
	event_say(&entry, "the try is confirmed: the changes of the local store stay");
	event_end(&entry);
}

void event_try_ended(const char *why)
{
	struct event_entry entry;

	begin_try(&entry, why ? "failed" : "ended");
	if (why)
		entry.level = LOG_ERR;
	event_say(&entry, why ? "the try is over, but its changes could not be taken back: %s; "
		  "trying again" : "the try was not confirmed: the local store is what it was "
		  "before", why);
	event_end(&entry);
}
