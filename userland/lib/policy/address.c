// SPDX-License-Identifier: MIT
#include "policy/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/parse.h"

#define HOST_NAME_LEN	253	/* RFC 1035, without the root's dot */
#define HOST_LABEL_LEN	63

static const struct keyword {
	const char *text;
	enum policy_address_kind kind;
} keywords[] = {
	{ "me", POLICY_ADDRESS_ME },
	{ "any", POLICY_ADDRESS_ANY },
	{ "WINS", POLICY_ADDRESS_WINS },
	{ "DNS", POLICY_ADDRESS_DNS },
	{ "DHCP", POLICY_ADDRESS_DHCP },
	{ "GATEWAY", POLICY_ADDRESS_GATEWAY },
};

static const char *keyword_text(enum policy_address_kind kind)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (keywords[i].kind == kind)
			return keywords[i].text;
	return NULL;
}

struct ip_addr policy_mask_from_prefix(uint8_t family, uint8_t len)
{
	struct ip_addr mask = { .family = family };

	for (unsigned int bit = 0; bit < len && bit < sizeof(mask.bytes) * 8; bit++)
		mask.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return mask;
}

static uint8_t full_prefix(uint8_t family)
{
	return family == AF_INET6 ? 128 : 32;
}

/* Host bits carry no meaning; without them equal filters are equal bytes. */
static void apply_mask(struct policy_address *address)
{
	for (size_t i = 0; i < sizeof(address->addr.bytes); i++)
		address->addr.bytes[i] &= address->mask.bytes[i];
}

/* MS-GPIPSEC 2.2.1.5.1: "me" is 0.0.0.0/255.255.255.255 in a stored filter */
static void read_as_me(struct policy_address *address)
{
	struct ip_addr full = policy_mask_from_prefix(AF_INET, 32);

	if (address->addr.family == AF_INET && ip_addr_is_unspecified(&address->addr) &&
	    ip_addr_is_equal(&address->mask, &full))
		*address = (struct policy_address){ .kind = POLICY_ADDRESS_ME };
}

static int parse_numeric(const char *text, const char *mask, struct policy_address *ret_address,
			 char *why)
{
	struct policy_address address = { .kind = POLICY_ADDRESS_IP };

	if (ip_addr_parse(text, &address.addr) < 0) {
		snprintf(why, POLICY_WHY_LEN, "\"%.64s\" before the mask is not an address", text);
		return -EINVAL;
	}
	address.mask = policy_mask_from_prefix(address.addr.family,
					       full_prefix(address.addr.family));
	if (mask && parse_mask(mask, address.addr.family, &address.mask) < 0) {
		snprintf(why, POLICY_WHY_LEN,
			 "\"%.64s\" is not a mask: write a prefix length up to %u%s", mask,
			 full_prefix(address.addr.family),
			 address.addr.family == AF_INET ? ", or a mask like 255.255.255.0" : "");
		return -EINVAL;
	}
	apply_mask(&address);
	read_as_me(&address);
	*ret_address = address;
	return 0;
}

/*
 * RFC 1123, section 2.1, plus "_". A name whose last label is all digits is a mistyped address and
 * not a name.
 */
static bool is_host_name(const char *text)
{
	size_t len = strlen(text), label = 0;
	bool is_digits = true;

	if (len > 1 && text[len - 1] == '.')
		len--;
	if (!len || len > HOST_NAME_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '.') {
			if (!label || text[i - 1] == '-')
				return false;
			label = 0;
			is_digits = true;
			continue;
		}
		if (!(isascii(c) && (isalnum(c) || c == '_' || (c == '-' && label))))
			return false;
		if (++label > HOST_LABEL_LEN)
			return false;
		if (!isdigit(c))
			is_digits = false;
	}
	return label && text[len - 1] != '-' && !is_digits;
}

static int parse_name(const char *text, struct policy_address *ret_address, char *why)
{
	if (!is_host_name(text)) {
		snprintf(why, POLICY_WHY_LEN,
			 "\"%.64s\" is not an address: write me, any, an IPv4 or IPv6 address "
			 "(with /mask for a subnet), a DNS name, WINS, DNS, DHCP or GATEWAY", text);
		return -EINVAL;
	}
	ret_address->name = strdup(text);
	if (!ret_address->name) {
		snprintf(why, POLICY_WHY_LEN, "out of memory");
		return -ENOMEM;
	}
	ret_address->kind = POLICY_ADDRESS_NAME;
	return 0;
}

int policy_address_parse(const char *text, struct policy_address *ret_address,
			 char why[static POLICY_WHY_LEN])
{
	struct policy_address address = { .kind = POLICY_ADDRESS_ME };
	const char *slash = strchr(text, '/');
	struct ip_addr numeric;
	int err = 0;

	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (!strcasecmp(text, keywords[i].text)) {
			address.kind = keywords[i].kind;
			*ret_address = address;
			return 0;
		}
	}
	if (slash) {
		char head[IP_ADDR_STRLEN];
		size_t len = (size_t)(slash - text);

		if (len >= sizeof(head)) {
			snprintf(why, POLICY_WHY_LEN,
				 "\"%.64s\" before the mask is not an address", text);
			return -EINVAL;
		}
		memcpy(head, text, len);
		head[len] = '\0';
		err = parse_numeric(head, slash + 1, &address, why);
	} else if (!ip_addr_parse(text, &numeric)) {
		err = parse_numeric(text, NULL, &address, why);
	} else {
		err = parse_name(text, &address, why);
	}
	if (err)
		return err;
	*ret_address = address;
	return 0;
}

int policy_address_parse_masked(const char *text, const char *mask,
				struct policy_address *ret_address, char why[static POLICY_WHY_LEN])
{
	struct policy_address address;
	struct ip_addr given;
	uint8_t wanted, prefix;
	int err;

	if (!ip_addr_parse(text, &given))
		return parse_numeric(text, mask, ret_address, why);
	if (strchr(text, '/')) {
		snprintf(why, POLICY_WHY_LEN,
			 "\"%.64s\" has a mask already; leave the other one out", text);
		return -EINVAL;
	}
	err = policy_address_parse(text, &address, why);
	if (err)
		return err;
	/* What is no number has one sensible mask; scripts made by tools write it all the same. */
	wanted = address.kind == POLICY_ADDRESS_ANY ? 0 : 32;
	if (parse_mask(mask, AF_INET, &given) < 0 || mask_to_prefix(&given, &prefix) < 0 ||
	    prefix != wanted) {
		snprintf(why, POLICY_WHY_LEN,
			 "a mask goes with a numeric address; with \"%.64s\" leave it out", text);
		policy_address_clear(&address);
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

char *policy_address_to_text(const struct policy_address *address)
{
	char addr[IP_ADDR_STRLEN], mask[IP_ADDR_STRLEN], text[2 * IP_ADDR_STRLEN];
	uint8_t prefix;

	if (address->kind == POLICY_ADDRESS_NAME)
		return strdup(address->name);
	if (address->kind != POLICY_ADDRESS_IP)
		return strdup(keyword_text(address->kind));
	ip_addr_format(&address->addr, addr);
	if (mask_to_prefix(&address->mask, &prefix) < 0)
		snprintf(text, sizeof(text), "%s/%s", addr,
			 ip_addr_format(&address->mask, mask));
	else if (prefix == full_prefix(address->addr.family))
		return strdup(addr);
	else
		snprintf(text, sizeof(text), "%s/%u", addr, prefix);
	return strdup(text);
}

int policy_address_copy(const struct policy_address *address, struct policy_address *ret_copy)
{
	struct policy_address copy = *address;

	if (address->name) {
		copy.name = strdup(address->name);
		if (!copy.name)
			return -ENOMEM;
	}
	*ret_copy = copy;
	return 0;
}

void policy_address_clear(struct policy_address *address)
{
	free(address->name);
	*address = (struct policy_address){ .kind = POLICY_ADDRESS_ME };
}

uint8_t policy_address_family(const struct policy_address *address)
{
	return address->kind == POLICY_ADDRESS_IP ? address->addr.family : 0;
}
