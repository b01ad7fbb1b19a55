// SPDX-License-Identifier: MIT
#include "cred/guard.h"

#include <errno.h>

#include "base/parse.h"

/* Of RFC 6890 and its IANA registries: what is not "globally reachable". */
static const struct {
	const char *prefix;
	uint8_t len;
} special[] = {
	{ "0.0.0.0", 8 }, { "10.0.0.0", 8 }, { "100.64.0.0", 10 }, { "127.0.0.0", 8 },
	{ "169.254.0.0", 16 }, { "172.16.0.0", 12 }, { "192.0.0.0", 24 }, { "192.0.2.0", 24 },
	{ "192.168.0.0", 16 }, { "198.18.0.0", 15 }, { "198.51.100.0", 24 }, { "203.0.113.0", 24 },
	{ "224.0.0.0", 3 },
	{ "::", 127 }, { "100::", 64 }, { "2001:db8::", 32 }, { "fc00::", 7 }, { "fe80::", 10 },
	{ "fec0::", 10 }, { "ff00::", 8 },
};

/* IPv4 in IPv6: mapped, translated (RFC 6052), 6to4. */
static const struct {
	const char *prefix;
	uint8_t len;
	uint8_t at;
} embedding[] = {
	{ "::ffff:0:0", 96, 12 }, { "64:ff9b::", 96, 12 }, { "2002::", 16, 2 },
};

static bool is_in(const struct ip_addr *addr, const char *prefix, uint8_t len)
{
	struct ip_addr parsed;

	return ip_addr_parse(prefix, &parsed) == 0 && ip_addr_is_in_prefix(addr, &parsed, len);
}

static struct ip_addr innermost(const struct ip_addr *addr)
{
	struct ip_addr inner = *addr;

	for (size_t i = 0; i < sizeof(embedding) / sizeof(embedding[0]); i++)
		if (is_in(addr, embedding[i].prefix, embedding[i].len))
			(void)ip_addr_from_bytes(addr->bytes + embedding[i].at, 4, &inner);
	return inner;
}

int guard_allow(struct guard *guard, const char *prefix)
{
	struct ip_addr addr;
	uint8_t len;

	if (guard->n_allowed == GUARD_PREFIXES_MAX)
		return -ENOBUFS;
	if (parse_prefix(prefix, &addr, &len) < 0)
		return -EINVAL;
	guard->allowed[guard->n_allowed].addr = addr;
	guard->allowed[guard->n_allowed++].len = len;
	return 0;
}

bool guard_permits(const struct guard *guard, const struct ip_addr *addr)
{
	struct ip_addr inner = innermost(addr);

	if (!ip_addr_len(&inner))
		return false;
	for (size_t i = 0; i < guard->n_allowed; i++)
		if (ip_addr_is_in_prefix(&inner, &guard->allowed[i].addr, guard->allowed[i].len))
			return true;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (is_in(&inner, special[i].prefix, special[i].len))
			return false;
	return true;
}
