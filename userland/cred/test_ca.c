// SPDX-License-Identifier: MIT
#include "cred/test_ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "cred/name.h"
#include "ike/crypto.h"

#define KEEP_MAX 4096
#define KEYS_MAX 64

static struct bytes kept[KEEP_MAX];
static size_t n_kept;

static struct {
	char *id;
	EVP_PKEY *key;
} keys[KEYS_MAX];
static size_t n_keys;

static struct bytes keep(void *data, size_t len)
{
	assert_non_null(data);
	assert_true(n_kept < KEEP_MAX);
	return kept[n_kept++] = (struct bytes){ data, len };
}

void test_free_all(void)
{
	for (size_t i = 0; i < n_kept; i++)
		free((void *)kept[i].data);
	n_kept = 0;
	for (size_t i = 0; i < n_keys; i++) {
		EVP_PKEY_free(keys[i].key);
		free(keys[i].id);
	}
	n_keys = 0;
}

/* --- keys --------------------------------------------------------------------------------- */

EVP_PKEY *test_key(const char *kind)
{
	EVP_PKEY *key;

	if (!strncmp(kind, "RSA", 3))
		key = EVP_PKEY_Q_keygen(crypto_context(), NULL, "RSA", (size_t)atoi(kind + 3));
	else
		key = EVP_PKEY_Q_keygen(crypto_context(), NULL, "EC", kind);
	assert_non_null(key);
	return key;
}

/* Making them is what takes time. */
static EVP_PKEY *key_of(const char *kind, const char *subject)
{
	char id[256];

	(void)snprintf(id, sizeof(id), "%s of %s", kind, subject);
	for (size_t i = 0; i < n_keys; i++)
		if (!strcmp(keys[i].id, id)) {
			(void)EVP_PKEY_up_ref(keys[i].key);
			return keys[i].key;
		}
	assert_true(n_keys < KEYS_MAX);
	keys[n_keys].id = strdup(id);
	keys[n_keys].key = test_key(kind);
	(void)EVP_PKEY_up_ref(keys[n_keys].key);
	return keys[n_keys++].key;
}

/* --- certificates ------------------------------------------------------------------------- */

static X509_NAME *name_of(const char *text)
{
	struct name_text parsed = { 0 };
	X509_NAME *name;

	assert_int_equal(name_text_parse(text, &parsed), 0);
	name = X509_NAME_dup(parsed.forward);
	assert_non_null(name);
	name_text_clear(&parsed);
	return name;
}

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!ext)
		fail_msg("extension %s", value);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static void add_exts(X509 *cert, X509 *issuer, const struct test_wish *wish)
{
	add_ext(cert, issuer, NID_subject_key_identifier, "hash");
	add_ext(cert, issuer, NID_basic_constraints,
		wish->basic ? wish->basic : wish->is_ca ? "critical,CA:TRUE" : NULL);
	add_ext(cert, issuer, NID_key_usage,
		wish->usage ? wish->usage : wish->is_ca ? "critical,keyCertSign,cRLSign" : NULL);
	add_ext(cert, issuer, NID_ext_key_usage, wish->eku);
	add_ext(cert, issuer, NID_subject_alt_name, wish->san);
	add_ext(cert, issuer, NID_crl_distribution_points, wish->cdp);
}

static const EVP_MD *hash_of(const char *hash)
{
	return EVP_get_digestbyname(hash ? hash : "SHA256");
}

struct test_cert test_cert_make(const struct test_wish *wish)
{
	static long serial;
	struct test_cert made = { .cert = X509_new_ex(crypto_context(), NULL) };
	X509_NAME *name = name_of(wish->subject);
	bool has_dates = wish->from || wish->to;
	X509 *issuer;

	assert_non_null(made.cert);
	made.key = wish->public_key ? NULL :
		   key_of(wish->key ? wish->key : "RSA1024", wish->subject);
	issuer = wish->issuer ? wish->issuer->cert : made.cert;
	assert_int_equal(X509_set_version(made.cert, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
	X509_set_subject_name(made.cert, name);
	X509_set_issuer_name(made.cert, wish->issuer ? X509_get_subject_name(issuer) : name);
	X509_gmtime_adj(X509_getm_notBefore(made.cert), (has_dates ? wish->from : -2) * TEST_DAY);
	X509_gmtime_adj(X509_getm_notAfter(made.cert), (has_dates ? wish->to : 2) * TEST_DAY);
	X509_set_pubkey(made.cert, wish->public_key ? wish->public_key : made.key);
	add_exts(made.cert, issuer, wish);
	assert_true(X509_sign(made.cert, wish->issuer ? wish->issuer->key : made.key,
			      hash_of(wish->hash)) > 0);
	X509_NAME_free(name);
	return made;
}

void test_cert_free(struct test_cert *cert)
{
	X509_free(cert->cert);
	EVP_PKEY_free(cert->key);
	*cert = (struct test_cert){ 0 };
}

/* --- CRLs --------------------------------------------------------------------------------- */

static void revoke(X509_CRL *crl, const X509 *cert, ASN1_TIME *when)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	assert_non_null(entry);
	assert_int_equal(X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)
						       X509_get0_serialNumber(cert)), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(entry, when), 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
}

static void add_idp(X509_CRL *crl, const char *idp)
{
	X509_EXTENSION *ext;
	char value[512];

	(void)snprintf(value, sizeof(value), "critical,%s", idp);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point, value);
	assert_non_null(ext);
	assert_int_equal(X509_CRL_add_ext(crl, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

X509_CRL *test_crl_make(const struct test_crl_wish *wish)
{
	X509_CRL *crl = X509_CRL_new_ex(crypto_context(), NULL);
	bool has_dates = wish->from || wish->to;
	ASN1_TIME *when = ASN1_TIME_new();

	assert_non_null(crl);
	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(wish->issuer->cert));
	X509_gmtime_adj(when, (has_dates ? wish->from : -1) * TEST_DAY);
	X509_CRL_set1_lastUpdate(crl, when);
	for (size_t i = 0; wish->revoked && wish->revoked[i]; i++)
		revoke(crl, wish->revoked[i], when);
	X509_gmtime_adj(when, (has_dates ? wish->to : 1) * TEST_DAY);
	if (wish->to != -1000)
		X509_CRL_set1_nextUpdate(crl, when);
	if (wish->idp)
		add_idp(crl, wish->idp);
	assert_true(X509_CRL_sign(crl, wish->issuer->key, hash_of(wish->hash)) > 0);
	ASN1_TIME_free(when);
	return crl;
}

/* --- as bytes ----------------------------------------------------------------------------- */

/* Takes @bio over. */
static struct bytes drain(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	uint8_t *copy = malloc((size_t)len + 1);

	assert_non_null(copy);
	memcpy(copy, data, (size_t)len);
	BIO_free(bio);
	return keep(copy, (size_t)len);
}

struct bytes test_cert_der(const X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(i2d_X509_bio(bio, (X509 *)cert), 1);
	return drain(bio);
}

struct bytes test_crl_der(const X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(i2d_X509_CRL_bio(bio, (X509_CRL *)crl), 1);
	return drain(bio);
}

struct bytes test_name_der(const X509 *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(X509_get_subject_name(cert), &der);
	void *copy = malloc((size_t)len);

	assert_true(len > 0);
	memcpy(copy, der, (size_t)len);
	OPENSSL_free(der);
	return keep(copy, (size_t)len);
}

struct bytes test_cert_pem(const X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, (X509 *)cert), 1);
	return drain(bio);
}

struct bytes test_crl_pem(const X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509_CRL(bio, (X509_CRL *)crl), 1);
	return drain(bio);
}

struct bytes test_key_pem(EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key,
						       passphrase ? EVP_aes_128_cbc() : NULL,
						       passphrase,
						       passphrase ? (int)strlen(passphrase) : 0,
						       NULL, NULL), 1);
	return drain(bio);
}

struct bytes test_join(struct bytes a, struct bytes b)
{
	uint8_t *both = malloc(a.len + b.len + 1);

	assert_non_null(both);
	memcpy(both, a.data, a.len);
	memcpy(both + a.len, b.data, b.len);
	return keep(both, a.len + b.len);
}
