// SPDX-License-Identifier: MIT
#include "ike/keys.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ike/crypto.h"

#define NONCE_MAX_LEN 256

static struct bytes view(const void *data, size_t len)
{
	return (struct bytes){ data, len };
}

#define PRF(hash, key, out, ...)                                                      \
	crypto_prf(hash, key, (const struct bytes[]){ __VA_ARGS__ },                  \
		   sizeof((const struct bytes[]){ __VA_ARGS__ }) / sizeof(struct bytes), out)

int keys_skeyid_psk(enum ike_hash hash, struct bytes psk, struct bytes ni, struct bytes nr,
		    uint8_t *ret_skeyid)
{
	return PRF(hash, psk, ret_skeyid, ni, nr);
}

int keys_skeyid_signature(enum ike_hash hash, struct bytes ni, struct bytes nr, struct bytes gxy,
			  uint8_t *ret_skeyid)
{
	uint8_t key[2 * NONCE_MAX_LEN];
	struct writer w = writer_make(key, sizeof(key));

	writer_bytes(&w, ni);
	writer_bytes(&w, nr);
	return w.overflow ? -EINVAL : PRF(hash, view(key, w.len), ret_skeyid, gxy);
}

/* Ka: the first bytes of SKEYID_e, or of prf(SKEYID_e, 0) and its successors when that is short. */
static int expand_ka(struct mm_keys *keys)
{
	struct bytes key = view(keys->skeyid_e, keys->len);
	uint8_t block[IKE_HASH_MAX_LEN] = {0};
	size_t done = 0;
	int ret;

	if (keys->ka_len > sizeof(keys->ka))
		return -EINVAL;
	if (keys->ka_len <= keys->len) {
		memcpy(keys->ka, keys->skeyid_e, keys->ka_len);
		return 0;
	}
	/* K1 = prf(SKEYID_e, 0), Kn = prf(SKEYID_e, Kn-1) */
	ret = PRF(keys->hash, key, block, view(block, 1));
	while (!ret && done < keys->ka_len) {
		size_t rest = keys->ka_len - done;
		size_t len = rest < keys->len ? rest : keys->len;

		memcpy(keys->ka + done, block, len);
		done += len;
		if (done < keys->ka_len)
			ret = PRF(keys->hash, key, block, view(block, keys->len));
	}
	wipe(block, sizeof(block));
	return ret;
}

int keys_derive(struct mm_keys *keys, enum ike_hash hash, enum ike_cipher cipher,
		unsigned int key_bits, struct bytes gxy, struct bytes cky_i, struct bytes cky_r)
{
	static const uint8_t labels[] = { 0, 1, 2 };
	size_t len = ike_hash_len(hash);
	struct bytes skeyid = view(keys->skeyid, len);
	int ret;

	keys->hash = hash;
	keys->cipher = cipher;
	keys->len = len;
	keys->ka_len = ike_cipher_key_len(cipher, key_bits);
	ret = PRF(hash, skeyid, keys->skeyid_d, gxy, cky_i, cky_r, view(&labels[0], 1));
	if (!ret)
		ret = PRF(hash, skeyid, keys->skeyid_a, view(keys->skeyid_d, len), gxy, cky_i,
			  cky_r, view(&labels[1], 1));
	if (!ret)
		ret = PRF(hash, skeyid, keys->skeyid_e, view(keys->skeyid_a, len), gxy, cky_i,
			  cky_r, view(&labels[2], 1));
	if (!ret)
		ret = expand_ka(keys);
	return ret;
}

static int hash_to_iv(const struct mm_keys *keys, const struct bytes *parts, size_t n,
		      uint8_t iv[static IKE_BLOCK_MAX_LEN])
{
	uint8_t full[IKE_HASH_MAX_LEN];
	int ret = crypto_hash(keys->hash, parts, n, full);

	if (!ret)
		memcpy(iv, full, ike_cipher_block_len(keys->cipher));
	return ret;
}

int keys_phase1_iv(const struct mm_keys *keys, const struct mm_transcript *t,
		   uint8_t iv[static IKE_BLOCK_MAX_LEN])
{
	const struct bytes parts[] = { t->ke_i, t->ke_r };

	return hash_to_iv(keys, parts, 2, iv);
}

/* A message id in network order. */
struct id_bytes {
	uint8_t b[4];
};

static struct id_bytes to_network(uint32_t v)
{
	return (struct id_bytes){ { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
				    (uint8_t)v } };
}

int keys_phase2_iv(const struct mm_keys *keys, const uint8_t *last_block, uint32_t message_id,
		   uint8_t iv[static IKE_BLOCK_MAX_LEN])
{
	struct id_bytes id = to_network(message_id);
	const struct bytes parts[] = { view(last_block, ike_cipher_block_len(keys->cipher)),
				       view(id.b, sizeof(id.b)) };

	return hash_to_iv(keys, parts, 2, iv);
}

int keys_hash_ir(const struct mm_keys *keys, enum ike_hash hash, const struct mm_transcript *t,
		 bool is_initiator, struct bytes id_b, uint8_t *ret_hash)
{
	struct bytes skeyid = view(keys->skeyid, keys->len);

	if (is_initiator)
		return PRF(hash, skeyid, ret_hash, t->ke_i, t->ke_r, t->cky_i, t->cky_r, t->sai_b,
			   id_b, t->gss_name, t->gss_tokens);
	/* The initiator's SA payload in both. */
	return PRF(hash, skeyid, ret_hash, t->ke_r, t->ke_i, t->cky_r, t->cky_i, t->sai_b, id_b,
		   t->gss_name, t->gss_tokens);
}

int keys_hash1(const struct mm_keys *keys, uint32_t message_id, struct bytes after,
	       uint8_t *ret_hash)
{
	return keys_hash2(keys, message_id, (struct bytes){0}, after, ret_hash);
}

int keys_hash2(const struct mm_keys *keys, uint32_t message_id, struct bytes ni,
	       struct bytes after, uint8_t *ret_hash)
{
	struct id_bytes id = to_network(message_id);

	return PRF(keys->hash, view(keys->skeyid_a, keys->len), ret_hash,
		   view(id.b, sizeof(id.b)), ni, after);
}

int keys_hash_deleted(const struct mm_keys *keys, uint32_t message_id, struct bytes ni,
		      struct bytes nr, struct bytes del, uint8_t *ret_hash)
{
	struct id_bytes id = to_network(message_id);

	return PRF(keys->hash, view(keys->skeyid_a, keys->len), ret_hash, ni,
		   view(id.b, sizeof(id.b)), nr, del);
}

int keys_hash3(const struct mm_keys *keys, uint32_t message_id, struct bytes ni, struct bytes nr,
	       uint8_t *ret_hash)
{
	static const uint8_t zero[1];
	struct id_bytes id = to_network(message_id);

	return PRF(keys->hash, view(keys->skeyid_a, keys->len), ret_hash, view(zero, 1),
		   view(id.b, sizeof(id.b)), ni, nr);
}

int keys_keymat(const struct mm_keys *keys, uint8_t protocol, uint32_t spi, struct bytes gxy,
		struct bytes ni, struct bytes nr, uint8_t *ret_keymat, size_t len)
{
	struct bytes key = view(keys->skeyid_d, keys->len);
	struct id_bytes spi_b = to_network(spi);
	uint8_t block[IKE_HASH_MAX_LEN];
	size_t done = 0;
	int ret = 0;

	/* Kn = prf(SKEYID_d, Kn-1 | [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b), K0 empty */
	while (!ret && done < len) {
		size_t n = len - done < keys->len ? len - done : keys->len;

		ret = PRF(keys->hash, key, block, view(block, done ? keys->len : 0), gxy,
			  view(&protocol, 1), view(spi_b.b, sizeof(spi_b.b)), ni, nr);
		if (!ret)
			memcpy(ret_keymat + done, block, n);
		done += n;
	}
	wipe(block, sizeof(block));
	return ret;
}
