// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ike/engine.h"
#include "link/keylog.h"

static void test_main_mode(void **state)
{
	struct ike_keylog log = { .kind = IKE_KEYLOG_MM,
				  .cipher_key = (const uint8_t *)"\x01\x02\xfe\xff",
				  .cipher_key_len = 4 };
	char buf[LINK_KEYLOG_MAX_LEN];
	const char *file = NULL;
	int n;

	(void)state;
	memcpy(&log.icookie, "\x8f\x00\x11\x22\x33\x44\x55\x66", 8);
	n = link_keylog_format(&log, buf, sizeof(buf), &file);
	assert_string_equal(buf, "8f00112233445566,0102feff\n");
	assert_int_equal(n, strlen(buf));
	assert_string_equal(file, "ikev1_decryption_table");
	log.cipher_key_len = 0;
	assert_int_equal(link_keylog_format(&log, buf, sizeof(buf), &file), -EINVAL);
}

static struct ike_sa_install make_install(void)
{
	struct ike_sa_install i = {
		.directions = IKE_DIRECTION_IN | IKE_DIRECTION_OUT,
		.path = { .local = ip_addr_v4(0xc0000201), .remote = ip_addr_v4(0xc0000202) },
		.suites = { { .suite = { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 128,
					 IKE_HASH_SHA1 },
			      .spi_in = 0x100, .spi_out = 0xfffffffe } },
		.n_suites = 1,
	};

	i.suites[0].in = (struct ike_keys){ { 0xaa }, 1, { 0xbb, 0xbc }, 2 };
	i.suites[0].out = (struct ike_keys){ { 0xcc }, 1, { 0xdd }, 1 };
	return i;
}

static void test_quick_mode(void **state)
{
	struct ike_sa_install i = make_install();
	struct ike_keylog log = { .kind = IKE_KEYLOG_QM, .install = &i };
	char buf[LINK_KEYLOG_MAX_LEN];
	const char *file = NULL;

	(void)state;
	assert_true(link_keylog_format(&log, buf, sizeof(buf), &file) > 0);
	assert_string_equal(buf,
		"\"IPv4\",\"192.0.2.2\",\"192.0.2.1\",\"0x00000100\","
		"\"AES-CBC [RFC3602]\",\"0xaa\","
		"\"HMAC-SHA-1-96 [RFC2404]\",\"0xbbbc\"\n"
		"\"IPv4\",\"192.0.2.1\",\"192.0.2.2\",\"0xfffffffe\","
		"\"AES-CBC [RFC3602]\",\"0xcc\","
		"\"HMAC-SHA-1-96 [RFC2404]\",\"0xdd\"\n");
	assert_string_equal(file, "esp_sa");
	i.directions = IKE_DIRECTION_OUT;
	assert_true(link_keylog_format(&log, buf, sizeof(buf), &file) > 0);
	assert_null(strstr(buf, "0x00000100"));
	log.install = NULL;
	assert_int_equal(link_keylog_format(&log, buf, sizeof(buf), &file), -EINVAL);
}

static void test_gcm_null_and_ah(void **state)
{
	struct ike_sa_install i = make_install();
	struct ike_keylog log = { .kind = IKE_KEYLOG_QM, .install = &i };
	char buf[LINK_KEYLOG_MAX_LEN];
	const char *file = NULL;

	(void)state;
	i.directions = IKE_DIRECTION_IN;
	i.path.local = (struct ip_addr){ AF_INET6, { 0x20, 1, 0xd, 0xb8 } };
	i.path.remote = (struct ip_addr){ AF_INET6, { 0x20, 1, 0xd, 0xb8, [15] = 2 } };
	i.suites[0].suite = (struct ike_suite){ IKE_PROTOCOL_ESP, IKE_CIPHER_AES_GCM_16, 256,
						IKE_HASH_NONE };
	i.suites[0].in = (struct ike_keys){ { 1, 2, 3 }, 3, { 0 }, 0 };
	assert_true(link_keylog_format(&log, buf, sizeof(buf), &file) > 0);
	assert_string_equal(buf, "\"IPv6\",\"2001:db8::2\",\"2001:db8::\",\"0x00000100\","
			    "\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x010203\",\"NULL\",\"\"\n");
	i.suites[0].suite = (struct ike_suite){ IKE_PROTOCOL_ESP, IKE_CIPHER_NULL, 0,
						IKE_HASH_SHA512 };
	i.suites[0].in = (struct ike_keys){ { 0 }, 0, { 9 }, 1 };
	assert_true(link_keylog_format(&log, buf, sizeof(buf), &file) > 0);
	assert_non_null(strstr(buf, "\"NULL\",\"\",\"HMAC-SHA-512-256 [RFC4868]\",\"0x09\"\n"));
	i.suites[0].suite.protocol = IKE_PROTOCOL_AH;
	assert_int_equal(link_keylog_format(&log, buf, sizeof(buf), &file), 0);
}

/* Nothing half-written is left behind. */
static void test_no_room(void **state)
{
	struct ike_sa_install i = make_install();
	struct ike_keylog log = { .kind = IKE_KEYLOG_QM, .install = &i };
	const char *file = NULL;
	char buf[200];

	(void)state;
	for (size_t size = 1; size < sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		assert_int_equal(link_keylog_format(&log, buf, size, &file), -ENOBUFS);
		for (size_t n = 0; n < size; n++)
			assert_int_equal(buf[n], 0);
		assert_int_equal(buf[size], 'x');
	}
	assert_null(file);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_main_mode),
		cmocka_unit_test(test_quick_mode),
		cmocka_unit_test(test_gcm_null_and_ah),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
