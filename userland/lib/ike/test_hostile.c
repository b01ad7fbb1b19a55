// SPDX-License-Identifier: MIT
/* What strangers and liars send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/mm.h"
#include "ike/names.h"
#include "ike/peer.h"
#include "ike/proposal_mm.h"
#include "ike/proposal_qm.h"
#include "ike/sim.h"
#include "ike/test_stranger.h"
#include "ike/vid.h"
#include "ike/wire.h"

/* --- a recorder in the network -------------------------------------------------------------- */

#define RECORDS_MAX 64

struct recorder {
	struct {
		size_t from;
		size_t len;
		uint8_t data[2048];
	} records[RECORDS_MAX];
	size_t n;
	size_t hold_at;		/* this one and later ones are not delivered; 0: none */
};

static struct sim_fate record(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct recorder *r = sim->network_data;
	struct sim_fate fate = { .delay = 1 };

	if (r->n < RECORDS_MAX && len <= sizeof(r->records[0].data)) {
		r->records[r->n].from = from;
		r->records[r->n].len = len;
		memcpy(r->records[r->n].data, data, len);
	}
	r->n++;
	fate.is_lost = r->hold_at && r->n >= r->hold_at;
	return fate;
}

static struct recorder *recorder_for(struct sim *sim)
{
	struct recorder *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	sim->network = record;
	sim->network_data = r;
	return r;
}

static struct ike_mm *mm_of(const struct sim *sim, size_t host)
{
	struct ike_peer *peer = peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
					  &sim->hosts[!host].addr);

	assert_non_null(peer);
	return TAILQ_FIRST(&peer->mms);
}

static struct sim *established(void)
{
	struct sim *sim = sim_new(false, NULL);

	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	return sim;
}

static void assert_can_negotiate(struct sim *sim)
{
	sim_acquire(sim, 0, 4711);
	sim_run(sim, 60000);
	assert_non_null(sim_result(sim, 0, 4711));
	assert_int_equal(sim_result(sim, 0, 4711)->reason, IKE_REASON_OK);
}

/* --- clear and badly authenticated informational messages ----------------------------------- */

/* HDR, N or D in clear with the right cookies: counted, nothing else. */
static void test_clear_notifies_and_deletes(void **state)
{
	static const uint16_t types[] = { IKE_NOTIFY_AUTHENTICATION_FAILED,
					  IKE_NOTIFY_INITIAL_CONTACT, IKE_NOTIFY_R_U_THERE,
					  IKE_NOTIFY_NO_PROPOSAL_CHOSEN };
	struct sim *sim = established();
	struct ike_mm *mm = mm_of(sim, 1);
	uint8_t buf[256], spis[16];
	size_t n_sent = sim->hosts[1].n_sent;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) + 2; i++) {
		struct wire_header header =
			mm_header(mm, WIRE_EXCHANGE_INFORMATIONAL, 0, 77 + (uint32_t)i);
		struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
		struct wire_notify notify = { .doi = 1, .protocol = 1 };
		struct wire_delete del = { .doi = 1, .protocol = 1, .spi_size = 16, .n_spis = 1,
					   .spis = { spis, 16 } };

		memcpy(spis, mm->icookie, 8);
		memcpy(spis + 8, mm->rcookie, 8);
		if (i < sizeof(types) / sizeof(types[0])) {
			notify.type = types[i];
			wire_add_notify(&out, &notify);
		} else {
			if (i % 2) {
				del.protocol = IKE_PROTOCOL_ESP;
				del.spi_size = 4;
				del.spis.len = 4;
				spis[0] = (uint8_t)(sim->hosts[0].sas[0].spi >> 24);
				spis[1] = (uint8_t)(sim->hosts[0].sas[0].spi >> 16);
				spis[2] = (uint8_t)(sim->hosts[0].sas[0].spi >> 8);
				spis[3] = (uint8_t)sim->hosts[0].sas[0].spi;
			}
			wire_add_delete(&out, &del);
		}
		sim_inject(sim, 1, buf, wire_finish(&out, 0));
	}
	sim_run(sim, 100);
	assert_int_equal(sim->hosts[1].n_sent, n_sent);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	assert_int_equal(sim_count_mms(sim, 1), 1);
	assert_int_equal(sim_stats(sim, 1).unauthenticated_notifies, 4);
	assert_int_equal(sim_stats(sim, 1).unauthenticated_deletes, 2);
	sim_free(sim);
}

enum flaw {
	FLAW_NONE,
	FLAW_WRONG_HASH,
	FLAW_SHORT_HASH,
	FLAW_NO_HASH,
	FLAW_HASH_NOT_FIRST,
	FLAW_EMPTY,
	FLAW_COUNT,
};

/* A delete of the peer's inbound SA, encrypted with the right key, and wrong in one point. */
static void inject_flawed_delete(struct sim *sim, enum flaw flaw, uint32_t message_id,
				 uint32_t spi)
{
	struct ike_mm *mm = mm_of(sim, 0);
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_INFORMATIONAL,
					      WIRE_FLAG_ENCRYPTED, message_id);
	uint8_t buf[256], hash[IKE_HASH_MAX_LEN] = {0}, iv[IKE_BLOCK_MAX_LEN], spi_bytes[4];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct writer w = writer_make(spi_bytes, sizeof(spi_bytes));
	struct wire_delete del = { .doi = 1, .protocol = IKE_PROTOCOL_ESP, .spi_size = 4,
				   .n_spis = 1, .spis = { spi_bytes, 4 } };
	size_t len, hash_len = flaw == FLAW_SHORT_HASH ? 4 : mm->keys->len;

	writer_u32(&w, spi);
	if (flaw == FLAW_HASH_NOT_FIRST)
		wire_add_delete(&out, &del);
	if (flaw != FLAW_NO_HASH)
		wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, hash_len });
	if (flaw != FLAW_HASH_NOT_FIRST && flaw != FLAW_EMPTY)
		wire_add_delete(&out, &del);
	if (flaw != FLAW_WRONG_HASH && flaw != FLAW_NO_HASH && flaw != FLAW_HASH_NOT_FIRST) {
		struct bytes after = { buf + WIRE_HEADER_LEN + 4 + hash_len,
				       out.w.len - WIRE_HEADER_LEN - 4 - hash_len };

		keys_hash1(mm->keys, message_id, after, hash);
		memcpy(buf + WIRE_HEADER_LEN + 4, hash, hash_len);
	}
	len = wire_finish(&out, 16);
	keys_phase2_iv(mm->keys, mm->iv, message_id, iv);
	exchange_encrypt(mm->keys, iv, buf, len);
	sim_inject(sim, 1, buf, len);
}

static void test_informational_without_good_hash(void **state)
{
	(void)state;
	for (int flaw = FLAW_NONE; flaw < FLAW_COUNT; flaw++) {
		struct sim *sim = established();
		bool is_good = flaw == FLAW_NONE;
		uint32_t spi = 0;

		for (size_t i = 0; i < sim->hosts[0].n_sas; i++)
			spi = sim->hosts[0].sas[i].is_inbound ? sim->hosts[0].sas[i].spi : spi;
		inject_flawed_delete(sim, (enum flaw)flaw, 99, spi);
		assert_int_equal(sim_count_sas(sim, 1), is_good ? 0 : 2);
		assert_int_equal(sim_stats(sim, 1).invalid_packets,
				 is_good || flaw == FLAW_EMPTY ? 0 : 1);
		/* The same message id again, and the id zero. */
		inject_flawed_delete(sim, FLAW_NONE, 0, spi);
		assert_int_equal(sim_count_sas(sim, 1), is_good ? 0 : 2);
		sim_free(sim);
	}
}

/* More SPIs than anybody has, and a notify after the main mode that it is about is gone. */
static void test_delete_bombs(void **state)
{
	struct sim *sim = established();
	struct ike_mm *mm = mm_of(sim, 0);
	struct wire_header header =
		mm_header(mm, WIRE_EXCHANGE_INFORMATIONAL, WIRE_FLAG_ENCRYPTED, 5);
	uint8_t buf[4096], iv[IKE_BLOCK_MAX_LEN], spis[65 * 4] = {0}, cookies[16];
	struct wire_delete many = { .doi = 1, .protocol = 3, .spi_size = 4, .n_spis = 65,
				    .spis = { spis, sizeof(spis) } };
	struct wire_delete whole = { .doi = 1, .protocol = 1, .spi_size = 16, .n_spis = 1,
				     .spis = { cookies, sizeof(cookies) } };
	struct wire_notify notify = { .doi = 1, .protocol = 1, .type = IKE_NOTIFY_INITIAL_CONTACT };
	uint8_t hash[IKE_HASH_MAX_LEN] = {0};
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct bytes after;
	size_t len;

	(void)state;
	memcpy(cookies, mm->icookie, 8);
	memcpy(cookies + 8, mm->rcookie, 8);
	wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, mm->keys->len });
	wire_add_delete(&out, &many);
	wire_add_delete(&out, &whole);
	wire_add_delete(&out, &whole);
	wire_add_notify(&out, &notify);
	after = (struct bytes){ buf + WIRE_HEADER_LEN + 4 + mm->keys->len,
				out.w.len - WIRE_HEADER_LEN - 4 - mm->keys->len };
	keys_hash1(mm->keys, 5, after, hash);
	memcpy(buf + WIRE_HEADER_LEN + 4, hash, mm->keys->len);
	len = wire_finish(&out, 16);
	keys_phase2_iv(mm->keys, mm->iv, 5, iv);
	exchange_encrypt(mm->keys, iv, buf, len);
	sim_inject(sim, 1, buf, len);
	assert_int_equal(sim_count_mms(sim, 1), 0);
	assert_int_equal(sim_count_events(sim, 1, IKE_EVENT_MM_DELETED), 1);
	/* The pair was made under it, and stays. */
	assert_int_equal(sim_count_sas(sim, 1), 2);
	sim_free(sim);
}

/* --- forged messages 5 and 6 ---------------------------------------------------------------- */

/* @n forged messages 5 before the real one: up to four do no harm. */
static void test_forged_message_5(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 5; n++) {
		struct sim *sim = sim_new(false, NULL);
		struct recorder *r = recorder_for(sim);
		uint8_t forged[108];

		/* HDR*, IDii, HASH_I is held back. */
		r->hold_at = 5;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 100);
		assert_true(r->n >= 5);
		for (unsigned int i = 0; i < n; i++) {
			memset(forged, 0x5a + (int)i, sizeof(forged));
			memcpy(forged, r->records[4].data, WIRE_HEADER_LEN);
			forged[26] = 0;
			forged[27] = sizeof(forged);
			sim_inject(sim, 1, forged, sizeof(forged));
		}
		assert_int_equal(sim_stats(sim, 1).bad_message_5, n);
		r->hold_at = 0;
		sim_run(sim, 60000);
		if (n < 5) {
			assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
			assert_true(sim_has_matching_sas(sim));
		} else {
			assert_int_not_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
			assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_MM_FAILED)->reason,
					 IKE_REASON_CREDENTIALS);
		}
		free(r);
		sim_free(sim);
	}
}

/* The initiator, too, waits for a message 6 that it can read. */
static void test_forged_message_6(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct recorder *r = recorder_for(sim);
	uint8_t forged[76];

	(void)state;
	r->hold_at = 6;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 100);
	for (unsigned int i = 0; i < 20; i++) {
		memset(forged, 0x5a + (int)i, sizeof(forged));
		memcpy(forged, r->records[5].data, WIRE_HEADER_LEN);
		forged[26] = 0;
		forged[27] = sizeof(forged);
		sim_inject(sim, 0, forged, sizeof(forged));
	}
	r->hold_at = 0;
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	free(r);
	sim_free(sim);
}

/* No vendor id is known to anybody. */
static struct sim_fate cut_vids(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t rfc3947[] = { 0x4a, 0x13, 0x1c, 0x81 };
	static const uint8_t draft_02[] = { 0x90, 0xcb, 0x80, 0x91 };

	(void)sim;
	(void)from;
	for (size_t i = 0; i + sizeof(rfc3947) <= len; i++) {
		if (!memcmp(data + i, rfc3947, sizeof(rfc3947)) ||
		    !memcmp(data + i, draft_02, sizeof(draft_02)))
			data[i] ^= 0xff;
	}
	return (struct sim_fate){ .delay = 1 };
}

/* The address on the wire is not the one in the identity: behind one name hides another. */
static void test_identity_is_the_address(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_new(false, NULL);

		/* and nothing is said of NATs, which are an honest reason for that */
		sim->network = cut_vids;
		assert_int_equal(ip_addr_parse("192.0.2.99", &sim->hosts[who].seen_as), 0);
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_int_not_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		assert_int_equal(sim_count_sas(sim, 0), 0);
		assert_int_equal(sim_count_sas(sim, 1), 0);
		assert_non_null(strstr(sim_last_event(sim, !who, IKE_EVENT_MM_FAILED)->text,
				       "identity is not its address"));
		sim_free(sim);
	}
}

/* --- key exchange --------------------------------------------------------------------------- */

/* g^x of 0, 1, p - 1, of a wrong length, and nonces that are too short or long. */
static void test_bad_key_exchange(void **state)
{
	static const struct {
		size_t ke_len, nonce_len;
		int fill;	/* of KE; -1: one */
		bool is_ok;
	} rows[] = {
		{ 128, 32, 0, false },	  { 128, 32, -1, false },  { 128, 32, 0xff, false },
		{ 127, 32, 0x11, false }, { 129, 32, 0x11, false }, { 0, 32, 0x11, false },
		{ 128, 7, 0x11, false },  { 128, 0, 0x11, false },  { 128, 257, 0x11, false },
		{ 128, 8, 0x11, true },	  { 128, 256, 0x11, true },
	};
	struct ike_mm_policy policy = sim_mm_policy(IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *sim = sim_new(false, NULL);
		struct recorder *r = recorder_for(sim);
		uint8_t buf[1024], ke[200], nonce[300] = {0};
		struct wire_header header;
		struct wire_out out;
		size_t n_sent;

		sim_set_mm(sim, &policy);
		/* Message 3 is held back, and ours comes in its place. */
		r->hold_at = 3;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 100);
		n_sent = sim->hosts[1].n_sent;
		assert_int_equal(wire_parse_header((struct bytes){ r->records[2].data,
								   r->records[2].len },
						   &header),
				 0);
		memset(ke, rows[i].fill < 0 ? 0 : rows[i].fill, sizeof(ke));
		if (rows[i].fill < 0)
			ke[127] = 1;
		out = wire_out_make(buf, sizeof(buf), &header);
		wire_add(&out, WIRE_PAYLOAD_KE, (struct bytes){ ke, rows[i].ke_len });
		wire_add(&out, WIRE_PAYLOAD_NONCE, (struct bytes){ nonce, rows[i].nonce_len });
		sim_inject(sim, 1, buf, wire_finish(&out, 0));
		sim_run(sim, 1);
		assert_int_equal(sim->hosts[1].n_sent - n_sent, rows[i].is_ok ? 1 : 0);
		/* No secret is computed, nor a key pair spent, for a value that is no good. */
		assert_int_equal(sim_stats(sim, 1).dh_operations, rows[i].is_ok ? 2 : 0);
		free(r);
		sim_free(sim);
	}
}

/* --- quick mode at the wrong time ----------------------------------------------------------- */

/* Quick mode before main mode is done, with message id zero, and with one that was used. */
static void test_quick_mode_out_of_place(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct recorder *r = recorder_for(sim);
	uint8_t early[2048];

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_int_equal(r->n, 9);
	/* The whole of quick mode again, later: nothing happens. */
	sim_run(sim, 60000);
	for (size_t i = 6; i < 9; i++)
		sim_inject(sim, !r->records[i].from, r->records[i].data, r->records[i].len);
	sim_run(sim, 1000);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	assert_int_equal(sim_stats(sim, 1).quick_modes, 1);
	/* Message id zero. */
	memcpy(early, r->records[6].data, r->records[6].len);
	memset(early + 20, 0, 4);
	sim_inject(sim, 1, early, r->records[6].len);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	free(r);
	sim_free(sim);

	/* Under cookies whose main mode is still being negotiated. */
	sim = sim_new(false, NULL);
	r = recorder_for(sim);
	r->hold_at = 5;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 100);
	memset(early, 0x77, sizeof(early));
	memcpy(early, r->records[4].data, WIRE_HEADER_LEN);
	early[18] = WIRE_EXCHANGE_QUICK;
	early[23] = 9;
	early[26] = 0;
	early[27] = 28 + 64;
	sim_inject(sim, 1, early, 28 + 64);
	assert_int_equal(sim_stats(sim, 1).invalid_packets, 1);
	assert_int_equal(sim_stats(sim, 1).connection_list_size, 0);
	free(r);
	sim_free(sim);
}

/* Everything that was said, said again after a minute: no state, no SA, hardly an answer. */
static void test_replay_of_everything(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct recorder *r = recorder_for(sim);
	size_t n, n_sent[SIM_HOSTS];

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	n = r->n;
	for (size_t i = 0; i < SIM_HOSTS; i++)
		n_sent[i] = sim->hosts[i].n_sent;
	for (size_t i = 0; i < n; i++)
		sim_inject(sim, !r->records[i].from, r->records[i].data, r->records[i].len);
	sim_run(sim, 60000);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim_count_sas(sim, i), 2);
		assert_int_equal(sim_count_mms(sim, i), 1);
		assert_int_equal(sim->hosts[i].n_sent, n_sent[i]);
		assert_int_equal(sim_stats(sim, i).isadb_list_size, 1);
	}
	free(r);
	sim_free(sim);
}

/* Our own datagrams come back to us. */
static void test_reflection(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct recorder *r = recorder_for(sim);

	(void)state;
	for (size_t hold = 1; hold <= 10; hold++) {
		memset(r, 0, sizeof(*r));
		r->hold_at = hold;
		sim_acquire(sim, 0, hold);
		sim_run(sim, 100);
		for (size_t i = 0; i < r->n && i < RECORDS_MAX; i++) {
			size_t n_sent = sim->hosts[r->records[i].from].n_sent;

			sim_inject(sim, r->records[i].from, r->records[i].data,
				   r->records[i].len);
			assert_int_equal(sim->hosts[r->records[i].from].n_sent, n_sent);
		}
		r->hold_at = 0;
		sim_run(sim, 60000);
		assert_int_equal(sim_result(sim, 0, hold)->reason, IKE_REASON_OK);
		ike_engine_flush(sim->hosts[0].engine, sim->now, IKE_REASON_SHUTTING_DOWN);
		sim_run(sim, 60000);
	}
	free(r);
	sim_free(sim);
}

/* A rekeyed pair with an SPI that the peer uses already, or with a reserved one. */
static void test_bad_spis_of_the_peer(void **state)
{
	static const uint32_t bad[] = { 0, 1, 255 };

	(void)state;
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		struct sim *sim = established();
		bool is_duplicate = i == sizeof(bad) / sizeof(bad[0]);

		for (size_t j = 0; j < 2; j++) {
			if (sim->hosts[0].sas[j].is_inbound)
				sim->hosts[0].next_spi = sim->hosts[0].sas[j].spi;
		}
		if (!is_duplicate)
			sim->hosts[0].next_spi = bad[i];
		sim_acquire_port(sim, 0, 2, 80);
		sim_run(sim, 60000);
		assert_int_not_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
		assert_int_equal(sim_count_sas(sim, 1), 2);
		assert_int_equal(sim_stats(sim, 1).quick_modes, 1);
		sim_free(sim);
	}
}

/* --- malformed ------------------------------------------------------------------------------ */

static void mutate(uint64_t *rng, uint8_t *data, size_t *len, size_t cap)
{
	static const uint8_t interesting[] = { 0, 1, 3, 4, 0x7f, 0x80, 0xff };
	unsigned int n = 1 + (unsigned int)(sim_random(rng) % 4);

	while (n--) {
		size_t at = sim_random(rng) % *len;

		switch (sim_random(rng) % 6) {
		case 0:
			data[at] ^= (uint8_t)(1U << sim_random(rng) % 8);
			break;
		case 1:
			data[at] = interesting[sim_random(rng) % sizeof(interesting)];
			break;
		case 2:
			*len = 1 + at;
			break;
		case 3:
			if (*len < cap)
				data[(*len)++] = (uint8_t)sim_random(rng);
			break;
		case 4:
			/* A length field, most likely. */
			data[at & ~(size_t)1] = (uint8_t)(sim_random(rng) % 2);
			break;
		case 5:
			memmove(data + at, data + at / 2, *len - at);
			break;
		}
	}
	/* Half of them claim the right length, or they would all end at the first check. */
	if (*len >= WIRE_HEADER_LEN && sim_random(rng) % 2) {
		data[24] = data[25] = 0;
		data[26] = (uint8_t)(*len >> 8);
		data[27] = (uint8_t)*len;
	}
}

/*
 * At each moment of a negotiation, mutations of each of its messages to both sides: 9 × 9 × 40 ×
 * 2 datagrams. Nothing breaks, and the negotiation goes on to its end.
 */
static void test_mutated_datagrams(void **state)
{
	struct sim *good = sim_new(false, NULL);
	struct recorder *r = recorder_for(good);
	uint64_t rng = 0x2545f4914f6cdd1d;
	size_t n_injected = 0;

	(void)state;
	sim_acquire(good, 0, 1);
	sim_run(good, 1000);
	assert_int_equal(r->n, 9);
	for (uint64_t stage = 0; stage < 9; stage++) {
		struct sim *sim = sim_new(false, NULL);

		/* The same random numbers: the recorded cookies and keys are this one's too. */
		sim_acquire(sim, 0, 1);
		sim_run(sim, stage);
		for (size_t i = 0; i < 9; i++) {
			for (unsigned int j = 0; j < 80; j++) {
				uint8_t data[2100];
				size_t len = r->records[i].len;

				memcpy(data, r->records[i].data, len);
				mutate(&rng, data, &len, sizeof(data));
				sim_inject(sim, j % 2, data, len);
				n_injected++;
			}
		}
		sim_run(sim, 60000);
		assert_non_null(sim_result(sim, 0, 1));
		assert_can_negotiate(sim);
		sim_free(sim);
	}
	assert_true(n_injected >= 3000);
	free(r);
	sim_free(good);
}

static void test_truncated_and_flipped_datagrams(void **state)
{
	struct sim *good = sim_new(false, NULL), *sim = sim_new(false, NULL);
	struct recorder *r = recorder_for(good);

	(void)state;
	sim_acquire(good, 0, 1);
	sim_run(good, 1000);
	for (size_t i = 0; i < 9; i++) {
		uint8_t data[2048];

		for (size_t len = 0; len < r->records[i].len; len++)
			sim_inject(sim, !r->records[i].from, r->records[i].data, len);
		for (size_t bit = 0; bit < 8 * r->records[i].len; bit++) {
			memcpy(data, r->records[i].data, r->records[i].len);
			data[bit / 8] ^= (uint8_t)(1U << bit % 8);
			sim_inject(sim, !r->records[i].from, data, r->records[i].len);
		}
	}
	assert_int_equal(sim_count_sas(sim, 0), 0);
	assert_int_equal(sim_count_sas(sim, 1), 0);
	sim_run(sim, 60000);
	assert_can_negotiate(sim);
	free(r);
	sim_free(good);
	sim_free(sim);
}

/* Headers that are wrong in one field. */
static void test_header_oddities(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool is_answered;
	} rows[] = {
		{ 17, 0x00, false }, { 17, 0x20, false }, { 17, 0x30, false },
		{ 17, 0x11, true }, /* another minor version */
		{ 19, 0x01, false }, /* says that it is encrypted */
		{ 19, 0x80, false }, { 19, 0xff, false },
		{ 23, 0x01, false }, /* message id */
		{ 27, 0x00, false }, /* length */
		{ 35, 0x00, false }, /* DOI */
		{ 39, 0x00, false }, /* situation */
		{ 16, 0x0d, false }, /* SA is not the first */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *sim = sim_new(false, NULL);
		struct ip_addr from = stranger_addr(1);
		uint8_t buf[512];
		size_t len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 1, VID_DPD);

		buf[rows[i].at] = rows[i].value;
		sim_inject_from(sim, 1, &from, 500, buf, len);
		sim_run(sim, 100);
		assert_int_equal(sim->hosts[1].n_sent, rows[i].is_answered);
		sim_free(sim);
	}
	/* Initiator cookie zero. */
	{
		struct sim *sim = sim_new(false, NULL);
		struct ip_addr from = stranger_addr(1);
		uint8_t buf[512];
		size_t len = stranger_mm1(buf, sizeof(buf), &sim->hosts[1].mm, 0, VID_DPD);

		sim_inject_from(sim, 1, &from, 500, buf, len);
		sim_run(sim, 100);
		assert_int_equal(sim->hosts[1].n_sent, 0);
		sim_free(sim);
	}
}

/* Payloads, vendor ids and attributes that nobody knows are no reason to refuse. */
static void test_unknown_things_are_tolerated(void **state)
{
	static const uint8_t junk[20] = { 0xde, 0xad };
	static const uint8_t types[] = { 15, 19, 22, 33, 48, 127, 128, 200, 255 };
	struct sim *sim = sim_new(false, NULL);
	struct wire_header header = { .icookie = { 1 }, .version = WIRE_VERSION,
				      .exchange = WIRE_EXCHANGE_MAIN };
	struct ip_addr from = stranger_addr(1);
	uint8_t buf[1024];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);

	(void)state;
	wire_begin(&out, WIRE_PAYLOAD_SA);
	mm_proposal_write(&out.w, &sim->hosts[1].mm);
	wire_end(&out);
	for (size_t i = 0; i < sizeof(types); i++)
		wire_add(&out, types[i], (struct bytes){ junk, sizeof(junk) });
	wire_add(&out, WIRE_PAYLOAD_VID, (struct bytes){ junk, sizeof(junk) });
	wire_add(&out, WIRE_PAYLOAD_VID, (struct bytes){0});
	sim_inject_from(sim, 1, &from, 500, buf, wire_finish(&out, 0));
	sim_run(sim, 100);
	assert_int_equal(sim->hosts[1].n_sent, 1);
	assert_int_equal(sim_stats(sim, 1).half_open, 1);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "clear notifies and deletes are only counted",
		  test_clear_notifies_and_deletes, NULL, NULL, NULL },
		{ "informational without a good HASH", test_informational_without_good_hash,
		  NULL, NULL, NULL },
		{ "delete bombs", test_delete_bombs, NULL, NULL, NULL },
		{ "forged message 5", test_forged_message_5, NULL, NULL, NULL },
		{ "forged message 6", test_forged_message_6, NULL, NULL, NULL },
		{ "identity is not the address", test_identity_is_the_address, NULL, NULL,
		  NULL },
		{ "bad key exchange and nonces", test_bad_key_exchange, NULL, NULL, NULL },
		{ "quick mode out of place", test_quick_mode_out_of_place, NULL, NULL, NULL },
		{ "replay of everything", test_replay_of_everything, NULL, NULL, NULL },
		{ "reflection of our own messages", test_reflection, NULL, NULL, NULL },
		{ "bad SPIs of the peer", test_bad_spis_of_the_peer, NULL, NULL, NULL },
		{ "mutated datagrams at every stage", test_mutated_datagrams, NULL, NULL,
		  NULL },
		{ "truncated and flipped datagrams", test_truncated_and_flipped_datagrams,
		  NULL, NULL, NULL },
		{ "header oddities", test_header_oddities, NULL, NULL, NULL },
		{ "unknown payloads and vendor ids", test_unknown_things_are_tolerated, NULL,
		  NULL, NULL },
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
