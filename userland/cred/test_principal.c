// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cred/principal.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* char16_t literals are little-endian on the machines that we know. */
#define UTF16(literal) ((struct bytes){ (const uint8_t *)(u"" literal), sizeof(u"" literal) - 2 })

static void test_is_host(void **state)
{
	static const char *const good[] = {
		"hq-res-wrk-01$@RESKIT.COM",
		"host_a.b$@R",
		"host/host-a.example.test@EXAMPLE.TEST",
		"host$@EXAMPLE.TEST",
		"host/a@r",
		"k\xc3\xbc" "che$@EXAMPLE.TEST",
		"\xf0\x9f\x90\xa7$@EXAMPLE.TEST",
	};
	static const char *const bad[] = {
		"", "@", "$@", "$@R", "a$@", "a$", "a@R", "a$R", "alice@EXAMPLE.TEST",
		"host/a", "host/@R", "host/a@", "host/a$@R", "host/a/b@R", "http/a@R", "HOST/a@R",
		"a$b$@R", "a$@R@S", "a$@R/S", "a b$@R", "a\\$@R", "a\\@b$@R", "a\n$@R", "a\x7f$@R",
		"a$@R\n", "a$@R ", "a$@R,S", "a/b$@R", "\"a$@R", "a$@\xc3\xbc",
		"host/k\xc3\xbc" "che@R",
		/* not UTF-8: cut off, too long for what it says, a surrogate, beyond the last */
		"a\xc3$@R", "a\xc3", "a\x80$@R", "a\xc1\xa1$@R", "a\xe0\x81\xa1$@R",
		"a\xf0\x80\x81\xa1$@R", "a\xed\xa0\x80$@R", "a\xf4\x90\x80\x80$@R", "a\xff$@R",
		/* right to left, no width, no break, line */
		"a\xe2\x80\xae$@R", "a\xe2\x80\x8b$@R", "a\xc2\xa0$@R", "a\xe2\x80\xa8$@R",
		"krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
		"WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS",
	};

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		if (!principal_is_host(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < N(bad); i++)
		if (principal_is_host(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void test_length(void **state)
{
	char text[PRINCIPAL_SIZE + 8];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + IKE_GSS_NAME_MAX_LEN - 3, "$@R", 4);
	assert_true(principal_is_host(text));
	memset(text, 'a', sizeof(text));
	memcpy(text + IKE_GSS_NAME_MAX_LEN - 2, "$@R", 4);
	assert_false(principal_is_host(text));
}

static void expect(struct bytes name, int r, const char *wanted)
{
	char text[PRINCIPAL_SIZE] = "untouched";

	assert_int_equal(principal_from_utf16(name, text), r);
	assert_string_equal(text, r == 0 ? wanted : "untouched");
}

static void test_utf16(void **state)
{
	uint8_t lone[] = { 'a', 0, 0x3d, 0xd8, '$', 0, '@', 0, 'R', 0 };
	uint8_t reversed[] = { 0x27, 0xdc, 0x3d, 0xd8, '$', 0, '@', 0, 'R', 0 };
	uint8_t big_endian[] = { 0, 'a', 0, '$', 0, '@', 0, 'R' };
	uint16_t many[300];

	(void)state;
	expect(UTF16("host-a$@EXAMPLE.TEST"), 0, "host-a$@EXAMPLE.TEST");
	expect(UTF16("host/a.b@R"), 0, "host/a.b@R");
	expect(UTF16("k\u00fcche$@R"), 0, "k\xc3\xbc" "che$@R");
	expect(UTF16("\u20ac$@R"), 0, "\xe2\x82\xac$@R");
	expect(UTF16("\U0001f427$@R"), 0, "\xf0\x9f\x90\xa7$@R");
	expect((struct bytes){ NULL, 0 }, -EINVAL, NULL);
	expect(UTF16("alice@R"), -EINVAL, NULL);
	expect(UTF16("a$@R\0"), -EINVAL, NULL);
	expect(UTF16("a\0$@R"), -EINVAL, NULL);
	expect(UTF16("\u202ea$@R"), -EINVAL, NULL);
	expect((struct bytes){ lone, sizeof(lone) }, -EINVAL, NULL);
	expect((struct bytes){ reversed, sizeof(reversed) }, -EINVAL, NULL);
	expect((struct bytes){ big_endian, sizeof(big_endian) }, -EINVAL, NULL);
	expect((struct bytes){ lone, 3 }, -EINVAL, NULL);
	expect((struct bytes){ lone, 1 }, -EINVAL, NULL);
	for (size_t i = 0; i < N(many); i++)
		many[i] = 0x20ac;
	expect((struct bytes){ (uint8_t *)many, sizeof(many) }, -ENAMETOOLONG, NULL);
}

static void test_realms(void **state)
{
	(void)state;
	assert_true(principal_is_in_realms("a$@A.TEST", ""));
	assert_true(principal_is_in_realms("a$@A.TEST", "A.TEST"));
	assert_true(principal_is_in_realms("a$@A.TEST", "B.TEST,a.test"));
	assert_true(principal_is_in_realms("a$@A.TEST", "B.TEST, A.TEST , C"));
	assert_false(principal_is_in_realms("a$@A.TEST", "B.TEST"));
	assert_false(principal_is_in_realms("a$@A.TEST", "A.TES"));
	assert_false(principal_is_in_realms("a$@A.TEST", "A.TEST.EVIL,XA.TEST"));
	assert_false(principal_is_in_realms("a$@A.TEST", ","));
	assert_false(principal_is_in_realms("a$", "A.TEST"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_host),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_realms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
