// SPDX-License-Identifier: MIT
/* The pairs in the driver, found by IKE's name for them and by SPI. Contract: negotiate_internal.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static uint64_t hash_of_id(const struct negotiate *negotiate, uint64_t qm_id)
{
	return siphash(&negotiate->hash_key, &qm_id, sizeof(qm_id));
}

static uint64_t hash_of_spi(const struct negotiate *negotiate, uint32_t spi,
			    const struct ip_addr *remote)
{
	uint8_t key[sizeof(*remote) + sizeof(spi)];

	memcpy(key, remote, sizeof(*remote));
	memcpy(key + sizeof(*remote), &spi, sizeof(spi));
	return siphash(&negotiate->hash_key, key, sizeof(key));
}

/* --- in and out --------------------------------------------------------------------------- */

static void unindex(struct negotiate *negotiate, struct pair *pair)
{
	table_remove(&negotiate->pairs_by_id, &pair->by_id);
	for (size_t i = 0; i < IKE_SUITES_MAX; i++) {
		table_remove(&negotiate->pairs_in, &pair->in[i].node);
		table_remove(&negotiate->pairs_out, &pair->out[i].node);
	}
}

static int index_by_spi(struct negotiate *negotiate, struct pair *pair)
{
	const struct ike_sa_install *install = &pair->install;

	for (size_t i = 0; i < install->n_suites; i++) {
		const struct ip_addr *remote = &install->path.remote;
		const struct ike_sa_suite *suite = &install->suites[i];

		pair->in[i].suite = pair->out[i].suite = i;
		if (table_add(&negotiate->pairs_in, &pair->in[i].node,
			      hash_of_spi(negotiate, suite->spi_in, remote)) ||
		    table_add(&negotiate->pairs_out, &pair->out[i].node,
			      hash_of_spi(negotiate, suite->spi_out, remote)))
			return -ENOMEM;
	}
	return 0;
}

static void wipe_keys(struct ike_sa_install *install)
{
	for (size_t i = 0; i < IKE_SUITES_MAX; i++) {
		wipe(&install->suites[i].in, sizeof(install->suites[i].in));
		wipe(&install->suites[i].out, sizeof(install->suites[i].out));
	}
}

struct pair *pair_add(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	struct pair *pair = negotiate->n_pairs < NEGOTIATE_PAIRS_MAX ? calloc(1, sizeof(*pair))
								     : NULL;

	if (!pair)
		return NULL;
	pair->install = *install;
	wipe_keys(&pair->install);
	if (index_by_spi(negotiate, pair)) {
		unindex(negotiate, pair);
		free(pair);
		return NULL;
	}
	pair->next = negotiate->pairs;
	pair->prev_next = &negotiate->pairs;
	if (pair->next)
		pair->next->prev_next = &pair->next;
	negotiate->pairs = pair;
	negotiate->n_pairs++;
	return pair;
}

void pair_remove(struct negotiate *negotiate, struct pair *pair)
{
	unindex(negotiate, pair);
	*pair->prev_next = pair->next;
	if (pair->next)
		pair->next->prev_next = pair->prev_next;
	free(pair);
	negotiate->n_pairs--;
}

/* --- IKE's names -------------------------------------------------------------------------- */

void pair_set_known(struct negotiate *negotiate, struct pair *pair, uint64_t qm_id)
{
	pair_set_unknown(negotiate, pair);
	pair->install.qm_id = qm_id;
	/* without memory it is found by its SPIs only, as after a restart */
	pair->is_known = !table_add(&negotiate->pairs_by_id, &pair->by_id,
				    hash_of_id(negotiate, qm_id));
}

void pair_set_unknown(struct negotiate *negotiate, struct pair *pair)
{
	table_remove(&negotiate->pairs_by_id, &pair->by_id);
	pair->is_known = false;
}

/* --- finding ------------------------------------------------------------------------------ */

struct pair *pair_find_known(const struct negotiate *negotiate, uint64_t qm_id)
{
	struct table_node *node = table_find(&negotiate->pairs_by_id, hash_of_id(negotiate, qm_id));

	for (; node; node = table_find_next(node)) {
		struct pair *pair = container_of(node, struct pair, by_id);

		if (pair->install.qm_id == qm_id)
			return pair;
	}
	return NULL;
}

static bool has_spi(const struct pair *pair, size_t i, enum ike_direction direction, uint32_t spi,
		    enum ike_protocol protocol, const struct ip_addr *remote)
{
	const struct ike_sa_suite *suite = &pair->install.suites[i];

	return i < pair->install.n_suites && suite->suite.protocol == protocol &&
	       (direction == IKE_DIRECTION_IN ? suite->spi_in : suite->spi_out) == spi &&
	       ip_addr_is_equal(&pair->install.path.remote, remote);
}

struct pair *pair_find_by_spi(const struct negotiate *negotiate, enum ike_direction direction,
			      uint32_t spi, enum ike_protocol protocol,
			      const struct ip_addr *remote, size_t *ret_suite)
{
	bool is_in = direction == IKE_DIRECTION_IN;
	struct table_node *node = table_find(is_in ? &negotiate->pairs_in : &negotiate->pairs_out,
					     hash_of_spi(negotiate, spi, remote));

	for (; node; node = table_find_next(node)) {
		struct pair_end *end = container_of(node, struct pair_end, node);
		struct pair_end *first = end - end->suite;
		struct pair *pair = is_in ? container_of(first, struct pair, in[0])
					  : container_of(first, struct pair, out[0]);

		if (has_spi(pair, end->suite, direction, spi, protocol, remote)) {
			*ret_suite = end->suite;
			return pair;
		}
	}
	return NULL;
}
