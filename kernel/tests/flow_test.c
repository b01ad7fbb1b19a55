// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/random.h>
#include <linux/udp.h>

#include "../flow.c"

#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define RANDOM_PACKETS	20000

/* a packet with these bytes at its network header; the last @paged of them are in a page */
static struct sk_buff *packet(struct kunit *test, const void *bytes, size_t length, size_t paged)
{
	struct sk_buff *skb = alloc_skb(length + 64, GFP_KERNEL);
	struct page *page;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 32);
	skb_reset_network_header(skb);
	skb_put_data(skb, bytes, length - paged);
	if (!paged)
		return skb;
	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	memcpy(page_address(page), bytes + length - paged, paged);
	skb_add_rx_frag(skb, 0, page, 0, paged, PAGE_SIZE);
	return skb;
}

static int parse(struct kunit *test, const void *bytes, size_t length, u8 family, u8 direction,
		 struct ipd_flow *flow)
{
	struct sk_buff *skb = packet(test, bytes, length, 0);
	struct ipd_flow again;
	int err, err_paged;

	memset(flow, 0xa5, sizeof(*flow));
	err = ipd_flow_parse(skb, family, direction, flow);
	kfree_skb(skb);
	if (length < 2)
		return err;
	/* the same with all but one byte out of reach of a pointer */
	skb = packet(test, bytes, length, length - 1);
	err_paged = ipd_flow_parse(skb, family, direction, &again);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, err, err_paged);
	if (!err)
		KUNIT_EXPECT_EQ(test, memcmp(flow, &again, sizeof(again)), 0);
	return err;
}

/* 192.0.2.1 -> 198.51.100.2 */
static struct iphdr ipv4(u8 protocol, u8 words)
{
	struct iphdr header = {
		.version = 4,
		.ihl = words,
		.protocol = protocol,
		.saddr = htonl(0xc0000201),
		.daddr = htonl(0xc6336402),
	};

	return header;
}

static void ipv4_test(struct kunit *test)
{
	struct {
		struct iphdr ip;
		__be16 ports[2];
		u8 rest[16];
	} __packed bytes = { ipv4(IPPROTO_TCP, 5), { htons(40000), htons(23) } };
	struct ipd_flow flow;

	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.local.ip, bytes.ip.saddr);
	KUNIT_EXPECT_EQ(test, flow.remote.ip, bytes.ip.daddr);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(40000));
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(23));
	KUNIT_EXPECT_EQ(test, flow.protocol, IPPROTO_TCP);
	KUNIT_EXPECT_EQ(test, flow.flags, 0);
	KUNIT_EXPECT_EQ(test, flow.local.all[1] | flow.remote.all[3], 0);

	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, IN, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.local.ip, bytes.ip.daddr);
	KUNIT_EXPECT_EQ(test, flow.remote.ip, bytes.ip.saddr);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(23));
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(40000));
}

static void ipv4_options_test(struct kunit *test)
{
	struct {
		struct iphdr ip;
		u8 options[40];
		__be16 ports[2];
	} __packed bytes = { ipv4(IPPROTO_UDP, 15), {}, { htons(53), htons(1024) } };
	struct ipd_flow flow;

	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(53));
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(1024));
	/* the options end behind the packet */
	KUNIT_EXPECT_EQ(test, parse(test, &bytes, 59, NFPROTO_IPV4, OUT, &flow), -EBADMSG);
}

static void ipv4_malformed_test(struct kunit *test)
{
	struct iphdr header = ipv4(IPPROTO_TCP, 5);
	struct ipd_flow flow;
	size_t length;

	for (length = 0; length < sizeof(header); length++)
		KUNIT_EXPECT_EQ(test, parse(test, &header, length, NFPROTO_IPV4, OUT, &flow),
				-EBADMSG);
	header.version = 6;
	KUNIT_EXPECT_EQ(test, parse(test, &header, sizeof(header), NFPROTO_IPV4, OUT, &flow),
			-EBADMSG);
	header.version = 4;
	header.ihl = 4;
	KUNIT_EXPECT_EQ(test, parse(test, &header, sizeof(header), NFPROTO_IPV4, OUT, &flow),
			-EBADMSG);
}

static void ipv4_fragment_test(struct kunit *test)
{
	struct {
		struct iphdr ip;
		__be16 ports[2];
	} __packed bytes = { ipv4(IPPROTO_UDP, 5), { htons(53), htons(1024) } };
	struct ipd_flow flow;

	bytes.ip.frag_off = htons(IP_MF);
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FRAGMENT);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(53));
	/* the first one, cut off in the middle of the ports */
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, 23, NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FRAGMENT | IPD_FLOW_NO_PORTS);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(0));
	bytes.ip.frag_off = htons(64);
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FRAGMENT | IPD_FLOW_NO_PORTS);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(0));
	/* what has no ports misses none */
	bytes.ip.protocol = IPPROTO_ICMP;
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FRAGMENT);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(0));
	/* don't fragment is no fragment */
	bytes.ip.frag_off = htons(IP_DF);
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, 0);
}

static void protocols_test(struct kunit *test)
{
	struct {
		struct iphdr ip;
		u8 data[8];
	} __packed bytes = { ipv4(0, 5), { 8, 3, 1, 2 } };
	struct ipd_flow flow;
	int protocol;

	for (protocol = 0; protocol < 256; protocol++) {
		bytes.ip.protocol = protocol;
		KUNIT_ASSERT_EQ(test,
				parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, OUT, &flow), 0);
		KUNIT_EXPECT_EQ(test, flow.protocol, protocol);
		if (ipd_flow_has_ports(protocol))
			KUNIT_EXPECT_EQ(test, flow.local_port, htons(0x0803));
		else if (protocol == IPPROTO_ICMP)
			KUNIT_EXPECT_EQ(test, flow.local_port, htons(8));
		else
			KUNIT_EXPECT_EQ(test, flow.local_port, htons(0));
	}
	KUNIT_EXPECT_TRUE(test, ipd_flow_has_ports(IPPROTO_SCTP));
	KUNIT_EXPECT_TRUE(test, ipd_flow_has_ports(IPPROTO_DCCP));
	KUNIT_EXPECT_TRUE(test, ipd_flow_has_ports(IPPROTO_UDPLITE));
	KUNIT_EXPECT_FALSE(test, ipd_flow_has_ports(IPPROTO_ESP));
}

static void icmp_test(struct kunit *test)
{
	struct {
		struct iphdr ip;
		u8 type, code;
	} __packed bytes = { ipv4(IPPROTO_ICMP, 5), 3, 4 };
	struct ipd_flow flow;

	KUNIT_ASSERT_EQ(test, parse(test, &bytes, sizeof(bytes), NFPROTO_IPV4, IN, &flow), 0);
	/* type where the source's port is, and the source is remote */
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(3));
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(4));
	/* too short for a type: that is no secret port */
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, 21, NFPROTO_IPV4, IN, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, 0);
}

static void group_test(struct kunit *test)
{
	static const struct {
		u32 destination;
		u8 flags;
	} rows[] = {
		{ 0xdfffffff, 0 }, { 0xe0000001, IPD_FLOW_MULTICAST },
		{ 0xefffffff, IPD_FLOW_MULTICAST }, { 0xf0000000, 0 },
		{ 0xffffffff, IPD_FLOW_MULTICAST }, { 0xc00002ff, 0 },
	};
	struct iphdr header = ipv4(IPPROTO_IGMP, 5);
	struct ipd_flow flow;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		header.daddr = htonl(rows[i].destination);
		KUNIT_ASSERT_EQ(test,
				parse(test, &header, sizeof(header), NFPROTO_IPV4, OUT, &flow), 0);
		KUNIT_EXPECT_EQ(test, flow.flags, rows[i].flags);
		KUNIT_ASSERT_EQ(test,
				parse(test, &header, sizeof(header), NFPROTO_IPV4, IN, &flow), 0);
		KUNIT_EXPECT_EQ(test, flow.flags, rows[i].flags);
	}
}

struct ipv6_bytes {
	struct ipv6hdr ip;
	u8 rest[512];
} __packed;

/* 2001:db8::1 -> 2001:db8::2, and no more */
static struct ipv6hdr ipv6(u8 next)
{
	struct ipv6hdr header = {
		.version = 6,
		.nexthdr = next,
		.saddr.s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
		.daddr.s6_addr = { 0x20, 1, 0xd, 0xb8, [15] = 2 },
	};

	return header;
}

/* every skipped header in one chain, of different lengths */
static size_t make_chain(struct ipv6_bytes *bytes)
{
	static const u8 chain[] = {
		NEXTHDR_DEST, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,	/* hop by hop */
		NEXTHDR_ROUTING, 0, 0, 0, 0, 0, 0, 0,				/* destination */
		NEXTHDR_FRAGMENT, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,						/* routing */
		NEXTHDR_DEST, 0, 0, 0, 0, 0, 0, 1,				/* fragment */
		IPPROTO_TCP, 0, 0, 0, 0, 0, 0, 0,				/* destination */
		0x9c, 0x40, 0x00, 0x17,						/* 40000, 23 */
	};

	bytes->ip = ipv6(NEXTHDR_HOP);
	memcpy(bytes->rest, chain, sizeof(chain));
	return sizeof(bytes->ip) + sizeof(chain);
}

static void ipv6_test(struct kunit *test)
{
	struct ipv6_bytes bytes = {};
	size_t length = make_chain(&bytes), cut;
	struct ipd_flow flow;

	KUNIT_ASSERT_EQ(test, parse(test, &bytes, length, NFPROTO_IPV6, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.protocol, IPPROTO_TCP);
	KUNIT_EXPECT_EQ(test, flow.local_port, htons(40000));
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(23));
	/* whole in one "fragment" */
	KUNIT_EXPECT_EQ(test, flow.flags, 0);
	KUNIT_EXPECT_EQ(test, flow.local.in6.s6_addr[15], 1);
	/* cut anywhere in the chain it is malformed, cut in the ports they are unknown */
	for (cut = 0; cut < length - 4; cut++)
		KUNIT_EXPECT_EQ(test, parse(test, &bytes, cut, NFPROTO_IPV6, OUT, &flow),
				-EBADMSG);
	for (; cut < length; cut++) {
		KUNIT_EXPECT_EQ(test, parse(test, &bytes, cut, NFPROTO_IPV6, OUT, &flow), 0);
		KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_NO_PORTS);
	}
	bytes.ip.version = 4;
	KUNIT_EXPECT_EQ(test, parse(test, &bytes, length, NFPROTO_IPV6, OUT, &flow), -EBADMSG);
}

static void ipv6_fragment_test(struct kunit *test)
{
	struct ipv6_bytes bytes = { .ip = ipv6(NEXTHDR_FRAGMENT) };
	u8 *fragment = bytes.rest;
	struct ipd_flow flow;

	/* the first of several */
	fragment[0] = IPPROTO_UDP;
	fragment[3] = IP6_MF;
	fragment[9] = 53;
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, 52, NFPROTO_IPV6, IN, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FRAGMENT);
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(53));
	/* a later one */
	fragment[2] = 1;
	KUNIT_ASSERT_EQ(test, parse(test, &bytes, 52, NFPROTO_IPV6, IN, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FRAGMENT | IPD_FLOW_NO_PORTS);
	KUNIT_EXPECT_EQ(test, flow.protocol, IPPROTO_UDP);
	KUNIT_EXPECT_EQ(test, flow.remote_port, htons(0));
	/* a later one whose protocol only the first one tells */
	fragment[0] = NEXTHDR_DEST;
	KUNIT_EXPECT_EQ(test, parse(test, &bytes, 60, NFPROTO_IPV6, IN, &flow), -EBADMSG);
}

static void ipv6_ends_test(struct kunit *test)
{
	static const u8 final[] = { IPPROTO_AH, IPPROTO_ESP, IPPROTO_NONE, 135, 253, IPPROTO_IPV6 };
	struct ipv6_bytes bytes = { .ip = ipv6(NEXTHDR_DEST) };
	struct ipd_flow flow;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(final); i++) {
		bytes.rest[0] = final[i];
		KUNIT_ASSERT_EQ(test, parse(test, &bytes, 80, NFPROTO_IPV6, IN, &flow), 0);
		KUNIT_EXPECT_EQ(test, flow.protocol, final[i]);
		KUNIT_EXPECT_EQ(test, flow.local_port, htons(0));
	}
}

/* pitfall F8 */
static void ipv6_endless_test(struct kunit *test)
{
	struct ipv6_bytes bytes = { .ip = ipv6(NEXTHDR_DEST) };
	struct ipd_flow flow;
	int n;

	for (n = 0; n < MAX_EXTENSION_HEADERS; n++)
		bytes.rest[8 * n] = NEXTHDR_DEST;
	bytes.rest[8 * (MAX_EXTENSION_HEADERS - 1)] = IPPROTO_NONE;
	KUNIT_EXPECT_EQ(test, parse(test, &bytes, 400, NFPROTO_IPV6, IN, &flow), 0);
	bytes.rest[8 * (MAX_EXTENSION_HEADERS - 1)] = NEXTHDR_DEST;
	KUNIT_EXPECT_EQ(test, parse(test, &bytes, 400, NFPROTO_IPV6, IN, &flow), -EBADMSG);
}

static void forwarded_test(struct kunit *test)
{
	struct iphdr header = ipv4(IPPROTO_IGMP, 5);
	struct ipv6hdr header6 = ipv6(IPPROTO_NONE);
	struct ipd_flow flow;
	struct sk_buff *skb;

	skb = packet(test, &header, sizeof(header), 0);
	memset(skb->cb, 0, sizeof(skb->cb));
	IPCB(skb)->flags = IPSKB_FORWARDED;
	KUNIT_EXPECT_EQ(test, ipd_flow_parse(skb, NFPROTO_IPV4, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FORWARDED);
	KUNIT_EXPECT_EQ(test, ipd_flow_parse(skb, NFPROTO_IPV4, IN, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, 0);
	kfree_skb(skb);
	skb = packet(test, &header6, sizeof(header6), 0);
	memset(skb->cb, 0, sizeof(skb->cb));
	IP6CB(skb)->flags = IP6SKB_FORWARDED;
	KUNIT_EXPECT_EQ(test, ipd_flow_parse(skb, NFPROTO_IPV6, OUT, &flow), 0);
	KUNIT_EXPECT_EQ(test, flow.flags, IPD_FLOW_FORWARDED);
	kfree_skb(skb);
}

static void set_transparent(struct kunit *test, struct socket *socket, int value)
{
	KUNIT_ASSERT_EQ(test, socket->ops->setsockopt(socket, SOL_IPV6, IPV6_TRANSPARENT,
						      KERNEL_SOCKPTR(&value), sizeof(value)), 0);
}

/* "me" by the sender: 192.0.2.99 and 2001:db8::99 are nobody's addresses here */
static void sender_test(struct kunit *test)
{
	static const struct in6_addr gone = { { { 0x20, 1, 0xd, 0xb8, [15] = 0x99 } } };
	struct ipd_flow ipv4 = { .family = NFPROTO_IPV4, .local.ip = htonl(0xc0000263) };
	struct ipd_flow ipv6 = { .family = NFPROTO_IPV6, .local.in6 = gone };
	struct ipd_flow nobody = { .family = NFPROTO_IPV4 };
	struct ipd_flow nobody6 = { .family = NFPROTO_IPV6 };
	struct ipd_flow *flows[] = { &ipv4, &ipv6, &nobody, &nobody6 };
	struct socket *socket;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, AF_INET6, SOCK_DGRAM, 0, &socket), 0);
	set_transparent(test, socket, 1);
	for (i = 0; i < ARRAY_SIZE(flows); i++) {
		ipd_flow_set_sender(flows[i], NULL);
		ipd_flow_set_sender(flows[i], socket->sk);
		KUNIT_EXPECT_EQ_MSG(test, flows[i]->flags, 0, "flow %u", i);
	}
	set_transparent(test, socket, 0);
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(flows); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, ipd_flow_is_local_me(&init_net, flows[i]), "flow %u", i);
		ipd_flow_set_sender(flows[i], socket->sk);
		KUNIT_EXPECT_EQ_MSG(test, ipd_flow_is_local_me(&init_net, flows[i]), i < 2,
				    "flow %u", i);
	}
	rcu_read_unlock();
	sock_release(socket);
}

/* whatever the bytes: no access out of bounds, and the same answer however they lie */
static void random_test(struct kunit *test)
{
	static const u8 extensions[] = { 0, 43, 44, 60 };
	u8 bytes[128], family;
	struct ipd_flow flow;
	size_t length;
	int n;

	for (n = 0; n < RANDOM_PACKETS; n++) {
		length = get_random_u32_below(sizeof(bytes) + 1);
		get_random_bytes(bytes, length);
		family = n & 1 ? NFPROTO_IPV4 : NFPROTO_IPV6;
		if (length > 10) {
			bytes[0] = family == NFPROTO_IPV4 ? 0x40 | (bytes[0] & 15) : 0x60;
			if (family == NFPROTO_IPV6)
				bytes[6] = extensions[bytes[6] & 3];
		}
		parse(test, bytes, length, family, n & 2 ? OUT : IN, &flow);
	}
}

static struct kunit_case flow_cases[] = {
	{ .name = "F01 F37 IPv4 seen from both ends", .run_case = ipv4_test },
	{ .name = "F01 IPv4 with options", .run_case = ipv4_options_test },
	{ .name = "F01 IPv4 malformed", .run_case = ipv4_malformed_test },
	{ .name = "F01 IPv4 fragments", .run_case = ipv4_fragment_test },
	{ .name = "F36 every protocol", .run_case = protocols_test },
	{ .name = "F36 ICMP", .run_case = icmp_test },
	{ .name = "D30 multicast and broadcast", .run_case = group_test },
	{ .name = "F01 IPv6 with every extension header", .run_case = ipv6_test },
	{ .name = "F01 IPv6 fragments", .run_case = ipv6_fragment_test },
	{ .name = "F36 headers that end the chain", .run_case = ipv6_ends_test },
	{ .name = "F01 a chain without end", .run_case = ipv6_endless_test },
	{ .name = "D29 forwarded packets", .run_case = forwarded_test },
	{ .name = "F35 me is who sends, whatever the address", .run_case = sender_test },
	{ .name = "F01 random packets", .run_case = random_test },
	{ }
};

static struct kunit_suite flow_suite = {
	.name = "flow",
	.test_cases = flow_cases,
};

kunit_test_suite(flow_suite);
