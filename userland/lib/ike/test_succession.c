// SPDX-License-Identifier: MIT
/* Pairs that both sides make for the same traffic: the same one stays on both, and one does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/child.h"
#include "ike/core.h"
#include "ike/peer.h"
#include "ike/sim.h"

#define PAIRS_MAX 6

/* A pair as both hosts have it: when each of them finished it, and who began. */
struct plan {
	size_t from;
	uint32_t message_id;
	uint64_t at[SIM_HOSTS];
};

static struct sim *connected(void)
{
	struct sim *sim = sim_new(false, NULL);

	/* A main mode for the deletes; its own pair is for another port. */
	sim_acquire_port(sim, 0, 1, 9);
	sim_run(sim, 1000);
	return sim;
}

static struct ike_peer *peer_of(const struct sim *sim, size_t host)
{
	return peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
			 &sim->hosts[!host].addr);
}

/* The host has finished the @nth pair. */
static void finish(struct sim *sim, size_t host, const struct plan *plan, size_t nth)
{
	struct sim_host *us = &sim->hosts[host];
	uint32_t spi = 0x100000 + 16 * (uint32_t)nth;
	struct ike_sa_install install = {
		.qm_id = core_new_id(us->engine),
		.is_initiator = plan->from == host,
		.path = { us->addr, sim->hosts[!host].addr, 500, 500, 0 },
		.selector = { .local = us->addr, .remote = sim->hosts[!host].addr,
			      .local_prefix = 32, .remote_prefix = 32 },
		.suites = { { .suite = { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 128,
					 IKE_HASH_SHA1 },
			      .spi_in = spi + (uint32_t)host,
			      .spi_out = spi + (uint32_t)!host } },
		.n_suites = 1,
		.life_seconds = 3600,
	};

	/* As from the engine's own functions: its time is the simulation's. */
	ike_engine_tick(us->engine, sim->now);
	assert_non_null(child_new(us->engine, peer_of(sim, host), &install, 1, plan->message_id));
}

/* In the order that each host sees. */
static void run_plan(struct sim *sim, const struct plan *plans, size_t n, uint64_t ms)
{
	uint64_t start = sim->now;

	for (uint64_t t = 0; t <= ms; t++) {
		for (size_t i = 0; i < n; i++) {
			for (size_t host = 0; host < SIM_HOSTS; host++) {
				if (plans[i].at[host] == t)
					finish(sim, host, &plans[i], i);
			}
		}
		sim_run(sim, 1);
	}
	assert_int_equal(sim->now, start + ms + 1);
}

/* Bits of the pairs that the host has, by their place in the plan. */
static unsigned int kept(const struct sim *sim, size_t host)
{
	unsigned int bits = 0;
	struct ike_child *c;

	TAILQ_FOREACH(c, &peer_of(sim, host)->children, peer_link) {
		if (c->spi_in[0] >= 0x100000)
			bits |= 1U << (c->spi_in[0] - 0x100000) / 16;
	}
	return bits;
}

static size_t count_current(const struct sim *sim, size_t host)
{
	struct ike_child *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &peer_of(sim, host)->children, peer_link)
		n += c->spi_in[0] >= 0x100000 && !c->is_replaced;
	return n;
}

static void check(const struct plan *plans, size_t n, uint64_t ms, unsigned int want)
{
	struct sim *sim = connected();
	unsigned int bits;

	run_plan(sim, plans, n, ms);
	sim_run(sim, 70000);
	bits = kept(sim, 0);
	assert_int_equal(bits, kept(sim, 1));
	assert_true(bits != 0 && !(bits & (bits - 1)));
	assert_true(!want || bits == want);
	for (size_t host = 0; host < SIM_HOSTS; host++)
		assert_int_equal(count_current(sim, host), 1);
	sim_free(sim);
}

static void test_two_that_cross(void **state)
{
	static const struct plan plans[] = { { 0, 100, { 5, 6 } }, { 1, 200, { 7, 5 } } };
	static const struct plan others[] = { { 0, 300, { 5, 6 } }, { 1, 200, { 7, 5 } } };

	(void)state;
	check(plans, 2, 10, 2);
	check(others, 2, 10, 1);
}

/* One after the other, even soon: the later one is for a reason, but nobody can tell; one stays. */
static void test_two_soon(void **state)
{
	for (uint32_t id = 100; id <= 300; id += 200) {
		struct plan plans[] = { { 0, 200, { 5, 5 } }, { 1, id, { 2005, 2005 } } };

		check(plans, 2, 2010, 0);
	}
	(void)state;
}

/* The example of succession.h: each side's own order would leave nothing. */
static void test_three_in_a_ring(void **state)
{
	static const struct plan plans[] = {
		{ 0, 300, { 5, 6 } },
		{ 1, 200, { 20, 18 } },
		{ 0, 100, { 18, 20 } },
	};

	(void)state;
	check(plans, 3, 30, 2);
}

/* Around the half minute one side takes two pairs for crossed and the other does not. */
static void test_on_the_edge(void **state)
{
	(void)state;
	for (uint64_t late = 29998; late <= 30002; late++) {
		for (uint32_t id = 100; id <= 300; id += 200) {
			struct plan plans[] = { { 0, 200, { 1, 2 } },
						{ 1, id, { late + 3, late } } };

			check(plans, 2, late + 5, 0);
		}
	}
}

/* Whatever the two do within a fifth of a second, they end with the same pair. */
static void test_at_random(void **state)
{
	uint64_t rng = 0x1234567;

	(void)state;
	for (int round = 0; round < 150; round++) {
		size_t n = 2 + sim_random(&rng) % (PAIRS_MAX - 1);
		struct plan plans[PAIRS_MAX];
		uint64_t last[SIM_HOSTS][SIM_HOSTS] = {0};

		for (size_t i = 0; i < n; i++) {
			size_t from = sim_random(&rng) % 2;
			uint64_t at = sim_random(&rng) % 150;

			plans[i].from = from;
			plans[i].message_id = 1 + (uint32_t)(sim_random(&rng) >> 33);
			/* The network keeps the order of what one side begins. */
			for (size_t host = 0; host < SIM_HOSTS; host++) {
				uint64_t delay = host == from ? 0 : 1 + sim_random(&rng) % 40;

				plans[i].at[host] = at + delay > last[from][host] ?
							    at + delay :
							    last[from][host] + 1;
				last[from][host] = plans[i].at[host];
			}
		}
		check(plans, n, 400, 0);
	}
}

/* The peer deletes the pair that counted: the other one counts again, and is not deleted. */
static void test_last_one_stays(void **state)
{
	static const struct plan plans[] = { { 0, 100, { 5, 6 } }, { 1, 200, { 7, 5 } } };
	struct sim *sim = connected();
	struct ike_child *c;
	uint64_t id = 0;

	(void)state;
	run_plan(sim, plans, 2, 10);
	TAILQ_FOREACH(c, &peer_of(sim, 1)->children, peer_link) {
		if (c->message_id == 200)
			id = c->id;
	}
	assert_int_equal(ike_engine_delete_qm(sim->hosts[1].engine, sim->now, id,
					      IKE_REASON_DELETED_BY_ADMIN),
			 0);
	sim_run(sim, 120000);
	for (size_t host = 0; host < SIM_HOSTS; host++) {
		assert_int_equal(kept(sim, host), 1);
		assert_int_equal(count_current(sim, host), 1);
	}
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_that_cross),
		cmocka_unit_test(test_two_soon),
		cmocka_unit_test(test_three_in_a_ring),
		cmocka_unit_test(test_on_the_edge),
		{ "K22 both sides keep the same pair", test_at_random, NULL, NULL, NULL },
		cmocka_unit_test(test_last_one_stays),
	};

	return cmocka_run_group_tests_name("succession", tests, NULL, NULL);
}
