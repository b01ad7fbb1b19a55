// SPDX-License-Identifier: MIT
/* Restarts, lost events, lifetimes, and changes of policy under running negotiations. */
#include "agent/test_scene.h"

#include <errno.h>

/* --- coming and going --------------------------------------------------------------------- */

static void test_ike_restart(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	uint64_t first_id;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.5 mmpolicy=m qmpolicy=q psk=k");
	scene_apply(w);
	negotiate_ike_down(w->negotiate);
	{
		struct kernel_flow flow = scene_ping_to("10.0.0.5");

		assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
		scene_dispatch(w);
	}
	assert_int_equal(w->log.n_acquires, 1);		/* nobody there to be told */
	first_id = w->log.acquire.id;
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_acquires, 2);
	assert_true(w->log.acquire.id != first_id);
	assert_int_equal(w->log.n_adopts, 1);
	assert_int_equal(w->log.adopted.suites[0].spi_in, install.suites[0].spi_in);
	assert_int_equal(w->log.adopted.suites[0].in.cipher_key_len, 0);
	/* the link was lost, and IKE has them still */
	negotiate_ike_down(w->negotiate);
	{
		struct ike_qm_info info = {
			.qm_id = 55,
			.path = install.path,
			.state = IKE_QM_STATE_ESTABLISHED,
			.suites = { install.suites[0].suite },
			.spi_in = { install.suites[0].spi_in },
			.spi_out = { install.suites[0].spi_out },
			.n_suites = 1,
		};

		negotiate_known_qm(w->negotiate, &info);
	}
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_adopts, 1);
	/* IKE knows of one that the driver has not */
	negotiate_ike_down(w->negotiate);
	{
		struct ike_qm_info info = {
			.qm_id = 56,
			.path = install.path,
			.state = IKE_QM_STATE_ESTABLISHED,
			.suites = { install.suites[0].suite },
			.spi_in = { 0x7777 },
			.spi_out = { 0x7778 },
			.n_suites = 1,
		};

		negotiate_known_qm(w->negotiate, &info);
	}
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_HARD);
	assert_int_equal(w->log.expire.spi, 0x7777);
}

/* An agent that comes back finds pairs and negotiations in the driver. */
static void test_agent_restart(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	const struct ike_sa_install *pair;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_traffic(w->kernel, install.suites[0].spi_in, IPSECDRV_DIRECTION_IN, 1, 10);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_SOFT, install.suites[0].spi_in,
			   IPSECDRV_DIRECTION_IN);
	negotiate_free(w->negotiate);
	memset(&w->log, 0, sizeof(w->log));
	w->negotiate = scene_negotiate_of(w);
	negotiate_set_layers(w->negotiate, w->layers);
	negotiate_resync(w->negotiate);
	pair = negotiate_find_pair(w->negotiate, install.suites[0].spi_in);
	assert_non_null(pair);
	assert_int_equal(pair->suites[0].spi_out, 0x8000);
	assert_int_equal(pair->suites[0].suite.key_bits, 128);	/* the policy's */
	assert_int_equal(pair->filter_id, install.filter_id);
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_adopts, 1);
	assert_int_equal(w->log.adopted.directions, IKE_DIRECTION_IN | IKE_DIRECTION_OUT);
	/* its soft lifetime was over before: IKE renews it */
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_SOFT);
}

static void test_lost_events(void **state)
{
	struct scene *w = *state;
	struct kernel_flow flow = scene_ping_to("10.0.0.2");
	struct ike_sa_install install;

	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	kernel_fake_lose_events(w->kernel);
	scene_dispatch(w);
	assert_int_equal(w->log.n_acquires, 1);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_IDLE, install.suites[0].spi_in,
			   IPSECDRV_DIRECTION_IN);
	kernel_fake_lose_events(w->kernel);
	scene_dispatch(w);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_HARD);
}

/* IKE does not know yet under which main mode it will renew a pair. */
static void test_renewal_without_main_mode(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;
	struct ike_qm_query query = { .is_initiator = true, .auth = IKE_AUTH_NONE };
	struct ike_qm_policy policy;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	query.path = install.path;
	query.selector = install.selector;
	assert_int_equal(negotiate_policy_qm(w->negotiate, &query, &policy), 0);
	assert_int_equal(policy.filter_id, install.filter_id);
	/* a peer that asks has one, and it says how it was authenticated */
	query.is_initiator = false;
	assert_int_equal(negotiate_policy_qm(w->negotiate, &query, &policy), -ENOENT);
}

static void test_expiry(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_traffic(w->kernel, 0x8000, IPSECDRV_DIRECTION_OUT, 1, 299);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_SOFT, 0x8000, IPSECDRV_DIRECTION_OUT);
	scene_dispatch(w);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_SOFT);
	assert_int_equal(w->log.expire.direction, IKE_DIRECTION_OUT);
	assert_int_equal(w->log.expire.spi, 0x8000);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 1);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_HARD, 0x8000, IPSECDRV_DIRECTION_OUT);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_HARD, install.suites[0].spi_in,
			   IPSECDRV_DIRECTION_IN);
	scene_dispatch(w);
	assert_int_equal(w->log.n_expires, 3);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
}

/* Five minutes without a packet in either direction, or never one: nobody needs a successor. */
static void test_unused_pair(void **state)
{
	static const struct {
		uint64_t packets_in, packets_out;
		uint32_t idle_in, idle_out;
		bool is_renewed;
	} rows[] = {
		{ 0, 0, 10, 10, false },	{ 9, 9, 300, 300, false },
		{ 9, 9, 299, 400, true },	{ 9, 9, 400, 299, true },
		{ 9, 0, 400, 10, false },	{ 0, 9, 10, 10, true },
	};
	struct scene *w = *state;
	struct ike_sa_install install;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int before = w->log.n_expires;

		kernel_fake_traffic(w->kernel, install.suites[0].spi_in, IPSECDRV_DIRECTION_IN,
				    rows[i].packets_in, rows[i].idle_in);
		kernel_fake_traffic(w->kernel, 0x8000, IPSECDRV_DIRECTION_OUT,
				    rows[i].packets_out, rows[i].idle_out);
		kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_SOFT, 0x8000,
				   IPSECDRV_DIRECTION_OUT);
		scene_dispatch(w);
		if (w->log.n_expires - before != rows[i].is_renewed)
			fail_msg("row %zu", i);
	}
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 1);
}

/* A main mode is renewed for the sake of data that moves; in any case when it is wanted. */
static void test_unused_main_mode(void **state)
{
	struct scene *w = *state;
	struct link_policy_mm_query query = { .path = scene_path_to("10.0.0.2"),
					      .is_initiator = true, .active_seconds = 30 };
	struct ike_sa_install install;
	struct ike_mm_policy mm;

	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm), -ENOENT);
	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm), -ENOENT);
	kernel_fake_traffic(w->kernel, install.suites[0].spi_in, IPSECDRV_DIRECTION_IN, 5, 29);
	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm), 0);
	kernel_fake_traffic(w->kernel, install.suites[0].spi_in, IPSECDRV_DIRECTION_IN, 5, 30);
	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm), -ENOENT);
	query.active_seconds = 0;
	assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm), 0);
}

/* IKE is told of the pair by which packets leave and none come, as long as that is so. */
static void test_silent_pair(void **state)
{
	static const struct {
		uint64_t packets_out;
		uint32_t idle_in, idle_out;
		bool is_silent;
	} rows[] = {
		{ 9, 29, 0, false }, { 9, 30, 0, true },   { 9, 200, 29, true },
		{ 9, 30, 30, false }, { 0, 200, 0, false }, { 9, 0, 0, false },
	};
	struct scene *w = *state;
	struct ike_sa_install install;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int before = w->log.n_expires;

		kernel_fake_traffic(w->kernel, install.suites[0].spi_in, IPSECDRV_DIRECTION_IN, 9,
				    rows[i].idle_in);
		kernel_fake_traffic(w->kernel, 0x8000, IPSECDRV_DIRECTION_OUT,
				    rows[i].packets_out, rows[i].idle_out);
		negotiate_watch(w->negotiate);
		if (w->log.n_expires - before != rows[i].is_silent)
			fail_msg("row %zu", i);
	}
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_SILENT);
	assert_int_equal(w->log.expire.direction, IKE_DIRECTION_OUT);
	assert_int_equal(w->log.expire.spi, 0x8000);
	/* Without IKE nobody is told. */
	kernel_fake_traffic(w->kernel, install.suites[0].spi_in, IPSECDRV_DIRECTION_IN, 9, 90);
	negotiate_ike_down(w->negotiate);
	negotiate_watch(w->negotiate);
	assert_int_equal(w->log.n_expires, 2);
}

/* Without keys at ipsec-cred a negotiation would fail, so it waits. */
static void test_pause(void **state)
{
	struct scene *w = *state;

	negotiate_set_paused(w->negotiate, true);
	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 0);
	negotiate_set_paused(w->negotiate, false);
	assert_int_equal(w->log.n_acquires, 1);
	negotiate_set_paused(w->negotiate, false);
	assert_int_equal(w->log.n_acquires, 1);
	/* the driver's reminder is not a second negotiation */
	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 1);
}

/* --- changes of policy -------------------------------------------------------------------- */

static void test_rule_deleted(void **state)
{
	struct scene *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *selectors = test_rule(PEER_RULE, NULL);
	struct ike_sa_install install;
	struct ike_event event = {
		.kind = IKE_EVENT_MM_ESTABLISHED, .path = scene_path_to("10.0.0.2"), .text = "",
		.mm = &(struct ike_mm_info){ .mm_id = 33 },
	};
	uint32_t filter = scene_peer_filter(w);

	negotiate_event(w->negotiate, &event);
	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(dynamic_delete_rule(w->dynamic, selectors, &w->fault), 0);
	scene_apply(w);
	assert_int_equal(scene_count_sas(w), 0);
	assert_int_equal(w->log.n_filter_deletes, 1);
	assert_int_equal(w->log.filter_id, filter);
	assert_int_equal(w->log.n_mm_deletes, 1);
	assert_int_equal(w->log.mm_id, 33);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).mms, 0);
}

/* Another key: nothing that was made with the old one stays, and what runs is given up. */
static void test_key_changed(void **state)
{
	struct scene *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	struct ike_sa_install install;
	struct ike_selector selector = scene_selector_to("10.0.0.2");
	struct ike_qm_policy qm;
	uint32_t given, filter = scene_peer_filter(w);

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	changes = test_rule("srcaddr=me dstaddr=10.0.0.2 psk=other", &given);
	assert_int_equal(dynamic_set_rule(w->dynamic, changes, given, &w->fault), 0);
	scene_apply(w);
	assert_true(scene_peer_filter(w) != filter);
	assert_int_equal(w->log.n_cancels, 1);
	assert_int_equal(w->log.cancelled, install.acquire_id);
	assert_int_equal(w->log.n_filter_deletes, 1);
	/* neither the packet nor the peer has asked under the new rule */
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	install.filter_id = scene_peer_filter(w);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	install.is_initiator = false;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
}

static void test_other_rule_added(void **state)
{
	struct scene *w = *state;
	struct ike_sa_install install;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.77 mmpolicy=m qmpolicy=q psk=k");
	scene_apply(w);
	assert_int_equal(scene_count_sas(w), 2);
	assert_int_equal(w->log.n_filter_deletes, 0);
	assert_int_equal(w->log.n_mm_deletes, 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 1);
}

static struct ike_mm_info main_mode(uint64_t id, const char *remote, enum ike_mm_state state)
{
	return (struct ike_mm_info){
		.mm_id = id, .path = scene_path_to(remote), .state = state, .age_ms = 5000,
	};
}

/* A main mode that began with the old key would fail, and take the next negotiation along. */
static void test_running_main_mode(void **state)
{
	struct scene *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	struct ike_mm_info running = main_mode(7, "10.0.0.2", IKE_MM_STATE_SENT_5);
	struct ike_mm_info other = main_mode(8, "10.0.0.5", IKE_MM_STATE_SENT_1);
	struct ike_mm_info young = main_mode(9, "10.0.0.2", IKE_MM_STATE_SENT_1);
	uint32_t given;

	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.5 mmpolicy=m qmpolicy=q psk=k");
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
	assert_int_equal(w->log.n_lists, 1);
	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);
	scene_clock += 10000000;
	changes = test_rule("srcaddr=me dstaddr=10.0.0.2 psk=other", &given);
	assert_int_equal(dynamic_set_rule(w->dynamic, changes, given, &w->fault), 0);
	scene_apply(w);
	assert_int_equal(w->log.n_lists, 2);
	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);		/* not before IKE has said what it does */
	scene_clock += 1000000;
	young.age_ms = 500;
	negotiate_listed_mm(w->negotiate, &running);
	negotiate_listed_mm(w->negotiate, &other);
	negotiate_listed_mm(w->negotiate, &young);
	assert_int_equal(w->log.n_mm_deletes, 1);
	assert_int_equal(w->log.mm_id, 7);
	negotiate_listed(w->negotiate, 0);
	assert_int_equal(w->log.n_acquires, 2);
}

/* Policy changes while the list is on its way: it is asked for again; and it can fail. */
static void test_running_main_mode_twice(void **state)
{
	struct scene *w = *state;
	struct ike_mm_info running = main_mode(7, "10.0.0.2", IKE_MM_STATE_SENT_3);
	struct policy_rule rule;

	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.5 mmpolicy=m qmpolicy=q psk=k");
	scene_apply(w);
	rule = ruleset_rule_view(w->dynamic->rules[0]);
	assert_int_equal(dynamic_delete_rule(w->dynamic, &rule, &w->fault), 0);
	scene_apply(w);
	assert_int_equal(w->log.n_lists, 1);
	negotiate_listed(w->negotiate, 0);
	assert_int_equal(w->log.n_lists, 2);
	negotiate_listed_mm(w->negotiate, &running);
	assert_int_equal(w->log.n_mm_deletes, 1);
	negotiate_listed(w->negotiate, 0);
	assert_int_equal(w->log.n_lists, 2);
	scene_add_rule(w, PEER_RULE);
	scene_apply(w);
	assert_int_equal(w->log.n_lists, 3);
	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 0);
	negotiate_listed(w->negotiate, -ETIMEDOUT);
	assert_int_equal(w->log.n_acquires, 1);
}

/* --- addresses that go -------------------------------------------------------------------- */

static void have_addresses(struct scene *w, const char *addr)
{
	struct ip_addr mine = test_addr(addr);

	assert_int_equal(addresses_set_fixed(w->addresses, &mine, 1), 0);
	negotiate_addresses_changed(w->negotiate);
}

static void establish(struct scene *w, uint64_t mm_id)
{
	struct ike_path path = scene_path_to("10.0.0.2");
	struct ike_mm_info mm = { .mm_id = mm_id, .state = IKE_MM_STATE_ESTABLISHED, .path = path };
	struct ike_sa_install install;

	scene_send_ping(w);
	install = scene_install_for(w, scene_get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	negotiate_known_mm(w->negotiate, &mm);
	assert_int_equal(scene_count_sas(w), 2);
	assert_int_equal(negotiate_get_counts(w->negotiate).mms, 1);
}

static void test_address_goes(void **state)
{
	struct scene *w = *state;

	establish(w, 7);
	have_addresses(w, "10.0.0.9");
	negotiate_watch(w->negotiate);
	assert_int_equal(scene_count_sas(w), 2);
	negotiate_watch(w->negotiate);
	assert_int_equal(scene_count_sas(w), 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).mms, 0);
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_HARD);
	assert_int_equal(w->log.n_mm_deletes, 1);
	assert_int_equal(w->log.mm_id, 7);
}

/* Somebody sets up the network anew. */
static void test_address_comes_back(void **state)
{
	struct scene *w = *state;

	establish(w, 7);
	have_addresses(w, "10.0.0.9");
	negotiate_watch(w->negotiate);
	have_addresses(w, "10.0.0.1");
	negotiate_watch(w->negotiate);
	negotiate_watch(w->negotiate);
	/* and once more: it is counted from the beginning */
	have_addresses(w, "10.0.0.9");
	negotiate_watch(w->negotiate);
	assert_int_equal(scene_count_sas(w), 2);
	have_addresses(w, "10.0.0.1");
	negotiate_watch(w->negotiate);
	assert_int_equal(scene_count_sas(w), 2);
	assert_int_equal(negotiate_get_counts(w->negotiate).mms, 1);
	assert_int_equal(w->log.n_expires + w->log.n_mm_deletes, 0);
}

/* Somebody changes policy meanwhile, or the agent looks for the ends of tunnels. */
static void test_policy_while_an_address_is_away(void **state)
{
	struct scene *w = *state;
	struct ike_mm_info mm = main_mode(7, "10.0.0.2", IKE_MM_STATE_ESTABLISHED);

	establish(w, 7);
	scene_clock += 10000000;
	have_addresses(w, "10.0.0.9");
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.77 mmpolicy=m qmpolicy=q psk=k");
	scene_apply(w);
	assert_int_equal(w->log.n_lists, 1);
	negotiate_listed_mm(w->negotiate, &mm);
	negotiate_listed(w->negotiate, 0);
	negotiate_watch(w->negotiate);
	have_addresses(w, "10.0.0.1");
	scene_apply(w);
	negotiate_watch(w->negotiate);
	assert_int_equal(scene_count_sas(w), 2);
	assert_int_equal(negotiate_get_counts(w->negotiate).mms, 1);
	assert_int_equal(w->log.n_expires + w->log.n_mm_deletes, 0);
}

/* Nobody is there to be told. */
static void test_address_goes_without_ike(void **state)
{
	struct scene *w = *state;

	establish(w, 7);
	negotiate_ike_down(w->negotiate);
	have_addresses(w, "10.0.0.9");
	negotiate_watch(w->negotiate);
	negotiate_watch(w->negotiate);
	assert_int_equal(scene_count_sas(w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST("test_ike_restart", test_ike_restart),
		SCENE_TEST("test_agent_restart", test_agent_restart),
		SCENE_TEST("test_lost_events", test_lost_events),
		SCENE_TEST("test_renewal_without_main_mode", test_renewal_without_main_mode),
		SCENE_TEST("test_expiry", test_expiry),
		SCENE_TEST("K22 a pair without traffic is not renewed", test_unused_pair),
		SCENE_TEST("K15 a main mode is renewed if data is active", test_unused_main_mode),
		SCENE_TEST("test_silent_pair", test_silent_pair),
		SCENE_TEST("an address that is gone takes along what was negotiated from it",
			   test_address_goes),
		SCENE_TEST("an address that comes back within ten seconds does not",
			   test_address_comes_back),
		SCENE_TEST("nor does it when policy changes meanwhile",
			   test_policy_while_an_address_is_away),
		SCENE_TEST("an address that goes while IKE is away", test_address_goes_without_ike),
		SCENE_TEST("test_pause", test_pause),
		SCENE_TEST("test_rule_deleted", test_rule_deleted),
		SCENE_TEST("test_key_changed", test_key_changed),
		SCENE_TEST("test_other_rule_added", test_other_rule_added),
		SCENE_TEST("test_running_main_mode", test_running_main_mode),
		SCENE_TEST("test_running_main_mode_twice", test_running_main_mode_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
