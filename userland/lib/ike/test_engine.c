// SPDX-License-Identifier: MIT
/* Negotiations between two engines that go as they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sim.h"

/* What both sides must have after @n_pairs quick modes with @n_suites protections each. */
static void assert_established(const struct sim *sim, size_t n_sas)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim_count_sas(sim, i), n_sas);
		assert_int_equal(sim->hosts[i].n_larval, 0);
	}
	assert_true(sim_has_matching_sas(sim));
}

static size_t count_sent(const struct sim *sim, uint8_t exchange)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->n_trace; i++)
		n += sim->trace[i].step == SIM_STEP_SEND && sim->trace[i].exchange == exchange;
	return n;
}

/* Six messages of main mode, three of quick mode, then SAs on both sides. */
static void test_main_and_quick_mode(void **state)
{
	static const struct {
		size_t host;
		uint8_t exchange;
		bool is_encrypted;
	} want[] = {
		{ 0, 2, false },	/* HDR, SA --> */
		{ 1, 2, false },	/* <-- HDR, SA */
		{ 0, 2, false },	/* HDR, KE, Ni --> */
		{ 1, 2, false },	/* <-- HDR, KE, Nr */
		{ 0, 2, true },		/* HDR*, IDii, HASH_I --> */
		{ 1, 2, true },		/* <-- HDR*, IDir, HASH_R */
		{ 0, 32, true },	/* HDR*, HASH(1), SA, Ni, IDci, IDcr --> */
		{ 1, 32, true },	/* <-- HDR*, HASH(2), SA, Nr, IDci, IDcr */
		{ 0, 32, true },	/* HDR*, HASH(3) --> */
	};
	struct sim *sim = sim_new(false, NULL);
	size_t n = 0;

	(void)state;
	assert_int_equal(sim_acquire(sim, 0, 1), 0);
	sim_run(sim, 1000);
	for (size_t i = 0; i < sim->n_trace; i++) {
		if (sim->trace[i].step != SIM_STEP_SEND)
			continue;
		assert_true(n < sizeof(want) / sizeof(want[0]));
		assert_int_equal(sim->trace[i].host, want[n].host);
		assert_int_equal(sim->trace[i].exchange, want[n].exchange);
		assert_int_equal(sim->trace[i].is_encrypted, want[n].is_encrypted);
		n++;
	}
	assert_int_equal(n, 9);
	assert_established(sim, 2);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct ike_stats stats = sim_stats(sim, i);

		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_MM_ESTABLISHED), 1);
		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_QM_ESTABLISHED), 1);
		assert_true(sim_last_event(sim, i, IKE_EVENT_QM_ESTABLISHED)->has_mm);
		assert_int_equal(stats.main_modes, 1);
		assert_int_equal(stats.quick_modes, 1);
		assert_int_equal(stats.key_additions, 1);
		assert_int_equal(stats.key_updates, 1);
		assert_int_equal(stats.total_get_spi, 1);
		assert_int_equal(stats.isadb_list_size, 1);
		assert_int_equal(stats.negotiation_failures, 0);
		assert_int_equal(stats.invalid_packets, 0);
	}
	/* Two SAs with SPIs of their own, one for each direction. */
	assert_int_not_equal(sim->hosts[0].sas[0].spi, sim->hosts[0].sas[1].spi);
	assert_int_not_equal(sim->hosts[0].sas[0].is_inbound, sim->hosts[0].sas[1].is_inbound);
	sim_free(sim);
}

/* Position of the first step of the kind, by the host; the test fails if there is none. */
static size_t find_step(const struct sim *sim, size_t host, enum sim_step step, uint8_t exchange,
			size_t nth)
{
	for (size_t i = 0; i < sim->n_trace; i++) {
		const struct sim_trace *t = &sim->trace[i];

		if (t->host == host && t->step == step &&
		    (step != SIM_STEP_SEND || t->exchange == exchange) && !nth--)
			return i;
	}
	fail_msg("step %d of host %zu never happened", (int)step, host);
	return 0;
}

/*
 * The responder can read before it says so, and nobody writes what the other cannot read: inbound
 * before message 2, outbound after message 3; the initiator both before message 3.
 */
static void test_order_of_installation(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_true(find_step(sim, 1, SIM_STEP_ADD_IN, 0, 0) <
		    find_step(sim, 1, SIM_STEP_SEND, 32, 0));
	assert_true(find_step(sim, 0, SIM_STEP_SEND, 32, 1) <
		    find_step(sim, 1, SIM_STEP_ADD_OUT, 0, 0));
	assert_true(find_step(sim, 0, SIM_STEP_ADD_PAIR, 0, 0) <
		    find_step(sim, 0, SIM_STEP_SEND, 32, 1));
	sim_free(sim);
}

/* Without the answer that the inbound SA is there, message 2 is never sent. */
static void test_no_message_2_without_inbound_sa(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[1].add_sa_error = -12;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	for (size_t i = 0; i < sim->n_trace; i++)
		assert_false(sim->trace[i].host == 1 && sim->trace[i].step == SIM_STEP_SEND &&
			     sim->trace[i].exchange == 32);
	assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_QM_FAILED)->reason, IKE_REASON_ADD_SA);
	assert_true(sim_stats(sim, 1).key_update_failures > 0);
	assert_int_equal(sim_count_sas(sim, 0), 0);
	assert_int_equal(sim->hosts[0].n_larval, 0);
	assert_int_equal(sim->hosts[1].n_larval, 0);
	assert_int_not_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	sim_free(sim);
}

static void test_all_main_mode_algorithms(void **state)
{
	static const struct {
		enum ike_cipher cipher;
		unsigned int key_bits;
	} ciphers[] = { { IKE_CIPHER_DES, 0 },
			{ IKE_CIPHER_3DES, 0 },
			{ IKE_CIPHER_AES_CBC, 128 },
			{ IKE_CIPHER_AES_CBC, 192 },
			{ IKE_CIPHER_AES_CBC, 256 } };
	static const unsigned int groups[] = { 1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21 };

	(void)state;
	for (size_t c = 0; c < sizeof(ciphers) / sizeof(ciphers[0]); c++) {
		for (int h = IKE_HASH_MD5; h < IKE_HASH_COUNT; h++) {
			for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
				struct ike_mm_policy mm =
					sim_mm_policy(ciphers[c].cipher, ciphers[c].key_bits,
						      (enum ike_hash)h, groups[g]);
				struct sim *sim = sim_new(false, NULL);

				sim_set_mm(sim, &mm);
				sim_acquire(sim, 0, 1);
				sim_run(sim, 100);
				assert_established(sim, 2);
				sim_free(sim);
			}
		}
	}
}

static void assert_quick_mode(const struct ike_qm_offer *offer)
{
	struct sim *sim = sim_new(false, NULL);

	sim_set_offer(sim, offer);
	sim_acquire(sim, 0, 1);
	sim_run(sim, 100);
	assert_established(sim, 2 * offer->n_suites);
	for (size_t i = 0; i < sim_count_sas(sim, 0); i++) {
		const struct sim_sa *sa = &sim->hosts[0].sas[i];

		assert_int_equal(sa->keys.cipher_key_len,
				 ike_cipher_key_len(sa->suite.cipher, sa->suite.key_bits));
		assert_int_equal(sa->keys.hash_key_len, ike_hash_len(sa->suite.hash));
	}
	sim_free(sim);
}

static void test_all_esp_suites(void **state)
{
	static const struct {
		enum ike_cipher cipher;
		unsigned int key_bits;
	} ciphers[] = { { IKE_CIPHER_NULL, 0 },	     { IKE_CIPHER_DES, 0 },
			{ IKE_CIPHER_3DES, 0 },	     { IKE_CIPHER_AES_CBC, 128 },
			{ IKE_CIPHER_AES_CBC, 192 }, { IKE_CIPHER_AES_CBC, 256 } };
	struct ike_qm_offer offer;

	(void)state;
	for (size_t c = 0; c < sizeof(ciphers) / sizeof(ciphers[0]); c++) {
		/* ESP-null without authentication would be nothing at all. */
		for (int h = c ? IKE_HASH_NONE : IKE_HASH_MD5; h < IKE_HASH_COUNT; h++) {
			offer = sim_esp(ciphers[c].cipher, ciphers[c].key_bits, (enum ike_hash)h);
			assert_quick_mode(&offer);
		}
	}
	for (unsigned int bits = 128; bits <= 256; bits += 64) {
		offer = sim_esp(IKE_CIPHER_AES_GCM_16, bits, IKE_HASH_NONE);
		assert_quick_mode(&offer);
	}
}

static void test_all_ah_suites(void **state)
{
	struct ike_qm_offer offer;

	(void)state;
	for (int h = IKE_HASH_MD5; h < IKE_HASH_COUNT; h++) {
		offer = sim_ah((enum ike_hash)h);
		assert_quick_mode(&offer);
	}
}

static void test_ah_and_esp_together(void **state)
{
	struct ike_qm_offer offer = sim_ah(IKE_HASH_SHA1);

	(void)state;
	offer.suites[1] = (struct ike_suite){ IKE_PROTOCOL_ESP, IKE_CIPHER_3DES, 0, IKE_HASH_MD5 };
	offer.n_suites = 2;
	assert_quick_mode(&offer);
}

/* With PFS the keys depend on another key exchange of the group, in messages 1 and 2. */
static void test_pfs_groups(void **state)
{
	static const uint16_t groups[] = { 1,  2,  5,  14, 15, 16, 17,
					   18, 19, 20, 21, IKE_GROUP_MAIN_MODE };

	(void)state;
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		struct ike_qm_offer offer = sim_esp(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1);
		struct sim *sim = sim_new(false, NULL);

		offer.pfs_group = groups[g];
		sim_set_offer(sim, &offer);
		sim_acquire(sim, 0, 1);
		sim_run(sim, 1000);
		assert_established(sim, 2);
		assert_int_equal(sim->hosts[1].sas[0].install.pfs_group,
				 groups[g] == IKE_GROUP_MAIN_MODE ? IKE_GROUP_ECP256 : groups[g]);
		/* Main mode's and quick mode's key pairs and secrets, on each side. */
		assert_int_equal(sim_stats(sim, 0).dh_operations, 4);
		sim_free(sim);
	}
}

/* One side wants PFS, the other has no opinion: it is done. One insists on another: it fails. */
static void test_pfs_of_one_side(void **state)
{
	static const struct {
		uint16_t initiator, responder;
		bool is_ok;
	} rows[] = {
		{ 14, IKE_GROUP_NONE, true },
		{ IKE_GROUP_NONE, 14, false },
		{ 14, 2, false },
		{ 19, IKE_GROUP_MAIN_MODE, true },
		{ 14, IKE_GROUP_MAIN_MODE, false },
		{ IKE_GROUP_NONE, IKE_GROUP_MAIN_MODE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *sim = sim_new(false, NULL);

		sim->hosts[0].qm.offers[0].pfs_group = rows[i].initiator;
		sim->hosts[1].qm.offers[0].pfs_group = rows[i].responder;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_int_equal(sim_result(sim, 0, 1)->reason == IKE_REASON_OK, rows[i].is_ok);
		assert_int_equal(sim_count_sas(sim, 0), rows[i].is_ok ? 2 : 0);
		assert_int_equal(sim_count_sas(sim, 1), rows[i].is_ok ? 2 : 0);
		sim_free(sim);
	}
}

static void test_ipv6(void **state)
{
	struct sim *sim = sim_new(true, NULL);

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_established(sim, 2);
	assert_int_equal(sim->hosts[1].last_query.local_prefix, 128);
	assert_true(ip_addr_is_equal(&sim->hosts[1].last_query.remote, &sim->hosts[0].addr));
	sim_free(sim);
}

/* The first of the initiator's that the responder accepts, whatever the responder's order is. */
static void test_several_main_mode_proposals(void **state)
{
	static const struct ike_mm_proposal a = { IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256, 14 };
	static const struct ike_mm_proposal b = { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 };
	static const struct ike_mm_proposal c = { IKE_CIPHER_DES, 0, IKE_HASH_MD5, 1 };
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].mm.proposals[0] = a;
	sim->hosts[0].mm.proposals[1] = b;
	sim->hosts[0].mm.proposals[2] = c;
	sim->hosts[0].mm.n_proposals = 3;
	sim->hosts[1].mm.proposals[0] = c;
	sim->hosts[1].mm.proposals[1] = b;
	sim->hosts[1].mm.n_proposals = 2;
	sim->hosts[0].mm.auth[0] = IKE_AUTH_RSA_SIG;
	sim->hosts[0].mm.auth[1] = IKE_AUTH_PSK;
	sim->hosts[0].mm.n_auth = 2;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_established(sim, 2);
	sim_free(sim);
}

static bool keep_info(void *userdata, const struct ike_mm_info *info)
{
	*(struct ike_mm_info *)userdata = *info;
	return true;
}

static void test_first_common_proposal_wins(void **state)
{
	static const struct ike_mm_proposal weak = { IKE_CIPHER_DES, 0, IKE_HASH_MD5, 1 };
	static const struct ike_mm_proposal strong = { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 };
	struct ike_mm_info info;

	(void)state;
	for (int is_weak_first = 0; is_weak_first <= 1; is_weak_first++) {
		struct sim *sim = sim_new(false, NULL);

		for (size_t i = 0; i < SIM_HOSTS; i++) {
			/* The responder's own order is the other way round. */
			bool is_weak = (i == 0) == is_weak_first;

			sim->hosts[i].mm.proposals[0] = is_weak ? weak : strong;
			sim->hosts[i].mm.proposals[1] = is_weak ? strong : weak;
			sim->hosts[i].mm.n_proposals = 2;
		}
		sim_acquire(sim, 0, 1);
		sim_run(sim, 1000);
		for (size_t i = 0; i < SIM_HOSTS; i++) {
			ike_engine_for_each_mm(sim->hosts[i].engine, sim->now, keep_info, &info);
			assert_int_equal(info.proposal.cipher,
					 is_weak_first ? IKE_CIPHER_DES : IKE_CIPHER_3DES);
			assert_int_equal(info.auth, IKE_AUTH_PSK);
			assert_int_equal(info.state, IKE_MM_STATE_ESTABLISHED);
		}
		sim_free(sim);
	}
}

/* ESP and AH as alternatives: an SPI for each is reserved, the one not used goes back. */
static void test_several_quick_mode_offers(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].qm.offers[0] = sim_esp(IKE_CIPHER_AES_GCM_16, 256, IKE_HASH_NONE);
	sim->hosts[0].qm.offers[1] = sim_esp(IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256);
	sim->hosts[0].qm.offers[2] = sim_ah(IKE_HASH_SHA1);
	sim->hosts[0].qm.offers[3] = sim_esp(IKE_CIPHER_DES, 0, IKE_HASH_MD5);
	sim->hosts[0].qm.n_offers = 4;
	sim->hosts[1].qm.offers[0] = sim_esp(IKE_CIPHER_DES, 0, IKE_HASH_MD5);
	sim->hosts[1].qm.offers[1] = sim_ah(IKE_HASH_SHA1);
	sim->hosts[1].qm.n_offers = 2;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_established(sim, 2);
	assert_int_equal(sim->hosts[0].sas[0].protocol, IKE_PROTOCOL_AH);
	assert_int_equal(sim_stats(sim, 0).total_get_spi, 2);
	sim_free(sim);
}

/* Answers given inside the op, or much later, make no difference. */
static void test_answers_inside_ops(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].answer = SIM_ANSWER_AT_ONCE;
	sim->hosts[1].answer = SIM_ANSWER_AT_ONCE;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_established(sim, 2);
	sim_free(sim);
}

/* One main mode carries all quick modes; acquires for the same traffic share one of them. */
static void test_acquires_share_main_mode(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (uint16_t i = 1; i <= 50; i++)
		assert_int_equal(sim_acquire_port(sim, 0, i, i), 0);
	for (uint16_t i = 1; i <= 50; i++)
		assert_int_equal(sim_acquire_port(sim, 0, 100 + i, i), 0);
	assert_int_equal(sim_stats(sim, 0).active_acquire, 100);
	sim_run(sim, 2000);
	assert_int_equal(count_sent(sim, 2), 6);
	assert_int_equal(count_sent(sim, 32), 3 * 50);
	assert_established(sim, 100);
	assert_int_equal(sim->hosts[0].n_results, 100);
	for (uint64_t i = 1; i <= 50; i++) {
		assert_int_equal(sim_result(sim, 0, i)->reason, IKE_REASON_OK);
		assert_int_equal(sim_result(sim, 0, 100 + i)->reason, IKE_REASON_OK);
	}
	assert_int_equal(sim_stats(sim, 0).active_acquire, 0);
	/* And the next one too. */
	assert_int_equal(sim_acquire_port(sim, 0, 500, 500), 0);
	sim_run(sim, 1000);
	assert_int_equal(count_sent(sim, 2), 6);
	assert_established(sim, 102);
	sim_free(sim);
}

/* The other side can start quick modes under the same main mode. */
static void test_responder_becomes_initiator(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim_acquire_port(sim, 0, 1, 80);
	sim_run(sim, 1000);
	sim_acquire_port(sim, 1, 2, 443);
	sim_run(sim, 1000);
	assert_int_equal(count_sent(sim, 2), 6);
	assert_established(sim, 4);
	assert_int_equal(sim->hosts[0].last_query.local_port, 443);
	assert_int_equal(sim->hosts[0].last_query.remote_port, 0);
	assert_int_equal(sim->hosts[0].last_query.protocol, 6);
	sim_free(sim);
}

/* The shorter life counts on both sides; the responder says so when it is its own. */
static void test_lifetimes(void **state)
{
	static const struct {
		uint32_t initiator_s, responder_s, want_s;
		uint32_t initiator_kb, responder_kb, want_kb;
	} rows[] = {
		{ 3600, 900, 900, 100000, 50000, 50000 },
		{ 900, 3600, 900, 50000, 100000, 50000 },
		{ 3600, 0, 3600, 100000, 0, 100000 },	/* 0: takes the peer's */
		{ 0, 0, 28800, 0, 0, 0 },		/* nothing said: 8 hours, no limit */
		{ 0, 900, 900, 0, 20480, 20480 },
		{ 1, 3600, 60, 5, 100000, 100000 },	/* nobody renews every second for it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *sim = sim_new(false, NULL);
		const struct ike_sa_install *install = &sim->hosts[1].sas[0].install;

		sim->hosts[0].qm.offers[0].life_seconds = rows[i].initiator_s;
		sim->hosts[0].qm.offers[0].life_kbytes = rows[i].initiator_kb;
		sim->hosts[1].qm.offers[0].life_seconds = rows[i].responder_s;
		sim->hosts[1].qm.offers[0].life_kbytes = rows[i].responder_kb;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 1000);
		assert_established(sim, 2);
		assert_int_equal(install->life_seconds, rows[i].want_s);
		assert_int_equal(install->life_bytes, (uint64_t)rows[i].want_kb * 1024);
		/* The side that began renews first. */
		assert_in_range(install->soft_seconds, rows[i].want_s / 100 * 94,
				rows[i].want_s / 100 * 96 + 60);
		install = &sim->hosts[0].sas[0].install;
		assert_in_range(install->life_seconds, 1, rows[i].want_s);
		assert_true(install->soft_seconds <= install->life_seconds * 91 / 100);
		sim_free(sim);
	}
}

static void test_keylog_only_on_request(void **state)
{
	struct ike_config config = { .keylog = true };

	(void)state;
	for (int is_on = 0; is_on <= 1; is_on++) {
		struct sim *sim = sim_new(false, is_on ? &config : NULL);

		sim_acquire(sim, 0, 1);
		sim_run(sim, 1000);
		/* Main mode's key and the SAs. */
		assert_int_equal(sim->hosts[0].n_keylogs, is_on ? 2 : 0);
		assert_int_equal(sim->hosts[1].n_keylogs, is_on ? 2 : 0);
		assert_memory_equal(sim->hosts[0].last_ka, sim->hosts[1].last_ka, 32);
		sim_free(sim);
	}
}

/* Key pairs made in idle moments are used up by negotiations. */
static void test_idle_work(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	unsigned int n = 0;

	(void)state;
	assert_false(ike_engine_idle(sim->hosts[0].engine, sim->now));
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	while (ike_engine_idle(sim->hosts[0].engine, sim->now)) {
		assert_true(++n < 100);
		/* one at a time */
		assert_false(ike_engine_idle(sim->hosts[0].engine, sim->now));
		sim_run(sim, 1);
	}
	assert_int_equal(n, 4);
	sim_free(sim);
}

static void test_bad_acquires_are_refused(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct sim_host *host = &sim->hosts[0];
	struct ike_mm_policy mm = host->mm;
	struct ike_qm_policy qm = host->qm;

	(void)state;
	assert_int_equal(sim_acquire(sim, 0, 0), -22);
	host->mm.n_proposals = 0;
	assert_int_equal(sim_acquire(sim, 0, 1), -22);
	host->mm = mm;
	host->mm.proposals[0].cipher = IKE_CIPHER_AES_GCM_16;
	assert_int_equal(sim_acquire(sim, 0, 1), -22);
	host->mm = mm;
	host->mm.proposals[0].group = 22;
	assert_int_equal(sim_acquire(sim, 0, 1), -22);
	host->mm = mm;
	host->qm.offers[0].suites[0].hash = IKE_HASH_NONE;
	host->qm.offers[0].suites[0].cipher = IKE_CIPHER_NULL;
	assert_int_equal(sim_acquire(sim, 0, 1), -22);
	host->qm = qm;
	host->qm.n_offers = IKE_QM_OFFERS_MAX + 1;
	assert_int_equal(sim_acquire(sim, 0, 1), -22);
	host->qm = qm;
	assert_int_equal(sim_acquire(sim, 0, 1), 0);
	assert_int_equal(sim_acquire_port(sim, 0, 1, 5), -17);
	/* None of them has left anything behind. */
	assert_int_equal(sim_stats(sim, 0).active_acquire, 1);
	assert_int_equal(sim_stats(sim, 0).total_acquire, 1);
	sim_free(sim);
}

/* Nobody waits any more: nothing is reported, and what has not begun does not begin. */
static void test_cancelled_acquire(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim_acquire(sim, 0, 1);
	assert_int_equal(ike_engine_cancel_acquire(sim->hosts[0].engine, sim->now, 1), 0);
	assert_int_equal(ike_engine_cancel_acquire(sim->hosts[0].engine, sim->now, 1), -2);
	sim_run(sim, 5000);
	assert_null(sim_result(sim, 0, 1));
	assert_int_equal(count_sent(sim, 32), 0);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "K01 K06 F13 main mode and quick mode with a preshared key",
		  test_main_and_quick_mode, NULL, NULL, NULL },
		{ "K01 SAs are installed in an order that loses nothing",
		  test_order_of_installation, NULL, NULL, NULL },
		{ "K01 no message 2 without the inbound SA",
		  test_no_message_2_without_inbound_sa, NULL, NULL, NULL },
		{ "K12 K13 every cipher, hash and group of main mode",
		  test_all_main_mode_algorithms, NULL, NULL, NULL },
		{ "F19 F20 F21 every ESP suite", test_all_esp_suites, NULL, NULL, NULL },
		{ "F15 F20 every AH suite", test_all_ah_suites, NULL, NULL, NULL },
		{ "F18 AH and ESP together", test_ah_and_esp_together, NULL, NULL, NULL },
		{ "K18 K19 PFS with every group, and with main mode's", test_pfs_groups, NULL,
		  NULL, NULL },
		{ "K18 K19 PFS wanted by one side", test_pfs_of_one_side, NULL, NULL, NULL },
		{ "K01 over IPv6", test_ipv6, NULL, NULL, NULL },
		{ "K10 K12 several proposals and methods in order",
		  test_several_main_mode_proposals, NULL, NULL, NULL },
		{ "K21 the first common proposal in the initiator's order",
		  test_first_common_proposal_wins, NULL, NULL, NULL },
		{ "K21 ESP and AH as alternatives", test_several_quick_mode_offers, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_answers_inside_ops),
		{ "K01 acquires share one main mode", test_acquires_share_main_mode, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_responder_becomes_initiator),
		{ "K20 lifetimes: the shorter one counts", test_lifetimes, NULL, NULL, NULL },
		cmocka_unit_test(test_keylog_only_on_request),
		cmocka_unit_test(test_idle_work),
		cmocka_unit_test(test_bad_acquires_are_refused),
		cmocka_unit_test(test_cancelled_acquire),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
