// SPDX-License-Identifier: MIT
/* The initiator's side of main mode: messages 1, 3 and 5 go out, 2, 4 and 6 come in. */
#include <errno.h>
#include <stdlib.h>

#include "ike/auth.h"
#include "ike/job.h"
#include "ike/main_mode.h"
#include "ike/main_mode_steps.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/report.h"
#include "ike/vid.h"

/* --- message 1 ------------------------------------------------------------------------------ */

#define EARLY_TRIES 3

static void set_retransmission(struct ike_engine *engine, struct ike_mm *mm)
{
	uint64_t delay = exchange_backoff(engine, mm->log.n_sent, EXCHANGE_MAX_TRIES);

	(void)timer_set(&engine->timers, &mm->timer, engine->now + delay);
}

/* HDR, SA, VIDs --> */
static int send_1(struct ike_engine *engine, struct ike_mm *mm, const uint8_t *dos_cookie)
{
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, 0, 0);
	struct wire_out out;
	int ret;

	if (dos_cookie)
		memcpy(header.rcookie, dos_cookie, WIRE_COOKIE_LEN);
	out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	wire_add(&out, WIRE_PAYLOAD_SA, blob_bytes(&mm->negotiation->sai_b));
	vid_add(&out, VID_OURS | (mm->negotiation->policy->gss_name ? VID_GSSAPI : 0));
	ret = main_mode_send_clear(engine, mm, &out);
	if (!ret)
		set_retransmission(engine, mm);
	return ret;
}

static int prepare_offer(struct ike_engine *engine, struct ike_mm *mm,
			 const struct ike_mm_policy *policy)
{
	struct mm_negotiation *n = mm->negotiation;
	struct writer w = writer_make(engine->out, WIRE_MESSAGE_MAX);

	n->policy = mm_policy_copy(policy);
	if (!n->policy)
		return -ENOMEM;
	mm->life_seconds = MIN(policy->life_seconds, engine->config.mm_life_max);
	mm->qm_limit = policy->qm_limit;
	n->policy->life_seconds = mm->life_seconds;
	mm_proposal_write(&w, n->policy);
	return w.overflow ? -EMSGSIZE : blob_set(&n->sai_b, (struct bytes){ w.data, w.len });
}

struct ike_mm *main_mode_start(struct ike_engine *engine, struct ike_peer *peer,
			       const struct ike_mm_policy *policy, enum ike_reason *ret_reason)
{
	struct ike_path path = peer_path(peer);
	struct ike_mm_policy usable;
	struct ike_mm *mm;

	*ret_reason = main_mode_usable_policy(policy, &usable);
	if (*ret_reason)
		return NULL;
	mm = mm_new(engine, peer, &path, true, NULL);
	if (!mm || prepare_offer(engine, mm, &usable) || send_1(engine, mm, NULL)) {
		if (mm)
			mm_unlink(engine, mm);
		*ret_reason = IKE_REASON_NO_MEMORY;
		return NULL;
	}
	return mm;
}

void main_mode_dos_cookie(struct ike_engine *engine, struct ike_mm *mm, struct bytes cookie)
{
	if (mm->state != IKE_MM_STATE_SENT_1 || mm->negotiation->has_dos_cookie ||
	    cookie.len != WIRE_COOKIE_LEN)
		return;
	mm->negotiation->has_dos_cookie = true;
	mm->negotiation->has_answered = true;
	(void)send_1(engine, mm, cookie.data);
}

void main_mode_note_notify(struct ike_mm *mm, uint16_t type, enum ike_reason reason)
{
	struct mm_negotiation *n = mm->negotiation;

	if (!n || !mm->is_initiator)
		return;
	n->has_answered = true;
	/* What Windows says beside its number tells less. */
	if (n->noted_notify == IKE_NOTIFY_MS_STATUS && type != IKE_NOTIFY_MS_STATUS)
		return;
	n->noted_notify = type;
	n->noted_reason = reason;
}

void main_mode_refused(struct ike_engine *engine, struct ike_mm *mm, uint16_t type,
		       enum ike_reason reason)
{
	char text[96];

	if (mm->state == IKE_MM_STATE_SENT_5)
		mm_fail(engine, mm, reason, true, "%s",
			report_refusal(type, reason, text, sizeof(text)));
}

/* --- messages 2, 4 and 6 -------------------------------------------------------------------- */

/* A message is good: what it asks for may take time. */
static void set_received(struct ike_engine *engine, struct ike_mm *mm, enum ike_mm_state state)
{
	mm_set_state(mm, state);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + MM_REQUEST_WAIT_MS);
}

/* What the method wants of message 2. False: this is none, or nothing goes on. */
static bool read_answer(struct ike_engine *engine, struct ike_mm *mm, struct bytes sa_b)
{
	int ret = mm->auth->read_answer ? mm->auth->read_answer(mm, sa_b) : 0;

	if (!ret)
		return true;
	/* the next one may choose another method */
	if (mm->auth->end)
		mm->auth->end(engine, mm);
	engine->stats.invalid_packets++;
	mm->negotiation->noted_notify = IKE_NOTIFY_BAD_PROPOSAL_SYNTAX;
	return false;
}

void main_mode_receive_2(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram)
{
	struct mm_negotiation *n = mm->negotiation;
	struct wire_message message;
	uint32_t vids;

	if (wire_parse(datagram, &message) || message.header.flags & WIRE_FLAG_ENCRYPTED ||
	    message.header.message_id || exchange_check(MESSAGE_MM_2, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	n->has_answered = true;
	/* we repeat ourselves, and then so does the peer */
	if (!job_has_room(engine, &mm->path.remote)) {
		engine->stats.rate_limited++;
		return;
	}
	vids = vid_collect(&message);
	/* Not authenticated, so a bad answer is no reason to give up on a good one. */
	if (mm_proposal_accept(blob_bytes(&n->sai_b), message.payloads[0].body, vids,
			       &mm->choice)) {
		engine->stats.invalid_packets++;
		n->noted_notify = IKE_NOTIFY_BAD_PROPOSAL_SYNTAX;
		n->noted_reason = IKE_REASON_ATTRIBUTES;
		return;
	}
	mm->auth = auth_find(mm->choice.auth);
	if (!read_answer(engine, mm, message.payloads[0].body))
		return;
	memcpy(mm->rcookie, message.header.rcookie, WIRE_COOKIE_LEN);
	mm->vids = vids;
	mm->natt.version = natt_version(vids);
	mm->life_seconds = main_mode_agree_life(engine, mm->life_seconds, mm->choice.life_seconds);
	exchange_note(&mm->log, datagram);
	set_received(engine, mm, IKE_MM_STATE_RECEIVED_2);
	main_mode_step(engine, mm, MM_STEP_DH);
}

void main_mode_receive_4(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram)
{
	struct mm_negotiation *n = mm->negotiation;
	struct wire_message message;
	struct bytes ke, nonce;

	if (!job_has_room(engine, &mm->path.remote)) {
		engine->stats.rate_limited++;
		return;
	}
	/* Our own value is our own message 3, reflected. */
	if (wire_parse(datagram, &message) ||
	    main_mode_check_ke(mm->choice.proposal.group, &message, &ke, &nonce) ||
	    bytes_is_equal(ke, blob_bytes(&n->ke_i)) ||
	    (mm->auth->read_ke && mm->auth->read_ke(mm, &message))) {
		engine->stats.invalid_packets++;
		return;
	}
	if (blob_set(&n->ke_r, ke) || blob_set(&n->nr, nonce) || natt_read(mm, &message)) {
		mm_fail(engine, mm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	exchange_note(&mm->log, datagram);
	set_received(engine, mm, IKE_MM_STATE_RECEIVED_4);
	main_mode_step(engine, mm, MM_STEP_DH);
}

void main_mode_receive_6(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
			 struct bytes datagram, const struct wire_header *header)
{
	struct wire_message message;

	if (main_mode_open_proof(engine, mm, datagram, header, &message))
		return;
	set_received(engine, mm, IKE_MM_STATE_RECEIVED_6);
	main_mode_judge(engine, mm, path, &message);
}

/* --- messages 3 and 5 ----------------------------------------------------------------------- */

static void send_3(struct ike_engine *engine, struct ike_mm *mm)
{
	if (main_mode_send_ke(engine, mm)) {
		mm_fail(engine, mm, IKE_REASON_GENERAL, false, "cannot make message 3");
		return;
	}
	mm_set_state(mm, IKE_MM_STATE_SENT_3);
	set_retransmission(engine, mm);
}

static void send_5(struct ike_engine *engine, struct ike_mm *mm)
{
	if (main_mode_send_proof(engine, mm)) {
		mm_fail(engine, mm, IKE_REASON_ENCRYPT, false, "cannot make message 5");
		return;
	}
	mm_set_state(mm, IKE_MM_STATE_SENT_5);
	set_retransmission(engine, mm);
}

void main_mode_initiator_next(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step)
{
	struct mm_negotiation *n = mm->negotiation;

	switch (step) {
	case MM_STEP_DH:
		main_mode_step(engine, mm,
			       mm->state == IKE_MM_STATE_RECEIVED_2 ? MM_STEP_KE : MM_STEP_KEY);
		break;
	case MM_STEP_KE:
		send_3(engine, mm);
		break;
	case MM_STEP_KEY:
		natt_float(mm);
		main_mode_step(engine, mm, MM_STEP_PROOF);
		break;
	case MM_STEP_PROOF:
		send_5(engine, mm);
		break;
	case MM_STEP_VERDICT:
		if (n->is_proved && n->has_proved)
			main_mode_establish(engine, mm);
		else
			main_mode_step(engine, mm, MM_STEP_PROOF);
		break;
	case MM_STEP_NONE:
		break;
	}
}

/*
 * There is no ticket for the peer, because the KDC is out of reach or does not know it: another
 * negotiation without Kerberos, if there are other methods. All that is offered is good enough.
 */
static void fall_back(struct ike_engine *engine, struct ike_mm *mm)
{
	struct ike_mm_policy rest = *mm->negotiation->policy;
	enum ike_reason reason;

	rest.n_auth = 0;
	for (size_t i = 0; i < mm->negotiation->policy->n_auth; i++) {
		if (mm->negotiation->policy->auth[i] != IKE_AUTH_KERBEROS)
			rest.auth[rest.n_auth++] = mm->negotiation->policy->auth[i];
	}
	if (rest.n_auth)
		(void)main_mode_start(engine, mm->peer, &rest, &reason);
}

void main_mode_initiator_failed(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step)
{
	struct mm_failure *failure = &mm->negotiation->failure;
	bool is_at_peer = step == MM_STEP_VERDICT;

	if (step == MM_STEP_KE && mm->choice.auth == IKE_AUTH_KERBEROS)
		fall_back(engine, mm);
	if (is_at_peer)
		notify_send_failed(engine, mm, failure->reason);
	mm_fail(engine, mm, failure->reason, is_at_peer, "%s", failure->text);
}

/* --- time ----------------------------------------------------------------------------------- */

static const char *hint(const struct ike_mm *mm)
{
	return mm->state == IKE_MM_STATE_SENT_5 ? main_mode_key_hint(mm) : "";
}

static void give_up(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	char offered[256], text[96];

	if (n->noted_notify && n->noted_reason == IKE_REASON_ATTRIBUTES)
		mm_fail(engine, mm, IKE_REASON_ATTRIBUTES, true,
			"the peer chose no proposal that we offered (%s)",
			mm_offer_format(blob_bytes(&n->sai_b), ~UINT32_C(0), offered,
					sizeof(offered)));
	else if (n->noted_notify)
		mm_fail(engine, mm, n->noted_reason, true, "%s%s",
			report_refusal(n->noted_notify, n->noted_reason, text, sizeof(text)),
			hint(mm));
	else if (!n->has_answered)
		mm_fail(engine, mm, IKE_REASON_NO_RESPONSE, true, "%s",
			ike_reason_text(IKE_REASON_NO_RESPONSE));
	else
		mm_fail(engine, mm, IKE_REASON_TIMED_OUT, true, "the peer stopped answering%s",
			hint(mm));
}

/* Sent at 0, 0.5 and 1.5 s; the time for a fourth one is 3.5 s. */
static unsigned int max_tries(const struct ike_mm *mm)
{
	const struct mm_negotiation *n = mm->negotiation;

	return mm->state == IKE_MM_STATE_SENT_1 && n->policy->gives_up_early && !n->has_answered ?
	       EARLY_TRIES : EXCHANGE_MAX_TRIES;
}

void main_mode_retransmit(struct ike_engine *engine, struct ike_mm *mm)
{
	if (mm->log.n_sent >= max_tries(mm)) {
		give_up(engine, mm);
		return;
	}
	exchange_resend(engine, &mm->log, mm);
	set_retransmission(engine, mm);
}
