// SPDX-License-Identifier: MIT
#include "ikeload_proof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cred/signature.h"
#include "ike/crypto.h"
#include "ike/ident.h"

#define HASH IKE_HASH_SHA1

struct proof {
	enum ike_auth auth;
	struct bytes psk;
	EVP_PKEY *key;		/* the initiators' */
	EVP_PKEY *responder;
	struct bytes subject;	/* DER, as the two below: allocated, and never freed */
	struct bytes certificate;
	struct bytes authority;
};

/* --- files ---------------------------------------------------------------------------------- */

static FILE *open_in(const char *dir, const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fopen(path, "re");
}

static X509 *read_certificate(const char *dir, const char *name)
{
	FILE *file = open_in(dir, name);
	X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (file)
		(void)fclose(file);
	return cert;
}

static EVP_PKEY *read_key(const char *dir)
{
	FILE *file = open_in(dir, "initiator.key");
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	if (file)
		(void)fclose(file);
	return key;
}

static struct bytes name_of(const X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509_NAME(X509_get_subject_name(cert), &der);

	return (struct bytes){ der, len > 0 ? (size_t)len : 0 };
}

static int read_all(struct proof *proof, const char *dir)
{
	X509 *own = read_certificate(dir, "initiator.crt");
	X509 *responder = read_certificate(dir, "responder.crt");
	X509 *root = read_certificate(dir, "root.crt");
	uint8_t *der = NULL;
	int len = own ? i2d_X509(own, &der) : 0;

	proof->key = read_key(dir);
	if (len > 0 && responder && root) {
		proof->certificate = (struct bytes){ der, (size_t)len };
		proof->subject = name_of(own);
		proof->authority = name_of(root);
		proof->responder = X509_get_pubkey(responder);
	}
	X509_free(root);
	X509_free(responder);
	X509_free(own);
	return proof->key && proof->responder && proof->subject.len && proof->authority.len ?
		       0 : -ENOENT;
}

struct proof *proof_new(const char *text)
{
	struct proof *proof = calloc(1, sizeof(*proof));

	if (!proof || strlen(text) < 5)
		return NULL;
	proof->psk = (struct bytes){ (const uint8_t *)text + 4, strlen(text + 4) };
	proof->auth = !strncmp(text, "psk:", 4) ? IKE_AUTH_PSK :
		      !strncmp(text, "rsa:", 4) ? IKE_AUTH_RSA_SIG : IKE_AUTH_NONE;
	if (proof->auth == IKE_AUTH_NONE ||
	    (proof->auth == IKE_AUTH_RSA_SIG && read_all(proof, text + 4)))
		return NULL;
	return proof;
}

enum ike_auth proof_auth(const struct proof *proof)
{
	return proof->auth;
}

/* --- messages ------------------------------------------------------------------------------- */

int proof_skeyid(const struct proof *proof, struct bytes ni, struct bytes nr, struct bytes gxy,
		 struct mm_keys *keys)
{
	return proof->auth == IKE_AUTH_PSK ?
		       keys_skeyid_psk(HASH, proof->psk, ni, nr, keys->skeyid) :
		       keys_skeyid_signature(HASH, ni, nr, gxy, keys->skeyid);
}

/* A certificate, or the name of an authority. */
static void add_x509(struct wire_out *out, uint8_t type, struct bytes der)
{
	wire_begin(out, type);
	writer_u8(&out->w, IKE_CERT_X509_SIGNATURE);
	writer_bytes(&out->w, der);
	wire_end(out);
}

void proof_request(const struct proof *proof, struct wire_out *out)
{
	if (proof->auth == IKE_AUTH_RSA_SIG)
		add_x509(out, WIRE_PAYLOAD_CR, proof->authority);
}

static void add_identity(const struct proof *proof, const struct ip_addr *addr,
			 struct wire_out *out)
{
	wire_begin(out, WIRE_PAYLOAD_ID);
	if (proof->auth == IKE_AUTH_PSK) {
		ident_write(&out->w, addr, 32, 0, 0);
	} else {
		writer_u8(&out->w, IDENT_DER_ASN1_DN);
		writer_u8(&out->w, 0);
		writer_u16(&out->w, 0);
		writer_bytes(&out->w, proof->subject);
	}
	wire_end(out);
}

int proof_write(const struct proof *proof, const struct mm_keys *keys,
		const struct mm_transcript *transcript, const struct ip_addr *addr,
		struct wire_out *out)
{
	struct ike_signature signature;
	uint8_t hash[IKE_HASH_MAX_LEN];
	int ret;

	add_identity(proof, addr, out);
	ret = keys_hash_ir(keys, HASH, transcript, true, wire_last_body(out), hash);
	if (ret)
		return ret;
	if (proof->auth == IKE_AUTH_PSK) {
		wire_add(out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, keys->len });
		return 0;
	}
	ret = signature_make(proof->key, proof->auth, (struct bytes){ hash, keys->len }, &signature);
	if (ret)
		return ret;
	add_x509(out, WIRE_PAYLOAD_CERT, proof->certificate);
	wire_add(out, WIRE_PAYLOAD_SIG, (struct bytes){ signature.bytes, signature.len });
	return 0;
}

bool proof_is_good(const struct proof *proof, const struct mm_keys *keys,
		   const struct mm_transcript *transcript, const struct wire_message *message)
{
	bool is_psk = proof->auth == IKE_AUTH_PSK;
	const struct wire_payload *id = wire_find(message, WIRE_PAYLOAD_ID, 0);
	const struct wire_payload *by =
		wire_find(message, is_psk ? WIRE_PAYLOAD_HASH : WIRE_PAYLOAD_SIG, 0);
	uint8_t hash[IKE_HASH_MAX_LEN];
	struct bytes want = { hash, keys->len };

	if (!id || !by || keys_hash_ir(keys, HASH, transcript, false, id->body, hash))
		return false;
	return is_psk ? crypto_is_equal(by->body, want) :
			signature_verify(proof->responder, proof->auth, want, by->body) ==
				IKE_REASON_OK;
}
