/* SPDX-License-Identifier: MIT */
#ifndef CRED_STORE_H
#define CRED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "ike/credential.h"

/*
 * The machine store in memory: what its folders held when they were read. A store is made once,
 * file by file in the order of their names, and not changed then; a new reading is a new store.
 *
 * Files hold PEM, any number of objects, or one object as DER. What cannot be used is logged with
 * the file's name and left out; the rest counts.
 */
struct store;

enum store_folder {
	STORE_OWN,		/* the folder itself: own certificates, their keys and chains */
	STORE_ROOTS,
	STORE_INTERMEDIATES,
	STORE_CRLS,
	STORE_FOLDERS,
};

#define STORE_FILE_MAX_LEN (256 << 10)		/* of certificates and keys */
#define STORE_CRL_MAX_LEN (8 << 20)
#define STORE_CRLS_MAX_LEN (64 << 20)		/* all of them */
#define STORE_OWN_MAX 64
#define STORE_CERTS_MAX 1024			/* in each of the other folders */

/* An own certificate. */
struct store_own {
	X509 *cert;
	EVP_PKEY *key;			/* NULL: there is none */
	uint8_t fingerprint[IKE_FINGERPRINT_LEN];
	char *file;
};

/* NULL without memory. Needs crypto_init(). */
struct store *store_new(void);
struct store *store_free(struct store *store);
DEFINE_CLEANUP(struct store *, store_free);

/* How a file is called says whether it is looked at: .crt .cer .pem .der .key .crl. */
bool store_wants(enum store_folder folder, const char *file);
/* Most bytes of a file there. */
size_t store_limit(enum store_folder folder, const char *file);
/* Whether a file of this name may hold a private key, and so has to be closed to others. */
bool store_may_have_key(enum store_folder folder, const char *file);
/* @may_have_key: the file is closed to others; without it a private key is left out. */
void store_add(struct store *store, enum store_folder folder, const char *file,
	       struct bytes contents, bool may_have_key);
/* After the last file: gives each certificate its key. */
void store_finish(struct store *store);

size_t store_n_own(const struct store *store);
const struct store_own *store_own(const struct store *store, size_t i);
/* NULL: not in the store. */
const struct store_own *store_find_own(const struct store *store,
				       const uint8_t fingerprint[static IKE_FINGERPRINT_LEN]);
/* The store's; anchors and what may stand between them and a certificate. */
STACK_OF(X509) *store_roots(const struct store *store);
STACK_OF(X509) *store_intermediates(const struct store *store);
STACK_OF(X509_CRL) *store_crls(const struct store *store);

/* SHA2-256 of the DER form. 0 or -EIO. */
int store_fingerprint(const X509 *cert, uint8_t ret_fingerprint[static IKE_FINGERPRINT_LEN]);

#endif
