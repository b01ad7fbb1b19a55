// SPDX-License-Identifier: MIT
#include "ike/sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ike/crypto.h"
#include "ike/keys.h"
#include "ike/wire.h"

/* A datagram under way, or a reply that somebody will give. */
struct sim_packet {
	struct sim_packet *next;
	uint64_t at;
	uint64_t order;
	size_t to;
	int question;		/* enum sim_question, or DATAGRAM */
	void *answer;		/* about credentials */
	uint64_t id;
	int error;
	uint32_t spi;
	struct ike_job *job;
	uint16_t from_port;	/* as seen by who receives */
	uint16_t to_port;
	size_t len;
	uint8_t data[];
};

#define DATAGRAM (-1)

uint64_t sim_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void push(struct sim *sim, struct sim_packet *packet)
{
	static uint64_t order;
	struct sim_packet **at = &sim->packets;

	packet->order = order++;
	while (*at && (*at)->at <= packet->at)
		at = &(*at)->next;
	packet->next = *at;
	*at = packet;
}

static struct sim_packet *make(size_t to, uint64_t at, int question, const void *data, size_t len)
{
	struct sim_packet *packet = calloc(1, sizeof(*packet) + len);

	assert(packet);
	packet->to = to;
	packet->at = at;
	packet->question = question;
	packet->len = len;
	if (len)
		memcpy(packet->data, data, len);
	return packet;
}

static struct sim_trace *trace(struct sim_host *host, enum sim_step step)
{
	struct sim_trace *t = &host->sim->trace[host->sim->n_trace % SIM_TRACE_MAX];

	host->sim->n_trace++;
	*t = (struct sim_trace){ .step = step, .host = host->index, .at = host->sim->now };
	return t;
}

/* --- ops ------------------------------------------------------------------------------------ */

/* A datagram by @path, as the NATs of both hosts let it through; NULL: they do not. */
static struct sim_packet *translate(struct sim_host *host, const struct ike_path *path,
				    uint64_t at, const uint8_t *data, size_t len)
{
	const struct sim_host *other = &host->sim->hosts[!host->index];
	uint16_t to_port = (uint16_t)(path->remote_port - other->nat_ports);
	struct sim_packet *packet;

	if (!ip_addr_is_equal(&path->remote, &other->seen_as) ||
	    (other->nat_ports && to_port != 500 && to_port != 4500))
		return NULL;
	packet = make(!host->index, at, DATAGRAM, data, len);
	packet->from_port = (uint16_t)(path->local_port + host->nat_ports);
	packet->to_port = to_port;
	return packet;
}

static void send_copy(struct sim_host *host, const struct ike_path *path, uint64_t delay,
		      const uint8_t *data, size_t len)
{
	struct sim_packet *packet = translate(host, path, host->sim->now + delay, data, len);

	/* To strangers: nowhere. */
	if (packet)
		push(host->sim, packet);
}

static int op_send(void *userdata, const struct ike_path *path, const uint8_t *data, size_t len)
{
	struct sim_host *host = userdata;
	struct sim *sim = host->sim;
	struct sim_fate fate = { .delay = 1 };
	struct sim_trace *t = trace(host, SIM_STEP_SEND);
	uint8_t *copy = malloc(len);

	assert(copy && len >= WIRE_HEADER_LEN);
	assert(ip_addr_is_equal(&path->local, &host->addr));
	memcpy(copy, data, len);
	t->exchange = data[18];
	t->is_encrypted = data[19] & WIRE_FLAG_ENCRYPTED;
	t->message_id = (uint32_t)data[20] << 24 | (uint32_t)data[21] << 16 |
			(uint32_t)data[22] << 8 | data[23];
	t->len = len;
	host->n_sent++;
	if (sim->send_error) {
		free(copy);
		return sim->send_error;
	}
	if (sim->network)
		fate = sim->network(sim, host->index, copy, len);
	if (!fate.is_lost) {
		send_copy(host, path, fate.delay, copy, len);
		for (unsigned int i = 0; i < fate.n_copies; i++)
			send_copy(host, path, fate.delay + fate.copy_delay * (i + 1), copy, len);
	}
	free(copy);
	return 0;
}

static int op_random(void *userdata, void *buf, size_t len)
{
	struct sim_host *host = userdata;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(sim_random(&host->rng) >> 32);
	return 0;
}

static void deliver(struct sim *sim, const struct sim_packet *packet);

static void packet_free(struct sim_packet *packet)
{
	free(packet->answer);
	free(packet);
}

/* With the job, which nobody gives back any more: the engine is gone. */
static void discard(struct sim_packet *packet)
{
	ike_job_free(packet->job);
	packet_free(packet);
}

static enum sim_answer answer_to(const struct sim_host *host, int question)
{
	bool is_odd = host->has_odd_answer && (int)host->odd_question == question;

	return is_odd ? host->odd_answer : host->answer;
}

/* Has its way with a reply: now, later, or not at all. */
static int give(struct sim_host *host, struct sim_packet *packet)
{
	enum sim_answer how = answer_to(host, packet->question);

	host->n_asked[packet->question]++;
	if (how == SIM_ANSWER_REFUSED && !packet->answer)
		packet->error = -1;
	/* a job can only be refused at once */
	if (how == SIM_ANSWER_REFUSED && packet->job)
		how = SIM_ANSWER_ERROR;
	switch (how) {
	case SIM_ANSWER_ERROR:
		packet_free(packet);
		return -5;
	case SIM_ANSWER_NEVER:
		/* somebody is still at it when the engine ends */
		if (packet->job) {
			packet->at = UINT64_MAX;
			break;
		}
		packet_free(packet);
		return 0;
	case SIM_ANSWER_AT_ONCE:
		deliver(host->sim, packet);
		packet_free(packet);
		return 0;
	case SIM_ANSWER_SLOW:
		packet->at += host->slow_ms;
		break;
	case SIM_ANSWER_LATER:
	case SIM_ANSWER_REFUSED:
		break;
	}
	push(host->sim, packet);
	return 0;
}

static int answer(struct sim_host *host, enum sim_question question, uint64_t id, int error,
		  uint32_t spi, const void *data, size_t len)
{
	struct sim_packet *packet =
		make(host->index, host->sim->now, (int)question, data, len);

	packet->id = id;
	packet->error = error;
	packet->spi = spi;
	return give(host, packet);
}

int sim_answer(struct sim_host *host, enum sim_question question, uint64_t id, int error,
	       enum credential_kind kind, const void *answer)
{
	struct sim_packet *packet = make(host->index, host->sim->now, (int)question, NULL, 0);

	packet->id = id;
	packet->error = error;
	packet->answer = error ? NULL : credential_copy(kind, answer);
	assert(error || packet->answer);
	return give(host, packet);
}

static int op_policy_mm(void *userdata, uint64_t id, const struct ike_path *path,
			bool is_initiator, uint32_t active_seconds)
{
	struct sim_host *host = userdata;
	bool is_refused = !host->has_mm_policy || (active_seconds && host->is_idle);

	(void)path;
	(void)is_initiator;
	return answer(host, SIM_QUESTION_POLICY_MM, id, is_refused ? -1 : 0, 0, NULL, 0);
}

static int op_policy_qm(void *userdata, uint64_t id, const struct ike_qm_query *query)
{
	struct sim_host *host = userdata;

	host->last_query = query->selector;
	return answer(host, SIM_QUESTION_POLICY_QM, id, host->has_qm_policy ? 0 : -1, 0, NULL, 0);
}

static int op_get_spi(void *userdata, uint64_t id, const struct ike_spi_request *request)
{
	struct sim_host *host = userdata;
	enum sim_answer how = answer_to(host, SIM_QUESTION_SPI);

	assert(request->protocol == IKE_PROTOCOL_AH || request->protocol == IKE_PROTOCOL_ESP);
	if (!host->get_spi_error && how != SIM_ANSWER_ERROR && how != SIM_ANSWER_NEVER &&
	    how != SIM_ANSWER_REFUSED)
		host->n_larval++;
	return answer(host, SIM_QUESTION_SPI, id, host->get_spi_error, host->next_spi++, NULL, 0);
}

static int op_psk_skeyid(void *userdata, uint64_t id, const struct ike_psk_request *request)
{
	struct sim_host *host = userdata;
	struct bytes psk = { (const uint8_t *)host->psk, host->psk ? strlen(host->psk) : 0 };
	uint8_t skeyid[IKE_HASH_MAX_LEN];

	assert(!keys_skeyid_psk(request->hash, psk,
				(struct bytes){ request->ni, request->ni_len },
				(struct bytes){ request->nr, request->nr_len }, skeyid));
	return answer(host, SIM_QUESTION_SKEYID, id, host->psk ? 0 : -2, 0, skeyid,
		      ike_hash_len(request->hash));
}

static void add_sa(struct sim_host *host, const struct ike_sa_install *install, size_t i,
		   bool is_inbound)
{
	const struct ike_sa_suite *s = &install->suites[i];
	struct sim_sa *sa = &host->sas[host->n_sas];

	assert(host->n_sas < SIM_SAS_MAX);
	*sa = (struct sim_sa){
		.is_inbound = is_inbound,
		.protocol = s->suite.protocol,
		.spi = is_inbound ? s->spi_in : s->spi_out,
		.suite = s->suite,
		.keys = is_inbound ? s->in : s->out,
		.install = *install,
		.qm_id = install->qm_id,
	};
	host->n_sas++;
	if (is_inbound)
		host->n_larval--;
}

static bool has_inbound(const struct sim_host *host, const struct ike_sa_install *install)
{
	for (size_t i = 0; i < host->n_sas; i++) {
		if (host->sas[i].is_inbound && host->sas[i].qm_id == install->qm_id)
			return true;
	}
	return false;
}

static int op_add_sa(void *userdata, uint64_t id, const struct ike_sa_install *install)
{
	struct sim_host *host = userdata;

	/* A responder can read before it writes; an initiator asks once or does the same. */
	assert(install->is_initiator ||
	       install->directions != (IKE_DIRECTION_IN | IKE_DIRECTION_OUT));
	assert(install->directions != IKE_DIRECTION_OUT || has_inbound(host, install));
	if (install->directions == IKE_DIRECTION_IN)
		trace(host, SIM_STEP_ADD_IN);
	else if (install->directions == IKE_DIRECTION_OUT)
		trace(host, SIM_STEP_ADD_OUT);
	else
		trace(host, SIM_STEP_ADD_PAIR);
	for (size_t i = 0; !host->add_sa_error && i < install->n_suites; i++) {
		if (install->directions & IKE_DIRECTION_IN)
			add_sa(host, install, i, true);
		if (install->directions & IKE_DIRECTION_OUT)
			add_sa(host, install, i, false);
	}
	return answer(host, SIM_QUESTION_ADD_SA, id, host->add_sa_error, 0, NULL, 0);
}

/* Somebody's other thread. */
static int op_job(void *userdata, uint64_t id, struct ike_job *job)
{
	struct sim_host *host = userdata;
	struct sim_packet *packet = make(host->index, host->sim->now + host->job_ms,
					 SIM_QUESTION_JOB, NULL, 0);

	packet->id = id;
	packet->job = job;
	return give(host, packet);
}

static bool del_sa(struct sim_host *host, enum ike_protocol protocol, uint32_t spi,
		   bool is_inbound)
{
	for (size_t i = 0; i < host->n_sas; i++) {
		if (host->sas[i].is_inbound == is_inbound && host->sas[i].protocol == protocol &&
		    host->sas[i].spi == spi) {
			host->sas[i] = host->sas[--host->n_sas];
			return true;
		}
	}
	return false;
}

static void op_del_sa(void *userdata, const struct ike_sa_ref *ref)
{
	struct sim_host *host = userdata;

	trace(host, SIM_STEP_DEL);
	if (ref->spi_in && !del_sa(host, ref->protocol, ref->spi_in, true) && host->n_larval)
		host->n_larval--;
	if (ref->spi_out)
		del_sa(host, ref->protocol, ref->spi_out, false);
}

static void op_acquire_result(void *userdata, uint64_t acquire_id, enum ike_reason reason,
			      bool peer_answered)
{
	struct sim_host *host = userdata;

	assert(host->n_results < SIM_RESULTS_MAX);
	assert(reason == IKE_REASON_OK || reason >= IKE_REASON_CREDENTIALS);
	/* Exactly once for each. */
	assert(!sim_result(host->sim, host->index, acquire_id));
	host->results[host->n_results++] =
		(struct sim_result){ acquire_id, reason, peer_answered };
}

static void copy_name(char to[static 64], const char *name)
{
	(void)snprintf(to, 64, "%s", name ? name : "");
}

static void op_event(void *userdata, const struct ike_event *event)
{
	struct sim_host *host = userdata;
	struct sim_event *e = &host->events[host->n_events % SIM_EVENTS_MAX];

	host->n_events++;
	e->kind = event->kind;
	e->reason = event->reason;
	e->failed_at_peer = event->failed_at_peer;
	e->has_mm = event->mm != NULL;
	(void)snprintf(e->text, sizeof(e->text), "%s", event->text);
	(void)snprintf(e->attribute, sizeof(e->attribute), "%s",
		       event->mismatch ? event->mismatch->attribute : "");
	if (!event->mm)
		return;
	e->auth = event->mm->auth;
	copy_name(e->local_name, event->mm->local_name);
	copy_name(e->remote_name, event->mm->remote_name);
	copy_name(e->authority, event->mm->authority);
}

static void op_trace(void *userdata, const char *text)
{
	struct sim_host *host = userdata;

	if (host->n_steps < SIM_STEPS_MAX)
		(void)snprintf(host->steps[host->n_steps++], sizeof(host->steps[0]), "%s", text);
}

static void op_keylog(void *userdata, const struct ike_keylog *keylog)
{
	struct sim_host *host = userdata;

	host->n_keylogs++;
	if (keylog->kind == IKE_KEYLOG_MM)
		memcpy(host->last_ka, keylog->cipher_key, keylog->cipher_key_len);
}

static struct ike_ops all_ops(void)
{
	struct ike_ops ops = sim_credential_ops;

	ops.send = op_send;
	ops.random = op_random;
	ops.policy_mm = op_policy_mm;
	ops.policy_qm = op_policy_qm;
	ops.get_spi = op_get_spi;
	ops.psk_skeyid = op_psk_skeyid;
	ops.add_sa = op_add_sa;
	ops.job = op_job;
	ops.del_sa = op_del_sa;
	ops.acquire_result = op_acquire_result;
	ops.event = op_event;
	ops.keylog = op_keylog;
	ops.trace = op_trace;
	return ops;
}

static struct ike_engine *new_engine(struct sim_host *host, const struct ike_config *config)
{
	struct ike_ops ops = all_ops();

	return ike_engine_new(config, &ops, host, host->sim->now);
}

/* --- running -------------------------------------------------------------------------------- */

static struct ike_path path_of(const struct sim *sim, size_t host)
{
	return (struct ike_path){
		.local = sim->hosts[host].addr,
		.remote = sim->hosts[!host].seen_as,
		.local_port = 500,
		.remote_port = 500,
	};
}

static void inject(struct sim *sim, size_t to, const struct ike_path *path, const void *data,
		   size_t len)
{
	/* On the heap and no longer than it is, so that every read beyond the end is found. */
	uint8_t *copy = malloc(len ? len : 1);

	assert(copy);
	if (len)
		memcpy(copy, data, len);
	ike_engine_receive(sim->hosts[to].engine, sim->now, path, copy, len);
	free(copy);
}

void sim_inject_from(struct sim *sim, size_t to, const struct ip_addr *from, uint16_t port,
		     const void *data, size_t len)
{
	struct ike_path path = path_of(sim, to);

	path.remote = *from;
	path.remote_port = port;
	inject(sim, to, &path, data, len);
}

void sim_inject(struct sim *sim, size_t to, const void *data, size_t len)
{
	sim_inject_from(sim, to, &sim->hosts[!to].seen_as, 500, data, len);
}

static void deliver(struct sim *sim, const struct sim_packet *packet)
{
	struct sim_host *host = &sim->hosts[packet->to];
	struct ike_engine *engine = host->engine;
	struct ike_path path = path_of(sim, packet->to);

	switch (packet->question) {
	case DATAGRAM:
		path.local_port = packet->to_port;
		path.remote_port = packet->from_port;
		inject(sim, packet->to, &path, packet->data, packet->len);
		break;
	case SIM_QUESTION_POLICY_MM:
		(void)ike_engine_policy_mm_reply(engine, sim->now, packet->id,
						 packet->error ? NULL : &host->mm);
		break;
	case SIM_QUESTION_POLICY_QM:
		(void)ike_engine_policy_qm_reply(engine, sim->now, packet->id,
						 packet->error ? NULL : &host->qm);
		break;
	case SIM_QUESTION_SPI:
		if (ike_engine_get_spi_reply(engine, sim->now, packet->id, packet->error,
					     packet->spi) &&
		    !packet->error)
			host->n_larval--;
		break;
	case SIM_QUESTION_SKEYID:
		(void)ike_engine_psk_skeyid_reply(engine, sim->now, packet->id, packet->error,
						  packet->data, packet->len);
		break;
	case SIM_QUESTION_ADD_SA:
		(void)ike_engine_add_sa_reply(engine, sim->now, packet->id, packet->error);
		break;
	case SIM_QUESTION_AUTHORITIES:
		(void)ike_engine_authorities_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_CERTIFICATE:
		(void)ike_engine_certificate_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_SIGNATURE:
		(void)ike_engine_signature_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_PROOF:
		(void)ike_engine_proof_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_GSS_STEP:
		(void)ike_engine_gss_step_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_GSS_WRAP:
		(void)ike_engine_gss_wrap_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_GSS_UNWRAP:
		(void)ike_engine_gss_unwrap_reply(engine, sim->now, packet->id, packet->error,
					  packet->answer);
		break;
	case SIM_QUESTION_JOB:
		ike_job_run(packet->job);
		(void)ike_engine_job_reply(engine, sim->now, packet->id, packet->job);
		break;
	}
}

/* The earliest timer of all hosts. */
static uint64_t next_timeout(const struct sim *sim)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < SIM_HOSTS; i++) {
		uint64_t t = ike_engine_next_timeout(sim->hosts[i].engine);

		next = t < next ? t : next;
	}
	return next;
}

void sim_run(struct sim *sim, uint64_t ms)
{
	uint64_t end = sim->now + ms;

	for (;;) {
		struct sim_packet *packet = sim->packets;
		uint64_t timeout = next_timeout(sim);

		if (packet && packet->at <= timeout && packet->at <= end) {
			sim->packets = packet->next;
			sim->now = packet->at > sim->now ? packet->at : sim->now;
			deliver(sim, packet);
			packet_free(packet);
		} else if (timeout <= end) {
			sim->now = timeout > sim->now ? timeout : sim->now;
			for (size_t i = 0; i < SIM_HOSTS; i++)
				ike_engine_tick(sim->hosts[i].engine, sim->now);
		} else {
			break;
		}
	}
	sim->now = end;
}

/* --- set-up --------------------------------------------------------------------------------- */

struct ike_mm_policy sim_mm_policy(enum ike_cipher cipher, unsigned int key_bits,
				   enum ike_hash hash, unsigned int group)
{
	return (struct ike_mm_policy){
		.proposals = { { cipher, (uint16_t)key_bits, hash, (uint16_t)group } },
		.n_proposals = 1,
		.auth = { IKE_AUTH_PSK },
		.n_auth = 1,
		.life_seconds = 28800,
	};
}

struct ike_qm_offer sim_esp(enum ike_cipher cipher, unsigned int key_bits, enum ike_hash hash)
{
	return (struct ike_qm_offer){
		.suites = { { IKE_PROTOCOL_ESP, cipher, (uint16_t)key_bits, hash } },
		.n_suites = 1,
		.life_seconds = 3600,
		.life_kbytes = 100000,
	};
}

struct ike_qm_offer sim_ah(enum ike_hash hash)
{
	return (struct ike_qm_offer){
		.suites = { { IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, hash } },
		.n_suites = 1,
		.life_seconds = 3600,
		.life_kbytes = 100000,
	};
}

void sim_set_mm(struct sim *sim, const struct ike_mm_policy *policy)
{
	for (size_t i = 0; i < SIM_HOSTS; i++)
		sim->hosts[i].mm = *policy;
}

void sim_set_auth(struct sim *sim, const enum ike_auth *methods, size_t n_methods)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct sim_host *host = &sim->hosts[i];

		memcpy(host->mm.auth, methods, n_methods * sizeof(*methods));
		host->mm.n_auth = n_methods;
		host->mm.gss_name = host->credentials.principal;
	}
}

void sim_set_offer(struct sim *sim, const struct ike_qm_offer *offer)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		sim->hosts[i].qm.offers[0] = *offer;
		sim->hosts[i].qm.n_offers = 1;
	}
}

struct sim *sim_new(bool is_v6, const struct ike_config *config)
{
	struct ike_mm_policy mm = sim_mm_policy(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1,
						IKE_GROUP_ECP256);
	struct ike_qm_offer offer = sim_esp(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1);
	static const char *const texts[2][SIM_HOSTS] = { { "192.0.2.1", "192.0.2.2" },
							 { "2001:db8::1", "2001:db8::2" } };
	struct sim *sim = calloc(1, sizeof(*sim));

	assert(sim);
	sim->now = 1000000;
	sim->rng = 88172645463325252;
	sim->is_v6 = is_v6;
	sim_set_mm(sim, &mm);
	sim_set_offer(sim, &offer);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct sim_host *host = &sim->hosts[i];

		host->sim = sim;
		host->index = i;
		host->psk = "only for tests and interoperability";
		host->has_mm_policy = true;
		host->has_qm_policy = true;
		host->qm.filter_id = 7;
		host->next_spi = 0x1000 + 0x1000 * (uint32_t)i;
		host->slow_ms = 3000;
		sim_credentials_init(host);
		host->rng = 0x9e3779b97f4a7c15 + i;
		assert(!ip_addr_parse(texts[is_v6][i], &host->addr));
		host->seen_as = host->addr;
		host->engine = new_engine(host, config);
		assert(host->engine);
	}
	return sim;
}

struct sim *sim_free(struct sim *sim)
{
	for (size_t i = 0; i < SIM_HOSTS; i++)
		ike_engine_free(sim->hosts[i].engine);
	while (sim->packets) {
		struct sim_packet *packet = sim->packets;

		sim->packets = packet->next;
		discard(packet);
	}
	free(sim);
	return NULL;
}

/* What somebody was about to answer the engine, which is no more. */
static void drop_replies(struct sim *sim, size_t index)
{
	struct sim_packet **at = &sim->packets;

	while (*at) {
		struct sim_packet *packet = *at;

		if (packet->to == index && packet->question != DATAGRAM) {
			*at = packet->next;
			discard(packet);
		} else {
			at = &packet->next;
		}
	}
}

void sim_restart(struct sim *sim, size_t index, const struct ike_config *config)
{
	struct sim_host *host = &sim->hosts[index];

	ike_engine_free(host->engine);
	drop_replies(sim, index);
	host->n_sas = 0;
	host->n_larval = 0;
	host->engine = new_engine(host, config);
	assert(host->engine);
}

int sim_acquire_port(struct sim *sim, size_t index, uint64_t id, uint16_t port)
{
	struct sim_host *host = &sim->hosts[index];
	uint8_t prefix = sim->is_v6 ? 128 : 32;
	struct ike_acquire acquire = {
		.id = id,
		.path = path_of(sim, index),
		.selector = {
			.local = host->addr,
			.remote = sim->hosts[!index].seen_as,
			.local_prefix = prefix,
			.remote_prefix = prefix,
			.protocol = port ? 6 : 0,
			.remote_port = port,
		},
		.mm = host->mm,
		.qm = host->qm,
	};

	return ike_engine_acquire(host->engine, sim->now, &acquire);
}

int sim_acquire(struct sim *sim, size_t index, uint64_t id)
{
	return sim_acquire_port(sim, index, id, 0);
}
