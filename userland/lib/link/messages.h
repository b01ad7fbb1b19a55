/* SPDX-License-Identifier: MIT */
#ifndef LINK_MESSAGES_H
#define LINK_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ike/credential.h"
#include "ike/engine.h"
#include "link/link.h"

/*
 * What the processes say to each other. The comment after each method: struct that it takes ->
 * struct that it answers; "one-way" is not answered; "secret" marks what carries keys. Any
 * call can fail with a negative errno instead of its answer.
 */

/* Sockets in the run directory. */
#define LINK_SOCKET_IKE "ike"			/* the agent listens, ipsec-ike connects */
#define LINK_SOCKET_CRED "cred"			/* ipsec-cred listens, ipsec-ike connects */
#define LINK_SOCKET_CRED_ADMIN "cred-admin"	/* ipsec-cred listens, the agent connects */

#define LINK_VERSION 1
#define LINK_MISMATCH_MAX_LEN 192	/* a text of an ike_mismatch */
#define LINK_TEXT_MAX_LEN 512		/* of an event, without the NUL */
#define LINK_TRACE_LINES_MAX 64
#define LINK_PAGE_MAX 512		/* entries in one answer of ListMm, ListQm */
#define LINK_RULES_MAX 200001		/* in one list of credentials */
#define LINK_SECRETS_MAX (32 << 20)	/* bytes of keys and names in one list */
#define LINK_METHODS_MAX 16		/* of one rule */
#define LINK_SECRET_MAX_LEN 1024	/* a preshared key, or the name of a root CA */
#define LINK_NONCE_MIN_LEN 8

/* --- ipsec-ike calls the agent ------------------------------------------------------------ */

/* First call on a new link. */
struct link_hello {
	uint32_t version;	/* LINK_VERSION; the agent refuses others with -EPROTO */
	/*
	 * Random, made when the process started. Unknown to the agent: ipsec-ike was restarted
	 * and knows nothing, so the agent sends AdoptSa for what the driver has. Known: only
	 * the link was lost.
	 */
	uint64_t instance;
};

struct link_ike_config {
	bool keylog;		/* debug: Keylog is called with the keys of main and quick modes */
	enum ike_dos_mode dos_mode;
	enum ike_trace_level trace;	/* which steps Trace tells */
	uint8_t log_level;	/* as syslog: 3 errors to 7 debug */
};

struct link_policy_mm_query {
	struct ike_path path;
	bool is_initiator;
	uint32_t active_seconds;	/* only if data has moved within these; 0: in any case */
};

struct link_spi {
	uint32_t spi;		/* host order, >= 256 */
};

/* Steps of the engine, the oldest first. */
struct link_trace_line {
	char *text;		/* not NULL, no control characters */
};

struct link_trace {
	struct link_trace_line *lines;
	size_t n_lines;
	uint32_t dropped;	/* before these, because there were too many */
};

struct link_acquire_result {
	uint64_t acquire_id;
	enum ike_reason reason;
	bool peer_answered;
};

extern const struct link_method link_hello;		/* link_hello -> link_ike_config */
/* link_policy_mm_query -> ike_mm_policy; -ENOENT: none */
extern const struct link_method link_policy_mm;
extern const struct link_method link_policy_qm;	/* ike_qm_query -> ike_qm_policy; -ENOENT: none */
extern const struct link_method link_get_spi;		/* ike_spi_request -> link_spi */
extern const struct link_method link_add_sa;		/* secret ike_sa_install -> nothing */
extern const struct link_method link_del_sa;		/* ike_sa_ref, one-way */
extern const struct link_method link_acquire_result;	/* link_acquire_result, one-way */
/* ike_event, one-way; text is not NULL and has no control characters. */
extern const struct link_method link_event;
/* link_trace, one-way, only when link_ike_config.trace asks for it. */
extern const struct link_method link_trace;
/*
 * secret ike_keylog, one-way, only when link_ike_config.keylog is set. link/keylog.h turns it
 * into the line that tshark reads.
 */
extern const struct link_method link_keylog;

/* --- the agent calls ipsec-ike ------------------------------------------------------------ */

struct link_acquire_ref {
	uint64_t acquire_id;
};

struct link_expire {
	enum ike_expire_kind kind;
	enum ike_direction direction;	/* of @spi */
	struct ip_addr remote;
	enum ike_protocol protocol;	/* AH or ESP */
	uint32_t spi;
};

struct link_peer_ref {
	struct ip_addr local;
	struct ip_addr remote;
	enum ike_reason reason;
};

struct link_sa_id {
	uint64_t id;			/* mm_id or qm_id */
	enum ike_reason reason;
};

struct link_filter_ref {
	uint32_t filter_id;
	enum ike_reason reason;
};

struct link_flush {
	enum ike_reason reason;
};

/* Entries skip .. skip + limit - 1; fewer than limit in the answer: these were the last. */
struct link_page {
	uint32_t skip;
	uint32_t limit;			/* 1 .. LINK_PAGE_MAX */
};

struct link_mm_list {
	struct ike_mm_info *items;
	size_t n_items;
};

struct link_qm_list {
	struct ike_qm_info *items;
	size_t n_items;
};

/* ike_acquire -> nothing; errors of ike_engine_acquire() */
extern const struct link_method link_acquire;
extern const struct link_method link_cancel_acquire;	/* link_acquire_ref -> nothing; -ENOENT */
extern const struct link_method link_expire;		/* link_expire -> nothing; -ENOENT */
extern const struct link_method link_delete_peer;	/* link_peer_ref -> nothing; -ENOENT */
extern const struct link_method link_delete_mm;	/* link_sa_id -> nothing; -ENOENT */
extern const struct link_method link_delete_qm;	/* link_sa_id -> nothing; -ENOENT */
extern const struct link_method link_delete_filter;	/* link_filter_ref -> nothing */
extern const struct link_method link_flush;		/* link_flush -> nothing */
extern const struct link_method link_list_mm;		/* link_page -> link_mm_list */
extern const struct link_method link_list_qm;		/* link_page -> link_qm_list */
extern const struct link_method link_statistics;	/* nothing -> ike_stats */
extern const struct link_method link_adopt_sa;		/* ike_sa_install without keys -> nothing */
extern const struct link_method link_set_config;	/* link_ike_config -> nothing */

/* --- ipsec-ike calls ipsec-cred ----------------------------------------------------------- */

struct link_skeyid {
	uint8_t bytes[IKE_HASH_MAX_LEN];
	size_t len;
};

/*
 * ike_psk_request -> secret link_skeyid. -ENOENT: no secret for the two addresses; -EAGAIN:
 * more calls than negotiation needs, in a second or a minute.
 */
extern const struct link_method link_psk_skeyid;

/*
 * The questions of ike/credential.h. -EAGAIN as above; other refusals are in the answer, as the
 * reason that belongs into the audit.
 */
extern const struct link_method link_authorities; /* ike_authorities_request -> ike_authorities */
extern const struct link_method link_certificate; /* ike_certificate_request -> ike_certificate */
extern const struct link_method link_signature;	/* ike_signature_request -> ike_signature */
extern const struct link_method link_proof;		/* ike_proof_request -> ike_proof */
extern const struct link_method link_gss_step;	/* ike_gss_step -> ike_gss_token */
extern const struct link_method link_gss_wrap;	/* ike_gss_message -> ike_gss_result */
extern const struct link_method link_gss_unwrap;	/* ike_gss_message -> ike_gss_result */
extern const struct link_method link_gss_end;		/* ike_gss_end, one-way */

/* --- the agent calls ipsec-cred ----------------------------------------------------------- */

enum link_credential_kind {
	LINK_CREDENTIAL_PSK,
	LINK_CREDENTIAL_CERTIFICATE,
	LINK_CREDENTIAL_KERBEROS,
	LINK_CREDENTIAL_COUNT,
};

/* One authentication method of a rule. */
struct link_credential {
	enum link_credential_kind kind;
	/* The preshared key; the root CA's name as the policy has it; nothing for Kerberos. */
	uint8_t *value;
	size_t value_len;
	bool excludes_ca_name;		/* CERTIFICATE: the CA's name is not sent as a request */
	bool maps_to_account;		/* CERTIFICATE: the peer's has to belong to an account */
};

/*
 * The methods for a pair of addresses, in the order of preference. A policy has many more pairs than
 * lists of methods, so a rule may refer to an earlier one that has the list: a hundred thousand filters
 * of one rule are a hundred thousand pairs and one preshared key, in the message and in the locked
 * memory of ipsec-cred.
 *
 *   place  remote         methods   same_as
 *   0      10.0.0.1/32    psk "a"   0
 *   1      10.0.0.2/32    psk "b"   0
 *   2      10.0.0.3/32    -         1          as place 0: psk "a"
 */
struct link_credential_rule {
	struct ip_addr local;		/* family 0 and prefix 0: any */
	struct ip_addr remote;
	uint8_t local_prefix;
	uint8_t remote_prefix;
	struct link_credential *methods;
	size_t n_methods;		/* 0 with same_as, and only then */
	uint32_t same_as;		/* 1 + place of an earlier rule with methods; 0: its own */
};

struct link_credentials {
	struct link_credential_rule *rules;
	size_t n_rules;
	uint8_t crl_check;		/* 0 none, 1 fail if known to be revoked, 2 on any error */
	char *gss_name;			/* "host$@REALM"; "": the keytab's first such name */
	char *gss_realms;		/* of peers, between commas; "": any that the KDC vouches for */
};

/* The place of the rule whose methods are those of rule @place. */
static inline size_t link_credentials_source(const struct link_credentials *list, size_t place)
{
	return list->rules[place].same_as ? list->rules[place].same_as - 1 : place;
}

struct link_rule_state {
	uint8_t usable;			/* bit (1 << enum ike_auth): there is a credential for it */
};

/* What can be done with the list that was sent last; rules in its order. */
struct link_credential_state {
	struct link_rule_state *rules;
	size_t n_rules;
	char *gss_name;			/* this machine's; "": it has none */
};

/*
 * secret link_credentials -> link_credential_state. Replaces everything at once. The most specific
 * rule for two addresses is the one that counts: longest remote prefix, then longest local prefix,
 * then the first in the list. To be called whenever the link comes up: ipsec-cred keeps secrets in
 * memory only, and answers nothing before it got the first list.
 */
extern const struct link_method link_set_credentials;

/* --- ipsec-cred calls the agent ----------------------------------------------------------- */

/* link_credential_state, one-way: files with certificates, keys or the keytab changed. */
extern const struct link_method link_credentials_changed;

#endif
