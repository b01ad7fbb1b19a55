// SPDX-License-Identifier: MIT
/* What peers ask for, and what the filters allow them. Contract: negotiate.h. */
#include "agent/negotiate_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/response.h"
#include "agent/ruleset.h"
#include "agent/sa_check.h"
#include "agent/translate.h"
#include "base/log.h"

/* --- grants ------------------------------------------------------------------------------- */

/* Removes the grant that *@place points to, so that *@place is the next one. */
static void remove_grant(struct negotiate *negotiate, struct grant **place)
{
	struct grant *grant = *place;

	*place = grant->next;
	free(grant);
	negotiate->n_grants--;
}

static void drop_expired_grants(struct negotiate *negotiate)
{
	uint64_t now = negotiate_now(negotiate);
	struct grant **place = &negotiate->grants;

	while (*place) {
		if ((*place)->until <= now)
			remove_grant(negotiate, place);
		else
			place = &(*place)->next;
	}
}

static int add_grant(struct negotiate *negotiate, const struct ike_qm_query *query,
		     uint32_t filter_id, bool is_response)
{
	struct grant *grant;

	drop_expired_grants(negotiate);
	if (negotiate->n_grants == NEGOTIATE_GRANTS_MAX)
		return -EAGAIN;
	grant = calloc(1, sizeof(*grant));
	if (!grant)
		return -ENOMEM;
	*grant = (struct grant){
		.next = negotiate->grants,
		.filter_id = filter_id,
		.is_initiator = query->is_initiator,
		.is_response = is_response,
		.selector = query->selector,
		.until = negotiate_now(negotiate) + NEGOTIATE_GRANT_USEC,
	};
	negotiate->grants = grant;
	negotiate->n_grants++;
	return 0;
}

static struct grant **find_grant(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	struct grant **place = &negotiate->grants;

	drop_expired_grants(negotiate);
	while (*place && ((*place)->filter_id != install->filter_id ||
			  (*place)->is_initiator != install->is_initiator ||
			  !translate_is_same_selector(&(*place)->selector, &install->selector)))
		place = &(*place)->next;
	return place;
}

bool negotiate_take_grant(struct negotiate *negotiate, const struct ike_sa_install *install)
{
	struct grant **place = find_grant(negotiate, install);

	if (!*place)
		return false;
	remove_grant(negotiate, place);
	return true;
}

bool negotiate_drop_grants(struct negotiate *negotiate, uint32_t filter_id)
{
	struct grant **place = &negotiate->grants;
	bool has_dropped = false;

	while (*place) {
		if ((*place)->filter_id == filter_id) {
			remove_grant(negotiate, place);
			has_dropped = true;
		} else {
			place = &(*place)->next;
		}
	}
	return has_dropped;
}

void negotiate_clear_grants(struct negotiate *negotiate)
{
	while (negotiate->grants)
		(void)negotiate_drop_grants(negotiate, negotiate->grants->filter_id);
}

/* --- default response --------------------------------------------------------------------- */

/* No filter of another rule is for what the peer wants: exactly that, between it and this host. */
static int answer_by_default(struct negotiate *negotiate, const struct ike_qm_query *query,
			     bool is_me, struct ike_qm_policy *ret_policy)
{
	struct layers *layers = negotiate->layers;
	const struct ruleset_rule *rule = layers->default_rule;
	const struct layer_filter *known = response_find_traffic(layers, &query->selector);
	struct kernel_filter filter;
	int r;

	/* it never starts anything, but renews what it has */
	if (!rule || !is_me || (query->is_initiator ? !known :
				!translate_has_auth(rule->treatment->rule, query->auth)))
		return -ENOENT;
	filter = response_filter(known ? known->filter.id : layers_new_id(layers),
				 &query->selector);
	if (!sa_check_selector(&filter, &query->selector, is_me) ||
	    !sa_check_ends(&filter, &query->selector, &query->path))
		return -ENOENT;
	r = add_grant(negotiate, query, filter.id, true);
	if (r)
		return r;
	translate_qm_policy(rule, &filter, ret_policy);
	return 0;
}

const struct layer_filter *negotiate_open_response(struct negotiate *negotiate,
						   const struct ike_sa_install *install)
{
	const struct grant *grant = *find_grant(negotiate, install);
	struct kernel *kernel = negotiate->config.kernel;
	int r;

	if (!grant || !grant->is_response)
		return NULL;
	r = response_add(negotiate->layers, kernel, install->filter_id, &install->selector);
	if (r)
		log_warning("no filter for an answer by the default response rule: %s",
			    r == -EAGAIN ? "there are too many" : kernel->why);
	return r ? NULL : layers_find(negotiate->layers, install->filter_id);
}

/* --- questions ---------------------------------------------------------------------------- */

int negotiate_policy_mm(struct negotiate *negotiate, const struct link_policy_mm_query *query,
			struct ike_mm_policy *ret_policy)
{
	const struct ike_path *path = &query->path;
	const struct layer_mm *mm = negotiate_find_mm(negotiate, &path->local, &path->remote);

	if (!mm || !negotiate_is_me(negotiate, &path->local))
		return -ENOENT;
	if (query->active_seconds &&
	    !negotiate_has_peer_moved(negotiate, path, query->active_seconds))
		return -ENOENT;
	translate_mm_policy(mm, negotiate->gss_name, ret_policy);
	return 0;
}

/* Packets of the selector go by an interface that the filter is for, as the routes are now. */
static bool is_in_scope(struct negotiate *negotiate, const struct kernel_filter *filter,
			const struct ike_selector *selector)
{
	struct kernel *kernel = negotiate->config.kernel;
	struct kernel_flow flow = {
		.direction = IPSECDRV_DIRECTION_OUT,
		.source = selector->local,
		.destination = selector->remote,
		.protocol = selector->protocol,
	};
	struct kernel_match match;

	if (filter->connection == IPSECDRV_CONNECTION_ALL && !filter->interface[0])
		return true;
	if (kernel->ops->match(kernel, &flow, &match))
		return false;
	return filter->interface[0] ? !strcmp(match.interface, filter->interface) :
				      match.connection == filter->connection;
}

/*
 * The filter that the selector's traffic is negotiated for: in each direction the most specific
 * one that has all of it and says something decides. NULL when that is permit, block or nothing;
 * *ret_is_covered tells nothing from the others.
 */
static const struct layer_filter *find_filter(struct negotiate *negotiate,
					      const struct ike_selector *selector, bool is_me,
					      bool *ret_is_covered)
{
	struct layer_filter *const *order =
		layers_order(negotiate->layers, negotiate->config.kernel);
	const struct layer_filter *out = NULL, *in = NULL;

	*ret_is_covered = true;
	if (!order) {
		log_warning("the driver's filters could not be read: %s",
			    negotiate->config.kernel->why);
		return NULL;
	}
	for (size_t i = 0; i < negotiate->layers->n_filters && (!out || !in); i++) {
		const struct kernel_filter *filter = &order[i]->filter;

		if (!sa_check_covers(filter, selector, is_me) ||
		    !is_in_scope(negotiate, filter, selector))
			continue;
		if (!out && filter->outbound != IPSECDRV_ACTION_NONE)
			out = order[i];
		if (!in && filter->inbound != IPSECDRV_ACTION_NONE)
			in = order[i];
	}
	*ret_is_covered = out || in;
	if (out && out->filter.outbound == IPSECDRV_ACTION_NEGOTIATE)
		return out;
	return in && in->filter.inbound == IPSECDRV_ACTION_NEGOTIATE ? in : NULL;
}

int negotiate_policy_qm(struct negotiate *negotiate, const struct ike_qm_query *query,
			struct ike_qm_policy *ret_policy)
{
	bool is_me = negotiate_is_me(negotiate, &query->selector.local);
	const struct layer_mm *mm = negotiate_find_mm(negotiate, &query->path.local, &query->path.remote);
	const struct layer_filter *filter;
	bool is_covered;
	int r;

	if (!mm || !negotiate_is_me(negotiate, &query->path.local))
		return -ENOENT;
	filter = find_filter(negotiate, &query->selector, is_me, &is_covered);
	if (!is_covered)
		return answer_by_default(negotiate, query, is_me, ret_policy);
	if (!filter || !negotiate_filter(negotiate, filter->filter.id))
		return -ENOENT;		/* permit and block do not negotiate either */
	if (!negotiate_find_mm_of(negotiate, filter, &query->path.local, &query->path.remote))
		return -ENOENT;
	if (!sa_check_selector(&filter->filter, &query->selector, is_me) ||
	    !sa_check_ends(&filter->filter, &query->selector, &query->path))
		return -ENOENT;
	/* A pair that we renew has no main mode yet; the one it gets is PolicyMm's affair. */
	if (!query->is_initiator && !translate_has_auth(mm->rule->treatment->rule, query->auth))
		return -ENOENT;
	r = add_grant(negotiate, query, filter->filter.id, false);
	if (r)
		return r;
	translate_qm_policy(layer_filter_rule(filter), &filter->filter, ret_policy);
	return 0;
}
