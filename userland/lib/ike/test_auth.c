// SPDX-License-Identifier: MIT
/* Certificates and Kerberos beside preshared keys: two engines, with credentials that obey. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ike/names.h"
#include "ike/sim.h"
#include "ike/wire.h"

/* A method, and how many rounds its tokens need. */
static const struct way {
	const char *name;
	enum ike_auth auth;
	unsigned int rounds;
	unsigned int n_messages;	/* of main mode and one quick mode */
} ways[] = {
	{ "preshared key", IKE_AUTH_PSK, 1, 9 },
	{ "RSA", IKE_AUTH_RSA_SIG, 1, 9 },
	{ "ECDSA-256", IKE_AUTH_ECDSA_256, 1, 9 },
	{ "ECDSA-384", IKE_AUTH_ECDSA_384, 1, 9 },
	{ "Kerberos", IKE_AUTH_KERBEROS, 1, 9 },
	{ "Kerberos in two rounds", IKE_AUTH_KERBEROS, 2, 11 },
	{ "Kerberos in three rounds", IKE_AUTH_KERBEROS, 3, 13 },
};

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static struct sim *sim_for(const struct way *way)
{
	struct sim *sim = sim_new(false, NULL);

	for (size_t i = 0; i < SIM_HOSTS; i++) {
		sim->hosts[i].credentials.rounds = way->rounds;
		sim->hosts[i].credentials.n_chain = 3;
	}
	sim_set_auth(sim, &way->auth, 1);
	return sim;
}

static bool is_established(const struct sim *sim)
{
	const struct sim_result *result = sim_result(sim, 0, 1);

	return result && result->reason == IKE_REASON_OK && sim_has_matching_sas(sim);
}

/* Nothing is held any more of a negotiation that ended, well or not. */
static void check_clean(struct sim *sim)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		assert_int_equal(sim->hosts[i].credentials.n_contexts, 0);
		assert_int_equal(sim->hosts[i].n_larval, 0);
		assert_int_equal(sim_stats(sim, i).active_acquire, 0);
	}
}

/* --- who is it -------------------------------------------------------------------------------- */

static void check_names(const struct sim *sim, const struct way *way)
{
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		const struct sim_credentials *own = &sim->hosts[i].credentials;
		const struct sim_credentials *other = &sim->hosts[!i].credentials;
		const struct sim_event *e = sim_last_event(sim, i, IKE_EVENT_MM_ESTABLISHED);
		bool is_kerberos = way->auth == IKE_AUTH_KERBEROS;

		assert_non_null(e);
		if (way->auth == IKE_AUTH_PSK) {
			assert_string_equal(e->local_name, "");
			assert_string_equal(e->remote_name, "");
			continue;
		}
		assert_string_equal(e->local_name, is_kerberos ? own->principal : own->subject);
		assert_string_equal(e->remote_name,
				    is_kerberos ? other->principal : other->subject);
		assert_string_equal(e->authority, is_kerberos ? "" : own->issuer);
	}
}

static void test_each_method(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		for (int how = SIM_ANSWER_LATER; how <= SIM_ANSWER_AT_ONCE; how++) {
			struct sim *sim = sim_for(&ways[i]);

			sim->hosts[0].answer = sim->hosts[1].answer = (enum sim_answer)how;
			sim_acquire(sim, 0, 1);
			sim_run(sim, 20000);
			assert_true(is_established(sim));
			assert_int_equal(sim->hosts[0].n_sent + sim->hosts[1].n_sent,
					 ways[i].n_messages);
			check_names(sim, &ways[i]);
			check_clean(sim);
			sim_free(sim);
		}
	}
}

static bool visit_mm(void *userdata, const struct ike_mm_info *info)
{
	const struct sim_credentials *c = userdata;

	assert_int_equal(info->auth, IKE_AUTH_RSA_SIG);
	assert_string_equal(info->local_name, c->subject);
	assert_string_equal(info->authority, c->issuer);
	return true;
}

static void test_names_in_lists(void **state)
{
	struct sim *sim = sim_for(&ways[1]);

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 20000);
	ike_engine_for_each_mm(sim->hosts[0].engine, sim->now, visit_mm,
			       &sim->hosts[0].credentials);
	sim_free(sim);
}

/* --- lists of methods ------------------------------------------------------------------------- */

static void test_first_common_method(void **state)
{
	static const struct {
		enum ike_auth lists[SIM_HOSTS][3];
		enum ike_auth chosen;	/* NONE: nothing in common */
	} rows[] = {
		{ { { IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG, IKE_AUTH_PSK },
		    { IKE_AUTH_PSK, IKE_AUTH_RSA_SIG, IKE_AUTH_ECDSA_256 } }, IKE_AUTH_RSA_SIG },
		{ { { IKE_AUTH_PSK, IKE_AUTH_RSA_SIG, IKE_AUTH_KERBEROS },
		    { IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG, IKE_AUTH_PSK } }, IKE_AUTH_PSK },
		{ { { IKE_AUTH_ECDSA_384, IKE_AUTH_ECDSA_256, IKE_AUTH_RSA_SIG },
		    { IKE_AUTH_ECDSA_256, IKE_AUTH_KERBEROS, IKE_AUTH_PSK } }, IKE_AUTH_ECDSA_256 },
		{ { { IKE_AUTH_ECDSA_384, IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG },
		    { IKE_AUTH_ECDSA_256, IKE_AUTH_KERBEROS, IKE_AUTH_PSK } }, IKE_AUTH_KERBEROS },
		{ { { IKE_AUTH_ECDSA_384, IKE_AUTH_KERBEROS, IKE_AUTH_KERBEROS },
		    { IKE_AUTH_ECDSA_256, IKE_AUTH_PSK, IKE_AUTH_RSA_SIG } }, IKE_AUTH_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim *sim = sim_for(&ways[0]);
		const struct sim_event *e;

		for (size_t h = 0; h < SIM_HOSTS; h++) {
			memcpy(sim->hosts[h].mm.auth, rows[i].lists[h],
			       sizeof(rows[i].lists[h]));
			sim->hosts[h].mm.n_auth = 3;
		}
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		if (rows[i].chosen == IKE_AUTH_NONE) {
			assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_ATTRIBUTES);
		} else {
			assert_true(is_established(sim));
			e = sim_last_event(sim, 1, IKE_EVENT_MM_ESTABLISHED);
			assert_int_equal(e->auth, rows[i].chosen);
		}
		check_clean(sim);
		sim_free(sim);
	}
}

/* Without a name of its own a host neither offers nor accepts Kerberos. */
static void test_no_name_no_kerberos(void **state)
{
	static const enum ike_auth list[] = { IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG };

	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_for(&ways[0]);

		sim_set_auth(sim, list, 2);
		sim->hosts[who].mm.gss_name = who ? NULL : "";
		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		assert_true(is_established(sim));
		assert_int_equal(sim_last_event(sim, 1, IKE_EVENT_MM_ESTABLISHED)->auth,
				 IKE_AUTH_RSA_SIG);
		sim_free(sim);
	}
}

/* No ticket for the peer: the methods that are left are tried. */
static void test_no_ticket(void **state)
{
	static const enum ike_auth list[] = { IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG, IKE_AUTH_PSK };

	(void)state;
	for (size_t n = 1; n <= 3; n++) {
		for (int how = SIM_ANSWER_ERROR; how <= SIM_ANSWER_REFUSED; how += 2) {
			struct sim *sim = sim_for(&ways[0]);

			sim_set_auth(sim, list, n);
			sim->hosts[0].has_odd_answer = true;
			sim->hosts[0].odd_question = SIM_QUESTION_GSS_STEP;
			sim->hosts[0].odd_answer = (enum sim_answer)how;
			sim_acquire(sim, 0, 1);
			sim_run(sim, 60000);
			assert_int_equal(is_established(sim), n > 1);
			assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED)->reason,
					 IKE_REASON_KERBEROS);
			if (n > 1)
				assert_int_equal(
					sim_last_event(sim, 1, IKE_EVENT_MM_ESTABLISHED)->auth,
					IKE_AUTH_RSA_SIG);
			check_clean(sim);
			sim_free(sim);
		}
	}
}

/* --- certificate requests --------------------------------------------------------------------- */

static void test_requests(void **state)
{
	struct sim *sim = sim_for(&ways[1]);

	(void)state;
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct sim_credentials *c = &sim->hosts[i].credentials;

		c->authorities[0] = i ? "CN=first of bob" : "CN=first of alice";
		c->authorities[1] = "CN=ca";
		c->n_authorities = 2 + i;
		c->authorities[2] = "CN=third";
	}
	sim_acquire(sim, 0, 1);
	sim_run(sim, 20000);
	assert_true(is_established(sim));
	assert_int_equal(sim->hosts[0].credentials.n_requested, 3);
	assert_int_equal(sim->hosts[1].credentials.n_requested, 2);
	assert_string_equal(sim->hosts[0].credentials.first_requested, "CN=first of bob");
	assert_string_equal(sim->hosts[1].credentials.first_requested, "CN=first of alice");
	sim_free(sim);
}

static void test_no_requests(void **state)
{
	struct sim *sim = sim_for(&ways[1]);

	(void)state;
	sim->hosts[0].credentials.excludes_names = true;
	sim->hosts[1].credentials.excludes_names = true;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 20000);
	assert_true(is_established(sim));
	assert_int_equal(sim->hosts[0].credentials.n_requested, 0);
	assert_int_equal(sim->hosts[1].credentials.n_requested, 0);
	sim_free(sim);
}

/* As many as there may be arrive; a keeper that gives more has given no answer. */
static void test_many_requests(void **state)
{
	static char names[SIM_AUTHORITIES_MAX][32];

	(void)state;
	for (size_t n = IKE_AUTHORITIES_MAX; n <= IKE_AUTHORITIES_MAX + 1; n++) {
		struct sim *sim = sim_for(&ways[1]);

		for (size_t h = 0; h < SIM_HOSTS; h++) {
			for (size_t i = 0; i < n; i++) {
				(void)snprintf(names[i], sizeof(names[i]), "CN=%zu", i);
				sim->hosts[h].credentials.authorities[i] = i ? names[i] : "CN=ca";
			}
			sim->hosts[h].credentials.n_authorities = n;
		}
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_int_equal(is_established(sim), n == IKE_AUTHORITIES_MAX);
		if (n == IKE_AUTHORITIES_MAX)
			assert_int_equal(sim->hosts[1].credentials.n_requested, n);
		sim_free(sim);
	}
}

static void test_chain_length(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= IKE_CERTS_MAX; n++) {
		struct sim *sim = sim_for(&ways[1]);

		sim->hosts[0].credentials.n_chain = n;
		sim->hosts[1].credentials.n_chain = IKE_CERTS_MAX + 1 - n;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		assert_true(is_established(sim));
		sim_free(sim);
	}
}

/* --- what does not prove anything ------------------------------------------------------------- */

/* The proof of host @who is refused: both sides say so, with the reason at the one that judged. */
static void check_refused(struct sim *sim, size_t who, enum ike_reason reason)
{
	const struct sim_event *e;

	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_count_sas(sim, 0) + sim_count_sas(sim, 1), 0);
	assert_true(sim_result(sim, 0, 1)->reason >= IKE_REASON_CREDENTIALS);
	assert_true(sim_result(sim, 0, 1)->peer_answered);
	e = sim_last_event(sim, !who, IKE_EVENT_MM_FAILED);
	assert_non_null(e);
	assert_int_equal(e->reason, reason);
	assert_true(e->failed_at_peer);
	/* The responder believes until it hears otherwise that all is well. */
	if (!who)
		assert_non_null(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED));
	sim_run(sim, 60000);
	check_clean(sim);
	sim_free(sim);
}

static void test_wrong_signature(void **state)
{
	(void)state;
	for (size_t i = 1; i < N_WAYS; i++) {
		for (size_t who = 0; who < SIM_HOSTS; who++) {
			struct sim *sim = sim_for(&ways[i]);

			sim->hosts[who].credentials.is_forger = true;
			check_refused(sim, who,
				      ways[i].auth == IKE_AUTH_KERBEROS ? IKE_REASON_CREDENTIALS :
									  IKE_REASON_SIGNATURE);
		}
	}
}

static void test_refused_certificates(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_for(&ways[1]);

		/* root CA is none that the other trusts */
		sim->hosts[who].credentials.issuer = "CN=elsewhere";
		check_refused(sim, who, IKE_REASON_NOT_IN_POLICY);

		sim = sim_for(&ways[1]);
		sim->hosts[!who].credentials.revoked = sim->hosts[who].credentials.subject;
		check_refused(sim, who, IKE_REASON_PEER_CRL);

		/* a certificate, but another one's name */
		sim = sim_for(&ways[1]);
		sim->hosts[who].credentials.claimed = "CN=admin";
		check_refused(sim, who, IKE_REASON_CREDENTIALS);
	}
}

/* The one that has no certificate says so, and the other one is told. */
static void test_no_certificate(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_for(&ways[1]);
		const struct sim_event *e;

		sim->hosts[who].credentials.subject = NULL;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		e = sim_last_event(sim, who, IKE_EVENT_MM_FAILED);
		assert_int_equal(e->reason, IKE_REASON_NO_CERTIFICATE);
		assert_false(e->failed_at_peer);
		if (who)
			assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED)->reason,
					 IKE_REASON_NO_CERTIFICATE);
		check_clean(sim);
		sim_free(sim);
	}
}

/* Four rounds are more than anybody may ask for. */
static void test_too_many_rounds(void **state)
{
	struct way endless = { "", IKE_AUTH_KERBEROS, IKE_TOKENS_MAX + 1, 0 };
	struct sim *sim = sim_for(&endless);

	(void)state;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_KERBEROS);
	assert_int_equal(sim_count_sas(sim, 0) + sim_count_sas(sim, 1), 0);
	sim_run(sim, 60000);
	check_clean(sim);
	sim_free(sim);
}

/* --- answers that do not come ----------------------------------------------------------------- */

static void ask_oddly(const struct way *way, size_t who, enum sim_question question,
		      enum sim_answer how)
{
	struct sim *sim = sim_for(way);
	struct sim_host *host = &sim->hosts[who];
	bool is_success = how == SIM_ANSWER_AT_ONCE || how == SIM_ANSWER_SLOW;
	bool was_asked;

	host->has_odd_answer = true;
	host->odd_question = question;
	host->odd_answer = how;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 180000);
	was_asked = host->n_asked[question];
	if (is_established(sim) != (is_success || !was_asked))
		fail_msg("%s: question %d of host %zu, answer %d", way->name, question, who, how);
	if (!is_established(sim)) {
		const struct sim_result *result = sim_result(sim, 0, 1);

		assert_non_null(result);
		assert_true(result->reason >= IKE_REASON_CREDENTIALS);
		assert_int_equal(sim_count_sas(sim, 0) + sim_count_sas(sim, 1), 0);
	}
	check_clean(sim);
	sim_free(sim);
}

static void test_odd_answers(void **state)
{
	static const enum sim_answer hows[] = { SIM_ANSWER_AT_ONCE, SIM_ANSWER_SLOW,
						SIM_ANSWER_NEVER, SIM_ANSWER_ERROR,
						SIM_ANSWER_REFUSED };

	(void)state;
	for (size_t i = 0; i < N_WAYS; i++)
		for (size_t who = 0; who < SIM_HOSTS; who++)
			for (int q = SIM_QUESTION_SKEYID; q < SIM_QUESTION_COUNT; q++)
				for (size_t h = 0; h < sizeof(hows) / sizeof(hows[0]); h++)
					ask_oddly(&ways[i], who, (enum sim_question)q, hows[h]);
}

/* Answers for a main mode that is no more are nobody's. */
static void test_late_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		for (uint64_t after = 0; after < 40; after += 2) {
			struct sim *sim = sim_for(&ways[i]);

			sim->hosts[0].answer = sim->hosts[1].answer = SIM_ANSWER_SLOW;
			sim->hosts[0].slow_ms = sim->hosts[1].slow_ms = 5;
			sim_acquire(sim, 0, 1);
			sim_run(sim, after);
			ike_engine_flush(sim->hosts[after % 4 / 2].engine, sim->now,
					 IKE_REASON_POLICY_CHANGE);
			sim_run(sim, 120000);
			check_clean(sim);
			sim_free(sim);
		}
	}
}

/* The responder is done first and speaks quick mode while its message 6 is still being judged. */
static void test_quick_mode_while_judging(void **state)
{
	(void)state;
	for (size_t i = 1; i <= 4; i += 3) {
		struct sim *sim = sim_for(&ways[i]);
		struct sim_host *host = &sim->hosts[0];

		host->has_odd_answer = true;
		host->odd_question = i == 1 ? SIM_QUESTION_PROOF : SIM_QUESTION_GSS_UNWRAP;
		host->odd_answer = SIM_ANSWER_SLOW;
		host->slow_ms = 300;
		sim_acquire(sim, 0, 1);
		while (!sim_count_mms(sim, 1))
			sim_run(sim, 1);
		assert_int_equal(sim_count_mms(sim, 0), 0);
		sim_acquire_port(sim, 1, 2, 80);
		sim_run(sim, 20000);
		assert_int_equal(sim_result(sim, 1, 2)->reason, IKE_REASON_OK);
		assert_true(is_established(sim));
		/* It was kept, not lost. */
		assert_int_equal(sim_stats(sim, 1).retransmissions, 0);
		sim_free(sim);
	}
}

/* --- the network ------------------------------------------------------------------------------ */

struct weather {
	size_t n;
	size_t victim;		/* what happens to the datagram with this number */
	struct sim_fate fate;
	unsigned int chaos;	/* percent that are lost, repeated, or late */
	bool is_seen;		/* the needle was in some datagram */
	const void *needle;
	size_t needle_len;
	size_t n_seen_before;	/* messages until that */
};

static struct sim_fate network(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct weather *w = sim->network_data;
	struct sim_fate fate = { .delay = 1 };

	(void)from;
	if (w->needle && !w->is_seen && memmem(data, len, w->needle, w->needle_len)) {
		w->is_seen = true;
		w->n_seen_before = w->n;
	}
	if (w->n++ == w->victim)
		fate = w->fate;
	if (w->chaos) {
		fate.is_lost = sim_random(&sim->rng) % 100 < w->chaos;
		fate.n_copies = sim_random(&sim->rng) % 100 < w->chaos;
		fate.copy_delay = sim_random(&sim->rng) % 2000;
		fate.delay = 1 + (sim_random(&sim->rng) % 100 < w->chaos ?
					  sim_random(&sim->rng) % 3000 : 0);
	}
	return fate;
}

static void test_one_goes_wrong(void **state)
{
	static const struct sim_fate fates[] = {
		{ .is_lost = true },
		{ .delay = 1, .n_copies = 1, .copy_delay = 0 },
		{ .delay = 1, .n_copies = 3, .copy_delay = 300 },
		{ .delay = 700 },
	};

	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		for (size_t n = 0; n < ways[i].n_messages * 4; n++) {
			struct weather w = { .victim = n / 4, .fate = fates[n % 4] };
			struct sim *sim = sim_for(&ways[i]);

			sim->network = network;
			sim->network_data = &w;
			sim->hosts[0].answer = sim->hosts[1].answer = SIM_ANSWER_SLOW;
			sim->hosts[0].slow_ms = sim->hosts[1].slow_ms = 20;
			sim_acquire(sim, 0, 1);
			sim_run(sim, 60000);
			if (!is_established(sim))
				fail_msg("%s: message %zu, fate %zu", ways[i].name, n / 4, n % 4);
			check_clean(sim);
			sim_free(sim);
		}
	}
}

static void test_chaos(void **state)
{
	size_t n_good = 0, n_all = 0;

	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		for (unsigned int seed = 1; seed <= 40; seed++) {
			struct weather w = { .victim = SIZE_MAX, .chaos = 30 };
			struct sim *sim = sim_for(&ways[i]);

			sim->rng = seed * UINT64_C(0x9e3779b97f4a7c15);
			sim->network = network;
			sim->network_data = &w;
			sim_acquire(sim, 0, 1);
			sim_run(sim, 200000);
			assert_non_null(sim_result(sim, 0, 1));
			n_good += sim_result(sim, 0, 1)->reason == IKE_REASON_OK;
			n_all++;
			check_clean(sim);
			sim_free(sim);
		}
	}
	assert_true(n_good > n_all * 4 / 5);
}

/* --- what can be read ------------------------------------------------------------------------- */

static size_t to_utf16(const char *name, uint8_t buf[static 128])
{
	for (size_t i = 0; name[i]; i++) {
		buf[2 * i] = (uint8_t)name[i];
		buf[2 * i + 1] = 0;
	}
	return 2 * strlen(name);
}

/* Both principals are in clear in messages 1 and 2. */
static void test_principal_is_visible(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_for(&ways[4]);
		uint8_t name[128];
		struct weather w = {
			.victim = SIZE_MAX,
			.needle = name,
			.needle_len = to_utf16(sim->hosts[who].credentials.principal, name),
		};

		sim->network = network;
		sim->network_data = &w;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		assert_true(is_established(sim));
		assert_true(w.is_seen);
		assert_int_equal(w.n_seen_before, who);
		sim_free(sim);
	}
}

static void test_identity_is_hidden(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct sim *sim = sim_for(&ways[i / 2]);
		struct sim_host *host = &sim->hosts[i % 2];
		bool is_psk = ways[i / 2].auth == IKE_AUTH_PSK;
		struct weather w = { .victim = SIZE_MAX };

		w.needle = is_psk ? (const void *)host->addr.bytes : host->credentials.subject;
		w.needle_len = is_psk ? 4 : strlen(host->credentials.subject);
		sim->network = network;
		sim->network_data = &w;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		assert_true(is_established(sim));
		assert_false(w.is_seen);
		sim_free(sim);
	}
}

/* --- 65001 ------------------------------------------------------------------------------------- */

/* Takes the vendor id that says "GSS-API" out of what a host sends. */
static struct sim_fate without_vid(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t vid[] = { 0x62, 0x1b, 0x04, 0xbb, 0x09, 0x88 };
	uint8_t *at = memmem(data, len, vid, sizeof(vid));

	if (at && from == *(size_t *)sim->network_data)
		*at ^= 0xff;
	return (struct sim_fate){ .delay = 1 };
}

static void test_method_without_vid(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_for(&ways[4]);

		sim->network = without_vid;
		sim->network_data = &who;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 60000);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_ATTRIBUTES);
		assert_int_equal(sim->hosts[1].n_asked[SIM_QUESTION_GSS_STEP], 0);
		sim_free(sim);
	}
}

/* --- with everything else ---------------------------------------------------------------------- */

static void test_behind_nat(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct sim *sim = sim_for(&ways[i]);
		const struct ike_sa_install *install = &sim->hosts[1].sas[0].install;

		assert_int_equal(ip_addr_parse("198.51.100.7", &sim->hosts[0].seen_as), 0);
		sim->hosts[0].nat_ports = 50000;
		sim->hosts[0].answer = sim->hosts[1].answer = SIM_ANSWER_SLOW;
		sim->hosts[0].slow_ms = sim->hosts[1].slow_ms = 20;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		assert_true(is_established(sim));
		assert_true(install->is_peer_behind_nat);
		assert_int_equal(install->path.remote_port, 54500);
		check_names(sim, &ways[i]);
		sim_free(sim);
	}
}

/* Main modes are renewed while SAs live. */
static void test_renewal(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct sim *sim = sim_for(&ways[i]);

		sim->hosts[0].mm.life_seconds = 100;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 350000);
		assert_true(sim_stats(sim, 0).main_modes >= 3);
		assert_true(is_established(sim));
		/* two while one follows the other */
		for (size_t h = 0; h < SIM_HOSTS; h++)
			assert_in_range(sim_count_mms(sim, h), 1, 2);
		check_clean(sim);
		sim_free(sim);
	}
}

static void test_both_begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct sim *sim = sim_for(&ways[i]);

		sim_acquire(sim, 0, 1);
		sim_acquire(sim, 1, 2);
		sim_run(sim, 60000);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		assert_int_equal(sim_result(sim, 1, 2)->reason, IKE_REASON_OK);
		assert_true(sim_has_matching_sas(sim));
		assert_int_equal(sim_count_mms(sim, 0), 1);
		assert_int_equal(sim_count_mms(sim, 1), 1);
		sim_free(sim);
	}
}

/* A host that was restarted says that it knows nothing; the other forgets what it had. */
static void test_restart(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct sim *sim = sim_for(&ways[i]);

		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		sim_restart(sim, 0, NULL);
		assert_int_equal(sim_count_sas(sim, 1), 2);
		sim_acquire(sim, 0, 2);
		sim_run(sim, 20000);
		assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
		assert_true(sim_has_matching_sas(sim));
		assert_int_equal(sim_count_mms(sim, 1), 1);
		sim_free(sim);
	}
}

int main(void)
{
#define TEST(name, function) { name, function, NULL, NULL, NULL }
	const struct CMUnitTest tests[] = {
		TEST("K05 K39 K43 each method: message by message, and who is who", test_each_method),
		cmocka_unit_test(test_names_in_lists),
		TEST("K10 the first method in common, in the initiator's order",
		     test_first_common_method),
		cmocka_unit_test(test_no_name_no_kerberos),
		cmocka_unit_test(test_no_ticket),
		TEST("K33 authorities are sent as requests, in their order", test_requests),
		TEST("K35 no request: a certificate is sent all the same", test_no_requests),
		cmocka_unit_test(test_many_requests),
		cmocka_unit_test(test_chain_length),
		cmocka_unit_test(test_wrong_signature),
		TEST("K36 a root that is not trusted, a revoked certificate, another's name",
		     test_refused_certificates),
		TEST("K30 no certificate: 13806, and the peer is told", test_no_certificate),
		cmocka_unit_test(test_too_many_rounds),
		cmocka_unit_test(test_odd_answers),
		cmocka_unit_test(test_late_answers),
		cmocka_unit_test(test_quick_mode_while_judging),
		cmocka_unit_test(test_one_goes_wrong),
		cmocka_unit_test(test_chaos),
		TEST("K03 Kerberos: principals are in clear in messages 1 and 2",
		     test_principal_is_visible),
		TEST("K04 identities of keys and certificates cannot be read",
		     test_identity_is_hidden),
		cmocka_unit_test(test_method_without_vid),
		cmocka_unit_test(test_behind_nat),
		cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_both_begin),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
