// SPDX-License-Identifier: MIT
#include "ike/connected.h"

#include "ike/mm.h"
#include "ike/names.h"
#include "ike/peer.h"
#include "ike/quick_mode_steps.h"
#include "ike/vid.h"

/* Message 3 is sent so often: 3.5 seconds in all. */
#define TRIES_MAX 3

/* --- initiator ------------------------------------------------------------------------------ */

bool connected_is_awaited(const struct wire_header *header)
{
	return header->flags & WIRE_FLAG_COMMIT;
}

static void set_retransmission(struct ike_engine *engine, struct ike_qm *qm)
{
	uint64_t delay = exchange_backoff(engine, qm->log.n_sent, EXCHANGE_MAX_TRIES);

	(void)timer_set(&engine->timers, &qm->timer, engine->now + delay);
}

void connected_wait(struct ike_engine *engine, struct ike_qm *qm)
{
	struct qm_message m;

	qm_message_begin(engine, qm, &m);
	if (qm_message_send(engine, qm, &m, QM_HASH_3)) {
		qm_fail(engine, qm, IKE_REASON_ENCRYPT, false, "cannot make message 3");
		return;
	}
	qm->stage = QM_STAGE_SENT_3;
	set_retransmission(engine, qm);
}

void connected_go_on(struct ike_engine *engine, struct ike_qm *qm)
{
	qm->stage = QM_STAGE_INSTALL_OUT;
	qm_request_install(engine, qm, IKE_DIRECTION_OUT);
}

void connected_timeout(struct ike_engine *engine, struct ike_qm *qm)
{
	if (qm->log.n_sent >= TRIES_MAX) {
		connected_go_on(engine, qm);
		return;
	}
	exchange_resend(engine, &qm->log, qm->mm);
	set_retransmission(engine, qm);
}

static bool has_connected(const struct wire_message *message)
{
	const struct wire_payload *p;
	struct wire_notify notify;

	for (size_t i = 0; (p = wire_find(message, WIRE_PAYLOAD_NOTIFY, i)); i++) {
		if (!wire_parse_notify(p->body, &notify) && notify.type == IKE_NOTIFY_CONNECTED)
			return true;
	}
	return false;
}

void connected_receive(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
		       const struct wire_header *header)
{
	struct wire_message message;

	if (qm_message_open(engine, qm, datagram, header, MESSAGE_QM_4, QM_HASH_4, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	if (has_connected(&message))
		connected_go_on(engine, qm);
}

/* The SPI is the peer's, or ours: RFC 2408 does not say whose. */
static bool is_about(const struct ike_qm *qm, const struct wire_notify *notify)
{
	struct reader r = reader_from(notify->spi);
	uint32_t spi = reader_u32(&r);

	if (!reader_is_done(&r))
		return false;
	for (size_t i = 0; i < qm->choice.n_suites; i++) {
		if (qm->choice.suites[i].protocol == notify->protocol &&
		    (qm->choice.peer_spi[i] == spi || qm->spis.spi[notify->protocol] == spi))
			return true;
	}
	return false;
}

void connected_notified(struct ike_engine *engine, struct ike_mm *mm,
			const struct wire_notify *notify)
{
	struct ike_qm *qm;

	TAILQ_FOREACH(qm, &mm->peer->qms, peer_link) {
		if (qm->mm == mm && qm->stage == QM_STAGE_SENT_3 && is_about(qm, notify)) {
			connected_go_on(engine, qm);
			return;
		}
	}
}

/* --- responder ------------------------------------------------------------------------------ */

bool connected_is_promised(const struct ike_qm *qm)
{
	return !qm->is_initiator && qm->mm && qm->mm->vids & VID_MICROSOFT;
}

int connected_send(struct ike_engine *engine, struct ike_qm *qm)
{
	uint8_t protocol = (uint8_t)qm->choice.suites[0].protocol, spi[4];
	struct writer w = writer_make(spi, sizeof(spi));
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = protocol,
		.type = IKE_NOTIFY_CONNECTED,
		.spi = { spi, sizeof(spi) },
	};
	struct qm_message m;

	writer_u32(&w, qm->spis.spi[protocol]);
	qm_message_begin(engine, qm, &m);
	wire_add_notify(&m.out, &notify);
	return qm_message_send(engine, qm, &m, QM_HASH_4);
}
