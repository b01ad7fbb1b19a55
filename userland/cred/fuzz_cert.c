// SPDX-License-Identifier: MIT
/*
 * What a peer may send to prove who it is: certificates in every encoding, an identity, a
 * signature.
 *
 *   byte 0    type of the identity
 *   byte 1    the method, modulo 3
 *   byte 2, 3 length of the identity, which follows
 *   then      encoding, length of 2 bytes, certificate, until there are none: encoding 0
 *   rest      the signature
 *
 * Or, because keys are new in each run, and no input could hold a signature by them:
 *
 *   byte 0    0xf0 and the number of a good input
 *   then      place of 2 bytes and the byte to put there, as often as wanted
 */
#include <string.h>
#include <time.h>

#include "cred/crl.h"
#include "cred/identity.h"
#include "cred/name.h"
#include "cred/proof.h"
#include "cred/signature.h"
#include "cred/store.h"
#include "cred/test_ca.h"
#include "cred/trust.h"
#include "ike/crypto.h"
#include "ike/fuzz.h"
#include "link/messages.h"

static const uint8_t hash[20] = "a hash of 20 bytes..";

static struct {
	struct test_cert root, host;
	struct bytes root_der, host_der, host_name;
	struct store *store;
	struct trust *trust;
	struct crls *crls;
	struct ike_signature signature;
} world;

static int no_fetch(void *userdata, const char *url)
{
	(void)userdata;
	FUZZ_CHECK(strlen(url) <= CRL_URL_MAX_LEN);
	return 0;
}

static void build_world(void)
{
	struct link_credential method = { .kind = LINK_CREDENTIAL_CERTIFICATE,
					  .value = (uint8_t *)"CN=Root", .value_len = 7 };
	struct link_credential_rule rule = { .methods = &method, .n_methods = 1 };
	struct link_credentials list = { .rules = &rule, .n_rules = 1 };
	const struct crls_config crls = { .fetch = no_fetch };

	if (world.store)
		return;
	FUZZ_CHECK(crypto_init() == 0);
	world.root = test_cert_make(&(struct test_wish){ .subject = "CN=Root", .is_ca = true });
	world.host = test_cert_make(&(struct test_wish){
		.subject = "CN=host", .issuer = &world.root, .san = "DNS:host.example.com,IP:192.0.2.1",
		.usage = "digitalSignature", .eku = "clientAuth", .cdp = "URI:http://example.com/x" });
	world.root_der = test_cert_der(world.root.cert);
	world.host_der = test_cert_der(world.host.cert);
	world.host_name = test_name_der(world.host.cert);
	world.store = store_new();
	store_add(world.store, STORE_ROOTS, "root.crt", test_cert_pem(world.root.cert), false);
	world.trust = trust_new(&list);
	world.crls = crls_new(&crls);
	FUZZ_CHECK(world.store && world.trust && world.crls);
	trust_resolve(world.trust, world.store);
	FUZZ_CHECK(signature_make(world.host.key, IKE_AUTH_RSA_SIG,
				  (struct bytes){ hash, sizeof(hash) }, &world.signature) == 0);
}

static void check(struct proof *proof)
{
	bool is_good = proof->reason == IKE_REASON_OK;

	FUZZ_CHECK(is_good == (proof->chain != NULL));
	FUZZ_CHECK(is_good == !*proof->detail);
	FUZZ_CHECK(!is_good || (proof->name && proof->authority));
	if (proof->name) {
		FUZZ_CHECK(strlen(proof->name) <= IKE_NAME_MAX_LEN);
		for (const char *c = proof->name; *c; c++)
			FUZZ_CHECK(*c >= ' ' && *c < 0x7f);
	}
	(void)proof_check_crls(proof, world.crls, CRL_CHECK_KNOWN, time(NULL), true);
}

static void run(const uint8_t *data, size_t len)
{
	struct ike_peer_cert certs[IKE_CERTS_MAX];
	struct ike_proof_request request = { .certs = certs, .hash_len = sizeof(hash) };
	struct reader r = reader_make(data, len);
	struct proof proof;
	uint8_t encoding;

	memcpy(request.hash, hash, sizeof(hash));
	request.id_type = reader_u8(&r);
	request.auth = (enum ike_auth)(IKE_AUTH_RSA_SIG + reader_u8(&r) % 3);
	request.id = reader_take(&r, reader_u16(&r));
	while (request.n_certs < IKE_CERTS_MAX && (encoding = reader_u8(&r))) {
		struct bytes der = reader_take(&r, reader_u16(&r));

		certs[request.n_certs++] = (struct ike_peer_cert){ encoding, der };
	}
	request.signature = reader_rest(&r);
	proof = proof_make(trust_rule(world.trust, 0), NULL, &request, time(NULL));
	check(&proof);
	proof_clear(&proof);
	crls_fetched(world.crls, "http://example.com/x", 0, (struct bytes){ data, len });
}

static void add_cert(struct writer *w, struct bytes der)
{
	writer_u8(w, IKE_CERT_X509_SIGNATURE);
	writer_u16(w, (uint16_t)der.len);
	writer_bytes(w, der);
}

static void run_patched(const uint8_t *data, size_t len)
{
	static uint8_t seed[4096];
	struct reader r = reader_make(data, len);
	size_t seed_len = fuzz_seed(reader_u8(&r) & 3, seed, sizeof(seed));

	while (seed_len && r.len >= 3) {
		size_t at = reader_u16(&r) % seed_len;

		seed[at] = reader_u8(&r);
	}
	run(seed, seed_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	build_world();
	if (len && (data[0] & 0xf0) == 0xf0)
		run_patched(data, len);
	else
		run(data, len);
	return 0;
}

/* The proof that is good; the same with a host name; only certificates. */
size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap)
{
	static const char dns[] = "host.example.com";
	struct writer w = writer_make(buf, cap);
	struct bytes id;

	build_world();
	if (index > 2)
		return 0;
	id = index == 1 ? (struct bytes){ (const uint8_t *)dns, strlen(dns) } :
			  world.host_name;
	writer_u8(&w, index == 1 ? 2 : 9);
	writer_u8(&w, 0);
	writer_u16(&w, (uint16_t)id.len);
	writer_bytes(&w, id);
	add_cert(&w, world.host_der);
	if (index == 2)
		add_cert(&w, world.root_der);
	writer_u8(&w, 0);
	writer_put(&w, world.signature.bytes, world.signature.len);
	FUZZ_CHECK(!w.overflow);
	return w.len;
}
