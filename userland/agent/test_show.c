// SPDX-License-Identifier: MIT
/* What administrators are shown. */
#include <errno.h>
#include <netinet/in.h>

#include "agent/test_world.h"

/* Rows of an answer, one after the other. */
static bool next_row(struct world *w, const struct policy_record *record, void *ret_info)
{
	char why[POLICY_WHY_LEN];
	int r = policy_bus_read_record(w->reply, record, ret_info, why);

	if (r < 0)
		fail_msg("%s", why);
	return r > 0;
}

static void test_filters_shown(void **state)
{
	struct world *w = *state;
	struct policy_qm_filter_info qm;
	struct policy_mm_filter_info mm;
	char lines[512] = "";
	size_t len = 0;

	world_add_peer_rule(w);
	assert_string_equal(world_call_string(w, "ListQmFilters", "generic"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_qm_filter_record, &qm));
	assert_string_equal(qm.source, "me");
	assert_string_equal(qm.destination, "10.0.0.2");
	assert_true(qm.mirrored);
	policy_record_clear(&policy_qm_filter_record, &qm);
	assert_false(next_row(w, &policy_qm_filter_record, &qm));

	/* me is two addresses of the family, and a mirrored rule has two directions */
	assert_string_equal(world_call_string(w, "ListQmFilters", "specific"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	while (next_row(w, &policy_qm_filter_record, &qm)) {
		len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s %s>%s %s/%s; ",
					qm.direction, qm.source, qm.destination,
					qm.outbound_action, qm.inbound_action);
		assert_true(qm.weight > 0 && qm.id > 0);
		policy_record_clear(&policy_qm_filter_record, &qm);
	}
	assert_string_equal(lines, "outbound 10.0.0.1>10.0.0.2 negotiate/none; "
			    "inbound 10.0.0.2>10.0.0.1 none/negotiate; "
			    "outbound 10.1.0.1>10.0.0.2 negotiate/none; "
			    "inbound 10.0.0.2>10.1.0.1 none/negotiate; ");

	assert_string_equal(world_call_string(w, "ListMmFilters", "specific"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_mm_filter_record, &mm));
	assert_string_equal(mm.mm_policy, "m");
	assert_string_equal(mm.auth, "psk");
	assert_string_equal(mm.source, "10.0.0.1");
	assert_true(mm.weight > 0);
	policy_record_clear(&policy_mm_filter_record, &mm);
}

/* "missing 1 block/-; ": what somebody else has done. */
static void expect_differences(struct world *w, const char *expected)
{
	struct policy_driver_difference_info info;
	char lines[512] = "";
	size_t len = 0;

	assert_string_equal(world_call_plain(w, "ListDriverDifferences"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	while (next_row(w, &policy_driver_difference_record, &info)) {
		len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s %u %s: %s > %s; ",
					info.difference, info.id, info.filter,
					info.before ? info.before : "-",
					info.after ? info.after : "-");
		policy_record_clear(&policy_driver_difference_record, &info);
	}
	assert_string_equal(lines, expected);
}

static void test_driver_differences(void **state)
{
	struct world *w = *state;
	const struct kernel_ops *ops = w->kernel->ops;
	_cleanup_free_ struct kernel_filter *filters = NULL;
	struct kernel_filter filter;
	size_t n;

	expect_differences(w, "");
	world_add_peer_rule(w);
	expect_differences(w, "");
	assert_int_equal(ops->filter_dump(w->kernel, &filters, &n), 0);
	assert_int_equal(n, 1);
	filter = filters[0];
	filter.outbound = IPSECDRV_ACTION_PERMIT;
	assert_int_equal(ops->filters_change(w->kernel, &filter.id, 1, &filter, 1), 0);
	expect_differences(w, "changed 1 me <-> 10.0.0.2 IPv4: "
			   "actioninbound=negotiate actionoutbound=negotiate > "
			   "actioninbound=negotiate actionoutbound=permit; ");
	assert_int_equal(ops->filters_del(w->kernel, &filter.id, 1), 0);
	expect_differences(w, "missing 1 me <-> 10.0.0.2 IPv4: "
			   "actioninbound=negotiate actionoutbound=negotiate > -; ");
	/* with an id of the agent's, and other traffic */
	filter.protocol = IPPROTO_TCP;
	assert_int_equal(ops->filters_add(w->kernel, &filter, 1), 0);
	expect_differences(w, "missing 1 me <-> 10.0.0.2 IPv4: "
			   "actioninbound=negotiate actionoutbound=negotiate > -; "
			   "foreign 1 me <-> 10.0.0.2 IPv4 protocol 6: - > "
			   "actioninbound=negotiate actionoutbound=permit; ");
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTER_DUMP, 1, -EIO, "no answer");
	assert_string_not_equal(world_call_plain(w, "ListDriverDifferences"), "");
}

static void test_policies_shown(void **state)
{
	struct world *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *mm = NULL;
	char why[POLICY_WHY_LEN];

	world_add_peer_rule(w);
	assert_string_equal(world_call_plain(w, "ListRules"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_int_equal(policy_bus_read_rule(w->reply, &rule, NULL, why), 1);
	assert_string_equal(rule->methods[0].secret, "open sesame");
	assert_string_equal(world_call_plain(w, "ListMmPolicies"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_int_equal(policy_bus_read_mm_policy(w->reply, &mm, NULL, why), 1);
	assert_string_equal(mm->name, "m");
	assert_int_equal(mm->lifetime_minutes, 480);
}

static void test_sas_shown(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = world_ping();
	struct policy_qm_sa_info qm;
	struct policy_mm_sa_info mm;

	world_add_peer_rule(w);
	world_start_cred(w);
	/* without ipsec-ike there are no main modes; that is an answer and not an error */
	assert_string_equal(world_call_plain(w, "ListMmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_false(next_row(w, &policy_mm_sa_record, &mm));
	world_start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(world_negotiate_pair(w, 100000 * 1024ULL), 0);

	assert_string_equal(world_call_plain(w, "ListMmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_mm_sa_record, &mm));
	assert_string_equal(mm.initiator_cookie, "0102030405060708");
	assert_string_equal(mm.encryption, "3DES");
	assert_string_equal(mm.integrity, "SHA1");
	assert_string_equal(mm.mm_policy, "m");
	policy_record_clear(&policy_mm_sa_record, &mm);

	assert_string_equal(world_call_plain(w, "ListQmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_qm_sa_record, &qm));
	assert_string_equal(qm.source, "10.0.0.1");
	assert_string_equal(qm.destination, "10.0.0.2");
	assert_string_equal(qm.qm_policy, "q");
	assert_string_equal(qm.state, "established");
	assert_int_equal(qm.esp_spi_in, w->spi);
	assert_int_equal(qm.esp_spi_out, 0x4444);
	assert_int_equal(qm.lifetime_seconds, 3600);
	policy_record_clear(&policy_qm_sa_record, &qm);
	assert_false(next_row(w, &policy_qm_sa_record, &qm));
}

/* Names of all pages of IKE's list, which ends before the answer is made. */
static void test_names(void **state)
{
	struct world *w = *state;
	struct policy_mm_sa_info mm;
	char name[16];

	world_add_peer_rule(w);
	world_start_cred(w);
	w->n_certified = LINK_PAGE_MAX + 5;
	world_start_ike(w);
	assert_string_equal(world_call_plain(w, "ListMmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	for (unsigned int i = 0; i < w->n_certified; i++) {
		assert_true(next_row(w, &policy_mm_sa_record, &mm));
		(void)snprintf(name, sizeof(name), "CN=%u", i);
		assert_string_equal(mm.source_id, "CN=we");
		assert_string_equal(mm.destination_id, name);
		assert_string_equal(mm.root_ca, "CN=root");
		policy_record_clear(&policy_mm_sa_record, &mm);
	}
	assert_false(next_row(w, &policy_mm_sa_record, &mm));
}

static void test_delete_sas(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = world_ping();
	sd_bus_message *m;
	size_t n;

	world_add_peer_rule(w);
	world_start_cred(w);
	world_start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(world_negotiate_pair(w, 100000 * 1024ULL), 0);
	m = world_call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "dstaddr", "s", "10.0.0.3") >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "");
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);
	world_stop_ike(w);		/* nobody there to do it */
	m = world_call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "dstaddr", "s", "10.0.0.2") >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "");
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 0);
	m = world_call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "peer", "s", "10.0.0.2") >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "Invalid");
}

static bool find_counter(struct world *w, const char *key, uint64_t *ret_value)
{
	const char *name;
	bool has_found = false;

	assert_true(sd_bus_message_enter_container(w->reply, 'a', "{st}") > 0);
	for (;;) {
		uint64_t value;
		int r = sd_bus_message_read(w->reply, "{st}", &name, &value);

		assert_true(r >= 0);
		if (!r)
			break;
		if (!strcmp(name, key)) {
			*ret_value = value;
			has_found = true;
		}
	}
	assert_true(sd_bus_message_exit_container(w->reply) >= 0);
	return has_found;
}

static void test_statistics(void **state)
{
	struct world *w = *state;
	uint64_t value = 0;

	assert_string_equal(world_call_plain(w, "GetStatistics"), "");
	assert_false(find_counter(w, "mainmodes", &value));
	assert_true(find_counter(w, "keyadds", &value));
	assert_true(find_counter(w, "clear-text", &value));
	assert_int_equal(value, 7);
	world_start_ike(w);
	assert_string_equal(world_call_plain(w, "GetStatistics"), "");
	assert_true(find_counter(w, "mainmodes", &value));
	assert_int_equal(value, 11);
	/* every label of "show stats" has a number */
	for (size_t i = 0; i < policy_n_ike_counters; i++) {
		assert_string_equal(world_call_plain(w, "GetStatistics"), "");
		if (!find_counter(w, policy_ike_counters[i].key, &value))
			fail_msg("%s", policy_ike_counters[i].key);
	}
	for (size_t i = 0; i < policy_n_ipsec_counters; i++) {
		assert_string_equal(world_call_plain(w, "GetStatistics"), "");
		(void)find_counter(w, "", &value);
		if (!find_counter(w, policy_ipsec_counters[i].key, &value))
			fail_msg("%s", policy_ipsec_counters[i].key);
	}
}

static void explain(struct world *w, const char *destination, struct policy_explanation_info *ret)
{
	struct policy_flow_info flow = {
		.direction = "out",
		.source = test_addr("10.0.0.1"),
		.destination = test_addr(destination),
		.protocol = 6,
		.source_port = 40000,
		.destination_port = 445,
	};
	sd_bus_message *m = world_call_new(w, "Explain");

	assert_true(policy_bus_append_record(m, &policy_flow_record, &flow) >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "");
	assert_true(next_row(w, &policy_explanation_record, ret));
}

static void test_explain(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = world_ping();
	struct policy_explanation_info info;
	struct link_acquire_result result = { .reason = IKE_REASON_NO_RESPONSE };

	world_add_peer_rule(w);
	explain(w, "10.0.0.3", &info);
	assert_string_equal(info.verdict, "pass");
	assert_string_equal(info.reason, "no-filter");
	assert_null(info.rule);
	policy_record_clear(&policy_explanation_record, &info);

	/* held, and why it will stay so */
	explain(w, "10.0.0.2", &info);
	assert_string_equal(info.verdict, "hold");
	assert_string_equal(info.action, "negotiate");
	assert_non_null(strstr(info.rule, "dstaddr=10.0.0.2"));
	assert_null(strstr(info.rule, "sesame"));
	assert_non_null(strstr(info.filter, "me <-> 10.0.0.2"));
	assert_non_null(strstr(info.failure, "ipsec-ike"));
	policy_record_clear(&policy_explanation_record, &info);

	world_start_cred(w);
	world_start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	result.acquire_id = w->acquire.id;
	assert_int_equal(link_send(link_client_link(w->ike), &link_acquire_result, &result), 0);
	RUN_UNTIL(w, kernel_fake_count(w->kernel, KERNEL_FAKE_ACQUIRE_END) == 1);
	explain(w, "10.0.0.2", &info);
	assert_string_equal(info.verdict, "drop");
	assert_string_equal(info.reason, "negotiation-failed");
	assert_non_null(strstr(info.failure, "13813"));
	assert_int_equal(info.peer.bytes[3], 2);
	policy_record_clear(&policy_explanation_record, &info);
}

static void test_config(void **state)
{
	struct world *w = *state;
	struct policy_config_info info;
	struct kernel_status status;
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;
	sd_bus_message *m;

	world_start_ike(w);
	m = world_call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "IPsecExempt", "1") >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "");
	assert_int_equal(w->kernel->ops->status_get(w->kernel, &status), 0);
	assert_int_equal(status.exempt_level, 1);
	m = world_call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "ipsecdiagnostics", "7") >= 0);
	world_make_call(w, m);
	m = world_call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "ipsecloginterval", "60") >= 0);
	world_make_call(w, m);
	assert_int_equal(w->kernel->ops->status_get(w->kernel, &status), 0);
	assert_int_equal(status.diag_level, 7);
	assert_int_equal(status.log_interval, 60);
	m = world_call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "ikelogging", "1") >= 0);
	world_make_call(w, m);
	RUN_UNTIL(w, w->ike_config.trace == IKE_TRACE_STEPS);
	m = world_call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "ipsecexempt", "9") >= 0);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "Invalid");
	w->ike = link_client_free(w->ike);
	/* kept over a restart, also over a clean one */
	agent_stop(w->agent);
	kernel = world_crash(w);
	assert_int_equal(kernel->ops->diag_set(kernel, 0, 3600), 0);
	if (world_start_agent(w, kernel, why))
		fail_msg("%s", why);
	world_connect_admin(w);
	assert_string_equal(world_call_plain(w, "GetConfig"), "");
	assert_true(next_row(w, &policy_config_record, &info));
	assert_int_equal(info.ipsecexempt, 1);
	assert_int_equal(info.ikelogging, 1);
	assert_int_equal(info.ipsecdiagnostics, 7);
	assert_int_equal(info.ipsecloginterval, 60);
	assert_string_equal(info.bootmode, "permit");
	policy_record_clear(&policy_config_record, &info);
	assert_int_equal(w->kernel->ops->status_get(w->kernel, &status), 0);
	assert_int_equal(status.exempt_level, 1);
	assert_int_equal(status.diag_level, 7);
	assert_int_equal(status.log_interval, 60);
}

static void test_status(void **state)
{
	struct world *w = *state;
	struct policy_status_info info;

	world_add_peer_rule(w);
	world_start_cred(w);
	world_start_ike(w);
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
	assert_true(next_row(w, &policy_status_record, &info));
	assert_string_equal(info.mode, "secure");
	assert_string_equal(info.layers, "dynamic");
	assert_int_equal(info.filters, 1);
	assert_int_equal(info.rules, 1);
	assert_true(info.ike);
	assert_true(info.cred);
	assert_int_equal(info.agent_pid, getpid());
	assert_string_equal(info.startup_mode, "startup-permit");
	assert_string_equal(info.boot_mode, "permit");
	policy_record_clear(&policy_status_record, &info);
}

/* Somebody else, or nobody: what the agent has set is told beside what is. */
static void test_status_of_a_stranger(void **state)
{
	struct world *w = *state;
	struct policy_status_info info;

	assert_int_equal(w->kernel->ops->mode_set(w->kernel, IPSECDRV_MODE_PERMIT, -1), 0);
	/* or the agent would set it again */
	kernel_fake_fail(w->kernel, KERNEL_FAKE_MODE_SET, 100, -EIO, "it is asleep");
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
	assert_true(next_row(w, &policy_status_record, &info));
	assert_string_equal(info.mode, "permit");
	assert_string_equal(info.wanted_mode, "secure");
	policy_record_clear(&policy_status_record, &info);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_STATUS_GET, 1, -EIO, "it is asleep");
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
	assert_true(next_row(w, &policy_status_record, &info));
	assert_null(info.mode);
	assert_false(info.ike);
	policy_record_clear(&policy_status_record, &info);
}

static void assert_layer(struct world *w, const char *expected)
{
	struct policy_layer_info info;
	char text[128];

	assert_true(next_row(w, &policy_layer_record, &info));
	snprintf(text, sizeof(text), "%s: %s, %u rules, %u filters", info.layer, info.state,
		 info.rules, info.filters);
	assert_string_equal(text, expected);
	policy_record_clear(&policy_layer_record, &info);
}

static void fail_with(struct world *w, const char *peer, enum ike_reason reason)
{
	struct ike_event event = {
		.kind = IKE_EVENT_MM_FAILED, .reason = reason, .text = ike_reason_text(reason),
	};

	assert_int_equal(ip_addr_parse(peer, &event.path.remote), 0);
	negotiate_event(w->agent->negotiate, &event);
}

/* The last of each peer, newest first, until something succeeds. */
static void test_status_lists(void **state)
{
	struct world *w = *state;
	struct policy_status_info status;
	struct policy_failure_info info;
	char peer[16];

	world_add_peer_rule(w);
	fail_with(w, "10.0.0.2", IKE_REASON_TIMED_OUT);
	for (unsigned int i = 0; i < 6; i++) {
		snprintf(peer, sizeof(peer), "10.0.0.%u", 10 + i);
		fail_with(w, peer, IKE_REASON_NO_RESPONSE);
	}
	fail_with(w, "10.0.0.2", IKE_REASON_CREDENTIALS);
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
	assert_true(next_row(w, &policy_status_record, &status));
	assert_int_equal(status.failing, 7);
	policy_record_clear(&policy_status_record, &status);
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_layer(w, "persistent: none, 0 rules, 0 filters");
	assert_layer(w, "local: none, 0 rules, 0 filters");
	assert_layer(w, "dynamic: in force, 1 rules, 1 filters");
	assert_true(sd_bus_message_exit_container(w->reply) > 0);
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_failure_record, &info));
	assert_int_equal(info.reason, IKE_REASON_CREDENTIALS);
	assert_int_equal(info.times, 2);
	assert_string_equal(info.mode, "main");
	policy_record_clear(&policy_failure_record, &info);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(next_row(w, &policy_failure_record, &info));
		assert_int_equal(info.peer.bytes[3], 15 - i);
		policy_record_clear(&policy_failure_record, &info);
	}
	assert_false(next_row(w, &policy_failure_record, &info));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("F10 N19 filters are shown as written and as they act",
			   test_filters_shown),
		WORLD_TEST("what others do to the driver's filters is told",
			   test_driver_differences),
		WORLD_TEST("N19 policies and rules are shown", test_policies_shown),
		WORLD_TEST("F13 N18 associations are shown", test_sas_shown),
		WORLD_TEST("K43 N18 names that were proved are shown", test_names),
		WORLD_TEST("test_delete_sas", test_delete_sas),
		WORLD_TEST("N18 statistics", test_statistics),
		WORLD_TEST("test_explain", test_explain),
		WORLD_TEST("N19 D31 L12 config", test_config),
		WORLD_TEST("status: driver, policy and processes", test_status),
		WORLD_TEST("status: the driver's mode is not the agent's, or not known",
			   test_status_of_a_stranger),
		WORLD_TEST("status: layers, and the last failures", test_status_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
