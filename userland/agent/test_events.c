// SPDX-License-Identifier: MIT
/* The journal entries: which one, with which fields, and where they are listed. */
#include "agent/test_util.h"

#include <stdlib.h>

#include "agent/events.h"
#include "agent/test_journal.h"
#include "base/cleanup.h"
#include "base/log.h"

struct fixture {
	struct journal journal;
	struct ike_mm_info mm;
	struct ike_qm_info qm;
	struct ike_event event;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ike_path path = { test_addr("10.0.0.1"), test_addr("10.0.0.2"), 500, 4500, 0 };

	f->mm = (struct ike_mm_info){
		.path = path,
		.is_initiator = true,
		.has_proposal = true,
		.proposal = { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 },
		.auth = IKE_AUTH_PSK,
		.life_seconds = 28800,
		.local_id = path.local,
		.remote_id = path.remote,
	};
	f->qm = (struct ike_qm_info){
		.path = path,
		.selector = { test_addr("10.0.0.0"), test_addr("10.0.0.2"), 24, 32, 6, 0, 445 },
		.encapsulation = IKE_ENCAPSULATION_TUNNEL,
		.suites = { { IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, IKE_HASH_MD5 },
			    { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA256 } },
		.spi_in = { 0x1001, 0x1002 },
		.spi_out = { 0x2001, 0x2002 },
		.n_suites = 2,
		.life_seconds = 3600,
		.life_kbytes = 100000,
		.pfs_group = 14,
		.filter_id = 7,
	};
	f->event = (struct ike_event){ .path = path, .text = "text", .mm = &f->mm };
	journal_open(&f->journal);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	journal_close(&f->journal);
	events_set_audit(true);
	free(f);
	return 0;
}

/* The last entry, which is of @kind. */
static const struct journal_entry *last(const struct fixture *f, enum event_kind kind)
{
	const struct journal_entry *entry = &f->journal.entries[f->journal.n_entries - 1];

	assert_true(f->journal.n_entries > 0);
	assert_string_equal(journal_value(entry, "MESSAGE_ID", 0), events_table[kind].id);
	return entry;
}

#define ASSERT_FIELD(entry, name, value) \
	assert_string_equal(journal_value(entry, name, 0) ?: "(none)", value)
#define ASSERT_SAYS(entry, text) assert_non_null(strstr((entry)->line, text))

static void tell(struct fixture *f, enum ike_event_kind kind, enum ike_reason reason,
		 bool is_at_peer)
{
	f->event.kind = kind;
	f->event.reason = reason;
	f->event.failed_at_peer = is_at_peer;
	event_ike(&f->event, NULL);
}

static void test_main_mode(void **state)
{
	struct fixture *f = *state;
	const struct journal_entry *e;

	tell(f, IKE_EVENT_MM_ESTABLISHED, IKE_REASON_OK, false);
	e = last(f, EVENT_MM_ESTABLISHED);
	assert_int_equal(e->level, LOG_INFO);
	ASSERT_FIELD(e, "IPD_EVENT", "541");
	ASSERT_FIELD(e, "IPD_IKE_MODE", "Key Exchange Mode (Main Mode)");
	ASSERT_FIELD(e, "IPD_PEER_ID_KIND", "Preshared key ID");
	ASSERT_FIELD(e, "IPD_PEER_ID", "10.0.0.2");
	ASSERT_FIELD(e, "IPD_PEER", "10.0.0.2");
	ASSERT_FIELD(e, "IPD_PEER_PORT", "4500");
	ASSERT_FIELD(e, "IPD_LOCAL", "10.0.0.1");
	ASSERT_FIELD(e, "IPD_LOCAL_PORT", "500");
	ASSERT_FIELD(e, "IPD_SOURCE", "10.0.0.1");
	ASSERT_FIELD(e, "IPD_SOURCE_MASK", "255.255.255.255");
	ASSERT_FIELD(e, "IPD_DESTINATION", "10.0.0.2");
	ASSERT_FIELD(e, "IPD_DESTINATION_MASK", "255.255.255.255");
	ASSERT_FIELD(e, "IPD_PROTOCOL", "0");
	ASSERT_FIELD(e, "IPD_ENCRYPTION_ALGORITHM", "3DES");
	ASSERT_FIELD(e, "IPD_HASH_ALGORITHM", "SHA1");
	ASSERT_FIELD(e, "IPD_DH_GROUP", "2");
	ASSERT_FIELD(e, "IPD_AUTHENTICATION", "preshared key");
	ASSERT_FIELD(e, "IPD_LIFETIME_SECONDS", "28800");
	ASSERT_FIELD(e, "IPD_ROLE", "Initiator");
	assert_null(journal_value(e, "IPD_REASON", 0));
	ASSERT_SAYS(e, "peer 10.0.0.2: main mode established; Key Exchange Mode (Main Mode); "
		    "peer identity: Preshared key ID 10.0.0.2; filter: source 10.0.0.1 mask "
		    "255.255.255.255, destination 10.0.0.2 mask 255.255.255.255");
	ASSERT_SAYS(e, "; Initiator, 3DES-SHA1-2, preshared key, lifetime 28800 s 0 KB");
}

static void test_quick_mode(void **state)
{
	struct fixture *f = *state;
	const struct journal_entry *e;

	f->event.qm = &f->qm;
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	e = last(f, EVENT_QM_ESTABLISHED);
	ASSERT_FIELD(e, "IPD_EVENT", "541");
	ASSERT_FIELD(e, "IPD_IKE_MODE", "Data Protection Mode (Quick Mode)");
	ASSERT_FIELD(e, "IPD_PEER_ID", "10.0.0.2");
	ASSERT_FIELD(e, "IPD_FILTER", "7");
	ASSERT_FIELD(e, "IPD_SOURCE", "10.0.0.0");
	ASSERT_FIELD(e, "IPD_SOURCE_MASK", "255.255.255.0");
	ASSERT_FIELD(e, "IPD_DESTINATION", "10.0.0.2");
	ASSERT_FIELD(e, "IPD_DESTINATION_MASK", "255.255.255.255");
	ASSERT_FIELD(e, "IPD_PROTOCOL", "6");
	ASSERT_FIELD(e, "IPD_SOURCE_PORT", "0");
	ASSERT_FIELD(e, "IPD_DESTINATION_PORT", "445");
	ASSERT_FIELD(e, "IPD_ESP_ALGORITHM", "AES256");
	ASSERT_FIELD(e, "IPD_HMAC_ALGORITHM", "SHA256");
	ASSERT_FIELD(e, "IPD_AH_ALGORITHM", "MD5");
	ASSERT_FIELD(e, "IPD_ENCAPSULATION", "Tunnel Mode");
	ASSERT_FIELD(e, "IPD_SPI_IN", "0x00001001");
	assert_true(journal_has(e, "IPD_SPI_IN", "0x00001002"));
	ASSERT_FIELD(e, "IPD_SPI_OUT", "0x00002001");
	assert_true(journal_has(e, "IPD_SPI_OUT", "0x00002002"));
	ASSERT_FIELD(e, "IPD_LIFETIME_SECONDS", "3600");
	ASSERT_FIELD(e, "IPD_LIFETIME_KBYTES", "100000");
	ASSERT_FIELD(e, "IPD_PFS_GROUP", "14");
	ASSERT_FIELD(e, "IPD_ROLE", "Responder");
	ASSERT_SAYS(e, "filter 7: source 10.0.0.0 mask 255.255.255.0, destination 10.0.0.2 mask "
		    "255.255.255.255, protocol TCP, ports 0 445; Responder, ESP AES256, HMAC "
		    "SHA256, AH MD5, encapsulation Tunnel Mode, PFS group 14, SPI 0x00001001 in, "
		    "0x00002001 out, SPI 0x00001002 in, 0x00002002 out, lifetime 3600 s "
		    "100000 KB");
	tell(f, IKE_EVENT_QM_DELETED, IKE_REASON_EXPIRED, false);
	e = last(f, EVENT_QM_ENDED);
	ASSERT_FIELD(e, "IPD_EVENT", "542");
	ASSERT_FIELD(e, "IPD_REASON", "13885");
	assert_null(journal_value(e, "IPD_FAILURE_POINT", 0));
	f->event.qm = NULL;
	tell(f, IKE_EVENT_MM_DELETED, IKE_REASON_DELETED_BY_ADMIN, false);
	ASSERT_FIELD(last(f, EVENT_MM_ENDED), "IPD_EVENT", "543");
}

/* Masks of IPv6 are written as the original writes those of IPv4. */
static void test_ipv6(void **state)
{
	struct fixture *f = *state;
	struct ike_selector s = { test_addr("2001:db8::"), test_addr("2001:db8::2"), 64, 128, 0, 0,
				  0 };

	f->event.path.local = f->qm.path.local = test_addr("2001:db8::1");
	f->event.path.remote = f->qm.path.remote = s.remote;
	f->qm.selector = s;
	f->event.qm = &f->qm;
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	ASSERT_FIELD(last(f, EVENT_QM_ESTABLISHED), "IPD_PEER", "2001:db8::2");
	ASSERT_FIELD(last(f, EVENT_QM_ESTABLISHED), "IPD_SOURCE_MASK", "ffff:ffff:ffff:ffff::");
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	const struct journal_entry *e;
	char name[IKE_NAME_MAX_LEN + 1];

	f->mm.auth = IKE_AUTH_RSA_SIG;
	f->mm.remote_name = "CN=peer";
	f->mm.authority = "CN=root";
	f->mm.local_name = "CN=host";
	tell(f, IKE_EVENT_MM_ESTABLISHED, IKE_REASON_OK, false);
	e = last(f, EVENT_MM_ESTABLISHED);
	ASSERT_FIELD(e, "IPD_PEER_ID_KIND", "Certificate based Identity");
	ASSERT_FIELD(e, "IPD_PEER_ID", "CN=peer");
	ASSERT_FIELD(e, "IPD_PEER_AUTHORITY", "CN=root");
	ASSERT_FIELD(e, "IPD_LOCAL_ID", "CN=host");
	ASSERT_SAYS(e, "peer identity: Certificate based Identity CN=peer, authority: CN=root, "
		    "ours: CN=host");
	/* whoever has the longest names does not push the rest out */
	memset(name, 'x', IKE_NAME_MAX_LEN);
	name[IKE_NAME_MAX_LEN] = '\0';
	f->mm.auth = IKE_AUTH_KERBEROS;
	f->mm.remote_name = f->mm.authority = f->mm.local_name = name;
	f->event.qm = &f->qm;
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	e = last(f, EVENT_QM_ESTABLISHED);
	ASSERT_FIELD(e, "IPD_PEER_ID_KIND", "Kerberos based Identity");
	ASSERT_FIELD(e, "IPD_PEER_ID", name);
	ASSERT_FIELD(e, "IPD_LOCAL_ID", name);
	ASSERT_FIELD(e, "IPD_LIFETIME_KBYTES", "100000");
	ASSERT_SAYS(e, "lifetime 3600 s 100000 KB");
}

static void test_failures(void **state)
{
	static const struct {
		enum ike_event_kind ike;
		enum ike_reason reason;
		bool is_at_peer;
		enum event_kind kind;
		const char *number;
	} cases[] = {
		{ IKE_EVENT_MM_FAILED, IKE_REASON_NOT_IN_POLICY, true, EVENT_UNTRUSTED, "544" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_PEER_CRL, true, EVENT_UNTRUSTED, "544" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_KEY_USAGE, true, EVENT_UNTRUSTED, "544" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_CREDENTIALS, true, EVENT_AUTH_FAILED, "545" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_SIGNATURE, true, EVENT_AUTH_FAILED, "545" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_KERBEROS, true, EVENT_AUTH_FAILED, "545" },
		/* the peer did not want ours */
		{ IKE_EVENT_MM_FAILED, IKE_REASON_ATTRIBUTES, true, EVENT_IKE_FAILED, "547" },
		/* that we have no key is nobody's proof */
		{ IKE_EVENT_MM_FAILED, IKE_REASON_CREDENTIALS, false, EVENT_IKE_FAILED, "547" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_TIMED_OUT, true, EVENT_IKE_FAILED, "547" },
		{ IKE_EVENT_MM_FAILED, IKE_REASON_NO_POLICY, false, EVENT_IKE_FAILED, "547" },
		{ IKE_EVENT_QM_FAILED, IKE_REASON_CREDENTIALS, true, EVENT_IKE_FAILED, "547" },
		{ IKE_EVENT_QM_FAILED, IKE_REASON_POLICY_MATCH, true, EVENT_IKE_FAILED, "547" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct journal_entry *e;
		char reason[16];

		tell(f, cases[i].ike, cases[i].reason, cases[i].is_at_peer);
		e = last(f, cases[i].kind);
		assert_int_equal(e->level, LOG_WARNING);
		ASSERT_FIELD(e, "IPD_EVENT", cases[i].number);
		snprintf(reason, sizeof(reason), "%d", cases[i].reason);
		ASSERT_FIELD(e, "IPD_REASON", reason);
		ASSERT_FIELD(e, "IPD_REASON_TEXT", "text");
		ASSERT_FIELD(e, "IPD_FAILURE_POINT", cases[i].is_at_peer ? "Peer" : "Me");
		ASSERT_SAYS(e, reason);
		ASSERT_SAYS(e, cases[i].is_at_peer ? "failure point: peer" : "failure point: me");
	}
	f->event.suppressed = 4;
	tell(f, IKE_EVENT_MM_FAILED, IKE_REASON_NO_POLICY, false);
	ASSERT_FIELD(last(f, EVENT_IKE_FAILED), "IPD_LEFT_OUT", "4");
	ASSERT_SAYS(last(f, EVENT_IKE_FAILED), "(and 4 more like this)");
}

static void test_proposal(void **state)
{
	struct ike_mismatch mismatch = { "Hash Algorithm", "SHA-256", "SHA-1, MD5" };
	struct fixture *f = *state;
	const struct journal_entry *e;

	f->event.mismatch = &mismatch;
	tell(f, IKE_EVENT_MM_FAILED, IKE_REASON_ATTRIBUTES, false);
	e = last(f, EVENT_INVALID_PROPOSAL);
	ASSERT_FIELD(e, "IPD_EVENT", "546");
	ASSERT_FIELD(e, "IPD_ATTRIBUTE", "Hash Algorithm");
	ASSERT_FIELD(e, "IPD_EXPECTED", "SHA-256");
	ASSERT_FIELD(e, "IPD_RECEIVED", "SHA-1, MD5");
	ASSERT_FIELD(e, "IPD_IKE_MODE", "Key Exchange Mode (Main Mode)");
	ASSERT_SAYS(e, "attribute: Hash Algorithm, expected value: SHA-256, received value: SHA-1, "
		    "MD5");
	tell(f, IKE_EVENT_QM_FAILED, IKE_REASON_ATTRIBUTES, true);
	last(f, EVENT_INVALID_PROPOSAL);
}

static void test_no_answer(void **state)
{
	struct fixture *f = *state;
	const struct journal_entry *e;

	f->mm.has_proposal = false;
	f->event.text = ike_reason_text(IKE_REASON_NO_RESPONSE);
	tell(f, IKE_EVENT_MM_FAILED, IKE_REASON_NO_RESPONSE, true);
	e = last(f, EVENT_IKE_FAILED);
	ASSERT_FIELD(e, "IPD_EVENT", "547");
	ASSERT_FIELD(e, "IPD_REASON", "13813");
	ASSERT_FIELD(e, "IPD_REASON_TEXT", "no response from peer");
	ASSERT_FIELD(e, "IPD_FAILURE_POINT", "Peer");
	assert_null(journal_value(e, "IPD_ENCRYPTION_ALGORITHM", 0));
	ASSERT_SAYS(e, "main mode failed: no response from peer (13813), failure point: peer");
}

static void soft(const char *peer)
{
	struct ike_selector s = { test_addr("10.0.0.1"), test_addr(peer), 32, 32, 0, 0, 0 };

	event_soft_sa(&s, 7, 300);
}

static void test_soft(void **state)
{
	struct fixture *f = *state;
	const struct journal_entry *e;

	soft("10.0.0.9");
	e = last(f, EVENT_SOFT_SA);
	assert_int_equal(e->level, LOG_NOTICE);
	ASSERT_FIELD(e, "IPD_EVENT", "541");
	ASSERT_FIELD(e, "IPD_PEER", "10.0.0.9");
	ASSERT_FIELD(e, "IPD_FILTER", "7");
	ASSERT_FIELD(e, "IPD_DESTINATION", "10.0.0.9");
	ASSERT_FIELD(e, "IPD_ESP_ALGORITHM", "None");
	ASSERT_FIELD(e, "IPD_AH_ALGORITHM", "None");
	ASSERT_FIELD(e, "IPD_LIFETIME_SECONDS", "300");
	ASSERT_SAYS(e, "talking in clear for 300 s");
}

static void test_soft_ended(void **state)
{
	struct ike_selector s = { test_addr("10.0.0.1"), test_addr("10.0.0.9"), 32, 32, 0, 0, 0 };
	struct fixture *f = *state;
	const struct journal_entry *e;

	event_soft_ended(&s, 7, "its time is over");
	e = last(f, EVENT_SOFT_SA_ENDED);
	assert_int_equal(e->level, LOG_INFO);
	ASSERT_FIELD(e, "IPD_EVENT", "542");
	ASSERT_FIELD(e, "IPD_PEER", "10.0.0.9");
	ASSERT_FIELD(e, "IPD_FILTER", "7");
	ASSERT_FIELD(e, "IPD_REASON", "13845");
	ASSERT_FIELD(e, "IPD_REASON_TEXT", "its time is over");
	ASSERT_SAYS(e, "peer 10.0.0.9: soft association ended: its time is over");
}

/*
 * What the manual's line does: the peers of all entries with one MESSAGE_ID, each once.
 */
static size_t list_peers(const struct journal *journal, const char *id, const char **ret_peers)
{
	size_t n = 0;

	for (size_t i = 0; i < journal->n_entries; i++) {
		const struct journal_entry *e = &journal->entries[i];
		size_t known = 0;

		if (!journal_has(e, "MESSAGE_ID", id))
			continue;
		while (known < n && strcmp(ret_peers[known], journal_value(e, "IPD_PEER", 0)) != 0)
			known++;
		if (known == n)
			ret_peers[n++] = journal_value(e, "IPD_PEER", 0);
	}
	return n;
}

static void test_lists(void **state)
{
	struct fixture *f = *state;
	const char *peers[JOURNAL_ENTRIES_MAX];

	f->event.qm = &f->qm;
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	soft("10.0.0.9");
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	f->event.path.remote = test_addr("10.0.0.3");
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	tell(f, IKE_EVENT_QM_FAILED, IKE_REASON_TIMED_OUT, true);
	soft("10.0.0.9");
	assert_int_equal(list_peers(&f->journal, events_table[EVENT_QM_ESTABLISHED].id, peers), 2);
	assert_string_equal(peers[0], "10.0.0.2");
	assert_string_equal(peers[1], "10.0.0.3");
	assert_int_equal(list_peers(&f->journal, events_table[EVENT_SOFT_SA].id, peers), 1);
	assert_string_equal(peers[0], "10.0.0.9");
}

static void test_audit_off(void **state)
{
	struct fixture *f = *state;
	struct ike_path path = f->event.path;

	events_set_audit(false);
	f->event.qm = &f->qm;
	for (int kind = 0; kind < IKE_EVENT_SEND_FAILED; kind++)
		tell(f, (enum ike_event_kind)kind, IKE_REASON_CREDENTIALS, true);
	soft("10.0.0.9");
	assert_int_equal(f->journal.n_entries, 0);
	/* what is no audit goes on */
	tell(f, IKE_EVENT_SEND_FAILED, IKE_REASON_GENERAL, false);
	event_refused("an association", &path, 7, "why");
	event_policy_applied("dynamic", 1, 2);
	assert_int_equal(f->journal.n_entries, 3);
	events_set_audit(true);
	tell(f, IKE_EVENT_QM_ESTABLISHED, IKE_REASON_OK, false);
	last(f, EVENT_QM_ESTABLISHED);
}

static void test_agent(void **state)
{
	struct fixture *f = *state;

	event_started("dynamic", 3);
	ASSERT_FIELD(last(f, EVENT_STARTED), "IPD_EVENT", "613");
	ASSERT_FIELD(last(f, EVENT_STARTED), "IPD_LAYER", "dynamic");
	event_stopped(true);
	ASSERT_SAYS(last(f, EVENT_STOPPED), "goes on with its filters");
	event_stopped(false);
	ASSERT_FIELD(last(f, EVENT_STOPPED), "IPD_EVENT", "614");
	event_policy_applied("dynamic", 3, 6);
	ASSERT_FIELD(last(f, EVENT_POLICY_APPLIED), "IPD_EVENT", "615");
	event_policy_failed("dynamic", "the driver is full");
	ASSERT_FIELD(last(f, EVENT_POLICY_FAILED), "IPD_EVENT", "615");
	event_serious("the driver's events cannot be read: %s", "why");
	ASSERT_FIELD(last(f, EVENT_SERIOUS), "IPD_EVENT", "616");
	assert_int_equal(last(f, EVENT_SERIOUS)->level, LOG_CRIT);
	event_driver_mode(IPSECDRV_MODE_SECURE);
	ASSERT_FIELD(last(f, EVENT_DRIVER_MODE), "IPD_EVENT", "4294");
	ASSERT_FIELD(last(f, EVENT_DRIVER_MODE), "IPD_MODE", "secure");
}

/* --- where they are listed ---------------------------------------------------------------- */

static char *read_file(const char *name)
{
	const char *top = getenv("TOP") ?: ".";
	_cleanup_fclose_ FILE *file = NULL;
	char path[512], *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/Documentation/%s", top, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("no %s", path);
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	return text;
}

/* The line that names the id begins with @start and the number. */
static void assert_is_listed(const char *text, const struct event_row *row, const char *start)
{
	const char *at = strstr(text, row->id), *line = at;
	char head[64];

	if (!at)
		fail_msg("%s is not listed", row->id);
	while (line > text && line[-1] != '\n')
		line--;
	snprintf(head, sizeof(head), "%s%s", start, row->number ? row->number : "");
	if (strncmp(line, head, strlen(head)) != 0)
		fail_msg("%s: the line does not begin with \"%s\"", row->id, head);
}

static void test_listed(void **state)
{
	_cleanup_free_ char *manual = read_file("man/ipsec-policy-agent.8");
	_cleanup_free_ char *page = read_file("events.rst");
	char *list = strstr(manual, ".Sh DIAGNOSTICS");

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < EVENT_KIND_COUNT; i++) {
		const struct event_row *row = &events_table[i];

		assert_non_null(row->id);
		assert_int_equal(strspn(row->id, "0123456789abcdef"), 32);
		assert_int_equal(strlen(row->id), 32);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(row->id, events_table[j].id);
		assert_is_listed(list, row, ".It ");
		assert_is_listed(page, row, "");
	}
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("L01 main mode established: all fields", test_main_mode),
		TEST("L01 quick mode established and ended: all fields", test_quick_mode),
		TEST("L01 fields of IPv6", test_ipv6),
		TEST("L01 names of certificates and principals", test_names),
		TEST("L02 failures: number, point and reason", test_failures),
		TEST("L02 an invalid proposal: 546 with the attribute", test_proposal),
		TEST("K27 L02 no answer: 547 with 13813", test_no_answer),
		TEST("L03 without audits there is none", test_audit_off),
		TEST("L04 a soft association has its record", test_soft),
		TEST("L02 and its end has one", test_soft_ended),
		TEST("L05 soft and hard peers are listed from the records", test_lists),
		TEST("L06 the agent's and the driver's records", test_agent),
		TEST("L01 L06 every record is in the manual and in the documentation", test_listed),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
