// SPDX-License-Identifier: MIT
/*
 * Two ipsec-ike and two ipsec-cred, each pair in a network namespace, talking over real UDP; see
 * selftests/netns/ike_pair.sh. This program is the agent of both. It runs one case per call:
 *
 *   test_pair list
 *   test_pair CASE NAMESPACE-A NAMESPACE-B ADDRESS-A ADDRESS-B DIRECTORY
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ike/test_pair_side.h"

static struct side a, b;
static sd_event *event;
static unsigned int slow = 1;

#define CHECK(condition)                                                        \
	do {                                                                    \
		if (!(condition))                                               \
			die("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
	} while (0)

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Runs the loop until the condition holds, at most that many seconds (more on slow machines). */
#define WAIT_FOR(seconds, condition)                                            \
	do {                                                                    \
		uint64_t end_ = now_ms() + (seconds) * UINT64_C(1000) * slow;   \
									        \
		while (!(condition)) {                                          \
			if (now_ms() > end_)                                    \
				die("%s:%d: not in time: %s", __FILE__, __LINE__, \
				    #condition);                                \
			if (sd_event_run(event, 50000) < 0)                     \
				die("event loop");                              \
		}                                                               \
	} while (0)

/* --- steps that cases share --------------------------------------------------------------- */

static void start(struct side *side)
{
	side_start_cred(side);
	side_start_ike(side);
	side_set_secret(side);
	WAIT_FOR(20, side->link && side->n_hellos && side->n_secrets_set);
}

static void start_both(void)
{
	start(&a);
	start(&b);
}

static void acquire_from(struct side *side)
{
	size_t n_results = side->n_results;

	side_acquire(side);
	WAIT_FOR(60, side->n_results > n_results);
	CHECK(side->results[n_results].acquire_id == side->acquire_id);
}

static bool has_both_halves(const struct side *side, size_t since)
{
	unsigned int directions = 0;

	for (size_t i = since; i < side->n_installs; i++)
		directions |= side->installs[i].directions;
	return directions == (IKE_DIRECTION_IN | IKE_DIRECTION_OUT);
}

static void check_keys(const struct ike_keys *x, const struct ike_keys *y)
{
	static const struct ike_keys zero;

	CHECK(x->cipher_key_len == y->cipher_key_len && x->hash_key_len == y->hash_key_len);
	CHECK(memcmp(x->cipher_key, y->cipher_key, x->cipher_key_len) == 0);
	CHECK(memcmp(x->hash_key, y->hash_key, x->hash_key_len) == 0);
	CHECK(x->cipher_key_len + x->hash_key_len > 0);
	CHECK(memcmp(x->cipher_key, zero.cipher_key, x->cipher_key_len) != 0 || !x->cipher_key_len);
	CHECK(memcmp(x->hash_key, zero.hash_key, x->hash_key_len) != 0 || !x->hash_key_len);
}

static bool is_same_suite(const struct ike_suite *x, const struct ike_suite *y)
{
	return x->protocol == y->protocol && x->cipher == y->cipher &&
	       x->key_bits == y->key_bits && x->hash == y->hash;
}

/* The newest halves belong together; the responder's second one may still be on its way. */
static bool is_mirror(const struct side *from, const struct side *to)
{
	const struct ike_sa_install *out = side_find_install(from, IKE_DIRECTION_OUT);
	const struct ike_sa_install *in = side_find_install(to, IKE_DIRECTION_IN);

	return out && in && out->suites[0].spi_out == in->suites[0].spi_in;
}

/* One side's outbound association is the other's inbound one. */
static void check_mirror(const struct side *from, const struct side *to)
{
	const struct ike_sa_install *out = side_find_install(from, IKE_DIRECTION_OUT);
	const struct ike_sa_install *in = side_find_install(to, IKE_DIRECTION_IN);

	CHECK(out && in && out->n_suites == in->n_suites);
	CHECK(ip_addr_is_equal(&out->path.local, &in->path.remote));
	CHECK(ip_addr_is_equal(&out->path.remote, &in->path.local));
	CHECK(ip_addr_is_equal(&out->selector.local, &in->selector.remote));
	CHECK(ip_addr_is_equal(&out->selector.remote, &in->selector.local));
	CHECK(out->filter_id == 7 && in->filter_id == 7);
	for (size_t i = 0; i < out->n_suites; i++) {
		const struct ike_sa_suite *x = &out->suites[i], *y = &in->suites[i];

		CHECK(x->spi_out == y->spi_in && x->spi_out > 255);
		CHECK(x->spi_in != x->spi_out);
		CHECK(is_same_suite(&x->suite, &y->suite));
		check_keys(&x->out, &y->in);
		CHECK(memcmp(x->out.hash_key, x->in.hash_key, sizeof(x->in.hash_key)) != 0 ||
		      memcmp(x->out.cipher_key, x->in.cipher_key, sizeof(x->in.cipher_key)) != 0);
	}
}

static void check_both_mirrors(void)
{
	check_mirror(&a, &b);
	check_mirror(&b, &a);
}

static void negotiate(struct side *side, struct side *peer)
{
	size_t mine = side->n_installs, his = peer->n_installs;

	acquire_from(side);
	CHECK(side->results[side->n_results - 1].reason == IKE_REASON_OK);
	WAIT_FOR(20, has_both_halves(side, mine) && has_both_halves(peer, his) &&
		 is_mirror(&a, &b) && is_mirror(&b, &a));
	check_both_mirrors();
}

/* --- cases -------------------------------------------------------------------------------- */

static void case_negotiate(void)
{
	start_both();
	negotiate(&a, &b);
	CHECK(side_find_install(&a, IKE_DIRECTION_OUT)->is_initiator);
	CHECK(!side_find_install(&b, IKE_DIRECTION_OUT)->is_initiator);
	CHECK(side_find_install(&a, IKE_DIRECTION_OUT)->acquire_id == a.acquire_id);
	WAIT_FOR(20, side_find_event(&a, IKE_EVENT_QM_ESTABLISHED) &&
		 side_find_event(&b, IKE_EVENT_QM_ESTABLISHED));
	CHECK(side_find_event(&a, IKE_EVENT_MM_ESTABLISHED) &&
	      side_find_event(&b, IKE_EVENT_MM_ESTABLISHED));
	side_list(&a);
	side_list(&b);
	CHECK(a.n_mms == 1 && b.n_mms == 1 && a.n_qms == 1 && b.n_qms == 1);
	CHECK(a.mms[0].icookie == b.mms[0].icookie && a.mms[0].rcookie == b.mms[0].rcookie);
	CHECK(a.mms[0].state == IKE_MM_STATE_ESTABLISHED && a.mms[0].is_initiator);
	CHECK(b.mms[0].state == IKE_MM_STATE_ESTABLISHED && !b.mms[0].is_initiator);
	CHECK(a.qms[0].spi_in[0] == b.qms[0].spi_out[0]);
	CHECK(a.stats.main_modes == 1 && b.stats.main_modes == 1);
	CHECK(a.stats.quick_modes == 1 && b.stats.quick_modes == 1);
	/* a second pair shares the main mode, and the other side can start one */
	negotiate(&a, &b);
	negotiate(&b, &a);
	side_list(&a);
	CHECK(a.n_mms == 1);
	CHECK(a.n_keylogs == 0 && b.n_keylogs == 0);
}

static void case_both_at_once(void)
{
	size_t n_a, n_b;

	start_both();
	for (int i = 0; i < 5; i++) {
		n_a = a.n_results;
		n_b = b.n_results;
		side_acquire(&a);
		side_acquire(&b);
		WAIT_FOR(60, a.n_results > n_a && b.n_results > n_b);
		CHECK(a.results[n_a].reason == IKE_REASON_OK);
		CHECK(b.results[n_b].reason == IKE_REASON_OK);
	}
}

static void case_wrong_key(void)
{
	const struct side_event *failed;

	strcpy(b.psk, "incorrect horse battery staple");
	start_both();
	acquire_from(&a);
	CHECK(a.results[0].reason == IKE_REASON_CREDENTIALS ||
	      a.results[0].reason == IKE_REASON_TIMED_OUT);
	CHECK(a.results[0].peer_answered);
	CHECK(a.n_installs == 0 && b.n_installs == 0);
	WAIT_FOR(60, side_find_event(&a, IKE_EVENT_MM_FAILED) &&
		 side_find_event(&b, IKE_EVENT_MM_FAILED));
	failed = side_find_event(&a, IKE_EVENT_MM_FAILED);
	CHECK(ip_addr_is_equal(&failed->event.path.remote, &b.local));
	CHECK(failed->text[0]);
	failed = side_find_event(&b, IKE_EVENT_MM_FAILED);
	CHECK(ip_addr_is_equal(&failed->event.path.remote, &a.local));
	CHECK(failed->event.reason == IKE_REASON_CREDENTIALS);
	CHECK(failed->text[0]);
	/* with the right one it works at once */
	strcpy(b.psk, a.psk);
	side_set_secret(&b);
	WAIT_FOR(20, b.n_secrets_set == 2);
	negotiate(&a, &b);
}

static void case_no_common_proposal(void)
{
	const struct side_event *failed;

	b.mm.proposals[0].group = IKE_GROUP_ECP256;
	start_both();
	acquire_from(&a);
	CHECK(a.results[0].reason != IKE_REASON_OK && a.results[0].peer_answered);
	failed = side_find_event(&b, IKE_EVENT_MM_FAILED);
	CHECK(failed && failed->event.reason == IKE_REASON_ATTRIBUTES && failed->text[0]);
	CHECK(a.n_installs == 0 && b.n_installs == 0);
}

static void case_no_policy(void)
{
	start_both();
	b.has_no_policy = true;
	acquire_from(&a);
	CHECK(a.results[0].reason != IKE_REASON_OK);
	CHECK(b.n_installs == 0);
	b.has_no_policy = false;
	negotiate(&b, &a);
}

static void case_no_answer(void)
{
	start(&a);
	acquire_from(&a);
	CHECK(a.results[0].reason == IKE_REASON_NO_RESPONSE);
	CHECK(!a.results[0].peer_answered);
	CHECK(side_find_event(&a, IKE_EVENT_MM_FAILED));
	CHECK(side_find_event(&a, IKE_EVENT_MM_FAILED)->event.reason == IKE_REASON_NO_RESPONSE);
}

/* The driver says no: the peer must not be left with half a pair. */
static void case_refused_by_driver(void)
{
	start_both();
	b.refuses_add_sa = true;
	acquire_from(&a);
	CHECK(a.results[0].reason != IKE_REASON_OK);
	b.refuses_add_sa = false;
	negotiate(&a, &b);
}

static void case_rekey_and_delete(void)
{
	struct link_expire expire = { .kind = IKE_EXPIRE_SOFT, .direction = IKE_DIRECTION_OUT };
	struct link_peer_ref peer = { .reason = IKE_REASON_DELETED_BY_ADMIN };
	const struct ike_sa_install *old, *new;
	uint64_t old_id;
	size_t n_a, n_b;

	start_both();
	negotiate(&a, &b);
	old = side_find_install(&a, IKE_DIRECTION_OUT);
	old_id = old->qm_id;
	expire.remote = b.local;
	expire.protocol = IKE_PROTOCOL_ESP;
	expire.spi = old->suites[0].spi_out;
	n_a = a.n_installs;
	n_b = b.n_installs;
	side_call(&a, &link_expire, &expire);
	CHECK(a.error == 0);
	WAIT_FOR(60, has_both_halves(&a, n_a) && has_both_halves(&b, n_b) && is_mirror(&a, &b) &&
		 is_mirror(&b, &a));
	check_both_mirrors();
	new = side_find_install(&a, IKE_DIRECTION_OUT);
	CHECK(new->qm_id != old_id && new->replaces_qm_id == old_id);
	/* one side deletes everything with the other: both remove what is left */
	n_a = a.n_refs;
	n_b = b.n_refs;
	peer.local = a.local;
	peer.remote = b.local;
	side_call(&a, &link_delete_peer, &peer);
	CHECK(a.error == 0);
	WAIT_FOR(20, a.n_refs > n_a && b.n_refs > n_b);
	side_list(&a);
	side_list(&b);
	CHECK(a.n_mms == 0 && a.n_qms == 0);
	CHECK(b.n_qms == 0);
	CHECK(side_find_event(&b, IKE_EVENT_QM_DELETED));
	negotiate(&b, &a);
}

/* --- rights ------------------------------------------------------------------------------- */

static bool status_has(pid_t pid, const char *file, const char *line)
{
	char path[64], text[16384];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	if (!f)
		die("%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	if (!strstr(text, line)) {
		(void)printf("%s has no \"%s\":\n%s", path, line, text);
		return false;
	}
	return true;
}

static void check_rights(pid_t pid)
{
	static const char *const lines[] = {
		"\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n",
		"\nCapAmb:\t0000000000000000\n", "\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n",
		"\nGroups:\t \n",
	};
	char path[64];
	struct stat st;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CHECK(status_has(pid, "status", lines[i]));
	CHECK(!status_has(pid, "status", "\nUid:\t0\t"));
	CHECK(status_has(pid, "limits", "Max core file size        0                    0 "));
	/* root owns this file of a process that its own user must not look into */
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	CHECK(stat(path, &st) == 0 && st.st_uid == 0);
}

static void case_rights(void)
{
	start_both();
	negotiate(&a, &b);
	check_rights(a.ike);
	check_rights(a.cred);
	check_rights(b.ike);
	check_rights(b.cred);
}

/* --- secrets ------------------------------------------------------------------------------ */

static bool memory_has(pid_t pid, const void *what, size_t len)
{
	char path[64], line[512];
	bool found = false;
	FILE *maps, *mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	mem = fopen(path, "re");
	if (!maps || !mem)
		die("%s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), maps)) {
		char *end;
		unsigned long from = strtoul(line, &end, 16);
		unsigned long to = *end == '-' ? strtoul(end + 1, NULL, 16) : 0;
		uint8_t *bytes;
		size_t n;

		if (to <= from || to - from > (64UL << 20))
			continue;
		bytes = malloc(to - from);
		if (!bytes)
			die("no memory");
		n = fseeko(mem, (off_t)from, SEEK_SET) == 0 ? fread(bytes, 1, to - from, mem) : 0;
		found = memmem(bytes, n, what, len);
		free(bytes);
	}
	(void)fclose(maps);
	(void)fclose(mem);
	return found;
}

static bool file_has(const char *dir, const char *name, const char *text)
{
	static char content[4 << 20];
	char path[256];
	FILE *file;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		die("%s: %s", path, strerror(errno));
	n = fread(content, 1, sizeof(content), file);
	(void)fclose(file);
	return memmem(content, n, text, strlen(text));
}

/*
 * The key is in cred, and nowhere else: not in ipsec-ike's memory, not in a log. Nor are session
 * keys that have been handed over, or that belong to something deleted.
 */
static void case_secrets(void)
{
	struct ike_keys keys;

	start_both();
	negotiate(&a, &b);
	WAIT_FOR(20, side_find_event(&a, IKE_EVENT_QM_ESTABLISHED) &&
		 side_find_event(&b, IKE_EVENT_QM_ESTABLISHED));
	/* whoever answers this has finished what the event was part of */
	side_list(&a);
	side_list(&b);
	CHECK(memory_has(a.cred, a.psk, strlen(a.psk)));
	CHECK(!memory_has(a.ike, a.psk, strlen(a.psk)));
	CHECK(!memory_has(b.ike, b.psk, strlen(b.psk)));
	keys = side_find_install(&a, IKE_DIRECTION_OUT)->suites[0].out;
	CHECK(!memory_has(a.ike, keys.cipher_key, keys.cipher_key_len));
	CHECK(!memory_has(b.ike, keys.cipher_key, keys.cipher_key_len));
	CHECK(!file_has(a.run_dir, "ipsec-ike.log", a.psk));
	CHECK(!file_has(a.run_dir, "ipsec-cred.log", a.psk));
	CHECK(!file_has(b.run_dir, "ipsec-ike.log", b.psk));
	CHECK(!file_has(b.run_dir, "ipsec-cred.log", b.psk));
}

/* --- crashes ------------------------------------------------------------------------------ */

static void case_ike_killed(void)
{
	struct ike_sa_install adopted;
	struct link_expire expire = { .kind = IKE_EXPIRE_SOFT, .direction = IKE_DIRECTION_IN };
	uint64_t instance;
	size_t n_a;

	start_both();
	negotiate(&a, &b);
	instance = a.instance;
	(void)side_kill(&a, &a.ike, SIGKILL);
	WAIT_FOR(20, !a.link);
	side_start_ike(&a);
	WAIT_FOR(20, a.link && a.n_hellos == 2);
	CHECK(a.instance != instance);
	/* the associations outlive it, and are rekeyed when their time comes */
	adopted = *side_find_install(&a, IKE_DIRECTION_OUT);
	memset(&adopted.suites[0].in, 0, sizeof(adopted.suites[0].in));
	memset(&adopted.suites[0].out, 0, sizeof(adopted.suites[0].out));
	side_call(&a, &link_adopt_sa, &adopted);
	CHECK(a.error == 0);
	side_list(&a);
	CHECK(a.n_qms == 1 && a.n_mms == 0);
	expire.remote = b.local;
	expire.protocol = IKE_PROTOCOL_ESP;
	expire.spi = adopted.suites[0].spi_in;
	n_a = a.n_installs;
	side_call(&a, &link_expire, &expire);
	CHECK(a.error == 0);
	WAIT_FOR(60, has_both_halves(&a, n_a));
	CHECK(side_find_install(&a, IKE_DIRECTION_OUT)->replaces_qm_id == adopted.qm_id);
	/* and both sides can start something new */
	negotiate(&a, &b);
	negotiate(&b, &a);
}

/* In the middle of a negotiation: the initiator's peer is killed and comes back. */
static void case_peer_killed(void)
{
	start_both();
	side_acquire(&a);
	(void)side_kill(&b, &b.ike, SIGKILL);
	side_start_ike(&b);
	WAIT_FOR(90, a.n_results == 1);
	WAIT_FOR(20, b.link && b.n_hellos == 2);
	WAIT_FOR(20, a.results[0].reason != IKE_REASON_OK ||
		 side_find_event(&b, IKE_EVENT_QM_ESTABLISHED));
	negotiate(&a, &b);
}

static void case_cred_killed(void)
{
	start_both();
	(void)side_kill(&a, &a.cred, SIGKILL);
	side_acquire(&a);
	side_start_cred(&a);
	side_set_secret(&a);	/* as the agent does whenever the link comes up */
	WAIT_FOR(60, a.n_results == 1);
	CHECK(a.results[0].reason == IKE_REASON_OK);
	WAIT_FOR(20, side_find_event(&b, IKE_EVENT_QM_ESTABLISHED));
	(void)side_kill(&b, &b.cred, SIGKILL);
	side_start_cred(&b);
	side_set_secret(&b);
	negotiate(&b, &a);
}

/* The agent's end goes and comes back: ipsec-ike keeps what it has. */
static void case_agent_restarted(void)
{
	uint64_t instance;

	start_both();
	negotiate(&a, &b);
	instance = a.instance;
	link_close(a.link, -ESHUTDOWN);
	WAIT_FOR(20, !a.link);
	WAIT_FOR(20, a.link && a.n_hellos == 2);
	CHECK(a.instance == instance);
	side_list(&a);
	CHECK(a.n_mms == 1 && a.n_qms == 1);
	negotiate(&a, &b);
}

/* A clean end: status 0, and the peer does not wait for a dead main mode. */
static void case_clean_stop(void)
{
	int status;

	start_both();
	negotiate(&a, &b);
	status = side_kill(&a, &a.ike, SIGTERM);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	WAIT_FOR(20, side_find_event(&b, IKE_EVENT_MM_DELETED));
	side_list(&b);
	CHECK(b.n_qms == 1);	/* traffic goes on */
	status = side_kill(&a, &a.cred, SIGTERM);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	side_start_ike(&a);
	side_start_cred(&a);
	side_set_secret(&a);
	WAIT_FOR(20, a.link && a.n_hellos == 2);
	negotiate(&a, &b);
}

/* --- algorithms --------------------------------------------------------------------------- */

static void restart_from_nothing(void)
{
	struct link_flush flush = { .reason = IKE_REASON_POLICY_CHANGE };

	side_call(&a, &link_flush, &flush);
	side_call(&b, &link_flush, &flush);
	side_list(&a);
	side_list(&b);
	CHECK(a.n_mms + b.n_mms + a.n_qms + b.n_qms == 0);
	a.n_installs = b.n_installs = 0;
	a.n_events = b.n_events = 0;
	a.n_results = b.n_results = 0;
	a.n_refs = b.n_refs = 0;
}

static void with_main_mode(enum ike_cipher cipher, uint16_t bits, enum ike_hash hash,
			   uint16_t group)
{
	const struct ike_mm_proposal p = { cipher, bits, hash, group };

	(void)printf("%s %s %s\n", ike_cipher_name(cipher, bits), ike_hash_name(hash),
		     ike_group_name(group));
	a.mm.proposals[0] = b.mm.proposals[0] = p;
	negotiate(&a, &b);
	side_list(&a);
	CHECK(a.n_mms == 1 && a.mms[0].has_proposal);
	CHECK(a.mms[0].proposal.cipher == cipher && a.mms[0].proposal.key_bits == bits &&
	      a.mms[0].proposal.hash == hash && a.mms[0].proposal.group == group);
	restart_from_nothing();
}

static void case_main_mode_algorithms(void)
{
	static const struct {
		enum ike_cipher cipher;
		uint16_t bits;
	} ciphers[] = { { IKE_CIPHER_DES, 0 }, { IKE_CIPHER_3DES, 0 }, { IKE_CIPHER_AES_CBC, 128 },
			{ IKE_CIPHER_AES_CBC, 192 }, { IKE_CIPHER_AES_CBC, 256 } };
	static const uint16_t groups[] = { 1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21 };

	start_both();
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		for (enum ike_hash hash = IKE_HASH_MD5; hash < IKE_HASH_COUNT; hash++)
			with_main_mode(ciphers[i].cipher, ciphers[i].bits, hash,
				       IKE_GROUP_ECP256);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		with_main_mode(IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA256, groups[i]);
}

static void with_quick_mode(struct ike_suite first, const struct ike_suite *second, uint16_t pfs)
{
	struct ike_qm_offer offer = { .suites = { first }, .n_suites = 1, .life_seconds = 3600,
				      .pfs_group = pfs };

	if (second)
		offer.suites[offer.n_suites++] = *second;
	(void)printf("%d %s %s%s, PFS %s\n", first.protocol,
		     ike_cipher_name(first.cipher, first.key_bits), ike_hash_name(first.hash),
		     second ? " and another" : "", ike_group_name(pfs));
	a.qm.offers[0] = b.qm.offers[0] = offer;
	negotiate(&a, &b);
	CHECK(side_find_install(&a, IKE_DIRECTION_OUT)->n_suites == offer.n_suites);
	CHECK(is_same_suite(&side_find_install(&a, IKE_DIRECTION_OUT)->suites[0].suite, &first));
}

static void case_quick_mode_algorithms(void)
{
	static const struct {
		enum ike_cipher cipher;
		uint16_t bits;
	} ciphers[] = { { IKE_CIPHER_NULL, 0 }, { IKE_CIPHER_DES, 0 }, { IKE_CIPHER_3DES, 0 },
			{ IKE_CIPHER_AES_CBC, 128 }, { IKE_CIPHER_AES_CBC, 192 },
			{ IKE_CIPHER_AES_CBC, 256 } };
	static const uint16_t groups[] = { 1, 2, 5, 14, 15, 16, 19, 20, 21 };
	const struct ike_suite esp = { IKE_PROTOCOL_ESP, IKE_CIPHER_3DES, 0, IKE_HASH_SHA1 };

	start_both();
	for (enum ike_hash hash = IKE_HASH_MD5; hash < IKE_HASH_COUNT; hash++) {
		for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
			with_quick_mode((struct ike_suite){ IKE_PROTOCOL_ESP, ciphers[i].cipher,
							    ciphers[i].bits, hash }, NULL, 0);
		with_quick_mode((struct ike_suite){ IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, hash },
				NULL, 0);
		with_quick_mode((struct ike_suite){ IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, hash },
				&esp, 0);
	}
	for (uint16_t bits = 128; bits <= 256; bits += 128)
		with_quick_mode((struct ike_suite){ IKE_PROTOCOL_ESP, IKE_CIPHER_AES_GCM_16, bits,
						    IKE_HASH_NONE }, NULL, 0);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		with_quick_mode(esp, NULL, groups[i]);
}

/* --- keys for tshark ---------------------------------------------------------------------- */

/* The script captures meanwhile, and decrypts with what is in the directory afterwards. */
static void case_keylog(void)
{
	a.config.keylog = true;
	start_both();
	negotiate(&a, &b);
	WAIT_FOR(20, a.n_keylogs >= 2);
	CHECK(b.n_keylogs == 0);
	a.config.keylog = false;
	side_call(&a, &link_set_config, &a.config);
	CHECK(a.error == 0);
	a.n_keylogs = 0;
	negotiate(&a, &b);
	CHECK(a.n_keylogs == 0);
}

/* --- main --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(void);
	const char *title;	/* begins with the rows of features.tsv */
} cases[] = {
	{ "negotiate", case_negotiate,
	  "K01 K06 F13 A25 main and quick mode give both sides the same keys" },
	{ "both-at-once", case_both_at_once, "K01 both sides start at the same time" },
	{ "wrong-key", case_wrong_key, "K06 L02 a wrong preshared key fails with its reason" },
	{ "no-common-proposal", case_no_common_proposal,
	  "K21 L02 no common proposal fails with its reason" },
	{ "no-policy", case_no_policy, "L02 a peer without policy for us is no success" },
	{ "no-answer", case_no_answer, "K27 L02 nobody answers: no response from peer" },
	{ "refused-by-driver", case_refused_by_driver, "A25 the driver may refuse" },
	{ "rekey-and-delete", case_rekey_and_delete, "rekey, then delete on both sides" },
	{ "rights", case_rights, "no capability, no new rights, filtered system calls" },
	{ "secrets", case_secrets, "K06 the preshared key stays in ipsec-cred" },
	{ "ike-killed", case_ike_killed, "ipsec-ike is killed and comes back" },
	{ "peer-killed", case_peer_killed, "the peer is killed while we negotiate" },
	{ "cred-killed", case_cred_killed, "ipsec-cred is killed and comes back" },
	{ "agent-restarted", case_agent_restarted, "the agent goes and comes back" },
	{ "clean-stop", case_clean_stop, "a clean stop tells the peer" },
	{ "main-mode-algorithms", case_main_mode_algorithms,
	  "K12 K13 every cipher, hash and group of main mode" },
	{ "quick-mode-algorithms", case_quick_mode_algorithms,
	  "K18 F20 F21 every protection of quick mode, with and without PFS" },
	{ "keylog", case_keylog, "keys are written while the debug switch is on" },
};

int main(int argc, char **argv)
{
	const char *factor = getenv("SLOW");
	uint32_t number;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			(void)printf("%s\t%s\n", cases[i].name, cases[i].title);
		return 0;
	}
	if (argc != 7)
		die("usage: test_pair list | CASE NS-A NS-B ADDRESS-A ADDRESS-B DIRECTORY");
	if (factor && parse_u32_range(factor, 1, 100, &number) == 0)
		slow = number;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, argv[1]) != 0)
			continue;
		if (sd_event_new(&event) < 0)
			die("no event loop");
		side_open(&a, event, "a", argv[2], argv[6], argv[4], argv[5]);
		side_open(&b, event, "b", argv[3], argv[6], argv[5], argv[4]);
		cases[i].run();
		side_close(&a);
		side_close(&b);
		sd_event_unref(event);
		return 0;
	}
	die("no case \"%s\"", argv[1]);
}
