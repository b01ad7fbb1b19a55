// SPDX-License-Identifier: MIT
/*
 * Two engines, between them a network, and an input that says what happens: time passes, traffic
 * asks for SAs, limits are reached, datagrams are lost, changed, repeated and made up. Made-up
 * ones may be encrypted and hashed with the real keys, which is how the code behind encryption is
 * reached. The simulation checks the order of installation; here it is checked that nothing is
 * left over and that the engines still work.
 */
#include <stdlib.h>
#include <string.h>

#include "ike/exchange.h"
#include "ike/fuzz.h"
#include "ike/keys.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/sim.h"

#define RECORDS 32
#define STEPS_MAX 200

struct records {
	struct {
		uint8_t data[1500];
		size_t len;
		size_t from;
	} record[RECORDS];
	size_t n;
	uint8_t weather;	/* bits: 1 loses every other datagram, 2 doubles, 4 delays */
};

static struct sim_fate network(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct records *r = sim->network_data;
	struct sim_fate fate = { .delay = 1 };
	size_t i = r->n++ % RECORDS;

	if (len <= sizeof(r->record[i].data)) {
		memcpy(r->record[i].data, data, len);
		r->record[i].len = len;
		r->record[i].from = from;
	}
	fate.is_lost = r->weather & 1 && r->n % 2;
	fate.n_copies = r->weather & 2 ? 1 : 0;
	fate.copy_delay = 250;
	fate.delay += r->weather & 4 ? 700 * (r->n % 3) : 0;
	return fate;
}

/* A recorded datagram with some bytes changed, to either side. */
static void inject_changed(struct sim *sim, const struct records *r, struct reader *in)
{
	uint8_t data[1500];
	size_t i = reader_u8(in), to = reader_u8(in) & 1, n = reader_u8(in) % 8, len;

	if (!r->n)
		return;
	i %= r->n < RECORDS ? r->n : RECORDS;
	len = r->record[i].len;
	memcpy(data, r->record[i].data, len);
	while (n-- && len) {
		size_t at = reader_u16(in);

		data[at % len] = reader_u8(in);
	}
	sim_inject(sim, to, data, len);
}

static struct ike_mm *find_mm(const struct sim *sim, size_t host)
{
	struct ike_peer *peer = peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
					  &sim->hosts[!host].addr);
	struct ike_mm *mm;

	if (!peer)
		return NULL;
	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm_is_established(mm))
			return mm;
	}
	return NULL;
}

/* Payloads of the input under the real keys, with a HASH(1) that is right. */
static void inject_protected(struct sim *sim, struct reader *in)
{
	size_t to = reader_u8(in) & 1, n = reader_u8(in) % 8;
	uint8_t exchange = reader_u8(in) & 1 ? WIRE_EXCHANGE_QUICK : WIRE_EXCHANGE_INFORMATIONAL;
	uint32_t message_id = reader_u32(in);
	struct ike_mm *mm = find_mm(sim, !to);
	uint8_t buf[1500], hash[IKE_HASH_MAX_LEN] = {0}, iv[IKE_BLOCK_MAX_LEN];
	struct wire_header header;
	struct wire_out out;
	size_t at, len;

	if (!mm)
		return;
	header = mm_header(mm, exchange, WIRE_FLAG_ENCRYPTED, message_id);
	out = wire_out_make(buf, sizeof(buf), &header);
	wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, mm->keys->len });
	at = out.w.len;
	while (n-- && !in->failed) {
		uint8_t type = reader_u8(in);

		wire_add(&out, type, reader_take(in, reader_u8(in)));
	}
	if (out.w.overflow)
		return;
	FUZZ_CHECK(!keys_hash1(mm->keys, message_id, (struct bytes){ buf + at, out.w.len - at },
			       buf + at - mm->keys->len));
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	if (!len || keys_phase2_iv(mm->keys, mm->iv, message_id, iv) ||
	    exchange_encrypt(mm->keys, iv, buf, len))
		return;
	sim_inject(sim, to, buf, len);
}

/* The main mode that waits for message 5 or 6, with the keys for it. */
static struct ike_mm *find_waiting_mm(const struct sim *sim, size_t host)
{
	struct ike_peer *peer = peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
					  &sim->hosts[!host].addr);
	struct ike_mm *mm;

	if (!peer)
		return NULL;
	TAILQ_FOREACH(mm, &peer->mms, peer_link) {
		if (mm->state == IKE_MM_STATE_SENT_5 ||
		    (mm->state == IKE_MM_STATE_SENT_4 && mm->negotiation->has_keys))
			return mm;
	}
	return NULL;
}

/* In place of message 5 or 6: payloads of the input, encrypted as those are. */
static void inject_proof(struct sim *sim, struct reader *in)
{
	size_t to = reader_u8(in) & 1, n = reader_u8(in) % 8;
	struct ike_mm *mm = find_waiting_mm(sim, to);
	uint8_t buf[1500], iv[IKE_BLOCK_MAX_LEN];
	struct wire_header header;
	struct wire_out out;
	size_t len;

	if (!mm)
		return;
	header = mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	out = wire_out_make(buf, sizeof(buf), &header);
	while (n-- && !in->failed) {
		uint8_t type = reader_u8(in);

		wire_add(&out, type, reader_take(in, reader_u8(in)));
	}
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	memcpy(iv, mm->iv, sizeof(iv));
	if (len && !exchange_encrypt(mm->keys, iv, buf, len))
		sim_inject(sim, to, buf, len);
}

static void expire(struct sim *sim, struct reader *in)
{
	struct sim_host *host = &sim->hosts[reader_u8(in) & 1];
	size_t i = reader_u8(in);
	enum ike_expire_kind kind = (enum ike_expire_kind)(reader_u8(in) % 4);

	if (!host->n_sas)
		return;
	i %= host->n_sas;
	(void)ike_engine_expire(host->engine, sim->now, kind,
				host->sas[i].is_inbound ? IKE_DIRECTION_IN : IKE_DIRECTION_OUT,
				&sim->hosts[!host->index].addr, host->sas[i].protocol,
				host->sas[i].spi);
}

/* Both hosts take this method, and one other is left. */
static void set_auth(struct sim *sim, struct reader *in)
{
	enum ike_auth methods[2];

	for (size_t i = 0; i < 2; i++)
		methods[i] = (enum ike_auth)(IKE_AUTH_PSK +
					     reader_u8(in) % (IKE_AUTH_COUNT - IKE_AUTH_PSK));
	sim_set_auth(sim, methods, 2);
}

static void set_credentials(struct sim_credentials *c, struct reader *in)
{
	uint8_t bits = reader_u8(in);

	c->rounds = 1 + bits % (IKE_TOKENS_MAX + 1);
	c->is_forger = bits & 4;
	c->issuer = bits & 8 ? "CN=elsewhere" : "CN=ca";
	c->excludes_names = bits & 16;
	c->n_chain = 1 + bits / 32;
}

static void administer(struct sim *sim, struct reader *in)
{
	struct sim_host *host = &sim->hosts[reader_u8(in) & 1];

	switch (reader_u8(in) % 10) {
	case 0:
		ike_engine_flush(host->engine, sim->now, IKE_REASON_POLICY_CHANGE);
		break;
	case 1:
		ike_engine_delete_filter(host->engine, sim->now, 7, IKE_REASON_POLICY_CHANGE);
		break;
	case 2:
		(void)ike_engine_delete_peer(host->engine, sim->now, &host->addr,
					     &sim->hosts[!host->index].addr,
					     IKE_REASON_DELETED_BY_ADMIN);
		break;
	case 3:
		sim_restart(sim, host->index, NULL);
		break;
	case 4:
		host->answer = (enum sim_answer)(reader_u8(in) % 6);
		break;
	case 5:
		host->psk = reader_u8(in) & 1 ? "another key" : "only for tests";
		break;
	case 6:
		host->has_mm_policy = reader_u8(in) & 1;
		host->has_qm_policy = reader_u8(in) & 1;
		break;
	case 7:
		host->mm.qm_limit = reader_u8(in) % 4;
		host->qm.offers[0].pfs_group = reader_u8(in) & 1 ? IKE_GROUP_ECP256 : 0;
		break;
	case 8:
		set_auth(sim, in);
		break;
	case 9:
		set_credentials(&host->credentials, in);
		break;
	}
}

static void step(struct sim *sim, struct records *r, struct reader *in, uint64_t *id)
{
	size_t host;

	switch (reader_u8(in) % 9) {
	case 0:
		sim_run(sim, reader_u8(in));
		break;
	case 1:
		sim_run(sim, 1000 * (uint64_t)reader_u8(in));
		break;
	case 2:
		host = reader_u8(in) & 1;
		(void)sim_acquire_port(sim, host, ++*id, reader_u8(in) % 4);
		break;
	case 3:
		inject_changed(sim, r, in);
		break;
	case 4:
		inject_protected(sim, in);
		break;
	case 5:
		expire(sim, in);
		break;
	case 6:
		administer(sim, in);
		break;
	case 7:
		r->weather = reader_u8(in) % 8;
		break;
	case 8:
		inject_proof(sim, in);
		break;
	}
}

/* Good weather again, and time for everything to end. */
static void check_end(struct sim *sim, struct records *r, uint64_t id)
{
	r->weather = 0;
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		sim->hosts[i].answer = SIM_ANSWER_LATER;
		sim->hosts[i].psk = "only for tests";
		sim->hosts[i].has_mm_policy = sim->hosts[i].has_qm_policy = true;
		sim->hosts[i].credentials.rounds = 1;
		sim->hosts[i].credentials.is_forger = false;
		sim->hosts[i].credentials.issuer = "CN=ca";
	}
	sim_run(sim, 120000);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct ike_stats stats = sim_stats(sim, i);

		FUZZ_CHECK(!stats.active_acquire);
		FUZZ_CHECK(!stats.half_open && !stats.half_open_bytes);
		FUZZ_CHECK(!sim->hosts[i].n_larval);
		FUZZ_CHECK(!sim->hosts[i].credentials.n_contexts);
	}
	/* From a clean start they agree again. */
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		ike_engine_flush(sim->hosts[i].engine, sim->now, IKE_REASON_POLICY_CHANGE);
		sim_run(sim, 60000);
		FUZZ_CHECK(!sim->hosts[i].n_sas);
		sim->hosts[i].qm.offers[0].pfs_group = IKE_GROUP_NONE;
	}
	FUZZ_CHECK(!sim_acquire(sim, 0, id + 1));
	sim_run(sim, 60000);
	FUZZ_CHECK(sim_result(sim, 0, id + 1)->reason == IKE_REASON_OK);
	FUZZ_CHECK(sim_has_matching_sas(sim));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader in = reader_make(data, len);
	struct records *r = calloc(1, sizeof(*r));
	struct sim *sim = sim_new(len & 1, NULL);
	uint64_t id = 0;

	sim->network = network;
	sim->network_data = r;
	/* what is said about hostile messages is formatted, too */
	for (size_t i = 0; i < SIM_HOSTS; i++)
		ike_engine_set_trace(sim->hosts[i].engine, len & 2 ? IKE_TRACE_MESSAGES : IKE_TRACE_OFF);
	for (size_t n = 0; n < STEPS_MAX && in.len && !in.failed; n++)
		step(sim, r, &in, &id);
	check_end(sim, r, id);
	sim_free(sim);
	free(r);
	return 0;
}

size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap)
{
	static const struct {
		size_t len;
		uint8_t data[64];
	} seeds[] = {
		/* an acquire, time, a renewal, time, a flush */
		{ 14, { 2, 0, 0, 1, 5, 5, 0, 0, 0, 1, 10, 6, 0, 0 } },
		/* both at once in bad weather */
		{ 16, { 7, 7, 2, 0, 0, 2, 1, 0, 1, 20, 7, 0, 1, 100, 5, 1 } },
		/* established, then a protected delete and a quick mode of our own making */
		{ 43, { 2, 0, 0, 1, 3, 4, 1, 1, 0, 0, 0, 0, 9, 12, 12, 0, 0, 0, 1, 3, 4, 0, 1,
			0, 0, 0x20, 0, 4, 0, 2, 1, 0, 0, 0, 7, 1, 8, 0, 0, 0, 1, 0, 0 } },
		/* message by message, each changed and injected again */
		{ 37, { 2, 0, 1, 0, 1, 3, 0, 1, 1, 0, 20, 9, 0, 2, 3, 1, 0, 1, 0, 30, 1, 0, 3,
			3, 2, 1, 1, 0, 40, 1, 0, 4, 3, 3, 0, 0, 0 } },
		/* certificates, each message changed; then a forger */
		{ 40, { 6, 0, 8, 1, 0, 2, 0, 0, 0, 1, 3, 2, 1, 1, 0, 60, 9, 0, 3, 3, 4, 0, 1, 0, 90, 7,
			1, 9, 6, 0, 9, 4, 2, 1, 0, 1, 5, 1, 60, 0 } },
		/* Kerberos in three rounds, answers that come late, bad weather */
		{ 34, { 6, 0, 8, 2, 0, 6, 0, 9, 2, 6, 1, 9, 2, 6, 1, 4, 4, 7, 3, 2, 0, 0, 1, 2, 3, 4,
			1, 2, 0, 50, 1, 1, 20, 0 } },
		/* before message 5: an identity and a hash of our own making */
		{ 31, { 6, 0, 8, 2, 0, 2, 0, 0, 0, 6, 8, 1, 2, 5, 8, 1, 0, 0, 0, 192, 0, 2, 1, 8, 4, 1, 2,
			3, 4, 1, 20 } },
		/* a restart in the middle */
		{ 17, { 2, 0, 2, 1, 2, 6, 1, 3, 2, 1, 2, 1, 40, 2, 0, 1, 0 } },
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]) || seeds[index].len > cap)
		return 0;
	memcpy(buf, seeds[index].data, seeds[index].len);
	return seeds[index].len;
}
