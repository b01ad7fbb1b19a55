// SPDX-License-Identifier: MIT
#include "ipseccmd/filterspec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "policy/address.h"
#include "policy/text.h"

#define SIDE_LEN	512		/* a DNS name, a port and a protocol */

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static void side_clear(struct filterspec_side *side)
{
	policy_address_clear(&side->address);
	free(side->interface);
	*side = (struct filterspec_side){ .port = 0 };
}

void filterspec_clear(struct filterspec *spec)
{
	side_clear(&spec->source);
	side_clear(&spec->destination);
	*spec = (struct filterspec){ .kind = FILTERSPEC_PLAIN };
}

/* --- addresses ---------------------------------------------------------------------------- */

/* 128.*, 144.92.*.*: octets and then stars, four parts at most. 0, or -EINVAL for anything else. */
static int parse_star(const char *text, struct policy_address *ret_address)
{
	uint32_t value = 0;
	unsigned int octets = 0, stars = 0;
	char part[4];

	for (;;) {
		size_t len = strcspn(text, ".");
		uint8_t octet;

		if (octets + stars == 4 || len >= sizeof(part))
			return -EINVAL;
		memcpy(part, text, len);
		part[len] = '\0';
		if (!strcmp(part, "*"))
			stars++;
		else if (stars || parse_u8(part, &octet) < 0)
			return -EINVAL;
		else
			value |= (uint32_t)octet << (24 - 8 * octets++);
		if (!text[len])
			break;
		text += len + 1;
	}
	if (!octets || !stars)
		return -EINVAL;
	*ret_address = (struct policy_address){
		.kind = POLICY_ADDRESS_IP,
		.addr = ip_addr_v4(value),
		.mask = policy_mask_from_prefix(AF_INET, (uint8_t)(8 * octets)),
	};
	return 0;
}

static int no_address(const char *text, char *why)
{
	return refuse(why, "\"%.64s\" is not an address: write 0 (this host), * (any), 10.0.0.1, "
		      "10.0.0.0/255.0.0.0, 10.*, [IPv6 address], {interface} or a DNS name", text);
}

static int parse_address(const char *text, struct policy_address *ret_address, char *why)
{
	char fault[POLICY_WHY_LEN];
	int err;

	if (!strcmp(text, "0") || !strcmp(text, "*")) {
		*ret_address = (struct policy_address){
			.kind = *text == '0' ? POLICY_ADDRESS_ME : POLICY_ADDRESS_ANY,
		};
		return 0;
	}
	if (!parse_star(text, ret_address))
		return 0;
	err = policy_address_parse(text, ret_address, fault);
	/* Its sentence is about the mask then; else it offers another grammar's words. */
	if (err == -EINVAL)
		return strchr(text, '/') ? refuse(why, "%s", fault) : no_address(text, why);
	if (err)
		return refuse(why, "%s", fault), err;
	return 0;
}

/* "[2001:db8::]/32", or with the prefix inside; *rest is what follows. */
static int parse_ipv6(const char *text, struct policy_address *ret_address, const char **rest,
		      char *why)
{
	const char *end = strchr(text, ']');
	char address[2 * IP_ADDR_STRLEN] = "";
	size_t len, tail = 0;
	int err;

	if (!end)
		return refuse(why, "\"]\" is missing after \"%.64s\"", text);
	len = (size_t)(end - text) - 1;
	if (end[1] == '/')
		tail = strcspn(end + 1, ":");
	if (len + tail >= sizeof(address))
		return no_address(text, why);
	memcpy(address, text + 1, len);
	memcpy(address + len, end + 1, tail);
	err = policy_address_parse(address, ret_address, why);
	if (err)
		return err;
	if (ret_address->kind == POLICY_ADDRESS_IP && ret_address->addr.family == AF_INET6) {
		*rest = end + 1 + tail;
		return 0;
	}
	policy_address_clear(ret_address);
	return refuse(why, "\"%.64s\" in brackets is not an IPv6 address; leave the brackets out",
		      address);
}

static int parse_interface(const char *text, char **ret_name, const char **rest, char *why)
{
	const char *end = strchr(text, '}');
	size_t len = end ? (size_t)(end - text) - 1 : 0;

	if (!end)
		return refuse(why, "\"}\" is missing after \"%.64s\"", text);
	if (!len || len > FILTERSPEC_INTERFACE_MAX || strcspn(text + 1, " /\t\"'") < len)
		return refuse(why, "between { and } stands the name of an interface, or the GUID that "
			      "is an alternative name of one");
	for (size_t i = 1; i <= len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return refuse(why, "an interface's name has no blanks and no special "
				      "characters");
	*ret_name = strndup(text + 1, len);
	if (!*ret_name)
		return refuse(why, "out of memory"), -ENOMEM;
	*rest = end + 1;
	return 0;
}

int filterspec_parse_host(const char *text, struct policy_address *ret_address,
			  char why[static POLICY_WHY_LEN])
{
	struct policy_address address;
	const char *rest = "";
	int err = *text == '[' ? parse_ipv6(text, &address, &rest, why) :
		  parse_address(text, &address, why);

	if (err)
		return err;
	if (!*rest && (address.kind == POLICY_ADDRESS_IP || address.kind == POLICY_ADDRESS_NAME)) {
		*ret_address = address;
		return 0;
	}
	policy_address_clear(&address);
	return refuse(why, "name one host by its address or its DNS name");
}

/* --- sides -------------------------------------------------------------------------------- */

static int parse_port(const char *text, uint16_t *ret_port, char *why)
{
	if (!parse_u16(text, ret_port))
		return 0;
	return refuse(why, "\"%.32s\" is not a port: write a number from 0 (any) to 65535 behind the "
		      "colon", text);
}

/* ":" port, behind a source; ":" [ port ] [ ":" protocol ] behind a destination. */
static int parse_tail(char *tail, struct filterspec_side *side, uint8_t *ret_protocol, char *why)
{
	char *colon;
	int err;

	if (!*tail)
		return 0;
	if (*tail != ':')
		return refuse(why, "\"%.32s\" behind the address is neither a port nor a mask", tail);
	tail++;
	colon = strchr(tail, ':');
	if (colon && !ret_protocol)
		return refuse(why, "the protocol is said once, behind the destination: "
			      "0:80=*:0:TCP");
	if (colon)
		*colon = '\0';
	if (*tail || !colon) {
		err = parse_port(tail, &side->port, why);
		if (err)
			return err;
	}
	if (colon && policy_protocol_parse(colon + 1, ret_protocol) < 0)
		return refuse(why, "\"%.32s\" is not a protocol: write TCP, UDP, ICMP, RAW or a number "
			      "from 0 to 255", colon + 1);
	return 0;
}

/* "ace::6" might be an address, or protocol 6 to the host "ace": no guess is right. */
static int refuse_bare_ipv6(const char *text, char *why)
{
	size_t len = strcspn(text, "/");
	char buf[IP_ADDR_STRLEN];
	struct ip_addr addr;

	/* "0::6" is this host's TCP. */
	if (len >= sizeof(buf) || !strncmp(text, "0:", 2))
		return 0;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (ip_addr_parse(buf, &addr) < 0 || addr.family != AF_INET6)
		return 0;
	return refuse(why, "an IPv6 address stands in brackets: write [%s]; and a host with a protocol "
		      "as HOST:0:TCP", buf);
}

/* @ret_protocol is NULL for a source. */
static int parse_side(const char *text, struct filterspec_side *ret_side, uint8_t *ret_protocol,
		      char *why)
{
	struct filterspec_side side = { .port = 0 };
	char buf[SIDE_LEN];
	const char *rest = buf;
	int err;

	if (strlen(text) >= sizeof(buf))
		return refuse(why, "\"%.32s...\" is too long for an address", text);
	err = refuse_bare_ipv6(text, why);
	if (err)
		return err;
	strcpy(buf, text);
	if (*buf == '{') {
		err = parse_interface(buf, &side.interface, &rest, why);
	} else if (*buf == '[') {
		err = parse_ipv6(buf, &side.address, &rest, why);
	} else {
		size_t len = strcspn(buf, ":");
		char colon = buf[len];

		buf[len] = '\0';
		err = parse_address(buf, &side.address, why);
		buf[len] = colon;
		rest = buf + len;
	}
	if (!err)
		err = parse_tail(buf + (rest - buf), &side, ret_protocol, why);
	if (err) {
		side_clear(&side);
		return err;
	}
	*ret_side = side;
	return 0;
}

/* --- specs -------------------------------------------------------------------------------- */

/* The "=" or "+" outside of braces and brackets; NULL if there is none. */
static const char *find_separator(const char *text)
{
	int depth = 0;

	for (; *text; text++) {
		if (*text == '{' || *text == '[')
			depth++;
		else if (*text == '}' || *text == ']')
			depth--;
		else if (depth <= 0 && (*text == '=' || *text == '+'))
			return text;
	}
	return NULL;
}

static int parse_spec(const char *text, struct filterspec *spec, char *why)
{
	const char *separator = find_separator(text);
	char source[SIDE_LEN];
	size_t len;
	int err;

	if (!separator)
		return refuse(why, "source and destination are joined with = (this direction) or + "
			      "(both directions): 0+10.0.0.1");
	len = (size_t)(separator - text);
	if (len >= sizeof(source))
		return refuse(why, "\"%.32s...\" is too long for an address", text);
	memcpy(source, text, len);
	source[len] = '\0';
	spec->mirrored = *separator == '+';
	err = parse_side(source, &spec->source, NULL, why);
	return err ?: parse_side(separator + 1, &spec->destination, &spec->protocol, why);
}

/* Whether the bracket that @text begins with ends with the text. */
static bool is_wrapped(const char *text, size_t len, char open, char close)
{
	int depth = 0;

	if (len < 2 || text[0] != open || text[len - 1] != close)
		return false;
	for (size_t i = 0; i < len - 1; i++) {
		depth += text[i] == open;
		depth -= text[i] == close;
		if (!depth)
			return false;
	}
	return true;
}

int filterspec_parse(const char *text, struct filterspec *ret_spec,
		     char why[static POLICY_WHY_LEN])
{
	struct filterspec spec = { .kind = FILTERSPEC_PLAIN };
	_cleanup_free_ char *inner = NULL;
	size_t len = strlen(text);
	int err;

	if (!strcasecmp(text, "DEFAULT")) {
		*ret_spec = (struct filterspec){ .kind = FILTERSPEC_DEFAULT };
		return 0;
	}
	if (is_wrapped(text, len, '(', ')'))
		spec.kind = FILTERSPEC_PASS;
	else if (is_wrapped(text, len, '[', ']'))
		spec.kind = FILTERSPEC_DROP;
	inner = spec.kind == FILTERSPEC_PLAIN ? strdup(text) : strndup(text + 1, len - 2);
	if (!inner)
		return refuse(why, "out of memory"), -ENOMEM;
	if (spec.kind == FILTERSPEC_PLAIN &&
	    (*text == '(' || (*text == '[' && !strchr(text, ']'))))
		return refuse(why, "\"%c\" is missing at the end", *text == '(' ? ')' : ']');
	err = parse_spec(inner, &spec, why);
	if (err) {
		filterspec_clear(&spec);
		return err;
	}
	*ret_spec = spec;
	return 0;
}

int filterspec_parse_main_mode(const char *text, struct filterspec *ret_spec,
			       char why[static POLICY_WHY_LEN])
{
	struct filterspec spec = { .kind = FILTERSPEC_PLAIN };
	int err = filterspec_parse(text, &spec, why);

	if (err)
		return err;
	if (spec.kind == FILTERSPEC_PLAIN && !spec.protocol && !spec.source.port &&
	    !spec.destination.port) {
		*ret_spec = spec;
		return 0;
	}
	filterspec_clear(&spec);
	return refuse(why, "main mode looks at addresses only: leave ports, protocol, ( ), [ ] and "
		      "DEFAULT out");
}

/* --- printing ----------------------------------------------------------------------------- */

static void print_ip(FILE *file, const struct policy_address *address)
{
	struct ip_addr full = policy_mask_from_prefix(address->addr.family,
						      (uint8_t)(8 * ip_addr_len(&address->addr)));
	bool is_host = ip_addr_is_equal(&address->mask, &full);
	char addr[IP_ADDR_STRLEN], mask[IP_ADDR_STRLEN];
	uint8_t prefix;

	ip_addr_format(&address->addr, addr);
	if (address->addr.family == AF_INET) {
		fputs(addr, file);
		if (!is_host)
			fprintf(file, "/%s", ip_addr_format(&address->mask, mask));
		return;
	}
	fprintf(file, "[%s]", addr);
	if (!is_host && !mask_to_prefix(&address->mask, &prefix))
		fprintf(file, "/%u", prefix);
}

void filterspec_print_address(FILE *file, const struct policy_address *address)
{
	_cleanup_free_ char *text = NULL;

	switch (address->kind) {
	case POLICY_ADDRESS_ME:
		fputc('0', file);
		return;
	case POLICY_ADDRESS_ANY:
		fputc('*', file);
		return;
	case POLICY_ADDRESS_IP:
		print_ip(file, address);
		return;
	case POLICY_ADDRESS_NAME:
	case POLICY_ADDRESS_WINS:
	case POLICY_ADDRESS_DNS:
	case POLICY_ADDRESS_DHCP:
	case POLICY_ADDRESS_GATEWAY:
		break;
	}
	text = policy_address_to_text(address);
	fputs(text ?: "", file);
}

static void print_side(FILE *file, const struct filterspec_side *side)
{
	if (side->interface)
		fprintf(file, "{%s}", side->interface);
	else
		filterspec_print_address(file, &side->address);
	if (side->port)
		fprintf(file, ":%u", side->port);
}

void filterspec_print(FILE *file, const struct filterspec *spec)
{
	static const char *const open[] = {
		[FILTERSPEC_PLAIN] = "", [FILTERSPEC_PASS] = "(", [FILTERSPEC_DROP] = "[",
	};
	static const char *const close[] = {
		[FILTERSPEC_PLAIN] = "", [FILTERSPEC_PASS] = ")", [FILTERSPEC_DROP] = "]",
	};
	char protocol[POLICY_PROTOCOL_STRLEN];

	if (spec->kind == FILTERSPEC_DEFAULT) {
		fputs("DEFAULT", file);
		return;
	}
	fputs(open[spec->kind], file);
	print_side(file, &spec->source);
	fputc(spec->mirrored ? '+' : '=', file);
	print_side(file, &spec->destination);
	if (spec->protocol)
		fprintf(file, "%s:%s", spec->destination.port ? "" : ":",
			policy_protocol_format(spec->protocol, protocol));
	fputs(close[spec->kind], file);
}

static bool side_is_equal(const struct filterspec_side *a, const struct filterspec_side *b)
{
	if (!a->interface != !b->interface || a->port != b->port)
		return false;
	if (a->interface)
		return !strcmp(a->interface, b->interface);
	return policy_address_is_equal(&a->address, &b->address);
}

bool filterspec_is_equal(const struct filterspec *a, const struct filterspec *b)
{
	return a->kind == b->kind && a->protocol == b->protocol && a->mirrored == b->mirrored &&
	       side_is_equal(&a->source, &b->source) &&
	       side_is_equal(&a->destination, &b->destination);
}
