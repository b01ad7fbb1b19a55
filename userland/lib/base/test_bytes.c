// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"

static void test_reader_numbers(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct reader r = reader_make(data, sizeof(data));

	(void)state;
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_true(reader_u64(&r) == 0x08090a0b0c0d0e0f);
	assert_false(reader_is_done(&r));
	assert_int_equal(reader_take(&r, 1).data[0], 16);
	assert_true(reader_is_done(&r));
	assert_int_equal(reader_rest(&r).len, 0);
	assert_true(reader_is_done(&r));
}

/* Every read that crosses the end fails, gives zero, and makes all later reads fail. */
static void test_reader_fails_sticky(void **state)
{
	static const uint8_t data[] = { 0xff, 0xff, 0xff };

	(void)state;
	for (size_t len = 0; len < sizeof(data); len++) {
		struct reader r = reader_make(data, len);
		uint8_t copy[4] = { 9, 9, 9, 9 };

		assert_int_equal(reader_u32(&r), 0);
		assert_true(r.failed);
		assert_int_equal(reader_u8(&r), 0);
		assert_null(reader_rest(&r).data);
		reader_copy(&r, copy, sizeof(copy));
		assert_memory_equal(copy, "\0\0\0\0", 4);
		assert_false(reader_is_done(&r));
	}
}

static void test_reader_huge_length(void **state)
{
	struct reader r = reader_make("ab", 2);

	(void)state;
	assert_null(reader_take(&r, SIZE_MAX).data);
	assert_true(r.failed);
}

static void test_reader_empty(void **state)
{
	struct reader r = reader_make(NULL, 0);

	(void)state;
	assert_true(reader_is_done(&r));
	assert_int_equal(reader_take(&r, 0).len, 0);
	assert_false(r.failed);
	reader_skip(&r, 1);
	assert_true(r.failed);
}

static void test_writer(void **state)
{
	uint8_t buf[20];
	struct writer w = writer_make(buf, sizeof(buf));

	(void)state;
	writer_u8(&w, 1);
	writer_u16(&w, 0x0203);
	writer_u32(&w, 0x04050607);
	writer_u64(&w, 0x08090a0b0c0d0e0f);
	writer_put(&w, "xy", 2);
	writer_zero(&w, 1);
	assert_false(w.overflow);
	assert_int_equal(w.len, 18);
	assert_memory_equal(buf, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17xy\0", 18);
	writer_patch_u16(&w, 0, 0xaabb);
	assert_memory_equal(buf, "\xaa\xbb\3", 3);
	writer_patch_u8(&w, 2, 0xcc);
	writer_patch_u32(&w, 14, 0);
	assert_false(w.overflow);
	writer_patch_u32(&w, 15, 0);
	assert_true(w.overflow);
}

static void test_writer_overflow_is_sticky(void **state)
{
	uint8_t buf[4] = { 7, 7, 7, 7 };
	struct writer w = writer_make(buf, 3);

	(void)state;
	writer_u32(&w, 1);
	assert_true(w.overflow);
	assert_int_equal(w.len, 0);
	writer_u8(&w, 1);
	assert_int_equal(w.len, 0);
	assert_null(writer_reserve(&w, 0));
	writer_patch_u8(&w, 0, 1);
	assert_memory_equal(buf, "\7\7\7\7", 4);
}

static void test_bytes_equal(void **state)
{
	struct bytes a = { (const uint8_t *)"ab", 2 }, b = { (const uint8_t *)"abc", 3 };

	(void)state;
	assert_false(bytes_is_equal(a, b));
	b.len = 2;
	assert_true(bytes_is_equal(a, b));
	assert_true(bytes_is_equal((struct bytes){0}, (struct bytes){0}));
}

static void test_cleanup(void **state)
{
	char *owner = strdup("secret");
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the analyzer does not know about cleanup */
	_cleanup_free_ char *taken = TAKE_PTR(owner);
	int fd = 5;
	uint8_t secret[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_null(owner);
	assert_string_equal(taken, "secret");
	assert_int_equal(TAKE_FD(fd), 5);
	assert_int_equal(fd, -1);
	wipe(secret, sizeof(secret));
	assert_memory_equal(secret, "\0\0\0\0", 4);
	assert_null(wipe_free(NULL, 3));
	assert_null(wipe_free(strdup("x"), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_numbers),
		cmocka_unit_test(test_reader_fails_sticky),
		cmocka_unit_test(test_reader_huge_length),
		cmocka_unit_test(test_reader_empty),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_overflow_is_sticky),
		cmocka_unit_test(test_bytes_equal),
		cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
