// SPDX-License-Identifier: MIT
/*
 * A thousand negotiations between two hosts over a bad link: 30 % of the datagrams are lost, 20 %
 * come again, up to three times, and each takes between 1 and 400 ms. Every one ends in a pair of
 * associations at both ends or in a failure that was told. The drivers remove what brings no
 * packets for five minutes, as ours does; beyond that nothing may be left, at one end only or in
 * memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sim.h"

#define NEGOTIATIONS 1000
/* Virtual time between two; some end later than the next begins. */
#define STEP_MS 5000
#define IDLE_MS 300000
/* Associations and SPIs of a negotiation that failed go when its last message is given up. */
#define NEGOTIATION_MAX_MS 60000

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static struct sim_fate bad_link(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct sim_fate fate = { .delay = 1 + sim_random(&sim->rng) % 400 };

	(void)from;
	(void)data;
	(void)len;
	fate.is_lost = sim_random(&sim->rng) % 100 < 30;
	if (sim_random(&sim->rng) % 100 < 20)
		fate.n_copies = 1 + (unsigned int)(sim_random(&sim->rng) % 3);
	fate.copy_delay = sim_random(&sim->rng) % 400;
	return fate;
}

/* When each association was first seen, by host and SPI. */
struct age {
	uint32_t spi;
	uint64_t since;
};

struct ages {
	struct age list[SIM_HOSTS][SIM_SAS_MAX];
	size_t n[SIM_HOSTS];
};

static uint64_t age_of(struct sim *sim, struct ages *ages, size_t host, const struct sim_sa *sa)
{
	struct age *list = ages->list[host];

	for (size_t i = 0; i < ages->n[host]; i++) {
		if (list[i].spi == sa->spi)
			return sim->now - list[i].since;
	}
	/* the oldest make room: they have long gone */
	if (ages->n[host] == SIM_SAS_MAX) {
		memmove(list, list + 1, sizeof(*list) * (SIM_SAS_MAX - 1));
		ages->n[host]--;
	}
	list[ages->n[host]++] = (struct age){ sa->spi, sim->now };
	return 0;
}

/* The driver's idle timer: it removes the pair and says so. */
static bool remove_one_idle(struct sim *sim, struct ages *ages, size_t host)
{
	struct sim_host *h = &sim->hosts[host];

	for (size_t i = 0; i < h->n_sas; i++) {
		struct sim_sa sa = h->sas[i];

		if (age_of(sim, ages, host, &sa) < IDLE_MS || !sa.is_inbound)
			continue;
		(void)ike_engine_expire(h->engine, sim->now, IKE_EXPIRE_IDLE, IKE_DIRECTION_IN,
					&sa.install.path.remote, sa.protocol, sa.spi);
		/* an engine that had forgotten the pair has not removed it */
		for (size_t n = h->n_sas; n-- > 0;) {
			if (h->sas[n].qm_id == sa.qm_id)
				h->sas[n] = h->sas[--h->n_sas];
		}
		return true;
	}
	return false;
}

static void expire_idle(struct sim *sim, struct ages *ages)
{
	for (size_t host = 0; host < SIM_HOSTS; host++) {
		while (remove_one_idle(sim, ages, host))
			;
	}
}

/* No association is older than the idle time, so none has been at one end for longer. */
static void check_ages(struct sim *sim, struct ages *ages)
{
	for (size_t host = 0; host < SIM_HOSTS; host++) {
		for (size_t i = 0; i < sim->hosts[host].n_sas; i++)
			assert_true(age_of(sim, ages, host, &sim->hosts[host].sas[i]) <=
				    IDLE_MS + STEP_MS);
	}
}

static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() :
							 0;
}

struct tally {
	size_t n_ok;
	size_t n_failed;
};

/* What was asked for NEGOTIATION_MAX_MS ago and more has ended, once. */
static void count_results(struct sim *sim, struct tally *tally)
{
	for (size_t host = 0; host < SIM_HOSTS; host++) {
		struct sim_host *h = &sim->hosts[host];

		for (size_t i = 0; i < h->n_results; i++) {
			if (h->results[i].reason == IKE_REASON_OK)
				tally->n_ok++;
			else
				tally->n_failed++;
		}
		h->n_results = 0;
		h->n_events = 0;
	}
	sim->n_trace = 0;
}

/* One of the hosts, by turns that nobody can foresee, wants a pair for a port of its own. */
static void negotiate(struct sim *sim, uint64_t id)
{
	assert_int_equal(sim_acquire_port(sim, sim_random(&sim->rng) & 1, id,
					  (uint16_t)(1000 + id)), 0);
	sim_run(sim, STEP_MS);
}

static void test_thousand_negotiations(void **state)
{
	static struct ages ages;
	struct sim *sim = sim_new(false, NULL);
	struct tally tally = { 0 };
	size_t early = 0;
	size_t late;

	(void)state;
	sim->rng = 0x9e3779b97f4a7c15;
	sim->network = bad_link;
	for (uint64_t id = 1; id <= NEGOTIATIONS; id++) {
		negotiate(sim, id);
		expire_idle(sim, &ages);
		check_ages(sim, &ages);
		count_results(sim, &tally);
		if (id == NEGOTIATIONS / 4)
			early = allocated();
	}
	late = allocated();
	print_message("%zu bytes after a quarter, %zu at the end\n", early, late);
	assert_true(late <= early + early / 10);
	for (uint64_t t = 0; t < NEGOTIATION_MAX_MS + IDLE_MS; t += STEP_MS) {
		sim_run(sim, STEP_MS);
		expire_idle(sim, &ages);
	}
	count_results(sim, &tally);
	print_message("%zu pairs, %zu failures\n", tally.n_ok, tally.n_failed);
	assert_int_equal(tally.n_ok + tally.n_failed, NEGOTIATIONS);
	assert_true(tally.n_ok > NEGOTIATIONS / 2);
	for (size_t host = 0; host < SIM_HOSTS; host++) {
		assert_int_equal(sim_count_sas(sim, host), 0);
		assert_int_equal(sim->hosts[host].n_larval, 0);
	}
	sim_free(sim);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "K01 K23 a thousand negotiations over a bad link", test_thousand_negotiations,
		  NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
