// SPDX-License-Identifier: MIT
/*
 * Objects and records through a D-Bus message and back. Whole calls are in the tests of the command
 * line; here is what a well-behaved caller never sends.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "policy/bus.h"
#include "policy/runs.h"
#include "policy/text.h"

/* Messages need a bus that has begun; nobody answers on this one. */
static sd_bus *bus;

static int start_bus(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	*state = (void *)(intptr_t)fds[1];
	return 0;
}

static int stop_bus(void **state)
{
	sd_bus_close_unref(bus);
	return close((int)(intptr_t)*state);
}

static sd_bus_message *new_message(void)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(bus, &m, NULL, POLICY_BUS_PATH,
						   POLICY_BUS_INTERFACE, "Test") >= 0);
	return m;
}

static sd_bus_message *seal(sd_bus_message *m)
{
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
	return m;
}

static struct policy_rule *make_rule(void)
{
	static const char *const tags[][2] = {
		{ "srcaddr", "10.1.0.0/255.0.255.0" }, { "dstaddr", "peer.example" },
		{ "protocol", "UDP" }, { "srcport", "500" }, { "dstport", "65535" },
		{ "mirrored", "no" }, { "conntype", "dialup" }, { "tunneldstaddress", "fd00::1" },
		{ "mmpolicy", "m m" }, { "qmpolicy", "q" }, { "actioninbound", "permit" },
		{ "actionoutbound", "block" }, { "psk", "k\"\\'=, \xc3\xbc" },
		{ "kerberos", "yes" }, { "rootca", "CN=\\'A\\' certmap:yes" },
		{ "interface", "eth0" }, { "mainmode", "others" },
	};
	struct policy_rule *rule = policy_rule_new();
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		assert_int_equal(policy_rule_set_tag(rule, tags[i][0], tags[i][1], &given, why), 0);
	return rule;
}

static void rules(void **state)
{
	struct policy_rule *rule = make_rule(), *back = NULL;
	_cleanup_(policy_rule_freep) struct policy_rule *answers = policy_rule_new();
	sd_bus_message *m = new_message();
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;

	(void)state;
	assert_true(sd_bus_message_open_container(m, 'a', "a{sv}") >= 0);
	assert_true(policy_bus_append_rule(m, rule, POLICY_BUS_SECRETS) >= 0);
	assert_true(policy_bus_append_rule(m, rule, POLICY_BUS_PUBLIC) >= 0);
	assert_true(policy_bus_append_rule_fields(m, rule, POLICY_FIELDS_SELECTOR,
						  POLICY_BUS_SECRETS) >= 0);
	answers->destination.kind = POLICY_ADDRESS_ANY;
	answers->is_default_response = true;
	assert_true(policy_bus_append_rule_fields(m, answers, POLICY_FIELDS_SELECTOR,
						  POLICY_BUS_SECRETS) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	seal(m);
	assert_int_equal(sd_bus_message_enter_container(m, 'a', "a{sv}"), 1);
	assert_int_equal(policy_bus_read_rule(m, &back, &given, why), 1);
	assert_true(policy_rule_is_equal(rule, back));
	assert_int_equal(given, 0xdfff00);
	back = policy_rule_free(back);
	/* without secrets everything but the key is there */
	assert_int_equal(policy_bus_read_rule(m, &back, &given, why), 1);
	assert_null(back->methods[0].secret);
	assert_int_equal(back->methods[0].kind, POLICY_METHOD_PSK);
	assert_string_equal(back->methods[2].secret, "CN=\"A\"");
	assert_int_equal(policy_rule_check(back, why), -EINVAL);
	back = policy_rule_free(back);
	assert_int_equal(policy_bus_read_rule(m, &back, &given, why), 1);
	assert_int_equal(given, POLICY_FIELDS_SELECTOR & ~POLICY_FIELD_DEFAULTRESPONSE);
	assert_true(policy_rule_is_same(rule, back));
	assert_int_equal(back->n_methods, 1);
	back = policy_rule_free(back);
	assert_int_equal(policy_bus_read_rule(m, &back, &given, why), 1);
	assert_int_equal(given, POLICY_FIELDS_SELECTOR & ~(POLICY_FIELD_TUNNELDSTADDRESS |
							  POLICY_FIELD_INTERFACE |
							  POLICY_FIELD_MAINMODE));
	assert_true(policy_rule_is_equal(answers, back));
	back = policy_rule_free(back);
	assert_int_equal(policy_bus_read_rule(m, &back, &given, why), 0);
	assert_null(back);
	sd_bus_message_unref(m);
	policy_rule_free(rule);
}

/* One dictionary entry with a value of the given signature. */
struct entry {
	const char *key;
	const char *type;
	const char *text;
	uint32_t number;
};

static void append_entries(sd_bus_message *m, const struct entry *entries, size_t n)
{
	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	for (size_t i = 0; i < n; i++) {
		int err = *entries[i].type == 's' ?
			  sd_bus_message_append(m, "{sv}", entries[i].key, "s", entries[i].text) :
			  sd_bus_message_append(m, "{sv}", entries[i].key, entries[i].type,
						entries[i].number);

		assert_true(err >= 0);
	}
	assert_true(sd_bus_message_close_container(m) >= 0);
}

static void refused(void **state)
{
	static const struct {
		struct entry entries[2];
		const char *why;
	} cases[] = {
		{ { { "name", "s", "x", 0 }, { "colour", "s", "red", 0 } }, "colour" },
		{ { { "name", "s", "x", 0 }, { "name", "s", "y", 0 } }, "twice" },
		{ { { "name", "u", NULL, 5 }, { "qmpermm", "u", NULL, 5 } }, "not of type" },
		{ { { "name", "s", "x", 0 }, { "qmpermm", "s", "5", 0 } }, "not of type" },
		{ { { "name", "s", "x", 0 }, { "qmpermm", "i", NULL, 5 } }, "not of type" },
		{ { { "name", "s", "x", 0 }, { "mmlifetime", "u", NULL, 0 } }, "mmlifetime" },
		{ { { "name", "s", "x", 0 }, { "qmpermm", "u", NULL, UINT32_MAX } }, "qmpermm" },
		{ { { "name", "s", "", 0 }, { "qmpermm", "u", NULL, 1 } }, "name" },
		{ { { "name", "s", "x\n", 0 }, { "qmpermm", "u", NULL, 1 } }, "name" },
		{ { { "name", "s", "x", 0 }, { "mmsecmethods", "s", "DES", 0 } }, "DES" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_mm_policy *policy = NULL;
		sd_bus_message *m = new_message();
		char why[POLICY_WHY_LEN] = "";

		append_entries(m, cases[i].entries, 2);
		seal(m);
		assert_int_equal(policy_bus_read_mm_policy(m, &policy, NULL, why), -EINVAL);
		assert_null(policy);
		assert_non_null(strstr(why, cases[i].why));
		sd_bus_message_unref(m);
	}
}

static void refused_rules(void **state)
{
	static const struct entry cases[] = {
		{ "psk", "s", "x", 0 }, { "srcmask", "s", "24", 0 }, { "auth", "s", "psk=x", 0 },
		{ "srcport", "u", NULL, 65536 }, { "mirrored", "s", "yes", 0 },
		{ "protocol", "u", NULL, 6 }, { "srcaddr", "s", "10.0.0.300", 0 },
	};
	static const char *const methods[] = { "psk=", "psk= ", "rootca=", "Kerberos", "", "x=y" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_rule *rule = NULL;
		sd_bus_message *m = new_message();
		char why[POLICY_WHY_LEN] = "";

		append_entries(m, &cases[i], 1);
		seal(m);
		assert_int_equal(policy_bus_read_rule(m, &rule, NULL, why), -EINVAL);
		assert_true(*why);
		sd_bus_message_unref(m);
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct policy_rule *rule = NULL;
		sd_bus_message *m = new_message();
		char why[POLICY_WHY_LEN] = "";

		assert_true(sd_bus_message_append(m, "a{sv}", 1, "auth", "as", 2, "kerberos",
						  methods[i]) >= 0);
		seal(m);
		assert_int_equal(policy_bus_read_rule(m, &rule, NULL, why), -EINVAL);
		assert_true(*why);
		sd_bus_message_unref(m);
	}
}

static void not_a_dictionary(void **state)
{
	struct policy_qm_policy *policy = NULL;
	char why[POLICY_WHY_LEN] = "";
	sd_bus_message *m = new_message();

	(void)state;
	assert_true(sd_bus_message_append(m, "s", "hello") >= 0);
	seal(m);
	assert_true(policy_bus_read_qm_policy(m, &policy, NULL, why) < 0);
	assert_true(*why);
	sd_bus_message_unref(m);
	m = seal(new_message());
	assert_true(policy_bus_read_qm_policy(m, &policy, NULL, why) < 0);
	sd_bus_message_unref(m);
}

static void records(void **state)
{
	struct policy_qm_sa_info sa = {
		.qm_policy = "qm", .filter = 7, .local = { .family = AF_INET, .bytes = { 10, 0, 0, 1 } },
		.esp_encryption = "3DES", .esp_spi_in = UINT32_MAX, .bytes_out = UINT64_MAX,
		.lifetime_kilobytes = 1,
	}, back;
	char why[POLICY_WHY_LEN];
	sd_bus_message *m = new_message();

	(void)state;
	assert_true(policy_bus_append_record(m, &policy_qm_sa_record, &sa) >= 0);
	/* a key of tomorrow's agent is skipped */
	assert_true(sd_bus_message_append(m, "a{sv}", 2, "tomorrow", "a(ss)", 1, "a", "b",
					  "qmpolicy", "s", "x") >= 0);
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "qmpolicy", "u", 5) >= 0);
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "localendpoint", "s", "nowhere") >= 0);
	seal(m);
	assert_int_equal(policy_bus_read_record(m, &policy_qm_sa_record, &back, why), 1);
	assert_string_equal(back.qm_policy, "qm");
	assert_int_equal(back.filter, 7);
	assert_true(ip_addr_is_equal(&back.local, &sa.local));
	assert_int_equal(back.remote.family, 0);
	assert_null(back.ah_integrity);
	assert_int_equal(back.esp_spi_in, UINT32_MAX);
	assert_true(back.bytes_out == UINT64_MAX);
	policy_record_clear(&policy_qm_sa_record, &back);
	assert_null(back.qm_policy);
	assert_int_equal(policy_bus_read_record(m, &policy_qm_sa_record, &back, why), 1);
	assert_string_equal(back.qm_policy, "x");
	policy_record_clear(&policy_qm_sa_record, &back);
	assert_int_equal(policy_bus_read_record(m, &policy_qm_sa_record, &back, why), -EINVAL);
	sd_bus_message_unref(m);
}

static void wrong_address(void **state)
{
	struct policy_qm_sa_info back;
	char why[POLICY_WHY_LEN] = "";
	sd_bus_message *m = new_message();

	(void)state;
	assert_true(sd_bus_message_append(m, "a{sv}", 2, "qmpolicy", "s", "x", "localendpoint", "s",
					  "nowhere") >= 0);
	seal(m);
	assert_int_equal(policy_bus_read_record(m, &policy_qm_sa_record, &back, why), -EINVAL);
	assert_non_null(strstr(why, "nowhere"));
	assert_null(back.qm_policy);
	sd_bus_message_unref(m);
}

static void bus_runs(void **state)
{
	_cleanup_(policy_runs_clear) struct policy_runs runs = { .n_mms = 0 }, back = { .n_mms = 0 };
	sd_bus_message *m = new_message(), *bad = new_message();
	char why[POLICY_WHY_LEN];

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct policy_mm_policy *mm = policy_mm_policy_new();
		struct policy_qm_policy *qm = policy_qm_policy_new();
		struct policy_rule *rule = policy_rule_new();

		mm->name = strdup("1");
		mm->lifetime_minutes = 60 + i;
		qm->name = strdup("1");
		qm->pfs_group = (uint8_t)(14 + i);
		rule->qm_policy = strdup("1");
		rule->destination.kind = POLICY_ADDRESS_ANY;
		rule->destination_port = (uint16_t)i;
		assert_int_equal(policy_runs_add_mm(&runs, mm), 0);
		assert_int_equal(policy_runs_add_qm(&runs, qm), 0);
		assert_int_equal(policy_runs_add_rule(&runs, rule), 0);
	}
	assert_true(policy_bus_append_runs(m, &runs) >= 0);
	seal(m);
	assert_string_equal(sd_bus_message_get_signature(m, true), POLICY_RUNS_SIGNATURE);
	assert_int_equal(policy_bus_read_runs(m, &back, why), 0);
	assert_true(back.n_mms == 5 && back.n_qms == 5 && back.n_rules == 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(policy_mm_policy_is_equal(runs.mms[i], back.mms[i]));
		assert_true(policy_qm_policy_is_equal(runs.qms[i], back.qms[i]));
		assert_true(policy_rule_is_equal(runs.rules[i], back.rules[i]));
	}
	sd_bus_message_unref(m);
	assert_true(sd_bus_message_append(bad, POLICY_RUNS_SIGNATURE, 0, 0, 1, 1, "nonsense", "s", "x") >= 0);
	seal(bad);
	assert_int_equal(policy_bus_read_runs(bad, &back, why), -EINVAL);
	assert_non_null(strstr(why, "nonsense"));
	sd_bus_message_unref(bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "rules there and back, with and without secrets", rules, NULL, NULL, NULL },
		{ "dictionaries that are refused", refused, NULL, NULL, NULL },
		{ "rules that are refused", refused_rules, NULL, NULL, NULL },
		{ "messages of another form", not_a_dictionary, NULL, NULL, NULL },
		{ "records there and back; unknown keys are skipped", records, NULL, NULL, NULL },
		{ "a record with an address that is none", wrong_address, NULL, NULL, NULL },
		cmocka_unit_test(bus_runs),
	};

	return cmocka_run_group_tests_name("bus", tests, start_bus, stop_bus);
}
