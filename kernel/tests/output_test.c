// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes: what fits, TCP that is cut, its MSS, what is fragmented and who is told; checksums that
 * hardware was to compute, and whose packet it is afterwards.
 */
#include <kunit/test.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "../compat.h"
#include "../encap.h"
#include "../mss.h"
#include "../proto.h"
#include "sa_test.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define SHA512	IPSECDRV_INTEGRITY_HMAC_SHA512
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16
#define AH	IPSECDRV_CIPHER_NONE

static unsigned int header_len(u8 family)
{
	return family == V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* --- arithmetic --------------------------------------------------------- */

static const struct { u8 cipher, integrity; } algorithms[] = {
	{ IPSECDRV_CIPHER_NULL, SHA1 }, { IPSECDRV_CIPHER_3DES, IPSECDRV_INTEGRITY_HMAC_MD5 },
	{ CBC, NONE }, { CBC, SHA512 }, { GCM, NONE }, { AH, SHA1 }, { AH, SHA512 },
};

static void output_sizes(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	int i, family, payload;
	unsigned int n, most;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		for (family = V4; family <= V6; family += V6 - V4) {
			const struct ipd_proto_ops *proto;

			sa_test_pair(t, family, algorithms[i].cipher, 0, algorithms[i].integrity,
				     &out, &in);
			proto = out->proto;
			for (n = 0, most = 0; n < 300; n++) {
				unsigned int grown = proto->grown(&out->crypto, family, n);

				most = max(most, grown - n);
				payload = proto->payload_max(&out->crypto, family, n);
				if (payload < 0) {
					KUNIT_EXPECT_GT(test, proto->grown(&out->crypto, family, 0),
							n);
					continue;
				}
				KUNIT_EXPECT_LE(test, proto->grown(&out->crypto, family, payload),
						n);
				KUNIT_EXPECT_GT(test, proto->grown(&out->crypto, family,
								   payload + 1), n);
			}
			KUNIT_EXPECT_EQ(test, ipd_sa_overhead(out), most);
			sa_test_delete(t, out);
			sa_test_delete(t, in);
		}
}

/* --- TCP ---------------------------------------------------------------- */

#define PATTERN(i)	((u8)((i) * 31 + ((i) >> 8)))

/* writes IP and TCP headers with @options for @payload bytes; checksum right */
static unsigned int write_tcp(u8 *packet, u8 family, u8 flags, const u8 *options,
			      unsigned int options_len, unsigned int payload)
{
	unsigned int len = sizeof(struct tcphdr) + options_len + payload, i;
	unsigned int total = sa_test_write_packet(packet, family, IPPROTO_TCP, len);
	struct tcphdr *th = (struct tcphdr *)(packet + header_len(family));
	u8 *data = (u8 *)(th + 1) + options_len;

	memset(th, 0, sizeof(*th));
	th->source = htons(1000);
	th->dest = htons(2000);
	th->seq = htonl(0x10000);
	th->ack_seq = htonl(7);
	th->doff = (sizeof(*th) + options_len) / 4;
	((u8 *)th)[13] = flags;
	th->window = htons(4096);
	memcpy(th + 1, options, options_len);
	for (i = 0; i < payload; i++)
		data[i] = PATTERN(i);
	if (family == V4)
		th->check = csum_tcpudp_magic(((struct iphdr *)packet)->saddr,
					      ((struct iphdr *)packet)->daddr, len, IPPROTO_TCP,
					      csum_partial(th, len, 0));
	else
		th->check = csum_ipv6_magic(&((struct ipv6hdr *)packet)->saddr,
					    &((struct ipv6hdr *)packet)->daddr, len, IPPROTO_TCP,
					    csum_partial(th, len, 0));
	return total;
}

static bool has_right_checksum(const struct sk_buff *skb, u8 family, u8 protocol)
{
	unsigned int offset = header_len(family), len = skb->len - offset;
	__wsum sum = skb_checksum(skb, offset, len, 0);

	if (family == V4)
		return !csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, len, protocol,
					  sum);
	return !csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, len, protocol, sum);
}

/*
 * Takes what was sent, in order, and puts a stream together from it: every packet within @mtu,
 * all checksums right, the data complete.
 */
static void collect(struct sa_test *t, u8 family, unsigned int mtu, unsigned int payload,
		    unsigned int n_wanted)
{
	unsigned int got = 0, n = 0, wrong = 0, i;
	struct sk_buff *skb;
	u32 last = 0;
	u8 reason;

	while ((skb = skb_dequeue(&t->sent))) {
		struct tcphdr *th;
		bool is_ah = skb->data[family == V4 ? 9 : 6] == IPPROTO_AH;
		u32 seq = get_unaligned_be32(skb->data + header_len(family) + (is_ah ? 8 : 4));

		KUNIT_EXPECT_LE(t->test, skb->len, mtu);
		KUNIT_EXPECT_GT(t->test, seq, last);
		last = seq;
		KUNIT_ASSERT_EQ(t->test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_TRUE(t->test, has_right_checksum(skb, family, IPPROTO_TCP));
		th = (struct tcphdr *)(skb->data + header_len(family));
		KUNIT_EXPECT_EQ(t->test, ntohl(th->seq), 0x10000 + got);
		for (i = header_len(family) + th->doff * 4; i < skb->len; i++, got++)
			wrong += skb->data[i] != PATTERN(got);
		KUNIT_EXPECT_EQ(t->test, (int)th->psh, got == payload);
		n++;
		kfree_skb(skb);
	}
	KUNIT_EXPECT_EQ(t->test, got, payload);
	KUNIT_EXPECT_EQ(t->test, wrong, 0U);
	if (n_wanted)
		KUNIT_EXPECT_EQ(t->test, n, n_wanted);
}

/* one segment that was made for the link, not for ESP on it */
static void output_tcp_too_big(struct kunit *test)
{
	static const u8 options[12] = { 1, 1, 8, 10 };
	struct sa_test *t = test->priv;
	u8 *packet = kunit_kzalloc(test, 2000, GFP_KERNEL);
	unsigned int len, payload;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int family, i;

	KUNIT_ASSERT_NOT_NULL(test, packet);
	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		for (family = V4; family <= V6; family += V6 - V4) {
			sa_test_pair(t, family, algorithms[i].cipher, 0, algorithms[i].integrity,
				     &out, &in);
			t->dev->mtu = 1500;
			payload = 1500 - header_len(family) - sizeof(struct tcphdr) - 12;
			len = write_tcp(packet, family, 0x18, options, 12, payload);
			KUNIT_ASSERT_EQ(test, len, 1500U);
			sa_test_output(t, out, sa_test_skb(t, packet, len, 128, 64), &skb);
			KUNIT_EXPECT_NULL(test, skb);
			collect(t, family, 1500, payload, 2);
			/* the largest that fits is left alone */
			payload = out->proto->payload_max(&out->crypto, family,
							  1500 - header_len(family)) - 32;
			len = write_tcp(packet, family, 0x18, options, 12, payload);
			KUNIT_EXPECT_EQ(test, sa_test_output(t, out, sa_test_skb(t, packet, len, 128,
										 64), &skb),
					(unsigned int)NF_ACCEPT);
			skb_queue_tail(&t->sent, skb);
			collect(t, family, 1500, payload, 1);
			sa_test_delete(t, out);
			sa_test_delete(t, in);
		}
}

/* a GSO packet as TCP makes it: headers in the head, data in pages, partial checksum */
static struct sk_buff *gso_packet(struct sa_test *t, u8 family, unsigned int payload,
				  unsigned int gso_size)
{
	unsigned int headers = header_len(family) + sizeof(struct tcphdr), at = 0, len;
	u8 *packet = kzalloc(headers + payload, GFP_KERNEL);
	struct sk_buff *skb;
	struct tcphdr *th;

	KUNIT_ASSERT_NOT_NULL(t->test, packet);
	write_tcp(packet, family, 0x18, NULL, 0, payload);
	skb = sa_test_skb(t, packet, headers, 128, 0);
	while (at < payload) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(t->test, page);
		len = min_t(unsigned int, payload - at, PAGE_SIZE);
		memcpy(page_address(page), packet + headers + at, len);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, len, PAGE_SIZE);
		at += len;
	}
	kfree(packet);
	th = tcp_hdr(skb);
	if (family == V4)
		th->check = ~tcp_v4_check(skb->len - header_len(family), ip_hdr(skb)->saddr,
					  ip_hdr(skb)->daddr, 0);
	else
		th->check = ~tcp_v6_check(skb->len - header_len(family), &ipv6_hdr(skb)->saddr,
					  &ipv6_hdr(skb)->daddr, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
	skb_shinfo(skb)->gso_size = gso_size;
	skb_shinfo(skb)->gso_type = family == V4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(payload, gso_size);
	return skb;
}

static void output_gso(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *clone;
	struct ipd_sa *out, *in;
	int family, i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		for (family = V4; family <= V6; family += V6 - V4) {
			sa_test_pair(t, family, algorithms[i].cipher, 0, algorithms[i].integrity,
				     &out, &in);
			t->dev->mtu = 1500;
			/* segments for the link: too big once protected, so there are more of them */
			sa_test_output(t, out, gso_packet(t, family, 40000, 1440), &skb);
			collect(t, family, 1500, 40000, 0);
			/* segments that fit stay what they are */
			sa_test_output(t, out, gso_packet(t, family, 20000, 1000), &skb);
			collect(t, family, 1500, 20000, 20);
			/* the retransmission queue has a clone, which must not change */
			skb = gso_packet(t, family, 30000, 1440);
			clone = skb_clone(skb, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, clone);
			sa_test_output(t, out, skb, &skb);
			collect(t, family, 1500, 30000, 0);
			KUNIT_EXPECT_EQ(test, (int)skb_shinfo(clone)->gso_size, 1440);
			KUNIT_EXPECT_EQ(test, (int)skb_shinfo(clone)->gso_segs, 21);
			KUNIT_EXPECT_EQ(test, clone->len,
					30000U + header_len(family) + (u32)sizeof(struct tcphdr));
			kfree_skb(clone);
			sa_test_delete(t, out);
			sa_test_delete(t, in);
		}
}

/* an MTU that leaves no room for data */
static void output_gso_hopeless(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int mtu;

	sa_test_pair(t, V4, CBC, 0, SHA512, &out, &in);
	for (mtu = 68; mtu < 200; mtu++) {
		t->dev->mtu = mtu;
		memset(t->drops, 0, sizeof(t->drops));
		sa_test_output(t, out, gso_packet(t, V4, 3000, 1440), &skb);
		if (t->drops[IPSECDRV_DROP_TOO_BIG])
			KUNIT_EXPECT_LT_MSG(test, mtu, 137U, "MTU %u", mtu);
		else
			collect(t, V4, mtu, 3000, 0);
		skb_queue_purge(&t->sent);
	}
}

/* a burst whose packets go asynchronous, one of which fails: pitfall A7 */
static void output_gso_async(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	t->use_shim = true;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	t->dev->mtu = 1500;
	shim_mode = SHIM_LATER;
	sa_test_output(t, out, gso_packet(t, V4, 14000, 1400), &skb);
	KUNIT_EXPECT_EQ(test, shim_pending(), 10U);
	shim_complete(9, 0);
	shim_complete(3, -EIO);
	while (shim_pending())
		shim_complete(0, 0);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&t->sent), 9U);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_CRYPTO], 1U);
	shim_mode = SHIM_REFUSE;
	shim_error = -ENOSPC;
	sa_test_output(t, out, gso_packet(t, V4, 14000, 1400), &skb);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_CRYPTO], 11U);
}

/* --- MSS ---------------------------------------------------------------- */

struct mss_case {
	const char *options;	/* hex */
	int value;		/* where the MSS is in it, or -1 */
	u8 flags;
};

static const struct mss_case mss_cases[] = {
	{ "020405b4", 2, 0x02 },
	{ "020405b4", 2, 0x12 },
	{ "020405b40402080a0000000100000000", 2, 0x02 },
	/* at an odd place, where halves of the sum change places */
	{ "01020405b4010101", 3, 0x02 },
	{ "0101020405b40101", 4, 0x02 },
	{ "030307020405b400", 5, 0x12 },
	/* small enough already; no option; none to be believed; not a SYN */
	{ "02040200", -1, 0x02 },
	{ "01010402", -1, 0x02 },
	{ "", -1, 0x02 },
	{ "00020405b4000000", -1, 0x02 },
	{ "020305b4", -1, 0x02 },
	{ "0b00020405b40101", -1, 0x02 },
	{ "01010204", -1, 0x02 },
	{ "01010102", -1, 0x02 },
	{ "020405b4", -1, 0x10 },
};

static void check_mss(struct sa_test *t, struct ipd_sa *out, u8 family, const struct mss_case *this,
		      int n)
{
	unsigned int len, options_len = strlen(this->options) / 2, most, at;
	u8 options[40], packet[256], reason;
	struct kunit *test = t->test;
	struct sk_buff *skb;

	KUNIT_ASSERT_EQ(test, hex2bin(options, this->options, options_len), 0);
	len = write_tcp(packet, family, this->flags, options, options_len, 0);
	most = out->proto->payload_max(&out->crypto, family, 1500 - header_len(family)) - 20;
	/* out, and in again: the second end finds nothing left to do */
	sa_test_output(t, out, sa_test_skb(t, packet, len, 128, 128), &skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, sa_test_input(t, skb, &reason), 0);
	KUNIT_EXPECT_TRUE_MSG(test, has_right_checksum(skb, family, IPPROTO_TCP), "case %d", n);
	if (this->value < 0) {
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, packet, len), "case %d", n);
	} else {
		at = header_len(family) + sizeof(struct tcphdr) + this->value;
		KUNIT_EXPECT_EQ_MSG(test, (unsigned int)get_unaligned_be16(skb->data + at), most,
				    "case %d", n);
	}
	kfree_skb(skb);
}

static void output_mss(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	int i, family;

	t->dev->mtu = 1500;
	for (family = V4; family <= V6; family += V6 - V4) {
		sa_test_pair(t, family, CBC, 0, SHA1, &out, &in);
		for (i = 0; i < ARRAY_SIZE(mss_cases); i++)
			check_mss(t, out, family, &mss_cases[i], i);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
}

/* the other end does not lower it, so this one has to when it comes in */
static void output_mss_inbound(struct kunit *test)
{
	static const u8 options[4] = { 2, 4, 0xff, 0xff };
	struct sa_test *t = test->priv;
	u8 packet[128], reason;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int len;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	t->dev->mtu = 65535 + 200;
	len = write_tcp(packet, V4, 0x02, options, 4, 0);
	sa_test_output(t, out, sa_test_skb(t, packet, len, 128, 128), &skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	t->dev->mtu = 1400;
	KUNIT_ASSERT_EQ(test, sa_test_input(t, skb, &reason), 0);
	KUNIT_EXPECT_EQ(test, (int)get_unaligned_be16(skb->data + 42),
			out->proto->payload_max(&out->crypto, V4, 1380) - 20);
	KUNIT_EXPECT_TRUE(test, has_right_checksum(skb, V4, IPPROTO_TCP));
	kfree_skb(skb);
}

/* IPv6 destination options in front of TCP */
static void output_find_tcp(struct kunit *test)
{
	struct ipd_place place = { .header = 40, .name = 6, .protocol = NEXTHDR_DEST };
	struct sa_test *t = test->priv;
	struct sk_buff *skb;
	u8 packet[128];

	sa_test_write_packet(packet, V6, NEXTHDR_DEST, 40);
	memset(packet + 40, 0, 8);
	packet[40] = IPPROTO_TCP;
	skb = sa_test_skb(t, packet, 80, 0, 0);
	KUNIT_EXPECT_EQ(test, ipd_mss_find_tcp(skb, &place), 48);
	skb->data[40] = IPPROTO_UDP;
	KUNIT_EXPECT_EQ(test, ipd_mss_find_tcp(skb, &place), -1);
	skb->data[40] = IPPROTO_TCP;
	skb_trim(skb, 67);
	KUNIT_EXPECT_EQ(test, ipd_mss_find_tcp(skb, &place), -1);
	kfree_skb(skb);
}

/* --- what is too big and not TCP ---------------------------------------- */

static void output_udp_too_big(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	u8 reason;

	t->dev->mtu = 1500;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	/* DF goes, and an identification comes: the packet will be in fragments */
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 1472);
	ip_hdr(skb)->id = 0;
	ip_send_check(ip_hdr(skb));
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &skb), (unsigned int)NF_ACCEPT);
	KUNIT_EXPECT_GT(test, skb->len, 1500U);
	KUNIT_EXPECT_EQ(test, ip_hdr(skb)->frag_off, 0);
	KUNIT_EXPECT_NE(test, ip_hdr(skb)->id, 0);
	KUNIT_EXPECT_EQ(test, ip_fast_csum(ip_hdr(skb), 5), 0);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	kfree_skb(skb);
	/* what fits keeps it */
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 1000), &skb);
	KUNIT_EXPECT_EQ(test, ip_hdr(skb)->frag_off, htons(IP_DF));
	kfree_skb(skb);
	/* forwarded: its sender is told, not helped */
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 1472);
	IPCB(skb)->flags |= IPSKB_FORWARDED;
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &skb),
			NF_STOLEN | (EMSGSIZE << NF_VERDICT_QBITS));
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_TOO_BIG], 1U);
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 1472);
	ip_hdr(skb)->frag_off = 0;
	IPCB(skb)->flags |= IPSKB_FORWARDED;
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &skb), (unsigned int)NF_ACCEPT);
	kfree_skb(skb);
}

static void output_udp_too_big_ipv6(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	t->dev->mtu = 1300;
	sa_test_pair(t, V6, GCM, 0, NONE, &out, &in);
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 1260), &skb),
			(unsigned int)NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, (int)skb->ignore_df, 1);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, sa_test_packet(t, V6, IPPROTO_UDP, 900), &skb),
			(unsigned int)NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, (int)skb->ignore_df, 0);
	kfree_skb(skb);
	skb = sa_test_packet(t, V6, IPPROTO_UDP, 1260);
	IP6CB(skb)->flags |= IP6SKB_FORWARDED;
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &skb),
			NF_STOLEN | (EMSGSIZE << NF_VERDICT_QBITS));
	/* what every link has to carry is carried */
	skb = sa_test_packet(t, V6, IPPROTO_UDP, 1280 - 40);
	IP6CB(skb)->flags |= IP6SKB_FORWARDED;
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &skb), (unsigned int)NF_ACCEPT);
	KUNIT_EXPECT_EQ(test, (int)skb->ignore_df, 1);
	kfree_skb(skb);
}

static void output_fragments(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 80);
	ip_hdr(skb)->frag_off = htons(IP_MF);
	sa_test_output(t, out, skb, &skb);
	KUNIT_EXPECT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_FRAGMENT], 1U);
}

/* --- sockets ------------------------------------------------------------ */

static struct socket *new_socket(struct kunit *test)
{
	struct socket *sock;

	KUNIT_ASSERT_EQ(test, sock_create_kern(&init_net, AF_INET, SOCK_DGRAM, IPPROTO_UDP, &sock),
			0);
	return sock;
}

/* a socket that wants to know is told; one that does not is not bothered */
static void output_pmtudisc(struct kunit *test)
{
	struct socket *sock = new_socket(test);
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int how;

	t->dev->mtu = 1500;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	for (how = IP_PMTUDISC_DONT; how <= IP_PMTUDISC_OMIT; how++) {
		bool wants = how == IP_PMTUDISC_DO || how == IP_PMTUDISC_PROBE;
		unsigned int verdict;

		inet_sk(sock->sk)->pmtudisc = how;
		skb = sa_test_packet(t, V4, IPPROTO_UDP, 1472);
		skb_set_owner_w(skb, sock->sk);
		verdict = sa_test_output(t, out, skb, &skb);
		KUNIT_EXPECT_EQ_MSG(test, verdict, wants ? NF_STOLEN | (EMSGSIZE << NF_VERDICT_QBITS) :
						   (unsigned int)NF_ACCEPT, "%d", how);
		kfree_skb(skb);
	}
	sock_release(sock);
}

/* the packet stays its socket's, in place or copied, and is paid back once: pitfalls B8, F6 */
static void output_owner(struct kunit *test)
{
	struct socket *sock = new_socket(test);
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *bare;
	struct ipd_sa *out, *in;
	int before, i;

	t->dev->mtu = 1500;
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	before = refcount_read(&sock->sk->sk_wmem_alloc);
	for (i = 0; i < 2; i++) {
		skb = sa_test_packet(t, V4, IPPROTO_UDP, 100);
		if (i) {
			/* no room at all */
			bare = skb_copy_expand(skb, 0, 0, GFP_KERNEL);
			kfree_skb(skb);
			skb = bare;
			KUNIT_ASSERT_NOT_NULL(test, skb);
			skb->dev = t->dev;
		}
		skb_set_owner_w(skb, sock->sk);
		KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &skb), (unsigned int)NF_ACCEPT);
		KUNIT_EXPECT_PTR_EQ(test, skb->sk, sock->sk);
		kfree_skb(skb);
		KUNIT_EXPECT_EQ(test, (int)refcount_read(&sock->sk->sk_wmem_alloc), before);
	}
	sock_release(sock);
}

/* --- checksums ---------------------------------------------------------- */

/* hardware would have done it; it cannot any more: pitfall F3 */
static void output_checksum(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	struct udphdr *uh;
	u8 reason;
	int family;

	t->dev->mtu = 1500;
	for (family = V4; family <= V6; family += V6 - V4) {
		sa_test_pair(t, family, GCM, 0, NONE, &out, &in);
		skb = sa_test_packet(t, family, IPPROTO_UDP, 301);
		uh = (struct udphdr *)(skb->data + header_len(family));
		uh->len = htons(301);
		if (family == V4)
			uh->check = ~csum_tcpudp_magic(ip_hdr(skb)->saddr, ip_hdr(skb)->daddr, 301,
						       IPPROTO_UDP, 0);
		else
			uh->check = ~csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr,
						     301, IPPROTO_UDP, 0);
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = (u8 *)uh - skb->head;
		skb->csum_offset = offsetof(struct udphdr, check);
		sa_test_output(t, out, skb, &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_NONE);
		/* what hardware says of the protected packet means nothing for the one inside */
		skb->ip_summed = CHECKSUM_COMPLETE;
		skb->csum = 12345;
		KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
		KUNIT_EXPECT_TRUE(test, has_right_checksum(skb, family, IPPROTO_UDP));
		KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_UNNECESSARY);
		kfree_skb(skb);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
	/* without authentication there is nothing to rely on */
	sa_test_pair(t, V4, CBC, 0, NONE, &out, &in);
	sa_test_output(t, out, sa_test_packet(t, V4, IPPROTO_UDP, 50), &skb);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_NONE);
	kfree_skb(skb);
}

/* the qdisc's answer reaches the sender as far as a verdict can carry it */
static void output_results(struct kunit *test)
{
	static const struct { int result; unsigned int verdict; } results[] = {
		{ 0, NF_STOLEN }, { NET_XMIT_CN, NF_STOLEN },
		{ NET_XMIT_DROP, NF_STOLEN | (ENOBUFS << NF_VERDICT_QBITS) },
		{ -ENETDOWN, NF_STOLEN | (ENETDOWN << NF_VERDICT_QBITS) },
	};
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int i;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	t->dev->mtu = 1500;
	for (i = 0; i < ARRAY_SIZE(results); i++) {
		t->send_result = results[i].result;
		KUNIT_EXPECT_EQ(test, sa_test_output(t, out, gso_packet(t, V4, 4000, 1000), &skb),
				results[i].verdict);
		skb_queue_purge(&t->sent);
	}
}

static int output_init(struct kunit *test)
{
	int err = shim_register();

	return err ?: sa_test_init(test);
}

static void output_exit(struct kunit *test)
{
	sa_test_exit(test);
	shim_unregister();
}

static struct kunit_case output_cases[] = {
	{ .name = "F16 what fits and what does not", .run_case = output_sizes },
	{ .name = "F16 a TCP segment that is too big", .run_case = output_tcp_too_big },
	{ .name = "F16 GSO", .run_case = output_gso },
	{ .name = "F16 GSO with no room for data", .run_case = output_gso_hopeless },
	{ .name = "F16 GSO and crypto code that answers later", .run_case = output_gso_async },
	{ .name = "F16 the MSS of TCP", .run_case = output_mss },
	{ .name = "F16 the MSS of a peer that does not care", .run_case = output_mss_inbound },
	{ .name = "F16 TCP behind destination options", .run_case = output_find_tcp },
	{ .name = "F16 UDP that is too big, IPv4", .run_case = output_udp_too_big },
	{ .name = "F16 UDP that is too big, IPv6", .run_case = output_udp_too_big_ipv6 },
	{ .name = "F16 fragments are refused", .run_case = output_fragments },
	{ .name = "F16 sockets that want to know", .run_case = output_pmtudisc },
	{ .name = "F16 whose packet it is", .run_case = output_owner },
	{ .name = "F16 checksums", .run_case = output_checksum },
	{ .name = "F16 what the sender is told", .run_case = output_results },
	{}
};

static struct kunit_suite output_suite = {
	.name = "output",
	.init = output_init,
	.exit = output_exit,
	.test_cases = output_cases,
};

kunit_test_suite(output_suite);
