// SPDX-License-Identifier: MIT
#include "agent/sa_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/dynamic.h"
#include "agent/translate.h"
#include "ike/natt.h"

static int refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, SA_CHECK_WHY_LEN, format, args);
	va_end(args);
	return -EPERM;
}

bool sa_check_selector(const struct kernel_filter *filter, const struct ike_selector *selector,
		       bool is_me)
{
	uint8_t bits = (uint8_t)(8 * ip_addr_len(&selector->local));

	return selector->local.family == filter->family &&
	       selector->remote.family == filter->family && selector->local_prefix == bits &&
	       selector->remote_prefix == bits &&
	       layer_side_contains(&filter->local, &selector->local, is_me) &&
	       layer_side_contains(&filter->remote, &selector->remote, false) &&
	       (!filter->protocol || filter->protocol == selector->protocol) &&
	       (!filter->local.port || filter->local.port == selector->local_port) &&
	       (!filter->remote.port || filter->remote.port == selector->remote_port);
}

static bool is_same_suite(const struct ike_suite *a, const struct ike_suite *b)
{
	return a->protocol == b->protocol && a->cipher == b->cipher &&
	       a->key_bits == b->key_bits && a->hash == b->hash;
}

static bool is_offer(const struct ike_sa_install *install, const struct ike_qm_offer *offer)
{
	if (install->n_suites != offer->n_suites)
		return false;
	for (size_t i = 0; i < offer->n_suites; i++)
		if (!is_same_suite(&install->suites[i].suite, &offer->suites[i]))
			return false;
	return true;
}

static bool is_pfs_good(uint16_t wanted, uint16_t group)
{
	switch (wanted) {
	case IKE_GROUP_NONE:
		return true;	/* more than policy asks for is fine */
	case IKE_GROUP_MAIN_MODE:
		return group != IKE_GROUP_NONE;
	default:
		return group == wanted;
	}
}

/* One of the offers of the policy, no longer lived, with its perfect forward secrecy. */
static int check_offer(const struct ike_sa_install *install, const struct dynamic_rule *rule,
		       char *why)
{
	const char *fault = "its algorithms are not a method of";
	struct ike_qm_policy policy;

	translate_qm_policy(rule, install->filter_id, &policy);
	for (size_t i = 0; i < policy.n_offers; i++) {
		const struct ike_qm_offer *offer = &policy.offers[i];

		if (!is_offer(install, offer))
			continue;
		if (!install->life_seconds || install->life_seconds > offer->life_seconds ||
		    !install->life_bytes ||
		    install->life_bytes > UINT64_C(1024) * offer->life_kbytes)
			fault = "its lifetime is longer than that of";
		else if (!is_pfs_good(offer->pfs_group, install->pfs_group))
			fault = "it has not the Diffie-Hellman group of";
		else
			return 0;
	}
	return refuse(why, "%s the quick mode policy \"%s\"", fault, rule->qm->policy->name);
}

static int check_keys(const struct ike_sa_install *install, const struct ike_sa_suite *suite,
		      char *why)
{
	size_t cipher_len = ike_cipher_key_len(suite->suite.cipher, suite->suite.key_bits);
	size_t hash_len = ike_hash_len(suite->suite.hash);

	if ((install->directions & IKE_DIRECTION_IN) &&
	    (suite->in.cipher_key_len != cipher_len || suite->in.hash_key_len != hash_len))
		return refuse(why, "its inbound keys have the wrong length");
	if ((install->directions & IKE_DIRECTION_OUT) &&
	    (suite->out.cipher_key_len != cipher_len || suite->out.hash_key_len != hash_len))
		return refuse(why, "its outbound keys have the wrong length");
	return 0;
}

static int check_suites(const struct ike_sa_install *install, char *why)
{
	for (size_t i = 0; i < install->n_suites; i++) {
		const struct ike_sa_suite *suite = &install->suites[i];
		int r;

		if (suite->spi_in < IPSECDRV_MIN_SPI || suite->spi_out < IPSECDRV_MIN_SPI)
			return refuse(why, "its SPIs are missing or below %d", IPSECDRV_MIN_SPI);
		r = check_keys(install, suite, why);
		if (r)
			return r;
	}
	return 0;
}

static bool is_in_order(uint64_t soft, uint64_t hard)
{
	return !hard || soft <= hard;
}

static bool can_be_in_udp(const struct ike_sa_install *install)
{
	for (size_t i = 0; i < install->n_suites; i++)
		if (install->suites[i].suite.protocol != IKE_PROTOCOL_ESP)
			return false;
	return install->path.local_port == NATT_PORT && install->path.remote_port;
}

int sa_check_install(const struct ike_sa_install *install, const struct layer_filter *filter,
		     bool is_me, char why[static SA_CHECK_WHY_LEN])
{
	const struct dynamic_rule *rule = filter ? layer_filter_rule(filter) : NULL;
	int r;

	if (!rule)
		return refuse(why, "no filter has the id %u", install->filter_id);
	if (!layer_filter_is_negotiated(filter) || !rule->qm)
		return refuse(why, "filter %u does not negotiate", install->filter_id);
	if (!install->directions ||
	    (install->directions & ~(IKE_DIRECTION_IN | IKE_DIRECTION_OUT)))
		return refuse(why, "it has no direction");
	if (install->is_in_udp && !can_be_in_udp(install))
		return refuse(why, "AH, or another port than %d, does not go through a NAT",
			      NATT_PORT);
	if (install->encapsulation != IKE_ENCAPSULATION_TRANSPORT)
		return refuse(why, "it is for a tunnel, and filter %u is not", install->filter_id);
	if (!is_me || !ip_addr_is_equal(&install->path.local, &install->selector.local) ||
	    !ip_addr_is_equal(&install->path.remote, &install->selector.remote))
		return refuse(why, "its selector is not for this host and the peer");
	if (!sa_check_selector(&filter->filter, &install->selector, is_me))
		return refuse(why, "its selector is not within filter %u", install->filter_id);
	if (!is_in_order(install->soft_seconds, install->life_seconds) ||
	    !is_in_order(install->soft_bytes, install->life_bytes))
		return refuse(why, "its soft lifetime is longer than the hard one");
	r = check_suites(install, why);
	return r ? r : check_offer(install, rule, why);
}
