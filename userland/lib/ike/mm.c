// SPDX-License-Identifier: MIT
#include "ike/mm.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "ike/auth.h"
#include "ike/child.h"
#include "ike/deletion.h"
#include "ike/dh.h"
#include "ike/fragmentation.h"
#include "ike/main_mode.h"
#include "ike/peer.h"
#include "ike/qm.h"
#include "ike/quick_mode.h"
#include "ike/report.h"
#include "ike/request.h"
#include "ike/secret.h"
#include "ike/vid.h"

#define MMS_PER_PEER 32
/* Answers to duplicates are kept so long. */
#define CACHE_MS 30000
/* A main mode that has a successor lives on so long. */
#define REPLACED_MS 10000
#define ACTIVE_SECONDS 300U
/* A generator that keeps repeating itself is broken. */
#define RANDOM_TRIES 16

_Static_assert(sizeof(struct mm_keys) <= SECRET_BLOCK_LEN, "one block of secret memory");

static const uint8_t no_cookie[WIRE_COOKIE_LEN];

/* --- index ---------------------------------------------------------------------------------- */

static uint64_t mm_hash(const struct ike_engine *engine, const struct ike_path *path,
			const uint8_t *icookie)
{
	uint8_t key[WIRE_COOKIE_LEN + sizeof(struct ip_addr)];

	memcpy(key, icookie, WIRE_COOKIE_LEN);
	memcpy(key + WIRE_COOKIE_LEN, &path->remote, sizeof(path->remote));
	return core_hash(engine, key, sizeof(key));
}

/* One that has no responder cookie yet belongs to any. */
static bool has_cookies(const struct ike_mm *mm, const struct wire_header *header)
{
	if (memcmp(mm->icookie, header->icookie, WIRE_COOKIE_LEN) != 0)
		return false;
	return !memcmp(mm->rcookie, header->rcookie, WIRE_COOKIE_LEN) ||
	       !memcmp(mm->rcookie, no_cookie, WIRE_COOKIE_LEN);
}

struct ike_mm *mm_find(const struct ike_engine *engine, const struct ike_path *path,
		       const struct wire_header *header)
{
	struct table_node *node = table_find(&engine->mms, mm_hash(engine, path, header->icookie));

	for (; node; node = table_find_next(node)) {
		struct ike_mm *mm = container_of(node, struct ike_mm, node);

		if (has_cookies(mm, header) && ip_addr_is_equal(&mm->path.remote, &path->remote) &&
		    ip_addr_is_equal(&mm->path.local, &path->local))
			return mm;
	}
	return NULL;
}

bool mm_has_icookie(const struct ike_engine *engine, const struct ike_path *path,
		    const uint8_t *icookie)
{
	struct table_node *node = table_find(&engine->mms, mm_hash(engine, path, icookie));

	for (; node; node = table_find_next(node)) {
		struct ike_mm *mm = container_of(node, struct ike_mm, node);

		if (!memcmp(mm->icookie, icookie, WIRE_COOKIE_LEN) &&
		    ip_addr_is_equal(&mm->path.remote, &path->remote))
			return true;
	}
	return false;
}

static int new_cookie(struct ike_engine *engine, uint8_t *ret_cookie)
{
	if (core_random(engine, ret_cookie, WIRE_COOKIE_LEN))
		return -EIO;
	/* Zero is no cookie. */
	ret_cookie[0] |= !memcmp(ret_cookie, no_cookie, WIRE_COOKIE_LEN);
	return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

static void life_timer(struct timer *timer, void *userdata);

static struct ike_mm *allocate(void)
{
	struct ike_mm *mm = calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	mm->negotiation = calloc(1, sizeof(*mm->negotiation));
	mm->keys = secret_alloc();
	if (!mm->negotiation || !mm->keys) {
		mm_free(mm);
		return NULL;
	}
	return mm;
}

/*
 * With many quick modes and few allowed per main mode (master PFS) a peer would collect main modes
 * until they expire: the oldest that is used up goes. For one that we start, any established one.
 */
static bool make_room(struct ike_engine *engine, struct ike_peer *peer, bool is_initiator)
{
	struct ike_mm *mm, *victim = NULL;

	if (peer->n_mms < MMS_PER_PEER)
		return true;
	TAILQ_FOREACH_REVERSE(mm, &peer->mms, mm_list, peer_link) {
		bool is_used_up = mm_is_established(mm) && !mm_is_usable(mm) && !mm->n_live_qm;

		if (is_used_up) {
			victim = mm;
			break;
		}
		if (!victim && is_initiator && mm_is_established(mm))
			victim = mm;
	}
	if (victim)
		mm_remove(engine, victim, IKE_REASON_EXPIRED, true);
	return victim != NULL;
}

struct ike_mm *mm_new(struct ike_engine *engine, struct ike_peer *peer,
		      const struct ike_path *path, bool is_initiator, const uint8_t *icookie)
{
	struct ike_mm *mm;

	if (engine->n_mms >= engine->config.mm_max || !make_room(engine, peer, is_initiator))
		return NULL;
	mm = allocate();
	if (!mm)
		return NULL;
	mm->id = core_new_id(engine);
	mm->path = *path;
	mm->peer = peer;
	mm->is_initiator = is_initiator;
	mm->state = is_initiator ? IKE_MM_STATE_SENT_1 : IKE_MM_STATE_RECEIVED_3;
	mm->created_at = engine->now;
	timer_init(&mm->timer, main_mode_timer);
	timer_init(&mm->life, life_timer);
	if (icookie)
		memcpy(mm->icookie, icookie, WIRE_COOKIE_LEN);
	else if (new_cookie(engine, mm->icookie))
		goto err_free;
	if (table_add(&engine->mms, &mm->node, mm_hash(engine, path, mm->icookie)))
		goto err_free;
	TAILQ_INSERT_HEAD(&peer->mms, mm, peer_link);
	peer->n_mms++;
	engine->n_mms++;
	engine->n_negotiating += !is_initiator;
	return mm;

err_free:
	mm_free(mm);
	return NULL;
}

void mm_free_negotiation(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	if (!n)
		return;
	if (engine) {
		if (mm->auth && mm->auth->end)
			mm->auth->end(engine, mm);
		request_cancel(engine, &n->request);
		engine->n_negotiating -= !mm->is_initiator;
	}
	blob_free(&n->sai_b);
	blob_free(&n->ni);
	blob_free(&n->nr);
	blob_free(&n->ke_i);
	blob_free(&n->ke_r);
	blob_free(&n->gxy);
	blob_free(&n->queued);
	dh_key_free(n->dh);
	free(n->policy);
	free(n);
	mm->negotiation = NULL;
}

void mm_unlink(struct ike_engine *engine, struct ike_mm *mm)
{
	if (mm->is_gone)
		return;
	mm->is_gone = true;
	timer_stop(&engine->timers, &mm->timer);
	timer_stop(&engine->timers, &mm->life);
	fragmentation_drop(engine, &mm->reassembly);
	table_remove(&engine->mms, &mm->node);
	TAILQ_REMOVE(&mm->peer->mms, mm, peer_link);
	mm->peer->n_mms--;
	engine->n_mms--;
	mm_free_negotiation(engine, mm);
	peer_put(engine, mm->peer);
	TAILQ_INSERT_TAIL(&engine->dead_mms, mm, dead_link);
}

void mm_free(struct ike_mm *mm)
{
	mm_free_negotiation(NULL, mm);
	exchange_log_clear(&mm->log);
	free(mm->used_ids.ids);
	free(mm->local_name);
	free(mm->remote_name);
	free(mm->authority);
	mm->keys = secret_free(mm->keys);
	free(mm);
}

/* --- state ---------------------------------------------------------------------------------- */

/* Which states may follow; bit per state. */
#define STATE_BIT(state) (UINT32_C(1) << IKE_MM_STATE_##state)

static const uint32_t successors[IKE_MM_STATE_COUNT] = {
	[IKE_MM_STATE_SENT_1] = STATE_BIT(RECEIVED_2),
	[IKE_MM_STATE_RECEIVED_2] = STATE_BIT(SENT_3),
	[IKE_MM_STATE_SENT_3] = STATE_BIT(RECEIVED_4),
	[IKE_MM_STATE_RECEIVED_4] = STATE_BIT(SENT_5),
	[IKE_MM_STATE_SENT_5] = STATE_BIT(RECEIVED_6),
	[IKE_MM_STATE_RECEIVED_6] = STATE_BIT(SENT_5) | STATE_BIT(ESTABLISHED),
	[IKE_MM_STATE_RECEIVED_3] = STATE_BIT(SENT_4),
	[IKE_MM_STATE_SENT_4] = STATE_BIT(RECEIVED_5),
	[IKE_MM_STATE_RECEIVED_5] = STATE_BIT(SENT_4) | STATE_BIT(ESTABLISHED) | STATE_BIT(DEAD),
	[IKE_MM_STATE_ESTABLISHED] = STATE_BIT(DYING),
};

void mm_set_state(struct ike_mm *mm, enum ike_mm_state state)
{
	assert(successors[mm->state] & UINT32_C(1) << state);
	mm->state = state;
}

bool mm_is_established(const struct ike_mm *mm)
{
	return mm->state == IKE_MM_STATE_ESTABLISHED || mm->state == IKE_MM_STATE_DYING;
}

bool mm_is_usable(const struct ike_mm *mm)
{
	return mm->state == IKE_MM_STATE_ESTABLISHED &&
	       (!mm->qm_limit || mm->n_qm < mm->qm_limit);
}

/* The quick modes under it look for another one. */
static void abandon_quick_modes(struct ike_engine *engine, struct ike_mm *mm,
				enum ike_reason reason)
{
	struct ike_qm *qm, *next;

	for (qm = TAILQ_FIRST(&mm->peer->qms); qm; qm = next) {
		next = TAILQ_NEXT(qm, peer_link);
		if (qm->mm == mm)
			quick_mode_lost_mm(engine, qm, reason);
	}
}

void mm_fail(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason,
	     bool is_at_peer, const char *format, ...)
{
	bool has_answered = !mm->is_initiator || mm->negotiation->has_answered;
	bool is_late = mm->state == IKE_MM_STATE_DEAD;
	struct ike_peer *peer = mm->peer;
	char text[sizeof(engine->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!is_late && mm->is_initiator) {
		engine->stats.negotiation_failures++;
		engine->stats.authentication_failures += report_is_authentication(reason);
		report_mm(engine, IKE_EVENT_MM_FAILED, mm, reason, is_at_peer, text);
	} else if (!is_late) {
		report_stranger(engine, &mm->path, mm, reason, is_at_peer, "%s", text);
	}
	mm_unlink(engine, mm);
	peer_mm_failed(engine, peer, reason, is_at_peer, has_answered, text);
}

void mm_remove(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason,
	       bool tell_peer)
{
	if (mm->is_gone)
		return;
	if (tell_peer)
		deletion_send_mm(engine, mm);
	report_mm(engine, IKE_EVENT_MM_DELETED, mm, reason, !tell_peer, ike_reason_text(reason));
	mm_unlink(engine, mm);
	abandon_quick_modes(engine, mm, reason);
}

/* A successor is for data that is still moving: within five minutes, or half of a short life. */
static uint32_t active_seconds(const struct ike_mm *mm)
{
	return TAILQ_EMPTY(&mm->peer->qms) ? MIN(ACTIVE_SECONDS, mm->life_seconds / 2) : 0;
}

static void life_timer(struct timer *timer, void *userdata)
{
	struct ike_mm *mm = container_of(timer, struct ike_mm, life);
	uint64_t end = mm->established_at + (uint64_t)mm->life_seconds * 1000;
	struct ike_engine *engine = userdata;

	if (engine->now >= end) {
		mm_remove(engine, mm, IKE_REASON_EXPIRED, true);
		return;
	}
	(void)timer_set(&engine->timers, &mm->life, end);
	/* Without SAs to look after there is no need for a successor before somebody asks. */
	if (mm->state == IKE_MM_STATE_ESTABLISHED && !mm->is_rekeyed &&
	    !(TAILQ_EMPTY(&mm->peer->children) && TAILQ_EMPTY(&mm->peer->qms))) {
		mm->is_rekeyed = true;
		peer_renew_mm(engine, mm->peer, active_seconds(mm));
	}
}

/* The initiator renews at 85 to 90 % of the life, the responder, if it has to, at 95 %. */
static void start_life(struct ike_engine *engine, struct ike_mm *mm)
{
	uint64_t life = (uint64_t)mm->life_seconds * 1000;
	uint64_t soft = life / 20 * 19;

	if (mm->is_initiator)
		soft = life / 100 * 85 + core_random_below(engine, (uint32_t)(life / 20 + 1));
	(void)timer_set(&engine->timers, &mm->life, mm->established_at + soft);
}

static void retire(struct ike_engine *engine, struct ike_mm *mm)
{
	mm_set_state(mm, IKE_MM_STATE_DYING);
	(void)timer_set(&engine->timers, &mm->timer, engine->now + REPLACED_MS);
}

/*
 * Which of two goes. Whoever started the new one deletes what it replaces; of two that crossed on
 * the wire the one with the lower initiator cookie stays, and the other is deleted by its
 * initiator. NULL: nothing for us to delete.
 */
static struct ike_mm *surplus(const struct ike_engine *engine, struct ike_mm *mm,
			      struct ike_mm *other)
{
	bool has_crossed = other->is_initiator != mm->is_initiator &&
			   engine->now - other->established_at < REPLACED_MS;
	struct ike_mm *loser;

	if (!has_crossed)
		return mm->is_initiator ? other : NULL;
	loser = memcmp(mm->icookie, other->icookie, WIRE_COOKIE_LEN) > 0 ? mm : other;
	return loser->is_initiator ? loser : NULL;
}

/* One whose quick modes are used up stays until its end. */
static void retire_older(struct ike_engine *engine, struct ike_mm *mm)
{
	struct ike_mm *other;

	TAILQ_FOREACH(other, &mm->peer->mms, peer_link) {
		struct ike_mm *loser;

		if (other == mm || !natt_is_same_host(mm, &other->path))
			continue;
		other->is_rekeyed = true;
		if (!mm_is_usable(other) || !mm_is_usable(mm))
			continue;
		loser = surplus(engine, mm, other);
		if (loser)
			retire(engine, loser);
	}
}

void mm_initial_contact(struct ike_engine *engine, struct ike_mm *mm)
{
	struct ike_peer *peer = mm->peer;
	struct ike_child *child, *next_child;
	struct ike_mm *other, *next;

	/* What was made while this one was being negotiated is not from an earlier time. */
	for (other = TAILQ_FIRST(&peer->mms); other; other = next) {
		next = TAILQ_NEXT(other, peer_link);
		if (other != mm && mm_is_established(other) &&
		    natt_is_same_host(mm, &other->path) &&
		    other->established_at < mm->created_at)
			mm_remove(engine, other, IKE_REASON_PEER_LOST, false);
	}
	for (child = TAILQ_FIRST(&peer->children); child; child = next_child) {
		next_child = TAILQ_NEXT(child, peer_link);
		if (child->mm_id != mm->id && natt_is_same_host(mm, &child->path) &&
		    child->created_at < mm->created_at)
			child_remove(engine, child, IKE_REASON_PEER_LOST, CHILD_END_DEL_SA);
	}
}

static void export_keys(struct ike_engine *engine, const struct ike_mm *mm)
{
	struct ike_keylog log = {
		.kind = IKE_KEYLOG_MM,
		.cipher = mm->keys->cipher,
		.cipher_key = mm->keys->ka,
		.cipher_key_len = mm->keys->ka_len,
	};

	memcpy(&log.icookie, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(&log.rcookie, mm->rcookie, WIRE_COOKIE_LEN);
	if (engine->config.keylog && engine->ops.keylog)
		engine->ops.keylog(engine->userdata, &log);
}

void mm_establish(struct ike_engine *engine, struct ike_mm *mm)
{
	mm_set_state(mm, IKE_MM_STATE_ESTABLISHED);
	mm->established_at = engine->now;
	mm_free_negotiation(engine, mm);
	engine->stats.main_modes++;
	(void)timer_set(&engine->timers, &mm->timer, engine->now + CACHE_MS);
	start_life(engine, mm);
	export_keys(engine, mm);
	report_mm(engine, IKE_EVENT_MM_ESTABLISHED, mm, IKE_REASON_OK, false, "established");
	if (mm->has_initial_contact)
		mm_initial_contact(engine, mm);
	retire_older(engine, mm);
	peer_put(engine, mm->peer);
}

/* --- helpers -------------------------------------------------------------------------------- */

struct mm_transcript mm_transcript(const struct ike_mm *mm)
{
	const struct mm_negotiation *n = mm->negotiation;

	return (struct mm_transcript){
		.cky_i = { mm->icookie, WIRE_COOKIE_LEN },
		.cky_r = { mm->rcookie, WIRE_COOKIE_LEN },
		.ke_i = blob_bytes(&n->ke_i),
		.ke_r = blob_bytes(&n->ke_r),
		.sai_b = blob_bytes(&n->sai_b),
	};
}

struct wire_header mm_header(const struct ike_mm *mm, uint8_t exchange, uint8_t flags,
			     uint32_t message_id)
{
	struct wire_header header = {
		.version = WIRE_VERSION,
		.exchange = exchange,
		.flags = flags,
		.message_id = message_id,
	};

	memcpy(header.icookie, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(header.rcookie, mm->rcookie, WIRE_COOKIE_LEN);
	return header;
}

bool mm_is_id_fresh(const struct ike_mm *mm, uint32_t message_id)
{
	if (!message_id)
		return false;
	for (size_t i = 0; i < mm->used_ids.n; i++) {
		if (mm->used_ids.ids[i] == message_id)
			return false;
	}
	return true;
}

int mm_use_id(struct ike_mm *mm, uint32_t message_id)
{
	struct mm_ids *used = &mm->used_ids;

	if (used->n == used->cap && used->cap < MM_IDS_MAX) {
		uint16_t cap = used->cap ? 2 * used->cap : 8;
		uint32_t *ids = realloc(used->ids, cap * sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		used->ids = ids;
		used->cap = cap;
	}
	if (used->n < used->cap) {
		used->ids[used->n++] = message_id;
		return 0;
	}
	used->ids[used->next] = message_id;
	used->next = (uint16_t)((used->next + 1) % MM_IDS_MAX);
	return 0;
}

uint32_t mm_new_id(struct ike_engine *engine, struct ike_mm *mm)
{
	uint32_t id = 0;

	for (int tries = 0; tries < RANDOM_TRIES; tries++) {
		if (core_random(engine, &id, sizeof(id)))
			return 0;
		if (mm_is_id_fresh(mm, id))
			return mm_use_id(mm, id) ? 0 : id;
	}
	return 0;
}

void mm_get_info(const struct ike_engine *engine, const struct ike_mm *mm,
		 struct ike_mm_info *ret_info)
{
	uint64_t since = mm->established_at ? mm->established_at : mm->created_at;

	*ret_info = (struct ike_mm_info){
		.mm_id = mm->id,
		.path = mm->path,
		.is_initiator = mm->is_initiator,
		.state = mm->state,
		.has_proposal = mm->choice.auth != IKE_AUTH_NONE,
		.proposal = mm->choice.proposal,
		.auth = mm->choice.auth,
		.life_seconds = mm->life_seconds,
		.age_ms = engine->now - since,
		.n_qm = mm->n_qm,
		.qm_limit = mm->qm_limit,
		.local_id = mm->path.local,
		.remote_id = mm->path.remote,
		.local_name = mm->local_name,
		.remote_name = mm->remote_name,
		.authority = mm->authority,
	};
	memcpy(&ret_info->icookie, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(&ret_info->rcookie, mm->rcookie, WIRE_COOKIE_LEN);
}
