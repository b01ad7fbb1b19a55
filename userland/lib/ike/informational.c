// SPDX-License-Identifier: MIT
#include "ike/informational.h"

#include "ike/child.h"
#include "ike/connected.h"
#include "ike/crypto.h"
#include "ike/deletion.h"
#include "ike/dpd.h"
#include "ike/exchange.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/qm.h"
#include "ike/quick_mode.h"
#include "ike/report.h"
#include "ike/status.h"
#include "ike/trace.h"
#include "ike/vid.h"

/* Notify types below are errors. */
#define STATUS_TYPES 16384
#define COOKIES_LEN (2 * WIRE_COOKIE_LEN)

/* Whether it says that something failed, and why. */
static bool read_refusal(const struct wire_notify *notify, enum ike_reason *ret_reason)
{
	if (notify->type == IKE_NOTIFY_MS_STATUS)
		return status_read(notify, ret_reason);
	*ret_reason = report_notify_reason(notify->type);
	return notify->type < STATUS_TYPES;
}

static void note_clear(struct ike_engine *engine, struct ike_mm *mm,
		       const struct wire_payload *payload)
{
	struct wire_notify notify;
	enum ike_reason reason;

	if (payload->type == WIRE_PAYLOAD_DELETE)
		engine->stats.unauthenticated_deletes++;
	if (payload->type != WIRE_PAYLOAD_NOTIFY)
		return;
	engine->stats.unauthenticated_notifies++;
	if (!mm || wire_parse_notify(payload->body, &notify))
		return;
	if (notify.type == IKE_NOTIFY_MS_DOS_COOKIE)
		main_mode_dos_cookie(engine, mm, notify.data);
	else if (read_refusal(&notify, &reason))
		main_mode_note_notify(mm, notify.type, reason);
}

void informational_receive_clear(struct ike_engine *engine, struct ike_mm *mm,
				 struct bytes datagram)
{
	struct wire_message message;

	if (wire_parse(datagram, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	if (!mm)
		engine->stats.invalid_cookies++;
	for (size_t i = 0; i < message.n_payloads; i++)
		note_clear(engine, mm, &message.payloads[i]);
}

/* --- authenticated notifies ----------------------------------------------------------------- */

static uint32_t first_number(struct bytes b)
{
	struct reader r = reader_from(b);

	return reader_u32(&r);
}

/*
 * The quick mode that an error is about: by message id in the data, by our SPI, or the only one
 * that waits for an answer.
 */
static struct ike_qm *find_refused(struct ike_mm *mm, const struct wire_notify *notify)
{
	uint32_t id = first_number(notify->data), spi = first_number(notify->spi);
	struct ike_qm *qm, *only = NULL;
	size_t n = 0;

	TAILQ_FOREACH(qm, &mm->peer->qms, peer_link) {
		if (qm->mm != mm || qm->stage != QM_STAGE_SENT_1)
			continue;
		if (notify->data.len >= 4 && qm->message_id == id)
			return qm;
		if (notify->spi.len == 4 && spi && (qm->spis.spi[IKE_PROTOCOL_ESP] == spi ||
						    qm->spis.spi[IKE_PROTOCOL_AH] == spi))
			return qm;
		only = qm;
		n++;
	}
	return n == 1 ? only : NULL;
}

/* True if it was about something that we wait for. */
static bool take_refusal(struct ike_engine *engine, struct ike_mm *mm,
			 const struct wire_notify *notify)
{
	enum ike_reason reason;
	struct ike_qm *qm;

	if (!read_refusal(notify, &reason))
		return false;
	if (!mm_is_established(mm)) {
		main_mode_refused(engine, mm, notify->type, reason);
		return true;
	}
	qm = find_refused(mm, notify);
	if (qm)
		quick_mode_refused(engine, qm, notify->type, reason);
	return qm != NULL;
}

/* What is no error; false: none of these. */
static bool take_status(struct ike_engine *engine, struct ike_mm *mm,
			const struct wire_notify *notify)
{
	switch (notify->type) {
	case IKE_NOTIFY_R_U_THERE:
		dpd_answer(engine, mm, notify);
		return true;
	case IKE_NOTIFY_R_U_THERE_ACK:
		dpd_acknowledged(engine, mm, notify);
		return true;
	case IKE_NOTIFY_CONNECTED:
		connected_notified(engine, mm, notify);
		return true;
	case IKE_NOTIFY_INITIAL_CONTACT:
		mm_initial_contact(engine, mm);
		return true;
	}
	return false;
}

/* @has_refused: a notify of the same message has told what failed; the next one tells less. */
static void take_notify(struct ike_engine *engine, struct ike_mm *mm, struct bytes body,
			bool *has_refused)
{
	struct wire_notify notify;

	if (wire_parse_notify(body, &notify)) {
		engine->stats.invalid_packets++;
		return;
	}
	if (mm_is_established(mm) && take_status(engine, mm, &notify))
		return;
	*has_refused = *has_refused || take_refusal(engine, mm, &notify);
}

/* --- authenticated deletes ------------------------------------------------------------------ */

static void delete_mm(struct ike_engine *engine, struct ike_mm *mm, struct bytes cookies)
{
	struct ike_mm *other;

	TAILQ_FOREACH(other, &mm->peer->mms, peer_link) {
		if (!mm_is_established(other) ||
		    memcmp(cookies.data, other->icookie, WIRE_COOKIE_LEN) != 0 ||
		    memcmp(cookies.data + WIRE_COOKIE_LEN, other->rcookie, WIRE_COOKIE_LEN) != 0)
			continue;
		mm_remove(engine, other, IKE_REASON_EXPIRED, false);
		return;
	}
}

/* The SPI is that of the peer's inbound SA: our outbound one. Both directions go. */
static void delete_child(struct ike_engine *engine, struct ike_mm *mm, uint8_t protocol,
			 uint32_t spi)
{
	struct ike_child *child =
		child_find_out(engine, &mm->path.remote, (enum ike_protocol)protocol, spi);
	struct ike_qm *qm;

	if (child && child->peer == mm->peer) {
		child_remove(engine, child, IKE_REASON_EXPIRED, CHILD_END_DEL_SA);
		return;
	}
	/* One that the peer gave up half-way. */
	TAILQ_FOREACH(qm, &mm->peer->qms, peer_link) {
		if ((qm->is_initiator && qm->stage != QM_STAGE_SENT_3) ||
		    qm->stage == QM_STAGE_DONE)
			continue;
		for (size_t i = 0; i < qm->choice.n_suites; i++) {
			if (qm->choice.suites[i].protocol == protocol &&
			    qm->choice.peer_spi[i] == spi) {
				qm_fail(engine, qm, IKE_REASON_DELETED_BY_PEER, true, "%s",
					ike_reason_text(IKE_REASON_DELETED_BY_PEER));
				return;
			}
		}
	}
}

static void take_delete(struct ike_engine *engine, struct ike_mm *mm, struct bytes body)
{
	struct wire_delete del;

	if (wire_parse_delete(body, &del)) {
		engine->stats.invalid_packets++;
		return;
	}
	for (size_t i = 0; i < del.n_spis && !mm->is_gone; i++) {
		struct bytes spi = { del.spis.data + i * del.spi_size, del.spi_size };

		if (del.protocol == IKE_PROTOCOL_ISAKMP && del.spi_size == COOKIES_LEN)
			delete_mm(engine, mm, spi);
		else if ((del.protocol == IKE_PROTOCOL_AH || del.protocol == IKE_PROTOCOL_ESP) &&
			 del.spi_size == 4)
			delete_child(engine, mm, del.protocol, first_number(spi));
	}
}

/* --- entry ---------------------------------------------------------------------------------- */

/* HDR*, HASH, ... */
static int open_message(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			const struct wire_header *header, struct wire_message *ret_message)
{
	uint8_t iv[IKE_BLOCK_MAX_LEN], next_iv[IKE_BLOCK_MAX_LEN], want[IKE_HASH_MAX_LEN];
	const struct wire_payload *given;

	if (keys_phase2_iv(mm->keys, mm->iv, header->message_id, iv) ||
	    exchange_decrypt(engine, mm->keys, iv, datagram, header, ret_message, next_iv) ||
	    exchange_check(MESSAGE_INFORMATIONAL, ret_message))
		return -EBADMSG;
	given = &ret_message->payloads[0];
	if (keys_hash1(mm->keys, header->message_id, wire_after(ret_message, given), want) ||
	    !crypto_is_equal(given->body, (struct bytes){ want, mm->keys->len }))
		return -EBADMSG;
	return 0;
}

void informational_receive(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			   const struct wire_header *header)
{
	struct wire_message message;
	bool has_refused = false;

	if (!mm_is_established(mm) && mm->state != IKE_MM_STATE_SENT_5) {
		if (!main_mode_receive_early(mm, engine->arrival, datagram))
			engine->stats.invalid_packets++;
		return;
	}
	if (!mm_is_id_fresh(mm, header->message_id)) {
		engine->stats.duplicates_ignored++;
		return;
	}
	if (open_message(engine, mm, datagram, header, &message) ||
	    mm_use_id(mm, header->message_id)) {
		engine->stats.invalid_packets++;
		/* Before main mode is complete Windows begins with a block that we cannot know. */
		if (!mm_is_established(mm) && mm->vids & VID_MICROSOFT)
			trace_say(engine, IKE_TRACE_STEPS, &mm->path.remote,
				  "an encrypted notify that cannot be read: it probably refuses");
		return;
	}
	natt_follow(mm, engine->arrival);
	if (mm_is_established(mm))
		deletion_answer(engine, mm, datagram, &message);
	/* In order; nothing more once this main mode has been deleted. */
	for (size_t i = 1; i < message.n_payloads && !mm->is_gone; i++) {
		if (message.payloads[i].type == WIRE_PAYLOAD_NOTIFY)
			take_notify(engine, mm, message.payloads[i].body, &has_refused);
		else if (message.payloads[i].type == WIRE_PAYLOAD_DELETE)
			take_delete(engine, mm, message.payloads[i].body);
	}
}
