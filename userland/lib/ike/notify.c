// SPDX-License-Identifier: MIT
#include "ike/notify.h"

#include "ike/exchange.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/protected.h"
#include "ike/report.h"
#include "ike/status.h"

#define CLEAR_MAX 128

/* False: too many lately, or no randomness. */
static bool begin_clear(struct ike_engine *engine, const struct ike_path *path,
			const uint8_t *icookie, const uint8_t *rcookie,
			uint8_t buf[static CLEAR_MAX], struct wire_out *ret_out)
{
	struct wire_header header = { .version = WIRE_VERSION,
				      .exchange = WIRE_EXCHANGE_INFORMATIONAL };

	if (!admission_allow_notify(&engine->admission, engine->now, &path->remote)) {
		engine->stats.rate_limited++;
		return false;
	}
	memcpy(header.icookie, icookie, WIRE_COOKIE_LEN);
	memcpy(header.rcookie, rcookie, WIRE_COOKIE_LEN);
	if (core_random(engine, &header.message_id, sizeof(header.message_id)))
		return false;
	header.message_id |= 1;
	*ret_out = wire_out_make(buf, CLEAR_MAX, &header);
	return true;
}

static void finish_clear(struct ike_engine *engine, const struct ike_path *path, uint16_t type,
			 struct bytes data, struct wire_out *out)
{
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = type,
		.data = data,
	};
	size_t len;

	wire_add_notify(out, &notify);
	len = wire_finish(out, 0);
	if (len)
		core_send(engine, path, (struct bytes){ out->w.data, len });
}

void notify_send_clear(struct ike_engine *engine, const struct ike_path *path,
		       const uint8_t *icookie, const uint8_t *rcookie, uint16_t type,
		       struct bytes data)
{
	uint8_t buf[CLEAR_MAX];
	struct wire_out out;

	if (begin_clear(engine, path, icookie, rcookie, buf, &out))
		finish_clear(engine, path, type, data, &out);
}

void notify_refuse_clear(struct ike_engine *engine, const struct ike_path *path,
			 const uint8_t *icookie, const uint8_t *rcookie, uint32_t vids,
			 uint16_t type, enum ike_reason reason)
{
	uint8_t buf[CLEAR_MAX];
	struct wire_out out;

	if (!begin_clear(engine, path, icookie, rcookie, buf, &out))
		return;
	status_add(&out, vids, 0, reason);
	finish_clear(engine, path, type, (struct bytes){ 0 }, &out);
}

static void finish_and_send(struct ike_engine *engine, struct ike_mm *mm,
			    struct protected_message *m)
{
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct bytes message = protected_finish(mm, m, iv);

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

	if (protected_begin(engine, mm, &m))
		return;
	wire_add_notify(&m.out, &notify);
	finish_and_send(engine, mm, &m);
}

void notify_refuse(struct ike_engine *engine, struct ike_mm *mm, uint8_t protocol,
		   struct bytes spi, uint32_t message_id, uint16_t type, enum ike_reason reason)
{
	uint8_t id[4];
	struct writer w = writer_make(id, sizeof(id));
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = protocol,
		.type = type,
		.spi = spi,
		.data = { id, sizeof(id) },
	};
	struct protected_message m;

	if (protected_begin(engine, mm, &m))
		return;
	writer_u32(&w, message_id);
	status_add(&m.out, mm->vids, message_id, reason);
	wire_add_notify(&m.out, &notify);
	finish_and_send(engine, mm, &m);
}

void notify_send_failed(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason)
{
	uint16_t type = report_reason_notify(reason);
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = report_reason_notify(reason),
	};
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct protected_message m;
	struct bytes message;

	if (protected_begin(engine, mm, &m))
		return;
	/* Which check of a secret failed is nobody's business. */
	status_add(&m.out, mm->vids, 0,
		   type == IKE_NOTIFY_AUTHENTICATION_FAILED ? IKE_REASON_CREDENTIALS : reason);
	wire_add_notify(&m.out, &notify);
	message = protected_finish(mm, &m, iv);
	if (message.len)
		(void)exchange_send(engine, &mm->log, mm, message);
}
