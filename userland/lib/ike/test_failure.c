// SPDX-License-Identifier: MIT
/* Negotiations that must fail, and what each side is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/sim.h"
#include "ike/wire.h"

static void assert_nothing_left(const struct sim *sim)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct ike_stats stats = sim_stats(sim, i);

		assert_int_equal(sim_count_sas(sim, i), 0);
		assert_int_equal(sim->hosts[i].n_larval, 0);
		assert_int_equal(stats.active_acquire, 0);
		assert_int_equal(stats.half_open, 0);
	}
}

static void assert_text(const struct sim_event *event, const char *part)
{
	assert_non_null(event);
	if (!strstr(event->text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, event->text);
}

/* The hosts do not know each other's vendor id: only notifies of the RFCs are understood. */
static struct sim_fate as_strangers(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t us[] = { 0x56, 0x59, 0xc3, 0x6d, 0x4c, 0x17, 0x17, 0xe4 };

	(void)sim;
	(void)from;
	for (size_t i = WIRE_HEADER_LEN; i + sizeof(us) <= len; i++) {
		if (!memcmp(data + i, us, sizeof(us)))
			data[i] ^= 1;
	}
	return (struct sim_fate){ .delay = 1 };
}

/* What host 0 hears from host 1, which refuses: as strangers, and as what they are. */
struct answer {
	enum ike_reason reason;
	const char *text;
};

static void check_answers(void (*prepare)(struct sim *sim), enum ike_event_kind kind,
			  const struct answer answers[static 2])
{
	for (int is_known = 0; is_known <= 1; is_known++) {
		struct sim *sim = sim_new(false, NULL);

		sim->network = is_known ? NULL : as_strangers;
		prepare(sim);
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_nothing_left(sim);
		assert_true(sim_result(sim, 0, 1)->peer_answered);
		assert_int_equal(sim_result(sim, 0, 1)->reason, answers[is_known].reason);
		assert_int_equal(sim_last_event(sim, 0, kind)->reason, answers[is_known].reason);
		assert_true(sim_last_event(sim, 0, kind)->failed_at_peer);
		assert_text(sim_last_event(sim, 0, kind), answers[is_known].text);
		sim_free(sim);
	}
}

static void refuse_mm(struct sim *sim)
{
	sim->hosts[1].has_mm_policy = false;
}

static void refuse_qm(struct sim *sim)
{
	sim->hosts[1].has_qm_policy = false;
}

static void refuse_offer(struct sim *sim)
{
	sim->hosts[1].qm.offers[0] = sim_ah(IKE_HASH_SHA256);
}

static void refuse_key(struct sim *sim)
{
	sim->hosts[1].psk = NULL;
}

/* NOTIFY_STATUS tells what the RFC's notifies do not. */
static void test_status(void **state)
{
	static const struct answer no_mm[] = {
		{ IKE_REASON_ATTRIBUTES, "chose no proposal that we offered" },
		{ IKE_REASON_NO_POLICY, "refused with NOTIFY_STATUS: no policy configured" },
	};
	static const struct answer no_qm[] = {
		{ IKE_REASON_POLICY_MATCH, "the peer refused with INVALID-ID-INFORMATION" },
		{ IKE_REASON_NO_POLICY, "refused with NOTIFY_STATUS: no policy configured" },
	};
	static const struct answer no_offer[] = {
		{ IKE_REASON_ATTRIBUTES, "the peer refused with NO-PROPOSAL-CHOSEN" },
		{ IKE_REASON_ATTRIBUTES, "refused with NOTIFY_STATUS: no proposal in common" },
	};
	static const struct answer no_key[] = {
		{ IKE_REASON_CREDENTIALS, "the peer refused with AUTHENTICATION-FAILED" },
		{ IKE_REASON_CREDENTIALS, "refused with NOTIFY_STATUS: authentication failed" },
	};

	(void)state;
	check_answers(refuse_mm, IKE_EVENT_MM_FAILED, no_mm);
	check_answers(refuse_qm, IKE_EVENT_QM_FAILED, no_qm);
	check_answers(refuse_offer, IKE_EVENT_QM_FAILED, no_offer);
	check_answers(refuse_key, IKE_EVENT_MM_FAILED, no_key);
}

/* One of two quick modes is refused: two notifies in a message are about one. */
static void test_status_names_quick_mode(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	sim->hosts[0].qm.offers[0] = sim_ah(IKE_HASH_SHA256);
	sim_acquire_port(sim, 0, 2, 80);
	sim->hosts[0].qm.offers[0] = sim->hosts[1].qm.offers[0];
	sim_acquire_port(sim, 0, 3, 81);
	sim_run(sim, 1000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_ATTRIBUTES);
	assert_int_equal(sim_result(sim, 0, 3)->reason, IKE_REASON_OK);
	sim_free(sim);
}

static void test_wrong_psk(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	const struct sim_event *event;

	(void)state;
	sim->hosts[1].psk = "something else";
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_nothing_left(sim);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_CREDENTIALS);
	assert_true(sim_result(sim, 0, 1)->peer_answered);
	/* Event 547 with "authentication failed" on both sides. */
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		event = sim_last_event(sim, i, IKE_EVENT_MM_FAILED);
		assert_text(event, "preshared keys probably differ");
		assert_int_equal(event->reason, IKE_REASON_CREDENTIALS);
		assert_true(sim_stats(sim, i).authentication_failures >= 1);
		assert_int_equal(sim_count_events(sim, i, IKE_EVENT_MM_ESTABLISHED), 0);
		assert_int_equal(sim_stats(sim, i).isadb_list_size, 0);
	}
	assert_int_equal(IKE_REASON_CREDENTIALS, 13801);
	sim_free(sim);
}

static void test_no_psk(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_new(false, NULL);

		sim->hosts[who].psk = NULL;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_nothing_left(sim);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_CREDENTIALS);
		assert_text(sim_last_event(sim, who, IKE_EVENT_MM_FAILED),
			    "there is no preshared key for this peer");
		sim_free(sim);
	}
}

static void test_no_main_mode_proposal(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].mm = sim_mm_policy(IKE_CIPHER_DES, 0, IKE_HASH_MD5, 1);
	sim->hosts[1].mm = sim_mm_policy(IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256, 14);
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_nothing_left(sim);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_ATTRIBUTES);
	assert_true(sim_result(sim, 0, 1)->peer_answered);
	assert_text(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED), "DES/MD5/MODP 768");
	assert_true(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED)->failed_at_peer);
	assert_text(sim_last_event(sim, 1, IKE_EVENT_MM_FAILED),
		    "offered DES/MD5/MODP 768; wanted AES-256/SHA-256/MODP 2048");
	assert_string_equal(sim_last_event(sim, 1, IKE_EVENT_MM_FAILED)->attribute,
			    "Encryption Algorithm");
	assert_string_equal(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED)->attribute, "");
	assert_false(sim_last_event(sim, 1, IKE_EVENT_MM_FAILED)->failed_at_peer);
	/* Refusing has made no state, and no secret was computed. */
	assert_int_equal(sim_stats(sim, 1).dh_operations, 0);
	sim_free(sim);
}

static void test_no_main_mode_policy(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[1].has_mm_policy = false;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_nothing_left(sim);
	assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_MM_FAILED)->reason,
			 IKE_REASON_NO_POLICY);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_NO_POLICY);
	sim_free(sim);
}

/* An authenticated refusal is believed at once. */
static void test_no_quick_mode_policy(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[1].has_qm_policy = false;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_nothing_left(sim);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_NO_POLICY);
	assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_QM_FAILED)->reason,
			 IKE_REASON_NO_POLICY);
	/* The main mode is none the worse for it. */
	assert_int_equal(sim_count_mms(sim, 0), 1);
	sim->hosts[1].has_qm_policy = true;
	sim_acquire(sim, 0, 2);
	sim_run(sim, 1000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	assert_true(sim_has_matching_sas(sim));
	sim_free(sim);
}

static void test_no_quick_mode_proposal(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].qm.offers[0] = sim_esp(IKE_CIPHER_DES, 0, IKE_HASH_MD5);
	sim->hosts[1].qm.offers[0] = sim_ah(IKE_HASH_SHA256);
	sim_acquire(sim, 0, 1);
	sim_run(sim, 1000);
	assert_nothing_left(sim);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_ATTRIBUTES);
	assert_text(sim_last_event(sim, 0, IKE_EVENT_QM_FAILED), "no proposal in common");
	assert_text(sim_last_event(sim, 1, IKE_EVENT_QM_FAILED), "ESP DES/MD5");
	assert_string_equal(sim_last_event(sim, 1, IKE_EVENT_QM_FAILED)->attribute, "Protocol");
	assert_true(sim_last_event(sim, 1, IKE_EVENT_QM_FAILED)->has_mm);
	sim_free(sim);
}

/* A transport offer is not taken by a tunnel policy, nor the other way round. */
static void test_encapsulation_differs(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_new(false, NULL);

		sim->hosts[who].qm.encapsulation = IKE_ENCAPSULATION_TUNNEL;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 1000);
		assert_nothing_left(sim);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_ATTRIBUTES);
		sim_free(sim);
	}
}

/* The driver has no SPI, or does not take an SA: on either side. */
static void test_driver_refuses(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		for (int is_spi = 0; is_spi <= 1; is_spi++) {
			enum ike_reason want = is_spi ? IKE_REASON_NO_SPI : IKE_REASON_ADD_SA;
			struct sim *sim = sim_new(false, NULL);

			if (is_spi)
				sim->hosts[who].get_spi_error = -28;
			else
				sim->hosts[who].add_sa_error = -12;
			sim_acquire(sim, 0, 1);
			sim_run(sim, 60000);
			assert_nothing_left(sim);
			assert_int_equal(sim_last_event(sim, who, IKE_EVENT_QM_FAILED)->reason,
					 want);
			assert_int_not_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
			sim_free(sim);
		}
	}
}

/*
 * Nobody answers the engine, or asking is impossible, on either side: everything ends by itself,
 * nothing is left behind.
 */
static void test_nobody_answers(void **state)
{
	static const enum sim_answer answers[] = { SIM_ANSWER_NEVER, SIM_ANSWER_ERROR };

	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		for (size_t i = 0; i < 2; i++) {
			/* From the beginning, and from a moment in the middle on. */
			for (uint64_t after = 0; after < 9; after++) {
				struct sim *sim = sim_new(false, NULL);

				sim_acquire(sim, 0, 1);
				sim_run(sim, after);
				sim->hosts[who].answer = answers[i];
				sim_run(sim, 120000);
				assert_non_null(sim_result(sim, 0, 1));
				assert_int_equal(sim_stats(sim, 0).active_acquire, 0);
				assert_int_equal(sim_stats(sim, 1).half_open, 0);
				if (sim_result(sim, 0, 1)->reason != IKE_REASON_OK)
					assert_int_equal(sim_count_sas(sim, 0), 0);
				sim_free(sim);
			}
		}
	}
}

struct cut {
	size_t n;
	size_t after;
};

static struct sim_fate cut_after(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct cut *cut = sim->network_data;

	(void)from;
	(void)data;
	(void)len;
	return (struct sim_fate){ .delay = 1, .is_lost = cut->n++ >= cut->after };
}

/* The line goes dead after each of the first eight messages. */
static void test_line_cut(void **state)
{
	(void)state;
	for (size_t after = 1; after <= 8; after++) {
		struct cut cut = { .after = after };
		struct sim *sim = sim_new(false, NULL);
		const struct sim_result *result;

		sim->network = cut_after;
		sim->network_data = &cut;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 120000);
		result = sim_result(sim, 0, 1);
		assert_non_null(result);
		assert_int_equal(sim_stats(sim, 0).active_acquire, 0);
		assert_int_equal(sim->hosts[0].n_larval, 0);
		assert_int_equal(sim->hosts[1].n_larval, 0);
		/* Once anything came back it is not "no response". */
		assert_int_equal(result->peer_answered, after >= 2);
		if (after < 8) {
			assert_int_equal(result->reason, after == 1 ? IKE_REASON_NO_RESPONSE :
								     IKE_REASON_TIMED_OUT);
			assert_nothing_left(sim);
		}
		sim_free(sim);
	}
}

struct lost {
	size_t n_quick;	/* of host 0: message 1, then message 3 again and again */
	size_t n_lost;
	bool is_stranger;
};

static struct sim_fate lose_message_3(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct lost *lost = sim->network_data;
	struct sim_fate fate = { .delay = 1 };
	struct wire_header header;

	if (lost->is_stranger)
		fate = as_strangers(sim, from, data, len);
	if (from == 0 && !wire_parse_header((struct bytes){ data, len }, &header) &&
	    header.exchange == WIRE_EXCHANGE_QUICK)
		fate.is_lost = lost->n_quick++ && lost->n_quick <= lost->n_lost + 1;
	return fate;
}

/* The initiator is done when message 3 has gone: the responder asks for it, or takes it back. */
static void test_message_3_is_lost(void **state)
{
	static const struct {
		size_t n_lost;
		bool is_established;
	} rows[] = { { 1, true }, { 5, true }, { 6, false } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct lost lost = { .n_lost = rows[i / 2].n_lost, .is_stranger = i % 2 };
		struct sim *sim = sim_new(false, NULL);

		sim->network = lose_message_3;
		sim->network_data = &lost;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		if (rows[i / 2].is_established) {
			assert_int_equal(sim_count_sas(sim, 0), 2);
			assert_int_equal(sim_count_sas(sim, 1), 2);
		} else {
			assert_nothing_left(sim);
		}
		sim_free(sim);
	}
}

/* Several acquires wait for one main mode: each is told when that fails. */
static void test_all_waiting_acquires_are_told(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[1].psk = "other";
	for (uint16_t i = 1; i <= 5; i++)
		sim_acquire_port(sim, 0, i, i);
	sim_run(sim, 60000);
	for (uint64_t i = 1; i <= 5; i++)
		assert_int_equal(sim_result(sim, 0, i)->reason, IKE_REASON_CREDENTIALS);
	assert_int_equal(sim_stats(sim, 0).acquire_failures, 5);
	/* One main mode for all. */
	assert_int_equal(sim_count_events(sim, 0, IKE_EVENT_MM_FAILED), 1);
	sim_free(sim);
}

/* The network is unreachable: counted, reported now and then, and the rest as if it were lost. */
static void test_sending_fails(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->send_error = -ENETUNREACH;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_NO_RESPONSE);
	assert_int_equal(sim_stats(sim, 0).send_failures, 6);
	assert_text(sim_last_event(sim, 0, IKE_EVENT_SEND_FAILED), "Network is unreachable");
	sim_free(sim);
}

/* A policy that main mode cannot express is found before anything is sent. */
static void test_policy_without_our_methods(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->hosts[0].mm.auth[0] = IKE_AUTH_KERBEROS;
	sim_acquire(sim, 0, 1);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_NO_KERBEROS);
	assert_int_equal(sim->hosts[0].n_sent, 0);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_names_quick_mode),
		{ "K06 wrong preshared key: both sides say so, no SA", test_wrong_psk, NULL, NULL,
		  NULL },
		{ "K06 no preshared key on one side", test_no_psk, NULL, NULL, NULL },
		{ "K21 no main mode proposal in common", test_no_main_mode_proposal, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_no_main_mode_policy),
		cmocka_unit_test(test_no_quick_mode_policy),
		{ "K21 no quick mode proposal in common", test_no_quick_mode_proposal, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_encapsulation_differs),
		cmocka_unit_test(test_driver_refuses),
		cmocka_unit_test(test_nobody_answers),
		{ "K27 the line goes dead at any moment", test_line_cut, NULL, NULL, NULL },
		{ "K42 the end of quick mode is lost", test_message_3_is_lost, NULL, NULL, NULL },
		cmocka_unit_test(test_all_waiting_acquires_are_told),
		cmocka_unit_test(test_sending_fails),
		cmocka_unit_test(test_policy_without_our_methods),
	};

	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
