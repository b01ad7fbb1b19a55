// SPDX-License-Identifier: MIT
#include "agent/driver_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "base/cleanup.h"
#include "nl/names_gen.h"
#include "policy/bus.h"
#include "policy/fault.h"

#define TREATMENT_LEN	64

static int compare_ids(const void *a, const void *b)
{
	const struct kernel_filter *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static const char *format_treatment(const struct kernel_filter *filter,
				    char buf[static TREATMENT_LEN])
{
	(void)snprintf(buf, TREATMENT_LEN, "actioninbound=%s actionoutbound=%s",
		       nl_action_name(filter->inbound), nl_action_name(filter->outbound));
	return buf;
}

/* @ours or @theirs may be NULL, but not both. */
static int append(sd_bus_message *m, const char *difference, const struct layer_filter *ours,
		  const struct kernel_filter *theirs)
{
	const struct kernel_filter *filter = theirs ? theirs : &ours->filter;
	const struct ruleset_rule *rule = ours ? layer_filter_rule(ours) : NULL;
	char text[KERNEL_FILTER_STRLEN], before[TREATMENT_LEN], after[TREATMENT_LEN];
	struct policy_driver_difference_info info = {
		.difference = difference,
		.id = filter->id,
		.rule = rule ? rule->treatment->name : NULL,
		.filter = kernel_filter_format(filter, text),
		.before = ours ? format_treatment(&ours->filter, before) : NULL,
		.after = theirs ? format_treatment(theirs, after) : NULL,
	};

	return policy_bus_append_record(m, &policy_driver_difference_record, &info);
}

static bool has_same_tunnel(const struct kernel_filter *a, const struct kernel_filter *b)
{
	return !ip_addr_compare(&a->tunnel_local, &b->tunnel_local) &&
	       !ip_addr_compare(&a->tunnel_remote, &b->tunnel_remote);
}

/* What the driver has: a filter of the agent's with other traffic is not the agent's any more. */
static int append_found(sd_bus_message *m, const struct layers *layers,
			const struct kernel_filter *filter)
{
	const struct layer_filter *ours = layers_find(layers, filter->id);

	if (!ours || !kernel_filter_is_same_traffic(&ours->filter, filter))
		return append(m, "foreign", NULL, filter);
	if (ours->filter.outbound == filter->outbound && ours->filter.inbound == filter->inbound &&
	    has_same_tunnel(&ours->filter, filter))
		return 0;
	return append(m, "changed", ours, filter);
}

/* What it should have. @filters are sorted. */
static int append_missing(sd_bus_message *m, const struct layer_filter *ours,
			  const struct kernel_filter *filters, size_t n)
{
	const struct kernel_filter *found =
		n ? bsearch(&ours->filter, filters, n, sizeof(*filters), compare_ids) : NULL;

	if (found && kernel_filter_is_same_traffic(&ours->filter, found))
		return 0;
	return append(m, "missing", ours, NULL);
}

int driver_check_append(sd_bus_message *m, struct agent *agent, struct fault *fault)
{
	const struct layers *layers = agent->layers;
	struct kernel *kernel = agent->kernel;
	_cleanup_free_ struct kernel_filter *filters = NULL;
	size_t n;
	int r;

	if (kernel->ops->filter_dump(kernel, &filters, &n))
		return fault_failed(fault, "the driver's filters cannot be read: %s", kernel->why);
	if (n)
		qsort(filters, n, sizeof(*filters), compare_ids);
	r = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (size_t i = 0; layers && r >= 0 && i < layers->n_filters; i++)
		r = append_missing(m, &layers->filters[i], filters, n);
	for (size_t i = 0; layers && r >= 0 && i < n; i++)
		r = append_found(m, layers, &filters[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}
