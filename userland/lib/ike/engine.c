// SPDX-License-Identifier: MIT
/*
 * An engine's life, what it receives, its time, and what it is asked to secure. Each public function
 * enters, does its work, and leaves: replies that were given meanwhile are taken up, quick modes that
 * wait are served, and objects that have ended are freed.
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
#include "ike/fragmentation.h"
#include "ike/half_open.h"
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

int core_enter(struct ike_engine *engine, uint64_t now)
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

void core_leave(struct ike_engine *engine)
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
	if (core_enter(engine, now))
		return;
	engine->stats.packets_received++;
	core_receive(engine, path, (struct bytes){ data, len });
	core_leave(engine);
}

/* --- time ----------------------------------------------------------------------------------- */

void ike_engine_tick(struct ike_engine *engine, uint64_t now)
{
	if (core_enter(engine, now))
		return;
	timers_run(&engine->timers, engine->now, engine);
	core_leave(engine);
}

uint64_t ike_engine_next_timeout(const struct ike_engine *engine)
{
	return timers_next(&engine->timers);
}

bool ike_engine_idle(struct ike_engine *engine, uint64_t now)
{
	bool has_more;

	if (core_enter(engine, now))
		return false;
	has_more = job_fill_ring(engine);
	core_leave(engine);
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
	int ret = core_enter(engine, now);

	if (ret)
		return ret;
	ret = start_acquire(engine, acquire);
	core_leave(engine);
	return ret;
}

int ike_engine_cancel_acquire(struct ike_engine *engine, uint64_t now, uint64_t acquire_id)
{
	struct qm_acquire *found;
	struct ike_qm *qm;
	int ret = core_enter(engine, now);

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
	core_leave(engine);
	return found ? 0 : -ENOENT;
}

/* --- pairs that are there already ----------------------------------------------------------- */

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
	int ret = core_enter(engine, now);

	if (ret)
		return ret;
	ret = adopt(engine, install);
	engine->last_id = MAX(engine->last_id, install->qm_id);
	core_leave(engine);
	return ret;
}
