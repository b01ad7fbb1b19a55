// SPDX-License-Identifier: MIT
#include "ike/qm.h"

#include <errno.h>
#include <stdio.h>

#include "ike/child.h"
#include "ike/dh.h"
#include "ike/dpd.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/quick_mode.h"
#include "ike/report.h"
#include "ike/request.h"
#include "ike/trace.h"

struct ike_qm *qm_new(struct ike_engine *engine, struct ike_peer *peer, bool is_initiator,
		      enum qm_stage stage)
{
	struct ike_qm *qm = calloc(1, sizeof(*qm));

	if (!qm)
		return NULL;
	qm->peer = peer;
	qm->id = core_new_id(engine);
	qm->is_initiator = is_initiator;
	qm->stage = stage;
	qm->created_at = engine->now;
	timer_init(&qm->timer, quick_mode_timer);
	TAILQ_INSERT_TAIL(&peer->qms, qm, peer_link);
	engine->n_qms++;
	return qm;
}

void qm_set_mm(struct ike_qm *qm, struct ike_mm *mm)
{
	qm_set_idle(qm);
	qm->mm = mm;
	qm->is_live = mm != NULL;
	if (mm)
		mm->n_live_qm++;
}

void qm_set_idle(struct ike_qm *qm)
{
	if (qm->is_live)
		qm->mm->n_live_qm--;
	qm->is_live = false;
}

int qm_set_policy(struct ike_qm *qm, const struct ike_qm_policy *policy)
{
	if (!qm->policy)
		qm->policy = malloc(sizeof(*qm->policy));
	if (!qm->policy)
		return -ENOMEM;
	*qm->policy = *policy;
	qm->filter_id = policy->filter_id;
	qm->encapsulation = policy->encapsulation;
	return 0;
}

struct ike_path qm_path(const struct ike_qm *qm)
{
	return qm->mm ? qm->mm->path : peer_path(qm->peer);
}

struct ike_qm *qm_find(struct ike_mm *mm, uint32_t message_id)
{
	struct ike_qm *qm;

	TAILQ_FOREACH(qm, &mm->peer->qms, peer_link) {
		if (qm->mm == mm && qm->message_id == message_id)
			return qm;
	}
	return NULL;
}

void qm_free_negotiation(struct ike_engine *engine, struct ike_qm *qm)
{
	if (engine) {
		request_cancel(engine, &qm->policy_request);
		request_cancel(engine, &qm->spi_requests[0]);
		request_cancel(engine, &qm->spi_requests[1]);
		request_cancel(engine, &qm->add_request);
		request_cancel(engine, &qm->key_request);
	}
	blob_free(&qm->sa);
	blob_free(&qm->ni);
	blob_free(&qm->nr);
	blob_free(&qm->idci);
	blob_free(&qm->idcr);
	blob_free(&qm->peer_ke);
	blob_free(&qm->own_ke);
	qm->dh = dh_key_free(qm->dh);
	qm->install = wipe_free(qm->install, sizeof(*qm->install));
}

void qm_unlink(struct ike_engine *engine, struct ike_qm *qm)
{
	if (qm->is_gone)
		return;
	qm->is_gone = true;
	timer_stop(&engine->timers, &qm->timer);
	qm_free_negotiation(engine, qm);
	qm_set_mm(qm, NULL);
	TAILQ_REMOVE(&qm->peer->qms, qm, peer_link);
	engine->n_qms--;
	peer_put(engine, qm->peer);
	TAILQ_INSERT_TAIL(&engine->dead_qms, qm, dead_link);
}

void qm_free(struct ike_qm *qm)
{
	qm_free_negotiation(NULL, qm);
	exchange_log_clear(&qm->log);
	free(qm->policy);
	free(qm);
}

/* --- acquires ------------------------------------------------------------------------------- */

struct qm_acquire *qm_find_acquire(const struct ike_engine *engine, uint64_t id)
{
	struct table_node *node =
		table_find(&engine->acquires, core_hash(engine, &id, sizeof(id)));

	for (; node; node = table_find_next(node)) {
		struct qm_acquire *acquire = container_of(node, struct qm_acquire, node);

		if (acquire->id == id)
			return acquire;
	}
	return NULL;
}

int qm_add_acquire(struct ike_engine *engine, struct ike_qm *qm, uint64_t id)
{
	struct qm_acquire **end = &qm->acquires, *acquire = calloc(1, sizeof(*acquire));

	if (!acquire)
		return -ENOMEM;
	acquire->id = id;
	acquire->qm = qm;
	if (table_add(&engine->acquires, &acquire->node, core_hash(engine, &id, sizeof(id)))) {
		free(acquire);
		return -ENOMEM;
	}
	while (*end)
		end = &(*end)->next;
	*end = acquire;
	engine->n_acquires++;
	return 0;
}

/* Takes the acquire at @at out of its list and frees it; returns its id. */
static uint64_t remove_acquire(struct ike_engine *engine, struct qm_acquire **at)
{
	struct qm_acquire *acquire = *at;
	uint64_t id = acquire->id;

	*at = acquire->next;
	table_remove(&engine->acquires, &acquire->node);
	engine->n_acquires--;
	free(acquire);
	return id;
}

void qm_drop_acquire(struct ike_engine *engine, struct ike_qm *qm, uint64_t id)
{
	struct qm_acquire **at = &qm->acquires;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at)
		(void)remove_acquire(engine, at);
}

void qm_drop_acquires(struct ike_engine *engine, struct ike_qm *qm)
{
	while (qm->acquires)
		(void)remove_acquire(engine, &qm->acquires);
}

void qm_finish_acquires(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason)
{
	while (qm->acquires) {
		uint64_t id = remove_acquire(engine, &qm->acquires);

		engine->stats.acquire_failures += reason != IKE_REASON_OK;
		trace_acquire_end(engine, qm->peer, id, reason);
		engine->ops.acquire_result(engine->userdata, id, reason, qm->has_answered);
	}
}

/* --- failure -------------------------------------------------------------------------------- */

static bool is_chosen(const struct ike_qm *qm, enum ike_protocol protocol, uint32_t *ret_peer_spi)
{
	for (size_t i = 0; i < qm->choice.n_suites; i++) {
		if (qm->choice.suites[i].protocol == protocol) {
			*ret_peer_spi = qm->choice.peer_spi[i];
			return true;
		}
	}
	return false;
}

void qm_release_spis(struct ike_engine *engine, struct ike_qm *qm, bool only_unused)
{
	for (int protocol = IKE_PROTOCOL_AH; protocol <= IKE_PROTOCOL_ESP; protocol++) {
		struct ike_sa_ref ref = {
			.qm_id = qm->id,
			.path = qm_path(qm),
			.protocol = (enum ike_protocol)protocol,
			.spi_in = qm->spis.spi[protocol],
		};

		if (is_chosen(qm, ref.protocol, &ref.spi_out) && only_unused)
			continue;
		if (ref.spi_in)
			engine->ops.del_sa(engine->userdata, &ref);
		qm->spis.spi[protocol] = 0;
	}
}

/* The pair that it was to renew may be tried again. */
static void stop_rekeying(const struct ike_qm *qm)
{
	struct ike_child *child;

	TAILQ_FOREACH(child, &qm->peer->children, peer_link) {
		if (child->id == qm->replaces)
			child->is_rekeying = false;
	}
}

void qm_fail(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason,
	     bool is_at_peer, const char *format, ...)
{
	char text[sizeof(engine->text)];
	struct ike_qm_info info;
	va_list args;

	if (qm->is_gone)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	engine->stats.negotiation_failures++;
	qm_get_info(engine, qm, &info);
	report_qm(engine, IKE_EVENT_QM_FAILED, qm->mm, &info, reason, is_at_peer, text);
	if (qm->mm && qm->is_counted)
		qm->mm->n_qm--;
	stop_rekeying(qm);
	qm_release_spis(engine, qm, false);
	qm_finish_acquires(engine, qm, reason);
	qm_unlink(engine, qm);
	if (qm->is_probe)
		dpd_judge(engine, qm->peer, &info.path, reason);
}

static enum ike_qm_state public_state(enum qm_stage stage)
{
	switch (stage) {
	case QM_STAGE_WAIT_POLICY:
	case QM_STAGE_WAIT_MM:
	case QM_STAGE_WAIT_SPI:
	case QM_STAGE_MAKE_KEY:
		return IKE_QM_STATE_WAIT;
	case QM_STAGE_SENT_1:
		return IKE_QM_STATE_SENT_1;
	case QM_STAGE_SENT_2:
		return IKE_QM_STATE_SENT_2;
	case QM_STAGE_DERIVE:
	case QM_STAGE_INSTALL:
	case QM_STAGE_INSTALL_IN:
	case QM_STAGE_SENT_3:
	case QM_STAGE_INSTALL_OUT:
		return IKE_QM_STATE_INSTALL;
	case QM_STAGE_DONE:
		break;
	}
	return IKE_QM_STATE_ESTABLISHED;
}

void qm_get_info(const struct ike_engine *engine, const struct ike_qm *qm,
		 struct ike_qm_info *ret_info)
{
	struct ike_qm_info info = {
		.qm_id = qm->id,
		.path = qm_path(qm),
		.is_initiator = qm->is_initiator,
		.state = public_state(qm->stage),
		.selector = qm->selector,
		.encapsulation = qm->encapsulation,
		.n_suites = qm->choice.n_suites,
		.pfs_group = qm->choice.pfs_group,
		.filter_id = qm->filter_id,
		.age_ms = engine->now - qm->created_at,
	};

	for (size_t i = 0; i < qm->choice.n_suites; i++) {
		info.suites[i] = qm->choice.suites[i];
		info.spi_in[i] = qm->spis.spi[qm->choice.suites[i].protocol];
		info.spi_out[i] = qm->choice.peer_spi[i];
	}
	*ret_info = info;
}
