/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SA_CHECK_H
#define AGENT_SA_CHECK_H

#include "agent/layers.h"
#include "ike/engine.h"

/*
 * What ipsec-ike may have installed. It parses what strangers send and may be in their hands, so
 * everything it says is held against policy again, by a process that no stranger talks to: even
 * then it can make no association for traffic, peers, algorithms or lifetimes that no rule allows.
 * Pure functions; who asked for the association is the caller's question (negotiate.h).
 */

#define SA_CHECK_WHY_LEN 256

/*
 * Whether all traffic of @selector is on the two sides of @filter, with its protocol and ports or
 * narrower ones. @is_me: the selector's local address is this host's.
 */
bool sa_check_covers(const struct kernel_filter *filter, const struct ike_selector *selector,
		     bool is_me);
/*
 * And whether it is what the driver negotiates for by that filter: in transport mode two hosts, in
 * a tunnel the whole of its sides (this host, where a side is me).
 */
bool sa_check_selector(const struct kernel_filter *filter, const struct ike_selector *selector,
		       bool is_me);
/*
 * Whether those two negotiate for it: the hosts themselves, or the ends of the filter's tunnel.
 */
bool sa_check_ends(const struct kernel_filter *filter, const struct ike_selector *selector,
		   const struct ike_path *path);

/*
 * 0, or -EPERM with the reason in @why (no full stop; it may name numbers of the peer, never keys).
 * @filter is the one that install->filter_id names, or NULL. @has_end, @is_me: this host has the
 * local address of the path, and of the selector.
 */
int sa_check_install(const struct ike_sa_install *install, const struct layer_filter *filter,
		     bool has_end, bool is_me, char why[static SA_CHECK_WHY_LEN]);

#endif /* AGENT_SA_CHECK_H */
