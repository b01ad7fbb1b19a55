// SPDX-License-Identifier: MIT
/* The codec: what is parsed, what is refused, and that both directions agree. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/exchange.h"
#include "ike/names.h"
#include "ike/status.h"
#include "ike/vid.h"
#include "ike/wire.h"

static const struct wire_header header = {
	.icookie = { 1, 2, 3, 4, 5, 6, 7, 8 },
	.rcookie = { 9, 10, 11, 12, 13, 14, 15, 16 },
	.version = WIRE_VERSION,
	.exchange = WIRE_EXCHANGE_MAIN,
	.message_id = 0x01020304,
};

static struct bytes str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

static void test_encode_and_parse(void **state)
{
	static const uint8_t want[] = { 1,  2,	3,  4,	5,  6,	7,  8,	9,  10, 11, 12, 13, 14, 15,
					16, 10, 16, 2,	0,  1,	2,  3,	4,  0,	0,  0,	40, 13, 0,
					0,  7,	'a', 'b', 'c', 0, 0, 0, 5,  'x' };
	uint8_t buf[128];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct wire_message m;

	(void)state;
	wire_add(&out, WIRE_PAYLOAD_NONCE, str("abc"));
	wire_begin(&out, WIRE_PAYLOAD_VID);
	writer_put(&out.w, "x", 1);
	wire_end(&out);
	assert_true(bytes_is_equal(wire_last_body(&out), str("x")));
	assert_int_equal(wire_finish(&out, 0), sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));

	assert_int_equal(wire_parse((struct bytes){ buf, sizeof(want) }, &m), 0);
	assert_memory_equal(m.header.icookie, header.icookie, 8);
	assert_memory_equal(m.header.rcookie, header.rcookie, 8);
	assert_int_equal(m.header.message_id, 0x01020304);
	assert_int_equal(m.n_payloads, 2);
	assert_true(bytes_is_equal(wire_find(&m, WIRE_PAYLOAD_NONCE, 0)->body, str("abc")));
	assert_null(wire_find(&m, WIRE_PAYLOAD_NONCE, 1));
	assert_null(wire_find(&m, WIRE_PAYLOAD_KE, 0));
	assert_int_equal(wire_after(&m, &m.payloads[0]).len, 5);
	assert_int_equal(wire_after(&m, &m.payloads[1]).len, 0);
}

static void test_padding(void **state)
{
	static const uint8_t zero[40];
	uint8_t buf[128];
	struct wire_message m;

	(void)state;
	for (size_t n = 0; n < sizeof(zero); n++) {
		struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
		size_t len;

		wire_add(&out, WIRE_PAYLOAD_NONCE, (struct bytes){ zero, n });
		len = wire_finish(&out, 16);
		assert_int_equal((len - WIRE_HEADER_LEN) % 16, 0);
		assert_true(len - WIRE_HEADER_LEN - n - 4 < 16);
		/* Much of it is allowed in a decrypted message only. */
		assert_int_equal(wire_parse_payloads(WIRE_PAYLOAD_NONCE,
						     (struct bytes){ buf + WIRE_HEADER_LEN,
								     len - WIRE_HEADER_LEN },
						     true, &m),
				 0);
		assert_int_equal(m.chain.len, n + 4);
		assert_int_equal(wire_parse((struct bytes){ buf, len }, &m),
				 len - WIRE_HEADER_LEN - n - 4 > 3 ? -EBADMSG : 0);
	}
}

/* A message in clear is filled with zeros to a multiple of four, or not at all. */
static void test_alignment(void **state)
{
	(void)state;
	for (size_t n = 0; n < 8; n++) {
		for (size_t more = 0; more < 6; more++) {
			uint8_t buf[128] = {0};
			struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
			size_t used, len;
			bool is_good = !more || (more < 4 && (n + more) % 4 == 0);
			struct wire_message m;

			wire_add(&out, WIRE_PAYLOAD_NONCE, (struct bytes){ (const uint8_t *)"12345678", n });
			used = wire_finish(&out, 0);
			len = used + more;
			buf[WIRE_HEADER_LEN - 1] = (uint8_t)len;
			assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), is_good ? 0 : -EBADMSG);
			if (!is_good || !more)
				continue;
			assert_int_equal(m.n_payloads, 1);
			assert_int_equal(m.chain.len, n + 4);
			buf[len - 1] = 1;
			assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), -EBADMSG);
		}
	}
}

/* @n payloads of four bytes each. */
static size_t make_chain(uint8_t *buf, size_t cap, size_t n)
{
	struct wire_out out = wire_out_make(buf, cap, &header);

	for (size_t i = 0; i < n; i++)
		wire_add(&out, WIRE_PAYLOAD_VID, (struct bytes){0});
	return wire_finish(&out, 0);
}

static void test_payload_limit(void **state)
{
	uint8_t buf[1024];
	struct wire_message m;
	size_t len;

	(void)state;
	len = make_chain(buf, sizeof(buf), WIRE_PAYLOADS_MAX);
	assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), 0);
	assert_int_equal(m.n_payloads, WIRE_PAYLOADS_MAX);
	len = make_chain(buf, sizeof(buf), WIRE_PAYLOADS_MAX + 1);
	assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), -E2BIG);
	len = make_chain(buf, sizeof(buf), 200);
	assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), -E2BIG);
	len = make_chain(buf, sizeof(buf), 0);
	assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), 0);
	assert_int_equal(m.n_payloads, 0);
}

static void test_bad_lengths(void **state)
{
	static const uint16_t bad[] = { 0, 1, 2, 3, 6, 9, 255, 256, 65535 };
	uint8_t buf[64];
	struct wire_message m;
	struct wire_out out;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		out = wire_out_make(buf, sizeof(buf), &header);
		wire_add(&out, WIRE_PAYLOAD_NONCE, str("abcd"));
		len = wire_finish(&out, 0);
		buf[30] = (uint8_t)(bad[i] >> 8);
		buf[31] = (uint8_t)bad[i];
		assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), -EBADMSG);
	}
}

static void test_reserved_byte(void **state)
{
	uint8_t buf[64];
	struct wire_message m;
	size_t len = make_chain(buf, sizeof(buf), 2);

	(void)state;
	for (size_t at = WIRE_HEADER_LEN + 1; at < len; at += 4) {
		buf[at] = 1;
		assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), -EBADMSG);
		buf[at] = 0;
	}
	assert_int_equal(wire_parse((struct bytes){ buf, len }, &m), 0);
}

static void test_bad_headers(void **state)
{
	uint8_t buf[64];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct wire_header h;
	struct bytes d = { buf, 0 };

	(void)state;
	wire_add(&out, WIRE_PAYLOAD_NONCE, str("abcd"));
	d.len = wire_finish(&out, 0);
	assert_int_equal(wire_parse_header(d, &h), 0);
	buf[17] = 0x20;
	assert_int_equal(wire_parse_header(d, &h), -EPROTONOSUPPORT);
	assert_int_equal(h.version, 0x20);
	buf[17] = 0x1f;
	assert_int_equal(wire_parse_header(d, &h), 0);
	buf[19] = 0x08;
	assert_int_equal(wire_parse_header(d, &h), -EBADMSG);
	buf[19] = 0x07;
	assert_int_equal(wire_parse_header(d, &h), 0);
	buf[27]++;
	assert_int_equal(wire_parse_header(d, &h), -EBADMSG);
	buf[27]--;
	for (d.len = 0; d.len < WIRE_HEADER_LEN; d.len++)
		assert_int_equal(wire_parse_header(d, &h), -EBADMSG);
	d.len = out.w.len;
	memset(buf, 0, 8);
	assert_int_equal(wire_parse_header(d, &h), -EBADMSG);
}

static void test_encoder_overflow(void **state)
{
	uint8_t buf[40];
	uint8_t *huge = calloc(1, 70000);
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);

	(void)state;
	wire_add(&out, WIRE_PAYLOAD_NONCE, str("123456789"));
	assert_int_equal(wire_finish(&out, 0), 0);
	out = wire_out_make(buf, 20, &header);
	wire_add(&out, WIRE_PAYLOAD_NONCE, str("1"));
	assert_int_equal(wire_finish(&out, 0), 0);
	/* A payload that its length field cannot hold. */
	out = wire_out_make(huge, 70000, &header);
	wire_begin(&out, WIRE_PAYLOAD_NONCE);
	writer_zero(&out.w, 65532);
	wire_end(&out);
	assert_int_equal(wire_finish(&out, 0), 0);
	/* Padding that does not fit. */
	out = wire_out_make(buf, 36, &header);
	wire_add(&out, WIRE_PAYLOAD_NONCE, str("1"));
	assert_int_equal(wire_finish(&out, 16), 0);
	free(huge);
}

static void test_notify_and_delete(void **state)
{
	static const uint8_t spis[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct wire_notify n = { .doi = 1, .protocol = 3, .type = IKE_NOTIFY_RESPONDER_LIFETIME,
				 .spi = { spis, 4 }, .data = { (const uint8_t *)"data", 4 } };
	struct wire_delete d = { .doi = 1, .protocol = 3, .spi_size = 4, .n_spis = 2,
				 .spis = { spis, 8 } };
	uint8_t buf[128];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct wire_message m;

	(void)state;
	wire_add_notify(&out, &n);
	wire_add_delete(&out, &d);
	assert_int_equal(wire_parse((struct bytes){ buf, wire_finish(&out, 0) }, &m), 0);
	memset(&n, 0, sizeof(n));
	memset(&d, 0, sizeof(d));
	assert_int_equal(wire_parse_notify(m.payloads[0].body, &n), 0);
	assert_int_equal(n.type, IKE_NOTIFY_RESPONDER_LIFETIME);
	assert_int_equal(n.spi.len, 4);
	assert_true(bytes_is_equal(n.data, str("data")));
	assert_int_equal(wire_parse_delete(m.payloads[1].body, &d), 0);
	assert_int_equal(d.n_spis, 2);
	assert_int_equal(d.spis.len, 8);
	/* Every truncation of either; the data of a notify may be empty. */
	for (size_t len = 0; len < m.payloads[0].body.len; len++)
		assert_int_equal(wire_parse_notify((struct bytes){ m.payloads[0].body.data, len },
						   &n),
				 len < 12 ? -EBADMSG : 0);
	for (size_t len = 0; len < m.payloads[1].body.len; len++)
		assert_int_equal(wire_parse_delete((struct bytes){ m.payloads[1].body.data, len },
						   &d),
				 -EBADMSG);
}

static void test_delete_limits(void **state)
{
	uint8_t body[8 + 4 * 65] = { 0, 0, 0, 1, 3, 4, 0, 65 };
	struct wire_delete d;

	(void)state;
	assert_int_equal(wire_parse_delete((struct bytes){ body, sizeof(body) }, &d), -E2BIG);
	body[7] = 64;
	assert_int_equal(wire_parse_delete((struct bytes){ body, sizeof(body) - 4 }, &d), 0);
	/* 65535 SPIs of no size at all. */
	body[5] = 0;
	body[6] = body[7] = 0xff;
	assert_int_equal(wire_parse_delete((struct bytes){ body, 8 }, &d), -E2BIG);
}

/* parse(encode(parse(x))) == parse(x), for chains of random payloads. */
static void test_round_trip(void **state)
{
	uint64_t rng = 88172645463325252;
	uint8_t a[4096], b[4096];

	(void)state;
	for (unsigned int round = 0; round < 2000; round++) {
		struct wire_out out = wire_out_make(a, sizeof(a), &header);
		struct wire_message m, n;
		size_t len;

		for (unsigned int i = 0; i < round % 33; i++) {
			uint8_t body[100];

			rng = rng * 6364136223846793005 + 1442695040888963407;
			memset(body, (int)(rng >> 56), sizeof(body));
			wire_add(&out, (uint8_t)(1 + (rng >> 40) % 255),
				 (struct bytes){ body, (rng >> 33) % sizeof(body) });
		}
		len = wire_finish(&out, 0);
		assert_int_equal(wire_parse((struct bytes){ a, len }, &m), 0);
		out = wire_out_make(b, sizeof(b), &m.header);
		for (size_t i = 0; i < m.n_payloads; i++)
			wire_add(&out, m.payloads[i].type, m.payloads[i].body);
		assert_int_equal(wire_finish(&out, 0), len);
		assert_memory_equal(a, b, len);
		assert_int_equal(wire_parse((struct bytes){ b, len }, &n), 0);
		assert_int_equal(n.n_payloads, m.n_payloads);
	}
}

/* Each bit flipped and each truncation of a message: parsed or refused, never out of bounds. */
static void test_flip_and_truncate(void **state)
{
	uint8_t buf[128];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct wire_message m;
	size_t len;

	(void)state;
	wire_add(&out, WIRE_PAYLOAD_NONCE, str("some bytes of nonce"));
	wire_add(&out, WIRE_PAYLOAD_VID, str("vendor"));
	wire_add(&out, WIRE_PAYLOAD_KE, str("key exchange"));
	len = wire_finish(&out, 0);
	for (size_t i = 0; i < len; i++) {
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, buf, i);
		assert_int_not_equal(wire_parse((struct bytes){ copy, i }, &m), 0);
		free(copy);
	}
	for (size_t bit = 0; bit < 8 * len; bit++) {
		uint8_t *copy = malloc(len);

		memcpy(copy, buf, len);
		copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (!wire_parse((struct bytes){ copy, len }, &m)) {
			for (size_t i = 0; i < m.n_payloads; i++) {
				assert_true(m.payloads[i].body.data >= copy + WIRE_HEADER_LEN);
				assert_true(m.payloads[i].body.data + m.payloads[i].body.len <=
					    copy + len);
			}
		}
		free(copy);
	}
}

/* The payloads of each kind of message: too few, too many, in the wrong place, and extra ones. */
static void test_required_payloads(void **state)
{
	static const struct {
		enum message_kind kind;
		const char *payloads;	/* letters below */
		bool is_good;
	} rows[] = {
		{ MESSAGE_MM_1, "S", true },
		{ MESSAGE_MM_1, "SVVV", true },
		{ MESSAGE_MM_1, "VS", false },
		{ MESSAGE_MM_1, "SS", false },
		{ MESSAGE_MM_1, "", false },
		{ MESSAGE_MM_1, "SKNDX", true },
		{ MESSAGE_MM_3, "KN", true },
		{ MESSAGE_MM_3, "NVK", true },
		{ MESSAGE_MM_3, "K", false },
		{ MESSAGE_MM_3, "KKN", false },
		{ MESSAGE_MM_3, "KNN", false },
		{ MESSAGE_MM_HASH, "IH", true },
		{ MESSAGE_MM_HASH, "IHDX", true },
		{ MESSAGE_MM_HASH, "HI", false },
		{ MESSAGE_MM_HASH, "I", false },
		{ MESSAGE_MM_HASH, "IIH", false },
		{ MESSAGE_MM_HASH, "IHH", false },
		{ MESSAGE_QM_1, "HSN", true },
		{ MESSAGE_QM_1, "HSNKII", true },
		{ MESSAGE_QM_1, "HSNI", false },
		{ MESSAGE_QM_1, "HSNIII", false },
		{ MESSAGE_QM_1, "SHN", false },
		{ MESSAGE_QM_1, "HSSN", false },
		{ MESSAGE_QM_1, "HSNKK", false },
		{ MESSAGE_QM_1, "HN", false },
		{ MESSAGE_QM_2, "HSNIIX", true },
		{ MESSAGE_QM_3, "H", true },
		{ MESSAGE_QM_3, "", false },
		{ MESSAGE_QM_3, "XH", false },
		{ MESSAGE_QM_4, "HX", false },
		{ MESSAGE_QM_4, "XH", false },
		{ MESSAGE_INFORMATIONAL, "HDX", true },
		{ MESSAGE_INFORMATIONAL, "DH", false },
		{ MESSAGE_INFORMATIONAL, "HH", false },
	};
	static const struct {
		char letter;
		uint8_t type;
	} letters[] = { { 'S', WIRE_PAYLOAD_SA },     { 'K', WIRE_PAYLOAD_KE },
			{ 'N', WIRE_PAYLOAD_NONCE },  { 'I', WIRE_PAYLOAD_ID },
			{ 'H', WIRE_PAYLOAD_HASH },   { 'V', WIRE_PAYLOAD_VID },
			{ 'D', WIRE_PAYLOAD_DELETE }, { 'X', 200 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_message m = { .n_payloads = strlen(rows[i].payloads) };

		for (size_t j = 0; j < m.n_payloads; j++) {
			for (size_t k = 0; k < sizeof(letters) / sizeof(letters[0]); k++) {
				if (letters[k].letter == rows[i].payloads[j])
					m.payloads[j].type = letters[k].type;
			}
		}
		assert_int_equal(exchange_check(rows[i].kind, &m), rows[i].is_good ? 0 : -EBADMSG);
	}
}

static void test_vendor_ids(void **state)
{
	uint8_t microsoft[20] = { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c,
					       0x7d, 0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87,
					       0xe4, 0x61, 0,	 0,    0,    4 };
	uint8_t longer[300] = {0}, buf[256];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct wire_message m;

	(void)state;
	vid_add(&out, VID_DPD | VID_GSSAPI | VID_IPSEC_POLICY);
	assert_int_equal(wire_parse((struct bytes){ buf, wire_finish(&out, 0) }, &m), 0);
	assert_int_equal(m.n_payloads, 3);
	assert_int_equal(vid_collect(&m), VID_DPD | VID_GSSAPI | VID_IPSEC_POLICY);
	assert_int_equal(vid_match((struct bytes){ microsoft, 20 }), VID_MICROSOFT);
	microsoft[19] = 2;
	assert_int_equal(vid_match((struct bytes){ microsoft, 20 }),
			 VID_MICROSOFT | VID_WINDOWS_2000);
	assert_int_equal(vid_match((struct bytes){ microsoft, 16 }), VID_MICROSOFT);
	assert_int_equal(vid_match((struct bytes){ microsoft, 15 }), 0);
	memcpy(longer, microsoft, 20);
	assert_int_equal(vid_match((struct bytes){ longer, sizeof(longer) }), 0);
	assert_int_equal(vid_match((struct bytes){0}), 0);
	/* An exact one with a tail is another one. */
	memcpy(longer, m.payloads[0].body.data, 16);
	assert_int_equal(vid_match((struct bytes){ longer, 16 }), VID_IPSEC_POLICY);
	assert_int_equal(vid_match((struct bytes){ longer, 17 }), 0);
}

/* [MS-IKEE], section 2.2.6: the examples of status.h. */
static void test_status(void **state)
{
	static const uint8_t main_mode[] = { 0, 0, 0, 16, 0, 0, 0, 1, 1, 0, 0x9c, 0x43,
					     0, 0, 0x35, 0xe9 };
	static const uint8_t quick_mode[] = { 0, 0, 0, 20, 0, 0, 0, 1, 1, 0, 0x9c, 0x43,
					      0x12, 0x34, 0x56, 0x78, 0, 0, 0x35, 0xea };
	uint8_t buf[128];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &header);
	struct wire_notify notify;
	enum ike_reason reason;

	(void)state;
	status_add(&out, VID_DPD, 0, IKE_REASON_CREDENTIALS);
	assert_int_equal(out.w.len, WIRE_HEADER_LEN);
	status_add(&out, VID_MICROSOFT, 0, IKE_REASON_CREDENTIALS);
	assert_int_equal(out.w.len, WIRE_HEADER_LEN + sizeof(main_mode));
	assert_memory_equal(buf + WIRE_HEADER_LEN, main_mode, sizeof(main_mode));
	assert_int_equal(wire_parse_notify(wire_last_body(&out), &notify), 0);
	assert_true(status_read(&notify, &reason));
	assert_int_equal(reason, 13801);

	out = wire_out_make(buf, sizeof(buf), &header);
	status_add(&out, VID_IPSEC_POLICY, 0x12345678, IKE_REASON_ATTRIBUTES);
	assert_memory_equal(buf + WIRE_HEADER_LEN, quick_mode, sizeof(quick_mode));
	assert_int_equal(wire_parse_notify(wire_last_body(&out), &notify), 0);
	assert_true(status_read(&notify, &reason));
	assert_int_equal(reason, 13802);
	for (size_t len = 0; len < 8; len++) {
		notify.data.len = len;
		assert_int_equal(status_read(&notify, &reason), len == 4);
	}
	/* a number of others */
	notify.data = (struct bytes){ quick_mode + 12, 4 };
	assert_true(status_read(&notify, &reason));
	assert_int_equal(reason, IKE_REASON_GENERAL);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(ike_payload_name(10), "NONCE");
	assert_string_equal(ike_payload_name(99), "?");
	assert_string_equal(ike_notify_name(14), "NO-PROPOSAL-CHOSEN");
	assert_string_equal(ike_notify_name(36137), "R-U-THERE-ACK");
	assert_string_equal(ike_notify_name(9999), "?");
	assert_string_equal(ike_exchange_name(32), "quick mode");
	assert_string_equal(ike_mm_attribute_name(12), "life duration");
	assert_string_equal(ike_qm_attribute_name(5), "authentication algorithm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode_and_parse),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_payload_limit),
		cmocka_unit_test(test_bad_lengths),
		cmocka_unit_test(test_reserved_byte),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_encoder_overflow),
		cmocka_unit_test(test_notify_and_delete),
		cmocka_unit_test(test_delete_limits),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_flip_and_truncate),
		cmocka_unit_test(test_required_payloads),
		cmocka_unit_test(test_vendor_ids),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
