// SPDX-License-Identifier: MIT
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/addr.h"

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_addr_parse(text, &a), 0);
	return a;
}

static void test_parse_and_format(void **state)
{
	static const char *const same[] = { "0.0.0.0", "192.0.2.1", "255.255.255.255", "::",
					    "2001:db8::1", "fe80::1", "::ffff:192.0.2.1" };
	char buf[IP_ADDR_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct ip_addr a = addr(same[i]);

		assert_string_equal(ip_addr_format(&a, buf), same[i]);
	}
	assert_string_equal(ip_addr_format(&(struct ip_addr){0}, buf), "none");
	assert_string_equal(ip_addr_format(&(struct ip_addr){ .family = 99 }, buf), "none");
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"",	    "1.2.3",   "1.2.3.4.5", "1.2.3.256",   " 1.2.3.4",	   "1.2.3.4 ",
		"1.2.3.04", "a.b.c.d", ":::",	    "2001:db8::g", "fe80::1%eth0", "1.2.3.4/24"
	};
	struct ip_addr a = { .family = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ip_addr_parse(bad[i], &a), -EINVAL);
	assert_int_equal(a.family, 77);
	assert_int_equal(ip_addr_from_bytes("abc", 3, &a), -EINVAL);
}

static void test_classes(void **state)
{
	static const struct {
		const char *text;
		bool is_unspecified, is_loopback, is_multicast, is_broadcast, is_link_local;
	} rows[] = {
		{ "0.0.0.0", true, false, false, false, false },
		{ "127.0.0.1", false, true, false, false, false },
		{ "127.255.0.9", false, true, false, false, false },
		{ "224.0.0.1", false, false, true, false, false },
		{ "239.1.2.3", false, false, true, false, false },
		{ "240.0.0.1", false, false, false, false, false },
		{ "255.255.255.255", false, false, false, true, false },
		{ "169.254.3.4", false, false, false, false, true },
		{ "192.0.2.1", false, false, false, false, false },
		{ "::", true, false, false, false, false },
		{ "::1", false, true, false, false, false },
		{ "ff02::1", false, false, true, false, false },
		{ "fe80::1", false, false, false, false, true },
		{ "febf::1", false, false, false, false, true },
		{ "fec0::1", false, false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr a = addr(rows[i].text);

		assert_int_equal(ip_addr_is_unspecified(&a), rows[i].is_unspecified);
		assert_int_equal(ip_addr_is_loopback(&a), rows[i].is_loopback);
		assert_int_equal(ip_addr_is_multicast(&a), rows[i].is_multicast);
		assert_int_equal(ip_addr_is_broadcast(&a), rows[i].is_broadcast);
		assert_int_equal(ip_addr_is_link_local(&a), rows[i].is_link_local);
	}
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *addr, *prefix;
		unsigned int len;
		bool is_in;
	} rows[] = {
		{ "10.1.2.3", "10.0.0.0", 8, true },
		{ "11.1.2.3", "10.0.0.0", 8, false },
		{ "10.1.2.3", "0.0.0.0", 0, true },
		{ "10.1.2.3", "10.1.2.3", 32, true },
		{ "10.1.2.2", "10.1.2.3", 32, false },
		{ "10.1.2.2", "10.1.2.3", 31, true },
		{ "10.1.2.3", "10.1.2.3", 33, false },
		{ "10.1.2.3", "::", 0, false },
		{ "2001:db8::1", "2001:db8::", 64, true },
		{ "2001:db9::1", "2001:db8::", 31, true },
		{ "2001:db9::1", "2001:db8::", 32, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr a = addr(rows[i].addr), p = addr(rows[i].prefix);

		assert_int_equal(ip_addr_is_in_prefix(&a, &p, rows[i].len), rows[i].is_in);
	}
}

static void test_prefix_range(void **state)
{
	struct ip_addr first, last, a = addr("10.1.130.7"), want;

	(void)state;
	assert_int_equal(ip_addr_prefix_range(&a, 17, &first, &last), 0);
	want = addr("10.1.128.0");
	assert_true(ip_addr_is_equal(&first, &want));
	want = addr("10.1.255.255");
	assert_true(ip_addr_is_equal(&last, &want));
	assert_int_equal(ip_addr_prefix_range(&a, 33, &first, &last), -EINVAL);
	a = addr("2001:db8::9");
	assert_int_equal(ip_addr_prefix_range(&a, 0, &first, &last), 0);
	assert_true(ip_addr_is_unspecified(&first));
	want = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_true(ip_addr_is_equal(&last, &want));
}

static void test_sockaddr(void **state)
{
	static const char *const texts[] = { "192.0.2.9", "fe80::9" };
	struct sockaddr_storage sa;
	struct ip_addr a, b;
	uint32_t scope;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		a = addr(texts[i]);
		assert_int_equal(ip_addr_to_sockaddr(&a, 500, 3, &sa),
				 i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		assert_int_equal(ip_addr_from_sockaddr((struct sockaddr *)&sa, &b, &port, &scope),
				 0);
		assert_true(ip_addr_is_equal(&a, &b));
		assert_int_equal(port, 500);
		assert_int_equal(scope, i ? 3 : 0);
	}
	assert_int_equal(ip_addr_to_sockaddr(&(struct ip_addr){0}, 1, 0, &sa), 0);
	sa.ss_family = AF_UNIX;
	assert_int_equal(ip_addr_from_sockaddr((struct sockaddr *)&sa, &b, NULL, NULL),
			 -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_format), cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_classes),		 cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_prefix_range),	 cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
