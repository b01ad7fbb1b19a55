// SPDX-License-Identifier: MIT
/* The responder's side of main mode from message 3 on; half_open.c has what comes before. */
#include "ike/auth.h"
#include "ike/half_open.h"
#include "ike/job.h"
#include "ike/main_mode.h"
#include "ike/main_mode_steps.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/report.h"

/* How long the peer may take for message 5, and others for their answers. */
#define WAIT_MS 30000
/* A peer that failed is remembered so long, to answer its duplicates. */
#define DEAD_MS 5000

static void set_state(struct ike_engine *engine, struct ike_mm *mm, enum ike_mm_state state)
{
	mm_set_state(mm, state);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + WAIT_MS);
}

/* --- message 3 ------------------------------------------------------------------------------ */

static struct ike_mm *responder_from(struct ike_engine *engine, const struct half_open *h,
				     const struct ike_path *path)
{
	struct ike_peer *peer = peer_get(engine, path);
	struct ike_mm *mm;

	if (!peer)
		return NULL;
	mm = mm_new(engine, peer, path, false, h->icookie);
	if (!mm)
		return NULL;
	memcpy(mm->rcookie, h->rcookie, WIRE_COOKIE_LEN);
	mm->choice = h->choice;
	mm->auth = auth_find(h->choice.auth);
	mm->vids = h->vids;
	mm->natt.version = natt_version(h->vids);
	mm->life_seconds = main_mode_agree_life(engine, h->life_seconds, h->choice.life_seconds);
	mm->qm_limit = h->qm_limit;
	if (h->gss_name)
		mm->local_name = strdup(h->gss_name);
	if ((h->gss_name && !mm->local_name) ||
	    blob_set(&mm->negotiation->sai_b, (struct bytes){ h->sai_b, h->sai_len })) {
		mm_unlink(engine, mm);
		return NULL;
	}
	return mm;
}

/* HDR, KE, Ni [, NAT-D, NAT-D] -->, the first message that shows that the peer receives what we send it. */
void main_mode_receive_3(struct ike_engine *engine, struct half_open *h,
			 const struct ike_path *path, struct bytes datagram,
			 const struct wire_message *message)
{
	struct bytes ke, nonce;
	struct ike_mm *mm;

	if (!h->has_choice || main_mode_check_ke(h->choice.proposal.group, message, &ke, &nonce)) {
		h->has_bad_3 = h->has_choice;
		engine->stats.invalid_packets++;
		return;
	}
	mm = job_has_room(engine, &path->remote) ? responder_from(engine, h, path) : NULL;
	if (!mm) {
		engine->stats.rate_limited++;
		return;
	}
	if (mm->auth->read_ke && mm->auth->read_ke(mm, message)) {
		engine->stats.invalid_packets++;
		mm_unlink(engine, mm);
		return;
	}
	half_open_free(engine, h);
	exchange_note(&mm->log, datagram);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + WAIT_MS);
	if (blob_set(&mm->negotiation->ke_i, ke) || blob_set(&mm->negotiation->ni, nonce) ||
	    natt_read(mm, message)) {
		mm_fail(engine, mm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	main_mode_step(engine, mm, MM_STEP_DH);
}

/* --- messages 4, 5 and 6 -------------------------------------------------------------------- */

static void send_4(struct ike_engine *engine, struct ike_mm *mm)
{
	if (main_mode_send_ke(engine, mm)) {
		mm_fail(engine, mm, IKE_REASON_GENERAL, false, "cannot make message 4");
		return;
	}
	set_state(engine, mm, IKE_MM_STATE_SENT_4);
	/* While message 4 is on its way. */
	main_mode_step(engine, mm, MM_STEP_KEY);
}

void main_mode_receive_5(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
			 struct bytes datagram, const struct wire_header *header)
{
	struct wire_message message;

	if (!mm->negotiation->has_keys) {
		main_mode_queue(mm, path, datagram);
		return;
	}
	if (main_mode_open_proof(engine, mm, datagram, header, &message))
		return;
	set_state(engine, mm, IKE_MM_STATE_RECEIVED_5);
	main_mode_judge(engine, mm, path, &message);
}

/* Message 5, if it came before the keys. */
static void take_queued(struct ike_engine *engine, struct ike_mm *mm)
{
	struct blob queued = mm->negotiation->queued;
	struct ike_path path = mm->negotiation->queued_path;
	struct wire_header header;

	mm->negotiation->queued = (struct blob){ 0 };
	if (queued.len && !wire_parse_header(blob_bytes(&queued), &header))
		main_mode_receive_5(engine, mm, &path, blob_bytes(&queued), &header);
	blob_free(&queued);
}

static void send_6(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	if (main_mode_send_proof(engine, mm))
		mm_fail(engine, mm, IKE_REASON_ENCRYPT, false, "cannot make message 6");
	else if (n->is_proved && n->has_proved)
		main_mode_establish(engine, mm);
	else
		set_state(engine, mm, IKE_MM_STATE_SENT_4);
}

void main_mode_responder_next(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step)
{
	switch (step) {
	case MM_STEP_DH:
		main_mode_step(engine, mm, MM_STEP_KE);
		break;
	case MM_STEP_KE:
		send_4(engine, mm);
		break;
	case MM_STEP_KEY:
		take_queued(engine, mm);
		break;
	case MM_STEP_VERDICT:
		natt_follow(mm, &mm->negotiation->arrival);
		main_mode_step(engine, mm, MM_STEP_PROOF);
		break;
	case MM_STEP_PROOF:
		send_6(engine, mm);
		break;
	case MM_STEP_NONE:
		break;
	}
}

/* --- failure -------------------------------------------------------------------------------- */

/* Nothing is encrypted yet. */
static void refuse_clear(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_failure *failure = &mm->negotiation->failure;

	notify_refuse_clear(engine, &mm->path, mm->icookie, mm->rcookie, mm->vids,
			    report_reason_notify(failure->reason), failure->reason);
	mm_fail(engine, mm, failure->reason, false, "%s", failure->text);
}

/* In answer to message 5. */
static void refuse(struct ike_engine *engine, struct ike_mm *mm, bool is_at_peer)
{
	struct mm_failure failure = mm->negotiation->failure;

	notify_send_failed(engine, mm, failure.reason);
	report_stranger(engine, &mm->path, mm, failure.reason, is_at_peer, "%s", failure.text);
	mm_free_negotiation(engine, mm);
	mm_set_state(mm, IKE_MM_STATE_DEAD);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + DEAD_MS);
	peer_mm_failed(engine, mm->peer, failure.reason, is_at_peer, true, failure.text);
}

void main_mode_responder_failed(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step)
{
	if (step == MM_STEP_DH || step == MM_STEP_KE || step == MM_STEP_KEY)
		refuse_clear(engine, mm);
	else
		refuse(engine, mm, step == MM_STEP_VERDICT);
}

void main_mode_give_up_responder(struct ike_engine *engine, struct ike_mm *mm)
{
	if (mm->negotiation->n_bad)
		mm_fail(engine, mm, IKE_REASON_CREDENTIALS, true,
			"the peer's proof could not be decrypted%s", main_mode_key_hint(mm));
	else
		mm_fail(engine, mm, IKE_REASON_TIMED_OUT, true, "the peer sent no message 5");
}
