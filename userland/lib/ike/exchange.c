// SPDX-License-Identifier: MIT
#include "ike/exchange.h"

#include "ike/crypto.h"
#include "ike/fragmentation.h"
#include "ike/keys.h"
#include "ike/mm.h"
#include "ike/trace.h"

#define ANSWERS_MAX 5
#define ANSWER_INTERVAL_MS 200

/* --- which payloads a message must have ---------------------------------------------------- */

struct payload_rule {
	uint8_t type;		/* 0 ends the list */
	uint8_t min;
	uint8_t max;
	bool is_first;		/* must open the message */
};

#define RULES_MAX 6

static const struct payload_rule rules[MESSAGE_KIND_COUNT][RULES_MAX] = {
	[MESSAGE_MM_1] = { { WIRE_PAYLOAD_SA, 1, 1, true } },
	[MESSAGE_MM_2] = { { WIRE_PAYLOAD_SA, 1, 1, true } },
	[MESSAGE_MM_3] = { { WIRE_PAYLOAD_KE, 1, 1, false }, { WIRE_PAYLOAD_NONCE, 1, 1, false } },
	[MESSAGE_MM_4] = { { WIRE_PAYLOAD_KE, 1, 1, false }, { WIRE_PAYLOAD_NONCE, 1, 1, false } },
	[MESSAGE_MM_HASH] = { { WIRE_PAYLOAD_ID, 1, 1, true }, { WIRE_PAYLOAD_HASH, 1, 1, false } },
	[MESSAGE_MM_SIGNATURE] = { { WIRE_PAYLOAD_ID, 1, 1, true },
				   { WIRE_PAYLOAD_SIG, 1, 1, false } },
	[MESSAGE_MM_GSS] = { { WIRE_PAYLOAD_ID, 0, 1, false },
			     { WIRE_PAYLOAD_HASH, 0, 1, false },
			     { WIRE_PAYLOAD_GSS, 0, 1, false } },
	[MESSAGE_QM_1] = { { WIRE_PAYLOAD_HASH, 1, 1, true },
			   { WIRE_PAYLOAD_SA, 1, 1, false },
			   { WIRE_PAYLOAD_NONCE, 1, 1, false },
			   { WIRE_PAYLOAD_KE, 0, 1, false },
			   { WIRE_PAYLOAD_ID, 0, 2, false } },
	[MESSAGE_QM_2] = { { WIRE_PAYLOAD_HASH, 1, 1, true },
			   { WIRE_PAYLOAD_SA, 1, 1, false },
			   { WIRE_PAYLOAD_NONCE, 1, 1, false },
			   { WIRE_PAYLOAD_KE, 0, 1, false },
			   { WIRE_PAYLOAD_ID, 0, 2, false } },
	[MESSAGE_QM_3] = { { WIRE_PAYLOAD_HASH, 1, 1, true } },
	[MESSAGE_QM_4] = { { WIRE_PAYLOAD_HASH, 1, 1, true },
			   { WIRE_PAYLOAD_NOTIFY, 1, 255, false } },
	[MESSAGE_INFORMATIONAL] = { { WIRE_PAYLOAD_HASH, 1, 1, true } },
};

int exchange_check(enum message_kind kind, const struct wire_message *message)
{
	if (kind == MESSAGE_MM_GSS && !wire_find(message, WIRE_PAYLOAD_HASH, 0) &&
	    !wire_find(message, WIRE_PAYLOAD_GSS, 0))
		return -EBADMSG;
	for (const struct payload_rule *rule = rules[kind]; rule->type; rule++) {
		size_t n = 0;

		for (size_t i = 0; i < message->n_payloads; i++)
			n += message->payloads[i].type == rule->type;
		if (n < rule->min || n > rule->max)
			return -EBADMSG;
		if (rule->is_first && message->payloads[0].type != rule->type)
			return -EBADMSG;
		/* IDci and IDcr come together or not at all. */
		if (rule->type == WIRE_PAYLOAD_ID && rule->max == 2 && n == 1)
			return -EBADMSG;
	}
	return 0;
}

/* --- duplicates and retransmission --------------------------------------------------------- */

void exchange_log_clear(struct exchange_log *log)
{
	blob_free(&log->sent);
	*log = (struct exchange_log){0};
}

static void transmit(struct ike_engine *engine, struct exchange_log *log, const struct ike_mm *mm)
{
	fragmentation_send(engine, mm, blob_bytes(&log->sent), log->sent_at, &log->fragment_id);
}

int exchange_send(struct ike_engine *engine, struct exchange_log *log, const struct ike_mm *mm,
		  struct bytes message)
{
	if (blob_set(&log->sent, message))
		return -ENOMEM;
	log->sent_at = engine->now;
	log->resent_at = engine->now;
	log->n_sent = 1;
	log->n_answers = 0;
	log->fragment_id = 0;
	transmit(engine, log, mm);
	return 0;
}

void exchange_resend(struct ike_engine *engine, struct exchange_log *log, const struct ike_mm *mm)
{
	log->n_sent++;
	log->resent_at = engine->now;
	engine->stats.retransmissions++;
	trace_say(engine, IKE_TRACE_STEPS, &mm->path.remote, "no answer, sending again");
	transmit(engine, log, mm);
}

static bool digest(struct bytes datagram, uint8_t ret_digest[static 16])
{
	uint8_t full[IKE_HASH_MAX_LEN];

	if (crypto_hash(IKE_HASH_SHA256, &datagram, 1, full))
		return false;
	memcpy(ret_digest, full, 16);
	return true;
}

void exchange_note(struct exchange_log *log, struct bytes datagram)
{
	memcpy(log->seen[1], log->seen[0], sizeof(log->seen[0]));
	if (!digest(datagram, log->seen[0]))
		memset(log->seen[0], 0, sizeof(log->seen[0]));
}

bool exchange_is_duplicate(struct ike_engine *engine, struct exchange_log *log,
			   const struct ike_mm *mm, struct bytes datagram, bool may_answer)
{
	uint8_t d[16];
	bool is_newest;

	if (!digest(datagram, d))
		return false;
	is_newest = !memcmp(d, log->seen[0], sizeof(d));
	if (!is_newest && memcmp(d, log->seen[1], sizeof(d)) != 0)
		return false;
	if (!is_newest || !may_answer || !log->sent.len || log->n_answers >= ANSWERS_MAX ||
	    engine->now - log->resent_at < ANSWER_INTERVAL_MS) {
		engine->stats.duplicates_ignored++;
		return true;
	}
	log->n_answers++;
	log->resent_at = engine->now;
	engine->stats.duplicates_answered++;
	transmit(engine, log, mm);
	return true;
}

uint64_t exchange_backoff(struct ike_engine *engine, unsigned int n_sent, unsigned int max_tries)
{
	static const uint16_t delays[EXCHANGE_MAX_TRIES] = { 500, 1000, 2000, 4000, 8000, 8000 };
	uint64_t delay;

	if (!n_sent || n_sent > max_tries || n_sent > EXCHANGE_MAX_TRIES)
		return 0;
	delay = delays[n_sent - 1];
	/* 10 % either way, so that peers that started together drift apart. */
	return delay - delay / 10 + core_random_below(engine, (uint32_t)(delay / 5 + 1));
}

/* --- encryption ---------------------------------------------------------------------------- */

int exchange_encrypt(const struct mm_keys *keys, uint8_t *iv, uint8_t *message, size_t len)
{
	struct bytes key = { keys->ka, keys->ka_len };
	size_t block = ike_cipher_block_len(keys->cipher);
	uint8_t *body = message + WIRE_HEADER_LEN;
	int ret;

	if (len < WIRE_HEADER_LEN + block)
		return -EINVAL;
	ret = crypto_cbc(keys->cipher, key, iv, true, body, body, len - WIRE_HEADER_LEN);
	if (!ret)
		memcpy(iv, message + len - block, block);
	return ret;
}

int exchange_decrypt(struct ike_engine *engine, const struct mm_keys *keys, const uint8_t *iv,
		     struct bytes datagram, const struct wire_header *header,
		     struct wire_message *ret_message, uint8_t *ret_next_iv)
{
	struct bytes key = { keys->ka, keys->ka_len };
	size_t block = ike_cipher_block_len(keys->cipher);
	size_t len = datagram.len - WIRE_HEADER_LEN;
	struct bytes plain = { engine->plain, len };

	if (!(header->flags & WIRE_FLAG_ENCRYPTED) || !len || len % block)
		return -EBADMSG;
	if (crypto_cbc(keys->cipher, key, iv, false, datagram.data + WIRE_HEADER_LEN,
		       engine->plain, len))
		return -EBADMSG;
	ret_message->header = *header;
	if (wire_parse_payloads(header->next_payload, plain, true, ret_message) ||
	    !ret_message->n_payloads)
		return -EBADMSG;
	memcpy(ret_next_iv, datagram.data + datagram.len - block, block);
	trace_decrypted(engine, ret_message);
	return 0;
}
