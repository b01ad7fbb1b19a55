// SPDX-License-Identifier: MIT
#include "ctl/stores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/stores_link.h"
#include "store/text.h"

/* Changes in one call: large enough that the call does not count, small enough for a message. */
#define BATCH_MAX	512
/* A dry run undoes what it tried at the end of the call, so that it has to be one call. */
#define BATCH_MAX_DRY	100000

struct ctl_stores {
	enum store_location location;
	bool is_batch;
	enum ctl_exit failure;		/* see ctl_store_take_failure() */
	bool is_told;			/* that the agent does not run */
	/* What is collected, and the line of the script that each is from. */
	struct store_change *changes;
	unsigned int *lines;
	size_t n;
	size_t room;
	/* The file that was changed last, while there is no agent. */
	struct store *file;
};

static enum ctl_exit no_memory(struct ctl *ctl)
{
	return ctl_message_error(ctl, -ENOMEM, NULL);
}

static struct ctl_stores *session(struct ctl *ctl)
{
	if (!ctl->stores) {
		ctl->stores = calloc(1, sizeof(*ctl->stores));
		if (ctl->stores)
			ctl->stores->location = STORE_LOCATION_LOCAL;
	}
	return ctl->stores;
}

enum store_location ctl_store_location(const struct ctl *ctl)
{
	return ctl->stores ? ctl->stores->location : STORE_LOCATION_LOCAL;
}

enum store_location ctl_store_argument(const struct ctl *ctl, const struct ctl_args *args,
				       const char *tag)
{
	enum store_location location = ctl_store_location(ctl);
	const char *name = ctl_args_get(args, tag);

	if (name)
		(void)store_location_parse(name, &location);	/* its type has checked it */
	return location;
}

enum ctl_exit ctl_store_choose(struct ctl *ctl, enum store_location location)
{
	struct ctl_stores *stores = session(ctl);
	enum ctl_exit ret = ctl_store_flush(ctl);

	if (!stores)
		return no_memory(ctl);
	stores->file = store_close(stores->file);
	stores->location = location;
	ctl->has_no_store = false;
	return ret;
}

/* Once in a session. */
static void tell_agent_is_missing(struct ctl *ctl)
{
	if (!ctl->stores->is_told && !ctl->is_dry_run)
		fprintf(ctl->err, "%s: the agent is not running: stored, in force at its next start\n",
			CTL_PROGRAM);
	ctl->stores->is_told = true;
}

static void tell_dry_run(struct ctl *ctl, const struct store_change *change)
{
	fputs("Would be done: ", ctl->out);
	store_change_print(ctl->out, change, false);
	fputc('\n', ctl->out);
}

static void outcomes_free(struct store_outcome *outcomes, size_t n)
{
	for (size_t i = 0; outcomes && i < n; i++)
		free(outcomes[i].text);
	free(outcomes);
}

static enum ctl_exit apply(struct ctl *ctl, unsigned int flags, const struct store_change *changes,
			   size_t n, struct store_outcome *outcomes)
{
	struct ctl_stores *stores = ctl->stores;
	enum ctl_exit ret;

	if (ctl->is_dry_run)
		flags |= STORE_APPLY_DRY_RUN;
	if (ctl_agent_runs(ctl)) {
		stores->file = store_close(stores->file);
		return ctl_stores_apply_by_agent(ctl, stores->location, flags, changes, n, outcomes);
	}
	ret = ctl_stores_apply_to_file(ctl, stores->location, flags, changes, n, outcomes,
				       &stores->file);
	for (size_t i = 0; !ret && i < n; i++)
		if (!outcomes[i].number)
			return tell_agent_is_missing(ctl), CTL_EXIT_OK;
	return ret;
}

/* Of all or none, only the refusal is of interest; the others were not made because of it. */
static enum ctl_exit tell_outcomes(struct ctl *ctl, const struct store_change *changes,
				   const unsigned int *lines, size_t n,
				   const struct store_outcome *outcomes)
{
	enum ctl_exit first = CTL_EXIT_OK;
	unsigned int line = ctl->line;

	for (size_t i = 0; i < n; i++) {
		if (lines)
			ctl->line = lines[i];
		if (outcomes[i].number)
			first = ctl_error(ctl, outcomes[i].number, "%s", outcomes[i].text);
	}
	ctl->line = line;
	for (size_t i = 0; i < n && ctl->is_dry_run; i++)
		if (!outcomes[i].number)
			tell_dry_run(ctl, &changes[i]);
	return first;
}

/* Clears the changes. */
static enum ctl_exit make(struct ctl *ctl, unsigned int flags, struct store_change *changes,
			  const unsigned int *lines, size_t n)
{
	struct store_outcome *outcomes = calloc(n, sizeof(*outcomes));
	enum ctl_exit ret;

	if (outcomes)
		ret = apply(ctl, flags, changes, n, outcomes) ?:
		      tell_outcomes(ctl, changes, lines, n, outcomes);
	else
		ret = no_memory(ctl);
	outcomes_free(outcomes, n);
	for (size_t i = 0; i < n; i++)
		store_change_clear(&changes[i]);
	return ret;
}

/*
 * Messages flush, too, so that they come in the order of the lines: what is sent here is taken away
 * before anything can be told about it.
 */
enum ctl_exit ctl_store_flush(struct ctl *ctl)
{
	struct ctl_stores *stores = ctl->stores;
	struct store_change *changes;
	unsigned int *lines;
	enum ctl_exit ret;
	size_t n;

	if (!stores || !stores->n)
		return CTL_EXIT_OK;
	changes = TAKE_PTR(stores->changes);
	lines = TAKE_PTR(stores->lines);
	n = stores->n;
	stores->n = stores->room = 0;
	ret = make(ctl, 0, changes, lines, n);
	free(changes);
	free(lines);
	if (!stores->failure)
		stores->failure = ret;
	return ret;
}

enum ctl_exit ctl_store_take_failure(struct ctl *ctl)
{
	enum ctl_exit failure = ctl->stores ? ctl->stores->failure : CTL_EXIT_OK;

	if (ctl->stores)
		ctl->stores->failure = CTL_EXIT_OK;
	return failure;
}

enum ctl_exit ctl_store_set_batch(struct ctl *ctl, bool is_batch)
{
	struct ctl_stores *stores = session(ctl);

	if (!stores)
		return no_memory(ctl);
	stores->is_batch = is_batch;
	return is_batch ? CTL_EXIT_OK : ctl_store_flush(ctl);
}

static int reserve(struct ctl_stores *stores)
{
	size_t room = stores->room ? stores->room * 2 : 64;
	struct store_change *changes;
	unsigned int *lines;

	if (stores->n < stores->room)
		return 0;
	changes = reallocarray(stores->changes, room, sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	stores->changes = changes;
	lines = reallocarray(stores->lines, room, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	stores->lines = lines;
	stores->room = room;
	return 0;
}

static enum ctl_exit collect(struct ctl *ctl, struct store_change *change)
{
	struct ctl_stores *stores = ctl->stores;

	if (reserve(stores) < 0) {
		store_change_clear(change);
		return no_memory(ctl);
	}
	stores->changes[stores->n] = *change;
	stores->lines[stores->n++] = ctl->line;
	*change = (struct store_change){ .verb = STORE_VERB_ADD };
	if (stores->n < (ctl->is_dry_run ? BATCH_MAX_DRY : BATCH_MAX))
		return CTL_EXIT_OK;
	return ctl_store_flush(ctl);
}

enum ctl_exit ctl_store_change(struct ctl *ctl, struct store_change *change)
{
	if (!session(ctl)) {
		store_change_clear(change);
		return no_memory(ctl);
	}
	return ctl->stores->is_batch ? collect(ctl, change) : make(ctl, 0, change, NULL, 1);
}

enum ctl_exit ctl_store_change_all(struct ctl *ctl, struct store_change *changes, size_t n)
{
	enum ctl_exit ret = session(ctl) ? ctl_store_flush(ctl) : no_memory(ctl);

	if (!ret && n)
		return make(ctl, STORE_APPLY_ALL, changes, NULL, n);
	for (size_t i = 0; i < n; i++)
		store_change_clear(&changes[i]);
	return ret;
}

enum ctl_exit ctl_store_read(struct ctl *ctl, enum store_location location,
			     const struct store_query *query, struct store_content **ret_content)
{
	static const struct store_query everything;

	(void)ctl_store_flush(ctl);
	if (!query)
		query = &everything;
	if (ctl_agent_runs(ctl))
		return ctl_stores_read_by_agent(ctl, location, query, ret_content);
	return ctl_stores_read_file(ctl, location, query, ret_content);
}

struct store_content *ctl_store_peek(struct ctl *ctl, enum store_location location,
				     const struct store_query *query)
{
	struct store_content *content = NULL;
	FILE *err = ctl->err;

	ctl->err = fopen("/dev/null", "we");
	if (ctl->err) {
		(void)ctl_store_read(ctl, location, query, &content);
		(void)fclose(ctl->err);
	}
	ctl->err = err;
	return content;
}

struct ctl_stores *ctl_stores_free(struct ctl_stores *stores)
{
	if (!stores)
		return NULL;
	for (size_t i = 0; i < stores->n; i++)
		store_change_clear(&stores->changes[i]);
	free(stores->changes);
	free(stores->lines);
	store_close(stores->file);
	free(stores);
	return NULL;
}
