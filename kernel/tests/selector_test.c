// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/inet.h>

#include "../selector.c"

static union nf_inet_addr address(const char *text)
{
	union nf_inet_addr addr = {};

	if (strchr(text, ':'))
		in6_pton(text, -1, (u8 *)&addr, -1, NULL);
	else
		in4_pton(text, -1, (u8 *)&addr, -1, NULL);
	return addr;
}

static struct ipd_flow flow_of(const char *local, const char *remote, u8 protocol, u16 local_port,
			       u16 remote_port)
{
	struct ipd_flow flow = {
		.local = address(local),
		.remote = address(remote),
		.family = strchr(local, ':') ? NFPROTO_IPV6 : NFPROTO_IPV4,
		.protocol = protocol,
		.local_port = htons(local_port),
		.remote_port = htons(remote_port),
	};

	return flow;
}

static struct ipd_filter_spec spec_of(u8 class, const char *local, const char *local_mask,
				      const char *remote, const char *remote_mask)
{
	struct ipd_filter_spec spec = {
		.class = class,
		.family = strchr(remote, ':') ? NFPROTO_IPV6 : NFPROTO_IPV4,
		.local = { .addr = address(local), .mask = address(local_mask) },
		.remote = { .addr = address(remote), .mask = address(remote_mask) },
	};

	return spec;
}

static void select(struct kunit *test, const struct ipd_filter_spec *spec,
		   const struct ipd_flow *flow, struct ipd_selector *selector)
{
	struct ipd_filter *filter = ipd_filter_new(spec, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, filter);
	memset(selector, 0x5a, sizeof(*selector));
	ipd_selector_of(filter, flow, selector);
	ipd_filter_put(filter);
}

/* the example in the head of selector.c */
static void host_pair_test(struct kunit *test)
{
	struct ipd_filter_spec spec = spec_of(IPSECDRV_FILTER_CLASS_TRANSPORT, "0.0.0.0", "0.0.0.0",
					     "10.0.0.0", "255.0.0.0");
	struct ipd_flow flow = flow_of("192.0.2.1", "10.1.2.3", IPPROTO_TCP, 40000, 23);
	struct ipd_flow other;
	struct ipd_selector selector;

	spec.local.class = IPSECDRV_ADDRESS_CLASS_ME;
	spec.protocol = IPPROTO_TCP;
	spec.remote.port = htons(23);
	select(test, &spec, &flow, &selector);
	KUNIT_EXPECT_EQ(test, selector.local.ip, flow.local.ip);
	KUNIT_EXPECT_EQ(test, selector.remote.ip, flow.remote.ip);
	KUNIT_EXPECT_EQ(test, selector.local_prefix, 32);
	KUNIT_EXPECT_EQ(test, selector.remote_prefix, 32);
	KUNIT_EXPECT_EQ(test, selector.protocol, IPPROTO_TCP);
	KUNIT_EXPECT_EQ(test, selector.local_port, htons(0));
	KUNIT_EXPECT_EQ(test, selector.remote_port, htons(23));
	KUNIT_EXPECT_EQ(test, selector.remote.all[3], 0);	/* compared as memory */

	KUNIT_EXPECT_TRUE(test, ipd_selector_matches(&selector, &flow));
	other = flow_of("192.0.2.1", "10.1.2.3", IPPROTO_TCP, 40001, 23);
	KUNIT_EXPECT_TRUE(test, ipd_selector_matches(&selector, &other));
	other = flow_of("192.0.2.1", "10.1.2.3", IPPROTO_TCP, 40000, 22);
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &other));
	other = flow_of("192.0.2.1", "10.1.2.3", IPPROTO_UDP, 40000, 23);
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &other));
	other = flow_of("192.0.2.1", "10.1.2.4", IPPROTO_TCP, 40000, 23);
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &other));
	other = flow_of("192.0.2.2", "10.1.2.3", IPPROTO_TCP, 40000, 23);
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &other));
	other = flow_of("2001:db8::1", "2001:db8::2", IPPROTO_TCP, 40000, 23);
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &other));
	other = flow;
	other.flags = IPD_FLOW_NO_PORTS;
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &other));
}

/* a selector without ports covers ICMP; one with ports never does, whatever the type */
static void icmp_test(struct kunit *test)
{
	struct ipd_selector selector = {
		.family = NFPROTO_IPV4,
		.local = address("192.0.2.1"),
		.remote = address("192.0.2.2"),
		.local_prefix = 32,
		.remote_prefix = 32,
	};
	struct ipd_flow flow = flow_of("192.0.2.1", "192.0.2.2", IPPROTO_ICMP, 8, 0);

	KUNIT_EXPECT_TRUE(test, ipd_selector_matches(&selector, &flow));
	selector.local_port = htons(8);
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &flow));
}

static void tunnel_test(struct kunit *test)
{
	struct ipd_filter_spec spec = spec_of(IPSECDRV_FILTER_CLASS_TUNNEL, "10.1.0.0",
					     "255.255.0.0", "0.0.0.0", "0.0.0.0");
	struct ipd_flow flow = flow_of("10.1.2.3", "198.51.100.7", IPPROTO_ICMP, 8, 0);
	struct ipd_selector selector;

	select(test, &spec, &flow, &selector);
	KUNIT_EXPECT_EQ(test, selector.local.ip, spec.local.addr.ip);
	KUNIT_EXPECT_EQ(test, selector.local_prefix, 16);
	KUNIT_EXPECT_EQ(test, selector.remote.ip, htonl(0));
	KUNIT_EXPECT_EQ(test, selector.remote_prefix, 0);
	KUNIT_EXPECT_TRUE(test, ipd_selector_matches(&selector, &flow));
	flow.local = address("10.2.0.1");
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &flow));
}

static void hole_test(struct kunit *test)
{
	struct ipd_filter_spec spec = spec_of(IPSECDRV_FILTER_CLASS_TUNNEL, "10.0.0.1",
					     "255.0.0.255", "10.9.0.0", "255.255.0.0");
	struct ipd_flow flow = flow_of("10.5.5.1", "10.9.1.1", IPPROTO_TCP, 1, 2);
	struct ipd_selector selector;

	select(test, &spec, &flow, &selector);
	KUNIT_EXPECT_EQ(test, selector.local.ip, flow.local.ip);
	KUNIT_EXPECT_EQ(test, selector.local_prefix, 32);
	KUNIT_EXPECT_EQ(test, selector.remote_prefix, 16);
}

static void ipv6_test(struct kunit *test)
{
	struct ipd_filter_spec spec = spec_of(IPSECDRV_FILTER_CLASS_TUNNEL, "2001:db8:1::",
					     "ffff:ffff:ffff::", "::", "::");
	struct ipd_flow flow = flow_of("2001:db8:1::5", "2001:db8:2::5", IPPROTO_TCP, 1, 2);
	struct ipd_selector selector;

	select(test, &spec, &flow, &selector);
	KUNIT_EXPECT_EQ(test, selector.local_prefix, 48);
	KUNIT_EXPECT_EQ(test, selector.remote_prefix, 0);
	KUNIT_EXPECT_TRUE(test, ipd_selector_matches(&selector, &flow));
	flow.local = address("2001:db8:3::5");
	KUNIT_EXPECT_FALSE(test, ipd_selector_matches(&selector, &flow));
	spec.class = IPSECDRV_FILTER_CLASS_TRANSPORT;
	select(test, &spec, &flow, &selector);
	KUNIT_EXPECT_EQ(test, selector.local_prefix, 128);
	KUNIT_EXPECT_EQ(test, selector.remote_prefix, 128);
	KUNIT_EXPECT_TRUE(test, ipd_selector_matches(&selector, &flow));
}

static struct kunit_case selector_cases[] = {
	{ .name = "F24 a subnet filter is narrowed to two hosts", .run_case = host_pair_test },
	{ .name = "F24 F36 ICMP has no ports to match", .run_case = icmp_test },
	{ .name = "F08 a tunnel is for all that its filter covers", .run_case = tunnel_test },
	{ .name = "F08 a mask with a hole is for two hosts", .run_case = hole_test },
	{ .name = "F24 IPv6", .run_case = ipv6_test },
	{ }
};

static int selector_suite_init(struct kunit_suite *suite)
{
	return ipd_filter_init();
}

static void selector_suite_exit(struct kunit_suite *suite)
{
	ipd_filter_exit();
}

static struct kunit_suite selector_suite = {
	.name = "selector",
	.suite_init = selector_suite_init,
	.suite_exit = selector_suite_exit,
	.test_cases = selector_cases,
};

kunit_test_suite(selector_suite);
