// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP in UDP: what comes to the port, headers on and off in every shape of packet, damage, and
 * checksums over addresses that a NAT has changed.
 */
#include <kunit/test.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include "../compat.h"
#include "../encap.h"
#include "../natt.h"
#include "geometry.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define NULL_	IPSECDRV_CIPHER_NULL
#define UDP_LEN	sizeof(struct udphdr)

static const u8 families[] = { V4, V6 };
static const struct { u8 cipher, integrity; } algorithms[] = {
	{ GCM, NONE }, { CBC, SHA1 }, { NULL_, IPSECDRV_INTEGRITY_HMAC_MD5 },
};

static unsigned int header_len(u8 family)
{
	return family == V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* --- what comes to the port ------------------------------------------------------- */

/* the same by looking at the bytes that are there */
static enum ipd_natt_kind slow_kind(const u8 *udp, unsigned int there)
{
	unsigned int len, i;

	if (there < 8)
		return IPD_NATT_MALFORMED;
	len = udp[4] * 256 + udp[5];
	if (len < 8 || len > there)
		return IPD_NATT_MALFORMED;
	if (len == 9 && udp[8] == 0xff)
		return IPD_NATT_KEEPALIVE;
	if (len < 12)
		return IPD_NATT_MALFORMED;
	for (i = 8; i < 12; i++)
		if (udp[i])
			return len < 16 ? IPD_NATT_MALFORMED : IPD_NATT_ESP;
	return IPD_NATT_IKE;
}

static void classify_one(struct kunit *test, u8 family, unsigned int there, unsigned int said,
			 u32 first)
{
	struct sa_test *t = test->priv;
	struct ipd_place place;
	u8 packet[100] = {};
	struct sk_buff *skb;
	u8 *udp;

	sa_test_write_packet(packet, family, IPPROTO_UDP, there);
	udp = packet + header_len(family);
	if (there >= 6)
		put_unaligned_be16(said, udp + 4);
	if (there >= 12)
		put_unaligned_be32(first, udp + 8);
	else if (there > 8)
		udp[8] = first;
	skb = sa_test_skb(t, packet, header_len(family) + there, 16, 16);
	KUNIT_ASSERT_EQ(test, ipd_encap_place_udp(skb, family, &place), 0);
	KUNIT_EXPECT_EQ_MSG(test, (int)ipd_natt_classify(skb, &place),
			    (int)slow_kind(udp, there), "%u bytes, %u said, first %x", there, said,
			    first);
	kfree_skb(skb);
}

static void natt_classify(struct kunit *test)
{
	static const u32 firsts[] = { 0, 1, 0xff, 0xff000000, 0x80000000, 0x00ffffff, 255, 256 };
	unsigned int there, said, i, f;

	for (f = 0; f < ARRAY_SIZE(families); f++)
		for (there = 0; there <= 20; there++)
			for (said = 0; said <= 22; said++)
				for (i = 0; i < ARRAY_SIZE(firsts); i++)
					classify_one(test, families[f], there, said, firsts[i]);
	for (f = 0; f < ARRAY_SIZE(families); f++)
		classify_one(test, families[f], 20, 0xffff, 7);
}

/* UDP is found where ESP would be: behind extension headers, and not in fragments */
static void natt_place(struct kunit *test)
{
	static const u8 options[8] = { IPPROTO_UDP, 0, 1, 4 };
	struct sa_test *t = test->priv;
	struct ipd_place place;
	struct sk_buff *skb;

	skb = sa_test_packet(t, V6, NEXTHDR_DEST, 40);
	memcpy(skb->data + 40, options, sizeof(options));
	KUNIT_EXPECT_EQ(test, ipd_encap_place_udp(skb, V6, &place), 0);
	KUNIT_EXPECT_EQ(test, place.header, 48);
	KUNIT_EXPECT_EQ(test, place.name, 40);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_input(skb, V6, &place), -ENOENT);
	kfree_skb(skb);
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 40);
	ip_hdr(skb)->frag_off = htons(IP_MF);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_udp(skb, V4, &place), -EAGAIN);
	ip_hdr(skb)->frag_off = 0;
	ip_hdr(skb)->protocol = IPPROTO_ESP;
	KUNIT_EXPECT_EQ(test, ipd_encap_place_udp(skb, V4, &place), -ENOENT);
	kfree_skb(skb);
}

/* --- there and back --------------------------------------------------------------- */

static bool has_right_checksum(const struct sk_buff *skb, u8 family)
{
	unsigned int offset = header_len(family), len = skb->len - offset;

	if (family == V4)
		return !udp_hdr(skb)->check;
	return udp_hdr(skb)->check &&
	       !csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len, IPPROTO_UDP,
				skb_checksum(skb, offset, len, 0));
}

static void check_wire(struct kunit *test, const struct sk_buff *skb, u8 family,
		       const struct ipd_sa *sa, unsigned int payload)
{
	unsigned int header = header_len(family);
	const struct udphdr *udp = (const struct udphdr *)(skb->data + header);

	KUNIT_EXPECT_EQ(test, skb->data[family == V4 ? 9 : 6], IPPROTO_UDP);
	KUNIT_EXPECT_EQ(test, skb->len, header + ipd_sa_grown(sa, family, payload));
	if (family == V4)
		KUNIT_EXPECT_EQ(test, ip_fast_csum(ip_hdr(skb), 5), 0);
	KUNIT_EXPECT_EQ(test, ntohs(udp->source), 4500);
	KUNIT_EXPECT_EQ(test, ntohs(udp->dest), 4500);
	KUNIT_EXPECT_EQ(test, ntohs(udp->len), skb->len - header);
	KUNIT_EXPECT_TRUE(test, has_right_checksum(skb, family));
	KUNIT_EXPECT_EQ(test, get_unaligned_be32(udp + 1), (u32)SA_TEST_PEER);
}

static void round_trip(struct kunit *test, u8 family, int algorithm)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *clear;
	struct ipd_sa *out, *in;
	unsigned int payload;
	u8 reason;

	sa_test_pair(t, family, algorithms[algorithm].cipher, 0, algorithms[algorithm].integrity,
		     &out, &in);
	for (payload = 0; payload < 300; payload += payload < 40 ? 1 : 37) {
		/* 253: a protocol of nobody, so that nothing is looked at inside */
		clear = sa_test_packet(t, family, 253, payload);
		sa_test_output(t, out, sa_test_copy(t, clear), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		check_wire(test, skb, family, out, payload);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, clear->data, clear->len));
		kfree_skb(skb);
		kfree_skb(clear);
	}
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void natt_round_trip(struct kunit *test)
{
	struct sa_test *t = test->priv;
	int f, a;

	t->in_udp = true;
	for (f = 0; f < ARRAY_SIZE(families); f++)
		for (a = 0; a < ARRAY_SIZE(algorithms); a++)
			round_trip(test, families[f], a);
}

/* pitfalls A1, A4: memory of others stays as it is, whatever the packet lies in */
static void natt_shapes(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct geometry geometry;
	struct sk_buff *wire, *clear;
	struct ipd_sa *out, *in;
	struct shape shape;
	unsigned int i;
	u8 reason;

	t->in_udp = true;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	clear = sa_test_packet(t, V4, 253, 600);
	for (i = 0; geometry_nth(i, 20, &geometry); i++) {
		if (geometry.shared)
			continue;
		sa_test_output(t, out, sa_test_copy(t, clear), &wire);
		KUNIT_ASSERT_NOT_NULL(test, wire);
		shape_begin(t, &shape, &geometry, wire->data, wire->len);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, shape.skb, &reason), 0);
		KUNIT_EXPECT_TRUE(test, sa_test_is_packet(shape.skb, clear->data, clear->len));
		kfree_skb(shape.skb);
		KUNIT_EXPECT_TRUE(test, shape_end(t, &shape));
		kfree_skb(wire);
	}
	KUNIT_EXPECT_GT(test, i, 20U);
	kfree_skb(clear);
}

/* what lies behind the end that UDP says is no part of ESP */
static void natt_trailing(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *clear;
	struct ipd_sa *out, *in;
	u8 reason;

	t->in_udp = true;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	clear = sa_test_packet(t, V4, 253, 100);
	sa_test_output(t, out, sa_test_copy(t, clear), &skb);
	skb_put_zero(skb, 11);
	KUNIT_ASSERT_EQ(test, ipd_encap_set_length(skb, V4), 0);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, clear->data, clear->len));
	kfree_skb(skb);
	kfree_skb(clear);
}

/* an association is in UDP or it is not, and so are its packets */
static void natt_mismatch(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_place place;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	u8 reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
	KUNIT_ASSERT_EQ(test, ipd_encap_place_input(skb, V4, &place), 0);
	KUNIT_ASSERT_EQ(test, ipd_natt_push(skb, V4, &place, htons(4500), htons(4500)), 0);
	t->in_udp = true;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EPERM);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_UDP_MISMATCH);
	kfree_skb(skb);
	sa_test_delete(t, out);
	sa_test_delete(t, in);

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	KUNIT_EXPECT_TRUE(test, ipd_sad_has_udp(t->ipd.sad));
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
	KUNIT_ASSERT_EQ(test, ipd_encap_place_udp(skb, V4, &place), 0);
	KUNIT_ASSERT_EQ(test, ipd_natt_strip(skb, V4, &place), 0);
	t->in_udp = false;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), -EPERM);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_UDP_MISMATCH);
	kfree_skb(skb);
	sa_test_delete(t, in);
	KUNIT_EXPECT_FALSE(test, ipd_sad_has_udp(t->ipd.sad));
}

/* --- damage ----------------------------------------------------------------------- */

/* ports are the NAT's to change, and the checksum is not looked at */
static bool may_change(u8 family, unsigned int byte)
{
	unsigned int at = byte - header_len(family);

	return at < 4 || at == 6 || at == 7;
}

static void damage(struct kunit *test, u8 family)
{
	struct sa_test *t = test->priv;
	struct sk_buff *wire, *skb;
	struct ipd_sa *out, *in;
	unsigned int bit, len, wrong = 0;
	u8 reason;

	sa_test_pair(t, family, GCM, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, family, IPPROTO_UDP, 30), &wire);
	KUNIT_ASSERT_NOT_NULL(test, wire);
	for (bit = header_len(family) * 8; bit < wire->len * 8; bit++) {
		if (may_change(family, bit / 8))
			continue;
		skb = sa_test_copy(t, wire);
		skb->data[bit / 8] ^= 1 << bit % 8;
		wrong += !sa_test_input(t, skb, &reason);
		kfree_skb(skb);
	}
	for (len = header_len(family); len < wire->len; len++) {
		skb = sa_test_copy(t, wire);
		skb_trim(skb, len);
		KUNIT_ASSERT_EQ(test, ipd_encap_set_length(skb, family), 0);
		wrong += sa_test_input(t, skb, &reason) != -EPROTO ||
			 reason != IPSECDRV_DROP_MALFORMED;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	for (bit = 0; bit < 8; bit++)
		wire->data[header_len(family) + bit] ^= may_change(family, header_len(family) + bit) ?
							0x5a : 0;
	KUNIT_EXPECT_EQ(test, sa_test_input(t, wire, &reason), 0);
	kfree_skb(wire);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void natt_damage(struct kunit *test)
{
	struct sa_test *t = test->priv;

	t->in_udp = true;
	damage(test, V4);
	damage(test, V6);
}

/* --- sizes ------------------------------------------------------------------------ */

static void natt_sizes(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	unsigned int room;
	int payload, a;

	t->in_udp = true;
	for (a = 0; a < ARRAY_SIZE(algorithms); a++) {
		sa_test_pair(t, V4, algorithms[a].cipher, 0, algorithms[a].integrity, &out, &in);
		for (room = 0; room < 200; room++) {
			payload = ipd_sa_payload_max(out, V4, room);
			if (payload < 0) {
				KUNIT_EXPECT_GT(test, ipd_sa_grown(out, V4, 0), room);
				continue;
			}
			KUNIT_EXPECT_LE(test, ipd_sa_grown(out, V4, payload), room);
			KUNIT_EXPECT_GT(test, ipd_sa_grown(out, V4, payload + 1), room);
		}
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
}

/* --- checksums -------------------------------------------------------------------- */

/* RFC 1071, byte by byte, over the pseudo header and what is behind the IP header */
static u16 slow_checksum(const struct sk_buff *skb, u8 family, u8 protocol)
{
	unsigned int header = header_len(family), len = skb->len - header, i;
	const u8 *addresses = skb->data + (family == V4 ? 12 : 8);
	u64 sum = len + protocol;

	for (i = 0; i < (family == V4 ? 8 : 32); i++)
		sum += addresses[i] << (i % 2 ? 0 : 8);
	for (i = 0; i < len; i++)
		sum += skb->data[header + i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static unsigned int check_at(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check);
	default:
		return offsetof(struct icmp6hdr, icmp6_cksum);
	}
}

/* a packet of @protocol with a right checksum, after which a NAT changes its addresses */
static struct sk_buff *translated(struct sa_test *t, u8 family, u8 protocol, unsigned int payload)
{
	struct sk_buff *skb = sa_test_packet(t, family, protocol, payload);
	u8 *header = skb->data + header_len(family);
	u16 sum;

	if (protocol == IPPROTO_UDP && payload >= UDP_LEN)
		put_unaligned_be16(payload, header + 4);
	get_random_bytes(skb->data + (family == V4 ? 12 : 8), family == V4 ? 8 : 32);
	put_unaligned_be16(0, header + check_at(protocol));
	sum = slow_checksum(skb, family, protocol);
	put_unaligned_be16(sum ?: 0xffff, header + check_at(protocol));
	get_random_bytes(skb->data + (family == V4 ? 12 : 8), family == V4 ? 8 : 32);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	return skb;
}

static void natt_checksums(struct kunit *test)
{
	static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6 };
	struct sa_test *t = test->priv;
	struct ipd_place place = {};
	struct sk_buff *skb;
	unsigned int n, f;

	for (n = 0; n < 3000; n++) {
		f = n % 2;
		place.header = header_len(families[f]);
		place.protocol = protocols[n % 3];
		skb = translated(t, families[f], place.protocol, 20 + get_random_u32() % 1400);
		ipd_natt_renew_checksum(skb, families[f], &place);
		/* the stack does not look at it, and whoever needs one gets a right one */
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_PARTIAL);
		KUNIT_ASSERT_EQ(test, skb_checksum_help(skb), 0);
		KUNIT_EXPECT_EQ(test, slow_checksum(skb, families[f], place.protocol), 0);
		kfree_skb(skb);
	}
}

static void left_alone(struct kunit *test, struct sk_buff *skb, u8 protocol, unsigned int check)
{
	struct ipd_place place = { .header = 20, .protocol = protocol };
	u8 before[2];

	memcpy(before, skb->data + 20 + check, 2);
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	ipd_natt_renew_checksum(skb, V4, &place);
	KUNIT_EXPECT_EQ_MSG(test, (int)skb->ip_summed, CHECKSUM_UNNECESSARY, "protocol %u",
			    protocol);
	KUNIT_EXPECT_EQ(test, memcmp(before, skb->data + 20 + check, 2), 0);
	kfree_skb(skb);
}

static void natt_no_checksum(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb;

	/* UDP without one, UDP that ends before the packet does */
	skb = translated(t, V4, IPPROTO_UDP, 100);
	put_unaligned_be16(0, skb->data + 26);
	left_alone(test, skb, IPPROTO_UDP, 6);
	skb = translated(t, V4, IPPROTO_UDP, 100);
	put_unaligned_be16(99, skb->data + 24);
	left_alone(test, skb, IPPROTO_UDP, 6);
	/* headers that are not there in whole, and protocols without addresses in the checksum */
	left_alone(test, sa_test_packet(t, V4, IPPROTO_TCP, 19), IPPROTO_TCP, 16);
	left_alone(test, sa_test_packet(t, V4, IPPROTO_UDP, 7), IPPROTO_UDP, 4);
	left_alone(test, sa_test_packet(t, V4, IPPROTO_ICMP, 64), IPPROTO_ICMP, 2);
	left_alone(test, sa_test_packet(t, V4, IPPROTO_SCTP, 64), IPPROTO_SCTP, 8);
	left_alone(test, sa_test_packet(t, V4, IPPROTO_TCP, 0), IPPROTO_TCP, 0);
}

/* what is in the packets that come out of an association, in transport mode and not in tunnel mode */
static void natt_inside(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int in_udp;
	u8 reason;

	for (in_udp = 0; in_udp < 2; in_udp++) {
		t->in_udp = in_udp;
		sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
		skb = sa_test_packet(t, V4, IPPROTO_UDP, 50);
		put_unaligned_be16(50, skb->data + 24);
		put_unaligned_be16(0x1234, skb->data + 26);
		sa_test_output(t, out, skb, &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed,
				in_udp ? CHECKSUM_PARTIAL : CHECKSUM_UNNECESSARY);
		kfree_skb(skb);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
}

/* --- where the peer is ------------------------------------------------------------ */

/* the pair of the peer's packets: "in" receives what "out" sends; and the one that answers */
struct roaming {
	struct ipd_sa *out, *in, *answer;
};

static void roam_begin(struct sa_test *t, struct roaming *r, bool follow)
{
	struct ipd_sa_config config;

	t->in_udp = true;
	sa_test_config(&config, V4, IPSECDRV_DIRECTION_OUT, GCM, 0, NONE);
	r->out = sa_test_install(t, &config);
	swap(config.local, config.remote);
	swap(config.selector.local, config.selector.remote);
	config.spi = htonl(SA_TEST_SPI);
	r->answer = sa_test_install(t, &config);
	config.direction = IPSECDRV_DIRECTION_IN;
	config.replay_window = 64;
	config.spi = htonl(SA_TEST_PEER);
	config.pair_spi = htonl(SA_TEST_SPI);
	config.encap_follow = follow;
	r->in = sa_test_install(t, &config);
}

/* a packet of the peer, as it is on the wire with this source */
static struct sk_buff *roam_packet(struct sa_test *t, const struct roaming *r, u16 port,
				   u32 address_change)
{
	struct sk_buff *skb;

	sa_test_output(t, r->out, sa_test_packet(t, V4, 253, 40), &skb);
	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	put_unaligned_be16(port, skb->data + 20);
	ip_hdr(skb)->saddr ^= htonl(address_change);
	ip_send_check(ip_hdr(skb));
	return skb;
}

static int roam_input(struct sa_test *t, struct sk_buff *skb)
{
	int err;
	u8 reason;

	err = sa_test_input(t, skb, &reason);
	kfree_skb(skb);
	flush_work(&t->ipd.sad->work);
	return err;
}

static void expect_port(struct kunit *test, const struct roaming *r, u16 port)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb;

	KUNIT_EXPECT_EQ(test, ntohs(r->in->mapping.port), port);
	sa_test_output(t, r->answer, sa_test_packet(t, V4, 253, 40), &skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, get_unaligned_be16(skb->data + 22), port);
	kfree_skb(skb);
}

static void natt_follows(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *late, *forged, *again;
	struct roaming r;

	roam_begin(t, &r, true);
	KUNIT_EXPECT_EQ(test, roam_input(t, roam_packet(t, &r, 4500, 0)), 0);
	expect_port(test, &r, 4500);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 0);

	/* the next packet from elsewhere; one before it that comes late; one that comes twice */
	late = roam_packet(t, &r, 4500, 0);
	again = roam_packet(t, &r, 2048, 0);
	KUNIT_EXPECT_EQ(test, roam_input(t, sa_test_copy(t, again)), 0);
	expect_port(test, &r, 2048);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 1);
	KUNIT_EXPECT_EQ(test, ntohs(t->peer_port), 2048);
	KUNIT_EXPECT_EQ(test, roam_input(t, late), 0);
	expect_port(test, &r, 2048);
	put_unaligned_be16(3333, again->data + 20);
	KUNIT_EXPECT_EQ(test, roam_input(t, again), -EALREADY);
	expect_port(test, &r, 2048);

	/* nobody's packet with the highest number of all, and a damaged one */
	forged = roam_packet(t, &r, 5555, 0);
	put_unaligned_be32(1000000, forged->data + 32);
	KUNIT_EXPECT_EQ(test, roam_input(t, forged), -EBADMSG);
	forged = roam_packet(t, &r, 5555, 0);
	forged->data[forged->len - 20] ^= 1;
	KUNIT_EXPECT_EQ(test, roam_input(t, forged), -EBADMSG);
	expect_port(test, &r, 2048);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 1);
}

/* an address is told, and nothing follows it; nor a port, unless that was asked for */
static void natt_does_not_follow(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct roaming r;

	roam_begin(t, &r, true);
	KUNIT_EXPECT_EQ(test, roam_input(t, roam_packet(t, &r, 2048, 1)), 0);
	expect_port(test, &r, 4500);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 1);
	KUNIT_EXPECT_EQ(test, t->peer.ip, r.in->params.remote.ip ^ htonl(1));
	KUNIT_EXPECT_EQ(test, ntohs(t->peer_port), 2048);
	sa_test_delete(t, r.out);
	sa_test_delete(t, r.in);
	sa_test_delete(t, r.answer);

	roam_begin(t, &r, false);
	KUNIT_EXPECT_EQ(test, roam_input(t, roam_packet(t, &r, 2048, 0)), 0);
	expect_port(test, &r, 4500);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 2);
	KUNIT_EXPECT_EQ(test, ntohs(t->peer_port), 2048);
}

/* a flood of senders is one event a second, and the last one is not forgotten */
static void natt_mapping_flood(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct roaming r;
	int i;

	roam_begin(t, &r, true);
	for (i = 0; i < 500; i++)
		KUNIT_EXPECT_EQ(test, roam_input(t, roam_packet(t, &r, 10000 + i, 0)), 0);
	expect_port(test, &r, 10499);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 1);
	KUNIT_EXPECT_EQ(test, ntohs(t->peer_port), 10000);
	sa_test_tick(t, t->now + 1);
	KUNIT_EXPECT_EQ(test, roam_input(t, roam_packet(t, &r, 10499, 0)), 0);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 2);
	KUNIT_EXPECT_EQ(test, ntohs(t->peer_port), 10499);
	sa_test_tick(t, t->now + 1);
	KUNIT_EXPECT_EQ(test, roam_input(t, roam_packet(t, &r, 10499, 0)), 0);
	KUNIT_EXPECT_EQ(test, t->n_mappings, 2);
}

/* --- keepalives ------------------------------------------------------------------ */

static void expect_keepalives(struct kunit *test, time64_t now, int n)
{
	struct sa_test *t = test->priv;

	sa_test_tick(t, now);
	KUNIT_EXPECT_EQ_MSG(test, t->n_routes, n, "at %lld", (long long)now);
}

static void natt_keepalives(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa_config config;
	struct sk_buff *skb;
	struct ipd_sa *out;
	time64_t born = t->now;

	t->in_udp = true;
	t->ipd.mode = IPSECDRV_MODE_SECURE;
	sa_test_config(&config, V4, IPSECDRV_DIRECTION_OUT, GCM, 0, NONE);
	config.encap_keepalive = 20;
	out = sa_test_install(t, &config);
	expect_keepalives(test, born + 19, 0);
	expect_keepalives(test, born + 20, 1);
	expect_keepalives(test, born + 39, 1);
	expect_keepalives(test, born + 40, 2);
	/* a packet does for one */
	expect_keepalives(test, born + 50, 2);
	sa_test_output(t, out, sa_test_packet(t, V4, 253, 40), &skb);
	kfree_skb(skb);
	expect_keepalives(test, born + 69, 2);
	expect_keepalives(test, born + 70, 3);
	/* idle for as long as nothing else was sent */
	KUNIT_EXPECT_EQ(test, READ_ONCE(out->last_used), (u32)born + 50);
	/* where associations are not used, nothing is kept open */
	t->ipd.mode = IPSECDRV_MODE_PERMIT;
	expect_keepalives(test, born + 90, 3);
	t->ipd.mode = IPSECDRV_MODE_BLOCK;
	expect_keepalives(test, born + 110, 3);
	t->ipd.mode = IPSECDRV_MODE_SECURE;
	expect_keepalives(test, born + 130, 4);
	sa_test_delete(t, out);
	expect_keepalives(test, born + 150, 4);
}

static struct kunit_case natt_cases[] = {
	KUNIT_CASE(natt_classify),
	KUNIT_CASE(natt_place),
	KUNIT_CASE(natt_round_trip),
	KUNIT_CASE(natt_shapes),
	KUNIT_CASE(natt_trailing),
	KUNIT_CASE(natt_mismatch),
	KUNIT_CASE(natt_damage),
	KUNIT_CASE(natt_sizes),
	KUNIT_CASE(natt_checksums),
	KUNIT_CASE(natt_no_checksum),
	KUNIT_CASE(natt_inside),
	KUNIT_CASE(natt_follows),
	KUNIT_CASE(natt_does_not_follow),
	KUNIT_CASE(natt_mapping_flood),
	KUNIT_CASE(natt_keepalives),
	{}
};

static struct kunit_suite natt_suite = {
	.name = "natt",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = natt_cases,
};

kunit_test_suite(natt_suite);
