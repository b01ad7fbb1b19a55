// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a header goes and comes from, in every chain of headers, and what AH hashes of them.
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/ip.h>

#include "../encap.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define HOP	NEXTHDR_HOP
#define DEST	NEXTHDR_DEST
#define ROUTE	NEXTHDR_ROUTING
#define FRAG	NEXTHDR_FRAGMENT
#define UDP	IPPROTO_UDP
#define ESP	IPPROTO_ESP
#define AH	IPPROTO_AH

/* --- chains ------------------------------------------------------------- */

/* extension headers of IPv6, each of 8 bytes, and what follows them; 0xff ends the list */
struct chain {
	u8 headers[12];
	u8 last;
	int output, input;	/* 0 or the error */
	u8 n_before;		/* headers before the place for output */
};

#define END 0xff

static const struct chain chains[] = {
	{ { END }, UDP, 0, -ENOENT, 0 },
	{ { HOP, END }, UDP, 0, -ENOENT, 1 },
	/* destination options go inside, unless a routing header follows */
	{ { DEST, END }, UDP, 0, -ENOENT, 0 },
	{ { HOP, DEST, END }, UDP, 0, -ENOENT, 1 },
	{ { HOP, DEST, ROUTE, END }, UDP, 0, -ENOENT, 3 },
	{ { HOP, DEST, ROUTE, DEST, END }, UDP, 0, -ENOENT, 3 },
	{ { ROUTE, DEST, END }, UDP, 0, -ENOENT, 1 },
	{ { FRAG, END }, UDP, -EAGAIN, -EAGAIN, 0 },
	{ { HOP, FRAG, END }, UDP, -EAGAIN, -EAGAIN, 0 },
	{ { DEST, DEST, DEST, END }, UDP, 0, -ENOENT, 0 },
	{ { END }, ESP, 0, 0, 0 },
	{ { HOP, END }, AH, 0, 0, 1 },
	{ { HOP, ROUTE, DEST, END }, ESP, 0, 0, 2 },
	{ { END }, IPPROTO_NONE, 0, -ENOENT, 0 },
	/* as many as there may be, and one more */
	{ { HOP, DEST, ROUTE, DEST, DEST, DEST, DEST, END }, ESP, 0, 0, 3 },
	{ { HOP, DEST, ROUTE, DEST, DEST, DEST, DEST, DEST, END }, ESP, -EBADMSG, -EBADMSG, 0 },
};

static unsigned int write_chain(u8 *packet, const struct chain *chain)
{
	unsigned int n, len;

	for (n = 0; chain->headers[n] != END; n++)
		;
	len = sa_test_write_packet(packet, V6, n ? chain->headers[0] : chain->last, 8 * n + 16);
	memset(packet + 40, 0, 8 * n);
	for (n = 0; chain->headers[n] != END; n++)
		packet[40 + 8 * n] = chain->headers[n + 1] == END ? chain->last :
								    chain->headers[n + 1];
	return len;
}

static void encap_chains(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(chains); i++) {
		const struct chain *chain = &chains[i];
		unsigned int len, n, wanted;
		struct ipd_place place;
		struct sk_buff *skb;
		u8 packet[256];

		len = write_chain(packet, chain);
		skb = sa_test_skb(test->priv, packet, len, 64, 0);
		KUNIT_EXPECT_EQ_MSG(test, ipd_encap_place_output(skb, V6, &place), chain->output,
				    "chain %d", i);
		if (!chain->output) {
			wanted = chain->n_before;
			KUNIT_EXPECT_EQ_MSG(test, place.header, 40 + 8 * wanted, "chain %d", i);
			KUNIT_EXPECT_EQ_MSG(test, place.name, wanted ? 40 + 8 * (wanted - 1) : 6,
					    "chain %d", i);
			KUNIT_EXPECT_EQ_MSG(test, place.protocol, packet[place.name], "chain %d", i);
		}
		KUNIT_EXPECT_EQ_MSG(test, ipd_encap_place_input(skb, V6, &place), chain->input,
				    "chain %d", i);
		for (n = 0; chain->headers[n] != END; n++)
			;
		if (!chain->input) {
			KUNIT_EXPECT_EQ_MSG(test, place.header, 40 + 8 * n, "chain %d", i);
			KUNIT_EXPECT_EQ_MSG(test, place.protocol, chain->last, "chain %d", i);
		}
		kfree_skb(skb);
		/* cut within the chain: an error, never a place behind the end */
		for (wanted = 40; wanted < 40 + 8 * n; wanted++) {
			skb = sa_test_skb(test->priv, packet, wanted, 0, 0);
			if (!ipd_encap_place_output(skb, V6, &place))
				KUNIT_EXPECT_LE(test, (unsigned int)place.header, wanted);
			if (!ipd_encap_place_input(skb, V6, &place))
				KUNIT_EXPECT_LE(test, (unsigned int)place.header, wanted);
			kfree_skb(skb);
		}
	}
}

/* what still has stops to make is not for this host, whatever is inside */
static void encap_stops(struct kunit *test)
{
	static const struct chain chain = { { HOP, ROUTE, END }, ESP };
	struct ipd_place place;
	struct sk_buff *skb;
	u8 packet[256];
	unsigned int len = write_chain(packet, &chain);

	packet[48 + 3] = 1;
	skb = sa_test_skb(test->priv, packet, len, 0, 0);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_input(skb, V6, &place), -ENOENT);
	kfree_skb(skb);
}

static void encap_ipv4(struct kunit *test)
{
	struct ipd_place place;
	struct sk_buff *skb;
	u8 packet[128];
	int ihl;

	for (ihl = 0; ihl < 16; ihl++) {
		sa_test_write_packet(packet, V4, ESP, 80);
		packet[0] = 0x40 | ihl;
		skb = sa_test_skb(test->priv, packet, 50, 0, 0);
		KUNIT_EXPECT_EQ_MSG(test, ipd_encap_place_output(skb, V4, &place),
				    ihl < 5 || ihl * 4 > 50 ? -EBADMSG : 0, "%d words", ihl);
		KUNIT_EXPECT_EQ_MSG(test, ipd_encap_place_input(skb, V4, &place),
				    ihl < 5 || ihl * 4 > 50 ? -EBADMSG : 0, "%d words", ihl);
		if (ihl >= 5 && ihl * 4 <= 50) {
			KUNIT_EXPECT_EQ(test, (int)place.header, ihl * 4);
			KUNIT_EXPECT_EQ(test, (int)place.name, 9);
		}
		kfree_skb(skb);
	}
	sa_test_write_packet(packet, V4, UDP, 8);
	skb = sa_test_skb(test->priv, packet, 28, 0, 0);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_output(skb, V4, &place), 0);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_input(skb, V4, &place), -ENOENT);
	ip_hdr(skb)->frag_off = htons(IP_MF);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_output(skb, V4, &place), -EAGAIN);
	ip_hdr(skb)->frag_off = htons(1);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_output(skb, V4, &place), -EAGAIN);
	ip_hdr(skb)->frag_off = htons(IP_DF);
	KUNIT_EXPECT_EQ(test, ipd_encap_place_output(skb, V4, &place), 0);
	kfree_skb(skb);
}

/* --- in and out again ---------------------------------------------------- */

static void encap_push_pull(struct kunit *test)
{
	static const u8 mac[14] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const unsigned int lens[] = { 4, 16, 24, 44 };
	int i, l;

	for (i = 0; i < ARRAY_SIZE(chains); i++)
		for (l = 0; l < ARRAY_SIZE(lens) && !chains[i].output; l++) {
			unsigned int len, n = lens[l];
			struct ipd_place place;
			struct sk_buff *skb;
			u8 packet[256];

			len = write_chain(packet, &chains[i]);
			skb = sa_test_skb(test->priv, packet, len, 128, 0);
			KUNIT_ASSERT_EQ(test, ipd_encap_place_output(skb, V6, &place), 0);
			ipd_encap_push(skb, &place, n, ESP);
			KUNIT_EXPECT_EQ(test, ipd_encap_set_length(skb, V6), 0);
			KUNIT_EXPECT_EQ(test, skb->len, len + n);
			KUNIT_EXPECT_EQ(test, ntohs(ipv6_hdr(skb)->payload_len) + 40U, len + n);
			KUNIT_EXPECT_EQ(test, skb->data[place.name], (u8)ESP);
			KUNIT_EXPECT_EQ(test, skb_network_offset(skb), 0);
			KUNIT_EXPECT_EQ(test, skb_transport_offset(skb), (int)place.header);

			/* as it arrives: a link layer in front, transport header after the first */
			memcpy(skb->data - sizeof(mac), mac, sizeof(mac));
			skb_set_mac_header(skb, -(int)sizeof(mac));
			skb->mac_len = sizeof(mac);
			skb_set_transport_header(skb, 40);
			ipd_encap_pull(skb, &place, n, place.protocol);
			KUNIT_EXPECT_EQ(test, ipd_encap_set_length(skb, V6), 0);
			KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, packet, len),
					      "chain %d", i);
			KUNIT_EXPECT_EQ(test, skb_transport_offset(skb), 40);
			KUNIT_EXPECT_EQ(test, memcmp(skb_mac_header(skb), mac, sizeof(mac)), 0);
			KUNIT_EXPECT_PTR_EQ(test, skb_mac_header(skb) + 14, skb->data);
			kfree_skb(skb);
		}
}

/* --- what AH hashes ------------------------------------------------------ */

struct immutable {
	const char *name;
	u8 family;
	bool is_output;
	const char *before, *after;	/* NULL: malformed */
};

#define ADDRS	"20010db8000000000000000000000001" "20010db8000000000000000000000002"
#define A3	"20010db8000000000000000000000003"
#define A4	"20010db8000000000000000000000004"
#define A5	"20010db8000000000000000000000005"
#define S	"20010db8000000000000000000000001"
#define D	"20010db8000000000000000000000002"

static const struct immutable immutables[] = {
	{ "IPv4", V4, true, "45fc002c1234e0004033ffffc0000201c0000202",
	  "4500002c123400000033" "0000" "c0000201c0000202" },
	{ "options that stay: security, router alert, and padding", V4, true,
	  "4800002c1234000040330000c0000201c0000202" "820401ff940401ff" "01010100",
	  "4800002c1234000000330000c0000201c0000202" "820401ff940401ff" "01010100" },
	{ "options that change: record route, timestamp, stream id", V4, true,
	  "4900002c1234000040330000c0000201c0000202" "070708aabbccdd01" "44040500" "880401ff",
	  "4900002c1234000000330000c0000201c0000202" "0000000000000001" "00000000" "00000000" },
	{ "a source route, at its start: the last stop counts", V4, true,
	  "4800002c1234000040330000c0000201c0000202" "830b04" "c0000203" "c0000204" "00",
	  "4800002c1234000000330000c0000201c0000204" "000000" "00000000" "00000000" "00" },
	{ "the same, at its end", V4, false,
	  "4800002c1234000040330000c0000201c0000204" "830b0c" "c0000202" "c0000203" "00",
	  "4800002c1234000000330000c0000201c0000204" "000000" "00000000" "00000000" "00" },
	{ "an option that is too long", V4, true,
	  "4600002c1234000040330000c0000201c0000202" "07050401", NULL },
	{ "after the end, nothing is looked at", V4, true,
	  "4600002c1234000040330000c0000201c0000202" "00070504",
	  "4600002c1234000000330000c0000201c0000202" "00070504" },
	{ "IPv6", V6, true, "6abcdef0001833ff" ADDRS, "6000000000183300" ADDRS },
	{ "options that say so change, the others stay", V6, true,
	  "6000000000280040" ADDRS "3c00" "05020000" "0100" "3301" "3e020102" "1e04a1a2a3a4" "00000000",
	  "6000000000280000" ADDRS "3c00" "05020000" "0100" "3301" "3e020000" "1e04a1a2a3a4" "00000000" },
	{ "an option that is too long", V6, true,
	  "6000000000280040" ADDRS "3300" "3e05" "01020304", NULL },
	{ "a routing header with two stops to come", V6, true,
	  "60000000002b2b40" S A3 "3304" "0002" "00000000" A4 D,
	  "60000000002b2b00" S D "3304" "0000" "00000000" A3 A4 },
	{ "a routing header with one of two to come", V6, true,
	  "60000000002b2b40" S A4 "3304" "0001" "00000000" A3 D,
	  "60000000002b2b00" S D "3304" "0000" "00000000" A3 A4 },
	{ "a routing header that is through", V6, true,
	  "60000000002b2b40" S D "3304" "0000" "00000000" A3 A4,
	  "60000000002b2b00" S D "3304" "0000" "00000000" A3 A4 },
	{ "mobile IPv6", V6, true,
	  "60000000002b2b40" S A3 "3302" "0201" "00000000" D,
	  "60000000002b2b00" S D "3302" "0200" "00000000" A3 },
	{ "more stops than addresses", V6, true,
	  "60000000002b2b40" S A3 "3302" "0002" "00000000" D, NULL },
	{ "a routing header that nobody can foresee", V6, true,
	  "60000000002b2b40" S A3 "3302" "0401" "00000000" D, NULL },
};

static void encap_immutable(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(immutables); i++) {
		const struct immutable *this = &immutables[i];
		unsigned int len = strlen(this->before) / 2;
		u8 *buffer = kunit_kzalloc(test, len, GFP_KERNEL), wanted[256];
		int err;

		KUNIT_ASSERT_NOT_NULL(test, buffer);
		KUNIT_ASSERT_EQ(test, hex2bin(buffer, this->before, len), 0);
		err = ipd_encap_immutable(buffer, len, this->family, this->is_output);
		KUNIT_EXPECT_EQ_MSG(test, err, this->after ? 0 : -EBADMSG, "%s", this->name);
		if (!this->after)
			continue;
		KUNIT_ASSERT_EQ_MSG(test, strlen(this->after) / 2, (size_t)len, "%s", this->name);
		KUNIT_ASSERT_EQ(test, hex2bin(wanted, this->after, len), 0);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(buffer, wanted, len), 0, "%s: %*phN", this->name,
				    (int)min(len, 64U), buffer + len - min(len, 64U));
	}
}

static u32 random_state = 1;

static u8 rnd(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 24;
}

/* noise: whatever comes, nothing outside of the buffer is touched (KASAN looks on) */
static void encap_noise(struct kunit *test)
{
	unsigned int round, i, len, right = 0;

	for (round = 0; round < 20000; round++) {
		u8 family = round & 1 ? V6 : V4;
		u8 *buffer;

		len = family == V4 ? 20 + 4 * (rnd() % 11) : 40 + 8 * (rnd() % 6);
		buffer = kmalloc(len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buffer);
		for (i = 0; i < len; i++)
			buffer[i] = rnd() & rnd();	/* small numbers more often */
		if (family == V6)
			buffer[6] = ((const u8[]){ HOP, DEST, ROUTE, rnd() })[rnd() % 4];
		right += !ipd_encap_immutable(buffer, len, family, round & 2);
		kfree(buffer);
	}
	/* some of it was well formed, some was not, or this proves nothing */
	KUNIT_EXPECT_GT(test, right, 1000U);
	KUNIT_EXPECT_LT(test, right, 19000U);
}

static struct kunit_case encap_cases[] = {
	{ .name = "F15 F16 chains of IPv6 headers", .run_case = encap_chains },
	{ .name = "F15 F16 routing headers that are not through", .run_case = encap_stops },
	{ .name = "F15 F16 IPv4 headers", .run_case = encap_ipv4 },
	{ .name = "F15 F16 a header in and out again", .run_case = encap_push_pull },
	{ .name = "F15 what AH hashes of headers", .run_case = encap_immutable },
	{ .name = "F15 noise for headers", .run_case = encap_noise },
	{}
};

static struct kunit_suite encap_suite = {
	.name = "encap",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = encap_cases,
};

kunit_test_suite(encap_suite);
