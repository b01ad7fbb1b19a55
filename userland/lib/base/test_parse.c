// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/parse.h"

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1a", "1.0", "٣" };
	uint64_t v64;
	uint32_t v32 = 7;
	uint16_t v16;
	uint8_t v8;

	(void)state;
	assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &v64), 0);
	assert_true(v64 == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", UINT64_MAX, &v64), -ERANGE);
	assert_int_equal(parse_u64("99999999999999999999999999", UINT64_MAX, &v64), -ERANGE);
	assert_int_equal(parse_u32("4294967295", &v32), 0);
	assert_true(v32 == UINT32_MAX);
	assert_int_equal(parse_u32("4294967296", &v32), -ERANGE);
	assert_int_equal(parse_u16("65535", &v16), 0);
	assert_int_equal(v16, 65535);
	assert_int_equal(parse_u16("65536", &v16), -ERANGE);
	assert_int_equal(parse_u8("255", &v8), 0);
	assert_int_equal(v8, 255);
	assert_int_equal(parse_u8("256", &v8), -ERANGE);
	assert_int_equal(parse_u32("007", &v32), 0);
	assert_int_equal(v32, 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_u32(bad[i], &v32), -EINVAL);
	/* Garbage after a number too large is still garbage. */
	assert_int_equal(parse_u64("99999999999999999999999999x", UINT64_MAX, &v64), -EINVAL);
	assert_int_equal(v32, 7);
}

static void test_ranges_and_hex_numbers(void **state)
{
	uint32_t v = 0;

	(void)state;
	assert_int_equal(parse_u32_range("10", 10, 20, &v), 0);
	assert_int_equal(parse_u32_range("20", 10, 20, &v), 0);
	assert_int_equal(v, 20);
	assert_int_equal(parse_u32_range("9", 10, 20, &v), -ERANGE);
	assert_int_equal(parse_u32_range("21", 10, 20, &v), -ERANGE);
	assert_int_equal(parse_number("0xFFffFFff", &v), 0);
	assert_true(v == UINT32_MAX);
	assert_int_equal(parse_number("0X10", &v), 0);
	assert_int_equal(v, 16);
	assert_int_equal(parse_number("10", &v), 0);
	assert_int_equal(v, 10);
	assert_int_equal(parse_number("0x", &v), -EINVAL);
	assert_int_equal(parse_number("0x100000000", &v), -ERANGE);
	assert_int_equal(parse_number("ff", &v), -EINVAL);
}

static void test_bool(void **state)
{
	int v = -1;

	(void)state;
	assert_int_equal(parse_bool("YES", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(parse_bool("off", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(parse_bool("maybe", &v), -EINVAL);
	assert_int_equal(parse_bool("", &v), -EINVAL);
}

static void test_hex(void **state)
{
	uint8_t buf[3];
	size_t len = 9;

	(void)state;
	assert_int_equal(parse_hex("00aBfF", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(buf, "\x00\xab\xff", 3);
	assert_int_equal(parse_hex("", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(parse_hex("0", buf, sizeof(buf), &len), -EINVAL);
	assert_int_equal(parse_hex("0g", buf, sizeof(buf), &len), -EINVAL);
	assert_int_equal(parse_hex("00000000", buf, sizeof(buf), &len), -ERANGE);
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *text;
		int ret;
		const char *addr;
		unsigned int len;
	} rows[] = {
		{ "10.0.0.1", 0, "10.0.0.1", 32 },
		{ "10.0.0.1/8", 0, "10.0.0.1", 8 },
		{ "10.0.0.1/0", 0, "10.0.0.1", 0 },
		{ "10.0.0.1/32", 0, "10.0.0.1", 32 },
		{ "10.0.0.1/255.255.0.0", 0, "10.0.0.1", 16 },
		{ "10.0.0.1/0.0.0.0", 0, "10.0.0.1", 0 },
		{ "2001:db8::/32", 0, "2001:db8::", 32 },
		{ "::1", 0, "::1", 128 },
		{ "10.0.0.1/33", -ERANGE, NULL, 0 },
		{ "::1/129", -ERANGE, NULL, 0 },
		{ "10.0.0.1/", -EINVAL, NULL, 0 },
		{ "/8", -EINVAL, NULL, 0 },
		{ "10.0.0.1/255.0.255.0", -EINVAL, NULL, 0 },
		{ "::1/255.0.0.0", -EINVAL, NULL, 0 },
		{ "10.0.0.1/8/8", -EINVAL, NULL, 0 },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/4", -EINVAL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr a = {0}, want;
		uint8_t len = 99;

		assert_int_equal(parse_prefix(rows[i].text, &a, &len), rows[i].ret);
		if (rows[i].ret)
			continue;
		assert_int_equal(ip_addr_parse(rows[i].addr, &want), 0);
		assert_true(ip_addr_is_equal(&a, &want));
		assert_int_equal(len, rows[i].len);
	}
}

static void test_masks(void **state)
{
	struct ip_addr mask, want;
	uint8_t len;

	(void)state;
	assert_int_equal(parse_mask("255.0.255.0", AF_INET, &mask), 0);
	want = ip_addr_v4(0xff00ff00);
	assert_true(ip_addr_is_equal(&mask, &want));
	assert_int_equal(mask_to_prefix(&mask, &len), -EINVAL);
	assert_int_equal(parse_mask("12", AF_INET, &mask), 0);
	want = ip_addr_v4(0xfff00000);
	assert_true(ip_addr_is_equal(&mask, &want));
	assert_int_equal(mask_to_prefix(&mask, &len), 0);
	assert_int_equal(len, 12);
	assert_int_equal(parse_mask("65", AF_INET6, &mask), 0);
	assert_int_equal(mask_to_prefix(&mask, &len), 0);
	assert_int_equal(len, 65);
	assert_int_equal(parse_mask("255.0.0.0", AF_INET6, &mask), -EINVAL);
	assert_int_equal(parse_mask("x", AF_INET, &mask), -EINVAL);
	assert_int_equal(mask_to_prefix(&(struct ip_addr){0}, &len), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_ranges_and_hex_numbers),
		cmocka_unit_test(test_bool),	cmocka_unit_test(test_hex),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_masks),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
