// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "ike/child.h"
#include "ike/deletion.h"
#include "ike/dh.h"
#include "ike/ident.h"
#include "ike/keys.h"
#include "ike/mismatch.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/quick_mode_steps.h"
#include "ike/report.h"
#include "ike/request.h"
#include "ike/sa_payload.h"

/* --- message 1 ------------------------------------------------------------------------------ */

/* With the new one there are too many under one main mode: the oldest goes. */
static void make_room(struct ike_engine *engine, const struct ike_qm *new)
{
	struct ike_qm *qm;

	if (new->mm->n_live_qm <= LIVE_QMS_MAX_ALL)
		return;
	TAILQ_FOREACH(qm, &new->peer->qms, peer_link) {
		if (qm != new && qm->mm == new->mm && !qm->is_initiator &&
		    qm->stage != QM_STAGE_INSTALL_OUT && qm->stage != QM_STAGE_DONE) {
			qm_fail(engine, qm, IKE_REASON_GENERAL, true,
				"too many quick modes at a time");
			return;
		}
	}
}

static struct bytes body_of(const struct wire_message *message, uint8_t type, size_t index)
{
	const struct wire_payload *p = wire_find(message, type, index);

	return p ? p->body : (struct bytes){0};
}

static int copy_payloads(struct ike_qm *qm, const struct wire_message *message)
{
	if (blob_set(&qm->sa, body_of(message, WIRE_PAYLOAD_SA, 0)) ||
	    blob_set(&qm->ni, body_of(message, WIRE_PAYLOAD_NONCE, 0)) ||
	    blob_set(&qm->peer_ke, body_of(message, WIRE_PAYLOAD_KE, 0)) ||
	    blob_set(&qm->idci, body_of(message, WIRE_PAYLOAD_ID, 0)) ||
	    blob_set(&qm->idcr, body_of(message, WIRE_PAYLOAD_ID, 1)))
		return -ENOMEM;
	return 0;
}

/* The SPI that the initiator offered first: names the quick mode in what we say about it. */
static uint32_t offered_spi(const struct ike_qm *qm, uint8_t *ret_protocol)
{
	struct sa_payload sa;
	struct reader r;

	*ret_protocol = IKE_PROTOCOL_ESP;
	if (sa_payload_parse(blob_bytes(&qm->sa), &sa) || sa.proposals[0].spi.len != 4)
		return 0;
	*ret_protocol = sa.proposals[0].protocol;
	r = reader_from(sa.proposals[0].spi);
	return reader_u32(&r);
}

static void refuse(struct ike_engine *engine, struct ike_qm *qm, uint16_t type,
		   enum ike_reason reason, const char *text)
{
	uint8_t spi[4], protocol;
	struct writer w = writer_make(spi, sizeof(spi));

	writer_u32(&w, offered_spi(qm, &protocol));
	notify_refuse(engine, qm->mm, protocol, (struct bytes){ spi, sizeof(spi) },
		      qm->message_id, type, reason);
	qm_fail(engine, qm, reason, false, "%s", text);
}

static int read_selector(struct ike_qm *qm)
{
	int ret;

	if (!qm->idci.len && !qm->idcr.len) {
		qm->selector = ident_default_selector(&qm->mm->path.local, &qm->mm->path.remote);
		return 0;
	}
	ret = ident_selector(blob_bytes(&qm->idci), blob_bytes(&qm->idcr), false, &qm->selector);
	if (!ret && natt_is_found(&qm->mm->natt) && qm_proposal_is_transport(blob_bytes(&qm->sa)))
		natt_translate(qm->mm, &qm->selector);
	return ret;
}

static void ask_policy(struct ike_engine *engine, struct ike_qm *qm)
{
	struct ike_qm_query query = {
		.path = qm->mm->path,
		.selector = qm->selector,
		.auth = qm->mm->choice.auth,
	};
	int ret;

	memcpy(&query.icookie, qm->mm->icookie, WIRE_COOKIE_LEN);
	memcpy(&query.rcookie, qm->mm->rcookie, WIRE_COOKIE_LEN);
	(void)timer_set(&engine->timers, &qm->timer, engine->now + QM_REQUEST_WAIT_MS);
	if (request_start(engine, &qm->policy_request, REQUEST_QM_POLICY, qm)) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	ret = engine->ops.policy_qm(engine->userdata, qm->policy_request.id, &query);
	if (ret < 0)
		request_fail(engine, &qm->policy_request, ret);
}

/* Payloads that are wrong whatever our policy is. */
static void begin(struct ike_engine *engine, struct ike_qm *qm, const struct wire_message *message)
{
	struct sa_payload sa;

	if (copy_payloads(qm, message)) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	if (qm->ni.len < QM_NONCE_MIN || qm->ni.len > IKE_NONCE_MAX_LEN ||
	    sa_payload_parse(blob_bytes(&qm->sa), &sa)) {
		refuse(engine, qm, IKE_NOTIFY_PAYLOAD_MALFORMED, IKE_REASON_INVALID_PAYLOAD,
		       "message 1 is malformed");
		return;
	}
	if (read_selector(qm)) {
		refuse(engine, qm, IKE_NOTIFY_INVALID_ID_INFORMATION, IKE_REASON_UNSUPPORTED_ID,
		       "the peer's selectors are of a kind that we do not have");
		return;
	}
	ask_policy(engine, qm);
}

/* HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr] --> */
void qm_responder_receive_1(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			    const struct wire_header *header)
{
	struct wire_message message;
	struct ike_qm *qm;

	qm = qm_new(engine, mm->peer, false, QM_STAGE_WAIT_POLICY);
	if (!qm)
		return;
	qm_set_mm(qm, mm);
	qm->message_id = header->message_id;
	if (keys_phase2_iv(mm->keys, mm->iv, header->message_id, qm->iv) ||
	    qm_message_open(engine, qm, datagram, header, MESSAGE_QM_1, QM_HASH_1, &message)) {
		engine->stats.invalid_packets++;
		qm_unlink(engine, qm);
		return;
	}
	if (mm_use_id(mm, header->message_id)) {
		qm_unlink(engine, qm);
		return;
	}
	if (mm->qm_limit && mm->n_qm >= mm->qm_limit) {
		/* Used up: the peer has to make a new main mode, and learns it this way. */
		qm_unlink(engine, qm);
		mm_remove(engine, mm, IKE_REASON_QM_LIMIT, true);
		return;
	}
	make_room(engine, qm);
	mm->n_qm++;
	qm->is_counted = true;
	begin(engine, qm, &message);
}

/* --- our choice ----------------------------------------------------------------------------- */

static bool has_known_spi(const struct ike_engine *engine, const struct ike_qm *qm)
{
	for (size_t i = 0; i < qm->choice.n_suites; i++) {
		if (child_find_out(engine, &qm->mm->path.remote, qm->choice.suites[i].protocol,
				   qm->choice.peer_spi[i]))
			return true;
	}
	return false;
}

static void refuse_proposal(struct ike_engine *engine, struct ike_qm *qm,
			    const struct qm_terms *terms)
{
	char offered[256], text[sizeof(offered) + 64];
	struct mismatch mismatch;

	(void)snprintf(text, sizeof(text), "no proposal chosen (the peer offered %s)",
		       qm_offer_format(blob_bytes(&qm->sa), offered, sizeof(offered)));
	qm_proposal_compare(blob_bytes(&qm->sa), qm->policy, terms, &mismatch);
	engine->mismatch = &mismatch.event;
	refuse(engine, qm, IKE_NOTIFY_NO_PROPOSAL_CHOSEN, IKE_REASON_ATTRIBUTES, text);
	engine->mismatch = NULL;
}

void qm_responder_policy(struct ike_engine *engine, struct ike_qm *qm,
			 const struct ike_qm_policy *policy)
{
	struct qm_terms terms = qm_terms(qm);
	unsigned int protocols = 0;

	if (!policy || qm_policy_check(policy)) {
		refuse(engine, qm, IKE_NOTIFY_INVALID_ID_INFORMATION,
		       policy ? IKE_REASON_INVALID_POLICY : IKE_REASON_NO_POLICY,
		       "no policy allows the traffic that the peer asks for");
		return;
	}
	if (qm_set_policy(qm, policy)) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	if (qm_proposal_choose(blob_bytes(&qm->sa), policy, &terms, qm->peer_ke.len != 0,
			       &qm->choice)) {
		refuse_proposal(engine, qm, &terms);
		return;
	}
	if (qm->choice.pfs_group &&
	    dh_check_public(qm->choice.pfs_group, blob_bytes(&qm->peer_ke))) {
		refuse(engine, qm, IKE_NOTIFY_INVALID_KEY_INFORMATION, IKE_REASON_DH,
		       "the peer's key exchange does not fit its group");
		return;
	}
	if (has_known_spi(engine, qm)) {
		refuse(engine, qm, IKE_NOTIFY_INVALID_SPI, IKE_REASON_INVALID_PAYLOAD,
		       "the peer uses that SPI already");
		return;
	}
	for (size_t i = 0; i < qm->choice.n_suites; i++)
		protocols |= 1U << qm->choice.suites[i].protocol;
	if (qm_request_spis(engine, qm, protocols))
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
}

void qm_responder_has_spis(struct ike_engine *engine, struct ike_qm *qm)
{
	if (qm_make_nonce(engine, &qm->nr)) {
		qm_fail(engine, qm, IKE_REASON_DH, false, "cannot make a key exchange");
		return;
	}
	if (qm->choice.pfs_group == IKE_GROUP_NONE)
		qm_responder_has_keys(engine, qm, (struct bytes){0});
	else
		qm_request_keys(engine, qm, QM_STAGE_DERIVE, qm->choice.pfs_group);
}

void qm_responder_has_keys(struct ike_engine *engine, struct ike_qm *qm, struct bytes pfs)
{
	struct bytes ke = qm->dh ? dh_key_public(qm->dh) : (struct bytes){0};
	int ret = blob_set(&qm->own_ke, ke);

	qm->dh = dh_key_free(qm->dh);
	if (ret || qm_prepare_install(engine, qm, pfs)) {
		qm_fail(engine, qm, IKE_REASON_DH, false, "key exchange failed");
		return;
	}
	qm->stage = QM_STAGE_INSTALL_IN;
	qm_request_install(engine, qm, IKE_DIRECTION_IN);
}

/* --- messages 2 and 3 ----------------------------------------------------------------------- */

/* Tells a life that is shorter than what was offered: the offer itself cannot be changed. */
static void add_lifetime(const struct ike_engine *engine, const struct ike_qm *qm,
			 struct wire_out *out)
{
	uint32_t seconds = qm_agree_seconds(engine, qm), kbytes = qm_agree_kbytes(qm);
	uint8_t spi[4], data[32];
	struct writer spi_w = writer_make(spi, sizeof(spi)), w = writer_make(data, sizeof(data));
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = (uint8_t)qm->choice.suites[0].protocol,
		.type = IKE_NOTIFY_RESPONDER_LIFETIME,
		.spi = { spi, sizeof(spi) },
	};

	if (!qm->choice.wire_seconds || seconds >= qm->choice.wire_seconds)
		seconds = 0;
	if (kbytes && qm->choice.wire_kbytes && kbytes >= qm->choice.wire_kbytes)
		kbytes = 0;
	if (!seconds && !kbytes)
		return;
	writer_u32(&spi_w, qm->spis.spi[qm->choice.suites[0].protocol]);
	qm_lifetime_write(&w, seconds, kbytes);
	notify.data = (struct bytes){ data, w.len };
	wire_add_notify(out, &notify);
}

/*
 * An initiator that is done repeats message 3 only for a message 2 that comes again. So these are
 * all there is against loss, and the whole must be shorter than it remembers: QM_DONE_MS.
 */
static const uint16_t delays[] = { 1000, 2000, 4000, 8000, 8000, 4000 };

static void set_retransmission(struct ike_engine *engine, struct ike_qm *qm)
{
	(void)timer_set(&engine->timers, &qm->timer, engine->now + delays[qm->log.n_sent - 1]);
}

/* <-- HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr] [, NAT-OA, NAT-OA] [, N] */
void qm_responder_installed_in(struct ike_engine *engine, struct ike_qm *qm)
{
	struct qm_message m;

	qm_message_begin(engine, qm, &m);
	wire_begin(&m.out, WIRE_PAYLOAD_SA);
	qm_proposal_write_choice(&m.out.w, blob_bytes(&qm->sa), &qm->choice, &qm->spis);
	wire_end(&m.out);
	wire_add(&m.out, WIRE_PAYLOAD_NONCE, blob_bytes(&qm->nr));
	if (qm->own_ke.len)
		wire_add(&m.out, WIRE_PAYLOAD_KE, blob_bytes(&qm->own_ke));
	if (qm->idci.len) {
		wire_add(&m.out, WIRE_PAYLOAD_ID, blob_bytes(&qm->idci));
		wire_add(&m.out, WIRE_PAYLOAD_ID, blob_bytes(&qm->idcr));
	}
	natt_write_original(qm, &m.out);
	add_lifetime(engine, qm, &m.out);
	if (qm_message_send(engine, qm, &m, QM_HASH_2)) {
		qm_fail(engine, qm, IKE_REASON_ENCRYPT, false, "cannot make message 2");
		return;
	}
	qm->stage = QM_STAGE_SENT_2;
	set_retransmission(engine, qm);
}

/* HDR*, HASH(3) -->, which shows that the initiator is there now and not replayed. */
void qm_responder_receive_3(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
			    const struct wire_header *header)
{
	struct wire_message message;

	if (qm_message_open(engine, qm, datagram, header, MESSAGE_QM_3, QM_HASH_3, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	qm->stage = QM_STAGE_INSTALL_OUT;
	qm_request_install(engine, qm, IKE_DIRECTION_OUT);
}

void qm_responder_timeout(struct ike_engine *engine, struct ike_qm *qm)
{
	if (qm->log.n_sent < sizeof(delays) / sizeof(delays[0])) {
		exchange_resend(engine, &qm->log, qm->mm);
		set_retransmission(engine, qm);
		return;
	}
	/* It may think that the pair is complete. */
	deletion_send(engine, qm->mm, qm->install->suites, qm->install->n_suites);
	qm_fail(engine, qm, IKE_REASON_TIMED_OUT, true, "the peer did not confirm (message 3)");
}
