// SPDX-License-Identifier: MIT
/*
 * Every formula of RFC 2409 against negotiations with a live peer, value by value. The files are
 * lists of name=hex; "SA in" and "SA out" lines hold the keys that both sides used for ESP or AH.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/parse.h"
#include "ike/crypto.h"
#include "ike/engine.h"
#include "ike/keys.h"
#include "ike/sa_payload.h"
#include "ike/wire.h"

#define ENTRIES_MAX 48

struct vector {
	struct {
		char name[32];
		uint8_t data[1024];
		size_t len;
	} entries[ENTRIES_MAX];
	size_t n;
	enum ike_hash hash;
	enum ike_cipher cipher;
	unsigned int key_bits;
	char psk[64];
};

static void read_head(struct vector *v, const char *line)
{
	char hash[16], group[16], cipher[16];
	uint32_t key_bits;

	if (sscanf(line, "hash=%15s group=%15s cipher=%15s", hash, group, cipher) != 3)
		return;
	for (int h = IKE_HASH_MD5; h < IKE_HASH_COUNT; h++) {
		static const char *const names[] = { "", "md5", "sha1", "sha256", "sha384",
						     "sha512" };

		if (!strcmp(hash, names[h]))
			v->hash = (enum ike_hash)h;
	}
	if (!strcmp(cipher, "des")) {
		v->cipher = IKE_CIPHER_DES;
	} else if (!strcmp(cipher, "3des")) {
		v->cipher = IKE_CIPHER_3DES;
	} else if (!strncmp(cipher, "aes", 3) && !parse_u32(cipher + 3, &key_bits)) {
		v->cipher = IKE_CIPHER_AES_CBC;
		v->key_bits = key_bits;
	}
}

static void add_entry(struct vector *v, const char *name, const char *hex)
{
	assert_true(v->n < ENTRIES_MAX);
	(void)snprintf(v->entries[v->n].name, sizeof(v->entries[v->n].name), "%s", name);
	assert_int_equal(parse_hex(hex, v->entries[v->n].data, sizeof(v->entries[v->n].data),
				   &v->entries[v->n].len),
			 0);
	v->n++;
}

/* SA in spi=0x14d9dc92 enc=0x85ce... auth=0xf425... */
static void read_sa(struct vector *v, char *line, const char *direction)
{
	char name[32];

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		char *equals = strchr(word, '=');

		if (!equals)
			continue;
		*equals = '\0';
		(void)snprintf(name, sizeof(name), "%s-%s", direction, word);
		add_entry(v, name, equals + 3);
	}
}

static void read_vector(struct vector *v, const char *name)
{
	char path[128], line[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "selftests/golden/ike/%s.txt", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is missing; tests run from the top of the tree", path);
	memset(v, 0, sizeof(*v));
	while (fgets(line, sizeof(line), file)) {
		char *equals = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || !equals)
			continue;
		if (!strncmp(line, "hash=", 5)) {
			read_head(v, line);
		} else if (!strncmp(line, "psk=", 4)) {
			(void)snprintf(v->psk, sizeof(v->psk), "%.63s", line + 4);
		} else if (!strncmp(line, "SA ", 3)) {
			read_sa(v, line, strncmp(line + 3, "in", 2) ? "out" : "in");
		} else {
			*equals = '\0';
			add_entry(v, line, equals + 1);
		}
	}
	fclose(file);
}

static struct bytes get(const struct vector *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!strcmp(v->entries[i].name, name))
			return (struct bytes){ v->entries[i].data, v->entries[i].len };
	}
	fail_msg("no %s in the vector", name);
	return (struct bytes){0};
}

static bool has(const struct vector *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!strcmp(v->entries[i].name, name))
			return true;
	}
	return false;
}

#define ASSERT_VALUE(v, name, value, n)                             \
	do {                                                        \
		struct bytes want_ = get(v, name);                  \
		assert_int_equal(n, want_.len);                     \
		assert_memory_equal(value, want_.data, want_.len);  \
	} while (0)

static uint32_t number(struct bytes b)
{
	struct reader r = reader_from(b);

	return reader_u32(&r);
}

static void check_phase1(const struct vector *v, struct mm_keys *k)
{
	struct mm_transcript t = {
		.cky_i = get(v, "CKY-I"),
		.cky_r = get(v, "CKY-R"),
		.ke_i = get(v, "g^xi"),
		.ke_r = get(v, "g^xr"),
		.sai_b = get(v, "SAi_b"),
	};
	size_t len = ike_hash_len(v->hash), block = ike_cipher_block_len(v->cipher);
	struct bytes psk = { (const uint8_t *)v->psk, strlen(v->psk) };
	uint8_t iv[IKE_BLOCK_MAX_LEN], hash[IKE_HASH_MAX_LEN];

	assert_int_equal(keys_skeyid_psk(v->hash, psk, get(v, "Ni_b"), get(v, "Nr_b"), k->skeyid),
			 0);
	ASSERT_VALUE(v, "SKEYID", k->skeyid, len);
	assert_int_equal(keys_derive(k, v->hash, v->cipher, v->key_bits, get(v, "g^xy"), t.cky_i,
				     t.cky_r),
			 0);
	ASSERT_VALUE(v, "SKEYID_d", k->skeyid_d, len);
	ASSERT_VALUE(v, "SKEYID_a", k->skeyid_a, len);
	ASSERT_VALUE(v, "SKEYID_e", k->skeyid_e, len);
	ASSERT_VALUE(v, "Ka", k->ka, k->ka_len);
	assert_int_equal(keys_phase1_iv(k, &t, iv), 0);
	ASSERT_VALUE(v, "IV", iv, block);
	assert_int_equal(keys_hash_ir(k, k->hash, &t, true, get(v, "IDii_b"), hash), 0);
	ASSERT_VALUE(v, "HASH_I", hash, len);
	assert_int_equal(keys_hash_ir(k, k->hash, &t, false, get(v, "IDir_b"), hash), 0);
	ASSERT_VALUE(v, "HASH_R", hash, len);
}

/* The nonce is the second payload after HASH in both messages. */
static struct bytes nonce_of(const struct vector *v, const char *name)
{
	struct wire_message m;

	assert_int_equal(wire_parse_payloads(WIRE_PAYLOAD_SA, get(v, name), false, &m), 0);
	assert_int_equal(m.payloads[1].type, WIRE_PAYLOAD_NONCE);
	return m.payloads[1].body;
}

static uint8_t protocol_of(const struct vector *v)
{
	struct sa_payload sa;
	struct wire_message m;

	assert_int_equal(wire_parse_payloads(WIRE_PAYLOAD_SA, get(v, "QM1_after_HASH"), false, &m),
			 0);
	assert_int_equal(sa_payload_parse(m.payloads[0].body, &sa), 0);
	return sa.proposals[0].protocol;
}

static void check_keymat(const struct vector *v, const struct mm_keys *k, const char *direction)
{
	struct bytes gxy = has(v, "g(qm)^xy") ? get(v, "g(qm)^xy") : (struct bytes){0};
	char spi[16], enc[16], auth[16];
	uint8_t keymat[128];
	struct bytes e, a;

	(void)snprintf(spi, sizeof(spi), "%s-spi", direction);
	(void)snprintf(enc, sizeof(enc), "%s-enc", direction);
	(void)snprintf(auth, sizeof(auth), "%s-auth", direction);
	e = get(v, enc);
	a = get(v, auth);
	assert_int_equal(keys_keymat(k, protocol_of(v), number(get(v, spi)), gxy,
				     nonce_of(v, "QM1_after_HASH"), nonce_of(v, "QM2_after_HASH"),
				     keymat, e.len + a.len),
			 0);
	assert_memory_equal(keymat, e.data, e.len);
	assert_memory_equal(keymat + e.len, a.data, a.len);
}

static void check_phase2(const struct vector *v, const struct mm_keys *k)
{
	struct bytes ni = nonce_of(v, "QM1_after_HASH"), nr = nonce_of(v, "QM2_after_HASH");
	size_t len = ike_hash_len(v->hash), block = ike_cipher_block_len(v->cipher);
	uint32_t mid = number(get(v, "M-ID"));
	uint8_t iv[IKE_BLOCK_MAX_LEN], hash[IKE_HASH_MAX_LEN];

	assert_int_equal(keys_phase2_iv(k, get(v, "last_phase1_block").data, mid, iv), 0);
	ASSERT_VALUE(v, "IV_qm", iv, block);
	assert_int_equal(keys_hash1(k, mid, get(v, "QM1_after_HASH"), hash), 0);
	ASSERT_VALUE(v, "HASH(1)", hash, len);
	assert_int_equal(keys_hash2(k, mid, ni, get(v, "QM2_after_HASH"), hash), 0);
	ASSERT_VALUE(v, "HASH(2)", hash, len);
	assert_int_equal(keys_hash3(k, mid, ni, nr, hash), 0);
	ASSERT_VALUE(v, "HASH(3)", hash, len);
	check_keymat(v, k, "in");
	check_keymat(v, k, "out");
}

static void test_vector(void **state)
{
	static struct vector v;
	struct mm_keys k;

	read_vector(&v, *state);
	assert_int_not_equal(v.hash, IKE_HASH_NONE);
	assert_int_not_equal(v.cipher, IKE_CIPHER_NONE);
	check_phase1(&v, &k);
	check_phase2(&v, &k);
}

#define VECTOR(title, file)                                           \
	{                                                             \
		.name = (title), .test_func = test_vector,            \
		.initial_state = (char *)(file)                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VECTOR("K12 K13 formulas: DES, MD5, MODP 768, ESP DES", "des-md5-modp768"),
		VECTOR("K12 K13 formulas: 3DES, SHA-1, MODP 1024, ESP 3DES", "3des-sha1-modp1024"),
		VECTOR("formulas: AES-256, SHA-1, MODP 2048, ESP AES", "aes256-sha1-modp2048"),
		VECTOR("K18 formulas: AES-128, SHA-256, ECP 256, PFS, ESP AES-GCM",
		       "aes128-sha256-ecp256-pfs"),
		VECTOR("formulas: AES-256, SHA-384, ECP 384, AH SHA-256",
		       "aes256-sha384-ecp384-ah"),
	};

	if (crypto_init())
		return 1;
	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
