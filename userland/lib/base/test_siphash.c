// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

/* Vectors of the reference implementation: key 00..0f, message 00..(len - 1). */
static void test_reference_vectors(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd }, { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 },  { 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
	};
	uint8_t key_bytes[16], message[64];
	struct siphash_key key;

	(void)state;
	for (uint8_t i = 0; i < 64; i++) {
		message[i] = i;
		key_bytes[i % 16] = i % 16;
	}
	key = siphash_key_from_bytes(key_bytes);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(siphash(&key, message, rows[i].len) == rows[i].hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_reference_vectors) };

	return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
