/* SPDX-License-Identifier: MIT */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdint.h>
#include <stddef.h>

struct ip_addr;

/*
 * Strict text to values: the whole text must be consumed; no space, no sign, no locale, no octal.
 * 0, -EINVAL for text that is not of the form, -ERANGE for a value beyond the limits; the
 * out-parameter is untouched on failure.
 */

/* Decimal digits only, at least one. */
int parse_u64(const char *text, uint64_t max, uint64_t *ret_value);
int parse_u32(const char *text, uint32_t *ret_value);
int parse_u16(const char *text, uint16_t *ret_value);
int parse_u8(const char *text, uint8_t *ret_value);
/* Decimal in [min, max]. */
int parse_u32_range(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value);
/* Decimal, or hexadecimal after "0x". */
int parse_number(const char *text, uint32_t *ret_value);

/* "yes", "no" and what means the same: y, true, on, 1 / n, false, off, 0; any case. */
int parse_bool(const char *text, int *ret_value);

/* Pairs of hexadecimal digits; -ERANGE when they do not fit into @cap bytes. */
int parse_hex(const char *text, uint8_t *buf, size_t cap, size_t *ret_len);

/*
 * "address", "address/length" or "IPv4 address/mask". Host bits are kept. Non-contiguous masks
 * are -EINVAL here; use parse_mask() where they are allowed.
 */
int parse_prefix(const char *text, struct ip_addr *ret_addr, uint8_t *ret_prefix_len);

/*
 * The part after "/" or of mask=: a length for @family, or an IPv4 address in which every bit
 * counts, contiguous or not.
 */
int parse_mask(const char *text, uint8_t family, struct ip_addr *ret_mask);

/* The number of leading ones if all other bits are zero; -EINVAL if not. */
int mask_to_prefix(const struct ip_addr *mask, uint8_t *ret_prefix_len);

#endif
