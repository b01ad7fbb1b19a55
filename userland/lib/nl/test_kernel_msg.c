// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "nl/kernel_msg.h"

static struct nl_msg *message_new(size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(size);

	assert_non_null(msg);
	assert_non_null(genlmsg_put(msg, 0, 0, 20, 0, 0, 1, 1));
	return msg;
}

static struct nlattr *first_attr(struct nl_msg *msg)
{
	return genlmsg_attrdata(nlmsg_data(nlmsg_hdr(msg)), 0);
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr parsed;

	assert_int_equal(ip_addr_parse(text, &parsed), 0);
	return parsed;
}

static struct kernel_filter some_filter(void)
{
	return (struct kernel_filter){
		.id = 7,
		.family = AF_INET,
		.local = { .class = IPSECDRV_ADDRESS_CLASS_ME, .port = 1024 },
		.remote = {
			.addr = addr("10.1.0.0"), .mask = addr("255.255.0.255"), .port = 445,
		},
		.protocol = 6,
		.outbound = IPSECDRV_ACTION_NEGOTIATE,
		.inbound = IPSECDRV_ACTION_PERMIT,
	};
}

/* Whatever is put comes back, so neither side mistakes an attribute or a byte order. */
static void test_filter(void **state)
{
	struct kernel_filter filter = some_filter(), back;
	struct nl_msg *msg = message_new(4096);

	(void)state;
	assert_int_equal(kernel_msg_put_filter(msg, &filter), 0);
	assert_int_equal(nla_type(first_attr(msg)), IPSECDRV_A_FILTER);
	assert_true(first_attr(msg)->nla_type & NLA_F_NESTED);
	assert_int_equal(kernel_msg_get_filter(first_attr(msg), &back), 0);
	assert_memory_equal(&back, &filter, sizeof(filter));
	nlmsg_free(msg);
}

static void test_filter_any(void **state)
{
	struct kernel_filter filter = {
		.id = 1, .family = AF_INET6, .outbound = IPSECDRV_ACTION_BLOCK,
	};
	struct kernel_filter back;
	struct nl_msg *msg = message_new(4096);

	(void)state;
	filter.local.addr.family = filter.local.mask.family = AF_INET6;
	filter.remote = filter.local;
	assert_int_equal(kernel_msg_put_filter(msg, &filter), 0);
	assert_int_equal(kernel_msg_get_filter(first_attr(msg), &back), 0);
	assert_true(kernel_filter_is_same_traffic(&back, &filter));
	assert_int_equal(back.remote.mask.family, AF_INET6);
	assert_true(ip_addr_is_unspecified(&back.remote.mask));
	nlmsg_free(msg);
}

/* An address alone is that host: the specification lets the driver leave out the mask. */
static void test_filter_host(void **state)
{
	struct kernel_filter back;
	struct nl_msg *msg = message_new(4096);
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_FILTER);
	struct ip_addr host = addr("192.0.2.1"), ones = addr("255.255.255.255");

	(void)state;
	assert_int_equal(nla_put_u32(msg, IPSECDRV_FILTER_A_ID, 1), 0);
	assert_int_equal(nla_put_u8(msg, IPSECDRV_FILTER_A_FAMILY, AF_INET), 0);
	assert_int_equal(nla_put(msg, IPSECDRV_FILTER_A_LOCAL_ADDRESS, 4, host.bytes), 0);
	nla_nest_end(msg, nest);
	assert_int_equal(kernel_msg_get_filter(first_attr(msg), &back), 0);
	assert_true(ip_addr_is_equal(&back.local.addr, &host));
	assert_true(ip_addr_is_equal(&back.local.mask, &ones));
	nlmsg_free(msg);
}

static void test_filter_bad(void **state)
{
	static const struct {
		uint32_t id;
		uint8_t family;
		int len;
	} rows[] = { { 0, AF_INET, 4 }, { 1, AF_UNIX, 4 }, { 1, AF_INET, 16 }, { 1, AF_INET, 3 } };
	uint8_t bytes[16] = { 10 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nl_msg *msg = message_new(4096);
		struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_FILTER);
		struct kernel_filter back;

		assert_int_equal(nla_put_u32(msg, IPSECDRV_FILTER_A_ID, rows[i].id), 0);
		assert_int_equal(nla_put_u8(msg, IPSECDRV_FILTER_A_FAMILY, rows[i].family), 0);
		assert_int_equal(nla_put(msg, IPSECDRV_FILTER_A_LOCAL_ADDRESS, rows[i].len, bytes),
				 0);
		nla_nest_end(msg, nest);
		assert_int_equal(kernel_msg_get_filter(first_attr(msg), &back), -EBADMSG);
		nlmsg_free(msg);
	}
}

/* A nest that does not fit leaves the message as it was: the next message takes it up. */
static void test_overflow(void **state)
{
	struct kernel_filter filter = some_filter();
	struct nl_msg *msg = message_new(256);
	unsigned int n = 0;
	uint32_t len = 0;

	(void)state;
	while (n < 100 && !kernel_msg_put_filter(msg, &filter)) {
		len = nlmsg_hdr(msg)->nlmsg_len;
		n++;
	}
	assert_in_range(n, 1, 4);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_len, len);
	nlmsg_free(msg);
}

static struct kernel_sa some_sa(void)
{
	struct kernel_sa sa = {
		.spi = 0x12345678,
		.protection = IPSECDRV_PROTECTION_ESP,
		.direction = IPSECDRV_DIRECTION_IN,
		.local = addr("2001:db8::1"),
		.remote = addr("2001:db8::2"),
		.filter_id = 9,
		.selector = {
			.local = addr("2001:db8::1"), .remote = addr("2001:db8::2"),
			.local_prefix = 128, .remote_prefix = 128,
			.protocol = 17, .local_port = 53, .remote_port = 5353,
		},
		.has_selector = true,
		.cipher = IPSECDRV_CIPHER_AES_GCM_16,
		.cipher_key_len = 20,
		.integrity = IPSECDRV_INTEGRITY_HMAC_SHA512,
		.integrity_key_len = 64,
		.replay_window = 128,
		.lifetime = {
			.soft_bytes = 1, .hard_bytes = 2, .soft_packets = 3, .hard_packets = 4,
			.soft_seconds = 5, .hard_seconds = 6, .idle_seconds = 7,
		},
		.pair_spi = 0x9abcdef0,
		.bundle_spi = 0x1000,
		.encap_local_port = 4500,
		.encap_remote_port = 62000,
		.encap_follow = true,
		.encap_keepalive = 20,
		.esn = true,
		.parallel = true,
		.acquire_id = 77,
	};

	memset(sa.cipher_key, 0xaa, sa.cipher_key_len);
	memset(sa.integrity_key, 0xbb, sa.integrity_key_len);
	return sa;
}

static void test_sa(void **state)
{
	struct kernel_sa sa = some_sa(), back;
	struct nl_msg *msg = message_new(4096);
	struct nlattr *attrs[IPSECDRV_SA_A_MAX + 1];

	(void)state;
	assert_int_equal(kernel_msg_put_sa(msg, &sa), 0);
	assert_int_equal(nla_parse_nested(attrs, IPSECDRV_SA_A_MAX, first_attr(msg), NULL), 0);
	assert_int_equal(nla_len(attrs[IPSECDRV_SA_A_CIPHER_KEY]), 20);
	assert_memory_equal(nla_data(attrs[IPSECDRV_SA_A_CIPHER_KEY]), sa.cipher_key, 20);
	assert_int_equal(nla_len(attrs[IPSECDRV_SA_A_INTEGRITY_KEY]), 64);
	assert_memory_equal(nla_data(attrs[IPSECDRV_SA_A_INTEGRITY_KEY]), sa.integrity_key, 64);
	assert_memory_equal(nla_data(attrs[IPSECDRV_SA_A_SPI]), "\x12\x34\x56\x78", 4);

	assert_int_equal(kernel_msg_get_sa(first_attr(msg), &back), 0);
	sa.cipher_key_len = sa.integrity_key_len = 0;
	memset(sa.cipher_key, 0, sizeof(sa.cipher_key));
	memset(sa.integrity_key, 0, sizeof(sa.integrity_key));
	assert_memory_equal(&back, &sa, sizeof(sa));
	nlmsg_free(msg);
}

static void test_flow(void **state)
{
	struct kernel_flow flow = {
		.direction = IPSECDRV_DIRECTION_IN,
		.source = addr("10.0.0.2"),
		.destination = addr("10.0.0.1"),
		.protocol = 6,
		.source_port = 445,
		.destination_port = 40000,
	};
	struct kernel_flow back;
	struct nl_msg *msg = message_new(4096);

	(void)state;
	assert_int_equal(kernel_msg_put_flow(msg, &flow), 0);
	assert_int_equal(kernel_msg_get_flow(first_attr(msg), &back), 0);
	assert_memory_equal(&back, &flow, sizeof(flow));
	nlmsg_free(msg);
}

static void put_flow_as(struct nl_msg *msg, int type, const struct kernel_flow *flow)
{
	struct nl_msg *other = message_new(4096);
	struct nlattr *nest;

	assert_int_equal(kernel_msg_put_flow(other, flow), 0);
	nest = first_attr(other);
	assert_int_equal(nla_put(msg, type, nla_len(nest), nla_data(nest)), 0);
	nlmsg_free(other);
}

static void test_drop(void **state)
{
	const struct kernel_flow flow = {
		.direction = IPSECDRV_DIRECTION_IN, .source = addr("2001:db8::2"),
		.destination = addr("2001:db8::1"), .protocol = 50,
	};
	struct nl_msg *msg = message_new(4096);
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_DROP);
	struct kernel_drop drop;
	uint8_t bytes[200];

	(void)state;
	memset(bytes, 0xa5, sizeof(bytes));
	assert_int_equal(nla_put_u64(msg, IPSECDRV_DROP_A_TIME, UINT64_MAX), 0);
	assert_int_equal(nla_put_u8(msg, IPSECDRV_DROP_A_DIRECTION, IPSECDRV_DIRECTION_IN), 0);
	assert_int_equal(nla_put_u8(msg, IPSECDRV_DROP_A_REASON, IPSECDRV_DROP_BAD_SPI), 0);
	assert_int_equal(nla_put_u32(msg, IPSECDRV_DROP_A_SPI, htonl(0x12345678)), 0);
	assert_int_equal(nla_put_u64(msg, IPSECDRV_DROP_A_LEFT_OUT, 9), 0);
	/* longer than they may be */
	assert_int_equal(nla_put_string(msg, IPSECDRV_DROP_A_INTERFACE_NAME,
					"a-name-that-no-interface-has"), 0);
	assert_int_equal(nla_put(msg, IPSECDRV_DROP_A_PACKET, sizeof(bytes), bytes), 0);
	put_flow_as(msg, IPSECDRV_DROP_A_FLOW, &flow);
	nla_nest_end(msg, nest);
	assert_int_equal(kernel_msg_get_drop(first_attr(msg), &drop), 0);
	assert_true(drop.time == UINT64_MAX && drop.left_out == 9);
	assert_int_equal(drop.direction, IPSECDRV_DIRECTION_IN);
	assert_int_equal(drop.reason, IPSECDRV_DROP_BAD_SPI);
	assert_int_equal(drop.spi, 0x12345678);
	assert_int_equal(drop.filter_id, 0);
	assert_string_equal(drop.interface, "a-name-that-no-");
	assert_int_equal(drop.shown_len, IPSECDRV_MAX_SHOWN);
	assert_true(drop.has_flow);
	assert_memory_equal(&drop.flow, &flow, sizeof(flow));
	nlmsg_free(msg);
}

static void test_drop_count(void **state)
{
	static const uint8_t peer[] = { 192, 0, 2, 7 };
	struct nl_msg *msg = message_new(4096);
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_COUNTER);
	struct kernel_drop_count count;
	struct ip_addr wanted = addr("192.0.2.7");

	(void)state;
	assert_int_equal(nla_put_u8(msg, IPSECDRV_COUNTER_A_REASON, IPSECDRV_DROP_REPLAY), 0);
	assert_int_equal(nla_put_u64(msg, IPSECDRV_COUNTER_A_PACKETS, 81402), 0);
	nla_nest_end(msg, nest);
	assert_int_equal(kernel_msg_get_drop_count(first_attr(msg), &count), 0);
	assert_int_equal(count.peer.family, 0);
	assert_int_equal(nla_put(msg, IPSECDRV_COUNTER_A_PEER, sizeof(peer), peer), 0);
	nla_nest_end(msg, nest);
	assert_int_equal(kernel_msg_get_drop_count(first_attr(msg), &count), 0);
	assert_int_equal(count.reason, IPSECDRV_DROP_REPLAY);
	assert_int_equal(count.packets, 81402);
	assert_memory_equal(&count.peer, &wanted, sizeof(wanted));
	assert_int_equal(nla_put(msg, IPSECDRV_COUNTER_A_PEER, 3, peer), 0);
	nla_nest_end(msg, nest);
	assert_int_equal(kernel_msg_get_drop_count(first_attr(msg), &count), -EBADMSG);
	nlmsg_free(msg);
}

static void put_counter(struct nl_msg *msg, uint8_t reason, uint64_t packets)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_STATISTICS_A_COUNTER);

	assert_int_equal(nla_put_u8(msg, IPSECDRV_COUNTER_A_REASON, reason), 0);
	assert_int_equal(nla_put_u64(msg, IPSECDRV_COUNTER_A_PACKETS, packets), 0);
	nla_nest_end(msg, nest);
}

static void test_statistics(void **state)
{
	struct nl_msg *msg = message_new(4096);
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_STATISTICS);
	struct kernel_statistics statistics;

	(void)state;
	assert_int_equal(nla_put_u32(msg, IPSECDRV_STATISTICS_A_ACTIVE_SAS, 3), 0);
	assert_int_equal(nla_put_u32(msg, IPSECDRV_STATISTICS_A_ACTIVE_PAIRS, 1), 0);
	assert_int_equal(nla_put_u64(msg, IPSECDRV_STATISTICS_A_KEY_ADDITIONS, UINT64_MAX), 0);
	put_counter(msg, IPSECDRV_DROP_CLEAR_TEXT, 5);
	put_counter(msg, IPSECDRV_DROP_MAX, 6);
	put_counter(msg, 255, 9);	/* of a newer driver */
	nla_nest_end(msg, nest);
	assert_int_equal(kernel_msg_get_statistics(first_attr(msg), &statistics), 0);
	assert_int_equal(statistics.active_sas, 3);
	assert_int_equal(statistics.active_pairs, 1);
	assert_true(statistics.key_additions == UINT64_MAX);
	assert_int_equal(statistics.drops[IPSECDRV_DROP_CLEAR_TEXT], 5);
	assert_int_equal(statistics.drops[IPSECDRV_DROP_MAX], 6);
	assert_int_equal(statistics.drops[IPSECDRV_DROP_REPLAY], 0);
	nlmsg_free(msg);
}

static void test_format(void **state)
{
	struct kernel_filter filter = some_filter();
	char buf[KERNEL_FILTER_STRLEN];

	(void)state;
	assert_string_equal(kernel_filter_format(&filter, buf),
			    "me <-> 10.1.0.0/255.255.0.255 IPv4 protocol 6 ports 1024 445");
	filter.remote.mask = addr("255.255.0.0");
	filter.local.port = filter.remote.port = filter.protocol = 0;
	assert_string_equal(kernel_filter_format(&filter, buf), "me <-> 10.1.0.0/16 IPv4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_any),
		cmocka_unit_test(test_filter_host),
		cmocka_unit_test(test_filter_bad),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_sa),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_drop_count),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
