// SPDX-License-Identifier: MIT
/* The default response rule: whom it answers, what for, and what it leaves behind. */
#include "agent/test_scene.h"

#include <errno.h>

#include "agent/response.h"
#include "agent/translate.h"

#define DEFAULT_RULE "srcaddr=me dstaddr=any mmpolicy=m qmpolicy=any psk=d defaultresponse=yes"
#define PEER "10.0.0.5"

static int set_up(void **state)
{
	struct scene *w;

	assert_int_equal(scene_set_up(state), 0);
	w = *state;
	assert_int_equal(dynamic_add_qm(w->dynamic, test_qm("name=any qmsecmethods="
							    "ESP[AES128,SHA1]", NULL),
					&w->fault), 0);
	scene_add_rule(w, DEFAULT_RULE);
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	return 0;
}

#define RESPONSE_TEST(name, function) { name, function, set_up, scene_tear_down, NULL }

static size_t count_filters(const struct scene *w)
{
	size_t n;

	(void)kernel_fake_filters(w->kernel, &n);
	return n;
}

/* Our web server, as the peer asks for it. */
static struct ike_selector web(void)
{
	struct ike_selector selector = scene_selector_to(PEER);

	selector.protocol = 6;
	selector.local_port = 80;
	return selector;
}

static enum ipsecdrv_verdict judge(struct scene *w, const char *remote, uint8_t protocol,
				   uint16_t local_port)
{
	struct kernel_flow flow = scene_ping_to(remote);
	struct kernel_match match;

	flow.protocol = protocol;
	flow.source_port = local_port;
	assert_int_equal(w->kernel->ops->match(w->kernel, &flow, &match), 0);
	return match.verdict;
}

/* What IKE asks for as the responder. */
static struct ike_sa_install install_for(struct scene *w, const struct ike_qm_policy *qm)
{
	struct ike_spi_request request = {
		.path = scene_path_to(PEER), .protocol = IKE_PROTOCOL_ESP,
	};
	struct ike_sa_install install;
	uint32_t spi = 0;

	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), 0);
	install = scene_install_for(w, spi);
	install.is_initiator = false;
	install.acquire_id = 0;
	install.path = request.path;
	install.selector = web();
	install.filter_id = qm->filter_id;
	install.directions = IKE_DIRECTION_IN;
	install.life_seconds = 7200;	/* the peer's, longer than what is usual here */
	install.life_bytes = install.soft_bytes = 0;
	return install;
}

/* A whole quick mode of the peer's. */
static struct ike_sa_install answer(struct scene *w)
{
	struct ike_selector selector = web();
	struct ike_sa_install install;
	struct ike_qm_policy qm;

	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install = install_for(w, &qm);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	install.directions = IKE_DIRECTION_OUT;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	return install;
}

static void delete_pair(struct scene *w, const struct ike_sa_install *install)
{
	struct ike_sa_ref ref = {
		.qm_id = install->qm_id,
		.path = install->path,
		.protocol = IKE_PROTOCOL_ESP,
		.spi_in = install->suites[0].spi_in,
		.spi_out = install->suites[0].spi_out,
	};

	negotiate_del_sa(w->negotiate, &ref);
}

/* --- answering ---------------------------------------------------------------------------- */

static void test_answer(void **state)
{
	struct scene *w = *state;
	struct link_policy_mm_query mm_query = { .path = scene_path_to(PEER) };
	struct ike_selector selector = web();
	struct ike_sa_install install;
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;
	size_t n = count_filters(w);

	assert_int_equal(negotiate_policy_mm(w->negotiate, &mm_query, &mm), 0);
	assert_int_equal(mm.auth[0], IKE_AUTH_PSK);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	assert_int_equal(qm.encapsulation, IKE_ENCAPSULATION_TRANSPORT);
	assert_int_equal(qm.offers[0].life_seconds, 0);		/* the peer's */
	assert_int_equal(qm.offers[0].life_kbytes, 0);
	assert_int_equal(count_filters(w), n);			/* nothing is agreed yet */
	assert_int_equal(judge(w, PEER, 6, 80), IPSECDRV_VERDICT_PASS);
	install = install_for(w, &qm);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(count_filters(w), n + 1);
	install.directions = IKE_DIRECTION_OUT;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(judge(w, PEER, 6, 80), IPSECDRV_VERDICT_PROTECT);
	/* no more than it asked for */
	assert_int_equal(judge(w, PEER, 6, 81), IPSECDRV_VERDICT_PASS);
	assert_int_equal(judge(w, PEER, 17, 80), IPSECDRV_VERDICT_PASS);
	assert_int_equal(judge(w, "10.0.0.6", 6, 80), IPSECDRV_VERDICT_PASS);
	/* once more: by the same filter */
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	assert_int_equal(qm.filter_id, install.filter_id);
	delete_pair(w, &install);
	assert_int_equal(count_filters(w), n);
	assert_int_equal(scene_count_sas(w), 0);
	assert_int_equal(judge(w, PEER, 6, 80), IPSECDRV_VERDICT_PASS);
}

static void test_questions(void **state)
{
	struct scene *w = *state;
	static const struct {
		const char *remote;
		uint8_t protocol, remote_prefix;
		uint16_t remote_port;
		enum ike_auth auth;
		int result;
	} rows[] = {
		{ PEER, 0, 32, 0, IKE_AUTH_PSK, 0 },
		{ PEER, 6, 32, 80, IKE_AUTH_PSK, 0 },
		{ PEER, 0, 24, 0, IKE_AUTH_PSK, -ENOENT },		/* more than itself */
		{ PEER, 0, 32, 0, IKE_AUTH_KERBEROS, -ENOENT },
		{ "10.0.0.3", 0, 32, 0, IKE_AUTH_PSK, -ENOENT },	/* a rule permits */
		{ "10.0.0.2", 6, 32, 23, IKE_AUTH_PSK, -ENOENT },	/* a rule blocks */
		{ "10.0.0.2", 0, 32, 0, IKE_AUTH_PSK, 0 },		/* by its own rule */
	};
	struct ike_selector selector;
	struct ike_qm_policy qm;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		selector = scene_selector_to(rows[i].remote);
		selector.remote_prefix = rows[i].remote_prefix;
		selector.protocol = rows[i].protocol;
		selector.remote_port = rows[i].remote_port;
		if (scene_ask_qm(w, &selector, rows[i].auth, &qm) != rows[i].result)
			fail_msg("row %zu", i);
	}
	assert_int_equal(qm.filter_id, scene_peer_filter(w));
	selector = web();
	selector.local = test_addr("10.0.0.77");	/* not this host */
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
}

/* It starts nothing: neither by a packet nor because IKE says so; what it has it may renew. */
static void test_never_starts(void **state)
{
	struct scene *w = *state;
	struct kernel_flow flow = scene_ping_to(PEER);
	struct ike_qm_query query = {
		.path = scene_path_to(PEER), .selector = web(), .is_initiator = true,
	};
	struct ike_qm_policy qm;

	assert_int_equal(kernel_fake_packet(w->kernel, &flow), 0);
	assert_int_equal(negotiate_policy_qm(w->negotiate, &query, &qm), -ENOENT);
	answer(w);
	assert_int_equal(negotiate_policy_qm(w->negotiate, &query, &qm), 0);
}

/* --- a captured IKE ----------------------------------------------------------------------- */

typedef void (*twist_fn)(struct ike_sa_install *install);

static void twist_id(struct ike_sa_install *i) { i->filter_id++; }
static void twist_role(struct ike_sa_install *i) { i->is_initiator = true; }
static void twist_all(struct ike_sa_install *i) { i->selector.protocol = 0; }
static void twist_port(struct ike_sa_install *i) { i->selector.local_port = 0; }
static void twist_peer(struct ike_sa_install *i)
{
	i->path.remote = i->selector.remote = test_addr("10.0.0.6");
}
static void twist_net(struct ike_sa_install *i) { i->selector.remote_prefix = 8; }
static void twist_tunnel(struct ike_sa_install *i) { i->encapsulation = IKE_ENCAPSULATION_TUNNEL; }
static void twist_life(struct ike_sa_install *i) { i->life_seconds = 172801; }
static void twist_endless(struct ike_sa_install *i) { i->life_seconds = i->soft_seconds = 0; }
static void twist_spi(struct ike_sa_install *i) { i->suites[0].spi_in++; }
static void twist_cipher(struct ike_sa_install *i)
{
	i->suites[0].suite.cipher = IKE_CIPHER_NULL;
	i->suites[0].suite.key_bits = 0;
	i->suites[0].in.cipher_key_len = i->suites[0].out.cipher_key_len = 0;
}

static void test_hostile_install(void **state)
{
	static const twist_fn twists[] = {
		twist_id, twist_role, twist_all, twist_port, twist_peer, twist_net, twist_tunnel,
		twist_life, twist_endless, twist_spi, twist_cipher,
	};
	struct scene *w = *state;
	struct ike_selector selector = web();
	struct ike_sa_install honest, install;
	struct ike_qm_policy qm;
	size_t n = count_filters(w);

	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	honest = install_for(w, &qm);
	for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
		install = honest;
		twists[i](&install);
		if (negotiate_add_sa(w->negotiate, &install) != -EPERM)
			fail_msg("twist %zu went through", i);
		if (count_filters(w) != n)
			fail_msg("twist %zu left a filter", i);
	}
	assert_int_equal(negotiate_add_sa(w->negotiate, &honest), 0);
	assert_int_equal(count_filters(w), n + 1);
}

/* --- changes ------------------------------------------------------------------------------ */

static void test_driver_refuses(void **state)
{
	struct scene *w = *state;
	struct ike_selector selector = web();
	struct ike_sa_install install;
	struct ike_qm_policy qm;
	size_t n = count_filters(w);

	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install = install_for(w, &qm);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_ADD, 1, -ENOMEM, "no memory");
	assert_int_not_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_SA_NEW, 1, -ENOMEM, "no memory");
	assert_int_not_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(count_filters(w), n);
	assert_int_equal(w->layers->n_responses, 0);
}

/* Other rules may change; but a rule that says something about the traffic is asked from then on. */
static void test_policy_changes(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install = answer(w);

	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.9 actioninbound=block actionoutbound=block");
	scene_apply(w);
	assert_int_equal(judge(w, PEER, 6, 80), IPSECDRV_VERDICT_PROTECT);
	assert_non_null(negotiate_find_pair(w->negotiate, install.suites[0].spi_in));
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.0/24 protocol=tcp actioninbound=block "
			  "actionoutbound=block");
	scene_apply(w);
	assert_int_equal(judge(w, PEER, 6, 80), IPSECDRV_VERDICT_DROP);
	assert_int_equal(scene_count_sas(w), 0);
	assert_null(negotiate_find_pair(w->negotiate, install.suites[0].spi_in));
	assert_int_equal(w->log.filter_id, install.filter_id);	/* IKE tells the peer */
	assert_int_equal(w->layers->n_responses, 0);
}

static void test_rule_goes(void **state)
{
	struct scene *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *rule = test_rule(DEFAULT_RULE, NULL);
	struct link_policy_mm_query query = { .path = scene_path_to(PEER) };
	struct ike_mm_policy mm;
	size_t n = count_filters(w);

	answer(w);
	assert_int_equal(dynamic_delete_rule(w->dynamic, rule, &w->fault), 0);
	scene_apply(w);
	assert_int_equal(count_filters(w), n);
	assert_int_equal(scene_count_sas(w), 0);
	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm), -ENOENT);
}

/* A new agent goes on with the filters that have associations, and removes the others. */
static void test_restart(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install = answer(w);
	struct layers *adopted, *layers;
	size_t n = count_filters(w);

	for (unsigned int i = 0; i < 2; i++) {
		negotiate_free(w->negotiate);
		layers_free(w->layers);
		if (i)
			assert_int_equal(w->kernel->ops->sa_flush(w->kernel), 0);
		assert_int_equal(layers_adopt(w->kernel, &adopted), 0);
		assert_int_equal(layers_build(&w->dynamic, 1, &test_no_names, adopted, &layers,
					      &w->fault), 0);
		assert_int_equal(layers_commit(layers, NULL, w->kernel), 0);
		layers_free(adopted);
		w->layers = layers;
		w->negotiate = scene_negotiate_of(w);
		negotiate_set_layers(w->negotiate, layers);
		negotiate_resync(w->negotiate);
		assert_int_equal(count_filters(w), n - i);
		assert_int_equal(scene_count_sas(w), i ? 0 : 2);
		assert_int_equal(!response_find(w->layers, install.filter_id), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESPONSE_TEST("a peer without a rule is answered, for what it asks and no more",
			      test_answer),
		RESPONSE_TEST("other rules come first", test_questions),
		RESPONSE_TEST("the default response rule starts nothing", test_never_starts),
		RESPONSE_TEST("a captured IKE gets no other filter", test_hostile_install),
		RESPONSE_TEST("what the driver refuses leaves nothing", test_driver_refuses),
		RESPONSE_TEST("policy changes", test_policy_changes),
		RESPONSE_TEST("the default response rule goes", test_rule_goes),
		RESPONSE_TEST("a restart of the agent", test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
