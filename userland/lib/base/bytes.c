// SPDX-License-Identifier: MIT
#include "base/bytes.h"

#include <string.h>

struct reader reader_make(const void *data, size_t len)
{
	return (struct reader){ .data = data, .len = len };
}

struct reader reader_from(struct bytes bytes)
{
	return reader_make(bytes.data, bytes.len);
}

struct bytes reader_take(struct reader *r, size_t len)
{
	struct bytes taken = { .data = r->data, .len = len };

	if (r->failed || len > r->len) {
		r->failed = true;
		return (struct bytes){0};
	}
	if (len) {
		r->data += len;
		r->len -= len;
	}
	return taken;
}

struct bytes reader_rest(struct reader *r)
{
	return reader_take(r, r->failed ? 0 : r->len);
}

void reader_skip(struct reader *r, size_t len)
{
	(void)reader_take(r, len);
}

static uint64_t read_number(struct reader *r, size_t len)
{
	struct bytes b = reader_take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.data[i];
	return v;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)read_number(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
	return (uint16_t)read_number(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
	return (uint32_t)read_number(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
	return read_number(r, 8);
}

void reader_copy(struct reader *r, void *dst, size_t len)
{
	struct bytes b = reader_take(r, len);

	if (b.data)
		memcpy(dst, b.data, b.len);
	else
		memset(dst, 0, len);
}

bool reader_is_done(const struct reader *r)
{
	return !r->failed && !r->len;
}

struct writer writer_make(void *data, size_t cap)
{
	return (struct writer){ .data = data, .cap = cap };
}

uint8_t *writer_reserve(struct writer *w, size_t len)
{
	uint8_t *at = w->data + w->len;

	if (w->overflow || len > w->cap - w->len) {
		w->overflow = true;
		return NULL;
	}
	memset(at, 0, len);
	w->len += len;
	return at;
}

static void write_number(struct writer *w, uint64_t v, size_t len)
{
	uint8_t *at = writer_reserve(w, len);

	for (size_t i = len; at && i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

void writer_u8(struct writer *w, uint8_t v)
{
	write_number(w, v, 1);
}

void writer_u16(struct writer *w, uint16_t v)
{
	write_number(w, v, 2);
}

void writer_u32(struct writer *w, uint32_t v)
{
	write_number(w, v, 4);
}

void writer_u64(struct writer *w, uint64_t v)
{
	write_number(w, v, 8);
}

void writer_put(struct writer *w, const void *data, size_t len)
{
	uint8_t *at;

	if (!len)
		return;
	at = writer_reserve(w, len);
	if (at)
		memcpy(at, data, len);
}

void writer_bytes(struct writer *w, struct bytes bytes)
{
	writer_put(w, bytes.data, bytes.len);
}

void writer_zero(struct writer *w, size_t len)
{
	(void)writer_reserve(w, len);
}

static void patch_number(struct writer *w, size_t at, uint64_t v, size_t len)
{
	if (w->overflow || at > w->len || len > w->len - at) {
		w->overflow = true;
		return;
	}
	for (size_t i = len; i > 0; i--, v >>= 8)
		w->data[at + i - 1] = (uint8_t)v;
}

void writer_patch_u8(struct writer *w, size_t at, uint8_t v)
{
	patch_number(w, at, v, 1);
}

void writer_patch_u16(struct writer *w, size_t at, uint16_t v)
{
	patch_number(w, at, v, 2);
}

void writer_patch_u32(struct writer *w, size_t at, uint32_t v)
{
	patch_number(w, at, v, 4);
}

bool bytes_is_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}
