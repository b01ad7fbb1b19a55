/* SPDX-License-Identifier: MIT */
#ifndef IKE_FUZZ_ENGINE_H
#define IKE_FUZZ_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/sim.h"

/*
 * The language of fuzz_engine's inputs: a byte of flags, then steps, each a byte that says which
 * and its arguments. A HOST is a byte whose lowest bit counts. PAYLOADS are a byte that says how many,
 * then for each its type, its length and so many bytes.
 */
enum fuzz_flag {
	FUZZ_V6 = 1,
	FUZZ_TRACE = 2,		/* what is said about hostile messages is formatted, too */
	FUZZ_NAT_0 = 4,		/* before host 0, and so on; IPv4 only */
	FUZZ_NAT_1 = 8,
	FUZZ_COOKIES = 16,	/* responders ask for a cookie round trip first */
	FUZZ_KEYLOG = 32,
};

enum fuzz_step {
	FUZZ_MILLISECONDS,	/* n */
	FUZZ_SECONDS,		/* n */
	FUZZ_ACQUIRE,		/* HOST, port % 4 */
	FUZZ_CANCEL,		/* HOST, how many acquires ago */
	FUZZ_EXPIRE,		/* HOST, which SA, enum ike_expire_kind */
	FUZZ_WEATHER,		/* bits of enum fuzz_weather */
	FUZZ_CHANGED,		/* which recorded datagram, to HOST, edits: n, n × (16 bits at, value) */
	FUZZ_TAMPER,		/* which encrypted datagram from now on, edits: of its payloads */
	FUZZ_PROTECTED,		/* to HOST, PAYLOADS, is quick mode?, 32 bits message id */
	FUZZ_PROOF,		/* to HOST, PAYLOADS: instead of message 5 or 6 */
	FUZZ_CLEAR,		/* to HOST, PAYLOADS, exchange, flags, 32 bits message id */
	FUZZ_IDLE,		/* HOST */
	FUZZ_MAPPING,		/* 8 bits: host 0's NAT takes other ports */
	FUZZ_ADMIN,		/* HOST, enum fuzz_admin and its arguments */
	FUZZ_STEP_COUNT,
};

enum fuzz_weather {
	FUZZ_WEATHER_LOSS = 1,		/* of every other datagram */
	FUZZ_WEATHER_DOUBLE = 2,
	FUZZ_WEATHER_DISORDER = 4,
	FUZZ_WEATHER_NARROW = 8,	/* longer datagrams than 548 bytes are lost */
	FUZZ_WEATHER_MICROSOFT = 16,	/* by their vendor ids the hosts are Windows */
	FUZZ_WEATHER_DRAFT = 32,	/* and know NAT-T's draft only */
	FUZZ_WEATHER_PLAIN = 64,	/* neither DPD nor fragments */
};

enum fuzz_admin {
	FUZZ_ADMIN_FLUSH,
	FUZZ_ADMIN_DELETE_FILTER,
	FUZZ_ADMIN_DELETE_PEER,
	FUZZ_ADMIN_DELETE_MM,		/* the newest */
	FUZZ_ADMIN_DELETE_SA,		/* which */
	FUZZ_ADMIN_RESTART,
	FUZZ_ADMIN_ADOPT,		/* a restart that leaves the driver's SAs */
	FUZZ_ADMIN_ANSWER,		/* enum sim_answer */
	FUZZ_ADMIN_ODD,			/* enum sim_question, enum sim_answer */
	FUZZ_ADMIN_PSK,			/* another one? */
	FUZZ_ADMIN_POLICY,		/* main mode's?, quick mode's? */
	FUZZ_ADMIN_LIMIT,		/* quick modes per main mode % 4 */
	FUZZ_ADMIN_MAIN_MODE,		/* both hosts: which of a few proposals */
	FUZZ_ADMIN_QUICK_MODE,		/* both hosts: bits of what is offered */
	FUZZ_ADMIN_AUTH,		/* both hosts: two methods */
	FUZZ_ADMIN_CREDENTIALS,		/* bits of what is wrong with them */
	FUZZ_ADMIN_SLOW,		/* jobs take n × 100 ms, no data moves? */
	FUZZ_ADMIN_COUNT,
};

/* --- the network (fuzz_network.c): remembers, loses and changes ------------------------------- */

#define FUZZ_RECORDS 32
#define FUZZ_RECORD_MAX 1500
#define FUZZ_EDITS_MAX 8

struct fuzz_edits {
	size_t n;
	struct {
		uint16_t at;	/* modulo the length */
		uint8_t value;
	} edit[FUZZ_EDITS_MAX];
};

struct fuzz_network {
	struct {
		uint8_t data[FUZZ_RECORD_MAX];
		size_t len;
	} record[FUZZ_RECORDS];
	size_t n;
	unsigned int weather;
	unsigned int tamper_in;		/* 1: the next encrypted datagram; 0: none */
	struct fuzz_edits tamper;
};

struct fuzz_edits fuzz_read_edits(struct reader *in);
void fuzz_apply_edits(const struct fuzz_edits *edits, uint8_t *data, size_t len);

/* As sim->network, with the struct as its data. */
struct sim_fate fuzz_network(struct sim *sim, size_t from, uint8_t *data, size_t len);
/* FUZZ_CHANGED */
void fuzz_inject_changed(struct sim *sim, const struct fuzz_network *network, struct reader *in);

/* --- messages with the hosts' own keys (fuzz_forge.c) ----------------------------------------- */

/* Edits what is inside an encrypted datagram, and makes its hash right where the keys are enough. */
void fuzz_forge_tamper(struct sim *sim, size_t from, const struct fuzz_edits *edits, uint8_t *data,
		       size_t len);
/* FUZZ_PROTECTED, FUZZ_PROOF, FUZZ_CLEAR */
void fuzz_forge_protected(struct sim *sim, struct reader *in);
void fuzz_forge_proof(struct sim *sim, struct reader *in);
void fuzz_forge_clear(struct sim *sim, struct reader *in);

/* --- those who command a host (fuzz_admin.c) -------------------------------------------------- */

/* Where the other host is, as seen from this one. */
const struct ip_addr *fuzz_remote(const struct sim_host *host);
/* The newest main mode of the host, NULL without one. */
struct ike_mm *fuzz_newest_mm(const struct sim_host *host);
/* FUZZ_EXPIRE, FUZZ_ADMIN */
void fuzz_expire(struct sim *sim, struct reader *in);
void fuzz_administer(struct sim *sim, const struct ike_config *config, struct reader *in);
/* Everything as it was in the beginning. */
void fuzz_calm(struct sim *sim);

#endif
