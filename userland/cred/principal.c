// SPDX-License-Identifier: MIT
#include "cred/principal.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* --- code points -------------------------------------------------------------------------- */

/*
 * Beyond ASCII, what may be in a name: not what changes how a line looks or hides in it, because
 * names get into logs that people believe.
 */
static bool is_visible(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x80, 0xa0 },	      /* controls, space */
		{ 0xad, 0xad },	      /* soft hyphen */
		{ 0x61c, 0x61c },     /* direction */
		{ 0x1680, 0x1680 },   /* space */
		{ 0x180e, 0x180e },   /* space of no width */
		{ 0x2000, 0x200f },   /* spaces, joiners, direction */
		{ 0x2028, 0x202f },   /* lines, direction, space */
		{ 0x205f, 0x206f },   /* space, invisible signs, direction */
		{ 0x3000, 0x3000 },   /* space */
		{ 0xd800, 0xdfff },   /* surrogates */
		{ 0xe000, 0xf8ff },   /* private use */
		{ 0xfe00, 0xfe0f },   /* variants */
		{ 0xfeff, 0xfeff },   /* byte order */
		{ 0xfff0, 0xffff },   /* specials */
		{ 0xe0000, 0x10ffff } /* tags, private use */
	};

	for (size_t i = 0; i < N(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return c >= 0x80 && c <= 0x10ffff;
}

static bool is_name_char(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

/* The next code point of UTF-8; 0 at the end or for bytes that are none. */
static uint32_t next_char(const char **place)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)*place;
	uint32_t c = p[0];
	size_t n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;

	if (c == 0 || n == 0)
		return 0;
	if (n > 1)
		c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*place += n;
	return c >= least[n] ? c : 0;
}

static void put_utf8(struct writer *w, uint32_t c)
{
	if (c < 0x80) {
		writer_u8(w, (uint8_t)c);
	} else if (c < 0x800) {
		writer_u8(w, (uint8_t)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		writer_u8(w, (uint8_t)(0xe0 | c >> 12));
		writer_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	} else {
		writer_u8(w, (uint8_t)(0xf0 | c >> 18));
		writer_u8(w, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		writer_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	if (c >= 0x80)
		writer_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
}

/* One code point of UTF-16LE; 0 if it is none, which is_host refuses as the end of the text. */
static uint32_t take_utf16(struct reader *r)
{
	uint32_t unit = reader_u8(r);
	uint32_t low;

	unit |= (uint32_t)reader_u8(r) << 8;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	low = reader_u8(r);
	low |= (uint32_t)reader_u8(r) << 8;
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
}

/* --- names -------------------------------------------------------------------------------- */

/* Characters of a name from @text up to @end, which is not part of it; NULL if there are others. */
static const char *skip_name(const char *text, char end, bool is_ascii)
{
	const char *p = text;
	const char *before = p;
	uint32_t c;

	for (c = next_char(&p); c != (uint8_t)end; c = next_char(&p)) {
		if (!is_name_char(c) && (is_ascii || !is_visible(c)))
			return NULL;
		before = p;
	}
	/* the terminating NUL is not stepped over */
	return before > text ? before : NULL;
}

bool principal_is_host(const char *text)
{
	const char *p;

	if (strnlen(text, PRINCIPAL_SIZE) >= PRINCIPAL_SIZE)
		return false;
	if (!strncmp(text, "host/", 5)) {
		p = skip_name(text + 5, '@', true);
	} else {
		p = skip_name(text, '$', false);
		if (p && *++p != '@')
			return false;
	}
	if (!p)
		return false;
	p = skip_name(p + 1, '\0', true);
	return p && !*p;
}

int principal_from_utf16(struct bytes name, char ret_text[static PRINCIPAL_SIZE])
{
	char text[PRINCIPAL_SIZE] = { 0 };
	struct writer w = writer_make(text, IKE_GSS_NAME_MAX_LEN);
	struct reader r = reader_from(name);

	while (r.len && !r.failed && !w.overflow) {
		uint32_t c = take_utf16(&r);

		if (c == 0)
			return -EINVAL;
		put_utf8(&w, c);
	}
	if (w.overflow)
		return -ENAMETOOLONG;
	if (!reader_is_done(&r) || !principal_is_host(text))
		return -EINVAL;
	memcpy(ret_text, text, sizeof(text));
	return 0;
}

bool principal_is_in_realms(const char *text, const char *realms)
{
	const char *realm = strchr(text, '@');
	size_t len;

	if (!*realms)
		return true;
	if (!realm)
		return false;
	len = strlen(++realm);
	for (const char *p = realms; p; p = strchr(p, ',')) {
		p += strspn(p, ", ");
		if (strcspn(p, ", ") == len && !strncasecmp(p, realm, len))
			return true;
	}
	return false;
}
