/* SPDX-License-Identifier: MIT */
#ifndef IKE_QM_H
#define IKE_QM_H

#include "ike/core.h"
#include "ike/exchange.h"
#include "ike/proposal_qm.h"

struct dh_key;

/*
 * A quick mode, from the wish for one to the installed pair.
 *
 *   initiator: WAIT_POLICY -> WAIT_MM -> WAIT_SPI -> MAKE_KEY -> SENT_1 -> DERIVE -> INSTALL -> DONE
 *     and when the peer wants to say CONNECTED: DERIVE -> INSTALL_IN -> SENT_3 -> INSTALL_OUT -> DONE
 *   responder: WAIT_POLICY -> WAIT_SPI -> DERIVE -> INSTALL_IN -> SENT_2 -> INSTALL_OUT -> gone
 *
 * WAIT_POLICY is left out when an acquire brought the policy, MAKE_KEY and DERIVE without PFS.
 * DONE is kept for a while to repeat message 3; the responder needs that only where message 3 has
 * an answer, CONNECTED.
 */
enum qm_stage {
	QM_STAGE_WAIT_POLICY,
	QM_STAGE_WAIT_MM,
	QM_STAGE_WAIT_SPI,
	QM_STAGE_MAKE_KEY,
	QM_STAGE_SENT_1,
	QM_STAGE_DERIVE,
	QM_STAGE_INSTALL,
	QM_STAGE_INSTALL_IN,
	QM_STAGE_SENT_2,
	QM_STAGE_SENT_3,
	QM_STAGE_INSTALL_OUT,
	QM_STAGE_DONE,
};

/* An acquire that waits for a quick mode. */
struct qm_acquire {
	struct table_node node;
	uint64_t id;
	struct ike_qm *qm;
	struct qm_acquire *next;
};

struct ike_qm {
	TAILQ_ENTRY(ike_qm) peer_link;
	TAILQ_ENTRY(ike_qm) dead_link;
	struct ike_peer *peer;
	struct ike_mm *mm;		/* NULL until it has one */
	uint64_t id;
	enum qm_stage stage;
	bool is_initiator;
	bool is_gone;
	bool is_restarted;		/* had its second chance under a new main mode */
	bool has_answered;
	bool is_counted;		/* in the main mode's n_qm, and may fail yet */
	bool is_live;			/* in the main mode's n_live_qm */
	bool is_probe;			/* to find out whether the peer lives */
	bool waits_for_connected;	/* initiator: message 2 asked for that */
	struct ike_selector selector;
	struct ike_qm_policy *policy;	/* NULL before it is known and after DONE */
	uint32_t filter_id;
	enum ike_encapsulation encapsulation;
	struct qm_acquire *acquires;
	uint64_t replaces;		/* id of the pair that this one rekeys */
	uint32_t message_id;
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct exchange_log log;
	struct timer timer;
	uint64_t created_at;

	/* The negotiation's data, freed when it is done. */
	struct blob sa;			/* initiator's SA payload body */
	struct blob ni;
	struct blob nr;
	struct blob idci;
	struct blob idcr;
	struct blob peer_ke;
	struct blob own_ke;		/* responder's, until message 2 */
	struct dh_key *dh;
	struct qm_spis spis;
	struct qm_choice choice;
	struct request policy_request;
	struct request spi_requests[2];	/* AH, ESP */
	struct request add_request;
	struct request key_request;
	struct ike_sa_install *install;	/* keys inside */
};

/* In @peer's list, in the given stage; NULL when out of memory. */
struct ike_qm *qm_new(struct ike_engine *engine, struct ike_peer *peer, bool is_initiator,
		      enum qm_stage stage);
void qm_unlink(struct ike_engine *engine, struct ike_qm *qm);
void qm_free(struct ike_qm *qm);
/* The secrets and buffers of the negotiation. */
void qm_free_negotiation(struct ike_engine *engine, struct ike_qm *qm);
/* Gives a main mode to it, or takes it away (NULL). */
void qm_set_mm(struct ike_qm *qm, struct ike_mm *mm);
/* It is done and kept for duplicates only: others may have its place. */
void qm_set_idle(struct ike_qm *qm);
int qm_set_policy(struct ike_qm *qm, const struct ike_qm_policy *policy);
struct ike_qm *qm_find(struct ike_mm *mm, uint32_t message_id);
struct ike_path qm_path(const struct ike_qm *qm);
/* Gives SPIs back, with whatever was installed under them; or only those not chosen. */
void qm_release_spis(struct ike_engine *engine, struct ike_qm *qm, bool only_unused);

int qm_add_acquire(struct ike_engine *engine, struct ike_qm *qm, uint64_t id);
/* Tells all that wait, and forgets them. */
void qm_finish_acquires(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason);
/* Forgets one, or all, without a word. */
void qm_drop_acquire(struct ike_engine *engine, struct ike_qm *qm, uint64_t id);
void qm_drop_acquires(struct ike_engine *engine, struct ike_qm *qm);
struct qm_acquire *qm_find_acquire(const struct ike_engine *engine, uint64_t id);

/* Over without success: SPIs go back, everybody is told. */
void qm_fail(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason,
	     bool is_at_peer, const char *format, ...) __attribute__((format(printf, 5, 6)));
void qm_get_info(const struct ike_engine *engine, const struct ike_qm *qm,
		 struct ike_qm_info *ret_info);

#endif
