// SPDX-License-Identifier: MIT
#include <errno.h>

#include "ike/child.h"
#include "ike/connected.h"
#include "ike/dh.h"
#include "ike/ident.h"
#include "ike/keys.h"
#include "ike/mismatch.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/quick_mode.h"
#include "ike/quick_mode_steps.h"

/* With a main mode that old, silence rather means that the peer has forgotten it. */
#define OLD_MM_MS 30000
#define OLD_MM_TRIES 4

static unsigned int max_tries(const struct ike_engine *engine, const struct ike_qm *qm)
{
	bool is_old = engine->now - qm->mm->established_at > OLD_MM_MS;

	return is_old && !qm->is_restarted ? OLD_MM_TRIES : EXCHANGE_MAX_TRIES;
}

static void set_retransmission(struct ike_engine *engine, struct ike_qm *qm)
{
	uint64_t delay = exchange_backoff(engine, qm->log.n_sent, EXCHANGE_MAX_TRIES);

	(void)timer_set(&engine->timers, &qm->timer, engine->now + delay);
}

static int write_ids(struct ike_qm *qm)
{
	uint8_t buf[64];
	struct writer w = writer_make(buf, sizeof(buf));
	int ret;

	ident_write_selector(&w, &qm->selector, true);
	ret = blob_set(&qm->idci, (struct bytes){ buf, w.len });
	w = writer_make(buf, sizeof(buf));
	ident_write_selector(&w, &qm->selector, false);
	return ret ? ret : blob_set(&qm->idcr, (struct bytes){ buf, w.len });
}

/* Everything that message 1 needs and that a retransmission repeats. */
static int prepare(struct ike_engine *engine, struct ike_qm *qm)
{
	struct ike_mm *mm = qm->mm;
	int ret;

	qm->message_id = mm_new_id(engine, mm);
	if (!qm->message_id)
		return -EIO;
	ret = keys_phase2_iv(mm->keys, mm->iv, qm->message_id, qm->iv);
	if (!ret)
		ret = qm_make_nonce(engine, &qm->ni);
	return ret ? ret : write_ids(qm);
}

void qm_initiator_has_spis(struct ike_engine *engine, struct ike_qm *qm)
{
	struct qm_terms terms = qm_terms(qm);
	unsigned int group;

	if (!qm_can_offer(qm->policy, &terms)) {
		qm_fail(engine, qm, IKE_REASON_ATTRIBUTES, false,
			"AH cannot pass the NAT to the peer, and policy offers nothing else");
		return;
	}
	if (prepare(engine, qm)) {
		qm_fail(engine, qm, IKE_REASON_DH, false, "cannot make a key exchange");
		return;
	}
	group = qm_offer_group(&qm->policy->offers[0], terms.group);
	if (group == IKE_GROUP_NONE)
		qm_initiator_send_1(engine, qm);
	else
		qm_request_keys(engine, qm, QM_STAGE_MAKE_KEY, group);
}

/* HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr [, NAT-OA, NAT-OA] --> */
void qm_initiator_send_1(struct ike_engine *engine, struct ike_qm *qm)
{
	struct qm_terms terms = qm_terms(qm);
	struct qm_message m;

	qm_message_begin(engine, qm, &m);
	wire_begin(&m.out, WIRE_PAYLOAD_SA);
	qm_proposal_write(&m.out.w, qm->policy, &terms, &qm->spis);
	wire_end(&m.out);
	wire_add(&m.out, WIRE_PAYLOAD_NONCE, blob_bytes(&qm->ni));
	if (qm->dh)
		wire_add(&m.out, WIRE_PAYLOAD_KE, dh_key_public(qm->dh));
	wire_add(&m.out, WIRE_PAYLOAD_ID, blob_bytes(&qm->idci));
	wire_add(&m.out, WIRE_PAYLOAD_ID, blob_bytes(&qm->idcr));
	natt_write_original(qm, &m.out);
	if (qm_message_send(engine, qm, &m, QM_HASH_1)) {
		qm_fail(engine, qm, IKE_REASON_ENCRYPT, false, "cannot make message 1");
		return;
	}
	qm->stage = QM_STAGE_SENT_1;
	set_retransmission(engine, qm);
}

/* The responder must hand the selectors back as they were; leaving them out means the hosts. */
static bool has_our_selector(const struct ike_qm *qm, const struct wire_message *message)
{
	const struct wire_payload *idci = wire_find(message, WIRE_PAYLOAD_ID, 0);
	const struct wire_payload *idcr = wire_find(message, WIRE_PAYLOAD_ID, 1);
	struct ike_selector selector =
		ident_default_selector(&qm->mm->path.local, &qm->mm->path.remote);

	if (idci && ident_selector(idci->body, idcr->body, true, &selector))
		return false;
	/* some hand them back with the addresses that they see */
	if (natt_is_found(&qm->mm->natt) && qm->encapsulation == IKE_ENCAPSULATION_TRANSPORT)
		natt_translate(qm->mm, &selector);
	return ident_selector_is_equal(&selector, &qm->selector);
}

/* Zero means that nothing was said. */
static void shorten(uint32_t *life, uint32_t other)
{
	if (other && (!*life || other < *life))
		*life = other;
}

static void read_lifetime(struct ike_qm *qm, const struct wire_message *message)
{
	const struct wire_payload *p;
	uint32_t seconds, kbytes;
	struct wire_notify notify;

	for (size_t i = 0; (p = wire_find(message, WIRE_PAYLOAD_NOTIFY, i)); i++) {
		if (wire_parse_notify(p->body, &notify) ||
		    notify.type != IKE_NOTIFY_RESPONDER_LIFETIME ||
		    notify.protocol == IKE_PROTOCOL_ISAKMP ||
		    qm_lifetime_parse(notify.data, &seconds, &kbytes))
			continue;
		shorten(&qm->choice.wire_seconds, seconds);
		shorten(&qm->choice.wire_kbytes, kbytes);
	}
}

/* What the peer chose, all of it authenticated: anything wrong here is the end. */
static enum ike_reason take_answer(struct ike_engine *engine, struct ike_qm *qm,
				   const struct wire_message *message)
{
	struct bytes sa = wire_find(message, WIRE_PAYLOAD_SA, 0)->body;
	struct bytes nonce = wire_find(message, WIRE_PAYLOAD_NONCE, 0)->body;
	const struct wire_payload *ke = wire_find(message, WIRE_PAYLOAD_KE, 0);
	struct qm_terms terms = qm_terms(qm);

	if (!has_our_selector(qm, message))
		return IKE_REASON_POLICY_MATCH;
	if (qm_proposal_accept(sa, qm->policy, &terms, &qm->choice))
		return IKE_REASON_ATTRIBUTES;
	if (nonce.len < QM_NONCE_MIN || nonce.len > IKE_NONCE_MAX_LEN)
		return IKE_REASON_INVALID_PAYLOAD;
	if (!ke != !qm->dh || (ke && dh_check_public(qm->choice.pfs_group, ke->body)))
		return IKE_REASON_DH;
	for (size_t i = 0; i < qm->choice.n_suites; i++) {
		if (child_find_out(engine, &qm->mm->path.remote, qm->choice.suites[i].protocol,
				   qm->choice.peer_spi[i]))
			return IKE_REASON_INVALID_PAYLOAD;
	}
	read_lifetime(qm, message);
	if (blob_set(&qm->nr, nonce) || (ke && blob_set(&qm->peer_ke, ke->body)))
		return IKE_REASON_NO_MEMORY;
	return IKE_REASON_OK;
}

static void refuse_answer(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason,
			  const struct wire_message *message)
{
	struct bytes sa = wire_find(message, WIRE_PAYLOAD_SA, 0)->body;
	struct qm_terms terms = qm_terms(qm);
	struct mismatch mismatch;

	if (reason == IKE_REASON_ATTRIBUTES) {
		qm_proposal_compare(sa, qm->policy, &terms, &mismatch);
		engine->mismatch = &mismatch.event;
	}
	qm_fail(engine, qm, reason, reason != IKE_REASON_NO_MEMORY,
		"the peer's answer cannot be used: %s", ike_reason_text(reason));
	engine->mismatch = NULL;
}

/* <-- HDR*, HASH(2), SA, Nr [, KE], IDci, IDcr */
void qm_initiator_receive_2(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
			    const struct wire_header *header)
{
	struct wire_message message;
	enum ike_reason reason;

	if (qm_message_open(engine, qm, datagram, header, MESSAGE_QM_2, QM_HASH_2, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	reason = take_answer(engine, qm, &message);
	if (reason != IKE_REASON_OK) {
		refuse_answer(engine, qm, reason, &message);
		return;
	}
	qm->waits_for_connected = connected_is_awaited(header);
	if (qm->dh)
		qm_request_keys(engine, qm, QM_STAGE_DERIVE, qm->choice.pfs_group);
	else
		qm_initiator_has_keys(engine, qm, (struct bytes){0});
}

void qm_initiator_has_keys(struct ike_engine *engine, struct ike_qm *qm, struct bytes pfs)
{
	qm->dh = dh_key_free(qm->dh);
	if (qm_prepare_install(engine, qm, pfs)) {
		qm_fail(engine, qm, IKE_REASON_DH, false, "key exchange failed");
		return;
	}
	if (qm->waits_for_connected) {
		qm->stage = QM_STAGE_INSTALL_IN;
		qm_request_install(engine, qm, IKE_DIRECTION_IN);
		return;
	}
	qm->stage = QM_STAGE_INSTALL;
	qm_request_install(engine, qm, IKE_DIRECTION_IN | IKE_DIRECTION_OUT);
}

/* HDR*, HASH(3) --> */
void qm_initiator_installed(struct ike_engine *engine, struct ike_qm *qm)
{
	struct qm_message m;

	qm_message_begin(engine, qm, &m);
	if (qm_message_send(engine, qm, &m, QM_HASH_3)) {
		qm_fail(engine, qm, IKE_REASON_ENCRYPT, false, "cannot make message 3");
		return;
	}
	qm_complete(engine, qm);
}

void qm_initiator_timeout(struct ike_engine *engine, struct ike_qm *qm)
{
	if (qm->log.n_sent < max_tries(engine, qm)) {
		exchange_resend(engine, &qm->log, qm->mm);
		set_retransmission(engine, qm);
		return;
	}
	/* It may have restarted: once more, from the beginning. */
	if (!qm->is_restarted && engine->now - qm->mm->established_at > OLD_MM_MS) {
		mm_remove(engine, qm->mm, IKE_REASON_PEER_LOST, true);
		return;
	}
	qm_fail(engine, qm, IKE_REASON_TIMED_OUT, true, "the peer did not answer message 1");
}
