// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision with everything around it replaced: filters, negotiations, exemptions, listener.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/string.h>

#define ipd_filter_lookup		decide_test_lookup
#define ipd_flowcache_find		decide_test_cache_find
#define ipd_flowcache_store		decide_test_cache_store
#define ipd_acquire_find		decide_test_acquire_find
#define ipd_acquire_look		decide_test_acquire_look
#define ipd_acquire_has_room		decide_test_has_room
#define ipd_nl_has_acquire_listener	decide_test_has_listener
#define ipd_exempt_is			decide_test_exempt_is

#include "../decide.c"

#define OUT		IPSECDRV_DIRECTION_OUT
#define IN		IPSECDRV_DIRECTION_IN
#define NONE		IPSECDRV_ACTION_NONE
#define PERMIT		IPSECDRV_ACTION_PERMIT
#define BLOCK		IPSECDRV_ACTION_BLOCK
#define NEGOTIATE	IPSECDRV_ACTION_NEGOTIATE
#define ANY_STATE	IPD_ACQUIRE_NONE
#define PASS(reason)	{ IPSECDRV_VERDICT_PASS, IPSECDRV_PASS_REASON_##reason }
#define DROP(reason)	{ IPSECDRV_VERDICT_DROP, IPSECDRV_DROP_##reason }
#define HOLD		{ IPSECDRV_VERDICT_HOLD, 0 }
#define PROTECT		{ IPSECDRV_VERDICT_PROTECT, 0 }

static struct {
	struct ipd_filter filter;
	const struct ipd_filter *found;
	enum ipd_acquire_state state;
	bool room, listener, exempt;
	int lookups;
	struct {
		bool used;
		u32 generation;
		const struct ipd_filter *filter;
		struct ipd_acquire *acquire;
	} cache;
} world;

static struct ipd_net net;
static char acquire_memory, sa_memory, cache_memory;
#define PENDING	((struct ipd_acquire *)&acquire_memory)
#define SA	((struct ipd_sa *)&sa_memory)
#define CACHE	((struct ipd_flowcache *)&cache_memory)

const struct ipd_filter *decide_test_lookup(const struct ipd_filter_set *set, struct net *ns,
					    const struct ipd_flow *flow)
{
	world.lookups++;
	return world.found;
}

bool decide_test_cache_find(struct ipd_flowcache *cache, const struct ipd_flow *flow,
			    u32 generation, const struct ipd_filter **filter,
			    struct ipd_acquire **acquire)
{
	if (!world.cache.used || world.cache.generation != generation)
		return false;
	*filter = world.cache.filter;
	*acquire = world.cache.acquire;
	return true;
}

void decide_test_cache_store(struct ipd_flowcache *cache, const struct ipd_flow *flow,
			     u32 generation, const struct ipd_filter *filter,
			     struct ipd_acquire *acquire)
{
	world.cache.used = true;
	world.cache.generation = generation;
	world.cache.filter = filter;
	world.cache.acquire = acquire;
}

struct ipd_acquire *decide_test_acquire_find(struct ipd_net *ipd, const struct ipd_filter *filter,
					     const struct ipd_flow *flow)
{
	return world.state == IPD_ACQUIRE_NONE ? NULL : PENDING;
}

enum ipd_acquire_state decide_test_acquire_look(const struct ipd_acquire *acquire,
						struct ipd_sa **ret_sa)
{
	*ret_sa = acquire && world.state == IPD_ACQUIRE_MATURE ? SA : NULL;
	return acquire ? world.state : IPD_ACQUIRE_NONE;
}

bool decide_test_has_room(struct ipd_net *ipd)
{
	return world.room;
}

bool decide_test_has_listener(struct net *ns)
{
	return world.listener;
}

bool decide_test_exempt_is(struct net *ns, const struct ipd_flow *flow, u8 level)
{
	return world.exempt;
}

static void reset(void)
{
	memset(&world, 0, sizeof(world));
	memset(&net, 0, sizeof(net));
	world.filter.id = 7;
	world.found = &world.filter;
	world.room = true;
	world.listener = true;
	net.net = &init_net;
	net.generation = 1;
	net.mode = IPSECDRV_MODE_SECURE;
}

static struct ipd_decision decide(u8 direction, u8 flags, struct ipd_flowcache *cache)
{
	struct ipd_flow flow = {
		.family = NFPROTO_IPV4,
		.direction = direction,
		.flags = flags,
	};
	struct ipd_decision decision;

	memset(&decision, 0xff, sizeof(decision));
	rcu_read_lock();
	ipd_decide(&net, cache, &flow, &decision);
	rcu_read_unlock();
	return decision;
}

static u8 reason_of(const struct ipd_decision *decision)
{
	return decision->verdict == IPSECDRV_VERDICT_PASS ? decision->pass_reason :
							     decision->drop_reason;
}

static const struct {
	const char *what;
	u8 action[2];
	u8 direction, flags, class;
	enum ipd_acquire_state state;
	struct {
		u8 verdict, reason;
	} want;
} rows[] = {
	{ "permit out", { PERMIT, NONE }, OUT, 0, 0, ANY_STATE, PASS(PERMIT_FILTER) },
	{ "permit in", { NONE, PERMIT }, IN, 0, 0, ANY_STATE, PASS(PERMIT_FILTER) },
	{ "permit both", { PERMIT, PERMIT }, IN, 0, 0, ANY_STATE, PASS(PERMIT_FILTER) },
	{ "block out", { BLOCK, BLOCK }, OUT, 0, 0, ANY_STATE, DROP(FILTER_BLOCK) },
	{ "block in", { BLOCK, BLOCK }, IN, 0, 0, ANY_STATE, DROP(FILTER_BLOCK) },
	{ "block a multicast", { BLOCK, BLOCK }, OUT, IPD_FLOW_MULTICAST, 0, ANY_STATE,
	  DROP(FILTER_BLOCK) },
	{ "permit a multicast", { PERMIT, PERMIT }, OUT, IPD_FLOW_MULTICAST, 0, ANY_STATE,
	  PASS(PERMIT_FILTER) },
	{ "no action, against the contract", { NONE, PERMIT }, OUT, 0, 0, ANY_STATE,
	  DROP(FILTER_BLOCK) },
	{ "an action that is none", { 77, PERMIT }, OUT, 0, 0, ANY_STATE, DROP(FILTER_BLOCK) },
	{ "in clear, to be secured", { NEGOTIATE, NEGOTIATE }, IN, 0, 0, IPD_ACQUIRE_NONE,
	  DROP(CLEAR_TEXT) },
	{ "in clear, beside an association", { NEGOTIATE, NEGOTIATE }, IN, 0, 0,
	  IPD_ACQUIRE_MATURE, DROP(CLEAR_TEXT) },
	{ "in clear, negotiating", { NEGOTIATE, NEGOTIATE }, IN, 0, 0, IPD_ACQUIRE_LARVAL,
	  DROP(CLEAR_TEXT) },
	{ "in clear, failed", { NEGOTIATE, NEGOTIATE }, IN, 0, 0, IPD_ACQUIRE_FAILED,
	  DROP(CLEAR_TEXT) },
	{ "in clear, from a soft peer", { NEGOTIATE, NEGOTIATE }, IN, 0, 0, IPD_ACQUIRE_SOFT,
	  PASS(SOFT_SA) },
	{ "passed through", { NEGOTIATE, PERMIT }, IN, 0, 0, IPD_ACQUIRE_MATURE,
	  PASS(INBOUND_PASSTHROUGH) },
	{ "a multicast to negotiate", { NEGOTIATE, NEGOTIATE }, OUT, IPD_FLOW_MULTICAST, 0,
	  IPD_ACQUIRE_MATURE, DROP(MULTICAST) },
	{ "a multicast in clear", { NEGOTIATE, NEGOTIATE }, IN, IPD_FLOW_MULTICAST, 0,
	  IPD_ACQUIRE_SOFT, DROP(MULTICAST) },
	{ "forwarded", { NEGOTIATE, NEGOTIATE }, OUT, IPD_FLOW_FORWARDED,
	  IPSECDRV_FILTER_CLASS_TRANSPORT, IPD_ACQUIRE_MATURE, DROP(CLEAR_TEXT) },
	{ "forwarded into a tunnel", { NEGOTIATE, NEGOTIATE }, OUT, IPD_FLOW_FORWARDED,
	  IPSECDRV_FILTER_CLASS_TUNNEL, IPD_ACQUIRE_MATURE, PROTECT },
	{ "first packet", { NEGOTIATE, NEGOTIATE }, OUT, 0, 0, IPD_ACQUIRE_NONE, HOLD },
	{ "next packet", { NEGOTIATE, NEGOTIATE }, OUT, 0, 0, IPD_ACQUIRE_LARVAL, HOLD },
	{ "protected", { NEGOTIATE, NEGOTIATE }, OUT, 0, 0, IPD_ACQUIRE_MATURE, PROTECT },
	{ "failed", { NEGOTIATE, NEGOTIATE }, OUT, 0, 0, IPD_ACQUIRE_FAILED,
	  DROP(NEGOTIATION_FAILED) },
	{ "soft", { NEGOTIATE, NEGOTIATE }, OUT, 0, 0, IPD_ACQUIRE_SOFT, PASS(SOFT_SA) },
};

static void table_test(struct kunit *test)
{
	struct ipd_decision decision;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		reset();
		memcpy(world.filter.action, rows[i].action, sizeof(rows[i].action));
		world.filter.class = rows[i].class;
		world.state = rows[i].state;
		/* without a cache, with an empty one, with a full one */
		for (n = 0; n < 3; n++) {
			decision = decide(rows[i].direction, rows[i].flags, n ? CACHE : NULL);
			KUNIT_EXPECT_EQ_MSG(test, decision.verdict, rows[i].want.verdict, "%s",
					    rows[i].what);
			KUNIT_EXPECT_EQ_MSG(test, reason_of(&decision), rows[i].want.reason, "%s",
					    rows[i].what);
			KUNIT_EXPECT_PTR_EQ(test, decision.filter, world.found);
			KUNIT_EXPECT_EQ(test, decision.action, rows[i].action[rows[i].direction]);
			KUNIT_EXPECT_EQ(test, decision.sa == SA,
					rows[i].want.verdict == IPSECDRV_VERDICT_PROTECT);
		}
	}
}

static void refusal_test(struct kunit *test)
{
	struct ipd_decision decision;

	reset();
	world.filter.action[OUT] = NEGOTIATE;
	world.listener = false;
	decision = decide(OUT, 0, NULL);
	KUNIT_EXPECT_EQ(test, decision.drop_reason, IPSECDRV_DROP_NO_LISTENER);
	/* one that was begun is waited for, listener or not */
	world.state = IPD_ACQUIRE_LARVAL;
	decision = decide(OUT, 0, NULL);
	KUNIT_EXPECT_EQ(test, decision.verdict, IPSECDRV_VERDICT_HOLD);
	world.state = IPD_ACQUIRE_NONE;
	world.listener = true;
	world.room = false;
	decision = decide(OUT, 0, NULL);
	KUNIT_EXPECT_EQ(test, decision.drop_reason, IPSECDRV_DROP_ACQUIRE_LIMIT);
}

static void order_test(struct kunit *test)
{
	struct ipd_decision decision;

	/* no filter */
	reset();
	world.found = NULL;
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.pass_reason, IPSECDRV_PASS_REASON_NO_FILTER);
	KUNIT_EXPECT_NULL(test, decision.filter);
	/* a fragment that filters with ports could mean */
	world.found = ERR_PTR(-EAGAIN);
	decision = decide(OUT, IPD_FLOW_NO_PORTS, CACHE);
	KUNIT_EXPECT_EQ(test, decision.verdict, IPSECDRV_VERDICT_DROP);
	KUNIT_EXPECT_EQ(test, decision.drop_reason, IPSECDRV_DROP_FRAGMENT);
	/* exemptions before filters */
	world.found = &world.filter;
	world.filter.action[OUT] = BLOCK;
	world.exempt = true;
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.pass_reason, IPSECDRV_PASS_REASON_EXEMPT);
	/* modes before exemptions */
	net.mode = IPSECDRV_MODE_BLOCK;
	decision = decide(IN, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.drop_reason, IPSECDRV_DROP_MODE_BLOCK);
	net.mode = IPSECDRV_MODE_PERMIT;
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.pass_reason, IPSECDRV_PASS_REASON_MODE);
	net.mode = IPSECDRV_MODE_STARTUP_STATEFUL;
	decision = decide(IN, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.drop_reason, IPSECDRV_DROP_STARTUP);
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.pass_reason, IPSECDRV_PASS_REASON_STATEFUL);
	net.mode = 200;
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, decision.verdict, IPSECDRV_VERDICT_DROP);
}

static void cache_test(struct kunit *test)
{
	struct ipd_decision decision;

	reset();
	world.filter.action[OUT] = NEGOTIATE;
	world.state = IPD_ACQUIRE_LARVAL;
	decide(OUT, 0, CACHE);
	decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, world.lookups, 1);
	/* what has no association yet is not remembered, what has one is */
	KUNIT_EXPECT_NULL(test, world.cache.acquire);
	world.state = IPD_ACQUIRE_MATURE;
	net.generation++;
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, world.lookups, 2);
	KUNIT_EXPECT_PTR_EQ(test, world.cache.acquire, PENDING);
	KUNIT_EXPECT_EQ(test, decision.verdict, IPSECDRV_VERDICT_PROTECT);
	/* and no answer survives its generation */
	world.filter.action[OUT] = BLOCK;
	net.generation++;
	decision = decide(OUT, 0, CACHE);
	KUNIT_EXPECT_EQ(test, world.lookups, 3);
	KUNIT_EXPECT_EQ(test, decision.drop_reason, IPSECDRV_DROP_FILTER_BLOCK);
	KUNIT_EXPECT_NULL(test, world.cache.acquire);
	/* fragments neither ask the cache nor fill it */
	world.cache.used = false;
	decide(OUT, IPD_FLOW_FRAGMENT, CACHE);
	decide(OUT, IPD_FLOW_NO_PORTS, CACHE);
	KUNIT_EXPECT_FALSE(test, world.cache.used);
	KUNIT_EXPECT_EQ(test, world.lookups, 5);
}

static void filter_test(struct kunit *test)
{
	struct ipd_flow flow = { .family = NFPROTO_IPV4, .direction = IN };

	reset();
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, ipd_decide_filter(&net, NULL, &flow), world.found);
	KUNIT_EXPECT_PTR_EQ(test, ipd_decide_filter(&net, CACHE, &flow), world.found);
	KUNIT_EXPECT_PTR_EQ(test, ipd_decide_filter(&net, CACHE, &flow), world.found);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, world.lookups, 2);
}

static struct kunit_case decide_cases[] = {
	{ .name = "F03 F04 F05 F06 F25 F26 F27 actions and negotiations", .run_case = table_test },
	{ .name = "F05 negotiations that cannot begin", .run_case = refusal_test },
	{ .name = "F02 mode, exemption, filter", .run_case = order_test },
	{ .name = "F01 the cache and its generation", .run_case = cache_test },
	{ .name = "F24 the filter of an unwrapped packet", .run_case = filter_test },
	{ }
};

static struct kunit_suite decide_suite = {
	.name = "decide",
	.test_cases = decide_cases,
};

kunit_test_suite(decide_suite);
