// SPDX-License-Identifier: MIT
/* The log of every step: what is in it, and what never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sim.h"
#include "ike/trace.h"

static size_t count(const struct sim *sim, size_t host, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->hosts[host].n_steps; i++)
		n += strstr(sim->hosts[host].steps[i], text) != NULL;
	return n;
}

static struct sim *run(enum ike_trace_level level, bool has_key)
{
	struct ike_config config = { .keylog = true };
	struct sim *sim = sim_new(false, &config);

	if (!has_key)
		sim->hosts[1].psk = "another";
	for (size_t i = 0; i < SIM_HOSTS; i++)
		ike_engine_set_trace(sim->hosts[i].engine, level);
	assert_int_equal(sim_acquire(sim, 0, 1), 0);
	sim_run(sim, 1000);
	return sim;
}

static void test_steps(void **state)
{
	struct sim *sim = run(IKE_TRACE_STEPS, true);

	(void)state;
	assert_int_equal(count(sim, 0, "192.0.2.2: acquire 1: 192.0.2.1/32 -> 192.0.2.2/32"), 1);
	assert_int_equal(count(sim, 0, "192.0.2.2: sent main mode, "), 3);
	assert_int_equal(count(sim, 0, "192.0.2.2: received main mode, "), 3);
	assert_int_equal(count(sim, 0, "192.0.2.2: sent quick mode, "), 2);
	assert_int_equal(count(sim, 0, "192.0.2.2: received quick mode, "), 1);
	assert_int_equal(count(sim, 0, "192.0.2.2: asked for SKEYID"), 1);
	assert_int_equal(count(sim, 0, "192.0.2.2: SKEYID: answered"), 1);
	assert_int_equal(count(sim, 0, "asked for SPI for ESP"), 1);
	assert_int_equal(count(sim, 0, "installation: answered"), 1);
	assert_int_equal(count(sim, 0, "main mode: established"), 1);
	assert_int_equal(count(sim, 0, "quick mode: established"), 1);
	assert_int_equal(count(sim, 0, "acquire 1 has ended: success"), 1);
	assert_int_equal(count(sim, 0, "decrypted"), 0);
	assert_int_equal(count(sim, 1, "asked for main mode policy"), 1);
	assert_int_equal(count(sim, 1, "main mode policy: answered"), 1);
	assert_int_equal(count(sim, 1, "quick mode policy: answered"), 1);
	assert_int_equal(count(sim, 1, ", SA VID"), 2);
	assert_int_equal(count(sim, 1, "quick mode: established"), 1);
	sim_free(sim);
}

static void test_messages(void **state)
{
	struct sim *sim = run(IKE_TRACE_MESSAGES, true);
	const uint8_t rubbish[40] = { 1 };

	(void)state;
	assert_int_equal(count(sim, 1, "decrypted: ID HASH"), 1);
	assert_int_equal(count(sim, 1, "decrypted: HASH SA NONCE ID ID"), 1);
	sim->hosts[1].n_steps = 0;
	sim_inject(sim, 1, rubbish, sizeof(rubbish));
	sim_inject(sim, 1, rubbish, 3);
	sim_run(sim, 10);
	assert_int_equal(count(sim, 1, "that are no IKE"), 2);
	assert_int_equal(count(sim, 1, "ignored: not what can be used now"), 2);
	sim_free(sim);
}

static void test_failure(void **state)
{
	struct sim *sim = run(IKE_TRACE_STEPS, false);

	(void)state;
	sim_run(sim, 60000);
	assert_true(count(sim, 0, "no answer, sending again") > 0);
	assert_int_equal(count(sim, 0, "main mode failed"), 1);
	assert_int_equal(count(sim, 0, "(13801)"), 3);
	sim_free(sim);
}

/* A policy that there is not is told as such. */
static void test_refusal(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[1].has_mm_policy = false;
	ike_engine_set_trace(sim->hosts[1].engine, IKE_TRACE_STEPS);
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_true(count(sim, 1, "main mode policy: there is none") > 0);
	assert_int_equal(count(sim, 1, "main mode policy: answered"), 0);
	sim_free(sim);
}

static void test_off(void **state)
{
	struct sim *sim = run(IKE_TRACE_OFF, true);

	(void)state;
	assert_int_equal(sim->hosts[0].n_steps + sim->hosts[1].n_steps, 0);
	ike_engine_set_trace(sim->hosts[0].engine, IKE_TRACE_STEPS);
	ike_engine_flush(sim->hosts[0].engine, sim->now, IKE_REASON_DELETED_BY_ADMIN);
	assert_true(count(sim, 0, "main mode ended") > 0);
	sim_free(sim);
}

/* Eight bytes of it as hexadecimal digits or as they are, in any of the lines. */
static bool has_secret(const struct sim_host *host, const uint8_t *secret, size_t len)
{
	char hex[17];

	for (size_t at = 0; at + 8 <= len; at++) {
		for (size_t i = 0; i < 8; i++)
			snprintf(hex + 2 * i, 3, "%02x", secret[at + i]);
		for (size_t i = 0; i < host->n_steps; i++)
			if (strcasestr(host->steps[i], hex) ||
			    memmem(host->steps[i], strlen(host->steps[i]), secret + at, 8))
				return true;
	}
	return false;
}

static void test_no_secrets(void **state)
{
	struct sim *sim = run(IKE_TRACE_MESSAGES, true);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		const struct sim_host *host = &sim->hosts[i];

		assert_true(host->n_steps > 10);
		assert_true(host->n_keylogs > 0);
		assert_false(has_secret(host, (const uint8_t *)host->psk, strlen(host->psk)));
		assert_false(has_secret(host, host->last_ka, 16));
		for (size_t s = 0; s < host->n_sas; s++) {
			const struct ike_keys *keys = &host->sas[s].keys;

			assert_true(keys->cipher_key_len >= 8);
			assert_false(has_secret(host, keys->cipher_key, keys->cipher_key_len));
			assert_false(has_secret(host, keys->hash_key, keys->hash_key_len));
		}
	}
	sim_free(sim);
}

static char longest[IKE_TRACE_MAX_LEN + 2];

static void keep(void *userdata, const char *text)
{
	(void)userdata;
	assert_true(strlen(text) <= IKE_TRACE_MAX_LEN);
	snprintf(longest, sizeof(longest), "%s", text);
}

static void test_bounds(void **state)
{
	struct ike_engine engine = { .trace_level = IKE_TRACE_STEPS, .ops.trace = keep };
	struct ip_addr peer = ip_addr_v4(0xc0000202);
	char text[2 * IKE_TRACE_MAX_LEN];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	trace_say(&engine, IKE_TRACE_STEPS, &peer, "%s", text);
	assert_int_equal(strlen(longest), IKE_TRACE_MAX_LEN);
	trace_say(&engine, IKE_TRACE_MESSAGES, &peer, "more");
	assert_null(strstr(longest, "more"));
	trace_say(&engine, IKE_TRACE_STEPS, NULL, "about nobody");
	assert_string_equal(longest, "about nobody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "L08 every step of main and quick mode is traced", test_steps, NULL, NULL, NULL },
		{ "L08 level 2: what is in messages", test_messages, NULL, NULL, NULL },
		{ "L08 a failure is traced", test_failure, NULL, NULL, NULL },
		{ "L08 a refusal is traced", test_refusal, NULL, NULL, NULL },
		{ "L08 L11 off, and on at once", test_off, NULL, NULL, NULL },
		{ "L08 no secret is traced", test_no_secrets, NULL, NULL, NULL },
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
