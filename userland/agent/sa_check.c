// SPDX-License-Identifier: MIT
#include "agent/sa_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/ruleset.h"
#include "agent/translate.h"
#include "base/parse.h"
#include "ike/natt.h"

#define SECONDS_MAX 172800	/* the longest that lib/ike agrees on */

static int refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, SA_CHECK_WHY_LEN, format, args);
	va_end(args);
	return -EPERM;
}

static bool is_host(const struct ip_addr *addr, uint8_t prefix)
{
	return prefix == 8 * ip_addr_len(addr);
}

/* Every bit that the side looks at is in the prefix, and as the side has it. */
static bool side_covers(const struct kernel_filter_side *side, const struct ip_addr *addr,
			uint8_t prefix, bool is_me)
{
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return is_host(addr, prefix) && is_me;
	for (size_t i = prefix; i < 8 * ip_addr_len(addr); i++)
		if (side->mask.bytes[i / 8] & (0x80 >> (i % 8)))
			return false;
	return layer_side_contains(side, addr, is_me);
}

bool sa_check_covers(const struct kernel_filter *filter, const struct ike_selector *selector,
		     bool is_me)
{
	return selector->local.family == filter->family &&
	       selector->remote.family == filter->family &&
	       selector->local_prefix <= 8 * ip_addr_len(&selector->local) &&
	       selector->remote_prefix <= 8 * ip_addr_len(&selector->remote) &&
	       side_covers(&filter->local, &selector->local, selector->local_prefix, is_me) &&
	       side_covers(&filter->remote, &selector->remote, selector->remote_prefix, false) &&
	       (!filter->protocol || filter->protocol == selector->protocol) &&
	       (!filter->local.port || filter->local.port == selector->local_port) &&
	       (!filter->remote.port || filter->remote.port == selector->remote_port);
}

/* A mask with holes is no subnet; then the tunnel is for hosts. */
static bool is_whole_side(const struct kernel_filter_side *side, const struct ip_addr *addr,
			  uint8_t prefix)
{
	uint8_t side_prefix;

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME || mask_to_prefix(&side->mask, &side_prefix))
		return is_host(addr, prefix);
	return prefix == side_prefix && ip_addr_is_equal(addr, &side->addr);
}

bool sa_check_selector(const struct kernel_filter *filter, const struct ike_selector *selector,
		       bool is_me)
{
	if (!sa_check_covers(filter, selector, is_me))
		return false;
	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL)
		return !selector->protocol && !selector->local_port && !selector->remote_port &&
		       is_whole_side(&filter->local, &selector->local, selector->local_prefix) &&
		       is_whole_side(&filter->remote, &selector->remote, selector->remote_prefix);
	return is_host(&selector->local, selector->local_prefix) &&
	       is_host(&selector->remote, selector->remote_prefix);
}

bool sa_check_ends(const struct kernel_filter *filter, const struct ike_selector *selector,
		   const struct ike_path *path)
{
	bool is_tunnel = filter->class == IPSECDRV_FILTER_CLASS_TUNNEL;

	return ip_addr_is_equal(&path->local, is_tunnel ? &filter->tunnel_local :
							  &selector->local) &&
	       ip_addr_is_equal(&path->remote, is_tunnel ? &filter->tunnel_remote :
							   &selector->remote);
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

/* An offer without a lifetime takes the peer's, which ends all the same. */
static bool is_short(const struct ike_sa_install *install, const struct ike_qm_offer *offer)
{
	uint32_t seconds = offer->life_seconds ? offer->life_seconds : SECONDS_MAX;

	return install->life_seconds && install->life_seconds <= seconds &&
	       (!offer->life_kbytes ||
		(install->life_bytes && install->life_bytes <=
					UINT64_C(1024) * offer->life_kbytes));
}

/* One of the offers of the policy, no longer lived, with its perfect forward secrecy. */
static int check_offer(const struct ike_sa_install *install, const struct kernel_filter *filter,
		       const struct ruleset_rule *rule, char *why)
{
	const char *fault = "its algorithms are not a method of";
	struct ike_qm_policy policy;

	translate_qm_policy(rule, filter, &policy);
	for (size_t i = 0; i < policy.n_offers; i++) {
		const struct ike_qm_offer *offer = &policy.offers[i];

		if (!is_offer(install, offer))
			continue;
		if (!is_short(install, offer))
			fault = "its lifetime is longer than that of";
		else if (!is_pfs_good(offer->pfs_group, install->pfs_group))
			fault = "it has not the Diffie-Hellman group of";
		else
			return 0;
	}
	return refuse(why, "%s the quick mode policy \"%s\"", fault,
		      rule->treatment->qm->policy->name);
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

/* Mode, traffic and hosts are those of the filter. */
static int check_place(const struct ike_sa_install *install, const struct kernel_filter *filter,
		       bool has_end, bool is_me, char *why)
{
	bool is_tunnel = filter->class == IPSECDRV_FILTER_CLASS_TUNNEL;

	if (install->encapsulation !=
	    (is_tunnel ? IKE_ENCAPSULATION_TUNNEL : IKE_ENCAPSULATION_TRANSPORT))
		return refuse(why, "it is %s a tunnel, and filter %u is%s",
			      is_tunnel ? "not for" : "for", install->filter_id,
			      is_tunnel ? "" : " not");
	if (!has_end || !sa_check_ends(filter, &install->selector, &install->path))
		return refuse(why, is_tunnel ? "it is not between the ends of the tunnel" :
					       "its selector is not for this host and the peer");
	if (!sa_check_selector(filter, &install->selector, is_me))
		return refuse(why, is_tunnel ? "its selector is not that of filter %u" :
					       "its selector is not within filter %u",
			      install->filter_id);
	return 0;
}

int sa_check_install(const struct ike_sa_install *install, const struct layer_filter *filter,
		     bool has_end, bool is_me, char why[static SA_CHECK_WHY_LEN])
{
	const struct ruleset_rule *rule = filter ? layer_filter_rule(filter) : NULL;
	int r;

	if (!rule)
		return refuse(why, "no filter has the id %u", install->filter_id);
	if (!layer_filter_is_negotiated(filter) || !rule->treatment->qm)
		return refuse(why, "filter %u does not negotiate", install->filter_id);
	if (!install->directions ||
	    (install->directions & ~(IKE_DIRECTION_IN | IKE_DIRECTION_OUT)))
		return refuse(why, "it has no direction");
	if (install->is_in_udp && !can_be_in_udp(install))
		return refuse(why, "AH, or another port than %d, does not go through a NAT",
			      NATT_PORT);
	r = check_place(install, &filter->filter, has_end, is_me, why);
	if (r)
		return r;
	if (!is_in_order(install->soft_seconds, install->life_seconds) ||
	    !is_in_order(install->soft_bytes, install->life_bytes) ||
	    !is_in_order(install->soft_bytes_in, install->life_bytes))
		return refuse(why, "its soft lifetime is longer than the hard one");
	if (install->idle_seconds > TRANSLATE_IDLE_SECONDS)
		return refuse(why, "its idle time is longer than %d seconds",
			      TRANSLATE_IDLE_SECONDS);
	r = check_suites(install, why);
	return r ? r : check_offer(install, &filter->filter, rule, why);
}
