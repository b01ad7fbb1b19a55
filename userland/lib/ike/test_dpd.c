// SPDX-License-Identifier: MIT
/* Silence: who is asked, who is believed, and when a peer is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/mm.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/peer.h"
#include "ike/sim.h"
#include "ike/wire.h"

/* A link on which everything of a host may be lost, and the hosts' vendor ids may be, too. */
struct link {
	bool is_dead[SIM_HOSTS];
	bool has_no_vid;
	size_t n;		/* informational messages of host 0 */
	uint64_t at[16];
};

static struct sim_fate carry(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t dpd[] = { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9 };
	struct link *link = sim->network_data;

	for (size_t i = WIRE_HEADER_LEN; link->has_no_vid && i + sizeof(dpd) <= len; i++) {
		if (!memcmp(data + i, dpd, sizeof(dpd)))
			data[i] ^= 1;
	}
	if (!from && data[18] == WIRE_EXCHANGE_INFORMATIONAL) {
		assert_true(link->n < 16);
		link->at[link->n++] = sim->now;
	}
	return (struct sim_fate){ .delay = 1, .is_lost = link->is_dead[from] };
}

static struct sim *established(struct link *link)
{
	struct sim *sim = sim_new(false, NULL);

	sim->network = carry;
	sim->network_data = link;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	return sim;
}

/* Whoever watches host 0's driver finds its newest pair silent. */
static void report(struct sim *sim)
{
	struct sim_host *host = &sim->hosts[0];
	uint64_t newest = 0;
	uint32_t spi = 0;

	for (size_t i = 0; i < host->n_sas; i++) {
		if (!host->sas[i].is_inbound && host->sas[i].qm_id > newest) {
			newest = host->sas[i].qm_id;
			spi = host->sas[i].spi;
		}
	}
	assert_int_equal(ike_engine_expire(host->engine, sim->now, IKE_EXPIRE_SILENT,
					   IKE_DIRECTION_OUT, &sim->hosts[1].addr,
					   IKE_PROTOCOL_ESP, spi),
			 0);
}

/* The same every ten seconds, as long as there is a pair. */
static void report_for(struct sim *sim, unsigned int seconds)
{
	for (unsigned int s = 0; s < seconds; s += 10) {
		if (sim_count_sas(sim, 0))
			report(sim);
		sim_run(sim, 10000);
	}
}

static struct ike_mm *mm_of(const struct sim *sim, size_t host)
{
	struct ike_peer *peer = peer_find(sim->hosts[host].engine, &sim->hosts[host].addr,
					  &sim->hosts[!host].addr);

	assert_non_null(peer);
	return TAILQ_FIRST(&peer->mms);
}

static void assert_lost(const struct sim *sim)
{
	assert_int_equal(sim_count_sas(sim, 0), 0);
	assert_int_equal(sim_count_mms(sim, 0), 0);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_QM_DELETED)->reason,
			 IKE_REASON_PEER_LOST);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_DELETED)->reason,
			 IKE_REASON_PEER_LOST);
	assert_int_equal(IKE_REASON_PEER_LOST, 13886);
}

static void assert_kept(const struct sim *sim)
{
	assert_true(sim_count_sas(sim, 0) >= 2);
	assert_int_equal(sim_count_mms(sim, 0), 1);
	assert_int_equal(sim_count_events(sim, 0, IKE_EVENT_QM_DELETED), 0);
}

/* --- RFC 3706 ------------------------------------------------------------------------------- */

/* One question, one answer, and no other for half a minute. */
static void test_alive(void **state)
{
	struct link link = {0};
	struct sim *sim = established(&link);

	(void)state;
	report_for(sim, 30);
	assert_int_equal(link.n, 1);
	report_for(sim, 60);
	assert_int_equal(link.n, 3);
	assert_kept(sim);
	assert_int_equal(sim_stats(sim, 0).retransmissions, 0);
	sim_free(sim);
}

/* Three questions, after 2 and 4 seconds; the answer to any of them does. */
static void test_dead(void **state)
{
	struct link link = {0};
	struct sim *sim = established(&link);
	uint64_t start = sim->now;

	(void)state;
	link.is_dead[1] = true;
	report_for(sim, 10);
	assert_kept(sim);
	report_for(sim, 10);
	assert_lost(sim);
	assert_int_equal(link.n, 3);
	assert_int_equal(link.at[0], start);
	assert_int_equal(link.at[1], start + 2000);
	assert_int_equal(link.at[2], start + 6000);
	/* What is sent next finds the peer, if it is there again. */
	link.is_dead[1] = false;
	sim_acquire(sim, 0, 2);
	sim_run(sim, 1000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	sim_free(sim);
}

static void test_late_answer(void **state)
{
	struct link link = {0};
	struct sim *sim = established(&link);

	(void)state;
	link.is_dead[0] = true;
	report(sim);
	sim_run(sim, 5000);
	assert_int_equal(link.n, 2);
	link.is_dead[0] = false;
	report_for(sim, 20);
	assert_int_equal(link.n, 3);
	assert_kept(sim);
	sim_free(sim);
}

/* Packets have come meanwhile, or nobody sends any more: no reason to end anything. */
static void test_silence_ends(void **state)
{
	struct link link = {0};
	struct sim *sim = established(&link);

	(void)state;
	link.is_dead[1] = true;
	report(sim);
	sim_run(sim, 60000);
	assert_int_equal(link.n, 3);
	assert_kept(sim);
	sim_free(sim);
}

/* Answers that do not belong to a question: of another number, another main mode, or of nobody. */
static void test_wrong_answers(void **state)
{
	static const uint32_t offsets[] = { 1, 3, 0x80000000, 0xffffffff };
	struct link link = {0};
	struct sim *sim = established(&link);
	struct ike_mm *mm = mm_of(sim, 1);
	uint8_t cookies[16], sequence[4];
	struct writer w;

	(void)state;
	link.is_dead[0] = true;
	report(sim);
	sim_run(sim, 100);
	memcpy(cookies, mm->icookie, 8);
	memcpy(cookies + 8, mm->rcookie, 8);
	for (size_t i = 0; i <= sizeof(offsets) / sizeof(offsets[0]); i++) {
		bool is_right = i == sizeof(offsets) / sizeof(offsets[0]);

		w = writer_make(sequence, sizeof(sequence));
		writer_u32(&w, mm_of(sim, 0)->dpd_sequence + (is_right ? 0 : offsets[i]));
		cookies[3] ^= is_right;
		notify_send(sim->hosts[1].engine, mm, IKE_PROTOCOL_ISAKMP,
			    (struct bytes){ cookies, sizeof(cookies) },
			    IKE_NOTIFY_R_U_THERE_ACK,
			    (struct bytes){ sequence, sizeof(sequence) });
	}
	sim_run(sim, 100);
	assert_int_equal(sim_stats(sim, 0).duplicates_ignored, 5);
	report_for(sim, 20);
	assert_lost(sim);
	sim_free(sim);
}

/* As the one who is asked: numbers go up, and what is older gets no answer. */
static void test_numbers_of_the_peer(void **state)
{
	static const struct {
		uint32_t sequence;
		bool is_answered;
	} rows[] = {
		{ 0x7ffffffe, true }, { 0x7fffffff, true },  { 0x7ffffffe, false },
		{ 0x80000001, true }, { 0x80000001, true },  { 0x7fffffff, false },
		{ 0x80000002, true },
	};
	struct link link = {0};
	struct sim *sim = established(&link);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t sequence[4];
		struct writer w = writer_make(sequence, sizeof(sequence));

		writer_u32(&w, rows[i].sequence);
		notify_send(sim->hosts[1].engine, mm_of(sim, 1), IKE_PROTOCOL_ISAKMP,
			    (struct bytes){0}, IKE_NOTIFY_R_U_THERE,
			    (struct bytes){ sequence, sizeof(sequence) });
		sim_run(sim, 10);
		n += rows[i].is_answered;
		assert_int_equal(link.n, n);
	}
	sim_free(sim);
}

/* --- without the vendor id ------------------------------------------------------------------ */

/* A renewal of the pair is the question; a peer that answers is not bothered again soon. */
static void test_alive_without_vid(void **state)
{
	struct link link = { .has_no_vid = true };
	struct sim *sim = established(&link);

	(void)state;
	report_for(sim, 30);
	assert_int_equal(sim_stats(sim, 0).rekeys, 0);
	report_for(sim, 240);
	assert_int_equal(sim_stats(sim, 0).rekeys, 1);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	assert_true(sim_has_matching_sas(sim));
	assert_int_equal(sim_stats(sim, 0).main_modes, 1);
	sim_free(sim);
}

/* Nobody answers the quick mode, nor the main mode that is tried after it. */
static void test_dead_without_vid(void **state)
{
	struct link link = { .has_no_vid = true };
	struct sim *sim = established(&link);

	(void)state;
	link.is_dead[1] = true;
	report_for(sim, 40);
	assert_int_equal(sim_count_sas(sim, 0), 2);
	report_for(sim, 60);
	assert_lost(sim);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_QM_FAILED)->reason,
			 IKE_REASON_NO_RESPONSE);
	sim_free(sim);
}

/* It has forgotten the main mode but is there: new ones of all, without a word about its loss. */
static void test_restarted_without_vid(void **state)
{
	struct link link = { .has_no_vid = true };
	struct sim *sim = established(&link);

	(void)state;
	sim_restart(sim, 1, NULL);
	report_for(sim, 80);
	assert_int_equal(sim_stats(sim, 0).main_modes, 2);
	assert_int_equal(sim_count_sas(sim, 1), 2);
	assert_int_equal(sim_stats(sim, 0).rekeys, 1);
	sim_free(sim);
}

/* A refusal is an answer. */
static void test_refusal_is_life(void **state)
{
	struct link link = { .has_no_vid = true };
	struct sim *sim = established(&link);

	(void)state;
	sim->hosts[1].has_qm_policy = false;
	report_for(sim, 100);
	assert_true(sim_count_events(sim, 0, IKE_EVENT_QM_FAILED) >= 1);
	assert_kept(sim);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_silence_ends),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_numbers_of_the_peer),
		cmocka_unit_test(test_alive_without_vid),
		cmocka_unit_test(test_dead_without_vid),
		cmocka_unit_test(test_restarted_without_vid),
		cmocka_unit_test(test_refusal_is_life),
	};

	return cmocka_run_group_tests_name("dpd", tests, NULL, NULL);
}
