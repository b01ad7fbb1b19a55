/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EXPAND_H
#define AGENT_EXPAND_H

#include <stddef.h>

#include "nl/kernel.h"
#include "policy/model.h"

/*
 * From a rule to the driver's filters. Pure: what names and server keywords stand for comes from
 * outside, and nothing is remembered.
 *
 * A rule says source and destination, a filter says local and remote. So a rule has two
 * orientations:
 *
 *   A  local is the source:       packets source -> destination leave, answers arrive
 *   B  local is the destination:  packets source -> destination arrive, answers leave
 *
 * A rule for me is one of them (A if me is the source), any other rule is both, or one if they are
 * equal. A mirrored rule gives both actions to each; otherwise A has the outbound action only and
 * B the inbound action only. Ports go with their side. A filter has one family, so any and me are a
 * filter in each family that the other side allows.
 *
 * Example: srcaddr=10.0.0.0/8 dstaddr=me protocol=tcp dstport=23, block, mirrored is the one filter
 * "local me port 23, remote 10.0.0.0/8, TCP, outbound block, inbound block".
 *
 * A tunnel rule has one orientation: B if its tunnel ends at this host, A if it ends at the peer;
 * me says which, else the endpoint does. Its filter has the one endpoint that the rule names, and
 * the action of its direction: tunnel.h makes one filter of the two rules of a tunnel.
 *
 * me stays a class of addresses that the driver knows at the moment of the packet
 * (Documentation/decisions/0001-me-is-known-by-the-driver.rst).
 */

#define EXPAND_FILTERS_MAX	200000	/* of all rules */

/* What is not in the rules. */
struct expand_names {
	/* The addresses that a name or a server keyword stands for; *ret_n may be 0. Borrowed. */
	const struct ip_addr *(*lookup)(void *userdata, const struct policy_address *address,
					size_t *ret_n);
	/* Whether this host has the address. */
	bool (*is_me)(void *userdata, const struct ip_addr *addr);
	/* The address that packets to @remote leave from; -ENETUNREACH and the like. */
	int (*find_source)(void *userdata, const struct ip_addr *remote, struct ip_addr *ret_addr);
	void *userdata;
};

struct expand_list {
	struct kernel_filter *filters;
	size_t n;
	size_t cap;
};

void expand_list_done(struct expand_list *list);

/*
 * Appends the filters of @rule, without ids; the default response rule has none. 0, -ENOMEM, or
 * -ENOSPC above EXPAND_FILTERS_MAX.
 */
int expand_rule(const struct policy_rule *rule, const struct expand_names *names,
		struct expand_list *list);

#endif /* AGENT_EXPAND_H */
