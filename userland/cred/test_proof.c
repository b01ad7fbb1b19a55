// SPDX-License-Identifier: MIT
/*
 * What a peer may show and what not: chains, identities, signatures, revocation. The peer's side is
 * OpenSSL used directly, or bytes put together by hand.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>

#include "cred/proof.h"
#include "cred/signature.h"
#include "cred/store.h"
#include "cred/test_ca.h"
#include "cred/trust.h"
#include "ike/crypto.h"
#include "link/messages.h"

#define ID_IPV4 1
#define ID_FQDN 2
#define ID_USER_FQDN 3
#define ID_IPV6 5
#define ID_DN 9
#define ID_GN 10

#define HASH_LEN 20
#define CHAIN_LEN 8

static struct test_cert root, sub, other_root, imposter;
static struct store *store;
static struct trust *trust;

static void add_root(const struct test_cert *cert)
{
	store_add(store, STORE_ROOTS, "root.crt", test_cert_pem(cert->cert), false);
}

static int set_up(void **state)
{
	struct link_credential method = { .kind = LINK_CREDENTIAL_CERTIFICATE,
					  .value = (uint8_t *)"CN=Root", .value_len = 7 };
	struct link_credential_rule rule = { .methods = &method, .n_methods = 1 };
	struct link_credentials list = { .rules = &rule, .n_rules = 1 };

	(void)state;
	assert_int_equal(crypto_init(), 0);
	root = test_cert_make(&(struct test_wish){ .subject = "CN=Root", .is_ca = true });
	sub = test_cert_make(&(struct test_wish){ .subject = "CN=Sub", .issuer = &root, .is_ca = true });
	other_root = test_cert_make(&(struct test_wish){ .subject = "CN=Other", .is_ca = true });
	imposter = test_cert_make(&(struct test_wish){ .subject = "CN=Root", .key = "RSA1032",
						       .is_ca = true });
	store = store_new();
	add_root(&root);
	add_root(&other_root);
	trust = trust_new(&list);
	trust_resolve(trust, store);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)trust_free(trust);
	(void)store_free(store);
	test_cert_free(&root);
	test_cert_free(&sub);
	test_cert_free(&other_root);
	test_cert_free(&imposter);
	test_free_all();
	return 0;
}

/* --- the peer ----------------------------------------------------------------------------- */

struct peer {
	struct test_cert cert;
	struct ike_peer_cert certs[IKE_CERTS_MAX];
	struct ike_proof_request request;
	uint8_t signature[IKE_SIGNATURE_MAX_LEN];
};

static void show(struct peer *peer, uint8_t encoding, struct bytes der)
{
	peer->request.certs = peer->certs;
	peer->certs[peer->request.n_certs++] = (struct ike_peer_cert){ encoding, der };
}

static void sign(struct peer *peer, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key, NULL);
	size_t len = sizeof(peer->signature);

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, peer->signature, &len, peer->request.hash,
				       peer->request.hash_len), 1);
	peer->request.signature = (struct bytes){ peer->signature, len };
	EVP_PKEY_CTX_free(ctx);
}

/* A peer that does all as it should, with an RSA certificate. */
static struct peer *peer_new(const struct test_wish *wish)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	assert_non_null(peer);
	peer->cert = test_cert_make(wish);
	peer->request.auth = IKE_AUTH_RSA_SIG;
	peer->request.id_type = ID_DN;
	peer->request.id = test_name_der(peer->cert.cert);
	peer->request.hash_len = HASH_LEN;
	for (size_t i = 0; i < HASH_LEN; i++)
		peer->request.hash[i] = (uint8_t)(3 * i + 1);
	show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(peer->cert.cert));
	if (peer->cert.key && EVP_PKEY_is_a(peer->cert.key, "RSA"))
		sign(peer, peer->cert.key);
	return peer;
}

static void peer_free(struct peer *peer)
{
	test_cert_free(&peer->cert);
	free(peer);
}

static enum ike_reason verdict(const struct peer *peer)
{
	struct proof proof = proof_make(trust_rule(trust, 0), store_intermediates(store),
					&peer->request, time(NULL));
	enum ike_reason reason = proof.reason;

	assert_int_equal(proof.chain != NULL, reason == IKE_REASON_OK);
	assert_int_equal(proof.detail[0] == '\0', reason == IKE_REASON_OK);
	proof_clear(&proof);
	return reason;
}

static void expect(const struct test_wish *wish, enum ike_reason reason)
{
	struct peer *peer = peer_new(wish);

	assert_int_equal(verdict(peer), reason);
	peer_free(peer);
}

#define HOST .subject = "CN=peer,O=Example", .issuer = &root

/* --- chains ------------------------------------------------------------------------------- */

static void test_good(void **state)
{
	struct peer *peer = peer_new(&(struct test_wish){ HOST });
	struct proof proof = proof_make(trust_rule(trust, 0), NULL, &peer->request, time(NULL));

	(void)state;
	assert_int_equal(proof.reason, IKE_REASON_OK);
	assert_string_equal(proof.name, "O=Example, CN=peer");
	assert_string_equal(proof.authority, "CN=Root");
	proof_clear(&proof);
	peer_free(peer);
}

static void test_chains(void **state)
{
	struct test_cert not_ca = test_cert_make(&(struct test_wish){ .subject = "CN=leaf",
								      .issuer = &root });
	struct peer *peer = peer_new(&(struct test_wish){ .subject = "CN=peer", .issuer = &sub });

	(void)state;
	assert_int_equal(verdict(peer), IKE_REASON_NOT_IN_POLICY);
	show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(sub.cert));
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	/* it may send the root too, and in any order */
	show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(root.cert));
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	peer->certs[3] = peer->certs[0];
	peer->certs[0] = peer->certs[2];
	peer->request.n_certs = 4;
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	peer_free(peer);
	peer = peer_new(&(struct test_wish){ .subject = "CN=peer", .issuer = &not_ca });
	show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(not_ca.cert));
	assert_int_not_equal(verdict(peer), IKE_REASON_OK);
	peer_free(peer);
	test_cert_free(&not_ca);
}

static void test_untrusted(void **state)
{
	struct peer *peer;

	(void)state;
	/* a root that the machine trusts, but the rule does not name */
	expect(&(struct test_wish){ .subject = "CN=peer", .issuer = &other_root },
	       IKE_REASON_NOT_IN_POLICY);
	expect(&(struct test_wish){ .subject = "CN=peer" }, IKE_REASON_NOT_IN_POLICY);
	/* the right name with another key, sent along too */
	peer = peer_new(&(struct test_wish){ .subject = "CN=peer", .issuer = &imposter });
	assert_int_not_equal(verdict(peer), IKE_REASON_OK);
	show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(imposter.cert));
	assert_int_not_equal(verdict(peer), IKE_REASON_OK);
	peer_free(peer);
}

static void test_not_valid(void **state)
{
	struct test_cert weak = test_cert_make(&(struct test_wish){
		.subject = "CN=Weak", .key = "RSA768", .issuer = &root, .is_ca = true });
	struct peer *peer = peer_new(&(struct test_wish){ .subject = "CN=peer", .issuer = &weak });

	(void)state;
	show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(weak.cert));
	assert_int_equal(verdict(peer), IKE_REASON_KEY_TOO_SHORT);
	expect(&(struct test_wish){ HOST, .from = -3, .to = -1 }, IKE_REASON_NO_PEER_CERTIFICATE);
	expect(&(struct test_wish){ HOST, .from = 1, .to = 3 }, IKE_REASON_NO_PEER_CERTIFICATE);
	expect(&(struct test_wish){ HOST, .usage = "critical,keyEncipherment" },
	       IKE_REASON_KEY_USAGE);
	expect(&(struct test_wish){ HOST, .key = "RSA768" }, IKE_REASON_KEY_TOO_SHORT);
	expect(&(struct test_wish){ HOST, .key = "RSA512" }, IKE_REASON_KEY_TOO_SHORT);
	expect(&(struct test_wish){ HOST, .hash = "MD5" }, IKE_REASON_KEY_TOO_SHORT);
	expect(&(struct test_wish){ HOST, .hash = "SHA1" }, IKE_REASON_OK);
	expect(&(struct test_wish){ HOST, .key = "P-256" }, IKE_REASON_CERT_TYPE);
	expect(&(struct test_wish){ HOST, .eku = "clientAuth" }, IKE_REASON_OK);
	expect(&(struct test_wish){ HOST, .eku = "critical,codeSigning" }, IKE_REASON_OK);
	peer_free(peer);
	test_cert_free(&weak);
}

/* Longer chains than anybody needs, and rings, end. */
static void test_long_chains(void **state)
{
	struct test_cert cas[CHAIN_LEN];
	struct peer *peer;

	(void)state;
	for (int i = 0; i < CHAIN_LEN; i++) {
		char subject[32];

		(void)snprintf(subject, sizeof(subject), "CN=CA %d", i);
		cas[i] = test_cert_make(&(struct test_wish){
			.subject = subject, .issuer = i ? &cas[i - 1] : &root, .is_ca = true });
	}
	peer = peer_new(&(struct test_wish){ .subject = "CN=peer",
					     .issuer = &cas[CHAIN_LEN - 1] });
	for (int i = CHAIN_LEN - 1; i > 0; i--)
		show(peer, IKE_CERT_X509_SIGNATURE, test_cert_der(cas[i].cert));
	assert_int_equal(verdict(peer), IKE_REASON_NOT_IN_POLICY);
	peer_free(peer);
	for (int i = 0; i < CHAIN_LEN; i++)
		test_cert_free(&cas[i]);
}

/* --- what is sent ------------------------------------------------------------------------- */

static struct bytes pkcs7_of(X509 **certs, size_t n)
{
	PKCS7 *pkcs7 = PKCS7_new();
	unsigned char *der = NULL;
	struct bytes copy;
	int len;

	assert_int_equal(PKCS7_set_type(pkcs7, NID_pkcs7_signed), 1);
	assert_int_equal(PKCS7_content_new(pkcs7, NID_pkcs7_data), 1);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(PKCS7_add_certificate(pkcs7, certs[i]), 1);
	len = i2d_PKCS7(pkcs7, &der);
	assert_true(len > 0);
	copy = test_join((struct bytes){ der, (size_t)len }, (struct bytes){ der, 0 });
	OPENSSL_free(der);
	PKCS7_free(pkcs7);
	return copy;
}

static void test_pkcs7(void **state)
{
	struct peer *peer = peer_new(&(struct test_wish){ .subject = "CN=peer", .issuer = &sub });
	X509 *certs[] = { sub.cert, peer->cert.cert };

	(void)state;
	peer->certs[0] = (struct ike_peer_cert){ IKE_CERT_PKCS7, pkcs7_of(certs, 2) };
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	peer->certs[0].der = pkcs7_of(certs, 1);
	assert_int_equal(verdict(peer), IKE_REASON_CREDENTIALS);
	peer->certs[0].der.len -= 10;
	assert_int_equal(verdict(peer), IKE_REASON_NO_PEER_CERTIFICATE);
	peer_free(peer);
}

static void test_no_certificate(void **state)
{
	struct peer *peer = peer_new(&(struct test_wish){ HOST });
	uint8_t junk[64] = { 0x30, 0x82 };

	(void)state;
	peer->certs[0].encoding = IKE_CERT_CRL;
	assert_int_equal(verdict(peer), IKE_REASON_NO_PEER_CERTIFICATE);
	peer->certs[0] = (struct ike_peer_cert){ IKE_CERT_X509_SIGNATURE, { junk, sizeof(junk) } };
	assert_int_equal(verdict(peer), IKE_REASON_NO_PEER_CERTIFICATE);
	peer->request.n_certs = 0;
	assert_int_equal(verdict(peer), IKE_REASON_NO_PEER_CERTIFICATE);
	peer_free(peer);
}

/* --- identities --------------------------------------------------------------------------- */

static enum ike_reason as(struct peer *peer, uint8_t type, const void *id, size_t len)
{
	peer->request.id_type = type;
	peer->request.id = (struct bytes){ id, len };
	return verdict(peer);
}

static void test_identities(void **state)
{
	static const uint8_t v4[] = { 192, 0, 2, 1 }, v4_other[] = { 192, 0, 2, 2 };
	static const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const uint8_t gn_dns[] = "\x82\x10host.example.com", gn_other[] = "\x82\x10mail.example.com";
	struct peer *peer = peer_new(&(struct test_wish){
		HOST, .san = "IP:192.0.2.1,IP:2001:db8::1,DNS:host.example.com,email:me@example.com" });
	struct bytes dn = peer->request.id, other = test_name_der(root.cert);

	(void)state;
	assert_int_equal(as(peer, ID_IPV4, v4, 4), IKE_REASON_OK);
	assert_int_equal(as(peer, ID_IPV4, v4_other, 4), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_IPV4, v6, 16), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_IPV6, v6, 16), IKE_REASON_OK);
	assert_int_equal(as(peer, ID_FQDN, "Host.Example.com", 16), IKE_REASON_OK);
	assert_int_equal(as(peer, ID_FQDN, "host.example.co", 15), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_FQDN, "peer", 4), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_USER_FQDN, "me@example.com", 14), IKE_REASON_OK);
	assert_int_equal(as(peer, ID_FQDN, "me@example.com", 14), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_GN, gn_dns, 18), IKE_REASON_OK);
	assert_int_equal(as(peer, ID_GN, gn_dns, 17), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_GN, gn_other, 18), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_DN, dn.data, dn.len), IKE_REASON_OK);
	assert_int_equal(as(peer, ID_DN, dn.data, dn.len - 1), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_DN, other.data, other.len), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_DN, "\x30\x00", 2), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, 11, dn.data, dn.len), IKE_REASON_CREDENTIALS);
	peer_free(peer);
}

/* A certificate whose names hold a NUL is not the one with the shorter name; no wildcards. */
static void test_identity_tricks(void **state)
{
	struct peer *peer = peer_new(&(struct test_wish){ HOST, .san = "DNS:*.example.com" });

	(void)state;
	assert_int_equal(as(peer, ID_FQDN, "host.example.com", 16), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_FQDN, "", 0), IKE_REASON_CREDENTIALS);
	assert_int_equal(as(peer, ID_FQDN, "*.example.com\0x", 15), IKE_REASON_CREDENTIALS);
	peer_free(peer);
	/* somebody else's good certificate, shown by who does not have its key */
	peer = peer_new(&(struct test_wish){ HOST });
	sign(peer, other_root.key);
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	peer_free(peer);
}

/* --- signatures --------------------------------------------------------------------------- */

/* The signature over a block put together by hand. */
static void sign_block(struct peer *peer, const uint8_t *block, size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(crypto_context(), peer->cert.key, NULL);
	size_t sig_len = sizeof(peer->signature);

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, peer->signature, &sig_len, block, len), 1);
	peer->request.signature = (struct bytes){ peer->signature, sig_len };
	EVP_PKEY_CTX_free(ctx);
}

#define BLOCK_LEN 128	/* RSA with 1024 bits */

/* 00 01 ff ... 00 HASH: @junk bytes of something between or behind. */
static void block_with(uint8_t *block, const uint8_t *hash, size_t hash_len, size_t behind)
{
	memset(block, 0xff, BLOCK_LEN);
	block[0] = 0;
	block[1] = 1;
	block[BLOCK_LEN - behind - hash_len - 1] = 0;
	memcpy(block + BLOCK_LEN - behind - hash_len, hash, hash_len);
	memset(block + BLOCK_LEN - behind, 0x55, behind);
}

static void test_blocks(void **state)
{
	static const uint8_t digest_info[] = "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
	struct peer *peer = peer_new(&(struct test_wish){ HOST });
	uint8_t block[BLOCK_LEN], info[15 + HASH_LEN], *hash = peer->request.hash;

	(void)state;
	block_with(block, hash, HASH_LEN, 0);
	sign_block(peer, block, BLOCK_LEN);
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	block_with(block, hash, HASH_LEN, 5);		/* garbage behind */
	sign_block(peer, block, BLOCK_LEN);
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	block_with(block, hash, HASH_LEN - 1, 0);	/* a shorter hash */
	sign_block(peer, block, BLOCK_LEN);
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	block_with(block, hash, HASH_LEN, 0);		/* padding of zeros */
	memset(block + 2, 0, BLOCK_LEN - HASH_LEN - 2);
	sign_block(peer, block, BLOCK_LEN);
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	block_with(block, hash, HASH_LEN, 0);		/* block type 2 */
	block[1] = 2;
	sign_block(peer, block, BLOCK_LEN);
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	memcpy(info, digest_info, 15);			/* with DigestInfo, as everywhere else */
	memcpy(info + 15, hash, HASH_LEN);
	block_with(block, info, sizeof(info), 0);
	sign_block(peer, block, BLOCK_LEN);
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	peer_free(peer);
}

static void test_signature_sizes(void **state)
{
	struct peer *peer = peer_new(&(struct test_wish){ HOST });
	struct bytes good = peer->request.signature;
	BIGNUM *n = NULL, *s;
	uint8_t wide[BLOCK_LEN + 1] = { 0 };

	(void)state;
	peer->request.signature.len--;
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	memcpy(wide + 1, good.data, good.len);
	peer->request.signature = (struct bytes){ wide, sizeof(wide) };
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	/* s + n is the same to a careless reader, and has one byte more if n is large */
	assert_int_equal(EVP_PKEY_get_bn_param(peer->cert.key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	s = BN_bin2bn(good.data, (int)good.len, NULL);
	assert_int_equal(BN_add(s, s, n), 1);
	assert_true(BN_bn2binpad(s, wide, sizeof(wide)) > 0);
	peer->request.signature = (struct bytes){ wide[0] ? wide : wide + 1,
						  wide[0] ? sizeof(wide) : BLOCK_LEN };
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	memset(wide, 0, sizeof(wide));
	peer->request.signature = (struct bytes){ wide, BLOCK_LEN };
	assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
	BN_free(n);
	BN_free(s);
	peer_free(peer);
}

/* The peer's modulus with an exponent of our own making. */
static EVP_PKEY *with_exponent(EVP_PKEY *key, const char *hex)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto_context(), "RSA", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *made = NULL;
	OSSL_PARAM *params;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_true(BN_hex2bn(&e, hex) > 0);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e), 1);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return made;
}

static void test_exponents(void **state)
{
	static const char *const bad[] = { "01", "00", "02", "10000", "010000000000000001" };
	struct test_cert some = test_cert_make(&(struct test_wish){ .subject = "CN=some" });

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EVP_PKEY *odd = with_exponent(some.key, bad[i]);
		struct peer *peer = peer_new(&(struct test_wish){ HOST, .public_key = odd });

		/* with e = 1 a signature is the block itself: anybody can make it */
		block_with(peer->signature, peer->request.hash, HASH_LEN, 0);
		peer->request.signature = (struct bytes){ peer->signature, BLOCK_LEN };
		assert_int_equal(verdict(peer), IKE_REASON_NO_PUBLIC_KEY);
		peer_free(peer);
		EVP_PKEY_free(odd);
	}
	test_cert_free(&some);
}

static void test_ecdsa(void **state)
{
	static const struct { const char *curve; enum ike_auth auth; size_t len; } kinds[] = {
		{ "P-256", IKE_AUTH_ECDSA_256, 32 }, { "P-384", IKE_AUTH_ECDSA_384, 48 },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = peer_new(&(struct test_wish){ HOST, .key = kinds[i].curve });
		struct ike_signature signature;
		struct bytes hash = { peer->request.hash, kinds[i].len };

		peer->request.hash_len = kinds[i].len;
		peer->request.auth = kinds[i].auth;
		assert_int_equal(signature_make(peer->cert.key, kinds[i].auth, hash, &signature), 0);
		assert_int_equal(signature.len, 2 * kinds[i].len);
		peer->request.signature = (struct bytes){ signature.bytes, signature.len };
		assert_int_equal(verdict(peer), IKE_REASON_OK);
		signature.bytes[7] ^= 1;
		assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
		signature.bytes[7] ^= 1;
		peer->request.signature.len -= 2;
		assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
		memset(signature.bytes, 0, sizeof(signature.bytes));
		peer->request.signature.len += 2;
		assert_int_equal(verdict(peer), IKE_REASON_SIGNATURE);
		peer->request.auth = kinds[1 - i].auth;
		assert_int_equal(verdict(peer), IKE_REASON_CERT_TYPE);
		peer_free(peer);
	}
}

/* RFC 4754, section 8.1: the value of ECDSA-256, verified and not only made by ourselves. */
static void test_rfc_4754(void **state)
{
	static const char x[] = "2442A5CC0ECD015FA3CA31DC8E2BBC70BF42D60CBCA20085E0822CB04235E970";
	static const char y[] = "6FC98BD7E50211A4A27102FA3549DF79EBCB4BF246B80945CDDFE7D509BBFD7D";
	static const char hash_hex[] = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
	static const char sig_hex[] =
		"CB28E0999B9C7715FD0A80D8E47A77079716CBBF917DD72E97566EA1C066957C"
		"86FA3BB4E26CAD5BF90B7F81899256CE7594BB1EA0C89212748BFF3B3D5B0315";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto_context(), "EC", NULL);
	uint8_t point[65] = { 4 }, hash[32], sig[64];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;
	size_t len;

	(void)state;
	assert_int_equal(OPENSSL_hexstr2buf_ex(point + 1, 32, &len, x, '\0'), 1);
	assert_int_equal(OPENSSL_hexstr2buf_ex(point + 33, 32, &len, y, '\0'), 1);
	assert_int_equal(OPENSSL_hexstr2buf_ex(hash, 32, &len, hash_hex, '\0'), 1);
	assert_int_equal(OPENSSL_hexstr2buf_ex(sig, 64, &len, sig_hex, '\0'), 1);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	assert_int_equal(signature_check_key(key, IKE_AUTH_ECDSA_256), IKE_REASON_OK);
	assert_int_equal(signature_verify(key, IKE_AUTH_ECDSA_256, (struct bytes){ hash, 32 },
					  (struct bytes){ sig, 64 }), IKE_REASON_OK);
	hash[0] ^= 1;
	assert_int_equal(signature_verify(key, IKE_AUTH_ECDSA_256, (struct bytes){ hash, 32 },
					  (struct bytes){ sig, 64 }), IKE_REASON_SIGNATURE);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
}

/* What is made passes, and nothing is made over what is no hash. */
static void test_make(void **state)
{
	struct peer *peer = peer_new(&(struct test_wish){ HOST });
	static const uint8_t data[64] = { 7 };
	struct ike_signature signature;

	(void)state;
	assert_int_equal(signature_make(peer->cert.key, IKE_AUTH_RSA_SIG,
					(struct bytes){ peer->request.hash, HASH_LEN }, &signature), 0);
	peer->request.signature = (struct bytes){ signature.bytes, signature.len };
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	for (size_t len = 0; len <= sizeof(data); len++) {
		bool is_hash = len == 16 || len == 20 || len == 32 || len == 48 || len == 64;

		assert_int_equal(signature_make(peer->cert.key, IKE_AUTH_RSA_SIG,
						(struct bytes){ data, len }, &signature),
				 is_hash ? 0 : -EINVAL);
	}
	assert_int_equal(signature_make(peer->cert.key, IKE_AUTH_ECDSA_256,
					(struct bytes){ data, 32 }, &signature), -EINVAL);
	peer_free(peer);
}

/* Two certificates with one name: the old one does not spoil the new one. */
static void test_two_certificates(void **state)
{
	struct test_cert old = test_cert_make(&(struct test_wish){ HOST, .from = -9, .to = -1 });
	struct peer *peer = peer_new(&(struct test_wish){ HOST });

	(void)state;
	show(peer, IKE_CERT_X509_SIGNATURE, peer->certs[0].der);
	peer->certs[0].der = test_cert_der(old.cert);
	assert_int_equal(verdict(peer), IKE_REASON_OK);
	peer_free(peer);
	test_cert_free(&old);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K05 a certificate under a CA of the rule", test_good),
		TEST("K36 chains", test_chains),
		TEST("K36 roots that the rule does not name, and imposters", test_untrusted),
		TEST("K31 K36 dates, key usage, key length, hashes, types", test_not_valid),
		TEST("K36 chains that are too long", test_long_chains),
		TEST("K05 certificates in PKCS #7", test_pkcs7),
		TEST("K05 no certificate that can be read", test_no_certificate),
		TEST("K05 the identity is the certificate's", test_identities),
		TEST("K05 identities that only look like it", test_identity_tricks),
		TEST("K05 the block of a signature is compared as a whole", test_blocks),
		TEST("K05 the length of a signature is the key's", test_signature_sizes),
		TEST("K05 RSA exponents that no honest key has", test_exponents),
		TEST("K05 ECDSA", test_ecdsa),
		TEST("K05 ECDSA, the RFC's example", test_rfc_4754),
		TEST("K05 signatures are made over hashes only", test_make),
		TEST("K05 a peer may send an old certificate too", test_two_certificates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
