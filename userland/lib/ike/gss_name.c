// SPDX-License-Identifier: MIT
#include "ike/gss_name.h"

#include <errno.h>
#include <string.h>

static void write_unit(struct writer *w, uint32_t unit)
{
	writer_u8(w, (uint8_t)unit);
	writer_u8(w, (uint8_t)(unit >> 8));
}

/* Takes one character off the front; false for what is not UTF-8. */
static bool take_character(struct reader *r, uint32_t *ret_c)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint8_t first = reader_u8(r);
	unsigned int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t c = more ? first & (0x3f >> more) : first;

	if ((first >= 0x80 && first < 0xc0) || first >= 0xf8)
		return false;
	for (unsigned int i = 0; i < more; i++) {
		uint8_t next = reader_u8(r);

		if ((next & 0xc0) != 0x80)
			return false;
		c = c << 6 | (next & 0x3f);
	}
	*ret_c = c;
	return !r->failed && c >= least[more] && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

int gss_name_write(struct writer *w, const char *name)
{
	struct reader r = reader_make(name, strlen(name));
	uint32_t c;

	if (!r.len || r.len > IKE_GSS_NAME_MAX_LEN)
		return -EINVAL;
	while (r.len) {
		if (!take_character(&r, &c))
			return -EINVAL;
		if (c < 0x10000) {
			write_unit(w, c);
		} else {
			write_unit(w, 0xd800 + ((c - 0x10000) >> 10));
			write_unit(w, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	return 0;
}
