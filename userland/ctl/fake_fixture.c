// SPDX-License-Identifier: MIT
/*
 * What the fake agent shows: two policies of each kind, four rules, and what a real agent would
 * make of them on 10.0.0.1 with the peer 10.0.0.2. Explain answers by the destination's last byte.
 */
#include "ctl/fake_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/bus.h"
#include "policy/config.h"
#include "policy/text.h"

#define PEER	{ .family = 2, .bytes = { 10, 0, 0, 2 } }
#define HOST	{ .family = 2, .bytes = { 10, 0, 0, 1 } }
#define HOST6	{ .family = 10, .bytes = { 0xfd, [15] = 1 } }
#define PEER6	{ .family = 10, .bytes = { 0xfd, [15] = 2 } }

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct tag {
	const char *name;
	const char *value;
};

static const struct tag mm_policies[][4] = {
	{ { "name", "mm" } },
	{ { "name", "strong one" }, { "qmpermm", "10" }, { "mmlifetime", "60" },
	  { "mmsecmethods", "AES256-SHA256-14 AES128-SHA1-20" } },
};

static const struct tag qm_policies[][4] = {
	{ { "name", "qm" } },
	{ { "name", "fast" }, { "soft", "yes" }, { "pfsgroup", "GRP14" },
	  { "qmsecmethods", "ESP[AESGCM128,None]:200000k/900s AH[SHA256]+ESP[3DES,None] "
	    "ESP[None,SHA1]:1000s" } },
};

static const struct tag rules[][12] = {
	{ { "srcaddr", "me" }, { "dstaddr", "10.0.0.2" }, { "mmpolicy", "mm" },
	  { "qmpolicy", "qm" }, { "psk", "open sesame" } },
	{ { "srcaddr", "any" }, { "dstaddr", "me" }, { "protocol", "TCP" }, { "dstport", "23" },
	  { "actioninbound", "block" }, { "actionoutbound", "block" } },
	{ { "srcaddr", "me" }, { "dstaddr", "fd00::/64" }, { "mmpolicy", "strong one" },
	  { "qmpolicy", "fast" }, { "conntype", "lan" }, { "actioninbound", "permit" },
	  { "rootca", "CN=Example CA certmap:yes" }, { "kerberos", "yes" } },
	{ { "srcaddr", "10.1.0.0/16" }, { "dstaddr", "10.2.0.0/16" }, { "mmpolicy", "mm" },
	  { "qmpolicy", "qm" }, { "mirrored", "no" }, { "tunneldstaddress", "192.0.2.1" },
	  { "psk", "another" } },
};

static const struct policy_mm_filter_info mm_filters[] = {
	{ .type = "generic", .name = "1", .layer = "local", .policy = "Partner", .source = "me",
	  .destination = "10.0.0.2",
	  .mirrored = true, .connection = "all", .mm_policy = "mm", .auth = "psk" },
	{ .type = "generic", .name = "3", .layer = "dynamic", .source = "me", .destination = "fd00::/64",
	  .mirrored = true, .connection = "lan", .mm_policy = "strong one",
	  .auth = "rootca kerberos" },
	{ .type = "specific", .name = "1", .source = "10.0.0.1", .destination = "10.0.0.2",
	  .direction = "outbound", .weight = 34603011, .connection = "all", .mm_policy = "mm",
	  .auth = "psk" },
	{ .type = "specific", .name = "1", .source = "10.0.0.2", .destination = "10.0.0.1",
	  .direction = "inbound", .weight = 34603011, .connection = "all", .mm_policy = "mm",
	  .auth = "psk" },
};

static const struct policy_qm_filter_info qm_filters[] = {
	{ .type = "generic", .name = "1", .source = "me", .destination = "10.0.0.2",
	  .protocol = "ANY", .mirrored = true, .connection = "all", .qm_policy = "qm",
	  .inbound_action = "negotiate", .outbound_action = "negotiate" },
	{ .type = "generic", .name = "2", .layer = "dynamic", .overruled_by = "persistent",
	  .source = "any", .destination = "me", .protocol = "TCP", .destination_port = 23, .mirrored = true, .connection = "all",
	  .inbound_action = "block", .outbound_action = "block" },
	{ .type = "generic", .name = "4", .source = "10.1.0.0/16", .destination = "10.2.0.0/16",
	  .tunnel_source = "10.0.0.1", .tunnel_destination = "192.0.2.1", .protocol = "ANY",
	  .connection = "all", .qm_policy = "qm", .inbound_action = "negotiate",
	  .outbound_action = "negotiate" },
	{ .type = "specific", .name = "1", .layer = "local", .policy = "Partner", .id = 1,
	  .source = "10.0.0.1",
	  .destination = "10.0.0.2", .protocol = "ANY", .direction = "outbound",
	  .weight = 34603011, .connection = "all", .qm_policy = "qm", .inbound_action = "none",
	  .outbound_action = "negotiate", .outbound_hits = 12 },
	{ .type = "specific", .name = "1", .id = 1, .source = "10.0.0.2",
	  .destination = "10.0.0.1", .protocol = "ANY", .direction = "inbound",
	  .weight = 34603011, .connection = "all", .qm_policy = "qm",
	  .inbound_action = "negotiate", .outbound_action = "none", .inbound_hits = 9 },
	{ .type = "specific", .name = "2", .id = 2, .source = "0.0.0.0/0",
	  .destination = "10.0.0.1", .protocol = "TCP", .destination_port = 23,
	  .direction = "inbound", .weight = 1048577, .connection = "all",
	  .inbound_action = "block", .outbound_action = "none", .inbound_hits = 3 },
};

static const struct policy_mm_sa_info mm_sas[] = {
	{ .initiator_cookie = "4b83a5ae2a5b7d6f", .responder_cookie = "5c09d5c5ac06a1ba",
	  .state = "established", .is_initiator = true, .encryption = "3DES", .integrity = "SHA1",
	  .group = 2, .lifetime_seconds = 28800, .age_seconds = 17, .auth = "Preshared key",
	  .mm_policy = "mm", .source = HOST, .source_port = 500, .source_id = "10.0.0.1",
	  .destination = PEER, .destination_port = 500, .destination_id = "10.0.0.2",
	  .quick_modes = 1 },
	{ .initiator_cookie = "0102030405060708", .responder_cookie = "0000000000000000",
	  .state = "negotiating", .auth = "Preshared key", .mm_policy = "strong one",
	  .source = HOST6, .source_port = 500, .destination = PEER6, .destination_port = 500,
	  .quick_mode_limit = 10 },
};

static const struct policy_qm_sa_info qm_sas[] = {
	{ .qm_policy = "qm", .filter = 1, .state = "established", .encapsulation = "transport",
	  .local = HOST, .remote = PEER, .source = "10.0.0.1", .destination = "10.0.0.2",
	  .protocol = "ANY", .esp_encryption = "3DES", .esp_integrity = "SHA1",
	  .esp_spi_in = 0x1a2b3c4d, .esp_spi_out = 0x99, .lifetime_seconds = 3600,
	  .lifetime_kilobytes = 100000, .age_seconds = 17, .idle_seconds = 2, .bytes_in = 1234,
	  .bytes_out = 5678901234, .packets_in = 12, .packets_out = 34 },
	{ .qm_policy = "fast", .filter = 3, .state = "established", .encapsulation = "tunnel",
	  .local = HOST6, .remote = PEER6, .source = "fd00::1", .destination = "fd00::2",
	  .protocol = "TCP", .source_port = 40000, .destination_port = 445,
	  .nat_source_port = 4500, .nat_destination_port = 61234, .ah_integrity = "SHA256",
	  .ah_spi_in = 0x1000, .ah_spi_out = 0x2000, .esp_encryption = "AES256",
	  .esp_integrity = "SHA512", .esp_spi_in = 0x3000, .esp_spi_out = 0x4000, .pfs_group = 14,
	  .lifetime_seconds = 900, .lifetime_kilobytes = 200000 },
	{ .qm_policy = "fast", .filter = 3, .state = "soft", .encapsulation = "transport",
	  .local = HOST, .remote = PEER, .source = "10.0.0.1", .destination = "10.0.0.2",
	  .protocol = "UDP" },
};

/* By the last byte of the destination address. */
static const struct policy_explanation_info explanations[] = {
	[1] = { .verdict = "pass", .reason = "no-filter", .text = "No filter matches it.",
		.mode = "secure" },
	[2] = { .verdict = "protect", .reason = "none", .mode = "secure",
		.rule = "dynamic add rule srcaddr=me dstaddr=10.0.0.2 mmpolicy=mm qmpolicy=qm psk=*",
		.filter = "10.0.0.1 to 10.0.0.2, ANY", .filter_id = 1, .action = "negotiate",
		.sa = "ESP[3DES,SHA1] out 0x00000099", .peer = PEER },
	[3] = { .verdict = "drop", .reason = "negotiation-failed",
		.text = "The negotiation with the peer failed less than a minute ago.",
		.mode = "secure", .layer = "dynamic",
		.overrules = "dynamic add rule srcaddr=me dstaddr=10.0.0.2 actioninbound=permit "
			     "actionoutbound=permit",
		.rule = "dynamic add rule srcaddr=me dstaddr=10.0.0.2 mmpolicy=mm qmpolicy=qm psk=*",
		.filter = "10.0.0.1 to 10.0.0.2, ANY", .filter_id = 1, .action = "negotiate",
		.peer = PEER, .failure = "no response from peer (13813)" },
	[4] = { .verdict = "hold", .reason = "none", .mode = "secure",
		.filter = "10.0.0.1 to 10.0.0.2, ANY", .filter_id = 1, .action = "negotiate",
		.peer = PEER },
	[5] = { .verdict = "drop", .reason = "filter-block",
		.text = "The most specific filter blocks it.", .mode = "secure",
		.filter = "0.0.0.0/0 to 10.0.0.1, TCP port 23", .filter_id = 2,
		.action = "block" },
	[6] = { .verdict = "perhaps" },
};

static int append_policies(sd_bus_message *m, bool is_mm)
{
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;
	int err = 0;

	for (size_t i = 0; err >= 0 && i < ARRAY_LEN(mm_policies); i++) {
		const struct tag *tags = is_mm ? mm_policies[i] : qm_policies[i];
		_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *mm = policy_mm_policy_new();
		_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *qm = policy_qm_policy_new();

		for (size_t t = 0; t < 4 && tags[t].name && err >= 0; t++)
			err = is_mm ? policy_mm_policy_set_tag(mm, tags[t].name, tags[t].value,
							       &given, why) :
			      policy_qm_policy_set_tag(qm, tags[t].name, tags[t].value, &given,
						       why);
		if (err >= 0)
			err = is_mm ? policy_bus_append_mm_policy(m, mm) :
			      policy_bus_append_qm_policy(m, qm);
	}
	return err;
}

static int append_rules(sd_bus_message *m)
{
	char why[POLICY_WHY_LEN];
	int err = 0;

	for (size_t i = 0; err >= 0 && i < ARRAY_LEN(rules); i++) {
		_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
		uint32_t given = 0;

		for (size_t t = 0; t < ARRAY_LEN(rules[i]) && rules[i][t].name && err >= 0; t++)
			err = policy_rule_set_tag(rule, rules[i][t].name, rules[i][t].value, &given,
						  why);
		if (err >= 0)
			err = policy_bus_append_rule(m, rule, POLICY_BUS_SECRETS);
	}
	return err;
}

static const struct policy_driver_difference_info driver_differences[] = {
	{ .difference = "missing", .id = 3, .rule = "r", .filter = "me <-> 10.0.0.0/8 IPv4",
	  .before = "actioninbound=block actionoutbound=block" },
	{ .difference = "changed", .id = 4, .filter = "me <-> any IPv4",
	  .before = "actioninbound=block actionoutbound=block",
	  .after = "actioninbound=block actionoutbound=permit" },
	{ .difference = "foreign", .id = 900, .filter = "me <-> 10.0.0.9 IPv4 protocol 6",
	  .after = "actioninbound=permit actionoutbound=permit" },
};

static int append_rows(sd_bus_message *m, const struct policy_record *record, const void *rows,
		       size_t n, const char *type)
{
	int err = 0;

	for (size_t i = 0; err >= 0 && i < n; i++) {
		const char *row = (const char *)rows + i * record->size;

		/* both kinds of filter begin with their type */
		if (!type || !strcmp(*(char *const *)row, type))
			err = policy_bus_append_record(m, record, row);
	}
	return err;
}

static int append_list(sd_bus_message *m, sd_bus_message *call, const char *method)
{
	const char *type = NULL;
	int err = 0;

	if (strstr(method, "Filters"))
		err = sd_bus_message_read(call, "s", &type);
	if (err < 0)
		return err;
	if (!strcmp(method, "ListMmPolicies") || !strcmp(method, "ListQmPolicies"))
		return append_policies(m, !strcmp(method, "ListMmPolicies"));
	if (!strcmp(method, "ListRules"))
		return append_rules(m);
	if (!strcmp(method, "ListMmFilters"))
		return append_rows(m, &policy_mm_filter_record, mm_filters, ARRAY_LEN(mm_filters),
				   type);
	if (!strcmp(method, "ListQmFilters"))
		return append_rows(m, &policy_qm_filter_record, qm_filters, ARRAY_LEN(qm_filters),
				   type);
	if (!strcmp(method, "ListDriverDifferences"))
		return append_rows(m, &policy_driver_difference_record, driver_differences,
				   ARRAY_LEN(driver_differences), NULL);
	if (!strcmp(method, "ListMmSas"))
		return append_rows(m, &policy_mm_sa_record, mm_sas, ARRAY_LEN(mm_sas), NULL);
	return append_rows(m, &policy_qm_sa_record, qm_sas, ARRAY_LEN(qm_sas), NULL);
}

/* Backwards, so that order is the command line's work, and with one that it does not know. */
static int append_counters(sd_bus_message *m, const struct policy_counter *counters, size_t n,
			   bool is_empty)
{
	int err = sd_bus_message_open_container(m, 'a', "{st}");

	if (err >= 0 && n && !is_empty)
		err = sd_bus_message_append(m, "{st}", "tomorrows", 7ull);
	for (size_t i = n; err >= 0 && i > 0 && !is_empty; i--)
		err = sd_bus_message_append(m, "{st}", counters[i - 1].key, (uint64_t)i);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int append_statistics(sd_bus_message *m, bool is_empty)
{
	int err = append_counters(m, policy_ike_counters, policy_n_ike_counters, is_empty);

	if (err >= 0)
		err = append_counters(m, policy_ipsec_counters, policy_n_ipsec_counters, is_empty);
	return err < 0 ? err : sd_bus_message_append(m, "a{st}", 3, "bad-spi", 0ull, "clear-text",
						     5ull, "replay", 2ull);
}

static int append_explanation(sd_bus_message *m, sd_bus_message *call)
{
	struct policy_flow_info flow;
	char why[POLICY_WHY_LEN];
	uint8_t last;
	int err;

	err = policy_bus_read_record(call, &policy_flow_record, &flow, why);
	if (err <= 0)
		return -EINVAL;
	last = flow.destination.bytes[flow.destination.family == 2 ? 3 : 15];
	policy_record_clear(&policy_flow_record, &flow);
	return policy_bus_append_record(m, &policy_explanation_record,
					&explanations[last < ARRAY_LEN(explanations) ? last : 1]);
}

static const struct policy_config_info config = {
	.strongcrlcheck = 1, .ipsecloginterval = 3600, .ipsecexempt = 3, .bootmode = "permit",
	.bootexemptions = "UDP:0:68:inbound ICMP:outbound",
};

static const struct policy_status_info status = {
	.mode = "secure", .wanted_mode = "secure", .startup_mode = "startup-permit",
	.boot_mode = "stateful", .filters = 6, .generation = 4, .exempt_level = 3,
	.layers = "local dynamic", .policy = "Secure Server (Require Security)", .store = "local",
	.rules = 4, .mm_policies = 2, .qm_policies = 2, .mm_sas = 2, .qm_sas = 3,
	.negotiations = 1, .failing = 1, .ike = true, .cred = true, .agent_seconds = 183845,
	.ike_seconds = 3600, .cred_seconds = 59, .agent_pid = 612, .ike_pid = 98765,
	.cred_pid = 611, .agent_version = "0.1.0", .driver_version = "0.1.0",
};

static const struct policy_dry_run_info change = { .filters_added = 1, .filters_removed = 2 };
static const struct policy_dry_run_info no_change;

static const struct policy_layer_info layers[] = {
	{ .layer = "persistent", .policy = "Base", .state = "waiting",
	  .why = "what is stored waits for the next start of the policy agent" },
	{ .layer = "local", .policy = "Secure Server (Require Security)", .state = "in force",
	  .rules = 3, .filters = 5 },
	{ .layer = "dynamic", .state = "in force", .rules = 1, .filters = 1 },
};

static const struct policy_failure_info failures[] = {
	{ .peer = PEER, .mode = "main", .point = "me", .reason = 13805,
	  .text = "no response from peer", .seconds = 12, .times = 3 },
	{ .peer = PEER6, .mode = "quick", .point = "peer", .reason = 13801,
	  .text = "no policy configured: the peer refused every security method that this host "
		  "offered", .seconds = 7260, .times = 1 },
};

/* After "!empty": all that can be wrong. */
static const struct policy_status_info down = {
	.mode = "permit", .wanted_mode = "block", .layers = "", .agent_version = "0.1.0",
	.driver_version = "0.0.9", .fault = "dynamic.db cannot be read; put it away",
};

static const struct policy_layer_info bad_layers[] = {
	{ .layer = "persistent", .state = "failed",
	  .why = "persistent.db is damaged; put a copy of it in its place and restart the agent" },
	{ .layer = "local", .policy = "Old", .state = "outdated", .rules = 1, .filters = 2,
	  .why = "local.db is damaged; put a copy of it in its place" },
	{ .layer = "domain", .state = "none" },
};

static int append_array(sd_bus_message *m, const struct policy_record *record, const void *rows,
			size_t n)
{
	int err = sd_bus_message_open_container(m, 'a', "a{sv}");

	if (err >= 0)
		err = append_rows(m, record, rows, n, NULL);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int append_status(sd_bus_message *m, bool is_bad)
{
	int err = policy_bus_append_record(m, &policy_status_record, is_bad ? &down : &status);

	if (err >= 0)
		err = append_array(m, &policy_layer_record, is_bad ? bad_layers : layers,
				   ARRAY_LEN(layers));
	if (err >= 0)
		err = append_array(m, &policy_failure_record, failures,
				   is_bad ? 0 : ARRAY_LEN(failures));
	if (err < 0 || is_bad)
		return err < 0 ? err : sd_bus_message_append(m, "a{st}", 0);
	return sd_bus_message_append(m, "a{st}", 7, "bad-spi", 1ull, "clear-text", 1205ull, "replay",
				     2ull, "startup", 0ull, "filter-block", 40ull, "hold-limit",
				     3ull, "no-room", 2ull);
}

int fake_fixture_append(sd_bus_message *reply, sd_bus_message *call, bool is_empty)
{
	const char *method = sd_bus_message_get_member(call);
	static const struct policy_config_info plain = { .bootmode = "stateful",
							 .bootexemptions = "none" };
	int err;

	if (!strcmp(method, "GetStatistics"))
		return append_statistics(reply, is_empty);
	if (!strcmp(method, "GetConfig"))
		return policy_bus_append_record(reply, &policy_config_record,
						is_empty ? &plain : &config);
	if (!strcmp(method, "GetDryRun"))
		return policy_bus_append_record(reply, &policy_dry_run_record,
						is_empty ? &no_change : &change);
	if (!strcmp(method, "GetStatus"))
		return append_status(reply, is_empty);
	if (!strcmp(method, "Explain") || !strcmp(method, "StoreExplain"))
		return append_explanation(reply, call);
	err = sd_bus_message_open_container(reply, 'a', "a{sv}");
	if (err >= 0 && !is_empty)
		err = append_list(reply, call, method);
	return err < 0 ? err : sd_bus_message_close_container(reply);
}
