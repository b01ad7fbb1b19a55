/* SPDX-License-Identifier: MIT */
#ifndef IKE_SIM_H
#define IKE_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ike/engine.h"

/*
 * For tests: hosts with real engines in one process, and around them a network, a driver, an agent
 * and a credential store that are simple and obey the test. Time is virtual.
 */

#define SIM_HOSTS 2
#define SIM_SAS_MAX 512
#define SIM_EVENTS_MAX 512
#define SIM_STEPS_MAX 64
#define SIM_RESULTS_MAX 512
#define SIM_TRACE_MAX 4096

struct sim;

enum sim_step {			/* order in which things were done */
	SIM_STEP_SEND,
	SIM_STEP_ADD_IN,
	SIM_STEP_ADD_OUT,
	SIM_STEP_ADD_PAIR,
	SIM_STEP_DEL,
};

struct sim_trace {
	enum sim_step step;
	size_t host;
	uint8_t exchange;	/* SEND */
	bool is_encrypted;
	uint32_t message_id;
	size_t len;
	uint64_t at;
};

/* An SA in the driver. */
struct sim_sa {
	bool is_inbound;
	enum ike_protocol protocol;
	uint32_t spi;
	struct ike_suite suite;
	struct ike_keys keys;
	struct ike_sa_install install;
	uint64_t qm_id;
};

struct sim_event {
	enum ike_event_kind kind;
	enum ike_reason reason;
	bool failed_at_peer;
	bool has_mm;
	char text[200];
	char attribute[32];	/* of a proposal; "" if it was none */
	enum ike_auth auth;
	char remote_name[64];	/* "" for none, and so on */
	char local_name[64];
	char authority[64];
};

struct sim_result {
	uint64_t acquire_id;
	enum ike_reason reason;
	bool peer_answered;
};

/* How the store, the agent and the driver of a host answer. */
enum sim_answer {
	SIM_ANSWER_LATER,	/* when the network is run next */
	SIM_ANSWER_AT_ONCE,	/* inside the op */
	SIM_ANSWER_NEVER,
	SIM_ANSWER_ERROR,	/* the op returns an error */
	SIM_ANSWER_SLOW,	/* after slow_ms */
	SIM_ANSWER_REFUSED,	/* an answer that refuses, or an error where there is none */
};

/* What a host is asked. */
enum sim_question {
	SIM_QUESTION_POLICY_MM,
	SIM_QUESTION_POLICY_QM,
	SIM_QUESTION_SPI,
	SIM_QUESTION_ADD_SA,
	SIM_QUESTION_SKEYID,
	SIM_QUESTION_AUTHORITIES,
	SIM_QUESTION_CERTIFICATE,
	SIM_QUESTION_SIGNATURE,
	SIM_QUESTION_PROOF,
	SIM_QUESTION_GSS_STEP,
	SIM_QUESTION_GSS_WRAP,
	SIM_QUESTION_GSS_UNWRAP,
	SIM_QUESTION_JOB,
	SIM_QUESTION_COUNT,
};

/*
 * Certificates and Kerberos without either: what is signed or wrapped here can be checked on the
 * other host, since everybody knows every key.
 */
#define SIM_AUTHORITIES_MAX 70
#define SIM_CONTEXTS_MAX 64

struct sim_context {
	uint64_t id;		/* 0: free */
	bool is_initiator;
	unsigned int n_taken;
	bool is_complete;
};

struct sim_credentials {
	const char *subject;	/* of our certificate; NULL: none */
	const char *issuer;	/* its authority */
	const char *claimed;	/* the subject that goes into ID; NULL: the right one */
	unsigned int n_chain;	/* certificates that are sent: 1, or more with intermediates */
	const char *authorities[SIM_AUTHORITIES_MAX];	/* that we accept */
	size_t n_authorities;
	bool excludes_names;	/* and does not say so */
	const char *revoked;	/* a subject that we do not accept */
	bool is_forger;		/* signs and wraps something else */
	/* What the peer asked for when it was our turn to choose a certificate. */
	size_t n_requested;
	char first_requested[64];

	const char *principal;	/* Kerberos; NULL: none */
	unsigned int rounds;	/* tokens of each side until a context is complete */
	struct sim_context contexts[SIM_CONTEXTS_MAX];
	size_t n_contexts;	/* that have not been ended */
};

struct sim_host {
	struct sim *sim;
	size_t index;
	struct ike_engine *engine;
	struct ip_addr addr;
	struct ip_addr seen_as;	/* source address of what the other receives, and where it sends to */
	uint16_t nat_ports;	/* what a NAT adds to the source port, 0 without */

	struct ike_mm_policy mm;
	struct ike_qm_policy qm;
	bool has_mm_policy;
	bool has_qm_policy;
	const char *psk;	/* NULL: none for this peer */
	int add_sa_error;
	int get_spi_error;
	enum sim_answer answer;
	bool is_idle;		/* no data moves */
	/* One question that is answered in another way. */
	bool has_odd_answer;
	enum sim_question odd_question;
	enum sim_answer odd_answer;
	uint64_t slow_ms;
	size_t n_asked[SIM_QUESTION_COUNT];
	struct sim_credentials credentials;
	uint64_t job_ms;	/* how long Diffie-Hellman takes */
	struct ike_selector last_query;

	struct sim_sa sas[SIM_SAS_MAX];
	size_t n_sas;
	uint32_t next_spi;
	size_t n_larval;	/* SPIs given out, not installed and not given back */
	struct sim_event events[SIM_EVENTS_MAX];
	size_t n_events;
	struct sim_result results[SIM_RESULTS_MAX];
	size_t n_results;
	size_t n_sent;
	size_t n_keylogs;
	char steps[SIM_STEPS_MAX][IKE_TRACE_MAX_LEN + 1];	/* the first ones traced */
	size_t n_steps;
	uint8_t last_ka[32];
	uint64_t rng;
};

/* What the network does with a datagram. */
struct sim_fate {
	bool is_lost;
	unsigned int n_copies;	/* beyond the first */
	uint64_t delay;		/* ms */
	uint64_t copy_delay;	/* of the copies */
};

struct sim_packet;

struct sim {
	uint64_t now;
	struct sim_host hosts[SIM_HOSTS];
	struct sim_packet *packets;
	struct sim_packet *replies;
	struct sim_trace trace[SIM_TRACE_MAX];
	size_t n_trace;
	uint64_t rng;
	bool is_v6;
	int send_error;		/* what sending returns */

	/* May change the bytes; NULL: everything arrives after 1 ms. */
	struct sim_fate (*network)(struct sim *sim, size_t from, uint8_t *data, size_t len);
	void *network_data;
};

/* Two hosts with equal policies and keys: 192.0.2.1 and .2, or 2001:db8::1 and ::2. */
struct sim *sim_new(bool is_v6, const struct ike_config *config);
struct sim *sim_free(struct sim *sim);

/* A restart: a new engine without memory, the driver's SAs gone. */
void sim_restart(struct sim *sim, size_t index, const struct ike_config *config);

/* Policies as small as possible. */
struct ike_mm_policy sim_mm_policy(enum ike_cipher cipher, unsigned int key_bits,
				   enum ike_hash hash, unsigned int group);
struct ike_qm_offer sim_esp(enum ike_cipher cipher, unsigned int key_bits, enum ike_hash hash);
struct ike_qm_offer sim_ah(enum ike_hash hash);
void sim_set_mm(struct sim *sim, const struct ike_mm_policy *policy);
void sim_set_offer(struct sim *sim, const struct ike_qm_offer *offer);

/* Both hosts accept these methods, in this order. */
void sim_set_auth(struct sim *sim, const enum ike_auth *methods, size_t n_methods);
/* Questions to the host, answered as it is told to; sim_credentials.c makes the answers. */
int sim_answer(struct sim_host *host, enum sim_question question, uint64_t id, int error,
	       enum credential_kind kind, const void *answer);
void sim_credentials_init(struct sim_host *host);
extern const struct ike_ops sim_credential_ops;

/* The host wants SAs for the whole traffic with the other, or with @port (TCP to it). */
int sim_acquire(struct sim *sim, size_t index, uint64_t id);
int sim_acquire_port(struct sim *sim, size_t index, uint64_t id, uint16_t port);

/* Everything that happens within the next @ms. */
void sim_run(struct sim *sim, uint64_t ms);
/* One datagram to the host, as if from the other, or from somewhere else. */
void sim_inject(struct sim *sim, size_t to, const void *data, size_t len);
void sim_inject_from(struct sim *sim, size_t to, const struct ip_addr *from, uint16_t port,
		     const void *data, size_t len);
uint64_t sim_random(uint64_t *state);

/* Number of SAs in the host's driver, and whether both hosts' SAs fit together. */
size_t sim_count_sas(const struct sim *sim, size_t host);
bool sim_has_matching_sas(const struct sim *sim);
size_t sim_count_events(const struct sim *sim, size_t host, enum ike_event_kind kind);
const struct sim_event *sim_last_event(const struct sim *sim, size_t host,
				       enum ike_event_kind kind);
const struct sim_result *sim_result(const struct sim *sim, size_t host, uint64_t acquire_id);
/* Established main modes. */
size_t sim_count_mms(const struct sim *sim, size_t host);
struct ike_stats sim_stats(const struct sim *sim, size_t host);

#endif
