/* SPDX-License-Identifier: MIT */
#ifndef IKE_QUICK_MODE_STEPS_H
#define IKE_QUICK_MODE_STEPS_H

#include "ike/qm.h"

/*
 * Steps of quick mode that both sides take, shared by quick_mode.c, quick_mode_initiator.c and
 * quick_mode_responder.c.
 */

/* How long others may take to answer us. */
#define QM_REQUEST_WAIT_MS 30000
/* Message 3 is repeated on demand so long. */
#define QM_DONE_MS 30000
#define QM_NONCE_MIN 8

/* A message under construction; its HASH is filled in when it is sent. */
struct qm_message {
	struct wire_out out;
	size_t hash_at;
};

enum qm_hash {
	QM_HASH_1,
	QM_HASH_2,
	QM_HASH_3,
	QM_HASH_4,
};

void qm_message_begin(struct ike_engine *engine, const struct ike_qm *qm, struct qm_message *m);
/* Hashes, encrypts, moves the IV on, sends and remembers. */
int qm_message_send(struct ike_engine *engine, struct ike_qm *qm, struct qm_message *m,
		    enum qm_hash hash);

/*
 * Decrypts, checks the payloads and HASH. On success the IV moves on and the message counts as
 * seen. -EBADMSG: forged or broken, nothing has changed.
 */
int qm_message_open(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
		    const struct wire_header *header, enum message_kind kind, enum qm_hash hash,
		    struct wire_message *ret_message);

/* under its main mode */
struct qm_terms qm_terms(const struct ike_qm *qm);
int qm_make_nonce(struct ike_engine *engine, struct blob *nonce);
/*
 * Asks for what PFS needs: a key pair of the group unless there is one, and g^xy if the peer's
 * value is known. The quick mode goes on in @stage, or fails.
 */
void qm_request_keys(struct ike_engine *engine, struct ike_qm *qm, enum qm_stage stage,
		     unsigned int group);
/* Asks for an SPI for each protocol in @protocols (bits); -errno when that is not possible. */
int qm_request_spis(struct ike_engine *engine, struct ike_qm *qm, unsigned int protocols);
/*
 * From choice, nonces and key exchange: fills qm->install with keys and lifetimes. @pfs is empty
 * without PFS.
 */
int qm_prepare_install(struct ike_engine *engine, struct ike_qm *qm, struct bytes pfs);
/* Asks for the SAs of these directions to be installed. */
void qm_request_install(struct ike_engine *engine, struct ike_qm *qm, unsigned int directions);
/* The pair exists: statistics, events, acquires. */
void qm_complete(struct ike_engine *engine, struct ike_qm *qm);

/* Lifetimes that both sides can live with; 0: none. */
uint32_t qm_agree_seconds(const struct ike_engine *engine, const struct ike_qm *qm);
uint32_t qm_agree_kbytes(const struct ike_qm *qm);

/* Initiator */
void qm_initiator_has_spis(struct ike_engine *engine, struct ike_qm *qm);
void qm_initiator_send_1(struct ike_engine *engine, struct ike_qm *qm);
void qm_initiator_receive_2(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
			    const struct wire_header *header);
/* @pfs: g^xy, empty without PFS. */
void qm_initiator_has_keys(struct ike_engine *engine, struct ike_qm *qm, struct bytes pfs);
void qm_initiator_installed(struct ike_engine *engine, struct ike_qm *qm);
void qm_initiator_timeout(struct ike_engine *engine, struct ike_qm *qm);

/* Responder */
void qm_responder_receive_1(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			    const struct wire_header *header);
void qm_responder_policy(struct ike_engine *engine, struct ike_qm *qm,
			 const struct ike_qm_policy *policy);
void qm_responder_has_spis(struct ike_engine *engine, struct ike_qm *qm);
void qm_responder_has_keys(struct ike_engine *engine, struct ike_qm *qm, struct bytes pfs);
void qm_responder_installed_in(struct ike_engine *engine, struct ike_qm *qm);
void qm_responder_receive_3(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
			    const struct wire_header *header);
void qm_responder_timeout(struct ike_engine *engine, struct ike_qm *qm);

#endif
