// SPDX-License-Identifier: MIT
/* Small parts of the engine: admission, hash table, secret memory, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/admission.h"
#include "ike/alg.h"
#include "ike/crypto.h"
#include "ike/engine.h"
#include "ike/reason.h"
#include "ike/secret.h"
#include "ike/table.h"

static struct admission *new_admission(void)
{
	struct admission *a = malloc(sizeof(*a));
	uint8_t seed[48];

	assert_non_null(a);
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	admission_init(a, seed);
	return a;
}

static void test_token_buckets(void **state)
{
	struct admission *a = new_admission();
	struct ip_addr x = ip_addr_v4(0x0a000001), y = ip_addr_v4(0x0a000002);
	uint64_t now = 5000;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_true(admission_allow_mm1(a, now, &x));
	assert_false(admission_allow_mm1(a, now, &x));
	assert_true(admission_allow_mm1(a, now, &y));
	assert_false(admission_allow_mm1(a, now + 99, &x));
	assert_true(admission_allow_mm1(a, now + 100, &x));
	assert_false(admission_allow_mm1(a, now + 100, &x));
	for (int i = 0; i < 3; i++)
		assert_true(admission_allow_notify(a, now + 100, &x));
	assert_false(admission_allow_notify(a, now + 100, &x));
	assert_true(admission_allow_notify(a, now + 1100, &x));
	assert_false(admission_allow_notify(a, now + 1100, &x));
	/* However long it was quiet, the burst is no larger. */
	now += 1000000;
	for (int i = 0; i < 20; i++)
		assert_true(admission_allow_mm1(a, now, &x));
	assert_false(admission_allow_mm1(a, now, &x));
	free(a);
}

/* A million sources: the table stays as it is, and one that is in use keeps its bucket. */
static void test_bucket_table_is_bounded(void **state)
{
	struct admission *a = new_admission();
	struct ip_addr x = ip_addr_v4(0x0a000001);
	unsigned int n_allowed = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000000; i++) {
		struct ip_addr from = ip_addr_v4(0x0b000000 + i);

		assert_true(admission_allow_mm1(a, 1000, &from));
		if (!(i % 100))
			n_allowed += admission_allow_mm1(a, 1000, &x);
	}
	/* Pushed out now and then at most. */
	assert_in_range(n_allowed, 20, 10000);
	free(a);
}

static void test_cookies(void **state)
{
	struct admission *a = new_admission();
	struct ike_path path = { .local = ip_addr_v4(1), .remote = ip_addr_v4(2),
				 .local_port = 500, .remote_port = 500 }, other;
	uint8_t icookie[8] = { 1, 2, 3 }, cookie[8], again[8], zero[8] = {0};
	uint64_t now = 150000 * 10 + 5;

	(void)state;
	assert_int_equal(admission_cookie(a, now, &path, icookie, cookie), 0);
	assert_int_equal(admission_cookie(a, now + 1000, &path, icookie, again), 0);
	assert_memory_equal(cookie, again, 8);
	assert_memory_not_equal(cookie, zero, 8);
	assert_true(admission_is_cookie_valid(a, now, &path, icookie, cookie));
	/* The previous secret is good, the one before is not. */
	assert_true(admission_is_cookie_valid(a, now + 150000, &path, icookie, cookie));
	assert_false(admission_is_cookie_valid(a, now + 300000, &path, icookie, cookie));
	assert_int_equal(admission_cookie(a, now + 150000, &path, icookie, again), 0);
	assert_memory_not_equal(cookie, again, 8);
	/* Everything that it covers matters. */
	other = path;
	other.remote_port = 501;
	assert_false(admission_is_cookie_valid(a, now, &other, icookie, cookie));
	other = path;
	other.remote = ip_addr_v4(3);
	assert_false(admission_is_cookie_valid(a, now, &other, icookie, cookie));
	other = path;
	other.local = ip_addr_v4(3);
	assert_false(admission_is_cookie_valid(a, now, &other, icookie, cookie));
	icookie[7] ^= 1;
	assert_false(admission_is_cookie_valid(a, now, &path, icookie, cookie));
	/* And so does the secret. */
	icookie[7] ^= 1;
	a->secret[0] ^= 1;
	assert_false(admission_is_cookie_valid(a, now, &path, icookie, cookie));
	free(a);
}

struct item {
	struct table_node node;
	unsigned int value;
};

/* Many entries with few hashes, random adds and removes, against an array of flags. */
static void test_table(void **state)
{
	enum { N = 2000 };
	struct item *items = calloc(N, sizeof(*items));
	bool *is_in = calloc(N, sizeof(*is_in));
	struct table table = {0};
	size_t n = 0;

	(void)state;
	assert_null(table_find(&table, 1));
	srand(7);
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int i = (unsigned int)rand() % N;

		items[i].value = i;
		if (is_in[i]) {
			table_remove(&table, &items[i].node);
			table_remove(&table, &items[i].node);
		} else {
			assert_int_equal(table_add(&table, &items[i].node, i % 97), 0);
		}
		is_in[i] = !is_in[i];
	}
	for (unsigned int i = 0; i < N; i++)
		n += is_in[i];
	assert_int_equal(table.n, n);
	for (uint64_t hash = 0; hash < 97; hash++) {
		struct table_node *node = table_find(&table, hash);

		for (; node; node = table_find_next(node)) {
			struct item *item = container_of(node, struct item, node);

			assert_int_equal(item->value % 97, hash);
			assert_true(is_in[item->value]);
			n--;
		}
	}
	assert_int_equal(n, 0);
	table_done(&table);
	free(items);
	free(is_in);
}

/* Blocks come back wiped, and one that is freed is used again. */
static void test_secret_memory(void **state)
{
	static const uint8_t zero[SECRET_BLOCK_LEN];
	uint8_t *blocks[400];

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		blocks[i] = secret_alloc();
		assert_non_null(blocks[i]);
		assert_memory_equal(blocks[i], zero, SECRET_BLOCK_LEN);
		memset(blocks[i], 0xaa, SECRET_BLOCK_LEN);
	}
	for (size_t i = 0; i < 400; i++) {
		assert_int_equal(blocks[i][0], 0xaa);
		assert_null(secret_free(blocks[i]));
		/* Beyond the link of the free list nothing is left of it. */
		assert_memory_equal(blocks[i] + sizeof(void *), zero,
				    SECRET_BLOCK_LEN - sizeof(void *));
	}
	assert_ptr_equal(secret_alloc(), blocks[399]);
	assert_null(secret_free(NULL));
}

static void test_algorithm_tables(void **state)
{
	(void)state;
	assert_string_equal(ike_cipher_name(IKE_CIPHER_AES_CBC, 192), "AES-192");
	assert_string_equal(ike_cipher_name(IKE_CIPHER_AES_GCM_16, 256), "AES-GCM-256");
	assert_string_equal(ike_cipher_name(IKE_CIPHER_AES_CBC, 7), "AES");
	assert_string_equal(ike_cipher_name((enum ike_cipher)99, 0), "?");
	assert_string_equal(ike_hash_name(IKE_HASH_SHA384), "SHA-384");
	assert_string_equal(ike_group_name(14), "MODP 2048");
	assert_string_equal(ike_group_name(3), "?");
	assert_string_equal(ike_auth_name(IKE_AUTH_PSK), "preshared key");
	assert_int_equal(ike_cipher_key_len(IKE_CIPHER_AES_GCM_16, 256), 36);
	assert_int_equal(ike_cipher_key_len(IKE_CIPHER_3DES, 0), 24);
	assert_int_equal(ike_cipher_key_len(IKE_CIPHER_NULL, 0), 0);
	assert_int_equal(ike_hash_len(IKE_HASH_SHA512), 64);
	assert_false(ike_group_is_known(IKE_GROUP_MAIN_MODE));
	assert_false(ike_group_is_known(0));
	assert_true(ike_group_is_known(21));
	assert_string_equal(ike_reason_text(IKE_REASON_NO_RESPONSE), "no response from peer");
	assert_string_equal(ike_reason_text((enum ike_reason)1), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "token buckets", test_token_buckets, NULL, NULL, NULL },
		{ "the table of buckets is bounded", test_bucket_table_is_bounded, NULL, NULL,
		  NULL },
		{ "responder cookies", test_cookies, NULL, NULL, NULL },
		cmocka_unit_test(test_table),
		{ "secret memory", test_secret_memory, NULL, NULL, NULL },
		cmocka_unit_test(test_algorithm_tables),
	};

	if (crypto_init())
		return 1;
	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
