// SPDX-License-Identifier: MIT
#include "policy/record.h"

#include <stdlib.h>
#include <string.h>

#define STRING(type, key, field) { key, POLICY_VALUE_STRING, offsetof(struct type, field) }
#define BOOL(type, key, field) { key, POLICY_VALUE_BOOL, offsetof(struct type, field) }
#define NUMBER(type, key, field) { key, POLICY_VALUE_NUMBER, offsetof(struct type, field) }
#define COUNTER(type, key, field) { key, POLICY_VALUE_COUNTER, offsetof(struct type, field) }
#define ADDRESS(type, key, field) { key, POLICY_VALUE_ADDRESS, offsetof(struct type, field) }

#define RECORD(type, table) \
	{ #type, sizeof(struct type), table, sizeof(table) / sizeof((table)[0]) }

static const struct policy_key mm_filter_keys[] = {
#define T policy_mm_filter_info
	STRING(T, "type", type),
	STRING(T, "name", name),
	STRING(T, "layer", layer),
	STRING(T, "policy", policy),
	STRING(T, "overruledby", overruled_by),
	STRING(T, "srcaddr", source),
	STRING(T, "dstaddr", destination),
	STRING(T, "direction", direction),
	BOOL(T, "mirrored", mirrored),
	NUMBER(T, "weight", weight),
	STRING(T, "conntype", connection),
	STRING(T, "mmpolicy", mm_policy),
	STRING(T, "auth", auth),
#undef T
};

static const struct policy_key qm_filter_keys[] = {
#define T policy_qm_filter_info
	STRING(T, "type", type),
	STRING(T, "name", name),
	STRING(T, "layer", layer),
	STRING(T, "policy", policy),
	STRING(T, "overruledby", overruled_by),
	NUMBER(T, "id", id),
	STRING(T, "srcaddr", source),
	STRING(T, "dstaddr", destination),
	STRING(T, "tunnelsrcaddress", tunnel_source),
	STRING(T, "tunneldstaddress", tunnel_destination),
	STRING(T, "protocol", protocol),
	NUMBER(T, "srcport", source_port),
	NUMBER(T, "dstport", destination_port),
	STRING(T, "direction", direction),
	BOOL(T, "mirrored", mirrored),
	NUMBER(T, "weight", weight),
	STRING(T, "conntype", connection),
	STRING(T, "interface", interface),
	STRING(T, "qmpolicy", qm_policy),
	STRING(T, "actioninbound", inbound_action),
	STRING(T, "actionoutbound", outbound_action),
	COUNTER(T, "hitsinbound", inbound_hits),
	COUNTER(T, "hitsoutbound", outbound_hits),
#undef T
};

static const struct policy_key mm_sa_keys[] = {
#define T policy_mm_sa_info
	STRING(T, "initiatorcookie", initiator_cookie),
	STRING(T, "respondercookie", responder_cookie),
	STRING(T, "state", state),
	BOOL(T, "initiator", is_initiator),
	STRING(T, "encryption", encryption),
	STRING(T, "integrity", integrity),
	NUMBER(T, "dhgroup", group),
	NUMBER(T, "lifetimeseconds", lifetime_seconds),
	NUMBER(T, "ageseconds", age_seconds),
	STRING(T, "auth", auth),
	STRING(T, "mmpolicy", mm_policy),
	ADDRESS(T, "srcaddr", source),
	NUMBER(T, "srcport", source_port),
	STRING(T, "srcid", source_id),
	ADDRESS(T, "dstaddr", destination),
	NUMBER(T, "dstport", destination_port),
	STRING(T, "dstid", destination_id),
	STRING(T, "rootca", root_ca),
	NUMBER(T, "quickmodes", quick_modes),
	NUMBER(T, "quickmodelimit", quick_mode_limit),
#undef T
};

static const struct policy_key qm_sa_keys[] = {
#define T policy_qm_sa_info
	STRING(T, "qmpolicy", qm_policy),
	NUMBER(T, "filter", filter),
	STRING(T, "state", state),
	STRING(T, "encapsulation", encapsulation),
	ADDRESS(T, "localendpoint", local),
	ADDRESS(T, "remoteendpoint", remote),
	STRING(T, "srcaddr", source),
	STRING(T, "dstaddr", destination),
	STRING(T, "protocol", protocol),
	NUMBER(T, "srcport", source_port),
	NUMBER(T, "dstport", destination_port),
	NUMBER(T, "natsrcport", nat_source_port),
	NUMBER(T, "natdstport", nat_destination_port),
	STRING(T, "ahintegrity", ah_integrity),
	NUMBER(T, "ahspiin", ah_spi_in),
	NUMBER(T, "ahspiout", ah_spi_out),
	STRING(T, "espencryption", esp_encryption),
	STRING(T, "espintegrity", esp_integrity),
	NUMBER(T, "espspiin", esp_spi_in),
	NUMBER(T, "espspiout", esp_spi_out),
	NUMBER(T, "pfsgroup", pfs_group),
	NUMBER(T, "lifetimeseconds", lifetime_seconds),
	COUNTER(T, "lifetimekilobytes", lifetime_kilobytes),
	NUMBER(T, "ageseconds", age_seconds),
	NUMBER(T, "idleseconds", idle_seconds),
	COUNTER(T, "bytesin", bytes_in),
	COUNTER(T, "bytesout", bytes_out),
	COUNTER(T, "packetsin", packets_in),
	COUNTER(T, "packetsout", packets_out),
#undef T
};

static const struct policy_key driver_difference_keys[] = {
#define T policy_driver_difference_info
	STRING(T, "difference", difference),
	NUMBER(T, "id", id),
	STRING(T, "rule", rule),
	STRING(T, "filter", filter),
	STRING(T, "before", before),
	STRING(T, "after", after),
#undef T
};

static const struct policy_key flow_keys[] = {
#define T policy_flow_info
	STRING(T, "direction", direction),
	ADDRESS(T, "source", source),
	ADDRESS(T, "destination", destination),
	NUMBER(T, "protocol", protocol),
	NUMBER(T, "sourceport", source_port),
	NUMBER(T, "destinationport", destination_port),
#undef T
};

static const struct policy_key explanation_keys[] = {
#define T policy_explanation_info
	STRING(T, "verdict", verdict),
	STRING(T, "reason", reason),
	STRING(T, "text", text),
	STRING(T, "mode", mode),
	STRING(T, "rule", rule),
	STRING(T, "layer", layer),
	STRING(T, "overrules", overrules),
	STRING(T, "filter", filter),
	NUMBER(T, "filterid", filter_id),
	STRING(T, "action", action),
	STRING(T, "sa", sa),
	ADDRESS(T, "peer", peer),
	STRING(T, "why", failure),
	STRING(T, "interface", interface),
	STRING(T, "conntype", connection),
	STRING(T, "outofscope", out_of_scope),
#undef T
};

static const struct policy_key config_keys[] = {
#define T policy_config_info
	NUMBER(T, "ipsecdiagnostics", ipsecdiagnostics),
	NUMBER(T, "ikelogging", ikelogging),
	NUMBER(T, "strongcrlcheck", strongcrlcheck),
	NUMBER(T, "ipsecloginterval", ipsecloginterval),
	NUMBER(T, "ipsecexempt", ipsecexempt),
	NUMBER(T, "strongcrypto", strongcrypto),
	STRING(T, "bootmode", bootmode),
	STRING(T, "bootexemptions", bootexemptions),
#undef T
};

static const struct policy_key status_keys[] = {
#define T policy_status_info
	STRING(T, "mode", mode),
	STRING(T, "wantedmode", wanted_mode),
	STRING(T, "startupmode", startup_mode),
	STRING(T, "bootmode", boot_mode),
	NUMBER(T, "filters", filters),
	NUMBER(T, "generation", generation),
	NUMBER(T, "exemptlevel", exempt_level),
	STRING(T, "layers", layers),
	STRING(T, "policy", policy),
	STRING(T, "store", store),
	STRING(T, "fault", fault),
	NUMBER(T, "rules", rules),
	NUMBER(T, "mmpolicies", mm_policies),
	NUMBER(T, "qmpolicies", qm_policies),
	NUMBER(T, "mmsas", mm_sas),
	NUMBER(T, "qmsas", qm_sas),
	NUMBER(T, "negotiations", negotiations),
	NUMBER(T, "failing", failing),
	BOOL(T, "ike", ike),
	BOOL(T, "cred", cred),
	NUMBER(T, "agentseconds", agent_seconds),
	NUMBER(T, "ikeseconds", ike_seconds),
	NUMBER(T, "credseconds", cred_seconds),
	NUMBER(T, "agentpid", agent_pid),
	NUMBER(T, "ikepid", ike_pid),
	NUMBER(T, "credpid", cred_pid),
	STRING(T, "agentversion", agent_version),
	STRING(T, "driverversion", driver_version),
#undef T
};

static const struct policy_key layer_keys[] = {
#define T policy_layer_info
	STRING(T, "layer", layer),
	STRING(T, "policy", policy),
	STRING(T, "state", state),
	NUMBER(T, "rules", rules),
	NUMBER(T, "filters", filters),
	STRING(T, "why", why),
#undef T
};

static const struct policy_key failure_keys[] = {
#define T policy_failure_info
	ADDRESS(T, "peer", peer),
	STRING(T, "mode", mode),
	STRING(T, "point", point),
	NUMBER(T, "reason", reason),
	STRING(T, "text", text),
	NUMBER(T, "seconds", seconds),
	NUMBER(T, "times", times),
#undef T
};

static const struct policy_key store_keys[] = {
#define T policy_store_info
	STRING(T, "store", store),
	STRING(T, "file", file),
	STRING(T, "policy", policy),
	BOOL(T, "inforce", in_force),
	NUMBER(T, "rules", rules),
	NUMBER(T, "pollinginterval", polling_minutes),
	BOOL(T, "writable", writable),
	STRING(T, "fault", fault),
	NUMBER(T, "tryseconds", try_seconds),
#undef T
};

static const struct policy_key dry_run_keys[] = {
#define T policy_dry_run_info
	NUMBER(T, "filtersadded", filters_added),
	NUMBER(T, "filtersremoved", filters_removed),
#undef T
};

const struct policy_record policy_mm_filter_record = RECORD(policy_mm_filter_info, mm_filter_keys);
const struct policy_record policy_qm_filter_record = RECORD(policy_qm_filter_info, qm_filter_keys);
const struct policy_record policy_driver_difference_record =
	RECORD(policy_driver_difference_info, driver_difference_keys);
const struct policy_record policy_mm_sa_record = RECORD(policy_mm_sa_info, mm_sa_keys);
const struct policy_record policy_qm_sa_record = RECORD(policy_qm_sa_info, qm_sa_keys);
const struct policy_record policy_flow_record = RECORD(policy_flow_info, flow_keys);
const struct policy_record policy_explanation_record =
	RECORD(policy_explanation_info, explanation_keys);
const struct policy_record policy_config_record = RECORD(policy_config_info, config_keys);
const struct policy_record policy_status_record = RECORD(policy_status_info, status_keys);
const struct policy_record policy_layer_record = RECORD(policy_layer_info, layer_keys);
const struct policy_record policy_failure_record = RECORD(policy_failure_info, failure_keys);
const struct policy_record policy_store_record = RECORD(policy_store_info, store_keys);
const struct policy_record policy_dry_run_record = RECORD(policy_dry_run_info, dry_run_keys);

const struct policy_key *policy_record_find_key(const struct policy_record *record, const char *name)
{
	for (size_t i = 0; i < record->n_keys; i++)
		if (!strcmp(record->keys[i].name, name))
			return &record->keys[i];
	return NULL;
}

void policy_record_clear(const struct policy_record *record, void *info)
{
	for (size_t i = 0; i < record->n_keys; i++)
		if (record->keys[i].type == POLICY_VALUE_STRING)
			free(*(char **)((char *)info + record->keys[i].offset));
	memset(info, 0, record->size);
}

const struct policy_counter policy_ike_counters[] = {
	{ "mainmodes", "Main Modes" },
	{ "quickmodes", "Quick Modes" },
	{ "softsas", "Soft SAs" },
	{ "authenticationfailures", "Authentication Failures" },
	{ "activeacquire", "Active Acquire" },
	{ "activereceive", "Active Receive" },
	{ "acquirefail", "Acquire fail" },
	{ "receivefail", "Receive fail" },
	{ "sendfail", "Send fail" },
	{ "acquireheapsize", "Acquire Heap size" },
	{ "receiveheapsize", "Receive Heap size" },
	{ "negotiationfailures", "Negotiation Failures" },
	{ "invalidcookiesrcvd", "Invalid Cookies Rcvd" },
	{ "totalacquire", "Total Acquire" },
	{ "totalgetspi", "TotalGetSpi" },
	{ "totalkeyadd", "TotalKeyAdd" },
	{ "totalkeyupdate", "TotalKeyUpdate" },
	{ "getspifail", "GetSpiFail" },
	{ "keyaddfail", "KeyAddFail" },
	{ "keyupdatefail", "KeyUpdateFail" },
	{ "isadblistsize", "IsadbListSize" },
	{ "connlistsize", "ConnListSize" },
	{ "invalidpacketsrcvd", "Invalid Packets Rcvd" },
	/* beyond the original */
	{ "packetsreceived", "Packets Received" },
	{ "packetssent", "Packets Sent" },
	{ "retransmissions", "Retransmissions" },
	{ "duplicatesanswered", "Duplicates Answered" },
	{ "duplicatesignored", "Duplicates Ignored" },
	{ "halfopen", "Half-open Main Modes" },
	{ "halfopenbytes", "Half-open Bytes" },
	{ "halfopenevicted", "Half-open Evicted" },
	{ "ratelimited", "Rate Limited" },
	{ "cookiechallenges", "Cookie Challenges" },
	{ "unauthenticatednotifies", "Unauthenticated Notifies" },
	{ "unauthenticateddeletes", "Unauthenticated Deletes" },
	{ "badmessage5", "Undecryptable Messages" },
	{ "dhoperations", "DH Operations" },
	{ "rekeys", "Rekeys" },
	{ "refusedbypolicy", "Refused by Policy" },
};
const size_t policy_n_ike_counters = sizeof(policy_ike_counters) / sizeof(policy_ike_counters[0]);

const struct policy_counter policy_ipsec_counters[] = {
	{ "activeassoc", "Active Assoc" },
	{ "offloadsas", "Offload SAs" },
	{ "pendingkey", "Pending Key" },
	{ "keyadds", "Key Adds" },
	{ "keydeletes", "Key Deletes" },
	{ "rekeys", "ReKeys" },
	{ "activetunnels", "Active Tunnels" },
	{ "badspipkts", "Bad SPI Pkts" },
	{ "pktsnotdecrypted", "Pkts not Decrypted" },
	{ "pktsnotauthenticated", "Pkts not Authenticated" },
	{ "pktswithreplaydetection", "Pkts with Replay Detection" },
	{ "confidentialbytessent", "Confidential Bytes Sent" },
	{ "confidentialbytesreceived", "Confidential Bytes Received" },
	{ "authenticatedbytessent", "Authenticated Bytes Sent" },
	{ "authenticatedbytesreceived", "Authenticated Bytes Received" },
	{ "transportbytessent", "Transport Bytes Sent" },
	{ "transportbytesreceived", "Transport Bytes Received" },
	{ "bytessentintunnels", "Bytes Sent In Tunnels" },
	{ "bytesreceivedintunnels", "Bytes Received In Tunnels" },
	{ "offloadedbytessent", "Offloaded Bytes Sent" },
	{ "offloadedbytesreceived", "Offloaded Bytes Received" },
	/* beyond the original */
	{ "acquires", "Negotiations Asked For" },
	{ "acquirefailures", "Negotiations Failed" },
	{ "heldpackets", "Packets Held Now" },
	{ "heldbytes", "Bytes Held Now" },
	{ "flowcachehits", "Flow Cache Hits" },
	{ "flowcachemisses", "Flow Cache Misses" },
	{ "eventslost", "Events Lost" },
};
const size_t policy_n_ipsec_counters =
	sizeof(policy_ipsec_counters) / sizeof(policy_ipsec_counters[0]);
