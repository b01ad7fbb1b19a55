// SPDX-License-Identifier: MIT
/*
 * Messages of somebody who has the keys of the negotiation, but no credential: whatever they say
 * in place of message 5, there is a verdict or silence. And what a refusal tells.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/exchange.h"
#include "ike/gss_name.h"
#include "ike/ident.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/sim.h"

/* A payload: some bytes, then a number of letters. */
struct part {
	uint8_t type;
	uint8_t len;
	size_t n_more;
	uint8_t bytes[48];
};

#define PARTS_MAX 12

struct message {
	const char *name;
	enum ike_reason reason;	/* OK: nobody listens */
	struct part parts[PARTS_MAX];
};

#define ID_IPV4(...) { WIRE_PAYLOAD_ID, 8, 0, { 1, 0, 0, 0, __VA_ARGS__ } }
#define ID_GOOD { WIRE_PAYLOAD_ID, 14, 0, { 9, 0, 0, 0, 0x30, 8, 'C', 'N', '=', 'a', 'l', 'i', 'c', 'e' } }
#define ID_MORE(n_more, len, ...) { WIRE_PAYLOAD_ID, len, n_more, { __VA_ARGS__ } }
#define CERT { WIRE_PAYLOAD_CERT, 20, 0, { 4, 'C', 'E', 'R', 'T', ' ', 'C', 'N', '=', 'a', 'l', 'i', \
					   'c', 'e', ' ', 'C', 'N', '=', 'c', 'a' } }
#define SIG { WIRE_PAYLOAD_SIG, 0, 32, { 0 } }

static struct sim_fate without_5(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	(void)len;
	return (struct sim_fate){
		.delay = 1,
		.is_lost = !from && sim->network_data && data[19] & WIRE_FLAG_ENCRYPTED,
	};
}

static struct ike_mm *responder(struct sim *sim)
{
	struct sim_host *host = &sim->hosts[1];
	struct ike_peer *peer = peer_find(host->engine, &host->addr, &sim->hosts[0].addr);

	return peer ? TAILQ_FIRST(&peer->mms) : NULL;
}

/* Until the responder waits for message 5, which does not come. */
static struct sim *wait_for_5(enum ike_auth auth, unsigned int rounds)
{
	struct sim *sim = sim_new(false, NULL);

	sim_set_auth(sim, &auth, 1);
	sim->hosts[0].credentials.rounds = sim->hosts[1].credentials.rounds = rounds;
	sim->network = without_5;
	sim->network_data = sim;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 100);
	assert_int_equal(responder(sim)->state, IKE_MM_STATE_SENT_4);
	assert_true(responder(sim)->negotiation->has_keys);
	return sim;
}

static void send_message(struct sim *sim, const struct message *message)
{
	struct ike_mm *mm = responder(sim);
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	uint8_t *buf = malloc(WIRE_MESSAGE_MAX), iv[IKE_BLOCK_MAX_LEN];
	struct wire_out out = wire_out_make(buf, WIRE_MESSAGE_MAX, &header);
	size_t len;

	assert_non_null(buf);
	for (const struct part *p = message->parts; p < message->parts + PARTS_MAX && p->type; p++) {
		wire_begin(&out, p->type);
		writer_put(&out.w, p->bytes, p->len);
		for (size_t i = 0; i < p->n_more; i++)
			writer_u8(&out.w, 'x');
		wire_end(&out);
	}
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	assert_true(len);
	memcpy(iv, mm->iv, sizeof(iv));
	assert_int_equal(exchange_encrypt(mm->keys, iv, buf, len), 0);
	sim_inject(sim, 1, buf, len);
	free(buf);
}

static void check_message(enum ike_auth auth, unsigned int rounds, const struct message *message)
{
	struct sim *sim = wait_for_5(auth, rounds);
	const struct sim_event *e;

	send_message(sim, message);
	sim_run(sim, 10);
	e = sim_last_event(sim, 1, IKE_EVENT_MM_FAILED);
	if (message->reason && !e)
		fail_msg("%s: no verdict", message->name);
	if (!message->reason && e)
		fail_msg("%s: %s", message->name, e->text);
	if (e && e->reason != message->reason)
		fail_msg("%s: %d, not %d", message->name, e->reason, message->reason);
	/* What nobody listened to does not disturb the honest one. */
	sim->network_data = NULL;
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 1)->reason == IKE_REASON_OK, !message->reason);
	for (size_t i = 0; i < SIM_HOSTS; i++)
		assert_int_equal(sim->hosts[i].credentials.n_contexts, 0);
	sim_free(sim);
}

static void test_certificate_messages(void **state)
{
	static const struct message messages[] = {
		{ "identity only", IKE_REASON_OK, { ID_GOOD } },
		{ "signature only", IKE_REASON_OK, { SIG } },
		{ "two identities", IKE_REASON_OK, { ID_GOOD, ID_GOOD, SIG } },
		{ "two signatures", IKE_REASON_OK, { ID_GOOD, CERT, SIG, SIG } },
		{ "signature first", IKE_REASON_OK, { SIG, ID_GOOD } },
		{ "no certificate", IKE_REASON_NO_PEER_CERTIFICATE, { ID_GOOD, SIG } },
		{ "wrong signature", IKE_REASON_SIGNATURE, { ID_GOOD, CERT, SIG } },
		{ "no bytes of a signature", IKE_REASON_SIGNATURE,
		  { ID_GOOD, CERT, { WIRE_PAYLOAD_SIG, 0, 0, { 0 } } } },
		{ "endless signature", IKE_REASON_SIGNATURE,
		  { ID_GOOD, CERT, { WIRE_PAYLOAD_SIG, 0, IKE_SIGNATURE_MAX_LEN + 1, { 0 } } } },
		{ "nine certificates", IKE_REASON_INVALID_PAYLOAD,
		  { ID_GOOD, CERT, CERT, CERT, CERT, CERT, CERT, CERT, CERT, CERT, SIG } },
		{ "a certificate without encoding", IKE_REASON_INVALID_PAYLOAD,
		  { ID_GOOD, { WIRE_PAYLOAD_CERT, 0, 0, { 0 } }, SIG } },
		{ "a certificate without contents", IKE_REASON_INVALID_PAYLOAD,
		  { ID_GOOD, { WIRE_PAYLOAD_CERT, 1, 0, { 4 } }, SIG } },
		{ "a certificate that is too long", IKE_REASON_INVALID_PAYLOAD,
		  { ID_GOOD, { WIRE_PAYLOAD_CERT, 1, IKE_CERT_MAX_LEN + 1, { 4 } }, SIG } },
		{ "requests of all kinds", IKE_REASON_SIGNATURE,
		  { ID_GOOD, CERT, SIG, { WIRE_PAYLOAD_CR, 0, 0, { 0 } },
		    { WIRE_PAYLOAD_CR, 1, 0, { 4 } }, { WIRE_PAYLOAD_CR, 1, 40, { 7 } },
		    { WIRE_PAYLOAD_CR, 1, IKE_AUTHORITY_MAX_LEN + 1, { 4 } } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		check_message(IKE_AUTH_RSA_SIG, 1, &messages[i]);
}

/* Identities that no certificate can have never get to where certificates are read. */
static void test_certificate_identities(void **state)
{
	static const struct {
		enum ike_reason reason;
		struct part id;
	} rows[] = {
		/* Good ones, but for another certificate. */
		{ IKE_REASON_CREDENTIALS, ID_IPV4(192, 0, 2, 1) },
		{ IKE_REASON_CREDENTIALS, ID_MORE(16, 4, 5, 0, 0, 0) },
		{ IKE_REASON_CREDENTIALS, ID_MORE(0, 6, 2, 17, 1, 244, 'a', 'b') },
		{ IKE_REASON_CREDENTIALS, ID_MORE(255, 4, 3, 0, 0, 0) },
		{ IKE_REASON_CREDENTIALS, ID_MORE(0, 6, 9, 0, 0, 0, 0x30, 0) },
		{ IKE_REASON_CREDENTIALS, ID_MORE(200, 7, 9, 0, 0, 0, 0x30, 0x81, 200) },
		{ IKE_REASON_CREDENTIALS, ID_MORE(300, 8, 9, 0, 0, 0, 0x30, 0x82, 1, 44) },
		/* Lengths. */
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 3, 9, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(3, 4, 1, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(5, 4, 1, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(15, 4, 5, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 4, 2, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(256, 4, 2, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8192, 4, 3, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 4, 9, 0, 0, 0) },
		/* Contents: NUL, blank, DER that does not fill its place or takes a detour. */
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 7, 2, 0, 0, 0, 'a', 0, 'b') },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 7, 3, 0, 0, 0, 'a', ' ', 'b') },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(0, 6, 9, 0, 0, 0, 0x31, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(7, 6, 9, 0, 0, 0, 0x30, 8) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(9, 6, 9, 0, 0, 0, 0x30, 8) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 7, 9, 0, 0, 0, 0x30, 0x81, 8) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(200, 8, 9, 0, 0, 0, 0x30, 0x82, 0, 200) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 6, 9, 0, 0, 0, 0x30, 0x80) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(2045, 8, 9, 0, 0, 0, 0x30, 0x82, 7, 253) },
		/* Ports and types. */
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(4, 4, 1, 0, 1, 244) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(4, 4, 1, 17, 0, 53) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(4, 4, 1, 6, 1, 244) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(4, 4, 0, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 4, 4, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 4, 7, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 4, 10, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 4, 11, 0, 0, 0) },
		{ IKE_REASON_UNSUPPORTED_ID, ID_MORE(8, 4, 250, 0, 0, 0) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message message = { "identity", rows[i].reason, { rows[i].id, CERT, SIG } };

		check_message(IKE_AUTH_RSA_SIG, 1, &message);
	}
}

#define HASH(n) { WIRE_PAYLOAD_HASH, 0, n, { 0 } }
#define TOKEN(n) { WIRE_PAYLOAD_GSS, 0, n, { 0 } }
#define ID_ALICE ID_IPV4(192, 0, 2, 1)

static void test_kerberos_messages(void **state)
{
	static const struct message messages[] = {
		{ "nothing", IKE_REASON_OK, { ID_ALICE } },
		{ "something else", IKE_REASON_OK, { ID_ALICE, SIG } },
		{ "two tokens", IKE_REASON_OK, { ID_ALICE, TOKEN(9), TOKEN(9) } },
		{ "two hashes", IKE_REASON_OK, { ID_ALICE, HASH(40), HASH(40) } },
		{ "hash without identity", IKE_REASON_CREDENTIALS, { HASH(40) } },
		{ "another address", IKE_REASON_CREDENTIALS, { ID_IPV4(192, 0, 2, 9), HASH(40) } },
		{ "half an address", IKE_REASON_CREDENTIALS,
		  { { WIRE_PAYLOAD_ID, 6, 0, { 1, 0, 0, 0, 192, 0 } }, HASH(40) } },
		{ "nothing in the hash", IKE_REASON_INVALID_HASH, { ID_ALICE, HASH(0) } },
		{ "endless hash", IKE_REASON_INVALID_HASH,
		  { ID_ALICE, HASH(IKE_WRAPPED_MAX_LEN + 1) } },
		{ "a hash that was not wrapped", IKE_REASON_KERBEROS, { ID_ALICE, HASH(40) } },
		{ "one token too many", IKE_REASON_KERBEROS, { ID_ALICE, TOKEN(9) } },
		{ "and a hash with it", IKE_REASON_KERBEROS, { ID_ALICE, TOKEN(9), HASH(40) } },
	}, early[] = {
		{ "hash too early", IKE_REASON_KERBEROS, { ID_ALICE, HASH(40) } },
		{ "no token", IKE_REASON_KERBEROS, { ID_ALICE, TOKEN(9) } },
		{ "no token and a hash", IKE_REASON_KERBEROS, { ID_ALICE, HASH(40), TOKEN(9) } },
		{ "endless token", IKE_REASON_KERBEROS, { ID_ALICE, TOKEN(65000) } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		check_message(IKE_AUTH_KERBEROS, 1, &messages[i]);
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		check_message(IKE_AUTH_KERBEROS, 2, &early[i]);
}

/* --- messages 3 and 4 ------------------------------------------------------------------------- */

/* The payload of this type becomes one of another; false if there is none. */
static bool rename_payload(uint8_t *data, size_t len, uint8_t type, uint8_t new_type)
{
	size_t next_at = 16, at = WIRE_HEADER_LEN;

	while (at + 4 <= len && data[next_at]) {
		if (data[next_at] == type) {
			data[next_at] = new_type;
			return true;
		}
		next_at = at;
		at += (size_t)data[at + 2] << 8 | data[at + 3];
	}
	return false;
}

struct stripper {
	size_t from;
	size_t n;		/* messages that have been changed */
	uint8_t type;
	uint8_t new_type;
};

static struct sim_fate strip(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct stripper *s = sim->network_data;

	if (from == s->from && !s->n && !(data[19] & WIRE_FLAG_ENCRYPTED))
		s->n += rename_payload(data, len, s->type, s->new_type);
	return (struct sim_fate){ .delay = 1 };
}

/* A message 3 or 4 without the token, or with two, is not one; the right one comes later. */
static void test_no_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		enum ike_auth auth = IKE_AUTH_KERBEROS;
		struct sim *sim = sim_new(false, NULL);
		struct stripper s = { .from = i % 2, .type = WIRE_PAYLOAD_GSS,
				      .new_type = WIRE_PAYLOAD_VID };

		if (i >= 2) {
			s.type = WIRE_PAYLOAD_NAT_D;
			s.new_type = WIRE_PAYLOAD_GSS;
		}
		sim_set_auth(sim, &auth, 1);
		sim->network = strip;
		sim->network_data = &s;
		sim_acquire(sim, 0, 1);
		sim_run(sim, 20000);
		assert_int_equal(s.n, 1);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		assert_true(sim_has_matching_sas(sim));
		sim_free(sim);
	}
}

/* Message 2 without the responder's name, which the initiator needs: the right one comes later. */
static struct sim_fate without_name(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t name[] = { 0x40, 0x00, 0, 30, 'b', 0 };
	uint8_t *at = memmem(data, len, name, sizeof(name));
	size_t *n = sim->network_data;

	if (from && at && !(*n)++) {
		at[0] = 0;
		at[1] = 20;
	}
	return (struct sim_fate){ .delay = 1 };
}

static void test_no_name(void **state)
{
	enum ike_auth methods[] = { IKE_AUTH_KERBEROS, IKE_AUTH_PSK };
	struct sim *sim = sim_new(false, NULL);
	size_t n = 0;

	(void)state;
	sim_set_auth(sim, methods, 2);
	sim->network = without_name;
	sim->network_data = &n;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 20000);
	assert_true(n >= 2);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	assert_int_equal(sim_last_event(sim, 0, IKE_EVENT_MM_ESTABLISHED)->auth,
			 IKE_AUTH_KERBEROS);
	assert_null(sim_last_event(sim, 0, IKE_EVENT_MM_FAILED));
	sim_free(sim);
}

/* --- refusals ---------------------------------------------------------------------------------- */

/* Between two that call themselves Windows: the vendor ids of DPD say so. */
static struct sim_fate as_windows(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t dpd[] = { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
				       0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00 };
	static const uint8_t windows[] = { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d,
					   0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61 };
	uint8_t *at = memmem(data, len, dpd, sizeof(dpd));

	(void)sim;
	(void)from;
	if (at)
		memcpy(at, windows, sizeof(windows));
	return (struct sim_fate){ .delay = 1 };
}

static void test_status(void **state)
{
	enum ike_auth auth = IKE_AUTH_RSA_SIG;
	struct sim *sim = sim_new(false, NULL);
	const struct sim_event *e;

	(void)state;
	sim_set_auth(sim, &auth, 1);
	sim->network = as_windows;
	sim->hosts[1].credentials.revoked = sim->hosts[0].credentials.subject;
	sim_acquire(sim, 0, 1);
	sim_run(sim, 20000);
	e = sim_last_event(sim, 0, IKE_EVENT_MM_FAILED);
	assert_int_equal(e->reason, IKE_REASON_PEER_CRL);
	assert_non_null(strstr(e->text, "NOTIFY_STATUS"));
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_PEER_CRL);
	sim_free(sim);
}

/* --- forged messages -------------------------------------------------------------------------- */

/* Made without the keys: some do no harm, whatever the method. */
static void test_forged(void **state)
{
	static const enum ike_auth methods[] = { IKE_AUTH_RSA_SIG, IKE_AUTH_ECDSA_384,
						 IKE_AUTH_KERBEROS };

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct sim *sim = wait_for_5(methods[i], 2);
		struct ike_mm *mm = responder(sim);
		struct wire_header header =
			mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
		uint8_t buf[256];

		for (uint8_t n = 0; n < 4; n++) {
			struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
			uint8_t junk[100];

			memset(junk, 0x5a + n, sizeof(junk));
			wire_add(&out, WIRE_PAYLOAD_ID, (struct bytes){ junk, sizeof(junk) });
			sim_inject(sim, 1, buf, wire_finish(&out, 16));
		}
		assert_int_equal(sim_stats(sim, 1).bad_message_5, 4);
		sim->network_data = NULL;
		sim_run(sim, 20000);
		assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
		sim_free(sim);
	}
}

/* --- names on the wire ------------------------------------------------------------------------- */

static void test_endpoint_name(void **state)
{
	static const struct {
		const char *name;
		size_t len;	/* on the wire; 0: it is none */
		uint8_t wire[16];
	} rows[] = {
		{ "a$@R", 8, { 'a', 0, '$', 0, '@', 0, 'R', 0 } },
		{ "\xc3\xa4", 2, { 0xe4, 0 } },
		{ "\xe2\x82\xac", 2, { 0xac, 0x20 } },
		{ "\xf0\x9f\x98\x80", 4, { 0x3d, 0xd8, 0x00, 0xde } },
		{ "", 0, { 0 } },
		{ "a\x80", 0, { 0 } },
		{ "a\xc3", 0, { 0 } },
		{ "a\xc0\x80", 0, { 0 } },
		{ "\xed\xa0\x80", 0, { 0 } },
		{ "\xf4\x90\x80\x80", 0, { 0 } },
		{ "\xf8\x88\x80\x80\x80", 0, { 0 } },
	};
	char longest[IKE_GSS_NAME_MAX_LEN + 2];
	uint8_t buf[GSS_NAME_WIRE_MAX_LEN];
	struct writer w;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w = writer_make(buf, sizeof(buf));
		assert_int_equal(gss_name_write(&w, rows[i].name), rows[i].len ? 0 : -EINVAL);
		if (!rows[i].len)
			continue;
		assert_int_equal(w.len, rows[i].len);
		assert_memory_equal(buf, rows[i].wire, w.len);
	}
	memset(longest, 'x', sizeof(longest));
	longest[IKE_GSS_NAME_MAX_LEN + 1] = '\0';
	w = writer_make(buf, sizeof(buf));
	assert_int_equal(gss_name_write(&w, longest), -EINVAL);
	longest[IKE_GSS_NAME_MAX_LEN] = '\0';
	w = writer_make(buf, sizeof(buf));
	assert_int_equal(gss_name_write(&w, longest), 0);
	assert_false(w.overflow);
}

/* In the transform, under both numbers; the answer has the other side's. */
static void test_name_attribute(void **state)
{
	struct ike_mm_policy policy =
		sim_mm_policy(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1, IKE_GROUP_ECP256);
	static const uint8_t number[] = { 0x40, 0x00, 0, 8, 'a', 0 };
	uint8_t offer[256], answer[256], *at;
	struct writer w = writer_make(offer, sizeof(offer)), a;
	struct bytes offered, name;
	struct mm_choice c;

	(void)state;
	policy.auth[0] = IKE_AUTH_PSK;
	policy.auth[1] = IKE_AUTH_KERBEROS;
	policy.n_auth = 2;
	policy.gss_name = "a$@R";
	mm_proposal_write(&w, &policy);
	offered = (struct bytes){ offer, w.len };
	assert_int_equal(mm_proposal_gss_name(offered, 0, 0).len, 0);
	assert_int_equal(mm_proposal_gss_name(offered, 0, 2).len, 0);
	assert_int_equal(mm_proposal_gss_name(offered, 1, 0).len, 0);
	at = memmem(offer, w.len, number, sizeof(number));
	assert_non_null(at);
	for (int w2k = 0; w2k < 2; w2k++) {
		name = mm_proposal_gss_name(offered, 0, 1);
		assert_int_equal(name.len, 8);
		assert_memory_equal(name.data, "a\0$\0@\0R\0", 8);
		at[0] = 0x7d;
		at[1] = 0x01;
	}
	policy.auth[0] = IKE_AUTH_KERBEROS;
	policy.n_auth = 1;
	assert_int_equal(mm_proposal_choose(offered, &policy, ~UINT32_C(0), &c), 0);
	a = writer_make(answer, sizeof(answer));
	mm_proposal_write_choice(&a, offered, &c, "bb$@R");
	name = mm_proposal_gss_name((struct bytes){ answer, a.len }, 0, 0);
	assert_int_equal(name.len, 10);
	assert_memory_equal(name.data, "b\0b\0$\0@\0R\0", 10);
	assert_int_equal(mm_proposal_accept(offered, (struct bytes){ answer, a.len },
					    ~UINT32_C(0), &c), 0);
	assert_int_equal(c.auth, IKE_AUTH_KERBEROS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate_messages),
		cmocka_unit_test(test_certificate_identities),
		cmocka_unit_test(test_kerberos_messages),
		cmocka_unit_test(test_no_token),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_endpoint_name),
		cmocka_unit_test(test_name_attribute),
	};

	return cmocka_run_group_tests_name("auth_hostile", tests, NULL, NULL);
}
