// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds per filter search, next to a linear list sorted by weight, and per flow cache hit.
 *
 *   build/bench_filter                                  all of it
 *   build/bench_filter 4|6 FILTERS TUPLES SEARCHES      so many searches without a hit, for counting:
 *   valgrind --tool=callgrind --toggle-collect=ipd_filter_lookup build/bench_filter 4 1000 33 10000
 *
 * "last" are packets whose filter lies in the lightest tuple, so that each tuple is probed; "none"
 * are packets without a filter. Made of the driver's own sources, at -O2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shim.h"

#include "../../table.c"
#include "../../tuple.c"
#include "../../filter_index.c"
#include "../../filter_set.c"
#include "../../filter.c"
#include "../../flowcache.c"

#define PACKETS		4096
#define MIN_NS		200000000ULL

/* no filter here is for one interface */
void ipd_interface_put(struct ipd_interface *interface)
{
}

bool ipd_flow_is_me(struct net *net, u8 family, const union nf_inet_addr *addr)
{
	(void)net;
	return (family == NFPROTO_IPV4 ? addr->ip : addr->ip6[3]) == htonl(0x0a000001);
}

bool ipd_flow_has_ports(u8 protocol)
{
	return protocol == IPPROTO_TCP;
}

/* of this process, so that others on the machine count less */
static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static u32 rnd(u32 n)
{
	static u64 state = 0x2545F4914F6CDD1D;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (u32)(state >> 32) % n;
}

static void set_address(union nf_inet_addr *addr, u8 family, u32 value)
{
	memset(addr, 0, sizeof(*addr));
	if (family == NFPROTO_IPV4) {
		addr->ip = htonl(value);
	} else {
		addr->ip6[0] = htonl(0x20010db8);
		addr->ip6[3] = htonl(value);
	}
}

/*
 * Filter i belongs to tuple i % tuples. A tuple is a remote prefix length, times four (any
 * protocol, TCP, TCP with either port), times two (local "me", or its address).
 */
static struct ipd_filter *make_filter(u32 i, u32 tuples, u8 family)
{
	struct ipd_filter_spec spec = { .id = i + 1, .family = family };
	struct ipd_filter *filter;
	u32 tuple = i % tuples, number = i / tuples, bits;

	spec.action[0] = IPSECDRV_ACTION_PERMIT;
	spec.action[1] = IPSECDRV_ACTION_PERMIT;
	spec.local.class = IPSECDRV_ADDRESS_CLASS_ME;
	if (tuple / 64) {
		spec.local.class = IPSECDRV_ADDRESS_CLASS_MASK;
		set_address(&spec.local.addr, family, 0x0a000001);
		memset(&spec.local.mask, 0xff, sizeof(spec.local.mask));
	}
	bits = 32 - tuple / 4 % 16;
	set_address(&spec.remote.addr, family, number << (32 - bits) | 0x40000000);
	spec.remote.mask.ip = htonl(~0U << (32 - bits));
	if (family == NFPROTO_IPV6) {
		memset(&spec.remote.mask, 0xff, 12);
		spec.remote.mask.ip6[3] = htonl(~0U << (32 - bits));
	}
	spec.protocol = tuple % 4 ? IPPROTO_TCP : 0;
	spec.local.port = htons(tuple % 4 == 3 ? number % 65535 + 1 : 0);
	spec.remote.port = htons(tuple % 4 == 2 ? number % 65535 + 1 : 0);
	if (ipd_filter_finish(&spec, NULL))
		abort();
	filter = ipd_filter_new(&spec, GFP_KERNEL);
	if (!filter)
		abort();
	return filter;
}

static void hit_flow(struct ipd_flow *flow, const struct ipd_filter *filter)
{
	struct ipd_filter_spec spec;

	ipd_filter_describe(filter, &spec);
	memset(flow, 0, sizeof(*flow));
	flow->family = spec.family;
	flow->protocol = IPPROTO_TCP;
	set_address(&flow->local, flow->family, 0x0a000001);
	flow->remote = spec.remote.addr;
	flow->local_port = spec.local.port ?: htons(65535);
	flow->remote_port = spec.remote.port ?: htons(65535);
}

static void miss_flow(struct ipd_flow *flow, u8 family)
{
	memset(flow, 0, sizeof(*flow));
	flow->family = family;
	flow->protocol = IPPROTO_TCP;
	set_address(&flow->local, family, 0x0a000001);
	set_address(&flow->remote, family, 0xc0000000 | rnd(1 << 28));
	flow->local_port = htons(1024 + rnd(60000));
	flow->remote_port = htons(80);
}

static double time_search(const struct ipd_filter_set *set, const struct ipd_flow *flows)
{
	u64 begin = now_ns(), rounds = 0, spent;
	u32 i;

	do {
		for (i = 0; i < PACKETS; i++) {
			const struct ipd_filter *filter = ipd_filter_lookup(set, NULL, &flows[i]);

			__asm__ volatile("" : : "r"(filter));
		}
		rounds++;
		spent = now_ns() - begin;
	} while (spent < MIN_NS);
	return (double)spent / rounds / PACKETS;
}

/* what a list costs: compare after compare, heaviest first */
static double time_list(struct ipd_filter *const *filters, u32 n, const struct ipd_flow *flows)
{
	u64 begin = now_ns(), packets = 0, spent;
	u64 (*list)[4] = calloc(n, sizeof(*list));	/* key, mask */
	u64 key[IPD_KEY_WORDS_MAX];
	u32 i;

	if (!list)
		abort();
	for (i = 0; i < n; i++) {
		memcpy(&list[i][0], filters[i]->key, IPD_KEY_WORDS4 * sizeof(u64));
		ipd_filter_mask(filters[i], &list[i][2]);
	}
	do {
		ipd_key_flow(&flows[packets % PACKETS], key, IPD_KEY_WORDS4);
		key[1] |= IPD_KEY_LOCAL_ME;
		for (i = 0; i < n; i++) {
			if (!(((key[0] & list[i][2]) ^ list[i][0]) |
			      ((key[1] & list[i][3]) ^ list[i][1])))
				break;
			__asm__ volatile("" : : : "memory");
		}
		packets++;
		spent = now_ns() - begin;
	} while (spent < MIN_NS);
	free(list);
	return (double)spent / packets;
}

static double time_cache(const struct ipd_flow *flows)
{
	struct ipd_flowcache *cache = ipd_flowcache_new();
	const struct ipd_filter *filter;
	struct ipd_acquire *acquire;
	u64 begin, rounds = 0, spent;
	u32 i, j;

	if (!cache)
		abort();
	for (i = 0; i < 64; i++)
		ipd_flowcache_store(cache, &flows[i], 1, NULL, NULL);
	begin = now_ns();
	do {
		for (j = 0; j < 64; j++)
			for (i = 0; i < 64; i++)
				ipd_flowcache_find(cache, &flows[i], 1, &filter, &acquire);
		rounds++;
		spent = now_ns() - begin;
	} while (spent < MIN_NS);
	ipd_flowcache_free(cache);
	return (double)spent / rounds / (64 * 64);
}

static int by_weight(const void *a, const void *b)
{
	const struct ipd_filter *const *f = a, *const *g = b;

	return (*f)->weight < (*g)->weight ? 1 : -((*f)->weight > (*g)->weight);
}

static struct ipd_filter **make_filters(u32 n, u32 tuples, u8 family)
{
	struct ipd_filter **filters = calloc(n, sizeof(struct ipd_filter *));
	u32 i;

	if (!filters)
		abort();
	for (i = 0; i < n; i++)
		filters[i] = make_filter(i, tuples, family);
	return filters;
}

static struct ipd_filter_set *build(struct ipd_filter **filters, u32 n)
{
	struct netlink_ext_ack extack = { };
	struct ipd_filter_set *set = ipd_filter_set_build(filters, n, &extack);

	if (IS_ERR(set)) {
		fprintf(stderr, "%s\n", extack.text);
		exit(1);
	}
	return set;
}

static void free_all(struct ipd_filter_set *set, struct ipd_filter **filters, u32 n)
{
	ipd_filter_set_free(set);
	while (n)
		ipd_filter_put(filters[--n]);
	free(filters);
	rcu_barrier();
}

static void count(u8 family, u32 n, u32 tuples, u32 searches)
{
	struct ipd_filter **filters = make_filters(n, tuples, family);
	struct ipd_filter_set *set = build(filters, n);
	struct ipd_flow flow;

	while (searches--) {
		miss_flow(&flow, family);
		if (ipd_filter_lookup(set, NULL, &flow))
			abort();
	}
	free_all(set, filters, n);
}

static void bench(u32 n, u32 tuples, u8 family)
{
	static struct ipd_flow hits[PACKETS], misses[PACKETS];
	struct ipd_filter **filters = make_filters(n, tuples, family);
	struct ipd_filter_set *set, *changed;
	u64 begin, built, one;
	u32 i, id = 1;

	begin = now_ns();
	set = build(filters, n);
	built = now_ns() - begin;
	for (i = 0; i < PACKETS; i++) {
		hit_flow(&hits[i], filters[rnd(n / tuples) * tuples + tuples - 1]);
		miss_flow(&misses[i], family);
	}
	begin = now_ns();
	changed = ipd_filter_set_del(set, &id, 1, NULL);
	one = now_ns() - begin;
	ipd_filter_set_free(changed);

	printf("IPv%c %8u %7u %9.1f %9.1f", family == NFPROTO_IPV4 ? '4' : '6', n,
	       ipd_filter_set_tuples(set), time_search(set, hits), time_search(set, misses));
	qsort(filters, n, sizeof(*filters), by_weight);
	if (family == NFPROTO_IPV4)
		printf(" %10.1f", time_list(filters, n, misses));
	else
		printf(" %10s", "");
	printf(" %8.1f %11.2f %11.3f\n", time_cache(hits), built / 1e6, one / 1e6);
	free_all(set, filters, n);
}

int main(int argc, char **argv)
{
	static const u32 counts[] = { 10, 1000, 100000 };
	static const u32 tuples[] = { 1, 8, 33, 128 };
	static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
	unsigned int f, i, j;

	if (ipd_filter_init())
		return 1;
	if (argc == 5) {
		count(atoi(argv[1]) == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4, atoi(argv[2]),
		      atoi(argv[3]), atoi(argv[4]));
		ipd_filter_exit();
		return 0;
	}
	printf("                        ns per search       ns        ns    ms        ms\n");
	printf("     filters  tuples      last      none       list    cache       build  one delete\n");
	for (f = 0; f < ARRAY_SIZE(families); f++)
		for (i = 0; i < ARRAY_SIZE(counts); i++)
			for (j = 0; j < ARRAY_SIZE(tuples) && tuples[j] <= counts[i]; j++)
				bench(counts[i], tuples[j], families[f]);
	ipd_filter_exit();
	return 0;
}
