// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of security associations of a namespace.
 *
 * Inbound associations are found by their SPI alone, which the driver chose and which is unique
 * in the namespace; destination and protection are compared then. Outbound ones are found by
 * destination, SPI and protection, since peers choose without knowing of each other; packets do
 * not look there, they come from their negotiation (acquire.c). Both are read under RCU.
 * All changes are made under cfg_mutex.
 *
 * A bundle (AH around ESP) is two associations per direction, which come in one request and go
 * together. The ESP one names the AH one's SPI.
 *
 * Installing is all or none: first every association is made, keys included, which may fail
 * without anybody having seen anything; then each is linked, inbound ones in the place of their
 * larval association; at last outbound ones are attached to their negotiation, which lets packets
 * go. A failure takes it all back, larval associations included.
 */
#include "sa.h"

#include "acquire.h"
#include "filter.h"
#include "net.h"
#include "op.h"

#include <linux/jhash.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/ipv6.h>
#include <net/netlink.h>

/* a random SPI is taken with a chance of one in 65,536 at most */
#define SPI_TRIES	16

/* compared and hashed as memory */
struct outbound_key {
	union nf_inet_addr remote;
	__be32 spi;
	u8 family;
	u8 protection;
	u8 zero[2];
};

static struct outbound_key outbound_key(const struct ipd_sa_params *params)
{
	struct outbound_key key = {
		.spi = params->spi,
		.family = params->family,
		.protection = params->protection,
	};

	if (params->family == NFPROTO_IPV4)
		key.remote.ip = params->remote.ip;
	else
		key.remote = params->remote;
	return key;
}

static u32 outbound_hash(const void *data, u32 len, u32 seed)
{
	return jhash2(data, sizeof(struct outbound_key) / sizeof(u32), seed);
}

static u32 outbound_hash_sa(const void *data, u32 len, u32 seed)
{
	const struct ipd_sa *sa = data;
	struct outbound_key key = outbound_key(&sa->params);

	return outbound_hash(&key, 0, seed);
}

static int outbound_compare(struct rhashtable_compare_arg *arg, const void *data)
{
	const struct ipd_sa *sa = data;
	struct outbound_key key = outbound_key(&sa->params);

	return memcmp(&key, arg->key, sizeof(key));
}

static const struct rhashtable_params outbound_params = {
	.head_offset = offsetof(struct ipd_sa, node),
	.key_len = sizeof(struct outbound_key),
	.hashfn = outbound_hash,
	.obj_hashfn = outbound_hash_sa,
	.obj_cmpfn = outbound_compare,
	.automatic_shrinking = true,
};

static const struct rhashtable_params inbound_params = {
	.head_offset = offsetof(struct ipd_sa, node),
	.key_offset = offsetof(struct ipd_sa, params.spi),
	.key_len = sizeof_field(struct ipd_sa, params.spi),
	.automatic_shrinking = true,
};

int ipd_sad_init(void)
{
	return ipd_sa_init();
}

void ipd_sad_exit(void)
{
	/* the crypto code's callbacks gave their reference to the namespace back inside of RCU */
	synchronize_rcu();
	ipd_op_exit();
	ipd_sa_exit();
}

struct ipd_sad *ipd_sad_new(struct ipd_net *ipd)
{
	struct ipd_sad *sad = kzalloc(sizeof(*sad), GFP_KERNEL_ACCOUNT);

	if (!sad)
		return NULL;
	sad->ipd = ipd;
	xa_init(&sad->all);
	sad->counters = alloc_percpu_gfp(struct ipd_sad_counters, GFP_KERNEL_ACCOUNT);
	if (!sad->counters)
		goto err_free;
	if (rhashtable_init(&sad->inbound, &inbound_params))
		goto err_free_counters;
	if (rhashtable_init(&sad->outbound, &outbound_params))
		goto err_destroy_inbound;
	ipd_lifetime_init(sad);
	return sad;

err_destroy_inbound:
	rhashtable_destroy(&sad->inbound);
err_free_counters:
	free_percpu(sad->counters);
err_free:
	kfree(sad);
	return NULL;
}

void ipd_sad_stop(struct ipd_sad *sad)
{
	ipd_lifetime_stop(sad);
}

void ipd_sad_free(struct ipd_sad *sad)
{
	ipd_lifetime_exit(sad);
	mutex_lock(&sad->ipd->cfg_mutex);
	ipd_sad_flush(sad->ipd);
	mutex_unlock(&sad->ipd->cfg_mutex);
	/* routes that tunnels remember must not outlive the namespace, whose they are */
	if (sad->had_routes) {
		rcu_barrier();
		flush_workqueue(ipd_sa_queue);
	}
	rhashtable_destroy(&sad->inbound);
	rhashtable_destroy(&sad->outbound);
	xa_destroy(&sad->all);
	free_percpu(sad->counters);
	kfree(sad);
}

static bool has_addr(u8 family, const union nf_inet_addr *a, const union nf_inet_addr *b)
{
	return family == NFPROTO_IPV4 ? a->ip == b->ip : ipv6_addr_equal(&a->in6, &b->in6);
}

struct ipd_sa *ipd_sad_lookup(struct ipd_sad *sad, u8 family, const union nf_inet_addr *local,
			      __be32 spi, u8 protection)
{
	struct ipd_sa *sa = rhashtable_lookup(&sad->inbound, &spi, inbound_params);

	if (!sa || sa->params.family != family || sa->params.protection != protection ||
	    !has_addr(family, &sa->params.local, local))
		return NULL;
	return sa;
}

struct ipd_sa *ipd_sad_lookup_outbound(struct ipd_sad *sad, u8 family,
				       const union nf_inet_addr *remote, __be32 spi,
				       u8 protection)
{
	struct outbound_key key = {
		.remote = *remote, .spi = spi, .family = family, .protection = protection,
	};

	return rhashtable_lookup(&sad->outbound, &key, outbound_params);
}

bool ipd_sad_has_udp(const struct ipd_sad *sad)
{
	return READ_ONCE(sad->in_udp);
}

/* by what identifies an association: its destination, SPI, protection and direction */
static struct ipd_sa *find(struct ipd_sad *sad, const struct ipd_sa_params *which)
{
	struct outbound_key key;

	if (which->direction == IPSECDRV_DIRECTION_IN)
		return ipd_sad_lookup(sad, which->family, &which->local, which->spi,
				      which->protection);
	key = outbound_key(which);
	return rhashtable_lookup(&sad->outbound, &key, outbound_params);
}

/* what find() wants for the other direction */
static struct ipd_sa_params pair_of(const struct ipd_sa_params *params, __be32 pair_spi)
{
	struct ipd_sa_params pair = *params;

	pair.spi = pair_spi;
	pair.direction = params->direction == IPSECDRV_DIRECTION_IN ? IPSECDRV_DIRECTION_OUT :
								      IPSECDRV_DIRECTION_IN;
	return pair;
}

/* without the caller's reference: cfg_mutex keeps what is in the tables alive */
static struct ipd_sa *find_locked(struct ipd_sad *sad, const struct ipd_sa_params *which)
{
	struct ipd_sa *sa;

	lockdep_assert_held(&sad->ipd->cfg_mutex);
	rcu_read_lock();
	sa = find(sad, which);
	rcu_read_unlock();
	return sa;
}

struct ipd_sa *ipd_sad_pair(const struct ipd_sa *sa)
{
	struct ipd_sa_params pair;

	if (!sa->params.pair_spi)
		return NULL;
	pair = pair_of(&sa->params, sa->params.pair_spi);
	return find_locked(sa->sad, &pair);
}

struct ipd_sa *ipd_sad_bundled(const struct ipd_sa *sa)
{
	struct ipd_sa_params params = sa->params;
	struct ipd_sa *inner;

	if (sa->outer)
		return sa->outer->is_linked ? sa->outer : NULL;
	if (!sa->inner_spi)
		return NULL;
	params.spi = sa->inner_spi;
	params.protection = IPSECDRV_PROTECTION_ESP;
	inner = find_locked(sa->sad, &params);
	return inner && inner->outer == sa ? inner : NULL;
}

/* --- linking ---------------------------------------------------------- */

static struct hlist_head *flow_slot(struct ipd_sad *sad, const struct ipd_sa_params *params)
{
	u32 hash = jhash(&params->selector.remote, sizeof(params->selector.remote),
			 params->filter_id);

	return &sad->flows[hash % IPD_FLOW_SLOTS];
}

/* whether the flow of an outbound association has another one already */
static bool is_rekey(const struct ipd_sa *sa)
{
	const struct ipd_selector *selector = &sa->params.selector;
	struct ipd_sa *other;

	hlist_for_each_entry(other, flow_slot(sa->sad, &sa->params), flow)
		if (other != sa && other->params.filter_id == sa->params.filter_id &&
		    other->params.protection == sa->params.protection &&
		    !memcmp(&other->params.selector, selector, sizeof(*selector)))
			return true;
	return false;
}

/*
 * Keys are counted in pairs, as Windows does: an outbound association stands for both, and the
 * one inside for a bundle.
 */
static bool stands_for_pair(const struct ipd_sa *sa)
{
	return sa->params.direction == IPSECDRV_DIRECTION_OUT && !sa->inner_spi;
}

/* counts it in (@n 1) or out (-1) */
static void count(struct ipd_sa *sa, int n)
{
	struct ipd_sad *sad = sa->sad;

	if (!sa->counters) {
		sad->larval += n;
		return;
	}
	sad->active += n;
	if (ipd_sa_is_in_udp(sa) && sa->params.direction == IPSECDRV_DIRECTION_IN)
		WRITE_ONCE(sad->in_udp, sad->in_udp + n);
	if (!stands_for_pair(sa))
		return;
	sad->pairs += n;
	if (ipd_sa_is_tunnel(sa))
		sad->tunnels += n;
}

/* what linking has in common, once the association is in its hash table */
static void link_rest(struct ipd_sa *sa)
{
	ipd_lifetime_add(sa);
	count(sa, 1);
	if (sa->params.direction == IPSECDRV_DIRECTION_OUT)
		hlist_add_head(&sa->flow, flow_slot(sa->sad, &sa->params));
	sa->is_linked = true;
}

static void unlink_rest(struct ipd_sa *sa)
{
	ipd_lifetime_remove(sa);
	count(sa, -1);
	if (sa->params.direction == IPSECDRV_DIRECTION_OUT)
		hlist_del_init(&sa->flow);
	sa->is_linked = false;
}

static int add_id(struct ipd_sa *sa)
{
	struct ipd_sad *sad = sa->sad;

	sa->id = ++sad->last_id;
	return xa_insert(&sad->all, sa->id, sa, GFP_KERNEL_ACCOUNT);
}

static struct rhashtable *table_of(struct ipd_sa *sa)
{
	return sa->params.direction == IPSECDRV_DIRECTION_IN ? &sa->sad->inbound :
							       &sa->sad->outbound;
}

static const struct rhashtable_params *params_of(const struct ipd_sa *sa)
{
	return sa->params.direction == IPSECDRV_DIRECTION_IN ? &inbound_params : &outbound_params;
}

/* Takes an association that is not attached out of the tables and drops their reference. */
static void unlink(struct ipd_sa *sa)
{
	xa_erase(&sa->sad->all, sa->id);
	rhashtable_remove_fast(table_of(sa), &sa->node, *params_of(sa));
	unlink_rest(sa);
	ipd_sa_put(sa);
}

static void remove_one(struct ipd_sa *sa)
{
	struct ipd_sad *sad = sa->sad;

	ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DEAD);
	if (sa->counters && stands_for_pair(sa))
		sad->deletions++;
	if (sa->is_attached) {
		sa->is_attached = false;
		ipd_acquire_detach(sad->ipd, sa);
	}
	unlink(sa);
}

void ipd_sad_remove(struct ipd_sa *sa)
{
	struct ipd_sa *bundled;

	lockdep_assert_held(&sa->sad->ipd->cfg_mutex);
	bundled = ipd_sad_bundled(sa);
	remove_one(sa);
	if (bundled)
		remove_one(bundled);
}

static bool is_full(const struct ipd_sad *sad)
{
	return sad->larval + sad->active >= IPSECDRV_MAX_SAS;
}

/* --- larval associations ---------------------------------------------- */

/* links it under an SPI that is free, or under its own; -EEXIST */
static int link_larval(struct ipd_sa *sa)
{
	struct ipd_sad *sad = sa->sad;
	bool is_wanted = sa->params.spi;
	int tries, err = add_id(sa);

	if (err)
		return err;
	for (tries = 0, err = -EEXIST; tries < SPI_TRIES && err == -EEXIST; tries++) {
		if (!is_wanted)
			sa->params.spi = htonl(get_random_u32());
		else if (tries)
			break;
		if (ntohl(sa->params.spi) >= IPSECDRV_MIN_SPI)
			err = rhashtable_lookup_insert_fast(&sad->inbound, &sa->node,
							    inbound_params);
	}
	if (err) {
		xa_erase(&sad->all, sa->id);
		return err;
	}
	link_rest(sa);
	return 0;
}

int ipd_sad_alloc_spi(struct ipd_net *ipd, const struct ipd_sa_config *config, u32 acquire_id,
		      __be32 *ret_spi, struct netlink_ext_ack *extack)
{
	struct ipd_sad *sad = ipd->sad;
	struct ipd_sa *sa;
	int err;

	lockdep_assert_held(&ipd->cfg_mutex);
	err = ipd_sa_check_larval(config, extack);
	if (err)
		return err;
	if (is_full(sad)) {
		NL_SET_ERR_MSG(extack, "there are too many associations");
		return -ENOSPC;
	}
	sa = ipd_sa_new_larval(sad, config);
	if (!sa)
		return -ENOMEM;
	sa->acquire_id = acquire_id;
	err = link_larval(sa);
	if (err) {
		if (err == -EEXIST)
			NL_SET_ERR_MSG(extack, "this SPI is in use");
		ipd_sa_put(sa);
		return err;
	}
	*ret_spi = sa->params.spi;
	return 0;
}

/* --- installing ------------------------------------------------------- */

/* an association under way, and the larval one whose place it took */
struct install {
	struct ipd_sa *sa;
	struct ipd_sa *larval;
};

static bool has_endpoints(const struct ipd_sa_config *config, const struct ipd_filter_extra *tunnel)
{
	return config->family == tunnel->tunnel_family &&
	       has_addr(config->family, &config->local, &tunnel->tunnel_local) &&
	       has_addr(config->family, &config->remote, &tunnel->tunnel_remote);
}

/* what the filter says of the mode and, in a tunnel, of the endpoints */
static int check_mode(const struct ipd_filter *filter, const struct ipd_sa_config *config,
		      struct netlink_ext_ack *extack)
{
	bool is_tunnel = config->encapsulation == IPSECDRV_ENCAPSULATION_TUNNEL;

	if (is_tunnel != (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL)) {
		NL_SET_ERR_MSG(extack, "the association's mode, tunnel or transport, is not its filter's");
		return -EINVAL;
	}
	if (is_tunnel && !has_endpoints(config, filter->extra)) {
		NL_SET_ERR_MSG(extack, "the association's endpoints are not its filter's tunnel endpoints");
		return -EINVAL;
	}
	return 0;
}

static int check_filter(struct ipd_net *ipd, const struct ipd_sa_config *config,
			struct netlink_ext_ack *extack)
{
	const struct ipd_filter_set *set;
	const struct ipd_filter *filter;

	set = rcu_dereference_protected(ipd->filters, lockdep_is_held(&ipd->cfg_mutex));
	filter = ipd_filter_set_find(set, config->filter_id);
	if (!filter) {
		NL_SET_ERR_MSG(extack, "there is no filter with the association's filter id");
		return -ENOENT;
	}
	if (filter->action[IPSECDRV_DIRECTION_OUT] != IPSECDRV_ACTION_NEGOTIATE &&
	    filter->action[IPSECDRV_DIRECTION_IN] != IPSECDRV_ACTION_NEGOTIATE) {
		NL_SET_ERR_MSG(extack, "the association's filter does not negotiate");
		return -EINVAL;
	}
	return check_mode(filter, config, extack);
}

static int make(struct ipd_net *ipd, const struct ipd_sa_config *config, struct install *install,
		struct netlink_ext_ack *extack)
{
	struct ipd_sa *sa;
	int err;

	err = ipd_sa_check(config, extack);
	if (!err)
		err = check_filter(ipd, config, extack);
	if (err)
		return err;
	sa = ipd_sa_new(ipd->sad, config, extack);
	if (IS_ERR(sa))
		return PTR_ERR(sa);
	install->sa = sa;
	return 0;
}

static int link_inbound(struct install *install, struct netlink_ext_ack *extack)
{
	struct ipd_sa *sa = install->sa, *larval = find_locked(sa->sad, &sa->params);
	int err;

	if (!larval) {
		NL_SET_ERR_MSG(extack, "the inbound association's SPI was not allocated, or too long ago");
		return -ENOENT;
	}
	if (larval->state != IPSECDRV_SA_STATE_LARVAL) {
		NL_SET_ERR_MSG(extack, "there is an inbound association with this SPI");
		return -EEXIST;
	}
	if (!has_addr(sa->params.family, &larval->params.remote, &sa->params.remote)) {
		NL_SET_ERR_MSG(extack, "the inbound association's SPI was allocated for another peer");
		return -EINVAL;
	}
	err = add_id(sa);
	if (err)
		return err;
	sa->acquire_id = larval->acquire_id;
	ipd_sa_set_state(sa, IPSECDRV_SA_STATE_MATURE);
	err = rhashtable_replace_fast(&sa->sad->inbound, &larval->node, &sa->node, inbound_params);
	if (WARN_ON_ONCE(err)) {
		xa_erase(&sa->sad->all, sa->id);
		return err;
	}
	link_rest(sa);
	/* it keeps its reference and its id until nothing can fail any more */
	unlink_rest(larval);
	install->larval = larval;
	return 0;
}

static int link_outbound(struct install *install, struct netlink_ext_ack *extack)
{
	struct ipd_sa *sa = install->sa;
	struct outbound_key key = outbound_key(&sa->params);
	int err;

	if (is_full(sa->sad)) {
		NL_SET_ERR_MSG(extack, "there are too many associations");
		return -ENOSPC;
	}
	err = add_id(sa);
	if (err)
		return err;
	ipd_sa_set_state(sa, IPSECDRV_SA_STATE_MATURE);
	err = rhashtable_lookup_insert_key(&sa->sad->outbound, &key, &sa->node, outbound_params);
	if (err) {
		if (err == -EEXIST)
			NL_SET_ERR_MSG(extack, "there is an outbound association with this SPI");
		xa_erase(&sa->sad->all, sa->id);
		return err;
	}
	link_rest(sa);
	return 0;
}

static int link_one(struct install *install, struct netlink_ext_ack *extack)
{
	return install->sa->params.direction == IPSECDRV_DIRECTION_IN ?
		       link_inbound(install, extack) : link_outbound(install, extack);
}

static bool is_around(const struct ipd_sa *ah, const struct ipd_sa_params *esp)
{
	const struct ipd_sa_params *params = &ah->params;

	return params->protection == IPSECDRV_PROTECTION_AH && params->spi == esp->bundle_spi &&
	       params->direction == esp->direction && params->family == esp->family;
}

static bool is_for_same_traffic(const struct ipd_sa_params *a, const struct ipd_sa_params *b)
{
	return a->filter_id == b->filter_id && a->encapsulation == b->encapsulation &&
	       has_addr(a->family, &a->local, &b->local) &&
	       has_addr(a->family, &a->remote, &b->remote) &&
	       !memcmp(&a->selector, &b->selector, sizeof(a->selector));
}

/* Ties an ESP association to the AH one around it, if it names one. Nobody has seen them yet. */
static int tie(struct install *installs, unsigned int n, struct ipd_sa *esp,
	       struct netlink_ext_ack *extack)
{
	struct ipd_sa *ah = NULL;
	unsigned int i;

	if (!esp->params.bundle_spi)
		return 0;
	for (i = 0; i < n && !ah; i++)
		if (is_around(installs[i].sa, &esp->params))
			ah = installs[i].sa;
	if (!ah) {
		NL_SET_ERR_MSG(extack, "the bundle's AH association is not in the same request");
		return -EINVAL;
	}
	if (ah->inner_spi || !is_for_same_traffic(&ah->params, &esp->params)) {
		NL_SET_ERR_MSG(extack, "the associations of a bundle are not for the same traffic");
		return -EINVAL;
	}
	if (WARN_ON_ONCE(!ipd_sa_get(ah)))
		return -EINVAL;
	ah->inner_spi = esp->params.spi;
	esp->outer = ah;
	return 0;
}

static int attach(struct ipd_net *ipd, struct ipd_sa *sa, struct netlink_ext_ack *extack)
{
	int err;

	if (!stands_for_pair(sa))
		return 0;
	err = ipd_acquire_attach(ipd, sa);
	if (err == -ENOSPC)
		NL_SET_ERR_MSG(extack, "there are too many negotiations");
	sa->is_attached = !err;
	return err;
}

/* Undoes what was done for one association, whatever that is. */
static void take_back(struct ipd_net *ipd, struct install *install)
{
	struct ipd_sa *sa = install->sa, *larval = install->larval;

	if (!sa)
		return;
	ipd_sa_set_state(sa, IPSECDRV_SA_STATE_DEAD);
	if (sa->is_attached) {
		sa->is_attached = false;
		ipd_acquire_detach(ipd, sa);
	}
	if (larval) {
		rhashtable_replace_fast(&ipd->sad->inbound, &sa->node, &larval->node,
					inbound_params);
		xa_erase(&ipd->sad->all, sa->id);
		unlink_rest(sa);
		link_rest(larval);
		ipd_sa_put(sa);
	} else if (sa->is_linked) {
		unlink(sa);
	} else {
		ipd_sa_put(sa);
	}
}

/* nothing can fail any more */
static void settle(struct ipd_net *ipd, struct install *install)
{
	struct ipd_sa *sa = install->sa, *larval = install->larval;
	struct ipd_sad *sad = ipd->sad;

	if (stands_for_pair(sa)) {
		sad->additions++;
		sad->rekeys += is_rekey(sa);
	}
	if (larval) {
		ipd_sa_set_state(larval, IPSECDRV_SA_STATE_DEAD);
		xa_erase(&sad->all, larval->id);
		ipd_sa_put(larval);
	}
}

int ipd_sad_install(struct ipd_net *ipd, const struct ipd_sa_config *configs, unsigned int n,
		    struct netlink_ext_ack *extack)
{
	struct install *installs;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&ipd->cfg_mutex);
	installs = kcalloc(n, sizeof(*installs), GFP_KERNEL);
	if (!installs)
		return -ENOMEM;
	for (i = 0; i < n && !err; i++)
		err = make(ipd, &configs[i], &installs[i], extack);
	for (i = 0; i < n && !err; i++)
		err = tie(installs, n, installs[i].sa, extack);
	for (i = 0; i < n && !err; i++)
		err = link_one(&installs[i], extack);
	for (i = 0; i < n && !err; i++)
		err = attach(ipd, installs[i].sa, extack);
	for (i = 0; i < n; i++) {
		/* in reverse, so that each finds what it left */
		if (err)
			take_back(ipd, &installs[n - 1 - i]);
		else
			settle(ipd, &installs[i]);
	}
	kfree(installs);
	return err;
}

/* --- removing --------------------------------------------------------- */

int ipd_sad_delete(struct ipd_net *ipd, const struct ipd_sa_config *which,
		   struct netlink_ext_ack *extack)
{
	struct ipd_sa_params pair_params = pair_of(&which->params, which->pair_spi);
	struct ipd_sa *sa = find_locked(ipd->sad, &which->params);
	struct ipd_sa *pair = NULL;

	if (!sa) {
		NL_SET_ERR_MSG(extack, "there is no such association");
		return -ENOENT;
	}
	if (which->pair_spi)
		pair = find_locked(ipd->sad, &pair_params);
	/* outbound first: no packet may leave whose answer would be dropped */
	if (pair && pair->params.direction == IPSECDRV_DIRECTION_OUT)
		swap(sa, pair);
	ipd_sad_remove(sa);
	if (pair)
		ipd_sad_remove(pair);
	return 0;
}

/* removes those for which @gone says true, or all of them */
static void remove_many(struct ipd_net *ipd, bool (*gone)(u32 filter_id, void *data), void *data)
{
	struct ipd_sa *sa;
	unsigned long id;

	lockdep_assert_held(&ipd->cfg_mutex);
	xa_for_each(&ipd->sad->all, id, sa) {
		if (gone && (!sa->params.filter_id || !gone(sa->params.filter_id, data)))
			continue;
		ipd_sad_remove(sa);
		cond_resched();
	}
}

void ipd_sad_flush(struct ipd_net *ipd)
{
	remove_many(ipd, NULL, NULL);
}

void ipd_sad_prune(struct ipd_net *ipd, bool (*gone)(u32 filter_id, void *data), void *data)
{
	remove_many(ipd, gone, data);
}

/* --- reading ---------------------------------------------------------- */

const struct ipd_sa *ipd_sad_next(struct ipd_net *ipd, u64 *cursor)
{
	unsigned long id = *cursor;
	struct ipd_sa *sa;

	if (*cursor > ULONG_MAX)
		return NULL;
	sa = xa_find(&ipd->sad->all, &id, ULONG_MAX, XA_PRESENT);
	if (sa)
		*cursor = (u64)id + 1;
	return sa;
}

const struct ipd_sa *ipd_sad_find(struct ipd_net *ipd, const struct ipd_sa_config *which)
{
	return find(ipd->sad, &which->params);
}

static int put_bytes(struct sk_buff *msg, int type, u64 value)
{
	return nla_put_u64_64bit(msg, type, value, IPSECDRV_STATISTICS_A_PAD);
}

static void sum_sad(const struct ipd_sad *sad, struct ipd_sad_counters *sum)
{
	int cpu, dir;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct ipd_sad_counters *one = per_cpu_ptr(sad->counters, cpu);

		for (dir = 0; dir < 2; dir++) {
			sum->confidential[dir] += READ_ONCE(one->confidential[dir]);
			sum->authenticated[dir] += READ_ONCE(one->authenticated[dir]);
			sum->transport[dir] += READ_ONCE(one->transport[dir]);
			sum->tunnel[dir] += READ_ONCE(one->tunnel[dir]);
			sum->copies[dir] += READ_ONCE(one->copies[dir]);
		}
	}
}

int ipd_sad_fill_statistics(struct sk_buff *msg, struct ipd_net *ipd)
{
	const int out = IPSECDRV_DIRECTION_OUT, in = IPSECDRV_DIRECTION_IN;
	const struct ipd_sad *sad = ipd->sad;
	struct ipd_sad_counters sum;

	sum_sad(sad, &sum);
	if (nla_put_u32(msg, IPSECDRV_STATISTICS_A_ACTIVE_SAS, READ_ONCE(sad->active)) ||
	    nla_put_u32(msg, IPSECDRV_STATISTICS_A_ACTIVE_PAIRS, READ_ONCE(sad->pairs)) ||
	    nla_put_u32(msg, IPSECDRV_STATISTICS_A_LARVAL_SAS, READ_ONCE(sad->larval)) ||
	    nla_put_u32(msg, IPSECDRV_STATISTICS_A_ACTIVE_TUNNELS, READ_ONCE(sad->tunnels)) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_KEY_ADDITIONS, sad->additions) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_KEY_DELETIONS, sad->deletions) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_REKEYS, sad->rekeys) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_OUT, sum.confidential[out]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_CONFIDENTIAL_BYTES_IN, sum.confidential[in]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_OUT, sum.authenticated[out]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_AUTHENTICATED_BYTES_IN, sum.authenticated[in]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_OUT, sum.transport[out]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_TRANSPORT_BYTES_IN, sum.transport[in]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_TUNNEL_BYTES_OUT, sum.tunnel[out]) ||
	    put_bytes(msg, IPSECDRV_STATISTICS_A_TUNNEL_BYTES_IN, sum.tunnel[in]))
		return -EMSGSIZE;
	return 0;
}
