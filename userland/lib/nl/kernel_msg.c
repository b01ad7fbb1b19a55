// SPDX-License-Identifier: MIT
#include "nl/kernel_msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

/* --- writing ------------------------------------------------------------------------------ */

/*
 * The put functions collect failures with |= and look once: libnl leaves the message alone when an
 * attribute does not fit, and the caller cuts it back to where the nest began.
 */

static int put_addr(struct nl_msg *msg, int type, const struct ip_addr *addr)
{
	size_t len = ip_addr_len(addr);

	return len ? nla_put(msg, type, (int)len, addr->bytes) : 0;
}

static int put_be16(struct nl_msg *msg, int type, uint16_t value)
{
	return nla_put_u16(msg, type, htons(value));
}

static int put_be32(struct nl_msg *msg, int type, uint32_t value)
{
	return nla_put_u32(msg, type, htonl(value));
}

static int finish_nest(struct nl_msg *msg, struct nlattr *nest, int failed)
{
	if (!nest)
		return -EMSGSIZE;
	if (failed) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

struct side_types {
	int class;
	int address;
	int mask;
	int port;
};

static const struct side_types local_types = {
	IPSECDRV_FILTER_A_LOCAL_CLASS,
	IPSECDRV_FILTER_A_LOCAL_ADDRESS,
	IPSECDRV_FILTER_A_LOCAL_MASK,
	IPSECDRV_FILTER_A_LOCAL_PORT,
};

static const struct side_types remote_types = {
	IPSECDRV_FILTER_A_REMOTE_CLASS,
	IPSECDRV_FILTER_A_REMOTE_ADDRESS,
	IPSECDRV_FILTER_A_REMOTE_MASK,
	IPSECDRV_FILTER_A_REMOTE_PORT,
};

static int put_side(struct nl_msg *msg, const struct side_types *types,
		    const struct kernel_filter_side *side)
{
	int failed = nla_put_u8(msg, types->class, (uint8_t)side->class);

	if (side->class == IPSECDRV_ADDRESS_CLASS_MASK && !ip_addr_is_unspecified(&side->mask)) {
		failed |= put_addr(msg, types->address, &side->addr);
		failed |= put_addr(msg, types->mask, &side->mask);
	}
	if (side->port)
		failed |= put_be16(msg, types->port, side->port);
	return failed;
}

/* An interface, or else a connection type; nothing for all of them. */
static int put_place(struct nl_msg *msg, int interface_type, const char *interface,
		     int connection_type, enum ipsecdrv_connection connection)
{
	if (interface[0])
		return nla_put_string(msg, interface_type, interface);
	if (connection != IPSECDRV_CONNECTION_ALL)
		return nla_put_u8(msg, connection_type, (uint8_t)connection);
	return 0;
}

int kernel_msg_put_filter(struct nl_msg *msg, const struct kernel_filter *filter)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_FILTER);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = nla_put_u32(msg, IPSECDRV_FILTER_A_ID, filter->id);
	failed |= nla_put_u8(msg, IPSECDRV_FILTER_A_FAMILY, filter->family);
	failed |= nla_put_u8(msg, IPSECDRV_FILTER_A_CLASS, (uint8_t)filter->class);
	failed |= put_side(msg, &local_types, &filter->local);
	failed |= put_side(msg, &remote_types, &filter->remote);
	if (filter->protocol)
		failed |= nla_put_u8(msg, IPSECDRV_FILTER_A_PROTOCOL, filter->protocol);
	failed |= nla_put_u8(msg, IPSECDRV_FILTER_A_OUTBOUND_ACTION, (uint8_t)filter->outbound);
	failed |= nla_put_u8(msg, IPSECDRV_FILTER_A_INBOUND_ACTION, (uint8_t)filter->inbound);
	failed |= put_place(msg, IPSECDRV_FILTER_A_INTERFACE, filter->interface,
			    IPSECDRV_FILTER_A_CONNECTION, filter->connection);
	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL) {
		failed |= put_addr(msg, IPSECDRV_FILTER_A_TUNNEL_LOCAL, &filter->tunnel_local);
		failed |= put_addr(msg, IPSECDRV_FILTER_A_TUNNEL_REMOTE, &filter->tunnel_remote);
	}
	return finish_nest(msg, nest, failed);
}

int kernel_msg_put_filter_id(struct nl_msg *msg, uint32_t id)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_FILTER);

	return finish_nest(msg, nest, nest && nla_put_u32(msg, IPSECDRV_FILTER_A_ID, id));
}

static int put_selector(struct nl_msg *msg, int type, const struct kernel_selector *selector)
{
	struct nlattr *nest = nla_nest_start(msg, type);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = nla_put_u8(msg, IPSECDRV_SELECTOR_A_FAMILY, selector->local.family);
	failed |= put_addr(msg, IPSECDRV_SELECTOR_A_LOCAL_ADDRESS, &selector->local);
	failed |= put_addr(msg, IPSECDRV_SELECTOR_A_REMOTE_ADDRESS, &selector->remote);
	failed |= nla_put_u8(msg, IPSECDRV_SELECTOR_A_LOCAL_PREFIX, selector->local_prefix);
	failed |= nla_put_u8(msg, IPSECDRV_SELECTOR_A_REMOTE_PREFIX, selector->remote_prefix);
	if (selector->protocol)
		failed |= nla_put_u8(msg, IPSECDRV_SELECTOR_A_PROTOCOL, selector->protocol);
	if (selector->local_port)
		failed |= put_be16(msg, IPSECDRV_SELECTOR_A_LOCAL_PORT, selector->local_port);
	if (selector->remote_port)
		failed |= put_be16(msg, IPSECDRV_SELECTOR_A_REMOTE_PORT, selector->remote_port);
	return finish_nest(msg, nest, failed);
}

static int put_limit_u64(struct nl_msg *msg, int type, uint64_t limit)
{
	return limit ? nla_put_u64(msg, type, limit) : 0;
}

static int put_limit_u32(struct nl_msg *msg, int type, uint32_t limit)
{
	return limit ? nla_put_u32(msg, type, limit) : 0;
}

static int put_lifetime(struct nl_msg *msg, const struct kernel_lifetime *lifetime)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_SA_A_LIFETIME);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = put_limit_u64(msg, IPSECDRV_LIFETIME_A_SOFT_BYTES, lifetime->soft_bytes);
	failed |= put_limit_u64(msg, IPSECDRV_LIFETIME_A_HARD_BYTES, lifetime->hard_bytes);
	failed |= put_limit_u64(msg, IPSECDRV_LIFETIME_A_SOFT_PACKETS, lifetime->soft_packets);
	failed |= put_limit_u64(msg, IPSECDRV_LIFETIME_A_HARD_PACKETS, lifetime->hard_packets);
	failed |= put_limit_u32(msg, IPSECDRV_LIFETIME_A_SOFT_SECONDS, lifetime->soft_seconds);
	failed |= put_limit_u32(msg, IPSECDRV_LIFETIME_A_HARD_SECONDS, lifetime->hard_seconds);
	/* the driver has an idea of its own where nothing is said */
	failed |= nla_put_u32(msg, IPSECDRV_LIFETIME_A_IDLE_SECONDS, lifetime->idle_seconds);
	return finish_nest(msg, nest, failed);
}

static int put_keys(struct nl_msg *msg, const struct kernel_sa *sa)
{
	int failed = 0;

	if (sa->cipher != IPSECDRV_CIPHER_NONE)
		failed |= nla_put_u8(msg, IPSECDRV_SA_A_CIPHER, (uint8_t)sa->cipher);
	if (sa->cipher_key_len)
		failed |= nla_put(msg, IPSECDRV_SA_A_CIPHER_KEY, (int)sa->cipher_key_len,
				  sa->cipher_key);
	if (sa->integrity != IPSECDRV_INTEGRITY_NONE)
		failed |= nla_put_u8(msg, IPSECDRV_SA_A_INTEGRITY, (uint8_t)sa->integrity);
	if (sa->integrity_key_len)
		failed |= nla_put(msg, IPSECDRV_SA_A_INTEGRITY_KEY, (int)sa->integrity_key_len,
				  sa->integrity_key);
	return failed;
}

static int put_relations(struct nl_msg *msg, const struct kernel_sa *sa)
{
	int failed = 0;

	if (sa->filter_id)
		failed |= nla_put_u32(msg, IPSECDRV_SA_A_FILTER_ID, sa->filter_id);
	if (sa->has_selector)
		failed |= put_selector(msg, IPSECDRV_SA_A_SELECTOR, &sa->selector);
	if (sa->pair_spi)
		failed |= put_be32(msg, IPSECDRV_SA_A_PAIR_SPI, sa->pair_spi);
	if (sa->bundle_spi)
		failed |= put_be32(msg, IPSECDRV_SA_A_BUNDLE_SPI, sa->bundle_spi);
	if (sa->acquire_id)
		failed |= nla_put_u32(msg, IPSECDRV_SA_A_ACQUIRE_ID, sa->acquire_id);
	return failed;
}

int kernel_msg_put_sa(struct nl_msg *msg, const struct kernel_sa *sa)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_SA);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = nla_put_u8(msg, IPSECDRV_SA_A_PROTECTION, (uint8_t)sa->protection);
	failed |= nla_put_u8(msg, IPSECDRV_SA_A_DIRECTION, (uint8_t)sa->direction);
	failed |= nla_put_u8(msg, IPSECDRV_SA_A_ENCAPSULATION, (uint8_t)sa->encapsulation);
	failed |= nla_put_u8(msg, IPSECDRV_SA_A_FAMILY, sa->local.family);
	failed |= put_addr(msg, IPSECDRV_SA_A_LOCAL_ADDRESS, &sa->local);
	failed |= put_addr(msg, IPSECDRV_SA_A_REMOTE_ADDRESS, &sa->remote);
	if (sa->spi)
		failed |= put_be32(msg, IPSECDRV_SA_A_SPI, sa->spi);
	failed |= put_relations(msg, sa);
	failed |= put_keys(msg, sa);
	if (sa->replay_window)
		failed |= nla_put_u32(msg, IPSECDRV_SA_A_REPLAY_WINDOW, sa->replay_window);
	failed |= put_lifetime(msg, &sa->lifetime);
	if (sa->encap_local_port)
		failed |= put_be16(msg, IPSECDRV_SA_A_ENCAP_LOCAL_PORT, sa->encap_local_port);
	if (sa->encap_remote_port)
		failed |= put_be16(msg, IPSECDRV_SA_A_ENCAP_REMOTE_PORT, sa->encap_remote_port);
	if (sa->encap_keepalive)
		failed |= nla_put_u32(msg, IPSECDRV_SA_A_ENCAP_KEEPALIVE, sa->encap_keepalive);
	if (sa->encap_follow)
		failed |= nla_put_flag(msg, IPSECDRV_SA_A_ENCAP_FOLLOW);
	if (sa->esn)
		failed |= nla_put_flag(msg, IPSECDRV_SA_A_ESN);
	if (sa->parallel)
		failed |= nla_put_flag(msg, IPSECDRV_SA_A_PARALLEL);
	return finish_nest(msg, nest, failed);
}

int kernel_msg_put_flow(struct nl_msg *msg, const struct kernel_flow *flow)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_FLOW);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = nla_put_u8(msg, IPSECDRV_FLOW_A_DIRECTION, (uint8_t)flow->direction);
	failed |= nla_put_u8(msg, IPSECDRV_FLOW_A_FAMILY, flow->source.family);
	failed |= put_addr(msg, IPSECDRV_FLOW_A_SOURCE, &flow->source);
	failed |= put_addr(msg, IPSECDRV_FLOW_A_DESTINATION, &flow->destination);
	failed |= nla_put_u8(msg, IPSECDRV_FLOW_A_PROTOCOL, flow->protocol);
	failed |= put_be16(msg, IPSECDRV_FLOW_A_SOURCE_PORT, flow->source_port);
	failed |= put_be16(msg, IPSECDRV_FLOW_A_DESTINATION_PORT, flow->destination_port);
	failed |= put_place(msg, IPSECDRV_FLOW_A_INTERFACE, flow->interface,
			    IPSECDRV_FLOW_A_CONNECTION, flow->connection);
	return finish_nest(msg, nest, failed);
}

/* --- reading ------------------------------------------------------------------------------ */

/*
 * An attribute that is missing or too short for its type reads as zero. The driver is trusted to
 * say what it means, not to be free of mistakes: nothing here can read beyond an attribute.
 */

static uint8_t get_u8(struct nlattr **attrs, int type)
{
	return attrs[type] && nla_len(attrs[type]) >= 1 ? nla_get_u8(attrs[type]) : 0;
}

static uint16_t get_be16(struct nlattr **attrs, int type)
{
	return attrs[type] && nla_len(attrs[type]) >= 2 ? ntohs(nla_get_u16(attrs[type])) : 0;
}

static uint32_t get_u32(struct nlattr **attrs, int type)
{
	return attrs[type] && nla_len(attrs[type]) >= 4 ? nla_get_u32(attrs[type]) : 0;
}

static uint32_t get_be32(struct nlattr **attrs, int type)
{
	return ntohl(get_u32(attrs, type));
}

static uint64_t get_u64(struct nlattr **attrs, int type)
{
	return attrs[type] && nla_len(attrs[type]) >= 8 ? nla_get_u64(attrs[type]) : 0;
}

/* "None" when missing. */
/* of @family, if that is not AF_UNSPEC */
static int get_addr(struct nlattr **attrs, int type, uint8_t family, struct ip_addr *ret_addr)
{
	struct ip_addr addr = { 0 };

	if (attrs[type]) {
		if (ip_addr_from_bytes(nla_data(attrs[type]), (size_t)nla_len(attrs[type]), &addr))
			return -EBADMSG;
		if (family != AF_UNSPEC && addr.family != family)
			return -EBADMSG;
	}
	*ret_addr = addr;
	return 0;
}

static int get_side(struct nlattr **attrs, const struct side_types *types, uint8_t family,
		    struct kernel_filter_side *ret_side)
{
	struct kernel_filter_side side = {
		.class = get_u8(attrs, types->class),
		.port = get_be16(attrs, types->port),
	};

	if (side.class == IPSECDRV_ADDRESS_CLASS_MASK) {
		if (get_addr(attrs, types->address, family, &side.addr) ||
		    get_addr(attrs, types->mask, family, &side.mask))
			return -EBADMSG;
		if (!side.mask.family) {	/* any address, or exactly the one that is given */
			side.mask.family = family;
			if (side.addr.family)
				memset(side.mask.bytes, 0xff, ip_addr_len(&side.mask));
		}
		side.addr.family = family;
	}
	*ret_side = side;
	return 0;
}

void kernel_msg_get_interface(struct nlattr *attr, char ret_name[static KERNEL_INTERFACE_LEN])
{
	ret_name[0] = '\0';
	if (attr)
		nla_strlcpy(ret_name, attr, KERNEL_INTERFACE_LEN);
}

int kernel_msg_get_filter(struct nlattr *nest, struct kernel_filter *ret_filter)
{
	struct nlattr *attrs[IPSECDRV_FILTER_A_MAX + 1];
	struct kernel_filter filter = { 0 };

	if (nla_parse_nested(attrs, IPSECDRV_FILTER_A_MAX, nest, NULL))
		return -EBADMSG;
	filter.id = get_u32(attrs, IPSECDRV_FILTER_A_ID);
	filter.family = get_u8(attrs, IPSECDRV_FILTER_A_FAMILY);
	filter.class = get_u8(attrs, IPSECDRV_FILTER_A_CLASS);
	filter.protocol = get_u8(attrs, IPSECDRV_FILTER_A_PROTOCOL);
	filter.outbound = get_u8(attrs, IPSECDRV_FILTER_A_OUTBOUND_ACTION);
	filter.inbound = get_u8(attrs, IPSECDRV_FILTER_A_INBOUND_ACTION);
	filter.connection = get_u8(attrs, IPSECDRV_FILTER_A_CONNECTION);
	kernel_msg_get_interface(attrs[IPSECDRV_FILTER_A_INTERFACE], filter.interface);
	filter.weight = get_u32(attrs, IPSECDRV_FILTER_A_WEIGHT);
	filter.outbound_hits = get_u64(attrs, IPSECDRV_FILTER_A_OUTBOUND_HITS);
	filter.inbound_hits = get_u64(attrs, IPSECDRV_FILTER_A_INBOUND_HITS);
	if ((filter.family != AF_INET && filter.family != AF_INET6) || !filter.id ||
	    get_side(attrs, &local_types, filter.family, &filter.local) ||
	    get_side(attrs, &remote_types, filter.family, &filter.remote) ||
	    get_addr(attrs, IPSECDRV_FILTER_A_TUNNEL_LOCAL, AF_UNSPEC, &filter.tunnel_local) ||
	    get_addr(attrs, IPSECDRV_FILTER_A_TUNNEL_REMOTE, AF_UNSPEC, &filter.tunnel_remote))
		return -EBADMSG;
	*ret_filter = filter;
	return 0;
}

int kernel_msg_get_selector(struct nlattr *nest, struct kernel_selector *ret_selector)
{
	struct nlattr *attrs[IPSECDRV_SELECTOR_A_MAX + 1];
	struct kernel_selector selector = { 0 };
	uint8_t family;

	if (nla_parse_nested(attrs, IPSECDRV_SELECTOR_A_MAX, nest, NULL))
		return -EBADMSG;
	family = get_u8(attrs, IPSECDRV_SELECTOR_A_FAMILY);
	if ((family != AF_INET && family != AF_INET6) ||
	    get_addr(attrs, IPSECDRV_SELECTOR_A_LOCAL_ADDRESS, family, &selector.local) ||
	    get_addr(attrs, IPSECDRV_SELECTOR_A_REMOTE_ADDRESS, family, &selector.remote))
		return -EBADMSG;
	selector.local.family = selector.remote.family = family;
	selector.local_prefix = get_u8(attrs, IPSECDRV_SELECTOR_A_LOCAL_PREFIX);
	selector.remote_prefix = get_u8(attrs, IPSECDRV_SELECTOR_A_REMOTE_PREFIX);
	selector.protocol = get_u8(attrs, IPSECDRV_SELECTOR_A_PROTOCOL);
	selector.local_port = get_be16(attrs, IPSECDRV_SELECTOR_A_LOCAL_PORT);
	selector.remote_port = get_be16(attrs, IPSECDRV_SELECTOR_A_REMOTE_PORT);
	*ret_selector = selector;
	return 0;
}

static int get_lifetime(struct nlattr *nest, struct kernel_lifetime *ret_lifetime)
{
	struct nlattr *attrs[IPSECDRV_LIFETIME_A_MAX + 1];

	if (nla_parse_nested(attrs, IPSECDRV_LIFETIME_A_MAX, nest, NULL))
		return -EBADMSG;
	*ret_lifetime = (struct kernel_lifetime){
		.soft_bytes = get_u64(attrs, IPSECDRV_LIFETIME_A_SOFT_BYTES),
		.hard_bytes = get_u64(attrs, IPSECDRV_LIFETIME_A_HARD_BYTES),
		.soft_packets = get_u64(attrs, IPSECDRV_LIFETIME_A_SOFT_PACKETS),
		.hard_packets = get_u64(attrs, IPSECDRV_LIFETIME_A_HARD_PACKETS),
		.soft_seconds = get_u32(attrs, IPSECDRV_LIFETIME_A_SOFT_SECONDS),
		.hard_seconds = get_u32(attrs, IPSECDRV_LIFETIME_A_HARD_SECONDS),
		.idle_seconds = get_u32(attrs, IPSECDRV_LIFETIME_A_IDLE_SECONDS),
	};
	return 0;
}

static void get_sa_numbers(struct nlattr **attrs, struct kernel_sa *sa)
{
	sa->spi = get_be32(attrs, IPSECDRV_SA_A_SPI);
	sa->protection = get_u8(attrs, IPSECDRV_SA_A_PROTECTION);
	sa->direction = get_u8(attrs, IPSECDRV_SA_A_DIRECTION);
	sa->encapsulation = get_u8(attrs, IPSECDRV_SA_A_ENCAPSULATION);
	sa->filter_id = get_u32(attrs, IPSECDRV_SA_A_FILTER_ID);
	sa->cipher = get_u8(attrs, IPSECDRV_SA_A_CIPHER);
	sa->integrity = get_u8(attrs, IPSECDRV_SA_A_INTEGRITY);
	sa->replay_window = get_u32(attrs, IPSECDRV_SA_A_REPLAY_WINDOW);
	sa->pair_spi = get_be32(attrs, IPSECDRV_SA_A_PAIR_SPI);
	sa->bundle_spi = get_be32(attrs, IPSECDRV_SA_A_BUNDLE_SPI);
	sa->encap_local_port = get_be16(attrs, IPSECDRV_SA_A_ENCAP_LOCAL_PORT);
	sa->encap_remote_port = get_be16(attrs, IPSECDRV_SA_A_ENCAP_REMOTE_PORT);
	sa->encap_keepalive = get_u32(attrs, IPSECDRV_SA_A_ENCAP_KEEPALIVE);
	sa->encap_follow = attrs[IPSECDRV_SA_A_ENCAP_FOLLOW] != NULL;
	sa->esn = attrs[IPSECDRV_SA_A_ESN] != NULL;
	sa->parallel = attrs[IPSECDRV_SA_A_PARALLEL] != NULL;
	sa->acquire_id = get_u32(attrs, IPSECDRV_SA_A_ACQUIRE_ID);
	sa->state = get_u8(attrs, IPSECDRV_SA_A_STATE);
	sa->sequence = get_u64(attrs, IPSECDRV_SA_A_SEQUENCE);
	sa->bytes = get_u64(attrs, IPSECDRV_SA_A_BYTES);
	sa->packets = get_u64(attrs, IPSECDRV_SA_A_PACKETS);
	sa->age_seconds = get_u32(attrs, IPSECDRV_SA_A_AGE_SECONDS);
	sa->idle_seconds = get_u32(attrs, IPSECDRV_SA_A_IDLE_SECONDS);
	sa->replay_drops = get_u64(attrs, IPSECDRV_SA_A_REPLAY_DROPS);
	sa->integrity_drops = get_u64(attrs, IPSECDRV_SA_A_INTEGRITY_DROPS);
	sa->under_way = get_u32(attrs, IPSECDRV_SA_A_UNDER_WAY);
}

int kernel_msg_get_sa(struct nlattr *nest, struct kernel_sa *ret_sa)
{
	struct nlattr *attrs[IPSECDRV_SA_A_MAX + 1];
	struct kernel_sa sa = { 0 };
	uint8_t family;

	if (nla_parse_nested(attrs, IPSECDRV_SA_A_MAX, nest, NULL))
		return -EBADMSG;
	family = get_u8(attrs, IPSECDRV_SA_A_FAMILY);
	if ((family != AF_INET && family != AF_INET6) ||
	    get_addr(attrs, IPSECDRV_SA_A_LOCAL_ADDRESS, family, &sa.local) ||
	    get_addr(attrs, IPSECDRV_SA_A_REMOTE_ADDRESS, family, &sa.remote))
		return -EBADMSG;
	get_sa_numbers(attrs, &sa);
	if (attrs[IPSECDRV_SA_A_SELECTOR]) {
		if (kernel_msg_get_selector(attrs[IPSECDRV_SA_A_SELECTOR], &sa.selector))
			return -EBADMSG;
		sa.has_selector = true;
	}
	if (attrs[IPSECDRV_SA_A_LIFETIME] &&
	    get_lifetime(attrs[IPSECDRV_SA_A_LIFETIME], &sa.lifetime))
		return -EBADMSG;
	*ret_sa = sa;
	return 0;
}

int kernel_msg_get_flow(struct nlattr *nest, struct kernel_flow *ret_flow)
{
	struct nlattr *attrs[IPSECDRV_FLOW_A_MAX + 1];
	struct kernel_flow flow = { 0 };
	uint8_t family;

	if (nla_parse_nested(attrs, IPSECDRV_FLOW_A_MAX, nest, NULL))
		return -EBADMSG;
	family = get_u8(attrs, IPSECDRV_FLOW_A_FAMILY);
	if ((family != AF_INET && family != AF_INET6) ||
	    get_addr(attrs, IPSECDRV_FLOW_A_SOURCE, family, &flow.source) ||
	    get_addr(attrs, IPSECDRV_FLOW_A_DESTINATION, family, &flow.destination))
		return -EBADMSG;
	flow.direction = get_u8(attrs, IPSECDRV_FLOW_A_DIRECTION);
	flow.protocol = get_u8(attrs, IPSECDRV_FLOW_A_PROTOCOL);
	flow.source_port = get_be16(attrs, IPSECDRV_FLOW_A_SOURCE_PORT);
	flow.destination_port = get_be16(attrs, IPSECDRV_FLOW_A_DESTINATION_PORT);
	*ret_flow = flow;
	return 0;
}

static int get_counters(struct nlattr *nest, struct kernel_statistics *statistics)
{
	struct nlattr *attrs[IPSECDRV_COUNTER_A_MAX + 1];
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, nest, left) {
		uint8_t reason;

		if (nla_type(attr) != IPSECDRV_STATISTICS_A_COUNTER)
			continue;
		if (nla_parse_nested(attrs, IPSECDRV_COUNTER_A_MAX, attr, NULL))
			return -EBADMSG;
		reason = get_u8(attrs, IPSECDRV_COUNTER_A_REASON);
		if (reason <= IPSECDRV_DROP_MAX)
			statistics->drops[reason] = get_u64(attrs, IPSECDRV_COUNTER_A_PACKETS);
	}
	return 0;
}

int kernel_msg_get_statistics(struct nlattr *nest, struct kernel_statistics *ret_statistics)
{
	struct nlattr *attrs[IPSECDRV_STATISTICS_A_MAX + 1];
	struct kernel_statistics s = { 0 };

	if (nla_parse_nested(attrs, IPSECDRV_STATISTICS_A_MAX, nest, NULL))
		return -EBADMSG;
	s.active_sas = get_u32(attrs, IPSECDRV_STATISTICS_A_ACTIVE_SAS);
	s.active_pairs = get_u32(attrs, IPSECDRV_STATISTICS_A_ACTIVE_PAIRS);
	s.larval_sas = get_u32(attrs, IPSECDRV_STATISTICS_A_LARVAL_SAS);
	s.key_additions = get_u64(attrs, IPSECDRV_STATISTICS_A_KEY_ADDITIONS);
	s.key_deletions = get_u64(attrs, IPSECDRV_STATISTICS_A_KEY_DELETIONS);
	s.rekeys = get_u64(attrs, IPSECDRV_STATISTICS_A_REKEYS);
	s.active_tunnels = get_u32(attrs, IPSECDRV_STATISTICS_A_ACTIVE_TUNNELS);
	s.confidential_bytes_out = get_u64(attrs, IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_OUT);
	s.confidential_bytes_in = get_u64(attrs, IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_IN);
	s.authenticated_bytes_out = get_u64(attrs, IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_OUT);
	s.authenticated_bytes_in = get_u64(attrs, IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_IN);
	s.transport_bytes_out = get_u64(attrs, IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_OUT);
	s.transport_bytes_in = get_u64(attrs, IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_IN);
	s.tunnel_bytes_out = get_u64(attrs, IPSECDRV_STATISTICS_A_TUNNEL_BYTES_OUT);
	s.tunnel_bytes_in = get_u64(attrs, IPSECDRV_STATISTICS_A_TUNNEL_BYTES_IN);
	s.acquires = get_u64(attrs, IPSECDRV_STATISTICS_A_ACQUIRES);
	s.acquire_failures = get_u64(attrs, IPSECDRV_STATISTICS_A_ACQUIRE_FAILURES);
	s.held_packets = get_u32(attrs, IPSECDRV_STATISTICS_A_HELD_PACKETS);
	s.held_bytes = get_u32(attrs, IPSECDRV_STATISTICS_A_HELD_BYTES);
	s.flow_hits = get_u64(attrs, IPSECDRV_STATISTICS_A_FLOW_HITS);
	s.flow_misses = get_u64(attrs, IPSECDRV_STATISTICS_A_FLOW_MISSES);
	s.events_lost = get_u64(attrs, IPSECDRV_STATISTICS_A_EVENTS_LOST);
	if (get_counters(nest, &s))
		return -EBADMSG;
	*ret_statistics = s;
	return 0;
}

/* --- diagnostics -------------------------------------------------------------------------- */

static void get_shown(struct nlattr *attr, struct kernel_drop *drop)
{
	if (!attr)
		return;
	drop->shown_len = (size_t)nla_len(attr);
	if (drop->shown_len > sizeof(drop->shown))
		drop->shown_len = sizeof(drop->shown);
	memcpy(drop->shown, nla_data(attr), drop->shown_len);
}

int kernel_msg_get_drop(struct nlattr *nest, struct kernel_drop *ret_drop)
{
	struct nlattr *attrs[IPSECDRV_DROP_A_MAX + 1];
	struct kernel_drop drop = { 0 };

	if (nla_parse_nested(attrs, IPSECDRV_DROP_A_MAX, nest, NULL))
		return -EBADMSG;
	drop.time = get_u64(attrs, IPSECDRV_DROP_A_TIME);
	drop.direction = get_u8(attrs, IPSECDRV_DROP_A_DIRECTION);
	drop.reason = get_u8(attrs, IPSECDRV_DROP_A_REASON);
	drop.spi = get_be32(attrs, IPSECDRV_DROP_A_SPI);
	drop.filter_id = get_u32(attrs, IPSECDRV_DROP_A_FILTER_ID);
	drop.length = get_u32(attrs, IPSECDRV_DROP_A_LENGTH);
	drop.left_out = get_u64(attrs, IPSECDRV_DROP_A_LEFT_OUT);
	drop.has_flow = attrs[IPSECDRV_DROP_A_FLOW];
	if (drop.has_flow && kernel_msg_get_flow(attrs[IPSECDRV_DROP_A_FLOW], &drop.flow))
		return -EBADMSG;
	kernel_msg_get_interface(attrs[IPSECDRV_DROP_A_INTERFACE_NAME], drop.interface);
	get_shown(attrs[IPSECDRV_DROP_A_PACKET], &drop);
	*ret_drop = drop;
	return 0;
}

int kernel_msg_get_drop_count(struct nlattr *nest, struct kernel_drop_count *ret_count)
{
	struct nlattr *attrs[IPSECDRV_COUNTER_A_MAX + 1];
	struct kernel_drop_count count = { 0 };
	struct nlattr *peer;

	if (nla_parse_nested(attrs, IPSECDRV_COUNTER_A_MAX, nest, NULL))
		return -EBADMSG;
	count.reason = get_u8(attrs, IPSECDRV_COUNTER_A_REASON);
	count.packets = get_u64(attrs, IPSECDRV_COUNTER_A_PACKETS);
	peer = attrs[IPSECDRV_COUNTER_A_PEER];
	if (peer && ip_addr_from_bytes(nla_data(peer), (size_t)nla_len(peer), &count.peer))
		return -EBADMSG;
	*ret_count = count;
	return 0;
}
