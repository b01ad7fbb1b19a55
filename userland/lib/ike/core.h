/* SPDX-License-Identifier: MIT */
#ifndef IKE_CORE_H
#define IKE_CORE_H

#include <stdarg.h>
#include <sys/queue.h>

#include "base/siphash.h"
#include "base/timer.h"
#include "ike/admission.h"
#include "ike/engine.h"
#include "ike/table.h"
#include "ike/wire.h"

/*
 * struct ike_engine and what its parts share. The objects:
 *
 *   half_open   a main mode of which only message 1 has been seen: small, without keys
 *   peer        a pair of addresses; owns the three below, goes when it has none
 *     mm        a main mode (ISAKMP SA), being negotiated or established
 *     qm        a quick mode that waits or is being negotiated
 *     child     an established pair of IPsec SAs
 *
 * Objects are taken out of all indexes when they end and freed when the engine function that runs
 * returns, so that nobody up the call chain holds a dangling pointer.
 */

struct dh_ring;
struct ike_job;
struct ike_child;
struct ike_mm;
struct ike_peer;
struct ike_qm;

/* --- requests to others (request.c) ------------------------------------------------------- */

enum request_kind {
	REQUEST_NONE,
	REQUEST_HALF_OPEN_POLICY,	/* owner: half_open */
	REQUEST_PEER_POLICY,		/* owner: peer */
	REQUEST_SKEYID,			/* owner: mm, and so on */
	REQUEST_AUTHORITIES,
	REQUEST_CERTIFICATE,
	REQUEST_SIGNATURE,
	REQUEST_PROOF,
	REQUEST_GSS_STEP,
	REQUEST_GSS_WRAP,
	REQUEST_GSS_UNWRAP,
	REQUEST_QM_POLICY,		/* owner: qm */
	REQUEST_SPI_AH,
	REQUEST_SPI_ESP,
	REQUEST_ADD_SA,
	/* These are jobs. */
	REQUEST_MM_KEYS,
	REQUEST_QM_KEYS,
	REQUEST_RING,			/* owner: the engine */
};

#define KIND_BIT(kind) (1U << (kind))
#define KINDS_ALL (~0U)

/* Lives in its owner. */
struct request {
	struct table_node node;
	uint64_t id;
	void *owner;
	enum request_kind kind;
};

/* A reply that was given inside an op, or a request that its op refused at once. */
struct deferred {
	STAILQ_ENTRY(deferred) link;
	uint64_t id;
	unsigned int allowed_kinds;
	int error;
	uint32_t spi;
	size_t skeyid_len;
	uint8_t skeyid[IKE_HASH_MAX_LEN];
	struct ike_mm_policy *mm_policy;
	struct ike_qm_policy *qm_policy;
	enum credential_kind answer_kind;	/* of @answer */
	void *answer;
	struct ike_job *job;
};

STAILQ_HEAD(deferred_list, deferred);

/* --- event limits (report.c) -------------------------------------------------------------- */

/* For events that strangers can cause: 1 per second, burst 5, of each kind and reason. */
#define LIMITERS 64

struct limiter {
	bool is_used;
	uint32_t tokens;	/* thousandths */
	uint32_t suppressed;
	uint64_t stamp;
};

/* --- the engine --------------------------------------------------------------------------- */

TAILQ_HEAD(half_open_list, half_open);
TAILQ_HEAD(mm_list, ike_mm);
TAILQ_HEAD(qm_list, ike_qm);
TAILQ_HEAD(child_list, ike_child);
TAILQ_HEAD(peer_list, ike_peer);

struct half_opens {
	struct table by_cookie;
	struct table by_source;
	/* Oldest first; the second kind answered a cookie challenge and is evicted last. */
	struct half_open_list unverified;
	struct half_open_list verified;
	struct timer timer;	/* expiry of the oldest */
	size_t n;
	size_t bytes;
	bool is_challenging;
};

/* Messages that come in fragments (fragmentation.c). */
TAILQ_HEAD(reassembly_list, reassembly);

struct reassemblies {
	struct reassembly_list list;
	struct timer timer;		/* end of the oldest */
	size_t bytes;
};

/* Deletes that await an answer, and answers that may have to be given again (deletion.c). */
TAILQ_HEAD(deletion_list, deletion);

struct deletions {
	struct deletion_list list;
	struct table table;		/* by initiator cookie, remote address, message id */
	size_t n[2];			/* theirs, ours */
};

struct ike_engine {
	struct ike_config config;
	struct ike_ops ops;
	void *userdata;
	uint64_t now;
	const struct ike_path *arrival;	/* of the datagram that is being received, else NULL */
	/* Why the proposal that is being refused is, for the event; else NULL. */
	const struct ike_mismatch *mismatch;
	enum ike_trace_level trace_level;
	bool is_busy;		/* inside a public function: ops must not come back */
	uint64_t last_id;

	struct timers timers;
	struct siphash_key hash_key;
	struct admission admission;
	struct half_opens half_opens;
	struct reassemblies reassemblies;
	struct deletions deletions;
	uint16_t last_fragment_id;

	struct table peers;
	struct table mms;		/* by initiator cookie and remote address */
	struct table requests;
	struct table acquires;		/* by acquire id */
	struct table children_in;	/* by protocol, our SPI, the peer's address */
	struct table children_out;	/* by protocol, the peer's SPI and address */
	struct table jobs_by_source;
	struct peer_list all_peers;
	struct peer_list checked_peers;	/* maybe empty */
	size_t n_mms;
	size_t n_negotiating;		/* main modes as responder that are not established */
	size_t n_qms;
	size_t n_children;
	size_t n_acquires;
	size_t n_jobs;			/* handed over and not back */

	struct deferred_list deferred;
	struct mm_list dead_mms;
	struct qm_list dead_qms;
	struct child_list dead_children;

	struct dh_ring *ring;
	struct request ring_request;
	struct limiter limiters[LIMITERS];
	struct ike_stats stats;

	/* One message each: decrypted, and being built. */
	uint8_t *plain;
	uint8_t *out;
	uint8_t *out_inner;	/* a message sent while another is being built */
	char text[512];
};

/*
 * Around each public function that changes something. Inside an op core_enter() says -EBUSY.
 * core_leave() takes up replies that were given meanwhile and frees what has ended.
 */
int core_enter(struct ike_engine *engine, uint64_t now);
void core_leave(struct ike_engine *engine);

/* Random bytes from ops->random or OpenSSL; zeros would be fatal, so failure is an error. */
int core_random(struct ike_engine *engine, void *buf, size_t len);
/* Uniform enough for jitter; 0 when there is no randomness. */
uint32_t core_random_below(struct ike_engine *engine, uint32_t bound);
uint64_t core_hash(const struct ike_engine *engine, const void *data, size_t len);
uint64_t core_new_id(struct ike_engine *engine);
/* One datagram out; counts. */
void core_send(struct ike_engine *engine, const struct ike_path *path, struct bytes message);

/* A message that was kept or put together, while another function of the engine runs. */
void core_receive(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram);

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
