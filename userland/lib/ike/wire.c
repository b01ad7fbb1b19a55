// SPDX-License-Identifier: MIT
#include "ike/wire.h"

#include <errno.h>
#include <string.h>

#define GENERIC_HEADER_LEN 4
#define ALIGNMENT 4
#define KNOWN_FLAGS (WIRE_FLAG_ENCRYPTED | WIRE_FLAG_COMMIT | WIRE_FLAG_AUTH_ONLY)

int wire_parse_header(struct bytes datagram, struct wire_header *ret_header)
{
	static const uint8_t zero[WIRE_COOKIE_LEN];
	struct reader r = reader_from(datagram);
	struct wire_header h;

	reader_copy(&r, h.icookie, sizeof(h.icookie));
	reader_copy(&r, h.rcookie, sizeof(h.rcookie));
	h.next_payload = reader_u8(&r);
	h.version = reader_u8(&r);
	h.exchange = reader_u8(&r);
	h.flags = reader_u8(&r);
	h.message_id = reader_u32(&r);
	h.length = reader_u32(&r);
	if (r.failed || h.length != datagram.len)
		return -EBADMSG;
	if (h.version >> 4 != WIRE_VERSION >> 4) {
		*ret_header = h;
		return -EPROTONOSUPPORT;
	}
	if (h.flags & ~KNOWN_FLAGS || !memcmp(h.icookie, zero, sizeof(zero)))
		return -EBADMSG;
	*ret_header = h;
	return 0;
}

/* libreswan fills messages in clear up to a multiple of four, too. */
static bool is_alignment(struct bytes rest, size_t len)
{
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.data[i])
			return false;
	}
	return rest.len < ALIGNMENT && len % ALIGNMENT == 0;
}

int wire_parse_payloads(uint8_t first, struct bytes chain, bool is_padded,
			struct wire_message *ret_message)
{
	struct reader r = reader_from(chain);
	uint8_t type = first;
	size_t n = 0;

	while (type != WIRE_PAYLOAD_NONE) {
		uint8_t next = reader_u8(&r);
		uint8_t reserved = reader_u8(&r);
		uint16_t len = reader_u16(&r);

		/* RFC 2408, section 5.3: a message that uses what is reserved is discarded. */
		if (r.failed || reserved || len < GENERIC_HEADER_LEN)
			return -EBADMSG;
		if (n == WIRE_PAYLOADS_MAX)
			return -E2BIG;
		ret_message->payloads[n].type = type;
		ret_message->payloads[n].body = reader_take(&r, len - GENERIC_HEADER_LEN);
		if (r.failed)
			return -EBADMSG;
		n++;
		type = next;
	}
	if (!is_padded && r.len && !is_alignment((struct bytes){ r.data, r.len }, chain.len))
		return -EBADMSG;
	ret_message->n_payloads = n;
	ret_message->chain = (struct bytes){ chain.data, chain.len - r.len };
	return 0;
}

int wire_parse(struct bytes datagram, struct wire_message *ret_message)
{
	struct bytes chain;
	int ret = wire_parse_header(datagram, &ret_message->header);

	if (ret)
		return ret;
	chain = (struct bytes){ datagram.data + WIRE_HEADER_LEN, datagram.len - WIRE_HEADER_LEN };
	return wire_parse_payloads(ret_message->header.next_payload, chain, false, ret_message);
}

const struct wire_payload *wire_find(const struct wire_message *message, uint8_t type,
				     size_t index)
{
	for (size_t i = 0; i < message->n_payloads; i++) {
		if (message->payloads[i].type == type && !index--)
			return &message->payloads[i];
	}
	return NULL;
}

struct bytes wire_after(const struct wire_message *message, const struct wire_payload *payload)
{
	const uint8_t *end = payload->body.data + payload->body.len;

	return (struct bytes){ end, (size_t)(message->chain.data + message->chain.len - end) };
}

struct wire_out wire_out_make(void *buf, size_t cap, const struct wire_header *header)
{
	struct wire_out out = { .w = writer_make(buf, cap) };

	writer_put(&out.w, header->icookie, sizeof(header->icookie));
	writer_put(&out.w, header->rcookie, sizeof(header->rcookie));
	out.next_at = out.w.len;
	writer_u8(&out.w, WIRE_PAYLOAD_NONE);
	writer_u8(&out.w, header->version);
	writer_u8(&out.w, header->exchange);
	writer_u8(&out.w, header->flags);
	writer_u32(&out.w, header->message_id);
	writer_u32(&out.w, 0);
	return out;
}

void wire_begin(struct wire_out *out, uint8_t type)
{
	writer_patch_u8(&out->w, out->next_at, type);
	out->next_at = out->payload_at = out->w.len;
	writer_u8(&out->w, WIRE_PAYLOAD_NONE);
	writer_u8(&out->w, 0);
	writer_u16(&out->w, 0);
}

void wire_end(struct wire_out *out)
{
	size_t len = out->w.len - out->payload_at;

	if (len > UINT16_MAX)
		out->w.overflow = true;
	writer_patch_u16(&out->w, out->payload_at + 2, (uint16_t)len);
}

void wire_add(struct wire_out *out, uint8_t type, struct bytes body)
{
	wire_begin(out, type);
	writer_bytes(&out->w, body);
	wire_end(out);
}

size_t wire_finish(struct wire_out *out, size_t block)
{
	size_t rest = block ? (out->w.len - WIRE_HEADER_LEN) % block : 0;

	if (rest)
		writer_zero(&out->w, block - rest);
	if (out->w.len > WIRE_MESSAGE_MAX)
		out->w.overflow = true;
	writer_patch_u32(&out->w, WIRE_HEADER_LEN - 4, (uint32_t)out->w.len);
	return out->w.overflow ? 0 : out->w.len;
}

struct bytes wire_last_body(const struct wire_out *out)
{
	size_t start = out->payload_at + GENERIC_HEADER_LEN;

	if (out->w.overflow || start > out->w.len)
		return (struct bytes){0};
	return (struct bytes){ out->w.data + start, out->w.len - start };
}

int wire_parse_notify(struct bytes body, struct wire_notify *ret_notify)
{
	struct reader r = reader_from(body);
	struct wire_notify n;
	uint8_t spi_size;

	n.doi = reader_u32(&r);
	n.protocol = reader_u8(&r);
	spi_size = reader_u8(&r);
	n.type = reader_u16(&r);
	n.spi = reader_take(&r, spi_size);
	n.data = reader_rest(&r);
	if (r.failed)
		return -EBADMSG;
	*ret_notify = n;
	return 0;
}

int wire_parse_delete(struct bytes body, struct wire_delete *ret_delete)
{
	struct reader r = reader_from(body);
	struct wire_delete d;

	d.doi = reader_u32(&r);
	d.protocol = reader_u8(&r);
	d.spi_size = reader_u8(&r);
	d.n_spis = reader_u16(&r);
	d.spis = reader_take(&r, (size_t)d.n_spis * d.spi_size);
	if (!reader_is_done(&r))
		return -EBADMSG;
	if (d.n_spis > WIRE_DELETE_SPIS_MAX)
		return -E2BIG;
	*ret_delete = d;
	return 0;
}

void wire_add_notify(struct wire_out *out, const struct wire_notify *notify)
{
	wire_begin(out, WIRE_PAYLOAD_NOTIFY);
	writer_u32(&out->w, notify->doi);
	writer_u8(&out->w, notify->protocol);
	writer_u8(&out->w, (uint8_t)notify->spi.len);
	writer_u16(&out->w, notify->type);
	writer_bytes(&out->w, notify->spi);
	writer_bytes(&out->w, notify->data);
	wire_end(out);
}

void wire_add_delete(struct wire_out *out, const struct wire_delete *del)
{
	wire_begin(out, WIRE_PAYLOAD_DELETE);
	writer_u32(&out->w, del->doi);
	writer_u8(&out->w, del->protocol);
	writer_u8(&out->w, del->spi_size);
	writer_u16(&out->w, del->n_spis);
	writer_bytes(&out->w, del->spis);
	wire_end(out);
}
