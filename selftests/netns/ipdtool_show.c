/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <sys/socket.h>

#include "ipdtool.h"
#include "nl/names_gen.h"

const char *address_text(const struct nlattr *attr)
{
	static char text[4][INET6_ADDRSTRLEN];
	static unsigned int turn;
	char *buffer = text[turn++ % 4];
	int family = attr && nla_len(attr) == 4 ? AF_INET : AF_INET6;

	if (!attr)
		return "-";
	return inet_ntop(family, nla_data(attr), buffer, INET6_ADDRSTRLEN) ?: "?";
}

unsigned int be16_of(const struct nlattr *attr)
{
	return attr ? ntohs(nla_get_u16(attr)) : 0;
}

void parse_nest(struct nlattr **tb, int max, struct nlattr *nest)
{
	if (nla_parse_nested(tb, max, nest, NULL))
		die("the kernel sent a malformed nest");
}

static void show_side(struct nlattr **tb, const char *name, int class, int address, int mask)
{
	if (tb[class] && nla_get_u8(tb[class]) == IPSECDRV_ADDRESS_CLASS_ME)
		printf(" %s=me", name);
	else
		printf(" %s=%s/%s", name, address_text(tb[address]), address_text(tb[mask]));
}

void show_filter(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_FILTER_A_MAX + 1];

	parse_nest(tb, IPSECDRV_FILTER_A_MAX, nest);
	printf("id=%u family=%u class=%s", nla_get_u32(tb[IPSECDRV_FILTER_A_ID]),
	       nla_get_u8(tb[IPSECDRV_FILTER_A_FAMILY]),
	       nl_filter_class_name(nla_get_u8(tb[IPSECDRV_FILTER_A_CLASS])));
	show_side(tb, "local", IPSECDRV_FILTER_A_LOCAL_CLASS, IPSECDRV_FILTER_A_LOCAL_ADDRESS,
		  IPSECDRV_FILTER_A_LOCAL_MASK);
	show_side(tb, "remote", IPSECDRV_FILTER_A_REMOTE_CLASS, IPSECDRV_FILTER_A_REMOTE_ADDRESS,
		  IPSECDRV_FILTER_A_REMOTE_MASK);
	if (tb[IPSECDRV_FILTER_A_INTERFACE])
		printf(" dev=%s", nla_get_string(tb[IPSECDRV_FILTER_A_INTERFACE]));
	else if (nla_get_u8(tb[IPSECDRV_FILTER_A_CONNECTION]) != IPSECDRV_CONNECTION_ALL)
		printf(" conn=%s", nl_connection_name(nla_get_u8(tb[IPSECDRV_FILTER_A_CONNECTION])));
	printf(" proto=%u lport=%u rport=%u out=%s in=%s weight=%u out-hits=%llu in-hits=%llu",
	       nla_get_u8(tb[IPSECDRV_FILTER_A_PROTOCOL]),
	       be16_of(tb[IPSECDRV_FILTER_A_LOCAL_PORT]),
	       be16_of(tb[IPSECDRV_FILTER_A_REMOTE_PORT]),
	       nl_action_name(nla_get_u8(tb[IPSECDRV_FILTER_A_OUTBOUND_ACTION])),
	       nl_action_name(nla_get_u8(tb[IPSECDRV_FILTER_A_INBOUND_ACTION])),
	       nla_get_u32(tb[IPSECDRV_FILTER_A_WEIGHT]),
	       (unsigned long long)nla_get_u64(tb[IPSECDRV_FILTER_A_OUTBOUND_HITS]),
	       (unsigned long long)nla_get_u64(tb[IPSECDRV_FILTER_A_INBOUND_HITS]));
}

void show_selector(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_SELECTOR_A_MAX + 1];

	parse_nest(tb, IPSECDRV_SELECTOR_A_MAX, nest);
	printf(" sel=%s,%s,%u,%u,%u prefixes=%u,%u",
	       address_text(tb[IPSECDRV_SELECTOR_A_LOCAL_ADDRESS]),
	       address_text(tb[IPSECDRV_SELECTOR_A_REMOTE_ADDRESS]),
	       nla_get_u8(tb[IPSECDRV_SELECTOR_A_PROTOCOL]),
	       be16_of(tb[IPSECDRV_SELECTOR_A_LOCAL_PORT]),
	       be16_of(tb[IPSECDRV_SELECTOR_A_REMOTE_PORT]),
	       nla_get_u8(tb[IPSECDRV_SELECTOR_A_LOCAL_PREFIX]),
	       nla_get_u8(tb[IPSECDRV_SELECTOR_A_REMOTE_PREFIX]));
}

void show_flow(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_FLOW_A_MAX + 1];

	parse_nest(tb, IPSECDRV_FLOW_A_MAX, nest);
	printf(" flow=%s,%s,%s,%u,%u,%u",
	       nl_direction_name(nla_get_u8(tb[IPSECDRV_FLOW_A_DIRECTION])),
	       address_text(tb[IPSECDRV_FLOW_A_SOURCE]),
	       address_text(tb[IPSECDRV_FLOW_A_DESTINATION]),
	       nla_get_u8(tb[IPSECDRV_FLOW_A_PROTOCOL]), be16_of(tb[IPSECDRV_FLOW_A_SOURCE_PORT]),
	       be16_of(tb[IPSECDRV_FLOW_A_DESTINATION_PORT]));
}

/* "boot=" and the list in the module parameter's grammar, but for names of protocols */
void show_boot_exemptions(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_BOOT_EXEMPTION_A_MAX + 1], *attr;
	const char *separator = " boot=";
	unsigned int protocol;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		parse_nest(tb, IPSECDRV_BOOT_EXEMPTION_A_MAX, attr);
		protocol = nla_get_u8(tb[IPSECDRV_BOOT_EXEMPTION_A_PROTOCOL]);
		printf("%s%u", separator, protocol);
		if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
			printf(":%u:%u", be16_of(tb[IPSECDRV_BOOT_EXEMPTION_A_SOURCE_PORT]),
			       be16_of(tb[IPSECDRV_BOOT_EXEMPTION_A_DESTINATION_PORT]));
		printf(":%sbound",
		       nl_direction_name(nla_get_u8(tb[IPSECDRV_BOOT_EXEMPTION_A_DIRECTION])));
		separator = ",";
	}
}

void show_u32(struct nlattr **tb, int type, const char *name)
{
	if (tb[type])
		printf(" %s=%u", name, nla_get_u32(tb[type]));
}

void show_u64(struct nlattr **tb, int type, const char *name)
{
	if (tb[type])
		printf(" %s=%llu", name, (unsigned long long)nla_get_u64(tb[type]));
}

void show_name(struct nlattr **tb, int type, const char *key,
		      const char *(*name)(unsigned int value))
{
	if (tb[type])
		printf(" %s=%s", key, name(nla_get_u8(tb[type])));
}

void show_spi(struct nlattr **tb, int type, const char *name)
{
	if (tb[type])
		printf(" %s=0x%08x", name, ntohl(nla_get_u32(tb[type])));
}

void show_peer(struct nlattr **tb)
{
	if (tb[IPSECDRV_A_PEER_ADDRESS])
		printf(" peer=%s,%u", address_text(tb[IPSECDRV_A_PEER_ADDRESS]),
		       be16_of(tb[IPSECDRV_A_PEER_PORT]));
}

void show_drop(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_DROP_A_MAX + 1], *bytes;

	parse_nest(tb, IPSECDRV_DROP_A_MAX, nest);
	show_u64(tb, IPSECDRV_DROP_A_TIME, "time");
	show_name(tb, IPSECDRV_DROP_A_DIRECTION, "dir", nl_direction_name);
	show_name(tb, IPSECDRV_DROP_A_REASON, "reason", nl_drop_reason_name);
	if (tb[IPSECDRV_DROP_A_FLOW])
		show_flow(tb[IPSECDRV_DROP_A_FLOW]);
	show_spi(tb, IPSECDRV_DROP_A_SPI, "spi");
	show_u32(tb, IPSECDRV_DROP_A_FILTER_ID, "filter");
	show_u32(tb, IPSECDRV_DROP_A_INTERFACE, "ifindex");
	if (tb[IPSECDRV_DROP_A_INTERFACE_NAME])
		printf(" interface=%s", nla_get_string(tb[IPSECDRV_DROP_A_INTERFACE_NAME]));
	show_u32(tb, IPSECDRV_DROP_A_LENGTH, "length");
	show_u64(tb, IPSECDRV_DROP_A_LEFT_OUT, "left-out");
	bytes = tb[IPSECDRV_DROP_A_PACKET];
	if (!bytes)
		return;
	printf(" packet=");
	for (int i = 0; i < nla_len(bytes); i++)
		printf("%02x", ((unsigned char *)nla_data(bytes))[i]);
}

/* the rows, of which a message has many */
void show_summary(struct nl_msg *msg)
{
	struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(msg));
	struct nlattr *tb[IPSECDRV_COUNTER_A_MAX + 1], *attr;
	int rem;

	nla_for_each_attr(attr, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0), rem) {
		if (nla_type(attr) != IPSECDRV_A_COUNTER)
			continue;
		parse_nest(tb, IPSECDRV_COUNTER_A_MAX, attr);
		printf(" %s,%s=%llu",
		       nl_drop_reason_name(nla_get_u8(tb[IPSECDRV_COUNTER_A_REASON])),
		       tb[IPSECDRV_COUNTER_A_PEER] ?
		       address_text(tb[IPSECDRV_COUNTER_A_PEER]) : "others",
		       (unsigned long long)nla_get_u64(tb[IPSECDRV_COUNTER_A_PACKETS]));
	}
}

static void show_lifetime(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_LIFETIME_A_MAX + 1];

	if (!nest)
		return;
	parse_nest(tb, IPSECDRV_LIFETIME_A_MAX, nest);
	show_u64(tb, IPSECDRV_LIFETIME_A_SOFT_BYTES, "soft-bytes");
	show_u64(tb, IPSECDRV_LIFETIME_A_HARD_BYTES, "hard-bytes");
	show_u64(tb, IPSECDRV_LIFETIME_A_SOFT_PACKETS, "soft-packets");
	show_u64(tb, IPSECDRV_LIFETIME_A_HARD_PACKETS, "hard-packets");
	show_u32(tb, IPSECDRV_LIFETIME_A_SOFT_SECONDS, "soft-seconds");
	show_u32(tb, IPSECDRV_LIFETIME_A_HARD_SECONDS, "hard-seconds");
	show_u32(tb, IPSECDRV_LIFETIME_A_IDLE_SECONDS, "idle-limit");
}

void show_sa(struct nlattr *nest)
{
	struct nlattr *tb[IPSECDRV_SA_A_MAX + 1];

	parse_nest(tb, IPSECDRV_SA_A_MAX, nest);
	if (tb[IPSECDRV_SA_A_CIPHER_KEY] || tb[IPSECDRV_SA_A_INTEGRITY_KEY])
		die("the kernel sent a key");
	show_name(tb, IPSECDRV_SA_A_DIRECTION, "dir", nl_direction_name);
	show_name(tb, IPSECDRV_SA_A_PROTECTION, "proto", nl_protection_name);
	show_spi(tb, IPSECDRV_SA_A_SPI, "spi");
	printf(" local=%s remote=%s", address_text(tb[IPSECDRV_SA_A_LOCAL_ADDRESS]),
	       address_text(tb[IPSECDRV_SA_A_REMOTE_ADDRESS]));
	show_name(tb, IPSECDRV_SA_A_STATE, "state", nl_sa_state_name);
	show_u32(tb, IPSECDRV_SA_A_FILTER_ID, "filter");
	if (tb[IPSECDRV_SA_A_SELECTOR])
		show_selector(tb[IPSECDRV_SA_A_SELECTOR]);
	show_name(tb, IPSECDRV_SA_A_CIPHER, "cipher", nl_cipher_name);
	show_name(tb, IPSECDRV_SA_A_INTEGRITY, "integ", nl_integrity_name);
	show_u32(tb, IPSECDRV_SA_A_REPLAY_WINDOW, "window");
	show_spi(tb, IPSECDRV_SA_A_PAIR_SPI, "pair");
	show_spi(tb, IPSECDRV_SA_A_BUNDLE_SPI, "bundle");
	if (tb[IPSECDRV_SA_A_ESN])
		printf(" esn");
	if (tb[IPSECDRV_SA_A_ENCAP_LOCAL_PORT])
		printf(" udp=%u,%u", be16_of(tb[IPSECDRV_SA_A_ENCAP_LOCAL_PORT]),
		       be16_of(tb[IPSECDRV_SA_A_ENCAP_REMOTE_PORT]));
	if (tb[IPSECDRV_SA_A_ENCAP_FOLLOW])
		printf(" follow");
	show_u32(tb, IPSECDRV_SA_A_ENCAP_KEEPALIVE, "keepalive");
	if (tb[IPSECDRV_SA_A_PARALLEL])
		printf(" parallel");
	show_u32(tb, IPSECDRV_SA_A_UNDER_WAY, "under-way");
	show_u64(tb, IPSECDRV_SA_A_SEQUENCE, "sequence");
	show_u64(tb, IPSECDRV_SA_A_BYTES, "bytes");
	show_u64(tb, IPSECDRV_SA_A_PACKETS, "packets");
	show_u32(tb, IPSECDRV_SA_A_AGE_SECONDS, "age");
	show_u32(tb, IPSECDRV_SA_A_IDLE_SECONDS, "idle");
	show_u64(tb, IPSECDRV_SA_A_REPLAY_DROPS, "replay-drops");
	show_u64(tb, IPSECDRV_SA_A_INTEGRITY_DROPS, "integrity-drops");
	show_u32(tb, IPSECDRV_SA_A_ACQUIRE_ID, "acquire");
	show_lifetime(tb[IPSECDRV_SA_A_LIFETIME]);
}

