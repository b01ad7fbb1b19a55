// SPDX-License-Identifier: MIT
#include "ike/quick_mode.h"

#include <errno.h>

#include "ike/child.h"
#include "ike/connected.h"
#include "ike/crypto.h"
#include "ike/deletion.h"
#include "ike/dh.h"
#include "ike/dpd.h"
#include "ike/ident.h"
#include "ike/job.h"
#include "ike/keys.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/quick_mode_steps.h"
#include "ike/report.h"
#include "ike/request.h"
#include "ike/vid.h"

#define NONCE_LEN 32
#define SPI_MIN 256
#define LIFE_DEFAULT 28800
#define LIFE_MIN 60
#define KBYTES_MIN 1000
#define SOFT_PERCENT 85
#define LATE_PERCENT 95
/* Another member of the cluster may have taken over ([MS-IKEE], product note 21). */
#define NLBS_IDLE_SECONDS 60

/* --- messages ------------------------------------------------------------------------------- */

/* HDR*, HASH, ... */
void qm_message_begin(struct ike_engine *engine, const struct ike_qm *qm, struct qm_message *m)
{
	uint8_t flags = WIRE_FLAG_ENCRYPTED | (connected_is_promised(qm) ? WIRE_FLAG_COMMIT : 0);
	struct wire_header header = mm_header(qm->mm, WIRE_EXCHANGE_QUICK, flags, qm->message_id);
	static const uint8_t zero[IKE_HASH_MAX_LEN];
	size_t len = qm->mm->keys->len;

	m->out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	wire_add(&m->out, WIRE_PAYLOAD_HASH, (struct bytes){ zero, len });
	m->hash_at = m->out.w.len - len;
}

static int compute_hash(const struct ike_qm *qm, enum qm_hash hash, struct bytes after,
			uint8_t *ret_hash)
{
	const struct mm_keys *keys = qm->mm->keys;

	switch (hash) {
	case QM_HASH_1:
	case QM_HASH_4:
		return keys_hash1(keys, qm->message_id, after, ret_hash);
	case QM_HASH_2:
		return keys_hash2(keys, qm->message_id, blob_bytes(&qm->ni), after, ret_hash);
	case QM_HASH_3:
		return keys_hash3(keys, qm->message_id, blob_bytes(&qm->ni), blob_bytes(&qm->nr),
				  ret_hash);
	}
	return -EINVAL;
}

int qm_message_send(struct ike_engine *engine, struct ike_qm *qm, struct qm_message *m,
		    enum qm_hash hash)
{
	const struct mm_keys *keys = qm->mm->keys;
	size_t after_at = m->hash_at + keys->len, len;
	struct bytes after = { m->out.w.data + after_at, m->out.w.len - after_at };
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	int ret;

	if (m->out.w.overflow)
		return -EMSGSIZE;
	ret = compute_hash(qm, hash, after, m->out.w.data + m->hash_at);
	if (ret)
		return ret;
	len = wire_finish(&m->out, ike_cipher_block_len(keys->cipher));
	memcpy(iv, qm->iv, sizeof(iv));
	if (!len || exchange_encrypt(keys, iv, m->out.w.data, len))
		return -EIO;
	memcpy(qm->iv, iv, sizeof(iv));
	return exchange_send(engine, &qm->log, qm->mm, (struct bytes){ m->out.w.data, len });
}

int qm_message_open(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
		    const struct wire_header *header, enum message_kind kind, enum qm_hash hash,
		    struct wire_message *ret_message)
{
	const struct mm_keys *keys = qm->mm->keys;
	uint8_t next_iv[IKE_BLOCK_MAX_LEN], want[IKE_HASH_MAX_LEN];
	const struct wire_payload *given;

	if (exchange_decrypt(engine, keys, qm->iv, datagram, header, ret_message, next_iv) ||
	    exchange_check(kind, ret_message))
		return -EBADMSG;
	given = &ret_message->payloads[0];
	if (compute_hash(qm, hash, wire_after(ret_message, given), want) ||
	    !crypto_is_equal(given->body, (struct bytes){ want, keys->len }))
		return -EBADMSG;
	memcpy(qm->iv, next_iv, sizeof(qm->iv));
	exchange_note(&qm->log, datagram);
	natt_follow(qm->mm, engine->arrival);
	return 0;
}

struct qm_terms qm_terms(const struct ike_qm *qm)
{
	return (struct qm_terms){ .group = qm->mm->choice.proposal.group, .natt = qm->mm->natt };
}

int qm_make_nonce(struct ike_engine *engine, struct blob *nonce)
{
	uint8_t buf[NONCE_LEN];
	int ret = core_random(engine, buf, sizeof(buf));

	return ret ? ret : blob_set(nonce, (struct bytes){ buf, sizeof(buf) });
}

void qm_request_keys(struct ike_engine *engine, struct ike_qm *qm, enum qm_stage stage,
		     unsigned int group)
{
	struct job_order order = { .group = group, .key = qm->dh, .peer = blob_bytes(&qm->peer_ke) };

	qm->dh = NULL;
	qm->stage = stage;
	(void)timer_set(&engine->timers, &qm->timer, engine->now + QM_REQUEST_WAIT_MS);
	if (job_start(engine, &qm->key_request, REQUEST_QM_KEYS, qm, &order))
		qm_fail(engine, qm, IKE_REASON_DH, false, "cannot make a key exchange");
}

void quick_mode_keys_reply(struct ike_engine *engine, struct ike_qm *qm, int error,
			   struct ike_job *job)
{
	if (error || job->error) {
		qm_fail(engine, qm, IKE_REASON_DH, false, "key exchange failed");
		return;
	}
	qm->dh = job->key;
	job->key = NULL;
	if (qm->stage == QM_STAGE_MAKE_KEY)
		qm_initiator_send_1(engine, qm);
	else if (qm->is_initiator)
		qm_initiator_has_keys(engine, qm, blob_bytes(&job->secret));
	else
		qm_responder_has_keys(engine, qm, blob_bytes(&job->secret));
}

/* --- SPIs and keys -------------------------------------------------------------------------- */

static int request_spi(struct ike_engine *engine, struct ike_qm *qm, enum ike_protocol protocol)
{
	bool is_esp = protocol == IKE_PROTOCOL_ESP;
	struct request *request = &qm->spi_requests[is_esp];
	struct ike_spi_request spi_request = {
		.path = qm->mm->path,
		.protocol = protocol,
		.acquire_id = qm->acquires ? qm->acquires->id : 0,
	};
	int ret = request_start(engine, request, is_esp ? REQUEST_SPI_ESP : REQUEST_SPI_AH, qm);

	if (ret)
		return ret;
	engine->stats.total_get_spi++;
	ret = engine->ops.get_spi(engine->userdata, request->id, &spi_request);
	if (ret < 0)
		request_fail(engine, request, ret);
	return 0;
}

int qm_request_spis(struct ike_engine *engine, struct ike_qm *qm, unsigned int protocols)
{
	int ret = 0;

	qm->stage = QM_STAGE_WAIT_SPI;
	(void)timer_set(&engine->timers, &qm->timer, engine->now + QM_REQUEST_WAIT_MS);
	if (protocols & 1U << IKE_PROTOCOL_AH)
		ret = request_spi(engine, qm, IKE_PROTOCOL_AH);
	if (!ret && protocols & 1U << IKE_PROTOCOL_ESP)
		ret = request_spi(engine, qm, IKE_PROTOCOL_ESP);
	return ret;
}

void quick_mode_spi_reply(struct ike_engine *engine, struct ike_qm *qm, enum ike_protocol protocol,
			  int error, uint32_t spi)
{
	if (error || spi < SPI_MIN) {
		engine->stats.get_spi_failures++;
		qm_fail(engine, qm, IKE_REASON_NO_SPI, false, "%s",
			ike_reason_text(IKE_REASON_NO_SPI));
		return;
	}
	qm->spis.spi[protocol] = spi;
	if (request_is_waiting(&qm->spi_requests[0]) || request_is_waiting(&qm->spi_requests[1]))
		return;
	if (qm->is_initiator)
		qm_initiator_has_spis(engine, qm);
	else
		qm_responder_has_spis(engine, qm);
}

uint32_t qm_agree_seconds(const struct ike_engine *engine, const struct ike_qm *qm)
{
	uint32_t ours = qm->policy->offers[qm->choice.offer].life_seconds;
	uint32_t theirs = qm->choice.wire_seconds ? qm->choice.wire_seconds : LIFE_DEFAULT;
	uint32_t life = MAX(theirs, LIFE_MIN);

	if (ours)
		life = MIN(ours, life);
	return MIN(life, engine->config.qm_life_max);
}

uint32_t qm_agree_kbytes(const struct ike_qm *qm)
{
	uint32_t ours = qm->policy->offers[qm->choice.offer].life_kbytes;
	uint32_t theirs = qm->choice.wire_kbytes;

	if (theirs < KBYTES_MIN)
		return ours;
	return ours ? MIN(ours, theirs) : theirs;
}

/* Both directions of one protection; the SPI is that of the SA which the keys are for. */
static int derive_suite(const struct ike_qm *qm, struct bytes pfs, size_t i,
			struct ike_sa_suite *ret_suite)
{
	const struct ike_suite *suite = &qm->choice.suites[i];
	size_t cipher_len = ike_cipher_key_len(suite->cipher, suite->key_bits);
	size_t hash_len = ike_hash_len(suite->hash);
	uint8_t keymat[IKE_CIPHER_KEY_MAX_LEN + IKE_HASH_MAX_LEN];
	struct ike_sa_suite s = {
		.suite = *suite,
		.spi_in = qm->spis.spi[suite->protocol],
		.spi_out = qm->choice.peer_spi[i],
	};
	struct ike_keys *keys[] = { &s.in, &s.out };
	int ret = 0;

	for (size_t d = 0; !ret && d < 2; d++) {
		ret = keys_keymat(qm->mm->keys, (uint8_t)suite->protocol, d ? s.spi_out : s.spi_in,
				  pfs, blob_bytes(&qm->ni), blob_bytes(&qm->nr), keymat,
				  cipher_len + hash_len);
		keys[d]->cipher_key_len = cipher_len;
		keys[d]->hash_key_len = hash_len;
		memcpy(keys[d]->cipher_key, keymat, cipher_len);
		memcpy(keys[d]->hash_key, keymat + cipher_len, hash_len);
	}
	*ret_suite = s;
	wipe(keymat, sizeof(keymat));
	wipe(&s, sizeof(s));
	return ret;
}

/*
 * Soft limits of one side at 85 to 90 % and of the other at 95 %, so that one renews: after a time
 * the initiator, after an amount of data whoever has sent it.
 */
static void set_lifetimes(struct ike_engine *engine, const struct ike_qm *qm,
			  struct ike_sa_install *install)
{
	uint32_t early = SOFT_PERCENT + core_random_below(engine, 6);
	uint32_t percent = qm->is_initiator ? early : LATE_PERCENT;
	uint64_t bytes = (uint64_t)qm_agree_kbytes(qm) * 1024;

	install->life_seconds = qm_agree_seconds(engine, qm);
	install->soft_seconds = (uint32_t)((uint64_t)install->life_seconds * percent / 100);
	install->life_bytes = bytes;
	install->soft_bytes = bytes / 100 * early;
	install->soft_bytes_in = bytes / 100 * LATE_PERCENT;
	install->idle_seconds = qm->mm->vids & VID_NLBS ? NLBS_IDLE_SECONDS : 0;
}

int qm_prepare_install(struct ike_engine *engine, struct ike_qm *qm, struct bytes pfs)
{
	struct ike_sa_install *install = calloc(1, sizeof(*install));
	int ret = 0;

	if (!install)
		return -ENOMEM;
	wipe_free(qm->install, sizeof(*qm->install));
	qm->install = install;
	install->qm_id = qm->id;
	install->is_initiator = qm->is_initiator;
	install->path = qm->mm->path;
	install->is_in_udp = natt_is_found(&qm->mm->natt);
	install->is_behind_nat = install->is_in_udp && qm->mm->natt.is_here;
	install->is_peer_behind_nat = install->is_in_udp && qm->mm->natt.is_there;
	install->selector = qm->selector;
	install->encapsulation = qm->encapsulation;
	install->n_suites = qm->choice.n_suites;
	install->pfs_group = qm->choice.pfs_group;
	install->filter_id = qm->filter_id;
	install->acquire_id = qm->acquires ? qm->acquires->id : 0;
	install->replaces_qm_id = qm->replaces;
	set_lifetimes(engine, qm, install);
	for (size_t i = 0; !ret && i < qm->choice.n_suites; i++)
		ret = derive_suite(qm, pfs, i, &install->suites[i]);
	return ret;
}

void qm_request_install(struct ike_engine *engine, struct ike_qm *qm, unsigned int directions)
{
	int ret;

	(void)timer_set(&engine->timers, &qm->timer, engine->now + QM_REQUEST_WAIT_MS);
	qm->install->directions = directions;
	if (request_start(engine, &qm->add_request, REQUEST_ADD_SA, qm)) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	ret = engine->ops.add_sa(engine->userdata, qm->add_request.id, qm->install);
	if (ret < 0)
		request_fail(engine, &qm->add_request, ret);
}

static void count_install(struct ike_engine *engine, unsigned int directions, bool is_ok)
{
	if (directions & IKE_DIRECTION_IN) {
		engine->stats.key_updates += is_ok;
		engine->stats.key_update_failures += !is_ok;
	}
	if (directions & IKE_DIRECTION_OUT) {
		engine->stats.key_additions += is_ok;
		engine->stats.key_addition_failures += !is_ok;
	}
}

void quick_mode_add_sa_reply(struct ike_engine *engine, struct ike_qm *qm, int error)
{
	count_install(engine, qm->install->directions, !error);
	if (error) {
		/* The initiator thinks that the pair is complete. */
		if (qm->stage == QM_STAGE_INSTALL_OUT && qm->mm)
			deletion_send(engine, qm->mm, qm->install->suites,
				      qm->install->n_suites);
		qm_fail(engine, qm, IKE_REASON_ADD_SA, false, "%s",
			ike_reason_text(IKE_REASON_ADD_SA));
		return;
	}
	switch (qm->stage) {
	case QM_STAGE_INSTALL:
		qm_initiator_installed(engine, qm);
		break;
	case QM_STAGE_INSTALL_IN:
		if (qm->is_initiator)
			connected_wait(engine, qm);
		else
			qm_responder_installed_in(engine, qm);
		break;
	case QM_STAGE_INSTALL_OUT:
		if (connected_is_promised(qm))
			(void)connected_send(engine, qm);
		qm_complete(engine, qm);
		break;
	case QM_STAGE_WAIT_POLICY:
	case QM_STAGE_WAIT_MM:
	case QM_STAGE_WAIT_SPI:
	case QM_STAGE_MAKE_KEY:
	case QM_STAGE_SENT_1:
	case QM_STAGE_DERIVE:
	case QM_STAGE_SENT_2:
	case QM_STAGE_SENT_3:
	case QM_STAGE_DONE:
		break;
	}
}

static void export_keys(struct ike_engine *engine, const struct ike_sa_install *install)
{
	struct ike_keylog log = { .kind = IKE_KEYLOG_QM, .install = install };

	if (engine->config.keylog && engine->ops.keylog)
		engine->ops.keylog(engine->userdata, &log);
}

void qm_complete(struct ike_engine *engine, struct ike_qm *qm)
{
	uint64_t mm_id = qm->mm ? qm->mm->id : 0;
	struct ike_qm_info info;
	struct ike_child *child;

	child = child_new(engine, qm->peer, qm->install, mm_id, qm->message_id);
	if (!child) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	engine->stats.quick_modes++;
	dpd_is_alive(engine, qm->peer);
	engine->stats.rekeys += qm->replaces != 0;
	qm_release_spis(engine, qm, true);
	export_keys(engine, qm->install);
	child_get_info(engine, child, &info);
	report_qm(engine, IKE_EVENT_QM_ESTABLISHED, qm->mm, &info, IKE_REASON_OK, false,
		  "established");
	qm_finish_acquires(engine, qm, IKE_REASON_OK);
	qm_free_negotiation(engine, qm);
	qm->is_counted = false;
	if (!qm->is_initiator && !connected_is_promised(qm)) {
		qm_unlink(engine, qm);
		return;
	}
	qm->stage = QM_STAGE_DONE;
	free(qm->policy);
	qm->policy = NULL;
	qm_set_idle(qm);
	peer_put(engine, qm->peer);
	(void)timer_set(&engine->timers, &qm->timer, engine->now + QM_DONE_MS);
}

/* --- beginning ------------------------------------------------------------------------------ */

/*
 * One under way that will bring the same. The peer's counts too: its first protected packet often
 * overtakes message 3, and the answer to it must wait for our outbound SA, not ask for another.
 */
static struct ike_qm *find_under_way(const struct ike_peer *peer, const struct ike_acquire *acquire)
{
	struct ike_qm *qm;

	TAILQ_FOREACH(qm, &peer->qms, peer_link) {
		if (qm->stage != QM_STAGE_DONE &&
		    qm->filter_id == acquire->qm.filter_id &&
		    ident_selector_is_equal(&qm->selector, &acquire->selector))
			return qm;
	}
	return NULL;
}

int quick_mode_acquire(struct ike_engine *engine, struct ike_peer *peer,
		       const struct ike_acquire *acquire)
{
	struct ike_qm *qm = find_under_way(peer, acquire);
	enum ike_reason reason;

	if (qm)
		return qm_add_acquire(engine, qm, acquire->id);
	qm = qm_new(engine, peer, true, QM_STAGE_WAIT_MM);
	if (!qm)
		return -ENOMEM;
	qm->selector = acquire->selector;
	if (qm_set_policy(qm, &acquire->qm) || qm_add_acquire(engine, qm, acquire->id)) {
		qm_unlink(engine, qm);
		return -ENOMEM;
	}
	if (!peer_usable_mm(peer) && !peer_is_starting(peer) &&
	    !main_mode_start(engine, peer, &acquire->mm, &reason))
		qm_fail(engine, qm, reason, false, "cannot start main mode: %s",
			ike_reason_text(reason));
	return 0;
}

void quick_mode_rekey(struct ike_engine *engine, struct ike_child *child, bool is_probe)
{
	struct ike_qm_query query = {
		.path = peer_path(child->peer),
		.selector = child->selector,
		.is_initiator = true,
	};
	struct ike_qm *qm = qm_new(engine, child->peer, true, QM_STAGE_WAIT_POLICY);
	int ret;

	if (!qm)
		return;
	qm->selector = child->selector;
	qm->encapsulation = child->encapsulation;
	qm->filter_id = child->filter_id;
	qm->replaces = child->id;
	qm->is_probe = is_probe;
	child->is_rekeying = true;
	(void)timer_set(&engine->timers, &qm->timer, engine->now + QM_REQUEST_WAIT_MS);
	if (request_start(engine, &qm->policy_request, REQUEST_QM_POLICY, qm)) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	ret = engine->ops.policy_qm(engine->userdata, qm->policy_request.id, &query);
	if (ret < 0)
		request_fail(engine, &qm->policy_request, ret);
}

void quick_mode_policy_reply(struct ike_engine *engine, struct ike_qm *qm,
			     const struct ike_qm_policy *policy)
{
	if (!qm->is_initiator) {
		qm_responder_policy(engine, qm, policy);
		return;
	}
	if (!policy || qm_policy_check(policy)) {
		qm_fail(engine, qm, policy ? IKE_REASON_INVALID_POLICY : IKE_REASON_NO_POLICY,
			false, "no policy to renew it under");
		return;
	}
	if (qm_set_policy(qm, policy)) {
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
		return;
	}
	qm->stage = QM_STAGE_WAIT_MM;
	timer_stop(&engine->timers, &qm->timer);
	peer_put(engine, qm->peer);
}

void quick_mode_begin(struct ike_engine *engine, struct ike_qm *qm, struct ike_mm *mm)
{
	qm_set_mm(qm, mm);
	mm->n_qm++;
	qm->is_counted = true;
	qm->has_answered = true;
	if (qm_request_spis(engine, qm,
			    qm_protocols_sent(qm->policy, mm->choice.proposal.group)))
		qm_fail(engine, qm, IKE_REASON_NO_MEMORY, false, "out of memory");
}

void quick_mode_lost_mm(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason)
{
	if (qm->stage == QM_STAGE_DONE) {
		qm_unlink(engine, qm);
		return;
	}
	/* The peer has proved itself and the keys are there: the main mode is not needed. */
	if (qm->stage == QM_STAGE_INSTALL_OUT) {
		qm_set_mm(qm, NULL);
		return;
	}
	if (qm->stage == QM_STAGE_SENT_3) {
		qm_set_mm(qm, NULL);
		connected_go_on(engine, qm);
		return;
	}
	if (!qm->is_initiator || qm->is_restarted || qm->stage == QM_STAGE_INSTALL ||
	    qm->stage == QM_STAGE_INSTALL_IN) {
		qm_fail(engine, qm, reason, false, "the main mode has gone");
		return;
	}
	qm_release_spis(engine, qm, false);
	qm_free_negotiation(engine, qm);
	exchange_log_clear(&qm->log);
	timer_stop(&engine->timers, &qm->timer);
	qm_set_mm(qm, NULL);
	qm->is_counted = false;
	qm->message_id = 0;
	qm->is_restarted = true;
	qm->stage = QM_STAGE_WAIT_MM;
	peer_put(engine, qm->peer);
}

/* --- in the middle -------------------------------------------------------------------------- */

static void receive_known(struct ike_engine *engine, struct ike_qm *qm, struct bytes datagram,
			  const struct wire_header *header)
{
	bool may_answer = qm->stage == QM_STAGE_SENT_2 || qm->stage == QM_STAGE_SENT_3 ||
			  qm->stage == QM_STAGE_DONE;

	if (exchange_is_duplicate(engine, &qm->log, qm->mm, datagram, may_answer))
		return;
	switch (qm->stage) {
	case QM_STAGE_SENT_1:
		qm_initiator_receive_2(engine, qm, datagram, header);
		break;
	case QM_STAGE_SENT_2:
		qm_responder_receive_3(engine, qm, datagram, header);
		break;
	case QM_STAGE_SENT_3:
		connected_receive(engine, qm, datagram, header);
		break;
	case QM_STAGE_DONE:
		/* CONNECTED that was not waited for, or not so long. */
		break;
	case QM_STAGE_WAIT_POLICY:
	case QM_STAGE_WAIT_MM:
	case QM_STAGE_WAIT_SPI:
	case QM_STAGE_MAKE_KEY:
	case QM_STAGE_DERIVE:
	case QM_STAGE_INSTALL:
	case QM_STAGE_INSTALL_IN:
	case QM_STAGE_INSTALL_OUT:
		engine->stats.duplicates_ignored++;
		break;
	}
}

void quick_mode_receive(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			const struct wire_header *header)
{
	struct ike_qm *qm = header->message_id ? qm_find(mm, header->message_id) : NULL;

	if (qm)
		receive_known(engine, qm, datagram, header);
	else if (mm_is_id_fresh(mm, header->message_id))
		qm_responder_receive_1(engine, mm, datagram, header);
	else
		engine->stats.duplicates_ignored++;
}

void quick_mode_refused(struct ike_engine *engine, struct ike_qm *qm, uint16_t type,
			enum ike_reason reason)
{
	char text[96];

	qm->has_answered = true;
	qm_fail(engine, qm, reason, true, "%s", report_refusal(type, reason, text, sizeof(text)));
}

void quick_mode_timer(struct timer *timer, void *userdata)
{
	struct ike_qm *qm = container_of(timer, struct ike_qm, timer);
	struct ike_engine *engine = userdata;

	switch (qm->stage) {
	case QM_STAGE_SENT_1:
		qm_initiator_timeout(engine, qm);
		break;
	case QM_STAGE_SENT_2:
		qm_responder_timeout(engine, qm);
		break;
	case QM_STAGE_SENT_3:
		connected_timeout(engine, qm);
		break;
	case QM_STAGE_DONE:
		qm_unlink(engine, qm);
		break;
	case QM_STAGE_WAIT_SPI:
		engine->stats.get_spi_failures++;
		qm_fail(engine, qm, IKE_REASON_NO_SPI, false, "%s",
			ike_reason_text(IKE_REASON_NO_SPI));
		break;
	case QM_STAGE_WAIT_POLICY:
		qm_fail(engine, qm, IKE_REASON_NO_POLICY, false, "nobody answered for the policy");
		break;
	case QM_STAGE_MAKE_KEY:
	case QM_STAGE_DERIVE:
		qm_fail(engine, qm, IKE_REASON_DH, false, "the key exchange took too long");
		break;
	case QM_STAGE_INSTALL:
	case QM_STAGE_INSTALL_IN:
	case QM_STAGE_INSTALL_OUT:
		qm_fail(engine, qm, IKE_REASON_ADD_SA, false, "%s",
			ike_reason_text(IKE_REASON_ADD_SA));
		break;
	case QM_STAGE_WAIT_MM:
		break;
	}
}
