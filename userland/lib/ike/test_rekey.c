// SPDX-License-Identifier: MIT
/* The life of SAs after they were made: renewal, deletes, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/sim.h"

static size_t count_sent(const struct sim *sim, size_t host, uint8_t exchange)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->n_trace; i++)
		n += sim->trace[i].step == SIM_STEP_SEND && sim->trace[i].host == host &&
		     sim->trace[i].exchange == exchange;
	return n;
}

static struct sim *established(void)
{
	struct sim *sim = sim_new(false, NULL);

	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	return sim;
}

/* The driver of the host says that the pair's outbound SA has come to a limit. */
static int expire(struct sim *sim, size_t host, enum ike_expire_kind kind, size_t nth)
{
	for (size_t i = 0; i < sim->hosts[host].n_sas; i++) {
		const struct sim_sa *sa = &sim->hosts[host].sas[i];

		if (!sa->is_inbound && !nth--)
			return ike_engine_expire(sim->hosts[host].engine, sim->now, kind,
						 IKE_DIRECTION_OUT, &sim->hosts[!host].addr,
						 sa->protocol, sa->spi);
	}
	fail_msg("no such SA");
	return 0;
}

static bool has_spi(const struct sim *sim, size_t host, uint32_t spi)
{
	for (size_t i = 0; i < sim->hosts[host].n_sas; i++) {
		if (sim->hosts[host].sas[i].spi == spi)
			return true;
	}
	return false;
}

/* A new pair first, the old one goes five seconds later on both sides: never without SAs. */
static void test_quick_mode_renewal(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = established();
		uint32_t old = sim->hosts[0].sas[0].spi;

		assert_int_equal(expire(sim, who, IKE_EXPIRE_SOFT, 0), 0);
		sim_run(sim, 1000);
		assert_int_equal(sim_count_sas(sim, 0), 4);
		assert_true(has_spi(sim, 0, old));
		assert_int_equal(sim_stats(sim, who).rekeys, 1);
		sim_run(sim, 10000);
		assert_int_equal(sim_count_sas(sim, 0), 2);
		assert_false(has_spi(sim, 0, old));
		assert_true(sim_has_matching_sas(sim));
		/* The same main mode; the delete came from the side that renewed, and was answered. */
		assert_int_equal(sim_stats(sim, 0).main_modes, 1);
		assert_int_equal(count_sent(sim, who, 5), 1);
		assert_int_equal(count_sent(sim, !who, 5), 1);
		assert_int_equal(sim_count_events(sim, 0, IKE_EVENT_QM_DELETED), 1);
		assert_int_equal(sim_count_events(sim, 1, IKE_EVENT_QM_DELETED), 1);
		sim_free(sim);
	}
}

/* The limits of the pair's SAs: soft ones in parts of a hundred of the hard one. */
static void check_limits(const struct sim *sim, size_t host)
{
	const struct ike_sa_install *i = &sim->hosts[host].sas[0].install;
	uint64_t percent = i->life_bytes / 100;

	assert_int_equal(i->life_seconds, 3600);
	assert_int_equal(i->life_bytes, 100000 * 1024);
	/* After an hour the initiator begins; after 100 MB whoever has sent them. */
	assert_in_range(i->soft_seconds, host ? 3420 : 3060, host ? 3420 : 3240);
	assert_in_range(i->soft_bytes, percent * 85, percent * 90);
	assert_int_equal(i->soft_bytes_in, percent * 95);
}

static void test_who_renews(void **state)
{
	struct sim *sim = established();

	(void)state;
	check_limits(sim, 0);
	check_limits(sim, 1);
	assert_int_equal(sim->hosts[0].sas[0].install.idle_seconds, 0);
	sim_free(sim);
}

/* Both hosts are taken for members of a cluster: their draft-02 id is replaced by that one. */
static struct sim_fate make_cluster(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t draft_02[] = { 0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e,
					    0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f };
	static const uint8_t nlbs[] = { 0x72, 0x87, 0x2b, 0x95, 0xfc, 0xda, 0x2e, 0xb7,
					0x08, 0xef, 0xe3, 0x22, 0x11, 0x9b, 0x49, 0x71 };

	(void)sim;
	(void)from;
	for (size_t i = WIRE_HEADER_LEN; i + 16 <= len; i++) {
		if (!memcmp(data + i, draft_02, 16))
			memcpy(data + i, nlbs, 16);
	}
	return (struct sim_fate){ .delay = 1 };
}

static void test_cluster(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->network = make_cluster;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	for (size_t i = 0; i < SIM_HOSTS; i++)
		assert_int_equal(sim->hosts[i].sas[0].install.idle_seconds, 60);
	sim_free(sim);
}

/* A soft limit is reported for time and bytes, and by the other SA of the pair: one renewal. */
static void test_one_renewal_at_a_time(void **state)
{
	struct sim *sim = established();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(expire(sim, 0, IKE_EXPIRE_SOFT, 0), 0);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 0), 4);
	/* Of the pair that has been replaced it means nothing. */
	expire(sim, 0, IKE_EXPIRE_SOFT, 0);
	expire(sim, 0, IKE_EXPIRE_SOFT, 1);
	sim_run(sim, 1000);
	assert_in_range(sim_count_sas(sim, 0), 4, 6);
	sim_run(sim, 60000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

static void test_renewal_from_both_sides(void **state)
{
	struct sim *sim = established();

	(void)state;
	expire(sim, 0, IKE_EXPIRE_SOFT, 0);
	expire(sim, 1, IKE_EXPIRE_SOFT, 0);
	sim_run(sim, 2000);
	assert_true(sim_count_sas(sim, 0) >= 4);
	assert_true(sim_has_matching_sas(sim));
	sim_run(sim, 60000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* Policy has changed meanwhile: no successor, and the pair lives on to its end. */
static void test_renewal_without_policy(void **state)
{
	struct sim *sim = established();

	(void)state;
	sim->hosts[0].has_qm_policy = false;
	expire(sim, 0, IKE_EXPIRE_SOFT, 0);
	sim_run(sim, 10000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_QM_FAILED)->reason,
			 IKE_REASON_NO_POLICY);
	/* It may be tried again. */
	sim->hosts[0].has_qm_policy = true;
	expire(sim, 0, IKE_EXPIRE_SOFT, 0);
	sim_run(sim, 10000);
	assert_int_equal(sim_stats(sim, 0).rekeys, 1);
	sim_free(sim);
}

static void test_hard_limit_and_idleness(void **state)
{
	static const enum ike_expire_kind kinds[] = { IKE_EXPIRE_HARD, IKE_EXPIRE_IDLE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sim *sim = established();

		assert_int_equal(expire(sim, 0, kinds[i], 0), 0);
		sim_run(sim, 1000);
		assert_int_equal(sim_count_sas(sim, 0), 0);
		assert_int_equal(sim_count_sas(sim, 1), 0);
		assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_QM_DELETED)->failed_at_peer,
				 true);
		assert_int_equal(sim_count_mms(sim, 0), 1);
		sim_free(sim);
	}
}

static void test_expiry_of_unknown_sas(void **state)
{
	struct sim *sim = established();
	struct ike_engine *engine = sim->hosts[0].engine;

	(void)state;
	assert_int_equal(ike_engine_expire(engine, sim->now, IKE_EXPIRE_SOFT, IKE_DIRECTION_IN,
					   &sim->hosts[1].addr, IKE_PROTOCOL_ESP, 0x999999),
			 -2);
	assert_int_equal(ike_engine_expire(engine, sim->now, IKE_EXPIRE_SOFT, IKE_DIRECTION_IN,
					   &sim->hosts[0].addr, IKE_PROTOCOL_ESP,
					   sim->hosts[0].sas[0].spi),
			 -2);
	sim_free(sim);
}

/* The driver never says a word: the pair does not stay for ever. */
static void test_overdue_pair(void **state)
{
	struct sim *sim = established();

	(void)state;
	sim_run(sim, 3600000 + 120000);
	assert_int_equal(sim_count_sas(sim, 0), 0);
	assert_int_equal(sim_count_sas(sim, 1), 0);
	sim_free(sim);
}

/* --- deletes -------------------------------------------------------------------------------- */

static void test_delete_pair(void **state)
{
	struct sim *sim = established();
	uint64_t id = sim->hosts[1].sas[0].qm_id;

	(void)state;
	assert_int_equal(ike_engine_delete_qm(sim->hosts[1].engine, sim->now, id,
					      IKE_REASON_DELETED_BY_ADMIN),
			 0);
	assert_int_equal(ike_engine_delete_qm(sim->hosts[1].engine, sim->now, id,
					      IKE_REASON_DELETED_BY_ADMIN),
			 -2);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 0), 0);
	assert_int_equal(sim_count_sas(sim, 1), 0);
	assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_QM_DELETED)->reason,
			 IKE_REASON_DELETED_BY_ADMIN);
	sim_free(sim);
}

static bool keep_id(void *userdata, const struct ike_mm_info *info)
{
	*(uint64_t *)userdata = info->mm_id;
	return false;
}

/* The SAs of a deleted main mode stay; the next acquire makes a new one. */
static void test_delete_main_mode(void **state)
{
	struct sim *sim = established();
	uint64_t id = 0;

	(void)state;
	ike_engine_for_each_mm(sim->hosts[0].engine, sim->now, keep_id, &id);
	assert_int_equal(ike_engine_delete_mm(sim->hosts[0].engine, sim->now, id,
					      IKE_REASON_DELETED_BY_ADMIN),
			 0);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_mms(sim, 0), 0);
	assert_int_equal(sim_count_mms(sim, 1), 0);
	assert_int_equal(sim_count_events(sim, 1, IKE_EVENT_MM_DELETED), 1);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	sim_acquire_port(sim, 0, 2, 80);
	sim_run(sim, 1000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 2);
	assert_int_equal(sim_count_sas(sim, 0), 4);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* Of host 1's next main mode three messages arrive, and no more. */
struct stalled {
	uint8_t icookie[8];
	size_t n;
};

static struct sim_fate stall(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct stalled *stalled = sim->network_data;

	(void)from;
	assert_true(len >= sizeof(stalled->icookie));
	if (!stalled->n)
		memcpy(stalled->icookie, data, sizeof(stalled->icookie));
	if (memcmp(stalled->icookie, data, sizeof(stalled->icookie)) != 0)
		return (struct sim_fate){ .delay = 1 };
	return (struct sim_fate){ .is_lost = stalled->n++ >= 3, .delay = 1 };
}

/*
 * Policy refuses us another main mode while the peer's has come to a halt: that is waited for, and policy
 * is not asked again and again meanwhile.
 */
static void test_refused_beside_a_halted_one(void **state)
{
	struct stalled stalled = { 0 };
	struct sim *sim = established();
	struct sim_host *host = &sim->hosts[0];
	uint64_t id = 0;
	size_t n_asked;

	(void)state;
	ike_engine_for_each_mm(host->engine, sim->now, keep_id, &id);
	sim_restart(sim, 1, NULL);
	sim->network = stall;
	sim->network_data = &stalled;
	sim_acquire(sim, 1, 2);
	sim_run(sim, 500);
	assert_true(stalled.n > 3);
	host->has_mm_policy = false;
	n_asked = host->n_asked[SIM_QUESTION_POLICY_MM];
	sim_acquire_port(sim, 0, 3, 80);
	assert_int_equal(ike_engine_delete_mm(host->engine, sim->now, id,
					      IKE_REASON_DELETED_BY_ADMIN), 0);
	sim_run(sim, 1000);
	assert_int_equal(host->n_asked[SIM_QUESTION_POLICY_MM], n_asked + 1);
	assert_null(sim_result(sim, 0, 3));
	sim_run(sim, 120000);
	assert_int_not_equal(sim_result(sim, 0, 3)->reason, IKE_REASON_OK);
	assert_int_equal(host->n_asked[SIM_QUESTION_POLICY_MM], n_asked + 1);
	sim_free(sim);
}

static void test_delete_peer_and_flush(void **state)
{
	(void)state;
	for (int is_flush = 0; is_flush <= 1; is_flush++) {
		struct sim *sim = established();
		struct sim_host *host = &sim->hosts[0];

		sim_acquire_port(sim, 0, 2, 80);
		sim_run(sim, 1000);
		/* One that is not done yet is told as well. */
		sim_acquire_port(sim, 0, 3, 81);
		if (is_flush)
			ike_engine_flush(host->engine, sim->now, IKE_REASON_SHUTTING_DOWN);
		else
			assert_int_equal(ike_engine_delete_peer(host->engine, sim->now,
								&host->addr, &sim->hosts[1].addr,
								IKE_REASON_SHUTTING_DOWN),
					 0);
		assert_int_equal(sim_result(sim, 0, 3)->reason, IKE_REASON_SHUTTING_DOWN);
		assert_int_equal(sim_stats(sim, 0).isadb_list_size, 0);
		assert_int_equal(sim_stats(sim, 0).connection_list_size, 0);
		sim_run(sim, 60000);
		for (size_t i = 0; i < SIM_HOSTS; i++) {
			assert_int_equal(sim_count_sas(sim, i), 0);
			assert_int_equal(sim->hosts[i].n_larval, 0);
			assert_int_equal(sim_count_mms(sim, i), 0);
		}
		/* It goes on working. */
		sim_acquire(sim, 0, 4);
		sim_run(sim, 1000);
		assert_int_equal(sim_result(sim, 0, 4)->reason, IKE_REASON_OK);
		sim_free(sim);
	}
}

static void test_delete_filter(void **state)
{
	struct sim *sim = established();
	struct sim_host *host = &sim->hosts[0];

	(void)state;
	host->qm.filter_id = 8;
	sim_acquire_port(sim, 0, 2, 80);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 0), 4);
	ike_engine_delete_filter(host->engine, sim->now, 7, IKE_REASON_POLICY_CHANGE);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	assert_int_equal(host->sas[0].install.filter_id, 8);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_QM_DELETED)->reason,
			 IKE_REASON_POLICY_CHANGE);
	sim_free(sim);
}

/* --- main modes ----------------------------------------------------------------------------- */

/* With SAs to look after it is renewed before its end; the old one goes ten seconds later. */
static void test_main_mode_renewal(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++)
		sim->hosts[i].mm.life_seconds = 100;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 84000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 1);
	sim_run(sim, 7000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 2);
	assert_int_equal(sim_stats(sim, 1).main_modes, 2);
	sim_run(sim, 12000);
	assert_int_equal(sim_count_mms(sim, 0), 1);
	assert_int_equal(sim_count_mms(sim, 1), 1);
	/* The SAs have not noticed, and can be renewed under the new one. */
	assert_true(sim_has_matching_sas(sim));
	expire(sim, 0, IKE_EXPIRE_SOFT, 0);
	sim_run(sim, 10000);
	assert_int_equal(sim_stats(sim, 0).rekeys, 1);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* With SAs by which nothing moves it ends; what is wanted later begins anew. */
static void test_main_mode_of_idle_pair(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		sim->hosts[i].mm.life_seconds = 100;
		sim->hosts[i].is_idle = true;
	}
	sim_acquire(sim, 0, 1);
	sim_run(sim, 110000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 1);
	assert_int_equal(sim_count_mms(sim, 0), 0);
	assert_int_equal(sim_count_mms(sim, 1), 0);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_int_equal(expire(sim, 0, IKE_EXPIRE_SOFT, 0), 0);
	sim_run(sim, 10000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 2);
	assert_int_equal(sim_stats(sim, 0).rekeys, 1);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* Somebody asks while the question is open whether anything moves: not the same question. */
static void test_asked_while_idle(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].mm.life_seconds = sim->hosts[1].mm.life_seconds = 100;
	sim->hosts[0].mm.qm_limit = 1;
	sim->hosts[0].is_idle = sim->hosts[1].is_idle = true;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 84000);
	sim->hosts[0].answer = SIM_ANSWER_NEVER;
	sim_run(sim, 8000);
	sim->hosts[0].answer = SIM_ANSWER_LATER;
	sim_acquire_port(sim, 0, 2, 80);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	sim_free(sim);
}

/* Without SAs it ends, and nothing happens until somebody asks. */
static void test_main_mode_expires_unused(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++)
		sim->hosts[i].mm.life_seconds = 100;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	expire(sim, 0, IKE_EXPIRE_HARD, 0);
	sim_run(sim, 120000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 1);
	assert_int_equal(sim_count_mms(sim, 0), 0);
	assert_int_equal(sim_count_mms(sim, 1), 0);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_DELETED)->reason, IKE_REASON_EXPIRED);
	sim_free(sim);
}

static bool keep_life(void *userdata, const struct ike_mm_info *info)
{
	*(uint32_t *)userdata = info->life_seconds;
	return false;
}

/* The shorter life counts, and the initiator hears of it (RESPONDER-LIFETIME), so it renews. */
static void test_main_mode_lives_differ(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].mm.life_seconds = 28800;
	sim->hosts[1].mm.life_seconds = 100;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		uint32_t life = 0;

		ike_engine_for_each_mm(sim->hosts[i].engine, sim->now, keep_life, &life);
		assert_int_equal(life, 100);
	}
	sim_run(sim, 90000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 2);
	sim_run(sim, 30000);
	assert_true(sim_has_matching_sas(sim));
	assert_int_equal(sim_count_sas(sim, 0), 2);
	sim_free(sim);
}

/* Limit 2: the third quick mode needs a new main mode. Limit 1: each one does (master PFS). */
static void test_quick_mode_limit(void **state)
{
	(void)state;
	for (uint32_t limit = 1; limit <= 2; limit++) {
		struct sim *sim = sim_new(false, NULL);

		for (size_t i = 0; i < SIM_HOSTS; i++)
			sim->hosts[i].mm.qm_limit = limit;
		for (uint16_t i = 1; i <= 6; i++) {
			sim_acquire_port(sim, 0, i, i);
			sim_run(sim, 1000);
			assert_int_equal(sim_result(sim, 0, i)->reason, IKE_REASON_OK);
			assert_int_equal(sim_stats(sim, 0).main_modes, (i + limit - 1) / limit);
		}
		assert_int_equal(sim_count_sas(sim, 0), 12);
		assert_true(sim_has_matching_sas(sim));
		sim_free(sim);
	}
}

/* Master PFS makes a main mode for each quick mode; they do not pile up without end. */
static void test_many_used_up_main_modes(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++)
		sim->hosts[i].mm.qm_limit = 1;
	for (uint16_t i = 1; i <= 50; i++) {
		sim_acquire_port(sim, 0, i, i);
		sim_run(sim, 1000);
		assert_int_equal(sim_result(sim, 0, i)->reason, IKE_REASON_OK);
		assert_true(sim_count_mms(sim, 0) <= 32);
		assert_true(sim_count_mms(sim, 1) <= 32);
	}
	assert_int_equal(sim_count_sas(sim, 0), 100);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* All at once they are spread over as many main modes as it takes. */
static void test_quick_mode_limit_in_parallel(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++)
		sim->hosts[i].mm.qm_limit = 2;
	for (uint16_t i = 1; i <= 6; i++)
		sim_acquire_port(sim, 0, i, i);
	sim_run(sim, 5000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 3);
	assert_int_equal(sim_count_sas(sim, 0), 12);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* Only the responder has a limit: it holds, and the initiator gets its SAs all the same. */
static void test_quick_mode_limit_of_responder(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[1].mm.qm_limit = 1;
	for (uint16_t i = 1; i <= 3; i++) {
		sim_acquire_port(sim, 0, i, i);
		sim_run(sim, 2000);
		assert_int_equal(sim_result(sim, 0, i)->reason, IKE_REASON_OK);
	}
	assert_int_equal(sim_stats(sim, 1).main_modes, 3);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* --- restarts ------------------------------------------------------------------------------- */

/* The peer comes back without memory: what was there before goes away, what is new stays. */
static void test_initial_contact(void **state)
{
	struct sim *sim = established();
	uint32_t old = sim->hosts[1].sas[0].spi;

	(void)state;
	sim_run(sim, 5000);
	sim_restart(sim, 0, NULL);
	sim_acquire(sim, 0, 2);
	sim_run(sim, 1000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	assert_false(has_spi(sim, 1, old));
	assert_true(sim_has_matching_sas(sim));
	assert_int_equal(sim_count_mms(sim, 1), 1);
	assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_QM_DELETED)->reason,
			 IKE_REASON_PEER_LOST);
	sim_free(sim);
}

/* We still have the main mode that the peer has forgotten: silence, then a new one. */
static void test_forgotten_main_mode(void **state)
{
	struct sim *sim = established();

	(void)state;
	sim_run(sim, 60000);
	sim_restart(sim, 1, NULL);
	sim_acquire_port(sim, 0, 2, 80);
	sim_run(sim, 12000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_DELETED)->reason,
			 IKE_REASON_PEER_LOST);
	sim_free(sim);
}

/* Our process is new, the SAs are not: they can still be renewed and deleted. */
static void test_adopted_sas(void **state)
{
	struct sim *sim = established();
	struct ike_sa_install install = sim->hosts[0].sas[0].install;
	struct sim_host *host = &sim->hosts[0];

	(void)state;
	sim_run(sim, 60000);
	sim_restart(sim, 0, NULL);
	host->n_sas = 2;
	assert_int_equal(ike_engine_adopt_sa(host->engine, sim->now, &install), 0);
	assert_int_equal(ike_engine_adopt_sa(host->engine, sim->now, &install), -17);
	/* A new main mode is made for it. */
	assert_int_equal(expire(sim, 0, IKE_EXPIRE_SOFT, 0), 0);
	sim_run(sim, 10000);
	assert_int_equal(sim_stats(sim, 0).main_modes, 1);
	assert_int_equal(sim_stats(sim, 0).rekeys, 1);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* --- informational -------------------------------------------------------------------------- */

static struct ike_mm *mm_of(const struct sim *sim, size_t host)
{
	struct ike_peer *peer = peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
					  &sim->hosts[!host].addr);

	assert_non_null(peer);
	return TAILQ_FIRST(&peer->mms);
}

struct caught {
	uint8_t data[2048];
	size_t len;
	size_t from;
};

static struct sim_fate catch_informational(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct caught *caught = sim->network_data;

	if (from == caught->from && data[18] == WIRE_EXCHANGE_INFORMATIONAL) {
		assert_true(len <= sizeof(caught->data));
		memcpy(caught->data, data, len);
		caught->len = len;
	}
	return (struct sim_fate){ .delay = 1 };
}

/* RFC 3706: the peer asks whether we live, and gets its sequence number back. */
static void test_dpd_is_answered(void **state)
{
	static const uint8_t sequence[4] = { 0x12, 0x34, 0x56, 0x78 };
	struct caught caught = { .from = 1 };
	struct sim *sim = established();
	struct ike_mm *mm = mm_of(sim, 0);
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct wire_message message;
	struct wire_notify notify;
	struct bytes datagram;

	(void)state;
	sim->network = catch_informational;
	sim->network_data = &caught;
	/* HDR*, HASH, N(R-U-THERE) --> */
	notify_send(sim->hosts[0].engine, mm, IKE_PROTOCOL_ISAKMP, (struct bytes){0},
		    IKE_NOTIFY_R_U_THERE, (struct bytes){ sequence, sizeof(sequence) });
	sim_run(sim, 100);
	/* <-- HDR*, HASH, N(R-U-THERE-ACK) */
	datagram = (struct bytes){ caught.data, caught.len };
	assert_int_equal(wire_parse_header(datagram, &message.header), 0);
	assert_int_equal(keys_phase2_iv(mm->keys, mm->iv, message.header.message_id, iv), 0);
	assert_int_equal(exchange_decrypt(sim->hosts[0].engine, mm->keys, iv, datagram,
					  &message.header, &message, iv),
			 0);
	assert_int_equal(message.n_payloads, 2);
	assert_int_equal(message.payloads[1].type, WIRE_PAYLOAD_NOTIFY);
	assert_int_equal(wire_parse_notify(message.payloads[1].body, &notify), 0);
	assert_int_equal(notify.type, IKE_NOTIFY_R_U_THERE_ACK);
	assert_int_equal(notify.spi.len, 16);
	assert_true(bytes_is_equal(notify.data, (struct bytes){ sequence, sizeof(sequence) }));
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "F31 K22 a pair is renewed without a gap", test_quick_mode_renewal, NULL, NULL,
		  NULL },
		{ "K20 K22 the side that began or sent more renews", test_who_renews, NULL, NULL,
		  NULL },
		{ "K23 a cluster's pairs are idle after a minute", test_cluster, NULL, NULL, NULL },
		cmocka_unit_test(test_one_renewal_at_a_time),
		cmocka_unit_test(test_renewal_from_both_sides),
		cmocka_unit_test(test_renewal_without_policy),
		{ "K23 F29 hard limit and idleness end both sides", test_hard_limit_and_idleness,
		  NULL, NULL, NULL },
		cmocka_unit_test(test_expiry_of_unknown_sas),
		cmocka_unit_test(test_overdue_pair),
		cmocka_unit_test(test_delete_pair),
		cmocka_unit_test(test_delete_main_mode),
		cmocka_unit_test(test_refused_beside_a_halted_one),
		cmocka_unit_test(test_delete_peer_and_flush),
		cmocka_unit_test(test_delete_filter),
		{ "K15 main mode is renewed while it has SAs", test_main_mode_renewal, NULL, NULL,
		  NULL },
		{ "K15 the main mode of a pair that nobody uses ends", test_main_mode_of_idle_pair,
		  NULL, NULL, NULL },
		{ "K15 who asks is not refused for idleness", test_asked_while_idle, NULL, NULL,
		  NULL },
		{ "K15 an unused main mode ends", test_main_mode_expires_unused, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_main_mode_lives_differ),
		{ "K16 K17 quick modes per main mode", test_quick_mode_limit, NULL, NULL, NULL },
		{ "K17 used-up main modes do not pile up", test_many_used_up_main_modes, NULL,
		  NULL, NULL },
		{ "K16 the limit holds for quick modes in parallel",
		  test_quick_mode_limit_in_parallel, NULL, NULL, NULL },
		{ "K16 the limit of the responder", test_quick_mode_limit_of_responder, NULL,
		  NULL, NULL },
		cmocka_unit_test(test_initial_contact),
		cmocka_unit_test(test_forgotten_main_mode),
		cmocka_unit_test(test_adopted_sas),
		cmocka_unit_test(test_dpd_is_answered),
	};

	return cmocka_run_group_tests_name("rekey", tests, NULL, NULL);
}
