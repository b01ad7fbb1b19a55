/* SPDX-License-Identifier: MIT */
#ifndef IKE_ENGINE_H
#define IKE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "ike/alg.h"
#include "ike/credential.h"
#include "ike/path.h"
#include "ike/reason.h"

/*
 * The IKEv1 engine: main mode and quick mode, initiator and responder.
 *
 * Bytes and time go in through the ike_engine_ functions, actions come out through struct ike_ops.
 * The engine has no socket, clock, file or thread, and holds no long-term secret. One engine is
 * used from one thread.
 *
 * Time is in milliseconds of a clock that never goes back. Call ike_engine_tick() no later than
 * ike_engine_next_timeout() says.
 *
 * Requests. Some ops ask somebody else: for policy, SPIs, SAs, uses of credentials, work. Each
 * carries an id that is never used again; the answer comes through the matching _reply() function,
 * in any order, at any time, or never (the engine's own deadlines apply). Replies to exchanges that
 * have ended are ignored with -ENOENT. An op that returns a negative errno has failed at once and
 * gets no reply.
 *
 * Reentrancy. An op may call the _reply() functions, for this request or another; such a reply is
 * kept and taken up when the engine function that runs has done its work. Every other function
 * called from inside an op returns -EBUSY and does nothing.
 *
 * Pointers handed to ops are valid during the call only. Structs that carry keys must be wiped by
 * whoever copies them.
 *
 * Functions that return int return 0 or -errno.
 */

struct ike_engine;

/* --- policy ------------------------------------------------------------------------------- */

#define IKE_MM_PROPOSALS_MAX 20
#define IKE_QM_OFFERS_MAX 20
#define IKE_AUTH_METHODS_MAX 8

struct ike_mm_proposal {
	enum ike_cipher cipher;
	uint16_t key_bits;	/* AES: 128, 192, 256; others 0 */
	enum ike_hash hash;
	uint16_t group;		/* enum ike_group */
};

/*
 * As initiator the transforms offered are proposals × auth methods, methods in the outer loop; as
 * responder the set that is acceptable.
 */
struct ike_mm_policy {
	struct ike_mm_proposal proposals[IKE_MM_PROPOSALS_MAX];
	size_t n_proposals;
	enum ike_auth auth[IKE_AUTH_METHODS_MAX];
	size_t n_auth;
	uint32_t life_seconds;	/* 0: 28800 */
	uint32_t qm_limit;	/* quick modes per main mode, 0: no limit; 1 is master PFS */
	/*
	 * Initiator: whoever is silent to message 1 for 3 seconds is taken not to speak IKE, because
	 * there may be clear text then.
	 */
	bool gives_up_early;
	/* Our Kerberos name, "host$@REALM" in UTF-8. NULL or empty: Kerberos is not offered. */
	const char *gss_name;
};

enum ike_encapsulation {
	IKE_ENCAPSULATION_TRANSPORT,
	IKE_ENCAPSULATION_TUNNEL,
};

enum ike_protocol {		/* ISAKMP protocol ids */
	IKE_PROTOCOL_ISAKMP = 1,
	IKE_PROTOCOL_AH = 2,
	IKE_PROTOCOL_ESP = 3,
};

/* One protection: ESP with its cipher and hash, or AH with its hash. */
struct ike_suite {
	enum ike_protocol protocol;
	enum ike_cipher cipher;	/* NONE for AH */
	uint16_t key_bits;	/* AES: 128, 192, 256; others 0 */
	enum ike_hash hash;
};

/* Most protections in one offer: AH outside, ESP inside. */
#define IKE_SUITES_MAX 2

struct ike_qm_offer {
	struct ike_suite suites[IKE_SUITES_MAX];
	size_t n_suites;	/* 2: both are applied (same proposal number on the wire) */
	uint32_t life_seconds;	/* 0: take the peer's, or 28800 */
	uint32_t life_kbytes;	/* 0: no limit of our own */
	/*
	 * enum ike_group; NONE: no PFS of our own, but the peer's is taken if it wants some.
	 * A quick mode has one key exchange, so only the leading offers that share the first
	 * one's group are sent.
	 */
	uint16_t pfs_group;
};

struct ike_qm_policy {
	uint32_t filter_id;	/* handed back in add_sa, not interpreted */
	enum ike_encapsulation encapsulation;
	struct ike_qm_offer offers[IKE_QM_OFFERS_MAX];
	size_t n_offers;
};

/* Traffic that a pair of SAs protects; prefixes are 32 or 128 for hosts, 0 means any here. */
struct ike_selector {
	struct ip_addr local;
	struct ip_addr remote;
	uint8_t local_prefix;
	uint8_t remote_prefix;
	uint8_t protocol;	/* 0: any */
	uint16_t local_port;	/* 0: any */
	uint16_t remote_port;
};

/* --- requests to others ------------------------------------------------------------------- */

struct ike_qm_query {
	struct ike_path path;
	struct ike_selector selector;
	bool is_initiator;	/* a rekey that we start; else the peer asks */
	/* The main mode of the peer's request, zero in a rekey that we start. */
	uint64_t icookie;	/* network bytes as on the wire */
	uint64_t rcookie;
	enum ike_auth auth;	/* how the peer was authenticated */
};

struct ike_spi_request {
	struct ike_path path;	/* SA destination = path.local */
	enum ike_protocol protocol;
	uint64_t acquire_id;	/* 0 if the peer or a rekey started it */
};

#define IKE_NONCE_MAX_LEN 256

/* Wanted: SKEYID = prf(preshared key, ni | nr), prf = HMAC with @hash. */
struct ike_psk_request {
	struct ike_path path;
	bool is_initiator;
	enum ike_hash hash;
	const uint8_t *ni;
	size_t ni_len;
	const uint8_t *nr;
	size_t nr_len;
};

/* Keys of one direction. */
struct ike_keys {
	uint8_t cipher_key[IKE_CIPHER_KEY_MAX_LEN];	/* AES-GCM: salt last */
	size_t cipher_key_len;
	uint8_t hash_key[IKE_HASH_MAX_LEN];
	size_t hash_key_len;
};

struct ike_sa_suite {
	struct ike_suite suite;
	uint32_t spi_in;	/* host order; in: chosen by us */
	uint32_t spi_out;
	struct ike_keys in;
	struct ike_keys out;
};

enum ike_direction {		/* bit set */
	IKE_DIRECTION_IN = 1,
	IKE_DIRECTION_OUT = 2,
};

/*
 * SAs to install. A responder asks twice for the same qm_id, first IN and, once the peer has
 * proved liveness, OUT; an initiator asks once for both, or does the same if the peer wants to say
 * when it is ready (commit bit). Larval SAs with spi_in exist since get_spi.
 */
struct ike_sa_install {
	uint64_t qm_id;		/* names the pair for its whole life */
	unsigned int directions;
	bool is_initiator;
	struct ike_path path;
	/* ESP in UDP between the path's ports, for the sake of a NAT before us, the peer or both. */
	bool is_in_udp;
	bool is_behind_nat;
	bool is_peer_behind_nat;
	struct ike_selector selector;
	enum ike_encapsulation encapsulation;
	struct ike_sa_suite suites[IKE_SUITES_MAX];
	size_t n_suites;
	/* Hard limits; soft ones are below them. 0: none. */
	uint32_t life_seconds;
	uint32_t soft_seconds;
	uint64_t life_bytes;
	uint64_t soft_bytes;	/* of the outbound SA */
	uint64_t soft_bytes_in;
	uint32_t idle_seconds;	/* without inbound packets the pair ends; 0: as usual */
	uint16_t pfs_group;	/* enum ike_group, NONE without PFS */
	uint32_t filter_id;
	uint64_t acquire_id;	/* the first that asked for it, 0 if none */
	uint64_t replaces_qm_id;	/* the pair that this one rekeys, 0 if none */
};

/* SAs to remove; also a larval one (direction IN) of a negotiation that came to nothing. */
struct ike_sa_ref {
	uint64_t qm_id;
	struct ike_path path;
	enum ike_protocol protocol;
	uint32_t spi_in;	/* 0: no inbound one */
	uint32_t spi_out;	/* 0: no outbound one */
};

/*
 * Diffie-Hellman: from a fraction of a millisecond to some 20 of them, for the largest group. It
 * touches nothing of the engine, so that another thread may do it.
 */
struct ike_job;

void ike_job_run(struct ike_job *job);
/*
 * Wipes; for what a host still has when the engine is gone, and only then. NULL is allowed.
 * Returns NULL.
 */
struct ike_job *ike_job_free(struct ike_job *job);

/* --- what is told ------------------------------------------------------------------------- */

/* Audit events; the numbers of the original are in the comments. */
enum ike_event_kind {
	IKE_EVENT_MM_ESTABLISHED,	/* 541 */
	IKE_EVENT_QM_ESTABLISHED,	/* 541 */
	IKE_EVENT_QM_DELETED,		/* 542 */
	IKE_EVENT_MM_DELETED,		/* 543 */
	IKE_EVENT_MM_FAILED,		/* 544 to 547, by the reason */
	IKE_EVENT_QM_FAILED,		/* 546, 547 */
	IKE_EVENT_SEND_FAILED,
	IKE_EVENT_COUNT,
};

enum ike_mm_state {
	IKE_MM_STATE_WAIT_POLICY, /* responder: policy asked for */
	/* RECEIVED: others are asked for what the next message, or a verdict, needs. */
	IKE_MM_STATE_SENT_1, /* initiator */
	IKE_MM_STATE_RECEIVED_2,
	IKE_MM_STATE_SENT_3,
	IKE_MM_STATE_RECEIVED_4,
	IKE_MM_STATE_SENT_5,
	IKE_MM_STATE_RECEIVED_6,
	IKE_MM_STATE_SENT_2, /* responder, half-open */
	IKE_MM_STATE_RECEIVED_3,
	IKE_MM_STATE_SENT_4,
	IKE_MM_STATE_RECEIVED_5,
	IKE_MM_STATE_ESTABLISHED,
	IKE_MM_STATE_DYING, /* no new quick modes; deletion is scheduled */
	IKE_MM_STATE_DEAD, /* failed, kept to answer duplicates */
	IKE_MM_STATE_COUNT,
};

struct ike_mm_info {
	uint64_t mm_id;
	uint64_t icookie;	/* network bytes as on the wire */
	uint64_t rcookie;
	struct ike_path path;
	bool is_initiator;
	enum ike_mm_state state;
	bool has_proposal;	/* false before one was chosen */
	struct ike_mm_proposal proposal;
	enum ike_auth auth;
	uint32_t life_seconds;
	uint64_t age_ms;
	uint32_t n_qm;		/* quick modes made under it */
	uint32_t qm_limit;
	/*
	 * Who the two are. Names come from certificates ("CN=..., O=...") or Kerberos
	 * ("host$@REALM"), valid as long as the engine is not called; NULL: the address is the
	 * identity, or there is no proof yet.
	 */
	struct ip_addr local_id;
	struct ip_addr remote_id;
	const char *local_name;
	const char *remote_name;
	const char *authority;	/* the root CA that vouches for the peer, else NULL */
};

enum ike_qm_state {
	IKE_QM_STATE_WAIT,		/* policy, main mode, SPI */
	IKE_QM_STATE_SENT_1,
	IKE_QM_STATE_SENT_2,
	IKE_QM_STATE_INSTALL,
	IKE_QM_STATE_ESTABLISHED,
	IKE_QM_STATE_REPLACED,		/* a newer pair exists, deletion is scheduled */
	IKE_QM_STATE_COUNT,
};

/* An established pair, or a quick mode that failed (then SPIs and suites may be missing). */
struct ike_qm_info {
	uint64_t qm_id;
	struct ike_path path;
	bool is_initiator;
	enum ike_qm_state state;
	struct ike_selector selector;
	enum ike_encapsulation encapsulation;
	struct ike_suite suites[IKE_SUITES_MAX];
	uint32_t spi_in[IKE_SUITES_MAX];
	uint32_t spi_out[IKE_SUITES_MAX];
	size_t n_suites;
	uint32_t life_seconds;
	uint32_t life_kbytes;
	uint16_t pfs_group;
	uint32_t filter_id;
	uint64_t age_ms;
};

/* The attribute in which a proposal of the peer is not what policy accepts. */
struct ike_mismatch {
	const char *attribute;		/* "Encryption Algorithm" */
	const char *expected;		/* "AES-256, 3DES" */
	const char *received;
};

struct ike_event {
	enum ike_event_kind kind;
	struct ike_path path;
	enum ike_reason reason;		/* OK for "established" */
	bool failed_at_peer;		/* failure point: the peer, else we */
	/* One sentence without peer and keys, e.g. "no proposal chosen (offered AES-256 ...)". */
	const char *text;
	/* NULL where there is none; of a quick mode's event: the one that it runs under. */
	const struct ike_mm_info *mm;
	const struct ike_qm_info *qm;
	const struct ike_mismatch *mismatch;	/* only of a failure; NULL where it is no proposal */
	uint32_t suppressed;		/* events like this not reported since the last one */
};

/* Debug export; called only when the configuration says so. */
enum ike_keylog_kind {
	IKE_KEYLOG_MM,		/* icookie, cipher_key: tshark's ikev1_decryption_table */
	IKE_KEYLOG_QM,		/* install: tshark's esp_sa */
};

struct ike_keylog {
	enum ike_keylog_kind kind;
	uint64_t icookie;
	uint64_t rcookie;
	enum ike_cipher cipher;
	const uint8_t *cipher_key;
	size_t cipher_key_len;
	const struct ike_sa_install *install;
};

#define IKE_TRACE_MAX_LEN 400

/* How much ops->trace is told. */
enum ike_trace_level {
	IKE_TRACE_OFF,
	IKE_TRACE_STEPS,	/* each step of main and quick mode */
	IKE_TRACE_MESSAGES,	/* and what was in each message, and why one was ignored */
	IKE_TRACE_COUNT,
};

/* --- ops ---------------------------------------------------------------------------------- */

struct ike_ops {
	/*
	 * Sends one datagram from path->local to path->remote. A negative errno is counted and
	 * reported; the exchange goes on as if the datagram were lost.
	 */
	int (*send)(void *userdata, const struct ike_path *path, const uint8_t *data, size_t len);
	/* Unpredictable bytes; NULL: OpenSSL's generator. */
	int (*random)(void *userdata, void *buf, size_t len);

	/* Requests, each answered by the _reply() function of the same name. */
	/*
	 * @active_seconds: a main mode is to be renewed; refuse unless data has moved between the
	 * two within these. 0: in any case.
	 */
	int (*policy_mm)(void *userdata, uint64_t id, const struct ike_path *path,
			 bool is_initiator, uint32_t active_seconds);
	int (*policy_qm)(void *userdata, uint64_t id, const struct ike_qm_query *query);
	int (*get_spi)(void *userdata, uint64_t id, const struct ike_spi_request *request);
	int (*psk_skeyid)(void *userdata, uint64_t id, const struct ike_psk_request *request);
	int (*add_sa)(void *userdata, uint64_t id, const struct ike_sa_install *install);

	/* The same, about certificates and Kerberos: ike/credential.h. */
	int (*authorities)(void *userdata, uint64_t id,
			   const struct ike_authorities_request *request);
	int (*certificate)(void *userdata, uint64_t id,
			   const struct ike_certificate_request *request);
	int (*signature)(void *userdata, uint64_t id, const struct ike_signature_request *request);
	int (*proof)(void *userdata, uint64_t id, const struct ike_proof_request *request);
	int (*gss_step)(void *userdata, uint64_t id, const struct ike_gss_step *step);
	int (*gss_wrap)(void *userdata, uint64_t id, const struct ike_gss_message *message);
	int (*gss_unwrap)(void *userdata, uint64_t id, const struct ike_gss_message *message);
	/*
	 * Takes the job, has ike_job_run() done with it once, wherever, and gives it back, whatever
	 * has happened meanwhile. NULL: the engine does the work at once.
	 */
	int (*job)(void *userdata, uint64_t id, struct ike_job *job);

	/* Not answered. */
	void (*del_sa)(void *userdata, const struct ike_sa_ref *ref);
	/* A context that gss_step was asked about, also while that is not answered yet. */
	void (*gss_end)(void *userdata, const struct ike_gss_end *end);
	/*
	 * The end of an acquire, exactly once. @peer_answered: something came back, so the peer
	 * speaks IKE (no fall-back to clear text).
	 */
	void (*acquire_result)(void *userdata, uint64_t acquire_id, enum ike_reason reason,
			       bool peer_answered);
	void (*event)(void *userdata, const struct ike_event *event);	/* may be NULL */
	void (*keylog)(void *userdata, const struct ike_keylog *keylog);	/* may be NULL */
	/*
	 * One step, in at most IKE_TRACE_MAX_LEN bytes of text without keys; only what
	 * ike_engine_set_trace() asks for. May be NULL.
	 */
	void (*trace)(void *userdata, const char *text);
};

/* --- configuration ------------------------------------------------------------------------ */

enum ike_dos_mode {
	IKE_DOS_AUTO,		/* cookie challenge above 500 half-open main modes, until 100 */
	IKE_DOS_OFF,
	IKE_DOS_ALWAYS,
};

/* Zero in a number means the default in the comment. */
struct ike_config {
	enum ike_dos_mode dos_mode;
	uint32_t half_open_max;		/* 2000, in all */
	uint32_t half_open_per_source;	/* 35, per IPv4 address or IPv6 /64 */
	uint32_t mm_max;		/* 100000 main modes beyond half-open */
	uint32_t mm_life_max;		/* 172800 s */
	uint32_t qm_life_max;		/* 172800 s */
	uint32_t dh_ring;		/* 4 key pairs per group that is in use, made when idle */
	uint32_t jobs_max;		/* 256 that are not back yet */
	uint32_t jobs_per_source;	/* 8 of them for main modes, per IPv4 address or IPv6 /64 */
	bool keylog;
};

/* --- the engine --------------------------------------------------------------------------- */

/*
 * Copies @config (NULL: all defaults) and @ops. The first engine of a process loads OpenSSL's
 * default and legacy providers, so create it before any sandbox that forbids opening files.
 * NULL when out of memory or without a usable crypto library.
 */
struct ike_engine *ike_engine_new(const struct ike_config *config, const struct ike_ops *ops,
				  void *userdata, uint64_t now);
/*
 * Wipes and frees everything, sends and reports nothing, but ends GSS contexts; NULL is allowed.
 * Returns NULL.
 */
struct ike_engine *ike_engine_free(struct ike_engine *engine);

/* At once, for main modes that begin from now on; that of the configuration at first. */
void ike_engine_set_dos_mode(struct ike_engine *engine, enum ike_dos_mode mode);
/* At once; off at first. */
void ike_engine_set_trace(struct ike_engine *engine, enum ike_trace_level level);

/* A datagram from path->remote to path->local. Never fails: bad input is counted. */
void ike_engine_receive(struct ike_engine *engine, uint64_t now, const struct ike_path *path,
			const void *data, size_t len);
/* Runs whatever is due at @now. */
void ike_engine_tick(struct ike_engine *engine, uint64_t now);
/* When the next tick is due; UINT64_MAX: nothing to wait for. */
uint64_t ike_engine_next_timeout(const struct ike_engine *engine);
/*
 * Begins a job for idle moments (a key pair ahead of need), if there is any that is not under way;
 * true: one was begun.
 */
bool ike_engine_idle(struct ike_engine *engine, uint64_t now);

struct ike_acquire {
	uint64_t id;		/* not 0 */
	struct ike_path path;	/* ports 0: 500 */
	struct ike_selector selector;
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;
};

/*
 * Wanted: a pair of SAs for the selector. Shares an established or running main mode with the
 * same addresses. acquire_result says how it ended, unless this returns an error: -EINVAL for
 * unusable policy, -EEXIST for an id that is being worked on, -ENOSPC at a limit, -ENOMEM.
 */
int ike_engine_acquire(struct ike_engine *engine, uint64_t now, const struct ike_acquire *acquire);

/* Answers. A NULL policy or a negative @error refuses; secrets are copied. */
int ike_engine_policy_mm_reply(struct ike_engine *engine, uint64_t now, uint64_t id,
			       const struct ike_mm_policy *policy);
int ike_engine_policy_qm_reply(struct ike_engine *engine, uint64_t now, uint64_t id,
			       const struct ike_qm_policy *policy);
/* -ENOENT: nobody needs the SPI any more, and there will be no del_sa for it. */
int ike_engine_get_spi_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			     uint32_t spi);
int ike_engine_psk_skeyid_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				const uint8_t *skeyid, size_t len);
int ike_engine_add_sa_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error);
/* A refusal by the keeper of the credentials is in the answer; it is copied. */
int ike_engine_authorities_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				 const struct ike_authorities *authorities);
int ike_engine_certificate_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				 const struct ike_certificate *certificate);
int ike_engine_signature_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			       const struct ike_signature *signature);
int ike_engine_proof_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			   const struct ike_proof *proof);
int ike_engine_gss_step_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			      const struct ike_gss_token *token);
int ike_engine_gss_wrap_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			      const struct ike_gss_result *result);
int ike_engine_gss_unwrap_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				const struct ike_gss_result *result);
/* Takes the job, also with an error. */
int ike_engine_job_reply(struct ike_engine *engine, uint64_t now, uint64_t id, struct ike_job *job);

enum ike_expire_kind {
	IKE_EXPIRE_SOFT,	/* negotiate a successor */
	IKE_EXPIRE_HARD,	/* the driver has removed it */
	IKE_EXPIRE_IDLE,	/* the driver has removed the pair, nothing arrived for a while */
	/*
	 * No end, but perhaps the peer's: packets leave, and none has come for 30 seconds. To be
	 * repeated every 10 seconds while it lasts.
	 */
	IKE_EXPIRE_SILENT,
};

/* @spi is of direction @direction; -ENOENT if no pair has it. */
int ike_engine_expire(struct ike_engine *engine, uint64_t now, enum ike_expire_kind kind,
		      enum ike_direction direction, const struct ip_addr *remote,
		      enum ike_protocol protocol, uint32_t spi);

/*
 * Deletions: the peer is told, del_sa is called, events carry @reason. The SAs of a deleted main
 * mode stay until their own end.
 */
int ike_engine_delete_mm(struct ike_engine *engine, uint64_t now, uint64_t mm_id,
			 enum ike_reason reason);
int ike_engine_delete_qm(struct ike_engine *engine, uint64_t now, uint64_t qm_id,
			 enum ike_reason reason);
/* All main modes, SAs and negotiations with the peer. */
int ike_engine_delete_peer(struct ike_engine *engine, uint64_t now, const struct ip_addr *local,
			   const struct ip_addr *remote, enum ike_reason reason);
/* All SAs and negotiations of a filter. */
void ike_engine_delete_filter(struct ike_engine *engine, uint64_t now, uint32_t filter_id,
			      enum ike_reason reason);
/* An acquire that nobody waits for any more: forgotten without acquire_result. */
int ike_engine_cancel_acquire(struct ike_engine *engine, uint64_t now, uint64_t acquire_id);
/* Everything; the engine stays usable. */
void ike_engine_flush(struct ike_engine *engine, uint64_t now, enum ike_reason reason);

/*
 * SAs that outlived a restart of this process: taken over so that expiry, rekey and the peer's
 * deletes work. Keys in @install are ignored.
 */
int ike_engine_adopt_sa(struct ike_engine *engine, uint64_t now,
			const struct ike_sa_install *install);

/* --- what is there ------------------------------------------------------------------------ */

/* The counters of "show stats"; the gauges are marked. */
struct ike_stats {
	uint64_t active_acquire;	/* gauge */
	uint64_t active_receive;	/* gauge: queued messages */
	uint64_t acquire_failures;
	uint64_t receive_failures;
	uint64_t send_failures;
	uint64_t acquire_heap_size;	/* gauge */
	uint64_t receive_heap_size;	/* gauge */
	uint64_t authentication_failures;
	uint64_t negotiation_failures;
	uint64_t invalid_cookies;
	uint64_t total_acquire;
	uint64_t total_get_spi;
	uint64_t key_additions;
	uint64_t key_updates;
	uint64_t get_spi_failures;
	uint64_t key_addition_failures;
	uint64_t key_update_failures;
	uint64_t isadb_list_size;	/* gauge: main modes, half-open ones included */
	uint64_t connection_list_size;	/* gauge: quick modes, running and established */
	uint64_t main_modes;
	uint64_t quick_modes;
	uint64_t soft_associations;	/* counted by the agent, always 0 here */
	uint64_t invalid_packets;

	/* Beyond the original. */
	uint64_t packets_received;
	uint64_t packets_sent;
	uint64_t retransmissions;	/* by our timers */
	uint64_t duplicates_answered;
	uint64_t duplicates_ignored;
	uint64_t half_open;		/* gauge */
	uint64_t half_open_bytes;	/* gauge: memory held for them */
	uint64_t half_open_evicted;
	uint64_t rate_limited;
	uint64_t cookie_challenges;
	uint64_t unauthenticated_notifies;
	uint64_t unauthenticated_deletes;
	uint64_t bad_message_5;		/* and 6: undecryptable */
	uint64_t dh_operations;
	uint64_t rekeys;
	uint64_t messages_fragmented;	/* sent in fragments */
	uint64_t messages_reassembled;
};

void ike_engine_get_stats(const struct ike_engine *engine, struct ike_stats *ret_stats);

/*
 * Calls @visit for each, until it returns false. The engine must not be changed meanwhile. @now is
 * no earlier than that of the last call.
 */
void ike_engine_for_each_mm(const struct ike_engine *engine, uint64_t now,
			    bool (*visit)(void *userdata, const struct ike_mm_info *info),
			    void *userdata);
/* Established pairs and running quick modes. */
void ike_engine_for_each_qm(const struct ike_engine *engine, uint64_t now,
			    bool (*visit)(void *userdata, const struct ike_qm_info *info),
			    void *userdata);

#endif
