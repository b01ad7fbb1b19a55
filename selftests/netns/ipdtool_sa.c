/* SPDX-License-Identifier: MIT */
/*
 * Associations: SPIs, keys, lifetimes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipdtool.h"
#include "nl/names_gen.h"

/* ADDRESS[/PREFIX] */
static void put_selector_side(struct nl_msg *msg, const char *text, int address, int prefix)
{
	struct address value;
	char copy[80], *slash;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = 0;
	value = parse_address(copy);
	if (address == IPSECDRV_SELECTOR_A_LOCAL_ADDRESS)
		put_u8(msg, IPSECDRV_SELECTOR_A_FAMILY, (unsigned int)value.family);
	put(msg, address, value.len, value.bytes);
	if (slash)
		put_u8(msg, prefix, number(slash));
}

static void put_selector(struct nl_msg *msg, const char *text, const char *local,
			 const char *remote)
{
	struct nlattr *nest = nest_start(msg, IPSECDRV_SA_A_SELECTOR);
	char copy[160], *words[6] = {}, *rest = copy;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", text ?: "");
	while (text && n < 5 && (words[n] = strsep(&rest, ",")))
		n++;
	put_selector_side(msg, n > 0 && *words[0] ? words[0] : local,
			  IPSECDRV_SELECTOR_A_LOCAL_ADDRESS, IPSECDRV_SELECTOR_A_LOCAL_PREFIX);
	put_selector_side(msg, n > 1 ? words[1] : remote, IPSECDRV_SELECTOR_A_REMOTE_ADDRESS,
			  IPSECDRV_SELECTOR_A_REMOTE_PREFIX);
	put_u8(msg, IPSECDRV_SELECTOR_A_PROTOCOL, n > 2 ? protocol_number(words[2]) : 0);
	put_be16(msg, IPSECDRV_SELECTOR_A_LOCAL_PORT, n > 3 ? number(words[3]) : 0);
	put_be16(msg, IPSECDRV_SELECTOR_A_REMOTE_PORT, n > 4 ? number(words[4]) : 0);
	nla_nest_end(msg, nest);
}

/* LOCAL-PORT,REMOTE-PORT; one that is 0 is not given */
static void put_udp(struct nl_msg *msg, char **words)
{
	const char *value = find_value(words, "udp");
	char copy[32], *remote;

	if (!value)
		return;
	snprintf(copy, sizeof(copy), "%s", value);
	remote = strchr(copy, ',');
	if (!remote)
		die("udp=LOCAL-PORT,REMOTE-PORT");
	*remote++ = 0;
	if (number(copy))
		put_be16(msg, IPSECDRV_SA_A_ENCAP_LOCAL_PORT, number(copy));
	if (number(remote))
		put_be16(msg, IPSECDRV_SA_A_ENCAP_REMOTE_PORT, number(remote));
}

static void put_lifetime(struct nl_msg *msg, char **words)
{
	static const struct {
		const char *word;
		int type;
		bool wide;
	} limits[] = {
		{ "soft-bytes", IPSECDRV_LIFETIME_A_SOFT_BYTES, true },
		{ "hard-bytes", IPSECDRV_LIFETIME_A_HARD_BYTES, true },
		{ "soft-packets", IPSECDRV_LIFETIME_A_SOFT_PACKETS, true },
		{ "hard-packets", IPSECDRV_LIFETIME_A_HARD_PACKETS, true },
		{ "soft-seconds", IPSECDRV_LIFETIME_A_SOFT_SECONDS, false },
		{ "hard-seconds", IPSECDRV_LIFETIME_A_HARD_SECONDS, false },
		{ "idle-seconds", IPSECDRV_LIFETIME_A_IDLE_SECONDS, false },
	};
	struct nlattr *nest = NULL;
	const char *value;
	uint64_t wide;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		value = find_value(words, limits[i].word);
		if (!value)
			continue;
		if (!nest)
			nest = nest_start(msg, IPSECDRV_SA_A_LIFETIME);
		wide = number(value);
		if (limits[i].wide)
			put(msg, limits[i].type, sizeof(wide), &wide);
		else
			put_u32(msg, limits[i].type, wide);
	}
	if (nest)
		nla_nest_end(msg, nest);
}

static void put_key(struct nl_msg *msg, int type, const char *text)
{
	unsigned char key[256];
	int len;

	if (!text)
		return;
	len = parse_key(text, key, sizeof(key));
	put(msg, type, len, key);
}

static void put_name(struct nl_msg *msg, int type, int (*from_name)(const char *name),
		     const char *name)
{
	if (name)
		put_u8(msg, type, (unsigned int)named(from_name, name));
}

static void put_spi(struct nl_msg *msg, int type, const char *text)
{
	if (text)
		put_be32(msg, type, number(text));
}

static bool has_word(char **words, const char *word)
{
	for (; !is_end(*words); words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static void put_endpoints(struct nl_msg *msg, const char *local, const char *remote)
{
	struct address address;

	if (!local || !remote)
		die("an association needs local= and remote=");
	address = parse_address(local);
	put_u8(msg, IPSECDRV_SA_A_FAMILY, (unsigned int)address.family);
	put(msg, IPSECDRV_SA_A_LOCAL_ADDRESS, address.len, address.bytes);
	address = parse_address(remote);
	put(msg, IPSECDRV_SA_A_REMOTE_ADDRESS, address.len, address.bytes);
}

/* one association of @words, up to "+" or the end; returns what follows */
static char **put_sa(struct nl_msg *msg, char **words)
{
	const char *local = find_value(words, "local"), *remote = find_value(words, "remote");
	struct nlattr *nest = nest_start(msg, IPSECDRV_A_SA);
	const char *value;
	uint64_t wide;

	put_endpoints(msg, local, remote);
	put_spi(msg, IPSECDRV_SA_A_SPI, find_value(words, "spi"));
	put_spi(msg, IPSECDRV_SA_A_PAIR_SPI, find_value(words, "pair"));
	put_spi(msg, IPSECDRV_SA_A_BUNDLE_SPI, find_value(words, "bundle"));
	put_name(msg, IPSECDRV_SA_A_PROTECTION, nl_protection_from_name,
		 find_value(words, "proto") ?: "esp");
	put_name(msg, IPSECDRV_SA_A_DIRECTION, nl_direction_from_name, find_value(words, "dir"));
	put_name(msg, IPSECDRV_SA_A_ENCAPSULATION, nl_encapsulation_from_name,
		 find_value(words, "encap"));
	put_name(msg, IPSECDRV_SA_A_CIPHER, nl_cipher_from_name, find_value(words, "cipher"));
	put_name(msg, IPSECDRV_SA_A_INTEGRITY, nl_integrity_from_name,
		 find_value(words, "integ"));
	put_key(msg, IPSECDRV_SA_A_CIPHER_KEY, find_value(words, "ckey"));
	put_key(msg, IPSECDRV_SA_A_INTEGRITY_KEY, find_value(words, "ikey"));
	value = find_value(words, "filter");
	if (value) {
		put_u32(msg, IPSECDRV_SA_A_FILTER_ID, number(value));
		put_selector(msg, find_value(words, "sel"), local, remote);
	}
	value = find_value(words, "window");
	if (value)
		put_u32(msg, IPSECDRV_SA_A_REPLAY_WINDOW, number(value));
	value = find_value(words, "acquire");
	if (value)
		put_u32(msg, IPSECDRV_SA_A_ACQUIRE_ID, number(value));
	value = find_value(words, "sequence");
	if (value) {
		wide = number(value);
		put(msg, IPSECDRV_SA_A_SEQUENCE, sizeof(wide), &wide);
	}
	if (has_word(words, "esn"))
		put(msg, IPSECDRV_SA_A_ESN, 0, NULL);
	put_udp(msg, words);
	if (has_word(words, "follow"))
		put(msg, IPSECDRV_SA_A_ENCAP_FOLLOW, 0, NULL);
	value = find_value(words, "keepalive");
	if (value)
		put_u32(msg, IPSECDRV_SA_A_ENCAP_KEEPALIVE, number(value));
	if (has_word(words, "parallel"))
		put(msg, IPSECDRV_SA_A_PARALLEL, 0, NULL);
	put_lifetime(msg, words);
	nla_nest_end(msg, nest);
	while (!is_end(*words))
		words++;
	return *words ? words + 1 : words;
}

static int with_sas(int command, char **words, void (*show)(struct nlattr **attrs))
{
	struct nl_msg *msg = message_new(command, 0);

	while (*words)
		words = put_sa(msg, words);
	return run(msg, show);
}

static void show_spi_line(struct nlattr **attrs)
{
	if (attrs[IPSECDRV_A_SPI])
		printf("0x%08x\n", ntohl(nla_get_u32(attrs[IPSECDRV_A_SPI])));
}

static void show_sa_line(struct nlattr **attrs)
{
	if (!attrs[IPSECDRV_A_SA])
		die("an answer without association");
	printf("sa");
	show_sa(attrs[IPSECDRV_A_SA]);
	putchar('\n');
}

int cmd_spi(char **words)
{
	return with_sas(IPSECDRV_CMD_SPI_ALLOC, words, show_spi_line);
}

int cmd_sa(char **words)
{
	return with_sas(IPSECDRV_CMD_SA_NEW, words, NULL);
}

int cmd_sadel(char **words)
{
	return with_sas(IPSECDRV_CMD_SA_DEL, words, NULL);
}

int cmd_saget(char **words)
{
	return with_sas(IPSECDRV_CMD_SA_GET, words, show_sa_line);
}

int cmd_sas(char **words)
{
	(void)words;
	return run_plain(IPSECDRV_CMD_SA_GET, NLM_F_DUMP, show_sa_line);
}

int cmd_flush(char **words)
{
	(void)words;
	return run_plain(IPSECDRV_CMD_SA_FLUSH, 0, NULL);
}
