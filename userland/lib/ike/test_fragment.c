// SPDX-License-Identifier: MIT
/* Fragments: taken apart, put together, and everything that must not be put together. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/fragment.h"

#define ROOM 512
#define JOINED_MAX (FRAGMENTS_BYTES_MAX + WIRE_HEADER_LEN)

static const struct wire_header header = {
	.icookie = { 1, 2, 3, 4, 5, 6, 7, 8 },
	.rcookie = { 9, 10, 11, 12, 13, 14, 15, 16 },
	.version = WIRE_VERSION,
	.exchange = WIRE_EXCHANGE_MAIN,
	.flags = WIRE_FLAG_ENCRYPTED,
};

/* A message of @len bytes. */
static struct bytes make_message(uint8_t *buf, size_t len)
{
	struct wire_out out = wire_out_make(buf, len, &header);

	wire_begin(&out, WIRE_PAYLOAD_ID);
	while (out.w.len < len)
		writer_u8(&out.w, (uint8_t)(out.w.len * 7));
	wire_end(&out);
	assert_int_equal(wire_finish(&out, 0), len);
	return (struct bytes){ buf, len };
}

/* The @number'th fragment of the message, written and read. */
static struct fragment cut(uint8_t *buf, struct bytes message, size_t number,
			   struct wire_header *ret_header)
{
	size_t len = fragment_write(buf, message, 7, number, ROOM);
	struct fragment f;

	assert_int_equal(fragment_parse((struct bytes){ buf, len }, ret_header, &f), 0);
	assert_int_equal(f.id, 7);
	assert_int_equal(f.number, number);
	return f;
}

static struct fragment piece(uint8_t number, bool is_last, const void *data, size_t len)
{
	return (struct fragment){ 7, number, is_last, { data, len } };
}

/* --- whole messages ------------------------------------------------------------------------- */

/* In any order, for messages of every length around a fragment's. */
static void test_cut_and_join(void **state)
{
	static const size_t lens[] = { 513, 1023, 1024, 1025, 1300, FRAGMENTS_BYTES_MAX };
	uint8_t *text = malloc(FRAGMENTS_BYTES_MAX), *joined = malloc(JOINED_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct bytes message = make_message(text, lens[i]);
		size_t n = fragment_count(lens[i], ROOM);
		struct fragments set = {0};

		assert_int_equal(n, (lens[i] + ROOM - 1) / ROOM);
		/* 7 has no divisor in common with these counts: each is visited once. */
		for (size_t j = 0; j < n; j++) {
			uint8_t buf[ROOM + FRAGMENT_OVERHEAD];
			struct wire_header h;
			struct fragment f = cut(buf, message, j * 7 % n + 1, &h);

			assert_int_equal(h.flags, 0);
			assert_int_equal(fragments_add(&set, &h, &f), j == n - 1);
		}
		assert_int_equal(fragments_join(&set, joined), lens[i]);
		assert_memory_equal(joined, text, lens[i]);
		fragments_clear(&set);
	}
	free(joined);
	free(text);
}

static void test_bytes(void **state)
{
	static const uint8_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
					132, 16, 2, 0, 0, 0, 0, 0, 0, 0, 0, 40,
					0, 0, 0, 12, 0x12, 0x34, 15, 1 };
	uint8_t text[452], buf[32 + FRAGMENT_OVERHEAD];
	struct bytes message = make_message(text, sizeof(text));

	(void)state;
	assert_int_equal(fragment_count(sizeof(text), 32), 15);
	assert_int_equal(fragment_write(buf, message, 0x1234, 15, 32), sizeof(want) + 4);
	assert_memory_equal(buf, want, sizeof(want));
	assert_memory_equal(buf + sizeof(want), text + 448, 4);
	assert_int_equal(fragment_write(buf, message, 0x1234, 14, 32), sizeof(buf));
	assert_int_equal(buf[sizeof(want) - 1], 0);
}

/* libreswan fills messages up to a multiple of four: zeros behind the payload are no part of the data. */
static void test_filled_up(void **state)
{
	uint8_t text[452], buf[ROOM + FRAGMENT_OVERHEAD];
	struct bytes message = make_message(text, sizeof(text));
	size_t len = fragment_write(buf, message, 7, 1, ROOM);
	struct wire_header h;
	struct fragment f;

	(void)state;
	memset(buf + len - 2, 0, 2);
	buf[WIRE_HEADER_LEN + 3] -= 2;
	assert_int_equal(fragment_parse((struct bytes){ buf, len }, &h, &f), 0);
	assert_int_equal(f.data.len, sizeof(text) - 2);
	assert_ptr_equal(f.data.data, buf + FRAGMENT_OVERHEAD);
	buf[len - 1] = 1;
	assert_int_equal(fragment_parse((struct bytes){ buf, len }, &h, &f), -EBADMSG);
}

static void test_too_long_to_cut(void **state)
{
	(void)state;
	assert_int_equal(fragment_count(64 * ROOM, ROOM), 64);
	assert_int_equal(fragment_count(64 * ROOM + 1, ROOM), 0);
	assert_int_equal(fragment_count(64 * 508 + 1, 508), 0);
	assert_int_equal(fragment_count(FRAGMENTS_BYTES_MAX + 1, 2000), 0);
}

/* The other reading of [MS-IKEE]: data without the message's own header. */
static void test_header_left_out(void **state)
{
	uint8_t text[600], *joined = malloc(JOINED_MAX);
	struct bytes message = make_message(text, sizeof(text));
	struct fragment f[] = {
		piece(2, true, message.data + 300, 300),
		piece(1, false, message.data + WIRE_HEADER_LEN, 300 - WIRE_HEADER_LEN),
	};
	struct wire_header in_clear = header;
	struct fragments set = {0};

	(void)state;
	in_clear.flags = 0;
	assert_int_equal(fragments_add(&set, &in_clear, &f[0]), 0);
	assert_int_equal(fragments_add(&set, &in_clear, &f[1]), 1);
	assert_int_equal(fragments_join(&set, joined), sizeof(text));
	assert_memory_equal(joined, text, sizeof(text));
	fragments_clear(&set);
	free(joined);
}

/* --- what is refused ------------------------------------------------------------------------ */

static void test_not_fragments(void **state)
{
	uint8_t text[600], good[ROOM + FRAGMENT_OVERHEAD], bad[sizeof(good)];
	struct bytes message = make_message(text, sizeof(text));
	size_t len = fragment_write(good, message, 7, 1, ROOM);
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {
		{ 16, WIRE_PAYLOAD_ID },	/* another payload */
		{ 19, WIRE_FLAG_ENCRYPTED },	/* encrypted */
		{ 27, 1 },			/* length */
		{ 28, WIRE_PAYLOAD_VID },	/* something follows */
		{ 31, 9 },			/* shorter than the datagram */
		{ 34, 0 },			/* number 0 */
	};
	struct wire_header h;
	struct fragment f;

	(void)state;
	assert_int_equal(fragment_parse((struct bytes){ good, len }, &h, &f), 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(bad, good, len);
		bad[changes[i].at] = changes[i].value;
		assert_int_equal(fragment_parse((struct bytes){ bad, len }, &h, &f), -EBADMSG);
	}
	for (size_t n = 0; n < len; n++)
		assert_int_equal(fragment_parse((struct bytes){ good, n }, &h, &f), -EBADMSG);
	/* Nothing in it. */
	memcpy(bad, good, FRAGMENT_OVERHEAD);
	bad[26] = 0;
	bad[27] = FRAGMENT_OVERHEAD;
	bad[30] = 0;
	bad[31] = 8;
	assert_int_equal(fragment_parse((struct bytes){ bad, FRAGMENT_OVERHEAD }, &h, &f),
			 -EBADMSG);
}

static void test_contradictions(void **state)
{
	static const struct {
		struct {
			uint8_t number;
			bool is_last;
			const char *data;
		} f[3];
		int want;
	} cases[] = {
		{ { { 1, false, "a" }, { 1, false, "a" } }, -EEXIST },
		{ { { 1, false, "a" }, { 1, false, "b" } }, -EBADMSG },
		{ { { 1, false, "a" }, { 1, false, "aa" } }, -EBADMSG },
		{ { { 1, false, "a" }, { 1, true, "a" } }, -EBADMSG },
		{ { { 3, true, "a" }, { 3, false, "a" } }, -EBADMSG },
		{ { { 3, true, "a" }, { 3, true, "a" } }, -EEXIST },
		{ { { 2, true, "a" }, { 3, true, "b" } }, -EBADMSG },
		{ { { 3, true, "a" }, { 2, true, "b" } }, -EBADMSG },
		{ { { 2, true, "a" }, { 3, false, "b" } }, -EBADMSG },
		{ { { 3, false, "a" }, { 2, true, "b" } }, -EBADMSG },
		{ { { 1, false, "a" }, { 3, true, "b" }, { 2, false, "c" } }, 1 },
		{ { { 1, false, "a" }, { 64, true, "b" } }, 0 },
		{ { { 1, false, "a" }, { 65, true, "b" } }, -E2BIG },
		{ { { 1, false, "a" }, { 255, false, "b" } }, -E2BIG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fragments set = {0};
		int ret = 0;

		for (size_t j = 0; j < 3 && cases[i].f[j].data; j++) {
			struct fragment f = piece(cases[i].f[j].number, cases[i].f[j].is_last,
						  cases[i].f[j].data,
						  strlen(cases[i].f[j].data));

			ret = fragments_add(&set, &header, &f);
		}
		assert_int_equal(ret, cases[i].want);
		fragments_clear(&set);
	}
}

/* 64 of 1200 bytes are too much, whatever the order. */
static void test_too_much(void **state)
{
	static const uint8_t data[1200];
	struct fragments set = {0};
	size_t bytes = 0;
	int ret = 0;

	(void)state;
	for (uint8_t number = 64; number && !ret; number--) {
		struct fragment f = piece(number, number == 64, data, sizeof(data));

		ret = fragments_add(&set, &header, &f);
		bytes += ret ? 0 : sizeof(data);
	}
	assert_int_equal(ret, -E2BIG);
	assert_int_equal(set.bytes, bytes);
	assert_true(bytes <= FRAGMENTS_BYTES_MAX && bytes + sizeof(data) > FRAGMENTS_BYTES_MAX);
	fragments_clear(&set);
}

/* A message in fragments is not a fragment itself. */
static void test_nested(void **state)
{
	uint8_t text[600], inner[ROOM + FRAGMENT_OVERHEAD], buf[ROOM + FRAGMENT_OVERHEAD];
	uint8_t *joined = malloc(JOINED_MAX);
	struct bytes message = make_message(text, sizeof(text));
	size_t len = fragment_write(inner, message, 7, 1, ROOM);
	struct fragments set = {0};
	struct wire_header h;
	struct fragment f;

	(void)state;
	for (size_t i = 1; i <= 2; i++) {
		f = cut(buf, (struct bytes){ inner, len }, i, &h);
		assert_int_equal(fragments_add(&set, &h, &f), i == 2);
	}
	assert_int_equal(fragments_join(&set, joined), 0);
	fragments_clear(&set);
	free(joined);
}

static void test_whose(void **state)
{
	struct fragment f = piece(1, false, "a", 1);
	struct wire_header other = header;
	struct fragments set = {0};

	(void)state;
	assert_false(fragments_is_same(&set, &header, &f));
	assert_int_equal(fragments_add(&set, &header, &f), 0);
	assert_true(fragments_is_same(&set, &header, &f));
	other.message_id = 1;
	assert_false(fragments_is_same(&set, &other, &f));
	other = header;
	other.exchange = WIRE_EXCHANGE_QUICK;
	assert_false(fragments_is_same(&set, &other, &f));
	f.id = 8;
	assert_false(fragments_is_same(&set, &header, &f));
	fragments_clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_and_join),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_filled_up),
		cmocka_unit_test(test_too_long_to_cut),
		cmocka_unit_test(test_header_left_out),
		cmocka_unit_test(test_not_fragments),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_whose),
	};

	return cmocka_run_group_tests_name("fragment", tests, NULL, NULL);
}
