// SPDX-License-Identifier: MIT
#include "agent/test_store_calls.h"

#include "store/text.h"

/* "add filter filterlist=l srcaddr=me dstaddr=10.0.0.2"; "~" stands for a blank. */
struct store_change store_change_of(const char *command)
{
	struct store_change change = { 0 };
	char why[POLICY_WHY_LEN], *copy = strdup(command), *save = NULL;

	assert_int_equal(store_verb_parse(strtok_r(copy, " ", &save), &change.verb), 0);
	assert_int_equal(store_kind_parse(strtok_r(NULL, " ", &save), &change.kind), 0);
	for (char *tag = strtok_r(NULL, " ", &save); tag; tag = strtok_r(NULL, " ", &save)) {
		char *value = strchr(tag, '=');

		assert_non_null(value);
		*value++ = '\0';
		for (char *at = value; *at; at++)
			*at = *at == '~' ? ' ' : *at;
		if (store_change_set_tag(&change, tag, value, why))
			fail_msg("%s: %s=%s: %s", command, tag, value, why);
	}
	free(copy);
	return change;
}

sd_bus_message *store_apply_call(struct world *w, const char *store, uint32_t flags,
				  const char *const *commands, size_t n)
{
	sd_bus_message *m = world_call_new(w, "StoreApply");

	assert_true(sd_bus_message_append(m, "su", store, flags) >= 0);
	assert_true(sd_bus_message_open_container(m, 'a', "(ssa{sv})") >= 0);
	for (size_t i = 0; i < n; i++) {
		struct store_change change = store_change_of(commands[i]);

		assert_true(store_bus_append_change(m, &change) >= 0);
		store_change_clear(&change);
	}
	assert_true(sd_bus_message_close_container(m) >= 0);
	return m;
}

/* Of the last call: number and sentence of each change. */
uint32_t store_numbers[STORE_OUTCOMES_MAX];
char store_texts[STORE_OUTCOMES_MAX][512];
size_t store_n_outcomes;

void store_read_outcomes(struct world *w)
{
	const char *text;

	store_n_outcomes = 0;
	if (world_error_name(w)[0])
		return;
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "(us)") >= 0);
	while (sd_bus_message_read(w->reply, "(us)", &store_numbers[store_n_outcomes], &text) > 0) {
		assert_true(store_n_outcomes < STORE_OUTCOMES_MAX);
		snprintf(store_texts[store_n_outcomes++], sizeof(store_texts[0]), "%s", text);
	}
}

void store_apply_all(struct world *w, const char *store, uint32_t flags,
		      const char *const *commands, size_t n)
{
	world_make_call(w, store_apply_call(w, store, flags, commands, n));
	store_read_outcomes(w);
}

/* The number that the one change is refused with, or 0. */
uint32_t store_apply_one(struct world *w, const char *store, const char *command)
{
	store_apply_all(w, store, 0, &command, 1);
	if (world_error_name(w)[0])
		fail_msg("%s: %s: %s", command, world_error_name(w), world_error_text(w));
	assert_int_equal(store_n_outcomes, 1);
	return store_numbers[0];
}

/* A policy of that name with one rule that blocks the traffic to the host; not assigned. */
void store_add_policy(struct world *w, const char *store, const char *name, const char *host)
{
	char lines[5][160];
	const char *commands[5] = { lines[0], lines[1], lines[2], lines[3], lines[4] };

	snprintf(lines[0], sizeof(lines[0]), "add filterlist name=list-%s", name);
	snprintf(lines[1], sizeof(lines[1]),
		 "add filter filterlist=list-%s srcaddr=me dstaddr=%s", name, host);
	snprintf(lines[2], sizeof(lines[2]), "add filteraction name=action-%s action=block", name);
	snprintf(lines[3], sizeof(lines[3]), "add policy name=%s activatedefaultrule=no", name);
	snprintf(lines[4], sizeof(lines[4]),
		 "add rule policy=%s name=rule filterlist=list-%s filteraction=action-%s", name,
		 name, name);
	store_apply_all(w, store, STORE_APPLY_ALL, commands, 5);
	assert_string_equal(world_error_text(w), "");
	for (size_t i = 0; i < store_n_outcomes; i++)
		if (store_numbers[i])
			fail_msg("%s: %u %s", lines[i], store_numbers[i], store_texts[i]);
}
