// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mode, exemptions, filter, negotiation: in this order, and the first that knows decides. The
 * verdict starts as a drop, so that a case that nobody thought of is one.
 */
#include <linux/bottom_half.h>
#include <linux/err.h>
#include <linux/string.h>

#include "acquire.h"
#include "decide.h"
#include "exempt.h"
#include "filter.h"
#include "flow.h"
#include "flowcache.h"
#include "mode.h"
#include "net.h"
#include "netlink.h"
#include "startup.h"

static void drop(struct ipd_decision *decision, u8 reason)
{
	decision->verdict = IPSECDRV_VERDICT_DROP;
	decision->drop_reason = reason;
}

static void pass(struct ipd_decision *decision, u8 reason)
{
	decision->verdict = IPSECDRV_VERDICT_PASS;
	decision->drop_reason = IPSECDRV_DROP_NONE;
	decision->pass_reason = reason;
}

static void protect(struct ipd_decision *decision, u8 verdict)
{
	decision->verdict = verdict;
	decision->drop_reason = IPSECDRV_DROP_NONE;
}

static void decide_startup(struct ipd_net *ipd, enum ipd_mode_rule rule,
			   const struct ipd_flow *flow, struct ipd_decision *decision)
{
	u8 reason = ipd_startup_match(ipd, rule, flow);

	if (reason == IPSECDRV_PASS_REASON_NONE)
		drop(decision, IPSECDRV_DROP_STARTUP);
	else
		pass(decision, reason);
}

/* what the mode decides alone; false when the filters have to be asked */
static bool decide_by_mode(struct ipd_net *ipd, const struct ipd_flow *flow,
			   struct ipd_decision *decision)
{
	enum ipd_mode_rule rule = ipd_mode_rule(READ_ONCE(ipd->mode), flow->direction);

	switch (rule) {
	case IPD_MODE_RULE_FILTER:
		return false;
	case IPD_MODE_RULE_PASS:
		pass(decision, IPSECDRV_PASS_REASON_MODE);
		return true;
	case IPD_MODE_RULE_OPEN:
	case IPD_MODE_RULE_ANSWER:
	case IPD_MODE_RULE_BOOT:
		decide_startup(ipd, rule, flow, decision);
		return true;
	case IPD_MODE_RULE_DROP:
		break;
	}
	drop(decision, IPSECDRV_DROP_MODE_BLOCK);
	return true;
}

/* An outbound packet that may leave only under an association. */
static void decide_by_negotiation(struct ipd_net *ipd, const struct ipd_flow *flow,
				  struct ipd_decision *decision)
{
	switch (ipd_acquire_look(decision->acquire, &decision->sa)) {
	case IPD_ACQUIRE_MATURE:
		protect(decision, IPSECDRV_VERDICT_PROTECT);
		return;
	case IPD_ACQUIRE_SOFT:
		pass(decision, IPSECDRV_PASS_REASON_SOFT_SA);
		return;
	case IPD_ACQUIRE_FAILED:
		drop(decision, IPSECDRV_DROP_NEGOTIATION_FAILED);
		return;
	case IPD_ACQUIRE_LARVAL:
		protect(decision, IPSECDRV_VERDICT_HOLD);
		return;
	case IPD_ACQUIRE_NONE:
		break;
	}
	if (!ipd_nl_has_acquire_listener(ipd->net))
		drop(decision, IPSECDRV_DROP_NO_LISTENER);
	else if (!ipd_acquire_has_room(ipd))
		drop(decision, IPSECDRV_DROP_ACQUIRE_LIMIT);
	else
		protect(decision, IPSECDRV_VERDICT_HOLD);
}

static void decide_negotiate(struct ipd_net *ipd, const struct ipd_flow *flow,
			     struct ipd_decision *decision)
{
	if (!decision->acquire)
		decision->acquire = ipd_acquire_find(ipd, decision->filter, flow);
	if (flow->flags & IPD_FLOW_MULTICAST) {
		drop(decision, IPSECDRV_DROP_MULTICAST);
	} else if (flow->direction == IPSECDRV_DIRECTION_IN) {
		/* a soft association speaks for both directions, a hard one does not */
		if (ipd_acquire_look(decision->acquire, &decision->sa) == IPD_ACQUIRE_SOFT)
			pass(decision, IPSECDRV_PASS_REASON_SOFT_SA);
		else
			drop(decision, IPSECDRV_DROP_CLEAR_TEXT);
		decision->sa = NULL;
	} else if ((flow->flags & IPD_FLOW_FORWARDED) &&
		   decision->filter->class == IPSECDRV_FILTER_CLASS_TRANSPORT) {
		/* transport mode is between the ends of a flow, and we are neither */
		drop(decision, IPSECDRV_DROP_CLEAR_TEXT);
	} else {
		decide_by_negotiation(ipd, flow, decision);
	}
}

static void decide_by_action(struct ipd_net *ipd, const struct ipd_flow *flow,
			     struct ipd_decision *decision)
{
	const struct ipd_filter *filter = decision->filter;

	decision->action = filter->action[flow->direction];
	switch ((enum ipsecdrv_action)decision->action) {
	case IPSECDRV_ACTION_PERMIT:
		if (flow->direction == IPSECDRV_DIRECTION_IN &&
		    filter->action[IPSECDRV_DIRECTION_OUT] == IPSECDRV_ACTION_NEGOTIATE)
			pass(decision, IPSECDRV_PASS_REASON_INBOUND_PASSTHROUGH);
		else
			pass(decision, IPSECDRV_PASS_REASON_PERMIT_FILTER);
		return;
	case IPSECDRV_ACTION_NEGOTIATE:
		decide_negotiate(ipd, flow, decision);
		return;
	case IPSECDRV_ACTION_BLOCK:
	case IPSECDRV_ACTION_NONE:	/* the lookup does not return such a filter */
	case __IPSECDRV_ACTION_MAX:
		break;
	}
	drop(decision, IPSECDRV_DROP_FILTER_BLOCK);
}

static bool is_cacheable(const struct ipd_flow *flow)
{
	return !(flow->flags & (IPD_FLOW_NO_PORTS | IPD_FLOW_FRAGMENT));
}

/*
 * Only a negotiation with an association is remembered. The others come and go with the packets
 * of strangers, and each that went would make the whole cache invalid.
 */
static struct ipd_acquire *cacheable_acquire(struct ipd_net *ipd, const struct ipd_filter *filter,
					     const struct ipd_flow *flow)
{
	struct ipd_acquire *acquire;
	struct ipd_sa *sa;

	if (!filter || flow->direction != IPSECDRV_DIRECTION_OUT ||
	    filter->action[IPSECDRV_DIRECTION_OUT] != IPSECDRV_ACTION_NEGOTIATE)
		return NULL;
	acquire = ipd_acquire_find(ipd, filter, flow);
	return ipd_acquire_look(acquire, &sa) == IPD_ACQUIRE_MATURE ? acquire : NULL;
}

/* @ret_acquire is only set to one that was remembered; bottom halves are off */
static const struct ipd_filter *cached_filter(struct ipd_net *ipd, struct ipd_flowcache *cache,
					      const struct ipd_flow *flow,
					      struct ipd_acquire **ret_acquire)
{
	u32 generation = ipd_net_generation(ipd);
	const struct ipd_filter *filter;

	if (ipd_flowcache_find(cache, flow, generation, &filter, ret_acquire))
		return filter;
	filter = ipd_filter_lookup(rcu_dereference(ipd->filters), ipd->net, flow);
	if (IS_ERR(filter))
		return filter;
	*ret_acquire = cacheable_acquire(ipd, filter, flow);
	ipd_flowcache_store(cache, flow, generation, filter, *ret_acquire);
	return filter;
}

static const struct ipd_filter *find_filter(struct ipd_net *ipd, struct ipd_flowcache *cache,
					    const struct ipd_flow *flow,
					    struct ipd_acquire **ret_acquire)
{
	const struct ipd_filter *filter;

	*ret_acquire = NULL;
	if (!cache || !is_cacheable(flow))
		return ipd_filter_lookup(rcu_dereference(ipd->filters), ipd->net, flow);
	local_bh_disable();
	filter = cached_filter(ipd, cache, flow, ret_acquire);
	local_bh_enable();
	return filter;
}

const struct ipd_filter *ipd_decide_filter(struct ipd_net *ipd, struct ipd_flowcache *cache,
					   const struct ipd_flow *flow)
{
	struct ipd_acquire *acquire;

	return find_filter(ipd, cache, flow, &acquire);
}

u8 ipd_decide_drop_reason(const struct ipd_filter *error)
{
	return PTR_ERR(error) == -ENODEV ? IPSECDRV_DROP_NO_INTERFACE : IPSECDRV_DROP_FRAGMENT;
}

void ipd_decide(struct ipd_net *ipd, struct ipd_flowcache *cache, const struct ipd_flow *flow,
		struct ipd_decision *decision)
{
	const struct ipd_filter *filter;

	memset(decision, 0, sizeof(*decision));
	drop(decision, IPSECDRV_DROP_FILTER_BLOCK);
	if (decide_by_mode(ipd, flow, decision))
		return;
	if (ipd_exempt_is(ipd->net, flow, READ_ONCE(ipd->exempt_level))) {
		pass(decision, IPSECDRV_PASS_REASON_EXEMPT);
		return;
	}
	filter = find_filter(ipd, cache, flow, &decision->acquire);
	if (IS_ERR(filter)) {
		drop(decision, ipd_decide_drop_reason(filter));
		return;
	}
	if (!filter) {
		pass(decision, IPSECDRV_PASS_REASON_NO_FILTER);
		return;
	}
	decision->filter = filter;
	decide_by_action(ipd, flow, decision);
}
