// SPDX-License-Identifier: MIT
/*
 * Two engines, between them a network, and an input that says what happens: time passes, traffic
 * asks for SAs, limits are reached, datagrams are lost, changed, repeated and made up. Made-up
 * ones may be encrypted and hashed with the real keys, which is how the code behind encryption is
 * reached. The simulation checks the order of installation; here it is checked that nothing is
 * left over and that the engines still work.
 *
 * An input that changes the identity in message 5, which is the first encrypted datagram:
 *
 *   0                            IPv4, no trace, no NATs
 *   FUZZ_TAMPER 0 1 0 8 99       the first byte of the address becomes 99
 *   FUZZ_ACQUIRE 0 0             host 0 wants SAs with the other
 *   FUZZ_SECONDS 5
 */
#include <stdlib.h>

#include "ike/fuzz.h"
#include "ike/fuzz_engine.h"

#define STEPS_MAX 200
#define NAT_PORTS 50000

struct fuzz {
	struct sim *sim;
	struct ike_config config;
	struct fuzz_network network;
	uint64_t last_acquire;
};

/* A host behind a NAT: as one of many, or a server to which its ports lead. */
static void hide(struct sim_host *host)
{
	static const char *const seen_as[SIM_HOSTS] = { "198.51.100.7", "198.51.100.8" };

	FUZZ_CHECK(!ip_addr_parse(seen_as[host->index], &host->seen_as));
	host->nat_ports = host->index ? 0 : NAT_PORTS;
}

static struct fuzz *fuzz_new(uint8_t flags)
{
	struct fuzz *fuzz = calloc(1, sizeof(*fuzz));

	FUZZ_CHECK(fuzz);
	fuzz->config.dos_mode = flags & FUZZ_COOKIES ? IKE_DOS_ALWAYS : IKE_DOS_AUTO;
	fuzz->config.keylog = flags & FUZZ_KEYLOG;
	fuzz->sim = sim_new(flags & FUZZ_V6, &fuzz->config);
	fuzz->sim->network = fuzz_network;
	fuzz->sim->network_data = &fuzz->network;
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		if (!(flags & FUZZ_V6) && flags & FUZZ_NAT_0 << i)
			hide(&fuzz->sim->hosts[i]);
		if (flags & FUZZ_TRACE)
			ike_engine_set_trace(fuzz->sim->hosts[i].engine, IKE_TRACE_MESSAGES);
	}
	return fuzz;
}

static void fuzz_free(struct fuzz *fuzz)
{
	sim_free(fuzz->sim);
	free(fuzz);
}

static void cancel(struct fuzz *fuzz, struct reader *in)
{
	struct sim_host *host = &fuzz->sim->hosts[reader_u8(in) & 1];
	uint64_t ago = reader_u8(in) % 4;

	if (ago < fuzz->last_acquire)
		(void)ike_engine_cancel_acquire(host->engine, fuzz->sim->now,
						fuzz->last_acquire - ago);
}

static void tamper(struct fuzz_network *network, struct reader *in)
{
	network->tamper_in = 1 + reader_u8(in) % 8;
	network->tamper = fuzz_read_edits(in);
}

static void take_step(struct fuzz *fuzz, struct reader *in)
{
	struct sim *sim = fuzz->sim;
	size_t host;

	switch ((enum fuzz_step)(reader_u8(in) % FUZZ_STEP_COUNT)) {
	case FUZZ_MILLISECONDS:
		sim_run(sim, reader_u8(in));
		break;
	case FUZZ_SECONDS:
		sim_run(sim, 1000 * (uint64_t)reader_u8(in));
		break;
	case FUZZ_ACQUIRE:
		host = reader_u8(in) & 1;
		(void)sim_acquire_port(sim, host, ++fuzz->last_acquire, reader_u8(in) % 4);
		break;
	case FUZZ_CANCEL:
		cancel(fuzz, in);
		break;
	case FUZZ_EXPIRE:
		fuzz_expire(sim, in);
		break;
	case FUZZ_WEATHER:
		fuzz->network.weather = reader_u8(in);
		break;
	case FUZZ_CHANGED:
		fuzz_inject_changed(sim, &fuzz->network, in);
		break;
	case FUZZ_TAMPER:
		tamper(&fuzz->network, in);
		break;
	case FUZZ_PROTECTED:
		fuzz_forge_protected(sim, in);
		break;
	case FUZZ_PROOF:
		fuzz_forge_proof(sim, in);
		break;
	case FUZZ_CLEAR:
		fuzz_forge_clear(sim, in);
		break;
	case FUZZ_IDLE:
		host = reader_u8(in) & 1;
		(void)ike_engine_idle(sim->hosts[host].engine, sim->now);
		break;
	case FUZZ_MAPPING:
		if (sim->hosts[0].nat_ports)
			sim->hosts[0].nat_ports = (uint16_t)(NAT_PORTS + reader_u8(in));
		break;
	case FUZZ_ADMIN:
		fuzz_administer(sim, &fuzz->config, in);
		break;
	case FUZZ_STEP_COUNT:
		break;
	}
}

/* Whatever it was, it ends. */
static void check_end(struct sim *sim)
{
	sim_run(sim, 120000);
	for (size_t i = 0; i < SIM_HOSTS; i++) {
		struct ike_stats stats = sim_stats(sim, i);

		FUZZ_CHECK(!stats.active_acquire);
		FUZZ_CHECK(!stats.half_open && !stats.half_open_bytes);
		FUZZ_CHECK(!sim->hosts[i].n_larval);
		FUZZ_CHECK(!sim->hosts[i].credentials.n_contexts);
	}
}

/* From a clean start they agree again. */
static void check_life(struct fuzz *fuzz)
{
	struct sim *sim = fuzz->sim;

	for (size_t i = 0; i < SIM_HOSTS; i++) {
		ike_engine_flush(sim->hosts[i].engine, sim->now, IKE_REASON_POLICY_CHANGE);
		sim_run(sim, 60000);
		FUZZ_CHECK(!sim->hosts[i].n_sas);
	}
	FUZZ_CHECK(!sim_acquire(sim, 0, ++fuzz->last_acquire));
	sim_run(sim, 60000);
	FUZZ_CHECK(sim_result(sim, 0, fuzz->last_acquire)->reason == IKE_REASON_OK);
	FUZZ_CHECK(sim_has_matching_sas(sim));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader in = reader_make(data, len);
	struct fuzz *fuzz = fuzz_new(reader_u8(&in));

	for (size_t n = 0; n < STEPS_MAX && in.len && !in.failed; n++)
		take_step(fuzz, &in);
	fuzz->network.weather = fuzz->network.tamper_in = 0;
	fuzz_calm(fuzz->sim);
	check_end(fuzz->sim);
	check_life(fuzz);
	fuzz_free(fuzz);
	return 0;
}
