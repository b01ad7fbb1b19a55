// SPDX-License-Identifier: MIT
#include "ike/main_mode.h"

#include <errno.h>

#include "ike/auth.h"
#include "ike/crypto.h"
#include "ike/dh.h"
#include "ike/half_open.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/proposal_mm.h"
#include "ike/proposal_qm.h"
#include "ike/report.h"
#include "ike/vid.h"

#define NONCE_LEN 32
#define NONCE_MIN 8
#define LIFE_DEFAULT 28800
#define LIFE_MIN 60
/* As responder, from message 3 on; and how long others may take to answer us. */
#define RESPONDER_WAIT_MS 30000
#define REQUEST_WAIT_MS 30000
/* A peer that failed is remembered so long, to answer its duplicates. */
#define DEAD_MS 5000
/* Messages 5 that make no sense; anybody on the path can send some. */
#define BAD_MESSAGES_MAX 5
#define QUEUED_MAX 8192

/* --- policy --------------------------------------------------------------------------------- */

int main_mode_usable_policy(const struct ike_mm_policy *policy, struct ike_mm_policy *ret_usable)
{
	struct ike_mm_policy usable = *policy;

	if (mm_policy_check(policy))
		return -EINVAL;
	usable.n_proposals = 0;
	usable.n_auth = 0;
	for (size_t i = 0; i < policy->n_proposals; i++) {
		if (crypto_has_cipher(policy->proposals[i].cipher) &&
		    crypto_has_hash(policy->proposals[i].hash))
			usable.proposals[usable.n_proposals++] = policy->proposals[i];
	}
	for (size_t i = 0; i < policy->n_auth; i++) {
		if (auth_find(policy->auth[i]))
			usable.auth[usable.n_auth++] = policy->auth[i];
	}
	if (!usable.n_proposals || !usable.n_auth)
		return -EINVAL;
	if (!usable.life_seconds)
		usable.life_seconds = LIFE_DEFAULT;
	*ret_usable = usable;
	return 0;
}

/* Each side enforces the shorter one; nobody can make us renew every second. */
static uint32_t agree_life(const struct ike_engine *engine, uint32_t ours, uint32_t theirs)
{
	uint32_t life = ours;

	if (theirs)
		life = MIN(ours, MAX(theirs, LIFE_MIN));
	return MIN(life, engine->config.mm_life_max);
}

/* --- messages 1 and 2 ----------------------------------------------------------------------- */

static void set_retransmission(struct ike_engine *engine, struct ike_mm *mm)
{
	uint64_t delay = exchange_backoff(engine, mm->log.n_sent, EXCHANGE_MAX_TRIES);

	(void)timer_set(&engine->timers, &mm->timer, engine->now + delay);
}

static int send_logged(struct ike_engine *engine, struct ike_mm *mm, struct wire_out *out,
		       size_t block)
{
	size_t len = wire_finish(out, block);

	if (!len)
		return -EMSGSIZE;
	return exchange_send(engine, &mm->log, &mm->path, (struct bytes){ out->w.data, len });
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
	vid_add(&out, VID_OURS);
	ret = send_logged(engine, mm, &out, 0);
	if (!ret)
		set_retransmission(engine, mm);
	return ret;
}

static int prepare_offer(struct ike_engine *engine, struct ike_mm *mm,
			 const struct ike_mm_policy *policy)
{
	struct mm_negotiation *n = mm->negotiation;
	struct writer w = writer_make(engine->out, WIRE_MESSAGE_MAX);

	n->policy = malloc(sizeof(*n->policy));
	if (!n->policy)
		return -ENOMEM;
	*n->policy = *policy;
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

	if (main_mode_usable_policy(policy, &usable)) {
		*ret_reason = IKE_REASON_INVALID_POLICY;
		return NULL;
	}
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

void main_mode_note_notify(struct ike_mm *mm, uint16_t type)
{
	if (!mm->negotiation || !mm->is_initiator)
		return;
	mm->negotiation->noted_notify = type;
	mm->negotiation->has_answered = true;
}

void main_mode_refused(struct ike_engine *engine, struct ike_mm *mm, uint16_t type)
{
	if (mm->state == IKE_MM_STATE_SENT_5)
		mm_fail(engine, mm, report_notify_reason(type), true, "the peer refused with %s",
			ike_notify_name(type));
}

static int make_nonce(struct ike_engine *engine, struct blob *nonce)
{
	uint8_t buf[NONCE_LEN];
	int ret = core_random(engine, buf, sizeof(buf));

	return ret ? ret : blob_set(nonce, (struct bytes){ buf, sizeof(buf) });
}

/* Our half of the key exchange: a key pair and a nonce. */
static int make_key_exchange(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	n->dh = dh_ring_take(engine->ring, mm->choice.proposal.group);
	if (!n->dh)
		return -EIO;
	engine->stats.dh_operations++;
	if (blob_set(mm->is_initiator ? &n->ke_i : &n->ke_r, dh_key_public(n->dh)))
		return -ENOMEM;
	return make_nonce(engine, mm->is_initiator ? &n->ni : &n->nr);
}

/* HDR, KE, Nonce [, NAT-D, NAT-D] */
static int send_key_exchange(struct ike_engine *engine, struct ike_mm *mm)
{
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, 0, 0);
	struct wire_out out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	struct mm_negotiation *n = mm->negotiation;

	wire_add(&out, WIRE_PAYLOAD_KE, blob_bytes(mm->is_initiator ? &n->ke_i : &n->ke_r));
	wire_add(&out, WIRE_PAYLOAD_NONCE, blob_bytes(mm->is_initiator ? &n->ni : &n->nr));
	if (natt_write(mm, &out))
		return -EIO;
	return send_logged(engine, mm, &out, 0);
}

/* <-- HDR, SA, VIDs */
static void receive_2(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram)
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
	vids = vid_collect(&message);
	/* Not authenticated, so a bad answer is no reason to give up on a good one. */
	if (mm_proposal_accept(blob_bytes(&n->sai_b), message.payloads[0].body, vids,
			       &mm->choice)) {
		engine->stats.invalid_packets++;
		n->noted_notify = IKE_NOTIFY_BAD_PROPOSAL_SYNTAX;
		return;
	}
	memcpy(mm->rcookie, message.header.rcookie, WIRE_COOKIE_LEN);
	mm->vids = vids;
	mm->natt.version = natt_version(vids);
	mm->auth = auth_find(mm->choice.auth);
	mm->life_seconds = agree_life(engine, mm->life_seconds, mm->choice.life_seconds);
	exchange_note(&mm->log, datagram);
	if (make_key_exchange(engine, mm) || send_key_exchange(engine, mm)) {
		mm_fail(engine, mm, IKE_REASON_DH, false, "cannot make a key for %s",
			ike_group_name(mm->choice.proposal.group));
		return;
	}
	mm_set_state(mm, IKE_MM_STATE_SENT_3);
	set_retransmission(engine, mm);
}

/* --- messages 3 and 4 ----------------------------------------------------------------------- */

/* KE and nonce as far as they can be checked before any secret is computed. */
static int check_key_exchange(unsigned int group, const struct wire_message *message,
			      struct bytes *ret_ke, struct bytes *ret_nonce)
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

/* g^xy, then whoever knows the secret is asked for SKEYID. Fails the main mode if it cannot. */
static void compute_keys(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	struct bytes peer_ke = blob_bytes(mm->is_initiator ? &n->ke_r : &n->ke_i);
	size_t len = dh_secret_len(mm->choice.proposal.group);
	uint8_t secret[DH_MAX_LEN];
	int ret = dh_derive(n->dh, peer_ke, secret);

	engine->stats.dh_operations++;
	if (!ret)
		ret = blob_set(&n->gxy, (struct bytes){ secret, len });
	wipe(secret, sizeof(secret));
	n->dh = dh_key_free(n->dh);
	if (!ret)
		ret = mm->auth->get_skeyid(engine, mm);
	if (ret)
		mm_fail(engine, mm, IKE_REASON_DH, false, "key exchange failed");
}

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
	mm->life_seconds = agree_life(engine, h->life_seconds, h->choice.life_seconds);
	mm->qm_limit = h->qm_limit;
	if (blob_set(&mm->negotiation->sai_b, (struct bytes){ h->sai_b, h->sai_len })) {
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

	if (!h->has_choice || check_key_exchange(h->choice.proposal.group, message, &ke, &nonce)) {
		h->has_bad_3 = h->has_choice;
		engine->stats.invalid_packets++;
		return;
	}
	mm = responder_from(engine, h, path);
	if (!mm) {
		engine->stats.rate_limited++;
		return;
	}
	half_open_free(engine, h);
	exchange_note(&mm->log, datagram);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + RESPONDER_WAIT_MS);
	if (blob_set(&mm->negotiation->ke_i, ke) || blob_set(&mm->negotiation->ni, nonce) ||
	    natt_read(mm, message) || make_key_exchange(engine, mm) || send_key_exchange(engine, mm)) {
		mm_fail(engine, mm, IKE_REASON_DH, false, "cannot make a key for %s",
			ike_group_name(mm->choice.proposal.group));
		return;
	}
	/* While message 4 is on its way. */
	compute_keys(engine, mm);
}

/* <-- HDR, KE, Nr [, NAT-D, NAT-D] */
static void receive_4(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram)
{
	struct mm_negotiation *n = mm->negotiation;
	struct wire_message message;
	struct bytes ke, nonce;

	/* Our own value is our own message 3, reflected. */
	if (wire_parse(datagram, &message) ||
	    check_key_exchange(mm->choice.proposal.group, &message, &ke, &nonce) ||
	    bytes_is_equal(ke, blob_bytes(&n->ke_i))) {
		engine->stats.invalid_packets++;
		return;
	}
	if (blob_set(&n->ke_r, ke) || blob_set(&n->nr, nonce) || natt_read(mm, &message)) {
		mm_fail(engine, mm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	exchange_note(&mm->log, datagram);
	mm_set_state(mm, IKE_MM_STATE_WAIT_KEY);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + REQUEST_WAIT_MS);
	compute_keys(engine, mm);
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

static void add_initial_contact(const struct ike_mm *mm, struct wire_out *out)
{
	uint8_t cookies[2 * WIRE_COOKIE_LEN];
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = IKE_NOTIFY_INITIAL_CONTACT,
		.spi = { cookies, sizeof(cookies) },
	};

	memcpy(cookies, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(cookies + WIRE_COOKIE_LEN, mm->rcookie, WIRE_COOKIE_LEN);
	wire_add_notify(out, &notify);
}

/* HDR*, ID, proof: message 5 or 6. Moves the IV on. */
static int send_proof(struct ike_engine *engine, struct ike_mm *mm)
{
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	struct wire_out out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	size_t len;
	int ret;

	wire_begin(&out, WIRE_PAYLOAD_ID);
	mm->auth->write_id(mm, &out.w);
	wire_end(&out);
	ret = mm->auth->write_proof(mm, &out, wire_last_body(&out));
	if (ret)
		return ret;
	if (mm->is_initiator && is_initial_contact(mm))
		add_initial_contact(mm, &out);
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	memcpy(iv, mm->iv, sizeof(iv));
	if (!len || exchange_encrypt(mm->keys, iv, engine->out, len))
		return -EIO;
	memcpy(mm->iv, iv, sizeof(iv));
	return exchange_send(engine, &mm->log, &mm->path, (struct bytes){ engine->out, len });
}

static int derive(struct ike_mm *mm, const uint8_t *skeyid, size_t len)
{
	struct mm_negotiation *n = mm->negotiation;
	struct mm_transcript t = mm_transcript(mm);
	int ret;

	if (len != ike_hash_len(mm->choice.proposal.hash))
		return -EINVAL;
	memcpy(mm->keys->skeyid, skeyid, len);
	ret = keys_derive(mm->keys, mm->choice.proposal.hash, mm->choice.proposal.cipher,
			  mm->choice.proposal.key_bits, blob_bytes(&n->gxy), t.cky_i, t.cky_r);
	blob_free(&n->gxy);
	if (!ret)
		ret = keys_phase1_iv(mm->keys, &t, mm->iv);
	n->has_keys = !ret;
	return ret;
}

static void receive_5(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
		      struct bytes datagram, const struct wire_header *header);

void main_mode_skeyid_reply(struct ike_engine *engine, struct ike_mm *mm, int error,
			    const uint8_t *skeyid, size_t len)
{
	struct wire_header header;
	struct ike_path path;
	struct blob queued;

	if (error) {
		if (!mm->is_initiator)
			notify_send_clear(engine, &mm->path, mm->icookie, mm->rcookie,
					  IKE_NOTIFY_AUTHENTICATION_FAILED, (struct bytes){0});
		mm_fail(engine, mm, IKE_REASON_CREDENTIALS, false,
			"there is no %s for this peer", ike_auth_name(mm->choice.auth));
		return;
	}
	if (derive(mm, skeyid, len)) {
		mm_fail(engine, mm, IKE_REASON_GENERAL, false, "cannot derive keys");
		return;
	}
	if (mm->is_initiator) {
		natt_float(mm);
		if (send_proof(engine, mm)) {
			mm_fail(engine, mm, IKE_REASON_ENCRYPT, false, "cannot make message 5");
			return;
		}
		mm_set_state(mm, IKE_MM_STATE_SENT_5);
		set_retransmission(engine, mm);
		return;
	}
	queued = mm->negotiation->queued;
	mm->negotiation->queued = (struct blob){0};
	path = mm->negotiation->queued_path;
	if (queued.len && !wire_parse_header(blob_bytes(&queued), &header))
		receive_5(engine, mm, &path, blob_bytes(&queued), &header);
	blob_free(&queued);
}

/* Notifies beside the proof, which are as good as the proof. */
static void read_notifies(struct ike_engine *engine, struct ike_mm *mm,
			  const struct wire_message *message)
{
	const struct wire_payload *p;
	uint32_t seconds, kbytes;
	struct wire_notify notify;

	for (size_t i = 0; (p = wire_find(message, WIRE_PAYLOAD_NOTIFY, i)); i++) {
		if (wire_parse_notify(p->body, &notify))
			continue;
		if (notify.type == IKE_NOTIFY_INITIAL_CONTACT)
			mm->has_initial_contact = true;
		else if (notify.type == IKE_NOTIFY_RESPONDER_LIFETIME && mm->is_initiator &&
			 notify.protocol == IKE_PROTOCOL_ISAKMP &&
			 !qm_lifetime_parse(notify.data, &seconds, &kbytes))
			mm->life_seconds = agree_life(engine, mm->life_seconds, seconds);
	}
	/* Windows says it in message 1, and means it once it has proved who it is. */
	if (!mm->is_initiator && mm->vids & VID_MICROSOFT && mm->vids & VID_INITIAL_CONTACT)
		mm->has_initial_contact = true;
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
		"the peer's proof cannot be decrypted: the %ss probably differ",
		ike_auth_name(mm->choice.auth));
}

/* Decrypted, but what it says is wrong. */
static void reject(struct ike_engine *engine, struct ike_mm *mm, int error)
{
	const char *text = error == -EACCES ? "the peer's proof is wrong" :
					      "the peer's identity is not its address";

	notify_send_auth_failed(engine, mm);
	if (mm->is_initiator) {
		mm_fail(engine, mm, IKE_REASON_CREDENTIALS, true, "%s", text);
		return;
	}
	report_stranger(engine, &mm->path, mm, IKE_REASON_CREDENTIALS, true, "%s", text);
	mm_free_negotiation(engine, mm);
	mm_set_state(mm, IKE_MM_STATE_DEAD);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + DEAD_MS);
	peer_mm_failed(engine, mm->peer, IKE_REASON_CREDENTIALS, true, true, text);
}

/* Common to messages 5 and 6: 0 when the peer has proved who it is. */
static int take_proof(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
		      const struct wire_header *header)
{
	enum message_kind kind = mm->is_initiator ? mm->auth->message_6 : mm->auth->message_5;
	uint8_t next_iv[IKE_BLOCK_MAX_LEN];
	struct wire_message message;
	int ret;

	if (header->message_id ||
	    exchange_decrypt(engine, mm->keys, mm->iv, datagram, header, &message, next_iv) ||
	    exchange_check(kind, &message)) {
		count_bad(engine, mm);
		return -EBADMSG;
	}
	ret = mm->auth->verify(mm, &message);
	exchange_note(&mm->log, datagram);
	memcpy(mm->iv, next_iv, sizeof(mm->iv));
	if (ret) {
		reject(engine, mm, ret);
		return ret;
	}
	read_notifies(engine, mm, &message);
	return 0;
}

/* HDR*, IDii, HASH_I --> */
static void receive_5(struct ike_engine *engine, struct ike_mm *mm, const struct ike_path *path,
		      struct bytes datagram, const struct wire_header *header)
{
	struct mm_negotiation *n = mm->negotiation;

	if (!n->has_keys) {
		/* The newest one: an earlier one may be forged. */
		if (datagram.len <= QUEUED_MAX && !blob_set(&n->queued, datagram))
			n->queued_path = *path;
		return;
	}
	if (take_proof(engine, mm, datagram, header))
		return;
	natt_follow(mm, path);
	if (send_proof(engine, mm)) {
		mm_fail(engine, mm, IKE_REASON_ENCRYPT, false, "cannot make message 6");
		return;
	}
	mm_establish(engine, mm);
}

/* <-- HDR*, IDir, HASH_R */
static void receive_6(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
		      const struct wire_header *header)
{
	if (take_proof(engine, mm, datagram, header))
		return;
	mm_establish(engine, mm);
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
	/* The initiator has a timer; only the responder answers what it has answered before. */
	if (exchange_is_duplicate(engine, &mm->log, &mm->path, datagram, !mm->is_initiator))
		return;
	switch (mm->state) {
	case IKE_MM_STATE_SENT_1:
		receive_2(engine, mm, datagram);
		break;
	case IKE_MM_STATE_SENT_3:
		receive_4(engine, mm, datagram);
		break;
	case IKE_MM_STATE_SENT_4:
		receive_5(engine, mm, path, datagram, header);
		break;
	case IKE_MM_STATE_SENT_5:
		receive_6(engine, mm, datagram, header);
		break;
	case IKE_MM_STATE_WAIT_POLICY:
	case IKE_MM_STATE_SENT_2:
	case IKE_MM_STATE_WAIT_KEY:
	case IKE_MM_STATE_ESTABLISHED:
	case IKE_MM_STATE_DYING:
	case IKE_MM_STATE_DEAD:
	case IKE_MM_STATE_COUNT:
		engine->stats.invalid_packets++;
		break;
	}
}

/* --- time ----------------------------------------------------------------------------------- */

/* What an administrator should look at when message 5 met no approval. */
static const char *hint(const struct ike_mm *mm)
{
	if (mm->state == IKE_MM_STATE_SENT_5 && mm->choice.auth == IKE_AUTH_PSK)
		return ": the preshared keys probably differ";
	return "";
}

static void give_up(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	char offered[256];

	if (n->noted_notify == IKE_NOTIFY_NO_PROPOSAL_CHOSEN ||
	    n->noted_notify == IKE_NOTIFY_BAD_PROPOSAL_SYNTAX)
		mm_fail(engine, mm, IKE_REASON_ATTRIBUTES, true,
			"the peer chose no proposal that we offered (%s)",
			mm_offer_format(blob_bytes(&n->sai_b), ~UINT32_C(0), offered,
					sizeof(offered)));
	else if (n->noted_notify)
		mm_fail(engine, mm, report_notify_reason(n->noted_notify), true,
			"the peer refused with %s%s", ike_notify_name(n->noted_notify), hint(mm));
	else if (!n->has_answered)
		mm_fail(engine, mm, IKE_REASON_NO_RESPONSE, true, "%s",
			ike_reason_text(IKE_REASON_NO_RESPONSE));
	else
		mm_fail(engine, mm, IKE_REASON_TIMED_OUT, true, "the peer stopped answering%s",
			hint(mm));
}

/* The responder waited long enough for message 5. */
static void give_up_responder(struct ike_engine *engine, struct ike_mm *mm)
{
	if (mm->negotiation->n_bad)
		mm_fail(engine, mm, IKE_REASON_CREDENTIALS, true,
			"the peer's proof could not be decrypted: the %ss probably differ",
			ike_auth_name(mm->choice.auth));
	else
		mm_fail(engine, mm, IKE_REASON_TIMED_OUT, true, "the peer sent no message 5");
}

void main_mode_timer(struct timer *timer, void *userdata)
{
	struct ike_mm *mm = container_of(timer, struct ike_mm, timer);
	struct ike_engine *engine = userdata;

	switch (mm->state) {
	case IKE_MM_STATE_SENT_1:
	case IKE_MM_STATE_SENT_3:
	case IKE_MM_STATE_SENT_5:
		if (mm->log.n_sent >= EXCHANGE_MAX_TRIES) {
			give_up(engine, mm);
			return;
		}
		exchange_resend(engine, &mm->log, &mm->path);
		set_retransmission(engine, mm);
		break;
	case IKE_MM_STATE_WAIT_KEY:
		mm_fail(engine, mm, IKE_REASON_GENERAL, false, "nobody answered for the %s",
			ike_auth_name(mm->choice.auth));
		break;
	case IKE_MM_STATE_SENT_4:
		give_up_responder(engine, mm);
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
