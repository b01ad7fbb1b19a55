// SPDX-License-Identifier: MIT
/* Negotiations between two engines that go as they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sim.h"
#include "ike/wire.h"

static size_t count_sent(const struct sim *sim, uint8_t exchange)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->n_trace; i++)
		n += sim->trace[i].step == SIM_STEP_SEND && sim->trace[i].exchange == exchange;
	return n;
}

static void assert_established(const struct sim *sim, size_t n_sas)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim_count_sas(sim, i), n_sas);
		assert_int_equal(sim->hosts[i].n_larval, 0);
	}
	assert_true(sim_has_matching_sas(sim));
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
		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_MM_ESTABLISHED), 1);
		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_QM_ESTABLISHED), 1);
		assert_int_equal(sim_stats(sim, i).main_modes, 1);
		assert_int_equal(sim_stats(sim, i).quick_modes, 1);
		assert_int_equal(sim_stats(sim, i).key_additions, 1);
		assert_int_equal(sim_stats(sim, i).key_updates, 1);
	}
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "K01 K06 F13 main mode and quick mode with a preshared key",
		  test_main_and_quick_mode, NULL, NULL, NULL },
	};

	(void)count_sent;
	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
