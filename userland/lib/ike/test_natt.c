// SPDX-License-Identifier: MIT
/* NATs between two engines: who finds what, ports, modes, identities and selectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ike/mm.h"
#include "ike/natt.h"
#include "ike/sim.h"

#define PORTS 50000

/* The host is behind a NAT from now on: as one of many, or a server to which its ports lead. */
static void hide(struct sim *sim, size_t host)
{
	char text[] = "198.51.100.0";

	text[sizeof(text) - 2] = (char)('7' + host);
	assert_int_equal(ip_addr_parse(text, &sim->hosts[host].seen_as), 0);
	sim->hosts[host].nat_ports = host ? 0 : PORTS;
}

static bool is_hidden(const struct sim_host *host)
{
	return !ip_addr_is_equal(&host->addr, &host->seen_as);
}

static void connect_hosts(struct sim *sim)
{
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_OK);
	assert_true(sim_has_matching_sas(sim));
}

/* What a host's driver was told of the place of its SAs. */
static void check_install(const struct sim *sim, size_t host)
{
	const struct ike_sa_install *install = &sim->hosts[host].sas[0].install;
	const struct sim_host *own = &sim->hosts[host], *other = &sim->hosts[!host];
	bool has_nat = is_hidden(own) || is_hidden(other);

	assert_int_equal(install->is_in_udp, has_nat);
	assert_int_equal(install->is_behind_nat, is_hidden(own));
	assert_int_equal(install->is_peer_behind_nat, is_hidden(other));
	assert_int_equal(install->path.local_port, has_nat ? 4500 : 500);
	assert_int_equal(install->path.remote_port, has_nat ? 4500 + other->nat_ports : 500);
	/* the selector is what this host's packets have */
	assert_true(ip_addr_is_equal(&install->selector.local, &own->addr));
	assert_true(ip_addr_is_equal(&install->selector.remote, &other->seen_as));
	assert_int_equal(install->selector.remote_prefix, 32);
}

static void test_who_is_behind(void **state)
{
	(void)state;
	for (unsigned int hidden = 0; hidden < 4; hidden++) {
		struct sim *sim = sim_new(false, NULL);

		for (size_t host = 0; host < SIM_HOSTS; host++)
			if (hidden & 1U << host)
				hide(sim, host);
		connect_hosts(sim);
		for (size_t host = 0; host < SIM_HOSTS; host++)
			check_install(sim, host);
		sim_free(sim);
	}
}

/* --- draft-02 ------------------------------------------------------------------------------- */

struct watch {
	unsigned int n_draft;	/* payloads of the draft that passed in clear */
	unsigned int n_rfc;
};

/* Messages 1 and 2 without the RFC's vendor id, as of Windows; payload types in clear are counted. */
static struct sim_fate without_rfc(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t rfc3947[] = { 0x4a, 0x13, 0x1c, 0x81 };
	struct watch *watch = sim->network_data;
	struct wire_message message;

	(void)from;
	for (size_t i = 0; i + sizeof(rfc3947) <= len; i++)
		if (!memcmp(data + i, rfc3947, sizeof(rfc3947)))
			data[i] ^= 0xff;
	if (!wire_parse((struct bytes){ data, len }, &message) &&
	    !(message.header.flags & WIRE_FLAG_ENCRYPTED)) {
		watch->n_draft += wire_find(&message, WIRE_PAYLOAD_NAT_D_DRAFT, 1) != NULL;
		watch->n_rfc += wire_find(&message, WIRE_PAYLOAD_NAT_D, 0) != NULL;
	}
	return (struct sim_fate){ .delay = 1 };
}

static void test_draft(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct watch watch = {0};

	(void)state;
	sim->network = without_rfc;
	sim->network_data = &watch;
	hide(sim, 0);
	connect_hosts(sim);
	check_install(sim, 0);
	check_install(sim, 1);
	assert_int_equal(watch.n_draft, 2);
	assert_int_equal(watch.n_rfc, 0);
	sim_free(sim);
}

static void test_encapsulation(void **state)
{
	const struct natt none = { .version = NATT_RFC3947 };
	const struct natt rfc = { .version = NATT_RFC3947, .is_there = true };
	const struct natt draft = { .version = NATT_DRAFT, .is_here = true };
	const struct natt old = { .version = NATT_NONE, .is_here = true };

	(void)state;
	assert_int_equal(natt_encapsulation(&none, IKE_ENCAPSULATION_TRANSPORT), 2);
	assert_int_equal(natt_encapsulation(&none, IKE_ENCAPSULATION_TUNNEL), 1);
	assert_int_equal(natt_encapsulation(&rfc, IKE_ENCAPSULATION_TRANSPORT), 4);
	assert_int_equal(natt_encapsulation(&rfc, IKE_ENCAPSULATION_TUNNEL), 3);
	assert_int_equal(natt_encapsulation(&draft, IKE_ENCAPSULATION_TRANSPORT), 0xf004);
	assert_int_equal(natt_encapsulation(&draft, IKE_ENCAPSULATION_TUNNEL), 0xf003);
	assert_int_equal(natt_encapsulation(&old, IKE_ENCAPSULATION_TRANSPORT), 2);
}

/* --- policy --------------------------------------------------------------------------------- */

static void test_ah_cannot_pass(void **state)
{
	struct ike_qm_offer ah = sim_ah(IKE_HASH_SHA1);
	struct sim *sim = sim_new(false, NULL);
	const struct sim_event *event;

	(void)state;
	hide(sim, 0);
	sim_set_offer(sim, &ah);
	sim_acquire(sim, 0, 1);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 1)->reason, IKE_REASON_ATTRIBUTES);
	event = sim_last_event(sim, 0, IKE_EVENT_QM_FAILED);
	assert_non_null(strstr(event->text, "AH cannot pass the NAT"));
	assert_int_equal(sim_count_sas(sim, 0) + sim_count_sas(sim, 1), 0);
	sim_free(sim);
}

static void test_ah_is_left_out(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	hide(sim, 1);
	for (size_t host = 0; host < SIM_HOSTS; host++) {
		sim->hosts[host].qm.offers[0] = sim_ah(IKE_HASH_SHA1);
		sim->hosts[host].qm.offers[1] = sim_esp(IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA1);
		sim->hosts[host].qm.n_offers = 2;
	}
	connect_hosts(sim);
	assert_int_equal(sim->hosts[0].sas[0].protocol, IKE_PROTOCOL_ESP);
	sim_free(sim);
}

/* --- later ---------------------------------------------------------------------------------- */

/* The NAT restarts: the host's next quick mode comes from other ports, and is answered there. */
static void test_ports_move(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	const struct ike_sa_install *install;

	(void)state;
	hide(sim, 0);
	connect_hosts(sim);
	sim->hosts[0].nat_ports = PORTS + 1000;
	sim_acquire_port(sim, 0, 2, 445);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	install = &sim->hosts[1].sas[sim->hosts[1].n_sas - 1].install;
	assert_int_equal(install->path.remote_port, 4500 + PORTS + 1000);
	/* and what the other side starts finds its way */
	sim_acquire_port(sim, 1, 3, 80);
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 1, 3)->reason, IKE_REASON_OK);
	sim_free(sim);
}

/* Only a NAT before the peer moves it: not one before us, whatever port a message comes from. */
static void test_peer_stays(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	const struct ike_sa_install *install;

	(void)state;
	hide(sim, 1);
	connect_hosts(sim);
	sim->hosts[0].nat_ports = 7;
	sim_acquire_port(sim, 0, 2, 445);
	sim_run(sim, 3000);
	sim->hosts[0].nat_ports = 0;
	sim_run(sim, 60000);
	assert_int_equal(sim_result(sim, 0, 2)->reason, IKE_REASON_OK);
	install = &sim->hosts[1].sas[sim->hosts[1].n_sas - 1].install;
	assert_int_equal(install->path.remote_port, 4500);
	sim_free(sim);
}

/* A main mode after the first begins at port 4500, from either side. */
static void test_main_mode_again(void **state)
{
	(void)state;
	for (size_t who = 0; who < SIM_HOSTS; who++) {
		struct sim *sim = sim_new(false, NULL);

		hide(sim, 0);
		for (size_t host = 0; host < SIM_HOSTS; host++)
			sim->hosts[host].mm.qm_limit = 1;
		connect_hosts(sim);
		sim_acquire_port(sim, who, 2, 445);
		sim_run(sim, 60000);
		assert_int_equal(sim_result(sim, who, 2)->reason, IKE_REASON_OK);
		assert_true(sim_has_matching_sas(sim));
		assert_int_equal(sim_stats(sim, 0).main_modes, 2);
		sim_free(sim);
	}
}

/* --- what is forged ------------------------------------------------------------------------- */

/* Message 5 from elsewhere, before the honest one: it is not authentic, so nothing follows it. */
struct forger {
	bool is_done;
};

static struct sim_fate forge_port(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct forger *forger = sim->network_data;
	bool is_message_5 = !from && len > WIRE_HEADER_LEN && data[19] & WIRE_FLAG_ENCRYPTED;
	uint8_t copy[2048];

	if (is_message_5 && !forger->is_done && len <= sizeof(copy)) {
		forger->is_done = true;
		memcpy(copy, data, len);
		copy[WIRE_HEADER_LEN] ^= 1;
		sim_inject_from(sim, 1, &sim->hosts[0].seen_as, 666, copy, len);
	}
	return (struct sim_fate){ .delay = 1 };
}

static void test_forged_port(void **state)
{
	struct sim *sim = sim_new(false, NULL);
	struct forger forger = {0};

	(void)state;
	sim->network = forge_port;
	sim->network_data = &forger;
	hide(sim, 0);
	connect_hosts(sim);
	assert_true(forger.is_done);
	check_install(sim, 1);
	sim_free(sim);
}

/* Only one side says that it can: no NAT-D, so everything goes as if there were no NAT. */
static struct sim_fate one_sided(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	static const uint8_t vids[][4] = { { 0x4a, 0x13, 0x1c, 0x81 }, { 0x90, 0xcb, 0x80, 0x91 } };

	(void)sim;
	for (size_t i = 0; from && i + 4 <= len; i++)
		if (!memcmp(data + i, vids[0], 4) || !memcmp(data + i, vids[1], 4))
			data[i] ^= 0xff;
	return (struct sim_fate){ .delay = 1 };
}

static void test_peer_that_cannot(void **state)
{
	struct sim *sim = sim_new(false, NULL);

	(void)state;
	sim->network = one_sided;
	connect_hosts(sim);
	check_install(sim, 0);
	check_install(sim, 1);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "who is behind a NAT", test_who_is_behind, NULL, NULL, NULL },
		{ "draft-02, as of Windows", test_draft, NULL, NULL, NULL },
		{ "encapsulation modes", test_encapsulation, NULL, NULL, NULL },
		{ "AH cannot pass", test_ah_cannot_pass, NULL, NULL, NULL },
		{ "AH is left out of the offer", test_ah_is_left_out, NULL, NULL, NULL },
		{ "the NAT's ports move", test_ports_move, NULL, NULL, NULL },
		{ "a peer without a NAT stays where it is", test_peer_stays, NULL, NULL, NULL },
		{ "main modes after the first", test_main_mode_again, NULL, NULL, NULL },
		{ "a forged message 5 moves nothing", test_forged_port, NULL, NULL, NULL },
		{ "a peer that knows nothing of it", test_peer_that_cannot, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("natt", tests, NULL, NULL);
}
