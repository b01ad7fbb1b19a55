// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot exemptions. The grammar is that of "dynamic set config bootexemptions", but for the comma,
 * which needs no quotes on a command line:
 *
 *   list       none, or exemptions that are parted by commas or blanks
 *   exemption  TCP:source:destination:direction, UDP:source:destination:direction,
 *              or protocol:direction
 *   source, destination    ports, 0 is any
 *   protocol   ICMP, ICMPV6, RAW, or a number from 1 to 255; TCP and UDP have ports
 *   direction  inbound, outbound
 *
 * Capital letters do not matter. "UDP:0:68:inbound,ICMP:outbound" lets in datagrams for port 68
 * and lets out ICMP.
 *
 * An exemption is one number, and a list is sorted, so a packet costs at most four binary
 * searches: with both its ports, with one of them, and with none. A list of thousands costs no
 * packet more than that.
 */
#include <linux/bits.h>
#include <linux/bsearch.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <uapi/linux/ipsecdrv.h>

#include "boot_exempt.h"
#include "flow.h"

struct ipd_boot_exempts {
	unsigned int n;
	u64 keys[];		/* ascending, none twice */
};

/* --- one exemption as a number ----------------------------------------------------- */

#define KEY_SOURCE_SHIFT	16
#define KEY_PROTOCOL_SHIFT	32
#define KEY_DIRECTION_SHIFT	40

static u64 key_of(const struct ipd_boot_exempt *exempt)
{
	return (u64)exempt->direction << KEY_DIRECTION_SHIFT |
	       (u64)exempt->protocol << KEY_PROTOCOL_SHIFT |
	       (u32)exempt->source_port << KEY_SOURCE_SHIFT | exempt->destination_port;
}

static int compare(const void *one, const void *other)
{
	u64 a = *(const u64 *)one, b = *(const u64 *)other;

	return a < b ? -1 : a > b;
}

static bool contains(const struct ipd_boot_exempts *list, struct ipd_boot_exempt exempt)
{
	u64 key = key_of(&exempt);

	return bsearch(&key, list->keys, list->n, sizeof(key), compare);
}

/* --- text -------------------------------------------------------------------------- */

/* a piece of the list, not terminated */
struct word {
	const char *text;
	size_t length;
};

#define SEPARATORS	", \t\n"
#define PARTS_MAX	4

static const struct {
	const char *name;
	u8 number;
} protocols[] = {
	{ "ICMP", IPPROTO_ICMP },
	{ "TCP", IPPROTO_TCP },
	{ "UDP", IPPROTO_UDP },
	{ "ICMPV6", IPPROTO_ICMPV6 },
	{ "RAW", 255 },
};

static bool has_ports(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static bool is_word(const struct word *word, const char *text)
{
	return word->length == strlen(text) && !strncasecmp(word->text, text, word->length);
}

static bool parse_number(const struct word *word, unsigned int max, unsigned int *ret_number)
{
	unsigned int number = 0;
	size_t i;

	if (!word->length || word->length > 5)
		return false;
	for (i = 0; i < word->length; i++) {
		if (!isdigit(word->text[i]))
			return false;
		number = number * 10 + (word->text[i] - '0');
	}
	*ret_number = number;
	return number <= max;
}

static bool parse_protocol(const struct word *word, u8 *ret_protocol)
{
	unsigned int number = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (is_word(word, protocols[i].name)) {
			*ret_protocol = protocols[i].number;
			return true;
		}
	}
	if (!parse_number(word, U8_MAX, &number) || !number)
		return false;
	*ret_protocol = number;
	return true;
}

static bool parse_port(const struct word *word, u16 *ret_port)
{
	unsigned int number = 0;

	if (!parse_number(word, U16_MAX, &number))
		return false;
	*ret_port = number;
	return true;
}

static bool parse_direction(const struct word *word, u8 *ret_direction)
{
	*ret_direction = is_word(word, "inbound") ? IPSECDRV_DIRECTION_IN :
						    IPSECDRV_DIRECTION_OUT;
	return *ret_direction == IPSECDRV_DIRECTION_IN || is_word(word, "outbound");
}

/* at the colons; 0 when there are too many */
static unsigned int split(const struct word *word, struct word *parts)
{
	const char *end = word->text + word->length, *at = word->text, *colon;
	unsigned int n;

	for (n = 0; n < PARTS_MAX; at = colon + 1) {
		colon = memchr(at, ':', end - at);
		parts[n].text = at;
		parts[n++].length = (colon ?: end) - at;
		if (!colon)
			return n;
	}
	return 0;
}

/* NULL, or what is wrong with it */
static const char *parse_one(const struct word *word, struct ipd_boot_exempt *exempt)
{
	struct word parts[PARTS_MAX];
	unsigned int n = split(word, parts);

	memset(exempt, 0, sizeof(*exempt));
	if (!n || !parse_protocol(&parts[0], &exempt->protocol))
		return "TCP, UDP, ICMP, ICMPV6, RAW or a protocol from 1 to 255 is expected first";
	if (n != (has_ports(exempt->protocol) ? 4 : 2))
		return "TCP and UDP are followed by two ports and a direction, others by a direction";
	if (n == 4 && (!parse_port(&parts[1], &exempt->source_port) ||
		       !parse_port(&parts[2], &exempt->destination_port)))
		return "a port is a number from 0 to 65535";
	if (!parse_direction(&parts[n - 1], &exempt->direction))
		return "inbound or outbound is expected at its end";
	return NULL;
}

/* the next word at or after @at; false when there is none */
static bool next_word(const char *at, struct word *ret_word)
{
	ret_word->text = at + strspn(at, SEPARATORS);
	ret_word->length = strcspn(ret_word->text, SEPARATORS);
	return ret_word->length;
}

static unsigned int count_words(const char *text)
{
	struct word word = { .text = text };
	unsigned int n = 0;

	while (next_word(word.text + word.length, &word))
		n++;
	return n;
}

static void sort_and_unite(struct ipd_boot_exempts *list)
{
	unsigned int i, n = 0;

	sort(list->keys, list->n, sizeof(list->keys[0]), compare, NULL);
	for (i = 0; i < list->n; i++)
		if (!n || list->keys[i] != list->keys[n - 1])
			list->keys[n++] = list->keys[i];
	list->n = n;
}

static int refuse(const char *why, const char *at, const char **ret_why, const char **ret_at)
{
	*ret_why = why;
	*ret_at = at;
	return -EINVAL;
}

int ipd_boot_exempts_parse(const char *text, struct ipd_boot_exempts **ret_list,
			   const char **ret_why, const char **ret_at)
{
	struct word word = { .text = text };
	unsigned int n = count_words(text);
	struct ipd_boot_exempts *list;
	struct ipd_boot_exempt exempt;
	const char *why;

	if (!n)
		return refuse("none or a list such as TCP:0:22:inbound,ICMP:inbound is expected",
			      text, ret_why, ret_at);
	if (n > IPSECDRV_MAX_BOOT_EXEMPTIONS)
		return refuse("the list is too long", text, ret_why, ret_at);
	next_word(text, &word);
	if (n == 1 && is_word(&word, "none")) {
		*ret_list = NULL;
		return 0;
	}
	list = kzalloc(struct_size(list, keys, n), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	for (word.length = 0; next_word(word.text + word.length, &word); ) {
		why = parse_one(&word, &exempt);
		if (why) {
			kfree(list);
			return refuse(why, word.text, ret_why, ret_at);
		}
		list->keys[list->n++] = key_of(&exempt);
	}
	sort_and_unite(list);
	*ret_list = list;
	return 0;
}

void ipd_boot_exempts_free(struct ipd_boot_exempts *list)
{
	kfree(list);
}

static int print_one(const struct ipd_boot_exempt *exempt, char *buffer, size_t size)
{
	const char *direction = exempt->direction == IPSECDRV_DIRECTION_IN ? "inbound" : "outbound";
	char number[4], ports[sizeof(":65535:65535")] = "";
	const char *name = number;
	size_t i;

	snprintf(number, sizeof(number), "%u", exempt->protocol);
	for (i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == exempt->protocol)
			name = protocols[i].name;
	if (has_ports(exempt->protocol))
		snprintf(ports, sizeof(ports), ":%u:%u", exempt->source_port,
			 exempt->destination_port);
	return snprintf(buffer, size, "%s%s:%s", name, ports, direction);
}

void ipd_boot_exempts_print(const struct ipd_boot_exempts *list, char *buffer, size_t size)
{
	unsigned int i, n = ipd_boot_exempts_count(list);
	struct ipd_boot_exempt exempt;
	char one[sizeof("UDP:65535:65535:outbound")];
	size_t used = 0;

	if (!n)
		strscpy(buffer, "none", size);
	for (i = 0; i < n; i++) {
		exempt = ipd_boot_exempts_get(list, i);
		print_one(&exempt, one, sizeof(one));
		/* room for this one, and for the sign that there is more */
		if (used + strlen(one) + sizeof(",,...") > size) {
			scnprintf(buffer + used, size - used, "%s...", i ? "," : "");
			return;
		}
		used += scnprintf(buffer + used, size - used, "%s%s", i ? "," : "", one);
	}
}

/* --- use --------------------------------------------------------------------------- */

unsigned int ipd_boot_exempts_count(const struct ipd_boot_exempts *list)
{
	return list ? list->n : 0;
}

struct ipd_boot_exempt ipd_boot_exempts_get(const struct ipd_boot_exempts *list,
					    unsigned int index)
{
	u64 key = list->keys[index];
	struct ipd_boot_exempt exempt = {
		.direction = key >> KEY_DIRECTION_SHIFT,
		.protocol = key >> KEY_PROTOCOL_SHIFT,
		.source_port = key >> KEY_SOURCE_SHIFT,
		.destination_port = key,
	};

	return exempt;
}

static bool match(const struct ipd_boot_exempts *list, u8 direction, const struct ipd_flow *flow,
		  __be16 source_port, __be16 destination_port)
{
	u16 source = ntohs(source_port), destination = ntohs(destination_port);

	if (!list)
		return false;
	if (!has_ports(flow->protocol))
		return contains(list, (struct ipd_boot_exempt){ direction, flow->protocol });
	/* what a later fragment does not show may be any other port */
	if (flow->flags & IPD_FLOW_NO_PORTS)
		source = destination = 0;
	return contains(list, (struct ipd_boot_exempt){ direction, flow->protocol, 0, 0 }) ||
	       contains(list, (struct ipd_boot_exempt){ direction, flow->protocol, 0,
							destination }) ||
	       contains(list, (struct ipd_boot_exempt){ direction, flow->protocol, source, 0 }) ||
	       contains(list, (struct ipd_boot_exempt){ direction, flow->protocol, source,
							destination });
}

bool ipd_boot_exempts_match(const struct ipd_boot_exempts *list, const struct ipd_flow *flow)
{
	bool out = flow->direction == IPSECDRV_DIRECTION_OUT;

	return match(list, flow->direction, flow, out ? flow->local_port : flow->remote_port,
		     out ? flow->remote_port : flow->local_port);
}

bool ipd_boot_exempts_match_answer(const struct ipd_boot_exempts *list,
				   const struct ipd_flow *flow)
{
	return flow->direction == IPSECDRV_DIRECTION_OUT &&
	       match(list, IPSECDRV_DIRECTION_IN, flow, flow->remote_port, flow->local_port);
}
