/* SPDX-License-Identifier: MIT */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Checked access to network data. Both sides fail sticky: after the first access beyond the end
 * every later one does nothing (reads give zero), so that a parser reads a whole structure and
 * asks once whether all of it was there.
 */

/* A view into bytes that somebody else owns. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

struct reader {
	const uint8_t *data;
	size_t len;	/* bytes left */
	bool failed;
};

struct reader reader_make(const void *data, size_t len);
struct reader reader_from(struct bytes bytes);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* A view of the next @len bytes; {NULL, 0} on failure. */
struct bytes reader_take(struct reader *r, size_t len);
/* All that is left. */
struct bytes reader_rest(struct reader *r);
void reader_skip(struct reader *r, size_t len);
/* Copies @len bytes to @dst, zeros on failure. */
void reader_copy(struct reader *r, void *dst, size_t len);
/* True when nothing failed and nothing is left. */
bool reader_is_done(const struct reader *r);

/* Fills a buffer of fixed size that somebody else owns; overflow is sticky. */
struct writer {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool overflow;
};

struct writer writer_make(void *data, size_t cap);

void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_put(struct writer *w, const void *data, size_t len);
void writer_bytes(struct writer *w, struct bytes bytes);
void writer_zero(struct writer *w, size_t len);
/* Room for @len bytes to be filled in later, zeroed; NULL on overflow. */
uint8_t *writer_reserve(struct writer *w, size_t len);
/* Overwrites at @at, which must have been written before; else overflow. */
void writer_patch_u8(struct writer *w, size_t at, uint8_t v);
void writer_patch_u16(struct writer *w, size_t at, uint16_t v);
void writer_patch_u32(struct writer *w, size_t at, uint32_t v);

bool bytes_is_equal(struct bytes a, struct bytes b);

#endif
