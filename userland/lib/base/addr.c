// SPDX-License-Identifier: MIT
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct ip_addr) == 17, "compared and hashed as bytes, so no padding");

size_t ip_addr_len(const struct ip_addr *addr)
{
	if (addr->family == AF_INET)
		return 4;
	if (addr->family == AF_INET6)
		return 16;
	return 0;
}

int ip_addr_from_bytes(const void *bytes, size_t len, struct ip_addr *ret_addr)
{
	struct ip_addr addr = { 0 };

	if (len == 4)
		addr.family = AF_INET;
	else if (len == 16)
		addr.family = AF_INET6;
	else
		return -EINVAL;
	memcpy(addr.bytes, bytes, len);
	*ret_addr = addr;
	return 0;
}

struct ip_addr ip_addr_v4(uint32_t host_order)
{
	struct ip_addr addr = { .family = AF_INET };
	uint32_t net = htonl(host_order);

	memcpy(addr.bytes, &net, sizeof(net));
	return addr;
}

int ip_addr_parse(const char *text, struct ip_addr *ret_addr)
{
	struct ip_addr addr = { 0 };

	addr.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(addr.family, text, addr.bytes) != 1)
		return -EINVAL;
	*ret_addr = addr;
	return 0;
}

const char *ip_addr_format(const struct ip_addr *addr, char buf[static IP_ADDR_STRLEN])
{
	if (!ip_addr_len(addr) || !inet_ntop(addr->family, addr->bytes, buf, IP_ADDR_STRLEN))
		memcpy(buf, "none", sizeof("none"));
	return buf;
}

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a, b, sizeof(*a));
}

bool ip_addr_is_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return !ip_addr_compare(a, b);
}

bool ip_addr_is_unspecified(const struct ip_addr *addr)
{
	static const uint8_t zero[16];

	return ip_addr_len(addr) && !memcmp(addr->bytes, zero, sizeof(zero));
}

bool ip_addr_is_loopback(const struct ip_addr *addr)
{
	static const struct ip_addr loopback6 = { .family = AF_INET6, .bytes = { [15] = 1 } };

	if (addr->family == AF_INET)
		return addr->bytes[0] == 127;
	return ip_addr_is_equal(addr, &loopback6);
}

bool ip_addr_is_multicast(const struct ip_addr *addr)
{
	if (addr->family == AF_INET)
		return (addr->bytes[0] & 0xf0) == 0xe0;
	return addr->family == AF_INET6 && addr->bytes[0] == 0xff;
}

bool ip_addr_is_broadcast(const struct ip_addr *addr)
{
	struct ip_addr all_ones = ip_addr_v4(0xffffffff);

	return ip_addr_is_equal(addr, &all_ones);
}

bool ip_addr_is_link_local(const struct ip_addr *addr)
{
	if (addr->family == AF_INET)
		return addr->bytes[0] == 169 && addr->bytes[1] == 254;
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe &&
	       (addr->bytes[1] & 0xc0) == 0x80;
}

/* The bits of byte @index that a prefix of @prefix_len bits covers. */
static uint8_t prefix_mask(unsigned int prefix_len, size_t index)
{
	if (prefix_len >= 8 * (index + 1))
		return 0xff;
	if (prefix_len <= 8 * index)
		return 0;
	return (uint8_t)(0xff00 >> (prefix_len - 8 * index));
}

bool ip_addr_is_in_prefix(const struct ip_addr *addr, const struct ip_addr *prefix,
			  unsigned int prefix_len)
{
	size_t len = ip_addr_len(addr);

	if (!len || addr->family != prefix->family || prefix_len > 8 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((addr->bytes[i] ^ prefix->bytes[i]) & prefix_mask(prefix_len, i))
			return false;
	}
	return true;
}

int ip_addr_prefix_range(const struct ip_addr *addr, unsigned int prefix_len,
			 struct ip_addr *ret_first, struct ip_addr *ret_last)
{
	struct ip_addr first = *addr, last = *addr;
	size_t len = ip_addr_len(addr);

	if (!len || prefix_len > 8 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		first.bytes[i] &= prefix_mask(prefix_len, i);
		last.bytes[i] |= (uint8_t)~prefix_mask(prefix_len, i);
	}
	*ret_first = first;
	*ret_last = last;
	return 0;
}

int ip_addr_from_sockaddr(const struct sockaddr *sa, struct ip_addr *ret_addr, uint16_t *ret_port,
			  uint32_t *ret_scope)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	uint32_t scope = 0;
	uint16_t port;

	/* Copied, not cast: the caller's buffer need not be aligned for the larger types. */
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		(void)ip_addr_from_bytes(&in.sin_addr, 4, ret_addr);
		port = ntohs(in.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		(void)ip_addr_from_bytes(&in6.sin6_addr, 16, ret_addr);
		port = ntohs(in6.sin6_port);
		scope = in6.sin6_scope_id;
	} else {
		return -EAFNOSUPPORT;
	}
	if (ret_port)
		*ret_port = port;
	if (ret_scope)
		*ret_scope = scope;
	return 0;
}

size_t ip_addr_to_sockaddr(const struct ip_addr *addr, uint16_t port, uint32_t scope,
			   struct sockaddr_storage *ret_sa)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port),
				    .sin6_scope_id = scope };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	memset(ret_sa, 0, sizeof(*ret_sa));
	if (addr->family == AF_INET) {
		memcpy(&in.sin_addr, addr->bytes, 4);
		memcpy(ret_sa, &in, sizeof(in));
		return sizeof(in);
	}
	if (addr->family == AF_INET6) {
		memcpy(&in6.sin6_addr, addr->bytes, 16);
		memcpy(ret_sa, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}
