/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random filters and packets, and the slow, obvious search that filter_test.c compares with.
 * Included by it alone, after the sources under test.
 */
#ifndef IPD_FILTER_MODEL_H
#define IPD_FILTER_MODEL_H

/* --- chance --- */

static u64 rnd_state;
static unsigned int unlucky;	/* tables that get bad multipliers */

static void filter_test_random(void *buffer, size_t length)
{
	if (unlucky) {
		unlucky--;
		memset(buffer, 0, length);
	} else {
		get_random_bytes(buffer, length);
	}
}

/* xorshift64*: the same in each run */
static u32 rnd(u32 n)
{
	rnd_state ^= rnd_state >> 12;
	rnd_state ^= rnd_state << 25;
	rnd_state ^= rnd_state >> 27;
	return (u32)((rnd_state * 0x2545F4914F6CDD1DULL) >> 32) % n;
}

/* --- addresses of this host --- */

static bool have_addresses;
static const struct ipd_flow *searched;
static unsigned int asked_local, asked_remote;

static bool is_my_address(u8 family, const union nf_inet_addr *addr)
{
	return have_addresses &&
	       (ntohl(family == NFPROTO_IPV4 ? addr->ip : addr->ip6[3]) & 3) == 1;
}

bool filter_test_is_me(struct net *net, u8 family, const union nf_inet_addr *addr)
{
	asked_local += addr == &searched->local;
	asked_remote += addr == &searched->remote;
	return is_my_address(family, addr);
}

bool filter_test_has_ports(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* --- interfaces --- */

/* the names do not matter here, and no flow is on the last one */
static struct ipd_interface interfaces[] = {
	{ .number = 1 }, { .number = 2 }, { .number = IPSECDRV_MAX_INTERFACES }, { .number = 512 },
};
static unsigned int interfaces_put;

void filter_test_interface_put(struct ipd_interface *interface)
{
	interfaces_put += !!interface;
}

/* --- filters by hand --- */

static void set_address(union nf_inet_addr *addr, u8 family, u32 a, u32 b, u32 c, u32 d)
{
	memset(addr, 0, sizeof(*addr));
	if (family == NFPROTO_IPV4) {
		addr->ip = htonl(a << 24 | b << 16 | c << 8 | d);
	} else {
		addr->ip6[0] = htonl(0x20010000 | a);
		addr->ip6[1] = htonl(b << 16);
		addr->ip6[2] = htonl(c);
		addr->ip6[3] = htonl(d);
	}
}

static void set_prefix(union nf_inet_addr *mask, unsigned int bits)
{
	unsigned int i;

	memset(mask, 0, sizeof(*mask));
	for (i = 0; i < bits; i++)
		mask->ip6[i / 32] |= htonl(1U << (31 - i % 32));
}

/* 10.0.0.HOST/BITS, or its like in IPv6; bits are of 32 and quadrupled for IPv6 */
static void set_side(struct ipd_filter_side *side, u8 family, u32 host, unsigned int bits)
{
	set_address(&side->addr, family, 10, 0, 0, host);
	set_prefix(&side->mask, family == NFPROTO_IPV4 ? bits : bits * 4);
}

static void set_me(struct ipd_filter_side *side)
{
	memset(&side->addr, 0, sizeof(side->addr));
	side->class = IPSECDRV_ADDRESS_CLASS_ME;
}

static struct ipd_filter_spec a_spec(u32 id, u8 family, u8 out, u8 in)
{
	struct ipd_filter_spec spec = { .id = id, .family = family };

	spec.action[OUT] = out;
	spec.action[IN] = in;
	return spec;
}

static struct ipd_filter *new_filter(struct kunit *test, struct ipd_filter_spec *spec)
{
	struct ipd_filter *filter;

	KUNIT_ASSERT_EQ(test, ipd_filter_finish(spec, NULL), 0);
	filter = ipd_filter_new(spec, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, filter);
	return filter;
}

/* for everything */
static struct ipd_filter *any_filter(struct kunit *test, u32 id, u8 family, u8 out, u8 in)
{
	struct ipd_filter_spec spec = a_spec(id, family, out, in);

	return new_filter(test, &spec);
}

/* local "me"; remote 10.0.0.HOST/BITS */
static struct ipd_filter *me_filter(struct kunit *test, u32 id, u32 host, unsigned int bits,
				    u8 protocol, u16 local_port, u8 action)
{
	struct ipd_filter_spec spec = a_spec(id, NFPROTO_IPV4, action, action);

	set_me(&spec.local);
	set_side(&spec.remote, NFPROTO_IPV4, host, bits);
	spec.protocol = protocol;
	spec.local.port = htons(local_port);
	return new_filter(test, &spec);
}

static void put_all(struct ipd_filter **filters, u32 n)
{
	while (n)
		ipd_filter_put(filters[--n]);
}

static struct ipd_filter_set *build(struct kunit *test, struct ipd_filter **filters, u32 n)
{
	struct ipd_filter_set *set = ipd_filter_set_build(filters, n, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, set);
	return set;
}

/* id of the filter that decides; 0 for none, -EAGAIN */
static long lookup_id(const struct ipd_filter_set *set, const struct ipd_flow *flow)
{
	const struct ipd_filter *filter;

	searched = flow;
	asked_local = 0;
	asked_remote = 0;
	rcu_read_lock();
	filter = ipd_filter_lookup(set, NULL, flow);
	rcu_read_unlock();
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	return filter ? filter->id : 0;
}

/* 10.0.0.1 is "me" */
static struct ipd_flow a_flow(u8 family, u32 remote_host, u8 protocol, u16 local_port,
			      u16 remote_port, u8 direction)
{
	struct ipd_flow flow = {
		.family = family, .protocol = protocol, .direction = direction,
		.local_port = htons(local_port), .remote_port = htons(remote_port),
		.scope = LAN,
	};

	set_address(&flow.local, family, 10, 0, 0, 1);
	set_address(&flow.remote, family, 10, 0, 0, remote_host);
	return flow;
}

/* --- random policies and packets --- */

static const u32 masks4[] = {
	0x00000000, 0xff000000, 0xffff0000, 0xfffffc00, 0xffffff00, 0xfffffffc, 0xffffffff,
	0xff00ff00, 0xffff00ff, 0x00000003, 0x80000001,
};
static const u8 prefixes6[] = { 0, 16, 32, 48, 64, 65, 96, 126, 128 };
static const u8 protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 47 };
static const u16 ports[] = { 0, 0, 22, 80, 443, 65535 };

/* a policy uses few of the masks, as people do, and stays below the cap of tuples */
struct palette {
	u8 local[4];
	u8 remote[4];
};

static struct palette random_palette(void)
{
	struct palette palette = { };
	u32 i;

	for (i = 1; i < 4; i++) {	/* 0 is any */
		palette.local[i] = rnd(32);
		palette.remote[i] = rnd(32);
	}
	return palette;
}

static void random_address(union nf_inet_addr *addr, u8 family)
{
	set_address(addr, family, 10 + rnd(2), rnd(3), rnd(3), rnd(6));
}

static void random_side(struct ipd_filter_side *side, u8 family, u8 choice)
{
	if (!rnd(4)) {
		set_me(side);
		return;
	}
	random_address(&side->addr, family);
	if (family == NFPROTO_IPV4)
		side->mask.ip = htonl(masks4[choice % ARRAY_SIZE(masks4)]);
	else
		set_prefix(&side->mask, prefixes6[choice % ARRAY_SIZE(prefixes6)]);
}

static void random_actions(struct ipd_filter_spec *spec)
{
	static const u8 pairs[][2] = {
		{ NEGOTIATE, NEGOTIATE }, { NEGOTIATE, PERMIT }, { PERMIT, PERMIT },
		{ BLOCK, BLOCK }, { PERMIT, BLOCK }, { BLOCK, NONE }, { NONE, BLOCK },
		{ PERMIT, NONE }, { NONE, PERMIT },
	};
	u32 i = rnd(ARRAY_SIZE(pairs));

	spec->action[OUT] = pairs[i][0];
	spec->action[IN] = pairs[i][1];
}

/* half of the filters are for every interface */
static void random_scope(struct ipd_filter_spec *spec)
{
	switch (rnd(4)) {
	case 0:
		spec->connection = LAN + rnd(2);
		break;
	case 1:
		spec->interface = &interfaces[rnd(ARRAY_SIZE(interfaces))];
		break;
	}
}

static struct ipd_filter_spec random_spec(u32 id, u8 family, const struct palette *palette)
{
	struct ipd_filter_spec spec = a_spec(id, family, PERMIT, PERMIT);

	random_side(&spec.local, family, palette->local[rnd(4)]);
	random_side(&spec.remote, family, palette->remote[rnd(4)]);
	random_actions(&spec);
	random_scope(&spec);
	if (!rnd(5)) {
		spec.class = IPSECDRV_FILTER_CLASS_TUNNEL;
		if (spec.action[OUT] == NEGOTIATE) {
			random_address(&spec.tunnel_local, family);
			random_address(&spec.tunnel_remote, family);
		}
	} else if (rnd(3)) {
		spec.protocol = protocols[rnd(ARRAY_SIZE(protocols))];
		if (filter_test_has_ports(spec.protocol)) {
			spec.local.port = htons(ports[rnd(ARRAY_SIZE(ports))]);
			spec.remote.port = htons(ports[rnd(ARRAY_SIZE(ports))]);
		}
	}
	return spec;
}

/* what an administrator writes: services between two subnets, and hosts */
static struct ipd_filter_spec ordered_spec(u32 id, u8 family)
{
	struct ipd_filter_spec spec = a_spec(id, family, NEGOTIATE, NEGOTIATE);

	switch (id % 4) {
	case 0:
		set_side(&spec.local, family, 1, 24);
		set_side(&spec.remote, family, 2, 24);
		spec.protocol = IPPROTO_TCP;
		spec.remote.port = htons(id);
		break;
	case 1:
		set_me(&spec.local);
		set_side(&spec.remote, family, id, 32);
		break;
	case 2:
		set_side(&spec.local, family, 0, 8 + id % 24);
		break;
	default:
		set_side(&spec.local, family, id, 32);
		set_side(&spec.remote, family, id / 8, 32);
		spec.protocol = IPPROTO_UDP;
		spec.local.port = htons(53);
	}
	return spec;
}

static void near_address(union nf_inet_addr *addr, const struct ipd_filter_side *side, u8 family)
{
	unsigned int i;

	random_address(addr, family);
	for (i = 0; i < ARRAY_SIZE(addr->all); i++)
		addr->all[i] = (addr->all[i] & ~side->mask.all[i]) | side->addr.all[i];
}

/* half of the packets lie close to a filter, if there is one */
static void random_flow(struct ipd_flow *flow, u8 family, const struct ipd_filter_spec *spec)
{
	memset(flow, 0, sizeof(*flow));
	flow->family = family;
	flow->direction = rnd(2);
	flow->protocol = protocols[rnd(ARRAY_SIZE(protocols))];
	random_address(&flow->local, family);
	random_address(&flow->remote, family);
	flow->local_port = htons(ports[rnd(ARRAY_SIZE(ports))]);
	flow->remote_port = htons(ports[rnd(ARRAY_SIZE(ports))]);
	flow->scope = LAN + rnd(2);
	if (rnd(2))
		flow->scope |= interfaces[rnd(3)].number << IPD_SCOPE_NUMBER_SHIFT;
	if (!rnd(32))
		flow->scope = IPD_SCOPE_UNKNOWN;
	if (spec && rnd(2)) {
		near_address(&flow->local, &spec->local, family);
		near_address(&flow->remote, &spec->remote, family);
		if (spec->protocol)
			flow->protocol = spec->protocol;
		if (spec->local.port)
			flow->local_port = spec->local.port;
		if (spec->remote.port)
			flow->remote_port = spec->remote.port;
	}
	if (filter_test_has_ports(flow->protocol) && !rnd(8)) {
		flow->flags = IPD_FLOW_NO_PORTS;
		flow->local_port = 0;
		flow->remote_port = 0;
	}
}

/* --- the obvious search --- */

static bool side_matches(const struct ipd_filter_side *side, u8 family,
			 const union nf_inet_addr *addr)
{
	unsigned int i;

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return is_my_address(family, addr);
	for (i = 0; i < ARRAY_SIZE(addr->all); i++)
		if ((addr->all[i] & side->mask.all[i]) != side->addr.all[i])
			return false;
	return true;
}

static bool port_matches(const struct ipd_flow *flow, __be16 wanted, __be16 port)
{
	return !wanted || flow->flags & IPD_FLOW_NO_PORTS || wanted == port;
}

static bool is_in_scope(const struct ipd_filter_spec *spec, const struct ipd_flow *flow)
{
	if (spec->interface)
		return flow->scope >> IPD_SCOPE_NUMBER_SHIFT == spec->interface->number;
	return spec->connection == ALL || spec->connection == (flow->scope & 3);
}

static bool spec_matches(const struct ipd_filter_spec *spec, const struct ipd_flow *flow)
{
	return spec->family == flow->family && spec->action[flow->direction] != NONE &&
	       is_in_scope(spec, flow) &&
	       (!spec->protocol || spec->protocol == flow->protocol) &&
	       port_matches(flow, spec->local.port, flow->local_port) &&
	       port_matches(flow, spec->remote.port, flow->remote_port) &&
	       side_matches(&spec->local, flow->family, &flow->local) &&
	       side_matches(&spec->remote, flow->family, &flow->remote);
}

static unsigned int one_bits(const struct ipd_filter_spec *spec, const struct ipd_filter_side *side)
{
	unsigned int bits = 0, i;

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return spec->family == NFPROTO_IPV4 ? 32 : 128;
	for (i = 0; i < 128; i++)
		bits += !!(ntohl(side->mask.ip6[i / 32]) & 1U << i % 32);
	return bits;
}

/* positive if @a is tried before @b */
static int more_specific(const struct ipd_filter_spec *a, const struct ipd_filter_spec *b)
{
	int differences[] = {
		a->class - b->class,	/* tunnel is 1 */
		one_bits(a, &a->remote) - one_bits(b, &b->remote),
		one_bits(a, &a->local) - one_bits(b, &b->local),
		!!a->protocol - !!b->protocol,
		!!a->remote.port - !!b->remote.port,
		!!a->local.port - !!b->local.port,
		!!a->interface - !!b->interface,
		!!a->connection - !!b->connection,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(differences); i++)
		if (differences[i])
			return differences[i];
	return 0;
}

/* what is compared with: the filters in full, and their weights */
static struct {
	struct ipd_filter_spec spec[2 * POLICY];
	u32 weight[2 * POLICY];
	u32 n;
	bool is_scoped;		/* any of them */
} model;

/* NULLs are left out */
static void model_of(struct ipd_filter *const *filters, u32 n)
{
	u32 i;

	model.n = 0;
	model.is_scoped = false;
	for (i = 0; i < n; i++) {
		struct ipd_filter_spec *spec = &model.spec[model.n];

		if (!filters[i])
			continue;
		ipd_filter_describe(filters[i], spec);
		model.is_scoped |= spec->interface || spec->connection;
		model.weight[model.n++] = ipd_filter_weigh(spec);
	}
}

#define NOT_FOUND	U32_MAX

static u32 obvious_search(const struct ipd_flow *flow)
{
	u32 best = NOT_FOUND, i;

	for (i = 0; i < model.n; i++) {
		if (!spec_matches(&model.spec[i], flow))
			continue;
		/* the weight is proven to have this order by its own test */
		if (best == NOT_FOUND || model.weight[i] > model.weight[best])
			best = i;
	}
	return best;
}

static u32 find_in_model(u32 id)
{
	u32 i;

	for (i = 0; i < model.n; i++)
		if (model.spec[i].id == id)
			return i;
	return NOT_FOUND;
}

/* how the packets so far were decided */
static unsigned int decided, undecided, unmatched;

/* compares one packet; among filters of equal weight any that matches is right */
static bool same_answer(const struct ipd_filter_set *set, const struct ipd_flow *flow)
{
	const struct ipd_filter_spec *spec;
	u32 want = obvious_search(flow), found;
	long got = lookup_id(set, flow);

	if (asked_local > 1 || asked_remote > 1)
		return false;
	if (!flow->scope && model.is_scoped) {
		undecided++;
		return got == -ENODEV;
	}
	if (want == NOT_FOUND) {
		unmatched++;
		return !got;
	}
	spec = &model.spec[want];
	if (flow->flags & IPD_FLOW_NO_PORTS && (spec->local.port || spec->remote.port)) {
		undecided++;
		return got == -EAGAIN;
	}
	if (got <= 0)
		return false;
	decided++;
	found = find_in_model(got);
	return found != NOT_FOUND && spec_matches(&model.spec[found], flow) &&
	       model.weight[found] == model.weight[want];
}

static bool same_side(const struct ipd_filter_side *a, const struct ipd_filter_side *b)
{
	return a->class == b->class && a->port == b->port &&
	       !memcmp(&a->addr, &b->addr, sizeof(a->addr)) &&
	       !memcmp(&a->mask, &b->mask, sizeof(a->mask));
}

/* may not be in one set */
static bool is_twin(const struct ipd_filter_spec *a, const struct ipd_filter_spec *b)
{
	return a->family == b->family && a->class == b->class && a->protocol == b->protocol &&
	       same_side(&a->local, &b->local) && same_side(&a->remote, &b->remote) &&
	       a->connection == b->connection && a->interface == b->interface &&
	       ((a->action[OUT] && b->action[OUT]) || (a->action[IN] && b->action[IN]));
}

static u32 random_policy(struct kunit *test, struct ipd_filter **filters, u32 n, u8 family,
			 bool ordered)
{
	static struct ipd_filter_spec specs[POLICY];
	struct palette palette = random_palette();
	u32 i, have = 0, id;

	for (id = 1; id <= n; id++) {
		specs[have] = ordered ? ordered_spec(id, family) :
					random_spec(id, family, &palette);
		KUNIT_ASSERT_EQ(test, ipd_filter_finish(&specs[have], NULL), 0);
		for (i = 0; i < have && !is_twin(&specs[i], &specs[have]); i++)
			;
		if (i < have)
			continue;
		filters[have] = new_filter(test, &specs[have]);
		have++;
	}
	return have;
}

#endif /* IPD_FILTER_MODEL_H */
