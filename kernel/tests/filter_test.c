// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filter search against a slow, obvious one; and the checks, the weight and the limits.
 *
 * Runs as a KUnit suite in the kernel, and as a program (tests/user) with the sanitizers and
 * more packets.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/in.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

/* "me" and bad luck are the test's to give; suites of other files may have the real functions */
#define ipd_flow_is_me		filter_test_is_me
#define ipd_flow_has_ports	filter_test_has_ports
#define ipd_extack_format	filter_test_extack
#define ipd_interface_put	filter_test_interface_put
#define get_random_bytes	filter_test_random

static void filter_test_random(void *buffer, size_t length);

#include "../extack.c"
#include "../table.c"
#include "../tuple.c"
#include "../filter_index.c"
#include "../filter_set.c"
#include "../filter.c"

#undef get_random_bytes

#ifdef __KERNEL__
#define PACKETS		50000
#define MANY		20000
#else
#define PACKETS		1000000
#define MANY		100000
#endif

#define PER_HOST	5000	/* filters for one remote host, where there are many */
#define POLICY		300	/* filters of a random policy */
#define OUT		IPSECDRV_DIRECTION_OUT
#define IN		IPSECDRV_DIRECTION_IN
#define ALL		IPSECDRV_CONNECTION_ALL
#define LAN		IPSECDRV_CONNECTION_LAN
#define DIALUP		IPSECDRV_CONNECTION_DIALUP
#define NONE		IPSECDRV_ACTION_NONE
#define PERMIT		IPSECDRV_ACTION_PERMIT
#define BLOCK		IPSECDRV_ACTION_BLOCK
#define NEGOTIATE	IPSECDRV_ACTION_NEGOTIATE

#include "filter_model.h"

/* what was freed is gone after this */
static void settle(void)
{
	rcu_barrier();
	flush_workqueue(workqueue);
	rcu_barrier();
}

static void check_packets(struct kunit *test, const struct ipd_filter_set *set,
			  struct ipd_filter *const *filters, u32 n, u8 family, u32 packets)
{
	struct ipd_flow flow;
	u64 seed;

	model_of(filters, n);
	while (packets--) {
		seed = rnd_state;
		random_flow(&flow, family, model.n ? &model.spec[rnd(model.n)] : NULL);
		KUNIT_ASSERT_TRUE_MSG(test, same_answer(set, &flow),
				      "packet of seed %llx: got %ld", (unsigned long long)seed,
				      lookup_id(set, &flow));
		if (!(packets % 256))
			cond_resched();
	}
}

static void policies_test(struct kunit *test, u8 family)
{
	static struct ipd_filter *filters[POLICY];
	struct ipd_filter_set *set;
	u32 round, n;

	rnd_state = 0x5eed0000 + family;
	have_addresses = true;
	decided = 0;
	undecided = 0;
	unmatched = 0;
	for (round = 0; round < 20; round++) {
		n = random_policy(test, filters, 1 + rnd(POLICY), family, round % 4 == 3);
		set = build(test, filters, n);
		KUNIT_EXPECT_EQ(test, ipd_filter_set_size(set), n);
		check_packets(test, set, filters, n, family, PACKETS / 40);
		ipd_filter_set_free(set);
		put_all(filters, n);
	}
	settle();
	/* each kind of answer was among them, and often */
	KUNIT_EXPECT_GT(test, decided, PACKETS / 20U);
	KUNIT_EXPECT_GT(test, undecided, PACKETS / 1000U);
	KUNIT_EXPECT_GT(test, unmatched, PACKETS / 50U);
}

static void policies4_test(struct kunit *test)
{
	policies_test(test, NFPROTO_IPV4);
}

static void policies6_test(struct kunit *test)
{
	policies_test(test, NFPROTO_IPV6);
}

/* --- incremental change --- */

/* the set holds exactly the filters that are there, and lists them in order */
static void check_listing(struct kunit *test, const struct ipd_filter_set *set,
			  struct ipd_filter *const *there, u32 n)
{
	struct ipd_filter_spec spec, last = { };
	const struct ipd_filter *filter;
	u32 count = 0, listed = 0, i;
	u64 cursor = 0;

	for (i = 0; i < n; i++)
		count += !!there[i];
	while ((filter = ipd_filter_set_next(set, &cursor))) {
		listed++;
		KUNIT_EXPECT_PTR_EQ(test, filter, (const struct ipd_filter *)there[filter->id - 1]);
		ipd_filter_describe(filter, &spec);
		KUNIT_EXPECT_TRUE(test, !last.id || last.class >= spec.class);
		if (last.family == spec.family && last.class == spec.class)
			KUNIT_EXPECT_TRUE(test, more_specific(&last, &spec) >= 0);
		last = spec;
	}
	KUNIT_EXPECT_EQ(test, listed, count);
	KUNIT_EXPECT_EQ(test, ipd_filter_set_size(set), count);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_PTR_EQ(test, ipd_filter_set_find(set, i + 1), there[i]);
}

/* adds or deletes a few filters of the pool, in the set and in the list */
static struct ipd_filter_set *mutate(struct kunit *test, struct ipd_filter_set *set,
				     struct ipd_filter **pool, struct ipd_filter **there, u32 n)
{
	struct ipd_filter *add[8];
	struct ipd_filter_set *changed;
	u32 ids[8];
	u32 want = 1 + rnd(8), some = 0, tries, i;
	bool adding = rnd(2);

	for (tries = 0; tries < 50 && some < want; tries++) {
		i = rnd(n);
		if (!pool[i] || !there[i] != adding)
			continue;
		there[i] = adding ? pool[i] : NULL;
		add[some] = pool[i];
		ids[some++] = i + 1;
	}
	changed = adding ? ipd_filter_set_add(set, add, some, NULL) :
			   ipd_filter_set_del(set, ids, some, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, changed);
	ipd_filter_set_free(set);
	return changed;
}

static void changes_test(struct kunit *test)
{
	static struct ipd_filter *pool[POLICY], *there[POLICY];
	static struct ipd_filter *both[2][POLICY];
	struct ipd_filter_set *set = ipd_filter_set_new();
	u32 n4, n6, round, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	rnd_state = 0xc4a46e;
	have_addresses = true;
	n4 = random_policy(test, both[0], POLICY / 2, NFPROTO_IPV4, false);
	n6 = random_policy(test, both[1], POLICY / 2, NFPROTO_IPV6, false);
	memcpy(pool, both[0], n4 * sizeof(*pool));
	memcpy(pool + n4, both[1], n6 * sizeof(*pool));
	for (i = 0; i < n4 + n6; i++)
		pool[i]->id = i + 1;

	for (round = 0; round < 500; round++) {
		set = mutate(test, set, pool, there, n4 + n6);
		check_listing(test, set, there, n4 + n6);
		check_packets(test, set, there, n4 + n6, NFPROTO_IPV4, PACKETS / 2000);
		check_packets(test, set, there, n4 + n6, NFPROTO_IPV6, PACKETS / 2000);
		if (!rnd(10))
			settle();
	}
	/* without filters there are no tuples */
	while (ipd_filter_set_size(set)) {
		u64 start = 0;
		u32 id = ipd_filter_set_next(set, &start)->id;
		struct ipd_filter_set *less = ipd_filter_set_del(set, &id, 1, NULL);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, less);
		ipd_filter_set_free(set);
		set = less;
	}
	KUNIT_EXPECT_EQ(test, ipd_filter_set_tuples(set), 0U);
	ipd_filter_set_free(set);
	settle();
	/* nothing but the pool holds a filter any more */
	for (i = 0; i < n4 + n6; i++)
		KUNIT_EXPECT_EQ(test, refcount_read(&pool[i]->refs), 1U);
	put_all(pool, n4 + n6);
	memset(there, 0, sizeof(there));
	settle();
}

/* the old set decides as before while and after the new one is made, until its grace period */
static void old_set_test(struct kunit *test)
{
	struct ipd_filter *filters[2] = {
		me_filter(test, 1, 2, 32, 0, 0, PERMIT), me_filter(test, 2, 2, 24, 0, 0, BLOCK),
	};
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 1, 2, OUT);
	struct ipd_filter_set *old, *set;
	u32 one = 1;

	have_addresses = true;
	old = build(test, filters, 2);
	set = ipd_filter_set_del(old, &one, 1, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	put_all(filters, 2);
	rcu_read_lock();
	ipd_filter_set_free(old);
	KUNIT_EXPECT_EQ(test, lookup_id(old, &flow), 1L);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 2L);
	rcu_read_unlock();
	ipd_filter_set_free(set);
	settle();
}

/* --- one rule at a time --- */

/* the example at the top of filter.c */
static void example_test(struct kunit *test)
{
	struct ipd_filter *filters[5] = {
		me_filter(test, 1, 0, 0, 0, 0, NEGOTIATE),
		me_filter(test, 2, 0, 0, IPPROTO_TCP, 23, BLOCK),
		me_filter(test, 3, 2, 32, IPPROTO_TCP, 23, PERMIT),
		me_filter(test, 4, 3, 32, IPPROTO_TCP, 23, PERMIT),
		any_filter(test, 5, NFPROTO_IPV4, PERMIT, PERMIT),
	};
	static const u32 weights[5] = { 0x2000, 0x2014, 0x202014, 0x202014, 0 };
	struct ipd_flow flow;
	struct ipd_filter_set *set;
	unsigned int order, i;

	have_addresses = true;
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, filters[i]->weight, weights[i]);
	/* whatever the order in which they were added */
	for (order = 0; order < 5; order++) {
		swap(filters[0], filters[order]);
		set = build(test, filters, 5);
		KUNIT_EXPECT_EQ(test, ipd_filter_set_tuples(set), 4U);
		flow = a_flow(NFPROTO_IPV4, 9, IPPROTO_TCP, 23, 40000, IN);
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 2L);
		KUNIT_EXPECT_EQ(test, asked_local, 1U);
		KUNIT_EXPECT_EQ(test, asked_remote, 0U);
		flow = a_flow(NFPROTO_IPV4, 3, IPPROTO_TCP, 23, 40000, IN);
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 4L);
		flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 23, 40000, OUT);
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 3L);
		flow = a_flow(NFPROTO_IPV4, 9, IPPROTO_UDP, 23, 40000, OUT);
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 1L);
		set_address(&flow.local, NFPROTO_IPV4, 10, 0, 0, 2);
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 5L);
		ipd_filter_set_free(set);
	}
	put_all(filters, 5);
	settle();
}

/* whatever is at least as specific in each field, and more in one, is tried first */
static void specific_test(struct kunit *test)
{
	struct ipd_filter_spec a, b;
	struct palette palette;
	u32 round, comparable = 0;

	rnd_state = 0x5bec;
	for (round = 0; round < 20000; round++) {
		u8 family = rnd(2) ? NFPROTO_IPV4 : NFPROTO_IPV6;

		palette = random_palette();
		a = random_spec(1, family, &palette);
		b = random_spec(2, family, &palette);
		KUNIT_ASSERT_EQ(test, ipd_filter_finish(&a, NULL) | ipd_filter_finish(&b, NULL), 0);
		KUNIT_EXPECT_TRUE(test, (ipd_filter_weigh(&a) > ipd_filter_weigh(&b)) ==
					(more_specific(&a, &b) > 0));
		KUNIT_EXPECT_TRUE(test, (ipd_filter_weigh(&a) < ipd_filter_weigh(&b)) ==
					(more_specific(&a, &b) < 0));
		if (a.class >= b.class && one_bits(&a, &a.local) >= one_bits(&b, &b.local) &&
		    one_bits(&a, &a.remote) >= one_bits(&b, &b.remote) &&
		    !!a.protocol >= !!b.protocol && !!a.local.port >= !!b.local.port &&
		    !!a.remote.port >= !!b.remote.port &&
		    !!a.interface >= !!b.interface && a.connection >= b.connection &&
		    more_specific(&a, &b)) {
			comparable++;
			KUNIT_EXPECT_GT(test, ipd_filter_weigh(&a), ipd_filter_weigh(&b));
		}
	}
	KUNIT_EXPECT_GT(test, comparable, 100U);
}

static void tunnel_first_test(struct kunit *test)
{
	struct ipd_filter_spec spec = a_spec(1, NFPROTO_IPV6, PERMIT, PERMIT);
	struct ipd_filter *filters[2];
	struct ipd_flow flow = a_flow(NFPROTO_IPV6, 2, IPPROTO_TCP, 1, 80, OUT);
	struct ipd_filter_set *set;

	have_addresses = true;
	set_side(&spec.local, NFPROTO_IPV6, 1, 32);
	set_side(&spec.remote, NFPROTO_IPV6, 2, 32);
	spec.protocol = IPPROTO_TCP;
	spec.remote.port = htons(80);
	filters[0] = new_filter(test, &spec);
	KUNIT_EXPECT_EQ(test, filters[0]->weight, 0x808018U);
	/* even one that matches everything */
	spec = a_spec(2, NFPROTO_IPV6, BLOCK, NONE);
	spec.class = IPSECDRV_FILTER_CLASS_TUNNEL;
	filters[1] = new_filter(test, &spec);
	set = build(test, filters, 2);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 2L);
	flow.direction = IN;
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 1L);
	ipd_filter_set_free(set);
	put_all(filters, 2);
	settle();
}

#include "filter_scope.h"

/* remote 10.0.0.2/BITS */
static struct ipd_filter *remote_filter(struct kunit *test, u32 id, unsigned int bits, u8 out, u8 in)
{
	struct ipd_filter_spec spec = a_spec(id, NFPROTO_IPV4, out, in);

	set_side(&spec.remote, NFPROTO_IPV4, 2, bits);
	return new_filter(test, &spec);
}

static void directions_test(struct kunit *test)
{
	struct ipd_filter *filters[4] = {
		remote_filter(test, 1, 32, BLOCK, NONE),
		remote_filter(test, 2, 32, NONE, PERMIT),
		remote_filter(test, 3, 24, NEGOTIATE, NEGOTIATE),
		any_filter(test, 4, NFPROTO_IPV4, NONE, BLOCK),
	};
	struct ipd_flow out = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 5, 80, OUT);
	struct ipd_flow in = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 5, 80, IN);
	struct ipd_filter *any = any_filter(test, 9, NFPROTO_IPV4, BLOCK, NONE);
	struct ipd_filter_set *set, *more, *less;
	u32 four = 4;

	have_addresses = true;
	/* a one-way filter, and the mirrored one behind it */
	set = build(test, &filters[1], 3);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &out), 3L);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &in), 2L);
	ipd_filter_set_free(set);
	/* two one-way filters with the same selectors */
	set = build(test, filters, 4);
	KUNIT_EXPECT_EQ(test, ipd_filter_set_tuples(set), 3U);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &out), 1L);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &in), 2L);
	/* the catch-all has a direction, too */
	set_address(&out.remote, NFPROTO_IPV4, 10, 9, 9, 9);
	set_address(&in.remote, NFPROTO_IPV4, 10, 9, 9, 9);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &out), 0L);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &in), 4L);
	ipd_filter_set_free(set);
	/* and may have another filter for the other one, which stays when the first goes */
	set = build(test, filters, 4);
	more = ipd_filter_set_add(set, &any, 1, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, more);
	KUNIT_EXPECT_EQ(test, ipd_filter_set_tuples(more), 3U);
	KUNIT_EXPECT_EQ(test, lookup_id(more, &out), 9L);
	less = ipd_filter_set_del(more, &four, 1, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, less);
	KUNIT_EXPECT_EQ(test, lookup_id(less, &out), 9L);
	KUNIT_EXPECT_EQ(test, lookup_id(less, &in), 0L);
	ipd_filter_set_free(set);
	ipd_filter_set_free(more);
	ipd_filter_set_free(less);
	ipd_filter_put(any);
	put_all(filters, 4);
	settle();
}

static void holes_test(struct kunit *test)
{
	struct ipd_filter_spec spec = a_spec(1, NFPROTO_IPV4, BLOCK, BLOCK);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 9, IPPROTO_TCP, 1, 2, OUT);
	struct ipd_filter *filter;
	struct ipd_filter_set *set;

	/* every host .9 of 10.x.x */
	set_address(&spec.remote.addr, NFPROTO_IPV4, 10, 77, 77, 9);
	spec.remote.mask.ip = htonl(0xff0000ff);
	filter = new_filter(test, &spec);
	KUNIT_EXPECT_EQ(test, ntohl(spec.remote.addr.ip), 0x0a000009U);
	KUNIT_EXPECT_EQ(test, filter->weight, 0x100000U);
	set = build(test, &filter, 1);
	set_address(&flow.remote, NFPROTO_IPV4, 10, 1, 200, 9);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 1L);
	set_address(&flow.remote, NFPROTO_IPV4, 10, 1, 200, 8);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 0L);
	set_address(&flow.remote, NFPROTO_IPV4, 11, 1, 200, 9);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 0L);
	ipd_filter_set_free(set);
	ipd_filter_put(filter);
	settle();
}

static void me_test(struct kunit *test)
{
	struct ipd_filter *filters[2] = { me_filter(test, 1, 2, 32, IPPROTO_TCP, 0, BLOCK) };
	struct ipd_filter_spec spec = a_spec(2, NFPROTO_IPV4, PERMIT, PERMIT);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 1, 2, OUT);
	struct ipd_filter_set *set;

	/* both sides "me": what a host sends to another address of its own */
	set_me(&spec.local);
	set_me(&spec.remote);
	set_prefix(&spec.remote.mask, 32);	/* means nothing */
	filters[1] = new_filter(test, &spec);
	KUNIT_EXPECT_EQ(test, filters[1]->weight, 0x202000U);
	set = build(test, filters, 2);
	have_addresses = true;
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 1L);
	/* an address that went is "me" no longer, at once and without another set */
	have_addresses = false;
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 0L);
	KUNIT_EXPECT_EQ(test, asked_local, 1U);
	have_addresses = true;
	set_address(&flow.remote, NFPROTO_IPV4, 10, 0, 0, 5);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 2L);
	set_address(&flow.local, NFPROTO_IPV4, 10, 0, 0, 2);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 0L);
	KUNIT_EXPECT_LE(test, asked_local, 1U);
	KUNIT_EXPECT_LE(test, asked_remote, 1U);
	ipd_filter_set_free(set);
	put_all(filters, 2);
	settle();
}

static void fragment_test(struct kunit *test)
{
	struct ipd_filter *filters[3] = {
		me_filter(test, 1, 2, 32, IPPROTO_UDP, 53, BLOCK),
		me_filter(test, 2, 2, 32, IPPROTO_UDP, 54, BLOCK),
		me_filter(test, 3, 0, 0, 0, 0, PERMIT),
	};
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_UDP, 0, 0, IN);
	struct ipd_filter_set *set, *less;
	u32 id;

	have_addresses = true;
	flow.flags = IPD_FLOW_NO_PORTS;
	flow.local_port = htons(99);	/* means nothing */
	set = build(test, filters, 3);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), (long)-EAGAIN);
	/* no filter with ports is for these */
	flow.protocol = IPPROTO_TCP;
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 3L);
	flow.protocol = IPPROTO_UDP;
	set_address(&flow.remote, NFPROTO_IPV4, 10, 0, 0, 3);
	KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 3L);
	set_address(&flow.remote, NFPROTO_IPV4, 10, 0, 0, 2);
	for (id = 1; id <= 2; id++) {
		less = ipd_filter_set_del(set, &id, 1, NULL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, less);
		ipd_filter_set_free(set);
		set = less;
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), id == 1 ? (long)-EAGAIN : 3L);
	}
	ipd_filter_set_free(set);
	put_all(filters, 3);
	settle();
}

/* the same answer whatever the order of adding: an address goes before "me" */
static void equal_weight_test(struct kunit *test)
{
	struct ipd_filter *filters[3] = { me_filter(test, 1, 2, 32, 0, 0, BLOCK) };
	struct ipd_filter_spec spec = a_spec(2, NFPROTO_IPV4, PERMIT, PERMIT);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 1, 2, OUT);
	struct ipd_filter_set *set;
	unsigned int i;

	have_addresses = true;
	set_side(&spec.local, NFPROTO_IPV4, 1, 32);
	set_side(&spec.remote, NFPROTO_IPV4, 2, 32);
	filters[1] = new_filter(test, &spec);
	spec.id = 3;
	set_me(&spec.remote);
	filters[2] = new_filter(test, &spec);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, filters[i]->weight, 0x202000U);
		swap(filters[0], filters[i]);
		set = build(test, filters, 3);
		KUNIT_EXPECT_EQ(test, ipd_filter_set_tuples(set), 3U);
		KUNIT_EXPECT_EQ(test, lookup_id(set, &flow), 2L);
		ipd_filter_set_free(set);
	}
	put_all(filters, 3);
	settle();
}

/* --- refusals --- */

#ifdef __KERNEL__
#define TEXT(extack)	((extack)->_msg ?: "")
#else
#define TEXT(extack)	((extack)->text)
#endif

static void expect_refusal(struct kunit *test, struct ipd_filter_set *set, int err,
			   const struct netlink_ext_ack *extack, const char *text)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(set), (long)err);
	KUNIT_EXPECT_TRUE_MSG(test, !strcmp(TEXT(extack), text), "said: %s", TEXT(extack));
}

static void duplicates_test(struct kunit *test)
{
	struct ipd_filter *filters[4] = {
		me_filter(test, 7, 2, 32, IPPROTO_TCP, 23, BLOCK),
		me_filter(test, 8, 2, 32, IPPROTO_TCP, 23, PERMIT),
		me_filter(test, 7, 3, 32, 0, 0, PERMIT),
		any_filter(test, 9, NFPROTO_IPV4, PERMIT, PERMIT),
	};
	struct ipd_filter *any = any_filter(test, 10, NFPROTO_IPV4, NONE, BLOCK);
	struct netlink_ext_ack extack = { };
	struct ipd_filter_set *set;
	u32 ids[2] = { 7, 7 };

	have_addresses = true;
	expect_refusal(test, ipd_filter_set_build(filters, 2, &extack), -EEXIST, &extack,
		       "filter 8 has the same selectors as filter 7");
	set = build(test, filters, 1);
	expect_refusal(test, ipd_filter_set_add(set, &filters[1], 1, &extack), -EEXIST, &extack,
		       "filter 8 has the same selectors as filter 7");
	expect_refusal(test, ipd_filter_set_add(set, &filters[2], 1, &extack), -EEXIST, &extack,
		       "there is a filter 7 already");
	expect_refusal(test, ipd_filter_set_del(set, ids, 2, &extack), -ENOENT, &extack,
		       "there is no filter 7");
	KUNIT_EXPECT_EQ(test, ipd_filter_set_size(set), 1U);
	KUNIT_EXPECT_PTR_EQ(test, ipd_filter_set_find(set, 7), filters[0]);
	ipd_filter_set_free(set);

	set = build(test, &filters[3], 1);
	expect_refusal(test, ipd_filter_set_add(set, &any, 1, &extack), -EEXIST, &extack,
		       "filter 10 has the same selectors as filter 9");
	ipd_filter_set_free(set);
	ipd_filter_put(any);
	put_all(filters, 4);
	settle();
}

static struct ipd_filter *mask_filter(struct kunit *test, u32 id)
{
	struct ipd_filter_spec spec = a_spec(id, NFPROTO_IPV4, BLOCK, BLOCK);

	spec.local.mask.ip = htonl(id);
	return new_filter(test, &spec);
}

static void limits_test(struct kunit *test)
{
	static struct ipd_filter *filters[IPSECDRV_MAX_TUPLES];
	static const char text[] = "more than 256 different masks in one class and family";
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 2, IPPROTO_TCP, 1, 2, OUT);
	struct ipd_filter *more = mask_filter(test, 0xffff);
	struct ipd_filter *any = any_filter(test, 999, NFPROTO_IPV4, BLOCK, BLOCK);
	struct ipd_filter *other = any_filter(test, 998, NFPROTO_IPV6, BLOCK, NONE);
	struct netlink_ext_ack extack = { };
	struct ipd_filter_set *set, *fuller;
	u32 i;

	for (i = 0; i < IPSECDRV_MAX_TUPLES; i++)
		filters[i] = mask_filter(test, i + 1);
	set = build(test, filters, IPSECDRV_MAX_TUPLES);
	KUNIT_EXPECT_EQ(test, ipd_filter_set_tuples(set), (u32)IPSECDRV_MAX_TUPLES);
	expect_refusal(test, ipd_filter_set_add(set, &more, 1, &extack), -ENOSPC, &extack, text);
	expect_refusal(test, ipd_filter_set_add(set, &any, 1, &extack), -ENOSPC, &extack, text);
	/* the cap is of each family, and the refused left nothing behind */
	fuller = ipd_filter_set_add(set, &other, 1, &extack);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fuller);
	set_address(&flow.local, NFPROTO_IPV4, 0, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, lookup_id(fuller, &flow), 255L);	/* most bits: 0xff, 8 of them */
	ipd_filter_set_free(set);
	ipd_filter_set_free(fuller);

	expect_refusal(test, ipd_filter_set_build(NULL, IPSECDRV_MAX_FILTERS + 1, &extack), -ENOSPC,
		       &extack, "more than 1000000 filters");
	set = build(test, filters, 1);
	expect_refusal(test, ipd_filter_set_add(set, NULL, IPSECDRV_MAX_FILTERS, &extack), -ENOSPC,
		       &extack, "more than 1000000 filters");
	ipd_filter_set_free(set);
	put_all(filters, IPSECDRV_MAX_TUPLES);
	ipd_filter_put(more);
	ipd_filter_put(any);
	ipd_filter_put(other);
	settle();
}

/* each case breaks one thing in a filter that is otherwise right */
static void break_spec(struct ipd_filter_spec *spec, unsigned int how)
{
	switch (how) {
	case 0:
		spec->family = 7;
		break;
	case 1:
		spec->class = 2;
		break;
	case 2:
		spec->local.class = 2;
		break;
	case 3:
		spec->remote.class = IPSECDRV_ADDRESS_CLASS_ME;	/* and has an address */
		break;
	case 4:
		spec->remote.mask.ip6[1] = htonl(0xffff00ff);
		break;
	case 5:
		spec->remote.mask.ip6[0] = 0;
		break;
	case 6:
		spec->protocol = IPPROTO_ICMP;
		spec->local.port = htons(1);
		break;
	case 7:
		spec->protocol = 0;
		break;
	case 8:
		spec->class = IPSECDRV_FILTER_CLASS_TUNNEL;
		break;
	case 9:
		spec->action[OUT] = NONE;
		spec->action[IN] = NONE;
		break;
	case 10:
		spec->action[OUT] = 4;
		break;
	case 11:
		spec->action[OUT] = NONE;	/* one-way negotiate */
		break;
	case 12:
		spec->action[IN] = NONE;
		break;
	case 13:
		spec->action[IN] = BLOCK;
		break;
	case 14:
		spec->tunnel_remote.ip = htonl(1);
		break;
	case 15:
		spec->class = IPSECDRV_FILTER_CLASS_TUNNEL;
		spec->protocol = 0;
		spec->remote.port = 0;
		spec->tunnel_local.ip = htonl(1);
		break;
	}
}

static void refusals_test(struct kunit *test)
{
	static const char *const texts[] = {
		"the filter's family is neither IPv4 nor IPv6",
		"unknown filter class",
		"unknown address class",
		"one side of the filter is \"me\" and has an address too",
		"an IPv6 mask has a hole",
		"an IPv6 mask has a hole",
		"a filter with ports needs a protocol that has ports",
		"a filter with ports needs a protocol that has ports",
		"a tunnel filter takes addresses only, no protocol or port",
		"the filter has no action in either direction",
		"unknown filter action",
		"a filter that negotiates inbound must negotiate outbound",
		"a filter that negotiates outbound must negotiate or permit inbound",
		"a filter that negotiates outbound must negotiate or permit inbound",
		"only a tunnel filter has tunnel endpoints",
		"a tunnel filter that negotiates needs both tunnel endpoints",
	};
	struct netlink_ext_ack extack = { };
	struct ipd_filter_spec spec;
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(texts); i++) {
		spec = a_spec(1, NFPROTO_IPV6, NEGOTIATE, NEGOTIATE);
		set_side(&spec.remote, NFPROTO_IPV6, 2, 16);
		spec.protocol = IPPROTO_TCP;
		spec.remote.port = htons(80);
		break_spec(&spec, i);
		if (i < ARRAY_SIZE(texts)) {
			KUNIT_EXPECT_EQ(test, ipd_filter_finish(&spec, &extack), -EINVAL);
			KUNIT_EXPECT_TRUE_MSG(test, !strcmp(TEXT(&extack), texts[i]),
					      "%u said: %s", i, TEXT(&extack));
		} else {
			KUNIT_EXPECT_EQ(test, ipd_filter_finish(&spec, &extack), 0);
		}
	}
}

#include "filter_object.h"

/* --- size and bad luck --- */

static void many_test(struct kunit *test)
{
	struct ipd_filter **filters = kvmalloc(MANY * sizeof(*filters), GFP_KERNEL);
	struct ipd_flow flow = a_flow(NFPROTO_IPV4, 0, IPPROTO_TCP, 1, 2, OUT);
	struct ipd_filter_set *set;
	u64 cursor = 0;
	u32 i, listed = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, filters);
	have_addresses = true;
	for (i = 0; i < MANY; i++)
		filters[i] = me_filter(test, i + 1, i / PER_HOST, 32, IPPROTO_TCP,
				       i % PER_HOST + 1, NEGOTIATE);
	set = build(test, filters, MANY);
	for (i = 0; i < MANY; i++) {
		set_address(&flow.remote, NFPROTO_IPV4, 10, 0, 0, i / PER_HOST);
		flow.local_port = htons(i % PER_HOST + 1);
		if (lookup_id(set, &flow) != i + 1 ||
		    ipd_filter_set_find(set, i + 1) != filters[i])
			KUNIT_FAIL(test, "filter %u is lost", i + 1);
	}
	while (ipd_filter_set_next(set, &cursor))
		listed++;
	KUNIT_EXPECT_EQ(test, listed, (u32)MANY);
	ipd_filter_set_free(set);
	put_all(filters, MANY);
	kvfree(filters);
	settle();
}

#include "filter_table.h"

#ifndef __KERNEL__
/* every allocation of every kind of change fails once: -ENOMEM, no leak, the old set unharmed */
static struct ipd_filter_set *one_change(unsigned int kind, const struct ipd_filter_set *set,
					 struct ipd_filter **filters, u32 n)
{
	u32 ids[] = { 1, 2, 5, 9, 33 };

	switch (kind) {
	case 0:
		return ipd_filter_set_build(filters, n, NULL);
	case 1:
		return ipd_filter_set_add(set, filters + n / 2, n - n / 2, NULL);
	default:
		return ipd_filter_set_del(set, ids, ARRAY_SIZE(ids), NULL);
	}
}

static void no_memory_test(struct kunit *test)
{
	static struct ipd_filter *filters[POLICY];
	struct ipd_filter_set *set, *changed;
	struct ipd_filter_spec spec;
	unsigned int kind;
	long fail_in;
	u32 n, i;

	rnd_state = 0x00f;
	have_addresses = true;
	n = random_policy(test, filters, POLICY, NFPROTO_IPV4, false);
	for (i = 0; i < n; i++)
		filters[i]->id = i + 1;
	set = build(test, filters, n / 2);
	for (kind = 0; kind < 3; kind++) {
		for (fail_in = 1;; fail_in++) {
			shim_fail_in = fail_in;
			changed = one_change(kind, set, filters, n);
			if (shim_fail_in)
				break;
			if (IS_ERR(changed))
				KUNIT_ASSERT_EQ(test, PTR_ERR(changed), (long)-ENOMEM);
			else	/* only better multipliers may be done without */
				ipd_filter_set_free(changed);
		}
		shim_fail_in = 0;
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, changed);
		ipd_filter_set_free(changed);
		KUNIT_EXPECT_GT(test, fail_in, 5L);
		check_packets(test, set, filters, n / 2, NFPROTO_IPV4, 1000);
	}
	ipd_filter_set_free(set);
	settle();
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(test, refcount_read(&filters[i]->refs), 1U);
	put_all(filters, n);
	settle();
	spec = a_spec(1, NFPROTO_IPV4, BLOCK, BLOCK);
	spec.class = IPSECDRV_FILTER_CLASS_TUNNEL;
	for (fail_in = 1; fail_in < 3; fail_in++) {
		shim_fail_in = fail_in;
		KUNIT_EXPECT_TRUE(test, !ipd_filter_new(&spec, GFP_KERNEL));
	}
	shim_fail_in = 0;

	ipd_filter_exit();
	for (fail_in = 1; fail_in < 5; fail_in++) {
		shim_fail_in = fail_in;
		KUNIT_EXPECT_EQ(test, ipd_filter_init(), fail_in < 4 ? -ENOMEM : 0);
		shim_fail_in = 0;
	}
}
#endif

/* --- suite --- */

static int filter_suite_init(struct kunit_suite *suite)
{
	return ipd_filter_init();
}

static void filter_suite_exit(struct kunit_suite *suite)
{
	ipd_filter_exit();
}

#define CASE(f, n)	{ .run_case = f, .name = n }

static struct kunit_case filter_cases[] = {
	CASE(example_test, "F01 F02 F03 F04 F07 the example of the theory"),
	CASE(policies4_test, "F01 F02 F07 F08 like a linear list: random IPv4 policies"),
	CASE(policies6_test, "F01 F02 F07 F08 like a linear list: random IPv6 policies"),
	CASE(changes_test, "F01 F02 F07 like a linear list after each change"),
	CASE(old_set_test, "F01 the old set stands until its readers are gone"),
	CASE(specific_test, "F07 what is more specific weighs more"),
	CASE(tunnel_first_test, "F08 tunnel filters go first"),
	CASE(scope_test, "F33 F34 a filter is for all, LAN, dial-up or one interface"),
	CASE(unknown_scope_test, "F33 an unknown interface is not guessed about"),
	CASE(scope_weight_test, "F33 F34 among equal filters the one for less goes first"),
	CASE(directions_test, "F09 F10 one-way and mirrored filters"),
	CASE(holes_test, "F01 an IPv4 mask with holes"),
	CASE(me_test, "F01 me follows the addresses and is asked for once"),
	CASE(fragment_test, "F01 a fragment without ports is not guessed about"),
	CASE(equal_weight_test, "F07 equal weights have a fixed order"),
	CASE(duplicates_test, "F01 duplicates are refused by name"),
	CASE(limits_test, "F01 one tuple or filter too many is refused"),
	CASE(refusals_test, "F09 F11 filters that make no sense are refused"),
	CASE(same_test, "F01 equal filters are told from different ones"),
	CASE(describe_test, "F01 a filter says what it was made of"),
	CASE(hits_test, "F01 hits are counted, of busy filters by each CPU"),
	CASE(many_test, "F01 many filters are found and listed"),
	CASE(reseed_test, "F01 a table with bad luck is hashed again"),
	CASE(table_test, "F01 a table like an array"),
#ifndef __KERNEL__
	CASE(no_memory_test, "F01 every failing allocation is survived"),
#endif
	{ }
};

static struct kunit_suite filter_suite = {
	.name = "filter",
	.suite_init = filter_suite_init,
	.suite_exit = filter_suite_exit,
	.test_cases = filter_cases,
};

kunit_test_suite(filter_suite);
