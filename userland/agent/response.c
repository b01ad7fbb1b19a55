// SPDX-License-Identifier: MIT
#include "agent/response.h"

#include <errno.h>

#include "agent/ruleset.h"
#include "agent/sa_check.h"
#include "base/log.h"

static struct kernel_filter_side side_of(const struct ip_addr *host, uint16_t port)
{
	struct kernel_filter_side side = {
		.addr = *host, .mask.family = host->family, .port = port,
	};

	memset(side.mask.bytes, 0xff, ip_addr_len(host));
	return side;
}

struct kernel_filter response_filter(uint32_t id, const struct ike_selector *selector)
{
	return (struct kernel_filter){
		.id = id,
		.family = selector->local.family,
		.local = side_of(&selector->local, selector->local_port),
		.remote = side_of(&selector->remote, selector->remote_port),
		.protocol = selector->protocol,
		.outbound = IPSECDRV_ACTION_NEGOTIATE,
		.inbound = IPSECDRV_ACTION_NEGOTIATE,
	};
}

static struct ike_selector selector_of(const struct kernel_filter *filter)
{
	return (struct ike_selector){
		.local = filter->local.addr,
		.remote = filter->remote.addr,
		.local_prefix = (uint8_t)(8 * ip_addr_len(&filter->local.addr)),
		.remote_prefix = (uint8_t)(8 * ip_addr_len(&filter->remote.addr)),
		.protocol = filter->protocol,
		.local_port = filter->local.port,
		.remote_port = filter->remote.port,
	};
}

/* --- finding ------------------------------------------------------------------------------ */

static size_t place_of(const struct layers *layers, uint32_t id)
{
	size_t i = 0;

	while (i < layers->n_responses && layers->responses[i]->filter.id != id)
		i++;
	return i;
}

const struct layer_filter *response_find(const struct layers *layers, uint32_t id)
{
	size_t i = place_of(layers, id);

	return i < layers->n_responses ? layers->responses[i] : NULL;
}

const struct layer_filter *response_find_traffic(const struct layers *layers,
						 const struct ike_selector *selector)
{
	struct kernel_filter wanted = response_filter(0, selector);

	for (size_t i = 0; i < layers->n_responses; i++)
		if (kernel_filter_is_same_traffic(&layers->responses[i]->filter, &wanted))
			return layers->responses[i];
	return NULL;
}

/* --- coming and going --------------------------------------------------------------------- */

/* With the driver, or from it. */
static int take(struct layers *layers, const struct kernel_filter *filter)
{
	struct layer_filter **longer, *response;

	if (layers->n_responses == RESPONSES_MAX)
		return -EAGAIN;
	longer = reallocarray(layers->responses, layers->n_responses + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	layers->responses = longer;
	response = calloc(1, sizeof(*response));
	if (!response)
		return -ENOMEM;
	response->filter = *filter;
	response->rule[IPSECDRV_DIRECTION_OUT] = ruleset_rule_ref(layers->default_rule);
	response->rule[IPSECDRV_DIRECTION_IN] = ruleset_rule_ref(layers->default_rule);
	layers->responses[layers->n_responses++] = response;
	return 0;
}

static void free_response(struct layer_filter *response)
{
	ruleset_rule_unref(response->rule[IPSECDRV_DIRECTION_OUT]);
	ruleset_rule_unref(response->rule[IPSECDRV_DIRECTION_IN]);
	free(response);
}

static void forget(struct layers *layers, size_t i)
{
	free_response(layers->responses[i]);
	layers->responses[i] = layers->responses[--layers->n_responses];
}

int response_add(struct layers *layers, struct kernel *kernel, uint32_t id,
		 const struct ike_selector *selector)
{
	struct kernel_filter filter = response_filter(id, selector);
	int r;

	if (!layers->default_rule)
		return -ENOENT;
	r = take(layers, &filter);
	if (r)
		return r;
	r = kernel->ops->filters_add(kernel, &filter, 1);
	if (r)
		forget(layers, layers->n_responses - 1);
	return r;
}

void response_remove(struct layers *layers, struct kernel *kernel, uint32_t id)
{
	size_t i = place_of(layers, id);
	int r;

	if (i == layers->n_responses)
		return;
	forget(layers, i);
	r = kernel->ops->filters_del(kernel, &id, 1);
	if (r && r != -ENOENT)
		log_warning("the driver did not remove filter %u of the default response rule: %s",
			    id, kernel->why);
}

void response_clear(struct layers *layers)
{
	while (layers->n_responses)
		forget(layers, layers->n_responses - 1);
	free(layers->responses);
	layers->responses = NULL;
}

/* --- changes of policy -------------------------------------------------------------------- */

/* By a filter that was not there when it was made. */
static bool is_covered(const struct layers *after, const struct layers *before,
		       const struct kernel_filter *response, const struct expand_names *names)
{
	struct ike_selector selector = selector_of(response);
	bool is_me = names->is_me(names->userdata, &selector.local);

	for (size_t i = 0; i < after->n_filters; i++) {
		const struct kernel_filter *filter = &after->filters[i].filter;

		if (sa_check_covers(filter, &selector, is_me) &&
		    (before->filters_are_adopted || !layers_find(before, filter->id)))
			return true;
	}
	return false;
}

static int keep(struct layers *after, const struct layers *before,
		const struct kernel_filter *response, const struct expand_names *names)
{
	return is_covered(after, before, response, names) ? 0 : take(after, response);
}

static bool is_host(const struct kernel_filter_side *side)
{
	struct kernel_filter_side host = side_of(&side->addr, 0);

	return side->class == IPSECDRV_ADDRESS_CLASS_MASK &&
	       ip_addr_is_equal(&side->mask, &host.mask);
}

static bool looks_like_one(const struct kernel_filter *filter)
{
	return filter->class == IPSECDRV_FILTER_CLASS_TRANSPORT && is_host(&filter->local) &&
	       is_host(&filter->remote) && filter->connection == IPSECDRV_CONNECTION_ALL &&
	       !filter->interface[0] && filter->outbound == IPSECDRV_ACTION_NEGOTIATE &&
	       filter->inbound == IPSECDRV_ACTION_NEGOTIATE;
}

int response_keep(struct layers *after, const struct layers *before,
		  const struct expand_names *names)
{
	int r = 0;

	if (!after->default_rule || !before)
		return 0;
	if (before->filters_are_adopted) {
		for (size_t i = 0; !r && i < before->n_filters; i++) {
			const struct kernel_filter *filter = &before->filters[i].filter;

			if (looks_like_one(filter) && !layers_find(after, filter->id))
				r = keep(after, before, filter, names);
		}
	} else if (before->default_rule &&
		   before->default_rule->treatment->version ==
			   after->default_rule->treatment->version) {
		for (size_t i = 0; !r && i < before->n_responses; i++)
			r = keep(after, before, &before->responses[i]->filter, names);
	}
	return r == -EAGAIN ? 0 : r;
}
