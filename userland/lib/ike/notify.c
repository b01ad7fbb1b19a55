// SPDX-License-Identifier: MIT
#include "ike/notify.h"

#include "ike/exchange.h"
#include "ike/keys.h"
#include "ike/mm.h"
#include "ike/names.h"

#define CLEAR_MAX 128

void notify_send_clear(struct ike_engine *engine, const struct ike_path *path,
		       const uint8_t *icookie, const uint8_t *rcookie, uint16_t type,
		       struct bytes data)
{
	struct wire_header header = { .version = WIRE_VERSION,
				      .exchange = WIRE_EXCHANGE_INFORMATIONAL };
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = type,
		.data = data,
	};
	uint8_t buf[CLEAR_MAX];
	struct wire_out out;
	size_t len;

	if (!admission_allow_notify(&engine->admission, engine->now, &path->remote)) {
		engine->stats.rate_limited++;
		return;
	}
	memcpy(header.icookie, icookie, WIRE_COOKIE_LEN);
	memcpy(header.rcookie, rcookie, WIRE_COOKIE_LEN);
	if (core_random(engine, &header.message_id, sizeof(header.message_id)))
		return;
	header.message_id |= 1;
	out = wire_out_make(buf, sizeof(buf), &header);
	wire_add_notify(&out, &notify);
	len = wire_finish(&out, 0);
	if (len)
		core_send(engine, path, (struct bytes){ buf, len });
}

/* An informational message under construction: HASH is filled in at the end. */
struct protected_message {
	struct wire_out out;
	uint32_t message_id;
	size_t hash_at;
};

/* HDR*, HASH, ... */
static int begin(struct ike_engine *engine, struct ike_mm *mm, struct protected_message *m)
{
	struct wire_header header;
	uint8_t zero[IKE_HASH_MAX_LEN] = {0};

	m->message_id = mm_new_id(engine, mm);
	if (!m->message_id)
		return -EIO;
	header = mm_header(mm, WIRE_EXCHANGE_INFORMATIONAL, WIRE_FLAG_ENCRYPTED, m->message_id);
	m->out = wire_out_make(engine->out_inner, WIRE_MESSAGE_MAX, &header);
	wire_add(&m->out, WIRE_PAYLOAD_HASH, (struct bytes){ zero, mm->keys->len });
	m->hash_at = m->out.w.len - mm->keys->len;
	return 0;
}

/* Encrypts; {NULL, 0} when that failed. */
static struct bytes finish(struct ike_mm *mm, struct protected_message *m)
{
	size_t after_at = m->hash_at + mm->keys->len;
	struct bytes after = { m->out.w.data + after_at, m->out.w.len - after_at };
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	size_t len;

	if (m->out.w.overflow ||
	    keys_hash1(mm->keys, m->message_id, after, m->out.w.data + m->hash_at))
		return (struct bytes){0};
	len = wire_finish(&m->out, ike_cipher_block_len(mm->keys->cipher));
	if (!len || keys_phase2_iv(mm->keys, mm->iv, m->message_id, iv) ||
	    exchange_encrypt(mm->keys, iv, m->out.w.data, len))
		return (struct bytes){0};
	return (struct bytes){ m->out.w.data, len };
}

static void finish_and_send(struct ike_engine *engine, struct ike_mm *mm,
			    struct protected_message *m)
{
	struct bytes message = finish(mm, m);

	if (message.len)
		core_send(engine, &mm->path, message);
}

void notify_send(struct ike_engine *engine, struct ike_mm *mm, uint8_t protocol,
		 struct bytes spi, uint16_t type, struct bytes data)
{
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = protocol,
		.type = type,
		.spi = spi,
		.data = data,
	};
	struct protected_message m;

	if (begin(engine, mm, &m))
		return;
	wire_add_notify(&m.out, &notify);
	finish_and_send(engine, mm, &m);
}

void notify_send_failed(struct ike_engine *engine, struct ike_mm *mm, uint16_t type)
{
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = type,
	};
	struct protected_message m;
	struct bytes message;

	if (begin(engine, mm, &m))
		return;
	wire_add_notify(&m.out, &notify);
	message = finish(mm, &m);
	if (message.len)
		(void)exchange_send(engine, &mm->log, mm, message);
}

void notify_send_delete(struct ike_engine *engine, struct ike_mm *mm,
			const struct ike_sa_suite *suites, size_t n_suites)
{
	struct protected_message m;

	if (begin(engine, mm, &m))
		return;
	for (size_t i = 0; i < n_suites; i++) {
		uint8_t spi[4];
		struct writer w = writer_make(spi, sizeof(spi));
		struct wire_delete del = {
			.doi = WIRE_DOI_IPSEC,
			.protocol = (uint8_t)suites[i].suite.protocol,
			.spi_size = sizeof(spi),
			.n_spis = 1,
			.spis = { spi, sizeof(spi) },
		};

		if (!suites[i].spi_in)
			continue;
		writer_u32(&w, suites[i].spi_in);
		wire_add_delete(&m.out, &del);
	}
	finish_and_send(engine, mm, &m);
}

void notify_send_delete_mm(struct ike_engine *engine, struct ike_mm *mm)
{
	uint8_t cookies[2 * WIRE_COOKIE_LEN];
	struct wire_delete del = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.spi_size = sizeof(cookies),
		.n_spis = 1,
		.spis = { cookies, sizeof(cookies) },
	};
	struct protected_message m;

	memcpy(cookies, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(cookies + WIRE_COOKIE_LEN, mm->rcookie, WIRE_COOKIE_LEN);
	if (begin(engine, mm, &m))
		return;
	wire_add_delete(&m.out, &del);
	finish_and_send(engine, mm, &m);
}
