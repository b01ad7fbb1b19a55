// SPDX-License-Identifier: MIT
/* Identities of both phases, and the selectors that those of quick mode are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "ike/engine.h"
#include "ike/ident.h"

static uint8_t scratch[8192];

static struct bytes hex(const char *text)
{
	size_t len;

	assert_int_equal(parse_hex(text, scratch, sizeof(scratch), &len), 0);
	return (struct bytes){ scratch, len };
}

static void test_phase_1_identities(void **state)
{
	static const struct {
		const char *body;
		int ret;
	} rows[] = {
		{ "01000000c0000201", 0 },
		{ "011101f4c0000201", 0 },	/* UDP 500 */
		{ "01111194c0000201", 0 },	/* UDP 4500 */
		{ "05000000" "20010db8000000000000000000000001", 0 },
		{ "01110035c0000201", -EINVAL },
		{ "010601f4c0000201", -EINVAL },
		{ "01000001c0000201", -EINVAL },
		{ "01000000c00002", -EBADMSG },
		{ "01000000c000020101", -EBADMSG },
		{ "0100000020010db8000000000000000000000001", -EBADMSG },
		{ "05000000c0000201", -EBADMSG },
		{ "02000000c0000201", -EINVAL },	/* FQDN */
		{ "04000000c0000201ffffffff", -EINVAL },
		{ "01000000", -EBADMSG },
		{ "fa000000c0000201", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr;
		struct ident id;

		assert_int_equal(ident_parse(hex(rows[i].body), &id), 0);
		if (ident_phase1_addr(&id, &addr) != rows[i].ret)
			fail_msg("row %zu", i);
	}
	assert_int_equal(ident_parse(hex("010000"), &(struct ident){0}), -EBADMSG);
}

static void test_phase_2_identities(void **state)
{
	static const struct {
		const char *body;
		int ret;
		const char *addr;
		unsigned int prefix;
	} rows[] = {
		{ "01000000c0000201", 0, "192.0.2.1", 32 },
		{ "04000000c0000201ffffff00", 0, "192.0.2.0", 24 },
		{ "040000000000000000000000", 0, "0.0.0.0", 0 },
		{ "07000000c0000200c00002ff", 0, "192.0.2.0", 24 },
		{ "07000000c0000201c0000201", 0, "192.0.2.1", 32 },
		{ "0700000000000000ffffffff", 0, "0.0.0.0", 0 },
		{ "05000000"
		  "20010db8000000000000000000000001",
		  0, "2001:db8::1", 128 },
		{ "06000000"
		  "20010db8000000000000000000000001"
		  "ffffffff000000000000000000000000",
		  0, "2001:db8::", 32 },
		{ "08000000"
		  "20010db8000000000000000000000000"
		  "20010db8ffffffffffffffffffffffff",
		  0, "2001:db8::", 32 },
		{ "04000000c0000201ff00ff00", -EINVAL, NULL, 0 }, /* not contiguous */
		{ "07000000c0000201c0000207", -EINVAL, NULL, 0 }, /* odd range */
		{ "07000000c00002ffc0000200", -EINVAL, NULL, 0 }, /* backwards */
		{ "04000000c0000201ffffff", -EBADMSG, NULL, 0 },
		{ "04000000c0000201ffffff0000", -EBADMSG, NULL, 0 },
		{ "01000000", -EBADMSG, NULL, 0 },
		{ "02000000"
		  "6578616d706c65",
		  -EINVAL, NULL, 0 }, /* FQDN as a selector */
		{ "09000000"
		  "3000",
		  -EINVAL, NULL, 0 },
		{ "00000000c0000201", -EINVAL, NULL, 0 },
		{ "ff000000c0000201", -EINVAL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr, want;
		struct ident id;
		uint8_t prefix;
		int ret;

		assert_int_equal(ident_parse(hex(rows[i].body), &id), 0);
		ret = ident_phase2_net(&id, &addr, &prefix);
		if (ret != rows[i].ret)
			fail_msg("row %zu: %d", i, ret);
		if (ret)
			continue;
		assert_int_equal(ip_addr_parse(rows[i].addr, &want), 0);
		assert_true(ip_addr_is_equal(&addr, &want));
		assert_int_equal(prefix, rows[i].prefix);
	}
}

/* A selector written by one side is the mirrored one on the other. */
static void test_selectors(void **state)
{
	struct ike_selector s = { .local_prefix = 24, .remote_prefix = 32, .protocol = 6,
				  .remote_port = 445 }, t;
	uint8_t a[64], b[64];
	struct writer wa = writer_make(a, sizeof(a)), wb = writer_make(b, sizeof(b));
	struct bytes ci, cr;

	(void)state;
	assert_int_equal(ip_addr_parse("10.0.1.0", &s.local), 0);
	assert_int_equal(ip_addr_parse("192.0.2.2", &s.remote), 0);
	ident_write_selector(&wa, &s, true);
	ident_write_selector(&wb, &s, false);
	ci = (struct bytes){ a, wa.len };
	cr = (struct bytes){ b, wb.len };
	assert_int_equal(ident_selector(ci, cr, true, &t), 0);
	assert_true(ident_selector_is_equal(&s, &t));
	assert_int_equal(ident_selector(ci, cr, false, &t), 0);
	assert_true(ip_addr_is_equal(&t.local, &s.remote));
	assert_int_equal(t.local_port, 445);
	assert_int_equal(t.remote_prefix, 24);
	/* Another protocol on one side; ports without a protocol; families mixed. */
	a[1] = 17;
	assert_int_equal(ident_selector(ci, cr, true, &t), -EINVAL);
	a[1] = b[1] = 0;
	assert_int_equal(ident_selector(ci, cr, true, &t), -EINVAL);
	b[2] = b[3] = 0;
	assert_int_equal(ident_selector(ci, cr, true, &t), 0);
	wb = writer_make(b, sizeof(b));
	assert_int_equal(ip_addr_parse("2001:db8::2", &s.remote), 0);
	s.remote_prefix = 128;
	s.protocol = 0;
	s.remote_port = 0;
	ident_write_selector(&wb, &s, false);
	cr.len = wb.len;
	assert_int_equal(ident_selector(ci, cr, true, &t), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "identities of phase 1", test_phase_1_identities, NULL, NULL, NULL },
		{ "identities of phase 2", test_phase_2_identities, NULL, NULL, NULL },
		{ "selectors", test_selectors, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("identities", tests, NULL, NULL);
}
