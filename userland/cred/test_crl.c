// SPDX-License-Identifier: MIT
/* Revocation: what CRLs say, and when they are fetched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cred/chain.h"
#include "cred/crl.h"
#include "cred/proof.h"
#include "cred/test_ca.h"
#include "ike/crypto.h"

#define URL "http://crl.example.com/root.crl"

static struct test_cert root, sub, host, sub_host, fetched_host;

static struct test_cert make(const char *subject, const struct test_cert *issuer, const char *cdp)
{
	return test_cert_make(&(struct test_wish){ .subject = subject, .issuer = issuer, .cdp = cdp,
						   .is_ca = subject[3] == 'C' });
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(crypto_init(), 0);
	root = make("CN=CA", NULL, NULL);
	sub = make("CN=CA below", &root, NULL);
	host = make("CN=host", &root, NULL);
	sub_host = make("CN=host below", &sub, NULL);
	fetched_host = make("CN=host with URL", &root, "URI:" URL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_cert_free(&root);
	test_cert_free(&sub);
	test_cert_free(&host);
	test_cert_free(&sub_host);
	test_cert_free(&fetched_host);
	test_free_all();
	return 0;
}

static STACK_OF(X509) *chain_of(const struct test_cert *leaf)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	sk_X509_push(chain, leaf->cert);
	if (leaf == &sub_host)
		sk_X509_push(chain, sub.cert);
	sk_X509_push(chain, root.cert);
	return chain;
}

/* --- CRLs in the store -------------------------------------------------------------------- */

static enum crl_status status(struct crls *crls, const struct test_cert *leaf)
{
	STACK_OF(X509) *chain = chain_of(leaf);
	struct crl_verdict verdict = crls_check(crls, chain, time(NULL), false);

	assert_false(verdict.is_waiting);
	sk_X509_free(chain);
	return verdict.status;
}

/* With these CRLs; NULL-terminated. */
static enum crl_status status_with(X509_CRL *const *list, const struct test_cert *leaf)
{
	struct crls *crls = crls_new(&(struct crls_config){ 0 });
	STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
	enum crl_status result;

	for (size_t i = 0; list[i]; i++)
		sk_X509_CRL_push(stack, list[i]);
	crls_set_store(crls, stack);
	result = status(crls, leaf);
	/* the second time the signature is known */
	assert_int_equal(status(crls, leaf), result);
	sk_X509_CRL_free(stack);
	(void)crls_free(crls);
	return result;
}

static enum crl_status status_by(const struct test_crl_wish *wish, const struct test_cert *leaf)
{
	X509_CRL *list[] = { test_crl_make(wish), NULL };
	enum crl_status result = status_with(list, leaf);

	X509_CRL_free(list[0]);
	return result;
}

static const X509 *revoked_host[2];

static void test_status(void **state)
{
	X509_CRL *const none[] = { NULL };

	(void)state;
	revoked_host[0] = host.cert;
	assert_int_equal(status_with(none, &host), CRL_STATUS_UNKNOWN);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root }, &host),
			 CRL_STATUS_GOOD);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root,
							    .revoked = revoked_host }, &host),
			 CRL_STATUS_REVOKED);
	/* out of date: it says who was revoked, not who was not */
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root, .from = -3, .to = -1 },
				   &host), CRL_STATUS_UNKNOWN);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root, .from = -3, .to = -1,
							    .revoked = revoked_host }, &host),
			 CRL_STATUS_REVOKED);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root, .from = 1, .to = 2,
							    .revoked = revoked_host }, &host),
			 CRL_STATUS_UNKNOWN);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root, .from = -1,
							    .to = -1000 }, &host),
			 CRL_STATUS_UNKNOWN);
}

static void test_not_ours(void **state)
{
	struct test_cert imposter = test_cert_make(&(struct test_wish){
		.subject = "CN=CA", .key = "RSA1032", .is_ca = true });
	struct test_cert no_crls = test_cert_make(&(struct test_wish){
		.subject = "CN=CA", .basic = "critical,CA:TRUE", .usage = "critical,keyCertSign" });
	X509_CRL *crl = test_crl_make(&(struct test_crl_wish){ .issuer = &root });
	X509_CRL *const list[] = { crl, NULL };
	struct crls *crls = crls_new(&(struct crls_config){ 0 });
	STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
	STACK_OF(X509) *chain = chain_of(&host);

	(void)state;
	/* signed by somebody else: neither good nor revoked */
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &imposter }, &host),
			 CRL_STATUS_UNKNOWN);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &imposter,
							    .revoked = revoked_host }, &host),
			 CRL_STATUS_UNKNOWN);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root, .hash = "MD5" }, &host),
			 CRL_STATUS_UNKNOWN);
	/* a CA that may not sign CRLs */
	sk_X509_CRL_push(stack, list[0]);
	crls_set_store(crls, stack);
	sk_X509_set(chain, 1, no_crls.cert);
	assert_int_equal(crls_check(crls, chain, time(NULL), false).status, CRL_STATUS_UNKNOWN);
	sk_X509_free(chain);
	sk_X509_CRL_free(stack);
	(void)crls_free(crls);
	X509_CRL_free(crl);
	test_cert_free(&imposter);
	test_cert_free(&no_crls);
}

/* CRLs about a part of the certificates say nothing about the others. */
static void test_partial(void **state)
{
	static const struct { const char *idp; enum crl_status of_host; } kinds[] = {
		{ "onlyuser:TRUE", CRL_STATUS_GOOD },
		{ "onlyCA:TRUE", CRL_STATUS_UNKNOWN },
		{ "onlyAA:TRUE", CRL_STATUS_UNKNOWN },
		{ "indirectCRL:TRUE", CRL_STATUS_UNKNOWN },
		{ "onlysomereasons:keyCompromise", CRL_STATUS_UNKNOWN },
		{ "fullname:URI:" URL, CRL_STATUS_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root,
								    .idp = kinds[i].idp }, &host),
				 kinds[i].of_host);
	assert_int_equal(status_by(&(struct test_crl_wish){ .issuer = &root,
							    .idp = "fullname:URI:" URL },
				   &fetched_host), CRL_STATUS_GOOD);
}

static void test_newest(void **state)
{
	X509_CRL *old = test_crl_make(&(struct test_crl_wish){ .issuer = &root, .from = -2, .to = 3 });
	X509_CRL *new = test_crl_make(&(struct test_crl_wish){ .issuer = &root,
							       .revoked = revoked_host });
	X509_CRL *list[] = { old, new, NULL }, *reverse[] = { new, old, NULL };

	(void)state;
	assert_int_equal(status_with(list, &host), CRL_STATUS_REVOKED);
	assert_int_equal(status_with(reverse, &host), CRL_STATUS_REVOKED);
	X509_CRL_free(old);
	X509_CRL_free(new);
}

static void test_whole_chain(void **state)
{
	const X509 *revoked[] = { sub.cert, NULL };
	X509_CRL *of_root = test_crl_make(&(struct test_crl_wish){ .issuer = &root });
	X509_CRL *bad_root = test_crl_make(&(struct test_crl_wish){ .issuer = &root,
								    .revoked = revoked });
	X509_CRL *of_sub = test_crl_make(&(struct test_crl_wish){ .issuer = &sub });

	(void)state;
	assert_int_equal(status_with((X509_CRL *[]){ of_sub, of_root, NULL }, &sub_host),
			 CRL_STATUS_GOOD);
	assert_int_equal(status_with((X509_CRL *[]){ of_sub, NULL }, &sub_host),
			 CRL_STATUS_UNKNOWN);
	assert_int_equal(status_with((X509_CRL *[]){ of_root, NULL }, &sub_host),
			 CRL_STATUS_UNKNOWN);
	assert_int_equal(status_with((X509_CRL *[]){ of_sub, bad_root, NULL }, &sub_host),
			 CRL_STATUS_REVOKED);
	X509_CRL_free(of_root);
	X509_CRL_free(bad_root);
	X509_CRL_free(of_sub);
}

/* --- levels ------------------------------------------------------------------------------- */

static enum ike_reason reason_at(enum crl_check level, const struct test_crl_wish *wish)
{
	struct crls *crls = crls_new(&(struct crls_config){ 0 });
	STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
	struct proof proof = { .detail = "", .chain = sk_X509_new_null() };
	X509_CRL *crl = wish ? test_crl_make(wish) : NULL;
	enum ike_reason reason;

	sk_X509_push(proof.chain, host.cert);
	sk_X509_push(proof.chain, root.cert);
	(void)X509_up_ref(host.cert);
	(void)X509_up_ref(root.cert);
	if (crl)
		sk_X509_CRL_push(stack, crl);
	crls_set_store(crls, stack);
	assert_false(proof_check_crls(&proof, crls, level, time(NULL), true));
	reason = proof.reason;
	proof_clear(&proof);
	sk_X509_CRL_pop_free(stack, X509_CRL_free);
	(void)crls_free(crls);
	return reason;
}

static void test_levels(void **state)
{
	struct test_crl_wish good = { .issuer = &root };
	struct test_crl_wish revoked = { .issuer = &root, .revoked = revoked_host };
	struct test_crl_wish expired = { .issuer = &root, .from = -3, .to = -1 };

	(void)state;
	for (int level = CRL_CHECK_NONE; level <= CRL_CHECK_STRONG; level++) {
		enum ike_reason if_revoked = level ? IKE_REASON_PEER_CRL : IKE_REASON_OK;
		enum ike_reason if_unknown = level == 2 ? IKE_REASON_PEER_CRL : IKE_REASON_OK;

		assert_int_equal(reason_at(level, &good), IKE_REASON_OK);
		assert_int_equal(reason_at(level, &revoked), if_revoked);
		assert_int_equal(reason_at(level, &expired), if_unknown);
		assert_int_equal(reason_at(level, NULL), if_unknown);
	}
}

/* --- fetching ----------------------------------------------------------------------------- */

struct fetcher {
	int n;
	int error;		/* of the attempt itself */
	char url[CRL_URL_MAX_LEN + 1];
};

static int fetch(void *userdata, const char *url)
{
	struct fetcher *fetcher = userdata;

	fetcher->n++;
	strcpy(fetcher->url, url);
	return fetcher->error;
}

static struct crl_verdict check_at(struct crls *crls, const struct test_cert *leaf, time_t now)
{
	STACK_OF(X509) *chain = chain_of(leaf);
	struct crl_verdict verdict = crls_check(crls, chain, now, true);

	sk_X509_free(chain);
	return verdict;
}

static void test_fetch(void **state)
{
	X509_CRL *crl = test_crl_make(&(struct test_crl_wish){ .issuer = &root });
	struct bytes der = test_crl_der(crl);
	struct fetcher fetcher = { 0 };
	struct crls *crls = crls_new(&(struct crls_config){ fetch, &fetcher });
	time_t now = time(NULL);

	(void)state;
	/* without leave nothing is fetched, and who names no place has none */
	assert_int_equal(status(crls, &fetched_host), CRL_STATUS_UNKNOWN);
	assert_false(check_at(crls, &host, now).is_waiting);
	assert_int_equal(fetcher.n, 0);
	/* one at a time */
	assert_true(check_at(crls, &fetched_host, now).is_waiting);
	assert_true(check_at(crls, &fetched_host, now).is_waiting);
	assert_int_equal(fetcher.n, 1);
	assert_string_equal(fetcher.url, URL);
	crls_fetched(crls, URL, 0, der);
	assert_int_equal(check_at(crls, &fetched_host, now).status, CRL_STATUS_GOOD);
	assert_int_equal(check_at(crls, &host, now).status, CRL_STATUS_GOOD);
	assert_int_equal(fetcher.n, 1);
	/* until it is out of date */
	assert_true(check_at(crls, &fetched_host, now + 2 * TEST_DAY).is_waiting);
	assert_int_equal(fetcher.n, 2);
	(void)crls_free(crls);
	X509_CRL_free(crl);
}

/* What failed is not tried again for a minute: not there, no CRL, somebody else's CRL. */
static void test_negative(void **state)
{
	struct test_cert imposter = test_cert_make(&(struct test_wish){
		.subject = "CN=CA", .key = "RSA1032", .is_ca = true });
	X509_CRL *crl = test_crl_make(&(struct test_crl_wish){ .issuer = &imposter });
	const struct { int error; struct bytes der; } answers[] = {
		{ -ETIMEDOUT, { 0 } }, { 0, { 0 } }, { 0, { (const uint8_t *)"<html>", 6 } },
		{ 0, test_crl_der(crl) },
	};
	time_t now = time(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct fetcher fetcher = { 0 };
		struct crls *crls = crls_new(&(struct crls_config){ fetch, &fetcher });

		assert_true(check_at(crls, &fetched_host, now).is_waiting);
		crls_fetched(crls, URL, answers[i].error, answers[i].der);
		assert_false(check_at(crls, &fetched_host, now).is_waiting);
		assert_int_equal(check_at(crls, &fetched_host, now + 59).status, CRL_STATUS_UNKNOWN);
		assert_int_equal(fetcher.n, 1);
		assert_true(check_at(crls, &fetched_host, now + 60).is_waiting);
		assert_int_equal(fetcher.n, 2);
		(void)crls_free(crls);
	}
	X509_CRL_free(crl);
	test_cert_free(&imposter);
}

static void test_places(void **state)
{
	static const char *const never[] = {
		"URI:file:///etc/passwd", "URI:gopher://example.com/", "URI:https://example.com/x",
		"URI:ldaps://example.com/x", "DNS:example.com", "URI:http", "URI:http://a b/",
	};
	struct test_cert two = make("CN=two", &root, "URI:" URL ",URI:ldap://example.com/cn=x");
	struct fetcher fetcher = { 0 };
	struct crls *crls = crls_new(&(struct crls_config){ fetch, &fetcher });
	time_t now = time(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		struct test_cert cert = make("CN=never", &root, never[i]);

		assert_false(check_at(crls, &cert, now).is_waiting);
		test_cert_free(&cert);
	}
	assert_int_equal(fetcher.n, 0);
	/* the second place when the first one had nothing */
	assert_true(check_at(crls, &two, now).is_waiting);
	crls_fetched(crls, URL, -ENOENT, (struct bytes){ 0 });
	assert_true(check_at(crls, &two, now).is_waiting);
	assert_string_equal(fetcher.url, "ldap://example.com/cn=x");
	crls_fetched(crls, fetcher.url, -ENOENT, (struct bytes){ 0 });
	assert_false(check_at(crls, &two, now).is_waiting);
	fetcher.error = -ENOBUFS;
	assert_false(check_at(crls, &two, now + 60).is_waiting);
	crls_fetched(crls, "http://never/asked", 0, (struct bytes){ 0 });
	(void)crls_free(crls);
	test_cert_free(&two);
}

/* As many places as certificates name, and no memory for more than a fixed number. */
static void test_many_places(void **state)
{
	struct fetcher fetcher = { 0 };
	struct crls *crls = crls_new(&(struct crls_config){ fetch, &fetcher });
	time_t now = time(NULL);

	(void)state;
	for (int i = 0; i < CRL_URLS_MAX + 20; i++) {
		char cdp[64];
		struct test_cert cert;

		(void)snprintf(cdp, sizeof(cdp), "URI:http://example.com/%d", i);
		cert = make("CN=many", &root, cdp);
		assert_int_equal(check_at(crls, &cert, now + i).is_waiting, i < CRL_URLS_MAX || i > CRL_URLS_MAX);
		if (i >= CRL_URLS_MAX)
			crls_fetched(crls, i == CRL_URLS_MAX ? "http://example.com/0" : cdp + 4,
				     -ENOENT, (struct bytes){ 0 });
		test_cert_free(&cert);
	}
	(void)crls_free(crls);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K38 what a CRL says", test_status),
		TEST("K38 CRLs that are not the issuer's", test_not_ours),
		TEST("K38 CRLs about a part", test_partial),
		TEST("K38 the newest CRL counts", test_newest),
		TEST("K38 CAs can be revoked too", test_whole_chain),
		TEST("K38 levels 0, 1 and 2", test_levels),
		TEST("K38 a CRL is fetched once, and kept until it is out of date", test_fetch),
		TEST("K38 what could not be fetched is not tried again for a minute", test_negative),
		TEST("K38 where CRLs are fetched from", test_places),
		TEST("K38 places are bounded", test_many_places),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
