/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ipdtool.h"

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("ipdtool: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

unsigned long long number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || !*text || *end)
		die("%s is not a number", text);
	return value;
}

int named(int (*from_name)(const char *name), const char *name)
{
	int value = from_name(name);

	if (value < 0)
		die("unknown name %s", name);
	return value;
}

unsigned int protocol_number(const char *text)
{
	const struct protoent *entry;

	if (text[0] >= '0' && text[0] <= '9')
		return (unsigned int)number(text);
	if (!strcmp(text, "any"))
		return 0;
	if (!strcmp(text, "icmp"))
		return IPPROTO_ICMP;
	if (!strcmp(text, "tcp"))
		return IPPROTO_TCP;
	if (!strcmp(text, "udp"))
		return IPPROTO_UDP;
	if (!strcmp(text, "icmpv6"))
		return IPPROTO_ICMPV6;
	entry = getprotobyname(text);
	if (!entry)
		die("unknown protocol %s", text);
	return (unsigned int)entry->p_proto;
}

struct address parse_address(const char *text)
{
	struct address address = {};

	if (inet_pton(AF_INET, text, address.bytes) == 1) {
		address.family = AF_INET;
		address.len = 4;
	} else if (inet_pton(AF_INET6, text, address.bytes) == 1) {
		address.family = AF_INET6;
		address.len = 16;
	} else {
		die("%s is not an address", text);
	}
	return address;
}

struct address parse_address_until(const char *text, const char *end)
{
	size_t len = end ? (size_t)(end - text) : strlen(text);
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy))
		die("%s is not an address", text);
	memcpy(copy, text, len);
	copy[len] = 0;
	return parse_address(copy);
}

struct address prefix_mask(int family, unsigned long long prefix)
{
	struct address mask = { .family = family, .len = family == AF_INET ? 4 : 16 };

	if (prefix > (unsigned int)mask.len * 8)
		die("prefix %llu is too long", prefix);
	memset(mask.bytes, 0xff, prefix / 8);
	if (prefix % 8)
		mask.bytes[prefix / 8] = (unsigned char)(0xff00 >> prefix % 8);
	return mask;
}

bool is_end(const char *word)
{
	return !word || (word[0] == '+' && !word[1]);
}

const char *find_value(char **words, const char *key)
{
	const char *value;

	for (; !is_end(*words); words++) {
		value = value_of(*words, key);
		if (value)
			return value;
	}
	return NULL;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *digit = c ? strchr(digits, c | 0x20) : NULL;

	return digit ? (int)(digit - digits) : -1;
}

int parse_key(const char *text, unsigned char *key, size_t size)
{
	size_t len = strlen(text) / 2;

	if (text[0] == '@') {
		len = (size_t)number(text + 1);
		if (len > size)
			die("a key of %zu bytes is too long", len);
		for (size_t i = 0; i < len; i++)
			key[i] = (unsigned char)(i + 1);
		return (int)len;
	}
	if (strlen(text) % 2 || len > size)
		die("bad key %s", text);
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			die("bad key %s", text);
		key[i] = (unsigned char)(high << 4 | low);
	}
	return (int)len;
}

