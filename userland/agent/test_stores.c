// SPDX-License-Identifier: MIT
/* Stored policy from the call to the driver: what is assigned is in force, and nothing else. */
#include "agent/test_store_calls.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/store_job.h"
#include "agent/stores.h"
#include "agent/trial.h"
#include "store/copy.h"

/* --- looking ------------------------------------------------------------------------------- */

/* Filters of that action in the driver. */
static size_t count_actions(const struct world *w, enum ipsecdrv_action action)
{
	const struct kernel_filter *filters;
	size_t n, count = 0;

	filters = kernel_fake_filters(w->kernel, &n);
	for (size_t i = 0; i < n; i++)
		count += filters[i].outbound == action;
	return count;
}

static unsigned int count_commits(const struct world *w)
{
	return kernel_fake_count(w->kernel, KERNEL_FAKE_FILTERS_ADD) +
	       kernel_fake_count(w->kernel, KERNEL_FAKE_FILTERS_DEL) +
	       kernel_fake_count(w->kernel, KERNEL_FAKE_FILTERS_CHANGE) +
	       kernel_fake_count(w->kernel, KERNEL_FAKE_FILTERS_REPLACE);
}

/* The store as anybody else sees it. */
static struct store *open_store(const struct world *w, const char *file)
{
	struct store *store = NULL;
	struct fault fault;

	if (store_open(world_path_in(w, file), STORE_OPEN_WRITE, &store, &fault))
		fail_msg("%s", fault.text);
	return store;
}

static void change_by_others(const struct world *w, const char *file, const char *command)
{
	struct store *store = open_store(w, file);
	struct store_change change = store_change_of(command);
	struct fault fault;

	if (store_apply(store, &change, &fault))
		fail_msg("%s: %s", command, fault.text);
	store_change_clear(&change);
	store_close(store);
}

static bool is_assigned(const struct world *w, const char *file, const char *policy)
{
	struct store *store = open_store(w, file);
	const struct store_query query = { .only_assigned = true };
	struct store_content *content = NULL;
	const struct store_policy *assigned;
	struct fault fault;
	bool is;

	assert_int_equal(store_read(store, &query, &content, &fault), 0);
	assigned = store_content_assigned(content);
	is = assigned && policy_name_is_equal(assigned->head.name, policy);
	store_content_free(content);
	store_close(store);
	return is;
}

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

static const char *slot_fault(const struct world *w, enum store_location location)
{
	return w->agent->stores->slots[location].fault;
}

/* --- assigning ---------------------------------------------------------------------------- */

static void test_nothing_is_assigned_at_first(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(stat(world_path_in(w, "local.db"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(world_path_in(w, "persistent.db"), &st), 0);
	assert_null(stores_fault(w->agent->stores));
	APPLY(w, "set policy name=Client~(Respond~Only) assign=yes");
	assert_int_equal(world_count_filters(w), 0);	/* it only answers */
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=Client~(Respond~Only) assign=yes"),
			 POLICY_ERROR_OBJECT_NOT_FOUND);
}

static void test_only_the_assigned_acts(void **state)
{
	struct world *w = *state;
	unsigned int before = count_commits(w);

	store_add_policy(w, "local", "a", "10.0.0.2");
	store_add_policy(w, "local", "b", "10.0.0.3");
	APPLY(w, "set filteraction name=action-a description=changed");
	assert_int_equal(count_commits(w), before);
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(world_count_filters(w), 1);
	before = count_commits(w);
	APPLY(w, "add filter filterlist=list-b srcaddr=me dstaddr=10.0.0.9");
	APPLY(w, "add policy name=c");
	assert_int_equal(count_commits(w), before);
	APPLY(w, "set policy name=b assign=yes");
	assert_int_equal(world_count_filters(w), 2);
	assert_false(is_assigned(w, "local.db", "a"));
	assert_true(is_assigned(w, "local.db", "b"));
	APPLY(w, "set policy name=b assign=no");
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(world_count_filters(w), 1);
	APPLY(w, "delete policy name=a");
	assert_int_equal(world_count_filters(w), 0);
}

static void test_changes_of_the_assigned(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	APPLY(w, "add filter filterlist=list-a srcaddr=me dstaddr=10.0.0.3");
	assert_int_equal(world_count_filters(w), 2);
	APPLY(w, "set filteraction name=action-a action=permit");
	assert_int_equal(count_actions(w, IPSECDRV_ACTION_PERMIT), 2);
	APPLY(w, "set rule policy=a name=rule activate=no");
	assert_int_equal(world_count_filters(w), 0);
}

/* --- refusals ----------------------------------------------------------------------------- */

/* The driver says no: store and driver are as they were. */
static void test_refused_by_the_driver(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_ADD, 1, -ENOSPC, "Too many masks.");
	assert_int_equal(store_apply_one(w, "local", "set policy name=a assign=yes"), 31);
	assert_non_null(strstr(store_texts[0], "Too many masks."));
	assert_int_equal(world_count_filters(w), 0);
	assert_false(is_assigned(w, "local.db", "a"));
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(world_count_filters(w), 1);
	assert_true(is_assigned(w, "local.db", "a"));
}

/* Several changes in one call: the one that is to blame is refused, the others are made. */
static void test_each_by_itself(void **state)
{
	static const char *const commands[] = {
		"add filter filterlist=list-a srcaddr=me dstaddr=10.0.0.4",
		"add filter filterlist=none.such~x srcaddr=me dstaddr=10.0.0.5",
		"add rule policy=none name=r filterlist=list-a filteraction=action-a",
		"add filter filterlist=list-a srcaddr=me dstaddr=none.example",
		"add filter filterlist=list-a srcaddr=me dstaddr=10.0.0.6",
	};
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	store_apply_all(w, "local", 0, commands, 5);
	assert_int_equal(store_n_outcomes, 5);
	assert_int_equal(store_numbers[0], 0);
	assert_int_equal(store_numbers[1], 0);
	assert_int_equal(store_numbers[2], POLICY_ERROR_OBJECT_NOT_FOUND);
	assert_int_equal(store_numbers[3], 87);
	assert_non_null(strstr(store_texts[3], "none.example"));
	assert_int_equal(store_numbers[4], 0);
	assert_int_equal(world_count_filters(w), 3);
	/* and all or nothing */
	store_apply_all(w, "local", STORE_APPLY_ALL, commands + 3, 2);
	assert_true(store_numbers[0] && store_numbers[1]);
	assert_int_equal(world_count_filters(w), 3);
	APPLY(w, "add filter filterlist=list-a srcaddr=me dstaddr=host.example");
	assert_int_equal(world_count_filters(w), 4);
}

/* However many names are new, they are resolved one after the other, and then all changes tried again. */
static void test_many_names(void **state)
{
	static char texts[STORE_OUTCOMES_MAX][96];
	const char *commands[STORE_OUTCOMES_MAX];
	struct world *w = *state;

	/* each name twice, and not in their order */
	for (size_t i = 0; i < STORE_OUTCOMES_MAX; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "add filter filterlist=list-a srcaddr=me "
			       "dstaddr=%s%c.many.example protocol=TCP dstport=%zu",
			       i < 2 ? "slow." : "", (char)('z' - i / 2), i + 1);
		commands[i] = texts[i];
	}
	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	pthread_mutex_lock(&world_gate);
	world_send_call(w, store_apply_call(w, "local", 0, commands, STORE_OUTCOMES_MAX));
	RUN_UNTIL(w, w->agent->stores->jobs && w->agent->stores->jobs->n_names);
	assert_int_equal(w->agent->stores->jobs->n_names, STORE_OUTCOMES_MAX / 2);
	pthread_mutex_unlock(&world_gate);
	RUN_UNTIL(w, w->reply);
	store_read_outcomes(w);
	for (size_t i = 0; i < STORE_OUTCOMES_MAX; i++)
		assert_int_equal(store_numbers[i], 0);
	assert_int_equal(world_count_filters(w), 1 + STORE_OUTCOMES_MAX);
}

/* The pairs of one rule share its methods on the way to ipsec-cred, wherever they are in the list. */
static void test_shared_methods(void **state)
{
	static const char *const commands[] = {
		"add filter filterlist=a srcaddr=me dstaddr=10.0.0.2",
		"add filter filterlist=b srcaddr=me dstaddr=10.0.0.3",
		"add filter filterlist=a srcaddr=me dstaddr=10.0.0.4",
		"add filter filterlist=a srcaddr=me dstaddr=10.0.1.0/24",
		"add filteraction name=secure",
		"add policy name=p activatedefaultrule=no",
		"add rule policy=p name=a filterlist=a filteraction=secure psk=one",
		"add rule policy=p name=b filterlist=b filteraction=secure psk=two",
		"set policy name=p assign=yes",
	};
	struct world *w = *state;

	world_start_cred(w);
	store_apply_all(w, "local", 0, commands, sizeof(commands) / sizeof(commands[0]));
	RUN_UNTIL(w, w->n_cred_rules == 4);
	assert_string_equal(w->secrets, "10.0.0.2/32=one 10.0.0.3/32=two 10.0.0.4/32=one "
					"10.0.1.0/24=one ");
	assert_int_equal(w->n_cred_shared, 2);
}

static void test_dry_run(void **state)
{
	static const char *const commands[] = {
		"set policy name=a assign=yes", "delete policy name=none",
	};
	struct world *w = *state;
	unsigned int before;

	store_add_policy(w, "local", "a", "10.0.0.2");
	before = count_commits(w);
	store_apply_all(w, "local", STORE_APPLY_DRY_RUN, commands, 2);
	assert_int_equal(store_numbers[0], 0);
	assert_int_equal(store_numbers[1], POLICY_ERROR_OBJECT_NOT_FOUND);
	assert_int_equal(count_commits(w), before);
	assert_false(is_assigned(w, "local.db", "a"));
}

static void test_what_cannot_be_changed(void **state)
{
	static const char *const commands[] = { "add policy name=p" };
	struct world *w = *state;

	store_apply_all(w, "cache", 0, commands, 1);
	assert_string_equal(world_error_name(w), "Denied");
	store_apply_all(w, "domain", 0, commands, 1);
	assert_string_equal(world_error_name(w), "Invalid");
	assert_non_null(strstr(world_error_text(w), "directory"));
	store_apply_all(w, "elsewhere", 0, commands, 1);
	assert_string_equal(world_error_name(w), "Invalid");
	store_apply_all(w, "local", 4, commands, 1);
	assert_string_equal(world_error_name(w), "Invalid");
}

/* --- others ------------------------------------------------------------------------------- */

static void test_changes_by_others(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	store_add_policy(w, "local", "b", "10.0.0.3");
	change_by_others(w, "local.db", "set policy name=a assign=yes");
	RUN_UNTIL(w, world_count_filters(w) == 1);
	change_by_others(w, "local.db", "add filter filterlist=list-a srcaddr=me dstaddr=10.0.0.7");
	RUN_UNTIL(w, world_count_filters(w) == 2);
	change_by_others(w, "local.db", "set policy name=a assign=no");
	RUN_UNTIL(w, world_count_filters(w) == 0);
}

static void write_rubbish(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < 1000; i++)
		fputs("this is no store ", file);
	fclose(file);
}

/* The store is in the file "aside" instead, and in its place is something else. */
static void damage(const struct world *w, const char *name)
{
	char path[128], other[160], aside[128];
	struct fault fault;

	snprintf(path, sizeof(path), "%s", world_path_in(w, name));
	snprintf(aside, sizeof(aside), "%s", world_path_in(w, "aside"));
	if (store_copy_save(path, aside, &fault))
		fail_msg("%s", fault.text);
	for (size_t i = 0; i < 2; i++) {
		snprintf(other, sizeof(other), "%s%s", path, i ? "-wal" : "-shm");
		(void)unlink(other);
	}
	assert_int_equal(unlink(path), 0);
	write_rubbish(path);
}

static void mend(const struct world *w, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s", world_path_in(w, name));
	assert_int_equal(rename(world_path_in(w, "aside"), path), 0);
}

/* What was put in force stays until there is something good again. */
static void test_a_damaged_store_changes_nothing(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	damage(w, "local.db");
	RUN_UNTIL(w, slot_fault(w, STORE_LOCATION_LOCAL));
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(store_apply_one(w, "local", "add policy name=z"), 31);
	mend(w, "local.db");
	RUN_UNTIL(w, !slot_fault(w, STORE_LOCATION_LOCAL));
	APPLY(w, "set policy name=a assign=no");
	assert_int_equal(world_count_filters(w), 0);
}

/* --- restarts ----------------------------------------------------------------------------- */

static void test_restart(void **state)
{
	struct world *w = *state;
	uint32_t id;
	size_t n;

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.3 "
					      "actioninbound=block actionoutbound=block"), "");
	id = kernel_fake_filters(w->kernel, &n)[0].id;
	restart(w, false);
	assert_int_equal(world_count_filters(w), 2);
	assert_int_equal(kernel_fake_filters(w->kernel, &n)[0].id, id);
	/* stopped: the rules of the dynamic context are gone, the store is not */
	restart(w, true);
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	/* it was there before the driver left the mode it starts in */
	assert_int_equal(kernel_fake_filters_at_mode(w->kernel), 1);
	/* changed while there was no agent */
	agent_stop(w->agent);
	{
		char why[AGENT_WHY_LEN];
		struct kernel *kernel = world_crash(w);

		assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_PERMIT);
		change_by_others(w, "local.db",
				 "add filter filterlist=list-a srcaddr=me dstaddr=10.0.0.4");
		assert_int_equal(world_start_agent(w, kernel, why), 0);
	}
	assert_int_equal(world_count_filters(w), 2);
	world_connect_admin(w);
}

static void test_persistent(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "persistent", "base", "10.0.0.8");
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=base assign=yes"), 0);
	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(world_count_filters(w), 1);
	restart(w, true);
	assert_int_equal(world_count_filters(w), 2);
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=base assign=no"), 0);
	assert_int_equal(world_count_filters(w), 2);
	APPLY(w, "set policy name=a assign=no");
	assert_int_equal(world_count_filters(w), 1);
	restart(w, true);
	assert_int_equal(world_count_filters(w), 0);
}

/* Without the base that the administrator wanted under everything, nothing passes. */
static void test_persistent_that_cannot_be_read(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	agent_stop(w->agent);
	kernel = world_crash(w);
	damage(w, "persistent.db");
	assert_int_equal(world_start_agent(w, kernel, why), 0);
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_BLOCK);
	assert_non_null(stores_fault(w->agent->stores));
	world_connect_admin(w);
	/* nothing that is done now lets anything pass */
	APPLY(w, "set policy name=a assign=no");
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_BLOCK);
	mend(w, "persistent.db");
	restart(w, true);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 1);
}

static void test_persistent_that_the_driver_refuses(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;

	store_add_policy(w, "persistent", "base", "10.0.0.8");
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=base assign=yes"), 0);
	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	agent_stop(w->agent);
	kernel = world_crash(w);
	kernel_fake_fail(kernel, KERNEL_FAKE_FILTERS_REPLACE, 1, -ENOMEM, "No memory.");
	assert_int_equal(world_start_agent(w, kernel, why), 0);
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_BLOCK);
	assert_int_equal(world_count_filters(w), 1);	/* its settings are removed */
	world_connect_admin(w);
	restart(w, true);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 2);
}

/* A local store that cannot be read at the start: the same, until it is mended. */
static void test_local_that_cannot_be_read(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	kernel = world_crash(w);
	damage(w, "local.db");
	assert_int_equal(world_start_agent(w, kernel, why), 0);
	world_connect_admin(w);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	mend(w, "local.db");
	RUN_UNTIL(w, kernel_fake_mode(w->kernel) == IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 1);
}

/* --- tries -------------------------------------------------------------------------------- */

static const char *try_for(struct world *w, uint32_t seconds)
{
	sd_bus_message *m = world_call_new(w, "TryBegin");

	assert_true(sd_bus_message_append(m, "u", seconds) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

static void test_try(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	assert_string_equal(world_call_plain(w, "TryConfirm"), "Invalid");
	assert_string_equal(try_for(w, 0), "Invalid");
	assert_string_equal(try_for(w, 600), "");
	assert_string_equal(try_for(w, 600), "Invalid");
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(world_count_filters(w), 1);
	assert_string_equal(world_call_plain(w, "TryEnd"), "");
	assert_int_equal(world_count_filters(w), 0);
	assert_false(is_assigned(w, "local.db", "a"));
	assert_string_equal(try_for(w, 1), "");
	APPLY(w, "set policy name=a assign=yes");
	RUN_UNTIL(w, world_count_filters(w) == 0);
	assert_false(is_assigned(w, "local.db", "a"));
	assert_string_equal(try_for(w, 600), "");
	APPLY(w, "set policy name=a assign=yes");
	assert_string_equal(world_call_plain(w, "TryConfirm"), "");
	assert_string_equal(world_call_plain(w, "TryEnd"), "Invalid");
	assert_true(is_assigned(w, "local.db", "a"));
}

/* The agent is killed meanwhile; its successor keeps the word. */
static void test_try_and_crash(void **state)
{
	struct world *w = *state;
	struct kernel *kernel;
	char why[AGENT_WHY_LEN];
	FILE *file;

	store_add_policy(w, "local", "a", "10.0.0.2");
	assert_string_equal(try_for(w, 600), "");
	APPLY(w, "set policy name=a assign=yes");
	restart(w, false);
	assert_int_equal(world_count_filters(w), 1);
	assert_in_range(trial_seconds(w->agent->stores->trial), 1, 600);
	/* a machine that was restarted: its time is over */
	kernel = world_crash(w);
	file = fopen(world_path_in(w, "local.db.try-until"), "w");
	fputs("00000000000000000000000000000001 99999999\n", file);
	fclose(file);
	assert_int_equal(world_start_agent(w, kernel, why), 0);
	world_connect_admin(w);
	assert_int_equal(world_count_filters(w), 0);
	assert_false(is_assigned(w, "local.db", "a"));
	assert_int_equal(access(world_path_in(w, "local.db.try"), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("A32 a fresh store has the examples, and none is assigned",
			   test_nothing_is_assigned_at_first),
		WORLD_TEST("A04 A05 A08 A17 N02 N09 only the assigned policy is in the driver",
			   test_only_the_assigned_acts),
		WORLD_TEST("A03 a change of the assigned policy is in the driver when it is answered",
			   test_changes_of_the_assigned),
		WORLD_TEST("a change that the driver refuses is not stored", test_refused_by_the_driver),
		WORLD_TEST("of many changes those that can be are made", test_each_by_itself),
		WORLD_TEST("F35 many names are resolved in one go", test_many_names),
		WORLD_TEST("the pairs of a rule share its methods", test_shared_methods),
		WORLD_TEST("a dry run changes nothing", test_dry_run),
		WORLD_TEST("A16 the cache and a directory cannot be changed",
			   test_what_cannot_be_changed),
		WORLD_TEST("A03 A07 what others store is put in force", test_changes_by_others),
		WORLD_TEST("a damaged store changes nothing", test_a_damaged_store_changes_nothing),
		WORLD_TEST("A18 A33 a restart reads the store, and dynamic rules do not outlive a stop",
			   test_restart),
		WORLD_TEST("A09 A10 A11 persistent policy adds up, and acts from the next start on",
			   test_persistent),
		WORLD_TEST("D17 persistent policy that cannot be read blocks",
			   test_persistent_that_cannot_be_read),
		WORLD_TEST("D17 persistent policy that the driver refuses blocks",
			   test_persistent_that_the_driver_refuses),
		WORLD_TEST("a local store that cannot be read blocks until it is mended",
			   test_local_that_cannot_be_read),
		WORLD_TEST("a try takes itself back unless it is confirmed", test_try),
		WORLD_TEST("a try outlives the agent", test_try_and_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
