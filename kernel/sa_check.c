// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be installed. Each refusal says its reason to the agent, which shows it to people.
 */
#include "sa.h"

#include <linux/in.h>
#include <linux/inetdevice.h>
#include <linux/netlink.h>
#include <linux/string.h>
#include <net/ipv6.h>

static bool is_unicast(u8 family, const union nf_inet_addr *addr)
{
	int type;

	if (family == NFPROTO_IPV4)
		return addr->ip && !ipv4_is_multicast(addr->ip) && !ipv4_is_lbcast(addr->ip);
	type = ipv6_addr_type(&addr->in6);
	return type != IPV6_ADDR_ANY && !(type & IPV6_ADDR_MULTICAST);
}

static bool is_same_addr(u8 family, const union nf_inet_addr *a, const union nf_inet_addr *b)
{
	return !memcmp(a, b, family == NFPROTO_IPV4 ? sizeof(a->ip) : sizeof(*a));
}

/* the sentence has to be a literal: the kernel keeps a pointer to it */
#define refuse(extack, err, sentence) ({ NL_SET_ERR_MSG(extack, sentence); err; })

static int check_identity(const struct ipd_sa_params *params, struct netlink_ext_ack *extack)
{
	if (params->family != NFPROTO_IPV4 && params->family != NFPROTO_IPV6)
		return refuse(extack, -EINVAL, "the association's family is neither IPv4 nor IPv6");
	if (params->protection != IPSECDRV_PROTECTION_ESP &&
	    params->protection != IPSECDRV_PROTECTION_AH)
		return refuse(extack, -EINVAL, "the association's protection is neither AH nor ESP");
	if (!is_unicast(params->family, &params->local) ||
	    !is_unicast(params->family, &params->remote))
		return refuse(extack, -EINVAL, "the association's endpoints are not two hosts");
	return 0;
}

static int check_bundle(const struct ipd_sa_params *params, struct netlink_ext_ack *extack)
{
	if (!params->bundle_spi)
		return 0;
	if (params->protection != IPSECDRV_PROTECTION_ESP)
		return refuse(extack, -EINVAL,
			      "the ESP association of a bundle names the AH one, not the other way round");
	if (params->encap_local_port || params->encap_remote_port)
		return refuse(extack, -EINVAL, "AH does not pass through NAT");
	return 0;
}

static int check_hosts(const struct ipd_sa_params *params, struct netlink_ext_ack *extack)
{
	const struct ipd_selector *selector = &params->selector;
	u8 host = params->family == NFPROTO_IPV4 ? 32 : 128;

	if (selector->family != params->family)
		return refuse(extack, -EINVAL,
			      "the selector is missing or of another family than the association");
	if (selector->local_prefix != host || selector->remote_prefix != host ||
	    !is_same_addr(params->family, &selector->local, &params->local) ||
	    !is_same_addr(params->family, &selector->remote, &params->remote))
		return refuse(extack, -EINVAL,
			      "in transport mode the selector's addresses are the endpoints");
	return 0;
}

/* whether nothing is set behind the first @prefix bits */
static bool is_network(u8 family, const union nf_inet_addr *addr, u8 prefix)
{
	struct in6_addr network;

	if (family == NFPROTO_IPV4)
		return !prefix ? !addr->ip : !(addr->ip & ~inet_make_mask(prefix));
	ipv6_addr_prefix(&network, &addr->in6, prefix);
	return ipv6_addr_equal(&network, &addr->in6);
}

static int check_networks(const struct ipd_selector *selector, struct netlink_ext_ack *extack)
{
	u8 host = selector->family == NFPROTO_IPV4 ? 32 : 128;

	if (selector->family != NFPROTO_IPV4 && selector->family != NFPROTO_IPV6)
		return refuse(extack, -EINVAL, "a tunnel needs a selector");
	if (selector->protocol || selector->local_port || selector->remote_port)
		return refuse(extack, -EINVAL,
			      "a tunnel's selector takes addresses only, no protocol or port");
	if (selector->local_prefix > host || selector->remote_prefix > host ||
	    !is_network(selector->family, &selector->local, selector->local_prefix) ||
	    !is_network(selector->family, &selector->remote, selector->remote_prefix))
		return refuse(extack, -EINVAL,
			      "an address of the selector has bits behind its prefix");
	return 0;
}

static int check_selector(const struct ipd_sa_params *params, struct netlink_ext_ack *extack)
{
	if (!params->filter_id)
		return refuse(extack, -EINVAL, "the association names no filter");
	if (params->encapsulation == IPSECDRV_ENCAPSULATION_TUNNEL)
		return check_networks(&params->selector, extack);
	return check_hosts(params, extack);
}

static bool is_in_order(u64 soft, u64 hard)
{
	return !soft || !hard || soft <= hard;
}

static bool is_authenticating(const struct ipd_sa_config *config)
{
	return config->integrity != IPSECDRV_INTEGRITY_NONE ||
	       config->cipher == IPSECDRV_CIPHER_AES_GCM_16;
}

static int check_udp(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	if (config->encap_follow && config->direction != IPSECDRV_DIRECTION_IN)
		return refuse(extack, -EINVAL, "it is inbound packets whose port is followed");
	if (config->encap_keepalive && config->direction != IPSECDRV_DIRECTION_OUT)
		return refuse(extack, -EINVAL, "keepalives are sent by an outbound association");
	if (!config->encap_local_port && !config->encap_remote_port)
		return config->encap_follow || config->encap_keepalive ?
			refuse(extack, -EINVAL, "there is no UDP port to follow or keep alive") : 0;
	if (config->protection != IPSECDRV_PROTECTION_ESP)
		return refuse(extack, -EINVAL, "AH does not pass through NAT: only ESP is put in UDP");
	if (!config->encap_remote_port)
		return refuse(extack, -EINVAL, "UDP encapsulation needs the peer's port");
	if (config->encap_local_port != htons(IPD_NATT_PORT))
		return refuse(extack, -EINVAL, "this host's port for UDP encapsulation is 4500");
	/* NAT has made the checksum wrong, so there would be no check at all */
	if (config->encapsulation == IPSECDRV_ENCAPSULATION_TRANSPORT &&
	    !is_authenticating(config))
		return refuse(extack, -EINVAL,
			      "UDP encapsulation in transport mode needs authentication");
	return 0;
}

static int check_numbers(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	if (config->replay_window > IPSECDRV_MAX_REPLAY_WINDOW)
		return refuse(extack, -EINVAL, "the replay window is too wide");
	if (!config->replay_window && config->direction == IPSECDRV_DIRECTION_IN &&
	    is_authenticating(config))
		return refuse(extack, -EINVAL,
			      "an inbound association with authentication needs a replay window");
	/* nobody would notice a wrong upper half */
	if (config->esn && !is_authenticating(config))
		return refuse(extack, -EINVAL,
			      "extended sequence numbers need an association with authentication");
	if (config->sequence >= ipd_sa_last_number(&config->params))
		return refuse(extack, -EINVAL,
			      "the association would begin with its last sequence number used up");
	return 0;
}

static int check_limits(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	if (!is_in_order(config->soft_bytes, config->hard_bytes) ||
	    !is_in_order(config->soft_packets, config->hard_packets) ||
	    !is_in_order(config->soft_seconds, config->hard_seconds))
		return refuse(extack, -EINVAL, "a soft lifetime is longer than the hard one");
	return 0;
}

int ipd_sa_check(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	int err;

	if (config->direction != IPSECDRV_DIRECTION_IN &&
	    config->direction != IPSECDRV_DIRECTION_OUT)
		return refuse(extack, -EINVAL, "the association's direction is missing");
	if (ntohl(config->spi) < IPSECDRV_MIN_SPI)
		return refuse(extack, -EINVAL, "SPIs below 256 are reserved");
	err = check_identity(&config->params, extack);
	if (!err)
		err = check_udp(config, extack);
	if (!err)
		err = check_bundle(&config->params, extack);
	if (!err)
		err = check_selector(&config->params, extack);
	if (!err)
		err = check_limits(config, extack);
	if (!err)
		err = check_numbers(config, extack);
	if (!err)
		err = ipd_crypto_check(config, extack);
	return err;
}

int ipd_sa_check_larval(const struct ipd_sa_config *config, struct netlink_ext_ack *extack)
{
	if (config->direction != IPSECDRV_DIRECTION_IN)
		return refuse(extack, -EINVAL, "the peer chooses the SPI of an outbound association");
	if (config->spi && ntohl(config->spi) < IPSECDRV_MIN_SPI)
		return refuse(extack, -EINVAL, "SPIs below 256 are reserved");
	return check_identity(&config->params, extack);
}
