// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "agent/expand.h"
#include "agent/layers.h"
#include "policy/address.h"
#include "policy/text.h"

/* What names stand for here. */
static const struct ip_addr *lookup(void *userdata, const struct policy_address *address,
				    size_t *ret_n)
{
	static struct ip_addr hosts[3];

	(void)userdata;
	assert_int_equal(ip_addr_parse("10.0.0.53", &hosts[0]), 0);
	assert_int_equal(ip_addr_parse("10.0.0.54", &hosts[1]), 0);
	assert_int_equal(ip_addr_parse("2001:db8::53", &hosts[2]), 0);
	if (address->kind == POLICY_ADDRESS_NAME && strcmp(address->name, "two.example"))
		*ret_n = 0;
	else
		*ret_n = address->kind == POLICY_ADDRESS_GATEWAY ? 1 : 3;
	return hosts;
}

static const struct expand_names names = { .lookup = lookup };

/* A rule from the tags of "add rule", separated by blanks. */
static struct policy_rule *rule_of(const char *tags)
{
	struct policy_rule *rule = policy_rule_new();
	char why[POLICY_WHY_LEN], *copy = strdup(tags), *save = NULL;
	uint32_t given = 0;

	assert_non_null(rule);
	assert_non_null(copy);
	for (char *tag = strtok_r(copy, " ", &save); tag; tag = strtok_r(NULL, " ", &save)) {
		char *value = strchr(tag, '=');

		assert_non_null(value);
		*value++ = '\0';
		if (policy_rule_set_tag(rule, tag, value, &given, why))
			fail_msg("%s=%s: %s", tag, value, why);
	}
	free(copy);
	return rule;
}

static char action_letter(enum ipsecdrv_action action)
{
	return "-pbn"[action];
}

/* "me <-> any IPv4 out b in b;" for each filter */
static void expand_to_text(const char *tags, char *buf, size_t size)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = rule_of(tags);
	_cleanup_(expand_list_done) struct expand_list list = { 0 };
	size_t len = 0;

	assert_int_equal(expand_rule(rule, &names, &list), 0);
	buf[0] = '\0';
	for (size_t i = 0; i < list.n; i++) {
		char filter[KERNEL_FILTER_STRLEN];

		len += (size_t)snprintf(buf + len, size - len, "%s%s out %c in %c", i ? "; " : "",
					kernel_filter_format(&list.filters[i], filter),
					action_letter(list.filters[i].outbound),
					action_letter(list.filters[i].inbound));
		assert_true(len < size);
	}
}

#define NEGOTIATE "mmpolicy=m qmpolicy=q psk=x "
#define BLOCK "actioninbound=block actionoutbound=block "
#define MIXED "actioninbound=permit actionoutbound=block "

static void check_rows(const char *const (*rows)[2], size_t n)
{
	char text[2048];

	for (size_t i = 0; i < n; i++) {
		expand_to_text(rows[i][0], text, sizeof(text));
		if (strcmp(text, rows[i][1]))
			fail_msg("%s\n  gives    %s\n  expected %s", rows[i][0], text, rows[i][1]);
	}
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* The side of me decides the orientation. */
static void test_me(void **state)
{
	static const char *const rows[][2] = {
		{ NEGOTIATE "srcaddr=me dstaddr=10.0.0.2",
		  "me <-> 10.0.0.2 IPv4 out n in n" },
		{ NEGOTIATE "srcaddr=10.0.0.2 dstaddr=me",
		  "me <-> 10.0.0.2 IPv4 out n in n" },
		{ BLOCK "srcaddr=any dstaddr=me protocol=tcp dstport=23",
		  "me <-> any IPv4 protocol 6 ports 23 0 out b in b; "
		  "me <-> any IPv6 protocol 6 ports 23 0 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=any protocol=tcp srcport=1 dstport=2",
		  "me <-> any IPv4 protocol 6 ports 1 2 out b in b; "
		  "me <-> any IPv6 protocol 6 ports 1 2 out b in b" },
		{ MIXED "srcaddr=me dstaddr=2001:db8::/32",
		  "me <-> 2001:db8::/32 IPv6 out b in p" },
	};

	(void)state;
	CHECK(rows);
}

/* Connection types and interfaces go to the filters as they are. */
static void test_connection(void **state)
{
	static const char *const rows[][2] = {
		{ NEGOTIATE "srcaddr=me dstaddr=10.0.0.2 conntype=lan",
		  "me <-> 10.0.0.2 IPv4 on lan out n in n" },
		{ BLOCK "srcaddr=any dstaddr=me protocol=tcp dstport=23 conntype=dialup",
		  "me <-> any IPv4 protocol 6 ports 23 0 on dialup out b in b; "
		  "me <-> any IPv6 protocol 6 ports 23 0 on dialup out b in b" },
		{ NEGOTIATE "srcaddr=me dstaddr=10.0.0.2 interface=eth0",
		  "me <-> 10.0.0.2 IPv4 on eth0 out n in n" },
		{ BLOCK "srcaddr=10.0.0.0/8 dstaddr=10.0.0.2 mirrored=no interface=ppp0",
		  "10.0.0.0/8 <-> 10.0.0.2 IPv4 on ppp0 out b in -; "
		  "10.0.0.2 <-> 10.0.0.0/8 IPv4 on ppp0 out - in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 conntype=all",
		  "me <-> 10.0.0.2 IPv4 out b in b" },
	};

	(void)state;
	CHECK(rows);
}

/* One way: the packets that leave have the outbound action, those that arrive the inbound one. */
static void test_one_way(void **state)
{
	static const char *const rows[][2] = {
		{ MIXED "srcaddr=me dstaddr=10.0.0.2 mirrored=no",
		  "me <-> 10.0.0.2 IPv4 out b in -" },
		{ MIXED "srcaddr=10.0.0.2 dstaddr=me mirrored=no",
		  "me <-> 10.0.0.2 IPv4 out - in p" },
		{ MIXED "srcaddr=10.0.0.1 dstaddr=10.0.0.2 mirrored=no",
		  "10.0.0.1 <-> 10.0.0.2 IPv4 out b in -; "
		  "10.0.0.2 <-> 10.0.0.1 IPv4 out - in p" },
	};

	(void)state;
	CHECK(rows);
}

static void test_both_orientations(void **state)
{
	static const char *const rows[][2] = {
		{ MIXED "srcaddr=10.0.0.1 dstaddr=10.0.0.2 protocol=udp dstport=53",
		  "10.0.0.1 <-> 10.0.0.2 IPv4 protocol 17 ports 0 53 out b in p; "
		  "10.0.0.2 <-> 10.0.0.1 IPv4 protocol 17 ports 53 0 out b in p" },
		/* the same from both sides: one filter */
		{ BLOCK "srcaddr=any dstaddr=any",
		  "any <-> any IPv4 out b in b; any <-> any IPv6 out b in b" },
		{ MIXED "srcaddr=any dstaddr=any mirrored=no",
		  "any <-> any IPv4 out b in p; any <-> any IPv6 out b in p" },
		{ BLOCK "srcaddr=any dstaddr=any protocol=tcp dstport=80",
		  "any <-> any IPv4 protocol 6 ports 0 80 out b in b; "
		  "any <-> any IPv4 protocol 6 ports 80 0 out b in b; "
		  "any <-> any IPv6 protocol 6 ports 0 80 out b in b; "
		  "any <-> any IPv6 protocol 6 ports 80 0 out b in b" },
		{ BLOCK "srcaddr=10.1.0.0/16 dstaddr=any",
		  "10.1.0.0/16 <-> any IPv4 out b in b; any <-> 10.1.0.0/16 IPv4 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.3.4/255.0.255.0",
		  "me <-> 10.0.3.0/255.0.255.0 IPv4 out b in b" },
	};

	(void)state;
	CHECK(rows);
}

/* Every protocol of the grammar reaches the filter as its number. */
static void test_protocols(void **state)
{
	static const char *const rows[][2] = {
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 protocol=any",
		  "me <-> 10.0.0.2 IPv4 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 protocol=icmp",
		  "me <-> 10.0.0.2 IPv4 protocol 1 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 protocol=tcp",
		  "me <-> 10.0.0.2 IPv4 protocol 6 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 protocol=udp",
		  "me <-> 10.0.0.2 IPv4 protocol 17 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 protocol=raw",
		  "me <-> 10.0.0.2 IPv4 protocol 255 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=10.0.0.2 protocol=89",
		  "me <-> 10.0.0.2 IPv4 protocol 89 out b in b" },
	};

	(void)state;
	CHECK(rows);
}

static void test_names(void **state)
{
	static const char *const rows[][2] = {
		{ BLOCK "srcaddr=me dstaddr=two.example",
		  "me <-> 10.0.0.53 IPv4 out b in b; me <-> 10.0.0.54 IPv4 out b in b; "
		  "me <-> 2001:db8::53 IPv6 out b in b" },
		{ BLOCK "srcaddr=me dstaddr=gateway", "me <-> 10.0.0.53 IPv4 out b in b" },
		{ BLOCK "srcaddr=two.example dstaddr=2001:db8::1 mirrored=no",
		  "2001:db8::53 <-> 2001:db8::1 IPv6 out b in -; "
		  "2001:db8::1 <-> 2001:db8::53 IPv6 out - in b" },
		{ BLOCK "srcaddr=me dstaddr=none.example", "" },
	};

	(void)state;
	CHECK(rows);
}

/* --- against the definition --------------------------------------------------------------- */

struct packet {
	bool is_out;
	struct ip_addr source, destination;
	uint16_t source_port, destination_port;
	uint8_t protocol;
};

/* The hosts of this small world: two of ours, one that we forward for, two peers. */
static const char *const local_addrs[] = { "10.0.0.1", "10.0.1.1", "10.0.2.9" };
static const char *const remote_addrs[] = { "10.0.0.53", "192.0.2.7" };

static bool is_me(const struct ip_addr *addr)
{
	struct ip_addr mine;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ip_addr_parse(local_addrs[i], &mine), 0);
		if (ip_addr_is_equal(&mine, addr))
			return true;
	}
	return false;
}

static bool address_has(const struct policy_address *address, const struct ip_addr *addr)
{
	const struct ip_addr *hosts;
	size_t n;

	switch (address->kind) {
	case POLICY_ADDRESS_ME:
		return is_me(addr);
	case POLICY_ADDRESS_ANY:
		return true;
	case POLICY_ADDRESS_IP:
		for (size_t i = 0; i < 4; i++)
			if ((addr->bytes[i] ^ address->addr.bytes[i]) & address->mask.bytes[i])
				return false;
		return true;
	default:
		hosts = lookup(NULL, address, &n);
		for (size_t i = 0; i < n; i++)
			if (ip_addr_is_equal(&hosts[i], addr))
				return true;
		return false;
	}
}

static bool way_matches(const struct policy_rule *rule, const struct ip_addr *source,
			const struct ip_addr *destination, uint16_t source_port,
			uint16_t destination_port)
{
	return address_has(&rule->source, source) && address_has(&rule->destination, destination) &&
	       (!rule->source_port || rule->source_port == source_port) &&
	       (!rule->destination_port || rule->destination_port == destination_port);
}

/* What the words of the manual say about a packet: the slow and obvious way. */
static enum ipsecdrv_action action_by_rule(const struct policy_rule *rule, const struct packet *p)
{
	if (rule->protocol && rule->protocol != p->protocol)
		return IPSECDRV_ACTION_NONE;
	if (way_matches(rule, &p->source, &p->destination, p->source_port, p->destination_port) ||
	    (rule->mirrored && way_matches(rule, &p->destination, &p->source, p->destination_port,
					   p->source_port)))
		return p->is_out ? rule->outbound : rule->inbound;
	return IPSECDRV_ACTION_NONE;
}

static enum ipsecdrv_action action_by_filters(const struct expand_list *list,
					      const struct packet *p)
{
	const struct ip_addr *local = p->is_out ? &p->source : &p->destination;
	const struct ip_addr *remote = p->is_out ? &p->destination : &p->source;
	uint16_t local_port = p->is_out ? p->source_port : p->destination_port;
	uint16_t remote_port = p->is_out ? p->destination_port : p->source_port;

	for (size_t i = 0; i < list->n; i++) {
		const struct kernel_filter *f = &list->filters[i];
		enum ipsecdrv_action action = p->is_out ? f->outbound : f->inbound;

		if (f->family == AF_INET && action != IPSECDRV_ACTION_NONE &&
		    (!f->protocol || f->protocol == p->protocol) &&
		    (!f->local.port || f->local.port == local_port) &&
		    (!f->remote.port || f->remote.port == remote_port) &&
		    layer_side_contains(&f->local, local, is_me(local)) &&
		    layer_side_contains(&f->remote, remote, is_me(remote)))
			return action;
	}
	return IPSECDRV_ACTION_NONE;
}

static uint32_t random_state = 1;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

static void check_packets(const struct policy_rule *rule, const struct expand_list *list,
			  const char *tags)
{
	static const uint16_t ports[] = { 23, 80, 4000 };
	static const uint8_t protocols[] = { 1, 6, 17 };

	for (unsigned int i = 0; i < 3 * 2 * 2 * 9 * 3; i++) {
		unsigned int left = i;
		struct ip_addr local, remote;
		struct packet p = { .is_out = left % 2 };
		uint16_t local_port, remote_port;

		left /= 2;
		assert_int_equal(ip_addr_parse(local_addrs[left % 3], &local), 0);
		left /= 3;
		assert_int_equal(ip_addr_parse(remote_addrs[left % 2], &remote), 0);
		left /= 2;
		local_port = ports[left % 3];
		left /= 3;
		remote_port = ports[left % 3];
		left /= 3;
		p.protocol = protocols[left % 3];
		p.source = p.is_out ? local : remote;
		p.destination = p.is_out ? remote : local;
		p.source_port = p.is_out ? local_port : remote_port;
		p.destination_port = p.is_out ? remote_port : local_port;
		if (action_by_rule(rule, &p) != action_by_filters(list, &p))
			fail_msg("%s: packet %u: rule says %c, filters say %c", tags, i,
				 action_letter(action_by_rule(rule, &p)),
				 action_letter(action_by_filters(list, &p)));
	}
}

static void test_reference(void **state)
{
	static const char *const addresses[] = {
		"me", "any", "10.0.0.0/24", "10.0.0.53", "two.example", "10.0.2.9", "192.0.0.0/8",
		"10.0.1.1",
	};
	static const char *const protocols[] = { "any", "tcp", "icmp" };
	static const char *const ports[] = { "0", "23", "80" };
	static const char *const actions[] = { "permit", "block" };

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		char tags[256];
		unsigned int protocol = pick(3);

		snprintf(tags, sizeof(tags),
			 "srcaddr=%s dstaddr=%s protocol=%s srcport=%s dstport=%s "
			 "mirrored=%s actioninbound=%s actionoutbound=%s",
			 addresses[pick(8)], addresses[pick(8)], protocols[protocol],
			 ports[protocol == 1 ? pick(3) : 0], ports[protocol == 1 ? pick(3) : 0],
			 pick(2) ? "yes" : "no", actions[pick(2)], actions[pick(2)]);
		if (!strncmp(tags, "srcaddr=me dstaddr=me", 21))
			continue;
		{
			_cleanup_(policy_rule_freep) struct policy_rule *rule = rule_of(tags);
			_cleanup_(expand_list_done) struct expand_list list = { 0 };

			assert_int_equal(expand_rule(rule, &names, &list), 0);
			check_packets(rule, &list, tags);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "F35 F37 me decides the orientation", test_me, NULL, NULL, NULL },
		{ "F33 a connection type goes to the filters", test_connection, NULL, NULL, NULL },
		{ "F10 one-way rules act on packets of one direction", test_one_way, NULL, NULL,
		  NULL },
		{ "F10 F35 mirrored rules, hosts, subnets, any", test_both_orientations, NULL, NULL,
		  NULL },
		{ "F36 protocols reach the filter as numbers", test_protocols, NULL, NULL, NULL },
		{ "F35 names and server keywords are their addresses", test_names, NULL, NULL,
		  NULL },
		{ "F01 F10 F35 filters do what the rule says", test_reference, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
