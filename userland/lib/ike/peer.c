// SPDX-License-Identifier: MIT
#include "ike/peer.h"

#include <stdlib.h>

#include "ike/child.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/qm.h"
#include "ike/quick_mode.h"
#include "ike/request.h"

#define POLICY_WAIT_MS 30000

static uint64_t peer_hash(const struct ike_engine *engine, const struct ip_addr *local,
			  const struct ip_addr *remote)
{
	struct ip_addr key[2] = { *local, *remote };

	return core_hash(engine, key, sizeof(key));
}

struct ike_peer *peer_find(const struct ike_engine *engine, const struct ip_addr *local,
			   const struct ip_addr *remote)
{
	struct table_node *node = table_find(&engine->peers, peer_hash(engine, local, remote));

	for (; node; node = table_find_next(node)) {
		struct ike_peer *peer = container_of(node, struct ike_peer, node);

		if (ip_addr_is_equal(&peer->local, local) &&
		    ip_addr_is_equal(&peer->remote, remote))
			return peer;
	}
	return NULL;
}

/* Nobody answered the question for the main mode policy. */
static void policy_timeout(struct timer *timer, void *userdata)
{
	struct ike_peer *peer = container_of(timer, struct ike_peer, timer);
	struct ike_engine *engine = userdata;

	request_cancel(engine, &peer->policy_request);
	peer_policy_reply(engine, peer, NULL);
}

struct ike_peer *peer_get(struct ike_engine *engine, const struct ike_path *path)
{
	struct ike_peer *peer = peer_find(engine, &path->local, &path->remote);

	if (peer)
		return peer;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->local = path->local;
	peer->remote = path->remote;
	peer->local_port = path->local_port;
	peer->remote_port = path->remote_port;
	peer->scope = path->scope;
	TAILQ_INIT(&peer->mms);
	TAILQ_INIT(&peer->qms);
	TAILQ_INIT(&peer->children);
	timer_init(&peer->timer, policy_timeout);
	dpd_init(&peer->dpd);
	if (table_add(&engine->peers, &peer->node,
		      peer_hash(engine, &peer->local, &peer->remote))) {
		free(peer);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&engine->all_peers, peer, link);
	peer_put(engine, peer);
	return peer;
}

static void peer_free(struct ike_engine *engine, struct ike_peer *peer)
{
	request_cancel(engine, &peer->policy_request);
	timer_stop(&engine->timers, &peer->timer);
	dpd_stop(engine, &peer->dpd);
	table_remove(&engine->peers, &peer->node);
	TAILQ_REMOVE(&engine->all_peers, peer, link);
	free(peer);
}

void peer_put(struct ike_engine *engine, struct ike_peer *peer)
{
	if (peer->is_checked)
		return;
	peer->is_checked = true;
	TAILQ_INSERT_TAIL(&engine->checked_peers, peer, check_link);
}

struct ike_path peer_path(const struct ike_peer *peer)
{
	return (struct ike_path){
		.local = peer->local,
		.remote = peer->remote,
		.local_port = peer->local_port,
		.remote_port = peer->remote_port,
		.scope = peer->scope,
	};
}

struct ike_mm *peer_usable_mm(const struct ike_peer *peer)
{
	struct ike_mm *mm;

	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm_is_usable(mm))
			return mm;
	}
	return NULL;
}

/* Some main mode, the peer's too, may still become usable. */
static bool is_negotiating(const struct ike_peer *peer)
{
	struct ike_mm *mm;

	if (request_is_waiting(&peer->policy_request))
		return true;
	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm->negotiation && mm->state != IKE_MM_STATE_DEAD)
			return true;
	}
	return false;
}

bool peer_is_starting(const struct ike_peer *peer)
{
	struct ike_mm *mm;

	if (request_is_waiting(&peer->policy_request))
		return true;
	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm->is_initiator && mm->negotiation && mm->state != IKE_MM_STATE_DEAD)
			return true;
	}
	return false;
}

void peer_renew_mm(struct ike_engine *engine, struct ike_peer *peer, uint32_t active_seconds)
{
	struct ike_path path = peer_path(peer);
	int ret;

	if (peer_is_starting(peer))
		return;
	if (request_start(engine, &peer->policy_request, REQUEST_PEER_POLICY, peer))
		return;
	(void)timer_set(&engine->timers, &peer->timer, engine->now + POLICY_WAIT_MS);
	peer->is_conditional = active_seconds != 0;
	ret = engine->ops.policy_mm(engine->userdata, peer->policy_request.id, &path, true,
				    active_seconds);
	if (ret < 0)
		request_fail(engine, &peer->policy_request, ret);
}

void peer_policy_reply(struct ike_engine *engine, struct ike_peer *peer,
		       const struct ike_mm_policy *policy)
{
	enum ike_reason reason = IKE_REASON_NO_MM_POLICY;

	timer_stop(&engine->timers, &peer->timer);
	peer_put(engine, peer);
	if (policy && main_mode_start(engine, peer, policy, &reason))
		return;
	/* Nothing moves, and nobody has asked for more; who has will be served without condition. */
	if (!policy && peer->is_conditional)
		return;
	peer_mm_failed(engine, peer, reason, false, false, ike_reason_text(reason));
}

void peer_mm_failed(struct ike_engine *engine, struct ike_peer *peer, enum ike_reason reason,
		    bool is_at_peer, bool has_answered, const char *text)
{
	struct ike_qm *qm, *next;

	peer->has_failed = is_negotiating(peer);
	if (peer->has_failed || peer_usable_mm(peer))
		return;
	for (qm = TAILQ_FIRST(&peer->qms); qm; qm = next) {
		next = TAILQ_NEXT(qm, peer_link);
		if (qm->stage != QM_STAGE_WAIT_MM)
			continue;
		qm->has_answered |= has_answered;
		qm_fail(engine, qm, reason, is_at_peer, "%s", text);
	}
}

/*
 * Quick modes that wait begin under a main mode that can carry them; if there is none, one is
 * started. One that the peer is negotiating is not waited for, which may take its whole time, unless
 * ours has failed already: the next one would fail as soon, again and again.
 */
static bool serve(struct ike_engine *engine, struct ike_peer *peer)
{
	struct ike_qm *qm, *next;
	bool has_begun = false;

	for (qm = TAILQ_FIRST(&peer->qms); qm; qm = next) {
		struct ike_mm *mm = peer_usable_mm(peer);

		next = TAILQ_NEXT(qm, peer_link);
		if (qm->stage != QM_STAGE_WAIT_MM)
			continue;
		if (!mm) {
			peer->has_failed &= is_negotiating(peer);
			if (!peer->has_failed)
				peer_renew_mm(engine, peer, 0);
			break;
		}
		if (mm->n_live_qm >= LIVE_QMS_MAX)
			break;
		quick_mode_begin(engine, qm, mm);
		has_begun = true;
	}
	return has_begun;
}

bool peer_run_checks(struct ike_engine *engine)
{
	struct ike_peer *peer;
	bool has_begun = false;

	TAILQ_FOREACH(peer, &engine->checked_peers, check_link)
		has_begun |= serve(engine, peer);
	return has_begun;
}

void peer_bury(struct ike_engine *engine)
{
	struct ike_peer *peer;

	while ((peer = TAILQ_FIRST(&engine->checked_peers))) {
		TAILQ_REMOVE(&engine->checked_peers, peer, check_link);
		peer->is_checked = false;
		if (TAILQ_EMPTY(&peer->mms) && TAILQ_EMPTY(&peer->qms) &&
		    TAILQ_EMPTY(&peer->children) && !request_is_waiting(&peer->policy_request))
			peer_free(engine, peer);
	}
}
