// SPDX-License-Identifier: MIT
/*
 * An own certificate finds its key by the public key in it, not by the file's name; so host.crt
 * and host.key, one host.pem with both, and a renewed certificate over the same key all work:
 *
 *   certs/host.crt     leaf, then intermediates   -> own[0], intermediates
 *   certs/host.key     private key                -> keys[0], given to own[0] in the end
 *   certs/roots/x.crt  CA                         -> roots
 *
 * Everything is parsed in the library context of ike/crypto.h, since no file can be loaded later.
 */
#include "cred/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "ike/crypto.h"

#define KEYS_MAX STORE_OWN_MAX

struct key {
	EVP_PKEY *pkey;
	char *file;
	bool is_used;
};

struct store {
	struct store_own own[STORE_OWN_MAX];
	size_t n_own;
	struct key keys[KEYS_MAX];
	size_t n_keys;
	STACK_OF(X509) *roots;
	STACK_OF(X509) *intermediates;
	STACK_OF(X509_CRL) *crls;
	size_t crl_bytes;
};

struct store *store_new(void)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->roots = sk_X509_new_null();
	store->intermediates = sk_X509_new_null();
	store->crls = sk_X509_CRL_new_null();
	if (!store->roots || !store->intermediates || !store->crls)
		return store_free(store);
	return store;
}

struct store *store_free(struct store *store)
{
	if (!store)
		return NULL;
	for (size_t i = 0; i < store->n_own; i++) {
		X509_free(store->own[i].cert);
		EVP_PKEY_free(store->own[i].key);
		free(store->own[i].file);
	}
	for (size_t i = 0; i < store->n_keys; i++) {
		EVP_PKEY_free(store->keys[i].pkey);
		free(store->keys[i].file);
	}
	sk_X509_pop_free(store->roots, X509_free);
	sk_X509_pop_free(store->intermediates, X509_free);
	sk_X509_CRL_pop_free(store->crls, X509_CRL_free);
	free(store);
	return NULL;
}

/* --- names of files ----------------------------------------------------------------------- */

static bool ends_in(const char *file, const char *ending)
{
	size_t len = strlen(file), ending_len = strlen(ending);

	return len > ending_len && !strcasecmp(file + len - ending_len, ending);
}

static bool is_cert_file(const char *file)
{
	return ends_in(file, ".crt") || ends_in(file, ".cer") || ends_in(file, ".pem") ||
	       ends_in(file, ".der");
}

bool store_wants(enum store_folder folder, const char *file)
{
	if (folder == STORE_CRLS)
		return ends_in(file, ".crl") || is_cert_file(file);
	if (folder == STORE_OWN && (ends_in(file, ".p12") || ends_in(file, ".pfx")))
		log_warning("%s: PKCS #12 is not read; \"openssl pkcs12 -in %s -out NAME.pem -nodes\" "
			    "writes what is", file, file);
	return is_cert_file(file) || (folder == STORE_OWN && ends_in(file, ".key"));
}

size_t store_limit(enum store_folder folder, const char *file)
{
	(void)file;
	return folder == STORE_CRLS ? STORE_CRL_MAX_LEN : STORE_FILE_MAX_LEN;
}

bool store_may_have_key(enum store_folder folder, const char *file)
{
	return folder == STORE_OWN && (ends_in(file, ".key") || ends_in(file, ".pem"));
}

/* --- parsing ------------------------------------------------------------------------------ */

static bool is_pem(struct bytes contents)
{
	static const char begin[] = "-----BEGIN ";

	return memmem(contents.data, contents.len, begin, strlen(begin)) != NULL;
}

/* The end of a file without another object is no error. */
static bool has_failed(void)
{
	unsigned long error = ERR_peek_last_error();
	bool is_end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
		      ERR_GET_REASON(error) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return !is_end;
}

/* The next certificate of @bio, or NULL at the end and *@ret_failed on an error. */
static X509 *next_cert(BIO *bio, bool has_pem, bool *ret_failed)
{
	X509 *cert = X509_new_ex(crypto_context(), NULL);
	X509 *filled = cert;

	ERR_clear_error();
	if (!cert)
		return NULL;
	filled = has_pem ? PEM_read_bio_X509(bio, &cert, NULL, NULL) : d2i_X509_bio(bio, &cert);
	if (filled)
		return filled;
	*ret_failed = has_failed();
	X509_free(cert);
	return NULL;
}

static X509_CRL *next_crl(BIO *bio, bool has_pem, bool *ret_failed)
{
	X509_CRL *crl = X509_CRL_new_ex(crypto_context(), NULL);
	X509_CRL *filled = crl;

	ERR_clear_error();
	if (!crl)
		return NULL;
	filled = has_pem ? PEM_read_bio_X509_CRL(bio, &crl, NULL, NULL) :
			   d2i_X509_CRL_bio(bio, &crl);
	if (filled)
		return filled;
	*ret_failed = has_failed();
	X509_CRL_free(crl);
	return NULL;
}

/* --- certificates ------------------------------------------------------------------------- */

int store_fingerprint(const X509 *cert, uint8_t ret_fingerprint[static IKE_FINGERPRINT_LEN])
{
	_cleanup_free_ unsigned char *der = NULL;
	unsigned char *at;
	int len = i2d_X509(cert, NULL);
	struct bytes part;

	if (len <= 0)
		return -EIO;
	der = malloc((size_t)len);
	if (!der)
		return -ENOMEM;
	at = der;
	(void)i2d_X509(cert, &at);
	part = (struct bytes){ der, (size_t)len };
	return crypto_hash(IKE_HASH_SHA256, &part, 1, ret_fingerprint);
}

/* Takes @cert over. False: it does not count, and what follows it in the file would neither. */
static bool add_own(struct store *store, const char *file, X509 *cert)
{
	struct store_own own = { .cert = cert };

	if (store->n_own == STORE_OWN_MAX) {
		log_warning("%s: more than %d own certificates, leaving it out", file, STORE_OWN_MAX);
	} else if (store_fingerprint(cert, own.fingerprint) == 0) {
		own.file = strdup(file);
		if (own.file) {
			store->own[store->n_own++] = own;
			return true;
		}
	}
	X509_free(cert);
	return false;
}

static bool add_ca(STACK_OF(X509) *certs, const char *file, X509 *cert)
{
	if (sk_X509_num(certs) >= STORE_CERTS_MAX)
		log_warning("%s: more than %d certificates, leaving the rest out", file,
			    STORE_CERTS_MAX);
	else if (!X509_check_ca(cert))
		log_warning("%s: not a certificate of a CA, leaving it out and what follows", file);
	else if (sk_X509_push(certs, cert))
		return true;
	X509_free(cert);
	return false;
}

static void add_certs(struct store *store, enum store_folder folder, const char *file,
			struct bytes contents)
{
	BIO *bio = BIO_new_mem_buf(contents.data, (int)contents.len);
	STACK_OF(X509) *cas = folder == STORE_ROOTS ? store->roots : store->intermediates;
	bool has_pem = is_pem(contents), failed = false, goes_on = bio != NULL;
	size_t n = 0;
	X509 *cert;

	/* DER is one object; what follows it is not looked at */
	while (goes_on && (has_pem || !n) && (cert = next_cert(bio, has_pem, &failed))) {
		goes_on = folder == STORE_OWN && !n ? add_own(store, file, cert) :
						      add_ca(cas, file, cert);
		n++;
	}
	if (failed)
		log_warning("%s: %s, leaving it out", file,
			    n ? "a certificate that cannot be read" : "no certificate");
	BIO_free(bio);
}

/* --- CRLs --------------------------------------------------------------------------------- */

static void add_crls(struct store *store, const char *file, struct bytes contents)
{
	BIO *bio = BIO_new_mem_buf(contents.data, (int)contents.len);
	bool has_pem = is_pem(contents), failed = false;
	size_t n = 0;
	X509_CRL *crl;

	store->crl_bytes += contents.len;
	if (store->crl_bytes > STORE_CRLS_MAX_LEN) {
		log_warning("%s: more than %d MiB of CRLs, leaving it out", file,
			    STORE_CRLS_MAX_LEN >> 20);
		BIO_free(bio);
		return;
	}
	while (bio && (has_pem || !n) && sk_X509_CRL_num(store->crls) < STORE_CERTS_MAX &&
	       (crl = next_crl(bio, has_pem, &failed))) {
		if (!sk_X509_CRL_push(store->crls, crl))
			X509_CRL_free(crl);
		n++;
	}
	if (!n || failed)
		log_warning("%s: %s, leaving it out", file, n ? "a CRL that cannot be read" : "no CRL");
	BIO_free(bio);
}

/* --- keys --------------------------------------------------------------------------------- */

/* Nobody is there to type it. */
static int no_passphrase(char *buf, int size, int is_for_writing, void *userdata)
{
	(void)buf;
	(void)size;
	(void)is_for_writing;
	*(bool *)userdata = true;
	return -1;
}

/* What is in the file instead of a key that can be used. */
static void complain_of_key(const char *file, bool wants_passphrase, bool is_key_file)
{
	if (wants_passphrase)
		log_warning("%s: the key needs a passphrase, which nobody can type here, leaving it "
			    "out; \"openssl pkey\" writes it without", file);
	else if (is_key_file)
		log_warning("%s: no private key, leaving it out", file);
}

static void add_key(struct store *store, const char *file, struct bytes contents,
		    bool may_have_key)
{
	BIO *bio = BIO_new_mem_buf(contents.data, (int)contents.len);
	bool wants_passphrase = false, is_key_file = ends_in(file, ".key");
	EVP_PKEY *pkey;

	ERR_clear_error();
	pkey = bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, &wants_passphrase,
						crypto_context(), NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!pkey) {
		complain_of_key(file, wants_passphrase, is_key_file);
		return;
	}
	if (may_have_key && store->n_keys < KEYS_MAX) {
		store->keys[store->n_keys++] = (struct key){ .pkey = pkey, .file = strdup(file) };
		return;
	}
	EVP_PKEY_free(pkey);
	if (may_have_key)
		log_warning("%s: more than %d private keys, leaving it out", file, KEYS_MAX);
	else if (store_may_have_key(STORE_OWN, file))
		log_warning("%s: a private key that others can read or write, leaving it out; "
			    "\"chown ipsec-cred %s; chmod 0400 %s\"", file, file, file);
	else
		log_warning("%s: a private key belongs into a .key or .pem file, leaving it out",
			    file);
}

void store_finish(struct store *store)
{
	for (size_t i = 0; i < store->n_own; i++) {
		struct store_own *own = &store->own[i];
		EVP_PKEY *public_key = X509_get0_pubkey(own->cert);

		for (size_t k = 0; k < store->n_keys && public_key && !own->key; k++) {
			if (EVP_PKEY_eq(store->keys[k].pkey, public_key) != 1)
				continue;
			(void)EVP_PKEY_up_ref(store->keys[k].pkey);
			own->key = store->keys[k].pkey;
			store->keys[k].is_used = true;
		}
		if (!own->key)
			log_warning("%s: no private key for this certificate, it will not be used",
				    own->file);
	}
	for (size_t k = 0; k < store->n_keys; k++)
		if (!store->keys[k].is_used)
			log_warning("%s: no certificate for this private key",
				    store->keys[k].file ? store->keys[k].file : "?");
	ERR_clear_error();
}

/* --- the whole ---------------------------------------------------------------------------- */

void store_add(struct store *store, enum store_folder folder, const char *file,
	       struct bytes contents, bool may_have_key)
{
	if (contents.len > store_limit(folder, file)) {
		log_warning("%s: larger than %zu KiB, leaving it out", file,
			    store_limit(folder, file) >> 10);
		return;
	}
	if (folder == STORE_CRLS) {
		add_crls(store, file, contents);
		return;
	}
	if (!ends_in(file, ".key"))
		add_certs(store, folder, file, contents);
	if (folder == STORE_OWN && is_pem(contents))
		add_key(store, file, contents, may_have_key);
	else if (ends_in(file, ".key"))
		complain_of_key(file, false, true);
}

size_t store_n_own(const struct store *store)
{
	return store->n_own;
}

const struct store_own *store_own(const struct store *store, size_t i)
{
	return &store->own[i];
}

const struct store_own *store_find_own(const struct store *store,
				       const uint8_t fingerprint[static IKE_FINGERPRINT_LEN])
{
	for (size_t i = 0; i < store->n_own; i++)
		if (!memcmp(store->own[i].fingerprint, fingerprint, IKE_FINGERPRINT_LEN))
			return &store->own[i];
	return NULL;
}

STACK_OF(X509) *store_roots(const struct store *store)
{
	return store->roots;
}

STACK_OF(X509) *store_intermediates(const struct store *store)
{
	return store->intermediates;
}

STACK_OF(X509_CRL) *store_crls(const struct store *store)
{
	return store->crls;
}
