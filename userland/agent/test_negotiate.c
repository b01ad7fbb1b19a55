// SPDX-License-Identifier: MIT
/* What IKE may ask for: well-behaved and captured. */
#include "agent/test_scene.h"
#include "agent/translate.h"

#include <errno.h>

#include "agent/sa_check.h"

/* --- the way it should go ----------------------------------------------------------------- */

static void test_initiator(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	const struct kernel_sa *sas;
	size_t n;

	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);
	assert_int_equal(w->log.acquire.qm.filter_id, scene_peer_filter(w));
	assert_int_equal(w->log.acquire.mm.n_proposals, 1);
	assert_int_equal(w->log.acquire.mm.proposals[0].cipher, IKE_CIPHER_AES_CBC);
	assert_int_equal(w->log.acquire.mm.proposals[0].key_bits, 256);
	assert_int_equal(w->log.acquire.mm.proposals[0].group, 14);
	assert_int_equal(w->log.acquire.mm.life_seconds, 3600);
	assert_int_equal(w->log.acquire.mm.qm_limit, 5);
	assert_int_equal(w->log.acquire.mm.auth[0], IKE_AUTH_PSK);
	assert_int_equal(w->log.acquire.qm.n_offers, 2);
	assert_int_equal(w->log.acquire.qm.offers[0].life_kbytes, 50000);
	/* what the method does not say has the default */
	assert_int_equal(w->log.acquire.qm.offers[1].life_seconds, 3600);
	assert_int_equal(w->log.acquire.selector.protocol, 0);

	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	sas = kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);
	assert_int_not_equal(sas[0].spi, sas[1].spi);
	assert_int_not_equal(sas[0].direction, sas[1].direction);
	assert_int_equal(sas[0].pair_spi, sas[1].spi);
	assert_int_equal(sas[0].filter_id, scene_peer_filter(w));
	assert_int_equal(sas[0].lifetime.hard_seconds, 600);
	for (size_t i = 0; i < 2; i++) {
		bool is_in = sas[i].direction == IPSECDRV_DIRECTION_IN;

		assert_int_equal(sas[i].lifetime.soft_bytes,
				 is_in ? install.soft_bytes_in : install.soft_bytes);
		assert_int_equal(sas[i].lifetime.idle_seconds, is_in ? 300 : 0);
	}
	assert_int_equal(sas[0].cipher_key[0], 0xa1);
	assert_int_equal(sas[1].integrity_key[0], 0xb2);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	/* the pair is remembered without its keys */
	assert_non_null(negotiate_find_pair(w->negotiate, install.suites[0].spi_in));
	assert_int_equal(negotiate_find_pair(w->negotiate, install.suites[0].spi_in)
				 ->suites[0].in.cipher_key[0], 0);
}

/* A peer that says itself when it is ready; and it is of a cluster. */
static void test_initiator_in_halves(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	const struct kernel_sa *sas;
	size_t n;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	install.directions = IKE_DIRECTION_IN;
	install.idle_seconds = 60;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	sas = kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 1);
	assert_int_equal(sas[0].lifetime.idle_seconds, 60);
	/* what waits for the pair goes on waiting */
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 1);
	install.directions = IKE_DIRECTION_OUT;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(scene_count_sas(w), 2);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
}

static void test_responder(void **state)
{
	struct scene *w = *state;
	struct link_policy_mm_query mm_query = { .path = scene_path_to("10.0.0.2") };
	struct ike_selector selector = scene_selector_to("10.0.0.2");
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;
	struct ike_sa_install install;

	assert_int_equal(negotiate_policy_mm(w->negotiate, &mm_query, &mm), 0);
	assert_int_equal(mm.n_proposals, 1);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	assert_int_equal(qm.filter_id, scene_peer_filter(w));
	assert_int_equal(qm.n_offers, 2);

	install = scene_install_for(w, scene_get_spi(w, 0));
	install.is_initiator = false;
	install.acquire_id = 0;
	install.filter_id = qm.filter_id;
	install.directions = IKE_DIRECTION_IN;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(scene_count_sas(w), 1);
	install.directions = IKE_DIRECTION_OUT;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(scene_count_sas(w), 2);
	/* and not a third time */
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	assert_int_equal(scene_count_sas(w), 2);
}

static void test_peer_questions(void **state)
{
	struct scene *w = *state;
	static const struct {
		const char *remote;
		uint8_t protocol;
		uint16_t remote_port;
		int result;
	} rows[] = {
		{ "10.0.0.2", 0, 0, 0 },
		{ "10.0.0.2", 17, 53, 0 },		/* within the filter */
		{ "10.0.0.2", 6, 23, -ENOENT },		/* a more specific one blocks it */
		{ "10.0.0.2", 6, 24, 0 },
		{ "10.0.0.3", 0, 0, -ENOENT },		/* permitted */
		{ "10.0.0.4", 0, 0, -ENOENT },		/* nothing said */
	};
	struct ike_selector selector;
	struct ike_qm_policy qm;
	struct ike_mm_policy mm;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link_policy_mm_query query = { .path = scene_path_to(rows[i].remote) };

		selector = scene_selector_to(rows[i].remote);
		selector.protocol = rows[i].protocol;
		selector.remote_port = rows[i].remote_port;
		if (scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm) != rows[i].result)
			fail_msg("row %zu", i);
		assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm),
				 strcmp(rows[i].remote, "10.0.0.2") ? -ENOENT : 0);
	}
	selector = scene_selector_to("10.0.0.2");
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_RSA_SIG, &qm), -ENOENT);
	selector.remote_prefix = 24;
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
	selector = scene_selector_to("10.0.0.2");
	selector.local = test_addr("10.0.0.77");	/* not this host */
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
}

/* --- the way a captured IKE would like it ------------------------------------------------- */

typedef void (*twist_fn)(struct ike_sa_install *install);

static void twist_filter(struct ike_sa_install *i) { i->filter_id += 77; }
static void twist_peer(struct ike_sa_install *i) { i->path.remote = test_addr("10.0.0.9"); }
static void twist_other(struct ike_sa_install *i)
{
	i->path.remote = i->selector.remote = test_addr("10.0.0.9");
}
static void twist_local(struct ike_sa_install *i)
{
	i->path.local = i->selector.local = test_addr("10.0.0.8");
}
static void twist_wider(struct ike_sa_install *i) { i->selector.remote_prefix = 0; }
static void twist_family(struct ike_sa_install *i)
{
	i->selector.local = i->path.local = test_addr("2001:db8::1");
	i->selector.remote = i->path.remote = test_addr("2001:db8::2");
	i->selector.local_prefix = i->selector.remote_prefix = 128;
}
static void twist_narrower(struct ike_sa_install *i) { i->selector.protocol = 6; }
static void twist_tunnel(struct ike_sa_install *i)
{
	i->encapsulation = IKE_ENCAPSULATION_TUNNEL;
}
static void twist_cipher(struct ike_sa_install *i)
{
	i->suites[0].suite.cipher = IKE_CIPHER_DES;
	i->suites[0].suite.key_bits = 0;
	i->suites[0].in.cipher_key_len = i->suites[0].out.cipher_key_len = 8;
}
static void twist_null(struct ike_sa_install *i)
{
	i->suites[0].suite.cipher = IKE_CIPHER_NULL;
	i->suites[0].suite.key_bits = 0;
	i->suites[0].in.cipher_key_len = i->suites[0].out.cipher_key_len = 0;
}
static void twist_hash(struct ike_sa_install *i)
{
	i->suites[0].suite.hash = IKE_HASH_MD5;
	i->suites[0].in.hash_key_len = i->suites[0].out.hash_key_len = 16;
}
static void twist_no_hash(struct ike_sa_install *i)
{
	i->suites[0].suite.hash = IKE_HASH_NONE;
	i->suites[0].in.hash_key_len = i->suites[0].out.hash_key_len = 0;
}
static void twist_short_key(struct ike_sa_install *i) { i->suites[0].out.cipher_key_len = 8; }
static void twist_seconds(struct ike_sa_install *i) { i->life_seconds = 601; }
static void twist_forever(struct ike_sa_install *i)
{
	i->life_seconds = 0;
	i->soft_seconds = 0;
}
static void twist_bytes(struct ike_sa_install *i) { i->life_bytes++; }
static void twist_endless(struct ike_sa_install *i)
{
	i->life_bytes = i->soft_bytes = i->soft_bytes_in = 0;
}

static void twist_soft(struct ike_sa_install *i) { i->soft_seconds = 700; }
static void twist_soft_in(struct ike_sa_install *i) { i->soft_bytes_in = i->life_bytes + 1; }
static void twist_idle(struct ike_sa_install *i) { i->idle_seconds = 301; }
static void twist_spi_in(struct ike_sa_install *i) { i->suites[0].spi_in++; }
static void twist_spi_out(struct ike_sa_install *i) { i->suites[0].spi_out = 255; }
static void twist_role(struct ike_sa_install *i) { i->is_initiator = false; }
static void twist_direction(struct ike_sa_install *i) { i->directions = IKE_DIRECTION_OUT; }
static void twist_no_direction(struct ike_sa_install *i) { i->directions = 0; }
static void twist_bits(struct ike_sa_install *i) { i->suites[0].suite.key_bits = 256; }
/* in UDP, but not from the port that the driver knows it by */
static void twist_port(struct ike_sa_install *i)
{
	i->is_in_udp = true;
	i->path.local_port = 53;
	i->path.remote_port = 4500;
}
static void twist_nowhere(struct ike_sa_install *i)
{
	i->is_in_udp = true;
	i->path.local_port = 4500;
	i->path.remote_port = 0;
}

/*
 * Each thing that is not as policy has it is refused, and the honest one goes through after all
 * that.
 */
static void test_hostile_install(void **state)
{
	static const twist_fn twists[] = {
		twist_filter, twist_peer, twist_other, twist_local, twist_wider, twist_family,
		twist_narrower, twist_tunnel, twist_cipher, twist_null, twist_hash, twist_no_hash,
		twist_short_key, twist_seconds, twist_forever, twist_bytes, twist_endless,
		twist_soft, twist_soft_in, twist_idle, twist_spi_in, twist_spi_out, twist_role, twist_direction,
		twist_no_direction, twist_bits, twist_port, twist_nowhere,
	};
	struct scene *w = *state;
	struct ike_sa_install install;
	uint32_t spi;

	scene_send_ping(w);
	spi = scene_get_spi(w, w->log.acquire.id);
	for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
		install = scene_install_for(w, spi);
		twists[i](&install);
		if (negotiate_add_sa(w->negotiate, &install) != -EPERM)
			fail_msg("twist %zu went through", i);
		assert_int_equal(scene_count_sas(w), 1);	/* the larval one */
		assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_SA_NEW), 0);
	}
	assert_int_equal(negotiate_get_counts(w->negotiate).refused,
			 sizeof(twists) / sizeof(twists[0]));
	install = scene_install_for(w, spi);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(scene_count_sas(w), 2);
}

/* Policy allows it, but nobody asked. */
static void test_unasked(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	/* once more, with a new SPI: the packet has its association */
	install = scene_install_for(w, scene_get_spi(w, 0));
	install.qm_id = 8;
	install.suites[0].spi_out = 0x8001;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	/* as if it rekeyed a pair that it does not have */
	install.replaces_qm_id = 99;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	/* and as it may */
	install.replaces_qm_id = 7;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
}

/* A grant is for one pair, for its selector, and not for ever. */
static void test_grants(void **state)
{
	struct scene *w = *state;
	struct ike_selector selector = scene_selector_to("10.0.0.2"), udp = selector;
	struct ike_sa_install install;
	struct ike_qm_policy qm;

	udp.protocol = 17;
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install = scene_install_for(w, scene_get_spi(w, 0));
	install.is_initiator = false;
	install.filter_id = qm.filter_id;
	install.selector = udp;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	install.selector = selector;
	scene_clock += NEGOTIATE_GRANT_USEC;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install.suites[0].spi_in = scene_get_spi(w, 0);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	install.qm_id++;
	install.suites[0].spi_in = scene_get_spi(w, 0);
	install.suites[0].spi_out++;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
}

static void test_hostile_spi(void **state)
{
	struct scene *w = *state;
	struct ike_spi_request request = {
		.path = scene_path_to("10.0.0.9"), .protocol = IKE_PROTOCOL_ESP,
	};
	uint32_t spi, n = 0;

	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), -EPERM);
	request.path = scene_path_to("10.0.0.2");
	request.path.local = test_addr("10.0.0.7");
	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), -EPERM);
	assert_int_equal(scene_count_sas(w), 0);
	/* it cannot fill the driver */
	request.path = scene_path_to("10.0.0.2");
	while (n <= NEGOTIATE_LARVALS_MAX && !negotiate_get_spi(w->negotiate, &request, &spi))
		n++;
	assert_int_equal(n, NEGOTIATE_LARVALS_MAX);
}

/* It removes what it made and nothing else. */
static void test_hostile_delete(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	struct ike_sa_ref ref = { .path = scene_path_to("10.0.0.2"), .protocol = IKE_PROTOCOL_ESP };

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	ref.spi_in = install.suites[0].spi_in + 1;
	ref.spi_out = 0x9999;
	negotiate_del_sa(w->negotiate, &ref);
	assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_SA_DEL), 0);
	ref.spi_in = install.suites[0].spi_in;
	ref.spi_out = install.suites[0].spi_out;
	negotiate_del_sa(w->negotiate, &ref);
	assert_int_equal(scene_count_sas(w), 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
}

/* --- results ------------------------------------------------------------------------------ */

/*
 * The peer's quick mode made the pair; the event of the packet that wanted one is read afterwards. A
 * second one that the driver has no associations for is another matter.
 */
static void test_late_acquire(void **state)
{
	struct scene *w = *state;
	struct kernel_acquire late = { .id = 1, .flow = scene_ping_to("10.0.0.2") };
	struct ike_sa_install install;

	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);
	late.filter_id = scene_the_acquire(w)->filter_id;
	late.selector = scene_the_acquire(w)->selector;
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	negotiate_acquire(w->negotiate, &late);
	assert_int_equal(w->log.n_acquires, 1);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	assert_int_equal(w->kernel->ops->sa_flush(w->kernel), 0);
	negotiate_acquire(w->negotiate, &late);
	assert_int_equal(w->log.n_acquires, 2);
}

static void test_failure(void **state)
{
	struct scene *w = *state;
	struct ip_addr peer = test_addr("10.0.0.2");
	struct ike_event event = {
		.kind = IKE_EVENT_MM_FAILED,
		.path = scene_path_to("10.0.0.2"),
		.reason = IKE_REASON_NO_RESPONSE,
		.text = "no response from peer",
	};

	scene_send_ping(w);
	negotiate_event(w->negotiate, &event);
	scene_end_acquire(w, IKE_REASON_NO_RESPONSE, false);
	assert_true(scene_the_acquire(w)->has_ended);
	assert_int_equal(scene_the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_FAILED);
	assert_int_equal(kernel_fake_hold(w->kernel), 0);	/* the driver's minute */
	assert_int_equal(negotiate_find_failure(w->negotiate, &peer)->reason, 13813);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	/* its quick mode ends with it: one failure; one that ends later is another */
	event.kind = IKE_EVENT_QM_FAILED;
	negotiate_event(w->negotiate, &event);
	assert_int_equal(negotiate_find_failure(w->negotiate, &peer)->times, 1);
	event.mm = &(struct ike_mm_info){ .path = event.path };
	negotiate_event(w->negotiate, &event);
	assert_int_equal(negotiate_find_failure(w->negotiate, &peer)->times, 2);
	/* told twice, or about nothing: nothing happens */
	scene_end_acquire(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_ACQUIRE_END), 1);
}

/* --- authentication methods --------------------------------------------------------------- */

#define BIT(auth) (1 << IKE_AUTH_##auth)

/* What ipsec-cred has, for all pairs alike. */
static void set_usable(struct scene *w, uint8_t usable)
{
	struct link_rule_state rules[16];
	struct link_credential_state state = {
		.rules = rules,
		.n_rules = w->layers->n_mms,
		.gss_name = (char *)(usable & BIT(KERBEROS) ? "host$@REALM" : ""),
	};

	assert_true(w->layers->n_mms <= 16);
	for (size_t i = 0; i < w->layers->n_mms; i++)
		rules[i].usable = usable;
	negotiate_set_credentials(w->negotiate, &state);
}

static void ask_mm(struct scene *w, const char *remote, struct ike_mm_policy *ret_policy)
{
	struct link_policy_mm_query query = { .path = scene_path_to(remote) };

	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, ret_policy), 0);
}

static void test_methods(void **state)
{
	struct scene *w = *state;
	static const struct {
		const char *remote;
		uint8_t usable;
		enum ike_auth auths[4];
	} rows[] = {
		{ "10.0.0.5", BIT(KERBEROS) | BIT(RSA_SIG) | BIT(PSK),
		  { IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG, IKE_AUTH_PSK } },
		{ "10.0.0.6", BIT(KERBEROS) | BIT(RSA_SIG) | BIT(PSK),
		  { IKE_AUTH_PSK, IKE_AUTH_RSA_SIG, IKE_AUTH_KERBEROS } },
		/* without a credential a method is not offered */
		{ "10.0.0.5", BIT(PSK), { IKE_AUTH_PSK } },
		{ "10.0.0.5", BIT(RSA_SIG) | BIT(PSK), { IKE_AUTH_RSA_SIG, IKE_AUTH_PSK } },
		{ "10.0.0.5", BIT(ECDSA_384) | BIT(RSA_SIG),
		  { IKE_AUTH_RSA_SIG, IKE_AUTH_ECDSA_384 } },
		/* unless that would leave none: then the failure says why */
		{ "10.0.0.5", 0, { IKE_AUTH_KERBEROS, IKE_AUTH_RSA_SIG, IKE_AUTH_PSK } },
		/* nor what the rule does not have */
		{ "10.0.0.2", BIT(KERBEROS) | BIT(RSA_SIG) | BIT(PSK), { IKE_AUTH_PSK } },
		{ "10.0.0.2", BIT(KERBEROS), { IKE_AUTH_PSK } },
		{ "10.0.0.2", 0xff, { IKE_AUTH_PSK } },
	};
	struct ike_mm_policy mm;

	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.5 mmpolicy=m qmpolicy=q kerberos=yes "
			  "rootca=CN=A rootca=CN=B psk=k");
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.6 mmpolicy=m qmpolicy=q psk=k rootca=CN=A "
			  "kerberos=yes");
	scene_apply(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_usable(w, rows[i].usable);
		ask_mm(w, rows[i].remote, &mm);
		assert_string_equal(mm.gss_name,
				    rows[i].usable & BIT(KERBEROS) ? "host$@REALM" : "");
		for (size_t j = 0; j < 4; j++)
			if ((j < mm.n_auth ? mm.auth[j] : IKE_AUTH_NONE) != rows[i].auths[j])
				fail_msg("row %zu, method %zu", i, j);
	}
}

/* A negotiation of a packet offers what an answer to the peer would. */
static void test_methods_of_initiator(void **state)
{
	struct scene *w = *state;
	struct kernel_flow flow = scene_ping_to("10.0.0.5");

	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.5 mmpolicy=m qmpolicy=q kerberos=yes psk=k");
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	set_usable(w, BIT(PSK));
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	scene_dispatch(w);
	assert_int_equal(w->log.acquire.mm.n_auth, 1);
	assert_int_equal(w->log.acquire.mm.auth[0], IKE_AUTH_PSK);
}

/* Main mode sees two hosts: the older rule's methods are those of both. */
static void test_two_rules_of_one_pair(void **state)
{
	struct scene *w = *state;
	struct kernel_flow flow = scene_ping_to("10.0.0.7");
	struct ike_selector selector = scene_selector_to("10.0.0.7");
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;

	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.7 protocol=tcp mmpolicy=m qmpolicy=q psk=k");
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.7 protocol=icmp mmpolicy=m qmpolicy=q "
			  "kerberos=yes");
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	assert_non_null(w->layers->conflict[0]);	/* which is logged */
	ask_mm(w, "10.0.0.7", &mm);
	assert_int_equal(mm.n_auth, 1);
	assert_int_equal(mm.auth[0], IKE_AUTH_PSK);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	scene_dispatch(w);
	assert_int_equal(w->log.acquire.mm.n_auth, 1);
	assert_int_equal(w->log.acquire.mm.auth[0], IKE_AUTH_PSK);
	selector.protocol = 1;
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_KERBEROS, &qm), -ENOENT);
}

/* A rule that leaves main mode to others is negotiated only where one of them is. */
static void test_no_main_mode_filter(void **state)
{
	struct scene *w = *state;
	struct kernel_flow flow = scene_ping_to("10.9.0.7");
	struct ip_addr in = test_addr("10.9.0.8"), out = test_addr("10.9.0.7");
	struct ike_selector selector;
	struct ike_qm_policy qm;

	scene_add_rule(w, "srcaddr=me dstaddr=10.9.0.0/16 mmpolicy=m qmpolicy=q psk=k "
			  "mainmode=others");
	scene_add_rule(w, "srcaddr=me dstaddr=10.9.0.8 mmpolicy=m psk=k mainmode=only");
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	/* what is left out fails at once, and is told */
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	scene_dispatch(w);
	assert_int_equal(w->log.n_acquires, 0);
	assert_true(scene_the_acquire(w)->has_ended);
	assert_int_equal(scene_the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_FAILED);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	assert_int_equal(negotiate_find_failure(w->negotiate, &out)->reason,
			 IKE_REASON_NO_MM_POLICY);
	selector = scene_selector_to("10.9.0.7");
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
	/* the others' */
	flow = scene_ping_to("10.9.0.8");
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	scene_dispatch(w);
	assert_int_equal(w->log.n_acquires, 1);
	assert_null(negotiate_find_failure(w->negotiate, &in));
	selector = scene_selector_to("10.9.0.8");
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
}

/* --- perfect forward secrecy -------------------------------------------------------------- */

static int check_pfs(struct scene *w, const char *group, uint16_t negotiated)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	char tags[64], why[SA_CHECK_WHY_LEN];
	struct ike_sa_install install;
	uint32_t given;

	snprintf(tags, sizeof(tags), "name=q pfsgroup=%s", group);
	changes = test_qm(tags, &given);
	assert_int_equal(dynamic_set_qm(w->dynamic, changes, given, &w->fault), 0);
	scene_apply(w);
	install = scene_install_for(w, 0x1000);
	install.filter_id = scene_peer_filter(w);
	install.pfs_group = negotiated;
	return sa_check_install(&install, layers_find(w->layers, install.filter_id), true, true,
				why);
}

static void test_pfs(void **state)
{
	struct scene *w = *state;

	assert_int_equal(check_pfs(w, "GRP14", 14), 0);
	assert_int_equal(check_pfs(w, "GRP14", 2), -EPERM);
	assert_int_equal(check_pfs(w, "GRP14", 0), -EPERM);
	assert_int_equal(check_pfs(w, "GRPMM", 0), -EPERM);
	assert_int_equal(check_pfs(w, "GRPMM", 14), 0);
	assert_int_equal(check_pfs(w, "NOPFS", 0), 0);
	assert_int_equal(check_pfs(w, "NOPFS", 14), 0);
}

/* What a NAT means for the driver, at either side of it and without one. */
static void test_nat(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	struct kernel_sa sa;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	translate_sa(&install, 0, IPSECDRV_DIRECTION_OUT, &sa);
	assert_int_equal(sa.encap_local_port, 0);
	assert_int_equal(sa.encap_keepalive, 0);
	install.is_in_udp = install.is_behind_nat = true;
	install.path.local_port = 4500;
	install.path.remote_port = 61000;
	translate_sa(&install, 0, IPSECDRV_DIRECTION_OUT, &sa);
	assert_int_equal(sa.encap_local_port, 4500);
	assert_int_equal(sa.encap_remote_port, 61000);
	assert_int_equal(sa.encap_keepalive, 20);
	assert_false(sa.encap_follow);
	translate_sa(&install, 0, IPSECDRV_DIRECTION_IN, &sa);
	assert_int_equal(sa.encap_keepalive, 0);
	assert_false(sa.encap_follow);
	install.is_behind_nat = false;
	install.is_peer_behind_nat = true;
	translate_sa(&install, 0, IPSECDRV_DIRECTION_IN, &sa);
	assert_true(sa.encap_follow);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(scene_count_sas(w), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST("K01 an acquire that is older than its associations asks for none",
			   test_late_acquire),
		SCENE_TEST("K10 methods are offered in the rule's order, those that can be used",
			   test_methods),
		SCENE_TEST("K10 a packet's negotiation offers the same", test_methods_of_initiator),
		SCENE_TEST("K09 two rules of one pair: the older one's methods are those of both",
			   test_two_rules_of_one_pair),
		SCENE_TEST("K28 C19 where no main mode filter is, nothing is negotiated",
			   test_no_main_mode_filter),
		SCENE_TEST("F05 F13 A25 A26 K20 a packet is negotiated for by its rule",
			   test_initiator),
		SCENE_TEST("an initiator may install one direction after the other",
			   test_initiator_in_halves),
		SCENE_TEST("F13 K21 what a peer asks for", test_responder),
		SCENE_TEST("F07 which filter a peer's selector is held against",
			   test_peer_questions),
		SCENE_TEST("A25 IKE installs nothing that policy does not allow",
			   test_hostile_install),
		SCENE_TEST("A25 IKE installs nothing that nobody asked for", test_unasked),
		SCENE_TEST("A25 an answer to a peer is good for one pair", test_grants),
		SCENE_TEST("A26 SPIs are for peers that a rule negotiates with", test_hostile_spi),
		SCENE_TEST("test_hostile_delete", test_hostile_delete),
		SCENE_TEST("F06 K27 a failed negotiation ends the acquire and is remembered",
			   test_failure),
		SCENE_TEST("F16 ESP in UDP, through a NAT", test_nat),
		SCENE_TEST("K18 K19 perfect forward secrecy is what policy says", test_pfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
