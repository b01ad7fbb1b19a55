// SPDX-License-Identifier: MIT
#include <string.h>

#include "ike/fuzz_engine.h"
#include "ike/mm.h"
#include "ike/peer.h"

#define FILTER 7	/* sim_new()'s */
#define PSK "only for tests"

const struct ip_addr *fuzz_remote(const struct sim_host *host)
{
	return &host->sim->hosts[!host->index].seen_as;
}

struct ike_mm *fuzz_newest_mm(const struct sim_host *host)
{
	struct ike_peer *peer = peer_find(host->engine, &host->addr, fuzz_remote(host));

	return peer ? TAILQ_FIRST(&peer->mms) : NULL;
}

/* One of the driver's SAs; NULL without any. */
static const struct sim_sa *read_sa(const struct sim_host *host, struct reader *in)
{
	size_t i = reader_u8(in);

	return host->n_sas ? &host->sas[i % host->n_sas] : NULL;
}

void fuzz_expire(struct sim *sim, struct reader *in)
{
	struct sim_host *host = &sim->hosts[reader_u8(in) & 1];
	const struct sim_sa *sa = read_sa(host, in);
	enum ike_expire_kind kind = (enum ike_expire_kind)(reader_u8(in) % 4);

	if (sa)
		(void)ike_engine_expire(host->engine, sim->now, kind,
					sa->is_inbound ? IKE_DIRECTION_IN : IKE_DIRECTION_OUT,
					fuzz_remote(host), sa->protocol, sa->spi);
}

/* --- policy --------------------------------------------------------------------------------- */

/* Both hosts take this method, and one other is left. */
static void set_auth(struct sim *sim, struct reader *in)
{
	enum ike_auth methods[2];

	for (size_t i = 0; i < 2; i++)
		methods[i] = (enum ike_auth)(IKE_AUTH_PSK +
					     reader_u8(in) % (IKE_AUTH_COUNT - IKE_AUTH_PSK));
	sim_set_auth(sim, methods, 2);
}

static void set_main_mode(struct sim *sim, struct reader *in)
{
	static const struct ike_mm_proposal proposals[] = {
		{ IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1, IKE_GROUP_ECP256 },
		{ IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256, IKE_GROUP_MODP2048 },
		{ IKE_CIPHER_3DES, 0, IKE_HASH_MD5, IKE_GROUP_MODP1024 },
		{ IKE_CIPHER_AES_CBC, 192, IKE_HASH_SHA512, IKE_GROUP_MODP4096 },
	};
	size_t first = reader_u8(in) % 4;

	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct ike_mm_policy *mm = &sim->hosts[i].mm;

		mm->proposals[0] = proposals[first];
		mm->proposals[1] = proposals[(first + 1) % 4];
		mm->n_proposals = 2;
	}
}

static void set_quick_mode(struct sim *sim, struct reader *in)
{
	uint8_t bits = reader_u8(in);
	static const uint16_t groups[] = { IKE_GROUP_NONE, IKE_GROUP_ECP256, IKE_GROUP_MODP4096,
					   IKE_GROUP_MAIN_MODE };
	struct ike_qm_offer first = bits & 1 ? sim_ah(IKE_HASH_SHA1) :
					       sim_esp(IKE_CIPHER_3DES, 0, IKE_HASH_MD5);
	struct ike_qm_offer last = sim_esp(bits & 2 ? IKE_CIPHER_AES_GCM_16 : IKE_CIPHER_AES_CBC, 128,
					   bits & 2 ? IKE_HASH_NONE : IKE_HASH_SHA1);

	/* AH outside, ESP inside */
	if (bits & 4) {
		first = sim_ah(IKE_HASH_MD5);
		first.suites[first.n_suites++] = last.suites[0];
	}
	first.pfs_group = last.pfs_group = groups[bits >> 3 & 3];
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct ike_qm_policy *qm = &sim->hosts[i].qm;

		qm->offers[0] = first;
		qm->offers[1] = last;
		qm->n_offers = 2;
		qm->encapsulation = bits & 32 ? IKE_ENCAPSULATION_TUNNEL :
						IKE_ENCAPSULATION_TRANSPORT;
	}
	/* a responder that wants something else */
	if (bits & 64)
		sim->hosts[1].qm.n_offers = 1;
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

/* --- commands ------------------------------------------------------------------------------- */

static void delete_newest_mm(struct sim_host *host)
{
	struct ike_mm *mm = fuzz_newest_mm(host);

	if (mm)
		(void)ike_engine_delete_mm(host->engine, host->sim->now, mm->id,
					   IKE_REASON_DELETED_BY_ADMIN);
}

static void delete_sa(struct sim_host *host, const struct sim_sa *sa)
{
	if (sa)
		(void)ike_engine_delete_qm(host->engine, host->sim->now, sa->qm_id,
					   IKE_REASON_DELETED_BY_ADMIN);
}

/* The process is new, the SAs are not. */
static void adopt(struct sim_host *host, const struct ike_config *config)
{
	size_t n = host->n_sas;

	sim_restart(host->sim, host->index, config);
	host->n_sas = n;
	for (size_t i = 0; i < n; i++) {
		if (host->sas[i].is_inbound)
			(void)ike_engine_adopt_sa(host->engine, host->sim->now,
						  &host->sas[i].install);
	}
}

static void set_odd_answer(struct sim_host *host, struct reader *in)
{
	host->odd_question = (enum sim_question)(reader_u8(in) % SIM_QUESTION_COUNT);
	host->odd_answer = (enum sim_answer)(reader_u8(in) % (SIM_ANSWER_REFUSED + 1));
	host->has_odd_answer = true;
}

/* What is done to the engine; false: @what is something else. */
static bool command(struct sim_host *host, enum fuzz_admin what, const struct ike_config *config,
		    struct reader *in)
{
	uint64_t now = host->sim->now;

	switch ((unsigned int)what) {
	case FUZZ_ADMIN_FLUSH:
		ike_engine_flush(host->engine, now, IKE_REASON_POLICY_CHANGE);
		return true;
	case FUZZ_ADMIN_DELETE_FILTER:
		ike_engine_delete_filter(host->engine, now, FILTER, IKE_REASON_POLICY_CHANGE);
		return true;
	case FUZZ_ADMIN_DELETE_PEER:
		(void)ike_engine_delete_peer(host->engine, now, &host->addr, fuzz_remote(host),
					     IKE_REASON_DELETED_BY_ADMIN);
		return true;
	case FUZZ_ADMIN_DELETE_MM:
		delete_newest_mm(host);
		return true;
	case FUZZ_ADMIN_DELETE_SA:
		delete_sa(host, read_sa(host, in));
		return true;
	case FUZZ_ADMIN_RESTART:
		sim_restart(host->sim, host->index, config);
		return true;
	case FUZZ_ADMIN_ADOPT:
		adopt(host, config);
		return true;
	}
	return false;
}

void fuzz_administer(struct sim *sim, const struct ike_config *config, struct reader *in)
{
	struct sim_host *host = &sim->hosts[reader_u8(in) & 1];
	enum fuzz_admin what = (enum fuzz_admin)(reader_u8(in) % FUZZ_ADMIN_COUNT);

	if (command(host, what, config, in))
		return;
	switch ((unsigned int)what) {
	case FUZZ_ADMIN_ANSWER:
		host->answer = (enum sim_answer)(reader_u8(in) % (SIM_ANSWER_REFUSED + 1));
		break;
	case FUZZ_ADMIN_ODD:
		set_odd_answer(host, in);
		break;
	case FUZZ_ADMIN_PSK:
		host->psk = reader_u8(in) & 1 ? "another key" : PSK;
		break;
	case FUZZ_ADMIN_POLICY:
		host->has_mm_policy = reader_u8(in) & 1;
		host->has_qm_policy = reader_u8(in) & 1;
		break;
	case FUZZ_ADMIN_LIMIT:
		host->mm.qm_limit = reader_u8(in) % 4;
		break;
	case FUZZ_ADMIN_MAIN_MODE:
		set_main_mode(sim, in);
		break;
	case FUZZ_ADMIN_QUICK_MODE:
		set_quick_mode(sim, in);
		break;
	case FUZZ_ADMIN_AUTH:
		set_auth(sim, in);
		break;
	case FUZZ_ADMIN_CREDENTIALS:
		set_credentials(&host->credentials, in);
		break;
	case FUZZ_ADMIN_SLOW:
		host->job_ms = 100 * (uint64_t)reader_u8(in);
		host->is_idle = reader_u8(in) & 1;
		break;
	}
}

void fuzz_calm(struct sim *sim)
{
	struct ike_qm_offer offer = sim_esp(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1);

	sim_set_offer(sim, &offer);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct sim_host *host = &sim->hosts[i];

		host->answer = SIM_ANSWER_LATER;
		host->has_odd_answer = false;
		host->psk = PSK;
		host->has_mm_policy = host->has_qm_policy = true;
		host->qm.encapsulation = IKE_ENCAPSULATION_TRANSPORT;
		host->job_ms = 0;
		host->is_idle = false;
		host->credentials.rounds = 1;
		host->credentials.is_forger = false;
		host->credentials.issuer = "CN=ca";
	}
}
