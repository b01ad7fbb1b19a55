/* SPDX-License-Identifier: MIT */
#ifndef LINK_CODEC_H
#define LINK_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

/*
 * Structs to D-Bus messages and back, driven by one table per struct; inside lib/link only.
 *
 * A table lists every field that travels, in order, with its bounds. Reading fills a zeroed
 * struct, allocates what is marked as heap, never more than the bounds say, and then checks
 * everything; so what comes out of codec_read() is in range, or there was an error.
 */
enum codec_kind {
	CODEC_UINT,		/* unsigned, 1, 2, 4 or 8 bytes: y, q, u, t */
	CODEC_BOOL,		/* b */
	CODEC_ADDR,		/* struct ip_addr: ay of 0, 4 or 16; min 1: family 0 is refused */
	CODEC_BYTES,		/* bytes inside the struct and their size_t length: ay */
	CODEC_HEAP_BYTES,	/* the same behind a pointer */
	CODEC_TEXT,		/* char *, no control characters: s */
	CODEC_OPTIONAL_TEXT,	/* the same, NULL for an empty one */
	CODEC_STRUCT,		/* r */
	CODEC_ARRAY,		/* structs inside the struct and their size_t number: ar */
	CODEC_HEAP_ARRAY,	/* the same behind a pointer */
	CODEC_OPTIONAL,		/* pointer to one struct or NULL: ar */
};

struct codec_type;

struct codec_field {
	const char *name;
	enum codec_kind kind;
	size_t offset;
	size_t width;		/* UINT: bytes */
	uint64_t min;		/* of the value, of a length, of a number of elements */
	uint64_t max;
	size_t len_offset;	/* BYTES, ARRAY: of the length */
	const struct codec_type *type;	/* STRUCT, ARRAY, OPTIONAL: of one element */
};

struct codec_type {
	const char *name;
	size_t size;
	const struct codec_field *fields;
	size_t n_fields;
	/* What a single field cannot tell; called when all fields are in range. 0 or -EBADMSG. */
	int (*check)(const void *object);
};

#define CODEC_SIGNATURE_MAX_LEN 255

/* D-Bus signature of the fields, without parentheses around it. 0 or -ENOBUFS. */
int codec_signature(const struct codec_type *type, char buf[static CODEC_SIGNATURE_MAX_LEN + 1]);
/* 0, or -EBADMSG if anything is out of range. */
int codec_check(const struct codec_type *type, const void *object);
/* Appends the fields; the object must have passed codec_check(). */
int codec_append(sd_bus_message *m, const struct codec_type *type, const void *object);
/*
 * Reads a whole message into a new object. -EBADMSG for anything that is not exactly that
 * type, or out of range; -ENOMEM.
 */
int codec_read(sd_bus_message *m, const struct codec_type *type, void **ret_object);
/* A deep copy; NULL without memory. The object must have passed codec_check(). */
void *codec_copy(const struct codec_type *type, const void *object);
/* Wipes and frees an object of codec_read() or codec_copy(); NULL is allowed. Returns NULL. */
void *codec_free(const struct codec_type *type, void *object);

#endif
