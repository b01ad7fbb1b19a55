// SPDX-License-Identifier: MIT
/* Long messages on links where they do not get through whole, and fragments of strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/core.h"
#include "ike/fragment.h"
#include "ike/half_open.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/sim.h"
#include "ike/wire.h"

#define FITS 548	/* a packet of 576 bytes */
#define FITS_V6 1232

struct link {
	size_t max_len;		/* longer datagrams are lost; 0: none are */
	size_t longest;		/* that got through */
	unsigned int weather;	/* of 100 datagrams so many are lost, and as many doubled */
	bool is_microsoft;	/* both hosts look like Windows to each other */
	bool has_no_vid;	/* they do not say that they can put fragments together */
};

/* Vendor ids are not authentic: the link makes other peers of the hosts. */
static void replace(uint8_t *data, size_t len, const uint8_t *from, const uint8_t *to)
{
	for (size_t i = WIRE_HEADER_LEN; i + 16 <= len; i++) {
		if (!memcmp(data + i, from, 16))
			memcpy(data + i, to, 16);
	}
}

static struct sim_fate carry(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t us[] = { 0x56, 0x59, 0xc3, 0x6d, 0x4c, 0x17, 0x17, 0xe4,
				      0xd2, 0xb7, 0x8b, 0xe3, 0xa4, 0x4d, 0x51, 0x8a };
	static const uint8_t microsoft[] = { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d,
					     0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61 };
	static const uint8_t fragmentation[] = { 0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85,
						 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3 };
	static const uint8_t nobody[16] = { 1 };
	struct link *link = sim->network_data;
	struct sim_fate fate = { .delay = 1 };

	(void)from;
	if (link->is_microsoft)
		replace(data, len, us, microsoft);
	if (link->has_no_vid)
		replace(data, len, fragmentation, nobody);
	if (link->weather) {
		fate.is_lost = sim_random(&sim->rng) % 100 < link->weather;
		fate.n_copies = sim_random(&sim->rng) % 100 < link->weather;
		fate.delay += sim_random(&sim->rng) % 20;
	}
	fate.is_lost |= link->max_len && len > link->max_len;
	if (!fate.is_lost && len > link->longest)
		link->longest = len;
	return fate;
}

/* Messages 3 and 4 have 512 bytes of key exchange, and so do quick mode's. */
static struct sim *sim_with(struct link *link, bool is_v6, unsigned int group)
{
	struct ike_mm_policy mm = sim_mm_policy(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1, group);
	struct ike_qm_offer offer = sim_esp(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1);
	struct sim *sim = sim_new(is_v6, NULL);

	offer.pfs_group = is_v6 ? IKE_GROUP_MODP8192 : IKE_GROUP_MODP4096;
	sim_set_mm(sim, &mm);
	sim_set_offer(sim, &offer);
	sim->network = carry;
	sim->network_data = link;
	return sim;
}

static enum ike_reason negotiate(struct sim *sim, uint64_t id)
{
	sim_acquire_port(sim, 0, id, (uint16_t)id);
	sim_run(sim, 120000);
	assert_non_null(sim_result(sim, 0, id));
	return sim_result(sim, 0, id)->reason;
}

static struct ike_mm *mm_of(const struct sim *sim, size_t host)
{
	struct ike_peer *peer = peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
					  &sim->hosts[!host].addr);

	assert_non_null(peer);
	return TAILQ_FIRST(&peer->mms);
}

/* --- links ---------------------------------------------------------------------------------- */

static void test_no_need(void **state)
{
	struct link link = {0};
	struct sim *sim = sim_with(&link, false, IKE_GROUP_MODP4096);

	(void)state;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
	assert_true(link.longest > FITS);
	for (size_t i = 0; i < SIM_HOSTS; i++)
		assert_int_equal(sim_stats(sim, i).messages_fragmented, 0);
	sim_free(sim);
}

/* No IP fragments: after two retransmissions in vain both sides cut, and from then on at once. */
static void test_narrow_link(void **state)
{
	(void)state;
	for (int is_v6 = 0; is_v6 <= 1; is_v6++) {
		struct link link = { .max_len = is_v6 ? FITS_V6 : FITS };
		struct sim *sim = sim_with(&link, is_v6, IKE_GROUP_MODP4096);

		assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
		assert_true(sim_has_matching_sas(sim));
		/* The whole size is used. */
		assert_int_equal(link.longest, link.max_len);
		for (size_t i = 0; i < SIM_HOSTS; i++) {
			struct ike_stats stats = sim_stats(sim, i);

			assert_true(stats.messages_fragmented >= 1);
			assert_true(stats.messages_reassembled >= 1);
			assert_int_equal(sim->hosts[i].engine->reassemblies.bytes, 0);
		}
		if (!is_v6) {
			uint64_t before = sim_stats(sim, 0).retransmissions;

			sim_acquire_port(sim, 0, 2, 2);
			sim_run(sim, 300);
			assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
			assert_int_equal(sim_stats(sim, 0).retransmissions, before);
		}
		sim_free(sim);
	}
}

/* A peer that does not say that it can gets everything whole. */
static void test_without_vendor_id(void **state)
{
	struct link link = { .max_len = FITS, .has_no_vid = true };
	struct sim *sim = sim_with(&link, false, IKE_GROUP_MODP4096);

	(void)state;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_TIMED_OUT);
	assert_int_equal(sim_stats(sim, 0).messages_fragmented, 0);
	sim_free(sim);
}

/* Windows puts nothing together but messages with identities: quick mode's, not message 3. */
static void test_microsoft(void **state)
{
	struct link link = { .max_len = FITS, .is_microsoft = true };
	struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);

	(void)state;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
	assert_true(sim_stats(sim, 0).messages_fragmented >= 1);
	sim_free(sim);

	sim = sim_with(&link, false, IKE_GROUP_MODP4096);
	assert_int_equal(negotiate(sim, 1), IKE_REASON_TIMED_OUT);
	assert_int_equal(sim_stats(sim, 0).messages_fragmented, 0);
	sim_free(sim);
}

/* Behind a NAT there are four bytes less for the message. */
static void test_nat(void **state)
{
	struct link link = { .max_len = FITS - 4 };
	struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);

	(void)state;
	assert_int_equal(ip_addr_parse("198.51.100.7", &sim->hosts[0].seen_as), 0);
	sim->hosts[0].nat_ports = 50000;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
	assert_int_equal(link.longest, FITS - 4);
	sim_free(sim);
}

/* Fragments get lost, arrive twice and in any order. */
static void test_bad_link(void **state)
{
	unsigned int n_ok = 0;

	(void)state;
	for (unsigned int seed = 1; seed <= 20; seed++) {
		struct link link = { .max_len = FITS, .weather = 15 };
		struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);

		sim->rng += seed;
		n_ok += negotiate(sim, 1) == IKE_REASON_OK;
		for (size_t i = 0; i < SIM_HOSTS; i++)
			assert_int_equal(sim->hosts[i].engine->reassemblies.bytes, 0);
		sim_free(sim);
	}
	assert_true(n_ok >= 18);
}

/* --- strangers ------------------------------------------------------------------------------ */

/* The first of two fragments, under the cookies of the main mode that @host has. */
static size_t write_first(const struct sim *sim, size_t host, uint16_t id, uint8_t *buf)
{
	struct ike_mm *mm = mm_of(sim, host);
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	uint8_t text[900];
	struct wire_out out = wire_out_make(text, sizeof(text), &header);

	wire_begin(&out, WIRE_PAYLOAD_ID);
	writer_zero(&out.w, sizeof(text) - out.w.len);
	wire_end(&out);
	return fragment_write(buf, (struct bytes){ text, wire_finish(&out, 0) }, id, 1, 512);
}

static size_t held(const struct sim *sim, size_t host)
{
	return sim->hosts[host].engine->reassemblies.bytes;
}

static void test_unknown_cookies(void **state)
{
	struct link link = {0};
	struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);
	uint8_t buf[512 + FRAGMENT_OVERHEAD];
	struct ip_addr stranger;
	size_t len;

	(void)state;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
	len = write_first(sim, 0, 7, buf);
	for (size_t at = 0; at < 16; at++) {
		buf[at] ^= 1;
		sim_inject(sim, 0, buf, len);
		assert_int_equal(held(sim, 0), 0);
		buf[at] ^= 1;
	}
	/* The right ones, from another address. */
	assert_int_equal(ip_addr_parse("203.0.113.9", &stranger), 0);
	sim_inject_from(sim, 0, &stranger, 500, buf, len);
	assert_int_equal(held(sim, 0), 0);
	sim_inject(sim, 0, buf, len);
	assert_true(held(sim, 0) > 512);
	sim_free(sim);
}

/* As initiator, before anybody has answered, any responder cookie would do. */
static void test_before_message_2(void **state)
{
	struct link link = { .max_len = 1 };
	struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);
	uint8_t buf[512 + FRAGMENT_OVERHEAD];
	size_t len;

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 100);
	len = write_first(sim, 0, 7, buf);
	buf[8] = 1;
	sim_inject(sim, 0, buf, len);
	assert_int_equal(held(sim, 0), 0);
	sim_free(sim);
}

/* One message at a time, for half a minute, and nothing once the main mode is gone. */
static void test_collecting_ends(void **state)
{
	struct link link = {0};
	struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);
	uint8_t buf[512 + FRAGMENT_OVERHEAD];
	size_t len, one;

	(void)state;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
	len = write_first(sim, 0, 1, buf);
	sim_inject(sim, 0, buf, len);
	one = held(sim, 0);
	for (uint16_t id = 2; id < 300; id++) {
		len = write_first(sim, 0, id, buf);
		sim_inject(sim, 0, buf, len);
		assert_int_equal(held(sim, 0), one);
	}
	sim_run(sim, 29000);
	assert_int_equal(held(sim, 0), one);
	sim_run(sim, 1500);
	assert_int_equal(held(sim, 0), 0);

	sim_inject(sim, 0, buf, len);
	assert_int_equal(held(sim, 0), one);
	ike_engine_flush(sim->hosts[0].engine, sim->now, IKE_REASON_POLICY_CHANGE);
	assert_int_equal(held(sim, 0), 0);
	sim_free(sim);
}

struct first_message {
	uint8_t data[512];
	size_t len;
};

static struct sim_fate keep_first(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct first_message *first = sim->network_data;

	if (!from && !first->len) {
		assert_true(len <= sizeof(first->data));
		memcpy(first->data, data, len);
		first->len = len;
	}
	return (struct sim_fate){ .is_lost = true };
}

/* The @number'th of many fragments to the newest half-open main mode of host 1. */
static void send_to_newest(struct sim *sim, const struct ip_addr *from, size_t number)
{
	struct half_open *h = TAILQ_LAST(&sim->hosts[1].engine->half_opens.unverified,
					 half_open_list);
	struct wire_header header = { .version = WIRE_VERSION, .exchange = WIRE_EXCHANGE_MAIN };
	static uint8_t text[30000];
	uint8_t buf[1000 + FRAGMENT_OVERHEAD];
	struct wire_out out;
	size_t len;

	memcpy(header.icookie, h->icookie, WIRE_COOKIE_LEN);
	memcpy(header.rcookie, h->rcookie, WIRE_COOKIE_LEN);
	out = wire_out_make(text, sizeof(text), &header);
	wire_begin(&out, WIRE_PAYLOAD_KE);
	writer_zero(&out.w, sizeof(text) - out.w.len);
	wire_end(&out);
	len = fragment_write(buf, (struct bytes){ text, wire_finish(&out, 0) }, 1, number, 1000);
	sim_inject_from(sim, 1, from, 500, buf, len);
}

/* 400 hosts that each begin a long message 3, together more than we keep. */
static void test_limit_of_all(void **state)
{
	struct first_message first = {0};
	struct sim *sim = sim_new(false, NULL);
	uint64_t most = 0;

	(void)state;
	sim->network = keep_first;
	sim->network_data = &first;
	sim_acquire(sim, 0, 1);
	for (uint32_t i = 0; i < 400; i++) {
		struct ip_addr from = ip_addr_v4(0x0a000001 + (i << 8));

		first.data[0] = (uint8_t)i;
		sim_inject_from(sim, 1, &from, 500, first.data, first.len);
		sim_run(sim, 1);
		for (size_t number = 1; number < 30; number++)
			send_to_newest(sim, &from, number);
		most = held(sim, 1) > most ? held(sim, 1) : most;
	}
	assert_int_equal(sim_stats(sim, 1).half_open, 400);
	assert_in_range(most, 7 << 20, 8 << 20);
	sim_run(sim, 31000);
	assert_int_equal(held(sim, 1), 0);
	sim_free(sim);
}

/* What is put together is encrypted and authentic, or comes to nothing. */
static void test_forged_message(void **state)
{
	struct link link = {0};
	struct sim *sim = sim_with(&link, false, IKE_GROUP_ECP256);
	struct wire_header header;
	uint8_t text[900], buf[512 + FRAGMENT_OVERHEAD];
	struct wire_out out;
	size_t len;

	(void)state;
	assert_int_equal(negotiate(sim, 1), IKE_REASON_OK);
	header = mm_header(mm_of(sim, 0), WIRE_EXCHANGE_INFORMATIONAL, WIRE_FLAG_ENCRYPTED, 99);
	out = wire_out_make(text, sizeof(text), &header);
	wire_begin(&out, WIRE_PAYLOAD_HASH);
	writer_zero(&out.w, sizeof(text) - out.w.len);
	wire_end(&out);
	len = wire_finish(&out, 0);
	for (size_t i = 1; i <= 2; i++) {
		size_t n = fragment_write(buf, (struct bytes){ text, len }, 3, i, 512);

		sim_inject(sim, 0, buf, n);
	}
	assert_int_equal(sim_stats(sim, 0).messages_reassembled, 1);
	assert_int_equal(sim_stats(sim, 0).invalid_packets, 1);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_int_equal(sim_count_mms(sim, 0), 1);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_need),
		cmocka_unit_test(test_narrow_link),
		cmocka_unit_test(test_without_vendor_id),
		cmocka_unit_test(test_microsoft),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_bad_link),
		cmocka_unit_test(test_unknown_cookies),
		cmocka_unit_test(test_before_message_2),
		cmocka_unit_test(test_collecting_ends),
		cmocka_unit_test(test_limit_of_all),
		cmocka_unit_test(test_forged_message),
	};

	return cmocka_run_group_tests_name("fragmentation", tests, NULL, NULL);
}
