// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cred/secrets.h"
#include "link/messages.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* Rules with one key each; the keys' structs live as long as the test program. */
static struct link_credential_rule make(const char *local, const char *remote, const char *secret)
{
	static struct link_credential keys[64];
	static size_t n_keys;
	struct link_credential *key = &keys[n_keys++ % N(keys)];
	struct link_credential_rule s = { .methods = key, .n_methods = 1 };

	*key = (struct link_credential){ .value = (uint8_t *)secret, .value_len = strlen(secret) };

	if (local)
		assert_int_equal(parse_prefix(local, &s.local, &s.local_prefix), 0);
	if (remote)
		assert_int_equal(parse_prefix(remote, &s.remote, &s.remote_prefix), 0);
	return s;
}

static int skeyid(const struct secrets *secrets, const char *local, const char *remote,
		  enum ike_hash hash, struct link_skeyid *ret)
{
	struct ike_psk_request request = { .hash = hash, .ni = (const uint8_t *)"nonce of i",
					   .ni_len = 10, .nr = (const uint8_t *)"nonce of r!",
					   .nr_len = 11 };

	assert_int_equal(ip_addr_parse(local, &request.path.local), 0);
	assert_int_equal(ip_addr_parse(remote, &request.path.remote), 0);
	return secrets_skeyid(secrets, &request, ret);
}

/* RFC 2409, section 5, by OpenSSL's one-shot function. */
static void expect(const struct secrets *secrets, const char *local, const char *remote,
		   const char *secret)
{
	static const struct {
		enum ike_hash hash;
		const char *name;
	} hashes[] = { { IKE_HASH_MD5, "MD5" }, { IKE_HASH_SHA1, "SHA1" },
		       { IKE_HASH_SHA256, "SHA256" }, { IKE_HASH_SHA384, "SHA384" },
		       { IKE_HASH_SHA512, "SHA512" } };

	for (size_t i = 0; i < N(hashes); i++) {
		uint8_t wanted[EVP_MAX_MD_SIZE];
		struct link_skeyid got = { 0 };
		unsigned int len = 0;

		assert_non_null(HMAC(EVP_get_digestbyname(hashes[i].name), secret,
				     (int)strlen(secret),
				     (const uint8_t *)"nonce of inonce of r!", 21, wanted, &len));
		assert_int_equal(skeyid(secrets, local, remote, hashes[i].hash, &got), 0);
		assert_int_equal(got.len, len);
		assert_memory_equal(got.bytes, wanted, len);
	}
}

static void replace(struct secrets *secrets, struct link_credential_rule *items, size_t n)
{
	assert_int_equal(secrets_replace(secrets, &(struct link_credentials){ items, n, 0, NULL, NULL }), 0);
	assert_int_equal(secrets_count(secrets), n);
}

/* A hundred thousand pairs with one key: it is there once. */
static void test_shared_key(void **state)
{
	enum { PAIRS = 100000 };
	struct link_credential_rule *items = calloc(PAIRS + 1, sizeof(*items));
	struct secrets *secrets = secrets_new();

	(void)state;
	assert_non_null(items);
	items[0] = make(NULL, "10.0.0.0", "shared");
	for (uint32_t i = 1; i < PAIRS; i++)
		items[i] = (struct link_credential_rule){ .remote = ip_addr_v4(0x0a000000 + i),
							  .remote_prefix = 32, .same_as = 1 };
	items[PAIRS] = make(NULL, "10.9.0.0/16", "own");
	replace(secrets, items, PAIRS + 1);
	expect(secrets, "10.0.0.1", "10.0.0.0", "shared");
	expect(secrets, "10.0.0.1", "10.1.134.159", "shared");
	expect(secrets, "10.0.0.1", "10.9.1.1", "own");
	free(items);
	assert_null(secrets_free(secrets));
}

/* The most specific rule is the one that counts, also when it has no key. */
static void test_rule_without_key(void **state)
{
	struct secrets *secrets = secrets_new();
	struct link_credential kerberos = { .kind = LINK_CREDENTIAL_KERBEROS };
	struct link_credential_rule items[] = {
		make(NULL, "10.0.0.0/24", "wide"),
		{ .remote = ip_addr_v4(0x0a000002), .remote_prefix = 32, .methods = &kerberos,
		  .n_methods = 1 },
	};
	struct link_skeyid got;

	(void)state;
	replace(secrets, items, N(items));
	expect(secrets, "10.0.0.1", "10.0.0.3", "wide");
	assert_int_equal(skeyid(secrets, "10.0.0.1", "10.0.0.2", IKE_HASH_SHA1, &got), -ENOENT);
	assert_null(secrets_free(secrets));
}

static void test_most_specific(void **state)
{
	struct link_credential_rule items[] = {
		make(NULL, NULL, "anybody"),
		make(NULL, "192.0.2.0/24", "net"),
		make(NULL, "192.0.2.7", "host"),
		make("198.51.100.1", "192.0.2.0/24", "net from one"),
		make("198.51.100.1", "192.0.2.7", "host from one"),
		make("198.51.100.0/24", "192.0.2.7", "host from net"),
		make(NULL, "2001:db8::/32", "v6 net"),
		make(NULL, "192.0.2.7", "host again"),
	};
	struct secrets *secrets = secrets_new();

	(void)state;
	assert_non_null(secrets);
	/* in any order of the list */
	for (size_t round = 0; round < N(items); round++) {
		struct link_credential_rule first = items[0];

		/* "host" has to stay in front of "host again", its equal */
		replace(secrets, items, N(items));
		expect(secrets, "10.0.0.1", "203.0.113.1", "anybody");
		expect(secrets, "10.0.0.1", "192.0.2.8", "net");
		expect(secrets, "198.51.100.1", "192.0.2.8", "net from one");
		expect(secrets, "198.51.100.1", "192.0.2.7", "host from one");
		expect(secrets, "198.51.100.2", "192.0.2.7", "host from net");
		expect(secrets, "2001:db8::1", "2001:db8::2", "v6 net");
		expect(secrets, "2001:db8::1", "2001:db9::2", "anybody");
		if (round < 2)
			expect(secrets, "10.0.0.1", "192.0.2.7", "host");
		memmove(items, items + 1, sizeof(items) - sizeof(first));
		items[N(items) - 1] = first;
	}
	assert_null(secrets_free(secrets));
}

static void test_none(void **state)
{
	struct link_credential_rule item = make("10.0.0.1", "10.0.0.2", "x");
	struct secrets *secrets = secrets_new();
	struct link_skeyid got = { 0 };

	(void)state;
	assert_false(secrets_is_loaded(secrets));
	assert_int_equal(skeyid(secrets, "10.0.0.1", "10.0.0.2", IKE_HASH_SHA1, &got), -ENOENT);
	replace(secrets, NULL, 0);
	assert_true(secrets_is_loaded(secrets));
	assert_int_equal(skeyid(secrets, "10.0.0.1", "10.0.0.2", IKE_HASH_SHA1, &got), -ENOENT);
	replace(secrets, &item, 1);
	assert_int_equal(skeyid(secrets, "10.0.0.2", "10.0.0.1", IKE_HASH_SHA1, &got), -ENOENT);
	assert_int_equal(skeyid(secrets, "10.0.0.1", "10.0.0.3", IKE_HASH_SHA1, &got), -ENOENT);
	assert_int_equal(skeyid(secrets, "::1", "::2", IKE_HASH_SHA1, &got), -ENOENT);
	assert_int_equal(got.len, 0);
	assert_null(secrets_free(secrets));
	assert_null(secrets_free(NULL));
}

/* Whether the bytes are anywhere in our writable memory, this copy aside. */
static bool is_in_memory(const char *reversed)
{
	_cleanup_fclose_ FILE *maps = fopen("/proc/self/maps", "re");
	_cleanup_fclose_ FILE *mem = fopen("/proc/self/mem", "re");
	size_t len = strlen(reversed);
	bool found = false;
	char line[512];

	assert_non_null(maps);
	assert_non_null(mem);
	while (!found && fgets(line, sizeof(line), maps)) {
		unsigned long start, end;
		char mode[5];
		uint8_t *bytes;
		size_t n;

		if (sscanf(line, "%lx-%lx %4s", &start, &end, mode) != 3 || mode[1] != 'w' ||
		    end - start > (64UL << 20))
			continue;
		bytes = malloc(end - start);
		assert_non_null(bytes);
		n = fseeko(mem, (off_t)start, SEEK_SET) == 0 ? fread(bytes, 1, end - start, mem) : 0;
		for (size_t i = 0; !found && i + len <= n; i++) {
			size_t k = 0;

			while (k < len && bytes[i + k] == (uint8_t)reversed[len - 1 - k])
				k++;
			found = k == len;
		}
		wipe(bytes, end - start);
		free(bytes);
	}
	return found;
}

/* The secret is written backwards here, so that nothing but the vault holds it. */
static void test_replaced_secrets_are_wiped(void **state)
{
	static const char reversed[] = "zyxwvutsr-terces-a-fo-etanrac";
	struct secrets *secrets = secrets_new();
	size_t len = strlen(reversed);
	uint8_t *text = malloc(len);
	struct link_credential key = { .value = text, .value_len = len };
	struct link_credential_rule item = { .methods = &key, .n_methods = 1 };

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = (uint8_t)reversed[len - 1 - i];
	assert_true(is_in_memory(reversed));
	replace(secrets, &item, 1);
	text = wipe_free(text, len);
	assert_true(is_in_memory(reversed));
	item = make(NULL, NULL, "new");
	replace(secrets, &item, 1);
	assert_false(is_in_memory(reversed));
	expect(secrets, "10.0.0.1", "10.0.0.2", "new");
	assert_null(secrets_free(secrets));
}

/* What cannot be locked is not taken, and the old list stays. */
static int with_limit(void)
{
	const struct rlimit none = { 0 };
	struct link_credential_rule item = make(NULL, NULL, "old");
	struct secrets *secrets = secrets_new();
	struct link_skeyid before = { 0 }, after = { 0 };

	if (secrets_replace(secrets, &(struct link_credentials){ &item, 1, 0, NULL, NULL }) < 0)
		return 1;
	if (skeyid(secrets, "::1", "::2", IKE_HASH_SHA1, &before) < 0)
		return 2;
	if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (getuid() == 0 && seteuid(65534) < 0))
		return 3;
	item = make(NULL, NULL, "new");
	if (secrets_replace(secrets, &(struct link_credentials){ &item, 1, 0, NULL, NULL }) != -ENOMEM)
		return 4;
	if (skeyid(secrets, "::1", "::2", IKE_HASH_SHA1, &after) < 0)
		return 5;
	return memcmp(&before, &after, sizeof(before)) ? 6 : 0;
}

static void test_no_lockable_memory(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(with_limit());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_specific),
		cmocka_unit_test(test_shared_key),
		{ "K09 a rule without a key has none, whatever others have", test_rule_without_key, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_replaced_secrets_are_wiped),
		cmocka_unit_test(test_no_lockable_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
