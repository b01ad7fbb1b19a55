// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

/* which addresses are ours is the test's to say */
#define ipd_flow_is_me	exempt_test_is_me

#include "../exempt.c"

#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define NO	IPD_EXEMPT_NO
#define YES	IPD_EXEMPT_YES
#define HOST	IPD_EXEMPT_HOST
#define LINK	IPD_EXEMPT_LINK

static bool mine;

bool exempt_test_is_me(struct net *net, u8 family, const union nf_inet_addr *addr)
{
	return mine;
}

static struct ipd_flow flow_of(u8 family, u8 direction, u8 protocol, u16 local, u16 remote,
			       u8 flags)
{
	struct ipd_flow flow = {
		.family = family,
		.direction = direction,
		.protocol = protocol,
		.local_port = htons(local),
		.remote_port = htons(remote),
		.flags = flags,
	};

	return flow;
}

static const struct {
	const char *what;
	u8 family, direction, protocol;
	u16 local, remote;
	u8 flags;
	enum ipd_exempt level[4];
} rows[] = {
	{ "IKE out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 500, 500, 0, { HOST, HOST, HOST, HOST } },
	{ "IKE in", NFPROTO_IPV6, IN, IPPROTO_UDP, 500, 500, 0, { HOST, HOST, HOST, HOST } },
	{ "IKE through a NAT", NFPROTO_IPV4, IN, IPPROTO_UDP, 4500, 61000, 0,
	  { HOST, HOST, HOST, HOST } },
	{ "IKE of somebody else", NFPROTO_IPV4, IN, IPPROTO_UDP, 9, 500, 0, { NO, NO, NO, NO } },
	{ "port 500 of TCP", NFPROTO_IPV4, OUT, IPPROTO_TCP, 500, 500, 0, { NO, NO, NO, NO } },
	{ "Kerberos out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 1025, 88, 0, { HOST, NO, HOST, NO } },
	{ "Kerberos over TCP", NFPROTO_IPV4, IN, IPPROTO_TCP, 1025, 88, 0,
	  { HOST, NO, HOST, NO } },
	{ "Kerberos of this host", NFPROTO_IPV4, IN, IPPROTO_UDP, 88, 1025, 0,
	  { HOST, NO, HOST, NO } },
	{ "RSVP", NFPROTO_IPV4, OUT, IPPROTO_RSVP, 0, 0, 0, { HOST, NO, HOST, NO } },
	{ "multicast", NFPROTO_IPV4, OUT, IPPROTO_UDP, 1025, 9, IPD_FLOW_MULTICAST,
	  { YES, YES, NO, NO } },
	{ "a piece of a multicast", NFPROTO_IPV4, IN, IPPROTO_UDP, 0, 0,
	  IPD_FLOW_MULTICAST | IPD_FLOW_NO_PORTS, { YES, YES, NO, NO } },
	{ "a piece of a datagram", NFPROTO_IPV4, IN, IPPROTO_UDP, 0, 0, IPD_FLOW_NO_PORTS,
	  { NO, NO, NO, NO } },
	{ "neighbour solicitation", NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 135, 0, 0,
	  { LINK, LINK, LINK, LINK } },
	{ "neighbour advertisement", NFPROTO_IPV6, IN, IPPROTO_ICMPV6, 0, 136, 0,
	  { LINK, LINK, LINK, LINK } },
	{ "MLD version 2", NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 143, 0, IPD_FLOW_MULTICAST,
	  { LINK, LINK, LINK, LINK } },
	{ "MLD version 1", NFPROTO_IPV6, IN, IPPROTO_ICMPV6, 0, 130, IPD_FLOW_MULTICAST,
	  { LINK, LINK, LINK, LINK } },
	{ "ping", NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 128, 0, 0, { NO, NO, NO, NO } },
	{ "before the first", NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 129, 0, 0, { NO, NO, NO, NO } },
	{ "after the last", NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 138, 0, 0, { NO, NO, NO, NO } },
	{ "ICMPv6 in IPv4", NFPROTO_IPV4, OUT, IPPROTO_ICMPV6, 135, 0, 0, { NO, NO, NO, NO } },
	{ "telnet", NFPROTO_IPV4, OUT, IPPROTO_TCP, 1025, 23, 0, { NO, NO, NO, NO } },
};

static void table_test(struct kunit *test)
{
	struct ipd_flow flow;
	u8 level;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		flow = flow_of(rows[i].family, rows[i].direction, rows[i].protocol, rows[i].local,
			       rows[i].remote, rows[i].flags);
		for (level = 0; level <= IPD_EXEMPT_LEVEL_MAX; level++)
			KUNIT_EXPECT_EQ_MSG(test, ipd_exempt_find(&flow, level),
					    rows[i].level[level], "%s at level %u", rows[i].what,
					    level);
		KUNIT_EXPECT_EQ(test, ipd_exempt_find(&flow, IPD_EXEMPT_LEVEL_MAX + 1), NO);
	}
}

static void ends_test(struct kunit *test)
{
	struct ipd_flow ike_in = flow_of(NFPROTO_IPV4, IN, IPPROTO_UDP, 500, 500, 0);
	struct ipd_flow ike_out = flow_of(NFPROTO_IPV4, OUT, IPPROTO_UDP, 500, 500, 0);
	struct ipd_flow ike_through = flow_of(NFPROTO_IPV4, OUT, IPPROTO_UDP, 500, 500,
					      IPD_FLOW_FORWARDED);
	struct ipd_flow nd_through = flow_of(NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 135, 0,
					     IPD_FLOW_FORWARDED);
	struct ipd_flow nd_in = flow_of(NFPROTO_IPV6, IN, IPPROTO_ICMPV6, 0, 135, 0);

	mine = true;
	KUNIT_EXPECT_TRUE(test, ipd_exempt_is(&init_net, &ike_in, 3));
	KUNIT_EXPECT_TRUE(test, ipd_exempt_is(&init_net, &ike_out, 3));
	KUNIT_EXPECT_FALSE(test, ipd_exempt_is(&init_net, &ike_through, 3));
	mine = false;
	KUNIT_EXPECT_FALSE(test, ipd_exempt_is(&init_net, &ike_in, 3));
	KUNIT_EXPECT_TRUE(test, ipd_exempt_is(&init_net, &ike_out, 3));
	KUNIT_EXPECT_TRUE(test, ipd_exempt_is(&init_net, &nd_in, 3));
	KUNIT_EXPECT_FALSE(test, ipd_exempt_is(&init_net, &nd_through, 3));
}

static struct kunit_case exempt_cases[] = {
	{ .name = "D22 D23 D24 D25 D26 D27 D28 the table of levels", .run_case = table_test },
	{ .name = "D26 D29 only what starts or ends here", .run_case = ends_test },
	{ }
};

static struct kunit_suite exempt_suite = {
	.name = "exempt",
	.test_cases = exempt_cases,
};

kunit_test_suite(exempt_suite);
