// SPDX-License-Identifier: MIT
/* The commit bit, and CONNECTED as the fourth message of quick mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/crypto.h"
#include "ike/keys.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/sim.h"
#include "ike/wire.h"

#define MESSAGES_MAX 64

/* Quick mode's messages as they pass; the hosts may take each other for Windows. */
struct link {
	struct {
		uint8_t data[512];
		size_t len;
		size_t from;
		uint64_t at;
	} messages[MESSAGES_MAX];
	size_t n;
	bool is_microsoft;
	bool is_forging;	/* the bit, where there is none */
	bool is_clearing;	/* it */
	size_t n_lost[5];	/* of messages 3 and 4 the first so many are lost */
};

static void replace_vid(uint8_t *data, size_t len)
{
	static const uint8_t us[] = { 0x56, 0x59, 0xc3, 0x6d, 0x4c, 0x17, 0x17, 0xe4,
				      0xd2, 0xb7, 0x8b, 0xe3, 0xa4, 0x4d, 0x51, 0x8a };
	static const uint8_t microsoft[] = { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d,
					     0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61 };

	for (size_t i = WIRE_HEADER_LEN; i + 16 <= len; i++) {
		if (!memcmp(data + i, us, 16))
			memcpy(data + i, microsoft, 16);
	}
}

/* Which of quick mode's messages it is: 1 and 2 are long. */
static unsigned int number_of(size_t from, size_t len)
{
	return (from ? 2 : 1) + (len < 120 ? 2 : 0);
}

static struct sim_fate carry(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct link *link = sim->network_data;
	struct sim_fate fate = { .delay = 5 };
	size_t *n_lost;

	if (link->is_microsoft)
		replace_vid(data, len);
	if (data[18] != WIRE_EXCHANGE_QUICK)
		return fate;
	assert_true(link->n < MESSAGES_MAX && len <= sizeof(link->messages[0].data));
	memcpy(link->messages[link->n].data, data, len);
	link->messages[link->n].len = len;
	link->messages[link->n].from = from;
	link->messages[link->n].at = sim->now;
	link->n++;
	n_lost = &link->n_lost[number_of(from, len)];
	fate.is_lost = *n_lost != 0;
	*n_lost -= fate.is_lost;
	if (link->is_forging)
		data[19] |= WIRE_FLAG_COMMIT;
	if (link->is_clearing)
		data[19] &= (uint8_t)~WIRE_FLAG_COMMIT;
	return fate;
}

static struct sim *started(struct link *link)
{
	struct sim *sim = sim_new(false, NULL);

	sim->network = carry;
	sim->network_data = link;
	sim_acquire(sim, 0, 1);
	return sim;
}

/* When the host did that for the first time, 0: never. */
static uint64_t when(const struct sim *sim, size_t host, enum sim_step step)
{
	for (size_t i = 0; i < sim->n_trace; i++) {
		if (sim->trace[i].host == host && sim->trace[i].step == step)
			return sim->trace[i].at;
	}
	return 0;
}

static void assert_done(const struct sim *sim)
{
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_true(sim_has_matching_sas(sim));
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_QM_ESTABLISHED), 1);
		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_QM_FAILED), 0);
		assert_int_equal(sim->hosts[i].n_larval, 0);
	}
}

/* Nobody writes what the other cannot read, and the initiator not before it is told so. */
static void test_order(void **state)
{
	struct link link = { .is_microsoft = true };
	struct sim *sim = started(&link);

	(void)state;
	sim_run(sim, 1000);
	assert_done(sim);
	assert_int_equal(link.n, 4);
	assert_int_equal(when(sim, 0, SIM_STEP_ADD_PAIR), 0);
	assert_true(when(sim, 1, SIM_STEP_ADD_IN) <= link.messages[1].at);
	assert_true(when(sim, 0, SIM_STEP_ADD_IN) <= link.messages[2].at);
	assert_true(when(sim, 1, SIM_STEP_ADD_OUT) <= link.messages[3].at);
	assert_int_equal(when(sim, 0, SIM_STEP_ADD_OUT), link.messages[3].at + 5);
	/* The bit is the responder's. */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(link.messages[i].data[19], i % 2 ? 3 : 1);
	/* Nothing is left of it. */
	sim_run(sim, 60000);
	assert_done(sim);
	assert_int_equal(link.n, 4);
	assert_int_equal(sim_stats(sim, 0).connection_list_size, 1);
	sim_free(sim);
}

/* To others it would be news. */
static void test_not_to_others(void **state)
{
	struct link link = {0};
	struct sim *sim = started(&link);

	(void)state;
	sim_run(sim, 60000);
	assert_done(sim);
	assert_int_equal(link.n, 3);
	assert_true(when(sim, 0, SIM_STEP_ADD_PAIR) != 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(link.messages[i].data[19], 1);
	sim_free(sim);
}

/* Messages 3 and 4 are repeated; and without the fourth it goes on, soon. */
static void test_losses(void **state)
{
	static const struct {
		size_t n_lost[5];
		uint64_t most_ms;
	} rows[] = {
		{ { 0, 0, 0, 1, 0 }, 1000 },
		{ { 0, 0, 0, 0, 1 }, 1000 },
		{ { 0, 0, 0, 1, 1 }, 2500 },
		{ { 0, 0, 0, 0, 9 }, 4500 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link link = { .is_microsoft = true };
		struct sim *sim = started(&link);

		memcpy(link.n_lost, rows[i].n_lost, sizeof(link.n_lost));
		sim_run(sim, rows[i].most_ms);
		assert_done(sim);
		sim_run(sim, 60000);
		assert_done(sim);
		sim_free(sim);
	}
}

/* A bit that is not authentic: some time is lost, or nothing is. */
static void test_forged_bit(void **state)
{
	struct link forging = { .is_forging = true };
	struct link clearing = { .is_microsoft = true, .is_clearing = true };
	struct sim *sim = started(&forging);

	(void)state;
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 0), 1);
	sim_run(sim, 3500);
	assert_done(sim);
	sim_free(sim);

	sim = started(&clearing);
	sim_run(sim, 1000);
	assert_done(sim);
	sim_run(sim, 60000);
	assert_done(sim);
	sim_free(sim);
}

/* The responder is gone while we wait: no pair is left here. */
static void test_deleted_while_waiting(void **state)
{
	struct link link = { .is_microsoft = true, .n_lost = { 0, 0, 0, 0, 9 } };
	struct sim *sim = started(&link);

	(void)state;
	sim_run(sim, 300);
	assert_int_equal(sim_count_sas(sim, 0), 1);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	ike_engine_flush(sim->hosts[1].engine, sim->now, IKE_REASON_DELETED_BY_ADMIN);
	sim_run(sim, 60000);
	assert_int_equal(sim_count_sas(sim, 0), 0);
	assert_int_equal(sim_count_sas(sim, 1), 0);
	assert_int_equal(sim->hosts[0].n_larval, 0);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_DELETED_BY_PEER);
	sim_free(sim);
}

/* As RFC 2408 has it: in an informational exchange, with the SPI of one side or the other. */
static void test_informational(void **state)
{
	static const size_t inbound[] = { 0, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(inbound) / sizeof(inbound[0]); i++) {
		struct link link = { .is_microsoft = true, .n_lost = { 0, 0, 0, 0, 9 } };
		struct sim *sim = started(&link);
		struct sim_host *host = &sim->hosts[1];
		uint8_t spi[4];
		struct writer w = writer_make(spi, sizeof(spi));

		sim_run(sim, 300);
		assert_int_equal(sim_count_sas(sim, 0), 1);
		writer_u32(&w, host->sas[inbound[i]].spi);
		notify_send(host->engine,
			    TAILQ_FIRST(&peer_find(host->engine, &host->addr,
						   &sim->hosts[0].addr)->mms),
			    IKE_PROTOCOL_ESP, (struct bytes){ spi, sizeof(spi) },
			    IKE_NOTIFY_CONNECTED, (struct bytes){0});
		sim_run(sim, 10);
		assert_done(sim);
		sim_free(sim);
	}
}

/* HDR*, HASH(4), N(CONNECTED): bytes and hash. */
static void test_bytes(void **state)
{
	struct link link = { .is_microsoft = true };
	struct sim *sim = started(&link);
	uint8_t iv[16], plain[64], want[IKE_HASH_MAX_LEN];
	const uint8_t *third, *fourth, *spi;
	struct mm_keys *keys;

	(void)state;
	sim_run(sim, 1000);
	assert_int_equal(link.n, 4);
	keys = TAILQ_FIRST(&peer_find(sim->hosts[0].engine, &sim->hosts[0].addr,
				      &sim->hosts[1].addr)->mms)->keys;
	third = link.messages[2].data;
	fourth = link.messages[3].data;
	assert_int_equal(link.messages[3].len, WIRE_HEADER_LEN + 48);
	assert_int_equal(fourth[18], WIRE_EXCHANGE_QUICK);
	assert_memory_equal(fourth + 20, third + 20, 4);
	memcpy(iv, third + link.messages[2].len - 16, 16);
	assert_int_equal(crypto_cbc(keys->cipher, (struct bytes){ keys->ka, keys->ka_len }, iv,
				    false, fourth + WIRE_HEADER_LEN, plain, 48),
			 0);
	assert_memory_equal(plain, "\x0b\0\0\x18", 4);
	assert_memory_equal(plain + 24, "\0\0\0\x10\0\0\0\1\3\4\x40\0", 12);
	spi = plain + 36;
	assert_int_equal((uint32_t)spi[0] << 24 | (uint32_t)spi[1] << 16 | (uint32_t)spi[2] << 8 |
			 spi[3], sim->hosts[1].sas[0].spi);
	assert_true(sim->hosts[1].sas[0].is_inbound);
	assert_int_equal(crypto_prf(IKE_HASH_SHA1, (struct bytes){ keys->skeyid_a, keys->len },
				    (struct bytes[]){ { fourth + 20, 4 }, { plain + 24, 16 } }, 2,
				    want),
			 0);
	assert_memory_equal(plain + 4, want, 20);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_not_to_others),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_forged_bit),
		cmocka_unit_test(test_deleted_while_waiting),
		cmocka_unit_test(test_informational),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests_name("connected", tests, NULL, NULL);
}
