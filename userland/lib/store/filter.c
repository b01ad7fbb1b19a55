// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/address.h"
#include "store/head.h"
#include "store/object.h"
#include "store/order.h"

struct store_filter *store_filter_new(void)
{
	struct store_filter *filter = calloc(1, sizeof(*filter));

	if (filter)
		filter->mirrored = true;
	return filter;
}

struct store_filter *store_filter_copy(const struct store_filter *filter)
{
	_cleanup_(store_filter_freep) struct store_filter *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *filter;
	copy->source.name = NULL;
	copy->destination.name = NULL;
	if (store_head_copy(&filter->head, &copy->head) < 0 ||
	    policy_address_copy(&filter->source, &copy->source) < 0 ||
	    policy_address_copy(&filter->destination, &copy->destination) < 0)
		return NULL;
	return TAKE_PTR(copy);
}

struct store_filter *store_filter_free(struct store_filter *filter)
{
	if (!filter)
		return NULL;
	store_head_clear(&filter->head);
	policy_address_clear(&filter->source);
	policy_address_clear(&filter->destination);
	free(filter);
	return NULL;
}

bool store_filter_matches(const struct store_filter *filter, const struct store_filter *pattern,
			  uint32_t given)
{
	if ((given & STORE_FIELD_SRCADDR) &&
	    !policy_address_is_equal(&filter->source, &pattern->source))
		return false;
	if ((given & STORE_FIELD_DSTADDR) &&
	    !policy_address_is_equal(&filter->destination, &pattern->destination))
		return false;
	if ((given & STORE_FIELD_PROTOCOL) && filter->protocol != pattern->protocol)
		return false;
	if ((given & STORE_FIELD_SRCPORT) && filter->source_port != pattern->source_port)
		return false;
	if ((given & STORE_FIELD_DSTPORT) && filter->destination_port != pattern->destination_port)
		return false;
	if ((given & STORE_FIELD_MAINMODE) && filter->is_main_mode != pattern->is_main_mode)
		return false;
	return !(given & STORE_FIELD_MIRRORED) || filter->mirrored == pattern->mirrored;
}

int store_filter_check(const struct store_filter *filter, char why[static POLICY_WHY_LEN])
{
	/* A filter is what a permitting rule of the dynamic context has; the strings are borrowed. */
	const struct policy_rule rule = {
		.source = filter->source,
		.destination = filter->destination,
		.protocol = filter->protocol,
		.source_port = filter->source_port,
		.destination_port = filter->destination_port,
		.mirrored = filter->mirrored,
		.inbound = IPSECDRV_ACTION_PERMIT,
		.outbound = IPSECDRV_ACTION_PERMIT,
	};

	if (filter->is_main_mode && (filter->protocol || !filter->mirrored))
		return store_refuse(why, "mainmode=yes: main mode looks at addresses alone and goes both "
				    "ways: leave protocol, ports and mirrored out");
	return store_head_check_unnamed(&filter->head, why) ?: policy_rule_check(&rule, why);
}

static int compare_addresses(const struct policy_address *a, const struct policy_address *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == POLICY_ADDRESS_NAME)
		return strcasecmp(a->name, b->name);
	if (a->kind != POLICY_ADDRESS_IP)
		return 0;
	return ip_addr_compare(&a->addr, &b->addr) ?: ip_addr_compare(&a->mask, &b->mask);
}

/* One number that orders as main mode filter or not, protocol, ports and mirroring do. */
static uint64_t traffic_key(const struct store_filter *filter)
{
	return (uint64_t)filter->is_main_mode << 48 | (uint64_t)filter->protocol << 40 |
	       (uint64_t)filter->source_port << 24 |
	       (uint64_t)filter->destination_port << 8 | filter->mirrored;
}

int store_filter_compare(const struct store_filter *a, const struct store_filter *b)
{
	uint64_t key_a = traffic_key(a), key_b = traffic_key(b);
	int order = compare_addresses(&a->source, &b->source);

	if (!order)
		order = compare_addresses(&a->destination, &b->destination);
	if (!order && key_a != key_b)
		order = key_a < key_b ? -1 : 1;
	return order;
}
