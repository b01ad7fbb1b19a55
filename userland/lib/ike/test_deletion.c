// SPDX-License-Identifier: MIT
/* Deletes: repeated until they are answered, where the peer answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/core.h"
#include "ike/crypto.h"
#include "ike/keys.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/sim.h"
#include "ike/wire.h"

#define MESSAGES_MAX 32

/* Informational messages, and what becomes of them. */
struct link {
	struct {
		uint8_t data[300];
		size_t len;
		size_t from;
		uint64_t at;
	} messages[MESSAGES_MAX];
	size_t n;
	size_t n_lost;		/* of host 0's the first so many are lost */
	size_t n_answers_lost;	/* of host 1's */
	bool is_damaging;	/* host 1's have a wrong bit */
	const uint8_t *vid;	/* what the hosts take each other for; NULL: for what they are */
};

static const uint8_t us[] = { 0x56, 0x59, 0xc3, 0x6d, 0x4c, 0x17, 0x17, 0xe4,
			      0xd2, 0xb7, 0x8b, 0xe3, 0xa4, 0x4d, 0x51, 0x8a };
static const uint8_t microsoft[16] = { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d,
				       0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61 };
static const uint8_t nobody[16] = { 1 };

static void replace_vid(const struct link *link, uint8_t *data, size_t len)
{
	for (size_t i = WIRE_HEADER_LEN; link->vid && i + 16 <= len; i++) {
		if (!memcmp(data + i, us, 16))
			memcpy(data + i, link->vid, 16);
	}
}

static struct sim_fate carry(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct link *link = sim->network_data;
	size_t *n_lost = from ? &link->n_answers_lost : &link->n_lost;
	struct sim_fate fate = { .delay = 1 };

	replace_vid(link, data, len);
	if (data[18] != WIRE_EXCHANGE_INFORMATIONAL)
		return fate;
	assert_true(link->n < MESSAGES_MAX && len <= sizeof(link->messages[0].data));
	memcpy(link->messages[link->n].data, data, len);
	link->messages[link->n].len = len;
	link->messages[link->n].from = from;
	link->messages[link->n].at = sim->now;
	link->n++;
	fate.is_lost = *n_lost != 0;
	*n_lost -= fate.is_lost;
	data[len - 1] ^= from && link->is_damaging;
	return fate;
}

static struct sim *established(struct link *link)
{
	struct sim *sim = sim_new(false, NULL);

	sim->network = carry;
	sim->network_data = link;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	return sim;
}

static void delete_pair(struct sim *sim)
{
	assert_int_equal(ike_engine_delete_qm(sim->hosts[0].engine, sim->now,
					      sim->hosts[0].sas[0].qm_id,
					      IKE_REASON_DELETED_BY_ADMIN),
			 0);
}

static bool keep_id(void *userdata, const struct ike_mm_info *info)
{
	*(uint64_t *)userdata = info->mm_id;
	return false;
}

static void delete_mm(struct sim *sim)
{
	uint64_t id = 0;

	ike_engine_for_each_mm(sim->hosts[0].engine, sim->now, keep_id, &id);
	assert_int_equal(ike_engine_delete_mm(sim->hosts[0].engine, sim->now, id,
					      IKE_REASON_DELETED_BY_ADMIN),
			 0);
}

static size_t count_from(const struct link *link, size_t host)
{
	size_t n = 0;

	for (size_t i = 0; i < link->n; i++)
		n += link->messages[i].from == host;
	return n;
}

/* Nobody waits or keeps anything any more. */
static void assert_over(const struct sim *sim)
{
	for (size_t i = 0; i < SIM_HOSTS; i++)
		assert_true(TAILQ_EMPTY(&sim->hosts[i].engine->deletions.list));
}

/* --- what happens --------------------------------------------------------------------------- */

static void test_answered(void **state)
{
	(void)state;
	for (int is_mm = 0; is_mm <= 1; is_mm++) {
		struct link link = {0};
		struct sim *sim = established(&link);

		(is_mm ? delete_mm : delete_pair)(sim);
		sim_run(sim, 60000);
		assert_int_equal(link.n, 2);
		assert_int_equal(link.messages[1].from, 1);
		for (size_t i = 0; i < SIM_HOSTS; i++) {
			/* A main mode goes alone, its pairs stay; and the reverse. */
			assert_int_equal(sim_count_mms(sim, i), !is_mm);
			assert_int_equal(sim_count_sas(sim, i), is_mm ? 2 : 0);
		}
		assert_over(sim);
		sim_free(sim);
	}
}

/* Lost once to five times: it gets there in the end, a second after, then two, four ... */
static void test_repeated(void **state)
{
	static const uint64_t at[] = { 0, 1000, 3000, 7000, 15000, 31000 };

	(void)state;
	for (size_t n = 1; n <= 6; n++) {
		struct link link = { .n_lost = n };
		struct sim *sim = established(&link);
		uint64_t start = sim->now;

		delete_pair(sim);
		sim_run(sim, 120000);
		assert_int_equal(count_from(&link, 0), n < 6 ? n + 1 : 6);
		for (size_t i = 0; i < count_from(&link, 0); i++)
			assert_int_equal(link.messages[i].at - start, at[i]);
		assert_int_equal(count_from(&link, 1), n < 6);
		assert_int_equal(sim_count_sas(sim, 1), n < 6 ? 0 : 2);
		assert_over(sim);
		sim_free(sim);
	}
}

/* The answer is lost: it is given again, and nothing is deleted twice. */
static void test_answer_lost(void **state)
{
	(void)state;
	for (int is_mm = 0; is_mm <= 1; is_mm++) {
		struct link link = { .n_answers_lost = 2 };
		struct sim *sim = established(&link);

		(is_mm ? delete_mm : delete_pair)(sim);
		sim_run(sim, 60000);
		assert_int_equal(count_from(&link, 0), 3);
		assert_int_equal(count_from(&link, 1), 3);
		assert_int_equal(sim_stats(sim, 1).duplicates_answered, 2);
		assert_int_equal(sim_count_events(sim, 1, is_mm ? IKE_EVENT_MM_DELETED :
							  IKE_EVENT_QM_DELETED),
				 1);
		assert_over(sim);
		sim_free(sim);
	}
}

static void test_forged_answer(void **state)
{
	struct link link = { .is_damaging = true };
	struct sim *sim = established(&link);

	(void)state;
	delete_pair(sim);
	sim_run(sim, 60000);
	assert_int_equal(count_from(&link, 0), 6);
	assert_int_equal(sim_stats(sim, 0).invalid_packets, 6);
	assert_over(sim);
	sim_free(sim);
}

/* Many at once are remembered up to a limit, and all are sent. */
static void test_limit(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	for (uint16_t i = 1; i <= 100; i++)
		sim_acquire_port(sim, 0, i, i);
	sim_run(sim, 5000);
	assert_int_equal(sim_count_sas(sim, 1), 200);
	ike_engine_flush(sim->hosts[0].engine, sim->now, IKE_REASON_POLICY_CHANGE);
	assert_int_equal(sim->hosts[0].engine->deletions.n[1], 101);
	sim_run(sim, 1000);
	assert_int_equal(sim->hosts[0].engine->deletions.n[1], 0);
	assert_int_equal(sim_count_sas(sim, 1), 0);
	sim_run(sim, 60000);
	assert_over(sim);
	sim_free(sim);
}

/* --- whom to ask for an answer -------------------------------------------------------------- */

static void test_peers(void **state)
{
	static const struct {
		const uint8_t *vid;
		bool is_reliable;
	} rows[] = { { NULL, true }, { microsoft, true }, { nobody, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link link = { .vid = rows[i].vid, .n_lost = 1 };
		struct sim *sim = established(&link);

		delete_pair(sim);
		sim_run(sim, 60000);
		assert_int_equal(count_from(&link, 0), rows[i].is_reliable ? 2 : 1);
		assert_int_equal(count_from(&link, 1), rows[i].is_reliable);
		assert_int_equal(sim_count_sas(sim, 1), rows[i].is_reliable ? 0 : 2);
		assert_over(sim);
		sim_free(sim);
	}
}

/* --- on the wire ---------------------------------------------------------------------------- */

static struct bytes open_message(const struct link *link, size_t n, const struct mm_keys *keys,
				 uint8_t *iv, uint8_t *plain)
{
	const uint8_t *data = link->messages[n].data;
	size_t len = link->messages[n].len - WIRE_HEADER_LEN;
	struct bytes key = { keys->ka, keys->ka_len };

	assert_int_equal(crypto_cbc(keys->cipher, key, iv, false, data + WIRE_HEADER_LEN, plain,
				    len),
			 0);
	memcpy(iv, data + WIRE_HEADER_LEN + len - 16, 16);
	return (struct bytes){ plain, len };
}

/* By the formulas of [MS-IKEE], from the bytes, with nothing of our own but prf and cipher. */
static void test_bytes(void **state)
{
	struct link link = {0};
	struct sim *sim = established(&link);
	struct ike_peer *peer = peer_find(sim->hosts[0].engine, &sim->hosts[0].addr,
					  &sim->hosts[1].addr);
	struct mm_keys *keys = TAILQ_FIRST(&peer->mms)->keys;
	struct bytes a = { keys->skeyid_a, keys->len };
	uint8_t iv[16], one[256], two[256], want[IKE_HASH_MAX_LEN];
	const uint8_t *id = link.messages[0].data + 20;
	struct bytes m;

	(void)state;
	delete_pair(sim);
	sim_run(sim, 1000);
	assert_int_equal(link.n, 2);
	assert_int_equal(keys_phase2_iv(keys, TAILQ_FIRST(&peer->mms)->iv,
					(uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
						(uint32_t)id[2] << 8 | id[3],
					iv),
			 0);
	/* HASH(1), Ni of 32 bytes, D of one ESP SPI */
	assert_int_equal(link.messages[0].data[16], 8);
	m = open_message(&link, 0, keys, iv, one);
	assert_true(m.len >= 24 + 36 + 16);
	assert_memory_equal(one, "\x0a\0\0\x18", 4);
	assert_memory_equal(one + 24, "\x0c\0\0\x24", 4);
	assert_memory_equal(one + 60, "\0\0\0\x10\0\0\0\1\3\4\0\1", 12);
	assert_int_equal(crypto_prf(IKE_HASH_SHA1, a,
				    (struct bytes[]){ { id, 4 }, { one + 24, 52 } }, 2, want),
			 0);
	assert_memory_equal(one + 4, want, 20);
	/* The same exchange: HASH(2), D, Nr */
	assert_memory_equal(link.messages[1].data + 20, id, 4);
	assert_int_equal(link.messages[1].data[16], 8);
	m = open_message(&link, 1, keys, iv, two);
	assert_memory_equal(two, "\x0c\0\0\x18", 4);
	assert_memory_equal(two + 24, "\x0a\0\0\x10", 4);
	assert_memory_equal(two + 28, one + 64, 12);
	assert_memory_equal(two + 40, "\0\0\0\x24", 4);
	assert_memory_not_equal(two + 44, one + 28, 32);
	assert_int_equal(crypto_prf(IKE_HASH_SHA1, a,
				    (struct bytes[]){ { one + 28, 32 },	/* Ni_b */
						      { id, 4 },
						      { two + 40, 36 },	/* Nr */
						      { two + 24, 16 } },	/* D */
				    4, want),
			 0);
	assert_memory_equal(two + 4, want, 20);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_answer_lost),
		cmocka_unit_test(test_forged_answer),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests_name("deletion", tests, NULL, NULL);
}
