// SPDX-License-Identifier: MIT
/*
 * An attacker who has everything but good manners: messages that decrypt, and whose hash is right,
 * so that what is behind both gets to see hostile bytes.
 */
#include <string.h>

#include "ike/crypto.h"
#include "ike/exchange.h"
#include "ike/fuzz.h"
#include "ike/fuzz_engine.h"
#include "ike/keys.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/qm.h"
#include "ike/wire.h"

#define MESSAGE_MAX 1500

static struct ike_mm *find_established(const struct sim *sim, size_t host)
{
	struct ike_mm *mm = fuzz_newest_mm(&sim->hosts[host]);

	while (mm && !mm_is_established(mm))
		mm = TAILQ_NEXT(mm, peer_link);
	return mm;
}

/* The main mode that waits for message 5 or 6, with the keys for it. */
static struct ike_mm *find_waiting(const struct sim *sim, size_t host)
{
	struct ike_mm *mm = fuzz_newest_mm(&sim->hosts[host]);

	while (mm && mm->state != IKE_MM_STATE_SENT_5 &&
	       !(mm->state == IKE_MM_STATE_SENT_4 && mm->negotiation->has_keys))
		mm = TAILQ_NEXT(mm, peer_link);
	return mm;
}

static void add_payloads(struct wire_out *out, size_t n, struct reader *in)
{
	while (n-- && !in->failed) {
		uint8_t type = reader_u8(in);

		wire_add(out, type, reader_take(in, reader_u8(in)));
	}
}

/* --- tampering ------------------------------------------------------------------------------ */

/* A message on its way, in clear: HASH payload, then the rest. */
struct letter {
	const struct mm_keys *keys;
	struct wire_header header;
	struct ike_qm *qm;	/* of whoever receives it, NULL if this begins it */
	uint8_t *body;
	size_t len;
	size_t hash_end;	/* where the HASH payload ends */
};

static bool has_hash(struct letter *letter)
{
	letter->hash_end = 4 + letter->keys->len;
	return letter->header.next_payload == WIRE_PAYLOAD_HASH && letter->len >= letter->hash_end;
}

/* As the sender would have it: HASH(1) of what begins, HASH(2) of what answers it. */
static void make_hash(const struct letter *letter)
{
	/* Padding is not hashed; where it begins, a parser says. */
	struct wire_message message;
	struct bytes after, clear = { letter->body, letter->len };
	uint8_t *hash = letter->body + 4;

	if (wire_parse_payloads(letter->header.next_payload, clear, true, &message))
		return;
	after = (struct bytes){ message.chain.data + letter->hash_end,
				message.chain.len - letter->hash_end };
	if (!letter->qm)
		(void)keys_hash1(letter->keys, letter->header.message_id, after, hash);
	else if (letter->qm->is_initiator)
		(void)keys_hash2(letter->keys, letter->header.message_id,
				 blob_bytes(&letter->qm->ni), after, hash);
}

static void edit(struct letter *letter, const struct fuzz_edits *edits)
{
	if (letter->header.exchange == WIRE_EXCHANGE_MAIN || !has_hash(letter)) {
		fuzz_apply_edits(edits, letter->body, letter->len);
		return;
	}
	fuzz_apply_edits(edits, letter->body + letter->hash_end, letter->len - letter->hash_end);
	make_hash(letter);
}

/* The chain's value before the message, where its receiver has it. */
static bool find_iv(const struct ike_mm *mm, const struct letter *letter, uint8_t *iv)
{
	if (letter->header.exchange == WIRE_EXCHANGE_MAIN)
		memcpy(iv, mm->iv, IKE_BLOCK_MAX_LEN);
	else if (letter->qm)
		memcpy(iv, letter->qm->iv, IKE_BLOCK_MAX_LEN);
	else
		return !keys_phase2_iv(mm->keys, mm->iv, letter->header.message_id, iv);
	return true;
}

void fuzz_forge_tamper(struct sim *sim, size_t from, const struct fuzz_edits *edits, uint8_t *data,
		       size_t len)
{
	struct letter letter = { .body = data + WIRE_HEADER_LEN, .len = len - WIRE_HEADER_LEN };
	struct ike_mm *mm = fuzz_newest_mm(&sim->hosts[!from]);
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct ike_qm *own;

	if (wire_parse_header((struct bytes){ data, len }, &letter.header))
		return;
	while (mm && memcmp(mm->icookie, letter.header.icookie, WIRE_COOKIE_LEN) != 0)
		mm = TAILQ_NEXT(mm, peer_link);
	if (!mm || !mm->keys || !mm->keys->ka_len ||
	    letter.len % ike_cipher_block_len(mm->keys->cipher))
		return;
	letter.keys = mm->keys;
	letter.qm = qm_find(mm, letter.header.message_id);
	if (!find_iv(mm, &letter, iv) ||
	    crypto_cbc(mm->keys->cipher, (struct bytes){ mm->keys->ka, mm->keys->ka_len }, iv, false,
		       letter.body, letter.body, letter.len))
		return;
	edit(&letter, edits);
	if (exchange_encrypt(mm->keys, iv, data, len))
		return;
	/* whoever sent it goes on from there */
	mm = find_established(sim, from);
	own = mm ? qm_find(mm, letter.header.message_id) : NULL;
	if (own)
		memcpy(own->iv, iv, sizeof(iv));
}

/* --- made up -------------------------------------------------------------------------------- */

void fuzz_forge_protected(struct sim *sim, struct reader *in)
{
	size_t to = reader_u8(in) & 1, n = reader_u8(in) % 8;
	uint8_t exchange = reader_u8(in) & 1 ? WIRE_EXCHANGE_QUICK : WIRE_EXCHANGE_INFORMATIONAL;
	uint32_t message_id = reader_u32(in);
	struct ike_mm *mm = find_established(sim, !to);
	uint8_t buf[MESSAGE_MAX], hash[IKE_HASH_MAX_LEN] = {0}, iv[IKE_BLOCK_MAX_LEN];
	struct wire_header header;
	struct wire_out out;
	size_t at, len;

	if (!mm)
		return;
	header = mm_header(mm, exchange, WIRE_FLAG_ENCRYPTED, message_id);
	out = wire_out_make(buf, sizeof(buf), &header);
	wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, mm->keys->len });
	at = out.w.len;
	add_payloads(&out, n, in);
	if (out.w.overflow)
		return;
	FUZZ_CHECK(!keys_hash1(mm->keys, message_id, (struct bytes){ buf + at, out.w.len - at },
			       buf + at - mm->keys->len));
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	if (!len || keys_phase2_iv(mm->keys, mm->iv, message_id, iv) ||
	    exchange_encrypt(mm->keys, iv, buf, len))
		return;
	sim_inject(sim, to, buf, len);
}

void fuzz_forge_proof(struct sim *sim, struct reader *in)
{
	size_t to = reader_u8(in) & 1, n = reader_u8(in) % 8;
	struct ike_mm *mm = find_waiting(sim, to);
	uint8_t buf[MESSAGE_MAX], iv[IKE_BLOCK_MAX_LEN];
	struct wire_header header;
	struct wire_out out;
	size_t len;

	if (!mm)
		return;
	header = mm_header(mm, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	out = wire_out_make(buf, sizeof(buf), &header);
	add_payloads(&out, n, in);
	len = wire_finish(&out, ike_cipher_block_len(mm->keys->cipher));
	memcpy(iv, mm->iv, sizeof(iv));
	if (len && !exchange_encrypt(mm->keys, iv, buf, len))
		sim_inject(sim, to, buf, len);
}

void fuzz_forge_clear(struct sim *sim, struct reader *in)
{
	static const uint8_t exchanges[] = { WIRE_EXCHANGE_MAIN, WIRE_EXCHANGE_INFORMATIONAL,
					     WIRE_EXCHANGE_QUICK };
	size_t to = reader_u8(in) & 1, n = reader_u8(in) % 8;
	struct wire_header header = { .icookie = { 0xfe }, .version = 0x10 };
	struct ike_mm *mm = fuzz_newest_mm(&sim->hosts[to]);
	uint8_t exchange = reader_u8(in), flags = reader_u8(in), buf[MESSAGE_MAX];
	uint32_t message_id = reader_u32(in);
	struct wire_out out;
	size_t len;

	exchange = exchange < sizeof(exchanges) ? exchanges[exchange] : exchange;
	if (mm)
		header = mm_header(mm, exchange, flags, message_id);
	header.exchange = exchange;
	header.flags = flags;
	header.message_id = message_id;
	out = wire_out_make(buf, sizeof(buf), &header);
	add_payloads(&out, n, in);
	len = wire_finish(&out, 0);
	if (len)
		sim_inject(sim, to, buf, len);
}
