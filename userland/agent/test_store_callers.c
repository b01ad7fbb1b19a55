// SPDX-License-Identifier: MIT
/* Who may do what to stores, what is shown of them, and what a stored policy would do. */
#include "agent/test_store_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/caller.h"
#include "agent/stores.h"

#define SOMEBODY	12345
#define GROUP		12346

/* --- rights ------------------------------------------------------------------------------- */

static void test_rights_to_a_file(void **state)
{
	struct world *w = *state;
	gid_t gids[] = { 7, GROUP };
	struct caller somebody = { .uid = SOMEBODY, .gids = gids, .n_gids = 2 };
	struct caller administrator = { .uid = geteuid() };
	const char *path = world_path_in(w, "local.db");

	assert_true(caller_may_use(&administrator, path, true));
	assert_false(caller_may_use(&somebody, path, false));
	if (geteuid())
		return;	/* whose file it is cannot be changed then */
	assert_int_equal(chown(path, (uid_t)-1, GROUP), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(caller_may_use(&somebody, path, false));
	assert_false(caller_may_use(&somebody, path, true));
	assert_int_equal(chmod(path, 0660), 0);
	assert_true(caller_may_use(&somebody, path, true));
	somebody.n_gids = 1;
	assert_false(caller_may_use(&somebody, path, false));
	assert_false(caller_may_use(&somebody, world_path_in(w, "none.db"), false));
}

/* One call by somebody else, in a process of his own. */
struct errand {
	const char *method;
	const char *store;	/* NULL: a call without arguments */
	const char *error;	/* that it has to end with; "": none, NULL: no answer at all */
};

static int call(sd_bus *bus, const struct errand *errand, sd_bus_error *error)
{
	if (!errand->store)
		return sd_bus_call_method(bus, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE,
					  errand->method, error, NULL, "");
	if (!strcmp(errand->method, "StoreRead"))
		return sd_bus_call_method(bus, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE,
					  errand->method, error, NULL, "sa{sv}", errand->store, 0);
	return sd_bus_call_method(bus, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE,
				  errand->method, error, NULL, "sua(ssa{sv})", errand->store, 0,
				  1, "add", "filterlist", 1, "name", "s", "theirs");
}

static int run_errand(const struct world *w, const struct errand *errand)
{
	const gid_t group = GROUP;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char address[128];
	sd_bus *bus = NULL;
	int r;

	snprintf(address, sizeof(address), "unix:path=%s/control", w->dir);
	if (setgroups(1, &group) || setresgid(SOMEBODY, SOMEBODY, SOMEBODY) ||
	    setresuid(SOMEBODY, SOMEBODY, SOMEBODY))
		return 2;
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = call(bus, errand, &error);
	if (!errand->error)
		return r < 0 && (!error.name || strncmp(error.name, POLICY_BUS_ERROR,
							strlen(POLICY_BUS_ERROR)) != 0) ? 0 : 3;
	if (!errand->error[0])
		return r < 0 ? 4 : 0;
	return r < 0 && error.name && !strcmp(error.name, errand->error) ? 0 : 5;
}

static void send_somebody(struct world *w, const char *method, const char *store,
			  const char *error)
{
	struct errand errand = { method, store, error };
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(run_errand(w, &errand));
	while (waitpid(pid, &status, WNOHANG) != pid)
		assert_true(sd_event_run(w->event, 100000) >= 0);
	if (status)
		fail_msg("%s %s: status %x", method, store ? store : "", (unsigned int)status);
}

static void test_group(void **state)
{
	struct world *w = *state;

	if (geteuid())
		return;	/* there is nobody else to be; the guests see it */
	assert_int_equal(chmod(w->dir, 0755), 0);
	send_somebody(w, "StoreRead", "local", NULL);
	assert_int_equal(chown(world_path_in(w, "local.db"), (uid_t)-1, GROUP), 0);
	assert_int_equal(chmod(world_path_in(w, "local.db"), 0640), 0);
	send_somebody(w, "StoreRead", "local", "");
	send_somebody(w, "StoreApply", "local", POLICY_BUS_DENIED);
	assert_int_equal(chmod(world_path_in(w, "local.db"), 0660), 0);
	send_somebody(w, "StoreApply", "local", "");
	send_somebody(w, "StoreApply", "persistent", POLICY_BUS_DENIED);
	send_somebody(w, "StoreRead", "persistent", POLICY_BUS_DENIED);
	send_somebody(w, "GetStores", NULL, "");
	send_somebody(w, "GetStatus", NULL, POLICY_BUS_DENIED);
	send_somebody(w, "DeleteAll", NULL, POLICY_BUS_DENIED);
	send_somebody(w, "ListRules", NULL, POLICY_BUS_DENIED);
	send_somebody(w, "TryConfirm", NULL, POLICY_BUS_INVALID);	/* he might */
	assert_int_equal(chmod(world_path_in(w, "local.db"), 0600), 0);
	send_somebody(w, "StoreRead", "local", NULL);
}

/* --- showing ------------------------------------------------------------------------------ */

static struct store_content *read_store(struct world *w, const char *name,
					const struct store_query *query)
{
	sd_bus_message *m = world_call_new(w, "StoreRead");
	struct store_content *content = NULL;
	char why[POLICY_WHY_LEN];

	assert_true(sd_bus_message_append(m, "s", name) >= 0);
	assert_true(store_bus_append_query(m, query) >= 0);
	world_make_call(w, m);
	if (world_error_name(w)[0])
		return NULL;
	if (store_bus_read_content(w->reply, &content, why) < 0)
		fail_msg("%s", why);
	return content;
}

static void test_reading(void **state)
{
	const struct store_query all = { 0 }, one = { .policy = "a" };
	struct world *w = *state;
	struct store_content *content;

	store_add_policy(w, "local", "a", "10.0.0.2");
	content = read_store(w, "local", &all);
	assert_int_equal(content->n_policies, 4);	/* with the examples */
	store_content_free(content);
	content = read_store(w, "local", &one);
	assert_int_equal(content->n_policies, 1);
	assert_int_equal(content->n_lists, 1);
	assert_non_null(store_content_find_policy(content, "a")->rules[1]->list);
	store_content_free(content);
	content = read_store(w, "persistent", &all);
	assert_int_equal(content->n_policies, 0);
	store_content_free(content);
	assert_null(read_store(w, "cache", &all));
	assert_null(read_store(w, "domain", &all));
	assert_string_equal(world_error_name(w), "Invalid");
}

static void test_stores_shown(void **state)
{
	struct world *w = *state;
	struct policy_store_info info;
	char why[POLICY_WHY_LEN];

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes pollinginterval=30");
	assert_string_equal(world_call_plain(w, "GetStores"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") >= 0);
	assert_true(policy_bus_read_record(w->reply, &policy_store_record, &info, why) > 0);
	assert_string_equal(info.store, "persistent");
	assert_null(info.policy);
	policy_record_clear(&policy_store_record, &info);
	assert_true(policy_bus_read_record(w->reply, &policy_store_record, &info, why) > 0);
	assert_string_equal(info.store, "local");
	assert_string_equal(info.policy, "a");
	assert_true(info.in_force && info.writable && !info.fault);
	assert_int_equal(info.rules, 1);
	assert_int_equal(info.polling_minutes, 30);
	policy_record_clear(&policy_store_record, &info);
	assert_int_equal(policy_bus_read_record(w->reply, &policy_store_record, &info, why), 0);
	/* what the persistent store has since the start is shown, and that it waits */
	store_add_policy(w, "persistent", "base", "10.0.0.8");
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=base assign=yes"), 0);
	assert_string_equal(world_call_plain(w, "GetStores"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") >= 0);
	assert_true(policy_bus_read_record(w->reply, &policy_store_record, &info, why) > 0);
	assert_string_equal(info.policy, "base");
	assert_false(info.in_force);
	assert_non_null(strstr(info.fault, "next start"));
	policy_record_clear(&policy_store_record, &info);
}

/* --- explaining --------------------------------------------------------------------------- */

static struct policy_flow_info flow_to(const char *direction, const char *source,
				       const char *destination, uint32_t protocol, uint32_t port)
{
	return (struct policy_flow_info){
		.direction = direction,
		.source = test_addr(source),
		.destination = test_addr(destination),
		.protocol = protocol,
		.source_port = 40000,
		.destination_port = port,
	};
}

/* NULL @policy: what the driver does now. */
static struct policy_explanation_info explain(struct world *w, const char *policy,
					      const struct policy_flow_info *flow)
{
	sd_bus_message *m = world_call_new(w, policy ? "StoreExplain" : "Explain");
	struct policy_explanation_info info = { 0 };
	char why[POLICY_WHY_LEN];

	if (policy)
		assert_true(sd_bus_message_append(m, "ss", "local", policy) >= 0);
	assert_true(policy_bus_append_record(m, &policy_flow_record, flow) >= 0);
	world_make_call(w, m);
	if (world_error_name(w)[0])
		return info;
	assert_true(policy_bus_read_record(w->reply, &policy_explanation_record, &info, why) > 0);
	return info;
}

/* What was said of the policy before it was assigned is what the driver then does. */
static void test_explained_before_and_after(void **state)
{
	struct world *w = *state;
	const struct policy_flow_info flows[] = {
		flow_to("out", "10.0.0.1", "10.0.0.2", 6, 80),
		flow_to("out", "10.0.0.1", "10.0.0.2", 6, 23),
		flow_to("in", "10.0.0.9", "10.0.0.1", 6, 23),
		flow_to("out", "10.0.0.1", "10.0.0.3", 17, 53),
		flow_to("in", "10.0.0.3", "10.0.0.1", 17, 53),
		flow_to("in", "10.0.0.4", "10.0.0.1", 1, 0),
		flow_to("out", "2001:db8::1", "2001:db8::9", 6, 80),
	};
	struct policy_explanation_info said[sizeof(flows) / sizeof(flows[0])];

	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "add filteraction name=pass action=permit");
	APPLY(w, "add filteraction name=secure action=negotiate");
	APPLY(w, "add filteraction name=answer action=negotiate inpass=yes");
	APPLY(w, "add filter filterlist=telnet srcaddr=me dstaddr=10.0.0.2 protocol=TCP dstport=23");
	APPLY(w, "add filter filterlist=net srcaddr=me dstaddr=10.0.0.0/24");
	APPLY(w, "add filter filterlist=three srcaddr=me dstaddr=10.0.0.3");
	APPLY(w, "add rule policy=a name=telnet filterlist=telnet filteraction=pass");
	APPLY(w, "add rule policy=a name=net filterlist=net filteraction=answer psk=k");
	APPLY(w, "add rule policy=a name=three filterlist=three filteraction=secure psk=k");
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		said[i] = explain(w, "a", &flows[i]);
		assert_string_equal(world_error_text(w), "");
	}
	assert_int_equal(world_count_filters(w), 0);
	assert_string_equal(said[0].verdict, "drop");
	assert_string_equal(said[1].verdict, "pass");
	assert_non_null(strstr(said[1].rule, "telnet"));
	assert_string_equal(said[3].verdict, "hold");
	assert_string_equal(said[4].reason, "clear-text");
	assert_string_equal(said[5].reason, "inbound-passthrough");
	assert_string_equal(said[6].reason, "no-filter");
	APPLY(w, "set policy name=a assign=yes");
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		struct policy_explanation_info is = explain(w, NULL, &flows[i]);

		assert_string_equal(is.verdict, said[i].verdict);
		/* the driver in memory has one word less */
		if (strcmp(said[i].reason, "inbound-passthrough") != 0)
			assert_string_equal(is.reason, said[i].reason);
		if (is.filter)
			assert_string_equal(is.filter, said[i].filter);
		policy_record_clear(&policy_explanation_record, &is);
		policy_record_clear(&policy_explanation_record, &said[i]);
	}
}

static void test_what_cannot_be_explained(void **state)
{
	struct world *w = *state;
	struct policy_flow_info flow = flow_to("out", "10.0.0.1", "10.0.0.2", 6, 80);
	struct policy_explanation_info info;

	(void)explain(w, "none", &flow);
	assert_string_equal(world_error_name(w), "N1168");
	/* other layers count, and the policy that is assigned does not */
	store_add_policy(w, "local", "a", "10.0.0.2");
	store_add_policy(w, "local", "b", "10.0.0.3");
	APPLY(w, "set policy name=a assign=yes");
	info = explain(w, "b", &flow);
	assert_string_equal(info.verdict, "pass");
	policy_record_clear(&policy_explanation_record, &info);
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.0/24 "
					      "actioninbound=block actionoutbound=block"), "");
	info = explain(w, "b", &flow);
	assert_string_equal(info.verdict, "drop");
	policy_record_clear(&policy_explanation_record, &info);
}

/* --- the two commits ---------------------------------------------------------------------- */

/* No file grows any more: the store's COMMIT fails after the driver's. */
static void set_limit(const struct world *w, bool is_set)
{
	struct rlimit limit;
	struct stat st;

	assert_int_equal(stat(world_path_in(w, "local.db-wal"), &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = is_set ? (rlim_t)st.st_size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_the_store_cannot_commit(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "a", "10.0.0.2");
	store_add_policy(w, "local", "b", "10.0.0.3");
	APPLY(w, "set policy name=a assign=yes");
	(void)signal(SIGXFSZ, SIG_IGN);
	set_limit(w, true);
	assert_int_equal(store_apply_one(w, "local", "set policy name=b assign=yes"), 31);
	set_limit(w, false);
	assert_int_equal(world_count_filters(w), 1);
	assert_string_equal(stores_slot_policy(stores_assigned(w->agent->stores)), "a");
	{
		char text[KERNEL_FILTER_STRLEN];
		size_t n;

		assert_non_null(strstr(kernel_filter_format(kernel_fake_filters(w->kernel, &n),
							    text), "10.0.0.2"));
	}
	APPLY(w, "set policy name=b assign=yes");
	assert_string_equal(stores_slot_policy(stores_assigned(w->agent->stores)), "b");
	assert_int_equal(world_count_filters(w), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("X02 owner, group and mode of the file are the rights to a store",
			   test_rights_to_a_file),
		WORLD_TEST("X02 a group changes the local store, and nothing else", test_group),
		WORLD_TEST("A16 stores are read", test_reading),
		WORLD_TEST("A06 stores are shown", test_stores_shown),
		WORLD_TEST("what is said of a stored policy is what the driver does",
			   test_explained_before_and_after),
		WORLD_TEST("what cannot be explained", test_what_cannot_be_explained),
		WORLD_TEST("what cannot be stored is not in force", test_the_store_cannot_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
