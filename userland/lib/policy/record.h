/* SPDX-License-Identifier: MIT */
/*
 * What the agent shows: filters, associations, explanations, configuration, state. Each is a flat
 * struct with a table of its keys, so that bus, list, table and JSON output share one description.
 */
#ifndef POLICY_RECORD_H
#define POLICY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum policy_value_type {
	POLICY_VALUE_STRING,		/* const char *; NULL is left out */
	POLICY_VALUE_BOOL,		/* bool */
	POLICY_VALUE_NUMBER,		/* uint32_t */
	POLICY_VALUE_COUNTER,		/* uint64_t */
	POLICY_VALUE_ADDRESS,		/* struct ip_addr; family 0 is left out, text on the bus */
};

struct policy_key {
	const char *name;		/* of the bus and of JSON: lower case, stable */
	enum policy_value_type type;
	size_t offset;
};

struct policy_record {
	const char *name;
	size_t size;
	const struct policy_key *keys;
	size_t n_keys;
};

/*
 * Strings in these structs are borrowed by whoever fills one in to send it, and owned by the
 * struct after policy_bus_read_record(); policy_record_clear() frees them.
 */

/* ListMmFilters */
struct policy_mm_filter_info {
	const char *type;		/* "generic" or "specific" */
	const char *name;		/* of the rule that it comes from */
	const char *layer;		/* "persistent", "domain", "local", "ipseccmd", "dynamic" */
	const char *policy;		/* that the rule is stored in; none: of no store */
	const char *overruled_by;	/* generic: the layer that has a say instead of it */
	const char *source;		/* address grammar: "me", "10.0.0.0/24" */
	const char *destination;
	const char *direction;		/* specific: "inbound" or "outbound" */
	bool mirrored;			/* generic */
	uint32_t weight;		/* specific */
	const char *connection;		/* "all", "lan", "dialup" */
	const char *mm_policy;
	const char *auth;		/* methods in order, without secrets: "psk kerberos" */
};

/* ListQmFilters */
struct policy_qm_filter_info {
	const char *type;
	const char *name;
	const char *layer;
	const char *policy;
	const char *overruled_by;
	uint32_t id;			/* specific: the driver's */
	const char *source;
	const char *destination;
	const char *tunnel_source;	/* tunnel filters only */
	const char *tunnel_destination;
	const char *protocol;		/* "TCP", "ANY", "89" */
	uint32_t source_port;		/* 0 is any */
	uint32_t destination_port;
	const char *direction;		/* specific: "inbound", "outbound" */
	bool mirrored;
	uint32_t weight;		/* specific */
	const char *connection;
	const char *interface;		/* NULL: all of that type */
	const char *qm_policy;
	const char *inbound_action;	/* "permit", "block", "negotiate", "none" */
	const char *outbound_action;
	uint64_t inbound_hits;		/* specific */
	uint64_t outbound_hits;
};

/* ListDriverDifferences: what somebody else has done to the driver's filters */
struct policy_driver_difference_info {
	const char *difference;		/* "missing", "changed", or "foreign": not the agent's */
	uint32_t id;			/* the driver's */
	const char *rule;		/* name of the stored rule; NULL: it has none, or is not known */
	const char *filter;		/* "me <-> 10.0.0.0/24 IPv4" */
	const char *before;		/* of the agent: "actioninbound=block ..."; or NULL */
	const char *after;		/* of the driver; or NULL */
};

/* ListMmSas */
struct policy_mm_sa_info {
	const char *initiator_cookie;	/* 16 hexadecimal digits */
	const char *responder_cookie;
	const char *state;		/* "established", "negotiating", "dying" */
	bool is_initiator;
	const char *encryption;		/* "3DES"; NULL before a proposal was chosen */
	const char *integrity;		/* "SHA1" */
	uint32_t group;			/* Diffie-Hellman group, IKE number */
	uint32_t lifetime_seconds;
	uint32_t age_seconds;
	const char *auth;		/* "Preshared key", "Kerberos", "Certificate" */
	const char *mm_policy;
	struct ip_addr source;		/* this host */
	uint32_t source_port;		/* 500, or 4500 behind a NAT */
	/* An address, the subject of a certificate, or a Kerberos principal. */
	const char *source_id;
	struct ip_addr destination;	/* the peer */
	uint32_t destination_port;
	const char *destination_id;
	const char *root_ca;		/* that vouches for the peer's certificate */
	uint32_t quick_modes;		/* made under it */
	uint32_t quick_mode_limit;	/* 0 is none */
};

/* ListQmSas: one per pair of associations */
struct policy_qm_sa_info {
	const char *qm_policy;
	uint32_t filter;		/* the driver's id of the negotiate filter */
	const char *state;		/* "established", "replaced", "soft" */
	const char *encapsulation;	/* "transport", "tunnel" */
	struct ip_addr local;		/* endpoints of the associations */
	struct ip_addr remote;
	const char *source;		/* the traffic protected: address grammar */
	const char *destination;
	const char *protocol;
	uint32_t source_port;
	uint32_t destination_port;
	uint32_t nat_source_port;	/* UDP encapsulation; 0 is none */
	uint32_t nat_destination_port;
	const char *ah_integrity;	/* "SHA1"; NULL is no AH */
	uint32_t ah_spi_in;
	uint32_t ah_spi_out;
	const char *esp_encryption;	/* "3DES", "None"; NULL is no ESP */
	const char *esp_integrity;
	uint32_t esp_spi_in;
	uint32_t esp_spi_out;
	uint32_t pfs_group;		/* 0 is no PFS */
	uint32_t lifetime_seconds;
	uint64_t lifetime_kilobytes;
	uint32_t age_seconds;
	uint32_t idle_seconds;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t packets_in;
	uint64_t packets_out;
};

/* The packet that Explain asks about. */
struct policy_flow_info {
	const char *direction;		/* "in", "out" */
	struct ip_addr source;
	struct ip_addr destination;
	uint32_t protocol;		/* number */
	uint32_t source_port;		/* ICMP: the type */
	uint32_t destination_port;	/* ICMP: the code */
};

/* Explain's answer */
struct policy_explanation_info {
	const char *verdict;		/* nl_verdict_name(): "pass", "drop", "protect", "hold" */
	const char *reason;		/* nl_pass_reason_name() or nl_drop_reason_name() */
	const char *text;		/* its sentence */
	const char *mode;		/* nl_mode_name() */
	/* The rule as the command line that makes it, without secrets; a stored one by its name. */
	const char *rule;
	const char *layer;		/* where the rule comes from: "persistent", "dynamic" */
	const char *overrules;		/* a rule of a higher layer that says something else */
	const char *filter;		/* "me <-> 10.0.0.2 TCP 0 445" or the like */
	uint32_t filter_id;
	const char *action;		/* nl_action_name() of this direction */
	const char *sa;			/* "ESP 3DES/SHA1, SPI 0x... out, 0x... in" */
	struct ip_addr peer;		/* whom a negotiation is or was with */
	const char *failure;		/* why the last negotiation with the peer failed */
	const char *interface;		/* by which the packet goes */
	const char *connection;		/* "lan", "dialup"; of that interface */
	const char *out_of_scope;	/* a rule that would decide on the other kind of interface */
};

/* GetConfig; see policy/config.h for the values */
struct policy_config_info {
	uint32_t ipsecdiagnostics;
	uint32_t ikelogging;
	uint32_t strongcrlcheck;
	uint32_t ipsecloginterval;
	uint32_t ipsecexempt;
	uint32_t strongcrypto;
	const char *bootmode;
	const char *bootexemptions;	/* in the grammar's form, or "none" */
};

/* GetStatus: one of these, then layers, failures and drops */
struct policy_status_info {
	const char *mode;		/* nl_mode_name(); NULL when the driver does not answer */
	const char *wanted_mode;	/* that the agent has set it to */
	const char *startup_mode;	/* that it began in */
	const char *boot_mode;		/* that it will begin in: "permit", "block", "stateful" */
	uint32_t filters;		/* in the driver */
	uint32_t generation;
	uint32_t exempt_level;
	const char *layers;		/* "local dynamic": those with rules, lowest first */
	const char *policy;		/* the assigned one in force, without persistent */
	const char *store;		/* that it is from: "local", "cache" */
	const char *fault;		/* what somebody has to do; NULL: all is as policy says */
	uint32_t rules;
	uint32_t mm_policies;
	uint32_t qm_policies;
	uint32_t mm_sas;
	uint32_t qm_sas;
	uint32_t negotiations;		/* that packets wait for */
	uint32_t failing;		/* peers with which one failed in the last minute */
	bool ike;			/* ipsec-ike is connected */
	bool cred;			/* ipsec-cred is connected */
	uint32_t agent_seconds;		/* since when they are there, and their process ids */
	uint32_t ike_seconds;
	uint32_t cred_seconds;
	uint32_t agent_pid;
	uint32_t ike_pid;
	uint32_t cred_pid;
	const char *agent_version;
	const char *driver_version;
};

/* GetStatus: a layer of policy, lowest first; the persistent and the local one always */
struct policy_layer_info {
	const char *layer;
	const char *policy;		/* that is assigned in its store; NULL: none, or no store */
	/*
	 * "none"; "in force"; "failed": nothing of it is in force, and so nothing passes;
	 * "outdated": what was before it still is; "waiting" for the next start of the agent
	 */
	const char *state;
	uint32_t rules;			/* in force */
	uint32_t filters;
	const char *why;		/* of the last three states, and how to mend it */
};

/* GetStatus: what failed with a peer, and nothing has succeeded since; newest first */
struct policy_failure_info {
	struct ip_addr peer;
	const char *mode;		/* "main", "quick" */
	const char *point;		/* "me", "peer" */
	uint32_t reason;		/* of the original */
	const char *text;
	uint32_t seconds;		/* ago */
	uint32_t times;
};

/* GetStores: one per store */
struct policy_store_info {
	const char *store;		/* store_location_name() */
	const char *file;
	const char *policy;		/* that is assigned in it; NULL: none */
	bool in_force;			/* and the driver has it */
	uint32_t rules;			/* of that policy */
	uint32_t polling_minutes;
	bool writable;			/* by the caller */
	const char *fault;		/* why it is not read or not in force; NULL: it is */
	uint32_t try_seconds;		/* until an unconfirmed change is taken back; 0: there is none */
};

/* What a dry run would change in the driver. */
struct policy_dry_run_info {
	uint32_t filters_added;
	uint32_t filters_removed;	/* one that changes is both */
};

extern const struct policy_record policy_mm_filter_record;
extern const struct policy_record policy_qm_filter_record;
extern const struct policy_record policy_driver_difference_record;
extern const struct policy_record policy_mm_sa_record;
extern const struct policy_record policy_qm_sa_record;
extern const struct policy_record policy_flow_record;
extern const struct policy_record policy_explanation_record;
extern const struct policy_record policy_config_record;
extern const struct policy_record policy_status_record;
extern const struct policy_record policy_layer_record;
extern const struct policy_record policy_failure_record;
extern const struct policy_record policy_store_record;
extern const struct policy_record policy_dry_run_record;

/* The key of that name; NULL: @record has none. */
const struct policy_key *policy_record_find_key(const struct policy_record *record, const char *name);

/* Frees the strings of a record that policy_bus_read_record() filled, and zeroes it. */
void policy_record_clear(const struct policy_record *record, void *info);

/* A counter of GetStatistics: the key of bus and JSON, and the label of netsh. */
struct policy_counter {
	const char *key;
	const char *label;
};

/* "show stats" in order; the agent sends those that it has under these keys. */
extern const struct policy_counter policy_ike_counters[];
extern const size_t policy_n_ike_counters;
extern const struct policy_counter policy_ipsec_counters[];
extern const size_t policy_n_ipsec_counters;

#endif /* POLICY_RECORD_H */
