// SPDX-License-Identifier: MIT
/* The calls of ipseccmd's dynamic mode. */
#include "agent/test_world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/test_util.h"
#include "nl/kernel_fake.h"
#include "policy/runs.h"

/* One run: "block" this traffic, or negotiate it with a policy "1". */
static void add_to(struct policy_runs *runs, const char *tags, bool is_negotiated)
{
	if (is_negotiated)
		assert_int_equal(policy_runs_add_qm(runs, test_qm("name=1", NULL)), 0);
	assert_int_equal(policy_runs_add_rule(runs, test_rule(tags, NULL)), 0);
}

/* Clears *runs; the error's name. */
static const char *call(struct world *w, uint32_t flags, struct policy_runs *runs)
{
	sd_bus_message *m = world_call_new(w, "AddRuns");

	assert_true(sd_bus_message_append(m, "u", flags) >= 0);
	assert_true(policy_bus_append_runs(m, runs) >= 0);
	policy_runs_clear(runs);
	world_make_call(w, m);
	return world_error_name(w);
}

#define BLOCK " actioninbound=block actionoutbound=block"

static void test_C06_C26_add_and_delete(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.3 qmpolicy=1 psk=secret", true);
	assert_string_equal(call(w, 0, &runs), "");
	assert_int_equal(world_count_filters(w), 2);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.4" BLOCK, false);
	assert_string_equal(call(w, POLICY_RUNS_VOLATILE, &runs), "");
	assert_int_equal(world_count_filters(w), 3);
	/* netsh's own are not ipseccmd's to delete */
	world_add_peer_rule(w);
	assert_string_equal(world_call_plain(w, "DeleteRuns"), "");
	assert_int_equal(world_count_filters(w), 1);
}

static void test_C27_all_or_none(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "");
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.5" BLOCK, false);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "N13008");
	assert_int_equal(world_count_filters(w), 1);
	/* what a batch with -u in it asks for */
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.5" BLOCK, false);
	assert_string_equal(call(w, POLICY_RUNS_REPLACE, &runs), "");
	assert_int_equal(world_count_filters(w), 2);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	assert_string_equal(call(w, 1U << 31, &runs), "Invalid");
	add_to(&runs, "srcaddr=me dstaddr=host.example" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "Invalid");
	assert_int_equal(world_count_filters(w), 0);
}

/* --- dynamic.db --------------------------------------------------------------------------- */

static void restart(struct world *w, bool is_stopped)
{
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;

	if (is_stopped)
		agent_stop(w->agent);
	kernel = world_crash(w);
	if (world_start_agent(w, kernel, why))
		fail_msg("%s", why);
	world_connect_admin(w);
}

/* What is not volatile outlives a stop; a crash is none, and takes nothing. */
static void test_A20_A21_kept(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	add_to(&runs, "srcaddr=me dstaddr=10.0.0.3 qmpolicy=1 psk=secret", true);
	assert_string_equal(call(w, 0, &runs), "");
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.4" BLOCK, false);
	assert_string_equal(call(w, POLICY_RUNS_VOLATILE, &runs), "");
	restart(w, false);
	assert_int_equal(world_count_filters(w), 2);
	restart(w, true);
	assert_int_equal(world_count_filters(w), 1);
	assert_null(w->agent->rulesets[RULESET_LAYER_IPSECPOL]);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_IPSECCMD]->n_rules, 1);
	assert_string_equal(world_call_plain(w, "DeleteRuns"), "");
	restart(w, true);
	assert_int_equal(world_count_filters(w), 0);
}

/* What the driver refuses is not kept either, and what cannot be kept is not in force. */
static void test_both_or_none(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "");
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_ADD, 1, -ENOSPC, "Too many filters.");
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.5" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "Failed");
	restart(w, true);
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(unlink(w->agent->runs_path), 0);
	assert_int_equal(mkdir(w->agent->runs_path, 0700), 0);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.5" BLOCK, false);
	assert_string_not_equal(call(w, 0, &runs), "");
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_IPSECCMD]->n_rules, 1);
	assert_int_equal(rmdir(w->agent->runs_path), 0);
}

static void write_noise(const char *path)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs("noise", file);
	assert_int_equal(fclose(file), 0);
}

/* What was to be protected is not known: nothing passes until somebody has looked. */
static void test_damaged(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	write_noise(w->agent->runs_path);
	restart(w, true);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	assert_non_null(strstr(w->agent->runs_fault, "dynamic.db"));
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_not_equal(call(w, 0, &runs), "");
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(unlink(w->agent->runs_path), 0);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "");
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_null(w->agent->runs_fault);
}

/* A crashed agent had it in force: block mode comes before anything is taken from the driver. */
static void test_damaged_after_crash(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };

	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_equal(call(w, 0, &runs), "");
	write_noise(w->agent->runs_path);
	restart(w, false);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	assert_int_equal(unlink(w->agent->runs_path), 0);
}

/* Readable, but not put in force: adding to it must not be what deletes it. */
static void test_refused_is_kept(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };
	struct fault fault;

	assert_int_equal(policy_runs_add_qm(&runs, test_qm("name=1 qmsecmethods=ESP[DES,MD5]", NULL)), 0);
	assert_int_equal(policy_runs_add_rule(
		&runs, test_rule("srcaddr=me dstaddr=10.0.0.3 qmpolicy=1 psk=secret", NULL)), 0);
	assert_string_equal(call(w, 0, &runs), "");
	assert_int_equal(config_set(w->agent->config, "strongcrypto", "1", &fault), 0);
	restart(w, true);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	add_to(&runs, "srcaddr=me dstaddr=10.0.0.2" BLOCK, false);
	assert_string_not_equal(call(w, 0, &runs), "");
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	assert_int_equal(config_set(w->agent->config, "strongcrypto", "0", &fault), 0);
	restart(w, true);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("C06 C26 runs are added, and deleted all together", test_C06_C26_add_and_delete),
		WORLD_TEST("C27 a batch is done, or nothing", test_C27_all_or_none),
		WORLD_TEST("runs that are refused", test_refused),
		WORLD_TEST("A20 A21 runs are kept, if they are not volatile", test_A20_A21_kept),
		WORLD_TEST("driver and file have the same", test_both_or_none),
		WORLD_TEST("a damaged file", test_damaged),
		WORLD_TEST("a damaged file after a crash", test_damaged_after_crash),
		WORLD_TEST("a refused file is not written over", test_refused_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
