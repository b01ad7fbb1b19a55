// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP: known packets byte for byte in both directions, every damage to a packet, every padding,
 * every shape of an skb.
 */
#include <crypto/aead.h>
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kernel.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <net/ip.h>

#include "geometry.h"
#include "sa_test.h"

struct esp_vector {
	u8 family, cipher, key_len, integrity;
	const char *packet;
};

#include "esp_packets.h"

#define V4	NFPROTO_IPV4
#define V6	NFPROTO_IPV6
#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN
#define NONE	IPSECDRV_INTEGRITY_NONE
#define SHA1	IPSECDRV_INTEGRITY_HMAC_SHA1
#define CBC	IPSECDRV_CIPHER_AES_CBC
#define GCM	IPSECDRV_CIPHER_AES_GCM_16

static unsigned int header_len(u8 family)
{
	return family == V4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* an IP packet of @protocol around the bytes that @hex stands for */
static unsigned int wrap_hex(struct kunit *test, u8 *buffer, u8 family, u8 protocol,
			     const char *hex)
{
	unsigned int len = strlen(hex) / 2;
	unsigned int total = sa_test_write_packet(buffer, family, protocol, len);

	KUNIT_ASSERT_EQ(test, hex2bin(buffer + header_len(family), hex, len), 0);
	return total;
}

/* --- known answers ------------------------------------------------------ */

static void esp_known_packets(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 plain[128], packet[256], iv[16], reason;
	int i;

	KUNIT_ASSERT_EQ(test, hex2bin(iv, PACKETS_IV, 16), 0);
	for (i = 0; i < ARRAY_SIZE(esp_vectors); i++) {
		const struct esp_vector *vector = &esp_vectors[i];
		unsigned int len = strlen(vector->packet) / 2, plain_len;
		struct ipd_sa *out, *in;
		struct sk_buff *skb;

		KUNIT_ASSERT_EQ(test, hex2bin(packet, vector->packet, len), 0);
		plain_len = sa_test_write_packet(plain, vector->family, IPPROTO_UDP, 37);
		sa_test_pair(t, vector->family, vector->cipher, vector->key_len, vector->integrity,
			     &out, &in);
		atomic64_set(&out->sequence, PACKETS_SEQUENCE - 1);
		t->random = iv;
		sa_test_output(t, out, sa_test_skb(t, plain, plain_len, 128, 128), &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, packet, len), "out, vector %d", i);
		kfree_skb(skb);

		skb = sa_test_skb(t, packet, len, 0, 0);
		KUNIT_EXPECT_EQ_MSG(test, sa_test_input(t, skb, &reason), 0, "reason %u", reason);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, plain, plain_len),
				      "in, vector %d", i);
		kfree_skb(skb);
		sa_test_delete(t, out);
		sa_test_delete(t, in);
	}
}

struct rfc_vector {
	u8 cipher, key_len, next;
	u32 spi, seq;
	const char *key, *payload, *packet;
	bool is_inbound_only;
};

static const struct rfc_vector rfc_vectors[] = {
	/* RFC 3602, section 4, cases 5 to 8 */
	{ CBC, 16, 1, 0x4321, 1, "90d382b410eeba7ad938c46cec1a82bf",
	  "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f1011121314151617"
	  "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
	  "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849"
	  "a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c"
	  "538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6" },
	{ CBC, 16, 1, 0x4321, 8, "90d382b410eeba7ad938c46cec1a82bf",
	  "0800b5e8a80a0500a69c083d0b660e00777777777777777777777777",
	  "000043210000000869d08df7d203329db093fc4924e5bd80f51995881ec4e0c4488987ce742e8109"
	  "689bb379d2d750c0d915dca346a89f75" },
	{ CBC, 16, 4, 0x8765, 2, "0123456789abcdef0123456789abcdef",
	  "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a20400"
	  "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
	  "2c2d2e2f3031323334353637",
	  "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5ed611b0c"
	  "237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c647752e94a859352b"
	  "8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d" },
	{ CBC, 16, 4, 0x8765, 5, "0123456789abcdef0123456789abcdef",
	  "45000044090c00004001f990c0a87b03c0a87bc80800d63caa0a0200c69c083da3de0300"
	  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	  "000087650000000585d47224b5f3dd5d2101d4ea8dffab2215b92683819596a8047232cc00f7048f"
	  "e45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb3512e5de"
	  "435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892" },
	/*
	 * draft-mcgrew-gcm-test-01, those without extended numbers and with an SPI that is not
	 * reserved. Their IVs are not sequence numbers, so they only go in.
	 */
	{ GCM, 20, 1, 0xa5f8, 10, "feffe9928665731c6d6a8f9467308308cafebabe",
	  "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d0010000010000"
	  "00000000037369700963796265726369747902646b0000010001",
	  "0000a5f80000000afacedbaddecaf888deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f"
	  "1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1"
	  "83b70d3aa8bc6ee4c309e9d85a41ad4a", true },
	{ GCM, 36, 1, 0x4a2cbfe3, 2,
	  "abbccddef00112233445566778899aababbccddef00112233445566778899aab11223344",
	  "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee00000000070024000"
	  "20bf0000020405b401010402",
	  "4a2cbfe3000000020102030405060708ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf"
	  "06efae9d65a5d763748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf831824b4c49"
	  "15956c96", true },
	{ GCM, 20, 1, 0x335467ae, 0xffffffff, "7d773d00c144c525ac619d18c84a3f47d9664267",
	  "", "335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822bac961c4504bef270", true },
};

static void rfc_config(struct kunit *test, struct ipd_sa_config *config,
		       const struct rfc_vector *vector, u8 direction)
{
	sa_test_config(config, V4, direction, vector->cipher, vector->key_len, NONE);
	KUNIT_ASSERT_EQ(test, hex2bin(config->cipher_key, vector->key, vector->key_len), 0);
	config->spi = htonl(vector->spi);
	if (direction == IN) {
		swap(config->local, config->remote);
		swap(config->selector.local, config->selector.remote);
	}
}

static void check_rfc_vector(struct sa_test *t, const struct rfc_vector *vector)
{
	struct kunit *test = t->test;
	u8 plain[256], packet[256], reason;
	struct ipd_sa_config config;
	unsigned int len, plain_len;
	struct sk_buff *skb;
	struct ipd_sa *sa;

	plain_len = wrap_hex(test, plain, V4, vector->next, vector->payload);
	len = wrap_hex(test, packet, V4, IPPROTO_ESP, vector->packet);
	rfc_config(test, &config, vector, IN);
	sa = sa_test_install(t, &config);
	skb = sa_test_skb(t, packet, len, 0, 0);
	KUNIT_EXPECT_EQ_MSG(test, sa_test_input(t, skb, &reason), 0, "reason %u", reason);
	KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, plain, plain_len));
	kfree_skb(skb);
	sa_test_delete(t, sa);
	if (vector->is_inbound_only)
		return;

	rfc_config(test, &config, vector, OUT);
	sa = sa_test_install(t, &config);
	atomic64_set(&sa->sequence, vector->seq - 1);
	t->random = packet + 20 + 8;
	sa_test_output(t, sa, sa_test_skb(t, plain, plain_len, 128, 128), &skb);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_TRUE(test, sa_test_is_packet(skb, packet, len));
	kfree_skb(skb);
	sa_test_delete(t, sa);
}

static void esp_rfc_packets(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rfc_vectors); i++)
		check_rfc_vector(test->priv, &rfc_vectors[i]);
}

/* --- there and back ----------------------------------------------------- */

/* one packet out and in again: what came in must be what went out */
static void there_and_back(struct sa_test *t, struct ipd_sa *out, const u8 *plain,
			   unsigned int len)
{
	struct sk_buff *skb, *arrived;
	u8 reason;
	int err;

	sa_test_output(t, out, sa_test_skb(t, plain, len, 128, 128), &skb);
	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	arrived = sa_test_copy(t, skb);
	kfree_skb(skb);
	err = sa_test_input(t, arrived, &reason);
	KUNIT_EXPECT_EQ_MSG(t->test, err, 0, "%u bytes: reason %u", len, reason);
	KUNIT_EXPECT_TRUE_MSG(t->test, sa_test_is_packet(arrived, plain, len), "%u bytes", len);
	kfree_skb(arrived);
}

static void esp_all_lengths(struct kunit *test)
{
	static const struct { u8 cipher, integrity; } algorithms[] = {
		{ IPSECDRV_CIPHER_NULL, SHA1 }, { IPSECDRV_CIPHER_DES, IPSECDRV_INTEGRITY_HMAC_MD5 },
		{ IPSECDRV_CIPHER_3DES, SHA1 }, { CBC, IPSECDRV_INTEGRITY_HMAC_SHA256 },
		{ CBC, IPSECDRV_INTEGRITY_HMAC_SHA512 }, { CBC, NONE }, { GCM, NONE },
	};
	static const unsigned int long_ones[] = { 1400, 1472, 4095, 4096, 8000, 32768, 65000 };
	struct sa_test *t = test->priv;
	u8 *plain = kunit_kzalloc(test, 66000, GFP_KERNEL);
	struct ipd_sa *out, *in;
	int i, family, n;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		for (family = V4; family <= V6; family += V6 - V4) {
			sa_test_pair(t, family, algorithms[i].cipher, 0, algorithms[i].integrity,
				     &out, &in);
			t->dev->mtu = 65535;
			for (n = 0; n < 80; n++)
				there_and_back(t, out, plain,
					       sa_test_write_packet(plain, family, 17, n));
			for (n = 0; n < ARRAY_SIZE(long_ones); n++)
				there_and_back(t, out, plain,
					       sa_test_write_packet(plain, family, 17,
								    long_ones[n]));
			KUNIT_EXPECT_EQ(test, atomic64_read(&out->sequence),
					80LL + ARRAY_SIZE(long_ones));
			KUNIT_EXPECT_EQ(test, in->replay->top,
					algorithms[i].integrity || algorithms[i].cipher == GCM ?
						80ULL + ARRAY_SIZE(long_ones) : 0ULL);
			sa_test_delete(t, out);
			sa_test_delete(t, in);
		}
}

/* what does not fit into the length field of IP is too big, not wrong: pitfall A2 */
static void esp_too_long(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	unsigned int verdict;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	t->dev->mtu = 65535;
	skb = sa_test_packet(t, V4, 17, 65535 - 20);
	/* DF off, so that the MTU does not matter */
	ip_hdr(skb)->frag_off = 0;
	verdict = sa_test_output(t, out, skb, &skb);
	KUNIT_EXPECT_EQ(test, verdict, NF_STOLEN | (EMSGSIZE << NF_VERDICT_QBITS));
	KUNIT_EXPECT_EQ(test, t->drops[IPSECDRV_DROP_TOO_BIG], 1U);
}

/* --- damage ------------------------------------------------------------- */

/* a packet under @out, as it arrives */
static unsigned int protected_bytes(struct sa_test *t, struct ipd_sa *out, u8 family,
				    unsigned int payload, u8 *buffer)
{
	struct sk_buff *skb;
	unsigned int len;

	sa_test_output(t, out, sa_test_packet(t, family, IPPROTO_UDP, payload), &skb);
	KUNIT_ASSERT_NOT_NULL(t->test, skb);
	len = skb->len;
	skb_copy_bits(skb, 0, buffer, len);
	kfree_skb(skb);
	return len;
}

static int arrive(struct sa_test *t, const u8 *packet, unsigned int len, u8 *ret_reason)
{
	struct sk_buff *skb = sa_test_skb(t, packet, len, 0, 0);
	int err = sa_test_input(t, skb, ret_reason);

	kfree_skb(skb);
	return err;
}

static void flip_all_bits(struct kunit *test, u8 family, u8 cipher, u8 integrity)
{
	struct sa_test *t = test->priv;
	unsigned int len, at, bit, wrong = 0;
	unsigned int seen[__IPSECDRV_DROP_MAX] = {}, unknown = 0;
	struct ipd_sa *out, *in;
	u8 packet[256], reason;
	int err;

	sa_test_pair(t, family, cipher, 0, integrity, &out, &in);
	/* an earlier packet, so that smaller numbers are old */
	len = protected_bytes(t, out, family, 23, packet);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), 0);
	len = protected_bytes(t, out, family, 23, packet);
	for (at = header_len(family); at < len; at++)
		for (bit = 0; bit < 8; bit++) {
			packet[at] ^= BIT(bit);
			err = arrive(t, packet, len, &reason);
			packet[at] ^= BIT(bit);
			if (err == -ENOENT && at < header_len(family) + 4)
				unknown++;
			else if (err && err != -EINPROGRESS && err != -ENOENT)
				seen[reason]++;
			else
				wrong++;
		}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	/* every bit of the SPI; of number 2, bit 1 gives 0 and bits 0 and 1 nothing old but that */
	KUNIT_EXPECT_EQ(test, unknown, 32U);
	KUNIT_EXPECT_EQ(test, seen[IPSECDRV_DROP_REPLAY], 1U);
	KUNIT_EXPECT_EQ(test, seen[IPSECDRV_DROP_INTEGRITY],
			8 * (len - header_len(family)) - 32 - 1);
	KUNIT_EXPECT_EQ(test, SA_TEST_COUNTER(in, integrity_drops), (u64)seen[IPSECDRV_DROP_INTEGRITY]);
	KUNIT_EXPECT_EQ(test, SA_TEST_COUNTER(in, replay_drops), 1ULL);
	KUNIT_EXPECT_EQ(test, SA_TEST_COUNTER(in, packets), 1ULL);
	/* none of them has done anything to the window */
	KUNIT_EXPECT_EQ(test, in->replay->top, 1ULL);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), 0);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -EALREADY);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_REPLAY);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

static void esp_bit_flips(struct kunit *test)
{
	flip_all_bits(test, V4, GCM, NONE);
	flip_all_bits(test, V6, GCM, NONE);
	flip_all_bits(test, V4, CBC, SHA1);
	flip_all_bits(test, V6, IPSECDRV_CIPHER_NULL, IPSECDRV_INTEGRITY_HMAC_SHA384);
	flip_all_bits(test, V4, IPSECDRV_CIPHER_3DES, IPSECDRV_INTEGRITY_HMAC_MD5);
}

/* cut anywhere, with a length in the IP header that agrees and with one that does not matter */
static void cut_everywhere(struct kunit *test, u8 family, u8 cipher, u8 integrity)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	unsigned int len, cut;
	u8 packet[256], reason;
	int err;

	sa_test_pair(t, family, cipher, 0, integrity, &out, &in);
	len = protected_bytes(t, out, family, 23, packet);
	for (cut = header_len(family); cut < len; cut++) {
		err = arrive(t, packet, cut, &reason);
		KUNIT_EXPECT_LT_MSG(test, err, 0, "%u of %u bytes", cut, len);
		KUNIT_EXPECT_TRUE_MSG(test, reason == IPSECDRV_DROP_MALFORMED ||
					    reason == IPSECDRV_DROP_INTEGRITY,
				      "%u of %u bytes: reason %u", cut, len, reason);
	}
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), 0);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

/* pitfall A5 */
static void esp_truncation(struct kunit *test)
{
	cut_everywhere(test, V4, GCM, NONE);
	cut_everywhere(test, V6, GCM, NONE);
	cut_everywhere(test, V4, CBC, SHA1);
	cut_everywhere(test, V6, IPSECDRV_CIPHER_DES, IPSECDRV_INTEGRITY_HMAC_SHA512);
	cut_everywhere(test, V4, IPSECDRV_CIPHER_NULL, SHA1);
}

/* --- an authentic packet with nonsense inside --------------------------- */

/* what @sa makes of @text, trailer included: the number has to grow */
static unsigned int forge(struct sa_test *t, struct ipd_sa *sa, u32 seq, const u8 *text,
			  unsigned int text_len, u8 *packet)
{
	unsigned int header = 8 + sa->crypto.iv_len, len = header + text_len + sa->crypto.icv_len;
	unsigned int total = sa_test_write_packet(packet, V4, IPPROTO_ESP, len);
	struct aead_request *req = aead_request_alloc(sa->crypto.aead, GFP_KERNEL);
	u8 *buffer = kzalloc(len + 16, GFP_KERNEL);
	DECLARE_CRYPTO_WAIT(wait);
	struct scatterlist sg;

	KUNIT_ASSERT_NOT_NULL(t->test, req);
	KUNIT_ASSERT_NOT_NULL(t->test, buffer);
	memcpy(buffer, &sa->params.spi, 4);
	*(__be32 *)(buffer + 4) = htonl(seq);
	memset(buffer + 8, seq, sa->crypto.iv_len);
	memcpy(buffer + header, text, text_len);
	memset(buffer + len, seq, 16);			/* the IV of the request */
	sg_init_one(&sg, buffer, len);
	aead_request_set_callback(req, 0, crypto_req_done, &wait);
	aead_request_set_ad(req, header);
	aead_request_set_crypt(req, &sg, &sg, text_len, buffer + len);
	KUNIT_ASSERT_EQ(t->test, crypto_wait_req(crypto_aead_encrypt(req), &wait), 0);
	memcpy(packet + 20, buffer, len);
	kfree(buffer);
	aead_request_free(req);
	return total;
}

/* payload, then @pad bytes of padding 1, 2, 3 ..., then the trailer */
static unsigned int write_text(u8 *text, unsigned int payload, unsigned int pad, u8 next)
{
	unsigned int i;

	for (i = 0; i < payload; i++)
		text[i] = i * 5 + 3;
	for (i = 0; i < pad; i++)
		text[payload + i] = i + 1;
	text[payload + pad] = pad;
	text[payload + pad + 1] = next;
	return payload + pad + 2;
}

static void esp_padding(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 *text = kunit_kzalloc(test, 600, GFP_KERNEL);
	u8 *packet = kunit_kzalloc(test, 800, GFP_KERNEL);
	u8 plain[600], reason;
	unsigned int pad, payload, len, plain_len, seq = 0;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	int at;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_NOT_NULL(test, packet);
	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	for (pad = 0; pad <= 255; pad++) {
		/* a payload that makes the sum a multiple of 4 */
		payload = 8 + (4 - (pad + 2) % 4) % 4;
		len = write_text(text, payload, pad, IPPROTO_UDP);
		len = forge(t, out, ++seq, text, len, packet);
		plain_len = sa_test_write_packet(plain, V4, IPPROTO_UDP, payload);
		skb = sa_test_skb(t, packet, len, 0, 0);
		KUNIT_EXPECT_EQ_MSG(test, sa_test_input(t, skb, &reason), 0, "padding %u", pad);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(skb, plain, plain_len), "%u", pad);
		kfree_skb(skb);
		/* one wrong byte, first, last and in the middle */
		for (at = 0; at < (int)pad; at += max_t(int, pad / 2, 1)) {
			len = write_text(text, payload, pad, IPPROTO_UDP);
			text[payload + at] ^= 0x40;
			len = forge(t, out, ++seq, text, len, packet);
			KUNIT_EXPECT_EQ_MSG(test, arrive(t, packet, len, &reason), -EPROTO,
					    "padding %u, byte %d", pad, at);
			KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_MALFORMED);
		}
	}
}

/* a pad length that is more than there is: pitfall A5 */
static void esp_padding_too_long(struct kunit *test)
{
	struct sa_test *t = test->priv;
	unsigned int text_len, pad, len, seq = 0;
	u8 text[64], packet[200], reason;
	struct ipd_sa *out, *in;
	int i;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	for (text_len = 4; text_len <= 32; text_len += 4)
		for (pad = text_len - 1; pad <= 255; pad++) {
			for (i = 0; i < text_len; i++)
				text[i] = i + 1;
			text[text_len - 2] = pad;
			text[text_len - 1] = IPPROTO_UDP;
			len = forge(t, out, ++seq, text, text_len, packet);
			KUNIT_EXPECT_EQ_MSG(test, arrive(t, packet, len, &reason), -EPROTO,
					    "pad length %u of %u bytes", pad, text_len);
			KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_MALFORMED);
		}
}

/* ciphertext that is no multiple of 4 bytes, as only a wrong sender makes it */
static void esp_unaligned(struct kunit *test)
{
	struct sa_test *t = test->priv;
	unsigned int n, len;
	u8 text[64], packet[200], reason;
	struct ipd_sa *out, *in;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	for (n = 2; n < 32; n++) {
		len = write_text(text, n - 2, 0, IPPROTO_UDP);
		len = forge(t, out, n, text, len, packet);
		KUNIT_EXPECT_EQ_MSG(test, arrive(t, packet, len, &reason), n % 4 ? -EPROTO : 0,
				    "%u bytes", n);
	}
}

/* RFC 4303, section 2.6: next header 59; it counts as a packet, and its number is used up */
static void esp_dummy(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 text[64], packet[200], reason;
	struct ipd_sa *out, *in;
	unsigned int len;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	len = forge(t, out, 1, text, write_text(text, 10, 0, IPPROTO_NONE), packet);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -ENOMSG);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_DUMMY);
	KUNIT_EXPECT_EQ(test, SA_TEST_COUNTER(in, packets), 1ULL);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -EALREADY);
}

/* no SPI, the wrong protocol, a dead association, and what is no packet of ours at all */
static void esp_not_ours(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	u8 packet[256], reason;
	unsigned int len;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	len = protected_bytes(t, out, V4, 23, packet);
	packet[9] = IPPROTO_AH;
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -ENOENT);
	packet[9] = IPPROTO_UDP;
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -ENOENT);
	packet[9] = IPPROTO_ESP;
	packet[19] ^= 1;	/* for another host */
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -ENOENT);
	packet[19] ^= 1;
	packet[6] = 0x20;	/* a fragment */
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -EAGAIN);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_FRAGMENT);
	packet[6] = 0;
	ipd_sa_set_state(in, IPSECDRV_SA_STATE_DEAD);
	KUNIT_EXPECT_EQ(test, arrive(t, packet, len, &reason), -EKEYEXPIRED);
	KUNIT_EXPECT_EQ(test, reason, (u8)IPSECDRV_DROP_SA_STATE);
}

/* --- shapes ------------------------------------------------------------- */

#define SHAPE_PAYLOAD	700

static void shapes(struct kunit *test, u8 family, u8 cipher, u8 integrity)
{
	struct sa_test *t = test->priv;
	u8 *plain = kunit_kzalloc(test, SHAPE_PAYLOAD + 64, GFP_KERNEL);
	u8 *packet = kunit_kzalloc(test, SHAPE_PAYLOAD + 256, GFP_KERNEL);
	unsigned int plain_len, len, i, n = 0;
	struct geometry geometry;
	struct ipd_sa *out, *in;
	struct sk_buff *skb;
	struct shape shape;
	u8 reason;

	sa_test_pair(t, family, cipher, 0, integrity, &out, &in);
	plain_len = sa_test_write_packet(plain, family, IPPROTO_UDP, SHAPE_PAYLOAD);
	for (i = 0; geometry_nth(i, header_len(family), &geometry); i++) {
		if (geometry.shared && geometry.cloned)
			continue;
		n++;
		shape_begin(t, &shape, &geometry, plain, plain_len);
		sa_test_output(t, out, shape.skb, &skb);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		/* whoever had the skb itself still has it as it was */
		KUNIT_EXPECT_TRUE(test, !geometry.shared || skb != shape.skb);
		KUNIT_EXPECT_TRUE_MSG(test, shape_end(t, &shape), "out, shape %u", i);
		len = skb->len;
		skb_copy_bits(skb, 0, packet, len);
		kfree_skb(skb);

		if (geometry.shared)
			continue;
		shape_begin(t, &shape, &geometry, packet, len);
		KUNIT_EXPECT_EQ_MSG(test, sa_test_input(t, shape.skb, &reason), 0,
				    "in, shape %u: reason %u", i, reason);
		KUNIT_EXPECT_TRUE_MSG(test, sa_test_is_packet(shape.skb, plain, plain_len),
				      "in, shape %u", i);
		kfree_skb(shape.skb);
		KUNIT_EXPECT_TRUE_MSG(test, shape_end(t, &shape), "in, shape %u", i);
	}
	KUNIT_EXPECT_GT(test, n, 600U);
	sa_test_delete(t, out);
	sa_test_delete(t, in);
}

/* pitfalls A1, A4 */
static void esp_shapes(struct kunit *test)
{
	shapes(test, V4, GCM, NONE);
	shapes(test, V6, CBC, SHA1);
}

/* a wrong ICV must not have changed pages either: it is found out after decryption */
static void esp_shapes_forged(struct kunit *test)
{
	struct sa_test *t = test->priv;
	u8 packet[1024], reason;
	struct geometry geometry;
	struct ipd_sa *out, *in;
	struct shape shape;
	unsigned int len, i;

	sa_test_pair(t, V4, CBC, 0, SHA1, &out, &in);
	len = protected_bytes(t, out, V4, SHAPE_PAYLOAD, packet);
	packet[len - 1] ^= 1;
	for (i = 0; geometry_nth(i, 20, &geometry); i++) {
		if (geometry.shared)
			continue;
		shape_begin(t, &shape, &geometry, packet, len);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, shape.skb, &reason), -EBADMSG);
		kfree_skb(shape.skb);
		KUNIT_EXPECT_TRUE_MSG(test, shape_end(t, &shape), "shape %u", i);
	}
}

static u64 copies(struct sa_test *t, u8 direction)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(t->ipd.sad->counters, cpu)->copies[direction];
	return sum;
}

/* with room, nothing is copied and nothing is allocated: the skb and its head stay the same */
static void esp_in_place(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct sk_buff *skb, *same;
	struct ipd_sa *out, *in;
	u8 *head, reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	skb = sa_test_packet(t, V4, IPPROTO_UDP, 100);
	head = skb->head;
	KUNIT_EXPECT_EQ(test, sa_test_output(t, out, skb, &same), (unsigned int)NF_ACCEPT);
	KUNIT_EXPECT_PTR_EQ(test, same, skb);
	KUNIT_EXPECT_PTR_EQ(test, skb->head, head);
	KUNIT_EXPECT_EQ(test, sa_test_input(t, skb, &reason), 0);
	KUNIT_EXPECT_PTR_EQ(test, skb->head, head);
	KUNIT_EXPECT_EQ(test, (int)skb->ip_summed, CHECKSUM_UNNECESSARY);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, copies(t, OUT), 0ULL);
	KUNIT_EXPECT_EQ(test, copies(t, IN), 0ULL);
}

/*
 * Short of room in front, a packet of a local socket, which has no link layer header, moves back;
 * short of both, it gets another buffer, and that is counted. AES-GCM takes 16 bytes in front and,
 * behind, padding to 4, the trailer and an ICV of 16. What is behind comes of rounding up.
 */
static void esp_moves_back(struct kunit *test)
{
	unsigned int payload, len, kept = 0, copied = 0;
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	u8 plain[768], reason;

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	for (payload = 64; payload <= 640; payload += 4) {
		struct sk_buff *skb, *sent;
		bool has_room;
		u8 *head;

		len = sa_test_write_packet(plain, V4, IPPROTO_UDP, payload);
		skb = sa_test_skb(t, plain, len, 0, 0);
		skb->mac_header = (typeof(skb->mac_header))~0U;
		/* of the payload and the trailer's two bytes, two are padding */
		has_room = skb_tailroom(skb) >= 16 + 4 + 16;
		head = skb->head;
		sa_test_output(t, out, skb, &sent);
		KUNIT_ASSERT_NOT_NULL(test, sent);
		KUNIT_EXPECT_EQ_MSG(test, sent->head == head, has_room, "payload of %u", payload);
		kept += has_room;
		copied += !has_room;
		KUNIT_EXPECT_EQ(test, copies(t, OUT), (u64)copied);
		skb_reset_mac_header(sent);
		KUNIT_EXPECT_EQ(test, sa_test_input(t, sent, &reason), 0);
		KUNIT_EXPECT_TRUE(test, sa_test_is_packet(sent, plain, len));
		kfree_skb(sent);
	}
	KUNIT_EXPECT_GT(test, kept, 10U);
	KUNIT_EXPECT_GT(test, copied, 0U);
}

/* what is before the data of a packet that was received stays where it is */
static void esp_not_moved_back(struct kunit *test)
{
	struct sa_test *t = test->priv;
	struct ipd_sa *out, *in;
	struct sk_buff *skb, *sent;
	unsigned int len;
	u8 plain[768];

	sa_test_pair(t, V4, GCM, 0, NONE, &out, &in);
	len = sa_test_write_packet(plain, V4, IPPROTO_UDP, 100);
	skb = sa_test_skb(t, plain, len, 0, 128);
	sa_test_output(t, out, skb, &sent);
	KUNIT_ASSERT_NOT_NULL(test, sent);
	KUNIT_EXPECT_EQ(test, copies(t, OUT), 1ULL);
	kfree_skb(sent);
}

static struct kunit_case esp_cases[] = {
	{ .name = "F16 F17 F19 F20 F21 known packets of every algorithm", .run_case = esp_known_packets },
	{ .name = "F16 F17 packets of RFC 3602 and of the GCM draft", .run_case = esp_rfc_packets },
	{ .name = "F16 F19 F21 all lengths, there and back", .run_case = esp_all_lengths },
	{ .name = "F16 too long for IP", .run_case = esp_too_long },
	{ .name = "F14 F22 F23 every bit flipped", .run_case = esp_bit_flips },
	{ .name = "F23 cut everywhere", .run_case = esp_truncation },
	{ .name = "F16 every padding, right and wrong", .run_case = esp_padding },
	{ .name = "F16 padding longer than the packet", .run_case = esp_padding_too_long },
	{ .name = "F16 ciphertext of odd lengths", .run_case = esp_unaligned },
	{ .name = "F16 dummy packets", .run_case = esp_dummy },
	{ .name = "F14 packets that are not ours", .run_case = esp_not_ours },
	{ .name = "F16 every shape of an skb", .run_case = esp_shapes },
	{ .name = "F23 every shape, forged", .run_case = esp_shapes_forged },
	{ .name = "F16 in place when there is room", .run_case = esp_in_place },
	{ .name = "F16 moved back for want of room in front", .run_case = esp_moves_back },
	{ .name = "F16 not moved back when received", .run_case = esp_not_moved_back },
	{}
};

static struct kunit_suite esp_suite = {
	.name = "esp",
	.init = sa_test_init,
	.exit = sa_test_exit,
	.test_cases = esp_cases,
};

kunit_test_suite(esp_suite);
