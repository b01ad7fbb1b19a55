// SPDX-License-Identifier: MIT
#include "ike/fragment.h"

#include <errno.h>
#include <string.h>

#define FLAG_LAST 0x01
#define COOKIES_LEN (2 * WIRE_COOKIE_LEN)
#define NEXT_PAYLOAD_AT COOKIES_LEN
#define FLAGS_AT (COOKIES_LEN + 3)
#define LENGTH_AT (WIRE_HEADER_LEN - 4)

/* --- reading -------------------------------------------------------------------------------- */

int fragment_parse(struct bytes datagram, struct wire_header *ret_header,
		   struct fragment *ret_fragment)
{
	struct wire_message message;
	struct fragment f;
	struct reader r;

	if (wire_parse(datagram, &message) || message.header.flags & WIRE_FLAG_ENCRYPTED ||
	    message.n_payloads != 1 || message.payloads[0].type != WIRE_PAYLOAD_FRAGMENT)
		return -EBADMSG;
	r = reader_from(message.payloads[0].body);
	f.id = reader_u16(&r);
	f.number = reader_u8(&r);
	f.is_last = reader_u8(&r) & FLAG_LAST;
	f.data = reader_rest(&r);
	if (r.failed || !f.number || !f.data.len)
		return -EBADMSG;
	*ret_header = message.header;
	*ret_fragment = f;
	return 0;
}

/* --- collecting ----------------------------------------------------------------------------- */

bool fragments_is_same(const struct fragments *set, const struct wire_header *header,
		       const struct fragment *fragment)
{
	/* Some give every message the same id: the message id tells at least exchanges apart. */
	return set->n && set->id == fragment->id && set->header.exchange == header->exchange &&
	       set->header.message_id == header->message_id;
}

/* Whether the fragment fits in with those that are there; 0, or what fragments_add() returns. */
static int check(const struct fragments *set, const struct fragment *f)
{
	const struct blob *part;

	if (f->number > FRAGMENTS_MAX)
		return -E2BIG;
	part = &set->parts[f->number - 1];
	if (part->len) {
		bool is_equal = bytes_is_equal(blob_bytes(part), f->data) &&
				f->is_last == (set->last == f->number);

		return is_equal ? -EEXIST : -EBADMSG;
	}
	if (set->last && (f->is_last || f->number > set->last))
		return -EBADMSG;
	if (f->is_last && f->number < set->highest)
		return -EBADMSG;
	return f->data.len > FRAGMENTS_BYTES_MAX - set->bytes ? -E2BIG : 0;
}

int fragments_add(struct fragments *set, const struct wire_header *header,
		  const struct fragment *f)
{
	int ret = check(set, f);

	if (ret)
		return ret;
	if (blob_set(&set->parts[f->number - 1], f->data))
		return -ENOMEM;
	if (!set->n) {
		set->header = *header;
		set->id = f->id;
	}
	set->n++;
	set->bytes += f->data.len;
	if (f->number > set->highest)
		set->highest = f->number;
	if (f->is_last)
		set->last = f->number;
	return set->last && set->n == set->last;
}

void fragments_clear(struct fragments *set)
{
	for (size_t i = 0; i < FRAGMENTS_MAX; i++)
		blob_free(&set->parts[i]);
	*set = (struct fragments){0};
}

/* --- putting together ----------------------------------------------------------------------- */

static void write_cookies(struct writer *w, const struct wire_header *header)
{
	writer_put(w, header->icookie, WIRE_COOKIE_LEN);
	writer_put(w, header->rcookie, WIRE_COOKIE_LEN);
}

/* The message's own header was not sent; what is fragmented is encrypted, and begins like this. */
static void write_missing_header(struct writer *w, const struct fragments *set)
{
	const struct wire_header *h = &set->header;

	write_cookies(w, h);
	writer_u8(w, h->message_id ? WIRE_PAYLOAD_HASH : WIRE_PAYLOAD_ID);
	writer_u8(w, h->version);
	writer_u8(w, h->exchange);
	writer_u8(w, h->flags | WIRE_FLAG_ENCRYPTED);
	writer_u32(w, h->message_id);
	writer_u32(w, (uint32_t)(WIRE_HEADER_LEN + set->bytes));
}

size_t fragments_join(const struct fragments *set, uint8_t buf[static FRAGMENTS_BYTES_MAX +
								 WIRE_HEADER_LEN])
{
	struct writer w = writer_make(buf, FRAGMENTS_BYTES_MAX + WIRE_HEADER_LEN);
	uint8_t cookies[COOKIES_LEN];
	struct writer c = writer_make(cookies, sizeof(cookies));
	const struct blob *first = &set->parts[0];

	write_cookies(&c, &set->header);
	if (first->len < COOKIES_LEN || memcmp(first->data, cookies, COOKIES_LEN) != 0)
		write_missing_header(&w, set);
	for (size_t i = 0; i < set->last; i++)
		writer_bytes(&w, blob_bytes(&set->parts[i]));
	if (w.overflow || w.len < WIRE_HEADER_LEN || buf[NEXT_PAYLOAD_AT] == WIRE_PAYLOAD_FRAGMENT)
		return 0;
	return w.len;
}

/* --- splitting ------------------------------------------------------------------------------ */

size_t fragment_count(size_t len, size_t room)
{
	size_t n = (len + room - 1) / room;

	return n > FRAGMENTS_MAX || len > FRAGMENTS_BYTES_MAX ? 0 : n;
}

size_t fragment_write(void *buf, struct bytes message, uint16_t id, size_t number, size_t room)
{
	struct writer w = writer_make(buf, room + FRAGMENT_OVERHEAD);
	size_t at = (number - 1) * room, len = message.len - at;
	bool is_last = len <= room;
	uint8_t *header;

	len = is_last ? len : room;
	writer_put(&w, message.data, WIRE_HEADER_LEN);
	writer_u8(&w, WIRE_PAYLOAD_NONE);
	writer_u8(&w, 0);
	writer_u16(&w, (uint16_t)(FRAGMENT_OVERHEAD - WIRE_HEADER_LEN + len));
	writer_u16(&w, id);
	writer_u8(&w, (uint8_t)number);
	writer_u8(&w, is_last ? FLAG_LAST : 0);
	writer_put(&w, message.data + at, len);
	writer_patch_u32(&w, LENGTH_AT, (uint32_t)w.len);
	header = w.data;
	header[NEXT_PAYLOAD_AT] = WIRE_PAYLOAD_FRAGMENT;
	header[FLAGS_AT] &= (uint8_t)~WIRE_FLAG_ENCRYPTED;
	return w.len;
}
