// SPDX-License-Identifier: MIT
/* Many messages of strangers: what they cost, and how much is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/half_open.h"
#include "ike/sim.h"
#include "ike/test_stranger.h"
#include "ike/vid.h"
#include "ike/wire.h"

/* --- floods --------------------------------------------------------------------------------- */

/* 5000 first messages from as many addresses: memory stays within its bound, and a peer gets in. */
static void test_flood_from_spoofed_addresses(void **state)
{
	struct ike_mm_policy policy;
	struct sim *sim = sim_new(false, NULL);
	uint8_t buf[512];
	size_t len;

	(void)state;
	policy = sim->hosts[1].mm;
	/* An offer of usual size. */
	policy.proposals[1] = (struct ike_mm_proposal){ IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 };
	policy.proposals[2] = (struct ike_mm_proposal){ IKE_CIPHER_3DES, 0, IKE_HASH_MD5, 2 };
	policy.proposals[3] = (struct ike_mm_proposal){ IKE_CIPHER_DES, 0, IKE_HASH_SHA1, 1 };
	policy.n_proposals = 4;
	for (uint32_t i = 0; i < 5000; i++) {
		struct ip_addr from = stranger_addr(i);

		len = stranger_mm1(buf, sizeof(buf), &policy, i + 1, VID_DPD);
		sim_inject_from(sim, 1, &from, 500, buf, len);
		/* Two milliseconds apart: 500 a second. */
		if (i == 2500)
			sim_acquire(sim, 0, 1);
		sim_run(sim, 2);
		assert_true(sim_stats(sim, 1).half_open <= 2000);
		assert_true(sim_stats(sim, 1).half_open_bytes <= 2000 * 512);
	}
	assert_int_equal(sim_stats(sim, 1).half_open, 2000);
	assert_int_equal(sim_stats(sim, 1).half_open_evicted, 5000 + 1 - 2000 - 1);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	/* No secret was computed for any of them. */
	assert_int_equal(sim_stats(sim, 1).dh_operations, 2);
	sim_run(sim, 31000);
	assert_int_equal(sim_stats(sim, 1).half_open, 0);
	assert_int_equal(sim_stats(sim, 1).half_open_bytes, 0);
	sim_free(sim);
}

/* One source: a burst of 20, ten a second, and never more than 35 at a time. */
static void test_flood_from_one_address(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct ip_addr from = stranger_addr(1);
	uint8_t buf[512];
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, i + 1, VID_DPD);
		sim_inject_from(sim, 1, &from, (uint16_t)(500 + i), buf, len);
	}
	assert_int_equal(sim_stats(sim, 1).half_open, 20);
	for (uint32_t i = 0; i < 300; i++) {
		sim_run(sim, 20);
		len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, i + 1000, VID_DPD);
		sim_inject_from(sim, 1, &from, (uint16_t)(1000 + i), buf, len);
		assert_true(sim_stats(sim, 1).half_open <= 35);
	}
	assert_int_equal(sim_stats(sim, 1).half_open, 35);
	/* All addresses of one IPv6 /64 are one source. */
	for (uint32_t i = 0; i < 60; i++) {
		struct ip_addr v6 = { .family = 10, .bytes = { 0x20, 0x01, [14] = (uint8_t)i } };

		len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, i + 1, VID_DPD);
		sim_inject_from(sim, 0, &v6, 500, buf, len);
	}
	assert_int_equal(sim_stats(sim, 0).half_open, 20);
	sim_free(sim);
}

/* Above 500 half-open ones, a peer of our kind has to show that it lives at its address. */
static void test_cookie_challenge(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	uint8_t buf[512];
	size_t len, n_half_open;

	(void)state;
	for (uint32_t i = 0; i < 501; i++) {
		struct ip_addr from = stranger_addr(i);

		len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, i + 1, VID_DPD);
		sim_inject_from(sim, 1, &from, 500, buf, len);
	}
	n_half_open = sim_stats(sim, 1).half_open;
	assert_int_equal(n_half_open, 501);
	/* HDR, SA --> ; <-- HDR, N(NOTIFY_DOS_COOKIE) ; HDR(CKY-R), SA --> ; <-- HDR, SA ... */
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_int_equal(sim_stats(sim, 1).cookie_challenges, 1);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	assert_true(sim_has_matching_sas(sim));
	/* A challenge makes no state, and a forged cookie is not one. */
	len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 0xabcdef, VID_MICROSOFT);
	n_half_open = sim_stats(sim, 1).half_open;
	sim_inject_from(sim, 1, &sim->hosts[0].addr, 501, buf, len);
	assert_int_equal(sim_stats(sim, 1).cookie_challenges, 2);
	assert_int_equal(sim_stats(sim, 1).half_open, n_half_open);
	buf[8] = 1;
	sim_inject_from(sim, 1, &sim->hosts[0].addr, 501, buf, len);
	assert_int_equal(sim_stats(sim, 1).half_open, n_half_open);
	assert_int_equal(sim_stats(sim, 1).invalid_cookies, 1);
	/* Below 100 it is over. */
	sim_run(sim, 31000);
	assert_int_equal(sim_stats(sim, 1).half_open, 0);
	sim_inject_from(sim, 1, &sim->hosts[0].addr, 502, buf, 0);
	len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 0xabcdef, VID_MICROSOFT);
	sim_inject_from(sim, 1, &sim->hosts[0].addr, 502, buf, len);
	assert_int_equal(sim_stats(sim, 1).half_open, 1);
	sim_free(sim);
}

static void test_cookie_challenge_always_or_never(void **state)
{
	(void)state;
	for (int mode = IKE_DOS_AUTO; mode <= IKE_DOS_ALWAYS; mode++) {
		struct ike_config config = { .dos_mode = (enum ike_dos_mode)mode };
		struct sim *sim = sim_new(false, &config);

		sim_acquire(sim, 0, 1);
		sim_run(sim, 1000);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		assert_int_equal(sim_stats(sim, 1).cookie_challenges, mode == IKE_DOS_ALWAYS);
		/* another mode counts at once */
		ike_engine_set_dos_mode(sim->hosts[1].engine, IKE_DOS_ALWAYS);
		ike_engine_flush(sim->hosts[0].engine, sim->now, IKE_REASON_DELETED_BY_ADMIN);
		sim_run(sim, 1000);
		sim_acquire(sim, 0, 2);
		sim_run(sim, 10000);
		assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
		assert_int_equal(sim_stats(sim, 1).cookie_challenges, 1 + (mode == IKE_DOS_ALWAYS));
		sim_free(sim);
	}
}

/* --- amplification -------------------------------------------------------------------------- */

/* Sends @data from a stranger; at most one answer of at most twice the size, headers included. */
static void assert_no_amplification(struct sim *sim, uint32_t n, const uint8_t *data, size_t len)
{
	struct ip_addr from = stranger_addr(n);
	size_t n_trace = sim->n_trace;
	size_t answers = 0;

	sim_inject_from(sim, 1, &from, 500, data, len);
	sim_run(sim, 0);
	for (size_t i = n_trace; i < sim->n_trace; i++) {
		const struct sim_trace *t = &sim->trace[i % SIM_TRACE_MAX];

		if (t->step != SIM_STEP_SEND || t->host != 1)
			continue;
		answers++;
		assert_true(t->len + 28 <= 2 * (len + 28));
	}
	assert_true(answers <= 1);
}

static void test_amplification(void **state)
{
	static const uint8_t exchanges[] = { 0, 1, 2, 3, 4, 5, 6, 32, 33, 34, 243, 255 };
	struct sim *sim = sim_new(false, NULL);
	uint8_t buf[512];
	uint32_t n = 0;
	size_t len;

	(void)state;
	/* Every exchange type, with a header alone and with a whole first message. */
	for (size_t i = 0; i < sizeof(exchanges); i++) {
		len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 1, VID_DPD);
		buf[18] = exchanges[i];
		assert_no_amplification(sim, n++, buf, len);
		buf[26] = 0;
		buf[27] = WIRE_HEADER_LEN;
		assert_no_amplification(sim, n++, buf, WIRE_HEADER_LEN);
	}
	/* IKEv2 gets silence. */
	len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 1, VID_DPD);
	buf[17] = 0x20;
	n = (uint32_t)sim->hosts[1].n_sent;
	assert_no_amplification(sim, 1000, buf, len);
	assert_int_equal(sim->hosts[1].n_sent, n);
	/* A first message below the minimum gets none either, good as it may be. */
	sim->hosts[1].mm = sim_mm_policy(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2);
	len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 2, 0);
	assert_int_equal(len, 80);
	assert_no_amplification(sim, 1001, buf, len);
	assert_int_equal(sim->hosts[1].n_sent, n);
	len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 2, VID_DPD);
	assert_no_amplification(sim, 1001, buf, len);
	assert_int_equal(sim->hosts[1].n_sent, n + 1);
	sim_free(sim);
}

/* Refusals in clear: one per second and source, after a burst of three. */
static void test_error_notifies_are_limited(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct ip_addr from = stranger_addr(1);
	uint8_t buf[512];
	size_t len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 1, VID_DPD);

	(void)state;
	buf[18] = 4;
	for (int i = 0; i < 50; i++)
		sim_inject_from(sim, 1, &from, 500, buf, len);
	assert_int_equal(sim->hosts[1].n_sent, 3);
	sim_run(sim, 1000);
	for (int i = 0; i < 50; i++)
		sim_inject_from(sim, 1, &from, 500, buf, len);
	assert_int_equal(sim->hosts[1].n_sent, 4);
	/* And the audit log is not flooded by offers that nobody accepts. */
	sim->hosts[1].has_mm_policy = false;
	for (uint32_t i = 0; i < 200; i++) {
		from = stranger_addr(100 + i);
		len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, i + 1, VID_DPD);
		sim_inject_from(sim, 1, &from, 500, buf, len);
		sim_run(sim, 1);
	}
	assert_in_range(sim_count_events(sim, 1, IKE_EVENT_MM_FAILED), 1, 6);
	assert_true(sim_stats(sim, 1).negotiation_failures >= 200);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "flood from spoofed addresses", test_flood_from_spoofed_addresses, NULL,
		  NULL, NULL },
		{ "flood from one address", test_flood_from_one_address, NULL, NULL, NULL },
		{ "cookie challenge", test_cookie_challenge, NULL, NULL, NULL },
		{ "cookie challenge always or never", test_cookie_challenge_always_or_never,
		  NULL, NULL, NULL },
		{ "amplification", test_amplification, NULL, NULL, NULL },
		{ "error notifies are limited", test_error_notifies_are_limited, NULL, NULL,
		  NULL },
	};

	return cmocka_run_group_tests_name("flood", tests, NULL, NULL);
}
