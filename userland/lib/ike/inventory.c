// SPDX-License-Identifier: MIT
/* What an engine has, for whoever lists or counts it. */
#include "ike/child.h"
#include "ike/core.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/qm.h"

void ike_engine_get_stats(const struct ike_engine *engine, struct ike_stats *ret_stats)
{
	*ret_stats = engine->stats;
	ret_stats->active_acquire = engine->n_acquires;
	ret_stats->acquire_heap_size = engine->n_acquires;
	ret_stats->isadb_list_size = engine->n_mms + engine->half_opens.n;
	ret_stats->connection_list_size = engine->n_qms + engine->n_children;
	ret_stats->half_open = engine->half_opens.n;
	ret_stats->half_open_bytes = engine->half_opens.bytes;
}

void ike_engine_for_each_mm(const struct ike_engine *engine, uint64_t now,
			    bool (*visit)(void *userdata, const struct ike_mm_info *info),
			    void *userdata)
{
	struct ike_mm_info info;
	struct ike_peer *peer;
	struct ike_mm *mm;

	TAILQ_FOREACH(peer, &engine->all_peers, link) {
		TAILQ_FOREACH(mm, &peer->mms, peer_link) {
			mm_get_info(engine, mm, &info);
			info.age_ms += now - engine->now;
			if (!visit(userdata, &info))
				return;
		}
	}
}

void ike_engine_for_each_qm(const struct ike_engine *engine, uint64_t now,
			    bool (*visit)(void *userdata, const struct ike_qm_info *info),
			    void *userdata)
{
	struct ike_qm_info info;
	struct ike_child *child;
	struct ike_peer *peer;
	struct ike_qm *qm;

	TAILQ_FOREACH(peer, &engine->all_peers, link) {
		TAILQ_FOREACH(child, &peer->children, peer_link) {
			child_get_info(engine, child, &info);
			info.age_ms += now - engine->now;
			if (!visit(userdata, &info))
				return;
		}
		TAILQ_FOREACH(qm, &peer->qms, peer_link) {
			qm_get_info(engine, qm, &info);
			info.age_ms += now - engine->now;
			if (qm->stage != QM_STAGE_DONE && !visit(userdata, &info))
				return;
		}
	}
}
