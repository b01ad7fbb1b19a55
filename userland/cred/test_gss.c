// SPDX-License-Identifier: MIT
/*
 * Kerberos in ipsec-cred against KDCs of MIT krb5, over the sockets that ipsec-ike and the agent use.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include "base/bytes.h"
#include "base/log.h"
#include "cred/serve.h"
#include "cred/test_realm.h"
#include "link/messages.h"

#define TIMEOUT_USEC 10000000
#define SHORT_USEC   400000
#define REFUSED(answer, text)                                                        \
	do {                                                                         \
		assert_int_equal((answer)->reason, IKE_REASON_KERBEROS);             \
		assert_int_equal((answer)->len, 0);                                  \
		if (!strstr((answer)->detail, text))                                 \
			fail_msg("\"%s\" is not in \"%s\"", text, (answer)->detail); \
	} while (0)

static const struct bytes nothing;
static const struct bytes hash = { (const uint8_t *)"a hash of 20 bytes..", 20 };

struct fixture {
	struct realms *realms;
	struct host a, b;
	bool has_b;
	struct answer one, two;
};

static struct realms *realms;

static struct bytes data_of(const struct answer *answer)
{
	return (struct bytes){ answer->data, answer->len };
}

/* A negotiation's tokens, A to B, which both have to like. */
static void establish(struct fixture *f, uint64_t context, const char *peer_of_a,
		      const char *peer_of_b)
{
	host_step(&f->a, context, true, peer_of_a, nothing, &f->one);
	if (f->one.reason != IKE_REASON_OK)
		fail_msg("initiator: %s", f->one.detail);
	assert_false(f->one.is_complete);
	assert_string_equal(f->one.peer, "");
	host_step(&f->b, context, false, NULL, data_of(&f->one), &f->two);
	if (f->two.reason != IKE_REASON_OK)
		fail_msg("acceptor: %s", f->two.detail);
	assert_true(f->two.is_complete);
	assert_string_equal(f->two.peer, peer_of_b);
	host_step(&f->a, context, true, peer_of_a, data_of(&f->two), &f->one);
	if (f->one.reason != IKE_REASON_OK)
		fail_msg("initiator: %s", f->one.detail);
	assert_true(f->one.is_complete);
	assert_int_equal(f->one.len, 0);
	assert_string_equal(f->one.peer, peer_of_a);
}

static void carry(struct host *from, struct host *to, uint64_t context, struct fixture *f)
{
	host_wrap(from, context, hash, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_OK);
	assert_null(memmem(f->one.data, f->one.len, hash.data, hash.len));
	host_unwrap(to, context, data_of(&f->one), &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_OK);
	assert_true(bytes_is_equal(data_of(&f->two), hash));
}

/* --- fixture ------------------------------------------------------------------------------ */

static int set_up_realms(void **state)
{
	(void)state;
	realms = realms_new();
	return 0;
}

static int tear_down_realms(void **state)
{
	(void)state;
	realms = realms_free(realms);
	return 0;
}

static struct fixture *fixture_new(const char *a, const char *b)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->realms = realms;
	host_start(&f->a, realms, a, "", TIMEOUT_USEC);
	f->has_b = b != NULL;
	if (b)
		host_start(&f->b, realms, b, "", TIMEOUT_USEC);
	return f;
}

static int set_up(void **state)
{
	*state = fixture_new("host-a.keytab", "host-b.keytab");
	return 0;
}

static int set_up_one(void **state)
{
	*state = fixture_new("host-b.keytab", NULL);
	return 0;
}

static int set_up_domains(void **state)
{
	*state = fixture_new("host-a.keytab", "host-d.keytab");
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	host_stop(&f->a);
	if (f->has_b)
		host_stop(&f->b);
	free(f);
	return 0;
}

/* --- what works --------------------------------------------------------------------------- */

static void test_context(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(f->a.name, "host-a$@A.TEST");
	assert_string_equal(f->b.name, "host-b$@A.TEST");
	assert_int_equal(f->a.usable, 1 << IKE_AUTH_KERBEROS);
	establish(f, 1, "host-b$@A.TEST", "host-a$@A.TEST");
	carry(&f->a, &f->b, 1, f);
	carry(&f->b, &f->a, 1, f);
	/* by the name of a service, with the ticket for this machine from memory */
	establish(f, 2, "host/host-b.a.test@A.TEST", "host-a$@A.TEST");
	host_end(&f->a, 2);
	host_unwrap(&f->a, 2, hash, &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
}

static void test_service_name_is_ours(void **state)
{
	struct host c;

	(void)state;
	host_start(&c, realms, "host-c.keytab", "", TIMEOUT_USEC);
	assert_string_equal(c.name, "host/host-c.a.test@A.TEST");
	host_stop(&c);
}

static void test_trusted_domain(void **state)
{
	struct fixture *f = *state;

	establish(f, 1, "host-d$@B.TEST", "host-a$@A.TEST");
	carry(&f->a, &f->b, 1, f);
	carry(&f->b, &f->a, 1, f);
}

/* --- who it may be ------------------------------------------------------------------------ */

static void test_realm_list(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = &f->one;
	struct host only_b;

	host_start(&only_b, realms, "host-d.keytab", "B.TEST, C.TEST", TIMEOUT_USEC);
	host_step(&f->a, 1, true, "host-d$@B.TEST", nothing, answer);
	host_step(&only_b, 1, false, NULL, data_of(answer), &f->two);
	REFUSED(&f->two, "host-a$@A.TEST: its realm is not one of the policy's");
	host_step(&only_b, 2, true, "host-a$@A.TEST", nothing, answer);
	REFUSED(answer, "its realm is not one of the policy's");
	host_stop(&only_b);
}

static void test_name_of_peer(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = &f->one;

	host_step(&f->a, 1, true, "alice@A.TEST", nothing, answer);
	REFUSED(answer, "not that of a machine");
	host_step(&f->a, 2, true, "krbtgt/A.TEST@A.TEST", nothing, answer);
	REFUSED(answer, "not that of a machine");
	host_step(&f->a, 3, true, "", nothing, answer);
	REFUSED(answer, "not that of a machine");
	host_step(&f->a, 4, true, "host-x$@A.TEST", nothing, answer);
	REFUSED(answer, "no ticket for host-x$@A.TEST: ");
	REFUSED(answer, "not found in Kerberos database");
	host_step(&f->a, 5, true, "host-x$@NOWHERE.TEST", nothing, answer);
	REFUSED(answer, "no ticket for host-x$@NOWHERE.TEST: ");
}

/* A ticket of @keytab's @name for host-b$, with these flags. */
static struct bytes make_token(const char *keytab, const char *name, OM_uint32 flags,
			       OM_uint32 seconds)
{
	static uint8_t bytes[8192];
	char keytab_path[256], ccache[64];
	gss_key_value_element_desc elements[] = { { "client_keytab", keytab_path },
						  { "ccache", ccache } };
	const gss_key_value_set_desc store = { 2, elements };
	gss_buffer_desc own = { strlen(name), (void *)name }, token = GSS_C_EMPTY_BUFFER;
	gss_buffer_desc peer = { 14, (void *)"host-b$@A.TEST" };
	gss_name_t own_name, peer_name;
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_ctx_id_t handle = GSS_C_NO_CONTEXT;
	struct bytes result = { bytes, 0 };
	OM_uint32 minor, major;

	strcpy(keytab_path, realms_path(realms, keytab));
	(void)snprintf(ccache, sizeof(ccache), "MEMORY:test-%s-%u", keytab, seconds);
	assert_int_equal(gss_import_name(&minor, &own, GSS_KRB5_NT_PRINCIPAL_NAME, &own_name), 0);
	assert_int_equal(gss_import_name(&minor, &peer, GSS_KRB5_NT_PRINCIPAL_NAME, &peer_name), 0);
	major = gss_acquire_cred_from(&minor, own_name, seconds, NULL, GSS_C_INITIATE, &store,
				      &cred, NULL, NULL);
	assert_int_equal(major, GSS_S_COMPLETE);
	major = gss_init_sec_context(&minor, cred, &handle, peer_name, gss_mech_krb5, flags,
				     seconds, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &token, NULL,
				     NULL);
	assert_false(GSS_ERROR(major));
	assert_true(token.length <= sizeof(bytes));
	memcpy(bytes, token.value, token.length);
	result.len = token.length;
	(void)gss_release_buffer(&minor, &token);
	(void)gss_delete_sec_context(&minor, &handle, NULL);
	(void)gss_release_cred(&minor, &cred);
	(void)gss_release_name(&minor, &own_name);
	(void)gss_release_name(&minor, &peer_name);
	return result;
}

#define ALL_FLAGS (GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG)

static void test_user(void **state)
{
	struct fixture *f = *state;

	host_step(&f->a, 1, false, NULL, make_token("alice.keytab", "alice@A.TEST", ALL_FLAGS, 0),
		  &f->one);
	REFUSED(&f->one, "alice@A.TEST: not the name of a machine");
	host_wrap(&f->a, 1, hash, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_KERBEROS);
}

static void test_missing_flags(void **state)
{
	static const OM_uint32 flags[] = { GSS_C_MUTUAL_FLAG, GSS_C_SEQUENCE_FLAG, GSS_C_CONF_FLAG,
					   GSS_C_INTEG_FLAG };
	struct fixture *f = *state;
	uint64_t context = 1;

	for (size_t i = 0; i < 4; i++) {
		struct bytes token =
			make_token("host-a.keytab", "host-a$@A.TEST", ALL_FLAGS & ~flags[i], 0);

		host_step(&f->a, context, false, NULL, token, &f->one);
		/* integrity comes with the others, whether it is asked for or not */
		if (flags[i] == GSS_C_INTEG_FLAG || flags[i] == GSS_C_CONF_FLAG)
			continue;
		REFUSED(&f->one, "without mutual authentication, order");
		host_wrap(&f->a, context++, hash, &f->one);
		assert_int_equal(f->one.reason, IKE_REASON_KERBEROS);
	}
}

/* --- tokens ------------------------------------------------------------------------------- */

static void test_garbage(void **state)
{
	static uint8_t bytes[IKE_TOKEN_MAX_LEN];
	struct fixture *f = *state;
	struct bytes good = make_token("host-a.keytab", "host-a$@A.TEST", ALL_FLAGS, 0);
	uint64_t context = 1;

	memset(bytes, 0x60, sizeof(bytes));
	for (size_t len = 1; len <= sizeof(bytes); len *= 3) {
		host_ask_step(&f->a, context, (uint32_t)context, false, NULL,
			      (struct bytes){ bytes, len }, &f->one);
		host_wait(&f->a, &f->one);
		REFUSED(&f->one, "the peer's ticket: ");
		context++;
	}
	host_step(&f->a, context++, false, NULL, (struct bytes){ bytes, sizeof(bytes) }, &f->one);
	REFUSED(&f->one, "the peer's ticket: ");
	/* each piece of a good one, and each byte changed */
	for (size_t i = 0; i < good.len; i++) {
		memcpy(bytes, good.data, good.len);
		bytes[i] ^= (uint8_t)(1 << i % 8);
		host_ask_step(&f->a, context, (uint32_t)context, false, NULL,
			      (struct bytes){ bytes, i % 2 ? good.len : i + 1 }, &f->one);
		host_wait(&f->a, &f->one);
		assert_int_equal(f->one.error, 0);
		/* some bits do not matter */
		if (f->one.reason != IKE_REASON_OK)
			REFUSED(&f->one, "");
		else
			assert_string_equal(f->one.peer, "host-a$@A.TEST");
		host_end(&f->a, context++);
	}
	host_step(&f->a, context, false, NULL, good, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_OK);
}

static void test_out_of_turn(void **state)
{
	struct fixture *f = *state;

	host_step(&f->a, 1, true, "host-b$@A.TEST", hash, &f->one);
	REFUSED(&f->one, "out of turn");
	host_step(&f->b, 1, false, NULL, nothing, &f->one);
	REFUSED(&f->one, "out of turn");
	host_wrap(&f->a, 2, hash, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_KERBEROS);
	/* a context is of one side, and after its end there are no more steps */
	establish(f, 3, "host-b$@A.TEST", "host-a$@A.TEST");
	host_step(&f->a, 3, false, NULL, hash, &f->one);
	REFUSED(&f->one, "of the other side");
	host_step(&f->b, 3, false, NULL, hash, &f->one);
	REFUSED(&f->one, "out of turn");
}

static void test_wrong_hashes(void **state)
{
	struct fixture *f = *state;

	establish(f, 1, "host-b$@A.TEST", "host-a$@A.TEST");
	host_wrap(&f->a, 1, hash, &f->one);
	f->one.data[f->one.len - 1] ^= 1;
	host_unwrap(&f->b, 1, data_of(&f->one), &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
	/* a context of which something was wrong is nobody's any more */
	f->one.data[f->one.len - 1] ^= 1;
	host_unwrap(&f->b, 1, data_of(&f->one), &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
	/* the same one twice, our own one */
	establish(f, 2, "host-b$@A.TEST", "host-a$@A.TEST");
	host_wrap(&f->a, 2, hash, &f->one);
	host_unwrap(&f->b, 2, data_of(&f->one), &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_OK);
	host_unwrap(&f->b, 2, data_of(&f->one), &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
	host_unwrap(&f->a, 2, data_of(&f->one), &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
	/* more than a hash */
	establish(f, 3, "host-b$@A.TEST", "host-a$@A.TEST");
	host_wrap(&f->a, 3, (struct bytes){ f->two.data, IKE_HASH_MAX_LEN + 1 }, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_KERBEROS);
}

/* A peer that signs and does not encrypt. */
static void test_not_confidential(void **state)
{
	gss_buffer_desc in = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
	gss_buffer_desc peer = { 14, (void *)"host-b$@A.TEST" };
	gss_buffer_desc plain = { hash.len, (void *)hash.data };
	gss_ctx_id_t handle = GSS_C_NO_CONTEXT;
	struct fixture *f = *state;
	OM_uint32 minor, major;
	gss_name_t name;

	assert_int_equal(setenv("KRB5CCNAME", "MEMORY:signs", 1), 0);
	assert_int_equal(setenv("KRB5_CLIENT_KTNAME", realms_path(realms, "host-a.keytab"), 1), 0);
	assert_int_equal(gss_import_name(&minor, &peer, GSS_KRB5_NT_PRINCIPAL_NAME, &name), 0);
	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &handle, name, gss_mech_krb5,
				     ALL_FLAGS, 0, NULL, NULL, NULL, &out, NULL, NULL);
	assert_int_equal(major, GSS_S_CONTINUE_NEEDED);
	host_step(&f->a, 1, false, NULL, (struct bytes){ out.value, out.length }, &f->one);
	assert_true(f->one.is_complete);
	(void)gss_release_buffer(&minor, &out);
	in = (gss_buffer_desc){ f->one.len, f->one.data };
	major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &handle, name, gss_mech_krb5,
				     ALL_FLAGS, 0, NULL, &in, NULL, &out, NULL, NULL);
	assert_int_equal(major, GSS_S_COMPLETE);
	assert_int_equal(gss_wrap(&minor, handle, 0, GSS_C_QOP_DEFAULT, &plain, NULL, &out), 0);
	host_unwrap(&f->a, 1, (struct bytes){ out.value, out.length }, &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
	(void)gss_release_buffer(&minor, &out);
	(void)gss_delete_sec_context(&minor, &handle, NULL);
	(void)gss_release_name(&minor, &name);
	assert_int_equal(unsetenv("KRB5CCNAME"), 0);
}

/* What was good once; how long that was is up to the receiver's clock. */
static void test_old_token(void **state)
{
	struct bytes token = make_token("host-a.keytab", "host-a$@A.TEST", ALL_FLAGS, 1);
	uint64_t end = test_now_ms() + 20000;
	uint64_t context = 1;
	struct fixture *f = *state;
	struct host strict;

	(void)f;
	assert_int_equal(setenv("KRB5_CONFIG", realms_path(realms, "strict.conf"), 1), 0);
	host_start(&strict, realms, "host-b.keytab", "", TIMEOUT_USEC);
	assert_int_equal(setenv("KRB5_CONFIG", realms_path(realms, "krb5.conf"), 1), 0);
	do {
		assert_true(test_now_ms() < end);
		host_ask_step(&strict, context, (uint32_t)context, false, NULL, token, &f->one);
		host_wait(&strict, &f->one);
		host_end(&strict, context++);
	} while (f->one.reason == IKE_REASON_OK);
	REFUSED(&f->one, "the peer's ticket: ");
	if (!strstr(f->one.detail, "expired") && !strstr(f->one.detail, "skew"))
		fail_msg("neither expired nor skew: %s", f->one.detail);
	host_stop(&strict);
}

/* --- keytabs ------------------------------------------------------------------------------ */

static void copy(const char *from, const char *to)
{
	char command[600];

	(void)snprintf(command, sizeof(command), "cat %s", realms_path(realms, from));
	(void)snprintf(command + strlen(command), sizeof(command) - strlen(command), " > %s",
		       realms_path(realms, to));
	assert_int_equal(system(command), 0);
}

static void test_no_keytab(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)state;
	assert_non_null(f);
	host_start(&f->a, realms, "later.keytab", "", TIMEOUT_USEC);
	assert_string_equal(f->a.name, "");
	assert_int_equal(f->a.usable, 0);
	host_step(&f->a, 1, true, "host-b$@A.TEST", nothing, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_NO_KERBEROS);
	host_step(&f->a, 2, false, NULL, hash, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_NO_KERBEROS);
	/* the machine joins a domain, leaves it for another, and is told in between that it did */
	copy("alice.keytab", "later.keytab");
	copy("host-a.keytab", "later.keytab");
	RUN_UNTIL(&f->a, f->a.n_changed == 1);
	assert_string_equal(f->a.name, "host-a$@A.TEST");
	assert_int_equal(f->a.usable, 1 << IKE_AUTH_KERBEROS);
	assert_int_equal(unlink(realms_path(realms, "later.keytab")), 0);
	copy("host-d.keytab", "later.keytab");
	RUN_UNTIL(&f->a, f->a.n_changed == 2);
	assert_string_equal(f->a.name, "host-d$@B.TEST");
	/* what is no keytab changes nothing */
	copy("krb5.conf", "later.keytab");
	host_step(&f->a, 3, false, NULL, hash, &f->one);
	REFUSED(&f->one, "the peer's ticket");
	assert_int_equal(f->a.n_changed, 2);
	assert_int_equal(unlink(realms_path(realms, "later.keytab")), 0);
	host_stop(&f->a);
	free(f);
}

/*
 * A machine gets new keys. A ticket for the old ones does not open any more; it is forgotten after
 * the first failure, and the next one is for the new keys.
 */
static void test_new_keys(void **state)
{
	struct fixture *f = *state;

	establish(f, 1, "host-b$@A.TEST", "host-a$@A.TEST");
	carry(&f->b, &f->a, 1, f);
	host_end(&f->a, 1);
	realms_run(realms, "realm_rekey", "A.TEST", "new.keytab", "host/host-b.a.test", "host-b$",
		   NULL);
	copy("new.keytab", "host-b.keytab");
	host_step(&f->a, 2, true, "host-b$@A.TEST", nothing, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_OK);
	host_step(&f->b, 2, false, NULL, data_of(&f->one), &f->two);
	REFUSED(&f->two, "kvno");
	host_end(&f->a, 2);
	establish(f, 3, "host-b$@A.TEST", "host-a$@A.TEST");
	carry(&f->b, &f->a, 3, f);
}

/* --- KDCs --------------------------------------------------------------------------------- */

static void test_dead_kdc(void **state)
{
	struct fixture *f = *state;
	struct host e;

	host_start(&e, realms, "host-e.keytab", "", TIMEOUT_USEC);
	host_step(&e, 1, true, "host-b$@A.TEST", nothing, &f->one);
	REFUSED(&f->one, "Cannot contact any KDC");
	host_stop(&e);
	host_step(&f->a, 1, true, "host-b$@DEAD.TEST", nothing, &f->one);
	REFUSED(&f->one, "no ticket for host-b$@DEAD.TEST");
}

/* More wait for it than there are workers, and nobody else waits. */
static void test_silent_kdc(void **state)
{
	enum { N = 20 };
	static struct answer answers[N];
	struct fixture *f = *state;
	struct bytes token = make_token("host-a.keytab", "host-a$@A.TEST", ALL_FLAGS, 0);
	uint64_t begin;
	struct host s;

	/* this host has keys of both: its own KDC is silent, A.TEST's tickets are for it too */
	copy("host-s.keytab", "both.keytab");
	realms_run(realms, "keytab_append", "host-b.keytab", "both.keytab", NULL);
	host_start(&s, realms, "both.keytab", "", SHORT_USEC);
	begin = test_now_ms();
	for (uint64_t i = 0; i < N; i++)
		host_ask_step(&s, i + 1, 0xc0000201, true, "host-b$@SILENT.TEST", nothing,
			      &answers[i]);
	host_step(&s, 100, false, NULL, token, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_OK);
	assert_false(answers[0].is_there);
	for (size_t i = 0; i < N; i++) {
		host_wait(&s, &answers[i]);
		REFUSED(&answers[i], "the KDC has not answered in time");
	}
	assert_true(test_now_ms() - begin >= SHORT_USEC / 1000);
	assert_true(realms_silent_requests(realms) > 0);
	/* workers are still stuck */
	host_step(&s, 101, false, NULL, token, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_OK);
	host_stop(&s);
}

/* --- limits ------------------------------------------------------------------------------- */

static void test_flood(void **state)
{
	struct fixture *f = *state;
	uint64_t context = 1;

	/* the ticket is in memory from the second one on */
	do {
		host_ask_step(&f->a, context, (uint32_t)context, true, "host-b$@A.TEST", nothing,
			      &f->one);
		host_wait(&f->a, &f->one);
		assert_int_equal(f->one.error, 0);
		context++;
	} while (f->one.reason == IKE_REASON_OK && context < 3000);
	assert_int_equal(context, 1024 + 2);
	REFUSED(&f->one, "too many contexts");
	/* one goes, one comes */
	host_end(&f->a, 7);
	host_step(&f->a, context, true, "host-b$@A.TEST", nothing, &f->one);
	assert_int_equal(f->one.reason, IKE_REASON_OK);
	/* an engine that begins anew has all the room */
	host_reconnect(&f->a);
	host_unwrap(&f->a, 8, hash, &f->two);
	assert_int_equal(f->two.reason, IKE_REASON_KERBEROS);
	establish(f, 5000, "host-b$@A.TEST", "host-a$@A.TEST");
}

static void test_rate(void **state)
{
	struct fixture *f = *state;
	uint64_t context = 1;

	do {
		host_ask_step(&f->a, context++, 0xc0000201, false, NULL, hash, &f->one);
		host_wait(&f->a, &f->one);
	} while (f->one.error == 0 && context < 1000);
	assert_int_equal(f->one.error, -EAGAIN);
	assert_true(context > 100);
	host_ask_step(&f->a, context, 0xc0000205, false, NULL, hash, &f->one);
	host_wait(&f->a, &f->one);
	assert_int_equal(f->one.error, 0);
}

#define TEST(name, function, setup)                    \
	{                                              \
		name, function, setup, tear_down, NULL \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K41 tickets of an MIT KDC authenticate two machines", test_context, set_up),
		TEST("K40 a machine of a trusted domain", test_trusted_domain, set_up_domains),
		cmocka_unit_test(test_service_name_is_ours),
		TEST("only realms of the policy", test_realm_list, set_up_domains),
		TEST("the peer's name is that of a machine that the KDC knows", test_name_of_peer,
		     set_up),
		TEST("a user is no machine", test_user, set_up_one),
		TEST("contexts with less than was asked for", test_missing_flags, set_up_one),
		TEST("garbage for tokens", test_garbage, set_up_one),
		TEST("tokens out of turn", test_out_of_turn, set_up),
		TEST("wrong hashes", test_wrong_hashes, set_up),
		TEST("hashes that are not confidential", test_not_confidential, set_up_one),
		TEST("tokens that were good once", test_old_token, set_up_one),
		cmocka_unit_test(test_no_keytab),
		TEST("a KDC that is gone", test_dead_kdc, set_up),
		TEST("a KDC that is silent holds nobody else up", test_silent_kdc, set_up_one),
		TEST("no more contexts than there is room", test_flood, set_up),
		TEST("no more steps than negotiation needs", test_rate, set_up_one),
		/* the last one: tickets that the test itself has are for the old keys */
		TEST("a machine with new keys", test_new_keys, set_up),
	};

	log_open("test_gss", LOG_TARGET_STDERR);
	return cmocka_run_group_tests(tests, set_up_realms, tear_down_realms);
}
