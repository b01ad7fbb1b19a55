// SPDX-License-Identifier: GPL-2.0-only
/*
 * What passes in the protecting startup modes, with the real table and the real list.
 */
#include <kunit/test.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>

/* which addresses are ours is the test's to say */
#define ipd_flow_is_me	startup_test_is_me

#include "../startup.c"

#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define OPEN	IPD_MODE_RULE_OPEN
#define ANSWER	IPD_MODE_RULE_ANSWER
#define BOOT	IPD_MODE_RULE_BOOT
#define DROP	IPSECDRV_PASS_REASON_NONE
#define EXEMPT	IPSECDRV_PASS_REASON_BOOT_EXEMPT
#define STATEFUL IPSECDRV_PASS_REASON_STATEFUL

#define ME	0xc0000201	/* 192.0.2.1 */
#define PEER	0xc0000202

static struct ipd_net net;

bool startup_test_is_me(struct net *ns, u8 family, const union nf_inet_addr *addr)
{
	return family == NFPROTO_IPV4 ? addr->ip == htonl(ME) : addr->ip6[3] == htonl(ME);
}

static void begin(struct kunit *test, const char *exempts)
{
	struct ipd_boot_exempts *list = NULL;
	const char *why, *at;

	memset(&net, 0, sizeof(net));
	net.net = &init_net;
	KUNIT_ASSERT_EQ(test, ipd_boot_exempts_parse(exempts, &list, &why, &at), 0);
	net.boot_exempts = list;
	KUNIT_ASSERT_EQ(test, ipd_startup_begin(&net), 0);
}

static void end(void)
{
	ipd_startup_end(&net);
	ipd_boot_exempts_free((struct ipd_boot_exempts *)net.boot_exempts);
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

	flow.local.ip6[family == NFPROTO_IPV6 ? 3 : 0] = htonl(ME);
	flow.remote.ip6[family == NFPROTO_IPV6 ? 3 : 0] = htonl(PEER);
	return flow;
}

/* --- packets ---------------------------------------------------------------------- */

struct packet {
	union {
		struct iphdr ipv4;
		struct ipv6hdr ipv6;
	};
	u8 payload[128];
};

static void header(void *at, u8 family, u8 protocol, u32 source, u32 destination)
{
	struct iphdr *ipv4 = at;
	struct ipv6hdr *ipv6 = at;

	if (family == NFPROTO_IPV4) {
		*ipv4 = (struct iphdr){ .version = 4, .ihl = 5, .protocol = protocol,
					.saddr = htonl(source), .daddr = htonl(destination) };
	} else {
		*ipv6 = (struct ipv6hdr){ .version = 6, .nexthdr = protocol };
		ipv6->saddr.s6_addr32[3] = htonl(source);
		ipv6->daddr.s6_addr32[3] = htonl(destination);
	}
}

static size_t header_size(u8 family)
{
	return family == NFPROTO_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* @bytes behind a network header */
static struct sk_buff *packet(struct kunit *test, u8 family, u8 direction, u8 protocol,
			      const void *bytes, size_t size)
{
	u32 from = direction == OUT ? ME : PEER, to = direction == OUT ? PEER : ME;
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reset_network_header(skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	header(skb_put(skb, header_size(family)), family, protocol, from, to);
	skb_put_data(skb, bytes, size);
	return skb;
}

/* consumes the packet */
static u8 judge_packet(struct kunit *test, struct sk_buff *skb, u8 family, u8 direction,
		       enum ipd_mode_rule rule)
{
	struct ipd_flow flow;
	u8 reason;

	KUNIT_ASSERT_EQ(test, ipd_flow_parse(skb, family, direction, &flow), 0);
	rcu_read_lock();
	reason = ipd_startup_judge(&net, rule, skb, &flow);
	rcu_read_unlock();
	kfree_skb(skb);
	return reason;
}

/* TCP or UDP, as far as the driver looks */
static u8 ports(struct kunit *test, u8 direction, u8 protocol, u16 source, u16 destination,
		enum ipd_mode_rule rule)
{
	__be16 bytes[4] = { htons(source), htons(destination) };

	return judge_packet(test, packet(test, NFPROTO_IPV4, direction, protocol, bytes,
					 sizeof(bytes)), NFPROTO_IPV4, direction, rule);
}

static u8 echo(struct kunit *test, u8 family, u8 direction, u8 type, u16 id,
	       enum ipd_mode_rule rule)
{
	u8 bytes[8] = { type, 0, 0, 0, id >> 8, id };
	u8 protocol = family == NFPROTO_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	return judge_packet(test, packet(test, family, direction, protocol, bytes, sizeof(bytes)),
			    family, direction, rule);
}

struct quoted {
	u8 protocol;
	u8 bytes[8];
	u32 from, to;
	size_t size;		/* of what is quoted; 0 is all of it */
};

/* an error about a packet of this host */
static u8 error(struct kunit *test, u8 family, u8 type, const struct quoted *quoted)
{
	u8 protocol = family == NFPROTO_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	u8 bytes[8 + sizeof(struct ipv6hdr) + 8] = { type };
	size_t size = 8 + header_size(family) + sizeof(quoted->bytes);

	header(bytes + 8, family, quoted->protocol, quoted->from, quoted->to);
	memcpy(bytes + 8 + header_size(family), quoted->bytes, sizeof(quoted->bytes));
	if (quoted->size)
		size = 8 + quoted->size;
	return judge_packet(test, packet(test, family, IN, protocol, bytes, size), family, IN,
			    ANSWER);
}

/* --- tests ------------------------------------------------------------------------ */

static const struct {
	const char *what;
	u8 family, direction, protocol;
	u16 local, remote;
	u8 flags;
	u8 stateful, block;
} rows[] = {
	{ "DHCP out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 68, 67, 0, EXEMPT, EXEMPT },
	{ "DHCP out, to all", NFPROTO_IPV4, OUT, IPPROTO_UDP, 68, 67, IPD_FLOW_MULTICAST,
	  EXEMPT, EXEMPT },
	{ "DHCP in", NFPROTO_IPV4, IN, IPPROTO_UDP, 68, 67, 0, EXEMPT, EXEMPT },
	{ "DHCP in, to all", NFPROTO_IPV4, IN, IPPROTO_UDP, 68, 67, IPD_FLOW_MULTICAST,
	  EXEMPT, EXEMPT },
	{ "DHCP to a server here", NFPROTO_IPV4, IN, IPPROTO_UDP, 67, 68, 0, DROP, DROP },
	{ "DHCP from another port", NFPROTO_IPV4, IN, IPPROTO_UDP, 68, 69, 0, DROP, DROP },
	{ "DHCP ports of TCP", NFPROTO_IPV4, IN, IPPROTO_TCP, 68, 67, 0, DROP, DROP },
	{ "DHCPv6 out", NFPROTO_IPV6, OUT, IPPROTO_UDP, 546, 547, IPD_FLOW_MULTICAST, EXEMPT,
	  EXEMPT },
	{ "DHCPv6 in", NFPROTO_IPV6, IN, IPPROTO_UDP, 546, 547, 0, EXEMPT, EXEMPT },
	{ "DHCPv6 ports over IPv4", NFPROTO_IPV4, IN, IPPROTO_UDP, 546, 547, 0, DROP, DROP },
	{ "DHCP ports over IPv6", NFPROTO_IPV6, IN, IPPROTO_UDP, 68, 67, 0, DROP, DROP },
	{ "solicitation in", NFPROTO_IPV6, IN, IPPROTO_ICMPV6, 0, 135, IPD_FLOW_MULTICAST, EXEMPT,
	  EXEMPT },
	{ "advertisement out", NFPROTO_IPV6, OUT, IPPROTO_ICMPV6, 136, 0, 0, EXEMPT, EXEMPT },
	{ "router advertisement", NFPROTO_IPV6, IN, IPPROTO_ICMPV6, 0, 134, IPD_FLOW_MULTICAST,
	  EXEMPT, EXEMPT },
	{ "IKE out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 500, 500, 0, STATEFUL, DROP },
	{ "IKE in", NFPROTO_IPV4, IN, IPPROTO_UDP, 500, 500, 0, DROP, DROP },
	{ "TCP out", NFPROTO_IPV4, OUT, IPPROTO_TCP, 40000, 80, 0, STATEFUL, DROP },
	{ "TCP in", NFPROTO_IPV6, IN, IPPROTO_TCP, 80, 40000, 0, DROP, DROP },
	{ "multicast out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 5353, 5353, IPD_FLOW_MULTICAST,
	  STATEFUL, DROP },
	{ "multicast in", NFPROTO_IPV4, IN, IPPROTO_UDP, 5353, 5353, IPD_FLOW_MULTICAST, DROP,
	  DROP },
	{ "echo out", NFPROTO_IPV4, OUT, IPPROTO_ICMP, 8, 0, 0, STATEFUL, DROP },
	{ "echo in", NFPROTO_IPV4, IN, IPPROTO_ICMP, 0, 8, 0, DROP, DROP },
	{ "a piece out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 0, 0, IPD_FLOW_NO_PORTS, STATEFUL, DROP },
	{ "a piece in", NFPROTO_IPV4, IN, IPPROTO_UDP, 0, 0, IPD_FLOW_NO_PORTS, DROP, DROP },
	{ "ESP in", NFPROTO_IPV4, IN, IPPROTO_ESP, 0, 0, 0, DROP, DROP },
	{ "forwarded", NFPROTO_IPV4, OUT, IPPROTO_TCP, 40000, 80, IPD_FLOW_FORWARDED, DROP, DROP },
	{ "DHCP, forwarded", NFPROTO_IPV4, OUT, IPPROTO_UDP, 68, 67, IPD_FLOW_FORWARDED, DROP,
	  DROP },
	/* the exemptions of the test */
	{ "ssh in", NFPROTO_IPV4, IN, IPPROTO_TCP, 22, 40000, 0, EXEMPT, EXEMPT },
	{ "ssh in, IPv6", NFPROTO_IPV6, IN, IPPROTO_TCP, 22, 40000, 0, EXEMPT, EXEMPT },
	{ "its answer", NFPROTO_IPV4, OUT, IPPROTO_TCP, 22, 40000, 0, EXEMPT, EXEMPT },
	{ "ssh out", NFPROTO_IPV4, OUT, IPPROTO_TCP, 40000, 22, 0, STATEFUL, DROP },
	{ "from an ssh port", NFPROTO_IPV4, IN, IPPROTO_TCP, 40000, 22, 0, DROP, DROP },
	{ "a piece of ssh", NFPROTO_IPV4, IN, IPPROTO_TCP, 0, 0, IPD_FLOW_NO_PORTS, DROP, DROP },
	{ "DNS out", NFPROTO_IPV4, OUT, IPPROTO_UDP, 40000, 53, 0, EXEMPT, EXEMPT },
	{ "an answer that was not asked for", NFPROTO_IPV4, IN, IPPROTO_UDP, 40000, 53, 0, DROP,
	  DROP },
	{ "GRE in", NFPROTO_IPV4, IN, IPPROTO_GRE, 0, 0, 0, EXEMPT, EXEMPT },
	{ "GRE out", NFPROTO_IPV4, OUT, IPPROTO_GRE, 0, 0, 0, EXEMPT, EXEMPT },
};

#define EXEMPTIONS "TCP:0:22:inbound UDP:0:53:outbound 47:inbound"

static void table_test(struct kunit *test)
{
	struct ipd_flow flow;
	size_t i;
	u8 rule;

	begin(test, EXEMPTIONS);
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		flow = flow_of(rows[i].family, rows[i].direction, rows[i].protocol, rows[i].local,
			       rows[i].remote, rows[i].flags);
		rule = rows[i].direction == OUT ? OPEN : ANSWER;
		KUNIT_EXPECT_EQ_MSG(test, ipd_startup_match(&net, rule, &flow), rows[i].stateful,
				    "%s, stateful", rows[i].what);
		KUNIT_EXPECT_EQ_MSG(test, ipd_startup_match(&net, BOOT, &flow), rows[i].block,
				    "%s, block", rows[i].what);
	}
	rcu_read_unlock();
	/* to ask is not to send */
	KUNIT_EXPECT_EQ(test, ipd_startup_count(&net), 0);
	end();
}

static void answer_test(struct kunit *test)
{
	begin(test, "none");
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_TCP, 80, 40000, ANSWER), DROP);
	KUNIT_EXPECT_EQ(test, ports(test, OUT, IPPROTO_TCP, 40000, 80, OPEN), STATEFUL);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_TCP, 80, 40000, ANSWER), STATEFUL);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_TCP, 80, 40001, ANSWER), DROP);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_TCP, 81, 40000, ANSWER), DROP);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_UDP, 80, 40000, ANSWER), DROP);
	KUNIT_EXPECT_EQ(test, ipd_startup_count(&net), 1);
	end();
	KUNIT_EXPECT_EQ(test, ipd_startup_count(&net), 0);
}

/* an answer is for an address of this host, not for a group that it is in */
static void broadcast_test(struct kunit *test)
{
	struct ipd_flow flow = flow_of(NFPROTO_IPV4, IN, IPPROTO_UDP, 40000, 9, 0);

	begin(test, "none");
	ports(test, OUT, IPPROTO_UDP, 40000, 9, OPEN);
	rcu_read_lock();
	KUNIT_EXPECT_EQ(test, ipd_startup_match(&net, ANSWER, &flow), STATEFUL);
	flow.local.ip = htonl(0xc00002ff);
	KUNIT_EXPECT_EQ(test, ipd_startup_match(&net, ANSWER, &flow), DROP);
	flow.local.ip = htonl(INADDR_BROADCAST);
	flow.flags = IPD_FLOW_MULTICAST;
	KUNIT_EXPECT_EQ(test, ipd_startup_match(&net, ANSWER, &flow), DROP);
	rcu_read_unlock();
	end();
}

static void block_test(struct kunit *test)
{
	begin(test, EXEMPTIONS);
	KUNIT_EXPECT_EQ(test, ports(test, OUT, IPPROTO_TCP, 40000, 80, BOOT), DROP);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_TCP, 40000, 22, BOOT), EXEMPT);
	KUNIT_EXPECT_EQ(test, ports(test, OUT, IPPROTO_TCP, 22, 40000, BOOT), EXEMPT);
	/* strangers open nothing, nor does what answers them */
	KUNIT_EXPECT_EQ(test, ipd_startup_count(&net), 0);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_UDP, 53, 40000, BOOT), DROP);
	KUNIT_EXPECT_EQ(test, ports(test, OUT, IPPROTO_UDP, 40000, 53, BOOT), EXEMPT);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_UDP, 53, 40000, BOOT), STATEFUL);
	KUNIT_EXPECT_EQ(test, ports(test, IN, IPPROTO_UDP, 53, 40001, BOOT), DROP);
	end();
}

static void echo_test(struct kunit *test)
{
	static const struct {
		u8 family, query, reply;
	} kinds[] = {
		{ NFPROTO_IPV4, 8, 0 }, { NFPROTO_IPV4, 13, 14 }, { NFPROTO_IPV6, 128, 129 },
	};
	u8 family, query, reply;
	size_t i;

	begin(test, "none");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		family = kinds[i].family, query = kinds[i].query, reply = kinds[i].reply;
		KUNIT_EXPECT_EQ(test, echo(test, family, IN, reply, 77, ANSWER), DROP);
		KUNIT_EXPECT_EQ(test, echo(test, family, OUT, query, 77, OPEN), STATEFUL);
		KUNIT_EXPECT_EQ(test, echo(test, family, IN, reply, 77, ANSWER), STATEFUL);
		KUNIT_EXPECT_EQ(test, echo(test, family, IN, reply, 78, ANSWER), DROP);
		KUNIT_EXPECT_EQ(test, echo(test, family, IN, query, 77, ANSWER), DROP);
	}
	/* a reply opens nothing */
	KUNIT_EXPECT_EQ(test, echo(test, NFPROTO_IPV4, OUT, 0, 79, OPEN), STATEFUL);
	KUNIT_EXPECT_EQ(test, echo(test, NFPROTO_IPV4, IN, 8, 79, ANSWER), DROP);
	KUNIT_EXPECT_EQ(test, ipd_startup_count(&net), ARRAY_SIZE(kinds));
	end();
}

static void error_test(struct kunit *test)
{
	static const struct {
		u8 family, type;
		bool is_error;
	} types[] = {
		{ NFPROTO_IPV4, 3, true }, { NFPROTO_IPV4, 4, true }, { NFPROTO_IPV4, 11, true },
		{ NFPROTO_IPV4, 12, true }, { NFPROTO_IPV4, 5, false }, { NFPROTO_IPV4, 8, false },
		{ NFPROTO_IPV6, 1, true }, { NFPROTO_IPV6, 2, true }, { NFPROTO_IPV6, 3, true },
		{ NFPROTO_IPV6, 4, true }, { NFPROTO_IPV6, 5, false }, { NFPROTO_IPV6, 128, false },
	};
	struct quoted tcp = { IPPROTO_TCP, { 0x9c, 0x40, 0, 80 }, ME, PEER }, other;
	struct ipd_flow ipv6 = flow_of(NFPROTO_IPV6, OUT, IPPROTO_TCP, 40000, 80, 0);
	struct ipd_flow_icmp no_icmp = {};
	u8 want;
	size_t i;

	begin(test, "none");
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &tcp), DROP);
	ports(test, OUT, IPPROTO_TCP, 40000, 80, OPEN);
	rcu_read_lock();
	open(&net, &ipv6, no_icmp.id);
	rcu_read_unlock();
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		want = types[i].is_error ? STATEFUL : DROP;
		KUNIT_EXPECT_EQ_MSG(test, error(test, types[i].family, types[i].type, &tcp), want,
				    "type %u", types[i].type);
	}
	/* about another flow, from another host, or by somebody else */
	other = tcp;
	other.bytes[3] = 81;
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &other), DROP);
	other = tcp;
	other.to = PEER + 1;
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &other), DROP);
	other = tcp;
	other.from = ME + 1;
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &other), DROP);
	/* cut off before the ports */
	for (other = tcp, i = 1; i < sizeof(struct iphdr) + 4; i++) {
		other.size = i;
		KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &other), DROP);
	}
	other.size = sizeof(struct iphdr) + 4;
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &other), STATEFUL);
	end();
}

static void echo_error_test(struct kunit *test)
{
	struct quoted ping = { IPPROTO_ICMP, { 8, 0, 0, 0, 0, 77 }, ME, PEER };
	struct quoted ssh = { IPPROTO_TCP, { 0, 22, 0x9c, 0x40 }, ME, PEER };

	begin(test, "TCP:0:22:inbound");
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &ping), DROP);
	echo(test, NFPROTO_IPV4, OUT, 8, 77, OPEN);
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &ping), STATEFUL);
	ping.bytes[5] = 78;
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &ping), DROP);
	/* an exempt connection learns its path's MTU */
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &ssh), EXEMPT);
	ssh.bytes[1] = 23;
	KUNIT_EXPECT_EQ(test, error(test, NFPROTO_IPV4, 3, &ssh), DROP);
	end();
}

static struct kunit_case startup_cases[] = {
	{ .name = "D06 D08 D09 D10 D11 what passes in stateful and in block",
	  .run_case = table_test },
	{ .name = "D07 answers, and what is none", .run_case = answer_test },
	{ .name = "D08 broadcasts answer nothing", .run_case = broadcast_test },
	{ .name = "D11 exemptions in both directions, in block", .run_case = block_test },
	{ .name = "D07 replies to ICMP queries by their identifier", .run_case = echo_test },
	{ .name = "D07 ICMP errors by what they quote", .run_case = error_test },
	{ .name = "D07 D11 ICMP errors about queries and exemptions",
	  .run_case = echo_error_test },
	{ }
};

static struct kunit_suite startup_suite = {
	.name = "startup",
	.test_cases = startup_cases,
};

kunit_test_suite(startup_suite);
