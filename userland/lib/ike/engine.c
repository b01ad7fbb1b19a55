// SPDX-License-Identifier: MIT
/*
 * The public functions of the engine. Each enters, does its work, and leaves: replies that were
 * given meanwhile are taken up, quick modes that wait are served, and objects that have ended are
 * freed.
 */
#include "ike/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ike/child.h"
#include "ike/core.h"
#include "ike/crypto.h"
#include "ike/deletion.h"
#include "ike/dh.h"
#include "ike/dh_ring.h"
#include "ike/dpd.h"
#include "ike/fragmentation.h"
#include "ike/half_open.h"
#include "ike/ident.h"
#include "ike/informational.h"
#include "ike/job.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/qm.h"
#include "ike/quick_mode.h"
#include "ike/report.h"
#include "ike/request.h"
#include "ike/trace.h"

#define PORT_IKE 500
#define ACQUIRES_MAX 8192
#define HALF_OPEN_MAX 2000
#define HALF_OPEN_PER_SOURCE 35
#define MM_MAX 100000
#define LIFE_MAX 172800
#define DH_RING 4
#define JOBS_MAX 256
#define JOBS_PER_SOURCE 8

/* --- entering and leaving ------------------------------------------------------------------- */

static int enter(struct ike_engine *engine, uint64_t now)
{
	if (engine->is_busy)
		return -EBUSY;
	engine->is_busy = true;
	engine->now = MAX(engine->now, now);
	return 0;
}

static void bury(struct ike_engine *engine)
{
	struct ike_child *child;
	struct ike_qm *qm;
	struct ike_mm *mm;

	while ((qm = TAILQ_FIRST(&engine->dead_qms))) {
		TAILQ_REMOVE(&engine->dead_qms, qm, dead_link);
		qm_free(qm);
	}
	while ((child = TAILQ_FIRST(&engine->dead_children))) {
		TAILQ_REMOVE(&engine->dead_children, child, dead_link);
		child_free(child);
	}
	while ((mm = TAILQ_FIRST(&engine->dead_mms))) {
		TAILQ_REMOVE(&engine->dead_mms, mm, dead_link);
		mm_free(mm);
	}
	peer_bury(engine);
}

static void leave(struct ike_engine *engine)
{
	do {
		request_run_deferred(engine);
	} while (peer_run_checks(engine) || !STAILQ_EMPTY(&engine->deferred));
	bury(engine);
	engine->is_busy = false;
}

/* --- what the parts share ------------------------------------------------------------------- */

int core_random(struct ike_engine *engine, void *buf, size_t len)
{
	if (engine->ops.random)
		return engine->ops.random(engine->userdata, buf, len);
	return crypto_random(buf, len);
}

uint32_t core_random_below(struct ike_engine *engine, uint32_t bound)
{
	uint32_t v = 0;

	if (!bound || core_random(engine, &v, sizeof(v)))
		return 0;
	return v % bound;
}

uint64_t core_hash(const struct ike_engine *engine, const void *data, size_t len)
{
	return siphash(&engine->hash_key, data, len);
}

uint64_t core_new_id(struct ike_engine *engine)
{
	return ++engine->last_id;
}

void core_send(struct ike_engine *engine, const struct ike_path *path, struct bytes message)
{
	int ret;

	trace_sent(engine, path, message);
	ret = engine->ops.send(engine->userdata, path, message.data, message.len);
	engine->stats.packets_sent++;
	if (ret < 0) {
		engine->stats.send_failures++;
		report_send_failed(engine, path, ret);
	}
}

/* --- birth and death ------------------------------------------------------------------------ */

static void set_default(uint32_t *value, uint32_t def)
{
	if (!*value)
		*value = def;
}

static bool has_all_ops(const struct ike_ops *ops)
{
	return ops->send && ops->policy_mm && ops->policy_qm && ops->get_spi && ops->psk_skeyid &&
	       ops->add_sa && ops->del_sa && ops->acquire_result && ops->authorities &&
	       ops->certificate && ops->signature && ops->proof && ops->gss_step &&
	       ops->gss_wrap && ops->gss_unwrap && ops->gss_end;
}

static void init_lists(struct ike_engine *engine)
{
	TAILQ_INIT(&engine->all_peers);
	TAILQ_INIT(&engine->checked_peers);
	STAILQ_INIT(&engine->deferred);
	TAILQ_INIT(&engine->dead_mms);
	TAILQ_INIT(&engine->dead_qms);
	TAILQ_INIT(&engine->dead_children);
	half_open_init(engine);
	fragmentation_init(engine);
	deletion_init(engine);
}

static int init_random(struct ike_engine *engine)
{
	uint8_t seed[48];
	int ret = core_random(engine, seed, 16);

	engine->hash_key = siphash_key_from_bytes(seed);
	if (!ret)
		ret = core_random(engine, seed, sizeof(seed));
	admission_init(&engine->admission, seed);
	wipe(seed, sizeof(seed));
	return ret;
}

DEFINE_CLEANUP(struct ike_engine *, ike_engine_free);

struct ike_engine *ike_engine_new(const struct ike_config *config, const struct ike_ops *ops,
				  void *userdata, uint64_t now)
{
	_cleanup_(ike_engine_freep) struct ike_engine *engine = NULL;

	if (!has_all_ops(ops) || crypto_init())
		return NULL;
	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return NULL;
	init_lists(engine);
	if (config)
		engine->config = *config;
	set_default(&engine->config.half_open_max, HALF_OPEN_MAX);
	set_default(&engine->config.half_open_per_source, HALF_OPEN_PER_SOURCE);
	set_default(&engine->config.mm_max, MM_MAX);
	set_default(&engine->config.mm_life_max, LIFE_MAX);
	set_default(&engine->config.qm_life_max, LIFE_MAX);
	set_default(&engine->config.dh_ring, DH_RING);
	set_default(&engine->config.jobs_max, JOBS_MAX);
	set_default(&engine->config.jobs_per_source, JOBS_PER_SOURCE);
	engine->ops = *ops;
	engine->userdata = userdata;
	engine->now = now;
	engine->plain = malloc(WIRE_MESSAGE_MAX);
	engine->out = malloc(WIRE_MESSAGE_MAX);
	engine->out_inner = malloc(WIRE_MESSAGE_MAX);
	engine->ring = dh_ring_new(engine->config.dh_ring);
	if (!engine->plain || !engine->out || !engine->out_inner || !engine->ring ||
	    init_random(engine))
		return NULL;
	return TAKE_PTR(engine);
}

void ike_engine_set_dos_mode(struct ike_engine *engine, enum ike_dos_mode mode)
{
	engine->config.dos_mode = mode;
}

void ike_engine_set_trace(struct ike_engine *engine, enum ike_trace_level level)
{
	engine->trace_level = level;
}

static void free_peer_contents(struct ike_engine *engine, struct ike_peer *peer)
{
	struct ike_child *child;
	struct ike_qm *qm;
	struct ike_mm *mm;

	request_cancel(engine, &peer->policy_request);
	while ((qm = TAILQ_FIRST(&peer->qms))) {
		qm_drop_acquires(engine, qm);
		qm_unlink(engine, qm);
	}
	while ((child = TAILQ_FIRST(&peer->children)))
		child_unlink(engine, child);
	while ((mm = TAILQ_FIRST(&peer->mms)))
		mm_unlink(engine, mm);
	peer_put(engine, peer);
}

struct ike_engine *ike_engine_free(struct ike_engine *engine)
{
	struct ike_peer *peer;

	if (!engine)
		return NULL;
	request_drop_deferred(engine);
	half_open_free_all(engine);
	deletion_free_all(engine);
	TAILQ_FOREACH(peer, &engine->all_peers, link)
		free_peer_contents(engine, peer);
	bury(engine);
	table_done(&engine->half_opens.by_cookie);
	table_done(&engine->half_opens.by_source);
	table_done(&engine->peers);
	table_done(&engine->mms);
	table_done(&engine->requests);
	table_done(&engine->acquires);
	table_done(&engine->children_in);
	table_done(&engine->children_out);
	table_done(&engine->jobs_by_source);
	timers_done(&engine->timers);
	dh_ring_free(engine->ring);
	wipe_free(engine->plain, engine->plain ? WIRE_MESSAGE_MAX : 0);
	wipe_free(engine->out, engine->out ? WIRE_MESSAGE_MAX : 0);
	wipe_free(engine->out_inner, engine->out_inner ? WIRE_MESSAGE_MAX : 0);
	return wipe_free(engine, sizeof(*engine));
}

/* --- datagrams ------------------------------------------------------------------------------ */

static void receive_main(struct ike_engine *engine, const struct ike_path *path,
			 struct bytes datagram, const struct wire_header *header)
{
	struct ike_mm *mm = mm_find(engine, path, header);
	struct wire_message message;
	struct half_open *half_open;

	if (mm) {
		main_mode_receive(engine, mm, path, datagram, header);
		return;
	}
	if (mm_has_icookie(engine, path, header->icookie)) {
		/* Message 1 again, or a responder cookie that is not the one agreed on. */
		engine->stats.duplicates_ignored++;
		return;
	}
	if (header->flags & WIRE_FLAG_ENCRYPTED) {
		engine->stats.invalid_cookies++;
		return;
	}
	if (wire_parse(datagram, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	half_open = half_open_find(engine, path, header);
	if (header->next_payload == WIRE_PAYLOAD_SA)
		half_open_receive(engine, path, datagram, &message);
	else if (half_open)
		main_mode_receive_3(engine, half_open, path, datagram, &message);
	else
		engine->stats.invalid_cookies++;
}

static void receive_quick(struct ike_engine *engine, const struct ike_path *path,
			  struct bytes datagram, const struct wire_header *header)
{
	struct ike_mm *mm = mm_find(engine, path, header);

	bool is_encrypted = header->flags & WIRE_FLAG_ENCRYPTED;

	if (!mm)
		engine->stats.invalid_cookies++;
	else if (is_encrypted && mm_is_established(mm))
		quick_mode_receive(engine, mm, datagram, header);
	else if (!is_encrypted || !main_mode_receive_early(mm, path, datagram))
		engine->stats.invalid_packets++;
}

static void receive_informational(struct ike_engine *engine, const struct ike_path *path,
				  struct bytes datagram, const struct wire_header *header)
{
	struct ike_mm *mm = mm_find(engine, path, header);

	if (!(header->flags & WIRE_FLAG_ENCRYPTED))
		informational_receive_clear(engine, mm, datagram);
	else if (deletion_receive(engine, path, datagram, header))
		return;
	else if (!mm)
		engine->stats.invalid_cookies++;
	else
		informational_receive(engine, mm, datagram, header);
}

static void dispatch(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram)
{
	struct wire_header header;

	if (datagram.len > WIRE_MESSAGE_MAX || wire_parse_header(datagram, &header)) {
		engine->stats.invalid_packets++;
		return;
	}
	if (header.next_payload == WIRE_PAYLOAD_FRAGMENT) {
		fragmentation_receive(engine, path, datagram);
		return;
	}
	switch (header.exchange) {
	case WIRE_EXCHANGE_MAIN:
		receive_main(engine, path, datagram, &header);
		break;
	case WIRE_EXCHANGE_QUICK:
		receive_quick(engine, path, datagram, &header);
		break;
	case WIRE_EXCHANGE_INFORMATIONAL:
		receive_informational(engine, path, datagram, &header);
		break;
	default:
		engine->stats.invalid_packets++;
		notify_send_clear(engine, path, header.icookie, header.rcookie,
				  IKE_NOTIFY_UNSUPPORTED_EXCHANGE_TYPE, (struct bytes){0});
		break;
	}
}

void core_receive(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram)
{
	const struct ike_path *outer = engine->arrival;
	struct ike_stats before;

	engine->arrival = path;
	trace_received(engine, path, datagram, &before);
	dispatch(engine, path, datagram);
	trace_outcome(engine, path, &before);
	engine->arrival = outer;
}

void ike_engine_receive(struct ike_engine *engine, uint64_t now, const struct ike_path *path,
			const void *data, size_t len)
{
	if (enter(engine, now))
		return;
	engine->stats.packets_received++;
	core_receive(engine, path, (struct bytes){ data, len });
	leave(engine);
}

/* --- time ----------------------------------------------------------------------------------- */

void ike_engine_tick(struct ike_engine *engine, uint64_t now)
{
	if (enter(engine, now))
		return;
	timers_run(&engine->timers, engine->now, engine);
	leave(engine);
}

uint64_t ike_engine_next_timeout(const struct ike_engine *engine)
{
	return timers_next(&engine->timers);
}

bool ike_engine_idle(struct ike_engine *engine, uint64_t now)
{
	bool has_more;

	if (enter(engine, now))
		return false;
	has_more = job_fill_ring(engine);
	leave(engine);
	return has_more;
}

/* --- acquires ------------------------------------------------------------------------------- */

static bool is_path_valid(const struct ike_path *path)
{
	return ip_addr_len(&path->local) && path->local.family == path->remote.family &&
	       !ip_addr_is_equal(&path->local, &path->remote) &&
	       !ip_addr_is_unspecified(&path->remote) && !ip_addr_is_multicast(&path->remote) &&
	       !ip_addr_is_broadcast(&path->remote);
}

static bool is_selector_valid(const struct ike_selector *s)
{
	size_t len = ip_addr_len(&s->local);

	return len && s->local.family == s->remote.family && s->local_prefix <= 8 * len &&
	       s->remote_prefix <= 8 * len &&
	       (s->protocol || (!s->local_port && !s->remote_port));
}

static int start_acquire(struct ike_engine *engine, const struct ike_acquire *acquire)
{
	struct ike_path path = acquire->path;
	struct ike_peer *peer;
	int ret;

	if (!acquire->id || !is_path_valid(&path) || !is_selector_valid(&acquire->selector) ||
	    mm_policy_check(&acquire->mm) || qm_policy_check(&acquire->qm))
		return -EINVAL;
	if (qm_find_acquire(engine, acquire->id))
		return -EEXIST;
	trace_acquire(engine, acquire);
	if (engine->n_acquires >= ACQUIRES_MAX)
		return -ENOSPC;
	path.local_port = path.local_port ? path.local_port : PORT_IKE;
	path.remote_port = path.remote_port ? path.remote_port : PORT_IKE;
	peer = peer_get(engine, &path);
	if (!peer)
		return -ENOMEM;
	ret = quick_mode_acquire(engine, peer, acquire);
	if (!ret)
		engine->stats.total_acquire++;
	peer_put(engine, peer);
	return ret;
}

int ike_engine_acquire(struct ike_engine *engine, uint64_t now, const struct ike_acquire *acquire)
{
	int ret = enter(engine, now);

	if (ret)
		return ret;
	ret = start_acquire(engine, acquire);
	leave(engine);
	return ret;
}

int ike_engine_cancel_acquire(struct ike_engine *engine, uint64_t now, uint64_t acquire_id)
{
	struct qm_acquire *found;
	struct ike_qm *qm;
	int ret = enter(engine, now);

	if (ret)
		return ret;
	found = qm_find_acquire(engine, acquire_id);
	if (found) {
		qm = found->qm;
		qm_drop_acquire(engine, qm, acquire_id);
		/* What is on the wire already is brought to its end. */
		if (!qm->acquires && !qm->replaces && qm->stage == QM_STAGE_WAIT_MM)
			qm_unlink(engine, qm);
	}
	leave(engine);
	return found ? 0 : -ENOENT;
}

/* --- replies -------------------------------------------------------------------------------- */

/* Inside an op the reply is kept until the running call ends. */
static int reply(struct ike_engine *engine, uint64_t now, const struct deferred *d)
{
	int ret;

	if (enter(engine, now))
		return request_defer(engine, d);
	ret = request_dispatch(engine, d);
	leave(engine);
	return ret;
}

int ike_engine_policy_mm_reply(struct ike_engine *engine, uint64_t now, uint64_t id,
			       const struct ike_mm_policy *policy)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_HALF_OPEN_POLICY) |
				 KIND_BIT(REQUEST_PEER_POLICY),
		.mm_policy = (struct ike_mm_policy *)policy,
	};

	return reply(engine, now, &d);
}

int ike_engine_policy_qm_reply(struct ike_engine *engine, uint64_t now, uint64_t id,
			       const struct ike_qm_policy *policy)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_QM_POLICY),
		.qm_policy = (struct ike_qm_policy *)policy,
	};

	return reply(engine, now, &d);
}

int ike_engine_get_spi_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			     uint32_t spi)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_SPI_AH) | KIND_BIT(REQUEST_SPI_ESP),
		.error = error,
		.spi = spi,
	};

	return reply(engine, now, &d);
}

int ike_engine_psk_skeyid_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				const uint8_t *skeyid, size_t len)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_SKEYID),
		.error = error,
		.skeyid_len = len,
	};
	int ret;

	if (!error && (!skeyid || !len || len > sizeof(d.skeyid)))
		d.error = -EINVAL;
	if (!d.error)
		memcpy(d.skeyid, skeyid, len);
	ret = reply(engine, now, &d);
	wipe(&d, sizeof(d));
	return ret;
}

int ike_engine_add_sa_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_ADD_SA),
		.error = error,
	};

	return reply(engine, now, &d);
}

/* What is out of bounds is as good as no answer. */
static int credential_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			    enum request_kind kind, const void *answer)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(kind),
		.error = error,
		.answer_kind = request_credential(kind),
		.answer = (void *)answer,
	};

	if (!error && (!answer || !credential_is_valid(d.answer_kind, answer)))
		d.error = -EINVAL;
	if (d.error)
		d.answer = NULL;
	return reply(engine, now, &d);
}

int ike_engine_authorities_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				 const struct ike_authorities *authorities)
{
	return credential_reply(engine, now, id, error, REQUEST_AUTHORITIES, authorities);
}

int ike_engine_certificate_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				 const struct ike_certificate *certificate)
{
	return credential_reply(engine, now, id, error, REQUEST_CERTIFICATE, certificate);
}

int ike_engine_signature_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			       const struct ike_signature *signature)
{
	return credential_reply(engine, now, id, error, REQUEST_SIGNATURE, signature);
}

int ike_engine_proof_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			   const struct ike_proof *proof)
{
	return credential_reply(engine, now, id, error, REQUEST_PROOF, proof);
}

int ike_engine_gss_step_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			      const struct ike_gss_token *token)
{
	return credential_reply(engine, now, id, error, REQUEST_GSS_STEP, token);
}

int ike_engine_gss_wrap_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			      const struct ike_gss_result *result)
{
	return credential_reply(engine, now, id, error, REQUEST_GSS_WRAP, result);
}

int ike_engine_gss_unwrap_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				const struct ike_gss_result *result)
{
	return credential_reply(engine, now, id, error, REQUEST_GSS_UNWRAP, result);
}

int ike_engine_job_reply(struct ike_engine *engine, uint64_t now, uint64_t id, struct ike_job *job)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_MM_KEYS) | KIND_BIT(REQUEST_QM_KEYS) |
				 KIND_BIT(REQUEST_RING),
		.job = job,
	};
	bool is_deferred = engine->is_busy;
	int ret;

	job_uncount(engine, job);
	ret = reply(engine, now, &d);
	if (!is_deferred || ret)
		ike_job_free(job);
	return ret;
}

/* --- the end of SAs ------------------------------------------------------------------------- */

int ike_engine_expire(struct ike_engine *engine, uint64_t now, enum ike_expire_kind kind,
		      enum ike_direction direction, const struct ip_addr *remote,
		      enum ike_protocol protocol, uint32_t spi)
{
	struct ike_child *child;
	int ret = enter(engine, now);

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
	leave(engine);
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
	int ret = enter(engine, now);

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
	leave(engine);
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
	int ret = enter(engine, now);

	if (ret)
		return ret;
	ret = -ENOENT;
	TAILQ_FOREACH(peer, &engine->all_peers, link) {
		if (ret)
			ret = end_qm(engine, peer, qm_id, reason);
	}
	leave(engine);
	return ret;
}

int ike_engine_delete_peer(struct ike_engine *engine, uint64_t now, const struct ip_addr *local,
			   const struct ip_addr *remote, enum ike_reason reason)
{
	struct ike_peer *peer;
	int ret = enter(engine, now);

	if (ret)
		return ret;
	peer = peer_find(engine, local, remote);
	if (peer)
		end_peer(engine, peer, reason);
	leave(engine);
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

	if (enter(engine, now))
		return;
	TAILQ_FOREACH(peer, &engine->all_peers, link)
		end_filter(engine, peer, filter_id, reason);
	leave(engine);
}

void ike_engine_flush(struct ike_engine *engine, uint64_t now, enum ike_reason reason)
{
	struct ike_peer *peer;

	if (enter(engine, now))
		return;
	half_open_free_all(engine);
	TAILQ_FOREACH(peer, &engine->all_peers, link)
		end_peer(engine, peer, reason);
	leave(engine);
}

static int adopt(struct ike_engine *engine, const struct ike_sa_install *install)
{
	struct ike_peer *peer;

	if (!install->n_suites || install->n_suites > IKE_SUITES_MAX ||
	    !is_path_valid(&install->path))
		return -EINVAL;
	for (size_t i = 0; i < install->n_suites; i++) {
		const struct ike_sa_suite *s = &install->suites[i];

		if (child_find_in(engine, &install->path.remote, s->suite.protocol, s->spi_in) ||
		    child_find_out(engine, &install->path.remote, s->suite.protocol, s->spi_out))
			return -EEXIST;
	}
	peer = peer_get(engine, &install->path);
	return peer && child_new(engine, peer, install, 0, 0) ? 0 : -ENOMEM;
}

int ike_engine_adopt_sa(struct ike_engine *engine, uint64_t now,
			const struct ike_sa_install *install)
{
	int ret = enter(engine, now);

	if (ret)
		return ret;
	ret = adopt(engine, install);
	engine->last_id = MAX(engine->last_id, install->qm_id);
	leave(engine);
	return ret;
}

/* --- what is there -------------------------------------------------------------------------- */

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
