// SPDX-License-Identifier: MIT
/* Diffie-Hellman in jobs, which take their time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ike/core.h"
#include "ike/dh.h"
#include "ike/dh_ring.h"
#include "ike/job.h"
#include "ike/request.h"
#include "ike/sim.h"

static struct sim *sim_with_pfs(void)
{
	struct ike_qm_offer offer = sim_esp(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1);
	struct sim *sim = sim_new(false, NULL);

	offer.pfs_group = IKE_GROUP_ECP256;
	sim_set_offer(sim, &offer);
	return sim;
}

/* Longer than the peer waits before it repeats itself: nothing is computed or sent twice. */
static void test_slow_jobs(void **state)
{
	struct sim *sim = sim_with_pfs();

	(void)state;
	sim->hosts[0].job_ms = 700;
	sim->hosts[1].job_ms = 1700;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 20000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	assert_true(sim_has_matching_sas(sim));
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim_stats(sim, i).dh_operations, 4);
		assert_int_equal(sim->hosts[i].engine->n_jobs, 0);
	}
	sim_free(sim);
}

static void test_jobs_at_once(void **state)
{
	struct sim *sim = sim_with_pfs();

	(void)state;
	sim->hosts[0].answer = sim->hosts[1].answer = SIM_ANSWER_AT_ONCE;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

/* A host without the op has the engine do the work. */
static void test_host_without_jobs(void **state)
{
	struct sim *sim = sim_with_pfs();

	(void)state;
	sim->hosts[0].engine->ops.job = NULL;
	sim->hosts[1].engine->ops.job = NULL;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_true(sim_has_matching_sas(sim));
	while (ike_engine_idle(sim->hosts[0].engine, sim->now))
		;
	assert_int_equal(dh_ring_wants(sim->hosts[0].engine->ring), 0);
	sim_free(sim);
}

/* What comes back for an exchange that is over counts no longer, and nothing else happens. */
static void test_reply_after_the_end(void **state)
{
	struct sim *sim = sim_with_pfs();

	(void)state;
	sim->hosts[0].job_ms = 100;
	sim_acquire(sim, 0, 1);
	while (!sim->hosts[0].engine->n_jobs)
		sim_run(sim, 1);
	ike_engine_flush(sim->hosts[0].engine, sim->now, IKE_REASON_DELETED_BY_ADMIN);
	assert_int_equal(sim->hosts[0].engine->n_jobs, 1);
	sim_run(sim, 1000);
	assert_int_equal(sim->hosts[0].engine->n_jobs, 0);
	assert_int_equal(sim_count_sas(sim, 0), 0);
	sim_free(sim);
}

static void test_job_that_is_refused(void **state)
{
	struct sim *sim = sim_with_pfs();

	(void)state;
	sim->hosts[1].job_ms = 1000;
	sim_acquire(sim, 0, 1);
	while (!sim->hosts[0].engine->n_jobs && !sim->hosts[1].engine->n_jobs)
		sim_run(sim, 1);
	sim->hosts[0].answer = SIM_ANSWER_ERROR;
	sim_run(sim, 120000);
	assert_int_not_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim->hosts[i].engine->n_jobs, 0);
		assert_int_equal(sim_count_sas(sim, i), 0);
		assert_int_equal(sim->hosts[i].n_larval, 0);
	}
	sim_free(sim);
}

#define JOBS_MAX 5
#define JOBS_PER_SOURCE 2

static int start(struct ike_engine *engine, struct request *request, const struct ip_addr *source)
{
	struct job_order order = { .group = IKE_GROUP_ECP256, .source = source };

	return job_start(engine, request, REQUEST_RING, engine, &order);
}

/* Limits count what is not back, wanted or not. */
static void test_limits(void **state)
{
	struct ike_config config = { .jobs_max = JOBS_MAX, .jobs_per_source = JOBS_PER_SOURCE };
	struct sim *sim = sim_new(false, &config);
	struct ike_engine *engine = sim->hosts[0].engine;
	struct request requests[JOBS_MAX + 2] = { 0 };
	struct ip_addr a, b;

	(void)state;
	assert_int_equal(ip_addr_parse("198.51.100.1", &a), 0);
	assert_int_equal(ip_addr_parse("198.51.100.2", &b), 0);
	sim->hosts[0].job_ms = 10;
	for (size_t i = 0; i < JOBS_PER_SOURCE; i++)
		assert_int_equal(start(engine, &requests[i], &a), 0);
	assert_false(job_has_room(engine, &a));
	assert_int_equal(start(engine, &requests[JOBS_MAX], &a), -EAGAIN);
	assert_true(job_has_room(engine, &b));
	assert_int_equal(start(engine, &requests[2], &b), 0);
	assert_int_equal(start(engine, &requests[3], NULL), 0);
	assert_int_equal(start(engine, &requests[4], NULL), 0);
	assert_false(job_has_room(engine, &b));
	assert_int_equal(start(engine, &requests[JOBS_MAX], NULL), -EAGAIN);
	for (size_t i = 0; i < JOBS_MAX; i++)
		request_cancel(engine, &requests[i]);
	assert_false(job_has_room(engine, NULL));
	sim_run(sim, 10);
	assert_true(job_has_room(engine, &a));
	assert_int_equal(engine->n_jobs, 0);
	sim_free(sim);
}

/*
 * Without room a message that costs a Diffie-Hellman is as good as lost: no state, no answer, and
 * the peer's next attempt finds room.
 */
static void test_no_room_for_a_stranger(void **state)
{
	struct ike_config config = { .jobs_max = 1, .dh_ring = 1 };
	struct sim *sim = sim_new(false, &config);
	struct ike_engine *engine = sim->hosts[1].engine;
	struct request request = { 0 };

	(void)state;
	sim->hosts[1].job_ms = 2000;
	assert_int_equal(start(engine, &request, NULL), 0);
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1900);
	assert_int_equal(engine->n_mms, 0);
	assert_true(sim_stats(sim, 1).rate_limited >= 2);
	assert_int_equal(sim_stats(sim, 1).half_open, 1);
	sim->hosts[1].job_ms = 0;
	sim_run(sim, 10000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	request_cancel(engine, &request);
	sim_free(sim);
}

static void test_unknown_group(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct job_order order = { .group = 22, .key = dh_key_new(IKE_GROUP_ECP256) };
	struct request request = { 0 };

	(void)state;
	assert_int_equal(job_start(sim->hosts[0].engine, &request, REQUEST_QM_KEYS, NULL, &order),
			 -EINVAL);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "K18 key exchanges that take seconds", test_slow_jobs, NULL, NULL, NULL },
		{ "K18 key exchanges at once", test_jobs_at_once, NULL, NULL, NULL },
		{ "a host that runs no jobs", test_host_without_jobs, NULL, NULL, NULL },
		{ "a key exchange for nobody", test_reply_after_the_end, NULL, NULL, NULL },
		{ "a key exchange that the host refuses", test_job_that_is_refused, NULL, NULL,
		  NULL },
		{ "limits in all and per source", test_limits, NULL, NULL, NULL },
		{ "message 3 without room for its key exchange", test_no_room_for_a_stranger, NULL,
		  NULL, NULL },
		{ "a key exchange of an unknown group", test_unknown_group, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
