// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of boot exemptions: what is read, what is refused, and what it says of random flows
 * beside a search through a plain array.
 */
#include <kunit/test.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "../boot_exempt.c"

#define OUT	IPSECDRV_DIRECTION_OUT
#define IN	IPSECDRV_DIRECTION_IN

static const struct {
	const char *text, *printed;
} good[] = {
	{ "none", "none" },
	{ "NONE", "none" },
	{ " none ", "none" },
	{ "TCP:0:22:inbound", "TCP:0:22:inbound" },
	{ "tcp:1:65535:OUTBOUND", "TCP:1:65535:outbound" },
	{ "UDP:0:68:inbound,ICMP:inbound", "ICMP:inbound,UDP:0:68:inbound" },
	{ "ICMP:inbound TCP:80:80:outbound", "TCP:80:80:outbound,ICMP:inbound" },
	{ ",, ICMPV6:outbound\n,", "ICMPV6:outbound" },
	{ "raw:inbound,47:inbound,047:inbound,1:inbound",
	  "ICMP:inbound,47:inbound,RAW:inbound" },
	{ "6:0:00022:inbound", "TCP:0:22:inbound" },
	{ "ICMP:inbound,ICMP:inbound,ICMP:inbound", "ICMP:inbound" },
};

static const struct {
	const char *text, *at;
} bad[] = {
	{ "", "" },
	{ " , ", " , " },
	{ "none,ICMP:inbound", "none,ICMP:inbound" },
	{ "ICMP", "ICMP" },
	{ "ICMP:", "ICMP:" },
	{ ":inbound", ":inbound" },
	{ "ICMP:inbound:", "ICMP:inbound:" },
	{ "ICMP:sideways", "ICMP:sideways" },
	{ "ICMP:inboundly", "ICMP:inboundly" },
	{ "ICMP:8:0:inbound", "ICMP:8:0:inbound" },
	{ "TCP:inbound", "TCP:inbound" },
	{ "TCP:22:inbound", "TCP:22:inbound" },
	{ "TCP:0:22:inbound:", "TCP:0:22:inbound:" },
	{ "TCP:0:22:in:bound", "TCP:0:22:in:bound" },
	{ "TCP:0:65536:inbound", "TCP:0:65536:inbound" },
	{ "TCP:-1:22:inbound", "TCP:-1:22:inbound" },
	{ "TCP:0x16:22:inbound", "TCP:0x16:22:inbound" },
	{ "TCP::22:inbound", "TCP::22:inbound" },
	{ "TCP:0:4294967318:inbound", "TCP:0:4294967318:inbound" },
	{ "0:inbound", "0:inbound" },
	{ "256:inbound", "256:inbound" },
	{ "GRE:inbound", "GRE:inbound" },
	{ "ICMP:inbound,TCP:22", "TCP:22" },
	{ "ICMP:inbound;TCP:0:22:inbound", "ICMP:inbound;TCP:0:22:inbound" },
};

static void good_test(struct kunit *test)
{
	struct ipd_boot_exempts *list, *again;
	const char *why, *at;
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		KUNIT_ASSERT_EQ_MSG(test, ipd_boot_exempts_parse(good[i].text, &list, &why, &at), 0,
				    "%s", good[i].text);
		ipd_boot_exempts_print(list, text, sizeof(text));
		KUNIT_EXPECT_STREQ(test, text, good[i].printed);
		KUNIT_ASSERT_EQ(test, ipd_boot_exempts_parse(text, &again, &why, &at), 0);
		KUNIT_EXPECT_EQ(test, ipd_boot_exempts_count(again), ipd_boot_exempts_count(list));
		if (list && again)
			KUNIT_EXPECT_EQ(test, memcmp(again->keys, list->keys,
						     list->n * sizeof(list->keys[0])), 0);
		ipd_boot_exempts_free(list);
		ipd_boot_exempts_free(again);
	}
}

static void bad_test(struct kunit *test)
{
	struct ipd_boot_exempts *untouched = (void *)good, *list = untouched;
	const char *why, *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		why = at = NULL;
		KUNIT_EXPECT_EQ_MSG(test, ipd_boot_exempts_parse(bad[i].text, &list, &why, &at),
				    -EINVAL, "%s", bad[i].text);
		KUNIT_EXPECT_STREQ(test, at, bad[i].at);
		KUNIT_EXPECT_NOT_NULL(test, why);
		KUNIT_EXPECT_PTR_EQ(test, list, untouched);
	}
}

/* "1:inbound 1:inbound ..." */
static char *repeat(struct kunit *test, unsigned int times)
{
	static const char one[] = "1:inbound ";
	char *text = kunit_kzalloc(test, times * strlen(one) + 1, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < times; i++)
		memcpy(text + i * strlen(one), one, strlen(one));
	return text;
}

static void bound_test(struct kunit *test)
{
	struct ipd_boot_exempts *list;
	const char *why, *at;

	KUNIT_ASSERT_EQ(test, ipd_boot_exempts_parse(repeat(test, IPSECDRV_MAX_BOOT_EXEMPTIONS),
						     &list, &why, &at), 0);
	KUNIT_EXPECT_EQ(test, ipd_boot_exempts_count(list), 1);
	ipd_boot_exempts_free(list);
	KUNIT_EXPECT_EQ(test, ipd_boot_exempts_parse(repeat(test, IPSECDRV_MAX_BOOT_EXEMPTIONS + 1),
						     &list, &why, &at), -EINVAL);
}

static void print_test(struct kunit *test)
{
	static const char whole[] = "UDP:1000:65535:inbound,UDP:2000:65535:inbound,"
				    "UDP:3000:65535:inbound";
	struct ipd_boot_exempts *list;
	const char *why, *at;
	size_t size;
	char text[sizeof(whole) + 8];

	KUNIT_ASSERT_EQ(test, ipd_boot_exempts_parse(whole, &list, &why, &at), 0);
	for (size = 1; size <= sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		ipd_boot_exempts_print(list, text, size);
		/* within its bounds; a whole list, or one that says that it is not */
		KUNIT_ASSERT_LT(test, strnlen(text, size), size);
		if (size < sizeof(text))
			KUNIT_EXPECT_EQ(test, text[size], 'x');
		if (size >= sizeof("...") && strcmp(text, whole))
			KUNIT_EXPECT_STREQ(test, text + strlen(text) - 3, "...");
	}
	KUNIT_EXPECT_STREQ(test, text, whole);
	ipd_boot_exempts_free(list);
}

/* --- matching -------------------------------------------------------------------- */

#define RANDOM_LISTS	200
#define RANDOM_FLOWS	500
#define LIST_MAX	40

static u16 some_port(void)
{
	return get_random_u32() % 4;
}

static struct ipd_boot_exempt random_exempt(void)
{
	static const u8 some[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE };
	struct ipd_boot_exempt exempt = {
		.direction = get_random_u32() % 2,
		.protocol = some[get_random_u32() % ARRAY_SIZE(some)],
	};

	if (has_ports(exempt.protocol)) {
		exempt.source_port = some_port();
		exempt.destination_port = some_port();
	}
	return exempt;
}

/* what the documentation says, one exemption after the other */
static bool names(const struct ipd_boot_exempt *exempt, u8 direction, u8 protocol, u16 source,
		  u16 destination, bool shows_ports)
{
	if (exempt->direction != direction || exempt->protocol != protocol)
		return false;
	if (!shows_ports)
		return !exempt->source_port && !exempt->destination_port;
	return (!exempt->source_port || exempt->source_port == source) &&
	       (!exempt->destination_port || exempt->destination_port == destination);
}

static void check_random_flow(struct kunit *test, const struct ipd_boot_exempts *list,
			      const struct ipd_boot_exempt *plain, unsigned int n)
{
	struct ipd_boot_exempt packet = random_exempt();
	bool out = packet.direction == OUT, shows = get_random_u32() % 8;
	struct ipd_flow flow = {
		.family = NFPROTO_IPV4,
		.direction = packet.direction,
		.protocol = packet.protocol,
		.local_port = htons(out ? packet.source_port : packet.destination_port),
		.remote_port = htons(out ? packet.destination_port : packet.source_port),
	};
	bool matches = false, answers = false;
	unsigned int i;

	if (!has_ports(packet.protocol))
		shows = true;
	if (!shows) {
		flow.flags = IPD_FLOW_NO_PORTS;
		flow.local_port = flow.remote_port = 0;
	}
	for (i = 0; i < n; i++) {
		matches |= names(&plain[i], packet.direction, packet.protocol, packet.source_port,
				 packet.destination_port, shows);
		answers |= out && names(&plain[i], IN, packet.protocol, packet.destination_port,
					packet.source_port, shows);
	}
	KUNIT_EXPECT_EQ(test, ipd_boot_exempts_match(list, &flow), matches);
	KUNIT_EXPECT_EQ(test, ipd_boot_exempts_match_answer(list, &flow), answers);
}

static void random_test(struct kunit *test)
{
	struct ipd_boot_exempt plain[LIST_MAX];
	struct ipd_boot_exempts *list;
	unsigned int round, i, n, used;
	const char *why, *at;
	size_t size = LIST_MAX * 32;
	char *text = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (round = 0; round < RANDOM_LISTS; round++) {
		n = 1 + get_random_u32() % LIST_MAX;
		for (i = 0, used = 0; i < n; i++) {
			plain[i] = random_exempt();
			used += print_one(&plain[i], text + used, size - used);
			text[used++] = i % 2 ? ',' : ' ';
		}
		text[used] = '\0';
		KUNIT_ASSERT_EQ(test, ipd_boot_exempts_parse(text, &list, &why, &at), 0);
		for (i = 0; i < RANDOM_FLOWS; i++)
			check_random_flow(test, list, plain, n);
		ipd_boot_exempts_free(list);
		cond_resched();
	}
}

static void empty_test(struct kunit *test)
{
	struct ipd_flow flow = { .family = NFPROTO_IPV4, .protocol = IPPROTO_TCP };
	u8 direction;

	for (direction = OUT; direction <= IN; direction++) {
		flow.direction = direction;
		KUNIT_EXPECT_FALSE(test, ipd_boot_exempts_match(NULL, &flow));
		KUNIT_EXPECT_FALSE(test, ipd_boot_exempts_match_answer(NULL, &flow));
	}
	KUNIT_EXPECT_EQ(test, ipd_boot_exempts_count(NULL), 0);
	ipd_boot_exempts_free(NULL);
}

static struct kunit_case boot_exempt_cases[] = {
	{ .name = "D11 D13 lists are read and printed", .run_case = good_test },
	{ .name = "D13 what is no list is refused", .run_case = bad_test },
	{ .name = "D13 a list has a bound", .run_case = bound_test },
	{ .name = "D13 a long list is printed as far as it fits", .run_case = print_test },
	{ .name = "D11 random lists and flows, beside a plain search", .run_case = random_test },
	{ .name = "D11 no exemptions", .run_case = empty_test },
	{ }
};

static struct kunit_suite boot_exempt_suite = {
	.name = "boot_exempt",
	.test_cases = boot_exempt_cases,
};

kunit_test_suite(boot_exempt_suite);
