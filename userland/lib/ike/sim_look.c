// SPDX-License-Identifier: MIT
/* What tests look at: the driver's SAs, events, results, main modes. */
#include <string.h>

#include "ike/sim.h"

size_t sim_count_sas(const struct sim *sim, size_t host)
{
	return sim->hosts[host].n_sas;
}

static bool is_same_suite(const struct ike_suite *a, const struct ike_suite *b)
{
	return a->protocol == b->protocol && a->cipher == b->cipher &&
	       a->key_bits == b->key_bits && a->hash == b->hash;
}

static bool has_same_keys(const struct ike_keys *a, const struct ike_keys *b)
{
	return a->cipher_key_len == b->cipher_key_len && a->hash_key_len == b->hash_key_len &&
	       !memcmp(a->cipher_key, b->cipher_key, a->cipher_key_len) &&
	       !memcmp(a->hash_key, b->hash_key, a->hash_key_len);
}

/* The same keys on the other host, in the other direction. */
static bool has_counterpart(const struct sim_sa *sa, const struct sim_host *other)
{
	for (size_t i = 0; i < other->n_sas; i++) {
		const struct sim_sa *o = &other->sas[i];

		if (o->is_inbound != sa->is_inbound && o->protocol == sa->protocol &&
		    o->spi == sa->spi)
			return has_same_keys(&o->keys, &sa->keys) &&
			       is_same_suite(&o->suite, &sa->suite);
	}
	return false;
}

bool sim_has_matching_sas(const struct sim *sim)
{
	if (!sim->hosts[0].n_sas || sim->hosts[0].n_sas != sim->hosts[1].n_sas)
		return false;
	for (size_t i = 0; i < sim->hosts[0].n_sas; i++) {
		if (!has_counterpart(&sim->hosts[0].sas[i], &sim->hosts[1]))
			return false;
	}
	return true;
}

size_t sim_count_events(const struct sim *sim, size_t host, enum ike_event_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->hosts[host].n_events && i < SIM_EVENTS_MAX; i++)
		n += sim->hosts[host].events[i].kind == kind;
	return n;
}

const struct sim_event *sim_last_event(const struct sim *sim, size_t host,
				       enum ike_event_kind kind)
{
	const struct sim_event *last = NULL;

	for (size_t i = 0; i < sim->hosts[host].n_events && i < SIM_EVENTS_MAX; i++) {
		if (sim->hosts[host].events[i].kind == kind)
			last = &sim->hosts[host].events[i];
	}
	return last;
}

const struct sim_result *sim_result(const struct sim *sim, size_t host, uint64_t acquire_id)
{
	for (size_t i = 0; i < sim->hosts[host].n_results; i++) {
		if (sim->hosts[host].results[i].acquire_id == acquire_id)
			return &sim->hosts[host].results[i];
	}
	return NULL;
}

static bool count_established(void *userdata, const struct ike_mm_info *info)
{
	size_t *n = userdata;

	*n += info->state == IKE_MM_STATE_ESTABLISHED || info->state == IKE_MM_STATE_DYING;
	return true;
}

size_t sim_count_mms(const struct sim *sim, size_t host)
{
	size_t n = 0;

	ike_engine_for_each_mm(sim->hosts[host].engine, sim->now, count_established, &n);
	return n;
}

struct ike_stats sim_stats(const struct sim *sim, size_t host)
{
	struct ike_stats stats;

	ike_engine_get_stats(sim->hosts[host].engine, &stats);
	return stats;
}
