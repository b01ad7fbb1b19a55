// SPDX-License-Identifier: MIT
#include "ike/main_mode.h"

#include <errno.h>

#include "ike/auth.h"
#include "ike/crypto.h"
#include "ike/dh.h"
#include "ike/job.h"
#include "ike/main_mode_steps.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/proposal_qm.h"
#include "ike/report.h"
#include "ike/vid.h"

#define NONCE_LEN 32
#define NONCE_MIN 8
#define LIFE_DEFAULT 28800
#define LIFE_MIN	 60
/* Messages 5 that make no sense; anybody on the path can send some. */
#define BAD_MESSAGES_MAX 5
#define QUEUED_MAX 16384

/* --- policy --------------------------------------------------------------------------------- */

static bool has_method(const struct ike_mm_policy *policy, enum ike_auth method)
{
	for (size_t i = 0; i < policy->n_auth; i++) {
		if (policy->auth[i] == method)
			return true;
	}
	return false;
}

enum ike_reason main_mode_usable_policy(const struct ike_mm_policy *policy,
					struct ike_mm_policy *ret_usable)
{
	struct ike_mm_policy usable = *policy;

	if (mm_policy_check(policy))
		return IKE_REASON_INVALID_POLICY;
	usable.n_proposals = 0;
	usable.n_auth = 0;
	for (size_t i = 0; i < policy->n_proposals; i++) {
		if (crypto_has_cipher(policy->proposals[i].cipher) &&
		    crypto_has_hash(policy->proposals[i].hash))
			usable.proposals[usable.n_proposals++] = policy->proposals[i];
	}
	for (size_t i = 0; i < policy->n_auth; i++) {
		if (auth_find(policy->auth[i]) &&
		    (policy->auth[i] != IKE_AUTH_KERBEROS || mm_policy_has_gss_name(policy)))
			usable.auth[usable.n_auth++] = policy->auth[i];
	}
	if (!usable.n_auth && has_method(policy, IKE_AUTH_KERBEROS))
		return IKE_REASON_NO_KERBEROS;
	if (!usable.n_proposals || !usable.n_auth)
		return IKE_REASON_INVALID_POLICY;
	if (!has_method(&usable, IKE_AUTH_KERBEROS))
		usable.gss_name = NULL;
	if (!usable.life_seconds)
		usable.life_seconds = LIFE_DEFAULT;
	*ret_usable = usable;
	return IKE_REASON_OK;
}

uint32_t main_mode_agree_life(const struct ike_engine *engine, uint32_t ours, uint32_t theirs)
{
	uint32_t life = ours;

	if (theirs)
		life = MIN(ours, MAX(theirs, LIFE_MIN));
	return MIN(life, engine->config.mm_life_max);
}

/* --- messages 3 and 4 ----------------------------------------------------------------------- */

int main_mode_send_clear(struct ike_engine *engine, struct ike_mm *mm, struct wire_out *out)
{
	size_t len = wire_finish(out, 0);

	if (!len)
		return -EMSGSIZE;
	return exchange_send(engine, &mm->log, mm, (struct bytes){ out->w.data, len });
}

int main_mode_check_ke(unsigned int group, const struct wire_message *message, struct bytes *ret_ke,
		       struct bytes *ret_nonce)
{
	if (message->header.flags & WIRE_FLAG_ENCRYPTED || message->header.message_id ||
	    exchange_check(MESSAGE_MM_3, message))
		return -EBADMSG;
	*ret_ke = wire_find(message, WIRE_PAYLOAD_KE, 0)->body;
	*ret_nonce = wire_find(message, WIRE_PAYLOAD_NONCE, 0)->body;
	if (ret_nonce->len < NONCE_MIN || ret_nonce->len > IKE_NONCE_MAX_LEN)
		return -EINVAL;
	return dh_check_public(group, *ret_ke);
}

static int make_nonce(struct ike_engine *engine, struct blob *nonce)
{
	uint8_t buf[NONCE_LEN];
	int ret = core_random(engine, buf, sizeof(buf));

	return ret ? ret : blob_set(nonce, (struct bytes){ buf, sizeof(buf) });
}

/* HDR, KE, Nonce, what the method adds [, NAT-D, NAT-D] */
int main_mode_send_ke(struct ike_engine *engine, struct ike_mm *mm)
{
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, 0, 0);
	struct mm_negotiation *n = mm->negotiation;
	struct wire_out out;
	int ret = make_nonce(engine, mm->is_initiator ? &n->ni : &n->nr);

	if (ret)
		return ret;
	out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	wire_add(&out, WIRE_PAYLOAD_KE, blob_bytes(mm->is_initiator ? &n->ke_i : &n->ke_r));
	wire_add(&out, WIRE_PAYLOAD_NONCE, blob_bytes(mm->is_initiator ? &n->ni : &n->nr));
	if (mm->auth->write_ke)
		mm->auth->write_ke(mm, &out);
	if (natt_write(mm, &out))
		return -EIO;
	return main_mode_send_clear(engine, mm, &out);
}

/* --- keys ----------------------------------------------------------------------------------- */

/* Our key pair, or g^xy; or both at once, for the responder. */
static int compute(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	struct job_order order = {
		.group = mm->choice.proposal.group,
		.key = n->dh,
		.peer = blob_bytes(mm->is_initiator ? &n->ke_r : &n->ke_i),
		.source = &mm->path.remote,
	};

	n->dh = NULL;
	if (job_start(engine, &n->request, REQUEST_MM_KEYS, mm, &order))
		return auth_fail(mm, IKE_REASON_DH, "cannot make a key for %s",
				 ike_group_name(order.group));
	return AUTH_WAIT;
}

static int take_computed(struct ike_mm *mm, struct ike_job *job)
{
	struct mm_negotiation *n = mm->negotiation;
	struct blob *ke = mm->is_initiator ? &n->ke_i : &n->ke_r;

	if (!ke->len && blob_set(ke, dh_key_public(job->key)))
		return -ENOMEM;
	if (job->secret.len)
		return blob_set(&n->gxy, blob_bytes(&job->secret));
	n->dh = job->key;
	job->key = NULL;
	return 0;
}

void main_mode_keys_reply(struct ike_engine *engine, struct ike_mm *mm, int error,
			  struct ike_job *job)
{
	if (error || job->error || take_computed(mm, job))
		error = auth_fail(mm, IKE_REASON_DH, "key exchange failed");
	main_mode_step_done(engine, mm, error);
}

/* All that follows from SKEYID. */
static int derive(struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	struct mm_transcript t = mm_transcript(mm);
	int ret = keys_derive(mm->keys, mm->choice.proposal.hash, mm->choice.proposal.cipher,
			      mm->choice.proposal.key_bits, blob_bytes(&n->gxy), t.cky_i, t.cky_r);

	blob_free(&n->gxy);
	if (!ret)
		ret = keys_phase1_iv(mm->keys, &t, mm->iv);
	if (ret)
		return auth_fail(mm, IKE_REASON_GENERAL, "cannot derive keys");
	n->has_keys = true;
	return 0;
}

/* --- messages 5 and 6 ----------------------------------------------------------------------- */

/* Nothing of an earlier time is known on our side, so the peer should forget what it has. */
static bool is_initial_contact(const struct ike_mm *mm)
{
	struct ike_mm *other;

	if (!TAILQ_EMPTY(&mm->peer->children))
		return false;
	TAILQ_FOREACH(other, &mm->peer->mms, peer_link) {
		if (other != mm)
			return false;
	}
	return true;
}

/* A notify about this main mode. */
static void add_notify(const struct ike_mm *mm, struct wire_out *out, uint16_t type,
		       struct bytes data)
{
	uint8_t cookies[2 * WIRE_COOKIE_LEN];
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = type,
		.spi = { cookies, sizeof(cookies) },
		.data = data,
	};

	memcpy(cookies, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(cookies + WIRE_COOKIE_LEN, mm->rcookie, WIRE_COOKIE_LEN);
	wire_add_notify(out, &notify);
}

/* Ours is shorter than what was offered, which cannot be changed. Windows is not told such things. */
static void add_lifetime(const struct ike_mm *mm, struct wire_out *out)
{
	uint8_t data[16];
	struct writer w = writer_make(data, sizeof(data));

	if (mm->is_initiator || mm->vids & VID_MICROSOFT ||
	    mm->choice.life_seconds <= mm->life_seconds)
		return;
	qm_lifetime_write(&w, mm->life_seconds, 0);
	add_notify(mm, out, IKE_NOTIFY_RESPONDER_LIFETIME, (struct bytes){ data, w.len });
}

/* HDR*, what the method says [, N] */
int main_mode_send_proof(struct ike_engine *engine, struct ike_mm *mm)
{
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	struct wire_out out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	size_t len;
	int ret = mm->auth->write_proof(mm, &out);

	if (ret)
		return ret;
	if (mm->is_initiator && mm->negotiation->has_proved && is_initial_contact(mm))
		add_notify(mm, &out, IKE_NOTIFY_INITIAL_CONTACT, (struct bytes){ 0 });
	add_lifetime(mm, &out);
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	memcpy(iv, mm->iv, sizeof(iv));
	if (!len || exchange_encrypt(mm->keys, iv, engine->out, len))
		return -EIO;
	memcpy(mm->iv, iv, sizeof(iv));
	return exchange_send(engine, &mm->log, mm, (struct bytes){ engine->out, len });
}

/* Beside the proof; adopted when that is good. */
static void read_notifies(struct ike_mm *mm, const struct wire_message *message)
{
	struct mm_negotiation *n = mm->negotiation;
	const struct wire_payload *p;
	struct wire_notify notify;
	uint32_t kbytes;

	for (size_t i = 0; (p = wire_find(message, WIRE_PAYLOAD_NOTIFY, i)); i++) {
		if (wire_parse_notify(p->body, &notify))
			continue;
		if (notify.type == IKE_NOTIFY_INITIAL_CONTACT)
			n->has_initial_contact = true;
		else if (notify.type == IKE_NOTIFY_RESPONDER_LIFETIME && mm->is_initiator &&
			 notify.protocol == IKE_PROTOCOL_ISAKMP)
			(void)qm_lifetime_parse(notify.data, &n->peer_life_seconds, &kbytes);
	}
	/* Windows says it in message 1, and means it once it has proved who it is. */
	if (!mm->is_initiator && mm->vids & VID_MICROSOFT && mm->vids & VID_INITIAL_CONTACT)
		n->has_initial_contact = true;
}

static void adopt_notifies(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	mm->has_initial_contact = n->has_initial_contact;
	mm->life_seconds = main_mode_agree_life(engine, mm->life_seconds, n->peer_life_seconds);
}

const char *main_mode_key_hint(const struct ike_mm *mm)
{
	return mm->choice.auth == IKE_AUTH_PSK ? ": the preshared keys probably differ" : "";
}

/*
 * The wrong key and a forged message look the same: neither decrypts to anything. One such message
 * must not end the exchange, a handful does.
 */
static void count_bad(struct ike_engine *engine, struct ike_mm *mm)
{
	engine->stats.bad_message_5++;
	engine->stats.invalid_packets++;
	if (++mm->negotiation->n_bad < BAD_MESSAGES_MAX || mm->is_initiator)
		return;
	notify_send_clear(engine, &mm->path, mm->icookie, mm->rcookie,
			  IKE_NOTIFY_AUTHENTICATION_FAILED, (struct bytes){0});
	mm_fail(engine, mm, IKE_REASON_CREDENTIALS, true,
		"the peer's proof cannot be decrypted%s", main_mode_key_hint(mm));
}

int main_mode_open_proof(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			 const struct wire_header *header, struct wire_message *ret_message)
{
	uint8_t next_iv[IKE_BLOCK_MAX_LEN];

	if (header->message_id ||
	    exchange_decrypt(engine, mm->keys, mm->iv, datagram, header, ret_message, next_iv) ||
	    exchange_check(mm->auth->proof, ret_message)) {
		count_bad(engine, mm);
		return -EBADMSG;
	}
	exchange_note(&mm->log, datagram);
	memcpy(mm->iv, next_iv, sizeof(mm->iv));
	return 0;
}

/* --- steps ---------------------------------------------------------------------------------- */

static void failed(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step)
{
	if (!mm->negotiation->failure.reason)
		(void)auth_fail(mm, IKE_REASON_GENERAL, "%s", ike_reason_text(IKE_REASON_GENERAL));
	if (mm->is_initiator)
		main_mode_initiator_failed(engine, mm, step);
	else
		main_mode_responder_failed(engine, mm, step);
}

void main_mode_step_done(struct ike_engine *engine, struct ike_mm *mm, int error)
{
	enum mm_step step = mm->negotiation->step;

	mm->negotiation->step = MM_STEP_NONE;
	if (!error && step == MM_STEP_KEY)
		error = derive(mm);
	if (!error && step == MM_STEP_VERDICT && mm->negotiation->is_proved)
		adopt_notifies(engine, mm);
	if (error)
		failed(engine, mm, step);
	else if (mm->is_initiator)
		main_mode_initiator_next(engine, mm, step);
	else
		main_mode_responder_next(engine, mm, step);
}

void main_mode_step(struct ike_engine *engine, struct ike_mm *mm, enum mm_step step)
{
	const struct auth_ops *auth = mm->auth;
	int ret = 0;

	mm->negotiation->step = step;
	if (step == MM_STEP_DH)
		ret = compute(engine, mm);
	else if (step == MM_STEP_KE)
		ret = auth->prepare_ke ? auth->prepare_ke(engine, mm) : 0;
	else if (step == MM_STEP_KEY)
		ret = auth->get_skeyid(engine, mm);
	else if (step == MM_STEP_PROOF)
		ret = auth->prepare_proof(engine, mm);
	if (ret != AUTH_WAIT)
		main_mode_step_done(engine, mm, ret);
}

void main_mode_judge(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
		     const struct wire_message *message)
{
	int ret;

	mm->negotiation->step = MM_STEP_VERDICT;
	mm->negotiation->arrival = *path;
	read_notifies(mm, message);
	ret = mm->auth->judge(engine, mm, message);
	if (ret != AUTH_WAIT)
		main_mode_step_done(engine, mm, ret);
}

/* --- entry ---------------------------------------------------------------------------------- */

void main_mode_queue(struct ike_mm *mm, const struct ike_path *path, struct bytes datagram)
{
	if (datagram.len <= QUEUED_MAX && !blob_set(&mm->negotiation->queued, datagram))
		mm->negotiation->queued_path = *path;
}

void main_mode_establish(struct ike_engine *engine, struct ike_mm *mm)
{
	struct blob queued = mm->negotiation->queued;
	struct ike_path path = mm->negotiation->queued_path;

	mm->negotiation->queued = (struct blob){ 0 };
	mm_establish(engine, mm);
	if (queued.len)
		core_receive(engine, &path, blob_bytes(&queued));
	blob_free(&queued);
}

bool main_mode_receive_early(struct ike_mm *mm, const struct ike_path *path, struct bytes datagram)
{
	if (mm->state != IKE_MM_STATE_RECEIVED_6)
		return false;
	main_mode_queue(mm, path, datagram);
	return true;
}

void main_mode_receive(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
		       struct bytes datagram, const struct wire_header *header)
{
	static const uint8_t no_cookie[WIRE_COOKIE_LEN];

	/* Our own first message, sent back to us. */
	if (!memcmp(header->rcookie, no_cookie, WIRE_COOKIE_LEN)) {
		engine->stats.duplicates_ignored++;
		return;
	}
	/*
	 * The initiator has a timer; only the responder answers what it has answered before, and
	 * not while it is still thinking.
	 */
	if (exchange_is_duplicate(engine, &mm->log, mm, datagram,
				  !mm->is_initiator && mm->state != IKE_MM_STATE_RECEIVED_3 &&
					  mm->state != IKE_MM_STATE_RECEIVED_5))
		return;
	switch (mm->state) {
	case IKE_MM_STATE_SENT_1:
		main_mode_receive_2(engine, mm, datagram);
		break;
	case IKE_MM_STATE_SENT_3:
		main_mode_receive_4(engine, mm, datagram);
		break;
	case IKE_MM_STATE_SENT_4:
		main_mode_receive_5(engine, mm, path, datagram, header);
		break;
	case IKE_MM_STATE_SENT_5:
		main_mode_receive_6(engine, mm, path, datagram, header);
		break;
	case IKE_MM_STATE_WAIT_POLICY:
	case IKE_MM_STATE_RECEIVED_2:
	case IKE_MM_STATE_RECEIVED_4:
	case IKE_MM_STATE_RECEIVED_6:
	case IKE_MM_STATE_SENT_2:
	case IKE_MM_STATE_RECEIVED_3:
	case IKE_MM_STATE_RECEIVED_5:
	case IKE_MM_STATE_ESTABLISHED:
	case IKE_MM_STATE_DYING:
	case IKE_MM_STATE_DEAD:
	case IKE_MM_STATE_COUNT:
		engine->stats.invalid_packets++;
		break;
	}
}

/* --- time ----------------------------------------------------------------------------------- */

static void nobody_answered(struct ike_engine *engine, struct ike_mm *mm)
{
	mm_fail(engine, mm, IKE_REASON_GENERAL, false, "nobody answered for the %s",
		ike_auth_name(mm->choice.auth));
}

void main_mode_timer(struct timer *timer, void *userdata)
{
	struct ike_mm *mm = container_of(timer, struct ike_mm, timer);
	struct ike_engine *engine = userdata;

	switch (mm->state) {
	case IKE_MM_STATE_SENT_1:
	case IKE_MM_STATE_SENT_3:
	case IKE_MM_STATE_SENT_5:
		main_mode_retransmit(engine, mm);
		break;
	case IKE_MM_STATE_RECEIVED_2:
	case IKE_MM_STATE_RECEIVED_3:
	case IKE_MM_STATE_RECEIVED_4:
	case IKE_MM_STATE_RECEIVED_5:
	case IKE_MM_STATE_RECEIVED_6:
		nobody_answered(engine, mm);
		break;
	case IKE_MM_STATE_SENT_4:
		if (mm->negotiation->step != MM_STEP_NONE)
			nobody_answered(engine, mm);
		else
			main_mode_give_up_responder(engine, mm);
		break;
	case IKE_MM_STATE_ESTABLISHED:
		blob_free(&mm->log.sent);
		break;
	case IKE_MM_STATE_DYING:
		mm_remove(engine, mm, IKE_REASON_EXPIRED, true);
		break;
	case IKE_MM_STATE_DEAD:
		mm_unlink(engine, mm);
		break;
	case IKE_MM_STATE_WAIT_POLICY:
	case IKE_MM_STATE_SENT_2:
	case IKE_MM_STATE_COUNT:
		break;
	}
}
