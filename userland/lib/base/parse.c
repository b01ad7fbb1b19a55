// SPDX-License-Identifier: MIT
#include "base/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/addr.h"

/* The value of a digit in any base up to 16, or 16. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

static int parse_digits(const char *text, unsigned int base, uint64_t max, uint64_t *ret_value)
{
	bool is_too_big = false;
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned int digit = digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / base)
			is_too_big = true;
		else
			value = value * base + digit;
	}
	if (is_too_big || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret_value)
{
	return parse_digits(text, 10, max, ret_value);
}

int parse_u32(const char *text, uint32_t *ret_value)
{
	return parse_u32_range(text, 0, UINT32_MAX, ret_value);
}

int parse_u16(const char *text, uint16_t *ret_value)
{
	uint64_t value;
	int ret = parse_u64(text, UINT16_MAX, &value);

	if (!ret)
		*ret_value = (uint16_t)value;
	return ret;
}

int parse_u8(const char *text, uint8_t *ret_value)
{
	uint64_t value;
	int ret = parse_u64(text, UINT8_MAX, &value);

	if (!ret)
		*ret_value = (uint8_t)value;
	return ret;
}

int parse_u32_range(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value)
{
	uint64_t value;
	int ret = parse_u64(text, max, &value);

	if (ret)
		return ret;
	if (value < min)
		return -ERANGE;
	*ret_value = (uint32_t)value;
	return 0;
}

int parse_number(const char *text, uint32_t *ret_value)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t value;
	int ret = parse_digits(is_hex ? text + 2 : text, is_hex ? 16 : 10, UINT32_MAX, &value);

	if (!ret)
		*ret_value = (uint32_t)value;
	return ret;
}

int parse_bool(const char *text, int *ret_value)
{
	static const char *const yes[] = { "yes", "y", "true", "on", "1" };
	static const char *const no[] = { "no", "n", "false", "off", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		bool is_yes = !strcasecmp(text, yes[i]);

		if (is_yes || !strcasecmp(text, no[i])) {
			*ret_value = is_yes;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_hex(const char *text, uint8_t *buf, size_t cap, size_t *ret_len)
{
	size_t n = strlen(text);

	if (n % 2)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (digit_value(text[i]) > 15)
			return -EINVAL;
	}
	if (n / 2 > cap)
		return -ERANGE;
	for (size_t i = 0; i < n / 2; i++)
		buf[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
	*ret_len = n / 2;
	return 0;
}

int mask_to_prefix(const struct ip_addr *mask, uint8_t *ret_prefix_len)
{
	uint8_t bits = (uint8_t)(8 * ip_addr_len(mask));
	struct ip_addr ones = { .family = mask->family }, first, last;

	memset(ones.bytes, 0xff, ip_addr_len(mask));
	for (unsigned int len = 0; bits && len <= bits; len++) {
		(void)ip_addr_prefix_range(&ones, len, &first, &last);
		if (ip_addr_is_equal(&first, mask)) {
			*ret_prefix_len = (uint8_t)len;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_mask(const char *text, uint8_t family, struct ip_addr *ret_mask)
{
	struct ip_addr mask = { .family = family }, last;
	uint32_t len;
	int ret;

	if (strchr(text, '.')) {
		ret = ip_addr_parse(text, &mask);
		if (ret || mask.family != family)
			return -EINVAL;
		*ret_mask = mask;
		return 0;
	}
	ret = parse_u32_range(text, 0, (uint32_t)(8 * ip_addr_len(&mask)), &len);
	if (ret)
		return ret;
	memset(mask.bytes, 0xff, ip_addr_len(&mask));
	return ip_addr_prefix_range(&mask, len, ret_mask, &last);
}

int parse_prefix(const char *text, struct ip_addr *ret_addr, uint8_t *ret_prefix_len)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct ip_addr addr, mask;
	char buf[IP_ADDR_STRLEN];
	uint8_t len;
	int ret;

	if (n >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = '\0';
	ret = ip_addr_parse(buf, &addr);
	if (ret)
		return ret;
	len = (uint8_t)(8 * ip_addr_len(&addr));
	if (slash) {
		ret = parse_mask(slash + 1, addr.family, &mask);
		if (!ret)
			ret = mask_to_prefix(&mask, &len);
		if (ret)
			return ret;
	}
	*ret_addr = addr;
	*ret_prefix_len = len;
	return 0;
}
