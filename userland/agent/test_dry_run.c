// SPDX-License-Identifier: MIT
/* Dry runs over the control socket: everything is asked, nothing is done. */
#include "agent/test_store_calls.h"

#include <errno.h>
#include <stdio.h>

#include "agent/state.h"
#include "policy/runs.h"

#define BLOCK " actioninbound=block actionoutbound=block"

static void begin(struct world *w)
{
	assert_string_equal(world_call_plain(w, "BeginDryRun"), "");
}

/* What the driver would get and lose. */
static void assert_difference(struct world *w, uint32_t added, uint32_t removed)
{
	struct policy_dry_run_info info;
	char why[POLICY_WHY_LEN];

	assert_string_equal(world_call_plain(w, "GetDryRun"), "");
	assert_true(policy_bus_read_record(w->reply, &policy_dry_run_record, &info, why) > 0);
	assert_int_equal(info.filters_added, added);
	assert_int_equal(info.filters_removed, removed);
}

static const struct ruleset *in_force(const struct world *w)
{
	return w->agent->rulesets[RULESET_LAYER_DYNAMIC];
}

/* A script's commands find what those before them would have made, and nobody else does. */
static void test_adds_up(void **state)
{
	struct world *w = *state;
	unsigned int n_adds = kernel_fake_count(w->kernel, KERNEL_FAKE_FILTERS_ADD);

	begin(w);
	world_add_peer_rule(w);
	assert_difference(w, 1, 0);
	assert_string_equal(world_change_rule(w, "AddRule", PEER_RULE), "N13008");
	assert_string_equal(world_call_string(w, "DeleteMmPolicy", "m"), "N13005");
	assert_string_equal(world_change_rule(w, "SetRule", "srcaddr=me dstaddr=10.0.0.2 psk=other"), "");
	assert_string_equal(world_change_rule(w, "DeleteRule", "srcaddr=me dstaddr=10.0.0.2"), "");
	assert_difference(w, 0, 0);
	assert_string_equal(world_call_string(w, "DeleteMmPolicy", "m"), "");
	/* nothing of it has happened */
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(in_force(w)->n_mms + in_force(w)->n_qms + in_force(w)->n_rules, 0);
	assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_FILTERS_ADD), n_adds);
	sd_bus_close_unref(w->bus);
	world_connect_admin(w);
	assert_string_equal(world_call_string(w, "DeleteMmPolicy", "m"), "N13004");
	assert_string_equal(world_call_plain(w, "GetDryRun"), "Invalid");
	/* and the next one means it */
	world_add_peer_rule(w);
	assert_int_equal(world_count_filters(w), 1);
}

static void test_from_what_is_in_force(void **state)
{
	struct world *w = *state;
	uint8_t *before, *after;
	size_t n_before, n_after;

	world_add_peer_rule(w);
	assert_int_equal(state_read(world_path_in(w, STATE_FILE), &before, &n_before), 0);
	begin(w);
	assert_string_equal(world_change_rule(w, "SetRule", "srcaddr=me dstaddr=10.0.0.2 psk=other"), "");
	assert_difference(w, 1, 1);
	assert_string_equal(world_call_plain(w, "DeleteAll"), "");
	assert_difference(w, 0, 1);
	assert_int_equal(world_count_filters(w), 1);
	assert_string_equal(in_force(w)->rules[0]->treatment->rule->methods[0].secret, "open sesame");
	assert_int_equal(state_read(world_path_in(w, STATE_FILE), &after, &n_after), 0);
	assert_int_equal(n_before, n_after);
	assert_memory_equal(before, after, n_before);
	free(before);
	free(after);
}

/* The driver is asked about all that there would be, and its sentence arrives. */
static void test_driver_refuses(void **state)
{
	struct world *w = *state;

	begin(w);
	world_add_peer_rule(w);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_CHECK, 1, -ENOSPC, "Too many distinct masks.");
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.9" BLOCK), "Failed");
	assert_non_null(strstr(world_error_text(w), "Too many distinct masks."));
	/* what was before the refusal goes on */
	assert_difference(w, 1, 0);
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.9" BLOCK), "");
	assert_difference(w, 2, 0);
	assert_int_equal(world_count_filters(w), 0);
}

/* A call that waits stays one of the dry run, even when its connection has gone. */
static void test_waits_for_name(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=host.example" BLOCK), "");
	assert_difference(w, 1, 0);
	pthread_mutex_lock(&world_gate);
	world_send_call(w, world_rule_call(w, "AddRule", "srcaddr=me dstaddr=slow-host.example" BLOCK));
	assert_string_equal(world_call_plain(w, "ListRules"), "");
	sd_bus_close_unref(w->bus);
	world_connect_admin(w);
	assert_string_equal(world_call_plain(w, "ListRules"), "");
	pthread_mutex_unlock(&world_gate);
	RUN_UNTIL(w, names_find(resolver_names(w->agent->resolver), "slow-host.example"));
	assert_string_equal(world_call_plain(w, "ListRules"), "");
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(in_force(w)->n_rules, 0);
}

static void test_not_to_be_tried(void **state)
{
	struct world *w = *state;
	sd_bus_message *m;

	begin(w);
	m = world_call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "Invalid");
	assert_non_null(strstr(world_error_text(w), "DeleteSas cannot be tried"));
	m = world_call_new(w, "TryBegin");
	assert_true(sd_bus_message_append(m, "u", 60) >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "Invalid");
	assert_string_equal(world_call_plain(w, "TryConfirm"), "Invalid");
	assert_string_equal(world_call_plain(w, "TryEnd"), "Invalid");
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
	begin(w);
}

static const char *set_config(struct world *w, const char *name, const char *value)
{
	sd_bus_message *m = world_call_new(w, "SetConfig");

	assert_true(sd_bus_message_append(m, "ss", name, value) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

static void test_config(void **state)
{
	struct world *w = *state;

	begin(w);
	assert_string_equal(set_config(w, "strongcrypto", "1"), "");
	sd_bus_close_unref(w->bus);
	world_connect_admin(w);
	/* the default offers have DES */
	assert_string_equal(world_change_mm(w, "AddMmPolicy", "name=m"), "");
	begin(w);
	assert_string_equal(set_config(w, "ipsecexempt", "0"), "");
	assert_string_equal(set_config(w, "ipsecexempt", "4"), "Invalid");
	assert_string_equal(set_config(w, "nothing", "1"), "Invalid");
	assert_string_equal(set_config(w, "strongcrypto", "1"), "Invalid");
	assert_int_equal(config_number(w->agent->config, "ipsecexempt"), 3);
	assert_int_equal(config_number(w->agent->config, "strongcrypto"), 0);
}

static const char *add_runs(struct world *w, uint32_t flags, const char *tags)
{
	struct policy_runs runs = { .n_mms = 0 };
	sd_bus_message *m = world_call_new(w, "AddRuns");

	assert_int_equal(policy_runs_add_rule(&runs, test_rule(tags, NULL)), 0);
	assert_true(sd_bus_message_append(m, "u", flags) >= 0);
	assert_true(policy_bus_append_runs(m, &runs) >= 0);
	policy_runs_clear(&runs);
	world_make_call(w, m);
	return world_error_name(w);
}

static void test_C26_runs(void **state)
{
	struct world *w = *state;

	assert_string_equal(add_runs(w, 0, "srcaddr=me dstaddr=10.0.0.2" BLOCK), "");
	begin(w);
	assert_string_equal(add_runs(w, 0, "srcaddr=me dstaddr=10.0.0.3" BLOCK), "");
	assert_difference(w, 1, 0);
	assert_string_equal(add_runs(w, 0, "srcaddr=me dstaddr=10.0.0.2" BLOCK), "N13008");
	assert_string_equal(add_runs(w, POLICY_RUNS_REPLACE, "srcaddr=me dstaddr=10.0.0.3" BLOCK), "");
	assert_difference(w, 1, 1);
	assert_string_equal(add_runs(w, POLICY_RUNS_VOLATILE, "srcaddr=me dstaddr=10.0.0.3" BLOCK), "");
	assert_string_equal(world_call_plain(w, "DeleteRuns"), "");
	assert_difference(w, 0, 1);
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_IPSECCMD]->n_rules, 1);
	assert_null(w->agent->rulesets[RULESET_LAYER_IPSECPOL]);
}

/* Stored policy too, whatever the call's own flags say, and with the driver's verdict. */
static void test_stores(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "p", "10.0.0.2");
	begin(w);
	APPLY(w, "set policy name=p assign=yes");
	assert_int_equal(world_count_filters(w), 0);
	assert_null(w->agent->rulesets[RULESET_LAYER_LOCAL]);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_CHECK, 1, -ENOSPC, "Too many distinct masks.");
	assert_int_not_equal(store_apply_one(w, "local", "set policy name=p assign=yes"), 0);
	assert_non_null(strstr(store_texts[0], "Too many distinct masks."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("the changes of a dry run add up", test_adds_up),
		WORLD_TEST("a dry run begins with what is in force", test_from_what_is_in_force),
		WORLD_TEST("the driver's verdict is asked for", test_driver_refuses),
		WORLD_TEST("a dry run that waits for a name", test_waits_for_name),
		WORLD_TEST("what cannot be tried is refused", test_not_to_be_tried),
		WORLD_TEST("N20 properties are tried", test_config),
		WORLD_TEST("C26 runs are tried", test_C26_runs),
		WORLD_TEST("stored policy is tried", test_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
