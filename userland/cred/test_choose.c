// SPDX-License-Identifier: MIT
/* The store, and which certificate of it goes to a peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cred/choose.h"
#include "cred/name.h"
#include "cred/store.h"
#include "cred/test_ca.h"
#include "cred/trust.h"
#include "ike/crypto.h"
#include "link/messages.h"

static struct test_cert root_a, root_b, sub_a;

static int set_up_cas(void **state)
{
	(void)state;
	assert_int_equal(crypto_init(), 0);
	root_a = test_cert_make(&(struct test_wish){ .subject = "O=Example,CN=Root A", .is_ca = true });
	root_b = test_cert_make(&(struct test_wish){ .subject = "O=Example,CN=Root B", .is_ca = true });
	sub_a = test_cert_make(&(struct test_wish){ .subject = "O=Example,CN=Sub A",
						    .issuer = &root_a, .is_ca = true });
	return 0;
}

static int tear_down_cas(void **state)
{
	(void)state;
	test_cert_free(&root_a);
	test_cert_free(&root_b);
	test_cert_free(&sub_a);
	test_free_all();
	return 0;
}

/* --- a store and a rule ------------------------------------------------------------------- */

struct scene {
	struct store *store;
	struct trust *trust;
	struct crls *crls;
	struct choice choice;
};

static void put(struct scene *scene, enum store_folder folder, const char *file,
		struct bytes contents)
{
	if (!scene->store)
		scene->store = store_new();
	assert_non_null(scene->store);
	if (store_wants(folder, file))
		store_add(scene->store, folder, file, contents, store_may_have_key(folder, file));
}

static void put_roots(struct scene *scene)
{
	put(scene, STORE_ROOTS, "a.crt", test_cert_pem(root_a.cert));
	put(scene, STORE_ROOTS, "b.crt", test_cert_pem(root_b.cert));
}

static void put_host(struct scene *scene, const char *name, const struct test_cert *cert)
{
	char file[64];

	(void)snprintf(file, sizeof(file), "%s.crt", name);
	put(scene, STORE_OWN, file, test_cert_pem(cert->cert));
	(void)snprintf(file, sizeof(file), "%s.key", name);
	if (cert->key)
		put(scene, STORE_OWN, file, test_key_pem(cert->key, NULL));
}

/* A rule for everybody with these CAs; NULL-terminated. */
static void rule(struct scene *scene, const char *const *cas)
{
	struct link_credential methods[8] = { 0 };
	struct link_credential_rule one = { .methods = methods };
	struct link_credentials list = { .rules = &one, .n_rules = 1 };
	const struct crls_config config = { 0 };

	for (size_t i = 0; cas[i]; i++)
		methods[one.n_methods++] = (struct link_credential){
			.kind = LINK_CREDENTIAL_CERTIFICATE, .value = (uint8_t *)cas[i],
			.value_len = strlen(cas[i]),
		};
	scene->trust = trust_new(&list);
	scene->crls = crls_new(&config);
	assert_non_null(scene->trust);
	assert_non_null(scene->crls);
	store_finish(scene->store);
	trust_resolve(scene->trust, scene->store);
	trust_complain(scene->trust);
	crls_set_store(scene->crls, store_crls(scene->store));
}

#define RULE(scene, ...) rule(scene, (const char *const[]){ __VA_ARGS__, NULL })

static const struct choice *ask(struct scene *scene, enum ike_auth auth,
				const struct bytes *authorities, size_t n)
{
	const struct choice_context context = { scene->store, scene->crls, CRL_CHECK_KNOWN,
						time(NULL) };

	choice_clear(&scene->choice);
	scene->choice = choose(&context, trust_rule(scene->trust, 0), auth, authorities, n);
	return &scene->choice;
}

static void leave(struct scene *scene)
{
	choice_clear(&scene->choice);
	(void)trust_free(scene->trust);
	(void)crls_free(scene->crls);
	(void)store_free(scene->store);
}

static void expect_cert(struct scene *scene, const struct bytes *authorities, size_t n,
			const struct test_cert *wanted)
{
	const struct choice *choice = ask(scene, IKE_AUTH_RSA_SIG, authorities, n);

	assert_int_equal(choice->reason, IKE_REASON_OK);
	assert_int_equal(X509_cmp(choice->own->cert, wanted->cert), 0);
}

static struct test_cert host(const char *subject, const struct test_cert *issuer)
{
	return test_cert_make(&(struct test_wish){ .subject = subject, .issuer = issuer });
}

/* --- choosing ----------------------------------------------------------------------------- */

static void test_order(void **state)
{
	struct test_cert under_b = host("CN=first by name", &root_b);
	struct test_cert under_a = host("CN=second by name", &root_a);
	struct test_cert under_a2 = host("CN=third by name", &root_a);
	struct scene scene = { 0 };

	(void)state;
	put_roots(&scene);
	put_host(&scene, "1", &under_b);
	put_host(&scene, "2", &under_a);
	put_host(&scene, "3", &under_a2);
	RULE(&scene, "CN=Root A, O=Example", "CN=Root B, O=Example");
	expect_cert(&scene, NULL, 0, &under_a);
	scene.trust = trust_free(scene.trust);
	scene.crls = crls_free(scene.crls);
	RULE(&scene, "O=Example, CN=Root B", "O=Example, CN=Root A");
	expect_cert(&scene, NULL, 0, &under_b);
	leave(&scene);
	test_cert_free(&under_a);
	test_cert_free(&under_a2);
	test_cert_free(&under_b);
}

static void test_requests(void **state)
{
	struct test_cert under_a = host("CN=a", &sub_a), under_b = host("CN=b", &root_b);
	struct test_cert stranger = host("CN=nobody's CA", NULL);
	struct bytes for_b = test_name_der(root_b.cert), for_sub = test_name_der(sub_a.cert);
	struct bytes for_stranger = test_name_der(stranger.cert), any = { 0 };
	struct bytes two[] = { for_stranger, for_b }, junk = { (const uint8_t *)"junk", 4 };
	struct scene scene = { 0 };

	(void)state;
	put_roots(&scene);
	put(&scene, STORE_INTERMEDIATES, "sub.crt", test_cert_pem(sub_a.cert));
	put_host(&scene, "a", &under_a);
	put_host(&scene, "b", &under_b);
	RULE(&scene, "CN=Root A, O=Example", "CN=Root B, O=Example");
	expect_cert(&scene, &for_b, 1, &under_b);
	expect_cert(&scene, &for_sub, 1, &under_a);
	expect_cert(&scene, two, 2, &under_b);
	expect_cert(&scene, &any, 1, &under_a);
	/* K34: a CA that is not ours, K35: no request */
	expect_cert(&scene, &for_stranger, 1, &under_a);
	expect_cert(&scene, &junk, 1, &under_a);
	expect_cert(&scene, NULL, 0, &under_a);
	assert_int_equal(sk_X509_num(scene.choice.chain), 3);
	leave(&scene);
	test_cert_free(&under_a);
	test_cert_free(&under_b);
	test_cert_free(&stranger);
}

/* One certificate in the store; the reason why it is not chosen. */
static void expect_reason(const struct test_wish *wish, bool has_key, enum ike_auth auth,
			  enum ike_reason reason)
{
	struct test_cert cert = test_cert_make(wish);
	struct scene scene = { 0 };

	put_roots(&scene);
	put(&scene, STORE_OWN, "host.crt", test_cert_pem(cert.cert));
	if (has_key)
		put(&scene, STORE_OWN, "host.key", test_key_pem(cert.key, NULL));
	RULE(&scene, "CN=Root A, O=Example");
	assert_int_equal(ask(&scene, auth, NULL, 0)->reason, reason);
	leave(&scene);
	test_cert_free(&cert);
}

static void test_not_fit(void **state)
{
	struct test_wish wish = { .subject = "CN=host", .issuer = &root_a };

	(void)state;
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_OK);
	expect_reason(&wish, false, IKE_AUTH_RSA_SIG, IKE_REASON_NO_PRIVATE_KEY);
	expect_reason(&wish, true, IKE_AUTH_ECDSA_256, IKE_REASON_CERT_TYPE);
	wish.usage = "critical,keyEncipherment";
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_KEY_USAGE);
	wish.usage = "critical,nonRepudiation";
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_OK);
	wish.usage = NULL;
	wish.from = -3, wish.to = -1;
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_NO_CERTIFICATE);
	wish.from = 1, wish.to = 3;
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_NO_CERTIFICATE);
	wish.from = wish.to = 0;
	wish.issuer = &root_b;
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_NO_CERTIFICATE);
	wish.issuer = &root_a;
	wish.key = "RSA768";
	expect_reason(&wish, true, IKE_AUTH_RSA_SIG, IKE_REASON_KEY_TOO_SHORT);
	wish.key = "P-256";
	expect_reason(&wish, true, IKE_AUTH_ECDSA_256, IKE_REASON_OK);
	expect_reason(&wish, true, IKE_AUTH_ECDSA_384, IKE_REASON_CERT_TYPE);
}

static void test_any_purpose(void **state)
{
	static const char *const purposes[] = {
		"clientAuth", "critical,serverAuth", "1.3.6.1.5.5.8.2.2", "1.3.6.1.5.5.7.3.17",
		"critical,1.3.6.1.4.1.311.20.2.2", "codeSigning",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++)
		expect_reason(&(struct test_wish){ .subject = "CN=host", .issuer = &root_a,
						   .eku = purposes[i] },
			      true, IKE_AUTH_RSA_SIG, IKE_REASON_OK);
}

static void test_revoked(void **state)
{
	struct test_cert old = host("CN=old", &root_a), new = host("CN=new", &root_a);
	X509_CRL *crl = test_crl_make(&(struct test_crl_wish){
		.issuer = &root_a, .revoked = (const X509 *[]){ old.cert, NULL } });
	struct scene scene = { 0 };

	(void)state;
	put_roots(&scene);
	put(&scene, STORE_CRLS, "a.crl", test_crl_pem(crl));
	put_host(&scene, "1", &old);
	RULE(&scene, "CN=Root A, O=Example");
	assert_int_equal(ask(&scene, IKE_AUTH_RSA_SIG, NULL, 0)->reason, IKE_REASON_REVOKED);
	leave(&scene);
	scene = (struct scene){ 0 };
	put_roots(&scene);
	put(&scene, STORE_CRLS, "a.crl", test_crl_der(crl));
	put_host(&scene, "1", &old);
	put_host(&scene, "2", &new);
	RULE(&scene, "CN=Root A, O=Example");
	expect_cert(&scene, NULL, 0, &new);
	leave(&scene);
	X509_CRL_free(crl);
	test_cert_free(&old);
	test_cert_free(&new);
}

static void test_could_be(void **state)
{
	struct test_cert under_a = host("CN=a", &root_a), under_b = host("CN=b", &root_b);
	struct choice_context context;
	struct scene scene = { 0 };

	(void)state;
	put_roots(&scene);
	put_host(&scene, "a", &under_a);
	put_host(&scene, "b", &under_b);
	RULE(&scene, "CN=Root B, O=Example");
	context = (struct choice_context){ scene.store, scene.crls, CRL_CHECK_KNOWN, time(NULL) };
	assert_false(choose_could_be(&context, trust_rule(scene.trust, 0), IKE_AUTH_RSA_SIG,
				     store_own(scene.store, 0)));
	assert_true(choose_could_be(&context, trust_rule(scene.trust, 0), IKE_AUTH_RSA_SIG,
				    store_own(scene.store, 1)));
	assert_false(choose_could_be(&context, NULL, IKE_AUTH_RSA_SIG, store_own(scene.store, 1)));
	leave(&scene);
	test_cert_free(&under_a);
	test_cert_free(&under_b);
}

/* --- the store ---------------------------------------------------------------------------- */

static size_t own_count(struct scene *scene, bool has_key)
{
	size_t n = 0;

	store_finish(scene->store);
	for (size_t i = 0; i < store_n_own(scene->store); i++)
		n += (store_own(scene->store, i)->key != NULL) == has_key;
	return n;
}

static void test_passphrase(void **state)
{
	struct test_cert cert = host("CN=host", &root_a);
	struct scene scene = { 0 };

	(void)state;
	put(&scene, STORE_OWN, "host.crt", test_cert_pem(cert.cert));
	put(&scene, STORE_OWN, "host.key", test_key_pem(cert.key, "secret"));
	assert_int_equal(own_count(&scene, true), 0);
	assert_int_equal(own_count(&scene, false), 1);
	leave(&scene);
	test_cert_free(&cert);
}

/* One file with all; a key whose name says nothing; DER; what is no certificate. */
static void test_formats(void **state)
{
	struct test_cert one = host("CN=one", &sub_a), two = host("CN=two", &root_a);
	struct scene scene = { 0 };
	struct bytes chain = test_join(test_cert_pem(one.cert), test_cert_pem(sub_a.cert));
	static const uint8_t junk[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

	(void)state;
	put_roots(&scene);
	put(&scene, STORE_OWN, "one.pem", test_join(test_key_pem(one.key, NULL), chain));
	put(&scene, STORE_OWN, "two.cer", test_cert_der(two.cert));
	put(&scene, STORE_OWN, "other name.key", test_key_pem(two.key, NULL));
	put(&scene, STORE_OWN, "junk.crt", (struct bytes){ junk, sizeof(junk) - 1 });
	put(&scene, STORE_OWN, "junk.der", (struct bytes){ junk, 3 });
	put(&scene, STORE_OWN, "empty.pem", (struct bytes){ junk, 0 });
	put(&scene, STORE_OWN, "junk.key", (struct bytes){ junk, 20 });
	put(&scene, STORE_OWN, "notes.txt", test_cert_pem(two.cert));
	put(&scene, STORE_OWN, "two.p12", test_cert_pem(two.cert));
	put(&scene, STORE_ROOTS, "no-ca.crt", test_cert_pem(two.cert));
	assert_int_equal(own_count(&scene, true), 2);
	assert_int_equal(own_count(&scene, false), 0);
	assert_int_equal(sk_X509_num(store_intermediates(scene.store)), 1);
	assert_int_equal(sk_X509_num(store_roots(scene.store)), 2);
	assert_non_null(store_find_own(scene.store, store_own(scene.store, 1)->fingerprint));
	leave(&scene);
	test_cert_free(&one);
	test_cert_free(&two);
}

/* A key in a file that others can read, or in one that is not for keys, does not count. */
static void test_open_key(void **state)
{
	struct test_cert cert = host("CN=host", &root_a);
	struct bytes both = test_join(test_key_pem(cert.key, NULL), test_cert_pem(cert.cert));
	struct scene scene = { 0 };

	(void)state;
	put(&scene, STORE_OWN, "host.crt", both);
	assert_int_equal(own_count(&scene, true), 0);
	store_add(scene.store, STORE_OWN, "host.key", both, false);
	assert_int_equal(own_count(&scene, true), 0);
	store_add(scene.store, STORE_OWN, "host.key", both, true);
	assert_int_equal(own_count(&scene, true), 1);
	leave(&scene);
	test_cert_free(&cert);
}

static void test_bounds(void **state)
{
	struct test_cert cert = host("CN=host", &root_a);
	struct bytes pem = test_cert_pem(cert.cert), many = test_cert_pem(sub_a.cert);
	struct scene scene = { 0 };
	uint8_t *large = calloc(1, STORE_FILE_MAX_LEN + 1);

	(void)state;
	for (int i = 0; i < STORE_OWN_MAX + 5; i++)
		put(&scene, STORE_OWN, "host.crt", pem);
	assert_int_equal(store_n_own(scene.store), STORE_OWN_MAX);
	while (many.len < STORE_FILE_MAX_LEN / 2)
		many = test_join(many, many);
	put(&scene, STORE_ROOTS, "large.crt", (struct bytes){ large, STORE_FILE_MAX_LEN + 1 });
	for (int i = 0; i < 20; i++)
		put(&scene, STORE_INTERMEDIATES, "many.crt", many);
	assert_int_equal(sk_X509_num(store_intermediates(scene.store)), STORE_CERTS_MAX);
	assert_int_equal(sk_X509_num(store_roots(scene.store)), 0);
	free(large);
	leave(&scene);
	test_cert_free(&cert);
}

/* --- names -------------------------------------------------------------------------------- */

static bool is_name_of(const char *text, const struct test_cert *cert)
{
	struct name_text name = { 0 };
	bool is_same;

	if (name_text_parse(text, &name) < 0)
		return false;
	is_same = name_text_matches(&name, X509_get_subject_name(cert->cert));
	name_text_clear(&name);
	return is_same;
}

static void test_names(void **state)
{
	static const char *const same[] = {
		"C=US, S=Washington, O=\"Example, Inc.\", OU=A+CN=B, DC=example, DC=com",
		"C=US,ST=Washington,O=Example\\, Inc.,OU=A+CN=B,DC=example,DC=com",
		"dc=com; dc=example; ou=a + cn=b; o=EXAMPLE\\2c  inc.; s=washington; c=US",
	};
	static const char *const different[] = {
		"", "Example", "CN", "CN=", "=B", "C=US", "CN=\"B", "CN=B\\", "CN=a\\00b", "FOO=bar",
		"C=US, S=Washington, O=\"Example, Inc.\", OU=A, CN=B, DC=example, DC=com",
		"C=US, S=Washington, O=\"Example, Inc.\", OU=A+CN=B, DC=com, DC=example",
		"C=US, S=Washington, O=\"Example, Inc.\", OU=A+CN=B, DC=example, DC=com, CN=x",
	};
	struct test_cert cert = host(same[0], NULL);
	char *text = name_to_text(X509_get_subject_name(cert.cert));

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(is_name_of(same[i], &cert));
	for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
		assert_false(is_name_of(different[i], &cert));
	assert_string_equal(text, "DC=com, DC=example, OU=A + CN=B, O=Example\\, Inc., ST=Washington, C=US");
	assert_true(is_name_of(text, &cert));
	free(text);
	test_cert_free(&cert);
}

/* What is shown is short and in plain letters, whatever is in the certificate. */
static void test_name_text_is_tame(void **state)
{
	X509_NAME *name = X509_NAME_new();
	const char *odd = "\x1b[31m\xe2\x80\xae\xc3\xbc";
	char *text;

	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
							    (const uint8_t *)odd, -1, -1, 0), 1);
	text = name_to_text(name);
	assert_non_null(text);
	assert_true(strlen(text) <= IKE_NAME_MAX_LEN);
	for (const char *c = text; *c; c++)
		assert_true(*c >= ' ' && *c < 0x7f);
	assert_string_equal(text + strlen(text) - 3, "...");
	free(text);
	X509_NAME_free(name);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K32 the first certificate by the rule's order of CAs", test_order),
		TEST("K34 K35 requests: ours, another's, none", test_requests),
		TEST("K30 no private key 13820, nothing 13806, and the other reasons", test_not_fit),
		TEST("K31 any extended key usage", test_any_purpose),
		TEST("K38 an own certificate that has been revoked is not used", test_revoked),
		TEST("K32 only what the rule names signs", test_could_be),
		TEST("K37 a key that needs a passphrase is left out", test_passphrase),
		TEST("K29 what the store's files may be", test_formats),
		TEST("K29 a key that is open to others does not count", test_open_key),
		TEST("K29 bounds of the store", test_bounds),
		TEST("K32 names of CAs as people write them", test_names),
		TEST("K32 names as text", test_name_text_is_tame),
	};

	return cmocka_run_group_tests(tests, set_up_cas, tear_down_cas);
}
