// SPDX-License-Identifier: MIT
#include "ike/protected.h"

#include <errno.h>

#include "ike/exchange.h"
#include "ike/mm.h"

void protected_begin_answer(struct ike_engine *engine, const struct ike_mm *mm,
			    uint32_t message_id, struct protected_message *m)
{
	struct wire_header header = mm_header(mm, WIRE_EXCHANGE_INFORMATIONAL,
					      WIRE_FLAG_ENCRYPTED, message_id);
	static const uint8_t zero[IKE_HASH_MAX_LEN];

	m->keys = mm->keys;
	m->message_id = message_id;
	m->out = wire_out_make(engine->out_inner, WIRE_MESSAGE_MAX, &header);
	wire_add(&m->out, WIRE_PAYLOAD_HASH, (struct bytes){ zero, mm->keys->len });
	m->hash_at = m->out.w.len - mm->keys->len;
}

int protected_begin(struct ike_engine *engine, struct ike_mm *mm, struct protected_message *m)
{
	uint32_t message_id = mm_new_id(engine, mm);

	if (!message_id)
		return -EIO;
	protected_begin_answer(engine, mm, message_id, m);
	return 0;
}

uint8_t *protected_hash(struct protected_message *m)
{
	return m->out.w.data + m->hash_at;
}

struct bytes protected_after(const struct protected_message *m)
{
	size_t at = m->hash_at + m->keys->len;

	return (struct bytes){ m->out.w.data + at, m->out.w.len - at };
}

struct bytes protected_seal(struct protected_message *m, uint8_t iv[static IKE_BLOCK_MAX_LEN])
{
	size_t len = wire_finish(&m->out, ike_cipher_block_len(m->keys->cipher));

	if (!len || exchange_encrypt(m->keys, iv, m->out.w.data, len))
		return (struct bytes){0};
	return (struct bytes){ m->out.w.data, len };
}

struct bytes protected_finish(const struct ike_mm *mm, struct protected_message *m,
			      uint8_t iv[static IKE_BLOCK_MAX_LEN])
{
	if (m->out.w.overflow ||
	    keys_hash1(m->keys, m->message_id, protected_after(m), protected_hash(m)) ||
	    keys_phase2_iv(m->keys, mm->iv, m->message_id, iv))
		return (struct bytes){0};
	return protected_seal(m, iv);
}
