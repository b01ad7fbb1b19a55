// SPDX-License-Identifier: MIT
/*
 * What moves through associations, by the driver's counters: what is renewed, and which peer has
 * fallen silent. Contract: negotiate.h.
 */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/translate.h"
#include "base/log.h"

/* Packets are answered within this time, or something is wrong. */
#define SILENT_SECONDS 30

/* --- one pair ----------------------------------------------------------------------------- */

static struct kernel_sa name_sa(const struct pair *pair, enum ipsecdrv_direction direction)
{
	const struct ike_sa_suite *suite = &pair->install.suites[0];

	return (struct kernel_sa){
		.spi = direction == IPSECDRV_DIRECTION_IN ? suite->spi_in : suite->spi_out,
		.protection = translate_protection(suite->suite.protocol),
		.direction = direction,
		.local = pair->install.path.local,
		.remote = pair->install.path.remote,
	};
}

static bool has_moved(const struct negotiate *negotiate, const struct pair *pair,
		      enum ipsecdrv_direction direction, uint32_t seconds)
{
	struct kernel *kernel = negotiate->config.kernel;
	struct kernel_sa name = name_sa(pair, direction), sa;
	int r = kernel->ops->sa_get(kernel, &name, &sa);

	/* Renewed once too often is better than not renewed. */
	if (r)
		return r != -ENOENT;
	return sa.packets && sa.idle_seconds < seconds;
}

bool negotiate_has_moved(const struct negotiate *negotiate, const struct pair *pair,
			 uint32_t seconds)
{
	return has_moved(negotiate, pair, IPSECDRV_DIRECTION_IN, seconds) ||
	       has_moved(negotiate, pair, IPSECDRV_DIRECTION_OUT, seconds);
}

bool negotiate_has_peer_moved(const struct negotiate *negotiate, const struct ike_path *path,
			      uint32_t seconds)
{
	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next)
		if (ip_addr_is_equal(&pair->install.path.local, &path->local) &&
		    ip_addr_is_equal(&pair->install.path.remote, &path->remote) &&
		    negotiate_has_moved(negotiate, pair, seconds))
			return true;
	return false;
}

/* --- all pairs ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct kernel_sa *x = a, *y = b;

	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	if (x->spi != y->spi)
		return x->spi < y->spi ? -1 : 1;
	if (x->protection != y->protection)
		return x->protection < y->protection ? -1 : 1;
	return ip_addr_compare(&x->remote, &y->remote);
}

static const struct kernel_sa *find(const struct kernel_sa *sas, size_t n,
				    const struct kernel_sa *name)
{
	return bsearch(name, sas, n, sizeof(*sas), compare);
}

/* Packets leave, and what they ask for does not come. */
static bool is_silent(const struct pair *pair, const struct kernel_sa *sas, size_t n)
{
	struct kernel_sa in_name = name_sa(pair, IPSECDRV_DIRECTION_IN);
	struct kernel_sa out_name = name_sa(pair, IPSECDRV_DIRECTION_OUT);
	const struct kernel_sa *in = find(sas, n, &in_name), *out = find(sas, n, &out_name);

	return in && out && out->packets && in->idle_seconds >= SILENT_SECONDS &&
	       out->idle_seconds < SILENT_SECONDS;
}

void negotiate_watch(struct negotiate *negotiate)
{
	struct kernel *kernel = negotiate->config.kernel;
	_cleanup_free_ struct kernel_sa *sas = NULL;
	size_t n;

	negotiate_check_softs(negotiate);
	negotiate_end_gone(negotiate);
	if (!negotiate->is_up || !negotiate->pairs)
		return;
	if (kernel->ops->sa_dump(kernel, &sas, &n)) {
		log_debug("the driver's associations could not be read: %s", kernel->why);
		return;
	}
	qsort(sas, n, sizeof(*sas), compare);
	for (struct pair *pair = negotiate->pairs; pair; pair = pair->next) {
		struct kernel_sa sa = name_sa(pair, IPSECDRV_DIRECTION_OUT);

		if (is_silent(pair, sas, n))
			negotiate_tell_expiry(negotiate, IKE_EXPIRE_SILENT, &sa);
	}
}
