// SPDX-License-Identifier: MIT
/* Which filter decides: the driver's order, said again in a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "nl/search.h"

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_addr_parse(text, &addr), 0);
	return addr;
}

/* "me", "any", "10.0.0.0/255.0.0.0", "10.0.0.2" */
static struct kernel_filter_side side_of(const char *text, uint8_t family, uint16_t port)
{
	struct kernel_filter_side side = { .class = IPSECDRV_ADDRESS_CLASS_MASK, .port = port };
	char copy[64], *slash;

	side.addr.family = side.mask.family = family;
	if (!strcmp(text, "me")) {
		side = (struct kernel_filter_side){ .class = IPSECDRV_ADDRESS_CLASS_ME,
						    .port = port };
	} else if (strcmp(text, "any")) {
		snprintf(copy, sizeof(copy), "%s", text);
		slash = strchr(copy, '/');
		if (slash)
			*slash++ = '\0';
		side.addr = addr_of(copy);
		side.mask = addr_of(slash ? slash : family == AF_INET ?
				    "255.255.255.255" :
				    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	}
	return side;
}

struct row {
	const char *local;
	const char *remote;
	uint8_t protocol;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t weight;
	enum ipsecdrv_connection connection;
	const char *interface;
	bool is_tunnel;
};

static struct kernel_filter filter_of(const struct row *row, uint32_t id)
{
	uint8_t family = strchr(row->local, ':') || strchr(row->remote, ':') ? AF_INET6 : AF_INET;
	struct kernel_filter filter = {
		.id = id,
		.family = family,
		.class = row->is_tunnel ? IPSECDRV_FILTER_CLASS_TUNNEL :
					  IPSECDRV_FILTER_CLASS_TRANSPORT,
		.local = side_of(row->local, family, row->local_port),
		.remote = side_of(row->remote, family, row->remote_port),
		.protocol = row->protocol,
		.outbound = IPSECDRV_ACTION_BLOCK,
		.inbound = IPSECDRV_ACTION_BLOCK,
		.connection = row->connection,
	};

	if (row->interface)
		snprintf(filter.interface, sizeof(filter.interface), "%s", row->interface);
	return filter;
}

/* First tried first. */
static const struct row order[] = {
	{ "10.0.0.1", "10.0.0.2", 0, 0, 0, 0x1202000, 0, NULL, true },
	{ "any", "any", 0, 0, 0, 0x1000000, 0, NULL, true },
	{ "10.0.0.1", "10.0.0.2", 6, 23, 0, 0x0202014, 0, NULL, false },
	{ "me", "10.0.0.2", 6, 23, 0, 0x0202014, 0, NULL, false },
	{ "me", "10.0.0.2", 0, 0, 0, 0x0202000, 0, NULL, false },
	{ "me", "10.0.0.0/255.255.255.0", 0, 0, 0, 0x0182000, 0, NULL, false },
	/* as many bits in another place: the mask that is the greater number in memory */
	{ "me", "10.0.0.0/255.0.255.0", 0, 0, 0, 0x0102000, 0, NULL, false },
	{ "me", "10.0.0.0/255.255.0.0", 0, 0, 0, 0x0102000, 0, NULL, false },
	{ "me", "any", 6, 0, 80, 0x0002018, 0, NULL, false },
	{ "me", "any", 6, 23, 0, 0x0002014, 0, NULL, false },
	{ "me", "any", 6, 0, 0, 0x0002012, IPSECDRV_CONNECTION_LAN, "eth0", false },
	{ "me", "any", 6, 0, 0, 0x0002011, IPSECDRV_CONNECTION_LAN, NULL, false },
	{ "me", "any", 6, 0, 0, 0x0002010, 0, NULL, false },
	{ "me", "any", 0, 0, 0, 0x0002000, 0, NULL, false },
	{ "any", "any", 0, 0, 0, 0x0000000, 0, NULL, false },
	{ "me", "2001:db8::2", 0, 0, 0, 0x0808000, 0, NULL, false },
	{ "2001:db8::/ffff:ffff::", "2001:db8::2", 0, 0, 0, 0x0802000, 0, NULL, false },
};

#define N_ROWS (sizeof(order) / sizeof(order[0]))

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		struct kernel_filter a = filter_of(&order[i], 1);

		assert_int_equal(kernel_filter_weigh(&a), order[i].weight);
		for (size_t j = 0; j < N_ROWS; j++) {
			struct kernel_filter b = filter_of(&order[j], 2);
			int r = kernel_filter_compare_order(&a, &b);

			assert_int_equal(r < 0 ? -1 : r > 0, i < j ? -1 : i > j);
		}
	}
}

static uint32_t decide(const struct kernel_filter *filters, size_t n, struct kernel_search search)
{
	const struct kernel_filter *found = kernel_filters_search(filters, n, &search);

	return found ? found->id : 0;
}

/* The example at the head of kernel/filter.c, in the worst order. */
static void test_the_more_specific_filter_decides(void **state)
{
	static const struct row rows[] = {
		{ "any", "any", 0, 0, 0, 0, 0, NULL, false },
		{ "me", "any", 0, 0, 0, 0, 0, NULL, false },
		{ "me", "any", 6, 23, 0, 0, 0, NULL, false },
		{ "me", "10.0.0.2", 6, 23, 0, 0, 0, NULL, false },
	};
	struct kernel_search search = {
		.flow = {
			.direction = IPSECDRV_DIRECTION_IN,
			.source = addr_of("10.0.0.9"), .destination = addr_of("10.0.0.1"),
			.protocol = 6, .source_port = 40000, .destination_port = 23,
		},
		.local_is_me = true,
	};
	struct kernel_filter filters[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		filters[i] = filter_of(&rows[i], i + 1);
	assert_int_equal(decide(filters, 4, search), 3);
	search.flow.source = addr_of("10.0.0.2");
	assert_int_equal(decide(filters, 4, search), 4);
	search.flow.protocol = 17;
	assert_int_equal(decide(filters, 4, search), 2);
	/* forwarded */
	search.local_is_me = false;
	assert_int_equal(decide(filters, 4, search), 1);
	search.flow.source = addr_of("2001:db8::9");
	search.flow.destination = addr_of("2001:db8::1");
	assert_int_equal(decide(filters, 4, search), 0);
}

static void test_direction_scope_and_ports(void **state)
{
	struct row row = { "me", "10.0.0.2", 17, 0, 53, 0, IPSECDRV_CONNECTION_DIALUP, NULL, false };
	struct kernel_filter filter = filter_of(&row, 7);
	struct kernel_search search = {
		.flow = {
			.direction = IPSECDRV_DIRECTION_OUT,
			.source = addr_of("10.0.0.1"), .destination = addr_of("10.0.0.2"),
			.protocol = 17, .source_port = 40000, .destination_port = 53,
			.connection = IPSECDRV_CONNECTION_DIALUP, .interface = "ppp0",
		},
		.local_is_me = true,
	};

	(void)state;
	assert_int_equal(decide(&filter, 1, search), 7);
	filter.outbound = IPSECDRV_ACTION_NONE;
	assert_int_equal(decide(&filter, 1, search), 0);
	filter.outbound = IPSECDRV_ACTION_PERMIT;
	search.flow.connection = IPSECDRV_CONNECTION_LAN;
	assert_int_equal(decide(&filter, 1, search), 0);
	strcpy(filter.interface, "ppp0");
	assert_int_equal(decide(&filter, 1, search), 7);
	strcpy(filter.interface, "ppp1");
	assert_int_equal(decide(&filter, 1, search), 0);
	filter.interface[0] = '\0';
	filter.connection = IPSECDRV_CONNECTION_ALL;
	search.flow.destination_port = 54;
	assert_int_equal(decide(&filter, 1, search), 0);
	/* a port that is no port: the code of an ICMP message */
	filter.protocol = 0;
	search.flow.protocol = 1;
	search.flow.destination_port = 53;
	assert_int_equal(decide(&filter, 1, search), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_the_more_specific_filter_decides),
		cmocka_unit_test(test_direction_scope_and_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
