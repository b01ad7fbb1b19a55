// SPDX-License-Identifier: MIT
/* Negotiations over a network that loses, repeats and reorders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sim.h"

/* --- losing what the test says -------------------------------------------------------------- */

/* Message @number of the negotiation (0 to 8) is lost @n_times, told by who sends what. */
struct loss {
	size_t number;
	unsigned int n_times;
	uint32_t quick_mode;	/* its message id */
	unsigned int n_lost;
	uint8_t seen[16][64];	/* heads of the messages met, in order */
	size_t n_seen;
};

/* The number of a message: a repetition has that of the original. */
static size_t number_of(struct loss *loss, const uint8_t *data, size_t len)
{
	uint8_t head[64] = {0};

	memcpy(head, data, len < sizeof(head) ? len : sizeof(head));
	for (size_t i = 0; i < loss->n_seen; i++) {
		if (!memcmp(loss->seen[i], head, sizeof(head)))
			return i;
	}
	assert_true(loss->n_seen < 16);
	memcpy(loss->seen[loss->n_seen], head, sizeof(head));
	return loss->n_seen++;
}

static struct sim_fate lose_one(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct loss *loss = sim->network_data;
	struct sim_fate fate = { .delay = 1 };

	(void)from;
	if (number_of(loss, data, len) == loss->number && loss->n_lost < loss->n_times) {
		loss->n_lost++;
		fate.is_lost = true;
	}
	return fate;
}

static void test_each_message_lost(void **state)
{
	(void)state;
	for (size_t number = 0; number < 9; number++) {
		for (unsigned int n_times = 1; n_times <= 3; n_times++) {
			struct loss loss = { .number = number, .n_times = n_times };
			struct sim *sim = sim_new(false, NULL);

			sim->network = lose_one;
			sim->network_data = &loss;
			sim_acquire(sim, 0, 1);
			sim_run(sim, 60000);
			assert_int_equal(loss.n_lost, n_times);
			assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
			assert_true(sim_has_matching_sas(sim));
			assert_int_equal(sim_count_sas(sim, 0), 2);
			sim_free(sim);
		}
	}
}

/* --- chance --------------------------------------------------------------------------------- */

struct weather {
	unsigned int loss;	/* percent */
	unsigned int copies;
	unsigned int max_delay;
};

static struct sim_fate rough(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	const struct weather *w = sim->network_data;
	struct sim_fate fate = { .delay = 1 };

	(void)from;
	(void)data;
	(void)len;
	fate.is_lost = sim_random(&sim->rng) % 100 < w->loss;
	if (sim_random(&sim->rng) % 100 < w->copies)
		fate.n_copies = 1 + (unsigned int)(sim_random(&sim->rng) % 3);
	fate.delay += sim_random(&sim->rng) % w->max_delay;
	fate.copy_delay = sim_random(&sim->rng) % w->max_delay;
	return fate;
}

static void test_rough_weather(void **state)
{
	struct weather w = { .loss = 20, .copies = 20, .max_delay = 300 };
	size_t n_ok = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct sim *sim = sim_new(false, NULL);

		sim->rng = seed * 0x9e3779b97f4a7c15;
		sim->network = rough;
		sim->network_data = &w;
		sim_acquire(sim, 0, 1);
		sim_acquire_port(sim, 0, 2, 80);
		sim_run(sim, 100000);
		assert_non_null(sim_result(sim, 0, 1));
		assert_non_null(sim_result(sim, 0, 2));
		if (sim_result(sim, 0, 1)->reason == IKE_REASON_OK &&
		    sim_result(sim, 0, 2)->reason == IKE_REASON_OK) {
			n_ok++;
			assert_true(sim_has_matching_sas(sim));
			assert_int_equal(sim_count_sas(sim, 0), 4);
		}
		assert_int_equal(sim->hosts[0].n_larval, 0);
		assert_int_equal(sim->hosts[1].n_larval, 0);
		sim_free(sim);
	}
	/* Six tries each; now and then all are lost. */
	assert_in_range(n_ok, 95, 100);
}

static void test_rough_weather_from_both_sides(void **state)
{
	struct weather w = { .loss = 15, .copies = 20, .max_delay = 200 };
	size_t n_ok = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct sim *sim = sim_new(false, NULL);

		sim->rng = seed * 0xbf58476d1ce4e5b9;
		sim->network = rough;
		sim->network_data = &w;
		sim_acquire(sim, 0, 1);
		sim_acquire(sim, 1, 1);
		sim_run(sim, 120000);
		n_ok += sim_result(sim, 0, 1)->reason == IKE_REASON_OK &&
			sim_result(sim, 1, 1)->reason == IKE_REASON_OK &&
			sim_count_sas(sim, 0) >= 2;
		sim_free(sim);
	}
	assert_in_range(n_ok, 56, 60);
}

/* --- both at once --------------------------------------------------------------------------- */

/* Both complete, traffic could flow all the time, and in the end one of each is left. */
static void test_simultaneous_initiation(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim *sim = sim_new(false, NULL);

		sim->hosts[0].rng = seed;
		sim->hosts[1].rng = seed * 77;
		sim_acquire(sim, 0, 1);
		sim_acquire(sim, 1, 2);
		sim_run(sim, 2000);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		assert_int_equal(sim_result(sim, 1, 2)->reason, IKE_REASON_OK);
		assert_true(sim_has_matching_sas(sim));
		sim_run(sim, 90000);
		assert_true(sim_has_matching_sas(sim));
		assert_int_equal(sim_count_sas(sim, 0), 2);
		assert_int_equal(sim_count_mms(sim, 0), 1);
		assert_int_equal(sim_count_mms(sim, 1), 1);
		sim_free(sim);
	}
}

/* --- duplicates ----------------------------------------------------------------------------- */

static struct sim_fate twenty_copies(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	(void)sim;
	(void)from;
	(void)data;
	(void)len;
	return (struct sim_fate){ .delay = 1, .n_copies = 20, .copy_delay = 50 };
}

/* Every datagram arrives 21 times: five more answers to each at most, and one result. */
static void test_duplicate_storm(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->network = twenty_copies;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_true(sim_has_matching_sas(sim));
	assert_true(sim->hosts[0].n_sent <= 5 + 5);
	assert_true(sim->hosts[1].n_sent <= 4 * (1 + 5));
	assert_true(sim_stats(sim, 1).duplicates_ignored > 20);
	assert_int_equal(sim_count_events(sim, 0, IKE_EVENT_QM_ESTABLISHED), 1);
	assert_int_equal(sim_count_events(sim, 1, IKE_EVENT_QM_ESTABLISHED), 1);
	sim_free(sim);
}

static struct sim_fate slow_copies(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct sim_fate fate = twenty_copies(sim, from, data, len);

	fate.copy_delay = 300;
	return fate;
}

/* Slowly enough for an answer to each: still no more than five to one message. */
static void test_slow_duplicates(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	size_t n = 0;

	(void)state;
	sim->network = slow_copies;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_true(sim_has_matching_sas(sim));
	for (size_t i = 0; i < sim->n_trace; i++) {
		const struct sim_trace *t = &sim->trace[i];

		n += t->step == SIM_STEP_SEND && t->host == 1 && t->exchange == 2 &&
		     t->is_encrypted;
	}
	/* Message 6, and five times again. */
	assert_int_equal(n, 6);
	sim_free(sim);
}

/* Two answers are never closer than 200 ms. */
static void test_duplicates_are_answered_slowly(void **state)
{
	uint64_t last = 0;
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->network = twenty_copies;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	for (size_t i = 0; i < sim->n_trace; i++) {
		const struct sim_trace *t = &sim->trace[i];

		/* Message 6 and its repetitions. */
		if (t->step != SIM_STEP_SEND || t->host != 1 || t->exchange != 2 ||
		    !t->is_encrypted)
			continue;
		assert_true(!last || t->at - last >= 200);
		last = t->at;
	}
	assert_true(last > 0);
	sim_free(sim);
}

/* --- silence -------------------------------------------------------------------------------- */

static struct sim_fate lose_all(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	(void)sim;
	(void)from;
	(void)data;
	(void)len;
	return (struct sim_fate){ .is_lost = true };
}

/* Six tries, doubling from half a second, then "no response from peer". */
static void test_no_response(void **state)
{
	static const uint64_t want[] = { 0, 500, 1500, 3500, 7500, 15500 };
	struct sim *sim = sim_new(false, NULL);
	uint64_t start = sim->now;

	(void)state;
	sim->network = lose_all;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 30000);
	assert_int_equal(sim->hosts[0].n_sent, 6);
	for (size_t i = 0; i < 6; i++)
		assert_in_range(sim->trace[i].at - start, want[i] * 9 / 10, want[i] * 11 / 10);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_NO_RESPONSE);
	assert_int_equal(IKE_REASON_NO_RESPONSE, 13813);
	assert_false(sim_result(sim, 0, 1)->peer_answered);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED)->reason,
			 IKE_REASON_NO_RESPONSE);
	assert_string_equal(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED)->text,
			    "no response from peer");
	assert_int_equal(sim_stats(sim, 0).acquire_failures, 1);
	assert_int_equal(sim_stats(sim, 0).isadb_list_size, 0);
	sim_free(sim);
}

/* Where clear text is allowed it does not take half a minute; but once the peer spoke it does. */
static void test_no_response_early(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].mm.gives_up_early = true;
	sim->network = lose_all;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 3000);
	assert_null(sim_result(sim, 0, 1));
	sim_run(sim, 1000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_NO_RESPONSE);
	assert_false(sim_result(sim, 0, 1)->peer_answered);
	assert_int_equal(sim->hosts[0].n_sent, 3);
	sim_free(sim);
}

static struct sim_fate only_first(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	size_t *n = sim->network_data;

	(void)from;
	(void)data;
	(void)len;
	return (struct sim_fate){ .delay = 1, .is_lost = (*n)++ > 0 };
}

/* A responder answers message 1 once; a timer of its own would make it a reflector. */
static void test_responder_never_repeats_by_itself(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	size_t n = 0;

	(void)state;
	sim->network = only_first;
	sim->network_data = &n;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim->hosts[1].n_sent, 1);
	assert_int_equal(sim_stats(sim, 1).half_open, 0);
	assert_int_equal(sim_stats(sim, 1).half_open_bytes, 0);
	sim_free(sim);
}

static struct sim_fate lose_message_3(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	(void)sim;
	/* The initiator's quick mode messages but the first. */
	return (struct sim_fate){ .delay = 1,
				  .is_lost = !from && data[18] == 32 && len < 100 };
}

/* Quick mode has three messages: the responder repeats message 2 while initiators remember. */
static void test_message_3_never_comes(void **state)
{
	static const uint64_t delays[] = { 1000, 2000, 4000, 8000, 8000 };
	struct sim *sim = sim_new(false, NULL);
	uint64_t last = 0, gaps[8] = {0};
	size_t n = 0;

	(void)state;
	sim->network = lose_message_3;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	for (size_t i = 0; i < sim->n_trace; i++) {
		const struct sim_trace *t = &sim->trace[i];

		if (t->step != SIM_STEP_SEND || t->host != 1 || t->exchange != 32)
			continue;
		assert_true(n < 8);
		gaps[n++] = last ? t->at - last : 0;
		last = t->at;
	}
	assert_int_equal(n, 6);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(gaps[i], delays[i - 1]);
	/* Then it takes its inbound SA away again. */
	assert_int_equal(sim_count_sas(sim, 1), 0);
	assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_QM_FAILED)->reason,
			 IKE_REASON_TIMED_OUT);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "K01 each message lost up to three times", test_each_message_lost, NULL, NULL,
		  NULL },
		{ "K01 loss, copies and reordering by chance", test_rough_weather, NULL, NULL,
		  NULL },
		{ "K01 the same from both sides at once", test_rough_weather_from_both_sides,
		  NULL, NULL, NULL },
		{ "K01 simultaneous initiation", test_simultaneous_initiation, NULL, NULL, NULL },
		cmocka_unit_test(test_duplicate_storm),
		cmocka_unit_test(test_slow_duplicates),
		cmocka_unit_test(test_duplicates_are_answered_slowly),
		{ "K27 no response from peer", test_no_response, NULL, NULL, NULL },
		{ "K24 where clear text is allowed silence lasts 3 s", test_no_response_early, NULL,
		  NULL, NULL },
		cmocka_unit_test(test_responder_never_repeats_by_itself),
		cmocka_unit_test(test_message_3_never_comes),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
