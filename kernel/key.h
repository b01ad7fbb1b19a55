/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows and filters as a few 64-bit words, so that masking, hashing and comparing are plain
 * arithmetic.
 *
 *   IPv4:  [0] local and remote address           [1] ports, protocol, "me" bits, scope
 *   IPv6:  [0..1] local  [2..3] remote address    [4] ports, protocol, "me" bits, scope
 *
 * The numbers of packets are taken over as they lie in memory; only equality matters.
 */
#ifndef IPD_KEY_H
#define IPD_KEY_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/netfilter.h>
#include <linux/string.h>
#include <linux/types.h>

#include "flow.h"

#define IPD_KEY_WORDS4		2
#define IPD_KEY_WORDS6		5
#define IPD_KEY_WORDS_MAX	IPD_KEY_WORDS6

/* the last word */
#define IPD_KEY_LOCAL_PORT	GENMASK_ULL(15, 0)
#define IPD_KEY_REMOTE_PORT	GENMASK_ULL(31, 16)
#define IPD_KEY_PORTS		GENMASK_ULL(31, 0)
#define IPD_KEY_PROTOCOL	GENMASK_ULL(39, 32)
/* In a mask: this side must be an address of this host. In a key: it is one. */
#define IPD_KEY_LOCAL_ME	BIT_ULL(40)
#define IPD_KEY_REMOTE_ME	BIT_ULL(41)
#define IPD_KEY_ME		(IPD_KEY_LOCAL_ME | IPD_KEY_REMOTE_ME)
/* of the interface: scope.h */
#define IPD_KEY_SCOPE_SHIFT	42
#define IPD_KEY_SCOPE		GENMASK_ULL(53, 42)
/* bits that the flow cache adds; never in a filter's key */
#define IPD_KEY_DIRECTION_SHIFT	54
#define IPD_KEY_FLAGS_SHIFT	55
#define IPD_KEY_USED		BIT_ULL(63)

static __always_inline unsigned int ipd_key_words(u8 family)
{
	return family == NFPROTO_IPV6 ? IPD_KEY_WORDS6 : IPD_KEY_WORDS4;
}

static __always_inline void ipd_key_addresses(const union nf_inet_addr *local,
					      const union nf_inet_addr *remote, u64 *key,
					      const unsigned int words)
{
	if (words == IPD_KEY_WORDS4) {
		key[0] = (u64)(__force u32)remote->ip << 32 | (__force u32)local->ip;
	} else {
		memcpy(&key[0], local, 16);
		memcpy(&key[2], remote, 16);
	}
}

/* the addresses of a key */
static inline void ipd_key_get_addresses(const u64 *key, union nf_inet_addr *local,
					 union nf_inet_addr *remote, const unsigned int words)
{
	if (words == IPD_KEY_WORDS4) {
		local->ip = (__force __be32)lower_32_bits(key[0]);
		remote->ip = (__force __be32)upper_32_bits(key[0]);
	} else {
		memcpy(local, &key[0], 16);
		memcpy(remote, &key[2], 16);
	}
}

static __always_inline u64 ipd_key_ports(__be16 local, __be16 remote, u8 protocol)
{
	return (u64)protocol << 32 | (u32)(__force u16)remote << 16 | (__force u16)local;
}

/* the ports of a key, by its last word */
static __always_inline __be16 ipd_key_local_port(u64 last)
{
	return (__force __be16)(u16)last;
}

static __always_inline __be16 ipd_key_remote_port(u64 last)
{
	return (__force __be16)(u16)(last >> 16);
}

/* the key of a flow, without the "me" bits */
static __always_inline void ipd_key_flow(const struct ipd_flow *flow, u64 *key,
					 const unsigned int words)
{
	ipd_key_addresses(&flow->local, &flow->remote, key, words);
	key[words - 1] = ipd_key_ports(flow->local_port, flow->remote_port, flow->protocol) |
			 (u64)flow->scope << IPD_KEY_SCOPE_SHIFT;
}

/*
 * Multilinear hash with random odd multipliers; the high bits are the good ones. Who does not
 * know the multipliers finds colliding keys only by chance, and a table that has bad luck
 * takes other multipliers.
 */
static __always_inline u64 ipd_key_hash(const u64 *key, const u64 *mult, const unsigned int words)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < words; i++)
		sum += key[i] * mult[i];
	return sum;
}

/*
 * The sum's low bits know little of the key's high bits. After this the bits in the middle are good,
 * too, and are something else than the highest are.
 */
static __always_inline u64 ipd_key_mix(u64 sum)
{
	return (sum ^ sum >> 32) * 0x9E3779B97F4A7C15ULL;
}

#endif /* IPD_KEY_H */
