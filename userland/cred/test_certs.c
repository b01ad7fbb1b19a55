// SPDX-License-Identifier: MIT
/* Two machines with a store on disk each: ours asks, signs and proves, and fetches CRLs. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cred/certs.h"
#include "cred/test_ca.h"
#include "cred/test_web.h"
#include "ike/crypto.h"
#include "link/messages.h"

#define ID_DN 9

struct fixture {
	char dir[64];
	sd_event *event;
	struct certs *certs;
	struct test_web web;
	struct test_cert root, host;	/* the host's CRL is at /good */
	struct test_cert late_host;	/* the same at /late */
	X509_CRL *crl;
	int n_changed, n_answers;
	enum ike_reason reason;
	char name[IKE_NAME_MAX_LEN + 1];
};

static const struct ike_path path = { .local = { 2, { 192, 0, 2, 1 } },
				      .remote = { 2, { 192, 0, 2, 2 } } };

static void put(struct fixture *f, const char *name, struct bytes contents, mode_t mode)
{
	char file[256];
	int fd;

	(void)snprintf(file, sizeof(file), "%s/%s", f->dir, name);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, contents.data, contents.len), contents.len);
	assert_int_equal(close(fd), 0);
}

static struct test_cert make_host(struct fixture *f, const char *subject, const char *place)
{
	char cdp[128];

	(void)snprintf(cdp, sizeof(cdp), "URI:http://127.0.0.1:%u%s", f->web.http_port, place);
	return test_cert_make(&(struct test_wish){ .subject = subject, .issuer = &f->root,
						   .cdp = cdp });
}

/* The CRL has to be there before the port is known that the certificates name. */
static void make_cas(struct fixture *f, bool is_revoked)
{
	X509 *serial = X509_new();
	const X509 *revoked[] = { serial, NULL };

	f->root = test_cert_make(&(struct test_wish){ .subject = "CN=Root", .is_ca = true });
	/* the next one that will be made */
	ASN1_INTEGER_set(X509_get_serialNumber(serial),
			 ASN1_INTEGER_get(X509_get_serialNumber(f->root.cert)) + 1);
	f->crl = test_crl_make(&(struct test_crl_wish){ .issuer = &f->root,
							.revoked = is_revoked ? revoked : NULL });
	X509_free(serial);
	test_web_start(&f->web, test_crl_der(f->crl));
	f->host = make_host(f, "CN=host", "/good");
	f->late_host = make_host(f, "CN=late", "/late");
}

static void on_changed(void *userdata)
{
	struct fixture *f = userdata;

	f->n_changed++;
}

static void start(struct fixture *f)
{
	struct certs_config config = { .dir = f->dir, .uid = getuid(), .gid = getgid(),
				       .changed = on_changed, .userdata = f };

	assert_int_equal(guard_allow(&config.guard, "127.0.0.1"), 0);
	assert_int_equal(certs_new(f->event, &config, &f->certs), 0);
}

#define RUN_UNTIL(f, condition)                                                 \
	do {                                                                    \
		while (!(condition))                                            \
			if (sd_event_run((f)->event, 30000000) <= 0)            \
				fail_msg("never: %s", #condition);              \
	} while (0)

/* Rules for CRL check @level: one for everybody, one for nobody's CA. */
static void set_rules(struct fixture *f, uint8_t level)
{
	struct link_credential methods[] = {
		{ .kind = LINK_CREDENTIAL_CERTIFICATE, .value = (uint8_t *)"CN=Root", .value_len = 7 },
		{ .kind = LINK_CREDENTIAL_CERTIFICATE, .value = (uint8_t *)"CN=None", .value_len = 7 },
	};
	struct link_credential_rule rules[] = {
		{ .methods = methods, .n_methods = 2 },
		{ .remote = { 2, { 10 } }, .remote_prefix = 8, .methods = methods + 1,
		  .n_methods = 1 },
	};
	struct link_credentials list = { .rules = rules, .n_rules = 2, .crl_check = level };

	assert_int_equal(certs_set_rules(f->certs, &list), 0);
}

static void set_up_with(void **state, bool is_revoked)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char roots[128];

	assert_non_null(f);
	assert_int_equal(crypto_init(), 0);
	strcpy(f->dir, "/tmp/test_certs.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(roots, sizeof(roots), "%s/roots", f->dir);
	assert_int_equal(mkdir(roots, 0755), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	make_cas(f, is_revoked);
	put(f, "host.crt", test_cert_pem(f->host.cert), 0644);
	put(f, "host.key", test_key_pem(f->host.key, NULL), 0400);
	put(f, "roots/root.crt", test_cert_pem(f->root.cert), 0644);
	start(f);
	set_rules(f, 1);
	RUN_UNTIL(f, f->n_changed);
	*state = f;
}

static int set_up(void **state)
{
	set_up_with(state, false);
	return 0;
}

static int set_up_revoked(void **state)
{
	set_up_with(state, true);
	return 0;
}

static int remove_it(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	test_web_stop(&f->web);
	(void)certs_free(f->certs);
	while (wait(NULL) > 0)
		;
	test_cert_free(&f->root);
	test_cert_free(&f->host);
	test_cert_free(&f->late_host);
	X509_CRL_free(f->crl);
	sd_event_unref(f->event);
	assert_int_equal(nftw(f->dir, remove_it, 8, FTW_DEPTH | FTW_PHYS), 0);
	test_free_all();
	free(f);
	return 0;
}

/* --- the questions ------------------------------------------------------------------------ */

static void on_proof(void *userdata, const struct ike_proof *proof)
{
	struct fixture *f = userdata;

	f->n_answers++;
	f->reason = proof->reason;
	assert_int_equal(proof->detail[0] == '\0', proof->reason == IKE_REASON_OK);
	(void)snprintf(f->name, sizeof(f->name), "%s", proof->name);
}

/* Our own certificate, signed by ourselves, as the peer's. */
static void begin_proof(struct fixture *f)
{
	struct ike_certificate_request ask = { .path = path, .auth = IKE_AUTH_RSA_SIG };
	struct ike_signature_request sign = { .path = path, .auth = IKE_AUTH_RSA_SIG,
					      .fingerprint_len = IKE_FINGERPRINT_LEN,
					      .hash = "01234567890123456789", .hash_len = 20 };
	struct ike_peer_cert cert = { .encoding = IKE_CERT_X509_SIGNATURE };
	struct ike_proof_request proof = { .path = path, .auth = IKE_AUTH_RSA_SIG,
					   .id_type = ID_DN, .certs = &cert, .n_certs = 1,
					   .hash = "01234567890123456789", .hash_len = 20 };
	struct ike_certificate certificate;
	struct ike_signature signature;

	certs_choose(f->certs, &ask, &certificate);
	assert_int_equal(certificate.reason, IKE_REASON_OK);
	assert_int_equal(certificate.n_chain, 1);
	memcpy(sign.fingerprint, certificate.fingerprint, IKE_FINGERPRINT_LEN);
	certs_sign(f->certs, &sign, &signature);
	assert_int_equal(signature.reason, IKE_REASON_OK);
	cert.der = certificate.chain[0];
	proof.id = certificate.subject;
	proof.signature = (struct bytes){ signature.bytes, signature.len };
	certs_prove(f->certs, &proof, on_proof, f);
	certs_certificate_clear(&certificate);
}

static enum ike_reason prove(struct fixture *f)
{
	int n = f->n_answers;

	begin_proof(f);
	RUN_UNTIL(f, f->n_answers > n);
	assert_string_equal(f->name, "CN=host");
	return f->reason;
}

/* --- tests -------------------------------------------------------------------------------- */

static void test_questions(void **state)
{
	struct ike_authorities_request ask = { .path = path };
	struct ike_authorities authorities;
	struct fixture *f = *state;
	uint8_t usable[3];

	certs_authorities(f->certs, &ask, &authorities);
	assert_int_equal(authorities.n_names, 1);
	assert_true(bytes_is_equal(authorities.names[0], test_name_der(f->root.cert)));
	certs_authorities_clear(&authorities);
	certs_usable(f->certs, usable, 3);
	assert_int_equal(usable[0], 1 << IKE_AUTH_RSA_SIG);
	assert_int_equal(usable[1], 0);
	assert_int_equal(usable[2], 0);
	assert_int_equal(prove(f), IKE_REASON_OK);
	assert_int_equal(test_web_count(&f->web), 1);
}

static void test_excluded(void **state)
{
	struct link_credential methods[] = {
		{ .kind = LINK_CREDENTIAL_PSK, .value = (uint8_t *)"x", .value_len = 1 },
		{ .kind = LINK_CREDENTIAL_CERTIFICATE, .value = (uint8_t *)"CN=Root", .value_len = 7,
		  .excludes_ca_name = true },
	};
	struct link_credential_rule rule = { .methods = methods, .n_methods = 2 };
	struct link_credentials list = { .rules = &rule, .n_rules = 1, .crl_check = 1 };
	struct ike_authorities_request ask = { .path = path };
	struct ike_authorities authorities;
	struct fixture *f = *state;

	assert_int_equal(certs_set_rules(f->certs, &list), 0);
	certs_authorities(f->certs, &ask, &authorities);
	assert_int_equal(authorities.n_names, 0);
	certs_authorities_clear(&authorities);
	assert_int_equal(prove(f), IKE_REASON_OK);
}

/* Nobody gets a signature that is not for the two addresses' rule. */
static void test_signature_is_bound(void **state)
{
	struct ike_certificate_request ask = { .path = path, .auth = IKE_AUTH_RSA_SIG };
	struct ike_signature_request sign = { .path = path, .auth = IKE_AUTH_RSA_SIG,
					      .fingerprint_len = IKE_FINGERPRINT_LEN, .hash_len = 20 };
	struct ike_certificate certificate;
	struct ike_signature signature;
	struct fixture *f = *state;

	certs_choose(f->certs, &ask, &certificate);
	memcpy(sign.fingerprint, certificate.fingerprint, IKE_FINGERPRINT_LEN);
	certs_certificate_clear(&certificate);
	sign.path.remote.bytes[0] = 10;
	certs_sign(f->certs, &sign, &signature);
	assert_int_equal(signature.reason, IKE_REASON_NO_CERTIFICATE);
	assert_int_equal(signature.len, 0);
	sign.path = path;
	sign.hash_len = 19;
	certs_sign(f->certs, &sign, &signature);
	assert_int_not_equal(signature.reason, IKE_REASON_OK);
	sign.hash_len = 20;
	sign.fingerprint[0] ^= 1;
	certs_sign(f->certs, &sign, &signature);
	assert_int_equal(signature.reason, IKE_REASON_NO_CERTIFICATE);
}

static void test_no_certificate(void **state)
{
	struct ike_certificate_request ask = { .path = path, .auth = IKE_AUTH_ECDSA_256 };
	struct ike_certificate certificate;
	struct fixture *f = *state;

	certs_choose(f->certs, &ask, &certificate);
	assert_int_equal(certificate.reason, IKE_REASON_CERT_TYPE);
	assert_string_equal(certificate.name, "");
	assert_int_equal(certificate.fingerprint_len + certificate.n_chain, 0);
	certs_certificate_clear(&certificate);
	ask.path.remote.bytes[0] = 10;
	certs_choose(f->certs, &ask, &certificate);
	assert_int_equal(certificate.reason, IKE_REASON_NO_CERTIFICATE);
	certs_certificate_clear(&certificate);
}

/* The peer has been revoked, which only the CRL that is fetched says. */
static void test_revoked(void **state)
{
	struct fixture *f = *state;

	set_rules(f, 0);
	assert_int_equal(prove(f), IKE_REASON_OK);
	assert_int_equal(test_web_count(&f->web), 0);
	set_rules(f, 1);
	assert_int_equal(prove(f), IKE_REASON_PEER_CRL);
	assert_int_equal(test_web_count(&f->web), 1);
}

static void test_unreachable(void **state)
{
	struct fixture *f = *state;
	uint8_t level;

	test_web_stop(&f->web);
	for (level = 0; level <= 2; level++) {
		set_rules(f, level);
		assert_int_equal(prove(f), level == 2 ? IKE_REASON_PEER_CRL : IKE_REASON_OK);
	}
	test_web_start(&f->web, (struct bytes){ (const uint8_t *)"", 0 });
}

/* Many ask at once: one fetch, and all are answered by it. */
static void test_one_fetch(void **state)
{
	struct fixture *f = *state;

	set_rules(f, 2);
	put(f, "host.crt", test_cert_pem(f->late_host.cert), 0644);
	put(f, "late.key", test_key_pem(f->late_host.key, NULL), 0400);
	f->n_changed = 0;
	certs_read_again(f->certs);
	RUN_UNTIL(f, f->n_changed);
	for (int i = 0; i < CERTS_WAITING_MAX + 3; i++)
		begin_proof(f);
	assert_int_equal(f->n_answers, 3);
	assert_int_equal(f->reason, IKE_REASON_PEER_CRL);
	RUN_UNTIL(f, f->n_answers == CERTS_WAITING_MAX + 3);
	assert_int_equal(f->reason, IKE_REASON_OK);
	assert_int_equal(test_web_count(&f->web), 1);
}

/* Who waits for CRLs is not taken by rules that are gone. */
static void test_rules_change(void **state)
{
	struct fixture *f = *state;

	begin_proof(f);
	assert_int_equal(f->n_answers, 0);
	set_rules(f, 1);
	assert_int_equal(f->n_answers, 1);
	assert_int_equal(f->reason, IKE_REASON_POLICY_CHANGE);
}

#define CASE(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE("K05 K33 the questions of main mode", test_questions),
		CASE("K33 a CA whose name is not sent", test_excluded),
		CASE("K05 a signature is for the two addresses' rule", test_signature_is_bound),
		CASE("K30 no certificate", test_no_certificate),
		{ "K38 revoked: 0 passes, 1 fails", test_revoked, set_up_revoked, tear_down, NULL },
		CASE("K38 CRL not to be had: only 2 fails", test_unreachable),
		CASE("K38 one fetch for many", test_one_fetch),
		CASE("K38 rules change while CRLs are fetched", test_rules_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
