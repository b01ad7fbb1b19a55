// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of filters and filter transactions.
 *
 * Filters are replaced by commit (all of them) or changed by add and del (some). In each case the
 * new set is complete before it is published with one store; from the next packet on it decides.
 * Then what hangs on filters that went or changed goes too, and the old set a grace period later.
 * A filter that stayed the same stays the same object, with its counters.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "acquire.h"
#include "compat.h"
#include "filter.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "sad.h"
#include "scope.h"
#include "transaction.h"

/* --- filters out -------------------------------------------------------------------- */

/* attributes of the local side are followed by the same of the remote side */
#define SIDE_STEP (IPSECDRV_FILTER_A_REMOTE_CLASS - IPSECDRV_FILTER_A_LOCAL_CLASS)

static int put_side(struct sk_buff *msg, u8 family, const struct ipd_filter_side *side, int step)
{
	if (nla_put_u8(msg, IPSECDRV_FILTER_A_LOCAL_CLASS + step, side->class))
		return -EMSGSIZE;
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		return 0;
	return ipd_nl_put_address(msg, IPSECDRV_FILTER_A_LOCAL_ADDRESS + step, family,
				  &side->addr) ?:
	       ipd_nl_put_address(msg, IPSECDRV_FILTER_A_LOCAL_MASK + step, family, &side->mask);
}

static int put_tunnel(struct sk_buff *msg, const struct ipd_filter_spec *spec)
{
	if (spec->class != IPSECDRV_FILTER_CLASS_TUNNEL)
		return 0;
	return ipd_nl_put_address(msg, IPSECDRV_FILTER_A_TUNNEL_LOCAL, spec->tunnel_family,
				  &spec->tunnel_local) ?:
	       ipd_nl_put_address(msg, IPSECDRV_FILTER_A_TUNNEL_REMOTE, spec->tunnel_family,
				  &spec->tunnel_remote);
}

static int put_scope(struct sk_buff *msg, const struct ipd_filter_spec *spec)
{
	if (spec->interface)
		return nla_put_string(msg, IPSECDRV_FILTER_A_INTERFACE, spec->interface->name);
	return nla_put_u8(msg, IPSECDRV_FILTER_A_CONNECTION, spec->connection);
}

static int put_spec(struct sk_buff *msg, const struct ipd_filter_spec *spec)
{
	if (nla_put_u32(msg, IPSECDRV_FILTER_A_ID, spec->id) ||
	    nla_put_u8(msg, IPSECDRV_FILTER_A_FAMILY, spec->family) ||
	    nla_put_u8(msg, IPSECDRV_FILTER_A_CLASS, spec->class) ||
	    put_side(msg, spec->family, &spec->local, 0) ||
	    put_side(msg, spec->family, &spec->remote, SIDE_STEP) ||
	    nla_put_u8(msg, IPSECDRV_FILTER_A_PROTOCOL, spec->protocol) ||
	    nla_put_be16(msg, IPSECDRV_FILTER_A_LOCAL_PORT, spec->local.port) ||
	    nla_put_be16(msg, IPSECDRV_FILTER_A_REMOTE_PORT, spec->remote.port) ||
	    nla_put_u8(msg, IPSECDRV_FILTER_A_OUTBOUND_ACTION,
		       spec->action[IPSECDRV_DIRECTION_OUT]) ||
	    nla_put_u8(msg, IPSECDRV_FILTER_A_INBOUND_ACTION,
		       spec->action[IPSECDRV_DIRECTION_IN]) ||
	    put_tunnel(msg, spec) ||
	    put_scope(msg, spec))
		return -EMSGSIZE;
	return 0;
}

int ipd_nl_put_filter(struct sk_buff *msg, const struct ipd_filter *filter)
{
	struct nlattr *nest = nla_nest_start(msg, IPSECDRV_A_FILTER);
	struct ipd_filter_spec spec;

	BUILD_BUG_ON(IPSECDRV_FILTER_A_REMOTE_ADDRESS - IPSECDRV_FILTER_A_LOCAL_ADDRESS !=
		     SIDE_STEP);
	BUILD_BUG_ON(IPSECDRV_FILTER_A_REMOTE_MASK - IPSECDRV_FILTER_A_LOCAL_MASK != SIDE_STEP);
	if (!nest)
		return -EMSGSIZE;
	ipd_filter_describe(filter, &spec);
	if (put_spec(msg, &spec) ||
	    nla_put_u32(msg, IPSECDRV_FILTER_A_WEIGHT, filter->weight) ||
	    nla_put_u64_64bit(msg, IPSECDRV_FILTER_A_OUTBOUND_HITS,
			      ipd_filter_hits(filter, IPSECDRV_DIRECTION_OUT), IPSECDRV_FILTER_A_PAD) ||
	    nla_put_u64_64bit(msg, IPSECDRV_FILTER_A_INBOUND_HITS,
			      ipd_filter_hits(filter, IPSECDRV_DIRECTION_IN), IPSECDRV_FILTER_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* --- filters in --------------------------------------------------------------------- */

/* an address of filter @id, by its attribute's name in the sentence */
static int get_address(const struct nlattr *attr, const struct ipd_filter_spec *spec,
		       union nf_inet_addr *addr, const char *name, struct netlink_ext_ack *extack)
{
	if (ipd_nl_get_address(attr, spec->family, addr))
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "filter %u: %s must have %u bytes", spec->id, name,
			   ipd_nl_address_len(spec->family));
	return -EINVAL;
}

static int get_side(struct nlattr **tb, struct ipd_filter_spec *spec, struct ipd_filter_side *side,
		    int step, const char *name, struct netlink_ext_ack *extack)
{
	const struct nlattr *address = tb[IPSECDRV_FILTER_A_LOCAL_ADDRESS + step];
	const struct nlattr *mask = tb[IPSECDRV_FILTER_A_LOCAL_MASK + step];

	side->class = nla_get_u8_default(tb[IPSECDRV_FILTER_A_LOCAL_CLASS + step],
					 IPSECDRV_ADDRESS_CLASS_MASK);
	if (side->class == IPSECDRV_ADDRESS_CLASS_ME && (address || mask)) {
		NL_SET_ERR_MSG_FMT(extack, "filter %u: %s is \"me\" and has an address, too",
				   spec->id, name);
		return -EINVAL;
	}
	if (mask && !address) {
		NL_SET_ERR_MSG_FMT(extack, "filter %u: %s has a mask without an address",
				   spec->id, name);
		return -EINVAL;
	}
	if (address && !mask)
		memset(&side->mask, 0xff, ipd_nl_address_len(spec->family));
	return get_address(address, spec, &side->addr, name, extack) ?:
	       (mask ? get_address(mask, spec, &side->mask, name, extack) : 0);
}

/* the endpoints have a family of their own, which their length says */
static int get_tunnel(struct nlattr **tb, struct ipd_filter_spec *spec,
		      struct netlink_ext_ack *extack)
{
	const struct nlattr *local = tb[IPSECDRV_FILTER_A_TUNNEL_LOCAL];
	const struct nlattr *remote = tb[IPSECDRV_FILTER_A_TUNNEL_REMOTE];
	const struct nlattr *either = local ?: remote;

	if (!either)
		return 0;
	spec->tunnel_family = nla_len(either) == sizeof(struct in6_addr) ? NFPROTO_IPV6 :
									   NFPROTO_IPV4;
	if (ipd_nl_get_address(local, spec->tunnel_family, &spec->tunnel_local) &&
	    ipd_nl_get_address(remote, spec->tunnel_family, &spec->tunnel_remote))
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "filter %u: both tunnel endpoints must have 4, or 16, bytes",
			   spec->id);
	return -EINVAL;
}

static int get_scope(struct net *net, struct nlattr **tb, struct ipd_filter_spec *spec,
		     struct netlink_ext_ack *extack)
{
	const struct nlattr *name = tb[IPSECDRV_FILTER_A_INTERFACE];
	struct ipd_interface *interface;

	spec->connection = nla_get_u8_default(tb[IPSECDRV_FILTER_A_CONNECTION],
					      IPSECDRV_CONNECTION_ALL);
	if (!name)
		return 0;
	interface = ipd_interface_get(net, nla_data(name), extack);
	if (IS_ERR(interface))
		return PTR_ERR(interface);
	spec->interface = interface;
	return 0;
}

static int get_fields(struct net *net, struct nlattr **tb, struct ipd_filter_spec *spec,
		      struct netlink_ext_ack *extack)
{
	int err;

	spec->family = ipd_nl_family_of(tb[IPSECDRV_FILTER_A_FAMILY]);
	if (!spec->family) {
		NL_SET_ERR_MSG_FMT(extack, "filter %u: the family is neither IPv4 nor IPv6",
				   spec->id);
		return -EINVAL;
	}
	spec->class = nla_get_u8_default(tb[IPSECDRV_FILTER_A_CLASS],
					 IPSECDRV_FILTER_CLASS_TRANSPORT);
	spec->protocol = nla_get_u8_default(tb[IPSECDRV_FILTER_A_PROTOCOL], 0);
	spec->local.port = nla_get_be16_default(tb[IPSECDRV_FILTER_A_LOCAL_PORT], 0);
	spec->remote.port = nla_get_be16_default(tb[IPSECDRV_FILTER_A_REMOTE_PORT], 0);
	spec->action[IPSECDRV_DIRECTION_OUT] =
		nla_get_u8_default(tb[IPSECDRV_FILTER_A_OUTBOUND_ACTION], IPSECDRV_ACTION_NONE);
	spec->action[IPSECDRV_DIRECTION_IN] =
		nla_get_u8_default(tb[IPSECDRV_FILTER_A_INBOUND_ACTION], IPSECDRV_ACTION_NONE);
	err = get_side(tb, spec, &spec->local, 0, "local side", extack);
	if (!err)
		err = get_side(tb, spec, &spec->remote, SIDE_STEP, "remote side", extack);
	if (!err)
		err = get_tunnel(tb, spec, extack);
	if (!err)
		err = get_scope(net, tb, spec, extack);
	return err;
}

/* Without the policy, which each nest was held against when the request came in. */
static int parse_nest(const struct nlattr *nest, struct nlattr **tb, u32 *ret_id,
		      struct netlink_ext_ack *extack)
{
	int err;

	err = nla_parse_nested(tb, IPSECDRV_FILTER_A_MAX, nest, NULL, extack);
	if (err)
		return err;
	if (!tb[IPSECDRV_FILTER_A_ID]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a filter without id");
		return -EINVAL;
	}
	*ret_id = nla_get_u32(tb[IPSECDRV_FILTER_A_ID]);
	return 0;
}

/* which filter is at fault stands before what the fault is */
static int finish(struct ipd_filter_spec *spec, struct netlink_ext_ack *extack)
{
	struct netlink_ext_ack fault = {};
	int err;

	err = ipd_filter_finish(spec, &fault);
	if (err)
		NL_SET_ERR_MSG_FMT(extack, "filter %u: %s", spec->id,
				   fault._msg ?: "it is not valid");
	return err;
}

static int get_spec(struct net *net, const struct nlattr *nest, struct ipd_filter_spec *spec,
		    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[IPSECDRV_FILTER_A_MAX + 1];
	int err;

	memset(spec, 0, sizeof(*spec));
	err = parse_nest(nest, tb, &spec->id, extack);
	if (!err)
		err = get_fields(net, tb, spec, extack);
	if (!err)
		err = finish(spec, extack);
	return err;
}

static struct ipd_filter *get_filter(struct net *net, const struct nlattr *nest,
				     struct netlink_ext_ack *extack)
{
	struct ipd_filter *filter = NULL;
	struct ipd_filter_spec spec;
	int err;

	err = get_spec(net, nest, &spec, extack);
	if (!err)
		filter = ipd_filter_new(&spec, GFP_KERNEL_ACCOUNT);
	if (filter)
		return filter;
	ipd_interface_put(spec.interface);
	return ERR_PTR(err ?: -ENOMEM);
}

/* the filter nests of a request; a message is 64 KiB at most, so their number is bounded */
static u32 count_nests(const struct genl_info *info)
{
	const struct nlattr *attr;
	u32 n = 0;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		n += nla_type(attr) == IPSECDRV_A_FILTER;
	return n;
}

static void put_filters(struct ipd_filter **filters, u32 n)
{
	while (n)
		ipd_filter_put(filters[--n]);
	kvfree(filters);
}

/* all filters of a request, with a reference each; ERR_PTR() */
static struct ipd_filter **get_filters(struct genl_info *info, u32 *ret_n)
{
	struct ipd_filter **filters, *filter;
	bool has_interfaces = false;
	const struct nlattr *attr;
	u32 n = 0, total;
	int rem;

	total = count_nests(info);
	if (!total) {
		NL_SET_ERR_MSG(info->extack, "the request has no filter");
		return ERR_PTR(-EINVAL);
	}
	filters = kvmalloc_array(total, sizeof(*filters), GFP_KERNEL_ACCOUNT);
	if (!filters)
		return ERR_PTR(-ENOMEM);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != IPSECDRV_A_FILTER)
			continue;
		filter = get_filter(genl_info_net(info), attr, info->extack);
		if (IS_ERR(filter)) {
			put_filters(filters, n);
			return ERR_CAST(filter);
		}
		has_interfaces |= !!ipd_filter_interface(filter);
		filters[n++] = filter;
		cond_resched();
	}
	if (has_interfaces)
		synchronize_net();	/* no packet is left that does not know of them */
	*ret_n = n;
	return filters;
}

/* --- putting filters in force ------------------------------------------------------- */

struct replacement {
	const struct ipd_filter_set *old;
	const struct ipd_filter_set *new;
};

/* whether what was negotiated for a filter has lost it */
static bool is_gone(u32 filter_id, void *data)
{
	const struct replacement *replacement = data;
	const struct ipd_filter *old = ipd_filter_set_find(replacement->old, filter_id);
	const struct ipd_filter *new = ipd_filter_set_find(replacement->new, filter_id);

	return !old || !new || !ipd_filter_same(old, new);
}

static struct ipd_filter_set *filters_of(struct ipd_net *ipd)
{
	return rcu_dereference_protected(ipd->filters, lockdep_is_held(&ipd->cfg_mutex));
}

/* cannot fail: everything that can was done when @new was made */
static void put_in_force(struct ipd_net *ipd, struct ipd_filter_set *new)
{
	struct ipd_filter_set *old = filters_of(ipd);
	struct replacement replacement = { .old = old, .new = new };

	rcu_assign_pointer(ipd->filters, new);
	WRITE_ONCE(ipd->filter_changes, ipd->filter_changes + 1);
	ipd_net_touch(ipd);
	ipd_sad_prune(ipd, is_gone, &replacement);
	ipd_acquire_prune(ipd, is_gone, &replacement);
	ipd_filter_set_free(old);
}

/* filters that are in force unchanged take the place of their new doubles */
static void keep_unchanged(const struct ipd_filter_set *old, struct ipd_filter **filters, u32 n)
{
	struct ipd_filter *filter;
	u32 i;

	for (i = 0; i < n; i++) {
		filter = ipd_filter_set_find(old, filters[i]->id);
		if (filter && ipd_filter_same(filter, filters[i])) {
			ipd_filter_get(filter);
			ipd_filter_put(filters[i]);
			filters[i] = filter;
		}
	}
}

/* --- handlers ----------------------------------------------------------------------- */

int ipd_nl_filter_begin(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_transaction *transaction;
	struct sk_buff *msg;
	void *header;
	int err;

	msg = ipd_nl_reply_new(info, nla_total_size(sizeof(u32)), &header);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&ipd->cfg_mutex);
	transaction = ipd_transaction_begin(ipd->transactions, info->snd_portid, info->extack);
	err = PTR_ERR_OR_ZERO(transaction);
	if (!err)
		err = nla_put_u32(msg, IPSECDRV_A_TRANSACTION, ipd_transaction_id(transaction));
	mutex_unlock(&ipd->cfg_mutex);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

static int add_to_transaction(struct ipd_net *ipd, const struct genl_info *info,
			      struct ipd_filter **filters, u32 n)
{
	struct ipd_transaction *transaction;

	transaction = ipd_transaction_find(ipd->transactions,
					   nla_get_u32(info->attrs[IPSECDRV_A_TRANSACTION]),
					   info->snd_portid, info->extack);
	if (IS_ERR(transaction))
		return PTR_ERR(transaction);
	return ipd_transaction_add(transaction, filters, n, info->extack);
}

static int add_at_once(struct ipd_net *ipd, const struct genl_info *info,
		       struct ipd_filter **filters, u32 n)
{
	struct ipd_filter_set *new;

	new = ipd_filter_set_add(filters_of(ipd), filters, n, info->extack);
	if (IS_ERR(new))
		return PTR_ERR(new);
	put_in_force(ipd, new);
	return 0;
}

int ipd_nl_filter_add(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_filter **filters;
	u32 n;
	int err;

	filters = get_filters(info, &n);
	if (IS_ERR(filters))
		return PTR_ERR(filters);
	mutex_lock(&ipd->cfg_mutex);
	if (info->attrs[IPSECDRV_A_TRANSACTION]) {
		err = add_to_transaction(ipd, info, filters, n);
		if (!err)
			n = 0;		/* the references went along */
	} else {
		err = add_at_once(ipd, info, filters, n);
	}
	mutex_unlock(&ipd->cfg_mutex);
	put_filters(filters, n);
	return err;
}

static int get_ids(const struct genl_info *info, u32 *ids)
{
	struct nlattr *tb[IPSECDRV_FILTER_A_MAX + 1];
	const struct nlattr *attr;
	int rem, type, err;
	u32 n = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != IPSECDRV_A_FILTER)
			continue;
		err = parse_nest(attr, tb, &ids[n], info->extack);
		if (err)
			return err;
		for (type = 1; type <= IPSECDRV_FILTER_A_MAX; type++) {
			if (!tb[type] || type == IPSECDRV_FILTER_A_ID)
				continue;
			NL_SET_ERR_MSG_FMT(info->extack, "filter %u: only the id says what to remove",
					   ids[n]);
			return -EINVAL;
		}
		n++;
	}
	return 0;
}

int ipd_nl_filter_del(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_filter_set *new;
	u32 *ids, n;
	int err;

	n = count_nests(info);
	if (!n) {
		NL_SET_ERR_MSG(info->extack, "the request has no filter");
		return -EINVAL;
	}
	ids = kvmalloc_array(n, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;
	err = get_ids(info, ids);
	if (err)
		goto out;
	mutex_lock(&ipd->cfg_mutex);
	new = ipd_filter_set_del(filters_of(ipd), ids, n, info->extack);
	err = PTR_ERR_OR_ZERO(new);
	if (!err)
		put_in_force(ipd, new);
	mutex_unlock(&ipd->cfg_mutex);
out:
	kvfree(ids);
	return err;
}

static u32 count_ids(const struct genl_info *info)
{
	const struct nlattr *attr;
	u32 n = 0;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		n += nla_type(attr) == IPSECDRV_A_FILTER_ID;
	return n;
}

/* the ids that a change removes; the policy has checked each; ERR_PTR() */
static u32 *get_removed(const struct genl_info *info, u32 *ret_n)
{
	const struct nlattr *attr;
	u32 *ids, n = count_ids(info);
	int rem;

	if (!n) {
		NL_SET_ERR_MSG(info->extack, "the request has no filter id to remove");
		return ERR_PTR(-EINVAL);
	}
	ids = kvmalloc_array(n, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return ERR_PTR(-ENOMEM);
	n = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		if (nla_type(attr) == IPSECDRV_A_FILTER_ID)
			ids[n++] = nla_get_u32(attr);
	*ret_n = n;
	return ids;
}

/* What is between the two sets is never published. */
static int change_at_once(struct ipd_net *ipd, const struct genl_info *info,
			  const u32 *ids, u32 n_ids, struct ipd_filter **filters, u32 n)
{
	struct ipd_filter_set *rest, *new;

	rest = ipd_filter_set_del(filters_of(ipd), ids, n_ids, info->extack);
	if (IS_ERR(rest))
		return PTR_ERR(rest);
	keep_unchanged(filters_of(ipd), filters, n);
	new = ipd_filter_set_add(rest, filters, n, info->extack);
	ipd_filter_set_free(rest);
	if (IS_ERR(new))
		return PTR_ERR(new);
	put_in_force(ipd, new);
	return 0;
}

int ipd_nl_filter_change(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_filter **filters;
	u32 *ids, n_ids, n;
	int err;

	ids = get_removed(info, &n_ids);
	if (IS_ERR(ids))
		return PTR_ERR(ids);
	filters = get_filters(info, &n);
	if (IS_ERR(filters)) {
		err = PTR_ERR(filters);
		goto out;
	}
	mutex_lock(&ipd->cfg_mutex);
	err = change_at_once(ipd, info, ids, n_ids, filters, n);
	mutex_unlock(&ipd->cfg_mutex);
	put_filters(filters, n);
out:
	kvfree(ids);
	return err;
}

static struct ipd_transaction *named_transaction(struct ipd_net *ipd, const struct genl_info *info)
{
	if (!info->attrs[IPSECDRV_A_TRANSACTION]) {
		NL_SET_ERR_MSG(info->extack, "the request names no filter transaction");
		return ERR_PTR(-EINVAL);
	}
	return ipd_transaction_find(ipd->transactions,
				    nla_get_u32(info->attrs[IPSECDRV_A_TRANSACTION]),
				    info->snd_portid, info->extack);
}

/* everything that can go wrong with a commit; ERR_PTR() */
static struct ipd_filter_set *build(struct ipd_net *ipd, struct ipd_transaction *transaction,
				    struct netlink_ext_ack *extack)
{
	struct ipd_filter **filters;
	u32 n;

	filters = ipd_transaction_filters(transaction, &n);
	keep_unchanged(filters_of(ipd), filters, n);
	return ipd_filter_set_build(filters, n, extack);
}

/* A transaction whose commit fails stays open, for another try or an abort. */
static int commit(struct ipd_net *ipd, const struct genl_info *info, struct sk_buff *msg)
{
	struct ipd_transaction *transaction;
	struct ipd_filter_set *new;

	transaction = named_transaction(ipd, info);
	if (IS_ERR(transaction))
		return PTR_ERR(transaction);
	new = build(ipd, transaction, info->extack);
	if (IS_ERR(new))
		return PTR_ERR(new);
	put_in_force(ipd, new);
	ipd_transaction_end(ipd->transactions, transaction);
	/* sized for these; what is done cannot fail any more */
	return nla_put_u32(msg, IPSECDRV_A_GENERATION, ipd_net_generation(ipd)) ?:
	       nla_put_u32(msg, IPSECDRV_A_FILTERS, ipd_filter_set_size(new)) ?:
	       nla_put_u32(msg, IPSECDRV_A_TUPLES, ipd_filter_set_tuples(new));
}

/* What commit() does, up to the point from which it cannot fail. */
static int check(struct ipd_net *ipd, const struct genl_info *info, struct sk_buff *msg)
{
	struct ipd_transaction *transaction;
	struct ipd_filter_set *new;
	int err;

	transaction = named_transaction(ipd, info);
	if (IS_ERR(transaction))
		return PTR_ERR(transaction);
	new = build(ipd, transaction, info->extack);
	if (IS_ERR(new))
		return PTR_ERR(new);
	err = nla_put_u32(msg, IPSECDRV_A_FILTERS, ipd_filter_set_size(new)) ?:
	      nla_put_u32(msg, IPSECDRV_A_TUPLES, ipd_filter_set_tuples(new));
	ipd_filter_set_free(new);
	return err;
}

static int conclude(struct genl_info *info,
		    int (*how)(struct ipd_net *ipd, const struct genl_info *info,
			       struct sk_buff *msg))
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct sk_buff *msg;
	void *header;
	int err;

	msg = ipd_nl_reply_new(info, 3 * nla_total_size(sizeof(u32)), &header);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&ipd->cfg_mutex);
	err = how(ipd, info, msg);
	mutex_unlock(&ipd->cfg_mutex);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

int ipd_nl_filter_commit(struct sk_buff *skb, struct genl_info *info)
{
	return conclude(info, commit);
}

int ipd_nl_filter_check(struct sk_buff *skb, struct genl_info *info)
{
	return conclude(info, check);
}

int ipd_nl_filter_abort(struct sk_buff *skb, struct genl_info *info)
{
	struct ipd_net *ipd = ipd_nl_net(info);
	struct ipd_transaction *transaction;
	int err;

	mutex_lock(&ipd->cfg_mutex);
	transaction = named_transaction(ipd, info);
	err = PTR_ERR_OR_ZERO(transaction);
	if (!err)
		ipd_transaction_end(ipd->transactions, transaction);
	mutex_unlock(&ipd->cfg_mutex);
	return err;
}

int ipd_nl_filter_get(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *id = info->attrs[IPSECDRV_A_FILTER_ID];
	struct ipd_net *ipd = ipd_nl_net(info);
	const struct ipd_filter *filter;
	struct sk_buff *msg;
	void *header;
	int err;

	if (!id) {
		NL_SET_ERR_MSG(info->extack, "the request has no filter id");
		return -EINVAL;
	}
	msg = ipd_nl_reply_new(info, GENLMSG_DEFAULT_SIZE, &header);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	filter = ipd_filter_set_find(rcu_dereference(ipd->filters), nla_get_u32(id));
	err = filter ? ipd_nl_put_filter(msg, filter) : -ENOENT;
	rcu_read_unlock();
	if (err == -ENOENT)
		NL_SET_ERR_MSG_FMT(info->extack, "filter %u does not exist", nla_get_u32(id));
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ipd_nl_reply_send(msg, header, info);
}

int ipd_nl_filter_get_start(struct netlink_callback *cb)
{
	return ipd_nl_start_list(cb);
}

int ipd_nl_filter_get_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ipd_net *ipd = ipd_net(sock_net(skb->sk));
	u64 *cursor = (u64 *)cb->ctx, next;
	const struct ipd_filter *filter;
	void *header;

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->ctx));
	rcu_read_lock();
	for (next = *cursor;; *cursor = next) {
		filter = ipd_filter_set_next(rcu_dereference(ipd->filters), &next);
		if (!filter)
			break;
		header = ipd_nl_dump_header(skb, cb, IPSECDRV_CMD_FILTER_GET,
					    READ_ONCE(ipd->filter_changes));
		if (!header)
			break;
		if (ipd_nl_put_filter(skb, filter)) {
			genlmsg_cancel(skb, header);
			break;
		}
		genlmsg_end(skb, header);
	}
	rcu_read_unlock();
	return skb->len;
}

int ipd_nl_filter_get_done(struct netlink_callback *cb)
{
	return 0;
}
