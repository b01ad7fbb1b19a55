// SPDX-License-Identifier: MIT
/* Tunnels: what their rules become, and what IKE may have for them. */
#include "agent/test_scene.h"

#include <errno.h>

#include "agent/layers_mm.h"
#include "agent/translate.h"
#include "policy/bus.h"

#define NEGOTIATE " mirrored=no mmpolicy=m qmpolicy=q psk=k"
#define OUT_RULE "srcaddr=10.1.0.0/16 dstaddr=10.2.0.0/16 tunneldstaddress=10.0.0.9" NEGOTIATE
#define IN_RULE "srcaddr=10.2.0.0/16 dstaddr=10.1.0.0/16 tunneldstaddress=10.0.0.1" NEGOTIATE

/* --- rules -------------------------------------------------------------------------------- */

static struct fault fault;

static int build(const char *const rules[2], struct layers **ret_layers)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);

	assert_int_equal(dynamic_add_mm(dynamic, test_mm("name=m", NULL), &fault), 0);
	assert_int_equal(dynamic_add_qm(dynamic, test_qm("name=q", NULL), &fault), 0);
	for (size_t i = 0; i < 2 && rules[i]; i++)
		if (dynamic_add_rule(dynamic, test_rule(rules[i], NULL), &fault))
			fail_msg("%s: %s", rules[i], fault.text);
	return layers_build(&dynamic, 1, &test_no_names, NULL, ret_layers, &fault);
}

static char letter(enum ipsecdrv_action action)
{
	return "-pbn"[action];
}

static void test_rules(void **state)
{
	static const struct {
		const char *rules[2];
		const char *filters;
		enum tunnel_fault fault;
	} rows[] = {
		{ { OUT_RULE, IN_RULE },
		  "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel from 10.0.0.1 to 10.0.0.9 out n in n",
		  TUNNEL_FAULT_NONE },
		{ { IN_RULE, OUT_RULE },
		  "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel from 10.0.0.1 to 10.0.0.9 out n in n",
		  TUNNEL_FAULT_NONE },
		/* alone: for both directions, from where packets to the peer leave */
		{ { OUT_RULE },
		  "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel from 10.0.0.1 to 10.0.0.9 out n in n",
		  TUNNEL_FAULT_NONE },
		/* nobody knows the peer: not in clear either */
		{ { IN_RULE }, "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel out - in b",
		  TUNNEL_FAULT_NO_WAY_OUT },
		{ { "srcaddr=me dstaddr=10.2.0.0/16 tunneldstaddress=10.0.0.1" NEGOTIATE },
		  "me <-> 10.2.0.0/16 IPv4 in a tunnel out b in b", TUNNEL_FAULT_NO_FAR_END },
		{ { "srcaddr=me dstaddr=10.2.0.0/16 tunneldstaddress=gw.example" NEGOTIATE },
		  "me <-> 10.2.0.0/16 IPv4 in a tunnel out b in b", TUNNEL_FAULT_NO_FAR_END },
		/* me says which direction it is, whatever the end */
		{ { "srcaddr=me dstaddr=10.2.0.0/16 tunneldstaddress=10.0.0.9" NEGOTIATE,
		    "srcaddr=10.2.0.0/16 dstaddr=me tunneldstaddress=10.0.0.7" NEGOTIATE },
		  "me <-> 10.2.0.0/16 IPv4 in a tunnel out b in b", TUNNEL_FAULT_NO_NEAR_END },
		{ { OUT_RULE, "srcaddr=10.2.0.0/16 dstaddr=10.1.0.0/16 mirrored=no "
			      "tunneldstaddress=2001:db8::1 mmpolicy=m qmpolicy=q psk=k" },
		  "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel out b in b", TUNNEL_FAULT_FAMILIES },
		{ { OUT_RULE, "srcaddr=10.2.0.0/16 dstaddr=10.1.0.0/16 mirrored=no "
			      "tunneldstaddress=10.0.0.1 actioninbound=block actionoutbound=block" },
		  "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel out b in b", TUNNEL_FAULT_BLOCKED },
		/* exceptions need no end that is right */
		{ { "srcaddr=10.1.0.0/16 dstaddr=10.2.0.0/16 mirrored=no tunneldstaddress=10.0.0.9 "
		    "actioninbound=permit actionoutbound=permit" },
		  "10.1.0.0/16 <-> 10.2.0.0/16 IPv4 in a tunnel to 10.0.0.9 out p in -",
		  TUNNEL_FAULT_NONE },
		{ { "srcaddr=fd01::/64 dstaddr=fd02::/64 tunneldstaddress=10.0.0.9" NEGOTIATE },
		  "fd01::/64 <-> fd02::/64 IPv6 in a tunnel from 10.0.0.1 to 10.0.0.9 out n in n",
		  TUNNEL_FAULT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(layers_freep) struct layers *layers = NULL;
		char text[KERNEL_FILTER_STRLEN], line[KERNEL_FILTER_STRLEN + 32];
		const struct layer_filter *filter;

		if (build(rows[i].rules, &layers))
			fail_msg("row %zu: %s", i, fault.text);
		assert_int_equal(layers->n_filters, 1);
		filter = &layers->filters[0];
		snprintf(line, sizeof(line), "%s out %c in %c",
			 kernel_filter_format(&filter->filter, text),
			 letter(filter->filter.outbound), letter(filter->filter.inbound));
		if (strcmp(line, rows[i].filters) || filter->tunnel_fault != rows[i].fault)
			fail_msg("row %zu is %s, fault %d", i, line, filter->tunnel_fault);
		if (rows[i].fault)
			assert_int_equal(layers->n_mms, 0);
	}
}

/* The direction that a rule is for can be taken once. */
static void test_duplicate(void **state)
{
	static const char *const rules[2] = {
		OUT_RULE, "srcaddr=10.1.0.0/16 dstaddr=10.2.0.0/16 tunneldstaddress=10.0.0.8" NEGOTIATE,
	};
	struct layers *layers = NULL;

	(void)state;
	assert_int_not_equal(build(rules, &layers), 0);
	assert_int_equal(fault.number, POLICY_ERROR_TUNNEL_FILTER_EXISTS);
}

/* Main mode is between the ends, and by the outbound rule. */
static void test_main_mode(void **state)
{
	static const char *const rules[2] = {
		OUT_RULE, "srcaddr=10.2.0.0/16 dstaddr=10.1.0.0/16 tunneldstaddress=10.0.0.1 "
			  "mirrored=no mmpolicy=m qmpolicy=q psk=other",
	};
	struct ip_addr me = test_addr("10.0.0.1"), peer = test_addr("10.0.0.9");
	struct ip_addr inside = test_addr("10.1.0.5"), outside = test_addr("10.2.0.5");
	_cleanup_(layers_freep) struct layers *layers = NULL;
	const struct layer_mm *mm;

	(void)state;
	assert_int_equal(build(rules, &layers), 0);
	mm = layers_find_mm(layers, &me, true, &peer);
	assert_non_null(mm);
	assert_string_equal(mm->rule->treatment->rule->methods[0].secret, "k");
	assert_null(layers_find_mm(layers, &inside, false, &outside));
	assert_ptr_equal(layers_mm_of(layers, &layers->filters[0].filter), mm);
	assert_string_equal(layers->conflict[0]->treatment->rule->methods[0].secret, "k");
	assert_string_equal(layers->conflict[1]->treatment->rule->methods[0].secret, "other");
}

/* --- negotiations ------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct scene *w;

	assert_int_equal(scene_set_up(state), 0);
	w = *state;
	scene_add_rule(w, OUT_RULE);
	scene_add_rule(w, IN_RULE);
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	return 0;
}

static uint32_t tunnel_filter(const struct scene *w)
{
	for (size_t i = 0; i < w->layers->n_filters; i++)
		if (w->layers->filters[i].filter.class == IPSECDRV_FILTER_CLASS_TUNNEL)
			return w->layers->filters[i].filter.id;
	return 0;
}

static struct ike_selector networks(void)
{
	return (struct ike_selector){
		.local = test_addr("10.1.0.0"),
		.remote = test_addr("10.2.0.0"),
		.local_prefix = 16,
		.remote_prefix = 16,
	};
}

/* A packet from network to network, up to what IKE is asked for. */
static void send_packet(struct scene *w)
{
	struct kernel_flow flow = scene_ping_to("10.2.3.4");

	flow.source = test_addr("10.1.2.3");
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	scene_dispatch(w);
}

static uint32_t get_spi(struct scene *w)
{
	struct ike_spi_request request = {
		.path = scene_path_to("10.0.0.9"), .protocol = IKE_PROTOCOL_ESP,
	};
	uint32_t spi = 0;

	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), 0);
	return spi;
}

static struct ike_sa_install install_for(struct scene *w, uint32_t spi)
{
	struct ike_sa_install install = scene_install_for(w, spi);

	install.path = scene_path_to("10.0.0.9");
	install.selector = networks();
	install.encapsulation = IKE_ENCAPSULATION_TUNNEL;
	install.filter_id = tunnel_filter(w);
	return install;
}

static void test_initiator(void **state)
{
	struct scene *w = *state;
	struct ike_selector selector = networks();
	struct ike_path path = scene_path_to("10.0.0.9");
	struct ike_sa_install install;
	const struct kernel_sa *sas;
	struct kernel_flow flow = scene_ping_to("10.2.9.9");
	struct kernel_match match;
	size_t n;

	send_packet(w);
	assert_int_equal(w->log.n_acquires, 1);
	assert_int_equal(w->log.acquire.qm.encapsulation, IKE_ENCAPSULATION_TUNNEL);
	assert_true(translate_is_same_selector(&w->log.acquire.selector, &selector));
	assert_true(ip_addr_is_equal(&w->log.acquire.path.local, &path.local));
	assert_true(ip_addr_is_equal(&w->log.acquire.path.remote, &path.remote));
	install = install_for(w, get_spi(w));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	sas = kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);
	assert_int_equal(sas[0].encapsulation, IPSECDRV_ENCAPSULATION_TUNNEL);
	assert_int_equal(sas[0].selector.local_prefix, 16);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	/* every host of the two networks goes by it */
	flow.source = test_addr("10.1.9.9");
	assert_int_equal(w->kernel->ops->match(w->kernel, &flow, &match), 0);
	assert_int_equal(match.verdict, IPSECDRV_VERDICT_PROTECT);
}

/* A failure is the peer's, not that of a host behind it; and nothing goes in clear. */
static void test_failure(void **state)
{
	struct scene *w = *state;
	struct link_acquire_result result = { .reason = IKE_REASON_NO_RESPONSE };
	struct ip_addr peer = test_addr("10.0.0.9");
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *soft = NULL;
	uint32_t given;
	size_t n;

	soft = test_qm("name=q soft=yes", &given);
	assert_int_equal(dynamic_set_qm(w->dynamic, soft, given, &fault), 0);
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	send_packet(w);
	result.acquire_id = w->log.acquire.id;
	negotiate_acquire_result(w->negotiate, &result);
	assert_non_null(negotiate_find_failure(w->negotiate, &peer));
	assert_int_equal(negotiate_get_counts(w->negotiate).soft_associations, 0);
	assert_int_equal(kernel_fake_acquires(w->kernel, &n)[0].result,
			 IPSECDRV_ACQUIRE_RESULT_FAILED);
}

static int ask(struct scene *w, const char *peer, const struct ike_selector *selector,
	       struct ike_qm_policy *ret_policy)
{
	struct ike_qm_query query = {
		.path = scene_path_to(peer), .selector = *selector, .auth = IKE_AUTH_PSK,
	};

	return negotiate_policy_qm(w->negotiate, &query, ret_policy);
}

static void test_responder(void **state)
{
	struct scene *w = *state;
	struct ike_selector selector = networks();
	struct link_policy_mm_query mm_query = { .path = scene_path_to("10.0.0.9") };
	struct ike_sa_install install;
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;

	assert_int_equal(negotiate_policy_mm(w->negotiate, &mm_query, &mm), 0);
	assert_int_equal(ask(w, "10.0.0.9", &selector, &qm), 0);
	assert_int_equal(qm.filter_id, tunnel_filter(w));
	assert_int_equal(qm.encapsulation, IKE_ENCAPSULATION_TUNNEL);
	install = install_for(w, get_spi(w));
	install.is_initiator = false;
	install.acquire_id = 0;
	install.directions = IKE_DIRECTION_IN;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	install.directions = IKE_DIRECTION_OUT;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(scene_count_sas(w), 2);
}

/* No more, no less and nothing else than the rules' networks, and from their peer only. */
static void test_peer_questions(void **state)
{
	struct scene *w = *state;
	static const struct {
		const char *peer, *local, *remote;
		uint8_t local_prefix, remote_prefix, protocol;
		int result;
	} rows[] = {
		{ "10.0.0.9", "10.1.0.0", "10.2.0.0", 16, 16, 0, 0 },
		{ "10.0.0.8", "10.1.0.0", "10.2.0.0", 16, 16, 0, -ENOENT },
		{ "10.0.0.2", "10.1.0.0", "10.2.0.0", 16, 16, 0, -ENOENT },
		{ "10.0.0.9", "10.0.0.0", "10.2.0.0", 8, 16, 0, -ENOENT },
		{ "10.0.0.9", "10.1.0.0", "0.0.0.0", 16, 0, 0, -ENOENT },
		{ "10.0.0.9", "10.1.2.0", "10.2.0.0", 24, 16, 0, -ENOENT },
		{ "10.0.0.9", "10.1.2.3", "10.2.3.4", 32, 32, 0, -ENOENT },
		{ "10.0.0.9", "10.1.0.0", "10.2.0.0", 16, 16, 6, -ENOENT },
		{ "10.0.0.9", "10.2.0.0", "10.1.0.0", 16, 16, 0, -ENOENT },
		{ "10.0.0.9", "10.0.0.1", "10.0.0.9", 32, 32, 0, -ENOENT },
		/* what a peer of the transport rule has is not in the tunnel */
		{ "10.0.0.2", "10.0.0.1", "10.0.0.2", 32, 32, 0, 0 },
	};
	struct ike_qm_policy qm;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ike_selector selector = {
			.local = test_addr(rows[i].local),
			.remote = test_addr(rows[i].remote),
			.local_prefix = rows[i].local_prefix,
			.remote_prefix = rows[i].remote_prefix,
			.protocol = rows[i].protocol,
		};

		if (ask(w, rows[i].peer, &selector, &qm) != rows[i].result)
			fail_msg("row %zu", i);
	}
}

/* Where a tunnel filter decides, transport mode with the same peer is none of IKE's business. */
static void test_tunnel_before_transport(void **state)
{
	struct scene *w = *state;
	struct ike_selector selector = scene_selector_to("10.0.0.2");
	struct ike_qm_policy qm;

	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.0/24 tunneldstaddress=10.0.0.9" NEGOTIATE);
	scene_apply(w);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
}

typedef void (*twist_fn)(struct ike_sa_install *install);

static void twist_mode(struct ike_sa_install *i) { i->encapsulation = IKE_ENCAPSULATION_TRANSPORT; }
static void twist_peer(struct ike_sa_install *i) { i->path.remote = test_addr("10.0.0.2"); }
static void twist_near(struct ike_sa_install *i) { i->path.local = test_addr("10.1.0.1"); }
static void twist_wide(struct ike_sa_install *i) { i->selector.remote_prefix = 8; }
static void twist_all(struct ike_sa_install *i)
{
	i->selector.remote = test_addr("0.0.0.0");
	i->selector.remote_prefix = 0;
}
static void twist_long(struct ike_sa_install *i) { i->selector.remote_prefix = 200; }
static void twist_narrow(struct ike_sa_install *i) { i->selector.local_prefix = 24; }
static void twist_net(struct ike_sa_install *i) { i->selector.remote = test_addr("10.3.0.0"); }
static void twist_turned(struct ike_sa_install *i)
{
	struct ip_addr local = i->selector.local;

	i->selector.local = i->selector.remote;
	i->selector.remote = local;
}
static void twist_protocol(struct ike_sa_install *i) { i->selector.protocol = 6; }
static void twist_filter(struct ike_sa_install *i) { i->filter_id--; }
static void twist_life(struct ike_sa_install *i) { i->life_seconds = 601; }

static void test_hostile_install(void **state)
{
	static const twist_fn twists[] = {
		twist_mode, twist_peer, twist_near, twist_wide, twist_all, twist_long, twist_narrow,
		twist_net, twist_turned, twist_protocol, twist_filter, twist_life,
	};
	struct scene *w = *state;
	struct ike_sa_install install;
	uint32_t spi;

	send_packet(w);
	spi = get_spi(w);
	for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
		install = install_for(w, spi);
		twists[i](&install);
		if (negotiate_add_sa(w->negotiate, &install) != -EPERM)
			fail_msg("twist %zu went through", i);
		assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_SA_NEW), 0);
	}
	install = install_for(w, spi);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	/* nor a tunnel for a transport filter */
	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	install.encapsulation = IKE_ENCAPSULATION_TUNNEL;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
}

/* A new agent finds the tunnel in the driver and gives it to a new IKE as what it is. */
static void test_adoption(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	struct ike_selector selector = networks();

	send_packet(w);
	install = install_for(w, get_spi(w));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	negotiate_free(w->negotiate);
	w->negotiate = scene_negotiate_of(w);
	negotiate_set_layers(w->negotiate, w->layers);
	negotiate_resync(w->negotiate);
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_adopts, 1);
	assert_int_equal(w->log.adopted.encapsulation, IKE_ENCAPSULATION_TUNNEL);
	assert_true(translate_is_same_selector(&w->log.adopted.selector, &selector));
	assert_true(ip_addr_is_equal(&w->log.adopted.path.remote, &install.path.remote));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "F38 two rules are one tunnel; what cannot be is blocked", test_rules, NULL, NULL,
		  NULL },
		cmocka_unit_test(test_duplicate),
		{ "F38 K09 main mode is between the ends of the tunnel", test_main_mode, NULL, NULL,
		  NULL },
		{ "F38 a packet between networks starts a tunnel", test_initiator, set_up,
		  scene_tear_down, NULL },
		{ "F38 no soft association for a tunnel", test_failure, set_up, scene_tear_down,
		  NULL },
		{ "F38 the peer may begin", test_responder, set_up, scene_tear_down, NULL },
		{ "F38 only what the rules say, and with their peer", test_peer_questions, set_up,
		  scene_tear_down, NULL },
		{ "F08 where a tunnel filter decides there is no transport mode",
		  test_tunnel_before_transport, set_up, scene_tear_down, NULL },
		{ "F38 a captured IKE gets no other tunnel", test_hostile_install, set_up,
		  scene_tear_down, NULL },
		{ "F38 tunnels outlive agent and IKE", test_adoption, set_up, scene_tear_down,
		  NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
