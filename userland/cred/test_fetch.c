// SPDX-License-Identifier: MIT
/* Fetching CRLs from servers that are good, slow, endless, or not what they say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cred/fetch.h"
#include "cred/test_web.h"

#define SECONDS 2

struct fixture {
	sd_event *event;
	struct fetch *fetch;
	struct test_web web;
	uint8_t crl[100000];
	char url[256];
	int n_done, error;
	size_t n_good;
	bool is_crl;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_done(void *userdata, const char *url, int error, struct bytes data)
{
	struct fixture *f = userdata;

	assert_non_null(url);
	f->n_done++;
	f->error = error;
	f->is_crl = bytes_is_equal(data, (struct bytes){ f->crl, sizeof(f->crl) });
	f->n_good += !error && f->is_crl;
}

static void start(struct fixture *f, const char *permitted)
{
	struct fetch_config config = { .seconds = SECONDS, .done = on_done, .userdata = f };

	if (permitted)
		assert_int_equal(guard_allow(&config.guard, permitted), 0);
	assert_int_equal(fetch_new(f->event, &config, &f->fetch), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (size_t i = 0; i < sizeof(f->crl); i++)
		f->crl[i] = (uint8_t)(i * 7 >> 3);
	assert_true(sd_event_new(&f->event) >= 0);
	test_web_start(&f->web, (struct bytes){ f->crl, sizeof(f->crl) });
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	test_web_stop(&f->web);
	f->fetch = fetch_free(f->fetch);
	assert_true(wait(NULL) > 0);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

#define RUN_UNTIL(f, condition)                                                 \
	do {                                                                    \
		while (!(condition))                                            \
			if (sd_event_run((f)->event, 30000000) <= 0)            \
				fail_msg("never: %s", #condition);              \
	} while (0)

static int get(struct fixture *f, const char *url)
{
	int n = f->n_done;

	assert_int_equal(fetch_begin(f->fetch, url), 0);
	assert_int_equal(f->n_done, n);
	RUN_UNTIL(f, f->n_done > n);
	return f->error;
}

static const char *http(struct fixture *f, const char *path)
{
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u%s", f->web.http_port, path);
	return f->url;
}

static const char *ldap(struct fixture *f, const char *base)
{
	(void)snprintf(f->url, sizeof(f->url),
		       "ldap://127.0.0.1:%u/%s?certificateRevocationList;binary?base", f->web.ldap_port, base);
	return f->url;
}

/* --- tests -------------------------------------------------------------------------------- */

static void test_http(void **state)
{
	static const struct { const char *path; int error; } paths[] = {
		{ "/404", -ENOENT }, { "/empty", -EPROTO }, { "/redirect", -ELOOP },
		{ "/big", -EFBIG }, { "/long", -EFBIG }, { "/junk", -EPROTO },
		{ "/closed", -EPROTO }, { "/slow", -ETIMEDOUT }, { "/good", 0 },
	};
	struct fixture *f = *state;

	start(f, "127.0.0.0/8");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		uint64_t before = now_ms();

		assert_int_equal(get(f, http(f, paths[i].path)), paths[i].error);
		assert_true(now_ms() - before < 1000 * (SECONDS + 10));
	}
	assert_true(f->is_crl);
}

static void test_ldap(void **state)
{
	struct fixture *f = *state;

	start(f, "127.0.0.0/8");
	assert_int_equal(get(f, ldap(f, "cn=ca,dc=example")), 0);
	assert_true(f->is_crl);
	assert_int_equal(get(f, ldap(f, "cn=none")), -ENOENT);
	assert_int_not_equal(get(f, ldap(f, "cn=junk")), 0);
	assert_int_not_equal(get(f, ldap(f, "cn=big")), 0);
	assert_int_equal(get(f, "ldap:///cn=ca?certificateRevocationList"), -EINVAL);
	assert_int_equal(get(f, ldap(f, "cn=ca,dc=example")), 0);
}

static void test_schemes(void **state)
{
	static const char *const never[] = {
		"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "https://127.0.0.1/",
		"ldaps://127.0.0.1/", "ldapi:///", "dict://127.0.0.1/",
	};
	struct fixture *f = *state;

	start(f, "127.0.0.0/8");
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_int_equal(get(f, never[i]), -EPROTONOSUPPORT);
	(void)snprintf(f->url, sizeof(f->url), "http://user:secret@127.0.0.1:%u/good",
		       f->web.http_port);
	assert_int_not_equal(get(f, f->url), 0);
	assert_int_equal(get(f, "http://localhost.invalid/"), -EHOSTUNREACH);
	assert_int_equal(test_web_count(&f->web), 0);
}

/* Without leave nothing on this machine or its network is asked, whatever it is called. */
static void test_guarded(void **state)
{
	static const char *const hosts[] = {
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "0x7f000001",
		"169.254.169.254", "10.0.0.1", "192.168.1.1",
	};
	struct fixture *f = *state;

	start(f, NULL);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		(void)snprintf(f->url, sizeof(f->url), "http://%s:%u/good", hosts[i],
			       f->web.http_port);
		assert_int_equal(get(f, f->url), -EACCES);
	}
	assert_int_equal(get(f, ldap(f, "cn=ca")), -EACCES);
	assert_int_equal(test_web_count(&f->web), 0);
}

/* Slow servers do not keep others waiting, until there are too many of them; and nobody is forgotten. */
static void test_many(void **state)
{
	struct fixture *f = *state;

	start(f, "127.0.0.0/8");
	for (int i = 0; i < FETCH_PROCESSES_MAX - 1; i++)
		assert_int_equal(fetch_begin(f->fetch, http(f, "/slow")), 0);
	assert_int_equal(get(f, http(f, "/good")), 0);
	assert_int_equal(f->n_done, 1);
	for (int i = 0; i < 2 * FETCH_PROCESSES_MAX; i++)
		assert_int_equal(fetch_begin(f->fetch, http(f, "/good")), 0);
	RUN_UNTIL(f, f->n_done == 3 * FETCH_PROCESSES_MAX);
	assert_int_equal(f->n_good, 1 + 2 * FETCH_PROCESSES_MAX);
}

static void test_guard(void **state)
{
	static const char *const open[] = { "192.0.3.1", "8.8.8.8", "2600::1", "64:ff9b::808:808" };
	static const char *const closed[] = {
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.31.255.255",
		"192.168.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00::1",
		"ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::",
	};
	struct guard guard = { 0 };
	struct ip_addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		assert_int_equal(ip_addr_parse(open[i], &addr), 0);
		assert_true(guard_permits(&guard, &addr));
	}
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		assert_int_equal(ip_addr_parse(closed[i], &addr), 0);
		assert_false(guard_permits(&guard, &addr));
	}
	assert_false(guard_permits(&guard, &(struct ip_addr){ 0 }));
	assert_int_equal(guard_allow(&guard, "10.0.0.0/8"), 0);
	assert_int_equal(guard_allow(&guard, "fd00::1"), 0);
	assert_int_equal(guard_allow(&guard, "example.com"), -EINVAL);
	assert_int_equal(guard_allow(&guard, "10.0.0.0/33"), -EINVAL);
	assert_int_equal(ip_addr_parse("::ffff:10.0.0.1", &addr), 0);
	assert_true(guard_permits(&guard, &addr));
	assert_int_equal(ip_addr_parse("fd00::1", &addr), 0);
	assert_true(guard_permits(&guard, &addr));
	assert_int_equal(ip_addr_parse("fd00::2", &addr), 0);
	assert_false(guard_permits(&guard, &addr));
	for (size_t i = 2; i < GUARD_PREFIXES_MAX; i++)
		assert_int_equal(guard_allow(&guard, "10.0.0.1"), 0);
	assert_int_equal(guard_allow(&guard, "10.0.0.1"), -ENOBUFS);
}

#define CASE(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "K38 addresses that CRLs may come from", test_guard, NULL, NULL, NULL },
		CASE("K38 CRLs over HTTP", test_http),
		CASE("K38 CRLs over LDAP", test_ldap),
		CASE("K38 no other schemes", test_schemes),
		CASE("K38 nothing of this machine or its network", test_guarded),
		CASE("K38 slow servers keep nobody waiting", test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
