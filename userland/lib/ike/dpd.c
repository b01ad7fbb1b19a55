// SPDX-License-Identifier: MIT
#include "ike/dpd.h"

#include "ike/child.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/quick_mode.h"
#include "ike/vid.h"

#define TRIES_MAX 3
#define FIRST_DELAY_MS 2000
/* A peer that has answered is not asked again for so long; with a quick mode not so often. */
#define ALIVE_MS 30000
#define RENEWALS_MS 300000
/* Reports begin after half a minute of silence, and come every ten seconds. */
#define MORE_SILENCE_MS 30000
#define REPORT_GAP_MS 25000

#define COOKIES_LEN (2 * WIRE_COOKIE_LEN)

static void on_timer(struct timer *timer, void *userdata);

void dpd_init(struct dpd *dpd)
{
	timer_init(&dpd->timer, on_timer);
}

void dpd_stop(struct ike_engine *engine, struct dpd *dpd)
{
	timer_stop(&engine->timers, &dpd->timer);
	dpd->mm_id = 0;
	dpd->n_sent = 0;
}

static void write_cookies(const struct ike_mm *mm, uint8_t ret_cookies[static COOKIES_LEN])
{
	memcpy(ret_cookies, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(ret_cookies + WIRE_COOKIE_LEN, mm->rcookie, WIRE_COOKIE_LEN);
}

/* --- a peer that is lost -------------------------------------------------------------------- */

/* Behind a NAT there may be several hosts with one address: this one's. */
static void lose(struct ike_engine *engine, struct ike_peer *peer, const struct ike_path *path)
{
	struct ike_child *child, *next_child;
	struct ike_mm *mm, *next;

	dpd_stop(engine, &peer->dpd);
	for (child = TAILQ_FIRST(&peer->children); child; child = next_child) {
		next_child = TAILQ_NEXT(child, peer_link);
		if (child->path.remote_port == path->remote_port)
			child_remove(engine, child, IKE_REASON_PEER_LOST, CHILD_END_DEL_SA);
	}
	for (mm = TAILQ_FIRST(&peer->mms); mm; mm = next) {
		next = TAILQ_NEXT(mm, peer_link);
		if (mm_is_established(mm) && natt_is_same_host(mm, path))
			mm_remove(engine, mm, IKE_REASON_PEER_LOST, false);
	}
}

void dpd_is_alive(struct ike_engine *engine, struct ike_peer *peer)
{
	dpd_stop(engine, &peer->dpd);
	peer->dpd.alive_at = engine->now;
	peer->dpd.silent_since = engine->now;
}

void dpd_judge(struct ike_engine *engine, struct ike_peer *peer, const struct ike_path *path,
	       enum ike_reason reason)
{
	if (reason == IKE_REASON_NO_RESPONSE || reason == IKE_REASON_TIMED_OUT)
		lose(engine, peer, path);
	else
		dpd_is_alive(engine, peer);
}

/* --- questions ------------------------------------------------------------------------------ */

/* One of the host's that knows the question. */
static struct ike_mm *find_mm(const struct ike_peer *peer, const struct ike_path *path)
{
	struct ike_mm *mm;

	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm_is_established(mm) && mm->vids & VID_DPD && natt_is_same_host(mm, path))
			return mm;
	}
	return NULL;
}

/* Numbers begin anywhere, with the highest bit clear, and go up by one. */
static bool next_sequence(struct ike_engine *engine, struct ike_mm *mm)
{
	if (mm->has_dpd_sequence) {
		mm->dpd_sequence++;
		return true;
	}
	if (core_random(engine, &mm->dpd_sequence, sizeof(mm->dpd_sequence)))
		return false;
	mm->dpd_sequence &= INT32_MAX;
	mm->has_dpd_sequence = true;
	return true;
}

static void ask(struct ike_engine *engine, struct ike_peer *peer, struct ike_mm *mm)
{
	uint8_t cookies[COOKIES_LEN], sequence[4];
	struct writer w = writer_make(sequence, sizeof(sequence));
	struct dpd *dpd = &peer->dpd;

	if (!next_sequence(engine, mm))
		return;
	if (!dpd->n_sent) {
		dpd->mm_id = mm->id;
		dpd->first = mm->dpd_sequence;
		dpd->asked_at = engine->now;
	}
	dpd->last = mm->dpd_sequence;
	writer_u32(&w, mm->dpd_sequence);
	write_cookies(mm, cookies);
	notify_send(engine, mm, IKE_PROTOCOL_ISAKMP, (struct bytes){ cookies, sizeof(cookies) },
		    IKE_NOTIFY_R_U_THERE, (struct bytes){ sequence, sizeof(sequence) });
	(void)timer_set(&engine->timers, &dpd->timer,
			engine->now + ((uint64_t)FIRST_DELAY_MS << dpd->n_sent));
	dpd->n_sent++;
}

static struct ike_mm *asked_under(const struct ike_peer *peer)
{
	struct ike_mm *mm;

	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm->id == peer->dpd.mm_id && mm_is_established(mm))
			return mm;
	}
	return NULL;
}

static void on_timer(struct timer *timer, void *userdata)
{
	struct dpd *dpd = container_of(timer, struct dpd, timer);
	struct ike_peer *peer = container_of(dpd, struct ike_peer, dpd);
	struct ike_engine *engine = userdata;
	struct ike_mm *mm = asked_under(peer);
	bool is_still_silent = dpd->reported_at > dpd->asked_at;

	if (mm && dpd->n_sent < TRIES_MAX)
		ask(engine, peer, mm);
	else if (mm && is_still_silent)
		lose(engine, peer, &mm->path);
	else
		dpd_stop(engine, dpd);
}

void dpd_silent(struct ike_engine *engine, struct ike_child *child)
{
	struct ike_peer *peer = child->peer;
	struct ike_mm *mm = find_mm(peer, &child->path);
	struct dpd *dpd = &peer->dpd;
	uint64_t now = engine->now;

	if (now - dpd->reported_at > REPORT_GAP_MS)
		dpd->silent_since = now;
	dpd->reported_at = now;
	if (timer_is_running(&dpd->timer) || child->is_rekeying || child->is_replaced ||
	    (dpd->alive_at && now - dpd->alive_at < ALIVE_MS))
		return;
	if (mm) {
		ask(engine, peer, mm);
	} else if (now - dpd->silent_since >= MORE_SILENCE_MS &&
		   (!dpd->renewed_at || now - dpd->renewed_at >= RENEWALS_MS)) {
		dpd->renewed_at = now;
		quick_mode_rekey(engine, child, true);
	}
}

/* --- answers -------------------------------------------------------------------------------- */

/* Some leave the SPI out; a wrong one is another main mode's. */
static bool is_about(const struct ike_mm *mm, const struct wire_notify *notify)
{
	uint8_t cookies[COOKIES_LEN];

	write_cookies(mm, cookies);
	return !notify->spi.len ||
	       bytes_is_equal(notify->spi, (struct bytes){ cookies, sizeof(cookies) });
}

static bool read_sequence(const struct ike_mm *mm, const struct wire_notify *notify,
			  uint32_t *ret_sequence)
{
	struct reader r = reader_from(notify->data);
	uint32_t sequence = reader_u32(&r);

	if (!reader_is_done(&r) || !is_about(mm, notify))
		return false;
	*ret_sequence = sequence;
	return true;
}

void dpd_answer(struct ike_engine *engine, struct ike_mm *mm, const struct wire_notify *notify)
{
	uint8_t cookies[COOKIES_LEN];
	uint32_t sequence;

	if (!read_sequence(mm, notify, &sequence))
		return;
	/* Older than one before: a replay, or overtaken on the way. */
	if (mm->has_dpd_peer_sequence && (int32_t)(sequence - mm->dpd_peer_sequence) < 0) {
		engine->stats.duplicates_ignored++;
		return;
	}
	mm->has_dpd_peer_sequence = true;
	mm->dpd_peer_sequence = sequence;
	write_cookies(mm, cookies);
	notify_send(engine, mm, IKE_PROTOCOL_ISAKMP, (struct bytes){ cookies, sizeof(cookies) },
		    IKE_NOTIFY_R_U_THERE_ACK, notify->data);
}

void dpd_acknowledged(struct ike_engine *engine, struct ike_mm *mm,
		      const struct wire_notify *notify)
{
	struct dpd *dpd = &mm->peer->dpd;
	uint32_t sequence;

	if (!read_sequence(mm, notify, &sequence) || !timer_is_running(&dpd->timer) ||
	    dpd->mm_id != mm->id || sequence - dpd->first > dpd->last - dpd->first) {
		engine->stats.duplicates_ignored++;
		return;
	}
	dpd_is_alive(engine, mm->peer);
}
