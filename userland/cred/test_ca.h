/* SPDX-License-Identifier: MIT */
#ifndef CRED_TEST_CA_H
#define CRED_TEST_CA_H

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>

#include "base/bytes.h"

/* For tests: certificate authorities, certificates and CRLs, made on the spot. */

/* All certificates are from two days before to two days after, unless they say otherwise. */
#define TEST_DAY (24 * 60 * 60)

/* For cmocka: a test whose name is not that of its function. */
#define TEST(name, function) { name, function, NULL, NULL, NULL }

struct test_cert {
	X509 *cert;
	EVP_PKEY *key;
};

struct test_wish {
	const char *subject;			/* "CN=host,O=Example" */
	const struct test_cert *issuer;		/* NULL: itself */
	const char *key;			/* "RSA1024" and the like, "P-256", ...; NULL: RSA1024 */
	EVP_PKEY *public_key;			/* instead; borrowed */
	const char *hash;			/* NULL: SHA256 */
	long from, to;				/* days from now; both 0: -2, 2 */
	/* Extensions in openssl.cnf's words; NULL: none. */
	const char *basic, *usage, *eku, *san, *cdp;
	bool is_ca;				/* basic=critical,CA:TRUE, usage=keyCertSign,cRLSign */
};

struct test_cert test_cert_make(const struct test_wish *wish);
void test_cert_free(struct test_cert *cert);
/* With a new key of its own; the other kinds share one key per kind and name. */
EVP_PKEY *test_key(const char *kind);

/* @revoked: NULL-terminated. @idp: issuingDistributionPoint section value, NULL: none. */
struct test_crl_wish {
	const struct test_cert *issuer;
	const X509 *const *revoked;
	long from, to;				/* days from now; both 0: -1, 1; to -1000: no nextUpdate */
	const char *idp;			/* "onlyuser:TRUE" and the like, critical */
	const char *hash;
};

X509_CRL *test_crl_make(const struct test_crl_wish *wish);

/* In memory of their own, freed at the end by test_free_all(). */
struct bytes test_cert_der(const X509 *cert);
struct bytes test_crl_der(const X509_CRL *crl);
struct bytes test_name_der(const X509 *cert);
struct bytes test_cert_pem(const X509 *cert);
struct bytes test_crl_pem(const X509_CRL *crl);
/* @passphrase NULL: none. */
struct bytes test_key_pem(EVP_PKEY *key, const char *passphrase);
struct bytes test_join(struct bytes a, struct bytes b);
void test_free_all(void);

#endif
