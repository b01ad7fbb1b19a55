// SPDX-License-Identifier: GPL-2.0-only
/*
 * The outer header: what it takes from the packet inside, and what that gets from it.
 */
#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>

#include "../encap.h"
#include "../tunnel.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define DATA	100
#define TTL	61
#define DSCP	(46 << 2)

static const u8 families[] = { V4, V6 };

static const char *const ecn_names[] = { "not-ECT", "ECT(1)", "ECT(0)", "CE" };

static u8 tclass_of(const struct sk_buff *skb, u8 family)
{
	return family == V4 ? ip_hdr(skb)->tos : ipv6_get_dsfield(ipv6_hdr(skb));
}

static void set_tclass(struct sk_buff *skb, u8 family, u8 tclass)
{
	if (family == V6) {
		ipv6_change_dsfield(ipv6_hdr(skb), 0, tclass);
		return;
	}
	ip_hdr(skb)->tos = tclass;
	ip_send_check(ip_hdr(skb));
}

static void ends_of(struct ipd_sa_params *ends, u8 family)
{
	struct ipd_sa_config config;

	sa_test_config(&config, family, IPSECDRV_DIRECTION_OUT, IPSECDRV_CIPHER_AES_GCM_16, 0,
		       IPSECDRV_INTEGRITY_NONE);
	*ends = config.params;
}

/* a packet of @inner with @tclass in an outer header */
static struct sk_buff *wrapped(struct sa_test *t, u8 inner, u8 outer, u8 tclass,
			       struct ipd_place *place)
{
	struct sk_buff *skb = sa_test_packet(t, inner, IPPROTO_UDP, DATA);
	struct ipd_sa_params ends;

	ends_of(&ends, outer);
	set_tclass(skb, inner, tclass);
	ipd_tunnel_push(skb, inner, &ends, TTL, place);
	return skb;
}

/* --- on --------------------------------------------------------------------------- */

static void check_ipv4(struct kunit *test, const struct sk_buff *skb,
		       const struct ipd_sa_params *ends, u8 protocol)
{
	const struct iphdr *iph = ip_hdr(skb);

	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_IP));
	KUNIT_EXPECT_EQ(test, (u8)iph->version, 4);
	KUNIT_EXPECT_EQ(test, (u8)iph->ihl, 5);
	KUNIT_EXPECT_EQ(test, iph->ttl, TTL);
	KUNIT_EXPECT_EQ(test, iph->protocol, protocol);
	KUNIT_EXPECT_EQ(test, iph->saddr, ends->local.ip);
	KUNIT_EXPECT_EQ(test, iph->daddr, ends->remote.ip);
	KUNIT_EXPECT_FALSE(test, iph->frag_off & ~htons(IP_DF));
}

static void check_ipv6(struct kunit *test, const struct sk_buff *skb,
		       const struct ipd_sa_params *ends, u8 protocol)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_IPV6));
	KUNIT_EXPECT_EQ(test, (u8)ip6h->version, 6);
	KUNIT_EXPECT_EQ(test, ip6h->hop_limit, TTL);
	KUNIT_EXPECT_EQ(test, ip6h->nexthdr, protocol);
	KUNIT_EXPECT_EQ(test, ip6_flowlabel(ip6h), 0U);
	KUNIT_EXPECT_EQ(test, memcmp(&ip6h->saddr, &ends->local, 16), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&ip6h->daddr, &ends->remote, 16), 0);
}

static void push_one(struct kunit *test, u8 inner, u8 outer, u8 tclass)
{
	struct sa_test *t = test->priv;
	u8 protocol = inner == V4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	struct ipd_sa_params ends;
	struct ipd_place place;
	struct sk_buff *skb;

	ends_of(&ends, outer);
	skb = wrapped(t, inner, outer, tclass, &place);
	KUNIT_EXPECT_EQ(test, place.header, outer == V4 ? 20 : 40);
	KUNIT_EXPECT_EQ(test, place.protocol, protocol);
	KUNIT_EXPECT_EQ(test, skb_network_header(skb)[place.name], protocol);
	KUNIT_EXPECT_EQ(test, skb->len, ipd_tunnel_header_len(inner) + DATA + place.header);
	/* DSCP and ECN as inside, congestion too */
	KUNIT_EXPECT_EQ_MSG(test, tclass_of(skb, outer), tclass, "IPv%u in IPv%u",
			    inner == V4 ? 4 : 6, outer == V4 ? 4 : 6);
	if (outer == V4)
		check_ipv4(test, skb, &ends, protocol);
	else
		check_ipv6(test, skb, &ends, protocol);
	kfree_skb(skb);
}

static void push_test(struct kunit *test)
{
	int i, j, ecn;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (j = 0; j < ARRAY_SIZE(families); j++)
			for (ecn = 0; ecn < 4; ecn++) {
				push_one(test, families[i], families[j], ecn);
				push_one(test, families[i], families[j], DSCP | ecn);
				push_one(test, families[i], families[j], 0xfc | ecn);
			}
}

static const struct df_case {
	u8 inner;
	bool inner_df, may_fragment, outer_df;
} df_cases[] = {
	/*  inner  its DF  cut  outer's DF */
	{ V4, false, false, false },
	{ V4, true, false, true },
	{ V4, false, true, false },
	{ V4, true, true, false },
	{ V6, true, false, true },
	{ V6, true, true, false },
};

static void df_test(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_params ends;
	struct ipd_place place;
	int i;

	ends_of(&ends, V4);
	for (i = 0; i < ARRAY_SIZE(df_cases); i++) {
		const struct df_case *c = &df_cases[i];
		struct sk_buff *skb = sa_test_packet(t, c->inner, IPPROTO_UDP, DATA);

		if (c->inner == V4)
			ip_hdr(skb)->frag_off = c->inner_df ? htons(IP_DF) : 0;
		skb->ignore_df = c->may_fragment;
		ipd_tunnel_push(skb, c->inner, &ends, TTL, &place);
		KUNIT_EXPECT_EQ_MSG(test, ip_hdr(skb)->frag_off,
				    c->outer_df ? htons(IP_DF) : 0, "row %d", i);
		kfree_skb(skb);
	}
}

/* --- off -------------------------------------------------------------------------- */

#define DROP	0xff

/* RFC 6040, figure 4; in the order of the bits: not-ECT, ECT(1), ECT(0), CE */
static const u8 figure4[4][4] = {
	/* inner      outer: not-ECT        ECT(1)         ECT(0)         CE */
	[INET_ECN_NOT_ECT] = { INET_ECN_NOT_ECT, INET_ECN_NOT_ECT, INET_ECN_NOT_ECT, DROP },
	[INET_ECN_ECT_1] = { INET_ECN_ECT_1, INET_ECN_ECT_1, INET_ECN_ECT_1, INET_ECN_CE },
	[INET_ECN_ECT_0] = { INET_ECN_ECT_0, INET_ECN_ECT_1, INET_ECN_ECT_0, INET_ECN_CE },
	[INET_ECN_CE] = { INET_ECN_CE, INET_ECN_CE, INET_ECN_CE, INET_ECN_CE },
};

static void strip_one(struct kunit *test, u8 inner, u8 outer, u8 ecn_in, u8 ecn_out)
{
	struct sa_test *t = test->priv;
	u8 wanted = figure4[ecn_in][ecn_out], family = 0;
	struct ipd_place place;
	struct sk_buff *skb = wrapped(t, inner, outer, DSCP | ecn_in, &place);
	int err;

	/* the tunnel's routers have their own DSCP, which is not handed down */
	set_tclass(skb, outer, 10 << 2 | ecn_out);
	err = ipd_tunnel_strip(skb, outer, &place, &family);
	KUNIT_EXPECT_EQ_MSG(test, err, wanted == DROP ? -ECOMM : 0, "inner %s, outer %s",
			    ecn_names[ecn_in], ecn_names[ecn_out]);
	if (!err) {
		KUNIT_EXPECT_EQ(test, family, inner);
		KUNIT_EXPECT_EQ(test, skb->protocol, htons(inner == V4 ? ETH_P_IP : ETH_P_IPV6));
		KUNIT_EXPECT_EQ_MSG(test, tclass_of(skb, inner), DSCP | wanted,
				    "inner %s, outer %s", ecn_names[ecn_in], ecn_names[ecn_out]);
		KUNIT_EXPECT_EQ(test, skb_network_offset(skb), 0);
		if (inner == V4)
			KUNIT_EXPECT_EQ(test, ip_fast_csum(ip_hdr(skb), 5), 0);
	}
	kfree_skb(skb);
}

static void strip_test(struct kunit *test)
{
	int i, j, ecn;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (j = 0; j < ARRAY_SIZE(families); j++)
			for (ecn = 0; ecn < 16; ecn++)
				strip_one(test, families[i], families[j], ecn / 4, ecn % 4);
}

/* changes of the inner packet that make it no packet; @data is its header */
static void spoil_version(u8 *data)
{
	data[0] ^= 0x20;
}

static void spoil_length(u8 *data)
{
	data[data[0] >> 4 == 4 ? 2 : 4] = 0x10;
}

static void spoil_header_length(u8 *data)
{
	data[0] = 0x44;
}

static void spoil_short_length(u8 *data)
{
	data[2] = 0;
	data[3] = 19;
}

static void spoil_checksum(u8 *data)
{
	data[10] ^= 1;
}

static const struct spoil_case {
	const char *name;
	void (*spoil)(u8 *data);
	bool ipv4_only, keeps_checksum;
} spoil_cases[] = {
	{ "version", spoil_version },
	{ "longer than it is", spoil_length },
	{ "short header", spoil_header_length, true },
	{ "shorter than its header", spoil_short_length, true },
	{ "checksum", spoil_checksum, true, true },
};

static void expect_malformed(struct kunit *test, struct sk_buff *skb, u8 outer,
			     const struct ipd_place *place, const char *name)
{
	u8 family;

	KUNIT_EXPECT_EQ_MSG(test, ipd_tunnel_strip(skb, outer, place, &family), -EPROTO, "%s",
			    name);
	kfree_skb(skb);
}

static void malformed_test(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_place place;
	struct sk_buff *skb;
	int i, j;

	for (j = 0; j < ARRAY_SIZE(families); j++)
		for (i = 0; i < ARRAY_SIZE(spoil_cases); i++) {
			const struct spoil_case *c = &spoil_cases[i];
			u8 *inner;

			if (c->ipv4_only && families[j] != V4)
				continue;
			skb = wrapped(t, families[j], V4, 0, &place);
			inner = skb_network_header(skb) + place.header;
			c->spoil(inner);
			if (families[j] == V4 && !c->keeps_checksum)
				ip_send_check((struct iphdr *)inner);
			expect_malformed(test, skb, V4, &place, c->name);
		}
	/* cut anywhere in the header */
	for (i = 0; i < 20; i++) {
		skb = wrapped(t, V4, V4, 0, &place);
		skb_trim(skb, place.header + i);
		expect_malformed(test, skb, V4, &place, "cut");
	}
	/* something else than a packet */
	skb = wrapped(t, V4, V4, 0, &place);
	place.protocol = IPPROTO_UDP;
	expect_malformed(test, skb, V4, &place, "protocol");
}

/* what follows the inner packet is not of it */
static void excess_test(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_place place;
	struct sk_buff *skb;
	u8 family;
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		skb = wrapped(t, families[i], V6, 0, &place);
		skb_put_zero(skb, 9);
		KUNIT_EXPECT_EQ(test, ipd_tunnel_strip(skb, V6, &place, &family), 0);
		KUNIT_EXPECT_EQ(test, skb->len, ipd_tunnel_header_len(families[i]) + DATA);
		kfree_skb(skb);
	}
}

static struct kunit_case tunnel_cases[] = {
	{ .name = "F38 the outer header, in all combinations of families", .run_case = push_test },
	{ .name = "F38 DF of the outer header", .run_case = df_test },
	{ .name = "F38 ECN as of RFC 6040 figure 4, DSCP as inside", .run_case = strip_test },
	{ .name = "F38 what comes out must be a packet", .run_case = malformed_test },
	{ .name = "F38 what follows the packet is cut off", .run_case = excess_test },
	{}
};

static struct kunit_suite tunnel_suite = {
	.name = "tunnel",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = tunnel_cases,
};
kunit_test_suite(tunnel_suite);
