// SPDX-License-Identifier: MIT
/* The end of SAs from outside: by the driver, by an administrator, by policy. */
#include <errno.h>

#include "ike/child.h"
#include "ike/core.h"
#include "ike/dpd.h"
#include "ike/half_open.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/qm.h"
#include "ike/quick_mode.h"
#include "ike/request.h"

int ike_engine_expire(struct ike_engine *engine, uint64_t now, enum ike_expire_kind kind,
		      enum ike_direction direction, const struct ip_addr *remote,
		      enum ike_protocol protocol, uint32_t spi)
{
	struct ike_child *child;
	int ret = core_enter(engine, now);

	if (ret)
		return ret;
	child = direction == IKE_DIRECTION_IN ? child_find_in(engine, remote, protocol, spi) :
						child_find_out(engine, remote, protocol, spi);
	if (!child)
		ret = -ENOENT;
	else if (kind == IKE_EXPIRE_SILENT)
		dpd_silent(engine, child);
	else if (kind != IKE_EXPIRE_SOFT)
		child_remove(engine, child, IKE_REASON_EXPIRED,
			     CHILD_END_TELL_PEER | CHILD_END_DEL_SA);
	else if (!child->is_replaced && !child->is_rekeying)
		quick_mode_rekey(engine, child, false);
	core_leave(engine);
	return ret;
}

static void end_mm(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason)
{
	if (mm_is_established(mm))
		mm_remove(engine, mm, reason, true);
	else
		mm_fail(engine, mm, reason, false, "%s", ike_reason_text(reason));
}

/* Quick modes first, so that none starts over; main modes last, because deletes need them. */
static void end_peer(struct ike_engine *engine, struct ike_peer *peer, enum ike_reason reason)
{
	struct ike_child *child;
	struct ike_qm *qm;
	struct ike_mm *mm;

	request_cancel(engine, &peer->policy_request);
	timer_stop(&engine->timers, &peer->timer);
	while ((qm = TAILQ_FIRST(&peer->qms))) {
		if (qm->stage == QM_STAGE_DONE)
			qm_unlink(engine, qm);
		else
			qm_fail(engine, qm, reason, false, "%s", ike_reason_text(reason));
	}
	while ((child = TAILQ_FIRST(&peer->children)))
		child_remove(engine, child, reason, CHILD_END_TELL_PEER | CHILD_END_DEL_SA);
	while ((mm = TAILQ_FIRST(&peer->mms)))
		end_mm(engine, mm, reason);
	peer_put(engine, peer);
}

int ike_engine_delete_mm(struct ike_engine *engine, uint64_t now, uint64_t mm_id,
			 enum ike_reason reason)
{
	struct ike_mm *mm, *found = NULL;
	struct ike_peer *peer;
	int ret = core_enter(engine, now);

	if (ret)
		return ret;
	TAILQ_FOREACH(peer, &engine->all_peers, link) {
		TAILQ_FOREACH(mm, &peer->mms, peer_link) {
			if (mm->id == mm_id)
				found = mm;
		}
	}
	if (found)
		end_mm(engine, found, reason);
	core_leave(engine);
	return found ? 0 : -ENOENT;
}

/* The established pair or the running quick mode with the id. */
static int end_qm(struct ike_engine *engine, struct ike_peer *peer, uint64_t qm_id,
		  enum ike_reason reason)
{
	struct ike_child *child;
	struct ike_qm *qm;

	TAILQ_FOREACH(child, &peer->children, peer_link) {
		if (child->id == qm_id) {
			child_remove(engine, child, reason,
				     CHILD_END_TELL_PEER | CHILD_END_DEL_SA);
			return 0;
		}
	}
	TAILQ_FOREACH(qm, &peer->qms, peer_link) {
		if (qm->id == qm_id && qm->stage != QM_STAGE_DONE) {
			qm_fail(engine, qm, reason, false, "%s", ike_reason_text(reason));
			return 0;
		}
	}
	return -ENOENT;
}

int ike_engine_delete_qm(struct ike_engine *engine, uint64_t now, uint64_t qm_id,
			 enum ike_reason reason)
{
	struct ike_peer *peer;
	int ret = core_enter(engine, now);

	if (ret)
		return ret;
	ret = -ENOENT;
	TAILQ_FOREACH(peer, &engine->all_peers, link) {
		if (ret)
			ret = end_qm(engine, peer, qm_id, reason);
	}
	core_leave(engine);
	return ret;
}

int ike_engine_delete_peer(struct ike_engine *engine, uint64_t now, const struct ip_addr *local,
			   const struct ip_addr *remote, enum ike_reason reason)
{
	struct ike_peer *peer;
	int ret = core_enter(engine, now);

	if (ret)
		return ret;
	peer = peer_find(engine, local, remote);
	if (peer)
		end_peer(engine, peer, reason);
	core_leave(engine);
	return peer ? 0 : -ENOENT;
}

static void end_filter(struct ike_engine *engine, struct ike_peer *peer, uint32_t filter_id,
		       enum ike_reason reason)
{
	struct ike_child *child, *next_child;
	struct ike_qm *qm, *next;

	for (qm = TAILQ_FIRST(&peer->qms); qm; qm = next) {
		next = TAILQ_NEXT(qm, peer_link);
		if (qm->filter_id == filter_id && qm->stage != QM_STAGE_DONE)
			qm_fail(engine, qm, reason, false, "%s", ike_reason_text(reason));
	}
	for (child = TAILQ_FIRST(&peer->children); child; child = next_child) {
		next_child = TAILQ_NEXT(child, peer_link);
		if (child->filter_id == filter_id)
			child_remove(engine, child, reason,
				     CHILD_END_TELL_PEER | CHILD_END_DEL_SA);
	}
}

void ike_engine_delete_filter(struct ike_engine *engine, uint64_t now, uint32_t filter_id,
			      enum ike_reason reason)
{
	struct ike_peer *peer;

	if (core_enter(engine, now))
		return;
	TAILQ_FOREACH(peer, &engine->all_peers, link)
		end_filter(engine, peer, filter_id, reason);
	core_leave(engine);
}

void ike_engine_flush(struct ike_engine *engine, uint64_t now, enum ike_reason reason)
{
	struct ike_peer *peer;

	if (core_enter(engine, now))
		return;
	half_open_free_all(engine);
	TAILQ_FOREACH(peer, &engine->all_peers, link)
		end_peer(engine, peer, reason);
	core_leave(engine);
}
