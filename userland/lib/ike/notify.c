// SPDX-License-Identifier: MIT
#include "ike/notify.h"

#include "ike/exchange.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/protected.h"
#include "ike/report.h"
#include "ike/vid.h"

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

/* Windows says the number of its error, and wants to hear one. */
static void add_status(struct wire_out *out, enum ike_reason reason)
{
	uint8_t code[4];
	struct writer w = writer_make(code, sizeof(code));
	struct wire_notify notify = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.type = IKE_NOTIFY_MS_STATUS,
		.data = { code, sizeof(code) },
	};

	writer_u32(&w, (uint32_t)reason);
	wire_add_notify(out, &notify);
}

void notify_send_failed(struct ike_engine *engine, struct ike_mm *mm, enum ike_reason reason)
{
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
	if (mm->vids & VID_MICROSOFT)
		add_status(&m.out, reason);
	wire_add_notify(&m.out, &notify);
	message = protected_finish(mm, &m, iv);
	if (message.len)
		(void)exchange_send(engine, &mm->log, mm, message);
}
